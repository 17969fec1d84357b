//! The orders of a run in a ledger: what the run did to each, and what the logs, read as a whole, say.

use std::collections::BTreeMap;

use super::evidence::{Done, DoneState, Expectation, Heard, Log, Unmatched};
use super::ledger::{Gathered, Ledger, TooMany};
use super::record::{DoneRecord, HeardRecord, LinePlace, OrderRecord, Receipt, Record, Standing, StrayRecord, hash};
use super::request::RequestText;
use super::settle::settle;
use super::sieve::Sieve;
use crate::model::ids::{InvoiceNumber, MerchantReference};
use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::status::BookStatus;
use crate::model::time::{Cutoff, Timestamp};

/// An order as it comes to judgement after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its row.
    pub row: u64,
    /// Its number; `None` in a bad row that has none.
    pub invoice: Option<InvoiceNumber>,
    /// Its amount; zero if a bad row has none.
    pub amount: Rupiah,
    /// What the book says.
    pub book: Option<BookStatus>,
    /// When it was made, if the input says.
    pub created_at: Option<Timestamp>,
    /// The merchant's reference of the payment, if the input says.
    pub payment_reference: Option<MerchantReference>,
    /// What the run did.
    pub done: Done,
}

/// A ledger with its log files, by number.
#[derive(Debug)]
pub struct Book {
    /// Everything that is known.
    pub ledger: Ledger,
    /// The names of the logs.
    pub files: Vec<String>,
}

/// Joins orders with the logs.
///
/// # Errors
/// There are more than a ledger can number.
pub fn book(subjects: &[Subject], log: &Log, cutoff: Cutoff) -> Result<Book, TooMany> {
    let mut all = Subjects::for_about(subjects.len() as u64);
    all.add(subjects)?;
    all.book(log, cutoff)
}

/// The orders of a run on their way into a ledger, piece by piece.
#[derive(Debug)]
pub struct Subjects {
    ledger: Ledger,
    sieve: Sieve,
}

impl Subjects {
    /// None of about so many yet.
    #[must_use]
    pub fn for_about(count: u64) -> Self {
        let ledger = Ledger::for_orders(usize::try_from(count).unwrap_or(usize::MAX), None);
        Self { ledger, sieve: Sieve::for_keys(count.saturating_mul(2)) }
    }

    /// Adds the next ones.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub fn add(&mut self, subjects: &[Subject]) -> Result<(), TooMany> {
        let mut bytes = Vec::new();
        records(subjects, |record| {
            key_of(record).into_iter().for_each(|key| self.sieve.insert(key));
            record.write(&mut bytes);
        });
        self.ledger.fill(&bytes, &self.sieve)
    }

    /// Joins them with the logs.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub fn book(self, log: &Log, cutoff: Cutoff) -> Result<Book, TooMany> {
        let Self { mut ledger, sieve } = self;
        let numbers = numbers(log);
        let mut bytes = Vec::new();
        records_of_log(log, &numbers, cutoff, |record| {
            record.write(&mut bytes);
            Ok::<(), TooMany>(())
        })?;
        ledger.fill(&bytes, &sieve)?;
        settle(&mut ledger)?;
        ledger.seal();
        Ok(Book { ledger, files: numbers.into_keys().map(str::to_owned).collect() })
    }
}

/// The records of some orders, and then of what was done to them.
pub fn records(subjects: &[Subject], mut put: impl FnMut(&Record<'_>)) {
    subjects.iter().for_each(|subject| put(&Record::Order(order(subject))));
    for subject in subjects {
        if let Some(invoice) = &subject.invoice {
            put(&Record::Done(done_record(invoice, &subject.done)));
        }
    }
}

/// A key by which notifications could be tied to the order of a record, for the sieve.
#[must_use]
pub fn key_of(record: &Record<'_>) -> Option<u64> {
    match record {
        Record::Order(order) => order.reference,
        Record::Done(done) => Gathered::key_of_creation(done),
        Record::RowsBefore(_) | Record::Heard(_) | Record::Stray(_) => None,
    }
}

/// The records of a log, of which the files have these numbers.
///
/// # Errors
/// What `put` says.
pub fn records_of_log<E>(
    log: &Log,
    numbers: &BTreeMap<&str, u16>,
    cutoff: Cutoff,
    mut put: impl FnMut(&Record<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for heard in &log.heard {
        let receipt = receipt(heard, numbers[heard.file.as_str()]);
        put(&Record::Heard(HeardRecord::of(&receipt, cutoff)))?;
    }
    log.unmatched.iter().try_for_each(|line| put(&Record::Stray(stray(line, numbers[line.file.as_str()]))))
}

fn order(subject: &Subject) -> OrderRecord<'_> {
    OrderRecord {
        row: subject.row,
        invoice: subject.invoice.as_ref().map(InvoiceNumber::as_str),
        amount: subject.amount,
        book: subject.book,
        created_at: subject.created_at.map(Moment::from),
        expectation: Expectation::Effect(subject.done.operation),
        reference: subject.payment_reference.as_ref().map(|reference| hash(reference.as_str())),
        agreement: subject.row,
        identifiers: [""; 3],
        standing: if subject.done.state == DoneState::Invalid { Standing::Invalid } else { Standing::Judged },
    }
}

/// What was done to an order.
#[must_use]
pub fn done_record<'a>(invoice: &'a InvoiceNumber, done: &'a Done) -> DoneRecord<'a> {
    DoneRecord {
        invoice: invoice.as_str(),
        operation: done.operation,
        state: done.state,
        amount: done.amount,
        request_id: done.request_id.as_ref().map(|id| RequestText::of(id.as_str())),
        payment_status: done.payment_status,
        settled_at: done.settled_at.map(Moment::from),
        ruled: done.ruled,
    }
}

/// The logs by name, numbered in the order of their names.
#[must_use]
pub fn numbers(log: &Log) -> BTreeMap<&str, u16> {
    let heard = log.heard.iter().map(|heard| heard.file.as_str());
    let unmatched = log.unmatched.iter().map(|line| line.file.as_str());
    let mut numbers: BTreeMap<&str, u16> = heard.chain(unmatched).map(|file| (file, 0)).collect();
    numbers.values_mut().zip(0..).for_each(|(number, counted)| *number = counted);
    numbers
}

fn receipt(heard: &Heard, file: u16) -> Receipt<'_, '_> {
    let said = &heard.notification;
    Receipt {
        place: LinePlace { file, line: heard.line, hash: heard.hash },
        received_at: heard.received_at.map(Moment::from),
        signed_at: &heard.signed_at,
        request_id: &heard.request_id,
        invoice: said.invoice.as_str(),
        amount: said.amount,
        status: said.status,
        date: &said.date,
        original_request_id: said.original_request_id.as_deref(),
        identifiers: [said.payment_reference.as_deref(), said.order_id.as_deref(), said.akulaku_reference.as_deref()],
    }
}

fn stray(line: &Unmatched, file: u16) -> StrayRecord<'_> {
    StrayRecord {
        place: LinePlace { file, line: line.line, hash: line.hash },
        reason: line.reason,
        amount: line.amount,
        invoice: &line.invoice,
        status: if line.status.is_empty() { &line.detail } else { &line.status },
        received_at: &line.received_at,
        told: None,
    }
}
