//! What goes into the journal and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use super::JournalError;
use super::cause::Cause;
use super::history::PlanUse;
use super::history::Terms;
use super::identity::Identity;
use super::state::{Event, State};
use crate::doku::answer::Reading;
use crate::doku::exchange::Exchange;
use crate::doku::status::Inquiry;
use crate::model::ids::{InvoiceNumber, MerchantReference, RequestId, RunId};
use crate::model::money::Rupiah;
use crate::model::outcome::{Facts, SignatureCheck};
use crate::model::time::Timestamp;

/// The journal's number of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub(in crate::journal) i64);

/// The journal's number of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub(in crate::journal) i64);

/// One item as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The journal's number.
    pub id: ItemId,
    /// What it is.
    pub identity: Identity,
    /// The order's full amount.
    pub amount: Rupiah,
    /// DOKU's idempotency key.
    pub request_id: RequestId,
    /// The payment's reference.
    pub payment_reference: MerchantReference,
    /// Our reference of the refund; present exactly for refunds.
    pub refund_reference: Option<MerchantReference>,
    /// SHA-256 of the bytes that every attempt sends, in hex.
    pub body_sha256: Arc<str>,
    /// What is known.
    pub state: State,
    /// Why, in one word; empty where the state says it all.
    pub reason: String,
    /// Requests on the wire, inquiries not included.
    pub attempts: u32,
    /// When the first intent became durable.
    pub first_intent_at: Timestamp,
    /// When the last request was sent.
    pub last_sent_at: Timestamp,
    /// When the item came to its end; `None` while it has not.
    pub settled_at: Option<Timestamp>,
    /// What the deciding answer said, or the last one.
    pub facts: Arc<Facts>,
    /// The job that made it.
    pub job: Arc<str>,
    /// The run that made it.
    pub run: RunId,
}

impl Item {
    /// The amount that DOKU's signed answer names for it, if it is in doubt and that is not ours. The same request again gets
    /// the same answer.
    #[must_use]
    pub fn other_amount(&self) -> Option<Rupiah> {
        let Facts { signature, amount, payment_reference, .. } = &*self.facts;
        let is_about_ours = payment_reference.as_ref().is_none_or(|theirs| theirs == self.payment_reference.as_str());
        let is_answered = self.state.is_in_doubt() && *signature == SignatureCheck::Valid && is_about_ours;
        amount.map(Rupiah::new).filter(|theirs| is_answered && *theirs != self.amount)
    }
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// A new item's first request. If the item exists and nothing was done yet, it is sent again with the stored body.
    First(Box<First>),
    /// The same key and the same bytes once more.
    Again {
        /// The run that sends it.
        run: RunId,
        /// The item.
        item: ItemId,
        /// Now.
        at: Timestamp,
    },
}

/// A first request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// The run that sends it.
    pub run: RunId,
    /// What it is.
    pub identity: Identity,
    /// The order's full amount.
    pub amount: Rupiah,
    /// The payment's reference.
    pub payment_reference: MerchantReference,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// Now.
    pub at: Timestamp,
}

/// Proof that an intent is durable. Only a journal's commit makes one, and one request uses it up.
#[derive(Debug)]
pub struct DurableIntent {
    item: Item,
    attempt: AttemptId,
    body: Vec<u8>,
}

impl DurableIntent {
    pub(in crate::journal) const fn new(item: Item, attempt: AttemptId, body: Vec<u8>) -> Self {
        Self { item, attempt, body }
    }

    /// The exact bytes that every attempt of the item sends.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The item as it was when the intent became durable.
    #[must_use]
    pub const fn item(&self) -> &Item {
        &self.item
    }

    /// The attempt that this intent allows.
    #[must_use]
    pub const fn attempt(&self) -> AttemptId {
        self.attempt
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRecord {
    /// The attempt.
    pub attempt: AttemptId,
    /// What it proved and said.
    pub reading: Reading,
    /// What came back, kept as evidence.
    pub exchange: Exchange,
    /// Now.
    pub at: Timestamp,
}

/// How a status inquiry ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InquiryResult {
    /// The item asked about.
    pub item: ItemId,
    /// The run that asked.
    pub run: RunId,
    /// The inquiry's own Request-Id.
    pub request_id: RequestId,
    /// What it proved.
    pub inquiry: Inquiry,
    /// What was said.
    pub facts: Arc<Facts>,
    /// What came back, kept as evidence.
    pub exchange: Exchange,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Now.
    pub at: Timestamp,
}

/// A verified notification that contradicts what is known of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The item.
    pub item: ItemId,
    /// DOKU's id of the notification.
    pub notification: String,
    /// Its word.
    pub status: String,
    /// What it means for the item.
    pub event: Event,
    /// Now.
    pub at: Timestamp,
}

/// Why work goes on with a journal that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// What was found.
    pub found: String,
    /// Since when entries are missing; `None` if none are.
    pub lost_since: Option<Timestamp>,
    /// Why a person went on; empty if it was safe without asking.
    pub reason: String,
}

/// The last entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number, from 1.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Its hash, in hex.
    pub hash: String,
}

