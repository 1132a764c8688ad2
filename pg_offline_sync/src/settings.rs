//! Settings, all under `offline_sync.`. Limits can be changed by a superuser only
//! (`alter database … set offline_sync.… = …`): callers must not lift them.

use offline_sync_core::limits::{Limits, PullLimits};
use offline_sync_train::TrainLimits;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static BATCH_MUTATIONS_MAX: GucSetting<i32> = GucSetting::<i32>::new(1_000);
static BATCH_BYTES_MAX: GucSetting<i32> = GucSetting::<i32>::new(1_000_000);
static PULL_ROWS_MAX: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static PULL_BYTES_MAX: GucSetting<i32> = GucSetting::<i32>::new(10_000_000);
static TRAIN_ROWS_MAX: GucSetting<i32> = GucSetting::<i32>::new(1_000_000);
static TRAIN_FEATURES_MAX: GucSetting<i32> = GucSetting::<i32>::new(1_000);
static TRAIN_MEMORY_MB: GucSetting<i32> = GucSetting::<i32>::new(1_024);
static TRAIN_SECONDS_MAX: GucSetting<i32> = GucSetting::<i32>::new(600);
static MODEL_BYTES_MAX: GucSetting<i32> = GucSetting::<i32>::new(64 << 20);
static MODEL_CACHE_MB: GucSetting<i32> = GucSetting::<i32>::new(64);
static PREDICT_ROWS_MAX: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static INDEX_ITEMS_MIN: GucSetting<i32> = GucSetting::<i32>::new(50_000);
static CLOCK_BOUND_MS: GucSetting<i32> = GucSetting::<i32>::new(60_000);

/// Defines the settings; called once a backend, when the library is loaded.
pub fn register() {
    let limits = [
        (
            c"offline_sync.batch_mutations_max",
            c"Mutations in one push batch, at most.",
            &BATCH_MUTATIONS_MAX,
            100_000,
        ),
        (
            c"offline_sync.batch_bytes_max",
            c"Bytes of one push batch, at most.",
            &BATCH_BYTES_MAX,
            100_000_000,
        ),
        (
            c"offline_sync.pull_rows_max",
            c"Rows in one pull answer, at most.",
            &PULL_ROWS_MAX,
            100_000,
        ),
        (
            c"offline_sync.pull_bytes_max",
            c"Bytes of rows in one pull answer, at most.",
            &PULL_BYTES_MAX,
            100_000_000,
        ),
        (
            c"offline_sync.train_rows_max",
            c"Rows that a model may be trained with, at most.",
            &TRAIN_ROWS_MAX,
            100_000_000,
        ),
        (
            c"offline_sync.train_features_max",
            c"Features of a model, at most.",
            &TRAIN_FEATURES_MAX,
            4_096,
        ),
        (
            c"offline_sync.train_memory_mb",
            c"Memory that a training may take, in MB, at most.",
            &TRAIN_MEMORY_MB,
            1_000_000,
        ),
        (
            c"offline_sync.train_seconds_max",
            c"Seconds that a training may take, at most.",
            &TRAIN_SECONDS_MAX,
            1_000_000,
        ),
        (
            c"offline_sync.model_bytes_max",
            c"Bytes of one model artefact, at most.",
            &MODEL_BYTES_MAX,
            256 << 20,
        ),
        (
            c"offline_sync.model_cache_mb",
            c"Memory for parsed models in each backend, in MB; the one in use always fits.",
            &MODEL_CACHE_MB,
            100_000,
        ),
        (
            c"offline_sync.predict_rows_max",
            c"Rows in one call of predict_many, at most.",
            &PREDICT_ROWS_MAX,
            1_000_000,
        ),
        (
            c"offline_sync.index_items_min",
            c"Items of a model from which on its training makes an index of pgvector, at least.",
            &INDEX_ITEMS_MIN,
            i32::MAX,
        ),
        (
            c"offline_sync.clock_bound_ms",
            c"Milliseconds that a device's clock may be ahead of the server's.",
            &CLOCK_BOUND_MS,
            86_400_000,
        ),
    ];
    for (name, meaning, setting, max) in limits {
        GucRegistry::define_int_guc(
            name,
            meaning,
            c"",
            setting,
            1,
            max,
            GucContext::Suset,
            GucFlags::default(),
        );
    }
}

fn size(setting: &GucSetting<i32>) -> usize {
    usize::try_from(setting.get()).unwrap_or_default()
}

/// Limits of a push batch.
pub fn batch_limits() -> Limits {
    Limits {
        mutations_max: size(&BATCH_MUTATIONS_MAX),
        batch_bytes_max: size(&BATCH_BYTES_MAX),
        ..Limits::default()
    }
}

/// Limits of a pull request.
pub fn pull_limits() -> PullLimits {
    let defaults = PullLimits::default();
    let limit_max = u32::try_from(PULL_ROWS_MAX.get()).unwrap_or(defaults.limit_max);
    let max_bytes_max = u64::try_from(PULL_BYTES_MAX.get()).unwrap_or(defaults.max_bytes_max);
    PullLimits {
        limit_max,
        limit_default: defaults.limit_default.min(limit_max),
        max_bytes_max,
        max_bytes_default: defaults.max_bytes_default.min(max_bytes_max),
        ..defaults
    }
}

/// How far a device's clock may be ahead, in milliseconds.
pub fn clock_bound_ms() -> i32 {
    CLOCK_BOUND_MS.get()
}

/// Rows in one call of `predict_many`.
pub fn predict_rows_max() -> usize {
    size(&PREDICT_ROWS_MAX)
}

/// Bytes of parsed artefacts that a backend keeps.
pub fn model_cache_bytes() -> usize {
    size(&MODEL_CACHE_MB) << 20
}

/// Items from which on they are searched by index.
pub fn index_items_min() -> i32 {
    INDEX_ITEMS_MIN.get()
}

/// Bytes of one artefact.
pub fn model_bytes_max() -> i32 {
    MODEL_BYTES_MAX.get()
}

/// Limits of a training.
pub fn train_limits() -> TrainLimits {
    TrainLimits {
        rows_max: size(&TRAIN_ROWS_MAX),
        features_max: size(&TRAIN_FEATURES_MAX),
        memory_bytes_max: size(&TRAIN_MEMORY_MB) << 20,
        seconds_max: f64::from(TRAIN_SECONDS_MAX.get()),
    }
}

/// Rows to train with.
pub fn train_rows_max() -> i32 {
    TRAIN_ROWS_MAX.get()
}
