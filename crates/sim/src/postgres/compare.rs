//! A schedule against the model and the database at the same time.

use std::collections::BTreeMap;

use super::Database;
use super::server::Postgres;
use crate::answer::Server;
use crate::device::Device;
use crate::model::{Faults, Model};
use crate::step::{Shape, Step, WRITERS};
use crate::table::{Raw, Row, TEAM};
use crate::world::{Counts, Names, World};

/// Runs a schedule against both.
///
/// # Errors
/// The first difference, or what either of them breaks.
pub fn compare(database: &mut Database, shape: &Shape, steps: &[Step]) -> Result<Counts, String> {
    let mut shape = shape.clone();
    database.runs += 1;
    shape.run = database.runs;
    let names = Names::new(&shape);
    database.prepare(&shape, &names);
    let mut postgres = Postgres {
        database,
        names: names.clone(),
        on_delete: shape.on_delete,
        open: [false; WRITERS],
    };
    let outcome = compare_with(&mut postgres, &names, &shape, steps);
    // A schedule that failed in the middle leaves transactions open.
    postgres.crash();
    outcome
}

fn compare_with(
    postgres: &mut Postgres<'_>,
    names: &Names,
    shape: &Shape,
    steps: &[Step],
) -> Result<Counts, String> {
    let mut model = Model::new(&names.devices, shape, Faults::default());
    let mut ours = World::new(&mut model, shape, true);
    let mut theirs = World::new(postgres, shape, true);
    for (at, step) in steps.iter().enumerate() {
        let (model, database) = (ours.step(step), theirs.step(step));
        same(&format!("after step {at}, {step:?}"), &model, &database)?;
        same_answers(
            &format!("after step {at}, {step:?}"),
            &mut ours.answers,
            &mut theirs.answers,
        )?;
        model?;
    }
    let (model_rest, database_rest) = (ours.rest(), theirs.rest());
    same_answers("coming to rest", &mut ours.answers, &mut theirs.answers)?;
    same("at rest", &model_rest, &database_rest)?;
    model_rest?;
    let counts = theirs.counts;
    for (at, (model, database)) in ours.devices.iter().zip(&theirs.devices).enumerate() {
        let rows = |device: &Device| -> Vec<(Raw, Raw, Row)> {
            let rows = device.rows.iter();
            rows.map(|(key, local)| (key.clone(), local.row[TEAM].clone(), local.row.clone()))
                .collect()
        };
        same(
            &format!("rows of device {at}"),
            &rows(model),
            &rows(database),
        )?;
    }
    let rows = |rows: BTreeMap<Raw, (i64, Row)>| -> Vec<(Raw, Row)> {
        rows.into_iter().map(|(key, (_, row))| (key, row)).collect()
    };
    same(
        "rows",
        &rows(ours.server.rows()),
        &rows(theirs.server.rows()),
    )?;
    same("conflict log", &ours.server.log(), &theirs.server.log())?;
    same("queue", &ours.server.queue(), &theirs.server.queue())?;
    Ok(counts)
}

fn same_answers(
    place: &str,
    model: &mut Vec<String>,
    database: &mut Vec<String>,
) -> Result<(), String> {
    let (model, database) = (std::mem::take(model), std::mem::take(database));
    same(place, &model, &database)
}

fn same<T: PartialEq + std::fmt::Debug>(
    place: &str,
    model: &T,
    database: &T,
) -> Result<(), String> {
    if model == database {
        Ok(())
    } else {
        Err(format!(
            "{place}\n   model: {model:?}\ndatabase: {database:?}"
        ))
    }
}
