//! English.

use super::{Words, cause};
use crate::model::operation::Operation;
use crate::model::status::BookStatus;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::reason::{Ageing, Reason};
use crate::report::action::Action;
use crate::report::pictures::Start;

/// The words.
pub(super) const WORDS: Words = Words {
    rows: "rows",
    orders: "orders",
    lines: "lines",
    requests: "requests",
    days: "days",
    rupiah: "Rupiah",
    share: "Share by count",
    total: "Total",
    operation: |operation| match operation {
        Operation::Create => "Create",
        Operation::Cancel => "Cancel",
        Operation::Refund => "Refund",
    },
    audit: "Audit",
    run: "Run",
    started: "Started",
    as_of: "As of",
    finished: "Finished",
    exit_code: "Exit code",
    exit: |code| match code {
        0 => "done, and everything reconciles",
        1 => "done, but a person must look",
        2 => "could not start; nothing was sent",
        3 => "money is in doubt",
        4 => "stopped part-way; run it again to continue",
        5 => "another runner was at work",
        _ => "unknown",
    },
    money_in_doubt: "Money in doubt",
    in_doubt: |rows, rupiah| format!("{rows}, {rupiah}: nobody knows yet whether this money moved."),
    in_doubt_earlier: |rows, rupiah| {
        format!("Of these, {rows}, {rupiah}, were left by earlier runs or other jobs and are not in this input.")
    },
    in_doubt_not_judged: |rows, rupiah| {
        format!(
            "Of these, {rows}, {rupiah}, this audit does not judge: not in its input, outside of the period, left out by where, \
             or invalid rows."
        )
    },
    doubt_remedy: "Run the same job again. It settles them with the same key and never sends twice. Do not repeat them by hand.",
    doubt_remedy_audit: "Run the job that sent them again. It settles them with the same key and never sends twice. Do not repeat them by hand.",
    doubt_remedy_person: "It does not settle by itself any more. Ask DOKU, then write down what you have learned with rekon rule. Do not repeat them by hand.",
    no_doubt: "No money is in doubt.",
    stopped: "Stopped part-way",
    stopped_because: cause::english,
    stopped_remedy: "Run the job again to continue: nothing that is settled is sent again.",
    look: "Done, but a person must look",
    fine: "Done, and everything reconciles",
    fine_in_part: "Done, and what was judged reconciles",
    judged_nothing: "Nothing was judged",
    left_out: |reason, some, all| {
        let were = if some == "1" { "was" } else { "were" };
        format!("{some} of {all} orders {were} {reason}")
    },
    what_happened: "What happened",
    went_in: |rows, rupiah| format!("{rows} over {rupiah} went in."),
    overridden: |guard, from, to, by, reason| {
        format!("Guard {guard} was loosened from {from} to {to} by {by}: {reason}")
    },
    plan: |digest, by| format!("The saved plan {digest}, made by {by}, was executed."),
    approved_by: "Approved by",
    period: |first, last| format!("Business days {first} to {last}."),
    log: |lines, verified| format!("{lines} of notification logs were read; {verified} are signed by DOKU."),
    identity_holds: |rows| format!("Rows in = rows out: {rows}."),
    identity_broken: |rows, states, verdicts| {
        format!("ROWS IN AND ROWS OUT DIFFER: in {rows}; over the states {states}; over the verdicts {verdicts}.")
    },
    repeated: |rows| format!("{rows} repeat an order or are further line items of one."),
    what_next: "What to do next",
    action: "To do",
    action_name: |action| match action {
        Action::Refund => "Refund",
        Action::ResendNotification => "Have it notified again",
        Action::FindRefund => "Find the refund",
        Action::Resolve => "Run again",
        Action::Rule => "Decide",
        Action::Review => "Look at it",
    },
    action_how: |action| match action {
        Action::Refund => {
            "The customer paid an order that was cancelled. The rows of actions.csv can be the orders of a refund job."
        }
        Action::ResendNotification => {
            "DOKU should have said something and did not. Have the notifications sent again in DOKU's Back Office."
        }
        Action::FindRefund => {
            "DOKU notifies no refunds. Find who made the refund, or add the results of that run to the audit."
        }
        Action::Resolve => "Run the job that sent them again, or rekon resolve.",
        Action::Rule => "It will not settle by itself. Ask DOKU what is true, then rekon rule.",
        Action::Review => "Only a person can say what is right.",
    },
    actions_in: "All of them:",
    by_state: "Rows by state",
    by_state_audit: "What our runs did",
    state: "State",
    state_name: |state| match state {
        DoneState::Succeeded => "Succeeded",
        DoneState::AlreadyDone => "Already done",
        DoneState::Refused => "Refused",
        DoneState::Unknown => "Unknown",
        DoneState::Review => "A person decides",
        DoneState::Conflict => "Conflict",
        DoneState::Held => "Held",
        DoneState::Skipped => "Skipped",
        DoneState::Invalid => "Invalid",
        DoneState::NotAttempted => "Not attempted",
    },
    untouched: "Nothing",
    by_verdict: "Orders by verdict",
    verdict: "Verdict",
    verdict_name: |verdict| match verdict {
        Verdict::Matched => "Matched",
        Verdict::Pending => "Pending",
        Verdict::Missing => "Missing",
        Verdict::AmountMismatch => "Amount differs",
        Verdict::StatusMismatch => "Status differs",
        Verdict::PaidAfterCancel => "Paid after cancel",
        Verdict::RefundedUnpaid => "Refunded, never paid",
        Verdict::InDoubt => "In doubt",
        Verdict::Failed => "Refused",
        Verdict::NotSent => "Not sent",
    },
    not_judged: "Not judged",
    shares_of_judged: |orders| format!("Shares are of what was judged: {orders}."),
    by_line: "Log lines that prove nothing",
    line_name: |reason| match reason {
        UnmatchedReason::Orphan => "No order of ours",
        UnmatchedReason::InvalidSignature => "Wrong signature",
        UnmatchedReason::Malformed => "Not a notification",
        UnmatchedReason::Unverifiable => "Cannot be verified",
        UnmatchedReason::OtherClient => "Another merchant's",
        UnmatchedReason::Ambiguous => "Several orders possible",
        UnmatchedReason::OutsidePeriod => "Outside the period",
        UnmatchedReason::Unreadable => "Signed, but unreadable",
        UnmatchedReason::Duplicate => "Copy",
        UnmatchedReason::Replayed => "Late copy",
    },
    reason: "Reason",
    reason_text: |reason| match reason {
        Reason::Disagree(book, doku) => format!("book says {book}, DOKU says {doku}"),
        plain => plain.to_string(),
    },
    key: |key| key.label().unwrap_or_default(),
    flow: "From the plan to the result",
    flow_audit: "From the book to the verdict",
    flow_text: "What the plan meant to do with each row (left), and where the row ended (right).",
    flow_text_audit: "What your book says of each order (left), and what the audit concludes (right).",
    start: |start| match start {
        Start::Send => "To be sent",
        Start::Continue => "To be continued",
        Start::Settled => "Settled earlier",
        Start::Skip => "Skipped",
        Start::Held => "Held by a guard",
        Start::Invalid => "Invalid",
        Start::Book(Some(book)) => match book {
            BookStatus::Pending => "Book: pending",
            BookStatus::Paid => "Book: paid",
            BookStatus::Failed => "Book: failed",
            BookStatus::Expired => "Book: expired",
            BookStatus::Cancelled => "Book: cancelled",
            BookStatus::Refunded => "Book: refunded",
        },
        Start::Book(None) => "Book: says nothing",
    },
    from: "From",
    to: "To",
    ageing: "How long proof has been awaited",
    ageing_text: "Orders that are pending or missing, by age.",
    age: "Age",
    ageing_name: |ageing| match ageing {
        Ageing::Under30Minutes => "under 30 minutes",
        Ageing::Under6Hours => "30 minutes to 6 hours",
        Ageing::Under12Hours => "6 to 12 hours",
        Ageing::Under18Hours => "12 to 18 hours",
        Ageing::Under3Days => "18 hours to 3 days",
        Ageing::Under7Days => "3 to 7 days",
        Ageing::Over7Days => "over 7 days",
        Ageing::Unknown => "age unknown",
    },
    per_day: "Orders per business day",
    per_day_text: "By the day on which the order was made.",
    last_days: |shown, all| format!("Drawn are the last {shown} of {all}."),
    days_of_period: "Drawn are the days of the period.",
    without_day: "no day known",
    day: "Day",
    agrees: "Matched",
    open: "Pending or not sent",
    open_audit: "Pending or not judged",
    needs_person: "A person must look",
    latency: "How long answers took",
    latency_text: |answers, middle, slowest| {
        format!("{answers}; half of them within {middle}, the slowest within {slowest}.")
    },
    no_answer: "no answer",
    rate: "Requests over time",
    rate_text: |width, most| format!("Each column is {width}; the most in one was {most}."),
    time: "Time",
    seconds: "s",
    minutes: "min",
    hours: "h",
    figures: "The figures",
    breaks: "Orders that need a person",
    no_breaks: "None.",
    shown: |here, all| format!("Shown are {here} of {all}, the worst and then the largest first. All of them are in"),
    shown_no_file: |here, all| {
        format!(
            "Shown are {here} of {all}, the worst and then the largest first. The others are in no file: output.formats leaves csv out."
        )
    },
    left: "{} shown",
    search: "Search invoice or reason",
    all: "All",
    reset: "Show all",
    sort_hint: "Press a heading to sort.",
    no_script: "Scripts are off: the table is complete, but does not sort or filter.",
    invoice: "Invoice",
    amount: "Amount",
    doku_amount: "DOKU's amount",
    difference: "Difference",
    book: "Book",
    doku: "DOKU",
    book_name: BookStatus::word,
    hours_old: |hours| format!("{hours} h"),
    input_row: "Row of the input",
    row: |number| format!("row {number}"),
    codes: "These words, and the codes in the files",
    files: "Files",
    in_file: "in",
    masked: "Customers' data are masked.",
    revealed: |by, at| {
        format!(
            "Customers' data are shown in full: {by} asked for it with --reveal on {at}. Handle this page accordingly."
        )
    },
    nothing_personal: "This page has no customers' data but invoice numbers and amounts.",
    made_by: "Made by rekon. This page is one file and loads nothing; the files that it links to are in the same folder.",
    journal: |entries, head| format!("Journal: {entries} entries, head {head}."),
    skip: "To the orders that need a person",
};
