-- The shape of a synced table: how its rows and keys travel as JSON, as SQL fragments over alias t. int8 and numeric
-- travel as strings (JavaScript rounds them), bytea as base64, timestamptz in UTC, all else as to_jsonb gives it.
-- A shape is derived from the catalog only; it is cached in synced_table and used while its mark still fits.

create function offline_private.base_type(p_type oid)
returns oid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive chain (oid, base, depth) as (
        select t.oid, case when t.typtype = 'd' then t.typbasetype end, 1 from pg_type t where t.oid = p_type
        union all
        select t.oid, case when t.typtype = 'd' then t.typbasetype end, depth + 1
        from chain c join pg_type t on t.oid = c.base)
    select oid from chain order by depth desc limit 1
$$;

-- Types that come back exactly as sent when they are spelled as Postgres spells them; see ValueForm in the core.
create function offline_private.value_form(p_base oid, p_typmod int)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_base = 'uuid'::regtype then 'u'
        when p_base = 'int2'::regtype then 'h'
        when p_base = 'int4'::regtype then 'i'
        when p_base = 'int8'::regtype then 'l'
        when p_base = 'bool'::regtype then 'b'
        when p_base = 'text'::regtype or p_base = 'varchar'::regtype and p_typmod = -1 then 's'
        when p_base = 'timestamptz'::regtype and p_typmod = -1 then 'z'
        when p_base = 'date'::regtype then 'd'
        when (select t.typtype from pg_type t where t.oid = p_base) = 'e' then 's' end
$$;

-- What a column holds, as far as merge policies care; see ColumnKind in the core.
create function offline_private.column_kind(p_base oid)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_base in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'float4'::regtype, 'float8'::regtype, 'numeric'::regtype)
            then 'number'
        when p_base in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) then 'text'
        when p_base in ('json'::regtype, 'jsonb'::regtype) then 'json'
        when t.typcategory = 'A' then 'array'
        when t.typname = 'citext' then 'text'
        else 'other' end
    from pg_type t where t.oid = p_base
$$;

-- Whether max and min know the order of a type's values.
create function offline_private.is_ordered(p_base oid)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select p_base in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'float4'::regtype, 'float8'::regtype, 'numeric'::regtype,
        'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'uuid'::regtype,
        'bool'::regtype)
$$;

-- How a value in row_history, which is as row_to_json() gives it, becomes one that travels; null: it is the same.
create function offline_private.wire_form(p_base oid)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_base in ('int8'::regtype, 'numeric'::regtype) then 'text'
        when p_base in ('int8[]'::regtype, 'numeric[]'::regtype) then 'texts'
        when p_base = 'bytea'::regtype then 'base64'
        when p_base = 'timestamptz'::regtype then 'utc' end
$$;

