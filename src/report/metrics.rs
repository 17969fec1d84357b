//! metrics.prom: a run in the text form of Prometheus, for the textfile collector of `node_exporter`.
//!
//! The file is that of one job and holds its latest run. What a failing run cannot know, when it last succeeded and what
//! money is in doubt, is taken over from the file of before: an alert must not clear because things got worse.

use std::fmt::Write as _;

use super::summary::Summary;
use crate::model::money::Tally;
use crate::model::time::Timestamp;

/// Whose metrics they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels<'a> {
    /// The job.
    pub job: &'a str,
    /// What it does.
    pub operation: &'a str,
    /// Where.
    pub environment: &'a str,
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// When.
    pub ended_at: Timestamp,
    /// What the program exits with.
    pub exit_code: u8,
    /// How long it took.
    pub milliseconds: u64,
    /// Requests on the wire.
    pub requests: u64,
    /// Answers that said: too many requests.
    pub throttles: u64,
    /// What it knew to be in doubt when it ended.
    pub in_doubt: Tally,
    /// What it found; `None` if it did not get so far.
    pub summary: Option<&'a Summary>,
}

/// What the file of the run before says that may still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// When a run last ended with exit code 0, in seconds since 1970.
    pub last_success: Option<u64>,
    /// What was in doubt.
    pub in_doubt: Option<Tally>,
}

/// Whose file it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Ours, or nobody's.
    Own,
    /// Another job's: two jobs write to one file.
    Other,
}

const SUCCESS: &str = "rekon_last_success_timestamp_seconds";
const IN_DOUBT: &str = "rekon_in_doubt_orders";
const IN_DOUBT_RUPIAH: &str = "rekon_in_doubt_rupiah";

impl Labels<'_> {
    /// `job="…",operation="…",environment="…"`
    fn text(&self) -> String {
        let Self { job, operation, environment } = self;
        let [job, operation, environment] = [job, operation, environment].map(|value| escaped(value));
        format!("job=\"{job}\",operation=\"{operation}\",environment=\"{environment}\"")
    }
}

/// A label's value: backslash, quote and line end are escaped (Prometheus, "Exposition formats").
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Reads what may still hold from the file of the run before.
#[must_use]
pub fn before(text: &str, labels: &Labels<'_>) -> (Before, Owner) {
    let ours = labels.text();
    let value = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(&format!("{name}{{{ours}}} "))?.trim().parse().ok())
    };
    let in_doubt = value(IN_DOUBT).zip(value(IN_DOUBT_RUPIAH));
    let in_doubt = in_doubt.map(|(count, rupiah)| Tally { count, rupiah: crate::model::money::Rupiah::new(rupiah) });
    let of_a_job = |line: &&str| line.starts_with("rekon_") && line.contains("{job=\"");
    let job = format!("{{job=\"{}\"", escaped(labels.job));
    let is_strange = text.lines().filter(of_a_job).any(|line| !line.contains(&job));
    let owner = if is_strange { Owner::Other } else { Owner::Own };
    (Before { last_success: value(SUCCESS), in_doubt }, owner)
}

/// The file.
#[must_use]
pub fn text(labels: &Labels<'_>, run: &Run<'_>, before: &Before) -> String {
    let mut page = Page { labels: labels.text(), text: String::new() };
    let ended = u64::try_from(run.ended_at.timestamp()).unwrap_or_default();
    page.one(
        "rekon_last_run_timestamp_seconds",
        "When the latest run ended, in seconds since 1970.",
        &ended.to_string(),
    );
    let success = if run.exit_code == 0 { Some(ended) } else { before.last_success };
    if let Some(success) = success {
        page.one(SUCCESS, "When a run last ended with exit code 0, in seconds since 1970.", &success.to_string());
    }
    page.one(
        "rekon_exit_code",
        "How the latest run ended: 0 done, 1 a person must look, 2 could not start, 3 money in doubt, 4 stopped part-way.",
        &run.exit_code.to_string(),
    );
    let seconds = format!("{}.{:03}", run.milliseconds / 1000, run.milliseconds % 1000);
    page.one("rekon_run_duration_seconds", "How long the latest run took.", &seconds);
    page.one(
        "rekon_run_requests",
        "Requests of the latest run, resends and inquiries included.",
        &run.requests.to_string(),
    );
    page.one("rekon_run_throttles", "Answers of the latest run that said 429.", &run.throttles.to_string());
    // A run that sent and then could say nothing has left no less in doubt than there was.
    let at_least =
        || if run.in_doubt.count > 0 { [before.in_doubt, Some(run.in_doubt)] } else { [before.in_doubt, None] };
    let most = || at_least().into_iter().flatten().max_by_key(|tally| tally.count);
    let in_doubt = run.summary.map(|summary| summary.in_doubt).or_else(most);
    if let Some(Tally { count, rupiah }) = in_doubt {
        page.one(IN_DOUBT, "Orders of the job whose outcome nobody knows.", &count.to_string());
        page.one(IN_DOUBT_RUPIAH, "Whole rupiah of these orders.", &rupiah.whole().to_string());
    }
    if let Some(summary) = run.summary {
        let states = summary.states.iter();
        page.tallies("rekon_rows", "Rows of the latest run", "state", states.map(|(name, tally)| (*name, *tally)));
        let verdicts = summary.verdicts.iter();
        page.tallies(
            "rekon_orders",
            "Orders of the latest run",
            "verdict",
            verdicts.map(|(name, tally)| (*name, *tally)),
        );
    }
    page.text
}

