//! Has: an account, or none.
//! Wants: a function that somebody forgot to revoke.

use offline_sync_testkit::Db;

/// What a signed-in user may call by its public name. Everything else in schema offline is the owner's.
const API: &[&str] = &[
    // A word of SQL, so Postgres quotes it.
    "offline.\"similar\"(text,integer)",
    "offline.conflicts(jsonb)",
    "offline.epoch()",
    "offline.export_model(text,integer,text)",
    "offline.may_read_topic(text)",
    "offline.predict(text,jsonb)",
    "offline.predict_many(text,jsonb)",
    "offline.pull(uuid,jsonb)",
    "offline.push(uuid,text,text)",
    "offline.recommend(text,integer,jsonb)",
    "offline.register_device(uuid,jsonb)",
    "offline.resolve_conflict(uuid,text,jsonb)",
    "offline.resolve_conflicts(jsonb)",
    "offline.score(text,real[])",
    "offline.score_artifact(bytea,real[])",
    "offline.summarize(text,integer)",
    "offline.sync(uuid,text,text,jsonb)",
    "offline.tier()",
    "offline.version()",
];

/// Functions of the owner, in schema offline.
const OWNERS: &[&str] = &[
    "offline.bootstrap()",
    "offline.compare_models(text,integer[])",
    "offline.deploy_model(text,integer)",
    "offline.disable_sync(regclass)",
    "offline.doctor()",
    "offline.drop_model_version(text,integer)",
    "offline.enable_sync(regclass,jsonb)",
    "offline.import_model(jsonb)",
    "offline.list_models()",
    "offline.model_info(text,integer)",
    "offline.prune_history()",
    "offline.rollback_model(text)",
    "offline.train_conflict_model(jsonb)",
    "offline.train_model(text,jsonb)",
    "offline.update_model(text,jsonb)",
];

async fn executable(db: &Db, role: &str, schema: &str) -> Vec<String> {
    let query = "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = $2 and has_function_privilege($1, p.oid, 'execute') order by 1";
    db.column(query, &[&role, &schema]).await
}

#[tokio::test]
async fn each_role_may_execute_exactly_what_it_needs() {
    let db = Db::create().await;
    offline_sync_testkit::fixtures::notes(&db).await;
    for schema in ["offline", "offline_private", "offline_data"] {
        for role in ["anon", "public"] {
            assert_eq!(
                executable(&db, role, schema).await,
                Vec::<String>::new(),
                "{role} in {schema}"
            );
        }
    }
    assert_eq!(executable(&db, "authenticated", "offline").await, API);
    assert_eq!(executable(&db, "service_role", "offline").await, API);
    assert_eq!(
        executable(&db, "authenticated", "offline_data").await,
        Vec::<String>::new()
    );
    let mut everything: Vec<&str> = API.iter().chain(OWNERS).copied().collect();
    everything.sort_unstable();
    assert_eq!(executable(&db, "owner", "offline").await, everything);
}

#[tokio::test]
async fn definer_functions_that_a_user_may_call_are_these() {
    let db = Db::create().await;
    let query = "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('offline', 'offline_private') and p.prosecdef and has_function_privilege('authenticated', p.oid, 'execute') order by 1";
    let definers: Vec<String> = db.column(query, &[]).await;
    assert_eq!(
        definers,
        include_str!("definers.txt").lines().collect::<Vec<_>>(),
        "each of these checks its caller"
    );
}

#[tokio::test]
async fn a_user_has_no_privilege_on_the_storage_but_to_read_their_own_conflicts() {
    let db = Db::create().await;
    let query = "select format('%s %s', c.oid::regclass, p) from pg_class c
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
        where c.relnamespace = 'offline_data'::regnamespace and c.relkind = 'r' and has_table_privilege('authenticated', c.oid, p)";
    let privileges: Vec<String> = db.column(query, &[]).await;
    assert_eq!(privileges, ["offline_data.conflict_resolution_log select"]);
    let schemas = "select nspname::text from pg_namespace where nspname like 'offline%' and has_schema_privilege('authenticated', oid, 'create')";
    assert_eq!(
        db.column::<String>(schemas, &[]).await,
        Vec::<String>::new()
    );
}
