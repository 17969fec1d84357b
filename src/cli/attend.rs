//! What goes on around a command that is about a job: its beginning and its end are told to those who are not at the
//! terminal, in the log, in metrics.prom and to a health check. None of these can change how the command ends: what goes
//! wrong with them is a warning.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::events;
use super::exit::{Failure, HELD, REFUSED};
use super::load::{Case, shown};
use super::meanwhile;
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::edge::ping::{Check, Signal};
use crate::edge::{credentials, files, read};
use crate::report::metrics::{self, Labels, Owner};
use crate::report::words::both::both;
use crate::runner::clock::Clock as _;
use crate::runner::progress::Progress;

/// The first ping of a short run may still be under way at its end; so long it is waited for.
const FOR_THE_START: Duration = Duration::from_secs(2);

/// Does the work between two lines of the log, and prints what keeps it from a result.
pub(super) async fn logged(
    case: &Case,
    screen: Screen,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    told(case, screen, unless_stopped(case, work)).await
}

/// Does the work; a signal before it has begun ends it, and older doubt is not forgotten by that.
pub(super) async fn unless_stopped(
    case: &Case,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    if let Some(earlier) = meanwhile::Earlier::of(case) {
        case.told.signals.look_back(earlier);
    }
    case.told.signals.unless_stopped(work).await
}

async fn told(case: &Case, screen: Screen, work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let began = SystemClock.monotonic();
    events::begins(case, screen);
    let code = work.await.unwrap_or_else(|failure| failed(&failure, screen));
    events::ends(code, case.told.summary.get(), milliseconds_since(began), screen);
    Ok(code)
}

/// The same for a command that somebody waits for, as a schedule does: with metrics and pings.
pub(super) async fn attended(
    case: &Case,
    screen: Screen,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    let began = SystemClock.monotonic();
    let watched = async {
        let checked = Checked::begin(case, screen);
        let ended = unless_stopped(case, work).await;
        let code = match ended {
            Ok(code) => code,
            Err(failure) => {
                let code = failed(&failure, screen);
                if code == REFUSED {
                    meanwhile::tell(case, screen).await;
                }
                code
            }
        };
        // Where another runner is at work, the metrics are its own.
        if code != HELD {
            write_metrics(case, code, milliseconds_since(began), screen);
        }
        if let Some(checked) = checked {
            checked.end(code).await;
        }
        Ok(code)
    };
    told(case, screen, watched).await
}

fn failed(failure: &Failure, screen: Screen) -> u8 {
    screen.failure(failure);
    screen.failure_document(failure);
    failure.code()
}

fn milliseconds_since(began: Duration) -> u64 {
    u64::try_from(SystemClock.monotonic().saturating_sub(began).as_millis()).unwrap_or(u64::MAX)
}

/// Writes metrics.prom, if the job wants it.
fn write_metrics(case: &Case, exit_code: u8, milliseconds: u64, screen: Screen) {
    let Some(name) = &case.job.output.metrics else { return };
    let path = case.folder.join(name);
    let task = case.job.task.to_string();
    let labels =
        Labels { job: case.job.name.as_str(), operation: &task, environment: case.job.merchant.environment.word() };
    let old = read::bytes(&path).unwrap_or_default();
    let (before, owner) = metrics::before(&String::from_utf8_lossy(&old), &labels);
    if owner == Owner::Other {
        let file = shown(&path);
        screen.warn(&both(
            format!("{file}: held the metrics of another job; give each job a file of its own"),
            format!("{file}: berisi metrik job lain; beri tiap job berkasnya sendiri"),
        ));
    }
    let progress = &case.told.progress;
    let run = metrics::Run {
        ended_at: SystemClock.now(),
        exit_code,
        milliseconds,
        requests: Progress::get(&progress.requests),
        throttles: Progress::get(&progress.throttles),
        in_doubt: progress.in_doubt(),
        summary: case.told.summary.get(),
    };
    if let Err(error) = files::write(&path, metrics::text(&labels, &run, &before).as_bytes()) {
        screen.warn(&both(
            format!("the metrics are not written, and the run is what it is: {error}"),
            format!("metrik tidak tertulis; hasil proses tidak terpengaruh: {error}"),
        ));
    }
}

/// A health check that knows that the run has begun.
struct Checked {
    check: Check,
    start: JoinHandle<()>,
    screen: Screen,
}

impl Checked {
    /// Pings in the background, if the job wants it.
    fn begin(case: &Case, screen: Screen) -> Option<Self> {
        let reference = case.job.healthcheck.as_ref()?;
        let url = credentials::secret("healthcheck.url", reference, &case.folder).map_err(|why| why.to_string());
        let check = url.and_then(|url| Check::new(&url).map_err(|why| format!("healthcheck.url: {why}")));
        match check {
            Ok(check) => {
                let (pinged, signal) = (check.clone(), Signal::Start);
                let start = tokio::spawn(async move { ping(&pinged, signal, screen).await });
                Some(Self { check, start, screen })
            }
            Err(why) => {
                screen.warn(&both(
                    format!("{why}; the run goes on without its health check"),
                    format!("{why}; proses berjalan terus tanpa health check"),
                ));
                None
            }
        }
    }

    /// Pings once more, after the first ping has come to its end or has had its time.
    async fn end(mut self, code: u8) {
        if timeout(FOR_THE_START, &mut self.start).await.is_err() {
            self.start.abort();
        }
        let signal = if code == HELD { Signal::Noted } else { Signal::Ended(code) };
        ping(&self.check, signal, self.screen).await;
    }
}

async fn ping(check: &Check, signal: Signal, screen: Screen) {
    if let Err(why) = check.ping(signal).await {
        let [english, indonesian] = match signal {
            Signal::Start => ["the beginning", "awal"],
            Signal::Ended(_) | Signal::Noted => ["the end", "akhir"],
        };
        screen.warn(&both(
            format!("the health check was not told of {english} of the run: {why}"),
            format!("health check tidak menerima kabar {indonesian} proses: {why}"),
        ));
    }
}
