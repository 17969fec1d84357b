//! Items and attempts: every change of an item's state is one statement here, and asks the state machine first.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::doku::exchange::Exchange;
use crate::doku::status::Inquiry;
use crate::journal::identity::Identity;
use crate::journal::record::{Attempt, AttemptId, InquiryResult, Intent, Item, ItemId, OutcomeRecord};
use crate::journal::state::{Event, State, next};
use crate::journal::{Account, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RequestId, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::{Doubt, Facts, Outcome, Refusal, SignatureCheck};
use crate::model::time::{self, Timestamp};

pub(super) const ITEM_COLUMNS: &str = "id, environment, client_id, operation, invoice, generation, amount, \
     request_id, payment_reference, refund_reference, state, reason, attempts, first_intent_at, last_sent_at, \
     settled_at, facts, job, run";

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn failed(error: rusqlite::Error) -> JournalError {
    JournalError::Write(error.to_string())
}

/// A new item that the unique indexes refuse: the invoice has one that is live or done.
fn taken(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => JournalError::Taken,
        _ => failed(error),
    }
}

/// What a query about doubt must say in these very words for the partial index `item_unsettled` to serve it.
const UNSETTLED: &str = "state IN ('intent', 'unknown', 'review', 'conflict')";

/// Records that a request is about to be sent; the caller's commit makes it durable.
pub(super) fn intend(connection: &Connection, intent: &Intent) -> Result<(Item, AttemptId, Vec<u8>), JournalError> {
    let (run, at, mut known) = match intent {
        Intent::Again { run, item, at } => (run, *at, load(connection, *item)?),
        Intent::First { run, identity, at, .. } => {
            let known = if let Some(item) = find(connection, identity)? {
                take_over(connection, intent, item)?
            } else {
                let id = insert(connection, intent)?;
                load(connection, id)?
            };
            (run, *at, known)
        }
    };
    let item = known.id;
    known.state = next(known.state, Event::Intended)?;
    known.attempts += 1;
    known.last_sent_at = at;
    connection
        .prepare_cached("UPDATE item SET state = ?2, attempts = ?3, last_sent_at = ?4 WHERE id = ?1")
        .and_then(|mut statement| {
            statement.execute(params![item.0, known.state.word(), known.attempts, time::stored(at)])
        })
        .map_err(failed)?;
    connection
        .prepare_cached("INSERT INTO attempt (item, run, kind, request_id, sent_at) VALUES (?1, ?2, 'send', ?3, ?4)")
        .and_then(|mut statement| {
            statement.execute(params![item.0, run.as_str(), known.request_id.as_str(), time::stored(at)])
        })
        .map_err(failed)?;
    let attempt = AttemptId(connection.last_insert_rowid());
    let body = connection
        .prepare_cached("SELECT body FROM item WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([item.0], |row| row.get(0)))
        .map_err(failed)?;
    Ok((known, attempt, body))
}

fn insert(connection: &Connection, intent: &Intent) -> Result<ItemId, JournalError> {
    let Intent::First { run, identity, amount, payment_reference, body, at } = intent else {
        return Err(JournalError::Write("only a first intent makes an item".into()));
    };
    let refund_reference = (identity.account.operation == Operation::Refund).then(|| identity.refund_reference());
    connection
        .prepare_cached(
            "INSERT INTO item (environment, client_id, operation, invoice, generation, amount, request_id, \
             payment_reference, refund_reference, body, state, reason, attempts, first_intent_at, last_sent_at, \
             facts, job, run) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'planned', '', 0, ?11, ?11, '{}', \
             (SELECT job FROM run WHERE name = ?12), ?12)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                identity.account.environment.word(),
                identity.account.client_id.as_str(),
                identity.account.operation.word(),
                identity.invoice.as_str(),
                identity.generation,
                amount.whole().cast_signed(),
                identity.request_id().as_str(),
                payment_reference.as_str(),
                refund_reference.as_ref().map(MerchantReference::as_str),
                body,
                time::stored(*at),
                run.as_str(),
            ])
        })
        .map_err(taken)?;
    Ok(ItemId(connection.last_insert_rowid()))
}

