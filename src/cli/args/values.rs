//! What stands behind a flag, read as what it means; the error says what it should be.

use std::time::Duration;

use crate::job::approval::{NAME, is_name};
use crate::job::limits::parse_minutes;
use crate::job::settings::Period;
use crate::model::language::Language;
use crate::model::operation::Operation;
use crate::model::time::{Zone, parse_span};

pub(super) fn person(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err(format!("it is {NAME}")) }
}

pub(super) fn language(text: &str) -> Result<Language, String> {
    let found = Language::WORDS.into_iter().find(|(word, _)| *word == text);
    found.map(|(_, language)| language).ok_or_else(|| "it is en or id".to_owned())
}

pub(super) fn time_of_day(text: &str) -> Result<u16, String> {
    parse_minutes(text).ok_or_else(|| "it is a time of day such as 02:00".to_owned())
}

pub(super) fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).ok_or_else(|| format!("it is one of {}, or an offset such as +07:00", Zone::NAMES.join(", ")))
}

pub(super) fn user(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let is_good = (1..=32).contains(&text.len()) && text.bytes().all(is_name) && !text.starts_with('-');
    if is_good { Ok(text.to_owned()) } else { Err("it is the name of a user".to_owned()) }
}

pub(super) fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).ok_or_else(|| "it is all, day, month, 2026-11-21, 2026-11 or 2026-11-01..2026-11-15".to_owned())
}

/// The least memory that an audit can be asked to do with: buffers for each thread, and a part or two.
const LEAST_MEMORY: u64 = 64 << 20;

pub(super) fn memory(text: &str) -> Result<u64, String> {
    bytes(text)
        .filter(|bytes| *bytes >= LEAST_MEMORY)
        .ok_or_else(|| "it is a size such as 512MiB or 2GiB, at least 64MiB".to_owned())
}

/// A size in bytes.
fn bytes(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (number, bits) = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(1 << bits)
}

pub(super) fn file_size(text: &str) -> Result<u64, String> {
    let size = bytes(text).filter(|bytes| (1 << 20..=1 << 40).contains(bytes));
    size.ok_or_else(|| "it is a size such as 64MiB, from 1MiB to 1024GiB".to_owned())
}

pub(super) fn body_size(text: &str) -> Result<usize, String> {
    let size = bytes(text).filter(|bytes| (1 << 10..=16 << 20).contains(bytes));
    size.and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| "it is a size such as 64KiB, from 1KiB to 16MiB".to_owned())
}

pub(super) fn connections(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| "it is a number from 1 to 10000".to_owned())
}

pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).filter(|span| (Duration::from_millis(100)..=Duration::from_secs(300)).contains(span));
    span.ok_or_else(|| "it is a time such as 10s, from 100ms to 5m".to_owned())
}

pub(super) fn threads(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=256).contains(number))
        .ok_or_else(|| "it is a number from 1 to 256".to_owned())
}

pub(super) fn operation(word: &str) -> Result<Operation, String> {
    Operation::from_word(word).ok_or_else(|| "it is create, cancel or refund".to_owned())
}
