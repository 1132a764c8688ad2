-- Visits that ended with a lead form, and what became of the lead. Companies of 20 to 500 people buy; a demo counts for those who
-- decide; a form that was sent within seconds says little; who names no budget or size is judged by the rest.

create function model_sample.generate_lead_score(p_seed bigint, p_leads int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with form as materialized (
        select i, model_sample.id(p_seed, 'lead visit', i) as session_id,
            model_sample.choice(p_seed, 'lead device', i, '{phone,phone,desktop,desktop,desktop,tablet}') as device,
            model_sample.choice(p_seed, 'lead channel', i,
                '{search,search,search,social,social,direct,newsletter,affiliate}') as channel,
            model_sample.choice(p_seed, 'email', i, '{company,company,company,free,free}') as email_kind,
            model_sample.choice(p_seed, 'job', i, '{owner,manager,manager,specialist,specialist,student}') as job,
            case when model_sample.uniform(p_seed, 'size told', i) < 0.8
                then greatest(1, round(exp(3.2 + 1.7 * model_sample.normal(p_seed, 'size', i))))::int end as company_size,
            model_sample.choice(p_seed, 'budget', i, array['under_1k', '1k_to_10k', '1k_to_10k', 'over_10k', null, null]) as budget_band,
            model_sample.uniform(p_seed, 'phone', i) < 0.35 as phone_given,
            floor(-22 * ln(1 - model_sample.uniform(p_seed, 'message', i)))::int as message_words,
            timestamptz '2026-02-01 00:00:00+00'
                + interval '1 minute' * floor(200 * 1440 * model_sample.uniform(p_seed, 'lead time', i)) as started_at,
            case when model_sample.uniform(p_seed, 'pricing', i) < 0.6
                then floor(-60 * ln(1 - model_sample.uniform(p_seed, 'pricing seconds', i)))::int end as pricing_seconds,
            case when model_sample.uniform(p_seed, 'demo', i) < 0.3
                then floor(-200 * ln(1 - model_sample.uniform(p_seed, 'demo seconds', i)))::int end as demo_seconds,
            floor(-80 * ln(1 - model_sample.uniform(p_seed, 'form seconds', i)))::int as form_seconds
        from generate_series(1, p_leads) i),
    drawn as materialized (
        select f.*, d.label, d.best, d.probabilities
        from form f,
            model_sample.draw(
                '{lost,won}',
                array[
                    0,
                    -4.1
                    + case f.email_kind when 'company' then 1.3 else 0 end
                    + case f.job when 'owner' then 1.0 when 'manager' then 0.6 when 'student' then -2.2 else 0 end
                    + case when f.company_size between 20 and 500 then 1.5 when f.company_size is null then 0.3 else -0.3 end
                    + case f.budget_band when 'under_1k' then -1.2 when 'over_10k' then 1.4 when '1k_to_10k' then 0.7 else 0 end
                    + case when f.phone_given then 0.8 else 0 end
                    + 0.5 * least(ln(1 + f.message_words), 3.5)
                    + 0.3 * ln(1 + coalesce(f.pricing_seconds, 0))
                    + case when f.demo_seconds is not null and f.job in ('owner', 'manager') then 2.2
                        when f.demo_seconds is not null then 0.4 else 0 end
                    - case when f.form_seconds < 12 then 2.0 else 0 end
                    + case f.channel when 'newsletter' then 0.5 when 'affiliate' then -0.8 when 'social' then -0.4 else 0 end
                ]::double precision[],
                model_sample.uniform(p_seed, 'won', f.i)) d),
    visits as (
        insert into public.visit_session (id, user_id, device, channel, started_at, ended_at, meta)
        select d.session_id, null, d.device, d.channel, d.started_at, d.started_at + interval '1 hour', '{"sample": true}' from drawn d),
    steps as (
        insert into public.funnel_step (session_id, step, user_id, entered_at, seconds)
        select d.session_id, s.step, null, d.started_at + interval '1 minute' * s.minute, s.seconds
        from drawn d, lateral (values ('landing', 0, 20), ('pricing', 5, d.pricing_seconds), ('demo', 15, d.demo_seconds),
            ('form', 40, d.form_seconds)) s (step, minute, seconds)
        where s.seconds is not null),
    forms as (
        insert into public.lead_form (id, session_id, user_id, email_kind, job, company_size, budget_band, phone_given, message_words,
            submitted_at, outcome, meta)
        select model_sample.id(p_seed, 'lead', d.i), d.session_id, null, d.email_kind, d.job, d.company_size, d.budget_band, d.phone_given,
            d.message_words, d.started_at + interval '50 minutes', d.label, '{"sample": true}'
        from drawn d)
    insert into model_sample.truth (model, key, best, probabilities)
    select 'lead_score', model_sample.id(p_seed, 'lead', d.i)::text, d.best, d.probabilities from drawn d
$$;

comment on function model_sample.generate_lead_score(bigint, int) is 'Visits with their funnel, the form at its end, and what became of it.';
