//! Shows the file to the check, in one moment for all statements, while a runner may be writing.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _};

use super::days;
use super::look::{self, ITEM_COLUMNS, read_item};
use super::runs;
use super::schema;
use crate::journal::check::{Answered, Checked, Depth, Terms};
use crate::journal::history::DayCaps;
use crate::journal::log;
use crate::journal::record::{Item, ItemId};
use crate::journal::rules::{RowsDigest, Sums, answer_sha256};
use crate::model::time;

/// Checks everything.
pub(super) fn everything(connection: &Connection) -> rusqlite::Result<Checked> {
    let moment = connection.unchecked_transaction()?;
    let (mut checked, mut began) = (Checked::begin(), HashMap::new());
    guards(&mut checked, &moment)?;
    chain(&mut checked, &moment, Depth::Everything, &mut began)?;
    items(&mut checked, &moment, Depth::Everything)?;
    rows(&mut checked, &moment, began)?;
    attempts(&mut checked, &moment)?;
    Ok(checked)
}

/// Checks one half of what a run relies on: its guards, and the chain of its log.
pub(super) fn guards_and_chain(connection: &Connection) -> rusqlite::Result<Checked> {
    let moment = connection.unchecked_transaction()?;
    let mut checked = Checked::begin();
    guards(&mut checked, &moment)?;
    chain(&mut checked, &moment, Depth::Items, &mut HashMap::new())?;
    Ok(checked)
}

/// Checks the other half: the items.
pub(super) fn items_alone(connection: &Connection) -> rusqlite::Result<Checked> {
    let moment = connection.unchecked_transaction()?;
    let mut checked = Checked::begin();
    items(&mut checked, &moment, Depth::Items)?;
    Ok(checked)
}

/// The triggers and the indexes that hold the promise are those of a new journal.
fn guards(checked: &mut Checked, connection: &Connection) -> rusqlite::Result<()> {
    let guards = |connection: &Connection| -> rusqlite::Result<BTreeMap<String, String>> {
        connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'index') AND sql IS NOT NULL")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    let new = Connection::open_in_memory()?;
    schema::create(&new)?;
    let (expected, found) = (guards(&new)?, guards(connection)?);
    for (name, sql) in &expected {
        if found.get(name) != Some(sql) {
            checked.flaw(format!("{name}: this guard of the journal is missing, or was changed"));
        }
    }
    for name in found.keys().filter(|name| !expected.contains_key(*name)) {
        checked.flaw(format!("{name}: is not of this program"));
    }
    Ok(())
}

fn chain(
    checked: &mut Checked,
    connection: &Connection,
    depth: Depth,
    began: &mut HashMap<String, Terms>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT seq, at, item, data, hash FROM event ORDER BY seq")?;
    let mut entries = statement.query([])?;
    while let Some(row) = entries.next()? {
        let (seq, item): (i64, Option<i64>) = (row.get(0)?, row.get(2)?);
        let data = row.get_ref(3)?.as_str()?;
        checked.link(seq, row.get_ref(1)?.as_str()?, item.map(ItemId), data, row.get_ref(4)?.as_blob()?);
        if depth == Depth::Everything
            && let Some((attempt, expected)) = checked.read(seq, data, began)
        {
            checked.answer(attempt, answer(connection, attempt)?, expected.as_deref());
        }
    }
    Ok(())
}

/// The hash of an attempt's answer; `None` if there is no such attempt.
fn answer(connection: &Connection, attempt: i64) -> rusqlite::Result<Option<Answered>> {
    connection
        .prepare_cached("SELECT answer_headers, answer_body FROM attempt WHERE id = ?1")?
        .query_row([attempt], |row| {
            let (headers, body): (Option<String>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
            Ok(Answered(answer_sha256(headers.as_deref(), body.as_deref())))
        })
        .optional()
}

/// Every attempt is in the log, and belongs to the item that the log says.
fn attempts(checked: &mut Checked, connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT a.id FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.item = a.item \
         AND json_extract(e.data, '$.attempt') = a.id) ORDER BY a.id LIMIT 20",
    )?;
    for attempt in statement.query_map([], |row| row.get::<_, i64>(0))? {
        checked.strange_attempt(attempt?);
    }
    Ok(())
}

/// Every item is the sum of its entries.
fn items(checked: &mut Checked, connection: &Connection, depth: Depth) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT item, seq, at, data FROM event WHERE item IS NOT NULL ORDER BY item, seq")?;
    let mut entries = statement.query([])?;
    let mut items = connection.prepare(&format!("SELECT {ITEM_COLUMNS}, body FROM item ORDER BY id"))?;
    let mut items = items.query([])?;
    let (mut folding, mut sums): (Option<Item>, Sums) = (None, Sums::default());
    loop {
        let entry = entries.next()?;
        let next_item = entry.map(|row| row.get(0)).transpose()?.map(ItemId);
        if let Some(item) = folding.take_if(|item| Some(item.id) != next_item) {
            let found = match items.next()? {
                None => None,
                Some(row) => {
                    let body = row.get_ref("body")?.as_blob()?;
                    let body = (depth == Depth::Everything).then(|| log::sha256(body));
                    Some((read_item(row).map_err(|error| error.to_string()), body))
                }
            };
            checked.compare(&item, found);
            sums.take(&item);
        }
        let (Some(row), Some(item)) = (entry, next_item) else { break };
        let when = (row.get(1)?, look::checked(row, 2, time::parse_instant)?);
        folding = checked.fold(folding.take(), item, when, row.get_ref(3)?.as_str()?);
        if folding.is_none() {
            return Ok(());
        }
    }
    if let Some(row) = items.next()? {
        checked.strange_item(row.get(0)?);
    }
    checked.days(sums, days::kept(connection)?);
    Ok(())
}

/// The rows of every run are those that it began with.
fn rows(checked: &mut Checked, connection: &Connection, mut logged: HashMap<String, Terms>) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare("SELECT id, name, input_sha256, most_orders_per_day, most_rupiah_per_day FROM run ORDER BY id")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let mut digest = RowsDigest::default();
        runs::each_row(connection, id, |row| digest.take(row))?;
        let found = Terms {
            rows_sha256: digest.hex(),
            input_sha256: row.get(2)?,
            caps: DayCaps {
                orders: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                rupiah: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
            },
        };
        checked.run(&name, &found, &mut logged);
    }
    checked.missing_runs(&logged);
    Ok(())
}
