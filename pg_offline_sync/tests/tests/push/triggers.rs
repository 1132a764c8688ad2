//! Triggers of the user's tables.

use offline_sync_testkit::{Db, Device, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

use crate::user;

async fn trigger(db: &Db, timing: &str, body: &str) {
    db.sql(&format!(
        "create function public.touch() returns trigger language plpgsql as $$ begin {body} end $$;
        create trigger touch {timing} on public.note for each row execute function public.touch()"
    ))
    .await;
}

#[tokio::test]
async fn what_a_trigger_makes_of_the_row_comes_back_with_the_verdict() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    trigger(
        &db,
        "before insert or update",
        "new.title := upper(new.title); return new;",
    )
    .await;
    let me = Uuid::new_v4();
    let mut one = Device::new(&db, me).await;
    let mut two = Device::new(&db, me).await;
    let key = json!({ "id": Uuid::new_v4() });
    one.insert(
        "public.note",
        key.clone(),
        json!({ "user_id": me, "title": "loud", "n": "0" }),
    );
    one.push().await;
    one.update("public.note", key.clone(), json!({ "title": "louder" }));
    one.update("public.note", key.clone(), json!({ "n": "5" }));
    one.push().await;
    one.assert_in_step("public.note").await;
    assert_eq!(
        one.view("public.note", &key).unwrap()["title"],
        "\"LOUDER\""
    );
    assert_eq!(one.pull().await.upserts, 0, "and need not be pulled");
    two.pull().await;
    two.assert_in_step("public.note").await;
}

#[tokio::test]
async fn a_trigger_that_writes_the_row_again_afterwards_is_seen_too() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    trigger(
        &db,
        "after insert or update of title",
        "update public.note set n = n + 1 where id = new.id; return null;",
    )
    .await;
    let me = Uuid::new_v4();
    let mut one = Device::new(&db, me).await;
    let mut two = Device::new(&db, me).await;
    let keys: Vec<_> = (0..3).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    for key in &keys {
        one.insert(
            "public.note",
            key.clone(),
            json!({ "user_id": me, "title": "t", "n": "0" }),
        );
    }
    one.push().await;
    one.update("public.note", keys[0].clone(), json!({ "title": "u" }));
    one.upsert("public.note", keys[1].clone(), json!({ "title": "v" }));
    assert_eq!(one.push().await.count("applied"), 2);
    one.pull().await;
    one.assert_in_step("public.note").await;
    assert_eq!(one.view("public.note", &keys[0]).unwrap()["n"], "\"2\"");
    two.pull().await;
    two.assert_in_step("public.note").await;
}

#[tokio::test]
async fn a_trigger_that_keeps_a_row_from_being_written_gets_its_mutation_rejected() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    trigger(&db, "before insert or update or delete",
        "if coalesce(new.title, old.title) = 'no' then return null; end if; return coalesce(new, old);").await;
    let (caller, device) = user(&db).await;
    let ids: Vec<_> = (0..4).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    let batch = json!([
        mutation(
            1,
            Op::Insert,
            "public.note",
            &ids[0],
            &json!({ "title": "yes" })
        ),
        mutation(
            2,
            Op::Insert,
            "public.note",
            &ids[1],
            &json!({ "title": "no" })
        ),
        mutation(
            3,
            Op::Upsert,
            "public.note",
            &ids[2],
            &json!({ "title": "no" })
        ),
        mutation(
            4,
            Op::Update,
            "public.note",
            &ids[0],
            &json!({ "title": "no" })
        ),
        mutation(
            5,
            Op::Insert,
            "public.note",
            &ids[3],
            &json!({ "title": "yes" })
        ),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(answer.status(1), "applied");
    assert_eq!(answer.status(5), "applied");
    for seq in 2..=4 {
        assert!(
            answer.status(seq).starts_with("rejected"),
            "{seq}: {}",
            answer.status(seq)
        );
    }
    let titles: Vec<String> = db.column("select title from public.note", &[]).await;
    assert_eq!(titles, ["yes", "yes"]);
}

#[tokio::test]
async fn an_error_raised_by_a_trigger_is_the_verdict() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    trigger(
        &db,
        "before insert",
        "raise exception using errcode = 'P9001', message = 'too late', detail = 'd', hint = 'h';",
    )
    .await;
    let (caller, device) = user(&db).await;
    let insert = mutation(
        1,
        Op::Insert,
        "public.note",
        &json!({ "id": Uuid::new_v4() }),
        &json!({}),
    );
    let answer = caller.push(device, &json!([insert])).await;
    let expected = json!({ "code": "P9001", "message": "too late", "detail": "d", "hint": "h" });
    assert_eq!(answer.verdict(1).error, Some(expected));
}

#[tokio::test]
async fn a_deferred_constraint_trigger_fails_its_own_mutation_and_not_the_commit() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("create function public.late() returns trigger language plpgsql as
            $$ begin if new.n = 13 then raise exception using errcode = 'P9013', message = 'unlucky'; end if; return null; end $$;
        create constraint trigger late after insert on public.note deferrable initially deferred
            for each row execute function public.late()").await;
    let (caller, device) = user(&db).await;
    let insert = |seq, n: u64| {
        mutation(
            seq,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({ "n": n.to_string() }),
        )
    };
    let answer = caller
        .push(
            device,
            &json!([insert(1, 12), insert(2, 13), insert(3, 14)]),
        )
        .await;
    assert_eq!(answer.statuses(), ["applied", "rejected P9013", "applied"]);
}

#[tokio::test]
async fn an_assertion_that_fails_in_a_trigger_costs_its_own_mutation_and_not_the_batch() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    trigger(
        &db,
        "before insert",
        "assert new.title <> 'bad', 'no bad titles'; return new;",
    )
    .await;
    let (caller, device) = user(&db).await;
    let insert = |seq: u64, title: &str| {
        let key = json!({ "id": Uuid::new_v4() });
        mutation(
            seq,
            Op::Insert,
            "public.note",
            &key,
            &json!({ "title": title }),
        )
    };
    let batch = json!([insert(1, "good"), insert(2, "bad"), insert(3, "good")]);
    let statuses = caller.push(device, &batch).await.statuses();
    assert_eq!(statuses, ["applied", "rejected P0004", "applied"]);
}
