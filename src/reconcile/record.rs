//! What one line of an input says, as bytes: the same whether it stays in memory or goes to a file first.
//!
//! The readers, on all cores, make records; a [`Ledger`](super::ledger::Ledger) takes them. A record's [`Record::home`] says
//! to which part of a divided reconciliation it belongs: everything about one invoice has one home.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use super::evidence::{DoneState, Expectation, UnmatchedReason};
use super::request::{RequestText, request_key};
use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::{Cutoff, parse_moment};

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// The rows of the orders that follow are numbered on from here.
    RowsBefore(u64),
    /// A row of the orders.
    Order(OrderRecord<'a>),
    /// A row of a results.csv, or an item of the journal.
    Done(DoneRecord<'a>),
    /// A line of a notification log that verified.
    Heard(HeardRecord<'a>),
    /// A line of a notification log that proves nothing.
    Stray(StrayRecord<'a>),
}

/// What is to become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is judged.
    Judged,
    /// `where` leaves it out.
    NotSelected,
    /// Its business day is not in the period.
    OutsidePeriod,
    /// The row is bad, or contradicts another.
    Invalid,
}

/// A row of the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRecord<'a> {
    /// Its number, from 1, after the rows before.
    pub row: u64,
    /// Its invoice; `None` in a bad row that has none.
    pub invoice: Option<&'a str>,
    /// Its money; zero in a bad row that names none.
    pub amount: Rupiah,
    /// What the book says.
    pub book: Option<BookStatus>,
    /// When it was made.
    pub created_at: Option<Moment>,
    /// What should be true of it.
    pub expectation: Expectation,
    /// A hash of its payment reference.
    pub reference: Option<u64>,
    /// A hash of everything that rows of one invoice must agree in.
    pub agreement: u64,
    /// Payment reference, `ORDER_ID` and `AKULAKU_UNIQUE_REFERENCE`, if it may have to be refunded; empty otherwise.
    pub identifiers: [&'a str; 3],
    /// What is to become of it.
    pub standing: Standing,
}

/// What one operation of ours came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoneRecord<'a> {
    /// The order.
    pub invoice: &'a str,
    /// The operation.
    pub operation: Operation,
    /// How it ended.
    pub state: DoneState,
    /// The amount that the order had for it, if that is known.
    pub amount: Option<Rupiah>,
    /// Its Request-Id.
    pub request_id: Option<RequestText<'a>>,
    /// `payment.status` of the deciding answer.
    pub payment_status: Option<PaymentStatus>,
    /// When it came to its end.
    pub settled_at: Option<Moment>,
    /// A person has ruled so, and no answer of DOKU's.
    pub ruled: bool,
}

/// Where a line of a log stands, and which line it is wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LinePlace {
    /// The number of the file, in the order of their names.
    pub file: u16,
    /// The line, from 1.
    pub line: u64,
    /// A hash of its text.
    pub hash: u64,
}

/// A line of a notification log that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeardRecord<'a> {
    /// Where it stands.
    pub place: LinePlace,
    /// The order.
    pub invoice: &'a str,
    /// Its amount.
    pub amount: Rupiah,
    /// What happened to the payment.
    pub status: PaymentStatus,
    /// When the merchant's server received it.
    pub received_at: Option<Moment>,
    /// The business day on which it happened, in days from 1970-01-01.
    pub day: Option<u16>,
    /// A hash of the notification's Request-Id.
    pub id: u64,
    /// A hash of its date.
    pub date: u64,
    /// Of the creation's Request-Id, if it names one.
    pub request: Option<u128>,
    /// A hash of the payment reference, if it names one.
    pub reference: Option<u64>,
    /// It was received later than DOKU's own repetitions go on.
    pub late: bool,
    /// It was received long after it was signed.
    pub stale: bool,
    /// The payment reference, `ORDER_ID` and `AKULAKU_UNIQUE_REFERENCE`; empty where it names none.
    pub identifiers: [&'a str; 3],
}

/// A line that verified, with everything that it says as text; some of the texts stay.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a, 't> {
    /// Where it stands.
    pub place: LinePlace,
    /// When the merchant's server received it.
    pub received_at: Option<Moment>,
    /// When DOKU signed it, as the header says.
    pub signed_at: &'a str,
    /// DOKU's id of the notification.
    pub request_id: &'a str,
    /// The order.
    pub invoice: &'t str,
    /// Its amount.
    pub amount: Rupiah,
    /// What happened to the payment.
    pub status: PaymentStatus,
    /// `transaction.date`.
    pub date: &'a str,
    /// The Request-Id of the creation.
    pub original_request_id: Option<&'a str>,
    /// The payment reference, `ORDER_ID` and `AKULAKU_UNIQUE_REFERENCE`.
    pub identifiers: [Option<&'t str>; 3],
}

