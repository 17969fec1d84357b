//! When a person may decide about an item: not while it may still settle by itself, and never against a proof.

use std::time::Duration;

use super::record::Item;
use super::state::State;
use crate::model::time::{Timestamp, after, for_people};

/// Why a person may not decide yet, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The same key may still bring the answer.
    #[error("it is {state} and may still settle by itself until {}", for_people(*until))]
    MaySettle {
        /// What is known.
        state: State,
        /// When the horizon passes.
        until: Timestamp,
    },
    /// Nothing was sent for it.
    #[error("nothing was sent for it: there is nothing to rule")]
    NothingSent,
    /// There is proof, or a ruling.
    #[error("it is {0}: there is nothing to rule")]
    AtItsEnd(State),
    /// Only what had no effect can be sent anew.
    #[error("it is {0}: only what was refused, or ruled not done, can be sent anew")]
    NotRefused(State),
}

/// Whether a person may rule about an item.
///
/// # Errors
/// Why not.
pub fn may_be_ruled(item: &Item, horizon: Duration, now: Timestamp) -> Result<(), NotNow> {
    let until = after(item.first_intent_at, horizon);
    match item.state {
        State::Review | State::Conflict => Ok(()),
        State::Unknown if now >= until => Ok(()),
        State::Unknown | State::Intent => Err(NotNow::MaySettle { state: item.state, until }),
        State::Planned | State::Held | State::Skipped | State::Invalid => Err(NotNow::NothingSent),
        State::Succeeded | State::AlreadyDone | State::Refused | State::RuledDone | State::RuledNotDone => {
            Err(NotNow::AtItsEnd(item.state))
        }
    }
}

/// Whether a person may have an item's order sent anew, under a new key.
///
/// # Errors
/// Why not.
pub const fn may_be_reopened(item: &Item) -> Result<(), NotNow> {
    match item.state {
        State::Refused | State::RuledNotDone => Ok(()),
        other => Err(NotNow::NotRefused(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::testing::item;

    const HORIZON: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn nobody_rules_about_what_may_still_settle_by_itself() {
        let in_doubt = |state| Item { state, ..item() };
        let (early, late) = (item().first_intent_at, after(item().first_intent_at, HORIZON));
        for state in State::ALL {
            let ruled = |now| may_be_ruled(&in_doubt(state), HORIZON, now).is_ok();
            let (expected_early, expected_late) = match state {
                State::Review | State::Conflict => (true, true),
                State::Unknown => (false, true),
                _ => (false, false),
            };
            assert_eq!((ruled(early), ruled(late)), (expected_early, expected_late), "{state}");
        }
    }

    #[test]
    fn only_what_had_no_effect_is_sent_anew() {
        for state in State::ALL {
            let expected = matches!(state, State::Refused | State::RuledNotDone);
            assert_eq!(may_be_reopened(&Item { state, ..item() }).is_ok(), expected, "{state}");
        }
    }
}
