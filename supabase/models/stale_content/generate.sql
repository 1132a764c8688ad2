-- Posts that an editor looked at again. How fast a post grows old depends on its topic and on how many versions and years it names;
-- fewer visits and links that lead nowhere are signs of it.

create function model_sample.generate_stale_content(p_seed bigint, p_posts int)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    with post as materialized (
        select i, model_sample.id(p_seed, 'reviewed post', i) as id,
            model_sample.choice(p_seed, 'reviewed topic', i, '{news,howto,howto,opinion,story,reference}') as topic,
            1 + floor(1000 * model_sample.uniform(p_seed, 'age', i) ^ 1.3)::int as age_days,
            floor(-7 * ln(1 - model_sample.uniform(p_seed, 'reviewed links', i)))::int as links,
            floor(-2 * ln(1 - model_sample.uniform(p_seed, 'versions', i)))::int as version_mentions,
            floor(exp(5 + 1.1 * model_sample.normal(p_seed, 'views before', i)))::int as views_30_days_before
        from generate_series(1, p_posts) i),
    signs as materialized (
        select p.*,
            least(p.links, floor(-ln(1 - model_sample.uniform(p_seed, 'broken', p.i)) * p.links * p.age_days / 4000.0)::int) as broken_links,
            floor(p.views_30_days_before * exp(-0.1 + 0.5 * model_sample.normal(p_seed, 'trend', p.i) - p.age_days / 2500.0))::int
                as views_30_days
        from post p),
    drawn as materialized (
        select s.*, d.label, d.best, d.probabilities
        from signs s,
            model_sample.draw(
                '{current,outdated}',
                array[
                    0,
                    -3.2
                    + s.age_days / case s.topic when 'news' then 90.0 when 'howto' then 170.0 when 'reference' then 200.0
                        when 'opinion' then 420.0 else 1100.0 end
                    + 1.2 * least(s.version_mentions, 3) * least(s.age_days / 365.0, 1.5)
                    + 0.9 * least(s.broken_links, 3)
                    - 1.6 * ln((s.views_30_days + 10.0) / (s.views_30_days_before + 10.0))
                ]::double precision[],
                model_sample.uniform(p_seed, 'outdated', s.i)) d),
    posts as (
        insert into public.blog_post (id, author, slug, title, topic, published_at, edited_at, meta)
        select d.id, model_sample.id(p_seed, 'author', d.i % 20), format('reviewed-%s-%s', p_seed, d.i), format('Post %s', d.i), d.topic,
            timestamptz '2026-06-01 00:00:00+00' - interval '1 day' * d.age_days,
            timestamptz '2026-06-01 00:00:00+00' - interval '1 day' * d.age_days, '{"sample": true}'
        from drawn d),
    measures as (
        insert into public.content_measure (post_id, words, links, broken_links, version_mentions, title_characters,
            views_30_days, views_30_days_before, meta)
        select d.id, 800, d.links, d.broken_links, d.version_mentions, 50, d.views_30_days, d.views_30_days_before, '{"sample": true}'
        from drawn d),
    reviews as (
        insert into public.content_review (id, post_id, reviewer, verdict, reviewed_at, meta)
        select model_sample.id(p_seed, 'review', d.i), d.id, model_sample.id(p_seed, 'editor', 1), d.label, '2026-06-01 00:00:00+00',
            '{"sample": true}'
        from drawn d)
    insert into model_sample.truth (model, key, best, probabilities)
    select 'stale_content', model_sample.id(p_seed, 'review', d.i)::text, d.best, d.probabilities from drawn d
$$;

comment on function model_sample.generate_stale_content(bigint, int) is 'Posts without text, their measures, and one review each.';
