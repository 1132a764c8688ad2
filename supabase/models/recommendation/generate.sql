-- What people looked at and bought. Everyone has a mixture of six tastes, every product serves one taste most, another a little, and
-- some products are popular with all. Looking at a product is an event of its own probability; who likes it looks more often, and buys it
-- more often.

create table model_sample.affinity (
    user_id uuid not null,
    item_id uuid not null,
    probability real not null,
    primary key (user_id, item_id)
);

comment on table model_sample.affinity is
    'The truth about recommendations: how probable it was that a person looks at a product. No feature view reads it.';

alter table model_sample.affinity enable row level security;

-- What is true of the products, whoever looks: which taste each serves most and a little, and how popular it is.
create function model_sample.product_truth(p_seed bigint, p_products int)
returns table (n int, item_id uuid, first_taste int, second_taste int, popularity double precision)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select n, model_sample.id(p_seed, 'product', n), 1 + n % 6, 1 + floor(6 * model_sample.uniform(p_seed, 'second taste', n))::int,
        0.8 * exp(0.7 * model_sample.normal(p_seed, 'popularity', n))
    from generate_series(1, p_products) n
$$;

comment on function model_sample.product_truth(bigint, int) is
    'How a product is liked: the probability that somebody of activity a and shares s of the six tastes looks at it is '
    'least(0.95, popularity * (a * (0.97 * s[first_taste] + 0.35 * s[second_taste]) + 0.03)).';

create function model_sample.generate_recommendation(p_seed bigint, p_people int, p_products int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with taste as materialized (
        select u, t, (-ln(1 - model_sample.uniform(p_seed, 'taste ' || t::text, u))) ^ 4 as weight
        from generate_series(1, p_people) u, generate_series(1, 6) t),
    person as materialized (
        select t.u, model_sample.id(p_seed, 'person', t.u) as user_id, model_sample.id(p_seed, 'shop visit', t.u) as session_id,
            (0.6 + 0.8 * model_sample.uniform(p_seed, 'activity', t.u)) / sum(t.weight) as scale, array_agg(t.weight order by t.t) as tastes
        from taste t group by t.u),
    product as materialized (
        select p.* from model_sample.product_truth(p_seed, p_products) p),
    -- A mixture's shares have the sum 1, so what every taste gives a product is the 0.03 at the end.
    pair as materialized (
        select p.u, r.n, p.user_id, p.session_id, r.item_id,
            least(0.95, r.popularity * (p.scale * (0.97 * p.tastes[r.first_taste] + 0.35 * p.tastes[r.second_taste]) + 0.03)) as probability
        from person p cross join product r),
    looked as materialized (
        select p.*, 1 + floor(-2.5 * p.probability * ln(1 - model_sample.uniform(p_seed, 'looks ' || p.n::text, p.u)))::int as looks,
            model_sample.uniform(p_seed, 'buys ' || p.n::text, p.u) < 0.6 * p.probability as buys
        from pair p
        where model_sample.uniform(p_seed, 'look ' || p.n::text, p.u) < p.probability),
    visits as (
        insert into public.visit_session (id, user_id, device, channel, started_at, meta)
        select p.session_id, p.user_id, 'desktop', 'direct', '2026-04-01 08:00:00+00', '{"sample": true}' from person p),
    views as (
        insert into public.analytics_event (id, session_id, user_id, name, product_id, occurred_at)
        select model_sample.id(p_seed, 'look ' || l.n || ' ' || k, l.u), l.session_id, l.user_id, 'product_view', l.item_id,
            timestamptz '2026-04-01 08:00:00+00' + interval '1 minute' * k
        from looked l, generate_series(1, l.looks) k),
    purchases as (
        insert into public.purchase (id, user_id, product_id, amount_cents, purchased_at, meta)
        select model_sample.id(p_seed, 'bought ' || l.n, l.u), l.user_id, l.item_id, 1900, '2026-04-01 12:00:00+00', '{"sample": true}'
        from looked l where l.buys)
    insert into model_sample.affinity (user_id, item_id, probability)
    select p.user_id, p.item_id, p.probability from pair p
$$;

comment on function model_sample.generate_recommendation(bigint, int, int) is
    'Product views and purchases of people of generate_people and products of generate_catalog.';
