//! The one loop that decides what is sent next.
//!
//! Resends and inquiries that are due go before new orders. One place waits for the pace; at most `concurrency` calls are
//! under way; a reason to stop ends the dispatching, never the calls under way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::attempt::{Desk, Ended, Failed, attempt, inquire};
use super::breaker::{Breaker, Opened, Seals};
use super::clock::Clock;
pub use super::fresh::Fresh;
use super::gateway::Gateway;
use super::pace::share::{Open, Share};
use super::pace::{Granted, Pacer};
use super::probe::{Died, Probe, Role};
use super::progress::{Event, Next, Progress};
use super::settle::{Efforts, Health, Now, Origin, Step, next_step};
pub use super::stop::Stop;
use super::window;
use crate::job::settings::{Job, Limits, Retries, Window};
use crate::journal::identity::Identity;
use crate::journal::joint::{Ask, Claimed, Heard, Work};
use crate::journal::past::Past;
use crate::journal::record::{First, Intent, Item};
use crate::journal::state::State;
use crate::journal::{Account, Journal, JournalError};
use crate::model::money::{Rupiah, Tally};
use crate::model::order::Settlement;
use crate::model::outcome::Outcome;
use crate::model::time::{Timestamp, after, elapsed};
use crate::plan::Sendable;

/// How fast, how often and when to stop.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How fast.
    pub limits: Limits,
    /// How often.
    pub retries: Retries,
    /// When the provider is ill.
    pub breaker: crate::job::settings::Breaker,
    /// So many orders are proved before the others are sent.
    pub canaries: usize,
    /// When calls may be made.
    pub window: Option<Window>,
    /// Sent with every creation.
    pub settlement: Vec<Settlement>,
}

impl Rules {
    /// The rules of a job.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            limits: job.limits.clone(),
            retries: job.retries.clone(),
            breaker: job.breaker,
            canaries: job.canary.map_or(0, |canaries| canaries.get() as usize),
            window: job.window,
            settlement: job.settlement.clone(),
        }
    }
}

/// An item in line for its next step, and no sooner than when. Whether it is still that step is asked when its time has come.
struct Due {
    at: Timestamp,
    what: What,
    /// Keeps equal times in their order.
    number: u64,
    item: Item,
    efforts: Efforts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Resend,
    Inquire,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// What a call under way brings back.
type Landed = (Result<Ended, Failed>, Efforts);

/// One run's dispatching.
pub struct Dispatch<J: Journal, G: Gateway, C: Clock> {
    desk: Arc<Desk<J, G, C>>,
    account: Account,
    rules: Rules,
    progress: Arc<Progress>,
    fresh: Fresh,
    due: BinaryHeap<Reverse<Due>>,
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
    /// Open: nothing is sent any more.
    sending: Breaker,
    /// Open: nothing is asked any more.
    asking: Breaker,
    seals: Seals,
    health: Health,
    /// When the last new order was sent; settling ends `settle_for` after it.
    last_fresh_at: Timestamp,
    count: u64,
    stop: Option<Stop>,
    /// Whether the journal knows that the provider has stopped this run.
    is_noted: bool,
    /// How the calls of others ended is heard up to this entry of the log; 0: nothing was heard yet.
    heard: i64,
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
        let now = desk.clock.now();
        progress.expect(fresh.sum);
        let mut open = Tally::default();
        unsettled.iter().for_each(|item| open.add(item.amount));
        progress.expect(open);
        unsettled.iter().for_each(|item| progress.doubt(item));
        let mut dispatch = Self {
            pacer: Pacer::new(&rules.limits, desk.clock.wall().clone()),
            probe: Probe::new(rules.canaries, usize::try_from(fresh.sum.count).unwrap_or(usize::MAX)),
            was_ill: None,
            seals: Seals::default(),
            sending: Breaker::new(rules.breaker),
            asking: Breaker::new(rules.breaker),
            health: Health::Well,
            desk: Arc::new(desk),
            account,
            rules,
            progress,
            fresh,
            due: BinaryHeap::new(),
            asked: Vec::new(),
            under_way: JoinSet::new(),
            asking_for_work: JoinSet::new(),
            share: None,
            last_fresh_at: now,
            count: 0,
            stop: None,
            is_noted: false,
            heard: 0,
            has_claimed: false,
        };
        for item in unsettled {
            let efforts = Efforts { origin: Origin::EarlierRun, ..Efforts::default() };
            if dispatch.probe.has_canaries() {
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
            self.take_up();
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
            self.stop_if_the_probe_comes_too_late();
            self.leave_what_comes_too_late();
            if self.has_work_left() {
                self.look_for_a_reason_to_stop(&interrupted);
            }
            self.hold_back(*interrupted.borrow());
            self.ask_for_work(now);
            let work_left = self.has_work_left();
            if !work_left && self.under_way.is_empty() {
                return self.stop;
            }
            let has_room = self.under_way.len() < self.probe.room(self.rules.limits.concurrency.get() as usize);
            let is_ready = work_left && has_room && self.something_is_ready(now);
            let next_step = self.due.peek().map(|Reverse(due)| due.at).into_iter().chain(self.fresh.ask_at()).min();
            let next_due = next_step.map(|at| elapsed(now, at));
            let waits = work_left && has_room && !is_ready;
            let patience = window::open_for(self.rules.window.as_ref(), self.desk.clock.wall().now());
            self.show_what_is_waited_for(waits && self.under_way.is_empty(), now);
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
                granted = turn(self.share.as_deref(), &mut self.pacer, self.desk.clock.wall(), patience), if is_ready => {
                    // The pace may have taken its time.
                    self.look_for_a_reason_to_stop(&interrupted);
                    match granted {
                        Ok(Granted::Now) if self.has_work_left() => self.launch(self.desk.clock.now()),
                        Ok(_) => {}
                        Err(error) => self.stop = Some(Stop::Journal(error)),
                    }
                }
                () = self.desk.clock.wall().sleep(next_due.unwrap_or_default().min(patience)),
                    if waits && next_due.is_some() => {}
                // Those that wait for their places are not to leave after the window has closed.
                () = self.desk.clock.wall().sleep(patience), if self.rules.window.is_some() && self.share.is_some() => {}
            }
        }
    }

