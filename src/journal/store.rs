//! The journal of a command, whichever store holds it: the one place that knows which there are.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::check::Checked;
use super::history::{Asked, History, Overridden, PlanUse};
use super::log::{Reopened, Ruled};
use super::past::Past;
use super::proof::Proof;
use super::record::{
    Acceptance, Contradiction, DurableIntent, Finished, Head, InquiryResult, Intent, Item, ItemId, NewRun,
    OutcomeRecord, PlanRun, RowRecord, RunRecord,
};
use super::sqlite::SqliteJournal;
use super::state::State;
use super::story::Story;
use super::{Account, Journal, JournalError, Loss};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RunId};
use crate::model::time::Timestamp;

/// A journal that is open.
pub enum Store {
    /// One file on this machine, held by one runner at a time.
    Sqlite(SqliteJournal),
}

/// The same, asked of whichever store it is.
macro_rules! of_each {
    ($store:expr, $journal:ident => $asked:expr) => {
        match $store {
            Store::Sqlite($journal) => $asked,
        }
    };
}

#[expect(clippy::unused_async, reason = "a store that is reached over the network waits for every answer")]
impl Store {
    /// Opens the journal for a run; makes it if it is not there.
    ///
    /// # Errors
    /// [`JournalError::Held`] if another runner has it; [`JournalError::Unusable`] if it is not ours, not safe or damaged.
    pub async fn open(path: &Path) -> Result<Self, JournalError> {
        SqliteJournal::open(path).map(Self::Sqlite)
    }

    /// Opens an existing journal to look at it; `None` if there is none. Changes nothing.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours or damaged.
    pub async fn open_to_read(path: &Path) -> Result<Option<Self>, JournalError> {
        Ok(SqliteJournal::open_to_read(path)?.map(Self::Sqlite))
    }

    /// The same, but a damaged one is opened as well, to be checked.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours.
    pub async fn open_to_examine(path: &Path) -> Result<Option<Self>, JournalError> {
        Ok(SqliteJournal::open_to_examine(path)?.map(Self::Sqlite))
    }

    /// What the journal lacked when it was opened: its last writer knew more. `None` if nothing.
    #[must_use]
    pub const fn loss(&self) -> Option<Loss> {
        of_each!(self, journal => journal.loss())
    }

    /// Compares the journal with its own log, to the last answer.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn check(&self) -> Result<Checked, JournalError> {
        of_each!(self, journal => journal.check())
    }

    /// Shows every answer from which something was concluded, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn proofs(&self, show: impl FnMut(&Proof)) -> Result<(), JournalError> {
        of_each!(self, journal => journal.proofs(show))
    }

    /// Whether the log holds an entry of this hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds(&self, head: &str) -> Result<bool, JournalError> {
        of_each!(self, journal => journal.holds(head))
    }

    /// Whether the log has an entry of that number and hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds_at(&self, seq: i64, head: &str) -> Result<bool, JournalError> {
        of_each!(self, journal => journal.holds_at(seq, head))
    }

    /// The runs that executed a saved plan, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError> {
        of_each!(self, journal => journal.runs_of_plan(digest))
    }

    /// The saved plan that a run executed; `None` if it made its own.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn plan_of(&self, run: &RunId) -> Result<Option<PlanUse>, JournalError> {
        of_each!(self, journal => journal.plan_of(run))
    }

    /// The rows of a run with their items as they are now: at most `most` of them behind a row, in the order of the input.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn rows_behind(&self, run: &RunId, behind: u64, most: u32) -> Result<Vec<RowRecord>, JournalError> {
        of_each!(self, journal => journal.rows_behind(run, behind, most).await)
    }

    /// Adds up when each request of the latest run was sent, and when its answer came; another run has none.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn times<T: Default + Send + 'static>(
        &self,
        run: &RunId,
        add: fn(&mut T, Timestamp, Option<Timestamp>),
    ) -> Result<T, JournalError> {
        of_each!(self, journal => journal.times(run, add).await)
    }

    /// Writes a consistent copy to a new file, while a runner may be at work, and checks the copy.
    ///
    /// # Errors
    /// The file exists, cannot be written, or the copy is not whole; nothing stays behind then.
    pub async fn backup(&self, to: &Path) -> Result<Checked, JournalError> {
        of_each!(self, journal => journal.backup(to))
    }

    /// What is known of the calls of an account before a run, whatever the operation and the job: those of the last `memory`,
    /// `most` of them, and what may still hold everybody back.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn past(
        &self,
        account: &Account,
        run: &RunId,
        reach: (Duration, usize),
        now: Timestamp,
    ) -> Result<Past, JournalError> {
        of_each!(self, journal => journal.past(account, run, reach, now).await)
    }

    /// What guards compare a plan with.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history(&self, account: &Account, asked: Asked) -> Result<History, JournalError> {
        of_each!(self, journal => journal.history(account, asked).await)
    }

    /// The guards that were loosened for a run.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn overrides(&self, run: &RunId) -> Result<Vec<Overridden>, JournalError> {
        of_each!(self, journal => journal.overrides(run).await)
    }
}

