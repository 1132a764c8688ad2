//! What a pull costs when everything but its own changes grows: the table, the scopes of others, the caller's own.

use std::sync::Arc;
use std::time::Duration;

use offline_sync_testkit::{Caller, PullAnswer};
use tokio_postgres::Statement;
use uuid::Uuid;

use super::Size;
use crate::error::{Outcome, ensure, pg};
use crate::measure::{figure, low, timed};
use crate::row::{Bar, Row};
use crate::stage::{Stage, note_options};
use crate::workload::pull_call;

/// Changes in the reader's scope between two pulls.
const CHANGES: i64 = 100;

/// Changes in scopes that no reader has, between two pulls.
const BUSY: i64 = 2_000;

/// Rows of the reader's own team.
const OWN_ROWS: i64 = 1_000;

const CHANGE_OWN: &str = "
    update public.note_synced set likes = likes + 1
    where id in (select id from public.note_synced where team_id = $1 order by md5(id::text || $2) limit $3)";

const CHANGE_OTHERS: &str = "
    update public.note_synced set likes = likes + 1 where id = any (array(
        select t.id from public.note_synced t where t.id > $1
            and t.team_id not in (select m.team_id from public.team_member m) order by t.id limit $2))";

/// Rounds that warm up caches and plans.
const WARM_UPS: usize = 3;

/// Rows `growth`, `growth_scopes` and `growth_own_scopes`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let repetitions = size.pick(31, 61);
    Ok(vec![
        table_rows(
            size.pick(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]),
            repetitions,
        )
        .await?,
        scopes(
            size.pick(&[1, 100, 10_000], &[1, 1_000, 100_000]),
            repetitions,
        )
        .await?,
        own_scopes(repetitions).await?,
    ])
}

async fn table_rows(sizes: &[i64], repetitions: usize) -> Outcome<Row> {
    let mut readers = Vec::new();
    for rows in sizes {
        let stage = Arc::new(filled(*rows, 100).await?);
        let (user, team) = (stage.user, stage.teams[0]);
        readers.push((*rows, Reader::new(stage, user, team).await?));
    }
    rounds(
        "growth",
        "rows in the table",
        &mut readers,
        repetitions,
        Bar::AtMost(1.3),
    )
    .await
}

async fn scopes(sizes: &[i64], repetitions: usize) -> Outcome<Row> {
    let mut readers = Vec::new();
    let rows = OWN_ROWS + sizes.iter().max().unwrap_or(&0);
    for scopes in sizes {
        let stage = Arc::new(filled(rows, usize::try_from(*scopes)?).await?);
        let (user, team) = (stage.user, stage.teams[0]);
        readers.push((*scopes, Reader::new(stage, user, team).await?));
    }
    let of = "scopes in the table";
    rounds(
        "growth_scopes",
        of,
        &mut readers,
        repetitions,
        Bar::AtMost(1.3),
    )
    .await
}

/// The caller's own scopes: the cost follows them, so this is only reported. Four users of one table, none of whose teams
/// are another's.
async fn own_scopes(repetitions: usize) -> Outcome<Row> {
    let stage = Arc::new(filled(20_000, 2_000).await?);
    let mut readers = Vec::new();
    let mut free = stage.teams[1..].iter();
    for scopes in [1, 10, 100, 1_000] {
        let (user, teams): (Uuid, Vec<Uuid>) = (
            Uuid::new_v4(),
            free.by_ref().take(scopes).copied().collect(),
        );
        for team in &teams {
            stage.join(user, *team).await?;
        }
        stage.seed("note_synced", teams[0], OWN_ROWS).await?;
        readers.push((
            i64::try_from(scopes)?,
            Reader::new(Arc::clone(&stage), user, teams[0]).await?,
        ));
    }
    rounds(
        "growth_own_scopes",
        "scopes of the caller",
        &mut readers,
        repetitions,
        Bar::Reported,
    )
    .await
}

/// A synced table of `rows` notes in `teams` teams, 1,000 of them in the first, or all where there is only one.
async fn filled(rows: i64, teams: usize) -> Outcome<Stage> {
    let stage = Stage::with_teams(teams).await?;
    stage.create("note_synced").await;
    if teams == 1 {
        stage.seed("note_synced", stage.teams[0], rows).await?;
    } else {
        stage.seed("note_synced", stage.teams[0], OWN_ROWS).await?;
        stage
            .seed_evenly("note_synced", &stage.teams[1..], rows - OWN_ROWS)
            .await?;
    }
    stage
        .db
        .enable_sync("public.note_synced", note_options())
        .await;
    stage.settle("public.note_synced").await;
    Ok(stage)
}

