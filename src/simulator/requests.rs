//! The bodies of the three operations: JSON -> a checked request, or everything that is wrong with it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::validate::{CANCEL, CREATE, IDENTIFIER, LINE_ITEM, REFUND, Row, SETTLEMENT, check, field};
use crate::model::ids::{InvoiceNumber, MerchantReference, NotAnId};
use crate::model::money::Rupiah;

/// What is wrong with a body: one message for each field, which it names.
pub(super) type Wrong = Vec<String>;

/// A `generate-order` request, as far as the provider needs to remember it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Creation {
    pub(super) invoice_number: InvoiceNumber,
    pub(super) amount: Rupiah,
    pub(super) payment_reference: MerchantReference,
}

/// What a `cancel` or a `refund` request says about its order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OrderClaim {
    pub(super) invoice_number: InvoiceNumber,
    pub(super) payment_reference: MerchantReference,
    pub(super) identifiers: Identifiers,
}

/// A `refund` request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refunding {
    pub(super) order: OrderClaim,
    pub(super) refund_reference: MerchantReference,
}

/// `payment.identifier` of a request; absent where the request names none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identifiers {
    pub(super) order_id: Option<String>,
    pub(super) akulaku_reference: Option<String>,
}

/// The names of the identifiers (`akulaku-guide.txt`, "payment.identifier").
pub(super) const ORDER_ID: &str = "ORDER_ID";
pub(super) const AKULAKU_UNIQUE_REFERENCE: &str = "AKULAKU_UNIQUE_REFERENCE";

/// The invoice number that a body talks about, if it can be made out at all; nothing is checked.
pub(super) fn named_invoice(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    field(&body, "order.invoice_number")?.as_str().map(str::to_owned)
}

pub(super) fn creation(body: &[u8]) -> Result<Creation, Wrong> {
    let reading = Reading::open(body, &CREATE)?;
    let (body, mut wrong) = (&reading.body, reading.wrong);
    line_items(body, &mut wrong);
    settlement(body, &mut wrong);
    let invoice_number = id(body, "order.invoice_number", InvoiceNumber::new, &mut wrong);
    let payment_reference = id(body, "payment.merchant_unique_reference", MerchantReference::new, &mut wrong);
    let amount = field(body, "order.amount").and_then(Value::as_u64).map(Rupiah::new);
    match (invoice_number, amount, payment_reference) {
        (Some(invoice_number), Some(amount), Some(payment_reference)) if wrong.is_empty() => {
            Ok(Creation { invoice_number, amount, payment_reference })
        }
        _ => Err(wrong),
    }
}

pub(super) fn cancellation(body: &[u8]) -> Result<OrderClaim, Wrong> {
    let reading = Reading::open(body, &CANCEL)?;
    let mut wrong = reading.wrong;
    let order = order_claim(&reading.body, &mut wrong);
    order.filter(|_| wrong.is_empty()).ok_or(wrong)
}

pub(super) fn refunding(body: &[u8]) -> Result<Refunding, Wrong> {
    let reading = Reading::open(body, &REFUND)?;
    let (body, mut wrong) = (&reading.body, reading.wrong);
    let order = order_claim(body, &mut wrong);
    let refund_reference = id(body, "refund.merchant_unique_reference", MerchantReference::new, &mut wrong);
    if let Some(order) = &order {
        let given =
            [(ORDER_ID, &order.identifiers.order_id), (AKULAKU_UNIQUE_REFERENCE, &order.identifiers.akulaku_reference)];
        let missing = given.into_iter().filter(|(_, value)| value.is_none());
        wrong.extend(missing.map(|(name, _)| format!("payment.identifier.{name} is missing")));
    }
    match (order, refund_reference) {
        (Some(order), Some(refund_reference)) if wrong.is_empty() => Ok(Refunding { order, refund_reference }),
        _ => Err(wrong),
    }
}

/// A body that is a JSON object, with what its table found wrong.
struct Reading {
    body: Value,
    wrong: Wrong,
}

impl Reading {
    fn open(body: &[u8], table: &[Row]) -> Result<Self, Wrong> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| vec![format!("the body is not JSON: {error}")])?;
        if !body.is_object() {
            return Err(vec!["the body is not a JSON object".into()]);
        }
        let mut wrong = Vec::new();
        check(table, &body, "", &mut wrong);
        Ok(Self { body, wrong })
    }
}

/// An id out of a field that its table has checked to be a string; what the table found is not said again.
fn id<T>(body: &Value, path: &str, new: fn(&str) -> Result<T, NotAnId>, wrong: &mut Wrong) -> Option<T> {
    let text = field(body, path)?.as_str()?;
    match new(text) {
        Ok(id) => Some(id),
        Err(why) => {
            if !wrong.iter().any(|message| message.starts_with(path)) {
                wrong.push(format!("{path} {why}"));
            }
            None
        }
    }
}

