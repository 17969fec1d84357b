//! The event log: everything that ever happened to an item or a run, append-only, each entry chained to the one before.
//!
//! An item is what its entries say: [`fold`] is the only way in which one changes, when it happens and when the log is
//! checked. A *head* is the hash of the last entry; whoever keeps a head can tell later whether the log still holds it.

mod chain;
mod fold;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Account;
use super::cause::Cause;
use super::history::{DayCaps, Overridden, PlanUse};
use super::record::Item;
use super::state::{Event, Illegal};
use crate::model::outcome::Facts;
use crate::model::time::{self, Timestamp};

pub use chain::{GENESIS, Hash, chained, hex, sha256, short};
pub use fold::{RULED, carried, fold, made, next_generation, planned};

/// One thing that happened. Words, so that the log can be read without this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A run and all its rows.
    RunBegan {
        /// Its name.
        run: String,
        /// Its job.
        job: String,
        /// Number of input rows.
        rows: u64,
        /// SHA-256 over all rows as the journal keeps them.
        rows_sha256: String,
        /// SHA-256 of the input as it was read; `None` if there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input_sha256: Option<String>,
        /// The caps that its intents are compared with.
        #[serde(default, skip_serializing_if = "DayCaps::are_absent")]
        caps: DayCaps,
        /// The saved plan that it executes; `None` if it made its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<Box<PlanUse>>,
    },
    /// A guard was loosened for a run that begins.
    Overridden {
        /// The run.
        run: String,
        /// What was loosened, and why.
        what: Overridden,
    },
    /// A run stopped for the provider's sake: the next one begins with a single call.
    RunStopped {
        /// Its name.
        run: String,
        /// Why, in one word.
        why: String,
    },
    /// A run came to its end.
    RunEnded {
        /// Its name.
        run: String,
        /// What it exited with.
        exit_code: u8,
        /// Why it stopped before; `None` if it did not, or if an older version of this program wrote the entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<Cause>,
    },
    /// The journal was found to lack entries, or to be ahead of the clock, and the work went on.
    Accepted {
        /// What was found.
        found: String,
        /// Since when entries are missing; `None` if none are.
        lost_since: Option<String>,
        /// Why a person went on; empty if it was safe without asking.
        reason: String,
    },
    /// An item came into being.
    Made(Box<Made>),
    /// An item that an older form of the journal held, as it stood there.
    Carried(Box<Carried>),
    /// An attempt that an older form of the journal held.
    AnswerCarried {
        /// The attempt.
        attempt: i64,
        /// SHA-256 of the answer's headers and body; `None` if there was none.
        answer_sha256: Option<String>,
    },
    /// An item of which nothing was done belongs to another run from now on, which may have corrected it.
    TakenOver {
        /// The run.
        run: String,
        /// Its job.
        job: Arc<str>,
        /// The order's full amount.
        amount: u64,
        /// The payment's reference.
        payment_reference: String,
        /// SHA-256 of the bytes that every attempt sends.
        body_sha256: Arc<str>,
    },
    /// A request is about to be sent.
    Intended {
        /// The run.
        run: Arc<str>,
        /// The attempt.
        attempt: i64,
    },
    /// An attempt ended.
    Ended {
        /// The attempt.
        attempt: i64,
        /// What it means for the item.
        event: Event,
        /// Whether a request of it may have left this machine.
        wire: Wire,
        /// The word of the reason; empty where the event says it all.
        reason: String,
        /// What was said.
        facts: Arc<Facts>,
        /// SHA-256 of the answer's headers and body; `None` if there was none.
        answer_sha256: Option<String>,
    },
    /// The status was asked for.
    Inquired {
        /// The attempt.
        attempt: i64,
        /// What it means for the item.
        event: Event,
        /// What was said.
        facts: Arc<Facts>,
        /// SHA-256 of the answer's headers and body; `None` if there was none.
        answer_sha256: Option<String>,
    },
    /// The horizon has passed without proof.
    GaveUp,
    /// A verified notification contradicts what is known.
    Contradicted {
        /// DOKU's id of the notification.
        notification: String,
        /// Its word.
        status: String,
        /// What it means for the item.
        event: Event,
    },
    /// A person ruled.
    Ruled(Ruled),
}

