//! The plan as it was made: every row with its fate, and all sums.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::decide::readings;
use super::decisions::Decisions;
use super::disposition::{Disposition, Earlier, Found, Sendable};
use super::guard::{Reading, Sums};
use super::input::{InputRow, Role};
use super::needs::request;
use super::register::{Part, Register};
use crate::job::overrides::Override;
use crate::job::settings::{Control, Guards, OnInvalid};
use crate::journal::JournalError;
use crate::journal::history::History;
use crate::journal::record::{NewRow, NewRows, RowFate};
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::listing::Unread;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::order::Order;

/// Every input row with a disposition, and every guard's reading.
#[derive(Debug)]
pub struct Plan {
    /// The operation.
    pub operation: Operation,
    /// The header of the input.
    pub header: Vec<String>,
    /// Its delimiter.
    pub delimiter: u8,
    /// Each guard with its headroom.
    pub guards: Vec<Reading>,
    /// The guards that were loosened for it.
    pub overrides: Vec<Override>,
    /// SHA-256 of the input, in hex, if it is known.
    pub input_sha256: Option<String>,
    /// The run that is done with the same input, if the job asks for it.
    pub repeats: Option<RunId>,
    /// Orders that earlier runs of the job left unknown and that are not in the input: a run asks about them too.
    pub open_elsewhere: u64,
    /// Orders that verified notifications speak of.
    pub notified: usize,
    /// What is wrong with the input; the run is refused for it unless the job says `on_invalid: skip`.
    pub faults: Vec<Fault>,
    /// Whether those faults refuse the run.
    pub on_invalid: OnInvalid,
    /// SHA-256 of bodies that have left once, and so are sent again as they were.
    pub stored_bodies: HashMap<InvoiceNumber, String>,
    pub(super) register: Register,
    /// What the journal remembered when it was made.
    pub(super) history: History,
    /// What is to happen to each order.
    pub(super) dispositions: Decisions,
    /// What requests need that the file lacks, by order.
    pub(super) found: HashMap<u32, Found>,
    /// Orders that other jobs have left in doubt, each with its job.
    pub(super) doubts_elsewhere: Vec<(InvoiceNumber, Rupiah, Arc<Earlier>)>,
    pub(super) sums: Sums,
    /// Why no more orders could be read, once that was so.
    pub(super) unread: OnceLock<Unread>,
}

impl Plan {
    /// Whether the plan may be run: no guard is broken, and no bad row refuses the file.
    #[must_use]
    pub fn may_run(&self) -> bool {
        let bad_input = self.on_invalid == OnInvalid::Refuse && !self.faults.is_empty();
        !bad_input && self.guards.iter().all(Reading::holds)
    }

    /// What it sends, in sum.
    #[must_use]
    pub const fn total(&self) -> Tally {
        self.sums.send
    }

