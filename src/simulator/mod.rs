//! DOKU's Akulaku API on loopback: an honest provider, and a dishonest one on request.
//!
//! It verifies every signature, validates every field of the guide's tables, keeps orders and their states, answers and
//! notifies signed, and repeats its answer to a repeated `Request-Id`. What DOKU leaves unsaid is decided to the client's
//! disadvantage, with a comment at the place. Faults happen only by script.
//!
//! An *effect* is a change at the provider. The *ledger* holds all of them; starting state and ledger are the whole state, so a
//! simulator that is started again goes on where it stopped. The clock is an argument.
//!
//! An order's `payment.url` can lead to a page where a person pays or rejects it (`payment_page.rs`).
//!
//! The story of a request is in `desk.rs`; what is decided about it in `provider.rs` and `operations.rs`; the guide's tables in
//! `validate.rs`; the table of faults in `faults.rs`, when they strike in `script.rs`.

mod answer;
mod call;
mod courier;
mod derived;
mod desk;
mod door;
mod entry;
mod envelope;
#[cfg(test)]
mod fault_tests;
mod faults;
mod ledger;
mod lines;
mod notify;
mod operations;
mod orders;
mod pause;
mod payment_page;
mod provider;
#[cfg(test)]
mod provider_tests;
mod reading;
mod requests;
mod running;
#[cfg(test)]
mod samples;
mod script;
mod script_file;
mod server;
mod socket;
mod sold;
mod state;
mod state_file;
#[cfg(test)]
mod tests;
mod untruth;
mod validate;
mod wire;

use std::sync::Arc;

use crate::model::time::Timestamp;

pub use call::Call;
pub use entry::{Answered, Created, Effect, Entry, FirstAnswer, Payment, Violation};
pub use faults::FaultMode;
pub use ledger::LedgerError;
pub use running::{Config, HURRY, PaymentPages, Running, Simulator, StartError};
pub use script::{FaultRule, Probability};
pub use state::{Customers, StartingOrder, StartingState};

/// Tells the present.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The merchant's account where none is given.
pub const CLIENT_ID: &str = "MCH-0001-SIMULATOR";

/// The key where none is given; it protects nothing.
pub const SECRET_KEY: &str = "SK-simulator-no-secret";
