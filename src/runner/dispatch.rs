//! The one loop that decides what is sent next.
//!
//! Resends and inquiries that are due go before new orders. One place waits for the pace; at most `concurrency` calls are
//! under way; a reason to stop ends the dispatching, never the calls under way.
//!
//! [`launching`] starts a call, [`landing`] takes note of what it brought back, [`stopping`] knows what ends a run, and [`joint`]
//! is the work that several hosts share.

mod joint;
mod landing;
mod launching;
mod stopping;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::joint::Hearing;
use super::attempt::{Desk, Ended, Failed};
use super::breaker::Seals;
use super::clock::Clock;
pub use super::fresh::{Amounts, Fresh};
use super::gateway::Gateway;
use super::health::Watched;
use super::line::{Line, What};
use super::pace::share::Share;
use super::pace::{Granted, Pacer, turn};
use super::probe::{Probe, Role};
use super::progress::{Next, Progress};
pub use super::rules::Rules;
use super::settle::{Efforts, Now, Origin, Step, next_step};
pub use super::stop::Stop;
use super::window;
use crate::journal::joint::Claimed;
use crate::journal::past::Past;
use crate::journal::record::Item;
use crate::journal::{Account, Journal, JournalError};
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{Timestamp, after, elapsed};

/// What a call under way brings back.
type Landed = (Result<Ended, Failed>, Efforts);

/// One run's dispatching.
pub struct Dispatch<J: Journal, G: Gateway, C: Clock> {
    desk: Arc<Desk<J, G, C>>,
    account: Account,
    rules: Rules,
    progress: Arc<Progress>,
    fresh: Fresh,
    line: Line,
    /// Items that were asked about in vain; they are asked about again once nothing new is left to send.
    asked: Vec<(Item, Efforts)>,
    under_way: JoinSet<Landed>,
    /// The question for more work of a joint run, while it is open.
    asking_for_work: JoinSet<Result<Claimed, JournalError>>,
    pacer: Pacer<C>,
    /// What we have of a pace that several programs keep together; `None`: nobody else can be at work.
    share: Option<Arc<Share<J, C>>>,
    probe: Probe,
    /// Why an earlier run was stopped for the provider's sake; `None` once the provider has proved to be well.
    was_ill: Option<String>,
    provider: Watched,
    seals: Seals,
    /// When the last new order was sent; settling ends `settle_for` after it.
    last_fresh_at: Timestamp,
    stop: Option<Stop>,
    /// Whether the journal knows that the provider has stopped this run.
    is_noted: bool,
    /// How the calls of others ended is heard up to this entry of the log; 0: nothing was heard yet.
    heard: i64,
    /// Whether the next call waits until we have heard how the calls of others have ended.
    hearing: Hearing,
    /// Whether rows of a joint run were claimed: the first ones may be its canaries.
    has_claimed: bool,
}

impl<J: Journal, G: Gateway, C: Clock> Dispatch<J, G, C> {
    /// Prepares to send `fresh` orders and to settle `unsettled` items.
    #[must_use]
    pub fn new(
        desk: Desk<J, G, C>,
        account: Account,
        rules: Rules,
        fresh: Fresh,
        unsettled: Vec<Item>,
        progress: Arc<Progress>,
    ) -> Self {
        progress.expect(fresh.sum);
        let mut dispatch = Self {
            pacer: Pacer::new(&rules.limits, desk.clock.wall().clone()),
            probe: Probe::new(rules.canaries, usize::try_from(fresh.sum.count).unwrap_or(usize::MAX)),
            provider: Watched::new(rules.breaker),
            last_fresh_at: desk.clock.now(),
            desk: Arc::new(desk),
            account,
            rules,
            progress,
            fresh,
            line: Line::default(),
            asked: Vec::new(),
            under_way: JoinSet::new(),
            asking_for_work: JoinSet::new(),
            share: None,
            was_ill: None,
            seals: Seals::default(),
            stop: None,
            is_noted: false,
            heard: 0,
            hearing: Hearing::Enough,
            has_claimed: false,
        };
        let waits_for_canaries = dispatch.probe.has_canaries();
        for (item, efforts) in dispatch.left_by_others(unsettled) {
            if waits_for_canaries || efforts.origin == Origin::Answered {
                dispatch.asked.push((item, efforts));
            } else {
                dispatch.schedule(item, efforts);
            }
        }
        dispatch
    }

