//! When the requests of a run were sent and answered.

use rusqlite::Connection;

use super::look::checked;
use crate::model::ids::RunId;
use crate::model::time::{self, Timestamp};

/// Shows the requests of the latest run, the newest first. They are the last of all, for one runner works at a time; a journal
/// of years is not read through for them.
pub(super) fn of_latest(
    connection: &Connection,
    run: &RunId,
    mut show: impl FnMut(Timestamp, Option<Timestamp>),
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare("SELECT run, sent_at, iif(answer_headers IS NULL, NULL, ended_at) FROM attempt ORDER BY id DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if row.get_ref(0)?.as_str()? != run.as_str() {
            break;
        }
        // What ended without an answer ran out of time, or was cut off.
        let ended_at = row.get_ref(2)?.as_str_or_null()?.and_then(time::parse_instant);
        show(checked(row, 1, time::parse_instant)?, ended_at);
    }
    Ok(())
}
