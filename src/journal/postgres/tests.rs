//! The promises of the shared journal alone: who is at work, whose writes are refused, and what a server that goes away costs.

use std::path::Path;

use super::address::Address;
use super::emergency::Waiting;
use super::migrate::Migrated;
use super::testing::{Database, Server};
use super::{PostgresJournal, emergency};
use crate::journal::conformance::{account, answered, at, ended, fill, first, invoice, new_run};
use crate::journal::record::{Acceptance, DurableIntent, Finished, Intent, Item, NewRun};
use crate::journal::state::{Event, State, next};
use crate::journal::{Journal, JournalError, Loss, TakenIn};
use crate::model::ids::RunId;
use crate::model::outcome::{Doubt, Outcome, Refusal};

const UNTRIED: &str = "who is at work on a shared journal";

fn address(url: &str) -> Address {
    Address::parse(url, Path::new("/"), &|_| None).unwrap()
}

async fn open(database: &Database<'_>, beside: &Path) -> PostgresJournal {
    PostgresJournal::open(&address(&database.url()), beside).await.unwrap()
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
    assert_eq!(other.at_work().await.unwrap().iter().map(|found| found.runner).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(item(&other, 1).await.state, State::Intent);
    let second = other.record_intent(first(&run, 2, "body")).await.unwrap();
    assert_eq!(one.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap(), State::Succeeded);
    assert_eq!(other.record_outcome(ended(second.attempt(), Outcome::Applied)).await.unwrap(), State::Succeeded);
    assert_eq!(one.check().await.unwrap().flaws, [""; 0]);
    drop(one);
    assert_eq!(other.at_work().await.unwrap().len(), 1, "who leaves says so");
}

#[tokio::test]
async fn nobody_accepts_a_loss_while_others_are_at_work() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (one, _, sent, other) = two_runners(&database, beside.path()).await;
    let acceptance = || Acceptance { found: "a clock".into(), lost_since: None, reason: "it is right now".into() };
    let refused = other.accept(acceptance(), at(5)).await;
    assert!(matches!(refused, Err(JournalError::Held { .. })), "{refused:?}");
    assert_eq!(one.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap(), State::Succeeded);
    drop(one);
    other.accept(acceptance(), at(6)).await.unwrap();
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
async fn whoever_runs_jobs_deletes_nothing_and_changes_no_entry() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let role = format!("runner_of_{}", database.name);
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let url = database.url_of(&role);
    let missing = PostgresJournal::open(&address(&url), beside.path()).await.err().expect("nothing is there yet");
    assert!(missing.to_string().contains("permission denied"), "{missing}");
    let owner = address(&format!("{}?runner_role={role}", database.url()));
    assert_eq!(PostgresJournal::migrate(&owner).await.unwrap(), Migrated::Made);
    assert_eq!(PostgresJournal::migrate(&owner).await.unwrap(), Migrated::Present, "once");
    let journal = PostgresJournal::open(&address(&url), beside.path()).await.unwrap();
    fill(&journal).await;
    assert_eq!(journal.recover(at(9)).await.unwrap(), 0, "it is alive itself");
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0]);
    let forbidden =
        ["DELETE FROM event", "UPDATE event SET at = 'x'", "DELETE FROM item", "TRUNCATE day", "DROP TABLE limiter"];
    for statement in forbidden {
        let error = journal.client().await.unwrap().batch_execute(statement).await.expect_err(statement);
        assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
    }
}

#[tokio::test]
async fn the_database_itself_refuses_what_the_machine_does_not_list() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let journal = open(&database, beside.path()).await;
    fill(&journal).await;
    let client = journal.client().await.unwrap();
    for before in State::ALL {
        let found = client.query_opt("SELECT min(id) FROM item WHERE state = $1", &[&before.word()]).await.unwrap();
        let Some(id) = found.and_then(|row| row.get::<_, Option<i64>>(0)) else { continue };
        for after in State::ALL {
            let legal = Event::ALL.into_iter().any(|event| next(before, event) == Ok(after) && before != after);
            client.batch_execute("BEGIN").await.unwrap();
            let changed = client.execute("UPDATE item SET state = $2 WHERE id = $1", &[&id, &after.word()]).await;
            client.batch_execute("ROLLBACK").await.unwrap();
            let unchanged = before == after && !before.is_terminal();
            assert_eq!(changed.is_ok(), legal || unchanged, "{before} -> {after}");
        }
    }
    let forbidden = [
        "UPDATE event SET at = 'x' WHERE seq = 1",
        "DELETE FROM event WHERE seq = 1",
        "TRUNCATE event",
        "INSERT INTO event (seq, at, data, hash) VALUES (9999, 'x', '{}', decode(repeat('00', 32), 'hex'))",
        "UPDATE head SET seq = 1",
        "DELETE FROM item",
        "UPDATE item SET request_id = 'other' WHERE id = 5",
        "UPDATE item SET amount = 1 WHERE id = 5",
        "UPDATE item SET body = decode('00', 'hex') WHERE id = 4",
        "UPDATE item SET reason = 'x' WHERE state = 'succeeded'",
        "DELETE FROM attempt",
        "UPDATE attempt SET outcome = 'applied' WHERE ended_at IS NOT NULL",
        "DELETE FROM run",
        "UPDATE run SET job = 'another'",
        "UPDATE run_row SET rupiah = 1",
        "DELETE FROM run_row",
        "INSERT INTO item SELECT 99, environment, client_id, operation, invoice, generation + 7, amount, request_id, \
         payment_reference, refund_reference, body, body_sha256, 'planned', '', 0, first_intent_at, last_sent_at, NULL, '{}', \
         job, run, NULL FROM item WHERE state = 'succeeded'",
    ];
    for statement in forbidden {
        assert!(client.batch_execute(statement).await.is_err(), "{statement}");
    }
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0], "what was refused left no trace");
}

