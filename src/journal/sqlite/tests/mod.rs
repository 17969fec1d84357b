//! The promises of the store: what survives, what is refused, and who may look.

mod log;
mod memory;

use std::path::Path;
use std::sync::Arc;

use super::SqliteJournal;
use crate::doku::answer::Reading;
use crate::doku::exchange::Exchange;
use crate::journal::history::Terms;
use crate::journal::identity::Identity;
use crate::journal::record::{AttemptId, First, Intent, Item, NewRow, NewRun, OutcomeRecord, RowFate};
use crate::journal::state::State;
use crate::journal::{Account, Journal, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::{Doubt, Facts, Outcome, Refusal, SignatureCheck, Unsent};
use crate::model::time::{Timestamp, parse_instant};

fn at(seconds: i64) -> Timestamp {
    parse_instant("2026-11-22T08:00:00Z").unwrap() + chrono::Duration::seconds(seconds)
}

fn account() -> Account {
    let client_id = ClientId::new("MCH-1").unwrap();
    Account { environment: Environment::Simulator, client_id, operation: Operation::Refund }
}

fn invoice(number: u32) -> InvoiceNumber {
    InvoiceNumber::new(&format!("INV-{number}")).unwrap()
}

fn new_row(row: u64, number: u32) -> NewRow {
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

fn new_run(job: &str, invoices: &[u32]) -> NewRun {
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

fn first(run: &RunId, number: u32, body: &str) -> Intent {
    Intent::First(Box::new(First {
        run: run.clone(),
        identity: Identity { account: account(), invoice: invoice(number), generation: 0 },
        amount: Rupiah::new(90_000),
        payment_reference: MerchantReference::new("P-1").unwrap(),
        body: body.as_bytes().to_vec(),
        at: at(1),
    }))
}

fn ended(attempt: AttemptId, outcome: Outcome) -> OutcomeRecord {
    let reading = Reading { outcome, facts: Facts::default(), halt: None, retry_after: None };
    OutcomeRecord { attempt, reading, exchange: Exchange::TimedOut, at: at(2) }
}

async fn item(journal: &SqliteJournal, number: u32) -> Item {
    journal.known(&account(), vec![invoice(number)]).await.unwrap().remove(&invoice(number)).unwrap()
}

fn open(path: &Path) -> SqliteJournal {
    SqliteJournal::open(path).unwrap()
}

#[tokio::test]
async fn an_intent_without_an_outcome_is_unknown_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/journal.db");
    let journal = open(&path);
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    journal.record_intent(first(&run, 1, "body")).await.unwrap();
    drop(journal);
    let journal = open(&path);
    assert_eq!(item(&journal, 1).await.state, State::Intent);
    assert_eq!(journal.recover(at(9)).await.unwrap(), 1);
    let item = item(&journal, 1).await;
    assert_eq!((item.state, item.reason.as_str()), (State::Unknown, "crash"));
    assert_eq!(journal.recover(at(10)).await.unwrap(), 0, "recovering twice changes nothing");
}

#[tokio::test]
async fn all_attempts_of_an_item_carry_one_key_and_one_body() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("journal.db"));
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    let sent = journal.record_intent(first(&run, 1, "the first body")).await.unwrap();
    let key = sent.item().request_id.clone();
    journal.record_outcome(ended(sent.attempt(), Outcome::Ambiguous(Doubt::Timeout))).await.unwrap();
    let again = Intent::Again { run: run.clone(), item: sent.item().id, at: at(3) };
    let again = journal.record_intent(again).await.unwrap();
    journal.record_outcome(ended(again.attempt(), Outcome::NotSent(Unsent::Connect))).await.unwrap();
    let other_body = journal.record_intent(first(&run, 1, "another body")).await.unwrap();
    for intent in [&again, &other_body] {
        assert_eq!(intent.item().request_id, key);
        assert_eq!(intent.body(), b"the first body");
    }
    assert_eq!(other_body.item().attempts, 2, "what was not sent is no attempt");
}

