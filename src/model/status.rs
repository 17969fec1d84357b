//! What is said about an order: by DOKU, and by the merchant's book.

use std::fmt;

/// DOKU's word about a payment, ordered by precedence: a later one wins over an earlier one, whatever the order in
/// which they arrive (`DESIGN` 6; `doku-api.md` 4 for the words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentStatus {
    /// Waiting for the customer.
    Pending,
    /// The payment failed. Not final: a later success may follow (`doku-api.md` 10.2, number 21).
    Failed,
    /// The order was cancelled. Not in the published list; both spellings occur in the guide.
    Cancelled,
    /// The due date passed.
    Expired,
    /// Paid.
    Success,
    /// The money went back.
    Refunded,
}

impl PaymentStatus {
    /// All words.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Failed, Self::Cancelled, Self::Expired, Self::Success, Self::Refunded];

    /// DOKU's spelling.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Success => "SUCCESS",
            Self::Refunded => "REFUNDED",
        }
    }

    /// Reads DOKU's word; `CANCELED` is read as well (`doku-api.md` 10.1, number 2). Words that only promise a later
    /// answer (`TIMEOUT`, `REDIRECT`) are [`PaymentStatus::Pending`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "CANCELED" => Some(Self::Cancelled),
            "TIMEOUT" | "REDIRECT" => Some(Self::Pending),
            _ => Self::ALL.into_iter().find(|status| status.word() == word),
        }
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

/// What the merchant's own system says about an order (`DESIGN` 11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BookStatus {
    /// Not paid yet.
    Pending,
    /// Paid.
    Paid,
    /// The payment failed.
    Failed,
    /// The order expired unpaid.
    Expired,
    /// The order was cancelled.
    Cancelled,
    /// The money was given back.
    Refunded,
}

impl BookStatus {
    /// All words.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Paid, Self::Failed, Self::Expired, Self::Cancelled, Self::Refunded];

    /// The word in job files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// DOKU's word for the same.
    #[must_use]
    pub const fn as_notified(self) -> PaymentStatus {
        match self {
            Self::Pending => PaymentStatus::Pending,
            Self::Paid => PaymentStatus::Success,
            Self::Failed => PaymentStatus::Failed,
            Self::Expired => PaymentStatus::Expired,
            Self::Cancelled => PaymentStatus::Cancelled,
            Self::Refunded => PaymentStatus::Refunded,
        }
    }
}

impl fmt::Display for BookStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}
