//! Everything that the journal knows about one invoice.

use super::log::Entry;
use super::record::{Item, NewRow};
use crate::model::ids::RunId;
use crate::model::time::Timestamp;

/// Everything that the journal knows about an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The rows that name it, in the order of the runs.
    pub mentions: Vec<Mention>,
    /// Its items, each with its entries in order.
    pub items: Vec<(Item, Vec<Logged>)>,
}

/// A row of some run that names an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The run.
    pub run: RunId,
    /// When it started.
    pub at: Timestamp,
    /// The row as it was planned.
    pub row: NewRow,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number, from 1.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub entry: Entry,
}
