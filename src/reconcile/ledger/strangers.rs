//! What was done to invoices that no order of the ledger has.
//!
//! An audit of one month may read the results of several: each is kept in forty bytes, and by its invoice's name only if it
//! may be in doubt.

use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::reconcile::aside::Aside;
use crate::reconcile::done::{self, deciding};
use crate::reconcile::evidence::DoneState;
use crate::reconcile::packed::millis;
use crate::reconcile::record::{DoneRecord, hash};
use crate::reconcile::request::RequestText;
use crate::reconcile::sieve::folded;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    all: Vec<Stranger>,
    /// The invoices of those that may be in doubt, behind their hashes.
    names: Vec<(u64, Box<str>)>,
}

/// What an operation of ours came to.
#[derive(Debug, Clone, Copy)]
struct Stranger {
    /// A hash of the invoice.
    invoice: u64,
    /// A hash of the Request-Id; 0: none.
    request: u64,
    settled_at: i64,
    /// Zero: nothing says how much.
    amount: Rupiah,
    operation: Operation,
    state: DoneState,
    payment_status: Option<PaymentStatus>,
    ruled: bool,
}

impl Strangers {
    /// Keeps what may say something: what was never sent does not.
    pub(super) fn add(&mut self, done: &DoneRecord<'_>) {
        if !(done.state.is_in_doubt() || done.state.is_done() || done.state == DoneState::Refused) {
            return;
        }
        let invoice = hash(done.invoice);
        // What was refused may yet be in conflict with what was done.
        if !done.state.is_done() {
            self.names.push((invoice, done.invoice.into()));
        }
        self.all.push(Stranger {
            invoice,
            request: done.request_id.map_or(0, |id| folded(RequestText::key(id))),
            settled_at: millis(done.settled_at),
            amount: done.amount.unwrap_or_default(),
            operation: done.operation,
            state: done.state,
            payment_status: done.payment_status,
            ruled: done.ruled,
        });
    }

    /// Adds those of another reader.
    pub(super) fn append(&mut self, mut other: Self) {
        if self.all.is_empty() {
            *self = other;
        } else {
            self.all.append(&mut other.all);
            self.names.append(&mut other.names);
        }
    }

    /// Brings those of one invoice together.
    pub(super) fn sort(&mut self) {
        self.all.sort_unstable_by_key(|one| one.invoice);
        self.names.sort_unstable();
        self.names.dedup();
    }

    /// What they come to, each invoice once; they are sorted.
    pub(super) fn aside(&self) -> Aside {
        let mut aside = Aside::default();
        for same in self.all.chunk_by(|left, right| left.invoice == right.invoice) {
            let amount = same.iter().map(|one| one.amount).max().unwrap_or_default();
            aside.note_stranger(state_of(same), self.name(same[0].invoice), amount);
        }
        aside
    }

    fn name(&self, invoice: u64) -> &str {
        let place = self.names.binary_search_by_key(&invoice, |(hash, _)| *hash);
        place.map_or("", |place| &self.names[place].1)
    }
}

fn state_of(same: &[Stranger]) -> DoneState {
    let first = same[0].state;
    // Nearly always there is one only, or all say the same.
    if same.iter().all(|one| one.state == first) {
        return first;
    }
    let result = |one: &Stranger| done::Result {
        operation: one.operation,
        request: Some(one.request).filter(|request| *request != 0),
        state: one.state,
        ruled: one.ruled,
        at: (one.settled_at, one.payment_status, one.ruled),
    };
    deciding(&same.iter().map(result).collect::<Vec<_>>()).map_or(first, |deciding| deciding.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_takes_forty_bytes() {
        assert_eq!(size_of::<Stranger>(), 40);
    }
}
