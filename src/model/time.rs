//! Points in time, business dates in WIB, zones without rules, and spans such as `2h`.
//!
//! The clock is not here: the present arrives as an argument. Indonesia has no daylight saving, so fixed offsets are
//! all that a job needs.

use std::fmt;
use std::time::Duration;

use chrono::{
    DateTime, Datelike as _, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc,
};

use super::moment::Moment;

/// A point in time.
pub type Timestamp = DateTime<Utc>;

/// The provider's form, to the second: `2026-11-22T08:35:12Z` (`akulaku-guide.txt`, "Request-Timestamp").
#[must_use]
pub fn wire(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The form in files and the journal, to the millisecond: `2026-11-22T08:35:12.123Z`.
#[must_use]
pub fn stored(time: Timestamp) -> String {
    let milliseconds = time.timestamp_subsec_millis();
    let mut text = Vec::with_capacity("2026-11-22T08:35:12.123Z".len());
    Moment::from(time).push_wire(&mut text);
    // A leap second and a year of five digits are chrono's.
    if text.len() != "2026-11-22T08:35:12Z".len() || milliseconds > 999 {
        return time.to_rfc3339_opts(SecondsFormat::Millis, true);
    }
    text.truncate(text.len() - 1);
    text.push(b'.');
    text.extend([100, 10, 1].map(|unit| (milliseconds / unit % 10).to_be_bytes()[3] + b'0'));
    text.push(b'Z');
    String::from_utf8(text).unwrap_or_else(|_| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Reads RFC 3339 (`2026-11-22T08:35:12Z`, any offset) or the provider's fourteen digits, which are WIB
/// (`doku-api.md` 10.2, number 18).
#[must_use]
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    parse_moment(text).map(Moment::time)
}

/// The same as a plain number.
#[must_use]
pub fn parse_moment(text: &str) -> Option<Moment> {
    if let Some((local, rest)) = Moment::ordinary(text.as_bytes())
        && let Some(east) = offset(rest)
    {
        return Some(local.east(east));
    }
    careful_instant(text).map(Moment::from)
}

/// Any instant, read by chrono.
fn careful_instant(text: &str) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return writable(time.to_utc());
    }
    (text.len() == 14)
        .then(|| NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok())
        .flatten()
        .and_then(|local| Zone::WIB.instant(local))
}

/// Reads a time of an access log: as [`parse_instant`], or seconds since 1970 with a fraction or without
/// (`1795287731.123`), or `21/Nov/2026:18:02:11 +0700`.
#[must_use]
pub fn parse_logged(text: &str) -> Option<Timestamp> {
    let common = || DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S %z").ok().map(|time| time.to_utc());
    parse_instant(text).or_else(|| since_1970(text).or_else(common).and_then(writable))
}

/// From the digits: a float would not hold them all.
fn since_1970(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| (1..=11).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}");
    DateTime::from_timestamp(seconds.parse().ok()?, nanoseconds[..9].parse().ok()?)
}

/// A time whose year has four digits, in UTC and in WIB; any other could be read, but not written and read again.
fn writable(time: Timestamp) -> Option<Timestamp> {
    let four_digits = |year: i32| (0..=9999).contains(&year);
    let here = time.checked_add_signed(chrono::Duration::hours(7))?;
    (four_digits(time.year()) && four_digits(here.year())).then_some(time)
}

/// Reads a time of a CSV file: as [`parse_instant`], or without an offset, which `zone` then supplies:
/// `2026-11-21 18:02[:11]`, `2026-11-21T18:02[:11]`, `2026-11-21`. Day-first dates are not guessed at: see `time_style`.
#[must_use]
pub fn parse_local(text: &str, zone: Zone) -> Option<Timestamp> {
    parse_local_moment(text, zone).map(Moment::time)
}

/// The same as a plain number.
#[must_use]
pub fn parse_local_moment(text: &str, zone: Zone) -> Option<Moment> {
    match Moment::ordinary(text.as_bytes()) {
        // A year of an ordinary time stays writable in every zone.
        Some((local, [])) => Some(local.east(zone.0.local_minus_utc())),
        _ => parse_moment(text).or_else(|| careful_local(text, zone).map(Moment::from)),
    }
}

/// Any time without an offset, read by chrono.
fn careful_local(text: &str, zone: Zone) -> Option<Timestamp> {
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let local = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN)))?;
    zone.instant(local)
}

