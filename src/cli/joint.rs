//! A run on which several hosts work: who begins it, who joins it, and who closes it for all.

use std::sync::Arc;

use super::exit::{DOUBT, Failure, STOPPED};
use super::left;
use super::load::{self, Case, Loosening};
use super::open;
use super::screen::Screen;
use super::session::{Sent, Session};
use crate::edge::clock::SystemClock;
use crate::job::Job;
use crate::job::places::Places;
use crate::journal::JournalError;
use crate::journal::cause::Cause;
use crate::journal::history::PlanUse;
use crate::journal::joint::{ASK_AGAIN, AtWork, Closed, Joined, OpenRun, Shared, Standing, Turn};
use crate::journal::log::sha256;
use crate::journal::record::Item;
use crate::model::fault::{Place, printable};
use crate::model::ids::RunId;
use crate::model::language::Language;
use crate::model::time::{BusinessDate, Timestamp};
use crate::plan::{Input, guard};
use crate::plan::{Plan, Sending};
use crate::report::words::both::{Both, both};
use crate::report::words::speech::Speech;
use crate::runner::clock::Clock as _;
use crate::runner::dispatch::{Fresh, Stop};

/// A run that has begun.
pub(super) struct Begun {
    pub(super) run: RunId,
    pub(super) plan: Arc<Plan>,
    /// The saved plan that it executes.
    pub(super) used: Option<PlanUse>,
    /// When it began, here or elsewhere.
    pub(super) started_at: Timestamp,
    pub(super) way: Way,
    /// Since when requests for its orders may be under way of which the journal does not know; `None`: there are none.
    pub(super) under_way_since: Option<Timestamp>,
}

/// Whether others may work on a run too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Alone,
    Joint,
}

impl Way {
    /// A saved plan is executed by one host, and a simulator inside the program is nobody else's provider.
    pub(super) fn of(session: &Session<'_>, has_plan: bool) -> Self {
        let is_alone = has_plan || session.case.job.embeds_simulator() || !session.journal.is_shared();
        if is_alone { Self::Alone } else { Self::Joint }
    }
}

impl Begun {
    /// What is to be sent here: all of it, or what is claimed.
    pub(super) fn fresh(&self) -> Fresh {
        let plan = Arc::clone(&self.plan);
        match self.way {
            Way::Alone => Fresh::of(plan.total(), Sending::of(plan)),
            Way::Joint => Fresh::claimed(move |row| plan.sendable(row)),
        }
    }

    /// What earlier runs left unknown, as far as it is for us from the start.
    pub(super) async fn unsettled(&self, session: &Session<'_>) -> Result<Vec<Item>, Failure> {
        match self.way {
            Way::Alone => session.unsettled().await,
            Way::Joint => Ok(Vec::new()),
        }
    }
}

/// Waits until it is our turn to begin a run of the job, or until there is one to join: then we have.
pub(super) async fn others(
    session: &Session<'_>,
    way: Way,
    input: Option<&Input>,
    screen: Screen,
) -> Result<Option<OpenRun>, Failure> {
    let (job, journal) = (session.case.job.name.as_str(), &session.journal);
    let mut has_said = false;
    loop {
        let AtWork { host, is_alone, run } =
            match journal.turn(job, &session.account, way == Way::Alone).await.map_err(open::failure)? {
                Turn::Ours => return Ok(None),
                Turn::Theirs(at_work) => at_work,
            };
        if is_alone || way == Way::Alone {
            let why = if is_alone { "and nobody can join it" } else { "and this command cannot join it" };
            return Err(Failure::Held(format!("{host} is at work on {job}, {why}; run it again when that is done")));
        }
        if let (Some(open), Some(input)) = (run, input) {
            refuse_another(session, &open, input)?;
            // Whoever has joined leaves in order, and is not just gone.
            session.case.told.signals.begin()?;
            match journal.join(&open.run).await.map_err(open::failure)? {
                Joined::Yes => return Ok(Some(open)),
                Joined::Stopped(why) => {
                    let run = &open.run;
                    return Err(Failure::Held(format!(
                        "run {run} of {job} was stopped on all hosts: {why}; look at its report"
                    )));
                }
                Joined::TooLate => session.case.told.signals.begin_later()?,
            }
        }
        if !has_said {
            let waits = both(
                format!("{host} is at work on {job}: waiting for its run"),
                format!("{host} sedang mengerjakan {job}: menunggu prosesnya"),
            );
            screen.say(screen.told(&waits));
            has_said = true;
        }
        SystemClock.sleep(ASK_AGAIN).await;
    }
}

