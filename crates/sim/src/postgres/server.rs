//! The database as a server: every call over the caller's own connection.

use std::collections::BTreeMap;

use offline_sync_testkit as testkit;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Database, enable, uuid};
use crate::answer::{
    Change, LogEntry, PullAnswer, PullRequest, PushAnswer, Server, Upsert, Verdict,
};
use crate::step::WRITERS;
use crate::table::{COLUMNS, Raw, Row, SchemaChange};
use crate::value::{added_sql, canonical, quoted};
use crate::world::Names;

/// One run's view of the database.
pub(super) struct Postgres<'d> {
    pub database: &'d mut Database,
    pub names: Names,
    pub on_delete: &'static str,
    pub open: [bool; WRITERS],
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