    /// What waits for its place does not leave any more once the run has a reason to stop.
    fn hold_back(&self, is_interrupted: bool) {
        let Some(share) = &self.share else { return };
        let is_open = window::is_open(self.rules.window.as_ref(), self.desk.clock.wall().now());
        share.keep(match self.health.may_send() {
            _ if is_interrupted || !is_open || !self.may_go_on() => Open::ForNone,
            true => Open::ForAll,
            false => Open::ForInquiries,
        });
    }

    /// Tells the screen which call comes next, and when.
    fn show_what_is_waited_for(&self, waits: bool, now: Timestamp) {
        let next = self.due.peek().filter(|_| waits).map(|Reverse(due)| {
            let call = if due.what == What::Resend { "repeat" } else { "inquiry" };
            Next { call, at: self.desk.clock.wall().monotonic() + elapsed(now, due.at) }
        });
        self.progress.wait_for(next);
    }

    /// Whether there is something that may still be done. An open breaker leaves the asking; a cap leaves what is begun.
    fn has_work_left(&self) -> bool {
        match self.stop {
            None => !(self.fresh.is_empty() && self.due.is_empty()) || self.fresh.may_grow(),
            Some(Stop::Breaker(_) | Stop::Journal(JournalError::Capped(_))) => !self.due.is_empty(),
            Some(_) => false,
        }
    }

    /// Asks for more orders of a joint run, and hears how the others are.
    fn ask_for_work(&mut self, now: Timestamp) {
        if self.stop.is_some() || !self.asking_for_work.is_empty() {
            return;
        }
        let is_idle =
            self.fresh.is_empty() && self.due.is_empty() && self.asked.is_empty() && self.under_way.is_empty();
        let Some(ask) = self.fresh.ask(&self.desk.run, &self.rules.limits, now) else { return };
        let canaries = u32::try_from(self.rules.canaries).unwrap_or(u32::MAX);
        let ask = Ask { canaries, is_half_open: self.probe.is_half_open(), is_idle, heard: self.heard, ..ask };
        let desk = Arc::clone(&self.desk);
        self.asking_for_work.spawn(async move { desk.journal.claim(ask).await });
    }

    fn take_work(&mut self, claimed: Result<Claimed, JournalError>) {
        match claimed {
            Ok(Claimed::Work(work)) => self.take_on(work),
            Ok(Claimed::Over) => self.fresh.close(),
            Ok(Claimed::Stopped(why)) => self.halt(Stop::ByAnother(why)),
            Err(error) => self.stop = Some(Stop::Journal(error)),
        }
    }

