//! What a run has seen of the provider's limits: how fast it went, how often it was throttled, how long it was told to wait.

use serde::Serialize;

use crate::job::settings::Quota;

/// The rates are texts as in the job file, but may have decimals: `4.95/s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitsSeen {
    /// The job's quotas; empty if it is unlimited.
    pub allowed: Vec<String>,
    /// Requests on the wire, resends and inquiries included.
    pub requests: u64,
    /// Requests per second, from the first to the last; waits count. `None` while there are not two of them.
    pub achieved: Option<String>,
    /// Answers 429.
    pub too_many_requests: u64,
    /// Answers 503.
    pub unavailable: u64,
    /// The longest `Retry-After`, as it was heeded: 15 minutes at most.
    pub longest_retry_after_seconds: Option<u64>,
    /// The lowest rate that was in force. `None`: always the job's.
    pub lowest: Option<String>,
    /// Whether the run was long enough for its rate to be told.
    #[serde(skip)]
    pub is_telling: bool,
}

impl LimitsSeen {
    /// One line for people; `None` if there is nothing to tell.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        let achieved = self.achieved.as_ref().filter(|_| self.is_telling).map(|rate| {
            let allowed = if self.allowed.is_empty() { "unlimited".to_owned() } else { self.allowed.join(" and ") };
            format!("{rate} of {allowed}")
        });
        let throttled = [(self.too_many_requests, "429"), (self.unavailable, "503")];
        let throttled = throttled.into_iter().filter(|(times, _)| *times > 0);
        let throttled = throttled.map(|(times, status)| format!("{status} {times} x"));
        let waited = self.longest_retry_after_seconds.map(|seconds| format!("longest Retry-After {seconds} s"));
        let lowest = self.lowest.as_ref().map(|rate| format!("lowest rate {rate}"));
        let parts: Vec<String> = achieved.into_iter().chain(throttled).chain(waited).chain(lowest).collect();
        (!parts.is_empty()).then(|| {
            let requests = if self.requests == 1 { "request" } else { "requests" };
            format!("pace: {} {requests}, {}", self.requests, parts.join(", "))
        })
    }
}

/// A quota of which so many thousandths are in force, as a text.
#[must_use]
pub fn rate(quota: Quota, share: u32) -> String {
    let unit = match quota.per.as_secs() {
        1 => "s",
        60 => "m",
        _ => "h",
    };
    format!("{}/{unit}", decimal(u64::from(quota.calls.get()) * u64::from(share)))
}

/// Thousandths with two decimals at most, rounded down.
#[must_use]
pub fn decimal(thousandths: u64) -> String {
    let text = format!("{}.{:02}", thousandths / 1000, thousandths % 1000 / 10);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_telling_is_told_in_one_line() {
        let calm = LimitsSeen {
            allowed: vec!["5/s".into()],
            requests: 100,
            achieved: Some("3.3/s".into()),
            too_many_requests: 0,
            unavailable: 0,
            longest_retry_after_seconds: None,
            lowest: None,
            is_telling: false,
        };
        assert_eq!(calm.line(), None);
        let throttled = LimitsSeen {
            too_many_requests: 2,
            unavailable: 1,
            longest_retry_after_seconds: Some(7),
            lowest: Some("1.25/s".into()),
            is_telling: true,
            ..calm
        };
        assert_eq!(
            throttled.line().unwrap(),
            "pace: 100 requests, 3.3/s of 5/s, 429 2 x, 503 1 x, longest Retry-After 7 s, lowest rate 1.25/s"
        );
    }

    #[test]
    fn rates_have_two_decimals_at_most() {
        for (thousandths, text) in [(5000, "5"), (4950, "4.95"), (100, "0.1"), (4999, "4.99"), (310_000, "310")] {
            assert_eq!(decimal(thousandths), text);
        }
    }
}
