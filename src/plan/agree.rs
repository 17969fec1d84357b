//! Whether a plan that binds is still what would be sent: everything that it rests on is compared with what is there now.
//!
//! A plan is *stale* if anything differs. One whose run stopped part-way may be continued: then fewer orders than it names
//! may be left, for the others are done, but never one more and never another.

use std::iter::Peekable;

use super::binding::{Binding, BoundItem};
use super::bound::Ground;
use super::guard::counted;
use crate::journal::log::short;
use crate::journal::record::PlanRun;
use crate::model::money::Rupiah;
use crate::model::time::{CORRECTION, Timestamp, elapsed, for_people};

/// Whether a plan is used for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing of it was executed yet: exactly its orders must be left.
    First,
    /// These runs executed it and did not come to their end: its orders or fewer may be left.
    Continued(Vec<String>),
    /// This run executed it to its end.
    Used(PlanRun),
}

/// What the runs of a plan make of it.
#[must_use]
pub fn turn(runs: Vec<PlanRun>) -> Turn {
    match runs.iter().find(|run| run.has_finished()) {
        Some(finished) => Turn::Used(finished.clone()),
        None if runs.is_empty() => Turn::First,
        None => Turn::Continued(runs.into_iter().map(|run| run.run).collect()),
    }
}

/// Why a plan is stale, as far as its surroundings go; each in a line. Empty if it is not.
#[must_use]
pub fn stale<I>(bound: &Binding<I>, ground: &Ground, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    if now > bound.expires() {
        found.push(format!("it expired at {}", for_people(bound.expires())));
    }
    if elapsed(now, bound.made()) > CORRECTION {
        found.push(format!("it was made at {}, which is still to come: set the clock", for_people(bound.made())));
    }
    let hashes = [
        ("the job file", &bound.job.sha256, &ground.job.sha256),
        ("the input", &bound.input.sha256, &ground.input.sha256),
        ("the client id", &bound.client_sha256, &ground.client_sha256),
    ];
    for (what, then, now) in hashes {
        if then != now {
            found.push(format!("{what} is not what it was: sha256 {}..., now {}...", short(then), short(now)));
        }
    }
    let words = [
        ("job", &bound.job.name, &ground.job.name),
        ("operation", &bound.operation, &ground.operation),
        ("environment", &bound.environment, &ground.environment),
        ("business date", &bound.date, &ground.date),
        ("file of orders", &bound.input.file, &ground.input.file),
        ("journal", &bound.journal, &ground.journal),
        ("version of rekon", &bound.rekon, &ground.rekon),
    ];
    for (what, then, now) in words {
        if then != now {
            found.push(format!("the {what} is {now}, and the plan was made for {then}"));
        }
    }
    if bound.approval.approvers != ground.approvers {
        found.push("the approvers or their keys are not what they were".to_owned());
    }
    if bound.approval.bands != ground.bands {
        found.push("approval.bands are not what they were".to_owned());
    }
    found
}

/// Compares what would be sent now with the items of a plan, as they come. Both are in the order of the input.
pub struct Comparison<N: Iterator> {
    now: Peekable<N>,
    /// The first order in which they differ.
    differs: Option<String>,
    /// How many of the plan would not be sent, and the first of them.
    missing: Option<(u64, String)>,
}

impl<E, N: Iterator<Item = Result<BoundItem, E>>> Comparison<N> {
    /// Nothing compared yet.
    pub fn with(now: impl IntoIterator<IntoIter = N>) -> Self {
        Self { now: now.into_iter().peekable(), differs: None, missing: None }
    }

    /// Takes the next item of the plan.
    pub fn take(&mut self, planned: &BoundItem) {
        let same = |now: &Result<BoundItem, E>| now.as_ref().is_ok_and(|now| now.request_id == planned.request_id);
        match self.now.next_if(same) {
            None => self.missing.get_or_insert_with(|| (0, planned.invoice_number.clone())).0 += 1,
            Some(Ok(now)) if now != *planned && self.differs.is_none() => {
                let what = if planned.amount == now.amount { "with another body" } else { "over another amount" };
                self.differs = Some(format!("{} would be sent {what} than planned", now.invoice_number));
            }
            Some(_) => {}
        }
    }

