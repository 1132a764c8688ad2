//! How large anything may be. Decoding, scoring and training keep to the same numbers.

/// Bytes of an artefact: what a device is asked to download, and what one backend keeps in its cache.
pub const ARTIFACT_BYTES_MAX: usize = 256 << 20;
/// Features of a model.
pub const FEATURES_MAX: usize = 4_096;
/// Columns that the features of one row become (one-hot values and text terms are columns each).
pub const COLUMNS_MAX: usize = 65_536;
/// Classes of a classifier, outputs of any other model.
pub const OUTPUTS_MAX: usize = 256;
/// Values that one categorical feature tells apart; the others are "other".
pub const CATEGORIES_MAX: usize = 4_096;
/// Bytes of a feature's name, a label, a category or a term.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Bytes of one text that are read; what follows does not count.
pub const TEXT_BYTES_MAX: usize = 65_536;
/// Words of one text that are read; what follows does not count.
pub const TEXT_WORDS_MAX: usize = 4_096;
/// Longest run of words that is one term.
pub const NGRAMS_MAX: u8 = 3;
/// Magnitude of any parameter, so that sums over [`COLUMNS_MAX`] columns stay finite.
pub const PARAMETER_MAX: f64 = 1e150;
/// Magnitude of any input; beyond it a value counts as this one.
pub const INPUT_MAX: f64 = 1e100;
/// Rows of one `predict_many`.
pub const ROWS_MAX: usize = 100_000;
/// Dimensions of a vector.
pub const DIMENSIONS_MAX: usize = 4_096;
/// Sentences of a text that a summary looks at.
pub const SENTENCES_MAX: usize = 400;
