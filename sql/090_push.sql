-- push(): a batch of mutations of one device in one transaction, under the caller's row level security, exactly once.
-- Runs (see plan_push) are applied in sets. A run that fails is halved until the bad mutations stand alone: they cost one
-- verdict each, nobody else waits.

-- Insert runs need no decision. Returns one result (JSON text) a mutation. Rows that are known beforehand are not read back.
create function offline_private.apply_insert(p_device uuid, p_run offline_private.push_run, p_shape jsonb, p_foreseen boolean,
    p_returning boolean)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now bigint := offline_private.now_hlc();
    v_limit bigint := v_now + (offline_private.clock_bound_ms() << 16);
    v_foreseen boolean := p_foreseen and (p_shape ->> 'plain_insert')::boolean and p_run.width = (p_shape ->> 'width')::int;
    v_token bigint;
    v_rows record;
begin
    v_token := offline_private.set_context(p_device, p_run,
        array(select least(coalesce(u.h, v_now), v_limit) from unnest(p_run.hlcs) with ordinality u (h, ord) order by u.ord));
    v_rows := offline_private.insert_rows(p_shape, p_run.columns, p_run.rows, cardinality(p_run.seqs),
        p_returning and not coalesce(v_foreseen, false));
    return offline_private.finish(v_token, p_run, p_shape, array_fill('applied'::text, array[cardinality(p_run.seqs)]),
        null, null, p_run.respelled, null, p_run.rows, coalesce(v_foreseen, false), v_rows.keys, v_rows.docs);
end
$$;

-- Reads what capture reported, fetches rows that changed again meanwhile, and renders the results.
create function offline_private.finish(p_token bigint, p_run offline_private.push_run, p_shape jsonb, p_statuses text[], p_versions bigint[],
    p_columns text[], p_return boolean[], p_conflicts text[], p_sent text, p_sent_is_stored boolean, p_doc_keys text[], p_docs text[])
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_missing text[];
    v_rows record;
begin
    perform offline_private.clear_context();
    v_missing := offline_private.context_missing(p_token, p_run.keys, case when not p_sent_is_stored then p_return end, p_doc_keys);
    if v_missing is not null then
        v_rows := offline_private.fetch_rows(p_shape, v_missing);
        p_doc_keys := p_doc_keys || v_rows.keys;
        p_docs := p_docs || v_rows.docs;
    end if;
    return offline_private.render_results(p_token, p_run.seqs, p_run.keys, p_statuses, p_versions, p_columns, p_return, p_conflicts,
        p_sent, p_run.op = 'insert', p_sent_is_stored, p_doc_keys, p_docs);
end
$$;

-- An object with the members of another on top, all as they are spelled: jsonb would spell them anew.
create function offline_private.laid_over(p_beneath json, p_above json)
returns json
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select json_object_agg(c.key, c.value)
    from (
        select b.key, b.value from json_each(p_beneath) b where p_above -> b.key is null
        union all
        select a.key, a.value from json_each(p_above) a) c
$$;

-- Whether the caller could have put this row where it was and edited it there: tried, and taken back. Policies that look at the
-- content must see what was deleted, not what the edit makes of it.
create function offline_private.could_edit(p_shape jsonb, p_key text, p_columns text[], p_row json)
returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform offline_private.clear_context();
    perform offline_private.insert_rows(p_shape, p_columns, json_build_array(p_row)::text, 1, false);
    if offline_private.lock_rows(p_shape, 'update', '{}', array[p_key]) = '[]' then
        return false;
    end if;
    raise exception sqlstate 'OSYES';
exception
    when sqlstate 'OSYES' then
        return true;
    when insufficient_privilege then
        return false;
end
$$;

-- Brings back a deleted row with the edit on top, as the caller, who must be one who could have edited it while it was there.
-- p_old: its last content, from the history.
create function offline_private.resurrect(p_shape jsonb, p_key text, p_old json, p_doc text, out keys text[], out docs text[])
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_row json;
    v_columns text[];
begin
    if p_old is not null then
        execute format('select row_to_json(w.*) from (select %s from json_populate_record(null::%s, $1) t) w',
            (select string_agg(format('%s as %I', c.value ->> 'wire', c.key), ', ')
                from jsonb_each(p_shape -> 'columns') c where not (c.value ->> 'generated')::boolean),
            p_shape ->> 'relation')
        into v_row using p_old;
        v_columns := array(select json_object_keys(v_row) except select jsonb_array_elements_text(p_shape -> 'key'));
    end if;
    if p_old is null or not offline_private.could_edit(p_shape, p_key, v_columns, v_row) then
        raise exception using errcode = '42501', message = 'row not found or not permitted';
    end if;
    v_row := offline_private.laid_over(v_row, p_doc::json);
    v_columns := array(select json_object_keys(v_row) except select jsonb_array_elements_text(p_shape -> 'key'));
    perform set_config('offline_sync.push_resurrect', 'on', true);
    select i.keys, i.docs into keys, docs
    from offline_private.insert_rows(p_shape, v_columns, json_build_array(v_row)::text, 1, true) i;
    perform set_config('offline_sync.push_resurrect', '', true);