impl Journal for Store {
    async fn begin_run(&self, run: NewRun) -> Result<RunId, JournalError> {
        of_each!(self, journal => journal.begin_run(run).await)
    }

    async fn record_intent(&self, intent: Intent) -> Result<DurableIntent, JournalError> {
        of_each!(self, journal => journal.record_intent(intent).await)
    }

    async fn record_outcome(&self, record: OutcomeRecord) -> Result<State, JournalError> {
        of_each!(self, journal => journal.record_outcome(record).await)
    }

    async fn record_inquiry(&self, inquiry: InquiryResult) -> Result<State, JournalError> {
        of_each!(self, journal => journal.record_inquiry(inquiry).await)
    }

    async fn give_up(&self, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
        of_each!(self, journal => journal.give_up(item, at).await)
    }

    async fn recover(&self, at: Timestamp) -> Result<u64, JournalError> {
        of_each!(self, journal => journal.recover(at).await)
    }

    async fn stop_run(&self, run: RunId, why: String, at: Timestamp) -> Result<(), JournalError> {
        of_each!(self, journal => journal.stop_run(run, why, at).await)
    }

    async fn finish_run(&self, finished: Finished) -> Result<(), JournalError> {
        of_each!(self, journal => journal.finish_run(finished).await)
    }

    async fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> Result<HashMap<InvoiceNumber, Item>, JournalError> {
        of_each!(self, journal => journal.known(account, invoices).await)
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.items_in(account, job, states).await)
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        of_each!(self, journal => journal.rows(run).await)
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        of_each!(self, journal => journal.runs().await)
    }

    async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.doubts().await)
    }

    async fn latest_items(
        &self,
        environment: Environment,
        client_id: &ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.latest_items(environment, client_id, after, most).await)
    }

    async fn refusals(&self, account: &Account) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.refusals(account).await)
    }

    async fn story(&self, invoice: &InvoiceNumber) -> Result<Story, JournalError> {
        of_each!(self, journal => journal.story(invoice).await)
    }

    async fn contradict(&self, contradiction: Contradiction) -> Result<State, JournalError> {
        of_each!(self, journal => journal.contradict(contradiction).await)
    }

    async fn rule(&self, item: ItemId, ruled: Ruled, at: Timestamp) -> Result<State, JournalError> {
        of_each!(self, journal => journal.rule(item, ruled, at).await)
    }

    async fn reopen(&self, items: Vec<ItemId>, reopened: Reopened, at: Timestamp) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.reopen(items, reopened, at).await)
    }

    async fn horizon(&self, run: &RunId) -> Result<Option<Duration>, JournalError> {
        of_each!(self, journal => journal.horizon(run).await)
    }

    async fn accept(&self, acceptance: Acceptance, at: Timestamp) -> Result<(), JournalError> {
        of_each!(self, journal => journal.accept(acceptance, at).await)
    }

    async fn lost_since(&self) -> Result<Option<Timestamp>, JournalError> {
        of_each!(self, journal => journal.lost_since().await)
    }

    async fn head(&self) -> Result<Option<Head>, JournalError> {
        of_each!(self, journal => journal.head().await)
    }
}
