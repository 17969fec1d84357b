//! The power fails: from the trace of a job, the disk is rebuilt as it could be at any instant, and the journal on it is opened.
//!
//! What a sync has covered is on the disk. Of everything else any part may be, in any order, torn at the sectors: writes, new
//! lengths, and the last changes of names in a folder that was not synced. A kill cannot show this, for the system keeps what a
//! killed program has written.
//!
//! `REKON_POWER_CUTS=100000` rebuilds so many disks; with `-- --nocapture` the figures are printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use crate::process::{now, rows};
use crate::shim::{Event, Shim, Sync, What, trace};
use crate::trial::{OPERATIONS, Posted, Seeded, Trial, asked_for, faults, is_for_good, sends, show};

/// The most that a disk writes whole.
const SECTOR: usize = 512;

/// Whether the disk does what a sync asks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Honesty {
    Honest,
    /// It says so and does nothing; the program might as well have synced nothing.
    Lying,
}

/// One change of a file.
#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Length(length) => content.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(data);
            }
        }
    }

    /// The parts of it that a disk writes each by itself.
    fn torn(&self) -> Vec<Self> {
        let Self::Write(offset, data) = self else { return vec![self.clone()] };
        let mut parts = Vec::new();
        let (mut at, mut rest) = (*offset, data.as_slice());
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            parts.push(Self::Write(at, part.to_vec()));
            at += part.len();
            rest = after;
        }
        parts
    }
}

/// Whether a change is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Durable,
    Pending,
    /// A sync that should have covered it failed: the system has forgotten that it is not written, and a later sync that
    /// succeeds says nothing about it (`failure-modes.md` J4).
    Doubtful,
}

/// A file, whatever it is called.
#[derive(Debug, Default)]
struct Content {
    durable: Vec<u8>,
    /// How many changes are in `durable`.
    settled: usize,
    /// All later changes.
    changes: Vec<(Change, Fate)>,
}

impl Content {
    fn length(&self) -> usize {
        self.settled + self.changes.len()
    }

    /// A sync has covered the first so many changes.
    fn synced(&mut self, count: usize, fate: Fate) {
        let count = count.saturating_sub(self.settled);
        let pending = self.changes.iter_mut().take(count).filter(|(_, before)| *before == Fate::Pending);
        pending.for_each(|(_, before)| *before = fate);
        let durable = self.changes.iter().take_while(|(_, fate)| *fate == Fate::Durable).count();
        for (change, _) in self.changes.drain(..durable) {
            change.apply(&mut self.durable);
        }
        self.settled += durable;
    }

    /// As the program sees it.
    fn seen(&self) -> Vec<u8> {
        let mut content = self.durable.clone();
        self.changes.iter().for_each(|(change, _)| change.apply(&mut content));
        content
    }

    /// As it may be after the power has failed.
    fn after_the_cut(&self, seeded: &mut Seeded) -> Vec<u8> {
        let mut content = self.durable.clone();
        // All, none, whole writes, or sectors; more of them or fewer.
        let survive = [0, 25, 50, 75, 100][usize::try_from(seeded.below(5)).expect("an index")];
        let (torn, in_order) = (seeded.below(2) == 0, seeded.below(2) == 0);
        let last_durable = self.changes.iter().rposition(|(_, fate)| *fate == Fate::Durable);
        let (ordered, tail) = self.changes.split_at(last_durable.map_or(0, |index| index + 1));
        let mut left = |changes: &[(Change, Fate)]| -> Vec<Change> {
            let parts = changes.iter().flat_map(|(change, fate)| {
                let parts = if torn { change.torn() } else { vec![change.clone()] };
                parts.into_iter().map(move |part| (part, *fate))
            });
            let left = parts.filter(|(_, fate)| *fate == Fate::Durable || seeded.below(100) < survive);
            left.map(|(part, _)| part).collect()
        };
        let (ordered, mut tail) = (left(ordered), left(tail));
        if !in_order {
            for index in (1..tail.len()).rev() {
                tail.swap(index, usize::try_from(seeded.below(index as u64 + 1)).expect("an index"));
            }
        }
        ordered.iter().chain(&tail).for_each(|change| change.apply(&mut content));
        content
    }
}

