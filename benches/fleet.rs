//! How many orders a second can several runners on one journal claim, intend and record?
//!
//! `cargo bench --bench fleet` lets 1, 2 and 4 runners work on one joint run in PostgreSQL, which it starts in a folder of its
//! own, and one on SQLite. Nothing is sent: each order is claimed, its intent made durable and its outcome recorded, 64 orders
//! of each runner at a time. `REKON_FLEET_ORDERS=20000` measures longer.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints what it found"
)]

#[allow(dead_code, reason = "the tests use other parts of it")]
#[path = "../src/journal/postgres/testing.rs"]
mod postgres;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::Server;
use rekon::doku::answer::Reading;
use rekon::doku::exchange::{Answer, Exchange};
use rekon::journal::history::Terms;
use rekon::journal::identity::Identity;
use rekon::journal::joint::{Ask, Claimed, Shared};
use rekon::journal::postgres::address::Address;
use rekon::journal::record::{First, Intent, NewRow, NewRun, OutcomeRecord, RowFate};
use rekon::journal::store::{Location, Store};
use rekon::journal::{Account, Journal as _};
use rekon::model::environment::Environment;
use rekon::model::ids::{ClientId, InvoiceNumber, MerchantReference, RunId};
use rekon::model::money::Rupiah;
use rekon::model::operation::Operation;
use rekon::model::outcome::{Facts, Outcome};
use rekon::model::time::{Timestamp, parse_instant};
use tokio::task::JoinSet;

/// So many orders of a runner are under way at once.
const AT_ONCE: usize = 64;

fn main() {
    let orders = std::env::var("REKON_FLEET_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(8_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("journal     runners  orders  claims/s  orders/s (intent and outcome)");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(measure("SQLite", &Location::File(folder.path().join("journal.db")), 1, orders));
    let Some(server) = Server::own("the benchmark") else { return };
    for runners in [1, 2, 4] {
        let url = server.database().url();
        let address = Address::parse(&url, Path::new("/"), &|_| None).expect("a URL");
        let location = Location::Server { address: Box::new(address), beside: folder.path().to_owned() };
        runtime.block_on(measure("PostgreSQL", &location, runners, orders));
    }
}

async fn measure(name: &str, location: &Location, runners: usize, orders: u64) {
    let opener = Arc::new(Store::open(location).await.expect("a journal"));
    let run = opener.begin_run(new_run(orders)).await.expect("a run");
    let shared = Shared {
        job_sha256: String::new(),
        input_sha256: String::new(),
        rows_sha256: String::new(),
        decided: Vec::new(),
    };
    opener.share(&run, &shared).await.expect("it is shared");
    let mut journals = vec![opener];
    for _ in 1..runners {
        let journal = Arc::new(Store::open(location).await.expect("a journal"));
        journal.join(&run).await.expect("it joins");
        journals.push(journal);
    }
    let began = Instant::now();
    let mut work = JoinSet::new();
    let is_shared = journals[0].is_shared();
    for journal in &journals {
        work.spawn(one_runner(Arc::clone(journal), run.clone(), if is_shared { None } else { Some(orders) }));
    }
    let (mut done, mut claims, mut claiming) = (0, 0, Duration::ZERO);
    while let Some(one) = work.join_next().await {
        let (of_one, asked, waited) = one.expect("a runner does not panic");
        done += of_one;
        claims += asked;
        claiming += waited;
    }
    assert_eq!(done, orders, "each order once");
    let per_second = |count: u64, span: Duration| u128::from(count) * 1_000_000 / span.as_micros().max(1);
    let claims = if claims == 0 {
        "-".to_owned()
    } else {
        per_second(claims, claiming / u32::try_from(runners).expect("few")).to_string()
    };
    println!("{name:<10}  {runners:>7}  {orders:>6}  {claims:>8}  {:>8}", per_second(orders, began.elapsed()));
}

/// Works until nothing is left: orders done, claims made, and the time that they took.
async fn one_runner(journal: Arc<Store>, run: RunId, all: Option<u64>) -> (u64, u64, Duration) {
    let (mut done, mut claims, mut waited, mut number, mut heard) = (0, 0, Duration::ZERO, 0, 0);
    let mut rows: Vec<u64> = all.map(|all| (1..=all).rev().collect()).unwrap_or_default();
    let mut under_way = JoinSet::new();
    loop {
        if rows.is_empty() && all.is_none() {
            number += 1;
            let ask = Ask {
                run: run.clone(),
                most: 256,
                canaries: 0,
                is_half_open: false,
                is_idle: false,
                heard,
                number,
                at: now(),
            };
            let asked = Instant::now();
            if let Claimed::Work(work) = journal.claim(ask).await.expect("an answer") {
                rows = work.rows.into_iter().rev().collect();
                heard = work.heard;
            }
            waited += asked.elapsed();
            claims += 1;
        }
        while under_way.len() < AT_ONCE {
            let Some(row) = rows.pop() else { break };
            let (journal, run) = (Arc::clone(&journal), run.clone());
            under_way.spawn(async move { one_order(&journal, &run, row).await });
        }
        if under_way.join_next().await.is_none() {
            return (done, claims, waited);
        }
        done += 1;
    }
}

async fn one_order(journal: &Store, run: &RunId, row: u64) {
    let first = First {
        run: run.clone(),
        identity: Identity { account: account(), invoice: invoice(row), generation: 0 },
        amount: Rupiah::new(90_000),
        payment_reference: MerchantReference::new("P-1").expect("a reference"),
        body: vec![b'x'; 400],
        at: now(),
    };
    let intent = journal.record_intent(Intent::First(Box::new(first))).await.expect("a durable intent");
    let reading = Reading { outcome: Outcome::Applied, facts: Facts::default().into(), halt: None, retry_after: None };
    let answer = Answer { status: 200, headers: Vec::new(), body: vec![b'y'; 400] };
    let exchange = Exchange::Answered(answer);
    let record = OutcomeRecord { attempt: intent.attempt(), reading, exchange, at: now() };
    journal.record_outcome(record).await.expect("a durable outcome");
}

fn now() -> Timestamp {
    parse_instant("2026-11-22T08:00:00Z").expect("a time")
}

fn account() -> Account {
    let client_id = ClientId::new("MCH-1").expect("a client");
    Account { environment: Environment::Simulator, client_id, operation: Operation::Refund }
}

fn invoice(row: u64) -> InvoiceNumber {
    InvoiceNumber::new(&format!("INV-{row}")).expect("an invoice")
}

fn new_run(orders: u64) -> NewRun {
    let row = |number: u64| NewRow {
        number,
        line: number + 1,
        raw: format!("INV-{number},90000").into(),
        invoice: Some(invoice(number)),
        rupiah: Rupiah::new(90_000),
        fate: RowFate::Send,
        reason: String::new(),
    };
    NewRun {
        job: "bench".into(),
        account: account(),
        started_at: now(),
        horizon: Duration::from_secs(24 * 3600),
        delimiter: b',',
        header: vec!["invoice_number".into(), "amount".into()],
        terms: Terms::default(),
        rows: Arc::new((1..=orders).map(row).collect::<Vec<NewRow>>()),
        plan: None,
    }
}
