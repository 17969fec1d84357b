//! Room that is kept free for what has happened already: a file of zeros beside the journal, given back when the disk is
//! full, so that the outcomes of calls under way still find a place (`failure-modes.md` J5).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// An outcome takes some ten pages of the journal and its answer a few kilobytes; this is enough for a hundred of them,
/// and for the files of the run after that.
const BYTES: usize = 4 * 1024 * 1024;

/// So much of it may be lent to the database while the WAL is moved there. If the room that the WAL gives back for it is taken by
/// somebody else in that moment, the other half is still there for outcomes.
pub(super) const LENT: u64 = BYTES as u64 / 2;

/// The file.
pub(super) struct Reserve(File);

impl Reserve {
    /// Fills the file up, if it is not.
    ///
    /// # Errors
    /// There is no room for it, and so none for a run.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let reserve = Self(file);
        if reserve.0.metadata()?.len() < BYTES as u64 {
            reserve.fill()?;
        }
        Ok(reserve)
    }

    /// Takes the room again that was given back.
    ///
    /// # Errors
    /// There is no room for all of it, and none is taken.
    pub(super) fn fill(&self) -> io::Result<()> {
        self.0.set_len(0)?;
        // Zeros that are written, for a file that is only as long has no room of its own.
        let filled = self.0.write_all_at(&vec![0; BYTES], 0);
        if filled.is_err() {
            self.0.set_len(0)?;
        }
        filled
    }

    /// Gives the room back.
    pub(super) fn release(&self) {
        // If even this fails, the next write says so.
        let _ = self.0.set_len(0);
    }
}
