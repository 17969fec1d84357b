//! What every store has to do, tried on each of them: the promises of the journal, whatever holds it.
//!
//! A test is told its [`Ground`], which is a place for a new journal in one of the stores.

mod alike;
mod damage;
mod items;
mod late;
mod memory;
mod moving;

use std::sync::Arc;

use super::history::Terms;
use super::identity::Identity;
use super::log::Ruled;
use super::postgres::address::Address;
use super::postgres::testing::{Database, Server};
use super::record::{AttemptId, Finished, First, Intent, Item, NewRow, NewRun, OutcomeRecord, RowFate};
use super::state::Event;
use super::store::{Location, Store};
use super::{Account, Journal};
use crate::doku::answer::Reading;
use crate::doku::exchange::{Answer, Exchange};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::{Doubt, Facts, Outcome, Refusal, SignatureCheck, Unsent};
use crate::model::time::{Timestamp, parse_instant};

/// Tries each test in SQLite, and in PostgreSQL if that is installed.
macro_rules! in_each_store {
    ($($name:ident),* $(,)?) => {
        mod in_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::journal::conformance::Ground::in_sqlite()).await;
            })*
        }

        mod in_postgres {
            $(#[tokio::test]
            async fn $name() {
                let Some(ground) = crate::journal::conformance::Ground::in_postgres() else { return };
                super::$name(ground).await;
            })*
        }
    };
}
use in_each_store;

/// A place for a new journal.
pub(in crate::journal) enum Ground {
    Folder(tempfile::TempDir),
    Database(Database<'static>),
}

impl Ground {
    pub(in crate::journal) fn in_sqlite() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(in crate::journal) fn in_postgres() -> Option<Self> {
        Server::shared("the journal in PostgreSQL").map(|server| Self::Database(server.database()))
    }

    /// Another place in the same store.
    fn another(&self) -> Self {
        match self {
            Self::Folder(_) => Self::in_sqlite(),
            Self::Database(database) => Self::Database(database.server.database()),
        }
    }

    /// Changes what the journal holds as nobody may: past all guards, which are there again behind it.
    fn change_by_hand(&self, change: &str) {
        match (self, self.location()) {
            (Self::Folder(_), Location::File(path)) => change_file_by_hand(&path, change),
            (Self::Database(database), _) => {
                let change = change.replace("= x'", "= '\\x");
                database.sql(&format!("SET session_replication_role = replica; {change}"));
            }
            (Self::Folder(_), Location::Server { .. }) => unreachable!("a folder holds a file"),
        }
    }

    pub(in crate::journal) fn location(&self) -> Location {
        match self {
            Self::Folder(folder) => Location::File(folder.path().join("deep/journal.db")),
            Self::Database(database) => {
                let address = Address::parse(&database.url(), std::path::Path::new("/"), &|_| None);
                let beside = database.server.socket().join("beside").join(&database.name);
                Location::Server { address: Box::new(address.unwrap()), beside }
            }
        }
    }

    pub(in crate::journal) async fn open(&self) -> Store {
        Store::open(&self.location()).await.unwrap()
    }
}

/// Whoever changes a file puts its guards back.
fn change_file_by_hand(path: &std::path::Path, change: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (trigger, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    connection.execute_batch(change).unwrap();
    for (trigger, sql) in &triggers {
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{trigger}: {error}"));
    }
}

async fn eventful(ground: &Ground) -> Store {
    let journal = ground.open().await;
    fill(&journal).await;
    journal
}

/// Fills a journal with an item in every state that an item can come to, in one run.
pub(in crate::journal) async fn fill(journal: &impl Journal) {
    let run = journal.begin_run(new_run("job", &[1, 2, 3, 4, 5, 6, 7])).await.unwrap();
    let outcomes = [
        Outcome::Applied,
        Outcome::Already,
        Outcome::Refused(Refusal::PaymentPending),
        Outcome::Throttled(SignatureCheck::Valid),
        Outcome::Ambiguous(Doubt::Timeout),
        Outcome::NotSent(Unsent::Connect),
    ];
    for (number, outcome) in (1..).zip(outcomes) {
        let intent = journal.record_intent(first(&run, number, "body")).await.unwrap();
        journal.record_outcome(answered(intent.attempt(), outcome)).await.unwrap();
    }
    journal.record_intent(first(&run, 7, "body")).await.unwrap();
    journal.finish_run(Finished { run, at: at(9), exit_code: 3, stopped: None }).await.unwrap();
}

async fn item(journal: &Store, number: u32) -> Item {
    journal.known(&account(), vec![invoice(number)]).await.unwrap().remove(&invoice(number)).unwrap()
}

pub(in crate::journal) fn at(seconds: i64) -> Timestamp {
    parse_instant("2026-11-22T08:00:00Z").unwrap() + chrono::Duration::seconds(seconds)
}

pub(in crate::journal) fn account() -> Account {
    let client_id = ClientId::new("MCH-1").unwrap();
    Account { environment: Environment::Simulator, client_id, operation: Operation::Refund }
}

pub(in crate::journal) fn invoice(number: u32) -> InvoiceNumber {
    InvoiceNumber::new(&format!("INV-{number}")).unwrap()
}

pub(in crate::journal) fn new_row(row: u64, number: u32) -> NewRow {
    NewRow {
        number: row,
        line: row + 1,
        raw: format!("INV-{number},90000").into(),
        invoice: Some(invoice(number)),
        rupiah: Rupiah::new(90_000),
        fate: RowFate::Send,
        reason: String::new(),
    }
}

pub(in crate::journal) fn new_run(job: &str, invoices: &[u32]) -> NewRun {
    let rows = invoices.iter().zip(1..).map(|(number, row)| new_row(row, *number));
    NewRun {
        job: job.into(),
        account: account(),
        started_at: at(0),
        horizon: std::time::Duration::from_secs(24 * 3600),
        delimiter: b',',
        header: vec!["invoice_number".into(), "amount".into()],
        terms: Terms::default(),
        rows: Arc::new(rows.collect::<Vec<NewRow>>()),
        plan: None,
    }
}

pub(in crate::journal) fn first(run: &RunId, number: u32, body: &str) -> Intent {
    Intent::First(Box::new(First {
        run: run.clone(),
        identity: Identity { account: account(), invoice: invoice(number), generation: 0 },
        amount: Rupiah::new(90_000),
        payment_reference: MerchantReference::new("P-1").unwrap(),
        body: body.as_bytes().to_vec(),
        at: at(1),
    }))
}

pub(in crate::journal) fn ended(attempt: AttemptId, outcome: Outcome) -> OutcomeRecord {
    let reading = Reading { outcome, facts: Facts::default().into(), halt: None, retry_after: None };
    OutcomeRecord { attempt, reading, exchange: Exchange::TimedOut, at: at(2) }
}

pub(in crate::journal) fn answered(attempt: AttemptId, outcome: Outcome) -> OutcomeRecord {
    let headers = vec![("signature".to_owned(), "HMACSHA256=x".to_owned())];
    let answer = Answer { status: 200, headers, body: b"{}".to_vec() };
    OutcomeRecord { exchange: Exchange::Answered(answer), ..ended(attempt, outcome) }
}

pub(in crate::journal) fn ruled(event: Event) -> Ruled {
    Ruled { event, reason: "told by phone".into(), evidence: "ticket 7".into(), by: "budi".into() }
}
