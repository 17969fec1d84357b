//! Comparing a journal with its own log: the chain of hashes, every item as the sum of its entries, and, if asked to look at
//! everything, every row and every kept answer against the hash that the log has of it. A store shows what it holds, piece by
//! piece; what is wrong with it is found here.

use std::collections::HashMap;

use super::history::DayCaps;
use super::log::{self, Entry, GENESIS, Hash, chained};
use super::record::{Item, ItemId};
use super::rules::{DaySum, Sums};
use crate::model::time::{self, Timestamp};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Depth {
    /// What a run relies on: the chain, and the items.
    Items,
    /// The same, and all rows, bodies and answers.
    Everything,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    seq: i64,
    hash: Hash,
    /// Items looked at.
    pub items: u64,
    /// Runs looked at.
    pub runs: u64,
    /// What is wrong, the first few; empty if nothing.
    pub flaws: Vec<String>,
}

/// What a run began with, as the log or its row says.
#[derive(PartialEq, Eq)]
pub(in crate::journal) struct Terms {
    pub(in crate::journal) rows_sha256: String,
    pub(in crate::journal) input_sha256: Option<String>,
    pub(in crate::journal) caps: DayCaps,
}

/// The SHA-256 of the answer of an attempt; `None` if it had none.
#[derive(Clone)]
pub(in crate::journal) struct Answered(pub(in crate::journal) Option<String>);

/// More flaws than these say no more.
const MOST_FLAWS: usize = 20;

impl Checked {
    /// Nothing was looked at yet.
    pub(in crate::journal) const fn begin() -> Self {
        Self { seq: 0, hash: GENESIS, items: 0, runs: 0, flaws: Vec::new() }
    }

    /// Entries of the log.
    #[must_use]
    pub const fn entries(&self) -> i64 {
        self.seq
    }

    /// The hash of the last entry, in hex.
    #[must_use]
    pub fn head(&self) -> String {
        log::hex(&self.hash)
    }

    pub(in crate::journal) fn flaw(&mut self, text: String) {
        if self.flaws.len() < MOST_FLAWS {
            self.flaws.push(text);
        }
    }

    /// Takes the next entry of the log: it follows from the one before.
    pub(in crate::journal) fn link(&mut self, seq: i64, at: &str, item: Option<ItemId>, data: &str, hash: &[u8]) {
        let expected = chained(&self.hash, seq, at, item, data);
        if seq != self.seq + 1 {
            self.flaw(format!("entry {}: is missing", self.seq + 1));
        } else if hash != expected {
            self.flaw(format!("entry {seq}: does not follow from the one before; it or an earlier one was changed"));
        }
        self.seq = seq;
        // A hash of another length is a flaw already.
        self.hash = hash.try_into().unwrap_or(expected);
    }

    /// What an entry says beside its item: the terms of a run, or an attempt with the hash of its answer, to be looked at.
    pub(in crate::journal) fn read(
        &mut self,
        seq: i64,
        data: &str,
        began: &mut HashMap<String, Terms>,
    ) -> Option<(i64, Option<String>)> {
        match serde_json::from_str::<Entry>(data) {
            Ok(Entry::RunBegan { run, rows_sha256, input_sha256, caps, .. }) => {
                self.runs += 1;
                began.insert(run, Terms { rows_sha256, input_sha256, caps });
                None
            }
            Ok(
                Entry::Ended { attempt, answer_sha256, .. }
                | Entry::Inquired { attempt, answer_sha256, .. }
                | Entry::AnswerCarried { attempt, answer_sha256 },
            ) => Some((attempt, answer_sha256)),
            Ok(_) => None,
            Err(error) => {
                self.flaw(format!("entry {seq}: cannot be read: {error}"));
                None
            }
        }
    }

    /// The answer of an attempt is the one that the log knows; `found` is `None` if there is no such attempt.
    pub(in crate::journal) fn answer(&mut self, attempt: i64, found: Option<Answered>, expected: Option<&str>) {
        match found {
            None => self.flaw(format!("attempt {attempt}: is missing")),
            Some(Answered(found)) if found.as_deref() != expected => {
                self.flaw(format!("attempt {attempt}: its answer is not the one that was logged"));
            }
            Some(_) => {}
        }
    }

