//! The journal's files: their names, and what is said when one cannot be used.

use std::path::{Path, PathBuf};

use crate::journal::JournalError;

/// A file that cannot be used, and why.
pub(super) fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> JournalError {
    JournalError::Unusable { path: path.display().to_string(), reason: reason.to_string() }
}

/// The name of a file beside another.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
