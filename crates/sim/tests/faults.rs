//! Each check can fail: rules broken on purpose are noticed within a few seeds.

use offline_sync_sim::model::Faults;
use offline_sync_sim::run::{shrink, simulate};
use offline_sync_sim::step::{Shape, schedule};

const SEEDS: u64 = 400;
const STEPS: usize = 500;

fn is_caught(faults: Faults) -> bool {
    (1..=SEEDS).any(|seed| {
        let shape = Shape::new(seed, true);
        simulate(&shape, &schedule(&shape, STEPS), faults).is_err()
    })
}

macro_rules! caught {
    ($($name:ident: $fault:ident,)*) => {$(
        #[test]
        fn $name() {
            assert!(is_caught(Faults { $fault: true, ..Faults::default() }));
        }
    )*};
}

caught! {
    a_push_that_does_not_advance_the_seq_is_noticed: acked_not_advanced,
    a_cursor_that_skips_open_transactions_is_noticed: cursor_skips_open,
    a_cursor_that_is_off_by_one_is_noticed: cursor_off_by_one,
    a_clock_that_is_not_observed_is_noticed: clock_not_observed,
    a_clock_that_is_not_told_is_noticed: clock_not_told,
    an_equal_value_that_goes_unnoticed_is_noticed: equal_value_unnoticed,
    a_forgotten_departure_is_noticed: departure_forgotten,
    a_lost_scope_that_is_not_named_is_noticed: revocation_forgotten,
    a_decision_that_is_not_logged_is_noticed: conflict_not_logged,
    a_lost_deferred_mutation_is_noticed: queue_lost,
    an_acknowledged_push_lost_in_a_crash_is_noticed: crash_loses_push,
    a_deletion_that_is_not_told_is_noticed: deletion_forgotten,
    a_server_clock_that_is_not_raised_is_noticed: clock_not_raised,
    a_forgotten_trail_is_noticed: trail_forgotten,
    a_group_torn_apart_is_noticed: group_torn,
    a_deferred_group_torn_apart_is_noticed: group_torn_in_the_queue,
    a_forgotten_requirement_is_noticed: after_forgotten,
    a_row_that_left_for_a_scope_that_is_lost_between_pages_is_noticed: departure_in_sight_forgotten,
}

macro_rules! caught_by_the_clock {
    ($($name:ident: $policy:literal,)*) => {$(
        #[test]
        fn $name() {
            assert!(is_caught(Faults { as_last_write: Some($policy), ..Faults::default() }));
        }
    )*};
}

caught_by_the_clock! {
    a_counter_decided_by_the_clock_is_noticed: "counter",
    a_set_decided_by_the_clock_is_noticed: "set",
    a_document_decided_by_the_clock_is_noticed: "json",
    a_text_decided_by_the_clock_is_noticed: "text",
    a_merge_decided_by_the_clock_is_noticed: "merge",
}

#[test]
fn sound_rules_pass() {
    for seed in 1..=SEEDS {
        let shape = Shape::new(seed, true);
        let outcome = simulate(&shape, &schedule(&shape, STEPS), Faults::default());
        assert!(outcome.is_ok(), "SEED={seed}: {outcome:?}");
    }
}

#[test]
fn a_schedule_is_the_same_every_time_and_shrinks() {
    let faults = Faults {
        deletion_forgotten: true,
        ..Faults::default()
    };
    let fails = |seed: &u64| {
        let shape = Shape::new(*seed, true);
        simulate(&shape, &schedule(&shape, STEPS), faults).is_err()
    };
    let seed = (1..=SEEDS).find(fails).expect("a seed that shows it");
    let shape = Shape::new(seed, true);
    let steps = schedule(&shape, STEPS);
    assert_eq!(steps, schedule(&Shape::new(seed, true), STEPS));
    let smallest = shrink(&steps, |steps| simulate(&shape, steps, faults).is_err());
    assert!(smallest.len() < 20, "{smallest:?}");
    assert_eq!(
        simulate(&shape, &smallest, faults),
        simulate(&shape, &smallest, faults)
    );
}
