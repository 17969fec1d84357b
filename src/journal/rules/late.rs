//! Outcomes that could not be written when they came: the journal was out of reach, or others had taken over. They are kept in
//! a file, and taken in when somebody writes again.
//!
//! What a runner brings that counts as lost is evidence all the same, for DOKU has signed it. If its attempt is still open, it
//! ends as it did. If somebody has closed it meanwhile, as one of which nobody knows, a proof is added as an attempt of its own,
//! and the state machine says what comes of it; what proves nothing adds nothing.
//!
//! A journal that was put back may have lost the attempt, and has given its number to another one: then the request's key finds
//! the order. If that is lost too, or nothing is known to have left for it, the outcome waits: whoever asks for the order
//! again does so with the same key.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::desk::{Asked, Desk, Ended, Standing};
use super::evidence::{Evidence, headers_text};
use super::items::{advance, intended, meaning};
use crate::doku::exchange::Exchange;
use crate::journal::JournalError;
use crate::journal::log::{Entry, Wire};
use crate::journal::record::{AttemptId, Item, OutcomeRecord};
use crate::journal::state::{Event, State, next};
use crate::model::ids::RunId;
use crate::model::money::Rupiah;
use crate::model::outcome::Facts;
use crate::model::time::{Timestamp, parse_instant, stored};

/// An outcome, as a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    run: String,
    attempt: i64,
    /// When the request left. Older versions did not say.
    #[serde(default)]
    sent_at: Option<String>,
    /// When the first request with its key left: DOKU remembers the key since then. Older versions did not say.
    #[serde(default)]
    first_sent_at: Option<String>,
    /// Which order that was. Older versions did not say.
    #[serde(default)]
    order: Option<Order>,
    /// The item's, so that the outcome of another journal is known for what it is.
    request_id: String,
    at: String,
    outcome: String,
    event: Event,
    wire: Wire,
    reason: String,
    facts: Arc<Facts>,
    answer_headers: Option<String>,
    /// In base64.
    answer_body: Option<String>,
}

/// The order of an outcome, for people: the journal may have lost it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Order {
    job: String,
    invoice: String,
    rupiah: u64,
}

/// What came of an outcome that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenIn {
    /// The item is this now.
    Became(State),
    /// It says nothing that is not known.
    Known(State),
    /// A person has decided meanwhile, or has to: it has to be looked at.
    TooLate(State),
    /// The journal has lost the order, or every request for it.
    Missing,
    /// The same, and it does not know the run either: it has lost that too, or is another journal.
    Strange,
}

impl Late {
    /// The outcome of a request that a run has sent for an item, as it was then.
    pub(in crate::journal) fn of(record: &OutcomeRecord, run: &RunId, item: &Item) -> Self {
        let (event, wire) = meaning(&record.reading.outcome);
        let body = match &record.exchange {
            Exchange::Answered(answer) => Some(STANDARD.encode(&answer.body)),
            Exchange::NotSent(_)
            | Exchange::Withheld(_)
            | Exchange::TimedOut
            | Exchange::Lost(_)
            | Exchange::TooLong => None,
        };
        Self {
            run: run.to_string(),
            attempt: record.attempt.0,
            sent_at: Some(stored(item.last_sent_at)),
            first_sent_at: Some(stored(item.first_intent_at)),
            order: Some(Order {
                job: item.job.to_string(),
                invoice: item.identity.invoice.to_string(),
                rupiah: item.amount.whole(),
            }),
            request_id: item.request_id.to_string(),
            at: stored(record.at),
            outcome: record.reading.outcome.word().to_owned(),
            event,
            wire,
            reason: record.reading.outcome.reason(),
            facts: record.reading.facts.clone(),
            answer_headers: headers_text(&record.exchange),
            answer_body: body,
        }
    }

    /// The attempt.
    pub(in crate::journal) const fn attempt(&self) -> AttemptId {
        AttemptId(self.attempt)
    }

    /// The run that has sent it.
    pub(in crate::journal) fn run(&self) -> &str {
        &self.run
    }

    /// The key of the request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// What is to be told of it.
    #[must_use]
    pub fn told(&self) -> String {
        format!("attempt {} of {}: {}", self.attempt, self.run, self.outcome)
    }

