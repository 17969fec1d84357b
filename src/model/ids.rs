//! One type per id. A constructor checks the text; no other way leads in. The text is shared by all copies: a row, its order
//! and its request name the same invoice, and there may be a million of them.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Why a text cannot be the id that it should be. Chains after the quoted text: `"A B" has a space at position 2`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnId {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than the provider takes.
    #[error("is {found} characters long, at most {most} are allowed")]
    TooLong {
        /// Characters found.
        found: usize,
        /// Characters allowed.
        most: usize,
    },
    /// A character outside the allowed set, with its position counted from 1.
    #[error("has {character:?} at position {position}")]
    Character {
        /// The character.
        character: char,
        /// Its position, from 1.
        position: usize,
    },
    /// Begins like a spreadsheet formula.
    #[error("begins with {0:?}, which a spreadsheet takes for a formula")]
    Formula(char),
    /// `..` climbs out of a path.
    #[error("holds \"..\"")]
    DotDot,
    /// `1.00E+11`: a spreadsheet has replaced the digits by a rounded number.
    #[error("is in scientific notation: a spreadsheet has rounded it")]
    Scientific,
    /// `#REF!`: what a spreadsheet shows where it has no value.
    #[error("is an error of a spreadsheet, and no value")]
    Error,
    /// `TRUE`: a text that a spreadsheet has taken for a truth.
    #[error("is a truth of a spreadsheet, and no value")]
    Truth,
    /// `NULL`: what a database or a script writes where it has no value.
    #[error("is what a database or a script writes where it has no value")]
    Nothing,
    /// `TOTAL`: what stands before a sum.
    #[error("is the beginning of a row of totals, and no order")]
    Total,
    /// `#####`: what a spreadsheet shows where a column is too narrow.
    #[error("is what a spreadsheet shows in a column that is too narrow")]
    Narrow,
    /// `1001.0`: digits that a spreadsheet or a script has taken for a number.
    #[error("is a number with a fraction: a spreadsheet or a script has changed it")]
    Fraction,
    /// `1.000.035.148`: digits that a spreadsheet has written like an amount.
    #[error("has separators between its digits: a spreadsheet has written it like an amount")]
    Separated,
    /// `-1`: what a script writes where it has no value.
    #[error("is a number with a sign, and no id")]
    Signed,
    /// `-`: what people write where they have no value.
    #[error("has neither a letter nor a digit")]
    Blank,
}

/// What spreadsheets show in place of a value.
const ERRORS: [&str; 9] = ["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"];

/// What databases and scripts write where they have no value, to the letter.
const NOTHING: [&str; 6] = ["NULL", "null", "None", "NaN", "nan", "undefined"];

/// What stands before a sum, in capitals or not, with a colon or without.
const TOTALS: [&str; 7] = ["TOTAL", "SUBTOTAL", "SUB-TOTAL", "GRANDTOTAL", "GRAND-TOTAL", "JUMLAH", "SUM"];

/// What a byte can mean in an id. Bits, so that a whole text can be asked at once.
const FORBIDDEN: u8 = 1;
const EXPONENT: u8 = 2;

/// Printable ASCII without space, quotes, backslash and angle brackets is allowed.
const MEANING: [u8; 256] = {
    let mut meaning = [FORBIDDEN; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        meaning[byte as usize] = match byte {
            b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' => FORBIDDEN,
            b'E' | b'e' => EXPONENT,
            _ => 0,
        };
        byte += 1;
    }
    meaning
};

/// What the bytes of a text mean, all together.
fn meaning(text: &str) -> u8 {
    text.bytes().fold(0, |all, byte| all | MEANING[usize::from(byte)])
}

/// Allowed characters, 1 to `most` of them, and not a number that was rounded.
fn check(text: &str, most: usize) -> Result<(), NotAnId> {
    if text.is_empty() {
        return Err(NotAnId::Empty);
    }
    let meaning = meaning(text);
    if meaning & FORBIDDEN != 0 || text.len() > most {
        return Err(what_is_wrong(text, most));
    }
    // A mantissa begins with a digit.
    if meaning & EXPONENT != 0 && text.as_bytes()[0].is_ascii_digit() && is_scientific(text) {
        return Err(NotAnId::Scientific);
    }
    Ok(())
}

/// Why a text is too long, or which of its characters is not allowed.
fn what_is_wrong(text: &str, most: usize) -> NotAnId {
    let found = text.chars().count();
    let forbidden =
        |character: char| u8::try_from(character).map_or(FORBIDDEN, |byte| MEANING[usize::from(byte)]) == FORBIDDEN;
    match text.chars().zip(1..).find(|(character, _)| forbidden(*character)) {
        Some((character, position)) if found <= most => NotAnId::Character { character, position },
        _ => NotAnId::TooLong { found, most },
    }
}

