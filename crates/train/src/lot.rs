//! The lot of each row, which decides whether it trains or measures.
//!
//! It follows from what the row says and from nothing else: neither a seed nor its place. So a row keeps its lot while others come and
//! go, in whatever order they are read, and what one training has held out is known to the next. Rows that say the same draw one lot
//! each: the first, the second and so on of its kind. Rows of one group share a lot, which follows from the group's name alone.

use crate::data::{Labels, TrainData};
use crate::error::TrainError;
use crate::limits::Work;
use crate::rng::Rng;

/// Where every hash begins. Another number would move all rows, and models of before would be asked about what they know.
const SALT: u64 = 0x6c6f_7473_206f_6620;

/// Lots of all rows of the data, from 0 inclusive to 1 exclusive.
pub(crate) fn lots(data: &TrainData, work: &mut Work<'_>) -> Result<Vec<f64>, TrainError> {
    work.reserve(&[data
        .rows
        .saturating_mul(size_of::<(u64, usize)>() + size_of::<f64>())])?;
    let (numbers, categories, texts) = (
        width(data.numeric.len(), data.rows),
        width(data.categorical.len(), data.rows),
        width(data.text.len(), data.rows),
    );
    let mut hashes = Vec::with_capacity(data.rows);
    for row in 0..data.rows {
        if let Some(group) = data.groups.get(row) {
            hashes.push((with_word(SALT, group.as_deref()), row));
            continue;
        }
        let mut hash = SALT;
        for value in &data.numeric[row * numbers..(row + 1) * numbers] {
            hash = with_number(hash, *value);
        }
        let words = &data.categorical[row * categories..(row + 1) * categories];
        let bodies = &data.text[row * texts..(row + 1) * texts];
        for word in words.iter().chain(bodies) {
            hash = with_word(hash, word.as_deref());
        }
        hash = match &data.labels {
            Labels::None => hash,
            Labels::Text(labels) => with_word(hash, labels[row].as_deref()),
            Labels::Number(labels) => with_number(hash, labels[row]),
        };
        hashes.push((hash, row));
        let letters: usize = bodies.iter().flatten().map(String::len).sum();
        work.done(numbers + 4 * categories + letters / 4)?;
    }
    hashes.sort_unstable();
    let mut lots = vec![0.0; data.rows];
    for alike in hashes.chunk_by(|left, right| left.0 == right.0) {
        for (place, (hash, row)) in alike.iter().enumerate() {
            let place = if data.groups.is_empty() {
                place as u64
            } else {
                0
            };
            lots[*row] = Rng::new(*hash, place).unit();
        }
    }
    Ok(lots)
}

fn width(values: usize, rows: usize) -> usize {
    values.checked_div(rows).unwrap_or_default()
}

/// All that is missing is one value, and so are both zeros.
fn with_number(hash: u64, value: f64) -> u64 {
    let value = if value.is_finite() {
        value + 0.0
    } else {
        f64::NAN
    };
    with(hash, value.to_bits())
}

fn with_word(hash: u64, word: Option<&str>) -> u64 {
    let Some(word) = word else {
        return with(hash, u64::MAX);
    };
    let start = with(hash, word.len() as u64);
    word.as_bytes().chunks(8).fold(start, |hash, part| {
        let mut bytes = [0; 8];
        bytes[..part.len()].copy_from_slice(part);
        with(hash, u64::from_le_bytes(bytes))
    })
}

/// Both halves of a product that depends on every bit of both.
fn with(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::lots;
    use crate::data::{Labels, TrainData};
    use crate::limits::{Pulse, TrainLimits, Work};

    struct Free;

    impl Pulse for Free {
        fn beat(&mut self) -> Result<(), crate::Cancelled> {
            Ok(())
        }

        fn seconds(&mut self) -> f64 {
            0.0
        }
    }

    fn of(numeric: Vec<f64>) -> Vec<f64> {
        let data = TrainData {
            rows: numeric.len() / 2,
            labels: Labels::Text(vec![Some("label".into()); numeric.len() / 2]),
            numeric,
            ..TrainData::default()
        };
        let limits = TrainLimits {
            rows_max: usize::MAX,
            features_max: 2,
            memory_bytes_max: usize::MAX,
            seconds_max: 1.0,
        };
        lots(&data, &mut Work::new(&mut Free, &limits)).unwrap()
    }

    #[test]
    fn rows_keep_their_lots_in_whatever_company() {
        let rows: Vec<f64> = (0..200).map(|value| f64::from(value / 2)).collect();
        let few = of(rows.clone());
        let mut turned = rows.clone();
        turned.rotate_left(50);
        assert_eq!(of(turned), [&few[25..], &few[..25]].concat());
        let mut more = rows.clone();
        more.extend((0..50).map(|value| -f64::from(value)));
        assert_eq!(of(more)[..100], few[..]);
    }

    #[test]
    fn lots_are_even_and_all_different() {
        // A grid of small numbers, and one row many times: what a poor hash would not tell apart.
        let grid =
            (0..300u32).flat_map(|a| (0..300u32).flat_map(move |b| [f64::from(a), f64::from(b)]));
        for rows in [grid.collect(), vec![7.0; 180_000]] {
            let mut found = of(rows);
            let below = |bound: f64| found.iter().filter(|lot| **lot < bound).count();
            for (bound, expected) in [(0.01, 900i64), (0.25, 22_500), (0.9, 81_000)] {
                assert!((below(bound) as i64 - expected).abs() < expected / 8);
            }
            found.sort_unstable_by(f64::total_cmp);
            found.dedup();
            assert_eq!(found.len(), 90_000);
        }
    }

    #[test]
    fn what_is_missing_is_missing_and_zero_has_no_sign() {
        let lots = of(vec![
            f64::NAN,
            0.0,
            -0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
            f64::NAN,
        ]);
        assert_eq!(
            (lots[0], lots[1]),
            (of(vec![f64::INFINITY, -0.0])[0], of(vec![0.0, f64::NAN])[0])
        );
        assert_ne!(lots[0], lots[2], "the second of its kind");
    }
}
