//! The sections `limits`, `retries`, `breaker`, `canary` and `window`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::reader::{Reader, Section};
use super::settings::{Breaker, Limits, Quota, Retries, Window};
use super::values::whole;
use super::yaml::{Node, Value};
use crate::model::time::{Zone, parse_span};

/// DOKU asks for this much time before a status inquiry (`doku-api.md` 4).
pub(super) const SOONEST_INQUIRY: Duration = Duration::from_secs(60);

const SPAN: &str = "a time such as 250ms, 30s, 5m, 2h or 3d";

pub(super) fn read_limits(reader: &mut Reader<'_>, node: Option<&Node>) -> Limits {
    let mut limits = Limits::default();
    let keys = ["rate", "burst", "concurrency", "timeout"];
    let Some(section) = node.and_then(|node| reader.section(node, "limits", &keys)) else { return limits };
    if let Some(rate) = section.get("rate").and_then(|node| read_rate(reader, node)) {
        limits.rate = rate;
    }
    read_count(reader, &section, "limits", "burst", &mut limits.burst);
    read_count(reader, &section, "limits", "concurrency", &mut limits.concurrency);
    read_span(reader, &section, "limits", "timeout", &mut limits.timeout);
    if limits.timeout.is_zero() {
        reader.fault(
            section.get("timeout").unwrap_or(node.expect("read above")),
            "limits.timeout is zero",
            "30s is usual",
        );
    }
    limits
}

/// `5/s`, `90/m`, a list of both, or `unlimited`, which is the empty list.
fn read_rate(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Quota>> {
    let expected = "a rate such as 5/s or 90/m";
    match &node.value {
        Value::Scalar(text) if text == "unlimited" => Some(Vec::new()),
        Value::List(items) => {
            let quotas: Vec<Quota> =
                items.iter().filter_map(|item| reader.parse(item, "limits.rate", expected, parse_quota)).collect();
            if items.is_empty() {
                reader.fault(node, "limits.rate is an empty list", format!("write {expected}"));
            }
            (!quotas.is_empty()).then_some(quotas)
        }
        _ => reader.parse(node, "limits.rate", expected, parse_quota).map(|quota| vec![quota]),
    }
}

pub(super) fn parse_quota(text: &str) -> Option<Quota> {
    let (calls, unit) = text.split_once('/')?;
    let per = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => return None,
    };
    Some(Quota { calls: parse_count(calls)?, per })
}

fn parse_count(text: &str) -> Option<NonZeroU32> {
    whole(text)
}

pub(super) fn read_retries(reader: &mut Reader<'_>, node: Option<&Node>) -> Retries {
    let mut retries = Retries::default();
    let keys = ["attempts", "backoff", "horizon", "inquire_after", "settle_for"];
    let Some(section) = node.and_then(|node| reader.section(node, "retries", &keys)) else { return retries };
    read_count(reader, &section, "retries", "attempts", &mut retries.attempts);
    if let Some(node) = section.get("backoff")
        && let Some((first, most)) = reader.parse(node, "retries.backoff", "a range such as 5s..60s", parse_range)
    {
        (retries.backoff_first, retries.backoff_most) = (first, most);
    }
    read_span(reader, &section, "retries", "horizon", &mut retries.horizon);
    read_span(reader, &section, "retries", "inquire_after", &mut retries.inquire_after);
    read_span(reader, &section, "retries", "settle_for", &mut retries.settle_for);
    retries
}

fn parse_range(text: &str) -> Option<(Duration, Duration)> {
    let (first, most) = text.split_once("..")?;
    let (first, most) = (parse_span(first)?, parse_span(most)?);
    (first <= most).then_some((first, most))
}

pub(super) fn read_breaker(reader: &mut Reader<'_>, node: Option<&Node>) -> Breaker {
    let mut breaker = Breaker::default();
    let Some(section) = node.and_then(|node| reader.section(node, "breaker", &["consecutive", "failures", "of_last"]))
    else {
        return breaker;
    };
    read_count(reader, &section, "breaker", "consecutive", &mut breaker.consecutive);
    read_count(reader, &section, "breaker", "of_last", &mut breaker.of_last);
    if let Some(percent) = section.get("failures").and_then(|node| read_percent(reader, node, "breaker.failures")) {
        breaker.failures = percent;
    }
    breaker
}

pub(super) fn read_canary(reader: &mut Reader<'_>, node: &Node) -> Option<NonZeroU32> {
    reader.parse(node, "canary", "a whole number from 1", parse_count)
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
    parse_count(number).and_then(|number| u8::try_from(number.get()).ok()).filter(|percent| *percent <= 100)
}

pub(super) fn read_count(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    within: &str,
    key: &str,
    value: &mut NonZeroU32,
) {
    let Some(node) = section.get(key) else { return };
    if let Some(read) = reader.parse(node, &format!("{within}.{key}"), "a whole number from 1", parse_count) {
        *value = read;
    }
}

pub(super) fn read_span(reader: &mut Reader<'_>, section: &Section<'_>, within: &str, key: &str, value: &mut Duration) {
    let Some(node) = section.get(key) else { return };
    if let Some(read) = reader.parse(node, &format!("{within}.{key}"), SPAN, parse_span) {
        *value = read;
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
        for text in ["5", "0/s", "-1/s", "5/d", "5 / s", "1.5/s", "/s", "+5/s"] {
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
        assert_eq!(parse_range("5s"), None);
    }
}
