//! The sections `limits`, `retries`, `breaker`, `canary` and `window`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::reader::{Reader, Section};
use super::settings::{Breaker, Limits, Quota, Retries, Window};
use super::values::whole;
use super::yaml::{Node, Value};
use crate::model::time::{LONGEST_SPAN, Zone, parse_span, span_text};

/// DOKU asks for this much time before a status inquiry (`doku-api.md` 4).
pub(super) const SOONEST_INQUIRY: Duration = Duration::from_secs(60);

/// Beyond these nothing was meant: a few zeros too many must not become sockets, memory or years of waiting.
const MOST_PER_SECOND: u32 = 100_000;
const MOST_BURST: u32 = 10_000;
const MOST_AT_ONCE: u32 = 1_024;
const MOST_ATTEMPTS: u32 = 100;
const MOST_COUNTED: u32 = 100_000;
const LONGEST_CALL: Duration = Duration::from_secs(600);
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
const LONGEST_HORIZON: Duration = Duration::from_secs(30 * 86_400);

/// What a rate is, in messages.
pub(super) const RATE: &str = "a rate such as 5/s or 90/m, at most 100000 a second";

const SPAN: &str = "a time such as 250ms, 30s, 5m, 2h or 3d";

pub(super) fn read_limits(reader: &mut Reader<'_>, node: Option<&Node>) -> Limits {
    let mut limits = Limits::default();
    let keys = ["rate", "burst", "concurrency", "timeout"];
    let Some(section) = node.and_then(|node| reader.section(node, "limits", &keys)) else { return limits };
    if let Some(rate) = section.get("rate").and_then(|node| read_rate(reader, node)) {
        limits.rate = rate;
    }
    read_count(reader, &section, "limits", "burst", MOST_BURST, &mut limits.burst);
    read_count(reader, &section, "limits", "concurrency", MOST_AT_ONCE, &mut limits.concurrency);
    read_span_to(reader, &section, "limits", "timeout", LONGEST_CALL, &mut limits.timeout);
    refuse_zero(reader, &section, "limits", "timeout", limits.timeout, "30s is usual");
    limits
}

