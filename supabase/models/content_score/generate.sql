-- Posts with what an editor's tools measure, and how much of the text readers read. There is a best length, a best length of title
-- and a best ease; pictures help up to a point; a video helps short posts only; each topic has readers of its own.

create function model_sample.generate_content_score(p_seed bigint, p_posts int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with post as materialized (
        select i, model_sample.id(p_seed, 'scored post', i) as id,
            model_sample.choice(p_seed, 'scored topic', i, '{news,howto,howto,opinion,story,reference}') as topic,
            round(exp(6.6 + 0.6 * model_sample.normal(p_seed, 'words', i)))::int as words,
            floor(-3 * ln(1 - model_sample.uniform(p_seed, 'images', i)))::int as images,
            floor(-5 * ln(1 - model_sample.uniform(p_seed, 'headings', i)))::int as headings,
            floor(-6 * ln(1 - model_sample.uniform(p_seed, 'links', i)))::int as links,
            20 + floor(80 * model_sample.uniform(p_seed, 'title', i))::int as title_characters,
            least(100, greatest(0, 60 + 16 * model_sample.normal(p_seed, 'ease', i)))::real as reading_ease,
            model_sample.uniform(p_seed, 'video', i) < 0.25 as has_video
        from generate_series(1, p_posts) i),
    scored as materialized (
        select p.*, 46
            - 9 * (ln(p.words) - 6.8) ^ 2
            + 9 * (1 - exp(-p.images / 2.0))
            + 1.2 * least(p.headings, 6)
            - 0.5 * greatest(p.links - 8, 0)
            - 0.006 * (p.title_characters - 58) ^ 2
            - 0.012 * (p.reading_ease - 66) ^ 2
            + case when p.has_video and p.words < 700 then 9 when p.has_video then -2 else 0 end
            + 5 * model_sample.effect('read topic', p.topic, 'read')
            + case p.topic when 'howto' then 1.5 * least(p.headings, 6) when 'story' then 5 * (ln(p.words) - 6.6) else 0 end
            as expected
        from post p),
    posts as (
        insert into public.blog_post (id, author, slug, title, topic, published_at, edited_at, meta)
        select s.id, model_sample.id(p_seed, 'author', s.i % 20), format('scored-%s-%s', p_seed, s.i), format('Post %s', s.i), s.topic,
            '2026-01-05 08:00:00+00', '2026-01-05 08:00:00+00', '{"sample": true}'
        from scored s),
    measures as (
        insert into public.content_measure (post_id, words, images, headings, links, title_characters, reading_ease, has_video,
            read_percent, meta)
        select s.id, s.words, s.images, s.headings, s.links, s.title_characters, s.reading_ease, s.has_video,
            least(100, greatest(0, s.expected + 5 * model_sample.normal(p_seed, 'read percent', s.i)))::real, '{"sample": true}'
        from scored s)
    insert into model_sample.truth (model, key, expected)
    select 'content_score', s.id::text, least(100, greatest(0, s.expected)) from scored s
$$;

comment on function model_sample.generate_content_score(bigint, int) is
    'Posts without text, their measures, and the share that was read: what is expected, and a deviation of 5 points.';
