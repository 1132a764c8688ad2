-- What push() needs to know and to remember: row states, bases, conflicts, dead letters. Definer helpers, each does one
-- thing; they act only for the owner of the device (checked by push_begin in the same transaction and again here).

create function offline_private.check_owner(p_device uuid)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user text;
begin
    select d.user_id into v_user from offline_data.device_sync_state d where d.device_id = p_device;
    if v_user is null or v_user is distinct from offline_private.uid() then
        raise exception using errcode = '42501', message = 'unknown device';
    end if;
    return v_user;
end
$$;

-- Writes of a row that a decision looks back on, at most: the latest ones.
create function offline_private.trail_writes_max()
returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 1000
$$;

-- Bytes of old values that a decision looks back on, at most, as they are stored, and again as they are read.
create function offline_private.trail_bytes_max()
returns bigint
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 2000000
$$;

-- The state of rows as decide_run() reads it, read after the rows were locked: nobody else changes it now. Rows that were deleted in a
-- scope that is not the caller's are as unknown as those that never were. With p_base_columns also their values at the bases, with
-- p_trail_columns each later write of them and what it found, with p_write_columns each later write of them, as far as the history reaches
-- and where the row is in a scope of the caller's. Beyond trail_bytes_max() old values are not looked at: any write may have been one of
-- the column. By key, one by one: plans are kept while the table grows, and what suits a small one would read all of a large one.
-- p_forms: wire_form of the columns.
create function offline_private.row_states(p_device uuid, p_table_id int, p_keys text[], p_bases bigint[], p_base_columns text[],
    p_trail_columns text[], p_write_columns text[], p_forms jsonb)
returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    v_start bigint;
    v_scopes text[];
begin
    perform offline_private.check_owner(p_device);
    if coalesce(p_base_columns, p_trail_columns, p_write_columns) is null or not exists (
        select from unnest(p_keys, p_bases) u (k, base)
        cross join lateral (
            select r.* from offline_data.row_state r where r.table_id = p_table_id and r.row_key = u.k offset 0) s
        where s.version > coalesce(u.base, 0)) then
        return (
            select coalesce(json_agg(json_build_object('key', s.row_key, 'version', s.version, 'hlc', s.hlc, 'deleted', s.deleted,
                'device', s.device_id, 'life', json_build_array(s.life_version, s.life_hlc, s.life_device), 'clocks', s.clocks)), '[]')::text
            from unnest(p_keys) u (k)
            cross join lateral (
                select r.* from offline_data.row_state r where r.table_id = p_table_id and r.row_key = u.k offset 0) s
            where not s.deleted or s.scope = any (array(select c.scope from offline_private.caller_scopes() c where c.table_id = p_table_id)));
    end if;
    select t.history_start into v_start from offline_data.synced_table t where t.table_id = p_table_id;
    v_scopes := array(select c.scope from offline_private.caller_scopes() c where c.table_id = p_table_id);
    return (
        select coalesce(json_agg(json_build_object('key', s.row_key, 'version', s.version, 'hlc', s.hlc, 'deleted', s.deleted,
            'device', s.device_id, 'life', json_build_array(s.life_version, s.life_hlc, s.life_device), 'clocks', s.clocks,
            'base', case when s.reaches and p_base_columns is not null and u.base is not null
                -- What it was in a scope that the caller has not is not for them.
                and not exists (
                    select from offline_data.row_departure d
                    where d.table_id = p_table_id and d.row_key = u.k and d.version > u.base and d.scope <> all (v_scopes))
                then offline_private.base_values(p_table_id, s.row_key, u.base, p_base_columns, p_forms) end,
            'trail', t.trail)), '[]')::text
        from unnest(p_keys, p_bases) u (k, base)
        cross join lateral (
            select r.*, coalesce(u.base, r.life_version) as since,
                r.version > coalesce(u.base, r.life_version) and r.life_version <= coalesce(u.base, r.life_version)
                    and v_start <= coalesce(u.base, r.life_version) and r.scope = any (v_scopes) as reaches
            from offline_data.row_state r where r.table_id = p_table_id and r.row_key = u.k offset 0) s
        cross join lateral (
            select json_object_agg(w.name, w.writes) as trail
            from (
                select c.name, json_agg(case when c.valued and h.near then json_build_array(h.version, h.hlc, h.device_id,
                        offline_private.wire_value(h.old -> c.name, p_forms ->> c.name))
                    else json_build_array(h.version, h.hlc, h.device_id) end order by h.version) as writes
                from (
                    select n.*, n.stored_near and sum(case when n.stored_near then coalesce(octet_length(n.old::text), 0) end) over (order by n.version desc)
                        <= offline_private.trail_bytes_max() as near
                    from (
                        -- What brought a row back changed what its deletion found.
                        select g.version, g.hlc, g.device_id, g.op, case when g.op = 'r' then lag(g.old) over (order by g.version) else g.old end as old,
                            g.stored <= offline_private.trail_bytes_max() as stored_near
                        from (
                            select r.*, sum(coalesce(pg_column_size(r.old), 0)) over (order by r.version desc) as stored
                            from offline_data.row_history r
                            where coalesce(p_trail_columns, p_write_columns) is not null and s.reaches
                                and r.table_id = p_table_id and r.row_key = s.row_key and r.op <> 'i' and r.version > s.since
                            order by r.version desc
                            limit offline_private.trail_writes_max()) g) n) h
                cross join (
                    select u.name, true as valued from unnest(p_trail_columns) u (name)
                    union all select u.name, false from unnest(p_write_columns) u (name)) c
                where h.op <> 'd' and case when h.near then (h.old -> c.name) is not null else true end
                    and coalesce((s.clocks -> c.name ->> 0)::bigint, s.life_version) > s.since
                group by c.name) w) t
        where not s.deleted or s.scope = any (v_scopes));
