//! Where each input row ended, and which order comes to judgement for it.

use std::collections::HashMap;

use super::evidence::{Done, DoneState};
use super::judge::Subject;
use super::total::{Counted, RowEnd};
use super::verdict::Expectation;
use crate::journal::record::{Item, RowFate, RowRecord};
use crate::journal::state::State;
use crate::model::ids::InvoiceNumber;
use crate::model::operation::Operation;
use crate::model::order::Order;
use crate::model::status::PaymentStatus;
use crate::plan::{Input, InputRow, Plan, Role};

/// The end of every row, and one subject per order.
#[derive(Debug, Default)]
pub struct Ends {
    /// One per input row, in the order of the file.
    pub rows: Vec<RowEnd>,
    /// One per order and per bad row, in the order of the file.
    pub subjects: Vec<Subject>,
}

/// The state of a row as results.csv shows it, with its reason.
#[must_use]
pub fn state_of(record: &RowRecord) -> (DoneState, String) {
    let reason = record.row.reason.clone();
    match record.row.fate {
        RowFate::Skip => (DoneState::Skipped, reason),
        RowFate::Held => (DoneState::Held, reason),
        RowFate::Invalid => (DoneState::Invalid, reason),
        RowFate::Send | RowFate::Settled | RowFate::Continue => match &record.item {
            None => (DoneState::NotAttempted, "the run stopped before it".into()),
            Some(item) if record.row.fate == RowFate::Settled => {
                let is_ruled = matches!(item.state, State::RuledDone | State::RuledNotDone);
                (of_item(item), if is_ruled { format!("{reason}; a person ruled") } else { reason })
            }
            Some(item) => (of_item(item), item.reason.clone()),
        },
    }
}

const fn of_item(item: &Item) -> DoneState {
    match item.state {
        State::Planned | State::Held | State::Skipped | State::Invalid => DoneState::NotAttempted,
        State::Intent | State::Unknown => DoneState::Unknown,
        State::Succeeded => DoneState::Succeeded,
        State::AlreadyDone | State::RuledDone => DoneState::AlreadyDone,
        State::Refused | State::RuledNotDone => DoneState::Refused,
        State::Review => DoneState::Review,
        State::Conflict => DoneState::Conflict,
    }
}

/// What an item did, as far as it is known.
#[must_use]
pub fn done_of(item: &Item) -> Done {
    Done {
        operation: item.identity.account.operation,
        state: of_item(item),
        request_id: Some(item.request_id.clone()),
        payment_status: item.facts.payment_status.as_deref().and_then(PaymentStatus::from_word),
        settled_at: item.settled_at,
    }
}

/// The ends of a run: the plan's rows with their items as the journal has them now.
#[must_use]
pub fn of_run(plan: &Plan, records: &[RowRecord]) -> Ends {
    let mut ends = Ends::default();
    for (row, record) in plan.rows.iter().zip(records) {
        let (state, _) = state_of(record);
        let done = record.item.as_ref().map_or(
            Done { operation: plan.operation, state, request_id: None, payment_status: None, settled_at: None },
            |item| Done { state, ..done_of(item) },
        );
        let order = match row.role {
            Role::First(index) => Some(&plan.orders[index].order),
            Role::Invalid(_) | Role::Line(_) | Role::Duplicate { .. } => None,
        };
        ends.take(row, state, order, Expectation::Effect(plan.operation), Some(done));
    }
    ends
}

/// The ends of an audit: rows have the state that results of other runs give them; all others were not meant to be sent.
#[must_use]
pub fn of_audit(input: &Input, results: &HashMap<InvoiceNumber, Vec<Done>>) -> Ends {
    let mut ends = Ends::default();
    for row in &input.rows {
        let order = match row.role {
            Role::First(index) | Role::Line(index) if input.orders[index].faults.is_empty() => {
                Some(&input.orders[index].order)
            }
            Role::First(_) | Role::Line(_) | Role::Invalid(_) | Role::Duplicate { .. } => None,
        };
        let done = order.and_then(|order| deciding(results.get(&order.invoice_number)?));
        match (&row.role, order) {
            (Role::Duplicate { .. }, _) => ends.take(row, DoneState::Skipped, None, Expectation::Book(None), None),
            (_, Some(order)) => {
                let state = done.as_ref().map_or(DoneState::Skipped, |done| done.state);
                ends.take(row, state, Some(order), Expectation::Book(order.book), done);
            }
            (_, None) => ends.take(row, DoneState::Invalid, None, NOTHING_DONE, Some(invalid())),
        }
    }
    ends
}

