//! Orders of which nobody knows what became, and orders that were refused for no fault of their own.

use std::collections::HashSet;

use crate::job::Job;
use crate::journal::record::{Item, RowRecord};
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::{Account, Journal as _, JournalError};
use crate::model::ids::InvoiceNumber;
use crate::model::money::Tally;
use crate::model::outcome::Refusal;

/// What nobody knows.
pub(super) const IN_DOUBT: &[State] = &[State::Intent, State::Unknown, State::Review, State::Conflict];

/// The invoice of a row whose item is in doubt.
pub(super) fn in_doubt_here(record: &RowRecord) -> Option<InvoiceNumber> {
    let item = record.item.as_ref().filter(|item| IN_DOUBT.contains(&item.state));
    item.map(|item| item.identity.invoice.clone())
}

/// Items of a job in doubt whose orders are not these.
pub(super) async fn in_doubt_elsewhere(
    job: &Job,
    account: &Account,
    journal: &Store,
    here: &HashSet<InvoiceNumber>,
) -> Result<Tally, JournalError> {
    let mut tally = Tally::default();
    for item in journal.items_in(account, job.name.as_str(), IN_DOUBT).await? {
        if !here.contains(&item.identity.invoice) {
            tally.add(item.amount);
        }
    }
    Ok(tally)
}

/// The invoices that were refused for the key, and not for what they are.
pub(super) fn refused_for_the_key(records: &[RowRecord]) -> impl Iterator<Item = InvoiceNumber> {
    let was_refused = |item: &&Item| {
        item.state == State::Refused && [401, 403].into_iter().any(|status| item.reason == Refusal::Http(status).word())
    };
    records.iter().filter_map(move |record| Some(record.item.as_ref().filter(was_refused)?.identity.invoice.clone()))
}
