-- Visits up to the moment that shows what the visitor was about to do. Moods make the counts of events go together; the
-- outcome depends on the events alone.

create function model_sample.generate_intent(p_seed bigint, p_visits int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with mood (mood, page_views, product_views, searches, cart_adds, help_views, scroll, seconds) as (
        values
        ('shopping', 2, 4.0, 0.8, 1.4, 0.1, 50, 260),
        ('looking', 3, 2.5, 2.0, 0.2, 0.2, 45, 200),
        ('reading', 5, 0.4, 0.4, 0.1, 0.1, 80, 420),
        ('stuck', 2, 0.6, 1.0, 0.3, 1.8, 40, 240),
        ('passing', 1, 0.3, 0.1, 0.1, 0.1, 25, 30)),
    visit as materialized (
        select i, model_sample.id(p_seed, 'intent visit', i) as id,
            model_sample.choice(p_seed, 'intent device', i, '{phone,phone,phone,desktop,desktop,tablet}') as device,
            model_sample.choice(p_seed, 'intent channel', i,
                '{search,search,search,social,social,direct,newsletter,affiliate,notification}') as channel,
            floor(-2 * ln(1 - model_sample.uniform(p_seed, 'intent before', i)))::int as visits_before,
            timestamptz '2026-01-01 00:00:00+00'
                + interval '1 minute' * floor(300 * 1440 * model_sample.uniform(p_seed, 'intent time', i)) as started_at,
            1 + floor(-m.page_views * ln(1 - model_sample.uniform(p_seed, 'page views', i)))::int as page_views,
            floor(-m.product_views * ln(1 - model_sample.uniform(p_seed, 'product views', i)))::int as product_views,
            floor(-m.searches * ln(1 - model_sample.uniform(p_seed, 'searches', i)))::int as searches,
            floor(-m.cart_adds * ln(1 - model_sample.uniform(p_seed, 'cart adds', i)))::int as cart_adds,
            floor(-m.help_views * ln(1 - model_sample.uniform(p_seed, 'help views', i)))::int as help_views,
            m.scroll as scroll_mean,
            5 + floor(-m.seconds * ln(1 - model_sample.uniform(p_seed, 'seconds', i)))::int as seconds
        from generate_series(1, p_visits) i
        join mood m on m.mood = model_sample.choice(p_seed, 'mood', i, '{shopping,looking,reading,stuck,passing,passing}')),
    event as materialized (
        select v.i, e.name, n, row_number() over (partition by v.i order by model_sample.uniform(p_seed, e.name || n::text, v.i)) as ord,
            case when e.name = 'page_view' then least(100, greatest(1,
                round(v.scroll_mean + 22 * model_sample.normal(p_seed, 'scroll ' || n::text, v.i))))::int end as scroll
        from visit v,
            lateral (values ('page_view', v.page_views), ('product_view', v.product_views), ('search', v.searches),
                ('cart_add', v.cart_adds), ('help_view', v.help_views)) e (name, times),
            generate_series(1, e.times) n),
    summary as materialized (
        select e.i, count(*) as events, avg(e.scroll) as scroll from event e group by e.i),
    drawn as materialized (
        select v.*, s.events, d.label, d.best, d.probabilities
        from visit v join summary s on s.i = v.i,
            model_sample.draw(
                '{buy,compare,read,support,leave}',
                array[
                    -2.4 + 2.6 * least(v.cart_adds, 2) + 0.5 * ln(1 + v.product_views) + 0.5 * least(v.visits_before, 4)
                        - 1.0 * least(v.help_views, 2) + case v.channel when 'newsletter' then 0.9 when 'affiliate' then 0.6 else 0 end,
                    -1.3 + 1.7 * ln(1 + v.product_views) + 0.9 * ln(1 + v.searches) - 0.9 * least(v.cart_adds, 2)
                        + case v.device when 'desktop' then 0.7 else 0 end,
                    -2.6 + 0.045 * s.scroll + 1.1 * ln(v.page_views) - 0.8 * ln(1 + v.product_views)
                        + case when v.channel in ('social', 'search') then 0.5 else 0 end,
                    -2.2 + 2.4 * least(v.help_views, 2) + 0.6 * ln(1 + v.searches)
                        + case when v.seconds > 300 and v.cart_adds > 0 then 1.5 else 0 end,
                    2.2 - 0.022 * s.scroll - 0.25 * s.events + case when v.seconds < 30 then 1.6 else 0 end
                        + case v.device when 'phone' then 0.5 else 0 end
                ]::double precision[],
                model_sample.uniform(p_seed, 'intent', v.i)) d),
    visits as (
        insert into public.visit_session (id, user_id, device, channel, visits_before, started_at, ended_at, meta)
        select d.id, null, d.device, d.channel, d.visits_before, d.started_at, d.started_at + interval '1 second' * (d.seconds + 60),
            '{"sample": true}'
        from drawn d),
    events as (
        insert into public.analytics_event (id, session_id, user_id, name, occurred_at, meta)
        select model_sample.id(p_seed, 'intent event ' || e.ord, e.i), d.id, null::uuid, e.name,
            d.started_at + interval '1 second' * d.seconds * e.ord / d.events,
            case when e.scroll is null then '{}' else jsonb_build_object('scroll_percent', e.scroll) end
        from event e join drawn d on d.i = e.i
        union all
        select model_sample.id(p_seed, 'intent outcome', d.i), d.id, null::uuid,
            case d.label when 'buy' then 'order_placed' when 'compare' then 'comparison_opened' when 'read' then 'article_finished'
                when 'support' then 'support_opened' else 'left' end,
            d.started_at + interval '1 second' * (d.seconds + 20), '{}'
        from drawn d)
    insert into model_sample.truth (model, key, best, probabilities)
    select 'intent', d.id::text, d.best, d.probabilities from drawn d
$$;

comment on function model_sample.generate_intent(bigint, int) is 'Visits with their events, the last of which shows what the visitor wanted.';
