-- An epoch names one continuous history: system identifier, timeline, database, and the id made with the storage. It is
-- computed at every call, so a restored, cloned or promoted database never passes for the one that it came from.
-- Transaction ids mean something inside one history only. Each history gets an era number with its first write, and the
-- change feed is ordered by (era, xid, version): rows of earlier eras are simply older than every cursor, and a dump can be
-- restored without touching a row.

create function offline_private.storage_id()
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select m.value from offline_data.meta m where m.name = 'storage_id');
exception when undefined_table or invalid_schema_name then
    raise exception using errcode = '55000', message = 'the storage of pg_offline_sync is missing',
        hint = 'run select * from offline.bootstrap() as the owner of the database';
end
$$;

create function offline.epoch()
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return left(encode(sha256(convert_to(
        offline_private.history_identity() || ':' || coalesce(offline_private.storage_id(), ''), 'UTF8')), 'hex'), 32);
end
$$;

comment on function offline.epoch() is
    'Identity of this continuous database history (32 hex digits); changes after restore, clone, promotion or replacement.';

-- The era of this history, made when it is first needed. Two first writers agree: the second waits for the first's row.
create function offline_private.current_era()
returns int
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_identity text := offline_private.history_identity();
    v_era int;
begin
    select e.era into v_era from offline_data.era e where e.identity = v_identity;
    if v_era is null then
        insert into offline_data.era (era, identity)
        select coalesce(max(e.era), 0) + 1, v_identity from offline_data.era e
        on conflict do nothing;
        select e.era into strict v_era from offline_data.era e where e.identity = v_identity;
    end if;
    return v_era;
end
$$;

-- For readers (also on a standby): the era that the next write would be stamped with.
create function offline_private.reading_era()
returns int
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (select e.era from offline_data.era e where e.identity = offline_private.history_identity()),
        (select coalesce(max(e.era), 0) + 1 from offline_data.era e));
end
$$;
