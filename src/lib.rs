//! The story, the map and the rules of the house are in `docs/architecture.md`, which stands here too.
//!
#![doc = include_str!("../docs/architecture.md")]

pub mod cli;
pub mod doku;
pub mod edge;
pub mod job;
pub mod journal;
pub mod listener;
pub mod model;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod runner;
pub mod simulator;
