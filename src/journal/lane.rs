//! The pace that all who use a journal keep together: one lane for each merchant's account, in which calls have their places.

use std::future::Future;
use std::time::Duration;

use super::{Journal, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::ClientId;

/// All of the rate, in thousandths of it; less is in force once the provider has said that it is too much. Being throttled halves
/// it, for all who share it.
pub const FULL: u32 = 1000;
/// The least that is in force.
pub const LOWEST: u32 = FULL / 16;
/// What so many good answers as [`per_step`] says give back.
pub const STEP: u32 = FULL / 20;
/// Being throttled again within this time is the same as being throttled once: those calls were under way already.
pub const ONE_FALL: Duration = Duration::from_secs(1);

/// How many good answers give one step back to a rate of so many calls a second.
#[must_use]
pub fn per_step(calls_a_second: u32) -> u32 {
    calls_a_second.max(10)
}

/// One merchant's lane, and how close to each other its calls may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Simulator, sandbox or production.
    pub environment: Environment,
    /// The merchant's account.
    pub client_id: ClientId,
    /// From one place to the next.
    pub spacing: Duration,
    /// Places may be had so long before their time.
    pub ahead: Duration,
}

/// What is asked of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// So many places.
    pub places: u32,
    /// So many good answers have come since the last places: a rate that was lowered climbs back.
    pub well: u32,
}

/// What came of asking for places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// Nobody else can use this journal: there is nothing to share.
    Alone,
    /// As many as were asked for.
    Places {
        /// From now to the first of them.
        first_in: Duration,
        /// From each to the next: more than that of the lane while its rate is lowered.
        spacing: Duration,
    },
    /// The lane is full for now; ask again after this time.
    Later(Duration),
}

/// Whoever gives out the places of lanes, which every journal does.
pub trait Lanes: Send + Sync + 'static {
    /// Reserves places for calls in a lane.
    fn reserve(&self, lane: &Lane, wanted: Wanted) -> impl Future<Output = Result<Reserved, JournalError>> + Send;

    /// Keeps a lane empty for a time that the provider has asked for, and lowers its rate.
    fn hold(&self, lane: &Lane, wait: Duration) -> impl Future<Output = Result<(), JournalError>> + Send;
}

impl<J: Journal> Lanes for J {
    fn reserve(&self, lane: &Lane, wanted: Wanted) -> impl Future<Output = Result<Reserved, JournalError>> + Send {
        Journal::reserve(self, lane, wanted)
    }

    fn hold(&self, lane: &Lane, wait: Duration) -> impl Future<Output = Result<(), JournalError>> + Send {
        Journal::hold(self, lane, wait)
    }
}
