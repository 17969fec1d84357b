//! `rekon reconcile`: verdicts without sending anything; also what `rekon run` does with an audit.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::args::Common;
use super::conclude::{Conclusion, Ending, conclude};
use super::embed;
use super::exit::{Completion, Failure};
use super::load::{self, Case};
use super::screen::Screen;
use super::session::{in_doubt_elsewhere, make_plan};
use crate::edge::clock::SystemClock;
use crate::journal::Journal as _;
use crate::journal::record::{NewRow, RowFate, RowRecord};
use crate::journal::sqlite::SqliteJournal;
use crate::model::money::Tally;
use crate::model::operation::{Operation, Task};
use crate::model::time::{self, Timestamp, Zone};
use crate::plan::decide::{Dispositions, Plan};
use crate::reconcile::ends::{self, Ends};
use crate::reconcile::evidence::Log;
use crate::runner::clock::Clock as _;

/// `rekon reconcile JOB`.
pub(super) async fn job(path: &Path, as_of: Option<&str>, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let case = load::case(path, common, SystemClock.now())?;
    match case.job.task {
        Task::Audit => audit(&case, as_of, screen),
        Task::Change(operation) => change(&case, operation, as_of, screen).await,
    }
}

/// Book against DOKU: orders, results of other runs and notification log are enough.
pub(super) fn audit(case: &Case, as_of: Option<&str>, screen: Screen) -> Result<u8, Failure> {
    let now = present(as_of)?;
    let credentials = case.credentials()?;
    let input = case.input(now)?;
    let faults = input.faults();
    if case.job.orders.on_invalid == crate::job::settings::OnInvalid::Refuse && !faults.is_empty() {
        return Err(Failure::Faults(faults));
    }
    faults.iter().for_each(|fault| screen.warn(&fault.to_string()));
    let log = case.log(&credentials, None)?;
    let results = case.results(screen)?;
    let mut rows = Tally::default();
    input.rows.iter().for_each(|row| rows.add(row.rupiah));
    finish(case, (rows, Tally::default(), BTreeSet::new()), ends::of_audit(&input, &results), &log, now, screen)
}

/// What the journal knows about the input of a job, against the log.
async fn change(case: &Case, operation: Operation, as_of: Option<&str>, screen: Screen) -> Result<u8, Failure> {
    let now = present(as_of)?;
    let credentials = case.credentials()?;
    let input = case.input(now)?;
    let log = case.log(&credentials, embed::log_of(case).as_deref())?;
    let account = case.account(&credentials, operation);
    let refused = |error: crate::journal::JournalError| Failure::Refused(error.to_string());
    let journal = SqliteJournal::open_to_read(&case.journal).map_err(refused)?;
    let invoices = input.invoices();
    let plan = make_plan(case, &account, input, &log, journal.as_ref()).await?;
    let items = match &journal {
        Some(journal) => journal.known(&account, invoices).await.map_err(refused)?,
        None => std::collections::HashMap::new(),
    };
    let records: Vec<RowRecord> = plan.rows.iter().map(|row| record(&plan, row, &items)).collect();
    let (mut in_doubt, other_jobs) = plan.in_doubt_elsewhere();
    if let Some(journal) = &journal {
        in_doubt.merge(in_doubt_elsewhere(&case.job, &account, journal, &records).await.map_err(refused)?);
    }
    finish(case, (plan.input_tally(), in_doubt, other_jobs), ends::of_run(&plan, &records), &log, now, screen)
}

fn record(
    plan: &Plan,
    row: &crate::plan::InputRow,
    items: &std::collections::HashMap<crate::model::ids::InvoiceNumber, crate::journal::record::Item>,
) -> RowRecord {
    let (fate, reason) = plan.fate(row);
    let item = match fate {
        RowFate::Send | RowFate::Settled | RowFate::Continue => {
            row.invoice.as_ref().and_then(|invoice| items.get(invoice)).cloned()
        }
        RowFate::Skip | RowFate::Held | RowFate::Invalid => None,
    };
    let new = NewRow {
        number: row.number,
        line: row.line,
        raw: row.raw.clone(),
        invoice: row.invoice.clone(),
        rupiah: row.rupiah,
        fate,
        reason,
    };
    RowRecord { row: new, item }
}

fn finish(
    case: &Case,
    (rows, in_doubt_earlier, other_jobs): (Tally, Tally, BTreeSet<String>),
    ends: Ends,
    log: &Log,
    now: Timestamp,
    screen: Screen,
) -> Result<u8, Failure> {
    let ending = Ending {
        run: String::new(),
        input: rows,
        ends,
        log,
        dispositions: Dispositions::default(),
        guards: Vec::new(),
        results: None,
        in_doubt_earlier,
        other_jobs,
        journal: None,
        started_at: now,
        now,
        stopped: None,
        completion: Completion::ReadOnly,
    };
    let mut conclusion = conclude(case, ending);
    conclusion.summary.run = name(&conclusion, now);
    conclusion.write(case)?;
    conclusion.print(case, screen);
    Ok(conclusion.summary.exit_code)
}

/// An audit is named by its clock and by what it found: the same inputs at the same time give the same folder, and no
/// other audit overwrites it.
fn name(conclusion: &Conclusion, now: Timestamp) -> String {
    let (reconciliation, unmatched) = conclusion.tables();
    let hash = Sha256::new().chain_update(&reconciliation).chain_update(&unmatched).finalize();
    let digest = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    format!("{}-{digest:08x}", Zone::WIB.local(now).format("%Y%m%d-%H%M%S"))
}

fn present(as_of: Option<&str>) -> Result<Timestamp, Failure> {
    match as_of {
        None => Ok(SystemClock.now()),
        Some(text) => time::parse_local(text, Zone::WIB)
            .ok_or_else(|| Failure::Refused(format!("--as-of {text:?} is not a time such as 2026-11-30T17:00:00Z"))),
    }
}
