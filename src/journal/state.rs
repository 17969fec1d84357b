//! The state machine of an item, as one table. What is not listed is illegal.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known about an item (`DESIGN` 7). `held`, `skipped` and `invalid` are ends of a row that never became an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Meant to be sent; nothing has left this machine, or nothing that was looked at.
    Planned,
    /// A row guard keeps it back.
    Held,
    /// Not meant, or done elsewhere.
    Skipped,
    /// The row is bad.
    Invalid,
    /// The intent is durable; the request may or may not have left.
    Intent,
    /// At least one attempt ended without proof.
    Unknown,
    /// Proof that our request had its effect.
    Succeeded,
    /// Proof that the effect exists, not provably ours.
    AlreadyDone,
    /// Proof that this generation had no effect.
    Refused,
    /// The program gave up; a person decides.
    Review,
    /// Two proofs disagree.
    Conflict,
    /// A person ruled that it is done.
    RuledDone,
    /// A person ruled that it is not done.
    RuledNotDone,
}

/// Something that happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An intent became durable.
    Intended,
    /// Proof: our request had its effect.
    Applied,
    /// Proof: the effect exists.
    Already,
    /// Proof: our request had no effect.
    Refused,
    /// Proof that this one request was turned away; it says nothing about earlier ones.
    TurnedAway,
    /// Proof: the attempt was not looked at, or did not leave.
    NothingDone,
    /// An attempt ended without proof, or the program stopped before its end.
    NoProof,
    /// The horizon has passed.
    GivenUp,
    /// A person ruled.
    RuledDone,
    /// A person ruled.
    RuledNotDone,
}

/// A transition that the table does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an item that is {state} cannot be {event:?}")]
pub struct Illegal {
    /// The state.
    pub state: State,
    /// The event.
    pub event: Event,
}

/// The state after an event.
///
/// # Errors
/// The transition is not in the table.
pub const fn next(state: State, event: Event) -> Result<State, Illegal> {
    use Event as E;
    use State as S;
    Ok(match (state, event) {
        (S::Planned | S::Intent, E::Intended) => S::Intent,
        // A request that was turned away does not disprove an earlier one that was not answered.
        (S::Unknown, E::Intended | E::NoProof | E::NothingDone | E::TurnedAway) => S::Unknown,
        // Nothing was done by any attempt so far, or the item would be unknown: it is as if it had never been sent.
        (S::Intent | S::Planned, E::NothingDone) => S::Planned,
        (S::Intent, E::NoProof) => S::Unknown,
        (S::Intent | S::Unknown, E::Applied) => S::Succeeded,
        (S::Intent | S::Unknown, E::Already) => S::AlreadyDone,
        (S::Intent | S::Unknown, E::Refused) | (S::Intent, E::TurnedAway) => S::Refused,
        (S::Unknown, E::GivenUp) => S::Review,
        // An attempt that a stopped program left open may be closed after a person has taken over.
        (S::Review, E::NoProof | E::NothingDone | E::TurnedAway) => S::Review,
        (S::Conflict, E::NoProof | E::NothingDone | E::TurnedAway) => S::Conflict,
        (S::Review | S::Conflict, E::RuledDone) => S::RuledDone,
        (S::Review | S::Conflict, E::RuledNotDone) => S::RuledNotDone,
        // Terminal states never change; the same proof again says nothing new, the opposite one is a conflict.
        (S::Succeeded, E::Applied | E::Already | E::NoProof | E::NothingDone | E::TurnedAway) => S::Succeeded,
        (S::AlreadyDone, E::Applied | E::Already | E::NoProof | E::NothingDone | E::TurnedAway) => S::AlreadyDone,
        (S::Refused, E::Refused | E::NoProof | E::NothingDone | E::TurnedAway) => S::Refused,
        (S::Succeeded | S::AlreadyDone | S::RuledDone, E::Refused) => S::Conflict,
        (S::Refused | S::RuledNotDone, E::Applied | E::Already) => S::Conflict,
        _ => return Err(Illegal { state, event }),
    })
}

impl Event {
    /// All events.
    pub const ALL: [Self; 10] = [
        Self::Intended,
        Self::Applied,
        Self::Already,
        Self::Refused,
        Self::TurnedAway,
        Self::NothingDone,
        Self::NoProof,
        Self::GivenUp,
        Self::RuledDone,
        Self::RuledNotDone,
    ];
}

impl State {
    /// All states.
    pub const ALL: [Self; 13] = [
        Self::Planned,
        Self::Held,
        Self::Skipped,
        Self::Invalid,
        Self::Intent,
        Self::Unknown,
        Self::Succeeded,
        Self::AlreadyDone,
        Self::Refused,
        Self::Review,
        Self::Conflict,
        Self::RuledDone,
        Self::RuledNotDone,
    ];

    /// The word in the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
            Self::Intent => "intent",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::AlreadyDone => "already_done",
            Self::Refused => "refused",
            Self::Review => "review",
            Self::Conflict => "conflict",
            Self::RuledDone => "ruled_done",
            Self::RuledNotDone => "ruled_not_done",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nobody knows if money moved.
    #[must_use]
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::Intent | Self::Unknown | Self::Review | Self::Conflict)
    }

    /// Whether it is the end of a row that never became an item.
    #[must_use]
    pub const fn is_of_a_row(self) -> bool {
        matches!(self, Self::Held | Self::Skipped | Self::Invalid)
    }

    /// Whether only a person decides about the item any more.
    #[must_use]
    pub const fn waits_for_a_person(self) -> bool {
        matches!(self, Self::Review | Self::Conflict)
    }

    /// Whether the item is at its end.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::AlreadyDone | Self::Refused | Self::RuledDone | Self::RuledNotDone)
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_state_only_ever_becomes_a_conflict() {
        for state in State::ALL.into_iter().filter(|state| state.is_terminal()) {
            for event in Event::ALL {
                if let Ok(after) = next(state, event) {
                    assert!(after == state || after == State::Conflict, "{state} + {event:?} = {after}");
                }
            }
        }
    }

    #[test]
    fn nothing_terminal_is_ever_intended_again() {
        for state in State::ALL {
            let allowed = matches!(state, State::Planned | State::Intent | State::Unknown);
            assert_eq!(next(state, Event::Intended).is_ok(), allowed, "{state}");
        }
    }

    #[test]
    fn doubt_ends_only_by_proof_or_by_a_person() {
        for state in [State::Unknown, State::Review, State::Conflict] {
            for event in [Event::Intended, Event::NothingDone, Event::TurnedAway, Event::NoProof] {
                if let Ok(after) = next(state, event) {
                    assert!(after.is_in_doubt(), "{state} + {event:?} = {after}");
                }
            }
        }
    }

    #[test]
    fn rows_that_never_became_items_have_no_transitions() {
        for state in [State::Held, State::Skipped, State::Invalid] {
            assert!(Event::ALL.into_iter().all(|event| next(state, event).is_err()), "{state}");
        }
    }

    #[test]
    fn words_and_states_are_one_to_one() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.word()), Some(state));
        }
    }
}
