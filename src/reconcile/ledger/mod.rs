//! The ledger: every order with what we did and what DOKU said about it, joined as the records come in.
//!
//! Orders come first, then what was done, then what was heard. The readers find the orders, each on its own thread and many
//! at a time ([`Gathered`]); the ledger puts together what they bring. A notification is tied to its order by the Request-Id
//! of the creation, by the invoice, or by the payment reference, the strongest that there is; what could belong to several
//! orders is tied to none. What the [`Sieve`] cannot rule out is set aside, see [`Ledger::unsettled`].
//!
//! Nothing here is larger than it must be: a million orders with their results and notifications take about 160 MB.

mod deeds;
mod gathered;
mod orders;
mod strangers;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

pub use deeds::Deeds;
use deeds::DoneEntry;
use foldhash::quality::FixedState;
pub use gathered::Gathered;
pub use orders::AT_ONCE;
use orders::{Again, OrderEntry, Orders};
use strangers::Strangers;

use super::aside::Aside;
use super::done::{self, deciding, refunded_twice};
use super::evidence::{DoneState, Expectation, UnmatchedReason};
use super::packed::time_of;
use super::picture::{Fact, MOST_LINES};
use super::reason::Key;
use super::record::{HeardRecord, Record, Standing, StrayRecord, Told};
use super::request::RequestText;
use super::sieve::{Sieve, folded};
use super::strays;
use super::verdict::Moved;
use crate::model::moment::Moment;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};

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

/// What we know of the Request-Id of an order's creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Creation {
    /// It is the one that was named.
    Named,
    /// It is another one.
    Another,
    /// Nothing.
    Unknown,
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

/// What our deciding operation on an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The operation.
    pub operation: Operation,
    /// How it ended.
    pub state: DoneState,
    /// Its Request-Id.
    pub request_id: Option<RequestText<'a>>,
    /// `payment.status` of the deciding answer.
    pub payment_status: Option<PaymentStatus>,
    /// When it came to its end.
    pub settled_at: Option<Moment>,
    /// A person has ruled so, and no answer of DOKU's.
    pub ruled: bool,
    /// It was done, and over another amount than the book's.
    pub other_amount: bool,
}

/// An order as it stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number; `None`: the row has none that can be read.
    pub invoice: Option<&'a str>,
    /// Its row, from 1.
    pub row: u64,
    /// Its amount; zero if a bad row has none.
    pub amount: Rupiah,
    /// What the book says.
    pub book: Option<BookStatus>,
    /// When it was made, if the input says.
    pub created_at: Option<Moment>,
    /// What should be true of it.
    pub expectation: Expectation,
    /// What is to become of it.
    pub standing: Standing,
    /// What we did, the deciding operation; `None` if nothing. In conflict, if results of its request contradict each other.
    pub done: Option<Outcome<'a>>,
    /// What our operations, all together, moved.
    pub moved: Moved,
    /// DOKU may have said something about it that proves nothing, and would say it again: it cannot be read, or could be
    /// about another order.
    pub unclear: bool,
}

impl Ledger {
    /// An empty ledger with room for the index of about so many orders. What happened outside of `period`, its first and
    /// last business day in days from 1970-01-01, to no order of the input is no matter of this reconciliation.
    #[must_use]
    pub fn for_orders(count: usize, period: Option<(u16, u16)>) -> Self {
        Self { orders: Orders::for_about(count), period, ..Self::default() }
    }

