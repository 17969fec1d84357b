//! Why a program left a run of which the journal knows no end: the journal was out of reach, or somebody would not wait. It is
//! written down beside the journal, where `rekon show` looks for it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::at_work::AtWork;
use super::exit::Failure;
use crate::edge::clock::SystemClock;
use crate::edge::{files, read};
use crate::journal::cause::Cause;
use crate::journal::record::RunRecord;
use crate::journal::store::Location;
use crate::model::ids::RunId;
use crate::model::time::wire;
use crate::runner::clock::Clock as _;

/// What is written down.
#[derive(Serialize, Deserialize)]
struct Left {
    at: String,
    stopped: Cause,
}

fn path(location: &Location, run: &RunId) -> PathBuf {
    let folder = match location {
        Location::File(path) => path.parent().unwrap_or(Path::new("")),
        Location::Server { beside, .. } => beside,
    };
    folder.join(format!("left-{run}.json"))
}

/// Writes down why a run is left. Where that cannot be written either, it is not known later.
pub(super) fn note(journal: &Location, run: &RunId, stopped: Cause) {
    let left = Left { at: wire(SystemClock.now()), stopped };
    let text = serde_json::to_vec(&left).expect("texts can be written as JSON");
    let _ = files::write(&path(journal, run), &text);
}

/// The same of what the program ends with, but for what to do.
pub(super) fn note_failure(journal: &Location, run: &RunId, failure: &Failure) {
    note(journal, run, cause(failure));
}

/// Not everything that ends a program is the journal's fault.
fn cause(failure: &Failure) -> Cause {
    let error = failure.to_string().lines().next().unwrap_or_default().to_owned();
    match failure {
        Failure::Journal(_) | Failure::InDoubt(_) => Cause::Journal { error },
        Failure::Faults(_)
        | Failure::Refused(_)
        | Failure::Guards(_)
        | Failure::Held(_)
        | Failure::Interrupted
        | Failure::DoubtMeanwhile(_)
        | Failure::Stopped(_)
        | Failure::Unwritten(_) => Cause::Failed { error },
    }
}

/// Forgets it: this host works on the run again.
pub(super) fn forget(location: &Location, run: &RunId) {
    let _ = files::remove(&path(location, run));
}

/// Adds what was written down to those runs of which the journal knows no end and on which nobody is at work.
pub(super) fn explain(location: &Location, runs: &mut [RunRecord], at_work: &AtWork) {
    let is_left = |run: &RunRecord| run.finished_at.is_none() && run.stopped.is_none() && !at_work.is_on(&run.run);
    for run in runs.iter_mut().filter(|run| is_left(run)) {
        run.stopped = why(location, &run.run);
    }
}

/// Why a run was left, if somebody has written that down.
pub(super) fn why(location: &Location, run: &RunId) -> Option<Cause> {
    let text = read::bytes(&path(location, run)).unwrap_or_default();
    serde_json::from_slice(&text).ok().map(|left: Left| left.stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_journals_fault_is_not_noted_as_that() {
        let said = || "it is full\n  hint: make room".to_owned();
        let error = || "it is full".to_owned();
        assert_eq!(cause(&Failure::Journal(said())), Cause::Journal { error: error() });
        assert_eq!(cause(&Failure::InDoubt(said())), Cause::Journal { error: error() });
        assert_eq!(cause(&Failure::Stopped(said())), Cause::Failed { error: error() });
    }
}
