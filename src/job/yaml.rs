//! YAML text as nodes that know their place.
//!
//! Scalars keep the text as it was written: what `no`, `0123` or `1e5` means is decided by the key it stands under, not
//! by YAML. Anchors, aliases, merge keys and tags are refused; a job file has no use for them and an alias bomb has.

use granit_parser::Parser;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::secrets::masked_line;
use crate::model::fault::{Fault, Place};

/// A larger file is no job file.
const LARGEST: usize = 1024 * 1024;

/// A value and where it begins, in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Absent,
    /// A scalar as it was written, quotes resolved.
    Scalar(String),
    List(Vec<Node>),
    /// Entries in the order of the file, repeated keys included.
    Map(Vec<(Node, Node)>),
}

/// Parses one document.
///
/// # Errors
/// The one fault that keeps the text from being YAML.
pub(super) fn parse(file: &str, text: &str) -> Result<Node, Fault> {
    if text.len() > LARGEST {
        return Err(Fault::new(
            Place::start(file),
            format!("is {} bytes long, a job file has at most {LARGEST}", text.len()),
        )
        .hint("put the orders into a CSV file and name it under orders.file"));
    }
    if text.starts_with('\u{feff}') {
        let fault = Fault::new(Place::start(file), "a second byte order mark");
        return Err(fault.hint("the file was converted twice: save it again as UTF-8"));
    }
    if let Some(fault) = lone_return(file, text).or_else(|| tag(file, text)) {
        return Err(fault);
    }
    let options = serde_yaml::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        budget: serde_yaml::budget! { max_depth: 32, max_anchors: 0, max_aliases: 0, max_documents: 1 },
    };
    let raw: Raw = serde_yaml::from_str_with_options(text, options).map_err(|error| fault(file, text, &error))?;
    resolve(raw, text).ok_or_else(|| Fault::new(Place::start(file), "has a value whose place is unknown"))
}

/// YAML ends a line there and nothing else does: every place after it would be another one than people see.
fn lone_return(file: &str, text: &str) -> Option<Fault> {
    let (at, _) = text.match_indices('\r').find(|(at, _)| !text[at + 1..].starts_with('\n'))?;
    let before = &text[..at];
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    let fault = Fault::new(Place::new(file, line, column), "a carriage return without a line feed");
    Some(fault.hint("save the file with LF or CRLF line ends"))
}

/// A tag says how a value is to be read, and here its key does. Where the text is no YAML, the reading that follows says so.
fn tag(file: &str, text: &str) -> Option<Fault> {
    let mut nodes = Parser::new_from_str(text).map_while(Result::ok);
    let (_, span) = nodes.find(|(event, _)| event.tag().is_some())?;
    let at = span.tag_start.unwrap_or(span.start);
    let place = Place::new(file, at.line() as u64, at.col() as u64 + 1);
    let hint = "a job file has none; leave it out, for the key says how its value is read";
    Some(shown(Fault::new(place, "a tag (!name)").hint(hint), text))
}

/// What the parser says, what we say, and what to do.
const WORDED: [(&str, &str, &str); 6] = [
    ("Anchors", "an anchor (&name) or alias (*name)", "a job file has none; write the value out"),
    ("Aliases", "an anchor (&name) or alias (*name)", "a job file has none; write the value out"),
    ("merge keys", "a merge key (<<)", "a job file has none; write the keys out"),
    ("Documents", "a second document", "one file is one job; put the other into a file of its own"),
    ("Depth", "is nested too deeply", "a job file has at most a handful of levels"),
    ("tabs disallowed", "is indented with a tab", "indent with spaces"),
];

fn fault(file: &str, text: &str, error: &serde_yaml::Error) -> Fault {
    let message = error.without_snippet().to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
    let known = WORDED.iter().find(|(theirs, ..)| message.contains(theirs));
    let (message, hint) = match known {
        Some((_, ours, hint)) => ((*ours).to_owned(), *hint),
        None => {
            (format!("is not valid YAML: {message}"), "check indentation, quotes and brackets at and above this line")
        }
    };
    shown(Fault::new(Place::new(file, line, column), message).hint(hint), text)
}

