//! `rekon run`: the whole flow, as a story.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::args::{Common, FlagArgs, RunArgs};
use super::conclude::{Ending, conclude};
use super::embed::{self, Embedded};
use super::exit::{Completion, DONE, DOUBT, Failure};
use super::interrupt;
use super::load::{self, Case};
use super::progress::Watch;
use super::reconcile;
use super::screen::{Screen, Tone};
use crate::doku::answer::{Halt, PaymentPage};
use crate::doku::sign::Signer;
use crate::edge::clock::SystemClock;
use crate::edge::credentials::Credentials;
use crate::edge::http::HttpGateway;
use crate::job::flags::{self, Flags, Keys};
use crate::job::settings::{Guards, OnInvalid};
use crate::journal::record::{Finished, Item, NewRow, NewRun, RowRecord};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::state::State;
use crate::journal::{Account, Journal as _, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::{Operation, Task};
use crate::model::time::Timestamp;
use crate::plan::decide::{Known, Plan, decide};
use crate::plan::{Input, Role};
use crate::reconcile::ends;
use crate::reconcile::evidence::Log;
use crate::report::{results, table};
use crate::runner::attempt::Desk;
use crate::runner::clock::Clock as _;
use crate::runner::dispatch::{Dispatch, Rules, Stop, ToSend};
use crate::runner::progress::Progress;

/// Items that a run tries to settle, and items that are in doubt.
const UNSETTLED: &[State] = &[State::Unknown];
const IN_DOUBT: &[State] = &[State::Intent, State::Unknown, State::Review, State::Conflict];

/// `rekon run JOB`.
pub(super) async fn job(args: &RunArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let now = SystemClock.now();
    let case = load::case(&args.job, common, now)?;
    match case.job.task {
        Task::Audit => reconcile::audit(&case, args.as_of.as_deref(), screen),
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
    let case = case_of_flags(operation, args, common)?;
    run(&case, operation, args.live, screen).await
}

/// Plan, guards, send, settle, reconcile, report.
async fn run(case: &Case, operation: Operation, live: bool, screen: Screen) -> Result<u8, Failure> {
    refuse_unless_live(case, live)?;
    let started_at = SystemClock.now();
    let credentials = case.credentials()?;
    let input = case.input(started_at)?;
    let journal = open_journal(&case.journal)?;
    let embedded =
        if case.job.embeds_simulator() { Some(embed::start(case, &credentials, &input).await?) } else { None };
    let log = case.log(&credentials, embedded.as_ref().map(|embedded| embedded.log.as_path()))?;
    let account =
        Account { environment: case.job.merchant.environment, client_id: credentials.client_id.clone(), operation };
    journal.recover(started_at).await.map_err(|error| Failure::Refused(error.to_string()))?;
    let plan = make_plan(case, &account, input, &log, Some(&journal)).await?;
    show_plan(case, &plan, screen);
    if !plan.may_run() {
        return Err(why_not(&plan));
    }
    let run = begin(&journal, case, &account, &plan, started_at).await?;
    let stop = send_and_settle(case, &account, &credentials, &run, &plan, &journal, embedded.as_ref(), screen).await?;
    report(case, &account, &credentials, run, &plan, &journal, embedded, stop, started_at, screen).await
}

/// Production needs `--live`; everything else refuses it, so that nobody gets used to typing it.
pub(super) fn refuse_unless_live(case: &Case, live: bool) -> Result<(), Failure> {
    match (case.job.merchant.environment, live) {
        (Environment::Production, false) => Err(Failure::Refused(format!(
            "{}: this job changes money in production; add --live if that is meant",
            case.file
        ))),
        (Environment::Simulator | Environment::Sandbox, true) => Err(Failure::Refused(format!(
            "{}: --live is for production; this job is for the {}",
            case.file, case.job.merchant.environment
        ))),
        _ => Ok(()),
    }
}

pub(super) fn open_journal(path: &Path) -> Result<Arc<SqliteJournal>, Failure> {
    SqliteJournal::open(path).map(Arc::new).map_err(|error| match error {
        JournalError::Held { .. } => Failure::Held(error.to_string()),
        other => Failure::Refused(other.to_string()),
    })
}

/// Puts together what is known and decides about every row.
pub(super) async fn make_plan(
    case: &Case,
    account: &Account,
    input: Input,
    log: &Log,
    journal: Option<&SqliteJournal>,
) -> Result<Plan, Failure> {
    let mut known = Known { heard: load::heard(log), ..Known::default() };
    if let Some(journal) = journal {
        let unreadable = |error: JournalError| Failure::Refused(error.to_string());
        known.items = journal.known(account, input.invoices()).await.map_err(unreadable)?;
        let creation = Account { operation: Operation::Create, ..account.clone() };
        known.created = journal.known(&creation, input.invoices()).await.map_err(unreadable)?;
    }
    let guards = match &case.job.guards {
        Some(guards) => guards.clone(),
        None => whole_file(&input),
    };
    Ok(decide(&case.job, account.operation, &guards, input, &known))
}

/// Without guards, which only a rehearsal on the simulator may lack, the file itself is the limit.
fn whole_file(input: &Input) -> Guards {
    let mut all = Tally::default();
    input.rows.iter().for_each(|row| all.add(row.rupiah));
    Guards::new(all.count.max(1), all.rupiah)
}

pub(super) fn show_plan(case: &Case, plan: &Plan, screen: Screen) {
    let title = format!("{} · {} · {} · plan", case.job.name, plan.operation, case.job.merchant.environment);
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title)));
    screen.say(&table::plan(&plan.dispositions(), &plan.guards));
    if plan.on_invalid == OnInvalid::Skip {
        for fault in &plan.faults {
            screen.warn(&fault.to_string());
        }
    }
}

