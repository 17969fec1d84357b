//! Outcomes that could not be written when they came: the journal was out of reach, or others had taken over. They are kept in
//! a file, and taken in when somebody writes again.
//!
//! What a runner brings that counts as lost is evidence all the same, for DOKU has signed it. If its attempt is still open, it
//! ends as it did. If somebody has closed it meanwhile, as one of which nobody knows, a proof is added as an attempt of its own,
//! and the state machine says what comes of it; what proves nothing adds nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::desk::{Asked, Desk, Ended, Standing};
use super::evidence::{Evidence, headers_text};
use super::items::{advance, meaning};
use crate::doku::exchange::Exchange;
use crate::journal::JournalError;
use crate::journal::log::{Entry, Wire};
use crate::journal::record::{AttemptId, OutcomeRecord};
use crate::journal::state::{Event, State};
use crate::model::ids::{RequestId, RunId};
use crate::model::outcome::Facts;
use crate::model::time::{parse_instant, stored};

/// An outcome, as a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    run: String,
    attempt: i64,
    /// The item's, so that the outcome of another journal is known for what it is.
    request_id: String,
    at: String,
    outcome: String,
    event: Event,
    wire: Wire,
    reason: String,
    facts: Facts,
    answer_headers: Option<String>,
    /// In base64.
    answer_body: Option<String>,
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
}

impl Late {
    /// The outcome of an attempt whose request has this key.
    pub(in crate::journal) fn of(record: &OutcomeRecord, run: &RunId, request_id: &RequestId) -> Self {
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
            request_id: request_id.to_string(),
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

    /// What is to be told of it.
    #[must_use]
    pub fn told(&self) -> String {
        format!("attempt {} of {}: {}", self.attempt, self.run, self.outcome)
    }
}

/// Takes an outcome in.
pub(super) fn take_in(desk: &impl Desk, late: &Late) -> Result<TakenIn, JournalError> {
    let odd = |what: &str| JournalError::Write(format!("{}: {what}", late.told()));
    let (item, standing) = desk.attempt(late.attempt())?;
    if item.request_id.as_str() != late.request_id {
        return Err(odd("it is about an order of another journal"));
    }
    let at = parse_instant(&late.at).ok_or_else(|| odd("it has no time"))?;
    let run = RunId::new(&late.run).or(Err(odd("it has no run")))?;
    let body = late.answer_body.as_ref().map(|text| STANDARD.decode(text)).transpose();
    let body = body.or(Err(odd("its answer cannot be read")))?;
    let answer = Evidence { headers: late.answer_headers.as_deref(), body: body.as_deref() };
    let end = Ended { at, outcome: &late.outcome, reason: &late.reason, facts: &late.facts, answer };
    let attempt = match standing {
        Standing::Open => {
            desk.end_attempt(late.attempt(), &end)?;
            late.attempt()
        }
        Standing::Ended => {
            let proves = matches!(late.event, Event::Applied | Event::Already | Event::Refused);
            let Some(sha256) = answer.sha256().filter(|_| proves) else { return Ok(TakenIn::Known(item.state)) };
            if desk.knows_answer(item.id, &sha256)? {
                return Ok(TakenIn::Known(item.state));
            }
            let may_follow = crate::journal::state::next(item.state, late.event).is_ok();
            if !may_follow {
                return Ok(TakenIn::TooLate(item.state));
            }
            let (run, request_id) = (&run, &item.request_id);
            desk.add_ended(&Asked { item: item.id, run, kind: "send", request_id, sent_at: at }, &end)?
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
