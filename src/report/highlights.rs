//! What a page for people shows of the orders while these go by: those that need a person, what is to be done next, and how
//! the book's words became verdicts. It stays small however many orders there are.

use super::action::Action;
use super::pictures::{End, Flow, Start};
use crate::model::money::{Difference, Rupiah, Tally};
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, Expectation};
use crate::reconcile::judge::Judged;
use crate::reconcile::reason::{Ageing, Key, Reason};

/// The most orders that a page for people shows; all of them are in reconciliation.csv.
pub const MOST_BREAKS: usize = 2000;

/// An order that needs a person, for a page. The order of the fields is that of the page: the worst verdict first, then
/// the largest amount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    rank: usize,
    /// From the largest down.
    below_all: u64,
    /// The invoice, unless it cannot be read.
    pub invoice: Option<String>,
    /// The number of its first row.
    pub row: u64,
    /// Its amount.
    pub amount: Rupiah,
    /// The conclusion.
    pub verdict: Verdict,
    /// Where its first row ended.
    pub state: DoneState,
    /// Why.
    pub reason: Reason,
    /// For how long proof has been awaited, where that is the question.
    pub ageing: Option<Ageing>,
    /// By what a notification was tied to it.
    pub key: Option<Key>,
    /// What the book says.
    pub book: Option<BookStatus>,
    /// What DOKU says.
    pub doku: Option<PaymentStatus>,
    /// The amount that DOKU names.
    pub doku_amount: Option<Rupiah>,
    /// DOKU's amount less the order's.
    pub difference: Option<Difference>,
    /// What to do next.
    pub action: Option<Action>,
    /// Since when proof has been awaited, in whole hours.
    pub hours: Option<u64>,
}

/// Verdicts as urgently as a person must look.
const WORST: [Verdict; 10] = [
    Verdict::InDoubt,
    Verdict::PaidAfterCancel,
    Verdict::AmountMismatch,
    Verdict::RefundedUnpaid,
    Verdict::StatusMismatch,
    Verdict::Missing,
    Verdict::Failed,
    Verdict::NotSent,
    Verdict::Pending,
    Verdict::Matched,
];

/// What has gone by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Highlights {
    /// Orders that need a person, the worst first, [`MOST_BREAKS`] of them at most.
    pub breaks: Vec<Break>,
    /// All orders that need a person.
    pub broken: Tally,
    /// Orders per action.
    next: [Tally; Action::ALL.len()],
    /// Orders per word of the book, the last for none, and verdict.
    flow: [[Tally; Verdict::ALL.len()]; BookStatus::ALL.len() + 1],
}

impl Highlights {
    /// Takes an order.
    pub fn take(&mut self, judged: &Judged<'_>) {
        let (verdict, amount) = (judged.verdict(), judged.entry.amount);
        if let Expectation::Book(_) = judged.entry.expectation {
            let word = judged.entry.book.and_then(|book| BookStatus::ALL.iter().position(|known| *known == book));
            let to = Verdict::ALL.iter().position(|known| *known == verdict).unwrap_or_default();
            self.flow[word.unwrap_or(BookStatus::ALL.len())][to].add(amount);
        }
        let state = judged.state();
        if !judged.needs_a_person() {
            return;
        }
        self.broken.add(amount);
        let action = Action::of(judged);
        if let Some(place) = action.and_then(|action| Action::ALL.iter().position(|known| *known == action)) {
            self.next[place].add(amount);
        }
        self.breaks.push(Break {
            rank: WORST.iter().position(|known| *known == verdict).unwrap_or(WORST.len()),
            below_all: u64::MAX - amount.whole(),
            invoice: judged.entry.invoice.map(str::to_owned),
            row: judged.entry.row,
            amount,
            verdict,
            state,
            reason: judged.reason,
            ageing: judged.ageing(),
            key: judged.picture.key,
            book: judged.entry.book,
            doku: judged.doku_status,
            doku_amount: judged.doku_amount,
            difference: judged.difference,
            action,
            hours: judged.age.map(|age| age.as_secs() / 3600),
        });
        // Not at every order, for sorting takes its time.
        if self.breaks.len() >= 2 * MOST_BREAKS {
            self.keep_the_worst();
        }
    }

