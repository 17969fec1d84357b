//! What the three operations do to an order, and what they answer.

use serde_json::Value;

use super::answer::{self, Answer};
use super::entry::Created;
use super::orders::Orders;
use super::requests::{self, OrderClaim};
use super::sold::{PaidBack, Sold};
use super::state::Customers;
use crate::model::ids::{InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;
use crate::model::time::Timestamp;

/// What the operations look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter<'a> {
    pub(super) orders: &'a Orders,
    pub(super) customers: Customers,
    pub(super) care: Care,
}

/// Whether the provider looks at what it did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing that was done is done again.
    Honest,
    /// By script: a request whose key is not known any more, or not yet, is carried out once more.
    Forgetful,
}

/// A request answered with 200.
pub(super) struct Settled {
    pub(super) invoice_number: InvoiceNumber,
    pub(super) amount: Rupiah,
    pub(super) body: Value,
    /// What changes; absent: nothing.
    pub(super) deed: Option<Deed>,
}

pub(super) enum Deed {
    Created(Created),
    Cancelled,
    Refunded(MerchantReference),
}

impl Counter<'_> {
    pub(super) fn create(&self, request_id: &RequestId, body: &[u8], now: Timestamp) -> Result<Settled, Answer> {
        let creation = requests::creation(body).map_err(|wrong| invalid(&wrong))?;
        let existing = self.orders.get(&creation.invoice_number);
        let again = existing.is_some_and(|order| order.request_id == *request_id) && self.care == Care::Forgetful;
        if existing.is_some() && !again {
            let message = format!("order.invoice_number {} already exists", creation.invoice_number);
            return Err(Answer::error(409, "duplicate_invoice", &message));
        }
        if self.orders.has_payment(&creation.payment_reference) && !again {
            let message = format!("payment.merchant_unique_reference {} is in use", creation.payment_reference);
            return Err(invalid(&[message]));
        }
        let order = self.orders.draft(creation, request_id.clone(), now);
        // The answer says PENDING, for it leaves before the customer sees the payment page.
        let body = answer::created(&order, &self.orders.page_host);
        let status = self.customers.decision(&order.invoice_number);
        let Sold { invoice_number, amount, payment_reference, order_id, .. } = order;
        let deed = Some(Deed::Created(Created { payment_reference, order_id, status }));
        Ok(Settled { invoice_number, amount, body, deed })
    }

    /// Only a pending order can be cancelled. A second cancel is answered like a second refund, as done before; what DOKU does
    /// then is unknown (`doku-api.md` 6.3).
    pub(super) fn cancel(&self, body: &[u8], now: Timestamp) -> Result<Settled, Answer> {
        let request = requests::cancellation(body).map_err(|wrong| invalid(&wrong))?;
        let order = self.named(&request)?;
        let (body, deed) = match order.status {
            PaymentStatus::Pending => (answer::cancelled(order, now), Some(Deed::Cancelled)),
            PaymentStatus::Cancelled if self.care == Care::Forgetful => {
                (answer::cancelled(order, now), Some(Deed::Cancelled))
            }
            PaymentStatus::Cancelled => (answer::cancelled(order, order.since), None),
            PaymentStatus::Success | PaymentStatus::Failed | PaymentStatus::Expired | PaymentStatus::Refunded => {
                (answer::not_cancelled(order, now), None)
            }
        };
        Ok(Settled { invoice_number: order.invoice_number.clone(), amount: order.amount, body, deed })
    }

    /// Only a paid order can be refunded, once and in full (`akulaku-guide.txt`, "Refund Type").
    pub(super) fn refund(&self, body: &[u8], now: Timestamp) -> Result<Settled, Answer> {
        let requests::Refunding { order: request, refund_reference } =
            requests::refunding(body).map_err(|wrong| invalid(&wrong))?;
        let order = self.named(&request)?;
        let own = order.refund.as_ref().filter(|refund| refund.reference == refund_reference);
        if own.is_none() && (self.orders.has_refund(&refund_reference) || refund_reference == order.payment_reference) {
            let message = format!("refund.merchant_unique_reference {refund_reference} is not new");
            return Err(invalid(&[message]));
        }
        let again = own.is_some() && self.care == Care::Forgetful;
        let (body, deed) = if let Some(refund) = order.refund.as_ref().filter(|_| !again) {
            (answer::refunded(order, refund), None)
        } else if again || order.status == PaymentStatus::Success {
            let refund = PaidBack { reference: refund_reference.clone(), at: now };
            (answer::refunded(order, &refund), Some(Deed::Refunded(refund_reference)))
        } else {
            (answer::not_refunded(order, &refund_reference, now), None)
        };
        Ok(Settled { invoice_number: order.invoice_number.clone(), amount: order.amount, body, deed })
    }

    /// The order that a request names, if all that it says about it is right.
    fn named(&self, request: &OrderClaim) -> Result<&Sold, Answer> {
        let order = self.orders.get(&request.invoice_number).ok_or_else(Answer::order_not_found)?;
        let wrong = order.disagreements(request);
        if wrong.is_empty() { Ok(order) } else { Err(invalid(&wrong)) }
    }
}

fn invalid(wrong: &[String]) -> Answer {
    Answer::error(400, "invalid_parameter", &wrong.join("; "))
}
