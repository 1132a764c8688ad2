//! The server in one process: the rules are the core's, the storage is the simplest that can be.

mod pull;
mod push;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use offline_sync_core::limits::Limits;
use offline_sync_core::tables::Tables;

use crate::answer::{Change, LogEntry, PullAnswer, PullRequest, PushAnswer, Server};
use crate::step::Shape;
use crate::table::{Raw, Row, Schema, SchemaChange};
use store::Effect;

/// How far a claimed clock may be ahead.
pub const BOUND_MS: u64 = 60_000;

/// Rules that are broken on purpose, to prove that the checks notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A push does not advance the device's seq.
    pub acked_not_advanced: bool,
    /// The cursor takes open transactions for committed ones.
    pub cursor_skips_open: bool,
    /// The feed begins one transaction too late.
    pub cursor_off_by_one: bool,
    /// A clock is taken as claimed, whatever the device had seen.
    pub clock_not_observed: bool,
    /// An answer tells the server's clock alone, not those of what it shows.
    pub clock_not_told: bool,
    /// An equal value moves the clock of what everybody has seen.
    pub equal_value_unnoticed: bool,
    /// Columns of this policy are decided by the clock.
    pub as_last_write: Option<&'static str>,
    /// The history of a column does not reach the decision.
    pub trail_forgotten: bool,
    /// A row that moves away leaves no trace in its old scope.
    pub departure_forgotten: bool,
    /// A lost scope is not named.
    pub revocation_forgotten: bool,
    /// Decisions are not logged.
    pub conflict_not_logged: bool,
    /// Deferred mutations are dropped.
    pub queue_lost: bool,
    /// A crash loses the last push although it was acknowledged.
    pub crash_loses_push: bool,
    /// A deletion is not told.
    pub deletion_forgotten: bool,
    /// Writes outside of push take the server's clock as it is.
    pub clock_not_raised: bool,
    /// The mutations of a group are applied one by one.
    pub group_torn: bool,
    /// The mutations of a deferred group are tried again one by one.
    pub group_torn_in_the_queue: bool,
    /// What became of the mutations that another one requires is not looked at.
    pub after_forgotten: bool,
    /// A row that moved to another scope in sight is told only at the place of its last change.
    pub departure_in_sight_forgotten: bool,
}

/// Last write of something: version, clock, device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    version: i64,
    hlc: u64,
    device: Option<usize>,
}

#[derive(Clone, Debug)]
struct State {
    scope: Raw,
    version: i64,
    xid: u64,
    deleted: bool,
    hlc: u64,
    device: Option<usize>,
    seq: u64,
    life: Stamp,
    clocks: Vec<(usize, Stamp)>,
}

/// One change in a row's history.
#[derive(Clone, Debug)]
struct Past {
    version: i64,
    hlc: u64,
    /// As in the history: `i`, `u`, `d`, `r`.
    op: char,
    device: Option<(usize, u64)>,
    old: Vec<(usize, Raw)>,
}

/// A title with its clock and its device.
type Title = (u64, Option<usize>, Raw);

/// The elements of a set: the version and the device that added each.
type Additions = BTreeMap<String, (i64, Option<usize>)>;

#[derive(Clone, Debug, Default)]
struct Stored {
    row: Option<Row>,
    state: Option<State>,
    history: Vec<Past>,
}

impl Stored {
    /// What a column holds, if the device alone wrote it since a version: what it sends next replaces that.
    fn own_value(&self, column: usize, base: Option<i64>, device: usize) -> Option<Raw> {
        let state = self.state.as_ref()?;
        let since = base.unwrap_or(state.life.version);
        let own = |device_of: Option<(usize, u64)>| device_of.is_some_and(|(by, _)| by == device);
        let begun_here = base.is_some() || state.life.device == Some(device);
        let later = self.history.iter().filter(|past| past.version > since);
        let mut writes = later.filter(|past| past.old.iter().any(|(at, _)| *at == column));
        let alone = begun_here && writes.all(|past| own(past.device));
        let row = self.row.as_ref().filter(|_| alone)?;
        Some(row[column].clone())
    }
}

#[derive(Clone, Debug)]
struct Departure {
    version: i64,
    xid: u64,
}

#[derive(Clone, Debug)]
struct Queued {
    mutation: String,
    key: Option<Raw>,
    dead: Option<String>,
    decided: bool,
    /// First seq of the atomic group.
    group: Option<u64>,
}

