//! What a run has learned of the provider's limits, for the summary and for whoever watches.

use std::time::Duration;

use crate::journal::lane::FULL;

/// Figures only; they decide nothing. Points in time are those of the steady clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests that were let go.
    pub requests: u64,
    /// When the first of them was.
    pub first_at: Option<Duration>,
    /// When the last of them was.
    pub last_at: Option<Duration>,
    /// Answers 429.
    pub too_many: u64,
    /// Answers 503.
    pub unavailable: u64,
    /// The longest `Retry-After`, as it is heeded.
    pub longest_retry_after: Option<Duration>,
    /// Nothing is sent before this. `None`: nobody has asked for a wait.
    pub held_until: Option<Duration>,
    /// The share of the job's rate that is in force, in thousandths. `None`: the whole.
    pub share: Option<u32>,
    /// The smallest share of the job's rate that was in force, in thousandths. `None`: always the whole.
    pub lowest_share: Option<u32>,
}

impl Seen {
    /// Takes note of a request that is let go.
    pub(super) fn sent(&mut self, at: Duration) {
        self.requests += 1;
        self.first_at.get_or_insert(at);
        self.last_at = Some(at);
    }

    /// Takes note of an answer's status.
    pub(super) const fn answered(&mut self, status: Option<u16>) {
        match status {
            Some(429) => self.too_many += 1,
            Some(503) => self.unavailable += 1,
            _ => {}
        }
    }

    /// Takes note of how much of the rate is in force.
    pub(super) fn in_force(&mut self, share: u32) {
        self.share = (share < FULL).then_some(share);
        if share < FULL {
            self.lowest_share = Some(self.lowest_share.map_or(share, |lowest| lowest.min(share)));
        }
    }

    /// Requests in a thousand seconds, from the first to the last. `None` while there are not two of them.
    #[must_use]
    pub fn achieved_per_1000_s(&self) -> Option<u64> {
        let span = self.last_at?.checked_sub(self.first_at?)?.as_micros();
        let gaps = u128::from(self.requests.checked_sub(1)?);
        (gaps * 1_000_000_000).checked_div(span).and_then(|rate| u64::try_from(rate).ok())
    }

    /// From the first request to the last.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.last_at.zip(self.first_at).map_or(Duration::ZERO, |(last, first)| last.saturating_sub(first))
    }
}
