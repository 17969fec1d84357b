//! Items and attempts: every change of an item is an entry of the log, and the item becomes what the log says of it.

use std::sync::Arc;

use super::days::{counted_on, date};
use super::desk::{Asked, Desk, Ended};
use super::evidence::{Evidence, headers_text};
use crate::doku::status::Inquiry;
use crate::journal::JournalError;
use crate::journal::log::{self, Entry, Made, Reopened, Ruled, Wire};
use crate::journal::record::{
    Acceptance, AttemptId, Contradiction, First, InquiryResult, Intent, Item, ItemId, OutcomeRecord,
};
use crate::journal::state::{Event, State};
use crate::model::ids::RunId;
use crate::model::outcome::{Doubt, Facts, Outcome, Refusal, SignatureCheck};
use crate::model::time::{self, Timestamp};

/// Records that a request is about to be sent; the caller's commit makes it durable.
pub(super) fn intend(desk: &impl Desk, intent: &Intent) -> Result<(Item, AttemptId, Vec<u8>), JournalError> {
    let (run, at, item) = match intent {
        Intent::Again { run, item, at } => (run, *at, desk.load(*item)?),
        Intent::First(first) => match begin(desk, first) {
            // Mostly there is none: it is looked for once the index has found one, or the day is full.
            Err(refused @ (JournalError::Taken | JournalError::Capped(_))) => {
                let item = desk.find(&first.identity)?.ok_or(refused)?;
                (&first.run, first.at, take_over(desk, first, item)?)
            }
            begun => return begun,
        },
    };
    if item.state == State::Planned {
        refuse_beyond(desk, run, &item, at)?;
    }
    let attempt = desk.open_attempt(&item, run, at)?;
    let item = advance(desk, &item, &intended(run, attempt), at)?;
    let body = desk.body(item.id)?;
    if *log::sha256(&body) != *item.body_sha256 {
        return Err(JournalError::Write(format!(
            "the body of {} is not the one that was logged",
            item.identity.invoice
        )));
    }
    Ok((item, attempt, body))
}

/// Makes a new item with its first intent: the log says both in one entry, and the item is written once.
fn begin(desk: &impl Desk, first: &First) -> Result<(Item, AttemptId, Vec<u8>), JournalError> {
    let planned = log::planned(desk.next_item()?, first, desk.began(&first.run)?.job);
    refuse_beyond(desk, &first.run, &planned, first.at)?;
    // What an intent makes of an item does not hang on the number of the attempt, which has to name the item.
    let item = log::fold(planned.clone(), &intended(&first.run, AttemptId(0)), first.at)?;
    desk.insert(&item, &first.body)?;
    count(desk, &planned, &item)?;
    let attempt = desk.open_attempt(&item, &first.run, first.at)?;
    let made = Made { attempt: Some(attempt.0), ..Made::of(&planned) };
    desk.append(first.at, Some(item.id), &Entry::Made(Box::new(made)))?;
    Ok((item, attempt, first.body.clone()))
}

pub(super) fn intended(run: &RunId, attempt: AttemptId) -> Entry {
    Entry::Intended { run: run.shared(), attempt: attempt.0 }
}

/// The item of a first intent that is there already. If nothing was done for it, it belongs to whoever sends it now. Its
/// body, amount and reference may still change as long as no request of it ever left; after that the first body stays for
/// ever.
fn take_over(desk: &impl Desk, first: &First, item: Item) -> Result<Item, JournalError> {
    if item.state != State::Planned {
        // What another run has begun since this one was planned, that run answers for.
        return if item.run == first.run { Ok(item) } else { Err(JournalError::Taken) };
    }
    let body_sha256 = log::sha256(&first.body);
    if item.attempts == 0 {
        desk.replace_body(item.id, &first.body, &body_sha256)?;
    }
    let entry = Entry::TakenOver {
        run: first.run.to_string(),
        job: desk.began(&first.run)?.job,
        amount: first.amount.whole(),
        payment_reference: first.payment_reference.to_string(),
        body_sha256: body_sha256.into(),
    };
    advance(desk, &item, &entry, first.at)
}

