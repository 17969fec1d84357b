//! What is done to an order, and what a job is for.

use std::fmt;

use serde::Serialize;

/// An operation that changes money at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Make an order that the customer can pay (`akulaku-guide.txt`, "generate-order").
    Create,
    /// Cancel an order that has not been paid (`akulaku-guide.txt`, "Cancel Order").
    Cancel,
    /// Give back the full amount of a paid order (`akulaku-guide.txt`, "Refund Order").
    Refund,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 3] = [Self::Create, Self::Cancel, Self::Refund];

    /// The word in files and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
        }
    }

    /// The operation of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.word() == word)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

/// What a job is for: to change money, or to read only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// An operation on every selected order.
    Change(Operation),
    /// Reads only.
    Audit,
}

impl Task {
    /// The word in files and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Change(operation) => operation.word(),
            Self::Audit => "audit",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}
