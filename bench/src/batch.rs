//! Push batches as a device writes them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use uuid::Uuid;

/// Batch of mutations, as text.
pub fn batch(mutations: &[Value]) -> String {
    json!({ "v": 1, "mutations": mutations }).to_string()
}

/// A device's clock value for now.
pub fn now_hlc() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default() << 16
}

/// Insertion of a note of about 150 letters.
pub fn insert_note(table: &str, seq: u64, id: Uuid, team: Uuid, author: Uuid) -> Value {
    json!({
        "seq": seq.to_string(), "op": "insert", "table": table, "key": { "id": id }, "base": null,
        "patch": {
            "team_id": team, "author": author, "title": format!("Note {seq}"),
            "body": format!("{}{seq}", "lorem ipsum ".repeat(12)), "likes": seq % 100, "status": "draft",
            "updated_at": "2026-11-20T10:00:00.000Z"
        },
        "hlc": (now_hlc() + seq % 1_000).to_string()
    })
}
