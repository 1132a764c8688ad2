//! Recommendations: two groups of users with two groups of items.

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use uuid::Uuid;

/// Everything liked, learned.
async fn learn(db: &Db) {
    let spec = json!({ "algorithm": "als", "table": "public.liked", "user": "user_id", "item": "item_id", "weight": "weight" });
    db.one::<Value>("select offline.train_model('recommendation', $1)", &[&spec])
        .await;
}

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

#[tokio::test]
async fn with_pgvector_the_same_items_are_found_by_index() {
    let me = Uuid::new_v4();
    let db = shop(me).await;
    let exact: Value = db
        .one("select offline.recommend($1::text, 10)", &[&me.to_string()])
        .await;
    db.connect("postgres")
        .await
        .batch_execute("create extension vector")
        .await
        .unwrap();
    learn(&db).await;
    let indexes: i64 = db
        .one("select count(*) from pg_indexes where schemaname = 'offline_data' and indexdef like '%USING hnsw%'", &[])
        .await;
    assert_eq!(indexes, 1);
    // Few rows are read from end to end whatever there is to search them by.
    db.sql("select offline.deploy_model('recommendation', 2); set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off").await;
    let found: Value = db
        .one("select offline.recommend($1::text, 10)", &[&me.to_string()])
        .await;
    assert_eq!(found["version"], 2);
    let ids = |answer: &Value| -> Vec<String> {
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].to_string())
            .collect()
    };
    assert_eq!(ids(&found), ids(&exact));
    let caller = db.caller(me).await;
    let theirs: Value = caller
        .client()
        .query_one("select offline.recommend(null, 10)", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(ids(&theirs), ids(&exact));
    assert_eq!(
        db.one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0,
        "the index is nobody's fault"
    );
    db.sql("select offline.rollback_model('recommendation'); select offline.drop_model_version('recommendation', 2)").await;
    let left: i64 = db
        .one(
            "select count(*) from pg_indexes where indexdef like '%USING hnsw%'",
            &[],
        )
        .await;
    assert_eq!(left, 0);
}
