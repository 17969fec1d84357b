//! `rekon plan` and `rekon check`: what would happen, and what is wrong; nothing is sent and nothing is written.

use std::path::{Path, PathBuf};

use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use super::args::{Common, OverrideArgs};
use super::bind::{self, Bound};
use super::busy::{Busy, with};
use super::dated;
use super::embed;
use super::exit::{DONE, Failure, REFUSED};
use super::load::{self, Case};
use super::open;
use super::plan_screen;
use super::planning::make_plan;
use super::screen::{Screen, faults_json};
use super::show_plan;
use super::slips;
use crate::edge::clock::SystemClock;
use crate::edge::files::Draft;
use crate::edge::{person, signatures};
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::{Account, Journal as _};
use crate::model::fault::{Fault, Place, printable};
use crate::model::ids::InvoiceNumber;
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Task;
use crate::model::time::{after, parse_instant, wire};
use crate::plan::binding::{BoundItem, Cover, LogHead, Maker};
use crate::plan::bound::{self, Occasion};
use crate::plan::{InputRow, Plan, pages};
use crate::report::words::both::{Told as _, both};
use crate::report::words::speech::{Speech, Unit};
use crate::runner::clock::Clock as _;

/// Where a plan is saved, and who makes it.
pub(super) struct Out<'a> {
    /// The file.
    pub(super) file: &'a Path,
    /// `--maker`.
    pub(super) maker: Option<&'a str>,
}

/// `rekon plan JOB`: exit code 0 if `run` would start, 2 if it would not.
pub(super) async fn plan(
    path: &Path,
    out: Option<&Out<'_>>,
    overrides: &OverrideArgs,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    // A saved plan has no fractions of a second: what is decided now must be decided again when it is run.
    let now = SystemClock.now();
    let now = parse_instant(&wire(now)).unwrap_or(now);
    let case = load::case(path, common, now)?;
    let screen = screen.speaking(case.language);
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit sends nothing; use `rekon reconcile`", case.file)));
    };
    let case = case.loosened(overrides)?;
    let file = out.map(|out| dated::file("--out", out.file, case.date)).transpose()?;
    let out = out.zip(file.as_deref()).map(|(out, file)| Out { file, maker: out.maker });
    let out = out.as_ref();
    let credentials = case.credentials()?;
    out.map(refuse_place).transpose()?;
    let made_by = out.map(|out| maker(&case, out)).transpose()?;
    let busy = Busy::with(screen, with::orders());
    let input = case.input(now)?;
    drop(busy);
    slips::warn(&case, &input, screen)?;
    let ground = bind::ground(&case, operation, &credentials.client_id, &input)?;
    let log = case.log(&credentials, embed::log_of(&case).as_deref())?;
    case.refuse_unproved(&log)?;
    let account = case.account(&credentials, operation);
    let busy = Busy::with(screen, with::plan());
    let journal = Store::open_to_read(&case.journal).await.map_err(open::failure)?;
    if let Some(journal) = &journal {
        open::warn_of_loss(&case.journal, journal, screen);
    }
    let plan = make_plan(&case, &account, input, &log, journal.as_ref(), now).await?;
    drop(busy);
    plan_screen::show(&case, &plan, screen);
    screen.paper(|| plan_screen::paper(&case, &plan));
    if !plan.may_run() {
        return Ok(refused(&case, &plan, screen));
    }
    let mut saved = None;
    if let (Some(out), Some(made_by)) = (out, made_by) {
        let occasion = Occasion {
            made_by,
            made_at: now,
            expires_at: after(now, case.job.approval.expires),
            journal_log: head(journal.as_ref()).await?,
            open: left_open(&case, &account, journal.as_ref()).await?,
            overrides: case.overridden(&plan).into_iter().map(Into::into).collect(),
        };
        let bound = save(out.file, bound::cover(&plan, ground, occasion), (&case, &account, &plan))?;
        screen.say(&format!("\n{}", screen.told(&show_plan::saved(&bound, &case))));
        saved = Some((out.file, bound.cover));
    }
    if screen.is_json() {
        let mut document = ended(document(&case, &plan), None);
        if let Some((file, cover)) = saved {
            document["saved"] = serde_json::json!({
                "file": file.display().to_string(), "digest": cover.digest,
                "expires_at": cover.expires_at, "need": cover.approval.need,
            });
        }
        screen.written(|out| serde_json::to_writer(out, &WithRows { document: &document, plan: &plan }));
    }
    Ok(DONE)
}