/// Makes a new item of which nothing was sent.
fn make(desk: &impl Desk, made: Made, body: &[u8], at: Timestamp) -> Result<Item, JournalError> {
    let item = log::made(desk.next_item()?, &made, at)?;
    desk.insert(&item, body)?;
    desk.append(at, Some(item.id), &Entry::Made(Box::new(made)))?;
    Ok(item)
}

/// Refuses an intent that would break a cap of its run. From its first intent on an order counts: what two runs or an
/// edited plan would do together is seen nowhere but here.
fn refuse_beyond(desk: &impl Desk, run: &RunId, item: &Item, at: Timestamp) -> Result<(), JournalError> {
    let caps = desk.began(run)?.caps;
    if caps.are_absent() {
        return Ok(());
    }
    let today = desk.begun(&item.identity.account, at)?;
    match caps.broken_by(&date(at), today, item.amount) {
        None => Ok(()),
        Some(why) => Err(JournalError::Capped(why)),
    }
}

/// Keeps the sum of a day in step with an item.
fn count(desk: &impl Desk, before: &Item, after: &Item) -> Result<(), JournalError> {
    counted_on(before, after).map_or(Ok(()), |(item, by)| desk.count(item, by))
}

/// Lets something happen to an item: the entry goes into the log, and the item becomes what the log says of it.
pub(super) fn advance(desk: &impl Desk, before: &Item, entry: &Entry, at: Timestamp) -> Result<Item, JournalError> {
    let after = log::fold(before.clone(), entry, at)?;
    desk.append(at, Some(after.id), entry)?;
    if after == *before {
        return Ok(after);
    }
    count(desk, before, &after)?;
    desk.update(before, &after)?;
    Ok(after)
}

/// Closes an attempt with what it proved.
pub(super) fn close_attempt(desk: &impl Desk, record: &OutcomeRecord) -> Result<State, JournalError> {
    let item = desk.item_of(record.attempt)?;
    let outcome = &record.reading.outcome;
    let (event, wire) = meaning(outcome);
    let headers = headers_text(&record.exchange);
    let answer = Evidence::of(&record.exchange, headers.as_deref());
    let (facts, reason) = (&record.reading.facts, outcome.reason());
    let end = Ended { at: record.at, outcome: outcome.word(), reason: &reason, facts, answer };
    desk.end_attempt(record.attempt, &end)?;
    let entry = Entry::Ended {
        attempt: record.attempt.0,
        event,
        wire,
        facts: facts.clone(),
        reason,
        answer_sha256: answer.sha256(),
    };
    advance(desk, &item, &entry, record.at).map(|item| item.state)
}

/// What the outcome of an attempt means for its item, and whether a request may have left.
pub(super) const fn meaning(outcome: &Outcome) -> (Event, Wire) {
    let event = match outcome {
        Outcome::Applied => Event::Applied,
        Outcome::Already => Event::Already,
        Outcome::Refused(Refusal::Http(_)) => Event::TurnedAway,
        Outcome::Refused(_) => Event::Refused,
        Outcome::Throttled(SignatureCheck::Valid) | Outcome::NotSent(_) => Event::NothingDone,
        Outcome::Throttled(_) | Outcome::Ambiguous(_) => Event::NoProof,
    };
    let wire = if matches!(outcome, Outcome::NotSent(_)) { Wire::NeverLeft } else { Wire::Left };
    (event, wire)
}

