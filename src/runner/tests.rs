//! The dispatcher against a scripted provider, in virtual time, with the real journal.

#![expect(clippy::unchecked_time_subtraction, reason = "a test that goes back in time may panic")]

mod amounts;
mod illness;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::attempt::Desk;
use super::clock::{Clock, RunClock};
use super::dispatch::{Amounts, Dispatch, Fresh, Rules, Stop};
use super::gateway::Gateway;
use super::pace::gate::LaneGate;
use super::pace::share::{Place, Purpose, Share};
use super::places::Places;
use super::progress::Progress;
use crate::doku::answer::{Halt, PaymentPage};
use crate::doku::exchange::{Answer, Exchange, Request};
use crate::doku::request::Call;
use crate::doku::sign::{Components, Signer, TimestampName};
use crate::job::settings::{Breaker, Limits, Quota, Retries, Window};
use crate::journal::history::{DayCaps, Terms};
use crate::journal::record::{Item, NewRow, NewRun, RowFate};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::state::State;
use crate::journal::{Account, Journal as _, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, Identifier, InvoiceNumber, MerchantReference, RunId};
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::order::Order;
use crate::model::secret::Secret;
use crate::model::time::{self, Timestamp, Zone, parse_instant};
use crate::plan::Sendable;

/// Time that passes only when somebody waits.
#[derive(Clone, Default)]
struct VirtualClock(Arc<AtomicU64>);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        time::after(parse_instant("2026-11-22T08:00:00Z").unwrap(), self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        // Let everything that is under way come in first: virtual time must not overtake it.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.0.fetch_add(u64::try_from(span.as_millis()).unwrap().max(1), Ordering::SeqCst);
    }
}

