//! `rekon resolve`: settles what earlier runs of a job left unknown, and sends nothing new.

use std::collections::{BTreeMap, HashSet};

use super::args::{Common, RunArgs};
use super::attend;
use super::embed;
use super::exit::{DONE, DOUBT, Failure, STOPPED};
use super::joint::{self, Way};
use super::load::{self, Case};
use super::run::{refuse_unless_live, stop_text};
use super::screen::{Screen, Tone};
use super::session::Session;
use crate::edge::clock::SystemClock;
use crate::journal::record::Finished;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::Timestamp;
use crate::plan::guard::counted;
use crate::runner::clock::Clock as _;
use crate::runner::dispatch::Fresh;
use crate::runner::dispatch::Stop;

/// `rekon resolve JOB`.
pub(super) async fn job(args: &RunArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let started_at = SystemClock.now();
    let case = load::case(&args.job, common, started_at)?;
    args.overrides.refuse("resolve sends nothing new")?;
    attend::logged(&case, screen, Box::pin(settle(&case, args.live, started_at, screen))).await
}

async fn settle(case: &Case, live: bool, started_at: Timestamp, screen: Screen) -> Result<u8, Failure> {
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit leaves nothing unknown", case.file)));
    };
    refuse_unless_live(case, live)?;
    // Today's orders are not needed to settle yesterday's; only a rehearsal makes its provider of them.
    let input = if embed::needs_input(case) { Some(case.input(started_at)?) } else { None };
    let session = Session::open(case, operation, input.as_ref(), started_at, screen).await?;
    joint::others(&session, Way::Alone, screen).await?;
    let stopped = |error: JournalError| Failure::Stopped(error.to_string());
    // A log that is not there says nothing, and keeps nobody from settling.
    if let Ok(log) = session.log() {
        session.note_contradictions(&log).await?;
    }
    let before = session.in_doubt_elsewhere(&HashSet::new()).await.map_err(stopped)?;
    let doubts = session.doubts().await.map_err(stopped)?;
    let run = session.begin_settling().await?;
    let stop = session.send_and_settle(&run, Fresh::none(), session.unsettled().await?).await?.stop;
    let after = session.in_doubt_elsewhere(&HashSet::new()).await.map_err(stopped)?;
    let settled = session.settled(doubts).await.map_err(stopped)?;
    let code = exit_code(stop.as_ref(), after);
    let finished = Finished { run, at: SystemClock.now(), exit_code: code };
    let code = match session.journal.finish_run(finished).await {
        Ok(()) => code,
        Err(error) => {
            screen.warn(&error.to_string());
            if code == DOUBT { DOUBT } else { STOPPED }
        }
    };
    if let Some(stop) = stop.as_ref().filter(|_| code != DONE) {
        screen.warn(&format!("stopped part-way: {}", stop_text(stop)));
    }
    let ways: Vec<String> = settled
        .iter()
        .map(|(state, tally)| format!("  settled as {state}: {}, {}\n", tally.count, tally.rupiah))
        .collect();
    let ways = ways.concat();
    screen.say(&format!(
        "in doubt before: {}, {}\n{ways}in doubt now: {}, {}",
        counted(before.count, "item"),
        before.rupiah,
        counted(after.count, "item"),
        after.rupiah
    ));
    if code == DOUBT {
        let title = format!("MONEY IN DOUBT: {}, {} (exit code {DOUBT})", counted(after.count, "item"), after.rupiah);
        screen.say(&format!(
            "{}\n  which ones, and what to type: rekon show --journal {}",
            screen.tone(Tone::Bad, &title),
            printable(&load::named(&case.journal))
        ));
    }
    if code == DONE {
        screen.say(&format!("nothing new was sent; what is still to be sent: rekon run {}", case.typed));
    }
    let document = serde_json::json!({ "version": 1, "in_doubt_before": before, "settled": settled, "in_doubt": after, "exit_code": code });
    screen.document(document.to_string().as_bytes());
    Ok(code)
}

/// What a run that only settles ends with. An open breaker is no reason to come again if nothing is left in doubt.
pub(super) const fn exit_code(stop: Option<&Stop>, left: Tally) -> u8 {
    match (stop, left.count) {
        (_, 1..) => DOUBT,
        (None | Some(Stop::Breaker(_)), 0) => DONE,
        (Some(_), 0) => STOPPED,
    }
}

/// Orders by the state in which they were settled.
pub(super) type Settled = BTreeMap<&'static str, Tally>;