    /// The same, at a pace that is kept together with others.
    #[must_use]
    pub fn in_lane(mut self, share: Option<Arc<Share<J, C>>>) -> Self {
        self.share = share;
        self
    }

    /// The same, going on from what earlier runs have left: the pace, a wait that was asked for, and the single call with which
    /// to begin if one of them was stopped. A run that only settles does no harm to a provider that is ill.
    #[must_use]
    pub fn after(mut self, past: Past) -> Self {
        let Rules { limits, retries, .. } = &self.rules;
        self.pacer = self.pacer.going_on(&past, limits, retries.backoff_first, self.desk.clock.now());
        if (!self.fresh.is_empty() || self.fresh.may_grow()) && past.stopped.is_some() {
            self.was_ill = past.stopped;
            self.probe = self.probe.half_open();
            // What is unknown comes before the canaries too, and a wait that was asked for earlier is not counted.
            self.last_fresh_at = after(self.desk.clock.now(), self.pacer.held_for());
            let (answered, asked): (Vec<_>, Vec<_>) = std::mem::take(&mut self.asked)
                .into_iter()
                .partition(|(_, efforts)| efforts.origin == Origin::Answered);
            self.asked = answered;
            for (item, efforts) in asked {
                self.schedule(item, efforts);
            }
        }
        self.progress.show(self.pacer.seen());
        self
    }

    /// Sends and settles until there is nothing left to do in this run, or a reason to stop.
    ///
    /// # Panics
    /// If an attempt panicked; what it knew is in the journal.
    pub async fn run(mut self, mut interrupted: watch::Receiver<bool>) -> Option<Stop> {
        // Once nobody is left who could interrupt, the calls alone are waited for.
        let mut may_be_interrupted = true;
        loop {
            let now = self.desk.clock.now();
            self.take_up_what_was_asked();
            self.decide_whether_to_go_on(&interrupted);
            self.ask_for_work(now);
            self.progress.under_way.store(self.under_way.len() as u64, Ordering::Relaxed);
            let work_left = self.has_work_left();
            if !work_left && self.under_way.is_empty() {
                self.note_stop(now).await;
                return self.stop;
            }
            let has_room = self.has_room();
            let is_ready = work_left && has_room && !self.hears_first() && self.something_is_ready(now);
            let next_due = self.next_due_in(now).filter(|_| work_left && has_room && !is_ready);
            let patience = window::open_for(self.rules.window.as_ref(), self.desk.clock.wall().now());
            self.show_what_is_waited_for(next_due.is_some() && self.under_way.is_empty(), now);
            tokio::select! {
                biased;
                changed = interrupted.changed(), if may_be_interrupted => may_be_interrupted = changed.is_ok(),
                Some(landed) = self.under_way.join_next(), if !self.under_way.is_empty() => {
                    self.land(landed.expect("an attempt does not panic")).await;
                }
                Some(claimed) = self.asking_for_work.join_next(), if !self.asking_for_work.is_empty() => {
                    self.take_work(claimed.expect("the question does not panic"));
                    self.note_stop(self.desk.clock.now()).await;
                }
                () = self.desk.places.freed(), if work_left && !has_room => {}
                granted = turn(self.share.as_deref(), &mut self.pacer, self.desk.clock.wall(), patience), if is_ready => {
                    // The pace may have taken its time.
                    self.look_for_a_reason_to_stop(&interrupted);
                    match granted {
                        Ok(Granted::Now) if self.has_work_left() => self.launch(self.desk.clock.now()),
                        Ok(_) => {}
                        Err(error) => self.stop = Some(Stop::Journal(error)),
                    }
                }
                () = self.desk.clock.wall().sleep(next_due.unwrap_or_default().min(patience)), if next_due.is_some() => {}
                // Those that wait for their places are not to leave after the window has closed.
                () = self.desk.clock.wall().sleep(patience), if self.rules.window.is_some() && self.share.is_some() => {}
            }
        }
    }

    /// Whether one more call may be made. The single call of a half-open run is waited for to its end.
    fn has_room(&self) -> bool {
        let places = self.probe.room(self.rules.limits.concurrency.get() as usize);
        if self.probe.is_half_open() {
            return self.under_way.len() < places;
        }
        self.desk.places.has_room(self.under_way.len(), places)
    }

