-- Applying one run of a push: mutations of one table, operation and column set, on distinct rows. The user's statements run
-- as the caller, under row level security; the state is read and the log is written by definer helpers.

create type offline_private.push_run as (
    unit int, kind text, table_id int, op text, columns text[], seqs bigint[], keys text[], bases bigint[], hlcs bigint[],
    rows text, befores text, after_seqs text, width int, respelled boolean[], spelled boolean, group_name text, code text, message text, detail text);

create function offline_private.slice_run(p_run offline_private.push_run, p_from int, p_to int)
returns offline_private.push_run
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_from = 1 and p_to = cardinality(p_run.seqs) then
        return p_run;
    end if;
    p_run.seqs := p_run.seqs[p_from:p_to];
    p_run.keys := p_run.keys[p_from:p_to];
    p_run.bases := p_run.bases[p_from:p_to];
    p_run.hlcs := p_run.hlcs[p_from:p_to];
    p_run.respelled := p_run.respelled[p_from:p_to];
    p_run.rows := offline_private.slice_json_array(p_run.rows, p_from - 1, p_to);
    p_run.befores := offline_private.slice_json_array(p_run.befores, p_from - 1, p_to);
    p_run.after_seqs := offline_private.slice_json_array(p_run.after_seqs, p_from - 1, p_to);
    return p_run;
end
$$;

-- 'title text, n bigint' for json_to_recordset, for the named columns.
create function offline_private.record_definition(p_shape jsonb, p_columns text[])
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select string_agg(format('%I %s', c.name, p_shape -> 'columns' -> c.name ->> 'record'), ', ' order by c.ord)
        from unnest(p_columns) with ordinality c (name, ord));
end
$$;

