//! The rows of a table wherever their text stands.

/// The text could not be read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: the private copy of the orders cannot be read any more: {why}")]
pub struct Unread {
    /// The file that it is a copy of.
    pub file: String,
    /// What the system says.
    pub why: String,
}
