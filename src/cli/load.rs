//! A job with its place in the world: its file and its folder, its keys, its journal. [`super::inputs`] has what it reads.

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::args::Common;
use super::exit::Failure;
use super::interrupt::Signals;
use super::meanwhile::Hold;
use super::unreadable::unreadable;
use crate::edge::credentials::{self, Credentials};
use crate::edge::spill::NoPlace;
use crate::edge::{environment, files, read};
use crate::job::overrides::Override;
use crate::job::settings::{Guards, Source};
use crate::job::{self, Job};
use crate::journal::Account;
use crate::journal::log::sha256;
use crate::journal::postgres::address::Address;
use crate::journal::store::Location;
use crate::model::environment::Environment;
use crate::model::fault::{Fault, Place, printable};
use crate::model::language::Language;
use crate::model::operation::Operation;
use crate::model::time::{BusinessDate, Timestamp};
use crate::report::summary::Summary;
use crate::report::words::speech::Speech;
use crate::runner::progress::Progress;
use crate::simulator;

/// A job with its place in the world.
#[derive(Debug)]
pub(super) struct Case {
    /// The job.
    pub(super) job: Job,
    /// The folder of the job file; every path of the job is relative to it.
    pub(super) folder: PathBuf,
    /// The job file as the user named it.
    pub(super) file: String,
    /// The job file with the flags that it needs to mean the same tomorrow, to be typed. Behind a command that sends:
    /// [`Case::command`].
    pub(super) typed: String,
    /// The business date.
    pub(super) date: BusinessDate,
    /// Where the journal is.
    pub(super) journal: Location,
    /// Whether its guards are loosened for this command.
    pub(super) loosening: Loosening,
    /// SHA-256 of the job file, in hex; empty where there is none.
    pub(super) sha256: String,
    /// The language of what people read.
    pub(super) language: Language,
    /// Who asked for customers' data in report.html; `None`: they are masked.
    pub(super) revealed_by: Option<String>,
    /// Which CSV files come out.
    pub(super) copies: Copies,
    /// What a run tells about itself while it lasts and at its end.
    pub(super) told: Told,
}

/// Which CSV files come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copies {
    /// The exact ones, for machines.
    Exact,
    /// And copies in which nothing can become a formula.
    SpreadsheetSafe,
}

impl Copies {
    /// As `--spreadsheet-safe` says.
    pub(super) const fn of(spreadsheet_safe: bool) -> Self {
        if spreadsheet_safe { Self::SpreadsheetSafe } else { Self::Exact }
    }
}

/// Whether a job's guards are loosened.
#[derive(Debug)]
pub(super) enum Loosening {
    /// The command's own flags say the limits.
    NotOffered,
    /// They are as the job has them.
    NotAsked,
    /// They are loosened.
    Asked(Box<Loosened>),
}

/// Guards that are loosened for this run.
#[derive(Debug)]
pub(super) struct Loosened {
    pub(super) guards: Guards,
    pub(super) overrides: Vec<Override>,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) whose: Whose,
}

/// Who loosened them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The flags of this command.
    OfFlags,
    /// A saved plan, of which a part may be done.
    OfPlan,
}

/// What a run tells about itself, for those who report it elsewhere.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Who asks it to stop.
    pub(super) signals: Signals,
    /// Whether it has its journal.
    pub(super) hold: Hold,
    /// Its counters.
    pub(super) progress: Arc<Progress>,
    /// Why its orders stay in memory though they are many; said once.
    pub(super) uncopied: OnceLock<NoPlace>,
    /// Its totals, once it has any.
    pub(super) summary: OnceLock<Summary>,
}

/// The business date of `--date`, or today's.
pub(super) fn date(common: &Common, now: Timestamp) -> Result<BusinessDate, Failure> {
    match &common.date {
        None => Ok(BusinessDate::of(now)),
        Some(text) => BusinessDate::parse(text)
            .ok_or_else(|| Failure::Refused(format!("--date {text:?} is not a date such as 2026-11-21"))),
    }
}

