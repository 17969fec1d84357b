//! Where the records of an audit go while they are read: into one ledger, or into parts on the disk.
//!
//! The readers, on several threads, fill [`Batch`]es and look the orders up; what they bring is put together here, in the
//! order of the files.

use std::sync::OnceLock;

use crate::cli::divided::Divided;
use crate::cli::room::{NoRoom, add};
use crate::edge::spill::{Parts, Scrap};
use crate::model::money::Tally;
use crate::reconcile::evidence::UnmatchedReason;
use crate::reconcile::ledger::{AT_ONCE, Gathered, Ledger, TooMany};
use crate::reconcile::record::{DoneRecord, HeardRecord, OrderRecord, Record, StrayRecord};
use crate::reconcile::sieve::Sieve;
use crate::report::inputs::Span;
use crate::report::summary::LogLines;

/// Where the records of a batch go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim<'a> {
    /// Into a ledger: this one, as far as it is filled, with its sieve, if it has one by now.
    Ledger(&'a Ledger, &'a OnceLock<Sieve>),
    /// Into so many parts.
    Parts(usize),
}

/// What one block of an input says.
#[derive(Debug)]
pub(super) struct Batch<'a, 'r> {
    aim: Aim<'a>,
    /// Records, by part; for a ledger there is one, of those whose texts do not stay.
    parts: Vec<Vec<u8>>,
    orders: Gathered,
    /// Records that a ledger is about to gather.
    done: Vec<DoneRecord<'r>>,
    heard: Vec<HeardRecord<'r>>,
    /// Keys by which notifications could be tied to orders in other parts.
    keys: Vec<u64>,
    rows: Tally,
    log: LogSeen,
}

/// A batch that is ready to be taken.
#[derive(Debug)]
pub(super) struct Ready {
    gathered: Gathered,
    parts: Vec<Vec<u8>>,
    keys: Vec<u64>,
    rows: Tally,
    log: LogSeen,
}

/// What was seen of a log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LogSeen {
    pub(super) lines: LogLines,
    /// When the lines were received that DOKU has signed.
    pub(super) received_at: Span,
}

impl LogSeen {
    fn heard(&mut self, heard: &HeardRecord<'_>) {
        self.lines.add(1, 1);
        heard.received_at.into_iter().for_each(|at| self.received_at.take(at));
    }

    fn merge(&mut self, other: Self) {
        self.lines.add(other.lines.read, other.lines.verified);
        self.received_at.merge(other.received_at);
    }
}

impl<'a, 'r> Batch<'a, 'r> {
    pub(super) fn new(aim: Aim<'a>) -> Self {
        let count = match aim {
            Aim::Ledger(..) => 1,
            Aim::Parts(count) => count,
        };
        Self {
            aim,
            parts: vec![Vec::new(); count],
            orders: Gathered::default(),
            done: Vec::with_capacity(AT_ONCE),
            heard: Vec::with_capacity(AT_ONCE),
            keys: Vec::new(),
            rows: Tally::default(),
            log: LogSeen::default(),
        }
    }

    /// Adds a row of the orders, whether it is good or bad.
    pub(super) fn order(&mut self, order: &OrderRecord<'_>) -> Result<(), TooMany> {
        self.rows.add(order.amount);
        match self.aim {
            Aim::Ledger(..) => self.orders.add_order(order)?,
            Aim::Parts(_) => {
                self.keys.extend(order.reference);
                self.add(&Record::Order(*order));
            }
        }
        Ok(())
    }

    /// Adds what was done.
    pub(super) fn done(&mut self, done: DoneRecord<'r>) {
        let Aim::Ledger(ledger, _) = self.aim else {
            self.keys.extend(Gathered::key_of_creation(&done));
            self.add(&Record::Done(done));
            return;
        };
        self.done.push(done);
        if self.done.len() == AT_ONCE {
            self.orders.add_done_all(&self.done, ledger);
            self.done.clear();
        }
    }

