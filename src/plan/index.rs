//! Finds an order by its invoice, of which it keeps nothing but half a hash: eight bytes a place, and two places an order.

use std::hash::{BuildHasher as _, Hasher as _};
use std::num::NonZeroU32;

use foldhash::quality::FixedState;

/// The index of at most as many orders as it was made for.
#[derive(Debug)]
pub(super) struct Index {
    /// A power of two of them; at least half of them are empty.
    places: Vec<Option<Entry>>,
}

/// An order under its invoice.
#[derive(Debug, Clone, Copy)]
struct Entry {
    half_hash: u32,
    /// One more than its number.
    order: NonZeroU32,
}

impl Index {
    /// An empty one.
    pub(super) fn for_orders(count: u64) -> Self {
        let places = usize::try_from(count.saturating_mul(2)).expect("orders of a text in memory");
        Self { places: vec![None; places.max(8).next_power_of_two()] }
    }

    /// The order with an invoice; `is` says whether an order has it.
    pub(super) fn find<E>(&self, invoice: &str, is: impl Fn(u32) -> Result<bool, E>) -> Result<Option<u32>, E> {
        let (mut place, half_hash) = self.begin(invoice);
        loop {
            let Some(entry) = self.places[place] else { return Ok(None) };
            let order = entry.order.get() - 1;
            if entry.half_hash == half_hash && is(order)? {
                return Ok(Some(order));
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }

    /// Adds an order with an invoice that no other has.
    pub(super) fn insert(&mut self, invoice: &str, order: u32) {
        let (mut place, half_hash) = self.begin(invoice);
        while self.places[place].is_some() {
            place = (place + 1) & (self.places.len() - 1);
        }
        let order = NonZeroU32::MIN.saturating_add(order);
        self.places[place] = Some(Entry { half_hash, order });
    }

    /// Where the search for an invoice begins, and the other half of its hash.
    fn begin(&self, invoice: &str) -> (usize, u32) {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        hasher.write(invoice.as_bytes());
        let hash = hasher.finish();
        #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
        let (place, half_hash) = (hash as usize, (hash >> 32) as u32);
        (place & (self.places.len() - 1), half_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_found_among_as_many_as_there_may_be() {
        let invoices: Vec<String> = (0..1000).map(|number| format!("INV-{number}")).collect();
        let mut index = Index::for_orders(1000);
        for (order, invoice) in (0..).zip(&invoices) {
            let is = |order: u32| Ok::<_, ()>(invoices[order as usize] == *invoice);
            assert_eq!(index.find(invoice, is), Ok(None));
            index.insert(invoice, order);
            assert_eq!(index.find(invoice, is), Ok(Some(order)));
        }
        assert_eq!(index.find("INV-7", |order| Ok::<_, ()>(order == 7)), Ok(Some(7)));
        assert_eq!(index.find("INV-7", |_| Ok::<_, ()>(false)), Ok(None), "half a hash is no proof");
        assert_eq!(index.find("INV-7", |_| Err("unread")), Err("unread"));
        assert_eq!(size_of::<Option<Entry>>(), 8);
    }
}
