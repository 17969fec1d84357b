//! A joint run: one run on which several runners work, each on its own host.
//!
//! A row that is to be sent is *claimed* before anything is done for it, by one runner. What a lost runner had claimed and not
//! begun is free again; what it had begun is unknown, and whoever claims that settles it like every unknown item. A runner
//! that has nothing left waits for the others; once nobody has anything left, one of them closes the run for all.

use std::time::Duration;

use super::record::{Item, ItemId};
use crate::model::ids::RunId;
use crate::model::outcome::{Facts, SignatureCheck};
use crate::model::time::Timestamp;

/// What a runner asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The run.
    pub run: RunId,
    /// So many rows at most.
    pub most: u32,
    /// So many orders have to be proved to be done before the others are sent, by one runner.
    pub canaries: u32,
    /// Whether the runner would begin with a single call, for an earlier run was stopped for the provider's sake.
    pub is_half_open: bool,
    /// Whether it has nothing in hand.
    pub is_idle: bool,
    /// How the calls of others ended is heard up to this entry of the log.
    pub heard: i64,
    /// Counts the questions of this runner, from 1: one that is asked again is answered as before.
    pub number: u64,
    /// Now.
    pub at: Timestamp,
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Something to do, or nothing for now.
    Work(Work),
    /// Nobody has anything left.
    Over,
    /// A runner has stopped the run for all, in this word.
    Stopped(String),
}

/// What a runner has claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// First rows of orders that are to be sent.
    pub rows: Vec<u64>,
    /// Items that nobody else settles.
    pub items: Vec<Item>,
    /// So many of the first orders must be proved before the others.
    pub canaries: u32,
    /// Whether the provider has proved to be well in this run.
    pub is_proved: bool,
    /// How calls of others ended since the last question, in the order of the log.
    pub elsewhere: Vec<Heard>,
    /// The entry of the log up to which that was heard.
    pub heard: i64,
}

/// How a call of another runner ended, as far as it says whether the provider is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A request for an item.
    Send(ItemId, Health),
    /// An inquiry about one.
    Inquiry(ItemId, Health),
}

/// What the end of a call says of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is well.
    Good,
    /// It is ill, or out of reach.
    Bad,
}

impl Heard {
    /// An attempt as a store keeps it; `None` if it says nothing of the provider's health.
    pub(in crate::journal) fn of(item: ItemId, kind: &str, outcome: &str, facts: &Facts) -> Option<Self> {
        let health = |is_well| if is_well { Health::Good } else { Health::Bad };
        if kind == "inquiry" {
            let is_signed = facts.signature == SignatureCheck::Valid;
            return Some(Self::Inquiry(item, health(is_signed && matches!(facts.http_status, Some(200 | 404)))));
        }
        match outcome {
            "throttled" => None,
            "applied" | "already" | "refused" => Some(Self::Send(item, Health::Good)),
            _ => Some(Self::Send(item, Health::Bad)),
        }
    }
}

/// How a runner stands to its run when it has nothing more to do for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It closes the run: nobody else does.
    Closes,
    /// Others are still at work.
    Waits,
    /// Somebody has closed the run.
    Closed(Closed),
}

/// The end of a run that somebody else has closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What every program exits with that has worked on it.
    pub exit_code: u8,
    /// The host and the folder of its report.
    pub report: String,
}

/// What became of a report that a runner had made before the end of its run was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draft {
    /// The runner has closed the run: this is its report.
    Accepted,
    /// The runner is still at work.
    Pending,
    /// Somebody else reports, or will.
    Void,
    /// The journal does not know of such a run.
    Unknown,
}

/// Why a runner leaves before the run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaving {
    /// For reasons of its own: the others go on.
    Alone,
    /// For a reason that stops all.
    ForAll(String),
}

/// Who may begin a run of a job now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// We do: nobody else is at work on the job.
    Ours,
    /// Somebody else is at work on it.
    Theirs(AtWork),
}

/// What came of joining a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// It has one more runner.
    Yes,
    /// Its runners have nothing left, and it is being closed.
    TooLate,
    /// A runner has stopped it for all, in this word.
    Stopped(String),
}

/// Whoever is at work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtWork {
    /// The host that began.
    pub host: String,
    /// Whether it wants nobody to join.
    pub is_alone: bool,
    /// The run that may be joined; `None`: not yet, or no more.
    pub run: Option<OpenRun>,
}

/// A run that may be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    /// Its name.
    pub run: RunId,
    /// When it started.
    pub started_at: Timestamp,
    /// What whoever joins has to know.
    pub shared: Shared,
}

/// What whoever joins a run has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// SHA-256 of the job with what was asked for on the command line, in hex: the same on every host.
    pub job_sha256: String,
    /// SHA-256 of the input, in hex.
    pub input_sha256: String,
    /// SHA-256 over the rows with what was decided about each, in hex.
    pub rows_sha256: String,
    /// What was decided about each order.
    pub decided: Vec<u8>,
}

/// A host that has worked on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Whether it was lost.
    pub is_lost: bool,
}

/// Between two questions for work while there is none.
pub const ASK_AGAIN: Duration = Duration::from_millis(500);
