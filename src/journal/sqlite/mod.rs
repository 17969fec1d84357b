//! The embedded store: one SQLite file in WAL mode with `synchronous=FULL`, one writer thread, group commit.
//!
//! [`writer`] turns many small writes into few commits, [`schema`] is the tables, [`desk`] and
//! [`runs`] the statements with which the [rules](super::rules) change them, [`days`] the sums per business day, [`look`] those that read items, [`memory`]
//! those that guards ask, [`log`] the event log, [`pen`] what the writer keeps in mind, and [`check`] its proof. [`mover`] moves
//! commits from the WAL into the database beside the writing, and [`postman`] wakes who waits for one.

mod backup;
mod check;
mod copy;
mod days;
mod desk;
mod file;
mod log;
mod look;
mod memo;
mod memory;
mod migrate;
mod mover;
mod open;
mod past;
mod pen;
mod place;
mod postman;
pub(in crate::journal) mod raw;
mod reserve;
mod room;
mod runs;
mod schema;
#[cfg(test)]
mod tests;
mod times;
mod writer;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use super::check::Checked;
use super::history::{Asked, History, Overridden, PlanUse};
use super::log::{Reopened, Ruled, hex};
use super::past::{Past, Reach};
use super::proof::Proof;
use super::raw::{Row, Table};
use super::record::{
    Acceptance, Contradiction, DurableIntent, Finished, Head, InquiryResult, Intent, Item, ItemId, NewRun,
    OutcomeRecord, PlanRun, RowRecord, RunRecord,
};
use super::rules::{Change, Done, Late, TakenIn};
use super::state::State;
use super::story::Story;
use super::{Account, Journal, JournalError, Loss};
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::time::{self, Timestamp};
use mover::Mover;
use pen::Pen;
use reserve::Reserve;
use writer::Writer;

/// A journal of up to so many bytes is checked in the blink of an eye.
const CHECKED_AT_A_GLANCE: u64 = 64 * 1024 * 1024;

/// The embedded journal.
pub struct SqliteJournal {
    /// Closed before the writer, which then is the last one and leaves one whole file behind.
    reader: Arc<Mutex<Connection>>,
    /// `None`: opened for reading.
    writer: Option<Writer<Change>>,
    /// Held for life, so that no second runner starts; holds the memo.
    lock: Option<File>,
    /// The journal itself, locked as well. Closed after all connections: closing it sooner would drop SQLite's own locks.
    _locked: Option<File>,
    /// What it lacked when it was opened.
    loss: Option<Loss>,
    /// Whether that was accepted; until then the memo of what is lost must stand.
    is_accepted: AtomicBool,
    /// Intents since the memo was written.
    intents: AtomicU32,
}

/// At most so many intents go by without a memo.
const INTENTS_PER_MEMO: u32 = 32;

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        self.remember();
    }
}

impl SqliteJournal {
    /// Whether a runner is at work on the journal in this file.
    #[must_use]
    pub fn is_held(path: &Path) -> bool {
        open::is_held(path)
    }

    /// The type of the file system that a place lies on, if it belongs to another machine: no journal can be there. `None` also
    /// where nothing is there yet.
    #[must_use]
    pub fn on_remote_disk(path: &Path) -> Option<String> {
        place::remote(path)
    }

    /// Whether a journal is too long for [`Self::open_to_read`] to compare it with its own log.
    #[must_use]
    pub fn is_long(path: &Path) -> bool {
        path.metadata().is_ok_and(|file| file.len() > CHECKED_AT_A_GLANCE)
    }

