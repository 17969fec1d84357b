//! What is to happen to each order, in four bytes: nearly all of them are told what one shortly before was told.

use std::ops::Index;

use super::disposition::Disposition;

/// What was decided about each order, by its number.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    /// For each order its place in the other list.
    of: Vec<u32>,
    told: Vec<Disposition>,
}

/// So many of those that were added last may be told again. Many orders have few dispositions between them; where each has
/// its own, no more than these are compared with it.
const RECENT: usize = 16;

impl Decisions {
    /// With room for so many orders.
    pub(super) fn for_orders(count: u32) -> Self {
        Self { of: Vec::with_capacity(count as usize), told: Vec::new() }
    }

    /// What is to happen to the next order.
    pub(super) fn push(&mut self, disposition: Disposition) {
        let first = self.told.len().saturating_sub(RECENT);
        let known = self.told[first..].iter().rposition(|told| *told == disposition).map(|at| first + at);
        let place = known.unwrap_or_else(|| {
            self.told.push(disposition);
            self.told.len() - 1
        });
        self.of.push(u32::try_from(place).expect("there are no more of them than orders"));
    }

    /// About how many orders something was decided.
    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    /// About each order, one after another.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Disposition> {
        self.of.iter().map(|place| &self.told[*place as usize])
    }
}

impl Index<usize> for Decisions {
    type Output = Disposition;

    fn index(&self, order: usize) -> &Disposition {
        &self.told[self.of[order] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_has_what_was_decided_about_it_however_many_different_things_that_are() {
        for kinds in [1, 2, 16, 17, 40] {
            let all: Vec<Disposition> = (0..1000)
                .map(|order: usize| match order % kinds {
                    0 => Disposition::Send { generation: 0 },
                    kind => Disposition::Skip(format!("reason {kind}").into()),
                })
                .collect();
            let mut decisions = Decisions::for_orders(1000);
            all.iter().for_each(|disposition| decisions.push(disposition.clone()));
            assert!(decisions.iter().eq(&all), "{kinds}");
            assert_eq!((decisions.len(), &decisions[999]), (1000, &all[999]));
            assert_eq!(decisions.told.len() == kinds, kinds <= RECENT, "{kinds}");
        }
    }
}