/// DOKU repeats a notification after 30 minutes, 6 and 12 hours (`doku-api.md` 3.3): later than this it comes late.
const LATE: Duration = Duration::from_secs(18 * 60 * 60);
/// A copy that was signed longer ago than this was sent again by hand, or by somebody else.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

impl<'a> HeardRecord<'a> {
    /// The record of a receipt; business days end at `cutoff`.
    #[must_use]
    pub fn of(receipt: &Receipt<'_, 'a>, cutoff: Cutoff) -> Self {
        let happened_at = parse_moment(receipt.date);
        let behind = |since: Option<Moment>, limit| {
            since.zip(receipt.received_at).is_some_and(|(since, received)| received.since(since) > limit)
        };
        let [payment, _, _] = receipt.identifiers;
        // Only what may have to be refunded needs them.
        let kept = receipt.status == PaymentStatus::Success;
        Self {
            place: receipt.place,
            invoice: receipt.invoice,
            amount: receipt.amount,
            status: receipt.status,
            received_at: receipt.received_at,
            day: happened_at.and_then(|time| cutoff.day(time)),
            id: hash(receipt.request_id),
            date: hash(receipt.date),
            request: receipt.original_request_id.filter(|text| !text.is_empty()).map(request_key),
            reference: payment.filter(|text| !text.is_empty()).map(hash),
            late: behind(happened_at, LATE),
            stale: behind(parse_moment(receipt.signed_at), STALE),
            identifiers: receipt.identifiers.map(|text| text.filter(|_| kept).unwrap_or_default()),
        }
    }
}

/// A line of a notification log that proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrayRecord<'a> {
    /// Where it stands.
    pub place: LinePlace,
    /// Why it proves nothing.
    pub reason: UnmatchedReason,
    /// The amount, if it has one.
    pub amount: Option<Rupiah>,
    /// The invoice, or nothing.
    pub invoice: &'a str,
    /// The status, or a word more about the reason.
    pub status: &'a str,
    /// When it was received, as the line says.
    pub received_at: &'a str,
}

/// A hash that is the same in every run, on every thread.
#[must_use]
pub fn hash(text: &str) -> u64 {
    hash_bytes(text.as_bytes())
}

/// The same of bytes.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

impl<'a> Record<'a> {
    /// A hash that says where the record belongs; `None`: everywhere.
    #[must_use]
    pub fn home(&self) -> Option<u64> {
        match self {
            Self::RowsBefore(_) => None,
            Self::Order(order) => Some(order.invoice.map_or(order.row, hash)),
            Self::Done(done) => Some(hash(done.invoice)),
            Self::Heard(heard) => Some(hash(heard.invoice)),
            Self::Stray(stray) => Some(stray.place.hash),
        }
    }

    /// Appends the record's bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::RowsBefore(rows) => {
                out.push(0);
                out.extend(rows.to_le_bytes());
            }
            Self::Order(order) => order.write(out),
            Self::Done(done) => done.write(out),
            Self::Heard(heard) => heard.write(out),
            Self::Stray(stray) => stray.write(out),
        }
    }

    /// Takes the next record off the bytes; `None` at their end, or if they are none of ours.
    #[must_use]
    pub fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let record = match reader.byte()? {
            0 => Self::RowsBefore(reader.number()?),
            1 => Self::Order(OrderRecord::read(&mut reader)?),
            2 => Self::Done(DoneRecord::read(&mut reader)?),
            3 => Self::Heard(HeardRecord::read(&mut reader)?),
            4 => Self::Stray(StrayRecord::read(&mut reader)?),
            _ => return None,
        };
        *bytes = reader.0;
        Some(record)
    }
}

