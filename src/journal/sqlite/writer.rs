//! Group commit: one thread takes whatever writes are waiting, runs them in one transaction and answers them all after
//! its commit.
//!
//! When the disk is full, the WAL is moved into the database if that makes room. If it does not, what would lead to more being sent is refused, and what has happened already is written into the
//! room that the reserve gives back. After any other failed commit nothing is written any more.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::failed;
use super::mover::{Mover, would_make_room};
use super::pen::Pen;
use super::postman::{Letter, Postman};
use super::reserve::{LENT, Reserve};
use crate::journal::JournalError;
use crate::journal::rules::{Change, Done};

/// At most so many writes share a commit.
const LARGEST_GROUP: usize = 256;

/// What is written. It may run twice, and counts only if its commit succeeds.
pub(super) trait Work: Send + 'static {
    /// What comes of it.
    type Done: Send;

    /// Runs inside the transaction.
    fn run(&self, pen: &Pen) -> Result<Self::Done, JournalError>;

    /// What becomes of it when the disk is full.
    fn when_full(&self) -> WhenFull;
}

impl Work for Change {
    type Done = Done;

    fn run(&self, pen: &Pen) -> Result<Done, JournalError> {
        self.apply(pen)
    }

    fn when_full(&self) -> WhenFull {
        if self.has_happened() { WhenFull::Keep } else { WhenFull::Refuse }
    }
}

/// What becomes of a write when the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// It is refused: something would follow from it.
    Refuse,
    /// It is kept: it has happened already.
    Keep,
}

/// A write that waits for its turn, what came of it, and who waits for that.
struct Waiting<W: Work> {
    work: W,
    result: Option<W::Done>,
    sender: oneshot::Sender<Result<W::Done, JournalError>>,
}

impl<W: Work> Waiting<W> {
    /// Runs inside the transaction.
    fn run(&mut self, pen: &Pen) -> Result<(), JournalError> {
        self.result = Some(self.work.run(pen)?);
        Ok(())
    }

    /// Tells whoever waits, after the commit.
    fn answer(self, committed: Result<(), JournalError>) {
        let Self { result, sender, .. } = self;
        let result = committed.and_then(|()| result.ok_or_else(stopped));
        // Nobody waits any more if the caller was dropped; the write stands all the same.
        let _ = sender.send(result);
    }
}

/// A write of a group that is committed, and what became of it.
struct Answered<W: Work>(Waiting<W>, Result<(), JournalError>);

impl<W: Work> Letter for Answered<W> {
    fn deliver(self) {
        let Self(waiting, result) = self;
        waiting.answer(result);
    }
}

/// The writing end of the journal.
pub(super) struct Writer<W: Work> {
    /// `None` only while it is dropped.
    sender: Option<Sender<Waiting<W>>>,
    thread: Option<JoinHandle<()>>,
}

impl<W: Work> Drop for Writer<W> {
    /// Waits for the last write, so that the lock is not given back before it.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<W: Work> Writer<W> {
    /// Starts the thread; it ends when the writer is dropped and all work is done.
    pub(super) fn start(pen: Pen, mover: Mover, reserve: Reserve) -> Self {
        let (sender, receiver) = channel();
        let postman = Postman::start();
        let thread = Thread { mover, pen, reserve, state: Disk::Well };
        let thread = std::thread::spawn(move || thread.run(&receiver, &postman));
        Self { sender: Some(sender), thread: Some(thread) }
    }

