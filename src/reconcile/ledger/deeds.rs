//! What was done to each order.

use super::{END, Gathered, TooMany};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::reconcile::evidence::DoneState;
use crate::reconcile::record::DoneRecord;

/// What was done to all orders, each order's as a chain.
#[derive(Debug, Default)]
pub struct Deeds {
    /// What was done first to each order, by the order's place; what has no place has nothing.
    first: Vec<DoneEntry>,
    /// What else was done.
    more: Vec<DoneEntry>,
}

/// What an operation of ours came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct DoneEntry {
    pub(super) settled_at: i64,
    /// The Request-Id, or a hash of it, in two halves; 0: none.
    pub(super) request: [u64; 2],
    /// The next one about the same order in `more`, or [`END`].
    pub(super) next: u32,
    pub(super) operation: Operation,
    /// `None`: nothing was done.
    pub(super) state: Option<DoneState>,
    pub(super) payment_status: Option<PaymentStatus>,
    pub(super) marks: Marks,
}

/// What else is known of it, in one byte: whether a person has ruled so, and whether it was done over another amount than the
/// book's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    const RULED: u8 = 1;
    const OTHER_AMOUNT: u8 = 2;

    /// The marks of a result about an order of that amount. What was not done was done over no amount.
    pub(super) fn of(done: &DoneRecord<'_>, amount: Rupiah) -> Self {
        let is_other = done.state.is_done() && done.amount.is_some_and(|own| own != amount);
        let ruled = if done.ruled { Self::RULED } else { 0 };
        Self(ruled | if is_other { Self::OTHER_AMOUNT } else { 0 })
    }

    pub(super) const fn is_ruled(self) -> bool {
        self.0 & Self::RULED != 0
    }

    pub(super) const fn has_other_amount(self) -> bool {
        self.0 & Self::OTHER_AMOUNT != 0
    }
}

impl DoneEntry {
    const NOTHING: Self = Self {
        settled_at: 0,
        request: [0; 2],
        next: END,
        operation: Operation::Create,
        state: None,
        payment_status: None,
        marks: Marks(0),
    };

    /// Whether it is the creation of an order under a Request-Id that we know.
    pub(super) fn creates(&self) -> bool {
        self.state.is_some() && self.operation == Operation::Create && self.request != [0; 2]
    }
}

impl Deeds {
    /// Takes what was done out of what was gathered about `orders` orders.
    ///
    /// # Errors
    /// There is more than a ledger can number.
    pub fn take(&mut self, gathered: &mut Gathered, orders: usize) -> Result<(), TooMany> {
        if !gathered.done.is_empty() {
            self.first.reserve_exact(orders.saturating_sub(self.first.len()));
        }
        for (order, done) in gathered.done.drain(..) {
            // Only as far as needed, while others read: to fill it all takes as long as to read some thousand rows.
            let place = order as usize;
            if self.first.len() <= place {
                self.first.resize(place + 1, DoneEntry::NOTHING);
            }
            let first = &mut self.first[place];
            if first.state.is_none() {
                *first = done;
                continue;
            }
            let place = u32::try_from(self.more.len()).ok().filter(|place| *place != END).ok_or(TooMany)?;
            self.more.push(DoneEntry { next: first.next, ..done });
            first.next = place;
        }
        Ok(())
    }

    /// Has memory bring what was done to these orders, all of it together.
    pub(super) fn fetch(&self, orders: &[Option<u32>]) {
        let known = orders.iter().filter_map(|order| self.first.get((*order)? as usize));
        std::hint::black_box(known.fold(0, |seen, done| seen | done.next));
    }

    /// What was done to an order.
    pub(super) fn of(&self, order: u32) -> impl Iterator<Item = DoneEntry> + '_ {
        let first = self.first.get(order as usize).filter(|done| done.state.is_some()).copied();
        std::iter::successors(first, |done| self.more.get(done.next as usize).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_takes_half_a_line_of_the_cache() {
        assert_eq!(size_of::<DoneEntry>(), 32);
    }
}
