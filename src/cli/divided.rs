//! A reconciliation in parts, for less memory than all of it would take: every invoice has its part, and each part is a
//! reconciliation of its own.
//!
//! Only notifications that do not name their order in the usual way may belong to another part. So all parts are gone
//! through twice: first for those notifications, of which there are few, and then to judge.

use std::io;

use super::books::{Books, How, PIECE};
use super::load::Case;
use super::room::{NoRoom, part_of};
use crate::edge::parallel;
use crate::edge::spill::{Parts, Run, RunWriter, Scrap, merge};
use crate::model::money::Tally;
use crate::reconcile::aside::Aside;
use crate::reconcile::ledger::{Contradiction, Ledger, Named};
use crate::reconcile::record::{HeardRecord, Record, hash};
use crate::reconcile::settle::{Search, Settled, apply, records};
use crate::reconcile::sieve::Sieve;
use crate::reconcile::strays::{self, sorted, united};
use crate::report::sheet::{Rows, Sheet, sheet};

/// The records of an audit in parts on the disk.
#[derive(Debug)]
pub(super) struct Divided {
    pub(super) parts: Parts,
    pub(super) scrap: Scrap,
    pub(super) period: Option<(u16, u16)>,
}

/// What was found in all parts before they are judged.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// For each part the notifications that belong to it, or prove nothing there.
    settled: Vec<Vec<(Vec<u8>, Settled)>>,
    /// For each part the invoices of which something may have been said that proves nothing.
    unclear: Vec<Vec<String>>,
    /// Rows that cannot both be true.
    pub(super) contradictions: Vec<Contradiction>,
}

impl Divided {
    /// Appends to each part what belongs to it, with the same head before it.
    pub(super) fn write(&mut self, head: &[u8], parts: &[Vec<u8>]) -> Result<(), NoRoom> {
        for (part, bytes) in parts.iter().enumerate().filter(|(_, bytes)| !bytes.is_empty()) {
            self.parts.write(part, head)?;
            self.parts.write(part, bytes)?;
        }
        Ok(())
    }

    fn load(&self, part: usize, sieve: &Sieve) -> Result<Ledger, NoRoom> {
        let bytes = self.parts.read(part)?;
        // A record of an order and those about it take some 200 bytes.
        let mut ledger = Ledger::for_orders(bytes.len() / 256, self.period);
        ledger.fill(&bytes, sieve)?;
        Ok(ledger)
    }

    /// Looks for the orders of notifications that do not name theirs.
    pub(super) fn survey(&self, sieve: &Sieve, threads: usize) -> Result<Survey, NoRoom> {
        let count = self.parts.count();
        let (settled, unclear) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let mut survey = Survey { settled, unclear, contradictions: Vec::new() };
        let mut open: Vec<(Vec<u8>, Named)> = Vec::new();
        let mut search = Search::default();
        let look = |part: usize| -> Result<_, NoRoom> {
            let mut ledger = self.load(part, sieve)?;
            let unsettled = ledger.unsettled();
            let named: Vec<Named> = records(&unsettled).map(|heard| ledger.named(heard.invoice)).collect();
            Ok((unsettled, named, ledger.contradictions()))
        };
        parallel::in_order(count, threads, look, |looked: Result<_, NoRoom>| {
            let (unsettled, named, contradictions) = looked?;
            search.want(&unsettled);
            let bytes = records(&unsettled).map(|heard| bytes_of(&heard));
            open.extend(bytes.zip(named));
            survey.contradictions.extend(contradictions);
            Ok::<(), NoRoom>(())
        })?;
        survey.contradictions.sort_unstable();
        if open.is_empty() {
            return Ok(survey);
        }
        let mut all = Vec::new();
        let find = |part: usize| -> Result<_, NoRoom> {
            let ledger = self.load(part, sieve)?;
            Ok(search.find(&ledger, 0..ledger.orders()))
        };
        parallel::in_order(count, threads, find, |found: Result<_, NoRoom>| {
            all.extend(found?);
            Ok::<(), NoRoom>(())
        })?;
        search.take(all);
        for (bytes, named) in open {
            for heard in records(&bytes) {
                let settled = search.settle(&heard, named);
                let home = match &settled {
                    Settled::Of(invoice, _) => hash(invoice),
                    Settled::Ambiguous(_) | Settled::Orphan => hash(heard.invoice),
                };
                if let Settled::Ambiguous(candidates) = &settled {
                    candidates
                        .first()
                        .for_each(|invoice| survey.unclear[part_of(hash(invoice), count)].push(invoice.to_owned()));
                }
                survey.settled[part_of(home, count)].push((bytes.clone(), settled));
            }
        }
        Ok(survey)
    }

