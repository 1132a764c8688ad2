//! Pull: the feed by scope between two snapshots (sql/100_pull_scopes.sql, 105_pull.sql).

use std::collections::{BTreeMap, BTreeSet};

use offline_sync_core::pull::{Cursor, Page};

use super::Model;
use crate::answer::{PullAnswer, PullRequest, Upsert};
use crate::table::{Raw, TEAM};

/// Which transactions a moment sees.
struct Snapshot {
    xmax: u64,
    open: Vec<u64>,
}

impl Snapshot {
    fn parse(text: &str) -> Snapshot {
        let mut parts = text.split(':').skip(1);
        let xmax = parts.next().and_then(|xmax| xmax.parse().ok()).unwrap_or(0);
        let open = parts.next().unwrap_or("").split(',');
        Snapshot {
            xmax,
            open: open.filter_map(|xid| xid.parse().ok()).collect(),
        }
    }

    fn sees(&self, xid: u64) -> bool {
        xid < self.xmax && !self.open.contains(&xid)
    }

    fn xmin(&self) -> u64 {
        self.open.first().copied().unwrap_or(self.xmax)
    }
}

/// A place in the feed, and what is told there.
struct Found {
    xid: u64,
    place: i64,
    version: i64,
    scope: Raw,
    key: Raw,
    kind: char,
    known: bool,
    hlc: u64,
}

impl Model {
    fn snapshot(&self) -> String {
        let mut open: Vec<u64> = self
            .open
            .values()
            .map(|transaction| transaction.xid)
            .collect();
        open.sort_unstable();
        if self.faults.cursor_skips_open {
            open.clear();
        }
        let xmin = open.first().copied().unwrap_or(self.next_xid);
        let open: Vec<String> = open.iter().map(u64::to_string).collect();
        let xmax = self.next_xid + u64::from(self.faults.cursor_off_by_one);
        format!("{xmin}:{xmax}:{}", open.join(","))
    }

    pub(super) fn page(
        &self,
        device: usize,
        request: &PullRequest,
        now_ms: u64,
    ) -> Result<PullAnswer, String> {
        let decoded = request.cursor.as_deref().map(Cursor::decode).transpose();
        let cursor = decoded
            .map_err(|error| error.to_string())?
            .unwrap_or_default();
        let page = cursor.page.as_ref();
        let upper_text = page.map_or_else(|| self.snapshot(), |page| page.upper.clone());
        let upper = Snapshot::parse(&upper_text);
        let lower = request
            .cursor
            .is_some()
            .then(|| Snapshot::parse(&cursor.snapshot));
        let scopes_of = |scopes: &BTreeMap<String, Vec<String>>| -> BTreeSet<Raw> {
            scopes
                .values()
                .flatten()
                .map(|scope| format!("\"{scope}\"").into())
                .collect()
        };
        let had = scopes_of(&cursor.scopes);
        let fresh = page.map(|page| scopes_of(&page.fresh)).unwrap_or_default();
        let teams = &self.devices[device].teams;
        // A scope gained in the middle of a pull of several pages waits for the next pull.
        let covered = teams
            .iter()
            .filter(|team| page.is_none() || had.contains(*team) || fresh.contains(*team));
        let covered: Vec<&Raw> = covered.collect();
        let after = page.map(|page| (page.xid, page.version));
        let mut found = Vec::new();
        for scope in &covered {
            let known = had.contains(*scope);
            let from_start = if page.is_some() {
                fresh.contains(*scope)
            } else {
                !known
            };
            self.changes(
                device,
                scope,
                known,
                from_start,
                lower.as_ref(),
                &upper,
                after,
                request.seen_seq,
                &mut found,
            );
            if known {
                self.departed(
                    &covered,
                    &had,
                    scope,
                    from_start,
                    lower.as_ref(),
                    &upper,
                    after,
                    &mut found,
                );
            }
        }
        found.sort_by_key(|found| (found.xid, found.place));
        let more = found.len() > request.limit;
        found.truncate(request.limit);
        let mut answer = PullAnswer {
            server_hlc: now_ms << 16,
            has_more: more,
            scopes: (!self.faults.revocation_forgotten).then(|| teams.iter().cloned().collect()),
            ..PullAnswer::default()
        };
        let lost = had
            .iter()
            .chain(&fresh)
            .filter(|scope| !covered.contains(scope));
        if !self.faults.revocation_forgotten {
            let lost: BTreeSet<Raw> = lost.cloned().collect();
            answer.revoked_scopes = lost.into_iter().collect();
        }
        let last = found.last().map(|found| (found.xid, found.place));
        for found in found {
            self.render(device, found, &mut answer);
        }
        let map = |scopes: Vec<String>| BTreeMap::from([("1".to_owned(), scopes)]);
        let plain = |scope: &Raw| scope.trim_matches('"').to_owned();
        let next = match last.filter(|_| more) {
            Some((xid, version)) => Cursor {
                snapshot: if request.cursor.is_some() {
                    cursor.snapshot.clone()
                } else {
                    upper_text.clone()
                },
                scopes: map(covered
                    .iter()
                    .filter(|scope| had.contains(**scope))
                    .map(|scope| plain(scope))
                    .collect()),
                page: Some(Page {
                    upper: upper_text,
                    era: 1,
                    xid,
                    version,
                    fresh: map(covered
                        .iter()
                        .filter(|scope| {
                            if page.is_some() {
                                fresh.contains(**scope)
                            } else {
                                !had.contains(**scope)
                            }
                        })
                        .map(|scope| plain(scope))
                        .collect()),
                }),
                ..Cursor::default()
            },
            None => Cursor {
                snapshot: upper_text,
                scopes: map(covered.iter().map(|scope| plain(scope)).collect()),
                ..Cursor::default()
            },
        };
        answer.cursor = next.encode().map_err(|error| error.to_string())?;
        Ok(answer)
    }

