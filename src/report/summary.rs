//! summary.json, version 1: all totals of a run or an audit (`DESIGN` 11.12).

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::extent::Extent;
use super::hosts::WorkedOn;
use super::inputs::Inputs;
use super::limits::LimitsSeen;
use super::words::Words;
use super::words::speech::Speech;
use crate::journal::cause::Cause;
use crate::journal::history::Overridden;
use crate::journal::history::PlanUse;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::parse_instant;
use crate::model::verdict::Verdict;
use crate::plan::Dispositions;
use crate::plan::guard::Reading;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::severity::Level;
use crate::reconcile::total::{DayTotal, Identity};

/// The totals of a run or an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// 1.
    pub version: u8,
    /// The job.
    pub job: String,
    /// What it did.
    pub operation: String,
    /// Where.
    pub environment: String,
    /// The run.
    pub run: String,
    /// When it started, UTC.
    pub started_at: String,
    /// When it ended, UTC.
    pub finished_at: String,
    /// What the program exits with.
    pub exit_code: u8,
    /// Why it stopped before its end, as a sentence; `None` if it did not.
    #[serde(serialize_with = "in_english")]
    pub stopped: Option<Cause>,
    /// The input.
    pub rows: Tally,
    /// Rows per state.
    pub states: BTreeMap<&'static str, Tally>,
    /// Rows per disposition; an audit has none.
    pub dispositions: Dispositions,
    /// Orders per verdict.
    pub verdicts: BTreeMap<&'static str, Tally>,
    /// The verdicts that are worth a warning, or an error: the job's `reconcile.severity`.
    pub severity: BTreeMap<&'static str, Level>,
    /// Orders per verdict and reason; only what occurs is there.
    pub reasons: BTreeMap<&'static str, BTreeMap<String, Tally>>,
    /// Orders that proof is awaited for, pending and missing, by age.
    pub waiting: BTreeMap<&'static str, Tally>,
    /// The business days that an audit is about, the first and the last; `None`: all.
    pub period: Option<(String, String)>,
    /// The lines of the notification logs, of an audit.
    pub log: Option<LogLines>,
    /// What an audit has read, and by what it has judged; left out of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// What nobody knows: rows of this run, and items of the job that earlier runs left; of an audit, whatever it has read.
    pub in_doubt: Tally,
    /// The part of `in_doubt` that is not in this run's input; of an audit, that none of its rows is judged by.
    pub in_doubt_earlier: Tally,
    /// Orders that the input of an audit does not have and to which runs of ours did something, per state; rupiah as far as
    /// they are known. Left out if there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub done_elsewhere: BTreeMap<&'static str, Tally>,
    /// Lines of the logs per reason.
    pub unmatched: BTreeMap<&'static str, Tally>,
    /// Orders and notifications per business day.
    pub days: Vec<DayTotal>,
    /// Rows in = rows out.
    pub identity: Identity,
    /// Each guard with its headroom.
    pub guards: Vec<Reading>,
    /// What was seen of the provider's limits; an audit has none.
    pub limits: Option<LimitsSeen>,
    /// The guards that were loosened for the run, by whom and why.
    pub overrides: Vec<Overridden>,
    /// Who had customers' data shown in report.html; left out while they are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revealed: Option<Revealed>,
    /// The saved plan that was executed, and whose approvals released it; left out if the run made its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanUse>,
    /// The programs that have worked on a run of several hosts, in the order in which they came; left out of all other runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<WorkedOn>,
    /// The journal's log when this was written; an audit may have none.
    pub journal: Option<JournalHead>,
    /// Name and path of each file that came out, relative to the job's folder.
    pub files: BTreeMap<String, String>,
}

#[expect(clippy::ref_option, reason = "serde hands a field over so")]
fn in_english<S: Serializer>(stopped: &Option<Cause>, serializer: S) -> Result<S::Ok, S::Error> {
    stopped.as_ref().map(Words::cause_in_english).serialize(serializer)
}