    /// Opens the journal for a run; makes it if it is not there. Holds the lock until dropped.
    ///
    /// # Errors
    /// [`JournalError::Held`] if another runner has it; [`JournalError::Unusable`] if it is not ours, not safe or damaged.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let (lock, locked) = open::lock(path)?;
        let connection = open::for_writing(path)?;
        let mover = open::for_moving(path)?;
        let reader = open::for_reading(path)?;
        let reserve = Reserve::at(&file::beside(path, ".reserve")).map_err(|error| {
            if room::is_full(&error) {
                return room::none(path);
            }
            file::unusable(path, &format!("there is no room beside it for the outcomes of calls under way: {error}"))
        })?;
        let loss = memo::loss(&reader, &lock).map_err(|error| room::refused(path, &error))?;
        Ok(Self {
            writer: Some(Writer::start(Pen::new(connection), Mover::start(mover), reserve)),
            reader: Arc::new(Mutex::new(reader)),
            lock: Some(lock),
            _locked: Some(locked),
            is_accepted: AtomicBool::new(loss.is_none()),
            loss,
            intents: AtomicU32::new(0),
        })
    }

    /// What the journal lacked when it was opened: its last writer knew more. `None` if nothing.
    #[must_use]
    pub const fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// Compares the journal with its own log, to the last answer.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn check(&self) -> Result<Checked, JournalError> {
        let connection = self.reader()?;
        let mut checked = check::everything(&connection).map_err(unread)?;
        let mut statement = connection.prepare("PRAGMA integrity_check").map_err(unread)?;
        let pages = statement.query_map([], |row| row.get::<_, String>(0)).map_err(unread)?;
        for page in pages {
            let page = page.map_err(unread)?;
            if page != "ok" {
                checked.flaws.push(page);
            }
        }
        Ok(checked)
    }

    /// Shows every answer from which something was concluded, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn proofs(&self, show: impl FnMut(&Proof)) -> Result<(), JournalError> {
        let connection = self.reader()?;
        look::proofs(&connection, show).map_err(unread)
    }

    /// Whether the log holds an entry of this hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn holds(&self, head: &str) -> Result<bool, JournalError> {
        let connection = self.reader()?;
        connection
            .query_row("SELECT EXISTS (SELECT 1 FROM event WHERE lower(hex(hash)) = lower(?1))", [head], |row| {
                row.get(0)
            })
            .map_err(unread)
    }

    /// Whether the log has an entry of that number and hash, in hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn holds_at(&self, seq: i64, head: &str) -> Result<bool, JournalError> {
        let connection = self.reader()?;
        let hash = connection
            .query_row("SELECT hash FROM event WHERE seq = ?1", [seq], |row| row.get::<_, Vec<u8>>(0))
            .optional()
            .map_err(unread)?;
        Ok(hash.is_some_and(|hash| hex(&hash) == head))
    }

    /// The runs that executed a saved plan, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError> {
        runs::of_plan(&*self.reader()?, digest).map_err(unread)
    }

    /// The saved plan that a run executed; `None` if it made its own.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn plan_of(&self, run: &RunId) -> Result<Option<PlanUse>, JournalError> {
        runs::plan_of(&*self.reader()?, run).map_err(unread)
    }

    /// When the last request of a run left; `None` if none did.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn last_sent(&self, run: &RunId) -> Result<Option<Timestamp>, JournalError> {
        let run = run.clone();
        self.read(move |connection| runs::last_sent(connection, &run)).await
    }

    /// The latest run, if it has not come to its end.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn unfinished(&self) -> Result<Option<RunId>, JournalError> {
        self.read(runs::unfinished).await
    }

    /// The rows of a run with their items as they are now: at most `most` of them behind a row, in the order of the input.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn rows_behind(&self, run: &RunId, behind: u64, most: u32) -> Result<Vec<RowRecord>, JournalError> {
        let run = run.clone();
        self.read(move |connection| runs::rows(connection, &run, behind, most)).await
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
        let run = run.clone();
        let read = move |connection: &Connection| {
            let mut sum = T::default();
            times::of_latest(connection, &run, |sent_at, ended_at| add(&mut sum, sent_at, ended_at))?;
            Ok(sum)
        };
        self.read(read).await
    }

    /// Writes a consistent copy to a new file, while a runner may be at work, and checks the copy.
    ///
    /// # Errors
    /// The file exists, cannot be written, or the copy is not whole; nothing stays behind then.
    pub fn backup(&self, to: &Path) -> Result<Checked, JournalError> {
        let connection = self.reader()?;
        backup::write(&connection, to)
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
        let (account, run) = (account.clone(), run.clone());
        self.read(move |connection| past::past(connection, &account, &run, Reach { memory, most }, now)).await
    }

    /// What guards compare a plan with.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history(&self, account: &Account, asked: Asked) -> Result<History, JournalError> {
        let account = account.clone();
        self.read(move |connection| memory::history(connection, &account, &asked)).await
    }

    /// The guards that were loosened for a run.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn overrides(&self, run: &RunId) -> Result<Vec<Overridden>, JournalError> {
        let run = run.clone();
        self.read(move |connection| memory::overrides(connection, &run)).await
    }

    fn reader(&self) -> Result<MutexGuard<'_, Connection>, JournalError> {
        self.reader.lock().map_err(unread)
    }

    /// Writes the head down, so that the loss of what comes before it will be noticed.
    fn remember(&self) {
        if !self.is_accepted.load(Ordering::SeqCst) {
            return;
        }
        if let (Some(lock), Ok(connection)) = (&self.lock, self.reader()) {
            memo::write(&connection, lock);
        }
    }

    /// Opens an existing journal to look at it; `None` if there is none. Takes no lock and changes nothing. A long journal is
    /// not compared with its log each time that somebody looks; runs and `rekon journal check` do that.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours or damaged.
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, JournalError> {
        let journal = Self::open_to_examine(path)?;
        if let Some(journal) = journal.as_ref().filter(|_| !Self::is_long(path)) {
            let reader = journal.reader()?;
            open::refuse_damage(path, &reader)?;
        }
        Ok(journal)
    }

    /// The same, but a damaged one is opened as well, to be checked.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours.
    pub fn open_to_examine(path: &Path) -> Result<Option<Self>, JournalError> {
        if !path.exists() {
            return Ok(None);
        }
        let reader = open::for_reading(path)?;
        let memo = file::beside(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), ".lock");
        let loss = File::open(memo).ok().and_then(|memo| memo::loss(&reader, &memo).ok()?);
        Ok(Some(Self {
            writer: None,
            reader: Arc::new(Mutex::new(reader)),
            lock: None,
            _locked: None,
            loss,
            is_accepted: AtomicBool::new(true),
            intents: AtomicU32::new(0),
        }))
    }

    /// Takes in an outcome that could not be written when it came.
    ///
    /// # Errors
    /// It is of another journal, or cannot be written.
    pub async fn take_in(&self, late: Late) -> Result<TakenIn, JournalError> {
        self.write(Change::TakeIn(Box::new(late))).await.map(Done::taken_in)
    }

    /// The next rows of a table behind one, as they are.
    pub(in crate::journal) fn raw_rows(&self, table: &Table, behind: Option<&Row>) -> Result<Vec<Row>, JournalError> {
        raw::rows(&*self.reader()?, table, behind).map_err(unread)
    }

    async fn write(&self, change: Change) -> Result<Done, JournalError> {
        match &self.writer {
            Some(writer) => writer.write(change).await,
            None => Err(JournalError::Write("it was opened for reading".into())),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let reader = Arc::clone(&self.reader);
        let read = move || {
            let connection = reader.lock().map_err(unread)?;
            work(&connection).map_err(unread)
        };
        tokio::task::spawn_blocking(read).await.map_err(unread)?
    }
}

