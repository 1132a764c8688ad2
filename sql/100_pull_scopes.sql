-- What a pull covers: the synced tables, the scopes that the caller has in them, and what of it the device already had.

-- Changes whenever a select policy of the table changes, or row level security is switched. Then the scopes of the table are
-- sent from the start, and rows that the policies no longer show are evicted.
create function offline_private.policy_mark(p_relation oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select md5(c.relrowsecurity::text || coalesce((
            select string_agg(p.oid || ':' || p.xmin::text, ',' order by p.oid)
            from pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*')), ''))
        from pg_class c where c.oid = p_relation);
end
$$;

-- All that a pull needs to know of the synced tables, read once.
create type offline_private.registered as (table_id int, name text, scope_kind text, members text, policy jsonb, shape jsonb,
    shape_mark bigint, policy_mark text);

create function offline_private.registry()
returns offline_private.registered[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select row(r.table_id, r.shape ->> 'name', r.scope_kind, r.members, offline_private.typed_policy(r.policy, r.shape), r.shape, r.mark,
            offline_private.policy_mark(r.relation))::offline_private.registered
        from (
            select s.table_id, s.relation, s.scope_kind, s.members, s.policy, m.mark,
                case when s.shape_mark = m.mark then s.shape
                    else offline_private.make_shape(s.relation, s.key_columns, s.exclude) end as shape
            from offline_data.synced_table s
            join pg_class c on c.oid = s.relation
            cross join lateral (select offline_private.shape_mark(s.relation) offset 0) m (mark)) r
        order by r.table_id);
end
$$;

-- The scopes of the caller in these tables. Runs the owner's members queries with the caller's rights, each text once.
create function offline_private.member_scopes(p_registry offline_private.registered[])
returns table (table_id int, scope text)
language plpgsql stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
    v_rule record;
begin
    for v_rule in select r.members, array_agg(r.table_id) as table_ids from unnest(p_registry) r group by r.members loop
        return query execute format(
            'select u.table_id, m.scope from (select distinct q.scope::text from (%s) q (scope) where q.scope is not null) m (scope) '
            'cross join unnest($1) u (table_id)', v_rule.members)
        using v_rule.table_ids;
    end loop;
end
$$;

create function offline_private.schema_mark(p_registry offline_private.registered[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select md5(string_agg(concat_ws(':', r.table_id, r.shape_mark, r.scope_kind, r.policy, r.shape -> 'key', r.shape -> 'flags'), ','))
        from unnest(p_registry) r);
end
$$;

-- What clients need to know of the tables: keys, types, scope kinds, merge policies.
create function offline_private.schema_json(p_registry offline_private.registered[], p_mark text)
returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select json_build_object('hash', p_mark, 'tables', coalesce(json_object_agg(r.name, json_build_object(
        'key', r.shape -> 'key', 'scope_kind', r.scope_kind, 'policy', r.policy,
        'columns', (
            select json_object_agg(c.key, c.value ->> 'type')
            from jsonb_each(r.shape -> 'columns') c where not (c.value ->> 'excluded')::boolean))), '{}'))
    from unnest(p_registry) r
$$;

-- The pairs of table and scope that a pull covers. from_start: the device has nothing of it, or must compare all of it
-- (known: it had the scope, so what is gone must be told).
create type offline_private.pull_scope as (table_id int, scope text, from_start boolean, known boolean);

create function offline_private.pull_scopes(p_cursor jsonb, p_registry offline_private.registered[])
returns offline_private.pull_scope[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_paging boolean := p_cursor -> 'page' ->> 'upper' is not null;
begin
    return (
        select array_agg(row(c.table_id, c.scope,
            case when v_paging then f.scope is not null
                else k.scope is null or p_cursor -> 'policies' ->> c.table_id::text is distinct from r.policy_mark end,
            k.scope is not null)::offline_private.pull_scope)
        from offline_private.member_scopes(p_registry) c
        join unnest(p_registry) r on r.table_id = c.table_id
        left join offline_private.scope_pairs(p_cursor -> 'scopes') k on k.table_id = c.table_id and k.scope = c.scope
        left join offline_private.scope_pairs(p_cursor -> 'page' -> 'fresh') f on f.table_id = c.table_id and f.scope = c.scope
        -- A scope gained in the middle of a pull of several pages waits for the next pull: rows behind its place would be missed.
        where not v_paging or k.scope is not null or f.scope is not null);
end
$$;

-- (7, 'a'), (7, 'b') of {"7": ["a", "b"]}.
create function offline_private.scope_pairs(p_map jsonb)
returns table (table_id int, scope text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select m.key::int, v.scope
    from jsonb_each(p_map) m
    cross join lateral jsonb_array_elements_text(m.value) v (scope);
end
$$;
