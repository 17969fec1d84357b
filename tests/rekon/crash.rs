//! The program is killed where it hurts, and started again: at named points, at random, twice at once, with its journal gone.
//!
//! `REKON_KILLS=20000` kills at random so many times, `REKON_KILL_SEEDS=50` takes so many seeds for each named point; with
//! `-- --nocapture` both print their figures. A complaint names the seed that shows it again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::process::{now, until};
use crate::shim::{Shim, Sync, What, trace};
use crate::support::copy_into;
use crate::trial::{OPERATIONS, Seeded, Trial, asked_for, faults, show};

/// A place in the program at which it can be killed (`failure-modes.md` 4.3).
struct Point {
    id: &'static str,
    place: &'static str,
    /// A plan for each of the runs that are killed there, one after the other. `{n}` is the seed's how manieth time; `{run}` is
    /// the sync of the journal that commits the run, and `{group}` the nth one from there; `{file}` is one of the files out.
    plans: &'static [&'static str],
}

const fn point(id: &'static str, place: &'static str, plans: &'static [&'static str]) -> Point {
    Point { id, place, plans }
}

/// All named points. What does not exist in this program (yet) has the nearest boundary that does.
const POINTS: &[Point] = &[
    point("K01", "after opening the journal", &["kill after open {n} journal.db"]),
    point("K02", "while the tables are made", &["kill half write {n} journal.db-wal"]),
    point(
        "K03",
        "while the rows of the run are inserted",
        &["pass after sync {before_run} journal.db-wal; kill half write {n} journal.db-wal"],
    ),
    point("K04", "after the commit of the run", &["kill after sync {run} journal.db-wal"]),
    // No leases in an embedded journal: the lock stands in for them.
    point("K05", "after the lock is taken", &["kill after open 1 journal.db.lock"]),
    point(
        "K06",
        "before the intent is written",
        &["pass after sync {group} journal.db-wal; kill before write 1 journal.db-wal"],
    ),
    point(
        "K07",
        "before the intent is durable",
        &["pass after sync {group} journal.db-wal; kill before sync 1 journal.db-wal"],
    ),
    point(
        "K08",
        "after the intent is durable, before anybody knows",
        &["pass after sync {group} journal.db-wal; kill after sync 1 journal.db-wal"],
    ),
    point("K09", "before the connection", &["kill before connect {n} -"]),
    point("K10", "before the first byte", &["kill before send {n} POST"]),
    point("K11", "in the middle of a request", &["kill half send {n} POST"]),
    point("K12", "after the last byte", &["kill after send {n} POST"]),
    point("K13", "before the answer is taken", &["pass after send {n} POST; kill before recv 1 -"]),
    point("K14", "after the whole answer", &["kill after recv {n} HTTP/1.1"]),
    point(
        "K15",
        "before the outcome is written",
        &["pass after recv {n} HTTP/1.1; kill before write 1 journal.db-wal"],
    ),
    point("K16", "before the outcome is durable", &["pass after recv {n} HTTP/1.1; kill before sync 1 journal.db-wal"]),
    point(
        "K17",
        "after the outcome is durable, before anybody knows",
        &["pass after recv {n} HTTP/1.1; kill after sync 1 journal.db-wal"],
    ),
    point("K18", "before the same key is sent again", &["kill before send 2 INV-2\""]),
    point("K19", "after the status was told", &["pass after send 1 GET; kill after recv 1 HTTP/1.1"]),
    point("K20", "before a file out is begun", &["kill before open 1 .{file}.part"]),
    point("K21", "in the middle of a file out", &["kill half write 1 .{file}.part"]),
    point("K22", "before a file out is durable", &["kill before sync 1 .{file}.part"]),
    point("K23", "before a file out has its name", &["kill before rename 1 /{file}"]),
    point("K24", "before the name of a file out is durable", &["kill after rename 1 /{file}"]),
    point(
        "K25",
        "while the log is copied into the journal",
        &["pass after rename 1 summary.json; kill half write {n} journal.db"],
    ),
    point("K25", "before the log is removed", &["kill before unlink 1 journal.db-wal"]),
    point("K25", "after the log is removed", &["kill after unlink 1 journal.db-wal"]),
    // K26, the backup, and K28, the ruling, are commands of their own: they have tests of their own below.
    // No checkpoints of the notification log: each run reads it from the start.
    point("K27", "while the notification log is read", &["kill after open 1 notifications.jsonl"]),
    point(
        "K17",
        "before the end of the run is durable",
        &["pass after rename 1 summary.json; kill before sync 1 journal.db-wal"],
    ),
    point("K29", "in the signal handler", &["int before send {n} POST; kill before wake 1 -"]),
    point("K29", "after an interrupt, with calls under way", &["int before send {n} POST; kill after recv 1 HTTP/1.1"]),
    point(
        "K30",
        "while a kill is being recovered from, and again",
        &["kill after send {n} POST", "kill before sync 1 journal.db-wal", "kill after sync 1 journal.db-wal"],
    ),
];

