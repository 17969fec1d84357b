//! The event log: everything that ever happened to an item or a run, append-only, each entry chained to the one before.
//!
//! An item is what its entries say: [`fold`] is the only way in which one changes, when it happens and when the log is
//! checked. A *head* is the hash of the last entry; whoever keeps a head can tell later whether the log still holds it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Account;
use super::cause::Cause;
use super::history::{DayCaps, Overridden, PlanUse};
use super::identity::Identity;
use super::record::{First, Item, ItemId};
use super::state::{Event, Illegal, State, next};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::Facts;
use crate::model::time::{self, Timestamp};

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

/// What is known of an item before anything is sent for it.
struct New {
    identity: Identity,
    amount: Rupiah,
    payment_reference: MerchantReference,
    body_sha256: Arc<str>,
    job: Arc<str>,
    run: RunId,
}

impl New {
    fn item(self, id: ItemId, at: Timestamp) -> Item {
        let Self { identity, amount, payment_reference, body_sha256, job, run } = self;
        let is_refund = identity.account.operation == Operation::Refund;
        Item {
            id,
            amount,
            request_id: identity.request_id(),
            payment_reference,
            refund_reference: is_refund.then(|| identity.refund_reference()),
            identity,
            body_sha256,
            state: State::Planned,
            reason: String::new(),
            attempts: 0,
            first_intent_at: at,
            last_sent_at: at,
            settled_at: None,
            facts: Arc::default(),
            job,
            run,
        }
    }
}

/// A new item, for its first request.
#[must_use]
pub fn planned(id: ItemId, first: &First, job: Arc<str>) -> Item {
    let First { run, identity, amount, payment_reference, body, at } = first;
    let new = New {
        identity: identity.clone(),
        amount: *amount,
        payment_reference: payment_reference.clone(),
        body_sha256: sha256(body).into(),
        job,
        run: run.clone(),
    };
    new.item(id, *at)
}

