//! Opening the file: who holds it, whose it is, and whether its settings keep the promise.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::file::{beside, unusable};
use super::{check, migrate, place, room, schema};
use crate::journal::JournalError;

/// SQLite before this version can corrupt a WAL file (`failure-modes.md`, finding 7).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Orders come in any order, and each lands on another page of the indexes by invoice: these pages are kept at hand.
const CACHE_KIBIBYTES: i32 = 8 * 1024;

/// More than the writer has, so that none is prepared twice.
const STATEMENTS: usize = 64;

/// Who only looks whether the lock is held, holds it for a moment, and a child process shares all locks until it has become
/// another program: it is tried so often before it counts as taken. On a busy machine a moment may be a tenth of a second.
const TRIES: usize = 250;

/// So long a connection waits for another one.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// Between two tries.
const MOMENT: Duration = Duration::from_millis(1);

/// Whether a runner is at work on a journal.
pub(super) fn is_held(path: &Path) -> bool {
    let real = path.canonicalize();
    let Ok(file) = File::open(beside(real.as_deref().unwrap_or(path), ".lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Takes the lock beside the journal and one on the journal itself, for the life of the returned files. The second one
/// holds even if somebody removes the lock file.
pub(super) fn lock(path: &Path) -> Result<(File, File), JournalError> {
    let unusable = |reason: std::io::Error| room::refused_file(path, &reason);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    // A journal behind a link has one lock, whatever it is called; behind a second name in a folder it would have two.
    let journal = private_file(path).map_err(|error| cannot_be_opened(path, &error))?;
    refuse_second_name(path, &journal)?;
    let real = path.canonicalize();
    let file = private_file(&beside(real.as_deref().unwrap_or(path), ".lock")).map_err(unusable)?;
    for locked in [&file, &journal] {
        let mut tried = locked.try_lock();
        for _ in 0..TRIES {
            if tried.is_ok() {
                break;
            }
            pause();
            tried = locked.try_lock();
        }
        match tried {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Held { path: path.display().to_string() }),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
    Ok((file, journal))
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for, whatever the clock of a test says")]
fn pause() {
    std::thread::sleep(MOMENT);
}

/// Opens the file for writing; makes it, with its tables, if it is not there, and checks it if it is.
pub(super) fn for_writing(path: &Path) -> Result<Connection, JournalError> {
    private_file(path).map_err(|error| cannot_be_opened(path, &error))?;
    if let Some(kind) = place::remote(path) {
        let reason = format!(
            "it lies on a network file system ({kind}), where two runners could hold it; move it to a local disk"
        );
        return Err(unusable(path, &reason));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| room::refused(path, &error))?;
    prepare(path, &connection)?;
    sync_names(path).map_err(|error| room::refused_file(path, &error))?;
    Ok(connection)
}

/// The names of the journal, of its WAL and of its folder are durable only once the folders above them are.
fn sync_names(path: &Path) -> std::io::Result<()> {
    let real = path.canonicalize()?;
    real.ancestors().skip(1).take(2).try_for_each(|folder| File::open(folder)?.sync_all())
}

/// Opens the file, which is there and well, for moving commits from the WAL into it, as durably as they are written.
pub(super) fn for_moving(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| room::refused(path, &error))?;
    connection.busy_timeout(BUSY).map_err(|error| room::refused(path, &error))?;
    let set =
        "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 0;";
    connection.execute_batch(set).map_err(|error| room::refused(path, &error))?;
    Ok(connection)
}

/// Opens the file for reading; it changes nothing and never checkpoints.
pub(super) fn for_reading(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| room::refused(path, &error))?;
    connection.busy_timeout(BUSY).map_err(|error| room::refused(path, &error))?;
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(|error| unreadable(path, &error))?;
    let version = number("user_version").map_err(|error| room::refused(path, &error))?;
    check_owner(path, application, version)?;
    if version < schema::VERSION {
        return Err(JournalError::Older { path: path.display().to_string(), version, newest: schema::VERSION });
    }
    Ok(connection)
}

fn prepare(path: &Path, connection: &Connection) -> Result<(), JournalError> {
    let unusable_sql = |error: rusqlite::Error| room::refused(path, &error);
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(unusable(path, &format!("SQLite {} can lose data; 3.51.3 is needed", rusqlite::version())));
    }
    connection.busy_timeout(BUSY).map_err(unusable_sql)?;
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(|error| unreadable(path, &error))?;
    let version = number("user_version").map_err(unusable_sql)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(unusable_sql)?;
    let is_new = application == 0 && version == 0 && tables == 0;
    if !is_new {
        check_owner(path, application, version)?;
    }
    to_wal(connection).map_err(unusable_sql)?;
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; \
             PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;",
        )
        .map_err(unusable_sql)?;
    // What a statement may have to undo is copied page by page; in a temporary file each copy would cost two system calls.
    connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES).map_err(unusable_sql)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(unusable_sql)?;
    let synchronous = number("synchronous").map_err(unusable_sql)?;
    if mode != "wal" || synchronous != 2 {
        return Err(unusable(path, &format!("it runs with journal_mode={mode} and synchronous={synchronous}")));
    }
    if is_new {
        return schema::create(connection).map_err(unusable_sql);
    }
    if version < schema::VERSION {
        refuse_bad_pages(path, connection)?;
        migrate::carry_over(path, connection, version)?;
    }
    refuse_damage(path, connection)
}