/// `Z` or `+07:00`, in seconds.
fn offset(text: &[u8]) -> Option<i32> {
    let (sign, [h, hh, b':', m, mm]) = (match text {
        b"Z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    }) else {
        return None;
    };
    let (hours, minutes) = (two_digits(*h, *hh)?, two_digits(*m, *mm)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn two_digits(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i32::from(tens) * 10 + i32::from(ones))
}

/// A fixed offset from UTC, by name or as `+07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(FixedOffset);

impl Zone {
    /// Western Indonesian Time, the business zone of the provider.
    pub const WIB: Self = Self(FixedOffset::east_opt(7 * 3600).expect("seven hours is an offset"));
    /// UTC.
    pub const UTC: Self = Self(FixedOffset::east_opt(0).expect("zero is an offset"));
    /// The names that a job may use.
    pub const NAMES: [&'static str; 7] =
        ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "WIB", "WITA", "WIT", "UTC"];

    /// Reads a name or an offset.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hours = match text {
            "Asia/Jakarta" | "Asia/Pontianak" | "WIB" => 7,
            "Asia/Makassar" | "Asia/Ujung_Pandang" | "WITA" => 8,
            "Asia/Jayapura" | "WIT" => 9,
            "UTC" | "Z" | "Etc/UTC" => 0,
            _ => return text.parse().ok().map(Self),
        };
        FixedOffset::east_opt(hours * 3600).map(Self)
    }

    /// The instant of a local time.
    #[must_use]
    pub fn instant(self, local: NaiveDateTime) -> Option<Timestamp> {
        local.and_local_timezone(self.0).single().and_then(|time| writable(time.to_utc()))
    }

    /// The local time of an instant.
    #[must_use]
    pub fn local(self, time: Timestamp) -> NaiveDateTime {
        time.with_timezone(&self.0).naive_local()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0.local_minus_utc() {
            25_200 => "WIB",
            28_800 => "WITA",
            32_400 => "WIT",
            0 => "UTC",
            _ => return write!(out, "{}", self.0),
        };
        out.write_str(name)
    }
}

/// For people: `2026-11-22 15:35:12 WIB`.
#[must_use]
pub fn for_people(time: Timestamp) -> String {
    format!("{} WIB", Zone::WIB.local(time).format("%Y-%m-%d %H:%M:%S"))
}

/// A clock may be corrected by this much before what it wrote counts as wrong.
pub const CORRECTION: Duration = Duration::from_secs(5 * 60);

/// When a business day ends and the next one begins, in WIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoff {
    /// Minutes after midnight; 0: at midnight.
    minutes: u16,
}

impl Cutoff {
    /// At midnight.
    pub const MIDNIGHT: Self = Self { minutes: 0 };

    /// So many minutes after midnight, less than a day.
    #[must_use]
    pub const fn at(minutes: u16) -> Option<Self> {
        if minutes < 24 * 60 { Some(Self { minutes }) } else { None }
    }

    /// The business day of an instant: what happens after the cut-off belongs to the day after.
    #[must_use]
    pub fn date(self, time: Timestamp) -> BusinessDate {
        let shifted = time.checked_add_signed(chrono::Duration::minutes(self.until_midnight())).unwrap_or(time);
        BusinessDate::of(shifted)
    }

    /// The business day in days from 1970-01-01, if it lies in reach: that of [`Self::date`], without a calendar.
    #[must_use]
    pub fn day(self, time: impl Into<Moment>) -> Option<u16> {
        let local = time.into().seconds() + i64::from(Zone::WIB.0.local_minus_utc()) + self.until_midnight() * 60;
        u16::try_from(local.div_euclid(24 * 60 * 60)).ok()
    }

    fn until_midnight(self) -> i64 {
        if self.minutes == 0 { 0 } else { 24 * 60 - i64::from(self.minutes) }
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

/// A day in WIB; a day in the provider's reports is one too (`doku-api.md` 10.2, number 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusinessDate(NaiveDate);

impl BusinessDate {
    /// The business date of an instant.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(Zone::WIB.local(time).date())
    }

    /// The date that lies so many days after 1970-01-01.
    #[must_use]
    pub fn from_day(days: u16) -> Option<Self> {
        NaiveDate::default().checked_add_days(Days::new(u64::from(days))).map(Self)
    }

    /// How many days it lies after 1970-01-01; `None` before that day and after the year 2148.
    #[must_use]
    pub fn day(self) -> Option<u16> {
        u16::try_from(self.0.signed_duration_since(NaiveDate::default()).num_days()).ok()
    }

    /// The first and the last day of its month.
    #[must_use]
    pub fn month(self) -> (Self, Self) {
        let first = self.0.with_day(1).unwrap_or(self.0);
        let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(first);
        (Self(first), Self(last))
    }

    /// Reads `2026-11-21`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Self)
    }

