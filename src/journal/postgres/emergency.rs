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

const DAMAGED: &str = "move that line into a file of another name, and compare its order with DOKU's Back Office";

/// Writes an outcome down; it is durable when this returns.
pub(super) fn keep(folder: &Path, run: &RunId, runner: i64, late: &Late) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{BEGINS}{run}-{runner}{ENDS}"));
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // Answers hold customers' names.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = lock(&path, &options)?;
    let mut line = serde_json::to_vec(late)?;
    line.push(b'\n');
    let whole = file.metadata()?.len();
    if let Err(error) = file.write_all(&line).and_then(|()| file.sync_all()) {
        // Half a line would make the next one unreadable too.
        file.set_len(whole)?;
        return Err(error);
    }
    File::open(folder)?.sync_all()?;
    Ok(path)
}

/// Opens a file of that name which nobody else writes or takes in. Whoever takes one in gives it another name: then it is opened
/// anew.
fn lock(path: &Path, options: &OpenOptions) -> io::Result<File> {
    loop {
        let file = options.open(path)?;
        file.lock()?;
        if is_called(&file, path)? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_called(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    match path.metadata() {
        Ok(named) => Ok(named.ino() == file.metadata()?.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_called(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

/// What waits to be taken in. Nobody adds to it or takes it in as well while this is held.
pub struct Waiting {
    /// Where it is.
    pub path: PathBuf,
    /// What came back.
    pub outcomes: Vec<Late>,
    /// Whether the last line was cut off. What it held nobody knows; the journal has its request as one without an answer.
    pub is_cut: bool,
    _locked: File,
}

/// The files that wait in a folder, the oldest first.
///
/// # Errors
/// [`JournalError::Unusable`]: one of them cannot be read.
pub fn waiting(folder: &Path) -> Result<Vec<Waiting>, JournalError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(BEGINS) && name.ends_with(ENDS)
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_ours).collect();
    paths.sort();
    paths.iter().filter_map(|path| read(path).transpose()).collect()
}

/// `None`: somebody else has just taken it in.
fn read(path: &Path) -> Result<Option<Waiting>, JournalError> {
    let unusable = |reason: String| JournalError::Unusable { path: path.display().to_string(), reason };
    let locked = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.and_then(|file| file.lock().map(|()| file)).map_err(|error| unusable(error.to_string()))?,
    };
    if !is_called(&locked, path).map_err(|error| unusable(error.to_string()))? {
        return Ok(None);
    }
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let (mut outcomes, mut is_cut) = (Vec::new(), false);
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        match serde_json::from_str::<Late>(line) {
            Ok(late) => outcomes.push(late),
            // A last line that is whole lacks its end if somebody has copied it by hand.
            Err(_) if !line.ends_with('\n') => is_cut = true,
            Err(error) => return Err(unusable(format!("line {number} cannot be read: {error}; {DAMAGED}"))),
        }
    }
    Ok(Some(Waiting { path: path.to_owned(), outcomes, is_cut, _locked: locked }))
}

/// Gives a file that was taken in another name, so that it is not taken in again.
///
/// # Errors
/// It cannot be renamed.
pub fn put_away(path: &Path) -> Result<PathBuf, JournalError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let rest = name.trim_start_matches(BEGINS).trim_end_matches(ENDS);
    // A runner that was lost may have begun another file of the same name: each is kept.
    let numbered = (2..).map(|number| format!("taken-in-{rest}-{number}{ENDS}"));
    let names = std::iter::once(format!("taken-in-{rest}{ENDS}")).chain(numbered);
    let taken = names.map(|name| path.with_file_name(name)).find(|path| !path.exists()).unwrap_or_default();
    let unusable =
        |error: io::Error| JournalError::Unusable { path: path.display().to_string(), reason: error.to_string() };
    fs::rename(path, &taken).map_err(unusable)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable)?;
    Ok(taken)
}
