//! Notifications: what DOKU tells the merchant about a payment, and whether it was DOKU who said so
//! (`doku-api.md` 3).

mod glimpse;
mod ordinary;

pub use glimpse::{Glimpse, glimpse};
pub(crate) use ordinary::{Texts, texts};

use std::borrow::Cow;

use serde::Deserialize;

use crate::doku::json::{Object, OrderAnswer, StatusPart, object, object_if_any};
use crate::doku::scan::Scan;
use crate::doku::sign::{self, Claim, Components, NotSigned, Signer, TimestampName};
use crate::model::ids::{ClientId, InvoiceNumber};
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;
use crate::model::time::{self, Timestamp};

/// A notification as it arrived: headers and the exact text of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `Client-Id` header.
    pub client_id: &'a str,
    /// `Request-Id` header; DOKU's own id of the notification.
    pub request_id: &'a str,
    /// `Request-Timestamp` header.
    pub timestamp: &'a str,
    /// `Signature` header.
    pub signature: &'a str,
    /// The exact text of the body.
    pub body: &'a [u8],
}

/// What a notification says, in the text that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<'a> {
    /// The order; fit for an [`InvoiceNumber`].
    invoice: Cow<'a, str>,
    /// Its amount.
    pub amount: Rupiah,
    /// What happened to the payment.
    pub status: PaymentStatus,
    /// `transaction.date`, as written.
    pub date: Cow<'a, str>,
    /// The Request-Id of the creation. DOKU does not always send one of ours.
    pub original_request_id: Option<Cow<'a, str>>,
    /// `payment.merchant_unique_reference`.
    pub payment_reference: Option<Cow<'a, str>>,
    /// `ORDER_ID`.
    pub order_id: Option<Cow<'a, str>>,
    /// `AKULAKU_UNIQUE_REFERENCE`.
    pub akulaku_reference: Option<Cow<'a, str>>,
}

impl<'a> Said<'a> {
    /// The invoice, and payment reference, `ORDER_ID` and `AKULAKU_UNIQUE_REFERENCE`, in the text that says it; `None` if one
    /// had to be copied.
    #[must_use]
    pub fn lent(&self) -> Option<(&'a str, [Option<&'a str>; 3])> {
        let identifiers = [&self.payment_reference, &self.order_id, &self.akulaku_reference];
        let is_copied = |text: &&Option<Cow<'a, str>>| matches!(text, Some(Cow::Owned(_)));
        if identifiers.iter().any(is_copied) {
            return None;
        }
        Some((lent(&self.invoice)?, identifiers.map(|text| text.as_ref().and_then(lent))))
    }

    /// The same, on its own.
    #[must_use]
    pub fn into_owned(self) -> Said<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Said {
            invoice: owned(self.invoice),
            amount: self.amount,
            status: self.status,
            date: owned(self.date),
            original_request_id: self.original_request_id.map(owned),
            payment_reference: self.payment_reference.map(owned),
            order_id: self.order_id.map(owned),
            akulaku_reference: self.akulaku_reference.map(owned),
        }
    }

    /// The order; an [`InvoiceNumber`] can be made of it.
    #[must_use]
    pub fn invoice(&self) -> &str {
        &self.invoice
    }

    /// The same on its own.
    ///
    /// # Panics
    /// Never: the invoice was checked when it was read.
    #[must_use]
    pub fn into_notification(self) -> Notification {
        Notification {
            invoice: InvoiceNumber::new(&self.invoice).expect("it was checked when it was read"),
            amount: self.amount,
            status: self.status,
            date: self.date.into_owned(),
            original_request_id: self.original_request_id.map(Cow::into_owned),
            payment_reference: self.payment_reference.map(Cow::into_owned),
            order_id: self.order_id.map(Cow::into_owned),
            akulaku_reference: self.akulaku_reference.map(Cow::into_owned),
        }
    }
}

const fn lent<'a>(text: &Cow<'a, str>) -> Option<&'a str> {
    match *text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

