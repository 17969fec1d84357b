//! The end of a run or an audit: reconcile, add up, write the files, print the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::books::Books;
use super::events;
use super::exit::{self, Completion, Failure};
use super::illustrate::Illustrated;
use super::load::{Case, Loosening, for_a_shell, named, shown};
use super::screen::{Screen, Tone};
use super::workbook;
use crate::edge::files;
use crate::job::settings::OutputFormat;
use crate::journal::history::Overridden;
use crate::journal::history::PlanUse;
use crate::journal::joint::Host;
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::{BusinessDate, Timestamp, Zone, for_people, wire};
use crate::model::verdict::Verdict;
use crate::plan::decide::Dispositions;
use crate::plan::guard::{Reading, counted};
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::severity::{Level, level};
use crate::report::hosts::{self, WorkedOn};
use crate::report::limits::LimitsSeen;
use crate::report::summary::{JournalHead, LogLines, Revealed, Summary};
use crate::report::{markdown, overrides, plan_use, rows, table};

/// More invoices than these are counted only.
const MOST_NAMED: usize = 5;

/// What a run or an audit hands over at its end.
pub(super) struct Ending {
    /// The run's name; an audit has none yet.
    pub(super) run: Option<String>,
    /// The rows of the input, counted when they were read.
    pub(super) input: Tally,
    /// Everything judged and added up.
    pub(super) books: Books,
    /// The plan's totals; zeros in an audit.
    pub(super) dispositions: Dispositions,
    /// The guards' readings.
    pub(super) guards: Vec<Reading>,
    /// The guards that were loosened.
    pub(super) overrides: Vec<Overridden>,
    /// Who has worked on it, if several hosts may.
    pub(super) hosts: Vec<Host>,
    /// The saved plan that was executed.
    pub(super) plan: Option<PlanUse>,
    /// What only report.html shows.
    pub(super) illustrated: Illustrated,
    /// Items of the job in doubt that are not in the input.
    pub(super) in_doubt_earlier: Tally,
    /// The invoices of the job's own.
    pub(super) earlier: Vec<InvoiceNumber>,
    /// Jobs that have left orders of this input in doubt.
    pub(super) other_jobs: BTreeSet<String>,
    /// The first and the last business day of an audit; `None`: all.
    pub(super) period: Option<(BusinessDate, BusinessDate)>,
    /// The lines of the logs of an audit.
    pub(super) log: Option<LogLines>,
    /// How far the journal's log goes.
    pub(super) journal: Option<JournalHead>,
    /// When it started.
    pub(super) started_at: Timestamp,
    /// Now.
    pub(super) now: Timestamp,
    /// What was seen of the provider's limits; `None` where nothing was sent.
    pub(super) limits: Option<LimitsSeen>,
    /// Why it stopped before its end.
    pub(super) stopped: Option<String>,
    /// How far it came.
    pub(super) completion: Completion,
}

impl Ending {
    /// Of a command that reads only: nothing was planned, sent or stopped.
    pub(super) fn read_only(input: Tally, books: Books, now: Timestamp) -> Self {
        Self {
            run: None,
            input,
            books,
            dispositions: Dispositions::default(),
            guards: Vec::new(),
            overrides: Vec::new(),
            hosts: Vec::new(),
            plan: None,
            illustrated: Illustrated::default(),
            in_doubt_earlier: Tally::default(),
            earlier: Vec::new(),
            other_jobs: BTreeSet::new(),
            period: None,
            log: None,
            journal: None,
            started_at: now,
            now,
            limits: None,
            stopped: None,
            completion: Completion::ReadOnly,
        }
    }
}

/// The conclusion before it is written.
pub(super) struct Conclusion {
    /// All totals.
    pub(super) summary: Summary,
    books: Books,
    illustrated: Illustrated,
    earlier: Vec<InvoiceNumber>,
    other_jobs: BTreeSet<String>,
    now: Timestamp,
}

