//! `rekon journal check|backup|copy|migrate|accept`: looking after the journal.

use std::path::Path;

use super::args::{Common, JournalCommand};
use super::busy::{Busy, with};
use super::exit::{DONE, Failure, LOOK};
use super::load::{location, named, shown};
use super::open::{Place, absent, accept, failure, is_there, to_examine, to_read};
use super::screen::{Screen, Tone};
use crate::doku::sign::Signer;
use crate::journal::check::Checked;
use crate::journal::moving;
use crate::journal::postgres::PostgresJournal;
use crate::journal::postgres::migrate::Migrated;
use crate::journal::store::{Location, Store};
use crate::model::fault::printable;
use crate::plan::guard::counted;
use crate::report::words::both::{Both, both};

/// `rekon journal ...`.
pub(super) async fn journal(command: &JournalCommand, common: &Common, screen: Screen) -> Result<u8, Failure> {
    match command {
        JournalCommand::Check { job, head } => {
            let Place { location, case, .. } = Place::of(job.as_deref(), common)?;
            let screen = case.as_ref().map_or(screen, |case| screen.speaking(case.language));
            // Without keys the chain alone is checked.
            let signers = case.and_then(|case| case.credentials().ok()).map(|keys| keys.signers());
            check(&to_examine(&location).await?, &named(&location), head.as_deref(), signers.as_deref(), screen).await
        }
        JournalCommand::Backup { file, job } => {
            let Place { location, .. } = Place::of(job.as_deref(), common)?;
            let journal = to_read(&location, screen).await?;
            let busy = Busy::with(
                screen,
                both("copying the journal, and checking the copy", "menyalin jurnal, dan memeriksa salinannya"),
            );
            let checked = journal.backup(file).map_err(failure)?;
            drop(busy);
            let (file, Both { english, indonesian }) = (printable(&shown(file)), contents(&checked));
            let text = both(format!("{file}: {english}, checked"), format!("{file}: {indonesian}, sudah diperiksa"));
            screen.say(screen.told(&text));
            screen.document(document(&checked, DONE).to_string().as_bytes());
            Ok(DONE)
        }
        JournalCommand::Copy { from, to } => copy(from, to, screen).await,
        JournalCommand::Migrate { url } => migrate(url, screen).await,
        JournalCommand::Accept { reason, job } => {
            let Place { location, .. } = Place::of(job.as_deref(), common)?;
            if !is_there(&location).await? {
                return Err(absent(&location));
            }
            if reason.trim().is_empty() {
                return Err(Failure::Refused("--reason must say why".to_owned()));
            }
            accept(&location, reason.trim(), screen).await.map(|()| DONE)
        }
    }
}

/// A journal that is named on the command line.
fn meant(named: &str) -> Result<Location, Failure> {
    location(named, Path::new("")).map_err(Failure::Refused)
}

/// Holds the journal while it is copied, so that nothing is written that the copy would lack.
async fn copy(from: &str, to: &str, screen: Screen) -> Result<u8, Failure> {
    let (from, to) = (meant(from)?, meant(to)?);
    if !is_there(&from).await? {
        return Err(absent(&from));
    }
    let journal = Store::open(&from).await.map_err(failure)?;
    let checked = moving::copy(&journal, &to).await.map_err(failure)?;
    let (new, old, head) = (printable(&named(&to)), printable(&named(&from)), checked.head());
    let Both { english, indonesian } = contents(&checked);
    let text = both(
        format!(
            "{new}: {english}, the same as in {old}\nhead {head}\nwhat is written into the old one from now on is not in the new \
             one: name the new one in every job, on every host"
        ),
        format!(
            "{new}: {indonesian}, sama seperti di {old}\nhead {head}\nyang ditulis ke jurnal lama mulai sekarang tidak ada di \
             jurnal baru: sebutkan jurnal baru di setiap job, di setiap host"
        ),
    );
    screen.say(screen.told(&text));
    screen.document(document(&checked, DONE).to_string().as_bytes());
    Ok(DONE)
}

