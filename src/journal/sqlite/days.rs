//! The table of what was begun per account and business day.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::journal::Account;
use crate::journal::rules::DaySum;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{BusinessDate, Timestamp};

/// The sums of all items, for a journal that has none yet.
pub(super) const OF_ITEMS: &str = "SELECT environment, client_id, operation, date(first_intent_at, '+7 hours') AS date, \
     count(*) AS orders, sum(amount) AS rupiah FROM item WHERE state <> 'planned' GROUP BY 1, 2, 3, 4";

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

    pub(super) fn change(&mut self, by: i64, amount: Rupiah) {
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

/// The sums as they are kept, for [`Sums`](crate::journal::rules::Sums).
pub(super) fn kept(connection: &Connection) -> rusqlite::Result<Vec<DaySum>> {
    connection
        .prepare("SELECT environment, client_id, operation, date, orders, rupiah FROM day")?
        .query_map([], |row| Ok(([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?], (row.get(4)?, row.get(5)?))))?
        .collect()
}
