//! What a run says about itself while it lasts: two lines that are drawn again and again on a terminal, one line every half
//! minute elsewhere.
//!
//! A [`Meter`] looks at the counters again and again; a [`Reading`] is what it makes of them. [`screen`] writes it for a
//! terminal and [`line`] for a log; [`words`] has the parts that both are made of.

mod line;
mod meter;
mod screen;
#[cfg(test)]
mod testing;
mod words;

use std::time::Duration;

pub(super) use self::meter::{Meter, Terms};
use crate::job::settings::Quota;
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{Timestamp, Zone};

/// Where in a run a heartbeat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Begins,
    Running,
    Ends,
}

impl Phase {
    /// The word for machines.
    const fn word(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Running => "running",
            Self::Ends => "ends",
        }
    }
}

/// What can be said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    language: Language,
    zone: Zone,
    now: Timestamp,
    elapsed: Duration,
    orders: u64,
    ended: u64,
    planned: Rupiah,
    done: Rupiah,
    requests: u64,
    throttles: u64,
    in_doubt: Tally,
    /// Tenths of calls in the time of the tightest quota, of late.
    tenths: Option<u64>,
    /// The tightest quota of the job.
    quota: Option<Quota>,
    /// Tenths of calls in its time that are in force, for the provider has throttled us. `None`: all of it is.
    lowered: Option<u64>,
    /// When it will be done, as it went of late.
    done_at: Option<Timestamp>,
    /// When the window closes.
    closes_at: Option<Timestamp>,
    /// How much longer the provider wants us to wait.
    waiting: Option<Duration>,
    /// The call that comes next, and how much longer it is waited for.
    next: Option<(&'static str, Duration)>,
}

impl Reading {
    /// Whether it will not be done when the window closes.
    pub(super) fn is_late(&self) -> bool {
        self.done_at.zip(self.closes_at).is_some_and(|(done, closes)| done > closes)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::testing::{now, reading};
    use super::*;
    use crate::model::time::after;

    #[test]
    fn a_run_that_outlasts_its_window_is_late() {
        assert!(!reading().is_late());
        assert!(Reading { done_at: Some(after(now(), Duration::from_secs(4 * 3600))), ..reading() }.is_late());
        assert!(!Reading { closes_at: None, ..reading() }.is_late());
    }
}