    /// Runs `work` in the next group and returns when its commit is durable. If `work` fails, only its own changes are
    /// undone.
    pub(super) async fn write(&self, work: W) -> Result<W::Done, JournalError> {
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting { work, result: None, sender };
        self.sender.as_ref().ok_or_else(stopped)?.send(waiting).ok().ok_or_else(stopped)?;
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> JournalError {
    JournalError::Write("its writer has stopped".into())
}

/// What the thread knows of the disk.
enum Disk {
    Well,
    /// Only what has happened already is written.
    Full,
    /// After a commit that failed nobody knows what the disk holds: nothing more is written (`failure-modes.md` J4).
    Broken(JournalError),
}

/// Why a group was not committed.
enum Undone {
    /// One of its writes failed, which is no fault of the others.
    OneFailed,
    /// Nothing of it can be written.
    Stopped(JournalError),
}

impl From<JournalError> for Undone {
    fn from(error: JournalError) -> Self {
        Self::Stopped(error)
    }
}

/// The writing thread.
struct Thread {
    /// Closed before the pen, which then is the last one.
    mover: Mover,
    pen: Pen,
    reserve: Reserve,
    state: Disk,
}

impl Thread {
    fn run<W: Work>(mut self, receiver: &Receiver<Waiting<W>>, postman: &Postman<Answered<W>>) {
        while let Ok(first) = receiver.recv() {
            let mut group = vec![first];
            while group.len() < LARGEST_GROUP {
                let Ok(next) = receiver.try_recv() else { break };
                group.push(next);
            }
            self.serve(group, postman);
        }
    }

    fn serve<W: Work>(&mut self, mut group: Vec<Waiting<W>>, postman: &Postman<Answered<W>>) {
        let mut results = match &self.state {
            Disk::Well => self.commit(&mut group),
            Disk::Full => Err(JournalError::Full),
            Disk::Broken(error) => Err(error.clone()),
        };
        if matches!((&results, &self.state), (Err(JournalError::Full), Disk::Well)) {
            results = match self.regain() {
                Ok(true) => self.commit(&mut group),
                Ok(false) => Err(JournalError::Full),
                Err(error) => Err(error),
            };
        }
        if matches!(results, Err(JournalError::Full)) {
            self.fill_up();
            let (keep, refuse): (Vec<_>, Vec<_>) =
                group.into_iter().partition(|waiting| waiting.work.when_full() == WhenFull::Keep);
            for waiting in refuse {
                waiting.answer(Err(JournalError::Full));
            }
            group = keep;
            results = if group.is_empty() { return } else { self.commit(&mut group) };
        }
        match results {
            Ok(results) => {
                let answers = group.into_iter().zip(results);
                postman.bring(answers.map(|(waiting, result)| Answered(waiting, result)).collect());
                match self.mover.look(self.pen.connection()) {
                    Ok(()) => {}
                    Err(JournalError::Full) => match self.regain() {
                        Ok(true) => {}
                        Ok(false) => self.fill_up(),
                        Err(error) => self.state = Disk::Broken(error),
                    },
                    Err(error) => self.state = Disk::Broken(error),
                }
            }
            Err(error) => {
                let broken = match error {
                    JournalError::Full => JournalError::Write("its disk is full, and the reserve is used up".into()),
                    other => other,
                };
                self.state = Disk::Broken(broken.clone());
                group.into_iter().for_each(|waiting| waiting.answer(Err(broken.clone())));
            }
        }
    }

    /// The disk is full, but a long WAL may hold more room than the database would take for what is in it: the reserve is lent for
    /// the moving, and taken again. Whether all is well again.
    fn regain(&mut self) -> Result<bool, JournalError> {
        let writer = self.pen.connection();
        if !would_make_room(writer, LENT)? {
            return Ok(false);
        }
        self.reserve.release();
        match self.mover.move_all(writer) {
            Ok(true) => Ok(self.reserve.fill().is_ok()),
            Ok(false) | Err(JournalError::Full) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The disk is full: the reserve gives its room back, once.
    fn fill_up(&mut self) {
        if matches!(self.state, Disk::Well) {
            self.reserve.release();
            self.state = Disk::Full;
        }
    }

    /// Runs a group in one transaction; the results hold only now that it is durable. Mostly nothing fails, and nothing has
    /// to be undone by itself; if something does, all of it is undone and runs once more, with a savepoint around each.
    fn commit<W: Work>(&self, group: &mut [Waiting<W>]) -> Result<Vec<Result<(), JournalError>>, JournalError> {
        match self.transaction(|| self.all(group)) {
            Err(Undone::OneFailed) => {}
            Err(Undone::Stopped(error)) => return Err(error),
            Ok(()) => return Ok(group.iter().map(|_| Ok(())).collect()),
        }
        self.transaction(|| self.each_by_itself(group))
    }

    /// Begins, works and commits; what is not committed is undone.
    fn transaction<T, E: From<JournalError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        // Without a transaction the work must not run: each statement alone would commit.
        let began = self.execute("BEGIN IMMEDIATE").map_err(E::from);
        let committed = began.and_then(|()| work()).and_then(|results| {
            self.pen.settle()?;
            self.execute("COMMIT")?;
            Ok(results)
        });
        if committed.is_err() {
            self.pen.forget();
            // It may have rolled back by itself, and then this fails.
            let _ = self.pen.connection().execute_batch("ROLLBACK");
        }
        committed
    }

    fn all<W: Work>(&self, group: &mut [Waiting<W>]) -> Result<(), Undone> {
        group.iter_mut().try_for_each(|waiting| match waiting.run(&self.pen) {
            Ok(()) => Ok(()),
            Err(JournalError::Full) => Err(Undone::Stopped(JournalError::Full)),
            Err(_) => Err(Undone::OneFailed),
        })
    }

    /// Undoes what fails, and nothing else.
    fn each_by_itself<W: Work>(&self, group: &mut [Waiting<W>]) -> Result<Vec<Result<(), JournalError>>, JournalError> {
        let mut results = Vec::with_capacity(group.len());
        for waiting in group {
            self.execute("SAVEPOINT work")?;
            let result = waiting.run(&self.pen);
            if let Err(JournalError::Full) = result {
                return Err(JournalError::Full);
            }
            if result.is_ok() {
                self.pen.settle()?;
            } else {
                self.execute("ROLLBACK TO work")?;
                self.pen.forget();
            }
            self.execute("RELEASE work")?;
            results.push(result);
        }
        Ok(results)
    }

    fn execute(&self, sql: &str) -> Result<(), JournalError> {
        let mut statement = self.pen.connection().prepare_cached(sql).map_err(failed)?;
        statement.execute([]).map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;

    use rusqlite::{Connection, params};
    use tempfile::TempDir;

    /// A row of so many bytes.
    struct Insert(i64, usize, WhenFull);

    impl Work for Insert {
        type Done = ();

        fn run(&self, pen: &Pen) -> Result<(), JournalError> {
            let row = params![self.0, vec![7_u8; self.1]];
            pen.connection().execute("INSERT INTO t VALUES (?1, ?2)", row).map(drop).map_err(failed)
        }

        fn when_full(&self) -> WhenFull {
            self.2
        }
    }

    fn writer<W: Work>(folder: &TempDir, most_pages: u32) -> Writer<W> {
        let connection = Connection::open(folder.path().join("t.db")).unwrap();
        connection.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)").unwrap();
        connection.pragma_update(None, "max_page_count", most_pages).unwrap();
        connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        let mover = Mover::start(Connection::open(folder.path().join("t.db")).unwrap());
        Writer::start(Pen::new(connection), mover, Reserve::at(&folder.path().join("t.reserve")).unwrap())
    }

    fn numbers(folder: &TempDir) -> Vec<i64> {
        let connection = Connection::open(folder.path().join("t.db")).unwrap();
        let mut statement = connection.prepare("SELECT n FROM t ORDER BY n").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[tokio::test]
    async fn a_write_that_fails_undoes_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 1000);
        let write = |number| writer.write(Insert(number, 1, WhenFull::Refuse));
        let (one, again, two) = tokio::join!(write(1), write(1), write(2));
        assert!(one.is_ok() && again.is_err() && two.is_ok());
        assert_eq!(numbers(&folder), [1, 2]);
    }

    #[tokio::test]
    async fn on_a_full_disk_what_has_happened_is_kept_and_nothing_new_begins() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 20);
        let reserve = folder.path().join("t.reserve");
        assert!(reserve.metadata().unwrap().len() > 0);
        let (too_big, happened) = tokio::join!(
            writer.write(Insert(1, 200_000, WhenFull::Refuse)),
            writer.write(Insert(2, 1, WhenFull::Keep))
        );
        assert!(matches!(too_big, Err(JournalError::Full)));
        assert!(happened.is_ok(), "{happened:?}");
        assert_eq!(reserve.metadata().unwrap().len(), 0, "the reserve gives its room back");
        let (small, later) =
            tokio::join!(writer.write(Insert(3, 1, WhenFull::Refuse)), writer.write(Insert(4, 1, WhenFull::Keep)));
        assert!(matches!(small, Err(JournalError::Full)), "once it was full, nothing new begins");
        assert!(later.is_ok());
        assert_eq!(numbers(&folder), [2, 4]);
    }

