//! What a run says about itself while it lasts: two lines on a terminal, one line every half minute elsewhere.
//!
//! A [`Meter`] looks at the counters again and again; a [`Reading`] is what it makes of them, and is written in both forms.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chrono::{NaiveDateTime, Timelike as _};
use serde_json::Value;

use crate::job::settings::{Job, Quota, Window};
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{Timestamp, Zone, after};
use crate::report::words::progress::Words;
use crate::runner::progress::Progress;

/// The lines on a terminal are no wider than this.
const WIDTH: usize = 80;

/// The space before the bar and behind it.
const AROUND_THE_BAR: usize = 4;

/// What the bar needs at least to be worth a look, with the space around it.
#[cfg(test)]
const BESIDE_THE_BAR: usize = 14;

/// The rate is that of so much time before now.
const LOOK_BACK: Duration = Duration::from_secs(20);

/// What does not change while a run lasts.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    rate: Vec<Quota>,
    window: Option<Window>,
    language: Language,
}

impl Terms {
    pub(super) fn of(job: &Job, language: Language) -> Self {
        Self { rate: job.limits.rate.clone(), window: job.window, language }
    }

    /// The quota that allows the fewest calls.
    fn tightest(&self) -> Option<Quota> {
        let spacing = |quota: &&Quota| quota.per / quota.calls.get();
        self.rate.iter().max_by_key(spacing).copied()
    }
}

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

/// Looks at the counters from time to time.
#[derive(Debug)]
pub(super) struct Meter {
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
    quota: Option<Quota>,
    /// When it will be done, as it goes now.
    done_at: Option<Timestamp>,
    /// When the window closes.
    closes_at: Option<Timestamp>,
    /// How much longer the provider wants us to wait.
    waiting: Option<Duration>,
    /// The call that comes next, and how much longer it is waited for.
    next: Option<(&'static str, Duration)>,
}

impl Meter {
    pub(super) fn new(terms: Terms, now: Duration) -> Self {
        let looks = VecDeque::from([Look { at: now, requests: 0, ended: 0 }]);
        Self { terms, began: now, looks }
    }