end
$$;

-- Values of columns at a version, from history: what the first later change found there. Columns not changed since are
-- left out.
create function offline_private.base_values(p_table_id int, p_key text, p_base bigint, p_columns text[], p_forms jsonb)
returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select json_object_agg(c.name, offline_private.wire_value(o.value, p_forms ->> c.name))
        from unnest(p_columns) c (name)
        cross join lateral (
            select h.old -> c.name as value from offline_data.row_history h
            where h.table_id = p_table_id and h.row_key = p_key and h.op <> 'i' and h.version > p_base and (h.old -> c.name) is not null
            order by h.version limit 1) o);
end
$$;

-- Both sides wrote the same value: there is nothing to capture, but the write counts. The column gets the later clock, and a version
-- that no device has seen: an edit by somebody who knows only the first of the two writes is decided by the clocks, in whatever order
-- the three arrive. Returns the version of each mutation's row, of which p_versions are those from before.
create function offline_private.restamp(p_device uuid, p_run offline_private.push_run, p_hlcs bigint[], p_columns text[], p_versions bigint[])
returns bigint[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_era int := offline_private.current_era();
    v_versions bigint[];
    v_topics text[];
begin
    perform offline_private.check_owner(p_device);
    with moved as materialized (
        select u.*, nextval('offline_data.version_seq') as version
        from unnest(p_run.keys, p_run.seqs, p_hlcs, p_columns) u (k, seq, hlc, columns) where u.columns is not null
    ), written as (
        update offline_data.row_state s
        set version = m.version, change_xid = pg_current_xact_id(), era = v_era, device_id = p_device, device_seq = m.seq,
            hlc = greatest(s.hlc, m.hlc),
            clocks = s.clocks || offline_private.stamp_columns(m.columns::text[], m.version, m.hlc, p_device::text)::jsonb
        from moved m
        where s.table_id = p_run.table_id and s.row_key = m.k
        returning s.row_key, s.scope, s.version
    )
    select array_agg(coalesce(w.version, u.version) order by u.ord),
        array_agg(distinct 'offline:' || t.scope_kind || ':' || w.scope) filter (where w.scope is not null)
    into v_versions, v_topics
    from unnest(p_run.keys, p_versions) with ordinality u (k, version, ord)
    left join written w on w.row_key = u.k
    cross join (select s.scope_kind from offline_data.synced_table s where s.table_id = p_run.table_id) t;
    perform offline_private.wake(v_topics, 'wake');
    return v_versions;
end
$$;

-- The last content of a deleted row, for a caller in whose scope it was: a concurrent edit brings it back (update_wins).
create function offline_private.deleted_row(p_device uuid, p_table_id int, p_key text)
returns json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row json;
begin
    perform offline_private.check_owner(p_device);
    select h.old into v_row
    from offline_data.row_state s
    join offline_data.row_history h on h.table_id = s.table_id and h.row_key = s.row_key and h.version = s.version
    where s.table_id = p_table_id and s.row_key = p_key and s.deleted
        and s.scope in (select c.scope from offline_private.caller_scopes() c where c.table_id = p_table_id);
    return v_row;
end
$$;

-- The last content of the deleted row that a conflict of the caller is about, where it was in their scope.
create function offline_private.conflict_row(p_conflict uuid)
returns json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select h.old
        from (
            select l.table_id, l.row_key from offline_data.conflict_resolution_log l
            where l.conflict_id = p_conflict and l.user_id = offline_private.uid() limit 1) l
        join offline_data.row_state s on s.table_id = l.table_id and s.row_key = l.row_key and s.deleted
        join offline_data.row_history h on h.table_id = s.table_id and h.row_key = s.row_key and h.version = s.version
        where s.scope in (select c.scope from offline_private.caller_scopes() c where c.table_id = s.table_id));
