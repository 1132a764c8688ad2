-- One row a visit: what happened until the event that shows what the visitor was about to do, and which that was.

create view models.intent_features
with (security_invoker = true)
as
with outcome as (
    select distinct on (e.session_id)
        e.session_id,
        e.occurred_at,
        case e.name
            when 'order_placed' then 'buy'
            when 'comparison_opened' then 'compare'
            when 'article_finished' then 'read'
            when 'support_opened' then 'support'
            else 'leave'
        end as label
    from public.analytics_event e
    where e.name in ('order_placed', 'comparison_opened', 'article_finished', 'support_opened', 'left')
    order by e.session_id, e.occurred_at
)
select
    s.id::text as key,
    s.device,
    s.channel,
    s.visits_before,
    count(*) filter (where e.name = 'page_view') as page_views,
    count(*) filter (where e.name = 'product_view') as product_views,
    count(*) filter (where e.name = 'search') as searches,
    count(*) filter (where e.name = 'cart_add') as cart_adds,
    count(*) filter (where e.name = 'help_view') as help_views,
    count(*) as events,
    avg((e.meta ->> 'scroll_percent')::double precision) as scroll_percent,
    extract(epoch from max(e.occurred_at) - s.started_at)::double precision as seconds,
    o.label
from outcome o
join public.visit_session s on s.id = o.session_id
join public.analytics_event e on e.session_id = o.session_id and e.occurred_at < o.occurred_at
group by s.id, o.label;

comment on view models.intent_features is 'Features and label of the model intent: what a visitor is about to do.';

grant select on models.intent_features to service_role;
