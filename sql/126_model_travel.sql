-- How models travel: export, import, and what a pull hands to devices.

-- The document of a version. Of our format: see crates/model; of another: {"format", "sha256", "artifact": base64}. Both with who may
-- have it: "requires", "shared".
create function offline_private.model_document(p_format text, p_artifact bytea, p_sha256 text, p_report jsonb, p_requires jsonb,
    p_shared boolean)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('requires', p_requires, 'shared', p_shared) || case when p_format = 'offline-sync-model'
        then offline_private.seal_model(p_artifact, coalesce(p_report -> 'metrics', '{}'))
        else jsonb_build_object('format', p_format, 'sha256', p_sha256, 'artifact', translate(encode(p_artifact, 'base64'), E'\n', '')) end;
end
$$;

-- Definer: the document of what find_model() found; the hash is the permission.
create function offline_private.found_document(p_model text, p_version int, p_sha256 text, p_format text)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_onnx bytea;
begin
    select m.* into strict v_model from offline_data.edge_ai_models m
    where m.model = p_model and m.version = p_version and m.sha256 = p_sha256;
    if p_format = 'onnx' and v_model.format <> 'onnx' then
        v_onnx := offline_private.onnx_of(v_model.artifact);
        return offline_private.model_document('onnx', v_onnx, encode(sha256(v_onnx), 'hex'), null, '{}', v_model.is_shared);
    end if;
    if p_format <> v_model.format then
        raise exception using errcode = '0A000', message = format('model %s is of the format %s', p_model, v_model.format);
    end if;
    return offline_private.model_document(v_model.format, v_model.artifact, v_model.sha256, v_model.report, v_model.requires,
        v_model.is_shared);
end
$$;

