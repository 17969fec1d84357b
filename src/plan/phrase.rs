//! What a guard says of a plan: a limit, what was found, what is left. A value, so that it can be said in the reader's
//! language; for machines, and as it is displayed, in English.

use std::fmt;

use serde::{Serialize, Serializer};

use super::guard::counted;
use crate::model::ids::RunId;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{Timestamp, for_people};

/// One thing that is said of a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phrase {
    /// A bare number.
    Number(u64),
    /// So many orders.
    Orders(u64),
    /// So many rows.
    Rows(u64),
    /// So much money.
    Rupiah(Rupiah),
    /// So many orders and so much money.
    Both(Tally),
    /// So much on a business day.
    OnDay(Box<Phrase>, String),
    /// So much, of which so much was there before.
    WithBefore(Box<Phrase>, Box<Phrase>),
    /// So much is left.
    Left(Box<Phrase>),
    /// So much is too many.
    TooMany(Box<Phrase>),
    /// So much is missing.
    Missing(Box<Phrase>),
    /// It is as it must be.
    Agrees,
    /// So many percent of so many rows.
    Share(u8, u64),
    /// So many percent, which count from so many rows on.
    ShareFrom(u8, u64),
    /// There are too few rows for a share.
    TooFewRows,
    /// A multiple of the largest run.
    TimesLargest(String),
    /// A multiple of something.
    Times(String, Box<Phrase>),
    /// So many runs to compare with, of so many that are needed.
    TooFewRuns(usize, usize),
    /// Seen paid; so many orders are notified.
    SeenPaid(usize),
    /// Not seen paid; so many orders are notified.
    NotSeenPaid(usize),
    /// Not refunded yet.
    NotRefunded,
    /// The amount that DOKU says.
    SameAmount,
    /// All rows satisfy it.
    AllRows,
    /// So many rows do not.
    RowsHeld(u64),
    /// Nothing is held back.
    NothingHeld,
    /// So much is held back.
    HeldBack(Rupiah),
    /// An input that no run had.
    NewInput,
    /// The same, or a warning.
    NewInputOrWarning,
    /// The input that a run had.
    InputOf(RunId),
    /// No finished run had it.
    NoRunHadIt,
    /// The run that had it left so many rows open.
    Continued(u64),
    /// The run that had it was done at this time.
    DoneAt(Timestamp),
}

impl fmt::Display for Phrase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Orders(count) => out.write_str(&counted(*count, "order")),
            Self::Rows(count) => out.write_str(&counted(*count, "row")),
            Self::Rupiah(rupiah) => write!(out, "{rupiah}"),
            Self::Both(tally) => write!(out, "{}, {}", counted(tally.count, "order"), tally.rupiah),
            Self::OnDay(what, date) => write!(out, "{what} on {date}"),
            Self::WithBefore(what, before) => write!(out, "{what} ({before} before)"),
            Self::Left(what) => write!(out, "{what} left"),
            Self::TooMany(what) => write!(out, "{what} too many"),
            Self::Missing(what) => write!(out, "{what} missing"),
            Self::Agrees => out.write_str("agrees"),
            Self::Share(percent, rows) => write!(out, "{percent}% of {rows} rows"),
            Self::ShareFrom(percent, rows) => write!(out, "{percent}% (from {rows} rows on)"),
            Self::TooFewRows => out.write_str("too few rows to apply"),
            Self::TimesLargest(factor) => write!(out, "{factor} x the largest run"),
            Self::Times(factor, what) => write!(out, "{factor} x {what}"),
            Self::TooFewRuns(seen, needed) => write!(out, "too few runs to compare ({seen} of {needed})"),
            Self::SeenPaid(notified) => write!(out, "seen paid ({notified} notified)"),
            Self::NotSeenPaid(notified) => write!(out, "not seen paid ({notified} notified)"),
            Self::NotRefunded => out.write_str("not refunded"),
            Self::SameAmount => out.write_str("same amount"),
            Self::AllRows => out.write_str("all rows"),
            Self::RowsHeld(count) => write!(out, "{} held", counted(*count, "row")),
            Self::NothingHeld => out.write_str("nothing held"),
            Self::HeldBack(rupiah) => write!(out, "{rupiah} held back"),
            Self::NewInput => out.write_str("a new input"),
            Self::NewInputOrWarning => out.write_str("a new input, or a warning"),
            Self::InputOf(run) => write!(out, "the input of run {run}"),
            Self::NoRunHadIt => out.write_str("no finished run had it"),
            Self::Continued(open) => write!(out, "continued: {} left open", counted(*open, "row")),
            Self::DoneAt(at) => write!(out, "done at {}", for_people(*at)),
        }
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
