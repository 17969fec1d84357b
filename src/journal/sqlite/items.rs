//! Items and attempts: every change of an item is an entry of the log, and the item becomes what the log says of it.

use rusqlite::params;

use super::failed;
use super::look::{find, in_doubt};
use super::pen::Pen;
use crate::doku::exchange::Exchange;
use crate::doku::status::Inquiry;
use crate::journal::JournalError;
use crate::journal::log::{self, Entry, Made, Reopened, Ruled, Wire};
use crate::journal::record::{
    Acceptance, AttemptId, Contradiction, First, InquiryResult, Intent, Item, ItemId, OutcomeRecord,
};
use crate::journal::state::{Event, State};
use crate::model::ids::{MerchantReference, RunId};
use crate::model::outcome::{Doubt, Facts, Outcome, Refusal, SignatureCheck};
use crate::model::time::{self, Timestamp};

/// A new item that the unique indexes refuse: the invoice has one that is live or done.
fn taken(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => JournalError::Taken,
        _ => failed(error),
    }
}

/// Records that a request is about to be sent; the caller's commit makes it durable.
pub(super) fn intend(pen: &Pen, intent: &Intent) -> Result<(Item, AttemptId, Vec<u8>), JournalError> {
    let (run, at, item) = match intent {
        Intent::Again { run, item, at } => (run, *at, pen.load(*item)?),
        Intent::First(first) => match begin(pen, first) {
            // Mostly there is none: it is looked for once the index has found one, or the day is full.
            Err(refused @ (JournalError::Taken | JournalError::Capped(_))) => {
                let item = find(pen.connection(), &first.identity)?.ok_or(refused)?;
                (&first.run, first.at, take_over(pen, first, item)?)
            }
            begun => return begun,
        },
    };
    if item.state == State::Planned {
        pen.refuse_beyond(run, &item, at)?;
    }
    let attempt = pen.open_attempt(&item, run, at)?;
    let item = advance(pen, &item, &intended(run, attempt), at)?;
    let body: Vec<u8> = pen
        .connection()
        .prepare_cached("SELECT body FROM item WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([item.id.0], |row| row.get(0)))
        .map_err(failed)?;
    if log::sha256(&body) != item.body_sha256 {
        return Err(JournalError::Write(format!(
            "the body of {} is not the one that was logged",
            item.identity.invoice
        )));
    }
    Ok((item, attempt, body))
}

/// Makes a new item with its first intent: the log says both in one entry, and the item is written once.
fn begin(pen: &Pen, first: &First) -> Result<(Item, AttemptId, Vec<u8>), JournalError> {
    let account = &first.identity.account;
    let mut made = Made {
        run: first.run.to_string(),
        job: pen.began(&first.run)?.job,
        environment: account.environment.word().to_owned(),
        client_id: account.client_id.to_string(),
        operation: account.operation.word().to_owned(),
        invoice: first.identity.invoice.to_string(),
        generation: first.identity.generation,
        amount: first.amount.whole(),
        payment_reference: first.payment_reference.to_string(),
        body_sha256: log::sha256(&first.body),
        attempt: None,
        reopened: None,
    };
    let planned = log::made(pen.next_item()?, &made, first.at)?;
    pen.refuse_beyond(&first.run, &planned, first.at)?;
    // What an intent makes of an item does not hang on the number of the attempt, which has to name the item.
    let item = log::fold(planned.clone(), &intended(&first.run, AttemptId(0)), first.at)?;
    insert(pen, &item, &first.body)?;
    pen.wrote(&planned, &item)?;
    let attempt = pen.open_attempt(&item, &first.run, first.at)?;
    made.attempt = Some(attempt.0);
    pen.append(first.at, Some(item.id), &Entry::Made(Box::new(made)))?;
    Ok((item, attempt, first.body.clone()))
}

fn intended(run: &RunId, attempt: AttemptId) -> Entry {
    Entry::Intended { run: run.to_string(), attempt: attempt.0 }
}

/// The item of a first intent that is there already. If nothing was done for it, it belongs to whoever sends it now. Its
/// body, amount and reference may still change as long as no request of it ever left; after that the first body stays for
/// ever.
fn take_over(pen: &Pen, first: &First, item: Item) -> Result<Item, JournalError> {
    if item.state != State::Planned {
        return Ok(item);
    }
    let body_sha256 = log::sha256(&first.body);
    if item.attempts == 0 {
        pen.connection()
            .execute(
                "UPDATE item SET body = ?2, body_sha256 = ?3 WHERE id = ?1",
                params![item.id.0, first.body, body_sha256],
            )
            .map_err(failed)?;
    }
    let entry = Entry::TakenOver {
        run: first.run.to_string(),
        job: pen.began(&first.run)?.job,
        amount: first.amount.whole(),
        payment_reference: first.payment_reference.to_string(),
        body_sha256,
    };
    advance(pen, &item, &entry, first.at)
}

/// Makes a new item of which nothing was sent.
pub(super) fn make(pen: &Pen, made: Made, body: &[u8], at: Timestamp) -> Result<Item, JournalError> {
    let item = log::made(pen.next_item()?, &made, at)?;
    insert(pen, &item, body)?;
    pen.append(at, Some(item.id), &Entry::Made(Box::new(made)))?;
    Ok(item)
}

fn insert(pen: &Pen, item: &Item, body: &[u8]) -> Result<(), JournalError> {
    let identity = &item.identity;
    pen.connection()
        .prepare_cached(
            "INSERT OR FAIL INTO item (environment, client_id, operation, invoice, generation, amount, request_id, \
             payment_reference, refund_reference, body, body_sha256, state, reason, attempts, first_intent_at, \
             last_sent_at, facts, job, run) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                identity.account.environment.word(),
                identity.account.client_id.as_str(),
                identity.account.operation.word(),
                identity.invoice.as_str(),
                identity.generation,
                item.amount.whole().cast_signed(),
                item.request_id.as_str(),
                item.payment_reference.as_str(),
                item.refund_reference.as_ref().map(MerchantReference::as_str),
                body,
                item.body_sha256,
                item.state.word(),
                item.reason,
                item.attempts,
                time::stored(item.first_intent_at),
                time::stored(item.last_sent_at),
                facts_text(&item.facts),
                item.job,
                item.run.as_str(),
            ])
        })
        .map_err(taken)?;
    if pen.connection().last_insert_rowid() != item.id.0 {
        return Err(JournalError::Write("an item has another number than was to be expected".into()));
    }
    pen.numbered(item.id);
    Ok(())
}

