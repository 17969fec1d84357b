//! `rekon show`: runs and what is in doubt, one run, or everything known about one invoice.

use std::path::Path;

use super::args::Common;
use super::audit::Options;
use super::audit::examine::examine;
use super::chain;
use super::exit::{DONE, Failure};
use super::load::shown;
use super::open::{Place, failure, to_read};
use super::reconcile::present;
use super::screen::{Screen, Tone, printable_lines};
use super::show_plan;
use crate::journal::record::{Item, RunRecord};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::money::Tally;
use crate::model::time::for_people;
use crate::plan::guard::counted;
use crate::reconcile::ends::state_of;
use crate::report::{overrides, plan_use, table};

/// More items in doubt than these are counted only; results.csv has them all.
const MOST_DOUBTS: usize = 50;

/// `rekon show [RUN | INVOICE]`.
pub(super) async fn show(
    what: Option<&str>,
    job: Option<&Path>,
    as_of: Option<&str>,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
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
    let (path, flag) = (&place.path, place.flag());
    let journal = to_read(path, screen)?;
    let runs = journal.runs().await.map_err(failure)?;
    let Some(what) = what else {
        screen.say(&format!("journal {}\n", printable(&shown(path))));
        list(&runs, &journal.doubts().await.map_err(failure)?, &flag, screen);
        return Ok(DONE);
    };
    if let Some(run) = runs.iter().find(|run| run.run.as_str() == what) {
        one_run(&journal, run, screen).await.map_err(failure)?;
        return Ok(DONE);
    }
    let story = match InvoiceNumber::new(what) {
        Ok(invoice) => journal.story(&invoice).await.map_err(failure)?,
        Err(_) => chain::nothing(),
    };
    if story.items.is_empty() && story.mentions.is_empty() {
        return Err(Failure::Refused(format!("{what:?} is neither a run nor an invoice of {}", path.display())));
    }
    chain::show(what, &story, place.case.as_ref(), screen);
    Ok(DONE)
}

/// A saved plan is named by its file; no invoice number is.
fn is_plan(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn list(runs: &[RunRecord], doubts: &[Item], flag: &str, screen: Screen) {
    let ended = |run: &RunRecord| run.exit_code.map_or_else(|| "cut off".to_owned(), |code| code.to_string());
    let rows = runs.iter().map(|run| {
        vec![
            run.run.to_string(),
            run.job.clone(),
            run.operation.clone(),
            run.environment.clone(),
            run.rows.to_string(),
            run.in_doubt.to_string(),
            ended(run),
        ]
    });
    screen.say(&table::plain(
        &["run", "job", "operation", "environment", "rows", "in doubt now", "exit"],
        rows.collect(),
        4..7,
    ));
    let document: Vec<serde_json::Value> = runs
        .iter()
        .map(|run| {
            serde_json::json!({
                "run": run.run, "job": run.job, "operation": run.operation, "environment": run.environment,
                "rows": run.rows, "in_doubt": run.in_doubt, "exit_code": run.exit_code,
            })
        })
        .collect();
    list_doubts(doubts, flag, screen);
    let doubts: Vec<serde_json::Value> = doubts.iter().map(chain::item_document).collect();
    screen.document(serde_json::json!({ "version": 1, "runs": document, "in_doubt": doubts }).to_string().as_bytes());
}

/// The items that nobody knows about, of all runs, and what to type.
fn list_doubts(doubts: &[Item], flag: &str, screen: Screen) {
    let mut tally = Tally::default();
    doubts.iter().for_each(|item| tally.add(item.amount));
    if doubts.is_empty() {
        screen.say(&format!("\n{}", screen.tone(Tone::Good, "no money is in doubt")));
        return;
    }
    let title = format!("MONEY IN DOUBT: {}, {}", counted(tally.count, "item"), tally.rupiah);
    screen.say(&format!("\n{}\n", screen.tone(Tone::Bad, &title)));
    let rows = doubts.iter().take(MOST_DOUBTS).map(|item| {
        vec![
            item.identity.invoice.to_string(),
            item.identity.account.operation.to_string(),
            item.amount.to_string(),
            item.state.to_string(),
            item.reason.clone(),
            for_people(item.first_intent_at),
            item.job.clone(),
        ]
    });
    let header = ["invoice", "operation", "rupiah", "state", "reason", "first sent", "job"];
    screen.say(&table::plain(&header, rows.collect(), 2..3));
    if doubts.len() > MOST_DOUBTS {
        screen.say(&format!("and {} more", doubts.len() - MOST_DOUBTS));
    }
    screen.say(&format!(
        "\n  one of them: rekon show INVOICE {flag}\n  intent, unknown: run the job again, or rekon resolve JOB\n  \
         review, conflict: rekon rule INVOICE --operation OPERATION --as done|not-done --reason TEXT --evidence TEXT {flag}"
    ));
}

async fn one_run(journal: &SqliteJournal, run: &RunRecord, screen: Screen) -> Result<(), JournalError> {
    let mut states: std::collections::BTreeMap<&'static str, Tally> = std::collections::BTreeMap::new();
    for record in journal.rows(&run.run).await? {
        states.entry(state_of(&record).0.word()).or_default().add(record.row.rupiah);
    }
    let finished = run.finished_at.map_or_else(|| "cut off before its end".to_owned(), for_people);
    screen.say(&format!(
        "{}\nstarted {}\nfinished {finished}\n",
        screen.tone(Tone::Title, &format!("{} · {} · {} · run {}", run.job, run.operation, run.environment, run.run)),
        for_people(run.started_at)
    ));
    let plan = journal.plan_of(&run.run)?;
    if let Some(plan) = &plan {
        screen.say(&format!("{}\n", plan_use::line(plan)));
    }
    let rows = states
        .iter()
        .map(|(state, tally)| vec![(*state).to_owned(), tally.count.to_string(), tally.rupiah.to_string()]);
    screen.say(&table::plain(&["state now", "rows", "rupiah"], rows.collect(), 1..3));
    let overridden = journal.overrides(&run.run).await?;
    if !overridden.is_empty() {
        screen.say(&format!("\n{}", printable_lines(&overrides::lines(&overridden))));
    }
    let mut document = serde_json::json!({
        "version": 1, "run": run.run, "job": run.job, "states": states, "overrides": overridden,
    });
    if let Some(plan) = plan {
        document["plan"] = serde_json::json!(plan);
    }
    screen.document(document.to_string().as_bytes());
    Ok(())
}