    /// Whether there is something that may still be done.
    fn has_work_left(&self) -> bool {
        match &self.stop {
            None => !(self.fresh.is_empty() && self.line.is_empty()) || self.fresh.may_grow(),
            Some(stop) => stop.leaves_something() && !self.line.is_empty(),
        }
    }

    /// How long until something is due, or more work is asked for.
    fn next_due_in(&self, now: Timestamp) -> Option<Duration> {
        let next = self.line.first().map(|due| due.at).into_iter().chain(self.fresh.ask_at()).min();
        next.map(|at| elapsed(now, at))
    }

    /// Tells the screen which call comes next, and when.
    fn show_what_is_waited_for(&self, waits: bool, now: Timestamp) {
        let next = self.line.first().filter(|_| waits).map(|due| {
            let call = if due.what == What::Resend { "repeat" } else { "inquiry" };
            Next { call, at: self.desk.clock.wall().monotonic() + elapsed(now, due.at) }
        });
        self.progress.wait_for(next);
    }

    /// Counts items that earlier runs, or other hosts, have left unknown. Those that were left alone for longest come first: an
    /// order that is answered in the same way for ever must not be the only one that is tried.
    fn left_by_others(&self, mut items: Vec<Item>) -> impl Iterator<Item = (Item, Efforts)> + use<J, G, C> {
        items.sort_by_key(|item| item.last_sent_at);
        let mut open = Tally::default();
        for item in &items {
            open.add(item.amount);
            self.progress.doubt(item);
        }
        self.progress.expect(open);
        let origin_of =
            |item: &Item| if self.fresh.has_left_behind(item) { Origin::Answered } else { Origin::EarlierRun };
        let origins: Vec<Origin> = items.iter().map(origin_of).collect();
        items.into_iter().zip(origins).map(|(item, origin)| (item, Efforts { origin, ..Efforts::default() }))
    }

    /// Puts an item in line for its next step, or counts it as ended.
    fn schedule(&mut self, item: Item, efforts: Efforts) {
        let (what, at) = match self.next_step(&item, &efforts, self.desk.clock.now()) {
            // Asking again and again must not keep new orders waiting.
            Step::Inquire(_)
                if efforts.inquiries > 0
                    && !self.fresh.is_empty()
                    && self.stop.is_none()
                    && (efforts.role == Role::Canary || !self.probe.is_half_open()) =>
            {
                if efforts.role == Role::Canary {
                    return self.end(&item, efforts.role);
                }
                return self.asked.push((item, efforts));
            }
            // Giving up comes after an inquiry of this run; `land` does it.
            Step::Resend(at) => (What::Resend, at),
            Step::Inquire(at) => (What::Inquire, at),
            Step::GiveUp | Step::Leave => return self.end(&item, efforts.role),
        };
        self.line.put(at, what, item, efforts);
    }

    /// What follows for an item, at a time of the run.
    fn next_step(&self, item: &Item, efforts: &Efforts, now: Timestamp) -> Step {
        let now = Now { run: now, latest: self.desk.clock.latest().max(now) };
        next_step(item, efforts, &self.rules.retries, self.provider.health, now)
    }

    /// An item is at its end, or nothing more is done for it in this run.
    fn end(&mut self, item: &Item, role: Role) {
        Progress::add(&self.progress.ended, 1);
        let rupiah = if item.state.is_terminal() { item.amount } else { Rupiah::ZERO };
        Progress::add(&self.progress.rupiah, rupiah.whole());
        if role == Role::Ordinary || self.stop.is_some() {
            return;
        }
        match self.probe.ended(item.state) {
            Some(died) => self.halt(Stop::Canary(died, Some(item.identity.invoice.clone()))),
            None if self.probe.has_canaries() => {}
            None => self.take_up(),
        }
    }

    /// Once everything new is sent, there is time to ask again.
    fn take_up_what_was_asked(&mut self) {
        if self.fresh.is_empty() && !self.probe.has_canaries() {
            self.take_up();
        }
    }

    fn take_up(&mut self) {
        for (item, efforts) in std::mem::take(&mut self.asked) {
            self.schedule(item, efforts);
        }
    }
}
