//! The push context of this backend: which mutation each key of the running statement belongs to, and
//! what the capture trigger reported. Both sides of a user's statement (push before, capture inside)
//! meet here; settings would have to carry the same as text, a tenth of the time of a push.
//!
//! The one place with state. It is found by a token that the setting `offline_sync.push_token` holds
//! for the transaction: after an abort the setting is gone, and no later statement finds what was left.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::prelude::*;

/// Entries of one run and what became of them.
#[derive(Default)]
pub struct Context {
    token: i64,
    keys: Vec<String>,
    seqs: Vec<i64>,
    hlcs: Vec<i64>,
    claims: Vec<Option<i64>>,
    /// Row keys that capture stamped, in order.
    pub out_keys: Vec<String>,
    /// Their versions.
    pub out_versions: Vec<i64>,
    /// Whether more changed than the mutation named.
    pub out_extra: Vec<bool>,
    /// Scopes of the rows.
    pub out_scopes: Vec<Option<String>>,
}

thread_local! {
    static CONTEXT: RefCell<Context> = RefCell::default();
}

/// Calls `read` with the context, if the token is still the right one.
pub fn with_context<T>(token: i64, read: impl FnOnce(&mut Context) -> T) -> Option<T> {
    CONTEXT.with_borrow_mut(|context| (context.token == token && token > 0).then(|| read(context)))
}

/// Opens the context of a statement and returns its token. Arrays have one entry a mutation.
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
pub fn context_open(
    keys: Vec<String>,
    seqs: Vec<i64>,
    hlcs: Vec<i64>,
    claims: Vec<Option<i64>>,
) -> i64 {
    CONTEXT.with_borrow_mut(|context| {
        let token = context.token.wrapping_add(1).max(1);
        *context = Context {
            token,
            keys,
            seqs,
            hlcs,
            claims,
            ..Context::default()
        };
        token
    })
}

/// The entries of the context, none where the token is not the right one (or null).
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
pub fn context_rows(
    token: Option<i64>,
) -> TableIterator<
    'static,
    (
        name!(row_key, String),
        name!(seq, i64),
        name!(hlc, i64),
        name!(claim, Option<i64>),
    ),
> {
    let rows = with_context(token.unwrap_or_default(), |context| {
        let numbers = context.seqs.iter().zip(&context.hlcs).zip(&context.claims);
        let keyed = context.keys.iter().zip(numbers);
        keyed
            .map(|(key, ((seq, hlc), claim))| (key.clone(), *seq, *hlc, *claim))
            .collect()
    });
    TableIterator::new(rows.unwrap_or_else(Vec::new))
}

/// Appends what capture stamped, for the results of the push.
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
pub fn context_report(
    token: i64,
    keys: Vec<String>,
    versions: Vec<i64>,
    extra: Vec<bool>,
    scopes: Vec<Option<String>>,
) {
    with_context(token, |context| {
        context.out_keys.extend(keys);
        context.out_versions.extend(versions);
        context.out_extra.extend(extra);
        context.out_scopes.extend(scopes);
    });
}

/// Rows of which the answer must show the state that they have now: asked for (`wanted`) but not read
/// by the statement, or stamped more than once (a trigger wrote them again). Null when there are none.
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
pub fn context_missing(
    token: i64,
    keys: Vec<String>,
    wanted: Option<Vec<bool>>,
    doc_keys: Option<Vec<String>>,
) -> Option<Vec<String>> {
    let read: std::collections::HashSet<&str> =
        doc_keys.iter().flatten().map(String::as_str).collect();
    let stamps = with_context(token, |context| {
        let mut stamps: HashMap<String, u32> = HashMap::new();
        if context.out_keys.len() > keys.len() {
            for key in &context.out_keys {
                *stamps.entry(key.clone()).or_default() += 1;
            }
        }
        stamps
    })
    .unwrap_or_default();
    let is_missing = |at: usize, key: &str| {
        let asked = wanted
            .as_ref()
            .is_some_and(|wanted| wanted.get(at) == Some(&true));
        asked && !read.contains(key) || stamps.get(key).is_some_and(|count| *count > 1)
    };
    let missing: Vec<String> = keys
        .iter()
        .enumerate()
        .filter(|(at, key)| is_missing(*at, key))
        .map(|(_, key)| key.clone())
        .collect();
    (!missing.is_empty()).then_some(missing)
}
