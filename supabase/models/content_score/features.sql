-- One row a post whose readers were counted: what an editor's tools can measure before it is published, and the share of the
-- text that was read.

create view models.content_score_features
with (security_invoker = true)
as
select
    p.id::text as key,
    p.topic,
    ln(greatest(m.words, 1)) as words_log,
    m.images,
    m.headings,
    m.links,
    m.title_characters,
    m.reading_ease,
    m.has_video::int as has_video,
    m.read_percent as label
from public.blog_post p
join public.content_measure m on m.post_id = p.id
where m.read_percent is not null;

comment on view models.content_score_features is
    'Features and label of the model content_score: the mean share of a post that its readers read, in percent.';

grant select on models.content_score_features to service_role;