/// Whether a cell of the input can be an id at all. What an older journal holds is not asked: there an id stays what it was.
///
/// # Errors
/// A spreadsheet or a script has put something else in its place.
pub fn check_cell(text: &str) -> Result<(), NotAnId> {
    if text.starts_with('#') && ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text)) {
        return Err(NotAnId::Error);
    }
    if text.starts_with('#') && text.bytes().all(|byte| byte == b'#') {
        return Err(NotAnId::Narrow);
    }
    // As spreadsheets write them; whoever numbers by hand may have written anything else.
    if matches!(text, "TRUE" | "FALSE") {
        return Err(NotAnId::Truth);
    }
    if NOTHING.contains(&text) {
        return Err(NotAnId::Nothing);
    }
    let word = text.strip_suffix(':').unwrap_or(text);
    if TOTALS.iter().any(|total| total.eq_ignore_ascii_case(word)) {
        return Err(NotAnId::Total);
    }
    let digits = text.strip_suffix(".0").filter(|digits| !digits.is_empty());
    match digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(_) => Err(NotAnId::Fraction),
        None => Ok(()),
    }
}

/// Whether a cell of the input can be an identifier that Akulaku gave. All that are known are digits, or letters and digits
/// with hyphens between them (`akulaku-guide.txt`, "identifier"); nothing is refused but what a spreadsheet, a script or a person
/// has put in its place. The merchant's own numbers may look like that.
///
/// # Errors
/// Something else is in its place.
pub fn check_identifier_cell(text: &str) -> Result<(), NotAnId> {
    check_cell(text)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    match text.as_bytes() {
        [] => Ok(()),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ if !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) => Err(NotAnId::Blank),
        [b'-' | b'+', ..] if is_number(&text[1..]) => Err(NotAnId::Signed),
        _ if is_number(text) => Err(NotAnId::Separated),
        _ => Ok(()),
    }
}

