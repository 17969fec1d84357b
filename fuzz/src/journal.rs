//! A journal that something else has written into: it is refused or opened, and what it says about a run that left money in
//! doubt is not bettered by that.
//!
//! An input that begins like a database is one. Any other is a list of changes to [`BASE`], as text, one per line:
//! `cut 4096`; `write 8192 refused` for bytes at an offset, `\x00` for those that are no text; `replace unknown refused` for
//! bytes wherever they are.

use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use rekon::journal::Journal as _;
use rekon::journal::JournalError;
use rekon::journal::record::RunRecord;
use rekon::journal::sqlite::SqliteJournal;

use super::unescaped;

/// The journal that is changed: that of a run with money in doubt, if whoever uses the target has put it there. Left alone,
/// the file that `REKON_FUZZ_JOURNAL` names, or an empty journal.
pub static BASE: OnceLock<Vec<u8>> = OnceLock::new();

/// Opens the changed journal, for a run and to look at it.
pub fn journal_file(bytes: &[u8]) {
    let base = base();
    let changed = if bytes.starts_with(b"SQLite format 3\0") { bytes.to_vec() } else { change(&base.file, bytes) };
    for read in [look, run] {
        let Ok(runs) = with(&changed, read) else { continue };
        // A file that was cut is another matter: cut to nothing, it is a new journal.
        if base.guards_its_rows && changed.len() >= base.file.len() {
            assert!(in_doubt(&runs) >= in_doubt(&base.runs), "money is no longer in doubt");
        }
    }
}

fn in_doubt(runs: &[RunRecord]) -> u64 {
    runs.iter().map(|run| run.in_doubt).sum()
}

struct Base {
    file: Vec<u8>,
    runs: Vec<RunRecord>,
    /// Whether a row that was changed by hand is noticed at all.
    guards_its_rows: bool,
}

fn base() -> &'static Base {
    static READ: LazyLock<Base> = LazyLock::new(|| {
        let file = BASE.get_or_init(|| named().unwrap_or_else(empty)).clone();
        let runs = with(&file, look).expect("the journal that is changed can be read");
        let tampered = replaced(&file, b"unknown", b"refused");
        let guards_its_rows = tampered != file && with(&tampered, run).is_err();
        Base { file, runs, guards_its_rows }
    });
    &READ
}

#[expect(clippy::disallowed_methods, reason = "the switch is for whoever runs the targets, not for the program")]
fn named() -> Option<Vec<u8>> {
    let path = std::env::var("REKON_FUZZ_JOURNAL").ok()?;
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn empty() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    drop(SqliteJournal::open(&path).expect("a journal"));
    std::fs::read(path).expect("the journal")
}

type Read = fn(&Path) -> Result<Vec<RunRecord>, JournalError>;

fn with(file: &[u8], read: Read) -> Result<Vec<RunRecord>, JournalError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    std::fs::write(&path, file).expect("a file");
    read(&path)
}

fn look(path: &Path) -> Result<Vec<RunRecord>, JournalError> {
    runs(&SqliteJournal::open_to_read(path)?.expect("the file is there"))
}

fn run(path: &Path) -> Result<Vec<RunRecord>, JournalError> {
    runs(&SqliteJournal::open(path)?)
}

fn runs(journal: &SqliteJournal) -> Result<Vec<RunRecord>, JournalError> {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(journal.runs())
}

/// The base with the changes that the lines describe; what is no change is passed over.
fn change(base: &[u8], lines: &[u8]) -> Vec<u8> {
    let mut file = base.to_vec();
    for line in lines.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match (&words[..], words.get(1).and_then(|offset| offset.parse::<usize>().ok())) {
            (["cut", _], Some(offset)) => file.truncate(offset % (base.len() + 1)),
            (["write", _, text], Some(offset)) if !file.is_empty() => {
                let start = offset % file.len();
                file[start..].iter_mut().zip(unescaped(text)).for_each(|(old, new)| *old = new);
            }
            (["replace", from, to], _) if !from.is_empty() => file = replaced(&file, &unescaped(from), &unescaped(to)),
            _ => {}
        }
    }
    file
}

/// The file with the one text written over every other.
fn replaced(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = file.to_vec();
    for start in 0..out.len() {
        if file[start..].starts_with(from) {
            out[start..].iter_mut().zip(to).for_each(|(old, new)| *old = *new);
        }
    }
    out
}
