//! Settling conflicts: many at once, deletions in both directions, and who hears of it.

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, settle};

/// Conflicts on column `a` of so many cards, which the second device has caused; their keys and ids.
async fn conflicts(db: &Db, count: usize) -> (Vec<Device>, Vec<(Value, Uuid)>) {
    cards(db, json!({ "columns": { "a": "manual" } })).await;
    let (mut devices, _) = devices_with_card(db, 2, json!({})).await;
    let keys: Vec<Value> = (0..count)
        .map(|_| json!({ "id": Uuid::new_v4() }))
        .collect();
    for key in &keys {
        devices[0].insert(TABLE, key.clone(), json!({ "a": "base", "n": "1" }));
    }
    devices[0].sync().await;
    devices[1].pull().await;
    let mut found = Vec::new();
    for (n, value) in ["theirs", "mine"].into_iter().enumerate() {
        let edit = |key: &Value| devices[n].update(TABLE, key.clone(), json!({ "a": value }));
        let seqs: Vec<u64> = keys.iter().map(edit).collect();
        let answer = devices[n].push().await;
        let ids = seqs.iter().map(|seq| answer.verdict(*seq).conflict_id);
        found = keys.iter().cloned().zip(ids).collect();
    }
    let found = found.into_iter().map(|(key, id)| (key, id.expect("an id")));
    (devices, found.collect())
}