fn order_claim(body: &Value, wrong: &mut Wrong) -> Option<OrderClaim> {
    let identifiers = identifiers(body, wrong);
    let invoice_number = id(body, "order.invoice_number", InvoiceNumber::new, wrong);
    let payment_reference = id(body, "payment.merchant_unique_reference", MerchantReference::new, wrong);
    Some(OrderClaim { invoice_number: invoice_number?, payment_reference: payment_reference?, identifiers })
}

fn identifiers(body: &Value, wrong: &mut Wrong) -> Identifiers {
    let mut found = Identifiers::default();
    for (entry, place) in entries(body, "payment.identifier", &IDENTIFIER, wrong) {
        let text = |key| entry.get(key).and_then(Value::as_str);
        let (Some(name), Some(value)) = (text("name"), text("value")) else { continue };
        let slot = match name {
            ORDER_ID => &mut found.order_id,
            AKULAKU_UNIQUE_REFERENCE => &mut found.akulaku_reference,
            _ => {
                wrong.push(format!("{place}.name must be {ORDER_ID} or {AKULAKU_UNIQUE_REFERENCE}"));
                continue;
            }
        };
        if slot.replace(value.to_owned()).is_some() {
            wrong.push(format!("{place}.name {name} is there twice"));
        }
    }
    found
}

/// "Total price and quantity must match with the order.amount".
fn line_items(body: &Value, wrong: &mut Wrong) {
    let items = entries(body, "order.line_items", &LINE_ITEM, wrong);
    if items.is_empty() {
        wrong.push("order.line_items must be an array with at least one item".into());
        return;
    }
    let number = |item: &Value, key| item.get(key).and_then(Value::as_u64);
    let total = items.iter().try_fold(Rupiah::ZERO, |total, (item, _)| {
        let line = Rupiah::new(number(item, "price")?).checked_times(number(item, "quantity")?)?;
        total.checked_add(line)
    });
    let amount = field(body, "order.amount").and_then(Value::as_u64);
    if let (Some(total), Some(amount)) = (total, amount)
        && total.whole() != amount
    {
        wrong.push(format!("order.amount is {amount}, but order.line_items add up to {}", total.whole()));
    }
}

/// Split settlement: DOKU's own plugin refuses an account that is named twice (`doku-api.md` 7).
fn settlement(body: &Value, wrong: &mut Wrong) {
    let mut accounts = BTreeSet::new();
    for (entry, place) in entries(body, "additional_info.settlement", &SETTLEMENT, wrong) {
        let account = entry.get("bank_account_settlement_id").and_then(Value::as_str);
        if let Some(account) = account
            && !accounts.insert(account)
        {
            wrong.push(format!("{place}.bank_account_settlement_id {account} is there twice"));
        }
    }
}

