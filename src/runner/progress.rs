//! How far a run is, for whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

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
}

impl Progress {
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
