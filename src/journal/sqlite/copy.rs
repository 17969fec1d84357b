//! Copying a journal: written beside its place, checked and synced, and only then given its name.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::file::{beside, unusable};
use super::room;
use crate::journal::JournalError;

/// Writes a copy that `check` has to find good before it gets its name; nothing stays behind if it does not.
pub(super) fn written<T>(
    connection: &Connection,
    to: &Path,
    check: impl FnOnce(&Path) -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    let part = beside(to, ".rekon-part");
    let io = |error: io::Error| unusable(to, &error);
    // What a backup that was cut off left behind is a plain file of one name; anything else is somebody's.
    private_empty(&part).map_err(io)?;
    let copied = connection
        .execute("VACUUM INTO ?1", [part.to_string_lossy()])
        .map_err(|error| room::refused(to, &error))
        .and_then(|_| check(&part))
        .and_then(|checked| {
            File::open(&part).and_then(|file| file.sync_all()).map_err(io)?;
            std::fs::rename(&part, to).map_err(io)?;
            let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
            Ok(checked)
        });
    if copied.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    copied.map_err(|error| match error {
        JournalError::NoRoom { .. } => {
            unusable(to, &"its disk is full; make room there, or name a file on another disk")
        }
        other => other,
    })
}

/// Bodies hold customers' names: only the owner may read the copy as well.
fn private_empty(path: &Path) -> io::Result<()> {
    if let Ok(found) = path.symlink_metadata() {
        if !is_plain(&found) {
            return Err(io::Error::other(format!("{} is in the way", path.display())));
        }
        std::fs::remove_file(path)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(unix)]
fn is_plain(found: &std::fs::Metadata) -> bool {
    found.is_file() && std::os::unix::fs::MetadataExt::nlink(found) == 1
}

#[cfg(not(unix))]
fn is_plain(found: &std::fs::Metadata) -> bool {
    found.is_file()
}
