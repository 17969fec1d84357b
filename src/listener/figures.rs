//! What has happened since the start, in figures: the page `/metrics`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::judge::Refusal;

/// Counters; they begin anew with every start.
#[derive(Debug)]
pub struct Figures {
    pub(super) received: AtomicU64,
    pub(super) verified: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) copies: AtomicU64,
    pub(super) unavailable: AtomicU64,
    pub(super) body_bytes: AtomicU64,
    pub(super) fsyncs: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) not_set_down: AtomicU64,
    /// In seconds since 1970; 0: nothing yet.
    pub(super) last_received: AtomicU64,
    /// The same, of what DOKU has signed.
    pub(super) last_verified: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    writable: AtomicBool,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            received: AtomicU64::default(),
            verified: AtomicU64::default(),
            written: AtomicU64::default(),
            copies: AtomicU64::default(),
            unavailable: AtomicU64::default(),
            body_bytes: AtomicU64::default(),
            fsyncs: AtomicU64::default(),
            connections: AtomicU64::default(),
            not_set_down: AtomicU64::default(),
            last_received: AtomicU64::default(),
            last_verified: AtomicU64::default(),
            refused: <[AtomicU64; Refusal::ALL.len()]>::default(),
            writable: AtomicBool::new(true),
        }
    }
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn value(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Figures {
    pub(super) fn refuse(&self, refusal: Refusal) {
        count(&self.refused[refusal as usize]);
    }

    pub(super) fn set_writable(&self, writable: bool) {
        self.writable.store(writable, Ordering::Relaxed);
    }

    /// Notifications that are in the log and were not before.
    #[must_use]
    pub fn written(&self) -> u64 {
        value(&self.written)
    }

    /// Copies of notifications that were in the log already.
    #[must_use]
    pub fn copies(&self) -> u64 {
        value(&self.copies)
    }

    /// Requests that were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.iter().map(value).sum()
    }

    /// Notifications that the disk did not take.
    #[must_use]
    pub fn unavailable(&self) -> u64 {
        value(&self.unavailable)
    }

    /// The page, in the text form of Prometheus.
    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, samples: &[(String, u64)]| {
            let name = format!("rekon_listen_{name}");
            // Writing into a text cannot fail.
            let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (labels, value) in samples {
                let _ = writeln!(page, "{name}{labels} {value}");
            }
        };
        let one = |counter: &AtomicU64| [(String::new(), value(counter))];
        let refused = Refusal::ALL.map(|refusal| {
            let (_, word) = refusal.told();
            (format!("{{reason=\"{word}\"}}"), value(&self.refused[refusal as usize]))
        });
        let writable = [(String::new(), u64::from(self.writable.load(Ordering::Relaxed)))];
        metric("received_total", "counter", "Requests that were not for /healthz or /metrics.", &one(&self.received));
        metric("verified_total", "counter", "Notifications whose signature holds.", &one(&self.verified));
        metric("written_total", "counter", "Notifications that were written to the log.", &one(&self.written));
        metric("duplicates_total", "counter", "Copies of notifications that the log had already.", &one(&self.copies));
        metric("refused_total", "counter", "Requests that were refused with a 4xx.", &refused);
        metric("unavailable_total", "counter", "Notifications answered with 503.", &one(&self.unavailable));
        metric("body_bytes_total", "counter", "Bytes of the bodies that were read.", &one(&self.body_bytes));
        metric("fsyncs_total", "counter", "How often the log was made durable.", &one(&self.fsyncs));
        metric("refused_lost_total", "counter", "Refused requests that were not set down.", &one(&self.not_set_down));
        metric("connections", "gauge", "Open connections.", &one(&self.connections));
        metric("writable", "gauge", "1 if the log could be written when that was last tried.", &writable);
        let help = "When the last request came, in seconds since 1970; 0 if none has.";
        metric("last_received_timestamp_seconds", "gauge", help, &one(&self.last_received));
        let help = "When the last verified notification came, in seconds since 1970; 0 if none has.";
        metric("last_verified_timestamp_seconds", "gauge", help, &one(&self.last_verified));
        page
    }
}
