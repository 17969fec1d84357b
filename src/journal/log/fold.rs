//! What an item is: the sum of its entries.

use std::sync::Arc;

use super::chain::sha256;
use super::{Carried, Entry, Impossible, Made, Reopened, Ruled, Wire};
use crate::journal::Account;
use crate::journal::identity::Identity;
use crate::journal::record::{First, Item, ItemId};
use crate::journal::state::{Event, Illegal, State, next};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::Facts;
use crate::model::time::{self, Timestamp};

/// What is known of an item before anything is sent for it.
struct New {
    identity: Identity,
    amount: Rupiah,
    payment_reference: MerchantReference,
    body_sha256: Arc<str>,
    job: Arc<str>,
    run: RunId,
}

impl New {
    fn item(self, id: ItemId, at: Timestamp) -> Item {
        let Self { identity, amount, payment_reference, body_sha256, job, run } = self;
        let is_refund = identity.account.operation == Operation::Refund;
        Item {
            id,
            amount,
            request_id: identity.request_id(),
            payment_reference,
            refund_reference: is_refund.then(|| identity.refund_reference()),
            identity,
            body_sha256,
            state: State::Planned,
            reason: String::new(),
            attempts: 0,
            first_intent_at: at,
            last_sent_at: at,
            settled_at: None,
            facts: Arc::default(),
            job,
            run,
        }
    }
}

/// A new item, for its first request.
#[must_use]
pub fn planned(id: ItemId, first: &First, job: Arc<str>) -> Item {
    let First { run, identity, amount, payment_reference, body, at } = first;
    let new = New {
        identity: identity.clone(),
        amount: *amount,
        payment_reference: payment_reference.clone(),
        body_sha256: sha256(body).into(),
        job,
        run: run.clone(),
    };
    new.item(id, *at)
}

/// A new item, from the entry that makes it.
///
/// # Errors
/// It holds a value that no item can have.
pub fn made(id: ItemId, made: &Made, at: Timestamp) -> Result<Item, Impossible> {
    let value = |field, value: &str| Impossible::Value { field, value: value.to_owned() };
    let account = Account {
        environment: Environment::from_word(&made.environment)
            .ok_or_else(|| value("environment", &made.environment))?,
        client_id: ClientId::new(&made.client_id).ok().ok_or_else(|| value("client_id", &made.client_id))?,
        operation: Operation::from_word(&made.operation).ok_or_else(|| value("operation", &made.operation))?,
    };
    let invoice = InvoiceNumber::new(&made.invoice).ok().ok_or_else(|| value("invoice", &made.invoice))?;
    let new = New {
        identity: Identity { account, invoice, generation: made.generation },
        amount: Rupiah::new(made.amount),
        payment_reference: reference(&made.payment_reference)?,
        body_sha256: Arc::clone(&made.body_sha256),
        job: Arc::clone(&made.job),
        run: run(&made.run)?,
    };
    let item = new.item(id, at);
    match made.attempt {
        Some(attempt) => fold(item, &Entry::Intended { run: Arc::clone(&made.run), attempt }, at),
        None => Ok(item),
    }
}

/// The next generation of an item that had no effect, as the entry that makes it.
///
/// # Errors
/// The item may have had an effect, or may still have one.
pub fn next_generation(item: &Item, reopened: Reopened) -> Result<Made, Impossible> {
    match (item.state, item.identity.generation.checked_add(1)) {
        (State::Refused | State::RuledNotDone, Some(generation)) => {
            let body_sha256 = sha256(b"").into();
            Ok(Made { generation, body_sha256, reopened: Some(reopened), ..Made::of(item) })
        }
        _ => Err(Illegal { state: item.state, event: Event::Intended }.into()),
    }
}

