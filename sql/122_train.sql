-- Training: one query gathers the rows into arrays, as the caller; one Rust function makes the artefact of them. What it is asked
-- for is checked here as far as it names columns, in offline_sync_train as far as it names algorithms.

-- A specification without the keys that say null: 22023 for a key that there is not, or whose value is of another type.
create function offline_private.checked_spec(p_spec jsonb)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_types constant jsonb := '{"algorithm": "string", "table": "string", "query": "string", "label": "string", "features": "array", "text": "array",
        "categorical": "array", "user": "string", "item": "string", "weight": "string", "test_share": "number", "seed": "number",
        "group": "string", "params": "object", "deploy": "string", "shared": "boolean", "requires": "object"}';
    v_spec jsonb;
    v_key text;
begin
    if jsonb_typeof(p_spec) is distinct from 'object' then
        raise exception using errcode = '22023', message = 'p_spec must be an object', hint = 'see docs/models.md for its keys';
    end if;
    select coalesce(jsonb_object_agg(e.key, e.value), '{}') into v_spec from jsonb_each(p_spec) e where jsonb_typeof(e.value) <> 'null';
    select min(k.key) into v_key from jsonb_object_keys(p_spec) k (key) where not v_types ? k.key;
    if v_key is not null then
        raise exception using errcode = '22023', message = format('unknown key "%s" of p_spec', v_key),
            hint = 'one of ' || (select string_agg(t.key, ', ') from jsonb_object_keys(v_types) t (key));
    end if;
    select min(e.key) into v_key from jsonb_each(v_spec) e where jsonb_typeof(e.value) <> v_types ->> e.key;
    if v_key is not null then
        raise exception using errcode = '22023',
            message = format('"%s" must be %s', v_key, case v_types ->> v_key when 'array' then 'a list of column names'
                when 'string' then 'a string' when 'object' then 'an object' else 'a ' || (v_types ->> v_key) end);
    end if;
    return v_spec;
end
$$;

-- Columns that a specification names under a key, in order: 22023 unless it is a list of names.
create function offline_private.spec_columns(p_spec jsonb, p_key text)
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from jsonb_array_elements(coalesce(p_spec -> p_key, '[]')) e where jsonb_typeof(e) <> 'string') then
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
    if (p_spec ->> 'table' is null) = (p_spec ->> 'query' is null) then
        raise exception using errcode = '22023', message = 'p_spec needs either "table" or "query"',
            hint = '{"algorithm", "table" | "query", "label", "features": […], "text": […], "categorical": […], "test_share", "seed", "params", "deploy"}';
    end if;
    if p_spec ->> 'query' is not null then
        -- The end of the line ends a comment that the query may end in.
        source := format(E'(%s\n) s', rtrim(p_spec ->> 'query', E' \n\t;'));
        key_columns := '{}';
        return;
    end if;
    v_relation := to_regclass(p_spec ->> 'table');
    if v_relation is null then
        raise exception using errcode = '42P01', message = format('no table %s', p_spec ->> 'table'), hint = 'name it with its schema';
    end if;
    source := v_relation::text || ' s';
    key_columns := coalesce(offline_private.primary_key(v_relation), '{}');
    -- What chance decides follows the order of the rows: the same rows, the same model.
    select ' order by ' || string_agg(format('s.%I', k.name), ', ') into ordering from unnest(key_columns) k (name);
end
$$;

create function offline_private.is_number(p_type oid)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select offline_private.base_type(p_type) = any ('{int2, int4, int8, float4, float8, numeric}'::regtype[]::oid[])
$$;

create function offline_private.is_whole(p_type oid)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select offline_private.base_type(p_type) = any ('{int2, int4, int8}'::regtype[]::oid[])
$$;

-- A column as a number: null where it is of a type that is none. Times are seconds since 1970.
create function offline_private.number_expression(p_column text, p_type oid)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when offline_private.is_number(p_type) then format('s.%I::float8', p_column)
        when t.oid = 'boolean'::regtype then format('s.%I::int::float8', p_column)
        when t.typcategory in ('D', 'T') then format('extract(epoch from s.%I)::float8', p_column) end
    from pg_type t where t.oid = offline_private.base_type(p_type)
$$;