/// An item for which nothing was done belongs to whoever sends it now. Its body, amount and reference may still change
/// as long as no request of it ever left; after that the first body stays for ever.
fn take_over(connection: &Connection, intent: &Intent, item: Item) -> Result<Item, JournalError> {
    let Intent::First { run, amount, payment_reference, body, at, .. } = intent else { return Ok(item) };
    if item.state != State::Planned {
        return Ok(item);
    }
    let changes = if item.attempts == 0 {
        connection.execute(
            "UPDATE item SET amount = ?2, payment_reference = ?3, body = ?4, first_intent_at = ?5 WHERE id = ?1",
            params![item.id.0, amount.whole().cast_signed(), payment_reference.as_str(), body, time::stored(*at)],
        )
    } else {
        Ok(0)
    };
    changes.map_err(failed)?;
    connection
        .execute(
            "UPDATE item SET run = ?2, job = (SELECT job FROM run WHERE name = ?2) WHERE id = ?1",
            params![item.id.0, run.as_str()],
        )
        .map_err(failed)?;
    load(connection, item.id)
}

/// Closes an attempt with what it proved.
pub(super) fn close_attempt(connection: &Connection, record: &OutcomeRecord) -> Result<State, JournalError> {
    let item = connection
        .prepare_cached("SELECT item FROM attempt WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([record.attempt.0], |row| row.get(0).map(ItemId)))
        .map_err(failed)?;
    let outcome = &record.reading.outcome;
    let event = match outcome {
        Outcome::Applied => Event::Applied,
        Outcome::Already => Event::Already,
        Outcome::Refused(Refusal::Http(_)) => Event::TurnedAway,
        Outcome::Refused(_) => Event::Refused,
        Outcome::Throttled(SignatureCheck::Valid) | Outcome::NotSent(_) => Event::NothingDone,
        Outcome::Throttled(_) | Outcome::Ambiguous(_) => Event::NoProof,
    };
    let (headers, body) = evidence(&record.exchange);
    connection
        .prepare_cached(
            "UPDATE attempt SET ended_at = ?2, outcome = ?3, reason = ?4, facts = ?5, answer_headers = ?6, \
             answer_body = ?7 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                record.attempt.0,
                time::stored(record.at),
                outcome.word(),
                outcome.reason(),
                facts_text(&record.reading.facts),
                headers,
                body
            ])
        })
        .map_err(failed)?;
    if matches!(outcome, Outcome::NotSent(_)) {
        // Attempts are requests on the wire (`DESIGN` 11.7); this one was none.
        connection.execute("UPDATE item SET attempts = attempts - 1 WHERE id = ?1", [item.0]).map_err(failed)?;
    }
    apply(connection, item, event, &outcome.reason(), &record.reading.facts, record.at)
}

/// Records an inquiry with what it proved.
pub(super) fn inquired(connection: &Connection, inquiry: &InquiryResult) -> Result<State, JournalError> {
    let (event, outcome) = match inquiry.inquiry {
        Inquiry::Applied => (Event::Applied, "applied"),
        Inquiry::Already => (Event::Already, "already"),
        Inquiry::NoProof => (Event::NoProof, "no_proof"),
    };
    let (headers, body) = evidence(&inquiry.exchange);
    connection
        .execute(
            "INSERT INTO attempt (item, run, kind, request_id, sent_at, ended_at, outcome, reason, facts, \
             answer_headers, answer_body) VALUES (?1, ?2, 'inquiry', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                inquiry.item.0,
                inquiry.run.as_str(),
                inquiry.request_id.as_str(),
                time::stored(inquiry.sent_at),
                time::stored(inquiry.at),
                outcome,
                inquiry.facts.payment_status.as_deref().unwrap_or_default(),
                facts_text(&inquiry.facts),
                headers,
                body
            ],
        )
        .map_err(failed)?;
    if event == Event::NoProof {
        // Nothing new is known; the item keeps the reason and the facts of its last request.
        return load(connection, inquiry.item).map(|item| item.state);
    }
    apply(connection, inquiry.item, event, "status_inquiry", &inquiry.facts, inquiry.at)
}

