//! Checking a journal against its own log: the chain of hashes, every item as the sum of its entries, and, if asked to look
//! at everything, every row and every kept answer against the hash that the log has of it.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::days;
use super::log::Head;
use super::look::{self, ITEM_COLUMNS, read_item};
use super::runs;
use super::schema;
use crate::journal::history::DayCaps;
use crate::journal::log::{self, Entry, GENESIS, chained};
use crate::journal::record::{Item, ItemId};
use crate::journal::rules::{RowsDigest, Sums, answer_sha256};
use crate::model::time;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What a run relies on: the chain, and the items.
    Items,
    /// The same, and all rows, bodies and answers.
    Everything,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    head: Head,
    /// Items looked at.
    pub items: u64,
    /// Runs looked at.
    pub runs: u64,
    /// What is wrong, the first few; empty if nothing.
    pub flaws: Vec<String>,
}

/// What the log says of a run.
#[derive(PartialEq, Eq)]
struct Began {
    rows_sha256: String,
    input_sha256: Option<String>,
    caps: DayCaps,
}

/// More flaws than these say no more.
const MOST_FLAWS: usize = 20;

/// Checks the whole journal.
pub(super) fn check(connection: &Connection, depth: Depth) -> rusqlite::Result<Checked> {
    // One moment for all statements, while a runner may be writing.
    let moment = connection.unchecked_transaction()?;
    let mut checked =
        Checked { head: Head { seq: 0, at: String::new(), hash: GENESIS }, items: 0, runs: 0, flaws: Vec::new() };
    let mut began = HashMap::new();
    checked.schema(&moment)?;
    checked.chain(&moment, depth, &mut began)?;
    checked.items(&moment, depth)?;
    if depth == Depth::Everything {
        checked.rows(&moment, began)?;
        checked.attempts(&moment)?;
    }
    checked.flaws.truncate(MOST_FLAWS);
    Ok(checked)
}

impl Checked {
    /// Entries of the log.
    #[must_use]
    pub const fn entries(&self) -> i64 {
        self.head.seq
    }

    /// The hash of the last entry, in hex.
    #[must_use]
    pub fn head(&self) -> String {
        log::hex(&self.head.hash)
    }

    fn flaw(&mut self, text: String) {
        if self.flaws.len() < MOST_FLAWS {
            self.flaws.push(text);
        }
    }