/// The same with its line.
fn shown(fault: Fault, text: &str) -> Fault {
    let line = usize::try_from(fault.place.line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    match line {
        Some(line) => fault.excerpt(masked_line(line)),
        None => fault,
    }
}

/// As serde hands it over: scalars that YAML takes for something else than text are only known by their place.
struct Raw {
    line: u64,
    column: u64,
    bytes: Option<(u64, u64)>,
    value: RawValue,
}

enum RawValue {
    Text(String),
    Typed,
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

/// Replaces typed scalars by their own text. `None` if a scalar has no place in the text.
fn resolve(raw: Raw, source: &str) -> Option<Node> {
    let value = match raw.value {
        RawValue::Text(text) => Value::Scalar(text),
        RawValue::Typed => {
            let (offset, length) = raw.bytes?;
            let start = usize::try_from(offset).ok()?;
            match source.get(start..start + usize::try_from(length).ok()?)? {
                "" | "~" | "null" | "Null" | "NULL" => Value::Absent,
                text => Value::Scalar(text.to_owned()),
            }
        }
        RawValue::List(items) => {
            Value::List(items.into_iter().map(|item| resolve(item, source)).collect::<Option<_>>()?)
        }
        RawValue::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Some((resolve(key, source)?, resolve(value, source)?)))
                .collect::<Option<_>>()?,
        ),
    };
    Some(Node { line: raw.line, column: raw.column, value })
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawValue>::deserialize(deserializer)?;
        let span = spanned.defined.span();
        Ok(Self {
            line: spanned.defined.line(),
            column: spanned.defined.column(),
            bytes: span.byte_offset().zip(span.byte_len()),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("any YAML value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_unit<E: de::Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_none<E: de::Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(RawValue::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(text: &str) -> Vec<(u64, u64, Option<String>)> {
        fn walk(node: &Node, out: &mut Vec<(u64, u64, Option<String>)>) {
            match &node.value {
                Value::Absent => out.push((node.line, node.column, None)),
                Value::Scalar(text) => out.push((node.line, node.column, Some(text.clone()))),
                Value::List(items) => items.iter().for_each(|item| walk(item, out)),
                Value::Map(entries) => entries.iter().for_each(|(_, value)| walk(value, out)),
            }
        }
        let mut out = Vec::new();
        walk(&parse("job.yaml", text).unwrap(), &mut out);
        out
    }

    #[test]
    fn scalars_keep_the_text_as_written() {
        let text = "a: [no, 0123, 1e5, 12:30, ~, 1_000, 0x10, 'q''x', 99999999999999999999999]\n";
        let found: Vec<_> = scalars(text).into_iter().map(|(_, _, text)| text.unwrap_or("-".into())).collect();
        assert_eq!(found, ["no", "0123", "1e5", "12:30", "-", "1_000", "0x10", "q'x", "99999999999999999999999"]);
    }

    #[test]
    fn places_count_characters_from_one() {
        assert_eq!(scalars("é: {b: 1}\nc:\n  - x\n"), [(1, 8, Some("1".into())), (3, 5, Some("x".into()))]);
    }

    #[test]
    fn repeated_keys_are_kept_for_the_reader_to_refuse() {
        assert_eq!(scalars("a: 1\na: 2\n").len(), 2);
    }

    #[test]
    fn what_is_not_plain_yaml_is_refused_with_its_place() {
        let bomb = format!("a: &a x\nb: [{}]\n", "*a,".repeat(9));
        for text in [
            "a: 1\rb: 2\n",
            "a: [1\n",
            "a: 1\n  b: 2\n",
            "a: 1\n---\nb: 2\n",
            "a: &x 1\nb: *x\n",
            "<<: {a: 1}\n",
            "a: 'x\n",
            "\u{feff}a: 1\n",
            &bomb,
        ] {
            let fault = parse("job.yaml", text).unwrap_err();
            assert!(fault.place.line > 0, "{text:?}: {fault}");
        }
        for (text, place) in [
            ("a: 1\nb: !!str 2\n", (2, 4)),
            ("a:\n - !foo\n", (2, 4)),
            ("\u{e9}: {c: ! 2}\n", (1, 8)),
            ("a: 1\n!!str b: 2\n", (2, 1)),
            ("!!map\na: 1\n", (1, 1)),
            ("a: !!int x", (1, 4)),
        ] {
            let fault = parse("job.yaml", text).unwrap_err();
            assert_eq!(fault.message, "a tag (!name)", "{text:?}");
            assert_eq!((fault.place.line, fault.place.column), place, "{text:?}");
        }
        assert!(parse("job.yaml", "a: 'x !!str' # !!int\nb: x!y\n").is_ok());
        assert!(parse("job.yaml", &"[".repeat(1000)).is_err());
        assert!(parse("job.yaml", &" ".repeat(LARGEST + 1)).is_err());
    }
}
