//! Every order gets one disposition.

use std::collections::{BTreeSet, HashMap};

use super::disposition::{Disposition, HeldBy, PlannedOrder, Sendable};
use super::guard::{self, Reading, Subject};
use super::input::{Input, InputOrder, InputRow, Role};
use super::precedent;
use crate::doku::request::Call;
use crate::job::overrides::Override;
use crate::job::settings::{Control, Guards, Job, OnInvalid};
use crate::journal::history::History;
use crate::journal::record::{Item, RowFate};
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, RunId};
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::order::Order;

/// What is known about the orders before a run: by the journal, and by DOKU's notifications.
#[derive(Debug, Default)]
pub struct Known {
    /// Items of the same operation.
    pub items: HashMap<InvoiceNumber, Item>,
    /// Items of the orders' creation, for identifiers that the file lacks.
    pub created: HashMap<InvoiceNumber, Item>,
    /// What verified notifications say.
    pub heard: HashMap<InvoiceNumber, Heard>,
    /// What the journal remembers of earlier runs and of the day.
    pub history: History,
}

/// What verified notifications say about one order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Whether one says SUCCESS.
    pub paid: bool,
    /// Whether one says REFUNDED.
    pub refunded: bool,
    /// All amounts that they name.
    pub amounts: BTreeSet<Rupiah>,
    /// `payment.merchant_unique_reference`.
    pub payment_reference: Option<String>,
    /// `ORDER_ID`.
    pub order_id: Option<String>,
    /// `AKULAKU_UNIQUE_REFERENCE`.
    pub akulaku_reference: Option<String>,
}

/// Every input row with a disposition, and every guard's reading.
#[derive(Debug)]
pub struct Plan {
    /// The operation.
    pub operation: Operation,
    /// The header of the input.
    pub header: Vec<String>,
    /// Its delimiter.
    pub delimiter: u8,
    /// All rows, in the order of the file.
    pub rows: Vec<InputRow>,
    /// All orders.
    pub orders: Vec<PlannedOrder>,
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
}

/// Decides about every order and compares the whole with the guards.
#[must_use]
pub fn decide(job: &Job, operation: Operation, guards: &Guards, input: Input, known: &Known) -> Plan {
    let mut faults = input.faults();
    let orders: Vec<PlannedOrder> = input
        .orders
        .into_iter()
        .map(|entry| {
            let disposition = dispose(job, operation, guards, &entry, known);
            if let Disposition::Invalid(found) = &disposition
                && entry.faults.is_empty()
            {
                faults.extend(found.iter().cloned());
            }
            PlannedOrder { order: entry.order, disposition }
        })
        .collect();
    faults.sort_by(|left, right| left.place.cmp(&right.place));
    let has_left = |item: &&Item| item.state == State::Planned && item.attempts > 0;
    let stored_bodies = known.items.values().filter(has_left);
    let stored_bodies = stored_bodies.map(|item| (item.identity.invoice.clone(), item.body_sha256.clone())).collect();
    let notified = known.heard.len();
    let control = job.orders.control;
    let subject = Subject { control, operation, rows: &input.rows, orders: &orders, notified };
    let guards = readings(guards, subject, &known.history);
    Plan {
        open_elsewhere: 0,
        operation,
        header: input.header,
        delimiter: input.delimiter,
        rows: input.rows,
        orders,
        guards,
        overrides: Vec::new(),
        input_sha256: input.sha256,
        repeats: known.history.same_input.as_ref().filter(|same| same.open == 0).map(|same| same.run.clone()),
        notified,
        faults,
        on_invalid: job.orders.on_invalid,
        stored_bodies,
    }
}

/// Every guard of a job compared with orders and with what was done before.
fn readings(guards: &Guards, subject: Subject<'_>, history: &History) -> Vec<Reading> {
    let send = guard::to_send(subject.orders);
    guard::read(guards, subject, precedent::read(guards, history, send))
}

