//! Tables of older versions: a run refuses them, their owner carries them over, and whoever was made for them does not register
//! behind that.

use super::super::migrate::Migrated;
use super::super::{PostgresJournal, connect, schema};
use super::{Client, Database, Server, address, open, waiting_for_a_lock};
use crate::journal::Journal as _;

const UNTRIED: &str = "tables of an older version";

/// As programs of their time left them: a run with two orders, one of which was asked for again.
const OLDER: [(i32, &str); 2] = [(1, include_str!("version_1.sql")), (2, include_str!("version_2.sql"))];

/// Everything that makes the tables what they are, but for the order of columns.
fn shape(database: &Database<'_>) -> String {
    database.sql(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns \
         WHERE table_schema = 'public' ORDER BY 1, 2; \
         SELECT pg_get_constraintdef(oid, true), conrelid::regclass::text FROM pg_constraint \
         WHERE connamespace = 'public'::regnamespace ORDER BY 2, 1; \
         SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    )
}

const fn carried(from: i32) -> Migrated {
    Migrated::CarriedOver { from, to: schema::VERSION }
}

async fn migrate(database: &Database<'_>) -> Result<Migrated, String> {
    PostgresJournal::migrate(&address(&database.url())).await.map_err(|error| error.to_string())
}

/// A connection that is nobody's runner.
async fn connected(database: &Database<'_>) -> Client {
    connect::connect(&address(&database.url())).await.unwrap().get().await.unwrap()
}

#[tokio::test]
async fn older_tables_are_refused_by_a_run_and_carried_over_by_their_owner() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let (new, beside) = (server.database(), tempfile::tempdir().unwrap());
    assert_eq!(migrate(&new).await, Ok(Migrated::Made));
    for (version, content) in OLDER {
        let old = server.database();
        old.sql(content);
        let old_address = address(&old.url());
        let refused =
            PostgresJournal::open(&old_address, beside.path()).await.err().expect("it is too old").to_string();
        let place = old.url().replace("postgres://", "").split_once('@').unwrap().1.to_owned();
        let hint = format!(
            ": its tables have version {version}, this program needs 3\n  hint: once nobody is at work on it, with the role that \
             owns the tables: rekon journal migrate \"postgres://OWNER@{place}\""
        );
        assert!(refused.ends_with(&hint), "{refused}");
        assert!(
            PostgresJournal::open_to_read(&old_address, beside.path()).await.is_err(),
            "nobody reads what he does not know"
        );
        assert_eq!(migrate(&old).await, Ok(carried(version)));
        assert_eq!(migrate(&old).await, Ok(Migrated::Present), "once");
        assert_eq!(shape(&old), shape(&new));
        let journal = open(&old, beside.path()).await;
        let checked = journal.check().await.unwrap();
        assert_eq!((checked.entries(), checked.items, checked.flaws), (8, 2, Vec::new()));
        assert_eq!(journal.runs().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_tables_as_they_were() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    for (version, content) in OLDER {
        let database = server.database();
        database.sql(content);
        // Somebody's own trigger needs what has to go, once the tables themselves are changed.
        let own = "CREATE TRIGGER own BEFORE DELETE ON day FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()";
        database.sql(own);
        let before = shape(&database);
        let failed = migrate(&database).await.unwrap_err();
        assert!(failed.contains("cannot drop function refuse_change()"), "{failed}");
        assert_eq!((shape(&database), database.sql("SELECT version FROM journal")), (before, version.to_string()));
        database.sql("DROP TRIGGER own ON day");
        assert_eq!(migrate(&database).await, Ok(carried(version)));
    }
}

#[tokio::test]
async fn of_two_who_carry_it_over_at_once_one_does_it() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let database = server.database();
    database.sql(OLDER[0].1);
    let (one, two) = tokio::join!(migrate(&database), migrate(&database));
    let mut done = [one.unwrap(), two.unwrap()];
    done.sort_by_key(|migrated| *migrated == Migrated::Present);
    assert_eq!(done, [carried(1), Migrated::Present]);
}