/// `5/s`, `90/m`, a list of both, or `unlimited`, which is the empty list.
fn read_rate(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Quota>> {
    match &node.value {
        Value::Scalar(text) if text == "unlimited" => Some(Vec::new()),
        Value::List(items) => {
            let quotas: Vec<Quota> =
                items.iter().filter_map(|item| reader.parse(item, "limits.rate", RATE, parse_quota)).collect();
            if items.is_empty() {
                reader.fault(node, "limits.rate is an empty list", format!("write {RATE}"));
            }
            (!quotas.is_empty()).then_some(quotas)
        }
        _ => reader.parse(node, "limits.rate", RATE, parse_quota).map(|quota| vec![quota]),
    }
}

pub(super) fn parse_quota(text: &str) -> Option<Quota> {
    let (calls, unit) = text.split_once('/')?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let calls = whole::<NonZeroU32>(calls).filter(|calls| calls.get() <= MOST_PER_SECOND * seconds)?;
    Some(Quota { calls, per: Duration::from_secs(seconds.into()) })
}

pub(super) fn read_retries(reader: &mut Reader<'_>, node: Option<&Node>) -> Retries {
    let mut retries = Retries::default();
    let keys = ["attempts", "backoff", "horizon", "inquire_after", "settle_for"];
    let Some(section) = node.and_then(|node| reader.section(node, "retries", &keys)) else { return retries };
    read_count(reader, &section, "retries", "attempts", MOST_ATTEMPTS, &mut retries.attempts);
    if let Some(node) = section.get("backoff")
        && let Some((first, most)) =
            reader.parse(node, "retries.backoff", "a range such as 5s..60s, to at most 1d", parse_range)
    {
        (retries.backoff_first, retries.backoff_most) = (first, most);
    }
    read_span_to(reader, &section, "retries", "horizon", LONGEST_HORIZON, &mut retries.horizon);
    refuse_zero(reader, &section, "retries", "horizon", retries.horizon, "24h is usual");
    read_span_to(reader, &section, "retries", "inquire_after", LONGEST_WAIT, &mut retries.inquire_after);
    read_span_to(reader, &section, "retries", "settle_for", LONGEST_WAIT, &mut retries.settle_for);
    retries
}

fn parse_range(text: &str) -> Option<(Duration, Duration)> {
    let (first, most) = text.split_once("..")?;
    let (first, most) = (parse_span(first)?, parse_span(most)?);
    (first <= most && most <= LONGEST_WAIT).then_some((first, most))
}

pub(super) fn read_breaker(reader: &mut Reader<'_>, node: Option<&Node>) -> Breaker {
    let mut breaker = Breaker::default();
    let Some(section) = node.and_then(|node| reader.section(node, "breaker", &["consecutive", "failures", "of_last"]))
    else {
        return breaker;
    };
    read_count(reader, &section, "breaker", "consecutive", MOST_COUNTED, &mut breaker.consecutive);
    read_count(reader, &section, "breaker", "of_last", MOST_COUNTED, &mut breaker.of_last);
    if let Some(percent) = section.get("failures").and_then(|node| read_percent(reader, node, "breaker.failures")) {
        breaker.failures = percent;
    }
    breaker
}

pub(super) fn read_canary(reader: &mut Reader<'_>, node: &Node) -> Option<NonZeroU32> {
    read_whole(reader, node, "canary", MOST_COUNTED)
}

pub(super) fn read_window(reader: &mut Reader<'_>, node: &Node) -> Option<Window> {
    let section = reader.section(node, "window", &["from", "until", "zone"])?;
    let mut minutes = |key: &str| {
        let node = reader.required(&section, "window", key, "a time of day such as \"00:45\"")?;
        reader.parse(node, &format!("window.{key}"), "a time of day such as \"00:45\"", parse_minutes)
    };
    let (from, until) = (minutes("from"), minutes("until"));
    let zone = read_zone(reader, section.get("zone"), "window.zone");
    let window = Window { from: from?, until: until?, zone };
    if window.from == window.until {
        reader.fault(node, "the window is never open", "from and until must differ");
    }
    Some(window)
}

/// Minutes after midnight, of a time such as `00:45`.
#[must_use]
pub fn parse_minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| match part.as_bytes() {
        [b'0', _] => whole::<u16>(&part[1..]),
        [_, _] => whole(part),
        _ => None,
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

pub(super) fn read_zone(reader: &mut Reader<'_>, node: Option<&Node>, what: &str) -> Zone {
    let expected = "a zone: Asia/Jakarta, Asia/Makassar, Asia/Jayapura, UTC or an offset such as +07:00";
    node.and_then(|node| reader.parse(node, what, expected, Zone::parse)).unwrap_or(Zone::WIB)
}

pub(super) fn read_percent(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<u8> {
    reader.parse(node, what, "a percentage such as 10%", parse_percent)
}

pub(super) fn parse_percent(text: &str) -> Option<u8> {
    let number = text.strip_suffix('%')?;
    whole(number).filter(|percent| (1..=100).contains(percent))
}

fn read_count(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    within: &str,
    key: &str,
    most: u32,
    value: &mut NonZeroU32,
) {
    if let Some(node) = section.get(key)
        && let Some(read) = read_whole(reader, node, &format!("{within}.{key}"), most)
    {
        *value = read;
    }
}

fn read_whole(reader: &mut Reader<'_>, node: &Node, what: &str, most: u32) -> Option<NonZeroU32> {
    let read = |text: &str| whole::<NonZeroU32>(text).filter(|number| number.get() <= most);
    reader.parse(node, what, &format!("a whole number from 1 to {most}"), read)
}

pub(super) fn read_span(reader: &mut Reader<'_>, section: &Section<'_>, within: &str, key: &str, value: &mut Duration) {
    read_span_to(reader, section, within, key, LONGEST_SPAN, value);
}

fn read_span_to(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    within: &str,
    key: &str,
    longest: Duration,
    value: &mut Duration,
) {
    let Some(node) = section.get(key) else { return };
    let expected = format!("{SPAN}, and at most {}", span_text(longest));
    let read = |text: &str| parse_span(text).filter(|span| *span <= longest);
    if let Some(read) = reader.parse(node, &format!("{within}.{key}"), &expected, read) {
        *value = read;
    }
}

fn refuse_zero(reader: &mut Reader<'_>, section: &Section<'_>, within: &str, key: &str, read: Duration, hint: &str) {
    if let Some(node) = section.get(key)
        && read.is_zero()
    {
        reader.fault(node, format!("{within}.{key} is zero"), hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_calls_per_second_minute_or_hour() {
        let quota =
            |calls, seconds| Some(Quota { calls: NonZeroU32::new(calls).unwrap(), per: Duration::from_secs(seconds) });
        assert_eq!(parse_quota("5/s"), quota(5, 1));
        assert_eq!(parse_quota("90/m"), quota(90, 60));
        assert_eq!(parse_quota("100000/s"), quota(100_000, 1));
        assert_eq!(parse_quota("360000000/h"), quota(360_000_000, 3600));
        for text in ["100001/s", "6000001/m", "360000001/h", "5", "0/s", "-1/s", "5/d", "5 / s", "1.5/s", "/s", "+5/s"]
        {
            assert_eq!(parse_quota(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_has_four_digits() {
        assert_eq!(parse_minutes("00:45"), Some(45));
        assert_eq!(parse_minutes("23:59"), Some(23 * 60 + 59));
        for text in ["24:00", "7:00", "07:60", "0745", "07:5"] {
            assert_eq!(parse_minutes(text), None, "{text}");
        }
    }

    #[test]
    fn a_backoff_does_not_shrink() {
        assert_eq!(parse_range("5s..1m"), Some((Duration::from_secs(5), Duration::from_secs(60))));
        assert_eq!(parse_range("5s..1s"), None);
        assert_eq!(parse_range("5s..25h"), None);
        assert_eq!(parse_range("5s"), None);
    }
}
