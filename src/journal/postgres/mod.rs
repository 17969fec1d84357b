//! The journal that several hosts share: tables in PostgreSQL, one writer at a time by the lock on the log's head.
//!
//! [`address`] is where it is and how it is reached, [`mod@connect`] the connections and what a server must be set to, and
//! [`mod@open`] what is refused before anything is done. [`schema`] is the tables and [`guards`] what nobody may do to them;
//! [`mod@migrate`] makes them and carries them over, and [`intact`] looks whether their guards are there.
//!
//! A group of changes goes through [`writer`]: [`needs`] reads what it is about, [`sheet`] is where the [rules](super::rules) run,
//! [`flush`] writes what they came to; [`begin`] is a run that begins, and [`emergency`] keeps what cannot be written. [`lease`] is
//! who is at work, and whose writes are refused; [`joint`] is what they share of a run, [`limiter`] of the pace, and [`together`]
//! asks for both.
//!
//! What a journal is asked is in [`items`], [`runs`], [`mod@log`], [`memory`] (for guards) and [`mod@past`] (for the pace); [`ask`] and
//! [`look`] are how. [`memo`] is what this host knew of the log last, and [`check`] the proof of all of it.

pub mod address;
mod ask;
mod begin;
mod check;
pub mod connect;
pub mod emergency;
mod flush;
mod guards;
mod intact;
mod items;
mod joint;
mod lease;
mod limiter;
mod log;
mod look;
mod memo;
mod memory;
pub mod migrate;
mod needs;
mod open;
mod password;
mod past;
pub(in crate::journal) mod raw;
mod runs;
mod schema;
mod sheet;
#[cfg(test)]
#[allow(dead_code, reason = "the integration tests include the same file, and use other parts of it")]
pub(in crate::journal) mod testing;
#[cfg(test)]
mod tests;
mod together;
mod trouble;
mod url;
mod writer;

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use tokio::time::timeout;

use super::check::Checked;
use super::history::{Asked, History, Overridden, PlanUse};
use super::joint::{Ask, Claimed};
use super::lane::{Lane, Reserved, Wanted};
use super::log::{Reopened, Ruled};
use super::past::{Past, Reach};
use super::proof::Proof;
use super::record::{
    Acceptance, Contradiction, DurableIntent, Finished, Head, InquiryResult, Intent, Item, ItemId, NewRun,
    OutcomeRecord, PlanRun, RowRecord, RunRecord,
};
use super::rules::{Change, Done, Late, TakenIn};
use super::state::State;
use super::story::Story;
use super::{Account, Journal, JournalError, Loss};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RunId};
use crate::model::time::Timestamp;
use trouble::{Undone, unread};
use writer::Writer;

/// No single question takes as long; a server that has stopped without closing its connections would never answer.
const LONGEST_READING: Duration = Duration::from_secs(300);

/// Asks the server; a runner asks again for as long as its lease lasts, if the server is away.
macro_rules! read {
    ($journal:expr, $client:ident => $asked:expr) => {
        loop {
            let asked = match $journal.pool.get().await {
                Err(error) => Err(Undone::from(error)),
                Ok(client) => {
                    let $client = &client;
                    let answer = timeout(LONGEST_READING, $asked).await;
                    let answer = answer.unwrap_or_else(|_| Err(Undone::Away("it does not answer".into())));
                    if answer.is_err() {
                        drop(Object::take(client));
                    }
                    answer
                }
            };
            match asked {
                Err(Undone::Away(_)) if $journal.may_wait() => pause().await,
                answer => break answer.map_err(unread),
            }
        }
    };
}

/// A shared journal.
pub struct PostgresJournal {
    pool: Pool,
    /// `None`: opened for reading.
    writer: Option<Writer>,
    /// What it lacked when it was opened.
    loss: Option<Loss>,
}

/// A runner that is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// Its number.
    pub number: i64,
    /// Its machine.
    pub host: String,
    /// Its run; `None` if it has none yet.
    pub run: Option<String>,
}

