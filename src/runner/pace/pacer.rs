//! The pacer: when the next call may be made.

use std::time::Duration;

use super::quota::Quota;
use super::seen::Seen;
use super::speed::Speed;
use super::wait_asked_for;
use crate::job::settings::Limits;
use crate::journal::lane::{FULL, ONE_FALL};
use crate::journal::past::{Past, Said};
use crate::model::time::{Timestamp, elapsed};
use crate::runner::clock::Clock;

/// The pacer's own time begins this long before it was made, so that what was sent before that has a time too.
const BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// Now; its tokens are taken.
    Now,
    /// Not within the time that was given.
    NotYet,
}

/// All quotas of the job together, and what the provider has asked for.
pub struct Pacer<C: Clock> {
    quotas: Vec<Quota>,
    clock: C,
    /// How many quotas have given their token for the next call.
    granted: usize,
    /// No call before this: a Retry-After in force.
    not_before: Duration,
    /// `None`: those who share the lane keep the lowered rate, and here it is the job's.
    speed: Option<Speed>,
    /// Being throttled counts again from here.
    falls_from: Duration,
    /// The time that the quotas are told goes more slowly than time does while the rate is lowered: from this point of
    /// time it went on from that one of the quotas' time.
    turned: (Duration, Duration),
    seen: Seen,
}

impl<C: Clock> Pacer<C> {
    /// A pacer within these limits; without a quota it never waits.
    #[must_use]
    pub fn new(limits: &Limits, clock: C) -> Self {
        let quotas = limits.rate.iter().map(|quota| Quota::new(*quota, limits.burst)).collect();
        let a_second = limits.rate.iter().map(|quota| {
            let seconds = u32::try_from(quota.per.as_secs()).unwrap_or(u32::MAX);
            quota.calls.get() / seconds.max(1)
        });
        let speed = Some(Speed::full(a_second.min().unwrap_or_default()));
        let now = clock.monotonic() + BEFORE;
        let (not_before, falls_from) = (Duration::ZERO, Duration::ZERO);
        Self { quotas, clock, granted: 0, not_before, speed, falls_from, turned: (now, now), seen: Seen::default() }
    }

    /// How long a call is remembered within these limits, and how many of them.
    #[must_use]
    pub fn memory(limits: &Limits) -> (Duration, usize) {
        let memories = limits.rate.iter().map(|quota| Quota::memory(*quota, limits.burst));
        memories.fold((Duration::ZERO, 0), |(long, many), (memory, most)| (long.max(memory), many.max(most)))
    }

    /// Goes on from where earlier runs were, which the journal tells: their calls have taken their tokens, the waits that they
    /// were asked for are kept, and a rate that was lowered is low. What was sent in the future, by a clock that has gone
    /// back since, counts as sent now: never is anything sent sooner for it.
    #[must_use]
    pub fn going_on(mut self, past: &Past, limits: &Limits, backoff: Duration, now: Timestamp) -> Self {
        let here = self.now();
        let ago = |at| here.saturating_sub(elapsed(at, now));
        let mut sent: Vec<Duration> = past.calls.iter().map(|call| ago(call.sent_at)).collect();
        sent.sort_unstable();
        if past.was_cut_off {
            // The inquiries that were under way are nowhere recorded.
            sent.extend(std::iter::repeat_n(here, limits.concurrency.get() as usize));
        }
        for at in sent {
            for quota in &mut self.quotas {
                // A call that has no token left was made under a higher rate than this job's.
                let _ = quota.take(at);
                quota.note(at);
            }
        }
        for call in &past.calls {
            let Some(answered_at) = call.answered_at else { continue };
            let asked = wait_asked_for(call.retry_after, call.said == Said::TooMany, backoff);
            match (asked, call.said) {
                (Some(wait), _) => self.hold_at(ago(answered_at), wait),
                (None, Said::Well) => self.speed.iter_mut().for_each(Speed::climb),
                (None, Said::TooMany | Said::Else) => {}
            }
        }
        // What was learned by others is told as far as it is still in force.
        let (held, share) = (self.not_before > here, self.share());
        self.seen.held_until = self.seen.held_until.filter(|_| held);
        self.seen.lowest_share = None;
        self.seen.in_force(share);
        self
    }

