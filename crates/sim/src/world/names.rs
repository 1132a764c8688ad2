//! Names of what there is in one run.

use crate::step::Shape;
use crate::table::Raw;

/// Names of devices, users, teams and rows of one run, as uuids.
#[derive(Clone, Debug)]
pub struct Names {
    /// Devices.
    pub devices: Vec<String>,
    /// Teams, as raw JSON.
    pub teams: Vec<Raw>,
    /// Rows, as raw JSON.
    pub rows: Vec<Raw>,
}

impl Names {
    /// The names of a shape, made of its seed.
    #[must_use]
    pub fn new(shape: &Shape) -> Names {
        let name = |kind: u64, at: usize| {
            format!(
                "{:08x}-{kind:04x}-4000-8000-{:06x}{at:06x}",
                shape.seed as u32, shape.run
            )
        };
        let raw = |kind, at| Raw::from(format!("\"{}\"", name(kind, at)));
        Names {
            // Ties of clocks are broken by device: their order is not that of their making.
            devices: (0..shape.devices)
                .map(|at| name(1 + (at as u64 * 7) % 5, at))
                .collect(),
            teams: (0..shape.teams).map(|at| raw(0xa, at)).collect(),
            rows: (0..shape.rows).map(|at| raw(0xb, at)).collect(),
        }
    }
}
