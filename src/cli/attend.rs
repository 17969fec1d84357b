//! What goes on around a command that is about a job: its beginning and its end are told to those who are not at the
//! terminal. None of them can change how it ends.

use std::future::Future;

use super::events;
use super::exit::Failure;
use super::load::Case;
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::runner::clock::Clock as _;

/// Does the work between two lines of the log, and prints what keeps it from a result.
pub(super) async fn logged(
    case: &Case,
    screen: Screen,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    let began = SystemClock.monotonic();
    events::begins(case, screen);
    let code = work.await.unwrap_or_else(|failure| failed(&failure, screen));
    let lasted = SystemClock.monotonic().saturating_sub(began);
    events::ends(code, case.told.summary.get(), u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX), screen);
    Ok(code)
}

/// The same for a command that somebody waits for, as a schedule does.
pub(super) async fn attended(
    case: &Case,
    screen: Screen,
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    logged(case, screen, work).await
}

fn failed(failure: &Failure, screen: Screen) -> u8 {
    screen.failure(failure);
    screen.failure_document(failure);
    failure.code()
}
