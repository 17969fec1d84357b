//! The world breaks under the program: the disk is full, syncs and writes fail, folders are read-only, the clock jumps.
//!
//! The sweeps fail the nth call for n = 1, 2, ... until nothing fails any more, once and for ever. `REKON_SWEEP_STEP=1` leaves
//! none out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::power::losses;
use crate::process::{Ended, now, until};
use crate::shim::{Event, Shim, What, trace};
use crate::trial::{Trial, asked_for};

/// Orders of a job here; INV-1 is refused.
const COUNT: u32 = 8;

/// A run that was broken.
struct Broken {
    trial: Trial,
    ended: Ended,
    events: Vec<Event>,
}

impl Broken {
    /// Runs a refund with a plan, and so many bytes of room on the disk.
    fn run(plan: &str, room: i64) -> Self {
        let trial = Trial::new("refund", COUNT, "");
        trial.be_patient();
        trial.control.leave_room(room);
        let path = trial.folder.path("trace");
        let ended = trial.run_behind_quietly(&Shim { trace: Some(&path), ..Shim::plan(plan) });
        let events = trace(&path);
        trial.control.leave_room(-1);
        Self { trial, ended, events }
    }

    /// Whether anything did fail.
    fn was_hit(&self) -> bool {
        self.events.iter().any(|event| event.what == What::Failed)
    }

    fn posts(&self) -> usize {
        self.events.iter().filter(|event| event.posted().is_some()).count()
    }

    /// What is wrong about how it ended, and about what follows once the world is whole again.
    fn complaints(mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        let shown = |what: &str| format!("{what}:\n{}{}", self.ended.stdout, self.ended.stderr);
        if self.ended.stderr.contains("panicked") {
            wrong.push(shown("it panicked"));
        }
        match self.ended.code {
            // Nothing was sent.
            Some(2) if self.posts() > 0 => wrong.push(shown("exit code 2 after requests")),
            // Money may be in doubt, or the run go on later.
            Some(2..=4) => {}
            // Then everything must be as it says, without another run.
            Some(0 | 1) => {
                self.trial.take_note(&self.ended);
                wrong.extend(self.trial.complaints().into_iter().map(|wrong| format!("at once: {wrong}")));
            }
            code => wrong.push(shown(&format!("exit code {code:?}"))),
        }
        // Nor may the power fail as well.
        for seed in 0..3 {
            wrong.extend(losses(&self.events, seed).into_iter().map(|lost| format!("power: {lost}")));
        }
        self.trial.settle();
        wrong.extend(self.trial.complaints().into_iter().map(|wrong| format!("afterwards: {wrong}")));
        wrong
    }
}

