//! The orders of a ledger, and how to find one by its invoice.
//!
//! An order fills one line of the processor's cache, its invoice included, and the index has eight bytes for each: to find
//! an order costs two looks at memory, and those of many invoices are taken together, for waiting on memory is what a join
//! of millions consists of.

use std::collections::HashMap;

use foldhash::quality::FixedState;

use super::TooMany;
use crate::model::money::Rupiah;
use crate::model::status::BookStatus;
use crate::reconcile::evidence::Expectation;
use crate::reconcile::packed::millis;
use crate::reconcile::record::{OrderRecord, Standing, hash, hash_bytes};

/// The longest invoice that stands in its entry. Longer ones stand together elsewhere.
const INLINE: usize = 22;

/// One order.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct OrderEntry {
    pub(super) amount: Rupiah,
    pub(super) created_at: i64,
    /// A hash of the payment reference; 0: it has none.
    pub(super) reference: u64,
    pub(super) row: u32,
    pub(super) agreement: u32,
    /// How many rows behind this one say the same.
    pub(super) repeats: u32,
    /// The invoice; or, if it is longer, where it begins among the long ones.
    invoice: [u8; INLINE],
    /// 0: the row has no readable invoice.
    invoice_length: u8,
    pub(super) book: Option<BookStatus>,
    pub(super) expectation: Expectation,
    pub(super) standing: Standing,
}

/// All orders.
#[derive(Debug, Default)]
pub(super) struct Orders {
    entries: Vec<OrderEntry>,
    /// Long invoices, one after another.
    long: String,
    index: Index,
    /// What a refund needs, of orders that may have to be refunded.
    identifiers: HashMap<u32, [Box<str>; 3], FixedState>,
}

/// Orders as a reader makes them, before they are put together.
#[derive(Debug, Default)]
pub(super) struct NewOrders {
    entries: Vec<OrderEntry>,
    /// Of their invoices.
    hashes: Vec<u64>,
    long: String,
    /// What a refund needs, of those that may have to be refunded, by their places among the new ones.
    identifiers: Vec<(usize, [Box<str>; 3])>,
}

/// Whether there is an order with an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    /// There is none.
    New,
    /// This one.
    Beside(u32),
}

/// What is to become of a row whose invoice is that of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It is part of that order.
    Repeats,
    /// It stands on its own, and so do so many rows that were part of that order.
    Stands(u32),
}

impl NewOrders {
    /// Adds an order.
    ///
    /// # Errors
    /// Its row or its invoice cannot be numbered.
    pub(super) fn push(&mut self, order: &OrderRecord<'_>) -> Result<(), TooMany> {
        let text = order.invoice.unwrap_or_default();
        if order.identifiers.iter().any(|text| !text.is_empty()) {
            self.identifiers.push((self.entries.len(), order.identifiers.map(Into::into)));
        }
        let mut invoice = [0; INLINE];
        if text.len() <= INLINE {
            invoice[..text.len()].copy_from_slice(text.as_bytes());
        } else {
            let start = u32::try_from(self.long.len()).or(Err(TooMany))?;
            invoice[..4].copy_from_slice(&start.to_le_bytes());
            self.long.push_str(text);
        }
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is enough to see that two rows differ")]
        let agreement = order.agreement as u32;
        self.entries.push(OrderEntry {
            amount: order.amount,
            created_at: millis(order.created_at),
            reference: order.reference.unwrap_or_default(),
            row: u32::try_from(order.row).or(Err(TooMany))?,
            agreement,
            repeats: 0,
            invoice,
            invoice_length: u8::try_from(text.len()).or(Err(TooMany))?,
            book: order.book,
            expectation: order.expectation,
            standing: order.standing,
        });
        self.hashes.push(hash(text));
        Ok(())
    }
}

impl Orders {
    /// Without any, with room for at most so many, as a rule. Room that is not used takes no memory.
    pub(super) fn for_about(count: usize) -> Self {
        Self { entries: Vec::with_capacity(count), index: Index::for_about(count / 2), ..Self::default() }
    }

