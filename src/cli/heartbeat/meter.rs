//! Looks at the counters of a run from time to time: how fast it goes, and when it will be done.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chrono::Timelike as _;

use super::{Reading, millis};
use crate::job::settings::{Job, Quota, Window};
use crate::journal::lane::FULL;
use crate::model::language::Language;
use crate::model::money::Rupiah;
use crate::model::time::{Timestamp, Zone, after};
use crate::runner::progress::Progress;

/// The rate is that of so much time before now, and so is what the end follows from.
const LOOK_BACK: Duration = Duration::from_secs(20);

/// The end follows from so much time before now while the provider asks for waits, which are part of how it goes.
const LONG_LOOK_BACK: Duration = Duration::from_secs(5 * 60);

/// What does not change while a run lasts.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Terms {
    rate: Vec<Quota>,
    window: Option<Window>,
    language: Language,
}

impl Terms {
    pub(in crate::cli) fn of(job: &Job, language: Language) -> Self {
        Self { rate: job.limits.rate.clone(), window: job.window, language }
    }

    /// The quota that allows the fewest calls.
    fn tightest(&self) -> Option<Quota> {
        let spacing = |quota: &&Quota| quota.per / quota.calls.get();
        self.rate.iter().max_by_key(spacing).copied()
    }
}

/// Looks at the counters from time to time.
#[derive(Debug)]
pub(in crate::cli) struct Meter {
    terms: Terms,
    began: Duration,
    looks: VecDeque<Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Duration,
    requests: u64,
    ended: u64,
}

impl Meter {
    pub(in crate::cli) fn new(terms: Terms, now: Duration) -> Self {
        let looks = VecDeque::from([Look { at: now, requests: 0, ended: 0 }]);
        Self { terms, began: now, looks }
    }

    /// Looks at the counters.
    pub(in crate::cli) fn read(&mut self, progress: &Progress, steady: Duration, now: Timestamp) -> Reading {
        let count = |counter: &AtomicU64| Progress::get(counter);
        let look = Look { at: steady, requests: count(&progress.requests), ended: count(&progress.ended) };
        while self.looks.len() > 1 && steady.saturating_sub(self.looks[1].at) >= LONG_LOOK_BACK {
            self.looks.pop_front();
        }
        let recent = self.look_before(steady, LOOK_BACK);
        let (seen, waiting) = (progress.seen(), progress.waiting(steady));
        // The answer that asked for a wait, and what was waited for it, are no older than this.
        let was_held = seen.held_until.is_some_and(|until| steady.saturating_sub(until) < LONG_LOOK_BACK);
        let measured = if was_held { self.look_before(steady, LONG_LOOK_BACK) } else { recent };
        self.looks.push_back(look);
        let (orders, quota) = (count(&progress.orders), self.terms.tightest());
        let share = u64::from(seen.share.unwrap_or(FULL));
        let needs =
            needs(orders.saturating_sub(look.ended), (measured, look), waiting, quota.map(|quota| (quota, share)));
        Reading {
            language: self.terms.language,
            zone: self.terms.window.map_or(Zone::WIB, |window| window.zone),
            now,
            elapsed: steady.saturating_sub(self.began),
            orders,
            ended: look.ended,
            planned: Rupiah::new(count(&progress.planned)),
            done: Rupiah::new(count(&progress.rupiah)),
            requests: look.requests,
            throttles: count(&progress.throttles),
            in_doubt: progress.in_doubt(),
            tenths: tenths(recent, look, quota),
            quota,
            lowered: quota.filter(|_| seen.share.is_some()).map(|quota| u64::from(quota.calls.get()) * share / 100),
            done_at: needs.map(|needs| after(now, Duration::from_millis(needs))),
            closes_at: self.terms.window.map(|window| closes(window, now)),
            waiting,
            next: progress.next(steady),
        }
    }

    /// The last look that is at least so long ago, or the first of all.
    fn look_before(&self, steady: Duration, span: Duration) -> Look {
        let old = self.looks.partition_point(|look| steady.saturating_sub(look.at) >= span);
        self.looks[old.saturating_sub(1)]
    }
}

