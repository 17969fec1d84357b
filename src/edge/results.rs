//! Results of other runs, read back from their results.csv as evidence.

use std::path::Path;

use crate::edge::csv;
use crate::edge::read::{Opened, ReadError};
use crate::model::environment::Environment;
use crate::model::fault::Fault;
use crate::model::ids::{InvoiceNumber, RequestId};
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::operation::Operation;
use crate::model::rows::Row;
use crate::model::status::PaymentStatus;
use crate::model::table::{Delimiter, Encoding, Format, Table};
use crate::model::time;
use crate::reconcile::ends::says_ruled;
use crate::reconcile::evidence::DoneState;
use crate::reconcile::record::DoneRecord;
use crate::reconcile::request::RequestText;

const AS_WRITTEN: &str = "reconcile.results takes results.csv files as they were written";

/// How a results.csv is written.
const FORMAT: Format = Format { delimiter: Delimiter::Is(b','), encoding: Encoding::Utf8 };

/// The columns that an audit reads.
const OWN: [&str; 5] =
    ["rekon_operation", "rekon_state", "rekon_request_id", "rekon_payment_status", "rekon_settled_at"];

/// Our own name for the column of the invoice.
const INVOICE: &str = "invoice_number";

/// Our own name for the column of the amount.
const AMOUNT: &str = "amount";

/// Where the run behind a results.csv was made, if its summary.json still stands beside it.
#[must_use]
pub fn environment_of(path: &Path) -> Option<Environment> {
    let bytes = super::read::bytes(&path.with_file_name("summary.json")).ok()?;
    let summary: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Environment::from_word(summary["environment"].as_str()?)
}

/// A results.csv that is read in a stream.
///
/// # Errors
/// The file cannot be read, or is not strict CSV so far.
pub fn open<'p>(
    file: &str,
    path: &'p Path,
) -> Result<csv::Stream<impl Fn() -> Result<Opened, ReadError> + use<'p>, Opened>, csv::NotRead> {
    csv::open_by(file, || super::read::open(path), FORMAT, &[])
}

/// Reads the rows of a results.csv.
#[derive(Debug, Clone)]
pub struct ResultsReader {
    invoice: usize,
    operation: usize,
    state: usize,
    /// `None`: nobody has ruled, as far as the file says.
    reason: Option<usize>,
    request_id: usize,
    payment_status: usize,
    settled_at: usize,
    /// `None`: it does not say over what amounts.
    amount: Option<usize>,
}

impl ResultsReader {
    /// Finds the columns. The invoice is in the column that the audit's own orders have it in, or in `invoice_number`.
    ///
    /// # Errors
    /// What keeps the file from being a results.csv.
    pub fn new(head: &Table, invoice_column: &str) -> Result<Self, Vec<Fault>> {
        let column = |name: &str| head.header().iter().position(|header| header == name);
        let own = OWN.map(column);
        let refused = |message: String| Err(head.fault_of_header(message));
        let [Some(operation), Some(state), Some(request_id), Some(payment_status), Some(settled_at)] = own else {
            let lacking = OWN.iter().zip(own).filter(|(_, found)| found.is_none()).map(|(name, _)| *name);
            let lacking: Vec<&str> = lacking.collect();
            let message = match head.header() {
                [one] if one.contains(';') => "is not a results.csv of rekon: its columns are divided by ;".to_owned(),
                _ => format!("is not a results.csv of rekon: it has no column {}", lacking.join(", ")),
            };
            return refused(message).map_err(|fault| vec![fault.hint(AS_WRITTEN)]);
        };
        let Some(invoice) = column(invoice_column).or_else(|| column(INVOICE)) else {
            let or = if invoice_column == INVOICE { String::new() } else { format!(" or {INVOICE:?}") };
            let message = format!("has no column {invoice_column:?}{or}");
            let others = head.header().iter().filter(|name| !name.starts_with("rekon_"));
            let others: Vec<String> = others.map(|name| format!("{name:?}")).collect();
            let hint = format!(
                "it has {}; name the one with the invoice {INVOICE:?} in a copy of the file",
                others.join(", ")
            );
            return refused(message).map_err(|fault| vec![fault.hint(hint)]);
        };
        let reason = column("rekon_reason");
        Ok(Self { invoice, operation, state, reason, request_id, payment_status, settled_at, amount: None })
    }

