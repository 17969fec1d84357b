//! The section `orders`: where they are, how to read them, and which of them are meant.

use std::collections::BTreeMap;

use super::guards::read_rupiah;
use super::limits::{read_span, read_zone};
use super::reader::{Reader, Section};
use super::settings::{Column, Condition, Control, Field, InlineRows, OnInvalid, Orders, Source, Test};
use super::values::{check_template, read_column, whole};
use super::yaml::{Node, Value};
use crate::model::money::AmountStyle;
use crate::model::status::BookStatus;
use crate::model::table::{Delimiter, Encoding, Format, Written};
use crate::model::time_style::TimeStyle;

const KEYS: [&str; 9] = ["file", "rows", "format", "columns", "where", "statuses", "zone", "on_invalid", "control"];

pub(super) const DELIMITERS: [(&str, Delimiter); 8] = [
    ("auto", Delimiter::Auto),
    (",", Delimiter::Is(b',')),
    (";", Delimiter::Is(b';')),
    ("|", Delimiter::Is(b'|')),
    ("tab", Delimiter::Is(b'\t')),
    ("\t", Delimiter::Is(b'\t')),
    ("comma", Delimiter::Is(b',')),
    ("semicolon", Delimiter::Is(b';')),
];

pub(super) const ENCODINGS: [(&str, Encoding); 5] = [
    ("utf-8", Encoding::Utf8),
    ("windows-1252", Encoding::Windows1252),
    ("latin-1", Encoding::Latin1),
    ("utf-16le", Encoding::Utf16Le),
    ("utf-16be", Encoding::Utf16Be),
];

pub(super) const STYLES: [(&str, AmountStyle); 3] =
    [("plain", AmountStyle::Plain), ("id", AmountStyle::Id), ("us", AmountStyle::Us)];

pub(super) const TIMES: [(&str, TimeStyle); 2] = [("iso", TimeStyle::Iso), ("id", TimeStyle::Id)];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Orders> {
    let section = reader.section(node, "orders", &KEYS)?;
    let source = read_source(reader, node, &section);
    let (format, amounts, times) = read_format(reader, section.get("format"));
    let columns = section.get("columns").map(|node| read_columns(reader, node)).unwrap_or_default();
    let conditions = section.get("where").map(|node| read_conditions(reader, node)).unwrap_or_default();
    let statuses = section.get("statuses").map(|node| read_statuses(reader, node)).unwrap_or_default();
    let zone = read_zone(reader, section.get("zone"), "orders.zone");
    let words = [("refuse", OnInvalid::Refuse), ("skip", OnInvalid::Skip)];
    let on_invalid = section.get("on_invalid").and_then(|node| reader.word(node, "orders.on_invalid", &words));
    let control = section.get("control").and_then(|node| read_control(reader, node));
    Some(Orders {
        source: source?,
        format,
        amounts,
        times,
        columns,
        conditions,
        statuses,
        zone,
        on_invalid: on_invalid.unwrap_or(OnInvalid::Refuse),
        control,
    })
}

fn read_source(reader: &mut Reader<'_>, node: &Node, section: &Section<'_>) -> Option<Source> {
    match (section.get("file"), section.get("rows")) {
        (Some(file), None) => {
            let path = reader.text(file, "orders.file")?;
            check_template(reader, file, path);
            Some(Source::File(path.to_owned()))
        }
        (None, Some(rows)) => read_rows(reader, rows).map(Source::Rows),
        (Some(_), Some(rows)) => {
            reader.fault(rows, "orders has both a file and rows", "keep one of them");
            None
        }
        (None, None) => {
            reader.fault(node, "orders has neither file nor rows", "write `file: orders.csv`");
            None
        }
    }
}

fn read_rows(reader: &mut Reader<'_>, node: &Node) -> Option<InlineRows> {
    let items = reader.list(node, "orders.rows")?;
    let mut table = InlineRows { start: (node.line, node.column), header: Vec::new(), rows: Vec::new() };
    for item in items {
        let Some(row) = reader.open_map(item, "a row of orders.rows") else { continue };
        let start = (item.line, item.column);
        let mut cells = vec![String::new(); table.header.len()];
        let mut written = Written { start, fields: vec![start; table.header.len()] };
        for (key, value) in row.entries() {
            let text = match &value.value {
                Value::Absent => "",
                _ => reader.text(value, key).unwrap_or_default(),
            };
            if let Some(index) = table.header.iter().position(|name| name == key) {
                text.clone_into(&mut cells[index]);
                written.fields[index] = (value.line, value.column);
            } else {
                table.header.push((*key).to_owned());
                cells.push(text.to_owned());
                written.fields.push((value.line, value.column));
            }
        }
        table.rows.push((written, cells));
    }
    let width = table.header.len();
    for (_, cells) in &mut table.rows {
        cells.resize(width, String::new());
    }
    Some(table)
}

