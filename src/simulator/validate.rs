//! The request tables of the guide as data, and the check of a body against them.
//!
//! Each [`Row`] is a row of a table in `akulaku-guide.txt`, "Request Body Explanation"; fields that belong together (the sum of
//! the line items, identifiers of an order) are checked in `requests.rs`.

use serde_json::Value;

/// One row of a request table.
pub(super) struct Row {
    /// The dotted path, as in the guide.
    field: &'static str,
    kind: Kind,
    presence: Presence,
}

/// What a field holds.
enum Kind {
    /// A string of at most so many characters, none of them a control character.
    Text(usize),
    /// A string of at most so many digits.
    Digits(usize),
    /// Digits as a string, or a number: the guide's table and its sample disagree (`doku-api.md` 10.1, number 8).
    DigitsOrNumber(usize),
    /// A whole number of at most so many digits, written without fraction or exponent, and not below the least.
    Number { digits: usize, least: u64 },
    /// A string that is a web address.
    Url,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number or its digits in a string, from 1 (`doku-api.md` 10.2, number 25: typed as one, shown as the other).
    Share,
}

/// Whether a field has to be there.
enum Presence {
    /// With a value.
    Mandatory,
    /// "Please send the following object, even if the value is empty."
    KeyEvenIfEmpty,
    /// May be left out.
    Optional,
}

use Kind::{Digits, DigitsOrNumber, Number, Share, Text, Url, Word};
use Presence::{KeyEvenIfEmpty, Mandatory, Optional};

/// For fields without a "max length" in the guide.
const NO_LIMIT: usize = usize::MAX;

const fn row(field: &'static str, kind: Kind, presence: Presence) -> Row {
    Row { field, kind, presence }
}

/// "Obtain payment.url by generating order".
pub(super) const CREATE: [Row; 11] = [
    row("order.invoice_number", Text(64), Mandatory),
    row("order.amount", Number { digits: 12, least: 1 }, Mandatory),
    row("order.callback_url", Url, Mandatory),
    row("payment.merchant_unique_reference", Text(64), Mandatory),
    row("customer.id", Text(50), Mandatory),
    row("customer.name", Text(64), Mandatory),
    row("customer.phone", Digits(16), Mandatory),
    row("customer.address", Text(400), Optional),
    row("customer.city", Text(64), KeyEvenIfEmpty),
    row("customer.state", Text(64), KeyEvenIfEmpty),
    row("customer.postcode", DigitsOrNumber(64), KeyEvenIfEmpty),
];

/// Each of `order.line_items`.
pub(super) const LINE_ITEM: [Row; 5] = [
    row("name", Text(255), Mandatory),
    row("price", Number { digits: 12, least: 0 }, Mandatory),
    row("quantity", Number { digits: 4, least: 1 }, Mandatory),
    row("sku", Text(NO_LIMIT), Mandatory),
    row("category", Text(NO_LIMIT), Mandatory),
];

/// Each of `additional_info.settlement` (`doku-api.md` 7).
pub(super) const SETTLEMENT: [Row; 3] = [
    row("bank_account_settlement_id", Text(NO_LIMIT), Mandatory),
    row("value", Share, Mandatory),
    row("type", Word(&["PERCENTAGE", "FIX"]), Mandatory),
];

/// "Cancel Order". The invoice number's mandatory column is blank in the guide; without it there is nothing to cancel.
pub(super) const CANCEL: [Row; 2] =
    [row("order.invoice_number", Text(64), Mandatory), row("payment.merchant_unique_reference", Text(64), Mandatory)];

/// "Refund Order". The guide gives the refund's reference no length; the payment's has 64.
pub(super) const REFUND: [Row; 3] = [
    row("order.invoice_number", Text(64), Mandatory),
    row("payment.merchant_unique_reference", Text(64), Mandatory),
    row("refund.merchant_unique_reference", Text(64), Mandatory),
];

/// Each of `payment.identifier`.
pub(super) const IDENTIFIER: [Row; 2] =
    [row("name", Text(NO_LIMIT), Mandatory), row("value", Text(NO_LIMIT), Mandatory)];

/// Checks an object against a table; adds one message for each field that is wrong, named with `prefix` before it.
pub(super) fn check(rows: &[Row], object: &Value, prefix: &str, wrong: &mut Vec<String>) {
    for row in rows {
        if let Err(why) = row.check(field(object, row.field)) {
            wrong.push(format!("{prefix}{} {why}", row.field));
        }
    }
}

/// The value at a dotted path.
pub(super) fn field<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, key| value.get(key))
}

impl Row {
    fn check(&self, value: Option<&Value>) -> Result<(), String> {
        let Some(value) = value else {
            return match self.presence {
                Mandatory => Err("is missing".into()),
                KeyEvenIfEmpty => Err("is missing: the key must be sent even if the value is empty".into()),
                Optional => Ok(()),
            };
        };
        if value.as_str() == Some("") {
            return match self.presence {
                Mandatory => Err("is empty".into()),
                KeyEvenIfEmpty | Optional => Ok(()),
            };
        }
        self.kind.check(value)
    }
}

