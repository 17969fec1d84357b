//! The rows of an audit, read one at a time, say what the careful reading of the whole table says.

use std::collections::HashMap;

use proptest::prelude::*;

use super::book::{BadRow, BookReader};
use super::input::{self, InputOrder, Role};
use crate::edge::csv;
use crate::job::{self, Job};
use crate::model::ids::{InvoiceNumber, MerchantReference};
use crate::model::moment::Moment;
use crate::model::rows::Rows;
use crate::model::table::{Delimiter, Format, Table, Written};
use crate::model::time::{Timestamp, parse_instant};

const HEADER: &str =
    "invoice_number,amount,payment_reference,order_id,akulaku_reference,book_status,created_at,expires_at,note";

/// What a job says about its orders, besides the file.
const ORDERS: [&str; 8] = [
    "",
    "statuses: {LUNAS: paid, \"a \\\"b\\\"\": cancelled}",
    "columns: {book_status: {value: paid}, payment_reference: note}",
    "columns: {created_at: {value: x}, order_id: note}",
    "where: [{book_status: [paid, LUNAS]}, {amount: {at_most: 5000}}], statuses: {LUNAS: paid}",
    "where: [{created_at: {older_than: 2h}}, {note: [\"\", x]}], zone: Asia/Jayapura",
    "format: {amounts: id, times: id}, control: {rows: 3, amount: 5}, where: [{expires_at: {within: 3d}}]",
    "columns: {amount: note, book_status: amount}, statuses: {\"90\": paid}",
];

fn now() -> Timestamp {
    parse_instant("2026-11-22T08:00:00Z").unwrap()
}

