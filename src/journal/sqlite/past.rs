//! Reading the calls of late, the newest first and no further back than they matter.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::look::{checked, facts_of};
use crate::journal::Account;
use crate::journal::past::{LookingBack, Past, Reach, call};
use crate::model::ids::RunId;
use crate::model::time::{self, Timestamp};

/// What is known of the account's calls before a run, whatever the operation.
pub(super) fn past(
    connection: &Connection,
    account: &Account,
    run: &RunId,
    reach: Reach,
    now: Timestamp,
) -> rusqlite::Result<Past> {
    let mut looking = LookingBack::new(reach, now, stopped(connection, account)?);
    let mut statement = connection.prepare(
        "SELECT a.run, a.kind, a.sent_at, a.ended_at, a.outcome, a.facts, a.answer_headers \
         FROM attempt a CROSS JOIN item i ON i.id = a.item \
         WHERE i.environment = ?1 AND i.client_id = ?2 ORDER BY a.id DESC",
    )?;
    let mut rows = statement.query(params![account.environment.word(), account.client_id.as_str()])?;
    while let Some(row) = rows.next()? {
        let sent_at = checked(row, 2, time::parse_instant)?;
        if !looking.wants(sent_at) {
            break;
        }
        let ended_at = row.get_ref(3)?.as_str_or_null()?.and_then(time::parse_instant);
        let facts = facts_of(row, 5)?;
        let headers = row.get_ref(6)?.as_str_or_null()?;
        let call = checked(row, 4, |outcome| call(sent_at, ended_at, outcome, &facts, headers))?;
        looking.take(row.get_ref(0)?.as_str()?, call);
    }
    Ok(looking.finish(was_cut_off(connection, account, run)?))
}

/// The last run of the account that was stopped for the provider's sake, and why.
fn stopped(connection: &Connection, account: &Account) -> rusqlite::Result<Option<(String, String)>> {
    connection
        .prepare(
            "SELECT run.name, json_extract(e.data, '$.why') FROM event e \
             JOIN run ON run.name = json_extract(e.data, '$.run') \
             WHERE e.item IS NULL AND json_extract(e.data, '$.kind') = 'run_stopped' \
             AND run.environment = ?1 AND run.client_id = ?2 ORDER BY e.seq DESC LIMIT 1",
        )?
        .query_row(params![account.environment.word(), account.client_id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// Whether the account's last run before this one has no end.
fn was_cut_off(connection: &Connection, account: &Account, run: &RunId) -> rusqlite::Result<bool> {
    let before = connection
        .prepare(
            "SELECT finished_at IS NULL FROM run WHERE environment = ?1 AND client_id = ?2 AND name <> ?3 \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![account.environment.word(), account.client_id.as_str(), run.as_str()], |row| row.get(0))
        .optional()?;
    Ok(before.unwrap_or(false))
}
