//! Reading the one form of time that the protocol uses.

use crate::error::CoreError;

const DAYS_BEFORE_1970: i64 = 719_468;

/// Milliseconds since 1970 of an ISO 8601 time in UTC: `2026-11-20T10:00:00Z`, with any number of
/// fractional digits.
///
/// # Errors
/// [`CoreError::OutOfRange`] (`22023`) for anything else.
pub fn parse_utc_ms(text: &str) -> Result<i64, CoreError> {
    parse(text).ok_or(CoreError::OutOfRange {
        field: "sent_at",
        expected: "a time in UTC such as 2026-11-20T10:00:00.000Z",
        seq: None,
    })
}

/// ISO 8601 with milliseconds, in UTC.
#[must_use]
pub fn utc_text(ms: i64) -> String {
    let (day, ms) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, date) = civil(day);
    let (second, ms) = (ms / 1_000, ms % 1_000);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

fn parse(text: &str) -> Option<i64> {
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = (days(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        *slot = part
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

/// Days since 1970 in the proleptic Gregorian calendar, counting years from March.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - DAYS_BEFORE_1970
}

/// The inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_BEFORE_1970;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(parse_utc_ms("1970-01-01T00:00:00Z").unwrap(), 0);
        assert_eq!(
            parse_utc_ms("2000-02-29T12:00:00.5Z").unwrap(),
            951_825_600_500
        );
        assert_eq!(
            parse_utc_ms("2026-11-20T10:00:00.123456Z").unwrap(),
            1_795_168_800_123
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        for ms in [
            0,
            1,
            951_825_600_500,
            1_795_168_800_123,
            4_102_444_799_999,
            -1,
        ] {
            assert_eq!(parse_utc_ms(&utc_text(ms)).unwrap(), ms);
        }
        assert_eq!(utc_text(951_825_600_500), "2000-02-29T12:00:00.500Z");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-20",
            "2026-13-20T10:00:00Z",
            "2026-11-20T10:00:00",
            "2026-11-20T10:00:00.Z",
        ] {
            assert_eq!(
                parse_utc_ms(text).unwrap_err().sqlstate(),
                "22023",
                "{text}"
            );
        }
    }
}