impl Queued {
    fn new(mutation: &str, key: Option<Raw>, dead: Option<&str>) -> Queued {
        Queued {
            mutation: mutation.to_owned(),
            key,
            dead: dead.map(str::to_owned),
            decided: false,
            group: None,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct DeviceState {
    id: String,
    listens: bool,
    acked: u64,
    queue: BTreeMap<u64, Queued>,
    conflicts: HashMap<u64, bool>,
    teams: BTreeSet<Raw>,
}

#[derive(Default)]
struct Transaction {
    xid: u64,
    effects: Vec<Effect>,
}

/// The model of the server.
pub struct Model {
    rows: BTreeMap<Raw, Stored>,
    departures: BTreeMap<(Raw, Raw), Departure>,
    feed: BTreeSet<(Raw, u64, i64, Raw)>,
    devices: Vec<DeviceState>,
    log: Vec<LogEntry>,
    open: BTreeMap<usize, Transaction>,
    next_xid: u64,
    next_version: i64,
    schema: Schema,
    on_delete: &'static str,
    policy: String,
    tables: Tables,
    limits: Limits,
    faults: Faults,
    broken: Option<String>,
    /// The latest title of each row that took part, by clock and device, as an account of its own.
    titles: HashMap<Raw, Title>,
    /// Additions to the sets of each row that no removal has seen, as an account of its own: version and device.
    sets: HashMap<(Raw, usize), Additions>,
    last_push: Option<Vec<(Raw, Stored)>>,
}

impl Model {
    /// An empty server that knows these devices.
    #[must_use]
    pub fn new(ids: &[String], shape: &Shape, faults: Faults) -> Model {
        let devices = ids
            .iter()
            .zip(&shape.listens)
            .map(|(id, listens)| DeviceState {
                id: id.clone(),
                listens: *listens,
                ..DeviceState::default()
            });
        let mut model = Model {
            rows: BTreeMap::new(),
            departures: BTreeMap::new(),
            feed: BTreeSet::new(),
            devices: devices.collect(),
            log: Vec::new(),
            open: BTreeMap::new(),
            next_xid: 1,
            next_version: 1,
            schema: Schema::default(),
            on_delete: shape.on_delete,
            policy: String::new(),
            tables: Tables::default(),
            limits: Limits::default(),
            faults,
            broken: None,
            titles: HashMap::new(),
            sets: HashMap::new(),
            last_push: None,
        };
        model.read_schema();
        model
    }

    fn read_schema(&mut self) {
        let instead = self
            .faults
            .as_last_write
            .map(|policy| (policy, "last_write_wins"));
        self.policy = self.schema.policy_json(self.on_delete, instead, true);
        self.tables =
            Tables::parse(&self.schema.registry_json()).expect("the registry is well-formed");
    }

    fn blame(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    fn locked(&self, key: &Raw) -> bool {
        self.open
            .values()
            .any(|open| open.effects.iter().any(|effect| effect.key == *key))
    }

    /// The title that the accepted edits of a row should have left, by an account kept beside the rows.
    #[must_use]
    pub fn latest_title(&self, key: &Raw) -> Option<&Raw> {
        self.titles.get(key).map(|(_, _, title)| title)
    }

    /// The elements that the accepted edits of a row's set should have left, by an account kept beside the rows.
    #[must_use]
    pub fn set_of(&self, key: &Raw, column: usize) -> BTreeSet<&str> {
        let known = self.sets.get(&(key.clone(), column));
        known.map_or_else(BTreeSet::new, |known| {
            known.keys().map(String::as_str).collect()
        })
    }

    /// History entries that name a mutation more than once a row.
    #[must_use]
    pub fn repeated(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        for (key, stored) in &self.rows {
            for past in &stored.history {
                if let Some((device, seq)) = past.device
                    && !seen.insert((device, seq))
                {
                    return Some(format!(
                        "{key} has mutation {seq} of device {device} twice in its history"
                    ));
                }
            }
        }
        None
    }
}

impl Server for Model {
    fn push(&mut self, device: usize, batch: &str, now_ms: u64) -> Result<PushAnswer, String> {
        self.take_batch(device, batch, now_ms)
    }

    fn pull(
        &mut self,
        device: usize,
        request: &PullRequest,
        now_ms: u64,
    ) -> Result<PullAnswer, String> {
        self.page(device, request, now_ms)
    }

    fn write(&mut self, writer: usize, key: &Raw, change: &Change, now_ms: u64) -> bool {
        self.write_open(writer, key, change, now_ms)
    }

    fn end(&mut self, writer: usize, commit: bool) {
        if let Some(transaction) = self.open.remove(&writer)
            && commit
        {
            for effect in transaction.effects {
                self.settle(effect);
            }
        }
    }

    fn member(&mut self, device: usize, team: &Raw, gains: bool) {
        let teams = &mut self.devices[device].teams;
        if gains {
            teams.insert(team.clone());
        } else {
            teams.remove(team);
        }
    }

    fn alter(&mut self, change: SchemaChange) {
        self.schema.change(change);
        self.read_schema();
        // A dropped column takes its values along.
        for row in self
            .rows
            .values_mut()
            .filter_map(|stored| stored.row.as_mut())
        {
            for (at, raw) in row.iter_mut().enumerate() {
                if !self.schema.has(at) {
                    *raw = "null".into();
                }
            }
        }
    }

    fn crash(&mut self) {
        self.open.clear();
        if self.faults.crash_loses_push
            && let Some(before) = self.last_push.take()
        {
            for (key, stored) in before {
                self.put(key, stored);
            }
        }
    }

    fn rows(&mut self) -> BTreeMap<Raw, (i64, Row)> {
        let rows = self.rows.iter().filter_map(|(key, stored)| {
            let version = stored.state.as_ref()?.version;
            Some((key.clone(), (version, stored.row.clone()?)))
        });
        rows.collect()
    }

    fn log(&mut self) -> Vec<LogEntry> {
        let mut log = self.log.clone();
        log.sort();
        log
    }

    fn queue(&mut self) -> Vec<(usize, u64, String)> {
        let mut all = Vec::new();
        for (at, device) in self.devices.iter().enumerate() {
            for (seq, queued) in &device.queue {
                if !queued.decided {
                    let status = if queued.dead.is_some() {
                        "dead"
                    } else {
                        "deferred"
                    };
                    all.push((at, *seq, status.to_owned()));
                }
            }
        }
        all
    }

    fn broken(&mut self) -> Option<String> {
        self.broken.take()
    }
}
