//! Where each input row ended, and which order comes to judgement for it.

use super::evidence::{Done, DoneState};
use super::subject::Subject;
use super::total::{Counted, RowEnd, Totals};
use crate::journal::log::RULED;
use crate::journal::record::{Item, NewRow, RowFate, RowRecord};
use crate::journal::state::State;
use crate::model::status::PaymentStatus;
use crate::plan::{Part, Plan};

/// What stands behind the reason of a row that was settled before by a ruling.
const RULED_BEFORE: &str = "; a person ruled";

/// Whether the reason of a row in results.csv says that a person ruled, be it in this run or before.
#[must_use]
pub fn says_ruled(reason: &str) -> bool {
    reason == RULED || reason.ends_with(RULED_BEFORE)
}

const fn is_ruled(item: &Item) -> bool {
    matches!(item.state, State::RuledDone | State::RuledNotDone)
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
                (of_item(item), if is_ruled(item) { reason + RULED_BEFORE } else { reason })
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
        amount: Some(item.amount),
        request_id: Some(item.request_id.clone()),
        payment_status: item.facts.payment_status.as_deref().and_then(PaymentStatus::from_word),
        settled_at: item.settled_at,
        ruled: is_ruled(item),
    }
}

/// Counts rows of a plan, with their items as the journal has them now, where they ended; the first of each order, and a bad
/// one, comes to judgement.
#[must_use]
pub fn subjects(plan: &Plan, records: &[RowRecord], totals: &mut Totals) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for record in records {
        let (state, _) = state_of(record);
        let NewRow { number, raw, invoice, rupiah, .. } = &record.row;
        let order = match plan.part(*number) {
            Some(Part::First(_)) => plan.order_in(raw),
            Some(Part::Later(_)) => {
                totals.add_row(&RowEnd { state, rupiah: *rupiah, counted: Counted::Earlier });
                continue;
            }
            Some(Part::Bad) | None => None,
        };
        totals.add_row(&RowEnd { state, rupiah: *rupiah, counted: Counted::Here });
        let done = record.item.as_ref().map_or(
            Done {
                operation: plan.operation,
                state,
                amount: None,
                request_id: None,
                payment_status: None,
                settled_at: None,
                ruled: false,
            },
            |item| Done { state, ..done_of(item) },
        );
        let (book, created_at) = order.as_ref().map_or((None, None), |order| (order.book, order.created_at));
        subjects.push(Subject {
            row: *number,
            invoice: invoice.clone(),
            amount: *rupiah,
            book,
            created_at,
            payment_reference: order.and_then(|order| order.payment_reference),
            done,
        });
    }
    subjects
}