    #[allow(clippy::too_many_arguments)]
    fn changes(
        &self,
        device: usize,
        scope: &Raw,
        known: bool,
        from_start: bool,
        lower: Option<&Snapshot>,
        upper: &Snapshot,
        after: Option<(u64, i64)>,
        seen_seq: u64,
        found: &mut Vec<Found>,
    ) {
        let lower = lower.filter(|_| !from_start);
        let begin = lower.map_or(0, Snapshot::xmin);
        let places = self
            .feed
            .range((scope.clone(), begin, i64::MIN, Raw::from(""))..);
        for (_, xid, version, key) in places.take_while(|place| place.0 == *scope) {
            let in_window = upper.sees(*xid)
                && lower.is_none_or(|lower| !lower.sees(*xid))
                && after.is_none_or(|after| (*xid, *version) > after);
            let Some(state) = self.rows.get(key).and_then(|stored| stored.state.as_ref()) else {
                continue;
            };
            let own = state.device == Some(device) && state.seq <= seen_seq;
            if in_window && (known || !state.deleted) && (from_start || !own) {
                found.push(Found {
                    xid: *xid,
                    place: *version,
                    version: *version,
                    scope: scope.clone(),
                    key: key.clone(),
                    kind: if state.deleted { 'd' } else { 'u' },
                    known,
                    hlc: state.hlc,
                });
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn departed(
        &self,
        covered: &[&Raw],
        had: &BTreeSet<Raw>,
        scope: &Raw,
        from_start: bool,
        lower: Option<&Snapshot>,
        upper: &Snapshot,
        after: Option<(u64, i64)>,
        found: &mut Vec<Found>,
    ) {
        for ((key, left), departure) in &self.departures {
            let in_window = left == scope
                && upper.sees(departure.xid)
                && (from_start || lower.is_none_or(|lower| !lower.sees(departure.xid)))
                && after.is_none_or(|after| (departure.xid, departure.version) > after);
            if !in_window {
                continue;
            }
            let state = self.rows.get(key).and_then(|stored| stored.state.as_ref());
            let now = state.filter(|state| {
                // A deletion in a scope that is new to the device is not told there.
                covered.contains(&&state.scope) && (!state.deleted || had.contains(&state.scope))
            });
            let told_there = now.is_some_and(|state| {
                state.version == departure.version
                    || state.scope == *left
                    || self.faults.departure_in_sight_forgotten
            });
            if told_there {
                continue;
            }
            // Where it is now, as its own place may be on a later page or in a later pull, when that scope may be lost.
            let here = now.filter(|state| !state.deleted);
            found.push(Found {
                xid: departure.xid,
                place: departure.version,
                version: here.map_or(departure.version, |state| state.version),
                scope: here.map_or(scope, |state| &state.scope).clone(),
                key: key.clone(),
                kind: if here.is_some() { 'u' } else { 'm' },
                known: true,
                hlc: here.map_or(0, |state| state.hlc),
            });
        }
    }

    fn render(&self, device: usize, found: Found, answer: &mut PullAnswer) {
        let row = self
            .rows
            .get(&found.key)
            .and_then(|stored| stored.row.as_ref());
        let visible = row.filter(|row| self.devices[device].teams.contains(&row[TEAM]));
        if self.faults.clock_not_told {
        } else if found.kind == 'd' || found.kind == 'u' && visible.is_some() {
            answer.server_hlc = answer.server_hlc.max(found.hlc);
        }
        match (found.kind, visible) {
            ('d', _) if self.faults.deletion_forgotten => {}
            ('d', _) => answer.deletes.push(found.key),
            ('u', Some(row)) => answer.upserts.push(Upsert {
                key: found.key,
                scope: found.scope,
                version: found.version,
                row: row.clone(),
            }),
            _ if found.kind == 'm' || found.known => answer.evicts.push(found.key),
            _ => {}
        }
    }
}