impl PostgresJournal {
    /// What the journal lacked when it was opened: this host knew more of it. `None` if nothing.
    #[must_use]
    pub const fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// Who is at work on the journal now.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn at_work(&self) -> Result<Vec<Runner>, JournalError> {
        lease::at_work(&self.client().await?).await.map_err(unread)
    }

    /// The same without this program.
    pub(in crate::journal) async fn others_at_work(&self) -> Result<Vec<Runner>, JournalError> {
        let own = self.writer.as_ref().map(|writer| writer.lease.runner);
        let others = self.at_work().await?.into_iter().filter(|runner| Some(runner.number) != own);
        Ok(others.collect())
    }

    /// Whether a server that is away is worth waiting for: something is under way.
    fn may_wait(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| !writer.lease.has_ended())
    }

    async fn client(&self) -> Result<Client, JournalError> {
        self.pool.get().await.map_err(|error| unread(error.into()))
    }

    /// Compares the journal with its own log, to the last answer.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn check(&self) -> Result<Checked, JournalError> {
        let client = self.client().await?;
        let checked = check::check(&client).await.map_err(unread);
        if checked.is_err() {
            drop(Object::take(client));
        }
        checked
    }

    /// Shows every answer from which something was concluded, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn proofs(&self, show: impl FnMut(&Proof)) -> Result<(), JournalError> {
        items::proofs(&self.client().await?, show).await.map_err(unread)
    }

    /// Whether the log holds an entry of this hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds(&self, head: &str) -> Result<bool, JournalError> {
        self.holds_entry(None, head).await
    }

    /// Whether the log has an entry of that number and hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds_at(&self, seq: i64, head: &str) -> Result<bool, JournalError> {
        self.holds_entry(Some(seq), head).await
    }

    /// The runs that executed a saved plan, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError> {
        read!(self, client => runs::of_plan(client, digest))
    }

    /// The saved plan that a run executed; `None` if it made its own.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn plan_of(&self, run: &RunId) -> Result<Option<PlanUse>, JournalError> {
        read!(self, client => runs::plan_of(client, run))
    }

    /// When the last request of a run left; `None` if none did.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn last_sent(&self, run: &RunId) -> Result<Option<Timestamp>, JournalError> {
        read!(self, client => runs::last_sent(client, run))
    }

    /// The rows of a run with their items as they are now: at most `most` of them behind a row, in the order of the input.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn rows_behind(&self, run: &RunId, behind: u64, most: u32) -> Result<Vec<RowRecord>, JournalError> {
        read!(self, client => runs::rows(client, run, behind, most))
    }

    /// Adds up when each request of a run was sent, and when its answer came.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn times<T: Default + Send + 'static>(
        &self,
        run: &RunId,
        add: fn(&mut T, Timestamp, Option<Timestamp>),
    ) -> Result<T, JournalError> {
        let mut sum = T::default();
        let client = self.client().await?;
        runs::times(&client, run, |sent_at, ended_at| add(&mut sum, sent_at, ended_at)).await.map_err(unread)?;
        Ok(sum)
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
        (memory, most): (Duration, usize),
        now: Timestamp,
    ) -> Result<Past, JournalError> {
        read!(self, client => past::past(client, account, run, Reach { memory, most }, now))
    }

    /// What guards compare a plan with.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history(&self, account: &Account, asked: Asked) -> Result<History, JournalError> {
        read!(self, client => memory::history(client, account, &asked))
    }

    /// The guards that were loosened for a run.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn overrides(&self, run: &RunId) -> Result<Vec<Overridden>, JournalError> {
        read!(self, client => runs::overrides(client, run))
    }

    /// Takes in an outcome that could not be written when it came.
    ///
    /// # Errors
    /// It is of another journal, or cannot be written.
    pub async fn take_in(&self, late: Late) -> Result<TakenIn, JournalError> {
        self.write(Change::TakeIn(Box::new(late))).await.map(Done::taken_in)
    }

    async fn holds_entry(&self, seq: Option<i64>, head: &str) -> Result<bool, JournalError> {
        let Some(hash) = log::bytes_of(head) else { return Ok(false) };
        read!(self, client => log::holds(client, seq, &hash))
    }

    async fn write(&self, change: Change) -> Result<Done, JournalError> {
        match &self.writer {
            Some(writer) => writer.write(change).await,
            None => Err(JournalError::Write("it was opened for reading".into())),
        }
    }
}

/// Between two tries.
#[expect(clippy::disallowed_methods, reason = "the store waits for its own server")]
async fn pause() {
    tokio::time::sleep(writer::PAUSE).await;
}

impl Journal for PostgresJournal {
    async fn begin_run(&self, run: NewRun) -> Result<RunId, JournalError> {
        self.write(Change::BeginRun(Box::new(run))).await.map(Done::begun)
    }

