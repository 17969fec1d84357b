//! `rekon schedule`: prints what cron or systemd needs to run a job every day. Nothing is installed and nothing is written.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveTime};

use super::args::{Common, ScheduleArgs, ScheduleFormat};
use super::dated;
use super::exit::{DONE, Failure};
use super::load::{self, Case, shown};
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::edge::environment;
use crate::job::settings::Reference;
use crate::journal::postgres::address::Address;
use crate::model::operation::Task;
use crate::model::time::Zone;
use crate::report::schedule::{Schedule, cron, systemd};
use crate::report::words::both::both;
use crate::runner::clock::Clock as _;
use crate::runner::window;

/// When a job without a window runs: in the small hours, after DOKU's settlement of the day before.
const TWO_IN_THE_MORNING: u16 = 2 * 60;

/// `rekon schedule JOB --format cron|systemd`.
pub(super) fn schedule(args: &ScheduleArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let case = load::case(&args.job, common, SystemClock.now())?;
    let screen = screen.speaking(case.language);
    let schedule = of_case(&case, args, common)?;
    if !case.job.approval.bands.is_empty() && args.plan.is_none() {
        screen.warn(&both(
            "a plan that needs an approval (approval.bands) is refused at night, with exit code 2: have it approved by day, \
             and say where it will lie: --plan 'plans/{date}.json'",
            "rencana yang perlu persetujuan (approval.bands) ditolak pada malam hari dengan kode keluar 2: mintakan \
             persetujuannya pada siang hari, dan sebutkan tempatnya: --plan 'plans/{date}.json'",
        ));
    }
    let files = match args.format {
        ScheduleFormat::Cron => vec![("crontab".to_owned(), cron::text(&schedule, machine(args)?))],
        ScheduleFormat::Systemd => systemd::units(&schedule).to_vec(),
    };
    let secrets = (!schedule.variables.is_empty()).then(|| schedule.environment_example());
    if screen.is_json() {
        let files: serde_json::Map<String, serde_json::Value> =
            files.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
        let document = serde_json::json!({ "version": 1, "files": files, "environment": secrets });
        screen.document(document.to_string().as_bytes());
        return Ok(DONE);
    }
    match args.format {
        ScheduleFormat::Cron => screen.verbatim(files[0].1.trim_end()),
        ScheduleFormat::Systemd => {
            for (name, text) in &files {
                screen.verbatim(&format!("##### /etc/systemd/system/{name}\n{text}"));
            }
            let service = &files[1].0;
            let command = format!("systemctl daemon-reload && systemctl enable --now {service}");
            screen.note(&both(
                format!("write these files, then: {command}"),
                format!("tulis berkas-berkas ini, lalu: {command}"),
            ));
        }
    }
    if let Some(secrets) = secrets {
        let (job, secrets) = (&schedule.job, secrets.trim_end());
        screen.note(&both(
            format!("/etc/rekon/{job}.env has to hold:\n{secrets}"),
            format!("/etc/rekon/{job}.env harus berisi:\n{secrets}"),
        ));
    }
    Ok(DONE)
}

fn of_case(case: &Case, args: &ScheduleArgs, common: &Common) -> Result<Schedule, Failure> {
    let job = &case.job;
    let program = match &args.program {
        Some(path) => absolute(path)?,
        None => environment::program().and_then(|path| path.into_os_string().into_string().ok()).ok_or_else(|| {
            Failure::Refused("where this program is cannot be told: name it with --program".to_owned())
        })?,
    };
    let (at, zone) = match (args.at, job.window) {
        (Some(at), _) => (at, args.zone.or(job.window.map(|window| window.zone)).unwrap_or(Zone::WIB)),
        (None, Some(window)) if args.zone.is_none() => (window.from, window.zone),
        (None, Some(_)) => {
            return Err(Failure::Refused(
                "--zone is the zone of --at; without --at the window of the job counts".to_owned(),
            ));
        }
        (None, None) => (TWO_IN_THE_MORNING, args.zone.unwrap_or(Zone::WIB)),
    };
    refuse_unless_open(case, at, zone)?;
    if let Some(plan) = &args.plan {
        if job.task == Task::Audit {
            return Err(Failure::Refused(format!("{}: an audit sends nothing, and takes no --plan", case.file)));
        }
        dated::file("--plan", plan, case.date)?;
    }
    let folder = absolute(&case.folder)?;
    let journal = absolute(&case.journal_folder())?;
    let named = [Some(&job.merchant.client_id), Some(&job.healthcheck)].into_iter().flatten().flatten();
    let mut variables: Vec<String> = named.chain(&job.merchant.secret_keys).filter_map(variable).collect();
    variables.sort();
    variables.dedup();
    Ok(Schedule {
        job: job.name.to_string(),
        task: job.task.to_string(),
        environment: job.merchant.environment,
        program,
        file: absolute(&args.job)?,
        plan: args.plan.as_deref().map(absolute).transpose()?,
        journal: common.journal.as_deref().map(absolute_journal).transpose()?,
        at,
        zone,
        user: args.user.clone(),
        variables,
        writes: writes(case, &folder, &journal)?,
        log: format!("{}/{}.log", if Path::new(&journal).starts_with(&folder) { &folder } else { &journal }, job.name),
        timeout: job.limits.timeout,
    })
}

