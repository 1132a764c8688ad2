//! Dates and times by value, as Postgres spells them or a device may.

use crate::time;

/// Digits of the year that Postgres never exceeds.
const YEAR_DIGITS_MAX: usize = 7;

/// Seconds since 1970 and nanoseconds beyond of a date, or of a date and a time with or without an offset from UTC; `None` for
/// anything else.
pub(crate) fn moment(text: &str) -> Option<(i64, i64)> {
    let (text, before_christ) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() >= 4)?;
    let year = digits(year, YEAR_DIGITS_MAX)?;
    let month = two(parts.next()?).filter(|month| (1..=12).contains(month))?;
    let day = two(parts.next()?).filter(|day| (1..=31).contains(day))?;
    let year = if before_christ { 1 - year } else { year };
    let midnight = time::days(year, month, day) * 86_400;
    let (seconds, nanoseconds) = clock.map_or(Some((0, 0)), of_day)?;
    Some((midnight + seconds, nanoseconds))
}

/// Seconds since midnight in UTC, and nanoseconds beyond.
fn of_day(text: &str) -> Option<(i64, i64)> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, "Z"),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let shift = 9_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let nanoseconds = digits(fraction, 9)? * 10_i64.pow(shift);
    let offset = match offset.split_at(1) {
        ("Z", "") => 0,
        ("+", offset) => seconds(offset)?,
        ("-", offset) => -seconds(offset)?,
        _ => return None,
    };
    Some((seconds(clock)? - offset, nanoseconds))
}

/// Seconds of `hh`, `hh:mm` or `hh:mm:ss`.
fn seconds(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours = two(parts.next()?)?;
    let minutes = parts.next().map_or(Some(0), two)?;
    let seconds = parts.next().map_or(Some(0), two)?;
    parts
        .next()
        .is_none()
        .then_some((hours * 60 + minutes) * 60 + seconds)
}

fn two(text: &str) -> Option<i64> {
    digits(text, 2).filter(|_| text.len() == 2)
}

fn digits(text: &str, most: usize) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn times_are_ordered_by_value() {
        let ascending = [
            "4713-01-01 BC",
            "0044-03-15T00:00:00 BC",
            "2024-01-01T11:00:00+00:00",
            "2024-01-01T11:00:00.000001Z",
            "2024-01-01T12:00:00-00:30",
            "2024-01-01T14:30:00.25+02",
            "2024-01-01 12:30:00.5",
            "2024-01-02",
            "9999-12-31",
            "10000-01-01",
            "294276-12-31T23:59:59.999999+00:00",
        ];
        let values = ascending.map(|text| moment(text).ok_or(text));
        for pair in values.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].is_ok(), "{pair:?}");
        }
        let same = ["2024-01-01T13:00:00+02:00", "2024-01-01T11:00:00.000Z"].map(moment);
        assert_eq!(same[0], same[1]);
    }

    #[test]
    fn other_text_is_no_time() {
        let texts = [
            "",
            "2024",
            "2024-1-1",
            "2024-13-01",
            "2024-01-01x",
            "2024-01-01T",
            "2024-01-01T10:00:00+",
            "2024-01-01T10:00:00Zulu",
            "2024-01-01Té",
            "2024-01-01T10:00:00.",
            "24-01-01",
            "99999999-01-01",
            "2024-01-01T10:00:00:00",
        ];
        for text in texts {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
