//! The picture of one order: a fold over everything that verified notifications say about it, which does not depend on
//! the order in which they were read.
//!
//! Two things look alike and are not. A *copy* is a notification that DOKU sent again: another receipt of the same thing.
//! A *receipt read twice* is one line of a log that stands in two files, as after a rotation by copying: it counts once.
//! So the lines of several logs are united, not added: a line counts as often as in the file that has it most often.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::packed::{NO_TIME, code, decode, millis, time_of};
use super::reason::Key;
use super::record::HeardRecord;
use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;

/// One verified line, as small as ten million of them must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact {
    /// The file in the upper 16 bits, the line below.
    pub(super) place: u64,
    pub(super) amount: Rupiah,
    /// In milliseconds; `i64::MIN`: the log does not say.
    pub(super) received_at: i64,
    /// A hash of the Request-Id.
    pub(super) id: u64,
    /// A hash of the date.
    pub(super) date: u32,
    /// A hash of the whole line.
    pub(super) line_hash: u32,
    /// The place of its order; in a chain that of the next fact about it.
    pub(super) link: u32,
    /// The business day on which it happened, in days from 1970-01-01; 0: it does not say.
    pub(super) day: u16,
    pub(super) status: PaymentStatus,
    pub(super) flags: Flags,
}

/// What else is known of a fact, in one byte: whether it was received later than DOKU's own repetitions go on, or long after
/// it was signed, and what ties it to its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    const LATE: u8 = 1;
    const STALE: u8 = 2;
    const KEY: u32 = 2;

    fn of(heard: &HeardRecord<'_>, key: Key) -> Self {
        let late = if heard.late { Self::LATE } else { 0 };
        let stale = if heard.stale { Self::STALE } else { 0 };
        Self(late | stale | code(&Key::ALL, key) << Self::KEY)
    }

    pub(super) const fn is_late(self) -> bool {
        self.0 & Self::LATE != 0
    }

    pub(super) const fn is_stale(self) -> bool {
        self.0 & Self::STALE != 0
    }

    fn key(self) -> Option<Key> {
        decode(&Key::ALL, self.0 >> Self::KEY)
    }
}

impl Fact {
    /// What a notification says about an order.
    pub(super) fn of(order: u32, heard: &HeardRecord<'_>, key: Key) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "halves of hashes; among the lines of one order they do")]
        let (date, line_hash) = (heard.date as u32, heard.place.hash as u32);
        Self {
            place: pack(heard.place.file, heard.place.line),
            amount: heard.amount,
            received_at: millis(heard.received_at),
            id: heard.id,
            date,
            line_hash,
            link: order,
            day: heard.day.unwrap_or_default(),
            status: heard.status,
            flags: Flags::of(heard, key),
        }
    }

    /// File and line.
    pub(super) const fn place(&self) -> (u16, u64) {
        ((self.place >> LINE_BITS) as u16, self.place & MOST_LINES)
    }

    /// What the line says, its place aside.
    const fn content(&self) -> (u64, u32, u32, i64, Rupiah, PaymentStatus) {
        (self.id, self.date, self.line_hash, self.received_at, self.amount, self.status)
    }

    /// By time of receipt, what has none last; then by content, so that the order of reading decides nothing.
    fn by_receipt(&self, other: &Self) -> Ordering {
        let time = |fact: &Self| if fact.received_at == NO_TIME { i64::MAX } else { fact.received_at };
        (time(self), self.content(), self.place).cmp(&(time(other), other.content(), other.place))
    }
}

const LINE_BITS: u32 = 48;

/// The most lines that a log may have.
pub(super) const MOST_LINES: u64 = (1 << LINE_BITS) - 1;

/// File and line in one number.
fn pack(file: u16, line: u64) -> u64 {
    u64::from(file) << LINE_BITS | line.min(MOST_LINES)
}

