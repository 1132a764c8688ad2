-- What Supabase has before the sample migrations come: its roles, auth.uid(), and an owner who is no superuser.

create role owner login createrole bypassrls;
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
grant anon, authenticated, service_role to owner;

create schema auth;
create function auth.uid() returns uuid language sql stable as $$
    select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
$$;
grant usage on schema auth, public to owner, anon, authenticated, service_role;

do $owner$
begin
    execute format('alter database %I owner to owner', current_database());
end
$owner$;
