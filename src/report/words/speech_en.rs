//! What commands tell, in English.

use super::en::WORDS;
use super::speech::{Again, Ended, Look, Speech, Unit};
use super::{cause, entry, rounded};
use crate::journal::log::short;
use crate::journal::record::RowFate;
use crate::journal::state::State;
use crate::model::fault::printable;
use crate::model::money::{Rupiah, Tally};
use crate::model::status::BookStatus;
use crate::model::time::for_people;
use crate::model::verdict::Verdict;
use crate::plan::eta::Eta;
use crate::plan::guard::Reading;
use crate::plan::phrase::Phrase;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::report::action::Action;
use crate::report::limits::LimitsSeen;
use crate::report::overrides::in_words;

/// The words.
pub(super) const SPEECH: Speech = Speech {
    count: |number| number.to_string(),
    time: for_people,
    date: str::to_owned,
    counted,
    operation: |word| word,
    plan: "plan",
    run: "run",
    disposition: "disposition",
    rows: "rows",
    orders: "orders",
    lines: "lines",
    rupiah: "rupiah",
    total: "total",
    guards: ["guard", "limit", "plan", "headroom"],
    ok: "ok",
    held_back: "ok",
    broken: "BROKEN",
    dispositions: ["send", "skip", "held", "invalid"],
    phrase: Phrase::to_string,
    eta: Eta::to_string,
    trouble: Eta::trouble,
    left_open: |open| {
        format!(
            "{} of the skipped ones, {}: in doubt; a run asks again with the same key until they are settled",
            counted(open.count, Unit::Rows),
            open.rupiah
        )
    },
    may_run: "It may be run; nothing was sent.",
    may_not_run: |broken| match broken {
        [] => "MAY NOT BE RUN: the input is bad; nothing was sent".to_owned(),
        broken => format!("MAY NOT BE RUN: {} broken; nothing was sent", broken.join(", ")),
    },
    broken_guard: |reading| {
        let Reading { guard, found, limit, headroom, .. } = reading;
        match reading.key() {
            // What was found is the run that had it, and what is left is how far that came.
            "duplicate_input" => format!("guard duplicate_input: this is {found}, {headroom}"),
            "control" => format!("guard {guard}: {found} found, {limit} expected: {headroom}"),
            _ => format!("guard {guard}: {found} planned, {limit} allowed: {headroom}"),
        }
    },
    guard_hint: |flags| {
        let loosen =
            if flags.is_empty() { String::new() } else { format!(", or for this run only add {flags} --reason TEXT") };
        format!("hint: check that this is the right file; if it is, change the guard{loosen}")
    },
    doubt_meanwhile: |open, command| {
        let (orders, rupiah) = (counted(open.count, Unit::Orders), open.rupiah);
        let settled = if command.is_empty() { "" } else { "; settled, with nothing new sent, by: " };
        format!("MONEY IN DOUBT meanwhile, left by earlier runs of this job: {orders}, {rupiah}{settled}{command}")
    },
    state: "state",
    state_now: "state now",
    our_runs: "what our runs did",
    nothing: "nothing",
    verdict: "verdict",
    strays: "log lines that prove nothing",
    state_name: |state| DoneState::word(state).to_owned(),
    item_state: |state| State::word(state).to_owned(),
    verdict_name: |verdict| Verdict::word(verdict).to_owned(),
    not_judged_name: "not_sent",
    left_out: |reason, some, all| (WORDS.left_out)(reason, &some.to_string(), &all.to_string()),
    judged_nothing: "nothing was judged",
    line_name: |reason| UnmatchedReason::word(reason).to_owned(),
    action_name: |action| Action::word(action).to_owned(),
    book_name: |book| BookStatus::word(book).to_owned(),
    reason: |reason, ageing, key| reason.text(ageing, key),
    identity: |identity| {
        let side = |tally: Tally| format!("{} and {}", tally.count, tally.rupiah);
        if identity.holds {
            let repeated = match identity.repeated.count {
                0 => String::new(),
                _ => format!("; orders {}, further rows of one {}", side(identity.verdicts), side(identity.repeated)),
            };
            return format!("identity holds: rows in = rows out = {}{repeated}", side(identity.rows));
        }
        format!(
            "IDENTITY BROKEN: in {}; over the states {}; over the verdicts {} and repeated rows {}",
            side(identity.rows),
            side(identity.states),
            side(identity.verdicts),
            side(identity.repeated)
        )
    },
    business_days: |first, last, as_of| format!("business days {first} to {last}, as of {as_of}"),
    as_of: |time| format!("as of {time}"),
    log: |lines, signed| format!("log: {}, {signed} signed by DOKU", counted(lines, Unit::Lines)),
    done_elsewhere: |states, rupiah| {
        let much = if rupiah == Rupiah::ZERO { String::new() } else { format!("; {rupiah} as far as is known") };
        format!("done by runs of ours to orders that are not in this input: {states}{much}")
    },
    pace: LimitsSeen::line,
    plan_used: |used| {
        let approved: Vec<String> =
            used.approved_by.iter().map(|one| format!("{} ({})", one.name, short(&one.key))).collect();
        let approved = match approved.as_slice() {
            [] => "needed no approval".to_owned(),
            approved => format!("approved by {}", approved.join(", ")),
        };
        let continues = used.continues.last().map(|run| format!("; continues run {run}")).unwrap_or_default();
        format!("plan {}, made by {}, {approved}{continues}", short(&used.digest), used.made_by)
    },
    overridden: |found| {
        let (from, to) = (in_words(&found.guard, &found.from), in_words(&found.guard, &found.to));
        format!("overridden: {} {from} -> {to}, by {}: {}", found.guard, found.by, found.reason)
    },
    warning: "warning",
    error: "error",
    severity: |verdict, tally, oldest| {
        let oldest = oldest.map(|age| format!(", the oldest {}", rounded(age, ["m", "h", "d"]))).unwrap_or_default();
        let orders = counted(tally.count, Unit::Orders);
        format!("{verdict}: {orders}, {}{oldest} (reconcile.severity)", tally.rupiah)
    },
    files: "files",
    stopped: |cause| format!("stopped part-way: {}", cause::english(cause)),
    because: cause::english,
    cause: |cause| cause.word(),
    ended: |ended| match ended {
        Ended::Done => "done; no money is in doubt".to_owned(),
        Ended::InDoubt(doubt) => format!("MONEY IN DOUBT: {}, {}", counted(doubt.count, Unit::Rows), doubt.rupiah),
        Ended::Stopped => "the run has not come to its end; no money is in doubt".to_owned(),
        Ended::Look => "done; no money is in doubt, but a person must look".to_owned(),
    },
    exit_code: |code| format!("(exit code {code})"),
    of_earlier_runs: |count, named, more| {
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!(
            "{} of an earlier run, which no row here carries on (not in this input, or held): {named}{more}",
            counted(count, Unit::Orders)
        )
    },
    not_judged: |count, named, more| {
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let they = if count == 1 { "it is" } else { "they are" };
        let rows = if count == 1 { "an invalid row" } else { "invalid rows" };
        let orders = counted(count, Unit::Orders);
        format!(
            "{orders} that this audit does not judge ({they} not in the input, outside of the period, left out by where, or \
             {rows}): {named}{more}"
        )
    },
    settles: |again, command| {
        let again = match again {
            Again::TheSender => "run the job that sent them again",
            Again::ThePlan => "run the same plan again",
            Again::TheJob => "run the same job again",
        };
        format!("{again}; it settles them with the same key and never sends twice{}", to_type(command))
    },
    other_amount: |invoice, theirs, ours| format!("{invoice} {theirs} (ours: {ours})"),
    other_amounts: |count, named, more| {
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let orders = counted(count, Unit::Orders);
        format!("for {orders} DOKU's signed answers name other amounts than ours: {named}{more}")
    },
    wrong_column: |column, command| {
        format!(
            "is that the column of the amounts? {column}. If it is not, correct it; the next run then sends what is left{}",
            to_type(command)
        )
    },
    answered_for_good: |horizon, command| {
        format!(
            "a repeat brings the same answer, and no run sends such an order under another key; once retries.horizon ({horizon}) \
             has passed since its first request, this hands it to a person, who rules on it{}",
            to_type(command)
        )
    },
    resolving: |command| {
        format!("or send nothing new; if DOKU is still ill, the status of each is asked for: {command}")
    },
    which_ones: |place| format!("which ones, and what is known about them: rekon show {place}"),
    of_another_journal: |file| {
        let which = file.map_or_else(|| "rekon_state in it".to_owned(), |file| format!("verdict in_doubt in {file}"));
        format!("those that only a results.csv tells of: {which}; the journal of the run that wrote it settles them")
    },
    for_a_person: |invoice, operation, place| {
        format!(
            "review, conflict: a person decides --as done (or not-done): rekon rule {invoice} --operation {operation} --as done \
             --reason TEXT --evidence TEXT {place}"
        )
    },
    go_on: |again, command| match again {
        Again::ThePlan => "run the same plan again to continue".to_owned(),
        Again::TheJob | Again::TheSender => format!("run the job again to continue{}", to_type(command)),
    },
    look_at: |places| {
        let place = |place: &Look| match place {
            Look::Results => "at the rows that are refused or held: results.csv",
            Look::Verdicts => "at the orders that do not match: reconciliation.csv",
            Look::Strays => "at the stray lines of the logs: unmatched.csv",
            Look::Actions => "at what to do next: actions.csv",
        };
        format!("look {}", places.iter().map(place).collect::<Vec<_>>().join("; "))
    },
    reopening: |count, more, command| {
        let (were, them) = if count == 1 { ("was", "it") } else { ("were", "them") };
        let more = if more == 0 { String::new() } else { format!(" (and {more} more in results.csv)") };
        format!(
            "{} {were} refused for the key (401/403), and no run sends {them} again by itself; once the key is right{more}: \
             {command}",
            counted(count, Unit::Orders)
        )
    },
    because_of: |causes| format!("because of {}", causes.join(", ")),
    orders_that: |count, verdict| format!("{count} {verdict}"),
    refused_rows: "refused rows",
    other_jobs: |jobs| format!("left by other jobs; run these again too: {jobs}"),
    doubt_before: |tally| format!("in doubt before: {}, {}", counted(tally.count, Unit::Items), tally.rupiah),
    settled_as: |state, tally| format!("settled as {state}: {}, {}", tally.count, tally.rupiah),
    doubt_now: |tally| format!("in doubt now: {}, {}", counted(tally.count, Unit::Items), tally.rupiah),
    items_in_doubt: |tally| format!("MONEY IN DOUBT: {}, {}", counted(tally.count, Unit::Items), tally.rupiah),
    which_and_what: |place| format!("which ones, and what to type: rekon show {place}"),
    nothing_new: |command| format!("nothing new was sent; what is still to be sent: {command}"),
    runs: ["run", "job", "environment", "ended with", "rows", "in doubt"],
    ended_with: |code| match code {
        0 => "done",
        1 => "look",
        3 => "in doubt",
        4 => "stopped",
        _ => "",
    },
    running: "running",
    cut_off: "cut off",
    no_runs: "no runs yet",
    older_runs: |count| format!("and {}, with nothing in doubt; --json lists all", counted(count, Unit::OlderRuns)),
    journal: "journal",
    no_doubt: "no money is in doubt",
    and_more: |count| format!("and {count} more"),
    doubt_hints: |flag| {
        format!(
            "  one of them: rekon show INVOICE {flag}\n  intent, unknown: run the job again, or rekon resolve JOB\n  \
             review, conflict, --as done (or not-done): rekon rule INVOICE --operation OPERATION --as done --reason TEXT \
             --evidence TEXT {flag}"
        )
    },
    all_of_job: |job| format!("all of job {job}"),
    doubts: ["invoice", "rupiah", "state", "reason", "first sent in WIB", "job"],
    started: |time| format!("started {time}"),
    finished: |time, how| format!("finished {time}, exit code {how}"),
    not_finished: |how, last| match last {
        Some(time) => format!("finished no: {how}; its last request left at {time}"),
        None => format!("finished no: {how}, before a request left"),
    },
    chain: ["when", "what"],
    no_request: "no request was ever made for it",
    item: |state, job, run, request_id| format!("state {state}\njob {job}, run {run}\nrequest id {request_id}"),
    state_reason: |reason| format!(" ({reason})"),
    ruled_by: |by| format!(" by {}", printable(by)),
    generation: |generation| format!("generation {generation}"),
    mentioned: |operation, run, row| {
        format!("{operation}, run {run}, row {} in line {}: {}", row.number, row.line, RowFate::word(row.fate))
    },
    row_reason: str::to_owned,
    planned: "planned",
    notified: "notified",
    said_over: |status, amount, place| format!("{status} over {amount}, {place}"),
    kind: entry::kind_in_english,
    entry: entry::english,
    under_way: "under way",
    known: [
        "the money of this order is in doubt",
        "nothing was done under this key; the next run of the job sends it",
        "what became of this order is known",
    ],
    concluded: |verdict, reason| format!("verdict {verdict} ({reason})"),
    no_verdict: |why| format!("no verdict: {why}"),
    name_the_job: "name the job with --job for the notifications and the verdict",
    break_headings: ["invoice", "amount", "verdict", "reason"],
    row: |number| format!("row {number}"),
    more_orders: |count, file| format!("And {} more: {file}.", counted(count, Unit::Orders)),
    files_in: |folder, names| format!("Files in {folder} (from the folder of the job): {names}."),
    money_in_doubt: "MONEY IN DOUBT",
    no_doubt_sentence: "No money is in doubt.",
};

/// A command behind a sentence, where nothing stands behind it in turn: what breaks lines leaves commands whole.
fn to_type(command: &str) -> String {
    if command.is_empty() { String::new() } else { format!(": {command}") }
}

fn counted(count: u64, unit: Unit) -> String {
    let word = match unit {
        Unit::Orders => "order",
        Unit::Rows => "row",
        Unit::Items => "item",
        Unit::Lines => "line",
        Unit::LogLines => "log line",
        Unit::OlderRuns => "older run",
    };
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
