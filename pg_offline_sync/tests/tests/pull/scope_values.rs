//! What a scope may be: null, an expression, any text.

use offline_sync_testkit::{Db, Device};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn rows_without_a_scope_reach_nobody() {
    let db = Db::create().await;
    db.sql(
        "create table public.loose (id int primary key, team text);
        alter table public.loose enable row level security;
        create policy everyone on public.loose to authenticated using (true) with check (true)",
    )
    .await;
    db.enable_sync(
        "public.loose",
        json!({ "scope": "team", "members": "select 'x'" }),
    )
    .await;
    let mut device = Device::new(&db, Uuid::new_v4()).await;
    db.sql("insert into public.loose values (1, null), (2, 'x')")
        .await;
    assert_eq!(device.pull().await.upserts, 1);
    db.sql("update public.loose set team = null where id = 2")
        .await;
    assert_eq!(device.pull().await.evicts, 1);
    db.sql("update public.loose set team = 'x'").await;
    assert_eq!(device.pull().await.upserts, 2);
    device.assert_in_step("public.loose").await;
}

#[tokio::test]
async fn scopes_may_be_expressions_and_values_with_any_letters() {
    let db = Db::create().await;
    db.sql(
        "create table public.page (id int primary key, kind text, lang text);
        alter table public.page enable row level security;
        create policy everyone on public.page to authenticated using (true)",
    )
    .await;
    db.enable_sync("public.page", json!({ "scope": "kind || ' / ' || coalesce(lang, 'ä\"''')",
        "members": "select $q$k' / ä\"'$q$ union all select 'x / de' union all select null union all select 'x / de'" })).await;
    let mut device = Device::new(&db, Uuid::new_v4()).await;
    db.sql("insert into public.page values (1, 'k''', null), (2, 'x', 'de'), (3, 'x', 'fr')")
        .await;
    assert_eq!(device.pull().await.upserts, 2);
    let scopes: Vec<String> = [1, 2]
        .iter()
        .map(|id| {
            device
                .row("public.page", &json!({ "id": id }))
                .unwrap()
                .scope
                .clone()
        })
        .collect();
    assert_eq!(scopes, ["k' / ä\"'", "x / de"]);
}