/// An item of an older form of the journal, from the entry that took it over.
///
/// # Errors
/// It holds a value that no item can have.
pub fn carried(id: ItemId, carried: &Carried, at: Timestamp) -> Result<Item, Impossible> {
    let value = |field, value: &str| Impossible::Value { field, value: value.to_owned() };
    let time = |field, text: &str| time::parse_instant(text).ok_or_else(|| value(field, text));
    Ok(Item {
        state: State::from_word(&carried.state).ok_or_else(|| value("state", &carried.state))?,
        reason: carried.reason.clone(),
        attempts: carried.attempts,
        first_intent_at: time("first_intent_at", &carried.first_intent_at)?,
        last_sent_at: time("last_sent_at", &carried.last_sent_at)?,
        settled_at: carried.settled_at.as_deref().map(|text| time("settled_at", text)).transpose()?,
        facts: carried.facts.clone(),
        ..made(id, &carried.made, at)?
    })
}

/// The item after one more entry.
///
/// # Errors
/// It cannot have happened to this item.
pub fn fold(item: Item, entry: &Entry, at: Timestamp) -> Result<Item, Impossible> {
    match entry {
        Entry::RunBegan { .. }
        | Entry::Overridden { .. }
        | Entry::RunStopped { .. }
        | Entry::RunEnded { .. }
        | Entry::Accepted { .. } => Err(Impossible::OutOfPlace("no item")),
        Entry::Made(_) | Entry::Carried(_) => Err(Impossible::OutOfPlace("an item that exists")),
        Entry::TakenOver { run: by, job, amount, payment_reference, body_sha256 } => {
            if item.state != State::Planned {
                return Err(Illegal { state: item.state, event: Event::Intended }.into());
            }
            let corrected = Item { run: run(by)?, job: job.clone(), ..item };
            if corrected.attempts > 0 {
                return Ok(corrected);
            }
            let (amount, payment_reference) = (Rupiah::new(*amount), reference(payment_reference)?);
            let body_sha256 = body_sha256.clone();
            Ok(Item { amount, payment_reference, body_sha256, first_intent_at: at, ..corrected })
        }
        Entry::AnswerCarried { .. } => Ok(item),
        Entry::Intended { .. } => {
            let state = next(item.state, Event::Intended)?;
            // What nothing was done for is as if it had never been sent: the horizon counts from now.
            let first_intent_at = if item.state == State::Planned { at } else { item.first_intent_at };
            Ok(Item { state, attempts: item.attempts + 1, first_intent_at, last_sent_at: at, ..item })
        }
        Entry::Ended { event, wire, reason, facts, .. } => {
            // Attempts are requests on the wire (`DESIGN` 11.7).
            let attempts = item.attempts.saturating_sub(u32::from(*wire == Wire::NeverLeft));
            learn(Item { attempts, ..item }, *event, reason, facts, at)
        }
        // Nothing new is known; the item keeps the reason and the facts of its last request.
        Entry::Inquired { event: Event::NoProof, .. } => Ok(item),
        Entry::Inquired { event, facts, .. } => learn(item, *event, "status_inquiry", facts, at),
        Entry::GaveUp => {
            let facts = Arc::clone(&item.facts);
            learn(item, Event::GivenUp, "horizon_passed", &facts, at)
        }
        Entry::Contradicted { event, status, .. } => {
            let facts = Facts { payment_status: Some(status.clone()), ..(*item.facts).clone() };
            learn(item, *event, "notification", &Arc::new(facts), at)
        }
        Entry::Ruled(Ruled { event, .. }) => {
            let facts = Arc::clone(&item.facts);
            learn(item, *event, RULED, &facts, at)
        }
    }
}

/// The reason of an item that a person has ruled.
pub const RULED: &str = "ruled";

fn learn(item: Item, event: Event, reason: &str, facts: &Arc<Facts>, at: Timestamp) -> Result<Item, Impossible> {
    let state = next(item.state, event)?;
    if state == item.state && state.is_terminal() {
        return Ok(item);
    }
    let settled_at = state.is_terminal().then_some(at);
    Ok(Item { state, reason: reason.to_owned(), facts: Arc::clone(facts), settled_at, ..item })
}

fn reference(text: &str) -> Result<MerchantReference, Impossible> {
    MerchantReference::new(text)
        .ok()
        .ok_or_else(|| Impossible::Value { field: "payment_reference", value: text.to_owned() })
}

fn run(text: &str) -> Result<RunId, Impossible> {
    RunId::new(text).ok().ok_or_else(|| Impossible::Value { field: "run", value: text.to_owned() })
}
