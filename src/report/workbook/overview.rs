//! The sheets that add up: the summary on a page, verdicts with their reasons, and business days.

use super::reasons::Reasons;
use super::{Cell, Kind, Layout, Reader, Sheet};
use crate::model::money::Tally;
use crate::model::status::BookStatus;
use crate::model::time::{BusinessDate, parse_instant};
use crate::model::verdict::Verdict;
use crate::plan::guard::Verdict as GuardVerdict;
use crate::reconcile::severity::Level;
use crate::reconcile::total::DayTotal;
use crate::report::extent::Extent;
use crate::report::inputs::{Inputs, Settings, Span};
use crate::report::summary::Summary;
use crate::report::words::both::Told as _;
use crate::report::words::inputs::{InputWords, warning};
use crate::report::words::sheets::Sheets;
use crate::report::words::speech::{Ended, Speech};

/// The page that everybody reads first: money in doubt, what it was, the totals, the guards, the files.
#[must_use]
pub fn summary(summary: &Summary, reader: Reader) -> Sheet {
    let Reader { sheets, speech, .. } = reader;
    let [job, operation, environment, run, as_of, started, finished, exit_code] = sheets.lines;
    let mut page = Page::default();
    page.row([headline(summary, reader)]);
    page.blank();
    page.pair(job, Cell::text(summary.job.clone()));
    page.pair(operation, Cell::text((speech.operation)(&summary.operation)));
    page.pair(environment, Cell::text(summary.environment.clone()));
    page.pair(run, Cell::text(summary.run.clone()));
    if summary.is_audit() {
        page.pair(as_of, time(&summary.finished_at));
    } else {
        page.pair(started, time(&summary.started_at));
        page.pair(finished, time(&summary.finished_at));
    }
    let ended = match (summary.exit_code, summary.extent()) {
        (0, Extent::Nothing) => reader.speech.judged_nothing,
        (0, Extent::Part) => sheets.judged_in_part,
        (code, _) => (sheets.exit)(code),
    };
    page.pair(exit_code, Cell::text(format!("{}: {ended}", summary.exit_code)));
    if let Some(stopped) = &summary.stopped {
        page.pair(sheets.stopped, Cell::Bad((speech.because)(stopped)));
    }
    if let Some((first, last)) = &summary.period {
        page.pair(sheets.period[0], day(first));
        page.pair(sheets.period[1], day(last));
    }
    if let Some(said) = summary.not_judged(speech) {
        page.row([Cell::Title(said)]);
    }
    if let Some(inputs) = &summary.inputs {
        for one in &inputs.warnings {
            page.row([Cell::Bad(warning(inputs, *one).told(reader.language).to_owned())]);
        }
    }
    if let Some(used) = &summary.plan {
        page.pair(sheets.saved_plan, Cell::text((speech.plan_used)(used)));
    }
    for found in &summary.overrides {
        page.pair(sheets.guard, Cell::Bad((speech.overridden)(found)));
    }
    for section in summary.sections(speech) {
        page.tallies(section.what, section.unit, &section.tallies, speech);
    }
    page.blank();
    let identity = (speech.identity)(&summary.identity);
    page.row([if summary.identity.holds { Cell::Good(identity) } else { Cell::Bad(identity) }]);
    page.guards(summary, speech);
    summary.inputs.iter().for_each(|inputs| page.inputs(inputs, reader.inputs));
    page.files(summary, sheets);
    Sheet { layout: Layout::of(sheets.summary, Kind::Page), rows: page.0 }
}

/// Verdicts with their reasons; one row for each that occurs.
#[must_use]
pub fn verdicts(summary: &Summary, reader: Reader) -> Sheet {
    let speech = reader.speech;
    let reasons = Reasons::new(speech);
    let mut rows = Vec::new();
    for verdict in Verdict::ALL {
        let severity = match summary.severity.get(verdict.word()) {
            Some(Level::Error) => Cell::Bad(speech.error.to_owned()),
            Some(Level::Warning) => Cell::text(speech.warning),
            Some(Level::Fine) | None => Cell::Empty,
        };
        for (reason, tally) in summary.reasons.get(verdict.word()).into_iter().flatten() {
            let verdict = Cell::text(summary.verdict_name(verdict, speech));
            let mut row = vec![verdict, Cell::text(reasons.told(reason)), severity.clone()];
            row.extend(Cell::tally(*tally));
            rows.push(row);
        }
    }
    Sheet { layout: Layout::of(reader.sheets.verdicts, Kind::List), rows }
}