impl<'a> OrderRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let (kind, word) = match self.expectation {
            Expectation::Effect(operation) => (0, code(&Operation::ALL, operation)),
            Expectation::Book(book) => (1, optional_code(&BookStatus::ALL, book)),
        };
        let book = optional_code(&BookStatus::ALL, self.book);
        out.extend([1, kind, word, book, self.standing as u8, u8::from(self.invoice.is_some())]);
        out.extend(self.row.to_le_bytes());
        out.extend(self.amount.whole().to_le_bytes());
        out.extend(millis(self.created_at).to_le_bytes());
        out.extend(self.reference.unwrap_or_default().to_le_bytes());
        out.extend(self.agreement.to_le_bytes());
        write_text(self.invoice.unwrap_or_default(), out);
        self.identifiers.iter().for_each(|text| write_text(text, out));
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [kind, word, book, standing, readable] = reader.array()?;
        let expectation = match kind {
            0 => Expectation::Effect(decode(&Operation::ALL, word)?),
            _ => Expectation::Book(decode(&BookStatus::ALL, word)),
        };
        let standing =
            decode(&[Standing::Judged, Standing::NotSelected, Standing::OutsidePeriod, Standing::Invalid], standing)?;
        Some(Self {
            expectation,
            standing,
            book: decode(&BookStatus::ALL, book),
            row: reader.number()?,
            amount: Rupiah::new(reader.number()?),
            created_at: time_of(reader.millis()?),
            reference: Some(reader.number()?).filter(|hash| *hash != 0),
            agreement: reader.number()?,
            invoice: Some(reader.text()?).filter(|_| readable == 1),
            identifiers: [reader.text()?, reader.text()?, reader.text()?],
        })
    }
}

impl<'a> DoneRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let operation = code(&Operation::ALL, self.operation);
        let state = code(&DoneState::ALL, self.state);
        let status = optional_code(&PaymentStatus::ALL, self.payment_status);
        let (kind, number, text) = match self.request_id {
            None => (0, 0, ""),
            Some(RequestText::Uuid(number)) => (1, number, ""),
            Some(RequestText::Text(text)) => (2, 0, text),
        };
        out.extend([2, operation, state, status, kind, u8::from(self.ruled)]);
        out.extend(self.amount.unwrap_or_default().whole().to_le_bytes());
        out.extend(millis(self.settled_at).to_le_bytes());
        out.extend(number.to_le_bytes());
        write_text(self.invoice, out);
        write_text(text, out);
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [operation, state, status, kind, ruled] = reader.array()?;
        // No order has an amount of zero.
        let amount = Some(Rupiah::new(reader.number()?)).filter(|amount| *amount != Rupiah::ZERO);
        let settled_at = time_of(reader.millis()?);
        let number = u128::from_le_bytes(reader.array()?);
        let (invoice, text) = (reader.text()?, reader.text()?);
        Some(Self {
            invoice,
            operation: decode(&Operation::ALL, operation)?,
            state: decode(&DoneState::ALL, state)?,
            amount,
            request_id: match kind {
                0 => None,
                1 => Some(RequestText::Uuid(number)),
                _ => Some(RequestText::Text(text)),
            },
            payment_status: decode(&PaymentStatus::ALL, status),
            settled_at,
            ruled: ruled == 1,
        })
    }
}

impl LinePlace {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.file.to_le_bytes());
        out.extend(self.line.to_le_bytes());
        out.extend(self.hash.to_le_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { file: u16::from_le_bytes(reader.array()?), line: reader.number()?, hash: reader.number()? })
    }
}

impl<'a> HeardRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let status = code(&PaymentStatus::ALL, self.status);
        out.extend([3, status, u8::from(self.late), u8::from(self.stale)]);
        self.place.write(out);
        out.extend(self.amount.whole().to_le_bytes());
        out.extend(millis(self.received_at).to_le_bytes());
        out.extend(self.day.unwrap_or_default().to_le_bytes());
        out.extend(self.id.to_le_bytes());
        out.extend(self.date.to_le_bytes());
        out.extend(self.request.unwrap_or_default().to_le_bytes());
        out.extend(self.reference.unwrap_or_default().to_le_bytes());
        write_text(self.invoice, out);
        self.identifiers.iter().for_each(|text| write_text(text, out));
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [status, late, stale] = reader.array()?;
        Some(Self {
            status: decode(&PaymentStatus::ALL, status)?,
            late: late == 1,
            stale: stale == 1,
            place: LinePlace::read(reader)?,
            amount: Rupiah::new(reader.number()?),
            received_at: time_of(reader.millis()?),
            day: Some(u16::from_le_bytes(reader.array()?)).filter(|day| *day != 0),
            id: reader.number()?,
            date: reader.number()?,
            request: Some(u128::from_le_bytes(reader.array()?)).filter(|key| *key != 0),
            reference: Some(reader.number()?).filter(|hash| *hash != 0),
            invoice: reader.text()?,
            identifiers: [reader.text()?, reader.text()?, reader.text()?],
        })
    }
}

