//! Recommendations: two groups of users with two groups of items.

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use uuid::Uuid;

/// Users with an even number like items with an even number, most of them; user 0 is `me`.
async fn shop(me: Uuid) -> Db {
    let db = Db::create().await;
    db.sql(&format!(
        "create table public.liked (user_id text, item_id text, weight real);
         insert into public.liked
         select case when u = 0 then '{me}' else 'u' || u end, 'i' || i, 1 + hashint4(u * 100 + i) % 3
         from generate_series(0, 59) u cross join generate_series(0, 39) i
         where u % 2 = i % 2 and abs(hashint4(u * 1000 + i)) % 3 > 0"
    ))
    .await;
    let spec = json!({ "algorithm": "als", "table": "public.liked", "user": "user_id", "item": "item_id", "weight": "weight" });
    db.one::<Value>("select offline.train_model('recommendation', $1)", &[&spec])
        .await;
    db
}

fn even(items: &Value) -> Vec<bool> {
    let items = items["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap()[1..].parse::<u32>().unwrap() % 2 == 0)
        .collect()
}

#[tokio::test]
async fn a_user_is_recommended_what_users_like_them_took() {
    let me = Uuid::new_v4();
    let db = shop(me).await;
    let caller = db.caller(me).await;
    let ask = async |context: Value| -> Value {
        caller
            .client()
            .query_one("select offline.recommend(null, 10, $1)", &[&context])
            .await
            .unwrap()
            .get(0)
    };
    let answer = ask(json!({})).await;
    assert_eq!(
        (&answer["from"], even(&answer)),
        (&json!("user"), vec![true; 10])
    );
    let first = answer["items"][0]["id"].clone();
    let answer = ask(json!({ "exclude": [first] })).await;
    assert!(
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["id"] != first)
    );
}

#[tokio::test]
async fn somebody_new_is_known_by_what_they_touched() {
    let db = shop(Uuid::new_v4()).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let answer: Value = caller
        .client()
        .query_one(
            "select offline.recommend(null, 5, '{\"items\": [\"i1\", \"i3\"]}')",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        (&answer["from"], even(&answer)),
        (&json!("items"), vec![false; 5])
    );
    let answer: Value = caller
        .client()
        .query_one("select offline.recommend(null, 5)", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        (&answer["from"], &answer["items"]),
        (&json!("nothing"), &json!([]))
    );
}

#[tokio::test]
async fn similar_items_are_those_of_the_same_group() {
    let db = shop(Uuid::new_v4()).await;
    let answer: Value = db.one("select offline.similar('i4', 5)", &[]).await;
    assert_eq!(even(&answer), vec![true; 5]);
    assert_eq!(
        db.one::<Value>("select offline.similar('nothing', 5) -> 'items'", &[])
            .await,
        json!([])
    );
    assert_eq!(
        db.try_sql("select offline.similar('i4', 0)")
            .await
            .unwrap_err()
            .code,
        "22023"
    );
}

#[tokio::test]
async fn a_caller_learns_nothing_of_another_user() {
    let me = Uuid::new_v4();
    let db = shop(me).await;
    let stranger = db.caller(Uuid::new_v4()).await;
    let ask = format!("select offline.recommend('{me}', 5)");
    assert_eq!(stranger.try_sql(&ask).await.unwrap_err().code, "42501");
    db.sql(&ask).await;
    assert_eq!(
        stranger
            .try_sql("select * from offline_data.model_vector")
            .await
            .unwrap_err()
            .code,
        "42501"
    );
}

#[tokio::test]
async fn a_device_gets_the_items_and_its_own_users_vector() {
    let me = Uuid::new_v4();
    let db = shop(me).await;
    for (user, has_vector) in [(me, true), (Uuid::new_v4(), false)] {
        let caller = db.caller(user).await;
        let device = caller.new_device().await;
        let answer: Value = serde_json::from_str(
            &caller
                .pull_text(device, &json!({ "models": {} }))
                .await
                .unwrap(),
        )
        .unwrap();
        let model = &answer["models"][0];
        assert_eq!(model["user"]["vector"].is_array(), has_vector);
        assert!(
            !model["export"].to_string().contains("u7\""),
            "no other user's name"
        );
    }
}

