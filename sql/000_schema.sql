-- Three schemas: offline (public API, exposed to PostgREST), offline_private (helpers, never exposed; made by the
-- extension), offline_data (storage, made by offline.bootstrap() and owned by whoever runs it).

comment on schema offline is 'pg_offline_sync: the API that devices and owners call';
comment on schema offline_private is 'pg_offline_sync: helpers of the API; not exposed, not called by clients';

revoke all on schema offline, offline_private from public;