    /// Adds a line that verified.
    pub(super) fn heard(&mut self, heard: HeardRecord<'r>) -> Result<(), TooMany> {
        self.log.heard(&heard);
        let Aim::Ledger(ledger, sieve) = self.aim else {
            self.add(&Record::Heard(heard));
            return Ok(());
        };
        self.heard.push(heard);
        if self.heard.len() == AT_ONCE {
            self.orders.add_heard_all(&self.heard, ledger, sieve.get())?;
            self.heard.clear();
        }
        Ok(())
    }

    /// Adds a line that verified, and of which the texts do not stay.
    pub(super) fn heard_in_passing(&mut self, heard: HeardRecord<'_>) {
        self.log.heard(&heard);
        self.add(&Record::Heard(heard));
    }

    /// Adds a line that proves nothing.
    pub(super) fn stray(&mut self, stray: StrayRecord<'_>) {
        // Signed it is, even if nobody can read it.
        self.log.lines.add(1, u64::from(stray.reason == UnmatchedReason::Unreadable));
        self.add(&Record::Stray(stray));
    }

    fn add(&mut self, record: &Record<'_>) {
        add(record, &mut self.parts);
    }

    /// Looks up the orders that have not been looked up yet.
    pub(super) fn finish(mut self) -> Result<Ready, TooMany> {
        if let Aim::Ledger(ledger, sieve) = self.aim {
            self.orders.add_done_all(&self.done, ledger);
            self.orders.add_heard_all(&self.heard, ledger, sieve.get())?;
            let records = self.parts.pop().unwrap_or_default();
            self.orders.add(&records, ledger, sieve.get())?;
        }
        let Self { orders: gathered, parts, keys, rows, log, .. } = self;
        Ok(Ready { gathered, parts, keys, rows, log })
    }
}

/// The records as far as they have been read: orders first, then what was done, then what was heard.
#[derive(Debug)]
pub(super) struct Store {
    place: Place,
    /// Rows of the orders.
    rows: Tally,
    /// The logs, in the order in which they were read.
    logs: Vec<LogSeen>,
}

/// Where the records are, and a sieve of what could tie a notification to an order.
#[derive(Debug)]
enum Place {
    /// The sieve is made when there is much to be sifted.
    Memory(Box<Ledger>, OnceLock<Sieve>),
    Disk(Divided, Sieve),
}

/// What the records have become.
pub(super) enum Kept {
    /// One ledger.
    Whole(Box<Ledger>),
    /// Parts that fit into memory one at a time.
    Divided(Divided, Sieve),
}

/// How many bytes of notifications are set aside before it is worth while to make a sieve: some ten thousand of them.
const MUCH: usize = 2 << 20;

impl Store {
    /// Everything into memory.
    pub(super) fn in_memory(orders: u64, period: Option<(u16, u16)>) -> Self {
        let ledger = Ledger::for_orders(usize::try_from(orders).unwrap_or_default(), period);
        Self::at(Place::Memory(Box::new(ledger), OnceLock::new()))
    }

    /// Into so many parts in a folder for scrap, with about so many keys by which notifications could be tied to orders.
    pub(super) fn on_disk(scrap: Scrap, parts: usize, keys: u64, period: Option<(u16, u16)>) -> Result<Self, NoRoom> {
        let parts = Parts::begin(&scrap, "part", parts)?;
        Ok(Self::at(Place::Disk(Divided { parts, scrap, period }, Sieve::for_keys(keys))))
    }

    fn at(place: Place) -> Self {
        Self { place, rows: Tally::default(), logs: Vec::new() }
    }

