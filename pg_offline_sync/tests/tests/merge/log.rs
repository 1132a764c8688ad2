//! The conflict log: what it lists, how fast, and to whom.

use offline_sync_testkit::{Caller, Db, Device};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, now_ms, push_at};

/// So many conflicts of a user, two columns each, straight into the log: one in a hundred pending, one settled. Times are a second
/// apart.
async fn fill(db: &Db, user: Uuid, device: Uuid, conflicts: i32) {
    let insert = "insert into offline_data.conflict_resolution_log (conflict_id, column_name, table_id, row_key, user_id, device_id,
            device_seq, version, base, mine, theirs, policy, outcome, status, created_at)
        select md5($1 || i)::uuid, c.name, s.table_id, md5((i % 1000)::text)::uuid::text, $1, $2, i, i, '1', '2', '3',
            case i % 100 when 0 then 'manual' when 1 then 'manual' else 'last_write_wins' end,
            case i % 100 when 0 then 'manual' when 1 then 'manual' when 2 then 'merged' else 'mine' end,
            case i % 100 when 0 then 'pending' when 1 then 'resolved' else 'auto' end, timestamptz '2026-01-01' + i * interval '1 s'
        from generate_series(1, $3) i
        cross join unnest(array['a', 'b']) c (name)
        cross join offline_data.synced_table s";
    db.rows(insert, &[&user.to_string(), &device, &conflicts])
        .await;
}

/// Ids on all pages of a request, each page of at most `limit`.
async fn all_pages(caller: &Caller, request: &Value, limit: usize) -> Vec<Uuid> {
    let mut request = request.clone();
    request["limit"] = json!(limit);
    let mut ids = Vec::new();
    loop {
        let page = caller.conflicts(&request).await;
        let list = page["conflicts"].as_array().unwrap();
        assert!(list.len() <= limit);
        ids.extend(
            list.iter()
                .map(|conflict| -> Uuid { conflict["id"].as_str().unwrap().parse().unwrap() }),
        );
        assert_eq!(page["has_more"] == true, !page["next"].is_null(), "{page}");
        if page["next"].is_null() {
            return ids;
        }
        assert_eq!(list.len(), limit, "pages before the last are full");
        request["after"] = page["next"].clone();
    }
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition_under_every_filter() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (user, device) = (Uuid::new_v4(), Uuid::new_v4());
    fill(&db, user, device, 1_500).await;
    fill(&db, Uuid::new_v4(), Uuid::new_v4(), 300).await;
    let caller = db.caller(user).await;
    let row = db.one::<String>("select md5('7')::uuid::text", &[]).await;
    let cases = [
        (json!({}), 15),
        (json!({ "status": "resolved" }), 15),
        (json!({ "status": "auto" }), 1_470),
        (json!({ "status": "all" }), 1_500),
        (
            json!({ "status": "all", "since": "2026-01-01T00:10:00Z" }),
            901,
        ),
        (json!({ "status": "all", "policy": "manual" }), 30),
        (
            json!({ "status": "all", "policy": "manual", "outcome": "merged" }),
            0,
        ),
        (json!({ "status": "all", "outcome": "merged" }), 15),
        (json!({ "status": "all", "device": device }), 1_500),
        (json!({ "status": "all", "device": Uuid::new_v4() }), 0),
        (json!({ "status": "all", "table": TABLE }), 1_500),
        (json!({ "status": "all", "table": "public.other" }), 0),
        (
            json!({ "status": "all", "table": TABLE, "key": { "id": row } }),
            2,
        ),
        (
            json!({ "status": "all", "table": TABLE, "key": { "id": row.to_uppercase() } }),
            2,
        ),
        (
            json!({ "status": "all", "table": TABLE, "key": { "id": Uuid::new_v4() } }),
            0,
        ),
    ];
    for (request, expected) in cases {
        let whole = all_pages(&caller, &request, 1_000).await;
        assert_eq!(whole.len(), expected, "{request}");
        let mut unique = whole.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), expected, "{request}");
        assert_eq!(all_pages(&caller, &request, 7).await, whole, "{request}");
    }
}

