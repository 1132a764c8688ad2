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

-- The state of rows as decide_run() reads it, read after the rows were locked: nobody else changes it now. With
-- p_base_columns also their values at the bases, as far as the history reaches. By key, one by one: plans are kept while the table
-- grows, and what suits a small one would read all of a large one.
create function offline_private.row_states(p_device uuid, p_table_id int, p_keys text[], p_bases bigint[], p_base_columns text[])
returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
    perform offline_private.check_owner(p_device);
    return (
        select coalesce(json_agg(json_build_object('key', s.row_key, 'version', s.version, 'hlc', s.hlc, 'deleted', s.deleted, 'device', s.device_id,
            'life', json_build_array(s.life_version, s.life_hlc, s.life_device), 'clocks', s.clocks,
            'base', case when p_base_columns is not null and u.base < s.version and s.life_version <= u.base
                then offline_private.base_values(p_table_id, s.row_key, u.base, p_base_columns) end)), '[]')::text
        from unnest(p_keys, p_bases) u (k, base)
        cross join lateral (
            select r.* from offline_data.row_state r where r.table_id = p_table_id and r.row_key = u.k offset 0) s);
end
$$;

-- Values of columns at a version, from history: what the first later change found there. Columns not changed since are
-- left out. Null when the history no longer reaches back to the version.
create function offline_private.base_values(p_table_id int, p_key text, p_base bigint, p_columns text[])
returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select json_object_agg(c.name, (
            select h.old -> c.name from offline_data.row_history h
            where h.table_id = p_table_id and h.row_key = p_key and h.version > p_base and (h.old -> c.name) is not null
            order by h.version limit 1))
        from unnest(p_columns) c (name)
        where exists (
                select from offline_data.row_history h
                where h.table_id = p_table_id and h.row_key = p_key and h.version > p_base and (h.old -> c.name) is not null)
            and exists (select from offline_data.synced_table s where s.table_id = p_table_id and s.history_start <= p_base));
end
$$;

-- Both sides wrote the same value: nothing to capture, but the clock moves to the later of the two.
create function offline_private.restamp(p_device uuid, p_run offline_private.push_run, p_hlcs bigint[], p_columns text[])
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
begin
    perform offline_private.check_owner(p_device);
    update offline_data.row_state s
    set hlc = greatest(s.hlc, u.hlc), clocks = s.clocks || (
        select jsonb_object_agg(c.name, jsonb_build_array(coalesce((s.clocks -> c.name ->> 0)::bigint, s.life_version), u.hlc, p_device))
        from unnest(u.columns::text[]) c (name))
    from unnest(p_run.keys, p_hlcs, p_columns) u (k, hlc, columns)
    where s.table_id = p_run.table_id and s.row_key = u.k and u.columns is not null;
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

-- Logs every decision on a contested column; returns the conflict id of each mutation that has one.
create function offline_private.log_conflicts(p_device uuid, p_run offline_private.push_run, p_versions bigint[], p_contested text[])
returns text[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user text := offline_private.check_owner(p_device);
    v_seed text := gen_random_uuid()::text;
begin
    insert into offline_data.conflict_resolution_log (conflict_id, column_name, table_id, row_key, user_id, device_id, device_seq,
        version, base, mine, theirs, policy, outcome, status)
    select e.conflict_id::uuid, e.column_name, p_run.table_id, e.row_key, v_user, p_device, e.seq, e.version,
        e.base::json, e.mine::json, e.theirs::json, e.policy, e.outcome,
        case when e.outcome = 'manual' then 'pending' else 'auto' end
    from offline_private.conflict_entries(v_seed, p_run.keys, p_run.seqs, p_versions, p_contested) e;
    if exists (select from unnest(p_contested) u (c) where u.c like '%"outcome":"manual"%') then
        perform offline_private.wake(array['offline:user:' || v_user], 'conflict');
    end if;
    return offline_private.conflict_ids(v_seed, p_contested);
end
$$;

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

-- Keeps what could not be applied: dead letters (rejected) and what the server tries again (deferred).
create function offline_private.keep_mutation(p_device uuid, p_seq bigint, p_mutation text, p_status text, p_error jsonb,
    p_row_mark text)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_user text := offline_private.check_owner(p_device);
begin
    insert into offline_data.sync_queue as q (device_id, seq, user_id, priority, status, mutation, error, row_mark, next_attempt_at)
    values (p_device, p_seq, v_user, offline_private.mutation_priority(p_mutation), p_status, p_mutation, p_error, p_row_mark,
        case when p_status = 'deferred' then clock_timestamp() end)
    on conflict (device_id, seq) do update
    set status = excluded.status, error = excluded.error, attempts = q.attempts + 1, updated_at = clock_timestamp(),
        next_attempt_at = case when excluded.status = 'deferred'
            then clock_timestamp() + least(interval '5 minutes', interval '1 second' * power(2, least(q.attempts, 16))) end;
end
$$;

-- Deferred mutations of the device, in the order of intent, and whether they are due.
create function offline_private.due_mutations(p_device uuid)
returns table (seq bigint, mutation text, row_mark text, is_due boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    return query
    select q.seq, q.mutation, q.row_mark, q.next_attempt_at <= clock_timestamp() from offline_data.sync_queue q
    where q.device_id = p_device and q.status = 'deferred'
    order by q.seq
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

create function offline_private.forget_mutation(p_device uuid, p_seq bigint)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.check_owner(p_device);
    update offline_data.sync_queue q set status = 'decided', error = null, next_attempt_at = null, updated_at = clock_timestamp()
    where q.device_id = p_device and q.seq = p_seq;
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
