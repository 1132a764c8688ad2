-- Which tables are synced, and how. enable_sync() may be repeated: it changes options and repairs the feed.

-- Definer: callers have no rights on offline_data, but need to know what is synced to push and pull.
create function offline_private.synced_tables()
returns table (table_id int, relation regclass, key_columns text[], scope_kind text, members text, policy jsonb, shape jsonb,
    max_token_age interval)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.table_id, s.relation, s.key_columns, s.scope_kind, s.members, s.policy,
        case when s.shape_mark = offline_private.shape_mark(s.relation) then s.shape
            else offline_private.make_shape(s.relation, s.key_columns, s.exclude) end,
        s.max_token_age
    from offline_data.synced_table s
    join pg_class c on c.oid = s.relation;
end
$$;

-- Whether a policy can do something with the values of a column.
create function offline_private.policy_fits(p_policy text, p_kind text, p_ordered boolean)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case p_policy
        when 'set' then coalesce(p_kind in ('array', 'json'), false)
        when 'text' then coalesce(p_kind = 'text', false)
        when 'json' then coalesce(p_kind = 'json', false)
        when 'max' then p_ordered
        when 'min' then p_ordered
        else true end
$$;

-- The policy as the core reads it: with the types of the columns, and last_write_wins for columns whose type the default does not
-- fit, or no longer does. Most policies do not look at types.
create function offline_private.typed_policy(p_policy jsonb, p_shape jsonb)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_policy::text !~ '"(set|text|json|merge|max|min)"' then
        return p_policy;
    end if;
    return p_policy || jsonb_build_object('types', p_shape -> 'kinds', 'columns', coalesce(nullif(p_policy -> 'columns', 'null'), '{}') || (
        select coalesce(jsonb_object_agg(c.name, 'last_write_wins'), '{}')
        from jsonb_object_keys(p_shape -> 'columns') c (name)
        where not offline_private.policy_fits(coalesce(p_policy -> 'columns' -> c.name, p_policy -> 'default') #>> '{}',
            p_shape -> 'kinds' ->> c.name, not p_shape -> 'unordered' ? c.name)));
end
$$;

-- The same for one table. cached: the shape is the one that plan_tables(false) shows.
create function offline_private.synced_table(p_table_id int, out shape jsonb, out policy jsonb, out cached boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
begin
    select s.* into v_table from offline_data.synced_table s where s.table_id = p_table_id;
    cached := v_table.shape_mark = offline_private.shape_mark(v_table.relation);
    shape := case when cached then v_table.shape
        else offline_private.make_shape(v_table.relation, v_table.key_columns, v_table.exclude) end;
    policy := offline_private.typed_policy(v_table.policy, shape);
end
$$;

-- Synced tables that a foreign key of this one points to: they order the runs of a push.
create function offline_private.parent_tables(p_relation regclass)
returns int[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select distinct s.table_id
        from pg_constraint f
        join offline_data.synced_table s on s.relation = f.confrelid
        where f.conrelid = p_relation and f.contype = 'f');
end
$$;

create function offline_private.refresh_shapes()
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    update offline_data.synced_table s
    set shape = offline_private.make_shape(s.relation, s.key_columns, s.exclude), shape_mark = m.mark, parents = m.parents
    from (
        select t.table_id, offline_private.shape_mark(t.relation) as mark, offline_private.parent_tables(t.relation) as parents
        from offline_data.synced_table t) m
    where m.table_id = s.table_id and (s.shape_mark is distinct from m.mark or s.parents <> m.parents);
end
$$;

-- The tables as plan_push() reads them. The cached shapes are nearly always right; push() asks for fresh ones before it
-- rejects anything because of them.
create function offline_private.plan_tables(p_fresh boolean)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(json_agg(json_build_object('id', s.table_id, 'name', s.shape ->> 'name', 'key', s.shape -> 'key_kinds',
            'columns', s.shape -> 'flags', 'parents', s.parents)), '[]')::text
        from (
            select t.table_id, t.parents,
                case when p_fresh then offline_private.make_shape(t.relation, t.key_columns, t.exclude) else t.shape end as shape
            from offline_data.synced_table t
            join pg_class c on c.oid = t.relation) s);
