//! The orders at the provider: as the starting state has them, and as the ledger's effects change them.

use std::collections::{BTreeMap, BTreeSet};

use super::derived;
use super::entry::{Created, Effect, Payment};
use super::requests::Creation;
use super::sold::{PaidBack, Sold};
use super::state::StartingOrder;
use crate::model::ids::{ClientId, Identifier, InvoiceNumber, MerchantReference, RequestId};
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::model::time::Timestamp;

/// The orders, with what must be unique among them.
#[derive(Debug)]
pub(super) struct Orders {
    client_id: ClientId,
    /// Where the payment pages are.
    pub(super) page_host: String,
    by_invoice: BTreeMap<InvoiceNumber, Sold>,
    /// What stood before each effect that was kept, in the order of the effects; absent in it: there was no such order.
    past: BTreeMap<InvoiceNumber, Vec<(Timestamp, Option<Sold>)>>,
    creations: BTreeMap<RequestId, InvoiceNumber>,
    payment_references: BTreeSet<MerchantReference>,
    refund_references: BTreeSet<MerchantReference>,
    last_order_id: u64,
}

/// Before the first `ORDER_ID` that is handed out.
const ORDER_ID_BASE: u64 = 1_000_000_000;

impl Orders {
    /// The orders at the start; `now` dates those that come without a date.
    pub(super) fn new(client_id: ClientId, starting: Vec<StartingOrder>, now: Timestamp) -> Self {
        let mut orders = Self {
            client_id,
            page_host: "https://test-mall.akulaku.com".to_owned(),
            by_invoice: BTreeMap::new(),
            past: BTreeMap::new(),
            creations: BTreeMap::new(),
            payment_references: BTreeSet::new(),
            refund_references: BTreeSet::new(),
            last_order_id: ORDER_ID_BASE,
        };
        for order in starting {
            let order = orders.at_start(order, now);
            orders.insert(order);
        }
        orders
    }

