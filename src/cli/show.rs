//! `rekon show`: runs, one run, or everything known about one invoice.

use std::path::{Path, PathBuf};

use super::args::Common;
use super::exit::{DONE, Failure};
use super::load;
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::job::settings::DEFAULT_JOURNAL;
use crate::journal::record::{Attempt, Item, RunRecord};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::{Journal as _, JournalError};
use crate::model::ids::InvoiceNumber;
use crate::model::money::Tally;
use crate::model::time::for_people;
use crate::reconcile::ends::state_of;
use crate::report::table;
use crate::runner::clock::Clock as _;

/// `rekon show [RUN | INVOICE]`.
pub(super) async fn show(
    what: Option<&str>,
    job: Option<&Path>,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    let path = match job {
        Some(job) => load::case(job, common, SystemClock.now())?.journal,
        None => PathBuf::from(common.journal.as_deref().unwrap_or(DEFAULT_JOURNAL)),
    };
    let refused = |error: JournalError| Failure::Refused(error.to_string());
    let journal = SqliteJournal::open_to_read(&path).map_err(refused)?;
    let Some(journal) = journal else {
        let hint = "name the job with --job, or the journal with --journal";
        return Err(Failure::Refused(format!("{}: there is no journal here; {hint}", path.display())));
    };
    let runs = journal.runs().await.map_err(refused)?;
    let Some(what) = what else {
        list(&runs, screen);
        return Ok(DONE);
    };
    if let Some(run) = runs.iter().find(|run| run.run.as_str() == what) {
        one_run(&journal, run, screen).await.map_err(refused)?;
        return Ok(DONE);
    }
    let history = match InvoiceNumber::new(what) {
        Ok(invoice) => journal.history(&invoice).await.map_err(refused)?,
        Err(_) => Vec::new(),
    };
    if history.is_empty() {
        return Err(Failure::Refused(format!("{what:?} is neither a run nor an invoice of {}", path.display())));
    }
    chain(&history, screen);
    Ok(DONE)
}

fn list(runs: &[RunRecord], screen: Screen) {
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
        &["run", "job", "operation", "environment", "rows", "in doubt", "exit"],
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
    screen.document(serde_json::json!({ "version": 1, "runs": document }).to_string().as_bytes());
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
    let rows = states
        .iter()
        .map(|(state, tally)| vec![(*state).to_owned(), tally.count.to_string(), tally.rupiah.to_string()]);
    screen.say(&table::plain(&["state now", "rows", "rupiah"], rows.collect(), 1..3));
    let document = serde_json::json!({ "version": 1, "run": run.run, "job": run.job, "states": states });
    screen.document(document.to_string().as_bytes());
    Ok(())
}

/// Everything known about an invoice, in the order in which it became known.
fn chain(history: &[(Item, Vec<Attempt>)], screen: Screen) {
    let mut documents = Vec::new();
    for (item, attempts) in history {
        let account = &item.identity.account;
        let title =
            format!("{} · {} · {} · {}", item.identity.invoice, account.operation, account.environment, item.amount);
        screen.say(&format!(
            "{}\nstate {}{}\njob {}, run {}\nrequest id {}\n",
            screen.tone(Tone::Title, &title),
            item.state,
            if item.reason.is_empty() { String::new() } else { format!(" ({})", item.reason) },
            item.job,
            item.run,
            item.request_id
        ));
        let rows = attempts.iter().map(|attempt| {
            vec![
                for_people(attempt.sent_at),
                attempt.kind.clone(),
                if attempt.outcome.is_empty() { "open".to_owned() } else { attempt.outcome.clone() },
                attempt.reason.clone(),
                attempt.facts.http_status.map(|status| status.to_string()).unwrap_or_default(),
                attempt.facts.signature.word().to_owned(),
                attempt.facts.payment_status.clone().unwrap_or_default(),
                attempt.facts.message.clone().unwrap_or_default(),
            ]
        });
        let header = ["sent", "what", "outcome", "reason", "http", "signature", "payment", "message"];
        screen.say(&table::plain(&header, rows.collect(), 4..5));
        documents.push(serde_json::json!({
            "invoice_number": item.identity.invoice, "operation": account.operation, "state": item.state.word(),
            "reason": item.reason, "amount": item.amount, "request_id": item.request_id, "job": item.job,
            "run": item.run, "attempts": item.attempts, "facts": item.facts,
        }));
    }
    screen.document(serde_json::json!({ "version": 1, "items": documents }).to_string().as_bytes());
}
