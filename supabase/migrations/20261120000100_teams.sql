-- Teams and who belongs to them. Everything else that a team shares asks these tables.

create schema private;
grant usage on schema private to authenticated, service_role;

create table public.team (
    id uuid primary key default gen_random_uuid(),
    name text not null check (length(name) between 1 and 100),
    created_by uuid not null default auth.uid(),
    created_at timestamptz not null default now()
);

create table public.team_member (
    team_id uuid not null references public.team (id) on delete cascade,
    user_id uuid not null,
    joined_at timestamptz not null default now(),
    primary key (team_id, user_id)
);

create index team_member_user_id_idx on public.team_member (user_id);

-- A policy on team_member that reads team_member would call itself without end, so
-- membership is looked up by the owner of the tables.
create function private.team_ids_of_caller()
    returns setof uuid
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $function$
    select team_id
    from public.team_member
    where user_id = auth.uid()
$function$;

comment on function private.team_ids_of_caller() is
    'The teams that the caller belongs to. Bypasses row level security.';

-- Without this nobody could add the first member of a new team.
create function private.add_creator_to_team()
    returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into public.team_member (team_id, user_id)
    values (new.id, new.created_by)
    on conflict do nothing;
    return null;
end
$function$;

create trigger add_creator_to_team
    after insert on public.team
    for each row
    execute function private.add_creator_to_team();

revoke all on function private.team_ids_of_caller(), private.add_creator_to_team() from public;
grant execute on function private.team_ids_of_caller() to authenticated, service_role;

alter table public.team enable row level security;
alter table public.team_member enable row level security;

create policy team_read on public.team
    for select to authenticated
    using (created_by = (select auth.uid()) or id in (select private.team_ids_of_caller()));

create policy team_create on public.team
    for insert to authenticated
    with check (created_by = (select auth.uid()));

create policy team_rename on public.team
    for update to authenticated
    using (id in (select private.team_ids_of_caller()))
    with check (id in (select private.team_ids_of_caller()));

create policy team_delete on public.team
    for delete to authenticated
    using (created_by = (select auth.uid()));

create policy team_member_read on public.team_member
    for select to authenticated
    using (team_id in (select private.team_ids_of_caller()));

create policy team_member_add on public.team_member
    for insert to authenticated
    with check (team_id in (select private.team_ids_of_caller()));

create policy team_member_remove on public.team_member
    for delete to authenticated
    using (team_id in (select private.team_ids_of_caller()));
