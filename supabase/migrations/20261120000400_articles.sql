-- What everyone may read and only the service may write.

create table public.public_article (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique,
    title text not null check (length(title) <= 200),
    body text not null default '',
    published_at timestamptz not null default now()
);

alter table public.public_article enable row level security;

create policy public_article_read on public.public_article
    for select to anon, authenticated
    using (true);
