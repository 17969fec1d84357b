//! Numbers, money and times in the form of the reader: `1,250 rows` and `21 Nov 2026 18:02 WIB` in English, `1.250 baris` and
//! `21 Nov 2026 18.02 WIB` in Bahasa Indonesia. Rupiah are written as Indonesia writes them in both: `Rp 1.250.000`, as in the
//! terminal, so that nobody takes two forms of one sum for two sums. What machines read never comes from here.

use chrono::{Datelike as _, Timelike as _};

use crate::model::language::Language;
use crate::model::money::{Difference, Rupiah, Tally};
use crate::model::time::{BusinessDate, Timestamp, Zone};

const ENGLISH: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const INDONESIAN: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"];

/// Between the thousands of rupiah, in every language.
const RUPIAH: char = '.';

fn grouped(digits: &str, group: char) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    out
}

impl Language {
    /// Between the thousands.
    const fn group(self) -> char {
        match self {
            Self::English => ',',
            Self::Indonesian => '.',
        }
    }

    /// Before a fraction.
    pub(super) const fn decimal(self) -> char {
        match self {
            Self::English => '.',
            Self::Indonesian => ',',
        }
    }

    /// A number of things.
    #[must_use]
    pub fn count(self, number: u64) -> String {
        grouped(&number.to_string(), self.group())
    }

    /// A sum of money. The space does not break.
    #[must_use]
    pub fn rupiah(self, amount: Rupiah) -> String {
        format!("Rp\u{a0}{}", grouped(&amount.whole().to_string(), RUPIAH))
    }

    /// A difference of two sums, with its sign.
    #[must_use]
    pub fn difference(self, difference: Difference) -> String {
        let sign = match difference.whole() {
            0 => "",
            1.. => "+",
            _ => "\u{2212}",
        };
        format!("{sign}Rp\u{a0}{}", grouped(&difference.whole().unsigned_abs().to_string(), RUPIAH))
    }

    /// A sum of money that fits beside a bar: `Rp 1,2 jt`, rounded to the nearest.
    #[must_use]
    pub fn short_rupiah(self, amount: Rupiah) -> String {
        let whole = amount.whole();
        let units: [(u64, [&str; 2]); 4] = [
            (1_000_000_000_000, ["tn", "T"]),
            (1_000_000_000, ["bn", "M"]),
            (1_000_000, ["mn", "jt"]),
            (1_000, ["k", "rb"]),
        ];
        let Some(unit) = units.iter().position(|(size, _)| whole >= *size) else {
            return self.rupiah(amount);
        };
        let rounded = |unit: usize, parts: u128| {
            let size = u128::from(units[unit].0);
            (u128::from(whole) * parts * 2 + size) / (size * 2)
        };
        // What is rounded up to a thousand of them is one of the next larger.
        let unit = if unit > 0 && rounded(unit, 1) >= 1_000 { unit - 1 } else { unit };
        let word = match self {
            Self::English => units[unit].1[0],
            Self::Indonesian => units[unit].1[1],
        };
        // A hundred and more have no tenths.
        let (count, tenths) = match rounded(unit, 10) {
            tenths if tenths < 1_000 => (tenths / 10, tenths % 10),
            _ => (rounded(unit, 1), 0),
        };
        let fraction = if tenths == 0 { String::new() } else { format!("{}{tenths}", self.decimal()) };
        format!("Rp\u{a0}{}{fraction}\u{a0}{word}", self.count(u64::try_from(count).unwrap_or(u64::MAX)))
    }

    /// So many of all, in percent with one decimal, rounded to the nearest.
    #[must_use]
    pub fn share(self, part: u64, all: u64) -> String {
        if all == 0 {
            return String::new();
        }
        let tenths = (u128::from(part) * 2000 + u128::from(all)) / (u128::from(all) * 2);
        format!("{}{}{}%", tenths / 10, self.decimal(), tenths % 10)
    }

    /// `21 Nov 2026 18:02:11 WIB`.
    #[must_use]
    pub fn time(self, time: Timestamp) -> String {
        let local = Zone::WIB.local(time);
        format!("{} {} WIB", self.day(local.year(), local.month(), local.day()), self.clock_to_the_second(time))
    }

    /// The time of day alone, to the minute: `18:02`.
    #[must_use]
    pub fn clock(self, time: Timestamp) -> String {
        let (local, between) = (Zone::WIB.local(time), self.between());
        format!("{:02}{between}{:02}", local.hour(), local.minute())
    }

    /// The time of day alone: `18:02:11`.
    #[must_use]
    pub fn clock_to_the_second(self, time: Timestamp) -> String {
        format!("{}{}{:02}", self.clock(time), self.between(), Zone::WIB.local(time).second())
    }

