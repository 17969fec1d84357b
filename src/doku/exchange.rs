//! One HTTP exchange as values: what goes out, what came back, and how a connection can end without an answer.

use super::sign::{Components, Signer, TimestampName};
use crate::model::ids::{ClientId, RequestId};
use crate::model::operation::Operation;
use crate::model::time::{self, Timestamp};

/// A signed request, ready to travel. The signature covers exactly these body bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path, percent-encoded; the signed `Request-Target`.
    pub target: String,
    /// DOKU's four headers, by name.
    pub headers: [(&'static str, String); 4],
    /// The body; `None` for GET.
    pub body: Option<Vec<u8>>,
    /// No byte of it leaves from then on: DOKU may have forgotten its key. `None`: it changes nothing.
    pub safe_until: Option<Timestamp>,
}

impl Request {
    /// Signs a request with a fresh timestamp. A body makes it a POST, none a GET.
    #[must_use]
    pub fn sign(
        signer: &Signer,
        client_id: &ClientId,
        request_id: &RequestId,
        now: Timestamp,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Self {
        let timestamp = time::wire(now);
        let signature = signer.sign(&Components {
            client_id: client_id.as_str(),
            request_id: request_id.as_str(),
            timestamp_name: TimestampName::Request,
            timestamp: &timestamp,
            target,
            body: body.as_deref(),
        });
        Self {
            target: target.to_owned(),
            headers: [
                ("Client-Id", client_id.as_str().to_owned()),
                ("Request-Id", request_id.as_str().to_owned()),
                ("Request-Timestamp", timestamp),
                ("Signature", signature),
            ],
            body,
            safe_until: None,
        }
    }

    /// The same, whose key is safe until then.
    #[must_use]
    pub fn safe_until(self, safe_until: Timestamp) -> Self {
        Self { safe_until: Some(safe_until), ..self }
    }
}

/// The path of an operation (`akulaku-guide.txt`, "API endpoint").
#[must_use]
pub const fn target(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "/akulaku-peer-to-peer/v2/generate-order",
        Operation::Cancel => "/akulaku-peer-to-peer/v2/cancel",
        Operation::Refund => "/akulaku-peer-to-peer/v2/refund",
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// With a complete answer.
    Answered(Answer),
    /// Proved: no byte of the request left this machine.
    NotSent(String),
    /// This program kept the request back, for this reason.
    Withheld(String),
    /// Without a complete answer in time.
    TimedOut,
    /// The connection broke; the request may or may not have arrived.
    Lost(String),
    /// The answer went on beyond any answer of the provider's.
    TooLong,
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that occurs exactly once; `None` if it is absent or repeated.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }
}
