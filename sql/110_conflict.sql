-- Conflicts that need a person: listing and resolving. Callers read the log under row level security: only their own.

create function offline.conflicts(p_request jsonb default '{}')
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $conflicts$
declare
    v_limit int;
    v_status text := coalesce(p_request ->> 'status', 'pending');
    v_after timestamptz;
    v_after_id uuid;
    v_list jsonb;
begin
    perform offline_private.require_uid();
    begin
        v_limit := coalesce((p_request ->> 'limit')::int, 100);
        v_after := (p_request -> 'after' ->> 'created_at')::timestamptz;
        v_after_id := (p_request -> 'after' ->> 'id')::uuid;
    exception when others then
        v_limit := null;
    end;
    if jsonb_typeof(coalesce(p_request, 'null')) <> 'object' or v_limit is null or v_limit not between 1 and 1000
        or v_status not in ('pending', 'resolved', 'auto', 'all') then
        raise exception using errcode = '22023', message = 'bad request',
            hint = '{"limit": 1..1000, "status": pending | resolved | auto | all, "table": name, "after": {"created_at", "id"}}';
    end if;
    select jsonb_agg(c.conflict order by c.created_at, c.conflict_id) into v_list
    from (
        select l.conflict_id, min(l.created_at) as created_at, jsonb_build_object(
            'id', l.conflict_id, 'table', s.shape ->> 'name', 'key', offline_private.key_object(s.shape, min(l.row_key)),
            'status', min(l.status), 'device_id', min(l.device_id::text), 'seq', min(l.device_seq)::text, 'version', min(l.version)::text,
            'created_at', min(l.created_at), 'resolution', min(l.resolution), 'resolved_at', min(l.resolved_at),
            'columns', jsonb_object_agg(l.column_name, jsonb_build_object('base', l.base, 'mine', l.mine, 'theirs', l.theirs,
                'policy', l.policy, 'outcome', l.outcome, 'suggestion', l.suggestion, 'confidence', l.confidence))) as conflict
        from offline_data.conflict_resolution_log l
        join offline_private.synced_tables() s on s.table_id = l.table_id
        where l.user_id = offline_private.uid() and (v_status = 'all' or l.status = v_status)
            and (p_request ->> 'table' is null or s.shape ->> 'name' = p_request ->> 'table')
            and (v_after is null or (l.created_at, l.conflict_id) > (v_after, coalesce(v_after_id, '00000000-0000-0000-0000-000000000000')))
        group by l.conflict_id, s.shape
        order by 2, 1
        limit v_limit + 1) c;
    return jsonb_build_object('has_more', coalesce(jsonb_array_length(v_list), 0) > v_limit,
        'conflicts', coalesce(case when jsonb_array_length(v_list) > v_limit then v_list - v_limit else v_list end, '[]'));
end
$conflicts$;

comment on function offline.conflicts(jsonb) is
    'Conflicts of the caller: {"conflicts": [{"id", "table", "key", "columns": {name: {"base", "mine", "theirs", …}}, …}], "has_more"}. '
    'Request: limit, status (pending), table, after {"created_at", "id"}.';

create function offline_private.key_object(p_shape jsonb, p_key text)
returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key json;
begin
    execute 'select ' || replace(p_shape ->> 'key_json', '{k}', '$1') into v_key using p_key;
    return v_key;
end
$$;

-- Definer: marks a conflict of the caller as resolved. Returns what is needed to write the resolution, null when it is not
-- pending (any more). The row of the log is locked, so that two resolutions cannot both be written.
create function offline_private.claim_conflict(p_conflict uuid, p_resolution text)
returns table (table_id int, row_key text, mine json)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with claimed as (
        update offline_data.conflict_resolution_log l
        set status = 'resolved', resolution = p_resolution, resolved_by = offline_private.uid(), resolved_at = clock_timestamp()
        where l.conflict_id = p_conflict and l.user_id = offline_private.uid() and l.status = 'pending'
        returning l.*)
    select c.table_id, c.row_key, json_object_agg(c.column_name, c.mine)
    from claimed c group by c.table_id, c.row_key;
end
$$;

create function offline.resolve_conflict(p_conflict uuid, p_resolution text, p_merged jsonb default null)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $resolve$
declare
    v_claim record;
    v_table record;
    v_columns text[];
    v_row jsonb;
    v_result record;
begin
    perform offline_private.require_uid();
    if p_resolution is null or p_resolution not in ('mine', 'theirs', 'merged')
        or (p_resolution = 'merged') <> (coalesce(jsonb_typeof(p_merged), '') = 'object') then
        raise exception using errcode = '22023', message = 'p_resolution must be mine, theirs or merged',
            hint = 'with merged, p_merged is an object with the values of the columns';
    end if;
    select * into v_claim from offline_private.claim_conflict(p_conflict, p_resolution);
    if not found then
        raise exception using errcode = 'PT404', message = 'no such pending conflict';
    end if;
    v_table := offline_private.synced_table(v_claim.table_id);
    if p_resolution <> 'theirs' then
        v_row := case p_resolution when 'merged' then p_merged else v_claim.mine::jsonb end;
        v_columns := array(select jsonb_object_keys(v_row));
        if v_columns = '{}' or exists (
            select from unnest(v_columns) c (name)
            where not coalesce((v_table.shape -> 'flags' -> c.name ->> 'w')::boolean, false) or v_table.shape -> 'key' ? c.name) then
            raise exception using errcode = '22023', message = 'p_merged names a column that cannot be written';
        end if;
        perform offline_private.lock_rows(v_table.shape, 'update', '{}', array[v_claim.row_key]);
        v_result := offline_private.update_rows(v_table.shape, v_columns,
            jsonb_build_array(offline_private.key_object(v_table.shape, v_claim.row_key)::jsonb || v_row)::text, 1, true);
    else
        v_result := offline_private.fetch_rows(v_table.shape, array[v_claim.row_key]);
    end if;
    return jsonb_build_object('id', p_conflict, 'status', 'resolved', 'resolution', p_resolution,
        'row', v_result.docs[1]::jsonb);
end
$resolve$;

comment on function offline.resolve_conflict(uuid, text, jsonb) is
    'Settles a pending conflict of the caller: mine writes what the device wanted, theirs keeps the server''s values, merged '
    'writes p_merged. An ordinary change: versioned, pulled, in the history. Unknown or settled: PT404.';
