//! `rekon plan` and `rekon check`: what would happen, and what is wrong; nothing is sent and nothing is written.

use std::path::{Path, PathBuf};

use super::args::{Common, OverrideArgs};
use super::embed;
use super::exit::{DONE, Failure, REFUSED};
use super::load::{self, Case};
use super::open;
use super::run;
use super::screen::{Screen, faults_json};
use super::session::make_plan;
use crate::edge::clock::SystemClock;
use crate::edge::files;
use crate::journal::sqlite::SqliteJournal;
use crate::model::fault::{Fault, Place, printable};
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::plan::Plan;
use crate::runner::clock::Clock as _;

/// `rekon plan JOB`: exit code 0 if `run` would start, 2 if it would not.
pub(super) async fn plan(
    path: &Path,
    out: Option<&Path>,
    overrides: &OverrideArgs,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    let now = SystemClock.now();
    let case = load::case(path, common, now)?;
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit sends nothing; use `rekon reconcile`", case.file)));
    };
    let case = case.loosened(overrides)?;
    let credentials = case.credentials()?;
    let input = case.input(now)?;
    let log = case.log(&credentials, embed::log_of(&case).as_deref())?;
    case.refuse_unproved(&log)?;
    let account = case.account(&credentials, operation);
    let journal = SqliteJournal::open_to_read(&case.journal).map_err(open::failure)?;
    if let Some(journal) = &journal {
        open::warn_of_loss(&case.journal, journal, screen);
    }
    let plan = make_plan(&case, &account, input, &log, journal.as_ref(), now).await?;
    run::show_plan(&case, &plan, screen);
    if let Some(out) = out {
        let text = serde_json::to_vec_pretty(&document(&case, &plan)).expect(JSON);
        files::write(out, &text).map_err(|error| Failure::Refused(error.to_string()))?;
    }
    if !plan.may_run() {
        return Err(run::why_not(&case, &plan));
    }
    if screen.is_json() {
        screen.document(&serde_json::to_vec(&document(&case, &plan)).expect(JSON));
    }
    Ok(DONE)
}

const JSON: &str = "text and whole numbers can be written as JSON";

/// The plan as a document: totals, guards, and what is to happen to every row.
fn document(case: &Case, plan: &Plan) -> serde_json::Value {
    let rows: Vec<serde_json::Value> = plan
        .rows
        .iter()
        .map(|row| {
            let (fate, reason) = plan.fate(row);
            serde_json::json!({
                "row": row.number, "invoice_number": row.invoice, "rupiah": row.rupiah, "disposition": fate.word(),
                "reason": reason,
            })
        })
        .collect();
    serde_json::json!({
        "version": 1, "job": case.job.name.as_str(), "operation": plan.operation.word(),
        "environment": case.job.merchant.environment.word(), "may_run": plan.may_run(),
        "dispositions": plan.dispositions(), "guards": plan.guards, "overrides": case.overridden(plan),
        "eta": run::eta_document(case, plan), "rows": rows,
    })
}

/// `rekon check JOB...`: every fault of every job and of its rows.
pub(super) fn check(paths: &[PathBuf], common: &Common, screen: Screen) -> Result<u8, Failure> {
    load::date(common, SystemClock.now())?;
    let mut faults = Vec::new();
    for path in paths {
        match check_one(path, common) {
            Ok(rows) => screen.say(&format!("{}: ok, {rows} rows", printable(&path.display().to_string()))),
            Err(Failure::Faults(found)) => faults.extend(found),
            Err(
                Failure::Refused(message)
                | Failure::Held(message)
                | Failure::Stopped(message)
                | Failure::InDoubt(message),
            ) => {
                faults.push(Fault::new(Place::file(&path.display().to_string()), message));
            }
        }
    }
    let code = if faults.is_empty() { DONE } else { REFUSED };
    let document = serde_json::json!({ "version": 1, "exit_code": code, "faults": faults_json(&faults) });
    screen.document(document.to_string().as_bytes());
    if !faults.is_empty() {
        screen.faults(&faults);
    }
    Ok(code)
}

fn check_one(path: &Path, common: &Common) -> Result<usize, Failure> {
    let now = SystemClock.now();
    let case = load::case(path, common, now)?;
    let input = case.input(now)?;
    let mut faults = input.faults();
    let mut all = Tally::default();
    input.rows.iter().for_each(|row| all.add(row.rupiah));
    faults.extend(case.out_of_control(all));
    if faults.is_empty() { Ok(input.rows.len()) } else { Err(Failure::Faults(faults)) }
}
