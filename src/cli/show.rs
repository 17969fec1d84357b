//! `rekon show`: which of its views is asked for, and that of one run.

use std::path::Path;

use super::args::Common;
use super::audit::Options;
use super::audit::examine::examine;
use super::chain;
use super::exit::{DONE, Failure};
use super::load::named;
use super::open::{Place, failure, to_read};
use super::reconcile::present;
use super::screen::{Screen, Tone, printable_lines};
use super::show_plan;
use super::show_runs;
use crate::journal::record::RunRecord;
use crate::journal::store::Store;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::money::Tally;
use crate::model::time::{for_people, wire};
use crate::plan::guard::counted;
use crate::reconcile::ends::state_of;
use crate::report::words::Words;
use crate::report::{markdown, overrides, plan_use, table};

/// `rekon show [RUN | INVOICE]`.
pub(super) async fn show(
    what: Option<&str>,
    job: Option<&Path>,
    as_of: Option<&str>,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    if screen.is_markdown() {
        return on_paper(what, &Place::of(job, common)?, screen).await;
    }
    if let Some(plan) = what.map(Path::new).filter(|path| is_plan(path)) {
        return show_plan::show(plan, job, common, screen).await;
    }
    let place = Place::of(job, common)?;
    if let (Some(invoice), Some(case)) = (what, place.audit()) {
        // The audit's own view, and nothing of the journal's but what it takes for evidence.
        let options = Options { now: present(as_of)?, period: None, memory: None, parts: None, threads: None };
        if examine(case, invoice, options, screen).await? {
            return Ok(DONE);
        }
        return Err(Failure::Refused(format!("{invoice:?} is not among the orders of {}", case.file)));
    }
    let (location, flag) = (&place.location, place.flag());
    let journal = to_read(location, screen).await?;
    let runs = journal.runs().await.map_err(failure)?;
    let Some(what) = what else {
        screen.say(&format!("journal {}\n", printable(&named(location))));
        let is_held = journal.is_held(location).await.map_err(failure)?;
        show_runs::list(&runs, is_held, &journal.doubts().await.map_err(failure)?, &flag, screen);
        return Ok(DONE);
    };
    if let Some(run) = runs.iter().find(|run| run.run.as_str() == what) {
        let ended = show_runs::ended_with(run, &runs, journal.is_held(location).await.map_err(failure)?);
        one_run(&journal, run, &ended, screen).await.map_err(failure)?;
        return Ok(DONE);
    }
    let story = match InvoiceNumber::new(what) {
        Ok(invoice) => journal.story(&invoice).await.map_err(failure)?,
        Err(_) => chain::nothing(),
    };
    if story.items.is_empty() && story.mentions.is_empty() {
        return Err(Failure::Refused(format!("{what:?} is neither a run nor an invoice of {}", named(location))));
    }
    chain::show(what, &story, place.case.as_ref(), screen);
    Ok(DONE)
}

/// One run as Markdown; there is none of the other views.
async fn on_paper(what: Option<&str>, place: &Place, screen: Screen) -> Result<u8, Failure> {
    let of_a_run = || Failure::Refused("--format md is for one run: rekon show RUN --format md".to_owned());
    let what = what.ok_or_else(of_a_run)?;
    let journal = to_read(&place.location, screen).await?;
    let runs = journal.runs().await.map_err(failure)?;
    let run = runs.iter().find(|run| run.run.as_str() == what).ok_or_else(of_a_run)?;
    let ended = show_runs::ended_with(run, &runs, journal.is_held(&place.location).await.map_err(failure)?);
    one_run(&journal, run, &ended, screen).await.map_err(failure)?;
    Ok(DONE)
}

/// A saved plan is named by its file; no invoice number is.
fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

async fn one_run(journal: &Store, run: &RunRecord, ended: &str, screen: Screen) -> Result<(), JournalError> {
    let mut states: std::collections::BTreeMap<&'static str, Tally> = std::collections::BTreeMap::new();
    for record in journal.rows(&run.run).await? {
        states.entry(state_of(&record).0.word()).or_default().add(record.row.rupiah);
    }
    let finished = match run.finished_at {
        Some(at) => format!("{}, exit code {ended}", for_people(at)),
        None => match journal.last_sent(&run.run).await? {
            Some(at) => format!("no: {ended}; its last request left at {}", for_people(at)),
            None => format!("no: {ended}, before a request left"),
        },
    };
    let stopped = run.stopped.as_ref().map(|why| format!("\nstopped part-way: {}", Words::cause_in_english(why)));
    let times = format!("started {}\nfinished {finished}{}", for_people(run.started_at), stopped.unwrap_or_default());
    let name = format!("{} · {} · {} · run {}", run.job, run.operation, run.environment, run.run);
    screen.say(&format!("{}\n{times}\n", screen.tone(Tone::Title, &name)));
    let plan = journal.plan_of(&run.run).await?;
    let overridden = journal.overrides(&run.run).await?;
    if let Some(plan) = &plan {
        screen.say(&format!("{}\n", plan_use::line(plan)));
    }
    screen.paper(|| {
        let states: Vec<(&'static str, Tally)> = states.iter().map(|(state, tally)| (*state, *tally)).collect();
        let doubt = match run.in_doubt {
            0 => "No money is in doubt.".to_owned(),
            count => markdown::title(&format!("MONEY IN DOUBT: {}", counted(count, "item"))),
        };
        let used = plan.as_ref().map(plan_use::line).unwrap_or_default();
        let lists = [times.clone(), used, overrides::lines(&overridden)];
        let lists = lists.iter().filter_map(|lines| markdown::list(lines));
        let parts = [markdown::title(&name), doubt].into_iter().chain(lists);
        parts.chain([markdown::tallies("state now", "rows", &states)]).collect::<Vec<_>>().join("\n\n")
    });
    let rows = states
        .iter()
        .map(|(state, tally)| vec![(*state).to_owned(), tally.count.to_string(), tally.rupiah.to_string()]);
    screen.say(&table::plain(&["state now", "rows", "rupiah"], rows.collect(), 1..3));
    if !overridden.is_empty() {
        screen.say(&format!("\n{}", printable_lines(&overrides::lines(&overridden))));
    }
    let mut document = serde_json::json!({
        "version": 1, "run": run.run, "job": run.job, "exit_code": run.exit_code, "states": states,
        "started_at": wire(run.started_at), "finished_at": run.finished_at.map(wire),
        "stopped": run.stopped.as_ref().map(Words::cause_in_english),
        "overrides": overridden,
    });
    if let Some(plan) = plan {
        document["plan"] = serde_json::json!(plan);
    }
    screen.document(document.to_string().as_bytes());
    Ok(())
}
