//! The end of a run or an audit: reconcile, add up, write the files, print the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::books::Books;
use super::events;
use super::exit::{self, Completion, Failure};
use super::illustrate::Illustrated;
use super::load::{Case, Loosening, for_a_shell, named, shown};
use super::other_amounts::OtherAmounts;
use super::screen::{Screen, Tone};
use super::workbook;
use crate::edge::files::{self, WriteError};
use crate::edge::spill::Scrap;
use crate::job::settings::OutputFormat;
use crate::journal::cause::Cause;
use crate::journal::history::Overridden;
use crate::journal::history::PlanUse;
use crate::journal::joint::Host;
use crate::journal::record::Finished;
use crate::journal::state::State;
use crate::model::fault::printable;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::{BusinessDate, Timestamp, Zone, wire};
use crate::model::verdict::Verdict;
use crate::plan::Dispositions;
use crate::plan::guard::Reading;
use crate::reconcile::aside::MOST_NAMED;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::severity::{Level, level};
use crate::report::hosts::{self, WorkedOn};
use crate::report::inputs::Inputs;
use crate::report::limits::LimitsSeen;
use crate::report::summary::{JournalHead, LogLines, Revealed, Summary};
use crate::report::words::speech::{Again, Ended, Look, Speech, Unit};
use crate::report::{markdown, rows, safe, table};

/// Where it stands, the other files do too.
const SUMMARY: &str = "summary.json";

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
    /// Items of the job in doubt that are not in the input; of an audit the totals have them.
    pub(super) in_doubt_earlier: Tally,
    /// The invoices of the job's own, and what is known of them.
    pub(super) earlier: Vec<(InvoiceNumber, State)>,
    /// Jobs that have left orders of this input in doubt.
    pub(super) other_jobs: BTreeSet<String>,
    /// Those in doubt for which DOKU's answers name other amounts.
    pub(super) other_amounts: OtherAmounts,
    /// The first and the last business day of an audit; `None`: all.
    pub(super) period: Option<(BusinessDate, BusinessDate)>,
    /// The lines of the logs of an audit.
    pub(super) log: Option<LogLines>,
    /// What an audit has read.
    pub(super) inputs: Option<Inputs>,
    /// How far the journal's log goes.
    pub(super) journal: Option<JournalHead>,
    /// How many items of the journal are in doubt, of an audit, which also reads results of other journals; `None`: it has all.
    pub(super) journal_doubts: Option<u64>,
    /// When it started.
    pub(super) started_at: Timestamp,
    /// Now.
    pub(super) now: Timestamp,
    /// What was seen of the provider's limits; `None` where nothing was sent.
    pub(super) limits: Option<LimitsSeen>,
    /// Why it stopped before its end.
    pub(super) stopped: Option<Cause>,
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
            other_amounts: OtherAmounts::default(),
            period: None,
            log: None,
            inputs: None,
            journal: None,
            journal_doubts: None,
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
    earlier: Vec<(InvoiceNumber, State)>,
    other_jobs: BTreeSet<String>,
    other_amounts: OtherAmounts,
    journal_doubts: Option<u64>,
    now: Timestamp,
}

/// Adds up and decides the exit code.
pub(super) fn conclude(case: &Case, ending: Ending) -> Conclusion {
    let mut books = ending.books;
    let mut earlier = ending.earlier;
    earlier.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let totals = &mut books.totals;
    let identity = totals.identity(ending.input);
    let mut in_doubt_earlier = ending.in_doubt_earlier;
    in_doubt_earlier.merge(totals.aside.in_doubt());
    totals.in_doubt.merge(in_doubt_earlier);
    let digest = books.digest.wrapping_add(totals.aside.digest());
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
        run: ending.run.unwrap_or_else(|| name(digest, ending.now)),
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
        inputs: ending.inputs,
        in_doubt: totals.in_doubt,
        in_doubt_earlier,
        done_elsewhere: totals.aside.done(),
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
        other_amounts: ending.other_amounts,
        journal_doubts: ending.journal_doubts,
        now: ending.now,
    }
}

/// An audit is named by its clock and by what it found: the same inputs at the same time give the same folder, and no
/// other audit overwrites it.
fn name(digest: u64, now: Timestamp) -> String {
    format!("{}-{:08x}", Zone::WIB.local(now).format("%Y%m%d-%H%M%S"), digest >> 32)
}

