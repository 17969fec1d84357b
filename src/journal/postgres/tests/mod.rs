//! The promises of the shared journal alone: who is at work, whose writes are refused, and what a server that goes away costs.

mod guards;
mod migrate;
mod restored;

use std::path::Path;

use deadpool_postgres::Client;

use super::address::Address;
use super::emergency::Waiting;
use super::testing::{Database, Server};
use super::{PostgresJournal, emergency};
use crate::journal::conformance::{account, answered, at, ended, first, invoice, new_run};
use crate::journal::record::{DurableIntent, Intent, Item};
use crate::journal::state::State;
use crate::journal::{Journal, JournalError, TakenIn};
use crate::model::ids::RunId;
use crate::model::outcome::{Doubt, Outcome, Refusal};

const UNTRIED: &str = "who is at work on a shared journal";

fn address(url: &str) -> Address {
    Address::parse(url, Path::new("/"), &|_| None).unwrap()
}

async fn open(database: &Database<'_>, beside: &Path) -> PostgresJournal {
    PostgresJournal::open(&address(&database.url()), beside).await.unwrap()
}

/// Waits until somebody in the same database waits for a lock.
pub(super) async fn waiting_for_a_lock(client: &Client) {
    let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while client.query(waits, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn item(journal: &PostgresJournal, number: u32) -> Item {
    journal.known(&account(), vec![invoice(number)]).await.unwrap().remove(&invoice(number)).unwrap()
}

/// A runner that has sent INV-1, and a second one.
async fn two_runners(
    database: &Database<'_>,
    beside: &Path,
) -> (PostgresJournal, RunId, DurableIntent, PostgresJournal) {
    let first_runner = open(database, beside).await;
    let run = first_runner.begin_run(new_run("job", &[1, 2])).await.unwrap();
    let sent = first_runner.record_intent(first(&run, 1, "body")).await.unwrap();
    (first_runner, run, sent, open(database, beside).await)
}

/// As if the first runner had been frozen for longer than its lease.
fn let_the_first_lease_run_out(database: &Database<'_>) {
    database.sql("UPDATE runner SET lease_until = clock_timestamp() - interval '1 second' WHERE id = 1");
}

#[tokio::test]
async fn what_a_living_runner_has_in_hand_is_left_to_it() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (one, run, sent, other) = two_runners(&database, beside.path()).await;
    assert_eq!(other.recover(at(5)).await.unwrap(), 0);
    assert_eq!(other.at_work().await.unwrap().iter().map(|runner| runner.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(item(&other, 1).await.state, State::Intent);
    let second = other.record_intent(first(&run, 2, "body")).await.unwrap();
    assert_eq!(one.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap(), State::Succeeded);
    assert_eq!(other.record_outcome(ended(second.attempt(), Outcome::Applied)).await.unwrap(), State::Succeeded);
    assert_eq!(one.check().await.unwrap().flaws, [""; 0]);
    drop(one);
    assert_eq!(other.at_work().await.unwrap().len(), 1, "who leaves says so");
}

#[tokio::test]
async fn an_answer_that_the_server_refuses_to_record_is_kept() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (one, _, sent, other) = two_runners(&database, beside.path()).await;
    database.sql(
        "CREATE FUNCTION is_ill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ill'; END $$; \
         CREATE TRIGGER ill BEFORE UPDATE ON attempt FOR EACH ROW EXECUTE FUNCTION is_ill()",
    );
    let told = one.record_outcome(answered(sent.attempt(), Outcome::Applied)).await.unwrap_err();
    assert!(told.to_string().contains("for the next run of the job to take in"), "{told}");
    database.sql("DROP TRIGGER ill ON attempt");
    drop(one);
    let outcomes = emergency::waiting(beside.path()).unwrap().remove(0).outcomes;
    assert_eq!(other.take_in(outcomes[0].clone()).await.unwrap(), TakenIn::Became(State::Succeeded));
    assert_eq!(item(&other, 1).await.state, State::Succeeded);
}

#[tokio::test]
async fn a_frozen_runner_is_buried_and_nothing_that_it_writes_counts() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (frozen, run, sent, other) = two_runners(&database, beside.path()).await;
    assert!(frozen.may_send());
    let_the_first_lease_run_out(&database);
    assert_eq!(other.recover(at(5)).await.unwrap(), 1);
    assert_eq!((item(&other, 1).await.state, item(&other, 1).await.reason), (State::Unknown, "crash".to_owned()));
    let before = other.head().await.unwrap();
    let refused = frozen.record_intent(first(&run, 2, "body")).await.unwrap_err();
    assert!(matches!(refused, JournalError::Fenced), "{refused}");
    assert!(!frozen.may_send());
    let late = frozen.record_outcome(answered(sent.attempt(), Outcome::Applied)).await.unwrap_err();
    assert!(late.to_string().contains("for the next run of the job to take in"), "{late}");
    assert_eq!(other.head().await.unwrap(), before, "it has written nothing");
    assert!(other.known(&account(), vec![invoice(2)]).await.unwrap().is_empty());
    // What came back is evidence all the same.
    let waiting = emergency::waiting(beside.path()).unwrap();
    let [Waiting { path, outcomes, .. }] = waiting.as_slice() else { panic!("{} files", waiting.len()) };
    assert_eq!(other.take_in(outcomes[0].clone()).await.unwrap(), TakenIn::Became(State::Succeeded));
    assert_eq!(other.take_in(outcomes[0].clone()).await.unwrap(), TakenIn::Known(State::Succeeded), "once");
    let first = emergency::put_away(path).unwrap();
    std::fs::write(path, "").unwrap();
    assert_ne!(emergency::put_away(path).unwrap(), first, "none takes the place of another");
    assert!(emergency::waiting(beside.path()).unwrap().is_empty());
    assert_eq!(other.check().await.unwrap().flaws, [""; 0]);
}

#[tokio::test]
async fn a_runner_whose_number_another_one_was_given_meanwhile_writes_nothing() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (lost, run, sent, other) = two_runners(&database, beside.path()).await;
    // As after a failover that lost the registration: the number is given anew.
    database.sql("UPDATE runner SET joined_at = joined_at + interval '1 microsecond' WHERE id = 1");
    let before = other.head().await.unwrap();
    let refused = lost.record_intent(first(&run, 2, "body")).await.unwrap_err();
    assert!(matches!(refused, JournalError::Fenced), "{refused}");
    assert!(!lost.may_send());
    let late = lost.record_outcome(answered(sent.attempt(), Outcome::Applied)).await.unwrap_err();
    assert!(late.to_string().contains("for the next run of the job to take in"), "{late}");
    assert_eq!(other.head().await.unwrap(), before, "it has written nothing");
    drop(lost);
    assert_eq!(other.at_work().await.unwrap().len(), 2, "nor has it given back what is another's");
}

