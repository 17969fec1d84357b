//! A plan from everything that is known: the input, the notifications, the journal.

use std::collections::HashSet;

use super::exit::Failure;
use super::inputs::heard;
use super::load::Case;
use super::open;
use crate::job::settings::DuplicateInput;
use crate::journal::history::Asked;
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::{Account, Journal as _};
use crate::model::operation::Operation;
use crate::model::time::{BusinessDate, Timestamp};
use crate::plan::Plan;
use crate::plan::decide::{Deciding, Known};
use crate::plan::{Input, guard};
use crate::reconcile::evidence::Log;

/// The journal is asked about so many orders at a time.
pub(super) const AT_A_TIME: usize = 4096;

/// Puts together what is known and decides about every row.
pub(super) async fn make_plan(
    case: &Case,
    account: &Account,
    input: Input,
    log: &Log,
    journal: Option<&Store>,
    now: Timestamp,
) -> Result<Plan, Failure> {
    let own = case.job.guards.clone().unwrap_or_else(|| guard::whole_file(&input));
    let mut open_elsewhere = HashSet::new();
    let mut known = Known { heard: heard(log), ..Known::default() };
    if let Some(journal) = journal {
        let open = journal.items_in(account, case.job.name.as_str(), &[State::Intent, State::Unknown]).await;
        open_elsewhere.extend(open.map_err(open::failure)?.into_iter().map(|item| item.identity.invoice));
        let asked = Asked {
            job: case.job.name.to_string(),
            runs: own.max_growth.map_or(0, |growth| growth.runs),
            input_sha256: input.sha256.clone().filter(|_| own.duplicate_input != DuplicateInput::Allow),
            now,
        };
        known.history = journal.history(account, asked).await.map_err(open::failure)?;
    }
    if known.history.date.is_empty() {
        known.history.date = BusinessDate::of(now).to_string();
    }
    let guards = case.guards().unwrap_or(&own);
    let creation = Account { operation: Operation::Create, ..account.clone() };
    let mut deciding = Deciding::begin(&case.job, account.operation, guards, input);
    loop {
        case.told.signals.still_wanted()?;
        let invoices = deciding.next(AT_A_TIME)?;
        if invoices.is_empty() {
            break;
        }
        invoices.iter().for_each(|invoice| {
            open_elsewhere.remove(invoice);
        });
        if let Some(journal) = journal {
            known.items = journal.known(account, invoices.clone()).await.map_err(open::failure)?;
            known.created = journal.known(&creation, invoices).await.map_err(open::failure)?;
        }
        deciding.take(&known);
    }
    let mut plan = deciding.finish(known.heard.len(), &known.history);
    plan.open_elsewhere = open_elsewhere.len() as u64;
    case.note_overrides(&mut plan, &own, &known.history)?;
    Ok(plan)
}