    /// All of them, by invoice number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Sold> {
        self.by_invoice.values()
    }

    /// The order of that number.
    pub(super) fn get(&self, invoice_number: &InvoiceNumber) -> Option<&Sold> {
        self.by_invoice.get(invoice_number)
    }

    /// The order of that number as it stood at a moment.
    pub(super) fn as_of(&self, invoice_number: &InvoiceNumber, moment: Timestamp) -> Option<&Sold> {
        let past = self.past.get(invoice_number).map_or(&[][..], Vec::as_slice);
        match past.iter().find(|(at, _)| *at > moment) {
            Some((_, before)) => before.as_ref(),
            None => self.get(invoice_number),
        }
    }

    /// The number of the order that was made by that request.
    pub(super) fn created_by(&self, request_id: &RequestId) -> Option<&InvoiceNumber> {
        self.creations.get(request_id)
    }

    /// Whether an order has that payment reference.
    pub(super) fn has_payment(&self, reference: &MerchantReference) -> bool {
        self.payment_references.contains(reference)
    }

    /// Whether an order was refunded under that reference.
    pub(super) fn has_refund(&self, reference: &MerchantReference) -> bool {
        self.refund_references.contains(reference)
    }

    /// The order that a creation makes, pending. It is not kept yet.
    pub(super) fn draft(&self, creation: Creation, request_id: RequestId, now: Timestamp) -> Sold {
        Sold {
            akulaku_reference: Sold::akulaku_reference(&self.client_id, &creation.payment_reference),
            order_id: self.next_order_id(),
            invoice_number: creation.invoice_number,
            amount: creation.amount,
            payment_reference: creation.payment_reference,
            request_id,
            status: PaymentStatus::Pending,
            since: now,
            refund: None,
        }
    }

    /// Keeps what stands before an effect is applied, for those who look with a lag.
    pub(super) fn keep_past(&mut self, invoice_number: &InvoiceNumber, at: Timestamp) {
        let before = self.get(invoice_number).cloned();
        self.past.entry(invoice_number.clone()).or_default().push((at, before));
    }

    /// The order that a payment page is for.
    pub(super) fn on_page(&self, query: &str) -> Option<&Sold> {
        self.iter().find(|order| order.page_query() == query)
    }

    /// Does what a person did on the page; an order that is not pending any more stays as it is.
    pub(super) fn settle(&mut self, payment: &Payment) {
        let pending = |order: &&mut Sold| order.status == PaymentStatus::Pending;
        if let Some(order) = self.by_invoice.get_mut(&payment.invoice_number).filter(pending) {
            order.status = payment.status;
            order.since = payment.at;
        }
    }

    /// Does what an effect says.
    pub(super) fn apply(&mut self, effect: &Effect) {
        if let Some(created) = &effect.created {
            self.create(effect, created);
        }
        // An order that the starting state no longer has is no loss: nobody can ask about it.
        let Some(order) = self.by_invoice.get_mut(&effect.invoice_number) else { return };
        match effect.operation {
            Operation::Create => {}
            Operation::Cancel => {
                order.status = PaymentStatus::Cancelled;
                order.since = effect.at;
            }
            Operation::Refund => {
                order.status = PaymentStatus::Refunded;
                order.refund = effect.refund_reference.clone().map(|reference| PaidBack { reference, at: effect.at });
                self.refund_references.extend(effect.refund_reference.clone());
            }
        }
    }

    /// An order that the starting state has as well stays as it is there: the state was written later.
    fn create(&mut self, effect: &Effect, created: &Created) {
        if self.by_invoice.contains_key(&effect.invoice_number) {
            return;
        }
        self.insert(Sold {
            invoice_number: effect.invoice_number.clone(),
            amount: effect.amount,
            akulaku_reference: Sold::akulaku_reference(&self.client_id, &created.payment_reference),
            payment_reference: created.payment_reference.clone(),
            order_id: created.order_id.clone(),
            request_id: effect.request_id.clone(),
            status: created.status,
            since: effect.at,
            refund: None,
        });
    }

    fn at_start(&self, order: StartingOrder, now: Timestamp) -> Sold {
        let invoice = order.invoice_number.as_str();
        let since = order.since.unwrap_or(now);
        let payment_reference = order
            .payment_reference
            .unwrap_or_else(|| MerchantReference::new(invoice).expect("an invoice number is a reference as well"));
        let akulaku_reference =
            order.akulaku_reference.unwrap_or_else(|| Sold::akulaku_reference(&self.client_id, &payment_reference));
        let request_id = order
            .request_id
            .unwrap_or_else(|| RequestId::new(&derived::uuid("creation", &[invoice])).expect("a UUID is a request id"));
        let refund_reference = order.refund_reference.unwrap_or_else(|| {
            MerchantReference::new(&derived::uuid("refund", &[invoice])).expect("a UUID is a reference")
        });
        let refunded = order.status == PaymentStatus::Refunded;
        Sold {
            akulaku_reference,
            order_id: order.order_id.unwrap_or_else(|| self.next_order_id()),
            invoice_number: order.invoice_number,
            amount: order.amount,
            payment_reference,
            request_id,
            status: order.status,
            since,
            refund: refunded.then_some(PaidBack { reference: refund_reference, at: since }),
        }
    }

    fn next_order_id(&self) -> Identifier {
        Identifier::new(&(self.last_order_id + 1).to_string()).expect("a number is an identifier")
    }

    fn insert(&mut self, order: Sold) {
        if let Ok(number) = order.order_id.as_str().parse::<u64>() {
            self.last_order_id = self.last_order_id.max(number.min(u64::MAX - 1));
        }
        self.creations.insert(order.request_id.clone(), order.invoice_number.clone());
        self.payment_references.insert(order.payment_reference.clone());
        self.refund_references.extend(order.refund.as_ref().map(|refund| refund.reference.clone()));
        self.by_invoice.insert(order.invoice_number.clone(), order);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::money::Rupiah;
    use crate::model::time::parse_instant;
    use crate::simulator::CLIENT_ID;
    use crate::simulator::entry::FirstAnswer;

    fn effect(operation: Operation, created: Option<Created>) -> Effect {
        Effect {
            at: parse_instant("2026-11-21T18:00:00Z").expect("a time"),
            operation,
            invoice_number: InvoiceNumber::new("INV-1").expect("an invoice number"),
            amount: Rupiah::new(90_000),
            request_id: RequestId::new("r-1").expect("a request id"),
            refund_reference: None,
            effect_number: 1,
            repeats: None,
            created,
            first_answer: FirstAnswer {
                path: String::new(),
                digest: String::new(),
                body: String::new(),
                known_from: None,
                known_until: None,
            },
        }
    }

    fn created() -> Created {
        Created {
            payment_reference: MerchantReference::new("MUR-1").expect("a reference"),
            order_id: Identifier::new("1000000007").expect("an identifier"),
            status: PaymentStatus::Pending,
        }
    }

    fn orders(starting: Vec<StartingOrder>) -> Orders {
        let now = parse_instant("2026-11-21T10:00:00Z").expect("a time");
        Orders::new(ClientId::new(CLIENT_ID).expect("a client id"), starting, now)
    }

    #[test]
    fn an_effect_on_an_order_that_is_gone_changes_nothing() {
        let mut orders = orders(Vec::new());
        orders.apply(&effect(Operation::Cancel, None));
        assert_eq!(orders.iter().count(), 0);
    }

    #[test]
    fn the_starting_state_knows_better_than_an_old_creation() {
        let effect = effect(Operation::Create, Some(created()));
        let paid = StartingOrder::new(effect.invoice_number.clone(), Rupiah::new(90_000), PaymentStatus::Success);
        let mut orders = orders(vec![paid]);
        orders.apply(&effect);
        assert_eq!(orders.get(&effect.invoice_number).map(|order| order.status), Some(PaymentStatus::Success));
    }

    #[test]
    fn order_ids_go_on_after_the_highest_one() {
        let mut orders = orders(Vec::new());
        assert_eq!(orders.next_order_id().as_str(), "1000000001");
        orders.apply(&effect(Operation::Create, Some(created())));
        assert_eq!(orders.next_order_id().as_str(), "1000000008");
    }

    #[test]
    fn what_an_effect_changed_is_known_as_it_was_before() {
        let mut orders = orders(Vec::new());
        let made = effect(Operation::Create, Some(created()));
        let (invoice, after) = (made.invoice_number.clone(), Duration::from_secs);
        let cancelled = Effect { at: made.at + after(10), ..effect(Operation::Cancel, None) };
        for effect in [&made, &cancelled] {
            orders.keep_past(&effect.invoice_number, effect.at);
            orders.apply(effect);
        }
        let status = |moment| orders.as_of(&invoice, moment).map(|order| order.status);
        assert_eq!(status(made.at - after(1)), None);
        assert_eq!(status(made.at), Some(PaymentStatus::Pending));
        assert_eq!(status(made.at + after(9)), Some(PaymentStatus::Pending));
        assert_eq!(status(made.at + after(10)), Some(PaymentStatus::Cancelled));
    }
}
