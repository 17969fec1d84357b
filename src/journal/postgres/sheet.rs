//! A group of changes in memory: what they need was read under the lock on the log's end, so that it is true until the commit,
//! and what they write is written all at once. A change that fails leaves nothing behind on the sheet.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::journal::history::DayCaps;
use crate::journal::identity::Identity;
use crate::journal::log::{Entry, Hash, chained};
use crate::journal::record::{AttemptId, Finished, Item, ItemId, NewRun, PlanRun};
use crate::journal::rules::words::is_live;
use crate::journal::rules::{Asked, Began, Change, Desk, Done, Ended, Standing, date, facts_text};
use crate::journal::{Account, JournalError};
use crate::model::ids::RunId;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{self, Timestamp};

/// What was read for a group.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) head: Head,
    pub(super) last_item: i64,
    pub(super) last_attempt: i64,
    /// Items with their bodies: those that the changes name, and all of the orders that they may begin.
    pub(super) items: HashMap<ItemId, (Item, Vec<u8>)>,
    /// The item of each attempt, and whether the attempt has ended.
    pub(super) attempts: HashMap<AttemptId, (ItemId, bool)>,
    pub(super) runs: HashMap<RunId, Began>,
    /// What was begun on the days that intents ask for.
    pub(super) days: HashMap<Day, (i64, i64)>,
    /// Attempts without an end whose runner is gone; empty unless somebody asks.
    pub(super) left_open: Vec<(AttemptId, ItemId)>,
    /// Items in doubt; empty unless somebody asks.
    pub(super) in_doubt: Vec<ItemId>,
    /// Items and the statuses that contradicted them.
    pub(super) contradicted: HashSet<(ItemId, String)>,
    /// Items and the hashes of the answers that the log has of them; empty unless somebody asks.
    pub(super) answers: HashSet<(ItemId, String)>,
    /// The runs of the plan of a run that begins.
    pub(super) runs_of_plan: Vec<PlanRun>,
    /// The run that begins, which is written already: its name, and the SHA-256 over its rows.
    pub(super) begun: Option<(RunId, String)>,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: Hash,
}

/// Environment, client, operation and date.
pub(super) type Day = [String; 4];

/// The day of an account.
pub(super) fn day_of(account: &Account, at: Timestamp) -> Day {
    let Account { environment, client_id, operation } = account;
    [environment.word(), client_id.as_str(), operation.word(), &date(at)].map(str::to_owned)
}

/// What is written.
#[derive(Default, Clone)]
pub(super) struct Pages {
    pub(super) new_items: Vec<(Item, Vec<u8>)>,
    /// Items as they become, step by step: the triggers look at each step.
    pub(super) steps: Vec<Item>,
    /// Other bytes for items of which nothing was sent.
    pub(super) bodies: BTreeMap<ItemId, Vec<u8>>,
    pub(super) new_attempts: Vec<NewAttempt>,
    pub(super) ended_attempts: Vec<(AttemptId, End)>,
    pub(super) entries: Vec<Written>,
    pub(super) days: BTreeMap<Day, (i64, i64)>,
    pub(super) contradicted: HashSet<(ItemId, String)>,
    pub(super) ended_runs: Vec<Finished>,
}

/// A new attempt; an inquiry has ended.
#[derive(Clone)]
pub(super) struct NewAttempt {
    pub(super) id: AttemptId,
    pub(super) item: ItemId,
    pub(super) run: RunId,
    pub(super) kind: &'static str,
    pub(super) request_id: String,
    pub(super) sent_at: Timestamp,
    pub(super) end: Option<End>,
}

/// The end of an attempt.
#[derive(Clone)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) facts: String,
    pub(super) headers: Option<String>,
    pub(super) body: Option<Vec<u8>>,
}

impl End {
    fn of(end: &Ended<'_>) -> Self {
        Self {
            at: end.at,
            outcome: end.outcome.to_owned(),
            reason: end.reason.to_owned(),
            facts: facts_text(end.facts),
            headers: end.answer.headers.map(str::to_owned),
            body: end.answer.body.map(<[u8]>::to_vec),
        }
    }
}

