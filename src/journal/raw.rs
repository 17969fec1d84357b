//! What a journal holds, table by table and value by value, to be carried from one store into another as it is. What stores keep
//! beside it (locks, runners, the pace) is left behind: nobody is at work while a journal moves.

/// A value of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::journal) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Kind {
    Number,
    Text,
    Bytes,
}

/// A table with the columns that all stores have.
#[derive(Debug)]
pub(in crate::journal) struct Table {
    pub(in crate::journal) name: &'static str,
    /// The first columns by which its rows are in order, and no two are the same.
    pub(in crate::journal) keys: usize,
    pub(in crate::journal) columns: &'static [(&'static str, Kind)],
}

/// A row of a table.
pub(in crate::journal) type Row = Vec<Value>;

/// So many rows are carried at once.
pub(in crate::journal) const PIECE: usize = 2000;

use Kind::{Bytes, Number, Text};

/// All tables; what a row names comes before it.
pub(in crate::journal) const TABLES: [Table; 6] = [
    Table {
        name: "run",
        keys: 1,
        columns: &[
            ("id", Number),
            ("name", Text),
            ("job", Text),
            ("environment", Text),
            ("client_id", Text),
            ("operation", Text),
            ("started_at", Text),
            ("finished_at", Text),
            ("exit_code", Number),
            ("delimiter", Number),
            ("header", Text),
            ("rows", Number),
            ("horizon_seconds", Number),
            ("input_sha256", Text),
            ("most_orders_per_day", Number),
            ("most_rupiah_per_day", Number),
        ],
    },
    Table {
        name: "run_row",
        keys: 2,
        columns: &[
            ("run", Number),
            ("number", Number),
            ("line", Number),
            ("raw", Text),
            ("invoice", Text),
            ("rupiah", Number),
            ("fate", Text),
            ("reason", Text),
        ],
    },
    Table {
        name: "item",
        keys: 1,
        columns: &[
            ("id", Number),
            ("environment", Text),
            ("client_id", Text),
            ("operation", Text),
            ("invoice", Text),
            ("generation", Number),
            ("amount", Number),
            ("request_id", Text),
            ("payment_reference", Text),
            ("refund_reference", Text),
            ("body", Bytes),
            ("body_sha256", Text),
            ("state", Text),
            ("reason", Text),
            ("attempts", Number),
            ("first_intent_at", Text),
            ("last_sent_at", Text),
            ("settled_at", Text),
            ("facts", Text),
            ("job", Text),
            ("run", Text),
        ],
    },
    Table {
        name: "attempt",
        keys: 1,
        columns: &[
            ("id", Number),
            ("item", Number),
            ("run", Text),
            ("kind", Text),
            ("request_id", Text),
            ("sent_at", Text),
            ("ended_at", Text),
            ("outcome", Text),
            ("reason", Text),
            ("facts", Text),
            ("answer_headers", Text),
            ("answer_body", Bytes),
        ],
    },
    Table {
        name: "event",
        keys: 1,
        columns: &[("seq", Number), ("at", Text), ("item", Number), ("data", Text), ("hash", Bytes)],
    },
    Table {
        name: "day",
        keys: 4,
        columns: &[
            ("environment", Text),
            ("client_id", Text),
            ("operation", Text),
            ("date", Text),
            ("orders", Number),
            ("rupiah", Number),
        ],
    },
];

impl Table {
    /// The names of the columns.
    pub(in crate::journal) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The names of the keys, in parentheses.
    pub(in crate::journal) fn key_names(&self) -> String {
        format!("({})", self.columns[..self.keys].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
    }
}
