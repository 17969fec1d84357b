//! Room for records: into how many parts they go, and what happens where there is none.

use std::io;

use crate::cli::exit::Failure;
use crate::reconcile::ledger::TooMany;
use crate::reconcile::record::Record;

/// Why records cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoRoom {
    /// One ledger is not enough.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The disk is full or failing.
    #[error("the parts of a divided reconciliation cannot be kept: {0}")]
    Disk(#[from] io::Error),
    /// Somebody has asked to stop, and nothing would come of them.
    #[error("interrupted")]
    Unwanted,
}

impl From<NoRoom> for Failure {
    fn from(error: NoRoom) -> Self {
        match error {
            NoRoom::Unwanted => Self::Interrupted,
            NoRoom::TooMany(_) | NoRoom::Disk(_) => Self::Unwritten(error.to_string()),
        }
    }
}

/// Appends a record to the part that it belongs to; what belongs to none, to all of them.
pub(super) fn add(record: &Record<'_>, parts: &mut [Vec<u8>]) {
    let count = parts.len();
    match record.home().filter(|_| count > 1) {
        Some(home) => record.write(&mut parts[part_of(home, count)]),
        None => parts.iter_mut().for_each(|part| record.write(part)),
    }
}

/// Where a record belongs, among so many parts. It goes by the upper half of the hash, for a table inside a part goes by the
/// lower one.
pub(super) fn part_of(home: u64, parts: usize) -> usize {
    usize::try_from((home >> 32) % parts as u64).unwrap_or_default()
}