/// Milliseconds until what is left is done, as it went between two looks, and no sooner than the rate that is in force allows.
/// `None`: nobody can say.
fn needs(left: u64, (first, last): (Look, Look), waiting: Option<Duration>, rate: Option<(Quota, u64)>) -> Option<u64> {
    let (span, ended) = (millis(last.at.saturating_sub(first.at)), last.ended - first.ended);
    let at_the_rate = rate.map(|(quota, share)| {
        left.saturating_mul(millis(quota.per)).saturating_mul(u64::from(FULL))
            / u64::from(quota.calls.get()).saturating_mul(share)
    });
    let as_it_went = match ended {
        1.. => left.checked_mul(span).map(|all| all / ended),
        // Nothing was done yet, or everything waits: it will not go faster than the rate that is in force.
        0 if waiting.is_some() || span < millis(LOOK_BACK) / 4 => at_the_rate,
        // What is left waits for its next step, and nobody can say whether that will be its last.
        0 => None,
    };
    let needs = as_it_went.max(as_it_went.and(at_the_rate))?;
    Some(needs.saturating_add(waiting.map_or(0, millis)))
}

/// Tenths of calls in the time of a quota between two looks; in a second, if there is none.
fn tenths(first: Look, last: Look, quota: Option<Quota>) -> Option<u64> {
    let span = millis(last.at.saturating_sub(first.at));
    let per = quota.map_or(1000, |quota| millis(quota.per));
    let measured = |of: u64| of.checked_mul(per.saturating_mul(10)).and_then(|all| all.checked_div(span));
    // The first request of all comes at once: so many requests have one space fewer between them.
    let spaces = (last.requests - first.requests).saturating_sub(u64::from(first.requests == 0));
    let tenths = measured(spaces);
    // The time looked back on begins between two requests: one more than fits into it is no haste.
    let without_one = measured(spaces.saturating_sub(1));
    match quota.map(|quota| u64::from(quota.calls.get()) * 10) {
        Some(limit) if tenths > Some(limit) && without_one <= Some(limit) => Some(limit),
        Some(_) | None => tenths,
    }
}

