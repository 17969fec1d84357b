//! Rows become orders: rows that repeat an order are found, line items of one order are put together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::book::BookReader;
use super::fields::MOST_SHOWN;
use super::index::Index;
use super::register::{Lists, MOST_ROWS, Register};
use super::sale;
use super::select::Meant;
use crate::job::settings::{Job, OnInvalid};
use crate::model::fault::{Fault, Place};
use crate::model::ids::InvoiceNumber;
use crate::model::listing::{Listing, Unread};
use crate::model::money::{Rupiah, Tally};
use crate::model::order::{Order, Sale};
use crate::model::rows::Row;
use crate::model::time::Timestamp;

/// The input as it was read: every row, and the orders that they are about. Both are read anew from the text each time that
/// somebody asks for them, so that a million of them take little memory.
#[derive(Debug)]
pub struct Input {
    /// The header of the file.
    pub header: Vec<String>,
    /// The file's delimiter.
    pub delimiter: u8,
    /// SHA-256 of the bytes that it was read from, in hex; `None` until whoever has read them says so.
    pub sha256: Option<String>,
    pub(super) register: Register,
    /// Why orders are not meant, by their numbers.
    pub(super) left_out: Vec<(u32, Arc<str>)>,
    /// What is wrong with orders as a whole, by their numbers.
    pub(super) faults: BTreeMap<u32, Vec<Fault>>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRow {
    /// Its number, from 1.
    pub number: u64,
    /// Its line.
    pub line: u64,
    /// Its text.
    pub raw: Arc<str>,
    /// Its invoice; `None` if it cannot be read.
    pub invoice: Option<InvoiceNumber>,
    /// The money that the row stands for; zero for the further lines of an order and where it cannot be read.
    pub rupiah: Rupiah,
    /// What it is to its order.
    pub role: Role,
}

/// What a row is to its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The first row of the order with this index.
    First(usize),
    /// A further line item of the order with this index.
    Line(usize),
    /// Says the same as the row of that number, about the order with this index.
    Duplicate {
        /// The order.
        order: usize,
        /// The earlier row.
        of: u64,
    },
    /// Bad.
    Invalid(Vec<Fault>),
}

/// One order of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputOrder {
    /// The order.
    pub order: Order,
    /// Why it is not meant; `None` if it is.
    pub not_selected: Option<String>,
    /// Its first row.
    pub row: u64,
    /// Where its first row is.
    pub place: Place,
    /// What is wrong with the order as a whole: its rows disagree, or its line items do not add up.
    pub faults: Vec<Fault>,
}

/// Reads all rows of a table.
///
/// # Errors
/// The columns that the table lacks. Bad rows are no error here, for they are part of the input; but what shows that the good
/// ones are misread is one, though bad rows may be left out.
pub fn read(job: &Job, table: impl Into<Listing>, now: Timestamp) -> Result<Input, Vec<Fault>> {
    let listing: Listing = table.into();
    let (head, rows) = (listing.head(), listing.rows());
    let reader = BookReader::new(job, head, now)?;
    if rows > MOST_ROWS {
        let message = format!("has {rows} rows, and at most {MOST_ROWS} are read");
        return Err(vec![Fault::new(Place::start(head.file()), message).hint("divide it")]);
    }
    let mut gathering = Gathering {
        listing: &listing,
        reader: &reader,
        index: Index::for_orders(rows),
        bad: HashMap::new(),
        sums: Vec::new(),
        reasons: HashSet::new(),
        lists: Lists::for_rows(rows),
        left_out: Vec::new(),
        faults: BTreeMap::new(),
        misread: Vec::new(),
    };
    gathering.gather().map_err(|error| vec![unread(&error)])?;
    let Gathering { mut lists, left_out, faults, misread, .. } = gathering;
    if job.orders.on_invalid == OnInvalid::Skip && !misread.is_empty() {
        return Err(misread);
    }
    lists.close();
    let (header, delimiter) = (head.header().to_vec(), head.delimiter());
    let register = Register { reader: reader.into_owned(), listing, lists };
    Ok(Input { header, delimiter, sha256: None, register, left_out, faults })
}

fn unread(error: &Unread) -> Fault {
    let message = format!("its private copy cannot be read any more: {}", error.why);
    Fault::new(Place::file(&error.file), message).hint("look at the disk, and run it again")
}

