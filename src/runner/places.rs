//! How many calls are under way at once, and whether any may still leave.
//!
//! A call has a place from its start until what it brought back is durable and everything that follows from it was done. From an
//! answer that proves its order done nothing follows, but that it is written down: such a call gives its place back as soon as
//! the answer is read, so that the next one does not wait for the disk. As many calls as there are places are written down at most.
//!
//! That holds while all is well. Any other answer keeps its place to its end. Until it has come there, and as long as the breaker
//! remembers a failure, ours or another host's, no place is given back: nothing leaves behind what may open the breaker or slow
//! the pace.
//!
//! The calls share one thread, and the journal writes in the order in which it is asked. So what takes a place that was given back
//! is durable behind what gave it back: never are more requests in doubt than there are places. If an outcome could not be
//! written, or the run has to stop, what has not left yet stays.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::pace::share::{Open, Purpose};
use crate::doku::answer::Reading;
use crate::model::outcome::Outcome;

/// The places of a run.
#[derive(Debug, Default)]
pub struct Places {
    /// So many were given back by calls that are still being written down.
    given_back: AtomicUsize,
    freed: Notify,
    /// So many answers were read from which something follows, and everything was done that follows from so many.
    worries: AtomicU64,
    seen_to: AtomicU64,
    /// Whether the breaker remembers a failure.
    remembers_failure: AtomicBool,
    /// Whether what may change money stays, and whether inquiries do.
    keeps_requests: AtomicBool,
    keeps_inquiries: AtomicBool,
}

/// A call that is being written down, until this is dropped.
#[derive(Debug)]
pub(super) struct GivenBack<'a>(&'a Places);

impl Drop for GivenBack<'_> {
    fn drop(&mut self) {
        self.0.given_back.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether something follows from an answer, beside that it is written down.
fn is_worry(reading: &Reading) -> bool {
    !matches!(reading.outcome, Outcome::Applied | Outcome::Already) || reading.retry_after.is_some()
}

impl Places {
    /// An answer was read; its call gives its place back if all is well.
    pub(super) fn give_back(&self, reading: &Reading) -> Option<GivenBack<'_>> {
        if is_worry(reading) {
            self.worries.fetch_add(1, Ordering::Relaxed);
            if reading.halt.is_some() {
                self.close();
            }
            return None;
        }
        (!self.is_worried()).then(|| {
            self.given_back.fetch_add(1, Ordering::Relaxed);
            self.freed.notify_one();
            GivenBack(self)
        })
    }

    /// Whether no place is given back now.
    fn is_worried(&self) -> bool {
        self.remembers_failure.load(Ordering::Relaxed)
            || self.worries.load(Ordering::Relaxed) != self.seen_to.load(Ordering::Relaxed)
    }

    /// Everything was done that follows from an answer.
    pub(super) fn see_to(&self, reading: &Reading) {
        if is_worry(reading) {
            self.seen_to.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the breaker remembers a failure now.
    pub(super) fn remember(&self, failure: bool) {
        self.remembers_failure.store(failure, Ordering::Relaxed);
    }

    /// Whether one of `places` is free while so many calls are under way, those that are being written down among them.
    pub(super) fn has_room(&self, under_way: usize, places: usize) -> bool {
        let given_back = if self.is_worried() { 0 } else { self.given_back.load(Ordering::Relaxed) };
        under_way - given_back.min(places).min(under_way) < places
    }

    /// A place was given back since the last time.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// What may change money stays from now on.
    pub(super) fn close(&self) {
        self.keeps_requests.store(true, Ordering::Relaxed);
    }

    /// From now on this may leave, and what was kept before stays.
    pub(super) fn keep(&self, open: Open) {
        if matches!(open, Open::ForInquiries | Open::ForNone) {
            self.close();
        }
        if matches!(open, Open::ForRequests | Open::ForNone) {
            self.keeps_inquiries.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a call may leave.
    pub(super) fn lets_go(&self, what: Purpose) -> bool {
        let keeps = match what {
            Purpose::Request => &self.keeps_requests,
            Purpose::Inquiry => &self.keeps_inquiries,
        };
        !keeps.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doku::answer::Halt;
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

    #[test]
    fn no_place_is_given_back_until_every_worry_is_over() {
        let places = Places::default();
        let [done, doubt, refused] =
            [Outcome::Applied, Outcome::Ambiguous(Doubt::Timeout), Outcome::Refused(Refusal::PaymentPending)]
                .map(|outcome| reading(outcome, None));
        let written_down = places.give_back(&done);
        assert!(places.has_room(2, 2));
        assert!(places.give_back(&doubt).is_none());
        assert!(!places.has_room(2, 2), "also what was given back before is taken again");
        assert!(places.give_back(&refused).is_none());
        places.see_to(&done);
        places.see_to(&doubt);
        assert!(places.give_back(&done).is_none(), "one of two");
        places.see_to(&refused);
        assert!(places.has_room(2, 2) && places.give_back(&done).is_some());
        drop(written_down);
    }

    #[test]
    fn no_place_is_given_back_while_the_breaker_remembers_a_failure() {
        let places = Places::default();
        let done = reading(Outcome::Applied, None);
        let written_down = places.give_back(&done);
        places.remember(true);
        assert!(!places.has_room(2, 2) && places.give_back(&done).is_none());
        places.remember(false);
        assert!(places.has_room(2, 2) && places.give_back(&done).is_some());
        drop(written_down);
    }

    #[test]
    fn what_says_that_the_next_ones_will_be_no_better_keeps_them_at_once() {
        let places = Places::default();
        let refused = reading(Outcome::Refused(Refusal::Http(401)), None);
        places.give_back(&Reading { halt: Some(Halt::Credentials), ..refused });
        assert!(!places.lets_go(Purpose::Request) && places.lets_go(Purpose::Inquiry));
        places.keep(Open::ForNone);
        places.keep(Open::ForAll);
        assert!(!places.lets_go(Purpose::Request) && !places.lets_go(Purpose::Inquiry));
    }
}
