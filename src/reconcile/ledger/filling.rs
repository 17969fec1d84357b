//! What goes into a ledger.

use super::deeds::DoneEntry;
use super::orders::Again;
use super::{Contradiction, Deeds, END, Facts, Gathered, Ledger, TooMany};
use crate::model::moment::Moment;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::picture::{Fact, MOST_LINES};
use crate::reconcile::reason::Key;
use crate::reconcile::record::{HeardRecord, Record, Standing, StrayRecord, Told};
use crate::reconcile::sieve::Sieve;
use crate::reconcile::strays;

impl Ledger {
    /// Takes what a reader has gathered; of the orders, what stands behind so many rows.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub fn take(&mut self, mut gathered: Gathered, rows_before: u64) -> Result<(), TooMany> {
        self.take_orders(&gathered, rows_before)?;
        self.deeds.take(&mut gathered, self.orders.len())?;
        self.odd_request_ids.extend(gathered.odd_request_ids.drain(..));
        self.strangers.append(std::mem::take(&mut gathered.strangers));
        let mut facts = self.lend_facts();
        facts.take(&mut gathered)?;
        self.facts = facts;
        for (order, identifiers) in gathered.identifiers {
            self.keep_identifiers(order, identifiers.each_ref().map(|text| &**text));
        }
        self.unsettled.extend(gathered.unsettled);
        self.strays.extend(gathered.strays);
        Ok(())
    }

    /// Takes the records in these bytes: all orders first, then what was done, then what was heard.
    ///
    /// # Errors
    /// There are more than a ledger can number, or the bytes are no records.
    pub fn fill(&mut self, mut bytes: &[u8], sieve: &Sieve) -> Result<(), TooMany> {
        let (mut rows_before, mut kind) = (0, None);
        let mut same: Vec<u8> = Vec::new();
        loop {
            let start = bytes;
            let record = Record::read(&mut bytes);
            let next = record.as_ref().map(|record| (std::mem::discriminant(record), rows_of(record)));
            let is_new_kind = next.map(|(of, _)| of) != kind;
            if is_new_kind && !same.is_empty() {
                let mut gathered = Gathered::default();
                gathered.add(&same, self, Some(sieve))?;
                self.take(gathered, rows_before)?;
                same.clear();
            }
            let Some((of, rows)) = next else { break };
            kind = Some(of);
            match rows {
                Some(rows) => rows_before = rows,
                None => same.extend_from_slice(&start[..start.len() - bytes.len()]),
            }
        }
        if bytes.is_empty() { Ok(()) } else { Err(TooMany) }
    }

    fn take_orders(&mut self, gathered: &Gathered, rows_before: u64) -> Result<(), TooMany> {
        let contradictions = &mut self.contradictions;
        self.orders.append(&gathered.orders, rows_before, |entry, first| {
            let is_bad = entry.standing == Standing::Invalid;
            let first_is_bad = first.standing == Standing::Invalid;
            if !is_bad && !first_is_bad && first.agreement == entry.agreement {
                first.repeats += 1;
                return Again::Repeats;
            }
            // Nobody can say which of them is meant, so none is.
            first.standing = Standing::Invalid;
            entry.standing = Standing::Invalid;
            if !is_bad || !first_is_bad {
                contradictions.push(Contradiction { row: entry.row.into(), earlier: first.row.into() });
            }
            Again::Stands(std::mem::take(&mut first.repeats))
        })
    }

    /// Lends out what was done, for it to be taken while the orders are looked at.
    pub fn lend_deeds(&mut self) -> Deeds {
        std::mem::take(&mut self.deeds)
    }

    /// Takes it back.
    pub fn return_deeds(&mut self, deeds: Deeds) {
        self.deeds = deeds;
    }

    /// Lends the facts out, for them to be taken while the orders are looked at.
    pub fn lend_facts(&mut self) -> Facts {
        let mut facts = std::mem::take(&mut self.facts);
        facts.first.resize(self.orders.len(), END);
        facts
    }

    /// Takes the facts back.
    pub fn return_facts(&mut self, facts: Facts) {
        self.facts = facts;
    }

    /// Ties a notification to an order that it does not name in the usual way.
    ///
    /// # Errors
    /// There are more than a ledger can number.
    pub(in crate::reconcile) fn adopt(
        &mut self,
        invoice: &str,
        heard: &HeardRecord<'_>,
        key: Key,
    ) -> Result<(), TooMany> {
        let Some(order) = self.orders.find(invoice) else { return Ok(()) };
        let mut facts = self.lend_facts();
        facts.add(fact(order, heard, key)?)?;
        self.facts = facts;
        if self.wants_identifiers(order, heard) {
            self.keep_identifiers(order, heard.identifiers);
        }
        Ok(())
    }

    /// Whether an order may have to be refunded, and the notification says what that needs.
    pub(super) fn wants_identifiers(&self, order: u32, heard: &HeardRecord<'_>) -> bool {
        let cancelled =
            |done: &DoneEntry| done.operation == Operation::Cancel && done.state.is_some_and(DoneState::is_done);
        heard.status == PaymentStatus::Success
            && (self.orders.get(order).book == Some(BookStatus::Cancelled)
                || self.done_of(order).any(|done| cancelled(&done)))
    }

    fn keep_identifiers(&mut self, order: u32, said: [&str; 3]) {
        for (kept, said) in self.identifiers.entry(order).or_default().iter_mut().zip(said) {
            // The smallest text of several, so that the order of lines does not matter.
            if !said.is_empty() && (kept.is_empty() || said < &**kept) {
                *kept = said.into();
            }
        }
    }

    /// Notes a verified notification that belongs to no order; `status` is what its row says.
    pub(in crate::reconcile) fn stray(&mut self, heard: &HeardRecord<'_>, reason: UnmatchedReason, status: &str) {
        write_stray(heard, reason, status, self.period, &mut self.strays);
    }

    /// Notes that DOKU may have said something about this invoice that is no clearer if it is said again.
    pub fn note_unclear(&mut self, invoice: &str) {
        self.unclear.extend(self.orders.find(invoice));
    }

    /// Notes the same of all invoices of which it said something that cannot be read.
    pub fn note_unreadable(&mut self) {
        let Self { unclear, strays, orders, .. } = self;
        let unreadable = strays::records(strays).filter(StrayRecord::is_unreadable);
        unclear.extend(unreadable.filter_map(|stray| orders.find(stray.invoice)));
    }
}

