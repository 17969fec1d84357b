//! The journal: what is known about every item, durable before anything is sent, outliving every run.
//!
//! [`state`] is the state machine, [`identity`] the derived keys and [`log`] the event log, of which every item is the sum; all
//! pure; [`rules`] is what changes them, and when it is refused. An item is one (environment, client, operation, invoice,
//! generation); it comes into being with its first intent. A [`DurableIntent`] can be made in this room only, after the commit,
//! and nothing can be sent without one.
//!
//! [`Journal`] is the seam to a store. There are two, with these same rules: [`sqlite`], a file that one program holds, and
//! [`postgres`], which several hosts share; [`store`] is whichever of them a command has opened. Where both do the same thing,
//! their files have the same name. [`history`] is what guards ask about what was done before, [`past`] what the pace asks, [`joint`] a
//! run on which several runners work, and [`memo`] how a journal is noticed that lacks what it held.

pub mod cause;
pub mod check;
#[cfg(test)]
mod conformance;
pub mod history;
pub mod identity;
pub mod joint;
pub mod lane;
pub mod log;
mod memo;
pub mod moving;
pub mod past;
pub mod postgres;
pub mod proof;
mod raw;
pub mod record;
mod rules;
pub mod ruling;
pub mod sqlite;
pub mod state;
pub mod store;
pub mod story;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RunId};
use crate::model::listing::Unread;
use crate::model::operation::Operation;
use crate::model::time::{self, Timestamp};
use joint::{Ask, Claimed};
use lane::{Lane, Reserved, Wanted};
use log::{Reopened, Ruled};
use record::{
    Acceptance, Contradiction, DurableIntent, Finished, Head, InquiryResult, Intent, Item, ItemId, NewRun,
    OutcomeRecord, RowRecord, RunRecord,
};
pub use rules::{Late, TakenIn};
use state::State;
use story::Story;

/// Whose items, and of which operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Simulator, sandbox or production.
    pub environment: Environment,
    /// The merchant's account.
    pub client_id: ClientId,
    /// The operation.
    pub operation: Operation,
}

/// Why the journal cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Another program holds it.
    #[error("{path}: another runner holds the journal")]
    Held {
        /// The journal.
        path: String,
    },
    /// It cannot be opened or is not ours.
    #[error("{path}: {reason}")]
    Unusable {
        /// The journal.
        path: String,
        /// Why.
        reason: String,
    },
    /// Its disk is full, and nobody can open it before there is room; nothing is wrong with it.
    #[error(
        "{path}: its disk is full, and without room the journal cannot be opened; what is in it is untouched\n  \
         hint: make room on that disk, then type the same again; do not put back a backup for it"
    )]
    NoRoom {
        /// The journal.
        path: String,
    },
    /// It was made by an earlier version of this program; whoever opens it to write carries it over.
    #[error(
        "{path}: its tables have version {version}; the next run, or rekon resolve JOB, carries it over to {newest}"
    )]
    Older {
        /// The journal.
        path: String,
        /// Of its tables.
        version: i32,
        /// Of this program's.
        newest: i32,
    },
    /// A write did not become durable; nothing more is sent after this.
    #[error("the journal could not be written: {0}")]
    Write(String),
    /// The disk is full. Nothing more is sent, but what was under way is kept.
    #[error("the journal's disk is full: make room, then run the job again")]
    Full,
    /// The server that holds it is out of reach. Nothing more is sent.
    #[error("{0}")]
    Away(String),
    /// The same, for what came back for a request: that is kept beside the job, and the next run of the job takes it in. With
    /// every other error it is kept nowhere.
    #[error("{0}")]
    KeptAside(String),
    /// This runner was not heard of for longer than its lease, and others have taken over. Nothing more is sent.
    #[error(
        "this runner was not heard of for longer than its lease, and counts as lost: others take over what it had in hand"
    )]
    Fenced,
    /// The database was put back, or failed over to a copy that lagged behind, while we were at work. Nothing more is sent; what
    /// was under way is kept beside the job.
    #[error(
        "the shared journal lacks what this runner has read or written there: the database was put back, or failed over to a copy \
         that lacked it"
    )]
    Behind,
    /// The rows of a run that is to begin cannot be read any more: it is not begun, and the journal is well.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// A plan is used once.
    #[error("the plan was executed by run {0} already")]
    PlanUsed(String),
    /// A read failed.
    #[error("the journal could not be read: {0}")]
    Read(String),
    /// The intent would break a cap of its business day; nothing was sent for it.
    #[error("the journal refuses the next order by guards.{0}")]
    Capped(String),
    /// Another item for the same operation and invoice is live or done.
    #[error("the invoice is taken by another item")]
    Taken,
    /// The state machine does not allow it.
    #[error(transparent)]
    Impossible(#[from] log::Impossible),
}

/// What a journal lacks that its last writer had: it was deleted, or restored from an old copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Nothing before this is missing.
    pub since: Timestamp,
    /// The last entry that is missing.
    pub until: Timestamp,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "entries from {} to {} are missing", time::wire(self.since), time::wire(self.until))
    }
}