#[tokio::test]
async fn many_are_settled_in_one_call_each_with_its_own_verdict() {
    let db = Db::create().await;
    let (mut devices, found) = conflicts(&db, 6).await;
    let id = |n: usize| json!(found[n].1);
    let resolutions = json!([
        { "id": id(0), "resolution": "mine" },
        { "id": id(1), "resolution": "nobody" },
        { "id": id(2), "resolution": "merged", "merged": { "a": "both" } },
        { "id": "no id", "resolution": "mine" },
        { "id": Uuid::new_v4(), "resolution": "mine" },
        "a text", null, 7, [], {},
        { "id": id(3), "resolution": "theirs", "merged": null },
        { "id": id(0), "resolution": "theirs" },
        { "id": id(4), "resolution": "merged", "merged": { "n": "not a number" } },
        { "id": id(5), "resolution": "merged" },
    ]);
    let answer = devices[1].caller.resolve_many(&resolutions).await.unwrap();
    let results = answer["results"].as_array().unwrap();
    let verdicts: Vec<&str> = results
        .iter()
        .map(|result| {
            result["error"]["code"]
                .as_str()
                .unwrap_or(result["status"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "resolved", "22023", "resolved", "22023", "PT404", "22023", "22023", "22023", "22023",
        "22023", "resolved", "PT404", "22P02", "22023",
    ];
    assert_eq!(verdicts, expected, "{answer}");
    assert_eq!(
        (&results[0]["id"], &results[0]["row"]["a"]),
        (&id(0), &json!("mine"))
    );
    assert_eq!(
        (&results[1]["id"], &results[1]["status"]),
        (&id(1), &json!("failed"))
    );
    for (n, value) in ["mine", "theirs", "both", "theirs", "theirs", "theirs"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(settle(&mut devices, &found[n].0, "a").await, value, "{n}");
    }
    let left = devices[1].caller.conflicts(&json!({})).await;
    let mut left: Vec<&Value> = left["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["id"])
        .collect();
    left.sort_by_key(|id| id.to_string());
    let mut unsettled = [id(1), id(4), id(5)];
    unsettled.sort_by_key(ToString::to_string);
    assert_eq!(
        left,
        unsettled.iter().collect::<Vec<_>>(),
        "what failed is still pending"
    );
}

#[tokio::test]
async fn a_resolution_is_an_ordinary_change_with_a_version_and_a_place_in_the_history() {
    let db = Db::create().await;
    let (devices, found) = conflicts(&db, 2).await;
    let state = "select version from offline_data.row_state where row_key = $1";
    let key = found[0].0["id"].as_str().unwrap();
    let before: i64 = db.one(state, &[&key]).await;
    let resolutions = json!([{ "id": found[0].1, "resolution": "mine" }, { "id": found[1].1, "resolution": "theirs" }]);
    devices[1].caller.resolve_many(&resolutions).await.unwrap();
    let after: i64 = db.one(state, &[&key]).await;
    assert!(after > before);
    let query = "select old ->> 'a' || ' ' || (new ->> 'a') || ' ' || user_id from offline_data.row_history where version = $1";
    let change: String = db.one(query, &[&after]).await;
    assert_eq!(change, format!("theirs mine {}", devices[1].caller.user()));
    let log = "select status || ' ' || resolution || ' ' || (resolved_by = user_id) || ' ' || (resolved_at > created_at)
        from offline_data.conflict_resolution_log order by resolution";
    let log: Vec<String> = db.column(log, &[]).await;
    assert_eq!(
        log,
        ["resolved mine true true", "resolved theirs true true"]
    );
}

#[tokio::test]
async fn more_than_a_thousand_at_once_are_too_many_and_something_else_than_a_list_is_no_request() {
    let db = Db::create().await;
    let (devices, found) = conflicts(&db, 1).await;
    let caller = &devices[1].caller;
    let one = json!({ "id": found[0].1, "resolution": "mine" });
    let error = caller
        .resolve_many(&json!(vec![&one; 1_001]))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.detail.as_str()),
        ("PT413", "1000")
    );
    for bad in [json!(null), json!({}), one.clone(), json!("x")] {
        assert_eq!(
            caller.resolve_many(&bad).await.unwrap_err().code,
            "22023",
            "{bad}"
        );
    }
    assert_eq!(
        caller.resolve_many(&json!([])).await.unwrap(),
        json!({ "results": [] })
    );
    let answer = caller
        .resolve_many(&json!(vec![&one; 1_000]))
        .await
        .unwrap();
    let resolved = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["status"] == "resolved");
    assert_eq!(
        resolved.count(),
        1,
        "named a thousand times, it is settled once"
    );
}

#[tokio::test]
async fn nobody_settles_the_conflicts_of_others() {
    let db = Db::create().await;
    let (devices, found) = conflicts(&db, 1).await;
    let resolutions = json!([{ "id": found[0].1, "resolution": "mine" }]);
    let answer = devices[0].caller.resolve_many(&resolutions).await.unwrap();
    assert_eq!(answer["results"][0]["error"]["code"], "PT404");
    let anon = db.anon().await;
    assert_eq!(
        anon.resolve_many(&resolutions).await.unwrap_err().code,
        "42501"
    );
}

#[tokio::test]
async fn a_resolution_of_a_row_that_may_not_be_written_any_more_fails_alone() {
    let db = Db::create().await;
    let (devices, found) = conflicts(&db, 2).await;
    let frozen = found[0].0["id"].as_str().unwrap();
    db.sql(&format!("create policy frozen on public.card as restrictive for update to authenticated using (id <> '{frozen}')")).await;
    let resolutions = json!([{ "id": found[0].1, "resolution": "mine" }, { "id": found[1].1, "resolution": "mine" }]);
    let answer = devices[1].caller.resolve_many(&resolutions).await.unwrap();
    assert_eq!(answer["results"][0]["error"]["code"], "42501");
    assert_eq!(answer["results"][1]["status"], "resolved");
}

#[tokio::test]
async fn a_locked_row_costs_its_own_resolution_and_not_the_call() {
    let db = Db::create().await;
    let (devices, found) = conflicts(&db, 5).await;
    let locker = db.connect("owner").await;
    let free = found[4].0["id"].as_str().unwrap();
    locker
        .batch_execute(&format!(
            "begin; update public.card set b = 'locked' where id <> '{free}'"
        ))
        .await
        .unwrap();
    devices[1].caller.sql("set statement_timeout = '4s'").await;
    let resolutions: Vec<Value> = found
        .iter()
        .map(|(_, id)| json!({ "id": id, "resolution": "mine" }))
        .collect();
    let answer = devices[1]
        .caller
        .resolve_many(&json!(resolutions))
        .await
        .unwrap();
    for (n, result) in answer["results"].as_array().unwrap().iter().enumerate() {
        if n == 4 {
            assert_eq!(result["status"], "resolved");
        } else {
            assert_eq!(result["error"]["code"], "55P03");
        }
    }
    locker.batch_execute("rollback").await.unwrap();
}

#[tokio::test]
async fn two_who_settle_the_same_rows_in_opposite_orders_do_not_wait_in_a_circle() {
    let db = Db::create().await;
    let (mut devices, found) = conflicts(&db, 40).await;
    // The first device gets conflicts on the same rows, too.
    devices[0].pull().await;
    devices[1].pull().await;
    for n in [1, 0] {
        for (key, _) in &found {
            devices[n].update(TABLE, key.clone(), json!({ "a": format!("again {n}") }));
        }
        devices[n].push().await;
    }
    let pending = "select conflict_id from (select distinct conflict_id, row_key from offline_data.conflict_resolution_log
        where status = 'pending' and user_id = $1) c order by row_key";
    let theirs: Vec<Uuid> = db
        .column(pending, &[&devices[0].caller.user().to_string()])
        .await;
    assert_eq!(theirs.len(), 40);
    let list = |ids: &mut dyn Iterator<Item = Uuid>| -> Value {
        ids.map(|id| json!({ "id": id, "resolution": "mine" }))
            .collect()
    };
    let forward = list(&mut theirs.into_iter());
    let mut backward: Vec<Uuid> = db
        .column(pending, &[&devices[1].caller.user().to_string()])
        .await;
    backward.reverse();
    let backward = list(&mut backward.into_iter());
    let (one, two) = tokio::join!(
        devices[0].caller.resolve_many(&forward),
        devices[1].caller.resolve_many(&backward)
    );
    for answer in [one.unwrap(), two.unwrap()] {
        let failed = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .find(|result| result["status"] != "resolved");
        assert_eq!(failed, None);
    }
}

