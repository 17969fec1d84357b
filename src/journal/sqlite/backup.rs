//! A consistent copy of the journal, made while it may be in use. Copying the file by hand would tear it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::check::{Checked, Depth, check};
use super::open::{beside, for_reading, unusable};
use crate::journal::JournalError;

/// Writes the copy beside its place, checks and syncs it, and only then gives it its name.
pub(super) fn write(connection: &Connection, to: &Path) -> Result<Checked, JournalError> {
    if to.exists() {
        return Err(unusable(to, &"is there already; name a new file"));
    }
    let part = beside(to, ".part");
    let written = write_part(connection, to, &part);
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_part(connection: &Connection, to: &Path, part: &Path) -> Result<Checked, JournalError> {
    let io = |error: io::Error| unusable(to, &error);
    // What a backup that was cut off left behind; SQLite writes into an empty file only.
    private_empty(part).map_err(io)?;
    connection.execute("VACUUM INTO ?1", [part.to_string_lossy()]).map_err(|error| unusable(to, &error))?;
    let checked = check(&for_reading(part)?, Depth::Everything).map_err(|error| unusable(to, &error))?;
    if let Some(flaw) = checked.flaws.first() {
        return Err(unusable(to, &format!("the copy is not whole: {flaw}")));
    }
    File::open(part).and_then(|file| file.sync_all()).map_err(io)?;
    std::fs::rename(part, to).map_err(io)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(checked)
}

/// Bodies hold customers' names: only the owner may read the copy as well.
fn private_empty(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
