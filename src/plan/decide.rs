//! Every order gets one disposition.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::decided::Faults;
use super::disposition::{Disposition, Earlier, Found, HeldBy, Sendable};
use super::guard::{self, Reading, Sums};
use super::input::{Input, InputRow, Role};
use super::precedent;
use super::register::{Part, Register};
use crate::doku::request::Call;
use crate::job::overrides::Override;
use crate::job::settings::{Control, Guards, Job, OnInvalid};
use crate::journal::JournalError;
use crate::journal::history::History;
use crate::journal::record::{Item, NewRow, NewRows, RowFate};
use crate::journal::state::State;
use crate::model::fault::{Fault, Place};
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
    pub(super) dispositions: Vec<Disposition>,
    /// What requests need that the file lacks, by order.
    pub(super) found: HashMap<u32, Found>,
    /// Orders that other jobs have left in doubt, each with its job.
    doubts_elsewhere: Vec<(InvoiceNumber, Rupiah, Arc<Earlier>)>,
    sums: Sums,
}

/// Decides about every order and compares the whole with the guards.
#[must_use]
pub fn decide(job: &Job, operation: Operation, guards: &Guards, input: Input, known: &Known) -> Plan {
    let mut deciding = Deciding::begin(job, operation, guards, input);
    while !deciding.next(usize::MAX).is_empty() {
        deciding.take(known);
    }
    deciding.finish(known.heard.len(), &known.history)
}

/// Decides about some orders after the others, so that never more is known at a time than about these.
#[derive(Debug)]
pub struct Deciding<'a> {
    job: &'a Job,
    operation: Operation,
    guards: &'a Guards,
    input: Input,
    faults: Vec<Fault>,
    /// Orders about which nothing is decided yet, though they were asked for.
    asked: Vec<(u32, Order)>,
    /// One of each of what is told of many orders.
    earlier: HashSet<Arc<Earlier>>,
    dispositions: Vec<Disposition>,
    found: HashMap<u32, Found>,
    doubts_elsewhere: Vec<(InvoiceNumber, Rupiah, Arc<Earlier>)>,
    stored_bodies: HashMap<InvoiceNumber, String>,
    sums: Sums,
}

impl<'a> Deciding<'a> {
    /// Nothing decided yet.
    #[must_use]
    pub fn begin(job: &'a Job, operation: Operation, guards: &'a Guards, input: Input) -> Self {
        Self {
            job,
            operation,
            guards,
            faults: input.faults(),
            asked: Vec::new(),
            earlier: HashSet::new(),
            dispositions: Vec::with_capacity(input.register.lists.orders() as usize),
            found: HashMap::new(),
            doubts_elsewhere: Vec::new(),
            stored_bodies: HashMap::new(),
            sums: Sums { rows: input.tally(), ..Sums::default() },
            input,
        }
    }

    /// The invoices of the next orders, at most so many; none after the last.
    pub fn next(&mut self, most: usize) -> Vec<InvoiceNumber> {
        // There are fewer orders than that, and none behind the last one.
        let next = u32::try_from(self.dispositions.len()).unwrap_or(u32::MAX);
        self.asked = self.input.register.orders_from(next).take(most).collect();
        self.asked.iter().map(|(_, order)| order.invoice_number.clone()).collect()
    }

    /// Decides about these orders.
    pub fn take(&mut self, known: &Known) {
        for (number, order) in self.asked() {
            if let Some(item) = known.items.get(&order.invoice_number)
                && item.state == State::Planned
                && item.attempts > 0
            {
                self.stored_bodies.insert(order.invoice_number.clone(), item.body_sha256.clone());
            }
            let disposition = self.dispose(number, &order, known);
            self.note(number, &order, disposition);
        }
    }

    /// The orders that were asked for last and about which nothing is decided yet.
    pub(super) fn asked(&mut self) -> Vec<(u32, Order)> {
        std::mem::take(&mut self.asked)
    }

