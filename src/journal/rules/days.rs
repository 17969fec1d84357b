//! What counts against the caps of a business day: a sum per account that is kept in step with the items, in the transaction
//! that changes them, and compared with them whenever the journal is checked.

use std::collections::BTreeMap;

use crate::journal::Account;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::model::time::{BusinessDate, Timestamp};

/// The business day of a time.
pub(in crate::journal) fn date(at: Timestamp) -> String {
    BusinessDate::of(at).to_string()
}

/// An item that is planned is one of which nothing was done: it counts on no day. Everything else does, refused or not.
fn counts(item: &Item) -> bool {
    item.state != State::Planned
}

/// By how much the count of a day changes with an item: of the day on which the returned one was begun, by its amount.
pub(in crate::journal) fn counted_on<'a>(before: &'a Item, after: &'a Item) -> Option<(&'a Item, i64)> {
    match (counts(before), counts(after)) {
        (false, true) => Some((after, 1)),
        (true, false) => Some((before, -1)),
        (true, true) | (false, false) => None,
    }
}

/// Environment, client, operation and date; orders and rupiah.
pub(in crate::journal) type DaySum = ([String; 4], (i64, i64));

/// The sums of items that are looked at one by one.
#[derive(Default)]
pub(in crate::journal) struct Sums(BTreeMap<[String; 4], (i64, i64)>);

impl Sums {
    /// Takes the next item.
    pub(in crate::journal) fn take(&mut self, item: &Item) {
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
    pub(in crate::journal) fn differing(mut self, kept: impl IntoIterator<Item = DaySum>) -> Vec<String> {
        let mut differing = Vec::new();
        for (key, sum) in kept {
            if self.0.remove(&key).unwrap_or_default() != sum {
                differing.push(key);
            }
        }
        differing.extend(self.0.into_keys());
        differing.into_iter().map(|[_, _, operation, date]| format!("{operation} on {date}")).collect()
    }
}