/// Records an inquiry with what it proved.
pub(super) fn inquired(desk: &impl Desk, inquiry: &InquiryResult) -> Result<State, JournalError> {
    let (event, outcome) = match inquiry.inquiry {
        Inquiry::Applied => (Event::Applied, "applied"),
        Inquiry::Already => (Event::Already, "already"),
        Inquiry::NoProof => (Event::NoProof, "no_proof"),
    };
    let headers = headers_text(&inquiry.exchange);
    let answer = Evidence::of(&inquiry.exchange, headers.as_deref());
    let reason = inquiry.facts.payment_status.as_deref().unwrap_or_default();
    let end = Ended { at: inquiry.at, outcome, reason, facts: &inquiry.facts, answer };
    let InquiryResult { item, run, request_id, sent_at, .. } = inquiry;
    let asked = Asked { item: *item, run, kind: "inquiry", request_id, sent_at: *sent_at };
    let attempt = desk.add_ended(&asked, &end)?.0;
    let entry = Entry::Inquired { attempt, event, facts: inquiry.facts.clone(), answer_sha256: answer.sha256() };
    advance(desk, &desk.load(inquiry.item)?, &entry, inquiry.at).map(|item| item.state)
}

/// Hands an unknown item over to a person.
pub(super) fn give_up(desk: &impl Desk, item: ItemId, at: Timestamp) -> Result<State, JournalError> {
    advance(desk, &desk.load(item)?, &Entry::GaveUp, at).map(|item| item.state)
}

/// Closes what a stopped program left open: its requests may have left, so their items are unknown.
pub(super) fn recover(desk: &impl Desk, at: Timestamp) -> Result<u64, JournalError> {
    let open = desk.left_open()?;
    for (attempt, item) in &open {
        let item = desk.load(*item)?;
        let (outcome, reason) = (Outcome::Ambiguous(Doubt::Crash), Doubt::Crash.word());
        let nothing = Arc::new(Facts::default());
        let end = Ended { at, outcome: outcome.word(), reason: &reason, facts: &nothing, answer: Evidence::NONE };
        desk.end_attempt(*attempt, &end)?;
        let facts = item.facts.clone();
        let (event, wire) = (Event::NoProof, Wire::Left);
        let entry = Entry::Ended { attempt: attempt.0, event, wire, reason, facts, answer_sha256: None };
        advance(desk, &item, &entry, at)?;
    }
    Ok(open.len() as u64)
}

/// Records that a notification contradicts what is known; the same status a second time says nothing new.
pub(super) fn contradict(desk: &impl Desk, found: &Contradiction) -> Result<State, JournalError> {
    let item = desk.load(found.item)?;
    if desk.was_contradicted(item.id, &found.status)? {
        return Ok(item.state);
    }
    let (notification, status) = (found.notification.clone(), found.status.clone());
    let entry = Entry::Contradicted { notification, status, event: found.event };
    advance(desk, &item, &entry, found.at).map(|item| item.state)
}

/// Records a person's ruling; an item that is still unknown is handed over first.
pub(super) fn rule(desk: &impl Desk, item: ItemId, ruled: &Ruled, at: Timestamp) -> Result<State, JournalError> {
    let mut item = desk.load(item)?;
    if item.state == State::Unknown {
        item = advance(desk, &item, &Entry::GaveUp, at)?;
    }
    advance(desk, &item, &Entry::Ruled(ruled.clone()), at).map(|item| item.state)
}

/// Records that the work goes on. If a person says so, every unknown item comes before a person too.
pub(super) fn accept(desk: &impl Desk, acceptance: &Acceptance, at: Timestamp) -> Result<(), JournalError> {
    let Acceptance { found, lost_since, reason } = acceptance.clone();
    let entry = Entry::Accepted { found, lost_since: lost_since.map(time::stored), reason };
    desk.append(at, None, &entry)?;
    if acceptance.reason.is_empty() {
        return Ok(());
    }
    recover(desk, at)?;
    for item in desk.in_doubt()? {
        if item.state == State::Unknown {
            advance(desk, &item, &Entry::GaveUp, at)?;
        }
    }
    Ok(())
}

/// Makes the next generation of an item that had no effect. It has no body yet: the run that sends it makes one.
pub(super) fn reopen(desk: &impl Desk, item: ItemId, reopened: &Reopened, at: Timestamp) -> Result<Item, JournalError> {
    let item = desk.load(item)?;
    let made = log::next_generation(&item, reopened.clone())?;
    make(desk, made, b"", at)
}
