//! A push may be repeated any number of times, after any crash on either side.

use offline_sync_testkit::{Db, Device, Op, eventually, fixtures, mutation};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

fn counting(seqs: std::ops::RangeInclusive<u64>, key: &Value) -> Value {
    let step = |seq: u64| match seq {
        1 => mutation(
            1,
            Op::Insert,
            "public.note",
            key,
            &json!({ "n": "1", "title": "1" }),
        ),
        _ => {
            let mut update = mutation(
                seq,
                Op::Update,
                "public.note",
                key,
                &json!({ "n": seq.to_string() }),
            );
            update["before"] = json!({ "n": (seq - 1).to_string() });
            update
        }
    };
    seqs.map(step).collect()
}

async fn counter(db: &Db) {
    fixtures::notes(db).await;
    db.enable_sync(
        "public.note",
        json!({ "scope": "user_id", "policy": { "columns": { "n": "counter" } } }),
    )
    .await;
}

async fn history(db: &Db) -> i64 {
    db.one("select count(*) from offline_data.row_history", &[])
        .await
}

#[tokio::test]
async fn any_overlap_with_what_was_pushed_before_is_answered_as_duplicate_with_its_verdict() {
    let db = Db::create().await;
    counter(&db).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let key = json!({ "id": Uuid::new_v4() });
    for (batch, duplicates) in [
        (1..=3, 0),
        (1..=3, 3),
        (2..=3, 2),
        (2..=5, 2),
        (5..=5, 1),
        (1..=8, 5),
        (7..=10, 2),
    ] {
        let answer = caller.push(device, &counting(batch.clone(), &key)).await;
        assert_eq!(
            answer.count("duplicate of applied"),
            duplicates,
            "{batch:?}"
        );
        assert_eq!(
            answer.results.len() as u64,
            batch.end() - batch.start() + 1,
            "{batch:?}"
        );
        let n: i64 = db.one("select n from public.note", &[]).await;
        assert_eq!(n.to_string(), answer.acked_seq);
    }
    assert_eq!(history(&db).await, 10, "each mutation had its effect once");
}

#[tokio::test]
async fn a_gap_is_refused_with_the_seq_that_is_expected_and_nothing_is_written() {
    let db = Db::create().await;
    counter(&db).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let key = json!({ "id": Uuid::new_v4() });
    let batch = |seqs| json!({ "v": 1, "mutations": counting(seqs, &key) }).to_string();
    let error = caller.push_err(device, &batch(2..=3)).await;
    assert_eq!((error.code.as_str(), error.detail.as_str()), ("PT409", "1"));
    caller.push(device, &counting(1..=2, &key)).await;
    let error = caller.push_err(device, &batch(4..=5)).await;
    assert_eq!((error.code.as_str(), error.detail.as_str()), ("PT409", "3"));
    let mut torn = counting(3..=5, &key);
    torn.as_array_mut().unwrap().remove(1);
    let error = caller
        .push_err(device, &json!({ "v": 1, "mutations": torn }).to_string())
        .await;
    assert_eq!((error.code.as_str(), error.detail.as_str()), ("PT409", "4"));
    assert_eq!(history(&db).await, 2);
}

#[tokio::test]
async fn the_same_batch_on_two_connections_at_once_has_its_effect_once() {
    let db = Db::create().await;
    counter(&db).await;
    let user = Uuid::new_v4();
    let (one, two) = (db.caller(user).await, db.caller(user).await);
    let device = one.new_device().await;
    let key = json!({ "id": Uuid::new_v4() });
    for round in 0..20 {
        let batch = counting(round * 5 + 1..=round * 5 + 5, &key);
        let (first, second) = tokio::join!(one.push(device, &batch), two.push(device, &batch));
        let mut applied = [first.count("applied"), second.count("applied")];
        applied.sort_unstable();
        assert_eq!(applied, [0, 5], "one applies, the other finds duplicates");
    }
    assert_eq!(db.one::<i64>("select n from public.note", &[]).await, 100);
    assert_eq!(history(&db).await, 100);
}

