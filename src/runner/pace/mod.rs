//! Pace: a token for every request on the wire, resends and inquiries included.
//!
//! [`Pacer`] is what the one dispatcher waits at, and nobody else: governor is unfair among many waiters. [`quota`] keeps one
//! quota, [`speed`] says how much of the rate is in force after the provider has asked for less. [`gate`] keeps the calls
//! apart once more where they leave, for a disk that is slow to sync lets several of them go at once. [`share`] is what this
//! program has of a pace that several keep together. [`Seen`] is what a run has learned of the provider's limits.

mod asked;
pub mod gate;
mod pacer;
mod quota;
mod seen;
pub mod share;
mod speed;
#[cfg(test)]
mod tests;
mod turn;

pub(super) use asked::wait_asked_for;
pub use pacer::{Granted, Pacer};
pub use seen::Seen;
pub(super) use turn::turn;
