//! The system's clock: the one place that reads it.

use std::time::Duration;

use crate::model::time::Timestamp;
use crate::runner::clock::Clock;

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that waits")]
    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn monotonic(&self) -> Duration {
        // Any fixed point will do; only differences count.
        static START: std::sync::OnceLock<tokio::time::Instant> = std::sync::OnceLock::new();
        let now = tokio::time::Instant::now();
        now.saturating_duration_since(*START.get_or_init(|| now))
    }
}
