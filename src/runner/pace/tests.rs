//! The pacer on a paused clock.

mod together;

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Granted, Pacer};
use crate::edge::clock::SystemClock;
use crate::job::settings::{Limits, Quota};
use crate::journal::past::{Past, PastCall, Said};
use crate::model::time::{Timestamp, parse_instant};
use crate::runner::clock::Clock as _;

const SECOND: Duration = Duration::from_secs(1);

fn limits(quotas: &[(u32, u64)], burst: u32) -> Limits {
    let quota = |(calls, seconds): &(u32, u64)| Quota {
        calls: NonZeroU32::new(*calls).unwrap(),
        per: Duration::from_secs(*seconds),
    };
    let rate = quotas.iter().map(quota).collect();
    Limits { rate, burst: NonZeroU32::new(burst).unwrap(), ..Limits::default() }
}

fn now() -> Timestamp {
    parse_instant("2026-11-22T08:00:00Z").unwrap()
}

/// The points in time, from now, at which the next `count` calls may be made; `pause` says what keeps us after each.
async fn paced(pacer: &mut Pacer<SystemClock>, count: usize, pause: impl Fn(usize) -> Duration) -> Vec<Duration> {
    let start = SystemClock.monotonic();
    let mut times = Vec::new();
    for number in 0..count {
        assert_eq!(pacer.ready(Duration::MAX).await, Granted::Now);
        times.push(SystemClock.monotonic().saturating_sub(start));
        tokio::time::advance(pause(number)).await;
    }
    times
}

async fn times(limits: &Limits, count: usize) -> Vec<Duration> {
    paced(&mut Pacer::new(limits, SystemClock), count, |_| Duration::ZERO).await
}

fn most_within(times: &[Duration], window: Duration) -> usize {
    let in_window = |first: &Duration| times.iter().filter(|time| **time >= *first && **time < *first + window).count();
    times.iter().map(in_window).max().unwrap_or_default()
}

/// A call of an earlier run, that many milliseconds ago, and what was said to it at once.
fn call(milliseconds_ago: i64, said: Said, retry_after: Option<u64>) -> PastCall {
    let sent_at = now() - chrono::Duration::milliseconds(milliseconds_ago);
    PastCall { sent_at, answered_at: Some(sent_at), said, retry_after: retry_after.map(Duration::from_secs) }
}

fn going_on(limits: &Limits, past: &Past) -> Pacer<SystemClock> {
    Pacer::new(limits, SystemClock).going_on(past, limits, Duration::from_secs(5), now())
}

#[tokio::test(start_paused = true)]
async fn no_window_holds_more_than_rate_and_burst() {
    for (rate, burst) in [(1, 1), (5, 1), (5, 3), (50, 1), (50, 10), (500, 1)] {
        let times = times(&limits(&[(rate, 1)], burst), 3 * rate as usize + 50).await;
        assert!(most_within(&times, SECOND) <= (rate + burst) as usize, "{rate}/s burst {burst}");
    }
}

