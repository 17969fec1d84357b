//! What a command that did not come to begin leaves as it was: the money that earlier runs of its job left in doubt. It says that
//! nothing was sent, and must not sound as if all were well: who could not start tells the doubt beside exit code 2, and who was
//! stopped before the beginning ends with 3 because of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::at_work::AtWork;
use super::load::{Case, Loosening, for_a_shell, named};
use super::screen::Screen;
use crate::edge::runtime;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::journal::store::{Location, Store};
use crate::journal::{Journal as _, JournalError};
use crate::model::environment::Environment;
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::operation::{Operation, Task};
use crate::report::words::both::{self, Both};

/// A server may be why the run could not start: it is not waited for twice.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever has asked to stop waits for this.
const IMPATIENCE: Duration = Duration::from_secs(2);

/// Whether a command has its journal in its hands: nobody else is at work on a file then.
#[derive(Debug, Default, Clone)]
pub(super) struct Hold(Arc<AtomicBool>);

/// As long as this lives, it has.
#[derive(Debug)]
pub(super) struct Held(Hold);

impl Hold {
    /// It takes the journal now.
    pub(super) fn take(&self) -> Held {
        self.0.store(true, Ordering::SeqCst);
        Held(self.clone())
    }

    fn is_ours(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}

/// Where the doubt of earlier runs of a job stands, and what to type about it.
pub(super) struct Earlier {
    journal: Location,
    job: String,
    environment: Environment,
    operation: Operation,
    /// What settles it; `None`: the job has no file.
    resolve: Option<String>,
    hold: Hold,
}

impl Earlier {
    /// That of a job; an audit leaves nothing in doubt.
    pub(super) fn of(case: &Case) -> Option<Self> {
        let Task::Change(operation) = case.job.task else { return None };
        let has_file = !matches!(case.loosening, Loosening::NotOffered);
        Some(Self {
            journal: case.journal.clone(),
            job: case.job.name.to_string(),
            environment: case.job.merchant.environment,
            operation,
            resolve: has_file.then(|| case.command("resolve")),
            hold: case.told.hold.clone(),
        })
    }

    /// What is in doubt, for somebody who waits; `None` if nothing is, or if the journal does not say so at once.
    pub(super) fn told(self: Arc<Self>) -> Option<Both> {
        runtime::within(IMPATIENCE, async move {
            // Whether it is whole is for the next run to find out.
            let journal = Store::open_to_examine(&self.journal).await.ok()??;
            self.tell(&self.left_in(&journal).await.ok()?)
        })?
    }

    /// How much of it the journal knows, of what no call of this moment is about; `None` as before.
    pub(super) fn known(self: Arc<Self>) -> Option<Tally> {
        runtime::within(IMPATIENCE, async move {
            let journal = Store::open_to_examine(&self.journal).await.ok()??;
            let mut items = journal.doubts().await.ok()?;
            items.retain(|item| self.is_of_job(item) && item.state != State::Intent);
            Some(sum(&items))
        })?
    }

    fn is_of_job(&self, item: &Item) -> bool {
        *item.job == *self.job && item.identity.account.environment == self.environment
    }

    /// The items of the job that nobody knows about. What another runner has under way at this moment is not among them.
    async fn left_in(&self, journal: &Store) -> Result<Vec<Item>, JournalError> {
        let is_alone = self.hold.is_ours() && !journal.is_shared();
        let at_work = if is_alone { AtWork::default() } else { AtWork::on(journal, &self.journal).await? };
        let mut items = journal.doubts().await?;
        items.retain(|item| self.is_of_job(item) && !at_work.has(item));
        Ok(items)
    }

    /// How much it is, what settles it, and who has to decide.
    fn tell(&self, items: &[Item]) -> Option<Both> {
        let tally = sum(items);
        if tally.count == 0 {
            return None;
        }
        let waits = |item: &&Item| item.state.waits_for_a_person();
        let ruled = items.iter().find(waits).map(|item| for_a_shell(item.identity.invoice.as_str()));
        let settles = self.resolve.as_deref().filter(|_| !items.iter().all(|item| waits(&item)));
        let place = format!("--journal {}", printable(&for_a_shell(&named(&self.journal))));
        Some(both::spoken(|words| {
            let mut lines =
                vec![(words.doubt_meanwhile)(tally, settles.unwrap_or_default()), (words.which_ones)(&place)];
            lines.extend(ruled.as_ref().map(|invoice| (words.for_a_person)(invoice, self.operation.word(), &place)));
            lines.join("\n  ")
        }))
    }
}

fn sum(items: &[Item]) -> Tally {
    let mut tally = Tally::default();
    items.iter().for_each(|item| tally.add(item.amount));
    tally
}

/// Says what is in doubt though the command could not start, and what settles it; nothing if nothing is, or if the journal cannot
/// be read.
pub(super) async fn tell(case: &Case, screen: Screen) {
    let Some(earlier) = Earlier::of(case) else { return };
    let look = async {
        let journal = Store::open_to_read(&earlier.journal).await.ok()??;
        earlier.tell(&earlier.left_in(&journal).await.ok()?)
    };
    if let Ok(Some(told)) = timeout(PATIENCE, look).await {
        screen.warn(&told);
    }
}