/// One device deletes, the other edits, and a person has to decide; the devices, and the conflict's id and kind.
async fn deletion_conflict(db: &Db, deletion_first: bool) -> (Vec<Device>, Value, usize, Uuid) {
    cards(db, json!({ "on_delete": "manual" })).await;
    let (mut devices, key) =
        devices_with_card(db, 2, json!({ "a": "base", "b": "kept", "n": "7" })).await;
    devices[0].delete(TABLE, key.clone());
    devices[1].update(TABLE, key.clone(), json!({ "a": "edited" }));
    let (first, second) = if deletion_first { (0, 1) } else { (1, 0) };
    devices[first].push().await;
    let answer = devices[second].push().await;
    let verdict = &answer.results[0];
    assert_eq!(verdict.status, "conflict");
    let id = verdict.conflict_id.expect("a conflict that can be settled");
    (devices, key, second, id)
}

/// Pulls on both; what both hold of the card's columns `a`, `b` and `n`.
async fn card(devices: &mut [Device], key: &Value) -> Option<String> {
    for device in &mut *devices {
        device.pull().await;
        device.assert_in_step(TABLE).await;
    }
    let row = devices[0].view(TABLE, key)?;
    Some(format!("{} {} {}", row["a"], row["b"], row["n"]))
}

#[tokio::test]
async fn an_edit_of_a_deleted_row_is_settled_by_bringing_it_back_or_not() {
    let back = |a: &str| Some(format!("\"{a}\" \"kept\" \"7\""));
    let resolutions = [
        ("mine", None, back("edited")),
        ("theirs", None, None),
        ("merged", Some(json!({ "a": "both" })), back("both")),
    ];
    for (resolution, merged, expected) in resolutions {
        let db = Db::create().await;
        let (mut devices, key, owner, id) = deletion_conflict(&db, true).await;
        let listed = devices[owner].caller.conflicts(&json!({})).await;
        let listed = &listed["conflicts"][0];
        assert_eq!((&listed["kind"], &listed["key"]), (&json!("deleted"), &key));
        let column = &listed["columns"]["a"];
        assert_eq!(
            (&column["base"], &column["mine"], &column["theirs"]),
            (&json!("base"), &json!("edited"), &Value::Null)
        );
        let answer = devices[owner]
            .caller
            .resolve(id, resolution, merged.as_ref())
            .await
            .unwrap();
        assert_eq!(answer["row"].is_null(), expected.is_none(), "{answer}");
        assert_eq!(card(&mut devices, &key).await, expected, "{resolution}");
    }
}