    /// Looks at the counters.
    pub(super) fn read(&mut self, progress: &Progress, steady: Duration, now: Timestamp) -> Reading {
        let count = |counter: &AtomicU64| Progress::get(counter);
        let look = Look { at: steady, requests: count(&progress.requests), ended: count(&progress.ended) };
        while self.looks.len() > 1 && steady.saturating_sub(self.looks[1].at) >= LOOK_BACK {
            self.looks.pop_front();
        }
        let first = self.looks[0];
        let span = millis(steady.saturating_sub(first.at));
        self.looks.push_back(look);
        let (orders, waiting) = (count(&progress.orders), progress.waiting(steady));
        let quota = self.terms.tightest();
        let left = orders.saturating_sub(look.ended);
        let measured = |of: u64, scale: u64| if span == 0 { None } else { of.checked_mul(scale).map(|all| all / span) };
        let per = quota.map_or(1000, |quota| millis(quota.per));
        // The first request of all comes at once: so many requests have one space fewer between them.
        let spaces = (look.requests - first.requests).saturating_sub(u64::from(first.requests == 0));
        let tenths = measured(spaces, per.saturating_mul(10));
        // The time looked back on begins between two requests: one more than fits into it is no haste.
        let without_one = measured(spaces.saturating_sub(1), per.saturating_mul(10));
        let tenths = match quota.map(|quota| u64::from(quota.calls.get()) * 10) {
            Some(limit) if tenths > Some(limit) && without_one <= Some(limit) => Some(limit),
            Some(_) | None => tenths,
        };
        let recent = look.ended - first.ended;
        let at_quota = quota.map(|quota| left.saturating_mul(millis(quota.per)) / u64::from(quota.calls.get()));
        let needs = match (waiting, recent) {
            (None, 1..) => left.checked_mul(span).map(|all| all / recent),
            (Some(waiting), _) => at_quota.map(|needs| needs + millis(waiting)),
            (None, 0) if span < millis(LOOK_BACK) / 4 => at_quota,
            // What is left waits for its next step, and nobody can say whether that will be its last.
            (None, 0) => None,
        };
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
            tenths,
            quota,
            done_at: needs.map(|needs| after(now, Duration::from_millis(needs))),
            closes_at: self.terms.window.map(|window| closes(window, now)),
            waiting,
            next: progress.next(steady),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// When a window closes next.
fn closes(window: Window, now: Timestamp) -> Timestamp {
    let second = u64::from(window.zone.local(now).num_seconds_from_midnight());
    let until = u64::from(window.until) * 60;
    let left = if until > second { until - second } else { until + 24 * 3600 - second };
    after(now, Duration::from_secs(left))
}

impl Reading {
    /// What stands beside the bar, and the line below: no wider than the terminal, and at most 80 columns. What matters least
    /// is left out first.
    pub(super) fn lines(&self, columns: usize) -> [String; 2] {
        let columns = columns.min(WIDTH);
        let words = self.words();
        let orders = (words.orders)(self.ended, self.orders);
        let counts =
            [format!("{orders}  {} {} {}", self.done, words.of, self.planned), orders, format!("{}", self.ended)];
        let counts = counts.into_iter().find(|text| text.chars().count() + AROUND_THE_BAR <= columns);
        // The first has to stay, and the last goes first. They are shown in the order of their numbers.
        let parts = [
            (0, self.waiting.map(|left| (words.waiting)(&clock(left))).or_else(|| self.coming())),
            (
                3,
                (self.in_doubt.count > 0)
                    .then(|| (words.in_doubt)(self.in_doubt.count, &self.in_doubt.rupiah.to_string())),
            ),
            (2, self.closing()),
            (1, self.pace()),
        ];
        let mut kept: Vec<(u8, String)> = Vec::new();
        let mut width = 0;
        for (place, text) in parts {
            let Some(text) = text else { continue };
            let needed = text.chars().count() + 2;
            if width + needed <= columns {
                width += needed;
                kept.push((place, text));
            }
        }
        kept.sort_by_key(|(place, _)| *place);
        let second: Vec<String> = kept.into_iter().map(|(_, text)| text).collect();
        [counts.unwrap_or_default(), format!("  {}", second.join("  "))]
    }

    /// A bar over the columns that what stands beside it leaves.
    pub(super) fn bar(&self, columns: usize, beside: &str) -> String {
        let width = columns.saturating_sub(AROUND_THE_BAR + beside.chars().count());
        let ended = self.ended.saturating_mul(width as u64).checked_div(self.orders).unwrap_or_default();
        let ended = usize::try_from(ended).map_or(width, |ended| ended.min(width));
        format!("  {}{}  {beside}", "█".repeat(ended), "░".repeat(width - ended))
    }

    /// Whether it will not be done when the window closes.
    pub(super) fn is_late(&self) -> bool {
        self.done_at.zip(self.closes_at).is_some_and(|(done, closes)| done > closes)
    }

    /// `next inquiry in 00:42`
    fn coming(&self) -> Option<String> {
        self.next.map(|(call, left)| (self.words().coming)(call, &clock(left)))
    }

    /// `done 02:14 WIB, window closes 04:30`
    fn closing(&self) -> Option<String> {
        // While everything waits, the wait says enough about when it will be done.
        let words = self.words();
        let done = self.done_at.filter(|_| self.waiting.is_none());
        let done = done.map(|at| (words.done)(&format!("{} {}", self.time(at), self.zone)));
        let closes = self.closes_at.map(|at| (words.closes)(&self.time(at)));
        match (done, closes) {
            (Some(done), Some(closes)) => Some(format!("{done}, {closes}")),
            (done, closes) => done.or(closes),
        }
    }

    /// `4.9/s of 5/s`
    fn pace(&self) -> Option<String> {
        let words = self.words();
        let rate = self.rate(words)?;
        Some(self.limit(words).map_or_else(|| rate.clone(), |limit| format!("{rate} {} {limit}", words.of)))
    }

    /// `4.9/s`
    fn rate(&self, words: &Words) -> Option<String> {
        self.tenths.map(|tenths| format!("{}{}{}{}", tenths / 10, words.point, tenths % 10, self.unit(words)))
    }

    /// `5/s`
    fn limit(&self, words: &Words) -> Option<String> {
        self.quota.map(|quota| format!("{}{}", quota.calls, self.unit(words)))
    }

    /// `/s`, `/m` or `/h`, as the limit has it.
    fn unit(&self, words: &Words) -> &'static str {
        let [second, minute, hour] = words.per;
        match self.quota.map(|quota| quota.per.as_secs()) {
            Some(60) => minute,
            Some(3600) => hour,
            Some(_) | None => second,
        }
    }

    /// The time of day; with the day, if it is not today.
    fn time(&self, at: Timestamp) -> String {
        let local = |time| -> NaiveDateTime { self.zone.local(time) };
        let [today, another_day] = self.words().times;
        let form = if local(at).date() == local(self.now).date() { today } else { another_day };
        local(at).format(form).to_string()
    }

    /// All of it, for machines.
    pub(super) fn fields(&self, phase: Phase) -> Value {
        let english = Words::of(Language::English);
        let time = |at: Option<Timestamp>| at.map(|at| self.zone.local(at).format("%Y-%m-%dT%H:%M").to_string());
        serde_json::json!({
            "phase": phase.word(), "elapsed_seconds": self.elapsed.as_secs(), "orders": self.orders, "ended": self.ended,
            "rupiah": self.planned, "rupiah_ended": self.done, "requests": self.requests, "throttles": self.throttles,
            "rate": self.rate(english), "limit": self.limit(english), "in_doubt": self.in_doubt, "done_at": time(self.done_at),
            "window_closes_at": time(self.closes_at), "zone": self.zone.to_string(),
            "waiting_seconds": self.waiting.map(|left| left.as_secs()),
            "next": self.next.map(|(call, _)| call), "next_seconds": self.next.map(|(_, left)| left.as_secs()),
        })
    }

    /// One line: `progress running: job=refund-nightly orders=120/398 rupiah=17840000/58910000 rate=4.9/s …`
    pub(super) fn line(&self, phase: Phase, job: Option<&str>, run: Option<&str>) -> String {
        let words = self.words();
        let time = |at: Timestamp| format!("\"{} {}\"", self.time(at), self.zone);
        let no_rate = || format!("0{}0{}", words.point, self.unit(words));
        let next = |(call, left): (&str, Duration)| match self.language {
            Language::English => format!("\"{call} in {}s\"", left.as_secs()),
            Language::Indonesian => format!("\"{}\"", (words.coming)(call, &format!("{} dtk", left.as_secs()))),
        };
        let parts = [
            job.map(str::to_owned),
            run.map(str::to_owned),
            Some(format!("{}/{}", self.ended, self.orders)),
            Some(format!("{}/{}", self.done.whole(), self.planned.whole())),
            Some(self.rate(words).unwrap_or_else(no_rate)),
            self.limit(words),
            Some(self.requests.to_string()),
            Some(self.throttles.to_string()),
            Some(self.in_doubt.count.to_string()),
            Some(self.in_doubt.rupiah.whole().to_string()),
            self.waiting.map(|left| format!("{}s", left.as_secs())),
            self.next.map(next),
            self.done_at.filter(|_| self.ended < self.orders).map(time),
            self.closes_at.map(time),
            Some(format!("{}s", self.elapsed.as_secs())),
        ];
        let parts = words.names.into_iter().zip(parts).filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let [begins, running, ends] = words.phases;
        let phase = match phase {
            Phase::Begins => begins,
            Phase::Running => running,
            Phase::Ends => ends,
        };
        format!("{phase}: {}", parts.collect::<Vec<String>>().join(" "))
    }

    fn words(&self) -> &'static Words {
        Words::of(self.language)
    }
}

/// `00:42`, in minutes and seconds.
fn clock(span: Duration) -> String {
    // A wait that has begun its last second is not over.
    let seconds = millis(span).div_ceil(1000);
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;
    use std::num::NonZeroU32;
    use std::sync::atomic::Ordering;

    fn quota(calls: u32, seconds: u64) -> Quota {
        Quota { calls: NonZeroU32::new(calls).unwrap(), per: Duration::from_secs(seconds) }
    }

    /// 01:30 in Jakarta.
    fn now() -> Timestamp {
        parse_instant("2026-11-22T18:30:00Z").unwrap()
    }

    fn reading() -> Reading {
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
            done_at: Some(parse_instant("2026-11-22T19:14:00Z").unwrap()),
            closes_at: Some(parse_instant("2026-11-22T21:30:00Z").unwrap()),
            waiting: None,
            next: None,
        }
    }

