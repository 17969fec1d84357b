//! Whether a message is DOKU's, and the line of the log that it becomes. No socket, no clock, no file.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::doku::notification::{self, Envelope};
use crate::doku::sign::{NotSigned, Signer};
use crate::model::ids::{ClientId, RequestId};

/// Who may send, and what for.
#[derive(Debug)]
pub(super) struct Merchant {
    pub(super) client_id: ClientId,
    /// Any of them proves a notification.
    pub(super) signers: Vec<Signer>,
    /// The Request-Target that DOKU signs.
    pub(super) path: String,
}

/// A message as it arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) received_at: &'a str,
    /// The Request-Target, with its query.
    pub(super) target: &'a str,
    pub(super) headers: Headers<'a>,
    pub(super) body: &'a [u8],
}

/// The headers that count. One that is absent, there twice or not ASCII text is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Headers<'a> {
    #[serde(rename = "Client-Id")]
    pub(super) client_id: &'a str,
    #[serde(rename = "Request-Id")]
    pub(super) request_id: &'a str,
    #[serde(rename = "Request-Timestamp")]
    pub(super) timestamp: &'a str,
    #[serde(rename = "Signature")]
    pub(super) signature: &'a str,
}

/// A line of the log (`DESIGN` 5), as it is written.
#[derive(Serialize)]
struct Line<'a> {
    received_at: &'a str,
    path: &'a str,
    headers: Headers<'a>,
    body: &'a str,
}

/// A message that DOKU has signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verified {
    /// Its line, with the line's end.
    pub(super) line: Vec<u8>,
    pub(super) identity: Identity,
}

/// What two copies of a notification have in common: Request-Id and body. A hash of both; nobody can make another body for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity([u8; 16]);

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Notifications go elsewhere.
    Path,
    /// It is not a POST.
    Method,
    /// The head is longer than any of DOKU's.
    HeadTooLong,
    /// The body is longer than any of DOKU's.
    BodyTooLong,
    /// The body took too long, or broke off.
    BodyCut,
    /// One of the four headers is missing, there twice, or nothing that it could be.
    Headers,
    /// Another merchant's.
    OtherClient,
    /// The body is not UTF-8, so the log could not hold it as it is.
    NotText,
    /// The signature does not hold.
    Signature,
}

impl Refusal {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Path,
        Self::Method,
        Self::HeadTooLong,
        Self::BodyTooLong,
        Self::BodyCut,
        Self::Headers,
        Self::OtherClient,
        Self::NotText,
        Self::Signature,
    ];

    /// HTTP status, and the word in metrics and in the file of what was refused.
    pub(super) const fn told(self) -> (u16, &'static str) {
        match self {
            Self::Path => (404, "path"),
            Self::Method => (405, "method"),
            Self::HeadTooLong => (431, "head_too_long"),
            Self::BodyTooLong => (413, "body_too_long"),
            Self::BodyCut => (408, "body_cut"),
            Self::Headers => (400, "headers"),
            Self::OtherClient => (403, "other_client"),
            Self::NotText => (400, "not_text"),
            Self::Signature => (401, "invalid_signature"),
        }
    }
}

impl Merchant {
    /// Whether notifications come to a target.
    pub(super) fn is_at(&self, target: &str) -> bool {
        path_of(target) == path_of(&self.path)
    }

    /// Lets a message in that one of the keys has signed, for the path or for the path with its query (`doku-api.md` 1.1). What it
    /// says is no matter here: whatever DOKU signs belongs into the log.
    pub(super) fn judge(&self, message: &Message<'_>) -> Result<Verified, Refusal> {
        let Headers { client_id, request_id, timestamp, signature } = message.headers;
        if client_id.is_empty() || timestamp.is_empty() || RequestId::check(request_id).is_err() {
            return Err(Refusal::Headers);
        }
        if client_id != self.client_id.as_str() {
            return Err(Refusal::OtherClient);
        }
        let body = std::str::from_utf8(message.body).map_err(|_not_text| Refusal::NotText)?;
        let envelope = Envelope { client_id, request_id, timestamp, signature, body: message.body };
        let targets = [self.path.as_str(), path_of(message.target), message.target];
        match notification::verify(&envelope, &self.signers, &self.client_id, &targets) {
            Ok(()) => {}
            Err(NotSigned::Missing) => return Err(Refusal::Headers),
            Err(NotSigned::Malformed | NotSigned::Mismatch) => return Err(Refusal::Signature),
        }
        let line = Line { received_at: message.received_at, path: message.target, headers: message.headers, body };
        let mut line = serde_json::to_vec(&line).expect("texts are JSON");
        line.push(b'\n');
        Ok(Verified { line, identity: Identity::of(request_id, body) })
    }

    /// The identity of a line of the log, if it is one that was let in.
    pub(super) fn recall(&self, line: &[u8]) -> Option<Identity> {
        #[derive(Deserialize)]
        struct Line {
            path: String,
            headers: Headers,
            body: String,
        }
        #[derive(Deserialize)]
        struct Headers {
            #[serde(rename = "Client-Id")]
            client_id: String,
            #[serde(rename = "Request-Id")]
            request_id: String,
            #[serde(rename = "Request-Timestamp")]
            timestamp: String,
            #[serde(rename = "Signature")]
            signature: String,
        }
        let line: Line = serde_json::from_slice(line).ok()?;
        let headers = self::Headers {
            client_id: &line.headers.client_id,
            request_id: &line.headers.request_id,
            timestamp: &line.headers.timestamp,
            signature: &line.headers.signature,
        };
        let message = Message { received_at: "", target: &line.path, headers, body: line.body.as_bytes() };
        self.judge(&message).ok().map(|verified| verified.identity)
    }
}

impl Identity {
    pub(super) fn of(request_id: &str, body: &str) -> Self {
        // A Request-Id has no line end.
        let hash = Sha256::digest(format!("{request_id}\n{body}"));
        Self(*hash.first_chunk().expect("32 bytes are more than 16"))
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}