    /// Takes what a reader has gathered; of the orders, what stands behind so many rows.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub fn take(&mut self, mut gathered: Gathered, rows_before: u64) -> Result<(), TooMany> {
        self.take_orders(&gathered, rows_before)?;
        self.deeds.take(&mut gathered, self.orders.len())?;
        self.odd_request_ids.extend(gathered.odd_request_ids.drain(..));
        self.strangers.append(std::mem::take(&mut gathered.strangers));
        let mut facts = self.lend_facts();
        facts.take(&mut gathered)?;
        self.facts = facts;
        for (order, identifiers) in gathered.identifiers {
            self.keep_identifiers(order, identifiers.each_ref().map(|text| &**text));
        }
        self.unsettled.extend(gathered.unsettled);
        self.strays.extend(gathered.strays);
        Ok(())
    }

    /// Takes the records in these bytes: all orders first, then what was done, then what was heard.
    ///
    /// # Errors
    /// There are more than a ledger can number, or the bytes are no records.
    pub fn fill(&mut self, mut bytes: &[u8], sieve: &Sieve) -> Result<(), TooMany> {
        let (mut rows_before, mut kind) = (0, None);
        let mut same: Vec<u8> = Vec::new();
        loop {
            let start = bytes;
            let record = Record::read(&mut bytes);
            let next = record.as_ref().map(|record| (std::mem::discriminant(record), rows_of(record)));
            let is_new_kind = next.map(|(of, _)| of) != kind;
            if is_new_kind && !same.is_empty() {
                let mut gathered = Gathered::default();
                gathered.add(&same, self, Some(sieve))?;
                self.take(gathered, rows_before)?;
                same.clear();
            }
            let Some((of, rows)) = next else { break };
            kind = Some(of);
            match rows {
                Some(rows) => rows_before = rows,
                None => same.extend_from_slice(&start[..start.len() - bytes.len()]),
            }
        }
        if bytes.is_empty() { Ok(()) } else { Err(TooMany) }
    }

    fn take_orders(&mut self, gathered: &Gathered, rows_before: u64) -> Result<(), TooMany> {
        let contradictions = &mut self.contradictions;
        self.orders.append(&gathered.orders, rows_before, |entry, first| {
            let is_bad = entry.standing == Standing::Invalid;
            let first_is_bad = first.standing == Standing::Invalid;
            if !is_bad && !first_is_bad && first.agreement == entry.agreement {
                first.repeats += 1;
                return Again::Repeats;
            }
            // Nobody can say which of them is meant, so none is.
            first.standing = Standing::Invalid;
            entry.standing = Standing::Invalid;
            if !is_bad || !first_is_bad {
                contradictions.push(Contradiction { row: entry.row.into(), earlier: first.row.into() });
            }
            Again::Stands(std::mem::take(&mut first.repeats))
        })
    }

    /// How many orders there are.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Lends out what was done, for it to be taken while the orders are looked at.
    pub fn lend_deeds(&mut self) -> Deeds {
        std::mem::take(&mut self.deeds)
    }

    /// Takes it back.
    pub fn return_deeds(&mut self, deeds: Deeds) {
        self.deeds = deeds;
    }

    /// Lends the facts out, for them to be taken while the orders are looked at.
    pub fn lend_facts(&mut self) -> Facts {
        let mut facts = std::mem::take(&mut self.facts);
        facts.first.resize(self.orders.len(), END);
        facts
    }

    /// Takes the facts back.
    pub fn return_facts(&mut self, facts: Facts) {
        self.facts = facts;
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

    /// Ties a notification to an order that it does not name in the usual way.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub(super) fn adopt(&mut self, invoice: &str, heard: &HeardRecord<'_>, key: Key) -> Result<(), TooMany> {
        let Some(order) = self.orders.find(invoice) else { return Ok(()) };
        let mut facts = self.lend_facts();
        facts.add(fact(order, heard, key)?)?;
        self.facts = facts;
        if self.wants_identifiers(order, heard) {
            self.keep_identifiers(order, heard.identifiers);
        }
        Ok(())
    }

    /// Whether an order may have to be refunded, and the notification says what that needs.
    fn wants_identifiers(&self, order: u32, heard: &HeardRecord<'_>) -> bool {
        let cancelled =
            |done: &DoneEntry| done.operation == Operation::Cancel && done.state.is_some_and(DoneState::is_done);
        heard.status == PaymentStatus::Success
            && (self.orders.get(order).book == Some(BookStatus::Cancelled)
                || self.done_of(order).any(|done| cancelled(&done)))
    }

    fn keep_identifiers(&mut self, order: u32, said: [&str; 3]) {
        for (kept, said) in self.identifiers.entry(order).or_default().iter_mut().zip(said) {
            // The smallest text of several, so that the order of lines does not matter.
            if !said.is_empty() && (kept.is_empty() || said < &**kept) {
                *kept = said.into();
            }
        }
    }

    /// Whether an order was created under that Request-Id, as far as we know.
    fn creation(&self, order: u32, named: u128) -> Creation {
        let mut known = Creation::Unknown;
        for done in self.done_of(order).filter(DoneEntry::creates) {
            if done.request == halves(named) {
                return Creation::Named;
            }
            known = Creation::Another;
        }
        known
    }

    /// Notes a verified notification that belongs to no order; `status` is what its row says.
    pub(super) fn stray(&mut self, heard: &HeardRecord<'_>, reason: UnmatchedReason, status: &str) {
        write_stray(heard, reason, status, self.period, &mut self.strays);
    }

    /// Notes that DOKU may have said something about this invoice that is no clearer if it is said again.
    pub fn note_unclear(&mut self, invoice: &str) {
        self.unclear.extend(self.orders.find(invoice));
    }

    /// Notes the same of all invoices of which it said something that cannot be read.
    pub fn note_unreadable(&mut self) {
        let Self { unclear, strays, orders, .. } = self;
        let unreadable = strays::records(strays).filter(StrayRecord::is_unreadable);
        unclear.extend(unreadable.filter_map(|stray| orders.find(stray.invoice)));
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

    /// An order, with the deciding one of our operations on it.
    pub(super) fn entry(&self, order: u32) -> Entry<'_> {
        let entry = self.orders.get(order);
        let (done, moved) = self.decided(order);
        Entry {
            invoice: Some(self.orders.invoice(order)).filter(|invoice| !invoice.is_empty()),
            row: u64::from(entry.row),
            amount: entry.amount,
            book: entry.book,
            created_at: time_of(entry.created_at),
            expectation: entry.expectation,
            standing: entry.standing,
            done,
            moved,
            unclear: self.unclear.contains(&order),
        }
    }

    /// Everything that we did to an order, the latest last.
    #[must_use]
    pub fn outcomes(&self, order: u32) -> Vec<Outcome<'_>> {
        let mut all: Vec<Outcome<'_>> = self.done_of(order).filter_map(|done| self.outcome_of(&done)).collect();
        all.sort_by_key(|outcome| outcome.settled_at);
        all
    }

    /// What decides about an order, and what all our operations on it moved.
    fn decided(&self, order: u32) -> (Option<Outcome<'_>>, Moved) {
        let Some(first) = self.deeds.of(order).next() else { return (None, Moved::AsTheBook) };
        let of_amount = |is_other| if is_other { Moved::OtherAmount } else { Moved::AsTheBook };
        if first.next == END {
            return (self.outcome_of(&first), of_amount(first.marks.has_other_amount()));
        }
        let all: Vec<DoneEntry> = self.done_of(order).collect();
        let result = |done: &DoneEntry| done::Result {
            operation: done.operation,
            request: Some(done.request).filter(|request| *request != [0; 2]),
            state: done.state.unwrap_or(DoneState::Invalid),
            ruled: done.marks.is_ruled(),
            at: (done.settled_at, done.payment_status, done.marks.is_ruled()),
        };
        let results: Vec<_> = all.iter().map(result).collect();
        let done = deciding(&results).map(|deciding| match all[deciding.place] {
            done if done.state == Some(deciding.state) => done,
            // Of answers that contradict each other none is the last word: DOKU's strongest stands.
            done => {
                let same =
                    all.iter().filter(|other| (other.operation, other.request) == (done.operation, done.request));
                let payment_status = same.filter_map(|other| other.payment_status).max();
                DoneEntry { state: Some(deciding.state), payment_status, ..done }
            }
        });
        let moved = if refunded_twice(&results) {
            Moved::Twice
        } else {
            of_amount(all.iter().any(|done| done.marks.has_other_amount()))
        };
        (done.and_then(|done| self.outcome_of(&done)), moved)
    }

    fn outcome_of(&self, done: &DoneEntry) -> Option<Outcome<'_>> {
        let request_id = match self.odd_request_ids.get(&done.request) {
            Some(text) => Some(RequestText::Text(text)),
            None => Some(RequestText::Uuid(whole(done.request))).filter(|_| done.request != [0; 2]),
        };
        Some(Outcome {
            operation: done.operation,
            state: done.state?,
            request_id,
            payment_status: done.payment_status,
            settled_at: time_of(done.settled_at),
            ruled: done.marks.is_ruled(),
            other_amount: done.marks.has_other_amount(),
        })
    }

    /// The facts about an order of a sealed ledger, into a list that is used again.
    pub(super) fn facts(&self, order: u32, facts: &mut Vec<Fact>) {
        facts.clear();
        let fact = |place: u32| self.facts.all.get(place as usize).copied();
        facts.extend(std::iter::successors(fact(self.facts.first[order as usize]), |before| fact(before.link)));
    }

    /// Has memory bring the facts about these orders of a sealed ledger, all of them together.
    pub fn fetch_facts(&self, orders: &[u32]) {
        let first = orders.iter().filter_map(|order| self.facts.all.get(self.facts.first[*order as usize] as usize));
        std::hint::black_box(first.fold(0, |seen, fact| seen | fact.link));
    }

    /// What a refund of the order needs: payment reference, `ORDER_ID`, `AKULAKU_UNIQUE_REFERENCE`, as the book has them,
    /// else a notification; empty where neither does. Kept for orders that may have to be refunded only.
    #[must_use]
    pub fn identifiers(&self, order: u32) -> [&str; 3] {
        let mut texts = self.orders.identifiers(order);
        if let Some(heard) = self.identifiers.get(&order) {
            texts.iter_mut().zip(heard).filter(|(text, _)| text.is_empty()).for_each(|(text, heard)| *text = heard);
        }
        texts
    }

    /// Everything with which other notifications could be tied to these orders: what was created, then the references;
    /// whether a tie holds, [`Ledger::tied`] says.
    pub(super) fn keys(&self, orders: Range<usize>, mut see: impl FnMut(u32, Tie)) {
        let first = u32::try_from(orders.start).unwrap_or(u32::MAX);
        for (order, entry) in (first..).zip(&self.orders.all()[orders]).filter(|(_, entry)| entry.is_readable()) {
            self.done_of(order)
                .filter(DoneEntry::creates)
                .for_each(|done| see(order, Tie::Request(whole(done.request))));
            if entry.reference != 0 {
                see(order, Tie::Reference(entry.reference));
            }
        }
    }

    /// A sieve of everything with which notifications could be tied to the orders.
    #[must_use]
    pub fn sieve(&self) -> Sieve {
        let mut sieve = Sieve::for_keys(self.orders.len() as u64 * 2);
        self.keys(0..self.orders.len(), |_, tie| sieve.insert(tie.sieved()));
        sieve
    }

    /// The invoice of an order by which something can tie a notification to it, if that tie holds.
    pub(super) fn tied(&self, order: u32, tie: Tie) -> Option<&str> {
        let holds = match tie {
            Tie::Request(_) => true,
            // What was refused was never paid under its reference: it must not hide somebody else's payment.
            Tie::Reference(_) => self.decided(order).0.is_none_or(|done| done.state != DoneState::Refused),
        };
        holds.then(|| self.orders.invoice(order))
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

const fn rows_of(record: &Record<'_>) -> Option<u64> {
    match record {
        Record::RowsBefore(rows) => Some(*rows),
        Record::Order(_) | Record::Done(_) | Record::Heard(_) | Record::Stray(_) => None,
    }
}

fn write_stray(
    heard: &HeardRecord<'_>,
    reason: UnmatchedReason,
    status: &str,
    period: Option<(u16, u16)>,
    out: &mut Vec<u8>,
) {
    let received_at = heard.received_at.map(Moment::wire).unwrap_or_default();
    let outside = |day: u16| period.is_some_and(|(first, last)| !(first..=last).contains(&day));
    let reason = match reason {
        UnmatchedReason::Orphan if heard.day.is_some_and(outside) => UnmatchedReason::OutsidePeriod,
        reason => reason,
    };
    let stray = StrayRecord {
        place: heard.place,
        reason,
        amount: Some(heard.amount),
        invoice: heard.invoice,
        status,
        received_at: &received_at,
        told: Some(Told::of(heard)),
    };
    Record::Stray(stray).write(out);
}

fn fact(order: u32, heard: &HeardRecord<'_>, key: Key) -> Result<Fact, TooMany> {
    if heard.place.line > MOST_LINES {
        return Err(TooMany);
    }
    Ok(Fact::of(order, heard, key))
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

/// What could tie a notification to an order that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// The Request-Id of its creation.
    Request(u128),
    /// A hash of its payment reference.
    Reference(u64),
}

impl Tie {
    /// As a key of a [`Sieve`].
    pub(super) const fn sieved(self) -> u64 {
        match self {
            Self::Request(key) => folded(key),
            Self::Reference(key) => key,
        }
    }
}
