//! Upper bounds of what a request may hold. Exceeding one is `PT413` for the whole request.

/// Limits of a push batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Mutations in one batch.
    pub mutations_max: usize,
    /// Bytes of the batch text.
    pub batch_bytes_max: usize,
    /// Levels of nested arrays and objects, the batch object itself being the first.
    pub depth_max: usize,
    /// Bytes of JSON of the values of one row key (a B-tree entry must fit a third of a page).
    pub key_bytes_max: usize,
    /// Entries of one `after` array.
    pub after_max: usize,
    /// Bytes of one name: table, column, function, group, and of `sent_at`.
    pub name_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            mutations_max: 1_000,
            batch_bytes_max: 1_000_000,
            depth_max: 64,
            key_bytes_max: 2_000,
            after_max: 1_000,
            name_bytes_max: 128,
        }
    }
}

/// Limits and defaults of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullLimits {
    /// Bytes of the request text.
    pub request_bytes_max: usize,
    /// Largest `limit` (rows in one answer).
    pub limit_max: u32,
    /// `limit` where none is given.
    pub limit_default: u32,
    /// Value that a larger `max_bytes` is cut to.
    pub max_bytes_max: u64,
    /// `max_bytes` where none is given.
    pub max_bytes_default: u64,
    /// Entries of `tables`.
    pub tables_max: usize,
    /// Bytes of a table name and of `schema`.
    pub name_bytes_max: usize,
}

impl Default for PullLimits {
    fn default() -> PullLimits {
        PullLimits {
            request_bytes_max: 2_000_000,
            limit_max: 10_000,
            limit_default: 1_000,
            max_bytes_max: 10_000_000,
            max_bytes_default: 1_000_000,
            tables_max: 1_000,
            name_bytes_max: 128,
        }
    }
}
