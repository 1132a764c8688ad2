//! Dump and restore: the database moves to a new cluster with Postgres' own tools, and devices go on.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use offline_sync_testkit::{Cluster, Device, PullAnswer, PushAnswer, Rows, row_columns};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::Size;
use crate::batch::{batch, insert_note};
use crate::error::{Outcome, ensure, pg};
use crate::row::{Bar, Row};
use crate::stage::Stage;

const TABLE: &str = "public.note";

/// Row `dump_restore`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let rows = size.pick(2_000, 20_000);
    let stage = Stage::sample(2).await?;
    stage.seed("note", stage.teams[0], rows).await?;
    // Rows of others, which must not appear after the move either.
    stage.seed("note", stage.teams[1], rows).await?;
    let mut device = Device::new(&stage.db, stage.user).await;
    let last_seq = live(&stage, &mut device).await?;

    let copy = Cluster::start();
    restore(Cluster::shared(), &copy, stage.db.name())?;
    let owner = copy.connect(stage.db.name(), "owner").await?;
    let doctor = "select severity, kind, object, problem from offline.doctor()";
    let ill = owner.query(doctor, &[]).await.map_err(pg)?;
    for row in &ill {
        eprintln!(
            "dump_restore: doctor: {}",
            [0, 1, 2, 3]
                .map(|place| row.get::<_, String>(place))
                .join(" ")
        );
    }
    let moved = Moved::connect(&copy, stage.db.name(), stage.user, device.id).await?;
    let (pulled, cursor) = moved.pull_all(device.cursor.as_deref(), true).await?;
    let expected = device.rows(TABLE);
    let differing = differences(&pulled, &expected);
    let goes_on = moved.goes_on(&stage, last_seq, &cursor).await?;
    let what = format!(
        "rows of doctor() ({}) plus rows that differ ({differing} of {}) between what a device had before pg_dump and what it \
         pulls from the new cluster with its old cursor, which starts over; pushing and pulling {} there",
        ill.len(),
        expected.len(),
        if goes_on { "go on" } else { "do not go on" }
    );
    let row = Row::new(
        "dump_restore",
        (ill.len() + differing) as f64,
        "differences",
        Bar::Exactly(0.0),
    );
    Ok(vec![
        row.what(what)
            .size(format!("{} rows, two clusters", 2 * rows))
            .and(goes_on && !expected.is_empty()),
    ])
}

/// Some life before the dump: insertions, updates, deletions, a conflict. The last seq.
async fn live(stage: &Stage, device: &mut Device) -> Outcome<u64> {
    let ids: Vec<Uuid> = (0..50).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        device.insert(
            TABLE,
            json!({ "id": id }),
            json!({ "team_id": stage.teams[0], "title": "new", "grade": 1 }),
        );
    }
    device.sync().await;
    stage
        .db
        .sql("update public.note set grade = 2 where title = 'new'")
        .await;
    for id in &ids[..10] {
        device.update(TABLE, json!({ "id": id }), json!({ "grade": 3 }));
    }
    for id in &ids[10..20] {
        device.update(TABLE, json!({ "id": id }), json!({ "title": "changed" }));
    }
    let mut last = 0;
    for id in &ids[20..30] {
        last = device.delete(TABLE, json!({ "id": id }));
    }
    device.sync().await;
    let pending: i64 = stage
        .db
        .one(
            "select count(*) from offline_data.conflict_resolution_log where status = 'pending'",
            &[],
        )
        .await;
    ensure(
        pending == 10,
        format!("{pending} conflicts instead of 10 before the dump"),
    )?;
    Ok(last)
}

