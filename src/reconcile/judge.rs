//! Every order of a ledger gets its verdict.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::time::Duration;

use foldhash::quality::FixedState;

use super::evidence::{DoneState, Expectation, UnmatchedReason};
use super::ledger::{Entry, Ledger};
use super::packed::time_of;
use super::picture::{Fact, Picture, fold};
use super::reason::{Ageing, Reason};
use super::record::Standing;
use super::verdict::{Age, Case, judge, known_status};
use crate::model::moment::Moment;
use crate::model::money::{Difference, Rupiah};
use crate::model::status::PaymentStatus;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

/// By which clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Younger and unproven is pending, older is missing.
    pub grace: Duration,
    /// The present.
    pub now: Timestamp,
}

/// A row of reconciliation.csv.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged<'a> {
    /// The order.
    pub entry: Entry<'a>,
    /// DOKU's status, notified or answered.
    pub doku_status: Option<PaymentStatus>,
    /// The amount that DOKU names; one that differs, if any does.
    pub doku_amount: Option<Rupiah>,
    /// `doku_amount - amount`.
    pub difference: Option<Difference>,
    /// Why, and by that the conclusion.
    pub reason: Reason,
    /// What was heard; empty if nothing.
    pub picture: Picture,
    /// Since when proof has been awaited; `None` if nothing says.
    pub age: Option<Duration>,
}

impl Judged<'_> {
    /// The conclusion.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }

    /// For how long proof has been awaited, where that is the question.
    #[must_use]
    pub fn ageing(&self) -> Option<Ageing> {
        matches!(self.verdict(), Verdict::Pending | Verdict::Missing).then(|| Ageing::of(self.age))
    }

    /// The invoice, or what stands in its place.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        self.entry.invoice.map_or_else(|| format!("row {}", self.entry.row).into(), Cow::Borrowed)
    }

    /// The reason with all that stands behind it.
    #[must_use]
    pub fn reason_text(&self) -> String {
        self.reason.text(self.ageing(), self.picture.key)
    }

    /// What our operation came to. A run knows the end of every row, of one that cannot be read too.
    #[must_use]
    pub fn result_state(&self) -> Option<DoneState> {
        match self.entry.expectation {
            Expectation::Effect(_) => Some(self.state()),
            Expectation::Book(_) => self.entry.done.map(|done| done.state),
        }
    }

    /// A hash of all that its row says: the same findings have the same.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let (entry, picture) = (&self.entry, &self.picture);
        let mut hasher = FixedState::with_seed(0).build_hasher();
        match entry.invoice {
            Some(invoice) => hasher.write(invoice.as_bytes()),
            None => hasher.write_u64(entry.row),
        }
        (entry.amount, entry.book, self.doku_status, self.doku_amount).hash(&mut hasher);
        (self.reason, self.ageing(), picture.key).hash(&mut hasher);
        (self.result_state(), entry.done.and_then(|done| done.request_id)).hash(&mut hasher);
        (picture.notifications, picture.duplicates, self.age_hours()).hash(&mut hasher);
        (picture.first_received_at, picture.last_received_at).hash(&mut hasher);
        hasher.finish()
    }

    /// For how many whole hours proof has been awaited; `None` if nothing says.
    #[must_use]
    pub fn age_hours(&self) -> Option<u64> {
        self.age.map(|age| age.as_secs() / 3600)
    }

    /// The state of its first row. What a run did to an order it did whether or not the order is judged.
    #[must_use]
    pub fn state(&self) -> DoneState {
        match self.entry.standing {
            Standing::Invalid => DoneState::Invalid,
            Standing::NotSelected | Standing::OutsidePeriod | Standing::Judged => {
                self.entry.done.map_or(DoneState::Skipped, |done| done.state)
            }
        }
    }

    /// Whether an audit was asked about other orders only.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        matches!(self.entry.standing, Standing::NotSelected | Standing::OutsidePeriod)
    }

    /// Whether a person must look: at its verdict, or at a row that was held or cannot be read, which has the verdict of one
    /// that was not meant.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.verdict().needs_a_person() || (!self.is_left_out() && self.state().needs_a_person())
    }
}