#[tokio::test]
async fn a_head_that_is_not_the_end_of_the_log_is_found() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let journal = open(&database, beside.path()).await;
    fill(&journal).await;
    database.sql("SET session_replication_role = replica; UPDATE head SET seq = seq - 1");
    assert_eq!(journal.check().await.unwrap().flaws, ["head: is not the last entry of the log"]);
    drop(journal);
    let refused = PostgresJournal::open(&address(&database.url()), beside.path()).await.err().expect("it is torn");
    assert!(refused.to_string().contains("the end of its log is not what its last writer left"), "{refused}");
}

#[tokio::test]
async fn a_run_refuses_tables_whose_guards_are_not_those_that_were_made() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let beside = tempfile::tempdir().unwrap();
    let changes = [
        ("event_is_never_changed", "trigger", "ALTER TABLE event DISABLE TRIGGER event_is_never_changed"),
        ("head_goes_forward", "trigger", "DROP TRIGGER head_goes_forward ON head"),
        ("item_begins_lawfully", "trigger", "ALTER TABLE item ENABLE REPLICA TRIGGER item_begins_lawfully"),
        (
            "item_changes_lawfully",
            "trigger",
            "DROP TRIGGER item_changes_lawfully ON item; CREATE TRIGGER item_changes_lawfully BEFORE UPDATE OF state ON item \
             FOR EACH ROW EXECUTE FUNCTION item_changes_lawfully()",
        ),
        (
            "item_changes_lawfully",
            "function",
            "CREATE OR REPLACE FUNCTION item_changes_lawfully() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        ),
        ("item_one_generation", "unique index", "DROP INDEX item_one_generation"),
        (
            "item_one_live",
            "unique index",
            "DROP INDEX item_one_live; CREATE UNIQUE INDEX item_one_live ON item (invoice, operation, client_id, environment) \
             WHERE state <> 'refused' AND state <> 'ruled_not_done' AND state <> 'unknown'",
        ),
        ("event_pkey", "unique index", "ALTER TABLE event DROP CONSTRAINT event_pkey"),
    ];
    for (name, kind, change) in changes {
        let database = server.database();
        drop(open(&database, beside.path()).await);
        database.sql(change);
        let flaw = format!("{name}: this {kind} guards the journal, and is missing, was switched off or was changed");
        let refused = PostgresJournal::open(&address(&database.url()), beside.path()).await.err().expect(change);
        assert!(refused.to_string().contains(&flaw), "{refused}");
        let journal = PostgresJournal::open_to_read(&address(&database.url()), beside.path()).await.unwrap().unwrap();
        assert_eq!(journal.check().await.unwrap().flaws, [flaw]);
    }
    let database = server.database();
    drop(open(&database, beside.path()).await);
    database.sql(&format!("ALTER DATABASE {} SET session_replication_role = replica", database.name));
    let refused =
        PostgresJournal::open(&address(&database.url()), beside.path()).await.err().expect("no trigger is at work");
    assert!(refused.to_string().contains("was switched off"), "{refused}");
}

