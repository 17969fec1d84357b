//! What became of the rows of a run, read back from the journal piece by piece: results.csv as a draft, and what the books
//! need. A million rows with their items are never in memory together.

use std::collections::HashSet;

use super::books::Books;
use super::csv_draft::CsvDraft;
use super::load::Case;
use super::session::in_doubt_here;
use crate::journal::JournalError;
use crate::journal::record::RowRecord;
use crate::journal::sqlite::SqliteJournal;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::plan::decide::Plan;
use crate::reconcile::ends::Ends;
use crate::report::results::{Input, Results};

/// So many rows are read at once.
const PIECE: u32 = 4096;

/// What was read back so far.
pub(super) struct ReadBack {
    /// Where the rows ended.
    pub(super) ends: Ends,
    /// The invoices of those in doubt.
    pub(super) in_doubt: HashSet<InvoiceNumber>,
    results: Results,
    draft: CsvDraft,
}

impl ReadBack {
    /// Nothing yet.
    pub(super) fn begin(case: &Case, plan: &Plan) -> Self {
        let results = Results::new(plan.operation, Input { header: &plan.header, delimiter: plan.delimiter });
        let draft = CsvDraft::begin(case, "results.csv", results.header());
        Self { ends: Ends::default(), in_doubt: HashSet::new(), results, draft }
    }

    /// All rows of a run.
    pub(super) async fn all(
        case: &Case,
        plan: &Plan,
        journal: &SqliteJournal,
        run: &RunId,
    ) -> Result<Self, JournalError> {
        let mut read = Self::begin(case, plan);
        let mut last = Some(0);
        while let Some(behind) = last {
            let records = journal.rows_behind(run, behind, PIECE).await?;
            read.take(plan, &records);
            last = records.last().map(|record| record.row.number);
        }
        Ok(read)
    }

    /// The next rows.
    pub(super) fn take(&mut self, plan: &Plan, records: &[RowRecord]) {
        self.draft.write(&self.results.rows(records));
        self.in_doubt.extend(records.iter().filter_map(in_doubt_here));
        self.ends.take_rows(plan, records);
    }

    /// Puts results.csv among the files of the books.
    pub(super) fn into(self, books: &mut Books) {
        books.put(self.draft);
    }
}