const fn rows_of(record: &Record<'_>) -> Option<u64> {
    match record {
        Record::RowsBefore(rows) => Some(*rows),
        Record::Order(_) | Record::Done(_) | Record::Heard(_) | Record::Stray(_) => None,
    }
}

pub(super) fn write_stray(
    heard: &HeardRecord<'_>,
    reason: UnmatchedReason,
    status: &str,
    period: Option<(u16, u16)>,
    out: &mut Vec<u8>,
) {
    let received_at = heard.received_at.map(Moment::wire).unwrap_or_default();
    let outside = |day: u16| period.is_some_and(|(first, last)| !(first..=last).contains(&day));
    let reason = match reason {
        UnmatchedReason::Orphan if heard.day.is_some_and(outside) => UnmatchedReason::OutsidePeriod,
        reason => reason,
    };
    let stray = StrayRecord {
        place: heard.place,
        reason,
        amount: Some(heard.amount),
        invoice: heard.invoice,
        status,
        received_at: &received_at,
        told: Some(Told::of(heard)),
    };
    Record::Stray(stray).write(out);
}

pub(super) fn fact(order: u32, heard: &HeardRecord<'_>, key: Key) -> Result<Fact, TooMany> {
    if heard.place.line > MOST_LINES {
        return Err(TooMany);
    }
    Ok(Fact::of(order, heard, key))
}