/// pgvector, and an index for models of at least so many items.
async fn with_index(db: &Db, items_min: u32) {
    db.connect("postgres")
        .await
        .batch_execute(&format!(
            "create extension if not exists vector;
             do $$ begin execute format('alter database %I set offline_sync.index_items_min = {items_min}', current_database()); end $$"
        ))
        .await
        .unwrap();
}

async fn indexes(db: &Db) -> i64 {
    db.one("select count(*) from pg_indexes where schemaname = 'offline_data' and indexdef like '%USING hnsw%'", &[])
        .await
}

fn ids(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn with_pgvector_the_same_items_are_found_by_index() {
    let me = Uuid::new_v4();
    let db = shop(me).await;
    let ask = "select offline.recommend($1::text, 10, '{\"exclude\": [\"i4\"]}')";
    let exact: Value = db.one(ask, &[&me.to_string()]).await;
    with_index(&db, 100).await;
    let owner = db.connect("owner").await;
    let train = async || {
        let spec = json!({ "algorithm": "als", "table": "public.liked", "user": "user_id", "item": "item_id", "weight": "weight", "deploy": "always" });
        let owner = db.connect("owner").await;
        owner
            .query_one("select offline.train_model('recommendation', $1)", &[&spec])
            .await
            .unwrap();
    };
    train().await;
    assert_eq!(indexes(&db).await, 0, "few items are searched exactly");
    with_index(&db, 40).await;
    train().await;
    assert_eq!(indexes(&db).await, 1);
    let by_index: i64 = db
        .one("select count(*) from offline_private.indexed_items('recommendation', 3, offline_private.stored_vector('recommendation', 3, $1), 10, '{}')", &[&me.to_string()])
        .await;
    assert_eq!(by_index, 10);
    owner
        .batch_execute(
            "set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off",
        )
        .await
        .unwrap();
    let found: Value = owner
        .query_one(ask, &[&me.to_string()])
        .await
        .unwrap()
        .get(0);
    assert_eq!(found["version"], 3);
    // To the bit.
    assert_eq!(found["items"], exact["items"]);
    let caller = db.caller(me).await;
    let theirs: Value = caller
        .client()
        .query_one(
            "select offline.recommend(null, 10, '{\"exclude\": [\"i4\"]}')",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(theirs["items"], exact["items"]);
    assert_eq!(
        db.one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0,
        "the index is nobody's fault"
    );
    db.sql("select offline.rollback_model('recommendation'); select offline.drop_model_version('recommendation', 3)").await;
    assert_eq!(indexes(&db).await, 0);
}

/// 289 items of which a few are met by nearly everyone: their vectors are long, and hubs of a graph by inner products.
async fn bazaar() -> Db {
    let db = Db::create().await;
    with_index(&db, 100).await;
    let owner = db.connect("owner").await;
    owner
        .batch_execute(
            "create table public.met as
             select distinct 'u' || u as u, 'i' || case when k <= 5 then k
                 when k <= 12 then 9 + (u % 14) * 20 + abs(hashint4(u * 100 + k)) % 20
                 else abs(hashint4(u * 77 + k)) % 289 end as i
             from generate_series(1, 600) u, generate_series(1, 20) k;
             select offline.train_model('recommendation', '{\"algorithm\": \"als\", \"table\": \"public.met\", \"user\": \"u\", \"item\": \"i\", \"params\": {\"factors\": 24}}')",
        )
        .await
        .unwrap();
    assert_eq!(indexes(&db).await, 1);
    db
}

#[tokio::test]
async fn answers_by_index_are_complete() {
    let db = bazaar().await;
    db.sql("set enable_seqscan = off; set enable_sort = off")
        .await;
    let items: i64 = db
        .one(
            "select (offline.model_info('recommendation') -> 'report' -> 'vectors')::bigint",
            &[],
        )
        .await;
    for (user, count, excluded) in [
        ("u1", 10, 0),
        ("u2", 10, 5),
        ("u3", 200, 0),
        ("u4", 150, 100),
        ("u5", 1000, 0),
        ("u6", 5, 290),
    ] {
        let exclude: Vec<String> = (0..excluded).map(|item| format!("i{item}")).collect();
        let context = json!({ "exclude": exclude });
        let found: Value = db
            .one(
                "select offline.recommend($1, $2, $3)",
                &[&user, &count, &context],
            )
            .await;
        let exact: Value = db
            .one(
                "select jsonb_build_object('items', coalesce(jsonb_agg(jsonb_build_object('id', id, 'score', score)), '[]'))
                 from offline_private.nearest_items('recommendation', offline_private.stored_vector('recommendation', 1, $1), $2, false, $3)",
                &[&user, &count, &exclude],
            )
            .await;
        assert_eq!(
            found["items"].as_array().unwrap().len() as i64,
            i64::from(count).min(items - i64::from(excluded).min(items)),
            "{user}"
        );
        let missed = ids(&exact)
            .iter()
            .filter(|id| !ids(&found).contains(id))
            .count();
        assert!(missed * 20 <= count as usize, "{user}: {missed} of {count}");
    }
}

#[tokio::test]
async fn what_the_index_does_not_reach_is_searched_exactly() {
    let db = bazaar().await;
    let exact: Value = db.one("select offline.recommend('u1', 20)", &[]).await;
    db.sql("delete from offline_data.model_vector where kind = 'item' and id > 'i2'")
        .await;
    let found: Value = db.one("select offline.recommend('u1', 20)", &[]).await;
    assert_eq!(ids(&found).len(), 20);
    db.sql("delete from offline_data.model_vector where kind = 'item'")
        .await;
    assert_eq!(
        db.one::<Value>("select offline.recommend('u1', 20)", &[])
            .await,
        exact
    );
}

#[tokio::test]
async fn a_search_leaves_no_setting_behind() {
    let db = bazaar().await;
    db.sql("begin; set local hnsw.ef_search = 77; select offline.recommend('u1', 10)")
        .await;
    let setting = "select current_setting('hnsw.ef_search') || current_setting('enable_sort')";
    assert_eq!(db.one::<String>(setting, &[]).await, "77on");
    db.sql("rollback").await;
}

#[tokio::test]
async fn ids_of_a_context_are_texts() {
    let db = shop(Uuid::new_v4()).await;
    for context in [
        r#"{"items": [null]}"#,
        r#"{"exclude": ["i1", null]}"#,
        r#"{"items": [1]}"#,
        r#"{"items": "i1"}"#,
        "[]",
    ] {
        let asked = db
            .try_sql(&format!("select offline.recommend('u1', 3, '{context}')"))
            .await;
        assert_eq!(asked.unwrap_err().code, "22023", "{context}");
    }
    db.sql(r#"select offline.recommend('u1', 3, '{"items": null, "exclude": null}')"#)
        .await;
}

#[tokio::test]
async fn a_model_without_vectors_recommends_nothing_to_nobody() {
    let db = Db::create().await;
    db.sql(
        r#"create table public.seen as select g as x, g % 7 as y from generate_series(1, 50) g;
           select offline.train_model('other', '{"algorithm": "linear", "table": "public.seen", "label": "y"}')"#,
    )
    .await;
    let asked = db
        .try_sql(r#"select offline.recommend('u1', 3, '{"model": "other"}')"#)
        .await;
    assert_eq!(asked.unwrap_err().code, "22023");
}