/// A read that failed.
fn unread(error: impl std::fmt::Display) -> JournalError {
    JournalError::Read(error.to_string())
}

/// A write that failed; a full disk is told apart, for what is under way can still be kept then.
#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn failed(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => JournalError::Full,
        _ => JournalError::Write(error.to_string()),
    }
}

impl Journal for SqliteJournal {
    async fn begin_run(&self, run: NewRun) -> Result<RunId, JournalError> {
        let begun = self.write(Change::BeginRun(Box::new(run))).await;
        self.remember();
        begun.map(Done::begun)
    }

    /// Nobody takes over from whoever holds the lock.
    fn may_send(&self) -> bool {
        true
    }

    async fn record_intent(&self, intent: Intent) -> Result<DurableIntent, JournalError> {
        // The token is made here, after `write` has returned: its commit is durable.
        let (item, attempt, body) = self.write(Change::Intend(intent)).await?.intended();
        if self.intents.fetch_add(1, Ordering::Relaxed).is_multiple_of(INTENTS_PER_MEMO) {
            self.remember();
        }
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
        self.write(Change::Stop { run, why, at }).await.map(drop)
    }

    async fn finish_run(&self, finished: Finished) -> Result<(), JournalError> {
        let ended = self.write(Change::Finish(finished)).await;
        self.remember();
        ended.map(drop)
    }

    async fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> Result<HashMap<InvoiceNumber, Item>, JournalError> {
        let account = account.clone();
        self.read(move |connection| look::known(connection, &account, &invoices)).await
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        let (account, job) = (account.clone(), job.to_owned());
        self.read(move |connection| look::of_job(connection, &account, &job, states)).await
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        let run = run.clone();
        self.read(move |connection| runs::rows(connection, &run, 0, u32::MAX)).await
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        self.read(runs::all).await
    }

    async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        self.read(look::in_doubt).await
    }

    async fn latest_items(
        &self,
        environment: crate::model::environment::Environment,
        client_id: &crate::model::ids::ClientId,
        after: Option<ItemId>,
        most: u32,
    ) -> Result<Vec<Item>, JournalError> {
        let client_id = client_id.clone();
        self.read(move |connection| look::latest(connection, environment, &client_id, after, most)).await
    }

    async fn refusals(&self, account: &Account) -> Result<Vec<Item>, JournalError> {
        let account = account.clone();
        self.read(move |connection| look::refused(connection, &account)).await
    }

    async fn story(&self, invoice: &InvoiceNumber) -> Result<Story, JournalError> {
        let invoice = invoice.clone();
        self.read(move |connection| {
            let mentions = runs::mentions(connection, &invoice)?;
            Ok(Story { mentions, items: look::story(connection, &invoice)? })
        })
        .await
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
        let run = run.clone();
        self.read(move |connection| runs::horizon(connection, &run)).await
    }

    async fn accept(&self, acceptance: Acceptance, at: Timestamp) -> Result<(), JournalError> {
        self.write(Change::Accept(acceptance, at)).await?;
        self.is_accepted.store(true, Ordering::SeqCst);
        self.remember();
        Ok(())
    }

    async fn lost_since(&self) -> Result<Option<Timestamp>, JournalError> {
        Ok(super::log::lost_since(&self.read(log::accepted).await?))
    }

    async fn head(&self) -> Result<Option<Head>, JournalError> {
        let last = self.read(log::head).await?;
        let at = time::parse_instant(&last.at);
        Ok(at.map(|at| Head { seq: last.seq, at, hash: hex(&last.hash) }))
    }
}
