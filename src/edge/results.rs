//! Results of other runs, read back from their results.csv as evidence.

use std::collections::HashMap;
use std::path::Path;

use crate::edge::csv;
use crate::model::environment::Environment;
use crate::model::fault::{Fault, Place};
use crate::model::ids::{InvoiceNumber, RequestId};
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::model::table::{Delimiter, Encoding, Format};
use crate::model::time;
use crate::reconcile::evidence::{Done, DoneState};

const AS_WRITTEN: &str = "reconcile.results takes results.csv files as they were written";

/// Where the run behind a results.csv was made, if its summary.json still stands beside it.
#[must_use]
pub fn environment_of(path: &Path) -> Option<Environment> {
    let bytes = super::read::bytes(&path.with_file_name("summary.json")).ok()?;
    let summary: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Environment::from_word(summary["environment"].as_str()?)
}

/// Reads a results.csv into what was done per invoice.
///
/// # Errors
/// Everything that keeps the file from being a results.csv.
pub fn read(
    file: &str,
    bytes: Vec<u8>,
    invoice_column: &str,
    done: &mut HashMap<InvoiceNumber, Vec<Done>>,
) -> Result<(), Vec<Fault>> {
    let format = Format { delimiter: Delimiter::Is(b','), encoding: Encoding::Utf8 };
    let table = csv::parse(file, bytes, &format, &["rekon_state"])?;
    let column = |name: &str| table.header().iter().position(|header| header == name);
    let wanted = [
        column(invoice_column).or_else(|| column("invoice_number")),
        column("rekon_operation"),
        column("rekon_state"),
        column("rekon_request_id"),
        column("rekon_payment_status"),
        column("rekon_settled_at"),
    ];
    let [Some(invoice), Some(operation), Some(state), Some(request_id), Some(payment_status), Some(settled_at)] =
        wanted
    else {
        let message = format!("is not a results.csv of rekon with a column {invoice_column:?}");
        return Err(vec![Fault::new(Place::file(file), message).hint(AS_WRITTEN)]);
    };
    let mut faults = Vec::new();
    for record in table.records() {
        let text = |index: usize| record.fields.get(index).unwrap_or_default();
        let Some(state_read) = DoneState::from_word(text(state)) else {
            let message = format!("rekon_state {:?} is not a state", text(state));
            faults.push(table.fault(&record, state, message).hint(AS_WRITTEN));
            continue;
        };
        let Some(operation_read) = Operation::from_word(text(operation)) else {
            let message = format!("rekon_operation {:?} is not an operation", text(operation));
            faults.push(table.fault(&record, operation, message).hint(AS_WRITTEN));
            continue;
        };
        // A bad row has no invoice number; it did nothing either.
        let Ok(invoice) = InvoiceNumber::new(text(invoice)) else { continue };
        done.entry(invoice).or_default().push(Done {
            operation: operation_read,
            state: state_read,
            request_id: RequestId::new(text(request_id)).ok(),
            payment_status: PaymentStatus::from_word(text(payment_status)),
            settled_at: time::parse_instant(text(settled_at)),
        });
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
