//! How much larger than usual a run may be. Factors are decimal numbers as they are written; no float is involved.

use crate::model::money::Rupiah;

/// How much larger a plan may be than what the job has done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Of so many of the job's last runs the largest counts.
    pub runs: u32,
    /// A plan may be so many times as large.
    pub factor: Factor,
}

/// With fewer runs nobody can say what is usual.
pub const FEWEST_RUNS: usize = 3;

/// The most runs that are looked at.
pub(super) const MOST_RUNS: u32 = 100;

/// A decimal number from 1 to 1000 with at most three places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor {
    thousandths: u32,
}

impl Factor {
    /// Reads `3`, `1.5` or `2.125`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, most: usize| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole, 4) || !digits(places, 3) || whole.starts_with('0') {
            return None;
        }
        let padded = format!("{whole}{places:0<3}");
        let thousandths = padded.parse().ok()?;
        (1_000..=1_000_000).contains(&thousandths).then_some(Self { thousandths })
    }

    /// So many times a number, rounded down.
    #[must_use]
    pub fn times(self, number: u64) -> u64 {
        let product = u128::from(number) * u128::from(self.thousandths) / 1000;
        u64::try_from(product).unwrap_or(u64::MAX)
    }

    /// So many times an amount, rounded down.
    #[must_use]
    pub fn times_rupiah(self, amount: Rupiah) -> Rupiah {
        Rupiah::new(self.times(amount.whole()))
    }
}

impl std::fmt::Display for Factor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, places) = (self.thousandths / 1000, self.thousandths % 1000);
        if places == 0 {
            return write!(out, "{whole}");
        }
        let places = format!("{places:03}");
        write!(out, "{whole}.{}", places.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_a_decimal_number_from_one() {
        for text in
            ["", "0", "0.5", "0.999", "1.", ".5", "1,5", "1.2345", "1001", "1000.001", "-2", "+2", "3x", "1e1", "03"]
        {
            assert_eq!(Factor::parse(text), None, "{text}");
        }
        for (text, shown) in [("1", "1"), ("1.5", "1.5"), ("2.250", "2.25"), ("1000", "1000"), ("1.001", "1.001")] {
            assert_eq!(Factor::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn multiples_are_rounded_down_and_never_wrap() {
        let factor = |text| Factor::parse(text).unwrap();
        assert_eq!(factor("1.5").times(3), 4);
        assert_eq!(factor("3").times_rupiah(Rupiah::new(25_000_000)), Rupiah::new(75_000_000));
        assert_eq!(factor("1000").times(u64::MAX), u64::MAX);
    }
}
