//! Log files to which lines are only ever added, durably: a file for each day in WIB, and another one when it is full.
//!
//! No file is renamed, and none changes once it is closed. What was not made durable counts as not written: whoever handed it in
//! is told so, and it is taken out of the file again as far as the disk lets it be.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::read::last_lines;
use crate::model::time::BusinessDate;

/// How the files are called: `PREFIX2026-11-21-0001SUFFIX`, after a pattern with one `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    folder: PathBuf,
    prefix: String,
    suffix: String,
}

/// The place of a file in the order of all of them.
type Number = (BusinessDate, u32);

impl Names {
    /// `None` if the pattern is not the name of a file with exactly one `*` and nothing else that is special.
    #[must_use]
    pub fn new(folder: PathBuf, pattern: &str) -> Option<Self> {
        let (prefix, suffix) = pattern.split_once('*')?;
        let is_plain = |part: &str| !part.contains(['*', '?', '[', ']', '{', '}', '/']);
        (is_plain(prefix) && is_plain(suffix)).then(|| Self { folder, prefix: prefix.into(), suffix: suffix.into() })
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, (date, number): Number) -> PathBuf {
        self.folder.join(format!("{}{date}-{number:04}{}", self.prefix, self.suffix))
    }

    fn number(&self, name: &str) -> Option<Number> {
        let middle = name.strip_prefix(&self.prefix)?.strip_suffix(&self.suffix)?;
        let (date, number) = middle.rsplit_once('-')?;
        Some((BusinessDate::parse(date)?, number.parse().ok()?))
    }
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another program writes to it.
    #[error("{}: another listener writes here", folder.display())]
    Held {
        /// Where.
        folder: PathBuf,
    },
    /// The disk does not let it.
    #[error("{}: {source}", path.display())]
    Disk {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A log that is written by this program alone.
#[derive(Debug)]
pub struct DailyLog {
    names: Names,
    most_bytes: u64,
    /// The file that takes the next lines; `None`: a new one does.
    open: Option<OpenFile>,
    /// The newest file that there has been.
    newest: Option<Number>,
    /// Held as long as the log is open.
    _lock: File,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    number: Number,
    /// So much of it is durable, and nothing else is in it.
    length: u64,
}

/// Bodies hold customers' names: they are for the owner, and for the group that whoever reads the log belongs to.
const BODIES: u32 = 0o640;

const LOCK: &str = ".rekon-listen.lock";
const PROBE: &str = ".rekon-listen.probe";

/// More than one ordinary line.
const PROBE_BYTES: usize = 4096;

impl DailyLog {
    /// Takes the folder, and closes off what a killed writer has left: a last line without its end gets one. A file has at most
    /// so many bytes, unless a single batch has more.
    ///
    /// # Errors
    /// Another program writes to it, or the disk does not let this one.
    pub fn open(names: Names, most_bytes: u64) -> Result<Self, LogError> {
        let disk = |path: &Path| {
            let path = path.to_owned();
            move |source| LogError::Disk { path, source }
        };
        std::fs::create_dir_all(&names.folder).map_err(disk(&names.folder))?;
        let path = names.folder.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(disk(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::Held { folder: names.folder }),
            Err(TryLockError::Error(source)) => return Err(disk(&path)(source)),
        }
        let mut log = Self { newest: None, names, most_bytes, open: None, _lock: lock };
        log.newest = log.files().map_err(disk(&log.names.folder))?.pop();
        if let Some(number) = log.newest {
            let path = log.names.path(number);
            let (file, length) = reopened(&path).map_err(disk(&path))?;
            log.open = Some(OpenFile { file, number, length });
        }
        // What is appended is as durable as the names above it.
        let parent = log.names.folder.join("..");
        for folder in [&log.names.folder, &parent] {
            synced(folder).map_err(disk(folder))?;
        }
        Ok(log)
    }

    /// The numbers of all files, in their order.
    fn files(&self) -> io::Result<Vec<Number>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.names.folder)? {
            found.extend(entry?.file_name().to_str().and_then(|name| self.names.number(name)));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The ends of the newest files, newest first, each from the beginning of a line; of at most so many bytes together. They are
    /// made durable before: who goes by what they say must be able to.
    ///
    /// # Errors
    /// A file cannot be read or made durable.
    pub fn newest(&self, most_bytes: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let mut left = most_bytes;
        let mut found = Vec::new();
        let files = self.files().map_err(|source| LogError::Disk { path: self.names.folder.clone(), source })?;
        for number in files.into_iter().rev() {
            let path = self.names.path(number);
            let durable = File::open(&path).and_then(|file| file.sync_all().and(file.metadata()));
            let read = durable.and_then(|file| Ok((last_lines(&path, left)?, file.len())));
            let (bytes, length) = read.map_err(|source| LogError::Disk { path, source })?;
            left = left.saturating_sub(length);
            found.push(bytes);
            if left == 0 {
                break;
            }
        }
        Ok(found)
    }

    /// Adds whole lines. When this returns well, they are on the disk.
    ///
    /// # Errors
    /// The disk did not take them: none of them counts as written. Should the disk fail to take them out again as well, some may be
    /// found in a file that is not used any more.
    pub fn append(&mut self, lines: &[u8], today: BusinessDate) -> io::Result<()> {
        let names = &self.names;
        let length = lines.len() as u64;
        let goes_on =
            |open: &OpenFile| open.number.0 >= today && (open.length == 0 || open.length + length <= self.most_bytes);
        let is_there = |open: &OpenFile| is_the_file(&open.file, &names.path(open.number));
        let mut open = if let Some(open) = self.open.take().filter(goes_on).filter(is_there) {
            open
        } else {
            let (file, number) = created(names, self.newest, today)?;
            self.newest = Some(number);
            OpenFile { file, number, length: 0 }
        };
        if let Err(error) = open.file.write_all(lines) {
            // A full disk has room for less, not for more: the file can go on if its last lines can be taken out again.
            if open.file.set_len(open.length).and_then(|()| open.file.sync_data()).is_ok() {
                self.open = Some(open);
            }
            return Err(error);
        }
        if let Err(error) = open.file.sync_data() {
            // After a failed sync the system may hold for written what is not: this file is not trusted any more.
            open.file.set_len(open.length).ok();
            if open.length == 0 {
                std::fs::remove_file(names.path(open.number)).ok();
            }
            return Err(error);
        }
        open.length += length;
        self.open = Some(open);
        Ok(())
    }

    /// Whether the disk would take a line now.
    ///
    /// # Errors
    /// Why it would not.
    pub fn probe(&self) -> io::Result<()> {
        let path = self.names.folder.join(PROBE);
        let mut file = File::create(&path)?;
        let written = file.write_all(&[b' '; PROBE_BYTES]).and_then(|()| file.sync_all());
        std::fs::remove_file(&path).ok();
        written
    }
}

/// A file of before, open at its end, which is the end of a line; and how long it is.
fn reopened(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::Start(length - 1))?;
        file.read_exact(&mut last)?;
    }
    let torn = last != *b"\n";
    if torn {
        file.write_all(b"\n")?;
    }
    file.sync_all()?;
    Ok((file, length + u64::from(torn)))
}

