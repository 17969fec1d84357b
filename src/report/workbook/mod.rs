//! audit.xlsx as values: which sheets there are, what stands in their cells, and how each cell is meant. How a workbook is
//! written is not said here; see `edge::workbook`.

mod breaks;
mod overview;
mod reasons;
mod runs;

pub use breaks::Breaks;
pub use overview::{days, summary, verdicts};
pub use runs::{runs, unread_runs};

use super::words::inputs::InputWords;
use super::words::sheets::{Sheets, Titles};
use super::words::speech::Speech;
use crate::model::language::Language;
use crate::model::money::Tally;
use crate::model::time::{BusinessDate, Timestamp};

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text or an id, which no spreadsheet may take for a number or a formula.
    Text(String),
    /// A text that is the title of what follows.
    Title(String),
    /// The same above numbers.
    NumberTitle(String),
    /// Good news.
    Good(String),
    /// What must be seen.
    Bad(String),
    /// How many.
    Count(u64),
    /// Rupiah, or a difference in rupiah.
    Rupiah(i128),
    /// A time, shown in WIB.
    Time(Timestamp),
    /// A business day.
    Day(BusinessDate),
}

impl Cell {
    /// A text; nothing if it is empty.
    fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A count and its rupiah.
    fn tally(tally: Tally) -> [Self; 2] {
        [Self::Count(tally.count), Self::Rupiah(tally.rupiah.whole().into())]
    }
}

/// A column: its title, and how wide it is in characters.
pub type Column = (&'static str, u16);

/// Whether a sheet has a header that stays in sight and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page to be read.
    Page,
    /// A list to be filtered and sorted.
    List,
}

/// What a sheet is like before it has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Its name.
    pub name: &'static str,
    /// How it is meant.
    pub kind: Kind,
    /// Its columns; those of a page have no titles.
    pub columns: &'static [Column],
}

impl Layout {
    fn of((name, columns): Titles, kind: Kind) -> Self {
        Self { name, kind, columns }
    }
}

/// The words of a workbook's reader.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Its own.
    sheets: &'static Sheets,
    /// Those of the terminal.
    speech: &'static Speech,
    /// Those over what was read.
    inputs: &'static InputWords,
    language: Language,
}

impl Reader {
    /// Of a language.
    #[must_use]
    pub const fn of(language: Language) -> Self {
        let inputs = InputWords::of(language);
        Self { sheets: Sheets::of(language), speech: Speech::of(language), inputs, language }
    }

    /// The sheet of the orders that need a person.
    #[must_use]
    pub fn breaks(self) -> Layout {
        Layout::of(self.sheets.breaks, Kind::List)
    }
}

/// A sheet with all its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What it is like.
    pub layout: Layout,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}