    /// The guards that were loosened though the job's `own` limits would have let the plan pass: a slip.
    #[must_use]
    pub fn needless_overrides(&self, control: Option<Control>, own: &Guards, history: &History) -> Vec<&'static str> {
        let readings = readings(own, self.operation, control, &self.sums, history);
        let sent = (0..).zip(self.dispositions.iter()).filter(|(_, found)| matches!(found, Disposition::Send { .. }));
        let dearest = sent.map(|(order, _)| self.register.lists.amount(order)).max();
        let is_needed = |guard: &str| match guard {
            "max_order" => dearest > own.max_order,
            _ => readings.iter().any(|reading| reading.key() == guard && !reading.holds()),
        };
        self.overrides.iter().map(|found| found.guard).filter(|guard| !is_needed(guard)).collect()
    }

    /// All rows, in the order of the file, each read anew; none after an error.
    pub fn rows(&self) -> impl Iterator<Item = Result<InputRow, Unread>> {
        self.register.rows()
    }

    /// What became of a row, and why.
    #[must_use]
    pub fn fate(&self, row: &InputRow) -> (RowFate, String) {
        let order = match &row.role {
            Role::Invalid(faults) => return (RowFate::Invalid, first_of(faults)),
            Role::Duplicate { of, .. } => return (RowFate::Skip, format!("duplicate of row {of}")),
            Role::First(order) | Role::Line(order) => *order,
        };
        let disposition = &self.dispositions[order];
        let reason = match disposition {
            Disposition::Send { .. } => String::new(),
            Disposition::Continue(earlier) if earlier.state.is_terminal() => {
                format!("settled earlier in run {}", earlier.run)
            }
            Disposition::Continue(earlier) => format!("left open by run {}", earlier.run),
            Disposition::Elsewhere(earlier) => {
                format!("{} by job {} in run {}", earlier.state, earlier.job, earlier.run)
            }
            Disposition::Skip(reason) => reason.to_string(),
            Disposition::Held(by) => by.word().into(),
            Disposition::Invalid(faults) => first_of(faults),
        };
        (fate_of(disposition), reason)
    }

    /// Rows and rupiah per disposition. What another run settled counts as skipped.
    #[must_use]
    pub fn dispositions(&self) -> Dispositions {
        let mut tallies = Dispositions::default();
        for (fate, rupiah) in self.fates() {
            let tally = match fate {
                RowFate::Send => &mut tallies.send,
                RowFate::Settled | RowFate::Continue | RowFate::Skip => &mut tallies.skip,
                RowFate::Held => &mut tallies.held,
                RowFate::Invalid => &mut tallies.invalid,
            };
            tally.add(rupiah);
        }
        tallies
    }

    /// Why rows are not meant, with how many rows each reason has: the most frequent first.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        let creates = self.operation == Operation::Create;
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for (part, _) in self.register.lists.parts() {
            let order = match part {
                Part::First(order) => order,
                Part::Later(order) if creates => order,
                Part::Later(_) => {
                    *counts.entry(DUPLICATE).or_default() += 1;
                    continue;
                }
                Part::Bad => continue,
            };
            if let Disposition::Skip(reason) = &self.dispositions[order as usize] {
                *counts.entry(reason).or_default() += 1;
            }
        }
        let mut found: Vec<LeftOut> =
            counts.into_iter().map(|(reason, rows)| LeftOut { reason: reason.to_owned(), rows }).collect();
        found.sort_by(|one, other| other.rows.cmp(&one.rows).then_with(|| one.reason.cmp(&other.reason)));
        found
    }

    /// What became of each row, and its money.
    fn fates(&self) -> impl Iterator<Item = (RowFate, Rupiah)> {
        let creates = self.operation == Operation::Create;
        self.register.lists.parts().map(move |(part, rupiah)| {
            let fate = match part {
                Part::Bad => RowFate::Invalid,
                Part::Later(_) if !creates => RowFate::Skip,
                Part::First(order) | Part::Later(order) => fate_of(&self.dispositions[order as usize]),
            };
            (fate, rupiah)
        })
    }

    /// All rows as they were read, counted apart from what became of them.
    #[must_use]
    pub fn input_tally(&self) -> Tally {
        self.register.lists.tally()
    }

    /// Orders of this input that other jobs have left in doubt, and the names of those jobs.
    #[must_use]
    pub fn in_doubt_elsewhere(&self) -> (Tally, BTreeSet<String>) {
        let (mut tally, mut jobs) = (Tally::default(), BTreeSet::new());
        for (_, amount, earlier) in &self.doubts_elsewhere {
            tally.add(*amount);
            jobs.insert(earlier.job.clone());
        }
        (tally, jobs)
    }

    /// Rows whose orders an earlier run of the job has left in doubt: this run goes on with them.
    #[must_use]
    pub fn left_open(&self) -> Tally {
        let mut tally = Tally::default();
        self.fates().filter(|(fate, _)| *fate == RowFate::Continue).for_each(|(_, rupiah)| tally.add(rupiah));
        tally
    }

    /// Orders of which an earlier run of the job has left nothing proved, and that this one asks about.
    #[must_use]
    pub fn unproved(&self) -> u64 {
        let is_unproved = |found: &&Disposition| matches!(found, Disposition::Continue(earlier) if matches!(earlier.state, State::Intent | State::Unknown));
        self.dispositions.iter().filter(is_unproved).count() as u64
    }

    /// The invoices of orders of this input that other jobs have left in doubt.
    pub fn doubts_elsewhere(&self) -> impl Iterator<Item = &InvoiceNumber> {
        self.doubts_elsewhere.iter().map(|(invoice, _, _)| invoice)
    }

    /// The orders that are to be sent, each read anew; none after an error.
    pub fn to_send(&self) -> impl Iterator<Item = Result<Sendable, Unread>> {
        self.register.orders_from(0).filter_map(|read| match read {
            Ok((number, order)) => self.request_of(number, order).map(Ok),
            Err(error) => Some(Err(error)),
        })
    }

    /// Some orders from one on, those of one block, of which some may be to be sent; and the number behind the last of them.
    /// `None`: there are no more.
    pub(super) fn some_to_send(&self, order: u32) -> Result<Option<(Vec<Sendable>, u32)>, Unread> {
        let some = self.register.some_orders(order)?;
        let next = some.last().map(|(last, _)| last + 1);
        let ready = some.into_iter().filter_map(|(number, order)| self.request_of(number, order)).collect();
        Ok(next.map(|next| (ready, next)))
    }

    /// The request for an order; `None` if it is not to be sent.
    fn request_of(&self, number: u32, order: Order) -> Option<Sendable> {
        let Disposition::Send { generation } = self.dispositions[number as usize] else { return None };
        let none = Found::default();
        let request = request(self.operation, &order, self.found.get(&number).unwrap_or(&none));
        let (call, payment_reference) = request.expect("it was complete when it was decided about");
        Some(Sendable { order, call, payment_reference, generation })
    }

    /// The order that is to be sent and whose first row has this number; `None` if there is none, or it cannot be read.
    #[must_use]
    pub fn sendable(&self, row: u64) -> Option<Sendable> {
        let Part::First(order) = self.part(row)? else { return None };
        let read = self.register.order(order).map_err(|error| self.note_unread(error)).ok()?;
        self.request_of(order, read)
    }

    /// Why orders that were to be sent could not be read any more; `None`: all could that were asked for.
    #[must_use]
    pub fn unread(&self) -> Option<&Unread> {
        self.unread.get()
    }

    pub(super) fn note_unread(&self, error: Unread) {
        self.unread.get_or_init(|| error);
    }

    /// What the row of that number is to its order.
    #[must_use]
    pub fn part(&self, number: u64) -> Option<Part> {
        self.register.lists.part(number)
    }

    /// The order of which a row of that text is the first; `None` if the row is bad.
    #[must_use]
    pub fn order_in(&self, raw: &str) -> Option<Order> {
        self.register.order_in(raw)
    }

    /// Forgets the text of the input: it is in the journal now, and nothing is left to be sent.
    pub fn forget_text(&mut self) {
        self.register.forget_text();
    }
}