end
$$;

-- Logs every decision on a contested column; returns the conflict id of each mutation that has one. kind says what the mutation
-- was about: an edit, the deletion of a row that others edited (delete), or the edit of a row that another deleted (deleted).
create function offline_private.log_conflicts(p_device uuid, p_run offline_private.push_run, p_versions bigint[], p_contested text[],
    p_actions text[])
returns text[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user text := offline_private.check_owner(p_device);
    v_seed text := gen_random_uuid()::text;
    v_now timestamptz := clock_timestamp();
    v_ids text[] := offline_private.conflict_ids(v_seed, p_contested);
    v_kind text := case when p_run.op = 'delete' then 'delete' when not p_actions && array['nothing', 'insert', 'resurrect'] then 'edit' end;
begin
    insert into offline_data.conflict_resolution_log (conflict_id, column_name, table_id, row_key, user_id, device_id, device_seq,
        version, base, mine, theirs, policy, outcome, status, created_at, kind, overlap, mine_hlc)
    select e.conflict_id::uuid, e.column_name, p_run.table_id, e.row_key, v_user, p_device, e.seq, e.version,
        e.base::json, e.mine::json, e.theirs::json, e.policy, e.outcome,
        case when e.outcome = 'manual' then 'pending' else 'auto' end, v_now,
        coalesce(v_kind, case p_actions[array_position(p_run.seqs, e.seq)] when 'update' then 'edit' else 'deleted' end), e.overlap,
        case when e.outcome = 'manual' then p_run.hlcs[array_position(p_run.seqs, e.seq)] end
    from offline_private.conflict_entries(v_seed, p_run.keys, p_run.seqs, p_versions, p_contested, p_run.bases, p_run.befores) e;
    if exists (select from unnest(p_contested) u (c) where u.c like '%"outcome":"manual"%') then
        perform offline_private.suggest_conflicts(array_remove(v_ids, null)::uuid[]);
        perform offline_private.wake(array['offline:user:' || v_user], 'conflict');
    end if;
    return v_ids;
end
$$;

-- Columns that a deletion takes with it, as far as devices may know of them.
create function offline_private.whole_columns(p_shape jsonb)
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select c.key from jsonb_each(p_shape -> 'columns') c
        where not (c.value ->> 'excluded')::boolean and not p_shape -> 'key' ? c.key);
end
$$;

-- Asks the functions of the table's owner, as the caller. p_calls: calls_json() of each mutation of a run, or null. The answers
-- are a JSON array of {"ord", "column", "value"}; a function that fails, knows no answer or answers what the column cannot hold is
-- left out: a person decides. A cancelled statement and a database in trouble are nobody's answer.
create function offline_private.ask_functions(p_shape jsonb, p_calls text[])
returns text
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $ask$
declare
    v_call record;
    v_answers json[] := '{}';
    v_answer jsonb;
    v_column text;
    v_parts text[];
begin
    for v_call in
        select m.ord, c.value
        from unnest(p_calls) with ordinality m (calls, ord)
        cross join lateral json_array_elements(m.calls::json) c
        order by m.ord
    loop
        begin
            v_column := v_call.value ->> 'column';
            v_parts := offline_private.function_parts(v_call.value ->> 'function');
            execute format('select %I.%I($1, $2, $3, $4)', v_parts[1], v_parts[2]) into v_answer
            using (v_call.value -> 'base')::jsonb, (v_call.value -> 'mine')::jsonb, (v_call.value -> 'theirs')::jsonb,
                (v_call.value -> 'context')::jsonb;
            if v_answer is not null then
                execute format('select %s from json_to_recordset($1) as r (%s)', p_shape -> 'columns' -> v_column ->> 'read',
                    offline_private.record_definition(p_shape, array[v_column]))
                using json_build_array(json_build_object(v_column, v_answer));
                v_answers := v_answers || json_build_object('ord', v_call.ord, 'column', v_column, 'value', v_answer);
            end if;
        exception when others or assert_failure then
            if offline_private.is_server_fault(sqlstate) then
                raise;
            end if;
        end;
    end loop;
    return array_to_json(v_answers)::text;
