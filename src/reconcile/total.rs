//! The totals, and the proof that nothing was lost on the way: rows in = rows out, by count and by rupiah.
//!
//! Totals add up in any order and from any parts: a reconciliation on several threads, or in several passes, has the same.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::aside::Aside;
use super::dated::Dated;
use super::evidence::{DoneState, UnmatchedReason};
use super::judge::Judged;
use super::reason::{Ageing, Reason};
use crate::model::money::{Rupiah, Tally};
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::BusinessDate;
use crate::model::verdict::Verdict;

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
    states: [Tally; DoneState::ALL.len()],
    /// The part of `states` that an audit was not asked about.
    left_out: [Tally; DoneState::ALL.len()],
    verdicts: [Tally; Verdict::ALL.len()],
    reasons: Vec<Tally>,
    waiting: [Tally; Ageing::ALL.len()],
    unmatched: [Tally; UnmatchedReason::ALL.len()],
    oldest: [Option<Duration>; Verdict::ALL.len()],
    days: BTreeMap<u16, Day>,
    /// The day to which the last order was added, for the next one is most often of the same.
    latest: (u16, Day),
    /// What nobody knows.
    pub in_doubt: Tally,
    /// Rows that repeat an order or are further line items of one; they have no verdict of their own.
    pub repeated: Tally,
    /// Orders of an audit whose dates may be slips.
    pub dated: Dated,
    /// What an audit has read and judges in no row; no part of the sums above.
    pub aside: Aside,
}

/// One business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Day {
    /// Orders that were made on it, per word of the book; the last has none.
    book: [Tally; BookStatus::ALL.len() + 1],
    /// The same orders per verdict.
    verdicts: [Tally; Verdict::ALL.len()],
    /// Notifications of what happened on it, per word of DOKU's.
    doku: [Tally; PaymentStatus::ALL.len()],
}

/// A line of the totals per day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayTotal {
    /// The business day; `None`: nothing says which.
    pub date: Option<String>,
    /// `book`, `verdict` or `doku`.
    pub of: &'static str,
    /// The word of the book, the verdict, or the word of DOKU's.
    pub word: &'static str,
    /// How many, and how much.
    #[serde(flatten)]
    pub tally: Tally,
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

impl Default for Totals {
    fn default() -> Self {
        Self {
            states: Default::default(),
            left_out: Default::default(),
            verdicts: Default::default(),
            reasons: vec![Tally::default(); Reason::COUNT],
            waiting: Default::default(),
            unmatched: Default::default(),
            oldest: Default::default(),
            days: BTreeMap::new(),
            latest: (0, Day::default()),
            in_doubt: Tally::default(),
            repeated: Tally::default(),
            dated: Dated::default(),
            aside: Aside::default(),
        }
    }
}

impl Totals {
    /// Adds where a row ended.
    pub fn add_row(&mut self, end: &RowEnd) {
        self.states[place(&DoneState::ALL, &end.state)].add(end.rupiah);
        if end.state.is_in_doubt() {
            self.in_doubt.add(end.rupiah);
        }
        if end.counted == Counted::Earlier {
            self.repeated.add(end.rupiah);
        }
    }

    /// Adds where a row of an audit ended that it was not asked about. What is in doubt of these stands [aside](Aside).
    pub fn add_left_out(&mut self, state: DoneState, rupiah: Rupiah) {
        self.states[place(&DoneState::ALL, &state)].add(rupiah);
        self.left_out[place(&DoneState::ALL, &state)].add(rupiah);
    }

    /// Adds rows of an audit that say the same as an earlier one.
    pub fn add_repeated(&mut self, rows: Tally) {
        self.states[place(&DoneState::ALL, &DoneState::Skipped)].merge(rows);
        self.repeated.merge(rows);
    }