    /// An attempt that is in no entry of its item.
    pub(in crate::journal) fn strange_attempt(&mut self, attempt: i64) {
        self.flaw(format!("attempt {attempt}: the log does not know it, or of another item"));
    }

    /// An item that is in no entry.
    pub(in crate::journal) fn strange_item(&mut self, item: i64) {
        self.flaw(format!("item {item}: the log does not know it"));
    }

    /// Compares what the log makes of an item with the item and the SHA-256 of its body.
    pub(in crate::journal) fn compare(&mut self, logged: &Item, found: Option<(Result<Item, String>, Option<String>)>) {
        self.items += 1;
        let invoice = &logged.identity.invoice;
        let Some((item, body_sha256)) = found else {
            self.flaw(format!("{invoice}: the log knows it, but the item is missing"));
            return;
        };
        match item {
            Ok(item) if item == *logged => {}
            Ok(item) => {
                let (found, expected) = difference(&item, logged);
                self.flaw(format!("{invoice}: the item says {found}, but its log says {expected}"));
            }
            Err(error) => self.flaw(format!("{invoice}: {error}")),
        }
        if body_sha256.is_some_and(|sha256| *sha256 != *logged.body_sha256) {
            self.flaw(format!("{invoice}: its body is not the one that was logged"));
        }
    }

    /// Compares the sums of the days with those that are kept.
    pub(in crate::journal) fn days(&mut self, sums: Sums, kept: impl IntoIterator<Item = DaySum>) {
        for day in sums.differing(kept) {
            self.flaw(format!("{day}: the sum of the day is not that of its items"));
        }
    }

    /// The rows and the terms of a run are those that it began with.
    pub(in crate::journal) fn run(&mut self, name: &str, found: &Terms, logged: &mut HashMap<String, Terms>) {
        match logged.remove(name) {
            None => self.flaw(format!("run {name}: the log does not know it")),
            Some(expected) if expected.rows_sha256 != found.rows_sha256 => {
                self.flaw(format!("run {name}: its rows are not those that it began with"));
            }
            Some(expected) if expected != *found => {
                self.flaw(format!("run {name}: its input or its caps are not those that it began with"));
            }
            Some(_) => {}
        }
    }

    /// What is left of the runs that the log knows.
    pub(in crate::journal) fn missing_runs(&mut self, logged: &HashMap<String, Terms>) {
        for name in logged.keys() {
            self.flaw(format!("run {name}: the log knows it, but the run is missing"));
        }
    }

    /// The item after one more of its entries; `None` if that cannot have happened, and nothing more can be said.
    pub(in crate::journal) fn fold(
        &mut self,
        before: Option<Item>,
        item: ItemId,
        (seq, at): (i64, Timestamp),
        data: &str,
    ) -> Option<Item> {
        let entry = match serde_json::from_str(data) {
            Ok(entry) => entry,
            Err(error) => {
                self.flaw(format!("entry {seq}: cannot be read: {error}"));
                return None;
            }
        };
        let after = match (before, &entry) {
            (None, Entry::Made(made)) => log::made(item, made, at),
            (None, Entry::Carried(carried)) => log::carried(item, carried, at),
            (None, _) => Err(log::Impossible::OutOfPlace("an item that was never made")),
            (Some(before), entry) => log::fold(before, entry, at),
        };
        after.map_err(|error| self.flaw(format!("entry {seq}: cannot have happened: {error}"))).ok()
    }
}

/// The first thing in which an item differs from its log: as it was found, and as it is logged.
fn difference(found: &Item, logged: &Item) -> (String, String) {
    let parts = |item: &Item| {
        [
            ("", item.state.to_string()),
            ("amount ", item.amount.to_string()),
            ("request id ", item.request_id.to_string()),
            ("attempts ", item.attempts.to_string()),
            ("reason ", item.reason.clone()),
            ("settled at ", item.settled_at.map(time::stored).unwrap_or_default()),
            ("something else ", format!("{item:?}")),
        ]
    };
    let differing = parts(found).into_iter().zip(parts(logged)).find(|(found, logged)| found != logged);
    let ((name, found), (_, logged)) = differing.unwrap_or_default();
    (format!("{name}{found}"), format!("{name}{logged}"))
}
