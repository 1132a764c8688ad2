-- Learned conflict resolution: a model over the conflict log, trained on what people decided, says of a new conflict which side they
-- would keep. It fills suggestion and confidence; above a threshold that a table names ("suggest": {"threshold": 0.95}, off by default)
-- it resolves, and the log says that it did.

create function offline_private.conflict_model()
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select 'conflict_resolution'
$$;

-- Length of what a value says: characters of a string, elements of an array, members of an object, 0 for nothing.
create function offline_private.json_size(p_value json)
returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case json_typeof(p_value)
        when 'string' then length(p_value #>> '{}') when 'array' then json_array_length(p_value)
        when 'object' then (select count(*)::int from json_object_keys(p_value)) when 'null' then 0 when null then 0 else length(p_value::text) end
$$;

-- What a model looks at in a column of a conflict: what kind of value, under which policy, how far apart the two sides are from each
-- other and from their base, how late, who and where. One row a column.
create function offline_private.conflict_features(p_conflicts uuid[])
returns table (conflict_id uuid, column_name text, status text, resolved_by text, resolution text, table_column text, kind text, value_kind text,
    policy text, person text, place text, overlap boolean, base_known boolean, base_size int, mine_size int, theirs_size int, growth_mine int,
    growth_theirs int, mine_theirs double precision, base_mine double precision, base_theirs double precision, difference double precision,
    clock_seconds double precision, columns_at_once bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select f.conflict_id, f.column_name, f.status, f.resolved_by, f.resolution, f.table_id || '.' || f.column_name, f.kind, f.value_kind,
        f.policy, f.user_id, f.device_id::text, f.overlap, f.base is not null, f.base_size, f.mine_size, f.theirs_size,
        f.mine_size - f.base_size, f.theirs_size - f.base_size,
        -- A feature that no row has a value of could not be learned from: what is not there is 0.
        coalesce(offline_private.text_similarity(f.mine #>> '{}', f.theirs #>> '{}'), 0),
        coalesce(offline_private.text_similarity(f.base #>> '{}', f.mine #>> '{}'), 0),
        coalesce(offline_private.text_similarity(f.base #>> '{}', f.theirs #>> '{}'), 0),
        coalesce(case when f.value_kind = 'number' then (f.mine #>> '{}')::double precision - (f.theirs #>> '{}')::double precision end, 0),
        coalesce(((f.mine_hlc >> 16) - (f.their_hlc >> 16)) / 1000.0::double precision, 0), f.columns_at_once
    from (
        select l.*, json_typeof(coalesce(nullif(l.mine::text, 'null')::json, nullif(l.theirs::text, 'null')::json, l.base)) as value_kind,
            offline_private.json_size(l.base) as base_size, offline_private.json_size(l.mine) as mine_size,
            offline_private.json_size(l.theirs) as theirs_size,
            -- An equal write is a version without a change in the history.
            coalesce((select h.hlc from offline_data.row_history h where h.version = l.version), (
                select h.hlc from offline_data.row_history h
                where h.table_id = l.table_id and h.row_key = l.row_key and h.op <> 'i' and h.version < l.version
                order by h.version desc limit 1)) as their_hlc,
            count(*) over (partition by l.conflict_id) as columns_at_once
        from offline_data.conflict_resolution_log l
        where p_conflicts is null and l.status = 'resolved' or l.conflict_id = any (p_conflicts)) f;
end
$$;

create function offline.train_conflict_model(p_spec jsonb default '{}')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return offline.train_model(offline_private.conflict_model(), jsonb_build_object(
        -- People who keep theirs for a reason of their own look like noise: leaves of some size keep the confidence honest.
        'algorithm', 'forest', 'params', jsonb_build_object('min_leaf', 8, 'trees', 100, 'max_features', 'all'), 'label', 'resolution',
        -- What a model decided is no example of what people decide.
        'query', 'select f.* from offline_private.conflict_features(null) f where coalesce(f.resolved_by, '''') not like ''model:%'' '
            'order by f.conflict_id, f.column_name',
        'features', jsonb_build_array('overlap', 'base_known', 'base_size', 'mine_size', 'theirs_size', 'growth_mine', 'growth_theirs',
            'mine_theirs', 'base_mine', 'base_theirs', 'difference', 'clock_seconds', 'columns_at_once'),
        -- One decision settles all columns of a conflict: they train together or measure together.
        'group', 'conflict_id',
        'categorical', jsonb_build_array('table_column', 'kind', 'value_kind', 'policy', 'person', 'place'),
        'shared', false) || p_spec);
end
$$;

comment on function offline.train_conflict_model(jsonb) is
    'Trains the model conflict_resolution on the conflicts that people resolved; p_spec overrides the specification of train_model(). From its '
    'deployment on, new conflicts get a suggestion and a confidence.';

-- Three-way merge of one column by its type, as the policy "merge" would.
create function offline_private.merged_value(p_kind text, p_base json, p_mine json, p_theirs json)
returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select d.doc::json -> 'v' from offline_private.decide_run('update',
            json_build_object('default', 'merge', 'types', json_build_object('v', p_kind))::text, 'mine', 2, 0, array['k'], array[1::bigint],
            array[1::bigint], array[2::bigint], json_build_array(json_build_object('k', 'k', 'v', p_mine))::text,
            json_build_array(json_build_object('v', p_base))::text, json_build_array(json_build_object('k', 'k', 'r', json_build_object('v', p_theirs)))::text,
            '[{"key":"k","version":2,"hlc":1,"deleted":false,"device":"theirs","life":[1,1,null],"clocks":{"v":[2,1,"theirs"]}}]',
            array['k'], null) d);
end
$$;

-- Definer, for push(): suggestions for the pending columns of new conflicts. Suggestion: {"resolution", "value"}: the value that
-- it would leave. Without a model that serves, nothing happens; one that cannot answer costs the suggestion, never the push.
create function offline_private.suggest_conflicts(p_conflicts uuid[])
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $suggest$
declare
    v_features jsonb;
    v_predictions jsonb;
begin
    if not exists (select from offline_private.serving(offline_private.conflict_model()) s where s.version is not null) then
        return;
    end if;
    select jsonb_agg(to_jsonb(f) order by f.conflict_id, f.column_name) into v_features
    from offline_private.conflict_features(p_conflicts) f where f.status = 'pending';
    if v_features is null then
        return;
    end if;
    v_predictions := offline.predict_many(offline_private.conflict_model(), v_features);
    update offline_data.conflict_resolution_log l
    set confidence = (p.value -> 'probabilities' ->> (p.value ->> 'label'))::real,
        suggestion = json_build_object('resolution', p.value ->> 'label', 'value', case p.value ->> 'label'
            when 'mine' then l.mine when 'theirs' then l.theirs
            else offline_private.merged_value(s.shape -> 'kinds' ->> l.column_name, l.base, l.mine, l.theirs) end)
    from jsonb_array_elements(v_features) with ordinality f (value, ord)
    join jsonb_array_elements(v_predictions) with ordinality p (value, ord) using (ord),
        offline_data.synced_table s
    where l.conflict_id = (f.value ->> 'conflict_id')::uuid and l.column_name = f.value ->> 'column_name' and l.status = 'pending'
        and s.table_id = l.table_id;
exception when others or assert_failure then
    if offline_private.is_server_fault(sqlstate) then
        raise;
    end if;
end
$suggest$;

-- Definer: conflicts of this push whose columns are all suggested above the threshold of their table, with the values to write: null for
-- keeping theirs.
create function offline_private.confident_conflicts(p_device uuid, p_seqs bigint[])
returns table (conflict_id uuid, merged jsonb, model_version int)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    return query
    select l.conflict_id,
        jsonb_object_agg(l.column_name, (l.suggestion -> 'value')::jsonb) filter (where l.suggestion ->> 'resolution' <> 'theirs'),
        (select v.version from offline_private.serving(offline_private.conflict_model()) v)
    from offline_data.conflict_resolution_log l
    join offline_data.synced_table s on s.table_id = l.table_id
    where l.device_id = p_device and l.device_seq = any (p_seqs) and l.status = 'pending' and l.kind = 'edit'
        and s.options -> 'suggest' ->> 'threshold' is not null
    group by l.conflict_id
    having bool_and(coalesce(l.confidence >= (s.options -> 'suggest' ->> 'threshold')::real, false));
end
$$;

-- Definer: says in the log that a model resolved what settle_conflict() has written as the caller.
create function offline_private.sign_resolution(p_device uuid, p_conflict uuid, p_model_version int)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update offline_data.conflict_resolution_log l
    set resolved_by = 'model:' || offline_private.conflict_model() || ':' || p_model_version
    where l.conflict_id = p_conflict and l.status = 'resolved' and l.user_id = offline_private.check_owner(p_device);
end
$$;

-- At the end of a push: writes what the model is sure of, as the caller, as an ordinary change. One that cannot be written waits for a person.
create function offline_private.resolve_confident(p_device uuid, p_seqs bigint[])
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $resolve$
declare
    v_item record;
begin
    for v_item in select c.* from offline_private.confident_conflicts(p_device, p_seqs) c loop
        begin
            perform offline_private.settle_conflict(v_item.conflict_id, case when v_item.merged is null then 'theirs' else 'merged' end, v_item.merged);
            perform offline_private.sign_resolution(p_device, v_item.conflict_id, v_item.model_version);
            set constraints all immediate;
        exception when others or assert_failure then
            if offline_private.is_server_fault(sqlstate) then
                raise;
            end if;
        end;
    end loop;
end
$resolve$;
