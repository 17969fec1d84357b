//! The rows of an audit one at a time, for files of many millions: what [`super::input`] makes of them, without keeping any.
//!
//! A good row is read without a copy of anything. A row that is not good is read again by the careful [`super::row`], which
//! says what is wrong with it. Which rows repeat an invoice is not known here: whoever compares them has a hash of the
//! fields in which they must agree.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use foldhash::fast::FixedState;

use super::columns::{Cell, Columns};
use super::fields::last_field_matters;
use super::{input, row, select};
use crate::job::settings::{Condition, Field, Job, Orders};
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference};
use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::operation::Task;
use crate::model::order::Order;
use crate::model::rows::Row;
use crate::model::status::BookStatus;
use crate::model::table::Table;
use crate::model::time::{self, Timestamp};

/// What one row of the book says; a good row.
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

/// Reads the rows of an audit.
#[derive(Debug)]
pub struct BookReader<'j> {
    orders: &'j Orders,
    columns: Columns,
    /// Where the fields of [`AGREEING`] are.
    cells: [Option<Cell>; AGREEING.len()],
    /// The conditions, and where their fields are.
    conditions: Vec<(&'j Condition, Option<Cell>)>,
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
    /// Finds the columns of an audit in the header of a table, as [`input::read`] does.
    ///
    /// # Errors
    /// The columns that the table lacks.
    pub fn new(job: &'j Job, head: &Table, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let orders = &job.orders;
        let columns = Columns::find(orders, Task::Audit, head)?;
        input::refuse_cut_header(head)?;
        let cells = AGREEING.map(|field| columns.cell(field).cloned());
        let with_cell = |condition: &'j Condition| (condition, columns.cell(condition.field).cloned());
        let conditions = orders.conditions.iter().map(with_cell).collect();
        let matters = last_field_matters(orders, &columns, head);
        let last_field = if matters { LastField::Matters } else { LastField::DoesNotMatter };
        Ok(Self { orders, columns, cells, conditions, last_field, now })
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
        self.read_carefully(row).order
    }

    /// Something wrong with the invoice of a row, at its place.
    pub fn fault(&self, row: &Row<'_, '_>, message: impl Into<String>) -> Fault {
        row.fault(self.columns.index(Field::InvoiceNumber), message)
    }

    /// Reads a row if it is good.
    fn read_good<'a>(&'a self, row: &Row<'_, 'a>) -> Option<BookRow<'a>> {
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
            }
        }
        let checked_amount = Rupiah::parse_amount(&amount, self.orders.amounts).ok()?;
        let status = if book.is_empty() { None } else { Some(self.orders.book_status(&book)?) };
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
            not_selected: self.not_selected(row, checked_amount),
            agreement: agreement(fields),
        })
    }

    /// A time, if there is one.
    fn time(&self, text: &str) -> Result<Option<Moment>, NotATime> {
        if text.is_empty() {
            return Ok(None);
        }
        time::parse_local_moment(text, self.orders.zone).map(Some).ok_or(NotATime)
    }

    fn not_selected(&self, row: &Row<'_, '_>, amount: Rupiah) -> Option<String> {
        self.conditions.iter().find_map(|(condition, cell)| {
            let text = text(cell.as_ref(), row);
            select::fails(condition, &text, amount, self.now, || time::parse_local(&text, self.orders.zone))
        })
    }

    fn read_bad(&self, row: &Row<'_, '_>) -> BadRow {
        let read = self.read_carefully(row);
        assert!(read.order.is_none(), "a row is good for one way to read it only: {}", row.raw());
        BadRow { number: row.number, line: row.line, invoice: read.invoice, amount: read.amount, faults: read.faults }
    }

    fn read_carefully(&self, row: &Row<'_, '_>) -> row::RowOrder {
        let table = row.alone();
        let record = table.records().next().expect("a table of one row has one");
        row::read(self.orders, Task::Audit, &self.columns, &table, &record)
    }
}

/// A text that should be a time.
struct NotATime;

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