/// Lets something happen to an item: the entry goes into the log, and the item becomes what the log says of it.
pub(super) fn advance(pen: &Pen, before: &Item, entry: &Entry, at: Timestamp) -> Result<Item, JournalError> {
    let after = log::fold(before.clone(), entry, at)?;
    pen.append(at, Some(after.id), entry)?;
    if after == *before {
        return Ok(after);
    }
    pen.wrote(before, &after)?;
    // What stays is not written: each column that is would be looked at by its triggers, and put into its indexes anew.
    if (&after.job, &after.run, after.amount, &after.payment_reference)
        != (&before.job, &before.run, before.amount, &before.payment_reference)
    {
        pen.connection()
            .prepare_cached(
                "UPDATE OR FAIL item SET job = ?2, run = ?3, amount = ?4, payment_reference = ?5 WHERE id = ?1",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    after.id.0,
                    after.job,
                    after.run.as_str(),
                    after.amount.whole().cast_signed(),
                    after.payment_reference.as_str(),
                ])
            })
            .map_err(failed)?;
    }
    if (after.first_intent_at, after.last_sent_at) != (before.first_intent_at, before.last_sent_at) {
        pen.connection()
            .prepare_cached("UPDATE OR FAIL item SET first_intent_at = ?2, last_sent_at = ?3 WHERE id = ?1")
            .and_then(|mut statement| {
                let (first, last) = (time::stored(after.first_intent_at), time::stored(after.last_sent_at));
                statement.execute(params![after.id.0, first, last])
            })
            .map_err(failed)?;
    }
    pen.connection()
        .prepare_cached(
            "UPDATE OR FAIL item SET state = ?2, reason = ?3, attempts = ?4, settled_at = ?5, facts = ?6 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                after.id.0,
                after.state.word(),
                after.reason,
                after.attempts,
                after.settled_at.map(time::stored),
                facts_text(&after.facts),
            ])
        })
        .map_err(failed)?;
    Ok(after)
}

