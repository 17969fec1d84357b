//! The end of a run: what the journal knows by now, judged against the notifications, written and printed.

use std::collections::{BTreeSet, HashSet};

use super::busy::{Busy, with};
use super::closing::Closing;
use super::conclude::{Conclusion, Ending, conclude};
use super::exit::{Completion, Failure};
use super::illustrate::Illustrated;
use super::joint::{Begun, Way};
use super::left;
use super::open;
use super::other_amounts::OtherAmounts;
use super::pace::limits_seen;
use super::read_back::ReadBack;
use super::screen::Screen;
use super::session::{Sent, Session};
use super::take_in;
use super::unsent;
use crate::edge::clock::SystemClock;
use crate::journal::cause::Cause;
use crate::journal::state::State;
use crate::journal::{Journal as _, JournalError};
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::Tally;
use crate::plan::Plan;
use crate::reconcile::evidence::Log;
use crate::report::summary::JournalHead;
use crate::report::words::both::both;
use crate::runner::clock::Clock as _;

/// Reads back what the journal knows, judges it against the log, writes the files and prints the tables.
pub(super) async fn report(
    session: &Session<'_>,
    begun: Begun,
    log_before: Log,
    sent: &Sent,
    screen: Screen,
) -> Result<u8, Failure> {
    let busy = Busy::with(screen, with::report());
    let (run, way) = (begun.run.clone(), begun.way);
    let log = log_by_now(session, log_before, screen);
    if let Err(failure) = session.note_contradictions(&log).await {
        screen.warn(&failure.to_string());
    }
    let mut conclusion = conclude(session.case, ending(session, begun, &log, sent, screen).await?);
    let closing = match (way, session.journal.runner().map_err(|error| open::unread(session.case, &error))?) {
        (Way::Joint, Some(runner)) => Some(Closing::of(session.case, &run, runner)),
        (Way::Alone, _) | (Way::Joint, None) => None,
    };
    let kept = keep(session, &run, closing, &mut conclusion, screen).await;
    drop(busy);
    conclusion.print(session.case, screen);
    session.warn_of_other_doubts(screen).await;
    if sent.stop.is_none() {
        unsent::warn(session, &run, screen).await;
    }
    if let Err(lost) = kept {
        screen.failure(&lost);
    }
    Ok(conclusion.summary.exit_code)
}

/// The log is read again: notifications may have arrived during the run. One that has gone is no reason to write nothing.
fn log_by_now(session: &Session<'_>, log_before: Log, screen: Screen) -> Log {
    session.log().unwrap_or_else(|failure| {
        screen.warn(&both(
            format!("{failure}\nthe notifications count as they were before the run"),
            format!("{failure}\nyang dipakai notifikasi sebelum proses ini berjalan"),
        ));
        log_before
    })
}

