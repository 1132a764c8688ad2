//! Schedules: what happens, in which order. A schedule is data, made from a seed alone, so that steps can be taken out of it.

use crate::random::Random;
use crate::table::SchemaChange;

/// What a device does to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A new row.
    Insert,
    /// One to three columns of a row.
    Update,
    /// Columns of a row that may be gone.
    Upsert,
    /// Removes a row.
    Delete,
    /// Moves a row to another team.
    Move,
    /// A value that a constraint refuses.
    Refused,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrive,
    /// It is lost.
    Drop,
    /// It arrives, and once more later.
    Twice,
    /// It arrives; the answer to it does not.
    Cut,
}

/// What a writer who does not use the API does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// A new row.
    Insert,
    /// Sets a column.
    Set,
    /// Adds likes.
    Like,
    /// Raises best.
    Best,
    /// Moves the row to another team.
    Move,
    /// Removes the row.
    Delete,
}

/// One step. Numbers select among what there is, modulo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A person edits.
    Edit {
        /// Device.
        device: u16,
        /// Row.
        row: u16,
        /// How.
        edit: Edit,
        /// Requires the mutation so many before; 0 is none.
        after: u8,
        /// Further choices.
        salt: u32,
    },
    /// A person makes several edits that are applied together or not at all.
    Together {
        /// Device.
        device: u16,
        /// Row of the first.
        row: u16,
        /// Edits.
        count: u8,
        /// Further choices.
        salt: u32,
    },
    /// A device sends its outbox, up to so many mutations.
    Push {
        /// Device.
        device: u16,
        /// Mutations.
        count: u8,
    },
    /// A device asks for a page.
    Pull {
        /// Device.
        device: u16,
    },
    /// Something happens to a message under way.
    Network {
        /// Message.
        pick: u8,
        /// What happens.
        fate: Fate,
    },
    /// Time passes.
    Tick {
        /// Milliseconds.
        ms: u32,
    },
    /// A device's clock is set.
    Clock {
        /// Device.
        device: u16,
        /// To what.
        salt: u8,
    },
    /// A device loses its memory.
    CrashDevice {
        /// Device.
        device: u16,
    },
    /// The server goes down and comes back.
    CrashServer,
    /// Somebody writes to a row, in a transaction that stays open.
    Write {
        /// Writer.
        writer: u8,
        /// Row.
        row: u16,
        /// How.
        writing: Writing,
        /// Further choices.
        salt: u32,
    },
    /// Such a transaction ends.
    End {
        /// Writer.
        writer: u8,
        /// Whether it commits.
        commit: bool,
    },
    /// A user gains or loses a team.
    Member {
        /// Device of the user.
        device: u16,
        /// Team.
        team: u8,
        /// Gains.
        gains: bool,
    },
    /// The table is altered.
    Alter(SchemaChange),
}

/// Sizes and habits of one run, from its seed.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Seed.
    pub seed: u64,
    /// How often it ran in this database: names must not repeat there.
    pub run: u32,
    /// Devices.
    pub devices: usize,
    /// Rows that are never deleted.
    pub lasting: usize,
    /// All rows.
    pub rows: usize,
    /// Teams.
    pub teams: usize,
    /// Deletion policy.
    pub on_delete: &'static str,
    /// Rows of a pull page.
    pub page: Vec<usize>,
    /// Devices that send what they saw.
    pub befores: Vec<bool>,
    /// Devices that correct their clock by the server's.
    pub corrects: Vec<bool>,
    /// Devices that keep their clock ahead of all they heard of; others stamp with the time that their clock shows.
    pub listens: Vec<bool>,
    /// Whether the network is bad.
    pub bad_network: bool,
    /// Whether rows and memberships keep moving while devices pull in the smallest pages.
    pub restless: bool,
}

/// Writers besides the devices.
pub const WRITERS: usize = 2;

impl Shape {
    /// The shape of a seed. `paged`: pulls come in small pages.
    #[must_use]
    pub fn new(seed: u64, paged: bool) -> Shape {
        let mut random = Random::new(seed);
        let devices = 2 + random.below(4) as usize;
        let lasting = 1 + random.below(4) as usize;
        let restless = random.percent(25);
        let page = |random: &mut Random| {
            if paged {
                1 + random.below(if restless { 2 } else { 12 }) as usize
            } else {
                1_000
            }
        };
        Shape {
            seed,
            run: 0,
            devices,
            lasting,
            rows: lasting + 2 + random.below(8) as usize,
            teams: 2 + random.below(2) as usize,
            on_delete: ["update_wins", "update_wins", "delete_wins", "manual"]
                [random.below(4) as usize],
            page: (0..devices).map(|_| page(&mut random)).collect(),
            befores: (0..devices).map(|_| random.percent(60)).collect(),
            corrects: (0..devices).map(|_| random.percent(50)).collect(),
            listens: (0..devices).map(|_| random.percent(60)).collect(),
            bad_network: random.percent(60) && !restless,
            restless,
        }
    }

