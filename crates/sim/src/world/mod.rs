//! Executes a schedule against a server, and watches.

mod account;
mod check;
mod edit;
mod names;
mod network;
mod writers;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::answer::{Change, Server};
use crate::device::{Device, Ties};
use crate::step::{Fate, Shape, Step, WRITERS};
use crate::table::{Raw, Schema, TEAM};
use account::Intent;
pub use names::Names;
use network::Message;
use writers::Pending;

/// When every schedule begins: 2026-11-20.
const START_MS: u64 = 1_795_000_000_000;

/// Rounds of syncing after which everything must be at rest.
const REST_ROUNDS: usize = 50;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps, those of coming to rest included.
    pub steps: u64,
    /// Mutations that devices recorded.
    pub mutations: u64,
    /// Pushes that a server executed.
    pub pushes: u64,
    /// Pages that a server sent.
    pub pulls: u64,
    /// Contested columns.
    pub contested: u64,
    /// Mutations in atomic groups.
    pub grouped: u64,
    /// Mutations that others require.
    pub required: u64,
}

/// Devices, network and server of one run.
pub struct World<'s, S> {
    /// The server.
    pub server: &'s mut S,
    /// The devices.
    pub devices: Vec<Device>,
    /// What was counted.
    pub counts: Counts,
    /// What the server said, one line an answer.
    pub answers: Vec<String>,
    names: Names,
    shape: Shape,
    schema: Schema,
    now_ms: u64,
    messages: Vec<Message>,
    waiting: Vec<Option<u64>>,
    next_id: u64,
    intents: HashMap<(usize, u64), Intent>,
    /// Seqs of each group, which is named by its device and its first seq.
    groups: HashMap<(usize, u64), Vec<u64>>,
    acked: Vec<u64>,
    members: Vec<Vec<bool>>,
    likes: Vec<i64>,
    best: Vec<i64>,
    /// Words added to a column of a lasting row, and words that were ever removed from it.
    words: BTreeMap<(usize, usize), [BTreeSet<String>; 2]>,
    pending: Vec<Vec<Pending>>,
    locks: BTreeMap<usize, usize>,
    keeps_answers: bool,
    writes: u64,
}

impl<'s, S: Server> World<'s, S> {
    /// A world in which the lasting rows exist and every device has some teams. `keeps_answers`: for a comparison.
    pub fn new(server: &'s mut S, shape: &Shape, keeps_answers: bool) -> World<'s, S> {
        let names = Names::new(shape);
        let device = |at: usize| Device::new(shape, at);
        let mut world = World {
            server,
            devices: (0..shape.devices).map(device).collect(),
            counts: Counts::default(),
            answers: Vec::new(),
            names,
            shape: shape.clone(),
            schema: Schema::default(),
            now_ms: START_MS,
            messages: Vec::new(),
            waiting: vec![None; shape.devices],
            next_id: 0,
            intents: HashMap::new(),
            groups: HashMap::new(),
            acked: vec![0; shape.devices],
            members: vec![vec![false; shape.teams]; shape.devices],
            likes: vec![0; shape.lasting],
            best: vec![0; shape.lasting],
            words: BTreeMap::new(),
            pending: (0..WRITERS).map(|_| Vec::new()).collect(),
            locks: BTreeMap::new(),
            keeps_answers,
            writes: 0,
        };
        for row in 0..shape.lasting {
            let team = world.names.teams[row % shape.teams].clone();
            let change = Change::Insert(vec![(TEAM, team)]);
            world
                .server
                .write(0, &world.names.rows[row].clone(), &change, START_MS);
        }
        world.server.end(0, true);
        for device in 0..shape.devices {
            for team in 0..shape.teams {
                if (device + team) % 3 != 2 {
                    world.member(device, team, true);
                }
            }
        }
        world
    }

    /// Executes one step.
    ///
    /// # Errors
    /// What it breaks.
    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        self.counts.steps += 1;
        self.now_ms += 1;
        match *step {
            Step::Edit {
                device,
                row,
                edit,
                after,
                salt,
            } => {
                let device = device as usize;
                let ties = Ties {
                    after: self.required(device, after as usize),
                    group: None,
                };
                self.edit(device, row as usize, edit, ties, salt);
            }
            Step::Together {
                device,
                row,
                count,
                salt,
            } => self.edit_together(device as usize, row as usize, count as usize, salt),
            Step::Push { device, count } => self.send_push(device as usize, count as usize),
            Step::Pull { device } => self.send_pull(device as usize),
            Step::Network { pick, fate } => self.network(pick as usize, fate)?,
            Step::Tick { ms } => self.now_ms += u64::from(ms),
            Step::Clock { device, salt } => self.set_clock(device as usize, salt),
            Step::CrashDevice { device } => self.waiting[device as usize] = None,
            Step::CrashServer => self.crash_server(),
            Step::Write {
                writer,
                row,
                writing,
                salt,
            } => self.write(writer as usize, row as usize, writing, salt),
            Step::End { writer, commit } => self.end(writer as usize, commit),
            Step::Member {
                device,
                team,
                gains,
            } => self.member(device as usize, team as usize, gains),
            Step::Alter(change) => {
                // Altering waits for every open transaction.
                for writer in 0..WRITERS {
                    self.end(writer, true);
                }
                let mut next = self.schema;
                next.change(change);
                if next != self.schema {
                    self.schema = next;
                    self.server.alter(change);
                }
            }
        }
        self.server.broken().map_or(Ok(()), Err)
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if self.keeps_answers {
            self.answers.push(line());
        }
    }

