//! How far a run is and what has just happened, for whoever shows it. Nothing here decides anything.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::attempt::Ended;
use super::breaker::Opened;
use super::pace::Seen;
use crate::journal::record::{Item, ItemId};
use crate::journal::state::State;
use crate::model::money::{Rupiah, Tally};

/// Counters that the dispatcher raises and a screen reads.
#[derive(Debug, Default)]
pub struct Progress {
    /// Orders to send or to settle in this run.
    pub orders: AtomicU64,
    /// Whole rupiah of these orders.
    pub planned: AtomicU64,
    /// Orders that are at their end or left for later.
    pub ended: AtomicU64,
    /// Whole rupiah of the orders at their end.
    pub rupiah: AtomicU64,
    /// Requests on the wire, resends and inquiries included.
    pub requests: AtomicU64,
    /// Answers that said: too many requests.
    pub throttles: AtomicU64,
    /// Calls under way.
    pub under_way: AtomicU64,
    /// What this run knows of and nobody knows the outcome of, by now.
    doubts: Mutex<HashMap<ItemId, Rupiah>>,
    seen: Mutex<Seen>,
    next: Mutex<Option<Next>>,
    listener: OnceLock<Listener>,
}

/// What everything waits for while nothing is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The call that comes next.
    pub call: &'static str,
    /// When, on the steady clock.
    pub at: Duration,
}

/// Something that happened. It names orders and keys of requests, and nothing of a customer.
#[derive(Debug)]
pub enum Event<'a> {
    /// An attempt or a status inquiry has ended, and its item is as it is now.
    Landed(&'a Ended),
    /// The provider asked everybody to wait.
    Throttled(Duration),
    /// Nothing is sent any more.
    Breaker(Opened),
}

/// Hears of every event, in the order of the dispatcher.
struct Listener(Box<dyn Fn(&Event<'_>) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Listener")
    }
}

impl Progress {
    /// What the run has learned of the provider's limits so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().map_or_else(|_| Seen::default(), |seen| seen.clone())
    }

    /// Shows what the pacer has learned.
    pub fn show(&self, seen: &Seen) {
        if let Ok(mut shown) = self.seen.lock() {
            shown.clone_from(seen);
        }
    }

    /// Raises a counter.
    pub(super) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    /// Reads a counter.
    #[must_use]
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    /// Has every event from now on told to `hear`, which must be quick. The first one who listens is the only one.
    pub fn listen(&self, hear: impl Fn(&Event<'_>) + Send + Sync + 'static) {
        let _ = self.listener.set(Listener(Box::new(hear)));
    }

    /// Counts orders that are to be sent or settled.
    pub(super) fn expect(&self, sum: Tally) {
        Self::add(&self.orders, sum.count);
        Self::add(&self.planned, sum.rupiah.whole());
    }

    /// Takes note of a call that has come back.
    pub(super) fn landed(&self, ended: &Ended) {
        Self::add(&self.throttles, u64::from(ended.throttled));
        self.doubt(&ended.item);
        self.tell(&Event::Landed(ended));
    }

    /// Counts an item in doubt, or no longer.
    pub(super) fn doubt(&self, item: &Item) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        match item.state {
            State::Intent | State::Unknown | State::Review | State::Conflict => {
                doubts.insert(item.id, item.amount);
            }
            State::Planned
            | State::Held
            | State::Skipped
            | State::Invalid
            | State::Succeeded
            | State::AlreadyDone
            | State::Refused
            | State::RuledDone
            | State::RuledNotDone => {
                doubts.remove(&item.id);
            }
        }
    }

    /// What is in doubt by now.
    #[must_use]
    pub fn in_doubt(&self) -> Tally {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tally = Tally::default();
        doubts.values().for_each(|amount| tally.add(*amount));
        tally
    }

    /// How much longer everything waits because the provider asked for it, this run or one before; `None`: nothing does.
    #[must_use]
    pub fn waiting(&self, now: Duration) -> Option<Duration> {
        self.seen().held_until?.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Shows what is waited for; `None`: nothing is.
    pub(super) fn wait_for(&self, next: Option<Next>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// What is waited for, and how much longer.
    #[must_use]
    pub fn next(&self, now: Duration) -> Option<(&'static str, Duration)> {
        let next = (*self.next.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some((next.call, next.at.checked_sub(now).filter(|left| !left.is_zero())?))
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, event: &Event<'_>) {
        if let Some(listener) = self.listener.get() {
            (listener.0)(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::testing::item;

    #[test]
    fn doubt_is_counted_once_and_goes_when_it_is_settled() {
        let progress = Progress::default();
        let amount = item().amount;
        for (state, count) in
            [(State::Unknown, 1), (State::Unknown, 1), (State::Succeeded, 0), (State::Review, 1), (State::Refused, 0)]
        {
            progress.doubt(&Item { state, ..item() });
            assert_eq!(progress.in_doubt().count, count, "{state}");
            assert_eq!(progress.in_doubt().rupiah, if count == 1 { amount } else { Rupiah::ZERO }, "{state}");
        }
    }

    #[test]
    fn the_next_call_is_told_until_its_time_has_come() {
        let (progress, seconds) = (Progress::default(), Duration::from_secs);
        assert_eq!(progress.next(seconds(0)), None);
        progress.wait_for(Some(Next { call: "inquiry", at: seconds(60) }));
        assert_eq!(progress.next(seconds(18)), Some(("inquiry", seconds(42))));
        assert_eq!(progress.next(seconds(60)), None);
    }

    #[test]
    fn a_wait_counts_until_it_is_over() {
        let (progress, seconds) = (Progress::default(), Duration::from_secs);
        assert_eq!(progress.waiting(seconds(1)), None);
        progress.show(&Seen { held_until: Some(seconds(40)), ..Seen::default() });
        assert_eq!(progress.waiting(seconds(15)), Some(seconds(25)));
        assert_eq!(progress.waiting(seconds(40)), None);
    }
}