#[tokio::test]
async fn nothing_is_carried_over_while_somebody_is_at_work() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    for (version, content) in OLDER {
        let database = server.database();
        database.sql(content);
        let register =
            "INSERT INTO runner (host, pid, lease_until) VALUES ('host-b', 7, clock_timestamp() + interval '1 min')";
        database.sql(register);
        let refused = migrate(&database).await.unwrap_err();
        assert!(refused.ends_with("host-b is at work on it; carry it over when that is done"), "{refused}");
        database.sql("UPDATE runner SET left_at = clock_timestamp() WHERE host = 'host-b'");
        assert_eq!(migrate(&database).await, Ok(carried(version)));
    }
}

/// How programs of the older versions make their runner known.
const REGISTERS: [(i32, &str); 2] = [
    (
        1,
        "INSERT INTO runner (host, pid, lease_until) VALUES ('old', 7, clock_timestamp() + interval '1 min') RETURNING id",
    ),
    (
        2,
        "INSERT INTO runner (host, pid, lease_until) SELECT 'old', 7, clock_timestamp() + interval '1 min' FROM journal \
         WHERE version = 2 RETURNING id",
    ),
];

#[tokio::test]
async fn a_program_that_was_made_for_older_tables_does_not_register_once_they_are_carried_over() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    for ((version, content), (_, register)) in OLDER.into_iter().zip(REGISTERS) {
        let database = server.database();
        database.sql(content);
        let client = connected(&database).await;
        // It has looked at the tables, and goes on.
        client.prepare(register).await.unwrap();
        migrate(&database).await.unwrap();
        match client.query(register, &[]).await {
            Ok(registered) => assert!(registered.is_empty(), "a program of version {version} is at work"),
            Err(refused) => {
                let expected = "its tables have version 3, and this program was made for others";
                assert!(connect::told(&refused).starts_with(expected), "{}", connect::told(&refused));
            }
        }
    }
}

#[tokio::test]
async fn whoever_looked_at_the_tables_just_before_they_are_carried_over_does_not_register() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let beside = tempfile::tempdir().unwrap();
    let database = server.database();
    drop(open(&database, beside.path()).await);
    // As a migration of some later program does, and nobody sees any of it yet.
    let later = connected(&database).await;
    let begins = "BEGIN; LOCK TABLE runner IN SHARE ROW EXCLUSIVE MODE; UPDATE journal SET version = version + 1";
    later.batch_execute(begins).await.unwrap();
    let committing = async {
        waiting_for_a_lock(&connected(&database).await).await;
        later.batch_execute("COMMIT").await.unwrap();
    };
    let here = address(&database.url());
    let (opened, ()) = tokio::join!(PostgresJournal::open(&here, beside.path()), committing);
    let refused = opened.err().expect("it was made for older tables").to_string();
    assert!(refused.contains("its tables have version 4, and this program was made for others"), "{refused}");
    assert_eq!(database.sql("SELECT count(*) FROM runner WHERE left_at IS NULL"), "0");
}

#[tokio::test]
async fn a_runner_that_was_frozen_before_the_tables_were_carried_over_is_lost_for_good() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    for (version, content) in OLDER {
        let database = server.database();
        database.sql(content);
        let register = "INSERT INTO runner (id, host, pid, lease_until) VALUES (9, 'host-b', 7, clock_timestamp())";
        database.sql(register);
        assert_eq!(migrate(&database).await, Ok(carried(version)));
        // Whatever the server's clock says later.
        let renew = "UPDATE runner SET lease_until = clock_timestamp() + interval '1 min' WHERE id = 9";
        let refused = connected(&database).await.execute(renew, &[]).await.unwrap_err();
        assert!(connect::told(&refused).starts_with("a runner that is gone stays gone"), "{refused}");
    }
}

#[tokio::test]
async fn a_write_that_is_under_way_ends_before_the_tables_are_carried_over() {
    let Some(server) = Server::shared(UNTRIED) else { return };
    let database = server.database();
    database.sql(OLDER[1].1);
    let writer = connected(&database).await;
    writer.batch_execute("BEGIN; SELECT seq FROM head FOR UPDATE").await.unwrap();
    let writing = async {
        waiting_for_a_lock(&connected(&database).await).await;
        // As whoever buries the lost does in the middle of a write.
        writer.batch_execute("UPDATE runner SET pid = pid WHERE left_at IS NULL; COMMIT").await
    };
    let (migrated, written) = tokio::join!(migrate(&database), writing);
    written.unwrap();
    assert_eq!(migrated, Ok(carried(2)));
}
