-- What differs between the desired state and the catalog. Stages are ordered: the remedy of one makes the next checkable.
-- remedy is SQL; bootstrap() runs it where heals is true, doctor() shows it.

create function offline_private.drift_tables()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select 1, 'error', 'schema', 'offline_data', 'missing', 'create schema offline_data', true
    where to_regnamespace('offline_data') is null
    union all
    select 2, 'error', 'table', 'offline_data.' || t.relation, 'missing', format('create table offline_data.%I ()', t.relation), true
    from (select distinct relation from offline_private.storage_columns()) t
    where to_regclass('offline_data.' || t.relation) is null
    union all
    select 2, 'error', 'sequence', 'offline_data.version_seq', 'missing', 'create sequence offline_data.version_seq', true
    where to_regclass('offline_data.version_seq') is null
$$;

create function offline_private.drift_columns()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select 3, 'error', 'column', format('offline_data.%s.%s', d.relation, d.name),
        case when a.attname is null then 'missing' else 'has type ' || format_type(a.atttypid, a.atttypmod) end,
        case when a.attname is null then format('alter table offline_data.%I add column %I %s', d.relation, d.name, d.definition)
            else format('alter table offline_data.%I alter column %I type %s', d.relation, d.name, w.type) end,
        a.attname is null
    from (select c.*, split_part(split_part(split_part(c.definition, ' not null', 1), ' generated', 1), ' collate', 1)
        from offline_private.storage_columns() c) d (relation, ordinal, name, definition, plain)
    cross join lateral (select format_type(to_regtype(d.plain), null)) w (type)
    join pg_class c on c.oid = to_regclass('offline_data.' || d.relation)
    left join pg_attribute a on a.attrelid = c.oid and a.attname = d.name and not a.attisdropped
    where a.attname is null or format_type(a.atttypid, a.atttypmod) <> w.type
    order by d.relation, d.ordinal
$$;

create function offline_private.drift_constraints()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select 4, 'error', 'constraint', format('offline_data.%s.%s', d.relation, d.name),
        case when c.conname is null then 'missing' else 'is ' || pg_get_constraintdef(c.oid) end,
        case when c.conname is null then '' else format('alter table offline_data.%I drop constraint %I; ', d.relation, d.name) end
            || format('alter table offline_data.%I add constraint %I %s', d.relation, d.name, d.definition),
        true
    from offline_private.storage_constraints() d
    join pg_class t on t.oid = to_regclass('offline_data.' || d.relation)
    left join pg_constraint c on c.conrelid = t.oid and c.conname = d.name
    where c.conname is null or pg_get_constraintdef(c.oid) <> d.definition
    union all
    select 5, 'error', 'index', 'offline_data.' || d.name,
        case when i.indexrelid is null then 'missing' when not i.indisvalid then 'invalid' else 'is ' || pg_get_indexdef(i.indexrelid) end,
        case when i.indexrelid is null then '' else format('drop index offline_data.%I; ', d.name) end || d.definition,
        true
    from offline_private.storage_indexes() d
    left join pg_index i on i.indexrelid = to_regclass('offline_data.' || d.name)
    where to_regclass('offline_data.row_state') is not null
        and (i.indexrelid is null or not i.indisvalid or pg_get_indexdef(i.indexrelid) <> d.definition)
$$;

create function offline_private.drift_security()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select 6, 'error', 'rls', 'offline_data.' || c.relname, 'row level security is off',
        format('alter table offline_data.%I enable row level security', c.relname), true
    from (select distinct relation from offline_private.storage_columns()) d
    join pg_class c on c.oid = to_regclass('offline_data.' || d.relation)
    where not c.relrowsecurity
    union all
    select 7, 'error', 'policy', format('offline_data.%s.%s', d.relation, d.name),
        case when p.polname is null then 'missing' else 'is ' || coalesce(pg_get_expr(p.polqual, p.polrelid), 'empty') end,
        case when p.polname is null then '' else format('drop policy %I on offline_data.%I; ', d.name, d.relation) end
            || format('create policy %I on offline_data.%I for %s using %s', d.name, d.relation, d.command, d.expression),
        true
    from offline_private.storage_policies() d
    join pg_class c on c.oid = to_regclass('offline_data.' || d.relation)
    left join pg_policy p on p.polrelid = c.oid and p.polname = d.name
    where p.polname is null or pg_get_expr(p.polqual, p.polrelid) <> d.expression
    union all
    select 8, 'error', 'trigger', 'offline_data.row_state.record_departure', 'missing or disabled',
        'create or replace trigger record_departure after update on offline_data.row_state for each row '
        'when (old.scope is distinct from new.scope and old.scope is not null) '
        'execute function offline_private.record_departure()', true
    where to_regclass('offline_data.row_state') is not null
        and not exists (
            select from pg_trigger t
            where t.tgrelid = to_regclass('offline_data.row_state') and t.tgname = 'record_departure' and t.tgenabled <> 'D')
