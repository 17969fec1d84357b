//! The event log as a table: entries are added in the transaction that changes the item, and never touched again.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failed;
use crate::journal::JournalError;
use crate::journal::log::{Entry, GENESIS, Hash, chained};
use crate::journal::record::ItemId;
use crate::model::time::{self, Timestamp};

/// The last entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Its number, from 1; 0 if there is none.
    pub(super) seq: i64,
    /// When it happened, as it is stored; empty if there is none.
    pub(super) at: Arc<str>,
    /// Its hash.
    pub(super) hash: Hash,
}

/// The last entry, or that none is there.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let last = connection
        .prepare_cached("SELECT seq, at, hash FROM event ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { seq: row.get(0)?, at: row.get(1)?, hash: row.get(2)? }))
        .optional()?;
    Ok(last.unwrap_or(Head { seq: 0, at: Arc::default(), hash: GENESIS }))
}

/// Adds an entry; the caller's commit makes it durable.
pub(super) fn append(
    connection: &Connection,
    at: Timestamp,
    item: Option<ItemId>,
    entry: &Entry,
) -> Result<(), JournalError> {
    head(connection)
        .and_then(|last| insert(connection, &last, time::stored(at).into(), item, entry))
        .map(drop)
        .map_err(failed)
}

/// The same behind the last entry, which the caller knows; the new one is the last one then.
pub(super) fn insert(
    connection: &Connection,
    last: &Head,
    at: Arc<str>,
    item: Option<ItemId>,
    entry: &Entry,
) -> rusqlite::Result<Head> {
    let data = serde_json::to_string(entry).expect("an entry is texts and numbers");
    let seq = last.seq + 1;
    let hash = chained(&last.hash, seq, &at, item, &data);
    connection
        .prepare_cached("INSERT OR FAIL INTO event (at, item, data, hash) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![at, item.map(|item| item.0), data, hash])?;
    // SQLite gives the next number; one that is given costs it a copy of each page.
    if connection.last_insert_rowid() != seq {
        return Err(rusqlite::Error::IntegralValueOutOfRange(0, seq));
    }
    Ok(Head { seq, at, hash })
}

/// All entries by which work went on with a journal that lacked some, or was ahead of the clock, in their order.
pub(super) fn accepted(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = connection.prepare(
        "SELECT data FROM event WHERE item IS NULL AND json_extract(data, '$.kind') = 'accepted' ORDER BY seq",
    )?;
    statement.query_map([], |row| super::look::checked(row, 0, |text| serde_json::from_str(text).ok()))?.collect()
}
