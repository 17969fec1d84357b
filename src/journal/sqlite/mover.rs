//! Moves what the WAL holds into the database. SQLite would do so by itself, within a commit, and not tell when it fails.
//!
//! Most of it is copied and synced by a thread with a connection of its own, while commits go on. They add to the WAL
//! meanwhile, and it begins anew only once all of it is moved: the writer moves the rest, between two commits.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::failed;
use super::open::BUSY;
use crate::journal::JournalError;

/// Pages that the WAL may hold before they are moved: 16 MiB. A page that changes often is moved once.
const LONGEST: i64 = 4000;

/// With so many the writer waits for the mover, and moves what is left itself, however many these are: the WAL would grow for ever
/// on a disk that moves pages more slowly than they come.
const TOO_LONG: i64 = 2 * LONGEST;

/// So many the writer moves itself.
const REST: i64 = 500;

/// A WAL of so many pages is moved for the sake of its room: 4 MiB, twice what the database may grow by meanwhile.
const WORTH_IT: i64 = 1000;

/// The moving thread.
pub(super) struct Mover {
    /// `None` only while it is dropped.
    asks: Option<Sender<()>>,
    tells: Receiver<Result<(), JournalError>>,
    thread: Option<JoinHandle<()>>,
    is_at_work: bool,
}

impl Drop for Mover {
    /// Waits until its connection is closed.
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Mover {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Self {
        let (asks, asked) = channel::<()>();
        let (told, tells) = channel();
        let thread = std::thread::spawn(move || {
            while asked.recv().is_ok() && told.send(checkpoint(&connection, "PASSIVE").map(drop)).is_ok() {}
        });
        Self { asks: Some(asks), tells, thread: Some(thread), is_at_work: false }
    }

    /// Looks between two commits whether something is to be moved.
    ///
    /// # Errors
    /// Something was not moved; the WAL holds it still.
    pub(super) fn look(&mut self, writer: &Connection) -> Result<(), JournalError> {
        let was_at_work = self.is_at_work;
        if was_at_work {
            let told = match self.tells.try_recv() {
                Err(TryRecvError::Empty) if Wal::of(writer)?.pages < TOO_LONG => return Ok(()),
                Err(TryRecvError::Empty) => self.tells.recv().ok(),
                told => told.ok(),
            };
            // Also if it failed: it waits to be asked again.
            self.is_at_work = false;
            told.ok_or_else(gone)??;
        }
        let wal = Wal::of(writer)?;
        if was_at_work && (wal.left <= REST || wal.pages >= TOO_LONG) {
            checkpoint(writer, "PASSIVE")?;
        } else if was_at_work || wal.left > LONGEST {
            self.is_at_work = self.asks.as_ref().is_some_and(|asks| asks.send(()).is_ok());
        }
        Ok(())
    }

    /// Moves all of the WAL and gives its room back. Whether it did: not if somebody still reads there.
    ///
    /// # Errors
    /// Something was not moved; the WAL holds it still.
    pub(super) fn move_all(&mut self, writer: &Connection) -> Result<bool, JournalError> {
        if std::mem::take(&mut self.is_at_work) {
            match self.tells.recv().or(Err(gone()))? {
                // By now there is more room than it had.
                Ok(()) | Err(JournalError::Full) => {}
                Err(error) => return Err(error),
            }
        }
        // Outcomes wait meanwhile: no reader is waited for.
        writer.busy_timeout(Duration::ZERO).map_err(failed)?;
        let moved = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        writer.busy_timeout(BUSY).map_err(failed)?;
        moved.map(|was_busy| was_busy == 0).map_err(failed)
    }
}

fn gone() -> JournalError {
    JournalError::Write("what moves its pages has stopped".into())
}

/// Whether to move all of the WAL would give back much more room than it takes, and takes no more than `lent` bytes before it does.
pub(super) fn would_make_room(writer: &Connection, lent: u64) -> Result<bool, JournalError> {
    let number = |pragma: &str| writer.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(failed);
    let wal = Wal::of(writer)?.pages;
    let bytes = number("page_count")? * number("page_size")?;
    let length = writer.path().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |file| file.len());
    let growth = u64::try_from(bytes).unwrap_or_default().saturating_sub(length);
    Ok(wal >= WORTH_IT && growth <= lent)
}

/// How long the WAL is.
#[derive(Debug, Clone, Copy)]
struct Wal {
    /// Its pages.
    pages: i64,
    /// Those of them that are still to be moved.
    left: i64,
}

impl Wal {
    fn of(connection: &Connection) -> Result<Self, JournalError> {
        checkpoint(connection, "NOOP")
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> Result<Wal, JournalError> {
    let read = |row: &rusqlite::Row<'_>| {
        let (pages, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Wal { pages, left: pages - moved })
    };
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})")).map_err(failed)?;
    statement.query_row([], read).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::OpenFlags;
    use tempfile::TempDir;

    fn journal(folder: &TempDir) -> Connection {
        let connection = Connection::open(folder.path().join("t.db")).unwrap();
        connection.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (b BLOB)").unwrap();
        connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        connection
    }

    /// Commits 1,000 pages.
    fn write(connection: &Connection) {
        connection.execute("INSERT INTO t VALUES (zeroblob(4090000))", []).unwrap();
    }

    #[test]
    fn while_pages_are_moved_commits_go_on_and_in_the_end_the_wal_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let writer = journal(&folder);
        let mut mover = Mover::start(Connection::open(folder.path().join("t.db")).unwrap());
        let mut commits = 0;
        for _ in 0..3 {
            while !mover.is_at_work {
                write(&writer);
                commits += 1;
                mover.look(&writer).unwrap();
            }
            write(&writer);
            commits += 1;
            while mover.is_at_work {
                mover.look(&writer).unwrap();
            }
            assert_eq!(Wal::of(&writer).unwrap().left, 0);
        }
        let wal = folder.path().join("t.db-wal").metadata().unwrap().len();
        assert!(wal < 8_000 * 4_200, "{wal}");
        assert_eq!(writer.query_row("SELECT count(*) FROM t", [], |row| row.get(0)), Ok(commits));
    }

    #[test]
    fn pages_that_cannot_be_moved_are_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let writer = journal(&folder);
        let path = folder.path().join("t.db");
        let mut mover = Mover::start(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap());
        (0..5).for_each(|_| write(&writer));
        mover.look(&writer).unwrap();
        // Again and again: it waits for no answer that nobody owes.
        for _ in 0..2 {
            let told = std::iter::repeat_with(|| mover.look(&writer)).find(Result::is_err);
            assert!(matches!(told, Some(Err(JournalError::Write(_)))), "{told:?}");
            (0..5).for_each(|_| write(&writer));
        }
    }
}
