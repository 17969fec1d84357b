//! `rekon resolve`: settles what earlier runs of a job left unknown, and sends nothing new.

use std::collections::HashSet;

use super::args::{Common, RunArgs};
use super::attend;
use super::embed;
use super::exit::{DONE, DOUBT, Failure, STOPPED};
use super::interrupt::{Signals, Stopping};
use super::joint::{self, Way};
use super::load::{self, Case};
use super::other_amounts::OtherAmounts;
use super::screen::{Screen, Tone};
use super::session::Session;
use super::take_in::take_in_what_is_left;
use crate::edge::clock::SystemClock;
use crate::journal::record::Finished;
use crate::journal::state::State;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::Timestamp;
use crate::runner::clock::Clock as _;
use crate::runner::dispatch::Fresh;
use crate::runner::dispatch::Stop;

/// `rekon resolve JOB`.
pub(super) async fn job(args: &RunArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let (started_at, signals) = (SystemClock.now(), Signals::listen(Stopping::Early, screen));
    let mut case = load::case(&args.job, common, started_at)?;
    let screen = screen.speaking(case.language);
    case.told.signals = signals.speaking(case.language);
    args.overrides.refuse("resolve sends nothing new")?;
    attend::logged(&case, screen, Box::pin(settle(&case, args.live, started_at, screen))).await
}

async fn settle(case: &Case, live: bool, started_at: Timestamp, screen: Screen) -> Result<u8, Failure> {
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit leaves nothing unknown", case.file)));
    };
    case.refuse_unless_live(live)?;
    // Today's orders are not needed to settle yesterday's; only a rehearsal makes its provider of them.
    let input = if embed::needs_input(case) { Some(case.input(started_at)?) } else { None };
    let session = Session::open(case, operation, input.as_ref(), started_at, screen).await?;
    joint::others(&session, Way::Alone, None, screen).await?;
    let stopped = |error: JournalError| Failure::Stopped(error.to_string());
    // A log that is not there says nothing, and keeps nobody from settling.
    if let Ok(log) = session.log() {
        session.note_contradictions(&log).await?;
    }
    let before = session.in_doubt_elsewhere(&HashSet::new()).await.map_err(stopped)?;
    let doubts = session.doubts().await.map_err(stopped)?;
    case.told.signals.begin()?;
    let run = session.begin_settling().await?;
    let stop = session.send_and_settle(&run, Fresh::none(), session.unsettled().await?, None).await?.stop;
    let missing = take_in_what_is_left(case, &session.journal, screen).await;
    let mut after = session.in_doubt_elsewhere(&HashSet::new()).await.map_err(stopped)?;
    after.merge(missing);
    let settled = session.settled(doubts).await.map_err(stopped)?;
    let code = exit_code(stop.as_ref(), after);
    let stopped = session.cause(stop.as_ref()).filter(|_| code != DONE);
    let finished = Finished { run, at: SystemClock.now(), exit_code: code, stopped: stopped.clone() };
    let code = match session.journal.finish_run(finished).await {
        Ok(()) => code,
        Err(error) => {
            screen.warn(&error.to_string());
            if code == DOUBT { DOUBT } else { STOPPED }
        }
    };
    if let Some(stopped) = &stopped {
        screen.warn(&(case.words().stopped)(stopped));
    }
    let words = case.words();
    let named = |word: &str| State::from_word(word).map_or_else(|| word.to_owned(), words.item_state);
    let ways = settled.iter().map(|(state, tally)| format!("  {}", (words.settled_as)(&named(state), *tally)));
    let first = std::iter::once((words.doubt_before)(before));
    let lines: Vec<String> = first.chain(ways).chain([(words.doubt_now)(after)]).collect();
    screen.say(&lines.join("\n"));
    if code == DOUBT {
        let title = format!("{} {}", (words.items_in_doubt)(after), (words.exit_code)(DOUBT));
        let place = format!("--journal {}", printable(&load::named(&case.journal)));
        // What cannot be read any more makes the doubt no smaller.
        let doubts = session.doubts().await.unwrap_or_default();
        let mut lines = vec![screen.tone(Tone::Bad, &title)];
        lines.extend(OtherAmounts::among(&doubts, &HashSet::new()).lines(case));
        lines.push((words.which_and_what)(&place));
        screen.say(&lines.join("\n  "));
    }
    if code == DONE {
        screen.say(&(words.nothing_new)(&case.command("run")));
    }
    let document = serde_json::json!({ "version": 1, "in_doubt_before": before, "settled": settled, "in_doubt": after, "exit_code": code });
    screen.document(document.to_string().as_bytes());
    session.close().await;
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