impl NewRows for Plan {
    fn count(&self) -> u64 {
        self.register.lists.tally().count
    }

    fn each(&self, take: &mut dyn FnMut(&NewRow) -> Result<(), JournalError>) -> Result<(), JournalError> {
        self.rows().try_for_each(|row| {
            let row = row?;
            let (fate, reason) = self.fate(&row);
            let InputRow { number, line, raw, invoice, rupiah, .. } = row;
            take(&NewRow { number, line, raw, invoice, rupiah, fate, reason })
        })
    }
}

/// What a disposition is to the rows of its order.
fn fate_of(disposition: &Disposition) -> RowFate {
    match disposition {
        Disposition::Send { .. } => RowFate::Send,
        Disposition::Continue(earlier) if earlier.state.is_terminal() => RowFate::Settled,
        Disposition::Continue(_) => RowFate::Continue,
        Disposition::Elsewhere(_) | Disposition::Skip(_) => RowFate::Skip,
        Disposition::Held(_) => RowFate::Held,
        Disposition::Invalid(_) => RowFate::Invalid,
    }
}

/// What is wrong with a row, for its reason; a row that disagrees with an earlier one is told about there.
fn first_of(faults: &[Fault]) -> String {
    faults
        .first()
        .map_or_else(|| "another row of the invoice says something else".to_owned(), |fault| fault.message.clone())
}

/// The reason of all rows that repeat an earlier one.
pub const DUPLICATE: &str = "duplicate of an earlier row";

/// A reason for which rows are not meant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// As it stands in `rekon_reason`, or [`DUPLICATE`].
    pub reason: String,
    /// How many rows have it.
    pub rows: u64,
}

/// Rows and rupiah per disposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Dispositions {
    /// To be sent.
    pub send: Tally,
    /// Not meant, or done already.
    pub skip: Tally,
    /// Kept back by a row guard.
    pub held: Tally,
    /// Bad.
    pub invalid: Tally,
}
