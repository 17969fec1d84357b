//! Reading nodes into values while collecting every fault.
//!
//! A reader function returns `None` after it has noted a fault, so that the caller goes on and finds the next one.

use super::yaml::{Node, Value};
use crate::model::fault::{Fault, Place};
use crate::model::nearest::nearest;

/// Collects the faults of one job file.
pub(super) struct Reader<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    faults: Vec<Fault>,
}

/// A map whose keys are all known and there once.
#[derive(Debug)]
pub(super) struct Section<'n> {
    node: &'n Node,
    entries: Vec<(&'n str, &'n Node)>,
}

impl<'n> Section<'n> {
    /// The value under a key; `None` if the key is not there or has no value.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        let node = self.entries.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)?;
        (node.value != Value::Absent).then_some(node)
    }

    /// All entries, in the order of the file.
    pub(super) fn entries(&self) -> &[(&'n str, &'n Node)] {
        &self.entries
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, lines: text.lines().collect(), faults: Vec::new() }
    }

    /// All faults, in the order of the file.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by(|left, right| left.place.cmp(&right.place));
        self.faults
    }

    /// Notes a fault at a node.
    pub(super) fn fault(&mut self, node: &Node, message: impl Into<String>, hint: impl Into<String>) {
        let line = usize::try_from(node.line).ok().and_then(|line| self.lines.get(line.checked_sub(1)?));
        let fault = Fault::new(Place::new(self.file, node.line, node.column), message).hint(hint);
        self.faults.push(match line {
            Some(line) => fault.excerpt(masked(line)),
            None => fault,
        });
    }

    /// A map with these keys and no others, none of them twice. `what` names it in messages; the job itself is `""`.
    pub(super) fn section<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Section<'n>> {
        let section = self.open_map(node, what)?;
        let within = if what.is_empty() { String::new() } else { format!(" in {what}") };
        for (key, value) in &section.entries {
            if !keys.contains(key) {
                let place = self.key_node(node, key, value);
                let hint = nearest(key, keys.iter().copied()).map_or_else(
                    || format!("known keys: {}", keys.join(", ")),
                    |known| format!("did you mean {known:?}?"),
                );
                self.fault(&place, format!("unknown key {key:?}{within}"), hint);
            }
        }
        Some(section)
    }

    /// A map with any keys, none of them twice.
    pub(super) fn open_map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Section<'n>> {
        let what = if what.is_empty() { "the job" } else { what };
        let Value::Map(entries) = &node.value else {
            self.fault(
                node,
                format!("{what} is not a map"),
                "write `key: value` lines below it, indented by two spaces",
            );
            return None;
        };
        let mut section = Section { node, entries: Vec::new() };
        for (key, value) in entries {
            let Value::Scalar(name) = &key.value else {
                self.fault(key, format!("a key of {what} is not a word"), "keys are plain words");
                continue;
            };
            if section.entries.iter().any(|(known, _)| known == name) {
                self.fault(key, format!("key {name:?} is there twice"), "keep one of them");
                continue;
            }
            section.entries.push((name, value));
        }
        Some(section)
    }

    fn key_node(&self, map: &Node, key: &str, value: &Node) -> Node {
        let Value::Map(entries) = &map.value else { return value.clone() };
        entries
            .iter()
            .find(|(name, _)| matches!(&name.value, Value::Scalar(text) if text == key))
            .map_or_else(|| value.clone(), |(name, _)| name.clone())
    }

    /// The value of a mandatory key.
    pub(super) fn required<'n>(
        &mut self,
        section: &Section<'n>,
        what: &str,
        key: &str,
        hint: &str,
    ) -> Option<&'n Node> {
        let found = section.get(key);
        if found.is_none() {
            let within = if what.is_empty() { String::new() } else { format!(" in {what}") };
            self.fault(section.node, format!("key {key:?} is missing{within}"), hint);
        }
        found
    }

    /// A scalar's text.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.value {
            Value::Scalar(text) if !text.is_empty() => Some(text),
            Value::Scalar(_) | Value::Absent => {
                self.fault(node, format!("{what} is empty"), "give it a value or leave the key out");
                None
            }
            Value::List(_) | Value::Map(_) => {
                self.fault(node, format!("{what} is not a single value"), "write it on one line");
                None
            }
        }
    }

    /// A list's items.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        let Value::List(items) = &node.value else {
            self.fault(node, format!("{what} is not a list"), "write [a, b] or one `- item` per line");
            return None;
        };
        Some(items)
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Option<Vec<String>> {
        let items = self.list(node, what)?;
        Some(items.iter().filter_map(|item| self.text(item, what).map(str::to_owned)).collect())
    }

    /// A scalar of a certain form; `expected` names it: `is not <expected>`.
    pub(super) fn parse<T>(
        &mut self,
        node: &Node,
        what: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node, what)?;
        let value = read(text);
        if value.is_none() {
            self.fault(node, format!("{what} {text:?} is not {expected}"), format!("write {expected}"));
        }
        value
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = nearest(text, known.iter().copied())
            .map_or_else(|| format!("one of: {}", known.join(", ")), |word| format!("did you mean {word:?}?"));
        self.fault(node, format!("{what} {text:?} is none of {}", known.join(", ")), hint);
        None
    }
}

/// A line of a job file with anything that looks like a secret replaced.
pub(super) fn masked(line: &str) -> String {
    let mut out = line.to_owned();
    for key in ["secret_key", "secret-key", "secret"] {
        let Some(at) = out.find(key) else { continue };
        let Some(colon) = out[at..].find(':').map(|offset| at + offset + 1) else { continue };
        let value_start = colon + out[colon..].len() - out[colon..].trim_start().len();
        let value_end = out[value_start..].find([',', '}', '#']).map_or(out.len(), |offset| value_start + offset);
        let value = out[value_start..value_end].trim();
        if !value.is_empty() && !value.starts_with("env:") && !value.starts_with("file:") {
            out.replace_range(value_start..value_end, "***");
        }
        break;
    }
    mask_keys(&out)
}

/// DOKU's secret keys begin with `SK-` (`doku-api.md` 6.5).
fn mask_keys(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("SK-") {
        out.push_str(&rest[..at]);
        out.push_str("SK-***");
        let tail = &rest[at + 3..];
        let end =
            tail.find(|character: char| !character.is_ascii_alphanumeric() && character != '-').unwrap_or(tail.len());
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_written_inline_are_masked_in_the_line_shown() {
        let cases = [
            ("  secret_key: hunter2", "  secret_key: ***"),
            (
                "merchant: {client_id: X, secret_key: hunter2, environment: sandbox}",
                "merchant: {client_id: X, secret_key: ***, environment: sandbox}",
            ),
            ("  client_id: SK-abc-123 # oops", "  client_id: SK-*** # oops"),
            ("  secret_key: env:DOKU_SECRET_KEY", "  secret_key: env:DOKU_SECRET_KEY"),
            ("job: refund", "job: refund"),
        ];
        for (line, expected) in cases {
            assert_eq!(masked(line), expected);
        }
    }
}