#[tokio::test]
async fn tables_of_another_version_and_of_somebody_else_are_refused() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let refused = async |expected: &str| {
        let error =
            PostgresJournal::open(&address(&database.url()), beside.path()).await.err().expect(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    database.sql("CREATE TABLE item (id int)");
    refused("it has a table item of somebody else").await;
    database.sql("DROP TABLE item");
    assert!(
        PostgresJournal::open_to_read(&address(&database.url()), beside.path()).await.unwrap().is_none(),
        "a reader makes nothing"
    );
    drop(PostgresJournal::open(&address(&database.url()), beside.path()).await.unwrap());
    database.sql("UPDATE journal SET version = 99");
    refused("its tables have version 99, this program knows 2").await;
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

/// Everything that belongs to the journal, as a backup of the database has it.
fn copied<'a>(server: &'a Server, database: &Database<'_>) -> Database<'a> {
    let copy = server.database();
    server.sql("postgres", &format!("DROP DATABASE {}", copy.name));
    // Who has left may still be on the way out.
    let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", database.name);
    server.sql("postgres", &others);
    server.sql("postgres", &format!("CREATE DATABASE {} TEMPLATE {}", copy.name, database.name));
    copy
}

/// Puts a copy in the place of a database, as a restore does.
fn put_back(server: &Server, copy: &Database<'_>, database: &Database<'_>) {
    server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", database.name));
    server.sql("postgres", &format!("CREATE DATABASE {} TEMPLATE {}", database.name, copy.name));
}

#[tokio::test]
async fn a_database_that_was_restored_or_made_anew_is_noticed_by_each_host_until_one_has_noted_it() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, here, elsewhere) = (server.database(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lost = async |beside: &Path| open(&database, beside).await.loss();
    let journal = open(&database, here.path()).await;
    let run = journal.begin_run(new_run("job", &[1, 2])).await.unwrap();
    let sent = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    drop(journal);
    assert_eq!(lost(here.path()).await, None);
    let backup = copied(server, &database);
    let journal = open(&database, here.path()).await;
    journal.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap();
    drop(open(&database, elsewhere.path()).await);
    drop(journal);
    put_back(server, &backup, &database);
    let loss = Loss { since: at(1), until: at(2) };
    assert_eq!(lost(here.path()).await, Some(loss));
    assert_eq!(lost(here.path()).await, Some(loss), "until somebody accepts it");
    assert_eq!(lost(elsewhere.path()).await, Some(loss), "it has written nothing, and has seen it");
    let reader = PostgresJournal::open_to_read(&address(&database.url()), here.path()).await.unwrap().unwrap();
    assert_eq!(reader.loss(), Some(loss), "whoever looks is told too");
    drop(reader);
    let journal = open(&database, here.path()).await;
    let noted = Acceptance { found: loss.to_string(), lost_since: Some(loss.since), reason: String::new() };
    journal.accept(noted, at(50)).await.unwrap();
    let begun = journal.begin_run(NewRun { started_at: at(60), ..new_run("job", &[3]) }).await.unwrap();
    journal.finish_run(Finished { run: begun, at: at(70), exit_code: 0, stopped: None }).await.unwrap();
    drop(journal);
    assert_eq!((lost(here.path()).await, lost(elsewhere.path()).await), (None, None), "the log knows of it");
    assert_eq!(open(&database, here.path()).await.lost_since().await.unwrap(), Some(loss.since), "and it is noted");
    server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", database.name));
    server.sql("postgres", &format!("CREATE DATABASE {}", database.name));
    assert_eq!(
        lost(elsewhere.path()).await,
        Some(Loss { since: at(0), until: at(70) }),
        "another journal in its place"
    );
}

#[tokio::test]
async fn a_database_that_is_put_back_under_a_runner_gets_nothing_from_it_and_is_noticed_later() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, here, elsewhere) = (server.database(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(&database, here.path()).await;
    let run = journal.begin_run(new_run("job", &[1, 2, 3])).await.unwrap();
    drop(journal);
    let backup = copied(server, &database);
    let journal = open(&database, here.path()).await;
    let sent = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    put_back(server, &backup, &database);
    // Another host gets the numbers that were given out already: of the runner, and of the attempt.
    let other = open(&database, elsewhere.path()).await;
    let theirs = other.record_intent(first(&run, 2, "body")).await.unwrap();
    assert_eq!(theirs.attempt(), sent.attempt(), "or this test shows nothing");
    let told = journal.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap_err();
    assert!(told.to_string().contains("lacks what this runner has read or written"), "{told}");
    assert!(told.to_string().contains("is kept in "), "{told}");
    assert!(!journal.may_send());
    assert_eq!(database.sql("SELECT state FROM item"), "intent", "it is not settled by the proof of another order");
    drop(journal);
    drop(other);
    let loss = open(&database, here.path()).await.loss();
    assert_eq!(loss, Some(Loss { since: at(0), until: at(1) }), "the memo stands");
}

#[tokio::test]
async fn a_young_loss_is_noted_while_others_are_at_work() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let (_one, _, _, other) = two_runners(&database, beside.path()).await;
    let noted = Acceptance { found: "some".into(), lost_since: Some(at(1)), reason: String::new() };
    other.accept(noted, at(5)).await.unwrap();
    assert_eq!(other.lost_since().await.unwrap(), Some(at(1)));
}

#[tokio::test]
async fn what_may_have_been_written_and_cannot_be_looked_for_is_not_written_again() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let role = format!("blind_{}", database.name);
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let owner = address(&format!("{}?runner_role={role}", database.url()));
    PostgresJournal::migrate(&owner).await.unwrap();
    // The commit waits for us, so that the connection can be cut in the middle of it.
    database.sql(
        "CREATE FUNCTION wait_for_us() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); \
         RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER wait_for_us AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION wait_for_us()",
    );
    let journal = PostgresJournal::open(&address(&database.url_of(&role)), beside.path()).await.unwrap();
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
