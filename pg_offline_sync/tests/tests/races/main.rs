//! Many connections at once: pushes of the same rows, pushes against DDL, devices that sync in any order.

mod contention;
mod convergence;
