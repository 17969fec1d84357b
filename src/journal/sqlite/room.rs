//! Whether it is the room on its disk that a journal lacks. SQLite says `disk I/O error` where the files that it keeps beside an
//! open database cannot be made, and a healthy journal must not be taken for a damaged one: whoever puts back an old copy then
//! loses what was sent since.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use super::file::{beside, unusable};
use crate::journal::JournalError;

/// The failures of writing that a full disk may have caused. One of reading is another matter.
const OF_WRITING: [i32; 8] = [
    ffi::SQLITE_IOERR_WRITE,
    ffi::SQLITE_IOERR_FSYNC,
    ffi::SQLITE_IOERR_DIR_FSYNC,
    ffi::SQLITE_IOERR_TRUNCATE,
    ffi::SQLITE_IOERR_MMAP,
    ffi::SQLITE_IOERR_SHMOPEN,
    ffi::SQLITE_IOERR_SHMSIZE,
    ffi::SQLITE_IOERR_SHMMAP,
];

/// As much as SQLite shares between connections takes at first, and a page more.
const TRIED: usize = 36 * 1024;

/// What is said when SQLite refuses: that there is no room, if that is it.
pub(super) fn refused(path: &Path, error: &rusqlite::Error) -> JournalError {
    let may_lack_room = || {
        let extended = error.sqlite_error().map(|error| error.extended_code);
        let is_of_writing = extended.is_some_and(|code| OF_WRITING.contains(&code));
        is_of_writing || error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
    };
    if error.sqlite_error_code() == Some(ErrorCode::DiskFull) || (may_lack_room() && lacks_room(path)) {
        none(path)
    } else {
        unusable(path, error)
    }
}

/// The same of a file beside it.
pub(super) fn refused_file(path: &Path, error: &io::Error) -> JournalError {
    if is_full(error) { none(path) } else { unusable(path, error) }
}

/// There is none.
pub(super) fn none(path: &Path) -> JournalError {
    JournalError::NoRoom { path: path.display().to_string() }
}

/// Whether the system says that a disk is full, or that its user may take no more of it.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Tries it beside the journal: how much is free says nothing of what this user may take.
fn lacks_room(path: &Path) -> bool {
    let trial = beside(path, ".room");
    // Not there, unless somebody was killed here.
    let _ = fs::remove_file(&trial);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let tried =
        options.open(&trial).and_then(|mut file| file.write_all(&vec![0; TRIED]).and_then(|()| file.sync_all()));
    let _ = fs::remove_file(&trial);
    tried.is_err_and(|error| is_full(&error))
}
