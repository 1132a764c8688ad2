-- Change capture. enable_sync() generates one trigger function per synced table from the templates below: static SQL,
-- planned once per session, in sets. It runs as the owner of the table (security definer), whoever writes.
--
-- Inside push() the push context (context_rows) says which mutation each row key belongs to; what a cascade or a user's
-- trigger changes besides gets the server's clock. What capture did goes back to push() the same way (context_report).
--
-- enable_nestloop is off because plans are cached with the row count of the first statement: a nested loop that suits one
-- row would take hours for a bulk write. Nothing here joins a large table (row_state is reached through ON CONFLICT). Sorting
-- for merge joins and compiling (jit) cost more than they save.

-- After an update that moves a row to another scope: the old scope must evict it. One place for all ways of moving.
create function offline_private.record_departure()
returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into offline_data.row_departure (table_id, row_key, scope, version, change_xid, era)
    values (old.table_id, old.row_key, old.scope, new.version, new.change_xid, new.era)
    on conflict (table_id, row_key, scope) do update
    set version = excluded.version, change_xid = excluded.change_xid, era = excluded.era;
    return null;
end
$$;

-- A write outside push() is causally after everything in the row, also after a device clock that runs ahead.
create function offline_private.raise_clocks(p_clocks jsonb, p_hlc bigint)
returns jsonb
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select jsonb_object_agg(c.key, jsonb_set(c.value, '{1}', to_jsonb(p_hlc))) from jsonb_each(p_clocks) c
$$;

-- The same in the history, for the last changes of these rows. That a clock has to be raised is rare, and joining the two in the
-- statement that stamps every change would cost each a third more.
create function offline_private.raise_history(p_table_id int, p_keys text[])
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_nestloop = on
as $$
begin
    update offline_data.row_history h set hlc = s.hlc
    from (
        select r.version, r.hlc
        from unnest(p_keys) u (k)
        cross join lateral (
            select t.version, t.hlc from offline_data.row_state t where t.table_id = p_table_id and t.row_key = u.k offset 0) r) s
    where h.version = s.version;
end
$$;

-- A deletion leaves clocks and life as they are. An insertion begins a new life, unless push() brings a deleted row back with an
-- edit on top (push_resurrect): then the old clocks go on, so that other devices' edits are judged as if it had never been gone.

