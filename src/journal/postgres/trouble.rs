//! What can go wrong on the way to the server: it is away, which may pass, or it refuses, which will not.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::address::Address;
use super::connect::{told, told_of_pool};
use crate::journal::JournalError;

/// Why a transaction was not committed, as far as is known.
#[derive(Debug)]
pub(super) enum Undone {
    /// The server, or the connection, is away. Whether a commit under way was carried out is not known.
    Away(String),
    /// It will not be better the next time.
    Stopped(JournalError),
}

impl From<JournalError> for Undone {
    fn from(error: JournalError) -> Self {
        Self::Stopped(error)
    }
}

/// What the guard of the runners' table says to one that is lost or has left.
const IS_GONE: &str = "a runner that is gone stays gone";

impl From<tokio_postgres::Error> for Undone {
    fn from(error: tokio_postgres::Error) -> Self {
        if error.as_db_error().is_some_and(|told| told.message() == IS_GONE) {
            return Self::Stopped(JournalError::Fenced);
        }
        if may_pass(&error) { Self::Away(told(&error)) } else { Self::Stopped(JournalError::Write(told(&error))) }
    }
}

impl From<PoolError> for Undone {
    /// A server that may not be written to, such as a standby after a failover, may be another one soon.
    fn from(error: PoolError) -> Self {
        Self::Away(told_of_pool(&error))
    }
}

impl Undone {
    /// The same before anything was done.
    pub(super) fn unusable(self, address: &Address) -> JournalError {
        match self {
            Self::Away(reason) => JournalError::Unusable { path: address.to_string(), reason },
            Self::Stopped(error @ JournalError::Unusable { .. }) => error,
            Self::Stopped(error) => JournalError::Unusable { path: address.to_string(), reason: error.to_string() },
        }
    }
}

/// Whether the same thing may succeed on another connection.
fn may_pass(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else { return true };
    let passing = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::QUERY_CANCELED,
    ];
    // 08: the connection failed. 53: the server lacks room, memory or connections. 25P02: something before this failed, and has
    // its own error.
    passing.contains(code) || code.code().starts_with("08") || code.code().starts_with("53")
}

/// A read that failed.
pub(super) fn unread(error: Undone) -> JournalError {
    match error {
        Undone::Away(reason) => JournalError::Away(format!("the shared journal is out of reach: {reason}")),
        Undone::Stopped(error) => error,
    }
}
