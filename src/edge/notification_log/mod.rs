//! Notification logs: one JSON object per line, verified line by line (`DESIGN` 5).
//!
//! A log is read by blocks of lines, and a line borrows from its block; what wants a log as a whole ([`read`]) is built on
//! that. Nothing in a log stops the program: what is not proof is listed with its place and reason.

mod careful;
mod ordinary;

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::path::Path;

use foldhash::fast::FixedState;

use super::read::{self, ReadError};
use crate::doku::notification::{self, Envelope, Said};
use crate::doku::scan::{Scan, Unescaped};
use crate::doku::sign::{NotSigned, Signer};
use crate::model::ids::ClientId;
use crate::model::time::{self, Timestamp};
use crate::reconcile::evidence::{self, Log, UnmatchedReason};

/// Who may have signed, and for which path.
#[derive(Debug, Clone, Copy)]
pub struct Verifier<'a> {
    /// The keys, newest first; any of them proves a line.
    pub signers: &'a [Signer],
    /// The account.
    pub client_id: &'a ClientId,
    /// The Request-Target of the job; the line's own path is tried as well.
    pub path: &'a str,
}

/// Some lines of a log, from the beginning of a line to the end of one or of the file.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    /// The lines.
    pub bytes: &'a [u8],
    /// Where they begin in the file, in bytes.
    pub offset: u64,
    /// The number of the first one, from 1.
    pub first_line: u64,
}

/// What one line says. It borrows from the block, and is gone with the next line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// It verified.
    Heard(Heard<'a>),
    /// It proves nothing.
    Unmatched(Unmatched<'a>),
}

/// A line that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard<'a> {
    /// When the merchant's server received it; absent if the log does not say.
    pub received_at: Option<Timestamp>,
    /// DOKU's id of the notification.
    pub request_id: Cow<'a, str>,
    /// When DOKU sent it, as the header says.
    pub timestamp: Cow<'a, str>,
    /// What it says.
    pub said: Said<'a>,
    /// Of the whole line: the same line has the same hash, in every file, thread and run of this program. Not proof
    /// against somebody who makes two lines with one hash.
    pub hash: u64,
}

/// A line that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched<'a> {
    /// Why.
    pub reason: UnmatchedReason,
    /// A word more about it.
    pub detail: Cow<'a, str>,
    /// What it says, if it can be read.
    pub said: Option<Said<'a>>,
    /// When it was received, as the line says.
    pub received_at: Cow<'a, str>,
    /// Of the whole line, as in [`Heard`].
    pub hash: u64,
}

/// Buffers to use again and again; each thread has its own.
#[derive(Debug, Default)]
pub struct Scratch {
    body: Unescaped,
    signed: Vec<u8>,
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
    let lines = Lines { bytes, offset: 0, first_line: 1 };
    read_block(lines, verifier, &mut Scratch::default(), &mut |number, line| match line {
        Line::Heard(heard) => log.heard.push(heard.owned(name, number)),
        Line::Unmatched(unmatched) => log.unmatched.push(unmatched.owned(name, number)),
    });
    log
}

