//! How long an answer asks everybody to wait.

use std::time::Duration;

/// Its `Retry-After`, whatever its status; if it has none, and was throttled, the job's first backoff.
pub(in crate::runner) fn wait_asked_for(
    retry_after: Option<Duration>,
    throttled: bool,
    backoff: Duration,
) -> Option<Duration> {
    retry_after.or(throttled.then_some(backoff))
}
