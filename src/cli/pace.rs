//! What a run has seen of the provider's limits, as the summary tells it.

use crate::job::settings::Limits;
use crate::report::limits::{LimitsSeen, decimal, rate};
use crate::runner::pace::Seen;

/// The rate of fewer seconds than these says little.
const TELLING_SECONDS: u64 = 10;

/// What a run under these limits has seen.
pub(super) fn limits_seen(limits: &Limits, seen: &Seen) -> LimitsSeen {
    let slowest = limits.rate.iter().max_by_key(|quota| quota.per / quota.calls.get());
    LimitsSeen {
        allowed: limits.rate.iter().map(|quota| rate(*quota, 1000)).collect(),
        requests: seen.requests,
        achieved: seen.achieved_per_1000_s().map(|calls| format!("{}/s", decimal(calls))),
        too_many_requests: seen.too_many,
        unavailable: seen.unavailable,
        longest_retry_after_seconds: seen.longest_retry_after.map(|wait| wait.as_secs()),
        lowest: seen.lowest_share.zip(slowest).map(|(share, quota)| rate(*quota, share)),
        is_telling: seen.span().as_secs() >= TELLING_SECONDS,
    }
}
