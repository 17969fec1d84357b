//! What must hold after every command and at the end of every run, whatever has happened (`failure-modes.md` 3).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::exit::DOUBT;
use super::super::planning::make_plan;
use super::proof;
use super::provider::{Arrival, Truth};
use super::world::World;
use crate::journal::Journal as _;
use crate::journal::record::RowRecord;
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::model::time::Cutoff;
use crate::plan::Plan;
use crate::reconcile::ends::subjects;
use crate::reconcile::evidence::Log;
use crate::reconcile::judge::{Bench, Rules};
use crate::reconcile::subject::book;
use crate::reconcile::total::Totals;
use crate::report::summary::Summary;
use crate::runner::clock::Clock as _;

/// An item as a stranger reads it in the file.
pub(super) struct Found {
    pub(super) id: i64,
    pub(super) invoice: String,
    pub(super) generation: u16,
    pub(super) request_id: String,
    pub(super) state: State,
    pub(super) reason: String,
}

type Checked = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Everything that must hold between two commands.
pub(super) async fn always(world: &mut World) -> Checked {
    world.truth.lock().unwrap().ripen(world.clock.elapsed());
    on_the_wire(&world.truth.lock().unwrap())?;
    let Ok(Some(journal)) = Store::open_to_examine(&world.case.journal).await else { return Ok(()) };
    let flaws = journal.check().await.map_err(|error| error.to_string())?.flaws;
    ensure(flaws.is_empty(), || format!("P6, P7: {flaws:?}"))?;
    let items = items(world);
    kept(world, &items)?;
    generations(&items)?;
    for item in &items {
        let before = world.seen.insert((item.invoice.clone(), item.generation), item.state);
        let lawful = |before: State| !before.is_terminal() || item.state == before || item.state == State::Conflict;
        ensure(before.is_none_or(lawful), || {
            format!("P6: {} was {}, and is {}", item.invoice, before.unwrap_or(State::Planned), item.state)
        })?;
        if before != Some(item.state) {
            proof::of(world, &journal, item).await?;
        }
    }
    Ok(())
}

/// All items in the file.
pub(super) fn items(world: &World) -> Vec<Found> {
    let journal = rusqlite::Connection::open(world.journal()).unwrap();
    let mut statement = journal
        .prepare("SELECT id, invoice, generation, request_id, state, reason FROM item ORDER BY invoice, generation")
        .unwrap();
    let read = |row: &rusqlite::Row<'_>| {
        let state = State::from_word(&row.get::<_, String>(4)?).unwrap();
        let (id, invoice, generation) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Found { id, invoice, generation, request_id: row.get(3)?, state, reason: row.get(5)? })
    };
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

/// What the provider has seen: P1, P2, P5, P10.
fn on_the_wire(truth: &Truth) -> Checked {
    ensure(truth.violations.is_empty(), || truth.violations.join("; "))?;
    let mut done: HashMap<&str, usize> = HashMap::new();
    for effect in &truth.effects {
        *done.entry(&effect.invoice).or_default() += 1;
    }
    ensure(done.values().all(|count| *count == 1), || format!("P1: more than one effect: {:?}", truth.effects))?;
    let mut sent: HashMap<&str, (&str, &[u8])> = HashMap::new();
    let inquiries: HashSet<&str> =
        truth.arrivals.iter().filter(|call| call.body.is_none()).map(|call| call.request_id.as_str()).collect();
    for call in &truth.arrivals {
        let Some(body) = &call.body else { continue };
        let first = *sent.entry(&call.request_id).or_insert((&call.invoice, body));
        ensure(first == (&*call.invoice, &**body), || format!("P5: two requests under {}", call.request_id))?;
        ensure(!inquiries.contains(&*call.request_id), || format!("P5: {} is an inquiry's too", call.request_id))?;
    }
    for (run, from, until) in &truth.waits {
        let early = truth.arrivals.iter().find(|call| call.run == *run && call.at > *from && call.at < *until);
        ensure(early.is_none(), || format!("P10: {early:?} came while run {run} was to wait, {from:?} to {until:?}"))?;
    }
    pace(&truth.arrivals)
}

/// Five in a second, and one at once, in every run.
fn pace(arrivals: &[Arrival]) -> Checked {
    let mut of_run: HashMap<usize, Vec<Duration>> = HashMap::new();
    for call in arrivals {
        of_run.entry(call.run).or_default().push(call.at);
    }
    for times in of_run.values() {
        let fast =
            times.iter().zip(times.iter().skip(6)).find(|(first, last)| **last < **first + Duration::from_secs(1));
        ensure(fast.is_none(), || format!("P10: seven requests within a second: {fast:?}"))?;
    }
    Ok(())
}

