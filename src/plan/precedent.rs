//! Guards that compare a plan with what the journal remembers: growth, the same input again, caps per business day.

use super::guard::{Reading, Verdict, at_most};
use super::phrase::Phrase;
use crate::job::settings::{DuplicateInput, FEWEST_RUNS, Growth, Guards};
use crate::journal::history::{DayCaps, History, SameInput};
use crate::model::money::{Rupiah, Tally};

fn rupiah(whole: u64) -> Phrase {
    Phrase::Rupiah(Rupiah::new(whole))
}

/// The caps of a job, as the journal holds every intent to them.
#[must_use]
pub fn caps(guards: &Guards) -> DayCaps {
    DayCaps { orders: guards.max_orders_per_day, rupiah: guards.max_total_per_day.map(Rupiah::whole) }
}

/// The readings of all guards of the job that look back.
pub(super) fn read(guards: &Guards, history: &History, send: Tally) -> Vec<Reading> {
    let mut readings = guards.max_growth.map(|limit| growth(limit, &history.runs, send)).unwrap_or_default();
    readings.extend(per_day(guards, history, send));
    readings.extend(duplicate(guards.duplicate_input, history.same_input.as_ref()));
    readings
}

/// A plan against the largest of the last runs. The largest, not the median: runs that go on with what another left are
/// small, and a weekly peak is no error; the guard is for the file that is out of all proportion.
fn growth(limit: Growth, runs: &[Tally], send: Tally) -> Vec<Reading> {
    let (factor, seen) = (limit.factor, runs.len());
    if seen < FEWEST_RUNS {
        return vec![Reading {
            guard: "max_growth",
            limit: Phrase::TimesLargest(factor.to_string()),
            found: Phrase::Both(send),
            headroom: Phrase::TooFewRuns(seen, FEWEST_RUNS),
            verdict: Verdict::Holds,
        }];
    }
    let most_orders = runs.iter().map(|run| run.count).max().unwrap_or_default();
    let most_rupiah = runs.iter().map(|run| run.rupiah).max().unwrap_or(Rupiah::ZERO);
    let orders = at_most("max_growth.orders", factor.times(most_orders), send.count, Phrase::Orders);
    let most = factor.times_rupiah(most_rupiah).whole();
    let total = at_most("max_growth.total", most, send.rupiah.whole(), rupiah);
    let with_limit =
        |reading: Reading, most: Phrase| Reading { limit: Phrase::Times(factor.to_string(), most.into()), ..reading };
    vec![with_limit(orders, Phrase::Orders(most_orders)), with_limit(total, Phrase::Rupiah(most_rupiah))]
}

/// What the day has and the plan would add. A plan that sends nothing breaks no cap: it may still settle what is open.
fn per_day(guards: &Guards, history: &History, send: Tally) -> Vec<Reading> {
    let (date, today) = (&history.date, history.today);
    let orders = guards.max_orders_per_day.map(|most| {
        let reading = at_most("max_orders_per_day", most, today.count.saturating_add(send.count), Phrase::Orders);
        Reading { found: Phrase::WithBefore(reading.found.into(), Phrase::Number(today.count).into()), ..reading }
    });
    let total = guards.max_total_per_day.map(|most| {
        let planned = today.rupiah.whole().saturating_add(send.rupiah.whole());
        let reading = at_most("max_total_per_day", most.whole(), planned, rupiah);
        Reading { found: Phrase::WithBefore(reading.found.into(), Phrase::Rupiah(today.rupiah).into()), ..reading }
    });
    let of_the_day = |reading: Reading| Reading {
        limit: Phrase::OnDay(reading.limit.into(), date.clone()),
        verdict: if send.count == 0 { Verdict::Holds } else { reading.verdict },
        ..reading
    };
    orders.into_iter().chain(total).map(of_the_day).collect()
}

