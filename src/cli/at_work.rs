//! Who is at work on a journal at this moment, and what is under way because of that: a first request whose answer somebody waits
//! for is not in doubt before that program has ended. What was unknown before stays in doubt, whoever asks about it again.

use std::collections::BTreeSet;

use super::left;
use crate::journal::JournalError;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::journal::store::{Location, Runner, Store};
use crate::model::fault::printable;
use crate::model::ids::RunId;
use crate::model::language::Language;
use crate::model::money::Tally;
use crate::model::time::Timestamp;
use crate::report::words::both::{self, Both, both};
use crate::report::words::speech::{Speech, Unit};

/// The runs on which somebody is at work.
#[derive(Debug, Default)]
pub(super) struct AtWork(Vec<Runner>);

impl AtWork {
    /// Of a file it is known only that somebody holds it: that is the latest run then, unless it has come to its end or was left.
    pub(super) async fn on(journal: &Store, location: &Location) -> Result<Self, JournalError> {
        let mut runners = journal.at_work(location).await?;
        runners.retain(|runner| journal.is_shared() || left::why(location, &runner.run).is_none());
        Ok(Self(runners))
    }

    /// Whether nobody is.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody is at work on this run.
    pub(super) fn is_on(&self, run: &RunId) -> bool {
        self.0.iter().any(|runner| runner.run == *run)
    }

    /// Whether the first request for an item is under way.
    pub(super) fn has(&self, item: &Item) -> bool {
        item.state == State::Intent && self.is_on(&item.run)
    }

    /// Who is at work, on a run or on any: the hosts, or that it is somebody on this one.
    pub(super) fn who(&self, run: Option<&RunId>) -> Both {
        let runners = self.0.iter().filter(|runner| run.is_none_or(|run| runner.run == *run));
        let hosts: BTreeSet<&str> = runners.filter_map(|runner| runner.host.as_deref()).collect();
        if hosts.is_empty() {
            return both("a runner is at work", "ada proses yang sedang berjalan");
        }
        let hosts = printable(&hosts.into_iter().collect::<Vec<_>>().join(", "));
        both(format!("at work: {hosts}"), format!("sedang bekerja: {hosts}"))
    }
}

/// What is under way, added up.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// How much it is.
    pub(super) tally: Tally,
    /// When the oldest of these requests was begun.
    since: Option<Timestamp>,
}

impl UnderWay {
    /// All of these.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut sum = Self::default();
        items.into_iter().for_each(|item| sum.add(item));
        sum
    }

    /// One more.
    pub(super) fn add(&mut self, item: &Item) {
        self.tally.add(item.amount);
        self.since = self.since.into_iter().chain([item.last_sent_at]).min();
    }

    /// While somebody is at work, what has just been asked for is not in doubt, and nobody is to run the job beside it.
    pub(super) fn told(&self, who: &Both) -> Both {
        let (Both { english, indonesian }, rupiah) = (both::counted(self.tally.count, Unit::Items), self.tally.rupiah);
        let since = |language: Language, word: &str| {
            self.since.map(|at| format!(", {word} {}", (Speech::of(language).time)(at))).unwrap_or_default()
        };
        let [begun, mulai] = [since(Language::English, "since"), since(Language::Indonesian, "sejak")];
        both(
            format!(
                "{}; under way: {english}, {rupiah}{begun}, not in doubt until it has ended\n  it settles what it can: wait for \
                 its end, then look again",
                who.english
            ),
            format!(
                "{}; sedang dikerjakan: {indonesian}, {rupiah}{mulai}, baru bisa disebut belum pasti setelah proses itu \
                 berakhir\n  tunggu sampai selesai, lalu lihat lagi",
                who.indonesian
            ),
        )
    }
}

#[cfg(test)]
impl AtWork {
    /// On these runs, of a file.
    pub(super) fn of(runs: impl IntoIterator<Item = RunId>) -> Self {
        Self(runs.into_iter().map(|run| Runner { run, host: None }).collect())
    }
}
