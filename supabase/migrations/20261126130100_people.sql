-- Who somebody is to the business: what a person told about themselves and agreed to. Models read it, never auth.users.

-- A time of change that the writer sets, as a device does that was offline, is kept.
create function private.touch_updated_at()
    returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $function$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end
$function$;

comment on function private.touch_updated_at() is
    'Sets updated_at of a changed row to now, unless the statement set it.';

revoke all on function private.touch_updated_at() from public;

create table public.persona_profile (
    user_id uuid primary key default auth.uid(),
    persona text not null check (persona in ('explorer', 'builder', 'saver', 'achiever')),
    interest text not null check (length(interest) between 1 and 60),
    age_band text not null default 'unknown'
        check (age_band in ('under_25', '25_to_39', '40_to_59', 'over_59', 'unknown')),
    country text check (country ~ '^[A-Z]{2}$'),
    price_sensitivity real check (price_sensitivity between 0 and 1),
    personalization_consent boolean not null default false,
    signed_up_at timestamptz not null default now(),
    meta jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

comment on column public.persona_profile.price_sensitivity is '0: price does not matter, 1: only the price does; null: not asked.';

create index persona_profile_persona_idx on public.persona_profile (persona);

create trigger touch_updated_at
    before update on public.persona_profile
    for each row
    execute function private.touch_updated_at();

alter table public.persona_profile enable row level security;

create policy own_persona_profile on public.persona_profile
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));

grant select, insert, update, delete on public.persona_profile to authenticated;
grant all on public.persona_profile to service_role;
