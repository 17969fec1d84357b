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
use crate::model::language::Language;
use crate::plan::guard::counted;
use crate::report::table;
use crate::report::words::both::{Both, both};
use crate::runner::clock::Clock as _;

/// What one check found.
struct Finding {
    check: &'static str,
    level: Level,
    /// In a line.
    found: Both,
    /// What to do; only what is fine needs nothing.
    remedy: Option<Both>,
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
    fn fine(check: &'static str, found: Both) -> Self {
        Self { check, level: Level::Fine, found, remedy: None }
    }

    fn warning(check: &'static str, found: Both, remedy: Both) -> Self {
        Self { check, level: Level::Warning, found, remedy: Some(remedy) }
    }

    fn fault(check: &'static str, found: Both, remedy: Both) -> Self {
        Self { check, level: Level::Fault, found, remedy: Some(remedy) }
    }
}

/// Looks at this machine, and at every job that is named.
pub(super) async fn doctor(args: &DoctorArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    load::date(common, SystemClock.now())?;
    let mut screen = screen;
    let mut groups = vec![(None, machine::findings())];
    for path in &args.jobs {
        let case = load::case(path, common, SystemClock.now());
        if let Ok(case) = &case {
            screen = screen.speaking(case.language);
        }
        let findings = match case {
            Ok(case) => of_job(&case, args.offline).await,
            Err(failure) => vec![not_a_job(path, &failure)],
        };
        groups.push((Some(path), findings));
    }
    let findings = || groups.iter().flat_map(|(_, findings)| findings);
    let worst = findings().map(|finding| finding.level).max().unwrap_or(Level::Fine);
    let code = if worst == Level::Fault { REFUSED } else { DONE };
    for (job, findings) in &groups {
        show(job.map(PathBuf::as_path), findings, screen);
    }
    let count = |level: Level| findings().filter(|finding| finding.level == level).count() as u64;
    let (fault, warning) = (count(Level::Fault), count(Level::Warning));
    let (faults, warnings) = (counted(fault, "fault"), counted(warning, "warning"));
    let (tone, text) = match worst {
        Level::Fault => (
            Tone::Bad,
            both(
                format!("{faults}, {warnings}: a run would not start, or get nothing done"),
                format!(
                    "{fault} masalah, {warning} peringatan: proses tidak akan mulai, atau tidak menghasilkan apa pun"
                ),
            ),
        ),
        Level::Warning => (
            Tone::Title,
            both(format!("{warnings}: a run would start"), format!("{warning} peringatan: proses dapat dimulai")),
        ),
        Level::Fine => (Tone::Good, both("all is well", "semuanya baik")),
    };
    screen.say(&screen.tone(tone, screen.told(&text)));
    screen.document(document(&groups, code).to_string().as_bytes());
    Ok(code)
}

async fn of_job(case: &Case, offline: bool) -> Vec<Finding> {
    let (now, keys) = (SystemClock.now(), case.credentials());
    let mut findings = vec![Finding::fine(
        "job",
        Both::same(format!("{} · {} · {}", case.job.name, case.job.task, case.job.merchant.environment)),
    )];
    findings.extend(self::keys(case, keys.as_ref().err()));
    findings.extend(ping(case));
    findings.extend(machine::open_files(case));
    findings.extend(places::orders(case));
    findings.extend(places::findings(case, now).await);
    findings.extend(logs::findings(case, keys.as_ref().ok(), now));
    findings.extend(provider::findings(case, offline).await);
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
    let [more, lagi] = match count {
        0 => [String::new(), String::new()],
        _ => [format!(" (and {count} more)"), format!(" (dan {count} lagi)")],
    };
    let command = format!("rekon check {}", load::shown(path));
    Finding::fault(
        "job",
        both(format!("{found}{more}"), format!("{found}{lagi}")),
        both(format!("everything is listed by: {command}"), format!("selengkapnya: {command}")),
    )
}

