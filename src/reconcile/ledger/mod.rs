//! The ledger: every order with what we did and what DOKU said about it, joined as the records come in.
//!
//! Orders come first, then what was done, then what was heard. The readers find the orders, each on its own thread and many
//! at a time ([`Gathered`]); the ledger puts together what they bring. A notification is tied to its order by the Request-Id
//! of the creation, by the invoice, or by the payment reference, the strongest that there is; what could belong to several
//! orders is tied to none. What the [`Sieve`](super::sieve::Sieve) cannot rule out is set aside, see [`Ledger::unsettled`].
//!
//! Nothing here is larger than it must be: a million orders with their results and notifications take about 160 MB.

mod deeds;
mod filling;
mod gathered;
mod orders;
mod strangers;
mod telling;
mod ties;

use std::collections::{HashMap, HashSet};

pub use deeds::Deeds;
use deeds::DoneEntry;
use foldhash::quality::FixedState;
pub use gathered::Gathered;
pub use orders::AT_ONCE;
use orders::{OrderEntry, Orders};
use strangers::Strangers;
pub use telling::{Entry, Outcome};
pub(super) use ties::Tie;

use super::aside::Aside;
use super::picture::Fact;
use crate::model::money::Tally;

/// More than one ledger can number: four thousand million orders, notifications or bytes of invoice numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many rows for one pass; divide the work with --memory")]
pub struct TooMany;

/// The joined records.
#[derive(Debug, Default)]
pub struct Ledger {
    orders: Orders,
    deeds: Deeds,
    /// Request-Ids that are no UUIDs.
    odd_request_ids: HashMap<[u64; 2], Box<str>, FixedState>,
    /// What was done to invoices that no order has.
    strangers: Strangers,
    facts: Facts,
    /// Payment reference, `ORDER_ID` and `AKULAKU_UNIQUE_REFERENCE` of orders that may have to be refunded.
    identifiers: HashMap<u32, [Box<str>; 3], FixedState>,
    /// Notifications of which more must be known first, as records.
    unsettled: Vec<u8>,
    /// Lines that prove nothing, as records.
    strays: Vec<u8>,
    /// Orders about which DOKU may have said something that proves nothing, and would say it again.
    unclear: HashSet<u32, FixedState>,
    contradictions: Vec<Contradiction>,
    /// The first and the last business day in days from 1970-01-01; `None`: every day.
    period: Option<(u16, u16)>,
}

/// The facts about all orders, each order's as a chain.
#[derive(Debug, Default)]
pub struct Facts {
    all: Vec<Fact>,
    /// The first fact of each order, or [`END`].
    first: Vec<u32>,
}

impl Facts {
    /// Takes the facts out of what was gathered.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub fn take(&mut self, gathered: &mut Gathered) -> Result<(), TooMany> {
        gathered.facts.drain(..).try_for_each(|fact| self.add(fact))
    }

    /// Adds a fact, which names its order.
    fn add(&mut self, fact: Fact) -> Result<(), TooMany> {
        let place = u32::try_from(self.all.len()).ok().filter(|place| *place != END).ok_or(TooMany)?;
        let first = &mut self.first[fact.link as usize];
        self.all.push(Fact { link: *first, ..fact });
        *first = place;
        Ok(())
    }
}

/// Two rows of one invoice that say different things; neither can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contradiction {
    /// The later row.
    pub row: u64,
    /// The earlier row.
    pub earlier: u64,
}

/// The end of a chain.
const END: u32 = u32::MAX;

const fn halves(key: u128) -> [u64; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    [(key >> 64) as u64, key as u64]
}

const fn whole(halves: [u64; 2]) -> u128 {
    (halves[0] as u128) << 64 | halves[1] as u128
}

impl Ledger {
    /// An empty ledger with room for the index of about so many orders. What happened outside of `period`, its first and
    /// last business day in days from 1970-01-01, to no order of the input is no matter of this reconciliation.
    #[must_use]
    pub fn for_orders(count: usize, period: Option<(u16, u16)>) -> Self {
        Self { orders: Orders::for_about(count), period, ..Self::default() }
    }

    /// How many orders there are.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Everything has been taken: nothing can be found by its invoice any more.
    pub fn seal(&mut self) {
        self.orders.forget_index();
        self.strangers.sort();
        self.facts.first.resize(self.orders.len(), END);
    }

    /// What was done to invoices that no order of a sealed ledger has.
    #[must_use]
    pub fn aside(&self) -> Aside {
        self.strangers.aside()
    }

    /// The notifications of which more must be known first, as records; the ledger has them no more.
    pub fn unsettled(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unsettled)
    }

    /// The lines that prove nothing, as records.
    #[must_use]
    pub fn strays(&self) -> &[u8] {
        &self.strays
    }

    /// The order with this invoice, unless the ledger is sealed.
    #[must_use]
    pub fn find(&self, invoice: &str) -> Option<u32> {
        self.orders.find(invoice)
    }

    /// Whether an order has this invoice.
    #[must_use]
    pub fn named(&self, invoice: &str) -> Named {
        match self.orders.find(invoice) {
            None => Named::Nobody,
            Some(order) if self.done_of(order).any(|done| done.creates()) => Named::Created,
            Some(_) => Named::Order,
        }
    }

    /// Rows that say the same as an earlier one.
    #[must_use]
    pub fn repeated(&self) -> Tally {
        let mut rows = Tally::default();
        for entry in self.orders.all() {
            (0..entry.repeats).for_each(|_| rows.add(entry.amount));
        }
        rows
    }

    /// Pairs of rows that cannot both be true, in the order of the later ones.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = self.contradictions.clone();
        found.sort_unstable();
        found
    }

    fn done_of(&self, order: u32) -> impl Iterator<Item = DoneEntry> + '_ {
        self.deeds.of(order)
    }

    /// What orders are sorted by across ledgers, see [`Ledger::in_order`].
    #[must_use]
    pub fn sort_key(&self, order: u32) -> Vec<u8> {
        let entry: &OrderEntry = self.orders.get(order);
        let unreadable = u8::from(!entry.is_readable());
        // No invoice number holds a zero byte.
        [&[unreadable], self.orders.invoice(order).as_bytes(), &[0], &entry.row.to_be_bytes()].concat()
    }

    /// All orders, by invoice number; rows without one last, by row.
    #[must_use]
    pub fn in_order(&self) -> Vec<u32> {
        self.orders.in_order()
    }
}

/// Whether there is an order with the invoice that a notification names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// There is none.
    Nobody,
    /// There is one, and the Request-Id of its creation is not known.
    Order,
    /// There is one that was created under a Request-Id that we know.
    Created,
}
