//! rekon
pub mod doku;
pub mod job;
pub mod model;
