//! Where the program meets the world: disk, network, clock and environment. Bytes come in, and checked values go on.

pub mod append;
pub mod blocks;
pub mod clock;
pub mod connection;
pub mod credentials;
pub mod csv;
pub mod digest;
pub mod environment;
pub mod files;
pub mod http;
pub mod machine;
pub mod notification_log;
pub mod parallel;
pub mod person;
pub mod ping;
pub mod piped;
pub mod reach;
pub mod read;
pub mod results;
pub mod runtime;
pub mod signatures;
pub mod spill;
pub mod workbook;
