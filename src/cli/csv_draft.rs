//! A CSV file that is being written, and beside it, if somebody asked for one, its copy for a spreadsheet.

use std::path::Path;

use super::load::{Case, Copies};
use crate::edge::files::{self, Draft, WriteError};
use crate::report::safe;

/// The file, and its copy.
#[derive(Debug)]
pub(super) struct CsvDraft {
    name: &'static str,
    exact: Draft,
    safe: Option<Draft>,
}

impl CsvDraft {
    /// Begins a file with its header.
    pub(super) fn begin(case: &Case, name: &'static str, header: &[u8]) -> Self {
        let folder = case.output_folder();
        let mut exact = Draft::begin(&folder, name);
        exact.write(header);
        let safe = (case.copies == Copies::SpreadsheetSafe).then(|| {
            let mut safe = Draft::begin(&folder, &safe::name(name));
            safe.write(&safe::header(header));
            safe
        });
        Self { name, exact, safe }
    }

    /// Writes whole rows.
    pub(super) fn write(&mut self, rows: &[u8]) {
        self.exact.write(rows);
        if let Some(safe) = &mut self.safe {
            safe.write(&safe::rows(rows));
        }
    }

    /// The names of what it writes.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(self.name.to_owned()).chain(self.safe.iter().map(|_| safe::name(self.name)))
    }

    /// Gives the files their places in a folder.
    ///
    /// # Errors
    /// One of them could not be written.
    pub(super) fn keep(self, folder: &Path) -> Result<(), WriteError> {
        self.exact.keep(&folder.join(self.name))?;
        let copy = folder.join(safe::name(self.name));
        match self.safe {
            Some(safe) => safe.keep(&copy),
            // One of an earlier audit would be taken for a copy of this one's.
            None => files::remove(&copy),
        }
    }
}
