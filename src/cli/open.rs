//! Opening the journal for a command that writes: who holds it, whether its clock and its entries are what they were.

use std::path::Path;
use std::time::Duration;

use super::args::Common;
use super::busy::{Busy, with};
use super::exit::Failure;
use super::load::{self, Case, Loosening};
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::job::settings::{DEFAULT_JOURNAL, Retries};
use crate::journal::record::Acceptance;
use crate::journal::store::{Location, Store};
use crate::journal::{Journal as _, JournalError, Loss};
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::model::time::{CORRECTION, Timestamp, elapsed, wire};
use crate::report::words::both::{self, Both, Told as _, both, lost};
use crate::report::words::speech::Again;
use crate::runner::clock::Clock as _;

/// Opens the journal of a run, or of a person's ruling. A clock that went back is refused; so is the loss of entries
/// that may be older than the horizon. A younger loss is noted: every key is derived, and DOKU remembers it.
pub(super) async fn open(
    location: &Location,
    horizon: Duration,
    now: Timestamp,
    screen: Screen,
) -> Result<Store, Failure> {
    let busy = Busy::with(screen, with::journal());
    let (journal, loss) = open_at(location, horizon, now).await?;
    drop(busy);
    if let Some(loss) = loss {
        let shown = printable(&load::named(location));
        let Both { english, indonesian } = lost(&loss);
        screen.warn(&both(
            format!(
                "{shown}: {english}: the journal was restored from an old copy, or made anew; every request keeps its key, so \
                 what was sent already is answered with its first outcome"
            ),
            format!(
                "{shown}: {indonesian}: jurnal dipulihkan dari salinan lama, atau dibuat baru; setiap permintaan tetap memakai \
                 kuncinya, jadi yang sudah pernah dikirim dijawab dengan hasil pertamanya"
            ),
        ));
    }
    Ok(journal)
}

/// The same without a word; says what was lost and noted.
pub(super) async fn open_at(
    location: &Location,
    horizon: Duration,
    now: Timestamp,
) -> Result<(Store, Option<Loss>), Failure> {
    let journal = Store::open(location).await.map_err(failure)?;
    let shown = printable(&load::named(location));
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
    let loss = journal.loss();
    if let Some(loss) = loss {
        refuse_old_loss(&shown, &loss.to_string(), loss.since, horizon, now)?;
        let acceptance = Acceptance { found: loss.to_string(), lost_since: Some(loss.since), reason: String::new() };
        journal.accept(acceptance, now).await.map_err(failure)?;
    }
    // A loss that was young enough once gets old.
    if let Some(since) = journal.lost_since().await.map_err(failure)? {
        refuse_old_loss(&shown, &format!("entries since {} are missing", wire(since)), since, horizon, now)?;
    }
    Ok((journal, loss))
}

fn refuse_old_loss(
    shown: &str,
    found: &str,
    since: Timestamp,
    horizon: Duration,
    now: Timestamp,
) -> Result<(), Failure> {
    // A loss since a time that is still to come was dated by a clock that was wrong.
    if elapsed(since, now) <= horizon && elapsed(now, since) <= CORRECTION {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "{shown}: {found}: the journal was restored from an old copy, or made anew; what it lacks may have been sent longer \
         ago than DOKU is known to remember\n  \
         hint: put the newer journal back; if it is lost for good, compare with DOKU's Back Office, and then \
         rekon journal accept --journal {shown} --reason TEXT"
    )))
}

