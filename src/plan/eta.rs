//! How many calls a plan makes, how long they take at the job's pace, and whether the window is open that long.
//!
//! An estimate from below: it knows the pace, not how fast the provider answers, nor how often a call must be repeated.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::Timelike as _;

use super::guard::counted;
use crate::job::Job;
use crate::job::settings::{Limits, Quota, Window};
use crate::model::time::{Timestamp, Zone, after};

/// The calls of a plan, and the time that they take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eta {
    /// One for every order to send, and one for every order that was left open.
    pub calls: u64,
    /// So many of them are about orders that an earlier run left open and that are not in the input.
    pub elsewhere: u64,
    /// So many of them are sent first, and the others only once these are proven.
    pub canaries: u64,
    /// How long the pace makes them take.
    pub takes: Duration,
    /// The job's rate, as it is written.
    pub rate: String,
    /// The job's window. `None`: calls are made at any time.
    pub hours: Option<Hours>,
}

/// The window as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Whether it is open.
    pub state: Opening,
    /// When that changes.
    pub until: Timestamp,
    /// Whose midnight.
    pub zone: Zone,
}

/// Whether calls may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// They may.
    Open,
    /// They may not.
    Closed,
}

/// Estimates the calls of a job from now on: of so many orders to send, so many left open, and so many
/// left open that are not in the input.
#[must_use]
pub fn estimate(job: &Job, to_send: u64, open: u64, elsewhere: u64, now: Timestamp) -> Eta {
    let canaries = job.canary.map_or(0, |canary| u64::from(canary.get()).min(to_send));
    let all = to_send.saturating_add(open).saturating_add(elsewhere);
    Eta { elsewhere, canaries, ..calls(all, &job.limits, job.window.as_ref(), now) }
}

fn calls(calls: u64, limits: &Limits, window: Option<&Window>, now: Timestamp) -> Eta {
    let takes = limits.rate.iter().map(|quota| pace(calls, *quota, limits.burst)).max().unwrap_or_default();
    let rate: Vec<String> = limits.rate.iter().map(|quota| written(*quota)).collect();
    Eta {
        calls,
        elsewhere: 0,
        canaries: 0,
        takes,
        rate: rate.join(" and "),
        hours: window.map(|window| hours(*window, now)),
    }
}

/// The first `burst` calls go at once, every further one waits for its turn; in whole seconds, rounded up.
fn pace(calls: u64, quota: Quota, burst: NonZeroU32) -> Duration {
    let waiting = u128::from(calls.saturating_sub(u64::from(burst.get())));
    let milliseconds = (waiting * quota.per.as_millis()).div_ceil(u128::from(quota.calls.get()));
    Duration::from_secs(u64::try_from(milliseconds.div_ceil(1000)).unwrap_or(u64::MAX))
}

fn written(quota: Quota) -> String {
    let unit = match quota.per.as_secs() {
        1 => "s",
        60 => "m",
        _ => "h",
    };
    format!("{}/{unit}", quota.calls)
}

/// When the window changes next.
fn hours(window: Window, now: Timestamp) -> Hours {
    let local = window.zone.local(now);
    let seconds = local.num_seconds_from_midnight();
    let minute = u16::try_from(seconds / 60).unwrap_or_default();
    let open = if window.from < window.until {
        (window.from..window.until).contains(&minute)
    } else {
        minute >= window.from || minute < window.until
    };
    let next = u32::from(if open { window.until } else { window.from }) * 60;
    let day = 24 * 60 * 60;
    // The change comes later today or tomorrow, never now: at its own minute it has come.
    let wait = (next + day - seconds - 1) % day + 1;
    let until = after(now, Duration::from_secs(u64::from(wait)));
    let state = if open { Opening::Open } else { Opening::Closed };
    Hours { state, until: until.with_nanosecond(0).unwrap_or(until), zone: window.zone }
}

impl Hours {
    /// A time of day in the window's zone: `04:30 WIB`.
    #[must_use]
    pub fn shown(&self, time: Timestamp) -> String {
        format!("{} {}", self.zone.local(time).format("%H:%M"), self.zone)
    }
}

impl Eta {
    /// When the last call is made at the earliest.
    #[must_use]
    pub fn ends(&self, now: Timestamp) -> Timestamp {
        after(now, self.takes)
    }

    /// Why the run will not come to its end now: the window is closed, or closes too early. `None`: it may.
    #[must_use]
    pub fn trouble(&self, now: Timestamp) -> Option<String> {
        let hours = self.hours.filter(|_| self.calls > 0)?;
        let ends = self.ends(now);
        match hours.state {
            Opening::Closed => Some(format!(
                "the window is closed until {}: a run sends nothing now (exit code 4)",
                hours.shown(hours.until)
            )),
            Opening::Open if ends > hours.until => Some(format!(
                "the window closes {}, but the last call comes at about {}: the run stops when it closes (exit code 4); \
                 run it again in the next window to continue",
                hours.shown(hours.until),
                hours.shown(ends)
            )),
            Opening::Open => None,
        }
    }
}