#[tokio::test(start_paused = true)]
async fn several_quotas_hold_together() {
    let times = times(&limits(&[(10, 1), (90, 60)], 1), 100).await;
    assert!(most_within(&times, Duration::from_secs(60)) <= 91);
    assert!(times[99] >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn no_time_is_lost_to_timers_and_short_stalls() {
    // A timer of a whole millisecond, and now and then something that takes thirty.
    for (rate, count) in [(5, 60), (50, 600), (500, 6000)] {
        let mut pacer = Pacer::new(&limits(&[(rate, 1)], 1), SystemClock);
        let stall = |number| Duration::from_millis(if number % 97 == 96 { 30 } else { 0 });
        let times = paced(&mut pacer, count, stall).await;
        let allowed = (u128::from(rate) * times[count - 1].as_millis()) / 1000;
        let achieved = count as u128 * 1000 / allowed;
        assert!(achieved >= 985, "{rate}/s: {achieved} thousandths");
        assert!(most_within(&times, SECOND) <= rate as usize + 1, "{rate}/s: {}", most_within(&times, SECOND));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_is_kept_and_gives_back_in_between() {
    let mut pacer = Pacer::new(&limits(&[], 1), SystemClock);
    pacer.hold(Duration::from_secs(7));
    let start = SystemClock.monotonic();
    assert_eq!(pacer.ready(Duration::from_secs(3)).await, Granted::NotYet);
    assert_eq!(pacer.ready(Duration::from_secs(5)).await, Granted::Now);
    assert!(SystemClock.monotonic().saturating_sub(start) >= Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn after_a_throttle_the_rate_is_halved_and_climbs_back_slowly() {
    let mut pacer = Pacer::new(&limits(&[(10, 1)], 1), SystemClock);
    paced(&mut pacer, 5, |_| Duration::ZERO).await;
    // All that are throttled at once are one reason to slow down.
    (0..4).for_each(|_| pacer.hold(Duration::from_secs(2)));
    let slow = paced(&mut pacer, 21, |_| Duration::ZERO).await;
    assert!(slow[0] >= Duration::from_secs(2));
    let span = slow[20].saturating_sub(slow[0]);
    assert!(span >= Duration::from_secs(4) && span <= Duration::from_millis(4200), "{span:?}");
    assert_eq!(pacer.seen().lowest_share, Some(500));
    (0..1000).for_each(|_| pacer.climb());
    let fast = paced(&mut pacer, 101, |_| Duration::ZERO).await;
    assert!(most_within(&fast, SECOND) <= 11);
    assert!(fast[100] <= Duration::from_millis(10_250), "{:?}", fast[100]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_gives_no_fresh_burst() {
    let limits = limits(&[(5, 1), (20, 60)], 4);
    let calls: Vec<PastCall> = (0..10).map(|number| call(3000 - number * 300, Said::Well, None)).collect();
    let past = Past { calls, ..Past::default() };
    let before: Vec<Duration> = (0..10).map(|number| Duration::from_millis(300 * number)).collect();
    let after = paced(&mut going_on(&limits, &past), 30, |_| Duration::ZERO).await;
    let all: Vec<Duration> =
        before.into_iter().chain(after.into_iter().map(|time| time + Duration::from_secs(3))).collect();
    assert!(most_within(&all, SECOND) <= 9, "{all:?}");
    assert!(most_within(&all, Duration::from_secs(60)) <= 24, "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_in_the_future_counts_as_sent_now() {
    let limits = limits(&[(5, 1)], 5);
    let past = Past { calls: vec![call(-200_000, Said::Well, None); 5], ..Past::default() };
    let times = paced(&mut going_on(&limits, &past), 1, |_| Duration::ZERO).await;
    assert!(times[0] >= Duration::from_millis(200), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_may_have_asked_for_more_than_the_journal_knows() {
    let limits = Limits { concurrency: NonZeroU32::new(4).unwrap(), ..limits(&[(5, 1)], 4) };
    let past = Past { was_cut_off: true, ..Past::default() };
    let times = paced(&mut going_on(&limits, &past), 8, |_| Duration::ZERO).await;
    assert!(times[0] >= Duration::from_millis(200), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_force_survives_a_restart_and_so_does_the_lower_rate() {
    let limits = limits(&[(5, 1)], 1);
    let throttled = call(4000, Said::TooMany, Some(10));
    let past = Past { calls: vec![call(5000, Said::Well, None), throttled], ..Past::default() };
    let mut pacer = going_on(&limits, &past);
    let times = paced(&mut pacer, 11, |_| Duration::ZERO).await;
    assert!(times[0] >= Duration::from_secs(6) && times[0] < Duration::from_secs(7), "{times:?}");
    assert!(times[10].saturating_sub(times[0]) >= Duration::from_secs(4), "half of 5/s: {times:?}");
    assert_eq!(pacer.seen().lowest_share, Some(500));
    let without = Past { calls: vec![call(1000, Said::TooMany, None)], ..Past::default() };
    let times = paced(&mut going_on(&limits, &without), 1, |_| Duration::ZERO).await;
    assert!(times[0] >= Duration::from_secs(4), "a 429 without a Retry-After waits for the backoff: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_holds_nobody_back() {
    let past = Past { calls: vec![call(60_000, Said::TooMany, Some(10))], ..Past::default() };
    let times = paced(&mut going_on(&limits(&[(5, 1)], 1), &past), 1, |_| Duration::ZERO).await;
    assert_eq!(times, [Duration::ZERO]);
}
