-- The only file that grants. Nothing is public; the owner of the database may run everything and pass it on (bootstrap()
-- grants to the roles of the API what storage_grants lists).

revoke all on all functions in schema offline, offline_private from public;
grant usage on schema offline, offline_private to pg_database_owner with grant option;
grant execute on all functions in schema offline, offline_private to pg_database_owner with grant option;

revoke all on offline.conflict_stats from public;
grant select on offline.conflict_stats to pg_database_owner with grant option;
