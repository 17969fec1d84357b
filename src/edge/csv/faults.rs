//! Collecting what is wrong with a text: offsets become places, and neither one wrong everywhere nor a million of them
//! fill the memory.

use crate::model::fault::{Fault, Place};
use crate::model::table::Spot;

/// The most faults of one file that are kept; the others are counted.
const MOST_FAULTS: usize = 100;

/// A decoded text and the file that it comes from.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// A fault at a character.
    pub(super) fn fault_at(&self, offset: usize, message: impl Into<String>) -> Fault {
        let spot = Spot::of(self.text, offset);
        let place = Place::new(self.file, spot.line, spot.column);
        // An empty line, at the end of the text or between two rows, shows nothing.
        let excerpt = spot.excerpt.filter(|line| !line.is_empty());
        Fault { excerpt: excerpt.map(str::to_owned), ..Fault::new(place, message) }
    }
}

/// One thing that is wrong at many places: shown at the first, and counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Occurrences {
    first: Option<usize>,
    count: u64,
}

impl Occurrences {
    /// One more, at this offset.
    pub(super) fn add(&mut self, offset: usize) {
        self.first.get_or_insert(offset);
        self.count += 1;
    }
}

impl FromIterator<usize> for Occurrences {
    fn from_iter<I: IntoIterator<Item = usize>>(offsets: I) -> Self {
        let mut occurrences = Self::default();
        offsets.into_iter().for_each(|offset| occurrences.add(offset));
        occurrences
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    kept: Vec<Fault>,
    /// The place of the first that is not kept.
    more_at: Option<Place>,
    more: u64,
}

impl Faults {
    /// Keeps a fault, or counts it when there are enough.
    pub(super) fn add(&mut self, fault: impl FnOnce() -> Fault) {
        if self.kept.len() < MOST_FAULTS {
            self.kept.push(fault());
        } else {
            self.more_at.get_or_insert_with(|| fault().place);
            self.more += 1;
        }
    }

    /// Adds one fault for all occurrences, if there are any.
    pub(super) fn add_repeated(&mut self, source: &Source<'_>, found: &Occurrences, message: &str, hint: &str) {
        let Some(first) = found.first else { return };
        let message = match found.count {
            1 => message.to_owned(),
            count => format!("{message} ({} more in this file)", count - 1),
        };
        self.add(|| source.fault_at(first, message).hint(hint));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All of them by line, and at the end how many more there are.
    pub(super) fn in_order(mut self) -> Vec<Fault> {
        self.kept.sort_by(|left, right| left.place.cmp(&right.place));
        if let Some(place) = self.more_at {
            self.kept.push(Fault::new(place, format!("more faults that are not shown: {}", self.more)));
        }
        self.kept
    }
}