    /// Replaces `{date}` by `2026-11-21`, and `{date:%Y%m%d}` by that form.
    ///
    /// # Errors
    /// The pattern that is not understood, for the message.
    pub fn fill(self, template: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, tail) = after.split_once('}').ok_or_else(|| format!("{{{after}"))?;
            out.push_str(before);
            let form = match inside {
                "date" => "%Y-%m-%d",
                other => other.strip_prefix("date:").ok_or_else(|| format!("{{{inside}}}"))?,
            };
            if !is_date_form(form) {
                return Err(format!("{{{inside}}}"));
            }
            out.push_str(&self.0.format(form).to_string());
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Year, month and day in some form: `%Y %y %m %d %j` and no other, for chrono panics at the hour of a date.
fn is_date_form(form: &str) -> bool {
    form.split('%').skip(1).all(|part| part.starts_with(['Y', 'y', 'm', 'd', 'j']))
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// Ten years: nothing that is waited for or looked back at is longer.
pub const LONGEST_SPAN: Duration = Duration::from_secs(3_660 * 86_400);

/// Reads a span: `250ms`, `30s`, `5m`, `2h`, `3d`. `None` for anything else; there is no default unit.
#[must_use]
pub fn parse_span(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis).filter(|span| *span <= LONGEST_SPAN)
}

/// Writes a span as a job would: the largest unit that divides it.
#[must_use]
pub fn span_text(span: Duration) -> String {
    let milliseconds = span.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if milliseconds >= size && milliseconds.is_multiple_of(size) {
            return format!("{}{unit}", milliseconds / size);
        }
    }
    format!("{milliseconds}ms")
}

/// `later - earlier`, zero if the clock went back.
#[must_use]
pub fn elapsed(earlier: Timestamp, later: Timestamp) -> Duration {
    (later - earlier).to_std().unwrap_or_default()
}

