//! What the database itself refuses, whoever asks; and what a run refuses of the database.

use std::path::Path;

use super::{Database, PostgresJournal, Server, UNTRIED, address, open};
use crate::journal::Journal as _;
use crate::journal::conformance::{at, fill};
use crate::journal::postgres::migrate::Migrated;
use crate::journal::state::{Event, State, next};

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

const MISSING: &str = "is missing";
const OFF: &str = "is switched off";
const CHANGED: &str = "was changed";

/// What a check finds; a run is told the first of it, and refused.
async fn flaws_at_opening(database: &Database<'_>, beside: &Path) -> Vec<String> {
    let refused =
        PostgresJournal::open(&address(&database.url()), beside).await.err().expect("it is refused").to_string();
    let journal = PostgresJournal::open_to_read(&address(&database.url()), beside).await.unwrap().unwrap();
    let flaws = journal.check().await.unwrap().flaws;
    let more = match flaws.len() - 1 {
        0 => String::new(),
        more => format!("; rekon journal check names {more} more"),
    };
    assert!(refused.ends_with(&format!("{}{more}", flaws[0])), "{refused}");
    flaws
}

#[tokio::test]
async fn a_run_refuses_tables_to_which_somebody_has_added_something() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let beside = tempfile::tempdir().unwrap();
    let additions = [
        (
            "event.own: this trigger",
            "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER own BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION own()",
            "DROP TRIGGER own ON event",
        ),
        (
            "attempt.\"My rule\": this rule",
            "CREATE RULE \"My rule\" AS ON INSERT TO attempt DO INSTEAD NOTHING",
            "DROP RULE \"My rule\" ON attempt",
        ),
        (
            "item.small: this CHECK",
            "ALTER TABLE item ADD CONSTRAINT small CHECK (amount < 1000)",
            "ALTER TABLE item DROP CONSTRAINT small",
        ),
        (
            "run_row.run_row_raw_key: this unique index",
            "ALTER TABLE run_row ADD UNIQUE (raw)",
            "ALTER TABLE run_row DROP CONSTRAINT run_row_raw_key",
        ),
        ("day.one: this unique index", "CREATE UNIQUE INDEX one ON day (date)", "DROP INDEX one"),
        (
            "item.item: this row security",
            "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE item DISABLE ROW LEVEL SECURITY",
        ),
    ];
    let database = server.database();
    drop(open(&database, beside.path()).await);
    for (addition, make, remove) in additions {
        database.sql(make);
        let hint = "it may change or hide what is written; remove it with the role that owns the tables";
        let flaw = format!("{addition} is none of the journal's\n  hint: {hint}: {remove}");
        assert_eq!(flaws_at_opening(&database, beside.path()).await, [flaw]);
        database.sql(remove);
    }
    drop(open(&database, beside.path()).await);
}

#[tokio::test]
async fn a_run_refuses_tables_whose_guards_are_not_those_that_were_made() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let beside = tempfile::tempdir().unwrap();
    let changes = [
        ("event.event_is_never_changed: this trigger", OFF, "ALTER TABLE event DISABLE TRIGGER event_is_never_changed"),
        ("head.head_goes_forward: this trigger", MISSING, "DROP TRIGGER head_goes_forward ON head"),
        (
            "item.item_begins_lawfully: this trigger",
            OFF,
            "ALTER TABLE item ENABLE REPLICA TRIGGER item_begins_lawfully",
        ),
        (
            "item.item_changes_lawfully: this trigger",
            CHANGED,
            "DROP TRIGGER item_changes_lawfully ON item; CREATE TRIGGER item_changes_lawfully BEFORE UPDATE OF state ON item \
             FOR EACH ROW EXECUTE FUNCTION item_changes_lawfully()",
        ),
        (
            "item_changes_lawfully: this function",
            CHANGED,
            "CREATE OR REPLACE FUNCTION item_changes_lawfully() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        ),
        ("item.item_one_generation: this unique index", MISSING, "DROP INDEX item_one_generation"),
        (
            "item.item_one_live: this unique index",
            CHANGED,
            "DROP INDEX item_one_live; CREATE UNIQUE INDEX item_one_live ON item (invoice, operation, client_id, environment) \
             WHERE state <> 'refused' AND state <> 'ruled_not_done' AND state <> 'unknown'",
        ),
        ("event.event_pkey: this unique index", MISSING, "ALTER TABLE event DROP CONSTRAINT event_pkey"),
        ("item.item_amount_check: this CHECK", MISSING, "ALTER TABLE item DROP CONSTRAINT item_amount_check"),
        (
            "item.item_state_check: this CHECK",
            CHANGED,
            "ALTER TABLE item DROP CONSTRAINT item_state_check; ALTER TABLE item ADD CONSTRAINT item_state_check \
             CHECK (state <> 'no state')",
        ),
        (
            "day.day_orders_check: this CHECK",
            OFF,
            "ALTER TABLE day DROP CONSTRAINT day_orders_check; ALTER TABLE day ADD CONSTRAINT day_orders_check \
             CHECK (orders >= 0) NOT VALID",
        ),
        (
            "attempt.attempt_item_fkey: this foreign key",
            MISSING,
            "ALTER TABLE attempt DROP CONSTRAINT attempt_item_fkey",
        ),
    ];
    let database = server.database();
    drop(open(&database, beside.path()).await);
    changes.iter().for_each(|(_, _, change)| drop(database.sql(change)));
    let flaws = flaws_at_opening(&database, beside.path()).await;
    for (guard, state, _) in changes {
        let flaw = format!(
            "{guard} guards the journal, and {state}\n  hint: if rekon journal check finds nothing else, make it "
        );
        assert_eq!(flaws.iter().filter(|found| found.starts_with(&flaw)).count(), 1, "{flaw}: {flaws:#?}");
    }
    assert_eq!(flaws.len(), changes.len(), "{flaws:#?}");
    let database = server.database();
    drop(open(&database, beside.path()).await);
    database.sql(&format!("ALTER DATABASE {} SET session_replication_role = replica", database.name));
    let refused = PostgresJournal::open(&address(&database.url()), beside.path()).await.err();
    let refused = refused.expect("no trigger is at work").to_string();
    assert!(refused.contains(OFF) && refused.ends_with("names 23 more"), "{refused}");
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
    refused("its tables have version 99, this program knows 3").await;
}
