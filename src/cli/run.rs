//! `rekon run`: the whole flow, as a story.

use super::args::{AuditArgs, Common, FlagArgs, RunArgs};
use super::by_flags;
use super::conclude::{Ending, conclude};
use super::exit::{Completion, DOUBT, Failure, STOPPED};
use super::load::{self, Case};
use super::pace::limits_seen;
use super::reconcile;
use super::screen::{Screen, Tone};
use super::session::{Sent, Session};
use crate::doku::answer::Halt;
use crate::edge::clock::SystemClock;
use crate::job::settings::OnInvalid;
use crate::journal::record::Finished;
use crate::journal::{Journal as _, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::RunId;
use crate::model::operation::{Operation, Task};
use crate::plan::decide::Plan;
use crate::plan::guard::{Reading, counted};
use crate::reconcile::evidence::Log;
use crate::report::summary::JournalHead;
use crate::report::{results, table};
use crate::runner::breaker::Opened;
use crate::runner::clock::Clock as _;
use crate::runner::dispatch::{Stop, ToSend};
use crate::runner::probe::Died;

/// `rekon run JOB`.
pub(super) async fn job(args: &RunArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let case = load::case(&args.job, common, reconcile::present(args.as_of.as_deref())?)?;
    match case.job.task {
        Task::Audit => reconcile::audit(&case, args.as_of.as_deref(), &AuditArgs::default(), screen).await,
        Task::Change(_) if args.as_of.is_some() => {
            Err(Failure::Refused(format!("{}: --as-of is for an audit; a run happens now", case.file)))
        }
        Task::Change(operation) => run(&case, operation, args.live, screen).await,
    }
}

/// `rekon refund|cancel|create ORDERS.csv`: the same without a job file.
pub(super) async fn by_flags(
    operation: Operation,
    args: &FlagArgs,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    let case = by_flags::case(operation, args, common)?;
    run(&case, operation, args.live, screen).await
}

/// Plan, guards, send, settle, reconcile, report.
async fn run(case: &Case, operation: Operation, live: bool, screen: Screen) -> Result<u8, Failure> {
    refuse_unless_live(case, live)?;
    let started_at = SystemClock.now();
    let input = case.input(started_at)?;
    let session = Session::open(case, operation, Some(&input), started_at, screen).await?;
    let log = session.log()?;
    case.refuse_unproved(&log)?;
    session.note_contradictions(&log).await?;
    let plan = session.plan(input, &log).await?;
    show_plan(case, &plan, screen);
    if !plan.may_run() {
        return Err(why_not(case, &plan));
    }
    let run = session.begin(&plan).await?;
    let sent = session.send_and_settle(&run, to_send(&plan)).await?;
    report(&session, run, &plan, log, &sent, screen).await
}

/// Production needs `--live`; everything else refuses it, so that nobody gets used to typing it.
pub(super) fn refuse_unless_live(case: &Case, live: bool) -> Result<(), Failure> {
    let (file, environment) = (&case.file, case.job.merchant.environment);
    match (environment, live) {
        (Environment::Production, false) => {
            Err(Failure::Refused(format!("{file}: this job changes money in production; add --live if that is meant")))
        }
        (Environment::Simulator | Environment::Sandbox, true) => {
            Err(Failure::Refused(format!("{file}: --live is for production; this job is for the {environment}")))
        }
        (Environment::Production, true) | (Environment::Simulator | Environment::Sandbox, false) => Ok(()),
    }
}

/// Prints rows per disposition and every guard with its headroom.
pub(super) fn show_plan(case: &Case, plan: &Plan, screen: Screen) {
    let title = format!("{} · {} · {} · plan", case.job.name, plan.operation, case.job.merchant.environment);
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title)));
    screen.say(&table::plan(&plan.dispositions(), &plan.guards));
    let open = plan.left_open();
    if open.count > 0 {
        screen.say(&format!(
            "\n{} of the skipped ones, {}: in doubt; a run asks again with the same key until they are settled",
            counted(open.count, "row"),
            open.rupiah
        ));
    }
    let files = &case.job.notifications.files;
    if case.refuses_paid() && plan.notified == 0 && !files.is_empty() {
        screen.warn(&format!(
            "{}: no notification was found in {}, so refuse_paid holds nothing back",
            case.file,
            files.join(", ")
        ));
    }
    if plan.on_invalid == OnInvalid::Skip {
        for fault in &plan.faults {
            screen.warn(&fault.to_string());
        }
    }
}

/// Why a plan may not be run: faults of the input, or guards that are broken.
pub(super) fn why_not(case: &Case, plan: &Plan) -> Failure {
    if plan.on_invalid == OnInvalid::Refuse && !plan.faults.is_empty() {
        return Failure::Faults(plan.faults.clone());
    }
    let broken = plan.guards.iter().filter(|reading| !reading.holds()).map(|reading| {
        let (found, limit) =
            if reading.guard.starts_with("control") { ("found", "expected") } else { ("planned", "allowed") };
        let Reading { guard, headroom, .. } = reading;
        format!("{}: guard {guard}: {} {found}, {} {limit}: {headroom}", case.file, reading.found, reading.limit)
    });
    let hint = "  hint: check that this is the right file; if it is, change the guard".to_owned();
    Failure::Refused(broken.chain([hint]).collect::<Vec<_>>().join("\n"))
}

