//! Models inside a backend: look-up, cache, and training beside the backend's own thread. What decides is in
//! `offline_sync_model` and `offline_sync_train`.

pub mod beside;
pub mod cache;
pub mod document;
pub mod error;
mod lookup;
mod visibility;