/// A bad row of an audit is judged as one for which nothing was done, whatever the operation.
const NOTHING_DONE: Expectation = Expectation::Effect(Operation::Create);

const fn invalid() -> Done {
    let state = DoneState::Invalid;
    Done { operation: Operation::Create, state, request_id: None, payment_status: None, settled_at: None }
}

impl Ends {
    /// Notes where a row ended; if it is the first of its order, or bad, it comes to judgement.
    fn take(
        &mut self,
        row: &InputRow,
        state: DoneState,
        order: Option<&Order>,
        expectation: Expectation,
        done: Option<Done>,
    ) {
        let counted = match &row.role {
            Role::First(_) | Role::Invalid(_) => Counted::Here,
            Role::Line(_) | Role::Duplicate { .. } => Counted::Earlier,
        };
        self.rows.push(RowEnd { state, rupiah: row.rupiah, counted });
        if counted == Counted::Earlier {
            return;
        }
        let unreadable = || format!("row {}", row.number);
        self.subjects.push(Subject {
            invoice: row.invoice.as_ref().map_or_else(unreadable, ToString::to_string),
            amount: row.rupiah,
            book: order.and_then(|order| order.book),
            created_at: order.and_then(|order| order.created_at),
            expectation,
            done,
        });
    }
}

/// The result that decides about an order, whatever the order in which results were read: the latest operation of its
/// life that came to something, doubt before everything else.
fn deciding(results: &[Done]) -> Option<Done> {
    let of = |operation: Operation| {
        results
            .iter()
            .filter(move |done| done.operation == operation)
            .max_by_key(|done| (weight(done.state), done.settled_at))
    };
    let latest: Vec<&Done> =
        [Operation::Refund, Operation::Cancel, Operation::Create].into_iter().filter_map(of).collect();
    let in_doubt = latest.iter().find(|done| done.state.is_in_doubt());
    let came_to_something = latest.iter().find(|done| done.state.is_done() || done.state == DoneState::Refused);
    in_doubt.or(came_to_something).or(latest.first()).map(|done| (*done).clone())
}

/// Of several results of one operation: a proof outweighs a doubt, for the doubt was settled by it.
const fn weight(state: DoneState) -> u8 {
    match state {
        DoneState::Conflict => 9,
        DoneState::Succeeded => 8,
        DoneState::AlreadyDone => 7,
        DoneState::Refused => 6,
        DoneState::Review => 5,
        DoneState::Unknown => 4,
        DoneState::NotAttempted => 3,
        DoneState::Held => 2,
        DoneState::Skipped => 1,
        DoneState::Invalid => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(operation: Operation, state: DoneState) -> Done {
        Done { operation, state, request_id: None, payment_status: None, settled_at: None }
    }

    #[test]
    fn the_deciding_result_does_not_depend_on_the_order_of_files() {
        use DoneState as D;
        use Operation as O;
        let cases = [
            (vec![(O::Refund, D::Unknown), (O::Refund, D::Succeeded)], (O::Refund, D::Succeeded)),
            (vec![(O::Create, D::Succeeded), (O::Refund, D::Unknown)], (O::Refund, D::Unknown)),
            (vec![(O::Create, D::Unknown), (O::Refund, D::Succeeded)], (O::Create, D::Unknown)),
            (vec![(O::Create, D::Succeeded), (O::Refund, D::Refused)], (O::Refund, D::Refused)),
            (vec![(O::Create, D::Succeeded), (O::Refund, D::Skipped)], (O::Create, D::Succeeded)),
            (vec![(O::Refund, D::NotAttempted)], (O::Refund, D::NotAttempted)),
        ];
        for (results, expected) in cases {
            let mut results: Vec<Done> = results.into_iter().map(|(operation, state)| done(operation, state)).collect();
            for _ in 0..2 {
                let found = deciding(&results).map(|done| (done.operation, done.state));
                assert_eq!(found, Some(expected));
                results.reverse();
            }
        }
    }
}
