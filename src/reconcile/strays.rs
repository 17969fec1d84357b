//! Lines that prove nothing, each once, in the order of the logs.
//!
//! Verified lines that are of no order, or perhaps of several, have copies as all others have. The first that was received
//! stays what it is, so that its money counts once; the others are copies of it.

use std::collections::HashSet;

use super::evidence::UnmatchedReason;
use super::packed::{NO_TIME, millis};
use super::record::{Record, StrayRecord, Told};
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;

/// The lines in these records.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = StrayRecord<'_>> {
    std::iter::from_fn(move || match Record::read(&mut bytes)? {
        Record::Stray(stray) => Some(stray),
        Record::RowsBefore(_) | Record::Order(_) | Record::Done(_) | Record::Heard(_) => None,
    })
}

/// Lines by file and line.
#[must_use]
pub fn sorted(mut lines: Vec<StrayRecord<'_>>) -> Vec<StrayRecord<'_>> {
    lines.sort_unstable_by_key(|line| line.place);
    lines
}

/// The lines in these records by file and line, and copies are called so. A line that stands in several files counts as
/// often as in the one that has it most often, as a proof does (see [`picture`](super::picture)).
#[must_use]
pub fn united(bytes: &[u8]) -> Vec<StrayRecord<'_>> {
    let mut lines: Vec<StrayRecord<'_>> = records(bytes).collect();
    lines.sort_unstable_by_key(|line| (line.place.hash, line.place));
    let mut kept = Vec::with_capacity(lines.len());
    for same in lines.chunk_by(|left, right| left.place.hash == right.place.hash) {
        let by_file = || same.chunk_by(|left, right| left.place.file == right.place.file);
        let most = by_file().map(<[_]>::len).max().unwrap_or_default();
        // Of several files that have it equally often, the first.
        kept.extend_from_slice(by_file().find(|lines| lines.len() == most).unwrap_or_default());
    }
    name_copies(&mut kept);
    sorted(kept)
}

/// Names the copies: by Request-Id or by date, among the lines that say the same of an invoice. Nothing else is said of
/// these lines than what they say themselves, and so one with another amount or status is never hidden as a copy.
fn name_copies(lines: &mut [StrayRecord<'_>]) {
    let mut told: Vec<(&mut StrayRecord<'_>, Told)> =
        lines.iter_mut().filter_map(|line| line.told.map(|told| (line, told))).collect();
    // By time of receipt, what has none last; then by content, so that the order of reading decides nothing.
    told.sort_unstable_by_key(|(line, told)| {
        let received_at = millis(told.received_at);
        let received_at = if received_at == NO_TIME { i64::MAX } else { received_at };
        (said(line, told), received_at, told.id, told.date, line.place.hash, line.place)
    });
    for same in told.chunk_by_mut(|left, right| said(left.0, &left.1) == said(right.0, &right.1)) {
        let (mut ids, mut dates) = (HashSet::new(), HashSet::new());
        for (line, told) in same {
            let (new_id, new_date) = (ids.insert(told.id), dates.insert(told.date));
            if !(new_id && new_date) {
                line.reason = UnmatchedReason::of_copy(told.stale);
            }
        }
    }
}

/// What a line says: the invoice, the amount and the status.
fn said<'a>(line: &StrayRecord<'a>, told: &Told) -> (&'a str, Option<Rupiah>, PaymentStatus) {
    (line.invoice, line.amount, told.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Moment;
    use crate::reconcile::record::LinePlace;

    #[test]
    fn a_line_in_two_files_counts_once_and_twice_in_one_file_twice() {
        let places = [(1, 1, 7), (0, 3, 7), (0, 1, 8), (1, 2, 8), (1, 9, 8), (0, 2, 9)];
        let mut bytes = Vec::new();
        for (file, line, hash) in places {
            let place = LinePlace { file, line, hash };
            let (reason, amount) = (UnmatchedReason::Malformed, None);
            let stray = StrayRecord { place, reason, amount, invoice: "", status: "", received_at: "", told: None };
            Record::Stray(stray).write(&mut bytes);
        }
        let found: Vec<(u16, u64)> = united(&bytes).iter().map(|line| (line.place.file, line.place.line)).collect();
        assert_eq!(found, [(0, 2), (0, 3), (1, 2), (1, 9)]);
    }

    #[test]
    fn what_was_received_first_is_no_copy_in_whatever_order_it_was_read() {
        // Invoice, second of receipt, Request-Id, date, and what the line is.
        let lines = [
            ("A", Some(1), 1, 1, UnmatchedReason::Orphan),
            ("A", Some(2), 1, 2, UnmatchedReason::Duplicate),
            ("A", Some(3), 2, 1, UnmatchedReason::Duplicate),
            ("A", None, 3, 2, UnmatchedReason::Duplicate),
            ("A", Some(4), 4, 4, UnmatchedReason::Orphan),
            ("B", Some(1), 1, 1, UnmatchedReason::Orphan),
        ];
        let record = |at: usize| {
            let (invoice, second, id, date, _) = lines[at];
            let received_at = second.map(|second: i64| Moment::from_millis(second * 1000));
            let told = Told { status: PaymentStatus::Success, stale: false, received_at, id, date };
            let place = LinePlace { file: 0, line: at as u64, hash: at as u64 };
            let (reason, amount) = (UnmatchedReason::Orphan, Some(Rupiah::new(5)));
            let mut bytes = Vec::new();
            let stray = StrayRecord { place, reason, amount, invoice, status: "", received_at: "", told: Some(told) };
            Record::Stray(stray).write(&mut bytes);
            bytes
        };
        let forwards: Vec<u8> = (0..lines.len()).flat_map(record).collect();
        let backwards: Vec<u8> = (0..lines.len()).rev().flat_map(record).collect();
        for bytes in [forwards, backwards] {
            let found: Vec<UnmatchedReason> = united(&bytes).iter().map(|line| line.reason).collect();
            assert_eq!(found, lines.map(|(.., reason)| reason));
        }
    }
}
