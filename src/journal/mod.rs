//! The journal: what is known about every item, durable before anything is sent, outliving every run.
//!
//! [`state`] is the state machine and [`identity`] the derived keys; both are pure. [`Journal`] is the seam to a store,
//! [`sqlite`] the embedded one. An item is one (environment, client, operation, invoice, generation); it comes into
//! being with its first intent. A [`DurableIntent`] can be made in this room only, after the commit, and nothing can be
//! sent without one.

pub mod identity;
pub mod record;
pub mod sqlite;
pub mod state;

use std::collections::HashMap;
use std::future::Future;

use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RunId};
use crate::model::operation::Operation;
use crate::model::time::Timestamp;
use record::{
    Attempt, DurableIntent, Finished, InquiryResult, Intent, Item, ItemId, NewRun, OutcomeRecord, RowRecord, RunRecord,
};
use state::State;

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
    /// A write did not become durable; nothing more is sent after this.
    #[error("the journal could not be written: {0}")]
    Write(String),
    /// A read failed.
    #[error("the journal could not be read: {0}")]
    Read(String),
    /// Another item for the same operation and invoice is live or done.
    #[error("the invoice is taken by another item")]
    Taken,
    /// The state machine does not allow it.
    #[error(transparent)]
    Illegal(#[from] state::Illegal),
}

/// A durable store of items, attempts and evidence. Writes return when they would survive a power cut.
pub trait Journal: Send + Sync + 'static {
    /// Starts a run: its name and all its rows, durable in one transaction.
    fn begin_run(&self, run: NewRun) -> impl Future<Output = Result<RunId, JournalError>> + Send;

    /// Makes an intent durable: first for a new item, again for a resend of the same key and body.
    fn record_intent(&self, intent: Intent) -> impl Future<Output = Result<DurableIntent, JournalError>> + Send;

    /// Closes an attempt with what it proved; returns the item's new state.
    fn record_outcome(&self, record: OutcomeRecord) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Records a status inquiry and what it proved; returns the item's new state.
    fn record_inquiry(&self, inquiry: InquiryResult) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Hands an unknown item over to a person.
    fn give_up(&self, item: ItemId, at: Timestamp) -> impl Future<Output = Result<State, JournalError>> + Send;

    /// Marks what a stopped program left open as unknown; returns how many.
    fn recover(&self, at: Timestamp) -> impl Future<Output = Result<u64, JournalError>> + Send;

    /// Ends a run.
    fn finish_run(&self, finished: Finished) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// The latest items of an account for these invoices.
    fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> impl Future<Output = Result<HashMap<InvoiceNumber, Item>, JournalError>> + Send;

    /// The items of a job that are in one of these states, whatever run left them there.
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

    /// All items for an invoice, with their attempts in order.
    fn history(
        &self,
        invoice: &InvoiceNumber,
    ) -> impl Future<Output = Result<Vec<(Item, Vec<Attempt>)>, JournalError>> + Send;
}