/// Adds up and decides the exit code.
pub(super) fn conclude(case: &Case, ending: Ending) -> Conclusion {
    let mut books = ending.books;
    let mut earlier = ending.earlier;
    earlier.sort_unstable();
    let totals = &mut books.totals;
    let identity = totals.identity(ending.input);
    totals.in_doubt.merge(ending.in_doubt_earlier);
    let exit_code = exit::code(totals, &identity, &case.job.reconcile, ending.completion);
    let severity = Verdict::ALL.into_iter().filter_map(|verdict| {
        let level = level(verdict, totals, &case.job.reconcile.severity(verdict));
        (level != Level::Fine).then_some((verdict.word(), level))
    });
    let summary = Summary {
        version: 1,
        job: case.job.name.to_string(),
        operation: case.job.task.to_string(),
        environment: case.job.merchant.environment.to_string(),
        run: ending.run.unwrap_or_else(|| name(books.digest, ending.now)),
        started_at: wire(ending.started_at),
        finished_at: wire(ending.now),
        exit_code,
        stopped: ending.stopped,
        rows: ending.input,
        states: totals.states(),
        dispositions: ending.dispositions,
        verdicts: totals.verdicts(),
        severity: severity.collect(),
        reasons: totals.reasons(),
        waiting: totals.waiting().into_iter().collect(),
        period: ending.period.map(|(first, last)| (first.to_string(), last.to_string())),
        log: ending.log,
        in_doubt: totals.in_doubt,
        in_doubt_earlier: ending.in_doubt_earlier,
        unmatched: totals.unmatched_lines(),
        days: totals.days(),
        identity,
        guards: ending.guards,
        limits: ending.limits,
        overrides: ending.overrides,
        revealed: case.revealed_by.clone().map(|by| Revealed { by, at: wire(ending.now) }),
        plan: ending.plan,
        hosts: ending.hosts.into_iter().map(WorkedOn::from).collect(),
        journal: ending.journal,
        files: BTreeMap::new(),
    };
    Conclusion {
        summary,
        books,
        illustrated: ending.illustrated,
        earlier,
        other_jobs: ending.other_jobs,
        now: ending.now,
    }
}

/// An audit is named by its clock and by what it found: the same inputs at the same time give the same folder, and no
/// other audit overwrites it.
fn name(digest: u64, now: Timestamp) -> String {
    format!("{}-{:08x}", Zone::WIB.local(now).format("%Y%m%d-%H%M%S"), digest >> 32)
}

impl Conclusion {
    /// Writes all files, the summary last: where it stands, the others do too.
    ///
    /// # Errors
    /// A file could not be written. The journal has everything; the files can be written again.
    pub(super) async fn write(&mut self, case: &Case) -> Result<(), Failure> {
        let directory = case.fill(&case.job.output.directory);
        let folder = format!("{directory}/{}/{}", self.summary.job, self.summary.run);
        let wants = |format| case.job.output.formats.contains(&format);
        let mut out: Vec<(&str, Vec<u8>)> = Vec::new();
        if wants(OutputFormat::Csv) {
            out.push(("days.csv", rows::days(&self.summary.days)));
        }
        let page = wants(OutputFormat::Html).then_some("report.html");
        let workbook = wants(OutputFormat::Xlsx).then_some(workbook::NAME);
        let names =
            out.iter().map(|(name, _)| *name).chain(page).chain(workbook).chain(["summary.json"]).map(str::to_owned);
        let place = |name: String| (name.clone(), format!("{folder}/{name}"));
        self.summary.files = names.chain(self.books.files()).map(place).collect();
        let path = |name: &str| -> PathBuf { case.path(&folder).join(name) };
        let stopped = |error: files::WriteError| Failure::Stopped(error.to_string());
        self.books.keep(&case.path(&folder)).map_err(stopped)?;
        let mut made = Ok(());
        if let Some(name) = workbook {
            let runs = workbook::known_runs(case).await;
            made = workbook::write(&case.path(&folder), &self.summary, &runs, self.now);
            // It needs more room than what follows, and less depends on it.
            if made.is_err() {
                self.stays_open("audit.xlsx could not be written");
                self.summary.files.remove(name);
            }
        }
        if let Some(name) = page {
            out.push((name, self.illustrated.page(&self.summary, &self.books.highlights, case.language)));
        }
        out.push(("summary.json", self.summary.json()));
        for (name, content) in out {
            files::write(&path(name), &content).map_err(stopped)?;
        }
        made.map_err(stopped)
    }

    /// The folder of the files; empty if there is none.
    pub(super) fn folder(&self, case: &Case) -> String {
        let path = self.summary.files.get("summary.json").and_then(|path| path.strip_suffix("/summary.json"));
        path.map(|folder| shown(&case.path(folder))).unwrap_or_default()
    }

    /// The files could not be written: the run has not come to its end, whatever became of its orders.
    pub(super) fn stays_unwritten(&mut self) {
        self.stays_open("the files could not be written");
        self.summary.files.clear();
    }

