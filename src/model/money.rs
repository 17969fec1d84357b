//! Whole rupiah: amounts, totals and differences. The one place where money is read and printed.
//!
//! The API has no minor unit and at most twelve digits per amount (`akulaku-guide.txt`, "order.amount"), so an amount
//! fits `u64` and a total of eighteen million of the largest amounts still does. Arithmetic is checked; there are no
//! floats.

use std::fmt;

use serde::{Serialize, Serializer};

/// A non-negative number of whole rupiah. Printed as `Rp 1.250.000`, serialised as a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rupiah(u64);

/// How the amounts of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AmountStyle {
    /// `1250000`: digits only.
    #[default]
    Plain,
    /// `1.250.000`, with `,00` or `,-` and a leading `Rp` allowed.
    Id,
    /// `1,250,000`, with `.00` or `.-` and a leading `Rp` allowed.
    Us,
}

impl AmountStyle {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Id, Self::Us];
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAmount {
    /// Empty, a sign, a letter, a fraction, or separators in the wrong places for the declared style.
    #[error("is not whole rupiah")]
    Form,
    /// Zero moves no money.
    #[error("is zero")]
    Zero,
    /// More than twelve digits (`akulaku-guide.txt`, "order.amount").
    #[error("has more than 12 digits")]
    TooLong,
}

/// The longest amount that the provider takes (`akulaku-guide.txt`, "order.amount": max length 12).
const MOST_DIGITS: usize = 12;

impl Rupiah {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// `whole` rupiah.
    #[must_use]
    pub const fn new(whole: u64) -> Self {
        Self(whole)
    }

    /// The number of whole rupiah.
    #[must_use]
    pub const fn whole(self) -> u64 {
        self.0
    }

    /// The sum, or `None` beyond `u64`.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// `self * quantity`, or `None` beyond `u64`.
    #[must_use]
    pub const fn checked_times(self, quantity: u64) -> Option<Self> {
        match self.0.checked_mul(quantity) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// How much more `self` is than `other`; negative if it is less.
    #[must_use]
    pub fn minus(self, other: Self) -> Difference {
        Difference(i128::from(self.0) - i128::from(other.0))
    }

    /// An amount of an order: 1 to 12 digits, not zero, written in `style`.
    ///
    /// # Errors
    /// Says what is wrong with the text; a text that reads differently in another style is never guessed at.
    pub fn parse_amount(text: &str, style: AmountStyle) -> Result<Self, NotAnAmount> {
        match style {
            AmountStyle::Plain => Self::parse_digits(text),
            AmountStyle::Id => Self::parse_digits(&without_grouping(text, '.', ',')?),
            AmountStyle::Us => Self::parse_digits(&without_grouping(text, ',', '.')?),
        }
    }

    fn parse_digits(digits: &str) -> Result<Self, NotAnAmount> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAnAmount::Form);
        }
        if digits.bytes().all(|byte| byte == b'0') {
            return Err(NotAnAmount::Zero);
        }
        if digits.starts_with('0') {
            return Err(NotAnAmount::Form);
        }
        if digits.len() > MOST_DIGITS {
            return Err(NotAnAmount::TooLong);
        }
        digits.parse().map(Self).or(Err(NotAnAmount::Form))
    }

    /// An amount as the provider writes it: `90000`, `"90000"` or `90000.00` (`doku-api.md` 10.2, number 23). `None` for
    /// anything else, a fraction of a rupiah above all.
    #[must_use]
    pub fn parse_wire(text: &str) -> Option<Self> {
        let whole = match text.split_once('.') {
            Some((whole, fraction)) => {
                if !matches!(fraction, "0" | "00") {
                    return None;
                }
                whole
            }
            None => text,
        };
        if whole.is_empty() || whole.len() > MOST_DIGITS || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        whole.parse().ok().map(Self)
    }
}

/// Strips `Rp`, the grouping and an all-zero fraction; refuses groups that are not three digits.
fn without_grouping(text: &str, group: char, decimal: char) -> Result<String, NotAnAmount> {
    let number = text.strip_prefix("Rp").map_or(text, |rest| rest.trim_start_matches(['.', ' ', '\u{a0}']));
    let whole = match number.split_once(decimal) {
        // "99.000,-" is how a price tag says it.
        Some((whole, "00" | "-")) => whole,
        Some(_) => return Err(NotAnAmount::Form),
        None => number,
    };
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let grouped = !rest.is_empty();
    if rest.iter().any(|part| part.len() != 3) || (grouped && !(1..=3).contains(&first.len())) {
        return Err(NotAnAmount::Form);
    }
    Ok(std::iter::once(first).chain(rest).collect())
}

impl fmt::Display for Rupiah {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("Rp {}", grouped(&self.0.to_string())))
    }
}

