//! The totals, and the proof that nothing was lost on the way: rows in = rows out, by count and by rupiah.

use std::collections::BTreeMap;

use serde::Serialize;

use super::evidence::{DoneState, UnmatchedReason};
use super::judge::Reconciliation;
use super::verdict::Verdict;
use crate::model::money::{Rupiah, Tally};

/// The state of one input row and the money that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowEnd {
    /// Where the row ended.
    pub state: DoneState,
    /// Its money.
    pub rupiah: Rupiah,
    /// Whether the order's verdict is counted at this row or at an earlier one.
    pub counted: Counted,
}

/// Where the verdict of a row's order is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// At this row.
    Here,
    /// At the first row of the order; this one repeats it or is a further line item.
    Earlier,
}

/// All sums of a run or an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The input.
    pub rows: Tally,
    /// Rows per state; every state is there.
    pub states: BTreeMap<&'static str, Tally>,
    /// Orders per verdict; every verdict is there.
    pub verdicts: BTreeMap<&'static str, Tally>,
    /// Lines of the logs per reason; every reason is there.
    pub unmatched: BTreeMap<&'static str, Tally>,
    /// What nobody knows.
    pub in_doubt: Tally,
    /// The proof.
    pub identity: Identity,
}

/// The closing identity: what went in came out, over the states and again over the verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Whether both hold, by count and by rupiah.
    pub holds: bool,
    /// What went in.
    pub rows: Tally,
    /// What came out over the states.
    pub states: Tally,
    /// What came out over the verdicts.
    pub verdicts: Tally,
    /// Rows that repeat an order or are further line items of one; they have no verdict of their own.
    pub repeated: Tally,
}

/// Adds everything up.
///
/// `rows` are the input's own count and money, `ends` what became of them; the two are counted apart, so that a loss in
/// between is seen.
#[must_use]
pub fn total(rows: Tally, ends: &[RowEnd], reconciliation: &Reconciliation) -> Totals {
    let mut states: BTreeMap<&'static str, Tally> =
        DoneState::ALL.into_iter().map(|state| (state.word(), Tally::default())).collect();
    let mut verdicts: BTreeMap<&'static str, Tally> =
        Verdict::ALL.into_iter().map(|verdict| (verdict.word(), Tally::default())).collect();
    let mut unmatched: BTreeMap<&'static str, Tally> =
        UnmatchedReason::ALL.into_iter().map(|reason| (reason.word(), Tally::default())).collect();
    let (mut in_doubt, mut repeated) = (Tally::default(), Tally::default());
    for end in ends {
        states.entry(end.state.word()).or_default().add(end.rupiah);
        if end.state.is_in_doubt() {
            in_doubt.add(end.rupiah);
        }
        if end.counted == Counted::Earlier {
            repeated.add(end.rupiah);
        }
    }
    for judged in &reconciliation.orders {
        verdicts.entry(judged.verdict.word()).or_default().add(judged.subject.amount);
    }
    for line in &reconciliation.unmatched {
        unmatched.entry(line.reason.word()).or_default().add(line.amount.unwrap_or_default());
    }
    let identity = prove(rows, sum(&states), sum(&verdicts), repeated);
    Totals { rows, states, verdicts, unmatched, in_doubt, identity }
}

fn prove(rows: Tally, states: Tally, verdicts: Tally, repeated: Tally) -> Identity {
    let mut with_repeated = verdicts;
    with_repeated.merge(repeated);
    Identity { holds: rows == states && rows == with_repeated, rows, states, verdicts, repeated }
}

fn sum(tallies: &BTreeMap<&'static str, Tally>) -> Tally {
    let mut sum = Tally::default();
    tallies.values().for_each(|tally| sum.merge(*tally));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(count: u64, rupiah: u64) -> Tally {
        Tally { count, rupiah: Rupiah::new(rupiah) }
    }

    #[test]
    fn a_lost_row_a_lost_rupiah_and_a_row_too_many_are_seen() {
        let (three, none) = (tally(3, 30), tally(0, 0));
        assert!(!prove(three, tally(2, 30), three, none).holds);
        assert!(!prove(three, tally(3, 29), three, none).holds);
        assert!(!prove(three, three, tally(4, 30), none).holds);
        assert!(!prove(three, three, tally(2, 20), none).holds);
        assert!(prove(three, three, tally(2, 20), tally(1, 10)).holds);
        assert!(prove(three, three, three, none).holds);
    }
}
