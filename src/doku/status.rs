//! The status inquiry: a signed GET, and what its answer proves (`doku-api.md` 4).
//!
//! It can prove that an effect exists. It never proves that one does not: the provider applies requests late, so
//! "not refunded" today says nothing about tomorrow (`failure-modes.md`, finding 3).

use serde::Deserialize;

use super::answer::Expected;
use super::exchange::{Answer, Exchange};
use super::json::{Object, OrderAnswer, StatusPart, object, object_if_any};
use super::sign::{Components, Signer, TimestampName};
use crate::model::ids::{ClientId, InvoiceNumber, RequestId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::{Facts, SignatureCheck};
use crate::model::status::PaymentStatus;

/// What an inquiry proved about our operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inquiry {
    /// The effect exists and is ours.
    Applied,
    /// The effect exists, not provably by our request.
    Already,
    /// Nothing either way.
    NoProof,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "object")]
    order: OrderAnswer<'a>,
    #[serde(default, deserialize_with = "object_if_any")]
    transaction: Option<StatusPart>,
    #[serde(default, deserialize_with = "object_if_any")]
    payment: Option<StatusPart>,
    #[serde(default, deserialize_with = "object_if_any")]
    refund: Option<StatusPart>,
    /// As in notifications; it may hold the identifiers.
    #[serde(default, deserialize_with = "object_if_any")]
    peer_to_peer_info: Option<StatusPart>,
}

/// The path of an inquiry about an invoice; what a path segment may not hold is percent-encoded, in the URL and in the
/// signature alike (`doku-api.md` 4, "Percent-encoding").
#[must_use]
pub fn target(invoice: &InvoiceNumber) -> String {
    let mut target = String::from("/orders/v1/status/");
    for byte in invoice.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            target.push(char::from(byte));
        } else {
            target.push('%');
            target.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
    }
    target
}

/// Reads the answer to an inquiry. Returns what it proves and what was said.
///
/// `inquiry_id` is the Request-Id of the inquiry itself. Whether DOKU signs the answer of a GET with a digest is not
/// documented; both forms are accepted (`doku-api.md` 1.1).
#[must_use]
pub fn read(expected: &Expected<'_>, signer: &Signer, inquiry_id: &RequestId, exchange: &Exchange) -> (Inquiry, Facts) {
    let Exchange::Answered(answer) = exchange else { return (Inquiry::NoProof, Facts::default()) };
    let signature = check_signature(expected, signer, inquiry_id, answer);
    let mut facts = Facts { http_status: Some(answer.status), signature, ..Facts::default() };
    if signature != SignatureCheck::Valid || answer.status != 200 {
        return (Inquiry::NoProof, facts);
    }
    let Ok(Object(body)) = serde_json::from_slice::<Object<Body<'_>>>(&answer.body) else {
        return (Inquiry::NoProof, facts);
    };
    let Some(transaction) = body.transaction else { return (Inquiry::NoProof, facts) };
    facts.payment_status.clone_from(&transaction.status);
    facts.amount = body.order.rupiah().map(Rupiah::whole);
    facts.payment_reference = body.payment.as_ref().and_then(|part| part.reference()).map(str::to_owned);
    facts.refund_reference = body.refund.as_ref().and_then(|part| part.reference()).map(str::to_owned);
    let parts = [body.payment.as_ref(), body.peer_to_peer_info.as_ref()];
    let identifier = |name| parts.into_iter().flatten().find_map(|part| part.identifier(name)).map(str::to_owned);
    facts.order_id = identifier("ORDER_ID");
    facts.akulaku_reference = identifier("AKULAKU_UNIQUE_REFERENCE");
    let echoes = body.order.invoice_number.as_deref() == Some(expected.invoice.as_str())
        && body.order.rupiah() == Some(expected.amount);
    let status = transaction.status.as_deref().and_then(PaymentStatus::from_word);
    let Some(status) = status.filter(|_| echoes) else { return (Inquiry::NoProof, facts) };
    let ours = match expected.operation {
        Operation::Create => transaction.original_request_id.as_deref() == Some(expected.request_id.as_str()),
        Operation::Refund => {
            facts.refund_reference.is_some()
                && facts.refund_reference.as_deref()
                    == expected.refund_reference.map(super::super::model::ids::MerchantReference::as_str)
        }
        Operation::Cancel => false,
    };
    (conclude(expected.operation, status, ours), facts)
}

/// The table: what a status says about an operation.
fn conclude(operation: Operation, status: PaymentStatus, ours: bool) -> Inquiry {
    let exists = match operation {
        // A creation that failed is refused by its own answer; the status does not say which failure it means.
        Operation::Create => status != PaymentStatus::Failed,
        Operation::Cancel => status == PaymentStatus::Cancelled,
        Operation::Refund => status == PaymentStatus::Refunded,
    };
    match (exists, ours) {
        (false, _) => Inquiry::NoProof,
        (true, true) => Inquiry::Applied,
        (true, false) => Inquiry::Already,
    }
}