    /// Reads the amounts too: they are in the column that the audit's own orders have theirs in, or in `amount`, in whatever
    /// style, for no text is an amount in two of them but with the same digits. They are those of whole orders: every row of an
    /// order with several line items repeats its amount.
    #[must_use]
    pub fn with_amounts(self, head: &Table, amount_column: &str) -> Self {
        let column = |name: &str| head.header().iter().position(|header| header == name);
        Self { amount: column(amount_column).or_else(|| column(AMOUNT)), ..self }
    }

    /// Over what amount something was done, or may have been. What is not written as an amount says nothing.
    fn amount(&self, state: DoneState, row: &Row<'_, '_>) -> Option<Rupiah> {
        let column = self.amount.filter(|_| state.is_done() || state.is_in_doubt())?;
        let text = row.plain(column)?;
        AmountStyle::ALL.into_iter().find_map(|style| Rupiah::parse_amount(text, style).ok())
    }

    /// Reads one row; `None` for a row that was bad when the run read it: it has no invoice, and did nothing.
    ///
    /// # Errors
    /// A word that no results.csv has.
    pub fn read<'a>(&self, row: &Row<'_, 'a>) -> Result<Option<DoneRecord<'a>>, Fault> {
        let wrong = |index: usize, what: &str, kind: &str| {
            row.fault(index, format!("{what} {:?} is not {kind}", row.field(index))).hint(AS_WRITTEN)
        };
        let state = DoneState::from_word(&row.field(self.state));
        let state = state.ok_or_else(|| wrong(self.state, "rekon_state", "a state"))?;
        let operation = Operation::from_word(&row.field(self.operation));
        let operation = operation.ok_or_else(|| wrong(self.operation, "rekon_operation", "an operation"))?;
        let request_id = match row.plain(self.request_id).map(RequestText::of) {
            Some(RequestText::Text("")) => None,
            Some(id) if is_request_id(&id) => Some(id),
            _ => return Err(wrong(self.request_id, "rekon_request_id", "a Request-Id")),
        };
        let settled_at = match row.field(self.settled_at) {
            text if text.is_empty() => None,
            text => match time::parse_moment(&text) {
                Some(time) => Some(time),
                None => return Err(wrong(self.settled_at, "rekon_settled_at", "a time")),
            },
        };
        // What is not to be had without a copy holds a quote, which no id may.
        let invoice = row.plain(self.invoice).filter(|text| InvoiceNumber::check(text).is_ok());
        Ok(invoice.map(|invoice| DoneRecord {
            invoice,
            operation,
            state,
            amount: self.amount(state, row),
            request_id,
            payment_status: PaymentStatus::from_word(&row.field(self.payment_status)),
            settled_at,
            ruled: self.reason.is_some_and(|reason| says_ruled(&row.field(reason))),
        }))
    }
}