    pub(super) fn take_on(&mut self, work: Work) {
        let Work { rows, items, canaries, is_proved, elsewhere, heard } = work;
        // What had gone wrong before this host came may be over. Those who were there have stopped the run, or go on.
        let elsewhere = if self.heard == 0 { Vec::new() } else { elsewhere };
        self.heard = heard;
        if is_proved && self.probe.is_half_open() {
            self.was_ill = None;
            self.probe = self.probe.proved();
        }
        if !rows.is_empty() && !self.has_claimed {
            self.has_claimed = true;
            self.probe = self.probe.with_canaries(canaries as usize);
        }
        match self.fresh.add(&rows) {
            Ok(sum) => self.progress.expect(sum),
            Err(row) => {
                let error = format!("row {row} was claimed, and the plan does not send it");
                self.stop = Some(Stop::Journal(JournalError::Read(error)));
            }
        }
        let mut open = Tally::default();
        for item in items {
            open.add(item.amount);
            self.progress.doubt(&item);
            self.last_fresh_at = self.desk.clock.now();
            self.schedule(item, Efforts { origin: Origin::EarlierRun, ..Efforts::default() });
        }
        self.progress.expect(open);
        self.hear(&elsewhere);
    }

    /// Takes note of how calls of others have ended: the provider is as ill for one as for the other.
    fn hear(&mut self, elsewhere: &[Heard]) {
        for heard in elsewhere {
            match *heard {
                Heard::Send(item, health) => {
                    if let Some(opened) = self.sending.take(item, health) {
                        self.open(opened);
                    }
                }
                Heard::Inquiry(item, health) => {
                    if self.asking.take(item, health).is_some() {
                        self.stop_asking();
                    }
                }
            }
        }
    }

    /// The provider is ill: nothing is sent any more.
    fn open(&mut self, opened: Opened) {
        if self.health == self.health.without_sending() {
            return;
        }
        self.stop.get_or_insert(Stop::Breaker(opened));
        self.progress.tell(&Event::Breaker(opened));
        self.health = self.health.without_sending();
        self.fall_ill();
    }

    /// Not even asking helps.
    fn stop_asking(&mut self) {
        if self.health == self.health.without_asking() {
            return;
        }
        self.health = self.health.without_asking();
        self.fall_ill();
    }

    fn look_for_a_reason_to_stop(&mut self, interrupted: &watch::Receiver<bool>) {
        if *interrupted.borrow() {
            self.halt(Stop::Interrupted);
        }
        if !window::is_open(self.rules.window.as_ref(), self.desk.clock.wall().now()) {
            self.halt(Stop::WindowClosed);
        }
        if self.has_lost_too_much() {
            self.halt(Stop::LossTooOld);
        }
    }

    /// Whether what the journal lacks has come to be older than the horizon.
    fn has_lost_too_much(&self) -> bool {
        let too_old = |since| self.desk.clock.latest() >= after(since, self.rules.retries.horizon);
        self.desk.lost_since.is_some_and(too_old)
    }

    /// Stops for good; the first reason counts, but for a breaker and a cap, which still leave something to do.
    fn halt(&mut self, why: Stop) {
        if self.may_go_on() {
            self.stop = Some(why);
        }
    }

    /// Whether something may still be done: nothing stops it, or what does leaves something.
    const fn may_go_on(&self) -> bool {
        matches!(self.stop, None | Some(Stop::Breaker(_) | Stop::Journal(JournalError::Capped(_))))
    }

