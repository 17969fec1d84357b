//! Notification logs: one JSON object per line, verified line by line (`DESIGN` 5).
//!
//! Nothing in a log stops the program: what is not proof is listed with its place and reason.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::read::{self, ReadError};
use crate::doku::notification::{self, Envelope};
use crate::doku::sign::{NotSigned, Signer};
use crate::model::ids::ClientId;
use crate::model::time;
use crate::reconcile::evidence::{Heard, Log, Unmatched, UnmatchedReason};

/// Who may have signed, and for which path.
#[derive(Debug, Clone, Copy)]
pub struct Verifier<'a> {
    /// The key.
    pub signer: &'a Signer,
    /// The account.
    pub client_id: &'a ClientId,
    /// The Request-Target of the job; the line's own path is tried as well.
    pub path: &'a str,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    received_at: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    headers: Option<HashMap<String, serde_json::Value>>,
    body: serde_json::Value,
}

/// Reads one log file.
///
/// # Errors
/// The file cannot be read. What its lines say is never an error.
pub fn read(path: &Path, name: &str, verifier: &Verifier<'_>) -> Result<Log, ReadError> {
    let bytes = read::bytes(path)?;
    Ok(read_lines(name, &bytes, verifier))
}

/// Reads the lines of a log.
#[must_use]
pub fn read_lines(name: &str, bytes: &[u8], verifier: &Verifier<'_>) -> Log {
    let mut log = Log::default();
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut offset = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index as u64 + 1;
        let start = offset;
        offset += line.len();
        let (text, torn) = match line.strip_suffix(b"\n") {
            Some(text) => (text.strip_suffix(b"\r").unwrap_or(text), false),
            None => (line, true),
        };
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match read_line(text, verifier) {
            Ok(heard) => log.heard.push(Heard { file: name.to_owned(), line: number, ..heard }),
            Err(unmatched) => {
                let cut = torn && unmatched.reason == UnmatchedReason::Malformed;
                let detail = if cut { format!("torn last line at byte {start}") } else { unmatched.detail };
                log.unmatched.push(Unmatched { file: name.to_owned(), line: number, detail, ..unmatched });
            }
        }
    }
    log
}

fn read_line(text: &[u8], verifier: &Verifier<'_>) -> Result<Heard, Unmatched> {
    // A list would be read as the fields in their order.
    let object = text.trim_ascii_start().starts_with(b"{");
    let Some(line) = serde_json::from_slice::<Line>(text).ok().filter(|_| object) else {
        let bare = serde_json::from_slice::<serde_json::Value>(text).ok().filter(serde_json::Value::is_object);
        return Err(match bare.and_then(|body| notification::parse(&body.to_string())) {
            Some(said) => unproven(UnmatchedReason::Unverifiable, "no headers", Some(&said), ""),
            None => unproven(UnmatchedReason::Malformed, "not a line of a notification log", None, ""),
        });
    };
    let received_at = line.received_at.unwrap_or_default();
    let Some(body) = line.body.as_str() else {
        let said = notification::parse(&line.body.to_string());
        let detail = "the body is not kept as text";
        return Err(unproven(UnmatchedReason::Unverifiable, detail, said.as_ref(), &received_at));
    };
    let said = notification::parse(body);
    let Some(headers) = line.headers else {
        return Err(unproven(UnmatchedReason::Unverifiable, "no headers", said.as_ref(), &received_at));
    };
    let header = |name: &str| {
        let mut found = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = found.next().and_then(serde_json::Value::as_str).unwrap_or_default();
        // A header that is there twice is as good as none.
        if found.next().is_some() { "" } else { first }
    };
    let envelope = Envelope {
        client_id: header("Client-Id"),
        request_id: header("Request-Id"),
        timestamp: header("Request-Timestamp"),
        signature: header("Signature"),
        body,
    };
    if envelope.signature.is_empty() || envelope.request_id.is_empty() || envelope.timestamp.is_empty() {
        return Err(unproven(UnmatchedReason::Unverifiable, "headers are missing", said.as_ref(), &received_at));
    }
    if !envelope.client_id.is_empty() && envelope.client_id != verifier.client_id.as_str() {
        return Err(unproven(UnmatchedReason::OtherClient, envelope.client_id, said.as_ref(), &received_at));
    }
    let own_path = line.path.unwrap_or_default();
    let without_query = own_path.split('?').next().unwrap_or_default();
    let mut targets = vec![verifier.path];
    targets.extend([without_query, own_path.as_str()].into_iter().filter(|target| !target.is_empty()));
    targets.dedup();
    match notification::verify(&envelope, verifier.signer, verifier.client_id, &targets) {
        Ok(()) => {}
        Err(NotSigned::Missing) => {
            return Err(unproven(UnmatchedReason::Unverifiable, "no signature", said.as_ref(), &received_at));
        }
        Err(why @ (NotSigned::Malformed | NotSigned::Mismatch)) => {
            let detail = why.to_string();
            return Err(unproven(UnmatchedReason::InvalidSignature, &detail, said.as_ref(), &received_at));
        }
    }
    let Some(notification) = said else {
        return Err(unproven(UnmatchedReason::Malformed, "signed, but not a notification", None, &received_at));
    };
    Ok(Heard {
        file: String::new(),
        line: 0,
        received_at: time::parse_instant(&received_at),
        request_id: envelope.request_id.to_owned(),
        notification,
    })
}