/// Somebody asked for customers' data with `--reveal`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revealed {
    /// Who, as far as the system says.
    pub by: String,
    /// When, UTC.
    pub at: String,
}

/// The lines of the notification logs, blank ones left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LogLines {
    /// How many there are.
    pub read: u64,
    /// How many of them are signed by DOKU.
    pub verified: u64,
}

impl LogLines {
    /// Adds so many.
    pub const fn add(&mut self, read: u64, verified: u64) {
        self.read += read;
        self.verified += verified;
    }
}

/// How far the journal's log went: a journal that does not hold this head any more has lost entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalHead {
    /// Number of entries.
    pub entries: i64,
    /// The hash of the last one, in hex.
    pub head: String,
}

/// Totals of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What is counted apart.
    pub what: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// Each word with its total, also where that is zero.
    pub tallies: Vec<(String, Tally)>,
}

impl Summary {
    /// Whether it is of an audit.
    #[must_use]
    pub fn is_audit(&self) -> bool {
        self.operation == Task::Audit.word()
    }

    /// A verdict in words. An audit sends nothing; what is `not_sent` there was not judged.
    #[must_use]
    pub fn verdict_name(&self, verdict: Verdict, words: &Speech) -> String {
        if self.is_audit() { words.audited(verdict) } else { (words.verdict_name)(verdict) }
    }

    /// The days and the time that an audit is about, on a line; a run has none.
    #[must_use]
    pub fn about(&self, words: &Speech) -> Option<String> {
        let as_of = parse_instant(&self.finished_at).map_or_else(|| self.finished_at.clone(), words.time);
        match &self.period {
            _ if !self.is_audit() => None,
            Some((first, last)) => Some((words.business_days)(&(words.date)(first), &(words.date)(last), &as_of)),
            None => Some((words.as_of)(&as_of)),
        }
    }

    /// The orders that an audit was not asked about, on a line; `None` if there is none.
    #[must_use]
    pub fn not_judged(&self, words: &Speech) -> Option<String> {
        let all = self.identity.verdicts.count;
        let left_out = self.left_out().into_iter().map(|(reason, tally)| (words.left_out)(reason, tally.count, all));
        let nothing = (self.extent() == Extent::Nothing).then(|| words.judged_nothing.to_owned());
        let said: Vec<String> = left_out.chain(nothing).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// The totals as tables for people, in their order: rows by state, orders by verdict, and the log's stray lines if there
    /// are any.
    #[must_use]
    pub fn sections(&self, words: &Speech) -> Vec<Section> {
        // An audit sends nothing; what it calls skipped, no run of ours has touched.
        let name = |state: DoneState| match state {
            DoneState::Skipped if self.is_audit() => words.nothing.to_owned(),
            state => (words.state_name)(state),
        };
        let states = DoneState::ALL.into_iter().filter_map(|one| Some((name(one), *self.states.get(one.word())?)));
        let verdicts = Verdict::ALL.into_iter();
        let verdicts =
            verdicts.filter_map(|one| Some((self.verdict_name(one, words), *self.verdicts.get(one.word())?)));
        let strays = UnmatchedReason::ALL.into_iter();
        let strays = strays.filter_map(|one| Some(((words.line_name)(one), *self.unmatched.get(one.word())?)));
        let strays: Vec<(String, Tally)> = strays.collect();
        let state = if self.is_audit() { words.our_runs } else { words.state };
        let mut sections = vec![
            Section { what: state, unit: words.rows, tallies: states.collect() },
            Section { what: words.verdict, unit: words.orders, tallies: verdicts.collect() },
        ];
        if strays.iter().any(|(_, tally)| tally.count > 0) {
            sections.push(Section { what: words.strays, unit: words.lines, tallies: strays });
        }
        sections
    }

    /// The document, indented, with a line end.
    ///
    /// # Panics
    /// Never: it is text and whole numbers.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("text and whole numbers can be written as JSON");
        json.push(b'\n');
        json
    }
}
