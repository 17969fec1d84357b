//! Where calls go: DOKU's production or sandbox, or a simulator on this machine.

use std::fmt;

/// The provider's environment. It is part of every item's identity, so a rehearsal never stands in for the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// On loopback; no money.
    Simulator,
    /// DOKU's sandbox; no money.
    Sandbox,
    /// DOKU's production; money moves.
    Production,
}

impl Environment {
    /// All environments.
    pub const ALL: [Self; 3] = [Self::Simulator, Self::Sandbox, Self::Production];

    /// The word in files and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }

    /// The environment of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.word() == word)
    }

    /// The provider's host (`akulaku-guide.txt`, "API endpoint"); the simulator has none of its own.
    #[must_use]
    pub const fn host(self) -> Option<&'static str> {
        match self {
            Self::Simulator => None,
            Self::Sandbox => Some("https://api-sandbox.doku.com"),
            Self::Production => Some("https://api.doku.com"),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}
