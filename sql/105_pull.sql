-- pull(): exactly what changed since the cursor, as the caller may see it. Stable: one snapshot for everything, no writes, no
-- locks, so it also runs on a read replica.

-- Definer: one page of the feed of some scopes, in order of (era, xid, place). kind: u changed, d deleted, m moved away.
-- A row that moved from one scope of the caller's to another is told where it is now also at the place of its departure, unless that
-- is the place of its last change: that may be on a later page, or in a later pull, and by then the caller may have lost the scope.
-- Index scans only, one a scope; the cost follows the changes since the cursor. Plans are kept while the tables grow: what a
-- small table suggests (sequential scans, sorts of a bitmap, joins from the scope's side) would later read whole scopes.
create function offline_private.feed(p_device uuid, p_scopes offline_private.pull_scope[], p_era int, p_lower pg_snapshot,
    p_upper pg_snapshot, p_after_era int, p_after_xid xid8, p_after_version bigint, p_seen_seq bigint, p_push_scopes boolean, p_limit int)
returns table (table_id int, row_key text, scope text, version bigint, kind text, era int, change_xid xid8, place bigint, known boolean,
    hlc bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $feed$
begin
    perform offline_private.require_device(p_device);
    return query
    with pair as (
        select p.table_id, p.scope collate "C" as scope, p.from_start, p.known, b.era, b.xid, b.version
        from unnest(p_scopes) p
        cross join lateral (
            select a.era, a.xid, a.version
            from (values (p_after_era, p_after_xid, p_after_version), (case when p.from_start then 0 else p_era end,
                case when p.from_start then '0'::xid8 else pg_snapshot_xmin(p_lower) end, -1::bigint)) a (era, xid, version)
            order by a.era desc, a.xid desc, a.version desc
            limit 1) b)
    select f.* from (
        select c.* from pair p
        cross join lateral (
            select s.table_id, s.row_key, s.scope, s.version, case when s.deleted then 'd' else 'u' end, s.era, s.change_xid, s.version, p.known,
                s.hlc
            from offline_data.row_state s
            where s.table_id = p.table_id and s.scope = p.scope
                and (s.era, s.change_xid, s.version) > (p.era, p.xid, p.version)
                and (s.era < p_era or pg_visible_in_snapshot(s.change_xid, p_upper))
                and (p.from_start or not pg_visible_in_snapshot(s.change_xid, p_lower))
                and (p.known or not s.deleted)
                and (p.from_start or s.device_id is distinct from p_device or s.device_seq > p_seen_seq
                    or not p_push_scopes and s.life_version = s.version
                    or not p_push_scopes and exists (
                        select from offline_data.row_departure d
                        where d.table_id = s.table_id and d.row_key = s.row_key and d.version = s.version))
            order by s.era, s.change_xid, s.version
            limit p_limit) c
        union all
        select c.* from pair p
        cross join lateral (
            select d.table_id, d.row_key, case when n.here then n.scope else d.scope end, case when n.here then n.version else d.version end,
                case when n.here then 'u' else 'm' end, d.era, d.change_xid, d.version, true, case when n.here then n.hlc end
            from offline_data.row_departure d
            left join lateral (
                -- A deletion in a scope that is new to the device is not told there.
                select s.scope, s.version, s.hlc, o.known or not s.deleted as covered, not s.deleted as here
                from offline_data.row_state s
                join unnest(p_scopes) o on o.table_id = s.table_id and o.scope = s.scope
                where s.table_id = d.table_id and s.row_key = d.row_key
                offset 0) n on true
            where d.table_id = p.table_id and d.scope = p.scope
                and (d.era, d.change_xid, d.version) > (p.era, p.xid, p.version)
                and (d.era < p_era or pg_visible_in_snapshot(d.change_xid, p_upper))
                and (p.from_start or not pg_visible_in_snapshot(d.change_xid, p_lower))
                and p.known
                and not coalesce(n.covered and (n.version = d.version or n.scope = d.scope), false)
            order by d.era, d.change_xid, d.version
            limit p_limit) c) f (table_id, row_key, scope, version, kind, era, change_xid, place, known, hlc)
    order by f.era, f.change_xid, f.place
    limit p_limit;
end
$feed$;

-- Content of changes of one table as the caller sees it: the row, or the key where there is none to see. letters: u row,
-- d deleted, e to be evicted, s nothing to tell. By key, one index lookup a row: the planner, which cannot know the number of
-- keys, would rather read a table of some ten thousand rows from end to end.
create function offline_private.read_changes(p_shape jsonb, p_keys text[], p_kinds text[], p_known boolean[],
    out letters text[], out payloads text[])
language plpgsql stable
set search_path = pg_catalog, public, extensions, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
    execute format($q$
        select array_agg(c.letter), array_agg(c.payload)
        from (
            select u.ord, v.letter, case when v.letter = 'u' then (%1$s)::text when v.letter <> 's' then (%2$s)::text end as payload
            from %6$s
            left join %3$s t on u.kind = 'u' and %4$s
            cross join lateral (select case
                when u.kind = 'd' then 'd' when t.%5$I is not null then 'u' when u.kind = 'm' or u.known then 'e' else 's' end) v (letter)
            order by u.ord) c$q$,
        offline_private.row_expression(p_shape), replace(p_shape ->> 'key_json', '{k}', 'u.k'), p_shape ->> 'relation',
        p_shape ->> 'key_match', p_shape -> 'key' ->> 0,
        offline_private.key_source(p_shape, 'unnest($1, $2, $3) with ordinality u (k, kind, known, ord)'))
    into letters, payloads using p_keys, p_kinds, p_known;
exception when undefined_column or undefined_table then
    -- One pull reads one snapshot; a column dropped since is still in the shape that it saw.
    raise exception using errcode = '40001', message = 'a table was altered meanwhile: ' || sqlerrm, hint = 'Pull again.';
end
$$;

-- The changes of one page: rendered text, the feed position reached ({"more", "era", "xid", "version"}), and the latest clock of
-- what it shows.
create function offline_private.pull_page(p_device uuid, p_registry offline_private.registered[], p_scopes offline_private.pull_scope[],
    p_cursor jsonb, p_upper pg_snapshot, p_seen_seq bigint, p_push_scopes boolean, p_limit int, p_bytes bigint,
    out changes text, out place jsonb, out latest_hlc bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $page$
declare
    v_page jsonb := p_cursor -> 'page';
    v_feed record;
    v_contents record;
    v_rendered record;
begin
    select array_agg(f.table_id) as table_ids, array_agg(f.row_key) as keys, array_agg(f.scope) as scopes,
        array_agg(f.version) as versions, array_agg(f.kind) as kinds, array_agg(f.era) as eras, array_agg(f.change_xid) as xids,
        array_agg(f.place) as places, array_agg(f.known) as known, array_agg(f.hlc) as hlcs
    into v_feed
    from offline_private.feed(p_device, p_scopes, offline_private.reading_era(), coalesce((p_cursor ->> 'snapshot')::pg_snapshot, p_upper), p_upper,
        coalesce((v_page ->> 'era')::int, 0), coalesce((v_page ->> 'xid')::xid8, '0'), coalesce((v_page ->> 'version')::bigint, -1),
        coalesce(p_seen_seq, 0), p_push_scopes, p_limit + 1) f;
    if v_feed.keys is null then
        changes := '[]';
        place := jsonb_build_object('more', false);
        return;
    end if;
    v_contents := offline_private.read_page(p_registry, v_feed.table_ids[:p_limit], v_feed.keys[:p_limit], v_feed.kinds[:p_limit],
        v_feed.known[:p_limit]);
    v_rendered := offline_private.render_changes(v_feed.table_ids[:p_limit],
        (select jsonb_object_agg(r.table_id::text, r.name) from unnest(p_registry) r),
        v_feed.scopes[:p_limit], v_feed.versions[:p_limit], v_contents.letters, v_contents.payloads, p_bytes);
    changes := v_rendered.changes;
    place := jsonb_build_object('more', v_rendered.taken < cardinality(v_feed.keys), 'era', v_feed.eras[v_rendered.taken],
        'xid', v_feed.xids[v_rendered.taken]::text::numeric, 'version', v_feed.places[v_rendered.taken]);
    latest_hlc := (select max(u.hlc) from unnest(v_feed.hlcs[:v_rendered.taken], v_contents.letters) u (hlc, letter) where u.letter in ('u', 'd'));
end
$page$;

-- Contents of a page, table by table, back in the order of the feed.
create function offline_private.read_page(p_registry offline_private.registered[], p_table_ids int[], p_keys text[], p_kinds text[],
    p_known boolean[], out letters text[], out payloads text[])
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
    v_mine record;
    v_part record;
begin
    for v_table in
        select r.table_id, r.shape from unnest(p_registry) r where r.table_id = any (array(select distinct unnest(p_table_ids)))
    loop
        if p_table_ids[1] = all (p_table_ids) then
            select c.letters, c.payloads into letters, payloads
            from offline_private.read_changes(v_table.shape, p_keys, p_kinds, p_known) c;
            return;
        end if;
        select array_agg(u.ord::int) as ords, array_agg(u.key) as keys, array_agg(u.kind) as kinds, array_agg(u.known) as known into v_mine
        from unnest(p_table_ids, p_keys, p_kinds, p_known) with ordinality u (table_id, key, kind, known, ord)
        where u.table_id = v_table.table_id;
        v_part := offline_private.read_changes(v_table.shape, v_mine.keys, v_mine.kinds, v_mine.known);
        for i in 1 .. cardinality(v_mine.ords) loop
            letters[v_mine.ords[i]] := v_part.letters[i];
            payloads[v_mine.ords[i]] := v_part.payloads[i];
        end loop;
    end loop;
end
$$;

-- {"7": ["a", "b"]} of the pairs that fulfil a condition.
create function offline_private.scope_map(p_scopes offline_private.pull_scope[], p_from_start boolean)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(jsonb_object_agg(g.table_id::text, g.scopes), '{}')
        from (
            select s.table_id, jsonb_agg(s.scope order by s.scope) as scopes
            from unnest(p_scopes) s where p_from_start is null or s.from_start = p_from_start
            group by s.table_id) g);
end
$$;

-- Scopes of the cursor that the caller has lost. A scope value that the caller still has for another table is not named:
-- it would drop the wrong rows; its pairs are in p_partial instead.
create function offline_private.lost_scopes(p_cursor jsonb, p_tables int[], p_all_tables boolean, p_now offline_private.pull_scope[],
    out revoked jsonb, out partial jsonb)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    with lost as (
        select s.table_id, s.scope
        from (
            select k.* from offline_private.scope_pairs(p_cursor -> 'scopes') k
            union
            -- In the middle of a pull of several pages some rows of the new scopes have been sent.
            select f.* from offline_private.scope_pairs(p_cursor -> 'page' -> 'fresh') f) s
        where (s.table_id = any (p_tables) or p_all_tables)
            and not exists (select from unnest(p_now) n where n.table_id = s.table_id and n.scope = s.scope)),
    named as (
        select l.scope, bool_or(exists (select from unnest(p_now) n where n.scope = l.scope)) as elsewhere from lost l group by l.scope)
    select coalesce((select jsonb_agg(n.scope order by n.scope) from named n where not n.elsewhere), '[]'),
        (select jsonb_agg(jsonb_build_array(l.table_id, l.scope)) from lost l join named n using (scope) where n.elsewhere)
    into revoked, partial;
end
$$;

-- Evictions of all rows of lost pairs that revoked_scopes cannot name, as entries of "changes": also of those that were deleted or
-- moved out of the caller's sight since the device had them.
create function offline_private.evict_pairs(p_device uuid, p_registry offline_private.registered[], p_scopes offline_private.pull_scope[],
    p_pairs jsonb)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_pair record;
    v_keys json;
    v_parts text[] := '{}';
begin
    perform offline_private.require_device(p_device);
    for v_pair in
        select r.table_id, r.name, r.shape, p.value ->> 1 as scope from jsonb_array_elements(p_pairs) p
        join unnest(p_registry) r on r.table_id = (p.value ->> 0)::int
    loop
        execute format('select coalesce(json_agg(json_build_object(''key'', %s) order by u.row_key), ''[]'') from ('
            'select s.row_key from offline_data.row_state s where s.table_id = $1 and s.scope = $2 '
            'union select d.row_key from offline_data.row_departure d '
            'join offline_data.row_state s on s.table_id = d.table_id and s.row_key = d.row_key '
            'where d.table_id = $1 and d.scope = $2 and (s.scope in (select o.scope from unnest($3) o where o.table_id = $1)) is not true) u',
            replace(v_pair.shape ->> 'key_json', '{k}', 'u.row_key'))
        into v_keys using v_pair.table_id, v_pair.scope, p_scopes;
        v_parts := v_parts || json_build_object('table', v_pair.name, 'scope', v_pair.scope,
            'upserts', '[]'::json, 'deletes', '[]'::json, 'evicts', v_keys)::text;
    end loop;
    return array_to_string(v_parts, ',');
end
$$;

create function offline_private.pending_conflicts()
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select count(distinct l.conflict_id) from offline_data.conflict_resolution_log l
        where l.user_id = offline_private.uid() and l.status = 'pending');
end
$$;

-- Seals a cursor for the caller. The scopes in a cursor decide what a pull evicts, and evictions name keys: nobody may claim
-- scopes that they never had. The id of the storage is the key; clients never learn it.
create function offline_private.cursor_seal(p_token text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := offline_private.storage_id();
begin
    return '.' || left(encode(sha256(convert_to(v_key, 'UTF8')
        || sha256(convert_to(v_key || offline_private.uid() || ':' || p_token, 'UTF8'))), 'hex'), 32);
end
$$;

create function offline.pull(p_device uuid, p_request jsonb default '{}')
returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $pull$
declare
    v_epoch text;
    v_request record;
    v_cursor jsonb;
    v_reset boolean := false;
    v_upper pg_snapshot;
    v_registry offline_private.registered[] := offline_private.registry();
    v_wanted offline_private.registered[];
    v_scopes offline_private.pull_scope[];
    v_lost record;
    v_page record;
    v_next jsonb;
    v_schema text;
    v_extra text := '';
    v_paging boolean;
    v_filtered boolean;
    v_seal text := substring(p_request ->> 'cursor' from '[.][0-9a-f]{32}$');
    v_token text;
    v_held jsonb := offline_private.asked_models(p_request);
begin
    perform offline_private.require_uid();
    perform offline_private.require_device(p_device);
    v_epoch := offline.epoch();
    if v_seal is not null and jsonb_typeof(p_request -> 'cursor') = 'string' then
        v_token := left(p_request ->> 'cursor', -33);
        p_request := p_request || jsonb_build_object('cursor', v_token);
    end if;
    select * into v_request from offline_private.parse_pull(coalesce(p_request, 'null')::text);
    if v_request.code is not null then
        raise exception using errcode = v_request.code, message = v_request.message, detail = coalesce(v_request.detail, ''),
            hint = coalesce(v_request.hint, '');
    end if;
    if jsonb_typeof(coalesce(p_request -> 'push_scopes', 'null')) not in ('boolean', 'null') then
        raise exception using errcode = '22023', message = '"push_scopes" must be true or false';
    end if;
    v_cursor := coalesce(v_request.cursor::jsonb, '{}');
    if v_request.cursor is not null and v_cursor ->> 'epoch' <> v_epoch then
        v_reset := true;
        v_cursor := '{}';
    elsif v_request.cursor is not null and coalesce(v_seal <> offline_private.cursor_seal(v_token), true) then
        raise exception using errcode = '22023', message = 'bad cursor', detail = 'not made for this user',
            hint = 'Pull again with "cursor": null.';
    end if;
    v_upper := coalesce((v_cursor -> 'page' ->> 'upper')::pg_snapshot, pg_current_snapshot());
    v_paging := v_cursor -> 'page' ->> 'upper' is not null;
    v_wanted := v_registry;
    if v_request.tables is not null then
        v_wanted := array(select r from unnest(v_registry) r where r.name = any (v_request.tables));
        if exists (select unnest(v_request.tables) except select r.name from unnest(v_registry) r) then
            raise exception using errcode = '22023', message = 'a table of the request is not synced';
        end if;
    end if;
    if v_paging then
        -- A pull of several pages covers the tables of its first page.
        v_wanted := array(select r from unnest(v_registry) r where v_cursor -> 'policies' ? r.table_id::text);
    end if;
    v_filtered := v_paging or v_request.tables is not null;
    v_schema := offline_private.schema_mark(v_registry);

    v_scopes := offline_private.pull_scopes(v_cursor, v_wanted);
    v_lost := offline_private.lost_scopes(v_cursor, array(select r.table_id from unnest(v_wanted) r), not v_filtered, v_scopes);
    v_page := offline_private.pull_page(p_device, v_registry, v_scopes, v_cursor, v_upper, v_request.seen_seq,
        coalesce((p_request ->> 'push_scopes')::boolean, false), v_request.row_limit, v_request.bytes_max);
    if v_lost.partial is not null then
        v_page.changes := '[' || concat_ws(',', nullif(substr(v_page.changes, 2, length(v_page.changes) - 2), ''),
            offline_private.evict_pairs(p_device, v_registry, v_scopes, v_lost.partial)) || ']';
    end if;
    v_next := offline_private.next_cursor(v_epoch, v_cursor, v_upper, v_scopes, v_wanted, v_filtered, v_schema,
        v_page.place);

    if coalesce(v_request.schema, v_cursor -> 'policies' ->> '0') is distinct from v_schema then
        v_extra := ',"schema":' || offline_private.schema_json(v_registry, v_schema)::text;
    end if;
    if offline_private.scope_map(v_scopes, null) is distinct from v_cursor -> 'scopes' then
        v_extra := v_extra || ',"topics":' || to_json(coalesce(offline_private.caller_topics(), '{}'))::text;
    end if;
    v_token := offline_private.encode_cursor(v_next::text);
    return format('{"epoch":%s,"reset":%s,"server_now":%s,"server_hlc":%s,"cursor":%s,"has_more":%s,"changes":%s,"revoked_scopes":%s,'
        '"conflicts":%s,"models":%s%s}', to_json(v_epoch), to_json(v_reset), to_json(offline_private.now_text()),
        -- What the device edits from now on is later than what it has seen, whichever device's clock ran ahead.
        to_json(greatest(offline_private.now_hlc(), v_page.latest_hlc)::text), to_json(v_token || offline_private.cursor_seal(v_token)), v_page.place ->> 'more',
        v_page.changes, v_lost.revoked, offline_private.pending_conflicts(),
        case when v_held is null or (v_page.place ->> 'more')::boolean then '[]'
            else offline_private.pull_models(p_device, v_held, v_request.bytes_max)::text end, v_extra);
end
$pull$;

comment on function offline.pull(uuid, jsonb) is
    'What changed since the cursor of the request, as the caller may see it; see docs/protocol.md. A bad cursor or request: 22023; '
    'a device that is not the caller''s: 42501. Read-only.';

-- The cursor after a page. While pages remain, it keeps what the pull started from.
create function offline_private.next_cursor(p_epoch text, p_cursor jsonb, p_upper pg_snapshot, p_scopes offline_private.pull_scope[],
    p_registry offline_private.registered[], p_filtered boolean, p_schema text, p_place jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Tables that this pull left out are still on the device: sent from the start when they are asked for again.
    v_left_out jsonb := coalesce((
        select jsonb_object_agg(s.key, s.value) from jsonb_each(p_cursor -> 'scopes') s
        where p_filtered and s.key not in (select r.table_id::text from unnest(p_registry) r)), '{}');
    -- Policies as they were at the first page: a change in the middle is for the next pull.
    v_marks jsonb := case when p_cursor -> 'page' ->> 'upper' is not null then p_cursor -> 'policies'
        else coalesce((select jsonb_object_agg(r.table_id::text, r.policy_mark) from unnest(p_registry) r), '{}') end
        || case when p_schema is null then '{}' else jsonb_build_object('0', p_schema) end;
begin
    return (
        select case when (p_place ->> 'more')::boolean then jsonb_build_object(
                'epoch', p_epoch, 'snapshot', coalesce(p_cursor ->> 'snapshot', p_upper::text),
                'policies', v_marks,
                'scopes', v_left_out || offline_private.scope_map(array(select s from unnest(p_scopes) s where s.known), null),
                'page', jsonb_build_object('upper', p_upper::text, 'era', p_place -> 'era', 'xid', p_place -> 'xid',
                    'version', p_place -> 'version', 'fresh', offline_private.scope_map(p_scopes, true)))
            else jsonb_build_object('epoch', p_epoch, 'snapshot', p_upper::text, 'scopes', v_left_out || offline_private.scope_map(p_scopes, null),
                'policies', v_marks, 'page', null) end);
end
$$;

create function offline.sync(p_device uuid, p_batch text, p_mac text, p_request jsonb)
returns json
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_push json := offline.push(p_device, p_batch, p_mac);
begin
    return json_build_object('push', v_push, 'pull', offline.pull(p_device, p_request));
end
$$;

comment on function offline.sync(uuid, text, text, jsonb) is
    'push() and pull() in one round trip and one transaction: {"push": …, "pull": …}.';
