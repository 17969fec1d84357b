//! What a ledger tells of an order: what we did to it, what DOKU said, what was heard of it.

use super::deeds::DoneEntry;
use super::{END, Ledger, whole};
use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::reconcile::done::{self, deciding, refunded_twice};
use crate::reconcile::evidence::{DoneState, Expectation};
use crate::reconcile::packed::time_of;
use crate::reconcile::picture::Fact;
use crate::reconcile::record::Standing;
use crate::reconcile::request::RequestText;
use crate::reconcile::verdict::Moved;

/// What our deciding operation on an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The operation.
    pub operation: Operation,
    /// How it ended.
    pub state: DoneState,
    /// Its Request-Id.
    pub request_id: Option<RequestText<'a>>,
    /// `payment.status` of the deciding answer.
    pub payment_status: Option<PaymentStatus>,
    /// When it came to its end.
    pub settled_at: Option<Moment>,
    /// A person has ruled so, and no answer of DOKU's.
    pub ruled: bool,
    /// It was done, and over another amount than the book's.
    pub other_amount: bool,
}

/// An order as it stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number; `None`: the row has none that can be read.
    pub invoice: Option<&'a str>,
    /// Its row, from 1.
    pub row: u64,
    /// Its amount; zero if a bad row has none.
    pub amount: Rupiah,
    /// What the book says.
    pub book: Option<BookStatus>,
    /// When it was made, if the input says.
    pub created_at: Option<Moment>,
    /// What should be true of it.
    pub expectation: Expectation,
    /// What is to become of it.
    pub standing: Standing,
    /// What we did, the deciding operation; `None` if nothing. In conflict, if results of its request contradict each other.
    pub done: Option<Outcome<'a>>,
    /// What our operations, all together, moved.
    pub moved: Moved,
    /// DOKU may have said something about it that proves nothing, and would say it again: it cannot be read, or could be
    /// about another order.
    pub unclear: bool,
}

impl Ledger {
    /// An order, with the deciding one of our operations on it.
    pub(in crate::reconcile) fn entry(&self, order: u32) -> Entry<'_> {
        let entry = self.orders.get(order);
        let (done, moved) = self.decided(order);
        Entry {
            invoice: Some(self.orders.invoice(order)).filter(|invoice| !invoice.is_empty()),
            row: u64::from(entry.row),
            amount: entry.amount,
            book: entry.book,
            created_at: time_of(entry.created_at),
            expectation: entry.expectation,
            standing: entry.standing,
            done,
            moved,
            unclear: self.unclear.contains(&order),
        }
    }

    /// Everything that we did to an order, the latest last.
    #[must_use]
    pub fn outcomes(&self, order: u32) -> Vec<Outcome<'_>> {
        let mut all: Vec<Outcome<'_>> = self.done_of(order).filter_map(|done| self.outcome_of(&done)).collect();
        all.sort_by_key(|outcome| outcome.settled_at);
        all
    }

    /// What decides about an order, and what all our operations on it moved.
    pub(super) fn decided(&self, order: u32) -> (Option<Outcome<'_>>, Moved) {
        let Some(first) = self.deeds.of(order).next() else { return (None, Moved::AsTheBook) };
        let of_amount = |is_other| if is_other { Moved::OtherAmount } else { Moved::AsTheBook };
        if first.next == END {
            return (self.outcome_of(&first), of_amount(first.marks.has_other_amount()));
        }
        let all: Vec<DoneEntry> = self.done_of(order).collect();
        let result = |done: &DoneEntry| done::Result {
            operation: done.operation,
            request: Some(done.request).filter(|request| *request != [0; 2]),
            state: done.state.unwrap_or(DoneState::Invalid),
            ruled: done.marks.is_ruled(),
            at: (done.settled_at, done.payment_status, done.marks.is_ruled()),
        };
        let results: Vec<_> = all.iter().map(result).collect();
        let done = deciding(&results).map(|deciding| match all[deciding.place] {
            done if done.state == Some(deciding.state) => done,
            // Of answers that contradict each other none is the last word: DOKU's strongest stands.
            done => {
                let same =
                    all.iter().filter(|other| (other.operation, other.request) == (done.operation, done.request));
                let payment_status = same.filter_map(|other| other.payment_status).max();
                DoneEntry { state: Some(deciding.state), payment_status, ..done }
            }
        });
        let moved = if refunded_twice(&results) {
            Moved::Twice
        } else {
            of_amount(all.iter().any(|done| done.marks.has_other_amount()))
        };
        (done.and_then(|done| self.outcome_of(&done)), moved)
    }

    fn outcome_of(&self, done: &DoneEntry) -> Option<Outcome<'_>> {
        let request_id = match self.odd_request_ids.get(&done.request) {
            Some(text) => Some(RequestText::Text(text)),
            None => Some(RequestText::Uuid(whole(done.request))).filter(|_| done.request != [0; 2]),
        };
        Some(Outcome {
            operation: done.operation,
            state: done.state?,
            request_id,
            payment_status: done.payment_status,
            settled_at: time_of(done.settled_at),
            ruled: done.marks.is_ruled(),
            other_amount: done.marks.has_other_amount(),
        })
    }

    /// The facts about an order of a sealed ledger, into a list that is used again.
    pub(in crate::reconcile) fn facts(&self, order: u32, facts: &mut Vec<Fact>) {
        facts.clear();
        let fact = |place: u32| self.facts.all.get(place as usize).copied();
        facts.extend(std::iter::successors(fact(self.facts.first[order as usize]), |before| fact(before.link)));
    }

    /// Has memory bring the facts about these orders of a sealed ledger, all of them together.
    pub fn fetch_facts(&self, orders: &[u32]) {
        let first = orders.iter().filter_map(|order| self.facts.all.get(self.facts.first[*order as usize] as usize));
        std::hint::black_box(first.fold(0, |seen, fact| seen | fact.link));
    }

    /// What a refund of the order needs: payment reference, `ORDER_ID`, `AKULAKU_UNIQUE_REFERENCE`, as the book has them,
    /// else a notification; empty where neither does. Kept for orders that may have to be refunded only.
    #[must_use]
    pub fn identifiers(&self, order: u32) -> [&str; 3] {
        let mut texts = self.orders.identifiers(order);
        if let Some(heard) = self.identifiers.get(&order) {
            texts.iter_mut().zip(heard).filter(|(text, _)| text.is_empty()).for_each(|(text, heard)| *text = heard);
        }
        texts
    }
}