/// Why a plan may not be run: faults of the input, or guards that are broken.
pub(super) fn why_not(plan: &Plan) -> Failure {
    if plan.on_invalid == OnInvalid::Refuse && !plan.faults.is_empty() {
        return Failure::Faults(plan.faults.clone());
    }
    let broken = plan.guards.iter().filter(|reading| !reading.holds()).map(|reading| {
        format!("guard {}: {} planned, {} allowed: {}", reading.guard, reading.found, reading.limit, reading.headroom)
    });
    let hint = "check that this is the right file; if it is, change the guard in the job file".to_owned();
    Failure::Refused(broken.chain([hint]).collect::<Vec<_>>().join("\n"))
}

async fn begin(
    journal: &SqliteJournal,
    case: &Case,
    account: &Account,
    plan: &Plan,
    started_at: Timestamp,
) -> Result<RunId, Failure> {
    let rows = plan.rows.iter().map(|row| {
        let (fate, reason) = plan.fate(row);
        let (raw, invoice) = (row.raw.clone(), row.invoice.clone());
        NewRow { number: row.number, line: row.line, raw, invoice, rupiah: row.rupiah, fate, reason }
    });
    let new = NewRun {
        job: case.job.name.to_string(),
        account: account.clone(),
        started_at,
        delimiter: plan.delimiter,
        header: plan.header.clone(),
        rows: rows.collect(),
    };
    journal.begin_run(new).await.map_err(|error| Failure::Refused(error.to_string()))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one run; a struct for them would be used here alone")]
async fn send_and_settle(
    case: &Case,
    account: &Account,
    credentials: &Credentials,
    run: &RunId,
    plan: &Plan,
    journal: &Arc<SqliteJournal>,
    embedded: Option<&Embedded>,
    screen: Screen,
) -> Result<Option<Stop>, Failure> {
    let fresh: Vec<ToSend> = plan
        .to_send()
        .map(|(order, call, payment_reference)| ToSend {
            order: order.clone(),
            call: call.clone(),
            payment_reference: payment_reference.clone(),
        })
        .collect();
    dispatch(case, account, credentials, run, fresh, journal, embedded, screen).await
}

/// Sends what is new and settles what earlier runs of the job left unknown.
#[expect(clippy::too_many_arguments, reason = "the parts of one run; a struct for them would be used here alone")]
pub(super) async fn dispatch(
    case: &Case,
    account: &Account,
    credentials: &Credentials,
    run: &RunId,
    fresh: Vec<ToSend>,
    journal: &Arc<SqliteJournal>,
    embedded: Option<&Embedded>,
    screen: Screen,
) -> Result<Option<Stop>, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(error.to_string());
    let unsettled =
        journal.items_in(account, case.job.name.as_str(), UNSETTLED).await.map_err(|error| refused(&error))?;
    let base_url = match (&case.job.merchant.base_url, embedded) {
        (Some(url), _) => url.clone(),
        (None, Some(embedded)) => format!("http://{}", embedded.running.address()),
        (None, None) => case.job.merchant.environment.host().unwrap_or_default().to_owned(),
    };
    let connections = case.job.limits.concurrency.get() as usize;
    let gateway = HttpGateway::new(&base_url, case.job.limits.timeout, connections).map_err(|error| refused(&error))?;
    let page = if case.job.is_on_loopback() { PaymentPage::Loopback } else { PaymentPage::Https };
    let desk = Desk {
        journal: Arc::clone(journal),
        gateway,
        clock: SystemClock,
        signer: Signer::new(&credentials.secret_key),
        client_id: credentials.client_id.clone(),
        run: run.clone(),
        page,
    };
    let progress = Arc::new(Progress::default());
    let orders = (fresh.len() + unsettled.len()) as u64;
    let dispatch = Dispatch::new(desk, account.clone(), Rules::of(&case.job), fresh, unsettled, Arc::clone(&progress));
    let watch = Watch::start(screen, &progress, orders);
    let stop = dispatch.run(interrupt::listen(screen)).await;
    drop(watch);
    Ok(stop)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one run; a struct for them would be used here alone")]
async fn report(
    case: &Case,
    account: &Account,
    credentials: &Credentials,
    run: RunId,
    plan: &Plan,
    journal: &SqliteJournal,
    embedded: Option<Embedded>,
    stop: Option<Stop>,
    started_at: Timestamp,
    screen: Screen,
) -> Result<u8, Failure> {
    let stopped = |error: JournalError| Failure::Stopped(error.to_string());
    let records = journal.rows(&run).await.map_err(stopped)?;
    let log_path = embedded.as_ref().map(|embedded| embedded.log.clone());
    if let Some(embedded) = embedded {
        embedded.running.stop().await;
    }
    // Read again: notifications may have arrived during the run.
    let log = case.log(credentials, log_path.as_deref())?;
    let header = results::Input { header: &plan.header, delimiter: plan.delimiter };
    let now = SystemClock.now();
    let mut conclusion = conclude(
        case,
        Ending {
            run: run.to_string(),
            input: input_tally(plan),
            ends: ends::of_run(plan, &records),
            log: &log,
            dispositions: plan.dispositions(),
            guards: plan.guards.clone(),
            results: Some(results::csv(plan.operation, header, &records)),
            in_doubt_earlier: in_doubt_elsewhere(case, account, journal, &records).await.map_err(stopped)?,
            started_at,
            now,
            completion: if stop.is_some() { Completion::PartWay } else { Completion::Whole },
            stopped: stop.as_ref().map(stop_text),
        },
    );
    let code = conclusion.summary.exit_code;
    let written = conclusion.write(case);
    let finished = Finished { run, at: now, exit_code: code };
    let recorded = journal.finish_run(finished).await;
    conclusion.print(case, screen);
    if let Err(failure) = written {
        screen.failure(&failure);
        return Ok(if code == DOUBT { DOUBT } else { failure.code() });
    }
    if let Err(error) = recorded {
        screen.warn(&format!("{error}; what was sent is known, run the job again"));
        return Ok(if code == DOUBT { DOUBT } else { Failure::Stopped(String::new()).code() });
    }
    debug_assert!(code != DONE || conclusion.summary.identity.holds, "done means that the identity holds");
    Ok(code)
}

/// The rows as they were read, counted apart from what became of them.
fn input_tally(plan: &Plan) -> Tally {
    let mut tally = Tally::default();
    plan.rows.iter().for_each(|row| tally.add(row.rupiah));
    tally
}

/// Items of the job in doubt whose orders are not in this run's input.
pub(super) async fn in_doubt_elsewhere(
    case: &Case,
    account: &Account,
    journal: &SqliteJournal,
    records: &[RowRecord],
) -> Result<Tally, JournalError> {
    let here: HashSet<&InvoiceNumber> =
        records.iter().filter_map(|record| record.item.as_ref()).map(|item| &item.identity.invoice).collect();
    let mut tally = Tally::default();
    let items: Vec<Item> = journal.items_in(account, case.job.name.as_str(), IN_DOUBT).await?;
    items.iter().filter(|item| !here.contains(&item.identity.invoice)).for_each(|item| tally.add(item.amount));
    Ok(tally)
}

/// Why a run stopped, in words.
pub(super) fn stop_text(stop: &Stop) -> String {
    use crate::runner::breaker::Opened;
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
        Stop::Journal(error) => error.to_string(),
    }
}

