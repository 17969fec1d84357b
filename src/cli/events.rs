//! The course of a run as events of the log: each attempt, a provider that is busy or ill, the plan and the files.
//!
//! Events are made here and nowhere else, so that one look says what they can hold: names, counts, rupiah, invoice numbers,
//! Request-Ids and our own words. Never a key, a signature, a body, or a field of a customer.

use serde_json::{Value, json};

use super::load::Case;
use super::log::Level;
use super::screen::Screen;
use crate::journal::cause::Cause;
use crate::plan::Plan;
use crate::report::summary::Summary;
use crate::report::words::Words;
use crate::runner::attempt::Ended;
use crate::runner::breaker::Opened;
use crate::runner::progress::{Event, Progress};

/// Has the events of a run written to the log.
pub(super) fn listen(progress: &Progress, screen: Screen) {
    progress.listen(move |event| {
        let (level, name, fields) = match event {
            Event::Landed(ended) if screen.log().level < Level::Debug && !ended.throttled => return,
            Event::Landed(ended) => landed(ended),
            Event::Throttled(wait) => (Level::Warn, "throttled", json!({ "wait_seconds": wait.as_secs() })),
            Event::Breaker(Opened::InARow(count)) => (Level::Warn, "breaker", json!({ "failures_in_a_row": count })),
            Event::Breaker(Opened::OfLast(bad, of)) => {
                (Level::Warn, "breaker", json!({ "failures": bad, "of_last": of }))
            }
        };
        screen.event(level, name, &fields);
    });
}

fn landed(ended: &Ended) -> (Level, &'static str, Value) {
    let item = &ended.item;
    let mut fields = json!({
        "invoice_number": item.identity.invoice.as_str(), "rupiah": item.amount, "state": item.state.word(),
    });
    let Some(reading) = &ended.reading else {
        fields["answered"] = ended.answered.into();
        return (Level::Debug, "inquiry", fields);
    };
    fields["request_id"] = item.request_id.as_str().into();
    fields["outcome"] = reading.outcome.word().into();
    fields["reason"] = reading.outcome.reason().into();
    fields["http_status"] = reading.facts.http_status.into();
    (Level::Debug, "attempt", fields)
}

/// A command that is about a job begins.
pub(super) fn begins(case: &Case, screen: Screen) {
    let job = &case.job;
    screen.log().of_job(job.name.as_str());
    let fields = json!({
        "operation": job.task.to_string(), "environment": job.merchant.environment.word(), "date": case.date.to_string(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    screen.event(Level::Info, "run_begins", &fields);
}

/// The plan is made.
pub(super) fn planned(plan: &Plan, screen: Screen) {
    let broken: Vec<&str> =
        plan.guards.iter().filter(|reading| !reading.holds()).map(|reading| reading.guard).collect();
    let fields = json!({ "may_run": plan.may_run(), "dispositions": plan.dispositions(), "broken_guards": broken });
    screen.event(Level::Info, "plan", &fields);
}

/// The run stops before its end.
pub(super) fn stops(why: &Cause, screen: Screen) {
    screen.event(Level::Warn, "stop", &json!({ "why": Words::cause_in_english(why) }));
}

/// The files are written.
pub(super) fn written(summary: &Summary, screen: Screen) {
    screen.log().of_run(&summary.run);
    if summary.files.is_empty() {
        return;
    }
    screen.event(Level::Info, "files_written", &json!({ "files": summary.files }));
}

/// The command has come to its end; `summary` is what it found, if it got so far.
pub(super) fn ends(exit_code: u8, summary: Option<&Summary>, milliseconds: u64, screen: Screen) {
    let level = match exit_code {
        super::exit::DONE => Level::Info,
        super::exit::LOOK => Level::Warn,
        _ => Level::Error,
    };
    let fields = json!({
        "exit_code": exit_code, "milliseconds": milliseconds, "in_doubt": summary.map(|summary| summary.in_doubt),
        "states": summary.map(|summary| &summary.states), "stopped": summary.and_then(|summary| summary.stopped.as_ref()).map(Words::cause_in_english),
    });
    screen.event(level, "run_ends", &fields);
}
