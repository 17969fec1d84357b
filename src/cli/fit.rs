//! Tables that are wider than a terminal: text is broken between words, numbers and names stay whole.
//!
//! A table comes as finished text, from whatever room made it. Its columns are where all of its rows leave two spaces or more.

use std::ops::Range;

/// Names with which a command that is to be typed begins.
pub(super) const COMMANDS: [&str; 2] = ["rekon ", "ssh-keygen "];

/// Spaces before a table, and between its columns.
const GAP: usize = 2;

/// The rows of a table, the header first, with none wider than `width` as far as words allow. Where the columns do not fit side
/// by side, each row is written below the other, a line for each cell.
pub(super) fn fitted(rows: &[&str], width: usize) -> String {
    if rows.iter().all(|row| seen(row) <= width) {
        return rows.join("\n");
    }
    let rows: Vec<Vec<char>> = rows.iter().map(|row| row.chars().collect()).collect();
    let mut columns: Vec<Column> = places(&rows).into_iter().map(|place| Column::new(&rows, place)).collect();
    let total = |columns: &[Column]| columns.iter().map(|column| GAP + column.width).sum::<usize>();
    while total(&columns) > width {
        // The widest gives way first: it has the most text.
        let widest = columns.iter_mut().filter(|column| column.width > column.least).max_by_key(|column| column.width);
        let Some(widest) = widest else { return stacked(&mut columns, rows.len(), width) };
        widest.width -= 1;
    }
    (0..rows.len()).map(|row| side_by_side(&columns, row)).collect::<Vec<_>>().join("\n")
}

struct Column {
    /// One for each row.
    cells: Vec<String>,
    side: Side,
    width: usize,
    /// The longest word.
    least: usize,
}

/// Where the text of a cell stands in it.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

impl Column {
    fn new(rows: &[Vec<char>], place: Range<usize>) -> Self {
        let within = |row: &Vec<char>| row.iter().take(place.end).skip(place.start).collect::<String>();
        let found: Vec<String> = rows.iter().map(within).collect();
        let is_pushed = |cell: &String| cell.starts_with(' ') && !cell.trim().is_empty();
        let side = if found.iter().any(is_pushed) { Side::Right } else { Side::Left };
        let cells: Vec<String> = found.iter().map(|cell| cell.trim().to_owned()).collect();
        let longest = |cell: &String| pieces(cell).iter().map(|piece| seen(piece)).max().unwrap_or_default();
        let least = cells.iter().map(longest).max().unwrap_or_default();
        Self { cells, side, width: place.len(), least }
    }

    /// A cell in lines that are no wider than the column.
    fn lines(&self, row: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for piece in pieces(&self.cells[row]) {
            match lines.last_mut() {
                Some(line) if seen(line) + 1 + seen(&piece) <= self.width => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
        lines
    }
}

/// The places of the columns.
fn places(rows: &[Vec<char>]) -> Vec<Range<usize>> {
    let end = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut places: Vec<Range<usize>> = Vec::new();
    for at in 0..end {
        if rows.iter().all(|row| row.get(at).is_none_or(|character| *character == ' ')) {
            continue;
        }
        match places.last_mut() {
            Some(last) if at < last.end + GAP => last.end = at + 1,
            _ => places.push(at..at + 1),
        }
    }
    places
}

/// What a cell may be broken into: words, but neither a command nor an amount with its currency.
fn pieces(cell: &str) -> Vec<String> {
    if COMMANDS.iter().any(|name| cell.starts_with(name)) {
        return vec![cell.to_owned()];
    }
    let mut pieces: Vec<String> = Vec::new();
    for word in cell.split(' ').filter(|word| !word.is_empty()) {
        match pieces.last_mut() {
            Some(last) if last.ends_with("Rp") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
    }
    pieces
}

fn side_by_side(columns: &[Column], row: usize) -> String {
    let cells: Vec<Vec<String>> = columns.iter().map(|column| column.lines(row)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let parts = columns.iter().zip(&cells).map(|(column, lines)| {
            let (text, width) = (lines.get(at).map_or("", String::as_str), column.width);
            match column.side {
                Side::Left => format!("  {text:<width$}"),
                Side::Right => format!("  {text:>width$}"),
            }
        });
        parts.collect::<String>().trim_end().to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

fn stacked(columns: &mut [Column], rows: usize, width: usize) -> String {
    let name = columns.iter().map(|column| seen(&column.cells[0])).max().unwrap_or_default();
    columns.iter_mut().for_each(|column| column.width = width.saturating_sub(name + 2 * GAP));
    let row = |row: usize| {
        let filled = columns.iter().filter(|column| !column.cells[row].is_empty());
        let lines = filled.flat_map(|column| {
            let names = std::iter::once(column.cells[0].as_str()).chain(std::iter::repeat(""));
            names.zip(column.lines(row)).map(|(title, line)| format!("  {title:<name$}  {line}"))
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    (1..rows).map(row).collect::<Vec<_>>().join("\n\n")
}

/// How many characters of a text are seen: colours are not.
pub(super) fn seen(text: &str) -> usize {
    let mut count = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            let _ = characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table;

    fn guards() -> String {
        let cells = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
        let rows = vec![
            cells(["max_total", "Rp 40.000.000", "Rp 30.025.800", "Rp 9.974.200", "ok"]),
            cells(["max_share", "10% (from 40 rows on)", "12 orders", "too few rows to apply", "ok"]),
        ];
        table::plain(&["guard", "limit", "plan", "headroom", ""], rows, 1..4)
    }

    #[test]
    fn text_gives_way_and_amounts_stay_whole() {
        let guards = guards();
        let rows: Vec<&str> = guards.lines().collect();
        let expected = "  guard              limit           plan      headroom
  max_total  Rp 40.000.000  Rp 30.025.800  Rp 9.974.200  ok
  max_share   10% (from 40      12 orders  too few rows  ok
                  rows on)                     to apply";
        assert_eq!(fitted(&rows, 59), expected);
        assert_eq!(fitted(&rows, 100), guards);
    }

    #[test]
    fn columns_that_do_not_fit_side_by_side_stand_below_each_other() {
        let rows = ["  run                   rows  job", "  20261122-010211-0001  1200  refund-nightly"];
        let expected = "  run   20261122-010211-0001\n  rows  1200\n  job   refund-nightly";
        assert_eq!(fitted(&rows, 30), expected);
        let rows = [
            "  request                               what",
            "  8a2ce27f-c84c-8873-81ce-60464f3cc482  no proof of it, as far as is known",
        ];
        let expected = "  request  8a2ce27f-c84c-8873-81ce-60464f3cc482
  what     no proof of it, as far as is
           known";
        assert_eq!(fitted(&rows, 40), expected);
    }
}
