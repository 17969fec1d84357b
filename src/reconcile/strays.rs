//! Lines that prove nothing, each once, in the order of the logs.

use super::record::{Record, StrayRecord};

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

/// The lines in these records by file and line. A line that stands in several files counts as often as in the one that
/// has it most often, as a proof does (see [`picture`](super::picture)).
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
    sorted(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::evidence::UnmatchedReason;
    use crate::reconcile::record::LinePlace;

    #[test]
    fn a_line_in_two_files_counts_once_and_twice_in_one_file_twice() {
        let places = [(1, 1, 7), (0, 3, 7), (0, 1, 8), (1, 2, 8), (1, 9, 8), (0, 2, 9)];
        let mut bytes = Vec::new();
        for (file, line, hash) in places {
            let place = LinePlace { file, line, hash };
            let (reason, amount) = (UnmatchedReason::Malformed, None);
            let stray = StrayRecord { place, reason, amount, invoice: "", status: "", received_at: "" };
            Record::Stray(stray).write(&mut bytes);
        }
        let found: Vec<(u16, u64)> = united(&bytes).iter().map(|line| (line.place.file, line.place.line)).collect();
        assert_eq!(found, [(0, 2), (0, 3), (1, 2), (1, 9)]);
    }
}
