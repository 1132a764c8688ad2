-- Models: versions with their artefacts, and the append-only record of which version serves. Whoever may read the tables (the
-- owner of the database) sees every version; callers see what is shared and serves, through the definer below.

create function offline_private.check_model_name(p_model text)
returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_model is null or p_model !~ '^[A-Za-z0-9_.:-]{1,100}$' then
        raise exception using errcode = '22023', message = 'bad name of a model',
            hint = 'use letters, digits, "_", ".", ":" and "-", at most 100 of them';
    end if;
end
$$;

create function offline_private.sees_all_models()
returns boolean
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select has_table_privilege('offline_data.edge_ai_models', 'select')
$$;

-- The deployment in force, if there is one: its version is null while the model is withdrawn.
create function offline_private.serving(p_model text)
returns table (deployment_id bigint, version int, came_after bigint)
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select d.deployment_id, d.version, d.came_after from offline_data.model_deployment d
    where d.model = p_model
    order by d.deployment_id desc
    limit 1
$$;

-- Definer: what callers may use.
create function offline_private.shared_model(p_model text, p_version int)
returns table (version int, sha256 text)
language sql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select m.version, m.sha256
    from offline_private.serving(p_model) s
    join offline_data.edge_ai_models m on m.model = p_model and m.version = s.version
    where m.is_shared and (p_version is null or p_version = s.version)
$$;

create function offline_private.owned_model(p_model text, p_version int)
returns table (version int, sha256 text)
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select m.version, m.sha256 from offline_data.edge_ai_models m
    where m.model = p_model and m.version = coalesce(p_version, (select s.version from offline_private.serving(p_model) s))
$$;

-- The version that serves (or the one asked for), as far as the caller may use it. None: 42704.
create function offline_private.find_model(p_model text, p_version int, out version int, out sha256 text)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    if offline_private.sees_all_models() then
        select m.version, m.sha256 into version, sha256 from offline_private.owned_model(p_model, p_version) m;
    else
        select m.version, m.sha256 into version, sha256 from offline_private.shared_model(p_model, p_version) m;
    end if;
    if version is null then
        raise exception using errcode = '42704', message = format('no model %s%s', p_model, ' version ' || p_version),
            hint = 'train_model and deploy_model make one; list_models shows them';
    end if;
end
$$;

-- Definer: the bytes of what find_model() found. The hash is the permission: callers learn it from what they may use.
create function offline_private.model_artifact(p_model text, p_version int, p_sha256 text)
returns bytea
language sql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select m.artifact from offline_data.edge_ai_models m
    where m.model = p_model and m.version = p_version and m.sha256 = p_sha256
$$;

-- What makes those who change one model come one after the other.
create function offline_private.lock_model(p_model text)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_xact_lock(hashtextextended('pg_offline_sync model ' || p_model, 0))
$$;

