//! `rekon doctor [JOB...]`: whether a run could start here and now, check by check; sends nothing that changes money.

mod logs;
mod machine;
mod places;
mod provider;

use std::path::{Path, PathBuf};

use super::args::{Common, DoctorArgs};
use super::exit::{DONE, Failure, REFUSED};
use super::load::{self, Case};
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::edge::credentials;
use crate::model::fault::{Fault, printable};
use crate::plan::guard::counted;
use crate::report::table;
use crate::runner::clock::Clock as _;

/// What one check found.
struct Finding {
    check: &'static str,
    level: Level,
    /// In a line.
    found: String,
    /// What to do; only what is fine needs nothing.
    remedy: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// As it should be.
    Fine,
    /// A run starts, but not as it should.
    Warning,
    /// A run does not start, or every call of it is refused.
    Fault,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

impl Finding {
    fn fine(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Fine, found: found.into(), remedy: None }
    }

    fn warning(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn fault(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Fault, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at this machine, and at every job that is named.
pub(super) async fn doctor(args: &DoctorArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    load::date(common, SystemClock.now())?;
    let mut groups = vec![(None, machine::findings())];
    for job in &args.jobs {
        groups.push((Some(job), of_job(job, args.offline, common).await));
    }
    let findings = || groups.iter().flat_map(|(_, findings)| findings);
    let worst = findings().map(|finding| finding.level).max().unwrap_or(Level::Fine);
    let code = if worst == Level::Fault { REFUSED } else { DONE };
    for (job, findings) in &groups {
        show(job.map(PathBuf::as_path), findings, screen);
    }
    let count = |level: Level| findings().filter(|finding| finding.level == level).count() as u64;
    let (faults, warnings) = (counted(count(Level::Fault), "fault"), counted(count(Level::Warning), "warning"));
    screen.say(&match worst {
        Level::Fault => {
            screen.tone(Tone::Bad, &format!("{faults}, {warnings}: a run would not start, or get nothing done"))
        }
        Level::Warning => screen.tone(Tone::Title, &format!("{warnings}: a run would start")),
        Level::Fine => screen.tone(Tone::Good, "all is well"),
    });
    screen.document(document(&groups, code).to_string().as_bytes());
    Ok(code)
}

async fn of_job(path: &Path, offline: bool, common: &Common) -> Vec<Finding> {
    let now = SystemClock.now();
    let case = match load::case(path, common, now) {
        Ok(case) => case,
        Err(failure) => return vec![not_a_job(path, &failure)],
    };
    let keys = case.credentials();
    let mut findings = vec![Finding::fine(
        "job",
        format!("{} · {} · {}", case.job.name, case.job.task, case.job.merchant.environment),
    )];
    findings.extend(self::keys(&case, keys.as_ref().err()));
    findings.extend(ping(&case));
    findings.extend(machine::open_files(&case));
    findings.extend(places::orders(&case));
    findings.extend(places::findings(&case, now).await);
    findings.extend(logs::findings(&case, keys.as_ref().ok(), now));
    findings.extend(provider::findings(&case, offline).await);
    findings
}

fn not_a_job(path: &Path, failure: &Failure) -> Finding {
    let (found, count) = match failure {
        Failure::Faults(faults) => (
            faults.first().map(|fault| format!("{}: {}", fault.place, fault.message)).unwrap_or_default(),
            faults.len().saturating_sub(1),
        ),
        other => (other.to_string(), 0),
    };
    let more = if count == 0 { String::new() } else { format!(" (and {count} more)") };
    Finding::fault("job", format!("{found}{more}"), format!("rekon check {} lists everything", load::shown(path)))
}

/// Whether the keys are there. Their values are nowhere in what is printed.
fn keys(case: &Case, missing: Option<&Failure>) -> Vec<Finding> {
    let check = "credentials";
    let merchant = &case.job.merchant;
    let one = |fault: &Fault| Finding::fault(check, &fault.message, fault.hint.clone().unwrap_or_default());
    match missing {
        Some(Failure::Faults(faults)) => faults.iter().map(one).collect(),
        Some(other) => vec![Finding::fault(check, other.to_string(), "name where the keys are: env:NAME or file:PATH")],
        None if merchant.client_id.is_none() && merchant.secret_keys.is_empty() => {
            vec![Finding::fine(check, "the simulator's own")]
        }
        None => {
            let count = counted(merchant.secret_keys.len() as u64, "secret key");
            vec![Finding::fine(check, format!("the client id and {count} are there; their values are not shown"))]
        }
    }
}

/// The URL of a health check is a secret as well; without it a run goes on.
fn ping(case: &Case) -> Option<Finding> {
    let reference = case.job.healthcheck.as_ref()?;
    Some(match credentials::secret("healthcheck.url", reference, &case.folder) {
        Ok(_) => Finding::fine("healthcheck", "its URL is there; it is not pinged now"),
        Err(missing) => Finding::warning("healthcheck", missing.to_string(), missing.remedy()),
    })
}

fn show(job: Option<&Path>, findings: &[Finding], screen: Screen) {
    let title = job.map_or_else(|| "this machine".to_owned(), |job| printable(&load::shown(job)));
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title)));
    let word = |level: Level| if level == Level::Fault { "FAULT" } else { level.word() };
    let rows = findings
        .iter()
        .map(|finding| vec![word(finding.level).to_owned(), finding.check.to_owned(), finding.found.clone()]);
    screen.say(&format!("{}\n", table::plain(&["", "check", "found"], rows.collect(), 0..0)));
    let told = findings.iter().filter_map(|finding| Some((finding, finding.remedy.as_ref()?)));
    let remedies: Vec<String> =
        told.map(|(finding, remedy)| format!("  {}: {}", finding.check, printable(remedy))).collect();
    if !remedies.is_empty() {
        screen.say(&format!("{}\n", remedies.join("\n")));
    }
}

fn document(groups: &[(Option<&PathBuf>, Vec<Finding>)], code: u8) -> serde_json::Value {
    let checks = groups.iter().flat_map(|(job, findings)| {
        let job = job.map(|job| job.display().to_string());
        findings.iter().map(move |finding| {
            serde_json::json!({
                "job": job, "check": finding.check, "level": finding.level.word(), "found": finding.found,
                "remedy": finding.remedy,
            })
        })
    });
    serde_json::json!({ "version": 1, "exit_code": code, "checks": checks.collect::<Vec<_>>() })
}
