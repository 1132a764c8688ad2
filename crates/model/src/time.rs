//! Times as JSON carries them → seconds since 1970, as training reads them from columns.

/// What Postgres counts time in.
const MICROS: i64 = 1_000_000;

/// Seconds since 1970 of `2026-11-26`, `2026-11-26T10:00:00.5` or `2026-11-26 10:00:00+02:00`. Without a
/// zone it is UTC, as `extract(epoch from …)` of Postgres has it. `None` for anything else.
#[must_use]
pub fn seconds(text: &str) -> Option<f64> {
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = whole(parts.next()?, 4..=6)?;
    let (month, day) = (whole(parts.next()?, 2..=2)?, whole(parts.next()?, 2..=2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * 86_400 * MICROS;
    let micros = midnight + clock.map_or(Some(0), micros_of_day)?;
    // One division of a whole number: the float that is nearest to the decimal, as in Postgres.
    Some(micros as f64 / MICROS as f64)
}

/// `10:00`, `10:00:00.25`, with a zone or without.
fn micros_of_day(clock: &str) -> Option<i64> {
    let (clock, offset) = match clock.find(['Z', '+', '-']) {
        Some(at) => (clock.get(..at)?, zone(clock.get(at..)?)?),
        None => (clock, 0),
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let mut parts = clock.split(':');
    let hour = whole(parts.next()?, 2..=2)?;
    let minute = whole(parts.next()?, 2..=2)?;
    let second = parts.next().map_or(Some(0), |text| whole(text, 2..=2))?;
    if parts.next().is_some() || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let micros = match fraction {
        None => 0,
        Some(digits) => {
            let kept = digits.get(..digits.len().min(6))?;
            whole(kept, 1..=6)? * 10_i64.pow(6 - kept.len() as u32)
        }
    };
    Some((hour * 3_600 + minute * 60 + second - offset) * MICROS + micros)
}

/// Seconds east of UTC of `Z`, `+02`, `+0200` and `+02:00`.
fn zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, text) = match text.split_at_checked(1)? {
        ("+", text) => (1, text),
        (_, text) => (-1, text),
    };
    let (hours, minutes) = match text.len() {
        2 => (text, "00"),
        4 => text.split_at_checked(2)?,
        _ => text.split_once(':')?,
    };
    Some(sign * (whole(hours, 2..=2)? * 3_600 + whole(minutes, 2..=2)? * 60))
}

fn whole(text: &str, digits: core::ops::RangeInclusive<usize>) -> Option<i64> {
    let right = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok())?
}

/// Days since 1970 in the proleptic Gregorian calendar, counting years from March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}
