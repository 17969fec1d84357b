//! What the journal knows of the calls of late, of all jobs and operations of a merchant: enough for a new run to go on at the
//! pace of the one before it, and to know that the one before it was stopped.

use std::time::Duration;

use crate::model::time::Timestamp;

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
