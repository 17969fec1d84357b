//! The promises of the event log: the items are its sum, nothing in it can be changed unnoticed, and a loss is noticed.

use rusqlite::{Connection, params};

use super::*;
use crate::journal::record::Acceptance;
use crate::journal::sqlite::pen::Pen;
use crate::journal::state::{Event, next};

/// A journal with an item in every state that an item can come to, after one run.
async fn eventful(path: &Path) -> SqliteJournal {
    let journal = open(path);
    fill(&journal).await;
    journal
}

fn flaws(path: &Path) -> Vec<String> {
    SqliteJournal::open_to_examine(path).unwrap().unwrap().check().unwrap().flaws
}

#[tokio::test]
async fn a_new_item_comes_behind_the_last_whichever_was_written_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = eventful(&path).await;
    let (second, last) = (item(&journal, 2).await, item(&journal, 7).await);
    drop(journal);
    let pen = Pen::new(rusqlite::Connection::open(&path).unwrap());
    pen.wrote(&second);
    assert_eq!(pen.next_item().unwrap().0, last.id.0 + 1);
}

#[tokio::test]
async fn the_store_itself_refuses_what_the_machine_does_not_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(eventful(&path).await);
    let connection = Connection::open(&path).unwrap();
    for before in State::ALL {
        let Ok(id) =
            connection.query_row("SELECT id FROM item WHERE state = ?1", [before.word()], |row| row.get::<_, i64>(0))
        else {
            continue;
        };
        for after in State::ALL {
            let legal = Event::ALL.into_iter().any(|event| next(before, event) == Ok(after) && before != after);
            connection.execute_batch("SAVEPOINT try").unwrap();
            let changed =
                connection.execute("UPDATE item SET state = ?2 WHERE id = ?1", params![id, after.word()]).is_ok();
            connection.execute_batch("ROLLBACK TO try; RELEASE try").unwrap();
            let unchanged = before == after && !before.is_terminal();
            assert_eq!(changed, legal || unchanged, "{before} -> {after}");
        }
    }
    let forbidden = [
        "UPDATE event SET at = 'x' WHERE seq = 1",
        "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)",
        "INSERT INTO event (seq, at, data, hash) VALUES (9999, 'x', '{}', zeroblob(32))",
        "INSERT OR REPLACE INTO event (seq, at, data, hash) VALUES (2, 'x', '{}', zeroblob(32))",
        "INSERT OR REPLACE INTO event (seq, at, data, hash) SELECT max(seq), 'x', '{}', zeroblob(32) FROM event",
        "INSERT OR REPLACE INTO item SELECT * FROM item WHERE id = 3",
        "DELETE FROM item",
        "UPDATE item SET request_id = 'other' WHERE id = 5",
        "UPDATE item SET amount = 1 WHERE id = 5",
        "UPDATE item SET body = x'00' WHERE id = 4",
        "UPDATE item SET reason = 'x' WHERE state = 'succeeded'",
        "DELETE FROM attempt",
        "UPDATE attempt SET outcome = 'applied' WHERE ended_at IS NOT NULL",
        "DELETE FROM run",
        "UPDATE run_row SET rupiah = 1",
        "DELETE FROM run_row",
    ];
    for statement in forbidden {
        assert!(connection.execute(statement, []).is_err(), "{statement}");
    }
    drop(connection);
    assert_eq!(flaws(&path), [""; 0], "what was refused left no trace");
}

#[tokio::test]
async fn a_guard_that_is_missing_is_found() {
    for change in ["DROP INDEX item_one_live", "DROP TRIGGER event_is_never_deleted"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        drop(eventful(&path).await);
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        assert_ne!(flaws(&path), [""; 0], "{change}");
    }
}

#[tokio::test]
async fn a_run_refuses_a_journal_that_was_changed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(eventful(&path).await);
    let connection = Connection::open(&path).unwrap();
    let guard: String = connection
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'item_changes_legally'", [], |row| row.get(0))
        .unwrap();
    connection
        .execute_batch("DROP TRIGGER item_changes_legally; UPDATE item SET state = 'planned' WHERE id = 1")
        .unwrap();
    connection.execute_batch(&guard).unwrap();
    drop(connection);
    let Err(JournalError::Unusable { reason, .. }) = SqliteJournal::open(&path) else { panic!("it was opened") };
    assert!(reason.contains("INV-1: the item says planned, but its log says succeeded"), "{reason}");
}

/// Every page of the file once, a bit of it: opened as it was, or refused.
#[tokio::test]
async fn no_flipped_bit_changes_what_an_item_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    drop(eventful(&whole).await);
    let bytes = std::fs::read(&whole).unwrap();
    let states = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection.prepare("SELECT invoice, state, amount, attempts FROM item ORDER BY id")?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        };
        statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
    };
    let expected = states(&whole).unwrap();
    let (mut refused, mut opened) = (0, 0);
    for page in 0..bytes.len() / 4096 {
        for offset in [97, 1021, 2048, 3001, 3900, 4090] {
            let mut damaged = bytes.clone();
            damaged[page * 4096 + offset] ^= 1 << (offset % 8);
            let path = folder.path().join(format!("{page}-{offset}.db"));
            std::fs::write(&path, damaged).unwrap();
            match SqliteJournal::open(&path) {
                Err(_) => refused += 1,
                Ok(journal) => {
                    drop(journal);
                    opened += 1;
                    assert_eq!(states(&path).unwrap(), expected, "page {page}, offset {offset}");
                }
            }
        }
    }
    assert!(refused > 5 && opened > 5, "{refused} refused, {opened} opened: this proves nothing");
}