/// Closes an attempt with what it proved.
pub(super) fn close_attempt(pen: &Pen, record: &OutcomeRecord) -> Result<State, JournalError> {
    let item = pen.item_of(record.attempt)?;
    let outcome = &record.reading.outcome;
    let event = match outcome {
        Outcome::Applied => Event::Applied,
        Outcome::Already => Event::Already,
        Outcome::Refused(Refusal::Http(_)) => Event::TurnedAway,
        Outcome::Refused(_) => Event::Refused,
        Outcome::Throttled(SignatureCheck::Valid) | Outcome::NotSent(_) => Event::NothingDone,
        Outcome::Throttled(_) | Outcome::Ambiguous(_) => Event::NoProof,
    };
    let wire = if matches!(outcome, Outcome::NotSent(_)) { Wire::NeverLeft } else { Wire::Left };
    let answer = Evidence::of(&record.exchange);
    let facts = &record.reading.facts;
    end_attempt(pen, record.attempt, record.at, outcome.word(), &outcome.reason(), facts, &answer)?;
    let entry = Entry::Ended {
        attempt: record.attempt.0,
        event,
        wire,
        reason: outcome.reason(),
        facts: facts.clone(),
        answer_sha256: answer.sha256(),
    };
    advance(pen, &item, &entry, record.at).map(|item| item.state)
}

fn end_attempt(
    pen: &Pen,
    attempt: AttemptId,
    at: Timestamp,
    outcome: &str,
    reason: &str,
    facts: &Facts,
    answer: &Evidence<'_>,
) -> Result<(), JournalError> {
    pen.connection()
        .prepare_cached(
            "UPDATE OR FAIL attempt SET ended_at = ?2, outcome = ?3, reason = ?4, facts = ?5, answer_headers = ?6, \
             answer_body = ?7 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                attempt.0,
                time::stored(at),
                outcome,
                reason,
                facts_text(facts),
                answer.headers,
                answer.body
            ])
        })
        .map(drop)
        .map_err(failed)
}

/// Records an inquiry with what it proved.
pub(super) fn inquired(pen: &Pen, inquiry: &InquiryResult) -> Result<State, JournalError> {
    let (event, outcome) = match inquiry.inquiry {
        Inquiry::Applied => (Event::Applied, "applied"),
        Inquiry::Already => (Event::Already, "already"),
        Inquiry::NoProof => (Event::NoProof, "no_proof"),
    };
    let answer = Evidence::of(&inquiry.exchange);
    pen.connection()
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
                answer.headers,
                answer.body
            ],
        )
        .map_err(failed)?;
    let attempt = pen.connection().last_insert_rowid();
    let entry = Entry::Inquired { attempt, event, facts: inquiry.facts.clone(), answer_sha256: answer.sha256() };
    advance(pen, &pen.load(inquiry.item)?, &entry, inquiry.at).map(|item| item.state)
}

/// Hands an unknown item over to a person.
pub(super) fn give_up(pen: &Pen, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
    advance(pen, &pen.load(item)?, &Entry::GaveUp, at).map(|item| item.state)
}

/// Closes what a stopped program left open: its requests may have left, so their items are unknown.
pub(super) fn recover(pen: &Pen, at: Timestamp) -> Result<u64, JournalError> {
    let open: Vec<(i64, i64)> = pen
        .connection()
        .prepare("SELECT id, item FROM attempt WHERE ended_at IS NULL ORDER BY id")
        .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(failed)?;
    for (attempt, item) in &open {
        let item = pen.load(ItemId(*item))?;
        let (outcome, reason) = (Outcome::Ambiguous(Doubt::Crash), Doubt::Crash.word());
        end_attempt(pen, AttemptId(*attempt), at, outcome.word(), &reason, &Facts::default(), &Evidence::NONE)?;
        let facts = item.facts.clone();
        let (event, wire) = (Event::NoProof, Wire::Left);
        let entry = Entry::Ended { attempt: *attempt, event, wire, reason, facts, answer_sha256: None };
        advance(pen, &item, &entry, at)?;
    }
    Ok(open.len() as u64)
}