impl Conclusion {
    /// Writes all files, the summary last: where it stands, the others do too. In a folder for the time being, if one is named.
    ///
    /// # Errors
    /// A file could not be written. The journal has everything; the files can be written again.
    pub(super) async fn write(&mut self, case: &Case, meanwhile: Option<&Path>) -> Result<(), Failure> {
        let into = meanwhile.map_or_else(|| case.path(&self.place(case)), Path::to_owned);
        self.write_into(case, &into).await.map_err(|error| Failure::Stopped(error.to_string()))
    }

    /// The same of a command that only reads: aside first, so that whoever stops it leaves nothing behind, and then into their
    /// place, one command after the other. Those that find the same at the same time have the same place.
    ///
    /// # Errors
    /// A file could not be written, or somebody has asked to stop.
    pub(super) async fn publish(&mut self, case: &Case) -> Result<(), Failure> {
        let (signals, place) = (&case.told.signals, case.path(&self.place(case)));
        let unwritten = match case.job.task {
            Task::Audit => Failure::Unwritten,
            Task::Change(_) => Failure::Stopped,
        };
        let failed = |error: WriteError| unwritten(error.to_string());
        let aside = Scrap::make(&case.output_folder());
        let aside = aside.map_err(|source| failed(WriteError { path: place.clone(), source }))?;
        let written = self.write_into(case, aside.path()).await;
        signals.still_wanted()?;
        written.map_err(|WriteError { path, source }| {
            // What stands aside has no name that says anything.
            let path = path.strip_prefix(aside.path()).map(|name| place.join(name)).unwrap_or(path);
            failed(WriteError { path, source })
        })?;
        // One of an earlier command would be taken for a copy of this one's.
        let stale: Vec<String> = self.summary.files.keys().map(|name| safe::name(name)).collect();
        signals.end_with(self.summary.exit_code)?;
        files::bring(aside.path(), &place, SUMMARY, &stale).map_err(failed)
    }

    /// The folder of its files, as the job has it.
    fn place(&self, case: &Case) -> String {
        let directory = case.fill(&case.job.output.directory);
        format!("{directory}/{}/{}", self.summary.job, self.summary.run)
    }

    async fn write_into(&mut self, case: &Case, into: &Path) -> Result<(), WriteError> {
        let folder = self.place(case);
        let wants = |format| case.job.output.formats.contains(&format);
        let mut out: Vec<(&str, Vec<u8>)> = Vec::new();
        if wants(OutputFormat::Csv) {
            out.push(("days.csv", rows::days(&self.summary.days)));
        }
        let page = wants(OutputFormat::Html).then_some("report.html");
        let workbook = wants(OutputFormat::Xlsx).then_some(workbook::NAME);
        let names = out.iter().map(|(name, _)| *name).chain(page).chain(workbook).chain([SUMMARY]).map(str::to_owned);
        let place = |name: String| (name.clone(), format!("{folder}/{name}"));
        self.summary.files = names.chain(self.books.files()).map(place).collect();
        self.books.keep(into)?;
        let mut made = Ok(());
        if let Some(name) = workbook {
            let runs = workbook::known_runs(case).await;
            made = workbook::write(into, &self.summary, &runs, case, self.now);
            // It needs more room than what follows, and less depends on it.
            if made.is_err() {
                self.stays_open(Cause::Workbook);
                self.summary.files.remove(name);
            }
        }
        if let Some(name) = page {
            out.push((name, self.illustrated.page(&self.summary, &self.books.highlights, case.language)));
        }
        out.push((SUMMARY, self.summary.json()));
        for (name, content) in out {
            files::write(&into.join(name), &content)?;
        }
        made
    }

    /// The folder of the files; empty if there is none.
    pub(super) fn folder(&self, case: &Case) -> String {
        let path = self.summary.files.get("summary.json").and_then(|path| path.strip_suffix("/summary.json"));
        path.map(|folder| shown(&case.path(folder))).unwrap_or_default()
    }

    /// The end of a run, for the journal.
    pub(super) fn finished(&self, run: RunId) -> Finished {
        let (exit_code, stopped) = (self.summary.exit_code, self.summary.stopped.clone());
        Finished { run, at: self.now, exit_code, stopped }
    }

    /// The files could not be written, or are not in their place: the run has not come to its end, whatever became of its orders.
    pub(super) fn stays_unwritten(&mut self) {
        self.stays_open(Cause::Files);
        self.summary.files.clear();
    }

    /// The end of the run could not be recorded: for the journal it goes on.
    pub(super) fn stays_unrecorded(&mut self) {
        self.stays_open(Cause::Unrecorded);
    }

