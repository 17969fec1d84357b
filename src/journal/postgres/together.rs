//! What runners ask to work together: joint runs and the shared pace, asked again while the server is away, for as long as the
//! lease lasts.

use std::time::Duration;

use tokio::time::{interval, timeout};

use super::joint::{self, Joint};
use super::lease::Lease;
use super::trouble::{Undone, unread};
use super::writer::PAUSE;
use super::{PostgresJournal, limiter};
use crate::journal::joint::{Ask, Claimed, Draft, Host, Joined, Leaving, Shared, Standing, Turn, Work};
use crate::journal::lane::{Lane, Reserved, Wanted};
use crate::journal::{Account, Journal as _, JournalError};
use crate::model::ids::RunId;

/// Asks again and again while the server is away.
macro_rules! patiently {
    ($journal:expr, $joint:ident => $asked:expr) => {{
        let $joint = $journal.joint()?;
        let (limit, mut ticks) = ($journal.lease()?.pause() * 2, interval(PAUSE));
        loop {
            ticks.tick().await;
            // A server that is frozen accepts whatever it is sent, and never answers.
            let silent = |_| Err(Undone::Away("it does not answer".into()));
            match timeout(limit, $asked).await.unwrap_or_else(silent) {
                Ok(found) => break Ok(found),
                Err(undone) => $journal.may_pass(undone)?,
            }
        }
    }};
}

impl PostgresJournal {
    fn lease(&self) -> Result<&Lease, JournalError> {
        let writer = self.writer.as_ref().ok_or_else(|| JournalError::Write("it was opened for reading".into()))?;
        Ok(&writer.lease)
    }

    fn joint(&self) -> Result<Joint<'_>, JournalError> {
        Ok(Joint { pool: &self.pool, runner: self.lease()?.runner })
    }

    /// Whether to try again.
    fn may_pass(&self, undone: Undone) -> Result<(), JournalError> {
        match undone {
            Undone::Away(_) if !self.lease()?.has_ended() => Ok(()),
            undone => Err(unread(undone)),
        }
    }

    /// Takes the turn to begin a run of a job, or says who has it.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn turn(&self, job: &str, account: &Account, is_alone: bool) -> Result<Turn, JournalError> {
        patiently!(self, joint => joint.turn(job, account, is_alone))
    }

    /// Lets others join a run that has just begun.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn share(&self, run: &RunId, shared: &Shared) -> Result<(), JournalError> {
        patiently!(self, joint => joint.share(run, shared))
    }

    /// Joins a run.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn join(&self, run: &RunId) -> Result<Joined, JournalError> {
        patiently!(self, joint => joint.join(run))
    }

    /// How this program stands to a run for which it has nothing more to do.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn close(&self, run: &RunId) -> Result<Standing, JournalError> {
        patiently!(self, joint => joint.close(run))
    }

    /// Leaves a run before it is over.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn leave(&self, run: &RunId, leaving: &Leaving) -> Result<Standing, JournalError> {
        patiently!(self, joint => joint.leave(run, leaving))
    }

    /// Says where the report of a run is that this program closes.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn reported(&self, run: &RunId, report: &str) -> Result<(), JournalError> {
        patiently!(self, joint => joint.reported(run, report))
    }

    /// The number of this runner.
    ///
    /// # Errors
    /// The journal was opened for reading.
    pub fn runner(&self) -> Result<i64, JournalError> {
        Ok(self.lease()?.runner)
    }

    /// What became of a report that a runner had made before the end of its run was recorded.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn draft(&self, run: &RunId, runner: i64) -> Result<Draft, JournalError> {
        patiently!(self, joint => joint.draft(run, runner))
    }

    /// Everybody who has worked on a joint run.
    ///
    /// # Errors
    /// The server stayed away.
    pub async fn hosts(&self, run: &RunId) -> Result<Vec<Host>, JournalError> {
        if self.writer.is_none() {
            return joint::hosts(&self.pool, run).await.map_err(unread);
        }
        patiently!(self, joint => joint::hosts(joint.pool, run))
    }

    pub(super) async fn stop_all(&self, run: &RunId, why: &str) -> Result<(), JournalError> {
        patiently!(self, joint => joint.stop(run, why))
    }

    pub(super) async fn claim_patiently(&self, ask: &Ask) -> Result<Claimed, JournalError> {
        let is_gone: Result<bool, JournalError> = patiently!(self, joint => joint.somebody_is_gone());
        if is_gone? {
            self.recover(ask.at).await?;
        }
        let claimed: Result<Claimed, JournalError> = patiently!(self, joint => joint.claim(ask));
        match claimed? {
            // Whoever has written nothing lately is not told by its own writes.
            Claimed::Work(Work { heard, .. }) if heard < ask.heard => Err(JournalError::Behind),
            claimed => Ok(claimed),
        }
    }

    pub(super) async fn reserve_patiently(&self, lane: &Lane, wanted: Wanted) -> Result<Reserved, JournalError> {
        patiently!(self, joint => limiter::reserve(joint.pool, lane, wanted))
    }

    pub(super) async fn hold_patiently(&self, lane: &Lane, wait: Duration) -> Result<(), JournalError> {
        patiently!(self, joint => limiter::hold(joint.pool, lane, wait))
    }
}
