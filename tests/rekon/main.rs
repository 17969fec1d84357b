//! The integration tests: the program as a whole, and the house that it is built of.

mod audits;
mod binary;
mod bind;
mod bugs;
mod cases;
mod command_line;
#[cfg(target_os = "linux")]
mod crash;
mod docs;
mod doctor;
mod faults;
mod fuzz;
mod guards;
mod init;
mod jobs;
mod layers;
mod logs;
mod month;
mod operations;
#[cfg(target_os = "linux")]
mod pace;
mod person;
#[cfg(target_os = "linux")]
mod power;
mod process;
mod provider_faults;
mod readme;
mod schema;
#[cfg(target_os = "linux")]
mod shim;
mod slips;
mod support;
#[cfg(target_os = "linux")]
mod trial;
#[cfg(target_os = "linux")]
mod wire;
#[cfg(target_os = "linux")]
mod world;
