//! Opening the journal for a command that writes: who holds it, whether its clock and its entries are what they were.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::Common;
use super::exit::Failure;
use super::load;
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::job::settings::{DEFAULT_JOURNAL, Retries};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::{Journal as _, JournalError, Loss};
use crate::model::fault::printable;
use crate::model::time::{Timestamp, elapsed, wire};
use crate::runner::clock::Clock as _;

/// A clock may be corrected by this much and no more: the horizon of what is in doubt is told by it.
const CORRECTION: Duration = Duration::from_secs(5 * 60);

/// Opens the journal of a run, or of a person's ruling. A clock that went back is refused; so is the loss of entries
/// that may be older than the horizon. A younger loss is noted: every key is derived, and DOKU remembers it.
pub(super) async fn open(
    path: &Path,
    horizon: Duration,
    now: Timestamp,
    screen: Screen,
) -> Result<SqliteJournal, Failure> {
    let (journal, loss) = open_at(path, horizon, now).await?;
    if let Some(loss) = loss {
        screen.warn(&format!(
            "{}: {loss}: the journal was restored from an old copy, or made anew; every request keeps its key, so what \
             was sent already is answered with its first outcome",
            printable(&load::shown(path))
        ));
    }
    Ok(journal)
}

/// The same without a word; says what was lost and noted.
pub(super) async fn open_at(
    path: &Path,
    horizon: Duration,
    now: Timestamp,
) -> Result<(SqliteJournal, Option<Loss>), Failure> {
    let journal = SqliteJournal::open(path).map_err(failure)?;
    let shown = printable(&load::shown(path));
    if let Some(head) = journal.head().await.map_err(failure)?
        && elapsed(now, head.at) > CORRECTION
    {
        return Err(Failure::Refused(format!(
            "{shown}: its last entry is of {}, but the clock of this machine says {}\n  \
             hint: set the clock; if the clock is right now, rekon journal accept --journal {shown} --reason TEXT",
            wire(head.at),
            wire(now)
        )));
    }
    let Some(loss) = journal.loss() else { return Ok((journal, None)) };
    if elapsed(loss.since, now) > horizon {
        return Err(Failure::Refused(format!(
            "{shown}: {loss}: the journal was restored from an old copy, or made anew; what it lacks may have been sent \
             longer ago than DOKU is known to remember\n  \
             hint: put the newer journal back; if it is lost for good, compare with DOKU's Back Office, and then \
             rekon journal accept --journal {shown} --reason TEXT"
        )));
    }
    journal.accept(loss.to_string(), String::new(), now).await.map_err(failure)?;
    Ok((journal, Some(loss)))
}

/// `rekon journal accept`: goes on with a journal that `open` refuses.
pub(super) async fn accept(path: &Path, reason: &str, screen: Screen) -> Result<(), Failure> {
    let now = SystemClock.now();
    let journal = SqliteJournal::open(path).map_err(failure)?;
    let head = journal.head().await.map_err(failure)?;
    let ahead = head.filter(|head| elapsed(now, head.at) > CORRECTION);
    let found = match (journal.loss(), ahead) {
        (Some(loss), _) => loss.to_string(),
        (None, Some(head)) => format!("the last entry is of {}, ahead of the clock", wire(head.at)),
        (None, None) => return Err(Failure::Refused(format!("{}: there is nothing to accept", load::shown(path)))),
    };
    journal.accept(found.clone(), reason.to_owned(), now).await.map_err(failure)?;
    screen.say(&format!("accepted, and written into the journal: {found}"));
    screen.document(serde_json::json!({ "version": 1, "accepted": found, "exit_code": 0 }).to_string().as_bytes());
    Ok(())
}

/// Where the journal of a command is, and the horizon of its job.
pub(super) fn place(job: Option<&Path>, common: &Common) -> Result<(PathBuf, Duration), Failure> {
    if let Some(job) = job {
        let case = load::case(job, common, SystemClock.now())?;
        return Ok((case.journal, case.job.retries.horizon));
    }
    let path = PathBuf::from(common.journal.as_deref().unwrap_or(DEFAULT_JOURNAL));
    Ok((path, Retries::default().horizon))
}

/// A journal that must be there, to look at.
pub(super) fn to_read(path: &Path) -> Result<SqliteJournal, Failure> {
    SqliteJournal::open_to_read(path).map_err(failure)?.ok_or_else(|| absent(path))
}

/// A journal that must be there, to check it whatever it is like.
pub(super) fn to_examine(path: &Path) -> Result<SqliteJournal, Failure> {
    SqliteJournal::open_to_examine(path).map_err(failure)?.ok_or_else(|| absent(path))
}

/// No journal where one was looked for.
pub(super) fn absent(path: &Path) -> Failure {
    let hint = "name the job with --job, or the journal with --journal";
    Failure::Refused(format!("{}: there is no journal here; {hint}", path.display()))
}

/// Before anything was done.
pub(super) fn failure(error: JournalError) -> Failure {
    match error {
        JournalError::Held { .. } => Failure::Held(error.to_string()),
        other => Failure::Refused(other.to_string()),
    }
}
