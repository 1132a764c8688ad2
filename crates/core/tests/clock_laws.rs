//! Laws of the hybrid logical clock.
#![allow(clippy::unwrap_used)]

use offline_sync_core::clock::{Hlc, clamp, observe, tick};
use proptest::prelude::*;

/// Clock values that leave room for larger ones.
fn hlc() -> impl Strategy<Value = Hlc> {
    prop_oneof![
        (0..Hlc::MAX.0 - 4).prop_map(Hlc),
        (0u64..1 << 47)
            .prop_map(|ms| Hlc::from_parts(ms, u16::MAX))
            .prop_filter("room", |hlc| { *hlc < Hlc(Hlc::MAX.0 - 4) }),
        (0u64..64).prop_map(Hlc),
    ]
}

proptest! {
    #[test]
    fn tick_moves_forward_and_never_behind_the_wall_clock(state in hlc(), now in 0u64..1 << 46) {
        let next = tick(state, now);
        prop_assert!(next > state);
        prop_assert!(next.ms() >= now);
        prop_assert!(next.ms() <= state.ms().max(now) + 1);
    }

    #[test]
    fn observe_is_later_than_both_sides(a in hlc(), b in hlc(), now in 0u64..1 << 46) {
        let next = observe(a, b, now);
        prop_assert!(next > a && next > b);
        prop_assert!(next.ms() >= now);
        prop_assert_eq!(next, observe(b, a, now));
    }

    #[test]
    fn what_follows_a_message_is_later_than_what_preceded_it(
        sender in hlc(), receiver in hlc(), sender_now in 0u64..1 << 46, receiver_now in 0u64..1 << 46,
    ) {
        let sent = tick(sender, sender_now);
        let received = observe(receiver, sent, receiver_now);
        let after = tick(received, 0);
        prop_assert!(sent < received && received < after);
    }

    #[test]
    fn a_clamped_clock_is_at_most_the_bound_ahead(claim in hlc(), now in 0u64..1 << 46, bound in 0u64..1 << 40) {
        let clamped = clamp(claim, now, bound);
        prop_assert!(clamped.hlc.ms() <= now + bound);
        prop_assert!(clamped.hlc <= claim);
        prop_assert_eq!(clamped.skewed, clamped.hlc != claim);
        prop_assert_eq!(clamped.skewed, claim.ms() > now + bound);
    }

    #[test]
    fn clamping_keeps_the_order_of_claims(a in hlc(), b in hlc(), now in 0u64..1 << 46, bound in 0u64..1 << 40) {
        let (small, large) = (a.min(b), a.max(b));
        prop_assert!(clamp(small, now, bound).hlc <= clamp(large, now, bound).hlc);
    }

    #[test]
    fn text_round_trips_and_parts_add_up(value in hlc()) {
        prop_assert_eq!(Hlc::parse(&value.to_string()), Some(value));
        prop_assert_eq!(Hlc::from_parts(value.ms(), value.counter()), value);
        prop_assert!(i64::try_from(value.0).is_ok());
    }

    #[test]
    fn order_is_the_order_of_moments(a in hlc(), b in hlc()) {
        prop_assert_eq!(a.cmp(&b), (a.ms(), a.counter()).cmp(&(b.ms(), b.counter())));
    }
}

#[test]
fn a_full_counter_carries_into_the_milliseconds() {
    let full = Hlc::from_parts(1_000, u16::MAX);
    assert_eq!(tick(full, 1_000), Hlc::from_parts(1_001, 0));
    assert_eq!(observe(Hlc(0), full, 5), Hlc::from_parts(1_001, 0));
}

#[test]
fn extremes_stay_within_bigint() {
    assert_eq!(tick(Hlc::MAX, u64::MAX), Hlc::MAX);
    assert_eq!(Hlc::from_parts(u64::MAX, u16::MAX), Hlc::MAX);
    assert!(!clamp(Hlc::MAX, u64::MAX, u64::MAX).skewed);
}

#[test]
fn only_plain_digits_are_a_clock() {
    for text in [
        "",
        "+5",
        "-5",
        " 5",
        "5 ",
        "5.0",
        "0x5",
        "9223372036854775808",
        "99999999999999999999",
    ] {
        assert_eq!(Hlc::parse(text), None, "{text:?}");
    }
    assert_eq!(Hlc::parse("9223372036854775807"), Some(Hlc::MAX));
}
