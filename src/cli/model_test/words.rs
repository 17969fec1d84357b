//! What the provider of the model says, and its seal.

use serde_json::{Value, json};

use crate::doku::exchange::{Answer, Exchange};
use crate::doku::sign::{Components, Signer, TimestampName};
use crate::model::ids::ClientId;
use crate::model::operation::Operation;
use crate::model::secret::Secret;
use crate::model::status::PaymentStatus;
use crate::model::time::{Timestamp, wire};

/// The amount of every order of the model, apart from a rupiah per number.
const AMOUNT: u64 = 90_000;

/// The words of one operation.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) operation: Operation,
    pub(super) signer: Signer,
    pub(super) client_id: ClientId,
}

/// The number of an order.
pub(super) fn invoice(order: u8) -> String {
    format!("INV-{order}")
}

/// Its amount.
pub(super) fn amount(invoice: &str) -> u64 {
    AMOUNT + invoice.strip_prefix("INV-").and_then(|order| order.parse().ok()).unwrap_or(0)
}

/// A text of a JSON body; empty if it is not there.
pub(super) fn field(body: &[u8], pointer: &str) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Words {
    /// The answer to an operation that was done.
    pub(super) fn done(&self, invoice: &str, refund_reference: &str) -> String {
        let order = json!({ "invoice_number": invoice, "amount": amount(invoice) });
        match self.operation {
            Operation::Refund => json!({
                "order": order, "payment": { "status": "REFUNDED" },
                "refund": { "status": "SUCCESS", "merchant_unique_reference": refund_reference },
            }),
            Operation::Cancel => json!({
                "order": order, "payment": { "status": "CANCELLED" }, "cancel": { "status": "SUCCESS" },
            }),
            Operation::Create => json!({
                "order": order, "payment": { "status": "PENDING", "url": "https://pay.example/1" },
            }),
        }
        .to_string()
    }

    /// The answer to an operation that was not done, and will not be.
    pub(super) fn refused(&self, invoice: &str) -> String {
        let order = json!({ "invoice_number": invoice, "amount": amount(invoice) });
        match self.operation {
            Operation::Refund => {
                json!({ "order": order, "payment": { "status": "PENDING" }, "refund": { "status": "FAILED" } })
            }
            Operation::Cancel => {
                json!({ "order": order, "payment": { "status": "SUCCESS" }, "cancel": { "status": "FAILED" } })
            }
            Operation::Create => json!({ "order": order, "payment": { "status": "FAILED" } }),
        }
        .to_string()
    }

    /// The answer to an inquiry, with its HTTP status. `done_by`: the key of the effect, if there is one.
    pub(super) fn status(&self, invoice: &str, done_by: Option<&str>) -> (u16, String) {
        let word = match (self.operation, done_by) {
            (Operation::Refund, Some(_)) => "REFUNDED",
            (Operation::Cancel, Some(_)) => "CANCELLED",
            (Operation::Refund, None) => "SUCCESS",
            (Operation::Cancel, None) | (Operation::Create, Some(_)) => "PENDING",
            (Operation::Create, None) => return (404, self.error("order not found")),
        };
        let body = json!({
            "order": { "invoice_number": invoice, "amount": amount(invoice) },
            "transaction": { "status": word, "original_request_id": done_by },
        });
        (200, body.to_string())
    }

    pub(super) fn error(&self, message: &str) -> String {
        json!({ "error": { "message": message } }).to_string()
    }

    pub(super) fn with_other_amount(&self, body: &str) -> String {
        let mut body: Value = serde_json::from_str(body).unwrap_or_default();
        if let Some(amount) = body.pointer_mut("/order/amount") {
            *amount = json!(1);
        }
        body.to_string()
    }

    pub(super) fn with_error(&self, body: &str) -> String {
        let mut body: Value = serde_json::from_str(body).unwrap_or_default();
        body["error"] = json!({ "message": "Order Not Found" });
        body.to_string()
    }

    /// An answer with its headers. `key`: signed with ours, with another, or not at all.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of an answer")]
    pub(super) fn answer(
        &self,
        status: u16,
        body: String,
        request_id: &str,
        target: &str,
        at: Timestamp,
        key: Option<bool>,
        retry_after: Option<u64>,
    ) -> Exchange {
        let timestamp = wire(at);
        let components = Components {
            client_id: self.client_id.as_str(),
            request_id,
            timestamp_name: TimestampName::Response,
            timestamp: &timestamp,
            target,
            body: Some(body.as_bytes()),
        };
        let signature = key.map(|ours| {
            if ours { self.signer.sign(&components) } else { Signer::new(&Secret::new("another")).sign(&components) }
        });
        let mut headers = vec![("response-timestamp".to_owned(), timestamp.clone())];
        headers.extend(signature.map(|signature| ("signature".to_owned(), signature)));
        headers.extend(retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
        Exchange::Answered(Answer { status, headers, body: body.into_bytes() })
    }

    /// A line of the notification log.
    pub(super) fn notification(&self, id: &str, invoice: &str, status: PaymentStatus, at: Timestamp) -> String {
        let timestamp = wire(at);
        let body = json!({
            "order": { "invoice_number": invoice, "amount": amount(invoice) },
            "transaction": { "status": status.word(), "date": timestamp },
        })
        .to_string();
        let signature = self.signer.sign(&Components {
            client_id: self.client_id.as_str(),
            request_id: id,
            timestamp_name: TimestampName::Request,
            timestamp: &timestamp,
            target: "/payments/notifications",
            body: Some(body.as_bytes()),
        });
        let headers = json!({
            "Client-Id": self.client_id.as_str(), "Request-Id": id, "Request-Timestamp": timestamp,
            "Signature": signature,
        });
        let line = json!({
            "received_at": timestamp, "path": "/payments/notifications", "headers": headers, "body": body,
        });
        format!("{line}\n")
    }
}
