//! Points in time as plain numbers: those that are read, compared and written by the million. Each turn through chrono's
//! calendar and back costs as much as reading the text, so none is taken here.
//!
//! What is not ordinary is chrono's (`super::time`): times at the end of the writable years, leap seconds, other forms.

use std::time::Duration;

use super::time::{Timestamp, wire};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Since 1970-01-01.
    seconds: i64,
    /// A thousand million and more in a leap second, as chrono has it.
    nanoseconds: u32,
}

const SECONDS_OF_DAY: i64 = 24 * 60 * 60;
const NANOSECONDS: u32 = 1_000_000_000;

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self { seconds: time.timestamp(), nanoseconds: time.timestamp_subsec_nanos() }
    }
}

impl Moment {
    /// The beginning of an ordinary time, `2026-11-21T18:02:11` with a fraction or without, as if it were UTC; and what
    /// follows it. A space may stand for the `T`. `None` says nothing but that chrono is to be asked.
    pub(super) fn ordinary(text: &[u8]) -> Option<(Self, &[u8])> {
        let (form, rest) = text.split_first_chunk::<19>()?;
        let dashes = form[4] == b'-' && form[7] == b'-' && matches!(form[10], b'T' | b' ');
        if !(dashes && form[13] == b':' && form[16] == b':') {
            return None;
        }
        // All digits are read before it is asked whether each was one.
        let mut wrong = false;
        let mut two = |at: usize| {
            let (tens, ones) = (form[at].wrapping_sub(b'0'), form[at + 1].wrapping_sub(b'0'));
            wrong |= tens > 9 || ones > 9;
            u32::from(tens) * 10 + u32::from(ones)
        };
        let year = two(0) * 100 + two(2);
        let (month, day, hour, minute, second) = (two(5), two(8), two(11), two(14), two(17));
        // What is at the end of the writable years is left to the careful reader.
        if wrong || !(1..9999).contains(&year) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days(year, month, day)? * SECONDS_OF_DAY + i64::from(hour * 3600 + minute * 60 + second);
        let [b'.', fraction @ ..] = rest else { return Some((Self { seconds, nanoseconds: 0 }, rest)) };
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let padded = fraction[..digits].iter().chain(std::iter::repeat_n(&b'0', 9 - digits));
        let nanoseconds = padded.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        Some((Self { seconds, nanoseconds }, &fraction[digits..]))
    }

    /// The same reading of a clock that goes so many seconds ahead of UTC.
    pub(super) const fn east(self, seconds: i32) -> Self {
        Self { seconds: self.seconds - seconds as i64, nanoseconds: self.nanoseconds }
    }

    /// For the calendar; the end of time beyond it.
    #[must_use]
    pub fn time(self) -> Timestamp {
        Timestamp::from_timestamp(self.seconds, self.nanoseconds).unwrap_or(Timestamp::MAX_UTC)
    }

    /// Whole seconds since 1970-01-01.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Whole milliseconds since 1970-01-01.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.seconds * 1000 + (self.nanoseconds / 1_000_000) as i64
    }

    /// So many milliseconds after 1970-01-01.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let nanoseconds = u32::try_from(millis.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
        Self { seconds: millis.div_euclid(1000), nanoseconds }
    }

    /// How long it lies behind an earlier one; zero if the clock went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        if self.is_leap() || earlier.is_leap() {
            return (self.time() - earlier.time()).to_std().unwrap_or_default();
        }
        let (borrowed, nanoseconds) = match self.nanoseconds.checked_sub(earlier.nanoseconds) {
            Some(nanoseconds) => (0, nanoseconds),
            None => (1, self.nanoseconds + NANOSECONDS - earlier.nanoseconds),
        };
        u64::try_from(self.seconds - earlier.seconds - borrowed)
            .map_or(Duration::ZERO, |seconds| Duration::new(seconds, nanoseconds))
    }

    const fn is_leap(self) -> bool {
        self.nanoseconds >= NANOSECONDS
    }

    /// Appends the provider's form, to the second: [`wire`].
    pub fn push_wire(self, out: &mut Vec<u8>) {
        let day = u32::try_from(self.seconds.div_euclid(SECONDS_OF_DAY) + BEFORE_1970).ok();
        let Some((year @ 0..=9999, month, day)) = day.map(calendar) else {
            out.extend(wire(self.time()).into_bytes());
            return;
        };
        let of_day = u32::try_from(self.seconds.rem_euclid(SECONDS_OF_DAY)).unwrap_or_default();
        let mut text = *b"0000-00-00T00:00:00Z";
        let parts = [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, of_day / 3600),
            (14, of_day / 60 % 60),
            (17, of_day % 60),
        ];
        for (at, part) in parts {
            let [tens_and_ones, ..] = part.to_le_bytes();
            text[at] += tens_and_ones / 10;
            text[at + 1] += tens_and_ones % 10;
        }
        out.extend_from_slice(&text);
    }

    /// The provider's form.
    #[must_use]
    pub fn wire(self) -> String {
        wire(self.time())
    }
}

