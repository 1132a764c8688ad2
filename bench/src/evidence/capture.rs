//! What it costs others that a table is synced.

use super::{Size, time_row};
use crate::error::Outcome;
use crate::row::{Bar, Row};
use crate::workload::{Bulk, BulkOp, Single, SingleOp, compare};

/// Rows of a bulk statement.
const BULK_ROWS: i64 = 50_000;

/// Rows `capture_bulk_*` and `capture_single_*`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let repetitions = size.pick(5, 15);
    for (op, name, what) in [
        (BulkOp::Insert, "insert", "insert"),
        (BulkOp::Update, "update", "update"),
        (BulkOp::Delete, "delete", "delete"),
        (
            BulkOp::DeleteReferenced,
            "delete_referenced",
            "delete, with another table that refers to this one,",
        ),
    ] {
        let pairs = compare(&mut Bulk::new(op, BULK_ROWS).await?, repetitions).await?;
        let what = format!(
            "time of a bulk {what} on a synced table, to that on the same table without sync"
        );
        let row = time_row(
            &format!("capture_bulk_{name}"),
            &what,
            pairs.typical(),
            Bar::AtMost(2.0),
        );
        rows.push(row.size(format!(
            "50,000 rows a statement, {repetitions} repetitions"
        )));
    }
    let repetitions = size.pick(500, 3_000);
    for (op, name) in [(SingleOp::Insert, "insert"), (SingleOp::Update, "update")] {
        let pairs = compare(&mut Single::new(op).await?, repetitions).await?;
        let what = format!(
            "time of a single-row {name}, committed, on a synced table, to that on the same table without sync"
        );
        let row = time_row(
            &format!("capture_single_{name}"),
            &what,
            pairs.quiet(),
            Bar::AtMost(1.5),
        );
        rows.push(row.size(format!("{repetitions} repetitions, one connection")));
    }
    Ok(rows)
}
