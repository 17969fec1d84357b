//! The notification logs: whether they can be read, how old their newest line is, and whether it verifies for the job's path.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Finding, Level};
use crate::cli::load::{Case, shown};
use crate::edge::credentials::Credentials;
use crate::edge::notification_log::{self, Verifier};
use crate::edge::read;
use crate::model::operation::Task;
use crate::model::time::{Timestamp, after, elapsed, for_people, parse_instant};
use crate::plan::guard::counted;
use crate::reconcile::evidence::{Log, UnmatchedReason};
use crate::report::words::both::{Both, both};
use crate::report::words::rounded;

/// So much of the newest log is looked at, from its end.
const LOOKED_AT: u64 = 256 << 10;

/// A compressed log is read whole, and only if it is no larger than this.
const MOST_COMPRESSED: u64 = 16 << 20;

/// DOKU repeats what was not answered for about as long (`doku-api.md` 3.3); a log that is silent for longer may be dead.
const SILENCE: Duration = Duration::from_secs(24 * 3600);

/// So far apart the clocks of two machines may be, and nobody is told.
const CLOCKS_APART: Duration = Duration::from_secs(5 * 60);

/// No path of a Notification URL: what verifies with it is signed for the line's own path.
const NO_PATH: &str = "-";

pub(super) fn findings(case: &Case, keys: Option<&Credentials>, now: Timestamp) -> Vec<Finding> {
    let check = "notifications";
    if case.is_piped() {
        let found = both(
            "they come through standard input, which is not read now",
            "datang lewat standard input, yang sekarang tidak dibaca",
        );
        return vec![Finding::fine(check, found)];
    }
    let logs = match case.logs() {
        Ok(logs) => logs,
        Err(failure) => {
            let remedy = both("correct notifications.files", "perbaiki notifications.files");
            return vec![Finding::fault(check, Both::same(failure.to_string()), remedy)];
        }
    };
    let needs = case.job.guards.as_ref().is_some_and(|guards| guards.require_paid) || case.job.task == Task::Audit;
    let Some(newest) = newest(&logs) else {
        let named = case.job.notifications.files.join(", ");
        return vec![match (named.is_empty(), needs) {
            (true, false) => Finding::fine(check, both("the job names no log", "job ini tidak menyebut log")),
            (true, true) => Finding::warning(
                check,
                both(
                    "the job names no log, and so nothing is proved to be paid",
                    "job ini tidak menyebut log, jadi tidak ada yang terbukti lunas",
                ),
                both("name it under notifications.files", "sebutkan di notifications.files"),
            ),
            (false, _) => Finding::warning(
                check,
                both(format!("no file matches {named}"), format!("tidak ada berkas yang cocok dengan {named}")),
                both(
                    "check the pattern, and whether the listener writes there",
                    "periksa polanya, dan apakah listener menulis ke sana",
                ),
            ),
        }];
    };
    for log in &logs {
        if let Err(error) = read::open(log) {
            let remedy = both(
                "let the user of this program read it; paths are relative to the job file",
                "beri pengguna program ini izin membacanya; path dihitung dari berkas job",
            );
            let why = crate::cli::unreadable::unreadable(&shown(log), &error).to_string();
            return vec![Finding::fault(check, Both::same(why.lines().next().unwrap_or_default()), remedy)];
        }
    }
    let name = shown(newest);
    let lines = match last_lines(newest) {
        Ok(Some(lines)) => lines,
        Ok(None) => {
            let found = both(
                format!("{name}: compressed and large; not looked into"),
                format!("{name}: terkompresi dan besar; tidak dilihat isinya"),
            );
            return vec![Finding::fine(check, found)];
        }
        Err(error) => {
            let remedy = both("it is damaged: copy it again", "berkasnya rusak: salin ulang");
            return vec![Finding::fault(check, Both::same(format!("{name}: {error}")), remedy)];
        }
    };
    let Some(keys) = keys else {
        return vec![Finding::warning(
            check,
            both(
                format!("{name}: readable; without keys nothing can be verified"),
                format!("{name}: terbaca; tanpa kunci tidak ada yang dapat diverifikasi"),
            ),
            both("see credentials", "lihat kredensial"),
        )];
    };
    let verified = |path: &str| {
        let signers = keys.signers();
        let fields = case.job.notifications.fields.as_ref();
        let verifier = Verifier { signers: &signers, client_id: &keys.client_id, path, fields };
        notification_log::read_lines(&name, &lines, &verifier)
    };
    let path = case.job.notifications.path.as_str();
    let log = verified(path);
    let mut findings = vec![age(&name, &log, logs.len(), now)];
    findings.extend(proof(case, &log, || verified(NO_PATH), &own_paths(case, &lines)));
    findings
}

fn newest(logs: &[PathBuf]) -> Option<&PathBuf> {
    logs.iter().max_by_key(|path| (path.metadata().and_then(|file| file.modified()).ok(), *path))
}

/// The last lines of a log; `None` if that would take long.
fn last_lines(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let is_compressed = path.extension().is_some_and(|end| end == "gz" || end == "zst");
    if !is_compressed {
        return read::last_lines(path, LOOKED_AT).map(Some);
    }
    if path.metadata()?.len() > MOST_COMPRESSED {
        return Ok(None);
    }
    read::bytes(path).map(Some).map_err(std::io::Error::other)
}

