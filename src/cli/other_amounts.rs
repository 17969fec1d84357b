//! Orders in doubt for which DOKU's signed answers name other amounts than ours: whether the input still has ours, and what to
//! say of them. Mostly the amounts were read from the wrong column.

use std::collections::HashSet;

use super::load::{Case, Loosening};
use crate::job::settings::{Column, Field};
use crate::journal::record::{Item, RowFate};
use crate::journal::state::State;
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::money::Rupiah;
use crate::model::operation::{Operation, Task};
use crate::model::time::span_text;
use crate::plan::Plan;
use crate::reconcile::aside::MOST_NAMED;
use crate::runner::dispatch::Amounts;

/// An order with our amount and the one that DOKU's answer names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    invoice: InvoiceNumber,
    ours: Rupiah,
    theirs: Rupiah,
}

/// All of them that a job has in doubt.
#[derive(Debug, Clone, Default)]
pub(super) struct OtherAmounts {
    named: Vec<Named>,
    /// Whether some of them do not wait for a person yet.
    are_unknown: bool,
    /// What the input says of them.
    amounts: Amounts,
}

impl OtherAmounts {
    /// Those among the orders in doubt; the input goes on with the ones that are `here`.
    pub(super) fn among(doubts: &[Item], here: &HashSet<InvoiceNumber>) -> Self {
        let named = |item: &Item| {
            let invoice = item.identity.invoice.clone();
            item.other_amount().map(|theirs| Named { invoice, ours: item.amount, theirs })
        };
        let named: Vec<Named> = doubts.iter().filter_map(named).collect();
        let is_here = named.iter().any(|one| here.contains(&one.invoice));
        let is_unknown = |item: &Item| item.state == State::Unknown && item.other_amount().is_some();
        let are_unknown = doubts.iter().any(is_unknown);
        Self { named, are_unknown, amounts: if is_here { Amounts::Repeated } else { Amounts::Changed } }
    }

    /// So many.
    pub(super) fn count(&self) -> u64 {
        self.named.len() as u64
    }

    /// What is known of them, what to correct, and how they come to their end.
    pub(super) fn lines(&self, case: &Case) -> Vec<String> {
        if self.named.is_empty() {
            return Vec::new();
        }
        let (words, has_file) = (case.words(), !matches!(case.loosening, Loosening::NotOffered));
        let more = self.named.len().saturating_sub(MOST_NAMED) as u64;
        let some: Vec<String> = self
            .named
            .iter()
            .take(MOST_NAMED)
            .map(|one| (words.other_amount)(one.invoice.as_str(), one.theirs, one.ours))
            .collect();
        let mut lines = vec![(words.other_amounts)(self.count(), &printable(&some.join(", ")), more)];
        // A creation says the amount itself, and the others go by what the input has.
        let is_read = case.job.task != Task::Change(Operation::Create);
        if is_read && self.amounts == Amounts::Repeated {
            let place = case.job.places.place(&case.file, "orders.columns.amount");
            let column = match case.job.orders.columns.get(&Field::Amount) {
                Some(Column::Header(text) | Column::Value(text)) => text,
                None => "amount",
            };
            let command = if has_file { case.command("run") } else { String::new() };
            lines.push((words.wrong_column)(&printable(&format!("{place}: {column:?}")), &command));
        }
        let resolve = if has_file { case.command("resolve") } else { String::new() };
        let horizon = span_text(case.job.retries.horizon);
        lines.extend(self.are_unknown.then(|| (words.answered_for_good)(&horizon, &resolve)));
        lines
    }
}

/// What the input of a run says of those that earlier runs have left unknown.
pub(super) fn in_input(unsettled: &[Item], plan: &Plan) -> Amounts {
    let answered = unsettled.iter().filter(|item| item.other_amount().is_some());
    let answered: HashSet<&InvoiceNumber> = answered.map(|item| &item.identity.invoice).collect();
    // Nearly always there are none, and the input is not read again.
    let is_repeated = answered.is_empty() || goes_on_with_any(plan, &answered);
    if is_repeated { Amounts::Repeated } else { Amounts::Changed }
}

/// Whether a row has one of these invoices with the amount that its item has. What cannot be read may have it.
fn goes_on_with_any(plan: &Plan, invoices: &HashSet<&InvoiceNumber>) -> bool {
    plan.rows().any(|row| {
        row.as_ref().map_or(true, |row| {
            let is_one = row.invoice.as_ref().is_some_and(|invoice| invoices.contains(invoice));
            is_one && plan.fate(row).0 == RowFate::Continue
        })
    })
}
