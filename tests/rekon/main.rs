//! The integration tests: one binary.

mod binary;
mod cases;
mod process;
