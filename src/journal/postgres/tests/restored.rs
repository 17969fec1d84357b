//! A database that was put back, or made anew, lacks what this host knew of it.

use std::path::Path;

use super::{Database, PostgresJournal, Server, UNTRIED, address, open, two_runners};
use crate::journal::conformance::{at, ended, first, new_run};
use crate::journal::record::{Acceptance, Finished, NewRun};
use crate::journal::state::State;
use crate::journal::{Journal as _, JournalError, Loss};
use crate::model::outcome::Outcome;

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
async fn a_restored_database_is_noticed_by_whatever_name_it_is_reached() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (database, beside) = (server.database(), tempfile::tempdir().unwrap());
    let by_another_name = address(&database.url().replace("127.0.0.1", "localhost"));
    let lost = async || PostgresJournal::open(&by_another_name, beside.path()).await.unwrap().loss();
    let journal = open(&database, beside.path()).await;
    let run = journal.begin_run(new_run("job", &[1, 2])).await.unwrap();
    drop(journal);
    let backup = copied(server, &database);
    let journal = open(&database, beside.path()).await;
    let sent = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    journal.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap();
    drop(journal);
    assert_eq!(lost().await, None);
    let another = server.database();
    assert_eq!(open(&another, beside.path()).await.loss(), None, "another journal lacks nothing of this one");
    put_back(server, &backup, &database);
    let loss = Loss { since: at(0), until: at(2) };
    assert_eq!(lost().await, Some(loss));
    let put_elsewhere = address(&backup.url());
    assert_eq!(PostgresJournal::open(&put_elsewhere, beside.path()).await.unwrap().loss(), Some(loss));
    let journal = PostgresJournal::open(&by_another_name, beside.path()).await.unwrap();
    let noted = Acceptance { found: loss.to_string(), lost_since: Some(loss.since), reason: String::new() };
    journal.accept(noted, at(50)).await.unwrap();
    drop(journal);
    assert_eq!(lost().await, None, "the log knows of it");
    assert_eq!(open(&database, beside.path()).await.loss(), None, "by each of its names");
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
