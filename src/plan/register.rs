//! The rows and orders of an input, kept small: what a row says stays in the text, and is read again when it is asked for.
//!
//! A row takes 12 bytes here and an order 8, beside the text of the file; an order with all its texts would take 500.

use std::collections::{BTreeMap, VecDeque};

use super::book::BookReader;
use super::input::{InputRow, Role};
use crate::model::fault::{self, Fault};
use crate::model::ids::InvoiceNumber;
use crate::model::listing::{Listing, Spot, Unread};
use crate::model::money::{Rupiah, Tally};
use crate::model::order::Order;
use crate::model::rows::{Row, Rows};

/// All rows and orders of an input.
#[derive(Debug)]
pub(super) struct Register {
    pub(super) listing: Listing,
    pub(super) reader: BookReader<'static>,
    pub(super) lists: Lists,
}

/// The rows and orders without their texts.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// For each row the money that it stands for.
    rupiah: Vec<Rupiah>,
    /// For each row its order, or [`NOBODY`].
    order_of: Vec<u32>,
    /// For each order its first row.
    firsts: Vec<Place>,
    /// Further line items, by order once all are there.
    lines: Vec<(u32, Place)>,
    /// What is wrong with bad rows, by their numbers.
    faults: BTreeMap<u64, Vec<Fault>>,
}

/// In place of an order: the row is bad.
const NOBODY: u32 = u32::MAX;

/// So many rows can be numbered.
pub(super) const MOST_ROWS: u64 = NOBODY as u64 - 1;

/// Where a row is, in fewer bytes than [`Spot`].
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u32,
    at: u32,
}

/// What a row is to its order, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first row of this order.
    First(u32),
    /// A later row of it.
    Later(u32),
    /// Bad.
    Bad,
}

impl Place {
    fn of(row: &Row<'_, '_>) -> Self {
        let Spot { number, at } = row.spot();
        Self { number: u32::try_from(number).expect("there are at most MOST_ROWS"), at }
    }

    fn spot(self) -> Spot {
        Spot { number: self.number.into(), at: self.at }
    }
}

impl Lists {
    /// With room for so many rows.
    pub(super) fn for_rows(count: u64) -> Self {
        let count = usize::try_from(count).expect("rows of a text in memory");
        let (rupiah, order_of) = (Vec::with_capacity(count), Vec::with_capacity(count));
        Self { rupiah, order_of, firsts: Vec::with_capacity(count), ..Self::default() }
    }

    /// Adds a row that is the first of a new order, which is returned.
    pub(super) fn add_order(&mut self, row: &Row<'_, '_>, rupiah: Rupiah) -> u32 {
        let order = u32::try_from(self.firsts.len()).expect("there are at most MOST_ROWS");
        self.firsts.push(Place::of(row));
        self.add(rupiah, order);
        order
    }

    /// Adds a row that repeats an order.
    pub(super) fn add_repetition(&mut self, order: u32, rupiah: Rupiah) {
        self.add(rupiah, order);
    }

    /// Adds a row with a further line item of an order; its money is counted already.
    pub(super) fn add_line(&mut self, row: &Row<'_, '_>, order: u32) {
        self.lines.push((order, Place::of(row)));
        self.add(Rupiah::ZERO, order);
    }

    /// Adds a bad row. Where another row tells what is wrong, it has no faults.
    pub(super) fn add_bad(&mut self, row: &Row<'_, '_>, rupiah: Rupiah, faults: Vec<Fault>) {
        if !faults.is_empty() {
            self.faults.insert(row.number, faults);
        }
        self.add(rupiah, NOBODY);
    }

    fn add(&mut self, rupiah: Rupiah, order: u32) {
        self.rupiah.push(rupiah);
        self.order_of.push(order);
    }

    /// All rows have been added.
    pub(super) fn close(&mut self) {
        self.lines.sort_by_key(|(order, _)| *order);
        self.firsts.shrink_to_fit();
    }

    /// Where the first row of an order is.
    pub(super) fn first(&self, order: u32) -> Spot {
        self.firsts[order as usize].spot()
    }

    /// What is wrong with bad rows, in their order.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.values().flatten()
    }

    /// What is wrong with a bad row.
    fn faults_of(&self, number: u64) -> &[Fault] {
        self.faults.get(&number).map_or(&[], Vec::as_slice)
    }

    /// How many orders there are.
    pub(super) fn orders(&self) -> u32 {
        u32::try_from(self.firsts.len()).expect("there are at most MOST_ROWS")
    }

    /// The money of an order.
    pub(super) fn amount(&self, order: u32) -> Rupiah {
        self.rupiah[self.firsts[order as usize].number as usize - 1]
    }

    /// All rows in short.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Part, Rupiah)> {
        (1..).map_while(|number| Some((self.part(number)?, self.rupiah[usize::try_from(number).ok()? - 1])))
    }

    /// What the row of that number is to its order; `None` if there is no such row.
    pub(super) fn part(&self, number: u64) -> Option<Part> {
        let order = *self.order_of.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        Some(match order {
            NOBODY => Part::Bad,
            order if u64::from(self.firsts[order as usize].number) == number => Part::First(order),
            order => Part::Later(order),
        })
    }

    /// Rows and rupiah.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.rupiah.iter().for_each(|rupiah| tally.add(*rupiah));
        tally
    }
}