/// Everything that is known of an order from verified notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Picture {
    /// The strongest word of DOKU's; a later FAILED never overwrites a SUCCESS.
    pub status: Option<PaymentStatus>,
    /// Whether any notification said SUCCESS.
    pub paid: bool,
    /// The order's own amount, if a notification names it.
    pub own_amount: Option<Rupiah>,
    /// The smallest other amount, if a notification names one.
    pub other_amount: Option<Rupiah>,
    /// Whether more than one amount is named.
    pub several_amounts: bool,
    /// Notifications, copies not counted.
    pub notifications: u64,
    /// Copies beyond the first, by Request-Id or by (status, date).
    pub duplicates: u64,
    /// When the first was received.
    pub first_received_at: Option<Moment>,
    /// When the last was received.
    pub last_received_at: Option<Moment>,
    /// Whether the word that decides was first received later than DOKU's own repetitions go on.
    pub late: bool,
    /// The weakest tie by which one of them was found.
    pub key: Option<Key>,
}

impl Picture {
    /// Whether DOKU ever had the money.
    #[must_use]
    pub fn saw_payment(&self) -> bool {
        self.paid || self.status == Some(PaymentStatus::Refunded)
    }

    /// The amount to hold against the book: one that differs, if any does.
    #[must_use]
    pub fn amount(&self) -> Option<Rupiah> {
        self.other_amount.or(self.own_amount)
    }
}

/// Folds the facts about an order over `amount`. Afterwards `facts` holds each receipt once, the first of every
/// notification before `picture.notifications`, the copies behind.
pub(super) fn fold(facts: &mut Vec<Fact>, amount: Rupiah) -> Picture {
    if facts.len() > 1 {
        unite(facts);
        facts.sort_unstable_by(Fact::by_receipt);
    }
    let first_copy = copies_last(facts);
    let mut picture = Picture {
        notifications: first_copy as u64,
        duplicates: (facts.len() - first_copy) as u64,
        status: facts.iter().map(|fact| fact.status).max(),
        ..Picture::default()
    };
    let received = || facts.iter().map(|fact| fact.received_at).filter(|millis| *millis != NO_TIME);
    for fact in facts.iter() {
        picture.paid |= fact.status == PaymentStatus::Success;
        picture.key = picture.key.max(fact.flags.key());
        if fact.amount == amount {
            picture.own_amount = Some(amount);
        } else {
            picture.several_amounts |= picture.other_amount.is_some_and(|other| other != fact.amount);
            picture.other_amount = [picture.other_amount, Some(fact.amount)].into_iter().flatten().min();
        }
    }
    picture.first_received_at = received().min().and_then(time_of);
    picture.last_received_at =
        if facts.len() == 1 { picture.first_received_at } else { received().max().and_then(time_of) };
    picture.several_amounts |= picture.own_amount.is_some() && picture.other_amount.is_some();
    let deciding = facts.iter().filter(|fact| Some(fact.status) == picture.status);
    picture.late = deciding.min_by(|left, right| left.by_receipt(right)).is_some_and(|fact| fact.flags.is_late());
    picture
}

/// Leaves each receipt as often as in the file that has it most often.
fn unite(facts: &mut Vec<Fact>) {
    facts.sort_unstable_by_key(|fact| (fact.content(), fact.place));
    let mut kept = 0;
    let mut at = 0;
    while at < facts.len() {
        let same = facts[at..].iter().take_while(|fact| fact.content() == facts[at].content()).count();
        let (mut most, mut run) = (at..at, at);
        while run < at + same {
            let file = facts[run].place().0;
            let length = facts[run..at + same].iter().take_while(|fact| fact.place().0 == file).count();
            if length > most.len() {
                most = run..run + length;
            }
            run += length;
        }
        let length = most.len();
        facts.copy_within(most, kept);
        kept += length;
        at += same;
    }
    facts.truncate(kept);
}

