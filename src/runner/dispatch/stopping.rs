//! What ends a run: somebody asked for it, the window has closed, the provider is ill, or what is left comes too late.

use tokio::sync::watch;

use super::Dispatch;
use crate::journal::Journal;
use crate::model::time::{Timestamp, after};
use crate::runner::clock::Clock;
use crate::runner::gateway::Gateway;
use crate::runner::health::{Health, Worse};
use crate::runner::pace::share::Open;
use crate::runner::probe::{Died, Role};
use crate::runner::progress::{Event, Progress};
use crate::runner::settle::Origin;
use crate::runner::stop::Stop;
use crate::runner::window;

impl<J: Journal, G: Gateway, C: Clock> Dispatch<J, G, C> {
    /// Leaves what comes too late, looks for a reason to stop, and holds back what may not leave any more.
    pub(super) fn decide_whether_to_go_on(&mut self, interrupted: &watch::Receiver<bool>) {
        self.stop_if_the_probe_comes_too_late();
        self.leave_what_comes_too_late();
        if self.has_work_left() {
            self.look_for_a_reason_to_stop(interrupted);
        }
        self.hold_back(*interrupted.borrow());
    }

    pub(super) fn look_for_a_reason_to_stop(&mut self, interrupted: &watch::Receiver<bool>) {
        if *interrupted.borrow() {
            self.halt(Stop::Interrupted);
        }
        if !self.is_window_open() {
            self.halt(Stop::WindowClosed);
        }
        if self.has_lost_too_much() {
            self.halt(Stop::LossTooOld);
        }
    }

    /// Stops for good; the first reason counts, but for one that still leaves something to do.
    pub(super) fn halt(&mut self, why: Stop) {
        if self.may_go_on() {
            self.stop = Some(why);
        }
    }

    /// Whether something may still be done: nothing stops it, or what does leaves something.
    fn may_go_on(&self) -> bool {
        self.stop.as_ref().is_none_or(Stop::leaves_something)
    }

    fn is_window_open(&self) -> bool {
        window::is_open(self.rules.window.as_ref(), self.desk.clock.wall().now())
    }

    /// Whether what the journal lacks has come to be older than the horizon.
    fn has_lost_too_much(&self) -> bool {
        let too_old = |since| self.desk.clock.latest() >= after(since, self.rules.retries.horizon);
        self.desk.lost_since.is_some_and(too_old)
    }

    /// What has not left yet stays once the run has a reason to stop, or the provider is too ill for it.
    fn hold_back(&self, is_interrupted: bool) {
        let open = match self.provider.health {
            _ if is_interrupted || !self.is_window_open() || !self.may_go_on() => Open::ForNone,
            Health::Well => Open::ForAll,
            Health::SendOnly => Open::ForRequests,
            Health::AskOnly => Open::ForInquiries,
            Health::Silent => Open::ForNone,
        };
        self.desk.places.keep(open);
        if let Some(share) = &self.share {
            share.keep(open);
        }
    }

    /// What the provider is ill for is not tried any more: every item in line is looked at again.
    pub(super) fn fall_ill(&mut self, worse: Worse) {
        if let Worse::ForSending(opened) = worse {
            self.stop.get_or_insert(Stop::Breaker(opened));
            self.progress.tell(&Event::Breaker(opened));
        }
        for (item, efforts) in self.line.take_all() {
            self.schedule(item, efforts);
        }
        self.take_up();
    }

    /// A half-open run waits for its single call as long as any run settles, and spends no new order instead.
    fn stop_if_the_probe_comes_too_late(&mut self) {
        let is_too_late = self
            .line
            .first()
            .is_some_and(|due| due.efforts.origin == Origin::EarlierRun && due.at > self.settles_until());
        if self.probe.is_half_open() && self.under_way.is_empty() && is_too_late {
            let why = self.was_ill.clone().unwrap_or_default();
            self.halt(Stop::NotYetDue(why));
        }
    }

    /// Items whose next step comes after the time for settling are left to a later run.
    fn leave_what_comes_too_late(&mut self) {
        if self.stop.is_none() && !self.fresh.is_empty() {
            return;
        }
        let held_until = after(self.desk.clock.now(), self.pacer.held_for());
        if self.line.first().is_none_or(|due| due.at.max(held_until) <= self.settles_until()) {
            return;
        }
        let left = self.line.take_all();
        Progress::add(&self.progress.ended, left.len() as u64);
        let canaries = left.filter(|(_, efforts)| efforts.role == Role::Canary);
        let canary = canaries.map(|(item, _)| item.identity.invoice).min();
        if self.stop.is_none() && self.probe.has_canaries() && self.under_way.is_empty() {
            self.stop = Some(Stop::Canary(Died::Unproved, canary));
        }
    }

    fn settles_until(&self) -> Timestamp {
        after(self.last_fresh_at, self.rules.retries.settle_for)
    }

    /// The next run shall know that the provider has stopped this one, even if this one is killed while it still asks.
    pub(super) async fn note_stop(&mut self, now: Timestamp) {
        let Some(why) = self.stop.as_ref().and_then(Stop::word).filter(|_| !self.is_noted) else { return };
        self.is_noted = true;
        let noted = self.desk.journal.stop_run(self.desk.run.clone(), why.to_owned(), now).await;
        if let Err(error) = noted {
            self.stop = Some(Stop::Journal(error));
        }
    }
}
