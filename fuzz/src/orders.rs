//! Orders files: the strict reader against the naive one, and files that were cut.

use std::sync::OnceLock;

use rekon::edge::csv;
use rekon::job::settings::Control;
use rekon::job::{self, Job};
use rekon::model::order::Order;
use rekon::model::table::{DELIMITERS, Delimiter, Encoding, Format, Table};
use rekon::plan::guard;
use rekon::plan::input::{self, Input};

use super::{check_shown, naive, now};

const KNOWN: [&str; 6] = ["invoice_number", "amount", "order_id", "akulaku_reference", "book_status", "expires_at"];

/// What is read is what a naive reader reads, to the letter; what it refuses is refused.
pub fn orders_csv(bytes: &[u8]) {
    for delimiter in DELIMITERS {
        // Without names that are known nobody sees that another delimiter is meant.
        let read = parse_as(bytes, Delimiter::Is(delimiter), Encoding::Utf8, &[]).map(|table| rows(&table));
        assert_eq!(read, naive::table(bytes, char::from(delimiter)), "split at {:?}", char::from(delimiter));
    }
    for encoding in Encoding::ALL {
        let Some(table) = parse(bytes, Delimiter::Auto, encoding) else { continue };
        let declared = parse(bytes, Delimiter::Is(table.delimiter()), encoding).map(|table| rows(&table));
        assert_eq!(declared, Some(rows(&table)), "found, then declared");
        for job in jobs() {
            let Ok(input) = input::read(job, table.clone(), now()).map_err(|faults| check_shown(&faults)) else {
                continue;
            };
            check_shown(&input.faults());
            assert_eq!(input.rows().count() as u64, table.rows(), "every row is somewhere");
        }
    }
}

/// A part of a file is never taken for other orders than the whole has; with control totals, for fewer neither.
pub fn orders_cut(bytes: &[u8]) {
    const LONGEST: usize = 300;
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let Some(table) = parse(bytes, Delimiter::Auto, Encoding::Utf8) else { return };
    let whole = |job: &'static Job| accepted(&table, job).map(|whole| (job, controlled(job, &whole), whole));
    let wholes: Vec<(&Job, Job, Input)> = jobs().iter().filter_map(whole).collect();
    for end in 0..if wholes.is_empty() { 0 } else { bytes.len() } {
        let Some(table) = parse(&bytes[..end], Delimiter::Auto, Encoding::Utf8) else { continue };
        let cut = || format!("cut to {:?}", String::from_utf8_lossy(&bytes[..end]));
        for (job, controlled, whole) in &wholes {
            if let Some(part) = accepted(&table, job) {
                let (part, whole) = (said(&part), said(whole));
                assert_eq!(part, whole[..part.len().min(whole.len())], "{}", cut());
            }
            if let Some(part) = accepted(&table, controlled) {
                assert_eq!(said(&part), said(whole), "with control totals, {}", cut());
                assert_eq!(part.tally(), whole.tally(), "with control totals, {}", cut());
            }
        }
    }
}

/// The job with the control totals of the whole file.
fn controlled(job: &Job, whole: &Input) -> Job {
    let sum = whole.tally();
    let mut controlled = job.clone();
    controlled.orders.control = Some(Control { rows: Some(sum.count), amount: Some(sum.rupiah) });
    controlled
}

/// What decides about money: the order but for its status in the book, and whether it is meant.
fn said(input: &Input) -> Vec<String> {
    let without_book = |order: Order| Order { book: None, ..order };
    let entries = input.orders().map(|entry| entry.expect("the table is in memory"));
    entries.map(|entry| format!("{:?} {:?}", without_book(entry.order), entry.not_selected)).collect()
}

/// The input, if a run of the job would go on with it.
fn accepted(table: &Table, job: &Job) -> Option<Input> {
    let input = input::read(job, table.clone(), now()).ok()?;
    let agrees = guard::control(job.orders.control, input.tally()).iter().all(guard::Reading::holds);
    (agrees && input.faults().is_empty()).then_some(input)
}

fn parse(bytes: &[u8], delimiter: Delimiter, encoding: Encoding) -> Option<Table> {
    parse_as(bytes, delimiter, encoding, &KNOWN)
}

fn parse_as(bytes: &[u8], delimiter: Delimiter, encoding: Encoding, known: &[&str]) -> Option<Table> {
    match csv::parse("orders.csv", bytes.to_vec(), &Format { delimiter, encoding }, known) {
        Ok(table) => Some(table),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a fault");
            check_shown(&faults);
            None
        }
    }
}

/// Header and rows, after a look at every place.
fn rows(table: &Table) -> (Vec<String>, Vec<naive::Row>) {
    let read = table.records().map(|record| {
        for (field, text) in record.fields.iter().enumerate().filter(|_| record.number <= 10) {
            check_shown(&[table.fault(&record, field, format!("{text:?}"))]);
        }
        (record.line, record.fields.iter().map(str::to_owned).collect())
    });
    (table.header().to_vec(), read.collect())
}

/// One job per way to read orders.
fn jobs() -> &'static [Job] {
    static JOBS: OnceLock<Vec<Job>> = OnceLock::new();
    JOBS.get_or_init(|| {
        let of = |operation: &str, orders: &str| {
            let text = format!(
                "job: fuzz\noperation: {operation}\nmerchant: {{environment: simulator}}\n\
                 orders: {{file: orders.csv, {orders}}}\nguards: {{max_orders: 9, max_total: 9}}\n"
            );
            job::parse("job.yaml", &text).unwrap_or_else(|faults| panic!("{}", faults[0]))
        };
        vec![
            of("refund", "where: [{book_status: [REFUND, PAID]}]"),
            of("cancel", "format: {amounts: id}, where: [{expires_at: {older_than: 2h}}]"),
            of("create", "format: {amounts: us}"),
        ]
    })
}
