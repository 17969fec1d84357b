//! The integration tests: the program as a whole, and the house that it is built of.

mod binary;
mod cases;
mod faults;
mod fuzz;
mod jobs;
mod layers;
mod process;
mod provider_faults;
mod readme;
mod support;
