//! The log on stderr: what happens, as one JSON object per line for machines, or as lines for people.
//!
//! For people it holds what they always saw; with `--log-level debug` every event is a line as well. No event holds a key, a
//! signature or anything of a customer: an order goes by its invoice number, a request by its Request-Id.

use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::model::fault::{Fault, printable};
use crate::model::time::{Timestamp, stored};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line, and nothing else on stderr.
    Json,
}

/// How much it matters; the first matters most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// The command ended without a result.
    Error,
    /// Somebody should know.
    Warn,
    /// The course of a run.
    Info,
    /// Every attempt.
    Debug,
}

impl Level {
    /// The word in the log.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// One program's log: its form, and what it is about by now.
pub(super) struct Log {
    pub(super) format: LogFormat,
    pub(super) level: Level,
    about: Mutex<About>,
    curtain: Mutex<Option<Curtain>>,
}

/// Takes moving pictures off the terminal while something is written.
pub(super) type Curtain = Box<dyn Fn(&mut dyn FnMut()) + Send>;

/// Which job and which run the lines are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) job: Option<String>,
    pub(super) run: Option<String>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Log({:?}, {:?})", self.format, self.level)
    }
}

#[derive(Serialize)]
struct Line<'a> {
    ts: String,
    level: Level,
    event: &'a str,
    job: Option<&'a str>,
    run: Option<&'a str>,
    fields: &'a Value,
}

impl Log {
    pub(super) fn new(format: LogFormat, level: Level) -> Self {
        Self { format, level, about: Mutex::default(), curtain: Mutex::default() }
    }

    fn locked(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the lines are about this job.
    pub(super) fn of_job(&self, job: &str) {
        self.locked().job = Some(job.to_owned());
    }

    /// From now on the lines are about this run.
    pub(super) fn of_run(&self, run: &str) {
        self.locked().run = Some(run.to_owned());
    }

    /// What the lines are about.
    pub(super) fn about(&self) -> About {
        self.locked().clone()
    }

    /// Has everything written behind a curtain, or in the open again.
    pub(super) fn behind(&self, curtain: Option<Curtain>) {
        *self.curtain.lock().unwrap_or_else(PoisonError::into_inner) = curtain;
    }

    /// Whether there is a curtain.
    pub(super) fn is_behind(&self) -> bool {
        self.curtain.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Writes behind the curtain, if there is one.
    pub(super) fn unseen(&self, write: &mut dyn FnMut()) {
        match &*self.curtain.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(curtain) => curtain(write),
            None => write(),
        }
    }

    /// An event as a line; `None` where nobody wants it.
    pub(super) fn line(&self, now: Timestamp, level: Level, event: &str, fields: &Value) -> Option<String> {
        if level > self.level {
            return None;
        }
        match self.format {
            LogFormat::Json => Some(json(now, level, event, &self.about(), fields)),
            // What matters has its own words on the screen; the loudest level repeats it as an event.
            LogFormat::Text => (self.level == Level::Debug).then(|| text(now, level, event, fields)),
        }
    }
}

/// `{"ts":"…","level":"info","event":"run_begins","job":"…","run":null,"fields":{…}}`
pub(super) fn json(now: Timestamp, level: Level, event: &str, about: &About, fields: &Value) -> String {
    let (job, run) = (about.job.as_deref(), about.run.as_deref());
    let line = Line { ts: stored(now), level, event, job, run, fields };
    serde_json::to_string(&line).expect("texts and numbers can be written as JSON")
}

/// `2026-11-22T08:35:12.123Z debug attempt invoice_number=INV-1 outcome=applied`
fn text(now: Timestamp, level: Level, event: &str, fields: &Value) -> String {
    let mut line = format!("{} {} {event}", stored(now), level.word());
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => printable(text),
            other => other.to_string(),
        };
        line = format!("{line} {name}={value}");
    }
    line
}

/// A fault for a log that may travel: where it is and what is wrong, without the row. A row of the input may hold a
/// customer's name, so that what is quoted from it is hidden; what is quoted from a job file is not.
pub(super) fn fault(fault: &Fault) -> Value {
    let is_job = [".yaml", ".yml"].iter().any(|end| fault.place.file.ends_with(end));
    let hides = !is_job || fault.message.starts_with("customer.");
    let message = if hides { without_quotes(&fault.message) } else { fault.message.clone() };
    serde_json::json!({
        "file": fault.place.file, "line": fault.place.line, "column": fault.place.column,
        "message": message, "hint": fault.hint,
    })
}

/// The text with `"***"` for everything from the first quote to the last.
fn without_quotes(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}\"***\"{}", &text[..first], &text[last + 1..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fault::Place;
    use crate::model::time::parse_instant;

    fn line(log: &Log, level: Level) -> Option<String> {
        let now = parse_instant("2026-11-22T08:35:12.123Z").unwrap();
        log.line(now, level, "attempt", &serde_json::json!({ "invoice_number": "INV-1", "reason": "", "said": "a b" }))
    }

    #[test]
    fn a_line_for_machines_is_one_object_with_the_job_and_the_run() {
        let log = Log::new(LogFormat::Json, Level::Debug);
        log.of_job("refund-nightly");
        assert_eq!(
            line(&log, Level::Debug).unwrap(),
            r#"{"ts":"2026-11-22T08:35:12.123Z","level":"debug","event":"attempt","job":"refund-nightly","run":null,"fields":{"invoice_number":"INV-1","reason":"","said":"a b"}}"#
        );
    }

    #[test]
    fn a_line_for_people_is_there_at_the_loudest_level_only() {
        let loud = Log::new(LogFormat::Text, Level::Debug);
        let expected = r#"2026-11-22T08:35:12.123Z warn attempt invoice_number=INV-1 reason="" said="a b""#;
        assert_eq!(line(&loud, Level::Warn).unwrap(), expected);
        assert_eq!(line(&Log::new(LogFormat::Text, Level::Info), Level::Warn), None);
    }

    #[test]
    fn what_matters_less_than_asked_for_is_left_out() {
        let log = Log::new(LogFormat::Json, Level::Warn);
        assert!(line(&log, Level::Info).is_none() && line(&log, Level::Warn).is_some());
    }

    #[test]
    fn a_fault_of_a_row_does_not_repeat_the_row() {
        let cases = [
            ("orders.csv", "amount \"Siti\" is not whole \"rupiah\", at all", "amount \"***\", at all"),
            ("job.yaml", "unknown key \"oders\"", "unknown key \"oders\""),
            (
                "job.yaml",
                "customer.phone \"0811\" is not a phone number",
                "customer.phone \"***\" is not a phone number",
            ),
            ("orders.csv", "is empty", "is empty"),
        ];
        for (file, message, expected) in cases {
            let found = fault(&Fault::new(Place::new(file, 2, 1), message).excerpt("INV-1,Siti"));
            assert_eq!(found["message"], expected);
            assert!(!found.to_string().contains("Siti"));
        }
    }
}
