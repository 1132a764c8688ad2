//! Runs a workload and times both of its sides.

use std::collections::HashMap;

use offline_sync_testkit::Caller;
use tokio_postgres::{Client, Statement};

use super::{Call, Session, Workload};
use crate::error::{Outcome, pg};
use crate::measure::{Pairs, in_turn};

/// Times `repetitions` of a workload. Both sides use the same connection, with prepared statements.
pub async fn compare(workload: &mut impl Workload, repetitions: usize) -> Outcome<Pairs> {
    let connection = Connection::open(workload).await;
    let mut statements: HashMap<String, Statement> = HashMap::new();
    let warm_ups = workload.warm_ups();
    let mut pairs = Pairs::default();
    for turn in 0..warm_ups + repetitions {
        let step = workload.next().await?;
        for call in [&step.ours, &step.plain] {
            if !statements.contains_key(&call.sql) {
                let statement = connection
                    .client(workload)
                    .prepare(&call.sql)
                    .await
                    .map_err(pg)?;
                statements.insert(call.sql.clone(), statement);
            }
        }
        let client = connection.client(workload);
        let ours = run(client, &statements[&step.ours.sql], &step.ours);
        let plain = run(client, &statements[&step.plain.sql], &step.plain);
        let ((answer, ours), (_, plain)) = in_turn(turn, ours, plain).await?;
        workload.check(answer.as_deref())?;
        if turn >= warm_ups {
            pairs.add(ours, plain);
        }
    }
    Ok(pairs)
}

/// The connection that the calls go through.
enum Connection {
    Owner,
    User(Box<Caller>),
}

impl Connection {
    async fn open(workload: &impl Workload) -> Connection {
        match workload.session() {
            Session::Owner => Connection::Owner,
            Session::User(user) => {
                Connection::User(Box::new(workload.stage().db.caller(user).await))
            }
        }
    }

    fn client<'a>(&'a self, workload: &'a impl Workload) -> &'a Client {
        match self {
            Connection::Owner => workload.stage().db.owner(),
            Connection::User(caller) => caller.client(),
        }
    }
}

/// The text in the first column of the first row, if there is one.
async fn run(client: &Client, statement: &Statement, call: &Call) -> Outcome<Option<String>> {
    let rows = client.query(statement, &call.params()).await.map_err(pg)?;
    Ok(rows.first().map(|row| row.get(0)))
}