#[tokio::test]
async fn a_backend_killed_in_the_middle_of_a_push_leaves_nothing_and_the_retry_applies_all() {
    let db = Db::create().await;
    counter(&db).await;
    db.sql("create function public.wait_at_five() returns trigger language plpgsql as
            $$ begin if new.n = 5 then perform pg_advisory_xact_lock_shared(5); end if; return new; end $$;
        create trigger wait_at_five before update on public.note for each row execute function public.wait_at_five()").await;
    let user = Uuid::new_v4();
    let (doomed, survivor) = (db.caller(user).await, db.caller(user).await);
    let device = doomed.new_device().await;
    let key = json!({ "id": Uuid::new_v4() });
    let batch = counting(1..=10, &key);
    db.sql("select pg_advisory_lock(5)").await;
    let pid: i32 = doomed
        .client()
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let text = json!({ "v": 1, "mutations": batch }).to_string();
    // Waiting on the lock must not time out before the backend is killed.
    doomed.sql("set lock_timeout = '60s'").await;
    let superuser = db.connect("postgres").await;
    let killer = async {
        eventually("the push waits", || async {
            let waits = "select exists (select from pg_stat_activity where pid = $1 and wait_event = 'advisory')";
            superuser.query_one(waits, &[&pid]).await.unwrap().get(0)
        })
        .await;
        superuser
            .execute("select pg_terminate_backend($1)", &[&pid])
            .await
            .unwrap();
    };
    let (pushed, ()) = tokio::join!(doomed.push_text(device, &text), killer);
    assert!(pushed.is_err());
    assert_eq!(history(&db).await, 0, "nothing of it was written");
    db.sql("select pg_advisory_unlock(5)").await;
    let answer = survivor.push(device, &batch).await;
    assert_eq!(answer.count("applied"), 10);
    assert_eq!(db.one::<i64>("select n from public.note", &[]).await, 10);
}

#[tokio::test]
async fn a_thousand_rounds_of_lost_answers_and_repetitions_end_with_each_effect_once() {
    const ROUNDS: u64 = 1_000;
    let seed = offline_sync_testkit::seed();
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let db = Db::create().await;
    counter(&db).await;
    let user = Uuid::new_v4();
    let mut device = Device::new(&db, user).await;
    let mut other = Device::new(&db, user).await;
    let keys: Vec<Value> = (0..5).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    for key in &keys {
        device.insert(
            "public.note",
            key.clone(),
            json!({ "user_id": user, "n": "0" }),
        );
    }
    let mut expected = vec![0_i64; keys.len()];
    for _ in 0..ROUNDS {
        let key = keys.choose(&mut random).unwrap();
        let at = keys.iter().position(|other| other == key).unwrap();
        let seen = device
            .view("public.note", key)
            .and_then(|row| row.get("n").cloned());
        let seen: i64 = seen.map_or(0, |n| n.trim_matches('"').parse().unwrap());
        device.update(
            "public.note",
            key.clone(),
            json!({ "n": (seen + 1).to_string() }),
        );
        expected[at] += 1;
        match random.random_range(0..4) {
            0 => device.push_losing_the_answer().await,
            1 => {
                device.push_losing_the_answer().await;
                device.sync().await;
            }
            2 => {
                device.sync().await;
            }
            _ => {}
        }
    }
    device.sync().await;
    other.pull().await;
    let counts = keys.iter().map(|key| {
        device.view("public.note", key).unwrap()["n"]
            .trim_matches('"')
            .parse()
            .unwrap()
    });
    assert_eq!(counts.collect::<Vec<i64>>(), expected, "seed {seed}");
    device.assert_in_step("public.note").await;
    other.assert_in_step("public.note").await;
    assert_eq!(history(&db).await, (ROUNDS as i64) + 5, "seed {seed}");
}