    /// Puts new ones in, behind `rows_before` rows; `again` says what is to become of one that has the invoice of another.
    ///
    /// # Errors
    /// There are more than can be numbered.
    pub(super) fn append(
        &mut self,
        new: &NewOrders,
        rows_before: u64,
        mut again: impl FnMut(&mut OrderEntry, &mut OrderEntry) -> Again,
    ) -> Result<(), TooMany> {
        let long_before = u32::try_from(self.long.len()).or(Err(TooMany))?;
        self.long.push_str(&new.long);
        u32::try_from(self.long.len()).or(Err(TooMany))?;
        let mut identifiers = new.identifiers.iter().peekable();
        for (at, (entry, hash)) in new.entries.iter().zip(&new.hashes).enumerate() {
            if at % AT_ONCE == 0 {
                // Memory brings the next ones together.
                let next = new.hashes[at..].iter().take(AT_ONCE);
                std::hint::black_box(next.fold(0, |seen, hash| seen | self.index.first(*hash)));
            }
            let mut entry = *entry;
            let own = identifiers.next_if(|(of, _)| *of == at);
            entry.row = u32::try_from(rows_before + u64::from(entry.row)).or(Err(TooMany))?;
            if usize::from(entry.invoice_length) > INLINE {
                let start = entry.long_start() + long_before;
                entry.invoice[..4].copy_from_slice(&start.to_le_bytes());
            }
            // A row that is part of an earlier order has no place of its own.
            if let (Some(place), Some((_, texts))) = (self.put(entry, *hash, &mut again)?, own) {
                self.identifiers.insert(place, texts.clone());
            }
        }
        Ok(())
    }

    /// The place of the new order, if it stays.
    fn put(
        &mut self,
        mut entry: OrderEntry,
        hash: u64,
        again: &mut impl FnMut(&mut OrderEntry, &mut OrderEntry) -> Again,
    ) -> Result<Option<u32>, TooMany> {
        let next = u32::try_from(self.entries.len()).ok().filter(|next| *next < u32::MAX - 1).ok_or(TooMany)?;
        if entry.invoice_length == 0 {
            self.entries.push(entry);
            return Ok(Some(next));
        }
        if self.index.is_full() {
            self.grow();
        }
        let known = {
            let text = bytes_of(&self.long, &entry);
            self.index.find(hash, |place| self.bytes(place) == text)
        };
        match known {
            Placed::New => {
                self.entries.push(entry);
                self.index.insert(hash, next);
            }
            Placed::Beside(first) => {
                let first = &mut self.entries[first as usize];
                let Again::Stands(others) = again(&mut entry, first) else { return Ok(None) };
                let other = *first;
                self.entries.push(entry);
                self.entries.extend((0..others).map(|_| other));
            }
        }
        Ok(Some(next))
    }

    fn grow(&mut self) {
        let mut index = Index::for_about(self.index.used * 2);
        for (place, entry) in (0..).zip(&self.entries) {
            let text = bytes_of(&self.long, entry);
            let hash = hash_bytes(text);
            // Of rows with one invoice only the first can be found.
            if !text.is_empty() && index.find(hash, |known| self.bytes(known) == text) == Placed::New {
                index.insert(hash, place);
            }
        }
        self.index = index;
    }

    /// The order with this invoice.
    pub(super) fn find(&self, invoice: &str) -> Option<u32> {
        self.find_by(hash(invoice), invoice)
    }

    fn find_by(&self, hash: u64, invoice: &str) -> Option<u32> {
        match self.index.find(hash, |place| self.bytes(place) == invoice.as_bytes()) {
            Placed::Beside(place) => Some(place),
            Placed::New => None,
        }
    }

    /// The orders with these invoices, of which there are at most [`AT_ONCE`]. What is told of orders most often is told in
    /// their own order: as long as the invoices are those of the orders behind `last`, nothing has to be looked for.
    pub(super) fn find_all(&self, invoices: &[&str], last: Option<u32>, found: &mut [Option<u32>; AT_ONCE]) {
        let next = last.map_or(&[][..], |last| self.entries.get(last as usize + 1..).unwrap_or_default());
        let follows = |(entry, invoice): &(&OrderEntry, &&str)| {
            // Of rows with one invoice that stand on their own, all of which are invalid, only the first can be found.
            entry.is_readable()
                && entry.standing != Standing::Invalid
                && bytes_of(&self.long, entry) == invoice.as_bytes()
        };
        let in_order = next.iter().zip(invoices).take_while(follows).count();
        for (found, place) in found.iter_mut().zip(last.map_or(0, |last| last + 1)..).take(in_order) {
            *found = Some(place);
        }
        self.look_up(&invoices[in_order..], &mut found[in_order..]);
    }

    fn look_up(&self, invoices: &[&str], found: &mut [Option<u32>]) {
        let mut hashes = [0; AT_ONCE];
        let mut slots = [0; AT_ONCE];
        for (at, invoice) in invoices.iter().enumerate().take(AT_ONCE) {
            hashes[at] = hash(invoice);
            slots[at] = self.index.first(hashes[at]);
        }
        // The entries are fetched together; whose length is not that of the invoice is another order.
        let mut fits = [false; AT_ONCE];
        for (at, invoice) in invoices.iter().enumerate().take(AT_ONCE) {
            let place = Index::place_in(slots[at], hashes[at]);
            let entry = place.and_then(|place| self.entries.get(place as usize));
            fits[at] = entry.is_some_and(|entry| usize::from(entry.invoice_length) == invoice.len());
        }
        for (at, invoice) in invoices.iter().enumerate().take(AT_ONCE) {
            let first = Index::place_in(slots[at], hashes[at]).filter(|_| fits[at]);
            let is_first = first.is_some_and(|place| self.bytes(place) == invoice.as_bytes());
            found[at] = if is_first { first } else { self.find_by(hashes[at], invoice) };
        }
    }