end
$$;

-- The latest clock that this transaction's answer has to tell: of the rows that it shows, which a device whose clock runs ahead may
-- have written. p_hlc is taken note of, where given.
create function offline_private.answer_clock(p_hlc bigint default null)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_known bigint := nullif(current_setting('offline_sync.answer_clock', true), '');
begin
    if p_hlc > coalesce(v_known, 0) then
        perform set_config('offline_sync.answer_clock', p_hlc::text, true);
        return p_hlc;
    end if;
    return v_known;
end
$$;

-- Update, upsert and delete runs: lock, read the state, decide, write. p_unmerged: the only mutation's row did not take what was merged;
-- where both sides would be combined, a person decides.
create function offline_private.apply_change(p_device uuid, p_run offline_private.push_run, p_shape jsonb, p_policy jsonb,
    p_foreseen boolean, p_returning boolean, p_unmerged boolean)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $change$
declare
    v_current text := offline_private.lock_rows(p_shape, p_run.op, p_run.columns, p_run.keys);
    v_columns text[] := p_run.columns;
    v_whole boolean := false;
    v_now bigint := offline_private.now_hlc();
    v_needs record;
    v_states text;
    v_answers text;
    v_token bigint;
    d record;
    v_rows record;
    v_doc_keys text[];
    v_docs text[];
    v_item record;
    v_versions bigint[];
    v_conflicts text[];
    v_spelled record;
    v_sent text;
begin
    loop
        select * into v_needs from offline_private.decision_needs(p_policy::text, v_columns, p_run.befores);
        v_states := offline_private.row_states(p_device, p_run.table_id, p_run.keys, p_run.bases, v_needs.base_columns, v_needs.trail_columns,
            v_needs.write_columns, p_shape -> 'forms');
        select array_agg(x.action order by x.ord) as actions, array_agg(x.status order by x.ord) as statuses,
            array_agg(x.version order by x.ord) as versions, array_agg(x.hlc order by x.ord) as hlcs, array_agg(x.doc order by x.ord) as docs,
            array_agg(x.columns order by x.ord) as columns, array_agg(x.contested order by x.ord) as contested,
            array_agg(x.return_row or x.action = 'insert' order by x.ord) as return_rows, bool_or(x.return_row or x.action = 'insert') as returned, min(x.code) as code, min(x.message) as message,
            '[' || string_agg(x.doc, ',' order by x.ord) filter (where x.action = 'update') || ']' as updates,
            '[' || string_agg(x.doc, ',' order by x.ord) filter (where x.action = 'insert') || ']' as inserts,
            array_agg(p_run.keys[x.ord]) filter (where x.action = 'delete') as deletes,
            count(*) filter (where x.action = 'update') as updated, count(*) filter (where x.action = 'insert') as inserted,
            count(x.contested) as contested_count,
            array_agg(x.restamp::text order by x.ord) as restamps, count(x.restamp) as restamped,
            array_agg(x.calls order by x.ord) as calls, count(x.calls) as asked,
            max(x.latest_hlc) filter (where x.return_row) as latest_hlc
        into d
        from offline_private.decide_run(p_run.op, p_policy::text, p_device::text, v_now, offline_private.clock_bound_ms(),
            p_run.keys, p_run.seqs, p_run.bases, p_run.hlcs, p_run.rows, p_run.befores, v_current, v_states,
            array(select jsonb_array_elements_text(p_shape -> 'key')), v_answers) x;
        if d.code is not null then
            raise exception using errcode = d.code, message = d.message;
        end if;
        -- What is compared has one spelling, and what loses could have been stored.
        if d.contested_count > 0 and p_run.op <> 'delete' and v_sent is null
            and not (p_run.spelled and offline_private.spelling_is_enough(p_shape, p_run.columns)) then
            v_spelled := offline_private.spell_rows(p_shape, p_run);
            v_sent := p_run.rows;
            p_run.rows := v_spelled.rows;
            p_run.befores := v_spelled.befores;
            continue;
        end if;
        if p_run.op = 'delete' and not v_whole and d.statuses && array['merged', 'conflict'] then
            -- What others wrote goes into the log: only now are whole rows read.
            v_whole := true;
            v_columns := offline_private.whole_columns(p_shape);
            v_current := offline_private.lock_rows(p_shape, p_run.op, v_columns, p_run.keys);
        elsif d.asked > 0 and v_answers is null then
            v_answers := offline_private.ask_functions(p_shape, d.calls);
        elsif p_unmerged and d.columns[1] like '%"merged"%' then
            -- The first answer about a column counts.
            v_answers := (
                select json_agg(a.answer order by a.ord)::text
                from (
                    select 0 as ord, json_build_object('ord', 1, 'column', c.key) as answer
                    from json_each_text(d.columns[1]::json) c where c.value = 'merged'
                    union all
                    select o.ord, o.answer from json_array_elements(coalesce(v_answers, '[]')::json) with ordinality o (answer, ord)) a);
        else
            exit;
        end if;
    end loop;
    if d.latest_hlc > v_now then
        perform offline_private.answer_clock(d.latest_hlc);
    end if;
    v_versions := d.versions;
    if d.restamped > 0 then
        v_versions := offline_private.restamp(p_device, p_run, d.hlcs, d.restamps, d.versions);
    end if;
    v_token := offline_private.set_context(p_device, p_run, d.hlcs);
    if d.updated > 0 and cardinality(p_run.columns) > 0 then
        v_rows := offline_private.update_rows(p_shape, p_run.columns, d.updates, d.updated::int,
            d.returned or not (p_foreseen and p_run.width is not null and (p_shape ->> 'plain_update')::boolean));
        v_doc_keys := v_rows.keys;
        v_docs := v_rows.docs;
    end if;
    if d.inserted > 0 then
        v_rows := offline_private.insert_rows(p_shape, p_run.columns, d.inserts, d.inserted::int, p_returning);
        v_doc_keys := v_doc_keys || v_rows.keys;
        v_docs := v_docs || v_rows.docs;
    end if;
    if d.deletes is not null then
        perform offline_private.delete_rows(p_shape, d.deletes);
    end if;
    for v_item in select u.k, u.doc from unnest(p_run.keys, d.actions, d.docs) u (k, action, doc) where u.action = 'resurrect' loop
        v_rows := offline_private.resurrect(p_shape, v_item.k, offline_private.deleted_row(p_device, p_run.table_id, v_item.k), v_item.doc);
        v_doc_keys := v_doc_keys || v_rows.keys;
        v_docs := v_docs || v_rows.docs;
    end loop;
    if d.contested_count > 0 then
        v_conflicts := offline_private.log_conflicts(p_device, p_run, d.versions, d.contested, d.actions);
    end if;
    if p_run.respelled is not null and d.updated > 0 then
        d.return_rows := array(
            select u.asked or u.respelled from unnest(d.return_rows, p_run.respelled) with ordinality u (asked, respelled, ord) order by u.ord);
    end if;
    return offline_private.finish(v_token, p_run, p_shape, d.statuses, v_versions, d.columns, d.return_rows, v_conflicts,
        case when p_run.op <> 'delete' then coalesce(v_sent, '[' || array_to_string(d.docs, ',') || ']') end, false, v_doc_keys, v_docs);
