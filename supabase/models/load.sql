-- psql -f supabase/models/load.sql: the feature views, and the generators of sample data. With psql -v generators=off only the views.
-- The sample tables (supabase/migrations) must be there.

\if :{?generators}
\else
\set generators on
\endif
\ir schema.sql
\ir personalization/features.sql
\ir intent/features.sql
\ir content_score/features.sql
\ir recommendation/features.sql
\ir emotion/features.sql
\ir lead_score/features.sql
\ir stale_content/features.sql
\if :generators
\ir generate.sql
\ir personalization/generate.sql
\ir intent/generate.sql
\ir content_score/generate.sql
\ir recommendation/generate.sql
\ir emotion/generate.sql
\ir lead_score/generate.sql
\ir stale_content/generate.sql
\endif