    fn set_clock(&mut self, device: usize, salt: u8) {
        const YEAR_2099_MS: i64 = 4_070_908_800_000;
        let offset_ms = match salt % 6 {
            0 => -(self.now_ms as i64),
            1 => YEAR_2099_MS - self.now_ms as i64,
            2 => 0,
            3 => 30_000,
            4 => -3_600_000,
            _ => i64::from(salt) * 1_000,
        };
        self.devices[device].offset_ms = offset_ms;
    }

    fn crash_server(&mut self) {
        self.server.crash();
        self.locks.clear();
        self.pending.iter_mut().for_each(Vec::clear);
        // What waits for an answer waits in vain; what has not arrived may still.
        self.messages
            .retain(|message| matches!(message, Message::Push { .. } | Message::Pull { .. }));
    }

    fn member(&mut self, device: usize, team: usize, gains: bool) {
        self.members[device][team] = gains;
        let team = self.names.teams[team].clone();
        self.server.member(device, &team, gains);
    }

    /// Lets everything arrive and everybody sync until nothing changes, then looks at everything.
    ///
    /// # Errors
    /// What is broken.
    pub fn rest(&mut self) -> Result<(), String> {
        for writer in 0..WRITERS {
            self.end(writer, true);
        }
        while !self.messages.is_empty() {
            self.counts.steps += 1;
            self.network(0, Fate::Arrive)?;
        }
        for device in 0..self.devices.len() {
            let mut rounds = 0;
            while !self.devices[device].is_at_rest() || rounds == 0 {
                self.exchange(device, true)?;
                rounds += 1;
                if rounds > REST_ROUNDS {
                    return Err(format!(
                        "device {device}: its mutations do not all get a verdict"
                    ));
                }
            }
        }
        for device in 0..self.devices.len() {
            // A page may be under way; the pull after it starts at the end of that one.
            for _ in 0..2 {
                let mut pages = 0;
                loop {
                    self.exchange(device, false)?;
                    pages += 1;
                    if !self.devices[device].paging {
                        break;
                    }
                    if pages > 100 * REST_ROUNDS {
                        return Err(format!("device {device}: the pull does not end"));
                    }
                }
            }
        }
        self.server.broken().map_or(Ok(()), Err)?;
        self.check()
    }

    fn exchange(&mut self, device: usize, push: bool) -> Result<(), String> {
        self.now_ms += 1;
        self.counts.steps += 1;
        if push {
            self.send_batch(device, 1_000);
        } else {
            self.send_pull(device);
        }
        while let Some(message) = self.messages.pop() {
            self.arrive(message, true)?;
        }
        Ok(())
    }

    /// Rows that nobody deletes, for checks that a server of its own kind allows.
    #[must_use]
    pub fn lasting_rows(&self) -> &[Raw] {
        &self.names.rows[..self.shape.lasting]
    }
}
