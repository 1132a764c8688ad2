//! The extension owns functions, not data.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

use crate::objects;

#[tokio::test]
async fn create_extension_alone_makes_no_table_and_says_what_to_do() {
    let db = Db::create().await;
    let superuser = db.connect("postgres").await;
    superuser
        .batch_execute("drop extension pg_offline_sync cascade; drop schema offline_data cascade")
        .await
        .unwrap();
    superuser
        .batch_execute("create extension pg_offline_sync")
        .await
        .unwrap();
    let tables = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname like 'offline%' and c.relkind in ('r', 'S', 'i', 'm')";
    assert_eq!(db.one::<i64>(tables, &[]).await, 0);
    let caller = db.caller(Uuid::new_v4()).await;
    let error = caller
        .try_register(Uuid::new_v4(), &json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code, "42501", "nothing is granted before bootstrap");
    let error = db.try_enable_sync("pg_class", json!({})).await.unwrap_err();
    assert_eq!(error.code, "55000", "{error}");
    assert_eq!(
        db.one::<String>("select offline.tier()", &[]).await,
        "native"
    );
    assert!(
        !db.one::<String>("select offline.version()", &[])
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn dropping_the_extension_leaves_the_data_and_the_tables_usable() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let mut device = Device::new(&db, user).await;
    let key = json!({ "id": Uuid::new_v4() });
    device.insert(
        "public.note",
        key.clone(),
        json!({ "user_id": user, "title": "before" }),
    );
    device.sync().await;

    let superuser = db.connect("postgres").await;
    superuser
        .batch_execute("drop extension pg_offline_sync cascade")
        .await
        .unwrap();
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        1
    );
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.row_state", &[])
            .await,
        1
    );
    db.sql("update public.note set title = 'without the extension'")
        .await;

    superuser
        .batch_execute("create extension pg_offline_sync")
        .await
        .unwrap();
    assert!(!objects(&db, "offline.bootstrap()").await.is_empty());
    assert_eq!(objects(&db, "offline.doctor()").await, Vec::<String>::new());
    db.sql("update public.note set title = 'with it again'")
        .await;
    let totals = device.pull().await;
    assert_eq!(
        (totals.upserts, totals.reset),
        (1, false),
        "the old cursor goes on"
    );
    assert_eq!(
        device.view("public.note", &key).unwrap()["title"],
        "\"with it again\""
    );
}
