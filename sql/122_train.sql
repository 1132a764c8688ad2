-- Training: one query gathers the rows into arrays, as the caller; one Rust function makes the artefact of them. What it is asked
-- for is checked here as far as it names columns, in offline_sync_train as far as it names algorithms.

-- Columns that a specification names under a key, in order: 22023 unless it is a list of names.
create function offline_private.spec_columns(p_spec jsonb, p_key text)
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(coalesce(p_spec -> p_key, '[]')) <> 'array' or exists (
        select from jsonb_array_elements(coalesce(p_spec -> p_key, '[]')) e where jsonb_typeof(e) <> 'string') then
        raise exception using errcode = '22023', message = format('"%s" must be a list of column names', p_key);
    end if;
    return array(select jsonb_array_elements_text(coalesce(p_spec -> p_key, '[]')));
end
$$;

-- Where the rows come from, as a FROM item, and the key columns of a table.
create function offline_private.spec_source(p_spec jsonb, out source text, out key_columns text[], out ordering text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_relation regclass;
begin
    if jsonb_typeof(p_spec) is distinct from 'object' or (p_spec ->> 'table' is null) = (p_spec ->> 'query' is null) then
        raise exception using errcode = '22023', message = 'p_spec must be an object with "table" or "query"',
            hint = '{"algorithm", "table" | "query", "label", "features": […], "text": […], "categorical": […], "test_share", "seed", "params", "deploy"}';
    end if;
    if p_spec ->> 'query' is not null then
        source := format('(%s) s', rtrim(p_spec ->> 'query', E' \n\t;'));
        key_columns := '{}';
        return;
    end if;
    v_relation := to_regclass(p_spec ->> 'table');
    if v_relation is null then
        raise exception using errcode = '42P01', message = format('no table %s', p_spec ->> 'table'), hint = 'name it with its schema';
    end if;
    source := v_relation::text || ' s';
    key_columns := coalesce(offline_private.primary_key(v_relation), '{}');
    -- The split into training and test rows follows the order of the rows: the same rows, the same model.
    select ' order by ' || string_agg(format('s.%I', k.name), ', ') into ordering from unnest(key_columns) k (name);
end
$$;

-- A column as a number: null where it is of a type that is none. Times are seconds since 1970.
create function offline_private.number_expression(p_column text, p_type oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select case t.typcategory
            when 'N' then format('s.%I::float8', p_column)
            when 'B' then format('s.%I::int::float8', p_column)
            when 'D' then format('extract(epoch from s.%I)::float8', p_column)
            when 'T' then format('extract(epoch from s.%I)::float8', p_column) end
        from pg_type t where t.oid = offline_private.base_type(p_type));
end
$$;

-- Types of columns of a FROM item, in their order; 42703 for a column that it does not have.
create function offline_private.source_types(p_source text, p_columns text[])
returns oid[]
language plpgsql stable
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_types oid[];
begin
    execute format('select array[%s]::oid[] from (select) one left join lateral (select s.* from %s limit 1) s on true',
        (select string_agg(format('pg_typeof(s.%I)::oid', c.name), ', ' order by c.ord) from unnest(p_columns) with ordinality c (name, ord)),
        p_source) into v_types;
    return v_types;
end
$$;

-- The columns that "features" leaves unsaid: every number and boolean that is neither label nor key nor named otherwise.
create function offline_private.default_features(p_source text, p_left_out text[])
returns text[]
language plpgsql stable
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_names text[];
begin
    execute format('select array(select json_object_keys(row_to_json(r.*)) from (select s.* from %s limit 1) r)', p_source) into v_names;
    v_names := array(select n.name from unnest(v_names) with ordinality n (name, ord) where n.name <> all (p_left_out) order by n.ord);
    if cardinality(v_names) = 0 then
        return '{}';
    end if;
    return array(
        select c.name
        from unnest(v_names, offline_private.source_types(p_source, v_names)) with ordinality c (name, type, ord)
        join pg_type t on t.oid = offline_private.base_type(c.type)
        where t.typcategory in ('N', 'B')
        order by c.ord);
end
$$;

-- The statement that gathers the rows ($1: rows at most), and the specification with its features filled in. One row: the number of
-- rows, their numbers, categories and texts (an array of rows each, null where there are none), and their labels, as words or as
-- numbers. For recommendations the categories are user and item, and the number is the weight.
create function offline_private.training_statement(p_spec jsonb, out statement text, out spec jsonb)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $statement$
declare
    v_source record := offline_private.spec_source(p_spec);
    v_als boolean := coalesce(p_spec ->> 'algorithm', '') = 'als';
    v_label text := p_spec ->> 'label';
    v_texts text[] := offline_private.spec_columns(p_spec, 'text');
    v_categories text[] := offline_private.spec_columns(p_spec, 'categorical');
    v_numbers text[] := offline_private.spec_columns(p_spec, 'features');
    v_types oid[];
    v_expressions text[];
    v_bad text;
    v_is_number boolean := false;
begin
    if v_als then
        if p_spec ->> 'user' is null or p_spec ->> 'item' is null then
            raise exception using errcode = '22023', message = 'algorithm als needs "user" and "item"', hint = 'names of columns; "weight" too, if there is one';
        end if;
        v_categories := array[p_spec ->> 'user', p_spec ->> 'item'];
        v_numbers := array_remove(array[p_spec ->> 'weight'], null);
        v_texts := '{}';
        v_label := null;
    elsif p_spec -> 'features' is null then
        -- Names may stand in "features" for numbers alone; without it all numbers count.
        v_numbers := offline_private.default_features(v_source.source, v_source.key_columns || v_texts || v_categories || v_label);
    end if;
    if cardinality(v_numbers) > 0 then
        v_types := offline_private.source_types(v_source.source, v_numbers);
        select array_agg(e.expression order by e.ord), min(e.name) filter (where e.expression is null) into v_expressions, v_bad
        from (
            select n.ord, n.name, offline_private.number_expression(n.name, n.type) as expression
            from unnest(v_numbers, v_types) with ordinality n (name, type, ord)) e;
        if v_bad is not null then
            raise exception using errcode = '42804', message = format('column %s is not a number', v_bad),
                hint = 'list it under "categorical" or "text"';
        end if;
    end if;
    if v_label is not null then
        select t.typcategory = 'N' into v_is_number from pg_type t
        where t.oid = offline_private.base_type((offline_private.source_types(v_source.source, array[v_label]))[1]);
    end if;
    spec := p_spec || jsonb_build_object('features', to_jsonb(v_numbers), 'categorical', to_jsonb(v_categories), 'text', to_jsonb(v_texts));
    statement := format('select count(*), %s, %s, %s, %s, %s from (select s.* from %s%s limit $1) s',
        case when v_expressions is null then 'null::float8[]' else format('array_agg(array[%s])', array_to_string(v_expressions, ', ')) end,
        offline_private.texts_expression(v_categories), offline_private.texts_expression(v_texts),
        case when v_label is null or v_is_number then 'null::text[]' else format('array_agg(s.%I::text)', v_label) end,
        case when v_is_number then format('array_agg(s.%I::float8)', v_label) else 'null::float8[]' end,
        v_source.source, coalesce(v_source.ordering, ''));
end
$statement$;

create function offline_private.texts_expression(p_columns text[])
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when cardinality(p_columns) = 0 then 'null::text[]' else format('array_agg(array[%s])', (
        select string_agg(format('s.%I::text', c.name), ', ' order by c.ord) from unnest(p_columns) with ordinality c (name, ord))) end
$$;

-- Gathers the rows of a specification, as the caller, and trains with them, in one statement: the arrays go from the aggregate to
-- the function as they are, where variables would copy them. p_call: what makes the artefact of r, of $2 (specification) and $3 (p_artifact).
create function offline_private.fit_rows(p_spec jsonb, p_call text, p_artifact bytea, out spec jsonb, out statement text, out row_count bigint,
    out artifact bytea, out report jsonb, out user_ids text[], out user_vectors real[])
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $$
begin
    select t.statement, t.spec into statement, spec from offline_private.training_statement(p_spec) t;
    execute format('select r.n, f.artifact, f.report::jsonb, f.user_ids, f.user_vectors '
        'from (%s) r (n, numbers, categories, texts, labels, targets) cross join lateral %s f', statement, p_call)
    into row_count, artifact, report, user_ids, user_vectors
    -- One row more than is allowed, for the function to see that there are too many.
    using offline_private.train_rows_max() + 1, spec::text, p_artifact;
end
$$;

-- Whether a version measured now is better than the one that serves; of every metric, larger is better. The serving model was asked
-- about the rows held out from the new one where it takes the same features; else what was measured when it was trained counts.
create function offline_private.is_better(p_report jsonb, p_serving jsonb)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select p_report -> 'primary' ->> 'name' is not distinct from p_serving -> 'primary' ->> 'name'
        and coalesce((p_report -> 'primary' ->> 'value')::float8
            > coalesce(p_report -> 'serving' ->> 'value', p_serving -> 'primary' ->> 'value')::float8, true)
$$;

create function offline.train_model(p_model text, p_spec jsonb)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $train$
declare
    v_fit record;
    v_about jsonb;
    v_version int;
    v_serving record;
    v_report jsonb;
    v_deploy text := coalesce(p_spec ->> 'deploy', 'if_better');
    v_deployed boolean;
begin
    perform offline_private.check_model_name(p_model);
    if v_deploy not in ('if_better', 'always', 'never') then
        raise exception using errcode = '22023', message = '"deploy" must be if_better, always or never';
    end if;
    select s.deployment_id, s.version, m.artifact, m.report, m.format into v_serving
    from offline_private.serving(p_model) s
    left join offline_data.edge_ai_models m on m.model = p_model and m.version = s.version;
    v_fit := offline_private.fit_rows(p_spec,
        'offline_private.fit_model($2, r.n, r.numbers, r.categories, r.texts, r.labels, r.targets, $3)',
        case when v_serving.format = 'offline-sync-model' then v_serving.artifact end);
    v_report := v_fit.report;
    v_about := offline_private.describe_artifact(v_fit.artifact);
    v_version := offline_private.add_model_version(p_model, 'offline-sync-model', v_about ->> 'algorithm', v_about ->> 'task', v_fit.artifact,
        encode(sha256(v_fit.artifact), 'hex'), v_fit.spec, v_fit.statement, v_fit.row_count, v_report);
    perform offline_private.keep_vectors(p_model, v_version, v_fit.artifact, v_fit.user_ids, v_fit.user_vectors);
    v_deployed := v_deploy = 'always'
        or v_deploy = 'if_better' and (v_serving.version is null or offline_private.is_better(v_report, v_serving.report));
    if v_deployed then
        perform offline_private.add_deployment(p_model, v_version, v_serving.deployment_id, 'train');
    end if;
    return jsonb_build_object('model', p_model, 'version', v_version, 'deployed', v_deployed, 'algorithm', v_about ->> 'algorithm',
        'task', v_about ->> 'task', 'rows', v_fit.row_count, 'bytes', octet_length(v_fit.artifact), 'report', v_report);
end
$train$;

comment on function offline.train_model(text, jsonb) is
    'Trains a new version of a model from a table or a query, run as the caller: {"algorithm", "table" | "query", "label", "features", "text", '
    '"categorical", "test_share": 0.25, "seed": 1, "params", "deploy": if_better | always | never, "shared": true, "requires"}. Answers {"model", '
    '"version", "deployed", "algorithm", "task", "rows", "bytes", "report"}. Limits, too: 54000; what cannot be learned from: 22023. See docs/models.md.';

create function offline.update_model(p_model text, p_spec jsonb default '{}')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $update$
declare
    v_old record;
    v_spec jsonb;
    v_fit record;
    v_version int;
    v_serving record;
begin
    perform offline_private.check_model_name(p_model);
    if jsonb_typeof(p_spec) is distinct from 'object' then
        raise exception using errcode = '22023', message = 'p_spec must be an object', hint = '{"table" | "query": where the new rows are}';
    end if;
    v_serving := offline_private.find_model(p_model, null);
    select m.artifact, m.spec, m.rows_used into strict v_old from offline_data.edge_ai_models m
    where m.model = p_model and m.version = v_serving.version;
    v_spec := case when p_spec ?| array['table', 'query'] then v_old.spec - 'table' - 'query' else v_old.spec end || p_spec;
    v_fit := offline_private.fit_rows(v_spec,
        'offline_private.update_fit(r.n, r.numbers, r.categories, r.texts, r.labels, r.targets, $3)', v_old.artifact);
    v_version := offline_private.add_model_version(p_model, 'offline-sync-model', v_old.spec ->> 'algorithm', 'classification', v_fit.artifact,
        encode(sha256(v_fit.artifact), 'hex'), v_fit.spec, v_fit.statement, v_old.rows_used + v_fit.row_count, v_fit.report);
    perform offline.deploy_model(p_model, v_version);
    return jsonb_build_object('model', p_model, 'version', v_version, 'deployed', true, 'rows', v_fit.row_count, 'report', v_fit.report);
end
$update$;

comment on function offline.update_model(text, jsonb) is
    'Learns on from new rows ("table" or "query" of p_spec; the model''s own specification fills in the rest): a new version, deployed at '
    'once. For models of the algorithm ftrl; others: 0A000.';
