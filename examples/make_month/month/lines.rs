//! Lines of the notification log, as a merchant's receiver writes them.

use std::fmt::Write as _;

use chrono::TimeDelta;
use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::journal::identity::hashed;
use rekon::model::secret::Secret;
use rekon::model::time::{Timestamp, parse_instant, wire};
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

use super::shop::Sale;

const PATH: &str = "/payments/notifications";
const PATH_AND_QUERY: &str = "/payments/notifications?task=notify";
const NEIGHBOUR: &str = "MCH-0002-NEIGHBOUR";
const MEMORY: &str = "writing to a string cannot fail";

/// The secret key until it was changed.
pub(super) const KEY_BEFORE: &str = "SK-simulator-until-the-tenth";
/// When it was changed: midnight after the tenth, WIB.
const CHANGED: &str = "2026-11-10T17:00:00Z";

/// The keys that somebody has signed with.
pub(super) struct Keys {
    changed: Timestamp,
    before: Signer,
    ours: Signer,
    forger: Signer,
    neighbour: Signer,
}

impl Keys {
    /// `rotated`: whether our key was another one before.
    pub(super) fn new(rotated: bool) -> Self {
        let signer = |key: &str| Signer::new(&Secret::new(key));
        Self {
            changed: parse_instant(CHANGED).expect("a time written in this program"),
            before: signer(if rotated { KEY_BEFORE } else { SECRET_KEY }),
            ours: signer(SECRET_KEY),
            forger: signer("SK-somebody-else"),
            neighbour: signer("SK-of-the-neighbour"),
        }
    }
}

/// Who has signed a notification, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    ByDoku,
    /// Over path and query.
    WithQuery,
    BySomebodyElse,
    ForTheNeighbour,
}

/// What DOKU says about a payment, and how it travels.
#[derive(Clone)]
pub(super) struct Notification {
    pub(super) request_id: String,
    pub(super) sent: Timestamp,
    pub(super) received: Timestamp,
    pub(super) body: String,
}

impl Notification {
    /// What is said about a sale. `origin` is the Request-Id of its creation.
    pub(super) fn of(sale: &Sale, status: &str, happened: Timestamp, origin: &str) -> Self {
        Self::about(sale, sale.amount, status, happened, origin)
    }

    /// The same with another amount than the order's.
    pub(super) fn about(sale: &Sale, amount: u64, status: &str, happened: Timestamp, origin: &str) -> Self {
        let sent = happened + TimeDelta::seconds(2);
        Self {
            request_id: hashed(&["notification", &sale.invoice, status, &amount.to_string()].join("\0")).to_string(),
            sent,
            received: sent + TimeDelta::seconds(1),
            body: body(sale, amount, status, happened, origin),
        }
    }

    /// The same message, received again.
    pub(super) fn again(&self, minutes: i64) -> Self {
        Self { received: self.received + TimeDelta::minutes(minutes), ..self.clone() }
    }

    /// The same event, sent by hand from the Back Office: a new Request-Id and a new signature.
    pub(super) fn resent(&self, minutes: i64) -> Self {
        let sent = self.sent + TimeDelta::minutes(minutes);
        let request_id = hashed(&["resent", &self.request_id].join("\0")).to_string();
        Self { request_id, sent, received: sent + TimeDelta::seconds(1), ..self.clone() }
    }

    /// The line in the form of `DESIGN` 5.
    pub(super) fn line(&self, keys: &Keys, signed: Signed) -> String {
        self.line_with_body(keys, signed, &as_text(&self.body))
    }

    /// The same, except that this stands for the body.
    pub(super) fn line_with_body(&self, keys: &Keys, signed: Signed, body: &str) -> String {
        let ours = if self.sent < keys.changed { &keys.before } else { &keys.ours };
        let (signer, client_id, target) = match signed {
            Signed::ByDoku => (ours, CLIENT_ID, PATH),
            Signed::WithQuery => (ours, CLIENT_ID, PATH_AND_QUERY),
            Signed::BySomebodyElse => (&keys.forger, CLIENT_ID, PATH),
            Signed::ForTheNeighbour => (&keys.neighbour, NEIGHBOUR, PATH),
        };
        let timestamp = wire(self.sent);
        let signature = signer.sign(&Components {
            client_id,
            request_id: &self.request_id,
            timestamp_name: TimestampName::Request,
            timestamp: &timestamp,
            target,
            body: Some(self.body.as_bytes()),
        });
        let (received, request_id) = (wire(self.received), &self.request_id);
        let mut line = String::with_capacity(768);
        write!(
            line,
            r#"{{"received_at":"{received}","path":"{target}","headers":{{"Client-Id":"{client_id}","Request-Id":"{request_id}","Request-Timestamp":"{timestamp}","Signature":"{signature}"}},"body":{body}}}"#
        )
        .expect(MEMORY);
        line.push('\n');
        line
    }

    /// As a receiver writes it that keeps no headers: nobody can verify this.
    pub(super) fn line_without_headers(&self) -> String {
        format!(
            "{{\"received_at\":\"{}\",\"path\":\"{PATH}\",\"body\":{}}}\n",
            wire(self.received),
            as_text(&self.body)
        )
    }
}

/// A JSON text as a JSON string; it has no backslashes and no control characters.
pub(super) fn as_text(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 64);
    text.push('"');
    for (index, part) in json.split('"').enumerate() {
        if index > 0 {
            text.push_str("\\\"");
        }
        text.push_str(part);
    }
    text.push('"');
    text
}

/// The shape of `doku-api.md` 3.2; some have the part that is in DOKU's sample and not in its table.
fn body(sale: &Sale, amount: u64, status: &str, happened: Timestamp, origin: &str) -> String {
    let more = if sale.order_id % 16 == 3 {
        format!(
            r#""peer_to_peer_info":{{"status":"{status}","identifier":[{{"name":"AKULAKU_UNIQUE_REFERENCE","value":"{}"}},{{"name":"ORDER_ID","value":"{}"}}]}},"#,
            sale.akulaku_reference(),
            sale.order_id
        )
    } else {
        String::new()
    };
    format!(
        r#"{{"service":{{"id":"PEER_TO_PEER"}},"acquirer":{{"id":"AKULAKU"}},"channel":{{"id":"PEER_TO_PEER_AKULAKU"}},"order":{{"invoice_number":"{}","amount":{amount}}},"transaction":{{"status":"{status}","date":"{}","original_request_id":"{origin}"}},{more}"payment":{{"merchant_unique_reference":"{}"}}}}"#,
        sale.invoice,
        wire(happened),
        sale.reference
    )
}
