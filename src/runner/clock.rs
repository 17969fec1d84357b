//! The seam to time.

use std::future::Future;
use std::time::Duration;

use crate::model::time::Timestamp;

/// A source of time: the wall clock for timestamps, a steady one for pacing, and waiting.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, from any fixed point.
    fn monotonic(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;
}