/// What a verified notification says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The order.
    pub invoice: InvoiceNumber,
    /// Its amount.
    pub amount: Rupiah,
    /// What happened to the payment.
    pub status: PaymentStatus,
    /// `transaction.date`, as written.
    pub date: String,
    /// The Request-Id of the creation. DOKU does not always send one of ours.
    pub original_request_id: Option<String>,
    /// `payment.merchant_unique_reference`.
    pub payment_reference: Option<String>,
    /// `ORDER_ID`.
    pub order_id: Option<String>,
    /// `AKULAKU_UNIQUE_REFERENCE`.
    pub akulaku_reference: Option<String>,
}

impl Notification {
    /// When it happened, if the date can be read.
    #[must_use]
    pub fn happened_at(&self) -> Option<Timestamp> {
        time::parse_instant(&self.date)
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "object")]
    order: OrderAnswer<'a>,
    #[serde(deserialize_with = "object")]
    transaction: StatusPart,
    #[serde(default, deserialize_with = "object_if_any")]
    payment: Option<StatusPart>,
    /// In the sample, not in the table (`doku-api.md` 3.2).
    #[serde(default, deserialize_with = "object_if_any")]
    peer_to_peer_info: Option<StatusPart>,
}

/// Reads the body of a notification; the signature is another matter. `None` if invoice, amount or status is missing or
/// unreadable. Unknown fields are ignored: DOKU announces that it may add some.
#[must_use]
pub fn read(body: &str) -> Option<Said<'_>> {
    ordinary::read(Scan::new(body)).or_else(|| careful(body))
}

/// The same, from a text that does not stay.
#[must_use]
pub fn read_owned(body: &str) -> Option<Said<'static>> {
    careful(body)
}

/// The same on its own.
#[must_use]
pub fn parse(body: &str) -> Option<Notification> {
    read(body).map(Said::into_notification)
}

/// Reads any body.
fn careful(body: &str) -> Option<Said<'static>> {
    let Object(read) = serde_json::from_str::<Object<Body<'_>>>(body).ok()?;
    let parts = [read.payment.as_ref(), read.peer_to_peer_info.as_ref()];
    let owned = |text: &str| Cow::Owned(text.to_owned());
    let identifier = |name| parts.into_iter().flatten().find_map(|part| part.identifier(name)).map(owned);
    let amount = read.order.rupiah()?;
    let invoice = read.order.invoice_number.filter(|text| InvoiceNumber::check(text).is_ok())?;
    Some(Said {
        invoice: Cow::Owned(invoice),
        amount,
        status: PaymentStatus::from_word(read.transaction.status.as_deref()?)?,
        order_id: identifier("ORDER_ID"),
        akulaku_reference: identifier("AKULAKU_UNIQUE_REFERENCE"),
        payment_reference: read.payment.as_ref().and_then(StatusPart::reference).map(owned),
        date: Cow::Owned(read.transaction.date.unwrap_or_default()),
        original_request_id: read.transaction.original_request_id.map(Cow::Owned),
    })
}

/// Verifies the signature over the exact text of the body: any of the keys may have made it.
///
/// # Errors
/// Why no key and no target fits.
pub fn verify(
    envelope: &Envelope<'_>,
    signers: &[Signer],
    client_id: &ClientId,
    targets: &[&str],
) -> Result<(), NotSigned> {
    let [verified] = sign::verify_each(signers, [&claim(envelope, client_id, targets)], &mut [Vec::new()]);
    verified
}

