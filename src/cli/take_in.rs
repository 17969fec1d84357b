//! Takes in what came back for requests of an earlier run that could not write it: the shared journal was out of reach, or
//! others had taken over.

use super::exit::Failure;
use super::load::shown;
use super::open;
use super::screen::Screen;
use crate::journal::postgres::emergency;
use crate::journal::store::{Location, Store};
use crate::journal::{JournalError, Late, TakenIn};
use crate::model::fault::printable;
use crate::plan::guard::counted;
use crate::report::words::both::both;

/// Looks for such files beside the job, before anything else is done.
pub(super) async fn take_in(location: &Location, journal: &Store, screen: Screen) -> Result<(), Failure> {
    let Location::Server { beside, .. } = location else { return Ok(()) };
    for mut waiting in emergency::waiting(beside).map_err(open::failure)? {
        let (path, outcomes) = (waiting.path.clone(), std::mem::take(&mut waiting.outcomes));
        let (count, file) = (outcomes.len() as u64, printable(&shown(&path)));
        match all(journal, outcomes, screen).await {
            Ok(()) => {
                let taken = emergency::put_away(&path).map_err(open::failure)?;
                let (answers, now) = (counted(count, "answer"), printable(&shown(&taken)));
                screen.warn(&both(
                    format!("{file}: {answers} that an earlier run could not write: taken in; the file is {now} now"),
                    format!("{file}: {count} jawaban yang tidak sempat ditulis proses sebelumnya: sudah dicatat; berkasnya kini {now}"),
                ));
            }
            // Of another journal, or not to be read: nothing is known of it here, and it stays.
            Err(JournalError::Write(why)) => {
                screen.warn(&both(format!("{file}: not taken in: {why}"), format!("{file}: tidak dicatat: {why}")));
            }
            Err(error) => return Err(open::failure(error)),
        }
    }
    Ok(())
}

async fn all(journal: &Store, outcomes: Vec<Late>, screen: Screen) -> Result<(), JournalError> {
    for late in outcomes {
        let told = late.told();
        match journal.take_in(late).await? {
            TakenIn::Became(_) | TakenIn::Known(_) => {}
            TakenIn::TooLate(state) => screen.warn(&both(
                format!("{told}: its item is {state} meanwhile, which a person decides about: compare with DOKU's Back Office"),
                format!("{told}: status itemnya kini {state}, dan itu perlu keputusan orang: bandingkan dengan Back Office DOKU"),
            )),
        }
    }
    Ok(())
}
