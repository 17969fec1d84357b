//! The sheet of the runs that the journal knows.

use super::{Cell, Kind, Layout, Reader, Sheet};
use crate::journal::record::RunRecord;
use crate::model::fault::printable;
use crate::model::time::parse_instant;
use crate::report::summary::Summary;

/// The runs of the journal in the environment of a run or an audit, the newest first. The run itself has not yet told the
/// journal how it ended when this is written, and an audit is in no journal.
#[must_use]
pub fn runs(summary: &Summary, known: &[RunRecord], reader: Reader) -> Sheet {
    let row = |run: &RunRecord| {
        let is_this = run.run.as_str() == summary.run;
        let (ended, code) = if is_this {
            (parse_instant(&summary.finished_at), Some(summary.exit_code))
        } else {
            (run.finished_at, run.exit_code)
        };
        vec![
            Cell::text(run.run.as_str()),
            Cell::text(run.job.clone()),
            Cell::text((reader.speech.operation)(&run.operation)),
            Cell::text(run.environment.clone()),
            Cell::Time(run.started_at),
            ended.map_or_else(|| Cell::text(reader.sheets.no_end), Cell::Time),
            code.map_or(Cell::Empty, |code| Cell::Count(code.into())),
            Cell::Count(run.rows),
            Cell::Count(run.in_doubt),
        ]
    };
    let mut known: Vec<&RunRecord> = known.iter().filter(|run| run.environment == summary.environment).collect();
    known.sort_by(|left, right| (right.started_at, &right.run).cmp(&(left.started_at, &left.run)));
    let none = known.is_empty().then(|| vec![Cell::text(reader.speech.no_runs)]);
    let rows = known.into_iter().map(row).chain(none).collect();
    Sheet { layout: Layout::of(reader.sheets.runs, Kind::List), rows }
}

/// The sheet when the journal could not be read: it says so, and why.
#[must_use]
pub fn unread_runs(why: &str, reader: Reader) -> Sheet {
    let said = Cell::Bad((reader.sheets.unread_runs)(&printable(why)));
    Sheet { layout: Layout::of(reader.sheets.runs, Kind::List), rows: vec![vec![said]] }
}