    /// The first order in which what would be sent now differs from the plan, whose last item was taken; `None` if it may be
    /// sent.
    ///
    /// # Errors
    /// What an item of those that would be sent says.
    pub fn end(mut self, turn: &Turn) -> Result<Option<String>, E> {
        let further = self.now.next().transpose()?;
        let further = further.map(|item| {
            let (invoice, amount) = (item.invoice_number, Rupiah::new(item.amount));
            format!("{invoice} over {amount} would be sent, and the plan does not have it")
        });
        let missing = self.missing.filter(|_| *turn == Turn::First).map(|(count, first)| {
            let orders = counted(count, "order");
            format!("{orders} of the plan would not be sent any more, the first of them {first}")
        });
        Ok(self.differs.or(further).or(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u32, amount: u64) -> BoundItem {
        BoundItem {
            amount,
            body_sha256: format!("{number}"),
            generation: 0,
            invoice_number: format!("INV-{number}"),
            operation: "refund".into(),
            request_id: format!("r{number}"),
        }
    }

    fn differs(bound: &[BoundItem], now: &[BoundItem], turn: &Turn) -> Option<String> {
        let mut comparison = Comparison::with(now.iter().cloned().map(Ok::<_, ()>));
        bound.iter().for_each(|item| comparison.take(item));
        comparison.end(turn).unwrap()
    }

    #[test]
    fn a_first_run_sends_exactly_the_plan_and_a_continued_one_never_more() {
        let bound = [item(1, 100), item(2, 200)];
        let continued = Turn::Continued(vec!["run".into()]);
        let other_body = BoundItem { body_sha256: "x".into(), ..item(2, 200) };
        let cases = [
            (vec![item(1, 100), item(2, 200)], None, None),
            (vec![item(1, 100)], Some("1 order of the plan would not be sent any more, the first of them INV-2"), None),
            (vec![], Some("2 orders of the plan would not be sent any more, the first of them INV-1"), None),
            (
                vec![item(1, 100), item(2, 201)],
                Some("INV-2 would be sent over another amount"),
                Some("over another amount"),
            ),
            (vec![item(1, 100), other_body], Some("INV-2 would be sent with another body"), Some("another body")),
            (
                vec![item(1, 100), item(2, 200), item(3, 1)],
                Some("INV-3 over Rp 1 would be sent"),
                Some("the plan does not have it"),
            ),
            (vec![item(1, 100), item(3, 1)], Some("INV-3 over Rp 1 would be sent"), Some("INV-3")),
            (vec![item(2, 200)], Some("1 order of the plan would not be sent any more, the first of them INV-1"), None),
            (vec![item(2, 200), item(1, 100)], Some("INV-1 over Rp 100 would be sent"), Some("INV-1")),
            (vec![item(1, 101), item(3, 1)], Some("INV-1 would be sent over another amount"), Some("INV-1")),
        ];
        for (now, first, later) in cases {
            for (turn, expected) in [(&Turn::First, first), (&continued, later)] {
                let found = differs(&bound, &now, turn);
                assert_eq!(found.is_some(), expected.is_some(), "{turn:?} {now:?} {found:?}");
                assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{turn:?} {now:?}");
            }
        }
    }

    #[test]
    fn a_plan_whose_run_finished_is_used_and_one_that_was_cut_off_is_not() {
        let run = |run: &str, exit_code| PlanRun { run: run.into(), exit_code };
        assert_eq!(turn(vec![]), Turn::First);
        assert_eq!(turn(vec![run("a", Some(4)), run("b", None)]), Turn::Continued(vec!["a".into(), "b".into()]));
        assert_eq!(turn(vec![run("a", Some(3)), run("b", Some(0))]), Turn::Used(run("b", Some(0))));
        assert_eq!(turn(vec![run("a", Some(1))]), Turn::Used(run("a", Some(1))));
    }
}
