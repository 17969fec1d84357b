//! The journal that several hosts share: tables in PostgreSQL, one writer at a time by the lock on the log's head.
//!
//! [`address`] is where it is and how it is reached, [`mod@connect`] the connections and what a server must be set to, [`schema`]
//! the tables, [`mod@migrate`] who makes them and carries them over, and [`intact`] whether their guards are there. A group of
//! changes goes through [`writer`]: [`needs`] reads what it is about, [`sheet`] is where the [rules](super::rules) run, [`flush`]
//! writes what they came to; [`begin`] is a run that begins. [`lease`] is who is at work, and whose writes are refused; [`joint`]
//! is what they share of a run, and [`limiter`] of the pace. [`reads`] is everything else that a journal is asked, and [`memo`]
//! what this host knew of it last.

pub mod address;
mod begin;
mod check;
pub mod connect;
pub mod emergency;
mod flush;
mod guards;
mod intact;
mod joint;
mod lease;
mod limiter;
mod look;
mod memo;
pub mod migrate;
mod needs;
mod pgpass;
pub(in crate::journal) mod raw;
mod reads;
mod schema;
mod sheet;
#[cfg(test)]
#[allow(dead_code, reason = "the integration tests include the same file, and use other parts of it")]
pub(in crate::journal) mod testing;
#[cfg(test)]
mod tests;
mod together;
mod trouble;
mod writer;

use std::collections::HashMap;
use std::path::Path;
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
use address::Address;
use connect::connect;
use intact::Flaw;
use lease::IS_ALIVE;
use memo::Keeper;
use migrate::{Found, Migrated, look as look_for_tables, migrate, refuse_older};
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

/// Who is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtWork {
    /// The runner's number.
    pub runner: i64,
    /// Its machine.
    pub host: String,
    /// Its run; `None` if it has none yet.
    pub run: Option<String>,
}

impl PostgresJournal {
    /// Opens the journal for a command that writes: makes it if it is not there and the role may, and makes this runner known.
    /// What comes back and cannot be written is kept in the folder `beside`.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is out of reach, not ours, or not safe.
    pub async fn open(address: &Address, beside: &Path) -> Result<Self, JournalError> {
        let (pool, found) = Self::look(address).await?;
        if found == Found::Nothing {
            Self::make(&pool, address).await?;
        }
        Self::refuse_unguarded(&pool, address).await?;
        Self::refuse_torn_end(&pool, address).await?;
        let mut keeper = Keeper::beside(beside, address);
        let loss = Self::lacks(&pool, address, &mut keeper).await?;
        let writer = Writer::start(address.clone(), beside.to_owned(), host(), keeper).await?;
        Ok(Self { pool, writer: Some(writer), loss })
    }

    /// Opens an existing journal to look at it; `None` if there is none. Changes nothing. What this host knew of it last stands in
    /// the folder `beside`.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is out of reach, or not ours.
    pub async fn open_to_read(address: &Address, beside: &Path) -> Result<Option<Self>, JournalError> {
        let (pool, found) = Self::look(address).await?;
        if found == Found::Nothing {
            return Ok(None);
        }
        let loss = Self::lacks(&pool, address, &mut Keeper::beside(beside, address)).await?;
        Ok(Some(Self { pool, writer: None, loss }))
    }

    async fn lacks(pool: &Pool, address: &Address, keeper: &mut Keeper) -> Result<Option<Loss>, JournalError> {
        let client = pool.get().await.map_err(|error| Undone::from(error).unusable(address))?;
        keeper.loss(&client).await.map_err(|error| error.unusable(address))
    }

    /// What the journal lacked when it was opened: this host knew more of it. `None` if nothing.
    #[must_use]
    pub const fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// Makes the tables if they are missing, carries them over if they are older, and allows the role that the URL names to run
    /// jobs.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is out of reach, not ours, or the role may not make tables.
    pub async fn migrate(address: &Address) -> Result<Migrated, JournalError> {
        Self::make(&connect(address).await?, address).await
    }

    async fn look(address: &Address) -> Result<(Pool, Found), JournalError> {
        let pool = connect(address).await?;
        let client = pool.get().await.map_err(|error| Undone::from(error).unusable(address))?;
        let found = look_for_tables(&client, address).await.map_err(|error| error.unusable(address))?;
        drop(client);
        match found {
            Found::Older(version) => Err(refuse_older(version, address)),
            Found::Nothing | Found::Present => Ok((pool, found)),
        }
    }

    async fn make(pool: &Pool, address: &Address) -> Result<Migrated, JournalError> {
        let client = pool.get().await.map_err(|error| Undone::from(error).unusable(address))?;
        let made = migrate(&client, address).await;
        if made.is_err() {
            // Others wait for its locks. If the connection is gone, so are they.
            let _ = client.batch_execute("ROLLBACK").await;
            drop(Object::take(client));
        }
        made.map_err(|error| error.unusable(address))
    }

    /// Without its guards the database refuses nothing, and with those of others it may do something else.
    async fn refuse_unguarded(pool: &Pool, address: &Address) -> Result<(), JournalError> {
        let client = pool.get().await.map_err(|error| Undone::from(error).unusable(address))?;
        let flaws = intact::flaws(&client).await.map_err(|error| error.unusable(address))?;
        let Some(Flaw { what, remedy }) = flaws.first() else { return Ok(()) };
        let more = if flaws.len() > 1 {
            format!(" (and {} more: rekon journal check)", flaws.len() - 1)
        } else {
            String::new()
        };
        Err(JournalError::Unusable { path: address.to_string(), reason: format!("{what}{more}\n  hint: {remedy}") })
    }

