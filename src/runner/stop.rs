//! Why a run stops before its end.

use super::breaker::Opened;
use super::probe::Died;
use crate::doku::answer::Halt;
use crate::job::settings::Window;
use crate::journal::JournalError;
use crate::journal::cause::Cause;
use crate::journal::joint::Leaving;
use crate::model::ids::InvoiceNumber;
use crate::model::listing::Unread;

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
    Canary(Died, Option<InvoiceNumber>),
    /// Another runner has stopped the joint run for all, in this word.
    ByAnother(String),
    /// The journal lacks entries that are older than the horizon by now; a person has to accept that first.
    LossTooOld,
    /// The orders that are left could not be read again; none of them was sent.
    Unread(Unread),
    /// The journal failed; nothing can be sent without it.
    Journal(JournalError),
}

impl Stop {
    /// Whether what is begun is still settled: an open breaker leaves the asking, a cap of the day what is not new.
    pub(super) const fn leaves_something(&self) -> bool {
        matches!(self, Self::Breaker(_) | Self::Journal(JournalError::Capped(_)))
    }

    /// What it means for the others who work on the same run.
    #[must_use]
    pub fn leaving(&self) -> Leaving {
        match self {
            Self::Interrupted | Self::WindowClosed | Self::LossTooOld | Self::Unread(_) | Self::Journal(_) => {
                Leaving::Alone
            }
            Self::ByAnother(why) => Leaving::ForAll(why.clone()),
            Self::Canary(Died::Refused, _) => Leaving::ForAll("canary_refused".to_owned()),
            Self::Breaker(_)
            | Self::Halted(_)
            | Self::WrongSignatures
            | Self::StillIll(_)
            | Self::NotYetDue(_)
            | Self::Canary(Died::Unproved, _) => Leaving::ForAll(self.word().unwrap_or_default().to_owned()),
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
            Self::Canary(Died::Unproved, _) => Some("canary"),
            Self::Interrupted
            | Self::WindowClosed
            | Self::Canary(Died::Refused, _)
            | Self::ByAnother(_)
            | Self::LossTooOld
            | Self::Unread(_)
            | Self::Journal(_) => None,
        }
    }

    /// The same for the record of a run that had this window.
    #[must_use]
    pub fn cause(&self, window: Option<&Window>) -> Cause {
        let invoice = |invoice: &Option<InvoiceNumber>| invoice.as_ref().map(ToString::to_string);
        match self {
            Self::Interrupted => Cause::Interrupted,
            Self::Breaker(Opened::InARow(failed)) => Cause::Breaker { failed: *failed, of: None },
            Self::Breaker(Opened::OfLast(failed, of)) => Cause::Breaker { failed: *failed, of: Some(*of) },
            Self::WindowClosed => Cause::Window {
                opens: window
                    .map(|window| format!("{:02}:{:02}", window.from / 60, window.from % 60))
                    .unwrap_or_default(),
                zone: window.map(|window| window.zone.to_string()).unwrap_or_default(),
            },
            Self::Halted(Halt::Credentials) => Cause::Credentials,
            Self::Halted(Halt::Gateway) => Cause::Gateway,
            Self::WrongSignatures => Cause::Signatures,
            Self::StillIll(before) => Cause::StillIll { before: before.clone() },
            Self::NotYetDue(before) => Cause::NotYetDue { before: before.clone() },
            Self::Canary(Died::Refused, canary) => Cause::CanaryRefused { invoice: invoice(canary) },
            Self::Canary(Died::Unproved, canary) => Cause::CanaryUnproved { invoice: invoice(canary) },
            Self::ByAnother(word) => Cause::ByAnotherHost { word: word.clone() },
            Self::LossTooOld => Cause::LossTooOld,
            Self::Unread(error) => Cause::Failed { error: error.to_string() },
            Self::Journal(JournalError::Capped(guard)) => Cause::Cap { guard: guard.clone() },
            Self::Journal(JournalError::Full) => Cause::Disk,
            Self::Journal(error) => Cause::Journal { error: error.to_string() },
        }
    }
}
