//! The fuzz targets: what must hold for every input, as plain functions from bytes.
//!
//! The same files are a module of the integration tests (`tests/rekon/fuzz.rs`), which run every input of `corpus/` and some
//! mutations of them, and the library of the cargo-fuzz binaries beside them. A target returns if all is well and panics
//! if not; it compares with a second, naive reading of its own wherever there is one.

mod files;
mod journal;
mod naive;
mod orders;
mod provider;
mod values;

pub use files::{job_yaml, results_csv, simulator_state};
pub use journal::{BASE as JOURNAL_BASE, journal_file};
pub use orders::{orders_csv, orders_cut};
pub use provider::{answer, inquiry, notification_log, retry_after};
pub use values::values;

/// A target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name; also that of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics if what must hold does not.
    pub run: fn(&[u8]),
    /// The file in `dictionaries/` with words that its inputs are made of.
    pub dictionary: &'static str,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "orders_csv", run: orders_csv, dictionary: "orders.dict" },
    Target { name: "orders_cut", run: orders_cut, dictionary: "orders.dict" },
    Target { name: "job_yaml", run: job_yaml, dictionary: "job.dict" },
    Target { name: "simulator_state", run: simulator_state, dictionary: "state.dict" },
    Target { name: "results_csv", run: results_csv, dictionary: "results.dict" },
    Target { name: "answer", run: answer, dictionary: "provider.dict" },
    Target { name: "inquiry", run: inquiry, dictionary: "provider.dict" },
    Target { name: "notification_log", run: notification_log, dictionary: "provider.dict" },
    Target { name: "retry_after", run: retry_after, dictionary: "provider.dict" },
    Target { name: "values", run: values, dictionary: "values.dict" },
    Target { name: "journal_file", run: journal_file, dictionary: "journal.dict" },
];

/// Bytes written as text: `\x0A` is one byte, and a backslash before anything else is left out.
#[must_use]
pub fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.strip_prefix(b"x").and_then(|after| after.get(..2)).and_then(|hex| str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            (b'\\', None) if !after.is_empty() => {
                bytes.push(after[0]);
                rest = &after[1..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    bytes
}

/// Every fault can be shown, says something, and never holds what could steer a terminal. The first ones stand for all.
fn check_shown(faults: &[rekon::model::fault::Fault]) {
    for fault in faults.iter().take(10) {
        let shown = fault.to_string();
        assert!(!fault.message.is_empty(), "a fault without a message at {}", fault.place);
        let steers = |character: char| character.is_control() && character != '\n';
        assert!(!shown.contains(steers), "a control character is shown: {shown:?}");
    }
}

/// The present of all targets.
fn now() -> rekon::model::time::Timestamp {
    rekon::model::time::parse_instant("2026-11-22T08:00:00Z").expect("a time")
}
