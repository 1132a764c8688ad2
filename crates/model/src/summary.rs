//! Extractive summaries: the sentences of a text that say most of what it says, in their order.
//!
//! Words are weighed by how often the text uses them and in how few sentences they stand. Sentences are
//! taken one by one: the one nearest to the weighed centre of the whole text, less what the sentences
//! already taken say. No dictionary, no list of stop words: it works in any language.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::SENTENCES_MAX;
use crate::text::words;

/// A sentence that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// Its position in the text, from 0.
    pub index: usize,
    /// Its text, without the space around it.
    pub text: String,
    /// How much of the whole text it says; larger is more.
    pub score: f64,
}

/// How much a sentence that repeats chosen ones is set back.
const REPETITION: f64 = 0.7;

/// The `count` sentences that say most, in the order of the text.
///
/// Looks at the first [`SENTENCES_MAX`] sentences; the first of equals is chosen.
#[must_use]
pub fn summarize(text: &str, count: usize) -> Vec<Sentence> {
    let sentences: Vec<&str> = text
        .unicode_sentences()
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
        .take(SENTENCES_MAX)
        .collect();
    let vectors = weigh(&sentences);
    let mut centre = BTreeMap::new();
    for vector in &vectors {
        for (word, weight) in vector {
            *centre.entry(*word).or_insert(0.0) += weight;
        }
    }
    let relevance: Vec<f64> = vectors
        .iter()
        .map(|vector| cosine(vector, &centre))
        .collect();
    let mut repeated = vec![0.0f64; sentences.len()];
    let mut chosen = BTreeSet::new();
    while chosen.len() < count.min(sentences.len()) {
        let mut best = None;
        for index in (0..sentences.len()).filter(|index| !chosen.contains(index)) {
            let gain = relevance[index] - REPETITION * repeated[index];
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((index, gain));
            }
        }
        let Some((index, _)) = best else { break };
        chosen.insert(index);
        for (other, vector) in vectors.iter().enumerate() {
            repeated[other] = repeated[other].max(cosine(vector, &vectors[index]));
        }
    }
    chosen
        .into_iter()
        .map(|index| Sentence {
            index,
            text: sentences[index].to_string(),
            score: relevance[index],
        })
        .collect()
}

/// For each sentence the weights of its words, by number of the word.
fn weigh(sentences: &[&str]) -> Vec<BTreeMap<usize, f64>> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut counts: Vec<BTreeMap<usize, f64>> = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        let mut own = BTreeMap::new();
        for word in words(sentence) {
            let next = numbers.len();
            *own.entry(*numbers.entry(word).or_insert(next))
                .or_insert(0.0) += 1.0;
        }
        counts.push(own);
    }
    let mut spread = vec![0.0f64; numbers.len()];
    for own in &counts {
        for word in own.keys() {
            spread[*word] += 1.0;
        }
    }
    let all = sentences.len() as f64;
    for own in &mut counts {
        for (word, weight) in own.iter_mut() {
            *weight =
                libm::log(1.0 + *weight) * (libm::log((1.0 + all) / (1.0 + spread[*word])) + 1.0);
        }
    }
    counts
}

fn cosine(left: &BTreeMap<usize, f64>, right: &BTreeMap<usize, f64>) -> f64 {
    let dot: f64 = left
        .iter()
        .filter_map(|(word, weight)| Some(weight * right.get(word)?))
        .sum();
    let norm = |vector: &BTreeMap<usize, f64>| -> f64 { vector.values().map(|w| w * w).sum() };
    let norms = libm::sqrt(norm(left) * norm(right));
    if norms > 0.0 { dot / norms } else { 0.0 }
}