    /// Adds an order. `made_on` is its business day in days from 1970-01-01; 0: nothing says.
    pub fn add_order(&mut self, judged: &Judged<'_>, made_on: u16) {
        let (amount, verdict) = (judged.entry.amount, place(&Verdict::ALL, &judged.verdict()));
        self.verdicts[verdict].add(amount);
        self.reasons[judged.reason.index()].add(amount);
        self.oldest[verdict] = self.oldest[verdict].max(judged.age);
        if let Some(ageing) = judged.ageing() {
            self.waiting[place(&Ageing::ALL, &ageing)].add(amount);
        }
        let day = self.day(made_on);
        let word = judged.entry.book.map_or(BookStatus::ALL.len(), |book| place(&BookStatus::ALL, &book));
        day.book[word].add(amount);
        day.verdicts[verdict].add(amount);
    }

    /// Adds a notification to the day on which it happened.
    pub fn add_event(&mut self, day: Option<u16>, status: PaymentStatus, amount: Rupiah) {
        self.day(day.unwrap_or_default()).doku[place(&PaymentStatus::ALL, &status)].add(amount);
    }

    fn day(&mut self, number: u16) -> &mut Day {
        if self.latest.0 != number {
            self.put_day_away();
            self.latest = (number, self.days.remove(&number).unwrap_or_default());
        }
        &mut self.latest.1
    }

    fn put_day_away(&mut self) {
        let (number, day) = std::mem::take(&mut self.latest);
        if day != Day::default() {
            self.days.insert(number, day);
        }
    }

    /// Adds a line that proves nothing.
    pub fn add_unmatched(&mut self, reason: UnmatchedReason, amount: Option<Rupiah>) {
        self.unmatched[place(&UnmatchedReason::ALL, &reason)].add(amount.unwrap_or_default());
    }

    /// Adds the totals of another part.
    pub fn merge(&mut self, mut other: Self) {
        merge(&mut self.states, &other.states);
        merge(&mut self.left_out, &other.left_out);
        merge(&mut self.verdicts, &other.verdicts);
        merge(&mut self.reasons, &other.reasons);
        merge(&mut self.waiting, &other.waiting);
        merge(&mut self.unmatched, &other.unmatched);
        for (mine, theirs) in self.oldest.iter_mut().zip(other.oldest) {
            *mine = (*mine).max(theirs);
        }
        other.put_day_away();
        for (number, theirs) in other.days {
            let day = self.day(number);
            merge(&mut day.book, &theirs.book);
            merge(&mut day.verdicts, &theirs.verdicts);
            merge(&mut day.doku, &theirs.doku);
        }
        self.in_doubt.merge(other.in_doubt);
        self.repeated.merge(other.repeated);
        self.dated.merge(other.dated);
        self.aside.merge(other.aside);
    }

    /// Rows in a state.
    #[must_use]
    pub fn state(&self, state: DoneState) -> Tally {
        self.states[place(&DoneState::ALL, &state)]
    }

    /// How many rows ended so that a person must look whatever their verdict: held, or not to be read.
    #[must_use]
    pub fn to_look_at(&self, state: DoneState) -> u64 {
        let place = place(&DoneState::ALL, &state);
        if state.needs_a_person() { self.states[place].count - self.left_out[place].count } else { 0 }
    }

    /// Orders with a verdict.
    #[must_use]
    pub fn verdict(&self, verdict: Verdict) -> Tally {
        self.verdicts[place(&Verdict::ALL, &verdict)]
    }

    /// The greatest age of an order with that verdict; `None`: there is none, or nothing says.
    #[must_use]
    pub fn oldest(&self, verdict: Verdict) -> Option<Duration> {
        self.oldest[place(&Verdict::ALL, &verdict)]
    }

    /// Lines that prove nothing, of one kind.
    #[must_use]
    pub fn unmatched(&self, reason: UnmatchedReason) -> Tally {
        self.unmatched[place(&UnmatchedReason::ALL, &reason)]
    }