/// Nearly all are UUIDs, and that is soon seen.
fn is_request_id(text: &RequestText<'_>) -> bool {
    match text {
        RequestText::Uuid(_) => true,
        RequestText::Text(text) => RequestId::check(text).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::moment::Moment;
    use crate::model::rows::Rows;
    use std::collections::HashMap;

    const HEADER: &str = "invoice_number,rekon_operation,rekon_state,rekon_reason,rekon_request_id,rekon_payment_status,\
                          rekon_settled_at";

    fn shown(faults: &[Fault]) -> String {
        faults.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
    }

    /// What a row said, on its own.
    #[derive(Debug, PartialEq)]
    struct Said {
        operation: Operation,
        state: DoneState,
        request_id: Option<String>,
        payment_status: Option<PaymentStatus>,
        settled_at: Option<Moment>,
        ruled: bool,
    }

    fn read_as(text: &str, column: &str) -> Result<HashMap<String, Said>, String> {
        let listed = |faults: Vec<Fault>| shown(&faults);
        let table = csv::parse("results.csv", text.as_bytes().to_vec(), &FORMAT, &[]).map_err(listed)?;
        let reader = ResultsReader::new(&table, column).map_err(listed)?;
        let (mut done, mut faults) = (HashMap::new(), Vec::new());
        let mut rows = Rows::of(&table);
        while let Some(row) = rows.next_row() {
            match reader.read(&row) {
                Ok(Some(row)) => {
                    let DoneRecord { operation, state, payment_status, settled_at, ruled, .. } = row;
                    let request_id = row.request_id.map(|id| id.to_string());
                    done.insert(
                        row.invoice.to_owned(),
                        Said { operation, state, request_id, payment_status, settled_at, ruled },
                    );
                }
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(done) } else { Err(listed(faults)) }
    }

    #[test]
    fn a_row_says_what_was_done() {
        let text = format!("{HEADER}\n\"A\",refund,succeeded,,R-1,REFUNDED,2026-11-21T18:02:11Z\nB,cancel,held,,,,\n");
        let done = read_as(&text, "No Invoice").unwrap();
        let succeeded = Said {
            operation: Operation::Refund,
            state: DoneState::Succeeded,
            request_id: Some("R-1".to_owned()),
            payment_status: Some(PaymentStatus::Refunded),
            settled_at: time::parse_moment("2026-11-21T18:02:11Z"),
            ruled: false,
        };
        assert_eq!(done["A"], succeeded);
        assert_eq!((done["B"].state, &done["B"].request_id), (DoneState::Held, &None));
    }

    #[test]
    fn what_a_person_ruled_is_known_by_its_reason() {
        let text = format!(
            "{HEADER}\nA,refund,already_done,ruled,R-1,,\nB,refund,refused,settled earlier in run x; a person ruled,R-2,,\n\
             C,refund,refused,overruled,R-3,,\n"
        );
        let done = read_as(&text, "invoice_number").unwrap();
        assert_eq!(["A", "B", "C"].map(|invoice| done[invoice].ruled), [true, true, false]);
    }

    #[test]
    fn a_bad_row_did_nothing() {
        let text = format!("{HEADER}\nA B,refund,invalid,,,,\n,refund,invalid,,,,\n\"a\"\"b\",refund,held,,,,\n");
        assert_eq!(read_as(&text, "invoice_number").unwrap().len(), 0);
    }

    #[test]
    fn what_a_spreadsheet_has_made_of_a_time_or_of_an_id_is_refused() {
        let text = format!("{HEADER}\nA,refund,succeeded,,R-1,,02/11/2026 00:00\nB,refund,succeeded,,\"R \"\"1\",,\n");
        let expected = r#"
results.csv:2:26: rekon_settled_at "02/11/2026 00:00" is not a time
     2 | A,refund,succeeded,,R-1,,02/11/2026 00:00
       |                          ^
  hint: reconcile.results takes results.csv files as they were written
results.csv:3:21: rekon_request_id "R \"1" is not a Request-Id
     3 | B,refund,succeeded,,"R ""1",,
       |                     ^
  hint: reconcile.results takes results.csv files as they were written"#;
        assert_eq!(format!("\n{}", read_as(&text, "invoice_number").unwrap_err()), expected);
    }

    #[test]
    fn what_keeps_a_file_from_being_a_results_csv_is_named() {
        let without = HEADER.replace(",rekon_operation", "");
        let hint = "\n  hint: reconcile.results takes results.csv files as they were written";
        let divided = HEADER.replace(',', ";");
        for (header, why) in
            [(&without, "it has no column rekon_operation"), (&divided, "its columns are divided by ;")]
        {
            let said = read_as(&format!("{header}\n"), "x").unwrap_err();
            let end = header.len() + 1;
            assert!(
                said.starts_with(&format!("results.csv:1:{end}: is not a results.csv of rekon: {why}\n")),
                "{said}"
            );
            assert!(said.ends_with(hint), "{said}");
        }
    }

    #[test]
    fn words_that_no_run_writes_are_shown_where_they_are() {
        let text = format!("{HEADER}\nA,refund,succeeded,,,,\n\n\"B\",refund,done,,,,\nC,\"re\"\"fund\",held,,,,\n");
        let expected = r#"
results.csv:4:12: rekon_state "done" is not a state
     4 | "B",refund,done,,,,
       |            ^
  hint: reconcile.results takes results.csv files as they were written
results.csv:5:3: rekon_operation "re\"fund" is not an operation
     5 | C,"re""fund",held,,,,
       |   ^
  hint: reconcile.results takes results.csv files as they were written"#;
        assert_eq!(format!("\n{}", read_as(&text, "x").unwrap_err()), expected);
    }

    #[test]
    fn the_invoice_is_found_under_the_mapped_name_and_under_ours() {
        for (column, found) in [("No Invoice", "A"), ("Nomor", "N")] {
            let text = format!("No Invoice,{HEADER}\nA,N,refund,held,,,,\n");
            let done = read_as(&text, column).unwrap();
            assert!(done.contains_key(found), "{column}");
        }
        let text = format!("Kasir,Nomor,{}\nK,N,refund,held,,,,\n", HEADER.replace("invoice_number,", ""));
        let expected = r#"results.csv:1:108: has no column "No Invoice" or "invoice_number"
     1 | _request_id,rekon_payment_status,rekon_settled_at
       |                                                  ^
  hint: it has "Kasir", "Nomor"; name the one with the invoice "invoice_number" in a copy of the file"#;
        assert_eq!(read_as(&text, "No Invoice").unwrap_err(), expected);
    }

    #[test]
    fn the_amount_of_what_was_done_is_found_as_the_orders_have_it() {
        let amount_of = |header: &str, field: &str, state: &str, column: &str| {
            let text = format!("{header},{HEADER}\n{field},A,refund,{state},,R-1,,\n").into_bytes();
            let table = csv::parse("results.csv", text, &FORMAT, &[]).expect("it is a table");
            let reader = ResultsReader::new(&table, "invoice_number").expect("a results.csv");
            let reader = reader.with_amounts(&table, column);
            let mut rows = Rows::of(&table);
            let row = rows.next_row().expect("it has a row");
            reader.read(&row).expect("it is good").expect("it has an invoice").amount.map(Rupiah::whole)
        };
        let cases = [
            ("Nominal", "1.250.000", "succeeded", "Nominal", Some(1_250_000)),
            ("Nominal", "\"Rp 1.250.000,00\"", "succeeded", "Nominal", Some(1_250_000)),
            ("amount", "\"1,250,000\"", "already_done", "Nominal", Some(1_250_000)),
            ("amount", "1250000", "succeeded", "amount", Some(1_250_000)),
            ("amount", "1250000", "unknown", "amount", Some(1_250_000)),
            // What was not done was done over no amount; no column, no amount; and what is none is no fault.
            ("amount", "1250000", "refused", "amount", None),
            ("Total", "1250000", "succeeded", "Nominal", None),
            ("amount", "1.25", "succeeded", "amount", None),
            ("amount", "", "succeeded", "amount", None),
        ];
        for (header, field, state, named, expected) in cases {
            assert_eq!(amount_of(header, field, state, named), expected, "{header} {field} {state} {named:?}");
        }
    }

    #[test]
    fn a_file_is_read_in_a_stream_as_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.csv");
        std::fs::write(&path, format!("{HEADER}\nA,refund,succeeded,,R-1,,\nB,refund,done,,,,\n")).expect("a file");
        let stream = open("results.csv", &path).unwrap_or_else(|_| panic!("it is a table"));
        let reader = ResultsReader::new(stream.head(), "invoice_number").expect("a results.csv");
        let work = |rows: &mut Rows<'_>| {
            let mut said = Vec::new();
            while let Some(row) = rows.next_row() {
                said.push(match reader.read(&row) {
                    Ok(row) => row.map(|row| row.invoice.to_owned()).unwrap_or_default(),
                    Err(fault) => fault.place.to_string(),
                });
            }
            said
        };
        let mut all = Vec::new();
        let take = |said: Vec<String>| {
            all.extend(said);
            Ok::<(), std::convert::Infallible>(())
        };
        stream.rows(2, work, take).unwrap_or_else(|_| panic!("it is strict"));
        assert_eq!(all, ["A", "results.csv:3:10"]);
    }
}
