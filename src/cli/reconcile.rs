//! `rekon reconcile`: verdicts without sending anything; also what `rekon run` does with an audit.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::args::{AuditArgs, Common, ReconcileArgs};
use super::attend;
use super::audit::{self, Options};
use super::busy::{Busy, with};
use super::conclude::{Ending, conclude};
use super::embed;
use super::exit::Failure;
use super::in_doubt::{in_doubt_elsewhere, in_doubt_here, refused_for_the_key};
use super::interrupt::{Signals, Stopping};
use super::judgement::{Judgement, Room};
use super::load::{self, Case, Copies};
use super::planning::{AT_A_TIME, make_plan};
use super::screen::Screen;
use super::slips;
use crate::edge::clock::SystemClock;
use crate::journal::Journal as _;
use crate::journal::record::{Item, NewRow, RowFate, RowRecord};
use crate::journal::store::Store;
use crate::model::ids::InvoiceNumber;
use crate::model::operation::{Operation, Task};
use crate::model::time::{self, Timestamp, Zone};
use crate::plan::InputRow;
use crate::plan::Plan;
use crate::reconcile::ends::subjects;
use crate::reconcile::total::Totals;
use crate::runner::clock::Clock as _;

/// `rekon reconcile JOB`.
pub(super) async fn job(args: &ReconcileArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let signals = Signals::listen(Stopping::Early, screen);
    let mut case = load::case(&args.job, common, present(args.as_of.as_deref())?)?;
    case.copies = Copies::of(args.output.spreadsheet_safe);
    let screen = screen.speaking(case.language);
    case.told.signals = signals.speaking(case.language);
    match case.job.task {
        Task::Audit => {
            attend::attended(&case, screen, Box::pin(audit(&case, args.as_of.as_deref(), &args.audit, screen))).await
        }
        Task::Change(operation) => {
            if args.audit != AuditArgs::default() {
                let message = format!("--period, --memory and --threads are for audits; this is a {operation} job");
                return Err(Failure::Refused(message));
            }
            let change = change(&case, operation, args.as_of.as_deref(), screen);
            attend::unless_stopped(&case, Box::pin(change)).await
        }
    }
}

/// Book against DOKU: orders, results and journal, and notification logs are enough.
pub(super) async fn audit(case: &Case, as_of: Option<&str>, args: &AuditArgs, screen: Screen) -> Result<u8, Failure> {
    let AuditArgs { period, memory, parts, threads } = *args;
    audit::run(case, Options { now: present(as_of)?, period, memory, parts, threads }, screen).await
}

/// What the journal knows about the input of a job, against the log.
async fn change(case: &Case, operation: Operation, as_of: Option<&str>, screen: Screen) -> Result<u8, Failure> {
    let now = present(as_of)?;
    let credentials = case.credentials()?;
    let busy = Busy::with(screen, with::report());
    let reading = case.told.signals.without_a_trace();
    let input = case.input(now)?;
    slips::warn(case, &input, screen)?;
    let log = case.log(&credentials, embed::log_of(case).as_deref())?;
    let account = case.account(&credentials, operation);
    let refused = |error: crate::journal::JournalError| Failure::Refused(error.to_string());
    let journal = Store::open_to_read(&case.journal).await.map_err(refused)?;
    let plan = make_plan(case, &account, input, &log, journal.as_ref(), now).await?;
    drop(reading);
    let (mut totals, mut here, mut for_the_key) = (Totals::default(), HashSet::new(), BTreeSet::new());
    let mut judgement = Judgement::begin(case, plan.input_tally().count, Room::Disk)?;
    let mut rows = plan.rows().peekable();
    while rows.peek().is_some() {
        case.told.signals.still_wanted()?;
        let some: Vec<InputRow> = rows.by_ref().take(AT_A_TIME).collect::<Result<_, _>>()?;
        let invoices = some.iter().filter_map(|row| row.invoice.clone()).collect();
        let items = match &journal {
            Some(journal) => journal.known(&account, invoices).await.map_err(refused)?,
            None => HashMap::new(),
        };
        let records: Vec<RowRecord> = some.iter().map(|row| record(&plan, row, &items)).collect();
        here.extend(records.iter().filter_map(in_doubt_here));
        for_the_key.extend(refused_for_the_key(&records));
        judgement.take(&subjects(&plan, &records, &mut totals))?;
    }
    let (mut in_doubt, other_jobs) = plan.in_doubt_elsewhere();
    if let Some(journal) = &journal {
        in_doubt.merge(in_doubt_elsewhere(&case.job, &account, journal, &here).await.map_err(refused)?);
    }
    let mut books = judgement.books(case, &log, now)?;
    books.totals.merge(totals);
    books.refused_for_the_key = for_the_key;
    let ending = Ending { in_doubt_earlier: in_doubt, other_jobs, ..Ending::read_only(plan.input_tally(), books, now) };
    let mut conclusion = conclude(case, ending);
    conclusion.publish(case).await?;
    drop(busy);
    conclusion.print(case, screen);
    Ok(conclusion.summary.exit_code)
}

fn record(plan: &Plan, row: &InputRow, items: &HashMap<InvoiceNumber, Item>) -> RowRecord {
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

/// The present, or what `--as-of` makes of it.
pub(super) fn present(as_of: Option<&str>) -> Result<Timestamp, Failure> {
    match as_of {
        None => Ok(SystemClock.now()),
        Some(text) => time::parse_local(text, Zone::WIB)
            .ok_or_else(|| Failure::Refused(format!("--as-of {text:?} is not a time such as 2026-11-30T17:00:00Z"))),
    }
}