    /// Takes note of what is to happen to the next order.
    pub(super) fn note(&mut self, number: u32, order: &Order, disposition: Disposition) {
        match &disposition {
            Disposition::Send { .. } => self.sums.send.add(order.amount),
            Disposition::Held(by) => {
                let held = HeldBy::ALL.iter().zip(&mut self.sums.held).find(|(each, _)| *each == by);
                held.into_iter().for_each(|(_, held)| held.add(order.amount));
            }
            Disposition::Elsewhere(earlier) if earlier.state.is_in_doubt() => {
                self.doubts_elsewhere.push((order.invoice_number.clone(), order.amount, Arc::clone(earlier)));
            }
            Disposition::Invalid(found) if !self.input.faults.contains_key(&number) => {
                self.faults.extend(found.iter().cloned());
            }
            Disposition::Continue(_) | Disposition::Elsewhere(_) | Disposition::Skip(_) | Disposition::Invalid(_) => {}
        }
        self.dispositions.push(disposition);
    }

    /// What is wrong with an order by the input alone.
    pub(super) fn faults_of(&self, number: u32) -> Faults {
        let known = self.input.faults.get(&number).cloned().unwrap_or_default();
        Faults { known, place: self.input.register.place(number) }
    }

    /// Takes note of what an order's request needs that the file lacks.
    pub(super) fn knows(&mut self, number: u32, found: Found) {
        self.found.insert(number, found);
    }

    /// The plan, once all is decided. `notified` is how many orders verified notifications speak of.
    #[must_use]
    pub fn finish(mut self, notified: usize, history: &History) -> Plan {
        self.faults.sort_by(|left, right| left.place.cmp(&right.place));
        let sums = Sums { notified, ..self.sums };
        let guards = readings(self.guards, self.operation, self.job.orders.control, &sums, history);
        let Input { header, delimiter, sha256, register, .. } = self.input;
        Plan {
            open_elsewhere: 0,
            operation: self.operation,
            header,
            delimiter,
            guards,
            overrides: Vec::new(),
            input_sha256: sha256,
            repeats: history.same_input.as_ref().filter(|same| same.open == 0).map(|same| same.run.clone()),
            notified,
            faults: self.faults,
            on_invalid: self.job.orders.on_invalid,
            stored_bodies: self.stored_bodies,
            register,
            history: history.clone(),
            dispositions: self.dispositions,
            found: self.found,
            doubts_elsewhere: self.doubts_elsewhere,
            sums,
        }
    }