    /// Rows per state; every state is there.
    #[must_use]
    pub fn states(&self) -> BTreeMap<&'static str, Tally> {
        DoneState::ALL.into_iter().map(|state| (state.word(), self.state(state))).collect()
    }

    /// Orders per verdict; every verdict is there.
    #[must_use]
    pub fn verdicts(&self) -> BTreeMap<&'static str, Tally> {
        Verdict::ALL.into_iter().map(|verdict| (verdict.word(), self.verdict(verdict))).collect()
    }

    /// Orders per reason, under their verdicts; only what occurs is there.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<&'static str, BTreeMap<String, Tally>> {
        let mut reasons: BTreeMap<&'static str, BTreeMap<String, Tally>> = BTreeMap::new();
        for (reason, tally) in Reason::all().into_iter().zip(&self.reasons).filter(|(_, tally)| tally.count > 0) {
            reasons.entry(reason.verdict().word()).or_default().insert(reason.to_string(), *tally);
        }
        reasons
    }

    /// Orders that proof is awaited for, by age, the youngest first.
    #[must_use]
    pub fn waiting(&self) -> Vec<(&'static str, Tally)> {
        Ageing::ALL.into_iter().zip(self.waiting).map(|(ageing, tally)| (ageing.word(), tally)).collect()
    }

    /// Lines of the logs per reason; every reason is there.
    #[must_use]
    pub fn unmatched_lines(&self) -> BTreeMap<&'static str, Tally> {
        UnmatchedReason::ALL.into_iter().map(|reason| (reason.word(), self.unmatched(reason))).collect()
    }

    /// Per business day and word, what occurs, in the order of the days; what has no day stands first.
    #[must_use]
    pub fn days(&self) -> Vec<DayTotal> {
        let mut whole = self.clone();
        whole.put_day_away();
        let words = |of, words: Vec<&'static str>, tallies: &[Tally], number: &u16| -> Vec<DayTotal> {
            let date = BusinessDate::from_day(*number).filter(|_| *number > 0).map(|date| date.to_string());
            let occurs = words.into_iter().zip(tallies).filter(|(_, tally)| tally.count > 0);
            occurs.map(|(word, tally)| DayTotal { date: date.clone(), of, word, tally: *tally }).collect()
        };
        let book = || BookStatus::ALL.map(BookStatus::word).into_iter().chain(["none"]).collect();
        whole
            .days
            .iter()
            .flat_map(|(number, day)| {
                [
                    words("book", book(), &day.book, number),
                    words("doku", PaymentStatus::ALL.map(PaymentStatus::word).to_vec(), &day.doku, number),
                    words("verdict", Verdict::ALL.map(Verdict::word).to_vec(), &day.verdicts, number),
                ]
                .concat()
            })
            .collect()
    }

    /// The proof. `rows` are the input's own count and money, taken when it was read, so that a loss in between is seen.
    #[must_use]
    pub fn identity(&self, rows: Tally) -> Identity {
        prove(rows, sum(&self.states), sum(&self.verdicts), self.repeated)
    }
}

fn place<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|known| known == one).expect("every word stands in the list of all")
}

fn merge(mine: &mut [Tally], theirs: &[Tally]) {
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(*theirs));
}

fn prove(rows: Tally, states: Tally, verdicts: Tally, repeated: Tally) -> Identity {
    let mut with_repeated = verdicts;
    with_repeated.merge(repeated);
    Identity { holds: rows == states && rows == with_repeated, rows, states, verdicts, repeated }
}

fn sum(tallies: &[Tally]) -> Tally {
    let mut sum = Tally::default();
    tallies.iter().for_each(|tally| sum.merge(*tally));
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

    #[test]
    fn days_add_up_whatever_the_order_in_which_they_come() {
        let events = [(3_u16, 5_u64), (0, 7), (3, 6), (4, 1), (3, 2)];
        let add = |events: &[(u16, u64)]| {
            let mut totals = Totals::default();
            for (day, amount) in events {
                totals.add_event(Some(*day).filter(|day| *day > 0), PaymentStatus::Success, Rupiah::new(*amount));
            }
            totals
        };
        let whole = add(&events);
        let mut parts = add(&events[3..]);
        parts.merge(add(&events[..3]));
        assert_eq!(whole.days(), parts.days());
        let found: Vec<(Option<String>, u64)> =
            whole.days().into_iter().map(|day| (day.date, day.tally.rupiah.whole())).collect();
        let date = |text: &str| Some(text.to_owned());
        assert_eq!(found, [(None, 7), (date("1970-01-04"), 13), (date("1970-01-05"), 1)]);
    }
}
