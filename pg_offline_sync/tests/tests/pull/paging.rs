//! Pages: small ones, and changes between them.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn pages_of_one_row_bring_every_row_once() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    db.rows(
        "insert into public.note (user_id, n) select $1, g from generate_series(1, 25) g",
        &[&caller.user()],
    )
    .await;
    let pages = caller.pull_all(device, None, &json!({ "limit": 1 })).await;
    assert!(pages.iter().all(|page| page.len() <= 1));
    let mut numbers: Vec<i64> = pages
        .iter()
        .flat_map(|page| page.upserted("n"))
        .map(|n| n.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=25).collect::<Vec<i64>>());
    let last = &pages.last().unwrap().cursor;
    assert!(
        caller
            .pull(device, &json!({ "cursor": last }))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_page_stays_within_max_bytes_unless_one_row_is_larger() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("alter table public.note drop constraint note_title_check")
        .await;
    let (caller, device) = user(&db).await;
    let insert = "insert into public.note (user_id, title) select $1, repeat('x', $2) from generate_series(1, $3)";
    db.rows(insert, &[&caller.user(), &1_000_i32, &20_i32])
        .await;
    db.rows(insert, &[&caller.user(), &20_000_i32, &2_i32])
        .await;
    let pages = caller
        .pull_all(device, None, &json!({ "max_bytes": 5_000 }))
        .await;
    assert_eq!(pages.iter().map(|page| page.len()).sum::<usize>(), 22);
    assert!(pages.len() >= 7, "{} pages", pages.len());
    for page in &pages {
        let bytes: usize = page
            .changes
            .iter()
            .flat_map(|set| &set.upserts)
            .map(|upsert| upsert.row.get().len())
            .sum();
        assert!(
            bytes <= 5_000 || page.len() == 1,
            "{} rows of {bytes} bytes",
            page.len()
        );
    }
}

#[tokio::test]
async fn rows_that_change_between_pages_are_delivered_again_and_none_is_missed() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut device = Device::new(&db, me).await;
    device.page_limit = 3;
    db.rows(
        "insert into public.note (user_id, n) select $1, g from generate_series(1, 30) g",
        &[&me],
    )
    .await;
    let mut request = json!({ "cursor": device.cursor, "limit": 3 });
    let mut numbers = std::collections::BTreeMap::new();
    let mut page = 0;
    loop {
        let answer = device.caller.pull(device.id, &request).await;
        for upsert in answer.changes.iter().flat_map(|set| &set.upserts) {
            let row = upsert.json();
            numbers.insert(
                row["id"].as_str().unwrap().to_owned(),
                row["n"].as_str().unwrap().to_owned(),
            );
        }
        for gone in answer
            .changes
            .iter()
            .flat_map(|set| set.deletes.iter().chain(&set.evicts))
        {
            numbers.remove(gone.key["id"].as_str().unwrap());
        }
        request["cursor"] = json!(answer.cursor);
        if !answer.has_more {
            break;
        }
        // One row already sent, one still to come, one deleted, one new: at each page.
        page += 1;
        db.sql(&format!(
            "update public.note set n = 1000 + {page} where n in ({page}, 31 - {page});
            delete from public.note where n = 15 + {page}"
        ))
        .await;
        db.rows(
            "insert into public.note (user_id, n) values ($1, 5000)",
            &[&me],
        )
        .await;
    }
    let last = device
        .caller
        .pull_all(device.id, request["cursor"].as_str(), &json!({}))
        .await;
    for answer in &last {
        for upsert in answer.changes.iter().flat_map(|set| &set.upserts) {
            let row = upsert.json();
            numbers.insert(
                row["id"].as_str().unwrap().to_owned(),
                row["n"].as_str().unwrap().to_owned(),
            );
        }
        for gone in answer
            .changes
            .iter()
            .flat_map(|set| set.deletes.iter().chain(&set.evicts))
        {
            numbers.remove(gone.key["id"].as_str().unwrap());
        }
    }
    let expected: Vec<(String, String)> = db
        .rows("select id::text, n::text from public.note order by 1", &[])
        .await
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), expected);
    assert!(page >= 5);
}

#[tokio::test]
async fn a_pull_of_several_pages_can_be_taken_up_after_a_break_from_its_last_page() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    db.rows(
        "insert into public.note (user_id) select $1 from generate_series(1, 10)",
        &[&caller.user()],
    )
    .await;
    let first = caller.pull(device, &json!({ "limit": 4 })).await;
    assert!(first.has_more);
    let request = json!({ "cursor": first.cursor, "limit": 4 });
    let (once, again) = (
        caller.pull(device, &request).await,
        caller.pull(device, &request).await,
    );
    assert_eq!(
        once.upserted("id"),
        again.upserted("id"),
        "a page whose answer was lost is the same again"
    );
    let rest = caller
        .pull_all(device, Some(&first.cursor), &json!({}))
        .await;
    assert_eq!(rest.iter().map(|page| page.len()).sum::<usize>(), 6);
}

#[tokio::test]
async fn one_transaction_of_many_rows_is_split_over_pages() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    db.rows(
        "insert into public.note (user_id) select $1 from generate_series(1, 1234)",
        &[&me],
    )
    .await;
    let mut device = Device::new(&db, me).await;
    assert_eq!(device.rows("public.note").len(), 1234);
    device.page_limit = 100;
    db.sql("update public.note set n = 1").await;
    let totals = device.pull().await;
    assert_eq!((totals.upserts, totals.pages), (1234, 13));
}
