//! Lines of a notification log, as a merchant's receiver writes them.

use chrono::TimeDelta;
use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::model::secret::Secret;
use rekon::model::time::{Timestamp, wire};
use rekon::simulator::{CLIENT_ID, SECRET_KEY};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::shop::Sale;

const PATH: &str = "/payments/notifications";

/// What DOKU says about a payment, and how it travels.
#[derive(Clone)]
pub(crate) struct Notification {
    pub(crate) client_id: &'static str,
    pub(crate) secret_key: &'static str,
    pub(crate) request_id: String,
    pub(crate) sent: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) body: String,
}

/// A line in the form of `DESIGN` 5.
#[derive(Serialize)]
struct Line<'a> {
    received_at: String,
    path: &'static str,
    headers: Headers<'a>,
    body: &'a Value,
}

#[derive(Serialize)]
struct Headers<'a> {
    #[serde(rename = "Client-Id")]
    client_id: &'static str,
    #[serde(rename = "Request-Id")]
    request_id: &'a str,
    #[serde(rename = "Request-Timestamp")]
    request_timestamp: String,
    #[serde(rename = "Signature")]
    signature: String,
}

/// Whether the body has the part that is in DOKU's sample and not in its table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Table,
    WithIdentifiers,
}

impl Notification {
    /// An honest one, about this sale.
    pub(crate) fn of(sale: &Sale, status: &str, happened: Timestamp, detail: Detail) -> Self {
        let sent = happened + TimeDelta::seconds(2);
        Self {
            client_id: CLIENT_ID,
            secret_key: SECRET_KEY,
            request_id: id("notification", &[CLIENT_ID, &sale.invoice, status]),
            sent,
            received: sent + TimeDelta::seconds(1),
            body: body(sale, status, happened, detail),
        }
    }

    /// The same again: DOKU repeats what was not answered with 2xx.
    pub(crate) fn repeated(&self, minutes: i64) -> Self {
        Self { received: self.received + TimeDelta::minutes(minutes), ..self.clone() }
    }

    /// The same event, sent by hand from the Back Office: a new Request-Id and a new signature.
    pub(crate) fn resent(&self, minutes: i64) -> Self {
        let request_id = id("resent", &[&self.request_id]);
        let sent = self.sent + TimeDelta::minutes(minutes);
        Self { request_id, sent, received: sent + TimeDelta::seconds(1), ..self.clone() }
    }

    /// The line as it should be, except that it keeps this for the body.
    pub(crate) fn line_with_body(&self, body: &Value) -> String {
        let signature = Signer::new(&Secret::new(self.secret_key)).sign(&Components {
            client_id: self.client_id,
            request_id: &self.request_id,
            timestamp_name: TimestampName::Request,
            timestamp: &wire(self.sent),
            target: PATH,
            body: Some(self.body.as_bytes()),
        });
        let line = Line {
            received_at: wire(self.received),
            path: PATH,
            headers: Headers {
                client_id: self.client_id,
                request_id: &self.request_id,
                request_timestamp: wire(self.sent),
                signature,
            },
            body,
        };
        serde_json::to_string(&line).expect("text and JSON")
    }

    pub(crate) fn line(&self) -> String {
        self.line_with_body(&self.body.clone().into())
    }

    /// As a receiver writes it that keeps no headers: nobody can verify this.
    pub(crate) fn line_without_headers(&self) -> String {
        json!({"received_at": wire(self.received), "path": PATH, "body": self.body}).to_string()
    }
}

fn body(sale: &Sale, status: &str, happened: Timestamp, detail: Detail) -> String {
    let more = match detail {
        Detail::Table => String::new(),
        Detail::WithIdentifiers => format!(
            r#""peer_to_peer_info":{{"status":"{status}","identifier":[{{"name":"AKULAKU_UNIQUE_REFERENCE","value":"{}"}},{{"name":"ORDER_ID","value":"{}"}}]}},"#,
            sale.akulaku_reference(),
            sale.order_id
        ),
    };
    format!(
        r#"{{"service":{{"id":"PEER_TO_PEER"}},"acquirer":{{"id":"AKULAKU"}},"channel":{{"id":"PEER_TO_PEER_AKULAKU"}},"order":{{"invoice_number":"{}","amount":{}}},"transaction":{{"status":"{status}","date":"{}","original_request_id":"{}"}},{more}"payment":{{"merchant_unique_reference":"{}"}}}}"#,
        sale.invoice,
        sale.amount,
        wire(happened),
        id("creation", &[&sale.invoice]),
        sale.reference
    )
}

/// The simulator derives its ids in this way, so what it tells again on its own start has the same ones.
fn id(label: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&label).chain(parts) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// A log in the order of arrival.
#[derive(Default)]
pub(crate) struct Log(Vec<(Timestamp, String)>);

impl Log {
    pub(crate) fn hear(&mut self, notification: &Notification) {
        self.add(notification.received, notification.line());
    }

    pub(crate) fn add(&mut self, received: Timestamp, line: String) {
        self.0.push((received, line));
    }

    /// All of it.
    pub(crate) fn text(mut self) -> String {
        self.0.sort();
        self.0.into_iter().fold(String::new(), |text, (_, line)| text + &line + "\n")
    }

    /// What was received before a point in time, and the rest.
    pub(crate) fn split_at(self, time: Timestamp) -> (String, String) {
        let (before, after) = self.0.into_iter().partition(|(received, _)| *received < time);
        (Self(before).text(), Self(after).text())
    }
}
