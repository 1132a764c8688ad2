//! Why something takes the time that it takes: every statement inside one call, with its own time.
//!
//! `auto_explain` reports each statement inside a call when it ends, with the stack of functions that it ran in. What is computed
//! between statements (PL/pgSQL, and Rust functions in plain assignments) shows as own time of the statement around it.

mod statements;

use std::sync::{Arc, Mutex};

use offline_sync_testkit::Cluster;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::error::{Outcome, pg};
use crate::measure::{low, timed};
use crate::workload::{
    Bulk, BulkOp, Call, PullChanged, PushInsert, PushUpdate, Session, Single, SingleOp, Workload,
};
use statements::{Breakdown, Notice, Statement, tree};

/// Calls before the one that is looked at: plans and caches are as in the measurement.
const WARM_UPS: usize = 8;

/// Calls that take longer are reported without the statements inside that take less than a millisecond, because there are so
/// many that reporting them would be most of the time.
const LONG_CALL_MS: f64 = 25.0;

/// Names that have a profile.
const NAMES: &str = "latency_push_1, push_insert_100, push_insert_1000, push_update_1000, push_contested_100, \
    push_contested_1000, pull_1000, capture_bulk_insert, capture_bulk_update, capture_bulk_delete, \
    capture_bulk_delete_referenced, \
    capture_single_insert, capture_single_update";

/// Prints the breakdown of one call of a workload.
///
/// # Errors
/// For a name without profile, and whatever keeps the call from working.
pub async fn run(name: &str) -> Outcome<()> {
    match name {
        "latency_push_1" => print(&mut PushInsert::new(1).await?).await,
        "push_insert_100" => print(&mut PushInsert::new(100).await?).await,
        "push_insert_1000" => print(&mut PushInsert::new(1_000).await?).await,
        "push_update_1000" => print(&mut PushUpdate::new(1_000, false).await?).await,
        "push_contested_100" => print(&mut PushUpdate::new(100, true).await?).await,
        "push_contested_1000" => print(&mut PushUpdate::new(1_000, true).await?).await,
        "pull_1000" => print(&mut PullChanged::new(1_000).await?).await,
        "capture_bulk_insert" => print(&mut Bulk::new(BulkOp::Insert, 50_000).await?).await,
        "capture_bulk_update" => print(&mut Bulk::new(BulkOp::Update, 50_000).await?).await,
        "capture_bulk_delete" => print(&mut Bulk::new(BulkOp::Delete, 50_000).await?).await,
        "capture_bulk_delete_referenced" => {
            print(&mut Bulk::new(BulkOp::DeleteReferenced, 50_000).await?).await
        }
        "capture_single_insert" => print(&mut Single::new(SingleOp::Insert).await?).await,
        "capture_single_update" => print(&mut Single::new(SingleOp::Update).await?).await,
        _ => Err(format!("no profile {name}; there are {NAMES}").into()),
    }
}

async fn print(workload: &mut impl Workload) -> Outcome<()> {
    let probe = Probe::open(workload).await?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UPS {
        let step = workload.next().await?;
        let (answer, elapsed) = timed(probe.call(&step.ours)).await?;
        workload.check(answer.as_deref())?;
        ours.push(elapsed.as_secs_f64());
        plain.push(timed(probe.call(&step.plain)).await?.1.as_secs_f64());
    }
    let (ours, plain) = (low(&ours) * 1e3, low(&plain) * 1e3);
    println!("undisturbed and unobserved: ours {ours:.2} ms, plain {plain:.2} ms");

    let step = workload.next().await?;
    probe.report(Some(u8::from(ours > LONG_CALL_MS))).await?;
    let (_, elapsed) = timed(probe.call(&step.ours)).await?;
    let inside = Breakdown::of(&probe.take());
    println!(
        "\nours, observed: {:.2} ms\n{inside}",
        elapsed.as_secs_f64() * 1e3
    );
    let (_, elapsed) = timed(probe.call(&step.plain)).await?;
    let inside = Breakdown::of(&probe.take());
    println!(
        "plain, observed: {:.2} ms\n{inside}",
        elapsed.as_secs_f64() * 1e3
    );
    Ok(())
}

/// A superuser's connection in the role of the caller, whose notices are kept.
struct Probe {
    client: Client,
    become_caller: String,
    heard: Arc<Mutex<Vec<Notice>>>,
}

impl Probe {
    async fn open(workload: &impl Workload) -> Outcome<Probe> {
        let cluster = Cluster::shared();
        let mut config = Config::new();
        let database = workload.stage().db.name();
        config
            .host(cluster.host())
            .port(cluster.port())
            .user("postgres")
            .dbname(database);
        let (client, mut connection) = config.connect(NoTls).await.map_err(pg)?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                if let (AsyncMessage::Notice(notice), Ok(mut kept)) = (message, kept.lock()) {
                    let context = notice.where_().unwrap_or_default().to_owned();
                    kept.push(Notice {
                        message: notice.message().to_owned(),
                        context,
                    });
                }
            }
        });
        let become_caller = match workload.session() {
            Session::Owner => "set role owner".to_owned(),
            Session::User(user) => format!(
                "select set_config('request.jwt.claims', '{{\"sub\":\"{user}\",\"role\":\"authenticated\"}}', false);
                set role authenticated"
            ),
        };
        let probe = Probe {
            client,
            become_caller,
            heard,
        };
        probe
            .sql(
                "load 'auto_explain';
                set auto_explain.log_nested_statements = on;
                set auto_explain.log_analyze = on;
                set auto_explain.log_timing = on;
                set auto_explain.log_triggers = on;
                set auto_explain.log_format = json;
                set client_min_messages = log",
            )
            .await?;
        probe.report(None).await?;
        Ok(probe)
    }

    async fn sql(&self, statements: &str) -> Outcome<()> {
        self.client.batch_execute(statements).await.map_err(pg)
    }

    /// Asks for reports of statements from so many milliseconds on, or for none. Only the superuser may.
    async fn report(&self, from_ms: Option<u8>) -> Outcome<()> {
        let least = from_ms.map_or(-1, i32::from);
        self.sql("reset role").await?;
        self.sql(&format!("set auto_explain.log_min_duration = {least}"))
            .await?;
        self.sql(&self.become_caller).await?;
        self.take();
        Ok(())
    }

    async fn call(&self, call: &Call) -> Outcome<Option<String>> {
        let rows = self
            .client
            .query(&call.sql, &call.params())
            .await
            .map_err(pg)?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Statements reported since the last time.
    fn take(&self) -> Vec<Statement> {
        let Ok(mut heard) = self.heard.lock() else {
            return Vec::new();
        };
        tree(&std::mem::take(&mut *heard))
    }
}
