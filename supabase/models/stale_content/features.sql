-- One row a review: how the post stood when the editor looked at it, and what the editor found.

create view models.stale_content_features
with (security_invoker = true)
as
select
    r.id::text as key,
    p.topic,
    age.days as age_days,
    case p.topic when 'news' then age.days else 0 end as news_age_days,
    case p.topic when 'howto' then age.days else 0 end as howto_age_days,
    case p.topic when 'reference' then age.days else 0 end as reference_age_days,
    case p.topic when 'opinion' then age.days else 0 end as opinion_age_days,
    m.version_mentions,
    m.version_mentions * least(age.days / 365, 2) as version_years,
    m.links,
    m.broken_links,
    ln((m.views_30_days + 10.0) / (m.views_30_days_before + 10.0))::double precision as views_trend,
    r.verdict as label
from public.content_review r
join public.blog_post p on p.id = r.post_id
join public.content_measure m on m.post_id = r.post_id
cross join lateral (
    select greatest(extract(epoch from r.reviewed_at - p.edited_at) / 86400, 0)::double precision as days
) age;

comment on view models.stale_content_features is
    'Features and label of the model stale_content: whether an editor would call a post outdated.';

grant select on models.stale_content_features to service_role;
