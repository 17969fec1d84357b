//! Working together on a run, asked of whichever store holds the journal. What one program holds alone is no joint run.

use super::Store;
use crate::journal::joint::{Draft, Host, Joined, Leaving, Shared, Standing, Turn};
use crate::journal::{Account, JournalError};
use crate::model::ids::RunId;

impl Store {
    /// Whether other programs may work on the same journal at the same time.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
        }
    }

    /// Takes the turn to begin a run of a job, alone or so that others may join, or says who has it.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn turn(&self, job: &str, account: &Account, is_alone: bool) -> Result<Turn, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(Turn::Ours),
            Self::Postgres(journal) => journal.turn(job, account, is_alone).await,
        }
    }

    /// Lets others join a run that has just begun.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn share(&self, run: &RunId, shared: &Shared) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(journal) => journal.share(run, shared).await,
        }
    }

    /// Joins a run.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn join(&self, run: &RunId) -> Result<Joined, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(Joined::TooLate),
            Self::Postgres(journal) => journal.join(run).await,
        }
    }

    /// How this program stands to a run for which it has nothing more to do.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn close(&self, run: &RunId) -> Result<Standing, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(Standing::Closes),
            Self::Postgres(journal) => journal.close(run).await,
        }
    }

    /// Leaves a run before it is over.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn leave(&self, run: &RunId, leaving: &Leaving) -> Result<Standing, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(Standing::Closes),
            Self::Postgres(journal) => journal.leave(run, leaving).await,
        }
    }

    /// Says where the report of a run is that this program closes.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn reported(&self, run: &RunId, folder: &str) -> Result<(), JournalError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(journal) => journal.reported(run, folder).await,
        }
    }

    /// The number of this program among those that share the journal; `None`: nobody shares it.
    ///
    /// # Errors
    /// The journal was opened for reading.
    pub fn runner(&self) -> Result<Option<i64>, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(journal) => journal.runner().map(Some),
        }
    }

    /// What became of a report that a runner had made before the end of its run was recorded.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn draft(&self, run: &RunId, runner: i64) -> Result<Draft, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(Draft::Unknown),
            Self::Postgres(journal) => journal.draft(run, runner).await,
        }
    }

    /// Everybody who has worked on a run that several hosts may work on, in the order in which they came.
    ///
    /// # Errors
    /// The journal cannot be reached.
    pub async fn hosts(&self, run: &RunId) -> Result<Vec<Host>, JournalError> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(journal) => journal.hosts(run).await,
        }
    }
}