/// Moves the copies, lines that share a Request-Id or status and date with an earlier one, behind all others; the place of
/// the first of them.
fn copies_last(facts: &mut [Fact]) -> usize {
    if facts.len() < 2 {
        return facts.len();
    }
    let (mut ids, mut events) = (HashSet::new(), HashSet::new());
    let mut is_copy = |fact: &Fact| {
        let (new_id, new_event) = (ids.insert(fact.id), events.insert((fact.date, fact.status)));
        !(new_id && new_event)
    };
    let (first, copies): (Vec<Fact>, Vec<Fact>) = facts.iter().partition(|fact| !is_copy(fact));
    facts[..first.len()].copy_from_slice(&first);
    facts[first.len()..].copy_from_slice(&copies);
    first.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fact(file: u16, line: u64, id: u64, status: PaymentStatus, date: u32, amount: u64, hour: i64) -> Fact {
        let received_at = hour * 3_600_000;
        Fact {
            place: pack(file, line),
            amount: Rupiah::new(amount),
            received_at,
            id,
            date,
            line_hash: u32::try_from(hour).unwrap() + date,
            link: 0,
            day: 1,
            status,
            flags: Flags(0),
        }
    }

    fn picture(facts: &[Fact]) -> Picture {
        fold(&mut facts.to_vec(), Rupiah::new(5))
    }

    #[test]
    fn a_late_failure_does_not_overwrite_a_success() {
        let lines = [fact(0, 1, 1, PaymentStatus::Success, 1, 5, 10), fact(0, 2, 2, PaymentStatus::Failed, 2, 5, 11)];
        let picture = picture(&lines);
        assert_eq!(picture.status, Some(PaymentStatus::Success));
        assert_eq!((picture.notifications, picture.duplicates), (2, 0));
        assert_eq!(picture.last_received_at, time_of(11 * 3_600_000));
    }

    #[test]
    fn copies_by_id_or_by_event_are_counted_and_change_nothing() {
        let once = fact(0, 1, 1, PaymentStatus::Success, 1, 5, 10);
        let lines =
            [once, fact(0, 2, 1, PaymentStatus::Success, 1, 5, 10), fact(0, 3, 9, PaymentStatus::Success, 1, 5, 10)];
        let all = picture(&lines);
        assert_eq!((all.notifications, all.duplicates), (1, 2));
        assert_eq!(Picture { duplicates: 0, ..all }, picture(&[once]));
    }

    #[test]
    fn a_line_that_stands_in_two_files_is_one_receipt() {
        let line = |file, line, hour| fact(file, line, 1, PaymentStatus::Success, 1, 5, hour);
        let once = [line(0, 1, 10), line(0, 2, 10), line(0, 3, 16)];
        let again = [line(1, 7, 10), line(1, 8, 10), line(1, 9, 16)];
        let expected = (1, 2);
        for lines in [once.to_vec(), [once, again].concat(), [again, once].concat()] {
            let picture = picture(&lines);
            assert_eq!((picture.notifications, picture.duplicates), expected);
        }
        let more_in_the_second = [&once[..1], &again[..2]].concat();
        assert_eq!(picture(&more_in_the_second).duplicates, 1);
    }

    #[test]
    fn amounts_are_held_against_the_orders_own() {
        let named = |amounts: &[u64]| {
            let lines: Vec<Fact> = amounts
                .iter()
                .zip(0_u32..)
                .map(|(amount, at)| fact(0, at.into(), at.into(), PaymentStatus::Success, at, *amount, 1))
                .collect();
            let picture = picture(&lines);
            (picture.amount().map(Rupiah::whole), picture.several_amounts)
        };
        assert_eq!(named(&[]), (None, false));
        assert_eq!(named(&[5, 5]), (Some(5), false));
        assert_eq!(named(&[7]), (Some(7), false));
        assert_eq!(named(&[7, 5]), (Some(7), true));
        assert_eq!(named(&[9, 7]), (Some(7), true));
    }

    #[test]
    fn ten_million_facts_are_no_larger_than_they_must_be() {
        assert_eq!(size_of::<Fact>(), 48);
    }

    proptest! {
        #[test]
        fn the_picture_does_not_depend_on_the_order_of_reading(
            lines in prop::collection::vec((0..2_u16, 0..4_u64, 0..6_usize, 0..3_u32, 4..7_u64, 0..3_i64), 1..9),
            seed in any::<u64>(),
        ) {
            let lines: Vec<Fact> = lines
                .into_iter()
                .enumerate()
                .map(|(at, (file, id, status, date, amount, hour))| {
                    fact(file, at as u64, id, PaymentStatus::ALL[status], date, amount, hour)
                })
                .collect();
            let mut shuffled = lines.clone();
            let turn = usize::try_from(seed % shuffled.len() as u64).unwrap();
            shuffled.rotate_left(turn);
            if seed % 2 == 0 {
                shuffled.reverse();
            }
            prop_assert_eq!(picture(&lines), picture(&shuffled));
        }
    }
}
