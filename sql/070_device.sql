-- Devices: registration, and the lock under which a device's pushes happen one after the other.

-- Definer: secrets stay out of reach of callers. Checks the owner itself.
create function offline_private.register(p_device uuid, p_user text, p_info jsonb, p_secret bytea)
returns table (acked_seq bigint, secret bytea)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_device record;
    v_rotate boolean := coalesce((p_info ->> 'rotate')::boolean, false);
begin
    if p_user is distinct from offline_private.uid() then
        raise exception using errcode = '42501', message = 'not permitted';
    end if;
    insert into offline_data.device_sync_state (device_id, user_id, secret, info)
    values (p_device, p_user, p_secret, p_info - 'rotate')
    on conflict (device_id) do nothing;
    if found then
        return query select 0::bigint, p_secret;
        return;
    end if;
    select d.user_id, d.status, d.acked_seq into v_device from offline_data.device_sync_state d where d.device_id = p_device for update;
    perform offline_private.check_device(p_device, v_device.user_id, v_device.status);
    update offline_data.device_sync_state d
    set info = d.info || (p_info - 'rotate'), secret = case when v_rotate then p_secret else d.secret end,
        mac_head = case when v_rotate then null else d.mac_head end
    where d.device_id = p_device;
    return query select v_device.acked_seq, case when v_rotate then p_secret end;
end
$$;

-- One answer for unknown and foreign devices, so that ids cannot be probed.
create function offline_private.check_device(p_device uuid, p_owner text, p_status text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_owner is null or p_owner is distinct from offline_private.uid() then
        raise exception using errcode = '42501', message = 'unknown device', hint = 'call register_device first';
    end if;
    if p_status <> 'active' then
        raise exception using errcode = '42501', message = format('this device is %s', p_status), detail = p_status;
    end if;
end
$$;

create function offline.register_device(p_device uuid, p_info jsonb default '{}')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $register$
declare
    v_uid text := offline_private.require_uid();
    v_device record;
begin
    if p_device is null then
        raise exception using errcode = '22023', message = 'p_device must be a uuid';
    end if;
    if jsonb_typeof(coalesce(p_info, 'null')) <> 'object' or pg_column_size(p_info) > 16384
        or jsonb_typeof(coalesce(p_info -> 'rotate', 'false')) <> 'boolean' then
        raise exception using errcode = '22023', message = 'p_info must be a JSON object of at most 16 kB',
            hint = '"rotate" is a boolean';
    end if;
    select * into v_device from offline_private.register(p_device, v_uid, p_info, offline_private.random_bytes(32));
    return jsonb_build_object('device_id', p_device,
        'secret', rtrim(translate(encode(v_device.secret, 'base64'), E'+/\n', '-_'), '='),
        'epoch', offline.epoch(), 'server_now', offline_private.now_text(), 'acked_seq', v_device.acked_seq::text);
end
$register$;

comment on function offline.register_device(uuid, jsonb) is
    'Registers a device of the caller; idempotent. Answers device_id, secret (only at first registration or with '
    '{"rotate": true}), epoch, server_now, acked_seq. A device of another user: 42501; wrong arguments: 22023.';

-- Definer. Locks the device until the end of the transaction: two pushes of one device happen one after the other. Also says
-- what else the push has to do: deferred mutations, tables that want a fresh token.
create function offline_private.push_begin(p_device uuid, out acked_seq bigint, out has_deferred boolean, out has_sensitive boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_device record;
begin
    select d.user_id, d.status, d.acked_seq into v_device
    from offline_data.device_sync_state d where d.device_id = p_device for update;
    perform offline_private.check_device(p_device, v_device.user_id, v_device.status);
    acked_seq := v_device.acked_seq;
    has_deferred := exists (
        select from offline_data.sync_queue q where q.device_id = p_device and q.status = 'deferred');
    has_sensitive := exists (select from offline_data.synced_table s where s.max_token_age is not null);
end
$$;

create function offline_private.push_end(p_device uuid, p_acked bigint, p_offset_ms bigint, p_skewed boolean)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update offline_data.device_sync_state d
    set acked_seq = greatest(d.acked_seq, p_acked), clock_offset_ms = coalesce(p_offset_ms, d.clock_offset_ms),
        skewed = p_skewed, pushed_at = clock_timestamp()
    where d.device_id = p_device and d.user_id = offline_private.uid();
end
$$;

-- Definer: for pull, which only reads.
create function offline_private.require_device(p_device uuid)
returns void
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_device record;
begin
    select d.user_id, d.status into v_device from offline_data.device_sync_state d where d.device_id = p_device;
    perform offline_private.check_device(p_device, v_device.user_id, v_device.status);
end
$$;