/// What a notification claims: that it was signed for one of the possible `Request-Target`s. The docs say "path", some of
/// DOKU's own code signs path and query (`doku-api.md` 1.1).
#[must_use]
pub fn claim<'a>(envelope: &Envelope<'a>, client_id: &'a ClientId, targets: &'a [&'a str]) -> Claim<'a> {
    let (target, other_targets) = targets.split_first().map_or(("", targets), |(first, others)| (*first, others));
    let components = Components {
        client_id: client_id.as_str(),
        request_id: envelope.request_id,
        timestamp_name: TimestampName::Request,
        timestamp: envelope.timestamp,
        target,
        body: Some(envelope.body),
    };
    Claim { components, other_targets, signature: envelope.signature }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    /// The sample of `doku-api.md` 3.2, with what the guide's table leaves out.
    const SAMPLE: &str = r#"{"service":{"id":"PEER_TO_PEER"},"acquirer":{"id":"AKULAKU"},"channel":{"id":"PEER_TO_PEER_AKULAKU"},"order":{"invoice_number":"INV-20210707-0001","amount":90000},"transaction":{"status":"SUCCESS","date":"2021-07-07T08:48:42Z","original_request_id":"baec7d95-f30a-4b78-b711-6ebe0ccdf50b"},"peer_to_peer_info":{"virtual_account_number":"2900800000000003","created_date":"20200313095850","expired_date":"20200313155850","status":"SUCCESS","merchant_unique_reference":"60123","identifier":[{"name":"AKULAKU_UNIQUE_REFERENCE","value":"BRN-0288-1654748429432TEST-ABC-768"},{"name":"ORDER_ID","value":"1000035148"}]},"payment":{"merchant_unique_reference":"MUR-20210707-0001"}}"#;

    #[test]
    fn the_sample_is_read() {
        let read = parse(SAMPLE).unwrap();
        assert_eq!(read.invoice.as_str(), "INV-20210707-0001");
        assert_eq!(read.amount, Rupiah::new(90_000));
        assert_eq!(read.status, PaymentStatus::Success);
        assert_eq!(read.payment_reference.as_deref(), Some("MUR-20210707-0001"));
        assert_eq!(read.order_id.as_deref(), Some("1000035148"));
        assert_eq!(read.happened_at(), time::parse_instant("2021-07-07T08:48:42Z"));
    }

    #[test]
    fn a_body_without_invoice_amount_or_status_is_not_a_notification() {
        for body in [
            "",
            "[]",
            "{}",
            &SAMPLE.replace("INV-20210707-0001", "a b"),
            &SAMPLE.replace("90000", "90000.5"),
            &SAMPLE.replace("90000", "-1"),
            &SAMPLE.replace(r#""status":"SUCCESS","date""#, r#""status":"PAID","date""#),
            &SAMPLE.replace(r#""amount":90000"#, r#""amount":1,"amount":90000"#),
            &SAMPLE[..SAMPLE.len() - 1],
        ] {
            assert_eq!(parse(body), None, "{body}");
        }
    }

    #[test]
    fn a_notification_is_verified_over_path_or_path_and_query() {
        let signers = ["SK-new", "SK"].map(|key| Signer::new(&Secret::new(key)));
        let client_id = ClientId::new("MCH-1").unwrap();
        let signed = |target: &str| {
            Signer::new(&Secret::new("SK")).sign(&Components {
                client_id: "MCH-1",
                request_id: "N-1",
                timestamp_name: TimestampName::Request,
                timestamp: "2026-11-21T18:02:11Z",
                target,
                body: Some(SAMPLE.as_bytes()),
            })
        };
        let targets = ["/payments/notifications", "/payments/notifications?task=notify"];
        let result = |signature: &str, body: &str| {
            let envelope = Envelope {
                client_id: "MCH-1",
                request_id: "N-1",
                timestamp: "2026-11-21T18:02:11Z",
                signature,
                body: body.as_bytes(),
            };
            verify(&envelope, &signers, &client_id, &targets)
        };
        for target in targets {
            assert_eq!(result(&signed(target), SAMPLE), Ok(()));
            assert_eq!(result(&signed(target), &SAMPLE.replace("90000", "90001")), Err(NotSigned::Mismatch));
        }
        assert_eq!(result(&signed("/elsewhere"), SAMPLE), Err(NotSigned::Mismatch));
        assert_eq!(result("", SAMPLE), Err(NotSigned::Missing));
    }
}
