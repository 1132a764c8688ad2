//! Has: an account, a table with an excluded column (a moderator's note, a price) that they can otherwise edit.
//! Wants: to write that column, or to read it by guessing with "before", conflicts and resolutions.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn an_excluded_column_can_be_neither_written_nor_guessed() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.enable_sync(
        "public.note",
        json!({ "scope": "user_id", "exclude": ["n"], "policy": { "default": "manual" } }),
    )
    .await;
    let attacker = db.caller(Uuid::new_v4()).await;
    let device = attacker.new_device().await;
    let id = Uuid::new_v4();
    db.rows(
        "insert into public.note (id, user_id, title, n) values ($1, $2, 'a', 4242)",
        &[&id, &attacker.user()],
    )
    .await;
    let key = json!({ "id": id });
    let mut guesses = Vec::new();
    for (seq, guess) in (1..).zip(["4242", "1"]) {
        let mut edit = mutation(
            seq,
            Op::Update,
            "public.note",
            &key,
            &json!({ "title": guess }),
        );
        edit["before"] = json!({ "n": guess, "title": "a" });
        guesses.push(edit);
    }
    let answer = attacker.push(device, &json!(guesses)).await;
    let (right, wrong) = (answer.verdict(1), answer.verdict(2));
    assert_eq!(
        (&right.status, &right.columns),
        (&wrong.status, &wrong.columns),
        "a right guess looks like a wrong one"
    );
    let log = attacker
        .conflicts(&json!({ "status": "all" }))
        .await
        .to_string();
    assert!(!log.contains("\"n\""), "{log}");
    for op in [Op::Update, Op::Upsert, Op::Insert] {
        let key = if op == Op::Insert {
            json!({ "id": Uuid::new_v4() })
        } else {
            key.clone()
        };
        let seq = 3 + u64::from(op != Op::Update) + u64::from(op == Op::Insert);
        let write = mutation(
            seq,
            op,
            "public.note",
            &key,
            &json!({ "n": "1", "title": "b" }),
        );
        assert_eq!(
            attacker.push(device, &json!([write])).await.statuses(),
            ["rejected 42501"]
        );
    }
    let pending: Vec<Uuid> = db
        .column(
            "select conflict_id from offline_data.conflict_resolution_log where status = 'pending'",
            &[],
        )
        .await;
    for conflict in pending {
        let error = attacker
            .resolve(conflict, "merged", Some(&json!({ "n": "1" })))
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023");
    }
    assert_eq!(
        db.column::<i64>("select n from public.note", &[]).await,
        [4242]
    );
    let pulled = attacker.pull_text(device, &json!({})).await.unwrap();
    assert!(!pulled.contains("4242"), "{pulled}");
}
