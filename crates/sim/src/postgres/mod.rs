//! The same schedules through real connections, with the extension: the server's clock is set by the schedule, everything else is
//! as it is installed.

use std::collections::BTreeMap;

use offline_sync_testkit as testkit;
use serde_json::{Value, json};
use testkit::Db;
use tokio::runtime::Runtime;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::answer::{
    Change, LogEntry, PullAnswer, PullRequest, PushAnswer, Server, Upsert, Verdict,
};
use crate::model::{Faults, Model};
use crate::step::{Shape, Step, WRITERS};
use crate::table::{COLUMNS, Raw, Row, Schema, SchemaChange, TEAM};
use crate::value::{SETTLE, added_sql, canonical, quoted};
use crate::world::{Counts, Names, World};

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

/// One run's view of the database.
struct Postgres<'d> {
    database: &'d mut Database,
    names: Names,
    on_delete: &'static str,
    open: [bool; WRITERS],
}

impl Postgres<'_> {
    fn position(&self, device: Uuid) -> usize {
        let name = device.to_string();
        self.names
            .devices
            .iter()
            .position(|known| *known == name)
            .expect("a device of this run")
    }

    fn ids(&self) -> Vec<Uuid> {
        self.names.devices.iter().map(|name| uuid(name)).collect()
    }
}

async fn set_clock(client: &Client, now_ms: u64) {
    let query = "select set_config('sim.now_ms', $1, false)";
    client
        .query_one(query, &[&now_ms.to_string()])
        .await
        .expect("the clock is set");
}

fn code_of(error: &tokio_postgres::Error) -> String {
    let error = error.as_db_error();
    error.map_or_else(
        || "no answer".to_owned(),
        |error| format!("{} {}", error.code().code(), error.message()),
    )
}

/// Values of a row as it travels, in the order of the simulated table.
fn row_of(text: &str) -> Row {
    let row: Value = serde_json::from_str(text).expect("a row");
    COLUMNS
        .iter()
        .map(|column| canonical(&row[column.name].to_string()))
        .collect()
}

/// The scope in `offline:<kind>:<scope>`, but for the user's own topic.
fn scope_of(topic: &str) -> Option<Raw> {
    let (kind, scope) = topic.strip_prefix("offline:")?.split_once(':')?;
    (kind != "user").then(|| format!("\"{scope}\"").into())
}

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}

