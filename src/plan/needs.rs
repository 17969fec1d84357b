//! What the request of an order needs: from the file, else from the journal, else from what was notified.

use super::decide::Heard;
use super::disposition::Found;
use crate::doku::request::Call;
use crate::journal::record::Item;
use crate::model::fault::{Fault, Place};
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference};
use crate::model::operation::Operation;
use crate::model::order::Order;

/// Looks an identifier that the file lacks up in the journal, then in the log; a payment reference too.
pub(super) fn lookup(order: &Order, created: Option<&Item>, heard: Option<&Heard>) -> Found {
    let identifier = |own: &Option<Identifier>, from_item: Option<&String>, from_log: Option<&String>| {
        let mut texts = [from_item, from_log].into_iter().flatten();
        if own.is_some() { None } else { texts.find_map(|text| Identifier::new(text).ok()) }
    };
    let from_log = || MerchantReference::new(heard?.payment_reference.as_ref()?).ok();
    let reference = || created.map(|item| item.payment_reference.clone()).or_else(from_log);
    Found {
        payment_reference: if order.payment_reference.is_some() { None } else { reference() },
        order_id: identifier(
            &order.order_id,
            created.and_then(|item| item.facts.order_id.as_ref()),
            heard.and_then(|heard| heard.order_id.as_ref()),
        ),
        akulaku_reference: identifier(
            &order.akulaku_reference,
            created.and_then(|item| item.facts.akulaku_reference.as_ref()),
            heard.and_then(|heard| heard.akulaku_reference.as_ref()),
        ),
    }
}

/// Puts together what the request needs, or says what it lacks. A payment reference that nobody knows is the invoice number,
/// which the guide allows (`akulaku-guide.txt`, "`payment.merchant_unique_reference`").
pub(super) fn request(
    operation: Operation,
    order: &Order,
    found: &Found,
) -> Result<(Call, MerchantReference), Vec<&'static str>> {
    let first = |own: &Option<Identifier>, found: &Option<Identifier>| own.clone().or_else(|| found.clone());
    let order_id = first(&order.order_id, &found.order_id);
    let akulaku_reference = first(&order.akulaku_reference, &found.akulaku_reference);
    let payment_reference = order.payment_reference.clone().or_else(|| found.payment_reference.clone());
    let payment_reference = payment_reference.or_else(|| MerchantReference::new(order.invoice_number.as_str()).ok());
    let payment_reference = payment_reference.ok_or_else(|| vec!["payment_reference"])?;
    let call = match operation {
        Operation::Create => Call::Create(order.sale.clone().ok_or_else(|| vec!["line items"])?),
        Operation::Cancel => Call::Cancel { order_id, akulaku_reference },
        Operation::Refund => match (order_id, akulaku_reference) {
            (Some(order_id), Some(akulaku_reference)) => Call::Refund { order_id, akulaku_reference },
            (order_id, akulaku_reference) => {
                let lacking = [("order_id", order_id), ("akulaku_reference", akulaku_reference)];
                return Err(lacking.into_iter().filter(|(_, id)| id.is_none()).map(|(name, _)| name).collect());
            }
        },
    };
    Ok((call, payment_reference))
}

pub(super) fn missing(invoice: &InvoiceNumber, place: Place, field: &str) -> Fault {
    let message = format!("{invoice} has no {field}, and neither the journal nor the log knows it");
    Fault::new(place, message)
        .hint("the answer to the order's creation has both identifiers; a refund cannot be made without them")
}
