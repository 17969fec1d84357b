//! The integration tests: the program as a whole, and the house that it is built of.

mod amounts;
mod aside;
mod audits;
mod binary;
mod bind;
mod browser;
mod bugs;
mod cases;
mod command_line;
#[cfg(target_os = "linux")]
mod crash;
mod docs;
mod doctor;
#[cfg(target_os = "linux")]
mod early;
#[cfg(target_os = "linux")]
mod failover;
mod faults;
#[cfg(target_os = "linux")]
mod fleet;
mod fuzz;
mod guards;
#[cfg(target_os = "linux")]
mod hosts;
mod init;
mod inputs;
mod jobs;
#[cfg(target_os = "linux")]
mod lane;
mod languages;
mod large;
mod layers;
#[cfg(target_os = "linux")]
mod life;
#[cfg(target_os = "linux")]
mod listen;
mod logs;
mod month;
mod operations;
#[cfg(target_os = "linux")]
mod pace;
mod partial;
mod pattern;
mod person;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the unit tests include the same file, and use other parts of it")]
#[path = "../../src/journal/postgres/testing.rs"]
mod postgres;
#[cfg(target_os = "linux")]
mod power;
mod process;
mod provider_faults;
mod readme;
mod report;
mod schema;
mod sheets;
#[cfg(target_os = "linux")]
mod shim;
mod slips;
mod strays;
mod support;
#[cfg(target_os = "linux")]
mod transcripts;
mod trial;
#[cfg(target_os = "linux")]
mod turned_away;
mod unwritten;
mod wire;
#[cfg(target_os = "linux")]
mod world;