/// An entry of the log as it is stored.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) seq: i64,
    pub(super) at: String,
    pub(super) item: Option<ItemId>,
    pub(super) data: String,
    pub(super) hash: Hash,
}

/// A group of changes.
pub(super) struct Sheet {
    loaded: Loaded,
    now: RefCell<Now>,
}

/// What is true now, with what this group has written so far.
#[derive(Default)]
struct Now {
    pages: Pages,
    /// Items that were written, as they are.
    items: HashMap<ItemId, Item>,
    ended: HashSet<AttemptId>,
    head: Head,
    last_item: i64,
    last_attempt: i64,
}

/// How far everything was before a change, to go back to.
struct Mark {
    new_items: usize,
    steps: usize,
    new_attempts: usize,
    ended_attempts: usize,
    entries: usize,
    ended_runs: usize,
    bodies: BTreeMap<ItemId, Vec<u8>>,
    days: BTreeMap<Day, (i64, i64)>,
    contradicted: HashSet<(ItemId, String)>,
    head: Head,
    last_item: i64,
    last_attempt: i64,
}

impl Sheet {
    pub(super) fn new(loaded: Loaded) -> Self {
        let Loaded { head, last_item, last_attempt, .. } = loaded;
        Self { now: RefCell::new(Now { head, last_item, last_attempt, ..Now::default() }), loaded }
    }

    /// Lets a change happen. If it fails, only its own writes are undone.
    pub(super) fn apply(&self, change: &Change) -> Result<Done, JournalError> {
        let mark = self.now.borrow().mark();
        let done = change.apply(self);
        if done.is_err() {
            self.now.borrow_mut().go_back(mark);
        }
        done
    }

    /// The end of the log before and after, what is to be written, and what the runs began with.
    pub(super) fn finish(self) -> (Head, Head, Pages, HashMap<RunId, Began>) {
        let now = self.now.into_inner();
        (self.loaded.head, now.head, now.pages, self.loaded.runs)
    }
}

impl Now {
    fn mark(&self) -> Mark {
        let Pages { new_items, steps, new_attempts, ended_attempts, entries, ended_runs, .. } = &self.pages;
        Mark {
            new_items: new_items.len(),
            steps: steps.len(),
            new_attempts: new_attempts.len(),
            ended_attempts: ended_attempts.len(),
            entries: entries.len(),
            ended_runs: ended_runs.len(),
            bodies: self.pages.bodies.clone(),
            days: self.pages.days.clone(),
            contradicted: self.pages.contradicted.clone(),
            head: self.head,
            last_item: self.last_item,
            last_attempt: self.last_attempt,
        }
    }

    fn go_back(&mut self, mark: Mark) {
        let pages = &mut self.pages;
        pages.new_items.truncate(mark.new_items);
        pages.steps.truncate(mark.steps);
        pages.new_attempts.truncate(mark.new_attempts);
        pages.ended_attempts.truncate(mark.ended_attempts);
        pages.entries.truncate(mark.entries);
        pages.ended_runs.truncate(mark.ended_runs);
        (pages.bodies, pages.days, pages.contradicted) = (mark.bodies, mark.days, mark.contradicted);
        (self.head, self.last_item, self.last_attempt) = (mark.head, mark.last_item, mark.last_attempt);
        let written = pages.new_items.iter().map(|(item, _)| item).chain(&pages.steps);
        self.items = written.map(|item| (item.id, item.clone())).collect();
        self.ended = pages.ended_attempts.iter().map(|(attempt, _)| *attempt).collect();
    }
}

/// A thing that a change asks for, and that was not read for it.
fn unread(what: &str) -> JournalError {
    JournalError::Write(format!("the journal does not know {what}"))
}

impl Desk for Sheet {
    fn load(&self, item: ItemId) -> Result<Item, JournalError> {
        if let Some(item) = self.now.borrow().items.get(&item) {
            return Ok(item.clone());
        }
        let known = self.loaded.items.get(&item).map(|(item, _)| item.clone());
        known.ok_or_else(|| unread(&format!("item {}", item.0)))
    }

