//! One quota of the job, kept by governor and by the list of its last calls.
//!
//! governor spaces the calls and knows the burst. It is asked as of the time at which a call was *due*, not as of the time
//! at which a timer woke us up, or every late wake would be lost for good: at 500/s that is 6 % of the rate. What is made up
//! for like that could fill a window beyond the rate; the list of the last calls keeps every window as it should be.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::RateLimiter;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use crate::job::settings;

/// A hundredth of the rate is kept back: of a call that is 10 ms longer on its way than the next one, the provider would
/// otherwise see one too many in a second.
const USED: u32 = 99;

/// A call that comes later than it was due, by this much at most, delays none of those behind it. After a longer time there
/// was nothing to send, and nothing is made up for.
const MADE_UP_FOR: Duration = Duration::from_millis(40);

/// The clock that governor looks at. It stands where the last question put it.
#[derive(Debug, Clone, Default)]
struct Dial(Arc<AtomicU64>);

impl Dial {
    fn turn_to(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl governor::clock::Clock for Dial {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// So many calls in a time, and how many of them may follow each other at once.
pub(super) struct Quota {
    limiter: RateLimiter<NotKeyed, InMemoryState, Dial, NoOpMiddleware<Duration>>,
    dial: Dial,
    per: Duration,
    /// Most calls in any time of `per`.
    most: usize,
    /// When the last calls were made, at most `most` of them.
    last: VecDeque<Duration>,
}

impl Quota {
    /// A quota of which nothing is used.
    ///
    /// # Panics
    /// Never: a period is at least a nanosecond.
    pub(super) fn new(quota: settings::Quota, burst: NonZeroU32) -> Self {
        let (calls, per) = (quota.calls.get(), quota.per);
        let period = (per * 100 / USED / calls).max(Duration::from_nanos(1));
        let spacing = governor::Quota::with_period(period).expect("a period is not zero").allow_burst(burst);
        let dial = Dial::default();
        let used = u64::from(calls) * u64::from(USED) / 100 + u64::from(burst.get());
        let most = usize::try_from(used).unwrap_or(usize::MAX);
        Self { limiter: RateLimiter::direct_with_clock(spacing, dial.clone()), dial, per, most, last: VecDeque::new() }
    }

    /// How long a call is remembered, and how many of them: what is older, or more, delays nothing.
    pub(super) fn memory(quota: settings::Quota, burst: NonZeroU32) -> (Duration, usize) {
        let refilled_in = (quota.per * 2 / quota.calls.get()).saturating_mul(burst.get());
        let most = quota.calls.saturating_add(burst.get());
        (quota.per.max(refilled_in), usize::try_from(most.get()).unwrap_or(usize::MAX))
    }

    /// Takes a token at this time of the pacer's own clock, or says when there will be one.
    pub(super) fn take(&self, now: Duration) -> Result<(), Duration> {
        // As of the beginning of time there is no token, and governor says when there is one. Only if it was never asked
        // before it gives one away, and that one is back long since.
        self.dial.turn_to(Duration::ZERO);
        let due = self.limiter.check().map_or_else(|not_until| not_until.earliest_possible(), |()| Duration::ZERO);
        if due > now {
            return Err(due);
        }
        let is_late = now.saturating_sub(due) <= MADE_UP_FOR;
        self.dial.turn_to(if is_late { due } else { now });
        self.limiter.check().or(Err(due))
    }

    /// From when on one more call fits into every window, in steady time.
    pub(super) fn fits_from(&self) -> Duration {
        let is_full = self.last.len() >= self.most;
        self.last.front().filter(|_| is_full).map_or(Duration::ZERO, |oldest| *oldest + self.per)
    }

    /// Notes a call that is made now, in steady time.
    pub(super) fn note(&mut self, at: Duration) {
        if self.last.len() >= self.most {
            self.last.pop_front();
        }
        self.last.push_back(at);
    }
}
