//! What became of the rows of a run, read back from the journal piece by piece: results.csv as a draft, and what the books
//! need. A million rows with their items are never in memory together.

use std::collections::{BTreeSet, HashSet};

use super::books::Books;
use super::csv_draft::CsvDraft;
use super::exit::Failure;
use super::in_doubt::{in_doubt_here, refused_for_the_key};
use super::judgement::{Judgement, Room};
use super::load::Case;
use super::open;
use super::pieces::Pieces;
use super::room::NoRoom;
use crate::journal::record::RowRecord;
use crate::journal::store::Store;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::reconcile::ends::subjects;
use crate::reconcile::evidence::Log;
use crate::reconcile::total::Totals;
use crate::report::pictures::Flow;
use crate::report::results::{Input, Results};

/// What was read back so far.
pub(super) struct ReadBack {
    /// Where the rows ended.
    totals: Totals,
    judgement: Judgement,
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
    ///
    /// # Errors
    /// There is no room; as for the other functions here.
    pub(super) fn begin(case: &Case, plan: &Plan, room: Room) -> Result<Self, NoRoom> {
        let results = Results::new(plan.operation, Input { header: &plan.header, delimiter: plan.delimiter });
        let draft = CsvDraft::begin(case, "results.csv", results.header());
        Ok(Self {
            totals: Totals::default(),
            judgement: Judgement::begin(case, plan.input_tally().count, room)?,
            in_doubt: HashSet::new(),
            refused_for_the_key: BTreeSet::new(),
            flow: Flow::default(),
            results,
            draft,
        })
    }

    /// All rows of a run. What the disk has no room for is kept in memory: a run that cannot write its files says what is in
    /// doubt all the same.
    pub(super) async fn all(case: &Case, plan: &Plan, journal: &Store, run: &RunId) -> Result<Self, Failure> {
        match Self::all_into(case, plan, journal, run, Room::Disk).await? {
            Ok(read) => Ok(read),
            Err(_) => Box::pin(Self::all_into_memory(case, plan, journal, run)).await,
        }
    }

    async fn all_into_memory(case: &Case, plan: &Plan, journal: &Store, run: &RunId) -> Result<Self, Failure> {
        let read = Self::all_into(case, plan, journal, run, Room::Memory).await?;
        read.map_err(|error| Failure::Stopped(error.to_string()))
    }

    async fn all_into(
        case: &Case,
        plan: &Plan,
        journal: &Store,
        run: &RunId,
        room: Room,
    ) -> Result<Result<Self, NoRoom>, Failure> {
        let mut read = match Self::begin(case, plan, room) {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        let mut pieces = Pieces::of(journal, run);
        while let Some(records) = pieces.next().await.map_err(|error| open::unread(case, &error))? {
            if let Err(error) = read.take(plan, &records) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(read))
    }

    /// The next rows.
    pub(super) fn take(&mut self, plan: &Plan, records: &[RowRecord]) -> Result<(), NoRoom> {
        self.draft.write(&self.results.rows(records));
        self.flow.take_rows(records);
        self.in_doubt.extend(records.iter().filter_map(in_doubt_here));
        self.refused_for_the_key.extend(refused_for_the_key(records));
        self.judgement.take(&subjects(plan, records, &mut self.totals))
    }

    /// The books of the run, with results.csv among their files.
    pub(super) fn books(self, case: &Case, log: &Log, now: Timestamp) -> Result<Books, NoRoom> {
        let mut books = self.judgement.books(case, log, now)?;
        books.totals.merge(self.totals);
        books.put(self.draft);
        books.refused_for_the_key = self.refused_for_the_key;
        Ok(books)
    }

    /// The same; if the disk has no room for it, by way of another reading into memory.
    pub(super) async fn books_of(
        self,
        (case, plan, journal, run): (&Case, &Plan, &Store, &RunId),
        log: &Log,
        now: Timestamp,
    ) -> Result<Books, Failure> {
        if let Ok(books) = self.books(case, log, now) {
            return Ok(books);
        }
        let again = Box::pin(Self::all_into_memory(case, plan, journal, run)).await?;
        again.books(case, log, now).map_err(|error| Failure::Stopped(error.to_string()))
    }
}
