//! `rekon run`: the whole flow, as a story.

use std::sync::Arc;

use super::args::{AuditArgs, Common, FlagArgs, PlannedArgs};
use super::attend;
use super::bind::{self, Bound};
use super::busy::{Busy, with};
use super::by_flags;
use super::dated;
use super::events;
use super::exit::{DOUBT, Failure};
use super::interrupt::{Signals, Stopping};
use super::joint::{self, Begun, Way};
use super::left;
use super::load::{self, Case, Copies};
use super::other_amounts;
use super::plan_screen;
use super::reconcile;
use super::reporting::report;
use super::screen::Screen;
use super::session::Session;
use super::slips;
use super::take_in;
use crate::edge::clock::SystemClock;
use crate::edge::person;
use crate::model::operation::{Operation, Task};
use crate::plan::Input;
use crate::reconcile::evidence::Log;
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
            let bound = match planned.plan.as_deref().map(|named| dated::open(named, &case)).transpose() {
                Ok(bound) => bound,
                // At night nobody sees that there is no plan but through the metrics and the health check.
                Err(failure) => return attend::attended(&case, screen, async { Err(failure) }).await,
            };
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
    let flow = async { run(&case, operation, args.live, None, screen).await.map_err(by_flags::by_flag) };
    attend::attended(&case, screen, Box::pin(flow)).await
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
    let fresh = begun.fresh().with(other_amounts::in_input(&session.unsettled().await?, &begun.plan));
    let mut sent = session.send_and_settle(&begun.run, fresh, unsettled, begun.under_way_since).await?;
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
    plan_screen::show(case, &plan, screen);
    events::planned(&plan, screen);
    if let Some(bound) = bound {
        // Of a plan that was executed, every guard that looks back would say something else, and nothing to the point.
        bound.refuse_used(session).await?;
    }
    if !plan.may_run() {
        screen.paper(|| plan_screen::paper(case, &plan));
        return Err(plan_screen::why_not(case, &plan));
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
