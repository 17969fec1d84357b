//! A run, an audit or a plan as a text to paste into a chat or an e-mail: Markdown that lines up as plain text, too.

use super::highlights::Break;
use super::summary::Summary;
use super::words::speech::Speech;
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::verdict::Verdict;
use crate::plan::Dispositions;
use crate::plan::guard::{Reading, Verdict as GuardVerdict};

/// More orders than these are counted only: a message is no file.
const MOST_ORDERS: usize = 10;

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    header: Vec<String>,
    /// The columns from the first to the last that are numbers.
    numbers: std::ops::Range<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows; the columns in `numbers` are aligned to the right.
    #[must_use]
    pub fn new(header: &[&str], numbers: std::ops::Range<usize>) -> Self {
        Self { header: header.iter().map(|cell| escaped(cell)).collect(), numbers, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        self.rows.push(cells.iter().map(|cell| escaped(cell.as_ref())).collect());
    }

    /// The table as text.
    #[must_use]
    pub fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.header]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default().max(3)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map_or("", String::as_str);
                if self.numbers.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        };
        let rule = widths.iter().enumerate().map(|(column, width)| {
            if self.numbers.contains(&column) { format!("{}:", "-".repeat(width - 1)) } else { "-".repeat(*width) }
        });
        let rule = format!("| {} |", rule.collect::<Vec<_>>().join(" | "));
        let mut lines = vec![line(&self.header), rule];
        lines.extend(self.rows.iter().map(line));
        lines.join("\n")
    }
}

