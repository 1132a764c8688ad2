//! Foreign keys, cascades, generated columns, triggers between tables.

use offline_sync_testkit::Db;
use serde_json::json;
use uuid::Uuid;

use crate::{exchange, share, two_devices};

#[tokio::test]
async fn deleting_a_parent_is_pulled_as_deletions_of_its_children() {
    let db = Db::create().await;
    db.sql("create table public.folder (id uuid primary key, name text);
        create table public.file (id uuid primary key, folder_id uuid references public.folder on delete cascade);
        create table public.tag (id uuid primary key, file_id uuid references public.file on delete set null)").await;
    for table in ["public.folder", "public.file", "public.tag"] {
        share(&db, table).await;
    }
    let (mut one, mut two) = two_devices(&db).await;
    let folder = Uuid::new_v4();
    let files: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
    // Children first: the order in which a person would never do it, and a merge of two batches may.
    for file in &files {
        one.insert(
            "public.tag",
            json!({ "id": Uuid::new_v4() }),
            json!({ "file_id": file }),
        );
        one.insert(
            "public.file",
            json!({ "id": file }),
            json!({ "folder_id": folder }),
        );
    }
    one.insert(
        "public.folder",
        json!({ "id": folder }),
        json!({ "name": "f" }),
    );
    let answer = one.push().await;
    assert_eq!(answer.count("applied"), 7, "{answer:?}");
    two.pull().await;
    two.delete("public.folder", json!({ "id": folder }));
    two.push().await;
    let (back, there) = (two.pull().await, one.pull().await);
    assert_eq!(
        (back.deletes, back.upserts),
        (3, 3),
        "its own deletion it knows; the cascade it does not"
    );
    assert_eq!((there.deletes, there.upserts), (4, 3));
    for table in ["public.folder", "public.file", "public.tag"] {
        one.assert_in_step(table).await;
        two.assert_in_step(table).await;
    }
}

#[tokio::test]
async fn rows_that_refer_to_rows_of_the_same_batch_are_inserted_in_either_order() {
    let db = Db::create().await;
    db.sql("create table public.node (id int primary key, parent_id int references public.node, name text)").await;
    share(&db, "public.node").await;
    let (mut one, mut two) = two_devices(&db).await;
    let table = "public.node";
    one.insert(table, json!({ "id": 3 }), json!({ "parent_id": 2 }));
    one.insert(table, json!({ "id": 2 }), json!({ "parent_id": 1 }));
    one.insert(table, json!({ "id": 1 }), json!({}));
    one.insert(table, json!({ "id": 10 }), json!({ "parent_id": null }));
    one.insert(
        table,
        json!({ "id": 11 }),
        json!({ "parent_id": 10, "name": "child" }),
    );
    one.insert(
        table,
        json!({ "id": 20 }),
        json!({ "parent_id": 20, "name": "own parent" }),
    );
    exchange(&mut one, &mut two, table).await;
    assert_eq!(two.rows(table).len(), 6);
    // Leaves last: the parents cannot go before them.
    for id in [1, 2, 3] {
        two.delete(table, json!({ "id": id }));
    }
    exchange(&mut two, &mut one, table).await;
    assert_eq!(one.rows(table).len(), 3);
}

#[tokio::test]
async fn generated_columns_come_from_the_server_and_cannot_be_written() {
    let db = Db::create().await;
    db.sql("create table public.box (id int primary key, w int, h int, area int generated always as (w * h) stored)").await;
    share(&db, "public.box").await;
    let (mut one, mut two) = two_devices(&db).await;
    one.insert("public.box", json!({ "id": 1 }), json!({ "w": 2, "h": 3 }));
    exchange(&mut one, &mut two, "public.box").await;
    assert_eq!(
        two.view("public.box", &json!({ "id": 1 })).unwrap()["area"],
        "6"
    );
    two.update(
        "public.box",
        json!({ "id": 1 }),
        json!({ "w": 5, "area": 99 }),
    );
    exchange(&mut two, &mut one, "public.box").await;
    assert_eq!(
        one.view("public.box", &json!({ "id": 1 })).unwrap()["area"],
        "15"
    );
}

#[tokio::test]
async fn a_trigger_that_writes_another_synced_table_is_captured() {
    let db = Db::create().await;
    db.sql("create table public.post (id uuid primary key, body text);
        create table public.total (id text primary key, posts int8 not null);
        insert into public.total values ('all', 0);
        create function public.count_post() returns trigger language plpgsql security definer set search_path = public as
            $$ begin update public.total set posts = posts + 1 where id = 'all'; return new; end $$;
        create trigger count_post before insert on public.post for each row execute function public.count_post()").await;
    share(&db, "public.post").await;
    share(&db, "public.total").await;
    let (mut one, mut two) = two_devices(&db).await;
    for _ in 0..4 {
        one.insert(
            "public.post",
            json!({ "id": Uuid::new_v4() }),
            json!({ "body": "b" }),
        );
    }
    exchange(&mut one, &mut two, "public.post").await;
    one.assert_in_step("public.total").await;
    two.assert_in_step("public.total").await;
    assert_eq!(
        two.view("public.total", &json!({ "id": "all" })).unwrap()["posts"],
        "\"4\""
    );
}