/// Lets all readers pull in turns. The value is the largest to the smallest of their times, each by its least disturbed
/// tenth: see [`crate::measure::Pairs::quiet`].
async fn rounds(
    name: &str,
    of: &str,
    readers: &mut [(i64, Reader)],
    repetitions: usize,
    bar: Bar,
) -> Outcome<Row> {
    for (_, reader) in readers.iter_mut() {
        reader.catch_up().await?;
    }
    let mut times = vec![Vec::new(); readers.len()];
    for turn in 0..WARM_UPS + repetitions {
        for place in 0..readers.len() {
            // Another one begins in each turn.
            let place = (place + turn) % readers.len();
            let elapsed = readers[place].1.round(turn).await?;
            if turn >= WARM_UPS {
                times[place].push(elapsed.as_secs_f64());
            }
        }
    }
    let lows: Vec<f64> = times.iter().map(|times| low(times)).collect();
    let (most, least) = (
        lows.iter().fold(f64::MIN, |a, b| a.max(*b)),
        lows.iter().fold(f64::MAX, |a, b| a.min(*b)),
    );
    let spread = times
        .iter()
        .map(|times| figure(times.iter().copied()).spread)
        .fold(0.0, f64::max);
    let each: Vec<String> = readers
        .iter()
        .zip(&lows)
        .map(|((size, _), low)| format!("{size} {of}: {:.2} ms", low * 1_000.0))
        .collect();
    let what = format!(
        "time of a pull of {CHANGES} changes at the worst size to that at the best ({})",
        each.join(", ")
    );
    Ok(Row::new(name, most / least, "ratio", bar)
        .what(what)
        .with_spread(spread)
        .size(format!(
            "{BUSY} changes in other scopes between pulls, {repetitions} repetitions each"
        )))
}

/// A device that pulls the changes of one team.
struct Reader {
    stage: Arc<Stage>,
    team: Uuid,
    caller: Caller,
    device: Uuid,
    cursor: Option<String>,
    statement: Statement,
}

impl Reader {
    async fn new(stage: Arc<Stage>, user: Uuid, team: Uuid) -> Outcome<Reader> {
        let caller = stage.db.caller(user).await;
        let device = caller.new_device().await;
        let sql = pull_call(device, None, CHANGES).sql;
        let statement = caller.client().prepare(&sql).await.map_err(pg)?;
        Ok(Reader {
            stage,
            team,
            caller,
            device,
            cursor: None,
            statement,
        })
    }

    /// Pulls everything, so that only changes are left.
    async fn catch_up(&mut self) -> Outcome<()> {
        while self.pull(10_000).await?.0.has_more {}
        Ok(())
    }

    async fn pull(&mut self, limit: i64) -> Outcome<(PullAnswer, Duration)> {
        let call = pull_call(self.device, self.cursor.as_deref(), limit);
        let query = async {
            self.caller
                .client()
                .query_one(&self.statement, &call.params())
                .await
                .map_err(pg)
        };
        let (row, elapsed) = timed(query).await?;
        let answer = PullAnswer::parse(row.get(0));
        self.cursor = Some(answer.cursor.clone());
        Ok((answer, elapsed))
    }

    /// Changes of the team, many more elsewhere, and a timed pull.
    async fn round(&mut self, turn: usize) -> Outcome<Duration> {
        let (owner, order) = (self.stage.db.owner(), turn.to_string());
        owner
            .execute(CHANGE_OWN, &[&self.team, &order, &CHANGES])
            .await
            .map_err(pg)?;
        for _ in 0..4 {
            let from = Uuid::new_v4();
            owner
                .execute(CHANGE_OTHERS, &[&from, &(BUSY / 4)])
                .await
                .map_err(pg)?;
        }
        let (answer, elapsed) = self.pull(CHANGES).await?;
        let complete = answer.len() as i64 == CHANGES && !answer.has_more;
        ensure(
            complete,
            format!("{} changes, and more: {}", answer.len(), answer.has_more),
        )?;
        Ok(elapsed)
    }
}