/// What the journal knows by now of the run and of doubt beside it, judged against the log.
async fn ending(
    session: &Session<'_>,
    begun: Begun,
    log: &Log,
    sent: &Sent,
    screen: Screen,
) -> Result<Ending, Failure> {
    let (case, journal) = (session.case, &session.journal);
    let Begun { run, plan, used, started_at, way, .. } = begun;
    let plan = &*plan;
    let unread = |error: JournalError| open::unread(case, &error);
    let missing = take_in::take_in_what_is_left(case, journal, screen).await;
    let read = ReadBack::all(case, plan, journal, &run).await?;
    let beside = Beside::of(session, plan, &read.in_doubt, missing).await.map_err(unread)?;
    let head = journal.head().await.map_err(unread)?;
    let now = SystemClock.now();
    let flow = read.flow.clone();
    let books = read.books_of((case, plan, journal, &run), log, now).await?;
    // A picture that is missing keeps nobody from the results.
    let illustrated =
        Illustrated::of_run(case, journal, (plan, &run), &books.highlights, flow).await.unwrap_or_else(|error| {
            screen.warn(&both(
                format!("report.html lacks what only the journal knows: {error}"),
                format!("report.html tidak memuat hal yang hanya diketahui jurnal: {error}"),
            ));
            Illustrated::default()
        });
    let overrides = match way {
        Way::Joint => journal.overrides(&run).await.map_err(unread)?,
        Way::Alone => case.overridden(plan),
    };
    Ok(Ending {
        run: Some(run.to_string()),
        input: plan.input_tally(),
        books,
        dispositions: plan.dispositions(),
        guards: plan.guards.clone(),
        overrides,
        hosts: journal.hosts(&run).await.map_err(unread)?,
        plan: used,
        illustrated,
        in_doubt_earlier: beside.in_doubt,
        earlier: beside.orders,
        other_jobs: beside.jobs,
        other_amounts: beside.other_amounts,
        period: None,
        log: None,
        inputs: None,
        journal: head.map(|head| JournalHead { entries: head.seq, head: head.hash }),
        journal_doubts: None,
        started_at,
        now,
        limits: Some(limits_seen(&case.job.limits, &sent.seen)),
        completion: if sent.stop.is_some() { Completion::PartWay } else { Completion::Whole },
        stopped: session.cause(sent.stop.as_ref()),
    })
}

/// What is in doubt beside the rows of a run that sent them.
struct Beside {
    in_doubt: Tally,
    /// Those of the same job.
    orders: Vec<(InvoiceNumber, State)>,
    /// The jobs that have left orders of this input in doubt.
    jobs: BTreeSet<String>,
    /// What of the job was answered with other amounts, those of its rows too.
    other_amounts: OtherAmounts,
}

impl Beside {
    /// `here` has what is counted with the rows; `missing`, what only an emergency file knows.
    async fn of(
        session: &Session<'_>,
        plan: &Plan,
        here: &HashSet<InvoiceNumber>,
        missing: Tally,
    ) -> Result<Self, JournalError> {
        let mut orders = session.doubts().await?;
        let other_amounts = OtherAmounts::among(&orders, here);
        orders.retain(|item| !here.contains(&item.identity.invoice));
        let (elsewhere, mut jobs) = plan.in_doubt_elsewhere();
        let (conflicts, in_conflict) = session.conflicts_of_other_jobs(plan).await?;
        jobs.extend(in_conflict);
        let mut in_doubt = session.in_doubt_elsewhere(here).await?;
        [elsewhere, missing, conflicts].into_iter().for_each(|more| in_doubt.merge(more));
        Ok(Self {
            in_doubt,
            orders: orders.into_iter().map(|item| (item.identity.invoice, item.state)).collect(),
            jobs,
            other_amounts,
        })
    }
}

/// Writes the files and records the end of the run. What is lost on the way is told in the conclusion as well.
async fn keep(
    session: &Session<'_>,
    run: &RunId,
    closing: Option<Closing>,
    conclusion: &mut Conclusion,
    screen: Screen,
) -> Result<(), Failure> {
    let (case, journal) = (session.case, &session.journal);
    let written = conclusion.write(case, closing.as_ref().map(|closing| closing.folder.as_path())).await;
    if written.is_err() {
        conclusion.stays_unwritten();
    }
    // The others tell where it is.
    if let Err(error) = journal.reported(run, &conclusion.folder(case)).await {
        screen.warn(&error.to_string());
    }
    let recorded = journal.finish_run(conclusion.finished(run.clone())).await;
    if recorded.is_err() {
        conclusion.stays_unrecorded();
        let why = conclusion.summary.stopped.clone().unwrap_or(Cause::Unrecorded);
        left::note(&case.journal, run, why);
    }
    let recorded = match closing {
        None => recorded.map_err(|error| Failure::Journal(error.to_string())),
        Some(closing) => closing.end(&recorded, journal).await.inspect_err(|_| conclusion.stays_unwritten()),
    };
    written.and(recorded)
}