end
$$;

-- Scopes that the caller has, one row a table and scope.
create function offline_private.caller_scopes()
returns table (table_id int, scope text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select m.table_id, m.scope from offline_private.member_scopes(offline_private.registry()) m;
end
$$;

create function offline_private.caller_topics()
returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select array_agg(t.topic order by t.topic)
    from (
        select 'offline:user:' || offline_private.uid() as topic
        union
        select 'offline:' || s.scope_kind || ':' || c.scope
        from unnest(offline_private.registry()) s
        join offline_private.caller_scopes() c using (table_id)) t
    where t.topic is not null
$$;

create function offline_private.option_error(p_message text, p_hint text)
returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using errcode = '22023', message = p_message, hint = coalesce(p_hint, '');
end
$$;

-- Refuses what cannot be synced, before anything is written.
create function offline_private.check_syncable(p_table regclass, p_options jsonb)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_class record;
    v_bad text;
begin
    select c.relkind, c.relrowsecurity, c.relpersistence, n.nspname into v_class
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = p_table;
    if v_class.relkind not in ('r', 'p') or v_class.relpersistence = 't'
        or v_class.nspname in ('offline', 'offline_private', 'offline_data', 'pg_catalog', 'information_schema') then
        raise exception using errcode = '42809', message = format('%s cannot be synced: it is not an ordinary table', p_table);
    end if;
    if offline_private.primary_key(p_table) is null then
        raise exception using errcode = '42P16', message = format('%s has no primary key', p_table),
            hint = 'add a primary key, best a uuid that devices can make themselves';
    end if;
    select a.attname into v_bad from pg_attribute a
    join pg_collation c on c.oid = a.attcollation
    where a.attrelid = p_table and a.attname = any (offline_private.primary_key(p_table))
        and (not c.collisdeterministic
            or (select t.typname from pg_type t where t.oid = offline_private.base_type(a.atttypid)) = 'citext')
    limit 1;
    if v_bad is not null then
        -- What is one row to the table would be several to whoever goes by its key's text, here and on devices.
        raise exception using errcode = '42P16', message = format('key column %I of %s takes different texts for the same', v_bad, p_table),
            hint = 'use text with a deterministic collation, and lower case by a check constraint';
    end if;
    if jsonb_typeof(p_options) is distinct from 'object' then
        perform offline_private.option_error('options must be a JSON object', null);
    end if;
    if not v_class.relrowsecurity and not coalesce((p_options ->> 'allow_without_rls')::boolean, false) then
        raise exception using errcode = '42P16', message = format('%s has no row level security', p_table),
            hint = 'alter table ... enable row level security and add policies, or pass "allow_without_rls": true';
    end if;
    select o.key into v_bad from jsonb_object_keys(p_options) o (key)
    where o.key not in ('scope', 'scope_kind', 'members', 'policy', 'exclude', 'history', 'max_token_age', 'allow_without_rls', 'suggest');
    if v_bad is not null then
        perform offline_private.option_error(format('unknown option %s', v_bad), 'see enable_sync in docs/protocol.md');
    end if;
    if p_options -> 'exclude' @> '[null]' then
        perform offline_private.option_error('option exclude has the wrong type', 'an array of column names');
    end if;
    select o.key into v_bad from jsonb_each(p_options) o
    where o.value <> 'null' and jsonb_typeof(o.value) <> case o.key
        when 'policy' then 'object' when 'suggest' then 'object' when 'exclude' then 'array' when 'allow_without_rls' then 'boolean' else 'string' end;
    if v_bad is not null then
        perform offline_private.option_error(format('option %s has the wrong type', v_bad), null);
    end if;
    if p_options -> 'suggest' <> 'null' and (jsonb_typeof(p_options -> 'suggest' -> 'threshold') is distinct from 'number'
        or (p_options -> 'suggest' ->> 'threshold')::numeric not between 0 and 1) then
        perform offline_private.option_error('option suggest has the wrong type', '{"threshold": a share from 0 to 1}');
    end if;
    begin
        perform (p_options ->> 'history')::interval, (p_options ->> 'max_token_age')::interval;
    exception when others then
        perform offline_private.option_error(sqlerrm, '"history" and "max_token_age" are intervals such as "90 days"');
    end;
end
$$;

-- Columns that options name must exist; key columns cannot be excluded, and their policy would mean nothing.
create function offline_private.check_columns(p_table regclass, p_policy jsonb, p_exclude text[])
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_bad text;
begin
    perform offline_private.check_policy(p_policy::text);
    select u.name into v_bad
    from (select jsonb_object_keys(coalesce(p_policy -> 'columns', '{}')) union all select unnest(p_exclude)) u (name)
    where not exists (
        select from pg_attribute a
        where a.attrelid = p_table and a.attname = u.name and a.attnum > 0 and not a.attisdropped)
    limit 1;
    if v_bad is not null then
        perform offline_private.option_error(format('%s has no column %I', p_table, v_bad), null);
    end if;
    if p_exclude && offline_private.primary_key(p_table) then
        perform offline_private.option_error('key columns cannot be excluded', null);
    end if;
    perform offline_private.check_policy_type(p_table, c.key, c.value #>> '{}')
    from jsonb_each(coalesce(nullif(p_policy -> 'columns', 'null'), '{}')) c where jsonb_typeof(c.value) = 'string';
    perform offline_private.check_merge_function(f.name #>> '{}')
    from (
        select jsonb_path_query(p_policy, '$.default.function') union all select jsonb_path_query(p_policy, '$.columns.*.function')) f (name);
end
$$;

-- A policy that is named for a column must fit its type.
create function offline_private.check_policy_type(p_table regclass, p_column text, p_policy text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from pg_attribute a
        where a.attrelid = p_table and a.attname = p_column
            and not offline_private.policy_fits(p_policy, offline_private.column_kind(offline_private.base_type(a.atttypid)),
                offline_private.is_ordered(offline_private.base_type(a.atttypid)))) then
        perform offline_private.option_error(format('merge policy %s does not fit column %I', p_policy, p_column),
            case p_policy when 'set' then 'set is for arrays, json and jsonb' when 'text' then 'text is for text, varchar, char and citext'
                when 'json' then 'json is for json and jsonb'
                else 'max and min are for numbers, text, date, timestamp, timestamptz, uuid and boolean' end || '; merge decides by the type');
    end if;
end
$$;

-- Schema and name of a function that a policy names.
create function offline_private.function_parts(p_name text)
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return parse_ident(p_name);
exception when invalid_parameter_value then
    return null;
end
$$;

create function offline_private.check_merge_function(p_name text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_parts text[] := offline_private.function_parts(p_name);
    v_function oid;
begin
    if cardinality(v_parts) is distinct from 2 then
        perform offline_private.option_error(format('%s does not name a function', p_name), 'write schema.name, without arguments');
    end if;
    select p.oid into v_function
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = v_parts[1] and p.proname = v_parts[2] and p.prokind = 'f' and not p.proretset
        and p.pronargs = 4 and 'jsonb'::regtype = all (p.proargtypes) and p.prorettype = 'jsonb'::regtype;
    if v_function is null then
        perform offline_private.option_error(format('there is no function %s(jsonb, jsonb, jsonb, jsonb) returns jsonb', p_name),
            'it is called with base, mine, theirs and context');
    end if;
    if not (has_schema_privilege(v_parts[1], 'usage') and has_function_privilege(v_function, 'execute')) then
        perform offline_private.option_error(format('%s may not execute %s', current_user, p_name),
            'grant execute on the function; the roles that push need it too');
    end if;
end
$$;

-- (expression, kind, members) of the scope options. A scope that every row shares is written as a quoted literal.
create function offline_private.resolve_scope(p_table regclass, p_options jsonb, out expression text, out kind text, out members text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_scope text := p_options ->> 'scope';
    v_columns text[];
    v_literal text;
begin
    select array_agg(a.attname::text) into v_columns from pg_attribute a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped;
    if v_scope is null then
        select c.name into v_scope from unnest(array['user_id', 'owner_id']) c (name) where c.name = any (v_columns);
        if v_scope is null then
            perform offline_private.option_error(format('%s needs a scope', p_table),
                'pass "scope": a column name, an expression over the row, or "''public''" for rows that everyone shares');
        end if;
    end if;
    v_literal := substring(btrim(v_scope) from '^''([^'']+)''$');
    members := p_options ->> 'members';
    if v_literal is not null then
        expression := quote_literal(v_literal);
        kind := v_literal;
        members := coalesce(members, 'select ' || quote_literal(v_literal));
    elsif v_scope = any (v_columns) then
        expression := format('t.%I', v_scope);
        kind := case when members is null then 'user' else regexp_replace(v_scope, '_id$', '') end;
    else
        expression := v_scope;
        kind := case when members is null then 'user' else 'scope' end;
    end if;
    kind := coalesce(p_options ->> 'scope_kind', kind);
    members := coalesce(members, 'select offline_private.uid()');
    if kind !~ '^[a-z][a-z0-9_]{0,30}$' then
        perform offline_private.option_error('scope_kind must be a short lower-case word', null);
    end if;
    begin
        execute format('select (%s)::text from %s t limit 0', expression, p_table);
    exception when others then
        perform offline_private.option_error(format('the scope expression does not work: %s', sqlerrm),
            'it sees the columns of the row; names of functions must be schema-qualified');
    end;
    begin
        perform set_config('search_path', 'pg_catalog, public, pg_temp', true);
        execute format('select (select * from (%s) q limit 0)::text', members);
    exception when others then
        perform offline_private.option_error(format('the members query does not work: %s', sqlerrm),
            'it must return one column: the scopes that the caller has');
    end;
end
$$;

create function offline.enable_sync(p_table regclass, p_options jsonb default '{}')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $enable$
declare
    v_exclude text[];
    v_policy jsonb := coalesce(p_options -> 'policy', '{}');
    v_scope record;
    v_table_id int;
    v_ddl text;
    v_rows bigint;
begin
    if offline_private.storage_id() is null then
        raise exception using errcode = '55000', message = 'the storage of pg_offline_sync is missing',
            hint = 'run select * from offline.bootstrap() first';
    end if;
    perform offline_private.check_syncable(p_table, p_options);
    select coalesce(array_agg(e.name), '{}') into v_exclude from jsonb_array_elements_text(
        case when jsonb_typeof(p_options -> 'exclude') = 'array' then p_options -> 'exclude' else '[]' end) e (name);
    perform offline_private.check_columns(p_table, v_policy, v_exclude);
    v_scope := offline_private.resolve_scope(p_table, p_options);

    -- Writers wait until the triggers and the backfill below are committed together: no change falls in between.
    execute format('lock table %s in share row exclusive mode', p_table);
    insert into offline_data.synced_table as s (relation, key_columns, scope_expression, scope_kind, members, policy, exclude,
        history, max_token_age, options)
    values (p_table, offline_private.primary_key(p_table), v_scope.expression, v_scope.kind, v_scope.members, v_policy, v_exclude,
        (p_options ->> 'history')::interval, (p_options ->> 'max_token_age')::interval, p_options)
    on conflict (relation) do update
    set key_columns = excluded.key_columns, scope_expression = excluded.scope_expression, scope_kind = excluded.scope_kind,
        members = excluded.members, policy = excluded.policy, exclude = excluded.exclude, history = excluded.history,
        max_token_age = excluded.max_token_age, options = excluded.options, shape_mark = null
    returning s.table_id into v_table_id;
    perform offline_private.refresh_shapes();
    execute offline_private.capture_ddl(v_table_id);
    for v_ddl in
        select t.ddl from offline_private.capture_relations(p_table) r (relation)
        cross join lateral offline_private.capture_triggers(v_table_id, r.relation) t
    loop
        execute v_ddl;
    end loop;
    v_rows := offline_private.backfill(v_table_id);
    notify pgrst, 'reload schema';
    return jsonb_build_object('table', offline_private.relation_name(p_table), 'table_id', v_table_id,
        'scope_kind', v_scope.kind, 'rows', v_rows);
end
$enable$;

comment on function offline.enable_sync(regclass, jsonb) is
    'Makes a table synced, or changes its options. Options: scope, scope_kind, members, policy, exclude, history, max_token_age, suggest, '
    'allow_without_rls. Refuses a table without primary key or row level security (42P16) and wrong options (22023).';

-- Brings row_state in line with the table: new rows enter the feed, moved rows change scope, vanished rows are deleted.
-- Returns the number of rows that were out of line.
create function offline_private.backfill(p_table_id int)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $backfill$
declare
    v_table record;
    v_era int := offline_private.current_era();
    v_hlc bigint := offline_private.now_hlc();
    v_entered bigint;
    v_vanished bigint;
begin
    select s.relation, s.scope_expression, s.shape ->> 'key_text' as key_text into strict v_table
    from offline_data.synced_table s where s.table_id = p_table_id;
    execute format($$
        with present as materialized (select %s as row_key, (%s)::text as scope from %s t)
        insert into offline_data.row_state as s (table_id, row_key, scope, version, change_xid, era, hlc, life_version, life_hlc)
        select $1, p.row_key, p.scope, nextval('offline_data.version_seq'), pg_current_xact_id(), $2, $3, 0, $3 from present p
        on conflict (table_id, row_key) do update
        set scope = excluded.scope, version = excluded.version, change_xid = excluded.change_xid, era = excluded.era,
            deleted = false, hlc = greatest(s.hlc + 1, excluded.hlc), device_id = null, device_seq = null
        where s.deleted or s.scope is distinct from excluded.scope$$,
        v_table.key_text, v_table.scope_expression, v_table.relation)
    using p_table_id, v_era, v_hlc;
    get diagnostics v_entered = row_count;
    execute format($$
        update offline_data.row_state s
        set deleted = true, version = nextval('offline_data.version_seq'), change_xid = pg_current_xact_id(), era = $2,
            hlc = greatest(s.hlc + 1, $3), device_id = null, device_seq = null, clocks = '{}'
        where s.table_id = $1 and not s.deleted
            and not exists (select from (select %s as row_key from %s t) p where p.row_key = s.row_key)$$,
        v_table.key_text, v_table.relation)
    using p_table_id, v_era, v_hlc;
    get diagnostics v_vanished = row_count;
    return v_entered + v_vanished;
end
$backfill$;

create function offline.disable_sync(p_table regclass)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $disable$
declare
    v_table_id int;
    v_relation text;
begin
    delete from offline_data.synced_table s where s.relation = p_table returning s.table_id into v_table_id;
    if v_table_id is null then
        raise exception using errcode = '22023', message = format('%s is not synced', p_table);
    end if;
    execute (
        select string_agg(format('drop trigger if exists %I on %s', t.name, r.relation), '; ')
        from offline_private.capture_relations(p_table) r (relation)
        cross join lateral offline_private.capture_triggers(v_table_id, r.relation) t);
    execute format('drop function if exists offline_data.capture_%s()', v_table_id);
    foreach v_relation in array array['row_state', 'row_departure', 'row_history', 'conflict_resolution_log'] loop
        execute format('delete from offline_data.%I where table_id = $1', v_relation) using v_table_id;
    end loop;
    notify pgrst, 'reload schema';
end
$disable$;

comment on function offline.disable_sync(regclass) is
    'Removes triggers and sync state of a table, never the rows of the table itself.';

-- Forgets history that is older than the option "history" of its table.
create function offline.prune_history()
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $prune$
declare
    v_pruned bigint;
begin
    with gone as (
        delete from offline_data.row_history h
        using offline_data.synced_table s
        where s.table_id = h.table_id and h.changed_at < clock_timestamp() - s.history
        returning h.table_id, h.version),
    last as (
        select g.table_id, max(g.version) as version, count(*) as rows from gone g group by g.table_id),
    noted as (
        update offline_data.synced_table s set history_start = greatest(s.history_start, l.version)
        from last l where l.table_id = s.table_id)
    select coalesce(sum(l.rows), 0) into v_pruned from last l;
    return v_pruned;
end
$prune$;

comment on function offline.prune_history() is
    'Deletes history older than the "history" option of its table and returns how many entries went. For the owner, from a timer.';
