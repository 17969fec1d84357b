//! Pace: a token for every request on the wire, resends and inquiries included. One dispatcher waits here, nobody else:
//! governor is unfair among many waiters.

use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::clock::Clock;
use crate::job::settings::Limits;

/// A limiter that reads our clock, so that tests need not wait.
type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, SteadyClock<C>, NoOpMiddleware<Duration>>;

/// All quotas of the job together.
pub struct Pacer<C: Clock> {
    limiters: Vec<Arc<Limiter<C>>>,
    clock: C,
    /// How many quotas have given their token for the next call.
    granted: usize,
    /// No call before this point of the steady clock: a Retry-After in force.
    not_before: Duration,
}

/// Our clock as governor wants it.
#[derive(Debug, Clone)]
struct SteadyClock<C: Clock>(C);

impl<C: Clock> governor::clock::Clock for SteadyClock<C> {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

impl<C: Clock> Pacer<C> {
    /// A pacer within these limits; without a quota it never waits.
    ///
    /// # Panics
    /// Never: a quota's period is at least a nanosecond.
    #[must_use]
    pub fn new(limits: &Limits, clock: C) -> Self {
        let limiters = limits.rate.iter().map(|quota| {
            let period = (quota.per / quota.calls.get()).max(Duration::from_nanos(1));
            let quota = Quota::with_period(period).expect("a period is not zero").allow_burst(limits.burst);
            Arc::new(RateLimiter::direct_with_clock(quota, SteadyClock(clock.clone())))
        });
        Self { limiters: limiters.collect(), clock, granted: 0, not_before: Duration::ZERO }
    }

    /// Waits until a call may be made, and takes its tokens. May be dropped while it waits; tokens taken are kept.
    pub async fn ready(&mut self) {
        loop {
            let now = self.clock.monotonic();
            if now < self.not_before {
                self.clock.sleep(self.not_before.saturating_sub(now)).await;
                continue;
            }
            let Some(limiter) = self.limiters.get(self.granted) else {
                self.granted = 0;
                return;
            };
            match limiter.check() {
                Ok(()) => self.granted += 1,
                Err(not_until) => {
                    let wait = not_until.wait_time_from(limiter.clock().now());
                    self.clock.sleep(wait).await;
                }
            }
        }
    }

    /// Pushes every further call back: the provider asked for it.
    pub fn hold(&mut self, wait: Duration) {
        self.not_before = self.not_before.max(self.clock.monotonic() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::clock::SystemClock;
    use crate::job::settings::Quota as JobQuota;
    use std::num::NonZeroU32;

    fn limits(quotas: &[(u32, u64)], burst: u32) -> Limits {
        let quota = |(calls, seconds): &(u32, u64)| JobQuota {
            calls: NonZeroU32::new(*calls).unwrap(),
            per: Duration::from_secs(*seconds),
        };
        let rate = quotas.iter().map(quota).collect();
        Limits { rate, burst: NonZeroU32::new(burst).unwrap(), ..Limits::default() }
    }

    /// The points in time, on a paused clock, at which `count` calls may be made.
    async fn times(limits: &Limits, count: usize) -> Vec<Duration> {
        let mut pacer = Pacer::new(limits, SystemClock);
        let start = SystemClock.monotonic();
        let mut times = Vec::new();
        for _ in 0..count {
            pacer.ready().await;
            times.push(SystemClock.monotonic().saturating_sub(start));
        }
        times
    }

    fn most_within(times: &[Duration], window: Duration) -> usize {
        let in_window =
            |first: &Duration| times.iter().filter(|time| **time >= *first && **time < *first + window).count();
        times.iter().map(in_window).max().unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_holds_more_than_rate_and_burst() {
        for (rate, burst) in [(5, 1), (5, 3), (50, 1), (50, 10)] {
            let times = times(&limits(&[(rate, 1)], burst), 200).await;
            assert!(most_within(&times, Duration::from_secs(1)) <= (rate + burst) as usize, "{rate}/s burst {burst}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn several_quotas_hold_together() {
        let times = times(&limits(&[(10, 1), (90, 60)], 1), 100).await;
        assert!(most_within(&times, Duration::from_secs(60)) <= 91);
        assert!(times[99] >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_asked_for_is_kept() {
        let mut pacer = Pacer::new(&limits(&[], 1), SystemClock);
        pacer.hold(Duration::from_secs(7));
        let start = SystemClock.monotonic();
        pacer.ready().await;
        assert!(SystemClock.monotonic().saturating_sub(start) >= Duration::from_secs(7));
    }
}
