//! Request bodies for the tests of this room, after the samples of the guide.

use serde_json::{Value, json};

use super::CLIENT_ID;

/// A good `generate-order` body; `amount` must be a multiple of three.
pub(super) fn creation(invoice_number: &str, amount: u64) -> Value {
    json!({
        "order": {
            "invoice_number": invoice_number,
            "amount": amount,
            "line_items": [
                {"name": "T-Shirt Red", "price": amount / 3, "quantity": 2, "sku": "1002", "category": "Shirt"},
                {"name": "Polo Navy", "price": amount / 3, "quantity": 1, "sku": "1001", "category": "Shirt"}
            ],
            "callback_url": "https://merchant.com/return-url"
        },
        "payment": {"merchant_unique_reference": invoice_number},
        "customer": {
            "id": "CUST-0001", "name": "Anton Budiman", "phone": "6285694566147", "address": "Menara Mulia Lantai 8",
            "city": "Jakarta Selatan", "state": "DKI Jakarta", "postcode": "120129"
        }
    })
}

/// A good `cancel` body of an order whose payment reference is its invoice number.
pub(super) fn cancellation(invoice_number: &str) -> Value {
    json!({
        "order": {"invoice_number": invoice_number},
        "payment": {"merchant_unique_reference": invoice_number}
    })
}

/// A good `refund` body of an order whose payment reference is its invoice number.
pub(super) fn refund(invoice_number: &str, order_id: &str, refund_reference: &str) -> Value {
    json!({
        "order": {"invoice_number": invoice_number},
        "payment": {
            "merchant_unique_reference": invoice_number,
            "identifier": [
                {"name": "ORDER_ID", "value": order_id},
                {"name": "AKULAKU_UNIQUE_REFERENCE", "value": format!("{CLIENT_ID}{invoice_number}")}
            ]
        },
        "refund": {"merchant_unique_reference": refund_reference}
    })
}
