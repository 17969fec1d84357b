//! What has to be proved before a run goes on: its canaries, and, after a run that the provider's illness has stopped, a single
//! call.
//!
//! *Canaries* are the first so many new orders; nothing else is sent until each of them is proved to be done. One that is
//! refused, or stays without proof after all its tries, stops the run: what is wrong with it may be wrong with all. A *half-open*
//! run lets one call out at a time until one comes back with proof, be it a refusal: the provider is well again. If that call
//! brings none, the run stops again after this one. Being throttled is neither: the call is made again. While an order of an
//! earlier run is unknown, that call is about this order and never a new one: an ill provider would leave one more in doubt.

use crate::journal::state::State;
use crate::model::outcome::Outcome;

/// Whose call came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Anybody's.
    #[default]
    Ordinary,
    /// One of the first, which the others wait for.
    Canary,
}

/// What was shown by a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Died {
    /// It was refused.
    Refused,
    /// All its tries brought no proof.
    Unproved,
}

/// What the run still waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Canaries that are still to be sent.
    to_send: usize,
    /// Canaries that were sent and are not proved.
    unproved: usize,
    /// Whether a single call must be proved first.
    half_open: bool,
}

impl Probe {
    /// Of a run that sends so many new orders, the first `canaries` of them before all others.
    #[must_use]
    pub fn new(canaries: usize, orders: usize) -> Self {
        Self { to_send: canaries.min(orders), unproved: 0, half_open: false }
    }

    /// The same, with a single call before everything else.
    #[must_use]
    pub const fn half_open(self) -> Self {
        Self { half_open: true, ..self }
    }

    /// The same for a part of a joint run, of which so many orders are still to be proved before the others.
    #[must_use]
    pub const fn with_canaries(self, canaries: usize) -> Self {
        Self { to_send: canaries, ..self }
    }

    /// Another runner has proved the provider to be well.
    #[must_use]
    pub const fn proved(self) -> Self {
        Self { half_open: false, ..self }
    }

    /// Whether a single call must be proved first.
    #[must_use]
    pub const fn is_half_open(&self) -> bool {
        self.half_open
    }

    /// Whether the canaries keep everything else waiting.
    #[must_use]
    pub const fn has_canaries(&self) -> bool {
        self.to_send + self.unproved > 0
    }

    /// Whether one more new order may be sent.
    #[must_use]
    pub const fn lets_go(&self) -> bool {
        self.to_send > 0 || self.unproved == 0
    }

    /// How many calls may be under way, of so many that the job allows.
    #[must_use]
    pub const fn room(&self, concurrency: usize) -> usize {
        if self.half_open { 1 } else { concurrency }
    }

    /// A new order is sent; whose it is.
    pub fn send(&mut self) -> Role {
        if self.to_send == 0 {
            return Role::Ordinary;
        }
        self.to_send -= 1;
        self.unproved += 1;
        Role::Canary
    }

    /// An order that was to be sent belongs to somebody else; if it was a canary, another one is.
    pub fn give_way(&mut self, role: Role) {
        if role == Role::Canary {
            self.unproved -= 1;
            self.to_send += 1;
        }
    }

    /// A canary is at its end, or nothing more is done for it in this run; what it showed if it was not proved to be done.
    pub fn ended(&mut self, state: State) -> Option<Died> {
        match state {
            State::Succeeded | State::AlreadyDone | State::RuledDone => {
                self.unproved -= 1;
                None
            }
            State::Refused | State::RuledNotDone => Some(Died::Refused),
            State::Planned
            | State::Held
            | State::Skipped
            | State::Invalid
            | State::Intent
            | State::Unknown
            | State::Review
            | State::Conflict => Some(Died::Unproved),
        }
    }

    /// The first call of a half-open run came back: with proof, without, or throttled. Whether that stops the run again.
    pub fn came_back(&mut self, outcome: Option<&Outcome>, answered: bool, throttled: bool) -> bool {
        if !self.half_open || throttled {
            return false;
        }
        self.half_open = match outcome {
            Some(Outcome::Applied | Outcome::Already | Outcome::Refused(_)) => false,
            Some(Outcome::NotSent(_) | Outcome::Ambiguous(_) | Outcome::Throttled(_)) => true,
            None => !answered,
        };
        self.half_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{Doubt, Refusal};

    #[test]
    fn everything_waits_until_all_canaries_are_proved() {
        let mut probe = Probe::new(2, 5);
        assert_eq!((probe.send(), probe.lets_go()), (Role::Canary, true));
        assert_eq!((probe.send(), probe.lets_go()), (Role::Canary, false));
        assert_eq!(probe.ended(State::Succeeded), None);
        assert!(probe.has_canaries() && !probe.lets_go());
        assert_eq!(probe.ended(State::AlreadyDone), None);
        assert!(!probe.has_canaries() && probe.lets_go());
        assert_eq!(probe.send(), Role::Ordinary);
    }

    #[test]
    fn a_canary_that_is_not_proved_has_died() {
        for (state, died) in [(State::Refused, Died::Refused), (State::Unknown, Died::Unproved)] {
            let mut probe = Probe::new(1, 5);
            probe.send();
            assert_eq!(probe.ended(state), Some(died));
        }
    }

    #[test]
    fn fewer_orders_than_canaries_are_all_canaries() {
        let mut probe = Probe::new(3, 1);
        assert_eq!((probe.send(), probe.lets_go()), (Role::Canary, false));
        assert!(!Probe::new(3, 0).has_canaries());
    }

    #[test]
    fn a_half_open_run_lets_one_call_out_until_one_is_proved() {
        let mut probe = Probe::new(0, 5).half_open();
        assert_eq!(probe.room(4), 1);
        assert!(!probe.came_back(Some(&Outcome::Applied), false, true), "throttled");
        assert_eq!(probe.room(4), 1);
        assert!(!probe.came_back(Some(&Outcome::Refused(Refusal::PaymentPending)), false, false));
        assert_eq!(probe.room(4), 4);
        assert!(!probe.came_back(Some(&Outcome::Ambiguous(Doubt::Timeout)), false, false), "that is the breaker's");
    }

    #[test]
    fn a_half_open_run_stops_again_after_one_call_without_proof() {
        assert!(Probe::new(0, 5).half_open().came_back(Some(&Outcome::Ambiguous(Doubt::Timeout)), false, false));
        assert!(Probe::new(0, 5).half_open().came_back(None, false, false));
    }
}
