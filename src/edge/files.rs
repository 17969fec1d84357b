//! Files that come out: written beside their place, synced, then renamed, so that nobody ever sees half a file.

use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use glob::MatchOptions;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be written: {source}", path = path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes a whole file, or leaves the old one as it was. Makes the folder if it is not there.
///
/// # Errors
/// The disk is full, read-only or failing; nothing but a temporary file is left behind, if that.
pub fn write(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    write_and_sync(path, content).map_err(|source| WriteError { path: path.to_owned(), source })
}

fn write_and_sync(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(".part");
    let temporary = folder.join(temporary_name);
    let written = write_temporary(&temporary, content).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    // The rename itself is durable only once the folder is.
    File::open(folder)?.sync_all()
}

fn write_temporary(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Removes a file, if it is there.
///
/// # Errors
/// It is there and cannot be removed.
pub fn remove(path: &Path) -> Result<(), WriteError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError { path: path.to_owned(), source }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A file that is being written beside its place. What goes wrong on the way is told when it is to be kept, so that who
/// writes can go on counting; a draft that is not kept leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    content: io::Result<BufWriter<File>>,
    /// Bytes that were written since the last sync was asked for.
    unsynced: usize,
    /// Syncs what is written, beside who writes; there is none for a small file.
    syncer: Option<Syncer>,
}

/// So much is made durable at a time, while others still work on what comes next: the end need not wait for all of it.
const SYNC_BYTES: usize = 8 << 20;

impl Draft {
    /// Begins a file of that name in a folder, which is made if it is not there.
    #[must_use]
    pub fn begin(folder: &Path, name: &str) -> Self {
        let place = |owner: &str| folder.join(format!(".{owner}.{name}.part"));
        let made = std::fs::create_dir_all(folder).and_then(|()| make_own(place, |path| File::create_new(path)));
        let (path, content) = match made {
            Ok((path, file)) => (path, Ok(BufWriter::with_capacity(1 << 16, file))),
            Err(error) => (PathBuf::new(), Err(error)),
        };
        Self { path, content, unsynced: 0, syncer: None }
    }

    /// Begins the file of that path.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::begin(folder_of(path), &name)
    }

    /// Writes on.
    pub fn write(&mut self, bytes: &[u8]) {
        let Ok(file) = &mut self.content else { return };
        self.unsynced += bytes.len();
        let mut written = file.write_all(bytes);
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            written = written.and_then(|()| file.flush()).and_then(|()| {
                let syncer = match self.syncer.take() {
                    Some(syncer) => syncer,
                    None => Syncer::of(file.get_ref())?,
                };
                self.syncer.insert(syncer).sync();
                Ok(())
            });
        }
        if let Err(error) = written {
            self.content = Err(error);
        }
    }

    /// Puts bytes into the place of others that were written before.
    pub fn put(&mut self, at: u64, bytes: &[u8]) {
        let Ok(file) = &mut self.content else { return };
        let put = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes));
        if let Err(error) = put.and_then(|()| file.seek(SeekFrom::End(0)).map(|_| ())) {
            self.content = Err(error);
        }
    }

    /// Makes the file durable and gives it its place.
    ///
    /// # Errors
    /// The disk is full, read-only or failing, now or at any write before.
    pub fn keep(mut self, path: &Path) -> Result<(), WriteError> {
        let content = std::mem::replace(&mut self.content, Err(io::ErrorKind::NotFound.into()));
        let synced = self.syncer.take().map_or(Ok(()), Syncer::end);
        let keep = |content: io::Result<BufWriter<File>>| {
            let file = content?.into_inner().map_err(io::IntoInnerError::into_error)?;
            synced?;
            file.sync_all()?;
            let folder = folder_of(path);
            std::fs::create_dir_all(folder)?;
            std::fs::rename(&self.path, path)?;
            File::open(folder)?.sync_all()
        };
        keep(content).map_err(|source| WriteError { path: path.to_owned(), source })
    }
}