/// `rekon journal accept`: goes on with a journal that `open` refuses.
pub(super) async fn accept(location: &Location, reason: &str, screen: Screen) -> Result<(), Failure> {
    let now = SystemClock.now();
    let journal = Store::open(location).await.map_err(failure)?;
    let head = journal.head().await.map_err(failure)?;
    let ahead = head.filter(|head| elapsed(now, head.at) > CORRECTION);
    let lost_since = match journal.loss() {
        Some(loss) => Some(loss.since),
        None => journal.lost_since().await.map_err(failure)?,
    };
    let found = match (journal.loss(), lost_since, ahead) {
        (Some(loss), ..) => loss.to_string(),
        (None, Some(since), _) => format!("entries since {} are missing", wire(since)),
        (None, None, Some(head)) => format!("the last entry is of {}, ahead of the clock", wire(head.at)),
        (None, None, None) => {
            return Err(Failure::Refused(format!("{}: there is nothing to accept", load::named(location))));
        }
    };
    let acceptance = Acceptance { found: found.clone(), lost_since, reason: reason.to_owned() };
    journal.accept(acceptance, now).await.map_err(failure)?;
    let look = format!("rekon show --journal {}", printable(&load::named(location)));
    let accepted = both(
        format!(
            "accepted, and written into the journal: {found}\n\
             what was unknown is for a person to rule now: {look}"
        ),
        format!(
            "diterima, dan dicatat di jurnal: {found}\n\
             yang tadinya belum pasti kini harus diputuskan orang: {look}"
        ),
    );
    screen.say(screen.told(&accepted));
    screen.document(serde_json::json!({ "version": 1, "accepted": found, "exit_code": 0 }).to_string().as_bytes());
    Ok(())
}

/// Where the journal of a command is, and whose it is.
pub(super) struct Place {
    pub(super) location: Location,
    /// The job's; the default where none is named.
    pub(super) horizon: Duration,
    /// The job, if it is named.
    pub(super) case: Option<Case>,
}

impl Place {
    /// The journal of the job that is named, else of `--journal`, else the one here.
    pub(super) fn of(job: Option<&Path>, common: &Common) -> Result<Self, Failure> {
        if let Some(job) = job {
            let case = load::case(job, common, SystemClock.now())?;
            return Ok(Self { location: case.journal.clone(), horizon: case.job.retries.horizon, case: Some(case) });
        }
        let named = common.journal.as_deref().unwrap_or(DEFAULT_JOURNAL);
        let location =
            load::location(named, Path::new("")).map_err(|why| Failure::Refused(format!("--journal {why}")))?;
        Ok(Self { location, horizon: Retries::default().horizon, case: None })
    }

    /// The job, if it is an audit.
    pub(super) fn audit(&self) -> Option<&Case> {
        self.case.as_ref().filter(|case| case.job.task == Task::Audit)
    }

    /// The flag that names the same journal again, to be typed.
    pub(super) fn flag(&self) -> String {
        match &self.case {
            Some(case) => format!("--job {}", printable(&case.file)),
            None => format!("--journal {}", printable(&load::named(&self.location))),
        }
    }
}

/// A journal that must be there, to look at; says if entries are missing.
pub(super) async fn to_read(location: &Location, screen: Screen) -> Result<Store, Failure> {
    let journal = Store::open_to_read(location).await.map_err(failure)?.ok_or_else(|| absent(location))?;
    warn_of_loss(location, &journal, screen);
    Ok(journal)
}

/// Says that what is looked at is not what the last writer left.
pub(super) fn warn_of_loss(location: &Location, journal: &Store, screen: Screen) {
    if let Some(loss) = journal.loss() {
        let shown = printable(&load::named(location));
        let Both { english, indonesian } = lost(&loss);
        screen.warn(&both(
            format!("{shown}: {english}: it was restored from an old copy, or made anew"),
            format!("{shown}: {indonesian}: dipulihkan dari salinan lama, atau dibuat baru"),
        ));
    }
}

/// A journal that must be there, to check it whatever it is like.
pub(super) async fn to_examine(location: &Location) -> Result<Store, Failure> {
    Store::open_to_examine(location).await.map_err(failure)?.ok_or_else(|| absent(location))
}

/// Whether there is a journal already.
pub(super) async fn is_there(location: &Location) -> Result<bool, Failure> {
    match location {
        Location::File(path) => Ok(path.exists()),
        Location::Server { .. } => Ok(Store::open_to_read(location).await.map_err(failure)?.is_some()),
    }
}

/// No journal where one was looked for.
pub(super) fn absent(location: &Location) -> Failure {
    let hint = match location {
        Location::File(_) => "name the job with --job, or the journal with --journal",
        Location::Server { .. } => "rekon journal migrate URL makes it, with the role that owns the database",
    };
    Failure::Refused(format!("{}: there is no journal here; {hint}", load::named(location)))
}

