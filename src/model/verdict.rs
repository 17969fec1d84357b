//! The verdict: the one conclusion of a reconciliation about one order (`DESIGN` 6).

use std::fmt;

/// The one conclusion about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Expectation and evidence agree.
    Matched,
    /// Not proved yet, and young enough to wait.
    Pending,
    /// Not proved, and too old to wait.
    Missing,
    /// DOKU names another amount.
    AmountMismatch,
    /// DOKU says something else.
    StatusMismatch,
    /// The customer paid an order that was cancelled.
    PaidAfterCancel,
    /// Money went back that never came.
    RefundedUnpaid,
    /// Nobody knows if money moved.
    InDoubt,
    /// Our operation was refused.
    Failed,
    /// Nothing was sent for it.
    NotSent,
}

impl Verdict {
    /// All verdicts, in the order of the summary.
    pub const ALL: [Self; 10] = [
        Self::Matched,
        Self::Pending,
        Self::Missing,
        Self::AmountMismatch,
        Self::StatusMismatch,
        Self::PaidAfterCancel,
        Self::RefundedUnpaid,
        Self::InDoubt,
        Self::Failed,
        Self::NotSent,
    ];

    /// The word in reconciliation.csv.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::AmountMismatch => "amount_mismatch",
            Self::StatusMismatch => "status_mismatch",
            Self::PaidAfterCancel => "paid_after_cancel",
            Self::RefundedUnpaid => "refunded_unpaid",
            Self::InDoubt => "in_doubt",
            Self::Failed => "failed",
            Self::NotSent => "not_sent",
        }
    }

    /// Whether a person must look at it. What was not sent is judged by its state: a held row needs one, a skipped row
    /// does not.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::Missing
            | Self::AmountMismatch
            | Self::StatusMismatch
            | Self::PaidAfterCancel
            | Self::RefundedUnpaid
            | Self::Failed
            | Self::InDoubt => true,
            Self::Matched | Self::Pending | Self::NotSent => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}
