//! Why an order has its verdict: a closed list under each verdict, and what may stand behind a reason.
//!
//! A reason belongs to one verdict, so that a verdict never stands without one. In reconciliation.csv two more things
//! may follow it: for how long proof has been awaited ([`Ageing`]), and the [`Key`] by which the notifications were found
//! where it is not the order's own.

use std::fmt;
use std::time::Duration;

use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::verdict::Verdict;

/// The reason of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The book's word is DOKU's.
    Agree,
    /// The same, but DOKU's word came later than its own repetitions go on.
    AgreeLate,
    /// The book's word is what a signed answer proves; DOKU notifies no refunds and no cancels.
    Answered,
    /// The book says something of which DOKU notifies nobody.
    NothingToNotify,
    /// DOKU says something, the book nothing.
    BookSilent,
    /// A run created the order.
    Created,
    /// A run cancelled it.
    Cancelled,
    /// A run refunded it, and a notification says so.
    Refunded,
    /// A run refunded it; no notification speaks of the order.
    RefundedSilently,
    /// A person ruled that our operation was done; nothing that DOKU says proves it.
    RuledDone,
    /// Nothing is proved yet.
    Awaited,
    /// DOKU has begun and not ended.
    StillPending,
    /// DOKU says paid; the refund of which the book speaks is not proved yet.
    RefundAwaited,
    /// No proof came in time.
    Unproved,
    /// DOKU says paid; the refund of which the book speaks was not proved in time.
    RefundUnproved,
    /// DOKU names more than the book.
    DokuMore,
    /// DOKU names less than the book.
    DokuLess,
    /// DOKU names several amounts.
    SeveralAmounts,
    /// The book says one thing, DOKU another.
    Disagree(BookStatus, PaymentStatus),
    /// A run cancelled it, DOKU says refunded.
    CancelledRefunded,
    /// A person ruled that our operation was done, the book or DOKU says something else.
    RuledOtherwise,
    /// We cancelled it, DOKU says paid.
    PaidCancelledByUs,
    /// The book says cancelled, DOKU says paid.
    PaidCancelledInBook,
    /// A person ruled that we cancelled it, DOKU says paid.
    PaidRuledCancelled,
    /// We refunded it, DOKU never saw it paid.
    RefundedByUs,
    /// The book says refunded, DOKU never saw it paid.
    RefundedInBook,
    /// A person ruled that our refund or cancel was done, and so it was refunded without having been paid.
    RuledUnpaid,
    /// No proof of our request's effect.
    NoProof,
    /// Only a person can settle it any more.
    PersonDecides,
    /// Two proofs disagree.
    ProofsDisagree,
    /// Our operation was refused.
    Refused,
    /// A person ruled that our operation was not done.
    RuledNotDone,
    /// A row guard kept it back.
    Held,
    /// The run stopped before it.
    NotAttempted,
    /// Not meant, or done elsewhere.
    Skipped,
    /// A bad row.
    InvalidRow,
    /// A run did nothing for it.
    NothingSent,
    /// The conditions of `where` leave it out.
    NotSelected,
    /// Its business day is not in the period.
    OutsidePeriod,
    // These follow here, so that an audit without them keeps the name that is made of its reasons.
    /// An operation of ours was done over another amount than the book's.
    RunAmount,
    /// Two refunds of ours, or more, had their effect.
    RefundedTwice,
}

/// All reasons but [`Reason::Disagree`], which there is once for each pair of words.
const PLAIN: [Reason; 40] = [
    Reason::Agree,
    Reason::AgreeLate,
    Reason::Answered,
    Reason::NothingToNotify,
    Reason::BookSilent,
    Reason::Created,
    Reason::Cancelled,
    Reason::Refunded,
    Reason::RefundedSilently,
    Reason::RuledDone,
    Reason::Awaited,
    Reason::StillPending,
    Reason::RefundAwaited,
    Reason::Unproved,
    Reason::RefundUnproved,
    Reason::DokuMore,
    Reason::DokuLess,
    Reason::SeveralAmounts,
    Reason::RunAmount,
    Reason::RefundedTwice,
    Reason::CancelledRefunded,
    Reason::RuledOtherwise,
    Reason::PaidCancelledByUs,
    Reason::PaidCancelledInBook,
    Reason::PaidRuledCancelled,
    Reason::RefundedByUs,
    Reason::RefundedInBook,
    Reason::RuledUnpaid,
    Reason::NoProof,
    Reason::PersonDecides,
    Reason::ProofsDisagree,
    Reason::Refused,
    Reason::RuledNotDone,
    Reason::Held,
    Reason::NotAttempted,
    Reason::Skipped,
    Reason::InvalidRow,
    Reason::NothingSent,
    Reason::NotSelected,
    Reason::OutsidePeriod,
];

