//! The body of a refund (`akulaku-guide.txt`, "Refund Order"). It carries no amount: only full refunds exist.

use serde::Serialize;

use super::json::{IdentifierPart, InvoicePart, identifiers};
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference};

#[derive(Serialize)]
struct Body<'a> {
    order: InvoicePart<'a>,
    payment: Payment<'a>,
    refund: Refund<'a>,
}

#[derive(Serialize)]
struct Payment<'a> {
    merchant_unique_reference: &'a str,
    identifier: Vec<IdentifierPart<'a>>,
}

#[derive(Serialize)]
struct Refund<'a> {
    merchant_unique_reference: &'a str,
}

/// Writes the body once; these bytes are hashed, signed, stored and sent. Both identifiers are mandatory here;
/// `refund_reference` is new and the merchant's own (`doku-api.md` 6.4).
///
/// # Panics
/// Never: the parts are text.
#[must_use]
pub fn body(
    invoice: &InvoiceNumber,
    payment_reference: &MerchantReference,
    order_id: &Identifier,
    akulaku_reference: &Identifier,
    refund_reference: &MerchantReference,
) -> Vec<u8> {
    let body = Body {
        order: InvoicePart { invoice_number: invoice.as_str() },
        payment: Payment {
            merchant_unique_reference: payment_reference.as_str(),
            identifier: identifiers(Some(order_id), Some(akulaku_reference)),
        },
        refund: Refund { merchant_unique_reference: refund_reference.as_str() },
    };
    serde_json::to_vec(&body).expect("text can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_guides_sample_to_the_byte() {
        let body = body(
            &InvoiceNumber::new("invoice-00000101123").unwrap(),
            &MerchantReference::new("REFUND-ABC-0001045").unwrap(),
            &Identifier::new("1000043205").unwrap(),
            &Identifier::new("MCH-0001-10791114622547REFUND-ABC-0001045").unwrap(),
            &MerchantReference::new("XYZ-006456").unwrap(),
        );
        assert_eq!(crate::doku::sign::digest(&body), "ut79Cm5xqK4y9qPo2AgJFfNNcTaR+76YIJPqesFpx+g=", "vector V3");
    }
}
