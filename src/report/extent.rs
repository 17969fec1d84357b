//! How many of its orders an audit has judged. The others have a verdict too, but one that says nothing of them.

use super::summary::Summary;
use crate::model::money::Tally;
use crate::model::verdict::Verdict;
use crate::reconcile::reason::{LEFT_OUT, Reason};

/// How much of the book was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every order; a run knows the end of each of its rows.
    Whole,
    /// Some orders, and others not.
    Part,
    /// No order.
    Nothing,
}

impl Summary {
    /// The orders that an audit was not asked about, by why; only what occurs.
    #[must_use]
    pub fn left_out(&self) -> Vec<(Reason, Tally)> {
        let reasons = self.reasons.get(Verdict::NotSent.word());
        let tally = |reason: Reason| Some((reason, *reasons?.get(reason.words()?)?));
        if self.is_audit() { LEFT_OUT.into_iter().filter_map(tally).collect() } else { Vec::new() }
    }

    /// How much of the book was judged.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let left_out: u64 = self.left_out().iter().map(|(_, tally)| tally.count).sum();
        match (self.identity.verdicts.count, left_out) {
            (orders, left_out) if self.is_audit() && left_out >= orders => Extent::Nothing,
            (_, 0) => Extent::Whole,
            _ => Extent::Part,
        }
    }
}