    /// Always the same row of 600,000 bytes; so often it finds the disk full first.
    struct Again(AtomicU32, WhenFull);

    impl Work for Again {
        type Done = ();

        fn run(&self, pen: &Pen) -> Result<(), JournalError> {
            let row = params![vec![7_u8; 600_000]];
            pen.connection().execute("INSERT OR REPLACE INTO t VALUES (1, ?1)", row).map_err(failed)?;
            let is_full = self.0.fetch_update(Relaxed, Relaxed, |times| times.checked_sub(1)).is_ok();
            if is_full { Err(JournalError::Full) } else { Ok(()) }
        }

        fn when_full(&self) -> WhenFull {
            self.1
        }
    }

    #[tokio::test]
    async fn a_disk_that_is_full_of_what_is_to_be_moved_is_full_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 1_000_000);
        let again = |times: u32, when_full| writer.write(Again(times.into(), when_full));
        let length = |name: &str| folder.path().join(name).metadata().unwrap().len();
        for round in 0..2 {
            for _ in 0..8 {
                again(0, WhenFull::Refuse).await.unwrap();
            }
            assert!(length("t.db-wal") > 4_096_000, "round {round}");
            again(1, WhenFull::Refuse).await.unwrap();
            assert!(length("t.db-wal") < 1_000_000, "what was there has its place, and what was written is there");
            assert_eq!(length("t.reserve"), 4 << 20, "the reserve is whole again");
        }
        // Now it is short, and to move it would not help.
        assert!(matches!(again(1, WhenFull::Refuse).await, Err(JournalError::Full)));
        assert_eq!(length("t.reserve"), 0);
        assert!(matches!(again(0, WhenFull::Refuse).await, Err(JournalError::Full)));
        again(0, WhenFull::Keep).await.unwrap();
        assert_eq!(numbers(&folder), [1]);
    }

    /// The reserve has given its room back, for outcomes.
    fn stays_full(folder: &TempDir, full: &Result<(), JournalError>) {
        assert!(matches!(full, Err(JournalError::Full)), "{full:?}");
        assert_eq!(folder.path().join("t.reserve").metadata().unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_disk_stays_full_where_somebody_reads_what_would_be_moved() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 1_000_000);
        for _ in 0..8 {
            writer.write(Again(0.into(), WhenFull::Refuse)).await.unwrap();
        }
        let reader = Connection::open(folder.path().join("t.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        stays_full(&folder, &writer.write(Again(1.into(), WhenFull::Refuse)).await);
        writer.write(Again(0.into(), WhenFull::Keep)).await.unwrap();
    }

    #[tokio::test]
    async fn a_disk_stays_full_where_all_that_would_be_moved_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 1500);
        for number in 0..11 {
            writer.write(Insert(number, 500_000, WhenFull::Refuse)).await.unwrap();
        }
        stays_full(&folder, &writer.write(Insert(20, 2_000_000, WhenFull::Refuse)).await);
        writer.write(Insert(21, 1, WhenFull::Keep)).await.unwrap();
    }

    #[tokio::test]
    async fn the_wal_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 1_000_000);
        for number in 0..120 {
            writer.write(Insert(number, 500_000, WhenFull::Keep)).await.unwrap();
        }
        let bytes = folder.path().join("t.db-wal").metadata().unwrap().len();
        assert!(bytes < 42_000_000, "{bytes}");
    }

    #[tokio::test]
    async fn when_even_the_reserve_is_used_up_nothing_is_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder, 20);
        assert!(writer.write(Insert(1, 200_000, WhenFull::Keep)).await.is_err());
        assert!(writer.write(Insert(2, 1, WhenFull::Keep)).await.is_err(), "after that nobody knows the disk");
        assert_eq!(numbers(&folder), [0_i64; 0]);
    }
}
