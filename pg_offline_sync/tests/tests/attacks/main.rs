//! Attack stories, one a file. Each begins with what the attacker has and wants.

mod direct_helpers;
mod excluded_columns;
mod foreign_device;
mod foreign_rows;
mod forged_context;
mod granted_functions;
mod hidden_rows;
mod hijacked_search_path;
mod public_key_only;
mod stolen_cursor;
mod stored_secrets;
mod wake_up_topics;

use offline_sync_testkit::{Caller, Db, Op, PgError, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

/// Two users of one database: the victim has a device and a note, the attacker has a device.
struct Scene {
    db: Db,
    victim: Caller,
    victims_device: Uuid,
    victims_note: Uuid,
    attacker: Caller,
    attackers_device: Uuid,
}

impl Scene {
    async fn new() -> Scene {
        let db = Db::create().await;
        fixtures::notes(&db).await;
        let (victim, attacker) = (
            db.caller(Uuid::new_v4()).await,
            db.caller(Uuid::new_v4()).await,
        );
        let (victims_device, attackers_device) =
            (victim.new_device().await, attacker.new_device().await);
        let victims_note = Uuid::new_v4();
        let note = mutation(
            1,
            Op::Insert,
            "public.note",
            &json!({ "id": victims_note }),
            &json!({ "title": "private" }),
        );
        victim.push(victims_device, &json!([note])).await;
        Scene {
            db,
            victim,
            victims_device,
            victims_note,
            attacker,
            attackers_device,
        }
    }

    /// The victim's note is as it was, and their device works.
    async fn assert_unharmed(&self) {
        let query = "select user_id, title, n from public.note where id = $1";
        let row = self
            .db
            .owner()
            .query_one(query, &[&self.victims_note])
            .await
            .unwrap();
        assert_eq!(row.get::<_, Uuid>(0), self.victim.user());
        assert_eq!(
            (row.get::<_, String>(1).as_str(), row.get::<_, i64>(2)),
            ("private", 0)
        );
        assert_eq!(
            self.victim
                .pull(self.victims_device, &json!({}))
                .await
                .upserted("title"),
            ["private"]
        );
        assert_eq!(
            self.victim
                .push(self.victims_device, &json!([]))
                .await
                .acked_seq,
            "1"
        );
    }
}

/// SQLSTATE of a statement that must fail.
async fn refused(caller: &Caller, statement: &str) -> String {
    match caller.try_sql(statement).await {
        Ok(()) => panic!("it worked: {statement}"),
        Err(PgError { code, .. }) => code,
    }
}
