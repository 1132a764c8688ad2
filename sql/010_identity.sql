-- Who is calling. PostgREST puts the verified token into request.jwt.claims; settings that were used once in a session
-- read as '' afterwards, hence nullif.

create function offline_private.claims()
returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;

create function offline_private.uid()
returns text
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
        nullif(current_setting('request.jwt.claim.sub', true), ''));
end
$$;

create function offline_private.require_uid()
returns text
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_uid text := offline_private.uid();
begin
    if v_uid is null then
        raise exception using errcode = '42501', message = 'this call needs a signed-in user',
            hint = 'send the access token of a signed-in user, not the anon key alone';
    end if;
    return v_uid;
end
$$;
