//! A model that learned which side people keep, and what it may do.

use offline_sync_testkit::{Caller, Db};
use serde_json::{Value, json};
use uuid::Uuid;

/// A table whose title and body are for people to decide; with more options.
async fn stage(more: &Value) -> (Db, Caller, Uuid) {
    let db = Db::create().await;
    db.sql(
        "create table public.page (id int primary key, user_id uuid not null, title text, body text);
         alter table public.page enable row level security;
         create policy own on public.page using (user_id = auth.uid()) with check (user_id = auth.uid())",
    )
    .await;
    let mut options = json!({ "scope": "user_id", "policy": { "columns": { "title": "manual", "body": "manual" } } });
    for (key, value) in more.as_object().into_iter().flatten() {
        options[key] = value.clone();
    }
    db.enable_sync("public.page", options).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    (db, caller, device)
}

/// The device edits a column of page `id` that somebody else edited meanwhile. Answers the mutation's verdict.
async fn contest(db: &Db, caller: &Caller, device: Uuid, seq: u64, id: i32, column: &str) -> Value {
    db.rows(
        "insert into public.page values ($1, $2, 'old', 'old')",
        &[&id, &caller.user()],
    )
    .await;
    let base: i64 = db
        .one(
            "select version from offline_data.row_state where row_key = $1::int::text",
            &[&id],
        )
        .await;
    db.sql(&format!(
        "update public.page set {column} = 'theirs {id}' where id = {id}"
    ))
    .await;
    let mutation = json!([{ "seq": seq.to_string(), "op": "update", "table": "public.page", "key": { "id": id }, "base": base.to_string(),
        "patch": { column: format!("mine, and longer, {id}") }, "before": { column: "old" }, "hlc": "116200000000000000" }]);
    let batch = json!({ "v": 1, "mutations": mutation }).to_string();
    let answer: Value =
        serde_json::from_str(&caller.push_text(device, &batch).await.unwrap()).unwrap();
    answer["results"][0].clone()
}

/// A person who keeps their own titles and others' bodies settles sixty conflicts, and the model is trained on that.
async fn habits(db: &Db, caller: &Caller, device: Uuid) -> u64 {
    let mut seq = 0;
    for id in 0..60 {
        seq += 1;
        let column = if id % 2 == 0 { "title" } else { "body" };
        let verdict = contest(db, caller, device, seq, id, column).await;
        assert_eq!(verdict["status"], "conflict");
        let resolution = if column == "title" { "mine" } else { "theirs" };
        let conflict: Uuid = verdict["conflict_id"].as_str().unwrap().parse().unwrap();
        caller
            .client()
            .query_one(
                "select offline.resolve_conflict($1, $2)",
                &[&conflict, &resolution],
            )
            .await
            .unwrap();
    }
    let trained: Value = db.one("select offline.train_conflict_model()", &[]).await;
    assert_eq!(
        (&trained["rows"], &trained["deployed"]),
        (&json!(60), &json!(true))
    );
    seq
}