#[tokio::test]
async fn a_deletion_of_an_edited_row_is_settled_by_deleting_it_or_not() {
    let lives = |a: &str| Some(format!("\"{a}\" \"kept\" \"7\""));
    let resolutions = [
        ("mine", None, None),
        ("theirs", None, lives("edited")),
        ("merged", Some(json!({ "a": "both" })), lives("both")),
    ];
    for (resolution, merged, expected) in resolutions {
        let db = Db::create().await;
        let (mut devices, key, owner, id) = deletion_conflict(&db, false).await;
        let listed = devices[owner].caller.conflicts(&json!({})).await;
        let listed = &listed["conflicts"][0];
        assert_eq!(listed["kind"], "delete");
        assert_eq!(
            listed["columns"].as_object().unwrap().len(),
            1,
            "only what others wrote: {listed}"
        );
        let column = &listed["columns"]["a"];
        assert_eq!(
            (&column["base"], &column["mine"], &column["theirs"]),
            (&json!("base"), &Value::Null, &json!("edited"))
        );
        let answer = devices[owner]
            .caller
            .resolve(id, resolution, merged.as_ref())
            .await
            .unwrap();
        assert_eq!(answer["row"].is_null(), expected.is_none(), "{answer}");
        assert_eq!(card(&mut devices, &key).await, expected, "{resolution}");
    }
}

#[tokio::test]
async fn what_happened_to_the_row_meanwhile_does_not_get_in_the_way() {
    // Deleted by others after they had edited it: deleting it once more is nothing to do.
    let db = Db::create().await;
    let (mut devices, key, owner, id) = deletion_conflict(&db, false).await;
    db.sql("delete from public.card").await;
    devices[owner]
        .caller
        .resolve(id, "mine", None)
        .await
        .unwrap();
    assert_eq!(card(&mut devices, &key).await, None);

    // Brought back by others: the edit is written into the row that is there.
    let db = Db::create().await;
    let (mut devices, key, owner, id) = deletion_conflict(&db, true).await;
    let insert = "insert into public.card (id, a, b, n) select $1::text::uuid, 'new', 'new', 1";
    db.rows(insert, &[&key["id"].as_str().unwrap()]).await;
    devices[owner]
        .caller
        .resolve(id, "mine", None)
        .await
        .unwrap();
    assert_eq!(
        card(&mut devices, &key).await.unwrap(),
        "\"edited\" \"new\" \"1\""
    );

    // An edit that waited while the row went: it comes back.
    let db = Db::create().await;
    let (mut devices, found) = conflicts(&db, 1).await;
    let (key, id) = &found[0];
    db.sql("delete from public.card").await;
    devices[1].caller.resolve(*id, "mine", None).await.unwrap();
    assert_eq!(
        card(&mut devices, key).await.unwrap(),
        "\"mine\" null \"1\""
    );
}

#[tokio::test]
async fn a_deletion_that_the_rule_decides_is_logged_with_what_it_took_or_left() {
    for (rule, outcome) in [("update_wins", "theirs"), ("delete_wins", "mine")] {
        let db = Db::create().await;
        cards(&db, json!({ "on_delete": rule })).await;
        let (mut devices, key) =
            devices_with_card(&db, 2, json!({ "a": "base", "b": "kept" })).await;
        devices[0].update(TABLE, key.clone(), json!({ "a": "edited" }));
        devices[0].push().await;
        devices[1].delete(TABLE, key.clone());
        devices[1].push().await;
        let expected = format!("a {rule} {outcome} auto \"base\" null \"edited\"");
        assert_eq!(crate::log_lines(&db).await, [expected]);
    }
}

