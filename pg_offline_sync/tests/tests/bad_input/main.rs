//! Bad input: every field of every request, missing, mistyped, too long, too deep, too many, and full of SQL. Each gets its
//! SQLSTATE or verdict, changes nothing, and leaves the server running.

mod arguments;
mod batch;
mod injection;
mod mutations;
mod pull_request;

use offline_sync_testkit::{Caller, Db, fixtures};
use serde_json::{Value, json};
use uuid::Uuid;

/// Tables with content, and a user with a device.
struct Stage {
    db: Db,
    caller: Caller,
    device: Uuid,
}

impl Stage {
    async fn new() -> Stage {
        let db = Db::create().await;
        fixtures::notes(&db).await;
        fixtures::tasks(&db, json!({ "exclude": ["grade"] })).await;
        let caller = db.caller(Uuid::new_v4()).await;
        let device = caller.new_device().await;
        db.rows("insert into public.note (user_id, title) select $1, 'n' || g from generate_series(1, 3) g", &[&caller.user()]).await;
        let team = fixtures::team(&db, &[caller.user()]).await;
        fixtures::add_task(&db, team, "t").await;
        Stage { db, caller, device }
    }

    /// One text for the content of all tables but those in `except`.
    async fn fingerprint(&self, except: &[&str]) -> String {
        let tables = "select c.oid::regclass::text from pg_class c
            where c.relnamespace in ('public'::regnamespace, 'offline_data'::regnamespace) and c.relkind = 'r' order by 1";
        let tables: Vec<String> = self.db.column(tables, &[]).await;
        let parts = tables.iter().filter(|table| !except.contains(&table.as_str())).map(|table| {
            format!("select '{table}' || md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from {table} t")
        });
        let lines: Vec<String> = self
            .db
            .column(&parts.collect::<Vec<_>>().join(" union all "), &[])
            .await;
        lines.join("\n")
    }

    /// The server is still the one that it was, and does its work.
    async fn assert_alive(&self) {
        let page = self.caller.pull(self.device, &json!({})).await;
        assert!(page.len() >= 4);
        assert_eq!(
            self.db
                .one::<i64>("select count(*) from offline.doctor()", &[])
                .await,
            0
        );
    }
}

/// Text of a batch with one valid insertion, in which `change` was made.
fn batch_with(change: impl FnOnce(&mut Value)) -> String {
    let mut batch = json!({ "v": 1, "mutations": [valid()] });
    change(&mut batch);
    batch.to_string()
}

/// A valid insertion.
fn valid() -> Value {
    json!({ "seq": "1", "op": "insert", "table": "public.note", "key": { "id": Uuid::new_v4() }, "base": null,
        "patch": { "title": "x" }, "before": null, "hlc": null, "after": [], "group": null, "priority": 5 })
}
