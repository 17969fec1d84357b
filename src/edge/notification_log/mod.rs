//! Notification logs: one JSON object per line, verified line by line (`DESIGN` 5).
//!
//! A log is read by blocks of lines, and a line borrows from its block; what wants a log as a whole ([`read()`]) is built on
//! that. Nothing in a log stops the program: what is not proof is listed with its place and reason.

mod careful;
mod cast;
mod judge;
mod mapped;
mod mould;
mod ordinary;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::path::Path;
use std::sync::Mutex;

use cast::Cast;
use foldhash::fast::FixedState;
use mould::Moulds;

use super::piped;
use super::read::{self, ReadError};
use crate::doku::notification::Said;
use crate::doku::scan::{Scan, Unescaped};
use crate::doku::sign::Signer;
use crate::job::settings::LogFields;
use crate::model::ids::ClientId;
use crate::model::moment::Moment;
use crate::reconcile::evidence::{self, Log, UnmatchedReason};
use crate::reconcile::record::{LinePlace, Receipt};

/// Who may have signed, and for which path.
#[derive(Debug, Clone, Copy)]
pub struct Verifier<'a> {
    /// The keys, newest first; any of them proves a line.
    pub signers: &'a [Signer],
    /// The account.
    pub client_id: &'a ClientId,
    /// The Request-Target of the job; the line's own path is tried as well.
    pub path: &'a str,
    /// Where the parts of a line are; `None`: where our own form has them.
    pub fields: Option<&'a LogFields>,
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
    pub received_at: Option<Moment>,
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

/// What reading leaves behind for the next block: what it has learned, and its buffers. Threads share the heap of them.
#[derive(Debug, Default)]
pub struct Scratches(Mutex<Vec<Scratch>>);

impl Scratches {
    /// Does some work with one of them.
    ///
    /// # Panics
    /// If the work does.
    pub fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let heap = || self.0.lock().expect("nothing can panic while it is held");
        let mut scratch = heap().pop().unwrap_or_default();
        let result = work(&mut scratch);
        heap().push(scratch);
        result
    }
}

/// One of [`Scratches`].
#[derive(Debug, Default)]
pub struct Scratch {
    moulds: Moulds,
    cast: Cast,
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

/// Reads a log from standard input.
///
/// # Errors
/// Standard input cannot be read, or is larger than any log.
pub fn read_piped(verifier: &Verifier<'_>) -> Result<Log, ReadError> {
    let bytes = piped::bytes()?;
    Ok(read_lines(piped::NAME, &bytes, verifier))
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

fn read_line<'a>(text: &'a [u8], verifier: &Verifier<'_>, scratch: &'a mut Scratch) -> Line<'a> {
    let hash = FixedState::with_seed(SEED).hash_one(text);
    let parts = match verifier.fields {
        None => {
            if let Ok(line) = std::str::from_utf8(text) {
                if let Some(parts) = scratch.moulds.read(line, &mut scratch.cast) {
                    return judge::judge(parts, hash, verifier, &mut scratch.signed);
                }
                if let Some(parts) = ordinary::parts(Scan::new(line), &mut scratch.body) {
                    scratch.moulds.learn(line, &parts);
                    return judge::judge(parts, hash, verifier, &mut scratch.signed);
                }
            }
            careful::parts(text)
        }
        Some(fields) => mapped::parts(text, fields),
    };
    match parts {
        Ok(parts) => judge::judge(parts, hash, verifier, &mut scratch.signed),
        Err(unmatched) => Line::Unmatched(Unmatched { hash, ..unmatched }),
    }
}

impl Heard<'_> {
    /// The same for a reconciliation, with its place.
    #[must_use]
    pub fn receipt(&self, place: LinePlace) -> Receipt<'_> {
        let said = &self.said;
        Receipt {
            place,
            received_at: self.received_at,
            signed_at: &self.timestamp,
            request_id: &self.request_id,
            invoice: said.invoice(),
            amount: said.amount,
            status: said.status,
            date: &said.date,
            original_request_id: said.original_request_id.as_deref(),
            identifiers: [
                said.payment_reference.as_deref(),
                said.order_id.as_deref(),
                said.akulaku_reference.as_deref(),
            ],
        }
    }

    fn owned(self, file: &str, line: u64) -> evidence::Heard {
        evidence::Heard {
            file: file.to_owned(),
            line,
            received_at: self.received_at.map(Moment::time),
            request_id: self.request_id.into_owned(),
            signed_at: self.timestamp.into_owned(),
            hash: self.hash,
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
            hash: self.hash,
        }
    }
}
