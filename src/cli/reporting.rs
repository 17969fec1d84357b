//! The end of a run: what the journal knows by now, judged against the notifications, written and printed.

use std::collections::HashSet;

use super::busy::{Busy, with};
use super::closing::Closing;
use super::conclude::{Ending, conclude};
use super::exit::{Completion, DOUBT, Failure, STOPPED};
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
use crate::journal::record::Finished;
use crate::journal::state::State;
use crate::journal::{Journal as _, JournalError};
use crate::model::ids::InvoiceNumber;
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
    let (case, journal) = (session.case, &session.journal);
    let Begun { run, plan, used, started_at, way, .. } = begun;
    let plan = &*plan;
    let unread = |error: JournalError| open::unread(case, &error);
    // Read again: notifications may have arrived during the run. A log that has gone is no reason to write nothing.
    let log = session.log().unwrap_or_else(|failure| {
        screen.warn(&both(
            format!("{failure}\nthe notifications count as they were before the run"),
            format!("{failure}\nyang dipakai notifikasi sebelum proses ini berjalan"),
        ));
        log_before
    });
    if let Err(failure) = session.note_contradictions(&log).await {
        screen.warn(&failure.to_string());
    }
    let missing = take_in::take_in_what_is_left(case, journal, screen).await;
    let read = ReadBack::all(case, plan, journal, &run).await?;
    let (other_amounts, earlier) = doubts(session, &read.in_doubt).await.map_err(unread)?;
    let mut in_doubt_earlier = session.in_doubt_elsewhere(&read.in_doubt).await.map_err(unread)?;
    let (in_doubt_elsewhere, mut other_jobs) = plan.in_doubt_elsewhere();
    in_doubt_earlier.merge(in_doubt_elsewhere);
    in_doubt_earlier.merge(missing);
    let (conflicts, jobs) = session.conflicts_of_other_jobs(plan).await.map_err(unread)?;
    in_doubt_earlier.merge(conflicts);
    other_jobs.extend(jobs);
    let head = journal.head().await.map_err(unread)?;
    let now = SystemClock.now();
    let flow = read.flow.clone();
    let books = read.books_of((case, plan, journal, &run), &log, now).await?;
    // A picture that is missing keeps nobody from the results.
    let illustrated =
        Illustrated::of_run(case, journal, (plan, &run), &books.highlights, flow).await.unwrap_or_else(|error| {
            screen.warn(&both(
                format!("report.html lacks what only the journal knows: {error}"),
                format!("report.html tidak memuat hal yang hanya diketahui jurnal: {error}"),
            ));
            Illustrated::default()
        });
    let ending = Ending {
        run: Some(run.to_string()),
        input: plan.input_tally(),
        books,
        dispositions: plan.dispositions(),
        guards: plan.guards.clone(),
        overrides: if way == Way::Joint {
            journal.overrides(&run).await.map_err(unread)?
        } else {
            case.overridden(plan)
        },
        hosts: journal.hosts(&run).await.map_err(unread)?,
        plan: used,
        illustrated,
        in_doubt_earlier,
        earlier,
        other_jobs,
        other_amounts,
        period: None,
        log: None,
        journal: head.map(|head| JournalHead { entries: head.seq, head: head.hash }),
        journal_doubts: None,
        started_at,
        now,
        limits: Some(limits_seen(&case.job.limits, &sent.seen)),
        completion: if sent.stop.is_some() { Completion::PartWay } else { Completion::Whole },
        stopped: session.cause(sent.stop.as_ref()),
    };
    let mut conclusion = conclude(case, ending);
    let (runner, left) = (journal.runner().map_err(unread)?, run.clone());
    let closing = runner.filter(|_| way == Way::Joint).map(|runner| Closing::of(case, &run, runner));
    let written = conclusion.write(case, closing.as_ref().map(|closing| closing.folder.as_path())).await;
    if written.is_err() {
        conclusion.stays_unwritten();
    }
    let code = conclusion.summary.exit_code;
    // The others tell where it is.
    if let Err(error) = journal.reported(&run, &conclusion.folder(case)).await {
        screen.warn(&error.to_string());
    }
    let recorded = journal
        .finish_run(Finished { run, at: now, exit_code: code, stopped: conclusion.summary.stopped.clone() })
        .await;
    if recorded.is_err() {
        conclusion.stays_unrecorded();
        let why = conclusion.summary.stopped.clone().unwrap_or(Cause::Unrecorded);
        left::note(&case.journal, &left, why);
    }
    let recorded = match closing {
        None => recorded.map_err(|error| Failure::Journal(error.to_string())),
        Some(closing) => closing.end(&recorded, journal).await.inspect_err(|_| conclusion.stays_unwritten()),
    };
    drop(busy);
    conclusion.print(case, screen);
    session.warn_of_other_doubts(screen).await;
    if sent.stop.is_none() {
        unsent::warn(session, &left, screen).await;
    }
    let Err(lost) = written.and(recorded) else { return Ok(code) };
    screen.failure(&lost);
    Ok(if code == DOUBT { DOUBT } else { STOPPED })
}

/// What the job has in doubt: what was answered with other amounts, and what no row goes on with; those are `here`.
async fn doubts(
    session: &Session<'_>,
    here: &HashSet<InvoiceNumber>,
) -> Result<(OtherAmounts, Vec<(InvoiceNumber, State)>), JournalError> {
    let mut doubts = session.doubts().await?;
    let other_amounts = OtherAmounts::among(&doubts, here);
    doubts.retain(|item| !here.contains(&item.identity.invoice));
    Ok((other_amounts, doubts.into_iter().map(|item| (item.identity.invoice, item.state)).collect()))
}