    /// The last entry is the one that the head names. `rekon journal check` looks at all of them.
    async fn refuse_torn_end(pool: &Pool, address: &Address) -> Result<(), JournalError> {
        let away = |error: Undone| error.unusable(address);
        let client = pool.get().await.map_err(|error| away(error.into()))?;
        let statement = "SELECT count(*) FROM head h WHERE h.seq = (SELECT coalesce(max(seq), 0) FROM event) \
             AND (h.seq = 0 OR h.hash = (SELECT e.hash FROM event e WHERE e.seq = h.seq))";
        let row = client.query_one(statement, &[]).await.map_err(|error| away(error.into()))?;
        if look::get::<i64>(&row, 0)? == 1 {
            return Ok(());
        }
        let reason = "the end of its log is not what its last writer left: look with rekon journal check".to_owned();
        Err(JournalError::Unusable { path: address.to_string(), reason })
    }

    /// Who is at work on the journal now.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn at_work(&self) -> Result<Vec<AtWork>, JournalError> {
        let read = async |client: &Client| {
            let statement = &format!("SELECT id, host, run FROM runner r WHERE {IS_ALIVE} ORDER BY id");
            let mut found = Vec::new();
            for row in needs::asked(client, statement, &[]).await? {
                found.push(AtWork { runner: look::get(&row, 0)?, host: look::get(&row, 1)?, run: look::get(&row, 2)? });
            }
            Ok(found)
        };
        read(&self.client().await?).await.map_err(unread)
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
        reads::proofs(&self.client().await?, show).await.map_err(unread)
    }

    /// Whether the log holds an entry of this hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds(&self, head: &str) -> Result<bool, JournalError> {
        read!(self, client => reads::holds(client, None, head))
    }

    /// Whether the log has an entry of that number and hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holds_at(&self, seq: i64, head: &str) -> Result<bool, JournalError> {
        read!(self, client => reads::holds(client, Some(seq), head))
    }

    /// The runs that executed a saved plan, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError> {
        read!(self, client => reads::runs_of_plan(client, digest))
    }

    /// The saved plan that a run executed; `None` if it made its own.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn plan_of(&self, run: &RunId) -> Result<Option<PlanUse>, JournalError> {
        read!(self, client => reads::plan_of(client, run))
    }

    /// When the last request of a run left; `None` if none did.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn last_sent(&self, run: &RunId) -> Result<Option<Timestamp>, JournalError> {
        read!(self, client => reads::last_sent(client, run))
    }

    /// The rows of a run with their items as they are now: at most `most` of them behind a row, in the order of the input.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn rows_behind(&self, run: &RunId, behind: u64, most: u32) -> Result<Vec<RowRecord>, JournalError> {
        read!(self, client => reads::rows(client, run, behind, most))
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
        reads::times(&client, run, |sent_at, ended_at| add(&mut sum, sent_at, ended_at)).await.map_err(unread)?;
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
        read!(self, client => reads::past(client, account, run, Reach { memory, most }, now))
    }

    /// What guards compare a plan with.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history(&self, account: &Account, asked: Asked) -> Result<History, JournalError> {
        read!(self, client => reads::history(client, account, &asked))
    }

    /// The guards that were loosened for a run.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn overrides(&self, run: &RunId) -> Result<Vec<Overridden>, JournalError> {
        read!(self, client => reads::overrides(client, run))
    }

    /// Takes in an outcome that could not be written when it came.
    ///
    /// # Errors
    /// It is of another journal, or cannot be written.
    pub async fn take_in(&self, late: Late) -> Result<TakenIn, JournalError> {
        self.write(Change::TakeIn(Box::new(late))).await.map(Done::taken_in)
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

/// The name of this machine, for people.
fn host() -> String {
    let named = ["/etc/hostname", "/proc/sys/kernel/hostname"].into_iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        let name: String = text.trim().chars().filter(|character| !character.is_control()).take(64).collect();
        (!name.is_empty()).then_some(name)
    });
    named.unwrap_or_else(|| "unknown".to_owned())
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
        read!(self, client => reads::known(client, account, &invoices))
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        read!(self, client => reads::of_job(client, account, job, states))
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        self.rows_behind(run, 0, u32::MAX).await
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        read!(self, client => reads::runs(client))
    }

    async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        read!(self, client => reads::in_doubt(client))
    }

    async fn latest_items(
        &self,
        environment: Environment,
        client_id: &ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> Result<Vec<Item>, JournalError> {
        read!(self, client => reads::latest(client, environment, client_id, after, most))
    }

    async fn refusals(&self, account: &Account) -> Result<Vec<Item>, JournalError> {
        read!(self, client => reads::refused(client, account))
    }

    async fn story(&self, invoice: &InvoiceNumber) -> Result<Story, JournalError> {
        read!(self, client => reads::story(client, invoice))
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
        read!(self, client => reads::horizon(client, run))
    }

    async fn accept(&self, acceptance: Acceptance, at: Timestamp) -> Result<(), JournalError> {
        // What is unknown comes before a person: nobody else may be settling it meanwhile.
        let own = self.writer.as_ref().map(|writer| writer.lease.runner);
        let by_a_person = !acceptance.reason.is_empty();
        if by_a_person && self.at_work().await?.iter().any(|runner| Some(runner.runner) != own) {
            return Err(JournalError::Held { path: "the shared journal".to_owned() });
        }
        self.write(Change::Accept(acceptance, at)).await.map(drop)
    }

    async fn lost_since(&self) -> Result<Option<Timestamp>, JournalError> {
        let accepted = read!(self, client => reads::accepted(client))?;
        Ok(super::log::lost_since(&accepted))
    }

    async fn head(&self) -> Result<Option<Head>, JournalError> {
        read!(self, client => reads::head(client))
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