#[tokio::test]
async fn an_outcome_that_nobody_has_closed_ends_its_attempt_when_it_is_taken_in() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (frozen, _, sent, other) = two_runners(&database, beside.path()).await;
    let_the_first_lease_run_out(&database);
    frozen.record_outcome(answered(sent.attempt(), Outcome::Refused(Refusal::PaymentPending))).await.unwrap_err();
    let outcomes = emergency::waiting(beside.path()).unwrap().remove(0).outcomes;
    assert_eq!(other.take_in(outcomes[0].clone()).await.unwrap(), TakenIn::Became(State::Refused));
    assert_eq!(other.recover(at(9)).await.unwrap(), 0, "nothing is left open");
    assert_eq!((item(&other, 1).await.attempts, other.check().await.unwrap().flaws), (1, Vec::new()));
}

#[tokio::test]
async fn what_proves_nothing_adds_nothing_when_it_comes_late() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (frozen, _, sent, other) = two_runners(&database, beside.path()).await;
    let_the_first_lease_run_out(&database);
    other.recover(at(5)).await.unwrap();
    frozen.record_outcome(ended(sent.attempt(), Outcome::Ambiguous(Doubt::Timeout))).await.unwrap_err();
    let outcomes = emergency::waiting(beside.path()).unwrap().remove(0).outcomes;
    let head = other.head().await.unwrap();
    assert_eq!(other.take_in(outcomes[0].clone()).await.unwrap(), TakenIn::Known(State::Unknown));
    assert_eq!(other.head().await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_within_the_lease_costs_nothing() {
    let Some(server) = Server::own(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let journal = open(&database, beside.path()).await;
    let run = journal.begin_run(new_run("job", &[1, 2, 3])).await.unwrap();
    let sent = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    server.stop_at_once();
    let restarting = async {
        tokio::task::block_in_place(|| server.start_again());
    };
    let account = account();
    let (outcome, intent, known, ()) = tokio::join!(
        journal.record_outcome(ended(sent.attempt(), Outcome::Applied)),
        journal.record_intent(first(&run, 2, "body")),
        journal.known(&account, vec![invoice(1)]),
        restarting,
    );
    assert_eq!(outcome.unwrap(), State::Succeeded);
    assert_eq!(intent.unwrap().item().state, State::Intent);
    assert_eq!(known.unwrap().len(), 1);
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0]);
    assert!(emergency::waiting(beside.path()).unwrap().is_empty());
}