    /// The end of the run could not be recorded: for the journal it goes on.
    pub(super) fn stays_unrecorded(&mut self) {
        self.stays_open("the end of the run could not be recorded");
    }

    fn stays_open(&mut self, why: &str) {
        let summary = &mut self.summary;
        if summary.exit_code != exit::DOUBT {
            summary.exit_code = exit::STOPPED;
        }
        summary.stopped.get_or_insert(why.to_owned());
    }

    /// Prints the tables, what to do next, and where the files are.
    pub(super) fn print(&self, case: &Case, screen: Screen) {
        let summary = &self.summary;
        case.told.summary.get_or_init(|| summary.clone());
        events::written(summary, screen);
        screen.document(&summary.json());
        let title = format!("{} · {} · {} · run {}", summary.job, summary.operation, summary.environment, summary.run);
        screen.say(&format!("\n{}\n", screen.tone(Tone::Title, &title)));
        if let Some((first, last)) = &summary.period {
            let as_of = for_people(self.now);
            screen.say(&format!("business days {first} to {last}, as of {as_of}\n"));
        }
        screen.say(&table::summary(summary));
        if let Some(plan) = &summary.plan {
            screen.say(&format!("\n{}", plan_use::line(plan)));
        }
        if !summary.overrides.is_empty() {
            screen.say(&format!("\n{}", screen.tone(Tone::Bad, &overrides::lines(&summary.overrides))));
        }
        if let Some(line) = hosts::line(&summary.hosts) {
            screen.say(&format!("\n{line}"));
        }
        if let Some(log) = summary.log {
            screen.say(&format!("\nlog: {}, {} signed by DOKU", counted(log.read, "line"), log.verified));
        }
        if let Some(line) = summary.limits.as_ref().and_then(LimitsSeen::line) {
            screen.say(&format!("\n{line}"));
        }
        if let Some(lines) = self.severities(case, screen) {
            screen.say(&format!("\n{lines}"));
        }
        if let Some(path) = summary.files.get("summary.json") {
            let folder = path.strip_suffix("/summary.json").unwrap_or(path);
            screen.say(&format!("\nfiles: {}", printable(&shown(&case.path(folder)))));
        }
        let closing = self.closing(case, screen);
        screen.say(&closing);
        screen.paper(|| markdown::summary(summary, &self.books.highlights.breaks, &closing));
    }

