-- What is for sale, and the offers made for it. Everyone may read, only the service may write.

create table public.product (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (length(slug) between 1 and 100),
    name text not null check (length(name) between 1 and 200),
    category text not null check (length(category) between 1 and 60),
    price_cents integer not null check (price_cents >= 0),
    currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
    active boolean not null default true,
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index product_category_idx on public.product (category);

create table public.offer (
    id uuid primary key default gen_random_uuid(),
    product_id uuid not null references public.product (id) on delete cascade,
    slug text not null unique check (length(slug) between 1 and 100),
    headline text not null check (length(headline) between 1 and 200),
    discount_percent smallint not null default 0 check (discount_percent between 0 and 100),
    valid_from timestamptz not null default now(),
    valid_until timestamptz check (valid_until > valid_from),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index offer_product_id_idx on public.offer (product_id);

create trigger touch_updated_at
    before update on public.product
    for each row
    execute function private.touch_updated_at();

create trigger touch_updated_at
    before update on public.offer
    for each row
    execute function private.touch_updated_at();

alter table public.product enable row level security;
alter table public.offer enable row level security;

create policy product_read on public.product
    for select to anon, authenticated
    using (active);

create policy offer_read on public.offer
    for select to anon, authenticated
    using (true);

grant select on public.product, public.offer to anon, authenticated;
grant all on public.product, public.offer to service_role;
