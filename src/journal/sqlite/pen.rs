//! The writing connection, with what it need not read again: the end of the log, what a run began with, the items of
//! the calls under way and, within a transaction, the sums of the day. Nobody else writes, so that all of it is what the
//! tables say. Whoever undoes anything makes the pen forget everything.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::days::{self, Begun};
use super::failed;
use super::log::{Head, head, insert};
use super::look;
use crate::journal::history::DayCaps;
use crate::journal::log::Entry;
use crate::journal::record::{AttemptId, Item, ItemId};
use crate::journal::rules::{Began, facts_text};
use crate::journal::state::State;
use crate::journal::{Account, JournalError};
use crate::model::ids::RunId;
use crate::model::money::Tally;
use crate::model::outcome::Facts;
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
    /// A time and its text: that of one change stands in several columns.
    time: Option<(Timestamp, Arc<str>)>,
    /// Facts and their text: those of one answer stand in two tables.
    facts: Option<(Arc<Facts>, Arc<str>)>,
}

impl Pen {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, known: RefCell::default() }
    }

    /// The connection, to read with or to change what the pen does not keep.
    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
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

    /// A time as it is kept.
    pub(super) fn stored(&self, at: Timestamp) -> Arc<str> {
        let mut known = self.known.borrow_mut();
        if let Some((_, text)) = known.time.as_ref().filter(|(time, _)| *time == at) {
            return Arc::clone(text);
        }
        let text: Arc<str> = time::stored(at).into();
        known.time = Some((at, Arc::clone(&text)));
        text
    }

    /// Facts as they are kept.
    pub(super) fn facts(&self, facts: &Arc<Facts>) -> Arc<str> {
        let mut known = self.known.borrow_mut();
        if let Some((_, text)) = known.facts.as_ref().filter(|(last, _)| Arc::ptr_eq(last, facts)) {
            return Arc::clone(text);
        }
        let text: Arc<str> = facts_text(facts).into();
        known.facts = Some((Arc::clone(facts), Arc::clone(&text)));
        text
    }

    /// Adds an entry to the log.
    pub(super) fn append(&self, at: Timestamp, item: Option<ItemId>, entry: &Entry) -> Result<(), JournalError> {
        let at = self.stored(at);
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

    /// An item has begun an attempt.
    pub(super) fn opened(&self, attempt: AttemptId, item: ItemId) {
        self.known.borrow_mut().under_way.insert(attempt, item);
    }

    /// An item was written as it is now. It is kept as long as its next change is to be expected.
    pub(super) fn wrote(&self, item: &Item) {
        let mut known = self.known.borrow_mut();
        if item.state == State::Intent {
            known.items.insert(item.id, item.clone());
        } else {
            known.items.remove(&item.id);
        }
    }

    /// What an account has begun on the day of a time.
    pub(super) fn begun(&self, account: &Account, at: Timestamp) -> Result<Tally, JournalError> {
        let mut known = self.known.borrow_mut();
        days::of(&self.connection, &mut known.days, account, at).map(|day| day.tally()).map_err(failed)
    }

    /// Counts an item on the day on which it was begun, or takes it away again.
    pub(super) fn count(&self, item: &Item, by: i64) -> Result<(), JournalError> {
        let mut known = self.known.borrow_mut();
        let day = days::of(&self.connection, &mut known.days, &item.identity.account, item.first_intent_at);
        day.map(|day| day.change(by, item.amount)).map_err(failed)
    }
}
