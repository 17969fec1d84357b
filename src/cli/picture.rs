//! Lines at the end of a terminal that are drawn again and again where they are.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use console::Term;

use super::log::Log;
use super::screen::columns;

/// Columns that stay free at the end of a line: the terminal itself shows ^C there, and must not begin a new line for it.
const ECHO: usize = 3;

/// The lines that are on the terminal; none while there are none.
#[derive(Default)]
pub(super) struct Picture(Mutex<Vec<String>>);

impl Picture {
    /// A picture of which the log knows: whatever is written meanwhile goes above it.
    pub(super) fn in_front_of(log: &Log) -> Arc<Self> {
        let picture = Arc::new(Self::default());
        let curtain = Arc::clone(&picture);
        log.behind(Some(Box::new(move |write| curtain.suspended(write))));
        picture
    }

    /// The longest line that stays one on the terminal.
    pub(super) fn columns() -> usize {
        columns(&Term::stderr()).saturating_sub(ECHO)
    }

    /// Draws the lines where the last ones are.
    pub(super) fn draw(&self, lines: Vec<String>) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replace(&shown, &lines);
        *shown = lines;
    }

    /// Takes the lines away.
    pub(super) fn end(&self, log: &Log) {
        self.draw(Vec::new());
        log.behind(None);
    }

    /// Has something written where the lines are, and them below it.
    fn suspended(&self, write: &mut dyn FnMut()) {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replace(&shown, &[]);
        write();
        replace(&[], &shown);
    }
}

/// One write, so that nobody sees half a picture. Who has closed the terminal does not look any more.
fn replace(old: &[String], new: &[String]) {
    let _ = std::io::stderr().write_all(drawn(old, new).as_bytes());
}

/// What makes the new lines of the old ones; the cursor stands at the end of the last line.
fn drawn(old: &[String], new: &[String]) -> String {
    if old.is_empty() && new.is_empty() {
        return String::new();
    }
    let up = "\u{1b}[1A".repeat(old.len().saturating_sub(1));
    format!("\r{up}{}\u{1b}[J", new.join("\u{1b}[K\n"))
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn lines_are_drawn_where_the_last_ones_were_and_taken_away() {
        let lines = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (none, one, two) = (lines(&[]), lines(&["a"]), lines(&["b", "c"]));
        assert_eq!(drawn(&none, &none), "");
        assert_eq!(drawn(&none, &two), "\rb\u{1b}[K\nc\u{1b}[J");
        assert_eq!(drawn(&two, &two), "\r\u{1b}[1Ab\u{1b}[K\nc\u{1b}[J");
        assert_eq!(drawn(&two, &one), "\r\u{1b}[1Aa\u{1b}[J");
        assert_eq!(drawn(&one, &none), "\r\u{1b}[J");
    }
}