    /// Judges all parts and puts their rows together again.
    pub(super) fn books(
        &self,
        case: &Case,
        survey: &Survey,
        sieve: &Sieve,
        files: &[String],
        how: How,
    ) -> Result<Books, NoRoom> {
        let mut books = Books::open(case);
        let (mut orders, mut lines) = (Vec::new(), Vec::new());
        let judge = |part: usize| self.judge(part, case, survey, sieve, how);
        parallel::in_order(self.parts.count(), how.threads, judge, |judged: Result<Judged, NoRoom>| {
            let judged = judged?;
            if how.rows == Rows::WithOrders {
                books.totals.add_repeated(judged.repeated);
                books.totals.aside.merge(judged.aside);
            }
            judged.sheets.into_iter().for_each(|sheet| books.add(sheet));
            orders.push(judged.orders);
            lines.push(judged.lines);
            Ok::<(), NoRoom>(())
        })?;
        merge(&orders, |_, [row, action]| {
            case.told.signals.still_wanted()?;
            books.order(row, action);
            Ok::<(), NoRoom>(())
        })?;
        merge(&lines, |_, [record, _]| {
            strays::records(record).for_each(|stray| books.stray(files, &stray));
            Ok::<(), NoRoom>(())
        })?;
        Ok(books)
    }

    fn judge(&self, part: usize, case: &Case, survey: &Survey, sieve: &Sieve, how: How) -> Result<Judged, NoRoom> {
        let mut ledger = self.load(part, sieve)?;
        drop(ledger.unsettled());
        for (bytes, settled) in &survey.settled[part] {
            records(bytes).try_for_each(|heard| apply(&mut ledger, &heard, settled))?;
        }
        survey.unclear[part].iter().for_each(|invoice| ledger.note_unclear(invoice));
        ledger.note_unreadable();
        ledger.seal();
        let style = how.style(case);
        let mut orders = RunWriter::begin(&self.scrap, &format!("orders-{part}"))?;
        let (mut sheets, mut copies) = (Vec::new(), Vec::new());
        for piece in ledger.in_order().chunks(PIECE) {
            case.told.signals.still_wanted()?;
            let mut judged = sheet(&ledger, piece, style);
            add_rows(&mut orders, &ledger, piece, &judged)?;
            copies.append(&mut judged.copies);
            sheets.push(Sheet { orders: Vec::new(), actions: Vec::new(), ends: Vec::new(), ..judged });
        }
        let mut lines = RunWriter::begin(&self.scrap, &format!("lines-{part}"))?;
        let strays = united(ledger.strays()).into_iter().chain(strays::records(&copies));
        for stray in sorted(strays.collect()) {
            let key = [&stray.place.file.to_be_bytes()[..], &stray.place.line.to_be_bytes()].concat();
            let mut bytes = Vec::new();
            Record::Stray(stray).write(&mut bytes);
            lines.add(&key, [&bytes, b""])?;
        }
        let (repeated, aside) = (ledger.repeated(), ledger.aside());
        Ok(Judged { sheets, orders: orders.close()?, lines: lines.close()?, repeated, aside })
    }
}

/// A part that was judged: its sums, and its rows on the disk.
struct Judged {
    sheets: Vec<Sheet>,
    orders: Run,
    lines: Run,
    repeated: Tally,
    aside: Aside,
}

/// Writes a sheet's rows with the key that they are merged by: as [`Ledger::in_order`] has it.
fn add_rows(run: &mut RunWriter, ledger: &Ledger, piece: &[u32], sheet: &Sheet) -> io::Result<()> {
    let (mut row_from, mut action_from) = (0, 0);
    for (order, (row, action)) in piece.iter().zip(&sheet.ends) {
        run.add(&ledger.sort_key(*order), [&sheet.orders[row_from..*row], &sheet.actions[action_from..*action]])?;
        (row_from, action_from) = (*row, *action);
    }
    Ok(())
}

fn bytes_of(heard: &HeardRecord<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Record::Heard(*heard).write(&mut bytes);
    bytes
}