/// A change of names.
#[derive(Debug, Clone)]
enum Naming {
    Is(String, usize),
    Gone(String),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Is(path, file) => names.insert(path.clone(), *file),
            Self::Gone(path) => names.remove(path),
        };
    }

    fn path(&self) -> &str {
        match self {
            Self::Is(path, _) | Self::Gone(path) => path,
        }
    }
}

/// What a sync under way will have covered.
enum Cover {
    File(usize, usize),
    Folder(String, usize),
}

/// The disk, and what the world has been told.
struct Disk {
    honesty: Honesty,
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Folders count as durable once they are made: a test of its own asks for more.
    pending_names: BTreeMap<String, Vec<Naming>>,
    /// Syncs by their thread.
    under_way: BTreeMap<u32, Cover>,
    /// Requests that have begun to leave.
    posted: BTreeMap<String, u32>,
    /// Ends that a results.csv has shown.
    shown: BTreeMap<String, String>,
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Disk {
    fn new(honesty: Honesty) -> Self {
        Self {
            honesty,
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: BTreeMap::new(),
            under_way: BTreeMap::new(),
            posted: BTreeMap::new(),
            shown: BTreeMap::new(),
        }
    }

    /// Lets an event happen.
    fn happens(&mut self, event: &Event) {
        let path = event.path.as_str();
        match event.what {
            What::Created => {
                self.files.push(Content::default());
                self.name(Naming::Is(path.to_owned(), self.files.len() - 1));
            }
            What::Wrote { offset } => self.change(path, Change::Write(offset, event.data.clone())),
            What::Truncated { length } => self.change(path, Change::Length(length)),
            What::Unlinked => self.name(Naming::Gone(path.to_owned())),
            What::Renamed => {
                let to = String::from_utf8(event.data.clone()).expect("paths are text");
                let Some(file) = self.names.get(path).copied() else { return };
                if to.ends_with("/results.csv") {
                    self.show(file);
                }
                // A rename is one change, but what matters here is the new name.
                self.name(Naming::Is(to, file));
                self.name(Naming::Gone(path.to_owned()));
            }
            What::SyncBegan => {
                let cover = match self.names.get(path) {
                    Some(file) => Cover::File(*file, self.files[*file].length()),
                    None => Cover::Folder(path.to_owned(), self.pending_names.get(path).map_or(0, Vec::len)),
                };
                self.under_way.insert(event.thread, cover);
            }
            What::SyncEnded => {
                let cover = self.under_way.remove(&event.thread);
                match cover.filter(|_| self.honesty == Honesty::Honest) {
                    Some(Cover::File(file, count)) => self.files[file].synced(count, Fate::Durable),
                    Some(Cover::Folder(folder, count)) => {
                        let pending = self.pending_names.entry(folder).or_default();
                        let count = count.min(pending.len());
                        pending.drain(..count).for_each(|naming| naming.apply(&mut self.durable_names));
                    }
                    None => {}
                }
            }
            What::Sent => {
                if let Some(posted) = Posted::of(event) {
                    *self.posted.entry(posted.request_id).or_default() += 1;
                }
            }
            What::Failed if event.data == b"sync" => {
                if let Some(file) = self.names.get(path) {
                    let content = &mut self.files[*file];
                    content.synced(content.length(), Fate::Doubtful);
                }
            }
            What::Failed | What::FolderMade | What::Connects | What::Received => {}
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending_names.entry(folder_of(naming.path()).to_owned()).or_default().push(naming);
    }

    fn change(&mut self, path: &str, change: Change) {
        // A file that was removed while it is open has no name; nobody finds it again.
        if let Some(file) = self.names.get(path) {
            self.files[*file].changes.push((change, Fate::Pending));
        }
    }

    fn show(&mut self, file: usize) {
        let text = String::from_utf8(self.files[file].seen()).expect("results are text");
        for row in rows(&text).iter().filter(|row| is_for_good(&row["rekon_state"])) {
            self.shown.insert(row["invoice_number"].clone(), row["rekon_state"].clone());
        }
    }

    /// Cuts the power now, and opens the journal that is left in `folder`; says what is lost, and which of the files out may
    /// be there in part.
    fn cut(&self, seeded: &mut Seeded, folder: &Path) -> Vec<String> {
        let mut names = self.durable_names.clone();
        for pending in self.pending_names.values() {
            // The changes of one folder come in their order.
            let survive = seeded.below(pending.len() as u64 + 1);
            pending.iter().take(usize::try_from(survive).expect("a count")).for_each(|naming| naming.apply(&mut names));
        }
        let outs = names.iter().filter(|(path, _)| path.contains("/out/") && !is_part(path));
        let parts = outs.filter(|(_, file)| !self.files[**file].changes.is_empty());
        let mut wrong: Vec<String> = parts.map(|(path, _)| format!("{path} may be there in part")).collect();
        for name in ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db-journal"] {
            std::fs::remove_file(folder.join(name)).ok();
            let path = names.iter().find(|(path, _)| path.ends_with(&format!("/.rekon/{name}")));
            if let Some((_, file)) = path.filter(|_| name != "journal.db-shm") {
                std::fs::write(folder.join(name), self.files[*file].after_the_cut(seeded)).expect("a file");
            }
        }
        let path = folder.join("journal.db");
        if path.exists() {
            wrong.extend(self.missing(&path).unwrap_or_else(|error| vec![format!("damaged: {error}")]));
        } else {
            wrong.extend(self.posted.keys().map(|id| format!("the journal is gone, and {id} has left")));
        }
        wrong
    }

    /// What has left or was shown, and is not in this journal.
    fn missing(&self, path: &Path) -> rusqlite::Result<Vec<String>> {
        let journal = Connection::open(path)?;
        journal.execute_batch("PRAGMA synchronous = OFF")?;
        let check: String = journal.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if check != "ok" {
            return Ok(vec![format!("damaged: {check}")]);
        }
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'attempt'";
        let is_empty = journal.query_row(tables, [], |row| row.get(0)) == Ok(0);
        let known = if is_empty { BTreeMap::new() } else { sends(&journal) };
        let mut wrong = Vec::new();
        for (id, count) in &self.posted {
            let attempts = known.get(id).copied().unwrap_or_default();
            if *count > attempts {
                wrong.push(format!("{id} has left {count} times, the journal knows of {attempts}"));
            }
        }
        if !self.shown.is_empty() {
            let mut statement = journal.prepare("SELECT invoice, state FROM item")?;
            let items = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let items = items.collect::<Result<BTreeMap<String, String>, _>>()?;
            for (invoice, state) in self.shown.iter().filter(|(invoice, state)| items.get(*invoice) != Some(state)) {
                wrong.push(format!("{invoice} was shown as {state}, and is {:?}", items.get(invoice)));
            }
        }
        Ok(wrong)
    }
}

/// What a power cut loses at the moment at which each request leaves, and at the end.
pub(crate) fn losses(events: &[Event], seed: u64) -> Vec<String> {
    let mut seeded = Seeded::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let mut disk = Disk::new(Honesty::Honest);
    let mut wrong = Vec::new();
    for (index, event) in events.iter().enumerate() {
        disk.happens(event);
        if event.posted().is_some() || index + 1 == events.len() {
            wrong.extend(disk.cut(&mut seeded, folder.path()));
        }
    }
    wrong
}

/// The trace of a job with faults that is killed once and then run to its end; every tenth is long enough for the log to be
/// copied into the journal on the way.
fn traced(seed: u64) -> Vec<Event> {
    let mut seeded = Seeded::new(seed);
    let operation = *seeded.one_of(&OPERATIONS);
    let faults = faults(&mut seeded, operation, 1, 10);
    let mut trial = Trial::new(operation, if seed.is_multiple_of(10) { 150 } else { 10 }, &faults);
    let path = trial.folder.path("whole");
    let shim = |plan| Shim { sync: Sync::Slow, trace: Some(&path), ..Shim::plan(plan) };
    let kill = format!("kill before any {} -", 150 + seeded.below(600));
    trial.run_behind(&shim(&kill));
    for _ in 0..3 {
        if matches!(trial.run_behind(&shim("")).code, Some(0 | 1)) {
            break;
        }
    }
    trace(&path)
}

#[derive(Debug, Default)]
struct Figures {
    traces: AtomicU64,
    requests: AtomicU64,
    cuts: AtomicU64,
    with_losses: AtomicU64,
}

/// Cuts the power about `cuts` times during one job; says what was lost.
fn cuts(seed: u64, cuts: u64, honesty: Honesty, figures: &Figures) -> Vec<String> {
    let events = traced(seed);
    let mut seeded = Seeded::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let requests = events.iter().filter(|event| event.posted().is_some()).count() as u64;
    figures.traces.fetch_add(1, Ordering::Relaxed);
    figures.requests.fetch_add(requests, Ordering::Relaxed);
    let others = events.len() as u64 - requests;
    let (at_sends, elsewhere) = (cuts.div_ceil(2).div_ceil(requests.max(1)), cuts / 2);
    let mut disk = Disk::new(honesty);
    let mut wrong = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let is_post = event.posted().is_some();
        if !is_post && seeded.below(others.max(1)) >= elsewhere {
            disk.happens(event);
            continue;
        }
        // With a request's first byte on the wire, but nothing more done.
        if is_post {
            disk.happens(event);
        }
        for _ in 0..if is_post { at_sends } else { 1 } {
            let lost = disk.cut(&mut seeded, folder.path());
            figures.cuts.fetch_add(1, Ordering::Relaxed);
            figures.with_losses.fetch_add(u64::from(!lost.is_empty()), Ordering::Relaxed);
            wrong.extend(lost.into_iter().map(|lost| format!("REKON_FIRST_SEED={seed}, event {index}: {lost}")));
        }
        if !is_post {
            disk.happens(event);
        }
    }
    wrong
}