/// Writes a plan into its file, sealed, unless it could never have its approvals.
fn save(file: &Path, cover: Cover, (case, account, plan): (&Case, &Account, &Plan)) -> Result<Bound, Failure> {
    let mut bound = Bound::fresh(file, cover);
    bound.refuse_without_people(case)?;
    let mut draft = Draft::of(file);
    let items = bound::items(plan, account, &case.job.settlement);
    let sealed = pages::write(bound.cover, items, |bytes| draft.write(bytes))?;
    draft.put(sealed.digest_at, sealed.cover.digest.as_bytes());
    draft.keep(file).map_err(|error| Failure::Refused(error.to_string()))?;
    bound.cover = sealed.cover;
    Ok(bound)
}

/// Says why the plan may not be run; for machines beside everything else that is known of it.
fn refused(case: &Case, plan: &Plan, screen: Screen) -> u8 {
    let failure = plan_screen::why_not(case, plan);
    screen.failure(&failure);
    if screen.is_json() {
        let document = ended(document(case, plan), Some(&failure));
        screen.written(|out| serde_json::to_writer(out, &WithRows { document: &document, plan }));
    }
    failure.code()
}

/// A document with what every document of a failure has.
fn ended(mut document: serde_json::Value, failure: Option<&Failure>) -> serde_json::Value {
    let (error, faults) = match failure {
        None => (None, serde_json::json!([])),
        Some(Failure::Faults(faults)) => (None, faults_json(faults)),
        Some(failure) => (Some(failure.to_string()), serde_json::json!([])),
    };
    document["exit_code"] = failure.map_or(DONE, Failure::code).into();
    document["error"] = error.into();
    document["faults"] = faults;
    document
}

/// A plan that signatures stand beside is not written over, for they are of another one; nor is anything that is no plan, be
/// it the journal itself; nor is a folder made by a slip.
fn refuse_place(out: &Out<'_>) -> Result<(), Failure> {
    let name = load::shown(out.file);
    let folder = out.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        let folder = load::shown(folder);
        return Err(Failure::Refused(format!(
            "{name}: cannot be written: {folder} is no folder\n  hint: make it, or name another"
        )));
    }
    if out.file.symlink_metadata().is_ok() && !bind::is_plan(out.file) {
        return Err(Failure::Refused(format!(
            "{name}: is there already, and is no saved plan: it is not written over\n  hint: name another file"
        )));
    }
    let beside = signatures::beside(out.file)
        .map_err(|error| Failure::Refused(format!("{name}: what stands beside it cannot be read: {error}")))?;
    let names: Vec<String> = beside.iter().map(|one| printable(&one.file)).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "{name}: there are signatures beside it, of another plan: {}\n  hint: name another file, or move them away with the plan \
         that they are of",
        names.join(", ")
    )))
}

/// Who makes the plan. Where approvals count, it must be said: the user of a server is often nobody in particular.
fn maker(case: &Case, out: &Out<'_>) -> Result<Maker, Failure> {
    let user = person::who();
    match out.maker {
        Some(name) => Ok(Maker { name: name.to_owned(), user }),
        None if case.job.approval.bands.is_empty() => Ok(Maker { name: user.clone(), user }),
        None => Err(Failure::Refused(format!(
            "{}: plans of this job are approved, so say who makes this one: add --maker NAME\n  hint: if you are an \
             approver, the name that you have in approval.approvers; who makes a plan cannot approve it",
            case.file
        ))),
    }
}

/// How far the journal's log goes.
async fn head(journal: Option<&Store>) -> Result<Option<LogHead>, Failure> {
    let Some(journal) = journal else { return Ok(None) };
    let head = journal.head().await.map_err(open::failure)?;
    Ok(head.map(|head| LogHead { entries: head.seq, head: head.hash }))
}

