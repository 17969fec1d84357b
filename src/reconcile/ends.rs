//! Where each input row ended, and which order comes to judgement for it.

use super::evidence::{Done, DoneState};
use super::subject::Subject;
use super::total::{Counted, RowEnd};
use crate::journal::record::{Item, RowFate, RowRecord};
use crate::journal::state::State;
use crate::model::order::Order;
use crate::model::status::PaymentStatus;
use crate::plan::{InputRow, Plan, Role};

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

impl Ends {
    /// Takes the next rows of a plan, with their items as the journal has them now.
    pub fn take_rows(&mut self, plan: &Plan, records: &[RowRecord]) {
        let next = self.rows.len();
        for (row, record) in plan.rows[next..].iter().zip(records) {
            let (state, _) = state_of(record);
            let done = record.item.as_ref().map_or(
                Done { operation: plan.operation, state, request_id: None, payment_status: None, settled_at: None },
                |item| Done { state, ..done_of(item) },
            );
            let order = match row.role {
                Role::First(index) => Some(&plan.orders[index].order),
                Role::Invalid(_) | Role::Line(_) | Role::Duplicate { .. } => None,
            };
            self.take(row, state, order, done);
        }
    }

    /// Notes where a row ended; if it is the first of its order, or bad, it comes to judgement.
    fn take(&mut self, row: &InputRow, state: DoneState, order: Option<&Order>, done: Done) {
        let counted = match &row.role {
            Role::First(_) | Role::Invalid(_) => Counted::Here,
            Role::Line(_) | Role::Duplicate { .. } => Counted::Earlier,
        };
        self.rows.push(RowEnd { state, rupiah: row.rupiah, counted });
        if counted == Counted::Earlier {
            return;
        }
        self.subjects.push(Subject {
            row: row.number,
            invoice: row.invoice.clone(),
            amount: row.rupiah,
            book: order.and_then(|order| order.book),
            created_at: order.and_then(|order| order.created_at),
            payment_reference: order.and_then(|order| order.payment_reference.clone()),
            done,
        });
    }
}
