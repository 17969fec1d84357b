//! Runs and their input rows.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failed;
use super::look::{checked, item_columns, read_item_at};
use crate::journal::JournalError;
use crate::journal::cause::Cause;
use crate::journal::history::PlanUse;
use crate::journal::log::Entry;
use crate::journal::record::{Finished, NewRow, NewRun, PlanRun, RowFate, RowRecord, RunRecord};
use crate::journal::rules::words::unsettled;
use crate::journal::rules::{self, RowsDigest, ended_before};
use crate::journal::story::Mention;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::Rupiah;
use crate::model::time::{self, Timestamp};

/// Writes a run and all its rows; returns its name and the SHA-256 over the rows.
pub(super) fn insert(connection: &Connection, run: &NewRun) -> Result<(RunId, String), JournalError> {
    connection
        .execute(
            "INSERT INTO run (job, environment, client_id, operation, started_at, delimiter, header, rows, \
             horizon_seconds, input_sha256, most_orders_per_day, most_rupiah_per_day) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                run.job,
                run.account.environment.word(),
                run.account.client_id.as_str(),
                run.account.operation.word(),
                time::stored(run.started_at),
                run.delimiter,
                serde_json::to_string(&run.header).expect("a list of texts"),
                run.rows.count().cast_signed(),
                run.horizon.as_secs().cast_signed(),
                run.terms.input_sha256,
                run.terms.caps.orders.map(u64::cast_signed),
                run.terms.caps.rupiah.map(u64::cast_signed),
            ],
        )
        .map_err(failed)?;
    let id = connection.last_insert_rowid();
    let name = rules::name(run.started_at, id);
    connection.execute("UPDATE run SET name = ?2 WHERE id = ?1", params![id, name.as_str()]).map_err(failed)?;
    let mut insert = connection
        .prepare(
            "INSERT INTO run_row (run, number, line, raw, invoice, rupiah, fate, reason) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .map_err(failed)?;
    let mut digest = RowsDigest::default();
    run.rows.each(&mut |row| {
        digest.take(row);
        let inserted = insert.execute(params![
            id,
            row.number.cast_signed(),
            row.line.cast_signed(),
            &*row.raw,
            row.invoice.as_ref().map(InvoiceNumber::as_str),
            row.rupiah.whole().cast_signed(),
            row.fate.word(),
            row.reason,
        ]);
        inserted.map(drop).map_err(failed)
    })?;
    Ok((name, digest.hex()))
}

/// The runs that executed a saved plan, the oldest first, as the log has them.
pub(super) fn of_plan(connection: &Connection, digest: &str) -> rusqlite::Result<Vec<PlanRun>> {
    let mut began = connection.prepare(
        "SELECT json_extract(data, '$.run') FROM event WHERE item IS NULL AND json_extract(data, '$.kind') = 'run_began' \
         AND json_extract(data, '$.plan.digest') = ?1 ORDER BY seq",
    )?;
    let mut ended = connection.prepare(
        "SELECT json_extract(data, '$.exit_code') FROM event WHERE item IS NULL AND json_extract(data, '$.kind') = 'run_ended' \
         AND json_extract(data, '$.run') = ?1 ORDER BY seq DESC LIMIT 1",
    )?;
    let names = began.query_map([digest], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let with_end = |run: String| {
        let exit_code = ended.query_row([&run], |row| row.get(0)).optional()?;
        Ok(PlanRun { run, exit_code })
    };
    names.into_iter().map(with_end).collect()
}

/// The saved plan that a run executed; `None` if it made its own.
pub(super) fn plan_of(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<PlanUse>> {
    let mut statement = connection.prepare(
        "SELECT data FROM event WHERE item IS NULL AND json_extract(data, '$.kind') = 'run_began' \
         AND json_extract(data, '$.run') = ?1",
    )?;
    let read = |row: &rusqlite::Row<'_>| checked(row, 0, |text| serde_json::from_str::<Entry>(text).ok());
    Ok(match statement.query_row([run.as_str()], read).optional()? {
        Some(Entry::RunBegan { plan, .. }) => plan.map(|plan| *plan),
        Some(_) | None => None,
    })
}

/// Writes the end of a run.
pub(super) fn end(connection: &Connection, finished: &Finished) -> Result<(), JournalError> {
    let ended = connection
        .execute(
            "UPDATE run SET finished_at = ?2, exit_code = ?3 WHERE name = ?1 AND finished_at IS NULL",
            params![finished.run.as_str(), time::stored(finished.at), finished.exit_code],
        )
        .map_err(failed)?;
    if ended == 1 { Ok(()) } else { Err(ended_before(&finished.run)) }
}

/// The rows of a run with the latest generation of their items: at most `most` of them behind a row.
pub(super) fn rows(connection: &Connection, run: &RunId, behind: u64, most: u32) -> rusqlite::Result<Vec<RowRecord>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT r.number, r.line, r.raw, r.invoice, r.rupiah, r.fate, r.reason, {} \
         FROM run JOIN run_row r ON r.run = run.id \
         LEFT JOIN item i ON r.fate IN ('send', 'settled', 'continue') AND i.environment = run.environment \
             AND i.client_id = run.client_id AND i.operation = run.operation AND i.invoice = r.invoice \
             AND i.generation = (SELECT max(generation) FROM item l WHERE l.environment = run.environment \
                 AND l.client_id = run.client_id AND l.operation = run.operation AND l.invoice = r.invoice) \
         WHERE run.name = ?1 AND r.number > ?2 ORDER BY r.number LIMIT ?3",
        item_columns("i")
    ))?;
    let read = |row: &rusqlite::Row<'_>| {
        let has_item = !matches!(row.get_ref(7)?, rusqlite::types::ValueRef::Null);
        Ok(RowRecord { row: read_row(row)?, item: if has_item { Some(read_item_at(row, 7)?) } else { None } })
    };
    statement.query_map(params![run.as_str(), behind.cast_signed(), most], read)?.collect()
}