impl Register {
    /// All rows, read a block at a time; after an error there are none.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<InputRow, Unread>> {
        let (mut blocks, mut ready) = (self.listing.blocks(), VecDeque::new());
        std::iter::from_fn(move || {
            while ready.is_empty() {
                let block = blocks.next()?;
                if let Err(error) = self.listing.rows_from(block, |row| ready.extend(self.input_row(row))) {
                    ready.clear();
                    blocks.by_ref().for_each(drop);
                    return Some(Err(error));
                }
            }
            ready.pop_front().map(Ok)
        })
    }

    fn input_row(&self, row: &Row<'_, '_>) -> Option<InputRow> {
        let part = self.lists.part(row.number)?;
        let invoice = InvoiceNumber::new(&self.reader.invoice(row)).ok();
        let role = match part {
            Part::Bad => Role::Invalid(self.lists.faults_of(row.number).to_vec()),
            Part::First(order) => Role::First(order as usize),
            Part::Later(order) if self.reader.creates() => Role::Line(order as usize),
            Part::Later(order) => Role::Duplicate { order: order as usize, of: self.lists.first(order).number },
        };
        let rupiah = self.lists.rupiah[usize::try_from(row.number).ok()? - 1];
        Some(InputRow { number: row.number, line: row.line, raw: row.raw().into(), invoice, rupiah, role })
    }

    /// Where the invoice of an order stands; at least in which file, if its row cannot be read.
    pub(super) fn place(&self, order: u32) -> fault::Place {
        let place = self.listing.look(self.lists.first(order), |row| self.reader.fault(row, "").place);
        place.unwrap_or_else(|_| fault::Place::file(self.listing.head().file()))
    }

    /// The orders from one on, read a block at a time; after an error there are none.
    pub(super) fn orders_from(&self, order: u32) -> impl Iterator<Item = Result<(u32, Order), Unread>> {
        let (mut next, mut ready) = (Some(order), VecDeque::new());
        std::iter::from_fn(move || {
            if ready.is_empty() {
                let some = next.take().map(|next| self.some_orders(next))?;
                match some {
                    Ok(some) => ready.extend(some),
                    Err(error) => return Some(Err(error)),
                }
                next = ready.back().map(|(last, _)| last + 1);
            }
            ready.pop_front().map(Ok)
        })
    }

    /// Some orders from one on: those whose first rows are in one block. None behind the last one.
    pub(super) fn some_orders(&self, order: u32) -> Result<Vec<(u32, Order)>, Unread> {
        let Some(first) = self.lists.firsts.get(order as usize) else { return Ok(Vec::new()) };
        let mut orders: Vec<Result<(u32, Order), Unread>> = Vec::new();
        self.listing.rows_from(first.spot(), |row| {
            if let Some(Part::First(order)) = self.lists.part(row.number) {
                orders.push(self.order_of(row, order).map(|read| (order, read)));
            }
        })?;
        orders.into_iter().collect()
    }

    /// One order.
    pub(super) fn order(&self, order: u32) -> Result<Order, Unread> {
        self.listing.look(self.lists.first(order), |row| self.order_of(row, order))?
    }

    /// The order of which a row is the first.
    fn order_of(&self, row: &Row<'_, '_>, order: u32) -> Result<Order, Unread> {
        let mut read = self.reader.order(row).expect("a row that was good stays so");
        let from = self.lists.lines.partition_point(|(of, _)| *of < order);
        for (_, line) in self.lists.lines[from..].iter().take_while(|(of, _)| *of == order) {
            let more = self.listing.look(line.spot(), |row| self.reader.order(row))?;
            if let (Some(sale), Some(more)) = (&mut read.sale, more.and_then(|order| order.sale)) {
                sale.line_items.extend(more.line_items);
            }
        }
        Ok(read)
    }

    /// The order that a row of that text is about, a creation with this one line item; `None` for a bad row.
    pub(super) fn order_in(&self, raw: &str) -> Option<Order> {
        // A row is kept without its line end.
        let text = format!("{raw}\n");
        let mut rows = Rows::of_part(self.listing.head(), &text, 1);
        rows.next_row().and_then(|row| self.reader.order(&row))
    }

    /// Forgets the text; no row and no order can be read any more.
    pub(super) fn forget_text(&mut self) {
        self.listing.forget();
        self.lists.lines = Vec::new();
    }
}
