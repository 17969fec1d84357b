//! What a call brings back: what follows for its item, for the pace, and for all the others.

use super::{Dispatch, Landed};
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::journal::{Journal, JournalError};
use crate::model::outcome::Outcome;
use crate::runner::attempt::{Ended, Failed};
use crate::runner::clock::Clock;
use crate::runner::fresh::Fresh;
use crate::runner::gateway::Gateway;
use crate::runner::pace::wait_asked_for;
use crate::runner::progress::{Event, Progress};
use crate::runner::settle::Step;
use crate::runner::stop::Stop;

impl<J: Journal, G: Gateway, C: Clock> Dispatch<J, G, C> {
    /// Takes note of a call that has come back.
    pub(super) async fn land(&mut self, (ended, mut efforts): Landed) {
        let ended = match ended {
            Ok(ended) => ended,
            Err(Failed { error, .. }) if self.is_for_others(&error) => {
                self.probe.give_way(efforts.role);
                return Progress::add(&self.progress.ended, 1);
            }
            // No new order begins any more; what is begun is settled all the same.
            Err(Failed { error: error @ JournalError::Capped(_), .. }) => {
                self.fresh = Fresh::none();
                self.stop.get_or_insert(Stop::Journal(error));
                return;
            }
            Err(Failed { error, in_doubt }) => {
                in_doubt.iter().for_each(|item| self.progress.doubt(item));
                self.stop = Some(Stop::Journal(error));
                return;
            }
        };
        let now = self.desk.clock.now();
        self.progress.landed(&ended);
        self.keep_pace_with(&ended);
        efforts.answered += u32::from(ended.answered);
        if let Some(reading) = &ended.reading {
            efforts.retry_after = ended.retry_after;
            if let Some(halt) = reading.halt {
                self.halt(Stop::Halted(halt));
            }
        }
        if let Some(worse) = self.provider.note(&ended) {
            self.fall_ill(worse);
        }
        self.look_around();
        self.look_at_the_first(&ended);
        self.desk.places.remember(self.provider.remembers_failure());
        if let Some(reading) = &ended.reading {
            self.desk.places.see_to(reading);
        }
        self.note_stop(now).await;
        if ended.item.state == State::Unknown && self.next_step(&ended.item, &efforts, now) == Step::GiveUp {
            match self.desk.journal.give_up(ended.item.id, now).await {
                Ok(state) => self.schedule(Item { state, ..ended.item }, efforts),
                Err(error) => self.stop = Some(Stop::Journal(error)),
            }
            return;
        }
        self.schedule(ended.item, efforts);
    }

    /// Takes note of what an answer says about the pace. A 503 may ask for a wait as well as a 429, and an inquiry is a
    /// request like any other.
    fn keep_pace_with(&mut self, ended: &Ended) {
        let proves = |outcome: &Outcome| matches!(outcome, Outcome::Applied | Outcome::Already | Outcome::Refused(_));
        self.pacer.note(ended.http_status, ended.retry_after);
        if let Some(wait) = wait_asked_for(ended.retry_after, ended.throttled, self.rules.retries.backoff_first) {
            self.pacer.hold(wait);
            self.progress.tell(&Event::Throttled(wait));
        } else if ended.answered || ended.reading.as_ref().is_some_and(|reading| proves(&reading.outcome)) {
            self.pacer.climb();
            if let Some(share) = &self.share {
                share.climb();
            }
        }
        self.progress.show(self.pacer.seen());
    }

    /// Whoever answers may not have the merchant's key, or the provider may be as ill as it was in the run before.
    fn look_at_the_first(&mut self, ended: &Ended) {
        if self.seals.note(ended.item.id, ended.signature) {
            self.halt(Stop::WrongSignatures);
        }
        let outcome = ended.reading.as_ref().map(|reading| &reading.outcome);
        let was_half_open = self.probe.is_half_open();
        // That the provider answers says nothing of orders whose amounts may be as wrong as this one's.
        let is_well = ended.answered && !ended.names_other_amount && ended.item.other_amount().is_none();
        if self.probe.came_back(outcome, is_well, ended.throttled) {
            let why = self.was_ill.clone().unwrap_or_default();
            self.halt(Stop::StillIll(why));
        }
        if was_half_open && !self.probe.is_half_open() && self.probe.has_canaries() {
            self.asked.extend(self.line.take_all());
        }
    }
}
