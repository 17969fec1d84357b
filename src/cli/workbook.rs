//! audit.xlsx, made of the summary, of the journal's runs, and of the CSV files that a run or an audit has just written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use csv::StringRecord;

use super::load::Case;
use crate::edge::files::{Draft, WriteError};
use crate::edge::read;
use crate::edge::workbook::Workbook;
use crate::journal::record::RunRecord;
use crate::journal::store::Store;
use crate::journal::{Journal as _, JournalError};
use crate::model::time::Timestamp;
use crate::report::summary::Summary;
use crate::report::words::speech::Speech;
use crate::report::workbook::{Breaks, Reader, days, runs, summary, unread_runs, verdicts};

/// The name of the file.
pub(super) const NAME: &str = "audit.xlsx";

/// The runs that the job's journal knows. A journal that cannot be read is no reason to go without the other sheets.
pub(super) async fn known_runs(case: &Case) -> Known {
    match Store::open_to_read(&case.journal).await? {
        Some(journal) => journal.runs().await,
        None => Ok(Vec::new()),
    }
}

/// Runs, or why they are not known.
type Known = Result<Vec<RunRecord>, JournalError>;

/// Writes the workbook beside the CSV files in a folder.
pub(super) fn write(
    folder: &Path,
    totals: &Summary,
    known: &Known,
    case: &Case,
    now: Timestamp,
) -> Result<(), WriteError> {
    let path = folder.join(NAME);
    let failed = |source| WriteError { path: path.clone(), source };
    let mut draft = Draft::begin(folder, NAME);
    // The library panics where its scrap files find no room.
    let filled = catch_unwind(AssertUnwindSafe(|| fill(folder, totals, known, (case, now), &mut draft)));
    filled.unwrap_or_else(|_| Err(std::io::ErrorKind::StorageFull.into())).map_err(failed)?;
    draft.keep(&path)
}

fn fill(
    folder: &Path,
    totals: &Summary,
    known: &Known,
    (case, now): (&Case, Timestamp),
    draft: &mut Draft,
) -> std::io::Result<()> {
    let failed = std::io::Error::other;
    let language = case.language;
    let (reader, speech) = (Reader::of(language), Speech::of(language));
    let title = format!("{} · {} · {} {}", totals.job, (speech.operation)(&totals.operation), speech.run, totals.run);
    let mut book = Workbook::begin(folder, &title, now).map_err(failed)?;
    book.add(&summary(totals, reader)).map_err(failed)?;
    book.add(&verdicts(totals, reader)).map_err(failed)?;
    book.open(reader.breaks()).map_err(failed)?;
    let (mut orders, mut actions) = (rows(folder, "reconciliation.csv")?, rows(folder, "actions.csv")?);
    let mut breaks = Breaks::new(reader, |verdict| totals.verdict_name(verdict, speech));
    let mut order = StringRecord::new();
    while orders.read_record(&mut order)? {
        case.told.signals.still_wanted().map_err(std::io::Error::other)?;
        let mut unread = None;
        let next = || {
            let mut action = StringRecord::new();
            match actions.read_record(&mut action) {
                Ok(there) => there.then_some(action),
                Err(error) => {
                    unread = Some(error);
                    None
                }
            }
        };
        if let Some(row) = breaks.row(&order, next) {
            book.row(&row).map_err(failed)?;
        }
        unread.map_or(Ok(()), |error| Err(std::io::Error::from(error)))?;
    }
    book.add(&days(totals, reader)).map_err(failed)?;
    let sheet = known
        .as_ref()
        .map_or_else(|error| unread_runs(&error.to_string(), reader), |known| runs(totals, known, reader));
    book.add(&sheet).map_err(failed)?;
    book.finish(draft).map_err(failed)
}

/// The rows of a file that was written a moment ago.
fn rows(folder: &Path, name: &str) -> std::io::Result<csv::Reader<read::Opened>> {
    let opened = read::open(&folder.join(name)).map_err(std::io::Error::other)?;
    Ok(csv::Reader::from_reader(opened))
}