/// A notification: where it stands, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notified {
    /// The number of the file.
    pub file: u16,
    /// The line.
    pub line: u64,
    /// What a copy of it is: [`UnmatchedReason::Duplicate`], or [`UnmatchedReason::Replayed`] long after it was signed.
    pub as_copy: UnmatchedReason,
    /// Its amount.
    pub amount: Rupiah,
    /// Its status.
    pub status: PaymentStatus,
    /// When it was received.
    pub received_at: Option<Moment>,
}

impl Notified {
    fn of(fact: &Fact) -> Self {
        let (file, line) = fact.place();
        Self {
            file,
            line,
            as_copy: UnmatchedReason::of_copy(fact.flags.is_stale()),
            amount: fact.amount,
            status: fact.status,
            received_at: time_of(fact.received_at),
        }
    }
}

/// Judges the orders of a ledger, one after another.
#[derive(Debug)]
pub struct Bench<'a> {
    ledger: &'a Ledger,
    rules: Rules,
    /// About the order that was judged last; used again and again.
    facts: Vec<Fact>,
    first_copy: usize,
}

impl<'a> Bench<'a> {
    /// Opens.
    #[must_use]
    pub const fn new(ledger: &'a Ledger, rules: Rules) -> Self {
        Self { ledger, rules, facts: Vec::new(), first_copy: 0 }
    }

    /// Judges one order.
    ///
    /// An age counts from when our call was settled, else from the order's own date, else from the first notification
    /// (`DESIGN` 11.6). Without any of them an order is taken to be old: nothing says that proof may still come.
    pub fn judge(&mut self, order: u32) -> Judged<'a> {
        let entry = self.ledger.entry(order);
        self.ledger.facts(order, &mut self.facts);
        let picture = fold(&mut self.facts, entry.amount);
        self.first_copy = self.facts.len() - usize::try_from(picture.duplicates).unwrap_or_default();
        let done = entry.done.filter(|_| entry.standing == Standing::Judged);
        let since = done.and_then(|done| done.settled_at).or(entry.created_at).or(picture.first_received_at);
        let age = since.map(|since| Moment::from(self.rules.now).since(since));
        let case = Case {
            expectation: entry.expectation,
            amount: entry.amount,
            done: done.map(|done| (done.operation, done.state)),
            ruled: done.is_some_and(|done| done.ruled),
            moved: entry.moved,
            picture: &picture,
            age: if age.is_some_and(|age| age < self.rules.grace) { Age::Young } else { Age::Old },
        };
        let reason = match entry.standing {
            Standing::Judged => judge(&case),
            Standing::NotSelected => Reason::NotSelected,
            Standing::OutsidePeriod => Reason::OutsidePeriod,
            Standing::Invalid => Reason::InvalidRow,
        };
        let answered = entry.done.and_then(|done| done.payment_status);
        let doku_amount = picture.amount();
        Judged {
            doku_status: known_status(picture.status, case.effect().filter(|_| !case.ruled)).or(answered),
            doku_amount,
            difference: doku_amount.map(|amount| amount.minus(entry.amount)),
            reason,
            picture,
            age,
            entry,
        }
    }

    /// The copies of notifications about the order that was judged last.
    pub fn copies(&self) -> impl Iterator<Item = Notified> + '_ {
        self.facts[self.first_copy..].iter().map(Notified::of)
    }

    /// What DOKU notified about the order that was judged last, copies left out: the business day, if it says, in days
    /// from 1970-01-01; the status; the amount.
    pub fn events(&self) -> impl Iterator<Item = (Option<u16>, PaymentStatus, Rupiah)> + '_ {
        let day = |fact: &Fact| Some(fact.day).filter(|day| *day > 0);
        self.facts[..self.first_copy].iter().map(move |fact| (day(fact), fact.status, fact.amount))
    }

    /// The notifications about the order that was judged last, copies left out.
    pub fn notified(&self) -> impl Iterator<Item = Notified> + '_ {
        self.facts[..self.first_copy].iter().map(Notified::of)
    }
}
