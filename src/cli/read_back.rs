//! What became of the rows of a run, read back from the journal piece by piece: results.csv as a draft, and what the books
//! need. A million rows with their items are never in memory together.

use std::collections::{BTreeSet, HashSet};

use super::books::Books;
use super::csv_draft::CsvDraft;
use super::exit::Failure;
use super::in_doubt::{in_doubt_here, refused_for_the_key};
use super::load::Case;
use super::open;
use crate::journal::record::RowRecord;
use crate::journal::store::Store;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::reconcile::ends::Ends;
use crate::reconcile::evidence::Log;
use crate::reconcile::ledger::TooMany;
use crate::report::pictures::Flow;
use crate::report::results::{Input, Results};

/// So many rows are read at once.
const PIECE: u32 = 4096;

/// What was read back so far.
pub(super) struct ReadBack {
    /// Where the rows ended.
    pub(super) ends: Ends,
    /// The invoices of those in doubt.
    pub(super) in_doubt: HashSet<InvoiceNumber>,
    /// Those that were refused for the key.
    refused_for_the_key: BTreeSet<InvoiceNumber>,
    /// What became of what was planned.
    pub(super) flow: Flow,
    results: Results,
    draft: CsvDraft,
}

impl ReadBack {
    /// Nothing yet.
    pub(super) fn begin(case: &Case, plan: &Plan) -> Self {
        let results = Results::new(plan.operation, Input { header: &plan.header, delimiter: plan.delimiter });
        let draft = CsvDraft::begin(case, "results.csv", results.header());
        Self {
            ends: Ends::of(plan),
            in_doubt: HashSet::new(),
            refused_for_the_key: BTreeSet::new(),
            flow: Flow::default(),
            results,
            draft,
        }
    }

    /// All rows of a run.
    pub(super) async fn all(case: &Case, plan: &Plan, journal: &Store, run: &RunId) -> Result<Self, Failure> {
        let mut read = Self::begin(case, plan);
        let mut last = Some(0);
        while let Some(behind) = last {
            let records = journal.rows_behind(run, behind, PIECE).await;
            let records = records.map_err(|error| open::unread(case, &error))?;
            read.take(plan, &records).map_err(|error| Failure::Stopped(error.to_string()))?;
            last = records.last().map(|record| record.row.number);
        }
        Ok(read)
    }

    /// The next rows.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub(super) fn take(&mut self, plan: &Plan, records: &[RowRecord]) -> Result<(), TooMany> {
        self.draft.write(&self.results.rows(records));
        self.flow.take_rows(records);
        self.in_doubt.extend(records.iter().filter_map(in_doubt_here));
        self.refused_for_the_key.extend(refused_for_the_key(records));
        self.ends.take_rows(plan, records)
    }

    /// The books of the run, with results.csv among their files.
    pub(super) fn books(self, case: &Case, log: &Log, now: Timestamp) -> Result<Books, Failure> {
        let mut books = Books::of_run(case, self.ends, log, now)?;
        books.put(self.draft);
        books.refused_for_the_key = self.refused_for_the_key;
        Ok(books)
    }
}