/// A file out before it has its name.
fn is_part(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "part")
}

#[test]
fn no_power_cut_loses_the_intent_of_a_request_or_a_result_that_was_shown() {
    let (wanted, first) = (asked_for("REKON_POWER_CUTS", 600), asked_for("REKON_FIRST_SEED", 10));
    let each = if wanted > 5000 { 400 } else { 60 };
    let figures = Figures::default();
    let began = now();
    let next = AtomicU64::new(first);
    let complaints = Mutex::new(Vec::new());
    let work = || {
        while figures.cuts.load(Ordering::Relaxed) < wanted {
            let wrong = cuts(next.fetch_add(1, Ordering::Relaxed), each, Honesty::Honest, &figures);
            complaints.lock().expect("nobody panics with it").extend(wrong);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    show(&format!("{figures:?} in {} s", (now() - began).num_seconds()));
    let complaints = complaints.into_inner().expect("nobody panics with it");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_disk_that_lies_about_syncs_loses_intents_and_is_found_out() {
    let figures = Figures::default();
    let wrong = cuts(1, 60, Honesty::Lying, &figures);
    let lost = wrong.iter().filter(|wrong| wrong.contains("has left")).count();
    assert!(lost > 10, "{figures:?}: {wrong:?}");
}

#[test]
fn the_folder_of_a_new_journal_is_durable_before_the_first_request() {
    let trial = Trial::new("refund", 2, "");
    trial.be_patient();
    let path = trial.folder.path("whole");
    let mut command = trial.behind(&Shim { trace: Some(&path), ..Shim::plan("") });
    assert_eq!(command.output().expect("the program starts").status.code(), Some(1));
    let events = trace(&path);
    let before: Vec<&Event> = events.iter().take_while(|event| event.posted().is_none()).collect();
    let made = before.iter().position(|event| event.what == What::FolderMade && event.path.ends_with("/.rekon"));
    let made = made.expect("a folder for the journal");
    let above = folder_of(&before[made].path);
    let synced = before[made..].iter().any(|event| event.what == What::SyncEnded && event.path == above);
    assert!(synced, "{above} is not synced after .rekon was made in it");
}
