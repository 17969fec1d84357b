//! Why a run stops before its end.

use super::breaker::Opened;
use super::probe::Died;
use crate::doku::answer::Halt;
use crate::journal::JournalError;
use crate::journal::joint::Leaving;

/// Why a run stopped before its end.
#[derive(Debug, Clone)]
pub enum Stop {
    /// Somebody asked for it.
    Interrupted,
    /// The provider is ill.
    Breaker(Opened),
    /// The window closed.
    WindowClosed,
    /// An answer said that the next ones will be no better.
    Halted(Halt),
    /// Answers whose signatures are wrong, one after the other.
    WrongSignatures,
    /// A run was stopped for the provider's sake, in this word, and the first call after it brought no proof either.
    StillIll(String),
    /// The same, but the unknown order that comes first is not to be sent again or asked about within the time for settling.
    NotYetDue(String),
    /// One of the orders that all others wait for was not proved to be done.
    Canary(Died),
    /// Another runner has stopped the joint run for all, in this word.
    ByAnother(String),
    /// The journal lacks entries that are older than the horizon by now; a person has to accept that first.
    LossTooOld,
    /// The journal failed; nothing can be sent without it.
    Journal(JournalError),
}

impl Stop {
    /// What it means for the others who work on the same run.
    #[must_use]
    pub fn leaving(&self) -> Leaving {
        match self {
            Self::Interrupted | Self::WindowClosed | Self::LossTooOld | Self::Journal(_) => Leaving::Alone,
            Self::ByAnother(why) => Leaving::ForAll(why.clone()),
            Self::Canary(Died::Refused) => Leaving::ForAll("canary_refused".to_owned()),
            Self::Breaker(_)
            | Self::Halted(_)
            | Self::WrongSignatures
            | Self::StillIll(_)
            | Self::NotYetDue(_)
            | Self::Canary(Died::Unproved) => Leaving::ForAll(self.word().unwrap_or_default().to_owned()),
        }
    }

    /// The word for the journal, if the provider is why: the next run begins with a single call then.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::StillIll(why) | Self::NotYetDue(why) => Some(why),
            Self::Breaker(_) => Some("breaker"),
            Self::Halted(Halt::Credentials) => Some("credentials"),
            Self::Halted(Halt::Gateway) => Some("gateway"),
            Self::WrongSignatures => Some("signatures"),
            Self::Canary(Died::Unproved) => Some("canary"),
            Self::Interrupted
            | Self::WindowClosed
            | Self::Canary(Died::Refused)
            | Self::ByAnother(_)
            | Self::LossTooOld
            | Self::Journal(_) => None,
        }
    }
}