#[tokio::test]
async fn a_journal_that_was_restored_or_made_anew_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let copy = folder.path().join("copy.db");
    drop(eventful(&path).await);
    std::fs::copy(&path, &copy).unwrap();
    let journal = open(&path);
    assert_eq!(journal.loss(), None);
    journal.begin_run(NewRun { started_at: at(60), ..new_run("job", &[1]) }).await.unwrap();
    drop(journal);
    std::fs::copy(&copy, &path).unwrap();
    let journal = open(&path);
    let loss = journal.loss().expect("the run is missing");
    assert_eq!((loss.since, loss.until), (at(9), at(60)));
    let unasked = Acceptance { found: loss.to_string(), lost_since: Some(loss.since), reason: String::new() };
    journal.accept(unasked.clone(), at(70)).await.unwrap();
    assert_eq!(journal.lost_since().await.unwrap(), Some(at(9)), "what nobody was asked about may still get old");
    drop(journal);
    assert_eq!(open(&path).loss(), None, "once accepted it is told no more");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(open(&path).loss().map(|loss| (loss.since, loss.until)), Some((at(0), at(70))));
}

#[tokio::test]
async fn a_backup_is_whole_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("journal.db"), folder.path().join("copy.db"));
    let journal = eventful(&path).await;
    let reader = SqliteJournal::open_to_read(&path).unwrap().unwrap();
    let checked = reader.backup(&copy).unwrap();
    assert_eq!(checked.head(), journal.check().unwrap().head());
    assert_eq!(flaws(&copy), [""; 0]);
    let before = std::fs::read(&copy).unwrap();
    assert!(reader.backup(&copy).is_err(), "it is there already");
    assert_eq!(std::fs::read(&copy).unwrap(), before);
}

#[tokio::test]
async fn a_journal_of_version_1_is_carried_over_with_all_that_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("version_1.sql")).unwrap();
    connection.execute_batch(include_str!("version_1_content.sql")).unwrap();
    drop(connection);
    assert!(SqliteJournal::open_to_read(&path).is_err(), "a reader changes nothing");
    let journal = open(&path);
    let (unknown, done) = (item(&journal, 1).await, item(&journal, 2).await);
    assert_eq!((unknown.state, unknown.attempts, unknown.reason.as_str()), (State::Unknown, 2, "timeout"));
    assert_eq!((done.state, done.facts.payment_status.as_deref()), (State::Succeeded, Some("REFUNDED")));
    assert_eq!(journal.check().unwrap().flaws, [""; 0]);
    let again = Intent::Again { run: done.run.clone(), item: unknown.id, at: at(100) };
    assert_eq!(journal.record_intent(again).await.unwrap().body(), b"body 1");
    assert!(folder.path().join("journal.db.version-1").exists(), "the old one was copied first");
}

#[tokio::test]
async fn a_journal_of_version_3_is_carried_over_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let connection = Connection::open(&path).unwrap();
    // The triggers would refuse items that begin where these have come to.
    let (tables, triggers) = include_str!("version_3.sql").split_once("CREATE TRIGGER").unwrap();
    connection.execute_batch(tables).unwrap();
    connection.execute_batch(include_str!("version_3_content.sql")).unwrap();
    connection.execute_batch(&format!("CREATE TRIGGER{triggers}")).unwrap();
    let log = |connection: &Connection| {
        let mut statement = connection.prepare("SELECT seq, at, item, data, hash FROM event ORDER BY seq").unwrap();
        let read = |row: &rusqlite::Row<'_>| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<i64>>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, Vec<u8>>(4)?,
            ))
        };
        statement.query_map([], read).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let before = log(&connection);
    drop(connection);
    assert!(SqliteJournal::open_to_read(&path).is_err(), "a reader changes nothing");
    let journal = open(&path);
    assert_eq!(journal.check().unwrap().flaws, [""; 0]);
    assert_eq!(log(&Connection::open(&path).unwrap()), before, "the log is the same, to the last hash");
    let doubts = journal.doubts().await.unwrap();
    let [lost] = doubts.as_slice() else { panic!("{doubts:?}") };
    assert_eq!((lost.identity.invoice.as_str(), lost.state), ("INV-3", State::Unknown));
    assert_eq!(journal.runs().await.unwrap().iter().map(|run| run.in_doubt).collect::<Vec<_>>(), [1, 0, 0]);
    let again = Intent::Again { run: lost.run.clone(), item: lost.id, at: lost.last_sent_at };
    assert_eq!(journal.record_intent(again).await.unwrap().item().request_id, lost.request_id);
    assert_eq!(journal.check().unwrap().flaws, [""; 0]);
    assert!(folder.path().join("journal.db.version-3").exists(), "the old one was copied first");
}

/// The key is derived from the identity: what no two items share, no two keys do.
#[tokio::test]
async fn the_store_refuses_a_second_item_of_one_identity_and_a_second_live_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(eventful(&path).await);
    let connection = Connection::open(&path).unwrap();
    let copy = |generation: &str, of: &str| {
        connection.execute(
            &format!(
                "INSERT INTO item SELECT 99, environment, client_id, operation, invoice, {generation}, amount, request_id, \
                 payment_reference, refund_reference, body, body_sha256, 'planned', '', 0, first_intent_at, last_sent_at, \
                 NULL, '{{}}', job, run FROM item WHERE {of}"
            ),
            [],
        )
    };
    let dead = "id = (SELECT min(id) FROM item WHERE state = 'refused')";
    assert!(copy("generation", dead).is_err(), "the same identity once more");
    assert!(copy("generation + 7", "state = 'succeeded'").is_err(), "another generation beside one that is done");
    assert_eq!(copy("generation + 7", dead), Ok(1), "nothing else was in the way");
}