create function offline.export_model(p_model text, p_version int default null, p_format text default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_found record;
begin
    v_found := offline_private.find_model(p_model, p_version);
    return jsonb_build_object('model', p_model, 'version', v_found.version)
        || offline_private.found_document(p_model, v_found.version, v_found.sha256, p_format);
end
$$;

comment on function offline.export_model(text, int, text) is
    'A version (default: the one that serves) as a document that import_model and devices take: {"format", "format_version", "model", "version", '
    '"algorithm", "task", "labels", "features", "metrics", "requires", "shared", "sha256", "artifact": base64}. p_format onnx: the same model for ONNX runtimes (linear, '
    'logistic, trees, forests; others 0A000). Callers get what is shared and serves: else 42704.';

create function offline.import_model(p_artifact jsonb)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $import$
declare
    v_model text := p_artifact ->> 'model';
    v_format text := p_artifact ->> 'format';
    v_bytes bytea;
    v_about jsonb := '{}';
    v_requires jsonb := coalesce(nullif(p_artifact -> 'requires', 'null'), '{}');
    v_shared jsonb := nullif(p_artifact -> 'shared', 'null');
    v_report jsonb := jsonb_build_object('metrics', coalesce(p_artifact -> 'metrics', '{}'));
    v_metric text;
    v_version int;
begin
    if jsonb_typeof(coalesce(p_artifact, 'null')) <> 'object' or v_format is null or p_artifact ->> 'artifact' is null
        or p_artifact ->> 'sha256' is null or jsonb_typeof(v_requires) <> 'object'
        or jsonb_typeof(coalesce(v_shared, 'true')) <> 'boolean' then
        raise exception using errcode = '22023', message = 'not a model document',
            hint = '{"format", "model", "sha256", "artifact": base64, …} as export_model() gives it';
    end if;
    perform offline_private.check_model_name(v_model);
    if v_format = 'offline-sync-model' then
        v_bytes := offline_private.open_model((p_artifact - 'model' - 'version' - 'requires' - 'shared')::text);
        v_about := offline_private.describe_artifact(v_bytes);
        v_metric := offline_private.primary_metric(v_bytes);
        v_report := v_report || jsonb_build_object('primary', jsonb_build_object('name', v_metric,
            'value', case when jsonb_typeof(v_report -> 'metrics' -> v_metric) = 'number' then v_report -> 'metrics' -> v_metric end));
        -- A document that does not say so is not for everybody; those of other formats are made by hand, for devices.
        v_shared := coalesce(v_shared, 'false');
    else
        begin
            v_bytes := decode(p_artifact ->> 'artifact', 'base64');
        exception when invalid_parameter_value then
            raise exception using errcode = '22023', message = '"artifact" is not base64';
        end;
        if encode(sha256(v_bytes), 'hex') <> lower(p_artifact ->> 'sha256') then
            raise exception using errcode = '22P03', message = 'the artefact is damaged: its SHA-256 differs', hint = 'export it again';
        end if;
    end if;
    v_version := offline_private.add_model_version(v_model, v_format, coalesce(v_about ->> 'algorithm', v_format), v_about ->> 'task', v_bytes,
        encode(sha256(v_bytes), 'hex'), jsonb_build_object('imported', true, 'requires', v_requires,
            'shared', coalesce(v_shared, 'true')), null, 0, v_report);
    if v_format = 'offline-sync-model' then
        perform offline_private.keep_vectors(v_model, v_version, v_bytes, null, null);
    end if;
    return jsonb_build_object('model', v_model, 'version', v_version, 'format', v_format, 'bytes', octet_length(v_bytes));
end
$import$;

comment on function offline.import_model(jsonb) is
    'Takes a document of export_model() as a new version that does not serve yet; hash and feature schema are checked (22P03, 22023). Documents of '
    'other formats ("onnx", …) are stored for devices as they are. "requires": what a device must say it can; "shared": whether callers and devices '
    'get it, without the key those of other formats alone.';

-- Whether a device can run a model: numbers are minima, all else must be equal. What is no object asks for nothing.
create function offline_private.device_can(p_capabilities jsonb, p_requires jsonb)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(bool_and(case when jsonb_typeof(r.value) = 'number' and jsonb_typeof(p_capabilities -> r.key) = 'number'
        then (p_capabilities -> r.key)::numeric >= r.value::numeric
        else coalesce(p_capabilities -> r.key = r.value, false) end), true)
    from jsonb_each(case when jsonb_typeof(p_requires) = 'object' then p_requires else '{}' end) r
$$;

-- Definer: what serves and differs from what the device holds: {"name": version}. Documents come along while they fit into
-- p_bytes; larger ones the device fetches with export_model().
create function offline_private.pull_models(p_device uuid, p_held jsonb, p_bytes bigint)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $pull$
declare
    v_user text := offline_private.uid();
    v_capabilities jsonb;
begin
    select coalesce(d.info -> 'capabilities', '{}') into v_capabilities from offline_data.device_sync_state d
    where d.device_id = p_device and d.user_id = v_user;
    return (
        with served as (
            select distinct on (d.model) d.model, d.version from offline_data.model_deployment d order by d.model, d.deployment_id desc),
        usable as (
            select m.* from served s join offline_data.edge_ai_models m on m.model = s.model and m.version = s.version
            where m.is_shared and offline_private.device_can(v_capabilities, m.requires)),
        fresh as (
            select u.*, sum(octet_length(u.artifact)) over (order by octet_length(u.artifact), u.model) as total from usable u
            where (p_held ->> u.model) is distinct from u.version::text)
        select coalesce(jsonb_agg(e.entry order by e.model), '[]')
        from (
            select f.model, jsonb_build_object('model', f.model, 'version', f.version, 'format', f.format, 'sha256', f.sha256,
                'bytes', octet_length(f.artifact),
                -- Base64 takes four bytes for three.
                'export', case when f.total * 4 / 3 <= p_bytes
                    then offline_private.model_document(f.format, f.artifact, f.sha256, f.report, f.requires, f.is_shared) end)
                || coalesce((
                    select jsonb_build_object('user', jsonb_build_object('id', v_user, 'vector', to_jsonb(v.vector)))
                    from offline_data.model_vector v
                    where v.model = f.model and v.version = f.version and v.kind = 'user' and v.id = v_user), '{}') as entry
            from fresh f
            union all
            select h.key, jsonb_build_object('model', h.key, 'version', null) from jsonb_each(p_held) h
            where not exists (select from usable u where u.model = h.key)) e);
end
$pull$;

-- What a pull request says of models: absent for a device that wants none, else {"name": version held}.
create function offline_private.asked_models(p_request jsonb)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_held jsonb := nullif(p_request -> 'models', 'null');
begin
    if v_held is not null and (jsonb_typeof(v_held) <> 'object' or (select count(*) > 1000 from jsonb_object_keys(v_held))) then
        raise exception using errcode = '22023', message = '"models" must be an object of at most 1,000 names', hint = '{"name": version held}';
    end if;
    return v_held;
end
$$;
