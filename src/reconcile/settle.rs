//! Notifications that do not name their order in the usual way: by whom they can be meant.
//!
//! The Request-Id of the creation is the strongest tie, the invoice comes next, the payment reference last. A weaker tie
//! counts only where no stronger one leads anywhere, and a match by it is labelled. Where ties lead to several orders, the
//! notification is proof of nothing, and all candidates are named.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use foldhash::quality::FixedState;

use super::evidence::UnmatchedReason;
use super::ledger::{Ledger, Named, Tie, TooMany};
use super::reason::Key;
use super::record::{HeardRecord, Record};
use super::sieve::Sieve;

/// A notification of which it was not clear whose it is, with what came of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It belongs to this order.
    Of(String, Key),
    /// It could belong to each of these.
    Ambiguous(Candidates),
    /// It belongs to none.
    Orphan,
}

/// Orders to which a notification could belong: the first hundred by invoice, and how many there are. A reference that all
/// orders share must not fill the disk with their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidates {
    first: BTreeSet<String>,
    count: u64,
}

impl Candidates {
    /// The most that are named.
    const MOST: usize = 100;

    fn add(&mut self, invoice: &str) {
        if self.first.contains(invoice) {
            return;
        }
        self.count += 1;
        if self.first.len() < Self::MOST {
            self.first.insert(invoice.to_owned());
        } else if self.first.last().is_some_and(|last| invoice < last.as_str()) {
            self.first.pop_last();
            self.first.insert(invoice.to_owned());
        }
    }

    /// The first of them.
    pub fn first(&self) -> impl Iterator<Item = &str> {
        self.first.iter().map(String::as_str)
    }

    fn text(&self) -> String {
        let names: Vec<&str> = self.first().collect();
        match self.count - self.first.len() as u64 {
            0 => names.join(" "),
            more => format!("{} and {more} more", names.join(" ")),
        }
    }
}

/// What is looked for, and the invoice of an order that has it.
#[derive(Debug, Clone)]
pub struct Found {
    tie: Tie,
    invoice: String,
}

/// The keys that unsettled notifications name, and the orders that have them.
#[derive(Debug, Default)]
pub struct Search {
    requests: HashMap<u128, Candidates, FixedState>,
    references: HashMap<u64, Candidates, FixedState>,
}

impl Search {
    /// Looks for what these records name.
    pub fn want(&mut self, unsettled: &[u8]) {
        for heard in records(unsettled) {
            if let Some(key) = heard.request {
                self.requests.entry(key).or_default();
            }
            if let Some(key) = heard.reference {
                self.references.entry(key).or_default();
            }
        }
    }

    /// Which of these orders have what is looked for.
    #[must_use]
    pub fn find(&self, ledger: &Ledger, orders: Range<usize>) -> Vec<Found> {
        let mut found = Vec::new();
        if self.requests.is_empty() && self.references.is_empty() {
            return found;
        }
        // Hardly any is looked for: most need no look into the maps.
        let mut wanted = Sieve::for_keys((self.requests.len() + self.references.len()) as u64);
        let requests = self.requests.keys().map(|key| Tie::Request(*key));
        let references = self.references.keys().map(|key| Tie::Reference(*key));
        requests.chain(references).for_each(|tie| wanted.insert(tie.sieved()));
        ledger.keys(orders, |order, tie| {
            let is_wanted = wanted.may_hold(tie.sieved())
                && match tie {
                    Tie::Request(key) => self.requests.contains_key(&key),
                    Tie::Reference(key) => self.references.contains_key(&key),
                };
            if is_wanted && let Some(invoice) = ledger.tied(order, tie) {
                found.push(Found { tie, invoice: invoice.to_owned() });
            }
        });
        found
    }

    /// Takes note of what was found.
    pub fn take(&mut self, found: Vec<Found>) {
        for Found { tie, invoice } in found {
            let candidates = match tie {
                Tie::Request(key) => self.requests.get_mut(&key),
                Tie::Reference(key) => self.references.get_mut(&key),
            };
            if let Some(candidates) = candidates {
                candidates.add(&invoice);
            }
        }
    }

    /// Whose a notification is; `named` says whether there is an order with the invoice that it names.
    #[must_use]
    pub fn settle(&self, heard: &HeardRecord<'_>, named: Named) -> Settled {
        let created = heard.request.and_then(|key| self.requests.get(&key)).filter(|found| found.count > 0);
        if let Some(created) = created {
            let mut candidates = created.clone();
            if named != Named::Nobody {
                candidates.add(heard.invoice);
            }
            let key = if named == Named::Nobody { Key::RequestId } else { Key::Own };
            return only(candidates, key);
        }
        match named {
            // As if the search had not been needed.
            Named::Order => return Settled::Of(heard.invoice.to_owned(), Key::Own),
            Named::Created => return Settled::Of(heard.invoice.to_owned(), Key::Invoice),
            Named::Nobody => {}
        }
        match heard.reference.and_then(|key| self.references.get(&key)).filter(|found| found.count > 0) {
            Some(candidates) => only(candidates.clone(), Key::Reference),
            None => Settled::Orphan,
        }
    }
}