/// A file by its whole path, a server by its URL.
fn absolute_journal(named: &str) -> Result<String, Failure> {
    if Address::is_meant(named) { Ok(named.to_owned()) } else { absolute(Path::new(named)) }
}

/// A run at a time when the window is closed would send nothing, every night.
fn refuse_unless_open(case: &Case, at: u16, zone: Zone) -> Result<(), Failure> {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(at) * 60, 0).unwrap_or_default();
    let instant = zone.instant(DateTime::UNIX_EPOCH.date_naive().and_time(time)).unwrap_or_default();
    if window::is_open(case.job.window.as_ref(), instant) {
        return Ok(());
    }
    let message = "at that time the window of the job is closed; leave --at out, and it runs when the window opens";
    Err(Failure::Refused(format!("{}: {message}", case.file)))
}

fn variable(reference: &Reference) -> Option<String> {
    match reference {
        Reference::Env(name) => Some(name.clone()),
        Reference::File(_) => None,
    }
}

/// The folders that a run writes to: the journal's, the results', the metrics'. What lies in the job's own folder is made by
/// the run, so that the folder stands for it.
fn writes(case: &Case, folder: &str, journal: &str) -> Result<Vec<String>, Failure> {
    let output = &case.job.output;
    let fixed = output.directory.split('{').next().unwrap_or_default();
    let directory =
        if fixed == output.directory { fixed } else { fixed.rsplit_once('/').map_or("", |(fixed, _)| fixed) };
    let mut found = vec![journal.to_owned(), absolute(&case.folder.join(directory))?];
    if let Some(metrics) = &output.metrics {
        let path = case.folder.join(metrics);
        found.push(absolute(path.parent().unwrap_or(&case.folder))?);
    }
    let mut writes: Vec<String> = Vec::new();
    for path in found {
        let path = if Path::new(&path).starts_with(folder) { folder.to_owned() } else { path };
        if !writes.contains(&path) {
            writes.push(path);
        }
    }
    let all = writes.clone();
    writes.retain(|path| !all.iter().any(|other| other != path && Path::new(path).starts_with(other)));
    Ok(writes)
}

/// A path from the root, without detours. Links stay as they are: they are there to be changed.
fn absolute(path: &Path) -> Result<String, Failure> {
    let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let whole: PathBuf = std::path::absolute(here)
        .map_err(|error| Failure::Refused(format!("{}: has no absolute path: {error}", path.display())))?;
    let text = shown(&whole);
    if text.chars().any(char::is_control) || whole.to_str().is_none() {
        return Err(Failure::Refused(format!("{}: such a path can stand in no crontab and no unit", path.display())));
    }
    Ok(text)
}

/// The zone of the machine's clock, by which cron goes.
fn machine(args: &ScheduleArgs) -> Result<Zone, Failure> {
    if let Some(zone) = args.machine_zone {
        return Ok(zone);
    }
    let name = environment::zone();
    name.as_deref().and_then(Zone::parse).ok_or_else(|| {
        let found = name.unwrap_or_else(|| "a zone that cannot be told".to_owned());
        Failure::Refused(format!(
            "cron goes by this machine's zone, {found}, which has no fixed distance from UTC that rekon knows: use --format \
             systemd, or say --machine-zone"
        ))
    })
}