/// A new item, from the entry that makes it.
///
/// # Errors
/// It holds a value that no item can have.
pub fn made(id: ItemId, made: &Made, at: Timestamp) -> Result<Item, Impossible> {
    let value = |field, value: &str| Impossible::Value { field, value: value.to_owned() };
    let account = Account {
        environment: Environment::from_word(&made.environment)
            .ok_or_else(|| value("environment", &made.environment))?,
        client_id: ClientId::new(&made.client_id).ok().ok_or_else(|| value("client_id", &made.client_id))?,
        operation: Operation::from_word(&made.operation).ok_or_else(|| value("operation", &made.operation))?,
    };
    let invoice = InvoiceNumber::new(&made.invoice).ok().ok_or_else(|| value("invoice", &made.invoice))?;
    let new = New {
        identity: Identity { account, invoice, generation: made.generation },
        amount: Rupiah::new(made.amount),
        payment_reference: reference(&made.payment_reference)?,
        body_sha256: Arc::clone(&made.body_sha256),
        job: Arc::clone(&made.job),
        run: run(&made.run)?,
    };
    let item = new.item(id, at);
    match made.attempt {
        Some(attempt) => fold(item, &Entry::Intended { run: Arc::clone(&made.run), attempt }, at),
        None => Ok(item),
    }
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

/// The next generation of an item that had no effect, as the entry that makes it.
///
/// # Errors
/// The item may have had an effect, or may still have one.
pub fn next_generation(item: &Item, reopened: Reopened) -> Result<Made, Impossible> {
    match (item.state, item.identity.generation.checked_add(1)) {
        (State::Refused | State::RuledNotDone, Some(generation)) => {
            let body_sha256 = sha256(b"").into();
            Ok(Made { generation, body_sha256, reopened: Some(reopened), ..Made::of(item) })
        }
        _ => Err(Illegal { state: item.state, event: Event::Intended }.into()),
    }
}

/// An item of an older form of the journal, from the entry that took it over.
///
/// # Errors
/// It holds a value that no item can have.
pub fn carried(id: ItemId, carried: &Carried, at: Timestamp) -> Result<Item, Impossible> {
    let value = |field, value: &str| Impossible::Value { field, value: value.to_owned() };
    let time = |field, text: &str| time::parse_instant(text).ok_or_else(|| value(field, text));
    Ok(Item {
        state: State::from_word(&carried.state).ok_or_else(|| value("state", &carried.state))?,
        reason: carried.reason.clone(),
        attempts: carried.attempts,
        first_intent_at: time("first_intent_at", &carried.first_intent_at)?,
        last_sent_at: time("last_sent_at", &carried.last_sent_at)?,
        settled_at: carried.settled_at.as_deref().map(|text| time("settled_at", text)).transpose()?,
        facts: carried.facts.clone(),
        ..made(id, &carried.made, at)?
    })
}

/// The item after one more entry.
///
/// # Errors
/// It cannot have happened to this item.
pub fn fold(item: Item, entry: &Entry, at: Timestamp) -> Result<Item, Impossible> {
    match entry {
        Entry::RunBegan { .. }
        | Entry::Overridden { .. }
        | Entry::RunStopped { .. }
        | Entry::RunEnded { .. }
        | Entry::Accepted { .. } => Err(Impossible::OutOfPlace("no item")),
        Entry::Made(_) | Entry::Carried(_) => Err(Impossible::OutOfPlace("an item that exists")),
        Entry::TakenOver { run: by, job, amount, payment_reference, body_sha256 } => {
            if item.state != State::Planned {
                return Err(Illegal { state: item.state, event: Event::Intended }.into());
            }
            let corrected = Item { run: run(by)?, job: job.clone(), ..item };
            if corrected.attempts > 0 {
                return Ok(corrected);
            }
            let (amount, payment_reference) = (Rupiah::new(*amount), reference(payment_reference)?);
            let body_sha256 = body_sha256.clone();
            Ok(Item { amount, payment_reference, body_sha256, first_intent_at: at, ..corrected })
        }
        Entry::AnswerCarried { .. } => Ok(item),
        Entry::Intended { .. } => {
            let state = next(item.state, Event::Intended)?;
            // What nothing was done for is as if it had never been sent: the horizon counts from now.
            let first_intent_at = if item.state == State::Planned { at } else { item.first_intent_at };
            Ok(Item { state, attempts: item.attempts + 1, first_intent_at, last_sent_at: at, ..item })
        }
        Entry::Ended { event, wire, reason, facts, .. } => {
            // Attempts are requests on the wire (`DESIGN` 11.7).
            let attempts = item.attempts.saturating_sub(u32::from(*wire == Wire::NeverLeft));
            learn(Item { attempts, ..item }, *event, reason, facts, at)
        }
        // Nothing new is known; the item keeps the reason and the facts of its last request.
        Entry::Inquired { event: Event::NoProof, .. } => Ok(item),
        Entry::Inquired { event, facts, .. } => learn(item, *event, "status_inquiry", facts, at),
        Entry::GaveUp => {
            let facts = Arc::clone(&item.facts);
            learn(item, Event::GivenUp, "horizon_passed", &facts, at)
        }
        Entry::Contradicted { event, status, .. } => {
            let facts = Facts { payment_status: Some(status.clone()), ..(*item.facts).clone() };
            learn(item, *event, "notification", &Arc::new(facts), at)
        }
        Entry::Ruled(Ruled { event, .. }) => {
            let facts = Arc::clone(&item.facts);
            learn(item, *event, RULED, &facts, at)
        }
    }
}

/// The reason of an item that a person has ruled.
pub const RULED: &str = "ruled";

fn learn(item: Item, event: Event, reason: &str, facts: &Arc<Facts>, at: Timestamp) -> Result<Item, Impossible> {
    let state = next(item.state, event)?;
    if state == item.state && state.is_terminal() {
        return Ok(item);
    }
    let settled_at = state.is_terminal().then_some(at);
    Ok(Item { state, reason: reason.to_owned(), facts: Arc::clone(facts), settled_at, ..item })
}

fn reference(text: &str) -> Result<MerchantReference, Impossible> {
    MerchantReference::new(text)
        .ok()
        .ok_or_else(|| Impossible::Value { field: "payment_reference", value: text.to_owned() })
}

fn run(text: &str) -> Result<RunId, Impossible> {
    RunId::new(text).ok().ok_or_else(|| Impossible::Value { field: "run", value: text.to_owned() })
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

/// The hash of an entry.
pub type Hash = [u8; 32];

/// What the first entry is chained to.
pub const GENESIS: Hash = [0; 32];

/// The hash of an entry as it is stored, chained to the one before. The parts cannot run into each other: numbers have a
/// fixed length, and the time none of the bytes of the text.
#[must_use]
pub fn chained(before: &Hash, seq: i64, at: &str, item: Option<ItemId>, data: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"rekon/log/v1\0");
    hash.update(before);
    hash.update(seq.to_be_bytes());
    hash.update(item.map_or(-1, |item| item.0).to_be_bytes());
    hash.update(at.as_bytes());
    hash.update(b"\0");
    hash.update(data.as_bytes());
    hash.finalize().into()
}

/// A hash as people and files show it.
#[must_use]
pub fn hex(hash: &[u8]) -> String {
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    hash.iter().fold(String::with_capacity(2 * hash.len()), |mut text, byte| {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
        text
    })
}

/// The SHA-256 of some bytes as the log shows it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Enough of a digest or a fingerprint to tell it from others on a screen; documents for machines have it whole.
///
/// `short("0123456789abcdef")` is `0123456789ab`, `short("SHA256:AbCdEfGhIjKlMnOp")` is `SHA256:AbCdEfGhIjKl`.
#[must_use]
pub fn short(digest: &str) -> &str {
    let begins = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..begins + 12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn digests_are_told_by_their_first_twelve_characters() {
        assert_eq!(short("0123456789abcdef0123456789abcdef"), "0123456789ab");
        assert_eq!(short("SHA256:AbCdEfGhIjKlMnOp"), "SHA256:AbCdEfGhIjKl");
        assert_eq!(short("0123"), "0123");
    }
}
