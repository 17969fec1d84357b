//! What the journal knows of the calls of late, of all jobs and operations of a merchant: enough for a new run to go on at the
//! pace of the one before it, and to know that the one before it was stopped.

use std::time::Duration;

use crate::doku::answer::{LONGEST_RETRY_AFTER, retry_after};
use crate::doku::exchange::Answer;
use crate::model::outcome::{Facts, SignatureCheck};
use crate::model::time::{Timestamp, elapsed};

/// The latest calls of a merchant's account, and how its runs ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The calls, from the oldest to the newest.
    pub calls: Vec<PastCall>,
    /// Whether the last run was cut off. What it had asked for at that moment is not in the journal.
    pub was_cut_off: bool,
    /// Why a run was stopped for the provider's sake, in the words of the log, if nothing has been proved since.
    pub stopped: Option<String>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCall {
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When its answer was recorded; `None` if there was none.
    pub answered_at: Option<Timestamp>,
    /// What the answer was worth.
    pub said: Said,
    /// How long the provider asked everybody to wait, as it is heeded.
    pub retry_after: Option<Duration>,
}

/// What an answer was worth to the pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It proved something.
    Well,
    /// 429.
    TooMany,
    /// Anything else, or nothing.
    Else,
}

/// While a wait that was asked for is in force nothing more is sent, so that the answer that asked for it is among the last
/// ones: as many as can be under way at once, and more.
const ANSWERS: usize = 1024;

/// A call takes at most about so long from its sending to its answer.
const LONGEST_CALL: Duration = Duration::from_secs(5 * 60);

/// What was asked for longer ago than this is not looked for any more.
pub(in crate::journal) const REMEMBERED: Duration =
    Duration::from_secs(LONGEST_RETRY_AFTER.as_secs() + LONGEST_CALL.as_secs());

/// How far back is looked.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Reach {
    /// Calls count for this long ...
    pub(in crate::journal) memory: Duration,
    /// ... and so many of them at most.
    pub(in crate::journal) most: usize,
}

/// Looks back, from the newest call on, no further than calls matter.
pub(in crate::journal) struct LookingBack {
    reach: Reach,
    now: Timestamp,
    /// The last run that was stopped for the provider's sake, and why.
    stopped: Option<(String, String)>,
    reached_stop: bool,
    proved: bool,
    calls: Vec<PastCall>,
}

impl LookingBack {
    pub(in crate::journal) fn new(reach: Reach, now: Timestamp, stopped: Option<(String, String)>) -> Self {
        Self { reach, now, reached_stop: stopped.is_none(), stopped, proved: false, calls: Vec::new() }
    }

    fn counts(&self, sent_at: Timestamp) -> bool {
        elapsed(sent_at, self.now) < self.reach.memory && self.calls.len() < self.reach.most
    }

    fn may_hold(&self, sent_at: Timestamp) -> bool {
        elapsed(sent_at, self.now) < REMEMBERED && self.calls.len() < ANSWERS
    }

    /// Whether a call that was sent then matters, or one before it.
    pub(in crate::journal) fn wants(&self, sent_at: Timestamp) -> bool {
        self.counts(sent_at) || self.may_hold(sent_at) || !self.reached_stop
    }

    /// Takes the next call, which this run has made.
    pub(in crate::journal) fn take(&mut self, run: &str, call: PastCall) {
        if let Some((by, _)) = self.stopped.as_ref().filter(|_| !self.reached_stop) {
            self.reached_stop = run == by;
            self.proved |= !self.reached_stop && call.said == Said::Well;
            self.reached_stop |= self.proved;
        }
        if self.counts(call.sent_at) || self.may_hold(call.sent_at) {
            self.calls.push(call);
        }
    }

    /// What was found.
    pub(in crate::journal) fn finish(mut self, was_cut_off: bool) -> Past {
        self.calls.reverse();
        let stopped = self.stopped.filter(|_| !self.proved).map(|(_, why)| why);
        Past { calls: self.calls, was_cut_off, stopped }
    }
}

/// A call as a store keeps it; `None` if it cannot be read.
pub(in crate::journal) fn call(
    sent_at: Timestamp,
    ended_at: Option<Timestamp>,
    outcome: &str,
    facts: &Facts,
    headers: Option<&str>,
) -> Option<PastCall> {
    let is_signed = facts.signature == SignatureCheck::Valid;
    let said = match (outcome, facts.http_status) {
        (_, Some(429)) => Said::TooMany,
        ("applied" | "already" | "refused", _) => Said::Well,
        ("no_proof", Some(200 | 404)) if is_signed => Said::Well,
        _ => Said::Else,
    };
    let mut wait = None;
    // Only few answers have the header, and only these are parsed.
    if let (Some(ended_at), Some(headers)) = (ended_at, headers)
        && headers.contains("retry-after")
    {
        let headers = serde_json::from_str(headers).ok()?;
        let answer = Answer { status: facts.http_status.unwrap_or_default(), headers, body: Vec::new() };
        wait = retry_after(&answer, ended_at);
    }
    // An answer whose time is that of the next start was not there: the run was cut off.
    let answered_at = ended_at.filter(|_| facts.http_status.is_some());
    Some(PastCall { sent_at, answered_at, said, retry_after: wait })
}