/// Records that a notification contradicts what is known; the same status a second time says nothing new.
pub(super) fn contradict(pen: &Pen, found: &Contradiction) -> Result<State, JournalError> {
    let item = pen.load(found.item)?;
    let known: bool = pen
        .connection()
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM event WHERE item = ?1 AND json_extract(data, '$.kind') = 'contradicted' \
             AND json_extract(data, '$.status') = ?2)",
        )
        .and_then(|mut statement| statement.query_row(params![item.id.0, found.status], |row| row.get(0)))
        .map_err(failed)?;
    if known {
        return Ok(item.state);
    }
    let (notification, status) = (found.notification.clone(), found.status.clone());
    let entry = Entry::Contradicted { notification, status, event: found.event };
    advance(pen, &item, &entry, found.at).map(|item| item.state)
}

/// Records a person's ruling; an item that is still unknown is handed over first.
pub(super) fn rule(pen: &Pen, item: ItemId, ruled: &Ruled, at: Timestamp) -> Result<State, JournalError> {
    let mut item = pen.load(item)?;
    if item.state == State::Unknown {
        item = advance(pen, &item, &Entry::GaveUp, at)?;
    }
    advance(pen, &item, &Entry::Ruled(ruled.clone()), at).map(|item| item.state)
}

/// Records that the work goes on. If a person says so, every unknown item comes before a person too.
pub(super) fn accept(pen: &Pen, acceptance: &Acceptance, at: Timestamp) -> Result<(), JournalError> {
    let Acceptance { found, lost_since, reason } = acceptance.clone();
    let entry = Entry::Accepted { found, lost_since: lost_since.map(time::stored), reason };
    pen.append(at, None, &entry)?;
    if acceptance.reason.is_empty() {
        return Ok(());
    }
    recover(pen, at)?;
    for item in in_doubt(pen.connection()).map_err(failed)? {
        if item.state == State::Unknown {
            advance(pen, &item, &Entry::GaveUp, at)?;
        }
    }
    Ok(())
}

/// Makes the next generation of an item that had no effect. It has no body yet: the run that sends it makes one.
pub(super) fn reopen(pen: &Pen, item: ItemId, reopened: &Reopened, at: Timestamp) -> Result<Item, JournalError> {
    let item = pen.load(item)?;
    let made = log::next_generation(&item, reopened.clone())?;
    make(pen, made, b"", at)
}

/// What came back, as it is kept.
struct Evidence<'a> {
    headers: Option<String>,
    body: Option<&'a [u8]>,
}

impl<'a> Evidence<'a> {
    const NONE: Self = Self { headers: None, body: None };

    fn of(exchange: &'a Exchange) -> Self {
        match exchange {
            Exchange::Answered(answer) => Self {
                headers: Some(serde_json::to_string(&answer.headers).expect("headers are pairs of texts")),
                body: Some(answer.body.as_slice()),
            },
            Exchange::NotSent(_) | Exchange::TimedOut | Exchange::Lost(_) | Exchange::TooLong => Self::NONE,
        }
    }

    fn sha256(&self) -> Option<String> {
        answer_sha256(self.headers.as_deref(), self.body)
    }
}

/// The SHA-256 of an answer as it is kept; `None` if there was none.
pub(super) fn answer_sha256(headers: Option<&str>, body: Option<&[u8]>) -> Option<String> {
    let (headers, body) = (headers?, body?);
    Some(log::sha256(&[headers.as_bytes(), b"\0", body].concat()))
}

fn facts_text(facts: &Facts) -> String {
    serde_json::to_string(facts).expect("facts are text and numbers")
}