fn to_send(plan: &Plan) -> Vec<ToSend> {
    let ready = plan.to_send().map(|ready| ToSend {
        order: ready.order.clone(),
        call: ready.call.clone(),
        payment_reference: ready.payment_reference.clone(),
        generation: ready.generation,
    });
    ready.collect()
}

/// Reads back what the journal knows, judges it against the log, writes the files and prints the tables.
async fn report(
    session: &Session<'_>,
    run: RunId,
    plan: &Plan,
    log_before: Log,
    sent: &Sent,
    screen: Screen,
) -> Result<u8, Failure> {
    let (case, journal) = (session.case, &session.journal);
    let stopped = |error: JournalError| Failure::Stopped(error.to_string());
    let unread = |error: JournalError| Failure::InDoubt(error.to_string());
    // Read again: notifications may have arrived during the run. A log that has gone is no reason to write nothing.
    let log = session.log().unwrap_or_else(|failure| {
        screen.warn(&format!("{failure}\nthe notifications count as they were before the run"));
        log_before
    });
    if let Err(failure) = session.note_contradictions(&log).await {
        screen.warn(&failure.to_string());
    }
    let records = journal.rows(&run).await.map_err(unread)?;
    let mut in_doubt_earlier = session.in_doubt_elsewhere(&records).await.map_err(unread)?;
    let (in_doubt_elsewhere, mut other_jobs) = plan.in_doubt_elsewhere();
    in_doubt_earlier.merge(in_doubt_elsewhere);
    let (conflicts, jobs) = session.conflicts_of_other_jobs(plan).await.map_err(unread)?;
    in_doubt_earlier.merge(conflicts);
    other_jobs.extend(jobs);
    let head = journal.head().await.map_err(unread)?;
    let header = results::Input { header: &plan.header, delimiter: plan.delimiter };
    let now = SystemClock.now();
    let ending = Ending {
        run: Some(run.to_string()),
        input: plan.input_tally(),
        books: reconcile::books_of_run(case, plan, &records, &log, now)?,
        dispositions: plan.dispositions(),
        guards: plan.guards.clone(),
        results: Some(results::csv(plan.operation, header, &records)),
        in_doubt_earlier,
        other_jobs,
        period: None,
        log: None,
        journal: head.map(|head| JournalHead { entries: head.seq, head: head.hash }),
        started_at: session.started_at,
        now,
        limits: Some(limits_seen(&case.job.limits, &sent.seen)),
        completion: if sent.stop.is_some() { Completion::PartWay } else { Completion::Whole },
        stopped: sent.stop.as_ref().map(stop_text),
    };
    let mut conclusion = conclude(case, ending);
    let written = conclusion.write(case);
    if written.is_err() {
        conclusion.stays_unwritten();
    }
    let code = conclusion.summary.exit_code;
    let recorded = journal.finish_run(Finished { run, at: now, exit_code: code }).await;
    conclusion.print(case, screen);
    session.warn_of_other_doubts(screen).await;
    let lost = match (written, recorded) {
        (Ok(()), Ok(())) => return Ok(code),
        (Err(failure), _) => failure,
        (Ok(()), Err(error)) => stopped(error),
    };
    screen.failure(&lost);
    Ok(if code == DOUBT { DOUBT } else { STOPPED })
}

/// Why a run stopped, in words.
pub(super) fn stop_text(stop: &Stop) -> String {
    match stop {
        Stop::Interrupted => "interrupted".to_owned(),
        Stop::Breaker(Opened::InARow(count)) => format!("the breaker opened after {count} failures in a row"),
        Stop::Breaker(Opened::OfLast(bad, of)) => format!("the breaker opened: {bad} of the last {of} attempts failed"),
        Stop::WindowClosed => "the window is closed".to_owned(),
        Stop::Halted(Halt::Credentials) => {
            "the provider refused our credentials (401/403); check client id, key and clock".to_owned()
        }
        Stop::Halted(Halt::Gateway) => {
            "an unsigned refusal or a redirect: something stands between this machine and the provider".to_owned()
        }
        Stop::WrongSignatures => {
            "the answers to three orders in a row bear a wrong signature: another key, or somebody who is not the provider"
                .to_owned()
        }
        Stop::StillIll(why) => {
            format!("{}, and the first call of this one brought no proof either: nothing else was sent", ill_text(why))
        }
        Stop::Canary(Died::Refused) => "a canary was refused: nothing else was sent".to_owned(),
        Stop::Canary(Died::Unproved) => "a canary was not proved to be done: nothing else was sent".to_owned(),
        Stop::LossTooOld => {
            "what the lost journal may have sent is older than the horizon now; run the job again and read the hint"
                .to_owned()
        }
        Stop::Journal(error) => error.to_string(),
    }
}

/// Why an earlier run was stopped, from the journal's word.
fn ill_text(why: &str) -> &'static str {
    match why {
        "credentials" => "an earlier run was stopped because the provider refused our credentials",
        "gateway" => "an earlier run was stopped by an unsigned refusal or a redirect",
        "signatures" => "an earlier run was stopped by wrong signatures",
        _ => "an earlier run was stopped by the breaker",
    }
}
