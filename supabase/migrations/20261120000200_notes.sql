-- What a team works on together: notes, and the tasks that belong to a note.

create table public.note (
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

create index note_team_id_idx on public.note (team_id);

create table public.team_task (
    id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.team (id) on delete cascade,
    note_id uuid not null references public.note (id) on delete cascade,
    title text not null check (length(title) <= 200),
    done boolean not null default false,
    updated_at timestamptz not null default now()
);

create index team_task_team_id_idx on public.team_task (team_id);
create index team_task_note_id_idx on public.team_task (note_id);

alter table public.note enable row level security;
alter table public.team_task enable row level security;

create policy note_of_own_team on public.note
    for all to authenticated
    using (team_id in (select private.team_ids_of_caller()))
    with check (team_id in (select private.team_ids_of_caller()));

create policy team_task_of_own_team on public.team_task
    for all to authenticated
    using (team_id in (select private.team_ids_of_caller()))
    with check (team_id in (select private.team_ids_of_caller()));
