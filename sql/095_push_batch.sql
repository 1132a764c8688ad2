-- The executor of a batch: runs in order, failures isolated, dependents held back.

-- Whether a unit depends on (after) a mutation that failed: which, and its fate; rejected before deferred. Else nulls.
create function offline_private.blocked(p_device uuid, p_unit offline_private.push_run[], p_rejected bigint[], p_deferred bigint[],
    out named bigint, out fate text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_named bigint[];
begin
    for i in 1 .. cardinality(p_unit) loop
        if p_unit[i].after_seqs is not null then
            v_named := v_named || array(
                select distinct a.value::text::bigint
                from json_array_elements(p_unit[i].after_seqs::json) m
                cross join lateral json_array_elements(m.value) a);
        end if;
    end loop;
    if v_named is null then
        return;
    end if;
    select n.seq, case when n.seq = any (p_rejected) or e.status = 'dead' then 'rejected' else 'deferred' end into named, fate
    from unnest(v_named) n (seq)
    left join offline_private.queue_status(p_device, v_named) e on e.seq = n.seq
    where n.seq = any (p_rejected) or n.seq = any (p_deferred) or e.seq is not null
    order by 2 desc, 1
    limit 1;
end
$$;

-- One attempt at a run, or at a whole atomic group: all or nothing. error is null when it worked.
create function offline_private.attempt(p_device uuid, p_runs offline_private.push_run[], p_returning boolean,
    out results text[], out error jsonb, out failed_run int)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $attempt$
declare
    v_code text;
    v_message text;
    v_detail text;
    v_hint text;
    v_unmerged boolean := false;
begin
    for v_try in 1 .. 3 loop
        results := '{}';
        error := null;
        begin
            if cardinality(p_runs) > 1 then
                set constraints all deferred;
            end if;
            for i in 1 .. cardinality(p_runs) loop
                failed_run := i;
                results := results || offline_private.apply_run(p_device, p_runs[i], p_returning, v_unmerged);
            end loop;
            set constraints all immediate;
        exception when others or assert_failure then
            get stacked diagnostics v_code = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
                v_hint = pg_exception_hint;
            if offline_private.is_server_fault(v_code) then
                raise;
            end if;
            error := offline_private.error_json(v_code, v_message, v_detail, v_hint);
            results := null;
        end;
        exit when error is null;
        if not v_unmerged and (left(v_code, 2) = '22' or v_code = '23514') and p_runs[1].op in ('update', 'upsert')
            and cardinality(p_runs) = 1 and cardinality(p_runs[1].seqs) = 1 then
            -- Each side may fit where both together do not.
            v_unmerged := true;
            continue;
        end if;
        -- The table was altered between reading its shape and the statement: the next try reads the new shape.
        exit when v_code not in ('42703', '42804', '0A000');
    end loop;
end
$attempt$;

-- How often what came too early is tried again; each time helps one more level of rows that refer to each other.
create function offline_private.late_passes_max()
returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 16
$$;

-- One text for each row that a unit touches.
create function offline_private.row_marks(p_unit offline_private.push_run[])
returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(u.table_id || ':' || k.key), '{}') from unnest(p_unit) u cross join unnest(u.keys) k (key)
$$;

-- Runs a plan. Every mutation gets exactly one result. p_plan is in execution order; p_waiting are rows that deferred
-- mutations wait for.
create function offline_private.execute_plan(p_device uuid, p_batch text, p_plan offline_private.push_run[], p_waiting text[])
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $execute$
declare
    v_results text[] := '{}';
    v_rejected bigint[] := '{}';
    v_deferred bigint[] := '{}';
    v_todo offline_private.push_run[];
    v_unit offline_private.push_run[];
    v_late offline_private.push_run[] := '{}';
    v_late_seqs bigint[] := '{}';
    v_late_rows text[] := '{}';
    v_late_before int;
    v_held boolean;
    v_seqs bigint[];
    v_blocked record;
    v_try record;
    v_next int := 1;
    v_last int;
    v_middle int;
    v_passes int := 0;
    v_last_pass boolean := false;
