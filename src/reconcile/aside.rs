//! What an audit has read about our own operations and judges in no row.
//!
//! Its verdicts are about the orders that it was asked about. Money in doubt is in doubt whoever asks: it decides the exit
//! code all the same. What was done to orders of other months is told, for whoever looks for it, and decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use foldhash::quality::FixedState;

use super::evidence::DoneState;
use super::judge::Judged;
use super::record::Standing;
use crate::model::money::{Rupiah, Tally};

/// More invoices than these are counted only.
pub const MOST_NAMED: usize = 5;

/// What stands aside of the judged rows. It adds up in any order and from any parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aside {
    in_doubt: Tally,
    /// The first invoices of those in doubt.
    named: BTreeSet<Box<str>>,
    succeeded: Tally,
    already_done: Tally,
}

impl Aside {
    /// Notes an order of the input, if it is in doubt and not judged.
    pub fn note(&mut self, judged: &Judged<'_>) {
        if judged.entry.standing != Standing::Judged && judged.entry.done.is_some_and(|done| done.state.is_in_doubt()) {
            self.doubt(&judged.name(), judged.entry.amount);
        }
    }

    /// Notes how the deciding operation ended on an order that the input does not have.
    pub(super) fn note_stranger(&mut self, state: DoneState, invoice: &str, amount: Rupiah) {
        match state {
            DoneState::Succeeded => self.succeeded.add(amount),
            DoneState::AlreadyDone => self.already_done.add(amount),
            DoneState::Unknown | DoneState::Review | DoneState::Conflict => self.doubt(invoice, amount),
            DoneState::Refused
            | DoneState::Held
            | DoneState::Skipped
            | DoneState::Invalid
            | DoneState::NotAttempted => {}
        }
    }

    fn doubt(&mut self, invoice: &str, amount: Rupiah) {
        self.in_doubt.add(amount);
        self.named.insert(invoice.into());
        self.keep_the_first();
    }

    fn keep_the_first(&mut self) {
        while self.named.len() > MOST_NAMED {
            self.named.pop_last();
        }
    }

    /// Adds that of another part.
    pub fn merge(&mut self, other: Self) {
        self.in_doubt.merge(other.in_doubt);
        self.succeeded.merge(other.succeeded);
        self.already_done.merge(other.already_done);
        self.named.extend(other.named);
        self.keep_the_first();
    }

    /// Orders in doubt that no row shows.
    #[must_use]
    pub const fn in_doubt(&self) -> Tally {
        self.in_doubt
    }

    /// The first of them.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|invoice| &**invoice)
    }

    /// Orders that the input does not have and to which something was done, per state; only what occurs is there.
    #[must_use]
    pub fn done(&self) -> BTreeMap<&'static str, Tally> {
        let done = [(DoneState::Succeeded, self.succeeded), (DoneState::AlreadyDone, self.already_done)];
        done.into_iter().filter(|(_, tally)| tally.count > 0).map(|(state, tally)| (state.word(), tally)).collect()
    }

    /// A hash of what was found; 0: nothing.
    #[must_use]
    pub fn digest(&self) -> u64 {
        if *self == Self::default() {
            return 0;
        }
        let mut hasher = FixedState::with_seed(0).build_hasher();
        for Tally { count, rupiah } in [self.in_doubt, self.succeeded, self.already_done] {
            (count, rupiah).hash(&mut hasher);
        }
        self.named.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_adds_up_in_any_order_and_names_the_first() {
        let part = |numbers: std::ops::Range<u64>| {
            let mut aside = Aside::default();
            for number in numbers {
                let state = if number % 3 == 0 { DoneState::Succeeded } else { DoneState::Review };
                aside.note_stranger(state, &format!("INV-{number}"), Rupiah::new(number));
            }
            aside
        };
        let merged = |parts: [std::ops::Range<u64>; 3]| {
            let mut whole = Aside::default();
            parts.into_iter().for_each(|numbers| whole.merge(part(numbers)));
            whole
        };
        let (whole, parts) = (part(1..10), merged([7..10, 1..4, 4..7]));
        assert_eq!(whole, parts);
        assert_eq!((whole.digest(), Aside::default().digest()), (parts.digest(), 0));
        assert_eq!(whole.named().collect::<Vec<_>>(), ["INV-1", "INV-2", "INV-4", "INV-5", "INV-7"]);
        assert_eq!((whole.in_doubt().count, whole.in_doubt().rupiah), (6, Rupiah::new(27)));
        assert_eq!(whole.done()["succeeded"].count, 3);
    }
}
