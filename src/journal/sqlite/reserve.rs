//! Room that is kept free for what has happened already: a file of zeros beside the journal, given back when the disk is
//! full, so that the outcomes of calls under way still find a place (`failure-modes.md` J5).

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// An outcome takes some ten pages of the journal and its answer a few kilobytes; this is enough for a hundred of them,
/// and for the files of the run after that.
const BYTES: usize = 4 * 1024 * 1024;

/// The file.
pub(super) struct Reserve(File);

impl Reserve {
    /// Fills the file up, if it is not.
    ///
    /// # Errors
    /// There is no room for it, and so none for a run.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        // Zeros that are written, for a file that is only as long has no room of its own.
        if file.metadata()?.len() < BYTES as u64 {
            file.set_len(0)?;
            if let Err(error) = file.write_all(&vec![0; BYTES]) {
                file.set_len(0)?;
                return Err(error);
            }
        }
        Ok(Self(file))
    }

    /// Gives the room back.
    pub(super) fn release(&self) {
        // If even this fails, the next write says so.
        let _ = self.0.set_len(0);
    }
}