end
$change$;

create function offline_private.apply_run(p_device uuid, p_run offline_private.push_run, p_returning boolean, p_unmerged boolean)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
    v_keys text[];
begin
    v_table := offline_private.synced_table(p_run.table_id);
    if not v_table.shape -> 'columns' ?& p_run.columns then
        raise exception using errcode = '42703', message = 'a column of the mutation was dropped';
    end if;
    if v_table.shape -> 'key_kinds' @> '[{"kind": "other"}]' then
        v_keys := offline_private.canonical_keys(v_table.shape, p_run.rows);
        if cardinality(p_run.keys) > (select count(distinct u.k) from unnest(v_keys) u (k)) then
            raise exception using errcode = '21000', message = 'two spellings of one key in one run';
        end if;
        p_run.keys := v_keys;
    end if;
    if p_run.op = 'insert' then
        return offline_private.apply_insert(p_device, p_run, v_table.shape, v_table.cached, p_returning);
    end if;
    return offline_private.apply_change(p_device, p_run, v_table.shape, v_table.policy, v_table.cached, p_returning, p_unmerged);
end
$$;

create function offline_private.error_json(p_code text, p_message text, p_detail text, p_hint text)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('code', p_code, 'message', p_message, 'detail', nullif(p_detail, ''), 'hint', nullif(p_hint, ''));
end
$$;

-- Not the mutation's fault, and likely to pass: the server tries again. PT425: it waits for a deferred one.
create function offline_private.is_deferral(p_code text)
returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return p_code in ('40001', '40P01', '55P03', 'PT425');
end
$$;

-- The database itself is in trouble: the whole push fails and the device tries again later.
create function offline_private.is_server_fault(p_code text)
returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return left(p_code, 2) in ('08', '53', '57', '58', 'XX', 'F0');
end
$$;

-- Verdict on mutations that were not applied: a result each, and a place in sync_queue. p_group: first seq of their atomic group.
create function offline_private.not_applied(p_device uuid, p_batch text, p_run offline_private.push_run, p_error jsonb, p_group bigint)
returns text[]
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_status text := case when offline_private.is_deferral(p_error ->> 'code') then 'deferred' else 'rejected' end;
    v_item record;
begin
    for v_item in
        select m.seq, m.mutation, p_run.table_id || ':' || p_run.keys[array_position(p_run.seqs, m.seq)] as row_mark
        from offline_private.extract_mutations(p_batch, p_run.seqs) m
    loop
        perform offline_private.keep_mutation(p_device, v_item.seq, v_item.mutation,
            case v_status when 'rejected' then 'dead' else 'deferred' end, p_error, v_item.row_mark, p_group);
    end loop;
    return array(
        select json_build_object('seq', u.seq::text, 'status', v_status, 'error', p_error)::text from unnest(p_run.seqs) u (seq));
end
$$;