end
$ask$;

-- Postgres keeps JSON with text that it cannot store (\u0000, half a surrogate pair), but cannot read it.
create function offline_private.mutation_priority(p_mutation text)
returns smallint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((p_mutation::json ->> 'priority')::smallint, 5);
exception when untranslatable_character or invalid_text_representation then
    return 5;
end
$$;

-- Keeps what could not be applied: dead letters (rejected) and what the server tries again (deferred). p_group: first seq of the
-- atomic group, so that the group is tried again as one.
create function offline_private.keep_mutation(p_device uuid, p_seq bigint, p_mutation text, p_status text, p_error jsonb,
    p_row_mark text, p_group bigint)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user text := offline_private.check_owner(p_device);
begin
    insert into offline_data.sync_queue as q (device_id, seq, user_id, priority, status, mutation, error, row_mark, group_seq, next_attempt_at)
    values (p_device, p_seq, v_user, offline_private.mutation_priority(p_mutation), p_status, p_mutation, p_error, p_row_mark, p_group,
        case when p_status = 'deferred' then clock_timestamp() end)
    on conflict (device_id, seq) do update
    set status = excluded.status, error = excluded.error, attempts = q.attempts + 1, updated_at = clock_timestamp(),
        next_attempt_at = case when excluded.status = 'deferred'
            then clock_timestamp() + least(interval '5 minutes', interval '1 second' * power(2, least(q.attempts, 16))) end;
end
$$;

-- Deferred mutations of the device, in the order of intent, and whether they are due: one row a mutation, or an atomic group, which
-- stands where its first member does.
create function offline_private.due_mutations(p_device uuid)
returns table (seqs bigint[], mutations text[], row_marks text[], is_due boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    return query
    select array_agg(q.seq order by q.seq), array_agg(q.mutation order by q.seq), array_agg(q.row_mark order by q.seq),
        bool_and(q.next_attempt_at <= clock_timestamp())
            -- A fresh token is asked for as of a new mutation, but nobody else's push fails for it.
            and offline_private.too_old_for(array_agg(distinct split_part(q.row_mark, ':', 1)::int)) is null
    from offline_data.sync_queue q
    where q.device_id = p_device and q.status = 'deferred'
    group by coalesce(q.group_seq, q.seq)
    order by coalesce(q.group_seq, q.seq)
    limit 1000;
end
$$;

-- Rows that a deferred mutation of the device waits for. What the device did to them later waits behind it: the order of
-- intent on a row holds for the ones that could not be applied at once, too.
create function offline_private.waiting_rows(p_device uuid)
returns text[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    return array(
        select distinct q.row_mark from offline_data.sync_queue q
        where q.device_id = p_device and q.status = 'deferred' and q.row_mark is not null);
end
$$;

create function offline_private.forget_mutations(p_device uuid, p_seqs bigint[])
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    update offline_data.sync_queue q set status = 'decided', error = null, next_attempt_at = null, updated_at = clock_timestamp()
    where q.device_id = p_device and q.seq = any (p_seqs);
end
$$;

-- What became of seqs that were acknowledged before: a device whose answer was lost still learns each verdict.
create function offline_private.duplicate_results(p_device uuid, p_seqs bigint[])
returns text[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    return array(
        select json_strip_nulls(json_build_object('seq', u.seq::text, 'status', 'duplicate',
            'was', case when q.status = 'dead' then 'rejected' when q.status = 'deferred' then 'deferred'
                when c.pending then 'conflict' when c.conflict_id is not null then 'merged' else 'applied' end,
            'error', case when q.status = 'dead' then q.error end,
            'conflict_id', case when c.pending then c.conflict_id end))::text
        from unnest(p_seqs) u (seq)
        left join offline_data.sync_queue q on q.device_id = p_device and q.seq = u.seq
        left join lateral (
            select l.conflict_id, bool_or(l.outcome = 'manual') as pending from offline_data.conflict_resolution_log l
            where l.device_id = p_device and l.device_seq = u.seq group by l.conflict_id limit 1) c on true
        order by u.seq);
end
$$;

create function offline_private.queue_status(p_device uuid, p_seqs bigint[])
returns table (seq bigint, status text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    return query
    select q.seq, q.status from offline_data.sync_queue q
    where q.device_id = p_device and q.seq = any (p_seqs) and q.status in ('dead', 'deferred');
end
$$;
