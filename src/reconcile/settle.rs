//! Notifications that do not name their order in the usual way: by whom they can be meant.
//!
//! The Request-Id of the creation is the strongest tie, the invoice comes next, the payment reference last. A weaker tie
//! counts only where no stronger one leads anywhere, and a match by it is labelled. Where ties lead to several orders, the
//! notification is proof of nothing, and all candidates are named.

use std::collections::{BTreeSet, HashMap};

use super::evidence::UnmatchedReason;
use super::ledger::{Ledger, Tie, TooMany};
use super::reason::Key;
use super::record::{HeardRecord, Record};

/// A notification of which it was not clear whose it is, with what came of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It belongs to this order.
    Of(String, Key),
    /// It could belong to each of these.
    Ambiguous(BTreeSet<String>),
    /// It belongs to none.
    Orphan,
}

/// The keys that unsettled notifications name, and the orders that have them.
#[derive(Debug, Default)]
pub struct Search {
    requests: HashMap<u128, BTreeSet<String>>,
    references: HashMap<u64, BTreeSet<String>>,
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

    /// Looks through a ledger.
    pub fn look_into(&mut self, ledger: &Ledger) {
        if self.requests.is_empty() && self.references.is_empty() {
            return;
        }
        ledger.keys(|invoice, tie| {
            let found = match tie {
                Tie::Request(key) => self.requests.get_mut(&key),
                Tie::Reference(key) => self.references.get_mut(&key),
            };
            if let Some(invoices) = found {
                invoices.insert(invoice.to_owned());
            }
        });
    }

    /// Whose a notification is; `named` says whether there is an order with the invoice that it names.
    #[must_use]
    pub fn settle(&self, heard: &HeardRecord<'_>, named: bool) -> Settled {
        let created = heard.request.and_then(|key| self.requests.get(&key)).filter(|found| !found.is_empty());
        if let Some(created) = created {
            let mut candidates = created.clone();
            if named {
                candidates.insert(heard.invoice.to_owned());
            }
            let key = if named { Key::Own } else { Key::RequestId };
            return only(candidates, key);
        }
        if named {
            return Settled::Of(heard.invoice.to_owned(), Key::Invoice);
        }
        match heard.reference.and_then(|key| self.references.get(&key)).filter(|found| !found.is_empty()) {
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
    let unsettled = ledger.unsettled();
    let mut search = Search::default();
    search.want(&unsettled);
    search.look_into(ledger);
    records(&unsettled).try_for_each(|heard| apply(ledger, &heard, &search.settle(&heard, ledger.has(heard.invoice))))
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
            let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
            let status = format!("{}; candidates {}", heard.status.word(), candidates.join(" "));
            ledger.stray(heard, UnmatchedReason::Ambiguous, &status);
        }
    }
    Ok(())
}

fn only(candidates: BTreeSet<String>, key: Key) -> Settled {
    if candidates.len() > 1 {
        return Settled::Ambiguous(candidates);
    }
    candidates.into_iter().next().map_or(Settled::Orphan, |invoice| Settled::Of(invoice, key))
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
        let invoices = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<String>>();
        search.requests.insert(2, invoices(&["INV-2"]));
        search.requests.insert(1, invoices(&["INV-1"]));
        search.requests.insert(9, invoices(&[]));
        search.references.insert(3, invoices(&["INV-3"]));
        search.references.insert(4, invoices(&["INV-3", "INV-4"]));
        let of = |invoice: &str, key| Settled::Of(invoice.to_owned(), key);
        let cases = [
            (Some(2), None, false, of("INV-2", Key::RequestId)),
            (Some(2), Some(3), false, of("INV-2", Key::RequestId)),
            (Some(1), None, true, of("INV-1", Key::Own)),
            (Some(2), None, true, Settled::Ambiguous(invoices(&["INV-1", "INV-2"]))),
            (Some(9), Some(3), true, of("INV-1", Key::Invoice)),
            (Some(9), Some(3), false, of("INV-3", Key::Reference)),
            (None, Some(4), false, Settled::Ambiguous(invoices(&["INV-3", "INV-4"]))),
            (None, Some(5), false, Settled::Orphan),
            (None, None, false, Settled::Orphan),
        ];
        for (request, reference, named, expected) in cases {
            assert_eq!(search.settle(&heard(request, reference), named), expected, "{request:?} {reference:?} {named}");
        }
    }
}
