-- Conflicts that need a person: listing and resolving. Callers read the log under row level security: only their own.

-- What conflicts() is asked for, checked: 22023 for anything else. Unknown members are left alone: clients may be newer.
create function offline_private.conflict_filter(p_request jsonb, out page_size int, out status text, out after_at timestamptz,
    out after_id uuid, out since timestamptz, out device_id uuid, out policy text, out outcome text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    begin
        page_size := coalesce((p_request ->> 'limit')::int, 100);
        after_at := (p_request -> 'after' ->> 'created_at')::timestamptz;
        after_id := coalesce((p_request -> 'after' ->> 'id')::uuid, '00000000-0000-0000-0000-000000000000');
        since := (p_request ->> 'since')::timestamptz;
        device_id := (p_request ->> 'device')::uuid;
    exception when data_exception then
        page_size := null;
    end;
    status := coalesce(p_request ->> 'status', 'pending');
    policy := p_request ->> 'policy';
    outcome := p_request ->> 'outcome';
    if jsonb_typeof(coalesce(p_request, 'null')) <> 'object' or page_size is null or page_size not between 1 and 1000
        or status not in ('pending', 'resolved', 'auto', 'all') or outcome not in ('mine', 'theirs', 'merged', 'manual')
        or jsonb_typeof(p_request -> 'key') not in ('object', 'null')
        or jsonb_typeof(p_request -> 'key') = 'object' and p_request ->> 'table' is null then
        raise exception using errcode = '22023', message = 'bad request',
            hint = '{"limit": 1..1000, "status": pending | resolved | auto | all, "table": name, "key": {…} (with table), "since": time, '
                '"device": id, "policy": name, "outcome": mine | theirs | merged | manual, "after": {"created_at", "id"}}';
    end if;
end
$$;

-- Columns of type json, and values that lost before their column saw them, hold what jsonb cannot: that is told as its text.
create function offline_private.as_jsonb(p_value json)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return p_value::jsonb;
exception when numeric_value_out_of_range or untranslatable_character or program_limit_exceeded then
    return to_jsonb(p_value::text);
end
$$;

-- A page by index: entries of one conflict have one time. Planned for what is asked, because most filters are absent.
create function offline.conflicts(p_request jsonb default '{}')
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set plan_cache_mode = force_custom_plan
as $conflicts$
declare
    v_user text := offline_private.require_uid();
    v_ask record := offline_private.conflict_filter(p_request);
    v_table_id int;
    v_shape jsonb;
    v_key text;
    v_list jsonb;
    v_more boolean;
begin
    if p_request ->> 'table' is not null then
        select s.table_id, s.shape into v_table_id, v_shape from offline_private.synced_tables() s
        where s.shape ->> 'name' = p_request ->> 'table';
        if not found then
            return jsonb_build_object('conflicts', '[]'::jsonb, 'has_more', false, 'next', null);
        end if;
        if jsonb_typeof(p_request -> 'key') = 'object' then
            begin
                v_key := (offline_private.canonical_keys(v_shape, jsonb_build_array(p_request -> 'key')::text))[1];
            exception when data_exception then
                v_key := null;
            end;
            if v_key is null then
                raise exception using errcode = '22023', message = 'key is not a key of the table';
            end if;
        end if;
    end if;
    with heads as materialized (
        select l.created_at, l.conflict_id
        from offline_data.conflict_resolution_log l
        where l.user_id = v_user and (v_ask.status = 'all' or l.status = v_ask.status)
            and (v_ask.after_at is null or (l.created_at, l.conflict_id) > (v_ask.after_at, v_ask.after_id))
            and (v_ask.since is null or l.created_at >= v_ask.since)
            and (v_table_id is null or l.table_id = v_table_id)
            and (v_key is null or l.row_key = v_key)
            and (v_ask.device_id is null or l.device_id = v_ask.device_id)
            and (v_ask.policy is null or l.policy = v_ask.policy)
            and (v_ask.outcome is null or l.outcome = v_ask.outcome)
        group by l.created_at, l.conflict_id
        order by l.created_at, l.conflict_id
        limit v_ask.page_size + 1),
    page as (select h.* from heads h order by h.created_at, h.conflict_id limit v_ask.page_size)
    select jsonb_agg(c.conflict order by c.created_at, c.conflict_id), (select count(*) > v_ask.page_size from heads)
    into v_list, v_more
    from (
        select p.created_at, p.conflict_id, jsonb_build_object(
            'id', p.conflict_id, 'table', s.shape ->> 'name', 'key', offline_private.key_object(s.shape, min(l.row_key)),
            'kind', min(l.kind), 'status', min(l.status), 'device_id', min(l.device_id::text), 'seq', min(l.device_seq)::text,
            'version', min(l.version)::text, 'created_at', p.created_at, 'resolution', min(l.resolution), 'resolved_at', min(l.resolved_at),
            'columns', jsonb_object_agg(l.column_name, jsonb_build_object('base', offline_private.as_jsonb(l.base),
                'mine', offline_private.as_jsonb(l.mine), 'theirs', offline_private.as_jsonb(l.theirs),
                'policy', l.policy, 'outcome', l.outcome, 'overlap', l.overlap, 'suggestion', offline_private.as_jsonb(l.suggestion),
                'confidence', l.confidence))) as conflict
        from page p
        join offline_data.conflict_resolution_log l on l.conflict_id = p.conflict_id
        join offline_private.synced_tables() s on s.table_id = l.table_id
        where (v_ask.status = 'all' or l.status = v_ask.status) and (v_ask.policy is null or l.policy = v_ask.policy)
            and (v_ask.outcome is null or l.outcome = v_ask.outcome)
            -- Excluded after it was contested.
            and not coalesce((s.shape -> 'columns' -> l.column_name ->> 'excluded')::boolean, false)
        group by p.created_at, p.conflict_id, s.shape) c;
    return jsonb_build_object('conflicts', coalesce(v_list, '[]'), 'has_more', v_more,
        'next', case when v_more then jsonb_build_object('created_at', v_list -> -1 -> 'created_at', 'id', v_list -> -1 -> 'id') end);
end
$conflicts$;

comment on function offline.conflicts(jsonb) is
    'Conflicts of the caller: {"conflicts": [{"id", "table", "key", "columns": {name: {"base", "mine", "theirs", …}}, …}], "has_more", '
    '"next"}. Request: limit, status (pending), table, key, since, device, policy, outcome, after (next of the page before).';

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

-- Definer: marks a conflict of the caller as resolved. Returns what is needed to write the resolution, nothing when it is not
-- pending (any more). The row of the log is locked, so that two resolutions cannot both be written. The user's other devices learn
-- of it as they do of a new one.
create function offline_private.claim_conflict(p_conflict uuid, p_resolution text)
returns table (table_id int, row_key text, kind text, mine json)
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
    select c.table_id, c.row_key, min(c.kind), json_object_agg(c.column_name, c.mine)
    from claimed c group by c.table_id, c.row_key;
    if found then
        perform offline_private.wake(array['offline:user:' || offline_private.uid()], 'conflict');
    end if;
end
$$;

-- One resolution, written as the caller. A row that is gone comes back with the chosen values, if the caller's scopes had it.
create function offline_private.settle_conflict(p_conflict uuid, p_resolution text, p_merged jsonb)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $settle$
declare
    v_claim record;
    v_shape jsonb;
    v_is_there boolean;
    v_columns text[];
    v_row json;
    v_result record;
begin
    if p_resolution is null or p_resolution not in ('mine', 'theirs', 'merged')
        or (p_resolution = 'merged') <> (coalesce(jsonb_typeof(p_merged), '') = 'object') then
        raise exception using errcode = '22023', message = 'p_resolution must be mine, theirs or merged',
            hint = 'with merged, p_merged is an object with the values of the columns';
    end if;
    select * into v_claim from offline_private.claim_conflict(p_conflict, p_resolution);
    if not found then
        raise exception using errcode = 'PT404', message = 'no such pending conflict';
    end if;
    perform offline_private.check_token_age(array[v_claim.table_id]);
    v_shape := (offline_private.synced_table(v_claim.table_id)).shape;
    if p_resolution = 'theirs' then
        v_result := offline_private.fetch_rows(v_shape, array[v_claim.row_key]);
    elsif p_resolution = 'mine' and v_claim.kind = 'delete' then
        if offline_private.lock_rows(v_shape, 'delete', '{}', array[v_claim.row_key]) <> '[]' then
            perform offline_private.delete_rows(v_shape, array[v_claim.row_key]);
        end if;
        v_result := offline_private.fetch_rows(v_shape, array[v_claim.row_key]);
    else
        v_row := case p_resolution when 'merged' then p_merged::json else (
            select coalesce(json_object_agg(m.key, m.value), '{}') from json_each(v_claim.mine) m
            where not coalesce((v_shape -> 'columns' -> m.key ->> 'excluded')::boolean, false)) end;
        v_columns := array(select json_object_keys(v_row));
        if v_columns = '{}' or exists (
            select from unnest(v_columns) c (name)
            where not coalesce((v_shape -> 'flags' -> c.name ->> 'w')::boolean, false) or v_shape -> 'key' ? c.name) then
            raise exception using errcode = '22023', message = 'p_merged names a column that cannot be written';
        end if;
        v_row := offline_private.laid_over(offline_private.key_object(v_shape, v_claim.row_key), v_row);
        v_is_there := offline_private.lock_rows(v_shape, 'update', '{}', array[v_claim.row_key]) <> '[]';
        if v_is_there then
            v_result := offline_private.update_rows(v_shape, v_columns, json_build_array(v_row)::text, 1, true);
        else
            v_result := offline_private.resurrect(v_shape, v_claim.row_key, offline_private.conflict_row(p_conflict), v_row::text);
        end if;
    end if;
    return jsonb_build_object('id', p_conflict, 'status', 'resolved', 'resolution', p_resolution, 'row', offline_private.as_jsonb(v_result.docs[1]::json));
end
$settle$;

create function offline.resolve_conflict(p_conflict uuid, p_resolution text, p_merged jsonb default null)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $resolve$
begin
    perform offline_private.require_uid();
    perform offline_private.bound_lock_wait();
    return offline_private.settle_conflict(p_conflict, p_resolution, p_merged);
end
$resolve$;

comment on function offline.resolve_conflict(uuid, text, jsonb) is
    'Settles a pending conflict of the caller: mine writes what the device wanted, theirs keeps the server''s values, merged '
    'writes p_merged. An ordinary change: versioned, pulled, in the history. Unknown or settled: PT404.';

create function offline.resolve_conflicts(p_resolutions jsonb)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $resolve$
declare
    v_item record;
    v_results jsonb[];
    v_code text;
    v_message text;
    v_detail text;
    v_hint text;
begin
    perform offline_private.require_uid();
    if jsonb_typeof(p_resolutions) is distinct from 'array' then
        raise exception using errcode = '22023', message = 'p_resolutions must be an array',
            hint = '[{"id", "resolution": mine | theirs | merged, "merged": {column: value}}]';
    end if;
    if jsonb_array_length(p_resolutions) > 1000 then
        raise exception using errcode = 'PT413', message = 'too many resolutions', detail = '1000';
    end if;
    perform offline_private.bound_lock_wait();
    v_results := array_fill(null::jsonb, array[jsonb_array_length(p_resolutions)]);
    -- By row, so that two who settle much at once do not wait for each other in a circle.
    for v_item in
        select r.ord::int as ord, r.value
        from jsonb_array_elements(p_resolutions) with ordinality r (value, ord)
        left join offline_data.conflict_resolution_log l on l.user_id = offline_private.uid() and l.status = 'pending'
            and l.conflict_id::text = lower(r.value ->> 'id')
        group by r.ord, r.value
        order by min(l.table_id), min(l.row_key), r.ord
    loop
        begin
            if jsonb_typeof(v_item.value -> 'id') is distinct from 'string' or v_item.value ->> 'id' !~* '^[0-9a-f-]{36}$' then
                raise exception using errcode = '22023', message = 'a resolution must be an object with the id of a conflict';
            end if;
            v_results[v_item.ord] := offline_private.settle_conflict((v_item.value ->> 'id')::uuid, v_item.value ->> 'resolution',
                nullif(v_item.value -> 'merged', 'null'));
            set constraints all immediate;
        exception when others or assert_failure then
            get stacked diagnostics v_code = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
                v_hint = pg_exception_hint;
            if offline_private.is_server_fault(v_code) then
                raise;
            end if;
            if v_code in ('55P03', '40P01') then
                -- This was the one patient wait of the call.
                perform set_config('lock_timeout', '10ms', true);
            end if;
            v_results[v_item.ord] := jsonb_build_object('id', v_item.value -> 'id', 'status', 'failed',
                'error', offline_private.error_json(v_code, v_message, v_detail, v_hint));
        end;
    end loop;
    return jsonb_build_object('results', to_jsonb(v_results));
end
$resolve$;

comment on function offline.resolve_conflicts(jsonb) is
    'Settles up to 1,000 pending conflicts of the caller: [{"id", "resolution", "merged"}] as of resolve_conflict. Each has its own '
    'verdict, in the order given: {"results": [{"id", "status": "resolved", "resolution", "row"} or {"id", "status": "failed", "error"}]}.';

-- How contested columns went, as far as the log is the caller's to read: everything for its owner.
create function offline_private.conflict_statistics()
returns table (table_name text, column_name text, policy text, outcome text, decisions bigint, pending bigint, by_person bigint,
    automatic_share numeric)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.shape ->> 'name', g.column_name, g.policy, g.outcome, g.decisions, g.pending, g.by_person,
        round(1 - sum(g.by_person + g.pending) over column_policy / sum(g.decisions) over column_policy, 4)
    from (
        select l.table_id, l.column_name, l.policy, l.outcome, count(*) as decisions,
            count(*) filter (where l.status = 'pending') as pending,
            count(*) filter (where l.status = 'resolved' and coalesce(l.resolved_by, '') not like 'model:%') as by_person
        from offline_data.conflict_resolution_log l
        group by l.table_id, l.column_name, l.policy, l.outcome) g
    join offline_private.synced_tables() s on s.table_id = g.table_id
    window column_policy as (partition by g.table_id, g.column_name, g.policy);
end
$$;

create view offline.conflict_stats as
select s.table_name, s.column_name, s.policy, s.outcome, s.decisions, s.pending, s.by_person, s.automatic_share
from offline_private.conflict_statistics() s;

comment on view offline.conflict_stats is
    'Decisions on contested columns by table, column, policy and outcome: how many, how many wait for a person, how many a person settled, and '
    'the share of the column''s decisions under the policy that needed nobody. A caller sees their own, the owner of the database all.';
