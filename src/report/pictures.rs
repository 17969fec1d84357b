//! What a report draws, as values: the flow of rows from where they began to where they ended, and how a run's requests went
//! in time. Whole numbers only.

use std::collections::BTreeMap;

use crate::journal::record::{RowFate, RowRecord};
use crate::model::money::Tally;
use crate::model::status::BookStatus;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;
use crate::reconcile::ends::state_of;
use crate::reconcile::evidence::DoneState;

/// Where a band of the flow begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// The plan meant to send it.
    Send,
    /// An earlier run left it open.
    Continue,
    /// An earlier run settled it.
    Settled,
    /// Not meant, or done elsewhere.
    Skip,
    /// Kept back by a guard.
    Held,
    /// A bad row.
    Invalid,
    /// What the book says; `None`: nothing.
    Book(Option<BookStatus>),
}

/// Where a band ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The state of a row.
    State(DoneState),
    /// The verdict about an order.
    Verdict(Verdict),
}

/// How many went from where to where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flow(BTreeMap<(Start, End), Tally>);

impl Flow {
    /// Adds some that went from one place to another; none leave no trace.
    pub fn add(&mut self, from: Start, to: End, tally: Tally) {
        if tally.count > 0 {
            self.0.entry((from, to)).or_default().merge(tally);
        }
    }

    /// Adds the rows of a run.
    pub fn take_rows(&mut self, records: &[RowRecord]) {
        for record in records {
            let from = match record.row.fate {
                RowFate::Send => Start::Send,
                RowFate::Continue => Start::Continue,
                RowFate::Settled => Start::Settled,
                RowFate::Skip => Start::Skip,
                RowFate::Held => Start::Held,
                RowFate::Invalid => Start::Invalid,
            };
            let one = Tally { count: 1, rupiah: record.row.rupiah };
            self.add(from, End::State(state_of(record).0), one);
        }
    }

    /// All bands, in the order of where they begin.
    pub fn bands(&self) -> impl Iterator<Item = (Start, End, Tally)> {
        self.0.iter().map(|((from, to), tally)| (*from, *to, *tally))
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Upper ends of the buckets of latency, in milliseconds; what is slower falls into one more.
pub const LATENCIES: [u64; 9] = [100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000];

/// How the requests of a run went in time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    /// Answers per bucket of latency.
    pub buckets: [u64; LATENCIES.len() + 1],
    /// Requests that nothing came back for.
    pub unanswered: u64,
    /// The slowest answer, in milliseconds.
    pub slowest: u64,
    /// Requests per second since 1970 in which they were sent.
    sent: BTreeMap<i64, u64>,
}

/// Requests over time, in columns of one width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// The width of a column, in seconds.
    pub width: i64,
    /// When the first column begins, in seconds since 1970.
    pub begins: i64,
    /// Requests per column.
    pub columns: Vec<u64>,
}

/// Widths of columns, in seconds.
const WIDTHS: [i64; 14] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400];
/// The most columns that are drawn.
const MOST_COLUMNS: i64 = 90;

impl Timing {
    /// Adds a request. `ended_at` is `None` if nothing ever came back, or it is not known when.
    pub fn take(&mut self, sent_at: Timestamp, ended_at: Option<Timestamp>) {
        *self.sent.entry(sent_at.timestamp()).or_default() += 1;
        let Some(ended_at) = ended_at else {
            self.unanswered += 1;
            return;
        };
        let took = u64::try_from((ended_at - sent_at).num_milliseconds()).unwrap_or_default();
        self.slowest = self.slowest.max(took);
        self.buckets[LATENCIES.iter().position(|end| took <= *end).unwrap_or(LATENCIES.len())] += 1;
    }

    /// Requests that were answered.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The upper end of the bucket in which the middle answer lies, in milliseconds; no more than the slowest.
    #[must_use]
    pub fn middle(&self) -> u64 {
        let half = self.answered().div_ceil(2);
        let mut seen = 0;
        let ends = LATENCIES.into_iter().chain([u64::MAX]);
        let bucket = ends.zip(self.buckets).find(|(_, count)| {
            seen += count;
            seen >= half
        });
        bucket.map_or(0, |(end, _)| end.min(self.slowest))
    }

    /// Requests over time; `None` if nothing was sent.
    #[must_use]
    pub fn pace(&self) -> Option<Pace> {
        let (first, last) = (*self.sent.first_key_value()?.0, *self.sent.last_key_value()?.0);
        let fits = |width: &i64| (last - first) / width < MOST_COLUMNS;
        let width = WIDTHS.into_iter().find(fits).unwrap_or((last - first) / MOST_COLUMNS + 1);
        let column = |second: i64| usize::try_from((second - first) / width).unwrap_or_default();
        let mut columns = vec![0; column(last) + 1];
        self.sent.iter().for_each(|(second, count)| columns[column(*second)] += count);
        Some(Pace { width, begins: first, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;

    fn at(milliseconds: i64) -> Timestamp {
        parse_instant("2026-11-22T18:00:00Z").unwrap() + chrono::Duration::milliseconds(milliseconds)
    }

    #[test]
    fn answers_fall_into_the_bucket_that_they_do_not_exceed() {
        let mut timing = Timing::default();
        for took in [0, 100, 101, 30_000, 30_001] {
            timing.take(at(0), Some(at(took)));
        }
        timing.take(at(0), None);
        // A clock that was set back between the two does not make an answer come before its question.
        timing.take(at(0), Some(at(-5)));
        assert_eq!((timing.buckets[0], timing.buckets[1], timing.buckets[8], timing.buckets[9]), (3, 1, 1, 1));
        assert_eq!((timing.answered(), timing.unanswered, timing.slowest, timing.middle()), (6, 1, 30_001, 100));
    }

    #[test]
    fn the_middle_is_never_said_to_be_slower_than_the_slowest() {
        let mut timing = Timing::default();
        timing.take(at(0), Some(at(120)));
        assert_eq!(timing.middle(), 120);
    }

    #[test]
    fn no_request_is_lost_however_long_the_run() {
        for seconds in [0, 1, 89, 90, 100, 5_000, 86_400 * 365] {
            let mut timing = Timing::default();
            (0..=50).for_each(|step| timing.take(at(seconds * 1000 * step / 50), None));
            let pace = timing.pace().unwrap();
            assert_eq!(pace.columns.iter().sum::<u64>(), 51, "{seconds}");
            assert!(pace.columns.len() <= 90, "{seconds}: {}", pace.columns.len());
        }
        assert_eq!(Timing::default().pace(), None);
    }
}
