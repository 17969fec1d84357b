//! Stops the run when the provider is ill. Attempts that ended unknown or not sent count; refusals and 429 do not
//! (`DESIGN` 11.8). In a joint run the calls of all runners count: what the others have seen is heard from the journal.

use std::collections::VecDeque;

use crate::job::settings::Breaker as Settings;
use crate::journal::joint::Health;
use crate::journal::record::ItemId;
use crate::model::outcome::{Outcome, SignatureCheck, Unsent};

/// Counts failures.
#[derive(Debug)]
pub struct Breaker {
    settings: Settings,
    in_a_row: u32,
    /// The item of the failures in a row while they are all of one item: one stuck order is no sick provider.
    only: Option<ItemId>,
    /// A failure of each item counts once.
    last: VecDeque<(ItemId, Health)>,
}

/// Why the breaker opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// So many failures in a row.
    InARow(u32),
    /// So many failures among the last so many attempts.
    OfLast(u32, u32),
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings, in_a_row: 0, only: None, last: VecDeque::new() }
    }

    /// Takes note of an attempt; says why, if the breaker is open now.
    pub fn note(&mut self, item: ItemId, outcome: &Outcome) -> Option<Opened> {
        match outcome {
            Outcome::Applied | Outcome::Already | Outcome::Refused(_) => self.take(item, Health::Good),
            Outcome::NotSent(Unsent::Connect) | Outcome::Ambiguous(_) => self.take(item, Health::Bad),
            Outcome::Throttled(_) | Outcome::NotSent(Unsent::Withheld) => None,
        }
    }

    /// Whether it is nearer to opening than it was when it had seen nothing.
    #[must_use]
    pub fn remembers_failure(&self) -> bool {
        self.in_a_row > 0 || self.last.iter().any(|(_, health)| *health == Health::Bad)
    }

    /// Whether the last call, ours or another runner's, has failed.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.in_a_row > 0
    }

    /// Takes note of an inquiry; says why, if the breaker is open now.
    pub fn note_inquiry(&mut self, item: ItemId, answered: bool) -> Option<Opened> {
        self.take(item, if answered { Health::Good } else { Health::Bad })
    }

    /// Takes note of how a call ended, here or elsewhere; says why, if the breaker is open now.
    pub fn take(&mut self, item: ItemId, health: Health) -> Option<Opened> {
        self.only = if self.in_a_row == 0 { Some(item) } else { self.only.filter(|only| *only == item) };
        self.in_a_row = if health == Health::Bad { self.in_a_row + 1 } else { 0 };
        let of_last = self.settings.of_last.get();
        if health == Health::Good || !self.last.contains(&(item, health)) {
            self.last.push_back((item, health));
        }
        if self.last.len() > of_last as usize {
            self.last.pop_front();
        }
        let several = self.only.is_none() || self.settings.consecutive.get() == 1;
        if several && self.in_a_row >= self.settings.consecutive.get() {
            return Some(Opened::InARow(self.in_a_row));
        }
        let full = self.last.len() == of_last as usize;
        let bad = self.last.iter().filter(|(_, health)| *health == Health::Bad).count() as u64;
        let too_many = full && bad * 100 >= u64::from(self.settings.failures) * u64::from(of_last);
        (too_many && bad > 0).then(|| Opened::OfLast(u32::try_from(bad).unwrap_or(u32::MAX), of_last))
    }
}

/// So many orders with a wrong signature in a row: whoever answers does not have the merchant's key.
const WRONG_SEALS: usize = 3;

/// Counts answers whose signature is wrong, each order's once. One that is missing says nothing: a page of an error has none.
#[derive(Debug, Default)]
pub struct Seals {
    wrong: Vec<ItemId>,
}

