//! An answer before it is signed, and the forms that its body takes (`akulaku-guide.txt`, "API Response").

use serde_json::{Value, json};

use super::sold::{PaidBack, Sold};
use crate::model::ids::MerchantReference;
use crate::model::status::PaymentStatus;
use crate::model::time::{Timestamp, wire};

/// HTTP status and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// An error in the form that DOKU's Direct API has been seen to use (`doku-api.md` 5).
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"error": {"code": code, "message": message, "type": "invalid_request_error"}});
        Self { status, body: body.to_string() }
    }

    /// An invoice number that the provider does not know; the guide's only error message.
    pub(super) fn order_not_found() -> Self {
        Self { status: 404, body: json!({"error": {"message": "Order Not Found"}}).to_string() }
    }
}

/// "generate-order": the order waits for its customer.
pub(super) fn created(order: &Sold, page_host: &str) -> Value {
    json!({
        "order": order.order_part(),
        "payment": {
            "merchant_unique_reference": order.payment_reference,
            "url": order.payment_url(page_host),
            "status": PaymentStatus::Pending.word(),
            "identifier": order.identifier_part()
        }
    })
}

/// "Cancel Order", done at `at`. Without the sample's error object, which contradicts it (`doku-api.md` 10.1, number 3).
pub(super) fn cancelled(order: &Sold, at: Timestamp) -> Value {
    cancel_answer(order, PaymentStatus::Cancelled, at, "SUCCESS")
}

/// "Cancel Order", refused because the payment stands where it does.
pub(super) fn not_cancelled(order: &Sold, now: Timestamp) -> Value {
    // The table has two words: the payment was approved, or it was not.
    let payment_status = match order.status {
        PaymentStatus::Success | PaymentStatus::Refunded => PaymentStatus::Success,
        PaymentStatus::Failed | PaymentStatus::Expired => PaymentStatus::Failed,
        PaymentStatus::Pending | PaymentStatus::Cancelled => order.status,
    };
    cancel_answer(order, payment_status, now, "FAILED")
}

fn cancel_answer(order: &Sold, payment_status: PaymentStatus, date: Timestamp, cancel_status: &str) -> Value {
    json!({
        "order": order.order_part(),
        "payment": {
            "status": payment_status.word(),
            "date": wire(date),
            "merchant_unique_reference": order.payment_reference,
            "identifier": order.identifier_part()
        },
        "cancel": {"status": cancel_status, "date": wire(date)}
    })
}

/// "Refund Order": "Refund request success / already request", with the one refund that there is.
pub(super) fn refunded(order: &Sold, refund: &PaidBack) -> Value {
    let akulaku_reference = format!("REF-{}{}", client_part(order), refund.reference);
    json!({
        "order": order.order_part(),
        "payment": {
            "date": wire(order.since),
            "status": PaymentStatus::Refunded.word(),
            "merchant_unique_reference": order.payment_reference,
            "identifier": order.identifier_part()
        },
        "refund": {
            "date": wire(refund.at),
            "status": "SUCCESS",
            "merchant_unique_reference": refund.reference,
            "identifier": [{"name": "AKULAKU_UNIQUE_REFERENCE", "value": akulaku_reference}]
        }
    })
}

/// What stands before the payment reference in Akulaku's: the Client-Id (`doku-api.md` 6.4).
fn client_part(order: &Sold) -> &str {
    let whole = order.akulaku_reference.as_str();
    whole.strip_suffix(order.payment_reference.as_str()).unwrap_or(whole)
}

/// "Refund Order", refused because the payment stands where it does.
pub(super) fn not_refunded(order: &Sold, reference: &MerchantReference, now: Timestamp) -> Value {
    // The refund table knows four words only, and spells one of them with a single L.
    let payment_status = match order.status {
        PaymentStatus::Cancelled => "CANCELED",
        PaymentStatus::Expired => PaymentStatus::Failed.word(),
        PaymentStatus::Pending | PaymentStatus::Failed | PaymentStatus::Success | PaymentStatus::Refunded => {
            order.status.word()
        }
    };
    json!({
        "order": order.order_part(),
        "payment": {
            "date": wire(order.since),
            "status": payment_status,
            "merchant_unique_reference": order.payment_reference,
            "identifier": order.identifier_part()
        },
        "refund": {"date": wire(now), "status": "FAILED", "merchant_unique_reference": reference}
    })
}
