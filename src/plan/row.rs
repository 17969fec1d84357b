//! One row as an order, or everything that is wrong with it.

use super::columns::Columns;
use super::fields::RowReader;
use super::sale;
use crate::job::settings::{Field, Orders};
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference};
use crate::model::money::Rupiah;
use crate::model::operation::{Operation, Task};
use crate::model::order::Order;
use crate::model::table::{Record, Table};

/// What a row says.
pub(super) struct RowOrder {
    /// The row's order; `None` if the row is bad.
    pub(super) order: Option<Order>,
    /// The invoice, also of a bad row, if it can be read.
    pub(super) invoice: Option<InvoiceNumber>,
    /// The amount, also of a bad row, if it can be read.
    pub(super) amount: Option<Rupiah>,
    /// All faults.
    pub(super) faults: Vec<Fault>,
    /// Whether they show that the file is written otherwise than the job says, so that good rows are misread.
    pub(super) misread: bool,
}

/// Reads one row.
pub(super) fn read(orders: &Orders, task: Task, columns: &Columns, table: &Table, record: &Record<'_>) -> RowOrder {
    let mut reader = RowReader::new(orders, columns, table, record);
    if let Some(fault) = reader.no_row() {
        return RowOrder { order: None, invoice: None, amount: None, faults: vec![fault], misread: false };
    }
    let invoice = reader.id(Field::InvoiceNumber, InvoiceNumber::new);
    if invoice.is_none() && reader.text(Field::InvoiceNumber).is_none() {
        reader.required(Field::InvoiceNumber);
    }
    let amount = reader.amount(Field::Amount);
    let payment_reference = reader.id(Field::PaymentReference, MerchantReference::new);
    let order_id = reader.id(Field::OrderId, Identifier::new);
    let akulaku_reference = reader.id(Field::AkulakuReference, Identifier::new);
    let book = reader.book_status(task);
    let created_at = reader.time(Field::CreatedAt);
    reader.time(Field::ExpiresAt);
    let sale = (task == Task::Change(Operation::Create)).then(|| sale::read(&mut reader));
    reader.check_last_field();
    let (faults, misread) = reader.into_faults();
    let order = match (&invoice, amount, sale) {
        (Some(invoice), Some(amount), sale) if faults.is_empty() => Some(Order {
            invoice_number: invoice.clone(),
            amount,
            payment_reference,
            order_id,
            akulaku_reference,
            book,
            created_at,
            sale: sale.flatten().map(Box::new),
        }),
        _ => None,
    };
    RowOrder { order, invoice, amount, faults, misread }
}
