//! What follows for an item that is not at its end: the same key again, a status inquiry, a person, or a later run.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::job::settings::Retries;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::model::outcome::{Doubt, Refusal};
use crate::model::time::{Timestamp, after};

/// The next step for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send the same key and bytes again, no sooner than this.
    Resend(Timestamp),
    /// Ask for the status, no sooner than this.
    Inquire(Timestamp),
    /// The horizon has passed and nothing was proved: a person decides.
    GiveUp,
    /// Nothing more in this run.
    Leave,
}

/// What this run has done for an item so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Efforts {
    /// Requests tried, whether they left or not.
    pub tries: u32,
    /// Inquiries after the last request.
    pub inquiries: u32,
    /// Those of them that were answered; silence says nothing about the horizon.
    pub answered: u32,
    /// The provider's own word on how long to wait.
    pub retry_after: Option<Duration>,
}

/// Says what follows.
///
/// The same key is safe within the horizon and never sent beyond it. An inquiry comes no sooner than
/// `retries.inquire_after` after the last request. A 409 that was no replay is asked about first: the first call may
/// still be running.
#[must_use]
pub fn next_step(item: &Item, efforts: &Efforts, retries: &Retries, now: Timestamp) -> Step {
    let horizon = after(item.first_intent_at, retries.horizon);
    let may_resend = efforts.tries < retries.attempts.get();
    // A clock that was wrong once must not hold an item back for ever.
    let last_sent_at = item.last_sent_at.min(now);
    let resend_at = after(last_sent_at, wait_before_resend(item, efforts, retries)).max(now);
    let inquire_at = after(last_sent_at, retries.inquire_after * (efforts.inquiries + 1)).max(now);
    match item.state {
        State::Planned if may_resend => Step::Resend(resend_at),
        State::Unknown if resend_at >= horizon && efforts.answered > 0 => Step::GiveUp,
        State::Unknown if resend_at >= horizon => Step::Inquire(inquire_at),
        State::Unknown if was_turned_away(item) => Step::Inquire(inquire_at),
        State::Unknown if asks_first(item) && efforts.inquiries == 0 => Step::Inquire(inquire_at),
        State::Unknown if may_resend => Step::Resend(resend_at),
        State::Unknown => Step::Inquire(inquire_at),
        State::Planned
        | State::Held
        | State::Skipped
        | State::Invalid
        | State::Intent
        | State::Succeeded
        | State::AlreadyDone
        | State::Refused
        | State::Review
        | State::Conflict
        | State::RuledDone
        | State::RuledNotDone => Step::Leave,
    }
}

/// A signed 4xx will be no better next time; the status may still tell what became of an earlier request.
fn was_turned_away(item: &Item) -> bool {
    [400, 401, 403, 404, 422].into_iter().any(|status| item.reason == Refusal::Http(status).word())
}

fn asks_first(item: &Item) -> bool {
    item.reason == Doubt::ConflictWithoutReplay.word()
}

fn wait_before_resend(item: &Item, efforts: &Efforts, retries: &Retries) -> Duration {
    let backoff = backoff(retries, efforts.tries, item.request_id.as_str());
    efforts.retry_after.map_or(backoff, |asked| asked.max(backoff))
}