    pub(super) fn get(&self, order: u32) -> &OrderEntry {
        &self.entries[order as usize]
    }

    pub(super) fn invoice(&self, order: u32) -> &str {
        invoice_of(&self.long, self.get(order))
    }

    /// What the book says that a refund of the order needs.
    pub(super) fn identifiers(&self, order: u32) -> [&str; 3] {
        let known = self.identifiers.get(&order);
        known.map_or([""; 3], |[payment, order, akulaku]| [payment, order, akulaku])
    }

    fn bytes(&self, order: u32) -> &[u8] {
        bytes_of(&self.long, self.get(order))
    }

    /// All of them.
    pub(super) fn all(&self) -> &[OrderEntry] {
        &self.entries
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Gives up the index; nothing can be found any more.
    pub(super) fn forget_index(&mut self) {
        self.index = Index::default();
    }

    /// All orders, by invoice number; rows without one last, by row.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let key = |order: u32| (!self.get(order).is_readable(), self.bytes(order), self.get(order).row);
        if (1..count).all(|order| key(order - 1) <= key(order)) {
            return (0..count).collect();
        }
        let shared = self.shared_length();
        // Eight bytes behind what all of them share nearly always decide, and lie beside each other in memory.
        let short = |order: u32| {
            let mut bytes = [0; 8];
            let tail = self.bytes(order).get(shared..).unwrap_or_default();
            bytes.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
            u64::from_be_bytes(bytes)
        };
        let (unreadable, readable): (Vec<u32>, Vec<u32>) =
            (0..count).partition(|order| !self.get(*order).is_readable());
        let mut keyed: Vec<(u64, u32)> = readable.into_iter().map(|order| (short(order), order)).collect();
        keyed.sort_unstable_by(|(left_short, left), (right_short, right)| {
            left_short.cmp(right_short).then_with(|| key(*left).cmp(&key(*right)))
        });
        keyed.into_iter().map(|(_, order)| order).chain(unreadable).collect()
    }

    /// How many bytes all invoices begin with in common.
    fn shared_length(&self) -> usize {
        let mut texts = self.entries.iter().map(|entry| bytes_of(&self.long, entry)).filter(|text| !text.is_empty());
        let first = texts.next().unwrap_or_default();
        texts.fold(first.len(), |shared, text| {
            first.iter().zip(text).take(shared).take_while(|(one, other)| one == other).count()
        })
    }
}

/// How many invoices are looked up together: enough to keep memory busy.
pub const AT_ONCE: usize = 32;

impl OrderEntry {
    fn long_start(&self) -> u32 {
        let [one, two, three, four, ..] = self.invoice;
        u32::from_le_bytes([one, two, three, four])
    }

    /// Whether it has an invoice.
    pub(super) const fn is_readable(&self) -> bool {
        self.invoice_length > 0
    }
}

fn invoice_of<'a>(long: &'a str, entry: &'a OrderEntry) -> &'a str {
    std::str::from_utf8(bytes_of(long, entry)).expect("it was copied from a text")
}

/// The bytes of an invoice, to compare them.
fn bytes_of<'a>(long: &'a str, entry: &'a OrderEntry) -> &'a [u8] {
    let length = usize::from(entry.invoice_length);
    if length <= INLINE {
        return &entry.invoice[..length];
    }
    let start = entry.long_start() as usize;
    &long.as_bytes()[start..start + length]
}

/// Places by hash: open addressing, the upper half of the hash beside the place.
#[derive(Debug, Default)]
struct Index {
    /// A power of two of them, or none: [`EMPTY`], or the tag above and the place below.
    slots: Vec<u64>,
    used: usize,
}

/// No place is as high. Not zero: what is made of zeros gets its memory a page at a time and twice, when it is read first and
/// when it is written first.
const EMPTY: u64 = u64::MAX;

impl Index {
    /// For about so many, filled to two thirds at most.
    fn for_about(count: usize) -> Self {
        Self { slots: vec![EMPTY; (count.max(16) * 3 / 2).next_power_of_two()], used: 0 }
    }