    fn find(&self, identity: &Identity) -> Result<Option<Item>, JournalError> {
        let now = self.now.borrow();
        let known = self.loaded.items.values().map(|(item, _)| item).chain(now.items.values());
        let id = known.filter(|item| item.identity == *identity).map(|item| item.id).next();
        drop(now);
        id.map(|id| self.load(id)).transpose()
    }

    fn body(&self, item: ItemId) -> Result<Vec<u8>, JournalError> {
        let now = self.now.borrow();
        let new = now.pages.new_items.iter().find(|(new, _)| new.id == item).map(|(_, body)| body);
        let known = || self.loaded.items.get(&item).map(|(_, body)| body);
        let body = now.pages.bodies.get(&item).or(new).or_else(known);
        body.cloned().ok_or_else(|| unread(&format!("the body of item {}", item.0)))
    }

    fn item_of(&self, attempt: AttemptId) -> Result<Item, JournalError> {
        match self.attempt(attempt)? {
            Some((item, Standing::Open)) => Ok(item),
            Some((_, Standing::Ended)) => Err(JournalError::Write(format!("attempt {} has ended already", attempt.0))),
            None => Err(unread(&format!("attempt {}", attempt.0))),
        }
    }

    fn attempt(&self, attempt: AttemptId) -> Result<Option<(Item, Standing)>, JournalError> {
        let Some((item, has_ended)) = self.loaded.attempts.get(&attempt).copied() else { return Ok(None) };
        let has_ended = has_ended || self.now.borrow().ended.contains(&attempt);
        Ok(Some((self.load(item)?, if has_ended { Standing::Ended } else { Standing::Open })))
    }

    fn of_key(&self, request_id: &str) -> Result<Option<Item>, JournalError> {
        let known = self.loaded.items.values().find(|(item, _)| item.request_id.as_str() == request_id);
        known.map(|(item, _)| self.load(item.id)).transpose()
    }

    fn knows_answer(&self, item: ItemId, sha256: &str) -> Result<bool, JournalError> {
        Ok(self.loaded.answers.contains(&(item, sha256.to_owned())))
    }

    fn began(&self, run: &RunId) -> Result<Began, JournalError> {
        self.loaded.runs.get(run).cloned().ok_or_else(|| unread(&format!("run {run}")))
    }

    fn begun(&self, account: &Account, at: Timestamp) -> Result<Tally, JournalError> {
        let day = day_of(account, at);
        let now = self.now.borrow();
        let (kept, new) = (self.loaded.days.get(&day), now.pages.days.get(&day));
        let (mut orders, mut rupiah) = kept.copied().unwrap_or_default();
        if let Some(new) = new {
            (orders, rupiah) = (orders + new.0, rupiah + new.1);
        }
        Ok(Tally { count: orders.cast_unsigned(), rupiah: Rupiah::new(rupiah.cast_unsigned()) })
    }

    fn left_open(&self) -> Result<Vec<(AttemptId, ItemId)>, JournalError> {
        let now = self.now.borrow();
        Ok(self.loaded.left_open.iter().filter(|(attempt, _)| !now.ended.contains(attempt)).copied().collect())
    }

    fn in_doubt(&self) -> Result<Vec<Item>, JournalError> {
        let items: Vec<Item> =
            self.loaded.in_doubt.iter().map(|item| self.load(*item)).collect::<Result<_, JournalError>>()?;
        Ok(items.into_iter().filter(|item| item.state.is_in_doubt()).collect())
    }

    fn was_contradicted(&self, item: ItemId, status: &str) -> Result<bool, JournalError> {
        let key = (item, status.to_owned());
        // Whoever asks writes it, or knows it already.
        let is_new = self.now.borrow_mut().pages.contradicted.insert(key.clone());
        Ok(!is_new || self.loaded.contradicted.contains(&key))
    }

    fn runs_of_plan(&self, _: &str) -> Result<Vec<PlanRun>, JournalError> {
        Ok(self.loaded.runs_of_plan.clone())
    }

    fn insert_run(&self, _: &NewRun) -> Result<(RunId, String), JournalError> {
        self.loaded.begun.clone().ok_or_else(|| unread("the run that begins"))
    }

    fn end_run(&self, finished: &Finished) -> Result<(), JournalError> {
        self.now.borrow_mut().pages.ended_runs.push(finished.clone());
        Ok(())
    }

