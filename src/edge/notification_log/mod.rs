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
use judge::Parts;
use mould::Moulds;

use super::piped;
use super::read::{self, ReadError};
use crate::doku::notification::{Glimpse, Said};
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

/// What one line says, in the text of its block.
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
    /// What it says, as far as it can be read.
    pub said: Glimpse<'a>,
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
    casts: [Cast; 2],
    body: Unescaped,
    signed: [Vec<u8>; 2],
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
pub fn read_block<'a>(
    lines: Lines<'a>,
    verifier: &Verifier<'_>,
    scratch: &mut Scratch,
    each: &mut impl FnMut(u64, Line<'a>),
) {
    let mut texts = Texts::of(lines);
    while let Some(text) = texts.next() {
        let Scratch { moulds, casts: [cast, other_cast], signed, .. } = &mut *scratch;
        let Some(parts) = moulds.fit(&text, verifier, cast) else {
            each(text.number, read_line(&text, verifier, scratch));
            continue;
        };
        let other = texts.next();
        // Two that are verified together take less time than one after the other.
        if let Some(other) = &other
            && let Some(other_parts) = moulds.fit(other, verifier, other_cast)
        {
            let [proof, other_proof] = judge::judge_each([&parts, &other_parts], verifier, signed);
            each(text.number, judge::line(parts, proof, hash(text.bytes), verifier));
            each(other.number, judge::line(other_parts, other_proof, hash(other.bytes), verifier));
            continue;
        }
        let [proof] = judge::judge_each([&parts], verifier, first_of(signed));
        each(text.number, judge::line(parts, proof, hash(text.bytes), verifier));
        if let Some(other) = other {
            each(other.number, read_line(&other, verifier, scratch));
        }
    }
}

/// The text of a line.
struct Text<'a> {
    bytes: &'a [u8],
    /// The same, if it is one.
    utf8: Option<&'a str>,
    number: u64,
    /// Where it begins in the file, if it has no line end.
    open_at: Option<u64>,
}

/// The lines of a block that have a text.
struct Texts<'a> {
    rest: &'a [u8],
    /// The same, if all of it is text: the question costs less for a block than for each line.
    rest_text: Option<&'a str>,
    /// Where it begins in the file.
    offset: u64,
    number: u64,
}

impl<'a> Texts<'a> {
    fn of(lines: Lines<'a>) -> Self {
        let marked = if lines.offset == 0 { lines.bytes.strip_prefix(BYTE_ORDER_MARK) } else { None };
        let rest = marked.unwrap_or(lines.bytes);
        let offset = lines.offset + (lines.bytes.len() - rest.len()) as u64;
        Self { rest, rest_text: simdutf8::basic::from_utf8(rest).ok(), offset, number: lines.first_line }
    }
}

impl<'a> Iterator for Texts<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Text<'a>> {
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest);
            let whole = &self.rest[..end.unwrap_or(self.rest.len())];
            // Without its line feed a carriage return is a byte like any other.
            let bytes = if end.is_some() { whole.strip_suffix(b"\r").unwrap_or(whole) } else { whole };
            let utf8 = match self.rest_text {
                Some(rest) => rest.get(..bytes.len()),
                None => std::str::from_utf8(bytes).ok(),
            };
            let line = Text { bytes, utf8, number: self.number, open_at: end.is_none().then_some(self.offset) };
            let behind = whole.len() + usize::from(end.is_some());
            self.number += 1;
            self.offset += behind as u64;
            self.rest = &self.rest[behind..];
            self.rest_text = self.rest_text.and_then(|rest| rest.get(behind..));
            if bytes.first() == Some(&b'{') || !bytes.iter().all(u8::is_ascii_whitespace) {
                return Some(line);
            }
        }
        None
    }
}

impl Moulds {
    /// The parts of a line in our own form that fits one of them.
    fn fit<'a, 'b>(&mut self, text: &Text<'a>, verifier: &Verifier<'_>, cast: &'b mut Cast) -> Option<Parts<'a, 'b>> {
        if verifier.fields.is_some() {
            return None;
        }
        self.read(text.utf8?, cast)
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The seed of the lines' hashes: any number, but always the same.
const SEED: u64 = 0x7265_6b6f_6e21_0004;

fn hash(text: &[u8]) -> u64 {
    FixedState::with_seed(SEED).hash_one(text)
}

/// Reads a line that fits no mould.
fn read_line<'a>(text: &Text<'a>, verifier: &Verifier<'_>, scratch: &mut Scratch) -> Line<'a> {
    let hash = hash(text.bytes);
    let Scratch { moulds, body, signed, .. } = scratch;
    let parts = match verifier.fields {
        None => match text.utf8.and_then(|line| Some((line, ordinary::parts(Scan::new(line), body)?))) {
            Some((line, parts)) => {
                moulds.learn(line, &parts);
                Ok(parts)
            }
            None => careful::parts(text.bytes),
        },
        Some(fields) => mapped::parts(text.bytes, fields),
    };
    let mut line = match parts {
        Ok(parts) => {
            let [proof] = judge::judge_each([&parts], verifier, first_of(signed));
            judge::line(parts, proof, hash, verifier)
        }
        Err(unmatched) => Line::Unmatched(Unmatched { hash, ..unmatched }),
    };
    if let (Line::Unmatched(unmatched), Some(at)) = (&mut line, text.open_at)
        && unmatched.reason == UnmatchedReason::Malformed
    {
        unmatched.detail = format!("torn last line at byte {at}").into();
    }
    line
}

fn first_of(signed: &mut [Vec<u8>; 2]) -> &mut [Vec<u8>; 1] {
    let [first, _] = signed;
    std::array::from_mut(first)
}

impl<'a> Heard<'a> {
    /// The same for a reconciliation, with its place.
    #[must_use]
    pub fn receipt(&self, place: LinePlace) -> Receipt<'_, '_> {
        let said = &self.said;
        let identifiers = [&said.payment_reference, &said.order_id, &said.akulaku_reference].map(Option::as_deref);
        self.receipt_of(place, said.invoice(), identifiers)
    }

    /// The same with texts that stay as long as the block; `None` if one of them had to be copied.
    #[must_use]
    pub fn lent_receipt(&self, place: LinePlace) -> Option<Receipt<'_, 'a>> {
        let (invoice, identifiers) = self.said.lent()?;
        Some(self.receipt_of(place, invoice, identifiers))
    }

    fn receipt_of<'t>(&self, place: LinePlace, invoice: &'t str, identifiers: [Option<&'t str>; 3]) -> Receipt<'_, 't> {
        Receipt {
            place,
            received_at: self.received_at,
            signed_at: &self.timestamp,
            request_id: &self.request_id,
            invoice,
            amount: self.said.amount,
            status: self.said.status,
            date: &self.said.date,
            original_request_id: self.said.original_request_id.as_deref(),
            identifiers,
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
        let Glimpse { invoice, amount, status } = self.said;
        evidence::Unmatched {
            file: file.to_owned(),
            line,
            reason: self.reason,
            invoice: invoice.into_owned(),
            amount,
            status: status.into_owned(),
            detail: self.detail.into_owned(),
            received_at: self.received_at.into_owned(),
            hash: self.hash,
        }
    }
}
