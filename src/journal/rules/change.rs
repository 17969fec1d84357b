//! The changes of the journal, as values: a store sees what a change is about before it runs.

use super::desk::Desk;
use super::late::{self, Late, TakenIn};
use super::{items, runs};
use crate::journal::JournalError;
use crate::journal::log::{Reopened, Ruled};
use crate::journal::record::{
    Acceptance, AttemptId, Contradiction, Finished, InquiryResult, Intent, Item, ItemId, NewRun, OutcomeRecord,
};
use crate::journal::state::State;
use crate::model::ids::RunId;
use crate::model::time::Timestamp;

/// A change that somebody asks for. It may run more than once, and counts only if its transaction is committed.
#[derive(Debug)]
pub(in crate::journal) enum Change {
    BeginRun(Box<NewRun>),
    Intend(Intent),
    Close(Box<OutcomeRecord>),
    Inquire(Box<InquiryResult>),
    GiveUp(ItemId, Timestamp),
    Recover(Timestamp),
    Stop { run: RunId, why: String, at: Timestamp },
    Finish(Finished),
    Contradict(Contradiction),
    Rule(ItemId, Ruled, Timestamp),
    Reopen(Vec<ItemId>, Reopened, Timestamp),
    Accept(Acceptance, Timestamp),
    TakeIn(Box<Late>),
}

/// What came of a change.
#[derive(Debug)]
pub(in crate::journal) enum Done {
    /// Nothing that anybody asks for.
    Noted,
    /// The run that began.
    Begun(RunId),
    /// What may be sent: the item, its attempt and the bytes.
    Intended(Box<Item>, AttemptId, Vec<u8>),
    /// What the item is now.
    Became(State),
    /// So many attempts were left open.
    Recovered(u64),
    /// The next generations.
    Reopened(Vec<Item>),
    /// What came of an outcome that was late.
    Late(TakenIn),
}

impl Change {
    /// Whether it has happened already, so that it has to be kept wherever there is room for it. If not, something would
    /// follow from it.
    pub(in crate::journal) const fn has_happened(&self) -> bool {
        match self {
            Self::Close(_) | Self::Inquire(_) | Self::GiveUp(..) | Self::Recover(_) => true,
            Self::Stop { .. } | Self::Finish(_) | Self::Contradict(_) | Self::TakeIn(_) => true,
            Self::BeginRun(_) | Self::Intend(_) | Self::Rule(..) | Self::Reopen(..) | Self::Accept(..) => false,
        }
    }

    /// Lets it happen.
    pub(in crate::journal) fn apply(&self, desk: &impl Desk) -> Result<Done, JournalError> {
        Ok(match self {
            Self::BeginRun(run) => Done::Begun(runs::begin(desk, run)?),
            Self::Intend(intent) => {
                let (item, attempt, body) = items::intend(desk, intent)?;
                Done::Intended(Box::new(item), attempt, body)
            }
            Self::Close(record) => Done::Became(items::close_attempt(desk, record)?),
            Self::Inquire(inquiry) => Done::Became(items::inquired(desk, inquiry)?),
            Self::GiveUp(item, at) => Done::Became(items::give_up(desk, *item, *at)?),
            Self::Recover(at) => Done::Recovered(items::recover(desk, *at)?),
            Self::Stop { run, why, at } => {
                runs::stop(desk, run, why, *at)?;
                Done::Noted
            }
            Self::Finish(finished) => {
                runs::finish(desk, finished)?;
                Done::Noted
            }
            Self::Contradict(contradiction) => Done::Became(items::contradict(desk, contradiction)?),
            Self::Rule(item, ruled, at) => Done::Became(items::rule(desk, *item, ruled, *at)?),
            Self::Reopen(items, reopened, at) => {
                let next = items.iter().map(|item| items::reopen(desk, *item, reopened, *at));
                Done::Reopened(next.collect::<Result<_, _>>()?)
            }
            Self::Accept(acceptance, at) => {
                items::accept(desk, acceptance, *at)?;
                Done::Noted
            }
            Self::TakeIn(late) => Done::Late(late::take_in(desk, late)?),
        })
    }
}

/// Each change has its one kind of result, as [`Change::apply`] says.
const OWN_KIND: &str = "a change gives its own kind of result";

impl Done {
    pub(in crate::journal) fn begun(self) -> RunId {
        let Self::Begun(run) = self else { unreachable!("{OWN_KIND}") };
        run
    }

    pub(in crate::journal) fn intended(self) -> (Item, AttemptId, Vec<u8>) {
        let Self::Intended(item, attempt, body) = self else { unreachable!("{OWN_KIND}") };
        (*item, attempt, body)
    }

    pub(in crate::journal) fn became(self) -> State {
        let Self::Became(state) = self else { unreachable!("{OWN_KIND}") };
        state
    }

    pub(in crate::journal) fn recovered(self) -> u64 {
        let Self::Recovered(count) = self else { unreachable!("{OWN_KIND}") };
        count
    }

    pub(in crate::journal) fn taken_in(self) -> TakenIn {
        let Self::Late(taken_in) = self else { unreachable!("{OWN_KIND}") };
        taken_in
    }

    pub(in crate::journal) fn reopened(self) -> Vec<Item> {
        let Self::Reopened(items) = self else { unreachable!("{OWN_KIND}") };
        items
    }
}