/// The switch is committed when its statement is done, not when its row is there: a batch would drop the error.
fn to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Compares the file with itself, and the items with their log. No half of it asks what the other one finds, so that a long
/// journal is gone through by two at once.
pub(super) fn refuse_damage(path: &Path, connection: &Connection) -> Result<(), JournalError> {
    let unusable_sql = |error: rusqlite::Error| room::refused(path, &error);
    let (beside, items) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let beside = for_reading(path)?;
            refuse_bad_pages(path, &beside)?;
            check::guards_and_chain(&beside).map_err(unusable_sql)
        });
        let items = check::items_alone(connection).map_err(unusable_sql);
        (beside.join().expect("the look at the chain does not panic"), items)
    });
    match beside?.flaws.iter().chain(&items?.flaws).next() {
        None => Ok(()),
        Some(flaw) => Err(unusable(path, &format!("it is damaged, or was changed by hand: {flaw}; {DAMAGED}"))),
    }
}

const DAMAGED: &str = "put back a backup (rekon journal backup makes them), and look with rekon journal check";

fn refuse_bad_pages(path: &Path, connection: &Connection) -> Result<(), JournalError> {
    let check: String = connection
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(|error| room::refused(path, &error))?;
    if check == "ok" { Ok(()) } else { Err(unusable(path, &format!("it is damaged: {check}; {DAMAGED}"))) }
}

fn check_owner(path: &Path, application: i32, version: i32) -> Result<(), JournalError> {
    if application != schema::APPLICATION_ID {
        return Err(unusable(path, &NOT_OURS));
    }
    if !(schema::OLDEST..=schema::VERSION).contains(&version) {
        let reason = format!(
            "its tables have version {version}, this program knows {}; use the program that made it",
            schema::VERSION
        );
        return Err(unusable(path, &reason));
    }
    Ok(())
}

const NOT_OURS: &str = "is not a journal of rekon; name another file, or move this one away";

/// A file whose first page cannot be read: mostly no database at all.
fn unreadable(path: &Path, error: &rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => unusable(path, &NOT_OURS),
        _ => room::refused(path, error),
    }
}

#[cfg(unix)]
fn refuse_second_name(path: &Path, journal: &File) -> Result<(), JournalError> {
    let names = std::os::unix::fs::MetadataExt::nlink(&journal.metadata().map_err(|error| unusable(path, &error))?);
    if names > 1 {
        return Err(unusable(
            path,
            &format!("it has {names} names (hard links), and so could have two runners; remove the others"),
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_second_name(_: &Path, _: &File) -> Result<(), JournalError> {
    Ok(())
}

fn cannot_be_opened(path: &Path, error: &std::io::Error) -> JournalError {
    if room::is_full(error) { room::none(path) } else { unusable(path, &format!("cannot be opened: {error}")) }
}

/// A file that only its owner can read: bodies hold customers' names.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
