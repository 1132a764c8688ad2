-- The roles of a Supabase project, with the same attributes, memberships and time limits.
--
-- The cluster's superuser is supabase_admin; postgres, which owns the database and the
-- user's tables, is no superuser, so that what needs one is noticed here.

do $roles$
declare
    wanted record;
begin
    for wanted in
        select *
        from (values
            ('anon', 'nologin noinherit'),
            ('authenticated', 'nologin noinherit'),
            ('service_role', 'nologin noinherit bypassrls'),
            ('authenticator', 'login noinherit'),
            ('postgres', 'login createdb createrole replication bypassrls'),
            ('supabase_auth_admin', 'nologin noinherit createrole'),
            ('supabase_realtime_admin', 'nologin noinherit')
        ) as role (name, attributes)
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
            execute format('create role %I', wanted.name);
        end if;
        execute format('alter role %I %s', wanted.name, wanted.attributes);
    end loop;
end
$roles$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres;
-- Stands in for the hosted policy grants, by which postgres may create policies on realtime.messages.
grant supabase_realtime_admin to postgres;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
grant create on schema extensions to postgres;

alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role postgres set search_path = "$user", public, extensions;
alter role authenticator set search_path = public, extensions;

do $owner$
begin
    -- The owner of the database owns schema public through pg_database_owner.
    execute format('alter database %I owner to postgres', current_database());
end
$owner$;

grant usage on schema public to postgres, anon, authenticated, service_role;

alter default privileges for role postgres in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
    grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
    grant all on sequences to postgres, anon, authenticated, service_role;