/// Doubles with every try up to the most, and adds up to half as much again, so that items do not come back in step. The
/// addition is derived from the key: the same run twice waits the same.
fn backoff(retries: &Retries, tries: u32, key: &str) -> Duration {
    let doubled = retries.backoff_first.saturating_mul(1 << tries.saturating_sub(1).min(20));
    let base = doubled.min(retries.backoff_most);
    let hash = Sha256::digest(format!("{key}/{tries}").as_bytes());
    let share = u32::from(hash[0]);
    (base + base * share / 512).min(retries.backoff_most.max(base))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::testing::item;
    use crate::model::time::parse_instant;

    fn at(seconds: i64) -> Timestamp {
        parse_instant("2026-11-22T08:00:00Z").unwrap() + chrono::Duration::seconds(seconds)
    }

    fn step(state: State, reason: &str, tries: u32, inquiries: u32, now: Timestamp) -> Step {
        let item = Item { state, reason: reason.into(), first_intent_at: at(0), last_sent_at: at(0), ..item() };
        let efforts = Efforts { tries, inquiries, answered: inquiries, retry_after: None };
        next_step(&item, &efforts, &Retries::default(), now)
    }

    #[test]
    fn doubt_is_settled_by_the_same_key_then_by_inquiry_then_by_a_person() {
        let day = 24 * 3600;
        assert!(
            matches!(step(State::Unknown, "timeout", 1, 0, at(0)), Step::Resend(then) if then >= at(5) && then <= at(8))
        );
        assert!(matches!(step(State::Unknown, "timeout", 5, 0, at(0)), Step::Resend(then) if then == at(60)));
        assert_eq!(step(State::Unknown, "timeout", 6, 0, at(0)), Step::Inquire(at(60)));
        assert_eq!(step(State::Unknown, "timeout", 6, 1, at(60)), Step::Inquire(at(120)));
        assert_eq!(step(State::Unknown, "timeout", 0, 0, at(day + 10)), Step::Inquire(at(day + 10)));
        assert_eq!(step(State::Unknown, "timeout", 0, 1, at(day + 10)), Step::GiveUp);
    }

    #[test]
    fn nobody_gives_up_on_an_inquiry_that_was_not_answered() {
        let item = Item { state: State::Unknown, reason: "timeout".into(), ..item() };
        let efforts = Efforts { inquiries: 3, ..Efforts::default() };
        let late = at(25 * 3600);
        assert!(matches!(next_step(&item, &efforts, &Retries::default(), late), Step::Inquire(_)));
    }

    #[test]
    fn what_was_turned_away_is_asked_about_and_not_sent_again() {
        assert_eq!(step(State::Unknown, "http_404", 1, 0, at(1)), Step::Inquire(at(60)));
        assert_eq!(step(State::Unknown, "http_404", 1, 1, at(61)), Step::Inquire(at(120)));
    }

    #[test]
    fn a_409_that_was_no_replay_is_asked_about_first() {
        assert_eq!(step(State::Unknown, "conflict_409", 1, 0, at(1)), Step::Inquire(at(60)));
        assert!(matches!(step(State::Unknown, "conflict_409", 1, 1, at(61)), Step::Resend(_)));
    }

    #[test]
    fn what_was_not_looked_at_is_sent_again_until_the_tries_are_used_up() {
        assert!(matches!(step(State::Planned, "throttled", 1, 0, at(0)), Step::Resend(_)));
        assert_eq!(step(State::Planned, "throttled", 6, 0, at(0)), Step::Leave);
    }

    #[test]
    fn nothing_follows_the_end_of_an_item() {
        for state in State::ALL.into_iter().filter(|state| !matches!(state, State::Planned | State::Unknown)) {
            assert_eq!(step(state, "", 0, 0, at(0)), Step::Leave, "{state}");
        }
    }

    #[test]
    fn the_provider_may_ask_for_a_longer_wait() {
        let item = Item { state: State::Planned, last_sent_at: at(0), ..item() };
        let efforts = Efforts { tries: 1, retry_after: Some(Duration::from_secs(90)), ..Efforts::default() };
        assert_eq!(next_step(&item, &efforts, &Retries::default(), at(0)), Step::Resend(at(90)));
    }

    #[test]
    fn backoff_doubles_within_its_range() {
        let retries = Retries::default();
        for tries in 1..40 {
            let wait = backoff(&retries, tries, "key");
            assert!(wait >= retries.backoff_first && wait <= retries.backoff_most, "{tries}: {wait:?}");
        }
        assert!(backoff(&retries, 3, "key") >= Duration::from_secs(20));
    }
}
