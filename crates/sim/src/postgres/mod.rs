//! The same schedules through real connections, with the extension: the server's clock is set by the schedule, everything else is
//! as it is installed.

mod compare;
mod server;

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::step::{Shape, WRITERS};
use crate::table::{COLUMNS, Schema};
use crate::value::SETTLE;
use crate::world::Names;
pub use compare::compare;

/// The functions that tell the time, with the schedule's instead of the machine's.
const CLOCK: &str = "
    create or replace function offline_private.now_ms() returns bigint language sql stable parallel safe as $$
        select coalesce(nullif(current_setting('sim.now_ms', true), '')::bigint, (extract(epoch from clock_timestamp()) * 1000)::bigint)
    $$;
    create or replace function offline_private.now_hlc() returns bigint language sql stable parallel safe as $$
        select offline_private.now_ms() << 16
    $$";

/// A database in which many schedules run one after the other, each with rows, teams and users of its own.
pub struct Database {
    runtime: Runtime,
    db: Db,
    callers: Vec<Client>,
    writers: Vec<Client>,
    runs: u32,
    schema: Schema,
}

impl Default for Database {
    fn default() -> Database {
        Database::new()
    }
}

impl Database {
    /// A database on a private cluster, or on the one that the tests share.
    #[must_use]
    pub fn new() -> Database {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (db, writers) = runtime.block_on(async {
            let db = Db::create().await;
            let superuser = db.connect("postgres").await;
            superuser
                .batch_execute(CLOCK)
                .await
                .expect("the clock is replaced");
            db.sql(SETTLE).await;
            db.sql(&table_ddl()).await;
            let mut writers = Vec::new();
            for _ in 0..WRITERS {
                let writer = db.connect("owner").await;
                writer
                    .batch_execute("set synchronous_commit = off")
                    .await
                    .expect("a setting");
                writers.push(writer);
            }
            (db, writers)
        });
        Database {
            runtime,
            db,
            callers: Vec::new(),
            writers,
            runs: 0,
            schema: Schema::default(),
        }
    }

    fn prepare(&mut self, shape: &Shape, names: &Names) {
        let schema = self.schema;
        self.schema = Schema::default();
        let Database {
            runtime,
            db,
            callers,
            ..
        } = self;
        runtime.block_on(async {
            if schema.dropped {
                db.sql("alter table public.item add column leaving text").await;
            }
            if schema.added {
                db.sql("alter table public.item drop column coming").await;
            }
            enable(db, &Schema::default(), shape.on_delete).await;
            while callers.len() < names.devices.len() {
                let caller = db.connect("authenticator").await;
                let settings = "set role authenticated; set lock_timeout = '15ms'; set synchronous_commit = off";
                caller.batch_execute(settings).await.expect("settings");
                callers.push(caller);
            }
            for (caller, name) in callers.iter().zip(&names.devices) {
                let claims = json!({ "sub": name, "role": "authenticated" }).to_string();
                let query = "select set_config('request.jwt.claims', $1, false), set_config('sim.now_ms', '', false)";
                caller.query_one(query, &[&claims]).await.expect("claims");
                let id = uuid(name);
                let query = "select offline.register_device($1)";
                caller.query_one(query, &[&id]).await.expect("a device");
            }
        });
    }
}

fn table_ddl() -> String {
    let columns = COLUMNS.iter().filter(|column| column.name != "coming");
    let columns: Vec<String> = columns
        .map(|column| format!("{} {}", column.name, column.sql))
        .collect();
    format!(
        "create table public.member (team uuid, user_id uuid, primary key (team, user_id));
        alter table public.member enable row level security;
        create policy own on public.member for select to authenticated using (user_id = auth.uid());
        create table public.item (id uuid primary key, {});
        alter table public.item enable row level security;
        create policy team on public.item to authenticated
            using (team in (select m.team from public.member m)) with check (team in (select m.team from public.member m))",
        columns.join(", ")
    )
}

async fn enable(db: &Db, schema: &Schema, on_delete: &str) {
    let policy: Value =
        serde_json::from_str(&schema.policy_json(on_delete, None, false)).expect("a policy");
    let options = json!({ "scope": "team", "members": "select team from public.member where user_id = auth.uid()", "policy": policy });
    db.enable_sync("public.item", options).await;
}

fn uuid(text: &str) -> Uuid {
    text.trim_matches('"').parse().expect("a uuid")
}