-- Where the highest number of a model's dropped versions is kept.
create function offline_private.dropped_version(p_model text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 'dropped version of model ' || p_model
$$;

-- Adds a version, under the lock that numbers versions one after the other.
create function offline_private.add_model_version(p_model text, p_format text, p_algorithm text, p_task text, p_artifact bytea, p_sha256 text,
    p_spec jsonb, p_query text, p_rows bigint, p_report jsonb)
returns int
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_version int;
begin
    if octet_length(p_artifact) > offline_private.model_bytes_max() then
        raise exception using errcode = '54000', message = 'the artefact is too large',
            detail = 'model_bytes_max=' || offline_private.model_bytes_max(),
            hint = 'fewer or smaller trees, fewer text buckets; or raise offline_sync.model_bytes_max';
    end if;
    perform offline_private.lock_model(p_model);
    select coalesce(max(m.version), 0) + 1 into v_version
    from (
        select m.version from offline_data.edge_ai_models m where m.model = p_model
        union all
        -- The number of a version that was dropped is not given again.
        select t.value::int from offline_data.meta t where t.name = offline_private.dropped_version(p_model)) m;
    insert into offline_data.edge_ai_models (model, version, format, algorithm, task, artifact, sha256, spec, query, rows_used, report,
        requires, is_shared)
    values (p_model, v_version, p_format, p_algorithm, p_task, p_artifact, p_sha256, p_spec, p_query, p_rows, p_report,
        coalesce(p_spec -> 'requires', '{}'), coalesce((p_spec ->> 'shared')::boolean, true));
    return v_version;
end
$$;

create function offline_private.add_deployment(p_model text, p_version int, p_came_after bigint, p_reason text)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into offline_data.model_deployment (model, version, came_after, reason)
    values (p_model, p_version, p_came_after, p_reason);
    return jsonb_build_object('model', p_model, 'version', p_version, 'reason', p_reason);
end
$$;

create function offline.deploy_model(p_model text, p_version int)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_serving record;
begin
    perform offline_private.check_model_name(p_model);
    perform offline_private.lock_model(p_model);
    if p_version is not null and not exists (
        select from offline_data.edge_ai_models m where m.model = p_model and m.version = p_version) then
        raise exception using errcode = '42704', message = format('no model %s version %s', p_model, p_version);
    end if;
    select * into v_serving from offline_private.serving(p_model);
    if v_serving.version is not distinct from p_version then
        return jsonb_build_object('model', p_model, 'version', p_version, 'reason', 'unchanged');
    end if;
    return offline_private.add_deployment(p_model, p_version, v_serving.deployment_id,
        case when p_version is null then 'withdraw' else 'deploy' end);
end
$$;

comment on function offline.deploy_model(text, int) is
    'Makes a version serve: predict(), score() and devices use it from the commit on. A version of null withdraws the model. Answers '
    '{"model", "version", "reason": deploy | withdraw | unchanged}. No such version: 42704.';

create function offline.rollback_model(p_model text)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_serving record;
    v_before record;
begin
    perform offline_private.check_model_name(p_model);
    perform offline_private.lock_model(p_model);
    select * into v_serving from offline_private.serving(p_model);
    -- Back along the deployments that each came after another; versions dropped since are passed over.
    with recursive chain as (
        select d.deployment_id, d.version, d.came_after from offline_data.model_deployment d
        where d.deployment_id = v_serving.came_after
        union all
        select d.deployment_id, d.version, d.came_after from chain c
        join offline_data.model_deployment d on d.deployment_id = c.came_after)
    select c.* into v_before from chain c
    where c.version is distinct from v_serving.version and exists (
        select from offline_data.edge_ai_models m where m.model = p_model and m.version = c.version)
    order by c.deployment_id desc
    limit 1;
    if not found then
        raise exception using errcode = '42704', message = format('no earlier version of model %s to go back to', p_model);
    end if;
    return offline_private.add_deployment(p_model, v_before.version, v_before.came_after, 'rollback');
end
$$;

comment on function offline.rollback_model(text) is
    'Makes the version serve that served before the present one; again: the one before that. One more row in the record of deployments, '
    'nothing is removed. Answers {"model", "version", "reason": "rollback"}. No earlier version: 42704.';

create function offline.drop_model_version(p_model text, p_version int)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_model_name(p_model);
    perform offline_private.lock_model(p_model);
    if exists (select from offline_private.serving(p_model) s where s.version = p_version) then
        raise exception using errcode = '55006', message = format('model %s version %s serves', p_model, p_version),
            hint = 'deploy another version, or null, first';
    end if;
    delete from offline_data.model_vector v where v.model = p_model and v.version = p_version;
    delete from offline_data.edge_ai_models m where m.model = p_model and m.version = p_version;
    if not found then
        raise exception using errcode = '42704', message = format('no model %s version %s', p_model, p_version);
    end if;
    insert into offline_data.meta (name, value) values (offline_private.dropped_version(p_model), p_version::text)
    on conflict (name) do update set value = greatest(meta.value::int, excluded.value::int)::text;
    perform offline_private.drop_vector_index(p_model, p_version);
    return jsonb_build_object('model', p_model, 'version', p_version, 'dropped', true);
end
$$;

comment on function offline.drop_model_version(text, int) is
    'Forgets a version that does not serve, with its artefact. Its deployments stay in the record. A version that serves: 55006; none: 42704.';

create function offline.list_models()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object('model', g.model, 'serving', g.serving, 'versions', g.versions) order by g.model), '[]')
        from (
            select m.model, (select s.version from offline_private.serving(m.model) s) as serving,
                jsonb_agg(jsonb_build_object('version', m.version, 'format', m.format, 'algorithm', m.algorithm, 'task', m.task,
                    'rows', m.rows_used, 'bytes', octet_length(m.artifact), 'metric', m.report -> 'primary' -> 'name', 'value', m.report -> 'primary' -> 'value',
                    'shared', m.is_shared, 'created_at', m.created_at) order by m.version desc) as versions
            from offline_data.edge_ai_models m
            group by m.model) g);
