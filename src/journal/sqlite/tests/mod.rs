//! The promises of the embedded store alone: who holds the file, what is found in it, and how older ones are carried over.

mod log;
mod memory;

use std::path::Path;

use super::SqliteJournal;
use crate::journal::conformance::{account, at, ended, fill, first, invoice, new_run};
use crate::journal::record::{First, Intent, Item, NewRun};
use crate::journal::state::State;
use crate::journal::{Journal, JournalError};
use crate::model::money::Rupiah;
use crate::model::outcome::{Outcome, Refusal, Unsent};

async fn item(journal: &SqliteJournal, number: u32) -> Item {
    journal.known(&account(), vec![invoice(number)]).await.unwrap().remove(&invoice(number)).unwrap()
}

fn open(path: &Path) -> SqliteJournal {
    SqliteJournal::open(path).unwrap()
}

/// Whether nobody holds the journal any more, at once or soon: what another test starts meanwhile shares all locks until it has
/// become another program.
fn is_let_go(path: &Path) -> bool {
    (0..10_000).any(|_| {
        #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
        std::thread::sleep(std::time::Duration::from_millis(1));
        !SqliteJournal::is_held(path)
    })
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
    assert!(is_let_go(&path));
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
