-- A table of the shape of the sample application's public.note, with its checks, foreign key, index and policy. It is made
-- twice, as note_synced and note_plain, so that what is compared differs in nothing but being synced.
create table public.{name} (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.team (id) on delete cascade,
    author uuid not null default auth.uid(),
    title text not null check (length(title) <= 200),
    body text not null default '',
    likes integer not null default 0,
    status text not null default 'draft',
    grade integer,
    updated_at timestamptz not null default now()
);

create index {name}_team_id_idx on public.{name} (team_id);

alter table public.{name} enable row level security;

create policy {name}_of_own_team on public.{name}
    for all to authenticated
    using (team_id in (select private.team_ids_of_caller()))
    with check (team_id in (select private.team_ids_of_caller()));
