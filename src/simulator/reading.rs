//! A YAML file of the simulator's while it is read: its text, and the faults found in it so far.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_yaml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::model::nearest::nearest;

/// Enough for half a million orders; the YAML reader's own limit is 250,000 nodes, which a rehearsal at scale exceeds.
const MOST_NODES: usize = 10_000_000;

/// A scalar as written; what it means is decided here, so that one bad value does not hide the next.
pub(super) type Scalar = Option<Spanned<String>>;

/// The keys of a file, without their meaning. What is no YAML, and what has a key that is not known, is one fault.
/// A list, or a key with nothing behind it: `faults:` whose lines are all comments.
pub(super) fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

pub(super) fn raw<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, Vec<Fault>> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_nodes: MOST_NODES, max_events: 2 * MOST_NODES },
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| vec![syntax_fault(&error, text, file)])
}

/// What the YAML reader says, with the place moved to where our messages have it.
fn syntax_fault(error: &serde_yaml::Error, text: &str, file: &str) -> Fault {
    let full = error.without_snippet().to_string();
    let message = full.split(" at line ").next().unwrap_or(&full).split(", set DuplicateKeyPolicy").next();
    let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
    fault_at(text, file, (line, column), message.unwrap_or(&full))
}

fn fault_at(text: &str, file: &str, (line, column): (u64, u64), message: &str) -> Fault {
    let fault = Fault::new(Place::new(file, line, column), message);
    let index = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
    match index.and_then(|index| text.lines().nth(index)) {
        Some(excerpt) => fault.excerpt(excerpt),
        None => fault,
    }
}

/// The file and the faults found in it so far.
pub(super) struct Reading<'a> {
    text: &'a str,
    file: &'a str,
    faults: Vec<Fault>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self { text, file, faults: Vec::new() }
    }

    /// What was read, unless there was a fault; then all of them, in the order of the file.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, Vec<Fault>> {
        if self.faults.is_empty() {
            return Ok(value);
        }
        self.faults.sort();
        Err(self.faults)
    }

    pub(super) fn fault<T>(&mut self, at: &Spanned<T>, message: &str, hint: Option<String>) {
        let place = (at.referenced.line(), at.referenced.column());
        let fault = fault_at(self.text, self.file, place, message);
        self.faults.push(match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
    }

    /// The value of a key that may be left out. `None` also if it is bad; that is then a fault.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &str,
        raw: &Scalar,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let raw = raw.as_ref()?;
        match read(&raw.value) {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(raw, &format!("{key} {:?} {why}", raw.value), None);
                None
            }
        }
    }

    /// The value of a key that must be there.
    pub(super) fn required<T, E: Display, M>(
        &mut self,
        key: &str,
        raw: &Scalar,
        owner: &Spanned<M>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if raw.is_none() {
            self.fault(owner, &format!("{key} is missing"), None);
        }
        self.optional(key, raw, read)
    }

    /// A word out of a list, with the nearest one as a hint.
    pub(super) fn word<T>(
        &mut self,
        key: &str,
        raw: &Scalar,
        known: &[&'static str],
        read: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let raw = raw.as_ref()?;
        let value = read(&raw.value);
        if value.is_none() {
            let message = format!("{key} {:?} is none of {}", raw.value, known.join(", "));
            let hint = nearest(&raw.value, known.iter().copied()).map(|word| format!("did you mean {word}?"));
            self.fault(raw, &message, hint);
        }
        value
    }
}
