//! The provider of the model: it does what a new key asks, however often the order was done before, and answers a known
//! key with its first answer. So every effect too many is the program's own doing, and [`Truth`] counts it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::commands::{Fault, When};
use super::time::{ModelClock, Steps};
use super::words::{Words, field};
use crate::doku::exchange::{Exchange, Request};
use crate::runner::clock::Clock as _;
use crate::runner::gateway::Gateway;

/// What is the case, whatever anybody knows of it. Times are true times.
#[derive(Default)]
pub(super) struct Truth {
    /// The known keys.
    keys: HashMap<String, Key>,
    /// Everything that was ever done.
    pub(super) effects: Vec<Effect>,
    /// What will be done.
    late: Vec<Effect>,
    /// Every request that arrived, in order.
    pub(super) arrivals: Vec<Arrival>,
    /// Waits that answers have asked for: the run, from when, until when.
    pub(super) waits: Vec<(usize, Duration, Duration)>,
    /// How requests fare, in turn; empty: well.
    pub(super) faults: Vec<Fault>,
    /// Orders whose requests fare so, every time.
    pub(super) fates: HashMap<String, Fault>,
    /// How many requests the faults have met.
    met: usize,
    /// How long a key is known; `None`: for ever.
    memory: Option<Duration>,
    /// What arrived without a durable intent.
    pub(super) violations: Vec<String>,
}

struct Key {
    since: Duration,
    /// The first answer; it is not there before this time.
    answer: String,
    running_until: Duration,
}

/// Money moved.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub(super) at: Duration,
    pub(super) invoice: String,
    pub(super) request_id: String,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) run: usize,
    pub(super) at: Duration,
    pub(super) request_id: String,
    /// `None`: an inquiry.
    pub(super) body: Option<Vec<u8>>,
    pub(super) invoice: String,
}

impl Truth {
    pub(super) fn remembering(memory: Option<Duration>) -> Self {
        Self { memory, ..Self::default() }
    }

    /// Forgets nothing from now on.
    pub(super) const fn remember_for_ever(&mut self) {
        self.memory = None;
    }

    /// Does what comes late, if its time has come.
    pub(super) fn ripen(&mut self, now: Duration) {
        let (mut ripe, late) = std::mem::take(&mut self.late).into_iter().partition(|effect| effect.at <= now);
        self.late = late;
        self.effects.append(&mut ripe);
    }

    /// Whether the order was done, or will be.
    pub(super) fn knows_of(&self, invoice: &str) -> bool {
        self.effects.iter().chain(&self.late).any(|effect| effect.invoice == invoice)
    }

    /// Whether a request of this key has moved money, or will.
    pub(super) fn was_done_by(&self, request_id: &str) -> bool {
        self.effects.iter().chain(&self.late).any(|effect| effect.request_id == request_id)
    }

    fn next_fault(&mut self, invoice: &str) -> Fault {
        if let Some(fate) = self.fates.get(invoice) {
            return *fate;
        }
        let turn = self.met.checked_rem(self.faults.len());
        self.met += 1;
        turn.map_or(Fault::Fine, |turn| self.faults[turn])
    }

    /// Forgets the keys that are too old. Nobody can tell the time by a clock that was set back: by as much the program may
    /// come later than it thinks.
    fn forget(&mut self, now: Duration, went_back: Duration) {
        if let Some(memory) = self.memory {
            self.keys.retain(|_, key| key.since + memory + went_back >= now);
        }
    }

    /// Carries out what a key asks for, if it is new. Returns status and body of the answer; `None`: there is none yet.
    fn carry_out(&mut self, words: &Words, arrival: &Arrival, fault: Fault) -> Option<(u16, String)> {
        if let Some(key) = self.keys.get(&arrival.request_id) {
            let body = if key.running_until > arrival.at { words.error("in progress") } else { key.answer.clone() };
            return Some((409, body));
        }
        let body = arrival.body.as_deref().unwrap_or_default();
        let mut running_until = arrival.at;
        let answer = if fault == Fault::Refuse {
            words.refused(&arrival.invoice)
        } else {
            if let Fault::Late { seconds } = fault {
                running_until += Duration::from_secs(seconds);
            }
            let (at, invoice, request_id) = (running_until, arrival.invoice.clone(), arrival.request_id.clone());
            let effect = Effect { at, invoice, request_id };
            let done = if at > arrival.at { &mut self.late } else { &mut self.effects };
            done.push(effect);
            words.done(&arrival.invoice, &field(body, "/refund/merchant_unique_reference"))
        };
        let key = Key { since: arrival.at, answer: answer.clone(), running_until };
        self.keys.insert(arrival.request_id.clone(), key);
        (running_until == arrival.at).then_some((200, answer))
    }
}

/// The way to the provider in one run.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) truth: Arc<Mutex<Truth>>,
    pub(super) words: Words,
    pub(super) clock: ModelClock,
    pub(super) steps: Steps,
    pub(super) journal: PathBuf,
    pub(super) run: usize,
}

/// What comes back.
enum Reply {
    Ends(Exchange),
    Says { status: u16, body: String, seal: Seal, retry_after: Option<u64> },
}

/// What the signature is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seal {
    Good,
    Wrong,
    None,
}

