//! `rekon resolve`: settles what earlier runs of a job left unknown, and sends nothing new.

use super::args::{Common, RunArgs};
use super::embed;
use super::exit::{DONE, DOUBT, Failure, STOPPED};
use super::load;
use super::run::{self, dispatch, in_doubt_elsewhere, open_journal, refuse_unless_live};
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::journal::record::{Finished, NewRun};
use crate::journal::{Account, Journal as _, JournalError};
use crate::model::operation::Task;
use crate::runner::clock::Clock as _;

/// `rekon resolve JOB`.
pub(super) async fn job(args: &RunArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let started_at = SystemClock.now();
    let case = load::case(&args.job, common, started_at)?;
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit leaves nothing unknown", case.file)));
    };
    refuse_unless_live(&case, args.live)?;
    let credentials = case.credentials()?;
    let input = case.input(started_at)?;
    let journal = open_journal(&case.journal)?;
    let refused = |error: JournalError| Failure::Refused(error.to_string());
    let stopped = |error: JournalError| Failure::Stopped(error.to_string());
    journal.recover(started_at).await.map_err(refused)?;
    let account =
        Account { environment: case.job.merchant.environment, client_id: credentials.client_id.clone(), operation };
    let before = in_doubt_elsewhere(&case, &account, &journal, &[]).await.map_err(refused)?;
    let new = NewRun {
        job: case.job.name.to_string(),
        account: account.clone(),
        started_at,
        delimiter: b',',
        header: Vec::new(),
        rows: Vec::new(),
    };
    let run = journal.begin_run(new).await.map_err(refused)?;
    let embedded =
        if case.job.embeds_simulator() { Some(embed::start(&case, &credentials, &input).await?) } else { None };
    let stop = dispatch(&case, &account, &credentials, &run, Vec::new(), &journal, embedded.as_ref(), screen).await?;
    let after = in_doubt_elsewhere(&case, &account, &journal, &[]).await.map_err(stopped)?;
    let code = match (&stop, after.count) {
        (_, 1..) => DOUBT,
        (Some(_), 0) => STOPPED,
        (None, 0) => DONE,
    };
    journal.finish_run(Finished { run, at: SystemClock.now(), exit_code: code }).await.map_err(stopped)?;
    if let Some(stop) = &stop {
        screen.warn(&format!("stopped part-way: {}", run::stop_text(stop)));
    }
    screen.say(&format!(
        "in doubt before: {} items, {}\nin doubt now: {} items, {}",
        before.count, before.rupiah, after.count, after.rupiah
    ));
    let document = serde_json::json!({ "version": 1, "in_doubt_before": before, "in_doubt": after, "exit_code": code });
    screen.document(document.to_string().as_bytes());
    Ok(code)
}
