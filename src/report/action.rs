//! What a person, or the next job, should do about an order. Nothing is ever done by itself.

use crate::model::status::BookStatus;
use crate::model::verdict::Verdict;
use crate::reconcile::judge::Judged;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The customer paid what was cancelled: the rows can be the orders of a refund job.
    Refund,
    /// DOKU should have said something: the invoices for the Back Office's screen that sends a notification again.
    ResendNotification,
    /// Run the job that sent it again, or `rekon resolve`.
    Resolve,
    /// Only a person can say.
    Review,
}

impl Action {
    /// What to do about an order; `None`: nothing.
    #[must_use]
    pub fn of(judged: &Judged<'_>) -> Option<Self> {
        match judged.verdict() {
            // Of another sum than the book's nobody can say how much is to go back; and if the book says that it was
            // refunded, somebody may have done so by hand.
            Verdict::PaidAfterCancel
                if judged.picture.other_amount.is_none() && judged.entry.book != Some(BookStatus::Refunded) =>
            {
                Some(Self::Refund)
            }
            Verdict::Missing => Some(Self::ResendNotification),
            Verdict::InDoubt => Some(Self::Resolve),
            Verdict::PaidAfterCancel
            | Verdict::AmountMismatch
            | Verdict::StatusMismatch
            | Verdict::RefundedUnpaid
            | Verdict::Failed => Some(Self::Review),
            Verdict::Matched | Verdict::Pending | Verdict::NotSent => None,
        }
    }

    /// The word in actions.csv.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::ResendNotification => "resend_notification",
            Self::Resolve => "resolve",
            Self::Review => "review",
        }
    }
}