/// The plan came to its end before the program was killed.
#[derive(Debug)]
struct NotReached;

const FILES: [&str; 3] = ["results.csv", "reconciliation.csv", "summary.json"];

/// INV-2 is answered by a reset after its effect, INV-3 by a 409 that is no replay: one is sent again, one is asked about.
const DOUBTS: &str =
    "  - {invoice_number: INV-2, fault: reset_after}\n  - {invoice_number: INV-3, fault: not_a_replay_409}\n";

/// How many syncs of a new journal come before and with the commit of the run: counted in a run without a kill, in which the
/// last one before the first connection commits the first intents.
fn sync_of_the_run(operation: &'static str) -> usize {
    let trial = Trial::new(operation, 8, "");
    let path = trial.folder.path("whole");
    let mut command = trial.behind(&Shim { trace: Some(&path), ..Shim::plan("") });
    assert!(command.output().expect("the program starts").status.code().is_some());
    let events = trace(&path);
    let before = events.iter().take_while(|event| event.what != What::Connects);
    before.filter(|event| event.what == What::SyncEnded && event.path.ends_with("journal.db-wal")).count() - 1
}

/// Kills a job at a point and runs it to its end; says what is wrong. On a machine that is busy a call may be given up before
/// the point is reached; then it is tried again.
fn killed_at(point: &Point, operation: &'static str, run: usize, seed: u64) -> Vec<String> {
    let mut tries = (0..3).filter_map(|_| tried_at(point, operation, run, seed).ok());
    tries.next().unwrap_or_else(|| vec![format!("not reached: {:?}", point.plans)])
}

/// The same, once; an error if the point was not reached.
fn tried_at(point: &Point, operation: &'static str, run: usize, seed: u64) -> Result<Vec<String>, NotReached> {
    let mut seeded = Seeded::new(seed);
    let faults = DOUBTS.to_owned() + &faults(&mut seeded, operation, 4, 8);
    let mut trial = Trial::new(operation, 8, &faults);
    let n = 1 + usize::try_from(seed % 3).expect("a small number");
    for plan in point.plans {
        let plan = plan
            .replace("{n}", &n.to_string())
            .replace("{before_run}", &(run - 1).to_string())
            .replace("{run}", &run.to_string())
            .replace("{group}", &(run + n - 1).to_string())
            .replace("{file}", FILES[n - 1]);
        if trial.run(&plan).code.is_some() {
            return Err(NotReached);
        }
    }
    trial.settle();
    Ok(trial.complaints())
}