/// One line: `398 calls, 80 s at 5/s, window closes 04:30 WIB`.
impl std::fmt::Display for Eta {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.calls == 0 {
            return out.write_str("no calls to make");
        }
        out.write_str(&counted(self.calls, "call"))?;
        match self.canaries {
            0 => {}
            1 => out.write_str(" (1 canary first)")?,
            canaries => write!(out, " ({canaries} canaries first)")?,
        }
        if self.elsewhere > 0 {
            write!(out, ", {} about what an earlier run left open", self.elsewhere)?;
        }
        if self.rate.is_empty() {
            out.write_str(", as fast as they are answered")?;
        } else {
            write!(out, ", {} at {}", spoken(self.takes), self.rate)?;
        }
        match self.hours {
            None => Ok(()),
            Some(hours) => {
                let change = if hours.state == Opening::Open { "closes" } else { "is closed until" };
                write!(out, ", window {change} {}", hours.shown(hours.until))
            }
        }
    }
}

/// A time as people say it: `80 s`, `12 min`, `3 h 20 min`.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    let minutes = seconds.div_ceil(60);
    match seconds {
        0 => "under 1 s".to_owned(),
        1..=119 => format!("{seconds} s"),
        120..=7199 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;

    fn limits(quotas: &[(u32, u64)], burst: u32) -> Limits {
        let quota = |(calls, seconds): &(u32, u64)| Quota {
            calls: NonZeroU32::new(*calls).unwrap(),
            per: Duration::from_secs(*seconds),
        };
        let rate = quotas.iter().map(quota).collect();
        Limits { rate, burst: NonZeroU32::new(burst).unwrap(), ..Limits::default() }
    }

    fn line(calls: u64, limits: &Limits, window: Option<(u16, u16)>, now: &str) -> (String, Option<String>) {
        let now = parse_instant(now).unwrap();
        let window = window.map(|(from, until)| Window { from, until, zone: Zone::WIB });
        let eta = super::calls(calls, limits, window.as_ref(), now);
        (eta.to_string(), eta.trouble(now))
    }

    const NIGHT: Option<(u16, u16)> = Some((45, 4 * 60 + 30));

    #[test]
    fn the_line_says_calls_time_rate_and_window() {
        let five = limits(&[(5, 1)], 1);
        let said = |calls, limits: &Limits, window, now| line(calls, limits, window, now).0;
        let now = "2026-11-21T18:00:00Z";
        assert_eq!(said(398, &five, NIGHT, now), "398 calls, 80 s at 5/s, window closes 04:30 WIB");
        assert_eq!(said(1, &five, None, now), "1 call, under 1 s at 5/s");
        assert_eq!(said(398, &limits(&[(5, 1), (90, 60)], 10), None, now), "398 calls, 5 min at 5/s and 90/m");
        assert_eq!(said(72_001, &five, None, now), "72001 calls, 4 h 0 min at 5/s");
        assert_eq!(said(398, &limits(&[], 1), None, now), "398 calls, as fast as they are answered");
        assert_eq!(said(0, &five, NIGHT, now), "no calls to make");
        assert_eq!(
            said(9, &five, NIGHT, "2026-11-21T10:00:00Z"),
            "9 calls, 2 s at 5/s, window is closed until 00:45 WIB"
        );
    }

    #[test]
    fn canaries_are_told_as_far_as_there_is_something_to_send() {
        let text = "job: a\noperation: cancel\nmerchant: {environment: simulator}\norders: {file: o.csv}\n\
                    guards: {max_orders: 5, max_total: 5}\ncanary: 3\n";
        let job = crate::job::parse("job.yaml", text).unwrap();
        let said = |to_send, open| {
            estimate(&job, to_send, open, 0, parse_instant("2026-11-22T08:00:00Z").unwrap()).to_string()
        };
        assert_eq!(said(397, 1), "398 calls (3 canaries first), 80 s at 5/s");
        assert_eq!(said(1, 1), "2 calls (1 canary first), 1 s at 5/s");
        assert_eq!(said(0, 2), "2 calls, 1 s at 5/s");
        let left = estimate(&job, 0, 0, 1, parse_instant("2026-11-22T08:00:00Z").unwrap());
        assert_eq!(left.to_string(), "1 call, 1 about what an earlier run left open, under 1 s at 5/s");
    }

    #[test]
    fn a_window_that_closes_too_early_is_told() {
        let five = limits(&[(5, 1)], 1);
        assert_eq!(line(398, &five, NIGHT, "2026-11-21T21:28:00Z").1, None);
        let late = line(398, &five, NIGHT, "2026-11-21T21:29:00Z").1.unwrap();
        assert!(late.starts_with("the window closes 04:30 WIB, but the last call comes at about 04:30 WIB"), "{late}");
        let closed = line(398, &five, NIGHT, "2026-11-21T21:30:00Z").1.unwrap();
        assert_eq!(closed, "the window is closed until 00:45 WIB: a run sends nothing now (exit code 4)");
        assert_eq!(line(0, &five, NIGHT, "2026-11-21T21:30:00Z").1, None);
    }

    #[test]
    fn a_window_over_midnight_changes_at_its_next_end() {
        let night = Window { from: 22 * 60, until: 60, zone: Zone::WIB };
        let at = |text: &str| parse_instant(text).unwrap();
        for (now, state, until) in [
            ("2026-11-22T14:59:59.5Z", Opening::Closed, "2026-11-22T15:00:00Z"),
            ("2026-11-22T15:00:00Z", Opening::Open, "2026-11-22T18:00:00Z"),
            ("2026-11-22T17:59:59Z", Opening::Open, "2026-11-22T18:00:00Z"),
            ("2026-11-22T18:00:00Z", Opening::Closed, "2026-11-23T15:00:00Z"),
        ] {
            let found = hours(night, at(now));
            assert_eq!((found.state, found.until), (state, at(until)), "{now}");
        }
    }
}
