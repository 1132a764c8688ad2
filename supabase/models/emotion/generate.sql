-- Short posts made of phrases. Each emotion prefers some phrases, most phrases are common to all; a negation turns a word's feeling.
-- With every phrase drawn by itself, Bayes' rule gives the probability of each emotion exactly.

create function model_sample.emotion_phrases()
returns table (ord int, phrase text, emotion text, weight double precision)
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    with lexicon (emotion, phrases) as (
        values
        ('joy', '{wonderful,delighted,laughing together,best day,so happy,smiling,grateful,celebrate 🎉,love it,what a success}'::text[]),
        ('sadness', '{crying,lonely,miss them,lost it,heartbroken 💔,not happy,gave up,farewell,empty house,tears}'),
        ('anger', '{furious,unfair,how dare they,broken promise,fed up,outrage,shouting,never again,lied to us,not acceptable}'),
        ('fear', '{afraid,trembling,dark night,worried,what if it fails,panic,danger,not safe,could not sleep,threat}'),
        ('surprise', '{suddenly,unexpected,could not believe it,out of nowhere,astonished,wow 😮,who would have thought,plot twist,no idea,unbelievable}'),
        ('calm', '{quiet morning,breathing slowly,at peace,steady,gentle,no hurry,safe,tea by the window,balanced,rested}'),
        (null, '{today,the course,our team,a customer,on monday,the update,my garden,this year,a letter,the train,at work,the meeting,in the city,'
            'my brother,a new version,the weather,after lunch,the plan,some people,a question,the office,our product,two weeks,the road,'
            'a story,the answer,by the sea,the children,a problem,the news}'))
    select row_number() over ()::int, p.phrase, l.emotion,
        case when l.emotion is null then 1.6 else 1.0 end
    from lexicon l, unnest(l.phrases) p (phrase)
$$;

comment on function model_sample.emotion_phrases() is 'The phrases of generated posts, the emotion that prefers each, and how common it is.';

create function model_sample.generate_emotion(p_seed bigint, p_posts int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    -- How probable a phrase is in a text of an emotion: its own phrases stand out, others' occur, too.
    with emotion (emotion, ord, share) as (
        values ('joy', 1, 0.25), ('sadness', 2, 0.17), ('anger', 3, 0.15), ('fear', 4, 0.13), ('surprise', 5, 0.12), ('calm', 6, 0.18)),
    weight as materialized (
        select e.emotion, p.ord, p.phrase, p.weight * case when p.emotion is null then 1 when p.emotion = e.emotion then 1.9 else 0.32 end
            * exp(0.25 * model_sample.effect('phrase', p.phrase, e.emotion)) as weight
        from emotion e cross join model_sample.emotion_phrases() p),
    probability as materialized (
        select w.emotion, w.ord, w.phrase, w.weight / sum(w.weight) over (partition by w.emotion) as share,
            sum(w.weight) over (partition by w.emotion order by w.ord) / sum(w.weight) over (partition by w.emotion) as up_to
        from weight w),
    ladder as materialized (
        select p.emotion, array_agg(p.up_to order by p.ord) as steps from probability p group by p.emotion),
    emotions as (
        select array_agg(e.emotion order by e.ord) as names, array_agg(e.up_to order by e.ord) as steps
        from (select emotion, ord, sum(share) over (order by ord)::double precision as up_to from emotion) e),
    -- width_bucket counts the steps at or below a number; the last step is 1 but for rounding.
    post as materialized (
        select i, model_sample.id(p_seed, 'felt post', i) as id, 8 + floor(15 * model_sample.uniform(p_seed, 'phrases', i))::int as phrases,
            e.names[1 + least(5, width_bucket(model_sample.uniform(p_seed, 'emotion', i), e.steps))] as emotion
        from generate_series(1, p_posts) i, emotions e),
    word as materialized (
        select p.i, n, b.ord, b.phrase
        from post p
        join ladder l on l.emotion = p.emotion
        cross join lateral generate_series(1, p.phrases) n
        join model_sample.emotion_phrases() b
            on b.ord = 1 + least(cardinality(l.steps) - 1,
                width_bucket(model_sample.uniform(p_seed, 'phrase ' || n::text, p.i), l.steps))),
    text as materialized (
        select w.i, string_agg(w.phrase, ', ' order by w.n) as body from word w group by w.i),
    likelihood as materialized (
        select w.i, e.emotion, e.ord, ln(e.share) + sum(ln(b.share)) as score
        from word w join probability b on b.ord = w.ord join emotion e on e.emotion = b.emotion
        group by w.i, e.emotion, e.ord, e.share),
    posterior as (
        select l.i, (array_agg(l.emotion order by l.score desc, l.ord))[1] as best,
            jsonb_object_agg(l.emotion, round((exp(l.score - l.highest) / l.total)::numeric, 6)) as probabilities
        from (
            select k.*, sum(exp(k.score - k.highest)) over (partition by k.i) as total
            from (select h.*, max(h.score) over (partition by h.i) as highest from likelihood h) k) l
        group by l.i),
    posts as (
        insert into public.blog_post (id, author, slug, title, body, topic, emotion, published_at, edited_at, meta)
        select p.id, model_sample.id(p_seed, 'author', p.i % 20), format('felt-%s-%s', p_seed, p.i), '', t.body, 'story', p.emotion,
            '2026-03-01 08:00:00+00', '2026-03-01 08:00:00+00', '{"sample": true}'
        from post p join text t on t.i = p.i)
    insert into model_sample.truth (model, key, best, probabilities)
    select 'emotion', p.id::text, s.best, s.probabilities from post p join posterior s on s.i = p.i
$$;

comment on function model_sample.generate_emotion(bigint, int) is 'Posts of 8 to 22 phrases with an emotion tag.';
