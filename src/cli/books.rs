//! The books: every order judged, every stray line listed, written as they come and added up.
//!
//! The files are drafts until the run has its name and everything is counted; see [`Books::keep`].

use std::collections::BTreeSet;
use std::path::Path;

use super::csv_draft::CsvDraft;
use super::load::Case;
use super::room::NoRoom;
use crate::edge::files::WriteError;
use crate::edge::parallel;
use crate::job::settings::OutputFormat;
use crate::model::ids::InvoiceNumber;
use crate::model::time::Timestamp;
use crate::reconcile::judge::Rules;
use crate::reconcile::ledger::Ledger;
use crate::reconcile::record::{StrayRecord, hash_bytes};
use crate::reconcile::strays::{records, sorted, united};
use crate::reconcile::total::Totals;
use crate::report::highlights::Highlights;
use crate::report::rows;
use crate::report::sheet::{Rows, Sheet, Style, sheet};

/// How many orders are judged in one piece: their rows fit into the cache of a core.
pub(super) const PIECE: usize = 2048;

/// Everything about the orders and the logs, added up, and the files about it as drafts.
#[derive(Debug)]
pub(super) struct Books {
    /// All sums.
    pub(super) totals: Totals,
    /// What report.html shows of the orders.
    pub(super) highlights: Highlights,
    /// Names an audit: the same findings have the same, in whatever order they were read.
    pub(super) digest: u64,
    /// What was refused for the key, and is sent by no run again.
    pub(super) refused_for_the_key: BTreeSet<InvoiceNumber>,
    drafts: Vec<CsvDraft>,
}

/// The files, in the order of [`Books::open`].
const ORDERS: usize = 0;
const UNMATCHED: usize = 1;
const ACTIONS: usize = 2;

impl Books {
    /// Opens books whose drafts stand in the job's output folder.
    pub(super) fn open(case: &Case) -> Self {
        let files: [(&'static str, &[&str]); 3] = [
            ("reconciliation.csv", &rows::RECONCILIATION),
            ("unmatched.csv", &rows::UNMATCHED),
            ("actions.csv", &rows::ACTIONS),
        ];
        case.sweep();
        let begin = |(name, header): (&'static str, &[&str])| CsvDraft::begin(case, name, &rows::header(header));
        let drafts = if wants_rows(case) { files.into_iter().map(begin).collect() } else { Vec::new() };
        let refused_for_the_key = BTreeSet::new();
        Self { totals: Totals::default(), highlights: Highlights::default(), digest: 0, refused_for_the_key, drafts }
    }

    /// Adds a file of somebody else's.
    pub(super) fn put(&mut self, draft: CsvDraft) {
        self.drafts.push(draft);
    }

    /// Judges the orders of a ledger that has everything, and lists its strays.
    ///
    /// # Errors
    /// Somebody has asked to stop.
    pub(super) fn of_ledger(case: &Case, ledger: &Ledger, files: &[String], how: How) -> Result<Self, NoRoom> {
        let mut books = Self::open(case);
        let mut copies = Vec::new();
        judge_all(ledger, case, how, |sheet| {
            case.told.signals.still_wanted()?;
            books.write(ORDERS, &sheet.orders);
            books.write(ACTIONS, &sheet.actions);
            copies.extend_from_slice(&sheet.copies);
            books.add(sheet);
            Ok(())
        })?;
        if how.rows == Rows::WithOrders {
            books.totals.add_repeated(ledger.repeated());
            books.totals.aside.merge(ledger.aside());
        }
        let strays = united(ledger.strays()).into_iter().chain(records(&copies));
        for stray in sorted(strays.collect()) {
            books.stray(files, &stray);
        }
        Ok(books)
    }

    /// Adds what a sheet found; its rows are written by who knows where they belong.
    pub(super) fn add(&mut self, sheet: Sheet) {
        self.totals.merge(sheet.totals);
        self.digest = self.digest.wrapping_add(sheet.digest);
        self.highlights.merge(sheet.highlights);
    }

    /// Writes an order's row, and what to do about it.
    pub(super) fn order(&mut self, row: &[u8], action: &[u8]) {
        self.write(ORDERS, row);
        self.write(ACTIONS, action);
    }

    /// Lists a line that proves nothing.
    pub(super) fn stray(&mut self, files: &[String], stray: &StrayRecord<'_>) {
        self.totals.add_unmatched(stray.reason, stray.amount);
        // Where a line stands is no part of what was found.
        let found = format!("{}\0{}\0{}\0{}", stray.reason.word(), stray.invoice, stray.status, stray.received_at);
        self.digest = self.digest.wrapping_add(hash_bytes(found.as_bytes()));
        let mut row = Vec::new();
        rows::unmatched(files.get(usize::from(stray.place.file)).map_or("", String::as_str), stray, &mut row);
        self.write(UNMATCHED, &row);
    }

    fn write(&mut self, file: usize, bytes: &[u8]) {
        if let Some(draft) = self.drafts.get_mut(file) {
            draft.write(bytes);
        }
    }

    /// The names of the files.
    pub(super) fn files(&self) -> Vec<String> {
        self.drafts.iter().flat_map(CsvDraft::names).collect()
    }

    /// Gives the drafts their places in a folder.
    ///
    /// # Errors
    /// One of them could not be written.
    pub(super) fn keep(&mut self, folder: &Path) -> Result<(), WriteError> {
        std::mem::take(&mut self.drafts).into_iter().try_for_each(|draft| draft.keep(folder))
    }
}

/// How orders are judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// The present.
    pub(super) now: Timestamp,
    /// Who counts the rows.
    pub(super) rows: Rows,
    /// On how many threads.
    pub(super) threads: usize,
}

impl How {
    /// The same for the sheets of a job.
    pub(super) fn style(self, case: &Case) -> Style {
        let rules = Rules { grace: case.job.reconcile.grace, now: self.now };
        Style { rules, cutoff: case.job.reconcile.cutoff, rows: self.rows, is_written: wants_rows(case) }
    }
}

/// Whether a job writes its rows.
fn wants_rows(case: &Case) -> bool {
    case.job.output.formats.contains(&OutputFormat::Csv)
}

/// Judges all orders of a ledger on several threads; the sheets come in the order of the invoices.
fn judge_all(
    ledger: &Ledger,
    case: &Case,
    how: How,
    take: impl FnMut(Sheet) -> Result<(), NoRoom>,
) -> Result<(), NoRoom> {
    let style = how.style(case);
    let orders = ledger.in_order();
    let pieces: Vec<&[u32]> = orders.chunks(PIECE).collect();
    let judge = |piece: usize| sheet(ledger, pieces[piece], style);
    parallel::in_order(pieces.len(), how.threads, judge, take)
}
