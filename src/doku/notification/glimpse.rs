//! What can be read of a notification that cannot be read as a whole, each part for itself.
//!
//! A part that is there twice, or is not what it should be, is left empty: a guess would be taken for DOKU's word.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Said;
use crate::doku::json::OrderAnswer;
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::money::Rupiah;

/// What a body says of a payment, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glimpse<'a> {
    /// The order, fit for an [`InvoiceNumber`]; empty if there is none.
    pub invoice: Cow<'a, str>,
    /// Its amount, in whole rupiah.
    pub amount: Option<Rupiah>,
    /// What happened to the payment, in DOKU's word, fit for a screen; empty if there is none.
    pub status: Cow<'a, str>,
}

impl<'a> From<Said<'a>> for Glimpse<'a> {
    fn from(said: Said<'a>) -> Self {
        Self { invoice: said.invoice, amount: Some(said.amount), status: said.status.word().into() }
    }
}

/// No status of DOKU's has more characters.
const LONGEST_STATUS: usize = 64;

/// Reads what can be read of a body.
#[must_use]
pub fn glimpse(body: &[u8]) -> Glimpse<'static> {
    let body = std::str::from_utf8(body).unwrap_or_default();
    let value = |part, key| only(only(body, part)?.get(), key);
    let text = |part, key| serde_json::from_str::<String>(value(part, key)?.get()).ok();
    let invoice = text("order", "invoice_number").filter(|text| InvoiceNumber::check(text).is_ok());
    let status = text("transaction", "status").map(|text| text.chars().take(LONGEST_STATUS).collect::<String>());
    Glimpse {
        invoice: invoice.unwrap_or_default().into(),
        amount: OrderAnswer { invoice_number: None, amount: value("order", "amount") }.rupiah(),
        status: printable(&status.unwrap_or_default()).into(),
    }
}

/// The value of a key that an object has exactly once.
fn only<'a>(object: &'a str, key: &str) -> Option<&'a RawValue> {
    let Entries(entries) = serde_json::from_str(object).ok()?;
    let mut found = entries.into_iter().filter(|(name, _)| name == key);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

/// All entries of an object, repeated ones too.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_read_for_itself_and_nothing_is_guessed() {
        let body = |order: &str, transaction: &str| format!(r#"{{"order":{order},"transaction":{transaction}}}"#);
        let whole = r#"{"invoice_number":"INV-1","amount":90000}"#;
        let success = r#"{"status":"SUCCESS"}"#;
        let cases = [
            (body(whole, r#"{"status":"PARTLY_REFUNDED"}"#), ("INV-1", Some(90_000), "PARTLY_REFUNDED")),
            (body(whole, "[]"), ("INV-1", Some(90_000), "")),
            (body(whole, r#"{"status":7}"#), ("INV-1", Some(90_000), "")),
            (body(whole, r#"{"status":"A","status":"B"}"#), ("INV-1", Some(90_000), "")),
            (body(whole, "{\"status\":\"\\u001b[2J\"}"), ("INV-1", Some(90_000), "\u{fffd}[2J")),
            (body(r#"{"invoice_number":"INV-1","amount":1000.5}"#, success), ("INV-1", None, "SUCCESS")),
            (body(r#"{"invoice_number":"INV-1","amount":1,"amount":2}"#, success), ("INV-1", None, "SUCCESS")),
            (body(r#"{"invoice_number":"a b","amount":"90000.00"}"#, success), ("", Some(90_000), "SUCCESS")),
            (body("null", success), ("", None, "SUCCESS")),
            (r#"["order"]"#.to_owned(), ("", None, "")),
            (String::new(), ("", None, "")),
        ];
        for (body, expected) in cases {
            let Glimpse { invoice, amount, status } = glimpse(body.as_bytes());
            assert_eq!((&*invoice, amount.map(Rupiah::whole), &*status), expected, "{body}");
        }
    }
}
