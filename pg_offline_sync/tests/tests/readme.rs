//! What the README tells people to run, runs.

use std::path::Path;

use offline_sync_testkit::{Db, Device, visible_rows};
use serde_json::json;
use uuid::Uuid;

/// The fenced blocks of a language, in order.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}");
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if line.trim() == fence {
            let block: Vec<&str> = lines
                .by_ref()
                .take_while(|line| line.trim() != "```")
                .collect();
            found.push(block.join("\n"));
        }
    }
    found
}

#[tokio::test]
async fn the_sql_of_the_readme_makes_a_table_that_syncs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks = blocks(&readme, "sql");
    assert!(blocks.len() >= 2, "installing, and enabling a table");

    let db = Db::without_storage().await;
    let admin = db.connect("postgres").await;
    admin
        .batch_execute("drop extension pg_offline_sync cascade")
        .await
        .unwrap();
    for block in &blocks {
        admin
            .batch_execute(block)
            .await
            .unwrap_or_else(|error| panic!("{block}\n{error}"));
    }
    let problems = admin
        .query("select * from offline.doctor()", &[])
        .await
        .unwrap();
    assert!(problems.is_empty());

    let user = Uuid::new_v4();
    let mut phone = Device::new(&db, user).await;
    let mut laptop = Device::new(&db, user).await;
    let key = json!({ "id": Uuid::new_v4() });
    phone.insert(
        "public.draft",
        key,
        json!({ "user_id": user, "title": "On the train" }),
    );
    assert_eq!(phone.push().await.count("applied"), 1);
    laptop.pull().await;
    let visible = visible_rows(&laptop.caller, "public.draft", &["id"], &[], "true").await;
    assert_eq!(visible.len(), 1);
    assert_eq!(laptop.rows("public.draft"), visible);
}

#[tokio::test]
async fn the_sql_of_the_page_about_models_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/models.md")).unwrap();
    let blocks = blocks(&page, "sql");
    assert!(blocks.len() >= 2, "training, and conflicts");
    let db = Db::create().await;
    db.sql(&blocks[0]).await;
    let serving: serde_json::Value = db
        .one("select offline.model_info('subscribe') -> 'version'", &[])
        .await;
    assert_eq!(serving, 1);
    // Nobody has resolved anything yet: there is nothing to learn from.
    let conflicts: Vec<&str> = blocks[1].split_inclusive(';').collect();
    let error = db.try_sql(conflicts[0]).await.unwrap_err();
    assert_eq!(error.code, "22023");
    db.sql(
        "create table public.page (id uuid primary key, user_id uuid not null, title text);
         alter table public.page enable row level security",
    )
    .await;
    db.sql(conflicts[1]).await;
}