fn audit(orders: &str) -> Job {
    // `note` is no field of ours; a condition on it is taken out of the case.
    let orders = orders.replace(", {note: [\"\", x]}", "");
    let comma = if orders.is_empty() { "" } else { ", " };
    let text = format!(
        "job: test\noperation: audit\nmerchant: {{environment: simulator}}\norders: {{file: orders.csv{comma}{orders}}}\n"
    );
    job::parse("job.yaml", &text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn table(text: &str) -> Table {
    let format = Format { delimiter: Delimiter::Is(b','), ..Format::default() };
    csv::parse("orders.csv", text.as_bytes().to_vec(), &format, &[]).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Reads a table both ways; how many rows were good.
fn agree(job: &Job, table: &Table) -> usize {
    let careful = input::read(job, table.clone(), now());
    let reader = match (BookReader::new(job, table, now()), &careful) {
        (Err(faults), Err(expected)) => {
            assert_eq!(faults, *expected);
            return 0;
        }
        (reader, careful) => {
            assert!(careful.is_ok());
            reader.unwrap()
        }
    };
    let careful = careful.unwrap();
    let mut rows = Rows::of(table);
    let mut agreements = HashMap::new();
    let mut first_of: HashMap<String, u64> = HashMap::new();
    let orders: Vec<InputOrder> = careful.orders().map(Result::unwrap).collect();
    for expected in careful.rows().map(Result::unwrap) {
        let row = rows.next_row().expect("as many rows");
        let read = reader.read(&row);
        let good = match &expected.role {
            Role::Invalid(faults) if !faults.is_empty() => {
                let bad = BadRow {
                    number: expected.number,
                    line: expected.line,
                    invoice: expected.invoice.clone(),
                    amount: Some(expected.rupiah).filter(|rupiah| rupiah.whole() > 0),
                    faults: faults.clone(),
                    misread: false,
                };
                assert_eq!(read, Err(bad));
                assert_eq!(reader.order(&row), None);
                continue;
            }
            _ => read.unwrap_or_else(|bad| panic!("{}: {bad:?}", expected.raw)),
        };
        assert_eq!((good.number, good.line), (expected.number, expected.line));
        assert_eq!(Some(good.invoice), expected.invoice.as_ref().map(InvoiceNumber::as_str));
        assert_eq!(good.amount, expected.rupiah);
        agreements.insert(good.number, good.agreement);
        let order = reader.read_carefully(&row).order.expect("a good row");
        assert_eq!(reader.order(&row).as_ref(), Some(&order));
        assert_eq!(order.payment_reference.as_ref().map(MerchantReference::as_str), good.payment_reference);
        assert_eq!((order.book, order.created_at), (good.book, good.created_at.map(Moment::time)));
        match expected.role {
            Role::First(index) => {
                let known = &orders[index];
                assert_eq!((&known.order, known.row), (&order, good.number));
                assert_eq!(known.not_selected, good.not_selected);
                assert_eq!(reader.fault(&row, "x").place, known.place);
                first_of.insert(good.invoice.to_owned(), good.number);
            }
            Role::Duplicate { of, .. } => assert_eq!(good.agreement, agreements[&of]),
            Role::Invalid(_) => assert_ne!(good.agreement, agreements[&first_of[good.invoice]]),
            Role::Line(_) => panic!("an audit has no line items"),
        }
    }
    assert!(rows.next_row().is_none());
    agreements.len()
}

#[test]
fn good_rows_are_read_without_the_careful_reader() {
    let text = format!("{HEADER}\nA,90,REF,1,AK,paid,2026-11-21 18:02:11,,x\n\"B\",\"91\",,,,,,,\"a \"\"b\"\"\nc\"\n");
    assert_eq!(agree(&audit(""), &table(&text)), 2);
}

#[test]
fn rows_of_a_job_file_are_read_as_well() {
    let header = HEADER.split(',').map(str::to_owned).collect::<Vec<String>>();
    let row = |invoice: &str| {
        let mut fields = vec![String::new(); header.len()];
        fields[..2].clone_from_slice(&[invoice.to_owned(), "90".to_owned()]);
        fields
    };
    let written = |line| Written { start: (line, 7), fields: vec![(line, 21)] };
    let rows = vec![(written(12), row("A")), (written(15), row("A B")), (written(17), row(""))];
    let table = Table::from_rows("audit.yaml", (12, 5), header.clone(), rows);
    let job = audit("");
    assert_eq!(agree(&job, &table), 1);
    let reader = BookReader::new(&job, &table, now()).unwrap();
    let mut rows = Rows::of(&table);
    let _good = rows.next_row();
    let bad = reader.read(&rows.next_row().unwrap()).unwrap_err();
    assert_eq!(bad.faults[0].place.to_string(), "audit.yaml:15:21");
}

#[test]
fn a_file_that_ends_in_its_header_is_refused() {
    assert_eq!(agree(&audit(""), &table(HEADER)), 0);
    assert_eq!(agree(&audit(""), &table("invoice_number\nA\n")), 0);
    assert_eq!(agree(&audit(""), &table(&format!("{HEADER}\n"))), 0);
}

#[test]
fn nothing_moves_from_one_field_into_the_next_unnoticed() {
    let text = format!("{HEADER}\nA,90,1,2,,,,,\nA,90,12,,,,,,\nA,90,,12,,,,,\nA,90,1,,2,,,,\n");
    assert_eq!(agree(&audit(""), &table(&text)), 4);
}

/// One field: everyday values, and such as look almost like them.
fn field(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(values).prop_map(str::to_owned), 1 => "[ab1. E+=\"é,]{0,5}"]
        .prop_flat_map(|text| (Just(text), any::<bool>()))
        .prop_map(|(text, quoted)| {
            if quoted || text.contains(['"', ',', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
        })
}

fn any_row() -> impl Strategy<Value = String> {
    let times = &["", "2026-11-21 18:02:11", "2026-11-22T07:59:00Z", "20261101120000", "2026-11-20", "21/11/2026", "x"];
    (
        field(&["A", "B", "C", "D/1", "INV-2026.1", "1.0E+5", "A B", "", "-A", "x..y"]),
        field(&["90", "90", "1.000", "9000", "0", "007", "", "1234567890123"]),
        field(&["", "REF-1", "R 2"]),
        field(&["", "123", "1e+5"]),
        field(&["", "AK-1", "<>"]),
        field(&["", "paid", "LUNAS", "cancelled", "a \"b\"", "gone"]),
        field(times),
        field(times),
        field(&["", "x", "é", "90", "5", "a\nb"]),
    )
        .prop_map(|fields| {
            let (invoice, amount, reference, order_id, akulaku, status, created, expires, note) = fields;
            [invoice, amount, reference, order_id, akulaku, status, created, expires, note].join(",")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn both_ways_to_read_an_audit_agree(
        rows in prop::collection::vec(any_row(), 0..8),
        which in 0..ORDERS.len(),
        columns in 1..=9_usize,
        end in prop::sample::select(vec!["\n", "", "\r\n", "\n\n"]),
    ) {
        let cut = |line: &str| naive(line).into_iter().take(columns.max(2)).collect::<Vec<&str>>().join(",");
        let lines: Vec<String> = [HEADER.to_owned()].iter().chain(&rows).map(|line| cut(line)).collect();
        let text = lines.join(if end.is_empty() { "\n" } else { end }) + end;
        agree(&audit(ORDERS[which]), &table(&text));
    }
}

/// The fields of a line as they are written.
fn naive(line: &str) -> Vec<&str> {
    let mut quoted = false;
    let at_comma = |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    };
    line.split(at_comma).collect()
}
