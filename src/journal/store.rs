//! The journal of a command, whichever store holds it: the one place that knows which there are.

mod together;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::check::Checked;
use super::history::{Asked, History, Overridden, PlanUse};
use super::joint::{Ask, Claimed};
use super::lane::{Lane, Reserved, Wanted};
use super::log::{Reopened, Ruled};
use super::past::Past;
use super::postgres::PostgresJournal;
use super::postgres::address::Address;
use super::proof::Proof;
use super::record::{
    Acceptance, Contradiction, DurableIntent, Finished, Head, InquiryResult, Intent, Item, ItemId, NewRun,
    OutcomeRecord, PlanRun, RowRecord, RunRecord,
};
use super::rules::{Late, TakenIn};
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
    /// A database that several hosts share.
    Postgres(PostgresJournal),
}

/// Where a journal is.
#[derive(Debug, Clone)]
pub enum Location {
    /// A file on this machine.
    File(PathBuf),
    /// A database on a server, and the folder in the project for what cannot be written to it.
    Server {
        /// The database.
        address: Box<Address>,
        /// The folder, in which this host also keeps how far the journal went.
        beside: PathBuf,
    },
}

impl Location {
    /// The file that it is, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server { .. } => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Server { address, .. } => write!(out, "{address}"),
        }
    }
}

/// Somebody who is at work on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// The run.
    pub run: RunId,
    /// The machine; `None` where only this one can be.
    pub host: Option<String>,
}

/// The same, asked of whichever store it is; the future of one that is reached over the network is large.
macro_rules! of_each {
    ($store:expr, $journal:ident => $asked:expr) => {
        match $store {
            Store::Sqlite($journal) => $asked.await,
            Store::Postgres($journal) => Box::pin($asked).await,
        }
    };
}

/// The same where only one of them has to wait for the answer.
macro_rules! at_once_or_later {
    ($store:expr, $journal:ident => $asked:expr) => {
        match $store {
            Store::Sqlite($journal) => $asked,
            Store::Postgres($journal) => Box::pin($asked).await,
        }
    };
}

impl Store {
    /// Opens the journal for a run; makes it if it is not there.
    ///
    /// # Errors
    /// [`JournalError::Held`] if another runner has it; [`JournalError::Unusable`] if it is not ours, not safe or damaged.
    pub async fn open(location: &Location) -> Result<Self, JournalError> {
        match location {
            Location::File(path) => SqliteJournal::open(path).map(Self::Sqlite),
            Location::Server { address, beside } => {
                Box::pin(PostgresJournal::open(address, beside)).await.map(Self::Postgres)
            }
        }
    }

    /// Opens an existing journal to look at it; `None` if there is none. Changes nothing.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours or damaged.
    pub async fn open_to_read(location: &Location) -> Result<Option<Self>, JournalError> {
        match location {
            Location::File(path) => Ok(SqliteJournal::open_to_read(path)?.map(Self::Sqlite)),
            Location::Server { address, beside } => {
                Ok(Box::pin(PostgresJournal::open_to_read(address, beside)).await?.map(Self::Postgres))
            }
        }
    }

    /// The same, but a damaged one is opened as well, to be checked.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours.
    pub async fn open_to_examine(location: &Location) -> Result<Option<Self>, JournalError> {
        match location {
            Location::File(path) => Ok(SqliteJournal::open_to_examine(path)?.map(Self::Sqlite)),
            Location::Server { .. } => Self::open_to_read(location).await,
        }
    }