impl Seals {
    /// Takes note of an answer; whether there are too many wrong ones now.
    pub fn note(&mut self, item: ItemId, signature: SignatureCheck) -> bool {
        match signature {
            SignatureCheck::None | SignatureCheck::Missing => return false,
            SignatureCheck::Valid => self.wrong.clear(),
            SignatureCheck::Invalid if self.wrong.contains(&item) => {}
            SignatureCheck::Invalid => self.wrong.push(item),
        }
        self.wrong.len() >= WRONG_SEALS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{Doubt, Refusal};

    const BAD: Outcome = Outcome::Ambiguous(Doubt::Timeout);
    const UNSENT: Outcome = Outcome::NotSent(Unsent::Connect);
    const GOOD: Outcome = Outcome::Applied;
    const REFUSED: Outcome = Outcome::Refused(Refusal::Http(404));
    const THROTTLED: Outcome = Outcome::Throttled(crate::model::outcome::SignatureCheck::Missing);

    fn opens_after(outcomes: impl IntoIterator<Item = Outcome>) -> Option<(usize, Opened)> {
        let mut breaker = Breaker::new(Settings::default());
        let mut note = |(index, outcome)| {
            let number: usize = index;
            Some((number + 1, breaker.note(ItemId::numbered(number), &outcome)?))
        };
        outcomes.into_iter().enumerate().find_map(&mut note)
    }

    #[test]
    fn wrong_signatures_of_three_orders_in_a_row_are_too_many() {
        use SignatureCheck::{Invalid, Missing, Valid};
        let too_many = |seals: &[(usize, SignatureCheck)]| {
            let mut counted = Seals::default();
            seals.iter().any(|(number, signature)| counted.note(ItemId::numbered(*number), *signature))
        };
        assert!(too_many(&[(1, Invalid), (2, Invalid), (3, Invalid)]));
        assert!(too_many(&[(1, Invalid), (2, Missing), (2, Invalid), (2, SignatureCheck::None), (3, Invalid)]));
        assert!(!too_many(&[(1, Invalid), (2, Invalid), (3, Valid), (4, Invalid), (5, Invalid)]));
        assert!(!too_many(&[(1, Invalid), (2, Invalid), (1, Invalid), (2, Invalid)]), "repeats of two orders");
        assert!(!too_many(&[(1, Missing), (2, Missing), (3, Missing), (4, Missing)]));
    }

    #[test]
    fn one_stuck_order_opens_nothing_however_often_it_fails() {
        let mut breaker = Breaker::new(Settings::default());
        for _ in 0..10 {
            assert_eq!(breaker.note(ItemId::numbered(1), &BAD), None);
        }
        assert_eq!(breaker.note(ItemId::numbered(2), &BAD), Some(Opened::InARow(11)));
    }

    #[test]
    fn one_stuck_order_among_good_ones_opens_nothing_either() {
        let mut breaker = Breaker::new(Settings::default());
        for number in 10..50 {
            assert_eq!(breaker.note(ItemId::numbered(number), &GOOD), None);
            assert_eq!(breaker.note(ItemId::numbered(1), &BAD), None);
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        assert_eq!(opens_after([BAD, UNSENT, BAD, BAD, BAD]), Some((5, Opened::InARow(5))));
        assert_eq!(opens_after([BAD, BAD, BAD, BAD, GOOD, BAD, BAD, BAD, BAD]), None);
        assert_eq!(opens_after([BAD, BAD, THROTTLED, BAD, BAD, THROTTLED, BAD]), Some((7, Opened::InARow(5))));
    }

    #[test]
    fn a_share_of_the_last_ones_opens_it_once_there_are_enough() {
        let every_third = (0..60).map(|index| if index % 3 == 0 { BAD } else { GOOD });
        assert_eq!(opens_after(every_third), Some((20, Opened::OfLast(7, 20))));
    }

    #[test]
    fn refusals_and_throttling_never_open_it() {
        assert_eq!(opens_after(std::iter::repeat_n(REFUSED, 100)), None);
        assert_eq!(opens_after(std::iter::repeat_n(THROTTLED, 100)), None);
    }
}
