//! `rekon run`: the whole flow, as a story.

use std::sync::Arc;

use super::args::{AuditArgs, Common, FlagArgs, PlannedArgs};
use super::attend;
use super::bind::{self, Bound};
use super::busy::{Busy, with};
use super::by_flags;
use super::closing::Closing;
use super::conclude::{Ending, conclude};
use super::events;
use super::exit::{Completion, DOUBT, Failure, STOPPED};
use super::illustrate::Illustrated;
use super::interrupt::{Signals, Stopping};
use super::joint::{self, Begun, Way};
use super::left;
use super::load::{self, Case, Copies, Loosening};
use super::open;
use super::pace::limits_seen;
use super::read_back::ReadBack;
use super::reconcile;
use super::screen::{Screen, Tone};
use super::session::{Sent, Session};
use super::slips;
use super::take_in;
use crate::edge::clock::SystemClock;
use crate::edge::person;
use crate::job::settings::{DuplicateInput, OnInvalid};
use crate::journal::cause::Cause;
use crate::journal::record::Finished;
use crate::journal::{Journal as _, JournalError};
use crate::model::language::Language;
use crate::model::operation::{Operation, Task};
use crate::model::time::{Timestamp, wire};
use crate::plan::Input;
use crate::plan::Plan;
use crate::plan::eta::{self, Eta, Opening};
use crate::plan::guard::Reading;
use crate::reconcile::evidence::Log;
use crate::report::markdown::{self, Standing};
use crate::report::summary::JournalHead;
use crate::report::table;
use crate::report::words::both::both;
use crate::report::words::speech::Speech;
use crate::runner::clock::Clock as _;
use crate::runner::dispatch::Stop;

/// `rekon run JOB`.
pub(super) async fn job(planned: &PlannedArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let signals = Signals::listen(Stopping::Early, screen);
    let args = &planned.run;
    let mut case = load::case(&args.job, common, reconcile::present(args.as_of.as_deref())?)?;
    case.copies = Copies::of(planned.output.spreadsheet_safe);
    let screen = screen.speaking(case.language);
    case.told.signals = signals.speaking(case.language);
    match case.job.task {
        Task::Audit if planned.plan.is_some() => {
            Err(Failure::Refused(format!("{}: an audit sends nothing, and takes no --plan", case.file)))
        }
        Task::Audit if planned.reveal => {
            let why = "the report of an audit has no customers' data, and takes no --reveal";
            Err(Failure::Refused(format!("{}: {why}", case.file)))
        }
        Task::Audit => {
            args.overrides.refuse("an audit sends nothing")?;
            let options = AuditArgs::default();
            let audit = Box::pin(reconcile::audit(&case, args.as_of.as_deref(), &options, screen));
            attend::attended(&case, screen, audit).await
        }
        Task::Change(_) if args.as_of.is_some() => {
            Err(Failure::Refused(format!("{}: --as-of is for an audit; a run happens now", case.file)))
        }
        Task::Change(operation) => {
            case.revealed_by = planned.reveal.then(person::who);
            let bound = planned.plan.as_deref().map(Bound::open).transpose()?;
            let case = match &bound {
                None => case.loosened(&args.overrides)?,
                Some(bound) => {
                    args.overrides
                        .refuse("a saved plan has its own: make it with `rekon plan JOB --override ... --out PLAN`")?;
                    bound.lends_its_date(&mut case, common);
                    case.loosened_by(&bound.cover.overrides)?
                }
            };
            attend::attended(&case, screen, Box::pin(run(&case, operation, args.live, bound, screen))).await
        }
    }
}

/// `rekon refund|cancel|create ORDERS.csv`: the same without a job file.
pub(super) async fn by_flags(
    operation: Operation,
    args: &FlagArgs,
    common: &Common,
    screen: Screen,
) -> Result<u8, Failure> {
    let signals = Signals::listen(Stopping::Early, screen);
    let mut case = by_flags::case(operation, args, common)?;
    case.copies = Copies::of(args.files.spreadsheet_safe);
    let screen = screen.speaking(case.language);
    case.told.signals = signals.speaking(case.language);
    attend::attended(&case, screen, Box::pin(run(&case, operation, args.live, None, screen))).await
}

