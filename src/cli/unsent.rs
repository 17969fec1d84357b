//! What earlier runs of the job were stopped before, and what nobody has sent since. Another night has another file: without a word
//! such orders would be forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use super::exit::{DONE, LOOK};
use super::pieces::Pieces;
use super::screen::Screen;
use super::session::Session;
use crate::journal::record::{RowFate, RowRecord, RunRecord};
use crate::journal::state::State;
use crate::journal::{Journal as _, JournalError};
use crate::model::ids::RunId;
use crate::model::money::Tally;
use crate::model::time::{BusinessDate, elapsed};
use crate::report::words::both::{Both, both, counted};
use crate::report::words::speech::Unit;

/// Runs that began so long ago are looked at; what is older was looked at by every run since.
const LOOK_BACK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Warns of them, run by run; `run` is the one that has just come to its end.
pub(super) async fn warn(session: &Session<'_>, run: &RunId, screen: Screen) {
    // It is a help to remember, and nothing that this run has promised.
    let Ok(runs) = session.journal.runs().await else { return };
    // The last one of a day had all that those before it had left.
    let mut days = BTreeSet::new();
    for earlier in runs.iter().filter(|earlier| earlier.run != *run && may_have_left_some(session, earlier)) {
        if !days.insert(BusinessDate::of(earlier.started_at)) {
            continue;
        }
        let Ok(unsent) = unsent(session, &earlier.run).await else { continue };
        if unsent.count > 0 {
            screen.warn(&told(session, earlier, unsent));
        }
    }
}

/// Whether it is a run of the same job, of late, that did not come to its end.
fn may_have_left_some(session: &Session<'_>, earlier: &RunRecord) -> bool {
    let (case, operation) = (session.case, session.account.operation);
    let is_of_job = earlier.job == case.job.name.as_str()
        && earlier.operation == operation.word()
        && earlier.environment == case.job.merchant.environment.word();
    let has_ended = matches!(earlier.exit_code, Some(DONE | LOOK)) && earlier.stopped.is_none();
    is_of_job && !has_ended && elapsed(earlier.started_at, session.started_at) <= LOOK_BACK
}

async fn unsent(session: &Session<'_>, run: &RunId) -> Result<Tally, JournalError> {
    let (mut unsent, mut pieces) = (Tally::default(), Pieces::of(&session.journal, run));
    while let Some(rows) = pieces.next().await? {
        rows.iter().filter(|row| is_unsent(row)).for_each(|row| unsent.add(row.row.rupiah));
    }
    Ok(unsent)
}

fn is_unsent(row: &RowRecord) -> bool {
    row.row.fate == RowFate::Send && row.item.as_ref().is_none_or(|item| item.state == State::Planned)
}

fn told(session: &Session<'_>, earlier: &RunRecord, unsent: Tally) -> Both {
    let (run, rupiah) = (&earlier.run, unsent.rupiah);
    let Both { english, indonesian } = counted(unsent.count, Unit::Orders);
    let command = session.case.command_on("run", BusinessDate::of(earlier.started_at));
    // The journal does not keep the date that a run was given.
    let of_which_day = if command.contains(" --date ") {
        both(
            ", of the day it began unless it was given another --date",
            ", dari hari proses itu dimulai kecuali diberi --date lain",
        )
    } else {
        Both::same("")
    };
    both(
        format!(
            "not sent: run {run} of this job was stopped before {english}, {rupiah}, and nobody has sent them since\n  \
             hint: with the orders of that run{}: {command}",
            of_which_day.english
        ),
        format!(
            "belum dikirim: proses {run} dari job ini dihentikan sebelum {indonesian}, {rupiah}, dan sesudah itu belum ada yang \
             mengirimnya\n  saran: dengan data pesanan proses itu{}: {command}",
            of_which_day.indonesian
        ),
    )
}
