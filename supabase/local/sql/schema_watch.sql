-- Tells the API to read the catalog again after DDL, as Supabase's event triggers do.

create or replace function extensions.pgrst_ddl_watch()
    returns event_trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $function$
begin
    if exists (
        select
        from pg_event_trigger_ddl_commands()
        where coalesce(schema_name, '') not in ('pg_temp', 'auth', 'realtime')
            and object_identity not like '% pg\_temp.%'
    ) then
        notify pgrst, 'reload schema';
    end if;
end
$function$;

create or replace function extensions.pgrst_drop_watch()
    returns event_trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $function$
begin
    if exists (
        select
        from pg_event_trigger_dropped_objects()
        where not is_temporary
            and coalesce(schema_name, '') not in ('auth', 'realtime')
    ) then
        notify pgrst, 'reload schema';
    end if;
end
$function$;

drop event trigger if exists pgrst_ddl_watch;
create event trigger pgrst_ddl_watch
    on ddl_command_end
    when tag in (
        'CREATE SCHEMA', 'ALTER SCHEMA',
        'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
        'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
        'CREATE VIEW', 'ALTER VIEW',
        'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
        'CREATE FUNCTION', 'ALTER FUNCTION',
        'CREATE EXTENSION', 'ALTER EXTENSION',
        'CREATE TRIGGER',
        'CREATE TYPE', 'ALTER TYPE',
        'COMMENT'
    )
    execute function extensions.pgrst_ddl_watch();

drop event trigger if exists pgrst_drop_watch;
create event trigger pgrst_drop_watch
    on sql_drop
    execute function extensions.pgrst_drop_watch();
