//! Carrying a journal from one store into another: every row as it is, and then the other side compared with its own log, and with
//! this one.

use super::JournalError;
use super::check::Checked;
use super::postgres::raw as shared;
use super::raw::{Row, TABLES, Table};
use super::sqlite::raw as embedded;
use super::store::{Location, Store};

/// What is read from.
enum Source<'a> {
    Sqlite(&'a super::sqlite::SqliteJournal),
    Postgres(Box<shared::Reading>),
}

/// What is written to.
enum Target {
    Sqlite(embedded::Filling),
    Postgres(shared::Filling),
}

/// Copies a journal, which this process holds so that nobody else writes, into a new one; returns what the check of the new one
/// found.
///
/// # Errors
/// The other place holds something, cannot be used, or does not hold what this one does. This one stays as it is.
pub async fn copy(journal: &Store, to: &Location) -> Result<Checked, JournalError> {
    let source = match journal {
        Store::Sqlite(journal) => Source::Sqlite(journal),
        Store::Postgres(journal) => Source::Postgres(Box::new(shared::Reading::begin(journal).await?)),
    };
    let target = match to {
        Location::File(path) => Target::Sqlite(embedded::Filling::begin(path)?),
        Location::Server { address, .. } => Target::Postgres(shared::Filling::begin(address).await?),
    };
    for table in &TABLES {
        let mut behind: Option<Row> = None;
        loop {
            let rows = source.rows(table, behind.as_ref()).await?;
            if rows.is_empty() {
                break;
            }
            target.fill(table, &rows).await?;
            behind = rows.into_iter().next_back();
        }
    }
    if let Source::Postgres(reading) = source {
        reading.end();
    }
    target.commit().await?;
    compare(journal, to).await
}

/// Both sides say the same, and each is the sum of its own log.
async fn compare(journal: &Store, to: &Location) -> Result<Checked, JournalError> {
    let wrong = |reason: String| JournalError::Unusable { path: to.to_string(), reason };
    let here = journal.check().await?;
    let there = match Store::open_to_examine(to).await? {
        Some(copied) => copied.check().await?,
        None => return Err(wrong("the copy is not there".to_owned())),
    };
    match there.flaws.first() {
        Some(flaw) => Err(wrong(format!("the copy is not whole: {flaw}"))),
        None if here == there => Ok(there),
        None => Err(wrong("the copy does not hold what the journal does".to_owned())),
    }
}

impl Source<'_> {
    async fn rows(&self, table: &Table, behind: Option<&Row>) -> Result<Vec<Row>, JournalError> {
        match self {
            Self::Sqlite(journal) => journal.raw_rows(table, behind),
            Self::Postgres(reading) => reading.rows(table, behind).await,
        }
    }
}

impl Target {
    async fn fill(&self, table: &Table, rows: &[Row]) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(filling) => filling.fill(table, rows),
            Self::Postgres(filling) => filling.fill(table, rows).await,
        }
    }

    async fn commit(self) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(filling) => filling.commit(),
            Self::Postgres(filling) => filling.commit().await,
        }
    }
}
