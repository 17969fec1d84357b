//! The program with `shim.c` between it and libc: killed, broken or watched at any of its system calls.
//!
//! A *plan* is a text of steps, such as `pass after send 1 POST; kill before sync 1 journal.db-wal`; `shim.c` says what they
//! can be. A *trace* is what the program did, in its order.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::repository;

/// How long a sync takes. None of them reaches the disk: what a kill leaves does not depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sync {
    AtOnce,
    /// So that what does not wait for it is seen not to wait.
    Slow,
}

/// What stands between the program and libc in one call of it.
#[derive(Debug, Clone)]
pub(crate) struct Shim<'a> {
    pub(crate) plan: &'a str,
    pub(crate) sync: Sync,
    /// The file that the trace is appended to.
    pub(crate) trace: Option<&'a Path>,
    /// Only records of these kinds.
    pub(crate) kinds: Option<&'a str>,
    pub(crate) control: Option<&'a Control>,
}

impl<'a> Shim<'a> {
    /// Only a plan.
    pub(crate) const fn plan(plan: &'a str) -> Self {
        Self { plan, sync: Sync::AtOnce, trace: None, kinds: None, control: None }
    }

    /// Puts the shim in front of a command; files below `root` count.
    pub(crate) fn before(&self, command: &mut Command, root: &Path) {
        let microseconds = match self.sync {
            Sync::AtOnce => "0",
            Sync::Slow => "2000",
        };
        let root = root.canonicalize().expect("the folder of the test");
        command.env("LD_PRELOAD", library()).env("SHIM_ROOT", &root).env("SHIM_SYNC", microseconds);
        command.env("SHIM_PLAN", self.plan).current_dir(&root);
        if let Some(trace) = self.trace {
            command.env("SHIM_TRACE", trace);
        }
        if let Some(kinds) = self.kinds {
            command.env("SHIM_KINDS", kinds);
        }
        if let Some(control) = self.control {
            command.env("SHIM_CONTROL", &control.path);
        }
    }
}

/// The compiled `shim.c`, made once in a test run: its path from the program, for a whole one may have blanks, which part the
/// libraries of a list.
fn library() -> &'static str {
    static LIBRARY: OnceLock<()> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Another test run may be making it too: each makes its own and moves it into place whole.
        let (made, place) = (folder.join(format!("shim-{}.so", std::process::id())), folder.join("shim.so"));
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"]);
        let status = compiler.arg(&made).arg(repository("tests/rekon/shim.c")).status();
        assert!(status.expect("a C compiler, which SQLite needs as well").success(), "shim.c compiles");
        std::fs::rename(&made, &place).expect("a place for it");
    });
    "$ORIGIN/../tmp/shim.so"
}

/// What a test can change while the program runs: three numbers in a file that both have mapped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    file: File,
}

impl Control {
    /// Nothing is changed: no offset, and room without end.
    pub(crate) fn new(path: PathBuf) -> Self {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
        let control = Self { path, file };
        control.jump_to(0);
        control.leave_room(-1);
        control.set(2, 0);
        control
    }

    /// Another handle on the same numbers.
    pub(crate) fn clone_of(&self) -> Self {
        Self { path: self.path.clone(), file: self.file.try_clone().expect("a second handle") }
    }

    /// Moves the wall clock to so many seconds from the real one.
    pub(crate) fn jump_to(&self, seconds: i64) {
        self.set(0, seconds);
    }

    /// So many bytes still fit on the disk; a negative number: as many as there are.
    pub(crate) fn leave_room(&self, bytes: i64) {
        self.set(1, bytes);
    }

    fn set(&self, index: u64, number: i64) {
        self.file.write_all_at(&number.to_ne_bytes(), 8 * index).expect("a number");
    }
}

/// One thing that the program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) what: What,
    pub(crate) thread: u32,
    /// The file, as it was called then; empty for sockets.
    pub(crate) path: String,
    /// What was written, sent or received.
    pub(crate) data: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Created,
    Wrote {
        offset: usize,
    },
    SyncBegan,
    SyncEnded,
    Truncated {
        length: usize,
    },
    /// The data is the new name.
    Renamed,
    Unlinked,
    FolderMade,
    Connects,
    Sent,
    Received,
    /// It was made to fail; the data is the call.
    Failed,
}

/// Reads a trace; a last record that a kill has cut off did not happen.
pub(crate) fn trace(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let mut events = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((head, after)) = rest.split_at_checked(24) {
        let number = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let offset = i64::from_ne_bytes(head[8..16].try_into().expect("eight bytes"));
        let (path_length, data_length) = (number(16) as usize, number(20) as usize);
        let Some((path, after)) = after.split_at_checked(path_length) else { break };
        let Some((data, after)) = after.split_at_checked(data_length) else { break };
        let place = usize::try_from(offset).expect("an offset is not negative");
        let what = match head[0] {
            b'O' => What::Created,
            b'W' => What::Wrote { offset: place },
            b'B' => What::SyncBegan,
            b'S' => What::SyncEnded,
            b'T' => What::Truncated { length: place },
            b'R' => What::Renamed,
            b'U' => What::Unlinked,
            b'M' => What::FolderMade,
            b'C' => What::Connects,
            b'P' => What::Sent,
            b'E' => What::Received,
            b'X' => What::Failed,
            kind => panic!("{path:?}: a record of kind {kind}"),
        };
        let path = String::from_utf8(path.to_vec()).expect("paths are text");
        events.push(Event { what, thread: number(4), path, data: data.to_vec() });
        rest = after;
    }
    events
}

impl Event {
    /// The Request-Id of a request that changes money, if this is the sending of one.
    pub(crate) fn posted(&self) -> Option<&str> {
        if self.what != What::Sent || !self.data.starts_with(b"POST ") {
            return None;
        }
        let head = self.data.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let mut headers = head.take_while(|line| !line.trim_end().is_empty()).filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case("request-id")).map(|(_, value)| value.trim())
    }
}
