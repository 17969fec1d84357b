//! What a rule sees of the journal while it writes. Everything read here is true until the end of the transaction, for one
//! writer writes at a time.

use std::sync::Arc;

use super::evidence::Evidence;
use crate::journal::history::DayCaps;
use crate::journal::identity::Identity;
use crate::journal::log::Entry;
use crate::journal::record::{AttemptId, Finished, Item, ItemId, NewRun, PlanRun};
use crate::journal::{Account, JournalError};
use crate::model::ids::{RequestId, RunId};
use crate::model::money::Tally;
use crate::model::outcome::Facts;
use crate::model::time::Timestamp;

/// A store in the middle of a transaction.
pub(in crate::journal) trait Desk {
    /// An item as it is.
    fn load(&self, item: ItemId) -> Result<Item, JournalError>;

    /// The item of an identity, if there is one.
    fn find(&self, identity: &Identity) -> Result<Option<Item>, JournalError>;

    /// The bytes that every attempt of an item sends.
    fn body(&self, item: ItemId) -> Result<Vec<u8>, JournalError>;

    /// The item of an attempt that ends now.
    fn item_of(&self, attempt: AttemptId) -> Result<Item, JournalError>;

    /// An attempt with its item, whether it has ended or not; `None`: there is none of that number.
    fn attempt(&self, attempt: AttemptId) -> Result<Option<(Item, Standing)>, JournalError>;

    /// The item whose requests have this key.
    fn of_key(&self, request_id: &str) -> Result<Option<Item>, JournalError>;

    /// Whether the log has an entry about an item with this answer.
    fn knows_answer(&self, item: ItemId, sha256: &str) -> Result<bool, JournalError>;

    /// What a run began with.
    fn began(&self, run: &RunId) -> Result<Began, JournalError>;

    /// What an account has begun on the business day of a time.
    fn begun(&self, account: &Account, at: Timestamp) -> Result<Tally, JournalError>;

    /// The attempts without an end whose runner is at work no more, in their order.
    fn left_open(&self) -> Result<Vec<(AttemptId, ItemId)>, JournalError>;

    /// All items in doubt, in their order.
    fn in_doubt(&self) -> Result<Vec<Item>, JournalError>;

    /// Whether a notification of that status contradicted the item before.
    fn was_contradicted(&self, item: ItemId, status: &str) -> Result<bool, JournalError>;

    /// The runs that executed a saved plan, the oldest first.
    fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError>;

    /// Writes a run and all its rows; returns its name and the SHA-256 over the rows.
    fn insert_run(&self, run: &NewRun) -> Result<(RunId, String), JournalError>;

    /// Writes the end of a run.
    fn end_run(&self, finished: &Finished) -> Result<(), JournalError>;

    /// The number of the next item.
    fn next_item(&self) -> Result<ItemId, JournalError>;

    /// Writes a new item.
    ///
    /// # Errors
    /// [`JournalError::Taken`] if its identity, or its order, has one already that is live or done.
    fn insert(&self, item: &Item, body: &[u8]) -> Result<(), JournalError>;

    /// Writes what has changed of an item.
    fn update(&self, before: &Item, after: &Item) -> Result<(), JournalError>;

    /// Gives an item of which no request ever left other bytes to send.
    fn replace_body(&self, item: ItemId, body: &[u8], sha256: &str) -> Result<(), JournalError>;

    /// Counts an item on the day on which it was begun, or takes it away again.
    fn count(&self, item: &Item, by: i64) -> Result<(), JournalError>;

    /// Makes an attempt of an item, of which nothing has come back.
    fn open_attempt(&self, item: &Item, run: &RunId, at: Timestamp) -> Result<AttemptId, JournalError>;

    /// Writes how an attempt ended.
    fn end_attempt(&self, attempt: AttemptId, end: &Ended<'_>) -> Result<(), JournalError>;

    /// Writes an attempt that has ended already.
    fn add_ended(&self, attempt: &Asked<'_>, end: &Ended<'_>) -> Result<AttemptId, JournalError>;

    /// Adds an entry to the log.
    fn append(&self, at: Timestamp, item: Option<ItemId>, entry: &Entry) -> Result<(), JournalError>;
}

/// What every intent asks its run for.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Began {
    pub(in crate::journal) job: Arc<str>,
    pub(in crate::journal) caps: DayCaps,
}

/// What is known of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Standing {
    /// Nothing has come back.
    Open,
    /// It has ended.
    Ended,
}

/// An attempt that is written when it has ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Asked<'a> {
    pub(in crate::journal) item: ItemId,
    pub(in crate::journal) run: &'a RunId,
    pub(in crate::journal) kind: &'static str,
    pub(in crate::journal) request_id: &'a RequestId,
    pub(in crate::journal) sent_at: Timestamp,
}

/// The end of an attempt, as it is kept.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Ended<'a> {
    pub(in crate::journal) at: Timestamp,
    pub(in crate::journal) outcome: &'a str,
    pub(in crate::journal) reason: &'a str,
    pub(in crate::journal) facts: &'a Arc<Facts>,
    pub(in crate::journal) answer: Evidence<'a>,
}
