//! What a program knew of the log when it was at work last, written down beside the journal: one that was deleted, or restored
//! from an old copy, does not hold it (`failure-modes.md` J8). Each store keeps it in a file of its own.
//!
//! A memo is never synced: if it is lost or torn, a loss goes unnoticed, and the derived keys alone protect.

use serde::{Deserialize, Serialize};

use super::Loss;
use crate::model::time;

/// How far a log went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::journal) struct Memo {
    /// The hash of the first entry: which journal it was.
    pub(in crate::journal) first: String,
    /// When the first entry happened.
    pub(in crate::journal) since: String,
    /// The number of the last entry.
    pub(in crate::journal) seq: i64,
    /// When it happened.
    pub(in crate::journal) at: String,
    /// Its hash.
    pub(in crate::journal) hash: String,
}

impl Memo {
    /// What a log lacks that does not hold the last entry. `first` is the hash of its own first entry, and `last_at` the time of
    /// the last one before which nothing can be missing.
    pub(in crate::journal) fn loss(&self, first: Option<&str>, last_at: Option<String>) -> Option<Loss> {
        let is_the_same = first == Some(self.first.as_str());
        let since = last_at.filter(|_| is_the_same).unwrap_or_else(|| self.since.clone());
        let (since, until) = (time::parse_instant(&since)?, time::parse_instant(&self.at)?);
        Some(Loss { since, until })
    }
}