    /// Waits until a call may be made and takes its tokens, or until this much time has passed. May be dropped while it
    /// waits; tokens taken are kept.
    pub async fn ready(&mut self, mut patience: Duration) -> Granted {
        loop {
            let now = self.now();
            let Some(at) = self.take(now) else { return Granted::Now };
            let wait = at.saturating_sub(now);
            if wait > patience {
                self.clock.sleep(patience).await;
                return Granted::NotYet;
            }
            self.clock.sleep(wait).await;
            patience = patience.saturating_sub(wait);
        }
    }

    /// Takes what tokens there are; `None` if these are all, else the time until which to wait.
    fn take(&mut self, now: Duration) -> Option<Duration> {
        if now < self.not_before {
            return Some(self.not_before);
        }
        while let Some(quota) = self.quotas.get(self.granted) {
            match quota.take(self.told(now)) {
                Ok(()) => self.granted += 1,
                Err(due) => return Some(self.time_of(due, now)),
            }
        }
        if let Some(fits) = self.quotas.iter().map(Quota::fits_from).max().filter(|fits| *fits > now) {
            return Some(fits);
        }
        self.quotas.iter_mut().for_each(|quota| quota.note(now));
        self.granted = 0;
        self.seen.sent(now.saturating_sub(BEFORE));
        None
    }

    /// Pushes every further call back, for the provider asked for it, and lowers the rate.
    pub fn hold(&mut self, wait: Duration) {
        self.hold_at(self.now(), wait);
    }

    fn hold_at(&mut self, at: Duration, wait: Duration) {
        let held_until = at + wait;
        if at >= self.falls_from && !self.quotas.is_empty() && self.speed.is_some() {
            self.change_speed(|speed| speed.iter_mut().for_each(Speed::fall));
            self.seen.in_force(self.share());
        }
        self.not_before = self.not_before.max(held_until);
        self.falls_from = self.falls_from.max(held_until).max(at + ONE_FALL);
        self.seen.held_until = Some(self.not_before.saturating_sub(BEFORE));
    }

    /// Takes note of the longest Retry-After and of an answer's status.
    pub fn note(&mut self, status: Option<u16>, retry_after: Option<Duration>) {
        self.seen.answered(status);
        self.seen.longest_retry_after = self.seen.longest_retry_after.max(retry_after);
    }

    /// Takes note of a good answer: a rate that was lowered climbs back.
    pub fn climb(&mut self) {
        if self.share() < FULL {
            self.change_speed(|speed| speed.iter_mut().for_each(Speed::climb));
            self.seen.in_force(self.share());
        }
    }

    /// The calls have places in a lane, of whose rate so much is in force: the lane keeps them as far apart as that says, whoever
    /// was throttled, and good answers to all bring it back. A second pace here, which hears of our own answers only, would let
    /// places go to waste.
    pub fn follow(&mut self, in_force: u32) {
        if self.speed.is_some() {
            self.change_speed(|speed| *speed = None);
            self.seen.lowest_share = None;
        }
        self.seen.in_force(in_force);
    }

    /// When the wait that the provider has asked for is over, in the steady clock's time.
    #[must_use]
    pub fn held_for(&self) -> Duration {
        self.not_before.saturating_sub(self.now())
    }

    /// What was learned so far.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    fn change_speed(&mut self, change: impl FnOnce(&mut Option<Speed>)) {
        let now = self.now();
        self.turned = (now, self.told(now));
        change(&mut self.speed);
    }

    /// The share of the job's rate that is in force here.
    fn share(&self) -> u32 {
        self.speed.as_ref().map_or(FULL, Speed::share)
    }

    fn now(&self) -> Duration {
        self.clock.monotonic() + BEFORE
    }

    /// The time that the quotas are told.
    fn told(&self, now: Duration) -> Duration {
        let (at, told) = self.turned;
        told + now.saturating_sub(at) * self.share() / FULL
    }

    /// When the quotas will be told this time.
    fn time_of(&self, told: Duration, now: Duration) -> Duration {
        let share = self.share();
        let wait = told.saturating_sub(self.told(now)) * FULL;
        now + (wait + Duration::from_nanos(u64::from(share) - 1)) / share
    }
}