struct Gathering<'a> {
    listing: &'a Listing,
    reader: &'a BookReader<'a>,
    index: Index,
    /// Invoices with a bad row, and its line.
    bad: HashMap<InvoiceNumber, u64>,
    /// In a creation, what the line items of each order add up to; `None` beyond what can be counted.
    sums: Vec<Option<Rupiah>>,
    /// One of each reason for which orders are not meant.
    reasons: HashSet<Arc<str>>,
    lists: Lists,
    left_out: Vec<(u32, Arc<str>)>,
    faults: BTreeMap<u32, Vec<Fault>>,
    /// What shows that good rows are misread.
    misread: Vec<Fault>,
}

impl Gathering<'_> {
    fn gather(&mut self) -> Result<(), Unread> {
        for block in self.listing.blocks() {
            let mut taken = Ok(());
            self.listing.rows_from(block, |row| {
                if taken.is_ok() {
                    taken = self.take(row);
                }
            })?;
            taken?;
        }
        self.check_bad_rows()?;
        self.check_sums()
    }

    fn take(&mut self, row: &Row<'_, '_>) -> Result<(), Unread> {
        if !self.reader.creates()
            && let Some(good) = self.reader.read_good(row)
        {
            return self.place(row, good.invoice, good.amount, good.not_selected.as_deref(), None);
        }
        let read = self.reader.read_carefully(row);
        if let Some(order) = read.order {
            let left_out = self.reader.left_out(row, order.amount);
            let invoice = order.invoice_number.as_str();
            return self.place(row, invoice, order.amount, left_out.as_deref(), order.sale.as_deref());
        }
        if read.misread {
            self.misread.extend(read.faults.iter().cloned());
        }
        let mut rupiah = read.amount.unwrap_or(Rupiah::ZERO);
        if let Some(invoice) = read.invoice {
            // The lines of one creation repeat its amount; it counts once, good or bad.
            let repeats = self.bad.contains_key(&invoice) || self.find(invoice.as_str())?.is_some();
            if repeats && self.reader.creates() {
                rupiah = Rupiah::ZERO;
            }
            self.bad.entry(invoice).or_insert(row.line);
        }
        self.lists.add_bad(row, rupiah, read.faults);
        Ok(())
    }

    /// The order with an invoice.
    fn find(&self, invoice: &str) -> Result<Option<u32>, Unread> {
        self.index.find(invoice, |order| self.look_at_first(order, |row| self.reader.invoice(row) == invoice))
    }

    /// Looks at the first row of an order.
    fn look_at_first<R>(&self, order: u32, look: impl FnOnce(&Row<'_, '_>) -> R) -> Result<R, Unread> {
        self.listing.look(self.lists.first(order), look)
    }

    fn place(
        &mut self,
        row: &Row<'_, '_>,
        invoice: &str,
        amount: Rupiah,
        left_out: Option<&str>,
        sale: Option<&Sale>,
    ) -> Result<(), Unread> {
        if let Some(order) = self.find(invoice)? {
            return self.again(row, order, amount, sale);
        }
        let order = self.lists.add_order(row, amount);
        self.index.insert(invoice, order);
        if let Some(sale) = sale {
            self.sums.push(sale::sum(&sale.line_items));
        }
        if let Some(reason) = left_out {
            let reason = self.shared(reason);
            self.left_out.push((order, reason));
        }
        Ok(())
    }

    fn shared(&mut self, reason: &str) -> Arc<str> {
        if let Some(known) = self.reasons.get(reason) {
            return Arc::clone(known);
        }
        let reason: Arc<str> = reason.into();
        self.reasons.insert(Arc::clone(&reason));
        reason
    }

    /// A further row of an order that is known already.
    fn again(&mut self, row: &Row<'_, '_>, order: u32, amount: Rupiah, sale: Option<&Sale>) -> Result<(), Unread> {
        let disagreement = self.look_at_first(order, |first| self.disagreement(first, row))?;
        if let Some(fault) = disagreement {
            // Nobody can say which of the two is meant, so neither is.
            self.faults.entry(order).or_default().push(fault);
            self.lists.add_bad(row, amount, Vec::new());
            return Ok(());
        }
        let Some(sale) = sale else {
            self.lists.add_repetition(order, amount);
            return Ok(());
        };
        let sum = &mut self.sums[order as usize];
        *sum = sum.and_then(|sum| sum.checked_add(sale::sum(&sale.line_items)?));
        self.lists.add_line(row, order);
        Ok(())
    }

    /// What is wrong with a row that says something else than the first of its invoice.
    fn disagreement(&self, first: &Row<'_, '_>, row: &Row<'_, '_>) -> Option<Fault> {
        let (field, here, there) = self.reader.difference(row, first)?;
        let (invoice, line, word) = (self.reader.invoice(row), first.line, field.word());
        let message = if word.starts_with("customer.") {
            format!("invoice {invoice} has another {word} here than on line {line}")
        } else {
            let [here, there] = [here, there].map(|text| text.chars().take(MOST_SHOWN).collect::<String>());
            format!("invoice {invoice} has {word} {here:?} here and {there:?} on line {line}")
        };
        Some(
            self.reader
                .fault(row, message)
                .hint("one invoice is one order: correct the export, or remove one of the rows"),
        )
    }

    /// An order of which one row is good and another bad is not the order that was meant.
    fn check_bad_rows(&mut self) -> Result<(), Unread> {
        for (invoice, line) in std::mem::take(&mut self.bad) {
            if let Some(order) = self.find(invoice.as_str())? {
                let message = format!("invoice {invoice} has another row, on line {line}, that is bad");
                let fault = Fault::new(self.place_of(order)?, message).hint("correct or remove that row");
                self.faults.entry(order).or_default().push(fault);
            }
        }
        Ok(())
    }

    /// In a creation, price times quantity must add up to the amount (`akulaku-guide.txt`, "`order.line_items.price`").
    fn check_sums(&mut self) -> Result<(), Unread> {
        for (order, sum) in (0..).zip(std::mem::take(&mut self.sums)) {
            let amount = self.lists.amount(order);
            if sum == Some(amount) || self.faults.contains_key(&order) {
                continue;
            }
            let invoice = self.look_at_first(order, |row| self.reader.invoice(row).into_owned())?;
            let sum = sum.map_or_else(|| "more than can be counted".to_owned(), |sum| sum.to_string());
            let message = format!("the line items of {invoice} add up to {sum}, its amount is {amount}");
            let hint = "price times quantity over all rows of the invoice must be its amount";
            let fault = Fault::new(self.place_of(order)?, message).hint(hint);
            self.faults.insert(order, vec![fault]);
        }
        Ok(())
    }

    /// Where the invoice of an order stands.
    fn place_of(&self, order: u32) -> Result<Place, Unread> {
        self.look_at_first(order, |row| self.reader.fault(row, "").place)
    }
}