/// When a window closes next.
fn closes(window: Window, now: Timestamp) -> Timestamp {
    let second = u64::from(window.zone.local(now).num_seconds_from_midnight());
    let until = u64::from(window.until) * 60;
    let left = if until > second { until - second } else { until + 24 * 3600 - second };
    after(now, Duration::from_secs(left))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::testing::{now, quota};
    use super::*;
    use crate::model::time::parse_instant;
    use crate::runner::pace::Seen;

    #[test]
    fn the_rate_is_that_of_late_and_the_end_follows_from_it() {
        let progress = Progress::default();
        let seconds = Duration::from_secs;
        let window = Window { from: 45, until: 4 * 60 + 30, zone: Zone::WIB };
        let terms = Terms { rate: vec![quota(5, 1), quota(90, 60)], window: Some(window), language: Language::English };
        let mut meter = Meter::new(terms, seconds(0));
        progress.orders.store(100, Ordering::Relaxed);
        let first = meter.read(&progress, seconds(0), now());
        assert_eq!((first.tenths, first.quota), (None, Some(quota(90, 60))));
        assert_eq!(first.done_at, Some(after(now(), Duration::from_millis(66_666))), "as fast as the limit allows");
        assert_eq!(first.closes_at, parse_instant("2026-11-22T21:30:00Z"));
        for second in 1..=60_u64 {
            let ended = if second <= 30 { second } else { 30 + (second - 30) / 2 };
            progress.ended.store(ended, Ordering::Relaxed);
            progress.requests.store(ended, Ordering::Relaxed);
            let late = meter.read(&progress, seconds(second), after(now(), seconds(second)));
            if second == 60 {
                assert_eq!(late.tenths, Some(300), "30 a minute over the last {LOOK_BACK:?}");
                assert_eq!(late.done_at, Some(after(now(), seconds(60 + 2 * 55))));
                assert_eq!(meter.looks.len(), 62, "none is old enough to go");
            }
        }
    }

    #[test]
    fn a_run_at_its_limit_is_not_told_to_be_above_it() {
        let (progress, terms) =
            (Progress::default(), Terms { rate: vec![quota(90, 60)], window: None, language: Language::English });
        let mut meter = Meter::new(terms, Duration::ZERO);
        // A request every two thirds of a second. The last look comes right after one, and looks back to right before one.
        for second in 1..=30_u64 {
            let at = 1000 * second + if second == 30 { 700 } else { 600 };
            progress.requests.store(at * 3 / 2000 + 1, Ordering::Relaxed);
            let told = meter.read(&progress, Duration::from_millis(at), now()).tenths;
            assert!(told <= Some(900), "{told:?} after {second} s");
        }
        progress.requests.store(200, Ordering::Relaxed);
        assert!(meter.read(&progress, Duration::from_secs(32), now()).tenths > Some(900), "what is too fast is told");
    }

    /// Fifty orders in ten seconds, then a wait of half a minute that the provider has asked for, and so on. What is said after
    /// so many seconds.
    fn held_again_and_again(seconds: u64) -> Reading {
        let progress = Progress::default();
        let mut meter =
            Meter::new(Terms { rate: vec![quota(5, 1)], window: None, language: Language::English }, Duration::ZERO);
        progress.orders.store(1000, Ordering::Relaxed);
        let mut told = meter.read(&progress, Duration::ZERO, now());
        for second in 1..=seconds {
            let (round, within) = (second / 40, second % 40);
            let ended = round * 50 + 5 * within.min(10);
            progress.ended.store(ended, Ordering::Relaxed);
            progress.requests.store(ended, Ordering::Relaxed);
            let held_until = (round > 0 || within >= 10)
                .then(|| Duration::from_secs(if within >= 10 { 40 * (round + 1) } else { 40 * round }));
            progress.show(&Seen { held_until, share: held_until.map(|_| 500), ..Seen::default() });
            told = meter.read(&progress, Duration::from_secs(second), after(now(), Duration::from_secs(second)));
        }
        told
    }

    #[test]
    fn while_the_provider_asks_for_waits_they_are_part_of_how_it_goes() {
        let left = |told: &Reading| told.done_at.unwrap().signed_duration_since(told.now).num_seconds();
        // 50 orders in 40 seconds: 700 that are left take some nine minutes, be it in a wait or between two.
        for seconds in [209, 210, 239] {
            let told = held_again_and_again(seconds);
            assert!((480..700).contains(&left(&told)), "{} after {seconds} s", left(&told));
            assert_eq!((told.lowered, told.quota), (Some(25), Some(quota(5, 1))));
        }
        // In the first wait nobody knows that there will be more, but the rate is known that is in force.
        let told = held_again_and_again(11);
        assert_eq!((told.waiting, left(&told)), (Some(Duration::from_secs(29)), 29 + 950 * 2 / 5));
    }

    #[test]
    fn what_was_waited_for_long_ago_is_no_measure_of_the_end() {
        let progress = Progress::default();
        let terms = Terms { rate: vec![quota(5, 1)], window: None, language: Language::English };
        let mut meter = Meter::new(terms, Duration::ZERO);
        progress.orders.store(10_000, Ordering::Relaxed);
        progress.show(&Seen { held_until: Some(Duration::from_secs(100)), ..Seen::default() });
        let mut told = None;
        for second in 0..=420_u64 {
            progress.ended.store(5 * second.saturating_sub(100), Ordering::Relaxed);
            let reading = meter.read(&progress, Duration::from_secs(second), now());
            told = Some((reading.done_at, meter.looks.len()));
        }
        assert_eq!(told, Some((Some(after(now(), Duration::from_secs((10_000 - 1600) / 5))), 301)));
    }

    #[test]
    fn while_nothing_ends_nobody_says_when_it_will_be_done() {
        let (progress, seconds) = (Progress::default(), Duration::from_secs);
        let mut meter =
            Meter::new(Terms { rate: vec![quota(5, 1)], window: None, language: Language::English }, seconds(0));
        progress.orders.store(1, Ordering::Relaxed);
        let done_at = |reading: Reading| reading.done_at;
        assert!(done_at(meter.read(&progress, seconds(1), now())).is_some());
        assert_eq!(done_at(meter.read(&progress, seconds(6), now())), None);
    }

    #[test]
    fn a_window_closes_at_its_next_end() {
        let window = |from, until| Window { from, until, zone: Zone::WIB };
        assert_eq!(closes(window(0, 120), now()), parse_instant("2026-11-22T19:00:00Z").unwrap());
        assert_eq!(closes(window(22 * 60, 60), now()), parse_instant("2026-11-23T18:00:00Z").unwrap());
    }
}
