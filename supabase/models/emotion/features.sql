-- One row a post with an emotion tag: its text.

create view models.emotion_features
with (security_invoker = true)
as
select
    p.id::text as key,
    concat_ws(' ', nullif(p.title, ''), p.body) as text,
    p.emotion as label
from public.blog_post p
where p.emotion is not null;

comment on view models.emotion_features is 'Text and label of the model emotion: what a text feels like.';

grant select on models.emotion_features to service_role;
