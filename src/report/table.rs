//! Tables for people: they line up, fit a terminal and can be pasted into an e-mail.

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

use super::summary::Summary;
use super::words::speech::Speech;
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::plan::Dispositions;
use crate::plan::guard::{Reading, Verdict};
use crate::plan::phrase::Phrase;

/// The plan: rows per disposition, and each guard with its headroom.
#[must_use]
pub fn plan(totals: &Dispositions, guards: &[Reading], words: &Speech) -> String {
    let rows = words.dispositions.into_iter().zip([totals.send, totals.skip, totals.held, totals.invalid]);
    format!("{}\n\n{}", tallies(words.disposition, words.rows, rows, words), self::guards(guards, words))
}

/// Each guard with its limit, what was found and what is left.
#[must_use]
pub fn guards(guards: &[Reading], words: &Speech) -> String {
    let mut builder = Builder::new();
    builder.push_record(words.guards.into_iter().chain([""]));
    for reading in guards {
        let mark = match (reading.verdict, &reading.headroom) {
            (Verdict::Holds, Phrase::HeldBack(_)) => words.held_back,
            (Verdict::Holds, _) => words.ok,
            (Verdict::Broken, _) => words.broken,
        };
        let said = [&reading.limit, &reading.found, &reading.headroom].map(words.phrase);
        builder.push_record([reading.guard, &said[0], &said[1], &said[2], mark]);
    }
    finish(builder, 1..4)
}

/// The whole summary: states, verdicts, unmatched lines and the closing identity.
#[must_use]
pub fn summary(summary: &Summary, words: &Speech) -> String {
    let tables = summary.sections(words).into_iter();
    let mut sections: Vec<String> =
        tables.map(|section| tallies(section.what, section.unit, section.tallies, words)).collect();
    sections.push((words.identity)(&summary.identity));
    sections.join("\n\n")
}

/// A table of counts and rupiah: what is zero is left out, the sum stands below.
pub fn tallies<S: AsRef<str>>(
    what: &str,
    unit: &str,
    rows: impl IntoIterator<Item = (S, Tally)>,
    words: &Speech,
) -> String {
    let mut builder = Builder::new();
    builder.push_record([what, unit, words.rupiah]);
    let mut sum = Tally::default();
    for (name, tally) in rows {
        sum.merge(tally);
        if tally.count > 0 {
            builder.push_record([name.as_ref(), &(words.count)(tally.count), &tally.rupiah.to_string()]);
        }
    }
    builder.push_record([words.total, &(words.count)(sum.count), &sum.rupiah.to_string()]);
    finish(builder, 1..3)
}

/// A table of any texts; the columns in `numbers` are aligned to the right.
#[must_use]
pub fn plain(header: &[&str], rows: Vec<Vec<String>>, numbers: std::ops::Range<usize>) -> String {
    let mut builder = Builder::new();
    builder.push_record(header.iter().copied());
    for row in rows {
        builder.push_record(row.iter().map(|cell| printable(cell)));
    }
    finish(builder, numbers)
}

fn finish(builder: Builder, numbers: std::ops::Range<usize>) -> String {
    let mut table = builder.build();
    table.with(Style::blank()).with(Padding::new(0, 1, 0, 0));
    for column in numbers {
        table.modify(Columns::one(column), Alignment::right());
    }
    let lines: Vec<String> = table.to_string().lines().map(|line| format!("  {}", line.trim_end())).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Language;
    use crate::model::money::Rupiah;

    #[test]
    fn counts_and_rupiah_line_up_and_zeros_are_left_out() {
        let tally = |count, rupiah| Tally { count, rupiah: Rupiah::new(rupiah) };
        let rows = [("succeeded", tally(300, 58_910_000)), ("refused", tally(0, 0)), ("unknown", tally(2, 5_000))];
        let expected = "  state      rows         rupiah\n  succeeded   300  Rp 58.910.000\n  unknown       2       Rp 5.000\n  total       302  Rp 58.915.000";
        assert_eq!(tallies("state", "rows", rows, Speech::of(Language::English)), expected);
    }
}