    const fn is_full(&self) -> bool {
        self.used * 3 >= self.slots.len() * 2
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower bits of a hash are wanted")]
    const fn start(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    const fn tag(hash: u64) -> u64 {
        hash & !0xffff_ffff
    }

    /// The place in a slot, if the tag is that of the hash.
    fn place_in(slot: u64, hash: u64) -> Option<u32> {
        let is_it = slot != EMPTY && Self::tag(slot) == Self::tag(hash);
        is_it.then(|| u32::try_from(slot & 0xffff_ffff).unwrap_or_default())
    }

    /// What stands where a search for this hash begins.
    fn first(&self, hash: u64) -> u64 {
        if self.slots.is_empty() { EMPTY } else { self.slots[self.start(hash)] }
    }

    fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Placed {
        if self.slots.is_empty() {
            return Placed::New;
        }
        let mut at = self.start(hash);
        while self.slots[at] != EMPTY {
            if let Some(place) = Self::place_in(self.slots[at], hash).filter(|place| same(*place)) {
                return Placed::Beside(place);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        Placed::New
    }

    fn insert(&mut self, hash: u64, place: u32) {
        let mut at = self.start(hash);
        while self.slots[at] != EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Self::tag(hash) | u64::from(place);
        self.used += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(invoice: Option<&str>, row: u64) -> OrderRecord<'_> {
        OrderRecord {
            row,
            invoice,
            amount: Rupiah::new(row),
            book: None,
            created_at: None,
            expectation: Expectation::Book(None),
            reference: None,
            agreement: 0,
            identifiers: [""; 3],
            standing: Standing::Judged,
        }
    }

    fn orders(invoices: &[Option<&str>]) -> Orders {
        let mut orders = Orders::for_about(0);
        for (part, some) in invoices.chunks(3).enumerate() {
            let mut new = NewOrders::default();
            (1..).zip(some).for_each(|(row, invoice)| new.push(&record(*invoice, row)).unwrap());
            orders.append(&new, 3 * part as u64, |_, _| Again::Stands(0)).unwrap();
        }
        orders
    }

    #[test]
    fn an_order_is_as_large_as_a_cache_line() {
        assert_eq!(size_of::<OrderEntry>(), 64);
    }

    #[test]
    fn every_order_is_found_by_its_invoice_and_no_other() {
        let texts: Vec<String> = (0..5000).map(|number| format!("INV/{number}/{}", "x".repeat(number % 40))).collect();
        let orders = orders(&texts.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>());
        for (place, text) in (0..).zip(&texts) {
            assert_eq!(orders.find(text), Some(place), "{text}");
            assert_eq!(orders.invoice(place), text);
        }
        assert_eq!((orders.find("INV/5000/"), orders.find("")), (None, None));
        for some in texts.chunks(AT_ONCE) {
            let asked: Vec<&str> =
                some.iter().flat_map(|text| [text.as_str(), "no such invoice"]).take(AT_ONCE).collect();
            let expected: Vec<Option<u32>> = asked.iter().map(|text| orders.find(text)).collect();
            for last in [None, Some(7), Some(4999), expected[0], expected[0].and_then(|first| first.checked_sub(1))] {
                let mut found = [None; AT_ONCE];
                orders.find_all(&asked, last, &mut found);
                assert_eq!(found[..asked.len()], expected);
            }
        }
    }

    #[test]
    fn a_row_that_repeats_an_order_leaves_its_identifiers_to_nobody_else() {
        let mut new = NewOrders::default();
        let cancelled = OrderRecord { identifiers: ["P", "O", "A"], ..record(Some("INV-1"), 1) };
        new.push(&cancelled).unwrap();
        new.push(&OrderRecord { row: 2, ..cancelled }).unwrap();
        new.push(&record(Some("INV-2"), 3)).unwrap();
        let mut orders = Orders::for_about(0);
        orders.append(&new, 0, |_, _| Again::Repeats).unwrap();
        let of = |invoice: &str| orders.identifiers(orders.find(invoice).unwrap());
        assert_eq!((of("INV-1"), of("INV-2")), (["P", "O", "A"], [""; 3]));
    }

    #[test]
    fn orders_come_by_invoice_and_rows_without_one_last() {
        let long = format!("{}{}", "A".repeat(30), 1);
        let cases: [&[Option<&str>]; 4] = [
            &[Some("A1"), Some("A2"), Some("B")],
            &[Some("B"), None, Some("A2"), Some(&long), None, Some("A1"), Some("A"), Some("A10")],
            &[None, Some("Z")],
            &[],
        ];
        for invoices in cases {
            let orders = orders(invoices);
            let found: Vec<(bool, &str, u32)> = orders
                .in_order()
                .into_iter()
                .map(|order| (!orders.get(order).is_readable(), orders.invoice(order), orders.get(order).row))
                .collect();
            assert!(found.is_sorted(), "{found:?}");
            assert_eq!(found.len(), invoices.len());
        }
    }
}
