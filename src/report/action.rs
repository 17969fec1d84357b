//! What a person, or the next job, should do about an order. Nothing is ever done by itself.

use crate::model::status::BookStatus;
use crate::model::verdict::Verdict;
use crate::reconcile::judge::Judged;
use crate::reconcile::reason::Reason;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The customer paid what was cancelled: the rows can be the orders of a refund job.
    Refund,
    /// DOKU should have said something: the invoices for the Back Office's screen that sends a notification again.
    ResendNotification,
    /// No notification will come: DOKU notifies no refunds. The refund is to be looked for, or its results to be added.
    FindRefund,
    /// Run the job that sent it again, or `rekon resolve`.
    Resolve,
    /// It will not settle by itself: find out at DOKU, then `rekon rule`.
    Rule,
    /// Only a person can say.
    Review,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Refund, Self::ResendNotification, Self::FindRefund, Self::Resolve, Self::Rule, Self::Review];

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
            Verdict::Missing if judged.reason == Reason::RefundUnproved => Some(Self::FindRefund),
            // It has spoken, and sent again it would be no clearer.
            Verdict::Missing if judged.entry.unclear => Some(Self::Review),
            Verdict::Missing => Some(Self::ResendNotification),
            Verdict::InDoubt if judged.reason == Reason::NoProof => Some(Self::Resolve),
            Verdict::InDoubt => Some(Self::Rule),
            Verdict::PaidAfterCancel
            | Verdict::AmountMismatch
            | Verdict::StatusMismatch
            | Verdict::RefundedUnpaid
            | Verdict::Failed => Some(Self::Review),
            // A guard kept it back: whether it is meant all the same, somebody has to say.
            Verdict::NotSent if judged.reason == Reason::Held => Some(Self::Review),
            Verdict::Matched | Verdict::Pending | Verdict::NotSent => None,
        }
    }

    /// The word in actions.csv.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::ResendNotification => "resend_notification",
            Self::FindRefund => "find_refund",
            Self::Resolve => "resolve",
            Self::Rule => "rule",
            Self::Review => "review",
        }
    }
}
