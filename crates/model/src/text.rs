//! Words, terms and their columns: the same for every language, without a dictionary.
//!
//! Words are the word segments of Unicode's text segmentation that hold a letter or digit, lower-cased,
//! and every symbol such as an emoji. Scripts without spaces fall into single characters; terms of two
//! words (`ngrams` 2) are what tells them apart.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX, TEXT_WORDS_MAX};
use crate::schema::TextEncoding;

/// The words of a text, in order; the first [`TEXT_WORDS_MAX`] of its first [`TEXT_BYTES_MAX`] bytes.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    prefix(text, TEXT_BYTES_MAX)
        .split_word_bounds()
        .filter(|segment| segment.chars().any(counts))
        .take(TEXT_WORDS_MAX)
        .map(|segment| prefix(segment, NAME_BYTES_MAX / 8).to_lowercase())
        .collect()
}

/// How often each term of a text occurs: its words and runs of up to `ngrams` words.
#[must_use]
pub fn terms(text: &str, ngrams: u8) -> BTreeMap<String, f64> {
    let words = words(text);
    let mut counts = BTreeMap::new();
    for length in 1..=usize::from(ngrams) {
        for run in words.windows(length) {
            *counts.entry(run.join(" ")).or_insert(0.0) += 1.0;
        }
    }
    counts
}

/// Adds a text to its columns, which are zero before and as many as the encoding has.
pub fn encode(text: &str, ngrams: u8, normalize: bool, encoding: &TextEncoding, out: &mut [f64]) {
    for (term, count) in terms(text, ngrams) {
        let (column, weight) = match encoding {
            TextEncoding::Hashed { buckets } => (Some(bucket(&term, *buckets)), 1.0),
            TextEncoding::Tfidf { terms, idf } => match terms.binary_search(&term) {
                Ok(index) => (Some(index), idf.get(index).copied().unwrap_or(0.0)),
                Err(_) => (None, 0.0),
            },
        };
        if let Some(cell) = column.and_then(|column| out.get_mut(column)) {
            *cell += count * weight;
        }
    }
    if normalize {
        let length = libm::sqrt(out.iter().map(|value| value * value).sum());
        if length > 0.0 && length.is_finite() {
            out.iter_mut().for_each(|value| *value /= length);
        }
    }
}

/// The bucket of a term: FNV-1a, mixed once more since its last byte hardly reaches the high bits.
#[must_use]
pub fn bucket(term: &str, buckets: u32) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in term.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    // Multiply-shift instead of a remainder: the same on 32-bit targets, and cheap.
    (((hash >> 32) * u64::from(buckets)) >> 32) as usize
}

/// Whether a character makes its segment a word: letters, digits, and symbols beyond punctuation.
fn counts(char: char) -> bool {
    char.is_alphanumeric()
        || (matches!(char, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
            && !char.is_whitespace())
}

/// The longest beginning of at most `bytes` bytes that ends between characters.
pub(crate) fn prefix(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn words_are_letters_digits_and_symbols() {
        assert_eq!(words("Don't PANIC: 42 ❤️!"), ["don't", "panic", "42", "❤️"]);
        assert_eq!(words("很好 😀"), ["很", "好", "😀"]);
        assert!(words(" … — ?! ").is_empty());
    }

    #[test]
    fn a_text_is_read_up_to_its_limits() {
        assert_eq!(
            words(&"a ".repeat(TEXT_WORDS_MAX + 9)).len(),
            TEXT_WORDS_MAX
        );
        let long = "é".repeat(TEXT_BYTES_MAX);
        assert_eq!(words(&long).len(), 1);
        assert_eq!(prefix(&long, 3), "é");
    }

    #[test]
    fn words_that_differ_in_their_last_letter_share_no_bucket_more_often_than_by_chance() {
        let buckets: BTreeSet<usize> = (0..1_000)
            .map(|n| bucket(&format!("w{n}"), 4_096))
            .collect();
        // By chance 1,000 words fill about 887 of 4,096 buckets.
        assert!((850..930).contains(&buckets.len()), "{}", buckets.len());
        assert_ne!(bucket("好", 256), bucket("差", 256));
        assert!((0..1_000).all(|n| bucket(&n.to_string(), 1) == 0));
    }
}
