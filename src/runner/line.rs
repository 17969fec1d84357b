//! The line of items that wait for their next step: the one that is due first stands first, and equal times keep their order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::settle::Efforts;
use crate::journal::record::Item;
use crate::model::time::Timestamp;

/// What is done next for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Resend,
    Inquire,
}

/// An item in line for its next step, and no sooner than when. Whether it is still that step is asked when its time has come.
pub(super) struct Due {
    pub(super) at: Timestamp,
    pub(super) what: What,
    pub(super) item: Item,
    pub(super) efforts: Efforts,
    /// Keeps equal times in their order.
    number: u64,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Items in the order of their next steps.
#[derive(Default)]
pub(super) struct Line {
    due: BinaryHeap<Reverse<Due>>,
    count: u64,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Puts an item in line.
    pub(super) fn put(&mut self, at: Timestamp, what: What, item: Item, efforts: Efforts) {
        self.count += 1;
        self.due.push(Reverse(Due { at, what, item, efforts, number: self.count }));
    }

    /// The item whose step comes next.
    pub(super) fn first(&self) -> Option<&Due> {
        self.due.peek().map(|Reverse(due)| due)
    }

    /// Whether there is an item whose time has come.
    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        self.first().is_some_and(|due| due.at <= now)
    }

    /// Takes the first item whose time has come.
    pub(super) fn take_ready(&mut self, now: Timestamp) -> Option<Due> {
        if self.is_ready(now) { self.due.pop().map(|Reverse(due)| due) } else { None }
    }

    /// Takes all items, in their order.
    pub(super) fn take_all(&mut self) -> impl ExactSizeIterator<Item = (Item, Efforts)> + use<> {
        let mut due = std::mem::take(&mut self.due).into_vec();
        due.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        due.into_iter().map(|Reverse(due)| (due.item, due.efforts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::ItemId;
    use crate::journal::record::testing::item;
    use crate::model::time::parse_instant;

    #[test]
    fn who_is_due_first_stands_first_and_equal_times_keep_their_order() {
        let now = parse_instant("2026-11-22T08:00:00Z").unwrap();
        let at = |seconds| now + chrono::Duration::seconds(seconds);
        let line_of = |seconds: &[i64]| {
            let mut line = Line::default();
            for (number, seconds) in seconds.iter().enumerate() {
                let item = Item { id: ItemId::numbered(number), ..item() };
                line.put(at(*seconds), What::Resend, item, Efforts::default());
            }
            line
        };
        let numbered = |numbers: &[usize]| numbers.iter().map(|number| ItemId::numbered(*number)).collect::<Vec<_>>();
        let mut line = line_of(&[5, 0, 5, -1, 0]);
        let ready: Vec<ItemId> = std::iter::from_fn(|| line.take_ready(now)).map(|due| due.item.id).collect();
        assert_eq!(ready, numbered(&[3, 1, 4]));
        assert_eq!(line.first().map(|due| due.at), Some(at(5)));
        let all: Vec<ItemId> = line_of(&[5, 0, 5, -1, 0]).take_all().map(|(item, _)| item.id).collect();
        assert_eq!(all, numbered(&[3, 1, 4, 0, 2]));
    }
}