    fn stays_open(&mut self, why: Cause) {
        let summary = &mut self.summary;
        if summary.exit_code != exit::DOUBT {
            summary.exit_code = exit::STOPPED;
        }
        summary.stopped.get_or_insert(why);
    }

    /// Prints the tables, what to do next, and where the files are.
    pub(super) fn print(&self, case: &Case, screen: Screen) {
        let summary = &self.summary;
        case.told.summary.get_or_init(|| summary.clone());
        events::written(summary, screen);
        screen.document(&summary.json());
        let words = case.words();
        let run = format!("{} {}", words.run, summary.run);
        let title = words.title(&summary.job, &summary.operation, &summary.environment, &run);
        screen.say(&format!("\n{}\n", screen.tone(Tone::Title, &title)));
        if let Some(line) = summary.about(words) {
            screen.say(&format!("{line}\n"));
        }
        screen.say(&table::summary(summary, words));
        if let Some(plan) = &summary.plan {
            screen.say(&format!("\n{}", (words.plan_used)(plan)));
        }
        if !summary.overrides.is_empty() {
            screen.say(&format!("\n{}", screen.tone(Tone::Bad, &words.overrides(&summary.overrides))));
        }
        if let Some(line) = hosts::line(&summary.hosts) {
            screen.say(&format!("\n{}", screen.told(&line)));
        }
        if let Some(log) = summary.log {
            screen.say(&format!("\n{}", (words.log)(log.read, log.verified)));
        }
        if let Some(line) = self.done_elsewhere(words) {
            screen.say(&format!("\n{line}"));
        }
        if let Some(line) = summary.limits.as_ref().and_then(words.pace) {
            screen.say(&format!("\n{line}"));
        }
        if let Some(lines) = self.severities(case, screen) {
            screen.say(&format!("\n{lines}"));
        }
        if let Some(path) = summary.files.get("summary.json") {
            let folder = path.strip_suffix("/summary.json").unwrap_or(path);
            screen.say(&format!("\n{}: {}", words.files, printable(&shown(&case.path(folder)))));
        }
        let closing = self.closing(case, screen);
        screen.say(&closing);
        screen.paper(|| markdown::summary(summary, &self.books.highlights.breaks, &closing, words));
    }

