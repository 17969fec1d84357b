//! `rekon journal check|backup|accept`: looking after the journal.

use super::args::{Common, JournalCommand};
use super::exit::{DONE, Failure, LOOK};
use super::load::shown;
use super::open::{absent, accept, failure, place, to_examine, to_read};
use super::screen::{Screen, Tone};
use crate::journal::sqlite::{Checked, SqliteJournal};
use crate::model::fault::printable;

/// `rekon journal ...`.
pub(super) async fn journal(command: &JournalCommand, common: &Common, screen: Screen) -> Result<u8, Failure> {
    match command {
        JournalCommand::Check { job, head } => {
            let (path, _) = place(job.as_deref(), common)?;
            check(&to_examine(&path)?, &shown(&path), head.as_deref(), screen)
        }
        JournalCommand::Backup { file, job } => {
            let (path, _) = place(job.as_deref(), common)?;
            let checked = to_read(&path)?.backup(file).map_err(failure)?;
            screen.say(&format!("{}: {}, checked", printable(&shown(file)), contents(&checked)));
            screen.document(document(&checked, DONE).to_string().as_bytes());
            Ok(DONE)
        }
        JournalCommand::Accept { reason, job } => {
            let (path, _) = place(job.as_deref(), common)?;
            if !path.exists() {
                return Err(absent(&path));
            }
            if reason.trim().is_empty() {
                return Err(Failure::Refused("--reason must say why".to_owned()));
            }
            accept(&path, reason.trim(), screen).await.map(|()| DONE)
        }
    }
}

fn check(journal: &SqliteJournal, path: &str, head: Option<&str>, screen: Screen) -> Result<u8, Failure> {
    let mut checked = journal.check().map_err(failure)?;
    if let Some(head) = head
        && !journal.holds(head).map_err(failure)?
    {
        checked.flaws.push(format!("the log does not hold the head {}: entries are missing", printable(head)));
    }
    let code = if checked.flaws.is_empty() { DONE } else { LOOK };
    screen.say(&format!("{}: {}\nhead {}", printable(path), contents(&checked), checked.head()));
    for flaw in &checked.flaws {
        screen.say(&screen.tone(Tone::Bad, &printable(flaw)));
    }
    screen.say(&match code {
        DONE => {
            screen.tone(Tone::Good, "whole: every entry follows from the one before, and everything else from them")
        }
        _ => screen.tone(Tone::Bad, "damaged, or changed by hand: put back a backup, and run the job again"),
    });
    screen.document(document(&checked, code).to_string().as_bytes());
    Ok(code)
}

fn contents(checked: &Checked) -> String {
    format!("{} entries, {} items, {} runs", checked.entries(), checked.items, checked.runs)
}

fn document(checked: &Checked, code: u8) -> serde_json::Value {
    serde_json::json!({
        "version": 1, "entries": checked.entries(), "items": checked.items, "runs": checked.runs,
        "head": checked.head(), "flaws": checked.flaws, "exit_code": code,
    })
}