    fn dispose(&mut self, number: u32, order: &Order, known: &Known) -> Disposition {
        let (operation, guards) = (self.operation, self.guards);
        let invoice = &order.invoice_number;
        if let Some(faults) = self.input.faults.get(&number) {
            return Disposition::Invalid(faults.as_slice().into());
        }
        if let Ok(at) = self.input.left_out.binary_search_by_key(&number, |(of, _)| *of) {
            return Disposition::Skip(Arc::clone(&self.input.left_out[at].1));
        }
        // An item for which nothing was done yet is anybody's, and may still be corrected.
        let known_item = known.items.get(invoice);
        // Once a request has left, its body stays for ever, whatever the file says by now.
        if known_item
            .is_some_and(|item| item.state == State::Planned && item.attempts > 0 && item.amount != order.amount)
        {
            return Disposition::Held(HeldBy::OtherAmount);
        }
        if let Some(item) = known_item.filter(|item| item.state != State::Planned) {
            let earlier = Earlier { state: item.state, job: item.job.clone(), run: item.run.to_string() };
            if item.job != self.job.name.as_str() {
                return Disposition::Elsewhere(self.shared(earlier));
            }
            if item.amount != order.amount {
                return Disposition::Held(HeldBy::OtherAmount);
            }
            return Disposition::Continue(self.shared(earlier));
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
        let found = lookup(order, known.created.get(invoice), heard);
        if let Err(lacking) = request(operation, order, &found) {
            let missing = |field: &str| missing(invoice, self.input.register.place(number), field);
            return Disposition::Invalid(lacking.into_iter().map(missing).collect());
        }
        if found != Found::default() {
            self.found.insert(number, found);
        }
        Disposition::Send { generation }
    }

    /// The same value for all orders of which the same is told.
    fn shared(&mut self, earlier: Earlier) -> Arc<Earlier> {
        if let Some(known) = self.earlier.get(&earlier) {
            return Arc::clone(known);
        }
        let earlier = Arc::new(earlier);
        self.earlier.insert(Arc::clone(&earlier));
        earlier
    }
}

/// Every guard of a job compared with sums and with what was done before.
fn readings(
    guards: &Guards,
    operation: Operation,
    control: Option<Control>,
    sums: &Sums,
    history: &History,
) -> Vec<Reading> {
    guard::read(guards, (operation, control), sums, precedent::read(guards, history, sums.send))
}

/// A refund carries no amount, and neither does a cancel: DOKU gives back what was paid, whatever the file says. If it is
/// known to be another sum, the guards in rupiah have compared the wrong one, and the answer cannot echo ours.
fn other_amount(operation: Operation, order: &Order, created: Option<&Item>, heard: Option<&Heard>) -> bool {
    let named = heard.into_iter().flat_map(|heard| heard.amounts.iter().copied());
    let mut known = created.map(|item| item.amount).into_iter().chain(named);
    operation != Operation::Create && known.any(|amount| amount != order.amount)
}

/// Looks an identifier that the file lacks up in the journal, then in the log; a payment reference too.
fn lookup(order: &Order, created: Option<&Item>, heard: Option<&Heard>) -> Found {
    let identifier = |own: &Option<Identifier>, from_item: Option<&String>, from_log: Option<&String>| {
        let mut texts = [from_item, from_log].into_iter().flatten();
        if own.is_some() { None } else { texts.find_map(|text| Identifier::new(text).ok()) }
    };
    let from_log = || MerchantReference::new(heard?.payment_reference.as_ref()?).ok();
    let reference = || created.map(|item| item.payment_reference.clone()).or_else(from_log);
    Found {
        payment_reference: if order.payment_reference.is_some() { None } else { reference() },
        order_id: identifier(
            &order.order_id,
            created.and_then(|item| item.facts.order_id.as_ref()),
            heard.and_then(|heard| heard.order_id.as_ref()),
        ),
        akulaku_reference: identifier(
            &order.akulaku_reference,
            created.and_then(|item| item.facts.akulaku_reference.as_ref()),
            heard.and_then(|heard| heard.akulaku_reference.as_ref()),
        ),
    }
}

/// Puts together what the request needs, or says what it lacks. A payment reference that nobody knows is the invoice number,
/// which the guide allows (`akulaku-guide.txt`, "`payment.merchant_unique_reference`").
fn request(operation: Operation, order: &Order, found: &Found) -> Result<(Call, MerchantReference), Vec<&'static str>> {
    let first = |own: &Option<Identifier>, found: &Option<Identifier>| own.clone().or_else(|| found.clone());
    let order_id = first(&order.order_id, &found.order_id);
    let akulaku_reference = first(&order.akulaku_reference, &found.akulaku_reference);
    let payment_reference = order.payment_reference.clone().or_else(|| found.payment_reference.clone());
    let payment_reference = payment_reference.or_else(|| MerchantReference::new(order.invoice_number.as_str()).ok());
    let payment_reference = payment_reference.ok_or_else(|| vec!["payment_reference"])?;
    let call = match operation {
        Operation::Create => Call::Create(order.sale.clone().ok_or_else(|| vec!["line items"])?),
        Operation::Cancel => Call::Cancel { order_id, akulaku_reference },
        Operation::Refund => match (order_id, akulaku_reference) {
            (Some(order_id), Some(akulaku_reference)) => Call::Refund { order_id, akulaku_reference },
            (order_id, akulaku_reference) => {
                let lacking = [("order_id", order_id), ("akulaku_reference", akulaku_reference)];
                return Err(lacking.into_iter().filter(|(_, id)| id.is_none()).map(|(name, _)| name).collect());
            }
        },
    };
    Ok((call, payment_reference))
}