    /// The verdicts that reach a limit of the job's own, one a line; those at their defaults speak by the exit code.
    fn severities(&self, case: &Case, screen: Screen) -> Option<String> {
        let (words, totals) = (case.words(), &self.books.totals);
        let named = Verdict::ALL.into_iter().filter(|verdict| case.job.reconcile.severity.contains_key(verdict));
        let lines: Vec<String> = named
            .filter_map(|verdict| {
                let tone = match self.summary.severity.get(verdict.word())? {
                    Level::Fine => return None,
                    Level::Warning => screen.tone(Tone::Title, words.warning),
                    Level::Error => screen.tone(Tone::Bad, words.error),
                };
                let severity = (words.severity)(verdict, totals.verdict(verdict), totals.oldest(verdict));
                Some(format!("{tone}: {severity}"))
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

    /// Whether something in doubt will not settle by itself.
    fn waits_for_a_person(&self) -> bool {
        let waits = |state: DoneState| self.summary.states.get(state.word()).is_some_and(|tally| tally.count > 0);
        waits(DoneState::Review) || waits(DoneState::Conflict) || self.ruled_earlier().next().is_some()
    }

    /// Those of the earlier ones that only a person decides about.
    fn ruled_earlier(&self) -> impl Iterator<Item = &InvoiceNumber> {
        self.earlier.iter().filter(|(_, state)| state.waits_for_a_person()).map(|(invoice, _)| invoice)
    }

    /// Whether something in doubt may settle by itself. Of what other jobs have left nobody has counted which state it is in.
    fn may_settle(&self) -> bool {
        let unknown = self.summary.states.get(DoneState::Unknown.word()).is_some_and(|tally| tally.count > 0);
        let ruled = self.ruled_earlier().count() as u64;
        unknown || self.summary.in_doubt_earlier.count > ruled || !self.waits_for_a_person()
    }

    /// An order that a person decides about, and its operation, as far as they are known here.
    fn to_be_ruled(&self, case: &Case) -> (String, String) {
        let Task::Change(operation) = case.job.task else { return ("INVOICE".to_owned(), "OPERATION".to_owned()) };
        let waits = |state: DoneState| matches!(state, DoneState::Review | DoneState::Conflict);
        let mut here = self.books.highlights.breaks.iter().filter(|found| waits(found.state));
        let earlier = self.ruled_earlier().next().map(InvoiceNumber::as_str);
        let invoice = here.find_map(|found| found.invoice.as_deref()).or(earlier);
        let invoice = invoice.map(|invoice| printable(&for_a_shell(invoice)));
        (invoice.unwrap_or_else(|| "INVOICE".to_owned()), operation.to_string())
    }

    /// What was refused for the key: no run sends it again, and the command that makes one do so.
    fn reopening(&self, case: &Case, place: &str) -> Option<String> {
        let refused = &self.books.refused_for_the_key;
        let Task::Change(operation) = case.job.task else { return None };
        let named: Vec<String> = refused.iter().take(MOST_NAMED).map(|one| for_a_shell(one.as_str())).collect();
        let more = refused.len().saturating_sub(MOST_NAMED) as u64;
        let command =
            format!("rekon reopen {} --operation {operation} --reason TEXT {place}", printable(&named.join(" ")));
        (!refused.is_empty()).then(|| (case.words().reopening)(refused.len() as u64, more, &command))
    }

    /// What is in doubt and stands in no row of the tables.
    fn not_in_the_input(&self, words: &Speech) -> Option<String> {
        let aside = &self.books.totals.aside;
        if aside.in_doubt().count > 0 {
            let (named, count) = (aside.named().collect::<Vec<_>>(), aside.in_doubt().count);
            return Some((words.not_judged)(count, &printable(&named.join(", ")), count - named.len() as u64));
        }
        let named: Vec<&str> = self.earlier.iter().take(MOST_NAMED).map(|(invoice, _)| invoice.as_str()).collect();
        let (count, more) = (self.earlier.len() as u64, self.earlier.len().saturating_sub(MOST_NAMED) as u64);
        (count > 0).then(|| (words.of_earlier_runs)(count, &printable(&named.join(", ")), more))
    }

    /// What runs of ours have done to orders that an audit does not have.
    fn done_elsewhere(&self, words: &Speech) -> Option<String> {
        let done =
            DoneState::ALL.into_iter().filter_map(|one| Some((one, self.summary.done_elsewhere.get(one.word())?)));
        let mut sum = Tally::default();
        let states = done.map(|(state, tally)| {
            sum.merge(*tally);
            format!("{} {}", (words.count)(tally.count), lowered(&(words.state_name)(state)))
        });
        let states: Vec<String> = states.collect();
        (sum.count > 0).then(|| (words.done_elsewhere)(&states.join(", "), sum.rupiah))
    }

    /// Where doubt can be looked at of which only results of another journal tell.
    fn of_another_journal(&self, words: &Speech) -> Option<String> {
        let has_rows = self.books.totals.verdict(Verdict::InDoubt).count > 0;
        let file = self.summary.files.keys().find(|name| has_rows && *name == "reconciliation.csv");
        let is_unknown_here = self.journal_doubts.is_some_and(|known| known < self.summary.in_doubt.count);
        is_unknown_here.then(|| (words.of_another_journal)(file.map(String::as_str)))
    }

    /// A run that was stopped asks about nothing that it has left unknown itself.
    fn may_be_resolved(&self, case: &Case) -> bool {
        let has_file = !matches!(case.loosening, Loosening::NotOffered);
        self.summary.stopped.is_some() && has_file && case.job.task != Task::Audit
    }

    /// What sets the exit code 1, in the words of the tables.
    fn causes(&self, case: &Case) -> String {
        let (words, totals) = (case.words(), &self.books.totals);
        let bad = |verdict: &Verdict| level(*verdict, totals, &case.job.reconcile.severity(*verdict)) == Level::Error;
        let verdicts = Verdict::ALL.into_iter().filter(bad);
        let verdicts = verdicts.map(|one| {
            (words.orders_that)(totals.verdict(one).count, &lowered(&self.summary.verdict_name(one, words)))
        });
        let states = DoneState::ALL.into_iter().filter(|state| totals.to_look_at(*state) > 0);
        let states = states.map(|one| {
            format!("{} {}", (words.counted)(totals.to_look_at(one), Unit::Rows), lowered(&(words.state_name)(one)))
        });
        let strays = UnmatchedReason::ALL.into_iter().filter(|reason| {
            case.job.task == Task::Audit && reason.needs_a_person() && totals.unmatched(*reason).count > 0
        });
        let strays = strays.map(|one| {
            let lines = (words.counted)(totals.unmatched(one).count, Unit::LogLines);
            format!("{lines} {}", lowered(&(words.line_name)(one)))
        });
        let causes: Vec<String> = verdicts.chain(states).chain(strays).collect();
        let refused = vec![words.refused_rows.to_owned()];
        (words.because_of)(if causes.is_empty() { &refused } else { &causes })
    }

    /// The files to look at, where somebody must.
    fn places(&self, case: &Case) -> Vec<Look> {
        let (totals, is_audit) = (&self.books.totals, case.job.task == Task::Audit);
        let has_results = self.summary.files.contains_key("results.csv");
        let is_bad = |one: &Verdict| level(*one, totals, &case.job.reconcile.severity(*one)) == Level::Error;
        let kept_back = totals.state(DoneState::Refused).count > 0
            || DoneState::ALL.into_iter().any(|state| totals.to_look_at(state) > 0);
        // What was refused is `failed`, and why it was stands with its row.
        let contradicts = Verdict::ALL.iter().filter(|one| **one != Verdict::Failed || !has_results).any(is_bad);
        let results = has_results && kept_back;
        let all = [
            (results, Look::Results),
            (contradicts || !results, Look::Verdicts),
            (self.has_strays(), Look::Strays),
            (is_audit && !self.books.highlights.next().is_empty(), Look::Actions),
        ];
        all.into_iter().filter_map(|(is_one, place)| is_one.then_some(place)).collect()
    }

    /// The last lines: is money in doubt, and what to type.
    fn closing(&self, case: &Case, screen: Screen) -> String {
        let (summary, words) = (&self.summary, case.words());
        let (tone, ended) = match summary.exit_code {
            exit::DONE => (Tone::Good, Ended::Done),
            exit::DOUBT => (Tone::Bad, Ended::InDoubt(summary.in_doubt)),
            exit::STOPPED => (Tone::Bad, Ended::Stopped),
            _ => (Tone::Bad, Ended::Look),
        };
        let again = match case.job.task {
            Task::Audit => Again::TheSender,
            Task::Change(_) if summary.plan.is_some() => Again::ThePlan,
            Task::Change(_) => Again::TheJob,
        };
        let has_file = !matches!(case.loosening, Loosening::NotOffered);
        let command = match again {
            Again::TheJob if has_file => case.command("run"),
            Again::TheJob | Again::ThePlan | Again::TheSender => String::new(),
        };
        let place = format!("--journal {}", printable(&for_a_shell(&named(&case.journal))));
        let mut next: Vec<String> = Vec::new();
        match summary.exit_code {
            exit::DONE => {}
            exit::DOUBT => {
                next.extend(self.not_in_the_input(words));
                next.extend(self.other_amounts.lines(case));
                // Those of which more is known than that are settled by a person.
                let may_settle = self.may_settle() && summary.in_doubt.count > self.other_amounts.count();
                next.extend(may_settle.then(|| (words.settles)(again, &command)));
                let is_resolved = may_settle && self.may_be_resolved(case);
                next.extend(is_resolved.then(|| (words.resolving)(&case.command("resolve"))));
                let is_known_here = self.journal_doubts != Some(0);
                next.extend(is_known_here.then(|| (words.which_ones)(&place)));
                next.extend(self.of_another_journal(words));
                let place = if is_known_here { &place } else { "--journal JOURNAL" };
                let (invoice, operation) = self.to_be_ruled(case);
                next.extend(self.waits_for_a_person().then(|| (words.for_a_person)(&invoice, &operation, place)));
            }
            exit::STOPPED => next.push((words.go_on)(again, &command)),
            _ => next.extend([self.causes(case), (words.look_at)(&self.places(case))]),
        }
        next.extend(self.reopening(case, &place));
        let others: Vec<&str> = self.other_jobs.iter().map(String::as_str).collect();
        next.extend((!others.is_empty()).then(|| (words.other_jobs)(&others.join(", "))));
        let stopped = summary.stopped.as_ref().map(|why| format!("{}\n", (words.stopped)(why))).unwrap_or_default();
        let text = screen.tone(tone, &(words.ended)(ended));
        let not_judged = summary.not_judged(words).map(|said| format!("{said}\n")).unwrap_or_default();
        next.insert(0, format!("{stopped}{not_judged}{text} {}", (words.exit_code)(summary.exit_code)));
        next.join("\n  ")
    }
}

/// A word of a table inside a sentence.
fn lowered(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}
