//! The body of a cancellation (`akulaku-guide.txt`, "Cancel Order").

use serde::Serialize;

use super::json::{IdentifierPart, InvoicePart, identifiers};
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference};

#[derive(Serialize)]
struct Body<'a> {
    order: InvoicePart<'a>,
    payment: Payment<'a>,
}

#[derive(Serialize)]
struct Payment<'a> {
    merchant_unique_reference: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<IdentifierPart<'a>>,
}

/// Writes the body once; these bytes are hashed, signed, stored and sent. The identifiers are optional in a
/// cancellation; the payment reference is the original's (`doku-api.md` 10.1, number 7).
///
/// # Panics
/// Never: the parts are text.
#[must_use]
pub fn body(
    invoice: &InvoiceNumber,
    payment_reference: &MerchantReference,
    order_id: Option<&Identifier>,
    akulaku_reference: Option<&Identifier>,
) -> Vec<u8> {
    let mut identifier = identifiers(order_id, akulaku_reference);
    identifier.reverse(); // The guide's cancel sample names AKULAKU_UNIQUE_REFERENCE first.
    let body = Body {
        order: InvoicePart { invoice_number: invoice.as_str() },
        payment: Payment { merchant_unique_reference: payment_reference.as_str(), identifier },
    };
    serde_json::to_vec(&body).expect("text can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_guides_sample_to_the_byte() {
        let body = body(
            &InvoiceNumber::new("MINV20201231468").unwrap(),
            &MerchantReference::new("ABC0001").unwrap(),
            Some(&Identifier::new("893102").unwrap()),
            Some(&Identifier::new("MCH-12345678ABC0001").unwrap()),
        );
        assert_eq!(crate::doku::sign::digest(&body), "nPIyaSGEM0yrVakLUso/KFVyNgWurXYsUw6BZXZh01A=", "vector V2");
    }

    #[test]
    fn without_identifiers_the_key_is_left_out() {
        let body = body(&InvoiceNumber::new("I").unwrap(), &MerchantReference::new("R").unwrap(), None, None);
        assert_eq!(body, br#"{"order":{"invoice_number":"I"},"payment":{"merchant_unique_reference":"R"}}"#);
    }
}
