//! What was begun per account and business day, for caps that hold across runs: a sum that is kept in the transaction that
//! changes an item, and compared with the items whenever the journal is checked.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::journal::Account;
use crate::journal::record::Item;
use crate::journal::state::State;
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

/// What an account has begun on a day, as the writer counts it.
pub(super) struct Begun {
    account: Account,
    date: BusinessDate,
    orders: i64,
    rupiah: i64,
    /// Whether the table says the same.
    is_saved: bool,
}

impl Begun {
    pub(super) fn tally(&self) -> Tally {
        Tally { count: self.orders.cast_unsigned(), rupiah: Rupiah::new(self.rupiah.cast_unsigned()) }
    }

    fn change(&mut self, by: i64, amount: Rupiah) {
        self.orders += by;
        self.rupiah += by * amount.whole().cast_signed();
        self.is_saved = false;
    }

    /// Makes the table say the same: once for all that a transaction has changed.
    pub(super) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.is_saved {
            return Ok(());
        }
        let Account { environment, client_id, operation } = &self.account;
        connection
            .prepare_cached(
                "INSERT INTO day (environment, client_id, operation, date, orders, rupiah) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT DO UPDATE SET orders = excluded.orders, rupiah = excluded.rupiah",
            )?
            .execute(params![
                environment.word(),
                client_id.as_str(),
                operation.word(),
                self.date.to_string(),
                self.orders,
                self.rupiah
            ])
            .map(drop)
    }
}

/// What an account has begun on the day of `at`, among the days that are counted, or from the table.
pub(super) fn of<'a>(
    connection: &Connection,
    days: &'a mut Vec<Begun>,
    account: &Account,
    at: Timestamp,
) -> rusqlite::Result<&'a mut Begun> {
    let of_day = BusinessDate::of(at);
    let known = days.iter().position(|day| day.date == of_day && day.account == *account);
    let index = known.unwrap_or(days.len());
    if known.is_none() {
        let Tally { count, rupiah } = begun(connection, account, &of_day.to_string())?;
        days.push(Begun {
            account: account.clone(),
            date: of_day,
            orders: count.cast_signed(),
            rupiah: rupiah.whole().cast_signed(),
            is_saved: true,
        });
    }
    Ok(&mut days[index])
}

/// An item that is planned is one of which nothing was done: it counts on no day. Everything else does, refused or not.
fn counts(item: &Item) -> bool {
    item.state != State::Planned
}

/// Keeps the sums in step with an item that changes.
pub(super) fn follow(
    connection: &Connection,
    days: &mut Vec<Begun>,
    before: &Item,
    after: &Item,
) -> rusqlite::Result<()> {
    let (item, by) = match (counts(before), counts(after)) {
        (false, true) => (after, 1),
        (true, false) => (before, -1),
        (true, true) | (false, false) => return Ok(()),
    };
    of(connection, days, &item.identity.account, item.first_intent_at)?.change(by, item.amount);
    Ok(())
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
