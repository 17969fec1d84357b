//! Receives DOKU's notifications: verifies each, and answers 200 once its line is on the disk.
//!
//! A notification is *kept* when its line is durable in the log of `DESIGN` 5. What cannot be verified is *refused* with a 4xx and
//! set down in a file of its own, which is bounded. What the disk does not take is answered with 503, and DOKU sends it again
//! (`doku-api.md` 3.3).
//!
//! **What is a copy.** The same Request-Id with the same body is answered with 200 and not written again, for its line is in the log
//! already. The same Request-Id with another body is evidence of its own (`failure-modes.md` W1) and is written; so is another
//! Request-Id that says the same about an order: the reconciliation counts it as a duplicate (`DESIGN` 11.11). Only so many
//! notifications are remembered, and an older one that comes again is written again, which changes no verdict.
//!
//! The way of a request is in `server.rs`; whether it is DOKU's in `judge.rs`; how it is kept in `keeper.rs`.

mod figures;
mod judge;
mod keeper;
mod memory;
mod refused;
mod running;
mod server;

use std::sync::Arc;

use crate::model::time::Timestamp;

pub use figures::Figures;
pub use running::{Config, Limits, Listening, StartError, start};

/// Tells the present.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Tells the operator what the disk does, when that changes.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;
