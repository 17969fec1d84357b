//! When the next call may be made, by the lane and by the job's own pace.

use std::time::Duration;

use super::pacer::{Granted, Pacer};
use super::share::Share;
use crate::journal::JournalError;
use crate::journal::lane::Lanes;
use crate::runner::clock::Clock;

/// Waits until the next call may be made: first for a place in the lane, which is taken where the call leaves, then for the
/// job's own pace.
pub(in crate::runner) async fn turn<L: Lanes, C: Clock>(
    share: Option<&Share<L, C>>,
    pacer: &mut Pacer<C>,
    clock: &C,
    patience: Duration,
) -> Result<Granted, JournalError> {
    if let Some(share) = share {
        tokio::select! {
            found = share.look() => found?,
            () = clock.sleep(patience) => return Ok(Granted::NotYet),
        }
        share.in_force().into_iter().for_each(|in_force| pacer.follow(in_force));
    }
    Ok(pacer.ready(patience).await)
}
