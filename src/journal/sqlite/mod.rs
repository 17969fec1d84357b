//! The embedded store: one SQLite file in WAL mode with `synchronous=FULL`, one writer thread, group commit.
//!
//! [`writer`] turns many small writes into few commits, [`schema`] is the tables, [`items`] and [`runs`] the statements.

mod items;
mod open;
mod runs;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use super::record::{
    Attempt, DurableIntent, Finished, InquiryResult, Intent, Item, ItemId, NewRun, OutcomeRecord, RowRecord, RunRecord,
};
use super::state::State;
use super::{Account, Journal, JournalError};
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::time::Timestamp;
use writer::Writer;

/// The embedded journal.
pub struct SqliteJournal {
    /// Closed before the writer, which then is the last one and leaves one whole file behind.
    reader: Arc<Mutex<Connection>>,
    /// `None`: opened for reading.
    writer: Option<Writer>,
    /// Held for life, so that no second runner starts.
    _lock: Option<File>,
}

impl SqliteJournal {
    /// Opens the journal for a run; makes it if it is not there. Holds the lock until dropped.
    ///
    /// # Errors
    /// [`JournalError::Held`] if another runner has it; [`JournalError::Unusable`] if it is not ours or not safe.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let lock = open::lock(path)?;
        let connection = open::for_writing(path)?;
        let reader = open::for_reading(path)?;
        Ok(Self { writer: Some(Writer::start(connection)), reader: Arc::new(Mutex::new(reader)), _lock: Some(lock) })
    }

    /// Opens an existing journal to look at it; `None` if there is none. Takes no lock and changes nothing.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is not ours.
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, JournalError> {
        if !path.exists() {
            return Ok(None);
        }
        let reader = open::for_reading(path)?;
        Ok(Some(Self { writer: None, reader: Arc::new(Mutex::new(reader)), _lock: None }))
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        match &self.writer {
            Some(writer) => writer.write(work).await,
            None => Err(JournalError::Write("it was opened for reading".into())),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let reader = Arc::clone(&self.reader);
        let read = move || {
            let connection = reader.lock().map_err(|error| JournalError::Read(error.to_string()))?;
            work(&connection).map_err(|error| JournalError::Read(error.to_string()))
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| JournalError::Read(error.to_string()))?
    }
}

impl Journal for SqliteJournal {
    async fn begin_run(&self, run: NewRun) -> Result<RunId, JournalError> {
        self.write(move |connection| runs::begin(connection, &run)).await
    }

    async fn record_intent(&self, intent: Intent) -> Result<DurableIntent, JournalError> {
        // The token is made here, after `write` has returned: its commit is durable.
        let (item, attempt, body) = self.write(move |connection| items::intend(connection, &intent)).await?;
        Ok(DurableIntent::new(item, attempt, body))
    }

    async fn record_outcome(&self, record: OutcomeRecord) -> Result<State, JournalError> {
        self.write(move |connection| items::close_attempt(connection, &record)).await
    }

    async fn record_inquiry(&self, inquiry: InquiryResult) -> Result<State, JournalError> {
        self.write(move |connection| items::inquired(connection, &inquiry)).await
    }

    async fn give_up(&self, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
        self.write(move |connection| items::give_up(connection, item, at)).await
    }

    async fn recover(&self, at: Timestamp) -> Result<u64, JournalError> {
        self.write(move |connection| items::recover(connection, at)).await
    }

    async fn finish_run(&self, finished: Finished) -> Result<(), JournalError> {
        self.write(move |connection| runs::finish(connection, &finished)).await
    }

    async fn known(
        &self,
        account: &Account,
        invoices: Vec<InvoiceNumber>,
    ) -> Result<HashMap<InvoiceNumber, Item>, JournalError> {
        let account = account.clone();
        self.read(move |connection| items::known(connection, &account, &invoices)).await
    }

    async fn items_in(
        &self,
        account: &Account,
        job: &str,
        states: &'static [State],
    ) -> Result<Vec<Item>, JournalError> {
        let (account, job) = (account.clone(), job.to_owned());
        self.read(move |connection| items::of_job(connection, &account, &job, states)).await
    }

    async fn rows(&self, run: &RunId) -> Result<Vec<RowRecord>, JournalError> {
        let run = run.clone();
        self.read(move |connection| runs::rows(connection, &run)).await
    }

    async fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        self.read(runs::all).await
    }

    async fn history(&self, invoice: &InvoiceNumber) -> Result<Vec<(Item, Vec<Attempt>)>, JournalError> {
        let invoice = invoice.clone();
        self.read(move |connection| items::history(connection, &invoice)).await
    }
}
