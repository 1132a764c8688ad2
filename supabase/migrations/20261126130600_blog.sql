-- The blog: posts with an emotion tag, what was measured of them, and what editors found when they looked again.

create table public.blog_post (
    id uuid primary key default gen_random_uuid(),
    author uuid not null default auth.uid(),
    slug text not null unique check (length(slug) between 1 and 200),
    title text not null check (length(title) <= 200),
    body text not null default '',
    topic text not null check (topic in ('news', 'howto', 'opinion', 'story', 'reference')),
    emotion text check (emotion in ('joy', 'sadness', 'anger', 'fear', 'surprise', 'calm')),
    published_at timestamptz,
    edited_at timestamptz not null default now(),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on column public.blog_post.emotion is 'What the text feels like, as its author or a reader tagged it; null: untagged.';
comment on column public.blog_post.edited_at is 'Last change to what the text says; updated_at counts every change.';

create index blog_post_author_idx on public.blog_post (author);
create index blog_post_published_at_idx on public.blog_post (published_at);

create table public.content_measure (
    post_id uuid primary key references public.blog_post (id) on delete cascade,
    words integer not null check (words >= 0),
    images integer not null default 0 check (images >= 0),
    headings integer not null default 0 check (headings >= 0),
    links integer not null default 0 check (links >= 0),
    broken_links integer not null default 0 check (broken_links between 0 and links),
    version_mentions integer not null default 0 check (version_mentions >= 0),
    title_characters integer not null check (title_characters >= 0),
    reading_ease real check (reading_ease between 0 and 100),
    has_video boolean not null default false,
    views_30_days integer not null default 0 check (views_30_days >= 0),
    views_30_days_before integer not null default 0 check (views_30_days_before >= 0),
    read_percent real check (read_percent between 0 and 100),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on column public.content_measure.version_mentions is 'Years and version numbers in the text: what ages first.';
comment on column public.content_measure.read_percent is
    'Mean share of the text that readers of the first 30 days read, in percent; null until measured.';

create table public.content_review (
    id uuid primary key default gen_random_uuid(),
    post_id uuid not null references public.blog_post (id) on delete cascade,
    reviewer uuid not null default auth.uid(),
    verdict text not null check (verdict in ('current', 'outdated')),
    reviewed_at timestamptz not null default now(),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index content_review_post_id_idx on public.content_review (post_id, reviewed_at);

create trigger touch_updated_at
    before update on public.blog_post
    for each row
    execute function private.touch_updated_at();

create trigger touch_updated_at
    before update on public.content_measure
    for each row
    execute function private.touch_updated_at();

create trigger touch_updated_at
    before update on public.content_review
    for each row
    execute function private.touch_updated_at();

alter table public.blog_post enable row level security;
alter table public.content_measure enable row level security;
alter table public.content_review enable row level security;

create policy blog_post_read on public.blog_post
    for select to anon, authenticated
    using (published_at <= now());

create policy own_blog_post on public.blog_post
    for all to authenticated
    using (author = (select auth.uid()))
    with check (author = (select auth.uid()));

-- Posts are looked up under their own policy, which lets everyone read what is published.
create policy content_measure_of_own_post on public.content_measure
    for select to authenticated
    using (exists (
        select from public.blog_post
        where blog_post.id = post_id and blog_post.author = (select auth.uid())
    ));

create policy content_review_of_own_post on public.content_review
    for select to authenticated
    using (exists (
        select from public.blog_post
        where blog_post.id = post_id and blog_post.author = (select auth.uid())
    ));

grant select on public.blog_post to anon;
grant select, insert, update, delete on public.blog_post to authenticated;
grant select on public.content_measure, public.content_review to authenticated;
grant all on public.blog_post, public.content_measure, public.content_review to service_role;