async fn conflict(caller: &Caller, status: &str) -> Value {
    let listed: Value = caller
        .client()
        .query_one(
            "select offline.conflicts(jsonb_build_object('status', $1::text))",
            &[&status],
        )
        .await
        .unwrap()
        .get(0);
    listed["conflicts"]
        .as_array()
        .unwrap()
        .last()
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn without_a_model_nothing_is_suggested() {
    let (db, caller, device) = stage(&json!({})).await;
    contest(&db, &caller, device, 1, 1, "title").await;
    let pending = conflict(&caller, "pending").await;
    assert_eq!(
        (
            &pending["columns"]["title"]["suggestion"],
            &pending["columns"]["title"]["confidence"]
        ),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_new_conflict_comes_with_what_the_person_would_choose() {
    let (db, caller, device) = stage(&json!({})).await;
    let seq = habits(&db, &caller, device).await;
    for (id, column, choice) in [(100, "title", "mine"), (101, "body", "theirs")] {
        let verdict = contest(
            &db,
            &caller,
            device,
            seq + u64::try_from(id).unwrap() - 99,
            id,
            column,
        )
        .await;
        assert_eq!(verdict["status"], "conflict");
        let pending = conflict(&caller, "pending").await;
        let column = &pending["columns"][column];
        assert_eq!(column["suggestion"]["resolution"], choice);
        assert_eq!(column["suggestion"]["value"], column[choice]);
        assert!(column["confidence"].as_f64().unwrap() > 0.8, "{column}");
    }
}

#[tokio::test]
async fn above_the_threshold_of_the_table_it_decides_and_says_so() {
    let (db, caller, device) = stage(&json!({ "suggest": { "threshold": 0.7 } })).await;
    let seq = habits(&db, &caller, device).await;
    contest(&db, &caller, device, seq + 1, 100, "title").await;
    let title: String = db
        .one("select title from public.page where id = 100", &[])
        .await;
    assert_eq!(title, "mine, and longer, 100");
    contest(&db, &caller, device, seq + 2, 101, "body").await;
    let body: String = db
        .one("select body from public.page where id = 101", &[])
        .await;
    assert_eq!(body, "theirs 101");
    let signed: Vec<String> = db
        .column("select resolved_by from offline_data.conflict_resolution_log where row_key in ('100', '101') and status = 'resolved'", &[])
        .await;
    assert_eq!(
        signed,
        ["model:conflict_resolution:1", "model:conflict_resolution:1"]
    );
    let by_person = "select sum(by_person)::bigint from offline.conflict_stats";
    assert_eq!(db.one::<i64>(by_person, &[]).await, 60);
    let again: Value = db.one("select offline.train_conflict_model()", &[]).await;
    assert_eq!(again["rows"], 60, "what the model decided is no example");
}

#[tokio::test]
async fn the_threshold_is_a_share() {
    let (db, ..) = stage(&json!({})).await;
    for bad in [
        json!(0.7),
        json!({ "threshold": 2 }),
        json!({ "threshold": "high" }),
    ] {
        let error = db
            .try_enable_sync("public.page", json!({ "scope": "user_id", "suggest": bad }))
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023");
    }
}

#[tokio::test]
async fn a_model_that_cannot_answer_costs_no_mutation() {
    let (db, caller, device) = stage(&json!({ "suggest": { "threshold": 0.7 } })).await;
    let spec = json!({ "algorithm": "als", "user": "u", "item": "i",
        "query": "select 'u' || g % 5 as u, 'i' || g % 3 as i from generate_series(1, 60) g" });
    db.one::<Value>(
        "select offline.train_model('conflict_resolution', $1)",
        &[&spec],
    )
    .await;
    let verdict = contest(&db, &caller, device, 1, 1, "title").await;
    assert_eq!(verdict["status"], "conflict");
    let pending = conflict(&caller, "pending").await;
    assert_eq!(pending["columns"]["title"]["suggestion"], Value::Null);
}

/// One decision settles all columns of a conflict: with some of them in training, the others were known, and noise looked certain.
#[tokio::test]
async fn the_columns_of_one_conflict_do_not_tell_of_each_other() {
    let (db, ..) = stage(&json!({})).await;
    db.sql("insert into offline_data.conflict_resolution_log (conflict_id, column_name, table_id, row_key, user_id, device_id, version, base, mine, theirs, status,
            resolution, resolved_by, resolved_at)
        select md5(g::text)::uuid, 'c' || c, s.table_id, g::text, 'u' || g % 40, md5('d' || g % 5)::uuid, 1, to_json('base ' || g), to_json('mine ' || repeat('x', g % 17)),
            to_json('theirs ' || g), 'resolved', (array['mine', 'theirs'])[1 + (hashint4(g) & 1)], 'u' || g % 40, now()
        from generate_series(1, 400) g cross join generate_series(1, 6) c cross join offline_data.synced_table s limit 2400")
        .await;
    let answer: Value = db
        .one(
            "select offline.train_conflict_model('{\"deploy\": \"never\"}')",
            &[],
        )
        .await;
    let accuracy = answer["report"]["metrics"]["accuracy"].as_f64().unwrap();
    assert!(accuracy < 0.65, "a coin was foreseen: {accuracy}");
}