impl Serialize for Rupiah {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// A difference of two sums of money, in whole rupiah; may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Difference(i128);

impl Difference {
    /// The signed number of whole rupiah.
    #[must_use]
    pub const fn whole(self) -> i128 {
        self.0
    }

    /// Whether the two sums were equal.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        out.pad(&format!("{sign}Rp {}", grouped(&self.0.unsigned_abs().to_string())))
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// A number of things and the money in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How much, in whole rupiah.
    pub rupiah: Rupiah,
}

impl Tally {
    /// Counts one more thing worth `amount`.
    ///
    /// # Panics
    /// Beyond `u64` rupiah, which takes more than eighteen million rows of the largest amount.
    pub fn add(&mut self, amount: Rupiah) {
        self.count += 1;
        self.rupiah = self.rupiah.checked_add(amount).expect("a file of amounts of 12 digits fits u64");
    }

    /// The sum of both.
    ///
    /// # Panics
    /// As [`Tally::add`].
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.rupiah = self.rupiah.checked_add(other.rupiah).expect("a file of amounts of 12 digits fits u64");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_are_not_whole_rupiah_are_refused() {
        let refused = [
            ("", AmountStyle::Plain, NotAnAmount::Form),
            ("0", AmountStyle::Plain, NotAnAmount::Zero),
            ("007", AmountStyle::Plain, NotAnAmount::Form),
            ("-5", AmountStyle::Plain, NotAnAmount::Form),
            ("+5", AmountStyle::Plain, NotAnAmount::Form),
            ("90.000", AmountStyle::Plain, NotAnAmount::Form),
            ("90000.00", AmountStyle::Plain, NotAnAmount::Form),
            ("9e4", AmountStyle::Plain, NotAnAmount::Form),
            (" 90000", AmountStyle::Plain, NotAnAmount::Form),
            ("1234567890123", AmountStyle::Plain, NotAnAmount::TooLong),
            ("90.000,5", AmountStyle::Id, NotAnAmount::Form),
            ("90,000", AmountStyle::Id, NotAnAmount::Form),
            ("90.000-", AmountStyle::Id, NotAnAmount::Form),
            ("-90.000,-", AmountStyle::Id, NotAnAmount::Form),
            ("9.00", AmountStyle::Id, NotAnAmount::Form),
            ("1250.000", AmountStyle::Id, NotAnAmount::Form),
            (".000", AmountStyle::Id, NotAnAmount::Form),
            ("90.000", AmountStyle::Us, NotAnAmount::Form),
            ("1,25", AmountStyle::Us, NotAnAmount::Form),
        ];
        for (text, style, why) in refused {
            assert_eq!(Rupiah::parse_amount(text, style), Err(why), "{text:?} as {style:?}");
        }
    }

    #[test]
    fn amounts_are_read_in_the_declared_style() {
        let read = [
            ("1", AmountStyle::Plain, 1),
            ("999999999999", AmountStyle::Plain, 999_999_999_999),
            ("1.250.000", AmountStyle::Id, 1_250_000),
            ("Rp 90.000,00", AmountStyle::Id, 90_000),
            ("Rp 90.000,-", AmountStyle::Id, 90_000),
            ("Rp90.000", AmountStyle::Id, 90_000),
            ("Rp. 90.000", AmountStyle::Id, 90_000),
            ("90000", AmountStyle::Id, 90_000),
            ("1,250,000", AmountStyle::Us, 1_250_000),
            ("1250000.00", AmountStyle::Us, 1_250_000),
        ];
        for (text, style, whole) in read {
            assert_eq!(Rupiah::parse_amount(text, style), Ok(Rupiah::new(whole)), "{text:?} as {style:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_two_amounts(text in "(Rp ?)?[0-9]{0,4}([.,][0-9]{0,3}){0,3}(,-|\\.-)?") {
            let read = AmountStyle::ALL.map(|style| Rupiah::parse_amount(&text, style).ok());
            let mut amounts = read.into_iter().flatten();
            let first = amounts.next();
            proptest::prop_assert!(amounts.all(|amount| Some(amount) == first), "{} {:?}", text, read);
        }
    }

    #[test]
    fn the_provider_may_write_zero_decimals_but_no_fraction() {
        assert_eq!(Rupiah::parse_wire("90000"), Some(Rupiah::new(90_000)));
        assert_eq!(Rupiah::parse_wire("25000.00"), Some(Rupiah::new(25_000)));
        for text in ["25000.50", "25000.", "", "-1", "1e5", "0x10", "90.000"] {
            assert_eq!(Rupiah::parse_wire(text), None, "{text:?}");
        }
    }

    #[test]
    fn money_is_printed_in_groups_of_three() {
        assert_eq!(Rupiah::new(58_910_000).to_string(), "Rp 58.910.000");
        assert_eq!(Rupiah::new(7).to_string(), "Rp 7");
        assert_eq!(Rupiah::new(5).minus(Rupiah::new(1005)).to_string(), "-Rp 1.000");
    }
}
