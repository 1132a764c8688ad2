-- The part of Supabase Realtime that lives in the database: private broadcast from SQL.
--
-- Same names, columns, grants and owner as on Supabase, with two simplifications: the table
-- is not partitioned by day, and the bridge hears of new rows through NOTIFY instead of
-- logical replication.

create schema if not exists realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;
grant create, usage on schema realtime to supabase_realtime_admin;

create table if not exists realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp without time zone not null default now(),
    inserted_at timestamp without time zone not null default now(),
    id uuid not null default gen_random_uuid(),
    binary_payload bytea,
    constraint messages_pkey primary key (id, inserted_at),
    constraint messages_payload_exclusive check (payload is null or binary_payload is null)
);

create index if not exists messages_inserted_at_topic_index
    on realtime.messages (inserted_at desc, topic)
    where extension = 'broadcast' and private is true;

alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;

create or replace function realtime.topic()
    returns text
    language sql
    stable
as $function$
    select nullif(current_setting('realtime.topic', true), '')
$function$;
alter function realtime.topic() owner to supabase_realtime_admin;

-- Security invoker, and never fails: as on Supabase, an error becomes a warning.
create or replace function realtime.send(
    payload jsonb,
    event text,
    topic text,
    private boolean default true
)
    returns void
    language plpgsql
as $function$
declare
    message_id uuid := gen_random_uuid();
begin
    begin
        perform set_config('realtime.topic', topic, true);
        insert into realtime.messages (id, payload, event, topic, private, extension)
        values (
            message_id,
            case
                when payload ? 'id' then payload
                else jsonb_set(payload, '{id}', to_jsonb(message_id))
            end,
            event,
            topic,
            private,
            'broadcast'
        );
    exception
        when others then
            raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
    end;
end
$function$;
alter function realtime.send(jsonb, text, text, boolean) owner to supabase_realtime_admin;

-- Ids only: a notification holds 8,000 bytes at most, a payload may be larger.
create or replace function realtime.announce_messages()
    returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $function$
begin
    perform pg_notify('realtime_messages', id::text)
    from new_messages
    where extension = 'broadcast' and private;
    return null;
end
$function$;

create or replace trigger announce_messages
    after insert on realtime.messages
    referencing new table as new_messages
    for each statement
    execute function realtime.announce_messages();
