-- Wake-ups: one tiny broadcast per affected scope and transaction, "pull now", no data. A hint: correctness never
-- depends on it, so it is bounded and says nothing about rows.

-- Topics a transaction may wake at most; beyond it devices notice at their next timer.
create function offline_private.wake_topics_max()
returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select 1000
$$;

-- Definer: realtime.send() inserts into realtime.messages, where callers must not be allowed to write (they could forge
-- wake-ups). Topics already woken in this transaction are left out; PostgREST clients cannot reach this function.
create function offline_private.wake(p_topics text[], p_event text)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $wake$
declare
    v_done text[] := coalesce(nullif(current_setting('offline_sync.woken', true), '')::text[], '{}');
    v_topics text[];
    v_payload jsonb;
begin
    select array_agg(t.topic) into v_topics
    from (select distinct u.topic from unnest(p_topics) u (topic)) t
    where not (p_event || ' ' || t.topic) = any (v_done);
    if v_topics is null or cardinality(v_done) + cardinality(v_topics) > offline_private.wake_topics_max() then
        return;
    end if;
    perform set_config('offline_sync.woken',
        (v_done || (select array_agg(p_event || ' ' || u.topic) from unnest(v_topics) u (topic)))::text, true);
    v_payload := jsonb_build_object('v', 1, 'epoch', offline.epoch());
    if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null then
        execute 'select realtime.send($1, $2, u.topic, true) from unnest($3) u (topic)' using v_payload, p_event, v_topics;
    else
        perform pg_notify('offline_wake',
            jsonb_build_object('topic', u.topic, 'event', p_event, 'payload', v_payload)::text)
        from unnest(v_topics) u (topic);
    end if;
end
$wake$;

-- May the caller listen to this topic? Used by the policy on realtime.messages; evaluated when a channel is joined.
create function offline.may_read_topic(p_topic text)
returns boolean
language plpgsql stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
    v_uid text := offline_private.uid();
begin
    return v_uid is not null
        and (p_topic = 'offline:user:' || v_uid or p_topic = any (offline_private.caller_topics()));
end
$$;

comment on function offline.may_read_topic(text) is
    'True when the caller may receive wake-ups on the topic: their own user topic, or one of a scope that they have.';

create function offline_private.drift_realtime()
returns table (stage int, severity text, kind text, object text, problem text, remedy text, heals boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select 14, 'warning', 'policy', 'realtime.messages.offline_wake_read', 'missing',
        'create policy offline_wake_read on realtime.messages for select to authenticated '
        'using (extension = ''broadcast'' and offline.may_read_topic((select realtime.topic())))', true
    where to_regclass('realtime.messages') is not null
        and to_regprocedure('realtime.topic()') is not null
        and exists (select from pg_roles where rolname = 'authenticated')
        and not exists (
            select from pg_policy where polrelid = to_regclass('realtime.messages') and polname = 'offline_wake_read')
$$;