/// Why an audit was not asked about an order.
pub const LEFT_OUT: [Reason; 2] = [Reason::OutsidePeriod, Reason::NotSelected];

impl Reason {
    /// The reason with what stands behind it: for how long proof has been awaited, and by what a notification was tied.
    #[must_use]
    pub fn text(self, ageing: Option<Ageing>, key: Option<Key>) -> String {
        let behind = [ageing.map(Ageing::word), key.and_then(Key::label)];
        behind.into_iter().flatten().fold(self.to_string(), |text, more| text + "; " + more)
    }

    /// How many reasons there are.
    pub const COUNT: usize = PLAIN.len() + BookStatus::ALL.len() * PaymentStatus::ALL.len();

    /// Every reason, at its [`Reason::index`].
    #[must_use]
    pub fn all() -> Vec<Self> {
        let pairs =
            BookStatus::ALL.into_iter().flat_map(|book| PaymentStatus::ALL.map(|doku| Self::Disagree(book, doku)));
        PLAIN.into_iter().chain(pairs).collect()
    }

    /// The place of the reason among all.
    ///
    /// # Panics
    /// Never: every reason stands in one of the two lists.
    #[must_use]
    pub fn index(self) -> usize {
        let place = |found: Option<usize>| found.expect("every reason stands in its list");
        match self {
            Self::Disagree(book, doku) => {
                let row = place(BookStatus::ALL.iter().position(|word| *word == book));
                let column = place(PaymentStatus::ALL.iter().position(|word| *word == doku));
                PLAIN.len() + row * PaymentStatus::ALL.len() + column
            }
            plain => place(PLAIN.iter().position(|reason| *reason == plain)),
        }
    }

    /// The verdict that it is a reason of.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Agree
            | Self::AgreeLate
            | Self::Answered
            | Self::NothingToNotify
            | Self::BookSilent
            | Self::Created
            | Self::Cancelled
            | Self::Refunded
            | Self::RefundedSilently
            | Self::RuledDone => Verdict::Matched,
            Self::Awaited | Self::StillPending | Self::RefundAwaited => Verdict::Pending,
            Self::Unproved | Self::RefundUnproved => Verdict::Missing,
            Self::DokuMore | Self::DokuLess | Self::SeveralAmounts | Self::RunAmount | Self::RefundedTwice => {
                Verdict::AmountMismatch
            }
            Self::Disagree(..) | Self::CancelledRefunded | Self::RuledOtherwise => Verdict::StatusMismatch,
            Self::PaidCancelledByUs | Self::PaidCancelledInBook | Self::PaidRuledCancelled => Verdict::PaidAfterCancel,
            Self::RefundedByUs | Self::RefundedInBook | Self::RuledUnpaid => Verdict::RefundedUnpaid,
            Self::NoProof | Self::PersonDecides | Self::ProofsDisagree => Verdict::InDoubt,
            Self::Refused | Self::RuledNotDone => Verdict::Failed,
            Self::Held
            | Self::NotAttempted
            | Self::Skipped
            | Self::InvalidRow
            | Self::NothingSent
            | Self::NotSelected
            | Self::OutsidePeriod => Verdict::NotSent,
        }
    }
}

impl Reason {
    /// The words in reconciliation.csv; `None` where they depend on what book and DOKU say.
    #[must_use]
    pub const fn words(&self) -> Option<&'static str> {
        Some(match self {
            Self::Agree => "book and DOKU agree",
            Self::AgreeLate => "book and DOKU agree; notified late",
            Self::Answered => "book and signed answer agree",
            Self::NothingToNotify => "DOKU has nothing to notify",
            Self::BookSilent => "the book does not say",
            Self::Created => "created",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::RefundedSilently => "refunded; DOKU does not notify refunds",
            Self::RuledDone => "a person ruled that it was done",
            Self::Awaited => "no proof yet",
            Self::StillPending => "DOKU says PENDING",
            Self::RefundAwaited => "paid; no proof of the refund yet",
            Self::Unproved => "no proof and the grace is over",
            Self::RefundUnproved => "paid; no proof of the refund and the grace is over",
            Self::DokuMore => "DOKU names more than the book",
            Self::DokuLess => "DOKU names less than the book",
            Self::SeveralAmounts => "DOKU names several amounts",
            Self::RunAmount => "our run had another amount",
            Self::RefundedTwice => "refunded twice by us",
            Self::Disagree(..) => return None,
            Self::CancelledRefunded => "cancelled by us but DOKU REFUNDED",
            Self::RuledOtherwise => "a person ruled otherwise than book or DOKU",
            Self::PaidCancelledByUs => "cancelled by us but DOKU says paid",
            Self::PaidCancelledInBook => "book cancelled but DOKU says paid",
            Self::PaidRuledCancelled => "a person ruled that it was cancelled but DOKU says paid",
            Self::RefundedByUs => "refunded by us but DOKU never saw it paid",
            Self::RefundedInBook => "book refunded but DOKU never saw it paid",
            Self::RuledUnpaid => "a person ruled it done but DOKU never saw it paid",
            Self::NoProof => "no proof of our request's effect",
            Self::PersonDecides => "a person decides",
            Self::ProofsDisagree => "proofs disagree",
            Self::Refused => "the operation was refused",
            Self::RuledNotDone => "a person ruled that it was not done",
            Self::Held => "held by a guard",
            Self::NotAttempted => "not attempted",
            Self::Skipped => "skipped",
            Self::InvalidRow => "invalid row",
            Self::NothingSent => "nothing was sent",
            Self::NotSelected => "left out by where",
            Self::OutsidePeriod => "outside the period",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.words(), self) {
            (Some(words), _) => out.write_str(words),
            (None, Self::Disagree(book, doku)) => write!(out, "book {book} but DOKU {doku}"),
            (None, _) => Ok(()),
        }
    }
}