    /// The triggers and the indexes that hold the promise are those of a new journal.
    fn schema(&mut self, connection: &Connection) -> rusqlite::Result<()> {
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
                self.flaw(format!("{name}: this guard of the journal is missing, or was changed"));
            }
        }
        for name in found.keys().filter(|name| !expected.contains_key(*name)) {
            self.flaw(format!("{name}: is not of this program"));
        }
        Ok(())
    }

    /// Every entry follows from the one before.
    fn chain(
        &mut self,
        connection: &Connection,
        depth: Depth,
        began: &mut HashMap<String, Began>,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare("SELECT seq, at, item, data, hash FROM event ORDER BY seq")?;
        let mut entries = statement.query([])?;
        while let Some(row) = entries.next()? {
            let (seq, item): (i64, Option<i64>) = (row.get(0)?, row.get(2)?);
            let (at, data) = (row.get_ref(1)?.as_str()?, row.get_ref(3)?.as_str()?);
            let expected = chained(&self.head.hash, seq, at, item.map(ItemId), data);
            if seq != self.head.seq + 1 {
                self.flaw(format!("entry {}: is missing", self.head.seq + 1));
            } else if row.get_ref(4)?.as_blob()? != expected {
                self.flaw(format!(
                    "entry {seq}: does not follow from the one before; it or an earlier one was changed"
                ));
            }
            self.head = Head { seq, at: at.to_owned(), hash: row.get(4)? };
            if depth == Depth::Items {
                continue;
            }
            match serde_json::from_str::<Entry>(data) {
                Ok(Entry::RunBegan { run, rows_sha256, input_sha256, caps, .. }) => {
                    self.runs += 1;
                    began.insert(run, Began { rows_sha256, input_sha256, caps });
                }
                Ok(
                    Entry::Ended { attempt, answer_sha256, .. }
                    | Entry::Inquired { attempt, answer_sha256, .. }
                    | Entry::AnswerCarried { attempt, answer_sha256 },
                ) => {
                    self.answer(connection, attempt, answer_sha256.as_deref())?;
                }
                Ok(_) => {}
                Err(error) => self.flaw(format!("entry {seq}: cannot be read: {error}")),
            }
        }
        Ok(())
    }

    /// The answer of an attempt is the one that the log knows.
    fn answer(&mut self, connection: &Connection, attempt: i64, expected: Option<&str>) -> rusqlite::Result<()> {
        let found = connection
            .prepare_cached("SELECT answer_headers, answer_body FROM attempt WHERE id = ?1")?
            .query_row([attempt], |row| {
                let (headers, body): (Option<String>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
                Ok(answer_sha256(headers.as_deref(), body.as_deref()))
            })
            .optional()?;
        match found {
            None => self.flaw(format!("attempt {attempt}: is missing")),
            Some(found) if found.as_deref() != expected => {
                self.flaw(format!("attempt {attempt}: its answer is not the one that was logged"));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Every attempt is in the log, and belongs to the item that the log says.
    fn attempts(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(
            "SELECT a.id FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.item = a.item \
             AND json_extract(e.data, '$.attempt') = a.id) ORDER BY a.id LIMIT 20",
        )?;
        let strangers = statement.query_map([], |row| row.get::<_, i64>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        for attempt in strangers {
            self.flaw(format!("attempt {attempt}: the log does not know it, or of another item"));
        }
        Ok(())
    }

    /// Every item is the sum of its entries.
    fn items(&mut self, connection: &Connection, depth: Depth) -> rusqlite::Result<()> {
        let mut statement =
            connection.prepare("SELECT item, seq, at, data FROM event WHERE item IS NOT NULL ORDER BY item, seq")?;
        let mut entries = statement.query([])?;
        let mut items = connection.prepare(&format!("SELECT {ITEM_COLUMNS}, body FROM item ORDER BY id"))?;
        let mut items = items.query([])?;
        let (mut folding, mut sums): (Option<Item>, Sums) = (None, Sums::default());
        loop {
            let entry = entries.next()?.map(logged).transpose()?;
            let next_item = entry.as_ref().map(|entry| entry.item);
            if let Some(item) = folding.take_if(|item| Some(item.id) != next_item) {
                self.compare(&item, items.next()?, depth)?;
                sums.take(&item);
            }
            let Some(Logged { item, seq, at, entry }) = entry else { break };
            let after = match (folding.take(), &entry) {
                (None, Ok(Entry::Made(made))) => log::made(item, made, at),
                (None, Ok(Entry::Carried(carried))) => log::carried(item, carried, at),
                (None, Ok(_)) => Err(log::Impossible::OutOfPlace("an item that was never made")),
                (Some(before), Ok(entry)) => log::fold(before, entry, at),
                (_, Err(error)) => {
                    self.flaw(format!("entry {seq}: cannot be read: {error}"));
                    return Ok(());
                }
            };
            match after {
                Ok(after) => folding = Some(after),
                Err(error) => {
                    self.flaw(format!("entry {seq}: cannot have happened: {error}"));
                    return Ok(());
                }
            }
        }
        if let Some(row) = items.next()? {
            let id: i64 = row.get(0)?;
            self.flaw(format!("item {id}: the log does not know it"));
        }
        for day in sums.differing(days::kept(connection)?) {
            self.flaw(format!("{day}: the sum of the day is not that of its items"));
        }
        Ok(())
    }

    fn compare(&mut self, logged: &Item, found: Option<&Row<'_>>, depth: Depth) -> rusqlite::Result<()> {
        self.items += 1;
        let invoice = &logged.identity.invoice;
        let Some(row) = found else {
            self.flaw(format!("{invoice}: the log knows it, but the item is missing"));
            return Ok(());
        };
        match read_item(row) {
            Ok(item) if item == *logged => {}
            Ok(item) => {
                let (found, expected) = difference(&item, logged);
                self.flaw(format!("{invoice}: the item says {found}, but its log says {expected}"));
            }
            Err(error) => self.flaw(format!("{invoice}: {error}")),
        }
        let body = row.get_ref("body")?.as_blob()?;
        if depth == Depth::Everything && log::sha256(body) != logged.body_sha256 {
            self.flaw(format!("{invoice}: its body is not the one that was logged"));
        }
        Ok(())
    }

    /// The rows of every run are those that it began with.
    fn rows(&mut self, connection: &Connection, mut logged: HashMap<String, Began>) -> rusqlite::Result<()> {
        let mut statement = connection
            .prepare("SELECT id, name, input_sha256, most_orders_per_day, most_rupiah_per_day FROM run ORDER BY id")?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
            let mut digest = RowsDigest::default();
            runs::each_row(connection, id, |row| digest.take(row))?;
            let found = Began {
                rows_sha256: digest.hex(),
                input_sha256: row.get(2)?,
                caps: DayCaps {
                    orders: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                    rupiah: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
                },
            };
            match logged.remove(&name) {
                None => self.flaw(format!("run {name}: the log does not know it")),
                Some(expected) if expected.rows_sha256 != found.rows_sha256 => {
                    self.flaw(format!("run {name}: its rows are not those that it began with"));
                }
                Some(expected) if expected != found => {
                    self.flaw(format!("run {name}: its input or its caps are not those that it began with"));
                }
                Some(_) => {}
            }
        }
        for name in logged.keys() {
            self.flaw(format!("run {name}: the log knows it, but the run is missing"));
        }
        Ok(())
    }
}

/// The first thing in which an item differs from its log: as it was found, and as it is logged.
fn difference(found: &Item, logged: &Item) -> (String, String) {
    let parts = |item: &Item| {
        [
            ("", item.state.to_string()),
            ("amount ", item.amount.to_string()),
            ("request id ", item.request_id.to_string()),
            ("attempts ", item.attempts.to_string()),
            ("reason ", item.reason.clone()),
            ("settled at ", item.settled_at.map(time::stored).unwrap_or_default()),
            ("something else ", format!("{item:?}")),
        ]
    };
    let differing = parts(found).into_iter().zip(parts(logged)).find(|(found, logged)| found != logged);
    let ((name, found), (_, logged)) = differing.unwrap_or_default();
    (format!("{name}{found}"), format!("{name}{logged}"))
}

/// An entry about an item as it is stored.
struct Logged {
    item: ItemId,
    seq: i64,
    at: time::Timestamp,
    entry: Result<Entry, serde_json::Error>,
}

fn logged(row: &Row<'_>) -> rusqlite::Result<Logged> {
    Ok(Logged {
        item: ItemId(row.get(0)?),
        seq: row.get(1)?,
        at: look::checked(row, 2, time::parse_instant)?,
        entry: serde_json::from_str(row.get_ref(3)?.as_str()?),
    })
}
