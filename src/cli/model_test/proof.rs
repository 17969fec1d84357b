//! P4: what the journal takes for proved is proved by what it keeps, read and verified once more; and it is true.

use rusqlite::Connection;

use super::invariants::Found;
use super::world::World;
use crate::doku::answer::{self, PaymentPage};
use crate::doku::exchange::{Answer, Exchange};
use crate::doku::status::{self, Inquiry};
use crate::journal::Journal as _;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::model::ids::{InvoiceNumber, RequestId};
use crate::model::outcome::{Facts, Outcome};
use crate::runner::clock::Clock as _;

/// Checks one item.
pub(super) async fn of(world: &World, journal: &Store, found: &Found) -> Result<(), String> {
    if !matches!(found.state, State::Succeeded | State::AlreadyDone | State::Refused) {
        return Ok(());
    }
    let Found { invoice, state, .. } = found;
    let invoice_number = InvoiceNumber::new(invoice).unwrap();
    let story = journal.story(&invoice_number).await.map_err(|error| error.to_string())?;
    let same = |item: &Item| item.identity.generation == found.generation;
    let item = story.items.into_iter().map(|(item, _)| item).find(same).unwrap();
    if !is_kept(world, found, &item) {
        return Err(format!("P4: {invoice} is {state} ({}), and nothing that is kept proves it", found.reason));
    }
    let truth = world.truth.lock().unwrap();
    let done = truth.was_done_by(&found.request_id);
    // A journal that was lost cannot know that a request which is turned away was answered once before.
    let is_true = match state {
        State::Succeeded => done,
        State::AlreadyDone => truth.knows_of(invoice),
        _ => !done || world.has_lost,
    };
    if is_true { Ok(()) } else { Err(format!("P4: {invoice} is {state}, which is not true")) }
}

/// Whether an answer that the journal keeps proves the state of the item.
fn is_kept(world: &World, found: &Found, item: &Item) -> bool {
    let journal = Connection::open(world.journal()).unwrap();
    let mut statement = journal
        .prepare("SELECT kind, request_id, answer_headers, answer_body, facts FROM attempt WHERE item = ?1")
        .unwrap();
    let mut attempts = statement.query([found.id]).unwrap();
    while let Some(row) = attempts.next().unwrap() {
        let (kind, request_id): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let Some(headers) = row.get::<_, Option<String>>(2).unwrap() else { continue };
        let headers: Vec<(String, String)> = serde_json::from_str(&headers).unwrap();
        let body: Vec<u8> = row.get(3).unwrap();
        let facts: Facts = serde_json::from_str(&row.get::<_, String>(4).unwrap()).unwrap();
        let exchange = Exchange::Answered(Answer { status: facts.http_status.unwrap(), headers, body });
        if proves(world, item, &kind, &request_id, &exchange) == Some(found.state) {
            return true;
        }
    }
    false
}

fn proves(world: &World, item: &Item, kind: &str, request_id: &str, exchange: &Exchange) -> Option<State> {
    let expected = item.expected(PaymentPage::Loopback);
    let signer = &world.words.signer;
    if kind == "inquiry" {
        return match status::read(&expected, signer, &RequestId::new(request_id).unwrap(), exchange).0 {
            Inquiry::Applied => Some(State::Succeeded),
            Inquiry::Already => Some(State::AlreadyDone),
            Inquiry::NoProof => None,
        };
    }
    match answer::read(&expected, signer, exchange, world.clock.now()).outcome {
        Outcome::Applied => Some(State::Succeeded),
        Outcome::Already => Some(State::AlreadyDone),
        Outcome::Refused(_) => Some(State::Refused),
        Outcome::Throttled(_) | Outcome::NotSent(_) | Outcome::Ambiguous(_) => None,
    }
}