/// Syncs a file on a thread of its own whenever it is asked to.
#[derive(Debug)]
struct Syncer {
    ask: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Syncer {
    fn of(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (ask, asked) = sync_channel(1);
        let thread = thread::Builder::new().spawn(move || asked.iter().try_for_each(|()| file.sync_data()))?;
        Ok(Self { ask, thread })
    }

    /// Asks for a sync. One that has not begun yet will do.
    fn sync(&self) {
        // A thread that has failed says so at the end.
        let _ = self.ask.try_send(());
    }

    /// What came of it. The system tells a failure once only, so it must not be lost here.
    fn end(self) -> io::Result<()> {
        drop(self.ask);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Not there any more once it was kept.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A number that no other process has at the same time; in a container others may have it as well.
pub(super) fn of_this_process() -> u32 {
    std::process::id()
}

/// Names to be tried.
const MOST_NAMES: u32 = 1000;

/// Of these so many may be swept away in a row before they could be taken.
const MOST_SWEPT: u32 = 20;

/// Makes something that nobody keeps, under a name of this process that nobody has yet, and takes it: as long as the file that
/// comes with it is open, [`sweep`] leaves it alone, whoever calls it, on this machine or in another container.
///
/// # Errors
/// What `make` says, or all names are taken.
pub(super) fn make_own(
    name: impl Fn(&str) -> PathBuf,
    make: impl Fn(&Path) -> io::Result<File>,
) -> io::Result<(PathBuf, File)> {
    for number in 0..MOST_NAMES {
        let owner = match number {
            0 => of_this_process().to_string(),
            number => format!("{}-{number}", of_this_process()),
        };
        let path = name(&owner);
        let file = match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            // A folder is there before it can be taken, and somebody may have swept it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound && number < MOST_SWEPT => continue,
            made => made?,
        };
        // Not every file system has locks.
        let _ = file.lock();
        // Between the two somebody may have swept it away, and another one have taken its name.
        if is_at(&file, &path) {
            return Ok((path, file));
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether a file that is open still has a name, and something has this one.
fn is_at(file: &File, path: &Path) -> bool {
    file.metadata().is_ok_and(|ours| ours.nlink() > 0) && path.exists()
}

/// Whether a name could be made by [`make_own`]: a number, perhaps with another one.
fn is_owner(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_number(text) || text.split_once('-').is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// Removes what programs that are no more have left in a folder: drafts, and parts of divided work. Nothing else: what is
/// neither a file nor a folder is not even opened, for a pipe keeps whoever opens it waiting.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let owner = name.strip_prefix('.').and_then(|rest| rest.split_once('.')).filter(|(owner, rest)| {
            is_owner(owner) && rest.split('.').next_back().is_some_and(|kind| matches!(kind, "part" | "parts"))
        });
        let Some((owner, _)) = owner else { continue };
        if !path.symlink_metadata().is_ok_and(|found| found.is_file() || found.is_dir()) {
            continue;
        }
        let Ok(taken) = File::open(&path) else { continue };
        let is_left = match taken.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            // Without locks it goes by the number; where the system does not say who is alive, nothing is removed.
            Err(TryLockError::Error(_)) => {
                let number = owner.split('-').next().unwrap_or_default();
                Path::new("/proc/self").exists() && !Path::new("/proc").join(number).exists()
            }
        };
        if is_left {
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
    }
}

/// Gives a folder of finished files its place, where none may be yet.
///
/// # Errors
/// The place is taken, or the disk is failing.
pub fn put_in_place(folder: &Path, place: &Path) -> Result<(), WriteError> {
    let put = || {
        std::fs::rename(folder, place)?;
        File::open(folder_of(place))?.sync_all()
    };
    put().map_err(|source| WriteError { path: place.to_owned(), source })
}

/// Brings all files of a folder into another one, which is made if it is not there: one caller after the other, so that what stands
/// there in the end is of one of them. `last` comes after the others; `stale` names what is taken away unless it was brought.
///
/// # Errors
/// A file has not found its place; those before it have.
pub fn bring(from: &Path, to: &Path, last: &str, stale: &[String]) -> Result<(), WriteError> {
    let failed = |path: &Path, source| WriteError { path: path.to_owned(), source };
    let taken = std::fs::create_dir_all(to).and_then(|()| File::open(to)).map_err(|error| failed(to, error))?;
    // Not every file system has locks; without them each file is whole all the same.
    let _ = taken.lock();
    let mut names = names_in(from);
    names.sort_by_key(|name| name == last);
    for name in stale.iter().filter(|name| !names.contains(name)) {
        remove(&to.join(name))?;
    }
    for name in &names {
        let place = to.join(name);
        std::fs::rename(from.join(name), &place).map_err(|error| failed(&place, error))?;
    }
    taken.sync_all().map_err(|error| failed(to, error))
}

/// Removes a folder with what is in it, if it is there.
///
/// # Errors
/// It is there and cannot be removed.
pub fn remove_folder(path: &Path) -> Result<(), WriteError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError { path: path.to_owned(), source }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The names of what is in a folder; none if it cannot be read.
#[must_use]
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The size of a file in bytes; 0 if there is none.
#[must_use]
pub fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// What a name begins with a dot for is not to be found by others: a report that waits for its place is none yet.
const HOW: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: true };

/// The files that globs match, sorted, each once. A pattern without special characters names one file, which must be
/// there when it is read.
///
/// # Errors
/// The pattern that is none.
pub fn matching(folder: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for pattern in patterns {
        let whole = folder.join(pattern);
        if !pattern.contains(['*', '?', '[']) {
            found.push(whole);
            continue;
        }
        // The folder's own name may hold characters that are special to a glob.
        let escaped = glob::Pattern::escape(&folder.to_string_lossy());
        let rooted = if Path::new(pattern).is_absolute() {
            pattern.clone()
        } else {
            Path::new(&escaped).join(pattern).to_string_lossy().into_owned()
        };
        let paths = glob::glob_with(&rooted, HOW).map_err(|error| format!("{pattern:?} is no pattern: {error}"))?;
        found.extend(paths.filter_map(Result::ok).filter(|path| path.is_file()));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The folders below a folder whose path a template of the job makes with whatever date.
#[must_use]
pub fn of_any_date(folder: &Path, template: &str) -> Vec<PathBuf> {
    let root = glob::Pattern::escape(&folder.to_string_lossy());
    let pattern = Path::new(&root).join(with_any_date(&glob::Pattern::escape(template)));
    let paths = glob::glob_with(&pattern.to_string_lossy(), HOW).into_iter().flatten();
    paths.filter_map(Result::ok).filter(|path| path.is_dir()).collect()
}

/// A template as a pattern.
fn with_any_date(template: &str) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{date") {
        let (form, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        let mut parts = form.strip_prefix(':').unwrap_or("%Y").split('%');
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            // Two of them in a row would mean something else.
            if !out.ends_with('*') {
                out.push('*');
            }
            // Behind a percent sign is one letter.
            out.push_str(part.get(1..).unwrap_or_default());
        }
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_brought_take_the_place_of_others_and_what_is_stale_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        for (name, content) in [("from/a.csv", "new"), ("from/z.json", "last")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        std::fs::create_dir(&to).unwrap();
        for name in ["a.csv", "a.safe.csv", "notes.txt"] {
            std::fs::write(to.join(name), "old").unwrap();
        }
        bring(&from, &to, "z.json", &["a.csv".to_owned(), "a.safe.csv".to_owned()]).unwrap();
        let mut names = names_in(&to);
        names.sort();
        assert_eq!(names, ["a.csv", "notes.txt", "z.json"]);
        assert_eq!(std::fs::read_to_string(to.join("a.csv")).unwrap(), "new");
        assert_eq!(names_in(&from), [""; 0]);
        // Where one is in the way, the last one does not come.
        std::fs::remove_file(to.join("z.json")).unwrap();
        std::fs::remove_file(to.join("a.csv")).unwrap();
        std::fs::create_dir_all(to.join("a.csv/full")).unwrap();
        for name in ["a.csv", "z.json"] {
            std::fs::write(from.join(name), "newer").unwrap();
        }
        let error = bring(&from, &to, "z.json", &[]).unwrap_err();
        assert_eq!(error.path, to.join("a.csv"));
        assert!(!to.join("z.json").exists());
    }

    #[test]
    fn folders_are_found_whatever_date_is_in_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let strange = folder.path().join("a[1]");
        for name in ["out/job", "out-2026-11-22/job", "out-2026-11-23/job", "2026/11-23x/job", "20261123/job"] {
            std::fs::create_dir_all(strange.join(name)).unwrap();
        }
        for (template, expected) in [
            ("out/job", &["out/job"][..]),
            ("out-{date}/job", &["out-2026-11-22/job", "out-2026-11-23/job"]),
            ("{date:%Y/2%m-%d}x/job", &[]),
            ("{date:2%Y/%m-%d}x/job", &["2026/11-23x/job"]),
            ("{date:20%y%m%d}/job", &["20261123/job"]),
        ] {
            let expected: Vec<_> = expected.iter().map(|name| strange.join(name)).collect();
            assert_eq!(of_any_date(&strange, template), expected, "{template}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/results.csv");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_program_has_left_is_swept_away_and_what_one_is_at_work_on_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let mut names = names_in(folder.path());
            names.sort();
            names
        };
        // Of a program of this number that was killed; and of one that has the same number in another container.
        let own = of_this_process();
        let left = folder.path().join(format!(".{own}.a.csv.part"));
        write(&left, b"left").unwrap();
        let (mut first, mut second) = (Draft::begin(folder.path(), "a.csv"), Draft::begin(folder.path(), "a.csv"));
        first.write(b"one");
        second.write(b"two");
        std::fs::create_dir(folder.path().join(".7.parts")).unwrap();
        write(&folder.path().join(".7.parts/part-0"), b"left").unwrap();
        write(&folder.path().join(".7.run.closing/summary.json"), b"waits").unwrap();
        assert_eq!(names().len(), 5);
        sweep(folder.path());
        let mut expected = [format!(".{own}-1.a.csv.part"), format!(".{own}-2.a.csv.part"), ".7.run.closing".into()];
        // The number of this process decides which is first.
        expected.sort();
        assert_eq!(names(), expected);
        for (draft, expected) in [(first, "one"), (second, "two")] {
            draft.keep(&folder.path().join("a.csv")).unwrap();
            assert_eq!(std::fs::read(folder.path().join("a.csv")).unwrap(), expected.as_bytes());
        }
        assert_eq!(names(), [".7.run.closing", "a.csv"]);
    }

    #[test]
    fn what_no_program_of_ours_has_left_is_not_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let own = [".2026-11-23.export.part", ".7-.a.part", ".-.a.part", "..part", ".a.b.part"];
        own.iter().for_each(|name| write(&folder.path().join(name), b"own").unwrap());
        let pipe = std::process::Command::new("mkfifo").arg(folder.path().join(".8.a.part")).status();
        assert!(pipe.unwrap().success());
        std::os::unix::fs::symlink("/dev/tty", folder.path().join(".9.a.part")).unwrap();
        sweep(folder.path());
        assert_eq!(names_in(folder.path()).len(), own.len() + 2);
    }

    #[test]
    fn a_name_that_another_program_has_taken_meanwhile_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &Path| {
            let file = File::create_new(path)?;
            if path.ends_with("0") {
                std::fs::remove_file(path)?;
                std::fs::write(path, b"another's")?;
            }
            Ok(file)
        };
        let process = of_this_process().to_string();
        let name = |owner: &str| folder.path().join(if owner == process { "0" } else { "1" });
        let (path, _file) = make_own(name, make).unwrap();
        assert_eq!(path, folder.path().join("1"));
    }

    #[test]
    fn globs_match_below_a_folder_with_a_strange_name() {
        let folder = tempfile::tempdir().unwrap();
        let strange = folder.path().join("a[1]*");
        for name in ["x-1.jsonl", "x-2.jsonl", "y.txt"] {
            write(&strange.join("deep").join(name), b"").unwrap();
        }
        let found = matching(&strange, &["deep/x-*.jsonl".into(), "**/x-1.jsonl".into()]).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["x-1.jsonl", "x-2.jsonl"]);
    }

    #[test]
    fn globs_leave_out_what_a_dot_hides_unless_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out/run/results.csv", "out/.7.run.closing/results.csv", "out/.results.csv", ".rekon/results.csv"]
        {
            write(&folder.path().join(name), b"").unwrap();
        }
        let found = |pattern: &str| {
            let found = matching(folder.path(), &[pattern.into()]).unwrap();
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect::<Vec<_>>()
        };
        for pattern in ["out/**/results.csv", "**/results.csv", "**/*.csv", "out/*/*"] {
            assert_eq!(found(pattern), ["out/run/results.csv"], "{pattern}");
        }
        assert_eq!(found(".rekon/*.csv"), [".rekon/results.csv"]);
    }
}