async fn migrate(url: &str, screen: Screen) -> Result<u8, Failure> {
    let Location::Server { address, .. } = meant(url)? else {
        return Err(Failure::Refused(format!("{}: is a file; name a database", printable(url))));
    };
    let migrated = PostgresJournal::migrate(&address).await.map_err(failure)?;
    let (what, from) = match migrated {
        Migrated::Made => (both("its tables were made", "tabelnya sudah dibuat"), None),
        Migrated::CarriedOver { from, to } => {
            let english = format!("its tables were carried over from version {from} to version {to}");
            (both(english, format!("tabelnya sudah dibawa dari versi {from} ke versi {to}")), Some(from))
        }
        Migrated::Present => (both("its tables are there already", "tabelnya sudah ada"), None),
    };
    let role = address.runner_role().map(|role| {
        let role = printable(role);
        both(format!("; {role} may run jobs"), format!("; {role} boleh menjalankan job"))
    });
    let role = role.as_ref().map_or("", |role| screen.told(role));
    screen.say(&format!("{address}: {}{role}", screen.told(&what)));
    let made = migrated == Migrated::Made;
    let document = serde_json::json!({ "version": 1, "made": made, "carried_over_from": from, "exit_code": DONE });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

async fn check(
    journal: &Store,
    path: &str,
    head: Option<&str>,
    signers: Option<&[Signer]>,
    screen: Screen,
) -> Result<u8, Failure> {
    let busy = Busy::with(screen, with::journal());
    let mut checked = journal.check().await.map_err(failure)?;
    if let Some(loss) = journal.loss() {
        checked.flaws.push(format!("{loss}: it was restored from an old copy, or made anew"));
    }
    let proved = match signers {
        Some(signers) => Some(prove(journal, signers, &mut checked).await?),
        None => None,
    };
    if let Some(head) = head
        && !journal.holds(head).await.map_err(failure)?
    {
        checked.flaws.push(format!("the log does not hold the head {}: entries are missing", printable(head)));
    }
    drop(busy);
    let code = if checked.flaws.is_empty() { DONE } else { LOOK };
    screen.say(&format!("{}: {}\nhead {}", printable(path), screen.told(&contents(&checked)), checked.head()));
    if let Some(proved) = proved {
        let text = both(
            format!("{} verified again with the job's key", counted(proved, "signed answer")),
            format!("{proved} jawaban bertanda tangan diverifikasi lagi dengan kunci job ini"),
        );
        screen.say(screen.told(&text));
    }
    for flaw in &checked.flaws {
        screen.say(&screen.tone(Tone::Bad, &printable(flaw)));
    }
    let (tone, text) = match code {
        DONE => (
            Tone::Good,
            both(
                "whole: every entry follows from the one before, and everything else from them",
                "utuh: setiap catatan berlanjut dari catatan sebelumnya, dan isi jurnal sesuai dengan semua catatan itu",
            ),
        ),
        _ => (
            Tone::Bad,
            both(
                "not what its last writer left: put the newer journal or a backup back, and compare with DOKU's Back Office",
                "tidak seperti yang terakhir ditulis: pasang kembali jurnal yang lebih baru atau cadangannya, lalu bandingkan \
                 dengan Back Office DOKU",
            ),
        ),
    };
    screen.say(&screen.tone(tone, screen.told(&text)));
    screen.document(document(&checked, code).to_string().as_bytes());
    Ok(code)
}

/// Reads every kept answer again, as if it had just come; returns how many still prove what was concluded.
async fn prove(journal: &Store, signers: &[Signer], checked: &mut Checked) -> Result<u64, Failure> {
    let (mut proved, mut unproved) = (0, Vec::new());
    let read = journal.proofs(|proof| {
        if signers.iter().any(|signer| proof.holds(signer)) {
            proved += 1;
        } else {
            unproved.push(proof.item.identity.invoice.to_string());
        }
    });
    read.await.map_err(failure)?;
    if let Some(first) = unproved.first() {
        checked.flaws.push(format!(
            "{}, the first about {first}, cannot be verified with the job's key: it was changed, or the answers were",
            counted(unproved.len() as u64, "answer")
        ));
    }
    Ok(proved)
}

fn contents(checked: &Checked) -> Both {
    let (items, runs) = (counted(checked.items, "item"), counted(checked.runs, "run"));
    let entries = checked.entries();
    both(
        format!("{entries} entries in the log, {items}, {runs}"),
        format!("{entries} catatan, {} item, {} proses", checked.items, checked.runs),
    )
}

fn document(checked: &Checked, code: u8) -> serde_json::Value {
    serde_json::json!({
        "version": 1, "entries": checked.entries(), "items": checked.items, "runs": checked.runs,
        "head": checked.head(), "flaws": checked.flaws, "exit_code": code,
    })
}
