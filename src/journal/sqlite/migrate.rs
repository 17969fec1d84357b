//! Carrying an older journal over to the present tables, in one transaction, after a copy of it was made.
//!
//! One step leads from each version to the next. Version 1 had no event log: every run and every item enters the log as it
//! stands. Version 2 knew neither the input of a run nor the sums of a business day. Version 3 had more indexes, and looked
//! for what items and entries name before the end of a transaction.

use std::path::Path;

use rusqlite::{Connection, params};

use super::copy::written;
use super::file::{beside, unusable};
use super::log::append;
use super::look::facts_of;
use super::runs::each_row;
use super::{days, failed, schema};
use crate::journal::JournalError;
use crate::journal::history::DayCaps;
use crate::journal::log::{Carried, Entry, Made, sha256};
use crate::journal::record::ItemId;
use crate::journal::rules::{RowsDigest, answer_sha256};
use crate::model::time::{self, Timestamp};

/// Carries a journal of an older version over.
pub(super) fn carry_over(path: &Path, connection: &Connection, version: i32) -> Result<(), JournalError> {
    let copy = beside(path, &format!(".version-{version}"));
    if !copy.exists() {
        written(connection, &copy, |_| Ok(()))?;
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    let carried = step_by_step(connection, version).and_then(|()| connection.execute_batch("COMMIT").map_err(failed));
    if carried.is_err() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    carried.map_err(|error| unusable(path, &format!("it could not be carried over from version {version}: {error}")))
}

type Step = fn(&Connection) -> Result<(), JournalError>;

/// From each version to the next, from 1 on.
const STEPS: [Step; 3] = [from_version_1, from_version_2, from_version_3];

fn step_by_step(connection: &Connection, version: i32) -> Result<(), JournalError> {
    for (from, step) in (1..).zip(STEPS) {
        if from >= version {
            step(connection)?;
        }
    }
    renew_triggers(connection)?;
    connection.execute_batch(&format!("PRAGMA user_version = {};", schema::VERSION)).map_err(failed)
}

/// The triggers of an older version may be others.
fn renew_triggers(connection: &Connection) -> Result<(), JournalError> {
    drop_all(connection, "trigger")?;
    connection.execute_batch(&schema::triggers()).map_err(failed)
}

fn drop_all(connection: &Connection, kind: &str) -> Result<(), JournalError> {
    let made = "SELECT name FROM sqlite_schema WHERE type = ?1 AND sql IS NOT NULL";
    let mut statement = connection.prepare(made).map_err(failed)?;
    let old: Vec<String> = statement.query_map([kind], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    for name in old {
        connection.execute_batch(&format!("DROP {kind} \"{}\"", name.replace('"', "\"\""))).map_err(failed)?;
    }
    Ok(())
}

/// Copies items, attempts and entries into the present tables, as they are.
fn from_version_3(connection: &Connection) -> Result<(), JournalError> {
    drop_all(connection, "trigger")?;
    drop_all(connection, "index")?;
    let tables = [
        (
            "item",
            "id, environment, client_id, operation, invoice, generation, amount, request_id, payment_reference, \
          refund_reference, body, body_sha256, state, reason, attempts, first_intent_at, last_sent_at, settled_at, \
          facts, job, run",
        ),
        (
            "attempt",
            "id, item, run, kind, request_id, sent_at, ended_at, outcome, reason, facts, answer_headers, \
          answer_body",
        ),
        ("event", "seq, at, item, data, hash"),
    ];
    let batch = |sql: String| connection.execute_batch(&sql).map_err(failed);
    // What names an item goes first and comes last.
    for (table, _) in tables.iter().rev() {
        batch(format!("ALTER TABLE {table} RENAME TO {table}_of_version_3"))?;
    }
    batch(format!("{} {}", schema::items(), schema::LOG))?;
    for (table, columns) in tables {
        batch(format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_of_version_3 ORDER BY 1"))?;
    }
    for (table, _) in tables.iter().rev() {
        batch(format!("DROP TABLE {table}_of_version_3"))?;
    }
    Ok(())
}

fn from_version_2(connection: &Connection) -> Result<(), JournalError> {
    connection
        .execute_batch(&format!(
            "ALTER TABLE run ADD COLUMN input_sha256 TEXT; \
             ALTER TABLE run ADD COLUMN most_orders_per_day INTEGER; \
             ALTER TABLE run ADD COLUMN most_rupiah_per_day INTEGER; {} \
             INSERT INTO day (environment, client_id, operation, date, orders, rupiah) {};",
            schema::DAY,
            days::OF_ITEMS
        ))
        .map_err(failed)
}

fn from_version_1(connection: &Connection) -> Result<(), JournalError> {
    connection
        .execute_batch(&format!(
            "ALTER TABLE run ADD COLUMN horizon_seconds INTEGER NOT NULL DEFAULT 86400; \
             ALTER TABLE item ADD COLUMN body_sha256 TEXT NOT NULL DEFAULT ''; \
             CREATE INDEX item_refused ON item (operation) WHERE state IN ('refused', 'ruled_not_done'); {}",
            schema::LOG
        ))
        .map_err(failed)?;
    runs(connection)?;
    items(connection)?;
    attempts(connection)
}

fn runs(connection: &Connection) -> Result<(), JournalError> {
    type Run = (i64, String, String, Timestamp, Option<Timestamp>, Option<u8>);
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Run> {
        let ended: Option<String> = row.get(4)?;
        let started = super::look::checked(row, 3, time::parse_instant)?;
        let ended = ended.as_deref().and_then(time::parse_instant);
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, started, ended, row.get(5)?))
    };
    let mut statement = connection
        .prepare("SELECT id, name, job, started_at, finished_at, exit_code FROM run ORDER BY id")
        .map_err(failed)?;
    for run in statement.query_map([], read).map_err(failed)? {
        let (id, run, job, started_at, ended_at, exit_code) = run.map_err(failed)?;
        let (mut digest, mut rows) = (RowsDigest::default(), 0);
        each_row(connection, id, |row| {
            digest.take(row);
            rows += 1;
        })
        .map_err(failed)?;
        append(
            connection,
            started_at,
            None,
            &Entry::RunBegan {
                run: run.clone(),
                job,
                rows,
                rows_sha256: digest.hex(),
                input_sha256: None,
                caps: DayCaps::default(),
                plan: None,
            },
        )?;
        if let (Some(at), Some(exit_code)) = (ended_at, exit_code) {
            append(connection, at, None, &Entry::RunEnded { run, exit_code, stopped: None })?;
        }
    }
    Ok(())
}

fn items(connection: &Connection) -> Result<(), JournalError> {
    let mut statement = connection
        .prepare(
            "SELECT id, run, job, environment, client_id, operation, invoice, generation, amount, payment_reference, \
             body, state, reason, attempts, first_intent_at, last_sent_at, settled_at, facts FROM item ORDER BY id",
        )
        .map_err(failed)?;
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(i64, Carried)> {
        let made = Made {
            run: row.get(1)?,
            job: row.get(2)?,
            environment: row.get(3)?,
            client_id: row.get(4)?,
            operation: row.get(5)?,
            invoice: row.get(6)?,
            generation: row.get(7)?,
            amount: row.get::<_, i64>(8)?.cast_unsigned(),
            payment_reference: row.get(9)?,
            body_sha256: sha256(row.get_ref(10)?.as_blob()?).into(),
            attempt: None,
            reopened: None,
        };
        Ok((
            row.get(0)?,
            Carried {
                made,
                state: row.get(11)?,
                reason: row.get(12)?,
                attempts: row.get(13)?,
                first_intent_at: row.get(14)?,
                last_sent_at: row.get(15)?,
                settled_at: row.get(16)?,
                facts: facts_of(row, 17)?.into(),
            },
        ))
    };
    let carried: Vec<(i64, Carried)> = statement.query_map([], read).and_then(Iterator::collect).map_err(failed)?;
    for (id, carried) in carried {
        connection
            .execute("UPDATE item SET body_sha256 = ?2 WHERE id = ?1", params![id, carried.made.body_sha256])
            .map_err(failed)?;
        let at = time::parse_instant(&carried.last_sent_at)
            .ok_or_else(|| JournalError::Write(format!("item {id} has no time")))?;
        append(connection, at, Some(ItemId(id)), &Entry::Carried(Box::new(carried)))?;
    }
    Ok(())
}

/// The answers that are kept: from now on the log knows them.
fn attempts(connection: &Connection) -> Result<(), JournalError> {
    let mut statement = connection
        .prepare("SELECT id, item, ended_at, answer_headers, answer_body FROM attempt WHERE ended_at IS NOT NULL ORDER BY id")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let read = || -> rusqlite::Result<(i64, i64, Timestamp, Option<String>)> {
            let (headers, body): (Option<String>, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?);
            let at = super::look::checked(row, 2, time::parse_instant)?;
            Ok((row.get(0)?, row.get(1)?, at, answer_sha256(headers.as_deref(), body.as_deref())))
        };
        let (attempt, item, at, answer_sha256) = read().map_err(failed)?;
        append(connection, at, Some(ItemId(item)), &Entry::AnswerCarried { attempt, answer_sha256 })?;
    }
    Ok(())
}