    /// What the provider is ill for is not tried any more: every item in line is looked at again.
    fn fall_ill(&mut self) {
        for Reverse(due) in std::mem::take(&mut self.due) {
            self.schedule(due.item, due.efforts);
        }
        self.take_up();
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

    fn something_is_ready(&self, now: Timestamp) -> bool {
        (!self.fresh.is_empty() && self.may_send_new()) || self.due.peek().is_some_and(|Reverse(due)| due.at <= now)
    }

    /// Whether a new order may be sent. What is begun is the single call of a half-open run, however long it has to wait.
    fn may_send_new(&self) -> bool {
        self.health.may_send() && self.probe.lets_go() && (!self.probe.is_half_open() || self.due.is_empty())
    }

    /// A half-open run waits for its single call as long as any run settles, and spends no new order instead.
    fn stop_if_the_probe_comes_too_late(&mut self) {
        let deadline = after(self.last_fresh_at, self.rules.retries.settle_for);
        let is_too_late = |due: &Due| due.efforts.origin == Origin::EarlierRun && due.at > deadline;
        let is_too_late = self.due.peek().is_some_and(|Reverse(due)| is_too_late(due));
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
        let deadline = after(self.last_fresh_at, self.rules.retries.settle_for);
        let held_until = after(self.desk.clock.now(), self.pacer.held_for());
        if self.due.peek().is_some_and(|Reverse(due)| due.at.max(held_until) > deadline) {
            let left = self.due.len() as u64;
            let canaries = self.due.iter().filter(|Reverse(due)| due.efforts.role == Role::Canary);
            let canary = canaries.map(|Reverse(due)| due.item.identity.invoice.clone()).min();
            self.due.clear();
            Progress::add(&self.progress.ended, left);
            if self.stop.is_none() && self.probe.has_canaries() && self.under_way.is_empty() {
                self.stop = Some(Stop::Canary(Died::Unproved, canary));
            }
        }
    }

    /// Starts the next call: what is due before what is new.
    fn launch(&mut self, now: Timestamp) {
        let desk = Arc::clone(&self.desk);
        if self.due.peek().is_some_and(|Reverse(due)| due.at <= now)
            && let Some(Reverse(due)) = self.due.pop()
        {
            let (item, mut efforts) = (due.item, due.efforts);
            // While it stood in line the horizon may have passed.
            let what = match self.next_step(&item, &efforts, now) {
                Step::Resend(at) if due.what == What::Resend || at <= now => What::Resend,
                Step::Inquire(at) if due.what == What::Inquire || at <= now => What::Inquire,
                Step::Resend(_) | Step::Inquire(_) | Step::GiveUp | Step::Leave => {
                    return self.schedule(item, efforts);
                }
            };
            Progress::add(&self.progress.requests, 1);
            match what {
                What::Resend => {
                    let Efforts { origin, role, .. } = efforts;
                    efforts = Efforts { tries: efforts.tries + 1, origin, role, ..Efforts::default() };
                    let intent = Intent::Again { run: desk.run.clone(), item: item.id, at: now };
                    self.under_way.spawn(async move { (Box::pin(attempt(&desk, intent)).await, efforts) });
                }
                What::Inquire => {
                    efforts.inquiries += 1;
                    self.under_way.spawn(async move { (inquire(&desk, item).await.map_err(Failed::from), efforts) });
                }
            }
            return;
        }
        if !self.may_send_new() {
            return;
        }
        let Some(to_send) = self.fresh.next() else { return };
        Progress::add(&self.progress.requests, 1);
        self.last_fresh_at = now;
        let intent = self.first_intent(&to_send, now);
        let efforts = Efforts { tries: 1, role: self.probe.send(), ..Efforts::default() };
        self.under_way.spawn(async move { (Box::pin(attempt(&desk, intent)).await, efforts) });
    }

    /// What follows for an item, at a time of the run.
    fn next_step(&self, item: &Item, efforts: &Efforts, now: Timestamp) -> Step {
        let now = Now { run: now, latest: self.desk.clock.latest().max(now) };
        next_step(item, efforts, &self.rules.retries, self.health, now)
    }

    fn first_intent(&self, to_send: &Sendable, at: Timestamp) -> Intent {
        let Sendable { order, call, payment_reference, generation } = to_send;
        let invoice = order.invoice_number.clone();
        let identity = Identity { account: self.account.clone(), invoice, generation: *generation };
        let refund_reference = identity.refund_reference();
        let body = call.body(order, payment_reference, &refund_reference, &self.rules.settlement);
        let (run, payment_reference) = (self.desk.run.clone(), payment_reference.clone());
        Intent::First(Box::new(First { run, identity, amount: order.amount, payment_reference, body, at }))
    }

    /// Whether somebody else answers for the item: its invoice has another one, or, in a joint run, another host or a person
    /// has brought it to its end meanwhile.
    fn is_for_others(&self, error: &JournalError) -> bool {
        matches!(error, JournalError::Taken) || matches!(error, JournalError::Impossible(_)) && self.fresh.is_claimed()
    }

    /// Takes note of a call that has come back.
    async fn land(&mut self, (ended, mut efforts): Landed) {
        let ended = match ended {
            Ok(ended) => ended,
            Err(Failed { error, .. }) if self.is_for_others(&error) => {
                self.probe.give_way(efforts.role);
                return Progress::add(&self.progress.ended, 1);
            }
            // No new order begins any more; what is begun is settled all the same.
            Err(Failed { error: error @ JournalError::Capped(_), .. }) => {
                self.fresh = Fresh::none();
                self.stop.get_or_insert(Stop::Journal(error));
                return;
            }
            Err(Failed { error, in_doubt }) => {
                in_doubt.iter().for_each(|item| self.progress.doubt(item));
                self.stop = Some(Stop::Journal(error));
                return;
            }
        };
        let now = self.desk.clock.now();
        self.progress.landed(&ended);
        efforts.answered += u32::from(ended.answered);
        self.keep_pace_with(&ended);
        if let Some(reading) = &ended.reading {
            if let Some(halt) = reading.halt {
                self.halt(Stop::Halted(halt));
            }
            if let Some(opened) = self.sending.note(ended.item.id, &reading.outcome) {
                self.open(opened);
            }
            efforts.retry_after = ended.retry_after;
        } else if self.asking.note_inquiry(ended.item.id, ended.answered).is_some() {
            self.stop_asking();
        }
        self.look_at_the_first(&ended);
        self.note_stop(now).await;
        if ended.item.state == State::Unknown && self.next_step(&ended.item, &efforts, now) == Step::GiveUp {
            match self.desk.journal.give_up(ended.item.id, now).await {
                Ok(state) => self.schedule(Item { state, ..ended.item }, efforts),
                Err(error) => self.stop = Some(Stop::Journal(error)),
            }
            return;
        }
        self.schedule(ended.item, efforts);
    }

    /// Takes note of what an answer says about the pace. A 503 may ask for a wait as well as a 429, and an inquiry is a
    /// request like any other.
    fn keep_pace_with(&mut self, ended: &Ended) {
        let proves = |outcome: &Outcome| matches!(outcome, Outcome::Applied | Outcome::Already | Outcome::Refused(_));
        self.pacer.note(ended.http_status, ended.retry_after);
        if let Some(wait) = ended.retry_after.or(ended.throttled.then_some(self.rules.retries.backoff_first)) {
            self.pacer.hold(wait);
            self.progress.tell(&Event::Throttled(wait));
        } else if ended.answered || ended.reading.as_ref().is_some_and(|reading| proves(&reading.outcome)) {
            self.pacer.climb();
            if let Some(share) = &self.share {
                share.climb();
            }
        }
        self.progress.show(self.pacer.seen());
    }

    /// Whoever answers may not have the merchant's key, or the provider may be as ill as it was in the run before.
    fn look_at_the_first(&mut self, ended: &Ended) {
        if self.seals.note(ended.item.id, ended.signature) {
            self.halt(Stop::WrongSignatures);
        }
        let outcome = ended.reading.as_ref().map(|reading| &reading.outcome);
        let was_half_open = self.probe.is_half_open();
        if self.probe.came_back(outcome, ended.answered, ended.throttled) {
            let why = self.was_ill.clone().unwrap_or_default();
            self.halt(Stop::StillIll(why));
        }
        if was_half_open && !self.probe.is_half_open() && self.probe.has_canaries() {
            let waits = |Reverse(due): Reverse<Due>| (due.item, due.efforts);
            self.asked.extend(std::mem::take(&mut self.due).into_sorted_vec().into_iter().map(waits));
        }
    }

    /// The next run shall know that the provider has stopped this one, even if this one is killed while it still asks.
    async fn note_stop(&mut self, now: Timestamp) {
        let Some(why) = self.stop.as_ref().and_then(Stop::word).filter(|_| !self.is_noted) else { return };
        self.is_noted = true;
        let noted = self.desk.journal.stop_run(self.desk.run.clone(), why.to_owned(), now).await;
        if let Err(error) = noted {
            self.stop = Some(Stop::Journal(error));
        }
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
        self.count += 1;
        self.due.push(Reverse(Due { at, what, number: self.count, item, efforts }));
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
}

/// Waits until the next call may be made: first for a place in the lane, which is taken where the call leaves, then for the
/// job's own pace.
async fn turn<J: Journal, C: Clock>(
    share: Option<&Share<J, C>>,
    pacer: &mut Pacer<C>,
    clock: &C,
    patience: Duration,
) -> Result<Granted, JournalError> {
    if let Some(share) = share {
        tokio::select! {
            found = share.look() => found?,
            () = clock.sleep(patience) => return Ok(Granted::NotYet),
        }
    }
    Ok(pacer.ready(patience).await)
}
