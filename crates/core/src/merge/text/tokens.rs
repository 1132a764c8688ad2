//! The pieces that texts are compared by. Joined, they are the text again.

use unicode_segmentation::UnicodeSegmentation;

/// Lines with their ends.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Words, and what is between them, by Unicode's rules: combining marks, emoji sequences and CRLF stay whole.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split_word_bounds().collect()
}
