//! `rekon show plan.json`: what a saved plan will do, and whether it may still be run.

use std::path::Path;

use super::args::Common;
use super::bind::{Bound, VERSION, expiry_text, sign_command};
use super::embed;
use super::exit::{DONE, Failure};
use super::load::{self, Case};
use super::open::{self, Place};
use super::screen::{Screen, Tone};
use super::session::make_plan;
use crate::edge::clock::SystemClock;
use crate::journal::log::short;
use crate::journal::store::Store;
use crate::model::fault::printable;
use crate::model::money::Rupiah;
use crate::model::operation::Task;
use crate::model::time::{Timestamp, for_people};
use crate::plan::agree::Turn;
use crate::plan::approval::approvals;
use crate::plan::guard::counted;
use crate::report::table;
use crate::runner::clock::Clock as _;

/// More orders than these are counted only; the file has them all.
const MOST_ITEMS: usize = 20;

/// What is known of a saved plan beyond its own words.
struct Standing {
    /// Why it may not be run; empty if it may.
    against: Vec<String>,
    /// The runs that it may continue.
    continues: Vec<String>,
    /// Whether the job was named, so that everything was compared.
    compared: bool,
}

/// `rekon show plan.json [--job JOB]`.
pub(super) async fn show(path: &Path, job: Option<&Path>, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let bound = Bound::open(path)?;
    let standing = standing(&bound, job, common).await?;
    print(&bound, &standing, screen);
    let binding = &bound.binding;
    let approved = approvals(bound.judged());
    let worthless = bound.judged().iter().filter_map(|one| {
        let why = one.verdict.as_ref().err()?;
        Some(serde_json::json!({ "file": one.file, "why": why.to_string() }))
    });
    let document = serde_json::json!({
        "version": 1, "digest": binding.digest, "job": binding.job.name, "operation": binding.operation,
        "environment": binding.environment, "total": binding.total, "made_by": binding.made_by, "made_at": binding.made_at,
        "expires_at": binding.expires_at, "need": binding.approval.need, "approved_by": approved,
        "worthless": worthless.collect::<Vec<_>>(), "may_run": standing.against.is_empty(), "against": standing.against,
        "continues": standing.continues, "compared_with_job": standing.compared,
    });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

/// Compares a plan with the clock and the journal, and with the job if one is named, as a run would.
async fn standing(bound: &Bound, job: Option<&Path>, common: &Common) -> Result<Standing, Failure> {
    let now = SystemClock.now();
    let mut standing = Standing { against: Vec::new(), continues: Vec::new(), compared: job.is_some() };
    let Some(job) = job else {
        against_itself(bound, now, &mut standing.against);
        let place = Place::of(None, common)?;
        if let Some(journal) = Store::open_to_read(&place.location).await.map_err(open::failure)? {
            used(bound, &journal, &mut standing).await?;
        }
        lacks_approvals(bound, &mut standing.against);
        return Ok(standing);
    };
    let mut case = load::case(job, common, now)?;
    bound.lends_its_date(&mut case, common);
    let case = case.loosened_by(&bound.binding.overrides)?;
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit has no plans", case.file)));
    };
    let input = case.input(bound.binding.made())?;
    standing.against = bound.stale(&case, operation, &input, now)?;
    let journal = Store::open_to_read(&case.journal).await.map_err(open::failure)?;
    let turn = match &journal {
        Some(journal) => used(bound, journal, &mut standing).await?,
        None => Turn::First,
    };
    if standing.against.is_empty() {
        let credentials = case.credentials()?;
        let account = case.account(&credentials, operation);
        let log = case.log(&credentials, embed::log_of(&case).as_deref())?;
        let plan = make_plan(&case, &account, input, &log, journal.as_ref(), now).await?;
        standing.against.extend(bound.differs(&case, &account, journal.as_ref(), &plan, &turn).await?);
        if !plan.may_run() {
            standing.against.push("a guard is broken, or the input is bad".to_owned());
        }
    }
    lacks_approvals(bound, &mut standing.against);
    Ok(standing)
}

/// What can be said without the job.
fn against_itself(bound: &Bound, now: Timestamp, against: &mut Vec<String>) {
    if now > bound.binding.expires() {
        against.push(format!("it expired at {}", for_people(bound.binding.expires())));
    }
    if bound.binding.rekon != VERSION {
        against.push(format!("it was made by rekon {}, and this is {VERSION}", bound.binding.rekon));
    }
}

async fn used(bound: &Bound, journal: &Store, standing: &mut Standing) -> Result<Turn, Failure> {
    let turn = bound.turn(journal).await?;
    match &turn {
        Turn::First => {}
        Turn::Continued(runs) => standing.continues.clone_from(runs),
        Turn::Used(run) => standing.against.push(format!("run {} executed it to its end: a plan is run once", run.run)),
    }
    Ok(turn)
}

fn lacks_approvals(bound: &Bound, against: &mut Vec<String>) {
    let (need, has) = (bound.binding.approval.need as usize, approvals(bound.judged()).len());
    if has < need {
        against.push(format!("it needs {}, and has {has}", counted(need as u64, "approval")));
    }
}

