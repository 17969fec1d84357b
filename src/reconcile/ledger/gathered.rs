//! What a reader gathers for a ledger, on its own thread: the orders are looked up there, many at a time.

use super::deeds::{DoneEntry, Marks};
use super::filling::{fact, write_stray};
use super::orders::{AT_ONCE, NewOrders};
use super::strangers::Strangers;
use super::ties::Creation;
use super::{END, Ledger, TooMany, halves};
use crate::model::operation::Operation;
use crate::reconcile::evidence::UnmatchedReason;
use crate::reconcile::packed::millis;
use crate::reconcile::picture::Fact;
use crate::reconcile::reason::Key;
use crate::reconcile::record::{DoneRecord, HeardRecord, OrderRecord, Record};
use crate::reconcile::request::RequestText;
use crate::reconcile::sieve::{Sieve, folded};

/// What was read, ready to be taken.
#[derive(Debug, Default)]
pub struct Gathered {
    pub(super) orders: NewOrders,
    /// Each with the place of its order.
    pub(super) done: Vec<(u32, DoneEntry)>,
    pub(super) strangers: Strangers,
    pub(super) odd_request_ids: Vec<([u64; 2], Box<str>)>,
    /// Each names its order.
    pub(super) facts: Vec<Fact>,
    pub(super) identifiers: Vec<(u32, [Box<str>; 3])>,
    pub(super) unsettled: Vec<u8>,
    pub(super) strays: Vec<u8>,
    /// The order that was found last.
    last: Option<u32>,
}

impl Gathered {
    /// Gathers a row of the orders.
    ///
    /// # Errors
    /// It cannot be numbered.
    pub fn add_order(&mut self, order: &OrderRecord<'_>) -> Result<(), TooMany> {
        self.orders.push(order)
    }

    /// Gathers the records in these bytes; of orders that the ledger does not have, what was done and stray lines.
    ///
    /// # Errors
    /// There are more than a ledger can number, or the bytes are no records.
    pub fn add(&mut self, mut bytes: &[u8], ledger: &Ledger, sieve: Option<&Sieve>) -> Result<(), TooMany> {
        let (mut done, mut heard) = (Vec::with_capacity(AT_ONCE), Vec::with_capacity(AT_ONCE));
        while !bytes.is_empty() {
            let start = bytes;
            match Record::read(&mut bytes).ok_or(TooMany)? {
                Record::RowsBefore(_) => {}
                Record::Order(order) => self.orders.push(&order)?,
                Record::Done(record) => done.push(record),
                Record::Heard(record) => heard.push(record),
                Record::Stray(_) => self.strays.extend_from_slice(&start[..start.len() - bytes.len()]),
            }
            if done.len() == AT_ONCE {
                self.add_done_all(&done, ledger);
                done.clear();
            }
            if heard.len() == AT_ONCE {
                self.add_heard_all(&heard, ledger, sieve)?;
                heard.clear();
            }
        }
        self.add_done_all(&done, ledger);
        self.add_heard_all(&heard, ledger, sieve)
    }

    /// Gathers at most [`AT_ONCE`] rows about what was done.
    pub fn add_done_all(&mut self, records: &[DoneRecord<'_>], ledger: &Ledger) {
        let found = self.find(records.iter().map(|done| done.invoice), ledger);
        for (done, order) in records.iter().zip(found) {
            self.add_done(done, order, ledger);
        }
    }

    /// Gathers at most [`AT_ONCE`] lines that verified.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub fn add_heard_all(
        &mut self,
        records: &[HeardRecord<'_>],
        ledger: &Ledger,
        sieve: Option<&Sieve>,
    ) -> Result<(), TooMany> {
        let found = self.find(records.iter().map(|heard| heard.invoice), ledger);
        ledger.deeds.fetch(&found);
        records.iter().zip(found).try_for_each(|(heard, order)| self.add_heard(heard, order, ledger, sieve))
    }

    fn find<'r>(&mut self, of: impl ExactSizeIterator<Item = &'r str>, ledger: &Ledger) -> [Option<u32>; AT_ONCE] {
        let (mut invoices, mut found, count) = ([""; AT_ONCE], [None; AT_ONCE], of.len());
        invoices.iter_mut().zip(of).for_each(|(to, invoice)| *to = invoice);
        ledger.orders.find_all(&invoices[..count], self.last, &mut found);
        self.last = found[..count].last().copied().flatten();
        found
    }

    fn add_done(&mut self, done: &DoneRecord<'_>, order: Option<u32>, ledger: &Ledger) {
        let Some(order) = order else { return self.strangers.add(done) };
        let request = halves(done.request_id.map_or(0, RequestText::key));
        if let Some(RequestText::Text(text)) = done.request_id {
            self.odd_request_ids.push((request, text.into()));
        }
        self.done.push((
            order,
            DoneEntry {
                settled_at: millis(done.settled_at),
                request,
                next: END,
                operation: done.operation,
                state: Some(done.state),
                payment_status: done.payment_status,
                marks: Marks::of(done, ledger.orders.get(order).amount),
            },
        ));
    }

    fn add_heard(
        &mut self,
        heard: &HeardRecord<'_>,
        order: Option<u32>,
        ledger: &Ledger,
        sieve: Option<&Sieve>,
    ) -> Result<(), TooMany> {
        // Without a sieve nothing is ruled out.
        let may_hold = |key: u64| sieve.is_none_or(|sieve| sieve.may_hold(key));
        let perhaps_created = || heard.request.is_some_and(|key| may_hold(folded(key)));
        let Some(order) = order else {
            if perhaps_created() || heard.reference.is_some_and(may_hold) {
                Record::Heard(*heard).write(&mut self.unsettled);
            } else {
                write_stray(heard, UnmatchedReason::Orphan, heard.status.word(), ledger.period, &mut self.strays);
            }
            return Ok(());
        };
        let key = match heard.request.map(|named| ledger.creation(order, named)) {
            None | Some(Creation::Named) => Key::Own,
            Some(Creation::Unknown | Creation::Another) if perhaps_created() => {
                Record::Heard(*heard).write(&mut self.unsettled);
                return Ok(());
            }
            Some(Creation::Unknown) => Key::Own,
            Some(Creation::Another) => Key::Invoice,
        };
        self.facts.push(fact(order, heard, key)?);
        if ledger.wants_identifiers(order, heard) {
            self.identifiers.push((order, heard.identifiers.map(Into::into)));
        }
        Ok(())
    }

    /// Adds what another reader has gathered; orders, facts and what was done aside.
    pub fn append(&mut self, mut other: Self) {
        self.odd_request_ids.append(&mut other.odd_request_ids);
        self.strangers.append(other.strangers);
        self.identifiers.append(&mut other.identifiers);
        self.unsettled.append(&mut other.unsettled);
        self.strays.append(&mut other.strays);
    }

    /// How many bytes of notifications are set aside.
    #[must_use]
    pub const fn unsettled(&self) -> usize {
        self.unsettled.len()
    }

    /// The key by which notifications could be tied to an order that was created, for the sieve.
    #[must_use]
    pub fn key_of_creation(done: &DoneRecord<'_>) -> Option<u64> {
        done.request_id.filter(|_| done.operation == Operation::Create).map(|id| folded(id.key()))
    }
}
