//! Which delimiter a file has, and where its header begins.
//!
//! Declared, named by the `sep=` line that Excel writes and reads, or the one that splits the header into known names.
//! Nothing is concluded from the rows: a decimal comma is as frequent as a delimiter.

use crate::model::fault::Fault;
use crate::model::table::{DELIMITERS, Delimiter, field_start};

use super::faults::Source;

/// Where the table proper begins, and how it is split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// The offset after a `sep=` line; blank lines may follow.
    pub(super) table_at: usize,
    /// The offset of the header.
    pub(super) header_at: usize,
    pub(super) delimiter: u8,
}

/// Finds the delimiter and the header.
pub(super) fn find(source: &Source<'_>, declared: Delimiter, known_headers: &[&str]) -> Result<Start, Fault> {
    let separator = SeparatorLine::of(source)?;
    let after_separator = separator.as_ref().map_or(0, |line| line.next_line);
    let table = source.text[after_separator..].trim_start_matches(['\r', '\n']);
    let header_at = source.text.len() - table.len();
    if table.is_empty() {
        let what = if separator.is_some() { "nothing follows the sep= line" } else { "the file is empty" };
        let fault = source.fault_at(after_separator, format!("{what}, expected a header"));
        return Err(fault.hint("an export without orders still has its header line: export it again"));
    }
    let delimiter = match (declared, separator) {
        (Delimiter::Is(declared), Some(line)) if line.delimiter != declared => {
            let (named, declared) = (shown(line.delimiter), shown(declared));
            let fault = source.fault_at(4, format!("the sep= line names {named}, expected {declared}"));
            return Err(fault.hint("correct `delimiter`, or delete the line"));
        }
        (Delimiter::Is(delimiter), _) => {
            refuse_another(source, header_at, delimiter, known_headers)?;
            delimiter
        }
        (Delimiter::Auto, Some(line)) => line.delimiter,
        (Delimiter::Auto, None) => detect(source, header_at, known_headers)?,
    };
    Ok(Start { table_at: after_separator, header_at, delimiter })
}

/// A delimiter that is declared and splits no known name off the header, where another one does: every row would be misread,
/// and the reason is one.
fn refuse_another(source: &Source<'_>, header_at: usize, declared: u8, known_headers: &[&str]) -> Result<(), Fault> {
    let header = header_record(&source.text[header_at..]);
    let known = |delimiter: u8| known_in(&split(header, delimiter), known_headers);
    if known(declared) > 0 {
        return Ok(());
    }
    let other = DELIMITERS.into_iter().max_by_key(|delimiter| known(*delimiter)).filter(|other| known(*other) > 0);
    match other {
        None => header_below(source, header_at, known_headers).map_or(Ok(()), Err),
        Some(other) => {
            let (other, declared) = (shown(other), shown(declared));
            let message = format!("the header looks separated by {other}, and `delimiter` is {declared}");
            Err(source.fault_at(header_at, message).hint("correct `delimiter`, or delete the line"))
        }
    }
}

/// The first line `sep=;`.
struct SeparatorLine {
    delimiter: u8,
    next_line: usize,
}

impl SeparatorLine {
    fn of(source: &Source<'_>) -> Result<Option<Self>, Fault> {
        let Some(value) = separator_value(source.text) else { return Ok(None) };
        let next_line = source.text.find('\n').map_or(source.text.len(), |newline| newline + 1);
        if separator_value(&source.text[next_line..]).is_some() {
            let fault = source.fault_at(next_line, "a second sep= line");
            return Err(fault.hint("delete one of them"));
        }
        match DELIMITERS.into_iter().find(|delimiter| value.as_bytes() == [*delimiter]) {
            Some(delimiter) => Ok(Some(Self { delimiter, next_line })),
            None => Err(source
                .fault_at(4, format!("the sep= line names \"{value}\", expected {}", all_shown()))
                .hint("export with one of these delimiters")),
        }
    }
}

/// What follows `sep=` if the text's first line begins so.
fn separator_value(text: &str) -> Option<&str> {
    let line = text.split('\n').next()?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    line.split_at_checked(4).filter(|(word, _)| word.eq_ignore_ascii_case("sep=")).map(|(_, value)| value)
}

/// How many of these names are known.
fn known_in(names: &[String], known_headers: &[&str]) -> usize {
    names.iter().filter(|name| known_headers.contains(&name.as_str())).count()
}

