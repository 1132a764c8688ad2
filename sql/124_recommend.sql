-- Recommendations from vectors of items and users. Those of items are in the artefact, which devices hold too; those of users are
-- here alone, a device gets its own user's. Items are searched exactly; with pgvector, those of large models by an HNSW index, whose
-- hits are scored as in the exact search.

create function offline_private.vector_index(p_model text, p_version int)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'model_vector_' || left(md5(p_model), 16) || '_' || p_version
$$;

-- The schema of pgvector, null where it is not installed.
create function offline_private.pgvector_schema()
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'
$$;

create function offline_private.drop_vector_index(p_model text, p_version int)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('offline_data.' || offline_private.vector_index(p_model, p_version)) is not null then
        execute format('drop index offline_data.%I', offline_private.vector_index(p_model, p_version));
    end if;
end
$$;

-- Stores the vectors of a version: those of its users, and where pgvector is installed and the model is large those of its items.
--
-- An HNSW graph finds what is near; the largest dot product is another question. One more entry makes all vectors equally long (a query
-- has 0 there): then the one is the other. But a few that are much longer than the rest, popular items, would put the rest close
-- together, and themselves out of its reach. So the longest are kept apart (kind large), and each search looks at all of them.
create function offline_private.keep_vectors(p_model text, p_version int, p_artifact bytea, p_user_ids text[], p_user_vectors real[])
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_width int := coalesce(cardinality(p_user_vectors) / nullif(cardinality(p_user_ids), 0), 0);
    v_schema text := offline_private.pgvector_schema();
    v_items int;
    v_dimensions int;
begin
    insert into offline_data.model_vector (model, version, kind, id, vector)
    select p_model, p_version, 'user', u.id, p_user_vectors[(u.ord - 1) * v_width + 1 : u.ord * v_width]
    from unnest(p_user_ids) with ordinality u (id, ord);
    if v_schema is null then
        return;
    end if;
    select count(*), min(cardinality(i.vector)) + 1 into v_items, v_dimensions from offline_private.artifact_vectors(p_artifact) i;
    -- pgvector indexes up to 2,000 entries.
    if v_items < offline_private.index_items_min() or v_dimensions > 2000 then
        return;
    end if;
    insert into offline_data.model_vector (model, version, kind, id, vector)
    select p_model, p_version, case when p.is_large then 'large' else 'item' end, p.id,
        p.vector || case when p.is_large then 0 else sqrt(max(p.square) filter (where not p.is_large) over () - p.square) end::real
    from (
        select s.*, row_number() over (order by s.square desc, s.id) <= least(1000, v_items / 50) as is_large
        from (
            select i.id, i.vector, offline_private.vector_dot(i.vector, i.vector) as square
            from offline_private.artifact_vectors(p_artifact) i) s) p;
    execute format('create index %I on offline_data.model_vector using hnsw ((vector::%I.vector(%s)) %I.vector_l2_ops) '
        'where model = %L and version = %s and kind = ''item''',
        offline_private.vector_index(p_model, p_version), v_schema, v_dimensions, v_schema, p_model, p_version);
end
$$;