impl Server for Postgres<'_> {
    fn push(&mut self, device: usize, batch: &str, now_ms: u64) -> Result<PushAnswer, String> {
        let id = uuid(&self.names.devices[device]);
        let caller = &self.database.callers[device];
        let owner = self.database.db.owner();
        let text: Result<String, _> = self.database.runtime.block_on(async {
            // Whatever waits is due: the schedule's time has passed.
            let due = "update offline_data.sync_queue set next_attempt_at = '-infinity' where device_id = $1 and status = 'deferred'";
            owner.execute(due, &[&id]).await?;
            set_clock(caller, now_ms).await;
            let row = caller.query_one("select offline.push($1, $2)::text", &[&id, &batch]).await?;
            Ok(row.get(0))
        });
        let answer = testkit::PushAnswer::parse(
            &text.map_err(|error: tokio_postgres::Error| code_of(&error))?,
        );
        let results = answer.results.into_iter().map(|verdict| Verdict {
            seq: number(&verdict.seq) as u64,
            status: verdict.status,
            was: verdict.was,
            version: verdict.version.as_deref().map(number),
            scope: verdict.scope.map(|scope| format!("\"{scope}\"").into()),
            columns: verdict.columns,
            row: verdict.row.map(|row| row.map(|row| row_of(row.get()))),
            code: verdict
                .error
                .and_then(|error| error["code"].as_str().map(str::to_owned)),
        });
        Ok(PushAnswer {
            acked_seq: number(&answer.acked_seq) as u64,
            server_hlc: number(&answer.server_hlc) as u64,
            results: results.collect(),
        })
    }

    fn pull(
        &mut self,
        device: usize,
        request: &PullRequest,
        now_ms: u64,
    ) -> Result<PullAnswer, String> {
        let id = uuid(&self.names.devices[device]);
        let caller = &self.database.callers[device];
        let request = json!({ "cursor": request.cursor, "limit": request.limit, "seen_seq": request.seen_seq.to_string(), "push_scopes": true });
        let text: Result<String, _> = self.database.runtime.block_on(async {
            set_clock(caller, now_ms).await;
            let row = caller
                .query_one("select offline.pull($1, $2)::text", &[&id, &request])
                .await?;
            Ok(row.get(0))
        });
        let page = testkit::PullAnswer::parse(
            &text.map_err(|error: tokio_postgres::Error| code_of(&error))?,
        );
        let mut answer = PullAnswer {
            cursor: page.cursor,
            server_hlc: number(&page.server_hlc) as u64,
            has_more: page.has_more,
            revoked_scopes: page
                .revoked_scopes
                .iter()
                .map(|scope| format!("\"{scope}\"").into())
                .collect(),
            scopes: page
                .topics
                .map(|topics| topics.iter().filter_map(|topic| scope_of(topic)).collect()),
            ..PullAnswer::default()
        };
        for set in page.changes {
            let scope = Raw::from(format!("\"{}\"", set.scope));
            answer
                .upserts
                .extend(set.upserts.iter().map(|upsert| Upsert {
                    key: upsert.json()["id"].to_string().into(),
                    scope: scope.clone(),
                    version: number(&upsert.version),
                    row: row_of(upsert.row.get()),
                }));
            let key = |gone: &testkit::Deletion| Raw::from(gone.key["id"].to_string());
            answer.deletes.extend(set.deletes.iter().map(key));
            answer.evicts.extend(set.evicts.iter().map(key));
        }
        Ok(answer)
    }

    fn write(&mut self, writer: usize, key: &Raw, change: &Change, now_ms: u64) -> bool {
        let literal = |raw: &Raw| raw.replace('"', "'");
        let id = literal(key);
        let statement = match change {
            Change::Insert(values) => {
                let names: Vec<&str> = values.iter().map(|(at, _)| COLUMNS[*at].name).collect();
                let literals: Vec<String> = values.iter().map(|(_, raw)| literal(raw)).collect();
                let (names, literals) = (names.join(", "), literals.join(", "));
                format!(
                    "insert into public.item (id, {names}) values ({id}, {literals}) on conflict do nothing"
                )
            }
            Change::Set(at, raw) => format!(
                "update public.item set {} = {} where id = {id}",
                COLUMNS[*at].name,
                literal(raw)
            ),
            Change::Like(more) => {
                format!("update public.item set likes = likes + {more} where id = {id}")
            }
            Change::Best(offer) => {
                format!("update public.item set best = greatest(best, {offer}) where id = {id}")
            }
            Change::Add(at, word) => format!(
                "update public.item set {} = {} where id = {id}",
                COLUMNS[*at].name,
                added_sql(*at, word)
            ),
            Change::Remove(at, word) => {
                let name = COLUMNS[*at].name;
                let word = quoted(word);
                format!(
                    "update public.item set {name} = array_remove({name}, {word}) where id = {id}"
                )
            }
            Change::Delete => format!("delete from public.item where id = {id}"),
        };
        let client = &self.database.writers[writer];
        let begin = !std::mem::replace(&mut self.open[writer], true);
        let touched = self.database.runtime.block_on(async {
            if begin {
                client.batch_execute("begin").await?;
            }
            set_clock(client, now_ms).await;
            client.execute(&statement, &[]).await
        });
        touched.unwrap_or_else(|error| panic!("{}: {statement}", code_of(&error))) > 0
    }

    fn end(&mut self, writer: usize, commit: bool) {
        if std::mem::replace(&mut self.open[writer], false) {
            let statement = if commit { "commit" } else { "rollback" };
            let client = &self.database.writers[writer];
            let ended = self
                .database
                .runtime
                .block_on(client.batch_execute(statement));
            ended.expect("the transaction ends");
        }
    }

    fn member(&mut self, device: usize, team: &Raw, gains: bool) {
        let statement = if gains {
            "insert into public.member values ($1, $2) on conflict do nothing"
        } else {
            "delete from public.member where team = $1 and user_id = $2"
        };
        let (team, user) = (uuid(team), uuid(&self.names.devices[device]));
        let owner = self.database.db.owner();
        let done = self
            .database
            .runtime
            .block_on(owner.execute(statement, &[&team, &user]));
        done.expect("membership changes");
    }

    fn alter(&mut self, change: SchemaChange) {
        self.database.schema.change(change);
        let Database {
            runtime,
            db,
            schema,
            ..
        } = &*self.database;
        runtime.block_on(async {
            match change {
                SchemaChange::Drop => db.sql("alter table public.item drop column leaving").await,
                SchemaChange::Add => {
                    db.sql("alter table public.item add column coming text")
                        .await
                }
                SchemaChange::Policy => enable(db, schema, self.on_delete).await,
            }
            // The registry learns of the change at once, not with the first push that meets it.
            db.sql("select count(*) from offline.bootstrap()").await;
        });
    }

    fn crash(&mut self) {
        for writer in 0..WRITERS {
            self.end(writer, false);
        }
    }

    fn rows(&mut self) -> BTreeMap<Raw, (i64, Row)> {
        let ids: Vec<Uuid> = self.names.rows.iter().map(|name| uuid(name)).collect();
        let query = "select t.id::text, s.version, to_jsonb(t)::text from public.item t join offline_data.row_state s on s.row_key = t.id::text
            where t.id = any ($1) and not s.deleted";
        let Database { runtime, db, .. } = &*self.database;
        let rows = runtime.block_on(db.rows(query, &[&ids]));
        let rows = rows.iter().map(|row| {
            let (key, version, values): (String, i64, String) =
                (row.get(0), row.get(1), row.get(2));
            (Raw::from(format!("\"{key}\"")), (version, row_of(&values)))
        });
        rows.collect()
    }

    fn log(&mut self) -> Vec<LogEntry> {
        let query = "select device_id, device_seq, column_name, policy, outcome, base::text, mine::text, theirs::text, coalesce(overlap, false)
            from offline_data.conflict_resolution_log where device_id = any ($1)";
        let ids = self.ids();
        let Database { runtime, db, .. } = &*self.database;
        let rows = runtime.block_on(db.rows(query, &[&ids]));
        let value = |text: Option<String>| canonical(text.as_deref().unwrap_or("null")).to_string();
        let entries = rows.iter().map(|row| LogEntry {
            device: self.position(row.get(0)),
            seq: row.get::<_, i64>(1) as u64,
            column: row.get(2),
            policy: row.get(3),
            outcome: row.get(4),
            base: value(row.get(5)),
            mine: value(row.get(6)),
            theirs: value(row.get(7)),
            overlap: row.get(8),
        });
        let mut entries: Vec<LogEntry> = entries.collect();
        entries.sort();
        entries
    }

    fn queue(&mut self) -> Vec<(usize, u64, String)> {
        let query = "select device_id, seq, status from offline_data.sync_queue where device_id = any ($1) and status in ('dead', 'deferred')";
        let ids = self.ids();
        let Database { runtime, db, .. } = &*self.database;
        let rows = runtime.block_on(db.rows(query, &[&ids]));
        let queued = rows.iter().map(|row| {
            (
                self.position(row.get(0)),
                row.get::<_, i64>(1) as u64,
                row.get(2),
            )
        });
        let mut queued: Vec<(usize, u64, String)> = queued.collect();
        queued.sort();
        queued
    }

    fn broken(&mut self) -> Option<String> {
        None
    }
}

