//! One test a policy: two sides changed the same column since the base.

use offline_sync_testkit::{Db, Op};
use serde_json::{Map, Value, json};

use crate::{TABLE, cards, devices_with_card, hlc, log_lines, now_ms, settle};

fn at(clock: Value) -> Map<String, Value> {
    Map::from_iter([("hlc".to_owned(), clock)])
}

/// First and second device change `column` offline; the first pushes first. Statuses, and what it ends as.
async fn contest(
    policy: &str,
    column: &str,
    base: Value,
    sides: [(Value, u64); 2],
) -> (Vec<String>, Value, String) {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { column: policy } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ column: base })).await;
    let now = now_ms(&db).await;
    for (device, (value, delay)) in devices.iter_mut().zip(sides) {
        device.record(
            Op::Update,
            TABLE,
            key.clone(),
            json!({ column: value }),
            at(hlc(now + delay)),
        );
    }
    let mut statuses = devices[0].push().await.statuses();
    let answer = devices[1].push().await;
    statuses.extend(answer.statuses());
    let outcome = answer.results[0]
        .columns
        .get(column)
        .cloned()
        .unwrap_or_default();
    (statuses, settle(&mut devices, &key, column).await, outcome)
}

#[tokio::test]
async fn each_policy_decides_a_contested_column_its_way() {
    let text = |value: &str| json!(value);
    let cases = [
        (
            "last_write_wins",
            "a",
            text("base"),
            [(text("early"), 10), (text("late"), 20)],
            "late",
            "mine",
        ),
        (
            "last_write_wins",
            "a",
            text("base"),
            [(text("late"), 20), (text("early"), 10)],
            "late",
            "theirs",
        ),
        (
            "client_wins",
            "a",
            text("base"),
            [(text("late"), 20), (text("early"), 10)],
            "early",
            "mine",
        ),
        (
            "server_wins",
            "a",
            text("base"),
            [(text("early"), 10), (text("late"), 20)],
            "early",
            "theirs",
        ),
        (
            "counter",
            "n",
            text("10"),
            [(text("13"), 10), (text("15"), 20)],
            "18",
            "merged",
        ),
        (
            "counter",
            "n",
            text("10"),
            [(text("7"), 10), (text("10"), 20)],
            "7",
            "theirs",
        ),
        (
            "max",
            "n",
            text("10"),
            [(text("30"), 20), (text("20"), 30)],
            "30",
            "theirs",
        ),
        (
            "max",
            "n",
            text("10"),
            [(text("20"), 20), (text("30"), 10)],
            "30",
            "mine",
        ),
        (
            "max",
            "n",
            text("10"),
            [(text("9"), 20), (text("8"), 30)],
            "9",
            "theirs",
        ),
        (
            "min",
            "n",
            text("10"),
            [(text("-3"), 20), (text("-20"), 30)],
            "-20",
            "mine",
        ),
    ];
    for (policy, column, base, sides, expected, outcome) in cases {
        let about = format!("{policy} {sides:?}");
        let (statuses, value, found) = contest(policy, column, base, sides).await;
        assert_eq!(
            (value, found.as_str()),
            (json!(expected), outcome),
            "{about}"
        );
        assert_eq!(statuses, ["applied", "merged"], "{about}");
    }
}

#[tokio::test]
async fn columns_that_only_one_side_changed_are_not_contested() {
    let db = Db::create().await;
    cards(&db, json!({ "default": "server_wins" })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "a", "b": "b" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "a": "A" }));
    devices[1].update(TABLE, key.clone(), json!({ "b": "B" }));
    assert_eq!(devices[0].push().await.statuses(), ["applied"]);
    let answer = devices[1].push().await;
    assert_eq!(
        (answer.statuses(), answer.results[0].columns.len()),
        (vec!["merged".to_owned()], 0)
    );
    devices[1].assert_in_step(TABLE).await;
    assert_eq!(settle(&mut devices, &key, "a").await, "A");
    assert_eq!(settle(&mut devices, &key, "b").await, "B");
    let logged: i64 = db
        .one(
            "select count(*) from offline_data.conflict_resolution_log",
            &[],
        )
        .await;
    assert_eq!(logged, 0, "nothing had to be decided");
}

#[tokio::test]
async fn last_write_wins_whatever_the_order_of_arrival() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let db = Db::create().await;
        cards(&db, json!({})).await;
        let (mut devices, key) = devices_with_card(&db, 3, json!({ "a": "a", "b": "b" })).await;
        let now = now_ms(&db).await;
        let patches = [
            json!({ "a": "0", "b": "0" }),
            json!({ "a": "1" }),
            json!({ "b": "2" }),
        ];
        for (n, patch) in patches.into_iter().enumerate() {
            devices[n].record(
                Op::Update,
                TABLE,
                key.clone(),
                patch,
                at(hlc(now + 10 * n as u64)),
            );
        }
        for n in order {
            devices[n].push().await;
        }
        assert_eq!(settle(&mut devices, &key, "a").await, "1", "{order:?}");
        assert_eq!(settle(&mut devices, &key, "b").await, "2", "{order:?}");
    }
}