/// Plan, guards, send, settle, reconcile, report.
async fn run(
    case: &Case,
    operation: Operation,
    live: bool,
    bound: Option<Bound>,
    screen: Screen,
) -> Result<u8, Failure> {
    case.refuse_unless_live(live)?;
    let started_at = SystemClock.now();
    let busy = Busy::with(screen, with::orders());
    let input = match &bound {
        Some(bound) => bound.input(case, operation, started_at)?,
        None => case.input(started_at)?,
    };
    drop(busy);
    slips::warn(case, &input, screen)?;
    let session = Session::open(case, operation, Some(&input), started_at, screen).await?;
    let way = Way::of(&session, bound.is_some());
    // Others may be waited for: what DOKU says is read behind that.
    let open = joint::others(&session, way, Some(&input), screen).await?;
    let log = session.log()?;
    case.refuse_unproved(&log)?;
    session.note_contradictions(&log).await?;
    let begun = match open {
        Some(open) => joint::join(&session, open, input, screen)?,
        None => begin(&session, input, &log, (bound.as_ref(), way), screen).await?,
    };
    let run = begun.run.clone();
    let working = work_on(&session, begun, (bound.as_ref(), log), screen).await;
    let code = working.inspect_err(|failure| {
        left::note_failure(&case.journal, &run, failure);
        take_in::tell_what_waits(case, &run, screen);
    });
    session.close().await;
    code
}

/// Sends, settles and reports a run that has begun.
async fn work_on(
    session: &Session<'_>,
    mut begun: Begun,
    (bound, log): (Option<&Bound>, Log),
    screen: Screen,
) -> Result<u8, Failure> {
    let mut unsettled = begun.unsettled(session).await?;
    if let Some(bound) = bound {
        bound.leave_out_others(&mut unsettled, screen)?;
    }
    let mut sent = session.send_and_settle(&begun.run, begun.fresh(), unsettled, begun.under_way_since).await?;
    if let Some(error) = begun.plan.unread() {
        sent.stop.get_or_insert_with(|| Stop::Unread(error.clone()));
    }
    // The rows are in the journal, and nothing is sent any more.
    if let Some(plan) = Arc::get_mut(&mut begun.plan) {
        plan.forget_text();
    }
    if let Some(why) = session.cause(sent.stop.as_ref()) {
        events::stops(&why, screen);
    }
    match joint::part(session, &begun, &sent, screen).await? {
        Some(code) => {
            let missing = take_in::take_in_what_is_left(session.case, &session.journal, screen).await;
            Ok(if missing.count > 0 { DOUBT } else { code })
        }
        None => Box::pin(report(session, begun, log, &sent, screen)).await,
    }
}

/// Plans, shows the plan, and begins a run if the guards allow it.
async fn begin(
    session: &Session<'_>,
    input: Input,
    log: &Log,
    (bound, way): (Option<&Bound>, Way),
    screen: Screen,
) -> Result<Begun, Failure> {
    let case = session.case;
    let plan = Arc::new(session.plan(input, log).await?);
    show_plan(case, &plan, screen);
    events::planned(&plan, screen);
    if !plan.may_run() {
        screen.paper(|| plan_paper(case, &plan));
        return Err(why_not(case, &plan));
    }
    let used = match bound {
        Some(bound) => Some(bound.release(session, &plan).await?),
        None => bind::refuse_without(case, &plan).map(|()| None)?,
    };
    let under_way_since = session.refuse_old_keys(&plan)?;
    case.told.signals.begin()?;
    let run = session.begin(&plan, used.clone()).await?;
    let begun = Begun { run, plan, used, started_at: session.started_at, way, under_way_since };
    joint::share(session, &begun).await?;
    Ok(begun)
}

/// Prints rows per disposition and every guard with its headroom.
pub(super) fn show_plan(case: &Case, plan: &Plan, screen: Screen) {
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &plan_title(case, plan))));
    let words = case.words();
    screen.say(&table::plan(&plan.dispositions(), &plan.guards, words));
    let overridden = words.overrides(&case.overridden(plan));
    if !overridden.is_empty() {
        screen.say(&format!("\n{}", screen.tone(Tone::Bad, &overridden)));
    }
    let now = SystemClock.now();
    let eta = eta(case, plan, now);
    screen.say(&format!("\n{}", (words.eta)(&eta)));
    if let Some(trouble) = (words.trouble)(&eta, now) {
        screen.warn(&format!("{}: {trouble}", case.file));
    }
    let warns = case.guards().is_some_and(|guards| guards.duplicate_input == DuplicateInput::Warn);
    if let Some(run) = plan.repeats.as_ref().filter(|_| warns) {
        let file = &case.file;
        screen.warn(&both(
            format!("{file}: run {run} is done with the same input; is this the right file?"),
            format!("{file}: proses {run} sudah selesai dengan data masukan yang sama; apakah berkasnya benar?"),
        ));
    }
    let open = plan.left_open();
    if open.count > 0 {
        screen.say(&format!("\n{}", (words.left_open)(open)));
    }
    let files = &case.job.notifications.files;
    if case.refuses_paid() && plan.notified == 0 && !files.is_empty() {
        let (file, files) = (&case.file, files.join(", "));
        screen.warn(&both(
            format!("{file}: no notification was found in {files}, so refuse_paid holds nothing back"),
            format!("{file}: tidak ada notifikasi di {files}, jadi refuse_paid tidak menahan apa pun"),
        ));
    }
    if plan.on_invalid == OnInvalid::Skip {
        for fault in &plan.faults {
            screen.fault(fault);
        }
    }
}