/// The horizon of a run; `None` if it is not known.
pub(super) fn horizon(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<Duration>> {
    let read = |row: &rusqlite::Row<'_>| Ok(Duration::from_secs(row.get::<_, i64>(0)?.unsigned_abs()));
    connection.query_row("SELECT horizon_seconds FROM run WHERE name = ?1", [run.as_str()], read).optional()
}

/// Shows every row of a run, in order.
pub(super) fn each_row(connection: &Connection, run: i64, mut show: impl FnMut(&NewRow)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT number, line, raw, invoice, rupiah, fate, reason FROM run_row WHERE run = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        show(&read_row(row)?);
    }
    Ok(())
}

/// Reads the columns number, line, raw, invoice, rupiah, fate and reason, which come first.
fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<NewRow> {
    let fate = checked(row, 5, |word| RowFate::WORDS.iter().find(|(known, _)| *known == word).map(|(_, fate)| *fate))?;
    let invoice = row.get::<_, Option<String>>(3)?;
    Ok(NewRow {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        line: row.get::<_, i64>(1)?.cast_unsigned(),
        raw: row.get(2)?,
        invoice: invoice.as_deref().and_then(|text| InvoiceNumber::new(text).ok()),
        rupiah: Rupiah::new(row.get::<_, i64>(4)?.cast_unsigned()),
        fate,
        reason: row.get(6)?,
    })
}

/// The rows of all runs that name an invoice, in the order of the runs.
pub(super) fn mentions(connection: &Connection, invoice: &InvoiceNumber) -> rusqlite::Result<Vec<Mention>> {
    let mut statement = connection.prepare(
        "SELECT r.number, r.line, r.raw, r.invoice, r.rupiah, r.fate, r.reason, run.name, run.started_at \
         FROM run_row r JOIN run ON run.id = r.run WHERE r.invoice = ?1 ORDER BY r.run, r.number",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        let run = checked(row, 7, |text| RunId::new(text).ok())?;
        Ok(Mention { run, at: checked(row, 8, time::parse_instant)?, row: read_row(row)? })
    };
    statement.query_map([invoice.as_str()], read)?.collect()
}

/// When the last request of a run left; `None` if none did.
pub(super) fn last_sent(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<Timestamp>> {
    let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
    let last = connection.query_row("SELECT max(sent_at) FROM attempt WHERE run = ?1", [run.as_str()], read)?;
    Ok(last.as_deref().and_then(time::parse_instant))
}

/// All runs, the newest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<RunRecord>> {
    let mut statement = connection.prepare(&format!(
        "WITH doubt AS (SELECT a.run, count(DISTINCT a.item) AS items FROM item i JOIN event e ON e.item = i.id \
             JOIN attempt a ON a.id = json_extract(e.data, '$.attempt') \
             WHERE {} GROUP BY a.run), \
         ended AS (SELECT json_extract(data, '$.run') AS run, json_extract(data, '$.stopped') AS stopped, max(seq) FROM event \
             WHERE item IS NULL AND json_extract(data, '$.kind') = 'run_ended' GROUP BY 1), \
         noted AS (SELECT json_extract(data, '$.run') AS run, json_extract(data, '$.why') AS why, max(seq) FROM event \
             WHERE item IS NULL AND json_extract(data, '$.kind') = 'run_stopped' GROUP BY 1) \
         SELECT name, job, operation, environment, started_at, finished_at, exit_code, rows, coalesce(doubt.items, 0), \
             ended.stopped, noted.why \
         FROM run LEFT JOIN doubt ON doubt.run = run.name LEFT JOIN ended ON ended.run = run.name \
             LEFT JOIN noted ON noted.run = run.name ORDER BY id DESC",
        unsettled("i.state")
    ))?;
    let read = |row: &rusqlite::Row<'_>| {
        let exit_code: Option<u8> = row.get(6)?;
        let stopped = row.get::<_, Option<String>>(9)?.and_then(|text| serde_json::from_str(&text).ok());
        let noted = row.get::<_, Option<String>>(10)?.filter(|_| exit_code != Some(0));
        Ok(RunRecord {
            run: checked(row, 0, |text| RunId::new(text).ok())?,
            job: row.get(1)?,
            operation: row.get(2)?,
            environment: row.get(3)?,
            started_at: checked(row, 4, time::parse_instant)?,
            finished_at: row.get::<_, Option<String>>(5)?.as_deref().and_then(time::parse_instant),
            exit_code,
            stopped: stopped.or(noted.map(|word| Cause::Noted { word })),
            rows: row.get::<_, i64>(7)?.cast_unsigned(),
            in_doubt: row.get::<_, i64>(8)?.cast_unsigned(),
        })
    };
    statement.query_map([], read)?.collect()
}

/// The latest run, if it has not come to its end.
pub(super) fn unfinished(connection: &Connection) -> rusqlite::Result<Option<RunId>> {
    let latest = "SELECT name FROM run WHERE exit_code IS NULL AND id = (SELECT max(id) FROM run)";
    connection.query_row(latest, [], |row| checked(row, 0, |text| RunId::new(text).ok())).optional()
}
