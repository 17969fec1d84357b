//! What guards ask the journal about earlier runs.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::days;
use super::look::checked;
use crate::journal::Account;
use crate::journal::history::{Asked, History, Overridden, SameInput};
use crate::journal::log::Entry;
use crate::journal::rules::date;
use crate::journal::state::State;
use crate::model::ids::RunId;
use crate::model::money::{Rupiah, Tally};
use crate::model::time;

/// What the journal remembers for the plan of a job.
pub(super) fn history(connection: &Connection, account: &Account, asked: &Asked) -> rusqlite::Result<History> {
    let date = date(asked.now);
    Ok(History {
        today: days::begun(connection, account, &date)?,
        date,
        runs: runs(connection, account, asked)?,
        same_input: match &asked.input_sha256 {
            Some(input) => same_input(connection, account, &asked.job, input)?,
            None => None,
        },
    })
}

/// What the last runs of the job sent. A run that stopped part-way (exit code 4) or was cut off is no measure of what is
/// usual, and one that sent nothing neither.
fn runs(connection: &Connection, account: &Account, asked: &Asked) -> rusqlite::Result<Vec<Tally>> {
    let sent = "FROM item i WHERE i.run = r.name AND i.state <> 'planned'";
    let mut statement = connection.prepare(&format!(
        "SELECT (SELECT count(*) {sent}), (SELECT sum(amount) {sent}) FROM run r \
         WHERE r.job = ?1 AND r.environment = ?2 AND r.client_id = ?3 AND r.operation = ?4 AND r.exit_code IN (0, 1, 3) \
             AND EXISTS (SELECT 1 {sent}) \
         ORDER BY r.id DESC LIMIT ?5"
    ))?;
    let read = |row: &rusqlite::Row<'_>| {
        let (count, rupiah): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(Tally { count: count.cast_unsigned(), rupiah: Rupiah::new(rupiah.cast_unsigned()) })
    };
    statement
        .query_map(
            params![
                asked.job,
                account.environment.word(),
                account.client_id.as_str(),
                account.operation.word(),
                asked.runs
            ],
            read,
        )?
        .collect()
}

/// The last finished run with an input, and how many of its rows are open.
fn same_input(
    connection: &Connection,
    account: &Account,
    job: &str,
    input: &str,
) -> rusqlite::Result<Option<SameInput>> {
    let found = connection
        .query_row(
            "SELECT id, name, finished_at FROM run WHERE job = ?1 AND environment = ?2 AND client_id = ?3 \
             AND operation = ?4 AND input_sha256 = ?5 AND exit_code IN (0, 1) ORDER BY id DESC LIMIT 1",
            params![job, account.environment.word(), account.client_id.as_str(), account.operation.word(), input],
            |row| {
                let run = checked(row, 1, |text| RunId::new(text).ok())?;
                Ok((row.get::<_, i64>(0)?, run, checked(row, 2, time::parse_instant)?))
            },
        )
        .optional()?;
    let Some((id, run, finished_at)) = found else { return Ok(None) };
    let settled: Vec<String> =
        State::ALL.into_iter().filter(|state| state.is_terminal()).map(|state| format!("'{}'", state.word())).collect();
    let open: i64 = connection.query_row(
        &format!(
            "SELECT count(*) FROM run_row r WHERE r.run = ?1 AND (r.fate = 'held' OR r.fate IN ('send', 'settled', 'continue') \
             AND coalesce((SELECT i.state FROM item i WHERE i.environment = ?2 AND i.client_id = ?3 AND i.operation = ?4 \
                 AND i.invoice = r.invoice ORDER BY i.generation DESC LIMIT 1), '') NOT IN ({}))",
            settled.join(", ")
        ),
        params![id, account.environment.word(), account.client_id.as_str(), account.operation.word()],
        |row| row.get(0),
    )?;
    Ok(Some(SameInput { run, finished_at, open: open.cast_unsigned() }))
}

/// The guards that were loosened for a run.
pub(super) fn overrides(connection: &Connection, run: &RunId) -> rusqlite::Result<Vec<Overridden>> {
    let mut statement = connection.prepare(
        "SELECT data FROM event WHERE item IS NULL AND json_extract(data, '$.kind') = 'overridden' \
         AND json_extract(data, '$.run') = ?1 ORDER BY seq",
    )?;
    let read = |row: &rusqlite::Row<'_>| checked(row, 0, |text| serde_json::from_str::<Entry>(text).ok());
    let entries: Vec<Entry> = statement.query_map([run.as_str()], read)?.collect::<rusqlite::Result<_>>()?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Overridden { what, .. } => Some(what),
            _ => None,
        })
        .collect())
}