begin
    loop
        -- The next unit of work: halves of a failed run first, then the plan, then what came too early, while that helps.
        if cardinality(v_todo) > 0 then
            v_unit := v_todo[1:1];
            v_todo := v_todo[2:];
        elsif v_next <= cardinality(p_plan) then
            v_last := v_next;
            while p_plan[v_next].group_name is not null and p_plan[v_last + 1].unit = p_plan[v_next].unit loop
                v_last := v_last + 1;
            end loop;
            v_unit := p_plan[v_next:v_last];
            v_next := v_last + 1;
        elsif not v_last_pass and cardinality(v_late) > 0 then
            v_passes := v_passes + 1;
            v_last_pass := v_passes > offline_private.late_passes_max() or cardinality(v_late) is not distinct from v_late_before;
            v_late_before := cardinality(v_late);
            v_todo := v_late;
            v_late := '{}';
            v_late_seqs := '{}';
            v_late_rows := '{}';
            continue;
        else
            exit;
        end if;
        v_seqs := array(select s from unnest(v_unit) u, unnest(u.seqs) s);
        if v_unit[1].kind = 'duplicate' then
            v_results := v_results || offline_private.duplicate_results(p_device, v_seqs);
            continue;
        end if;
        select null::text[] as results, 1 as failed_run, null::jsonb as error into v_try;
        v_held := false;
        if v_unit[1].kind = 'rejected' then
            select null::text[] as results, 1 as failed_run,
                offline_private.error_json(v_unit[1].code, v_unit[1].message, v_unit[1].detail, null) as error into v_try;
        else
            v_blocked := offline_private.blocked(p_device, v_unit, v_rejected, v_deferred || v_late_seqs);
            -- What builds on a mutation that came too early waits with it, in the order of intent.
            v_held := v_unit[1].group_name is null and (coalesce(v_blocked.named = any (v_late_seqs), false)
                or cardinality(v_late_rows) > 0 and offline_private.row_marks(v_unit) && v_late_rows);
            if v_held then
                null;
            elsif cardinality(p_waiting || v_late_rows) > 0 and (p_waiting || v_late_rows) && offline_private.row_marks(v_unit) then
                -- Also a group behind what came too early.
                select null::text[] as results, 1 as failed_run, offline_private.error_json('PT425',
                    'an earlier mutation of this row is deferred', null, null) as error into v_try;
            elsif v_blocked.fate is not null and (cardinality(v_seqs) = 1 or v_unit[1].group_name is not null) then
                select null::text[] as results, 1 as failed_run, offline_private.error_json(
                    case v_blocked.fate when 'rejected' then 'PT424' else 'PT425' end,
                    case v_blocked.fate when 'rejected' then 'a mutation that this one depends on was rejected'
                        else 'a mutation that this one depends on is deferred' end, v_blocked.named::text, null) as error into v_try;
            elsif v_blocked.fate is null then
                v_try := offline_private.attempt(p_device, v_unit, true);
                if v_try.error ->> 'code' = '42501' and v_unit[1].op in ('insert', 'upsert') then
                    v_try := offline_private.attempt(p_device, v_unit, false);
                end if;
            end if;
        end if;
        if v_try.error ->> 'code' in ('55P03', '40P01') then
            -- One patient wait a call: finding the locked row among many must not wait again and again.
            perform set_config('lock_timeout', '10ms', true);
        end if;
        if v_try.results is not null then
            v_results := v_results || v_try.results;
        elsif v_unit[1].group_name is null and cardinality(v_seqs) > 1 then
            v_middle := cardinality(v_seqs) / 2;
            v_todo := array[offline_private.slice_run(v_unit[1], 1, v_middle),
                offline_private.slice_run(v_unit[1], v_middle + 1, cardinality(v_seqs))] || v_todo;
        elsif v_held or not v_last_pass and cardinality(p_plan) > 1 and v_unit[1].group_name is null
            and v_try.error ->> 'code' in ('23503', '23505', '23P01') then
            -- Runs reorder a batch; what hit a constraint gets another chance when all else is in place.
            v_late := v_late || v_unit;
            v_late_seqs := v_late_seqs || v_seqs;
            v_late_rows := v_late_rows || offline_private.row_marks(v_unit);
        else
            v_results := v_results || offline_private.verdicts(p_device, p_batch, v_unit, v_try.error, v_try.failed_run);
            if offline_private.is_deferral(v_try.error ->> 'code') then
                v_deferred := v_deferred || v_seqs;
                p_waiting := p_waiting || offline_private.row_marks(v_unit);
            else
                v_rejected := v_rejected || v_seqs;
            end if;
        end if;
    end loop;
    return v_results;
end
$execute$;

