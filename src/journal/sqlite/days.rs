//! What was begun per account and business day, for caps that hold across runs: a sum that is kept in the transaction that
//! changes an item, and compared with the items whenever the journal is checked.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failed;
use crate::journal::history::DayCaps;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::journal::{Account, JournalError};
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{BusinessDate, Timestamp};

/// The sums of all items, for a journal that has none yet.
pub(super) const OF_ITEMS: &str = "SELECT environment, client_id, operation, date(first_intent_at, '+7 hours') AS date, \
     count(*) AS orders, sum(amount) AS rupiah FROM item WHERE state <> 'planned' GROUP BY 1, 2, 3, 4";

/// The business day of a time.
pub(super) fn date(at: Timestamp) -> String {
    BusinessDate::of(at).to_string()
}

/// What an account has begun on a day.
pub(super) fn begun(connection: &Connection, account: &Account, date: &str) -> rusqlite::Result<Tally> {
    let tally = connection
        .prepare_cached(
            "SELECT orders, rupiah FROM day WHERE environment = ?1 AND client_id = ?2 AND operation = ?3 AND date = ?4",
        )?
        .query_row(
            params![account.environment.word(), account.client_id.as_str(), account.operation.word(), date],
            |row| {
                let (count, rupiah): (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok(Tally { count: count.cast_unsigned(), rupiah: Rupiah::new(rupiah.cast_unsigned()) })
            },
        )
        .optional()?;
    Ok(tally.unwrap_or_default())
}

/// Refuses an intent that would break a cap of its run.
pub(super) fn refuse_beyond(
    connection: &Connection,
    caps: &DayCaps,
    item: &Item,
    at: Timestamp,
) -> Result<(), JournalError> {
    if caps.are_absent() {
        return Ok(());
    }
    let date = date(at);
    let today = begun(connection, &item.identity.account, &date).map_err(failed)?;
    match caps.broken_by(&date, today, item.amount) {
        None => Ok(()),
        Some(why) => Err(JournalError::Capped(why)),
    }
}

/// An item that is planned is one of which nothing was done: it counts on no day. Everything else does, refused or not.
fn counts(item: &Item) -> bool {
    item.state != State::Planned
}

/// Keeps the sums in step with an item that changes.
pub(super) fn follow(connection: &Connection, before: &Item, after: &Item) -> Result<(), JournalError> {
    match (counts(before), counts(after)) {
        (false, true) => change(connection, ADD, after),
        (true, false) => change(connection, TAKE, before),
        (true, true) | (false, false) => Ok(()),
    }
}

const ADD: &str = "INSERT INTO day (environment, client_id, operation, date, orders, rupiah) VALUES (?1, ?2, ?3, ?4, 1, ?5) \
     ON CONFLICT DO UPDATE SET orders = orders + 1, rupiah = rupiah + excluded.rupiah";

const TAKE: &str = "UPDATE day SET orders = orders - 1, rupiah = rupiah - ?5 \
     WHERE environment = ?1 AND client_id = ?2 AND operation = ?3 AND date = ?4";

fn change(connection: &Connection, statement: &str, item: &Item) -> Result<(), JournalError> {
    let Account { environment, client_id, operation } = &item.identity.account;
    let (date, amount) = (date(item.first_intent_at), item.amount.whole().cast_signed());
    connection
        .prepare_cached(statement)
        .and_then(|mut statement| {
            statement.execute(params![environment.word(), client_id.as_str(), operation.word(), date, amount])
        })
        .map(drop)
        .map_err(failed)
}

/// The sums of items that are looked at one by one.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<[String; 4], (i64, i64)>);

impl Sums {
    /// Takes the next item.
    pub(super) fn take(&mut self, item: &Item) {
        if !counts(item) {
            return;
        }
        let Account { environment, client_id, operation } = &item.identity.account;
        let texts = [environment.word(), client_id.as_str(), operation.word(), &date(item.first_intent_at)];
        let (orders, rupiah) = self.0.entry(texts.map(str::to_owned)).or_default();
        *orders += 1;
        *rupiah += item.amount.whole().cast_signed();
    }

    /// The operations and days whose kept sum is another: somebody has changed the journal by hand.
    pub(super) fn differing(mut self, connection: &Connection) -> rusqlite::Result<Vec<String>> {
        let mut statement =
            connection.prepare("SELECT environment, client_id, operation, date, orders, rupiah FROM day")?;
        let mut rows = statement.query([])?;
        let mut differing = Vec::new();
        while let Some(row) = rows.next()? {
            let key: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            let kept: (i64, i64) = (row.get(4)?, row.get(5)?);
            if self.0.remove(&key).unwrap_or_default() != kept {
                differing.push(key);
            }
        }
        differing.extend(self.0.into_keys());
        Ok(differing.into_iter().map(|[_, _, operation, date]| format!("{operation} on {date}")).collect())
    }
}
