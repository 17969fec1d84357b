//! The end of a run or an audit: reconcile, add up, write the files, print the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::exit::{self, Completion, Failure};
use super::load::{Case, shown};
use super::screen::{Screen, Tone};
use crate::edge::files;
use crate::job::settings::OutputFormat;
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::{Timestamp, wire};
use crate::plan::decide::Dispositions;
use crate::plan::guard::{Reading, counted};
use crate::reconcile::ends::Ends;
use crate::reconcile::evidence::{DoneState, Log};
use crate::reconcile::judge::{Reconciliation, reconcile};
use crate::reconcile::total::{Totals, total};
use crate::report::summary::{JournalHead, Summary};
use crate::report::{html, rows, table};

/// What a run or an audit hands over at its end.
pub(super) struct Ending<'a> {
    /// The run's name.
    pub(super) run: String,
    /// The rows of the input, counted when they were read.
    pub(super) input: Tally,
    /// Where they ended.
    pub(super) ends: Ends,
    /// What DOKU said.
    pub(super) log: &'a Log,
    /// The plan's totals; zeros in an audit.
    pub(super) dispositions: Dispositions,
    /// The guards' readings.
    pub(super) guards: Vec<Reading>,
    /// results.csv, if there is one.
    pub(super) results: Option<Vec<u8>>,
    /// Items of the job in doubt that are not in the input.
    pub(super) in_doubt_earlier: Tally,
    /// Jobs that have left orders of this input in doubt.
    pub(super) other_jobs: BTreeSet<String>,
    /// How far the journal's log goes.
    pub(super) journal: Option<JournalHead>,
    /// When it started.
    pub(super) started_at: Timestamp,
    /// Now.
    pub(super) now: Timestamp,
    /// Why it stopped before its end.
    pub(super) stopped: Option<String>,
    /// How far it came.
    pub(super) completion: Completion,
}

/// The conclusion before it is written.
pub(super) struct Conclusion {
    /// All totals.
    pub(super) summary: Summary,
    /// Verdicts and unmatched lines.
    reconciliation: Reconciliation,
    other_jobs: BTreeSet<String>,
    results: Option<Vec<u8>>,
}

/// Judges, adds up and decides the exit code.
pub(super) fn conclude(case: &Case, ending: Ending<'_>) -> Conclusion {
    let reconciliation = reconcile(ending.ends.subjects, ending.log, case.job.reconcile.grace, ending.now);
    let mut totals: Totals = total(ending.input, &ending.ends.rows, &reconciliation);
    totals.in_doubt.merge(ending.in_doubt_earlier);
    let exit_code = exit::code(&totals, &reconciliation, ending.completion);
    let summary = Summary {
        version: 1,
        job: case.job.name.to_string(),
        operation: case.job.task.to_string(),
        environment: case.job.merchant.environment.to_string(),
        run: ending.run,
        started_at: wire(ending.started_at),
        finished_at: wire(ending.now),
        exit_code,
        stopped: ending.stopped,
        rows: totals.rows,
        states: totals.states,
        dispositions: ending.dispositions,
        verdicts: totals.verdicts,
        in_doubt: totals.in_doubt,
        in_doubt_earlier: ending.in_doubt_earlier,
        unmatched: totals.unmatched,
        identity: totals.identity,
        guards: ending.guards,
        journal: ending.journal,
        files: BTreeMap::new(),
    };
    Conclusion { summary, reconciliation, other_jobs: ending.other_jobs, results: ending.results }
}

impl Conclusion {
    /// reconciliation.csv and unmatched.csv; also what names an audit.
    pub(super) fn tables(&self) -> (Vec<u8>, Vec<u8>) {
        (rows::reconciliation(&self.reconciliation.orders), rows::unmatched(&self.reconciliation.unmatched))
    }