-- Verdicts on a unit that failed. In an atomic group the failing run carries the error, the others say that it failed.
create function offline_private.verdicts(p_device uuid, p_batch text, p_unit offline_private.push_run[], p_error jsonb, p_failed_run int)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_results text[] := '{}';
    v_companion jsonb := p_error;
    v_group bigint := case when p_unit[1].group_name is not null then (select min(s) from unnest(p_unit) u cross join unnest(u.seqs) s) end;
begin
    if not offline_private.is_deferral(p_error ->> 'code') then
        v_companion := offline_private.error_json('PT424', 'another mutation of the same group was rejected',
            p_unit[p_failed_run].seqs[1]::text, null);
    end if;
    for i in 1 .. cardinality(p_unit) loop
        v_results := v_results || offline_private.not_applied(p_device, p_batch, p_unit[i],
            case when i = p_failed_run then p_error else v_companion end, v_group);
    end loop;
    return v_results;
end
$$;

-- The plan of a deferred mutation, or of the members of a group as one unit: their seqs may have gaps, so each is planned alone.
-- What rejects one of them rejects all.
create function offline_private.plan_again(p_seqs bigint[], p_mutations text[])
returns offline_private.push_run[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_plan offline_private.push_run[] := '{}';
    v_culprit bigint;
begin
    for i in 1 .. cardinality(p_seqs) loop
        v_plan := v_plan || (offline_private.plan_batch('{"v":1,"mutations":[' || p_mutations[i] || ']}', p_seqs[i] - 1))[2:];
    end loop;
    select p.seqs[1] into v_culprit from unnest(v_plan) p where p.kind = 'rejected' limit 1;
    if v_culprit is not null then
        for i in 1 .. cardinality(v_plan) loop
            if v_plan[i].kind <> 'rejected' then
                v_plan[i].kind := 'rejected';
                v_plan[i].code := 'PT424';
                v_plan[i].message := 'another mutation of the same group was rejected';
                v_plan[i].detail := v_culprit;
                v_plan[i].group_name := null;
            end if;
        end loop;
    end if;
    return v_plan;
end
$$;

-- Deferred mutations of the device that are due, each executed alone, a group as one; their verdicts go into this answer. What is
-- behind another of the same row that goes on waiting goes on waiting with it.
create function offline_private.retry_deferred(p_device uuid)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_item record;
    v_results text[] := '{}';
    v_result text[];
    v_waiting text[] := '{}';
begin
    for v_item in select m.* from offline_private.due_mutations(p_device) m loop
        if not v_item.is_due or v_item.row_marks && v_waiting then
            v_waiting := v_waiting || v_item.row_marks;
            continue;
        end if;
        perform offline_private.forget_mutations(p_device, v_item.seqs);
        v_result := offline_private.execute_plan(p_device, '{"v":1,"mutations":[' || array_to_string(v_item.mutations, ',') || ']}',
            offline_private.plan_again(v_item.seqs, v_item.mutations), '{}');
        if v_result[1]::json ->> 'status' = 'deferred' then
            v_waiting := v_waiting || v_item.row_marks;
        else
            v_results := v_results || v_result;
        end if;
    end loop;
    return v_results;
end
$$;

-- The plan of a batch. A rejection that a stale shape may have caused is checked against the catalog first.
create function offline_private.plan_batch(p_batch text, p_acked bigint)
returns offline_private.push_run[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_plan offline_private.push_run[];
begin
    v_plan := array(select row(p.*)::offline_private.push_run
        from offline_private.plan_push(p_batch, offline_private.plan_tables(false), p_acked) p);
    if v_plan[1].kind = 'error' then
        raise exception using errcode = v_plan[1].code, message = v_plan[1].message,
            detail = coalesce(v_plan[1].detail, ''), hint = coalesce(v_plan[1].group_name, '');
    end if;
    if exists (select from unnest(v_plan) p where p.code in ('42P01', '42703', '42501')) then
        v_plan := array(select row(p.*)::offline_private.push_run
            from offline_private.plan_push(p_batch, offline_private.plan_tables(true), p_acked) p);
    end if;
    return v_plan;
end
$$;

-- Sensitive tables (max_token_age) take only tokens that were issued recently: one of these tables that the caller's is too old for.
create function offline_private.too_old_for(p_tables int[])
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_issued double precision := (offline_private.claims() ->> 'iat')::double precision;
begin
    return (
        select s.shape ->> 'name'
        from offline_data.synced_table s
        where s.table_id = any (p_tables) and s.max_token_age is not null
            and coalesce(to_timestamp(v_issued), '-infinity') < clock_timestamp() - s.max_token_age
        limit 1);
end
$$;

create function offline_private.check_token_age(p_tables int[])
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text := offline_private.too_old_for(p_tables);
begin
    if v_table is not null then
        raise exception using errcode = 'PT401', message = format('the access token is too old for %s', v_table), detail = v_table,
            hint = 'sign in again or refresh the session, then push again';
    end if;
end
$$;

-- Locks the rows that a batch changes, all at once and in one order for everybody: runs lock theirs in the order of the plan,
-- and two devices that edited the same rows would wait for each other in a circle. What cannot be locked is left to its run.
create function offline_private.lock_plan(p_plan offline_private.push_run[])
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
begin
    for v_table in
        select p.table_id, array_agg(distinct u.k) as keys
        from unnest(p_plan) p
        cross join unnest(p.keys) u (k)
        where p.kind = 'run' and p.op <> 'insert'
        group by p.table_id
        order by p.table_id
    loop
        begin
            perform offline_private.lock_rows((offline_private.synced_table(v_table.table_id)).shape, 'update', '{}', v_table.keys);
        exception
            when lock_not_available or deadlock_detected then
                -- This was the one patient wait of the call.
                perform set_config('lock_timeout', '10ms', true);
                exit;
            when syntax_error_or_access_rule_violation or data_exception then
                null;
        end;
    end loop;
end
$$;

-- Supabase lets a lock wait for as long as the whole statement may take: then one locked row would cost the whole call.
create function offline_private.bound_lock_wait()
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_lock_limit interval := current_setting('lock_timeout');
    v_statement_limit interval := current_setting('statement_timeout');
begin
    if v_lock_limit = '0' or v_statement_limit > '0' and v_lock_limit > v_statement_limit / 4 then
        perform set_config('lock_timeout',
            (extract(epoch from least(interval '2 s', nullif(v_statement_limit, '0') / 4)) * 1000)::int::text, true);
    end if;
end
$$;

create function offline.push(p_device uuid, p_batch text, p_mac text default null)
returns json
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $push$
declare
    v_begin record;
    v_acked bigint;
    v_plan offline_private.push_run[];
    v_results text[] := '{}';
    v_head offline_private.push_run;
begin
    perform offline_private.require_uid();
    if p_batch is null then
        raise exception using errcode = '22023', message = 'p_batch must be the text of a batch';
    end if;
    perform offline_private.bound_lock_wait();
    v_begin := offline_private.push_begin(p_device);
    v_plan := offline_private.plan_batch(p_batch, v_begin.acked_seq);
    v_head := v_plan[1];
    if v_begin.has_sensitive then
        perform offline_private.check_token_age(array(select distinct p.table_id from unnest(v_plan) p where p.table_id is not null));
    end if;
    -- The only run of a batch locks its rows in order itself.
    if cardinality(v_plan) > 2 then
        perform offline_private.lock_plan(v_plan);
    end if;
    set constraints all immediate;
    if v_begin.has_deferred then
        v_results := offline_private.retry_deferred(p_device);
    end if;
    v_results := v_results || offline_private.execute_plan(p_device, p_batch, v_plan[2:],
        case when v_begin.has_deferred then offline_private.waiting_rows(p_device) else '{}' end);
    if exists (select from unnest(v_results) r where r like '%"status":"conflict"%') then
        perform offline_private.resolve_confident(p_device, array(select s from unnest(v_plan[2:]) p cross join unnest(p.seqs) s));
    end if;
    v_acked := greatest(v_begin.acked_seq, v_head.seqs[1]);
    perform offline_private.push_end(p_device, v_acked, v_head.bases[1] - offline_private.now_ms(),
        coalesce(v_head.hlcs[1], 0) > (offline_private.now_ms() + offline_private.clock_bound_ms()) << 16);
    return format('{"epoch":%s,"server_now":%s,"server_hlc":%s,"acked_seq":%s,"mac":null,"results":[%s]}',
        to_json(offline.epoch()), to_json(offline_private.now_text()), to_json(greatest(offline_private.now_hlc(), offline_private.answer_clock())::text),
        to_json(v_acked::text), offline_private.join_results(v_results));
end
$push$;

comment on function offline.push(uuid, text, text) is
    'Applies a batch of mutations exactly once and answers a verdict for each; see docs/protocol.md. Whole-batch errors: 22023, '
    'PT409 (expected seq in detail), PT413 (limit in detail), 42501.';
