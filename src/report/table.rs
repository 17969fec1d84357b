//! Tables for people: they line up, fit a terminal and can be pasted into an e-mail.

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

use super::summary::Summary;
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::plan::decide::Dispositions;
use crate::plan::guard::{Reading, Verdict};

/// What each disposition means, in the order of the table.
fn dispositions(dispositions: &Dispositions) -> [(&'static str, Tally); 4] {
    [
        ("send", dispositions.send),
        ("skip", dispositions.skip),
        ("held", dispositions.held),
        ("invalid", dispositions.invalid),
    ]
}

/// The plan: rows per disposition, and each guard with its headroom.
#[must_use]
pub fn plan(totals: &Dispositions, guards: &[Reading]) -> String {
    let rows = dispositions(totals);
    let mut text = tallies("disposition", "rows", rows.into_iter());
    text.push_str("\n\n");
    text.push_str(&self::guards(guards));
    text
}

/// Each guard with its limit, what was found and what is left.
#[must_use]
pub fn guards(guards: &[Reading]) -> String {
    let mut builder = Builder::new();
    builder.push_record(["guard", "limit", "plan", "headroom", ""]);
    for reading in guards {
        let mark = match reading.verdict {
            Verdict::Holds => "ok",
            Verdict::Broken => "BROKEN",
        };
        let said = [&reading.limit, &reading.found, &reading.headroom].map(ToString::to_string);
        builder.push_record([reading.guard, &said[0], &said[1], &said[2], mark]);
    }
    finish(builder, 1..4)
}

/// The whole summary: states, verdicts, unmatched lines and the closing identity.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    let tables = summary.sections().into_iter();
    let mut sections: Vec<String> =
        tables.map(|section| tallies(section.what, section.unit, section.tallies.into_iter())).collect();
    sections.push(identity(summary));
    sections.join("\n\n")
}

/// The closing identity in one line, or by how much it fails.
fn identity(summary: &Summary) -> String {
    let identity = &summary.identity;
    let side = |tally: Tally| format!("{} and {}", tally.count, tally.rupiah);
    if identity.holds {
        let repeated = match identity.repeated.count {
            0 => String::new(),
            _ => format!("; orders {}, rows that repeat one {}", side(identity.verdicts), side(identity.repeated)),
        };
        return format!("identity holds: rows in = rows out = {}{repeated}", side(identity.rows));
    }
    format!(
        "IDENTITY BROKEN: in {}; over the states {}; over the verdicts {} and repeated rows {}",
        side(identity.rows),
        side(identity.states),
        side(identity.verdicts),
        side(identity.repeated)
    )
}

/// A table of counts and rupiah: what is zero is left out, the sum stands below.
fn tallies(what: &str, unit: &str, rows: impl Iterator<Item = (&'static str, Tally)>) -> String {
    let mut builder = Builder::new();
    builder.push_record([what, unit, "rupiah"]);
    let mut sum = Tally::default();
    for (name, tally) in rows {
        sum.merge(tally);
        if tally.count > 0 {
            builder.push_record([name, &tally.count.to_string(), &tally.rupiah.to_string()]);
        }
    }
    builder.push_record(["total", &sum.count.to_string(), &sum.rupiah.to_string()]);
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
    use crate::model::money::Rupiah;

    #[test]
    fn counts_and_rupiah_line_up_and_zeros_are_left_out() {
        let tally = |count, rupiah| Tally { count, rupiah: Rupiah::new(rupiah) };
        let rows = [("succeeded", tally(300, 58_910_000)), ("refused", tally(0, 0)), ("unknown", tally(2, 5_000))];
        let expected = "  state      rows         rupiah\n  succeeded   300  Rp 58.910.000\n  unknown       2       Rp 5.000\n  total       302  Rp 58.915.000";
        assert_eq!(tallies("state", "rows", rows.into_iter()), expected);
    }
}
