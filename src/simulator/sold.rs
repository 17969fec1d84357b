//! An order as the provider keeps it, and what the provider shows of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::payment_page;
use super::requests::{AKULAKU_UNIQUE_REFERENCE, ORDER_ID, OrderClaim};
use crate::model::ids::{ClientId, Identifier, InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;
use crate::model::time::{Timestamp, wire};

/// An order at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sold {
    pub(super) invoice_number: InvoiceNumber,
    pub(super) amount: Rupiah,
    pub(super) payment_reference: MerchantReference,
    pub(super) order_id: Identifier,
    pub(super) akulaku_reference: Identifier,
    /// The `Request-Id` that created it.
    pub(super) request_id: RequestId,
    pub(super) status: PaymentStatus,
    /// Since when the payment stands where it does; a refund leaves it at the time of the payment.
    pub(super) since: Timestamp,
    /// Present exactly when the status is `Refunded`.
    pub(super) refund: Option<PaidBack>,
}

/// The one refund of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PaidBack {
    pub(super) reference: MerchantReference,
    pub(super) at: Timestamp,
}

impl Sold {
    /// Akulaku's reference of a payment: Client-Id and payment reference (`doku-api.md` 6.4).
    pub(super) fn akulaku_reference(client_id: &ClientId, payment_reference: &MerchantReference) -> Identifier {
        Identifier::new(&format!("{client_id}{payment_reference}")).expect("two ids of 64 characters are one of 128")
    }

    /// What in a request does not fit this order: the payment reference, or an identifier that the request names.
    pub(super) fn disagreements(&self, request: &OrderClaim) -> Vec<String> {
        let mut wrong = Vec::new();
        if request.payment_reference != self.payment_reference {
            let (expected, found) = (&self.payment_reference, &request.payment_reference);
            wrong.push(format!("payment.merchant_unique_reference is {found}, but the order's is {expected}"));
        }
        let identifiers = [
            (ORDER_ID, &request.identifiers.order_id, &self.order_id),
            (AKULAKU_UNIQUE_REFERENCE, &request.identifiers.akulaku_reference, &self.akulaku_reference),
        ];
        for (name, found, expected) in identifiers {
            if let Some(found) = found
                && found != expected.as_str()
            {
                wrong.push(format!("payment.identifier.{name} is {found}, but the order's is {expected}"));
            }
        }
        wrong
    }

    /// `order` of every answer.
    pub(super) fn order_part(&self) -> Value {
        json!({"invoice_number": self.invoice_number, "amount": self.amount})
    }

    /// `payment.identifier` of every answer.
    pub(super) fn identifier_part(&self) -> Value {
        json!([
            {"name": ORDER_ID, "value": self.order_id},
            {"name": AKULAKU_UNIQUE_REFERENCE, "value": self.akulaku_reference}
        ])
    }

    /// The customer's payment page, in the form of the guide's sample.
    pub(super) fn payment_url(&self, host: &str) -> String {
        format!("{host}{}?{}", payment_page::PATH, self.page_query())
    }

    /// What tells its page from those of other orders.
    pub(super) fn page_query(&self) -> String {
        let reference = self.akulaku_reference.as_str();
        let sign = URL_SAFE_NO_PAD.encode(Sha256::digest(reference));
        let reference = percent_encoded(reference);
        format!("appId=15006801&refNo={reference}&sign={sign}")
    }

    /// The notification and the status inquiry: one shape for both (`doku-api.md` 3.2 and 4).
    pub(super) fn transaction(&self, status: PaymentStatus) -> Value {
        let refund = self.refund.as_ref().filter(|_| status == PaymentStatus::Refunded);
        let date = refund.map_or(self.since, |refund| refund.at);
        json!({
            "service": {"id": "PEER_TO_PEER"},
            "acquirer": {"id": "AKULAKU"},
            "channel": {"id": "PEER_TO_PEER_AKULAKU"},
            "order": self.order_part(),
            "transaction": {"status": status.word(), "date": wire(date), "original_request_id": self.request_id},
            "payment": {"merchant_unique_reference": self.payment_reference}
        })
    }

    /// What a notification says about the order: only SUCCESS and FAILED are ever notified, a refund or a cancel never is
    /// (`doku-api.md` 3.1). Absent: nothing has been notified.
    pub(super) const fn notified_status(&self) -> Option<PaymentStatus> {
        match self.status {
            PaymentStatus::Success | PaymentStatus::Refunded => Some(PaymentStatus::Success),
            PaymentStatus::Failed => Some(PaymentStatus::Failed),
            PaymentStatus::Pending | PaymentStatus::Cancelled | PaymentStatus::Expired => None,
        }
    }

    /// What a status inquiry says. There is no word for a cancelled order in DOKU's list, and how one shows is unknown
    /// (`doku-api.md` 4); here it is FAILED, the word that promises a client the least.
    pub(super) const fn inquired_status(&self) -> PaymentStatus {
        match self.status {
            PaymentStatus::Cancelled => PaymentStatus::Failed,
            PaymentStatus::Pending
            | PaymentStatus::Failed
            | PaymentStatus::Expired
            | PaymentStatus::Success
            | PaymentStatus::Refunded => self.status,
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(encode).collect()
}