/// What days.csv has.
#[must_use]
pub fn days(summary: &Summary, reader: Reader) -> Sheet {
    let Reader { sheets, speech, .. } = reader;
    let [book, verdict, doku] = sheets.of;
    let row = |total: &DayTotal| {
        let (of, word) = match total.of {
            "book" => (book, BookStatus::from_word(total.word).map(speech.book_name)),
            "verdict" => {
                let found = Verdict::ALL.into_iter().find(|one| one.word() == total.word);
                (verdict, found.map(|found| summary.verdict_name(found, speech)))
            }
            _ => (doku, None),
        };
        let word = word.unwrap_or_else(|| total.word.to_owned());
        let mut row = vec![total.date.as_deref().map_or(Cell::Empty, day), Cell::text(of), Cell::text(word)];
        row.extend(Cell::tally(total.tally));
        row
    };
    Sheet { layout: Layout::of(sheets.days, Kind::List), rows: summary.days.iter().map(row).collect() }
}

fn headline(summary: &Summary, reader: Reader) -> Cell {
    match summary.in_doubt.count {
        0 => Cell::Good(reader.speech.no_doubt_sentence.to_owned()),
        _ => Cell::Bad((reader.speech.ended)(Ended::InDoubt(summary.in_doubt))),
    }
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
    fn tallies(&mut self, what: &str, unit: &str, tallies: &[(String, Tally)], speech: &Speech) {
        self.blank();
        let number = |title: &str| Cell::NumberTitle(title.to_owned());
        self.row([Cell::Title(what.to_owned()), number(unit), number(speech.rupiah)]);
        let mut sum = Tally::default();
        for (word, tally) in tallies {
            sum.merge(*tally);
            if tally.count > 0 {
                self.tally(Cell::text(word), *tally);
            }
        }
        self.tally(Cell::Title(speech.total.to_owned()), sum);
    }

    fn tally(&mut self, what: Cell, tally: Tally) {
        let [count, rupiah] = Cell::tally(tally);
        self.row([what, count, rupiah]);
    }

    fn guards(&mut self, summary: &Summary, speech: &Speech) {
        if summary.guards.is_empty() {
            return;
        }
        self.titles(&[&speech.guards[..], &[""]].concat());
        for reading in &summary.guards {
            let mark = match reading.verdict {
                GuardVerdict::Holds => Cell::Good(speech.ok.to_owned()),
                GuardVerdict::Broken => Cell::Bad(speech.broken.to_owned()),
            };
            let said =
                [&reading.limit, &reading.found, &reading.headroom].map(|said| Cell::text((speech.phrase)(said)));
            self.row([Cell::text(reading.guard)].into_iter().chain(said).chain([mark]));
        }
    }

    /// The files that were read, and the settings.
    fn inputs(&mut self, inputs: &Inputs, words: &InputWords) {
        let times =
            |span: Span| [span.first(), span.last()].map(|at| at.map_or(Cell::Empty, |at| Cell::Time(at.time())));
        self.titles(&words.files);
        let book = &inputs.orders;
        let orders = [Cell::text(format!("{} ({})", book.file, words.orders)), Cell::Count(book.rows), Cell::Empty];
        self.row(orders.into_iter().chain(times(book.created_at)));
        for log in &inputs.logs {
            let counts = [Cell::text(log.file.clone()), Cell::Count(log.lines), Cell::Count(log.verified)];
            self.row(counts.into_iter().chain(times(log.received_at)));
        }
        for file in &inputs.results {
            self.row([Cell::text(format!("{file} ({})", words.results))]);
        }
        self.blank();
        let Settings { cutoff, grace, zone, .. } = &inputs.settings;
        // The time and the days stand above.
        for (name, told) in words.settings[2..].iter().zip([cutoff, grace, zone]) {
            self.pair(name, Cell::text(told.clone()));
        }
        if let Some(digest) = &book.sha256 {
            self.pair(words.sha256, Cell::text(digest.clone()));
        }
    }

    fn files(&mut self, summary: &Summary, sheets: &Sheets) {
        self.titles(&sheets.files);
        for (name, path) in &summary.files {
            self.pair(name, Cell::text(path.clone()));
        }
    }
}
