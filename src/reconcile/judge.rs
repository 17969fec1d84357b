//! Every order of the input gets its verdict, and every notification that belongs to none is named.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::evidence::{Done, Heard, Log, Picture, Unmatched, UnmatchedReason, fold};
use super::verdict::{Age, Case, Expectation, Verdict, judge, known_status};
use crate::model::ids::InvoiceNumber;
use crate::model::money::{Difference, Rupiah};
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::{Timestamp, elapsed};

/// An order as it comes to judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its number, or what stood in its place in a bad row.
    pub invoice: String,
    /// Its amount; zero if a bad row has none.
    pub amount: Rupiah,
    /// What the book says.
    pub book: Option<BookStatus>,
    /// When it was made, if the input says.
    pub created_at: Option<Timestamp>,
    /// What should be true of it.
    pub expectation: Expectation,
    /// What we did, the deciding operation; `None` if nothing.
    pub done: Option<Done>,
}

/// A row of reconciliation.csv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The order.
    pub subject: Subject,
    /// DOKU's status, notified or answered.
    pub doku_status: Option<PaymentStatus>,
    /// The amount that DOKU names; one that differs, if any does.
    pub doku_amount: Option<Rupiah>,
    /// `doku_amount - amount`.
    pub difference: Option<Difference>,
    /// The conclusion.
    pub verdict: Verdict,
    /// Why.
    pub reason: &'static str,
    /// What was heard; empty if nothing.
    pub picture: Picture,
    /// Since when proof has been awaited; `None` if nothing says.
    pub age: Option<Duration>,
}

/// The outcome of a reconciliation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciliation {
    /// One per order, in the order of the input.
    pub orders: Vec<Judged>,
    /// Everything in the logs that proves nothing about them, in the order of the logs.
    pub unmatched: Vec<Unmatched>,
}

/// Judges all orders.
///
/// An age counts from when our call was settled, else from the order's own date, else from the first notification
/// (`DESIGN` 11.6). Without any of them an order is taken to be old: nothing says that proof may still come.
#[must_use]
pub fn reconcile(subjects: Vec<Subject>, log: &Log, grace: Duration, now: Timestamp) -> Reconciliation {
    let pictures = fold(&log.heard);
    let invoices: HashSet<String> = subjects.iter().map(|subject| subject.invoice.clone()).collect();
    let orphans = log.heard.iter().filter(|heard| !invoices.contains(heard.notification.invoice.as_str()));
    let mut unmatched: Vec<Unmatched> = orphans.map(orphan).chain(log.unmatched.iter().cloned()).collect();
    unmatched.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
    let orders = subjects.into_iter().map(|subject| judge_one(subject, &pictures, grace, now)).collect();
    Reconciliation { orders, unmatched }
}

fn judge_one(subject: Subject, pictures: &HashMap<InvoiceNumber, Picture>, grace: Duration, now: Timestamp) -> Judged {
    let picture = InvoiceNumber::new(&subject.invoice).ok().and_then(|invoice| pictures.get(&invoice));
    let settled_at = subject.done.as_ref().and_then(|done| done.settled_at);
    let since = settled_at.or(subject.created_at).or_else(|| picture?.first_received_at);
    let age = since.map(|since| elapsed(since, now));
    let young = age.is_some_and(|age| age <= grace);
    let case = Case {
        expectation: subject.expectation,
        amount: subject.amount,
        done: subject.done.as_ref(),
        picture,
        age: if young { Age::Young } else { Age::Old },
    };
    let (verdict, reason) = judge(&case);
    let effect = subject.done.as_ref().filter(|done| done.state.is_done());
    let heard = picture.and_then(|picture| picture.status);
    let answered = subject.done.as_ref().and_then(|done| done.payment_status);
    let doku_status = known_status(heard, effect.map(|done| done.operation)).or(answered);
    let amounts = picture.map(|picture| picture.amounts.as_slice()).unwrap_or_default();
    let doku_amount = amounts.iter().find(|amount| **amount != subject.amount).or(amounts.first()).copied();
    Judged {
        doku_status,
        doku_amount,
        difference: doku_amount.map(|amount| amount.minus(subject.amount)),
        verdict,
        reason,
        picture: picture.cloned().unwrap_or_default(),
        age,
        subject,
    }
}

fn orphan(heard: &Heard) -> Unmatched {
    Unmatched {
        file: heard.file.clone(),
        line: heard.line,
        reason: UnmatchedReason::Orphan,
        detail: String::new(),
        invoice: heard.notification.invoice.to_string(),
        amount: Some(heard.notification.amount),
        status: heard.notification.status.word().to_owned(),
        received_at: heard.received_at.map(crate::model::time::wire).unwrap_or_default(),
    }
}