create function offline_private.row_expression(p_shape jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return p_shape ->> case when current_setting('TimeZone') in ('UTC', 'Etc/UTC', 'GMT') then 'row' else 'row_local' end;
end
$$;

-- JSON of some columns of t, as they travel.
create function offline_private.columns_expression(p_shape jsonb, p_columns text[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select case when cardinality(p_columns) = 0 then '''{}''::json' else format('(select row_to_json(w.*) from (select %s) w)', string_agg(
            format('%s as %I', p_shape -> 'columns' -> c.name ->>
                case when current_setting('TimeZone') in ('UTC', 'Etc/UTC', 'GMT') then 'wire' else 'wire_local' end, c.name), ', ')) end
        from unnest(p_columns) c (name));
end
$$;

-- Keys of other kinds than uuid, integer and text have more than one spelling (1.0 and 1.00): Postgres settles it.
create function offline_private.canonical_keys(p_shape jsonb, p_rows text)
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_keys text[];
    v_columns text[] := array(select jsonb_array_elements_text(p_shape -> 'key'));
begin
    execute format('select array_agg(%s order by t.ordinality) from (select %s, r.ordinality from rows from (json_to_recordset($1) as (%s)) '
        'with ordinality r) t', p_shape ->> 'key_text', offline_private.read_expressions(p_shape, v_columns), offline_private.record_definition(p_shape, v_columns))
    into v_keys using p_rows::json;
    return v_keys;
end
$$;

-- Whether a value that is spelled as the column's type spells its values is one: an enum knows only its labels.
create function offline_private.spelling_is_enough(p_shape jsonb, p_columns text[])
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select bool_and(p_shape -> 'flags' -> c.name ->> 't' <> 's' or coalesce(p_shape -> 'kinds' ->> c.name = 'text', false))
    from unnest(p_columns) c (name)
$$;

-- The rows of a run, read as the types of their columns and spelled as rows travel: as lock_rows() spells those that they meet. Fails
-- where a column cannot hold its value. Of what devices saw before, what cannot be read stays as it is.
create function offline_private.spell_rows(p_shape jsonb, p_run offline_private.push_run, out rows text, out befores text)
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_columns text[] := array(select jsonb_array_elements_text(p_shape -> 'key')) || p_run.columns;
    v_read text := 'select %s as doc from (select %s from %s as r (%s)) t';
begin
    execute format('select ''['' || string_agg(w.doc::text, '','') || '']'' from (%s) w', format(v_read,
        offline_private.columns_expression(p_shape, v_columns), offline_private.read_expressions(p_shape, v_columns),
        'json_to_recordset($1)', offline_private.record_definition(p_shape, v_columns)))
    into rows using p_run.rows::json;
    -- A json column takes numbers that nothing else can read, and the log is read.
    perform rows::jsonb;
    befores := p_run.befores;
    if befores is not null then
        execute format('select json_agg(case when json_typeof(b.seen) = ''object'' then w.doc end order by b.ord)::text
            from json_array_elements($1) with ordinality b (seen, ord)
            cross join lateral (select case when json_typeof(b.seen) = ''object'' then b.seen else ''{}'' end as seen) o
            cross join lateral (
                select json_object_agg(k.name, s.doc -> k.name) as doc from (%s) s cross join json_object_keys(o.seen) k (name)) w',
            format(v_read, offline_private.columns_expression(p_shape, p_run.columns), offline_private.read_expressions(p_shape, p_run.columns),
                'json_to_record(o.seen)', offline_private.record_definition(p_shape, p_run.columns)))
        into befores using p_run.befores::json;
    end if;
exception when data_exception or integrity_constraint_violation then
    if befores is null then
        raise;
    end if;
    befores := p_run.befores;
end
$$;

-- Columns of the record r as they are stored.
create function offline_private.read_expressions(p_shape jsonb, p_columns text[])
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select string_agg(format('%s as %I', p_shape -> 'columns' -> c.name ->> 'read', c.name), ', ') from unnest(p_columns) c (name));
end
$$;

-- Tells capture which mutation each key belongs to, for one statement. Returns the token of the context.
create function offline_private.set_context(p_device uuid, p_run offline_private.push_run, p_hlcs bigint[])
returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_token bigint := offline_private.context_open(p_run.keys, p_run.seqs, p_hlcs, p_run.hlcs);
begin
    perform set_config('offline_sync.push_table', p_run.table_id::text, true),
        set_config('offline_sync.push_device', p_device::text, true),
        set_config('offline_sync.push_token', v_token::text, true),
        set_config('offline_sync.push_columns', p_run.columns::text, true);
    return v_token;
end
$$;

create function offline_private.clear_context()
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('offline_sync.push_table', '', true);
end
$$;

-- Rows as the caller may see them now: (keys, docs), only those that exist and are visible.
create function offline_private.fetch_rows(p_shape jsonb, p_keys text[], out keys text[], out docs text[])
language plpgsql stable
set search_path = pg_catalog, public, extensions, pg_temp
as $$
begin
    execute format('select array_agg(u.k), array_agg((%s)::text) from %s join %s t on %s', offline_private.row_expression(p_shape),
        offline_private.key_source(p_shape, 'unnest($1) u (k)'), p_shape ->> 'relation', p_shape ->> 'key_match')
    into keys, docs using p_keys;
end
$$;

-- Inserts rows as the caller; (keys, docs) of what is stored now. Without returning where a policy hides new rows from
-- their author: then docs stay null.
create function offline_private.insert_rows(p_shape jsonb, p_columns text[], p_rows text, p_count int, p_returning boolean,
    out keys text[], out docs text[])
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_columns text[] := array(select jsonb_array_elements_text(p_shape -> 'key')) || p_columns;
    v_insert text;
    v_count bigint;
begin
    v_insert := format('insert into %s as t (%s) overriding system value select %s from json_to_recordset($1) as r (%s)',
        p_shape ->> 'relation',
        (select string_agg(quote_ident(c.name), ', ' order by c.ord) from unnest(v_columns) with ordinality c (name, ord)),
        (select string_agg(p_shape -> 'columns' -> c.name ->> 'read', ', ' order by c.ord) from unnest(v_columns) with ordinality c (name, ord)),
        offline_private.record_definition(p_shape, v_columns));
    if p_returning then
        execute format('with w as (%s returning %s as k, (%s)::text as doc) select array_agg(w.k), array_agg(w.doc), count(*) from w',
            v_insert, p_shape ->> 'key_text', offline_private.row_expression(p_shape))
        into keys, docs, v_count using p_rows::json;
    else
        execute v_insert using p_rows::json;
        get diagnostics v_count = row_count;
    end if;
    if v_count <> p_count then
        raise exception using errcode = 'P0002', message = 'a trigger on the table kept the row from being written';
    end if;
end
$$;

create function offline_private.update_rows(p_shape jsonb, p_columns text[], p_rows text, p_count int, p_returning boolean,
    out keys text[], out docs text[])
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_key text[] := array(select jsonb_array_elements_text(p_shape -> 'key'));
    v_update text;
    v_count bigint;
begin
    v_update := format('update %s t set %s from json_to_recordset($1) as r (%s) where %s', p_shape ->> 'relation',
        (select string_agg(format('%I = %s', c.name, p_shape -> 'columns' -> c.name ->> 'read'), ', ') from unnest(p_columns) c (name)),
        offline_private.record_definition(p_shape, v_key || p_columns),
        (select string_agg(format('t.%I = %s', c.name, p_shape -> 'columns' -> c.name ->> 'read'), ' and ') from unnest(v_key) c (name)));
    if p_returning then
        execute format('with w as (%s returning %s as k, (%s)::text as doc) select array_agg(w.k), array_agg(w.doc), count(*) from w',
            v_update, p_shape ->> 'key_text', offline_private.row_expression(p_shape))
        into keys, docs, v_count using p_rows::json;
    else
        execute v_update using p_rows::json;
        get diagnostics v_count = row_count;
    end if;
    if v_count <> p_count then
        raise exception using errcode = '42501', message = 'row not found or not permitted';
    end if;
end
$$;

create function offline_private.delete_rows(p_shape jsonb, p_keys text[])
returns void
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
as $$
declare
    v_count bigint;
begin
    execute format('delete from %s t using %s where %s', p_shape ->> 'relation',
        offline_private.key_source(p_shape, 'unnest($1) u (k)'), p_shape ->> 'key_match') using p_keys;
    get diagnostics v_count = row_count;
    if v_count <> cardinality(p_keys) then
        raise exception using errcode = '42501', message = 'row not found or not permitted';
    end if;
end
$$;

-- Locks the rows (in key order, so that pushes cannot deadlock) and returns what the caller sees of them:
-- [{"k": key, "r": {patched columns}}]. A delete also sees rows that policies let the caller read but not update. By key, one by one, as a
-- pull reads: the planner counts a policy's subquery once a key, and would rather read the table from end to end.
create function offline_private.lock_rows(p_shape jsonb, p_op text, p_columns text[], p_keys text[])
returns text
language plpgsql volatile
set search_path = pg_catalog, public, extensions, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_select text := format('select u.k, (%s) as r from %s join %s t on %s order by u.k collate "C"',
        offline_private.columns_expression(p_shape, p_columns), offline_private.key_source(p_shape, 'unnest($1) u (k)'),
        p_shape ->> 'relation', p_shape ->> 'key_match');
    v_current text;
    v_may_lock boolean := p_op <> 'delete' or has_any_column_privilege(p_shape ->> 'relation', 'update');
begin
    if v_may_lock then
        execute format('select coalesce(json_agg(json_build_object(''k'', l.k, ''r'', l.r)), ''[]'')::text from (%s for %s of t) l', v_select,
            -- As an UPDATE locks: whoever adds a child of the row need not wait.
            case p_op when 'delete' then 'update' else 'no key update' end)
        into v_current using p_keys;
    end if;
    if p_op = 'delete' then
        execute format('select coalesce(json_agg(json_build_object(''k'', l.k, ''r'', l.r)), ''[]'')::text from (%s) l', v_select)
        into v_current using p_keys;
    end if;
    return v_current;
end
$$;