/// Whether the keys are there. Their values are nowhere in what is printed.
fn keys(case: &Case, missing: Option<&Failure>) -> Vec<Finding> {
    let check = "credentials";
    let merchant = &case.job.merchant;
    let one = |fault: &Fault| {
        Finding::fault(check, Both::same(&fault.message), Both::same(fault.hint.clone().unwrap_or_default()))
    };
    match missing {
        Some(Failure::Faults(faults)) => faults.iter().map(one).collect(),
        Some(other) => vec![Finding::fault(
            check,
            Both::same(other.to_string()),
            both("name where the keys are: env:NAME or file:PATH", "sebutkan letak kuncinya: env:NAME atau file:PATH"),
        )],
        None if merchant.client_id.is_none() && merchant.secret_keys.is_empty() => {
            vec![Finding::fine(check, both("the simulator's own", "milik simulator sendiri"))]
        }
        None => {
            let keys = merchant.secret_keys.len();
            let count = counted(keys as u64, "secret key");
            vec![Finding::fine(
                check,
                both(
                    format!("the client id and {count} are there; their values are not shown"),
                    format!("client id dan {keys} secret key ada; isinya tidak ditampilkan"),
                ),
            )]
        }
    }
}

/// The URL of a health check is a secret as well; without it a run goes on.
fn ping(case: &Case) -> Option<Finding> {
    let reference = case.job.healthcheck.as_ref()?;
    Some(match credentials::secret("healthcheck.url", reference, &case.folder) {
        Ok(_) => Finding::fine(
            "healthcheck",
            both("its URL is there; it is not pinged now", "URL-nya ada; sekarang tidak dihubungi"),
        ),
        Err(missing) => Finding::warning("healthcheck", Both::same(missing.to_string()), Both::same(missing.remedy())),
    })
}

fn show(job: Option<&Path>, findings: &[Finding], screen: Screen) {
    let this_machine = both("this machine", "mesin ini");
    let title = job.map_or_else(|| screen.told(&this_machine).to_owned(), |job| printable(&load::shown(job)));
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title)));
    let level = |level: Level| match (screen.language(), level) {
        (_, Level::Fine) => "ok",
        (Language::English, Level::Warning) => "warning",
        (Language::English, Level::Fault) => "FAULT",
        (Language::Indonesian, Level::Warning) => "peringatan",
        (Language::Indonesian, Level::Fault) => "MASALAH",
    };
    let name = |finding: &Finding| match screen.language() {
        Language::English => finding.check,
        Language::Indonesian => in_indonesian(finding.check),
    };
    let rows = findings.iter().map(|finding| {
        vec![level(finding.level).to_owned(), name(finding).to_owned(), screen.told(&finding.found).to_owned()]
    });
    let header = match screen.language() {
        Language::English => ["", "check", "found"],
        Language::Indonesian => ["", "pemeriksaan", "hasil"],
    };
    screen.say(&format!("{}\n", table::plain(&header, rows.collect(), 0..0)));
    let told = findings.iter().filter_map(|finding| Some((finding, finding.remedy.as_ref()?)));
    let remedies: Vec<String> =
        told.map(|(finding, remedy)| format!("  {}: {}", name(finding), printable(screen.told(remedy)))).collect();
    if !remedies.is_empty() {
        screen.say(&format!("{}\n", remedies.join("\n")));
    }
}

/// What a check is called in Bahasa Indonesia.
fn in_indonesian(check: &'static str) -> &'static str {
    match check {
        "signatures" => "tanda tangan",
        "time zones" => "zona waktu",
        "credentials" => "kredensial",
        "open files" => "berkas terbuka",
        "orders" => "pesanan",
        "output folder" => "folder hasil",
        "journal folder" => "folder jurnal",
        "journal" => "jurnal",
        "money" => "uang",
        "lock" => "kunci jurnal",
        "notifications" => "notifikasi",
        "notification path" => "path notifikasi",
        "provider" => "DOKU",
        "clock" => "jam",
        other => other,
    }
}

fn document(groups: &[(Option<&PathBuf>, Vec<Finding>)], code: u8) -> serde_json::Value {
    let checks = groups.iter().flat_map(|(job, findings)| {
        let job = job.map(|job| job.display().to_string());
        findings.iter().map(move |finding| {
            serde_json::json!({
                "job": job, "check": finding.check, "level": finding.level.word(), "found": finding.found.english,
                "remedy": finding.remedy.as_ref().map(|remedy| &remedy.english),
            })
        })
    });
    serde_json::json!({ "version": 1, "exit_code": code, "checks": checks.collect::<Vec<_>>() })
}
