//! What a look-up in this transaction depends on: while it is the same, the same rows are visible to the same user.
//!
//! A cache of "which version serves" is only right for the snapshot that it was read by: a deployment becomes visible when its
//! transaction commits, its own transaction sees it before, and a rollback, also to a savepoint, takes it back.

use pgrx::pg_sys;

// Declared here because they cannot raise: pgrx's own bindings guard each call against errors, which a call per row feels.
unsafe extern "C" {
    fn GetActiveSnapshot() -> *mut pg_sys::SnapshotData;
    fn ActiveSnapshotSet() -> bool;
    fn GetCurrentSubTransactionId() -> pg_sys::SubTransactionId;
    fn GetUserId() -> pg_sys::Oid;
}

/// The snapshot, the place inside the transaction, and the user.
///
/// Transactions below `xmax` only ever end: between equal `xmin` and `xmax` and as many still running ones are the same ones. What
/// the own transaction did is told apart by its command counter, and by the subtransaction, which a rollback to a savepoint changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Visibility {
    xmin: pg_sys::TransactionId,
    xmax: pg_sys::TransactionId,
    running: (u32, i32),
    command: pg_sys::CommandId,
    subtransaction: pg_sys::SubTransactionId,
    user: pg_sys::Oid,
}

impl Visibility {
    /// That of the running statement; `None` outside of one.
    pub fn current() -> Option<Visibility> {
        // SAFETY: reads of the backend's own state on its own thread; the snapshot is looked at while it is active.
        unsafe {
            if !ActiveSnapshotSet() {
                return None;
            }
            let snapshot = GetActiveSnapshot().as_ref()?;
            Some(Visibility {
                xmin: snapshot.xmin,
                xmax: snapshot.xmax,
                running: (snapshot.xcnt, snapshot.subxcnt),
                command: snapshot.curcid,
                subtransaction: GetCurrentSubTransactionId(),
                user: GetUserId(),
            })
        }
    }
}
