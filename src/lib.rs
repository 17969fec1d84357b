//! rekon
pub mod doku;
pub mod model;
pub mod simulator;
