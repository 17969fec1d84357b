//! `rekon show`: which of its views is asked for, and that of one run.

use std::collections::BTreeMap;
use std::path::Path;

use super::args::Common;
use super::at_work::{AtWork, UnderWay};
use super::audit::Options;
use super::audit::examine::examine;
use super::chain;
use super::exit::{DONE, Failure, LOOK};
use super::left;
use super::load::{named, shown};
use super::open::{Place, failure, is_there, to_read};
use super::reconcile::present;
use super::screen::{Screen, Tone, printable_lines};
use super::show_plan;
use super::show_runs;
use crate::edge::files;
use crate::job::settings::Period;
use crate::journal::record::{Item, RunRecord};
use crate::journal::store::Store;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::Tally;
use crate::model::time::wire;
use crate::reconcile::ends::state_of;
use crate::reconcile::evidence::DoneState;
use crate::report::hosts::{self, WorkedOn};
use crate::report::words::Words;
use crate::report::words::speech::{Speech, Unit};
use crate::report::{markdown, table};

/// What is to be shown, and how an audit is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// A run, an invoice or a saved plan.
    pub(super) what: Option<&'a str>,
    /// The clock of an audit.
    pub(super) as_of: Option<&'a str>,
    /// The business days of an audit; `None`: as the job says.
    pub(super) period: Option<Period>,
}

/// `rekon show [RUN | INVOICE]`.
pub(super) async fn show(
    Asked { what, as_of, period }: Asked<'_>,
    job: Option<&Path>,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    if screen.is_markdown() {
        let place = Place::of(job, common)?;
        there_are_runs(&place, what).await?;
        return on_paper(what, &place, (words(&place, common), screen)).await;
    }
    if let Some(plan) = what.map(Path::new).filter(|path| is_plan(path)) {
        return show_plan::show(plan, job, common, screen).await;
    }
    let place = Place::of(job, common)?;
    if period.is_some() && place.audit().is_none() {
        return Err(Failure::Refused("--period is for audits; this job is none".to_owned()));
    }
    there_are_runs(&place, what).await?;
    if let (Some(invoice), Some(case)) = (what, place.audit()) {
        // The audit's own view, and nothing of the journal's but what it takes for evidence.
        let options = Options { now: present(as_of)?, period, memory: None, parts: None, threads: None };
        if examine(case, invoice, options, screen.speaking(case.language)).await? {
            return Ok(DONE);
        }
        return Err(Failure::Refused(format!("{invoice:?} is not among the orders of {}", case.file)));
    }
    let (location, flag, words) = (&place.location, place.flag(), words(&place, common));
    let screen = place.case.as_ref().map_or(screen, |case| screen.speaking(case.language));
    let journal = to_read(location, screen).await?;
    let mut runs = journal.runs().await.map_err(failure)?;
    let at_work = AtWork::on(&journal, location).await.map_err(failure)?;
    left::explain(location, &mut runs, &at_work);
    let Some(what) = what else {
        screen.say(&format!("{} {}\n", words.journal, printable(&named(location))));
        let doubts = journal.doubts().await.map_err(failure)?;
        let (under_way, doubts): (Vec<Item>, Vec<Item>) = doubts.into_iter().partition(|item| at_work.has(item));
        for run in &mut runs {
            let here = under_way.iter().filter(|item| item.run == run.run).count() as u64;
            run.in_doubt = run.in_doubt.saturating_sub(here);
        }
        // Where nothing is in doubt, no rows have to be read to count none.
        let may_have_left = |run: &&mut RunRecord| {
            !doubts.is_empty() && !matches!(run.exit_code, Some(DONE | LOOK)) && !at_work.is_on(&run.run)
        };
        for run in runs.iter_mut().filter(may_have_left) {
            let (states, _) = states(&journal, run, &at_work).await.map_err(failure)?;
            run.in_doubt = show_runs::in_doubt(run.in_doubt, &states);
        }
        show_runs::list((&runs, &at_work), (&under_way, &doubts), &flag, (words, screen));
        return Ok(DONE);
    };
    if let Some(run) = runs.iter().find(|run| run.run.as_str() == what) {
        one_run(&journal, run, &at_work, (words, screen)).await.map_err(failure)?;
        return Ok(DONE);
    }
    let story = match InvoiceNumber::new(what) {
        Ok(invoice) => journal.story(&invoice).await.map_err(failure)?,
        Err(_) => chain::nothing(),
    };
    if story.items.is_empty() && story.mentions.is_empty() {
        return Err(Failure::Refused(format!("{what:?} is neither a run nor an invoice of {}", named(location))));
    }
    chain::show(what, &story, (&runs, &at_work), (place.case.as_ref(), &flag), (words, screen));
    Ok(DONE)
}

/// Whether runs can be looked at: an audit keeps none. Of its reports the files speak, and of orders the audit itself.
///
/// # Errors
/// Somebody looks for a report of the audit, or for its runs where there is no journal.
async fn there_are_runs(place: &Place, what: Option<&str>) -> Result<(), Failure> {
    let Some(case) = place.audit() else { return Ok(()) };
    let reports = case.output_folder();
    let found = match what {
        None if is_there(&place.location).await? => None,
        None => Some(reports),
        Some(name) => RunId::new(name).ok().map(|run| reports.join(run.as_str())).filter(|report| is_report(report)),
    };
    match found {
        None => Ok(()),
        Some(folder) => Err(Failure::Refused(format!(
            "{}: an audit keeps no runs; its files are in {}; why an order has its verdict: rekon show INVOICE --job {}",
            case.file,
            printable(&shown(&folder)),
            printable(&case.file)
        ))),
    }
}

/// Whether a folder has what an audit has found.
fn is_report(folder: &Path) -> bool {
    files::size(&folder.join("summary.json")) > 0
}

