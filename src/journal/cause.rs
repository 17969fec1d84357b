//! Why a run stopped before its end, as the journal keeps it. The sentences for people are in `report::words`.

use serde::{Deserialize, Serialize};

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked for it: Ctrl-C, or a signal.
    Interrupted,
    /// Too many calls failed.
    Breaker {
        /// So many.
        failed: u32,
        /// Of the last so many; `None`: in a row.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u32>,
    },
    /// The window closed.
    Window {
        /// When it opens again: a time of day, `00:45`.
        opens: String,
        /// In which zone.
        zone: String,
    },
    /// The provider refused our credentials.
    Credentials,
    /// Something stands between us and the provider.
    Gateway,
    /// The answers were not signed with our key.
    Signatures,
    /// The first call was no better than those that had stopped the run before.
    StillIll {
        /// Why that one had stopped: a word of [`Entry::RunStopped`](super::log::Entry::RunStopped).
        before: String,
    },
    /// The same, but the order that comes first was not due in time.
    NotYetDue {
        /// Why the run before had stopped.
        before: String,
    },
    /// A canary was refused.
    CanaryRefused {
        /// Its invoice; `None` if it is not known any more.
        invoice: Option<String>,
    },
    /// A canary was not proved to be done.
    CanaryUnproved {
        /// Its invoice; `None` if it is not known any more.
        invoice: Option<String>,
    },
    /// Another host stopped the run for all.
    ByAnotherHost {
        /// Why: a word of [`Entry::RunStopped`](super::log::Entry::RunStopped), or `canary_refused`.
        word: String,
    },
    /// What the journal has lost is older than the horizon.
    LossTooOld,
    /// A guard of the business day.
    Cap {
        /// Which, and how much it allows.
        guard: String,
    },
    /// The journal's disk is full.
    Disk,
    /// The journal failed otherwise.
    Journal {
        /// How.
        error: String,
    },
    /// Something else failed.
    Failed {
        /// How.
        error: String,
    },
    /// Somebody asked for it a second time: calls were under way.
    AtOnce,
    /// The files could not be written.
    Files,
    /// The workbook could not be written.
    Workbook,
    /// The end of the run could not be recorded.
    Unrecorded,
    /// What a run noted at the time that has no end in the journal, or one without a cause.
    Noted {
        /// A word of [`Entry::RunStopped`](super::log::Entry::RunStopped).
        word: String,
    },
    /// Something that a newer version of this program knows.
    #[serde(other)]
    Else,
}

impl Cause {
    /// In one short word, for a table.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Interrupted | Self::AtOnce => "signal",
            Self::Breaker { .. } => "breaker",
            Self::Window { .. } => "window",
            Self::Credentials => "keys",
            Self::Gateway => "gateway",
            Self::Signatures => "signature",
            Self::StillIll { before: word }
            | Self::NotYetDue { before: word }
            | Self::ByAnotherHost { word }
            | Self::Noted { word } => match word.as_str() {
                "credentials" => "keys",
                "signatures" => "signature",
                "canary_refused" => "canary",
                other => other,
            },
            Self::CanaryRefused { .. } | Self::CanaryUnproved { .. } => "canary",
            Self::LossTooOld => "loss",
            Self::Cap { .. } => "cap",
            Self::Disk => "disk",
            Self::Journal { .. } | Self::Unrecorded => "journal",
            Self::Failed { .. } => "error",
            Self::Files | Self::Workbook => "files",
            Self::Else => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_readable_in_the_log_and_one_of_a_newer_version_keeps_nobody_from_reading_it() {
        let cause = Cause::Window { opens: "00:45".into(), zone: "WIB".into() };
        let text = serde_json::to_string(&cause).unwrap();
        assert_eq!(text, r#"{"why":"window","opens":"00:45","zone":"WIB"}"#);
        assert_eq!(serde_json::from_str::<Cause>(&text).unwrap(), cause);
        assert_eq!(serde_json::from_str::<Cause>(r#"{"why":"comet","size":3}"#).unwrap(), Cause::Else);
    }
}
