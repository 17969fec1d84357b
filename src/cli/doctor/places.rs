//! Where a run writes: the folders of the journal and of the results, the space on their disks, and the journal itself.

use std::path::{Path, PathBuf};

use super::Finding;
use crate::cli::load::{Case, named, shown};
use crate::edge::machine;
use crate::job::settings::Source;
use crate::journal::sqlite::SqliteJournal;
use crate::journal::store::{Location, Store};
use crate::journal::{Journal as _, JournalError};
use crate::model::operation::Task;
use crate::model::time::{CORRECTION, Timestamp, elapsed, wire};
use crate::plan::guard::counted;

/// With less than this nothing is begun: the journal keeps a reserve, and results of a large run have tens of megabytes.
const LEAST_FREE: u64 = 64 << 20;

/// With less than this somebody should know.
const LITTLE_FREE: u64 = 1 << 30;

/// Whether there is a file of orders; tonight's export may be still to come.
pub(super) fn orders(case: &Case) -> Option<Finding> {
    let Source::File(file) = &case.job.orders.source else { return None };
    let path = case.path(file);
    let found = format!("{} is no file", shown(&path));
    let remedy = "until the export is there a run ends with exit code 2";
    (!path.is_file()).then(|| Finding::warning("orders", found, remedy))
}

pub(super) async fn findings(case: &Case, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![writable("output folder", &case.path(&case.job.output.directory))];
    if case.job.task != Task::Audit {
        findings.push(writable("journal folder", &case.journal_folder()));
    }
    findings.extend(journal(&case.journal, now).await);
    findings
}

/// Whether a folder takes files, or could be made. A folder that is not there stays so.
fn writable(check: &'static str, folder: &Path) -> Finding {
    let there = existing(folder);
    let name = shown(&there);
    if !there.is_dir() {
        return Finding::fault(
            check,
            format!("{name} is in the way: it is no folder"),
            "move it, or name another folder in the job",
        );
    }
    if let Err(error) = machine::try_to_write(&there) {
        let remedy = "let the user of this program write there, or name another folder in the job";
        return Finding::fault(check, format!("nothing can be written to {name}: {error}"), remedy);
    }
    let place = if there == folder { name } else { format!("{} is made by the first run", shown(folder)) };
    match machine::free_bytes(&there) {
        Ok(free) if free < LEAST_FREE => Finding::fault(
            check,
            format!("{place}: {} are free on its disk", size(free)),
            format!("make room: at least {} must be free", size(LEAST_FREE)),
        ),
        Ok(free) if free < LITTLE_FREE => Finding::warning(
            check,
            format!("{place}: only {} are free on its disk", size(free)),
            "make room before the disk is full",
        ),
        Ok(free) => Finding::fine(check, format!("{place}: writable, {} free", size(free))),
        Err(error) => {
            Finding::warning(check, format!("{place}: nobody says how much is free: {error}"), "look at the disk")
        }
    }
}

/// The innermost part of a path that is there.
fn existing(path: &Path) -> PathBuf {
    let here = || PathBuf::from(".");
    let found = path.ancestors().find(|part| !part.as_os_str().is_empty() && part.symlink_metadata().is_ok());
    found.map_or_else(here, Path::to_owned)
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes if mebibytes < 10 << 10 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

async fn journal(location: &Location, now: Timestamp) -> Vec<Finding> {
    let (check, name) = ("journal", named(location));
    if let Some(kind) = location.file().and_then(|path| SqliteJournal::on_remote_disk(&existing(path))) {
        let found = format!("{name} lies on a network file system ({kind}), where two runners could hold it");
        return vec![Finding::fault(check, found, "name a path on a local disk: journal: PATH")];
    }
    let look = format!("rekon journal check --journal {name}");
    let remedy = match location {
        Location::File(_) => format!("look: {look}; put back a backup"),
        Location::Server { .. } => "see what its server says; docs/several-hosts.md says what it must be".to_owned(),
    };
    let damaged = |error: &dyn std::fmt::Display| {
        let told = error.to_string();
        // An error that knows what to do knows better.
        let (found, remedy) = told.split_once("\n  hint: ").unwrap_or((&told, &remedy));
        Finding::fault(check, found, remedy)
    };
    let journal = match Store::open_to_read(location).await {
        Ok(Some(journal)) => journal,
        Ok(None) if matches!(location, Location::Server { .. }) => {
            let remedy = "rekon journal migrate URL makes them, with the role that owns the database";
            return vec![Finding::warning(check, format!("{name}: has no tables yet"), remedy)];
        }
        Ok(None) => return vec![Finding::fine(check, format!("{name}: none yet; the first run makes it"))],
        Err(older @ JournalError::Older { .. }) => {
            let remedy = "until then plan, show and an audit cannot read it: rekon resolve JOB carries it over and sends nothing new";
            return vec![Finding::warning(check, older.to_string(), remedy)];
        }
        Err(error) => return vec![damaged(&error)],
    };
    let (head, doubts) = match (journal.head().await, journal.doubts().await) {
        (Ok(head), Ok(doubts)) => (head, doubts),
        (Err(error), _) | (_, Err(error)) => return vec![damaged(&error)],
    };
    let mut findings = vec![match head {
        Some(head) if elapsed(now, head.at) > CORRECTION => Finding::fault(
            check,
            format!("{name}: its last entry is of {}, and the clock of this machine says {}", wire(head.at), wire(now)),
            "set the clock; if it is right now: rekon journal accept",
        ),
        head => {
            let entries = head.map_or(0, |head| head.seq);
            let whole = if location.file().is_none_or(SqliteJournal::is_long) {
                format!("too long for a glance: {look}")
            } else {
                "whole".to_owned()
            };
            Finding::fine(check, format!("{name}: {entries} entries in its log, {whole}"))
        }
    }];
    if let Some(loss) = journal.loss() {
        let found = format!("{name}: {loss}: it was restored from an old copy, or made anew");
        findings.push(Finding::warning(
            "journal",
            found,
            "put the newer journal back; docs/reliability.md says what a run does",
        ));
    }
    if !doubts.is_empty() {
        let found = format!("{} in doubt", counted(doubts.len() as u64, "item"));
        findings.push(Finding::warning("money", found, format!("which ones: rekon show --journal {name}")));
    }
    findings.push(at_work(location, &journal).await);
    findings
}

/// Whether a runner is at work; of a file there is one at most.
async fn at_work(location: &Location, journal: &Store) -> Finding {
    match (journal.is_held(location).await, location) {
        (Err(error), _) => Finding::fault("lock", error.to_string(), "see what its server says"),
        (Ok(false), _) => Finding::fine("lock", "no runner is at work"),
        (Ok(true), Location::File(_)) => {
            Finding::warning("lock", "a runner is at work; another one would end with exit code 5", "wait for its end")
        }
        (Ok(true), Location::Server { .. }) => Finding::fine("lock", "runners are at work; another one may join them"),
    }
}
