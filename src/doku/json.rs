//! The JSON parts that several messages share, written and read.
//!
//! Reading is tolerant where DOKU is loose (unknown fields, numbers as text, an array or an object of identifiers) and
//! strict where money hangs on it: a repeated field, a fraction of a rupiah or a list in the place of an object makes the
//! whole message unreadable.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::fault::printable;
use crate::model::ids::Identifier;
use crate::model::money::Rupiah;

/// A message or a part of one that is a JSON object: serde alone would also read a list, as the fields in their order.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries))
    }
}

/// For a field that is an [`Object`].
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// For a field that is an [`Object`], null or absent.
pub(super) fn object_if_any<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

/// `order` of a cancel or refund request.
#[derive(Serialize)]
pub(super) struct InvoicePart<'a> {
    pub(super) invoice_number: &'a str,
}

/// One entry of `payment.identifier`.
#[derive(Serialize)]
pub(super) struct IdentifierPart<'a> {
    name: &'static str,
    value: &'a str,
}

/// Akulaku's two identifiers, `ORDER_ID` first.
pub(super) fn identifiers<'a>(
    order_id: Option<&'a Identifier>,
    akulaku_reference: Option<&'a Identifier>,
) -> Vec<IdentifierPart<'a>> {
    let order_id = order_id.map(|id| IdentifierPart { name: "ORDER_ID", value: id.as_str() });
    let reference = akulaku_reference.map(|id| IdentifierPart { name: "AKULAKU_UNIQUE_REFERENCE", value: id.as_str() });
    order_id.into_iter().chain(reference).collect()
}

/// `order` of an answer or a notification.
#[derive(Deserialize, Default)]
pub(super) struct OrderAnswer<'a> {
    pub(super) invoice_number: Option<String>,
    #[serde(borrow)]
    pub(super) amount: Option<&'a RawValue>,
}

impl OrderAnswer<'_> {
    /// Whole rupiah, from `90000`, `"90000"` or `90000.00` (`doku-api.md` 10.2, number 23).
    pub(super) fn rupiah(&self) -> Option<Rupiah> {
        let text = self.amount?.get();
        Rupiah::parse_wire(text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text))
    }
}

/// A part with a status and a date: `payment`, `cancel`, `refund`, `transaction`.
#[derive(Deserialize, Default)]
pub(super) struct StatusPart {
    pub(super) status: Option<String>,
    pub(super) date: Option<String>,
    pub(super) url: Option<String>,
    pub(super) original_request_id: Option<String>,
    /// The guide's cancel table calls it an object (`doku-api.md` 10.1, number 4), hence any value is read.
    merchant_unique_reference: Option<Value>,
    /// `identifer` occurs too (`doku-api.md` 10.2, number 22).
    #[serde(alias = "identifer")]
    identifier: Option<Value>,
}

impl StatusPart {
    pub(super) fn reference(&self) -> Option<&str> {
        self.merchant_unique_reference.as_ref().and_then(Value::as_str)
    }

    /// The identifier of that name, from `[{"name":..,"value":..}]` or `{"NAME":..}` (`doku-api.md` 10.1, number 6).
    pub(super) fn identifier(&self, name: &str) -> Option<&str> {
        match self.identifier.as_ref()? {
            Value::Array(entries) => entries.iter().find(|entry| entry["name"] == name)?["value"].as_str(),
            Value::Object(entries) => entries.get(name)?.as_str(),
            _ => None,
        }
    }
}

/// What an answer may say of an error, in one of the provider's many shapes; everything else is passed over.
#[derive(Deserialize)]
struct Messages {
    error: Option<Value>,
    message: Option<Value>,
    #[serde(rename = "error_messages")]
    errors: Option<Value>,
    response_code: Option<Value>,
}

/// The provider's message in one of its many error shapes (`doku-api.md` 5).
pub(super) fn error_message(body: &[u8]) -> Option<String> {
    if !may_hold_a_message(body) {
        return None;
    }
    let Object(Messages { error, message, errors, response_code }) = serde_json::from_slice(body).ok()?;
    let inner = error.as_ref().and_then(|error| error.get("message"));
    let from = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(texts) => Some(texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")),
        _ => None,
    };
    [inner, error.as_ref(), message.as_ref(), errors.as_ref(), response_code.as_ref()]
        .into_iter()
        .flatten()
        .find_map(from)
        .map(|text| printable(&text.chars().take(300).collect::<String>()))
}

/// Whether there may be one: every name that is looked for holds one of these words, or is written with an escape.
/// Most answers have none, and are read once.
fn may_hold_a_message(body: &[u8]) -> bool {
    [&b"error"[..], b"message", b"response_code", b"\\"]
        .into_iter()
        .any(|word| memchr::memmem::find(body, word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_with_a_message_is_passed_over() {
        let answers = [
            r#"{"error": {"message": "bad"}}"#,
            r#"{"error": "bad"}"#,
            r#"{"message": ["bad"]}"#,
            r#"{"error_messages": ["bad"]}"#,
            r#"{"response_code": "4010"}"#,
            r#"{"\u0065rror": "bad"}"#,
        ];
        for answer in answers {
            assert!(error_message(answer.as_bytes()).is_some(), "{answer}");
        }
        assert!(!may_hold_a_message(br#"{"order": {"invoice_number": "INV-1"}}"#));
        let elsewhere = br#"{"refund": {"message": "done"}, "error": {"code": 1}}"#;
        assert_eq!(error_message(elsewhere), None, "only what the answer itself says");
    }
}
