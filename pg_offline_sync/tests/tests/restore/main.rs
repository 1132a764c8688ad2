//! pg_dump and restore into a new cluster: everything works, and everybody notices that it is another history.

use std::process::Stdio;

use offline_sync_testkit::{Cluster, Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

/// Dumps a database in the custom format.
fn dump(db: &Db) -> Vec<u8> {
    let output = db
        .program("pg_dump")
        .args(["-Fc"])
        .output()
        .expect("pg_dump runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Restores a dump into a new database of a cluster. No error and no warning is allowed.
fn restore(cluster: &Cluster, name: &str, dump: &[u8]) {
    use std::io::Write;
    let roles = "create role owner login createrole; create role anon; create role authenticated;
        create role service_role bypassrls; create role authenticator login noinherit;
        grant anon, authenticated, service_role to authenticator";
    for statement in [
        roles.to_owned(),
        format!("create database {name} owner owner"),
    ] {
        let status = cluster
            .program("psql")
            .args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                "postgres",
                "-c",
                &statement,
            ])
            .status();
        assert!(status.expect("psql runs").success());
    }
    let mut command = cluster.program("pg_restore");
    let mut process = command
        .args(["--exit-on-error", "-d", name])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pg_restore runs");
    process
        .stdin
        .take()
        .expect("a pipe")
        .write_all(dump)
        .expect("pg_restore reads");
    let output = process.wait_with_output().expect("pg_restore ends");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn a_dump_restored_into_a_new_cluster_goes_on_as_a_new_epoch() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    fixtures::tasks(
        &db,
        json!({ "policy": { "columns": { "grade": "manual" } } }),
    )
    .await;
    let me = Uuid::new_v4();
    let team = fixtures::team(&db, &[me]).await;
    let mut device = Device::new(&db, me).await;
    let keys: Vec<_> = (0..20).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    for key in &keys {
        device.insert(
            "public.note",
            key.clone(),
            json!({ "user_id": me, "title": "before" }),
        );
    }
    device.sync().await;
    let task = fixtures::add_task(&db, team, "t").await;
    device.pull().await;
    device.update("public.task", json!({ "id": task }), json!({ "grade": 1 }));
    db.sql("update public.task set grade = 2").await;
    assert_eq!(device.push().await.status(21), "conflict");
    device.delete("public.note", keys[0].clone());
    device.sync().await;
    let version: i64 = db
        .one("select max(version) from offline_data.row_state", &[])
        .await;
    let epoch: String = db.one("select offline.epoch()", &[]).await;

    let other = Cluster::start();
    restore(&other, "restored", &dump(&db));
    let restored = Db::adopt(other, "restored").await;
    let problems: Vec<String> = restored
        .column("select object || ' ' || problem from offline.doctor()", &[])
        .await;
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        restored
            .one::<i64>("select count(*) from offline.bootstrap()", &[])
            .await,
        0,
        "nothing to heal"
    );
    assert_ne!(
        restored.one::<String>("select offline.epoch()", &[]).await,
        epoch
    );

    // The same device, now talking to the restored database with its old cursor.
    let old_cursor = device.cursor.clone();
    device.caller = restored.caller(me).await;
    let totals = device.pull().await;
    assert!(totals.reset, "the old cursor belongs to another history");
    assert_eq!(totals.upserts, 20, "19 notes and a task");
    device.assert_in_step("public.note").await;
    device.assert_in_step("public.task").await;
    assert_ne!(device.cursor, old_cursor);
    assert_eq!(
        device.pull().await,
        offline_sync_testkit::PullTotals {
            pages: 1,
            ..Default::default()
        },
        "and then nothing is new"
    );

    let fresh = Device::new(&restored, me).await;
    assert_eq!(fresh.rows("public.note").len(), 19);
    assert_eq!(
        fresh.caller.conflicts(&json!({})).await["conflicts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // Pushes and captures go on where they were, and are pulled incrementally.
    device.update("public.note", keys[1].clone(), json!({ "title": "after" }));
    assert_eq!(device.push().await.statuses(), ["applied"]);
    restored
        .sql("update public.note set title = 'by the owner' where n = 0 and title = 'before'")
        .await;
    let mut second = fresh;
    assert_eq!(second.pull().await.upserts, 19);
    second.assert_in_step("public.note").await;
    let totals = device.pull().await;
    assert_eq!((totals.upserts, totals.reset), (18, false));
    device.assert_in_step("public.note").await;
    assert!(restored.one::<i64>("select min(version) from offline_data.row_state where era = (select max(era) from offline_data.era)", &[]).await > version,
        "versions go on upwards");
    assert_eq!(second.pull().await.upserts, 0);
}

#[tokio::test]
async fn a_schema_only_dump_restores_without_error_and_bootstrap_completes_it() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let output = db
        .program("pg_dump")
        .args(["-Fc", "--schema-only"])
        .output()
        .expect("pg_dump runs");
    let other = Cluster::start();
    restore(&other, "restored", &output.stdout);
    let restored = Db::adopt(other, "restored").await;
    restored.sql("select * from offline.bootstrap()").await;
    assert_eq!(
        restored
            .one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0
    );
    restored
        .enable_sync("public.note", json!({ "scope": "user_id" }))
        .await;
    let mut device = Device::new(&restored, Uuid::new_v4()).await;
    device.insert(
        "public.note",
        json!({ "id": Uuid::new_v4() }),
        json!({ "user_id": device.caller.user() }),
    );
    device.sync().await;
    device.assert_in_step("public.note").await;
}
