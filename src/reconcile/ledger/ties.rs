//! What ties a notification to an order that it does not name.

use std::ops::Range;

use super::deeds::DoneEntry;
use super::{Ledger, halves, whole};
use crate::reconcile::evidence::DoneState;
use crate::reconcile::sieve::{Sieve, folded};

/// What could tie a notification to an order that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::reconcile) enum Tie {
    /// The Request-Id of its creation.
    Request(u128),
    /// A hash of its payment reference.
    Reference(u64),
}

impl Tie {
    /// As a key of a [`Sieve`].
    pub(in crate::reconcile) const fn sieved(self) -> u64 {
        match self {
            Self::Request(key) => folded(key),
            Self::Reference(key) => key,
        }
    }
}

/// What we know of the Request-Id of an order's creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creation {
    /// It is the one that was named.
    Named,
    /// It is another one.
    Another,
    /// Nothing.
    Unknown,
}

impl Ledger {
    /// Whether an order was created under that Request-Id, as far as we know.
    pub(super) fn creation(&self, order: u32, named: u128) -> Creation {
        let mut known = Creation::Unknown;
        for done in self.done_of(order).filter(DoneEntry::creates) {
            if done.request == halves(named) {
                return Creation::Named;
            }
            known = Creation::Another;
        }
        known
    }

    /// Everything with which other notifications could be tied to these orders: what was created, then the references;
    /// whether a tie holds, [`Ledger::tied`] says.
    pub(in crate::reconcile) fn keys(&self, orders: Range<usize>, mut see: impl FnMut(u32, Tie)) {
        let first = u32::try_from(orders.start).unwrap_or(u32::MAX);
        for (order, entry) in (first..).zip(&self.orders.all()[orders]).filter(|(_, entry)| entry.is_readable()) {
            self.done_of(order)
                .filter(DoneEntry::creates)
                .for_each(|done| see(order, Tie::Request(whole(done.request))));
            if entry.reference != 0 {
                see(order, Tie::Reference(entry.reference));
            }
        }
    }

    /// A sieve of everything with which notifications could be tied to the orders.
    #[must_use]
    pub fn sieve(&self) -> Sieve {
        let mut sieve = Sieve::for_keys(self.orders.len() as u64 * 2);
        self.keys(0..self.orders.len(), |_, tie| sieve.insert(tie.sieved()));
        sieve
    }

    /// The invoice of an order by which something can tie a notification to it, if that tie holds.
    pub(in crate::reconcile) fn tied(&self, order: u32, tie: Tie) -> Option<&str> {
        let holds = match tie {
            Tie::Request(_) => true,
            // What was refused was never paid under its reference: it must not hide somebody else's payment.
            Tie::Reference(_) => self.decided(order).0.is_none_or(|done| done.state != DoneState::Refused),
        };
        holds.then(|| self.orders.invoice(order))
    }
}