impl<'a> StrayRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([4, code(&UnmatchedReason::ALL, self.reason), u8::from(self.amount.is_some())]);
        self.place.write(out);
        out.extend(self.amount.unwrap_or_default().whole().to_le_bytes());
        [self.invoice, self.status, self.received_at].iter().for_each(|text| write_text(text, out));
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [reason, has_amount] = reader.array()?;
        Some(Self {
            reason: decode(&UnmatchedReason::ALL, reason)?,
            place: LinePlace::read(reader)?,
            amount: Some(Rupiah::new(reader.number()?)).filter(|_| has_amount == 1),
            invoice: reader.text()?,
            status: reader.text()?,
            received_at: reader.text()?,
        })
    }
}

/// No point in time; none that can be written is as early.
pub(super) const NO_TIME: i64 = i64::MIN;

/// A point in time in milliseconds.
pub(super) fn millis(time: Option<Moment>) -> i64 {
    time.map_or(NO_TIME, Moment::millis)
}

/// The point in time of those milliseconds.
pub(super) fn time_of(millis: i64) -> Option<Moment> {
    (millis != NO_TIME).then(|| Moment::from_millis(millis))
}

const NOTHING: u8 = u8::MAX;

/// The place of a word in its list.
pub(super) fn code<T: PartialEq + Copy>(all: &[T], word: T) -> u8 {
    all.iter().position(|known| *known == word).and_then(|place| u8::try_from(place).ok()).unwrap_or(NOTHING)
}

pub(super) fn optional_code<T: PartialEq + Copy>(all: &[T], word: Option<T>) -> u8 {
    word.map_or(NOTHING, |word| code(all, word))
}

pub(super) fn decode<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code)).copied()
}

/// A text with its length; longer than any that is asked for is cut at a character.
fn write_text(text: &str, out: &mut Vec<u8>) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let length = u16::try_from(end).unwrap_or(u16::MAX);
    out.extend(length.to_le_bytes());
    out.extend(&text.as_bytes()[..end]);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Milliseconds, for [`time_of`].
    fn millis(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_moment;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let at = parse_moment("2026-11-21T10:00:00.250Z");
        let order = OrderRecord {
            row: 7,
            invoice: Some("INV/1"),
            amount: Rupiah::new(90_000),
            book: Some(BookStatus::Paid),
            created_at: at,
            expectation: Expectation::Book(Some(BookStatus::Paid)),
            reference: Some(5),
            agreement: 9,
            identifiers: ["P", "", "A"],
            standing: Standing::OutsidePeriod,
        };
        let place = LinePlace { file: 3, line: 70_000, hash: 11 };
        let done = DoneRecord {
            invoice: "INV/1",
            operation: Operation::Refund,
            state: DoneState::Unknown,
            amount: Some(Rupiah::new(90_000)),
            request_id: Some(RequestText::Text("r")),
            payment_status: None,
            settled_at: at,
            ruled: true,
        };
        let heard = HeardRecord {
            place,
            invoice: "INV/1",
            amount: Rupiah::new(90_000),
            status: PaymentStatus::Success,
            received_at: at,
            day: Some(3),
            id: 1,
            date: 2,
            request: Some(u128::MAX),
            reference: None,
            late: true,
            stale: false,
            identifiers: ["P-1", "", "A-1"],
        };
        let records = [
            Record::RowsBefore(9),
            Record::Order(order),
            Record::Order(OrderRecord {
                invoice: None,
                expectation: Expectation::Effect(Operation::Refund),
                created_at: None,
                ..order
            }),
            Record::Done(done),
            Record::Done(DoneRecord { request_id: Some(RequestText::Uuid(7)), ..done }),
            Record::Done(DoneRecord { amount: None, request_id: None, settled_at: None, ..done }),
            Record::Heard(heard),
            Record::Heard(HeardRecord { day: None, request: None, received_at: None, ..heard }),
            Record::Stray(StrayRecord {
                place,
                reason: UnmatchedReason::Orphan,
                amount: None,
                invoice: "",
                status: "torn",
                received_at: "21 Nov",
            }),
        ];
        let mut bytes = Vec::new();
        records.iter().for_each(|record| record.write(&mut bytes));
        let mut rest = bytes.as_slice();
        let read: Vec<Record<'_>> = std::iter::from_fn(|| Record::read(&mut rest)).collect();
        assert_eq!(read, records);
        for end in 0..bytes.len() {
            let mut cut = &bytes[..end];
            while Record::read(&mut cut).is_some() {}
        }
    }
}
