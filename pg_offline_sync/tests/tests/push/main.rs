//! push(): what each kind of mutation does, and that one bad mutation costs one verdict.

mod columns;
mod cost;
mod deferred_groups;
mod dependencies;
mod failures;
mod groups;
mod operations;
mod permissions;
mod triggers;

use offline_sync_testkit::{Caller, Db};
use uuid::Uuid;

/// A signed-in user with a registered device.
async fn user(db: &Db) -> (Caller, Uuid) {
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    (caller, device)
}