    /// Whether a runner is at work on the journal, which this one has opened to look at it.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn is_held(&self, location: &Location) -> Result<bool, JournalError> {
        match (self, location) {
            (Self::Postgres(journal), _) => Ok(!journal.at_work().await?.is_empty()),
            (Self::Sqlite(_), Location::File(path)) => Ok(SqliteJournal::is_held(path)),
            (Self::Sqlite(_), Location::Server { .. }) => Ok(false),
        }
    }

    /// Who is at work on which run, as far as anybody can tell who has opened the journal to look at it: whoever holds a file is
    /// at work on its latest run, unless that has ended.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn at_work(&self, location: &Location) -> Result<Vec<Runner>, JournalError> {
        match self {
            Self::Postgres(journal) => Ok(journal
                .at_work()
                .await?
                .into_iter()
                .filter_map(|runner| Some(Runner { run: RunId::new(&runner.run?).ok()?, host: Some(runner.host) }))
                .collect()),
            Self::Sqlite(_) if !self.is_held(location).await? => Ok(Vec::new()),
            Self::Sqlite(journal) => {
                Ok(journal.unfinished().await?.into_iter().map(|run| Runner { run, host: None }).collect())
            }
        }
    }

    /// The runs on which others are at work than this program, where several may be.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn runs_of_others(&self) -> Result<Vec<String>, JournalError> {
        let Self::Postgres(journal) = self else { return Ok(Vec::new()) };
        Ok(journal.others_at_work().await?.into_iter().filter_map(|runner| runner.run).collect())
    }

    /// What the journal lacked when it was opened: its last writer knew more. `None` if nothing.
    #[must_use]
    pub const fn loss(&self) -> Option<Loss> {
        match self {
            Self::Sqlite(journal) => journal.loss(),
            Self::Postgres(journal) => journal.loss(),
        }
    }

    /// Compares the journal with its own log, to the last answer.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn check(&self) -> Result<Checked, JournalError> {
        at_once_or_later!(self, journal => journal.check())
    }

    /// Shows every answer from which something was concluded, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn proofs(&self, show: impl FnMut(&Proof)) -> Result<(), JournalError> {
        at_once_or_later!(self, journal => journal.proofs(show))
    }

    /// Whether the log holds an entry of this hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds(&self, head: &str) -> Result<bool, JournalError> {
        at_once_or_later!(self, journal => journal.holds(head))
    }

    /// Whether the log has an entry of that number and hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds_at(&self, seq: i64, head: &str) -> Result<bool, JournalError> {
        at_once_or_later!(self, journal => journal.holds_at(seq, head))
    }

    /// The runs that executed a saved plan, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError> {
        at_once_or_later!(self, journal => journal.runs_of_plan(digest))
    }

    /// The saved plan that a run executed; `None` if it made its own.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn plan_of(&self, run: &RunId) -> Result<Option<PlanUse>, JournalError> {
        at_once_or_later!(self, journal => journal.plan_of(run))
    }

    /// When the last request of a run left; `None` if none did.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn last_sent(&self, run: &RunId) -> Result<Option<Timestamp>, JournalError> {
        of_each!(self, journal => journal.last_sent(run))
    }

    /// The rows of a run with their items as they are now: at most `most` of them behind a row, in the order of the input.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn rows_behind(&self, run: &RunId, behind: u64, most: u32) -> Result<Vec<RowRecord>, JournalError> {
        of_each!(self, journal => journal.rows_behind(run, behind, most))
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
        of_each!(self, journal => journal.times(run, add))
    }

    /// Writes a consistent copy to a new file, while a runner may be at work, and checks the copy.
    ///
    /// # Errors
    /// The file exists, cannot be written, or the copy is not whole; nothing stays behind then.
    pub fn backup(&self, to: &Path) -> Result<Checked, JournalError> {
        match self {
            Self::Sqlite(journal) => journal.backup(to),
            Self::Postgres(_) => Err(JournalError::Unusable {
                path: to.display().to_string(),
                reason:
                    "a shared journal is backed up by its server (pg_basebackup, pg_dump), or copied into a file with \
                         rekon journal copy"
                        .to_owned(),
            }),
        }
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
        of_each!(self, journal => journal.past(account, run, reach, now))
    }

    /// What guards compare a plan with.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history(&self, account: &Account, asked: Asked) -> Result<History, JournalError> {
        of_each!(self, journal => journal.history(account, asked))
    }

    /// Takes in an outcome that could not be written when it came.
    ///
    /// # Errors
    /// It is of another journal, or cannot be written.
    pub async fn take_in(&self, late: Late) -> Result<TakenIn, JournalError> {
        of_each!(self, journal => journal.take_in(late))
    }

    /// The guards that were loosened for a run.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn overrides(&self, run: &RunId) -> Result<Vec<Overridden>, JournalError> {
        of_each!(self, journal => journal.overrides(run))
    }
}

