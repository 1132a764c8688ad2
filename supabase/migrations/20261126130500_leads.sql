-- From visitor to customer: the steps of a funnel, and the form at its end. What became of a lead is the service's to say.

create table public.funnel_step (
    session_id uuid not null references public.visit_session (id) on delete cascade,
    step text not null check (step in ('landing', 'features', 'pricing', 'demo', 'form')),
    user_id uuid default auth.uid(),
    entered_at timestamptz not null default now(),
    seconds integer not null default 0 check (seconds >= 0),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (session_id, step)
);

create index funnel_step_user_id_idx on public.funnel_step (user_id);

create table public.lead_form (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null unique references public.visit_session (id) on delete cascade,
    user_id uuid default auth.uid(),
    email_kind text not null check (email_kind in ('company', 'free')),
    job text not null check (job in ('owner', 'manager', 'specialist', 'student')),
    company_size integer check (company_size > 0),
    budget_band text check (budget_band in ('under_1k', '1k_to_10k', 'over_10k')),
    phone_given boolean not null default false,
    message_words integer not null default 0 check (message_words >= 0),
    submitted_at timestamptz not null default now(),
    outcome text check (outcome in ('won', 'lost')),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on column public.lead_form.outcome is 'What became of the lead; null as long as nobody knows.';

create index lead_form_user_id_idx on public.lead_form (user_id);
create index lead_form_open_idx on public.lead_form (submitted_at) where outcome is null;

create trigger touch_updated_at
    before update on public.funnel_step
    for each row
    execute function private.touch_updated_at();

create trigger touch_updated_at
    before update on public.lead_form
    for each row
    execute function private.touch_updated_at();

alter table public.funnel_step enable row level security;
alter table public.lead_form enable row level security;

create policy own_funnel_step on public.funnel_step
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (
        user_id = (select auth.uid())
        and exists (select from public.visit_session where visit_session.id = session_id)
    );

create policy own_lead_form_read on public.lead_form
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy own_lead_form_add on public.lead_form
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and outcome is null
        and exists (select from public.visit_session where visit_session.id = session_id)
    );

grant select, insert, update, delete on public.funnel_step to authenticated;
grant select, insert on public.lead_form to authenticated;
grant all on public.funnel_step, public.lead_form to service_role;