#[tokio::test]
async fn what_never_left_may_be_corrected_and_what_left_may_not() {
    for (outcome, expected) in
        [(Outcome::NotSent(Unsent::Connect), "corrected"), (Outcome::Throttled(SignatureCheck::Valid), "wrong")]
    {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(&folder.path().join("journal.db"));
        let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
        let intent = journal.record_intent(first(&run, 1, "wrong")).await.unwrap();
        journal.record_outcome(ended(intent.attempt(), outcome)).await.unwrap();
        let later = journal.begin_run(new_run("other", &[1])).await.unwrap();
        let again = journal.record_intent(first(&later, 1, "corrected")).await.unwrap();
        assert_eq!(again.body(), expected.as_bytes());
        assert_eq!((again.item().job.as_str(), &again.item().run), ("other", &later));
    }
}

#[tokio::test]
async fn outcomes_move_the_item_and_nothing_moves_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("journal.db"));
    let run = journal.begin_run(new_run("job", &[1, 2, 3, 4, 5, 6])).await.unwrap();
    let cases = [
        (1, Outcome::Applied, State::Succeeded),
        (2, Outcome::Already, State::AlreadyDone),
        (3, Outcome::Refused(Refusal::PaymentPending), State::Refused),
        (4, Outcome::Throttled(SignatureCheck::Valid), State::Planned),
        (6, Outcome::Throttled(SignatureCheck::Missing), State::Unknown),
        (5, Outcome::Ambiguous(Doubt::BadSignature), State::Unknown),
    ];
    for (number, outcome, state) in cases {
        let intent = journal.record_intent(first(&run, number, "body")).await.unwrap();
        assert_eq!(journal.record_outcome(ended(intent.attempt(), outcome)).await.unwrap(), state);
        assert_eq!(item(&journal, number).await.settled_at.is_some(), state.is_terminal());
    }
    for number in 1..=3 {
        let refused = journal.record_intent(first(&run, number, "body")).await;
        assert!(matches!(refused, Err(JournalError::Impossible(_))), "INV-{number} was sent again");
    }
}

#[tokio::test]
async fn the_rows_of_a_run_come_back_in_order_with_their_items() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("journal.db"));
    let run = journal.begin_run(new_run("job", &[7, 3])).await.unwrap();
    let intent = journal.record_intent(first(&run, 3, "body")).await.unwrap();
    journal.record_outcome(ended(intent.attempt(), Outcome::Applied)).await.unwrap();
    let rows = journal.rows(&run).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (&*row.row.raw, row.item.as_ref().map(|item| item.state))).collect();
    assert_eq!(seen, [("INV-7,90000", None), ("INV-3,90000", Some(State::Succeeded))]);
}

#[tokio::test]
async fn only_one_runner_holds_the_journal_and_others_may_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = open(&path);
    assert!(matches!(SqliteJournal::open(&path), Err(JournalError::Held { .. })));
    assert!(SqliteJournal::is_held(&path));
    std::fs::remove_file(folder.path().join("journal.db.lock")).unwrap();
    let again = SqliteJournal::open(&path);
    assert!(matches!(again, Err(JournalError::Held { .. })), "without the lock file, too");
    let reader = SqliteJournal::open_to_read(&path).unwrap().unwrap();
    assert!(reader.begin_run(new_run("job", &[])).await.is_err(), "a reader cannot write");
    journal.begin_run(new_run("job", &[])).await.unwrap();
    assert_eq!(reader.runs().await.unwrap().len(), 1);
    drop(journal);
    assert!(!SqliteJournal::is_held(&folder.path().join("none.db")));
    let journal = open(&path);
    assert!(SqliteJournal::is_held(&path));
    drop(journal);
    assert!(!SqliteJournal::is_held(&path));
    assert!(SqliteJournal::open(&path).is_ok());
}

#[tokio::test]
async fn what_is_not_our_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text.db"), "this is not a database, but long enough to look like one".repeat(40)).unwrap();
    let foreign = rusqlite::Connection::open(path("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE t (n)").unwrap();
    drop(open(&path("newer.db")));
    rusqlite::Connection::open(path("newer.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for name in ["text.db", "foreign.db", "newer.db"] {
        assert!(matches!(SqliteJournal::open(&path(name)), Err(JournalError::Unusable { .. })), "{name}");
    }
    assert!(SqliteJournal::open_to_read(&path("absent.db")).unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_journal() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(open(&path));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