    #[test]
    fn two_lines_say_how_far_how_fast_and_until_when() {
        assert_eq!(
            reading().lines(WIDTH),
            ["120/398 orders  Rp 17.840.000 of Rp 58.910.000", "  4.9/s of 5/s  done 02:14 WIB, window closes 04:30"]
        );
        let doubtful = Reading { in_doubt: Tally { count: 3, rupiah: Rupiah::new(1_250_000) }, ..reading() };
        assert_eq!(
            doubtful.lines(WIDTH)[1],
            "  4.9/s of 5/s  done 02:14 WIB, window closes 04:30  in doubt 3, Rp 1.250.000"
        );
        let waiting = Reading { waiting: Some(Duration::from_millis(41_200)), ..doubtful };
        assert_eq!(
            waiting.lines(WIDTH)[1],
            "  waiting 00:42 because of Retry-After  4.9/s of 5/s  in doubt 3, Rp 1.250.000"
                .replace("  window closes 04:30", "  4.9/s of 5/s")
        );
    }

    #[test]
    fn in_bahasa_indonesia_no_english_word_is_left_but_that_of_the_header() {
        let in_doubt = Tally { count: 3, rupiah: Rupiah::new(1_250_000) };
        let reading = Reading { language: Language::Indonesian, ..reading() };
        let expected = [
            "120/398 pesanan  Rp 17.840.000 dari Rp 58.910.000",
            "  4,9/dtk dari 5/dtk  selesai 02.14 WIB, jam kirim s.d. 04.30",
        ];
        assert_eq!(reading.lines(WIDTH), expected);
        let reading = Reading { in_doubt, ..reading };
        let waits = Reading { waiting: Some(Duration::from_secs(42)), ..reading.clone() };
        let expected = "  menunggu 00:42 karena Retry-After  belum pasti 3, Rp 1.250.000";
        assert_eq!(waits.lines(WIDTH)[1], expected);
        assert_eq!(
            reading.line(Phase::Running, Some("refund-nightly"), None),
            "kemajuan: job=refund-nightly pesanan=120/398 rupiah=17840000/58910000 laju=4,9/dtk batas_laju=5/dtk \
             permintaan=131 dibatasi=2 belum_pasti=3 belum_pasti_rupiah=1250000 selesai_pukul=\"02.14 WIB\" \
             jam_kirim_sampai=\"04.30 WIB\" lama=30s"
        );
        assert_eq!(reading.fields(Phase::Running)["rate"], "4.9/s", "machines read English");
    }