/// How the scripted provider answers one request.
#[derive(Clone, Copy)]
enum Reply {
    TimeOut,
    NotSent,
    Status(u16),
    Unsigned(u16),
    Refunded(u16),
    StatusSays(&'static str),
    /// 429 with so many seconds of Retry-After.
    Wait(u64),
    /// As if it were refunded, signed with another key.
    Forged,
    /// The same, over an amount of its own.
    StatusOver(&'static str, u64),
    /// Refunded, and so many rupiah as nobody asked about.
    OtherAmount(u16),
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrived {
    at: Duration,
    request_id: String,
    body: Option<Vec<u8>>,
    /// So many requests would be in doubt if the program were killed now.
    open: usize,
}

#[derive(Clone)]
struct Provider {
    script: Arc<Mutex<VecDeque<Reply>>>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    clock: VirtualClock,
    signer: Signer,
    journal: PathBuf,
}

impl Gateway for Provider {
    async fn exchange(&self, request: Request) -> Exchange {
        let header = |name: &str| request.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        let request_id = header("Request-Id");
        let open = self.open_attempts();
        if request.body.is_some() {
            let of_its_own = open.iter().filter(|key| **key == request_id).count();
            assert_eq!(of_its_own, 1, "a request arrived without one durable intent of its own");
        }
        let (at, body, open) = (self.clock.monotonic(), request.body.clone(), open.len());
        let arrived = Arrived { at, request_id: request_id.clone(), body, open };
        self.arrived.lock().unwrap().push(arrived);
        let reply = self.script.lock().unwrap().pop_front().unwrap_or(Reply::Refunded(200));
        let invoice = request.body.as_ref().map_or_else(
            || request.target.rsplit('/').next().unwrap().to_owned(),
            |body| text_at(body, "/order/invoice_number"),
        );
        let refund =
            request.body.as_ref().map(|body| text_at(body, "/refund/merchant_unique_reference")).unwrap_or_default();
        let (status, body, signed) = match reply {
            Reply::TimeOut => return Exchange::TimedOut,
            Reply::NotSent => return Exchange::NotSent("connection refused".into()),
            Reply::Status(status) => (status, r#"{"error":{"message":"no"}}"#.to_owned(), true),
            Reply::Wait(_) => (429, "{}".to_owned(), true),
            Reply::Unsigned(status) => (status, "<html>".to_owned(), false),
            Reply::Refunded(_) | Reply::Forged | Reply::OtherAmount(_) => {
                let amount = if matches!(reply, Reply::OtherAmount(_)) { 101_000 } else { 90_000 };
                (
                    if let Reply::Refunded(status) | Reply::OtherAmount(status) = reply { status } else { 200 },
                    format!(
                        r#"{{"order":{{"invoice_number":"{invoice}","amount":{amount}}},"payment":{{"status":"REFUNDED"}},"refund":{{"status":"SUCCESS","merchant_unique_reference":"{refund}"}}}}"#
                    ),
                    true,
                )
            }
            Reply::StatusSays(word) | Reply::StatusOver(word, _) => (
                200,
                format!(
                    r#"{{"order":{{"invoice_number":"{invoice}","amount":{}}},"transaction":{{"status":"{word}"}}}}"#,
                    if let Reply::StatusOver(_, amount) = reply { amount } else { 90_000 }
                ),
                true,
            ),
        };
        let timestamp = time::wire(self.clock.now());
        let forger = Signer::new(&Secret::new("SK-of-a-forger"));
        let signer = if matches!(reply, Reply::Forged) { &forger } else { &self.signer };
        let signature = signer.sign(&Components {
            client_id: "MCH-1",
            request_id: &request_id,
            timestamp_name: TimestampName::Response,
            timestamp: &timestamp,
            target: &request.target,
            body: Some(body.as_bytes()),
        });
        let mut headers = vec![("response-timestamp".to_owned(), timestamp)];
        if let Reply::Wait(seconds) = reply {
            headers.push(("retry-after".to_owned(), seconds.to_string()));
        }
        if signed {
            headers.push(("signature".to_owned(), signature));
        }
        Exchange::Answered(Answer { status, headers, body: body.into_bytes() })
    }
}

/// The way to the provider, on a machine that may fall asleep between an intent and its request.
#[derive(Clone)]
struct Way {
    gate: LaneGate<Provider, SqliteJournal, VirtualClock>,
    naps: Arc<Mutex<VecDeque<Duration>>>,
    clock: VirtualClock,
}

impl Gateway for Way {
    async fn exchange(&self, request: Request) -> Exchange {
        let nap = self.naps.lock().unwrap().pop_front();
        if let Some(nap) = nap {
            self.clock.sleep(nap).await;
        }
        self.gate.exchange(request).await
    }
}

impl Provider {
    /// The keys of the attempts whose intent is on disk and whose outcome is not.
    fn open_attempts(&self) -> Vec<String> {
        let connection = rusqlite::Connection::open(&self.journal).unwrap();
        let mut open = connection.prepare("SELECT request_id FROM attempt WHERE ended_at IS NULL").unwrap();
        open.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

fn text_at(body: &[u8], pointer: &str) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

fn invoice(number: usize) -> InvoiceNumber {
    InvoiceNumber::new(&format!("INV-{number}")).unwrap()
}

fn to_send(number: usize) -> Sendable {
    let id = Identifier::new("1000").unwrap();
    let payment_reference = MerchantReference::new("P-1").unwrap();
    Sendable {
        order: Order {
            invoice_number: invoice(number),
            amount: Rupiah::new(90_000),
            payment_reference: Some(payment_reference.clone()),
            order_id: None,
            akulaku_reference: None,
            book: None,
            created_at: None,
            sale: None,
        },
        call: Call::Refund { order_id: id.clone(), akulaku_reference: id },
        generation: 0,
        payment_reference,
    }
}

/// A provider, a journal and a clock that several runs share.
struct World {
    _folder: tempfile::TempDir,
    journal: Arc<SqliteJournal>,
    path: PathBuf,
    clock: VirtualClock,
    rules: Rules,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    interrupt: watch::Sender<bool>,
    /// How long the machine sleeps before the next requests.
    naps: Arc<Mutex<VecDeque<Duration>>>,
    progress: Arc<Progress>,
    lost_since: Option<Timestamp>,
    caps: DayCaps,
    /// What the input says of orders that were answered with other amounts.
    amounts: Amounts,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let one = NonZeroU32::new(1).unwrap();
        Self {
            journal: Arc::new(SqliteJournal::open(&path).unwrap()),
            path,
            _folder: folder,
            clock: VirtualClock::default(),
            rules: Rules {
                limits: Limits { concurrency: one, ..Limits::default() },
                retries: Retries::default(),
                breaker: Breaker { consecutive: NonZeroU32::new(50).unwrap(), ..Breaker::default() },
                canaries: 0,
                window: None,
                settlement: Vec::new(),
            },
            arrived: Arc::default(),
            interrupt: watch::channel(false).0,
            naps: Arc::default(),
            progress: Arc::default(),
            lost_since: None,
            caps: DayCaps::default(),
            amounts: Amounts::default(),
        }
    }

    fn account() -> Account {
        let client_id = ClientId::new("MCH-1").unwrap();
        Account { environment: Environment::Simulator, client_id, operation: Operation::Refund }
    }

    /// One run that sends the orders of these numbers and settles what is unknown.
    async fn run(&self, orders: impl IntoIterator<Item = usize>, script: &[Reply]) -> Option<Stop> {
        self.dispatch(orders, script).await.run(self.interrupt.subscribe()).await
    }

    /// The same, cut off like a killed program after it was woken so many times. Whether it came to its end by then.
    async fn run_cut_off(&self, orders: impl IntoIterator<Item = usize>, wakes: usize) -> bool {
        let mut run = Box::pin(self.dispatch(orders, &[]).await.run(self.interrupt.subscribe()));
        let mut left = wakes;
        std::future::poll_fn(move |context| {
            if run.as_mut().poll(context).is_ready() {
                return std::task::Poll::Ready(true);
            }
            left = left.saturating_sub(1);
            if left == 0 { std::task::Poll::Ready(false) } else { std::task::Poll::Pending }
        })
        .await
    }

    async fn dispatch(
        &self,
        orders: impl IntoIterator<Item = usize>,
        script: &[Reply],
    ) -> Dispatch<SqliteJournal, Way, VirtualClock> {
        let orders: Vec<usize> = orders.into_iter().collect();
        let signer = Signer::new(&Secret::new("SK"));
        let rows = orders.iter().zip(1..).map(|(number, row)| NewRow {
            number: row,
            line: row,
            raw: "".into(),
            invoice: Some(invoice(*number)),
            rupiah: Rupiah::new(90_000),
            fate: RowFate::Send,
            reason: String::new(),
        });
        let new = NewRun {
            job: "job".into(),
            account: Self::account(),
            started_at: self.clock.now(),
            horizon: self.rules.retries.horizon,
            delimiter: b',',
            header: Vec::new(),
            terms: Terms { caps: self.caps, ..Terms::default() },
            rows: Arc::new(rows.collect::<Vec<NewRow>>()),
            plan: None,
        };
        self.journal.recover(self.clock.now()).await.unwrap();
        let provider = Provider {
            script: Arc::new(Mutex::new(script.iter().copied().collect())),
            arrived: Arc::clone(&self.arrived),
            clock: self.clock.clone(),
            signer: signer.clone(),
            journal: Path::new(&self.path).to_owned(),
        };
        let (clock, backoff) = (RunClock::begin(self.clock.clone()), self.rules.retries.backoff_first);
        let (journal, places) = (Arc::clone(&self.journal), Arc::<Places>::default());
        let (window, ours) = (self.rules.window, Arc::clone(&places));
        let gate = LaneGate::before(provider, journal, None, clock.clone(), backoff, ours, window);
        let desk = Desk {
            journal: Arc::clone(&self.journal),
            gateway: Way { gate, naps: Arc::clone(&self.naps), clock: self.clock.clone() },
            clock,
            signer,
            client_id: ClientId::new("MCH-1").unwrap(),
            run: self.journal.begin_run(new).await.unwrap(),
            lost_since: self.lost_since,
            horizon: self.rules.retries.horizon,
            page: PaymentPage::Https,
            places,
        };
        let unsettled = self.journal.items_in(&Self::account(), "job", &[State::Unknown]).await.unwrap();
        let fresh: Vec<Sendable> = orders.iter().map(|number| to_send(*number)).collect();
        let mut sum = Tally::default();
        fresh.iter().for_each(|ready| sum.add(ready.order.amount));
        let fresh = Fresh::of(sum, fresh.into_iter()).with(self.amounts);
        let progress = Arc::clone(&self.progress);
        Dispatch::new(desk, Self::account(), self.rules.clone(), fresh, unsettled, progress)
    }

    async fn item(&self, number: usize) -> Option<Item> {
        self.journal.known(&Self::account(), vec![invoice(number)]).await.unwrap().remove(&invoice(number))
    }

    async fn state(&self, number: usize) -> Option<State> {
        self.item(number).await.map(|item| item.state)
    }

    fn sends(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().iter().filter(|arrived| arrived.body.is_some()).cloned().collect()
    }

    fn inquiries(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().iter().filter(|arrived| arrived.body.is_none()).cloned().collect()
    }
}

#[tokio::test]
async fn a_replayed_answer_settles_the_item() {
    let world = World::new();
    let stop = world.run([1], &[Reply::TimeOut, Reply::Status(500), Reply::Unsigned(200), Reply::Refunded(409)]).await;
    assert!(stop.is_none());
    let item = world.item(1).await.unwrap();
    assert_eq!((item.state, item.attempts, item.facts.replayed), (State::Succeeded, 4, true));
    let sends = world.sends();
    assert!(sends.iter().all(|sent| (&sent.request_id, &sent.body) == (&sends[0].request_id, &sends[0].body)));
    for pair in sends.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_secs(5), "resent before the backoff was over");
    }
}

#[tokio::test]
async fn an_inquiry_comes_sixty_seconds_after_the_last_request_with_an_id_of_its_own() {
    let world = World::new();
    let script =
        [[Reply::TimeOut; 6].as_slice(), &[Reply::StatusSays("SUCCESS"), Reply::StatusSays("REFUNDED")]].concat();
    assert!(world.run([1], &script).await.is_none());
    assert_eq!(world.state(1).await, Some(State::AlreadyDone));
    let (sends, inquiries) = (world.sends(), world.inquiries());
    assert_eq!((sends.len(), inquiries.len()), (6, 2), "not refunded yet is no proof, so it is asked again");
    assert!(inquiries[0].at - sends[5].at >= Duration::from_secs(60));
    assert!(inquiries.iter().all(|inquiry| inquiry.request_id != sends[0].request_id));
}

#[tokio::test]
async fn what_stays_unknown_is_settled_by_a_later_run_with_the_same_key() {
    let world = World::new();
    let silence = [Reply::TimeOut; 60];
    assert!(world.run([1], &silence).await.is_none());
    assert_eq!(world.state(1).await, Some(State::Unknown));
    assert!(world.run([], &[Reply::Refunded(409)]).await.is_none());
    assert_eq!(world.state(1).await, Some(State::Succeeded));
    let ids: std::collections::HashSet<_> = world.sends().into_iter().map(|sent| sent.request_id).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn beyond_the_horizon_nothing_is_resent_and_a_person_decides() {
    let mut world = World::new();
    world.rules.retries.horizon = Duration::from_secs(10);
    world.run([1], &[Reply::TimeOut, Reply::TimeOut, Reply::StatusSays("SUCCESS")]).await;
    assert_eq!(world.state(1).await, Some(State::Review));
    let sent = world.sends().len();
    world.clock.sleep(Duration::from_secs(100)).await;
    world.run([], &[]).await;
    assert_eq!(world.sends().len(), sent, "an item under review is never sent");
}

#[tokio::test]
async fn beyond_the_horizon_an_order_that_the_provider_does_not_know_comes_before_a_person_too() {
    let mut world = World::new();
    world.rules.retries.horizon = Duration::from_secs(10);
    world.run([1], &[Reply::TimeOut, Reply::TimeOut, Reply::Status(404)]).await;
    assert_eq!(world.state(1).await, Some(State::Review));
}

#[tokio::test]
async fn the_breaker_stops_new_sends() {
    let mut world = World::new();
    world.rules.breaker = Breaker::default();
    let stop = world.run(1..=20, &[Reply::NotSent; 20]).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert_eq!(world.sends().len(), 5);
    assert_eq!(world.state(1).await, Some(State::Planned), "nothing was done, so it may be sent again");
    assert_eq!(world.state(6).await, None);
}

#[tokio::test]
async fn an_open_breaker_sends_nothing_and_still_asks_about_what_earlier_runs_left() {
    let mut world = World::new();
    world.rules.breaker = Breaker::default();
    let stop = world.run(1..=20, &[Reply::TimeOut; 5]).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert_eq!((world.sends().len(), world.inquiries().len()), (5, 0), "what was just sent can wait");
    let script: Vec<Reply> = [Reply::TimeOut; 5].into_iter().chain([Reply::StatusSays("REFUNDED"); 5]).collect();
    let stop = world.run([], &script).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert_eq!((world.sends().len(), world.inquiries().len()), (10, 5));
    for number in 1..=5 {
        assert_eq!(world.state(number).await, Some(State::AlreadyDone), "{number}");
    }
    assert_eq!(world.state(6).await, None);
}

#[tokio::test]
async fn after_a_loss_a_request_that_was_turned_away_disproves_nothing() {
    let mut world = World::new();
    world.lost_since = Some(world.clock.now());
    world.run([1], &[Reply::Status(404), Reply::StatusSays("REFUNDED")]).await;
    assert_eq!(world.sends().len(), 1, "it is asked about, and not sent again");
    assert_eq!(world.state(1).await, Some(State::AlreadyDone));
}

#[tokio::test]
async fn a_loss_that_gets_as_old_as_the_horizon_ends_the_sending() {
    let mut world = World::new();
    world.lost_since = Some(world.clock.now() - chrono::Duration::seconds(24 * 3600 - 10));
    world.rules.limits.rate = vec![Quota { calls: NonZeroU32::new(1).unwrap(), per: Duration::from_secs(1) }];
    let stop = world.run(1..=40, &[]).await;
    assert!(matches!(stop, Some(Stop::LossTooOld)), "{stop:?}");
    assert!((5..20).contains(&world.sends().len()), "{}", world.sends().len());
}

#[tokio::test]
async fn asking_in_vain_keeps_no_new_order_waiting() {
    let mut world = World::new();
    world.rules.retries.attempts = NonZeroU32::new(1).unwrap();
    world.rules.retries.inquire_after = Duration::from_secs(1);
    let never = NonZeroU32::new(1000).unwrap();
    world.rules.breaker = Breaker { consecutive: never, of_last: never, failures: 100 };
    world.rules.limits.rate = vec![Quota { calls: NonZeroU32::new(5).unwrap(), per: Duration::from_secs(1) }];
    let stop = world.run(1..=40, &[Reply::Status(500); 200]).await;
    assert!(stop.is_none(), "{stop:?}");
    assert_eq!(world.sends().len(), 40);
    let last_send = world.sends()[39].at;
    assert!(last_send < Duration::from_secs(40), "{last_send:?}");
}

#[tokio::test]
async fn who_does_not_answer_is_not_asked_for_ever() {
    let mut world = World::new();
    world.rules.breaker = Breaker::default();
    world.run(1..=20, &[Reply::TimeOut; 5]).await;
    world.rules.breaker.consecutive = NonZeroU32::new(3).unwrap();
    let stop = world.run([], &[Reply::TimeOut; 100]).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert!(world.inquiries().len() <= 5, "{}", world.inquiries().len());
    assert_eq!(world.state(1).await, Some(State::Unknown));
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_stops_the_run() {
    // An answer that is kept nowhere is as good as none; a call that was not made changes nothing.
    let others =
        [(Reply::Status(404), 1), (Reply::TimeOut, 1), (Reply::Status(429), 0), (Reply::NotSent, 0)].into_iter();
    // A success has given its place back by then: whoever has taken it is kept back in the last moment, not every time.
    for (second, in_doubt) in std::iter::repeat_n((Reply::Refunded(200), 1), 8).chain(others) {
        let world = World::new();
        // One write fails and no other: the writer itself goes on.
        let trigger =
            "CREATE TRIGGER no BEFORE UPDATE ON attempt WHEN NEW.item = 2 BEGIN SELECT RAISE(ABORT, 'no'); END";
        rusqlite::Connection::open(&world.path).unwrap().execute_batch(trigger).unwrap();
        let stop = world.run(1..=5, &[Reply::Refunded(200), second]).await;
        assert!(matches!(stop, Some(Stop::Journal(_))), "{stop:?}");
        assert_eq!(world.sends().len(), 2);
        assert_eq!(world.progress.in_doubt().count, in_doubt);
    }
}

#[tokio::test]
async fn refused_credentials_stop_the_run_at_once() {
    for (reply, halt, state) in [
        (Reply::Status(401), Halt::Credentials, State::Refused),
        (Reply::Unsigned(403), Halt::Gateway, State::Unknown),
        (Reply::Unsigned(307), Halt::Gateway, State::Unknown),
    ] {
        let world = World::new();
        let stop = world.run(1..=5, &[reply]).await;
        assert!(matches!(stop, Some(Stop::Halted(found)) if found == halt), "{stop:?}");
        assert_eq!((world.sends().len(), world.state(1).await), (1, Some(state)));
    }
}

#[tokio::test]
async fn a_conflict_without_the_first_answer_is_asked_about_before_it_is_sent_again() {
    let world = World::new();
    world.run([1], &[Reply::Status(409), Reply::StatusSays("SUCCESS"), Reply::Refunded(200)]).await;
    assert_eq!(world.state(1).await, Some(State::Succeeded));
    assert!(world.inquiries()[0].at < world.sends()[1].at);
}

#[tokio::test]
async fn throttling_holds_everybody_back_and_counts_as_no_failure() {
    let world = World::new();
    let stop = world.run(1..=3, &[Reply::Status(429)]).await;
    assert!(stop.is_none());
    for number in 1..=3 {
        assert_eq!(world.state(number).await, Some(State::Succeeded));
    }
    let sends = world.sends();
    assert!(sends[1].at - sends[0].at >= Duration::from_secs(5));
}

#[tokio::test]
async fn an_inquiry_that_is_throttled_holds_everybody_back_as_well() {
    let mut world = World::new();
    world.rules.retries.settle_for = Duration::from_secs(600);
    let script = [[Reply::TimeOut; 6].as_slice(), &[Reply::Wait(200), Reply::StatusSays("REFUNDED")]].concat();
    assert!(world.run([1], &script).await.is_none());
    let inquiries = world.inquiries();
    assert!(inquiries[1].at - inquiries[0].at >= Duration::from_secs(200), "{inquiries:?}");
}

#[tokio::test]
async fn an_interrupted_run_and_a_closed_window_send_nothing_new() {
    let mut world = World::new();
    world.rules.window = Some(Window { from: 0, until: 1, zone: Zone::UTC });
    assert!(matches!(world.run(1..=3, &[]).await, Some(Stop::WindowClosed)));
    world.rules.window = None;
    world.interrupt.send_replace(true);
    assert!(matches!(world.run(1..=3, &[]).await, Some(Stop::Interrupted)));
    assert_eq!(world.sends(), []);
}

#[tokio::test]
async fn a_run_cut_off_at_any_moment_is_continued_to_the_same_end() {
    for wakes in 1..40 {
        let mut world = World::new();
        world.rules.limits.concurrency = NonZeroU32::new(3).unwrap();
        world.rules.limits.rate.clear();
        let mut runs = 0;
        loop {
            // As the plan does: an order that has an item is not sent anew unless nothing was done for it.
            let mut fresh = Vec::new();
            for number in 1..=6 {
                if matches!(world.state(number).await, None | Some(State::Planned)) {
                    fresh.push(number);
                }
            }
            runs += 1;
            if world.run_cut_off(fresh, wakes * runs).await {
                break;
            }
        }
        let mut ids_of = std::collections::HashMap::<String, std::collections::HashSet<_>>::new();
        for sent in world.sends() {
            let invoice = text_at(sent.body.as_ref().unwrap(), "/order/invoice_number");
            ids_of.entry(invoice).or_default().insert((sent.request_id, sent.body));
        }
        assert_eq!(ids_of.len(), 6, "cut off after {wakes} wakes");
        assert!(ids_of.values().all(|ids| ids.len() == 1), "one key and one body for each order");
        for number in 1..=6 {
            assert_eq!(world.state(number).await, Some(State::Succeeded), "cut off after {wakes} wakes");
        }
    }
}

#[tokio::test]
async fn a_signed_refusal_of_a_resend_does_not_disprove_the_first_request() {
    for status in [400, 401, 403, 404, 422] {
        let world = World::new();
        world.run([1], &[Reply::TimeOut, Reply::Status(status), Reply::StatusSays("SUCCESS")]).await;
        assert_eq!(world.state(1).await, Some(State::Unknown), "{status}");
        assert_eq!(world.sends().len(), 2, "{status}: it will be no better next time");
    }
}

#[tokio::test]
async fn an_unsigned_429_proves_nothing() {
    let world = World::new();
    world.run([1], &[Reply::Unsigned(429); 60]).await;
    assert_eq!(world.state(1).await, Some(State::Unknown));
}

#[tokio::test]
async fn the_horizon_counts_when_a_resend_leaves_not_when_it_is_queued() {
    let mut world = World::new();
    world.rules.retries.attempts = NonZeroU32::new(1).unwrap();
    world.rules.retries.settle_for = Duration::ZERO;
    world.run(1..=30, &[Reply::TimeOut; 30]).await;
    let sent = world.sends().len();
    world.rules.limits.rate[0].per = Duration::from_secs(5 * 3600);
    world.rules.retries.settle_for = Duration::from_secs(60 * 3600);
    world.run([], &[Reply::TimeOut; 30]).await;
    let horizon = Duration::from_secs(24 * 3600);
    let resends = &world.sends()[sent..];
    assert!(!resends.is_empty() && resends.iter().all(|resend| resend.at < horizon + Duration::from_secs(60)));
}

#[tokio::test]
async fn a_machine_that_sleeps_between_an_intent_and_its_request_sends_no_key_that_may_be_forgotten() {
    let a_day_and_more = Duration::from_secs(25 * 3600);
    let mut world = World::new();
    world.rules.retries.settle_for = Duration::ZERO;
    world.run([1], &[Reply::TimeOut]).await;
    world.rules.retries.settle_for = 2 * a_day_and_more;
    world.naps.lock().unwrap().push_back(a_day_and_more);
    world.run([], &[Reply::Status(404)]).await;
    assert_eq!(world.sends().len(), 1, "its key may be forgotten");
    assert_eq!(world.state(1).await, Some(State::Review), "it was asked about instead");
    // What was never sent is not known to anybody: its key is as safe the next day.
    world.naps.lock().unwrap().push_back(a_day_and_more);
    world.run([2], &[]).await;
    let sent: Vec<Arrived> = world.sends().into_iter().skip(1).collect();
    assert!(matches!(&sent[..], [once] if once.at > 2 * a_day_and_more), "with a new intent: {sent:?}");
    assert_eq!(world.state(2).await, Some(State::Succeeded));
}

#[tokio::test]
async fn nothing_leaves_after_the_window_has_closed_while_the_pace_was_waited_for() {
    let mut world = World::new();
    world.rules.window = Some(Window { from: 0, until: 8 * 60 + 1, zone: Zone::UTC });
    world.rules.limits.rate[0].per = Duration::from_secs(5 * 40);
    assert!(matches!(world.run(1..=5, &[]).await, Some(Stop::WindowClosed)));
    assert!(world.sends().iter().all(|sent| sent.at < Duration::from_secs(60)));
}

/// Their intents are durable, and they may have to wait for long.
#[tokio::test]
async fn calls_that_wait_for_their_places_may_not_leave_once_the_run_is_stopped() {
    let closed = Some(Window { from: 0, until: 60, zone: Zone::UTC });
    for (is_interrupted, window, place) in
        [(false, None, Place::Taken), (true, None, Place::Closed), (false, closed, Place::Closed)]
    {
        let mut world = World::new();
        world.rules.window = window;
        world.interrupt.send_replace(is_interrupted);
        let (journal, clock) = (Arc::clone(&world.journal), world.clock.clone());
        let share = Share::new(journal, &World::account(), &world.rules.limits, clock).map(Arc::new);
        world.dispatch(1..=3, &[]).await.in_lane(share.clone()).run(world.interrupt.subscribe()).await;
        let taken = share.expect("the limits have a rate").take(Purpose::Inquiry).await;
        assert_eq!(taken.unwrap(), place, "interrupted: {is_interrupted}");
    }
}

#[tokio::test]
async fn many_at_once_are_each_sent_once() {
    let mut world = World::new();
    world.rules.limits.concurrency = NonZeroU32::new(16).unwrap();
    world.rules.limits.rate.clear();
    assert!(world.run(1..=200, &[]).await.is_none());
    let sends = world.sends();
    assert_eq!(sends.len(), 200);
    // What takes the place of an answer that is being written down is written behind it.
    assert!(sends.iter().all(|sent| sent.open <= 16), "no more are in doubt at once than there are places");
    for number in 1..=200 {
        assert_eq!(world.state(number).await, Some(State::Succeeded));
    }
}

#[tokio::test]
async fn a_cap_of_the_day_ends_what_is_new_and_what_is_begun_is_settled() {
    let caps = DayCaps { orders: Some(2), rupiah: None };
    let world = World { caps, ..World::new() };
    let stop = world.run([1, 2, 3, 4], &[Reply::TimeOut]).await;
    assert!(matches!(stop, Some(Stop::Journal(JournalError::Capped(_)))), "{stop:?}");
    assert_eq!([world.state(1).await, world.state(2).await], [Some(State::Succeeded); 2]);
    assert_eq!([world.state(3).await, world.state(4).await], [None, None], "nothing was begun for them");
    assert_eq!(world.sends().len(), 3, "one order was sent twice, with one key");
}
