//! What follows for an item that is not at its end: the same key again, a status inquiry, a person, or a later run.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::health::Health;
use super::probe::Role;
use crate::job::settings::Retries;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::model::outcome::{Doubt, Refusal};
use crate::model::time::{CORRECTION, Timestamp, after, elapsed};

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
    /// Whose item it is.
    pub origin: Origin,
    /// Whether the others wait for it.
    pub role: Role,
}

/// Which run left an item open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// This one.
    #[default]
    ThisRun,
    /// An earlier one.
    EarlierRun,
    /// An earlier one, and DOKU's signed answer names an amount that is not ours. The input has been corrected since: a repeat
    /// would bring the same answer, and is no measure of how the others will fare.
    Answered,
}

/// The time, as the next step needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The time of the run: waits go by it.
    pub run: Timestamp,
    /// The latest that it may be: horizons go by it.
    pub latest: Timestamp,
}

/// Says what follows.
///
/// The same key is safe within the horizon and never sent beyond it. An inquiry comes no sooner than
/// `retries.inquire_after` after the last request. A 409 that was no replay is asked about first: the first call may
/// still be running.
#[must_use]
pub fn next_step(item: &Item, efforts: &Efforts, retries: &Retries, health: Health, now: Now) -> Step {
    let step = unhindered(item, efforts, retries, now);
    match (step, item.state, health) {
        // What an earlier run left is asked about once; what this one has sent can wait for the next.
        (Step::Resend(_) | Step::Inquire(_), State::Unknown, Health::AskOnly)
            if efforts.origin != Origin::ThisRun && efforts.inquiries == 0 =>
        {
            Step::Inquire(inquire_at(item, efforts, retries, now))
        }
        (Step::Resend(_) | Step::Inquire(_), _, Health::AskOnly | Health::Silent) => Step::Leave,
        (Step::Inquire(_), _, Health::SendOnly) => Step::Leave,
        (step, ..) => step,
    }
}

/// What follows while the provider is well.
fn unhindered(item: &Item, efforts: &Efforts, retries: &Retries, now: Now) -> Step {
    let may_resend = efforts.tries < retries.attempts.get();
    let resend_at = ripe_at(item, wait_before_resend(item, efforts, retries), now);
    let inquire_at = inquire_at(item, efforts, retries, now);
    let is_too_late = is_too_late(item, retries, resend_at, now);
    match item.state {
        State::Planned if may_resend => Step::Resend(resend_at),
        State::Unknown if is_too_late && efforts.answered > 0 => Step::GiveUp,
        State::Unknown if is_too_late => Step::Inquire(inquire_at),
        State::Unknown if was_turned_away(item) || efforts.origin == Origin::Answered => Step::Inquire(inquire_at),
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

/// Whether the horizon will have passed at the resend. A first intent in the future was written by a clock that was wrong:
/// nobody knows how long ago it was.
fn is_too_late(item: &Item, retries: &Retries, resend_at: Timestamp, now: Now) -> bool {
    let horizon = after(item.first_intent_at, retries.horizon);
    resend_at.max(now.latest) >= horizon || elapsed(now.latest, item.first_intent_at) > CORRECTION
}

/// When a wait after the last request is over. What was sent in the future was sent by a clock that was wrong once: it is
/// ripe now, or it would be held back for ever.
fn ripe_at(item: &Item, wait: Duration, now: Now) -> Timestamp {
    if item.last_sent_at > now.run { now.run } else { after(item.last_sent_at, wait).max(now.run) }
}

fn inquire_at(item: &Item, efforts: &Efforts, retries: &Retries, now: Now) -> Timestamp {
    if item.last_sent_at > now.run {
        return after(now.run, retries.inquire_after * efforts.inquiries);
    }
    ripe_at(item, retries.inquire_after * (efforts.inquiries + 1), now)
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
        let efforts = Efforts { tries, inquiries, answered: inquiries, ..Efforts::default() };
        well(&item, &efforts, now)
    }

    fn well(item: &Item, efforts: &Efforts, now: Timestamp) -> Step {
        next_step(item, efforts, &Retries::default(), Health::Well, Now { run: now, latest: now })
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
        assert!(matches!(well(&item, &efforts, late), Step::Inquire(_)));
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
        assert_eq!(well(&item, &efforts, at(0)), Step::Resend(at(90)));
    }

    #[test]
    fn an_ill_provider_is_asked_as_long_as_it_answers() {
        let step = |state, health, origin, inquiries| {
            let item = Item { state, reason: "timeout".into(), first_intent_at: at(0), last_sent_at: at(0), ..item() };
            let efforts = Efforts { tries: 1, origin, inquiries, answered: inquiries, ..Efforts::default() };
            next_step(&item, &efforts, &Retries::default(), health, Now { run: at(1), latest: at(1) })
        };
        let (this, earlier) = (Origin::ThisRun, Origin::EarlierRun);
        assert_eq!(step(State::Unknown, Health::AskOnly, earlier, 0), Step::Inquire(at(60)));
        assert_eq!(step(State::Unknown, Health::AskOnly, earlier, 1), Step::Leave);
        assert_eq!(step(State::Unknown, Health::AskOnly, this, 0), Step::Leave);
        assert_eq!(step(State::Planned, Health::AskOnly, earlier, 0), Step::Leave);
        assert!(matches!(step(State::Unknown, Health::SendOnly, earlier, 0), Step::Resend(_)));
        assert_eq!(step(State::Unknown, Health::Silent, earlier, 0), Step::Leave);
        assert_eq!(step(State::Planned, Health::Silent, earlier, 0), Step::Leave);
    }

    #[test]
    fn a_machine_that_slept_through_the_horizon_sends_nothing_old() {
        let item = Item { state: State::Unknown, reason: "timeout".into(), first_intent_at: at(0), ..item() };
        let asleep = Now { run: at(10), latest: at(25 * 3600) };
        let step = next_step(&item, &Efforts::default(), &Retries::default(), Health::Well, asleep);
        assert!(matches!(step, Step::Inquire(_)));
    }

    #[test]
    fn what_a_wrong_clock_wrote_is_never_sent_again() {
        let item = Item { state: State::Unknown, reason: "timeout".into(), first_intent_at: at(3600), ..item() };
        assert!(matches!(well(&item, &Efforts::default(), at(0)), Step::Inquire(_)));
        let slightly = Item { first_intent_at: at(60), ..item };
        assert!(matches!(well(&slightly, &Efforts::default(), at(0)), Step::Resend(_)));
    }

    #[test]
    fn what_was_sent_in_the_future_is_not_waited_for() {
        let item = Item { state: State::Unknown, reason: "timeout".into(), last_sent_at: at(100), ..item() };
        let tired = Efforts { tries: 6, ..Efforts::default() };
        assert_eq!(well(&item, &Efforts::default(), at(0)), Step::Resend(at(0)));
        assert_eq!(well(&item, &tired, at(0)), Step::Inquire(at(0)));
        let asked = Efforts { inquiries: 1, ..tired };
        assert_eq!(well(&item, &asked, at(0)), Step::Inquire(at(60)), "and it is not asked about without a pause");
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
