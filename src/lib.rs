//! rekon
pub mod doku;
pub mod edge;
pub mod model;