/// The plan to be told to others.
pub(super) fn plan_paper(case: &Case, plan: &Plan) -> String {
    let name = plan_title(case, plan);
    let words = case.words();
    let overridden = words.overrides(&case.overridden(plan));
    let eta = (words.eta)(&eta(case, plan, SystemClock.now()));
    let standing = if plan.may_run() { Standing::MayRun } else { Standing::MayNotRun };
    markdown::plan(&name, standing, (&plan.dispositions(), &plan.guards), &[&overridden, &eta], words)
}

fn plan_title(case: &Case, plan: &Plan) -> String {
    let (job, words) = (&case.job, case.words());
    words.title(job.name.as_str(), plan.operation.word(), job.merchant.environment.word(), words.plan)
}

/// How long the calls of a plan take.
fn eta(case: &Case, plan: &Plan, now: Timestamp) -> Eta {
    eta::estimate(&case.job, plan.total().count, plan.unproved(), plan.open_elsewhere, now)
}

/// The same for machines.
pub(super) fn eta_document(case: &Case, plan: &Plan) -> serde_json::Value {
    let now = SystemClock.now();
    let eta = eta(case, plan, now);
    let window =
        eta.hours.map(|hours| serde_json::json!({ "open": hours.state == Opening::Open, "until": wire(hours.until) }));
    serde_json::json!({
        "text": eta.to_string(), "calls": eta.calls, "left_open_elsewhere": eta.elsewhere, "canaries": eta.canaries, "seconds": eta.takes.as_secs(), "rate": eta.rate,
        "window": window, "trouble": eta.trouble(now),
    })
}

/// Why a plan may not be run: faults of the input, or guards that are broken.
pub(super) fn why_not(case: &Case, plan: &Plan) -> Failure {
    if plan.on_invalid == OnInvalid::Refuse && !plan.faults.is_empty() {
        return Failure::Faults(plan.faults.clone());
    }
    let broken = |words: &Speech| why_broken(case, plan, words);
    Failure::Guards(both(broken(Speech::of(Language::English)), broken(Speech::of(Language::Indonesian))))
}

/// The guards that are broken, and how the plan could be run all the same.
fn why_broken(case: &Case, plan: &Plan, words: &Speech) -> String {
    let broken = plan.guards.iter().filter(|reading| !reading.holds());
    let place = |reading: &Reading| {
        let section = if reading.key() == "control" { "orders" } else { "guards" };
        case.place(&format!("{section}.{}", reading.guard))
    };
    let lines = broken.clone().map(|reading| format!("{}: {}", place(reading), (words.broken_guard)(reading)));
    // A file that does not add up is not the one that was meant, whatever else is loosened.
    let mut keys: Vec<&str> = broken.map(Reading::key).collect();
    keys.dedup();
    let mut flags: Vec<String> = Vec::new();
    if !matches!(case.loosening, Loosening::NotOffered) && !keys.contains(&"control") {
        let value = |key: &str| match key {
            "duplicate_input" => "allow",
            "max_growth" => "FACTOR",
            _ => "LIMIT",
        };
        flags = keys.iter().map(|key| format!("--override {key}={}", value(key))).collect();
    }
    let open = plan.left_open();
    let doubt = (open.count > 0).then(|| format!("  {}", (words.doubt_meanwhile)(open, &case.command("resolve"))));
    let hint = format!("  {}", (words.guard_hint)(&flags.join(" ")));
    lines.chain([hint]).chain(doubt).collect::<Vec<_>>().join("\n")
}

/// Reads back what the journal knows, judges it against the log, writes the files and prints the tables.
async fn report(
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
    let mut earlier = session.doubts().await.map_err(unread)?;
    earlier.retain(|item| !read.in_doubt.contains(&item.identity.invoice));
    let earlier = earlier.into_iter().map(|item| item.identity.invoice).collect();
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
    let Err(lost) = written.and(recorded) else { return Ok(code) };
    screen.failure(&lost);
    Ok(if code == DOUBT { DOUBT } else { STOPPED })
}