/// What earlier runs of the job left unknown, and a run would ask about again.
async fn left_open(case: &Case, account: &Account, journal: Option<&Store>) -> Result<Vec<BoundItem>, Failure> {
    let Some(journal) = journal else { return Ok(Vec::new()) };
    let open = journal.items_in(account, case.job.name.as_str(), &[State::Intent, State::Unknown]).await;
    Ok(open.map_err(open::failure)?.iter().map(bound::open_item).collect())
}

/// The plan as a document: totals and guards. What is to happen to every row is filled in when it is written.
fn document(case: &Case, plan: &Plan) -> serde_json::Value {
    serde_json::json!({
        "version": 1, "job": case.job.name.as_str(), "operation": plan.operation.word(),
        "environment": case.job.merchant.environment.word(), "may_run": plan.may_run(),
        "dispositions": plan.dispositions(), "left_out": plan.left_out().into_iter().take(10).collect::<Vec<_>>(),
        "guards": plan.guards, "overrides": case.overridden(plan),
        "eta": plan_screen::eta_document(case, plan), (ROWS): null,
    })
}

/// The field of a document that has the rows.
const ROWS: &str = "rows";

/// A document that is written row by row: a million of them are never in memory together.
struct WithRows<'a> {
    document: &'a serde_json::Value,
    plan: &'a Plan,
}

impl Serialize for WithRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.document.as_object().into_iter().flatten();
        let mut written = serializer.serialize_map(None)?;
        for (name, value) in fields {
            if name == ROWS {
                written.serialize_entry(name, &PlannedRows(self.plan))?;
            } else {
                written.serialize_entry(name, value)?;
            }
        }
        written.end()
    }
}

struct PlannedRows<'a>(&'a Plan);

impl Serialize for PlannedRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_seq(None)?;
        for row in self.0.rows() {
            let row = row.map_err(S::Error::custom)?;
            let (fate, reason) = self.0.fate(&row);
            let InputRow { number, invoice, rupiah, .. } = row;
            let row = PlannedRow { disposition: fate.word(), invoice_number: invoice, reason, row: number, rupiah };
            written.serialize_element(&row)?;
        }
        written.end()
    }
}

/// What is to happen to a row. The fields stand in the order of the alphabet, as all of the document do.
#[derive(Serialize)]
struct PlannedRow {
    disposition: &'static str,
    invoice_number: Option<InvoiceNumber>,
    reason: String,
    row: u64,
    rupiah: Rupiah,
}

/// `rekon check JOB...`: every fault of every job and of its rows.
pub(super) fn check(paths: &[PathBuf], common: &Common, screen: Screen) -> Result<u8, Failure> {
    load::date(common, SystemClock.now())?;
    let mut faults = Vec::new();
    for path in paths {
        match check_one(path, common, screen) {
            Ok((Tally { count, rupiah }, language)) => {
                let rows = (Speech::of(language).counted)(count, Unit::Rows);
                let path = printable(&path.display().to_string());
                let text = both(
                    format!("{path}: ok, {rows}, {rupiah}"),
                    format!("{path}: tidak ada kesalahan, {rows}, {rupiah}"),
                );
                screen.say(text.told(language));
            }
            Err(Failure::Faults(found)) => faults.extend(found),
            Err(other) => faults.push(Fault::new(Place::file(&path.display().to_string()), other.to_string())),
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

/// The rows of a job, and whose language it is in.
fn check_one(path: &Path, common: &Common, screen: Screen) -> Result<(Tally, Language), Failure> {
    let now = SystemClock.now();
    let case = load::case(path, common, now)?;
    let screen = screen.speaking(case.language);
    let busy = Busy::with(screen, with::orders());
    let input = case.input(now)?;
    drop(busy);
    slips::warn(&case, &input, screen)?;
    let mut faults = input.faults();
    let all = input.tally();
    faults.extend(case.out_of_control(all));
    if let Err(Failure::Faults(found)) = bind::approvers(&case) {
        faults.extend(found);
    }
    if faults.is_empty() { Ok((all, case.language)) } else { Err(Failure::Faults(faults)) }
}
