//! Rows become orders: rows that repeat an order are found, line items of one order are put together.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::columns::Columns;
use super::select::{self, Meant};
use super::{row, sale};
use crate::job::settings::{Field, Job};
use crate::model::fault::{Fault, Place};
use crate::model::ids::InvoiceNumber;
use crate::model::money::Rupiah;
use crate::model::operation::{Operation, Task};
use crate::model::order::Order;
use crate::model::table::{Record, Table};
use crate::model::time::Timestamp;

/// The input as it was read: every row, and the orders that they are about.
#[derive(Debug)]
pub struct Input {
    /// The header of the file.
    pub header: Vec<String>,
    /// The file's delimiter.
    pub delimiter: u8,
    /// SHA-256 of the bytes that it was read from, in hex; `None` until whoever has read them says so.
    pub sha256: Option<String>,
    /// All rows in the order of the file.
    pub rows: Vec<InputRow>,
    /// The orders, each at its first row.
    pub orders: Vec<InputOrder>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    /// Its number, from 1.
    pub number: u64,
    /// Its line.
    pub line: u64,
    /// Its text.
    pub raw: Arc<str>,
    /// Its invoice; `None` if it cannot be read.
    pub invoice: Option<InvoiceNumber>,
    /// The money that the row stands for; zero for the further lines of an order and where it cannot be read.
    pub rupiah: Rupiah,
    /// What it is to its order.
    pub role: Role,
}

/// What a row is to its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The first row of the order with this index.
    First(usize),
    /// A further line item of the order with this index.
    Line(usize),
    /// Says the same as the row of that number, about the order with this index.
    Duplicate {
        /// The order.
        order: usize,
        /// The earlier row.
        of: u64,
    },
    /// Bad.
    Invalid(Vec<Fault>),
}

/// One order of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputOrder {
    /// The order.
    pub order: Order,
    /// Why it is not meant; `None` if it is.
    pub not_selected: Option<String>,
    /// Its first row.
    pub row: u64,
    /// Where its first row is.
    pub place: Place,
    /// What is wrong with the order as a whole: its rows disagree, or its line items do not add up.
    pub faults: Vec<Fault>,
}

/// Reads all rows of a table.
///
/// # Errors
/// The columns that the table lacks. Bad rows are no error here: they are part of the input.
pub fn read(job: &Job, table: &Table, now: Timestamp) -> Result<Input, Vec<Fault>> {
    let columns = Columns::find(&job.orders, job.task, table)?;
    refuse_cut_header(table)?;
    let mut gathering = Gathering {
        job,
        table,
        columns: &columns,
        first_of: HashMap::new(),
        bad: HashMap::new(),
        input: Input {
            header: table.header().to_vec(),
            delimiter: table.delimiter(),
            sha256: None,
            rows: Vec::new(),
            orders: Vec::new(),
        },
    };
    for record in table.records() {
        gathering.take(&record, now);
    }
    gathering.check_bad_rows();
    gathering.check_sums();
    Ok(gathering.input)
}

/// A header that ends without a line end may have been cut, and all rows with it.
pub(super) fn refuse_cut_header(table: &Table) -> Result<(), Vec<Fault>> {
    if table.rows() > 0 || table.terminated() {
        return Ok(());
    }
    let fault = Fault::new(Place::new(table.file(), 1, 0), "the file ends in its header, without a line end");
    Err(vec![fault.hint("it may have been cut: export it again; a file without orders ends with a line end")])
}

struct Gathering<'a> {
    job: &'a Job,
    table: &'a Table,
    columns: &'a Columns,
    /// For each invoice its order and a hash of everything that its rows must agree in.
    first_of: HashMap<InvoiceNumber, (usize, u64)>,
    /// Invoices with a bad row, and its line.
    bad: HashMap<InvoiceNumber, u64>,
    input: Input,
}