-- Types of columns of a FROM item, in their order; 42703 for a column that it does not have. Nothing of the item is run.
create function offline_private.source_types(p_source text, p_columns text[])
returns oid[]
language plpgsql stable
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_types oid[];
begin
    execute format('select array[%s]::oid[] from (select) one left join lateral (select s.* from %s limit 0) s on true',
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
    execute format('select array(select json_object_keys(row_to_json(r.*))) from (
        select s.* from (select) one left join lateral (select s.* from %s limit 0) s on true) r', p_source) into v_names;
    v_names := array(select n.name from unnest(v_names) with ordinality n (name, ord) where n.name <> all (p_left_out) order by n.ord);
    return array(
        select c.name
        from unnest(v_names, offline_private.source_types(p_source, v_names)) with ordinality c (name, type, ord)
        where offline_private.is_number(c.type) or offline_private.base_type(c.type) = 'boolean'::regtype
        order by c.ord);
end
$$;

-- 22023 unless each column stands in one place, and the label in none of them.
create function offline_private.check_columns(p_features text[], p_label text)
returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_twice text := (select f.name from unnest(p_features) f (name) group by f.name having count(*) > 1 limit 1);
begin
    if v_twice is not null then
        raise exception using errcode = '22023', message = format('column %s is listed twice', v_twice),
            hint = 'each column is one feature: under "features", "categorical" or "text"';
    end if;
    if p_label = any (p_features) then
        raise exception using errcode = '22023', message = format('the label %s is among the features', p_label),
            hint = 'leave it out: a model that is told the answer learns nothing else';
    end if;
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
    v_group text := p_spec ->> 'group';
begin
    if v_als then
        if p_spec ->> 'user' is null or p_spec ->> 'item' is null then
            raise exception using errcode = '22023', message = 'algorithm als needs "user" and "item"', hint = 'names of columns; "weight" too, if there is one';
        end if;
        v_categories := array[p_spec ->> 'user', p_spec ->> 'item'];
        v_numbers := array_remove(array[p_spec ->> 'weight'], null);
        v_texts := '{}';
        v_label := null;
        v_group := null;
    elsif p_spec -> 'features' is null then
        -- Names may stand in "features" for numbers alone; without it all numbers count.
        v_numbers := offline_private.default_features(v_source.source, v_source.key_columns || v_texts || v_categories || array_remove(array[v_label, v_group], null));
    end if;
    perform offline_private.check_columns(v_numbers || v_categories || v_texts, v_label);
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
        v_types := offline_private.source_types(v_source.source, array[v_label]);
        -- Classes are words: a number of 64 bits, as a key is, would lose its last digits.
        v_is_number := offline_private.is_number(v_types[1]) and not (offline_private.is_whole(v_types[1])
            and (p_spec ->> 'algorithm' in ('logistic', 'gaussian_nb', 'multinomial_nb', 'ftrl') or p_spec -> 'params' ->> 'task' = 'classification'));
    end if;
    spec := p_spec || jsonb_build_object('features', to_jsonb(v_numbers), 'categorical', to_jsonb(v_categories), 'text', to_jsonb(v_texts));
    statement := format('select count(*), %s, %s, %s, %s, %s, %s from (select s.* from %s%s limit $1) s',
        case when v_expressions is null then 'null::float8[]' else format('array_agg(array[%s])', array_to_string(v_expressions, ', ')) end,
        case when v_als then offline_private.texts_expression(v_source.source, v_categories, null)
            else offline_private.texts_expression(v_source.source, v_categories, 'categorical') end,
        offline_private.texts_expression(v_source.source, v_texts, 'text'),
        case when v_label is null or v_is_number then 'null::text[]' else format('array_agg(s.%I::text)', v_label) end,
        case when v_is_number then format('array_agg(s.%I::float8)', v_label) else 'null::float8[]' end,
        case when v_group is null then 'null::text[]' else format('array_agg(s.%I::text)', v_group) end,
        v_source.source, coalesce(v_source.ordering, ''));
end
$statement$;

-- Columns as words. Categories of other types than text go the way that a prediction's JSON goes, so that both are the same word. p_kind: what
-- the specification lists them under; null for names that stand for themselves.
create function offline_private.texts_expression(p_source text, p_columns text[], p_kind text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bad text;
    v_parts text[];
begin
    if cardinality(p_columns) = 0 then
        return 'null::text[]';
    end if;
    select min(c.name) filter (where p_kind = 'text' and c.typcategory <> 'S'),
        array_agg(format(case when p_kind = 'categorical' and not c.is_text then 'offline_private.category_text(to_jsonb(s.%I)::text)'
            else 's.%I::text' end, c.name) order by c.ord)
    into v_bad, v_parts
    from (
        select n.name, n.ord, t.typcategory, t.typcategory = 'S' and t.typname <> 'bpchar' or t.typtype = 'e' as is_text
        from unnest(p_columns, offline_private.source_types(p_source, p_columns)) with ordinality n (name, type, ord)
        join pg_type t on t.oid = offline_private.base_type(n.type)) c;
    if v_bad is not null then
        raise exception using errcode = '42804', message = format('column %s is not text', v_bad), hint = 'cast it to text in a query, and where it is predicted';
    end if;
    return format('array_agg(array[%s])', array_to_string(v_parts, ', '));
end
$$;

-- Gathers the rows of a specification, as the caller, and trains with them, in one statement: the arrays go from the aggregate to
-- the function as they are, where variables would copy them. p_call: what makes the artefact of r, of $2 (specification), $3 (p_artifact)
-- and $4 (p_cuts). Names without a schema are looked for in public and extensions, whatever the path of the caller.
create function offline_private.fit_rows(p_spec jsonb, p_call text, p_artifact bytea, p_cuts double precision[], out spec jsonb, out statement text,
    out row_count bigint, out artifact bytea, out report jsonb, out user_ids text[], out user_vectors real[])
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $$
begin
    select t.statement, t.spec into statement, spec from offline_private.training_statement(p_spec) t;
    execute format('select r.n, f.artifact, f.report::jsonb, f.user_ids, f.user_vectors '
        'from (%s) r (n, numbers, categories, texts, labels, targets, groups) cross join lateral %s f', statement, p_call)
    into row_count, artifact, report, user_ids, user_vectors
    -- One row more than is allowed, for the function to see that there are too many.
    using offline_private.train_rows_max() + 1, spec::text, p_artifact, p_cuts;
end
$$;

-- The version that serves, as a training compares with it: with the artefact where it can be asked about rows that it was not trained
-- with. "cuts" of its report tell them; an imported one has none, and no row of this database is known to have trained it.
create function offline_private.serving_to_beat(p_model text, out deployment_id bigint, out version int, out report jsonb, out artifact bytea,
    out cuts double precision[])
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select s.deployment_id, s.version, m.report,
        case when m.format = 'offline-sync-model' and (m.report ? 'cuts' or m.spec ? 'imported') then m.artifact end,
        case when m.report ? 'cuts' then array(
            select c.value::double precision from jsonb_array_elements_text(m.report -> 'cuts') with ordinality c (value, ord) order by c.ord) end
    from offline_private.serving(p_model) s
    left join offline_data.edge_ai_models m on m.model = p_model and m.version = s.version
$$;

-- Whether a version measured now is better than the one that serves; of every metric, larger is better. Both on rows that neither was
-- trained with, where the serving one was asked; else what each was measured at when it was trained. What was not measured is not better.
create function offline_private.is_better(p_report jsonb, p_version int, p_serving jsonb)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(case
        when (p_report -> 'serving' ->> 'version')::int = p_version
            then (p_report -> 'serving' ->> 'new_value')::double precision > (p_report -> 'serving' ->> 'value')::double precision
        else p_report -> 'primary' ->> 'name' = p_serving -> 'primary' ->> 'name'
            and (p_report -> 'primary' ->> 'value')::double precision > (p_serving -> 'primary' ->> 'value')::double precision end, false)
$$;

create function offline.train_model(p_model text, p_spec jsonb)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $train$
declare
    v_spec jsonb := offline_private.checked_spec(p_spec);
    v_deploy text := coalesce(v_spec ->> 'deploy', 'if_better');
    v_serving record;
    v_fit record;
    v_about jsonb;
    v_version int;
    v_report jsonb;
    v_deployed boolean;
begin
    perform offline_private.check_model_name(p_model);
    if v_deploy not in ('if_better', 'always', 'never') then
        raise exception using errcode = '22023', message = '"deploy" must be if_better, always or never';
    end if;
    select b.* into v_serving from offline_private.serving_to_beat(p_model) b;
    v_fit := offline_private.fit_rows(v_spec,
        'offline_private.fit_model($2, r.n, r.numbers, r.categories, r.texts, r.labels, r.targets, r.groups, $3, $4)', v_serving.artifact, v_serving.cuts);
    v_report := v_fit.report;
    if v_report ? 'serving' then
        v_report := jsonb_set(v_report, '{serving,version}', to_jsonb(v_serving.version));
    end if;
    v_about := offline_private.describe_artifact(v_fit.artifact);
    v_version := offline_private.add_model_version(p_model, 'offline-sync-model', v_about ->> 'algorithm', v_about ->> 'task', v_fit.artifact,
        encode(sha256(v_fit.artifact), 'hex'), v_fit.spec, v_fit.statement, v_fit.row_count, v_report);
    perform offline_private.keep_vectors(p_model, v_version, v_fit.artifact, v_fit.user_ids, v_fit.user_vectors);
    -- Another training may have deployed meanwhile; from here on the lock keeps what serves.
    select b.* into v_serving from offline_private.serving_to_beat(p_model) b;
    v_deployed := v_deploy = 'always'
        or v_deploy = 'if_better' and (v_serving.version is null or offline_private.is_better(v_report, v_serving.version, v_serving.report));
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

create function offline_private.features_of_kind(p_about jsonb, p_kind text)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(jsonb_agg(f.value -> 'name' order by f.ord), '[]')
    from jsonb_array_elements(p_about -> 'features') with ordinality f (value, ord) where f.value ->> 'kind' = p_kind
$$;

-- The specification that an artefact answers for itself.
create function offline_private.artifact_spec(p_artifact bytea)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object('algorithm', a.about -> 'algorithm', 'features', offline_private.features_of_kind(a.about, 'numeric'),
        'categorical', offline_private.features_of_kind(a.about, 'categorical'), 'text', offline_private.features_of_kind(a.about, 'text'))
    from offline_private.describe_artifact(p_artifact) a (about)
$$;

create function offline.update_model(p_model text, p_spec jsonb default '{}')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $update$
declare
    v_asked jsonb := offline_private.checked_spec(p_spec);
    v_old record;
    v_fit record;
    v_version int;
    v_serving record;
begin
    perform offline_private.check_model_name(p_model);
    -- What is learned on from must be what serves: two updates come one after the other.
    perform offline_private.lock_model(p_model);
    v_serving := offline_private.find_model(p_model, null);
    select m.artifact, m.format, m.spec - 'imported' as spec, m.rows_used into strict v_old from offline_data.edge_ai_models m
    where m.model = p_model and m.version = v_serving.version;
    if v_old.format <> 'offline-sync-model' then
        raise exception using errcode = '0A000', message = format('a model of the format %s cannot be updated', v_old.format);
    end if;
    if v_asked ?| array['table', 'query'] then
        v_old.spec := v_old.spec - 'table' - 'query';
    end if;
    v_fit := offline_private.fit_rows(offline_private.artifact_spec(v_old.artifact) || v_old.spec || v_asked,
        'offline_private.update_fit($2, r.n, r.numbers, r.categories, r.texts, r.labels, r.targets, r.groups, $3)', v_old.artifact, null);
    v_version := offline_private.add_model_version(p_model, 'offline-sync-model', v_fit.report ->> 'algorithm', v_fit.report ->> 'task', v_fit.artifact,
        encode(sha256(v_fit.artifact), 'hex'), v_fit.spec, v_fit.statement, v_old.rows_used + v_fit.row_count, v_fit.report);
    perform offline.deploy_model(p_model, v_version);
    return jsonb_build_object('model', p_model, 'version', v_version, 'deployed', true, 'rows', v_fit.row_count, 'report', v_fit.report);
end
$update$;

comment on function offline.update_model(text, jsonb) is
    'Learns on from new rows ("table" or "query" of p_spec; the model''s own specification fills in the rest): a new version, deployed at '
    'once. For models of the algorithm ftrl; others: 0A000. Features that are not the model''s, in their order: 22023.';