/// Whether a request may have left this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// It may have.
    Left,
    /// It did not.
    NeverLeft,
}

/// A new item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The run that makes it; the run of the refused one if a person reopened it.
    pub run: Arc<str>,
    /// Its job.
    pub job: Arc<str>,
    /// Simulator, sandbox or production.
    pub environment: Cow<'static, str>,
    /// The merchant's account.
    pub client_id: Arc<str>,
    /// The operation.
    pub operation: Cow<'static, str>,
    /// The order.
    pub invoice: Arc<str>,
    /// 0 at first.
    pub generation: u16,
    /// The order's full amount.
    pub amount: u64,
    /// The payment's reference.
    pub payment_reference: Arc<str>,
    /// SHA-256 of the bytes that every attempt sends.
    pub body_sha256: Arc<str>,
    /// The attempt of its first intent, which is this entry too; `None` if nothing was about to be sent yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// Why a person reopened the generation before; `None` for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<Reopened>,
}

/// An item as an older form of the journal held it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// What it is.
    pub made: Made,
    /// What is known.
    pub state: String,
    /// Why.
    pub reason: String,
    /// Requests on the wire.
    pub attempts: u32,
    /// When the first intent became durable.
    pub first_intent_at: String,
    /// When the last request was sent.
    pub last_sent_at: String,
    /// When it came to its end.
    pub settled_at: Option<String>,
    /// What was said.
    pub facts: Arc<Facts>,
}

/// Why there is another generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// In the person's words.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// A person's ruling about an item that the program cannot settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// What was ruled.
    pub event: Event,
    /// Why, in the person's words.
    pub reason: String,
    /// Where the proof can be seen.
    pub evidence: String,
    /// Who.
    pub by: String,
}

/// An entry that cannot have happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The state machine does not list it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The entry is about an item that does not exist, or makes one that does.
    #[error("an entry about {0}")]
    OutOfPlace(&'static str),
    /// A value that no item can have.
    #[error("an item with the {field} {value:?}")]
    Value {
        /// Of what.
        field: &'static str,
        /// The text.
        value: String,
    },
}

impl Made {
    /// The entry that makes an item as it is.
    #[must_use]
    pub fn of(item: &Item) -> Self {
        let Account { environment, client_id, operation } = &item.identity.account;
        Self {
            run: item.run.shared(),
            job: Arc::clone(&item.job),
            environment: environment.word().into(),
            client_id: client_id.shared(),
            operation: operation.word().into(),
            invoice: item.identity.invoice.shared(),
            generation: item.identity.generation,
            amount: item.amount.whole(),
            payment_reference: item.payment_reference.shared(),
            body_sha256: Arc::clone(&item.body_sha256),
            attempt: None,
            reopened: None,
        }
    }
}

impl Entry {
    /// An item that was made and its first intent, if one entry says both, as two.
    #[must_use]
    pub fn apart(self) -> (Self, Option<Self>) {
        match self {
            Self::Made(mut made) => {
                let intended = made.attempt.take().map(|attempt| Self::Intended { run: made.run.clone(), attempt });
                (Self::Made(made), intended)
            }
            entry => (entry, None),
        }
    }
}

/// Since when entries may be missing, as no person has accepted it yet: of all acceptances without asking since the last
/// one by a person, the oldest. Takes the acceptances in their order.
#[must_use]
pub fn lost_since(accepted: &[Entry]) -> Option<Timestamp> {
    accepted.iter().fold(None, |lost, entry| match entry {
        Entry::Accepted { lost_since, reason, .. } if reason.is_empty() => {
            let since = lost_since.as_deref().and_then(time::parse_instant);
            [lost, since].into_iter().flatten().min()
        }
        Entry::Accepted { .. } => None,
        _ => lost,
    })
}