fn dispose(job: &Job, operation: Operation, guards: &Guards, entry: &InputOrder, known: &Known) -> Disposition {
    let order = &entry.order;
    let invoice = &order.invoice_number;
    if !entry.faults.is_empty() {
        return Disposition::Invalid(entry.faults.clone());
    }
    if let Some(reason) = &entry.not_selected {
        return Disposition::Skip(reason.clone());
    }
    // An item for which nothing was done yet is anybody's, and may still be corrected.
    let known_item = known.items.get(invoice);
    // Once a request has left, its body stays for ever, whatever the file says by now.
    if known_item.is_some_and(|item| item.state == State::Planned && item.attempts > 0 && item.amount != order.amount) {
        return Disposition::Held(HeldBy::OtherAmount);
    }
    if let Some(item) = known_item.filter(|item| item.state != State::Planned) {
        let (state, run) = (item.state, item.run.to_string());
        if item.job != job.name.as_str() {
            return Disposition::Elsewhere { state, job: item.job.clone(), run };
        }
        if item.amount != order.amount {
            return Disposition::Held(HeldBy::OtherAmount);
        }
        return Disposition::Continue { state, run };
    }
    let heard = known.heard.get(invoice);
    if operation == Operation::Refund && heard.is_some_and(|heard| heard.refunded) {
        return Disposition::Held(HeldBy::AlreadyRefunded);
    }
    if other_amount(operation, order, known.created.get(invoice), heard) {
        return Disposition::Held(HeldBy::OtherAmount);
    }
    let paid = heard.is_some_and(|heard| heard.paid);
    if guards.max_order.is_some_and(|most| order.amount > most) {
        return Disposition::Held(HeldBy::MaxOrder);
    }
    if operation == Operation::Refund && guards.require_paid && !paid {
        return Disposition::Held(HeldBy::RequirePaid);
    }
    if operation == Operation::Cancel && guards.refuse_paid && paid {
        return Disposition::Held(HeldBy::RefusePaid);
    }
    let generation = known_item.map_or(0, |item| item.identity.generation);
    ready(operation, entry, generation, known.created.get(invoice), heard)
}

/// A refund carries no amount, and neither does a cancel: DOKU gives back what was paid, whatever the file says. If it is
/// known to be another sum, the guards in rupiah have compared the wrong one, and the answer cannot echo ours.
fn other_amount(operation: Operation, order: &Order, created: Option<&Item>, heard: Option<&Heard>) -> bool {
    let named = heard.into_iter().flat_map(|heard| heard.amounts.iter().copied());
    let mut known = created.map(|item| item.amount).into_iter().chain(named);
    operation != Operation::Create && known.any(|amount| amount != order.amount)
}

/// Puts together what the request needs. A missing identifier is looked up in the journal, then in the log; a missing
/// payment reference after that is the invoice number, which the guide allows (`akulaku-guide.txt`,
/// "`payment.merchant_unique_reference`").
fn ready(
    operation: Operation,
    entry: &InputOrder,
    generation: u16,
    created: Option<&Item>,
    heard: Option<&Heard>,
) -> Disposition {
    let order = &entry.order;
    let identifier = |own: &Option<Identifier>, from_item: Option<&String>, from_log: Option<&String>| {
        own.clone().or_else(|| [from_item, from_log].into_iter().flatten().find_map(|text| Identifier::new(text).ok()))
    };
    let order_id = identifier(
        &order.order_id,
        created.and_then(|item| item.facts.order_id.as_ref()),
        heard.and_then(|heard| heard.order_id.as_ref()),
    );
    let akulaku_reference = identifier(
        &order.akulaku_reference,
        created.and_then(|item| item.facts.akulaku_reference.as_ref()),
        heard.and_then(|heard| heard.akulaku_reference.as_ref()),
    );
    let from_log = || MerchantReference::new(heard?.payment_reference.as_ref()?).ok();
    let payment_reference = order
        .payment_reference
        .clone()
        .or_else(|| created.map(|item| item.payment_reference.clone()))
        .or_else(from_log)
        .or_else(|| MerchantReference::new(order.invoice_number.as_str()).ok());
    let Some(payment_reference) = payment_reference else {
        return Disposition::Invalid(vec![missing(entry, "payment_reference")]);
    };
    let call = match operation {
        Operation::Create => match &order.sale {
            Some(sale) => Call::Create(sale.clone()),
            None => return Disposition::Invalid(vec![missing(entry, "line items")]),
        },
        Operation::Cancel => Call::Cancel { order_id, akulaku_reference },
        Operation::Refund => match (order_id, akulaku_reference) {
            (Some(order_id), Some(akulaku_reference)) => Call::Refund { order_id, akulaku_reference },
            (order_id, akulaku_reference) => {
                let lacking = [("order_id", order_id), ("akulaku_reference", akulaku_reference)];
                let lacking = lacking.into_iter().filter(|(_, id)| id.is_none());
                return Disposition::Invalid(lacking.map(|(name, _)| missing(entry, name)).collect());
            }
        },
    };
    Disposition::Send { call, payment_reference, generation }
}

