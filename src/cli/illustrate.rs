//! What report.html shows of a run beyond its totals: how its requests went in time, what became of what was planned, and the
//! rows of the input behind the orders that need a person.

use std::collections::BTreeMap;

use super::load::Case;
use crate::job::settings::OutputFormat;
use crate::journal::JournalError;
use crate::journal::record::RowFate;
use crate::journal::store::Store;
use crate::model::ids::RunId;
use crate::model::language::Language;
use crate::plan::Plan;
use crate::report::highlights::Highlights;
use crate::report::html::{self, Page};
use crate::report::mask::{Cell, Columns, Personal};
use crate::report::pictures::{Flow, Timing};
use crate::report::summary::Summary;

/// What a page has beside totals and orders; an audit has none of it.
#[derive(Debug, Default)]
pub(super) struct Illustrated {
    flow: Flow,
    timing: Option<Timing>,
    cells: BTreeMap<u64, Vec<Cell>>,
}

impl Illustrated {
    /// Of a run whose rows flowed so.
    pub(super) async fn of_run(
        case: &Case,
        journal: &Store,
        (plan, run): (&Plan, &RunId),
        highlights: &Highlights,
        flow: Flow,
    ) -> Result<Self, JournalError> {
        if !case.job.output.formats.contains(&OutputFormat::Html) {
            return Ok(Self::default());
        }
        let timing = journal.times(run, Timing::take).await?;
        let cells = cells(case, journal, (plan, run), highlights).await?;
        Ok(Self { flow, timing: Some(timing), cells })
    }

    /// Writes the page.
    pub(super) fn page(&self, summary: &Summary, highlights: &Highlights, language: Language) -> Vec<u8> {
        let Self { flow, timing, cells } = self;
        html::page(&Page { summary, highlights, flow, timing: timing.as_ref(), cells, language })
    }
}

/// The input's own columns of the orders that the page shows, as the journal keeps them.
async fn cells(
    case: &Case,
    journal: &Store,
    (plan, run): (&Plan, &RunId),
    highlights: &Highlights,
) -> Result<BTreeMap<u64, Vec<Cell>>, JournalError> {
    let personal = if case.revealed_by.is_some() { Personal::Revealed } else { Personal::Masked };
    let columns = Columns::new(&plan.header, plan.delimiter, &case.job.orders.columns, personal);
    let of_bad_rows = columns.of_bad_rows(personal);
    let mut cells = BTreeMap::new();
    for order in &highlights.breaks {
        let rows = journal.rows_behind(run, order.row.saturating_sub(1), 1).await?;
        for record in rows.iter().filter(|record| record.row.number == order.row) {
            let shown = if record.row.fate == RowFate::Invalid { &of_bad_rows } else { &columns };
            cells.insert(order.row, shown.cells(&record.row.raw));
        }
    }
    Ok(cells)
}