fn age(name: &str, log: &Log, files: usize, now: Timestamp) -> Finding {
    let heard = log.heard.iter().filter_map(|line| line.received_at);
    let newest = heard.chain(log.unmatched.iter().filter_map(|line| parse_instant(&line.received_at))).max();
    let (check, count, files) = ("notifications", files, counted(files as u64, "log"));
    match newest {
        None => Finding::warning(
            check,
            both(
                format!("{files}; {name} has no line that says when it came"),
                format!("{count} log; {name} tidak punya baris yang menyebut kapan diterima"),
            ),
            both("check whether the listener writes there", "periksa apakah listener menulis ke sana"),
        ),
        Some(at) if at > after(now, CLOCKS_APART) => Finding::warning(
            check,
            both(
                format!("{files}; the newest line, in {name}, is dated in the future: {}", for_people(at)),
                format!("{count} log; baris terbaru, di {name}, bertanggal di masa depan: {}", for_people(at)),
            ),
            both(
                "set the clock of the machine on which the listener runs: it is ahead of this one",
                "setel jam mesin tempat listener berjalan: jam itu mendahului mesin ini",
            ),
        ),
        Some(at) => {
            let old = elapsed(at, now);
            let found = both(
                format!("{files}; the newest line, in {name}, is {} old", rounded(old, ["m", "h", "d"])),
                format!("{count} log; baris terbaru, di {name}, berumur {}", rounded(old, [" menit", " jam", " hari"])),
            );
            if old > SILENCE {
                let remedy = both(
                    "check whether the listener runs, and whether DOKU knows its URL",
                    "periksa apakah listener berjalan, dan apakah DOKU tahu URL-nya",
                );
                Finding::warning(check, found, remedy)
            } else {
                Finding::fine(check, found)
            }
        }
    }
}

/// Whether the newest lines verify, and if not, whether the path is to blame.
fn proof(case: &Case, log: &Log, by_own_path: impl FnOnce() -> Log, own: &[String]) -> Option<Finding> {
    let check = "notification path";
    let path = &case.job.notifications.path;
    let count = |reason: UnmatchedReason| log.unmatched.iter().filter(|line| line.reason == reason).count() as u64;
    let (good, forged) = (log.heard.len() as u64, count(UnmatchedReason::InvalidSignature));
    let unproved = forged + count(UnmatchedReason::Unverifiable) + count(UnmatchedReason::Malformed);
    let others: Vec<&str> = own.iter().map(String::as_str).filter(|own| own != path).collect();
    if good + unproved == 0 {
        return None;
    }
    if good > 0 && !others.is_empty() && !own.contains(path) && by_own_path().heard.len() as u64 == good {
        let (signed, right) = (others.join(", "), others[0]);
        let found = both(
            format!("DOKU signs for {signed}, and the job says {path}; the lines verify because each names its own"),
            format!(
                "DOKU menandatangani untuk {signed}, sedangkan job menyebut {path}; barisnya sah karena menyebut path sendiri"
            ),
        );
        let remedy = both(format!("write notifications.path: {right}"), format!("tulis notifications.path: {right}"));
        return Some(Finding::warning(check, found, remedy));
    }
    if good > 0 {
        let all = good + unproved;
        let found = both(
            format!("{good} of the {all} newest lines verify for {path}"),
            format!("{good} dari {all} baris terbaru sah untuk {path}"),
        );
        return Some(if unproved == 0 {
            Finding::fine(check, found)
        } else {
            Finding::warning(
                check,
                found,
                both(
                    "after a change of keys list the older key under merchant.secret_key; else somebody else writes there",
                    "setelah ganti kunci, daftarkan kunci lama di merchant.secret_key; kalau tidak, ada pihak lain yang menulis di \
                     sana",
                ),
            )
        });
    }
    let level = if case.refuses_paid() { Level::Fault } else { Level::Warning };
    let found = both(
        format!(
            "none of the {unproved} newest lines verifies: the key is another one, or {path} is not what DOKU signs"
        ),
        format!(
            "tidak satu pun dari {unproved} baris terbaru sah: kuncinya lain, atau bukan {path} yang ditandatangani DOKU"
        ),
    );
    let remedy = both(
        "compare notifications.path with the Notification URL in DOKU's Back Office, and merchant.secret_key with its key",
        "bandingkan notifications.path dengan Notification URL di Back Office DOKU, dan merchant.secret_key dengan kuncinya",
    );
    Some(Finding { check, level, found, remedy: Some(remedy) })
}

/// The paths that the lines name, without queries, each once.
fn own_paths(case: &Case, lines: &[u8]) -> Vec<String> {
    let key = case.job.notifications.fields.as_ref().map_or("path", |fields| fields.path.as_str());
    let own = lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = serde_json::from_slice::<serde_json::Value>(line).ok()?;
        let value = key.split('.').try_fold(&line, |value, part| value.get(part))?;
        Some(value.as_str()?.split('?').next()?.to_owned())
    });
    let mut own: Vec<String> = own.filter(|path| !path.is_empty()).collect();
    own.sort();
    own.dedup();
    own
}