    /// Writes all files, the summary last: where it stands, the others do too.
    ///
    /// # Errors
    /// A file could not be written. The journal has everything; the files can be written again.
    pub(super) fn write(&mut self, case: &Case) -> Result<(), Failure> {
        let directory = case.fill(&case.job.output.directory);
        let folder = format!("{directory}/{}/{}", self.summary.job, self.summary.run);
        let wants = |format| case.job.output.formats.contains(&format);
        let (reconciliation, unmatched) = self.tables();
        let mut out: Vec<(&str, Vec<u8>)> = Vec::new();
        if let Some(results) = self.results.take() {
            out.push(("results.csv", results));
        }
        if wants(OutputFormat::Csv) {
            out.push(("reconciliation.csv", reconciliation));
            out.push(("unmatched.csv", unmatched));
        }
        if wants(OutputFormat::Html) {
            out.push(("report.html", html::page(&self.summary, &self.reconciliation.orders)));
        }
        let names = out.iter().map(|(name, _)| *name).chain(["summary.json"]);
        self.summary.files = names.map(|name| (name.to_owned(), format!("{folder}/{name}"))).collect();
        out.push(("summary.json", self.summary.json()));
        let path = |name: &str| -> PathBuf { case.path(&folder).join(name) };
        for (name, content) in out {
            files::write(&path(name), &content).map_err(|error| Failure::Stopped(error.to_string()))?;
        }
        Ok(())
    }

    /// The files could not be written: the run has not come to its end, whatever became of its orders.
    pub(super) fn stays_unwritten(&mut self) {
        let summary = &mut self.summary;
        if summary.exit_code != exit::DOUBT {
            summary.exit_code = exit::STOPPED;
        }
        summary.stopped.get_or_insert("the files could not be written".to_owned());
        summary.files.clear();
    }

    /// Prints the tables, what to do next, and where the files are.
    pub(super) fn print(&self, case: &Case, screen: Screen) {
        let summary = &self.summary;
        screen.document(&summary.json());
        let title = format!("{} · {} · {} · run {}", summary.job, summary.operation, summary.environment, summary.run);
        screen.say(&format!("\n{}\n", screen.tone(Tone::Title, &title)));
        screen.say(&table::summary(summary));
        if let Some(path) = summary.files.get("summary.json") {
            let folder = path.strip_suffix("/summary.json").unwrap_or(path);
            screen.say(&format!("\nfiles: {}", printable(&shown(&case.path(folder)))));
        }
        screen.say(&self.closing(case, screen));
    }

    /// What is in doubt and will not settle by itself.
    fn for_a_person(&self) -> &'static str {
        let waits = |state: DoneState| self.summary.states.get(state.word()).is_some_and(|tally| tally.count > 0);
        if waits(DoneState::Review) || waits(DoneState::Conflict) {
            "\n  review, conflict: a person decides: rekon rule INVOICE --operation OPERATION --as done|not-done --reason TEXT --evidence TEXT"
        } else {
            ""
        }
    }

    /// The last lines: is money in doubt, and what to type.
    fn closing(&self, case: &Case, screen: Screen) -> String {
        let (summary, doubt) = (&self.summary, self.summary.in_doubt);
        let (tone, text) = match summary.exit_code {
            exit::DONE => (Tone::Good, "done; no money is in doubt".to_owned()),
            exit::DOUBT => (Tone::Bad, format!("MONEY IN DOUBT: {}, {}", counted(doubt.count, "row"), doubt.rupiah)),
            exit::STOPPED => (Tone::Bad, "the run has not come to its end; no money is in doubt".to_owned()),
            _ => (Tone::Bad, "done; no money is in doubt, but a person must look".to_owned()),
        };
        let again = match case.job.task {
            Task::Audit => "run the job that sent them again",
            Task::Change(_) => "run the same job again",
        };
        let next = match summary.exit_code {
            exit::DONE => String::new(),
            exit::DOUBT => format!(
                "\n  {again}: it settles them with the same key and never sends twice\n  \
                 which ones, and what is known about one: rekon show [INVOICE] --journal {}{}",
                printable(&shown(&case.journal)),
                self.for_a_person()
            ),
            exit::STOPPED => "\n  run the job again to continue".to_owned(),
            _ if self.summary.unmatched.values().any(|tally| tally.count > 0) => {
                "\n  at the rows that are refused, held or do not match: reconciliation.csv; at the stray lines of the logs: \
                 unmatched.csv"
                    .to_owned()
            }
            _ => "\n  at the rows that are refused, held or do not match: reconciliation.csv".to_owned(),
        };
        let others: Vec<&str> = self.other_jobs.iter().map(String::as_str).collect();
        let others = match others.as_slice() {
            [] => String::new(),
            jobs => format!("\n  left by other jobs; run these again too: {}", jobs.join(", ")),
        };
        let stopped = summary.stopped.as_ref().map(|why| format!("stopped part-way: {why}\n")).unwrap_or_default();
        format!("{stopped}{} (exit code {}){next}{others}", screen.tone(tone, &text), summary.exit_code)
    }
}
