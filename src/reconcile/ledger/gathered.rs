//! What a reader gathers for a ledger, on its own thread: the orders are looked up there, many at a time.

use super::orders::{AT_ONCE, NewOrders};
use super::{Creation, DoneEntry, END, Ledger, TooMany, fact, halves, whole, write_stray};
use crate::model::operation::Operation;
use crate::reconcile::evidence::UnmatchedReason;
use crate::reconcile::picture::Fact;
use crate::reconcile::reason::Key;
use crate::reconcile::record::{DoneRecord, HeardRecord, OrderRecord, Record, millis, request_key, uuid_of};
use crate::reconcile::sieve::{Sieve, folded};

/// What was read, ready to be taken.
#[derive(Debug, Default)]
pub struct Gathered {
    pub(super) orders: NewOrders,
    /// Each with the place of its order.
    pub(super) done: Vec<(u32, DoneEntry)>,
    pub(super) odd_request_ids: Vec<([u64; 2], Box<str>)>,
    /// Each names its order.
    pub(super) facts: Vec<Fact>,
    pub(super) identifiers: Vec<(u32, [Box<str>; 3])>,
    pub(super) unsettled: Vec<u8>,
    pub(super) strays: Vec<u8>,
    /// Of the creations in `done`.
    keys: Vec<u64>,
}

impl Gathered {
    /// Gathers a row of the orders.
    ///
    /// # Errors
    /// It cannot be numbered.
    pub fn add_order(&mut self, order: &OrderRecord<'_>) -> Result<(), TooMany> {
        self.orders.push(order)
    }

    /// Gathers the records in these bytes; of orders that the ledger does not have, nothing but a stray line.
    ///
    /// # Errors
    /// There are more than a ledger can number, or the bytes are no records.
    pub fn add(&mut self, mut bytes: &[u8], ledger: &Ledger, sieve: &Sieve) -> Result<(), TooMany> {
        let mut some = Vec::with_capacity(AT_ONCE);
        while !bytes.is_empty() {
            some.clear();
            some.extend(std::iter::from_fn(|| Record::read(&mut bytes)).take(AT_ONCE));
            if some.is_empty() {
                return Err(TooMany);
            }
            self.add_some(&some, ledger, sieve)?;
        }
        Ok(())
    }

    fn add_some(&mut self, records: &[Record<'_>], ledger: &Ledger, sieve: &Sieve) -> Result<(), TooMany> {
        let mut invoices = [""; AT_ONCE];
        for (invoice, record) in invoices.iter_mut().zip(records) {
            *invoice = match record {
                Record::Done(done) => done.invoice,
                Record::Heard(heard) => heard.invoice,
                Record::RowsBefore(_) | Record::Order(_) | Record::Stray(_) => "",
            };
        }
        let mut found = [None; AT_ONCE];
        if invoices.iter().any(|invoice| !invoice.is_empty()) {
            ledger.orders.find_all(&invoices[..records.len()], &mut found);
        }
        for (record, order) in records.iter().zip(found) {
            match record {
                Record::RowsBefore(_) => {}
                Record::Order(order) => self.orders.push(order)?,
                Record::Done(done) => self.add_done(done, order),
                Record::Heard(heard) => self.add_heard(heard, order, ledger, sieve)?,
                Record::Stray(_) => record.write(&mut self.strays),
            }
        }
        Ok(())
    }

    /// Results of orders that the input does not have say nothing about it.
    fn add_done(&mut self, done: &DoneRecord<'_>, order: Option<u32>) {
        let Some(order) = order else { return };
        let uuid = done.request_id.and_then(uuid_of).filter(|number| *number != 0);
        let request = halves(uuid.or_else(|| done.request_id.map(request_key)).unwrap_or_default());
        if let Some(text) = done.request_id.filter(|_| uuid.is_none()) {
            self.odd_request_ids.push((request, text.into()));
        }
        if done.operation == Operation::Create && done.request_id.is_some() {
            self.keys.push(folded(whole(request)));
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
            },
        ));
    }

    fn add_heard(
        &mut self,
        heard: &HeardRecord<'_>,
        order: Option<u32>,
        ledger: &Ledger,
        sieve: &Sieve,
    ) -> Result<(), TooMany> {
        let perhaps_created = || heard.request.is_some_and(|key| sieve.may_hold(folded(key)));
        let Some(order) = order else {
            if perhaps_created() || heard.reference.is_some_and(|key| sieve.may_hold(key)) {
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

    /// Adds what another reader has gathered, orders and facts aside.
    pub fn append(&mut self, mut other: Self) {
        self.done.append(&mut other.done);
        self.odd_request_ids.append(&mut other.odd_request_ids);
        self.identifiers.append(&mut other.identifiers);
        self.unsettled.append(&mut other.unsettled);
        self.strays.append(&mut other.strays);
    }

    /// The keys by which notifications could be tied to the orders that were created, for the sieve; they are gone then.
    #[must_use]
    pub fn keys(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.keys)
    }

    /// The key by which notifications could be tied to an order that was created, for the sieve.
    #[must_use]
    pub fn key_of_creation(done: &DoneRecord<'_>) -> Option<u64> {
        done.request_id.filter(|_| done.operation == Operation::Create).map(|id| folded(request_key(id)))
    }
}
