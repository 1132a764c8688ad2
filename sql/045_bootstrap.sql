-- bootstrap() repairs, doctor() reads: the same comparison.

create function offline.bootstrap()
returns table (action text, kind text, object text)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $bootstrap$
declare
    v_drift record;
    v_stage int;
begin
    -- Two bootstraps at once would create the same things twice: the second waits, then finds nothing to do.
    perform pg_advisory_xact_lock(hashtextextended('pg_offline_sync bootstrap', 0));
    for v_stage in 1 .. 20 loop
        for v_drift in
            select d.* from offline_private.drift() d where d.stage = v_stage and d.heals
        loop
            execute v_drift.remedy;
            action := case v_drift.problem when 'missing' then 'created' else 'repaired' end;
            kind := v_drift.kind;
            object := v_drift.object;
            return next;
        end loop;
    end loop;
    perform offline_private.current_era();
    perform offline_private.refresh_shapes();
    notify pgrst, 'reload schema';
end
$bootstrap$;

comment on function offline.bootstrap() is
    'Creates and repairs storage, policies, triggers and grants; one row a change made, none when all is well. '
    'Run it as the owner of the database after create extension, after an upgrade, and after a restore.';

create function offline.doctor()
returns table (severity text, kind text, object text, problem text, remedy text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select d.severity, d.kind, d.object, d.problem, d.remedy from offline_private.drift() d order by d.stage, d.kind, d.object
$$;

comment on function offline.doctor() is
    'What bootstrap() would repair and what only the owner can: severity, kind, object, problem, remedy (SQL). No rows: healthy.';
