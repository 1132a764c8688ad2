-- What Supabase has before the extension comes: its roles, auth.uid(), and an owner who is no superuser.
do $roles$
begin
    create role owner login createrole;
    create role anon nologin;
    create role authenticated nologin;
    create role service_role nologin bypassrls;
    create role authenticator login noinherit;
    grant anon, authenticated, service_role to authenticator;
exception when duplicate_object then
    null;
end
$roles$;

create schema auth;
create function auth.uid() returns uuid language sql stable as $$
    select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
$$;
grant usage on schema auth, public to owner, anon, authenticated, service_role;
alter default privileges for role owner in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role owner in schema public grant all on sequences to anon, authenticated, service_role;

create extension pg_offline_sync;