#[tokio::test]
async fn a_row_that_left_the_callers_scopes_is_not_brought_back_by_a_resolution() {
    let db = Db::create().await;
    offline_sync_testkit::fixtures::tasks(&db, json!({ "policy": { "on_delete": "manual" } }))
        .await;
    let (mine, other) = (Uuid::new_v4(), Uuid::new_v4());
    let team = offline_sync_testkit::fixtures::team(&db, &[mine, other]).await;
    let id = offline_sync_testkit::fixtures::add_task(&db, team, "private by now").await;
    let mut device = Device::new(&db, mine).await;
    device.pull().await;
    device.update("public.task", json!({ "id": id }), json!({ "likes": 1 }));
    db.sql("delete from public.task").await;
    let conflict = device.push().await.results[0]
        .conflict_id
        .expect("a conflict");
    offline_sync_testkit::fixtures::leave(&db, team, mine).await;
    let error = device
        .caller
        .resolve(conflict, "mine", None)
        .await
        .unwrap_err();
    assert_eq!(error.code, "42501");
    let query = "select offline_private.conflict_row($1)::text";
    let told: Option<String> = device
        .caller
        .client()
        .query_one(query, &[&conflict])
        .await
        .unwrap()
        .get(0);
    assert_eq!(told, None);
    let other = db.caller(other).await;
    let told: Option<String> = other
        .client()
        .query_one(query, &[&conflict])
        .await
        .unwrap()
        .get(0);
    assert_eq!(told, None, "it is not their conflict");
}

