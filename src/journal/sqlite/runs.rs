//! Runs and their input rows.

use rusqlite::{Connection, params};

use super::items::{ITEM_COLUMNS, checked, read_item_at};
use crate::journal::JournalError;
use crate::journal::record::{Finished, NewRow, NewRun, RowFate, RowRecord, RunRecord};
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::Rupiah;
use crate::model::time::{self, Zone};

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn failed(error: rusqlite::Error) -> JournalError {
    JournalError::Write(error.to_string())
}

/// Writes a run and all its rows; the journal's count makes its name unique.
pub(super) fn begin(connection: &Connection, run: &NewRun) -> Result<RunId, JournalError> {
    connection
        .execute(
            "INSERT INTO run (job, environment, client_id, operation, started_at, delimiter, header, rows) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                run.job,
                run.account.environment.word(),
                run.account.client_id.as_str(),
                run.account.operation.word(),
                time::stored(run.started_at),
                run.delimiter,
                serde_json::to_string(&run.header).expect("a list of texts"),
                (run.rows.len() as u64).cast_signed(),
            ],
        )
        .map_err(failed)?;
    let id = connection.last_insert_rowid();
    let name = format!("{}-{id:04}", Zone::WIB.local(run.started_at).format("%Y%m%d-%H%M%S"));
    connection.execute("UPDATE run SET name = ?2 WHERE id = ?1", params![id, name]).map_err(failed)?;
    let mut insert = connection
        .prepare(
            "INSERT INTO run_row (run, number, line, raw, invoice, rupiah, fate, reason) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .map_err(failed)?;
    for row in &run.rows {
        insert
            .execute(params![
                id,
                row.number.cast_signed(),
                row.line.cast_signed(),
                row.raw,
                row.invoice.as_ref().map(InvoiceNumber::as_str),
                row.rupiah.whole().cast_signed(),
                row.fate.word(),
                row.reason,
            ])
            .map_err(failed)?;
    }
    Ok(RunId::new(&name).expect("digits and hyphens are a run id"))
}

pub(super) fn finish(connection: &Connection, finished: &Finished) -> Result<(), JournalError> {
    connection
        .execute(
            "UPDATE run SET finished_at = ?2, exit_code = ?3 WHERE name = ?1",
            params![finished.run.as_str(), time::stored(finished.at), finished.exit_code],
        )
        .map(drop)
        .map_err(failed)
}

/// The rows of a run with the latest generation of their items.
pub(super) fn rows(connection: &Connection, run: &RunId) -> rusqlite::Result<Vec<RowRecord>> {
    let item_columns = ITEM_COLUMNS.split(", ").map(|column| format!("i.{}", column.trim())).collect::<Vec<_>>();
    let mut statement = connection.prepare(&format!(
        "SELECT r.number, r.line, r.raw, r.invoice, r.rupiah, r.fate, r.reason, {} \
         FROM run JOIN run_row r ON r.run = run.id \
         LEFT JOIN item i ON r.fate IN ('send', 'settled', 'continue') AND i.environment = run.environment \
             AND i.client_id = run.client_id AND i.operation = run.operation AND i.invoice = r.invoice \
             AND i.generation = (SELECT max(generation) FROM item l WHERE l.environment = run.environment \
                 AND l.client_id = run.client_id AND l.operation = run.operation AND l.invoice = r.invoice) \
         WHERE run.name = ?1 ORDER BY r.number",
        item_columns.join(", ")
    ))?;
    let read = |row: &rusqlite::Row<'_>| {
        let has_item = !matches!(row.get_ref(7)?, rusqlite::types::ValueRef::Null);
        let fate =
            checked(row, 5, |word| RowFate::WORDS.iter().find(|(known, _)| *known == word).map(|(_, fate)| *fate))?;
        let invoice = row.get::<_, Option<String>>(3)?;
        Ok(RowRecord {
            row: NewRow {
                number: row.get::<_, i64>(0)?.cast_unsigned(),
                line: row.get::<_, i64>(1)?.cast_unsigned(),
                raw: row.get(2)?,
                invoice: invoice.as_deref().and_then(|text| InvoiceNumber::new(text).ok()),
                rupiah: Rupiah::new(row.get::<_, i64>(4)?.cast_unsigned()),
                fate,
                reason: row.get(6)?,
            },
            item: if has_item { Some(read_item_at(row, 7)?) } else { None },
        })
    };
    statement.query_map([run.as_str()], read)?.collect()
}

/// All runs, the newest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<RunRecord>> {
    let mut statement = connection.prepare(
        "SELECT name, job, operation, environment, started_at, finished_at, exit_code, rows, \
         (SELECT count(*) FROM item WHERE item.run = run.name AND state IN ('intent', 'unknown', 'review', 'conflict')) \
         FROM run ORDER BY id DESC",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(RunRecord {
            run: checked(row, 0, |text| RunId::new(text).ok())?,
            job: row.get(1)?,
            operation: row.get(2)?,
            environment: row.get(3)?,
            started_at: checked(row, 4, time::parse_instant)?,
            finished_at: row.get::<_, Option<String>>(5)?.as_deref().and_then(time::parse_instant),
            exit_code: row.get(6)?,
            rows: row.get::<_, i64>(7)?.cast_unsigned(),
            in_doubt: row.get::<_, i64>(8)?.cast_unsigned(),
        })
    };
    statement.query_map([], read)?.collect()
}
