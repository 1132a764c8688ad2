-- What belongs to one user alone: quiz answers, lesson progress, settings.

create table public.quiz_answer (
    user_id uuid not null default auth.uid(),
    quiz_id integer not null,
    choice text not null,
    score integer check (score between 0 and 100),
    answered_at timestamptz not null default now(),
    primary key (user_id, quiz_id)
);

create table public.lesson_progress (
    user_id uuid not null default auth.uid(),
    lesson_id integer not null,
    percent integer not null default 0 check (percent between 0 and 100),
    seconds integer not null default 0 check (seconds >= 0),
    updated_at timestamptz not null default now(),
    primary key (user_id, lesson_id)
);

create table public.setting (
    user_id uuid primary key default auth.uid(),
    theme text not null default 'light' check (theme in ('light', 'dark', 'system')),
    language text not null default 'en',
    reminders boolean not null default true
);

alter table public.quiz_answer enable row level security;
alter table public.lesson_progress enable row level security;
alter table public.setting enable row level security;

create policy own_quiz_answer on public.quiz_answer
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy own_lesson_progress on public.lesson_progress
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

create policy own_setting on public.setting
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));