fn case_of_flags(operation: Operation, args: &FlagArgs, common: &Common) -> Result<Case, Failure> {
    let now = SystemClock.now();
    let flags = Flags {
        environment: args.environment.clone(),
        base_url: args.base_url.clone(),
        columns: args.columns.clone(),
        delimiter: args.delimiter.clone(),
        encoding: args.encoding.clone(),
        amounts: args.amounts.clone(),
        rate: args.rate.clone(),
        notifications: args.notifications.clone(),
        notification_path: args.notification_path.clone(),
        output: args.output.clone(),
        keys: if crate::edge::credentials::in_environment(flags::VARIABLES) { Keys::Set } else { Keys::Absent },
    };
    let name =
        |part: Option<&std::ffi::OsStr>| part.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = name(args.orders.file_name());
    let job = flags::job(operation, &file, &name(args.orders.file_stem()), &flags);
    let job = job.map_err(|faults| Failure::Refused(faults.join("\n")))?;
    let folder = args.orders.parent().map(Path::to_owned).unwrap_or_default();
    let mut case = load::assemble(job, folder, args.orders.display().to_string(), common, now)?;
    let input = case.input(now)?;
    case.job.guards = Some(guards_of_flags(args, case.job.merchant.environment, &input)?);
    Ok(case)
}

fn guards_of_flags(args: &FlagArgs, environment: Environment, input: &Input) -> Result<Guards, Failure> {
    let mut guards = whole_file(input);
    let (orders, total) = (guards.max_orders, guards.max_total);
    match (args.max_orders, args.max_total) {
        (Some(most_orders), Some(most_total)) => {
            (guards.max_orders, guards.max_total) = (most_orders, Rupiah::new(most_total));
        }
        (most_orders, most_total) if environment == Environment::Simulator => {
            guards.max_orders = most_orders.unwrap_or(orders);
            guards.max_total = most_total.map_or(total, Rupiah::new);
        }
        _ => {
            let lines = input.rows.iter().filter(|row| matches!(row.role, Role::First(_))).count();
            return Err(Failure::Refused(format!(
                "--max-orders and --max-total are needed outside the simulator; this file has {lines} orders over {total}: \
                 add --max-orders {lines} --max-total {} if that is what you mean",
                total.whole()
            )));
        }
    }
    guards.require_paid = args.require_paid;
    Ok(guards)
}
