//! Times as CSV files write them: the year first, or the day, as in Indonesia.
//!
//! Nothing is guessed. What could only be meant in another style than the declared one is told as that, for it disproves the
//! declaration for the whole file: `03/04/2026` would be read without a word, and wrongly.

use std::ops::RangeInclusive;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::moment::Moment;
use super::time::{Timestamp, Zone, parse_local_moment};

/// How a CSV file writes times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeStyle {
    /// The year first.
    Iso,
    /// The year first, or the day: `21/11/2026 18:02`, `21-11-2026`, `21.11.2026, 18.02.11`.
    Id,
}

/// Why a text is not taken for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATime {
    /// No form that is read.
    #[error("is not a time")]
    Form,
    /// Of the right form, but no such day, hour or minute.
    #[error("is no day or hour that there is")]
    None,
    /// `21/11/26`.
    #[error("has a year of two digits")]
    ShortYear,
    /// `11/21/2026`, where the day is said to come first.
    #[error("has the month first")]
    MonthFirst,
    /// `1899-12-30`, `01/01/1970`.
    #[error("is before 2000, as spreadsheets and databases write a time that is not there")]
    Early,
}

/// 2000-01-01 in the easternmost zone there is. No order is older than Akulaku.
const EARLIEST: i64 = 946_684_800 - 14 * 60 * 60;

impl TimeStyle {
    /// Reads a time of a CSV file. Without an offset it is one of `zone`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(self, text: &str, zone: Zone) -> Result<Moment, NotATime> {
        let year_first = if is_tidy(text) { parse_local_moment(text, zone) } else { None };
        let time = match (year_first, self) {
            (Some(time), _) => time,
            (None, Self::Iso) => return Err(NotATime::Form),
            (None, Self::Id) => zone.instant(day_first(text)?).map(Moment::from).ok_or(NotATime::None)?,
        };
        if time.seconds() < EARLIEST { Err(NotATime::Early) } else { Ok(time) }
    }

    /// The first and the last moment that it may mean: a date without a time is a whole day.
    #[must_use]
    pub fn read_span(self, text: &str, zone: Zone) -> Option<(Timestamp, Timestamp)> {
        let first = self.read(text, zone).ok()?.time();
        // Fourteen digits are a date and a time.
        let is_day = !text.contains([' ', ':', 'T', 't']) && text.contains(['-', '/', '.']);
        Some((first, if is_day { first + chrono::Duration::days(1) } else { first }))
    }
}

/// Whether there is nothing around or within it that only a lenient reader passes over: blanks, and a sign.
fn is_tidy(text: &str) -> bool {
    let bytes = text.as_bytes();
    let between_digits = |at: usize| {
        let neighbours = [at.wrapping_sub(1), at + 1].map(|at| bytes.get(at).copied());
        neighbours.iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_digit() || byte == b','))
    };
    bytes.first().is_some_and(u8::is_ascii_digit)
        && bytes.iter().enumerate().all(|(at, byte)| !byte.is_ascii_whitespace() || between_digits(at))
}

/// A date, or a date and a time: the day first, the year with four digits.
fn day_first(text: &str) -> Result<NaiveDateTime, NotATime> {
    let (date, rest) = text.split_at(text.find([' ', ',', 'T', 't']).unwrap_or(text.len()));
    let separator = date.chars().find(|found| matches!(found, '/' | '-' | '.')).ok_or(NotATime::Form)?;
    let [day, month, year] = date.split(separator).collect::<Vec<_>>()[..] else { return Err(NotATime::Form) };
    let (day, month) = (number(day, 1..=2)?, number(month, 1..=2)?);
    let (year, is_short) = match number(year, 4..=4) {
        Ok(year) => (year, false),
        Err(_) => (2000 + number(year, 2..=2)?, true),
    };
    let year = i32::try_from(year).map_err(|_too_large| NotATime::Form)?;
    let on = |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let date = on(month, day);
    if date.is_none() && on(day, month).is_some() {
        return Err(NotATime::MonthFirst);
    }
    if is_short {
        return Err(NotATime::ShortYear);
    }
    let (hour, minute, second) = match rest.strip_prefix(", ").or_else(|| rest.strip_prefix(' ')) {
        Some(time) => clock(time)?,
        None if rest.is_empty() => (0, 0, 0),
        None => return Err(NotATime::Form),
    };
    let time = NaiveTime::from_hms_opt(hour, minute, second);
    date.zip(time).map(|(date, time)| date.and_time(time)).ok_or(NotATime::None)
}

