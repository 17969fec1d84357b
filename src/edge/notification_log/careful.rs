//! Any line of a notification log in our own form, read by serde.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::Unmatched;
use super::judge::{Body, Headers, Parts};
use crate::doku::notification::{self, Glimpse};
use crate::reconcile::evidence::UnmatchedReason;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    received_at: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    headers: Option<HashMap<String, Value>>,
    body: Value,
}

/// The parts of a line, or why it has none.
pub(super) fn parts(text: &[u8]) -> Result<Parts<'static, 'static>, Unmatched<'static>> {
    // A list would be read as the fields in their order.
    let object = text.trim_ascii_start().starts_with(b"{");
    let Some(line) = serde_json::from_slice::<Line>(text).ok().filter(|_| object) else { return Err(bare(text)) };
    Ok(Parts {
        received_at: line.received_at.unwrap_or_default().into(),
        path: line.path.unwrap_or_default().into(),
        headers: line.headers.map(|headers| from_map(&headers)),
        body: match line.body {
            Value::String(body) => Body::text(body),
            other => Body::Json(other.to_string()),
        },
    })
}

/// A line that is no line of ours: perhaps a body alone.
pub(super) fn bare(text: &[u8]) -> Unmatched<'static> {
    let object = serde_json::from_slice::<Value>(text).ok().filter(Value::is_object);
    let said = object.and_then(|body| notification::read_owned(&body.to_string()));
    let (reason, detail) = match said {
        Some(_) => (UnmatchedReason::Unverifiable, "no headers"),
        None => (UnmatchedReason::Malformed, "not a line of a notification log"),
    };
    Unmatched {
        reason,
        detail: detail.into(),
        said: said.map(Glimpse::from).unwrap_or_default(),
        received_at: Cow::default(),
        hash: 0,
    }
}

/// The headers that count, by name whatever their case. One that is there twice is as good as none.
pub(super) fn from_map(headers: &HashMap<String, Value>) -> Headers<'static> {
    let header = |name: &str| -> Cow<'static, str> {
        let mut found = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = found.next().and_then(Value::as_str).unwrap_or_default();
        if found.next().is_some() { Cow::default() } else { first.to_owned().into() }
    };
    Headers {
        client_id: header("Client-Id"),
        request_id: header("Request-Id"),
        timestamp: header("Request-Timestamp"),
        signature: header("Signature"),
    }
}