/// The entries of an array with their places, each checked against its table. Absent: none.
fn entries<'a>(body: &'a Value, path: &str, table: &[Row], wrong: &mut Wrong) -> Vec<(&'a Value, String)> {
    let Some(value) = field(body, path) else { return Vec::new() };
    let Some(array) = value.as_array() else {
        wrong.push(format!("{path} must be an array"));
        return Vec::new();
    };
    let placed = |(index, entry)| (entry, format!("{path}[{index}]"));
    let entries: Vec<(&Value, String)> = array.iter().enumerate().map(placed).collect();
    for (entry, place) in &entries {
        check(table, entry, &format!("{place}."), wrong);
    }
    entries
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::simulator::samples;

    fn changed(mut body: Value, path: &str, value: Option<Value>) -> Vec<u8> {
        let (parent, key) = path.rsplit_once('/').expect("a pointer");
        let parent = body.pointer_mut(parent).expect("the parent");
        match value {
            Some(value) => parent[key] = value,
            None => {
                parent.as_object_mut().expect("an object").remove(key);
            }
        }
        body.to_string().into_bytes()
    }

    #[test]
    fn a_wrong_creation_is_refused_with_the_name_of_the_field() {
        let cases = [
            ("/order/invoice_number", None, "order.invoice_number is missing"),
            ("/order/invoice_number", Some(json!(5)), "order.invoice_number must be a string, found 5"),
            (
                "/order/invoice_number",
                Some(json!("x".repeat(65))),
                "order.invoice_number is 65 characters long, at most 64 are allowed",
            ),
            ("/order/invoice_number", Some(json!("A B")), "order.invoice_number has ' ' at position 2"),
            (
                "/order/amount",
                Some(json!("90000")),
                "order.amount must be a whole number without decimals, found a string",
            ),
            ("/order/amount", Some(json!(90001)), "order.amount is 90001, but order.line_items add up to 90000"),
            ("/order/line_items", Some(json!([])), "order.line_items must be an array with at least one item"),
            (
                "/order/line_items",
                Some(json!([{"name": "T", "price": 90000, "quantity": 1, "sku": "1"}])),
                "order.line_items[0].category is missing",
            ),
            (
                "/order/callback_url",
                Some(json!("merchant.com")),
                "order.callback_url must be a web address, found a string",
            ),
            ("/payment/merchant_unique_reference", Some(json!("")), "payment.merchant_unique_reference is empty"),
            ("/customer/id", None, "customer.id is missing"),
            (
                "/customer/name",
                Some(json!("n".repeat(65))),
                "customer.name is 65 characters long, at most 64 are allowed",
            ),
            ("/customer/phone", Some(json!("+6285694566147")), "customer.phone must be digits only"),
            (
                "/customer/address",
                Some(json!("a".repeat(401))),
                "customer.address is 401 characters long, at most 400 are allowed",
            ),
            ("/customer/city", None, "customer.city is missing: the key must be sent even if the value is empty"),
            ("/customer/state", None, "customer.state is missing: the key must be sent even if the value is empty"),
            (
                "/customer/postcode",
                None,
                "customer.postcode is missing: the key must be sent even if the value is empty",
            ),
            ("/customer/postcode", Some(json!("12A")), "customer.postcode must be digits only"),
            ("/additional_info", Some(json!({"settlement": {}})), "additional_info.settlement must be an array"),
            (
                "/additional_info",
                Some(json!({"settlement": [{"bank_account_settlement_id": "SBS-1", "value": 0, "type": "FIX"}]})),
                "additional_info.settlement[0].value must be a whole number from 1, found 0",
            ),
        ];
        for (path, value, expected) in cases {
            let body = changed(samples::creation("INV-1", 90_000), path, value);
            assert_eq!(creation(&body), Err(vec![expected.to_owned()]), "{path}");
        }
    }

    #[test]
    fn a_good_creation_is_read() {
        for (path, value) in [
            ("/customer/address", None),
            ("/customer/postcode", Some(json!(""))),
            ("/customer/postcode", Some(json!(12120))),
            (
                "/additional_info",
                Some(
                    json!({"settlement": [{"bank_account_settlement_id": "SBS-1", "value": "90", "type": "PERCENTAGE"}]}),
                ),
            ),
        ] {
            let body = changed(samples::creation("INV-1", 90_000), path, value);
            assert_eq!(creation(&body).map(|creation| creation.amount), Ok(Rupiah::new(90_000)), "{path}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong = creation(b"{}").expect_err("an empty order");
        assert_eq!(wrong.len(), CREATE.len(), "all but the address, and the line items: {wrong:?}");
        assert_eq!(creation(b"[]"), Err(vec!["the body is not a JSON object".to_owned()]));
        assert!(creation(b"{\"order\":").is_err());
    }

    #[test]
    fn a_refund_needs_both_identifiers_and_a_cancel_needs_none() {
        let mut body = samples::cancellation("INV-1");
        assert!(cancellation(body.to_string().as_bytes()).is_ok());
        body["payment"]["identifier"] = json!([{"name": "ORDER_ID", "value": 5}, {"name": "VA", "value": "1"}]);
        let expected = [
            "payment.identifier[0].value must be a string, found 5",
            "payment.identifier[1].name must be ORDER_ID or AKULAKU_UNIQUE_REFERENCE",
        ];
        assert_eq!(cancellation(body.to_string().as_bytes()), Err(expected.map(str::to_owned).to_vec()));
        body["refund"] = json!({"merchant_unique_reference": "XYZ-1"});
        body["payment"]["identifier"] = json!([{"name": "ORDER_ID", "value": "5"}, {"name": "ORDER_ID", "value": "6"}]);
        let expected = [
            "payment.identifier[1].name ORDER_ID is there twice",
            "payment.identifier.AKULAKU_UNIQUE_REFERENCE is missing",
        ];
        assert_eq!(refunding(body.to_string().as_bytes()), Err(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_refund_needs_its_own_reference() {
        let body = changed(samples::refund("INV-1", "1000000001", "XYZ-1"), "/refund/merchant_unique_reference", None);
        assert_eq!(refunding(&body), Err(vec!["refund.merchant_unique_reference is missing".to_owned()]));
    }
}
