//! Counts and rupiah that were planted. They are added up where things are planted; nothing here asks the program.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::AS_OF;

/// A count and the rupiah behind it.
pub(crate) type Tally = (u64, u64);

const VERDICTS: [&str; 10] = [
    "matched",
    "pending",
    "missing",
    "amount_mismatch",
    "status_mismatch",
    "paid_after_cancel",
    "refunded_unpaid",
    "in_doubt",
    "failed",
    "not_sent",
];
const REASONS: [&str; 10] = [
    "orphan",
    "invalid_signature",
    "malformed",
    "unverifiable",
    "other_client",
    "ambiguous",
    "outside_period",
    "unreadable",
    "duplicate",
    "replayed",
];
const STATES: [&str; 10] = [
    "succeeded",
    "already_done",
    "refused",
    "unknown",
    "review",
    "conflict",
    "held",
    "skipped",
    "invalid",
    "not_attempted",
];

/// What there is to find.
#[derive(Debug, Clone, Default)]
pub(crate) struct Planted {
    /// Rows of the orders, those that repeat an order included.
    pub(crate) rows: Tally,
    /// Rows that repeat an order.
    pub(crate) repeated: Tally,
    /// Rows of all results.
    pub(crate) results: u64,
    /// Lines of the log.
    pub(crate) lines: u64,
    /// Copies of notifications beyond the first, whenever they came.
    pub(crate) duplicates: u64,
    /// Orders per verdict.
    pub(crate) verdicts: BTreeMap<&'static str, Tally>,
    /// The same for somebody who believes every signature.
    pub(crate) believed: BTreeMap<&'static str, Tally>,
    /// Rows per `rekon_state` that decides about them.
    pub(crate) states: BTreeMap<&'static str, Tally>,
    /// Lines that prove nothing about an order, or nothing new, per reason.
    pub(crate) unmatched: BTreeMap<&'static str, Tally>,
}

fn add(tally: &mut Tally, (count, rupiah): Tally) {
    tally.0 += count;
    tally.1 += rupiah;
}

impl Planted {
    pub(super) fn order(&mut self, amount: u64, state: &'static str, verdict: &'static str, believed: &'static str) {
        add(&mut self.rows, (1, amount));
        add(self.states.entry(state).or_default(), (1, amount));
        add(self.verdicts.entry(verdict).or_default(), (1, amount));
        add(self.believed.entry(believed).or_default(), (1, amount));
    }

    pub(super) fn repeat(&mut self, amount: u64) {
        add(&mut self.rows, (1, amount));
        add(&mut self.repeated, (1, amount));
        add(self.states.entry("skipped").or_default(), (1, amount));
    }

    /// A copy of a notification that is there already: `duplicate` or `replayed`.
    pub(super) fn copy(&mut self, reason: &'static str, amount: u64) {
        self.duplicates += 1;
        self.stray(reason, amount);
    }

    pub(super) fn stray(&mut self, reason: &'static str, amount: u64) {
        add(self.unmatched.entry(reason).or_default(), (1, amount));
    }

    /// Counts a line of the log; its number.
    pub(super) const fn next_line(&mut self) -> u64 {
        self.lines += 1;
        self.lines
    }

    pub(super) fn torn(&mut self) {
        self.next_line();
        self.stray("malformed", 0);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        add(&mut self.rows, other.rows);
        add(&mut self.repeated, other.repeated);
        self.results += other.results;
        self.lines += other.lines;
        self.duplicates += other.duplicates;
        let pairs = [
            (&mut self.verdicts, &other.verdicts),
            (&mut self.believed, &other.believed),
            (&mut self.states, &other.states),
            (&mut self.unmatched, &other.unmatched),
        ];
        for (mine, theirs) in pairs {
            theirs.iter().for_each(|(name, tally)| add(mine.entry(name).or_default(), *tally));
        }
    }

    /// As JSON, in the form of summary.json where it says the same.
    pub(crate) fn json(&self) -> Value {
        let tally = |(count, rupiah): Tally| json!({"count": count, "rupiah": rupiah});
        let all = |names: &[&str], of: &BTreeMap<&'static str, Tally>| -> Value {
            names.iter().map(|name| ((*name).to_owned(), tally(of.get(name).copied().unwrap_or_default()))).collect()
        };
        json!({
            "as_of": AS_OF,
            // Money is in doubt.
            "exit_code": 3,
            "rows": tally(self.rows),
            "repeated": tally(self.repeated),
            "results": self.results,
            "lines": self.lines,
            "duplicates": self.duplicates,
            "states": all(&STATES, &self.states),
            "verdicts": all(&VERDICTS, &self.verdicts),
            "verdicts_if_signatures_are_believed": all(&VERDICTS, &self.believed),
            "unmatched": all(&REASONS, &self.unmatched),
        })
    }

    /// planted.json.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(&self.json()).expect("text and numbers")
    }
}
