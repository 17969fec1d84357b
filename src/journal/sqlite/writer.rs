//! Group commit: one thread takes whatever writes are waiting, runs them in one transaction and answers them all after
//! its commit.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::journal::JournalError;

/// At most so many writes share a commit.
const LARGEST_GROUP: usize = 256;

/// Told to each write after the commit that decides about it.
type Answer = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

/// Runs inside the transaction; what it returns is called after the commit.
type Work = Box<dyn FnOnce(&Connection) -> Answer + Send>;

/// The writing end of the journal.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    sender: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    /// Waits for the last write, so that the lock is not given back before it.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Starts the thread; it ends when the writer is dropped and all work is done.
    pub(super) fn start(connection: Connection) -> Self {
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || run(&connection, &receiver));
        Self { sender: Some(sender), thread: Some(thread) }
    }

    /// Runs `work` in the next group and returns when its commit is durable. If `work` fails, only its own changes are
    /// undone.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = in_savepoint(connection, work);
            Box::new(move |committed| {
                // Nobody waits any more if the caller was dropped; the write stands all the same.
                let _ = sender.send(committed.and(result));
            })
        });
        self.sender.as_ref().ok_or_else(stopped)?.send(work).or(Err(stopped()))?;
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> JournalError {
    JournalError::Write("its writer has stopped".into())
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    let failed = |error: rusqlite::Error| JournalError::Write(error.to_string());
    connection.execute_batch("SAVEPOINT work").map_err(failed)?;
    let result = work(connection);
    let end = if result.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    connection.execute_batch(end).map_err(failed)?;
    result
}

fn run(connection: &Connection, receiver: &Receiver<Work>) {
    // After a commit that failed nobody knows what the disk holds: nothing more is written (`failure-modes.md` J4).
    let mut poisoned: Option<JournalError> = None;
    while let Ok(first) = receiver.recv() {
        let mut answers = Vec::new();
        let committed = match &poisoned {
            Some(error) => {
                drop(first);
                Err(error.clone())
            }
            None => commit_group(connection, first, receiver, &mut answers),
        };
        if let Err(error) = &committed {
            let _ = connection.execute_batch("ROLLBACK");
            poisoned = Some(error.clone());
        }
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn commit_group(
    connection: &Connection,
    first: Work,
    receiver: &Receiver<Work>,
    answers: &mut Vec<Answer>,
) -> Result<(), JournalError> {
    let failed = |error: rusqlite::Error| JournalError::Write(error.to_string());
    // Without a transaction the work must not run: its savepoint alone would commit.
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    answers.push(first(connection));
    while answers.len() < LARGEST_GROUP {
        let Ok(work) = receiver.try_recv() else { break };
        answers.push(work(connection));
    }
    connection.execute_batch("COMMIT").map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(number: i64) -> impl FnOnce(&Connection) -> Result<(), JournalError> + Send + 'static {
        move |connection| {
            let result = connection.execute("INSERT INTO t VALUES (?1)", [number]);
            result.map(drop).map_err(|error| JournalError::Write(error.to_string()))
        }
    }

    #[tokio::test]
    async fn a_write_that_fails_undoes_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let writer = Writer::start(connection);
        let (one, again, two) = tokio::join!(writer.write(insert(1)), writer.write(insert(1)), writer.write(insert(2)));
        assert!(one.is_ok() && again.is_err() && two.is_ok());
        let count: i64 =
            Connection::open(&path).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2);
    }
}
