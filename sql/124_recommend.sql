-- Recommendations from vectors of items and users. Those of items are in the artefact, which devices hold too; those of users are
-- here alone, a device gets its own user's. With pgvector, items are searched by an HNSW index; without, exactly.

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

-- Stores the vectors of a version: those of its users, and where pgvector is installed those of its items, with their index.
create function offline_private.keep_vectors(p_model text, p_version int, p_artifact bytea, p_user_ids text[], p_user_vectors real[])
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_width int := coalesce(cardinality(p_user_vectors) / nullif(cardinality(p_user_ids), 0), 0);
    v_schema text := offline_private.pgvector_schema();
    v_dimensions int;
begin
    insert into offline_data.model_vector (model, version, kind, id, vector)
    select p_model, p_version, 'user', u.id, p_user_vectors[(u.ord - 1) * v_width + 1 : u.ord * v_width]
    from unnest(p_user_ids) with ordinality u (id, ord);
    if v_schema is null then
        return;
    end if;
    insert into offline_data.model_vector (model, version, kind, id, vector)
    select p_model, p_version, 'item', i.id, i.vector from offline_private.artifact_vectors(p_artifact) i;
    select cardinality(v.vector) into v_dimensions from offline_data.model_vector v
    where v.model = p_model and v.version = p_version and v.kind = 'item' limit 1;
    if v_dimensions is null or v_dimensions > 2000 then
        return;
    end if;
    execute format('create index %I on offline_data.model_vector using hnsw ((vector::%I.vector(%s)) %I.vector_ip_ops) '
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

-- Definer, because callers cannot read the vectors: the nearest items by the index of a version that is shared and serves, where there is one.
create function offline_private.indexed_items(p_model text, p_version int, p_query real[], p_count int, p_exclude text[])
returns table (id text, score double precision)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_schema text := offline_private.pgvector_schema();
begin
    if not exists (select from offline_private.shared_model(p_model, p_version)) then
        return;
    end if;
    -- Excluded items are looked past, so the search has to reach that much further (40 is pgvector's default).
    perform set_config('hnsw.ef_search', least(1000, greatest(40, 2 * (p_count + cardinality(p_exclude))))::text, true);
    return query execute format(
        'select v.id, (v.vector::%1$I.vector(%2$s) operator(%1$I.<#>) $1::%1$I.vector(%2$s)) * -1 as score from offline_data.model_vector v '
        'where v.model = %3$L and v.version = %4$s and v.kind = ''item'' and v.id <> all ($3) '
        'order by v.vector::%1$I.vector(%2$s) operator(%1$I.<#>) $1::%1$I.vector(%2$s) limit $2',
        v_schema, cardinality(p_query), p_model, p_version) using p_query, p_count, p_exclude;
end
$$;

-- The best items for a vector: by index where there is one for the version that serves, else exactly.
create function offline_private.best_items(p_model text, p_version int, p_query real[], p_count int, p_exclude text[])
returns table (id text, score double precision)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('offline_data.' || offline_private.vector_index(p_model, p_version)) is not null
        and offline_private.pgvector_schema() is not null and exists (select from offline_private.shared_model(p_model, p_version))
        and p_count + cardinality(p_exclude) <= 500 then
        return query select i.id, i.score from offline_private.indexed_items(p_model, p_version, p_query, p_count, p_exclude) i
        order by i.score desc, i.id;
    else
        return query select n.id, n.score from offline_private.nearest_items(p_model, p_query, p_count, false, p_exclude) n;
    end if;
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

-- A vector for somebody that the training did not know: the mean of the items that they touched.
create function offline_private.vector_of_items(p_model text, p_items text[])
returns real[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select array_agg(m.mean order by m.ord)
        from (
            select c.ord, avg(c.value)::real as mean
            from unnest(p_items) i (id)
            cross join lateral offline_private.model_item(p_model, i.id) v (vector)
            cross join lateral unnest(v.vector) with ordinality c (value, ord)
            group by c.ord) m);
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
    if jsonb_typeof(coalesce(p_context, 'null')) <> 'object' or jsonb_typeof(coalesce(p_context -> 'items', '[]')) <> 'array'
        or jsonb_typeof(coalesce(p_context -> 'exclude', '[]')) <> 'array' then
        raise exception using errcode = '22023', message = 'bad p_context', hint = '{"model": name, "items": [ids], "exclude": [ids]}';
    end if;
    v_items := array(select jsonb_array_elements_text(coalesce(p_context -> 'items', '[]')));
    v_exclude := array(select jsonb_array_elements_text(coalesce(p_context -> 'exclude', '[]'))) || v_items;
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
        v_vector := offline_private.vector_of_items(v_model, v_items);
        v_source := 'items';
    end if;
    return jsonb_build_object('model', v_model, 'version', v_version, 'from', case when v_vector is not null then v_source else 'nothing' end,
        'items', (
            select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'score', b.score) order by b.score desc, b.id), '[]')
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
        select coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'score', n.score) order by n.score desc, n.id), '[]')
        from offline_private.nearest_items(v_model, v_vector, p_count, true, array[p_item]) n));
end
$similar$;

comment on function offline.similar(text, int) is
    'Items like an item, by the angle of their vectors: {"model", "version", "items": [{"id", "score"}]}; none for an item that the model does not '
    'know. The model is "recommendation", or what the setting offline_sync.recommendation_model names.';