/// For how long proof has been awaited. The steps are those at which DOKU repeats a notification (`doku-api.md` 3.3), the
/// end of the usual grace, three days and a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ageing {
    /// Less than half an hour.
    Under30Minutes,
    /// To six hours.
    Under6Hours,
    /// To twelve hours.
    Under12Hours,
    /// To eighteen hours.
    Under18Hours,
    /// To three days.
    Under3Days,
    /// To a week.
    Under7Days,
    /// A week or more.
    Over7Days,
    /// Nothing says since when.
    Unknown,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Ageing {
    /// All buckets, the youngest first.
    pub const ALL: [Self; 8] = [
        Self::Under30Minutes,
        Self::Under6Hours,
        Self::Under12Hours,
        Self::Under18Hours,
        Self::Under3Days,
        Self::Under7Days,
        Self::Over7Days,
        Self::Unknown,
    ];

    /// The bucket of an age.
    #[must_use]
    pub const fn of(age: Option<Duration>) -> Self {
        let Some(age) = age else { return Self::Unknown };
        match age.as_secs() {
            seconds if seconds < 30 * MINUTE => Self::Under30Minutes,
            seconds if seconds < 6 * HOUR => Self::Under6Hours,
            seconds if seconds < 12 * HOUR => Self::Under12Hours,
            seconds if seconds < 18 * HOUR => Self::Under18Hours,
            seconds if seconds < 3 * DAY => Self::Under3Days,
            seconds if seconds < 7 * DAY => Self::Under7Days,
            _ => Self::Over7Days,
        }
    }

    /// The words in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Under30Minutes => "under 30m",
            Self::Under6Hours => "30m to 6h",
            Self::Under12Hours => "6h to 12h",
            Self::Under18Hours => "12h to 18h",
            Self::Under3Days => "18h to 3d",
            Self::Under7Days => "3d to 7d",
            Self::Over7Days => "over 7d",
            Self::Unknown => "age unknown",
        }
    }
}

/// What tied a notification to its order, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// It names the order's invoice, and the Request-Id of its creation where we know one.
    Own,
    /// It names the Request-Id of the order's creation, and an invoice that no order has.
    RequestId,
    /// It names the order's invoice, but not the Request-Id that we know of its creation.
    Invoice,
    /// It names the order's payment reference, and an invoice that no order has.
    Reference,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Own, Self::RequestId, Self::Invoice, Self::Reference];

    /// What stands behind the reason; nothing where the match needs no word.
    #[must_use]
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::RequestId => Some("matched by request id"),
            Self::Invoice => Some("matched by invoice"),
            Self::Reference => Some("matched by payment reference"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_stands_at_its_index_and_reads_differently() {
        let all = Reason::all();
        assert_eq!(all.len(), Reason::COUNT);
        for (index, reason) in all.iter().enumerate() {
            assert_eq!(reason.index(), index, "{reason}");
        }
        let words: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), Reason::COUNT);
        // A comma would put quotes around it in the CSV.
        assert!(words.iter().all(|words| !words.contains([',', '"', '\n'])));
    }

    #[test]
    fn an_age_falls_into_the_bucket_that_it_has_not_left_yet() {
        let cases = [
            (0, "under 30m"),
            (30 * MINUTE - 1, "under 30m"),
            (30 * MINUTE, "30m to 6h"),
            (6 * HOUR, "6h to 12h"),
            (12 * HOUR, "12h to 18h"),
            (18 * HOUR, "18h to 3d"),
            (3 * DAY, "3d to 7d"),
            (7 * DAY, "over 7d"),
            (u64::MAX, "over 7d"),
        ];
        for (seconds, word) in cases {
            assert_eq!(Ageing::of(Some(Duration::from_secs(seconds))).word(), word, "{seconds}");
        }
        assert_eq!(Ageing::of(None).word(), "age unknown");
    }
}
