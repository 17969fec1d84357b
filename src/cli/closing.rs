//! The report of a joint run while nobody knows yet whether it is the one: whoever closes a run may be frozen in the middle, and
//! another host then reports. It gets its place once the journal has recorded the end of the run.

use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::load::{Case, shown};
use super::open;
use super::screen::Screen;
use crate::edge::files;
use crate::journal::joint::Draft;
use crate::journal::store::Store;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::ids::RunId;
use crate::report::words::both::both;

/// What the folders of such reports end with.
const KIND: &str = "closing";

/// A report that waits for its place.
#[derive(Debug)]
pub(super) struct Closing {
    run: RunId,
    runner: i64,
    pub(super) folder: PathBuf,
    place: PathBuf,
}

impl Closing {
    /// The report that a runner makes of a run.
    pub(super) fn of(case: &Case, run: &RunId, runner: i64) -> Self {
        Self::among(&case.output_folder(), run, runner)
    }

    fn among(reports: &Path, run: &RunId, runner: i64) -> Self {
        let folder = reports.join(format!(".{runner}.{run}.{KIND}"));
        Self { run: run.clone(), runner, folder, place: reports.join(run.as_str()) }
    }

    /// A folder of that name in an output folder of the job, if it is such a report.
    fn named(reports: &Path, name: &str) -> Option<Self> {
        let (runner, rest) = name.strip_prefix('.')?.split_once('.')?;
        let run = rest.strip_suffix(KIND)?.strip_suffix('.')?;
        Some(Self::among(reports, &RunId::new(run).ok()?, runner.parse().ok()?))
    }

    /// The run is recorded as closed by this program: the files get their place. Otherwise somebody else reports, or the next
    /// run of the job finds out; what to say about that.
    pub(super) async fn end(&self, recorded: &Result<(), JournalError>, journal: &Store) -> Result<(), Failure> {
        let run = &self.run;
        match recorded {
            Ok(()) => files::put_in_place(&self.folder, &self.place).map_err(|error| {
                Failure::Stopped(format!(
                    "{error}; the files wait in {}: take away what is in their place, and the next run of the job on this host \
                     puts them there",
                    printable(&shown(&self.folder))
                ))
            }),
            // Nothing that this program writes counts any more.
            Err(error @ (JournalError::Fenced | JournalError::Behind)) => {
                files::remove_folder(&self.folder).map_err(|error| Failure::Stopped(error.to_string()))?;
                let standing = stands(journal, run).await;
                Err(Failure::Journal(format!("{error}; no report of run {run} is left here: {standing}")))
            }
            Err(error) => Err(Failure::Journal(format!(
                "{error}; whether the end of run {run} was recorded is not known: its files wait in {}, and the next run of \
                 the job on this host puts them in place, or removes them if another host has reported",
                printable(&shown(&self.folder))
            ))),
        }
    }
}

/// What is known of a run that this program does not close.
async fn stands(journal: &Store, run: &RunId) -> String {
    let (Ok(runs), Ok(at_work)) = (journal.runs().await, journal.runs_of_others().await) else {
        return "whether another host reports on it is not known".to_owned();
    };
    let known = runs.into_iter().find(|known| known.run == *run);
    match known.map(|known| known.exit_code) {
        None => "the journal has lost it".to_owned(),
        Some(Some(code)) => format!("another host has closed it, with exit code {code}"),
        Some(None) if at_work.iter().any(|name| name == run.as_str()) => {
            "another host is at work on it, and is to report".to_owned()
        }
        Some(None) => "nobody is at work on it any more".to_owned(),
    }
}

/// Ends what earlier programs have left waiting here.
pub(super) async fn end_what_waits(case: &Case, journal: &Store, screen: Screen) -> Result<(), Failure> {
    if !journal.is_shared() {
        return Ok(());
    }
    // What waits may be of another business day.
    let template = format!("{}/{}", case.job.output.directory, case.job.name);
    let found: Vec<Closing> = files::of_any_date(&case.folder, &template)
        .iter()
        .flat_map(|reports| files::names_in(reports).into_iter().filter_map(|name| Closing::named(reports, &name)))
        .collect();
    for closing in &found {
        let Closing { run, runner, folder, place } = closing;
        let ended = match journal.draft(run, *runner).await.map_err(open::failure)? {
            Draft::Pending | Draft::Unknown => continue,
            Draft::Void => files::remove_folder(folder),
            Draft::Accepted => files::put_in_place(folder, place).map(|()| {
                let place = printable(&shown(place));
                screen.warn(&both(
                    format!("the report of run {run} had not found its place yet: {place}"),
                    format!("laporan proses {run} belum sampai di tempatnya: {place}"),
                ));
            }),
        };
        if let Err(error) = ended {
            screen.warn(&error.to_string());
        }
    }
    Ok(())
}
