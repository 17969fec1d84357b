//! A reading to test with.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Reading;
use crate::job::settings::Quota;
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{Timestamp, Zone, parse_instant};

pub(super) fn quota(calls: u32, seconds: u64) -> Quota {
    Quota { calls: NonZeroU32::new(calls).unwrap(), per: Duration::from_secs(seconds) }
}

/// 01:30 in Jakarta.
pub(super) fn now() -> Timestamp {
    parse_instant("2026-11-22T18:30:00Z").unwrap()
}

pub(super) fn reading() -> Reading {
    Reading {
        language: Language::English,
        zone: Zone::WIB,
        now: now(),
        elapsed: Duration::from_secs(30),
        orders: 398,
        ended: 120,
        planned: Rupiah::new(58_910_000),
        done: Rupiah::new(17_840_000),
        requests: 131,
        throttles: 2,
        in_doubt: Tally::default(),
        tenths: Some(49),
        quota: Some(quota(5, 1)),
        lowered: None,
        done_at: Some(parse_instant("2026-11-22T19:14:00Z").unwrap()),
        closes_at: Some(parse_instant("2026-11-22T21:30:00Z").unwrap()),
        waiting: None,
        next: None,
    }
}
