-- One row a person and product that met: how strongly the person showed interest. A purchase counts as much as four looks.

create view models.recommendation_features
with (security_invoker = true)
as
select
    i.user_id || ' ' || i.product_id as key,
    i.user_id::text as user_id,
    i.product_id::text as item_id,
    sum(i.weight)::double precision as weight
from (
    select e.user_id, e.product_id, 1 as weight
    from public.analytics_event e
    where e.name = 'product_view' and e.product_id is not null and e.user_id is not null
    union all
    select p.user_id, p.product_id, 4
    from public.purchase p
    where p.refunded_at is null
) i
group by i.user_id, i.product_id;

comment on view models.recommendation_features is
    'Implicit feedback for the model recommendation: a row a person and product, and the strength of the interest.';

grant select on models.recommendation_features to service_role;