impl Gathering<'_> {
    fn take(&mut self, record: &Record<'_>, now: Timestamp) {
        let read = row::read(&self.job.orders, self.job.task, self.columns, self.table, record);
        let mut rupiah = read.amount.unwrap_or(Rupiah::ZERO);
        let role = if let Some(order) = read.order {
            self.place(record, order, now)
        } else {
            if let Some(invoice) = &read.invoice {
                // The lines of one creation repeat its amount; it counts once, good or bad.
                let repeats = self.bad.contains_key(invoice) || self.first_of.contains_key(invoice);
                if repeats && self.job.task == Task::Change(Operation::Create) {
                    rupiah = Rupiah::ZERO;
                }
                self.bad.entry(invoice.clone()).or_insert(record.line);
            }
            Role::Invalid(read.faults)
        };
        if let Role::Line(_) = role {
            rupiah = Rupiah::ZERO;
        }
        let raw = record.raw.into();
        let row = InputRow { number: record.number, line: record.line, raw, invoice: read.invoice, rupiah, role };
        self.input.rows.push(row);
    }

    fn place(&mut self, record: &Record<'_>, order: Order, now: Timestamp) -> Role {
        let agreement = self.agreement(record);
        if let Some((index, first)) = self.first_of.get(&order.invoice_number).copied() {
            return self.again(record, order, index, first == agreement);
        }
        let index = self.input.orders.len();
        self.first_of.insert(order.invoice_number.clone(), (index, agreement));
        let not_created = match self.job.task {
            Task::Change(Operation::Cancel | Operation::Refund) => self.columns.not_created(record),
            Task::Change(Operation::Create) | Task::Audit => None,
        };
        let not_selected = not_created
            .map(|state| format!("it was not created: {state}"))
            .or_else(|| select::not_selected(&self.job.orders, self.columns, record, order.amount, now));
        let place = self.table.place(record, self.columns.index(Field::InvoiceNumber));
        self.input.orders.push(InputOrder { order, not_selected, row: record.number, place, faults: Vec::new() });
        Role::First(index)
    }

    /// A further row of an order that is known already.
    fn again(&mut self, record: &Record<'_>, order: Order, index: usize, agrees: bool) -> Role {
        let known = &self.input.orders[index];
        let first = known.row;
        if !agrees {
            let column = self.columns.index(Field::InvoiceNumber);
            let (invoice, line) = (&order.invoice_number, known.place.line);
            let message = match difference(&order, &known.order) {
                Some((field, here, there)) => {
                    format!("invoice {invoice} has {field} {here} here and {there} on line {line}")
                }
                None => format!("invoice {invoice} has other fields here than on line {line}"),
            };
            let fault = self.table.fault(record, column, message);
            let fault = fault.hint("one invoice is one order: correct the export, or remove one of the rows");
            // Nobody can say which of the two is meant, so neither is.
            self.input.orders[index].faults.push(fault);
            return Role::Invalid(Vec::new());
        }
        match (&mut self.input.orders[index].order.sale, order.sale) {
            (Some(known), Some(more)) => {
                known.line_items.extend(more.line_items);
                Role::Line(index)
            }
            _ => Role::Duplicate { order: index, of: first },
        }
    }

    /// A hash of the fields in which the rows of one invoice must agree: those that the operation uses, line items aside.
    fn agreement(&self, record: &Record<'_>) -> u64 {
        let creates = self.job.task == Task::Change(Operation::Create);
        let mut hasher = DefaultHasher::new();
        for (_, field) in Field::WORDS {
            let is_sale = matches!(
                field,
                Field::CallbackUrl
                    | Field::CustomerId
                    | Field::CustomerName
                    | Field::CustomerPhone
                    | Field::CustomerAddress
                    | Field::CustomerCity
                    | Field::CustomerState
                    | Field::CustomerPostcode
            );
            if !field.is_line_item() && (creates || !is_sale) {
                self.columns.text(record, field).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// An order of which one row is good and another bad is not the order that was meant.
    fn check_bad_rows(&mut self) {
        for entry in &mut self.input.orders {
            if let Some(line) = self.bad.get(&entry.order.invoice_number) {
                let message =
                    format!("invoice {} has another row, on line {line}, that is bad", entry.order.invoice_number);
                let hint = "correct or remove that row";
                entry.faults.push(Fault::new(entry.place.clone(), message).hint(hint));
            }
        }
    }

    /// In a creation, price times quantity must add up to the amount (`akulaku-guide.txt`, "`order.line_items.price`").
    fn check_sums(&mut self) {
        for entry in &mut self.input.orders {
            let Some(sale) = &entry.order.sale else { continue };
            if !entry.faults.is_empty() {
                continue;
            }
            let sum = sale::sum(&sale.line_items);
            if sum != Some(entry.order.amount) {
                let sum = sum.map_or_else(|| "more than can be counted".to_owned(), |sum| sum.to_string());
                let message = format!(
                    "the line items of {} add up to {sum}, its amount is {}",
                    entry.order.invoice_number, entry.order.amount
                );
                let hint = "price times quantity over all rows of the invoice must be its amount";
                entry.faults.push(Fault::new(entry.place.clone(), message).hint(hint));
            }
        }
    }
}

/// The first field in which two rows of one invoice differ, with both values; `None` if it is none of these.
fn difference(here: &Order, there: &Order) -> Option<(&'static str, String, String)> {
    fn text<T: std::fmt::Display>(value: Option<&T>) -> String {
        value.map_or_else(|| "none".to_owned(), T::to_string)
    }
    let pairs = [
        ("amount", here.amount.to_string(), there.amount.to_string()),
        ("payment_reference", text(here.payment_reference.as_ref()), text(there.payment_reference.as_ref())),
        ("order_id", text(here.order_id.as_ref()), text(there.order_id.as_ref())),
        ("akulaku_reference", text(here.akulaku_reference.as_ref()), text(there.akulaku_reference.as_ref())),
    ];
    pairs.into_iter().find(|(_, here, there)| here != there)
}

impl Input {
    /// Whether any of its orders is meant.
    #[must_use]
    pub fn meant(&self) -> Meant {
        let mut meant = Meant::default();
        self.orders.iter().for_each(|entry| meant.note(entry.not_selected.as_deref()));
        meant
    }

    /// The invoices of all orders.
    #[must_use]
    pub fn invoices(&self) -> Vec<InvoiceNumber> {
        self.orders.iter().map(|entry| entry.order.invoice_number.clone()).collect()
    }

    /// All faults of all rows and orders, in the order of the file.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let of_rows = self.rows.iter().filter_map(|row| match &row.role {
            Role::Invalid(faults) => Some(faults),
            Role::First(_) | Role::Line(_) | Role::Duplicate { .. } => None,
        });
        let of_orders = self.orders.iter().map(|entry| &entry.faults);
        let mut faults: Vec<Fault> = of_rows.chain(of_orders).flatten().cloned().collect();
        faults.sort_by(|left, right| left.place.cmp(&right.place));
        faults
    }
}