/// Notices of event `conflict` until now.
async fn notices(db: &Db, heard: &mut UnboundedReceiver<String>) -> Vec<Value> {
    db.sql("select pg_notify('offline_wake', '{\"event\": \"fence\"}')")
        .await;
    let mut found = Vec::new();
    loop {
        let notice: Value = serde_json::from_str(&heard.recv().await.expect("a notice")).unwrap();
        match notice["event"].as_str() {
            Some("conflict") => found.push(notice),
            Some("fence") => return found,
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_users_devices_hear_of_a_conflict_and_of_its_resolution() {
    let db = Db::create().await;
    let (sender, mut heard) = unbounded_channel();
    let listener = offline_sync_testkit::listen(&db, "offline_wake", sender).await;
    let (devices, found) = conflicts(&db, 3).await;
    let topic = format!("offline:user:{}", devices[1].caller.user());
    let new = notices(&db, &mut heard).await;
    assert_eq!(new.len(), 1, "one a transaction: {new:?}");
    assert_eq!(new[0]["topic"], json!(topic));
    assert!(new[0].to_string().len() < 300, "small: {}", new[0]);

    // Another device of the same user settles one, then the others.
    let tablet = db.caller(devices[1].caller.user()).await;
    tablet.resolve(found[0].1, "theirs", None).await.unwrap();
    let settled = notices(&db, &mut heard).await;
    assert_eq!((settled.len(), &settled[0]["topic"]), (1, &json!(topic)));
    let rest: Vec<Value> = found[1..]
        .iter()
        .map(|(_, id)| json!({ "id": id, "resolution": "mine" }))
        .collect();
    tablet.resolve_many(&json!(rest)).await.unwrap();
    assert_eq!(notices(&db, &mut heard).await.len(), 1, "one a transaction");
    tablet.resolve_many(&json!(rest)).await.unwrap();
    assert!(
        notices(&db, &mut heard).await.is_empty(),
        "nothing was settled"
    );
    listener.abort();
}

/// A number that json holds and jsonb does not made every listing fail, also that of others.
#[tokio::test]
async fn a_number_beyond_jsonb_breaks_no_listing_and_no_resolution() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    db.sql("alter table public.card add raw json").await;
    let options = json!({ "scope": "'public'", "policy": { "columns": { "raw": "manual" } } });
    db.enable_sync(TABLE, options).await;
    let (devices, key) = devices_with_card(&db, 2, json!({})).await;
    let sides = [(2, r#"{"x":1e999999}"#), (1, r#"{"x":2}"#)];
    for (device, (seq, raw)) in devices.iter().zip(sides) {
        let id = &key["id"];
        let batch = format!(
            r#"{{"v":1,"mutations":[{{"seq":{seq},"op":"update","table":"{TABLE}","key":{{"id":{id}}},"base":"1","patch":{{"raw":{raw}}}}}]}}"#
        );
        device.caller.push_text(device.id, &batch).await.unwrap();
    }
    let listed = devices[1].caller.conflicts(&json!({})).await;
    let conflict = &listed["conflicts"][0];
    assert_eq!(conflict["columns"]["raw"]["theirs"], r#"{"x":1e999999}"#);
    assert_eq!(conflict["columns"]["raw"]["mine"], json!({ "x": 2 }));
    let id = conflict["id"].as_str().unwrap().parse().unwrap();
    let settled = devices[1].caller.resolve(id, "mine", None).await.unwrap();
    assert_eq!(settled["row"]["raw"], json!({ "x": 2 }));
}

#[tokio::test]
async fn a_sensitive_table_takes_no_resolution_and_no_late_mutation_with_an_old_token() {
    let db = Db::create().await;
    let (devices, found) = conflicts(&db, 1).await;
    db.sql("update offline_data.synced_table set max_token_age = '5 minutes'")
        .await;
    let caller = &devices[1].caller;
    let claims = |age: i64| {
        format!(
            "select set_config('request.jwt.claims', (current_setting('request.jwt.claims')::jsonb
                || jsonb_build_object('iat', extract(epoch from now())::bigint - {age}))::text, false)"
        )
    };
    caller.sql(&claims(3600)).await;
    let refused = caller.resolve(found[0].1, "mine", None).await.unwrap_err();
    assert_eq!(refused.code, "PT401");
    db.rows(
        "insert into offline_data.sync_queue (device_id, seq, user_id, status, mutation, row_mark, next_attempt_at)
        select $1, 50, $2, 'deferred', '{\"seq\":50,\"op\":\"update\",\"table\":\"public.card\",\"key\":{\"id\":'
            || to_json(row_key) || '},\"patch\":{\"b\":\"late\"}}', table_id || ':' || row_key, now() from offline_data.row_state order by version limit 1",
        &[&devices[1].id, &caller.user().to_string()],
    )
    .await;
    let late = "select count(*) from public.card where b = 'late'";
    assert!(
        caller
            .push(devices[1].id, &json!([]))
            .await
            .results
            .is_empty()
    );
    assert_eq!(db.one::<i64>(late, &[]).await, 0);
    caller.sql(&claims(10)).await;
    assert_eq!(
        caller.push(devices[1].id, &json!([])).await.results.len(),
        1
    );
    assert_eq!(db.one::<i64>(late, &[]).await, 1);
    caller.resolve(found[0].1, "mine", None).await.unwrap();
}

#[tokio::test]
async fn a_column_that_was_excluded_since_is_not_told_and_not_written() {
    let db = Db::create().await;
    cards(&db, json!({ "default": "manual" })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base", "b": "base" })).await;
    for (n, value) in ["theirs", "mine"].into_iter().enumerate() {
        devices[n].update(TABLE, key.clone(), json!({ "a": value, "b": value }));
        devices[n].push().await;
    }
    let options =
        json!({ "scope": "'public'", "policy": { "default": "manual" }, "exclude": ["b"] });
    db.enable_sync(TABLE, options).await;
    let caller = &devices[1].caller;
    let listed = caller.conflicts(&json!({})).await;
    let columns = listed["conflicts"][0]["columns"].as_object().unwrap();
    assert_eq!(columns.keys().collect::<Vec<_>>(), ["a"]);
    let id = listed["conflicts"][0]["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    caller.resolve(id, "mine", None).await.unwrap();
    let row = &db.rows("select a, b from public.card", &[]).await[0];
    let found: (String, String) = (row.get(0), row.get(1));
    assert_eq!(found, ("mine".into(), "theirs".into()));
}