/// All points with so many seeds.
fn named_points(operation: &'static str) {
    let run = sync_of_the_run(operation);
    let seeds = asked_for("REKON_KILL_SEEDS", 2);
    let cases: Vec<(&Point, u64)> = POINTS.iter().flat_map(|point| (0..seeds).map(move |seed| (point, seed))).collect();
    let complaints = Mutex::new(Vec::new());
    let next = AtomicU64::new(0);
    let work = || {
        while let Some((point, seed)) =
            cases.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("an index"))
        {
            for wrong in killed_at(point, operation, run, *seed) {
                let told = format!("{} {}, seed {seed}: {wrong}", point.id, point.place);
                complaints.lock().expect("nobody panics with it").push(told);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let complaints = complaints.into_inner().expect("nobody panics with it");
    assert!(complaints.is_empty(), "{operation}:\n{}", complaints.join("\n"));
}

#[test]
fn a_create_killed_at_any_named_point_is_carried_out_once() {
    named_points("create");
}

#[test]
fn a_cancel_killed_at_any_named_point_is_carried_out_once() {
    named_points("cancel");
}

#[test]
fn a_refund_killed_at_any_named_point_is_carried_out_once() {
    named_points("refund");
}

/// What many kills came to.
#[derive(Debug, Default)]
struct Figures {
    jobs: AtomicU64,
    kills: AtomicU64,
    resumes: AtomicU64,
    requests: AtomicU64,
    effects: AtomicU64,
    doubles: AtomicU64,
    lost: AtomicU64,
    phantoms: AtomicU64,
}

/// Kills a job one to three times at any system call, runs it to its end, and counts; says what is wrong.
fn killed_at_random(seed: u64, figures: &Figures) -> Vec<String> {
    let mut seeded = Seeded::new(seed);
    let operation = *seeded.one_of(&OPERATIONS);
    let faults = faults(&mut seeded, operation, 1, 10);
    let mut trial = Trial::new(operation, 10, &faults);
    if seeded.below(4) == 0 {
        trial.sync = Sync::Slow;
    }
    for round in 0..=seeded.below(3) {
        // About as many calls as a whole run makes; the later ones have less to do.
        let call = 1 + seeded.below(if round == 0 { 460 } else { 260 });
        let when = seeded.one_of(&["before", "before", "half", "after"]);
        trial.run(&format!("kill {when} any {call} -"));
    }
    trial.settle();
    let wrong = trial.complaints();
    let count = |counter: &AtomicU64, number: u64| counter.fetch_add(number, Ordering::Relaxed);
    let told = |word: &str| wrong.iter().filter(|wrong| wrong.contains(word)).count() as u64;
    count(&figures.jobs, 1);
    count(&figures.kills, trial.kills.into());
    count(&figures.resumes, (trial.runs - 1).into());
    count(&figures.requests, trial.provider.requests());
    count(&figures.effects, trial.provider.ledger().len() as u64);
    count(&figures.doubles, trial.doubles().len() as u64);
    count(&figures.lost, told("lost: "));
    count(&figures.phantoms, told("a phantom: "));
    wrong
}

#[test]
fn random_kills_lose_nothing_and_do_nothing_twice() {
    let kills = asked_for("REKON_KILLS", 300);
    let first = asked_for("REKON_FIRST_SEED", 1);
    let figures = Figures::default();
    let began = now();
    let next = AtomicU64::new(first);
    let complaints = Mutex::new(Vec::new());
    let work = || {
        while figures.kills.load(Ordering::Relaxed) < kills {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            for wrong in killed_at_random(seed, &figures) {
                complaints.lock().expect("nobody panics with it").push(format!("REKON_FIRST_SEED={seed}: {wrong}"));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(work);
        }
    });
    show(&format!("{figures:?} in {} s", (now() - began).num_seconds()));
    let complaints = complaints.into_inner().expect("nobody panics with it");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The places at which a command that is not a run is killed: each of its system calls that count.
fn killed_at_every_call(trial: &Trial, arguments: &[&str], each_time: impl Fn(&str)) {
    for call in 1.. {
        for when in ["before", "half"] {
            let plan = format!("kill {when} any {call} -");
            if trial.other(arguments, &plan).code.is_some() {
                return;
            }
            each_time(&plan);
        }
    }
}

/// K26 of `failure-modes.md` 4.3.
#[test]
fn a_backup_killed_at_any_call_is_whole_or_not_there() {
    let mut trial = Trial::new("refund", 8, "");
    trial.settle();
    let copy = trial.folder.path("copy.db");
    let arguments = ["journal", "backup", "copy.db", "--job", "job.yaml"];
    killed_at_every_call(&trial, &arguments, |plan| {
        if copy.exists() {
            let checked = trial.folder.rekon(&["journal", "check", "--journal", "copy.db"]);
            assert_eq!(checked.code, Some(0), "{plan}: {}{}", checked.stdout, checked.stderr);
            std::fs::remove_file(&copy).expect("the copy");
        }
    });
    let checked = trial.folder.rekon(&["journal", "check", "--journal", "copy.db"]);
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    trial.settle();
    assert_eq!(trial.complaints(), [""; 0]);
}

/// K28 of `failure-modes.md` 4.3.
#[test]
fn a_ruling_killed_at_any_call_stands_or_does_not_and_is_made_once() {
    let operation = "refund";
    let mut trial = Trial::new(operation, 8, "  - {invoice_number: INV-2, times: 100, fault: reset_before}\n");
    // Whichever calls end first, this one has been sent.
    trial.run("kill after send 1 INV-2\"");
    trial.control.jump_to(7 * 86_400);
    let state = |trial: &Trial| {
        let state = "SELECT state FROM item WHERE invoice = 'INV-2'";
        trial.journal().query_row(state, [], |row| row.get::<_, String>(0)).expect("an item")
    };
    // On a machine that stands still for a moment its inquiry is not answered in time, and the next run asks again.
    let is_given_up = (0..5).any(|_| {
        assert_eq!(trial.run("").code, Some(3), "{operation}");
        state(&trial) == "review"
    });
    assert!(is_given_up, "{operation}");
    let ruling = [
        "rule",
        "INV-2",
        "--operation",
        operation,
        "--as",
        "not-done",
        "--reason",
        "R",
        "--evidence",
        "E",
        "--job",
        "job.yaml",
    ];
    killed_at_every_call(&trial, &ruling, |plan| {
        let state = state(&trial);
        assert!(["review", "ruled_not_done"].contains(&state.as_str()), "{operation}, {plan}: {state}");
    });
    assert_eq!(state(&trial), "ruled_not_done", "{operation}");
    let checked = trial.folder.rekon(&["journal", "check", "--job", "job.yaml"]);
    assert_eq!(checked.code, Some(0), "{operation}: {}{}", checked.stdout, checked.stderr);
    let sent = |trial: &Trial| trial.posted().iter().filter(|posted| posted.invoice == "INV-2").count();
    let before = sent(&trial);
    trial.run("");
    assert_eq!((sent(&trial), trial.doubles()), (before, Vec::new()), "{operation}");
}

/// A trial whose first run was killed after it had sent some requests, and whose journal a test may now take away.
fn killed_half_way(operation: &'static str, seed: u64) -> Trial {
    let mut seeded = Seeded::new(seed);
    let faults = faults(&mut seeded, operation, 2, 10);
    let mut trial = Trial::new(operation, 10, &faults);
    let when = seeded.one_of(&["before", "half", "after"]);
    let ended = trial.run(&format!("kill {when} send {} POST", 2 + seeded.below(6)));
    assert_eq!(ended.code, None, "{}{}", ended.stdout, ended.stderr);
    trial
}

#[test]
fn a_journal_that_is_deleted_half_way_leads_to_no_second_effect() {
    for operation in OPERATIONS {
        for seed in 0..4 {
            let mut trial = killed_half_way(operation, seed);
            std::fs::remove_dir_all(trial.folder.path(".rekon")).expect("a journal");
            trial.settle();
            assert_eq!(trial.complaints(), [""; 0], "{operation}, seed {seed}");
        }
    }
}

#[test]
fn a_journal_restored_from_half_way_leads_to_no_second_effect() {
    for operation in OPERATIONS {
        for seed in 0..4 {
            let mut trial = killed_half_way(operation, seed);
            copy_into(&trial.folder.path(".rekon"), &trial.folder.path("older"));
            trial.settle();
            std::fs::remove_dir_all(trial.folder.path(".rekon")).expect("a journal");
            copy_into(&trial.folder.path("older"), &trial.folder.path(".rekon"));
            trial.was_restored = true;
            trial.run_and_accept();
            trial.settle();
            assert_eq!(trial.complaints(), [""; 0], "{operation}, seed {seed}");
        }
    }
}

#[test]
fn a_runner_that_stood_still_for_longer_than_a_call_may_take_does_nothing_twice() {
    for operation in OPERATIONS {
        for (seed, place) in
            ["before connect 1 -", "before send 2 POST", "after send 2 POST", "after recv 2 HTTP"].iter().enumerate()
        {
            let faults = faults(&mut Seeded::new(seed as u64), operation, 2, 10);
            let mut trial = Trial::new(operation, 10, &faults);
            trial.run_with_a_pause(place, || {
                let began = now();
                until("a call's time has passed", || (now() - began).num_milliseconds() > 400);
            });
            trial.settle();
            assert_eq!(trial.complaints(), [""; 0], "{operation}, {place}");
        }
    }
}

#[test]
fn two_runners_at_once_one_of_them_killed_do_nothing_twice() {
    for seed in 0..asked_for("REKON_PAIRS", 20) {
        let mut seeded = Seeded::new(seed);
        let operation = *seeded.one_of(&OPERATIONS);
        let faults = faults(&mut seeded, operation, 1, 10);
        let mut trial = Trial::new(operation, 10, &faults);
        let mut killed = trial.command(&format!("kill before any {} -", 1 + seeded.below(460)));
        let mut other = trial.command("");
        let (killed, other) = std::thread::scope(|scope| {
            let killed = scope.spawn(|| killed.output().expect("the program starts"));
            let other = scope.spawn(|| other.output().expect("the program starts"));
            (killed.join().expect("no panic"), other.join().expect("no panic"))
        });
        let shown = format!("seed {seed}, {operation}: {killed:?} {other:?}");
        assert!(matches!(other.status.code(), Some(0 | 1 | 3 | 5)), "{shown}");
        assert!(matches!(killed.status.code(), None | Some(0 | 1 | 3 | 5)), "{shown}");
        trial.settle();
        assert_eq!(trial.complaints(), [""; 0], "{shown}");
    }
}