/// `time + span`, the end of time beyond it.
#[must_use]
pub fn after(time: Timestamp, span: Duration) -> Timestamp {
    chrono::Duration::from_std(span).ok().and_then(|span| time.checked_add_signed(span)).unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fourteen_digits_are_wib_and_z_is_utc() {
        assert_eq!(parse_instant("20211229093735"), parse_instant("2021-12-29T02:37:35Z"));
        assert_eq!(parse_instant("2021-12-29T09:37:35+07:00"), parse_instant("2021-12-29T02:37:35Z"));
        assert_eq!(parse_instant("29/12/2021 09:37"), None);
    }

    #[test]
    fn a_time_without_an_offset_takes_the_zone_of_the_job() {
        let expected = parse_instant("2026-11-21T11:02:00Z");
        assert_eq!(parse_local("2026-11-21 18:02", Zone::WIB), expected);
        assert_eq!(parse_local("2026-11-21T18:02:00", Zone::WIB), expected);
        assert_eq!(Zone::parse("Asia/Makassar").and_then(|zone| parse_local("2026-11-21 19:02:00", zone)), expected);
        assert_eq!(parse_local("11/21/2026", Zone::WIB), None);
    }

    #[test]
    fn a_time_that_could_not_be_written_is_not_read() {
        for text in ["+262142-12-31 23:59:59", "-262143-01-01 00:00", "-0001-01-01", "+12026-11-21 18:02"] {
            assert_eq!(parse_local(text, Zone::UTC), None, "{text}");
        }
        for text in ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00+07:00"] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
        assert!(
            parse_instant("9999-12-31T16:59:59Z").is_some_and(|time| for_people(time).starts_with("9999-12-31 23:59"))
        );
    }

    #[test]
    fn a_zone_is_shown_by_name_only_if_it_is_that_zone() {
        for (text, shown) in [("+07:00", "WIB"), ("+07:30", "+07:30"), ("-00:30", "-00:30"), ("Asia/Makassar", "WITA")]
        {
            assert_eq!(Zone::parse(text).map(|zone| zone.to_string()).as_deref(), Some(shown));
        }
    }

    #[test]
    fn a_business_date_begins_at_17_utc() {
        let late = parse_instant("2026-11-21T17:00:00Z").map(BusinessDate::of);
        assert_eq!(late, BusinessDate::parse("2026-11-22"));
    }

    #[test]
    fn dates_are_filled_into_paths() {
        let date = BusinessDate::parse("2026-11-21").expect("a date");
        assert_eq!(date.fill("a/{date}.csv"), Ok("a/2026-11-21.csv".to_owned()));
        assert_eq!(date.fill("r-{date:%Y%m%d}-{date:%d}.csv"), Ok("r-20261121-21.csv".to_owned()));
        for bad in ["{dat}", "{date", "{date:%Q}", "{date:%H}", "{date:%", "{date:%}", "{date:%Y%T}", "{date:%%%}"] {
            assert!(date.fill(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn an_ordinary_time_is_read_as_chrono_reads_it(
            date in "[0-9]{2}[0-2][0-9]-[01][0-9]-[0-3][0-9]",
            between in "[T t]",
            time in "[0-2][0-9]:[0-6][0-9](:[0-6][0-9])?",
            fraction in "(|\\.[0-9]{0,10})",
            offset in "(|Z|z| |[+-][0-2][0-9]:?[0-6][0-9])",
            change in prop::option::weighted(0.2, (0..30_usize, "[0-9:.ZT +a-]")),
        ) {
            let mut text = format!("{date}{between}{time}{fraction}{offset}");
            if let Some((at, other)) = change {
                let at = at.min(text.len() - 1);
                text.replace_range(at..=at, &other);
            }
            prop_assert_eq!(parse_instant(&text), careful_instant(&text));
            let zone = Zone::WIB;
            prop_assert_eq!(parse_local(&text, zone), careful_instant(&text).or_else(|| careful_local(&text, zone)));
        }
    }

    proptest! {
        #[test]
        fn a_business_day_is_that_of_the_calendar(
            seconds in prop_oneof![-62_135_596_800..253_402_200_000_i64, -100_000..200_000_i64, 5_661_900_000..5_662_200_000_i64],
            nanoseconds in 0..2_000_000_000_u32,
            minutes in 0..24 * 60_u16,
        ) {
            let leap = nanoseconds >= 1_000_000_000;
            let seconds = if leap { seconds - seconds.rem_euclid(60) + 59 } else { seconds };
            let time = DateTime::from_timestamp(seconds, nanoseconds).expect("it is in reach");
            let cutoff = Cutoff::at(minutes).expect("it is less than a day");
            prop_assert_eq!(cutoff.day(time), cutoff.date(time).day());
        }
    }

    #[test]
    fn everyday_times_take_the_short_way() {
        for text in ["2026-11-21T18:02:11Z", "2026-11-21T18:02:11.123Z", "2026-11-21T18:02:11.123456+07:00"] {
            let (_, rest) = Moment::ordinary(text.as_bytes()).expect("it is ordinary");
            assert!(offset(rest).is_some(), "{text}");
        }
        assert_eq!(Moment::ordinary(b"2026-11-21 18:02:11").map(|(_, rest)| rest), Some(&b""[..]));
    }

    #[test]
    fn the_times_of_access_logs_are_read() {
        let cases = [
            ("1795258931", "2026-11-21T11:02:11Z"),
            ("1795258931.123", "2026-11-21T11:02:11.123Z"),
            ("1795258931.12345678912", "2026-11-21T11:02:11.123456789Z"),
            ("21/Nov/2026:18:02:11 +0700", "2026-11-21T11:02:11Z"),
            ("2026-11-21T18:02:11+07:00", "2026-11-21T11:02:11Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_logged(text), parse_instant(expected), "{text}");
        }
        for text in
            ["", ".", "1795258931.", "-1", "1.795e9", "1795258931123", "999999999999", "21/11/2026:18:02:11 +0700"]
        {
            assert_eq!(parse_logged(text), None, "{text}");
        }
    }

    #[test]
    fn spans_need_a_unit_and_come_back_as_written() {
        for text in ["250ms", "30s", "5m", "2h", "3d"] {
            assert_eq!(parse_span(text).map(span_text).as_deref(), Some(text));
        }
        for text in ["", "5", "s", "1.5h", "-1s", "2 h", "5w"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
