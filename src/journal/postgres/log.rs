//! What the journal is asked of its log as a whole.

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::ask::{asked, each};
use super::look::{checked, get};
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::log::{Entry, hex};
use crate::journal::record::Head;
use crate::model::ids::RunId;
use crate::model::time;

/// Entries of no item of one kind, in their order; of one run, if one is named.
pub(super) async fn entries(client: &Client, kind: &str, run: Option<&RunId>) -> Result<Vec<Entry>, Undone> {
    let statement = "SELECT data FROM event WHERE item IS NULL AND data::json ->> 'kind' = $1 \
         AND ($2::text IS NULL OR data::json ->> 'run' = $2) ORDER BY seq";
    let rows = asked(client, statement, &[&kind, &run.map(RunId::as_str)]).await?;
    each(&rows, |row| checked(row, 0, |text| serde_json::from_str(text).ok()))
}

/// All entries by which work went on with a journal that lacked some, or was ahead of the clock, in their order.
pub(super) async fn accepted(client: &Client) -> Result<Vec<Entry>, Undone> {
    entries(client, "accepted", None).await
}

/// The last entry.
pub(super) async fn head(client: &Client) -> Result<Option<Head>, Undone> {
    let rows = asked(client, "SELECT seq, at, hash FROM event ORDER BY seq DESC LIMIT 1", &[]).await?;
    let read = |row: &Row| {
        let at = checked(row, 1, time::parse_instant)?;
        Ok::<Head, JournalError>(Head { seq: get(row, 0)?, at, hash: hex(get(row, 2)?) })
    };
    Ok(rows.first().map(read).transpose()?)
}

/// Whether the log holds an entry of this hash, at this place if one is named.
pub(super) async fn holds(client: &Client, seq: Option<i64>, hash: &[u8]) -> Result<bool, Undone> {
    let statement = "SELECT 1 FROM event WHERE hash = $1 AND ($2::bigint IS NULL OR seq = $2) LIMIT 1";
    Ok(!asked(client, statement, &[&hash, &seq]).await?.is_empty())
}

/// A hash that is written in hex; `None` if it is none.
pub(super) fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}