/// How the file is written, its amounts, and its times.
fn read_format(reader: &mut Reader<'_>, node: Option<&Node>) -> (Format, AmountStyle, TimeStyle) {
    let mut format = Format { delimiter: Delimiter::Auto, encoding: Encoding::Utf8 };
    let (mut amounts, mut times) = (AmountStyle::Plain, TimeStyle::Iso);
    let keys = ["delimiter", "encoding", "amounts", "times"];
    let Some(section) = node.and_then(|node| reader.section(node, "orders.format", &keys)) else {
        return (format, amounts, times);
    };
    if let Some(node) = section.get("delimiter")
        && let Some(delimiter) = reader.word(node, "orders.format.delimiter", &DELIMITERS)
    {
        format.delimiter = delimiter;
    }
    if let Some(node) = section.get("encoding")
        && let Some(encoding) = reader.word(node, "orders.format.encoding", &ENCODINGS)
    {
        format.encoding = encoding;
    }
    if let Some(node) = section.get("amounts")
        && let Some(style) = reader.word(node, "orders.format.amounts", &STYLES)
    {
        amounts = style;
    }
    if let Some(node) = section.get("times")
        && let Some(style) = reader.word(node, "orders.format.times", &TIMES)
    {
        times = style;
    }
    (format, amounts, times)
}

fn read_columns(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<Field, Column> {
    let words = Field::WORDS.map(|(word, _)| word);
    let Some(section) = reader.section(node, "orders.columns", &words) else { return BTreeMap::new() };
    let known = section.entries().iter().filter_map(|(key, node)| Some((field(key)?, *key, *node)));
    known
        .filter_map(|(field, key, node)| Some((field, read_column(reader, node, &format!("orders.columns.{key}"))?)))
        .collect()
}

pub(super) fn field(word: &str) -> Option<Field> {
    Field::WORDS.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
}

fn read_conditions(reader: &mut Reader<'_>, node: &Node) -> Vec<Condition> {
    let words = Field::WORDS.map(|(word, _)| word);
    let Some(items) = reader.list(node, "orders.where") else { return Vec::new() };
    let mut conditions = Vec::new();
    for item in items {
        let Some(section) = reader.section(item, "orders.where", &words) else { continue };
        if section.entries().is_empty() {
            reader.fault(item, "orders.where has a condition that says nothing", "write one, or remove it");
        }
        for (key, node) in section.entries() {
            let Some(field) = field(key) else { continue };
            if let Some(test) = read_test(reader, node, field) {
                conditions.push(Condition { field, test, place: reader.place(node) });
            }
        }
    }
    conditions
}

fn read_test(reader: &mut Reader<'_>, node: &Node, field: Field) -> Option<Test> {
    let what = format!("orders.where.{}", field.word());
    match &node.value {
        Value::Scalar(word) => Some(Test::OneOf(vec![word.clone()])),
        Value::List(words) if words.is_empty() => {
            reader.fault(
                node,
                format!("{what} is an empty list, which no row satisfies"),
                "list the words that are meant",
            );
            None
        }
        Value::List(_) => reader.texts(node, &what).map(Test::OneOf),
        Value::Absent => {
            reader.fault(node, format!("{what} has no condition"), "write a list of words, or {at_most: 5000000}");
            None
        }
        Value::Map(_) if field == Field::Amount => {
            let section = reader.section(node, &what, &["at_least", "at_most"])?;
            let mut end =
                |key: &str| section.get(key).and_then(|node| read_rupiah(reader, node, &format!("{what}.{key}")));
            let (at_least, at_most) = (end("at_least"), end("at_most"));
            if section.get("at_least").is_none() && section.get("at_most").is_none() {
                reader.fault(node, format!("{what} needs at_least or at_most"), "e.g. {at_most: 5000000}");
            } else if at_least.zip(at_most).is_some_and(|(least, most)| least > most) {
                reader.fault(node, format!("{what} has at_least over at_most, which no row satisfies"), "swap them");
            }
            Some(Test::Amount { at_least, at_most })
        }
        Value::Map(_) if matches!(field, Field::CreatedAt | Field::ExpiresAt) => {
            let section = reader.section(node, &what, &["older_than", "within"])?;
            let mut span = std::time::Duration::ZERO;
            match (section.get("older_than"), section.get("within")) {
                (Some(_), None) => {
                    read_span(reader, &section, &what, "older_than", &mut span);
                    Some(Test::OlderThan(span))
                }
                (None, Some(_)) => {
                    read_span(reader, &section, &what, "within", &mut span);
                    Some(Test::Within(span))
                }
                _ => {
                    reader.fault(node, format!("{what} needs older_than or within"), "e.g. {older_than: 2h}");
                    None
                }
            }
        }
        Value::Map(_) => {
            reader.fault(
                node,
                format!("{what} is compared with words"),
                "at_least and at_most are for amount, older_than and within for created_at and expires_at",
            );
            None
        }
    }
}

fn read_statuses(reader: &mut Reader<'_>, node: &Node) -> Vec<(String, BookStatus)> {
    let words = BookStatus::ALL.map(|status| (status.word(), status));
    let Some(section) = reader.open_map(node, "orders.statuses") else { return Vec::new() };
    let entries = section.entries().iter();
    entries
        .filter_map(|(word, node)| Some(((*word).to_owned(), reader.word(node, "orders.statuses", &words)?)))
        .collect()
}

fn read_control(reader: &mut Reader<'_>, node: &Node) -> Option<Control> {
    let section = reader.section(node, "orders.control", &["rows", "amount"])?;
    if section.entries().is_empty() {
        let hint = "say what the file must add up to: `control: {rows: 398, amount: 58910000}`, or one of the two";
        reader.fault(node, "orders.control is empty", hint);
    }
    Some(Control {
        rows: section.get("rows").and_then(|node| reader.parse(node, "orders.control.rows", "a whole number", whole)),
        amount: section.get("amount").and_then(|node| read_rupiah(reader, node, "orders.control.amount")),
    })
}