create function offline_private.wire_value(p_value json, p_form text)
returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_form is null or p_value::text = 'null' then
        return p_value;
    end if;
    return case p_form
        when 'text' then to_json(p_value #>> '{}')
        when 'texts' then regexp_replace(p_value::text, '-?[0-9][0-9.eE+-]*', '"\&"', 'g')::json
        when 'base64' then to_json(translate(encode((p_value #>> '{}')::bytea, 'base64'), E'\n', ''))
        else to_json((to_jsonb((p_value #>> '{}')::timestamptz at time zone 'UTC') #>> '{}') || '+00:00') end;
end
$$;

-- Whether a write stores just what it names: nothing is generated and no trigger of the user's runs before it. p_event: bit of
-- the event in pg_trigger.tgtype, 4 for insert, 16 for update.
create function offline_private.writes_are_plain(p_relation oid, p_event int)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select not exists (
            select from pg_trigger t
            where t.tgrelid = p_relation and not t.tgisinternal and (t.tgtype & 3) = 3 and (t.tgtype & p_event) > 0)
        and not exists (select from pg_attribute a where a.attrelid = p_relation and a.attgenerated <> '')
        and not exists (select from pg_rewrite r where r.ev_class = p_relation)
$$;

-- Changes whenever a column is added, dropped, renamed or retyped, or a trigger comes or goes: two index scans of a few
-- catalog rows. The number at the end changes whenever shapes are made of other parts.
create function offline_private.shape_mark(p_relation oid)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(sum(hashtextextended(concat_ws(',', a.attname, a.attnum, a.atttypid, a.atttypmod, a.attisdropped,
            a.attgenerated, a.attidentity, a.attnotnull, a.atthasdef, c.relname, c.relnamespace), 0) % 1000000007), 0)::bigint
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid
        where c.oid = p_relation and a.attnum > 0)
    + (
    select coalesce(sum(hashtextextended(concat_ws(',', t.oid, t.tgtype, t.tgenabled), 0) % 1000000007), 0)::bigint
    from pg_trigger t
    where t.tgrelid = p_relation and not t.tgisinternal and (t.tgtype & 3) = 3)
    + 4;
end
$$;

create function offline_private.key_text_expression(p_alias text, p_column text, p_base oid)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select format(case
        when p_base in ('uuid'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'text'::regtype,
            'varchar'::regtype, 'bool'::regtype) then '%1$s.%2$I::text'
        when p_base = 'numeric'::regtype then 'trim_scale(%1$s.%2$I)::text'
        when p_base = 'bytea'::regtype then 'translate(encode(%1$s.%2$I, ''base64''), E''\n'', '''')'
        when p_base = 'timestamptz'::regtype
            then '((to_jsonb(%1$s.%2$I at time zone ''UTC'') #>> ''{}'') || ''+00:00'')'
        else '(to_jsonb(%1$s.%2$I) #>> ''{}'')' end, p_alias, p_column)
$$;

-- How one column travels. p_utc: the session already runs in UTC, so timestamptz needs no conversion.
create function offline_private.wire_expression(p_alias text, p_column text, p_base oid, p_utc boolean)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select format(case
        when p_base in ('int8'::regtype, 'numeric'::regtype) then '%1$s.%2$I::text'
        when p_base in ('int8[]'::regtype, 'numeric[]'::regtype) then '%1$s.%2$I::text[]'
        when p_base = 'bytea'::regtype then 'translate(encode(%1$s.%2$I, ''base64''), E''\n'', '''')'
        when p_base = 'timestamptz'::regtype and not p_utc
            then '((to_jsonb(%1$s.%2$I at time zone ''UTC'') #>> ''{}'') || ''+00:00'')'
        else '%1$s.%2$I' end, p_alias, p_column)
$$;

create function offline_private.key_kind(p_base oid)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_base = 'uuid'::regtype then 'uuid'
        when p_base in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) then 'int'
        when p_base in ('text'::regtype, 'varchar'::regtype) then 'text'
        when (select t.typtype from pg_type t where t.oid = p_base) = 'e' then 'text'
        else 'other' end
$$;

create function offline_private.primary_key(p_relation oid)
returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select array_agg(a.attname::text order by k.ord)
    from pg_index i
    cross join unnest(i.indkey::smallint[]) with ordinality k (attnum, ord)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = p_relation and i.indisprimary
$$;

-- SQL text that turns a row key, held in p_variable, into the typed value of key column p_ordinal (from 1).
create function offline_private.key_value_expression(p_variable text, p_ordinal int, p_count int, p_type text, p_base oid)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when p_base = 'bytea'::regtype then format('decode(%s, ''base64'')', part) else format('(%s)::%s', part, p_type) end
    from (select case when p_count = 1 then p_variable else format('(%s::json ->> %s)', p_variable, p_ordinal - 1) end) s (part)
$$;

-- {"relation", "key": [...], "key_text", "key_values" (typed, from the text {k}), "key_match" (t against
-- them), "key_json" (from {k}), "row", "row_local", "columns":
--  {name: {"type", "read" ('r.col' as stored), "record" (type in a record definition), "wire", "wire_local", "generated",
--  "excluded", "bytea"}}, "kinds" and "forms" (column_kind and wire_form, where they say something), "unordered" (columns that max and min do not know)}; "…_local" fragments are for sessions that do not run in UTC.
create function offline_private.make_shape(p_relation oid, p_key text[], p_exclude text[])
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_columns jsonb;
    v_flags jsonb;
    v_kinds jsonb;
    v_forms jsonb;
    v_unordered jsonb;
    v_shape jsonb;
    v_custom boolean;
    v_custom_local boolean;
    v_row text;
    v_row_local text;
begin
    select jsonb_object_agg(c.name, jsonb_build_object(
            'type', c.type,
            'record', case when c.base = 'bytea'::regtype then 'text' else c.type end,
            'read', case when c.base = 'bytea'::regtype then format('decode(r.%I, ''base64'')', c.name) else format('r.%I', c.name) end,
            'wire', c.wire, 'wire_local', c.wire_local,
            'generated', c.generated, 'excluded', c.excluded, 'bytea', c.base = 'bytea'::regtype)),
        jsonb_object_agg(c.name, jsonb_strip_nulls(jsonb_build_object(
            'w', nullif(not c.excluded and not c.generated, false), 'x', nullif(c.excluded, false),
            'g', nullif(c.generated, false), 'b', nullif(c.base = 'bytea'::regtype, false),
            't', offline_private.value_form(c.base, c.typmod), 'n', nullif(c.null_when_absent, false), 'o', c.attnum))),
        jsonb_object_agg(c.name, c.kind) filter (where c.kind <> 'other'),
        jsonb_object_agg(c.name, c.form) filter (where c.form is not null),
        jsonb_agg(c.name) filter (where not offline_private.is_ordered(c.base)),
        bool_or(c.excluded or c.wire <> c.plain), bool_or(c.excluded or c.wire_local <> c.plain),
        string_agg(c.wire || ' as ' || quote_ident(c.name), ', ' order by c.attnum) filter (where not c.excluded),
        string_agg(c.wire_local || ' as ' || quote_ident(c.name), ', ' order by c.attnum) filter (where not c.excluded)
    into v_columns, v_flags, v_kinds, v_forms, v_unordered, v_custom, v_custom_local, v_row, v_row_local
    from (
        select b.*, format('t.%I', b.name) as plain,
            offline_private.column_kind(b.base) as kind, offline_private.wire_form(b.base) as form,
            case when b.loose_key then format('trim_scale(t.%I)::text', b.name)
                else offline_private.wire_expression('t', b.name, b.base, true) end as wire,
            case when b.loose_key then format('trim_scale(t.%I)::text', b.name)
                else offline_private.wire_expression('t', b.name, b.base, false) end as wire_local
        from (
            select a.attnum, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
                offline_private.base_type(a.atttypid) as base, a.attgenerated <> '' as generated,
                a.attname = any (p_exclude) as excluded, a.atttypmod as typmod,
                not (a.attnotnull or a.atthasdef or a.attidentity <> '' or t.typtype = 'd') as null_when_absent,
                -- A numeric key has many spellings; the shortest one names the row, in rows and in deletions.
                a.attname = any (p_key) and offline_private.base_type(a.atttypid) = 'numeric'::regtype as loose_key
            from pg_attribute a
            join pg_type t on t.oid = a.atttypid
            where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped) b) c;

    select jsonb_build_object(
        'key_text', case when count(*) = 1 then min(k.text_expr)
            else '(''['' || ' || string_agg('to_json(' || k.text_expr || ')::text', ' || '','' || ' order by k.ord) || ' || '']'')' end,
        'key_values', string_agg(format('%s as k%s', k.value_expr, k.ord), ', ' order by k.ord),
        'key_match', string_agg(format('t.%I = u.k%s', k.name, k.ord), ' and ' order by k.ord),
        'key_json', 'json_build_object(' || string_agg(
            format('%L, %s', k.name, case when k.base = 'numeric'::regtype then format('trim_scale(%s)::text', k.value_expr)
                else replace(offline_private.wire_expression('v', 'v', k.base, false), 'v.v', k.value_expr) end), ', ' order by k.ord) || ')',
        'key_kinds', jsonb_agg(jsonb_build_object('name', k.name, 'kind', offline_private.key_kind(k.base)) order by k.ord))
    into v_shape
    from (
        select u.ord, u.name, offline_private.key_text_expression('t', u.name, offline_private.base_type(a.atttypid)) as text_expr,
            offline_private.base_type(a.atttypid) as base,
            offline_private.key_value_expression('{k}', u.ord::int, cardinality(p_key), format_type(a.atttypid, a.atttypmod),
                offline_private.base_type(a.atttypid)) as value_expr
        from unnest(p_key) with ordinality u (name, ord)
        join pg_attribute a on a.attrelid = p_relation and a.attname = u.name) k;

    return v_shape || jsonb_build_object(
        'relation', p_relation::regclass::text, 'name', offline_private.relation_name(p_relation), 'key', to_jsonb(p_key), 'columns', v_columns, 'flags', v_flags,
        'kinds', coalesce(v_kinds, '{}'), 'forms', coalesce(v_forms, '{}'), 'unordered', coalesce(v_unordered, '[]'),
        'width', (select count(*) from jsonb_each(v_columns) c where not (c.value ->> 'excluded')::boolean),
        'plain_insert', offline_private.writes_are_plain(p_relation, 4), 'plain_update', offline_private.writes_are_plain(p_relation, 16),
        'row', case when v_custom then format('(select row_to_json(w.*) from (select %s) w)', v_row) else 'row_to_json(t.*)' end,
        'row_local', case when v_custom_local then format('(select row_to_json(w.*) from (select %s) w)', v_row_local)
            else 'row_to_json(t.*)' end);
end
$$;

-- A FROM item u that yields the typed values of the keys in p_source's column k, to be joined on key_match. They are computed
-- beneath the join: row level security lets only leakproof conditions near an index, equality of two columns is, a cast is not.
create function offline_private.key_source(p_shape jsonb, p_source text)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return format('(select u.*, %s from %s offset 0) u', replace(p_shape ->> 'key_values', '{k}', 'u.k'), p_source);
end
$$;

-- The name a table has on the wire: schema.table, unquoted.
create function offline_private.relation_name(p_relation oid)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = p_relation
$$;
