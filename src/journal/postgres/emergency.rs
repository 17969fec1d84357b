//! What came back for requests, and could not be written: a file in the project, synced line by line, which the next run of the
//! job takes in before it does anything else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::journal::JournalError;
use crate::journal::rules::Late;
use crate::model::ids::RunId;

const BEGINS: &str = "emergency-";
const ENDS: &str = ".jsonl";

/// Writes an outcome down; it is durable when this returns.
pub(super) fn keep(folder: &Path, run: &RunId, runner: i64, late: &Late) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{BEGINS}{run}-{runner}{ENDS}"));
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // Answers hold customers' names.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    let mut line = serde_json::to_vec(late)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(path)
}

/// The files that wait in a folder, with what they hold, the oldest first.
///
/// # Errors
/// [`JournalError::Unusable`]: one of them cannot be read. A last line without an end was cut off, and is left out: nothing was
/// told of it.
pub fn waiting(folder: &Path) -> Result<Vec<(PathBuf, Vec<Late>)>, JournalError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(BEGINS) && name.ends_with(ENDS)
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_ours).collect();
    paths.sort();
    paths.into_iter().map(|path| read(&path).map(|lines| (path, lines))).collect()
}

fn read(path: &Path) -> Result<Vec<Late>, JournalError> {
    let unusable = |reason: String| JournalError::Unusable { path: path.display().to_string(), reason };
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let read = |(line, number): (&str, u64)| {
        serde_json::from_str(line).map_err(|error| unusable(format!("line {number} cannot be read: {error}")))
    };
    lines.zip(1..).map(read).collect()
}

/// Gives a file that was taken in another name, so that it is not taken in again.
///
/// # Errors
/// It cannot be renamed.
pub fn put_away(path: &Path) -> Result<PathBuf, JournalError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let taken = path.with_file_name(format!("taken-in-{}", name.trim_start_matches(BEGINS)));
    let unusable =
        |error: io::Error| JournalError::Unusable { path: path.display().to_string(), reason: error.to_string() };
    fs::rename(path, &taken).map_err(unusable)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable)?;
    Ok(taken)
}