/// Lets others join the run that has just begun.
pub(super) async fn share(session: &Session<'_>, begun: &Begun) -> Result<(), Failure> {
    if begun.way == Way::Alone {
        return Ok(());
    }
    let plan = &begun.plan;
    let shared = Shared {
        job_sha256: job_sha256(session.case),
        input_sha256: plan.input_sha256.clone().unwrap_or_default(),
        rows_sha256: plan.rows_sha256()?,
        decided: plan.decided(),
    };
    session.journal.share(&begun.run, &shared).await.map_err(open::failure)
}

/// A run of another job file, another input or another day is not ours to work on; whoever has not joined it stands in no report
/// of it.
fn refuse_another(session: &Session<'_>, open: &OpenRun, input: &Input) -> Result<(), Failure> {
    let (case, OpenRun { run, started_at, shared }) = (session.case, open);
    if shared.input_sha256 != input.sha256.clone().unwrap_or_default() {
        return Err(differs(
            case,
            run,
            "another input",
            "give every host the same file, or run this one when that run is done",
        ));
    }
    if shared.job_sha256 != job_sha256(case) {
        let hint =
            "every host needs the same version of rekon, the same job file, the same --date and the same --override";
        return Err(differs(case, run, "a job that is not this one to the letter", hint));
    }
    if BusinessDate::of(*started_at) != BusinessDate::of(session.started_at) {
        return Err(differs(case, run, "another business day", "run it again when that run is done"));
    }
    Ok(())
}

fn differs(case: &Case, run: &RunId, what: &str, hint: &str) -> Failure {
    Failure::Held(format!("{}: run {run} is at work on {what}\n  hint: {hint}", case.file))
}

/// Adopts the plan of a run that another host has begun with the same job and the same input.
pub(super) fn join(session: &Session<'_>, open: OpenRun, input: Input, screen: Screen) -> Result<Begun, Failure> {
    let (case, OpenRun { run, started_at, shared }) = (session.case, open);
    let own = case.job.guards.clone().unwrap_or_else(|| guard::whole_file(&input));
    let guards = case.guards().unwrap_or(&own);
    let plan = Plan::adopted(&case.job, session.account.operation, guards, input, &shared.decided);
    let mut plan = plan.map_err(|error| Failure::Refused(format!("{}: {error}", case.file)))?;
    let history = plan.history().clone();
    case.note_overrides(&mut plan, &own, &history)?;
    if plan.rows_sha256()? != shared.rows_sha256 {
        return Err(differs(case, &run, "other rows", "every host needs the same version of rekon"));
    }
    left::forget(&case.journal, &run);
    let joins = both(
        format!("joins run {run}, which another host has begun"),
        format!("bergabung dengan proses {run}, yang dimulai host lain"),
    );
    screen.say(screen.told(&joins));
    let under_way_since = session.refuse_old_keys(&plan)?;
    Ok(Begun { run, plan: Arc::new(plan), used: None, started_at, way: Way::Joint, under_way_since })
}

/// What this program has done of the run is done. `None`: it closes the run and reports for all; else what it exits with.
pub(super) async fn part(
    session: &Session<'_>,
    begun: &Begun,
    sent: &Sent,
    screen: Screen,
) -> Result<Option<u8>, Failure> {
    if begun.way == Way::Alone {
        return Ok(None);
    }
    let (run, journal) = (&begun.run, &session.journal);
    let in_doubt = session.case.told.progress.in_doubt().count > 0;
    let lost = |error: JournalError| {
        if in_doubt { open::in_doubt(session.case, &error) } else { Failure::Journal(error.to_string()) }
    };
    let (mut stop, mut interrupted) = (sent.stop.clone(), sent.interrupted.clone());
    loop {
        if *interrupted.borrow_and_update() {
            stop.get_or_insert(Stop::Interrupted);
        }
        let standing = match &stop {
            Some(stop) => journal.leave(run, &stop.leaving()).await,
            None => journal.close(run).await,
        };
        match (standing.map_err(lost)?, &stop) {
            (Standing::Closes, _) => return Ok(None),
            (Standing::Closed(Closed { exit_code, report }), _) => {
                let report = told_of(session.case, run, &report);
                let over = both(
                    format!("run {run} is over (exit code {exit_code})\n{}", report.english),
                    format!("proses {run} sudah selesai (kode keluar {exit_code})\n{}", report.indonesian),
                );
                screen.say(screen.told(&over));
                return Ok(Some(exit_code));
            }
            (Standing::Waits, Some(stop)) => {
                screen.warn(&left(run, &stop.cause(session.case.job.window.as_ref())));
                if matches!(stop, Stop::Journal(_)) {
                    screen.warn(&ask_again(session.case));
                }
                if in_doubt {
                    screen.warn(&open::doubt(session.case));
                }
                return Ok(Some(if in_doubt { DOUBT } else { STOPPED }));
            }
            (Standing::Waits, None) => tokio::select! {
                Ok(()) = interrupted.changed() => {}
                () = SystemClock.sleep(ASK_AGAIN) => {}
            },
        }
    }
}

