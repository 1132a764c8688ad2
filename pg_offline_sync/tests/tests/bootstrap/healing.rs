//! What was dropped comes back, and nothing else is touched.

use std::collections::BTreeSet;

use offline_sync_testkit::{Db, fixtures};

use crate::objects;

/// Everything that the storage consists of, by name and definition.
const CATALOG: &str = "
    select coalesce(string_agg(line, E'\n' order by line), '') from (
        select format('column %s.%s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        where c.relnamespace = to_regnamespace('offline_data') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
        union all
        select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        from pg_constraint where connamespace = to_regnamespace('offline_data')
        union all
        select pg_get_indexdef(indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = to_regnamespace('offline_data')
        union all
        select format('policy %s %s %s', polrelid::regclass, polname, pg_get_expr(polqual, polrelid)) from pg_policy
        union all
        select format('rls %s %s', oid::regclass, relrowsecurity) from pg_class
        where relnamespace = to_regnamespace('offline_data') and relkind = 'r'
        union all
        select format('trigger %s %s %s', tgrelid::regclass, tgname, tgenabled) from pg_trigger where not tgisinternal
        union all
        select format('function %s %s', oid::regprocedure, md5(prosrc)) from pg_proc
        where pronamespace = to_regnamespace('offline_data')
        union all
        select format('grant on %s: %s', c.oid::regclass, a::text)
        from pg_class c cross join aclexplode(c.relacl) a where c.relnamespace = to_regnamespace('offline_data')
        union all
        select format('grant on %s: %s', p.oid::regprocedure, a::text)
        from pg_proc p cross join aclexplode(p.proacl) a
        where p.pronamespace in (to_regnamespace('offline'), to_regnamespace('offline_private'))) l (line)";

/// Damage, and what doctor() has to report about it.
const DAMAGES: &[(&str, &str)] = &[
    (
        "drop table offline_data.sync_queue",
        "table offline_data.sync_queue",
    ),
    (
        "drop table offline_data.row_departure",
        "table offline_data.row_departure",
    ),
    (
        "alter table offline_data.row_history drop claimed_hlc",
        "column offline_data.row_history.claimed_hlc",
    ),
    (
        "alter table offline_data.device_sync_state drop secret",
        "column offline_data.device_sync_state.secret",
    ),
    (
        "drop index offline_data.row_state_feed",
        "index offline_data.row_state_feed",
    ),
    (
        "drop index offline_data.row_state_feed;
         create index row_state_feed on offline_data.row_state (table_id)",
        "index offline_data.row_state_feed",
    ),
    (
        "alter table offline_data.row_state drop constraint row_state_pkey",
        "constraint offline_data.row_state.row_state_pkey",
    ),
    (
        "alter table offline_data.sync_queue drop constraint sync_queue_status_check",
        "constraint offline_data.sync_queue.sync_queue_status_check",
    ),
    (
        "drop policy own_conflicts on offline_data.conflict_resolution_log",
        "policy offline_data.conflict_resolution_log.own_conflicts",
    ),
    (
        "alter policy own_conflicts on offline_data.conflict_resolution_log using (true)",
        "policy offline_data.conflict_resolution_log.own_conflicts",
    ),
    (
        "drop trigger record_departure on offline_data.row_state",
        "trigger offline_data.row_state.record_departure",
    ),
    (
        "alter table offline_data.row_state disable trigger record_departure",
        "trigger offline_data.row_state.record_departure",
    ),
    (
        "drop trigger offline_capture_update on public.note",
        "trigger public.note.offline_capture_update",
    ),
    (
        "alter table public.note disable trigger offline_capture_delete",
        "trigger public.note.offline_capture_delete",
    ),
    (
        "drop function offline_data.capture_1() cascade",
        "function offline_data.capture_1()",
    ),
    (
        "create or replace function offline_data.capture_1() returns trigger language plpgsql as 'begin return null; end'",
        "function offline_data.capture_1()",
    ),
    (
        "alter table offline_data.row_state disable row level security",
        "rls offline_data.row_state",
    ),
    (
        "revoke select on offline_data.conflict_resolution_log from authenticated",
        "grant offline_data.conflict_resolution_log to authenticated",
    ),
    (
        "revoke execute on function offline.push(uuid, text, text) from authenticated",
        "grant functions to authenticated",
    ),
    (
        "revoke usage on schema offline from authenticated",
        "grant offline to authenticated",
    ),
];

/// Lines that only one of the two texts has.
fn difference<'a>(before: &'a str, after: &'a str) -> Vec<&'a str> {
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) =
        (before.lines().collect(), after.lines().collect());
    before.symmetric_difference(&after).copied().collect()
}

#[tokio::test]
async fn whatever_is_dropped_is_reported_by_doctor_and_healed_by_bootstrap() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("insert into public.note (user_id, title) select gen_random_uuid(), 'n' || g from generate_series(1, 5) g")
        .await;
    for (damage, report) in DAMAGES {
        let before: String = db.one(CATALOG, &[]).await;
        db.sql(damage).await;
        let reported = objects(&db, "offline.doctor()").await;
        assert!(
            reported.contains(&(*report).to_owned()),
            "{damage}: {reported:?}"
        );
        let healed = objects(&db, "offline.bootstrap()").await;
        assert!(
            reported.iter().all(|object| healed.contains(object)),
            "{damage}: {healed:?}"
        );
        assert_eq!(
            objects(&db, "offline.doctor()").await,
            Vec::<String>::new(),
            "{damage}"
        );
        let after: String = db.one(CATALOG, &[]).await;
        assert_eq!(difference(&before, &after), Vec::<&str>::new(), "{damage}");
    }
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.row_state", &[])
            .await,
        5
    );
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        5
    );
}