/// What the journal has taken once is there (P3).
fn kept(world: &World, items: &[Found]) -> Checked {
    let journal = rusqlite::Connection::open(world.journal()).unwrap();
    let question = "SELECT count(*) FROM attempt WHERE request_id = ?1 AND kind = 'send' AND ended_at IS NOT NULL \
                    AND reason <> 'crash'";
    for (request_id, promise) in world.promises.lock().unwrap().iter() {
        let outcomes: i64 = journal.query_row(question, [request_id], |row| row.get(0)).unwrap();
        ensure(outcomes >= promise.outcomes, || {
            format!("P3: the journal took {} outcomes of {request_id}, and has {outcomes}", promise.outcomes)
        })?;
        let state = items.iter().find(|item| item.request_id == *request_id).map(|item| item.state);
        let promised = promise.state.filter(|state| state.is_terminal());
        ensure(promised.is_none() || state == promised || state == Some(State::Conflict) || was_ruled(state), || {
            format!("P3: the journal said that {request_id} is {promised:?}, and says {state:?}")
        })?;
    }
    Ok(())
}

fn was_ruled(state: Option<State>) -> bool {
    matches!(state, Some(State::RuledDone | State::RuledNotDone))
}

/// There is a next generation only of what had no effect; a later contradiction may have made a conflict of that.
fn generations(items: &[Found]) -> Checked {
    for (before, item) in items.iter().zip(items.iter().skip(1)).filter(|(_, item)| item.generation > 0) {
        let had_none =
            matches!(before.state, State::Refused | State::RuledNotDone | State::Conflict | State::RuledDone);
        ensure(before.invoice == item.invoice && had_none, || {
            format!("P1: generation {} of {} follows one that is {}", item.generation, item.invoice, before.state)
        })?;
    }
    Ok(())
}

/// What must hold for the report of a run: P12, P13, P14, and the exit code.
pub(super) async fn closing(
    world: &World,
    journal: &Store,
    plan: &Plan,
    records: &[RowRecord],
    summary: &Summary,
    log: &Log,
) -> Checked {
    let identity = summary.identity;
    ensure(identity.holds, || format!("P14: {identity:?}"))?;
    let (rows, rupiah) =
        plan.rows().map(Result::unwrap).fold((0, 0), |(rows, rupiah), row| (rows + 1, rupiah + row.rupiah.whole()));
    let states = summary
        .states
        .values()
        .fold((0, 0), |(rows, rupiah), tally| (rows + tally.count, rupiah + tally.rupiah.whole()));
    ensure(states == (rows, rupiah), || format!("P14: {states:?} of {:?}", (rows, rupiah)))?;

    let doubts = journal.doubts().await.map_err(|error| error.to_string())?;
    ensure((summary.exit_code == DOUBT) != doubts.is_empty(), || {
        format!("exit code {} with {} items in doubt", summary.exit_code, doubts.len())
    })?;
    ensure(summary.in_doubt.count >= doubts.len() as u64, || "the summary hides doubt".into())?;

    let shuffled = shuffled(log);
    let rules = Rules { grace: world.case.job.reconcile.grace, now: world.clock.now() };
    let verdicts = |log: &Log| {
        let subjects = subjects(plan, records, &mut Totals::default());
        let book = book(&subjects, log, Cutoff::MIDNIGHT).unwrap();
        let mut bench = Bench::new(&book.ledger, rules);
        let judged = book.ledger.in_order().into_iter().map(|order| bench.judge(order));
        judged.map(|order| (order.reason_text(), order.doku_status, order.doku_amount)).collect::<Vec<_>>()
    };
    ensure(verdicts(log) == verdicts(&shuffled), || "P12, P13: the order of notifications changes a verdict".into())?;
    let mut fates = Vec::new();
    for log in [log, &shuffled] {
        let input = world.case.input(rules.now).map_err(|failure| failure.to_string())?;
        let plan = make_plan(&world.case, &world.account, input, log, Some(journal), rules.now).await;
        let plan = plan.map_err(|failure| failure.to_string())?;
        fates.push(plan.rows().map(|row| plan.fate(&row.unwrap())).collect::<Vec<_>>());
    }
    ensure(fates[0] == fates[1], || "P12, P13: the order of notifications changes the plan".into())
}

/// The same notifications, backwards and each twice.
fn shuffled(log: &Log) -> Log {
    let heard = log.heard.iter().rev().flat_map(|line| [line.clone(), line.clone()]).collect();
    Log { heard, unmatched: log.unmatched.clone() }
}
