//! Which notifications are in the log: the latest ones, as many as fit.

use std::collections::{HashSet, VecDeque};

use super::judge::Identity;

/// The latest notifications of the log.
#[derive(Debug)]
pub(super) struct Memory {
    known: HashSet<Identity>,
    /// Oldest first.
    order: VecDeque<Identity>,
    most: usize,
}

impl Memory {
    pub(super) fn new(most: usize) -> Self {
        Self { known: HashSet::new(), order: VecDeque::new(), most }
    }

    pub(super) fn holds(&self, identity: Identity) -> bool {
        self.known.contains(&identity)
    }

    /// Keeps one in mind that is in the log now; the oldest is forgotten for it.
    pub(super) fn remember(&mut self, identity: Identity) {
        if !self.known.insert(identity) {
            return;
        }
        self.order.push_back(identity);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_a_copy_takes_no_room() {
        let [one, two, three] = ["1", "2", "3"].map(|id| Identity::of(id, ""));
        let mut memory = Memory::new(2);
        for identity in [one, two, two, three] {
            memory.remember(identity);
        }
        assert_eq!([one, two, three].map(|identity| memory.holds(identity)), [false, true, true]);
    }
}
