//! How many calls are under way at once.
//!
//! A call has a place from its start until what it brought back is durable and everything that follows from it was done. From an
//! answer that proves its order done nothing follows, but that it is written down: such a call gives its place back as soon as
//! the answer is read, so that the next one does not wait for the disk. What may open the breaker or slow the pace keeps its place
//! to the end, and as many calls as there are places are written down at most.
//!
//! The journal writes in the order in which it is asked. So what takes a place that was given back is durable behind what gave
//! it back: never are more requests in doubt than there are places. If that could not be written, nothing leaves any more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::doku::answer::Reading;
use crate::model::outcome::Outcome;

/// The places that were given back by calls that are still being written down.
#[derive(Debug, Default)]
pub struct Places {
    given_back: AtomicUsize,
    freed: Notify,
    are_closed: AtomicBool,
}

/// A call that is being written down, until this is dropped.
#[derive(Debug)]
pub(super) struct GivenBack<'a>(&'a Places);

impl Drop for GivenBack<'_> {
    fn drop(&mut self) {
        self.0.given_back.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Places {
    /// An answer was read; its call gives its place back if nothing follows from it.
    pub(super) fn give_back(&self, reading: &Reading) -> Option<GivenBack<'_>> {
        let is_done = matches!(reading.outcome, Outcome::Applied | Outcome::Already);
        (is_done && reading.retry_after.is_none()).then(|| {
            self.given_back.fetch_add(1, Ordering::Relaxed);
            self.freed.notify_one();
            GivenBack(self)
        })
    }

    /// Whether one of `places` is free while so many calls are under way, those that are being written down among them.
    pub(super) fn has_room(&self, under_way: usize, places: usize) -> bool {
        under_way - self.given_back.load(Ordering::Relaxed).min(places).min(under_way) < places
    }

    /// An outcome could not be written: no request leaves any more.
    pub(super) fn close(&self) {
        self.are_closed.store(true, Ordering::Relaxed);
    }

    /// Whether no request may leave any more.
    pub(super) fn are_closed(&self) -> bool {
        self.are_closed.load(Ordering::Relaxed)
    }

    /// A place was given back since the last time.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::outcome::{Doubt, Facts, Refusal};

    fn reading(outcome: Outcome, retry_after: Option<Duration>) -> Reading {
        Reading { outcome, facts: Facts::default().into(), halt: None, retry_after }
    }

    #[test]
    fn what_is_proved_done_leaves_its_place_while_it_is_written_down() {
        let places = Places::default();
        assert!(!places.has_room(2, 2));
        let written_down = places.give_back(&reading(Outcome::Applied, None));
        assert!(places.has_room(2, 2) && !places.has_room(3, 2));
        drop(written_down);
        assert!(!places.has_room(2, 2));
    }

    #[test]
    fn no_more_are_written_down_than_there_are_places() {
        let places = Places::default();
        let written_down: Vec<_> = (0..5).filter_map(|_| places.give_back(&reading(Outcome::Already, None))).collect();
        assert_eq!(written_down.len(), 5);
        assert!(places.has_room(3, 2) && !places.has_room(4, 2));
    }

    #[test]
    fn what_something_follows_from_keeps_its_place() {
        let places = Places::default();
        let wait = Some(Duration::from_secs(1));
        for (outcome, retry_after) in [
            (Outcome::Applied, wait),
            (Outcome::Refused(Refusal::PaymentPending), None),
            (Outcome::Ambiguous(Doubt::Timeout), None),
        ] {
            assert!(places.give_back(&reading(outcome.clone(), retry_after)).is_none(), "{outcome:?}");
        }
        assert!(!places.has_room(1, 1));
    }
}
