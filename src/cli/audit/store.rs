//! Where the records of an audit go while they are read: into one ledger, or into parts on the disk.
//!
//! The readers, on several threads, fill [`Batch`]es and look the orders up; what they bring is put together here, in the
//! order of the files.

use super::divided::Divided;
use super::room::{NoRoom, part_of};
use crate::edge::spill::{Parts, Scrap};
use crate::model::money::Tally;
use crate::reconcile::ledger::{Gathered, Ledger, TooMany};
use crate::reconcile::record::{OrderRecord, Record};
use crate::reconcile::sieve::Sieve;
use crate::report::summary::LogLines;

/// Where the records of a batch go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim<'a> {
    /// Into a ledger: this one, as far as it is filled.
    Ledger(&'a Ledger, &'a Sieve),
    /// Into so many parts.
    Parts(usize),
}

/// What one block of an input says.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    aim: Aim<'a>,
    /// Records, by part; for a ledger there is one.
    parts: Vec<Vec<u8>>,
    orders: Gathered,
    /// Keys by which notifications could be tied to orders.
    keys: Vec<u64>,
    rows: Tally,
    lines: LogLines,
}

/// A batch that is ready to be taken.
#[derive(Debug)]
pub(super) struct Ready {
    gathered: Gathered,
    parts: Vec<Vec<u8>>,
    keys: Vec<u64>,
    rows: Tally,
    lines: LogLines,
}

impl<'a> Batch<'a> {
    pub(super) fn new(aim: Aim<'a>) -> Self {
        let count = match aim {
            Aim::Ledger(..) => 1,
            Aim::Parts(count) => count,
        };
        let (parts, orders) = (vec![Vec::new(); count], Gathered::default());
        Self { aim, parts, orders, keys: Vec::new(), rows: Tally::default(), lines: LogLines::default() }
    }

    /// Adds a row of the orders, whether it is good or bad.
    pub(super) fn order(&mut self, order: &OrderRecord<'_>) -> Result<(), TooMany> {
        self.rows.add(order.amount);
        self.keys.extend(order.reference);
        match self.aim {
            Aim::Ledger(..) => self.orders.add_order(order)?,
            Aim::Parts(_) => self.add(&Record::Order(*order)),
        }
        Ok(())
    }

    /// Adds any other record.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        match record {
            Record::Done(done) => {
                // A ledger sees the key when it looks the order up.
                if matches!(self.aim, Aim::Parts(_)) {
                    self.keys.extend(Gathered::key_of_creation(done));
                }
            }
            Record::Heard(_) => self.lines.add(1, 1),
            Record::Stray(_) => self.lines.add(1, 0),
            Record::RowsBefore(_) | Record::Order(_) => {}
        }
        let count = self.parts.len();
        match record.home().filter(|_| count > 1) {
            Some(home) => record.write(&mut self.parts[part_of(home, count)]),
            None => self.parts.iter_mut().for_each(|part| record.write(part)),
        }
    }

    /// Looks the orders up.
    pub(super) fn finish(mut self) -> Result<Ready, TooMany> {
        if let Aim::Ledger(ledger, sieve) = self.aim {
            let records = self.parts.pop().unwrap_or_default();
            self.orders.add(&records, ledger, sieve)?;
            self.keys.append(&mut self.orders.keys());
        }
        let Self { orders: gathered, parts, keys, rows, lines, .. } = self;
        Ok(Ready { gathered, parts, keys, rows, lines })
    }
}

/// The records as far as they have been read: orders first, then what was done, then what was heard.
#[derive(Debug)]
pub(super) struct Store {
    /// What could tie a notification to an order.
    sieve: Sieve,
    place: Place,
    /// Rows of the orders.
    rows: Tally,
    lines: LogLines,
}

#[derive(Debug)]
enum Place {
    Memory(Box<Ledger>),
    Disk(Divided),
}

/// What the records have become.
pub(super) enum Kept {
    /// One ledger.
    Whole(Box<Ledger>),
    /// Parts that fit into memory one at a time.
    Divided(Divided),
}

impl Store {
    /// Everything into memory.
    pub(super) fn in_memory(orders: u64, keys: u64, period: Option<(u16, u16)>) -> Self {
        let ledger = Ledger::for_orders(usize::try_from(orders).unwrap_or_default(), period);
        Self {
            sieve: Sieve::for_keys(keys),
            place: Place::Memory(Box::new(ledger)),
            rows: Tally::default(),
            lines: LogLines::default(),
        }
    }

