//! Reading nodes into values while collecting every fault.
//!
//! A reader function returns `None` after it has noted a fault, so that the caller goes on and finds the next one.

use super::secrets;
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
    /// Keys without a value; that has been noted already.
    without_value: Vec<&'n str>,
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

    /// Where a node is.
    pub(super) fn place(&self, node: &Node) -> Place {
        Place::new(self.file, node.line, node.column)
    }

    /// All faults, in the order of the file.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by(|left, right| left.place.cmp(&right.place));
        self.faults
    }

    /// Notes a fault at a node; without a hint where the message says what to write.
    pub(super) fn fault(&mut self, node: &Node, message: impl Into<String>, hint: impl Into<String>) {
        let line = self.line_of(node);
        let fault = Fault::new(Place::new(self.file, node.line, node.column), secrets::masked_text(&message.into()));
        let fault = match line {
            Some(line) => fault.excerpt(secrets::masked_line(line)),
            None => fault,
        };
        let hint = hint.into();
        self.faults.push(if hint.is_empty() { fault } else { fault.hint(hint) });
    }

    /// Notes a fault at a node that may be a secret: its line is shown up to the node, and the node not at all. Other
    /// secrets may stand before it, if it is one of a list.
    pub(super) fn fault_at_secret(&mut self, node: &Node, message: impl Into<String>, hint: impl Into<String>) {
        let before = usize::try_from(node.column.saturating_sub(1)).unwrap_or_default();
        let before: String = self.line_of(node).unwrap_or_default().chars().take(before).collect();
        let fault = Fault::new(Place::new(self.file, node.line, node.column), message).hint(hint);
        let before = if before.trim_end().ends_with(':') {
            secrets::masked_line(&before)
        } else {
            before.chars().take_while(|character| matches!(character, ' ' | '-')).collect()
        };
        self.faults.push(fault.excerpt(before + secrets::HIDDEN));
    }

    fn line_of(&self, node: &Node) -> Option<&'a str> {
        let index = usize::try_from(node.line).ok()?.checked_sub(1)?;
        self.lines.get(index).copied()
    }

    /// A map with these keys and no others, none of them twice. `what` names it in messages; the job itself is `""`.
    pub(super) fn section<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Section<'n>> {
        let mut section = self.open_map(node, what)?;
        let within = if what.is_empty() { String::new() } else { format!(" in {what}") };
        for (key, value) in &section.entries {
            if !keys.contains(key) {
                let place = self.key_node(node, key, value);
                let hint = nearest(key, keys.iter().copied()).map_or_else(
                    || format!("known keys: {}", keys.join(", ")),
                    |known| format!("did you mean {known:?}?"),
                );
                self.fault(&place, format!("unknown key {key:?}{within}"), hint);
            } else if value.value == Value::Absent {
                let place = self.key_node(node, key, value);
                self.fault(&place, format!("key {key:?}{within} has no value"), "give it one, or leave the key out");
            }
        }
        section.without_value =
            section.entries.extract_if(.., |(_, node)| node.value == Value::Absent).map(|(key, _)| key).collect();
        Some(section)
    }

    /// A map with any keys, none of them twice.
    pub(super) fn open_map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Section<'n>> {
        let what = if what.is_empty() { "the job" } else { what };
        let Value::Map(entries) = &node.value else {
            let wrong = if node.value == Value::Absent { "is empty" } else { "is not a map" };
            self.fault(node, format!("{what} {wrong}"), "write `key: value` lines below it, indented by two spaces");
            return None;
        };
        let mut section = Section { node, entries: Vec::new(), without_value: Vec::new() };
        for (key, value) in entries {
            let Value::Scalar(name) = &key.value else {
                self.fault(key, format!("a key of {what} is not a word"), "keys are plain words");
                continue;
            };
            if section.entries.iter().any(|(known, _)| known == name) {
                let first = self.key_node(node, name, value).line;
                self.fault(key, format!("key {name:?} is there twice, first on line {first}"), "keep one of them");
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
        if found.is_some() || section.without_value.contains(&key) {
            return found;
        }
        let within = if what.is_empty() { String::new() } else { format!(" in {what}") };
        self.fault(section.node, format!("key {key:?} is missing{within}"), hint);
        None
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
            self.fault(node, format!("{what} {text:?} is not {expected}"), "");
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
        let hint = nearest(text, known.iter().copied()).map(|word| format!("did you mean {word:?}?"));
        // Of a tab people see its name, and signs stand in quotes.
        let is_sign = |word: &str| !word.contains(char::is_alphanumeric);
        let shown = known.iter().filter(|word| **word != "\t");
        let shown = shown.map(|word| if is_sign(word) { format!("{word:?}") } else { (*word).to_owned() });
        let shown = shown.collect::<Vec<_>>().join(", ");
        self.fault(node, format!("{what} {text:?} is none of {shown}"), hint.unwrap_or_default());
        None
    }
}