/// `1.00E+11`, `1,23E+10`, `1.5e9`: what a spreadsheet leaves of a long id. `12E5` may well be an id as it is.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = mantissa.split_once(['.', ',']);
    let signed = exponent.strip_prefix('+');
    fraction.map_or(digits(mantissa), |(whole, part)| digits(whole) && digits(part))
        && digits(signed.unwrap_or(exponent))
        && (fraction.is_some() || signed.is_some())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $most:expr $(, $also:expr)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and keeps it.
            ///
            /// # Errors
            /// What is wrong with the text.
            pub fn new(text: &str) -> Result<Self, NotAnId> {
                Self::check(text).map(|()| Self(text.into()))
            }

            /// Checks the text without keeping it.
            ///
            /// # Errors
            /// What is wrong with the text.
            pub fn check(text: &str) -> Result<(), NotAnId> {
                check(text, $most)?;
                $( $also(text)?; )?
                Ok(())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, to be kept without a copy of it.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

id! {
    /// The merchant's number of an order: 1 to 64 printable ASCII characters without space, quote, backslash, `<` or
    /// `>`; no leading `=`, `+`, `-`, `@`; no `..` (`DESIGN` 11.13; `akulaku-guide.txt`, "`order.invoice_number`").
    InvoiceNumber, 64, no_formula
}
id! {
    /// A reference that the merchant gave to a payment or to a refund, at most 64 characters
    /// (`akulaku-guide.txt`, "`merchant_unique_reference`").
    MerchantReference, 64
}
id! {
    /// An identifier that Akulaku gave: `ORDER_ID` or `AKULAKU_UNIQUE_REFERENCE` (`akulaku-guide.txt`, "identifier").
    /// The guide sets no length; 128 is twice what the longest sample needs.
    Identifier, 128
}
id! {
    /// DOKU's idempotency key, at most 128 characters (`akulaku-guide.txt`, "Request-Id").
    RequestId, 128
}
id! {
    /// The merchant's account at DOKU.
    ClientId, 64
}
id! {
    /// The name of one run: `20261122-153512-0007`, business time and the journal's count of runs.
    RunId, 64
}

fn no_formula(text: &str) -> Result<(), NotAnId> {
    if let Some(first) = text.chars().next().filter(|first| matches!(first, '=' | '+' | '-' | '@')) {
        return Err(NotAnId::Formula(first));
    }
    // For texts this short, quicker than `contains`.
    if text.as_bytes().windows(2).any(|pair| pair == b"..") {
        return Err(NotAnId::DotDot);
    }
    Ok(())
}

/// The name of a job: `[a-z0-9-]`, 1 to 64 characters. It names the output folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct JobName(Box<str>);

impl JobName {
    /// Checks the text and keeps it; `None` if it is not a job name.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
        good.then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invoice_numbers_that_could_do_harm_are_refused() {
        for text in [
            "", "A B", "=1+1", "+62", "-1", "@x", "a..b", "a\"b", "a'b", "a\\b", "<b>", "a\nb", "Ä", "1.00E+11",
            "1E+5", "1,5e9",
        ] {
            assert!(InvoiceNumber::new(text).is_err(), "{text:?} was taken");
        }
        assert!(InvoiceNumber::new(&"x".repeat(65)).is_err());
    }

    #[test]
    fn each_text_is_refused_for_its_first_reason() {
        let long = "x".repeat(65);
        let long_umlauts = "\u{e4}".repeat(65);
        let umlauts = "\u{e4}".repeat(64);
        let too_long = NotAnId::TooLong { found: 65, most: 64 };
        let cases = [
            ("", NotAnId::Empty),
            (long.as_str(), too_long.clone()),
            (long_umlauts.as_str(), too_long),
            (umlauts.as_str(), NotAnId::Character { character: '\u{e4}', position: 1 }),
            ("a\u{7f}", NotAnId::Character { character: '\u{7f}', position: 2 }),
            ("\u{e4}>", NotAnId::Character { character: '\u{e4}', position: 1 }),
            ("1,5e+9", NotAnId::Scientific),
            ("=..", NotAnId::Formula('=')),
            ("1..", NotAnId::DotDot),
        ];
        for (text, why) in cases {
            assert_eq!(InvoiceNumber::check(text), Err(why.clone()), "{text:?}");
            assert_eq!(InvoiceNumber::new(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn what_a_spreadsheet_puts_in_place_of_an_id_is_none() {
        for text in ["#REF!", "#N/A", "#n/a", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"] {
            assert_eq!(check_cell(text), Err(NotAnId::Error), "{text}");
        }
        for text in ["1000035148.0", "0.0"] {
            assert_eq!(check_cell(text), Err(NotAnId::Fraction), "{text}");
        }
        for text in ["TRUE", "FALSE"] {
            assert_eq!(check_cell(text), Err(NotAnId::Truth), "{text}");
        }
        for text in ["NULL", "null", "None", "NaN", "nan", "undefined"] {
            assert_eq!(check_cell(text), Err(NotAnId::Nothing), "{text}");
        }
        for text in ["#", "########"] {
            assert_eq!(check_cell(text), Err(NotAnId::Narrow), "{text}");
        }
        for text in [
            "Null", "NULL-1", "True", "true", "TRUE-1", "UNTRUE", "Nov-26", "##1", "#1", "#REF", "N/A", "INV-1.0",
            ".0", "1.1.0", "1001.00", "",
        ] {
            assert_eq!(check_cell(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_stands_in_place_of_an_identifier_of_akulaku_is_none() {
        for text in ["-1", "+1000035148", "-1.000"] {
            assert_eq!(check_identifier_cell(text), Err(NotAnId::Signed), "{text}");
        }
        for text in ["1.000.035.148", "1,000,035,148", "1.000.035.148,00", "1000035148.00", "893.102", "1000035148,"] {
            assert_eq!(check_identifier_cell(text), Err(NotAnId::Separated), "{text}");
        }
        for text in ["-", "--", "?", "..."] {
            assert_eq!(check_identifier_cell(text), Err(NotAnId::Blank), "{text}");
        }
        assert_eq!(check_identifier_cell("NULL"), Err(NotAnId::Nothing));
        // The samples of the guide, and what is like them.
        for text in [
            "",
            "1000035148",
            "893102",
            "0",
            "007",
            "BRN-0288-1654748429432TEST-ABC-768",
            "MCH-0001-10791114622547MUR-20210707-0001",
            "MCH-12345678ABC0001",
            "REF-1.000",
            "A1.000",
            "-A1",
            "1.000-A",
        ] {
            assert_eq!(check_identifier_cell(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn everyday_invoice_numbers_are_taken() {
        let longest = "x".repeat(64);
        for text in ["INV-20210707-0001", "INV/2026/11/0001", "a", "#1", "E12", "2021E", "12E5", longest.as_str()] {
            assert_eq!(InvoiceNumber::new(text).map(|id| id.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn the_message_names_the_character_and_its_position() {
        let message = InvoiceNumber::new("INV 1").map_err(|error| error.to_string());
        assert_eq!(message, Err("has ' ' at position 4".to_owned()));
    }

    #[test]
    fn job_names_are_lower_case_words() {
        assert!(JobName::new("refund-nightly").is_some());
        for text in ["", "Refund", "a_b", "a/b", "-a", ".."] {
            assert!(JobName::new(text).is_none(), "{text:?} was taken");
        }
    }
}