/// Reads a job file.
pub(super) fn case(path: &Path, common: &Common, now: Timestamp) -> Result<Case, Failure> {
    let file = path.display().to_string();
    let bytes = read::finished(path).map_err(|error| unreadable(&file, &error))?;
    let sha256 = sha256(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let (line, column) = (good.matches('\n').count(), good.chars().rev().take_while(|one| *one != '\n').count());
        let place = Place::new(&file, line as u64 + 1, column as u64 + 1);
        Failure::Faults(vec![Fault::new(place, "is not UTF-8 text").hint("save the file as UTF-8")])
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let job = job::parse(&file, text).map_err(Failure::Faults)?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Case { sha256, ..assemble(job, folder, file, common, now)? })
}

/// Puts a job into its folder.
pub(super) fn assemble(
    job: Job,
    folder: PathBuf,
    file: String,
    common: &Common,
    now: Timestamp,
) -> Result<Case, Failure> {
    let language = common.lang.unwrap_or(job.output.language);
    let journal = location_of(common.journal.as_deref(), &file, &folder, &job)?;
    let date = date(common, now)?;
    Ok(Case {
        typed: typed(&file, &job, common, date),
        date,
        journal,
        job,
        folder,
        file,
        loosening: Loosening::NotAsked,
        language,
        revealed_by: None,
        sha256: String::new(),
        copies: Copies::Exact,
        told: Told::default(),
    })
}

