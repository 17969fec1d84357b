//! The `rekon` program; everything is in the library.

fn main() {}
