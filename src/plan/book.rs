//! Rows one at a time, for files of many millions: what the fields of a row say, without a copy of any.
//!
//! A good row is read without a copy of anything. A row that is not good is read again by the careful [`super::row`], which
//! says what is wrong with it. Which rows repeat an invoice is not known here: whoever compares them has a hash of the
//! fields in which they must agree.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use foldhash::fast::FixedState;

use super::columns::{Cell, Columns};
use super::fields::last_field_matters;
use super::{row, select};
use crate::job::settings::{Field, Job, Orders};
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, check_cell, check_identifier_cell};
use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::operation::{Operation, Task};
use crate::model::order::Order;
use crate::model::rows::Row;
use crate::model::status::BookStatus;
use crate::model::table::Table;
use crate::model::time::Timestamp;
use crate::model::time_style::NotATime;

/// What one row says; a good row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookRow<'a> {
    /// Its number among the rows of its part of the file, from 1.
    pub number: u64,
    /// Its line in the file.
    pub line: u64,
    /// The invoice, checked as an [`InvoiceNumber`].
    pub invoice: &'a str,
    /// The amount.
    pub amount: Rupiah,
    /// What the book says about it. `None`: nothing.
    pub book: Option<BookStatus>,
    /// When the order was made, if the book says so.
    pub created_at: Option<Moment>,
    /// The merchant's reference of the payment, checked as a [`MerchantReference`].
    pub payment_reference: Option<&'a str>,
    /// `payment_reference`, `order_id` and `akulaku_reference`; empty where the row has none.
    pub identifiers: [&'a str; 3],
    /// Why the row is not meant; `None` if it is.
    pub not_selected: Option<String>,
    /// A hash of all fields in which the rows of one invoice must agree: the same for the same fields in every thread, but
    /// not in every version of the program.
    pub agreement: u64,
}

impl BookRow<'_> {
    /// The order that it is about; `None` if a text of it is no id after all.
    fn order(&self) -> Option<Order> {
        let [payment_reference, order_id, akulaku_reference] = self.identifiers;
        let identifier = |text: &str| if text.is_empty() { Some(None) } else { Identifier::new(text).ok().map(Some) };
        let reference = (!payment_reference.is_empty()).then(|| MerchantReference::new(payment_reference).ok());
        Some(Order {
            invoice_number: InvoiceNumber::new(self.invoice).ok()?,
            amount: self.amount,
            payment_reference: match reference {
                None => None,
                Some(reference) => Some(reference?),
            },
            order_id: identifier(order_id)?,
            akulaku_reference: identifier(akulaku_reference)?,
            book: self.book,
            created_at: self.created_at.map(Moment::time),
            sale: None,
        })
    }
}

/// A row that is not good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its number among the rows of its part of the file, from 1.
    pub number: u64,
    /// Its line in the file.
    pub line: u64,
    /// The invoice, if it can be read.
    pub invoice: Option<InvoiceNumber>,
    /// The amount, if it can be read.
    pub amount: Option<Rupiah>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// Whether that shows that the file is written otherwise than the job says, so that good rows are misread.
    pub misread: bool,
}

/// The fields in which the rows of one invoice must agree.
const AGREEING: [Field; 8] = [
    Field::InvoiceNumber,
    Field::Amount,
    Field::PaymentReference,
    Field::OrderId,
    Field::AkulakuReference,
    Field::BookStatus,
    Field::CreatedAt,
    Field::ExpiresAt,
];

/// Reads rows.
#[derive(Debug, Clone)]
pub struct BookReader<'j> {
    orders: Cow<'j, Orders>,
    task: Task,
    columns: Columns,
    /// Where the fields of [`AGREEING`] are.
    cells: [Option<Cell>; AGREEING.len()],
    /// Where the fields of the conditions are, in their order.
    conditions: Vec<Option<Cell>>,
    /// Whether it matters if the last field of the file was cut.
    last_field: LastField,
    now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastField {
    Matters,
    DoesNotMatter,
}