/// A path as a shell takes it.
pub(super) fn for_a_shell(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    // A name that begins like a flag would be taken for one.
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if path.bytes().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// A path with a date in it names other files tomorrow, and a journal that was named is not the job's own.
fn typed(file: &str, job: &Job, common: &Common, date: BusinessDate) -> String {
    let orders = match &job.orders.source {
        Source::File(file) => Some(file),
        Source::Rows(_) => None,
    };
    let others = job.notifications.files.iter().chain(&job.reconcile.results);
    let is_dated = others.chain(orders).any(|path| path.contains("{date"));
    let date = if is_dated || common.date.is_some() { format!(" --date {date}") } else { String::new() };
    let journal = common.journal.as_ref().map(|journal| format!(" --journal {}", printable(&for_a_shell(journal))));
    format!("{}{date}{}", printable(&for_a_shell(file)), journal.unwrap_or_default())
}

/// Where a journal is. `--journal` is relative to the current directory, as every argument; the job's own is relative to the
/// job.
fn location_of(flag: Option<&str>, file: &str, folder: &Path, job: &Job) -> Result<Location, Failure> {
    match flag {
        Some(named) => {
            let found = location(named, Path::new("")).map_err(|why| Failure::Refused(format!("--journal {why}")))?;
            Ok(match found {
                // What cannot be written is looked for by the next run of the job, wherever it is called from.
                Location::Server { address, .. } => Location::Server { address, beside: folder.join(".rekon") },
                Location::File(path) => Location::File(path),
            })
        }
        None => location(&job.journal, folder).map_err(|why| {
            let (what, hint) =
                why.split_once("\n  hint: ").unwrap_or((&why, "name a file, or postgres://USER@HOST/DATABASE"));
            let place = job.places.place(file, "journal");
            Failure::Faults(vec![Fault::new(place, format!("journal: {what}")).hint(hint)])
        }),
    }
}

/// The journal of a name: a file in a folder, or a database.
pub(super) fn location(named: &str, folder: &Path) -> Result<Location, String> {
    if Address::is_meant(named) {
        let address = Address::parse(named, folder, &environment::variable);
        let beside = folder.join(".rekon");
        return address
            .map(|address| Location::Server { address: Box::new(address), beside })
            .map_err(|error| error.to_string());
    }
    match named.split_once("://") {
        // The rest of the URL may hold a password.
        Some((scheme, _)) => {
            Err(format!("{scheme}:// is not known\n  hint: name a file, or postgres://USER@HOST/DATABASE"))
        }
        // A slash that is missing must not make a journal of its own, beside the one that all hosts share.
        None if named.to_ascii_lowercase().starts_with("postgres") || named.contains('@') => {
            Err("looks like a database, and is no URL of one\n  hint: name a file, or postgres://USER@HOST/DATABASE"
                .to_owned())
        }
        None => Ok(Location::File(folder.join(named))),
    }
}

/// A journal as people read it.
pub(super) fn named(journal: &Location) -> String {
    match journal {
        Location::File(path) => shown(path),
        Location::Server { address, .. } => address.to_string(),
    }
}

impl Case {
    /// Where a key stands in the job file.
    pub(super) fn place(&self, key: &str) -> Place {
        self.job.places.place(&self.file, key)
    }

    /// The words of its reader.
    pub(super) fn words(&self) -> &'static Speech {
        Speech::of(self.language)
    }

    /// A command that sends, `run` or `resolve`, as it is to be typed. The name alone would mean another day's orders tomorrow,
    /// or another journal, and production is asked for each time.
    pub(super) fn command(&self, verb: &str) -> String {
        let live = if self.job.merchant.environment == Environment::Production { " --live" } else { "" };
        format!("rekon {verb} {}{live}", self.typed)
    }

    /// The same over the orders of another day; where the job has no date in it, over the same.
    pub(super) fn command_on(&self, verb: &str, date: BusinessDate) -> String {
        self.command(verb).replacen(&format!(" --date {}", self.date), &format!(" --date {date}"), 1)
    }

    /// The folder for what belongs beside the journal; beside the job, if the journal is on a server.
    pub(super) fn journal_folder(&self) -> PathBuf {
        match &self.journal {
            Location::File(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            Location::Server { .. } => self.folder.join(".rekon"),
        }
    }

    /// A path of the job in the world, with its date filled in.
    pub(super) fn path(&self, template: &str) -> PathBuf {
        self.folder.join(self.fill(template))
    }

    /// A text of the job with its date filled in; the reader of the job has checked that it can be.
    pub(super) fn fill(&self, template: &str) -> String {
        self.date.fill(template).unwrap_or_else(|_| template.to_owned())
    }

    /// Where its files come out; a run has its own folder in it.
    pub(super) fn output_folder(&self) -> PathBuf {
        self.path(&format!("{}/{}", self.fill(&self.job.output.directory), self.job.name))
    }

    /// Removes what programs that were killed have left where files come out, of whatever date.
    pub(super) fn sweep(&self) {
        let template = format!("{}/{}", self.job.output.directory, self.job.name);
        files::of_any_date(&self.folder, &template).iter().for_each(|folder| files::sweep(folder));
    }

    /// Production needs `--live`; everything else refuses it, so that nobody gets used to typing it.
    pub(super) fn refuse_unless_live(&self, live: bool) -> Result<(), Failure> {
        let (file, environment) = (&self.file, self.job.merchant.environment);
        match (environment, live) {
            (Environment::Production, false) => Err(Failure::Refused(format!(
                "{file}: this job changes money in production; add --live if that is meant"
            ))),
            (Environment::Simulator | Environment::Sandbox, true) => {
                Err(Failure::Refused(format!("{file}: --live is for production; this job is for the {environment}")))
            }
            (Environment::Production, true) | (Environment::Simulator | Environment::Sandbox, false) => Ok(()),
        }
    }

    /// The merchant's keys; the simulator's own where the job names none.
    pub(super) fn credentials(&self) -> Result<Credentials, Failure> {
        let defaults = (simulator::CLIENT_ID, simulator::SECRET_KEY);
        credentials::read(&self.job.merchant, &self.folder, defaults).map_err(|missing| {
            let fault = |why: &credentials::NoCredential| {
                Fault::new(self.place(&why.key()), why.to_string()).hint(why.remedy())
            };
            Failure::Faults(missing.0.iter().map(fault).collect())
        })
    }

    /// Whose items the job makes.
    pub(super) fn account(&self, credentials: &Credentials, operation: Operation) -> Account {
        let environment = self.job.merchant.environment;
        Account { environment, client_id: credentials.client_id.clone(), operation }
    }
}

/// A path as people read it: without `.` and without `a/..`, purely by its text. Files are opened by the path as it is.
pub(super) fn shown(path: &Path) -> String {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { ".".to_owned() } else { out.display().to_string() }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A job in a folder, with its journal in it.
    pub(in crate::cli) fn case(job: Job, folder: &Path, date: BusinessDate) -> Case {
        Case {
            journal: Location::File(folder.join("journal.db")),
            folder: folder.to_owned(),
            file: "job.yaml".into(),
            typed: "job.yaml".into(),
            date,
            job,
            loosening: Loosening::NotAsked,
            language: Language::English,
            revealed_by: None,
            copies: Copies::Exact,
            sha256: String::new(),
            told: Told::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_without_detours() {
        for (path, shown) in
            [("jobs/../a/b.csv", "a/b.csv"), ("./x", "x"), ("../a", "../a"), ("a/..", "."), ("../../x", "../../x")]
        {
            assert_eq!(super::shown(Path::new(path)), shown);
        }
    }
}