    /// The order; its key if nothing else is known of it.
    #[must_use]
    pub fn order(&self) -> &str {
        self.order.as_ref().map_or(&self.request_id, |order| &order.invoice)
    }

    /// The rupiah that it is about; none if that is not known.
    #[must_use]
    pub fn amount(&self) -> Rupiah {
        Rupiah::new(self.order.as_ref().map_or(0, |order| order.rupiah))
    }

    /// When the first request with its key left, as far as it says.
    #[must_use]
    pub fn first_sent_at(&self) -> Option<Timestamp> {
        self.first_sent_at.as_deref().and_then(parse_instant)
    }

    /// Whether its order may be one of this job.
    #[must_use]
    pub fn may_be_of(&self, job: &str) -> bool {
        self.order.as_ref().is_none_or(|order| order.job == job)
    }

    /// Whether the request has done something at the provider, or nobody knows.
    #[must_use]
    pub const fn may_have_moved_money(&self) -> bool {
        match self.event {
            Event::Applied | Event::Already | Event::NoProof | Event::Intended => true,
            Event::Refused | Event::TurnedAway | Event::NothingDone => false,
            Event::GivenUp | Event::RuledDone | Event::RuledNotDone => false,
        }
    }

    fn proves(&self) -> bool {
        matches!(self.event, Event::Applied | Event::Already | Event::Refused)
    }
}

/// Takes an outcome in.
pub(super) fn take_in(desk: &impl Desk, late: &Late) -> Result<TakenIn, JournalError> {
    let odd = |what: &str| JournalError::Write(format!("{}: {what}", late.told()));
    let at = parse_instant(&late.at).ok_or_else(|| odd("it has no time"))?;
    let run = RunId::new(&late.run).or(Err(odd("it has no run")))?;
    let body = late.answer_body.as_ref().map(|text| STANDARD.decode(text)).transpose();
    let body = body.or(Err(odd("its answer cannot be read")))?;
    let answer = Evidence { headers: late.answer_headers.as_deref(), body: body.as_deref() };
    let end = Ended { at, outcome: &late.outcome, reason: &late.reason, facts: &late.facts, answer };
    let (item, attempt) = match desk.attempt(late.attempt())? {
        Some((item, Standing::Open)) if is_of(late, &item) => {
            desk.end_attempt(late.attempt(), &end)?;
            (item, late.attempt())
        }
        _ => {
            let Some(item) = desk.of_key(&late.request_id)? else {
                return Ok(if desk.began(&run).is_ok() { TakenIn::Missing } else { TakenIn::Strange });
            };
            let Some(sha256) = answer.sha256().filter(|_| late.proves()) else {
                let is_lost = item.state == State::Planned && late.may_have_moved_money();
                return Ok(if is_lost { TakenIn::Missing } else { TakenIn::Known(item.state) });
            };
            if desk.knows_answer(item.id, &sha256)? {
                return Ok(TakenIn::Known(item.state));
            }
            let sent_at = late.sent_at.as_deref().and_then(parse_instant).unwrap_or(at);
            let asked = Asked { item: item.id, run: &run, kind: "send", request_id: &item.request_id, sent_at };
            // Nothing is known to have left for it. But for the answer nobody would know that something has.
            let began = item.state == State::Planned;
            let state = if began { State::Intent } else { item.state };
            if next(state, late.event).is_err() {
                return Ok(TakenIn::TooLate(item.state));
            }
            let attempt = desk.add_ended(&asked, &end)?;
            let item = if began { advance(desk, &item, &intended(&run, attempt), sent_at)? } else { item };
            (item, attempt)
        }
    };
    let entry = Entry::Ended {
        attempt: attempt.0,
        event: late.event,
        wire: late.wire,
        reason: late.reason.clone(),
        facts: late.facts.clone(),
        answer_sha256: answer.sha256(),
    };
    advance(desk, &item, &entry, at).map(|item| TakenIn::Became(item.state))
}

/// Whether an attempt that is open for an item is the one: its number may be another's in a journal that was put back.
fn is_of(late: &Late, item: &Item) -> bool {
    let is_sent_then = |sent_at: &String| *sent_at == stored(item.last_sent_at);
    item.request_id.as_str() == late.request_id && late.sent_at.as_ref().is_none_or(is_sent_then)
}