impl<'j> BookReader<'j> {
    /// Finds the columns of a job in the header of a table.
    ///
    /// # Errors
    /// The columns that the table lacks.
    pub fn new(job: &'j Job, head: &Table, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let (orders, task) = (&job.orders, job.task);
        let columns = Columns::find(orders, task, head)?;
        refuse_cut_header(head)?;
        let cells = AGREEING.map(|field| columns.cell(field).cloned());
        let conditions = orders.conditions.iter().map(|condition| columns.cell(condition.field).cloned()).collect();
        let matters = last_field_matters(orders, &columns, head);
        let last_field = if matters { LastField::Matters } else { LastField::DoesNotMatter };
        Ok(Self { orders: Cow::Borrowed(orders), task, columns, cells, conditions, last_field, now })
    }

    /// The same without the job.
    #[must_use]
    pub fn into_owned(self) -> BookReader<'static> {
        let Self { orders, task, columns, cells, conditions, last_field, now } = self;
        BookReader { orders: Cow::Owned(orders.into_owned()), task, columns, cells, conditions, last_field, now }
    }

    /// Reads one row.
    ///
    /// # Errors
    /// What is wrong with it.
    ///
    /// # Panics
    /// If the two ways to read a row disagree, which a test of theirs rules out.
    pub fn read<'a>(&'a self, row: &Row<'_, 'a>) -> Result<BookRow<'a>, BadRow> {
        self.read_good(row).ok_or_else(|| self.read_bad(row))
    }

    /// The order of a row with all its identifiers, as the careful reading gives it; `None` for a bad row.
    #[must_use]
    pub fn order(&self, row: &Row<'_, '_>) -> Option<Order> {
        let quick = (!self.creates()).then(|| self.read_good(row)?.order()).flatten();
        quick.or_else(|| self.read_carefully(row).order)
    }

    /// Whether a row has to say what only a creation needs.
    pub(super) fn creates(&self) -> bool {
        self.task == Task::Change(Operation::Create)
    }

    /// Something wrong with the invoice of a row, at its place.
    pub fn fault(&self, row: &Row<'_, '_>, message: impl Into<String>) -> Fault {
        row.fault(self.columns.index(Field::InvoiceNumber), message)
    }

    /// Reads a row if it is good, whatever a creation needs besides.
    pub(super) fn read_good<'a>(&'a self, row: &Row<'_, 'a>) -> Option<BookRow<'a>> {
        if self.last_field == LastField::Matters && row.may_be_cut() {
            return None;
        }
        let [invoice, amount, payment_reference, order_id, akulaku_reference, book, created_at, expires_at] =
            &self.cells;
        let field = |cell: &'a Option<Cell>| text(cell.as_ref(), row);
        let (invoice, amount) = (field(invoice), field(amount));
        let (payment_reference, order_id) = (field(payment_reference), field(order_id));
        let (akulaku_reference, book) = (field(akulaku_reference), field(book));
        let (created_at, expires_at) = (field(created_at), field(expires_at));
        // What is quoted and has to be copied holds a quote, which no id may.
        let Cow::Borrowed(checked_invoice) = invoice else { return None };
        InvoiceNumber::check(checked_invoice).ok()?;
        let Cow::Borrowed(checked_reference) = payment_reference else { return None };
        if !checked_reference.is_empty() {
            MerchantReference::check(checked_reference).ok()?;
        }
        for id in [&order_id, &akulaku_reference] {
            if !id.is_empty() {
                Identifier::check(id).ok()?;
                check_identifier_cell(id).ok()?;
            }
        }
        for cell in [checked_invoice, checked_reference] {
            check_cell(cell).ok()?;
        }
        let checked_amount = Rupiah::parse_amount(&amount, self.orders.amounts).ok()?;
        let status = if book.is_empty() { None } else { self.orders.book_status(&book) };
        if status.is_none() && !book.is_empty() && self.task == Task::Audit {
            return None;
        }
        let created = self.time(&created_at).ok()?;
        self.time(&expires_at).ok()?;
        let fields =
            [&invoice, &amount, &payment_reference, &order_id, &akulaku_reference, &book, &created_at, &expires_at];
        Some(BookRow {
            number: row.number,
            line: row.line,
            invoice: checked_invoice,
            amount: checked_amount,
            book: status,
            created_at: created,
            payment_reference: (!checked_reference.is_empty()).then_some(checked_reference),
            identifiers: [checked_reference, borrowed(&order_id), borrowed(&akulaku_reference)],
            not_selected: self.left_out(row, checked_amount),
            agreement: agreement(fields),
        })
    }

    /// A time, if there is one.
    fn time(&self, text: &str) -> Result<Option<Moment>, NotATime> {
        if text.is_empty() {
            return Ok(None);
        }
        self.orders.time(text).map(Some)
    }

    fn not_selected(&self, row: &Row<'_, '_>, amount: Rupiah) -> Option<String> {
        self.orders.conditions.iter().zip(&self.conditions).find_map(|(condition, cell)| {
            let text = text(cell.as_ref(), row);
            let time = || self.orders.times.read_span(&text, self.orders.zone);
            select::fails(condition, &text, amount, self.now, time)
        })
    }

    fn read_bad(&self, row: &Row<'_, '_>) -> BadRow {
        let read = self.read_carefully(row);
        assert!(read.order.is_none(), "a row is good for one way to read it only: {}", row.raw());
        let row::RowOrder { invoice, amount, faults, misread, .. } = read;
        BadRow { number: row.number, line: row.line, invoice, amount, faults, misread }
    }

    pub(super) fn read_carefully(&self, row: &Row<'_, '_>) -> row::RowOrder {
        let table = row.alone();
        let record = table.records().next().expect("a table of one row has one");
        row::read(&self.orders, self.task, &self.columns, &table, &record)
    }

    /// Why a row with that amount is not meant; `None` if it is.
    pub(super) fn left_out(&self, row: &Row<'_, '_>, amount: Rupiah) -> Option<String> {
        let uses_results = matches!(self.task, Task::Change(Operation::Cancel | Operation::Refund));
        let state = self.columns.created().filter(|_| uses_results).and_then(|(state, operation)| {
            let state = row.field(state);
            let created = matches!(&*state, "succeeded" | "already_done");
            (row.field(operation) == Operation::Create.word() && !created).then_some(state)
        });
        state.map(|state| format!("it was not created: {state}")).or_else(|| self.not_selected(row, amount))
    }

    /// The invoice of a row; empty if it has none.
    pub(super) fn invoice<'a>(&'a self, row: &Row<'_, 'a>) -> Cow<'a, str> {
        text(self.columns.cell(Field::InvoiceNumber), row)
    }

    /// The first field in which two rows of one invoice do not agree, with both texts, of all fields in which they must: those
    /// that the operation uses, line items aside.
    pub(super) fn difference<'a>(
        &'a self,
        one: &Row<'_, 'a>,
        other: &Row<'_, 'a>,
    ) -> Option<(Field, Cow<'a, str>, Cow<'a, str>)> {
        let fields = Field::WORDS.into_iter().map(|(_, field)| field);
        let mut compared = fields.filter(|field| !field.is_line_item() && (self.creates() || AGREEING.contains(field)));
        compared.find_map(|field| {
            let cell = self.columns.cell(field);
            let (one, other) = (text(cell, one), text(cell, other));
            (one != other).then_some((field, one, other))
        })
    }
}

/// A header that ends without a line end may have been cut, and all rows with it.
fn refuse_cut_header(table: &Table) -> Result<(), Vec<Fault>> {
    if table.rows() > 0 || table.terminated() {
        return Ok(());
    }
    let fault = table.fault_of_header("the file ends in its header, without a line end");
    Err(vec![fault.hint("it may have been cut: export it again; a file without orders ends with a line end")])
}

/// A field's text; empty if the row has none.
fn text<'a>(cell: Option<&'a Cell>, row: &Row<'_, 'a>) -> Cow<'a, str> {
    match cell {
        Some(Cell::At(index)) => row.field(*index),
        Some(Cell::Constant(text)) => Cow::Borrowed(text),
        None => Cow::Borrowed(""),
    }
}

/// A text that was not copied: what had to be holds a quote, which no id may.
fn borrowed<'a>(text: &Cow<'a, str>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => "",
    }
}

/// A hash of texts, one after the other.
fn agreement(texts: [&Cow<'_, str>; AGREEING.len()]) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    for text in texts {
        text.hash(&mut hasher);
    }
    hasher.finish()
}