/// A text in which no character means anything to Markdown, on one line. A word that a chat would make a link of, or ring
/// somebody for, is code: there it does neither.
#[must_use]
pub fn escaped(text: &str) -> String {
    let text = printable(text);
    let calls = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.contains('@') || word.contains("://") || word.contains("www.")
    };
    if !calls(&text) {
        return plain(&text);
    }
    let words = text.split(' ').map(|word| match word {
        word if calls(word) => format!("`{}`", word.replace('`', "'").replace('|', "\\|")),
        word => plain(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn plain(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (index, character) in characters.iter().enumerate() {
        let beside = |index: Option<usize>| index.and_then(|index| characters.get(index));
        let inside_word = beside(index.checked_sub(1)).is_some_and(|before| before.is_alphanumeric())
            && beside(Some(index + 1)).is_some_and(|after| after.is_alphanumeric());
        let means_something = match character {
            '|' | '`' | '\\' | '*' | '[' | ']' | '<' | '>' | '~' | '&' => true,
            // Words of ours have these inside, where they mean nothing.
            '_' => !inside_word,
            '#' | '+' | '-' | '=' | '!' => index == 0,
            _ => false,
        };
        if means_something {
            out.push('\\');
        }
        out.push(*character);
    }
    out
}

/// A text that stays as it is, to the letter: commands to be copied.
#[must_use]
pub fn verbatim(text: &str) -> String {
    let text = text.lines().map(printable).collect::<Vec<_>>().join("\n");
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// A title; what it is about is no heading, for chats show these very large.
#[must_use]
pub fn title(text: &str) -> String {
    format!("**{}**", escaped(text))
}

/// A run or an audit: money in doubt and what to do first, then the totals, some of the orders that need a person, and the
/// files. `closing` is what the terminal says at its end: how it ended, the exit code, and what to type.
#[must_use]
pub fn summary(summary: &Summary, breaks: &[Break], closing: &str, words: &Speech) -> String {
    let run = format!("{} {}", words.run, summary.run);
    let name = words.title(&summary.job, &summary.operation, &summary.environment, &run);
    // What is indented there is to be typed; the line about the money is the last of the others.
    let (to_type, said): (Vec<&str>, Vec<&str>) = closing.lines().partition(|line| line.starts_with("  "));
    let mut parts = vec![title(&name)];
    parts.extend(said.into_iter().rev().map(title));
    if !to_type.is_empty() {
        let to_type: Vec<&str> = to_type.into_iter().map(|line| &line[2..]).collect();
        parts.push(verbatim(&to_type.join("\n")));
    }
    parts.extend(summary.about(words).map(|line| sentence(&line)));
    parts.extend(summary.log.map(|log| sentence(&(words.log)(log.read, log.verified))));
    parts.extend(summary.plan.as_ref().map(|used| escaped(&(words.plan_used)(used))));
    parts.extend(list(&words.overrides(&summary.overrides)));
    let sections = summary.sections(words);
    parts.extend(sections.iter().map(|section| tallies(section.what, section.unit, &section.tallies, words)));
    parts.extend(orders(summary, breaks, words));
    let identity = sentence(&(words.identity)(&summary.identity));
    parts.push(if summary.identity.holds { identity } else { title(&identity) });
    parts.extend(files(summary, words));
    parts.join("\n\n")
}

/// A line of the terminal as a sentence.
fn sentence(line: &str) -> String {
    let mut characters = line.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// Whether a plan may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    MayRun,
    /// A guard is broken, or the input is bad.
    MayNotRun,
}

/// A plan: whether it may be run, rows per disposition, each guard with its headroom, and what else is to be said.
#[must_use]
pub fn plan(
    name: &str,
    standing: Standing,
    (totals, guards): (&Dispositions, &[Reading]),
    notes: &[&str],
    words: &Speech,
) -> String {
    let broken: Vec<&str> = guards.iter().filter(|reading| !reading.holds()).map(|reading| reading.guard).collect();
    let verdict = match standing {
        Standing::MayRun => words.may_run.to_owned(),
        Standing::MayNotRun => title(&(words.may_not_run)(&broken)),
    };
    let sums = [totals.send, totals.skip, totals.held, totals.invalid];
    let rows: Vec<(&str, Tally)> = words.dispositions.into_iter().zip(sums).collect();
    let mut parts = vec![title(name), verdict, tallies(words.disposition, words.rows, &rows, words)];
    let mut table = Table::new(&[&words.guards[..], &[""]].concat(), 1..4);
    for reading in guards {
        let mark = match reading.verdict {
            GuardVerdict::Holds => words.ok,
            GuardVerdict::Broken => words.broken,
        };
        let said = [&reading.limit, &reading.found, &reading.headroom].map(words.phrase);
        table.row(&[reading.guard, &said[0], &said[1], &said[2], mark]);
    }
    parts.push(table.text());
    parts.extend(notes.iter().filter_map(|note| list(note)));
    parts.join("\n\n")
}

/// What is zero is left out, the sum stands below.
#[must_use]
pub fn tallies<S: AsRef<str>>(what: &str, unit: &str, rows: &[(S, Tally)], words: &Speech) -> String {
    let mut table = Table::new(&[what, unit, words.rupiah], 1..3);
    let mut sum = Tally::default();
    for (name, tally) in rows {
        sum.merge(*tally);
        if tally.count > 0 {
            table.row(&[name.as_ref(), &(words.count)(tally.count), &tally.rupiah.to_string()]);
        }
    }
    table.row(&[words.total, &(words.count)(sum.count), &sum.rupiah.to_string()]);
    table.text()
}

/// Lines as a list; nothing if there are none.
#[must_use]
pub fn list(lines: &str) -> Option<String> {
    let lines: Vec<String> = lines.lines().map(|line| format!("- {}", escaped(line))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The orders that need a person, as they come: the worst first.
fn orders(summary: &Summary, breaks: &[Break], words: &Speech) -> Option<String> {
    if breaks.is_empty() {
        return None;
    }
    let mut table = Table::new(&words.break_headings, 1..2);
    for order in breaks.iter().take(MOST_ORDERS) {
        let name = order.invoice.clone().unwrap_or_else(|| (words.row)(order.row));
        table.row(&[
            &name,
            &order.amount.to_string(),
            &summary.verdict_name(order.verdict, words),
            &(words.reason)(order.reason, order.ageing, order.key),
        ]);
    }
    let need = Verdict::ALL.into_iter().filter(|verdict| verdict.needs_a_person());
    let all: u64 = need.filter_map(|verdict| summary.verdicts.get(verdict.word())).map(|tally| tally.count).sum();
    let more = all.saturating_sub(breaks.len().min(MOST_ORDERS) as u64);
    let file = if summary.files.contains_key("audit.xlsx") { "audit.xlsx" } else { "reconciliation.csv" };
    let more = if more == 0 { String::new() } else { format!("\n\n{}", (words.more_orders)(more, file)) };
    Some(format!("{}{more}", table.text()))
}

fn files(summary: &Summary, words: &Speech) -> Option<String> {
    let path = summary.files.get("summary.json")?;
    let folder = path.strip_suffix("/summary.json").unwrap_or(path);
    let names: Vec<&str> = summary.files.keys().map(String::as_str).collect();
    Some((words.files_in)(&escaped(folder), &escaped(&names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Language;
    use crate::model::money::Rupiah;

    #[test]
    fn a_table_lines_up_as_plain_text() {
        let tally = |count, rupiah| Tally { count, rupiah: Rupiah::new(rupiah) };
        let rows = [("already_done", tally(300, 58_910_000)), ("refused", tally(0, 0)), ("unknown", tally(2, 5_000))];
        let expected = "\
| state        | rows |        rupiah |
| ------------ | ---: | ------------: |
| already_done |  300 | Rp 58.910.000 |
| unknown      |    2 |      Rp 5.000 |
| total        |  302 | Rp 58.915.000 |";
        assert_eq!(tallies("state", "rows", &rows, Speech::of(Language::English)), expected);
    }

    #[test]
    fn what_means_something_to_markdown_is_escaped_and_lines_up_all_the_same() {
        let cases = [
            ("a|b", "a\\|b"),
            ("`rm`", "\\`rm\\`"),
            ("a\\b", "a\\\\b"),
            ("*x* _x_ a_b", "\\*x\\* \\_x\\_ a_b"),
            ("[a](http://b)", "`[a](http://b)`"),
            ("ask @siti, *now*", "ask `@siti,` \\*now\\*"),
            ("see www.a.example|`b`", "see `www.a.example\\|'b'`"),
            ("<b>&amp;", "\\<b\\>\\&amp;"),
            ("# - =", "\\# - ="),
            ("two\nlines", "two\u{fffd}lines"),
        ];
        for (text, safe) in cases {
            assert_eq!(escaped(text), safe, "{text:?}");
        }
        let mut table = Table::new(&["reason", "n"], 1..2);
        table.row(&["a|b", "1"]);
        table.row(&["long enough", "22"]);
        let widths: Vec<usize> = table.text().lines().map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{}", table.text());
    }

    #[test]
    fn commands_stay_to_the_letter_and_cannot_end_their_fence() {
        assert_eq!(verbatim("run `x`\n  a_b"), "```text\nrun `x`\n  a_b\n```");
        assert_eq!(verbatim("```\nout"), "````text\n```\nout\n````");
    }
}