/// `18:02`, `18.02.11`.
fn clock(text: &str) -> Result<(u32, u32, u32), NotATime> {
    let parts: Vec<&str> = text.split(if text.contains(':') { ':' } else { '.' }).collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(NotATime::Form),
    };
    Ok((number(hour, 1..=2)?, number(minute, 2..=2)?, number(second, 2..=2)?))
}

fn number(text: &str, digits: RangeInclusive<usize>) -> Result<u32, NotATime> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().ok_or(NotATime::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{parse_instant, parse_local};

    const ZONE: Zone = Zone::WIB;

    #[test]
    fn the_day_comes_first_where_it_is_said_to() {
        for (text, iso) in [
            ("21/11/2026 18:02", "2026-11-21 18:02"),
            ("21/11/2026 18:02:11", "2026-11-21 18:02:11"),
            ("21/11/2026, 18.02.11", "2026-11-21 18:02:11"),
            ("3-4-2026 9.05", "2026-04-03 09:05"),
            ("03.04.2026", "2026-04-03"),
            ("2026-11-21 18:02", "2026-11-21 18:02"),
            ("2026-11-21T18:02:11+08:00", "2026-11-21T18:02:11+08:00"),
        ] {
            let read = TimeStyle::Id.read(text, ZONE).map(Moment::time);
            assert_eq!(read.ok(), parse_local(iso, ZONE), "{text}");
            assert!(read.is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_says_why() {
        use NotATime::{Early, Form, MonthFirst, None, ShortYear};
        for (text, why) in [
            ("11/21/2026", MonthFirst),
            ("11/21/2026 18:02", MonthFirst),
            ("11/21/2026 10:00 PM", MonthFirst),
            ("11/21/2026 10:00:00.5", MonthFirst),
            ("11/21/2026T10:00", MonthFirst),
            ("11/21/2026 10:00 ", MonthFirst),
            ("11/21/26", MonthFirst),
            (" 2026-11-23", Form),
            ("  2026-11-23", Form),
            ("+2026-11-23", Form),
            ("2026- 11-23", Form),
            ("2026-11-23 ", Form),
            (" 21/11/2026", Form),
            ("21/11/2026T10:00", Form),
            ("31/02/2026", None),
            ("21/13/2026", None),
            ("21/11/26", ShortYear),
            ("21/11/02026", Form),
            ("021/11/2026", Form),
            ("21/11-2026", Form),
            ("21/11/2026 ", Form),
            ("21/11/2026  18:02", Form),
            ("21/11/2026 24:00", None),
            ("21/11/2026 18", Form),
            ("21/11/2026 18:2", Form),
            ("21/11/2026 18:02.11", Form),
            ("21/11/2026 18:02:60", None),
            ("21/11/2026 18:02:11 PM", Form),
            ("+1/11/2026", Form),
            ("21//2026", Form),
            ("46347.75", Form),
            ("18:02", Form),
            ("30/12/1899", Early),
            ("01/01/1970", Early),
            ("0001-01-01", Early),
            ("0026-11-22 10:00", Early),
            ("1999-12-31 00:00", Early),
        ] {
            assert_eq!(TimeStyle::Id.read(text, ZONE), Err(why), "{text}");
        }
        for text in ["21/11/2026 18:02", " 2026-11-23", "+2026-11-23", "2026- 11-23", "2026-11-23\t"] {
            assert_eq!(TimeStyle::Iso.read(text, ZONE), Err(Form), "{text}");
        }
        assert!(TimeStyle::Iso.read("2000-01-01", ZONE).is_ok());
    }

    #[test]
    fn a_date_without_a_time_is_a_whole_day() {
        for (text, last) in [
            ("2026-11-21", "2026-11-22"),
            ("21/11/2026", "2026-11-22"),
            ("1-1-2026", "2026-01-02"),
            ("2026-11-21 00:00", "2026-11-21"),
            ("1-1-2026 0.00", "2026-01-01"),
            ("20261121000000", "2026-11-21"),
        ] {
            let (_, until) = TimeStyle::Id.read_span(text, ZONE).unwrap();
            assert_eq!(Some(until), parse_local(last, ZONE), "{text}");
        }
        assert_eq!(parse_instant("20261121000000"), parse_local("2026-11-21", ZONE));
    }
}
