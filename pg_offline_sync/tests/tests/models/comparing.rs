//! Which new version replaces the one that serves: both are measured alike, on rows that neither was trained with.

use offline_sync_testkit::Db;
use serde_json::{Value, json};

use crate::{flowers, spec, train, try_train, version};

/// Rows whose label is wrong in three of ten: what learns them by heart is worse than what does not.
const NOISY: &str = "
    create table public.gr (id int primary key, x float8, y boolean);
    create function public.more_gr(p_from int, p_to int) returns void language sql as $$
        insert into public.gr
        select g, (hashint4(g) & 1048575) / 1048576.0, ((hashint4(g) & 1048575) > 524288) <> ((hashint4(g + 7654321) & 1023) < 307)
        from generate_series(p_from, p_to) g $$;
    select public.more_gr(1, 1000);";

fn tree(depth: u8, more: &Value) -> Value {
    let mut spec = json!({ "algorithm": "tree", "table": "public.gr", "label": "y", "features": ["x"], "params": { "max_depth": depth } });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    spec
}

#[tokio::test]
async fn a_serving_model_is_not_asked_about_rows_that_it_was_trained_with() {
    for (first, second, rows) in [
        (json!({}), json!({}), 100),
        (json!({}), json!({ "seed": 9 }), 0),
        (
            json!({ "test_share": 0.2 }),
            json!({ "test_share": 0.4 }),
            1,
        ),
        (
            json!({}),
            json!({ "table": null, "query": "select * from public.gr order by id desc" }),
            1,
        ),
    ] {
        let db = Db::create().await;
        db.sql(NOISY).await;
        let learned_by_heart = try_train(&db, "gr", &tree(64, &first)).await.unwrap();
        assert_eq!(learned_by_heart["deployed"], true);
        db.sql(&format!("select public.more_gr(1001, 1000 + {rows})"))
            .await;
        let better = try_train(&db, "gr", &tree(1, &second)).await.unwrap();
        let serving = &better["report"]["serving"];
        assert!(serving["value"].as_f64().unwrap() < 0.66, "{better}");
        assert!(serving["new_value"].as_f64().unwrap() > 0.66, "{better}");
        assert_eq!(serving["version"], 1);
        assert_eq!(better["deployed"], true, "{second}");
    }
}

#[tokio::test]
async fn the_hold_out_is_as_large_as_asked_for_and_has_every_class() {
    let db = flowers().await;
    for (share, held_out) in [(0.25, 75), (0.1, 30), (0.001, 1), (0.0, 0)] {
        let answer = train(
            &db,
            "kind",
            &json!({ "test_share": share, "features": ["length"], "params": { "l2": 3 } }),
        )
        .await;
        let report = &answer["report"];
        assert_eq!(report["rows"]["test"], held_out, "{share}");
        assert_eq!(report["cuts"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_version_that_was_not_measured_replaces_none_that_serves() {
    let db = flowers().await;
    let unmeasured = json!({ "features": ["noise"], "test_share": 0 });
    assert_eq!(
        train(&db, "first", &unmeasured).await["deployed"],
        true,
        "nothing serves yet"
    );
    assert_eq!(train(&db, "first", &unmeasured).await["deployed"], false);
    train(&db, "kind", &json!({})).await;
    assert_eq!(train(&db, "kind", &unmeasured).await["deployed"], false);
    assert_eq!(version(&db, "kind").await, 1);
    db.sql("create table public.met as select (g % 20)::text as who, (g % 7)::text as what from generate_series(1, 400) g")
        .await;
    for (share, deployed) in [(0.25, true), (0.0, false)] {
        let spec = json!({ "algorithm": "als", "table": "public.met", "user": "who", "item": "what", "test_share": share, "params": { "factors": 2 } });
        let answer = try_train(&db, "met", &spec).await.unwrap();
        assert_eq!(answer["deployed"], deployed, "{share}");
    }
}

#[tokio::test]
async fn a_better_version_replaces_an_imported_one() {
    let db = flowers().await;
    train(&db, "poor", &json!({ "features": ["length", "width", "noise"], "algorithm": "tree", "params": { "max_depth": 1 } })).await;
    let mut document: Value = db.one("select offline.export_model('poor')", &[]).await;
    let measured = document["metrics"]["accuracy"].clone();
    for (model, known) in [("known", true), ("unknown", false)] {
        document["model"] = json!(model);
        if !known {
            document["metrics"] = json!({});
        }
        db.one::<Value>("select offline.import_model($1)", &[&document])
            .await;
        db.sql(&format!("select offline.deploy_model('{model}', 1)"))
            .await;
        let info: Value = db.one("select offline.model_info($1)", &[&model]).await;
        let expected = if known { measured.clone() } else { Value::Null };
        assert_eq!(
            info["report"]["primary"],
            json!({ "name": "accuracy", "value": expected })
        );
        let better = train(&db, model, &json!({})).await;
        assert_eq!(better["deployed"], true, "{better}");
    }
}

/// Two trainings at once: the second decides when the first has committed, and sees what it deployed.
#[tokio::test]
async fn a_training_is_compared_with_what_serves_when_it_ends() {
    let db = flowers().await;
    db.sql(
        "create table public.hard as select f.*, f.noise + f.length as mixed from public.flower f",
    )
    .await;
    let with = |features: Value| spec(&json!({ "table": "public.hard", "features": features }));
    try_train(&db, "kind", &with(json!(["noise"])))
        .await
        .unwrap();
    let mut first = db.connect("owner").await;
    let second = db.connect("owner").await;
    let begun = first.transaction().await.unwrap();
    let query = "select offline.train_model('kind', $1)";
    let best: Value = begun
        .query_one(query, &[&with(json!(["length", "width"]))])
        .await
        .unwrap()
        .get(0);
    assert_eq!(best["deployed"], true);
    let middling = with(json!(["mixed"]));
    let arguments: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&middling];
    let trained = second.query_one(query, &arguments);
    let commit = async {
        crate::waits_for_lock(&db).await;
        begun.commit().await.unwrap();
    };
    let (trained, ()) = tokio::join!(trained, commit);
    let trained: Value = trained.unwrap().get(0);
    let value = &trained["report"]["primary"]["value"];
    assert!(
        value.as_f64().unwrap() > 0.4,
        "better than what served before: {trained}"
    );
    assert_eq!(trained["deployed"], false, "{trained}");
    assert_eq!(version(&db, "kind").await, 2);
}

#[tokio::test]
async fn the_number_of_a_dropped_version_is_not_given_again() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    train(&db, "kind", &json!({ "deploy": "never" })).await;
    db.sql("select offline.drop_model_version('kind', 2)").await;
    let next = train(&db, "kind", &json!({ "deploy": "never" })).await;
    assert_eq!(next["version"], 3);
}