/// The delimiter whose split of the header has the most known names.
fn detect(source: &Source<'_>, header_at: usize, known_headers: &[&str]) -> Result<u8, Fault> {
    let header = header_record(&source.text[header_at..]);
    let splits = DELIMITERS.map(|delimiter| (delimiter, split(header, delimiter)));
    let known = |names: &[String]| known_in(names, known_headers);
    let most = splits.iter().map(|(_, names)| known(names)).max().unwrap_or(0);
    if most == 0 {
        let below = header_below(source, header_at, known_headers);
        return Err(below.unwrap_or_else(|| nothing_known(source, header_at, &splits, known_headers)));
    }
    let best: Vec<&(u8, Vec<String>)> = splits.iter().filter(|(_, names)| known(names) == most).collect();
    match best[..] {
        // A header of one column reads the same whatever the delimiter.
        [(first, names), (second, _), ..] if names.len() > 1 || best.iter().any(|(_, other)| other != names) => {
            let message = format!("the header can be split at {} and at {}", shown(*first), shown(*second));
            let at = |delimiter| field_start(header, delimiter, 1).saturating_sub(1);
            let first_at = at(*first).min(at(*second));
            Err(source.fault_at(header_at + first_at, message).hint("declare `delimiter`"))
        }
        [(delimiter, _), ..] => Ok(*delimiter),
        [] => unreachable!("the largest number belongs to one of them"),
    }
}

/// So many lines are looked at for a header that stands under a title.
const LINES_OF_A_TITLE: usize = 20;

/// A title, or rows of merged cells, before the header: what to say if one of the next lines has known names.
fn header_below(source: &Source<'_>, header_at: usize, known_headers: &[&str]) -> Option<Fault> {
    let is_header =
        |line: &str| DELIMITERS.into_iter().any(|delimiter| known_in(&split(line, delimiter), known_headers) > 1);
    let below = source.text[header_at..].lines().take(LINES_OF_A_TITLE).position(is_header)?;
    let line = source.text[..header_at].lines().count() + below + 1;
    let fault = source.fault_at(header_at, format!("this is no header; line {line} looks like the header"));
    Some(fault.hint(format!("delete what stands above line {line}")))
}

fn nothing_known(source: &Source<'_>, header_at: usize, splits: &[(u8, Vec<String>)], known_headers: &[&str]) -> Fault {
    let (delimiter, names) =
        splits.iter().rev().max_by_key(|(_, names)| names.len()).expect("there are four delimiters");
    let split = if names.len() > 1 { format!(" when split at {}", shown(*delimiter)) } else { String::new() };
    let expected = listed(known_headers.iter().copied());
    let found = listed(names.iter().map(String::as_str));
    source
        .fault_at(header_at, format!("the header has none of the expected columns, split at {}", all_shown()))
        .hint(format!("expected {expected}; found {found}{split}; correct `columns`, or declare `delimiter`"))
}

/// The first record of the text by the parity of its quotes, which no delimiter changes; if they never close, its first
/// line.
pub(super) fn header_record(text: &str) -> &str {
    let mut quoted = false;
    let end = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    });
    match end {
        Some(end) => &text[..end],
        None if quoted => text.split(['\r', '\n']).next().unwrap_or(text),
        None => text,
    }
}

/// The fields of one record.
pub(super) fn split(record: &str, delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(record.as_bytes());
    let fields = reader.records().next().and_then(Result::ok).unwrap_or_default();
    fields.iter().map(str::to_owned).collect()
}

/// A delimiter as messages name it.
pub(super) fn shown(delimiter: u8) -> String {
    if delimiter == b'\t' { "tab".to_owned() } else { format!("\"{}\"", char::from(delimiter)) }
}

fn all_shown() -> String {
    DELIMITERS.map(shown).join(" ")
}

/// The most names that a hint lists, and the most characters of each.
const MOST_LISTED: usize = 8;
const LONGEST_LISTED: usize = 40;

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = if names.len() > MOST_LISTED { ", ..." } else { "" };
    let short = |name: &str| format!("\"{}\"", name.chars().take(LONGEST_LISTED).collect::<String>());
    names.take(MOST_LISTED).map(short).collect::<Vec<String>>().join(", ") + more
}