impl Kind {
    fn check(&self, value: &Value) -> Result<(), String> {
        match self {
            Text(most) => {
                let text = string(value)?;
                if text.chars().any(char::is_control) {
                    return Err("has a control character".into());
                }
                length(text, *most)
            }
            Digits(most) => digits(string(value)?, *most),
            DigitsOrNumber(most) => match value.as_u64() {
                Some(number) => digits(&number.to_string(), *most),
                None => digits(string(value)?, *most),
            },
            Number { digits: most, least } => {
                let Some(number) = value.as_u64() else {
                    return Err(format!("must be a whole number without decimals, found {}", shown(value)));
                };
                if number < *least {
                    return Err(format!("must be at least {least}, found {number}"));
                }
                digits(&number.to_string(), *most)
            }
            Url => {
                let text = string(value)?;
                if text.chars().any(|character| character.is_control() || character == ' ')
                    || !(text.starts_with("https://") || text.starts_with("http://"))
                {
                    return Err(format!("must be a web address, found {}", shown(value)));
                }
                Ok(())
            }
            Word(words) => {
                let text = string(value)?;
                if words.contains(&text) {
                    return Ok(());
                }
                Err(format!("must be one of {}, found {}", words.join(", "), shown(value)))
            }
            Share => match value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())) {
                Some(1..) => Ok(()),
                _ => Err(format!("must be a whole number from 1, found {}", shown(value))),
            },
        }
    }
}

fn string(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("must be a string, found {}", shown(value)))
}

fn length(text: &str, most: usize) -> Result<(), String> {
    let found = text.chars().count();
    if found > most {
        return Err(format!("is {found} characters long, at most {most} are allowed"));
    }
    Ok(())
}

fn digits(text: &str, most: usize) -> Result<(), String> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("must be digits only".into());
    }
    length(text, most)
}

/// The value as JSON, or its kind where it would be long.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "an array".into(),
        Value::String(_) => "a string".into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(kind: Kind, value: &Value) -> Option<String> {
        row("x", kind, Mandatory).check(Some(value)).err()
    }

    #[test]
    fn numbers_must_be_whole_as_written() {
        for text in ["90000.0", "9e4", "-1", "\"90000\"", "null", "true", "1000000000000", "99999999999999999999"] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert!(wrong(Number { digits: 12, least: 1 }, &value).is_some(), "{text}");
        }
        assert_eq!(wrong(Number { digits: 12, least: 1 }, &json!(999_999_999_999_u64)), None);
        assert_eq!(
            wrong(Number { digits: 12, least: 1 }, &json!("90000")).as_deref(),
            Some("must be a whole number without decimals, found a string")
        );
        assert_eq!(wrong(Number { digits: 4, least: 1 }, &json!(0)).as_deref(), Some("must be at least 1, found 0"));
    }

    #[test]
    fn texts_are_counted_in_characters() {
        assert_eq!(wrong(Text(4), &json!("Ääöö")), None);
        assert_eq!(wrong(Text(4), &json!("Ääööü")).as_deref(), Some("is 5 characters long, at most 4 are allowed"));
        assert_eq!(wrong(Text(4), &json!("a\nb")).as_deref(), Some("has a control character"));
        assert_eq!(wrong(Text(4), &json!(5)).as_deref(), Some("must be a string, found 5"));
    }

    #[test]
    fn digits_are_digits() {
        for bad in [json!("+62856"), json!("62 856"), json!("62-856"), json!(62856), json!("6285694566147001")] {
            assert!(wrong(Digits(15), &bad).is_some(), "{bad}");
        }
        assert_eq!(wrong(DigitsOrNumber(64), &json!(12120)), None);
        assert_eq!(wrong(DigitsOrNumber(64), &json!("12120")), None);
        assert!(wrong(DigitsOrNumber(64), &json!("12-120")).is_some());
    }

    #[test]
    fn an_empty_value_is_a_value_only_where_the_guide_says_so() {
        let empty = json!("");
        assert_eq!(row("x", Text(9), Mandatory).check(Some(&empty)), Err("is empty".into()));
        assert_eq!(row("x", DigitsOrNumber(9), KeyEvenIfEmpty).check(Some(&empty)), Ok(()));
        assert!(row("x", Text(9), KeyEvenIfEmpty).check(None).is_err());
        assert_eq!(row("x", Text(9), Optional).check(None), Ok(()));
        assert!(row("x", Text(9), Optional).check(Some(&Value::Null)).is_err());
    }

    #[test]
    fn shares_words_and_addresses_are_read_strictly() {
        for bad in [json!(0), json!("0"), json!("ten"), json!(1.5), json!(-1)] {
            assert!(wrong(Share, &bad).is_some(), "{bad}");
        }
        assert_eq!(wrong(Share, &json!("90")), None);
        assert_eq!(wrong(Word(&["FIX"]), &json!("fix")).as_deref(), Some("must be one of FIX, found a string"));
        assert!(wrong(Url, &json!("merchant.com/return")).is_some());
        assert_eq!(wrong(Url, &json!("https://merchant.com/return-url")), None);
    }
}
