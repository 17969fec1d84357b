//! One request, from the durable intent to the recorded outcome; and one status inquiry.

use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, RunClock};
use super::gateway::Gateway;
use super::places::Places;
use crate::doku::answer::{self, PaymentPage, Reading};
use crate::doku::exchange::{Exchange, Request, target};
use crate::doku::sign::Signer;
use crate::doku::status;
use crate::journal::identity::hashed;
use crate::journal::record::{DurableIntent, InquiryResult, Intent, Item, OutcomeRecord};
use crate::journal::state::State;
use crate::journal::{Journal, JournalError};
use crate::model::ids::{ClientId, RequestId, RunId};
use crate::model::outcome::{Doubt, Outcome, Refusal, SignatureCheck};
use crate::model::time::{Timestamp, after};

/// What every attempt of a run shares.
pub struct Desk<J, G, C> {
    /// Where intents and outcomes become durable.
    pub journal: Arc<J>,
    /// The way to the provider.
    pub gateway: G,
    /// The time of the run.
    pub clock: RunClock<C>,
    /// The merchant's key.
    pub signer: Signer,
    /// The merchant's account.
    pub client_id: ClientId,
    /// The run.
    pub run: RunId,
    /// Since when entries of the journal are missing, and no person has accepted it; `None` if none are. What it lacks may
    /// have been sent, so that a first request may be a repeat.
    pub lost_since: Option<Timestamp>,
    /// How long DOKU is known to remember a key.
    pub horizon: Duration,
    /// Which payment pages are acceptable.
    pub page: PaymentPage,
    /// How many calls are under way.
    pub places: Arc<Places>,
}

/// An attempt that has ended, and its item as it is now.
#[derive(Debug)]
pub struct Ended {
    /// The item.
    pub item: Item,
    /// What the attempt proved; `None` for an inquiry.
    pub reading: Option<Reading>,
    /// Whether it was an inquiry with a signed answer.
    pub answered: bool,
    /// Whether that answer names another amount than ours.
    pub names_other_amount: bool,
    /// The status of the answer; `None` if there was none.
    pub http_status: Option<u16>,
    /// What the answer's signature was worth.
    pub signature: SignatureCheck,
    /// Whether it was turned away because there are too many of us.
    pub throttled: bool,
    /// How long the provider asked everybody to wait.
    pub retry_after: Option<Duration>,
}

/// The journal failed, before or after a request.
#[derive(Debug)]
pub struct Failed {
    /// How.
    pub error: JournalError,
    /// The item, if a request of it may have had its effect and nothing is left that says so: nothing was proved, or what came
    /// back is lost. The journal knows of its intent only.
    pub in_doubt: Option<Box<Item>>,
}

impl From<JournalError> for Failed {
    fn from(error: JournalError) -> Self {
        Self { error, in_doubt: None }
    }
}

/// Makes the intent durable, sends, reads the answer and records what it proves.
///
/// # Errors
/// The journal failed, before or after the request; it then knows of the intent at least.
pub async fn attempt<J: Journal, G: Gateway, C: Clock>(desk: &Desk<J, G, C>, intent: Intent) -> Result<Ended, Failed> {
    let durable = desk.journal.record_intent(intent).await?;
    let (item, attempt) = (durable.item().clone(), durable.attempt());
    let exchange = send(desk, durable).await;
    let now = desk.clock.now();
    let mut reading = answer::read(&item.expected(desk.page), &desk.signer, &exchange, now);
    if let (Some(_), Outcome::Refused(Refusal::Http(status))) = (desk.lost_since, &reading.outcome) {
        // That this request was turned away does not disprove one that the journal has lost.
        reading.outcome = Outcome::Ambiguous(Doubt::Http(*status));
    }
    let _given_back = desk.places.give_back(&reading);
    let record = OutcomeRecord { attempt, reading: reading.clone(), exchange, at: now };
    let state = match desk.journal.record_outcome(record).await {
        Ok(state) => state,
        Err(error) => {
            desk.places.close();
            let is_open = match reading.outcome {
                Outcome::NotSent(_) | Outcome::Throttled(_) => false,
                Outcome::Ambiguous(_) => true,
                Outcome::Applied | Outcome::Already | Outcome::Refused(_) => {
                    !matches!(error, JournalError::KeptAside(_))
                }
            };
            let in_doubt = is_open.then(|| Box::new(Item { state: State::Unknown, ..item }));
            return Err(Failed { error, in_doubt });
        }
    };
    let item = Item { state, reason: reading.outcome.reason(), ..item };
    let (throttled, retry_after) = (matches!(reading.outcome, Outcome::Throttled(_)), reading.retry_after);
    let (http_status, signature) = (reading.facts.http_status, reading.facts.signature);
    Ok(Ended {
        item,
        reading: Some(reading),
        answered: false,
        names_other_amount: false,
        http_status,
        signature,
        throttled,
        retry_after,
    })
}

