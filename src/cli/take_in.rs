//! Takes in what came back for requests of an earlier run that could not write it: the shared journal was out of reach, or
//! others had taken over.
//!
//! It happens before anything else is done, and once more at the end: a journal that was put back may have lost the orders, and
//! knows them again when they were asked for with the same keys. Those that it still does not know are in doubt.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::exit::Failure;
use super::load::{Case, shown};
use super::open;
use super::screen::Screen;
use crate::journal::identity::Identity;
use crate::journal::postgres::emergency::{self, Waiting};
use crate::journal::store::{Location, Store};
use crate::journal::{Account, JournalError, Late, TakenIn};
use crate::model::fault::printable;
use crate::model::ids::RunId;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{Timestamp, after};
use crate::plan::Plan;
use crate::plan::guard::counted;
use crate::reconcile::aside::MOST_NAMED;
use crate::report::words::both::both;

/// Looks for such files beside the job, before anything else is done.
pub(super) async fn take_in(case: &Case, journal: &Store, screen: Screen) -> Result<Vec<Late>, Failure> {
    let mut unknown = Vec::new();
    for waiting in files(case).map_err(open::failure)? {
        match all(journal, &waiting, screen).await {
            Ok(missing) if missing.is_empty() => put_away(&waiting, screen).map_err(open::failure)?,
            Ok(missing) => {
                let (file, count) = (name(&waiting.path), missing.len() as u64);
                let orders = named(missing.iter().map(Late::order));
                let answers = counted(count, "answer");
                screen.warn(&both(
                    format!(
                        "{file}: {answers} that an earlier run could not write, to orders of which this journal does not know \
                         what was sent ({orders}): it was put back, or the file is another journal's; the file waits until they \
                         were asked for again, with the same keys"
                    ),
                    format!(
                        "{file}: {count} jawaban yang tidak sempat ditulis proses sebelumnya, untuk pesanan yang pengirimannya \
                         tidak ada di jurnal ini ({orders}): jurnal ini pernah dipulihkan, atau berkas itu milik jurnal lain; \
                         berkas menunggu sampai pesanan itu ditanyakan lagi dengan kunci yang sama"
                    ),
                ));
                unknown.extend(missing);
            }
            Err(error) => return Err(open::failure(error)),
        }
    }
    Ok(unknown)
}

/// Holds what a plan would send against what has left before and is not in the journal: since when the oldest of these keys are
/// in use, if any is.
///
/// # Errors
/// DOKU may have forgotten one of them: to send it again could have its effect twice.
pub(super) fn refuse_old_keys(
    (case, account): (&Case, &Account),
    plan: &Plan,
    unknown: &[Late],
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let mut since: HashMap<&str, Option<Timestamp>> = HashMap::new();
    for late in unknown {
        let first = late.first_sent_at();
        // None comes first: of what does not say when it left nobody knows how old it is.
        since.entry(late.request_id()).and_modify(|known| *known = first.min(*known)).or_insert(first);
    }
    if since.is_empty() {
        return Ok(None);
    }
    let (mut oldest, mut too_old) = (None, BTreeSet::new());
    for ready in plan.to_send() {
        let ready = ready?;
        let invoice = ready.order.invoice_number;
        let identity = Identity { account: account.clone(), invoice, generation: ready.generation };
        let Some(first) = since.get(identity.request_id().as_str()) else { continue };
        match first.filter(|first| now < after(*first, case.job.retries.horizon)) {
            Some(first) => oldest = Some(oldest.map_or(first, |known: Timestamp| known.min(first))),
            None => {
                too_old.insert(identity.invoice.to_string());
            }
        }
    }
    if too_old.is_empty() {
        return Ok(oldest);
    }
    Err(Failure::Refused(printable(&format!(
        "{}: a file of answers beside the job tells of requests for {} that this journal does not know, and that are older than \
         retries.horizon, or do not say how old they are: sent again they could have their effect twice; take these orders out of the \
         input, compare them with DOKU's Back Office, and move the file away",
        case.file,
        named(too_old.iter().map(String::as_str)),
    ))))
}