    /// Between hours and minutes.
    const fn between(self) -> char {
        match self {
            Self::English => ':',
            Self::Indonesian => '.',
        }
    }

    /// `21 Nov 2026`, of a business date such as `2026-11-21`.
    #[must_use]
    pub fn date(self, date: &str) -> String {
        let parts: Option<Vec<u32>> = date.split('-').map(|part| part.parse().ok()).collect();
        match (BusinessDate::parse(date), parts.as_deref()) {
            (Some(_), Some([year, month, day])) => self.day(i32::try_from(*year).unwrap_or_default(), *month, *day),
            _ => date.to_owned(),
        }
    }

    fn day(self, year: i32, month: u32, day: u32) -> String {
        let months = match self {
            Self::English => ENGLISH,
            Self::Indonesian => INDONESIAN,
        };
        let month = usize::try_from(month).ok().and_then(|month| months.get(month.checked_sub(1)?)).unwrap_or(&"");
        format!("{day} {month} {year:04}")
    }

    /// Count and money, as a sentence has them: `2 (Rp 180.000)`.
    #[must_use]
    pub fn tally(self, tally: Tally) -> String {
        format!("{} ({})", self.count(tally.count), self.rupiah(tally.rupiah))
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, Indonesian};
    use super::*;
    use crate::model::time::parse_instant;

    #[test]
    fn money_is_grouped_as_indonesia_writes_it_and_counts_as_the_reader_does() {
        let amount = Rupiah::new(1_250_000);
        assert_eq!(
            (English.rupiah(amount), Indonesian.rupiah(amount)),
            ("Rp\u{a0}1.250.000".into(), "Rp\u{a0}1.250.000".into())
        );
        assert_eq!((English.count(1_250), Indonesian.count(1_250)), ("1,250".into(), "1.250".into()));
        assert_eq!(Indonesian.rupiah(Rupiah::new(999)), "Rp\u{a0}999");
        let less = Rupiah::new(5).minus(Rupiah::new(1_005));
        assert_eq!(Indonesian.difference(less), "\u{2212}Rp\u{a0}1.000");
        assert_eq!(English.difference(Rupiah::new(7).minus(Rupiah::new(0))), "+Rp\u{a0}7");
    }

    #[test]
    fn a_time_is_that_of_jakarta() {
        let time = parse_instant("2026-05-21T17:02:09Z").unwrap();
        assert_eq!(
            (English.time(time), Indonesian.time(time)),
            ("22 May 2026 00:02:09 WIB".into(), "22 Mei 2026 00.02.09 WIB".into())
        );
        assert_eq!((English.clock(time), Indonesian.clock(time)), ("00:02".into(), "00.02".into()));
        assert_eq!(
            (English.date("2026-08-01"), Indonesian.date("2026-08-01")),
            ("1 Aug 2026".into(), "1 Agu 2026".into())
        );
        assert_eq!(English.date("no date"), "no date");
    }

    #[test]
    fn short_sums_are_rounded_to_the_nearest() {
        let cases = [
            (999, "Rp\u{a0}999"),
            (1_049, "Rp\u{a0}1\u{a0}rb"),
            (90_000, "Rp\u{a0}90\u{a0}rb"),
            (999_499, "Rp\u{a0}999\u{a0}rb"),
            (999_500, "Rp\u{a0}1\u{a0}jt"),
            (1_299_999, "Rp\u{a0}1,3\u{a0}jt"),
            (54_885_974, "Rp\u{a0}54,9\u{a0}jt"),
            (58_910_000, "Rp\u{a0}58,9\u{a0}jt"),
            (99_960_000, "Rp\u{a0}100\u{a0}jt"),
            (100_450_000, "Rp\u{a0}100\u{a0}jt"),
            (999_999_999, "Rp\u{a0}1\u{a0}M"),
            (2_000_000_000, "Rp\u{a0}2\u{a0}M"),
            (1_500_000_000_000, "Rp\u{a0}1,5\u{a0}T"),
        ];
        for (whole, text) in cases {
            assert_eq!(Indonesian.short_rupiah(Rupiah::new(whole)), text);
        }
        assert_eq!(English.short_rupiah(Rupiah::new(58_910_000)), "Rp\u{a0}58.9\u{a0}mn");
    }

    #[test]
    fn shares_are_rounded_to_a_tenth_of_a_percent() {
        for (part, all, text) in [(1, 3, "33.3%"), (2, 3, "66.7%"), (3, 3, "100.0%"), (0, 7, "0.0%"), (1, 0, "")] {
            assert_eq!(English.share(part, all), text);
        }
        assert_eq!(Indonesian.share(1, 8), "12,5%");
    }
}
