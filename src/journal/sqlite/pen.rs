//! The writing connection, with what it need not read again: the end of the log, what a run began with, the items of
//! the calls under way and, within a transaction, the sums of the day. Nobody else writes, so that all of it is what the
//! tables say. Whoever undoes anything makes the pen forget everything.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::days::{self, Begun};
use super::failed;
use super::log::{Head, head, insert};
use super::look;
use crate::journal::JournalError;
use crate::journal::history::DayCaps;
use crate::journal::log::Entry;
use crate::journal::record::{AttemptId, Item, ItemId};
use crate::journal::state::State;
use crate::model::ids::RunId;
use crate::model::time::{self, Timestamp};

/// The writing connection.
pub(super) struct Pen {
    connection: Connection,
    known: RefCell<Known>,
}

/// What has been read, or written.
#[derive(Default)]
struct Known {
    head: Option<Head>,
    last_item: Option<i64>,
    /// A run keeps what it began with.
    runs: HashMap<RunId, Began>,
    /// The attempts under way, each with its item.
    under_way: HashMap<AttemptId, ItemId>,
    /// These items, as they are now.
    items: HashMap<ItemId, Item>,
    /// Empty between two transactions.
    days: Vec<Begun>,
}

/// What every intent asks its run for.
#[derive(Clone)]
pub(super) struct Began {
    pub(super) job: String,
    pub(super) caps: DayCaps,
}

impl Pen {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, known: RefCell::default() }
    }

    /// The connection, to read with or to change what the pen does not keep.
    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Lets `work` add to the log by itself.
    pub(super) fn aside<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        let done = work(&self.connection);
        self.known.borrow_mut().head = None;
        done
    }

    /// Something was undone.
    pub(super) fn forget(&self) {
        self.known.take();
    }

    /// Writes the sums that only the pen knows so far; nothing may be committed without it. The next transaction reads them
    /// again: whatever the table says by then, the caps hold against that.
    pub(super) fn settle(&self) -> Result<(), JournalError> {
        let days = std::mem::take(&mut self.known.borrow_mut().days);
        days.iter().try_for_each(|day| day.save(&self.connection)).map_err(failed)
    }

    /// Adds an entry to the log.
    pub(super) fn append(&self, at: Timestamp, item: Option<ItemId>, entry: &Entry) -> Result<(), JournalError> {
        let mut known = self.known.borrow_mut();
        let last = match known.head.take() {
            Some(last) => last,
            None => head(&self.connection).map_err(failed)?,
        };
        known.head = Some(insert(&self.connection, &last, at, item, entry).map_err(failed)?);
        Ok(())
    }

    /// The number of the next item.
    pub(super) fn next_item(&self) -> Result<ItemId, JournalError> {
        let mut known = self.known.borrow_mut();
        if known.last_item.is_none() {
            let last = "SELECT coalesce(max(id), 0) FROM item";
            known.last_item = Some(self.connection.query_row(last, [], |row| row.get(0)).map_err(failed)?);
        }
        Ok(ItemId(known.last_item.unwrap_or_default() + 1))
    }

    /// A new item has its number.
    pub(super) fn numbered(&self, item: ItemId) {
        self.known.borrow_mut().last_item = Some(item.0);
    }

    /// What a run began with.
    pub(super) fn began(&self, run: &RunId) -> Result<Began, JournalError> {
        let mut known = self.known.borrow_mut();
        if let Some(began) = known.runs.get(run) {
            return Ok(began.clone());
        }
        let read = |row: &rusqlite::Row<'_>| {
            let (orders, rupiah): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
            let caps = DayCaps { orders: orders.map(i64::cast_unsigned), rupiah: rupiah.map(i64::cast_unsigned) };
            Ok(Began { job: row.get(0)?, caps })
        };
        let began = self
            .connection
            .query_row(
                "SELECT job, most_orders_per_day, most_rupiah_per_day FROM run WHERE name = ?1",
                [run.as_str()],
                read,
            )
            .map_err(failed)?;
        known.runs.insert(run.clone(), began.clone());
        Ok(began)
    }

    /// The item of an attempt that ends now.
    pub(super) fn item_of(&self, attempt: AttemptId) -> Result<Item, JournalError> {
        let mut known = self.known.borrow_mut();
        let under_way = known.under_way.remove(&attempt);
        if let Some(item) = under_way.and_then(|item| known.items.remove(&item)) {
            return Ok(item);
        }
        let item = match under_way {
            Some(item) => item,
            None => self
                .connection
                .prepare_cached("SELECT item FROM attempt WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([attempt.0], |row| row.get(0).map(ItemId)))
                .map_err(failed)?,
        };
        look::load(&self.connection, item)
    }

    /// An item as it is.
    pub(super) fn load(&self, item: ItemId) -> Result<Item, JournalError> {
        match self.known.borrow().items.get(&item) {
            Some(item) => Ok(item.clone()),
            None => look::load(&self.connection, item),
        }
    }

    /// Makes an attempt of an item, of which nothing has come back.
    pub(super) fn open_attempt(&self, item: &Item, run: &RunId, at: Timestamp) -> Result<AttemptId, JournalError> {
        self.connection
            .prepare_cached(
                "INSERT OR FAIL INTO attempt (item, run, kind, request_id, sent_at) VALUES (?1, ?2, 'send', ?3, ?4)",
            )
            .and_then(|mut statement| {
                statement.execute(params![item.id.0, run.as_str(), item.request_id.as_str(), time::stored(at)])
            })
            .map_err(failed)?;
        let attempt = AttemptId(self.connection.last_insert_rowid());
        self.known.borrow_mut().under_way.insert(attempt, item.id);
        Ok(attempt)
    }

    /// An item was written as it is now. It is kept as long as its next change is to be expected.
    pub(super) fn wrote(&self, before: &Item, after: &Item) -> Result<(), JournalError> {
        let mut known = self.known.borrow_mut();
        days::follow(&self.connection, &mut known.days, before, after).map_err(failed)?;
        if after.state == State::Intent {
            known.items.insert(after.id, after.clone());
        } else {
            known.items.remove(&after.id);
        }
        Ok(())
    }

    /// Refuses an intent that would break a cap of its run. From its first intent on an order counts: what two runs or an
    /// edited plan would do together is seen nowhere but here.
    pub(super) fn refuse_beyond(&self, run: &RunId, item: &Item, at: Timestamp) -> Result<(), JournalError> {
        let caps = self.began(run)?.caps;
        if caps.are_absent() {
            return Ok(());
        }
        let mut known = self.known.borrow_mut();
        let account = &item.identity.account;
        let today = days::of(&self.connection, &mut known.days, account, at).map_err(failed)?.tally();
        match caps.broken_by(&days::date(at), today, item.amount) {
            None => Ok(()),
            Some(why) => Err(JournalError::Capped(why)),
        }
    }
}