/// What became of an input row in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFate {
    /// To be sent; its item tells the rest.
    Send,
    /// An earlier run of the same job brought its item to an end.
    Settled,
    /// An earlier run of the same job left its item open; this run goes on with it.
    Continue,
    /// Not meant, or done elsewhere.
    Skip,
    /// Kept back by a row guard.
    Held,
    /// A bad row.
    Invalid,
}

impl RowFate {
    /// All of them with their words in the journal.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("send", Self::Send),
        ("settled", Self::Settled),
        ("continue", Self::Continue),
        ("skip", Self::Skip),
        ("held", Self::Held),
        ("invalid", Self::Invalid),
    ];

    /// The word in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, fate)| *fate == self).map_or("", |(word, _)| word)
    }
}

/// One input row of a new run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// The data row's number, from 1.
    pub number: u64,
    /// Its line in the file.
    pub line: u64,
    /// Its text as it was read.
    pub raw: Arc<str>,
    /// Its order; `None` if the row does not say.
    pub invoice: Option<InvoiceNumber>,
    /// The money that the row stands for; zero for the further lines of an order.
    pub rupiah: Rupiah,
    /// What became of it.
    pub fate: RowFate,
    /// Why.
    pub reason: String,
}

/// The input rows of a new run. There may be millions of them, and so they are shown one by one.
pub trait NewRows: std::fmt::Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> u64;

    /// Shows all of them in their order, until `take` has had enough.
    ///
    /// # Errors
    /// What `take` says, or [`JournalError::Unread`] if they cannot be read.
    fn each(&self, take: &mut dyn FnMut(&NewRow) -> Result<(), JournalError>) -> Result<(), JournalError>;
}

impl NewRows for Vec<NewRow> {
    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn each(&self, take: &mut dyn FnMut(&NewRow) -> Result<(), JournalError>) -> Result<(), JournalError> {
        self.iter().try_for_each(take)
    }
}

/// A new run.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Job and account.
    pub job: String,
    /// Environment, client and operation.
    pub account: super::Account,
    /// When it started.
    pub started_at: Timestamp,
    /// How long its keys are taken to be remembered.
    pub horizon: Duration,
    /// The input's delimiter.
    pub delimiter: u8,
    /// The input's header.
    pub header: Vec<String>,
    /// What the run sets itself.
    pub terms: Terms,
    /// All input rows in order.
    pub rows: Arc<dyn NewRows>,
    /// The saved plan that it executes; `None` if it made its own.
    pub plan: Option<PlanUse>,
}

/// A run that executed a saved plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRun {
    /// Its name.
    pub run: String,
    /// What it exited with; `None` if it was cut off.
    pub exit_code: Option<u8>,
}

impl PlanRun {
    /// Whether it came to its end, so that the plan is used up. A run that stopped part-way, or left something in doubt, may
    /// be continued with the same plan.
    #[must_use]
    pub const fn has_finished(&self) -> bool {
        matches!(self.exit_code, Some(0 | 1))
    }
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The run.
    pub run: RunId,
    /// When it ended.
    pub at: Timestamp,
    /// What the program exits with.
    pub exit_code: u8,
    /// Why it stopped before its end; `None` if it did not.
    pub stopped: Option<Cause>,
}

/// One input row of a run with its item as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRecord {
    /// The row.
    pub row: NewRow,
    /// Its item; `None` if it has none.
    pub item: Option<Item>,
}

/// One run in the list of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its name.
    pub run: RunId,
    /// Its job.
    pub job: String,
    /// What it did.
    pub operation: String,
    /// Where.
    pub environment: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None` if it was cut off.
    pub finished_at: Option<Timestamp>,
    /// What it exited with; `None` if it was cut off.
    pub exit_code: Option<u8>,
    /// Why it stopped before its end, or what it noted before it was cut off; `None` if nothing is known.
    pub stopped: Option<Cause>,
    /// Number of input rows.
    pub rows: u64,
    /// Items that this run sent or asked about and that are in doubt now.
    pub in_doubt: u64,
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::journal::Account;
    use crate::model::environment::Environment;
    use crate::model::ids::ClientId;
    use crate::model::operation::Operation;

    impl ItemId {
        /// The item of that number.
        pub(crate) fn numbered(number: usize) -> Self {
            Self(i64::try_from(number).unwrap())
        }
    }

    /// A refund of INV-1 over 90.000 whose first intent is just durable.
    pub(crate) fn item() -> Item {
        let client_id = ClientId::new("MCH-1").unwrap();
        let account = Account { environment: Environment::Simulator, client_id, operation: Operation::Refund };
        let identity = Identity { account, invoice: InvoiceNumber::new("INV-1").unwrap(), generation: 0 };
        let at = crate::model::time::parse_instant("2026-11-22T08:00:00Z").unwrap();
        Item {
            id: ItemId(1),
            amount: Rupiah::new(90_000),
            request_id: identity.request_id(),
            payment_reference: MerchantReference::new("P-1").unwrap(),
            refund_reference: Some(identity.refund_reference()),
            identity,
            body_sha256: "".into(),
            state: State::Intent,
            reason: String::new(),
            attempts: 1,
            first_intent_at: at,
            last_sent_at: at,
            settled_at: None,
            facts: Arc::default(),
            job: "refund-nightly".into(),
            run: RunId::new("20261122-150000-0001").unwrap(),
        }
    }
}