impl Input {
    /// All rows in the order of the file; none after an error.
    pub fn rows(&self) -> impl Iterator<Item = Result<InputRow, Unread>> {
        self.register.rows()
    }

    /// The orders, each at its first row; none after an error.
    pub fn orders(&self) -> impl Iterator<Item = Result<InputOrder, Unread>> {
        let mut left_out = self.left_out.iter().peekable();
        self.register.orders_from(0).map(move |read| {
            let (number, order) = read?;
            let not_selected = left_out.next_if(|(of, _)| *of == number).map(|(_, reason)| reason.to_string());
            let faults = self.faults.get(&number).cloned().unwrap_or_default();
            let row = self.register.lists.first(number).number;
            Ok(InputOrder { order, not_selected, row, place: self.register.place(number), faults })
        })
    }

    /// How many orders there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.register.lists.orders().into()
    }

    /// Its rows and their rupiah.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.register.lists.tally()
    }

    /// Whether any of its orders is meant.
    #[must_use]
    pub fn meant(&self) -> Meant {
        let mut meant = Meant::default();
        let left_out = self.left_out.len() as u64;
        (left_out..self.count()).for_each(|_| meant.note(None));
        self.left_out.iter().for_each(|(_, reason)| meant.note(Some(reason)));
        meant
    }

    /// All faults of all rows and orders, in the order of the file.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> =
            self.register.lists.faults().chain(self.faults.values().flatten()).cloned().collect();
        faults.sort_by(|left, right| left.place.cmp(&right.place));
        faults
    }
}
