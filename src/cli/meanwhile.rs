//! What a run that could not start leaves as it was: the money that earlier runs of its job left in doubt. Exit code 2 says that
//! nothing was sent, and must not sound as if all were well.

use std::time::Duration;

use tokio::time::timeout;

use super::load::{Case, Loosening, for_a_shell, named};
use super::screen::Screen;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::model::operation::Task;
use crate::report::words::both;

/// A server may be why the run could not start: it is not waited for twice.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says what is in doubt meanwhile, and what settles it; nothing if nothing is, or if the journal cannot be read.
pub(super) async fn tell(case: &Case, screen: Screen) {
    let Task::Change(operation) = case.job.task else { return };
    let Ok(Ok(items)) = timeout(PATIENCE, left_by_earlier_runs(case)).await else { return };
    let mut tally = Tally::default();
    items.iter().for_each(|item| tally.add(item.amount));
    if tally.count == 0 {
        return;
    }
    let waits = |item: &&Item| item.state.waits_for_a_person();
    let ruled = items.iter().find(waits).map(|item| for_a_shell(item.identity.invoice.as_str()));
    let has_file = !matches!(case.loosening, Loosening::NotOffered);
    let settles = has_file && !items.iter().all(|item| waits(&item));
    let command = if settles { case.command("resolve") } else { String::new() };
    let place = format!("--journal {}", printable(&for_a_shell(&named(&case.journal))));
    screen.warn(&both::spoken(|words| {
        let mut lines = vec![(words.doubt_meanwhile)(tally, &command)];
        if command.is_empty() {
            lines.push((words.which_ones)(&place));
        }
        lines.extend(ruled.as_ref().map(|invoice| (words.for_a_person)(invoice, operation.word(), &place)));
        lines.join("\n  ")
    }));
}

/// The items of the job that nobody knows about. What another runner has under way at this moment is not among them.
async fn left_by_earlier_runs(case: &Case) -> Result<Vec<Item>, JournalError> {
    let Some(journal) = Store::open_to_read(&case.journal).await? else { return Ok(Vec::new()) };
    let is_held = journal.is_held(&case.journal).await?;
    let mut items = journal.doubts().await?;
    items.retain(|item| {
        *item.job == *case.job.name.as_str()
            && item.identity.account.environment == case.job.merchant.environment
            && !(is_held && item.state == State::Intent)
    });
    Ok(items)
}