/// Sends the one request that a durable intent allows, with a fresh timestamp and signature.
async fn send<J: Journal, G: Gateway, C: Clock>(desk: &Desk<J, G, C>, intent: DurableIntent) -> Exchange {
    let item = intent.item();
    let request = Request::sign(
        &desk.signer,
        &desk.client_id,
        &item.request_id,
        desk.clock.wall().now(),
        target(item.identity.account.operation),
        Some(intent.body().to_vec()),
    );
    let first_sent_at = desk.lost_since.map_or(item.first_intent_at, |since| since.min(item.first_intent_at));
    desk.gateway.exchange(request.safe_until(after(first_sent_at, desk.horizon))).await
}

/// Asks for the status of an item's order and records what the answer proves. The inquiry has a Request-Id of its own,
/// never the item's: the item's is the key of its effect.
///
/// # Errors
/// The journal failed.
pub async fn inquire<J: Journal, G: Gateway, C: Clock>(
    desk: &Desk<J, G, C>,
    item: Item,
) -> Result<Ended, JournalError> {
    let sent_at = desk.clock.now();
    let request_id = inquiry_id(&item, sent_at.timestamp_millis());
    let target = status::target(&item.identity.invoice);
    let signed_at = desk.clock.wall().now();
    let request = Request::sign(&desk.signer, &desk.client_id, &request_id, signed_at, &target, None);
    let exchange = desk.gateway.exchange(request).await;
    if let Exchange::Withheld(_) = exchange {
        // Nobody was asked, and nothing was learned.
        let (http_status, signature) = (None, SignatureCheck::None);
        let (answered, names_other_amount, throttled, retry_after) = (false, false, false, None);
        return Ok(Ended {
            item,
            reading: None,
            answered,
            names_other_amount,
            http_status,
            signature,
            throttled,
            retry_after,
        });
    }
    let (inquiry, facts) = status::read(&item.expected(desk.page), &desk.signer, &request_id, &exchange);
    let at = desk.clock.now();
    // That there is no such order is an answer as well: a creation that was never carried out gets no other.
    let answered = facts.signature == SignatureCheck::Valid && matches!(facts.http_status, Some(200 | 404));
    let names_other_amount = answered && facts.amount.is_some_and(|theirs| theirs != item.amount.whole());
    let (http_status, signature) = (facts.http_status, facts.signature);
    let throttled = http_status == Some(429);
    let retry_after = match &exchange {
        Exchange::Answered(answer) => answer::retry_after(answer, at),
        Exchange::NotSent(_) | Exchange::Withheld(_) | Exchange::TimedOut | Exchange::Lost(_) | Exchange::TooLong => {
            None
        }
    };
    let run = desk.run.clone();
    let facts = facts.into();
    let result = InquiryResult { item: item.id, run, request_id, inquiry, facts, exchange, sent_at, at };
    let state = desk.journal.record_inquiry(result).await?;
    let item = Item { state, ..item };
    Ok(Ended { item, reading: None, answered, names_other_amount, http_status, signature, throttled, retry_after })
}

fn inquiry_id(item: &Item, milliseconds: i64) -> RequestId {
    let id = hashed(&format!("{}/{milliseconds}", item.request_id));
    RequestId::new(&id.to_string()).expect("a UUID is a request id")
}
