-- What the models read: one view a model, over the sample tables. Views run as who asks them, so row level security holds.

create schema models;
comment on schema models is 'Feature queries of the models in supabase/models: stable names and columns.';
grant usage on schema models to service_role;