/// Hands an unknown item over to a person.
pub(super) fn give_up(connection: &Connection, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
    let facts = load(connection, item)?.facts;
    apply(connection, item, Event::GivenUp, "horizon_passed", &facts, at)
}

fn apply(
    connection: &Connection,
    item: ItemId,
    event: Event,
    reason: &str,
    facts: &Facts,
    at: Timestamp,
) -> Result<State, JournalError> {
    let before = load(connection, item)?;
    let state = next(before.state, event)?;
    if state == before.state && before.state.is_terminal() {
        return Ok(state);
    }
    let settled_at = state.is_terminal().then(|| time::stored(at));
    connection
        .prepare_cached("UPDATE item SET state = ?2, reason = ?3, facts = ?4, settled_at = ?5 WHERE id = ?1")
        .and_then(|mut statement| {
            statement.execute(params![item.0, state.word(), reason, facts_text(facts), settled_at])
        })
        .map_err(failed)?;
    Ok(state)
}

/// Closes what a stopped program left open: its requests may have left, so their items are unknown.
pub(super) fn recover(connection: &Connection, at: Timestamp) -> Result<u64, JournalError> {
    connection
        .execute(
            "UPDATE attempt SET ended_at = ?1, outcome = 'ambiguous', reason = ?2 WHERE ended_at IS NULL",
            params![time::stored(at), Doubt::Crash.word()],
        )
        .map_err(failed)?;
    let state = next(State::Intent, Event::NoProof)?;
    let changed = connection
        .execute(
            &format!("UPDATE item SET state = ?1, reason = ?2 WHERE state = 'intent' AND {UNSETTLED}"),
            params![state.word(), Doubt::Crash.word()],
        )
        .map_err(failed)?;
    Ok(changed as u64)
}

fn find(connection: &Connection, identity: &Identity) -> Result<Option<Item>, JournalError> {
    connection
        .prepare_cached(&format!("SELECT {ITEM_COLUMNS} FROM item WHERE request_id = ?1"))
        .and_then(|mut statement| statement.query_row([identity.request_id().as_str()], read_item).optional())
        .map_err(failed)
}

fn load(connection: &Connection, item: ItemId) -> Result<Item, JournalError> {
    connection
        .prepare_cached(&format!("SELECT {ITEM_COLUMNS} FROM item WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([item.0], read_item))
        .map_err(failed)
}

/// The latest generation of each invoice that has one.
pub(super) fn known(
    connection: &Connection,
    account: &Account,
    invoices: &[InvoiceNumber],
) -> rusqlite::Result<HashMap<InvoiceNumber, Item>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE environment = ?1 AND client_id = ?2 AND operation = ?3 AND invoice = ?4 \
         ORDER BY generation DESC LIMIT 1"
    ))?;
    let mut found = HashMap::new();
    for invoice in invoices {
        let key =
            params![account.environment.word(), account.client_id.as_str(), account.operation.word(), invoice.as_str()];
        if let Some(item) = statement.query_row(key, read_item).optional()? {
            found.insert(invoice.clone(), item);
        }
    }
    Ok(found)
}

/// The items of a job in one of these states, the oldest first.
pub(super) fn of_job(
    connection: &Connection,
    account: &Account,
    job: &str,
    states: &[State],
) -> rusqlite::Result<Vec<Item>> {
    let words = states.iter().map(|state| format!("'{}'", state.word())).collect::<Vec<_>>().join(", ");
    let mut statement = connection.prepare(&format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE environment = ?1 AND client_id = ?2 AND operation = ?3 AND job = ?4 \
         AND state IN ({words}) AND {UNSETTLED} ORDER BY id"
    ))?;
    let key = params![account.environment.word(), account.client_id.as_str(), account.operation.word(), job];
    statement.query_map(key, read_item)?.collect()
}

