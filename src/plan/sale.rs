//! The fields that only a creation has, with the limits of the guide's table (`akulaku-guide.txt`, "generate-order").

use super::fields::RowReader;
use crate::job::settings::Field;
use crate::model::money::Rupiah;
use crate::model::order::{Customer, LineItem, Sale};

/// Reads the sale of a row with its one line item. `None` after faults have been noted.
pub(super) fn read(reader: &mut RowReader<'_, '_>) -> Option<Sale> {
    let item = read_line_item(reader);
    let customer = read_customer(reader);
    let callback_url = reader.required(Field::CallbackUrl);
    let callback_url = callback_url.and_then(|url| {
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
        let good = plain && (url.starts_with("https://") || url.starts_with("http://")) && url.len() <= 2048;
        if !good {
            reader.fault(Field::CallbackUrl, "is not a web address", "write https://host/path without spaces");
        }
        good.then(|| url.to_owned())
    });
    Some(Sale { line_items: vec![item?], callback_url: callback_url?, customer: customer? })
}

fn read_line_item(reader: &mut RowReader<'_, '_>) -> Option<LineItem> {
    let name = text(reader, Field::LineItemName, 255);
    let price = reader.amount(Field::LineItemPrice);
    let quantity = reader.required(Field::LineItemQuantity).and_then(|digits| {
        let read = (digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse());
        let quantity = read.and_then(Result::ok).filter(|quantity: &u16| *quantity > 0);
        if quantity.is_none() {
            reader.fault(Field::LineItemQuantity, "is not a whole number from 1 to 9999", "write digits only");
        }
        quantity
    });
    let sku = text(reader, Field::LineItemSku, 255);
    let category = text(reader, Field::LineItemCategory, 255);
    Some(LineItem { name: name?, price: price?, quantity: quantity?, sku: sku?, category: category? })
}

fn read_customer(reader: &mut RowReader<'_, '_>) -> Option<Customer> {
    let id = text(reader, Field::CustomerId, 50);
    let name = text(reader, Field::CustomerName, 64);
    let phone = reader.required(Field::CustomerPhone).and_then(|phone| {
        let digits = phone.bytes().all(|byte| byte.is_ascii_digit());
        let good = digits && (8..=16).contains(&phone.len()) && !phone.starts_with('0');
        if !good {
            let hint = "digits with the calling code first, at most 16: 6281122334455";
            reader.fault(Field::CustomerPhone, "is not an international phone number", hint);
        }
        good.then(|| phone.to_owned())
    });
    let address = optional(reader, Field::CustomerAddress, 400);
    let city = optional(reader, Field::CustomerCity, 64);
    let state = optional(reader, Field::CustomerState, 64);
    let postcode = optional(reader, Field::CustomerPostcode, 64).filter(|postcode| {
        let digits = postcode.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            reader.fault(Field::CustomerPostcode, "is not a number", "digits only, or leave it empty");
        }
        digits
    });
    Some(Customer {
        id: id?,
        name: name?,
        phone: phone?,
        address: address?,
        city: city?,
        state: state?,
        postcode: postcode?,
    })
}

/// A mandatory text of at most `most` characters.
fn text(reader: &mut RowReader<'_, '_>, field: Field, most: usize) -> Option<String> {
    let text = reader.required(field)?.to_owned();
    fits(reader, field, text, most)
}

/// An optional text; empty if the file has none.
fn optional(reader: &mut RowReader<'_, '_>, field: Field, most: usize) -> Option<String> {
    let text = reader.text(field).unwrap_or_default().to_owned();
    fits(reader, field, text, most)
}

fn fits(reader: &mut RowReader<'_, '_>, field: Field, text: String, most: usize) -> Option<String> {
    let length = text.chars().count();
    if length > most {
        let message = format!("is {length} characters long, at most {most} are allowed");
        reader.fault(field, &message, "shorten it in the export");
        return None;
    }
    if text.chars().any(char::is_control) {
        reader.fault(field, "holds a control character", "remove line breaks and tabs from it");
        return None;
    }
    Some(text)
}

/// The sum of price times quantity; `None` beyond `u64`, which no order of 12 digits can be.
pub(super) fn sum(items: &[LineItem]) -> Option<Rupiah> {
    items
        .iter()
        .try_fold(Rupiah::ZERO, |sum, item| sum.checked_add(item.price.checked_times(u64::from(item.quantity))?))
}
