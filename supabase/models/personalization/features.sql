-- One row a click on an offer: who it was, how they came, and which offer they took.
-- A profile whose owner did not agree to personalization is not read.

create view models.personalization_features
with (security_invoker = true)
as
select
    c.id::text as key,
    p.persona,
    p.interest,
    p.age_band,
    s.device,
    s.channel,
    p.persona || ' ' || s.channel as persona_channel,
    case
        when extract(hour from s.started_at at time zone 'UTC') < 6 then 'night'
        when extract(hour from s.started_at at time zone 'UTC') < 12 then 'morning'
        when extract(hour from s.started_at at time zone 'UTC') < 18 then 'afternoon'
        else 'evening'
    end as daypart,
    p.price_sensitivity,
    (p.price_sensitivity - 0.5) ^ 2 as price_extremeness,
    ln(1 + s.visits_before) as visits_before_log,
    o.slug as label
from public.affiliate_click c
join public.visit_session s on s.id = c.session_id
join public.persona_profile p on p.user_id = c.user_id and p.personalization_consent
join public.offer o on o.id = c.offer_id;

comment on view models.personalization_features is 'Features and label of the model personalization: which offer somebody takes.';

grant select on models.personalization_features to service_role;