fn missing(invoice: &InvoiceNumber, place: Place, field: &str) -> Fault {
    let message = format!("{invoice} has no {field}, and neither the journal nor the log knows it");
    Fault::new(place, message)
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
    pub const fn total(&self) -> Tally {
        self.sums.send
    }

    /// The guards that were loosened though the job's `own` limits would have let the plan pass: a slip.
    #[must_use]
    pub fn needless_overrides(&self, control: Option<Control>, own: &Guards, history: &History) -> Vec<&'static str> {
        let readings = readings(own, self.operation, control, &self.sums, history);
        let sent = (0..).zip(&self.dispositions).filter(|(_, found)| matches!(found, Disposition::Send { .. }));
        let dearest = sent.map(|(order, _)| self.register.lists.amount(order)).max();
        let is_needed = |guard: &str| match guard {
            "max_order" => dearest > own.max_order,
            _ => readings.iter().any(|reading| reading.key() == guard && !reading.holds()),
        };
        self.overrides.iter().map(|found| found.guard).filter(|guard| !is_needed(guard)).collect()
    }

    /// All rows, in the order of the file, each read anew.
    pub fn rows(&self) -> impl Iterator<Item = InputRow> {
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

    /// The orders that are to be sent, each read anew.
    pub fn to_send(&self) -> impl Iterator<Item = Sendable> {
        self.to_send_from(0).map(|(_, ready)| ready)
    }

    /// The same from one order on, each with its number.
    fn to_send_from(&self, order: u32) -> impl Iterator<Item = (u32, Sendable)> {
        let none = Found::default();
        self.register.orders_from(order).filter_map(move |(number, order)| {
            let Disposition::Send { generation } = self.dispositions[number as usize] else { return None };
            let request = request(self.operation, &order, self.found.get(&number).unwrap_or(&none));
            let (call, payment_reference) = request.expect("it was complete when it was decided about");
            Some((number, Sendable { order, call, payment_reference, generation }))
        })
    }

    /// The order that is to be sent and whose first row has this number; `None` if there is none.
    #[must_use]
    pub fn sendable(&self, row: u64) -> Option<Sendable> {
        let Part::First(order) = self.part(row)? else { return None };
        self.to_send_from(order).next().filter(|(number, _)| *number == order).map(|(_, ready)| ready)
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
            let (fate, reason) = self.fate(&row);
            let InputRow { number, line, raw, invoice, rupiah, .. } = row;
            take(&NewRow { number, line, raw, invoice, rupiah, fate, reason })
        })
    }
}

/// The orders of a plan that are to be sent, some read at a time.
#[derive(Debug)]
pub struct Sending {
    plan: Arc<Plan>,
    /// The first order that was not read yet.
    next: u32,
    ready: VecDeque<Sendable>,
}

/// So many orders are read at a time.
const AT_A_TIME: usize = 256;

impl Sending {
    /// All of them.
    #[must_use]
    pub fn of(plan: Arc<Plan>) -> Self {
        Self { plan, next: 0, ready: VecDeque::new() }
    }
}

impl Iterator for Sending {
    type Item = Sendable;

    fn next(&mut self) -> Option<Sendable> {
        if self.ready.is_empty() {
            let some: Vec<(u32, Sendable)> = self.plan.to_send_from(self.next).take(AT_A_TIME).collect();
            self.next = some.last().map_or(u32::MAX, |(number, _)| number + 1);
            self.ready.extend(some.into_iter().map(|(_, ready)| ready));
        }
        self.ready.pop_front()
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
