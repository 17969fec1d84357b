//! A part of the reconciliation, judged and written: some orders, their rows, and what they add up to.

use super::highlights::Highlights;
use super::rows;
use crate::model::moment::Moment;
use crate::model::time::Cutoff;
use crate::reconcile::judge::{Bench, Rules};
use crate::reconcile::ledger::{AT_ONCE, Ledger};
use crate::reconcile::record::{LinePlace, Record, StrayRecord};
use crate::reconcile::total::{Counted, RowEnd, Totals};

/// Whose rows are counted where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// The first row of an order is counted with it.
    WithOrders,
    /// The rows are counted elsewhere: a run knows the end of each.
    Elsewhere,
}

/// How sheets are made.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// By which clock orders are judged.
    pub rules: Rules,
    /// When a business day ends.
    pub cutoff: Cutoff,
    /// Where rows are counted.
    pub rows: Rows,
    /// Whether anybody wants the rows of reconciliation.csv and actions.csv.
    pub is_written: bool,
}

/// Some orders in their order.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Their rows of reconciliation.csv.
    pub orders: Vec<u8>,
    /// Behind each of them, where it ends in `orders` and in `actions`.
    pub ends: Vec<(usize, usize)>,
    /// Their rows of actions.csv.
    pub actions: Vec<u8>,
    /// Copies of notifications, as records of strays.
    pub copies: Vec<u8>,
    /// A sum of hashes of what was found, which names an audit: the same findings have the same, in any order.
    pub digest: u64,
    /// Their sums.
    pub totals: Totals,
    /// What a page for people shows of them.
    pub highlights: Highlights,
}

/// About as long as a row is.
const ROW_BYTES: usize = 192;

/// Judges these orders of a ledger.
#[must_use]
pub fn sheet(ledger: &Ledger, orders: &[u32], style: Style) -> Sheet {
    let Style { rules, cutoff, rows, is_written } = style;
    let room = if is_written { orders.len() * ROW_BYTES } else { 0 };
    let mut sheet = Sheet { orders: Vec::with_capacity(room), ..Sheet::default() };
    let mut bench = Bench::new(ledger, rules);
    for (at, order) in orders.iter().enumerate() {
        if at % AT_ONCE == 0 {
            ledger.fetch_facts(&orders[at..orders.len().min(at + AT_ONCE)]);
        }
        let judged = bench.judge(*order);
        let made_on = judged.entry.created_at.and_then(|time| cutoff.day(time)).unwrap_or_default();
        sheet.totals.add_order(&judged, made_on);
        if rows == Rows::WithOrders {
            let (state, rupiah) = (judged.state(), judged.entry.amount);
            if judged.is_left_out() {
                sheet.totals.add_left_out(state, rupiah);
            } else {
                sheet.totals.add_row(&RowEnd { state, rupiah, counted: Counted::Here });
            }
            sheet.totals.aside.note(&judged);
            sheet.totals.dated.note(&judged, rules.now);
        }
        bench.events().for_each(|(day, status, amount)| sheet.totals.add_event(day, status, amount));
        for copy in bench.copies() {
            let received_at = copy.received_at.map(Moment::wire).unwrap_or_default();
            let stray = StrayRecord {
                place: LinePlace { file: copy.file, line: copy.line, hash: 0 },
                reason: copy.as_copy,
                amount: Some(copy.amount),
                invoice: &judged.name(),
                status: copy.status.word(),
                received_at: &received_at,
                told: None,
            };
            Record::Stray(stray).write(&mut sheet.copies);
        }
        if is_written {
            rows::order(&judged, &mut sheet.orders);
            rows::action(&judged, || ledger.identifiers(*order), &mut sheet.actions);
        }
        sheet.digest = sheet.digest.wrapping_add(judged.digest());
        sheet.ends.push((sheet.orders.len(), sheet.actions.len()));
        sheet.highlights.take(&judged);
    }
    sheet.highlights.keep_the_worst();
    sheet
}