/// All items for an invoice with their attempts, in order.
pub(super) fn history(connection: &Connection, invoice: &InvoiceNumber) -> rusqlite::Result<Vec<(Item, Vec<Attempt>)>> {
    let mut items = connection.prepare(&format!("SELECT {ITEM_COLUMNS} FROM item WHERE invoice = ?1 ORDER BY id"))?;
    let items: Vec<Item> = items.query_map([invoice.as_str()], read_item)?.collect::<rusqlite::Result<_>>()?;
    let mut attempts = connection.prepare(
        "SELECT kind, run, sent_at, ended_at, outcome, reason, facts FROM attempt WHERE item = ?1 ORDER BY id",
    )?;
    items
        .into_iter()
        .map(|item| {
            let attempts = attempts.query_map([item.id.0], read_attempt)?.collect::<rusqlite::Result<_>>()?;
            Ok((item, attempts))
        })
        .collect()
}

fn evidence(exchange: &Exchange) -> (Option<String>, Option<&[u8]>) {
    match exchange {
        Exchange::Answered(answer) => (serde_json::to_string(&answer.headers).ok(), Some(answer.body.as_slice())),
        Exchange::NotSent(_) | Exchange::TimedOut | Exchange::Lost(_) | Exchange::TooLong => (None, None),
    }
}

fn facts_text(facts: &Facts) -> String {
    serde_json::to_string(facts).expect("facts are text and numbers")
}

pub(super) fn read_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    read_item_at(row, 0)
}

/// Reads an item whose columns begin at `first`.
pub(super) fn read_item_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Item> {
    let text = |index: usize| row.get::<_, String>(first + index);
    let account = Account {
        environment: checked(row, first + 1, Environment::from_word)?,
        client_id: checked(row, first + 2, |text| ClientId::new(text).ok())?,
        operation: checked(row, first + 3, Operation::from_word)?,
    };
    let invoice = checked(row, first + 4, |text| InvoiceNumber::new(text).ok())?;
    Ok(Item {
        id: ItemId(row.get(first)?),
        identity: Identity { account, invoice, generation: row.get(first + 5)? },
        amount: Rupiah::new(row.get::<_, i64>(first + 6)?.cast_unsigned()),
        request_id: checked(row, first + 7, |text| RequestId::new(text).ok())?,
        payment_reference: checked(row, first + 8, |text| MerchantReference::new(text).ok())?,
        refund_reference: match row.get_ref(first + 9)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(checked(row, first + 9, |text| MerchantReference::new(text).ok())?),
        },
        state: checked(row, first + 10, State::from_word)?,
        reason: text(11)?,
        attempts: row.get(first + 12)?,
        first_intent_at: checked(row, first + 13, time::parse_instant)?,
        last_sent_at: checked(row, first + 14, time::parse_instant)?,
        settled_at: row.get::<_, Option<String>>(first + 15)?.as_deref().and_then(time::parse_instant),
        facts: checked(row, first + 16, |text| serde_json::from_str(text).ok())?,
        job: text(17)?,
        run: checked(row, first + 18, |text| RunId::new(text).ok())?,
    })
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        kind: row.get(0)?,
        run: row.get(1)?,
        sent_at: checked(row, 2, time::parse_instant)?,
        ended_at: row.get::<_, Option<String>>(3)?.as_deref().and_then(time::parse_instant),
        outcome: row.get(4)?,
        reason: row.get(5)?,
        facts: checked(row, 6, |text| serde_json::from_str(text).ok())?,
    })
}

/// A text column as a checked value; a journal that somebody edited by hand gives an error, not a panic.
pub(super) fn checked<T>(row: &Row<'_>, index: usize, read: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    read(text).ok_or_else(|| {
        let message = format!("the journal holds {text:?} where it should not");
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, message.into())
    })
}
