//! What was heard about orders: verified notifications, and everything that could not be taken as proof.

use crate::doku::notification::Notification;
use crate::model::ids::RequestId;
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::Timestamp;

/// A line of a notification log that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// When the merchant's server received it; absent if the log does not say.
    pub received_at: Option<Timestamp>,
    /// DOKU's id of the notification.
    pub request_id: String,
    /// When DOKU signed it, as the header says.
    pub signed_at: String,
    /// A hash of the whole line, the same wherever it stands.
    pub hash: u64,
    /// What it says.
    pub notification: Notification,
}

/// A line of a notification log that proves nothing, or proves something about no order of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// Why.
    pub reason: UnmatchedReason,
    /// A word more about it, such as the offset of a torn line; stands for the status of a line that has none.
    pub detail: String,
    /// The invoice, if the line has one.
    pub invoice: String,
    /// The amount, if the line has one.
    pub amount: Option<Rupiah>,
    /// The status, if the line has one.
    pub status: String,
    /// When it was received, as the line says.
    pub received_at: String,
    /// A hash of the whole line, the same wherever it stands.
    pub hash: u64,
}

/// Why a line is in unmatched.csv.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnmatchedReason {
    /// Verified, but no order of the input has this invoice.
    Orphan,
    /// The signature does not hold.
    InvalidSignature,
    /// Not a notification, or cut off.
    Malformed,
    /// The headers are missing, so nobody can verify it.
    Unverifiable,
    /// Of another merchant; our key cannot verify it.
    OtherClient,
    /// Verified, but it could belong to several orders.
    Ambiguous,
    /// Verified, of no order of the input, and it happened on a business day outside the period.
    OutsidePeriod,
    /// DOKU has signed it, and we cannot read it: an amount, a status or an invoice that there should not be.
    Unreadable,
    /// A copy of a notification that is proof already, as DOKU repeats what was not answered.
    Duplicate,
    /// A copy that was received more than a day after it was signed: later than DOKU repeats by itself.
    Replayed,
}

impl UnmatchedReason {
    /// All reasons.
    pub const ALL: [Self; 10] = [
        Self::Orphan,
        Self::InvalidSignature,
        Self::Malformed,
        Self::Unverifiable,
        Self::OtherClient,
        Self::Ambiguous,
        Self::OutsidePeriod,
        Self::Unreadable,
        Self::Duplicate,
        Self::Replayed,
    ];

    /// The word in unmatched.csv.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::InvalidSignature => "invalid_signature",
            Self::Malformed => "malformed",
            Self::Unverifiable => "unverifiable",
            Self::OtherClient => "other_client",
            Self::Ambiguous => "ambiguous",
            Self::OutsidePeriod => "outside_period",
            Self::Unreadable => "unreadable",
            Self::Duplicate => "duplicate",
            Self::Replayed => "replayed",
        }
    }

    /// Whether it is a forgery, or money that the book does not know: in an audit a person must look.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::Orphan | Self::InvalidSignature | Self::Ambiguous | Self::Unreadable => true,
            Self::Malformed
            | Self::Unverifiable
            | Self::OtherClient
            | Self::OutsidePeriod
            | Self::Duplicate
            | Self::Replayed => false,
        }
    }
}

/// All that the notification logs say.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// What verified.
    pub heard: Vec<Heard>,
    /// What did not.
    pub unmatched: Vec<Unmatched>,
}

/// What should be true of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// The effect of the operation that a run did.
    Effect(Operation),
    /// What the book says; `None` if it does not.
    Book(Option<BookStatus>),
}

/// What one run did, from the journal or from a results.csv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The operation.
    pub operation: Operation,
    /// The state of the row's item, as in `rekon_state`.
    pub state: DoneState,
    /// The amount that the order had for it, if that is known.
    pub amount: Option<Rupiah>,
    /// Its Request-Id.
    pub request_id: Option<RequestId>,
    /// `payment.status` of the deciding answer.
    pub payment_status: Option<PaymentStatus>,
    /// When it came to its end.
    pub settled_at: Option<Timestamp>,
    /// A person has ruled so, and no answer of DOKU's.
    pub ruled: bool,
}

/// The state of a row in results.csv (`DESIGN` 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoneState {
    /// Our request had its effect.
    Succeeded,
    /// The effect exists.
    AlreadyDone,
    /// Our request had no effect.
    Refused,
    /// Nobody knows.
    Unknown,
    /// A person decides.
    Review,
    /// Two proofs disagree.
    Conflict,
    /// A row guard kept it back.
    Held,
    /// Not meant, or done elsewhere.
    Skipped,
    /// A bad row.
    Invalid,
    /// The run stopped before it.
    NotAttempted,
}

impl DoneState {
    /// All states, in the order of the summary.
    pub const ALL: [Self; 10] = [
        Self::Succeeded,
        Self::AlreadyDone,
        Self::Refused,
        Self::Unknown,
        Self::Review,
        Self::Conflict,
        Self::Held,
        Self::Skipped,
        Self::Invalid,
        Self::NotAttempted,
    ];

    /// Whether a row that ended so needs a person whatever its verdict: a guard held it, or it cannot be read. What was
    /// refused has the verdict `failed`, which the job may think less of.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        matches!(self, Self::Held | Self::Invalid)
    }

    /// The word in `rekon_state`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::AlreadyDone => "already_done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Review => "review",
            Self::Conflict => "conflict",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
            Self::NotAttempted => "not_attempted",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nobody knows if money moved.
    #[must_use]
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::Unknown | Self::Review | Self::Conflict)
    }

    /// Whether the effect is proved.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::AlreadyDone)
    }
}
