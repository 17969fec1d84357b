//! Header and rows: every name once, every row as long as the header, every quote in its place.

use std::collections::HashMap;

use crate::model::fault::Fault;
use crate::model::table::{Layout, field_start};
use crate::report::safe;

use super::delimiter::{Start, header_record, shown, split};
use super::faults::{Faults, Source};
use super::scan::{Misquoted, Row, Rows};

/// Walks the text once; what it returns holds only if it has added no fault.
pub(super) fn check(source: &Source<'_>, start: Start, faults: &mut Faults) -> Layout {
    let Start { table_at, header_at, delimiter } = start;
    let mut rows = Rows::new(source.text, table_at, delimiter);
    let mut header = Vec::new();
    let mut count = 0;
    // The header is the first record; nothing can be compared with one that is misquoted.
    let mut header_fields = None;
    match rows.next() {
        Some(Ok(row)) => {
            header_fields = Some(row.fields);
            header = check_header(source, &row, delimiter, faults);
        }
        Some(Err(wrong)) => faults.add(|| misquoted(source, &wrong)),
        None => {}
    }
    for row in rows.by_ref() {
        count += 1;
        match (row, header_fields) {
            (Ok(row), Some(expected)) if row.fields != expected => {
                faults.add(|| wrong_length(source, &row, expected, delimiter));
            }
            (Ok(_), _) => {}
            (Err(wrong), _) => faults.add(|| misquoted(source, &wrong)),
        }
    }
    let message = "a carriage return without a line feed ends this line";
    faults.add_repeated(source, &rows.lone_returns, message, "export with CRLF or LF line ends");
    Layout { delimiter, header_at, header, rows: count }
}

/// The names of the header: distinct, and none empty.
fn check_header(source: &Source<'_>, row: &Row, delimiter: u8, faults: &mut Faults) -> Vec<String> {
    let record = header_record(&source.text[row.start..]);
    let place_of = |index| row.start + field_start(record, delimiter, index);
    if record.starts_with('\u{feff}') {
        faults.add(|| {
            let hint = "the file was converted twice, or two were glued together: export it again";
            source.fault_at(row.start, "a second byte order mark").hint(hint)
        });
    }
    let names = split(record, delimiter);
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if name == safe::MARK {
            faults.add(|| {
                let message = "this is a copy for spreadsheets, in which texts may have been changed";
                source
                    .fault_at(place_of(index), message)
                    .hint("name the exact file beside it, without .safe in its name")
            });
        }
        if name.trim().is_empty() {
            faults.add(|| {
                source
                    .fault_at(place_of(index), format!("column {} has no name", index + 1))
                    .hint("name the column, or delete it; a delimiter at the end of every line makes an empty one")
            });
        } else if let Some(first) = first_with.get(name.as_str()) {
            faults.add(|| {
                let message = format!("columns {} and {} are both named \"{name}\"", first + 1, index + 1);
                source.fault_at(place_of(index), message).hint("rename or delete one of them")
            });
        } else {
            first_with.insert(name, index);
        }
    }
    names
}

fn wrong_length(source: &Source<'_>, row: &Row, expected: usize, delimiter: u8) -> Fault {
    let noun = if row.fields == 1 { "field" } else { "fields" };
    let message = format!("row has {} {noun}, the header has {expected}", row.fields);
    let field = |number| row.start + field_start(&source.text[row.start..], delimiter, number);
    if row.fields < expected {
        let hint = "the row is cut or lacks a delimiter: export it again, or complete it";
        return source.fault_at(field(row.fields.saturating_sub(1)), message).hint(hint);
    }
    source
        .fault_at(field(expected), message)
        .hint(format!("put quotes around a field that contains {}", shown(delimiter)))
}

fn misquoted(source: &Source<'_>, wrong: &Misquoted) -> Fault {
    match *wrong {
        Misquoted::Unclosed { opened } => {
            let after = source.text[opened..].lines().skip(1).filter(|line| !line.is_empty()).count();
            let swallows = match after {
                0 => String::new(),
                1 => ", and would swallow the line after it".to_owned(),
                lines => format!(", and would swallow the {lines} lines after it"),
            };
            source
                .fault_at(opened, format!("this quote is never closed{swallows}"))
                .hint("close it at the end of its field, or, if it belongs to the text, quote the field and write \"\"")
        }
        Misquoted::TextAfter { at, opened } => {
            let opening = source.fault_at(opened, "").place;
            let message = format!("text after the closing quote of the field that opens at {opening}");
            source.fault_at(at, message).hint("write a quote inside a quoted field twice, or close the field before")
        }
        Misquoted::Inside { at } => source
            .fault_at(at, "a quote inside an unquoted field")
            .hint("put quotes around the whole field, and write the quote inside twice: \"12\"\" pipe\""),
    }
}