/// Runs a schedule against both.
///
/// # Errors
/// The first difference, or what either of them breaks.
pub fn compare(database: &mut Database, shape: &Shape, steps: &[Step]) -> Result<Counts, String> {
    let mut shape = shape.clone();
    database.runs += 1;
    shape.run = database.runs;
    let names = Names::new(&shape);
    database.prepare(&shape, &names);
    let mut postgres = Postgres {
        database,
        names: names.clone(),
        on_delete: shape.on_delete,
        open: [false; WRITERS],
    };
    let outcome = compare_with(&mut postgres, &names, &shape, steps);
    // A schedule that failed in the middle leaves transactions open.
    postgres.crash();
    outcome
}

fn compare_with(
    postgres: &mut Postgres<'_>,
    names: &Names,
    shape: &Shape,
    steps: &[Step],
) -> Result<Counts, String> {
    let mut model = Model::new(&names.devices, shape.on_delete, Faults::default());
    let mut ours = World::new(&mut model, shape, true);
    let mut theirs = World::new(postgres, shape, true);
    for (at, step) in steps.iter().enumerate() {
        let (model, database) = (ours.step(step), theirs.step(step));
        same(&format!("after step {at}, {step:?}"), &model, &database)?;
        same_answers(
            &format!("after step {at}, {step:?}"),
            &mut ours.answers,
            &mut theirs.answers,
        )?;
        model?;
    }
    let (model_rest, database_rest) = (ours.rest(), theirs.rest());
    same_answers("coming to rest", &mut ours.answers, &mut theirs.answers)?;
    same("at rest", &model_rest, &database_rest)?;
    model_rest?;
    let counts = theirs.counts;
    for (at, (model, database)) in ours.devices.iter().zip(&theirs.devices).enumerate() {
        let rows = |device: &crate::device::Device| -> Vec<(Raw, Raw, Row)> {
            let rows = device.rows.iter();
            rows.map(|(key, local)| (key.clone(), local.row[TEAM].clone(), local.row.clone()))
                .collect()
        };
        same(
            &format!("rows of device {at}"),
            &rows(model),
            &rows(database),
        )?;
    }
    let rows = |rows: BTreeMap<Raw, (i64, Row)>| -> Vec<(Raw, Row)> {
        rows.into_iter().map(|(key, (_, row))| (key, row)).collect()
    };
    same(
        "rows",
        &rows(ours.server.rows()),
        &rows(theirs.server.rows()),
    )?;
    same("conflict log", &ours.server.log(), &theirs.server.log())?;
    same("queue", &ours.server.queue(), &theirs.server.queue())?;
    Ok(counts)
}

fn same_answers(
    place: &str,
    model: &mut Vec<String>,
    database: &mut Vec<String>,
) -> Result<(), String> {
    let (model, database) = (std::mem::take(model), std::mem::take(database));
    same(place, &model, &database)
}

fn same<T: PartialEq + std::fmt::Debug>(
    place: &str,
    model: &T,
    database: &T,
) -> Result<(), String> {
    if model == database {
        Ok(())
    } else {
        Err(format!(
            "{place}\n   model: {model:?}\ndatabase: {database:?}"
        ))
    }
}
