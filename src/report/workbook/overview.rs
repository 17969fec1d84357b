//! The sheets that add up: the summary on a page, verdicts with their reasons, and business days.

use super::{Cell, Kind, Layout, Sheet};
use crate::model::money::Tally;
use crate::model::time::{BusinessDate, parse_instant};
use crate::model::verdict::Verdict;
use crate::plan::guard::{Verdict as GuardVerdict, counted};
use crate::reconcile::severity::Level;
use crate::report::summary::Summary;
use crate::report::words::Words;
use crate::report::{overrides, plan_use};

const SUMMARY: Layout =
    Layout { name: "Summary", kind: Kind::Page, columns: &[("", 30), ("", 28), ("", 22), ("", 22), ("", 12)] };

const VERDICTS: Layout = Layout {
    name: "Verdicts",
    kind: Kind::List,
    columns: &[("verdict", 20), ("reason", 56), ("severity", 11), ("orders", 12), ("rupiah", 22)],
};

const DAYS: Layout = Layout {
    name: "Days",
    kind: Kind::List,
    columns: &[("business day", 14), ("of", 10), ("word", 20), ("count", 12), ("rupiah", 22)],
};

/// The page that everybody reads first: money in doubt, what it was, the totals, the guards, the files.
#[must_use]
pub fn summary(summary: &Summary) -> Sheet {
    let mut page = Page::default();
    page.row([headline(summary)]);
    page.blank();
    page.pair("job", Cell::text(summary.job.clone()));
    page.pair("operation", Cell::text(summary.operation.clone()));
    page.pair("environment", Cell::text(summary.environment.clone()));
    page.pair("run", Cell::text(summary.run.clone()));
    if summary.is_audit() {
        page.pair("as of (WIB)", time(&summary.finished_at));
    } else {
        page.pair("started (WIB)", time(&summary.started_at));
        page.pair("ended (WIB)", time(&summary.finished_at));
    }
    page.pair("exit code", Cell::text(format!("{}: {}", summary.exit_code, meaning(summary.exit_code))));
    if let Some(stopped) = &summary.stopped {
        page.pair("stopped part-way", Cell::Bad(Words::cause_in_english(stopped)));
    }
    if let Some((first, last)) = &summary.period {
        page.pair("business days, first", day(first));
        page.pair("business days, last", day(last));
    }
    if let Some(used) = &summary.plan {
        page.pair("saved plan", Cell::text(plan_use::line(used)));
    }
    for line in overrides::lines(&summary.overrides).lines() {
        page.pair("guard", Cell::Bad(line.to_owned()));
    }
    for section in summary.sections() {
        page.tallies(section.what, section.unit, &section.tallies);
    }
    page.blank();
    page.row([identity(summary)]);
    page.guards(summary);
    page.files(summary);
    Sheet { layout: SUMMARY, rows: page.0 }
}

/// Verdicts with their reasons; one row for each that occurs.
#[must_use]
pub fn verdicts(summary: &Summary) -> Sheet {
    let mut rows = Vec::new();
    for verdict in Verdict::ALL.map(Verdict::word) {
        let severity = match summary.severity.get(verdict) {
            Some(Level::Error) => Cell::Bad("error".to_owned()),
            Some(Level::Warning) => Cell::text("warning"),
            Some(Level::Fine) | None => Cell::Empty,
        };
        for (reason, tally) in summary.reasons.get(verdict).into_iter().flatten() {
            let mut row = vec![Cell::text(verdict), Cell::text(reason.clone()), severity.clone()];
            row.extend(Cell::tally(*tally));
            rows.push(row);
        }
    }
    Sheet { layout: VERDICTS, rows }
}

/// What days.csv has.
#[must_use]
pub fn days(summary: &Summary) -> Sheet {
    let row = |total: &crate::reconcile::total::DayTotal| {
        let mut row =
            vec![total.date.as_deref().map_or(Cell::Empty, day), Cell::text(total.of), Cell::text(total.word)];
        row.extend(Cell::tally(total.tally));
        row
    };
    Sheet { layout: DAYS, rows: summary.days.iter().map(row).collect() }
}

fn headline(summary: &Summary) -> Cell {
    let doubt = summary.in_doubt;
    if doubt.count > 0 {
        return Cell::Bad(format!("MONEY IN DOUBT: {}, {}", counted(doubt.count, "row"), doubt.rupiah));
    }
    Cell::Good("No money is in doubt".to_owned())
}

fn meaning(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "done, and everything reconciles",
        1 => "done, but a person must look: see the sheet Breaks",
        3 => "money is in doubt: run again soon",
        4 => "stopped part-way: run again to continue",
        _ => "",
    }
}

fn identity(summary: &Summary) -> Cell {
    let rows = summary.identity.rows;
    if summary.identity.holds {
        return Cell::Good(format!("Rows in = rows out: {} and {}", rows.count, rows.rupiah));
    }
    Cell::Bad(format!("ROWS IN AND ROWS OUT DIFFER: in {} and {}", rows.count, rows.rupiah))
}

fn time(wire: &str) -> Cell {
    parse_instant(wire).map_or_else(|| Cell::text(wire), Cell::Time)
}

fn day(date: &str) -> Cell {
    BusinessDate::parse(date).map_or_else(|| Cell::text(date), Cell::Day)
}

/// The rows of the summary's page.
#[derive(Default)]
struct Page(Vec<Vec<Cell>>);

impl Page {
    fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.0.push(cells.into_iter().collect());
    }

    fn blank(&mut self) {
        self.0.push(Vec::new());
    }

    fn pair(&mut self, what: &str, is: Cell) {
        self.row([Cell::text(what), is]);
    }

    fn titles(&mut self, titles: &[&str]) {
        self.blank();
        self.row(titles.iter().map(|title| Cell::Title((*title).to_owned())));
    }

    /// What is zero is left out, the sum stands below.
    fn tallies(&mut self, what: &str, unit: &str, tallies: &[(&'static str, Tally)]) {
        self.blank();
        let number = |title: &str| Cell::NumberTitle(title.to_owned());
        self.row([Cell::Title(what.to_owned()), number(unit), number("rupiah")]);
        let mut sum = Tally::default();
        for (word, tally) in tallies {
            sum.merge(*tally);
            if tally.count > 0 {
                self.tally(Cell::text(*word), *tally);
            }
        }
        self.tally(Cell::Title("total".to_owned()), sum);
    }

    fn tally(&mut self, what: Cell, tally: Tally) {
        let [count, rupiah] = Cell::tally(tally);
        self.row([what, count, rupiah]);
    }

    fn guards(&mut self, summary: &Summary) {
        if summary.guards.is_empty() {
            return;
        }
        self.titles(&["guard", "limit", "plan", "headroom", ""]);
        for reading in &summary.guards {
            let mark = match reading.verdict {
                GuardVerdict::Holds => Cell::Good("ok".to_owned()),
                GuardVerdict::Broken => Cell::Bad("BROKEN".to_owned()),
            };
            let said = [&reading.limit, &reading.found, &reading.headroom].map(|said| Cell::text(said.to_string()));
            self.row([Cell::text(reading.guard)].into_iter().chain(said).chain([mark]));
        }
    }

    fn files(&mut self, summary: &Summary) {
        self.titles(&["file", "where, from the folder of the job"]);
        for (name, path) in &summary.files {
            self.pair(name, Cell::text(path.clone()));
        }
    }
}