    #[test]
    fn a_wait_says_what_for_and_until_when() {
        let settling = Reading { next: Some(("inquiry", Duration::from_secs(42))), ..reading() };
        assert!(settling.lines(WIDTH)[1].starts_with("  next inquiry in 00:42  "), "{:?}", settling.lines(WIDTH));
        assert!(settling.line(Phase::Running, None, None).contains(" next=\"inquiry in 42s\" "));
        assert_eq!(settling.fields(Phase::Running)["next_seconds"], 42);
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_and_the_wait_stays_on_it() {
        let (large, many) = (Rupiah::new(999_999_999_999), 1_000_000);
        let in_doubt = Tally { count: many, rupiah: large };
        let day = Some(parse_instant("2026-11-24T19:14:00Z").unwrap());
        for waiting in [None, Some(Duration::from_secs(899))] {
            for in_doubt in [Tally::default(), in_doubt] {
                let reading = Reading {
                    orders: many,
                    ended: many,
                    planned: large,
                    done: large,
                    tenths: Some(99_999),
                    done_at: day,
                    closes_at: day,
                    waiting,
                    in_doubt,
                    quota: Some(quota(300_000, 3600)),
                    ..reading()
                };
                let lines = reading.lines(WIDTH);
                let width = |line: &String| line.chars().count();
                assert!(width(&lines[0]) + BESIDE_THE_BAR <= WIDTH && width(&lines[1]) <= WIDTH, "{lines:#?}");
                assert_eq!(lines[1].contains("waiting 14:59 because of Retry-After"), waiting.is_some());
            }
        }
    }

    #[test]
    fn on_a_narrow_terminal_what_matters_least_is_left_out() {
        let widest = |columns: usize| {
            let [first, second] = reading().lines(columns);
            assert!(first.chars().count() + AROUND_THE_BAR <= columns && second.chars().count() <= columns);
            [first, second]
        };
        assert_eq!(widest(40), ["120/398 orders", "  done 02:14 WIB, window closes 04:30"]);
        assert_eq!(widest(10), ["120", "  "]);
        assert_eq!(reading().bar(20, "120/398"), "  ██░░░░░░░  120/398");
        assert_eq!(reading().bar(8, "120/398"), "    120/398");
    }

    #[test]
    fn a_heartbeat_says_the_same_in_one_line() {
        assert_eq!(
            reading().line(Phase::Running, Some("refund-nightly"), Some("20261123-013000-0001")),
            "progress running: job=refund-nightly run=20261123-013000-0001 orders=120/398 rupiah=17840000/58910000 \
             rate=4.9/s limit=5/s requests=131 throttles=2 in_doubt=0 in_doubt_rupiah=0 done_at=\"02:14 WIB\" \
             window_closes=\"04:30 WIB\" elapsed=30s"
        );
        let fields = reading().fields(Phase::Running);
        assert_eq!((&fields["ended"], &fields["done_at"]), (&120.into(), &"2026-11-23T02:14".into()));
    }

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
                assert_eq!(meter.looks.len(), 21);
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
    fn a_run_that_outlasts_its_window_is_late() {
        assert!(!reading().is_late());
        assert!(Reading { done_at: Some(after(now(), Duration::from_secs(4 * 3600))), ..reading() }.is_late());
        assert!(!Reading { closes_at: None, ..reading() }.is_late());
    }

    #[test]
    fn a_window_closes_at_its_next_end() {
        let window = |from, until| Window { from, until, zone: Zone::WIB };
        assert_eq!(closes(window(0, 120), now()), parse_instant("2026-11-22T19:00:00Z").unwrap());
        assert_eq!(closes(window(22 * 60, 60), now()), parse_instant("2026-11-23T18:00:00Z").unwrap());
    }
}