/// Reads some lines of a log and hands over each with its number. A byte order mark at the beginning of the file is left
/// out, and so are lines without a text.
pub fn read_block(
    lines: Lines<'_>,
    verifier: &Verifier<'_>,
    scratch: &mut Scratch,
    each: &mut impl FnMut(u64, Line<'_>),
) {
    let marked = lines.offset == 0 && lines.bytes.starts_with(BYTE_ORDER_MARK);
    let mut start = if marked { BYTE_ORDER_MARK.len() } else { 0 };
    let mut number = lines.first_line;
    while start < lines.bytes.len() {
        let rest = &lines.bytes[start..];
        let end = memchr::memchr(b'\n', rest);
        let text = &rest[..end.unwrap_or(rest.len())];
        // Without its line feed a carriage return is a byte like any other.
        let text = if end.is_some() { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        if text.first() == Some(&b'{') || !text.iter().all(u8::is_ascii_whitespace) {
            let mut line = read_line(text, verifier, scratch);
            if let Line::Unmatched(unmatched) = &mut line
                && unmatched.reason == UnmatchedReason::Malformed
                && end.is_none()
            {
                let at = lines.offset + start as u64;
                unmatched.detail = format!("torn last line at byte {at}").into();
            }
            each(number, line);
        }
        number += 1;
        start += end.map_or(rest.len(), |end| end + 1);
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The seed of the lines' hashes: any number, but always the same.
const SEED: u64 = 0x7265_6b6f_6e21_0004;

/// The parts of a line, whatever its form.
#[derive(Debug, Clone)]
struct Parts<'a> {
    /// As the line says.
    received_at: Cow<'a, str>,
    /// Empty if the line has none.
    path: Cow<'a, str>,
    /// `None` if the line has no headers at all; a header that is not there is empty.
    headers: Option<Headers<'a>>,
    body: Body<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Headers<'a> {
    client_id: Cow<'a, str>,
    request_id: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    signature: Cow<'a, str>,
}

#[derive(Debug, Clone)]
enum Body<'a> {
    /// The text that arrived.
    Text(String),
    /// The text that arrived, ready to be read.
    Unescaped(Scan<'a>),
    /// What somebody made of it; nobody can verify that.
    Json(String),
}

fn read_line<'a>(text: &'a [u8], verifier: &Verifier<'_>, scratch: &'a mut Scratch) -> Line<'a> {
    let hash = FixedState::with_seed(SEED).hash_one(text);
    if let Some(parts) = ordinary::parts(text, &mut scratch.body) {
        return judge(parts, hash, verifier, &mut scratch.signed);
    }
    match careful::parts(text) {
        Ok(parts) => judge(parts, hash, verifier, &mut scratch.signed),
        Err(unmatched) => Line::Unmatched(Unmatched { hash, ..unmatched }),
    }
}

/// Whether a line is proof.
fn judge<'a>(parts: Parts<'a>, hash: u64, verifier: &Verifier<'_>, signed: &mut Vec<u8>) -> Line<'a> {
    let received_at = parts.received_at;
    let unproven = |reason, detail: Cow<'a, str>, said, received_at| {
        Line::Unmatched(Unmatched { reason, detail, said, received_at, hash })
    };
    let (body, said): (Cow<'_, str>, _) = match parts.body {
        Body::Text(body) => {
            let said = notification::read_owned(&body);
            (body.into(), said)
        }
        Body::Unescaped(scan) => (scan.rest().into(), notification::read_scan(scan)),
        Body::Json(body) => {
            let said = notification::read_owned(&body);
            return unproven(UnmatchedReason::Unverifiable, "the body is not kept as text".into(), said, received_at);
        }
    };
    let Some(headers) = parts.headers else {
        return unproven(UnmatchedReason::Unverifiable, "no headers".into(), said, received_at);
    };
    if headers.signature.is_empty() || headers.request_id.is_empty() || headers.timestamp.is_empty() {
        return unproven(UnmatchedReason::Unverifiable, "headers are missing".into(), said, received_at);
    }
    if !headers.client_id.is_empty() && headers.client_id != verifier.client_id.as_str() {
        return unproven(UnmatchedReason::OtherClient, headers.client_id, said, received_at);
    }
    let envelope = Envelope {
        client_id: &headers.client_id,
        request_id: &headers.request_id,
        timestamp: &headers.timestamp,
        signature: &headers.signature,
        body: &body,
    };
    let (targets, count) = targets(verifier.path, &parts.path);
    match notification::verify(&envelope, verifier.signers, verifier.client_id, &targets[..count], signed) {
        Ok(()) => {}
        Err(NotSigned::Missing) => {
            return unproven(UnmatchedReason::Unverifiable, "no signature".into(), said, received_at);
        }
        Err(why @ (NotSigned::Malformed | NotSigned::Mismatch)) => {
            return unproven(UnmatchedReason::InvalidSignature, why.to_string().into(), said, received_at);
        }
    }
    let Some(said) = said else {
        let detail = "signed, but not a notification";
        return unproven(UnmatchedReason::Malformed, detail.into(), None, received_at);
    };
    Line::Heard(Heard {
        received_at: time::parse_instant(&received_at),
        request_id: headers.request_id,
        timestamp: headers.timestamp,
        said,
        hash,
    })
}

/// What DOKU may have signed for, each once, and how many there are: the job's path, the line's own path without its
/// query, and with it.
fn targets<'a>(of_job: &'a str, own: &'a str) -> ([&'a str; 3], usize) {
    let (mut targets, mut count) = ([of_job; 3], 1);
    for target in [own.split('?').next().unwrap_or_default(), own] {
        if !target.is_empty() && !targets[..count].contains(&target) {
            targets[count] = target;
            count += 1;
        }
    }
    (targets, count)
}

impl Heard<'_> {
    fn owned(self, file: &str, line: u64) -> evidence::Heard {
        evidence::Heard {
            file: file.to_owned(),
            line,
            received_at: self.received_at,
            request_id: self.request_id.into_owned(),
            notification: self.said.into_notification(),
        }
    }
}

impl Unmatched<'_> {
    /// The same on its own, with its place.
    #[must_use]
    pub fn owned(self, file: &str, line: u64) -> evidence::Unmatched {
        let said = self.said.as_ref();
        evidence::Unmatched {
            file: file.to_owned(),
            line,
            reason: self.reason,
            invoice: said.map(|said| said.invoice().to_owned()).unwrap_or_default(),
            amount: said.map(|said| said.amount),
            status: said.map(|said| said.status.word().to_owned()).unwrap_or_default(),
            detail: self.detail.into_owned(),
            received_at: self.received_at.into_owned(),
        }
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
        let signers = ["SK-new", "SK"].map(|key| Signer::new(&Secret::new(key)));
        let client_id = ClientId::new("MCH-1").unwrap();
        let verifier = Verifier { signers: &signers, client_id: &client_id, path: "/payments/notifications" };
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
