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

/// Whether what was changed on both sides of an unchanged piece was changed as one: a phrase is more than its words, a line is
/// a line.
pub(super) fn is_space(piece: &str) -> bool {
    !piece.contains('\n') && piece.chars().all(char::is_whitespace)
}
