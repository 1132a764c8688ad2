//! pull(): exactly what changed since the cursor, as the caller may see it.

mod commit_order;
mod cost;
mod cursors;
mod excluded;
mod moves;
mod paging;
mod policies;
mod requests;
mod scope_values;
mod scopes;
mod transactions;

use offline_sync_testkit::{Caller, Db};
use uuid::Uuid;

/// A signed-in user with a registered device.
async fn user(db: &Db) -> (Caller, Uuid) {
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    (caller, device)
}
