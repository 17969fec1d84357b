//! rekon
pub mod doku;
pub mod model;
