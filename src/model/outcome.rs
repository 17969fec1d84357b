//! What one attempt proved.
//!
//! Only proof moves money in the books: everything that is not proof is [`Outcome::Ambiguous`], never "failed".

use serde::{Deserialize, Serialize};

/// The conclusion from one attempt (`failure-modes.md` 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Signed proof that our request had its effect.
    Applied,
    /// Signed proof that the effect exists, though not provably by our request.
    Already,
    /// Signed proof that our request had no effect.
    Refused(Refusal),
    /// The provider, or something before it, turned the request away before looking at it (429).
    Throttled(SignatureCheck),
    /// No byte of the request left this machine.
    NotSent(Unsent),
    /// No proof of anything.
    Ambiguous(Doubt),
}

/// Why an operation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The payment had failed already, or creating the order failed.
    PaymentFailed,
    /// The order was cancelled already.
    PaymentCancelled,
    /// The customer has not paid yet.
    PaymentPending,
    /// The provider refused without a state that explains it.
    ByProvider,
    /// A signed 4xx answer.
    Http(u16),
}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// The host's name was not found or the connection could not be made.
    Connect,
    /// This program kept it back: its run was stopped, its lease ran out, or the key may be forgotten by now.
    Withheld,
}

/// Why an answer, or its absence, proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// No complete answer within the time limit.
    Timeout,
    /// The connection broke after the request may have left.
    ConnectionLost,
    /// The program stopped between the intent and the answer.
    Crash,
    /// The provider failed (5xx, 408, 425 or another status without meaning here).
    Http(u16),
    /// A redirect; it is never followed.
    Redirect(u16),
    /// An error status whose body is not signed: a middlebox may have written it.
    UnsignedError(u16),
    /// No signature, or not one line of each header.
    Unsigned,
    /// The signature is not the provider's.
    BadSignature,
    /// Not the JSON object that the guide describes.
    Unreadable,
    /// Another invoice, amount or reference than ours.
    EchoMismatch,
    /// Fields that contradict each other.
    Contradiction,
    /// 409 without the first answer's body: still running, or a duplicate invoice.
    ConflictWithoutReplay,
    /// The answer was longer than any answer of the provider's.
    TooLong,
}

impl Refusal {
    /// The word in `rekon_reason`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::PaymentFailed => "payment_failed".into(),
            Self::PaymentCancelled => "payment_cancelled".into(),
            Self::PaymentPending => "payment_pending".into(),
            Self::ByProvider => "refused_by_provider".into(),
            Self::Http(status) => format!("http_{status}"),
        }
    }
}

impl Unsent {
    /// The word in `rekon_reason`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect_failed",
            Self::Withheld => "withheld",
        }
    }
}

impl Doubt {
    /// The word in `rekon_reason`.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Timeout => "timeout".into(),
            Self::ConnectionLost => "connection_lost".into(),
            Self::Crash => "crash".into(),
            Self::Http(status) => format!("http_{status}"),
            Self::Redirect(status) => format!("redirect_{status}"),
            Self::UnsignedError(status) => format!("unsigned_{status}"),
            Self::Unsigned => "unsigned".into(),
            Self::BadSignature => "bad_signature".into(),
            Self::Unreadable => "unreadable".into(),
            Self::EchoMismatch => "echo_mismatch".into(),
            Self::Contradiction => "contradiction".into(),
            Self::ConflictWithoutReplay => "conflict_409".into(),
            Self::TooLong => "answer_too_long".into(),
        }
    }
}

impl Outcome {
    /// The word of the class, as the journal stores it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Already => "already",
            Self::Refused(_) => "refused",
            Self::Throttled(_) => "throttled",
            Self::NotSent(_) => "not_sent",
            Self::Ambiguous(_) => "ambiguous",
        }
    }

    /// The reason in words; empty where the class says it all.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Applied | Self::Already => String::new(),
            Self::Refused(refusal) => refusal.word(),
            Self::Throttled(_) => "throttled".into(),
            Self::NotSent(unsent) => unsent.word().into(),
            Self::Ambiguous(doubt) => doubt.word(),
        }
    }
}

/// What an answer said, word for word, for the journal and the result files. Absent fields were not said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// `payment.status` or `transaction.status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_status: Option<String>,
    /// `cancel.status` or `refund.status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_status: Option<String>,
    /// `order.amount` in whole rupiah.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// `ORDER_ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// `AKULAKU_UNIQUE_REFERENCE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub akulaku_reference: Option<String>,
    /// `payment.merchant_unique_reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_reference: Option<String>,
    /// `refund.merchant_unique_reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_reference: Option<String>,
    /// `payment.url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_url: Option<String>,
    /// The provider's message, or ours about the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether this was the first answer's body again, under 409.
    #[serde(default)]
    pub replayed: bool,
    /// What the signature of the answer was worth.
    #[serde(default)]
    pub signature: SignatureCheck,
}

/// What the signature of an answer was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureCheck {
    /// There was no answer, or none to check.
    #[default]
    None,
    /// No signature, or not one line of each header.
    Missing,
    /// Not the provider's.
    Invalid,
    /// The provider's.
    Valid,
}

impl SignatureCheck {
    /// The word in `rekon_signature`; empty if there was nothing to check.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Valid => "valid",
        }
    }
}
