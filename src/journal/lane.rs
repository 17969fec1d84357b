//! The pace that all who use a journal keep together: one lane for each merchant's account, in which calls have their places.

use std::time::Duration;

use crate::model::environment::Environment;
use crate::model::ids::ClientId;

/// One merchant's lane, and how close to each other its calls may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Simulator, sandbox or production.
    pub environment: Environment,
    /// The merchant's account.
    pub client_id: ClientId,
    /// From one place to the next.
    pub spacing: Duration,
    /// Places may be had so long before their time.
    pub ahead: Duration,
}

/// What came of asking for places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// Nobody else can use this journal: there is nothing to share.
    Alone,
    /// As many as were asked for, one spacing from each other.
    Places {
        /// From now to the first of them.
        first_in: Duration,
    },
    /// The lane is full for now; ask again after this time.
    Later(Duration),
}