end
$$;

comment on function offline.list_models() is
    'Every model: [{"model", "serving": version or null, "versions": [{"version", "format", "algorithm", "task", "rows", "bytes", "metric", '
    '"value", "shared", "created_at"}]}], newest version first.';

create function offline.model_info(p_model text, p_version int default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_found record;
begin
    v_found := offline_private.find_model(p_model, p_version);
    return (
        select jsonb_build_object('model', m.model, 'version', m.version, 'serving', s.version is not distinct from m.version,
            'format', m.format, 'algorithm', m.algorithm, 'task', m.task, 'sha256', m.sha256, 'bytes', octet_length(m.artifact),
            'spec', m.spec, 'query', m.query, 'rows', m.rows_used, 'report', m.report, 'requires', m.requires, 'shared', m.is_shared,
            'created_by', m.created_by, 'created_at', m.created_at, 'deployments', (
                select coalesce(jsonb_agg(jsonb_build_object('version', d.version, 'reason', d.reason, 'by', d.deployed_by,
                    'at', d.deployed_at) order by d.deployment_id desc), '[]')
                from offline_data.model_deployment d where d.model = m.model))
        from offline_data.edge_ai_models m
        left join offline_private.serving(p_model) s on true
        where m.model = p_model and m.version = v_found.version);
end
$$;

comment on function offline.model_info(text, int) is
    'All that is known of a version (default: the one that serves): specification, training query, rows, feature schema, metrics on the '
    'hold-out and warnings (in "report"), size, hash, and the record of deployments. No such version: 42704.';

create function offline.compare_models(p_model text, p_versions int[] default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_model_name(p_model);
    return (
        select jsonb_build_object('model', p_model, 'metric', min(c.metric), 'best', min(c.version) filter (where c.place = 1),
            'comparable', count(distinct c.metric) <= 1,
            'versions', coalesce(jsonb_agg(jsonb_build_object('version', c.version, 'algorithm', c.algorithm, 'rows', c.rows_used,
                'value', c.value, 'serving', c.serving, 'metrics', c.report -> 'metrics') order by c.place, c.version desc), '[]'))
        from (
            select m.*, m.report -> 'primary' ->> 'name' as metric, (m.report -> 'primary' ->> 'value')::double precision as value,
                m.version is not distinct from (select s.version from offline_private.serving(p_model) s) as serving,
                row_number() over (order by (m.report -> 'primary' ->> 'value')::double precision desc nulls last, m.version desc) as place
            from offline_data.edge_ai_models m
            where m.model = p_model and (p_versions is null or m.version = any (p_versions))) c);
end
$$;

comment on function offline.compare_models(text, int[]) is
    'Versions of a model side by side, best first by the metric on their hold-out: {"model", "metric", "best", "comparable": whether all '
    'have the same metric, "versions": [{"version", "algorithm", "rows", "value", "serving", "metrics"}]}.';
