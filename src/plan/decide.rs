//! Every order gets one disposition.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::decided::Faults;
use super::decisions::Decisions;
use super::disposition::{Disposition, Earlier, Found, HeldBy};
use super::guard::{self, Reading, Sums};
use super::input::Input;
use super::made::Plan;
use super::needs::{lookup, missing, request};
use super::precedent;
use crate::job::settings::{Control, Guards, Job};
use crate::journal::history::History;
use crate::journal::record::Item;
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::InvoiceNumber;
use crate::model::listing::Unread;
use crate::model::money::Rupiah;
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

/// Decides about every order and compares the whole with the guards.
///
/// # Errors
/// The input cannot be read again.
pub fn decide(job: &Job, operation: Operation, guards: &Guards, input: Input, known: &Known) -> Result<Plan, Unread> {
    let mut deciding = Deciding::begin(job, operation, guards, input);
    while !deciding.next(usize::MAX)?.is_empty() {
        deciding.take(known);
    }
    Ok(deciding.finish(known.heard.len(), &known.history))
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
    dispositions: Decisions,
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
            dispositions: Decisions::for_orders(input.register.lists.orders()),
            found: HashMap::new(),
            doubts_elsewhere: Vec::new(),
            stored_bodies: HashMap::new(),
            sums: Sums { rows: input.tally(), ..Sums::default() },
            input,
        }
    }

    /// The invoices of the next orders, at most so many; none after the last.
    ///
    /// # Errors
    /// The input cannot be read again.
    pub fn next(&mut self, most: usize) -> Result<Vec<InvoiceNumber>, Unread> {
        // There are fewer orders than that, and none behind the last one.
        let next = u32::try_from(self.dispositions.len()).unwrap_or(u32::MAX);
        self.asked = self.input.register.orders_from(next).take(most).collect::<Result<_, _>>()?;
        Ok(self.asked.iter().map(|(_, order)| order.invoice_number.clone()).collect())
    }

    /// Decides about these orders.
    pub fn take(&mut self, known: &Known) {
        for (number, order) in self.asked() {
            if let Some(item) = known.items.get(&order.invoice_number)
                && item.state == State::Planned
                && item.attempts > 0
            {
                self.stored_bodies.insert(order.invoice_number.clone(), item.body_sha256.to_string());
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
            unread: OnceLock::new(),
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
            let earlier = Earlier { state: item.state, job: item.job.to_string(), run: item.run.to_string() };
            if *item.job != *self.job.name.as_str() {
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
pub(super) fn readings(
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