/// Breaks the job in each of these ways, two at a time; says what is wrong.
fn all<T: std::fmt::Debug + std::marker::Sync>(
    cases: &[T],
    complaints: impl Fn(&T) -> Vec<String> + std::marker::Sync,
) -> String {
    let told = Mutex::new(Vec::new());
    let next = AtomicU64::new(0);
    let work = || {
        while let Some(case) = cases.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("an index")) {
            for wrong in complaints(case) {
                told.lock().expect("nobody panics with it").push(format!("{case:?}: {wrong}"));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    told.into_inner().expect("nobody panics with it").join("\n")
}

/// The plans that fail the nth call, once and for ever, up to the first n at which nothing fails; `step` leaves some out.
fn sweep(error: &str, call: &str, pattern: &str) -> Vec<String> {
    let step = asked_for("REKON_SWEEP_STEP", 0);
    let fails = |n: u64| Broken::run(&format!("{error} before {call} {n} {pattern}"), -1).was_hit();
    // The last call that can fail lies between a power of two and the next.
    let mut most = 1;
    while fails(most) {
        most *= 2;
    }
    // By itself a sweep takes about four places of its call.
    let step = if step == 0 { most.div_ceil(4) } else { step };
    let places = (1..most).step_by(usize::try_from(step).expect("a small number"));
    places
        .flat_map(|n| [format!("{n}"), format!("{n}+")])
        .map(|n| format!("{error} before {call} {n} {pattern}"))
        .collect()
}

#[test]
fn a_sync_of_the_journal_that_fails_stops_the_sending() {
    let told = all(&sweep("eio", "sync", "journal.db-wal"), |plan| {
        let broken = Broken::run(plan, -1);
        let mut wrong = Vec::new();
        let since = broken.events.iter().skip_while(|event| event.what != What::Failed);
        let after = since.filter(|event| event.posted().is_some()).count();
        if after > 4 {
            wrong.push(format!("{after} requests after it"));
        }
        wrong.extend(broken.complaints());
        wrong
    });
    assert!(told.is_empty(), "{told}");
}

#[test]
fn a_write_that_fails_anywhere_loses_nothing_and_does_nothing_twice() {
    let kinds = [("eio", "write"), ("enospc", "write"), ("eio", "sync")];
    let plans: Vec<String> = kinds.into_iter().flat_map(|(error, call)| sweep(error, call, "-")).collect();
    let told = all(&plans, |plan| Broken::run(plan, -1).complaints());
    assert!(told.is_empty(), "{told}");
}

#[test]
fn any_other_call_that_fails_loses_nothing_and_does_nothing_twice() {
    let calls = ["open", "truncate", "rename", "unlink", "mkdir", "connect", "send", "recv"];
    let plans: Vec<String> = calls.into_iter().flat_map(|call| sweep("eio", call, "-")).collect();
    let told = all(&plans, |plan| Broken::run(plan, -1).complaints());
    assert!(told.is_empty(), "{told}");
}

/// How much room a run finds, from none to more than it needs. What is kept free beside the journal comes before all else.
fn rooms() -> Vec<i64> {
    let kept = Broken::run("", -1).trial.kept_free();
    let step = usize::try_from(asked_for("REKON_ROOM_STEP", 17_000)).expect("a number");
    let scarce = if kept > 0 { vec![0, 100_000, kept / 2] } else { Vec::new() };
    scarce.into_iter().chain((kept..kept + 400_000).step_by(step)).collect()
}

#[test]
fn a_disk_that_is_full_loses_nothing_and_the_next_run_goes_on() {
    let told = all(&rooms(), |room| Broken::run("", *room).complaints());
    assert!(told.is_empty(), "{told}");
}

#[test]
fn a_disk_that_is_full_keeps_the_answers_of_the_calls_under_way() {
    let told = all(&rooms(), |room| {
        let broken = Broken::run("", *room);
        if broken.posts() == 0 {
            return Vec::new();
        }
        let open = "SELECT count(*) FROM attempt WHERE kind = 'send' AND ended_at IS NULL";
        let open: i64 = broken.trial.journal().query_row(open, [], |row| row.get(0)).expect("a count");
        if open == 0 { Vec::new() } else { vec![format!("{open} of {} answers are lost", broken.posts())] }
    });
    assert!(told.is_empty(), "{told}");
}

#[test]
fn a_full_disk_is_told_as_that_and_never_as_a_damaged_journal() {
    let mut trial = Trial::new("refund", COUNT, "");
    trial.run("");
    let backup = trial.folder.path("backup.db").display().to_string();
    let before = std::fs::read(trial.folder.path(".rekon/journal.db")).expect("a journal");
    trial.control.leave_room(0);
    for arguments in [
        &["run", "job.yaml"][..],
        &["resolve", "job.yaml"],
        &["show", "--job", "job.yaml"],
        &["show", "INV-2", "--job", "job.yaml"],
        &["journal", "check", "--job", "job.yaml"],
        &["journal", "backup", &backup, "--job", "job.yaml"],
        &["doctor", "job.yaml", "--offline"],
    ] {
        let told = trial.other(arguments, "");
        let text = format!("{}{}", told.stdout, told.stderr);
        assert_eq!(told.code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains("journal.db: its disk is full, and without room"), "{arguments:?}: {text}");
        assert!(text.contains("make room on that disk, then"), "{arguments:?}: {text}");
        for lie in ["disk I/O error", "a backup, after a look", "let the user of this program write"] {
            assert!(!text.contains(lie), "{arguments:?} says {lie:?}: {text}");
        }
    }
    assert!(!trial.folder.path(".rekon/journal.db.room").exists());
    assert!(std::fs::read(trial.folder.path(".rekon/journal.db")).expect("a journal") == before);
    trial.control.leave_room(-1);
    trial.settle();
    assert_eq!(trial.complaints(), [""; 0]);
}

#[test]
fn a_read_only_journal_refuses_the_run_and_sends_nothing() {
    for plan in
        ["erofs before open 1+ journal.db", "erofs before open 1+ journal.db.lock", "erofs before mkdir 1 .rekon"]
    {
        let broken = Broken::run(plan, -1);
        assert_eq!((broken.ended.code, broken.posts()), (Some(2), 0), "{plan}: {}", broken.ended.stderr);
        assert_eq!(broken.complaints(), [""; 0], "{plan}");
    }
}

#[test]
fn a_read_only_folder_for_the_files_out_is_told_and_the_next_run_writes_them() {
    for plan in
        ["pass after send 1 POST; erofs before mkdir 1+ -", "erofs before open 1+ .part", "erofs before rename 1+ .csv"]
    {
        let broken = Broken::run(plan, -1);
        assert_eq!(broken.ended.code, Some(4), "{plan}: {}", broken.ended.stderr);
        assert_eq!(broken.complaints(), [""; 0], "{plan}");
    }
}

#[test]
fn a_clock_that_jumps_while_the_program_runs_changes_nothing_for_the_orders() {
    for (seconds, place) in [(3600, 2), (-3600, 3), (86_400, 4), (-86_400, 5)] {
        // Beyond the horizon a doubt is left to a person, and the clock may be right.
        let faults = if seconds < 86_400 { "  - {invoice_number: INV-9, fault: reset_after}\n" } else { "" };
        let mut trial = Trial::new("refund", 10, faults);
        trial.be_patient();
        let control = trial.control.clone_of();
        trial.run_with_a_pause(&format!("before send {place} POST"), || control.jump_to(seconds));
        trial.settle();
        assert_eq!(trial.complaints(), [""; 0], "{seconds} s");
    }
}

#[test]
fn a_clock_that_jumps_between_runs_leaves_no_order_unasked() {
    for seconds in [3600, -3600, -86_400] {
        let mut trial = Trial::new("refund", 10, "");
        trial.run("kill before recv 3 -");
        trial.control.jump_to(seconds);
        // It may refuse to start while the clock is behind what it has written.
        trial.run_and_accept();
        for _ in 0..3 {
            trial.run("");
        }
        // Settled, or left to a person; but not where nobody looks.
        let left = "SELECT count(*) FROM item WHERE state IN ('intent', 'unknown')";
        assert_eq!(trial.journal().query_row(left, [], |row| row.get(0)), Ok(0), "{seconds} s");
        assert_eq!(trial.doubles(), [""; 0], "{seconds} s");
    }
}

#[test]
fn a_clock_that_went_back_behind_the_journal_sends_nothing_until_a_person_accepts_it() {
    let mut trial = Trial::new("refund", 10, "");
    trial.run("kill before recv 3 -");
    let requests = trial.provider.requests();
    trial.control.jump_to(-3600);
    let refused = trial.run_behind_quietly(&Shim::plan(""));
    assert_eq!(refused.code, Some(2), "{}", refused.stdout);
    assert!(refused.stderr.contains("hint: set the clock"), "{}", refused.stderr);
    assert_eq!(trial.provider.requests(), requests);
    let accepted = trial.other(&["journal", "accept", "--reason", "a test", "--job", "job.yaml"], "");
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
    // A small correction is no reason to stop.
    trial.control.jump_to(-3600 - 120);
    assert_ne!(trial.run("").code, Some(2));
    assert_eq!(trial.doubles(), [""; 0]);
}

#[test]
fn after_a_week_an_unknown_order_is_asked_about_and_never_sent_again() {
    let mut trial = Trial::new("refund", 10, "  - {invoice_number: INV-2, times: 100, fault: reset_before}\n");
    trial.run("kill before recv 6 -");
    let before = trial.posted();
    assert!(before.len() > 1, "{before:?}");
    // By then the status shows what was done.
    let killed_at = now();
    until("the status has caught up", || (now() - killed_at).num_milliseconds() > 300);
    trial.control.jump_to(7 * 86_400);
    for _ in 0..3 {
        assert_eq!(trial.run("").code, Some(3));
    }
    let again: Vec<_> =
        trial.posted().into_iter().skip(before.len()).filter(|posted| before.contains(posted)).collect();
    assert_eq!(again, []);
    let review = "SELECT count(*) FROM item WHERE state = 'review' AND invoice = 'INV-2'";
    assert_eq!(trial.journal().query_row(review, [], |row| row.get(0)), Ok(1));
    assert_eq!(trial.complaints(), [""; 0]);
}
