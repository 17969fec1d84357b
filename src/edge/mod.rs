//! Where the program meets the world: bytes come in, and checked values go on.

pub mod csv;
pub mod read;
