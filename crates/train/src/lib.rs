//! Training: rows in, an artefact and its measured quality out.
//!
//! Everything runs on the caller's thread, is bounded by [`TrainLimits`], and asks a [`Pulse`] every few
//! milliseconds whether to go on, so that a backend can cancel it and gets its memory back. The same
//! data, specification and seed give the same artefact, byte by byte.
//!
//! | module | does |
//! | --- | --- |
//! | [`spec`], [`data`], [`limits`] | what to train, on what, within which bounds |
//! | [`run`], `plan`, `fit`, `resume` | the course of a training, and of one that goes on |
//! | `lot`, [`split`], [`features`] | hold-out rows; rows → columns |
//! | [`linear`], [`logistic`], [`bayes`], [`kmeans`], [`pca`], [`ftrl`], [`tree`] | the algorithms |
//! | `recommend`, `feedback`, `als` | vectors of users and items |
//! | [`metrics`], [`report`], [`compare`] | quality on rows that training did not see |
//! | [`onnx`] | export for other runtimes |
//! | [`error`] | what can be wrong, with SQLSTATEs and hints |
//!
//! Least squares and the elastic net are solved by linfa; `docs/models.md` says which of the other
//! algorithms are our own, and the measurement or fault because of which.
#![forbid(unsafe_code)]

mod als;
pub mod bayes;
pub mod compare;
pub mod data;
pub mod error;
pub mod features;
mod feedback;
mod fit;
pub mod ftrl;
pub mod gram;
pub mod kmeans;
pub mod limits;
pub mod linear;
pub mod logistic;
mod lot;
pub mod matrix;
pub mod metrics;
pub mod onnx;
pub mod pca;
mod plan;
mod recommend;
pub mod report;
mod resume;
pub mod rng;
pub mod run;
pub mod spec;
pub mod split;
pub mod tree;

pub use compare::Serving;
pub use data::{Labels, TrainData};
pub use error::{Cancelled, TrainError};
pub use limits::{Pulse, TrainLimits};
pub use onnx::to_onnx;
pub use resume::update;
pub use run::{Trained, train, train_beside};
