//! One order of the merchant, checked and ready: what a cancel, a refund or a creation needs to know.

use super::ids::{Identifier, InvoiceNumber, MerchantReference};
use super::money::Rupiah;
use super::status::BookStatus;
use super::time::Timestamp;

/// An order as the merchant's export has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The merchant's number.
    pub invoice_number: InvoiceNumber,
    /// The full amount; the provider refunds nothing less (`akulaku-guide.txt`, "Refund Type").
    pub amount: Rupiah,
    /// The merchant's reference of the payment. Absent: looked up, else the invoice number, which the guide allows.
    pub payment_reference: Option<MerchantReference>,
    /// Akulaku's `ORDER_ID`. A refund needs it.
    pub order_id: Option<Identifier>,
    /// Akulaku's `AKULAKU_UNIQUE_REFERENCE`. A refund needs it.
    pub akulaku_reference: Option<Identifier>,
    /// What the merchant's own system says. Absent: the export does not say.
    pub book: Option<BookStatus>,
    /// When the order was made. Absent: the export does not say.
    pub created_at: Option<Timestamp>,
    /// What only the creation of an order needs; present exactly in `create` jobs.
    pub sale: Option<Box<Sale>>,
}

/// The part of an order that the provider shows to the customer (`akulaku-guide.txt`, "generate-order").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// At least one; price times quantity adds up to the order's amount.
    pub line_items: Vec<LineItem>,
    /// Where the customer's browser returns to.
    pub callback_url: String,
    /// Who buys.
    pub customer: Customer,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    /// Product name, 1 to 255 characters.
    pub name: String,
    /// Price of one.
    pub price: Rupiah,
    /// How many, 1 to 9999.
    pub quantity: u16,
    /// Stock-keeping unit.
    pub sku: String,
    /// Category.
    pub category: String,
}

/// The customer of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The merchant's id of the customer, 1 to 50 characters.
    pub id: String,
    /// Name, 1 to 64 characters.
    pub name: String,
    /// Digits with the calling code first, at most 16.
    pub phone: String,
    /// At most 400 characters; left out of the request when empty.
    pub address: String,
    /// At most 64 characters; sent even when empty.
    pub city: String,
    /// At most 64 characters; sent even when empty.
    pub state: String,
    /// Digits, at most 64; sent even when empty.
    pub postcode: String,
}

/// One entry of a split settlement, sent with a creation (`doku-api.md` 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The verified account's `bank_account_settlement_id`.
    pub account: String,
    /// How much goes there.
    pub share: Share,
}

/// The part of the net settlement that one account gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// A whole number of percent, 1 to 100.
    Percentage(u8),
    /// A fixed amount.
    Fix(Rupiah),
}
