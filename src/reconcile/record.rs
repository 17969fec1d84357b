//! What one line of an input says, as bytes: the same whether it stays in memory or goes to a file first.
//!
//! The readers, on all cores, make records; a [`Ledger`](super::ledger::Ledger) takes them. A record's [`Record::home`] says
//! to which part of a divided reconciliation it belongs: everything about one invoice has one home.

use foldhash::quality::FixedState;
mod bytes;

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
    /// What tells it from its copies, if it verified.
    pub told: Option<Told>,
}

/// What tells a verified notification that is of no order from others about the same invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What happened to the payment.
    pub status: PaymentStatus,
    /// It was received long after it was signed.
    pub stale: bool,
    /// When it was received.
    pub received_at: Option<Moment>,
    /// A hash of its Request-Id.
    pub id: u64,
    /// A hash of its date.
    pub date: u64,
}

impl Told {
    /// What a notification tells.
    #[must_use]
    pub const fn of(heard: &HeardRecord<'_>) -> Self {
        let HeardRecord { status, stale, received_at, id, date, .. } = *heard;
        Self { status, stale, received_at, id, date }
    }
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

impl Record<'_> {
    /// A hash that says where the record belongs; `None`: everywhere.
    #[must_use]
    pub fn home(&self) -> Option<u64> {
        match self {
            Self::RowsBefore(_) => None,
            Self::Order(order) => Some(order.invoice.map_or(order.row, hash)),
            Self::Done(done) => Some(hash(done.invoice)),
            Self::Heard(heard) => Some(hash(heard.invoice)),
            // What DOKU meant to say of an order is of use where the order is.
            Self::Stray(stray) if stray.is_unreadable() => Some(hash(stray.invoice)),
            Self::Stray(stray) => Some(stray.place.hash),
        }
    }
}

impl StrayRecord<'_> {
    /// Whether DOKU said something about an invoice that nobody here can read.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.reason == UnmatchedReason::Unreadable && !self.invoice.is_empty()
    }
}
