-- Visits in which somebody took one of the six offers. Which one depends on who they are and on where they come from;
-- persona and channel also work together, and very careful buyers shun what costs more than carefulness alone explains.

create function model_sample.generate_personalization(p_seed bigint, p_visits int, p_people int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with visit as materialized (
        select i, model_sample.id(p_seed, 'visit', i) as id, p.*,
            model_sample.choice(p_seed, 'visit device', i, '{phone,phone,phone,desktop,desktop,tablet}') as device,
            model_sample.choice(p_seed, 'visit channel', i,
                '{search,search,search,social,social,direct,newsletter,newsletter,affiliate,notification}') as channel,
            floor(-4 * ln(1 - model_sample.uniform(p_seed, 'visits before', i)))::int as visits_before,
            timestamptz '2026-01-01 00:00:00+00'
                + interval '1 minute' * floor(300 * 1440 * model_sample.uniform(p_seed, 'visit time', i)) as started_at
        from generate_series(1, p_visits) i
        join public.persona_profile p on p.user_id
            = model_sample.id(p_seed, 'person', 1 + floor(p_people * model_sample.uniform(p_seed, 'visitor', i))::bigint)),
    taste (offer, ord, base, explorer, builder, saver, achiever, price, price_squared, visits, evening) as (
        values
        ('starter-discount', 1, 0.1, 0.6, -0.4, 1.6, -1.2, 1.8, 0.0, -0.5, 0.0),
        ('pro-plan', 2, 0.0, -0.6, 1.4, -0.9, 1.2, -1.4, -1.0, 0.7, -0.4),
        ('course-bundle', 3, 0.3, 0.9, 0.4, 0.3, 0.2, 0.4, 0.0, 0.1, 0.3),
        ('live-coaching', 4, -0.4, -0.7, -0.2, -1.5, 1.9, -1.6, -1.2, 0.4, 0.2),
        ('partner-tool', 5, -0.1, 0.1, 1.3, -0.2, 0.1, -0.2, 0.0, 0.2, -0.5),
        ('free-webinar', 6, 0.2, 1.1, -0.8, 0.9, -0.8, 1.1, 0.6, -0.7, 0.9)),
    utility as (
        select v.i, array_agg(t.offer order by t.ord) as offers, array_agg(
            t.base
            + 1.3 * case v.persona when 'explorer' then t.explorer when 'builder' then t.builder when 'saver' then t.saver
                else t.achiever end
            + 1.2 * model_sample.effect('interest', v.interest, t.offer)
            + 0.4 * model_sample.effect('age', v.age_band, t.offer)
            + 0.5 * model_sample.effect('device', v.device, t.offer)
            + 0.7 * model_sample.effect('channel', v.channel, t.offer)
            + 0.8 * model_sample.effect('persona and channel', v.persona || v.channel, t.offer)
            + 1.5 * (t.price * (coalesce(v.price_sensitivity, 0.5) - 0.5)
                + t.price_squared * (coalesce(v.price_sensitivity, 0.5) - 0.5) ^ 2)
            + t.visits * (ln(1 + v.visits_before) - 1.2)
            + case when extract(hour from v.started_at at time zone 'UTC') >= 18 then t.evening else 0 end
            order by t.ord) as utilities
        from visit v cross join taste t group by v.i),
    drawn as materialized (
        select v.*, d.label, d.best, d.probabilities
        from visit v join utility u on u.i = v.i,
            model_sample.draw(u.offers, u.utilities, model_sample.uniform(p_seed, 'offer taken', v.i)) d),
    visits as (
        insert into public.visit_session (id, user_id, device, channel, visits_before, started_at, ended_at, meta)
        select d.id, d.user_id, d.device, d.channel, d.visits_before, d.started_at, d.started_at + interval '10 minutes', '{"sample": true}'
        from drawn d),
    clicks as (
        insert into public.affiliate_click (id, session_id, user_id, offer_id, clicked_at, meta)
        select model_sample.id(p_seed, 'click', d.i), d.id, d.user_id, o.id, d.started_at + interval '3 minutes', '{"sample": true}'
        from drawn d join public.offer o on o.slug = d.label)
    insert into model_sample.truth (model, key, best, probabilities)
    select 'personalization', model_sample.id(p_seed, 'click', d.i)::text, d.best, d.probabilities from drawn d
$$;

comment on function model_sample.generate_personalization(bigint, int, int) is
    'Visits of the people of generate_people in which one of the offers of generate_catalog was taken.';