    /// Has rows of the orders read: `read` is given what makes batches of them, and what takes these.
    pub(super) fn orders<T>(
        &mut self,
        read: impl FnOnce(Aim<'_>, &mut dyn FnMut(Ready) -> Result<(), NoRoom>) -> T,
    ) -> T {
        // The readers of orders look up nothing.
        let (nobody, no_sieve) = (Ledger::default(), OnceLock::new());
        let aim = match &self.place {
            Place::Memory(..) => Aim::Ledger(&nobody, &no_sieve),
            Place::Disk(divided, _) => Aim::Parts(divided.parts.count()),
        };
        read(aim, &mut |ready| {
            let rows_before = self.rows.count;
            self.rows.merge(ready.rows);
            match &mut self.place {
                Place::Memory(ledger, _) => ledger.take(ready.gathered, rows_before)?,
                Place::Disk(divided, sieve) => {
                    ready.keys.iter().for_each(|key| sieve.insert(*key));
                    let mut head = Vec::new();
                    Record::RowsBefore(rows_before).write(&mut head);
                    divided.write(&head, &ready.parts)?;
                }
            }
            Ok(())
        })
    }

    /// Has read what was done: `read` is given what makes batches of it, and what takes these.
    pub(super) fn done<T>(
        &mut self,
        read: impl FnOnce(Aim<'_>, &mut dyn FnMut(Ready) -> Result<(), NoRoom>) -> T,
    ) -> Result<T, NoRoom> {
        match &mut self.place {
            Place::Memory(ledger, sieve) => {
                let (mut deeds, orders, mut gathered) = (ledger.lend_deeds(), ledger.orders(), Gathered::default());
                let result = read(Aim::Ledger(ledger, sieve), &mut |mut ready| {
                    deeds.take(&mut ready.gathered, orders)?;
                    gathered.append(ready.gathered);
                    Ok(())
                });
                ledger.return_deeds(deeds);
                ledger.take(gathered, 0)?;
                Ok(result)
            }
            Place::Disk(divided, sieve) => Ok(read(Aim::Parts(divided.parts.count()), &mut |ready| {
                ready.keys.iter().for_each(|key| sieve.insert(*key));
                divided.write(&[], &ready.parts)
            })),
        }
    }

    /// Has the lines of one log read, and takes them: `read` is given what makes batches of them, and what takes these.
    pub(super) fn heard<T>(
        &mut self,
        read: impl FnOnce(Aim<'_>, &mut dyn FnMut(Ready) -> Result<(), NoRoom>) -> T,
    ) -> Result<T, NoRoom> {
        let mut log = LogSeen::default();
        let result = match &mut self.place {
            Place::Memory(ledger, sieve) => {
                let (mut facts, mut gathered) = (ledger.lend_facts(), Gathered::default());
                let result = read(Aim::Ledger(ledger, sieve), &mut |mut ready| {
                    log.merge(ready.log);
                    facts.take(&mut ready.gathered)?;
                    gathered.append(ready.gathered);
                    if gathered.unsettled() > MUCH {
                        sieve.get_or_init(|| ledger.sieve());
                    }
                    Ok(())
                });
                ledger.return_facts(facts);
                ledger.take(gathered, 0)?;
                result
            }
            Place::Disk(divided, _) => read(Aim::Parts(divided.parts.count()), &mut |ready| {
                log.merge(ready.log);
                divided.write(&[], &ready.parts)
            }),
        };
        self.logs.push(log);
        Ok(result)
    }

    /// Everything has been read.
    pub(super) fn close(self) -> Result<Kept, NoRoom> {
        Ok(match self.place {
            Place::Memory(ledger, _) => Kept::Whole(ledger),
            Place::Disk(mut divided, sieve) => {
                divided.parts.close()?;
                Kept::Divided(divided, sieve)
            }
        })
    }

    /// What was seen of each log, in the order in which they were read.
    pub(super) fn logs(&self) -> &[LogSeen] {
        &self.logs
    }

    /// The rows of the orders, by count and by rupiah.
    pub(super) const fn rows(&self) -> Tally {
        self.rows
    }

    /// The ledger of a store in memory.
    pub(super) fn into_ledger(self) -> Box<Ledger> {
        match self.place {
            Place::Memory(ledger, _) => ledger,
            Place::Disk(..) => unreachable!("who asks for the ledger has set no limit to the memory"),
        }
    }

    /// The ledger, if everything is in memory.
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        match &self.place {
            Place::Memory(ledger, _) => Some(ledger),
            Place::Disk(..) => None,
        }
    }
}
