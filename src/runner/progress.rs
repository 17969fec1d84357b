//! How far a run is, for whoever shows it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pace::Seen;

/// Counters that the dispatcher raises and a screen reads. They decide nothing.
#[derive(Debug, Default)]
pub struct Progress {
    /// Orders to send in this run.
    pub orders: AtomicU64,
    /// Orders that are at their end or left for later.
    pub ended: AtomicU64,
    /// Whole rupiah of the orders at their end.
    pub rupiah: AtomicU64,
    /// Requests on the wire, resends and inquiries included.
    pub requests: AtomicU64,
    seen: Mutex<Seen>,
}

impl Progress {
    /// What the run has learned of the provider's limits so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().map_or_else(|_| Seen::default(), |seen| seen.clone())
    }

    /// Shows what the pacer has learned.
    pub(super) fn show(&self, seen: &Seen) {
        if let Ok(mut shown) = self.seen.lock() {
            shown.clone_from(seen);
        }
    }

    /// Raises a counter.
    pub(super) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    /// Reads a counter.
    #[must_use]
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