/// Roles, then the database, as the manual says.
fn restore(from: &Cluster, to: &Cluster, database: &str) -> Outcome<()> {
    let roles = output(
        from.program("pg_dumpall")
            .args(["--roles-only", "--no-role-passwords"]),
    )?;
    // Every cluster has its superuser already.
    let roles: Vec<&str> = roles
        .lines()
        .filter(|line| *line != "CREATE ROLE postgres;")
        .collect();
    feed(
        to.program("psql")
            .args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]),
        roles.join("\n").as_bytes(),
    )?;
    let dump = from
        .program("pg_dump")
        .args(["-Fc", database])
        .stderr(Stdio::inherit())
        .output()?;
    ensure(dump.status.success(), format!("pg_dump: {}", dump.status))?;
    output(to.program("createdb").args(["-O", "owner", database]))?;
    feed(
        to.program("pg_restore")
            .args(["--exit-on-error", "-d", database]),
        &dump.stdout,
    )
}

fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure(
        output.status.success(),
        format!("{}: {}", command.get_program().display(), output.status),
    )?;
    Ok(String::from_utf8(output.stdout)?)
}

fn feed(command: &mut Command, input: &[u8]) -> Outcome<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        std::io::Write::write_all(&mut stdin, input)?;
    }
    let status = child.wait()?;
    ensure(
        status.success(),
        format!("{}: {status}", command.get_program().display()),
    )
}

fn differences(one: &Rows, other: &Rows) -> usize {
    let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    keys.into_iter()
        .filter(|key| one.get(*key) != other.get(*key))
        .count()
}

/// The device, at the new cluster.
struct Moved {
    client: Client,
    device: Uuid,
}

impl Moved {
    async fn connect(
        cluster: &Cluster,
        database: &str,
        user: Uuid,
        device: Uuid,
    ) -> Outcome<Moved> {
        let client = cluster.connect(database, "authenticator").await?;
        let claims = json!({ "sub": user, "role": "authenticated" }).to_string();
        client
            .batch_execute("set role authenticated")
            .await
            .map_err(pg)?;
        client
            .execute(
                "select set_config('request.jwt.claims', $1, false)",
                &[&claims],
            )
            .await
            .map_err(pg)?;
        Ok(Moved { client, device })
    }

    /// All pages from a cursor on: the rows and the new cursor. `reset`: whether the first must say that it starts over.
    async fn pull_all(&self, cursor: Option<&str>, reset: bool) -> Outcome<(Rows, String)> {
        let mut request: Value = json!({ "cursor": cursor });
        let mut rows = Rows::new();
        let mut first = true;
        loop {
            let query = "select offline.pull($1, $2)::text";
            let row = self
                .client
                .query_one(query, &[&self.device, &request])
                .await
                .map_err(pg)?;
            let page = PullAnswer::parse(row.get(0));
            ensure(
                page.reset == (reset && first),
                format!("reset is {} with cursor {request}", page.reset),
            )?;
            first = false;
            for upsert in page
                .changes
                .iter()
                .filter(|set| set.table == TABLE)
                .flat_map(|set| &set.upserts)
            {
                let columns = row_columns(&upsert.row);
                rows.insert(columns["id"].trim_matches('"').to_owned(), columns);
            }
            if !page.has_more {
                return Ok((rows, page.cursor));
            }
            request["cursor"] = json!(page.cursor);
        }
    }

    /// Pushes the next seq; another write and this one are what the next pull brings.
    async fn goes_on(&self, stage: &Stage, last_seq: u64, cursor: &str) -> Outcome<bool> {
        let note = insert_note(
            TABLE,
            last_seq + 1,
            Uuid::new_v4(),
            stage.teams[0],
            stage.user,
        );
        let query = "select offline.push($1, $2)::text";
        let row = self
            .client
            .query_one(query, &[&self.device, &batch(&[note])])
            .await
            .map_err(pg)?;
        let applied = PushAnswer::parse(row.get(0)).count("applied");
        let write = "update public.note set title = 'after the move' where title = 'changed'";
        let written = self.client.execute(write, &[]).await.map_err(pg)?;
        let (rows, _) = self.pull_all(Some(cursor), false).await?;
        Ok(applied == 1 && written == 10 && rows.len() == 11)
    }
}
