-- What visitors do: visits and the events in them. A visitor without an account has no user_id; the service writes for them.

create table public.visit_session (
    id uuid primary key default gen_random_uuid(),
    user_id uuid default auth.uid(),
    device text not null check (device in ('phone', 'tablet', 'desktop')),
    channel text not null
        check (channel in ('direct', 'search', 'social', 'newsletter', 'affiliate', 'notification')),
    visits_before integer not null default 0 check (visits_before >= 0),
    started_at timestamptz not null default now(),
    ended_at timestamptz check (ended_at >= started_at),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on column public.visit_session.visits_before is 'Earlier visits from the same browser, as it counts them.';

create index visit_session_user_id_idx on public.visit_session (user_id, started_at);

create table public.analytics_event (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references public.visit_session (id) on delete cascade,
    user_id uuid default auth.uid(),
    name text not null check (length(name) between 1 and 60),
    product_id uuid references public.product (id) on delete set null,
    occurred_at timestamptz not null default now(),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on column public.analytics_event.meta is 'What the event says beyond its name, such as {"scroll_percent": 80}.';

create index analytics_event_session_id_idx on public.analytics_event (session_id, occurred_at);
create index analytics_event_product_id_idx on public.analytics_event (product_id)
    where product_id is not null;
create index analytics_event_name_idx on public.analytics_event (name, occurred_at);

create trigger touch_updated_at
    before update on public.visit_session
    for each row
    execute function private.touch_updated_at();

create trigger touch_updated_at
    before update on public.analytics_event
    for each row
    execute function private.touch_updated_at();

alter table public.visit_session enable row level security;
alter table public.analytics_event enable row level security;

create policy own_visit_session on public.visit_session
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy own_analytics_event_read on public.analytics_event
    for select to authenticated
    using (user_id = (select auth.uid()));

-- The visit is looked up under its own policy: nobody adds events to another's visit.
create policy own_analytics_event_add on public.analytics_event
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and exists (select from public.visit_session where visit_session.id = session_id)
    );

grant select, insert, update, delete on public.visit_session to authenticated;
grant select, insert on public.analytics_event to authenticated;
grant all on public.visit_session, public.analytics_event to service_role;