    /// Adds those of another part; the order in which parts come makes no difference.
    pub fn merge(&mut self, mut other: Self) {
        self.broken.merge(other.broken);
        self.next.iter_mut().zip(other.next).for_each(|(mine, theirs)| mine.merge(theirs));
        let cells = self.flow.iter_mut().flatten().zip(other.flow.into_iter().flatten());
        cells.for_each(|(mine, theirs)| mine.merge(theirs));
        self.breaks.append(&mut other.breaks);
        self.keep_the_worst();
    }

    /// Leaves the orders that a page shows, in their order.
    pub fn keep_the_worst(&mut self) {
        self.breaks.sort_unstable();
        self.breaks.truncate(MOST_BREAKS);
        self.breaks.shrink_to_fit();
    }

    /// What is to be done, with how many orders; only what occurs.
    #[must_use]
    pub fn next(&self) -> Vec<(Action, Tally)> {
        Action::ALL.into_iter().zip(self.next).filter(|(_, tally)| tally.count > 0).collect()
    }

    /// How the book's words became verdicts; empty unless the book was what was expected.
    #[must_use]
    pub fn flow(&self) -> Flow {
        let mut flow = Flow::default();
        let books = BookStatus::ALL.into_iter().map(Some).chain([None]);
        for (book, row) in books.zip(&self.flow) {
            for (verdict, tally) in Verdict::ALL.into_iter().zip(row) {
                flow.add(Start::Book(book), End::Verdict(verdict), *tally);
            }
        }
        flow
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    impl Highlights {
        /// These orders, of so many.
        pub(crate) fn of(breaks: Vec<Break>, broken: Tally) -> Self {
            Self { breaks, broken, ..Self::default() }
        }
    }

    impl Break {
        /// A missing order of the book.
        pub(crate) fn of(invoice: &str, verdict: Verdict, reason: Reason, whole: u64) -> Self {
            Self {
                rank: WORST.iter().position(|known| *known == verdict).unwrap(),
                below_all: u64::MAX - whole,
                invoice: Some(invoice.to_owned()),
                row: 1,
                amount: Rupiah::new(whole),
                verdict,
                state: DoneState::Skipped,
                reason,
                ageing: None,
                key: None,
                book: Some(BookStatus::Paid),
                doku: None,
                doku_amount: None,
                difference: None,
                action: None,
                hours: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(number: u64, whole: u64) -> Break {
        Break::of(&format!("INV-{number}"), Verdict::Missing, Reason::Unproved, whole)
    }

    #[test]
    fn the_worst_and_then_the_largest_are_kept_whatever_the_order_of_the_parts() {
        let amounts = 0..MOST_BREAKS as u64 + 500;
        let mut parts: Vec<Highlights> = amounts
            .map(|number| Highlights { breaks: vec![missing(number, number + 1)], ..Highlights::default() })
            .collect();
        parts.push(Highlights {
            breaks: vec![Break::of("INV-X", Verdict::InDoubt, Reason::NoProof, 1)],
            ..Highlights::default()
        });
        let whole = |parts: Vec<Highlights>| {
            let mut whole = Highlights::default();
            for chunk in parts.chunks(700) {
                let mut part = Highlights::default();
                chunk.iter().for_each(|one| part.breaks.extend(one.breaks.iter().cloned()));
                whole.merge(part);
            }
            whole.breaks
        };
        let forth = whole(parts.clone());
        parts.reverse();
        assert_eq!(forth, whole(parts));
        assert_eq!(forth.len(), MOST_BREAKS);
        assert_eq!(forth[0].verdict, Verdict::InDoubt, "a small sum in doubt comes before any that is not");
        assert_eq!(forth[1].amount, Rupiah::new(MOST_BREAKS as u64 + 500));
    }
}