#[tokio::test]
async fn what_comes_back_while_the_server_stays_away_is_kept_beside_the_job_or_said_to_be_lost() {
    let Some(server) = Server::own(UNTRIED) else { return };
    let (database, folder) = (server.database(), tempfile::tempdir().unwrap());
    let (beside, hidden) = (folder.path().join("beside"), folder.path().join("hidden"));
    let short = address(&format!("{}?lease=2s", database.url()));
    let journal = PostgresJournal::open(&short, &beside).await.unwrap();
    let run = journal.begin_run(new_run("job", &[1, 2, 3])).await.unwrap();
    let sent = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    let lost = journal.record_intent(first(&run, 3, "body")).await.unwrap();
    server.stop_at_once();
    let (kept, intent) = tokio::join!(
        journal.record_outcome(answered(sent.attempt(), Outcome::Applied)),
        journal.record_intent(first(&run, 2, "body")),
    );
    assert!(matches!(kept, Err(JournalError::KeptAside(_))), "{kept:?}");
    assert!(matches!(intent, Err(JournalError::Away(_))), "{intent:?}");
    std::fs::rename(&beside, &hidden).unwrap();
    std::fs::write(&beside, "no folder").unwrap();
    let lost = journal.record_outcome(answered(lost.attempt(), Outcome::Applied)).await;
    assert!(matches!(lost, Err(JournalError::Away(_))), "{lost:?}");
    std::fs::remove_file(&beside).unwrap();
    std::fs::rename(&hidden, &beside).unwrap();
    drop(journal);
    server.start_again();
    let later = open(&database, &beside).await;
    let outcomes = emergency::waiting(&beside).unwrap().remove(0).outcomes;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(later.take_in(outcomes[0].clone()).await.unwrap(), TakenIn::Became(State::Succeeded));
    assert_eq!(later.recover(at(9)).await.unwrap(), 1, "what was lost is unknown");
    assert_eq!(later.check().await.unwrap().flaws, [""; 0]);
}

#[tokio::test]
async fn a_resend_carries_the_key_and_the_bytes_of_the_runner_that_was_lost() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (_frozen, _, sent, other) = two_runners(&database, beside.path()).await;
    let_the_first_lease_run_out(&database);
    other.recover(at(5)).await.unwrap();
    let run = other.begin_run(new_run("job", &[1])).await.unwrap();
    let again = other.record_intent(Intent::Again { run, item: sent.item().id, at: at(100) }).await.unwrap();
    assert_eq!((&again.item().request_id, again.body()), (&sent.item().request_id, sent.body()));
}

#[tokio::test]
async fn what_may_have_been_written_and_cannot_be_looked_for_is_not_written_again() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let role = format!("blind_{}", database.name);
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let owner = address(&format!("{}?runner_role={role}", database.url()));
    PostgresJournal::migrate(&owner).await.unwrap();
    let journal = PostgresJournal::open(&address(&database.url_of(&role)), beside.path()).await.unwrap();
    // The commit waits for us, so that the connection can be cut in the middle of it.
    database.sql(
        "CREATE FUNCTION wait_for_us() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); \
         RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER wait_for_us AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION wait_for_us()",
    );
    let run = journal.begin_run(new_run("job", &[1, 2])).await.unwrap();
    let own = super::connect::connect(&address(&database.url())).await.unwrap().get().await.unwrap();
    own.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    let cutting = async {
        let waits = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        let pid: i32 = loop {
            if let Some(row) = own.query_opt(waits, &[]).await.unwrap() {
                break row.get(0);
            }
            tokio::task::yield_now().await;
        };
        own.batch_execute(&format!("REVOKE SELECT ON event FROM {role}")).await.unwrap();
        own.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    };
    let (told, ()) = tokio::join!(journal.record_intent(first(&run, 1, "body")), cutting);
    assert!(told.unwrap_err().to_string().contains("permission denied for table event"));
    own.batch_execute(&format!("SELECT pg_advisory_unlock(7); GRANT SELECT ON event TO {role}")).await.unwrap();
    let next = journal.record_intent(first(&run, 2, "body")).await;
    assert!(next.is_err_and(|error| error.to_string().contains("permission denied")), "it writes nothing more");
}
