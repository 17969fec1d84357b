//! The seam to time.

use std::future::Future;
use std::time::Duration;

use crate::model::time::{Timestamp, after};

/// A source of time: the wall clock for timestamps, a steady one for pacing, and waiting.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, from any fixed point.
    fn monotonic(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;
}

/// The time of a run: where the wall clock stood when it began, and the steady clock since. Nobody who sets the wall clock
/// can hasten or delay a resend (`failure-modes.md` X7).
#[derive(Debug, Clone)]
pub struct RunClock<C> {
    clock: C,
    began_at: Timestamp,
    began: Duration,
}

impl<C: Clock> RunClock<C> {
    /// Begins now.
    #[must_use]
    pub fn begin(clock: C) -> Self {
        Self { began_at: clock.now(), began: clock.monotonic(), clock }
    }

    /// The time of the run, for waits and for the journal.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        after(self.began_at, self.clock.monotonic().saturating_sub(self.began))
    }

    /// The latest that it may be: a machine that slept has a wall clock that is ahead of the steady one. Horizons go by it.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        self.now().max(self.clock.now())
    }

    /// The clock behind it: what it says is signed, and opens windows.
    #[must_use]
    pub const fn wall(&self) -> &C {
        &self.clock
    }
}
