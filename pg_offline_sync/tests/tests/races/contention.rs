//! Nobody waits for ever, nobody fails for what another does.

use std::sync::Arc;

use offline_sync_testkit::{Db, Device, Op, fixtures, mutation};
use rand::RngExt;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use uuid::Uuid;

const TASK: &str = "public.task";

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_push_the_same_rows_in_any_order_neither_deadlock_nor_fail() {
    const DEVICES: usize = 6;
    const ROUNDS: usize = 15;
    let db = Arc::new(Db::create().await);
    fixtures::tasks(
        &db,
        json!({ "policy": { "columns": { "likes": "counter" } } }),
    )
    .await;
    let users: Vec<Uuid> = (0..DEVICES).map(|_| Uuid::new_v4()).collect();
    let team = fixtures::team(&db, &users).await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(fixtures::add_task(&db, team, "t").await);
    }
    let mut work = tokio::task::JoinSet::new();
    for user in users {
        let (db, mut ids) = (Arc::clone(&db), ids.clone());
        work.spawn(async move {
            let mut device = Device::new(&db, user).await;
            for _ in 0..ROUNDS {
                ids.shuffle(&mut rand::rng());
                for id in &ids {
                    let key = json!({ "id": id });
                    let likes: i64 = device.view(TASK, &key).expect("the task")["likes"]
                        .parse()
                        .expect("a number");
                    device.update(TASK, key, json!({ "likes": likes + 1 }));
                }
                let answer = device.push().await;
                let fine = answer.count("applied") + answer.count("merged");
                assert_eq!(fine, ids.len(), "{:?}", answer.statuses());
                if rand::rng().random_bool(0.5) {
                    device.pull().await;
                }
            }
            device
        });
    }
    let mut devices = work.join_all().await;
    let expected = i32::try_from(DEVICES * ROUNDS).unwrap();
    let likes: Vec<i32> = db
        .column("select distinct likes from public.task", &[])
        .await;
    assert_eq!(likes, [expected], "every increment counts once");
    for device in &mut devices {
        device.pull().await;
        device.assert_in_step(TASK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_past_the_api_and_pushes_go_on_side_by_side() {
    let db = Arc::new(Db::create().await);
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let insert =
        "insert into public.note (user_id) select $1 from generate_series(1, 20) returning id";
    let ids: Vec<Uuid> = db.column(insert, &[&user]).await;
    let (owner, others) = (Arc::clone(&db), ids.clone());
    let writer = tokio::spawn(async move {
        for id in others.iter().cycle().take(200) {
            owner
                .rows("update public.note set n = n + 1 where id = $1", &[id])
                .await;
        }
    });
    let mut device = Device::new(&db, user).await;
    for round in 0..20 {
        for id in &ids {
            device.update(
                "public.note",
                json!({ "id": id }),
                json!({ "title": format!("round {round}") }),
            );
        }
        let answer = device.push().await;
        assert!(
            answer.results.iter().all(|verdict| verdict.error.is_none()),
            "{:?}",
            answer.statuses()
        );
        device.pull().await;
    }
    writer.await.unwrap();
    device.pull().await;
    device.assert_in_step("public.note").await;
    let titles: Vec<String> = db
        .column("select distinct title || ' ' || n from public.note", &[])
        .await;
    assert_eq!(titles, ["round 19 10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_may_come_and_go_while_devices_push_and_pull() {
    let db = Arc::new(Db::create().await);
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let owner = Arc::clone(&db);
    let ddl = tokio::spawn(async move {
        for n in 0..10 {
            owner
                .sql(&format!(
                    "alter table public.note add extra_{n} text default 'd{n}'"
                ))
                .await;
            if n % 3 == 0 {
                owner
                    .sql(&format!("alter table public.note drop extra_{n}"))
                    .await;
            }
            owner.sql("select * from offline.bootstrap()").await;
        }
    });
    let mut device = Device::new(&db, user).await;
    let mut applied = 0;
    while !ddl.is_finished() || applied < 50 {
        device.insert(
            "public.note",
            json!({ "id": Uuid::new_v4() }),
            json!({ "user_id": user, "title": "t" }),
        );
        let answer = device.push().await;
        assert_eq!(answer.count("applied"), 1, "{:?}", answer.results[0].error);
        applied += 1;
        // A pull reads one snapshot: it works, or says that it has to be repeated.
        let request = json!({ "cursor": device.cursor });
        if let Err(error) = device.caller.pull_text(device.id, &request).await {
            assert_eq!(error.code, "40001", "{error}");
        }
    }
    ddl.await.unwrap();
    let fresh = Device::new(&db, user).await;
    fresh.assert_in_step("public.note").await;
    assert_eq!(fresh.rows("public.note").len(), applied);
    assert_eq!(
        db.one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0
    );
}

#[tokio::test]
async fn pushes_of_one_device_on_two_connections_happen_one_after_the_other() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let (one, two) = (db.caller(user).await, db.caller(user).await);
    let device = one.new_device().await;
    let insert = |seq: u64| {
        mutation(
            seq,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({}),
        )
    };
    for first in (1..40).step_by(2) {
        let (a, b) = (
            json!([insert(first)]),
            json!({ "v": 1, "mutations": [insert(first + 1)] }).to_string(),
        );
        // The second follows the first, or comes too early and is told so.
        let (answer, early) = tokio::join!(one.push(device, &a), two.push_text(device, &b));
        assert_eq!(answer.statuses(), ["applied"]);
        if let Err(error) = early {
            assert_eq!(
                (error.code.as_str(), error.detail),
                ("PT409", first.to_string())
            );
            two.push_text(device, &b).await.unwrap();
        }
    }
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        40
    );
}

#[tokio::test]
async fn the_first_writers_of_a_new_history_agree_on_its_era() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("delete from offline_data.era").await;
    let user = Uuid::new_v4();
    let callers = [
        db.caller(user).await,
        db.caller(user).await,
        db.caller(user).await,
    ];
    let statement = "insert into public.note (title) values ('t')";
    let (a, b, c) = tokio::join!(
        callers[0].try_sql(statement),
        callers[1].try_sql(statement),
        callers[2].try_sql(statement)
    );
    assert_eq!([a, b, c], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.era", &[])
            .await,
        1
    );
    let eras: Vec<i32> = db
        .column("select distinct era from offline_data.row_state", &[])
        .await;
    assert_eq!(eras.len(), 1);
    let device = Device::new(&db, user).await;
    let titles: Vec<Value> = device
        .rows("public.note")
        .values()
        .map(|row| json!(row["title"]))
        .collect();
    assert_eq!(titles.len(), 3);
}