    /// The verdicts that reach a limit of the job's own, one a line; those at their defaults speak by the exit code.
    fn severities(&self, case: &Case, screen: Screen) -> Option<String> {
        let named = Verdict::ALL.into_iter().filter(|verdict| case.job.reconcile.severity.contains_key(verdict));
        let lines: Vec<String> = named
            .filter_map(|verdict| {
                let tone = match self.summary.severity.get(verdict.word())? {
                    Level::Fine => return None,
                    Level::Warning => screen.tone(Tone::Title, "warning"),
                    Level::Error => screen.tone(Tone::Bad, "error"),
                };
                let (totals, tally) = (&self.books.totals, self.books.totals.verdict(verdict));
                let oldest = totals.oldest(verdict).map(|age| format!(", the oldest {}", rounded(age)));
                let (orders, oldest) = (counted(tally.count, "order"), oldest.unwrap_or_default());
                Some(format!("{tone}: {verdict}: {orders}, {}{oldest} (reconcile.severity)", tally.rupiah))
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Whether the logs have lines that somebody may want to look at: not copies, and not what another audit is about.
    fn has_strays(&self) -> bool {
        let is_ordinary = |reason: UnmatchedReason| match reason {
            UnmatchedReason::Duplicate | UnmatchedReason::Replayed | UnmatchedReason::OutsidePeriod => true,
            UnmatchedReason::Orphan
            | UnmatchedReason::InvalidSignature
            | UnmatchedReason::Malformed
            | UnmatchedReason::Unverifiable
            | UnmatchedReason::OtherClient
            | UnmatchedReason::Ambiguous
            | UnmatchedReason::Unreadable => false,
        };
        let count = |reason: UnmatchedReason| self.summary.unmatched.get(reason.word()).map_or(0, |tally| tally.count);
        UnmatchedReason::ALL.into_iter().any(|reason| !is_ordinary(reason) && count(reason) > 0)
    }

    /// What is in doubt and will not settle by itself.
    fn for_a_person(&self, place: &str) -> String {
        let waits = |state: DoneState| self.summary.states.get(state.word()).is_some_and(|tally| tally.count > 0);
        if waits(DoneState::Review) || waits(DoneState::Conflict) {
            format!(
                "\n  review, conflict: a person decides: rekon rule INVOICE --operation OPERATION --as done|not-done --reason \
                 TEXT --evidence TEXT {place}"
            )
        } else {
            String::new()
        }
    }

    /// What is in doubt and stands in no row of the tables.
    fn not_in_the_input(&self) -> String {
        let named: Vec<&str> = self.earlier.iter().take(MOST_NAMED).map(InvoiceNumber::as_str).collect();
        let more = match self.earlier.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match self.earlier.len() {
            0 => String::new(),
            count => {
                let orders = counted(count as u64, "order");
                format!("\n  {orders} of an earlier run, not in this input: {}{more}", printable(&named.join(", ")))
            }
        }
    }

    /// A run that was stopped asks about nothing that it has left unknown itself.
    fn resolving(&self, case: &Case) -> String {
        let has_file = !matches!(case.loosening, Loosening::NotOffered);
        if self.summary.stopped.is_none() || !has_file || case.job.task == Task::Audit {
            return String::new();
        }
        format!(
            "\n  or: rekon resolve {}: the same, but nothing new is sent; if DOKU is still ill,\n  \
             it asks for the status of each",
            case.typed
        )
    }

    /// What sets the exit code 1, in the words of the tables.
    fn causes(&self, case: &Case) -> String {
        let totals = &self.books.totals;
        let bad = |verdict: &Verdict| level(*verdict, totals, &case.job.reconcile.severity(*verdict)) == Level::Error;
        let verdicts = Verdict::ALL.into_iter().filter(bad);
        let verdicts = verdicts.map(|verdict| format!("{} {verdict}", totals.verdict(verdict).count));
        let states =
            DoneState::ALL.into_iter().filter(|state| state.needs_a_person() && totals.state(*state).count > 0);
        let states = states.map(|state| format!("{} {}", counted(totals.state(state).count, "row"), state.word()));
        let strays = UnmatchedReason::ALL.into_iter().filter(|reason| {
            case.job.task == Task::Audit && reason.needs_a_person() && totals.unmatched(*reason).count > 0
        });
        let strays =
            strays.map(|reason| format!("{} {}", counted(totals.unmatched(reason).count, "log line"), reason.word()));
        let causes: Vec<String> = verdicts.chain(states).chain(strays).collect();
        format!("because of {}", if causes.is_empty() { "refused rows".to_owned() } else { causes.join(", ") })
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
            Task::Change(_) if summary.plan.is_some() => "run the same plan again",
            Task::Change(_) => "run the same job again",
        };
        // The name alone would mean another day's orders tomorrow, or another journal.
        let has_file = !matches!(case.loosening, Loosening::NotOffered);
        let command = match case.job.task {
            Task::Change(_) if has_file && case.typed != case.file && summary.plan.is_none() => {
                format!(" (rekon run {})", case.typed)
            }
            Task::Change(_) | Task::Audit => String::new(),
        };
        let place = format!("--journal {}", printable(&for_a_shell(&named(&case.journal))));
        let next = match summary.exit_code {
            exit::DONE => String::new(),
            exit::DOUBT => format!(
                "{}\n  {again}{command}: it settles them with the same key and never sends twice{}\n  \
                 which ones, and what is known about one: rekon show [INVOICE] {place}{}",
                self.not_in_the_input(),
                self.resolving(case),
                self.for_a_person(&place)
            ),
            exit::STOPPED if summary.plan.is_some() => "\n  run the same plan again to continue".to_owned(),
            exit::STOPPED => format!("\n  run the job again{command} to continue"),
            _ if self.has_strays() => {
                format!(
                    "\n  {}\n  at the rows that are refused, held or do not match: reconciliation.csv; at the stray lines \
                     of the logs: unmatched.csv",
                    self.causes(case)
                )
            }
            _ => format!(
                "\n  {}\n  at the rows that are refused, held or do not match: reconciliation.csv",
                self.causes(case)
            ),
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

/// An age as a person would say it: in whole minutes, hours or days.
pub(super) fn rounded(age: Duration) -> String {
    match age.as_secs() / 60 {
        minutes if minutes < 60 => format!("{minutes}m"),
        minutes if minutes < 48 * 60 => format!("{}h", minutes / 60),
        minutes => format!("{}d", minutes / (24 * 60)),
    }
}