fn missing(entry: &InputOrder, field: &str) -> Fault {
    let message =
        format!("{} has no {field}, and neither the journal nor the log knows it", entry.order.invoice_number);
    Fault::new(entry.place.clone(), message)
        .hint("the answer to the order's creation has both identifiers; a refund cannot be made without them")
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
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.to_send().for_each(|ready| total.add(ready.order.amount));
        total
    }

    /// The guards that were loosened though the job's `own` limits would have let the plan pass: a slip.
    #[must_use]
    pub fn needless_overrides(&self, control: Option<Control>, own: &Guards, history: &History) -> Vec<&'static str> {
        let Self { operation, rows, orders, notified, .. } = self;
        let subject = Subject { control, operation: *operation, rows, orders, notified: *notified };
        let readings = readings(own, subject, history);
        let dearest = self.to_send().map(|ready| ready.order.amount).max();
        let is_needed = |guard: &str| match guard {
            "max_order" => dearest > own.max_order,
            _ => readings.iter().any(|reading| reading.key() == guard && !reading.holds()),
        };
        self.overrides.iter().map(|found| found.guard).filter(|guard| !is_needed(guard)).collect()
    }

    /// What became of a row, and why.
    #[must_use]
    pub fn fate(&self, row: &InputRow) -> (RowFate, String) {
        let order = match &row.role {
            Role::Invalid(faults) => return (RowFate::Invalid, first_of(faults)),
            Role::Duplicate { of, .. } => return (RowFate::Skip, format!("duplicate of row {of}")),
            Role::First(order) | Role::Line(order) => &self.orders[*order],
        };
        match &order.disposition {
            Disposition::Send { .. } => (RowFate::Send, String::new()),
            Disposition::Continue { state, run } if state.is_terminal() => {
                (RowFate::Settled, format!("settled earlier in run {run}"))
            }
            Disposition::Continue { run, .. } => (RowFate::Continue, format!("left open by run {run}")),
            Disposition::Elsewhere { state, job, run } => (RowFate::Skip, format!("{state} by job {job} in run {run}")),
            Disposition::Skip(reason) => (RowFate::Skip, reason.clone()),
            Disposition::Held(by) => (RowFate::Held, by.word().into()),
            Disposition::Invalid(faults) => (RowFate::Invalid, first_of(faults)),
        }
    }

    /// Rows and rupiah per disposition. What another run settled counts as skipped.
    #[must_use]
    pub fn dispositions(&self) -> Dispositions {
        let mut tallies = Dispositions::default();
        for row in &self.rows {
            let tally = match self.fate(row).0 {
                RowFate::Send => &mut tallies.send,
                RowFate::Settled | RowFate::Continue | RowFate::Skip => &mut tallies.skip,
                RowFate::Held => &mut tallies.held,
                RowFate::Invalid => &mut tallies.invalid,
            };
            tally.add(row.rupiah);
        }
        tallies
    }

    /// All rows as they were read, counted apart from what became of them.
    #[must_use]
    pub fn input_tally(&self) -> Tally {
        let mut tally = Tally::default();
        for row in &self.rows {
            tally.add(row.rupiah);
        }
        tally
    }

    /// Orders of this input that other jobs have left in doubt, and the names of those jobs.
    #[must_use]
    pub fn in_doubt_elsewhere(&self) -> (Tally, BTreeSet<String>) {
        let (mut tally, mut jobs) = (Tally::default(), BTreeSet::new());
        for planned in self.doubts_elsewhere() {
            tally.add(planned.order.amount);
            if let Disposition::Elsewhere { job, .. } = &planned.disposition {
                jobs.insert(job.clone());
            }
        }
        (tally, jobs)
    }

    /// Rows whose orders an earlier run of the job has left in doubt: this run goes on with them.
    #[must_use]
    pub fn left_open(&self) -> Tally {
        let mut tally = Tally::default();
        for row in self.rows.iter().filter(|row| self.fate(row).0 == RowFate::Continue) {
            tally.add(row.rupiah);
        }
        tally
    }

    /// Orders of which an earlier run of the job has left nothing proved, and that this one asks about.
    #[must_use]
    pub fn unproved(&self) -> u64 {
        let is_unproved = |planned: &&PlannedOrder| {
            matches!(planned.disposition, Disposition::Continue { state: State::Intent | State::Unknown, .. })
        };
        self.orders.iter().filter(is_unproved).count() as u64
    }

    /// Orders of this input that other jobs have left in doubt.
    pub fn doubts_elsewhere(&self) -> impl Iterator<Item = &PlannedOrder> {
        let in_doubt = |planned: &&PlannedOrder| matches!(&planned.disposition, Disposition::Elsewhere { state, .. } if state.is_in_doubt());
        self.orders.iter().filter(in_doubt)
    }

    /// The orders that are to be sent.
    pub fn to_send(&self) -> impl Iterator<Item = Sendable<'_>> {
        self.orders.iter().filter_map(PlannedOrder::to_send)
    }
}

/// What is wrong with a row, for its reason; a row that disagrees with an earlier one is told about there.
fn first_of(faults: &[Fault]) -> String {
    faults
        .first()
        .map_or_else(|| "another row of the invoice says something else".to_owned(), |fault| fault.message.clone())
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
