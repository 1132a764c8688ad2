//! Several devices edit what they saw; whatever the order in which their mutations arrive, the row ends the same.

use std::collections::BTreeMap;

use offline_sync_testkit::{Columns, Db, Device, Op, mutation};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{hlc, now_ms};

const TABLE: &str = "public.page";
const SEEDS: u64 = 10;
const ORDERS: usize = 6;

/// One edit that a device made offline, or its deletion of the row.
#[derive(Clone)]
struct Edit {
    patch: Option<Value>,
    before: Value,
    clock: u64,
}

/// A table with a column for each policy that converges.
async fn pages(db: &Db, on_delete: &str) {
    db.sql(
        "create function public.longest(base jsonb, mine jsonb, theirs jsonb, context jsonb) returns jsonb language sql as $$
            select case when (length(mine #>> '{}'), mine #>> '{}') > (length(theirs #>> '{}'), theirs #>> '{}') then mine else theirs end $$;
        create table public.page (id uuid primary key, title text, body text, likes int8, best int8, low numeric, tags text[],
            ids int8[], doc jsonb, name text, note text);
        alter table public.page enable row level security;
        create policy everyone on public.page to authenticated using (true) with check (true)",
    )
    .await;
    let columns = json!({ "body": "text", "likes": "counter", "best": "max", "low": "min", "tags": "set", "ids": "merge",
        "doc": "json", "name": { "function": "public.longest" }, "note": "merge" });
    let policy = json!({ "columns": columns, "on_delete": on_delete });
    db.enable_sync(TABLE, json!({ "scope": "'public'", "policy": policy }))
        .await;
}

/// The page that everybody saw.
fn start() -> Value {
    let words: Vec<String> = (0..12).map(|n| format!("word{n} and")).collect();
    json!({ "title": "start", "body": words.join(" "), "likes": "100", "best": "100", "low": "100.5",
        "tags": ["a", "b", "c", "d"], "ids": ["1", "2", "9007199254740993"],
        "doc": { "x": 0, "y": { "z": 0, "w": [1, 2] }, "gone": 1 }, "name": "n", "note": words.join("\n") })
}

/// What device `n` of several makes of one column; `mark` is a value that nobody else writes. Texts are edited at words of the
/// device's own.
fn change(column: &str, seen: &Value, n: usize, mark: u64, random: &mut StdRng) -> Value {
    let number = || seen.as_str().unwrap().parse::<f64>().unwrap();
    let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
    let step = sign * random.random_range(1..=9) as f64;
    match column {
        "title" => json!(format!("title {mark}")),
        "body" | "note" => {
            let text = seen.as_str().unwrap();
            let own = text
                .split_whitespace()
                .filter(|word| word.starts_with("word"));
            let word = own.skip(3 * n).nth(random.random_range(0..3)).unwrap();
            json!(text.replacen(word, &format!("word{n}x{mark}"), 1))
        }
        "likes" | "best" => json!(format!("{}", number() + step)),
        "low" => json!(format!("{:.1}", number() + step)),
        "tags" | "ids" => {
            let mut set = seen.as_array().unwrap().clone();
            if random.random_bool(0.5) && !set.is_empty() {
                set.remove(random.random_range(0..set.len()));
            } else {
                set.push(json!(mark.to_string()));
            }
            json!(set)
        }
        "doc" => {
            let mut doc = seen.clone();
            match random.random_range(0..5) {
                0 => doc["x"] = json!(mark),
                1 => doc["y"]["z"] = json!(mark),
                2 => doc[format!("own{n}")] = json!(mark),
                3 => drop(doc.as_object_mut().unwrap().remove("gone")),
                _ => doc["y"]["w"].as_array_mut().unwrap().push(json!(mark)),
            }
            doc
        }
        "name" => json!("n".repeat(1 + mark as usize % 40)),
        _ => unreachable!(),
    }
}

/// What each device does offline; the last one deletes the row, if `deletes`.
fn edits(seed: u64, now: u64, deletes: bool) -> Vec<Vec<Edit>> {
    let mut random = StdRng::seed_from_u64(seed);
    let columns = [
        "title", "body", "likes", "best", "low", "tags", "ids", "doc", "name", "note",
    ];
    let mut mark = 1_000;
    let mut all: Vec<Vec<Edit>> = (0..3)
        .map(|n| {
            let mut seen = start();
            let mut clock = now + random.random_range(0..50);
            let edits = (0..random.random_range(1..=3)).map(|_| {
                clock += random.random_range(1..40);
                let (mut patch, mut before) = (Map::new(), Map::new());
                for column in columns {
                    if random.random_bool(0.6) {
                        mark += 1;
                        let value = change(column, &seen[column], n, mark, &mut random);
                        before.insert(column.to_owned(), seen[column].clone());
                        seen[column] = value.clone();
                        patch.insert(column.to_owned(), value);
                    }
                }
                Edit {
                    patch: Some(Value::Object(patch)),
                    before: Value::Object(before),
                    clock,
                }
            });
            edits.collect()
        })
        .collect();
    if deletes {
        all.push(vec![Edit {
            patch: None,
            before: Value::Null,
            clock: now + 25,
        }]);
    }
    all
}

/// Devices in an order of arrival that keeps each device's own order.
fn arrival(edits: &[Vec<Edit>], random: &mut StdRng) -> Vec<(usize, usize)> {
    let mut next = vec![0; edits.len()];
    let mut order = Vec::new();
    while order.len() < edits.iter().map(Vec::len).sum() {
        let n = random.random_range(0..edits.len());
        if next[n] < edits[n].len() {
            order.push((n, next[n]));
            next[n] += 1;
        }
    }
    order
}

/// The row as it counts: sets and members in no order.
fn canonical(row: Option<Columns>) -> Option<BTreeMap<String, Value>> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Array(list) => {
                let mut list: Vec<Value> = list.into_iter().map(sorted).collect();
                list.sort_by_key(Value::to_string);
                Value::Array(list)
            }
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)))
                .collect(),
            scalar => scalar,
        }
    }
    let columns = row?.into_iter().filter(|(name, _)| name != "id");
    Some(
        columns
            .map(|(name, value)| (name, sorted(serde_json::from_str(&value).unwrap())))
            .collect(),
    )
}