/// A durable store of items, attempts and evidence. Writes return when they would survive a power cut.
pub trait Journal: Send + Sync + 'static {
    /// Starts a run: its name and all its rows, durable in one transaction.
    fn begin_run(&self, run: NewRun) -> impl Future<Output = Result<RunId, JournalError>> + Send;

    /// Whether a request may leave now. A runner of a shared journal whose lease runs out knows it by its own clock: others
    /// take over what it has in hand, and it sends nothing more.
    fn may_send(&self) -> bool;

    /// Makes an intent durable: first for a new item, again for a resend of the same key and body.
    fn record_intent(&self, intent: Intent) -> impl Future<Output = Result<DurableIntent, JournalError>> + Send;

    /// Closes an attempt with what it proved; returns the item's new state. An answer that cannot be written is lost, unless the
    /// error is [`JournalError::KeptAside`].
    fn record_outcome(&self, record: OutcomeRecord) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Records a status inquiry and what it proved; returns the item's new state.
    fn record_inquiry(&self, inquiry: InquiryResult) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Hands an unknown item over to a person.
    fn give_up(&self, item: ItemId, at: Timestamp) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Marks what a stopped program left open as unknown; returns how many.
    fn recover(&self, at: Timestamp) -> impl Future<Output = Result<u64, JournalError>> + Send;

    /// Notes that a run stopped for the provider's sake, and why in one word.
    fn stop_run(&self, run: RunId, why: String, at: Timestamp)
    -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Ends a run.
    fn finish_run(&self, finished: Finished) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// The latest items of an account for these invoices.
    fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> impl Future<Output = Result<HashMap<InvoiceNumber, Item>, JournalError>> + Send;

    /// The items of a job that are in one of these states, none of which is an end, whatever run left them there.
    fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> impl Future<Output = Result<Vec<Item>, JournalError>> + Send;

    /// The rows of a run with their items as they are now, in the order of the input.
    fn rows(&self, run: &RunId) -> impl Future<Output = Result<Vec<RowRecord>, JournalError>> + Send;

    /// All runs, the newest first.
    fn runs(&self) -> impl Future<Output = Result<Vec<RunRecord>, JournalError>> + Send;

    /// Items in doubt of all jobs, the oldest first.
    fn doubts(&self) -> impl Future<Output = Result<Vec<Item>, JournalError>> + Send;

    /// The latest generation of everything that was done for a merchant, whatever the operation, in the order of the items:
    /// at most `most` of them behind one.
    fn latest_items(
        &self,
        environment: Environment,
        client_id: &ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> impl Future<Output = Result<Vec<Item>, JournalError>> + Send;

    /// Items of an account whose refusal is proved or ruled and that were not reopened, the oldest first.
    fn refusals(&self, account: &Account) -> impl Future<Output = Result<Vec<Item>, JournalError>> + Send;

    /// Everything known about an invoice.
    fn story(&self, invoice: &InvoiceNumber) -> impl Future<Output = Result<Story, JournalError>> + Send;

    /// Records that a verified notification contradicts what is known of an item; once per status.
    fn contradict(&self, contradiction: Contradiction) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Records a person's ruling; an unknown item is handed over first.
    fn rule(
        &self,
        item: ItemId,
        ruled: Ruled,
        at: Timestamp,
    ) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Makes the next generations of refused items, to be sent by the next run: of all of them, or of none.
    fn reopen(
        &self,
        items: Vec<ItemId>,
        reopened: Reopened,
        at: Timestamp,
    ) -> impl Future<Output = Result<Vec<Item>, JournalError>> + Send;

    /// The horizon of the job as it was in a run; `None` if the run is not known.
    fn horizon(&self, run: &RunId) -> impl Future<Output = Result<Option<Duration>, JournalError>> + Send;

    /// Records that the work goes on with a journal that lacks entries, or is ahead of the clock. If a person says so, every
    /// unknown item comes before a person too: nobody knows how long ago it was first sent.
    fn accept(&self, acceptance: Acceptance, at: Timestamp) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Since when entries may be missing without a person having accepted it; `None` if none are.
    fn lost_since(&self) -> impl Future<Output = Result<Option<Timestamp>, JournalError>> + Send;

    /// The last entry of the log; `None` while it is empty.
    fn head(&self) -> impl Future<Output = Result<Option<Head>, JournalError>> + Send;

    /// Claims a part of a joint run. What one program holds alone is no joint run: it has claimed all of it.
    fn claim(&self, ask: Ask) -> impl Future<Output = Result<Claimed, JournalError>> + Send {
        let _ = ask;
        std::future::ready(Ok(Claimed::Over))
    }

    /// Reserves places for calls in a lane. A journal that one program holds alone has nothing to share.
    fn reserve(&self, lane: &Lane, wanted: Wanted) -> impl Future<Output = Result<Reserved, JournalError>> + Send {
        let _ = (lane, wanted);
        std::future::ready(Ok(Reserved::Alone))
    }

    /// Keeps a lane empty for a time that the provider has asked for, whoever wants to make the next call, and lowers its rate.
    fn hold(&self, lane: &Lane, wait: Duration) -> impl Future<Output = Result<(), JournalError>> + Send {
        let _ = (lane, wait);
        std::future::ready(Ok(()))
    }
}