/// A new file, whose name is durable.
fn created(names: &Names, newest: Option<Number>, today: BusinessDate) -> io::Result<(File, Number)> {
    // A clock that goes back does not bring an old day's file into being again.
    let (date, mut number) = newest.filter(|(date, _)| *date >= today).unwrap_or((today, 0));
    loop {
        number += 1;
        let path = names.path((date, number));
        match OpenOptions::new().append(true).create_new(true).mode(BODIES).open(&path) {
            Ok(file) => {
                let durable = synced(&names.folder);
                if durable.is_err() {
                    std::fs::remove_file(path).ok();
                }
                return durable.map(|()| (file, (date, number)));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether an open file still has its name: somebody may have moved, packed or removed it, and what is written to it then is
/// found by nobody.
fn is_the_file(file: &File, path: &Path) -> bool {
    let identity = |found: &std::fs::Metadata| (found.dev(), found.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(open), Ok(named)) if identity(&open) == identity(&named))
}

fn synced(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file whose size is bounded, for what strangers send: when it is full it replaces the one before it. Nothing in it is durable.
#[derive(Debug)]
pub struct BoundedFile {
    path: PathBuf,
    file: File,
    length: u64,
    most_bytes: u64,
}

impl BoundedFile {
    /// Opens the file, or makes it and its folder. It and the one before it have at most so many bytes each.
    ///
    /// # Errors
    /// The disk does not let it.
    pub fn open(path: PathBuf, most_bytes: u64) -> Result<Self, LogError> {
        let opened = || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let file = OpenOptions::new().append(true).create(true).mode(BODIES).open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        match opened() {
            Ok((file, length)) => Ok(Self { path, file, length, most_bytes }),
            Err(source) => Err(LogError::Disk { path, source }),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The disk did not take it; a part of it may be there.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.length > 0 && self.length + line.len() as u64 > self.most_bytes {
            std::fs::rename(&self.path, self.path.with_extension("old.jsonl"))?;
            self.file = OpenOptions::new().append(true).create(true).mode(BODIES).open(&self.path)?;
            self.length = 0;
        }
        // Counted before it is there: a disk that fails half-way must not make room for more.
        self.length += line.len() as u64;
        self.file.write_all(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Names {
        Names::new(folder.to_owned(), "notifications-*.jsonl").unwrap()
    }

    fn date(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    fn files(folder: &Path) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
            .filter(|(name, _)| !name.starts_with('.'))
            .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    fn expected(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(day, text)| (format!("notifications-{day}.jsonl"), (*text).to_owned())).collect()
    }

    #[test]
    fn a_pattern_with_anything_special_but_one_star_names_no_files() {
        for pattern in ["notifications.jsonl", "*-*.jsonl", "n-{date}*.jsonl", "n?-*.jsonl", "[n]*.jsonl", "a/*.jsonl"]
        {
            assert_eq!(Names::new(PathBuf::new(), pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_day_and_a_size_have_their_own_files_and_a_clock_that_goes_back_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = DailyLog::open(names(folder.path()), 8).unwrap();
        for (line, day) in [
            ("one\n", "2026-11-21"),
            ("two\n", "2026-11-21"),
            ("three\n", "2026-11-21"),
            ("four\n", "2026-11-22"),
            ("5\n", "2026-11-21"),
            ("longer than a file\n", "2026-11-22"),
        ] {
            log.append(line.as_bytes(), date(day)).unwrap();
        }
        let expected = expected(&[
            ("2026-11-21-0001", "one\ntwo\n"),
            ("2026-11-21-0002", "three\n"),
            ("2026-11-22-0001", "four\n5\n"),
            ("2026-11-22-0002", "longer than a file\n"),
        ]);
        assert_eq!(files(folder.path()), expected);
    }

    #[test]
    fn a_torn_line_is_closed_off_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = names(folder.path()).path((date("2026-11-21"), 1));
        std::fs::write(&path, "one\ntor").unwrap();
        let mut log = DailyLog::open(names(folder.path()), 1000).unwrap();
        log.append(b"two\n", date("2026-11-21")).unwrap();
        assert_eq!(files(folder.path()), expected(&[("2026-11-21-0001", "one\ntor\ntwo\n")]));
    }

    #[test]
    fn a_file_that_somebody_takes_away_is_not_written_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = DailyLog::open(names(folder.path()), 100).unwrap();
        let day = date("2026-11-21");
        log.append(b"one\n", day).unwrap();
        let path = |number| names(folder.path()).path((day, number));
        std::fs::rename(path(1), folder.path().join("packed")).unwrap();
        log.append(b"two\n", day).unwrap();
        std::fs::write(path(3), "another's\n").unwrap();
        std::fs::rename(path(3), path(2)).unwrap();
        log.append(b"three\n", day).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("packed")).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(path(2)).unwrap(), "another's\n");
        assert_eq!(std::fs::read_to_string(path(3)).unwrap(), "three\n");
    }

    #[test]
    fn a_folder_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let log = DailyLog::open(names(folder.path()), 8).unwrap();
        assert!(matches!(DailyLog::open(names(folder.path()), 8), Err(LogError::Held { .. })));
        drop(log);
        // At once or soon: what another test starts meanwhile shares all locks until it has become another program.
        let is_let_go = (0..10_000).any(|_| {
            #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
            std::thread::sleep(std::time::Duration::from_millis(1));
            DailyLog::open(names(folder.path()), 8).is_ok()
        });
        assert!(is_let_go);
    }

    #[test]
    fn the_newest_lines_come_first_and_none_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = DailyLog::open(names(folder.path()), 8).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.append(line.as_bytes(), date("2026-11-21")).unwrap();
        }
        let text = |most| -> Vec<String> {
            log.newest(most).unwrap().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
        };
        assert_eq!(text(1000), ["three\n", "one\ntwo\n"]);
        assert_eq!(text(12), ["three\n", "two\n"]);
        assert_eq!(text(3), [""]);
    }

    #[test]
    fn strangers_fill_two_files_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refused/requests.jsonl");
        for _ in 0..2 {
            let mut file = BoundedFile::open(path.clone(), 10).unwrap();
            for number in 0..9 {
                file.append(format!("no {number}\n").as_bytes()).unwrap();
            }
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join("refused").join(name)).unwrap();
        assert_eq!(std::fs::read_dir(folder.path().join("refused")).unwrap().count(), 2);
        let (old, new) = (read("requests.old.jsonl"), read("requests.jsonl"));
        assert_eq!((old.as_str(), new.as_str()), ("no 5\nno 6\n", "no 7\nno 8\n"));
    }
}
