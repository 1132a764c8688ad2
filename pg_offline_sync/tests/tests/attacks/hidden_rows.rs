//! Has: an account that shares a scope with others, and the keys of rows there that policies hide, living and deleted.
//! Wants: to take those rows over, to learn what is or was in them, or that they were there.

use offline_sync_testkit::{Caller, Db, Op, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

const CARD: &str = "public.card";

/// A victim's private card in a scope that everybody has; `by` is its scope expression.
struct Cards {
    db: Db,
    victim: Caller,
    victims_device: Uuid,
    attacker: Caller,
    attackers_device: Uuid,
    key: Value,
}

impl Cards {
    async fn new(options: Value) -> Cards {
        let db = Db::create().await;
        db.sql(
            "create table public.card (id uuid primary key, owner uuid, a text, secret text, pub bool default true);
            alter table public.card enable row level security;
            create policy r on public.card for select to authenticated using (pub or owner = auth.uid());
            create policy i on public.card for insert to authenticated with check (owner = auth.uid());
            create policy u on public.card for update to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
            create policy d on public.card for delete to authenticated using (owner = auth.uid())",
        )
        .await;
        db.rows("select offline.enable_sync('public.card', $1)", &[&options])
            .await;
        let (victim, attacker) = (
            db.caller(Uuid::new_v4()).await,
            db.caller(Uuid::new_v4()).await,
        );
        let key = json!({ "id": Uuid::new_v4() });
        let private = json!({ "owner": victim.user(), "a": "private text", "pub": false });
        let cards = Cards {
            victims_device: victim.new_device().await,
            attackers_device: attacker.new_device().await,
            db,
            victim,
            attacker,
            key,
        };
        let insert = mutation(1, Op::Insert, CARD, &cards.key, &private);
        let answer = cards
            .victim
            .push(cards.victims_device, &json!([insert]))
            .await;
        assert_eq!(answer.statuses(), ["applied"]);
        cards
            .db
            .sql("update public.card set secret = 'excluded text'")
            .await;
        cards
    }

    async fn delete(&self) {
        let mut delete = mutation(2, Op::Delete, CARD, &self.key, &json!({}));
        delete["base"] = json!("999");
        self.victim
            .push(self.victims_device, &json!([delete]))
            .await;
    }

    /// What the attacker is answered, which must not hold anything of the victim's.
    async fn attack(&self, seq: u64, op: Op, patch: &Value, base: &str) -> Value {
        let mut touch = mutation(seq, op, CARD, &self.key, patch);
        touch["base"] = json!(base);
        let batch = json!({ "v": 1, "mutations": [touch] }).to_string();
        let pushed = self.attacker.push_text(self.attackers_device, &batch).await;
        let pushed = pushed.unwrap();
        let told = self.attacker.conflicts(&json!({ "status": "all" })).await;
        let told = told.to_string();
        for secret in [
            "private text",
            "excluded text",
            &self.victim.user().to_string(),
        ] {
            assert!(!pushed.contains(secret), "{pushed}");
            assert!(!told.contains(secret), "{told}");
        }
        let answer: Value = serde_json::from_str(&pushed).unwrap();
        answer["results"][0].clone()
    }

    async fn count(&self) -> i64 {
        self.db.one("select count(*) from public.card", &[]).await
    }
}

fn everybodys(on_delete: &str) -> Value {
    json!({ "scope": "'public'", "exclude": ["secret"], "policy": { "on_delete": on_delete } })
}

#[tokio::test]
async fn a_deleted_hidden_row_cannot_be_brought_back_as_ones_own() {
    for on_delete in ["update_wins", "delete_wins", "manual"] {
        let cards = Cards::new(everybodys(on_delete)).await;
        cards.delete().await;
        let me = cards.attacker.user();
        for (seq, patch) in [
            (1, json!({ "owner": me })),
            (2, json!({ "owner": me, "pub": true })),
        ] {
            cards.attack(seq, Op::Update, &patch, "1").await;
        }
        let pending =
            "select conflict_id from offline_data.conflict_resolution_log where status = 'pending'";
        for row in cards.db.rows(pending, &[]).await {
            let id: Uuid = row.get(0);
            let resolve = format!("select offline.resolve_conflict('{id}', 'mine')");
            assert_eq!(crate::refused(&cards.attacker, &resolve).await, "42501");
        }
        assert_eq!(cards.count().await, 0, "{on_delete}");
    }
}

#[tokio::test]
async fn who_sees_and_may_edit_a_deleted_row_still_brings_it_back() {
    let cards = Cards::new(everybodys("update_wins")).await;
    cards.delete().await;
    let other = cards.victim.new_device().await;
    let mut edit = mutation(1, Op::Update, CARD, &cards.key, &json!({ "a": "edited" }));
    edit["base"] = json!("1");
    let answer = cards.victim.push(other, &json!([edit])).await;
    assert_eq!(answer.statuses(), ["merged"]);
    let row = &cards
        .db
        .rows("select a, secret, pub from public.card", &[])
        .await[0];
    let found: (String, String, bool) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(found, ("edited".into(), "excluded text".into(), false));
}

#[tokio::test]
async fn what_was_in_a_row_before_it_was_shown_is_not_told() {
    let cards = Cards::new(everybodys("update_wins")).await;
    cards
        .db
        .rows(
            "update public.card set a = 'shown', pub = true, owner = $1",
            &[&cards.attacker.user()],
        )
        .await;
    cards
        .attack(1, Op::Update, &json!({ "a": "mine" }), "1")
        .await;
    cards.attack(2, Op::Delete, &json!({}), "1").await;
    cards
        .attack(3, Op::Update, &json!({ "a": "mine" }), "0")
        .await;
}

#[tokio::test]
async fn what_was_in_a_row_before_it_came_into_the_scope_is_not_told() {
    let cards = Cards::new(json!({ "scope": "owner", "exclude": ["secret"] })).await;
    cards.db.sql("update public.card set a = 'clean'").await;
    cards
        .db
        .rows(
            "update public.card set owner = $1",
            &[&cards.attacker.user()],
        )
        .await;
    cards.attack(1, Op::Delete, &json!({}), "1").await;
    let merged = cards
        .attack(2, Op::Update, &json!({ "a": "mine" }), "1")
        .await;
    assert_eq!(merged["status"], "merged");
}

#[tokio::test]
async fn a_deleted_row_of_another_scope_is_as_unknown_as_one_that_never_was() {
    for on_delete in ["update_wins", "delete_wins", "manual"] {
        let options = json!({ "scope": "owner", "policy": { "on_delete": on_delete } });
        let cards = Cards::new(options).await;
        cards.delete().await;
        let edit = json!({ "a": "mine" });
        let deleted = cards.attack(1, Op::Update, &edit, "1").await;
        let mut never = mutation(2, Op::Update, CARD, &json!({ "id": Uuid::new_v4() }), &edit);
        never["base"] = json!("1");
        let answer = cards
            .attacker
            .push(cards.attackers_device, &json!([never]))
            .await;
        assert_eq!(answer.statuses(), ["rejected 42501"], "{on_delete}");
        assert_eq!(deleted["status"], "rejected", "{on_delete}");
        assert_eq!(deleted["error"]["code"], "42501", "{on_delete}");
        assert!(
            deleted.get("version").is_none_or(Value::is_null),
            "{deleted}"
        );
    }
}