/// Settles all that is unsettled in a ledger that has everything.
///
/// # Errors
/// There are more than a ledger can number.
pub fn settle(ledger: &mut Ledger) -> Result<(), TooMany> {
    settle_with(ledger, |search, ledger| search.find(ledger, 0..ledger.orders()))
}

/// The same, with somebody else to look through the orders: all of them, by [`Search::find`].
///
/// # Errors
/// There are more than a ledger can number.
pub fn settle_with(ledger: &mut Ledger, look: impl FnOnce(&Search, &Ledger) -> Vec<Found>) -> Result<(), TooMany> {
    let unsettled = ledger.unsettled();
    let mut search = Search::default();
    search.want(&unsettled);
    let found = look(&search, ledger);
    search.take(found);
    for heard in records(&unsettled) {
        apply(ledger, &heard, &search.settle(&heard, ledger.named(heard.invoice)))?;
    }
    ledger.note_unreadable();
    Ok(())
}

/// Notes what came of the search.
///
/// # Errors
/// There are more than a ledger can number.
pub fn apply(ledger: &mut Ledger, heard: &HeardRecord<'_>, settled: &Settled) -> Result<(), TooMany> {
    match settled {
        Settled::Of(invoice, key) => ledger.adopt(invoice, heard, *key)?,
        Settled::Orphan => ledger.stray(heard, UnmatchedReason::Orphan, heard.status.word()),
        Settled::Ambiguous(candidates) => {
            let status = format!("{}; candidates {}", heard.status.word(), candidates.text());
            ledger.stray(heard, UnmatchedReason::Ambiguous, &status);
            candidates.first().for_each(|invoice| ledger.note_unclear(invoice));
        }
    }
    Ok(())
}

fn only(candidates: Candidates, key: Key) -> Settled {
    if candidates.count > 1 {
        return Settled::Ambiguous(candidates);
    }
    candidates.first.into_iter().next().map_or(Settled::Orphan, |invoice| Settled::Of(invoice, key))
}

/// The notifications in bytes.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = HeardRecord<'_>> {
    std::iter::from_fn(move || match Record::read(&mut bytes)? {
        Record::Heard(heard) => Some(heard),
        Record::RowsBefore(_) | Record::Order(_) | Record::Done(_) | Record::Stray(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Rupiah;
    use crate::model::status::PaymentStatus;
    use crate::reconcile::record::LinePlace;

    fn heard(request: Option<u128>, reference: Option<u64>) -> HeardRecord<'static> {
        HeardRecord {
            place: LinePlace::default(),
            invoice: "INV-1",
            amount: Rupiah::new(5),
            status: PaymentStatus::Success,
            received_at: None,
            day: None,
            id: 1,
            date: 1,
            request,
            reference,
            late: false,
            stale: false,
            identifiers: [""; 3],
        }
    }

    #[test]
    fn the_strongest_tie_decides_and_ties_that_disagree_decide_nothing() {
        let mut search = Search::default();
        let invoices = |texts: &[&str]| {
            let mut candidates = Candidates::default();
            texts.iter().for_each(|text| candidates.add(text));
            candidates
        };
        search.requests.insert(2, invoices(&["INV-2"]));
        search.requests.insert(1, invoices(&["INV-1"]));
        search.requests.insert(9, invoices(&[]));
        search.references.insert(3, invoices(&["INV-3"]));
        search.references.insert(4, invoices(&["INV-3", "INV-4"]));
        let of = |invoice: &str, key| Settled::Of(invoice.to_owned(), key);
        let cases = [
            (Some(2), None, Named::Nobody, of("INV-2", Key::RequestId)),
            (Some(2), Some(3), Named::Nobody, of("INV-2", Key::RequestId)),
            (Some(1), None, Named::Created, of("INV-1", Key::Own)),
            (Some(2), None, Named::Order, Settled::Ambiguous(invoices(&["INV-1", "INV-2"]))),
            (Some(9), Some(3), Named::Created, of("INV-1", Key::Invoice)),
            (Some(9), Some(3), Named::Order, of("INV-1", Key::Own)),
            (Some(9), Some(3), Named::Nobody, of("INV-3", Key::Reference)),
            (None, Some(4), Named::Nobody, Settled::Ambiguous(invoices(&["INV-3", "INV-4"]))),
            (None, Some(5), Named::Nobody, Settled::Orphan),
            (None, None, Named::Nobody, Settled::Orphan),
        ];
        for (request, reference, named, expected) in cases {
            assert_eq!(
                search.settle(&heard(request, reference), named),
                expected,
                "{request:?} {reference:?} {named:?}"
            );
        }
    }

    #[test]
    fn of_very_many_candidates_the_first_are_named_and_all_are_counted() {
        let mut candidates = Candidates::default();
        (0..250).rev().for_each(|number| candidates.add(&format!("INV-{number:03}")));
        candidates.add("INV-000");
        let text = candidates.text();
        assert!(text.starts_with("INV-000 INV-001 "), "{text}");
        assert!(text.ends_with(" INV-099 and 150 more"), "{text}");
    }
}
