-- Sample data with a known ground truth, for every model. The same seed and sizes give the same rows on every machine: all numbers
-- come from MD5 of seed, purpose and counter. Labels are drawn from known probabilities, which stand in model_sample.truth, so
-- that what the best possible model would reach is known. No feature view reads that table.

create schema model_sample;
comment on schema model_sample is 'Generators of sample data for the models, and the truth about these data.';

create table model_sample.truth (
    model text not null,
    key text not null,
    best text,
    probabilities jsonb,
    expected double precision,
    primary key (model, key)
);

comment on table model_sample.truth is
    'What a model that knows how the data were made would say of a row: the most probable label and the probability of each, '
    'or the expected value.';

alter table model_sample.truth enable row level security;

create function model_sample.uniform(p_seed bigint, p_purpose text, p_number bigint)
returns double precision
language sql immutable parallel safe strict
return ('x' || substr(md5(p_seed::text || ':' || p_purpose || ':' || p_number::text), 1, 13))::bit(52)::bigint
    / 4503599627370496::double precision;

comment on function model_sample.uniform(bigint, text, bigint) is 'A number in [0, 1), the same for the same arguments, on any machine.';

create function model_sample.normal(p_seed bigint, p_purpose text, p_number bigint)
returns double precision
language sql immutable parallel safe strict
return sqrt(-2 * ln(1 - model_sample.uniform(p_seed, p_purpose || ':radius', p_number)))
    * cos(2 * pi() * model_sample.uniform(p_seed, p_purpose || ':angle', p_number));

comment on function model_sample.normal(bigint, text, bigint) is 'A number of mean 0 and deviation 1, the same for the same arguments.';

create function model_sample.choice(p_seed bigint, p_purpose text, p_number bigint, p_values text[])
returns text
language sql immutable parallel safe strict
return p_values[1 + floor(cardinality(p_values) * model_sample.uniform(p_seed, p_purpose, p_number))::int];

comment on function model_sample.choice(bigint, text, bigint, text[]) is 'One of the values, each as probable as its share of them.';

create function model_sample.id(p_seed bigint, p_purpose text, p_number bigint)
returns uuid
language sql immutable parallel safe strict
return md5(p_seed::text || ':' || p_purpose || ':id:' || p_number::text)::uuid;

create function model_sample.logistic(p_value double precision)
returns double precision
language sql immutable parallel safe strict
return 1 / (1 + exp(-p_value));

-- A fixed effect of nature: how much a level of something speaks for an outcome. It does not depend on the seed of the data.
create function model_sample.effect(p_purpose text, p_level text, p_outcome text)
returns double precision
language sql immutable parallel safe strict
return model_sample.normal(0, p_purpose || ':' || p_level || ':' || p_outcome, 0);

comment on function model_sample.effect(text, text, text) is
    'How much a level speaks for an outcome: of mean 0 and deviation 1, the same whatever the seed of the data.';

-- Draws a label whose probabilities are proportional to the exponentials of the utilities.
create function model_sample.draw(p_labels text[], p_utilities double precision[], p_uniform double precision,
    out label text, out best text, out probabilities jsonb)
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_highest double precision := (select max(u) from unnest(p_utilities) u);
    v_total double precision := (select sum(exp(u - v_highest)) from unnest(p_utilities) u);
    v_before double precision := 0;
    v_share double precision;
begin
    probabilities := '{}';
    best := p_labels[array_position(p_utilities, v_highest)];
    for i in 1 .. cardinality(p_labels) loop
        v_share := exp(p_utilities[i] - v_highest) / v_total;
        probabilities := probabilities || jsonb_build_object(p_labels[i], round(v_share::numeric, 6));
        v_before := v_before + v_share;
        -- The last label also takes what rounding left over.
        if label is null and (p_uniform < v_before or i = cardinality(p_labels)) then
            label := p_labels[i];
        end if;
    end loop;
end
$$;

comment on function model_sample.draw(text[], double precision[], double precision) is
    'Draws one of the labels by softmax of their utilities, and says which is the most probable and how probable each is.';

-- Rows that an evaluation keeps from the training. By key, so that it does not matter in which order they are read.
create function model_sample.held_out(p_key text, p_share double precision default 0.25)
returns boolean
language sql immutable parallel safe strict
return model_sample.uniform(0, 'held out:' || p_key, 0) < p_share;

comment on function model_sample.held_out(text, double precision) is 'Whether a row is kept from the training: a share of all keys.';

