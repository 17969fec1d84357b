//! The ledger: what happened at the provider, in memory and, if asked for, in a file that survives it.
//!
//! The file holds one [`Entry`] per line. An entry is in the file before its answer leaves.

use std::io;
use std::path::{Path, PathBuf};

use super::entry::{Effect, Entry, Violation};
use super::lines::{Lines, TornEnd};

/// All entries so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    file: Option<Lines>,
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened, read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is not one that a simulator wrote.
    #[error("{}:{line}: not a ledger entry: {source}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Ledger {
    /// A ledger that keeps a file, and begins with what the file holds.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let (lines, file) =
            Lines::open(path, TornEnd::CutOff).map_err(|source| LedgerError::File { path: path.to_owned(), source })?;
        let read = |(index, line): (usize, &String)| {
            let fault = |source| LedgerError::Entry { path: path.to_owned(), line: index + 1, source };
            serde_json::from_str(line).map_err(fault)
        };
        let entries = lines.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { entries, file: Some(file) })
    }

    /// Keeps an entry: in the file first.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.append(&serde_json::to_string(entry)?)?;
        }
        self.entries.push(entry.clone());
        Ok(())
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        let effect = |entry: &Entry| match entry {
            Entry::Effect(effect) => Some(effect.clone()),
            Entry::Answer(_) | Entry::Payment(_) | Entry::Violation(_) => None,
        };
        self.entries.iter().filter_map(effect).collect()
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        let violation = |entry: &Entry| match entry {
            Entry::Violation(violation) => Some(violation.clone()),
            Entry::Effect(_) | Entry::Answer(_) | Entry::Payment(_) => None,
        };
        self.entries.iter().filter_map(violation).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_line_stops_the_start_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        std::fs::write(&path, "{\"entry\":\"effect\"}\n").expect("a file");
        let message = Ledger::open(&path).expect_err("a strange line").to_string();
        let expected = format!("{}:1: not a ledger entry: missing field `at`", path.display());
        assert!(message.starts_with(&expected), "{message}");
    }
}