fn unproven(
    reason: UnmatchedReason,
    detail: &str,
    said: Option<&notification::Notification>,
    received_at: &str,
) -> Unmatched {
    Unmatched {
        file: String::new(),
        line: 0,
        reason,
        detail: detail.to_owned(),
        invoice: said.map(|said| said.invoice.to_string()).unwrap_or_default(),
        amount: said.map(|said| said.amount),
        status: said.map(|said| said.status.word().to_owned()).unwrap_or_default(),
        received_at: received_at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doku::sign::{Components, TimestampName};
    use crate::model::secret::Secret;

    const BODY: &str = r#"{"order":{"invoice_number":"INV-1","amount":90000},"transaction":{"status":"SUCCESS","date":"2026-11-21T18:02:00Z"}}"#;

    fn signed(target: &str, secret: &str) -> String {
        Signer::new(&Secret::new(secret)).sign(&Components {
            client_id: "MCH-1",
            request_id: "N-1",
            timestamp_name: TimestampName::Request,
            timestamp: "2026-11-21T18:02:11Z",
            target,
            body: Some(BODY.as_bytes()),
        })
    }

    fn line(client: &str, signature: &str, body: &serde_json::Value) -> String {
        serde_json::json!({
            "received_at": "2026-11-21T18:02:12Z", "path": "/hooks/doku?x=1",
            "headers": {"client-id": client, "Request-Id": "N-1", "Request-Timestamp": "2026-11-21T18:02:11Z", "Signature": signature},
            "body": body,
        })
        .to_string()
    }

    fn read(text: &str) -> Log {
        let signer = Signer::new(&Secret::new("SK"));
        let client_id = ClientId::new("MCH-1").unwrap();
        let verifier = Verifier { signer: &signer, client_id: &client_id, path: "/payments/notifications" };
        read_lines("log.jsonl", text.as_bytes(), &verifier)
    }

    #[test]
    fn only_what_verifies_is_heard_and_everything_else_is_named() {
        let body = serde_json::Value::from(BODY);
        let object: serde_json::Value = serde_json::from_str(BODY).unwrap();
        let good = signed("/payments/notifications", "SK");
        let cases = [
            (line("MCH-1", &signed("/payments/notifications", "SK-other"), &body), UnmatchedReason::InvalidSignature),
            (line("MCH-1", &signed("/elsewhere", "SK"), &body), UnmatchedReason::InvalidSignature),
            (line("MCH-1", &good, &BODY.replace('9', "8").into()), UnmatchedReason::InvalidSignature),
            (line("MCH-1", "HMACSHA256=", &body), UnmatchedReason::InvalidSignature),
            (line("MCH-1", "", &body), UnmatchedReason::Unverifiable),
            (line("MCH-1", &good, &object), UnmatchedReason::Unverifiable),
            (BODY.to_owned(), UnmatchedReason::Unverifiable),
            (serde_json::json!({"body": BODY}).to_string(), UnmatchedReason::Unverifiable),
            (line("MCH-2", &good, &body), UnmatchedReason::OtherClient),
            ("{}".to_owned(), UnmatchedReason::Malformed),
            (r#"["2026-11-21T18:02:12Z", "/", null, ""]"#.to_owned(), UnmatchedReason::Malformed),
            ("not json".to_owned(), UnmatchedReason::Malformed),
        ];
        for (text, reason) in cases {
            let log = read(&format!("{text}\n"));
            assert_eq!(log.heard, [], "{text}");
            assert_eq!(log.unmatched.iter().map(|line| line.reason).collect::<Vec<_>>(), [reason], "{text}");
        }
        for target in ["/payments/notifications", "/hooks/doku", "/hooks/doku?x=1"] {
            assert_eq!(read(&format!("{}\n", line("MCH-1", &signed(target, "SK"), &body))).heard.len(), 1, "{target}");
        }
    }

    #[test]
    fn a_torn_last_line_is_named_with_its_offset() {
        let whole = format!("{}\n", line("MCH-1", &signed("/payments/notifications", "SK"), &BODY.into()));
        let text = format!("{whole}{}", &whole[..whole.len() / 2]);
        let log = read(&text);
        assert_eq!(log.heard.len(), 1);
        assert_eq!(log.unmatched[0].line, 2);
        assert_eq!(log.unmatched[0].reason, UnmatchedReason::Malformed);
        assert_eq!(log.unmatched[0].detail, format!("torn last line at byte {}", whole.len()));
    }

    #[test]
    fn a_complete_last_line_without_a_line_end_is_heard() {
        let text = line("MCH-1", &signed("/payments/notifications", "SK"), &BODY.into());
        assert_eq!(read(&text).heard.len(), 1);
    }
}
