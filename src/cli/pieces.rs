//! The rows of a run with their items, piece by piece: a million of them are never in memory together.

use crate::journal::JournalError;
use crate::journal::record::RowRecord;
use crate::journal::store::Store;
use crate::model::ids::RunId;

/// So many rows are read at once.
const PIECE: u32 = 4096;

/// The rows of a run that were not read yet.
pub(super) struct Pieces<'a> {
    journal: &'a Store,
    run: &'a RunId,
    /// The number of the last row that was read.
    behind: u64,
}

impl<'a> Pieces<'a> {
    /// All rows of a run.
    pub(super) const fn of(journal: &'a Store, run: &'a RunId) -> Self {
        Self { journal, run, behind: 0 }
    }

    /// The next ones; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<RowRecord>>, JournalError> {
        let rows = self.journal.rows_behind(self.run, self.behind, PIECE).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.behind = last.row.number;
        Ok(Some(rows))
    }
}