$$;

create function offline_private.drift_grants()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select 10, 'error', 'grant', format('%s to %s', case g.kind when 'function' then 'functions' else g.object end, g.role),
        count(*) || ' privileges are missing',
        string_agg(format('grant %s on %s %s to %I', g.privilege, g.kind, g.object, g.role), '; '), true
    from offline_private.storage_grants() g
    where not case g.kind
        when 'schema' then coalesce(has_schema_privilege(g.role, to_regnamespace(g.object), g.privilege), false)
        when 'table' then coalesce(has_table_privilege(g.role, to_regclass(g.object), g.privilege), false)
        else has_function_privilege(g.role, to_regprocedure(g.object), g.privilege) end
    group by g.role, case g.kind when 'function' then 'functions' else g.object end
$$;

create function offline_private.drift_synced_tables()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from offline_private.drift_tables()) or exists (select from offline_private.drift_columns()) then
        return;
    end if;
    return query
    select 9, 'error', 'setting', 'offline_data.meta.storage_id', 'missing',
        'insert into offline_data.meta (name, value) values (''storage_id'', gen_random_uuid()::text)', true
    where not exists (select from offline_data.meta m where m.name = 'storage_id');
    return query
    select 11, 'error', 'synced table', s.relation::text, 'the table was dropped',
        format('delete from offline_data.synced_table where table_id = %s', s.table_id), true
    from offline_data.synced_table s
    where not exists (select from pg_class c where c.oid = s.relation);
    return query
    select 11, 'error', 'synced table', s.relation::text, 'the primary key is not what it was',
        format('select offline.enable_sync(%L, %L)', s.relation::text, s.options), false
    from offline_data.synced_table s
    join pg_class c on c.oid = s.relation
    where offline_private.primary_key(s.relation) is distinct from s.key_columns;
    return query
    select 11, 'warning', 'rls', s.relation::text, 'row level security is off: every signed-in user sees every row',
        format('alter table %s enable row level security', s.relation), false
    from offline_data.synced_table s
    join pg_class c on c.oid = s.relation
    where not c.relrowsecurity and not coalesce((s.options ->> 'allow_without_rls')::boolean, false);
    return query
    select 12, 'error', 'function', format('offline_data.capture_%s()', s.table_id), 'missing or changed',
        offline_private.capture_ddl(s.table_id), true
    from offline_data.synced_table s
    join pg_class c on c.oid = s.relation
    left join pg_proc p on p.oid = to_regprocedure(format('offline_data.capture_%s()', s.table_id))
    where p.prosrc is distinct from offline_private.capture_source(s.table_id)
        and offline_private.primary_key(s.relation) = s.key_columns;
    return query
    select 13, 'error', 'trigger', format('%s.%s', r.relation, w.name), 'missing or disabled', w.ddl, true
    from offline_data.synced_table s
    join pg_class c on c.oid = s.relation
    cross join lateral offline_private.capture_relations(s.relation) r (relation)
    cross join lateral offline_private.capture_triggers(s.table_id, r.relation) w
    where not exists (
        select from pg_trigger t where t.tgrelid = r.relation and t.tgname = w.name and t.tgenabled in ('O', 'A'));
end
$$;

create function offline_private.drift()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select * from offline_private.drift_tables()
    union all select * from offline_private.drift_columns()
    union all select * from offline_private.drift_constraints()
    union all select * from offline_private.drift_security()
    union all select * from offline_private.drift_synced_tables()
    union all select * from offline_private.drift_grants()
    union all select * from offline_private.drift_realtime()
$$;
