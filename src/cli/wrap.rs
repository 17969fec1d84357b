//! Lines that are wider than a terminal are broken between words.
//!
//! A command is left as it is, from its name to the end of its line: half a command, pasted, is another command. Tables are
//! fitted column by column, and of a line of the user's own only what stands around its fault is shown.

use super::fit::{self, COMMANDS, seen};

/// A text with no line wider than `width`, as far as words and commands allow.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let rows = lines[at..].iter().take_while(|line| is_row(line)).count();
        if is_excerpt(lines[at]) {
            let marker = lines.get(at + 1).filter(|line| is_excerpt(line));
            out.extend(around(lines[at], marker.copied(), width));
            at += 1 + usize::from(marker.is_some());
        } else if rows > 0 {
            out.push(fit::fitted(&lines[at..at + rows], width));
            at += rows;
        } else {
            out.push(wrapped_line(lines[at], width));
            at += 1;
        }
    }
    out.join("\n")
}

/// Whether a line is one of a table: indented, and with a gap.
fn is_row(line: &str) -> bool {
    line.starts_with("  ") && line.trim().contains("  ") && !line.contains('\u{1b}') && !is_excerpt(line)
}

/// Whether a line shows a line of a file behind its number, or marks the column below it.
fn is_excerpt(line: &str) -> bool {
    let number = line.split_once(" | ").map(|(number, _)| number);
    number.is_some_and(|number| number.len() >= 6 && number.trim_start().bytes().all(|byte| byte.is_ascii_digit()))
}

/// A line of a file and the marker below it, without what is too far from the marker.
fn around(line: &str, marker: Option<&str>, width: usize) -> Vec<String> {
    let start = line.find(" | ").map_or(0, |at| at + 3);
    let shown = width.saturating_sub(start).max(1);
    let marked = marker.map_or(0, |marker| seen(marker).saturating_sub(start + 1));
    let skip = if marked < shown { 0 } else { marked - shown / 2 };
    let cut =
        |line: &str| line[..start].chars().chain(line[start..].chars().skip(skip).take(shown)).collect::<String>();
    std::iter::once(line).chain(marker).map(cut).collect()
}

fn wrapped_line(line: &str, width: usize) -> String {
    let words = line.trim_start_matches(' ');
    let indent = line.len() - words.len();
    if seen(line) <= width {
        return line.to_owned();
    }
    // The first command that begins a word.
    let begins = |at: &usize| COMMANDS.iter().any(|name| words[*at..].starts_with(name));
    let at = words.char_indices().map(|(at, _)| at);
    let at = at.filter(|at| *at == 0 || words[..*at].ends_with(' ')).find(begins).unwrap_or(words.len());
    let (prose, command) = words.split_at(at);
    let pieces = prose.split(' ').filter(|word| !word.is_empty()).chain((!command.is_empty()).then_some(command));
    let (mut out, mut column) = (" ".repeat(indent), indent);
    let mut is_first = true;
    for piece in pieces {
        if !is_first && column + 1 + seen(piece) > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent + 2));
            column = indent + 2;
        } else if !is_first {
            out.push(' ');
            column += 1;
        }
        out.push_str(piece);
        column += seen(piece);
        is_first = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_never_inside_a_command() {
        let cases = [
            ("short", "short"),
            ("  one two three four five six", "  one two three four\n    five six"),
            (
                "settle them: rekon resolve a.yaml --date 2026-11-21",
                "settle them:\n  rekon resolve a.yaml --date 2026-11-21",
            ),
            ("  rekon run a.yaml --plan plan.json", "  rekon run a.yaml --plan plan.json"),
            (
                "  guard     limit\n  a         no more than that\nend",
                "  guard  limit\n  a      no more\n         than that\nend",
            ),
            ("\u{1b}[31mfive five\u{1b}[0m five fives", "\u{1b}[31mfive five\u{1b}[0m five fives"),
            ("one\n\nanunbreakablewordoflength x", "one\n\nanunbreakablewordoflength\n  x"),
        ];
        for (line, expected) in cases {
            assert_eq!(wrapped(line, 20), expected, "{line}");
        }
    }
    #[test]
    fn of_a_line_of_a_file_what_stands_around_the_fault_is_shown() {
        let text =
            "a.csv:17:24: wrong\n    17 | one,two,three,four,5.5,six,seven\n       |                    ^\n  hint: no";
        let expected = "a.csv:17:24: wrong\n    17 | four,5.5,si\n       |      ^\n  hint: no";
        assert_eq!(wrapped(text, 20), expected);
    }
}
