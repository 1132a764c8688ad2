-- What visitors take: clicks on offers, and purchases. Purchases are written by the service, after payment.

create table public.affiliate_click (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references public.visit_session (id) on delete cascade,
    user_id uuid default auth.uid(),
    offer_id uuid not null references public.offer (id) on delete cascade,
    clicked_at timestamptz not null default now(),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (session_id, offer_id)
);

create index affiliate_click_user_id_idx on public.affiliate_click (user_id, clicked_at);
create index affiliate_click_offer_id_idx on public.affiliate_click (offer_id);

create table public.purchase (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    product_id uuid not null references public.product (id) on delete restrict,
    quantity integer not null default 1 check (quantity > 0),
    amount_cents integer not null check (amount_cents >= 0),
    currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
    purchased_at timestamptz not null default now(),
    refunded_at timestamptz,
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index purchase_user_id_idx on public.purchase (user_id, purchased_at);
create index purchase_product_id_idx on public.purchase (product_id);

create trigger touch_updated_at
    before update on public.affiliate_click
    for each row
    execute function private.touch_updated_at();

create trigger touch_updated_at
    before update on public.purchase
    for each row
    execute function private.touch_updated_at();

alter table public.affiliate_click enable row level security;
alter table public.purchase enable row level security;

create policy own_affiliate_click_read on public.affiliate_click
    for select to authenticated
    using (user_id = (select auth.uid()));

create policy own_affiliate_click_add on public.affiliate_click
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and exists (select from public.visit_session where visit_session.id = session_id)
    );

create policy own_purchase_read on public.purchase
    for select to authenticated
    using (user_id = (select auth.uid()));

grant select, insert on public.affiliate_click to authenticated;
grant select on public.purchase to authenticated;
grant all on public.affiliate_click, public.purchase to service_role;