/// Where the report of a run is that another host has closed.
fn told_of(case: &Case, run: &RunId, report: &str) -> Both {
    let why = match report.split_once(':') {
        Some((_, folder)) if !folder.is_empty() => {
            return both(format!("its report: {report}"), format!("laporannya: {report}"));
        }
        Some((host, _)) => {
            both(format!("{host} could not write the files"), format!("{host} tidak dapat menulis berkasnya"))
        }
        None => both("nobody has said where it is", "tidak ada yang memberi tahu letaknya"),
    };
    let (again, place) = (case.command("run"), printable(&load::for_a_shell(&load::named(&case.journal))));
    both(
        format!(
            "its report: none, for {}\n  run the job again ({again}), which writes one, or look: \
             rekon show {run} --journal {place}",
            why.english
        ),
        format!(
            "laporannya: tidak ada, karena {}\n  jalankan lagi job ini ({again}), yang akan menulisnya, atau lihat: \
             rekon show {run} --journal {place}",
            why.indonesian
        ),
    )
}

/// A host goes before the run is over.
fn left(run: &RunId, why: &Cause) -> Both {
    let [english, indonesian] =
        [Language::English, Language::Indonesian].map(|language| (Speech::of(language).because)(why));
    both(
        format!("left run {run}: {english}; other hosts are still at work on it, and one of them reports"),
        format!(
            "keluar dari proses {run}: {indonesian}; host lain masih mengerjakannya, dan salah satunya membuat laporan"
        ),
    )
}

/// What the journal has lost, or could not be told, is found out by whoever asks again.
fn ask_again(case: &Case) -> Both {
    let again = case.command("run");
    both(
        format!(
            "run the job again when they are done: what the journal does not know is asked for with the same keys: {again}"
        ),
        format!(
            "jalankan lagi job ini sesudah host lain selesai: yang tidak diketahui jurnal ditanyakan lagi dengan kunci yang \
             sama: {again}"
        ),
    )
}

/// What must be the same on every host, but for where each finds the journal, and where what is said stands in which file.
fn job_sha256(case: &Case) -> String {
    let mut job = Job { journal: String::new(), places: Places::default(), ..case.job.clone() };
    job.orders.conditions.iter_mut().for_each(|condition| condition.place = Place::default());
    let loosened = match &case.loosening {
        Loosening::NotOffered | Loosening::NotAsked => Vec::new(),
        Loosening::Asked(loosened) => loosened.overrides.clone(),
    };
    sha256(format!("{} {} {job:?} {loosened:?}", env!("CARGO_PKG_VERSION"), case.date).as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Cli;
    use crate::cli::load;
    use crate::model::time::parse_instant;

    #[test]
    fn hosts_agree_about_a_job_wherever_each_keeps_it_but_not_about_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let digest = |name: &str, before: &str, paid: &str| {
            let path = folder.path().join(name);
            let orders = format!("orders: {{file: o.csv, where: [{{book_status: [{paid}]}}]}}");
            std::fs::write(
                &path,
                format!("{before}job: a\noperation: refund\nmerchant: {{environment: simulator}}\nguards: {{max_orders: 1, max_total: 1}}\n{orders}\n"),
            )
            .unwrap();
            let common = Cli::parse_from(["rekon", "schema", "--date", "2026-11-23"]).common;
            let case = load::case(&path, &common, parse_instant("2026-11-23T01:00:00Z").unwrap());
            job_sha256(&case.unwrap_or_else(|failure| panic!("{failure}")))
        };
        let here = digest("a.yaml", "", "PAID");
        assert_eq!(digest("b.yaml", "# another host's\n", "PAID"), here);
        assert_ne!(digest("c.yaml", "", "LUNAS"), here);
    }
}
