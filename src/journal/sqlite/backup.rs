//! A consistent copy of the journal, made while it may be in use. Copying the file by hand would tear it.

use std::path::Path;

use rusqlite::Connection;

use super::check;
use super::copy::written;
use super::file::unusable;
use super::open::for_reading;
use crate::journal::JournalError;
use crate::journal::check::Checked;

/// Writes the copy and compares it with its own log.
pub(super) fn write(connection: &Connection, to: &Path) -> Result<Checked, JournalError> {
    if to.symlink_metadata().is_ok() {
        return Err(unusable(to, &"is there already; name a new file"));
    }
    written(connection, to, |part| {
        let checked = check::everything(&for_reading(part)?).map_err(|error| unusable(to, &error))?;
        match checked.flaws.first() {
            None => Ok(checked),
            Some(flaw) => Err(unusable(to, &format!("the copy is not whole: {flaw}"))),
        }
    })
}