#[tokio::test]
async fn a_conflict_of_several_columns_is_never_split_between_pages() {
    let db = Db::create().await;
    cards(&db, json!({ "default": "manual" })).await;
    let (mut devices, _) = devices_with_card(&db, 2, json!({})).await;
    let keys: Vec<Value> = (0..5).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    for key in &keys {
        devices[0].insert(TABLE, key.clone(), json!({ "a": "0", "b": "0" }));
    }
    devices[0].sync().await;
    devices[1].pull().await;
    for (n, device) in devices.iter_mut().enumerate() {
        for key in &keys {
            let value = format!("side {n}");
            device.update(TABLE, key.clone(), json!({ "a": value, "b": value }));
        }
        device.push().await;
    }
    let mut request = json!({ "limit": 2 });
    let mut seen = 0;
    loop {
        let page = devices[1].caller.conflicts(&request).await;
        for conflict in page["conflicts"].as_array().unwrap() {
            assert_eq!(
                conflict["columns"].as_object().unwrap().len(),
                2,
                "{conflict}"
            );
            seen += 1;
        }
        if page["has_more"] == false {
            break;
        }
        request["after"] = page["next"].clone();
    }
    assert_eq!(seen, 5);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let bad = [
        json!(null),
        json!([]),
        json!("x"),
        json!({ "limit": 0 }),
        json!({ "limit": 1001 }),
        json!({ "limit": "many" }),
        json!({ "status": "open" }),
        json!({ "outcome": "won" }),
        json!({ "since": "lately" }),
        json!({ "device": "mine" }),
        json!({ "after": { "created_at": "then" } }),
        json!({ "after": { "created_at": "2026-01-01", "id": "x" } }),
        json!({ "key": { "id": Uuid::new_v4() } }),
        json!({ "table": TABLE, "key": "x" }),
        json!({ "table": TABLE, "key": {} }),
        json!({ "table": TABLE, "key": { "id": "no uuid" } }),
        json!({ "table": TABLE, "key": { "id": null } }),
    ];
    for request in bad {
        assert_eq!(
            caller.conflicts_err(&request).await.code,
            "22023",
            "{request}"
        );
    }
}

/// Blocks that a page of conflicts reads, warm.
async fn blocks(caller: &Caller, request: &Value) -> i64 {
    let query = "explain (analyze, buffers, format json) select offline.conflicts($1)";
    let query = query.replace("$1", &format!("'{request}'"));
    let mut least = i64::MAX;
    for _ in 0..3 {
        let plan: Value = caller.client().query_one(&query, &[]).await.unwrap().get(0);
        let buffers = &plan[0]["Plan"];
        let count = |name: &str| buffers[name].as_i64().unwrap();
        least = least.min(count("Shared Hit Blocks") + count("Shared Read Blocks"));
    }
    least
}

#[tokio::test]
async fn a_page_is_read_by_index_however_long_the_log() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (user, device) = (Uuid::new_v4(), Uuid::new_v4());
    let caller = db.caller(user).await;
    fill(&db, user, device, 2_000).await;
    db.sql("analyze offline_data.conflict_resolution_log").await;
    let last = json!({ "created_at": "2026-01-01T00:25:00Z", "id": Uuid::nil() });
    let requests = [
        json!({ "limit": 10 }),
        json!({ "limit": 10, "status": "all" }),
        json!({ "limit": 10, "status": "auto" }),
        json!({ "limit": 10, "status": "all", "after": last }),
        json!({ "limit": 10, "status": "all", "since": "2026-01-01T00:25:00Z" }),
        json!({ "limit": 10, "status": "all", "table": TABLE }),
        json!({ "limit": 10, "status": "all", "policy": "last_write_wins" }),
    ];
    let mut small = Vec::new();
    for request in &requests {
        small.push(blocks(&caller, request).await);
    }
    // 50,000 conflicts of two columns each, and as many of somebody else.
    fill(&db, Uuid::new_v4(), Uuid::new_v4(), 50_000).await;
    db.rows(
        "delete from offline_data.conflict_resolution_log where user_id = $1",
        &[&user.to_string()],
    )
    .await;
    fill(&db, user, device, 50_000).await;
    db.sql("vacuum analyze offline_data.conflict_resolution_log")
        .await;
    for (request, small) in requests.iter().zip(small) {
        let large = blocks(&caller, request).await;
        assert!(
            large < 2 * small + 200,
            "{request}: {small} blocks of a short log, {large} of a long one"
        );
    }
}