/// The same at the end: how much of the job is in doubt because the journal does not know of it.
pub(super) async fn take_in_what_is_left(case: &Case, journal: &Store, screen: Screen) -> Tally {
    let mut in_doubt: BTreeMap<String, Rupiah> = BTreeMap::new();
    for waiting in files(case).unwrap_or_default() {
        match all(journal, &waiting, screen).await {
            Ok(missing) if missing.is_empty() => {
                if let Err(error) = put_away(&waiting, screen) {
                    screen.warn(&error.to_string());
                }
            }
            Ok(missing) => {
                let (file, orders) = (name(&waiting.path), named(missing.iter().map(Late::order)));
                let run = case.command("run");
                screen.warn(&both(
                    format!(
                        "{file}: MONEY IN DOUBT: answers to orders of which this journal does not know what was sent, and which \
                         this command has not asked for: {orders}\n  \
                         put them into the orders of the job again, inside its horizon: {run}\n  \
                         later, compare with DOKU's Back Office, and move the file away"
                    ),
                    format!(
                        "{file}: ADA UANG YANG BELUM PASTI: jawaban untuk pesanan yang pengirimannya tidak ada di jurnal, dan yang \
                         tidak ditanyakan perintah ini: {orders}\n  \
                         masukkan lagi ke pesanan job ini selama masih dalam horizon: {run}\n  \
                         sesudah itu, bandingkan dengan Back Office DOKU, lalu pindahkan berkasnya"
                    ),
                ));
                let own = missing.iter().filter(|late| late.may_be_of(case.job.name.as_str()));
                in_doubt.extend(own.map(|late| (late.request_id().to_owned(), late.amount())));
            }
            Err(_) => tell_that_it_waits(&waiting.path, screen),
        }
    }
    let mut tally = Tally::default();
    in_doubt.into_values().for_each(|amount| tally.add(amount));
    tally
}

/// Where that is which a run could not write: whoever runs the job elsewhere next has to carry it there.
pub(super) fn tell_what_waits(case: &Case, run: &RunId, screen: Screen) {
    let files = files(case).unwrap_or_default();
    let own = files.iter().filter(|waiting| name(&waiting.path).contains(run.as_str()));
    own.for_each(|waiting| tell_that_it_waits(&waiting.path, screen));
}

fn tell_that_it_waits(path: &Path, screen: Screen) {
    let file = name(path);
    screen.warn(&both(
        format!(
            "{file}: holds what came back and could not be written; the next run of the job on this host takes it in"
        ),
        format!("{file}: berisi jawaban yang tidak sempat ditulis; proses berikutnya di host ini akan mencatatnya"),
    ));
}

fn files(case: &Case) -> Result<Vec<Waiting>, JournalError> {
    match &case.journal {
        Location::Server { beside, .. } => emergency::waiting(beside),
        Location::File(_) => Ok(Vec::new()),
    }
}

fn name(path: &Path) -> String {
    printable(&shown(path))
}

/// The first of these orders, and how many more there are.
fn named<'a>(orders: impl Iterator<Item = &'a str>) -> String {
    let mut orders: Vec<&str> = orders.collect();
    orders.sort_unstable();
    orders.dedup();
    let more = orders.len().saturating_sub(MOST_NAMED);
    orders.truncate(MOST_NAMED);
    let more = if more > 0 { format!(", +{more}") } else { String::new() };
    printable(&format!("{}{more}", orders.join(", ")))
}

fn put_away(waiting: &Waiting, screen: Screen) -> Result<(), JournalError> {
    if waiting.is_cut {
        let file = name(&waiting.path);
        screen.warn(&both(
            format!("{file}: its last line is cut off; its request is settled like any other without an answer"),
            format!(
                "{file}: baris terakhirnya terpotong; permintaannya dipastikan seperti yang lain yang tanpa jawaban"
            ),
        ));
    }
    let taken = emergency::put_away(&waiting.path)?;
    let (file, count, now) = (name(&waiting.path), waiting.outcomes.len() as u64, name(&taken));
    let answers = counted(count, "answer");
    screen.warn(&both(
        format!("{file}: {answers} that an earlier run could not write: taken in; the file is {now} now"),
        format!(
            "{file}: {count} jawaban yang tidak sempat ditulis proses sebelumnya: sudah dicatat; berkasnya kini {now}"
        ),
    ));
    Ok(())
}

/// Takes all of a file in, but for what is returned: the journal does not know the orders of these.
async fn all(journal: &Store, waiting: &Waiting, screen: Screen) -> Result<Vec<Late>, JournalError> {
    let mut missing = Vec::new();
    for late in &waiting.outcomes {
        let told = late.told();
        match journal.take_in(late.clone()).await? {
            TakenIn::Became(_) | TakenIn::Known(_) => {}
            TakenIn::TooLate(state) => screen.warn(&both(
                format!("{told}: its item is {state} meanwhile, which a person decides about: compare with DOKU's Back Office"),
                format!("{told}: status itemnya kini {state}, dan itu perlu keputusan orang: bandingkan dengan Back Office DOKU"),
            )),
            // Nothing was done for it, as if it had never been sent.
            TakenIn::Missing | TakenIn::Strange if !late.may_have_moved_money() => {}
            // Lost, or of another journal: whichever it is, money may have moved that is not known here.
            TakenIn::Missing | TakenIn::Strange => missing.push(late.clone()),
        }
    }
    Ok(missing)
}