impl Journal for Store {
    async fn begin_run(&self, run: NewRun) -> Result<RunId, JournalError> {
        of_each!(self, journal => journal.begin_run(run))
    }

    fn may_send(&self) -> bool {
        match self {
            Self::Sqlite(journal) => journal.may_send(),
            Self::Postgres(journal) => journal.may_send(),
        }
    }

    async fn record_intent(&self, intent: Intent) -> Result<DurableIntent, JournalError> {
        of_each!(self, journal => journal.record_intent(intent))
    }

    async fn record_outcome(&self, record: OutcomeRecord) -> Result<State, JournalError> {
        of_each!(self, journal => journal.record_outcome(record))
    }

    async fn record_inquiry(&self, inquiry: InquiryResult) -> Result<State, JournalError> {
        of_each!(self, journal => journal.record_inquiry(inquiry))
    }

    async fn give_up(&self, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
        of_each!(self, journal => journal.give_up(item, at))
    }

    async fn recover(&self, at: Timestamp) -> Result<u64, JournalError> {
        of_each!(self, journal => journal.recover(at))
    }

    async fn stop_run(&self, run: RunId, why: String, at: Timestamp) -> Result<(), JournalError> {
        of_each!(self, journal => journal.stop_run(run, why, at))
    }

    async fn finish_run(&self, finished: Finished) -> Result<(), JournalError> {
        of_each!(self, journal => journal.finish_run(finished))
    }

    async fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> Result<HashMap<InvoiceNumber, Item>, JournalError> {
        of_each!(self, journal => journal.known(account, invoices))
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.items_in(account, job, states))
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        of_each!(self, journal => journal.rows(run))
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        of_each!(self, journal => journal.runs())
    }

    async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.doubts())
    }

    async fn latest_items(
        &self,
        environment: Environment,
        client_id: &ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.latest_items(environment, client_id, after, most))
    }

    async fn refusals(&self, account: &Account) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.refusals(account))
    }

    async fn story(&self, invoice: &InvoiceNumber) -> Result<Story, JournalError> {
        of_each!(self, journal => journal.story(invoice))
    }

    async fn contradict(&self, contradiction: Contradiction) -> Result<State, JournalError> {
        of_each!(self, journal => journal.contradict(contradiction))
    }

    async fn rule(&self, item: ItemId, ruled: Ruled, at: Timestamp) -> Result<State, JournalError> {
        of_each!(self, journal => journal.rule(item, ruled, at))
    }

    async fn reopen(&self, items: Vec<ItemId>, reopened: Reopened, at: Timestamp) -> Result<Vec<Item>, JournalError> {
        of_each!(self, journal => journal.reopen(items, reopened, at))
    }

    async fn horizon(&self, run: &RunId) -> Result<Option<Duration>, JournalError> {
        of_each!(self, journal => journal.horizon(run))
    }

    async fn accept(&self, acceptance: Acceptance, at: Timestamp) -> Result<(), JournalError> {
        of_each!(self, journal => journal.accept(acceptance, at))
    }

    async fn lost_since(&self) -> Result<Option<Timestamp>, JournalError> {
        of_each!(self, journal => journal.lost_since())
    }

    async fn head(&self) -> Result<Option<Head>, JournalError> {
        of_each!(self, journal => journal.head())
    }

    async fn claim(&self, ask: Ask) -> Result<Claimed, JournalError> {
        of_each!(self, journal => journal.claim(ask))
    }

    async fn reserve(&self, lane: &Lane, wanted: Wanted) -> Result<Reserved, JournalError> {
        of_each!(self, journal => journal.reserve(lane, wanted))
    }

    async fn hold(&self, lane: &Lane, wait: Duration) -> Result<(), JournalError> {
        of_each!(self, journal => journal.hold(lane, wait))
    }
}
