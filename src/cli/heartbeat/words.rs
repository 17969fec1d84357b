//! The parts that a heartbeat is made of, in the language of the run.

use chrono::NaiveDateTime;

use super::Reading;
use crate::model::time::{Timestamp, after};
use crate::report::words::progress::Words;

impl Reading {
    pub(super) fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// `4.9/s`
    pub(super) fn rate(&self, words: &Words) -> Option<String> {
        self.tenths.map(|tenths| self.per_time(tenths, words))
    }

    /// `2.5/s`; `None`: all of the job's rate is in force.
    pub(super) fn lowered_to(&self, words: &Words) -> Option<String> {
        self.lowered.map(|tenths| self.per_time(tenths, words))
    }

    /// `5/s`
    pub(super) fn limit(&self, words: &Words) -> Option<String> {
        self.quota.map(|quota| format!("{}{}", quota.calls, self.unit(words)))
    }

    fn per_time(&self, tenths: u64, words: &Words) -> String {
        format!("{}{}{}{}", tenths / 10, words.point, tenths % 10, self.unit(words))
    }

    /// `/s`, `/m` or `/h`, as the limit has it.
    pub(super) fn unit(&self, words: &Words) -> &'static str {
        let [second, minute, hour] = words.per;
        match self.quota.map(|quota| quota.per.as_secs()) {
            Some(60) => minute,
            Some(3600) => hour,
            Some(_) | None => second,
        }
    }

    /// The time of day; with the day, if it is not today.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let [today, another_day] = self.words().times;
        let form = if self.local(at).date() == self.local(self.now).date() { today } else { another_day };
        self.local(at).format(form).to_string()
    }

    /// The time of day, to the second and with its zone, until which everything waits: `02:14:41 WIB`.
    pub(super) fn waits_until(&self) -> Option<String> {
        let until = self.waiting_until()?;
        Some(format!("{} {}", self.local(until).format(self.words().to_the_second), self.zone))
    }

    pub(super) fn waiting_until(&self) -> Option<Timestamp> {
        self.waiting.map(|left| after(self.now, left))
    }

    pub(super) fn local(&self, at: Timestamp) -> NaiveDateTime {
        self.zone.local(at)
    }
}