/// Every seed's edits arrive in several orders, on a row for each; what the rows end as.
async fn every_order_ends_the_same(on_delete: &str, deletes: bool) {
    let first = offline_sync_testkit::seed();
    let db = Db::create().await;
    pages(&db, on_delete).await;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(Device::new(&db, Uuid::new_v4()).await);
    }
    let mut seqs = vec![0_u64; devices.len()];
    for seed in (0..SEEDS).map(|n| first.wrapping_add(n)) {
        // Later than the rows that they edit, in all the orders.
        let edits = edits(seed, now_ms(&db).await + 20_000, deletes);
        let mut random = StdRng::seed_from_u64(seed);
        let mut ends = Vec::new();
        for _ in 0..ORDERS {
            let key = json!({ "id": Uuid::new_v4() });
            let mut row = start();
            row["id"] = key["id"].clone();
            let insert = "insert into public.page select * from jsonb_populate_record(null::public.page, $1)";
            db.rows(insert, &[&row]).await;
            let id = key["id"].as_str().unwrap();
            let version = "select version::text from offline_data.row_state where row_key = $1";
            let base: String = db.one(version, &[&id]).await;
            let order = arrival(&edits, &mut random);
            for (n, at) in &order {
                let edit = &edits[*n][*at];
                seqs[*n] += 1;
                let (op, patch) = match &edit.patch {
                    Some(patch) => (Op::Update, patch.clone()),
                    None => (Op::Delete, json!({})),
                };
                let mut wire = mutation(seqs[*n], op, TABLE, &key, &patch);
                wire["base"] = json!(base);
                wire["hlc"] = hlc(edit.clock);
                if op == Op::Update {
                    wire["before"] = edit.before.clone();
                }
                let answer = devices[*n]
                    .caller
                    .push(devices[*n].id, &json!([wire]))
                    .await;
                let status = answer.results[0].summary();
                assert!(
                    ["applied", "merged"].contains(&status.as_str()),
                    "seed {seed}, {order:?}: {status}"
                );
            }
            for device in &mut devices {
                device.pull().await;
            }
            let end = canonical(devices[0].view(TABLE, &key));
            for device in &devices[1..] {
                assert_eq!(
                    canonical(device.view(TABLE, &key)),
                    end,
                    "seed {seed}, {order:?}"
                );
            }
            ends.push((order, end));
        }
        for (order, end) in &ends[1..] {
            assert_eq!(
                end, &ends[0].1,
                "seed {seed}: {order:?} and {:?}",
                ends[0].0
            );
        }
    }
    for device in &devices {
        device.assert_in_step(TABLE).await;
    }
}

#[tokio::test]
async fn edits_converge_whatever_the_order_of_arrival() {
    every_order_ends_the_same("update_wins", false).await;
}

#[tokio::test]
async fn an_edit_wins_over_a_deletion_whatever_the_order_of_arrival() {
    every_order_ends_the_same("update_wins", true).await;
}

#[tokio::test]
async fn a_deletion_wins_over_edits_whatever_the_order_of_arrival() {
    every_order_ends_the_same("delete_wins", true).await;
}
