//! Work that several hosts share: rows are claimed as they are needed, and how the calls of the others ended is heard.

use std::sync::Arc;

use super::Dispatch;
use crate::journal::joint::{Ask, Claimed, Heard, Work};
use crate::journal::{Journal, JournalError};
use crate::model::time::Timestamp;
use crate::runner::clock::Clock;
use crate::runner::gateway::Gateway;
use crate::runner::settle::Origin;
use crate::runner::stop::Stop;

/// Whether we know how the calls of others have ended. While all is well it is heard along with the questions for work. Once a
/// call has failed it is heard before the next one, so that hosts which all fail at once stop when the breaker says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// Well enough.
    Enough,
    /// A call has failed: the next one waits until it is heard.
    Due,
    /// It was asked for.
    Asked,
}

impl<J: Journal, G: Gateway, C: Clock> Dispatch<J, G, C> {
    /// Whether the next call waits until it is heard how the calls of others have ended.
    pub(super) fn hears_first(&self) -> bool {
        self.hearing != Hearing::Enough && self.stop.is_none() && self.fresh.may_grow()
    }

    /// A call of ours has come back: if it has failed, the others may have failed as well.
    pub(super) fn look_around(&mut self) {
        if self.fresh.is_claimed() && self.provider.is_failing() {
            self.hearing = Hearing::Due;
        }
    }

    /// Asks for more orders of a joint run, and hears how the others are.
    pub(super) fn ask_for_work(&mut self, now: Timestamp) {
        if self.stop.is_some() || !self.asking_for_work.is_empty() {
            return;
        }
        if self.hearing == Hearing::Due {
            self.fresh.ask_at_once();
        }
        let is_idle =
            self.fresh.is_empty() && self.line.is_empty() && self.asked.is_empty() && self.under_way.is_empty();
        let Some(ask) = self.fresh.ask(&self.desk.run, &self.rules.limits, now) else { return };
        if self.hearing == Hearing::Due {
            self.hearing = Hearing::Asked;
        }
        let canaries = u32::try_from(self.rules.canaries).unwrap_or(u32::MAX);
        let ask = Ask { canaries, is_half_open: self.probe.is_half_open(), is_idle, heard: self.heard, ..ask };
        let desk = Arc::clone(&self.desk);
        self.asking_for_work.spawn(async move { desk.journal.claim(ask).await });
    }

    pub(super) fn take_work(&mut self, claimed: Result<Claimed, JournalError>) {
        if self.hearing == Hearing::Asked {
            self.hearing = Hearing::Enough;
        }
        match claimed {
            Ok(Claimed::Work(work)) => self.take_on(work),
            Ok(Claimed::Over) => self.fresh.close(),
            Ok(Claimed::Stopped(why)) => self.halt(Stop::ByAnother(why)),
            Err(error) => self.stop = Some(Stop::Journal(error)),
        }
    }

    pub(in crate::runner) fn take_on(&mut self, work: Work) {
        let Work { rows, items, canaries, is_proved, elsewhere, heard } = work;
        // What had gone wrong before this host came may be over. Those who were there have stopped the run, or go on.
        let elsewhere = if self.heard == 0 { Vec::new() } else { elsewhere };
        self.heard = heard;
        if is_proved && self.probe.is_half_open() {
            self.was_ill = None;
            self.probe = self.probe.proved();
        }
        if !rows.is_empty() && !self.has_claimed {
            self.has_claimed = true;
            self.probe = self.probe.with_canaries(canaries as usize);
        }
        match self.fresh.add(&rows) {
            Ok(sum) => self.progress.expect(sum),
            Err(row) => {
                let error = format!("row {row} was claimed, and the plan does not send it");
                self.stop = Some(Stop::Journal(JournalError::Read(error)));
            }
        }
        for (item, efforts) in self.left_by_others(items) {
            self.last_fresh_at = self.desk.clock.now();
            match efforts.origin {
                Origin::Answered => self.asked.push((item, efforts)),
                Origin::ThisRun | Origin::EarlierRun => self.schedule(item, efforts),
            }
        }
        self.hear(&elsewhere);
    }

    /// Takes note of how calls of others have ended.
    fn hear(&mut self, elsewhere: &[Heard]) {
        for heard in elsewhere {
            if let Some(worse) = self.provider.hear(*heard) {
                self.fall_ill(worse);
            }
        }
        self.desk.places.remember(self.provider.remembers_failure());
    }

    /// Whether somebody else answers for the item: its invoice has another one, or, in a joint run, another host or a person
    /// has brought it to its end meanwhile.
    pub(super) fn is_for_others(&self, error: &JournalError) -> bool {
        matches!(error, JournalError::Taken) || matches!(error, JournalError::Impossible(_)) && self.fresh.is_claimed()
    }
}