    fn may_send(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.lease.may_send())
    }

    async fn record_intent(&self, intent: Intent) -> Result<DurableIntent, JournalError> {
        // The token is made here, after `write` has returned: its commit is durable.
        let (item, attempt, body) = self.write(Change::Intend(intent)).await?.intended();
        Ok(DurableIntent::new(item, attempt, body))
    }

    async fn record_outcome(&self, record: OutcomeRecord) -> Result<State, JournalError> {
        self.write(Change::Close(Box::new(record))).await.map(Done::became)
    }

    async fn record_inquiry(&self, inquiry: InquiryResult) -> Result<State, JournalError> {
        self.write(Change::Inquire(Box::new(inquiry))).await.map(Done::became)
    }

    async fn give_up(&self, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
        self.write(Change::GiveUp(item, at)).await.map(Done::became)
    }

    async fn recover(&self, at: Timestamp) -> Result<u64, JournalError> {
        self.write(Change::Recover(at)).await.map(Done::recovered)
    }

    async fn stop_run(&self, run: RunId, why: String, at: Timestamp) -> Result<(), JournalError> {
        let stop = Change::Stop { run: run.clone(), why: why.clone(), at };
        self.write(stop).await?;
        // The others hear of it at their next question, while this program still asks about what it has in doubt.
        self.stop_all(&run, &why).await
    }

    async fn finish_run(&self, finished: Finished) -> Result<(), JournalError> {
        self.write(Change::Finish(finished)).await.map(drop)
    }

    async fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> Result<HashMap<InvoiceNumber, Item>, JournalError> {
        read!(self, client => items::known(client, account, &invoices))
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        read!(self, client => items::of_job(client, account, job, states))
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        self.rows_behind(run, 0, u32::MAX).await
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        read!(self, client => runs::all(client))
    }

    async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        read!(self, client => items::in_doubt(client))
    }

    async fn latest_items(
        &self,
        environment: Environment,
        client_id: &ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> Result<Vec<Item>, JournalError> {
        read!(self, client => items::latest(client, environment, client_id, after, most))
    }

    async fn refusals(&self, account: &Account) -> Result<Vec<Item>, JournalError> {
        read!(self, client => items::refused(client, account))
    }

    async fn story(&self, invoice: &InvoiceNumber) -> Result<Story, JournalError> {
        read!(self, client => items::story(client, invoice))
    }

    async fn contradict(&self, contradiction: Contradiction) -> Result<State, JournalError> {
        self.write(Change::Contradict(contradiction)).await.map(Done::became)
    }

    async fn rule(&self, item: ItemId, ruled: Ruled, at: Timestamp) -> Result<State, JournalError> {
        self.write(Change::Rule(item, ruled, at)).await.map(Done::became)
    }

    async fn reopen(&self, items: Vec<ItemId>, reopened: Reopened, at: Timestamp) -> Result<Vec<Item>, JournalError> {
        self.write(Change::Reopen(items, reopened, at)).await.map(Done::reopened)
    }

    async fn horizon(&self, run: &RunId) -> Result<Option<Duration>, JournalError> {
        read!(self, client => runs::horizon(client, run))
    }

    async fn accept(&self, acceptance: Acceptance, at: Timestamp) -> Result<(), JournalError> {
        // What is unknown comes before a person: nobody else may be settling it meanwhile.
        let by_a_person = !acceptance.reason.is_empty();
        if by_a_person && !self.others_at_work().await?.is_empty() {
            return Err(JournalError::Held { path: "the shared journal".to_owned() });
        }
        self.write(Change::Accept(acceptance, at)).await.map(drop)
    }

    async fn lost_since(&self) -> Result<Option<Timestamp>, JournalError> {
        let accepted = read!(self, client => log::accepted(client))?;
        Ok(super::log::lost_since(&accepted))
    }

    async fn head(&self) -> Result<Option<Head>, JournalError> {
        read!(self, client => log::head(client))
    }

    async fn claim(&self, ask: Ask) -> Result<Claimed, JournalError> {
        self.claim_patiently(&ask).await
    }

    async fn reserve(&self, lane: &Lane, wanted: Wanted) -> Result<Reserved, JournalError> {
        self.reserve_patiently(lane, wanted).await
    }

    async fn hold(&self, lane: &Lane, wait: Duration) -> Result<(), JournalError> {
        self.hold_patiently(lane, wait).await
    }
}