async fn stats(caller: &Caller) -> Vec<String> {
    let query = "select concat_ws(' ', table_name, column_name, policy, outcome, decisions, pending, by_person, automatic_share)
        from offline.conflict_stats order by 1";
    let rows = caller.client().query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Two users, each with decisions of their own on the columns `a` (manual) and `b`.
async fn two_users(db: &Db) -> Vec<Device> {
    cards(db, json!({ "columns": { "a": "manual" } })).await;
    let (mut devices, key) = devices_with_card(db, 3, json!({ "a": "base", "b": "base" })).await;
    let now = now_ms(db).await;
    for n in 0..3 {
        let value = format!("side {n}");
        push_at(
            &mut devices,
            n,
            &key,
            json!({ "a": value, "b": value }),
            now + n as u64,
        )
        .await;
    }
    devices
}

#[tokio::test]
async fn each_caller_sees_only_their_own_decisions_and_the_owner_all() {
    let db = Db::create().await;
    let devices = two_users(&db).await;
    let own = [
        "public.card a manual manual 1 1 0 0.0000",
        "public.card b last_write_wins mine 1 0 0 1.0000",
    ];
    assert_eq!(stats(&devices[0].caller).await, Vec::<String>::new());
    for device in &devices[1..] {
        assert_eq!(stats(&device.caller).await, own);
        let query = "select distinct user_id from offline_data.conflict_resolution_log";
        let users = device.caller.client().query(query, &[]).await.unwrap();
        assert_eq!(users.len(), 1);
        assert_eq!(
            users[0].get::<_, String>(0),
            device.caller.user().to_string()
        );
    }
    let query = "select sum(decisions)::bigint from offline.conflict_stats";
    assert_eq!(db.one::<i64>(query, &[]).await, 4);
    let anon = db.anon().await;
    assert_eq!(anon.try_sql(query).await.unwrap_err().code, "42501");
    let error = devices[1]
        .caller
        .try_sql("delete from offline.conflict_stats")
        .await
        .unwrap_err();
    assert!(["42501", "55000"].contains(&error.code.as_str()), "{error}");
}

#[tokio::test]
async fn the_share_counts_what_a_person_settled_as_not_automatic() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (user, device) = (Uuid::new_v4(), Uuid::new_v4());
    fill(&db, user, device, 1_000).await;
    let caller = db.caller(user).await;
    let lines = stats(&caller).await;
    let expected = [
        "public.card a last_write_wins merged 10 0 0 1.0000",
        "public.card a last_write_wins mine 970 0 0 1.0000",
        "public.card a manual manual 20 10 10 0.0000",
    ];
    assert_eq!(lines[..3], expected);
    db.sql("update offline_data.conflict_resolution_log set policy = 'public.f'")
        .await;
    let lines = stats(&caller).await;
    assert_eq!(
        lines[0], "public.card a public.f manual 20 10 10 0.9800",
        "{lines:?}"
    );
}

#[tokio::test]
async fn bootstrap_adds_what_an_older_log_lacks_and_keeps_its_entries() {
    let db = Db::create().await;
    let devices = two_users(&db).await;
    db.sql(
        "alter table offline_data.conflict_resolution_log drop column kind, drop column overlap;
        drop index offline_data.conflict_resolution_log_user;
        update offline_data.synced_table set shape = shape - 'kinds' - 'forms', shape_mark = shape_mark - 2",
    )
    .await;
    let problems: i64 = db.one("select count(*) from offline.doctor()", &[]).await;
    assert!(problems >= 3, "{problems}");
    db.sql("select * from offline.bootstrap()").await;
    assert_eq!(
        db.one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0
    );
    let listed = devices[1].caller.conflicts(&json!({})).await;
    assert_eq!(listed["conflicts"][0]["kind"], "edit");
    let query = "select shape ? 'kinds' from offline_data.synced_table";
    assert!(db.one::<bool>(query, &[]).await, "shapes are made anew");
}