#[tokio::test]
async fn equal_clocks_are_decided_by_the_device_whatever_the_order() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, _) = devices_with_card(&db, 2, json!({})).await;
    let mut winners = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let key = json!({ "id": uuid::Uuid::new_v4() });
        devices[0].insert(TABLE, key.clone(), json!({}));
        devices[0].sync().await;
        devices[1].pull().await;
        let now = hlc(now_ms(&db).await + 1_000);
        for device in &mut devices {
            let name = device.id.to_string();
            device.record(
                Op::Update,
                TABLE,
                key.clone(),
                json!({ "a": name }),
                at(now.clone()),
            );
        }
        for n in order {
            devices[n].push().await;
        }
        winners.push(settle(&mut devices, &key, "a").await);
    }
    assert_eq!(winners[0], winners[1]);
}

#[tokio::test]
async fn every_decision_is_logged_with_both_sides() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "n": "counter" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base", "n": "1" })).await;
    let now = now_ms(&db).await;
    for (n, device) in devices.iter_mut().enumerate() {
        let patch = json!({ "a": format!("side {n}"), "n": (n + 2).to_string() });
        device.record(
            Op::Update,
            TABLE,
            key.clone(),
            patch,
            at(hlc(now + n as u64)),
        );
        device.push().await;
    }
    let log = "select column_name || ' ' || policy || ' ' || outcome || ' ' || status || ' ' || coalesce(base::text, '-') || ' '
        || mine::text || ' ' || theirs::text from offline_data.conflict_resolution_log order by 1";
    let lines: Vec<String> = db.column(log, &[]).await;
    assert_eq!(
        lines,
        [
            "a last_write_wins mine auto \"base\" \"side 1\" \"side 0\"",
            "n counter merged auto \"1\" \"3\" \"2\"",
        ]
    );
}

#[tokio::test]
async fn two_edits_that_do_not_fit_together_are_left_to_a_person() {
    let db = Db::create().await;
    db.sql(
        "create table public.card (id uuid primary key, a varchar(20), b text check (length(b) <= 20), n int, tags text[], other text);
        alter table public.card enable row level security;
        create policy everyone on public.card to authenticated using (true) with check (true)",
    )
    .await;
    let policy = json!({ "default": "merge", "columns": { "n": "counter" } });
    db.enable_sync(TABLE, json!({ "scope": "'public'", "policy": policy }))
        .await;
    let row =
        json!({ "a": "one two three", "b": "one two three", "n": 2_147_483_640, "tags": ["x"] });
    let (mut devices, key) = devices_with_card(&db, 2, row).await;
    devices[1].pull().await;
    let texts = ["one two three 4567", "0123 one two three"];
    let counts = [2_147_483_645, 2_147_483_646];
    let cases = [
        (json!({ "a": texts[0] }), json!({ "a": texts[1] }), "a"),
        (json!({ "b": texts[0] }), json!({ "b": texts[1] }), "b"),
        (
            json!({ "n": counts[0] }),
            json!({ "n": counts[1], "other": "kept" }),
            "n",
        ),
    ];
    for (theirs, mine, column) in cases {
        let [theirs_seq, mine_seq] = [
            devices[0].update(TABLE, key.clone(), theirs.clone()),
            devices[1].update(TABLE, key.clone(), mine.clone()),
        ];
        let answer = devices[0].push().await;
        assert_eq!(answer.verdict(theirs_seq).summary(), "applied");
        let answer = devices[1].push().await;
        let verdict = answer.verdict(mine_seq);
        assert_eq!(
            (verdict.summary(), verdict.columns[column].as_str()),
            ("conflict".to_owned(), "manual")
        );
        assert_eq!(settle(&mut devices, &key, column).await, theirs[column]);
        let log = log_lines(&db).await;
        let policy = if column == "n" { "counter" } else { "text" };
        let line = format!("{column} {policy} manual pending");
        assert!(log.iter().any(|entry| entry.starts_with(&line)), "{log:?}");
    }
    assert_eq!(settle(&mut devices, &key, "other").await, "kept");
    // An edit that does not fit by itself is rejected as before.
    devices[1].pull().await;
    let long = json!({ "b": "much longer than twenty letters" });
    let seq = devices[1].update(TABLE, key.clone(), long);
    let answer = devices[1].push().await;
    assert_eq!(answer.verdict(seq).summary(), "rejected 23514");
}