fn print(bound: &Bound, standing: &Standing, screen: Screen) {
    let binding = &bound.binding;
    let title = format!("{} · {} · {} · saved plan", binding.job.name, binding.operation, binding.environment);
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title)));
    screen.say(&format!(
        "sends {} over {}\nfrom {}\nmade by {} (user {}) at {} with rekon {}, {}\ndigest {}\n",
        counted(binding.total.count, "order"),
        Rupiah::new(binding.total.rupiah),
        printable(&binding.input.file),
        printable(&binding.made_by.name),
        printable(&binding.made_by.user),
        for_people(binding.made()),
        printable(&binding.rekon),
        expiry_text(binding),
        binding.digest
    ));
    let parts = &binding.dispositions;
    let parts = [("send", parts.send), ("skip", parts.skip), ("held", parts.held), ("invalid", parts.invalid)];
    let rows =
        parts.map(|(name, sum)| vec![name.to_owned(), sum.count.to_string(), Rupiah::new(sum.rupiah).to_string()]);
    screen.say(&table::plain(&["disposition", "rows", "rupiah"], rows.to_vec(), 1..3));
    let guards = binding.guards.iter().map(|line| {
        vec![line.guard.clone(), printable(&line.limit), printable(&line.found), printable(&line.headroom)]
    });
    screen.say(&format!("\n{}", table::plain(&["guard", "limit", "plan", "headroom"], guards.collect(), 1..4)));
    for one in &binding.overrides {
        let text = format!("override: {}={} by {}: {}", one.guard, one.limit, one.by, one.reason);
        screen.say(&screen.tone(Tone::Bad, &printable(&text)));
    }
    let items =
        binding.items.iter().take(MOST_ITEMS).map(|item| {
            vec![item.invoice_number.clone(), Rupiah::new(item.amount).to_string(), item.request_id.clone()]
        });
    screen.say(&format!("\n{}", table::plain(&["invoice", "rupiah", "request id"], items.collect(), 1..2)));
    if binding.items.len() > MOST_ITEMS {
        screen.say(&format!("and {} more; the file has them all", binding.items.len() - MOST_ITEMS));
    }
    if !binding.open.is_empty() {
        let count = counted(binding.open.len() as u64, "order");
        screen.say(&format!("\n{count} of earlier runs in doubt: asked about again, with the same key"));
    }
    screen.say(&format!("\n{}", approvals_text(bound)));
    screen.say(&verdict(standing, screen));
}

/// The approvals that a plan needs and has, and the signatures that do not count.
fn approvals_text(bound: &Bound) -> String {
    let need = bound.binding.approval.need;
    let approved = approvals(bound.judged());
    let mut lines = vec![match need {
        0 => "approvals: none needed".to_owned(),
        _ => format!("approvals: {} of {need}", approved.len()),
    }];
    lines.extend(approved.iter().map(|one| format!("  {} ({})", one.name, short(&one.key))));
    lines.extend(bound.judged().iter().filter_map(|one| {
        let why = one.verdict.as_ref().err()?;
        Some(format!("  {}: the signature {}", printable(&one.file), printable(&why.to_string())))
    }));
    if approved.len() < need as usize {
        let name = bound.name();
        lines.push(format!("  {} may approve it: {}", bound.may_approve().join(", "), sign_command(&name, "NAME")));
    }
    lines.join("\n")
}

fn verdict(standing: &Standing, screen: Screen) -> String {
    let mut lines: Vec<String> = standing
        .against
        .iter()
        .map(|why| format!("{} {}", screen.tone(Tone::Bad, "may not be run:"), printable(why)))
        .collect();
    if let Some(run) = standing.continues.last() {
        lines.push(format!("run {run} stopped part-way; a run with this plan continues it"));
    }
    if lines.is_empty() || standing.against.is_empty() {
        let text = match (standing.compared, standing.continues.is_empty()) {
            (false, _) => "nothing speaks against it here",
            (true, true) => "may be run, and is unused",
            (true, false) => "may be run",
        };
        lines.push(screen.tone(Tone::Good, text));
    }
    if !standing.compared {
        lines.push("not compared with the job, its input and its journal: add --job JOB for that".to_owned());
    }
    lines.join("\n")
}

/// What to do with a plan that was just saved.
pub(super) fn saved(bound: &Bound, case: &Case) -> String {
    let (name, file) = (bound.name(), printable(&case.file));
    let next = match bound.binding.approval.need {
        0 => "needs no approval".to_owned(),
        need => format!(
            "needs {} of {}: {}",
            counted(u64::from(need), "approval"),
            bound.may_approve().join(", "),
            sign_command(&name, "NAME")
        ),
    };
    format!(
        "saved {name}: digest {}, {}\n  {next}\n  look: rekon show {name} --job {file}\n  run: rekon run {file} --plan {name}",
        short(&bound.binding.digest),
        expiry_text(&bound.binding)
    )
}
