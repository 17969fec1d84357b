//! Exit codes: what the program tells cron.

use crate::job::settings::Reconcile;
use crate::journal::cause::Cause;
use crate::model::fault::Fault;
use crate::model::listing::Unread;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::severity::{Level, level};
use crate::reconcile::total::{Identity, Totals};
use crate::report::words::Words;
use crate::report::words::both::Both;

/// Done, and everything reconciles.
pub(super) const DONE: u8 = 0;
/// Done, with refused rows or verdicts that need a person.
pub(super) const LOOK: u8 = 1;
/// Could not start; nothing was sent.
pub(super) const REFUSED: u8 = 2;
/// Money is in doubt.
pub(super) const DOUBT: u8 = 3;
/// Stopped part-way.
pub(super) const STOPPED: u8 = 4;
/// Another runner holds the lock.
pub(super) const HELD: u8 = 5;

/// Why a command ended without a result.
#[derive(Debug)]
pub(super) enum Failure {
    /// The input is wrong; nothing was sent.
    Faults(Vec<Fault>),
    /// Something else keeps the command from starting; nothing was sent.
    Refused(String),
    /// Guards keep the plan from being run; nothing was sent.
    Guards(Both),
    /// Another runner is at work.
    Held(String),
    /// Somebody asked to stop before anything had begun; nothing was sent.
    Interrupted,
    /// The same, but earlier runs of the job have left money in doubt: this much, and what to type.
    DoubtMeanwhile(Both),
    /// It had begun; what is known is in the journal.
    Stopped(String),
    /// The same, and the journal is why.
    Journal(String),
    /// What was found could not be written; there was nothing to be sent.
    Unwritten(String),
    /// Requests have left, and the journal cannot say what became of them.
    InDoubt(String),
}

impl From<Unread> for Failure {
    /// Before anything is sent; what is found while calls are under way stops the run.
    fn from(error: Unread) -> Self {
        Self::Refused(error.to_string())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Faults(faults) => faults.iter().enumerate().try_for_each(|(index, fault)| {
                if index > 0 {
                    out.write_str("\n")?;
                }
                write!(out, "{fault}")
            }),
            Self::Guards(message) => out.write_str(&message.english),
            Self::Interrupted => out.write_str(&Words::cause_in_english(&Cause::Interrupted)),
            Self::DoubtMeanwhile(doubt) => {
                write!(out, "{}\n{}", Words::cause_in_english(&Cause::Interrupted), doubt.english)
            }
            Self::Refused(message)
            | Self::Held(message)
            | Self::Stopped(message)
            | Self::Journal(message)
            | Self::Unwritten(message)
            | Self::InDoubt(message) => out.write_str(message),
        }
    }
}

impl Failure {
    /// What the program exits with.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Faults(_) | Self::Refused(_) | Self::Guards(_) => REFUSED,
            Self::Held(_) => HELD,
            Self::Interrupted | Self::Stopped(_) | Self::Journal(_) | Self::Unwritten(_) => STOPPED,
            Self::DoubtMeanwhile(_) | Self::InDoubt(_) => DOUBT,
        }
    }
}

/// Whether everything that was to be sent has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completion {
    /// The run came to its end.
    Whole,
    /// Something stopped it, or rows were left for a later run.
    PartWay,
    /// Nothing was to be sent: what the journal knows about the orders of a job.
    ReadOnly,
    /// Nothing was to be sent: the book against DOKU.
    Audit,
}

/// The exit code of a finished command. If several apply: 3 before 4 before 1.
pub(super) fn code(totals: &Totals, identity: &Identity, settings: &Reconcile, completion: Completion) -> u8 {
    let count = |state: DoneState| totals.state(state).count;
    let reads = matches!(completion, Completion::ReadOnly | Completion::Audit);
    let left = !reads && count(DoneState::NotAttempted) > 0;
    let rows = DoneState::ALL.into_iter().any(|state| totals.to_look_at(state) > 0);
    let bad = |verdict: Verdict| level(verdict, totals, &settings.severity(verdict)) == Level::Error;
    // In an audit, money that DOKU reports and the book does not know needs a person; so does a forgery. The orders of a job
    // are not the whole book.
    let stray = |reason: UnmatchedReason| reason.needs_a_person() && totals.unmatched(reason).count > 0;
    let strangers = completion == Completion::Audit && UnmatchedReason::ALL.into_iter().any(stray);
    if totals.in_doubt.count > 0 || totals.verdict(Verdict::InDoubt).count > 0 {
        DOUBT
    } else if completion == Completion::PartWay || left {
        STOPPED
    } else if rows || Verdict::ALL.into_iter().any(bad) || strangers || !identity.holds {
        LOOK
    } else {
        DONE
    }
}
