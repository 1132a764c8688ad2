-- One row a lead whose outcome is known: the form, the way to it, and whether it was won.

create view models.lead_score_features
with (security_invoker = true)
as
select
    l.id::text as key,
    s.device,
    s.channel,
    l.email_kind,
    l.job,
    case
        when l.company_size < 20 then 'under 20'
        when l.company_size <= 500 then '20 to 500'
        when l.company_size > 500 then 'over 500'
    end as company_band,
    l.budget_band,
    l.phone_given::int as phone_given,
    ln(1 + l.message_words) as message_words_log,
    ln(1 + coalesce(max(f.seconds) filter (where f.step = 'pricing'), 0)) as pricing_seconds_log,
    case when bool_or(f.step = 'demo') then l.job else 'no demo' end as demo_job,
    ln(1 + coalesce(max(f.seconds) filter (where f.step = 'form'), 0)) as form_seconds_log,
    (coalesce(max(f.seconds) filter (where f.step = 'form'), 0) < 15)::int as form_in_haste,
    l.outcome as label
from public.lead_form l
join public.visit_session s on s.id = l.session_id
left join public.funnel_step f on f.session_id = l.session_id
where l.outcome is not null
group by l.id, s.id;

comment on view models.lead_score_features is 'Features and label of the model lead_score: whether a lead is won.';

grant select on models.lead_score_features to service_role;
