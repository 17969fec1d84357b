//! rekon
pub mod doku;
pub mod job;
pub mod journal;
pub mod model;
pub mod plan;