impl Gateway for Provider {
    async fn exchange(&self, request: Request) -> Exchange {
        self.steps.step().await;
        let arrival = self.receive(&request);
        let reply = self.reply(&arrival);
        self.steps.step().await;
        let exchange = match reply {
            Reply::Ends(exchange) => {
                let took = if matches!(exchange, Exchange::TimedOut) { 30_000 } else { 40 };
                self.clock.sleep(Duration::from_millis(took)).await;
                exchange
            }
            Reply::Says { status, body, seal, retry_after } => {
                self.clock.sleep(Duration::from_millis(200)).await;
                if let Some(seconds) = retry_after {
                    let (from, wait) = (self.clock.elapsed(), Duration::from_secs(seconds.min(15 * 60)));
                    self.truth.lock().unwrap().waits.push((self.run, from, from + wait));
                }
                let key = match seal {
                    Seal::Good => Some(true),
                    Seal::Wrong => Some(false),
                    Seal::None => None,
                };
                let timestamp = self.clock.true_now();
                self.words.answer(status, body, &arrival.request_id, &request.target, timestamp, key, retry_after)
            }
        };
        self.steps.step().await;
        exchange
    }
}

impl Provider {
    /// Notes that a request has arrived; its intent must be durable at this very moment (P2).
    fn receive(&self, request: &Request) -> Arrival {
        let header = |name: &str| request.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        let request_id = header("Request-Id");
        let invoice = match &request.body {
            Some(body) => field(body, "/order/invoice_number"),
            None => request.target.rsplit('/').next().unwrap().to_owned(),
        };
        let at = self.clock.elapsed();
        let arrival = Arrival { run: self.run, at, request_id, body: request.body.clone(), invoice };
        let mut truth = self.truth.lock().unwrap();
        truth.ripen(at);
        if let Some(body) = &arrival.body
            && self.open_intents(&arrival.request_id, body) != 1
        {
            truth.violations.push(format!("P2: {} arrived without one durable intent of its own", arrival.invoice));
        }
        truth.arrivals.push(arrival.clone());
        arrival
    }

    fn open_intents(&self, request_id: &str, body: &[u8]) -> i64 {
        let read_only = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let journal = rusqlite::Connection::open_with_flags(&self.journal, read_only).unwrap();
        let question = "SELECT count(*) FROM attempt JOIN item ON item.id = attempt.item \
                        WHERE attempt.request_id = ?1 AND item.request_id = ?1 AND body = ?2 AND ended_at IS NULL";
        journal.query_row(question, rusqlite::params![request_id, body], |row| row.get(0)).unwrap()
    }

    fn reply(&self, arrival: &Arrival) -> Reply {
        let mut truth = self.truth.lock().unwrap();
        let fault = truth.next_fault(&arrival.invoice);
        let words = &self.words;
        let says = |status, body| Reply::Says { status, body, seal: Seal::Good, retry_after: None };
        let lie = || words.done(&arrival.invoice, "somebody-elses");
        // What is so before anything is done.
        match fault {
            Fault::NotSent => return Reply::Ends(Exchange::NotSent("connection refused".into())),
            Fault::TimeOut(When::Before) => return Reply::Ends(Exchange::TimedOut),
            Fault::Lost(When::Before) => return Reply::Ends(Exchange::Lost("reset".into())),
            Fault::Http { status, when: When::Before } => return says(status, words.error("ill")),
            Fault::Wait { status, seconds, signed } => {
                let seal = if signed { Seal::Good } else { Seal::None };
                return Reply::Says { status, body: words.error("wait"), seal, retry_after: Some(seconds) };
            }
            Fault::Unsigned(When::Before) => {
                return Reply::Says { status: 200, body: lie(), seal: Seal::None, retry_after: None };
            }
            Fault::WrongSignature(When::Before) => {
                return Reply::Says { status: 200, body: lie(), seal: Seal::Wrong, retry_after: None };
            }
            Fault::OtherInvoice(When::Before) => return says(200, words.done("INV-ELSE", "somebody-elses")),
            Fault::OtherAmount(When::Before) => return says(200, words.with_other_amount(&lie())),
            Fault::TurnAway { status, signed } => {
                let seal = if signed { Seal::Good } else { Seal::None };
                return Reply::Says { status, body: words.error("no"), seal, retry_after: None };
            }
            Fault::InProgress => return says(409, words.error("in progress")),
            _ => {}
        }
        let answer = if arrival.body.is_some() {
            truth.forget(arrival.at, self.clock.went_back());
            truth.carry_out(words, arrival, fault)
        } else {
            let done = truth.effects.iter().find(|effect| effect.invoice == arrival.invoice);
            Some(words.status(&arrival.invoice, done.map(|effect| effect.request_id.as_str())))
        };
        let Some((status, body)) = answer else { return Reply::Ends(Exchange::TimedOut) };
        // What befalls the answer.
        match fault {
            Fault::TimeOut(When::After) | Fault::Late { .. } => Reply::Ends(Exchange::TimedOut),
            Fault::Lost(When::After) => Reply::Ends(Exchange::Lost("reset".into())),
            Fault::Http { status, when: When::After } => says(status, words.error("ill")),
            Fault::Unsigned(When::After) => Reply::Says { status, body, seal: Seal::None, retry_after: None },
            Fault::WrongSignature(When::After) => Reply::Says { status, body, seal: Seal::Wrong, retry_after: None },
            Fault::OtherInvoice(When::After) => says(status, body.replace(&arrival.invoice, "INV-ELSE")),
            Fault::OtherAmount(When::After) => says(status, words.with_other_amount(&body)),
            Fault::Contradiction => says(status, words.with_error(&body)),
            _ => says(status, body),
        }
    }
}