    /// Into so many parts in a folder for scrap.
    pub(super) fn on_disk(scrap: Scrap, parts: usize, keys: u64, period: Option<(u16, u16)>) -> Result<Self, NoRoom> {
        let parts = Parts::begin(&scrap, "part", parts)?;
        let divided = Divided { parts, scrap, period };
        Ok(Self {
            sieve: Sieve::for_keys(keys),
            place: Place::Disk(divided),
            rows: Tally::default(),
            lines: LogLines::default(),
        })
    }

    /// Has rows of the orders read: `read` is given what makes batches of them, and what takes these.
    pub(super) fn orders<T>(
        &mut self,
        read: impl FnOnce(Aim<'_>, &mut dyn FnMut(Ready) -> Result<(), NoRoom>) -> T,
    ) -> T {
        // The readers of orders look up nothing.
        let (nobody, nothing) = (Ledger::default(), Sieve::for_keys(0));
        let aim = match &self.place {
            Place::Memory(_) => Aim::Ledger(&nobody, &nothing),
            Place::Disk(divided) => Aim::Parts(divided.parts.count()),
        };
        read(aim, &mut |ready| {
            ready.keys.iter().for_each(|key| self.sieve.insert(*key));
            let rows_before = self.rows.count;
            self.rows.merge(ready.rows);
            match &mut self.place {
                Place::Memory(ledger) => ledger.take(ready.gathered, rows_before)?,
                Place::Disk(divided) => {
                    let mut head = Vec::new();
                    Record::RowsBefore(rows_before).write(&mut head);
                    divided.write(&head, &ready.parts)?;
                }
            }
            Ok(())
        })
    }

    /// Has anything else read, and takes it when it is at its end: `read` is given what makes batches of it, and what takes
    /// these.
    pub(super) fn others<T>(
        &mut self,
        read: impl FnOnce(Aim<'_>, &mut dyn FnMut(Ready) -> Result<(), NoRoom>) -> T,
    ) -> Result<T, NoRoom> {
        let (mut keys, mut lines) = (Vec::new(), LogLines::default());
        let result = match &mut self.place {
            Place::Memory(ledger) => {
                let mut gathered = Gathered::default();
                let mut facts = ledger.lend_facts();
                let aim = Aim::Ledger(ledger, &self.sieve);
                let result = read(aim, &mut |mut ready| {
                    keys.extend(ready.keys);
                    lines.add(ready.lines.read, ready.lines.verified);
                    facts.take(&mut ready.gathered)?;
                    gathered.append(ready.gathered);
                    Ok(())
                });
                ledger.return_facts(facts);
                ledger.take(gathered, 0)?;
                result
            }
            Place::Disk(divided) => read(Aim::Parts(divided.parts.count()), &mut |ready| {
                keys.extend(ready.keys);
                lines.add(ready.lines.read, ready.lines.verified);
                divided.write(&[], &ready.parts)
            }),
        };
        keys.iter().for_each(|key| self.sieve.insert(*key));
        self.lines.add(lines.read, lines.verified);
        Ok(result)
    }

    /// Everything has been read.
    pub(super) fn close(self) -> Result<(Kept, Sieve), NoRoom> {
        let kept = match self.place {
            Place::Memory(ledger) => Kept::Whole(ledger),
            Place::Disk(mut divided) => {
                divided.parts.close()?;
                Kept::Divided(divided)
            }
        };
        Ok((kept, self.sieve))
    }

    /// The lines of the logs.
    pub(super) const fn lines(&self) -> LogLines {
        self.lines
    }

    /// The rows of the orders, by count and by rupiah.
    pub(super) const fn rows(&self) -> Tally {
        self.rows
    }

    /// The ledger of a store in memory.
    pub(super) fn into_ledger(self) -> Box<Ledger> {
        match self.place {
            Place::Memory(ledger) => ledger,
            Place::Disk(_) => unreachable!("who asks for the ledger has set no limit to the memory"),
        }
    }

    /// The ledger, if everything is in memory.
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        match &self.place {
            Place::Memory(ledger) => Some(ledger),
            Place::Disk(_) => None,
        }
    }
}
