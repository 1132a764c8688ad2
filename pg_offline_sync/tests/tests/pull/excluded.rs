//! Excluded columns never appear anywhere.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn an_excluded_column_is_in_no_answer_of_any_call() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({ "policy": { "default": "manual" } })).await;
    db.sql("alter table public.task add hush_hush text default 'TOP SECRET';
        create function public.touch() returns trigger language plpgsql as
            $$ begin new.hush_hush := 'TOP SECRET ' || coalesce(new.title, ''); return new; end $$;
        create trigger touch before insert or update on public.task for each row execute function public.touch()").await;
    db.enable_sync(
        "public.task",
        json!({ "scope": "team_id", "exclude": ["hush_hush"], "policy": { "default": "manual" },
        "members": "select team_id from public.member where user_id = auth.uid()" }),
    )
    .await;
    let (one, two) = (
        db.caller(Uuid::new_v4()).await,
        db.caller(Uuid::new_v4()).await,
    );
    let (device, other) = (one.new_device().await, two.new_device().await);
    let team = fixtures::team(&db, &[one.user(), two.user()]).await;
    let key = json!({ "id": Uuid::new_v4() });
    let push =
        async |caller: &offline_sync_testkit::Caller, device, mutations: serde_json::Value| {
            let batch = json!({ "v": 1, "mutations": mutations }).to_string();
            caller.push_text(device, &batch).await.unwrap()
        };
    let mut answers = vec![
        push(
            &one,
            device,
            json!([mutation(
                1,
                Op::Insert,
                "public.task",
                &key,
                &json!({ "team_id": team, "title": "a" })
            )]),
        )
        .await,
        one.pull_text(device, &json!({})).await.unwrap(),
    ];
    let mut edit = mutation(2, Op::Update, "public.task", &key, &json!({ "title": "b" }));
    edit["base"] = json!("1");
    answers.push(push(&one, device, json!([edit])).await);
    let mut stale = mutation(1, Op::Update, "public.task", &key, &json!({ "title": "c" }));
    stale["base"] = json!("1");
    answers.push(push(&two, other, json!([stale])).await);
    assert!(answers[3].contains("\"conflict\""), "{}", answers[3]);
    answers.push(two.conflicts(&json!({})).await.to_string());
    let id: Uuid = db
        .one(
            "select conflict_id from offline_data.conflict_resolution_log",
            &[],
        )
        .await;
    let merged = json!({ "hush_hush": "mine" });
    assert_eq!(
        two.resolve(id, "merged", Some(&merged))
            .await
            .unwrap_err()
            .code,
        "22023"
    );
    answers.push(two.resolve(id, "mine", None).await.unwrap().to_string());
    let gone = mutation(3, Op::Delete, "public.task", &key, &json!({}));
    answers.push(push(&one, device, json!([gone])).await);
    let mut revive = mutation(2, Op::Update, "public.task", &key, &json!({ "title": "d" }));
    revive["base"] = json!("3");
    answers.push(push(&two, other, json!([revive])).await);
    answers.push(two.pull_text(other, &json!({})).await.unwrap());
    answers.push(two.conflicts(&json!({ "status": "all" })).await.to_string());
    for answer in &answers {
        assert!(
            !answer.contains("TOP SECRET") && !answer.contains("hush_hush"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_push_that_names_an_excluded_column_is_rejected_in_every_op() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.enable_sync(
        "public.note",
        json!({ "scope": "user_id", "exclude": ["n"] }),
    )
    .await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let key = json!({ "id": Uuid::new_v4() });
    let patch = json!({ "n": "99" });
    let mut before = mutation(5, Op::Update, "public.note", &key, &json!({ "title": "b" }));
    before["before"] = json!({ "n": "0", "title": "a" });
    let batch = json!([
        mutation(1, Op::Insert, "public.note", &key, &json!({ "title": "a" })),
        mutation(2, Op::Update, "public.note", &key, &patch),
        mutation(3, Op::Upsert, "public.note", &key, &patch),
        mutation(
            4,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &patch
        ),
        before,
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        answer.statuses(),
        [
            "applied",
            "rejected 42501",
            "rejected 42501",
            "rejected 42501",
            "applied"
        ]
    );
    assert_eq!(
        db.column::<i64>("select n from public.note", &[]).await,
        [0]
    );
    let log: i64 = db
        .one(
            "select count(*) from offline_data.conflict_resolution_log",
            &[],
        )
        .await;
    assert_eq!(log, 0);
}
