//! Devices edit the same rows offline and sync in any order, some answers being lost: all end with the same rows.

use offline_sync_testkit::{Db, Device};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

const TABLE: &str = "public.card";
const DEVICES: usize = 3;
const EDITS: usize = 600;
const ROWS: usize = 40;

async fn cards(db: &Db) -> Vec<Value> {
    db.sql(
        "create table public.card (id uuid primary key, a text, b text, likes int8 not null default 0, best int8 not null default 0);
        alter table public.card enable row level security;
        create policy everyone on public.card to authenticated using (true) with check (true)",
    )
    .await;
    let policy = json!({ "columns": { "likes": "counter", "best": "max" } });
    db.enable_sync(TABLE, json!({ "scope": "'public'", "policy": policy }))
        .await;
    let ids: Vec<Uuid> = (0..ROWS).map(|_| Uuid::new_v4()).collect();
    db.rows(
        "insert into public.card (id) select unnest($1::uuid[])",
        &[&ids],
    )
    .await;
    ids.iter().map(|id| json!({ "id": id })).collect()
}

/// One edit, with what it adds to the likes of its row and the value that it offers as the best.
fn edit(device: &mut Device, key: &Value, random: &mut StdRng) -> (i64, i64) {
    let row = device.view(TABLE, key).expect("no card is deleted");
    let likes: i64 = row["likes"].trim_matches('"').parse().unwrap();
    match random.random_range(0..4) {
        0 => {
            let step = random.random_range(-3..=5);
            device.update(
                TABLE,
                key.clone(),
                json!({ "likes": (likes + step).to_string() }),
            );
            (step, 0)
        }
        1 => {
            let seen: i64 = row["best"].trim_matches('"').parse().unwrap();
            let best = seen + random.random_range(1..1_000);
            device.update(TABLE, key.clone(), json!({ "best": best.to_string() }));
            (0, best)
        }
        2 => {
            let text: u32 = random.random();
            device.update(TABLE, key.clone(), json!({ "a": text.to_string() }));
            (0, 0)
        }
        _ => {
            let text: u32 = random.random();
            let patch = json!({ "a": text.to_string(), "b": format!("é {text}"), "likes": (likes + 1).to_string() });
            device.update(TABLE, key.clone(), patch);
            (1, 0)
        }
    }
}

#[tokio::test]
async fn all_devices_end_with_byte_identical_rows_and_no_increment_is_lost() {
    let seed = offline_sync_testkit::seed();
    let mut random = StdRng::seed_from_u64(seed);
    let db = Db::create().await;
    let keys = cards(&db).await;
    let mut devices = Vec::new();
    for n in 0..DEVICES {
        let mut device = Device::new(&db, Uuid::new_v4()).await;
        device.page_limit = 7 + n as u64;
        devices.push(device);
    }
    let (mut likes, mut best) = (vec![0_i64; ROWS], vec![0_i64; ROWS]);
    for _ in 0..EDITS * DEVICES {
        let n = random.random_range(0..DEVICES);
        let key = keys.choose(&mut random).unwrap();
        let at = keys.iter().position(|other| other == key).unwrap();
        let (step, offer) = edit(&mut devices[n], key, &mut random);
        likes[at] += step;
        best[at] = best[at].max(offer);
        match random.random_range(0..40) {
            0 => devices[n].push_losing_the_answer().await,
            1 => {
                devices[n].sync().await;
            }
            2 => {
                devices[n].pull().await;
            }
            _ => {}
        }
    }
    for _ in 0..2 {
        for device in &mut devices {
            device.sync().await;
        }
    }
    for device in &devices {
        device.assert_in_step(TABLE).await;
        assert_eq!(device.pending(), 0);
    }
    let number = |key: &Value, column: &str| -> i64 {
        devices[0].view(TABLE, key).unwrap()[column]
            .trim_matches('"')
            .parse()
            .unwrap()
    };
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(
            number(key, "likes"),
            likes[at],
            "likes of {key}, seed {seed}"
        );
        assert_eq!(number(key, "best"), best[at], "best of {key}, seed {seed}");
    }
}
