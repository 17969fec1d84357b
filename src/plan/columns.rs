//! Which column of the file is which field of ours.

use crate::job::settings::{Column, Condition, Field, Orders};
use crate::model::fault::Fault;
use crate::model::nearest::nearest;
use crate::model::operation::{Operation, Task};
use crate::model::table::{Record, Table};

/// Where a field's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    At(usize),
    Constant(String),
}

/// The fields that the file has.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    cells: Vec<(Field, Cell)>,
    /// Set for results of our own creations: where the row's state is, and what it was created as.
    created: Option<(usize, usize)>,
}

/// Columns of our own results that stand in for a field when nothing else is mapped (`DESIGN` 11.3).
const STAND_INS: [(Field, &str); 2] =
    [(Field::OrderId, "rekon_order_id"), (Field::AkulakuReference, "rekon_akulaku_reference")];

/// What every order needs.
const ALWAYS: [Field; 2] = [Field::InvoiceNumber, Field::Amount];

/// What the guide makes mandatory in a creation (`akulaku-guide.txt`, "generate-order").
const FOR_CREATE: [Field; 9] = [
    Field::CallbackUrl,
    Field::LineItemName,
    Field::LineItemPrice,
    Field::LineItemQuantity,
    Field::LineItemSku,
    Field::LineItemCategory,
    Field::CustomerId,
    Field::CustomerName,
    Field::CustomerPhone,
];

impl Columns {
    /// Finds all fields.
    ///
    /// # Errors
    /// Every mapped column that the file does not have, and every mandatory field without a column.
    pub(super) fn find(orders: &Orders, task: Task, table: &Table) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut cells = Vec::new();
        let position = |name: &str| table.header().iter().position(|header| header == name);
        for (word, field) in Field::WORDS {
            let found = match orders.columns.get(&field) {
                Some(Column::Value(text)) => Some(Cell::Constant(text.clone())),
                Some(Column::Header(name)) => {
                    let found = position(name).map(Cell::At);
                    if found.is_none() {
                        let message = format!("there is no column {name:?}, which orders.columns names for {word}");
                        faults.push(Self::missing(table, message, name));
                        continue;
                    }
                    found
                }
                None => position(word).or_else(|| Self::stand_in(field).and_then(position)).map(Cell::At),
            };
            match found {
                Some(cell) => cells.push((field, cell)),
                None if Self::is_mandatory(field, task) => {
                    faults.push(Self::missing(table, format!("there is no column for {word}"), word));
                }
                None => {}
            }
        }
        for condition in &orders.conditions {
            let known =
                orders.columns.contains_key(&condition.field) || cells.iter().any(|(of, _)| *of == condition.field);
            if !known && !Self::is_mandatory(condition.field, task) {
                faults.push(Self::untested(table, condition));
            }
        }
        let created = position("rekon_state").zip(position("rekon_operation"));
        if faults.is_empty() { Ok(Self { cells, created }) } else { Err(faults) }
    }

    fn stand_in(field: Field) -> Option<&'static str> {
        STAND_INS.iter().find(|(of, _)| *of == field).map(|(_, name)| *name)
    }

    fn is_mandatory(field: Field, task: Task) -> bool {
        ALWAYS.contains(&field) || (task == Task::Change(Operation::Create) && FOR_CREATE.contains(&field))
    }

    fn missing(table: &Table, message: String, wanted: &str) -> Fault {
        let headers = table.header().iter().map(String::as_str);
        let hint = match nearest(wanted, headers) {
            Some(near) => format!("did you mean {near:?}? map it under orders.columns"),
            None => format!("map it under orders.columns; the file has {}", quoted(table.header())),
        };
        table.fault_of_header(message).hint(hint)
    }

    /// A condition on a field that the file does not have: no row could ever be meant.
    fn untested(table: &Table, condition: &Condition) -> Fault {
        let word = condition.field.word();
        let message = format!("orders.where tests {word}, and no column of {} is mapped to it", table.file());
        let headers = || table.header().iter().map(String::as_str);
        // `Status` is likelier meant by `book_status` than its letters say.
        let part =
            || headers().find(|header| word.rsplit('_').next().is_some_and(|end| end.eq_ignore_ascii_case(header)));
        let column = nearest(word, headers()).or_else(part).map_or("HEADER".to_owned(), |near| format!("{near:?}"));
        let hint = format!("write orders.columns: {{{word}: {column}}}; the file has {}", quoted(table.header()));
        Fault::new(condition.place.clone(), message).hint(hint)
    }

    /// A field's text in a record; `None` if the file has no such column or the cell is empty.
    pub(super) fn text<'a>(&'a self, record: &'a Record<'_>, field: Field) -> Option<&'a str> {
        let text = match self.cell(field)? {
            Cell::At(index) => record.fields.get(*index)?,
            Cell::Constant(text) => text,
        };
        (!text.is_empty()).then_some(text)
    }

    /// Where a field's value is; `None` if the file has no such column.
    pub(super) fn cell(&self, field: Field) -> Option<&Cell> {
        self.cells.iter().find(|(of, _)| *of == field).map(|(_, cell)| cell)
    }

    /// The index of a field's column; the first for a constant, which every row has.
    pub(super) fn index(&self, field: Field) -> usize {
        match self.cell(field) {
            Some(Cell::At(index)) => *index,
            _ => 0,
        }
    }

    /// The fields that the file's last column is.
    pub(super) fn last(&self, table: &Table) -> impl Iterator<Item = Field> {
        let last = Cell::At(table.header().len() - 1);
        self.cells.iter().filter(move |(_, cell)| *cell == last).map(|(field, _)| *field)
    }

    /// In results of our own creations: where the row's state is, and what it was created as.
    pub(super) const fn created(&self) -> Option<(usize, usize)> {
        self.created
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<String>>().join(", ")
}
