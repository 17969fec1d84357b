//! The lines of the ledger: effects, answers without an effect, and violations of the protocol.
//!
//! Starting state and entries together are the whole state of the simulator, so each entry carries what a restart needs:
//! a new order's fields, and the answer that a repeat of the request will get.

use serde::{Deserialize, Serialize};

use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::model::time::Timestamp;

/// A line of the ledger, told apart by its key `entry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// Something changed.
    Effect(Effect),
    /// A request was answered with 200 and changed nothing: refused, or done before.
    Answer(Answered),
    /// A person has paid or rejected an order on its page.
    Payment(Payment),
    /// A client broke the protocol.
    Violation(Violation),
}

/// A change at the provider: an order made, cancelled or refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// When.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// What was done.
    #[serde(with = "text")]
    pub operation: Operation,
    /// To which order.
    #[serde(with = "text")]
    pub invoice_number: InvoiceNumber,
    /// How much money it is about, in whole rupiah.
    #[serde(deserialize_with = "whole_rupiah")]
    pub amount: Rupiah,
    /// By which request.
    #[serde(with = "text")]
    pub request_id: RequestId,
    /// The refund's own reference; absent: no refund.
    #[serde(with = "optional_text")]
    pub refund_reference: Option<MerchantReference>,
    /// Counts the effects from 1, across restarts.
    pub effect_number: u64,
    /// The earlier effect that this one does again, because the provider did not know the key: by script only, and the
    /// provider's fault. Absent: it is the request's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u64>,
    /// The order that was made; absent: none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// What was answered.
    pub first_answer: FirstAnswer,
}

/// What the provider keeps of a new order besides invoice number, amount and request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The merchant's reference of the payment.
    #[serde(with = "text")]
    pub payment_reference: MerchantReference,
    /// Akulaku's `ORDER_ID`.
    #[serde(with = "text")]
    pub order_id: Identifier,
    /// What the customer did next.
    #[serde(with = "text")]
    pub status: PaymentStatus,
}

/// An answer without an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// What was asked for.
    #[serde(with = "text")]
    pub operation: Operation,
    /// For which order.
    #[serde(with = "text")]
    pub invoice_number: InvoiceNumber,
    /// By which request.
    #[serde(with = "text")]
    pub request_id: RequestId,
    /// What was answered.
    pub first_answer: FirstAnswer,
}

/// The first request with a `Request-Id`, and its answer: what tells a repeat from a misuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstAnswer {
    /// The request's path.
    pub path: String,
    /// The digest of the request's body.
    pub digest: String,
    /// The answer's body.
    pub body: String,
    /// From when the provider knows the request again; absent: at once.
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub known_from: Option<Timestamp>,
    /// Until when it does; absent: for good.
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub known_until: Option<Timestamp>,
}

impl FirstAnswer {
    pub(super) fn is_to(&self, path: &str, digest: &str) -> bool {
        self.path == path && self.digest == digest
    }

    pub(super) fn is_known(&self, now: Timestamp) -> bool {
        self.known_from.is_none_or(|from| from <= now) && self.known_until.is_none_or(|until| now < until)
    }
}

/// What a person did on the page of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// When.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// With which order.
    #[serde(with = "text")]
    pub invoice_number: InvoiceNumber,
    /// Where its payment stands from then on.
    #[serde(with = "text")]
    pub status: PaymentStatus,
}

/// A breach of the protocol that a correct client never commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// When.
    #[serde(with = "text")]
    pub at: Timestamp,
    /// What was asked for.
    #[serde(with = "text")]
    pub operation: Operation,
    /// By which request.
    #[serde(with = "text")]
    pub request_id: RequestId,
    /// What is wrong with it.
    pub violation: String,
}

/// Values that are text in the ledger.
trait AsText: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

macro_rules! ids_as_text {
    ($($id:ident),*) => {
        $(impl AsText for $id {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                Self::new(text).ok()
            }
        })*
    };
}
ids_as_text!(Identifier, InvoiceNumber, MerchantReference, RequestId);

impl AsText for Operation {
    fn write(&self) -> String {
        self.word().to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        Self::from_word(text)
    }
}

impl AsText for PaymentStatus {
    fn write(&self) -> String {
        self.word().to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        Self::from_word(text)
    }
}

impl AsText for Timestamp {
    fn write(&self) -> String {
        crate::model::time::stored(*self)
    }
    fn read(text: &str) -> Option<Self> {
        crate::model::time::parse_instant(text)
    }
}

/// For `#[serde(with = "text")]`.
mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::AsText;

    pub(super) fn serialize<T: AsText, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.write())
    }

    pub(super) fn deserialize<'de, T: AsText, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not what belongs here")))
    }
}

/// For `#[serde(with = "optional_text")]`: text or null.
mod optional_text {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    use super::AsText;

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<T: AsText, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(AsText::write).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: AsText, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        T::read(&text).map(Some).ok_or_else(|| D::Error::custom(format!("{text:?} is not what belongs here")))
    }
}

fn whole_rupiah<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rupiah, D::Error> {
    u64::deserialize(deserializer).map(Rupiah::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;

    const LINE: &str = r#"{"entry":"effect","at":"2026-11-21T18:02:11.000Z","operation":"refund","invoice_number":"INV-1","amount":90000,"request_id":"r-1","refund_reference":"XYZ-1","effect_number":7,"first_answer":{"path":"/p","digest":"d","body":"{}"}}"#;

    #[test]
    fn an_effect_is_one_line_that_reads_back() {
        let effect = Entry::Effect(Effect {
            at: parse_instant("2026-11-21T18:02:11Z").expect("a time"),
            operation: Operation::Refund,
            invoice_number: InvoiceNumber::new("INV-1").expect("an invoice number"),
            amount: Rupiah::new(90_000),
            request_id: RequestId::new("r-1").expect("a request id"),
            refund_reference: MerchantReference::new("XYZ-1").ok(),
            effect_number: 7,
            repeats: None,
            created: None,
            first_answer: FirstAnswer {
                path: "/p".into(),
                digest: "d".into(),
                body: "{}".into(),
                known_from: None,
                known_until: None,
            },
        });
        assert_eq!(serde_json::to_string(&effect).expect("a line"), LINE);
        assert_eq!(serde_json::from_str::<Entry>(LINE).expect("an entry"), effect);
    }

    #[test]
    fn a_line_with_a_bad_value_is_not_read() {
        for (good, bad) in [
            ("\"effect\"", "\"wish\""),
            ("\"INV-1\"", "\"INV 1\""),
            ("\"refund\"", "\"audit\""),
            ("90000", "90000.5"),
            ("\"XYZ-1\"", "\"\""),
            ("2026-11-21T", "2026-13-21T"),
        ] {
            assert!(serde_json::from_str::<Entry>(&LINE.replace(good, bad)).is_err(), "{bad}");
        }
    }
}
