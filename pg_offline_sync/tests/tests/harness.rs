//! The harness itself: a device that follows the protocol ends up with the user's visible rows.

use offline_sync_testkit::{Db, Device, visible_rows};
use serde_json::json;
use uuid::Uuid;

const NOTES: &str = "
    create table public.note (id uuid primary key, user_id uuid not null, title text, n int8 default 7);
    alter table public.note enable row level security;
    create policy own on public.note to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());";

#[tokio::test]
async fn a_device_that_pushed_and_one_that_pulled_hold_the_visible_rows() {
    let db = Db::create().await;
    db.sql(NOTES).await;
    db.enable_sync("public.note", json!({ "scope": "user_id" }))
        .await;
    let user = Uuid::new_v4();
    let mut writer = Device::new(&db, user).await;
    let mut reader = Device::new(&db, user).await;
    for n in 0..20 {
        let key = json!({ "id": Uuid::new_v4() });
        let title = format!("note {n}");
        writer.insert(
            "public.note",
            key.clone(),
            json!({ "user_id": user, "title": title }),
        );
        writer.update("public.note", key, json!({ "n": "9007199254740993" }));
    }
    assert_eq!(writer.push().await.count("applied"), 40);
    assert_eq!(
        writer.pull().await.upserts,
        0,
        "what it pushed need not come back"
    );
    reader.pull().await;
    let visible = visible_rows(&writer.caller, "public.note", &["id"], &[], "true").await;
    assert_eq!(visible.len(), 20);
    assert_eq!(writer.rows("public.note"), visible);
    assert_eq!(reader.rows("public.note"), visible);
}
