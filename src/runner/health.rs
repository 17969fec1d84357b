//! What the provider is well enough for, as the calls have shown: one breaker for what is sent, one for what is asked.

use super::attempt::Ended;
use super::breaker::{Breaker, Opened};
use crate::job::settings;
use crate::journal::joint::Heard;

/// What the provider is well enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Everything.
    Well,
    /// Nothing is sent any more; whoever is asked may still answer.
    AskOnly,
    /// Inquiries are not answered.
    SendOnly,
    /// Nothing.
    Silent,
}

impl Health {
    /// The same, but nothing is sent any more.
    #[must_use]
    pub const fn without_sending(self) -> Self {
        match self {
            Self::Well | Self::AskOnly => Self::AskOnly,
            Self::SendOnly | Self::Silent => Self::Silent,
        }
    }

    /// Whether anything may be sent.
    #[must_use]
    pub const fn may_send(self) -> bool {
        matches!(self, Self::Well | Self::SendOnly)
    }

    /// The same, but nothing is asked any more.
    #[must_use]
    pub const fn without_asking(self) -> Self {
        match self {
            Self::Well | Self::SendOnly => Self::SendOnly,
            Self::AskOnly | Self::Silent => Self::Silent,
        }
    }
}

/// What the provider is not well enough for any more, since the last call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worse {
    /// Nothing is sent any more.
    ForSending(Opened),
    /// Nothing is asked any more.
    ForAsking,
}

/// The provider's health and the calls that tell of it, ours and those of others.
pub(super) struct Watched {
    pub(super) health: Health,
    sending: Breaker,
    asking: Breaker,
}

impl Watched {
    /// A provider that is well.
    pub(super) const fn new(breaker: settings::Breaker) -> Self {
        Self { health: Health::Well, sending: Breaker::new(breaker), asking: Breaker::new(breaker) }
    }

    /// Takes note of a call of ours.
    pub(super) fn note(&mut self, ended: &Ended) -> Option<Worse> {
        if let Some(reading) = &ended.reading {
            let opened = self.sending.note(ended.item.id, &reading.outcome);
            self.without_sending(opened)
        } else {
            let opened = self.asking.note_inquiry(ended.item.id, ended.answered);
            self.without_asking(opened)
        }
    }

    /// Whether a call of late, ours or another runner's, was not answered as it should be.
    pub(super) fn remembers_failure(&self) -> bool {
        self.sending.remembers_failure()
    }

    /// Whether the last call of a kind, ours or another runner's, has failed.
    pub(super) const fn is_failing(&self) -> bool {
        self.sending.is_failing() || self.asking.is_failing()
    }

    /// Takes note of a call of another runner: the provider is as ill for one as for the other.
    pub(super) fn hear(&mut self, heard: Heard) -> Option<Worse> {
        match heard {
            Heard::Send(item, health) => {
                let opened = self.sending.take(item, health);
                self.without_sending(opened)
            }
            Heard::Inquiry(item, health) => {
                let opened = self.asking.take(item, health);
                self.without_asking(opened)
            }
        }
    }

    fn without_sending(&mut self, opened: Option<Opened>) -> Option<Worse> {
        let worse = opened.map(Worse::ForSending)?;
        self.turn_to(self.health.without_sending()).then_some(worse)
    }

    fn without_asking(&mut self, opened: Option<Opened>) -> Option<Worse> {
        opened?;
        self.turn_to(self.health.without_asking()).then_some(Worse::ForAsking)
    }

    /// Whether that is news.
    fn turn_to(&mut self, health: Health) -> bool {
        std::mem::replace(&mut self.health, health) != health
    }
}