fn check_signature(
    expected: &Expected<'_>,
    signer: &Signer,
    inquiry_id: &RequestId,
    answer: &Answer,
) -> SignatureCheck {
    let (Some(signature), Some(timestamp)) = (answer.header("signature"), answer.header("response-timestamp")) else {
        return SignatureCheck::Missing;
    };
    let client_id: &ClientId = expected.client_id;
    let target = target(expected.invoice);
    let holds = |body| {
        let components = Components {
            client_id: client_id.as_str(),
            request_id: inquiry_id.as_str(),
            timestamp_name: TimestampName::Response,
            timestamp,
            target: &target,
            body,
        };
        signer.verify(&components, signature).is_ok()
    };
    if holds(Some(answer.body.as_slice())) || holds(None) { SignatureCheck::Valid } else { SignatureCheck::Invalid }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doku::answer::PaymentPage;
    use crate::model::ids::MerchantReference;
    use crate::model::secret::Secret;
    use crate::model::time::parse_instant;

    #[test]
    fn an_invoice_with_slashes_stays_one_path_segment() {
        let invoice = InvoiceNumber::new("INV/2026/11#7%").unwrap();
        assert_eq!(target(&invoice), "/orders/v1/status/INV%2F2026%2F11%237%25");
    }

    #[test]
    fn a_status_can_prove_an_effect_but_never_its_absence() {
        use Operation::{Cancel, Create, Refund};
        use PaymentStatus::{Cancelled, Expired, Failed, Pending, Refunded, Success};
        let cases = [
            (Refund, Success, false, Inquiry::NoProof),
            (Refund, Failed, false, Inquiry::NoProof),
            (Refund, Pending, false, Inquiry::NoProof),
            (Refund, Refunded, false, Inquiry::Already),
            (Refund, Refunded, true, Inquiry::Applied),
            (Cancel, Success, false, Inquiry::NoProof),
            (Cancel, Failed, false, Inquiry::NoProof),
            (Cancel, Expired, false, Inquiry::NoProof),
            (Cancel, Cancelled, false, Inquiry::Already),
            (Create, Failed, true, Inquiry::NoProof),
            (Create, Pending, true, Inquiry::Applied),
            (Create, Success, false, Inquiry::Already),
        ];
        for (operation, status, ours, expected) in cases {
            assert_eq!(conclude(operation, status, ours), expected, "{operation} {status} ours: {ours}");
        }
    }

    /// What an answer of `status` and `body`, signed with `key`, proves about a refund of INV-1 over 90.000.
    fn read_signed(status: u16, body: &str, key: &str) -> Inquiry {
        let client_id = ClientId::new("MCH-1").unwrap();
        let (ours, inquiry_id) = (RequestId::new("R-1").unwrap(), RequestId::new("Q-1").unwrap());
        let invoice = InvoiceNumber::new("INV-1").unwrap();
        let (payment_reference, refund_reference) =
            (MerchantReference::new("P-1").unwrap(), MerchantReference::new("F-1").unwrap());
        let expected = Expected {
            operation: Operation::Refund,
            client_id: &client_id,
            request_id: &ours,
            invoice: &invoice,
            amount: Rupiah::new(90_000),
            payment_reference: &payment_reference,
            refund_reference: Some(&refund_reference),
            first_intent_at: parse_instant("2026-11-22T08:00:00Z").unwrap(),
            page: PaymentPage::Https,
        };
        let timestamp = "2026-11-22T08:00:01Z";
        let signature = Signer::new(&Secret::new(key)).sign(&Components {
            client_id: "MCH-1",
            request_id: "Q-1",
            timestamp_name: TimestampName::Response,
            timestamp,
            target: &target(&invoice),
            body: Some(body.as_bytes()),
        });
        let mut headers = vec![("response-timestamp".to_owned(), timestamp.to_owned())];
        if !key.is_empty() {
            headers.push(("signature".to_owned(), signature));
        }
        let exchange = Exchange::Answered(Answer { status, headers, body: body.as_bytes().to_vec() });
        read(&expected, &Signer::new(&Secret::new("SK-ours")), &inquiry_id, &exchange).0
    }

    #[test]
    fn only_a_signed_status_of_our_order_proves_anything() {
        let body = |invoice: &str, amount: u64| {
            format!(
                r#"{{"order":{{"invoice_number":"{invoice}","amount":{amount}}},"transaction":{{"status":"REFUNDED"}},"refund":{{"merchant_unique_reference":"F-1"}}}}"#
            )
        };
        let ours = body("INV-1", 90_000);
        let cases = [
            ("another key", 200, &ours, "SK-theirs", Inquiry::NoProof),
            ("no signature", 200, &ours, "", Inquiry::NoProof),
            ("another status of HTTP", 409, &ours, "SK-ours", Inquiry::NoProof),
            ("another order", 200, &body("INV-2", 90_000), "SK-ours", Inquiry::NoProof),
            ("another amount", 200, &body("INV-1", 90_001), "SK-ours", Inquiry::NoProof),
            ("ours", 200, &ours, "SK-ours", Inquiry::Applied),
        ];
        for (what, status, body, key, expected) in cases {
            assert_eq!(read_signed(status, body, key), expected, "{what}");
        }
    }
}
