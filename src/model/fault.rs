//! A finding about the user's input: where it is, what is wrong, and what to do about it.
//!
//! Faults are data: they are collected, all of them, and shown together. An error that stops the program is something
//! else and belongs to the module that raises it.

use std::fmt;

/// Where a fault is. Lines and columns count from 1, columns in characters; zero stands for "the file as a whole".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// The line, from 1; 0 for the whole file.
    pub line: u64,
    /// The column in characters, from 1; 0 for the whole line.
    pub column: u64,
}

impl Place {
    /// A place in a file.
    #[must_use]
    pub fn new(file: &str, line: u64, column: u64) -> Self {
        Self { file: file.to_owned(), line, column }
    }

    /// The beginning of a file: where that is which is wrong with all of it.
    #[must_use]
    pub fn start(file: &str) -> Self {
        Self::new(file, 1, 1)
    }

    /// A file as a whole, of which no line is to be had.
    #[must_use]
    pub fn file(file: &str) -> Self {
        Self::new(file, 0, 0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if self.line > 0 {
            write!(out, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(out, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// One thing that is wrong with the input.
///
/// Displays as place and message, the line itself with a marker under the column, and a hint:
///
/// ```text
/// orders.csv:17:4: amount "90.000,5" is not whole rupiah
///    17 | INV-17,"90.000,5",paid
///       |        ^
///   hint: export without decimals, or declare amounts: id
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// The line itself, if there is one to show; secrets already masked.
    pub excerpt: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault at a place.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), excerpt: None, hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with the line that it is about.
    #[must_use]
    pub fn excerpt(mut self, line: impl Into<String>) -> Self {
        self.excerpt = Some(line.into());
        self
    }
}

/// The longest line shown; the rest is cut, around the column.
const WIDEST_EXCERPT: usize = 100;

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", printable(&self.place.to_string()), printable(&self.message))?;
        if let Some(excerpt) = &self.excerpt {
            let column = usize::try_from(self.place.column).unwrap_or(usize::MAX);
            let skip = if column > WIDEST_EXCERPT { column - WIDEST_EXCERPT / 2 } else { 0 };
            let shown: String = excerpt.chars().skip(skip).take(WIDEST_EXCERPT).collect();
            write!(out, "\n{:>6} | {}", self.place.line, printable(&shown))?;
            if column > 0 {
                write!(out, "\n{:>6} | {:>width$}", "", "^", width = column - skip)?;
            }
        }
        if let Some(hint) = &self.hint {
            write!(out, "\n  hint: {}", printable(hint))?;
        }
        Ok(())
    }
}

/// Replaces control characters one for one, and those that are not seen or change the direction of others, so that input
/// cannot steer the terminal, nothing hides, and columns still line up.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if is_unseen(character) { '\u{fffd}' } else { character }).collect()
}

/// Controls; Unicode's format characters and line ends; fillers that look like a space or like nothing.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_place_line_marker_and_hint() {
        let fault = Fault::new(Place::new("orders.csv", 17, 8), "amount \"9,5\" is not whole rupiah")
            .excerpt("INV-17,\"9,5\",paid")
            .hint("export without decimals");
        let expected = "orders.csv:17:8: amount \"9,5\" is not whole rupiah\n    17 | INV-17,\"9,5\",paid\n       |        ^\n  hint: export without decimals";
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn control_characters_cannot_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}"), "a\u{fffd}[31mb\u{fffd}");
        for unseen in ["\u{2028}", "\u{2029}", "\u{ad}", "\u{2066}", "\u{2060}", "\u{e0041}", "\u{3164}", "\u{61c}"] {
            assert_eq!(printable(unseen), "\u{fffd}", "{unseen:?}");
        }
        assert_eq!(printable("Rp\u{a0}90.000 \u{e9}\u{4e2d}"), "Rp\u{a0}90.000 \u{e9}\u{4e2d}");
    }
}