    /// A larger one, for the largest run.
    #[must_use]
    pub fn large(seed: u64, devices: usize, rows: usize) -> Shape {
        let mut shape = Shape::new(seed, true);
        shape.devices = devices;
        shape.rows = rows;
        shape.lasting = rows / 2;
        let mut random = Random::new(seed ^ 1);
        shape.page = (0..devices)
            .map(|_| 1 + random.below(200) as usize)
            .collect();
        shape.befores = (0..devices).map(|_| random.percent(60)).collect();
        shape.corrects = (0..devices).map(|_| random.percent(50)).collect();
        shape.listens = (0..devices).map(|_| random.percent(60)).collect();
        shape
    }
}

/// The schedule of a seed.
#[must_use]
pub fn schedule(shape: &Shape, steps: usize) -> Vec<Step> {
    let mut random = Random::new(shape.seed.wrapping_add(0x5eed));
    (0..steps).map(|_| step(shape, &mut random)).collect()
}

/// Mostly pulls, while rows change hands.
fn restless_step(shape: &Shape, random: &mut Random, picked: (u16, u16, u32)) -> Step {
    let (device, row, salt) = picked;
    let writer = random.below(WRITERS as u64) as u8;
    let write = |writing| Step::Write {
        writer,
        row,
        writing,
        salt,
    };
    match random.below(100) {
        0..20 => write(Writing::Move),
        20..30 => write(Writing::Set),
        30..45 => Step::End {
            writer,
            commit: true,
        },
        45..60 => Step::Member {
            device,
            team: random.below(shape.teams as u64) as u8,
            gains: random.percent(50),
        },
        60..80 => Step::Pull { device },
        _ => Step::Network {
            pick: salt as u8,
            fate: Fate::Arrive,
        },
    }
}

fn step(shape: &Shape, random: &mut Random) -> Step {
    let device = random.below(shape.devices as u64) as u16;
    let row = random.below(shape.rows as u64) as u16;
    let salt = random.draw() as u32;
    if shape.restless && random.percent(60) {
        return restless_step(shape, random, (device, row, salt));
    }
    match random.below(1_000) {
        0..30 => Step::Together {
            device,
            row,
            count: 2 + random.below(4) as u8,
            salt,
        },
        30..350 => Step::Edit {
            device,
            row,
            edit: match random.below(100) {
                0..14 => Edit::Insert,
                14..72 => Edit::Update,
                72..82 => Edit::Upsert,
                82..91 => Edit::Delete,
                91..96 => Edit::Move,
                _ => Edit::Refused,
            },
            after: match random.below(100) {
                0..12 => 1 + random.below(8) as u8,
                _ => 0,
            },
            salt,
        },
        350..480 => Step::Push {
            device,
            count: 1 + random.below(20) as u8,
        },
        480..590 => Step::Pull { device },
        590..820 => Step::Network {
            pick: salt as u8,
            fate: match random.below(100) {
                0..8 if shape.bad_network => Fate::Drop,
                8..16 if shape.bad_network => Fate::Twice,
                16..26 if shape.bad_network => Fate::Cut,
                _ => Fate::Arrive,
            },
        },
        820..850 => Step::Tick {
            ms: [1, 40, 3_000, 90_000][random.below(4) as usize],
        },
        850..858 => Step::Clock {
            device,
            salt: salt as u8,
        },
        858..866 => Step::CrashDevice { device },
        866..868 => Step::CrashServer,
        868..920 => Step::Write {
            writer: random.below(WRITERS as u64) as u8,
            row,
            writing: match random.below(100) {
                0..15 => Writing::Insert,
                15..45 => Writing::Set,
                45..65 => Writing::Like,
                65..80 => Writing::Best,
                80..90 => Writing::Move,
                _ => Writing::Delete,
            },
            salt,
        },
        920..975 => Step::End {
            writer: random.below(WRITERS as u64) as u8,
            commit: random.percent(75),
        },
        975..997 => Step::Member {
            device,
            team: random.below(shape.teams as u64) as u8,
            gains: random.percent(55),
        },
        _ => Step::Alter(
            [SchemaChange::Drop, SchemaChange::Add, SchemaChange::Policy][random.below(3) as usize],
        ),
    }
}
