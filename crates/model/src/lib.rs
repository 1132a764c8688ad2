//! Everything of a model that a device needs too: its artefact, its feature pipeline and its scores.
//!
//! A model is one small artefact. This crate decodes it, turns a row into numbers and scores them; the
//! same code runs inside Postgres and, compiled to WASM, in a browser. Exponentials, logarithms and
//! roots come from `libm` and sums have one fixed order, so both answer with the same bits.
//!
//! There is no I/O, no clock, no randomness and no `unsafe`. No artefact, text or row, however it was
//! forged, makes this crate panic, loop or allocate more than a small multiple of what it was given.
//!
//! | module | does |
//! | --- | --- |
//! | [`artifact`] | bytes ⇄ a validated model, with a SHA-256 over the content |
//! | [`schema`], [`row`], [`text`], [`time`] | features, and the columns that a row becomes |
//! | [`models`] | linear, naive Bayes, trees, k-means, FTRL, vectors |
//! | [`predict`] | a row by feature name → label, score and probabilities |
//! | [`envelope`] | the JSON document in which models are exported, pulled and imported |
//! | [`rank`] | exact nearest neighbours with a fixed order of ties |
//! | [`summary`] | extractive summaries |
//! | [`error`], [`limits`] | what can be wrong, with SQLSTATEs; how large anything may be |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod artifact;
pub mod envelope;
pub mod error;
pub mod limits;
pub mod math;
pub mod models;
pub mod predict;
pub mod rank;
pub mod row;
pub mod schema;
pub mod summary;
pub mod text;
pub mod time;

pub use artifact::{Artifact, Content};
pub use error::ModelError;
pub use models::Model;
pub use predict::Prediction;
pub use schema::{Algorithm, Feature, FeatureKind, Task, TextEncoding};