create function offline_private.stored_vector(p_model text, p_version int, p_user text)
returns real[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select v.vector from offline_data.model_vector v
    where v.model = p_model and v.version = p_version and v.kind = 'user' and v.id = p_user
$$;

-- Definer: the caller's own vector.
create function offline_private.own_vector(p_model text, p_version int)
returns real[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select offline_private.stored_vector(p_model, p_version, offline_private.uid())
$$;

-- Definer, because callers cannot read the vectors: the best items that the index of a version finds, where it is shared and serves.
-- The settings hold for the call alone. The first is set to what this search needs below; the others see to it that the index is used, and
-- that the price of not sorting does not bring the compiler in.
create function offline_private.indexed_items(p_model text, p_version int, p_query real[], p_count int, p_exclude text[])
returns table (id text, score double precision)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set hnsw.ef_search = 40
set enable_sort = off
set jit = off
as $$
declare
    v_schema text := offline_private.pgvector_schema();
    -- Excluded items are found and left out, so the search has to reach that much further. 1,000 is pgvector's most.
    v_reach int := least(1000, 200 + 2 * (p_count + cardinality(p_exclude)));
begin
    if v_schema is null or not exists (select from offline_private.shared_model(p_model, p_version)) then
        return;
    end if;
    perform set_config('hnsw.ef_search', v_reach::text, true);
    return query execute format(
        'with near as materialized (
            select v.id, v.vector from offline_data.model_vector v where v.model = %3$L and v.version = %4$s and v.kind = ''item''
            order by v.vector::%1$I.vector(%2$s) operator(%1$I.<->) $1::%1$I.vector(%2$s) limit $2)
        select f.id, offline_private.vector_dot($1, f.vector) as score
        from (
            select n.id, n.vector from near n
            union all
            select v.id, v.vector from offline_data.model_vector v
            where v.model = %3$L and v.version = %4$s and v.kind = ''large'') f
        where f.id <> all ($3)
        order by score desc, f.id
        limit $4',
        v_schema, cardinality(p_query) + 1, p_model, p_version) using p_query || 0::real, v_reach, p_exclude, p_count;
end
$$;

-- The best items for a vector: by index where there is one for the version that serves and it finds as many as are asked for, else exactly.
create function offline_private.best_items(p_model text, p_version int, p_query real[], p_count int, p_exclude text[])
returns table (id text, score double precision)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ids text[];
    v_scores double precision[];
begin
    if p_count + cardinality(p_exclude) <= 400 and to_regclass('offline_data.' || offline_private.vector_index(p_model, p_version)) is not null then
        select array_agg(i.id), array_agg(i.score) into v_ids, v_scores
        from offline_private.indexed_items(p_model, p_version, p_query, p_count, p_exclude) i;
    end if;
    if cardinality(v_ids) = p_count then
        return query select * from unnest(v_ids, v_scores);
    else
        return query select n.id, n.score from offline_private.nearest_items(p_model, p_query, p_count, false, p_exclude) n;
    end if;
end
$$;

-- The ids under a key of the context of recommend, none where it is absent.
create function offline_private.context_ids(p_context jsonb, p_key text)
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_list jsonb := coalesce(nullif(p_context -> p_key, 'null'), '[]');
begin
    if jsonb_typeof(v_list) <> 'array' or exists (select from jsonb_array_elements(v_list) e where jsonb_typeof(e) <> 'string') then
        raise exception using errcode = '22023', message = format('"%s" of p_context must be a list of ids', p_key),
            hint = '{"model": name, "items": [ids], "exclude": [ids]}';
    end if;
    return array(select jsonb_array_elements_text(v_list));
end
$$;

create function offline_private.check_count(p_count int)
returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_count is null or p_count not between 1 and 1000 then
        raise exception using errcode = '22023', message = 'p_count must be between 1 and 1000';
    end if;
end
$$;

create function offline.recommend(p_user text, p_count int default 10, p_context jsonb default '{}')
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $recommend$
declare
    v_model text := coalesce(p_context ->> 'model', 'recommendation');
    v_user text := coalesce(p_user, offline_private.uid());
    v_items text[];
    v_exclude text[];
    v_version int;
    v_vector real[];
    v_source text := 'user';
begin
    perform offline_private.check_count(p_count);
    if jsonb_typeof(coalesce(p_context, 'null')) <> 'object' then
        raise exception using errcode = '22023', message = 'bad p_context', hint = '{"model": name, "items": [ids], "exclude": [ids]}';
    end if;
    v_items := offline_private.context_ids(p_context, 'items');
    v_exclude := offline_private.context_ids(p_context, 'exclude') || v_items;
    if cardinality(v_exclude) > 10000 then
        raise exception using errcode = '54000', message = 'too many items in p_context', detail = '10000';
    end if;
    if v_user is distinct from offline_private.uid() and not offline_private.sees_all_models() then
        raise exception using errcode = '42501', message = 'recommendations for another user';
    end if;
    select f.version into v_version from offline_private.find_model(v_model, null) f;
    v_vector := case when v_user = offline_private.uid() then offline_private.own_vector(v_model, v_version)
        else offline_private.stored_vector(v_model, v_version, v_user) end;
    if v_vector is null then
        -- For somebody that the training did not know: the mean of what they touched. A model without vectors is refused here.
        v_vector := offline_private.vector_of_items(v_model, v_items);
        v_source := 'items';
    end if;
    return jsonb_build_object('model', v_model, 'version', v_version, 'from', case when v_vector is not null then v_source else 'nothing' end,
        'items', (
            select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'score', b.score) order by b.score desc, b.id collate "C"), '[]')
            from offline_private.best_items(v_model, v_version, v_vector, p_count, v_exclude) b
            where v_vector is not null));
end
$recommend$;

comment on function offline.recommend(text, int, jsonb) is
    'The items that suit a user best: {"model", "version", "from": user | items | nothing, "items": [{"id", "score"}]}. p_user null: the caller; others '
    'are for the owner (42501). p_context: {"model": "recommendation", "items": [ids touched lately: they are left out, and stand in for a user '
    'that the training did not know], "exclude": [ids]}.';

create function offline.similar(p_item text, p_count int default 10)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $similar$
declare
    v_model text := coalesce(nullif(current_setting('offline_sync.recommendation_model', true), ''), 'recommendation');
    v_version int;
    v_vector real[];
begin
    perform offline_private.check_count(p_count);
    select f.version into v_version from offline_private.find_model(v_model, null) f;
    v_vector := offline_private.model_item(v_model, p_item);
    return jsonb_build_object('model', v_model, 'version', v_version, 'items', (
        select coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'score', n.score) order by n.score desc, n.id collate "C"), '[]')
        from offline_private.nearest_items(v_model, v_vector, p_count, true, array[p_item]) n));
end
$similar$;

comment on function offline.similar(text, int) is
    'Items like an item, by the angle of their vectors: {"model", "version", "items": [{"id", "score"}]}; none for an item that the model does not '
    'know. The model is "recommendation", or what the setting offline_sync.recommendation_model names.';
