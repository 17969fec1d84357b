//! Runs: how one begins, why it stopped, and how it ended.

use sha2::{Digest as _, Sha256};

use super::desk::Desk;
use crate::journal::JournalError;
use crate::journal::log::{Entry, hex};
use crate::journal::record::{Finished, NewRow, NewRun, PlanRun};
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::time::{Timestamp, Zone};

/// Begins a run with all its rows, unless its plan is used up.
pub(super) fn begin(desk: &impl Desk, run: &NewRun) -> Result<RunId, JournalError> {
    if let Some(plan) = &run.plan {
        let runs = desk.runs_of_plan(&plan.digest)?;
        if let Some(finished) = runs.into_iter().find(PlanRun::has_finished) {
            return Err(JournalError::PlanUsed(finished.run));
        }
    }
    let (name, rows_sha256) = desk.insert_run(run)?;
    let entry = Entry::RunBegan {
        run: name.to_string(),
        job: run.job.clone(),
        rows: run.rows.count(),
        rows_sha256,
        input_sha256: run.terms.input_sha256.clone(),
        caps: run.terms.caps,
        plan: run.plan.clone().map(Box::new),
    };
    desk.append(run.started_at, None, &entry)?;
    for what in &run.terms.overrides {
        desk.append(run.started_at, None, &Entry::Overridden { run: name.to_string(), what: what.clone() })?;
    }
    Ok(name)
}

/// Notes that a run stopped for the provider's sake.
pub(super) fn stop(desk: &impl Desk, run: &RunId, why: &str, at: Timestamp) -> Result<(), JournalError> {
    desk.append(at, None, &Entry::RunStopped { run: run.to_string(), why: why.to_owned() })
}

/// Ends a run.
pub(super) fn finish(desk: &impl Desk, finished: &Finished) -> Result<(), JournalError> {
    let entry = Entry::RunEnded {
        run: finished.run.to_string(),
        exit_code: finished.exit_code,
        stopped: finished.stopped.clone(),
    };
    desk.append(finished.at, None, &entry)?;
    desk.end_run(finished)
}

/// Why a run that has ended, or has never begun, is not ended.
pub(in crate::journal) fn ended_before(run: &RunId) -> JournalError {
    JournalError::Write(format!("run {run} is not open: it ends once"))
}

/// The name of a run; the store's count makes it unique.
pub(in crate::journal) fn name(started_at: Timestamp, count: i64) -> RunId {
    let name = format!("{}-{count:04}", Zone::WIB.local(started_at).format("%Y%m%d-%H%M%S"));
    RunId::new(&name).expect("digits and hyphens are a run id")
}

/// SHA-256 over the rows of a run as the journal keeps them.
#[derive(Default)]
pub(in crate::journal) struct RowsDigest(Sha256);

impl RowsDigest {
    /// Takes the next row. Every text comes with its length, so that none can run into the next.
    pub(in crate::journal) fn take(&mut self, row: &NewRow) {
        for number in [row.number, row.line, row.rupiah.whole()] {
            self.0.update(number.to_be_bytes());
        }
        let invoice = row.invoice.as_ref().map(InvoiceNumber::as_str).unwrap_or_default();
        for text in [&*row.raw, invoice, row.fate.word(), &row.reason] {
            self.0.update((text.len() as u64).to_be_bytes());
            self.0.update(text.as_bytes());
        }
    }

    /// The digest of all rows taken.
    pub(in crate::journal) fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}