create function model_sample.generate_people(p_seed bigint, p_people int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into public.persona_profile (user_id, persona, interest, age_band, country, price_sensitivity,
        personalization_consent, signed_up_at, meta)
    select model_sample.id(p_seed, 'person', i),
        model_sample.choice(p_seed, 'persona', i, '{explorer,explorer,explorer,builder,builder,builder,saver,saver,achiever,achiever}'),
        model_sample.choice(p_seed, 'interest', i, '{marketing,marketing,design,coding,coding,finance,health}'),
        model_sample.choice(p_seed, 'age', i, '{under_25,25_to_39,25_to_39,40_to_59,over_59,unknown}'),
        model_sample.choice(p_seed, 'country', i, '{DE,DE,AT,CH,FR,US}'),
        case when model_sample.uniform(p_seed, 'price asked', i) < 0.9 then model_sample.uniform(p_seed, 'price', i) end,
        true,
        timestamptz '2026-01-01 00:00:00+00' - interval '1 day' * floor(900 * model_sample.uniform(p_seed, 'signed up', i) ^ 2),
        '{"sample": true}'
    from generate_series(1, p_people) i
$$;

comment on function model_sample.generate_people(bigint, int) is 'Profiles of people that have no account: only models read them.';

create function model_sample.generate_catalog(p_seed bigint, p_products int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with made as (
        insert into public.product (id, slug, name, category, price_cents, meta)
        select model_sample.id(p_seed, 'product', i), format('product-%s', i), format('Product %s', i),
            (array['course', 'template', 'tool', 'coaching', 'book', 'community'])[1 + i % 6],
            900 + 100 * floor(240 * model_sample.uniform(p_seed, 'price', i) ^ 2)::int, '{"sample": true}'
        from generate_series(1, p_products) i
        returning id, slug)
    insert into public.offer (id, product_id, slug, headline, discount_percent, valid_from, meta)
    select model_sample.id(p_seed, 'offer', o.ord), p.id, o.slug, o.headline, o.discount, '2025-01-01 00:00:00+00', '{"sample": true}'
    from (values
        (1, 'starter-discount', 'Start for half the price', 50),
        (2, 'pro-plan', 'Everything, for a year', 0),
        (3, 'course-bundle', 'Three courses for the price of two', 33),
        (4, 'live-coaching', 'An hour with a coach, every week', 0),
        (5, 'partner-tool', 'The tool that our teachers use', 10),
        (6, 'free-webinar', 'One evening, free', 100)) o (ord, slug, headline, discount)
    join made p on p.slug = format('product-%s', o.ord)
$$;

comment on function model_sample.generate_catalog(bigint, int) is 'Products (six at least) and the six offers of the sample business.';

-- Everything. Sizes that are not named are those of the evaluation.
create function model_sample.generate(p_seed bigint default 1, p_sizes jsonb default '{}')
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_sizes jsonb := jsonb_build_object('people', 3000, 'products', 240, 'personalization', 20000, 'intent', 20000,
        'content_score', 12000, 'recommendation', 3000, 'emotion', 12000, 'lead_score', 20000, 'stale_content', 20000) || p_sizes;
begin
    perform model_sample.generate_people(p_seed, (v_sizes ->> 'people')::int);
    perform model_sample.generate_catalog(p_seed, (v_sizes ->> 'products')::int);
    perform model_sample.generate_personalization(p_seed, (v_sizes ->> 'personalization')::int, (v_sizes ->> 'people')::int);
    perform model_sample.generate_intent(p_seed, (v_sizes ->> 'intent')::int);
    perform model_sample.generate_content_score(p_seed, (v_sizes ->> 'content_score')::int);
    perform model_sample.generate_recommendation(p_seed, least((v_sizes ->> 'recommendation')::int, (v_sizes ->> 'people')::int),
        (v_sizes ->> 'products')::int);
    perform model_sample.generate_emotion(p_seed, (v_sizes ->> 'emotion')::int);
    perform model_sample.generate_lead_score(p_seed, (v_sizes ->> 'lead_score')::int);
    perform model_sample.generate_stale_content(p_seed, (v_sizes ->> 'stale_content')::int);
    return v_sizes;
end
$$;

comment on function model_sample.generate(bigint, jsonb) is
    'Fills the sample tables for all models. p_sizes: rows by model, and people and products. Returns the sizes taken.';