/// The days of four hundred years, after which the calendar repeats itself.
const DAYS_OF_ERA: u32 = 400 * 365 + 97;

/// How many days lie between the first of March of the year 0 and 1970-01-01.
const BEFORE_1970: i64 = 719_468;

/// How many days before a month of a year that begins with March.
const fn before_month(month_from_march: u32) -> u32 {
    // 31 30 31 30 31, and again, and again: 153 days in five months.
    (month_from_march * 153 + 2) / 5
}

/// Days since 1970-01-01 of a date of the years 1 to 9999; `None`: there is no such day.
fn days(year: u32, month: u32, day: u32) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // With March as the first month the leap day is the last day of its year.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let first_of_year = year * 365 + year / 4 - year / 100 + year / 400;
    Some(i64::from(first_of_year + before_month(month) + day - 1) - BEFORE_1970)
}

/// Year, month and day of a day since the first of March of the year 0.
const fn calendar(day: u32) -> (u32, u32, u32) {
    let (era, of_era) = (day / DAYS_OF_ERA, day % DAYS_OF_ERA);
    // Without the leap days that lie before it, each year of the era has as many days as any other.
    let leap_days = of_era / (4 * 365) - of_era / (100 * 365 + 24) + of_era / (DAYS_OF_ERA - 1);
    let year = (of_era - leap_days) / 365;
    let of_year = of_era - (year * 365 + year / 4 - year / 100);
    let month = (of_year * 5 + 2) / 153;
    let day = of_year - before_month(month) + 1;
    let year = year + era * 400;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike as _, NaiveDate};
    use proptest::prelude::*;

    #[test]
    fn every_day_of_ten_thousand_years_is_that_of_the_calendar() {
        let first = NaiveDate::from_ymd_opt(0, 3, 1).expect("a date");
        for (day, date) in (0..).zip(first.iter_days().take_while(|date| date.year() <= 9999)) {
            let year = u32::try_from(date.year()).expect("it is not negative");
            assert_eq!(calendar(day), (year, date.month(), date.day()));
            if year > 0 {
                assert_eq!(days(year, date.month(), date.day()), Some(i64::from(day) - BEFORE_1970), "{date}");
            }
        }
    }

    #[test]
    fn a_day_that_no_calendar_has_is_none() {
        for (year, month, day) in
            [(2026, 2, 29), (1900, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 5, 0)]
        {
            assert_eq!(days(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(days(2000, 2, 29).is_some());
    }

    /// Any second of the writable years, with a fraction; a leap second now and then.
    fn time() -> impl Strategy<Value = Timestamp> {
        let seconds = prop_oneof![-62_135_596_800..253_402_200_000_i64, 1_795_000_000..1_795_000_100_i64];
        (seconds, 0..1_100_000_000_u32).prop_map(|(seconds, nanoseconds)| {
            let leap = nanoseconds >= NANOSECONDS;
            let seconds = if leap { seconds - seconds.rem_euclid(60) + 59 } else { seconds };
            Timestamp::from_timestamp(seconds, nanoseconds).expect("it is in reach")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_moment_is_what_chrono_has(time in time(), earlier in time()) {
            let moment = Moment::from(time);
            prop_assert_eq!(moment.time(), time);
            prop_assert_eq!(moment.millis(), time.timestamp_millis());
            prop_assert_eq!(Moment::from_millis(moment.millis()).time(), Timestamp::from_timestamp_millis(time.timestamp_millis()).expect("it is in reach"));
            prop_assert_eq!(moment.since(earlier.into()), (time - earlier).to_std().unwrap_or_default());
            let mut written = b"at ".to_vec();
            moment.push_wire(&mut written);
            // A leap second has no place in a count of seconds; its own text says 60.
            if !moment.is_leap() {
                prop_assert_eq!(String::from_utf8(written).ok(), Some(format!("at {}", wire(time))));
            }
        }
    }
}