-- What changed, one row a key: (row_key, scope, gone, born, old, new, columns). %1$s key text of t, %2$s scope. The
-- values of an insertion are not kept: the row itself, or the old values of its first change, has them.
create function offline_private.capture_changes(p_op text, p_key_text text, p_scope text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $capture$
    select format(case p_op
        when 'INSERT' then $$
            select %1$s as row_key, (%2$s)::text as scope, false as gone, not v_resurrect as born,
                null::json as old, null::json as new, case when v_resurrect then v_columns end as columns
            from new_rows t$$
        when 'DELETE' then $$
            select %1$s as row_key, (%2$s)::text as scope, true as gone, false as born,
                row_to_json(t.*) as old, null::json as new, null::text[] as columns
            from old_rows t$$
        else $$
            select p.row_key, p.scope, p.gone, p.born,
                case when p.born then null when p.gone then p.old_doc else p.diff[1] end::json as old,
                case when not (p.gone or p.born) then p.diff[2] end::json as new,
                p.diff[3:] as columns
            from (
                select coalesce(n.row_key, o.row_key) as row_key, case when n.row_key is null then o.scope else n.scope end as scope,
                    n.row_key is null as gone, o.row_key is null as born, o.doc as old_doc, offline_private.row_diff(o.doc, n.doc) as diff
                from (select %1$s as row_key, (%2$s)::text as scope, row_to_json(t.*)::text as doc from old_rows t offset 0) o
                full join (select %1$s as row_key, (%2$s)::text as scope, row_to_json(t.*)::text as doc from new_rows t offset 0) n
                    on n.row_key = o.row_key
                where o.doc is distinct from n.doc
                offset 0) p$$
        end, p_key_text, p_scope)
$capture$;

-- The part of the statement that brings an existing row_state up to date.
create function offline_private.capture_upsert()
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $capture$
    select $$
            on conflict (table_id, row_key) do update
            set scope = excluded.scope, version = excluded.version, change_xid = excluded.change_xid, era = excluded.era,
                deleted = excluded.deleted, device_id = excluded.device_id, device_seq = excluded.device_seq,
                hlc = greatest(excluded.hlc, s.hlc + (excluded.device_id is null)::int),
                life_version = case when excluded.life_version > 0 then excluded.life_version else s.life_version end,
                life_hlc = case
                    when excluded.life_version = 0 then s.life_hlc
                    when excluded.device_id is null then greatest(excluded.life_hlc, s.hlc + 1)
                    else excluded.life_hlc end,
                life_device = case when excluded.life_version > 0 then excluded.life_device else s.life_device end,
                clocks = case
                    when excluded.deleted then s.clocks
                    when excluded.life_version > 0 then '{}'
                    when excluded.device_id is null and s.hlc >= excluded.hlc
                        then s.clocks || offline_private.raise_clocks(excluded.clocks, s.hlc + 1)
                    else s.clocks || excluded.clocks end$$
$capture$;

-- Stamps the changes of one statement into row_state and row_history. %1$s table id, %2$s the changes, %3$s op letter as an
-- expression, %4$s what to do with rows that have a state: there a write outside push() may get its clock raised (%5$s: the rows).
create function offline_private.capture_statement(p_table_id int, p_changes text, p_op text, p_upsert text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $capture$
    select format($$
        with stamped as materialized (
            select c.*, nextval('offline_data.version_seq') as version, m.seq, m.claim, coalesce(m.hlc, v_hlc) as hlc,
                case when m.seq is not null then v_device end as device
            from (%2$s) c
            left join offline_private.context_rows(v_token) m on m.row_key = c.row_key
        ), state as (
            insert into offline_data.row_state as s (table_id, row_key, scope, version, change_xid, era, deleted, hlc, device_id,
                device_seq, life_version, life_hlc, life_device, clocks)
            select %1$s, c.row_key, c.scope, c.version, v_xid, v_era, c.gone, c.hlc, c.device, c.seq,
                case when c.born then c.version else 0 end, case when c.born then c.hlc else 0 end,
                case when c.born then c.device end,
                case when c.columns is null then '{}' else offline_private.stamp_columns(c.columns, c.version, c.hlc, c.device::text)::jsonb end
            from stamped c%4$s
        ), history as (
            insert into offline_data.row_history (table_id, row_key, version, change_xid, changed_at, op, hlc, claimed_hlc,
                user_id, device_id, device_seq, old, new)
            select %1$s, c.row_key, c.version, v_xid, v_now, %3$s, c.hlc, c.claim, v_user, c.device, c.seq, c.old, c.new
            from stamped c
        )
        select array_agg(c.row_key) filter (where v_device is not null), array_agg(c.version) filter (where v_device is not null),
            array_agg(not coalesce(c.columns <@ v_columns, true)) filter (where v_device is not null),
            array_agg(c.scope) filter (where v_device is not null),
            (select array_agg(g.scope) from (select d.scope from stamped d where d.scope is not null group by d.scope) g),
            %5$s
        into v_out_keys, v_out_versions, v_out_extra, v_out_scopes, v_scopes, v_raised
        from stamped c;$$, p_table_id, p_changes, p_op,
        p_upsert || case when p_upsert = '' then '' else '
            returning s.row_key, s.hlc, s.device_id' end,
        case when p_upsert = '' then 'null::text[]'
            else '(select array_agg(w.row_key) from state w where w.device_id is null and w.hlc > v_hlc)' end)
$capture$;

-- The body of the trigger function of one synced table.
create function offline_private.capture_source(p_table_id int)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $source$
declare
    v_table record;
begin
    select * into strict v_table from offline_data.synced_table s where s.table_id = p_table_id;
    return offline_private.capture_body(p_table_id,
        offline_private.make_shape(v_table.relation, v_table.key_columns, v_table.exclude) ->> 'key_text',
        v_table.scope_expression, v_table.scope_kind);
end
$source$;

create function offline_private.capture_body(p_table_id int, p_key_text text, p_scope text, p_scope_kind text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $body$
    select format($$
declare
    v_era int;
    v_xid xid8 := pg_current_xact_id();
    v_hlc bigint := offline_private.now_hlc();
    v_now timestamptz := clock_timestamp();
    v_user text := offline_private.uid();
    v_device uuid;
    v_token bigint;
    v_columns text[];
    v_resurrect boolean := false;
    v_out_keys text[];
    v_out_versions bigint[];
    v_out_extra boolean[];
    v_out_scopes text[];
    v_scopes text[];
    v_raised text[];
    v_plain boolean;
begin
    select e.era into v_era from offline_data.era e where e.identity = offline_private.history_identity();
    if v_era is null then
        v_era := offline_private.current_era();
    end if;
    if current_setting('offline_sync.push_table', true) = '%1$s' then
        v_device := current_setting('offline_sync.push_device');
        v_token := current_setting('offline_sync.push_token');
        v_columns := current_setting('offline_sync.push_columns');
        v_resurrect := coalesce(current_setting('offline_sync.push_resurrect', true), '') = 'on';
    end if;
    if tg_op = 'INSERT' then
        -- New rows hardly ever have a state (only after a deletion), and ON CONFLICT costs a third more: many rows are first
        -- tried without. Few rows are not worth the subtransaction.
        perform from new_rows offset 64 limit 1;
        v_plain := found;
        if v_plain then
            begin%2$s
            exception when unique_violation then
                v_plain := false;
            end;
        end if;
        if not v_plain then%3$s
        end if;
    elsif tg_op = 'UPDATE' then%4$s
    elsif tg_op = 'DELETE' then%5$s
    elsif tg_relid <> (select s.relation from offline_data.synced_table s where s.table_id = %1$s) then
        -- Truncate of one partition: what the table has no more is gone.
        perform offline_private.backfill(%1$s);
    else%6$s
    end if;
    if v_raised is not null then
        perform offline_private.raise_history(%1$s, v_raised);
    end if;
    if v_device is not null and v_out_keys is not null then
        perform offline_private.context_report(v_token, v_out_keys, v_out_versions, v_out_extra, v_out_scopes);
    end if;
    if v_scopes is not null then
        perform offline_private.wake(array(select %7$L || u.scope from unnest(v_scopes) u (scope)), 'wake');
    end if;
    return null;
end
$$,
        p_table_id,
        offline_private.capture_statement(p_table_id, offline_private.capture_changes('INSERT', p_key_text, p_scope), u.born, ''),
        offline_private.capture_statement(p_table_id, offline_private.capture_changes('INSERT', p_key_text, p_scope), u.born, u.upsert),
        offline_private.capture_statement(p_table_id, offline_private.capture_changes('UPDATE', p_key_text, p_scope), '''u''', u.upsert),
        offline_private.capture_statement(p_table_id, offline_private.capture_changes('DELETE', p_key_text, p_scope), '''d''', u.upsert),
        offline_private.capture_statement(p_table_id, format(
            'select s.row_key, s.scope, true as gone, false as born, null::json as old, null::json as new, null::text[] as columns '
            'from offline_data.row_state s where s.table_id = %s and not s.deleted', p_table_id), '''d''', u.upsert),
        'offline:' || p_scope_kind || ':')
    -- A row that comes back with an edit goes on: what became of it is found by its key, which insertions are not.
    from (select offline_private.capture_upsert(), 'case when v_resurrect then ''r'' else ''i'' end::"char"') u (upsert, born)
$body$;

create function offline_private.capture_ddl(p_table_id int)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $ddl$
    select format($$
create or replace function offline_data.capture_%1$s() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
set timezone = 'UTC'
set bytea_output = 'hex'
set intervalstyle = 'postgres'
as %2$L;
revoke all on function offline_data.capture_%1$s() from public;
alter function offline_data.capture_%1$s() depends on extension pg_offline_sync$$, p_table_id, offline_private.capture_source(p_table_id))
$ddl$;

-- The table and its partitions: a statement that names a partition fires the triggers of the partition alone.
create function offline_private.capture_relations(p_relation regclass)
returns setof regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select p_relation
    union
    select p.relid from pg_partition_tree(p_relation) p
$$;

create function offline_private.capture_triggers(p_table_id int, p_relation regclass)
returns table (name text, ddl text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select t.name, format(
        'create or replace trigger %1$I after %3$s on %2$s %4$s for each statement '
        'execute function offline_data.capture_%5$s()', t.name, p_relation, t.event, t.tables, p_table_id)
    from (values
        ('offline_capture_insert', 'insert', 'referencing new table as new_rows'),
        ('offline_capture_update', 'update', 'referencing old table as old_rows new table as new_rows'),
        ('offline_capture_delete', 'delete', 'referencing old table as old_rows'),
        ('offline_capture_truncate', 'truncate', '')) t (name, event, tables)
$$;