    fn next_item(&self) -> Result<ItemId, JournalError> {
        Ok(ItemId(self.now.borrow().last_item + 1))
    }

    fn insert(&self, item: &Item, body: &[u8]) -> Result<(), JournalError> {
        let now = self.now.borrow();
        let same_order = |other: &&Item| {
            (&other.identity.account, &other.identity.invoice) == (&item.identity.account, &item.identity.invoice)
        };
        let unchanged =
            self.loaded.items.values().map(|(item, _)| item).filter(|item| !now.items.contains_key(&item.id));
        let is_taken = unchanged.chain(now.items.values()).filter(same_order).any(|other| {
            other.identity.generation == item.identity.generation || is_live(other.state) && is_live(item.state)
        });
        drop(now);
        if is_taken {
            return Err(JournalError::Taken);
        }
        let mut now = self.now.borrow_mut();
        now.last_item = item.id.0;
        now.items.insert(item.id, item.clone());
        now.pages.new_items.push((item.clone(), body.to_vec()));
        Ok(())
    }

    fn update(&self, _: &Item, after: &Item) -> Result<(), JournalError> {
        let mut now = self.now.borrow_mut();
        now.items.insert(after.id, after.clone());
        now.pages.steps.push(after.clone());
        Ok(())
    }

    fn replace_body(&self, item: ItemId, body: &[u8], _: &str) -> Result<(), JournalError> {
        self.now.borrow_mut().pages.bodies.insert(item, body.to_vec());
        Ok(())
    }

    fn count(&self, item: &Item, by: i64) -> Result<(), JournalError> {
        let day = day_of(&item.identity.account, item.first_intent_at);
        let mut now = self.now.borrow_mut();
        let (orders, rupiah) = now.pages.days.entry(day).or_default();
        *orders += by;
        *rupiah += by * item.amount.whole().cast_signed();
        Ok(())
    }

    fn open_attempt(&self, item: &Item, run: &RunId, at: Timestamp) -> Result<AttemptId, JournalError> {
        let request_id = item.request_id.to_string();
        Ok(self.add_attempt(item.id, run, "send", request_id, at, None))
    }

    fn end_attempt(&self, attempt: AttemptId, end: &Ended<'_>) -> Result<(), JournalError> {
        let mut now = self.now.borrow_mut();
        now.ended.insert(attempt);
        now.pages.ended_attempts.push((attempt, End::of(end)));
        Ok(())
    }

    fn add_ended(&self, attempt: &Asked<'_>, end: &Ended<'_>) -> Result<AttemptId, JournalError> {
        let Asked { item, run, kind, request_id, sent_at } = *attempt;
        Ok(self.add_attempt(item, run, kind, request_id.to_string(), sent_at, Some(End::of(end))))
    }

    fn append(&self, at: Timestamp, item: Option<ItemId>, entry: &Entry) -> Result<(), JournalError> {
        let data = serde_json::to_string(entry).expect("an entry is texts and numbers");
        let mut now = self.now.borrow_mut();
        let (seq, at) = (now.head.seq + 1, time::stored(at));
        let hash = chained(&now.head.hash, seq, &at, item, &data);
        now.head = Head { seq, hash };
        now.pages.entries.push(Written { seq, at, item, data, hash });
        Ok(())
    }
}

impl Sheet {
    fn add_attempt(
        &self,
        item: ItemId,
        run: &RunId,
        kind: &'static str,
        request_id: String,
        sent_at: Timestamp,
        end: Option<End>,
    ) -> AttemptId {
        let mut now = self.now.borrow_mut();
        now.last_attempt += 1;
        let id = AttemptId(now.last_attempt);
        now.pages.new_attempts.push(NewAttempt { id, item, run: run.clone(), kind, request_id, sent_at, end });
        id
    }
}

/// What a run began with, as its row says.
pub(super) fn began(job: String, orders: Option<i64>, rupiah: Option<i64>) -> Began {
    let caps = DayCaps { orders: orders.map(i64::cast_unsigned), rupiah: rupiah.map(i64::cast_unsigned) };
    Began { job: job.into(), caps }
}