/// After something was done. A journal that is out of reach does not make the doubt that this program knows of any smaller.
pub(super) fn unread(case: &Case, error: &JournalError) -> Failure {
    if leaves_doubt(error, case.told.progress.in_doubt()) {
        in_doubt(case, error)
    } else {
        Failure::Journal(error.to_string())
    }
}

/// Whether money is in doubt behind a journal that cannot be read, of which this program knows so much.
fn leaves_doubt(error: &JournalError, known: Tally) -> bool {
    // Of these the server is at fault, or time: what the journal holds is whole.
    let is_elsewhere = matches!(
        error,
        JournalError::Away(_) | JournalError::KeptAside(_) | JournalError::Fenced | JournalError::Behind
    );
    known.count > 0 || !is_elsewhere
}

/// Requests have left, and the journal cannot say what became of them.
pub(super) fn in_doubt(case: &Case, error: &JournalError) -> Failure {
    Failure::InDoubt(format!("{error}\n{}", doubt(case)))
}

/// The money that this program knows to be in doubt, and what to type.
pub(super) fn doubt(case: &Case) -> String {
    let (words, tally) = (case.words(), case.told.progress.in_doubt());
    if tally.count == 0 {
        let may_be = both(
            "MONEY MAY BE IN DOUBT: requests have left, and the journal cannot be read; look with rekon journal check",
            "MUNGKIN ADA UANG YANG BELUM PASTI: permintaan sudah dikirim, tetapi jurnal tidak terbaca; periksa dengan rekon \
             journal check",
        );
        return format!("{}\n  {}", may_be.told(case.language), (words.which_ones)(&place(case)));
    }
    format!("{}\n  {}", (words.items_in_doubt)(tally), settling(case).told(case.language))
}

/// What to type while money is in doubt: how it is settled, and where it can be looked at.
pub(super) fn settling(case: &Case) -> Both {
    let (again, place) = (again(case), place(case));
    both::spoken(|words| format!("{}\n  {}", (words.settles)(Again::TheJob, &again), (words.which_ones)(&place)))
}

/// What to type after a stop.
pub(super) fn going_on(case: &Case) -> Both {
    let again = again(case);
    both::spoken(|words| (words.go_on)(Again::TheJob, &again))
}

/// The command that runs the job again; empty where there is no file of it.
fn again(case: &Case) -> String {
    if matches!(case.loosening, Loosening::NotOffered) { String::new() } else { case.command("run") }
}

fn place(case: &Case) -> String {
    format!("--journal {}", printable(&load::for_a_shell(&load::named(&case.journal))))
}

/// Before anything was done.
pub(super) fn failure(error: JournalError) -> Failure {
    let told = error.to_string();
    match error {
        JournalError::Held { path } => {
            let place = printable(&load::for_a_shell(&path));
            Failure::Held(format!("{told}\n  hint: see how far it is: rekon show --journal {place}"))
        }
        _ => Failure::Refused(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::listing::Unread;
    use crate::model::money::Rupiah;

    #[test]
    fn orders_that_cannot_be_read_again_are_no_fault_of_the_journal() {
        let unread = Unread { file: "orders.csv".into(), why: "the disk is gone".into() };
        let failure = failure(unread.into());
        assert_eq!(failure.code(), crate::cli::exit::REFUSED);
        assert_eq!(failure.to_string(), "orders.csv: its private copy cannot be read any more: the disk is gone");
    }

    #[test]
    fn a_journal_that_is_lost_behind_a_run_makes_no_doubt_smaller() {
        let (away, fenced) = (JournalError::Away("gone".into()), JournalError::Fenced);
        let torn = JournalError::Read("torn".into());
        let mut some = Tally::default();
        some.add(Rupiah::new(90_000));
        for (error, known, expected) in [
            (&away, Tally::default(), false),
            (&fenced, Tally::default(), false),
            (&torn, Tally::default(), true),
            (&away, some, true),
            (&fenced, some, true),
        ] {
            assert_eq!(leaves_doubt(error, known), expected, "{error}, {known:?}");
        }
    }
}