/// One run as Markdown; there is none of the other views.
async fn on_paper(what: Option<&str>, place: &Place, (words, screen): (&Speech, Screen)) -> Result<u8, Failure> {
    let of_a_run = || Failure::Refused("--format md is for one run: rekon show RUN --format md".to_owned());
    let what = what.ok_or_else(of_a_run)?;
    let journal = to_read(&place.location, screen).await?;
    let mut runs = journal.runs().await.map_err(failure)?;
    let at_work = AtWork::on(&journal, &place.location).await.map_err(failure)?;
    left::explain(&place.location, &mut runs, &at_work);
    let run = runs.iter().find(|run| run.run.as_str() == what).ok_or_else(of_a_run)?;
    one_run(&journal, run, &at_work, (words, screen)).await.map_err(failure)?;
    Ok(DONE)
}

/// The words of the reader: of `--lang`, else of the job.
fn words(place: &Place, common: &Common) -> &'static Speech {
    Speech::of(place.case.as_ref().map_or(common.lang.unwrap_or_default(), |case| case.language))
}

/// A saved plan is named by its file; no invoice number is.
fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// The rows of a run by their states now, and what is under way of them.
async fn states(
    journal: &Store,
    run: &RunRecord,
    at_work: &AtWork,
) -> Result<(BTreeMap<DoneState, Tally>, UnderWay), JournalError> {
    let (mut states, mut under_way) = (BTreeMap::<DoneState, Tally>::new(), UnderWay::default());
    for record in journal.rows(&run.run).await? {
        match record.item.as_ref().filter(|item| at_work.has(item)) {
            Some(item) => under_way.add(item),
            None => states.entry(state_of(&record).0).or_default().add(record.row.rupiah),
        }
    }
    Ok((states, under_way))
}

async fn one_run(
    journal: &Store,
    run: &RunRecord,
    at_work: &AtWork,
    (words, screen): (&Speech, Screen),
) -> Result<(), JournalError> {
    let ended = show_runs::ended_with(run, at_work, words);
    let (states, under_way) = states(journal, run, at_work).await?;
    let doubt = match show_runs::in_doubt(run.in_doubt.saturating_sub(under_way.tally.count), &states) {
        0 => None,
        count => Some(format!("{}: {}", words.money_in_doubt, (words.counted)(count, Unit::Items))),
    };
    let finished = if let Some(at) = run.finished_at {
        (words.finished)(&(words.time)(at), &ended)
    } else {
        let last = journal.last_sent(&run.run).await?.map(words.time);
        (words.not_finished)(&ended, last.as_deref())
    };
    let stopped = run.stopped.as_ref().map(|why| format!("\n{}", (words.stopped)(why))).unwrap_or_default();
    let times = format!("{}\n{finished}{stopped}", (words.started)(&(words.time)(run.started_at)));
    let name = words.title(&run.job, &run.operation, &run.environment, &format!("{} {}", words.run, run.run));
    screen.say(&format!("{}\n{times}\n", screen.tone(Tone::Title, &name)));
    let hosts: Vec<WorkedOn> = journal.hosts(&run.run).await?.into_iter().map(WorkedOn::from).collect();
    if let Some(line) = hosts::line(&hosts) {
        screen.say(&format!("{}\n", screen.told(&line)));
    }
    let plan = journal.plan_of(&run.run).await?;
    let overridden = journal.overrides(&run.run).await?;
    if let Some(plan) = &plan {
        screen.say(&format!("{}\n", (words.plan_used)(plan)));
    }
    let mut named: Vec<(String, Tally)> =
        states.iter().map(|(state, tally)| ((words.state_name)(*state), *tally)).collect();
    if under_way.tally.count > 0 {
        named.push((words.under_way.to_owned(), under_way.tally));
    }
    screen.paper(|| {
        let doubt = doubt.as_ref().map_or_else(|| words.no_doubt_sentence.to_owned(), |doubt| markdown::title(doubt));
        let used = plan.as_ref().map(words.plan_used).unwrap_or_default();
        let lists = [times.clone(), used, words.overrides(&overridden)];
        let lists = lists.iter().filter_map(|lines| markdown::list(lines));
        let parts = [markdown::title(&name), doubt].into_iter().chain(lists);
        parts.chain([markdown::tallies(words.state_now, words.rows, &named, words)]).collect::<Vec<_>>().join("\n\n")
    });
    let rows =
        named.iter().map(|(state, tally)| vec![state.clone(), (words.count)(tally.count), tally.rupiah.to_string()]);
    screen.say(&table::plain(&[words.state_now, words.rows, words.rupiah], rows.collect(), 1..3));
    if !overridden.is_empty() {
        screen.say(&format!("\n{}", printable_lines(&words.overrides(&overridden))));
    }
    if at_work.is_on(&run.run) {
        screen.say(&format!("\n{}", screen.told(&under_way.told(&at_work.who(Some(&run.run))))));
    }
    if let Some(doubt) = doubt {
        screen.say(&format!("\n{}", screen.tone(Tone::Bad, &doubt)));
    }
    let states: BTreeMap<&str, Tally> = states.into_iter().map(|(state, tally)| (state.word(), tally)).collect();
    let mut document = serde_json::json!({
        "version": 1, "run": run.run, "job": run.job, "exit_code": run.exit_code, "states": states,
        "under_way": under_way.tally,
        "started_at": wire(run.started_at), "finished_at": run.finished_at.map(wire),
        "stopped": run.stopped.as_ref().map(Words::cause_in_english), "overrides": overridden,
    });
    if let Some(plan) = plan {
        document["plan"] = serde_json::json!(plan);
    }
    screen.document(document.to_string().as_bytes());
    Ok(())
}