/// The same input is refused only if a run has done with it: one that left something open is continued with it.
fn duplicate(limit: DuplicateInput, same: Option<&SameInput>) -> Option<Reading> {
    let (found, headroom, again) = match same {
        None => (Phrase::NewInput, Phrase::NoRunHadIt, false),
        Some(SameInput { run, open, .. }) if *open > 0 => {
            (Phrase::InputOf(run.clone()), Phrase::Continued(*open), false)
        }
        Some(SameInput { run, finished_at, .. }) => (Phrase::InputOf(run.clone()), Phrase::DoneAt(*finished_at), true),
    };
    let (limit, verdict) = match limit {
        DuplicateInput::Refuse if again => (Phrase::NewInput, Verdict::Broken),
        DuplicateInput::Refuse => (Phrase::NewInput, Verdict::Holds),
        DuplicateInput::Warn => (Phrase::NewInputOrWarning, Verdict::Holds),
        DuplicateInput::Allow => return None,
    };
    Some(Reading { guard: "duplicate_input", limit, found, headroom, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::settings::Factor;
    use crate::model::ids::RunId;
    use crate::model::time::parse_instant;

    fn tally(count: u64, rupiah: u64) -> Tally {
        Tally { count, rupiah: Rupiah::new(rupiah) }
    }

    fn told(readings: &[Reading]) -> Vec<String> {
        let text = |reading: &Reading| {
            let Reading { guard, limit, found, headroom, verdict } = reading;
            format!("{guard}: {limit}; {found}; {headroom}; {verdict:?}")
        };
        readings.iter().map(text).collect()
    }

    #[test]
    fn growth_counts_from_three_runs_on_and_goes_by_the_largest() {
        let limit = Growth { runs: 7, factor: Factor::parse("1.5").unwrap() };
        let runs = [tally(10, 900), tally(100, 5_000), tally(3, 30_001)];
        assert_eq!(
            told(&growth(limit, &runs[..2], tally(400, 1))),
            ["max_growth: 1.5 x the largest run; 400 orders, Rp 1; too few runs to compare (2 of 3); Holds"]
        );
        assert_eq!(
            told(&growth(limit, &runs, tally(150, 45_002))),
            [
                "max_growth.orders: 1.5 x 100 orders; 150 orders; 0 orders left; Holds",
                "max_growth.total: 1.5 x Rp 30.001; Rp 45.002; Rp 1 too many; Broken"
            ]
        );
        assert_eq!(growth(limit, &runs, tally(151, 1))[0].verdict, Verdict::Broken);
    }

    #[test]
    fn a_day_is_filled_by_what_was_sent_before_and_what_is_planned() {
        let guards = Guards {
            max_orders_per_day: Some(10),
            max_total_per_day: Some(Rupiah::new(1_000)),
            ..Guards::new(99, Rupiah::new(99))
        };
        let day = |today| History { date: "2026-11-22".into(), today, ..History::default() };
        assert_eq!(
            told(&per_day(&guards, &day(tally(8, 900)), tally(2, 101))),
            [
                "max_orders_per_day: 10 orders on 2026-11-22; 10 orders (8 before); 0 orders left; Holds",
                "max_total_per_day: Rp 1.000 on 2026-11-22; Rp 1.001 (Rp 900 before); Rp 1 too many; Broken"
            ]
        );
        let full = per_day(&guards, &day(tally(11, 2_000)), tally(0, 0));
        assert!(full.iter().all(Reading::holds), "what is open is settled, however full the day is");
    }

    #[test]
    fn an_input_that_is_done_is_refused_and_one_that_is_not_is_continued() {
        let same = |open| SameInput {
            run: RunId::new("20261122-150000-0001").unwrap(),
            finished_at: parse_instant("2026-11-22T08:35:12Z").unwrap(),
            open,
        };
        let reading =
            |limit, same: Option<SameInput>| told(&duplicate(limit, same.as_ref()).into_iter().collect::<Vec<_>>());
        let cases = [
            (DuplicateInput::Refuse, None, "duplicate_input: a new input; a new input; no finished run had it; Holds"),
            (
                DuplicateInput::Refuse,
                Some(same(2)),
                "duplicate_input: a new input; the input of run 20261122-150000-0001; continued: 2 rows left open; Holds",
            ),
            (
                DuplicateInput::Refuse,
                Some(same(0)),
                "duplicate_input: a new input; the input of run 20261122-150000-0001; done at 2026-11-22 15:35:12 WIB; Broken",
            ),
            (
                DuplicateInput::Warn,
                Some(same(0)),
                "duplicate_input: a new input, or a warning; the input of run 20261122-150000-0001; done at 2026-11-22 15:35:12 WIB; Holds",
            ),
        ];
        for (limit, same, expected) in cases {
            assert_eq!(reading(limit, same), [expected]);
        }
        assert_eq!(duplicate(DuplicateInput::Allow, Some(&same(0))), None);
    }
}
