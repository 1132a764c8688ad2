//! One run of a schedule against the model, and the smallest schedule that still fails.

use std::collections::BTreeSet;

use crate::answer::Server;
use crate::model::{Faults, Model};
use crate::step::{Shape, Step};
use crate::table::{COLUMNS, LABELS, TAGS, TITLE};
use crate::value::elements;
use crate::world::{Counts, Names, World};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Steps executed before it showed; all of them where it showed at rest.
    pub after: usize,
    /// What is broken.
    pub what: String,
}

/// Runs a schedule against the model.
///
/// # Errors
/// The first invariant that breaks.
pub fn simulate(shape: &Shape, steps: &[Step], faults: Faults) -> Result<Counts, Failure> {
    let names = Names::new(shape);
    let mut model = Model::new(&names.devices, shape, faults);
    let mut world = World::new(&mut model, shape, false);
    for (after, step) in steps.iter().enumerate() {
        world.step(step).map_err(|what| Failure {
            after: after + 1,
            what,
        })?;
    }
    let failed = |what| Failure {
        after: steps.len(),
        what,
    };
    world.rest().map_err(failed)?;
    let counts = world.counts;
    let lasting = world.lasting_rows().to_vec();
    check_model(&mut model, &lasting).map_err(failed)?;
    Ok(counts)
}

/// What only the model can tell: its history, and its accounts of the latest titles and of the sets.
fn check_model(model: &mut Model, lasting: &[crate::table::Raw]) -> Result<(), String> {
    if let Some(repeated) = model.repeated() {
        return Err(repeated);
    }
    let rows = model.rows();
    for key in lasting {
        let title = rows.get(key).map(|(_, row)| &row[TITLE]);
        let latest = model.latest_title(key);
        if latest.is_some() && latest != title {
            return Err(format!(
                "{key} has title {title:?}, the latest accepted one is {latest:?}"
            ));
        }
        for column in [TAGS, LABELS] {
            let found = rows.get(key).map(|(_, row)| elements(&row[column]));
            let found = found.unwrap_or_default();
            let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            let expected = model.set_of(key, column);
            if found != expected {
                return Err(format!(
                    "{key} has the set {found:?} in {}, the accepted edits make {expected:?}",
                    COLUMNS[column].name
                ));
            }
        }
    }
    Ok(())
}

/// The smallest schedule that is found to fail still, by taking out ever smaller pieces.
pub fn shrink(steps: &[Step], mut fails: impl FnMut(&[Step]) -> bool) -> Vec<Step> {
    let mut steps = steps.to_vec();
    let mut piece = steps.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        let mut shrunk = false;
        while at < steps.len() {
            let end = (at + piece).min(steps.len());
            let mut without = steps[..at].to_vec();
            without.extend_from_slice(&steps[end..]);
            if fails(&without) {
                steps = without;
                shrunk = true;
            } else {
                at = end;
            }
        }
        if piece > 1 {
            piece /= 2;
        } else if !shrunk {
            break;
        }
    }
    steps
}