/// The text so far.
struct Page {
    labels: String,
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, help: &str) {
        // A string takes everything that is written to it.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn one(&mut self, name: &str, help: &str, value: &str) {
        self.head(name, help);
        let _ = writeln!(self.text, "{name}{{{}}} {value}", self.labels);
    }

    /// Counts and rupiah under the names of one label.
    fn tallies<'a>(&mut self, name: &str, what: &str, label: &str, of: impl Iterator<Item = (&'a str, Tally)> + Clone) {
        let rupiah = format!("{name}_rupiah");
        self.head(name, &format!("{what} by {label}."));
        for (value, tally) in of.clone() {
            let _ = writeln!(self.text, "{name}{{{},{label}=\"{}\"}} {}", self.labels, escaped(value), tally.count);
        }
        self.head(&rupiah, &format!("Whole rupiah of these by {label}."));
        for (value, tally) in of {
            let whole = tally.rupiah.whole();
            let _ = writeln!(self.text, "{rupiah}{{{},{label}=\"{}\"}} {whole}", self.labels, escaped(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Rupiah;
    use crate::model::time::parse_instant;

    const LABELS: Labels<'static> = Labels { job: "refund-nightly", operation: "refund", environment: "production" };

    fn run(time: &str, exit_code: u8) -> Run<'static> {
        let ended_at = parse_instant(time).unwrap();
        let in_doubt = Tally::default();
        Run { ended_at, exit_code, milliseconds: 83_042, requests: 401, throttles: 2, in_doubt, summary: None }
    }

    #[test]
    fn every_metric_has_its_help_its_type_and_its_labels() {
        let text = text(&LABELS, &run("2026-11-22T18:00:00Z", 0), &Before::default());
        let labels = r#"{job="refund-nightly",operation="refund",environment="production"}"#;
        assert!(text.starts_with(&format!(
            "# HELP rekon_last_run_timestamp_seconds When the latest run ended, in seconds since 1970.\n\
             # TYPE rekon_last_run_timestamp_seconds gauge\n\
             rekon_last_run_timestamp_seconds{labels} 1795370400\n"
        )));
        assert!(text.contains(&format!("\nrekon_run_duration_seconds{labels} 83.042\n")), "{text}");
        let names = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((names("# HELP "), names("# TYPE "), names("rekon_")), (6, 6, 6));
    }

    #[test]
    fn the_last_success_and_the_doubt_outlive_a_run_that_fails() {
        let doubt = Some(Tally { count: 2, rupiah: Rupiah::new(180_000) });
        let good = text(&LABELS, &run("2026-11-22T18:00:00Z", 0), &Before { last_success: Some(5), in_doubt: doubt });
        let (known, owner) = before(&good, &LABELS);
        assert_eq!((known, owner), (Before { last_success: Some(1_795_370_400), in_doubt: doubt }, Owner::Own));
        let failed = text(&LABELS, &run("2026-11-23T18:00:00Z", 2), &known);
        assert_eq!(before(&failed, &LABELS).0, known, "{failed}");
        assert!(failed.contains("rekon_exit_code{") && failed.contains("} 2\n"));
        let in_doubt = Tally { count: 3, rupiah: Rupiah::new(270_000) };
        let worse = text(&LABELS, &Run { in_doubt, ..run("2026-11-23T18:00:00Z", 3) }, &known);
        assert_eq!(before(&worse, &LABELS).0.in_doubt, Some(in_doubt), "{worse}");
    }

    #[test]
    fn a_file_of_another_job_is_known_and_believed_in_nothing() {
        let theirs = text(&Labels { job: "cancel", ..LABELS }, &run("2026-11-22T18:00:00Z", 0), &Before::default());
        assert_eq!(before(&theirs, &LABELS), (Before::default(), Owner::Other));
        assert_eq!(before("half a li", &LABELS), (Before::default(), Owner::Own));
        let other_place = Labels { environment: "sandbox", ..LABELS };
        let text = text(&other_place, &run("2026-11-22T18:00:00Z", 0), &Before::default());
        assert_eq!(before(&text, &LABELS), (Before::default(), Owner::Own), "a rehearsal is no success");
    }

    #[test]
    fn what_is_special_in_a_label_is_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
