//! What the provider decides: a verified request in, an answer and a ledger entry out. No sockets, no clock, no files.
//!
//! [`Provider::decide`] changes nothing; [`Provider::record`] applies an entry. A live request goes through both, a
//! restart through the second alone, so that what survives is what happened.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::Answer;
use super::call::{Call, inquired};
use super::entry::{Answered, Effect, Entry, FirstAnswer, Violation};
use super::operations::{Care, Counter, Deed, Settled};
use super::orders::Orders;
use super::state::Customers;
use crate::doku::sign::digest;
use crate::model::ids::{InvoiceNumber, RequestId};
use crate::model::operation::Operation;
use crate::model::time::Timestamp;

/// The orders, and the memory of requests.
#[derive(Debug)]
pub(super) struct Provider {
    customers: Customers,
    orders: Orders,
    pub(super) status_lag: Duration,
    known: BTreeMap<RequestId, Known>,
    pub(super) effects: u64,
}

/// A request whose signature holds.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) call: Call,
    pub(super) path: &'a str,
    pub(super) id: RequestId,
    pub(super) body: &'a [u8],
    pub(super) memory: Memory,
}

/// From when until when a key is known; by script only, for an honest provider knows it at once and for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Memory {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

/// What a request leads to.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) answer: Answer,
    /// To be made durable and recorded before the answer leaves; absent: there is nothing to remember.
    pub(super) entry: Option<Entry>,
}

/// What is remembered of a request that was answered with 200.
#[derive(Debug)]
struct Known {
    first_answer: FirstAnswer,
    /// The number of its effect; absent: it had none.
    effect_number: Option<u64>,
}

impl Provider {
    pub(super) fn new(orders: Orders, customers: Customers, status_lag: Duration) -> Self {
        Self { customers, orders, status_lag, known: BTreeMap::new(), effects: 0 }
    }

    pub(super) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// What to answer, and what has to be remembered of it.
    pub(super) fn decide(&self, request: &Request<'_>, now: Timestamp) -> Decision {
        match request.call {
            Call::Inquiry => Decision { answer: self.inquiry(request.path, now), entry: None },
            Call::Change(operation) => self.change(operation, request, now),
        }
    }

    /// Applies an entry: one that was just decided, or one of an earlier life.
    pub(super) fn record(&mut self, entry: &Entry) {
        match entry {
            Entry::Effect(effect) => {
                self.effects = effect.effect_number;
                let known =
                    Known { first_answer: effect.first_answer.clone(), effect_number: Some(effect.effect_number) };
                self.known.insert(effect.request_id.clone(), known);
                if !self.status_lag.is_zero() {
                    self.orders.keep_past(&effect.invoice_number, effect.at);
                }
                self.orders.apply(effect);
            }
            Entry::Answer(answered) => {
                let known = Known { first_answer: answered.first_answer.clone(), effect_number: None };
                self.known.insert(answered.request_id.clone(), known);
            }
            Entry::Payment(payment) => {
                if !self.status_lag.is_zero() {
                    self.orders.keep_past(&payment.invoice_number, payment.at);
                }
                self.orders.settle(payment);
            }
            Entry::Violation(_) => {}
        }
    }

    /// By invoice number, or by the `Request-Id` of the creation (`doku-api.md` 4); as things stood before the lag. DOKU
    /// itself asks for a minute's patience before an inquiry.
    fn inquiry(&self, path: &str, now: Timestamp) -> Answer {
        let asked = inquired(path).unwrap_or_default();
        let seen = |number: &InvoiceNumber| match self.status_lag {
            Duration::ZERO => self.orders.get(number),
            lag => self.orders.as_of(number, now - lag),
        };
        let by_invoice = InvoiceNumber::new(&asked).ok().and_then(|number| seen(&number));
        let by_request = || seen(self.orders.created_by(&RequestId::new(&asked).ok()?)?);
        match by_invoice.or_else(by_request) {
            Some(order) => Answer { status: 200, body: order.transaction(order.inquired_status()).to_string() },
            None => Answer::order_not_found(),
        }
    }

    fn change(&self, operation: Operation, request: &Request<'_>, now: Timestamp) -> Decision {
        let digest = digest(request.body);
        let known = self.known.get(&request.id);
        if let Some(known) = known {
            if !known.first_answer.is_to(request.path, &digest) {
                return misused(operation, request, now);
            }
            if known.first_answer.is_known(now) {
                let body = known.first_answer.body.clone();
                return Decision { answer: Answer { status: 409, body }, entry: None };
            }
        }
        let care = if known.is_some() { Care::Forgetful } else { Care::Honest };
        let counter = Counter { orders: &self.orders, customers: self.customers, care };
        let settled = match operation {
            Operation::Create => counter.create(&request.id, request.body, now),
            Operation::Cancel => counter.cancel(request.body, now),
            Operation::Refund => counter.refund(request.body, now),
        };
        // Only what was settled is remembered. Whether DOKU also repeats its errors is unknown (`doku-api.md` 2); here a
        // request that was turned away is looked at afresh.
        let settled = match settled {
            Ok(settled) => settled,
            Err(answer) => return Decision { answer, entry: None },
        };
        let body = settled.body.to_string();
        let first_answer = FirstAnswer {
            path: request.path.to_owned(),
            digest,
            body: body.clone(),
            known_from: request.memory.from,
            known_until: request.memory.until,
        };
        let entry = self.entry(operation, request.id.clone(), settled, first_answer, now);
        Decision { answer: Answer { status: 200, body }, entry: Some(entry) }
    }

    fn entry(
        &self,
        operation: Operation,
        request_id: RequestId,
        settled: Settled,
        first_answer: FirstAnswer,
        at: Timestamp,
    ) -> Entry {
        let Settled { invoice_number, amount, deed, .. } = settled;
        let (created, refund_reference) = match deed {
            None => {
                return Entry::Answer(Answered { at, operation, invoice_number, request_id, first_answer });
            }
            Some(Deed::Created(created)) => (Some(created), None),
            Some(Deed::Cancelled) => (None, None),
            Some(Deed::Refunded(reference)) => (None, Some(reference)),
        };
        let effect_number = self.effects + 1;
        let repeats = self.known.get(&request_id).and_then(|known| known.effect_number);
        Entry::Effect(Effect {
            at,
            operation,
            invoice_number,
            amount,
            request_id,
            refund_reference,
            effect_number,
            repeats,
            created,
            first_answer,
        })
    }
}

/// A second request with one `Request-Id` and another body is never carried out; DOKU's answer to it is unknown
/// (`doku-api.md` 2).
fn misused(operation: Operation, request: &Request<'_>, now: Timestamp) -> Decision {
    let violation = "the Request-Id came before with another body or path";
    let entry = Violation { at: now, operation, request_id: request.id.clone(), violation: violation.to_owned() };
    let answer = Answer::error(409, "request_id_reused", violation);
    Decision { answer, entry: Some(Entry::Violation(entry)) }
}
