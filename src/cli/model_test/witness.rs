//! The real journal, with a witness who remembers what it has promised: an outcome that it took must be there for ever.
//!
//! Virtual time stands still while the journal writes, for its thread works in real time.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::time::Steps;
use crate::journal::log::{Reopened, Ruled};
use crate::journal::record::{
    Acceptance, AttemptId, Contradiction, DurableIntent, Finished, Head, InquiryResult, Intent, Item, ItemId, NewRun,
    OutcomeRecord, RowRecord, RunRecord,
};
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::story::Story;
use crate::journal::{Account, Journal, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RunId};
use crate::model::time::Timestamp;

/// What the journal has promised about one item.
#[derive(Debug, Clone, Default)]
pub(super) struct Promise {
    /// Outcomes of requests that it took.
    pub(super) outcomes: i64,
    /// The last state that it told.
    pub(super) state: Option<State>,
}

/// Promises by Request-Id.
pub(super) type Promises = Arc<Mutex<HashMap<String, Promise>>>;

/// A run's journal.
pub(super) struct Witness {
    journal: Arc<Store>,
    steps: Steps,
    promises: Promises,
    /// The items of the attempts under way.
    under_way: Mutex<HashMap<AttemptId, String>>,
}

impl Witness {
    pub(super) fn new(journal: Arc<Store>, steps: Steps, promises: Promises) -> Self {
        Self { journal, steps, promises, under_way: Mutex::default() }
    }

    /// A write, with a step before and after it.
    async fn write<T: Send + 'static, F: Future<Output = Result<T, JournalError>>>(
        &self,
        write: impl FnOnce(Arc<Store>) -> F + Send + 'static,
    ) -> Result<T, JournalError> {
        self.steps.step().await;
        let (journal, runtime) = (Arc::clone(&self.journal), tokio::runtime::Handle::current());
        // Tokio's paused clock does not go on while a blocking task is at work.
        let written = tokio::task::spawn_blocking(move || runtime.block_on(write(journal))).await;
        self.steps.step().await;
        written.expect("a write does not panic")
    }
}

impl Journal for Witness {
    fn may_send(&self) -> bool {
        self.journal.may_send()
    }

    async fn record_intent(&self, intent: Intent) -> Result<DurableIntent, JournalError> {
        let durable = self.write(|journal| async move { journal.record_intent(intent).await }).await?;
        self.under_way.lock().unwrap().insert(durable.attempt(), durable.item().request_id.to_string());
        Ok(durable)
    }

    async fn record_outcome(&self, record: OutcomeRecord) -> Result<State, JournalError> {
        let attempt = record.attempt;
        let state = self.write(|journal| async move { journal.record_outcome(record).await }).await?;
        let request_id = self.under_way.lock().unwrap().remove(&attempt).expect("an outcome has an intent");
        let mut promises = self.promises.lock().unwrap();
        let promise = promises.entry(request_id).or_default();
        promise.outcomes += 1;
        promise.state = Some(state);
        Ok(state)
    }

    async fn record_inquiry(&self, inquiry: InquiryResult) -> Result<State, JournalError> {
        self.write(|journal| async move { journal.record_inquiry(inquiry).await }).await
    }

    async fn give_up(&self, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
        self.write(move |journal| async move { journal.give_up(item, at).await }).await
    }

    async fn begin_run(&self, run: NewRun) -> Result<RunId, JournalError> {
        self.write(|journal| async move { journal.begin_run(run).await }).await
    }

    async fn recover(&self, at: Timestamp) -> Result<u64, JournalError> {
        self.write(move |journal| async move { journal.recover(at).await }).await
    }

    async fn stop_run(&self, run: RunId, why: String, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |journal| async move { journal.stop_run(run, why, at).await }).await
    }

    async fn finish_run(&self, finished: Finished) -> Result<(), JournalError> {
        self.write(|journal| async move { journal.finish_run(finished).await }).await
    }

    async fn contradict(&self, contradiction: Contradiction) -> Result<State, JournalError> {
        self.write(|journal| async move { journal.contradict(contradiction).await }).await
    }

    async fn rule(&self, item: ItemId, ruled: Ruled, at: Timestamp) -> Result<State, JournalError> {
        self.write(move |journal| async move { journal.rule(item, ruled, at).await }).await
    }

    async fn reopen(&self, items: Vec<ItemId>, reopened: Reopened, at: Timestamp) -> Result<Vec<Item>, JournalError> {
        self.write(move |journal| async move { journal.reopen(items, reopened, at).await }).await
    }

    async fn horizon(&self, run: &RunId) -> Result<Option<Duration>, JournalError> {
        self.journal.horizon(run).await
    }

    async fn accept(&self, acceptance: Acceptance, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |journal| async move { journal.accept(acceptance, at).await }).await
    }

    async fn lost_since(&self) -> Result<Option<Timestamp>, JournalError> {
        self.journal.lost_since().await
    }

    async fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> Result<HashMap<InvoiceNumber, Item>, JournalError> {
        self.journal.known(account, invoices).await
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        self.journal.items_in(account, job, states).await
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        self.journal.rows(run).await
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        self.journal.runs().await
    }

    async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        self.journal.doubts().await
    }

    async fn latest_items(
        &self,
        environment: Environment,
        client_id: &ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> Result<Vec<Item>, JournalError> {
        self.journal.latest_items(environment, client_id, after, most).await
    }

    async fn refusals(&self, account: &Account) -> Result<Vec<Item>, JournalError> {
        self.journal.refusals(account).await
    }

    async fn story(&self, invoice: &InvoiceNumber) -> Result<Story, JournalError> {
        self.journal.story(invoice).await
    }

    async fn head(&self) -> Result<Option<Head>, JournalError> {
        self.journal.head().await
    }
}
