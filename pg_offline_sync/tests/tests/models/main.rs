//! Models: training where the data is, serving, travelling, recommending, and deciding conflicts.

mod asking;
mod comparing;
mod conflicts;
mod learning_on;
mod limits;
mod recommend;
mod serving;
mod training;
mod travel;

use offline_sync_testkit::{Db, PgError};
use serde_json::{Value, json};

/// Rows with three features: two that say the label, one that says nothing.
const FLOWERS: &str = "
    create table public.flower (id int primary key, length real, width real, noise real, colour text, note text, kind text);
    insert into public.flower
    select g, (g % 3) * 2 + h.a, (g % 3) * -1 + h.b, h.c, (array['red', 'blue', 'white'])[1 + g % 3], 'a ' || (array['red', 'blue', 'white'])[1 + g % 3]
        || ' flower', (array['rose', 'iris', 'lily'])[1 + g % 3]
    from generate_series(1, 300) g
    cross join lateral (select (hashint4(g) % 100) / 200.0 as a, (hashint4(g + 1000) % 100) / 200.0 as b, (hashint4(g + 2000) % 100) / 10.0 as c) h;";

/// A database with flowers.
async fn flowers() -> Db {
    let db = Db::create().await;
    db.sql(FLOWERS).await;
    db
}

/// A specification over the flowers, with more members.
fn spec(more: &Value) -> Value {
    let mut spec = json!({ "algorithm": "logistic", "table": "public.flower", "label": "kind", "features": ["length", "width", "noise"] });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    spec
}

/// `offline.train_model` as the owner.
async fn try_train(db: &Db, model: &str, spec: &Value) -> Result<Value, PgError> {
    let query = "select offline.train_model($1, $2)";
    Ok(db.owner().query_one(query, &[&model, spec]).await?.get(0))
}

/// The same, which must work.
async fn train(db: &Db, model: &str, more: &Value) -> Value {
    try_train(db, model, &spec(more)).await.unwrap()
}

/// The version that predicts, as the owner sees it.
async fn version(db: &Db, model: &str) -> i64 {
    let query = "select offline.predict($1, '{\"length\": 1}') -> 'version'";
    let version: Value = db.one(query, &[&model]).await;
    version.as_i64().unwrap()
}

/// The SQLSTATE of a statement of the owner that must fail.
async fn code(db: &Db, statement: &str) -> String {
    db.try_sql(statement).await.unwrap_err().code
}

/// Returns when a session of the database waits for a lock.
async fn waits_for_lock(db: &Db) {
    let query = "select count(*) from pg_locks l where not l.granted and l.locktype = 'advisory' and l.database = (select d.oid from pg_database d where d.datname = current_database())";
    offline_sync_testkit::eventually("a session waits", || async {
        db.one::<i64>(query, &[]).await > 0
    })
    .await;
}
