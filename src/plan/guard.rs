//! Guards: limits that a plan must satisfy before anything is sent, each with its headroom.
//!
//! A file guard that is broken refuses the plan. A row guard holds single rows back and never refuses (`DESIGN` 11.5).

use serde::Serialize;

use super::disposition::HeldBy;
use super::input::Input;
use super::phrase::Phrase;
use crate::job::settings::{Control, Guards};
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;

/// A guard compared with the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The guard's key in the job file.
    pub guard: &'static str,
    /// What the job allows.
    pub limit: Phrase,
    /// What the plan has.
    pub found: Phrase,
    /// What is left, or by how much it is exceeded, or how many rows it holds.
    pub headroom: Phrase,
    /// Whether the plan satisfies it; row guards always do.
    pub verdict: Verdict,
}

/// What follows from a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The plan may run.
    Holds,
    /// The plan is refused.
    Broken,
}

impl Reading {
    /// Whether the plan may run as far as this guard goes.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.verdict == Verdict::Holds
    }

    /// The key under `guards`, or `control`: what is before the dot.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.guard.split_once('.').map_or(self.guard, |(key, _)| key)
    }
}

/// Files with fewer rows have no meaningful share (`DESIGN` 4, `max_share`).
const FEWEST_ROWS_FOR_SHARE: u64 = 40;

/// The file itself as the limit: the guards of a rehearsal that names none.
#[must_use]
pub fn whole_file(input: &Input) -> Guards {
    let all = input.tally();
    Guards::new(all.count.max(1), all.rupiah)
}

/// What guards are compared with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// All rows.
    pub(super) rows: Tally,
    /// The orders to be sent.
    pub(super) send: Tally,
    /// The orders that each of [`HeldBy::ALL`] holds.
    pub(super) held: [Tally; HeldBy::ALL.len()],
    /// Orders that notifications speak of.
    pub(super) notified: usize,
}

/// Reads all guards of the job; `precedents` are those that look back.
pub(super) fn read(
    guards: &Guards,
    (operation, control): (Operation, Option<Control>),
    sums: &Sums,
    precedents: Vec<Reading>,
) -> Vec<Reading> {
    let Sums { rows, send, held, notified } = *sums;
    let mut readings = vec![
        at_most("max_orders", guards.max_orders, send.count, Phrase::Orders),
        at_most("max_total", guards.max_total.whole(), send.rupiah.whole(), rupiah),
    ];
    let count = rows.count;
    if let Some(percent) = guards.max_share {
        let allowed = if count < FEWEST_ROWS_FOR_SHARE { count } else { count * u64::from(percent) / 100 };
        let limit = if count < FEWEST_ROWS_FOR_SHARE {
            Phrase::ShareFrom(percent, FEWEST_ROWS_FOR_SHARE)
        } else {
            Phrase::Share(percent, count)
        };
        let mut reading = at_most("max_share", allowed, send.count, Phrase::Orders);
        if count < FEWEST_ROWS_FOR_SHARE {
            reading.headroom = Phrase::TooFewRows;
        }
        readings.push(Reading { limit, ..reading });
    }
    readings.extend(precedents);
    readings.extend(self::control(control, rows));
    let held = HeldBy::ALL.into_iter().zip(held);
    readings.extend(held.filter_map(|(by, held)| holding(guards, operation, by, held, notified)));
    readings
}

fn rupiah(whole: u64) -> Phrase {
    Phrase::Rupiah(Rupiah::new(whole))
}

pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What the file must add up to, compared with what it does.
#[must_use]
pub fn control(control: Option<Control>, all: Tally) -> Vec<Reading> {
    let control = control.unwrap_or(Control { rows: None, amount: None });
    let rows = control.rows.map(|expected| exactly("control.rows", expected, all.count, Phrase::Rows));
    let amount = control.amount.map(|expected| exactly("control.amount", expected.whole(), all.rupiah.whole(), rupiah));
    rows.into_iter().chain(amount).collect()
}

pub(super) fn at_most(guard: &'static str, limit: u64, found: u64, text: impl Fn(u64) -> Phrase) -> Reading {
    let (headroom, verdict) = match limit.checked_sub(found) {
        Some(left) => (Phrase::Left(text(left).into()), Verdict::Holds),
        None => (Phrase::TooMany(text(found - limit).into()), Verdict::Broken),
    };
    Reading { guard, limit: text(limit), found: text(found), headroom, verdict }
}

fn exactly(guard: &'static str, expected: u64, found: u64, text: impl Fn(u64) -> Phrase) -> Reading {
    let (headroom, verdict) = match expected.abs_diff(found) {
        0 => (Phrase::Agrees, Verdict::Holds),
        difference if found < expected => (Phrase::Missing(text(difference).into()), Verdict::Broken),
        difference => (Phrase::TooMany(text(difference).into()), Verdict::Broken),
    };
    Reading { guard, limit: text(expected), found: text(found), headroom, verdict }
}

/// A row guard's reading, if the job has it or it holds something back.
fn holding(guards: &Guards, operation: Operation, by: HeldBy, held: Tally, notified: usize) -> Option<Reading> {
    let limit = match by {
        HeldBy::MaxOrder => Phrase::Rupiah(guards.max_order?),
        HeldBy::RequirePaid => guards.require_paid.then_some(Phrase::SeenPaid(notified))?,
        HeldBy::RefusePaid => {
            (guards.refuse_paid && operation == Operation::Cancel).then_some(Phrase::NotSeenPaid(notified))?
        }
        HeldBy::AlreadyRefunded => (held.count > 0).then_some(Phrase::NotRefunded)?,
        HeldBy::OtherAmount => (held.count > 0).then_some(Phrase::SameAmount)?,
    };
    let found = if held.count == 0 { Phrase::AllRows } else { Phrase::RowsHeld(held.count) };
    let headroom = if held.count == 0 { Phrase::NothingHeld } else { Phrase::HeldBack(held.rupiah) };
    Some(Reading { guard: by.word(), limit, found, headroom, verdict: Verdict::Holds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_reached_but_not_passed() {
        assert_eq!(at_most("max_total", 100, 101, rupiah).verdict, Verdict::Broken);
        assert_eq!(at_most("max_total", 100, 101, rupiah).headroom.to_string(), "Rp 1 too many");
        assert_eq!(at_most("max_total", 100, 100, rupiah).verdict, Verdict::Holds);
        assert_eq!(at_most("max_total", 1_000_000, 250_000, rupiah).headroom.to_string(), "Rp 750.000 left");
    }

    #[test]
    fn control_totals_must_agree_exactly() {
        assert_eq!(exactly("control.rows", 3, 2, Phrase::Rows).headroom.to_string(), "1 row missing");
        assert_eq!(exactly("control.rows", 3, 5, Phrase::Rows).headroom.to_string(), "2 rows too many");
        assert_eq!(exactly("control.rows", 3, 3, Phrase::Rows).verdict, Verdict::Holds);
    }
}
