//! The body of a creation (`akulaku-guide.txt`, "Obtain payment.url by generating order").

use serde::Serialize;

use crate::model::ids::MerchantReference;
use crate::model::money::Rupiah;
use crate::model::order::{Order, Sale, Settlement, Share};

#[derive(Serialize)]
struct Body<'a> {
    order: OrderPart<'a>,
    payment: Payment<'a>,
    customer: Customer<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_info: Option<AdditionalInfo<'a>>,
}

#[derive(Serialize)]
struct OrderPart<'a> {
    invoice_number: &'a str,
    amount: Rupiah,
    line_items: Vec<LineItem<'a>>,
    callback_url: &'a str,
}

#[derive(Serialize)]
struct LineItem<'a> {
    name: &'a str,
    price: Rupiah,
    quantity: u16,
    sku: &'a str,
    category: &'a str,
}

#[derive(Serialize)]
struct Payment<'a> {
    merchant_unique_reference: &'a str,
}

/// City, state and postcode are sent even when empty; the postcode is a string, for an empty number cannot be written
/// (`doku-api.md` 10.1, numbers 8 and 9).
#[derive(Serialize)]
struct Customer<'a> {
    id: &'a str,
    name: &'a str,
    phone: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    address: &'a str,
    city: &'a str,
    state: &'a str,
    postcode: &'a str,
}

#[derive(Serialize)]
struct AdditionalInfo<'a> {
    settlement: Vec<SettlementPart<'a>>,
}

/// The value is a number, as in the sample and unlike the table (`doku-api.md` 7).
#[derive(Serialize)]
struct SettlementPart<'a> {
    bank_account_settlement_id: &'a str,
    value: u64,
    r#type: &'static str,
}

/// Writes the body once; these bytes are hashed, signed, stored and sent.
///
/// # Panics
/// Never: the parts are text and whole numbers.
#[must_use]
pub fn body(order: &Order, sale: &Sale, payment_reference: &MerchantReference, settlement: &[Settlement]) -> Vec<u8> {
    let body = Body {
        order: OrderPart {
            invoice_number: order.invoice_number.as_str(),
            amount: order.amount,
            line_items: sale
                .line_items
                .iter()
                .map(|item| LineItem {
                    name: &item.name,
                    price: item.price,
                    quantity: item.quantity,
                    sku: &item.sku,
                    category: &item.category,
                })
                .collect(),
            callback_url: &sale.callback_url,
        },
        payment: Payment { merchant_unique_reference: payment_reference.as_str() },
        customer: Customer {
            id: &sale.customer.id,
            name: &sale.customer.name,
            phone: &sale.customer.phone,
            address: &sale.customer.address,
            city: &sale.customer.city,
            state: &sale.customer.state,
            postcode: &sale.customer.postcode,
        },
        additional_info: (!settlement.is_empty()).then(|| AdditionalInfo {
            settlement: settlement
                .iter()
                .map(|entry| {
                    let (value, r#type) = match entry.share {
                        Share::Percentage(percent) => (u64::from(percent), "PERCENTAGE"),
                        Share::Fix(amount) => (amount.whole(), "FIX"),
                    };
                    SettlementPart { bank_account_settlement_id: &entry.account, value, r#type }
                })
                .collect(),
        }),
    };
    serde_json::to_vec(&body).expect("text and whole numbers can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::InvoiceNumber;
    use crate::model::order::{Customer, LineItem};

    fn item(name: &str, quantity: u16, sku: &str) -> LineItem {
        LineItem { name: name.into(), price: Rupiah::new(30_000), quantity, sku: sku.into(), category: "Shirt".into() }
    }

    fn order() -> Order {
        Order {
            invoice_number: InvoiceNumber::new("INV-20210707-0001").unwrap(),
            amount: Rupiah::new(90_000),
            payment_reference: None,
            order_id: None,
            akulaku_reference: None,
            book: None,
            created_at: None,
            sale: None,
        }
    }

    fn sale() -> Sale {
        Sale {
            line_items: vec![item("T-Shirt Red", 2, "1002"), item("Polo Navy", 1, "1001")],
            callback_url: "https://merchant.com/return-url".into(),
            customer: Customer {
                id: "CUST-0001".into(),
                name: "Anton Budiman".into(),
                phone: "6285694566147".into(),
                address: "Menara Mulia Lantai 8".into(),
                city: "Jakarta Selatan".into(),
                state: "DKI Jakarta".into(),
                postcode: "120129".into(),
            },
        }
    }

    #[test]
    fn the_body_is_the_guides_sample_to_the_byte() {
        let reference = MerchantReference::new("MUR-20210707-0001").unwrap();
        let digest = crate::doku::sign::digest(&body(&order(), &sale(), &reference, &[]));
        assert_eq!(digest, "Wr84xmpnsjP5VSpZP8jg0HcrZSIxVrUWwhd4MYN/jD8=", "the digest of vector V1");
    }

    #[test]
    fn empty_city_state_and_postcode_are_sent_and_an_empty_address_is_not() {
        let mut sale = sale();
        for field in
            [&mut sale.customer.address, &mut sale.customer.city, &mut sale.customer.state, &mut sale.customer.postcode]
        {
            field.clear();
        }
        let reference = MerchantReference::new("R").unwrap();
        let text = String::from_utf8(body(&order(), &sale, &reference, &[])).unwrap();
        assert!(text.ends_with(r#""phone":"6285694566147","city":"","state":"","postcode":""}}"#), "{text}");
    }

    #[test]
    fn a_split_settlement_travels_as_additional_info() {
        let split = [
            Settlement { account: "SBS-1".into(), share: Share::Percentage(90) },
            Settlement { account: "SBS-2".into(), share: Share::Fix(Rupiah::new(5_000)) },
        ];
        let reference = MerchantReference::new("R").unwrap();
        let text = String::from_utf8(body(&order(), &sale(), &reference, &split)).unwrap();
        let expected = r#","additional_info":{"settlement":[{"bank_account_settlement_id":"SBS-1","value":90,"type":"PERCENTAGE"},{"bank_account_settlement_id":"SBS-2","value":5000,"type":"FIX"}]}}"#;
        assert!(text.ends_with(expected), "{text}");
    }
}
