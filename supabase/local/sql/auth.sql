-- What Supabase adds to schema auth. Its tables come from @supabase/lite, which created
-- them just before this file runs.

grant usage on schema auth to anon, authenticated, service_role, postgres;
grant all on all tables in schema auth to supabase_auth_admin, postgres;

-- @supabase/lite has one connection pool for REST and for auth, and logs in as
-- authenticator. The API roles themselves get nothing here.
grant usage on schema auth to authenticator;
grant select, insert, update, delete on all tables in schema auth to authenticator;

-- Supabase reads the older one-setting-per-claim form first, then the claims as JSON.
create or replace function auth.uid()
    returns uuid
    language sql
    stable
as $function$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$function$;

create or replace function auth.role()
    returns text
    language sql
    stable
as $function$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
$function$;

create or replace function auth.email()
    returns text
    language sql
    stable
as $function$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
$function$;

create or replace function auth.jwt()
    returns jsonb
    language sql
    stable
as $function$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$function$;