#[tokio::test]
async fn a_second_bootstrap_changes_nothing() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let before: String = db.one(CATALOG, &[]).await;
    assert_eq!(
        objects(&db, "offline.bootstrap()").await,
        Vec::<String>::new()
    );
    let after: String = db.one(CATALOG, &[]).await;
    assert_eq!(difference(&before, &after), Vec::<&str>::new());
    assert_eq!(objects(&db, "offline.doctor()").await, Vec::<String>::new());
}

#[tokio::test]
async fn two_bootstraps_at_once_make_everything_once() {
    let db = Db::without_storage().await;
    let (one, two) = (db.connect("owner").await, db.connect("owner").await);
    let query = "select count(*) from offline.bootstrap()";
    let (one, two) = tokio::join!(one.query_one(query, &[]), two.query_one(query, &[]));
    let mut made = [one.unwrap().get::<_, i64>(0), two.unwrap().get::<_, i64>(0)];
    made.sort_unstable();
    assert_eq!(made[0], 0, "one of them finds nothing to do");
    assert!(made[1] > 100, "the other makes it all");
    assert_eq!(objects(&db, "offline.doctor()").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_synced_table_that_was_dropped_is_forgotten() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("drop table public.note").await;
    assert_eq!(
        db.one::<i64>(
            "select count(*) from offline.doctor() where kind = 'synced table'",
            &[]
        )
        .await,
        1
    );
    assert_eq!(objects(&db, "offline.bootstrap()").await.len(), 1);
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.synced_table", &[])
            .await,
        0
    );
    assert_eq!(objects(&db, "offline.doctor()").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_only_the_owner_can_repair_is_reported_with_a_remedy_that_works() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let remedy = "select remedy from offline.doctor()";
    db.sql("alter table public.note disable row level security")
        .await;
    assert_eq!(
        objects(&db, "offline.bootstrap()").await,
        Vec::<String>::new(),
        "not its to decide"
    );
    db.sql(&db.one::<String>(remedy, &[]).await).await;
    assert_eq!(objects(&db, "offline.doctor()").await, Vec::<String>::new());

    db.sql("alter table public.note drop constraint note_pkey; alter table public.note add primary key (id, user_id)").await;
    assert_eq!(
        objects(&db, "offline.doctor()").await,
        ["synced table public.note"]
    );
    db.sql(&db.one::<String>(remedy, &[]).await).await;
    assert_eq!(objects(&db, "offline.doctor()").await, Vec::<String>::new());
}
