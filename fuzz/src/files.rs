//! Files that people write, and one that the program wrote: job, simulator state, results.

use std::collections::{BTreeSet, HashMap};

use rekon::edge::csv;
use rekon::edge::results::ResultsReader;
use rekon::job;
use rekon::job::settings::Source;
use rekon::model::environment::Environment;
use rekon::model::fault::Fault;
use rekon::model::operation::Task;
use rekon::model::rows::Rows;
use rekon::model::table::{Delimiter, Encoding, Format, Table};
use rekon::model::time::BusinessDate;
use rekon::plan::input;
use rekon::simulator::StartingState;

use super::{check_shown, naive, now};

/// A job file is a job that keeps its promises, or a list of faults that can be shown.
pub fn job_yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let job = match job::parse("job.yaml", text) {
        Ok(job) => job,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a fault");
            let lines = text.lines().count() as u64 + 1;
            for fault in &faults {
                assert!(fault.place.line <= lines, "a fault on line {} of {lines}: {fault}", fault.place.line);
            }
            return check_shown(&faults);
        }
    };
    let changes = matches!(job.task, Task::Change(_));
    assert!(!changes || job.guards.is_some(), "money changes without guards");
    let production = job.merchant.environment == Environment::Production;
    let base_url = job.merchant.base_url.as_deref().unwrap_or("https://");
    assert!(!production || base_url.starts_with("https://"), "production at {base_url}");
    assert!(
        !production || (!job.merchant.secret_keys.is_empty() && !job.limits.rate.is_empty()),
        "production unguarded"
    );
    assert!(job.limits.timeout.as_millis() > 0, "no time for an answer");
    let date = BusinessDate::of(now());
    let templates = job.notifications.files.iter().chain(&job.reconcile.results).chain([&job.output.directory]);
    let own = if let Source::File(file) = &job.orders.source { Some(file) } else { None };
    for template in templates.chain(own).chain(&job.merchant.state) {
        assert!(date.fill(template).is_ok(), "{template:?} was taken and cannot be filled");
    }
    if let Source::Rows(rows) = &job.orders.source {
        let table = Table::from_rows("job.yaml", rows.start, rows.header.clone(), rows.rows.clone());
        match input::read(&job, table, now()) {
            Ok(input) => {
                assert_eq!(input.rows().count(), rows.rows.len(), "every row is somewhere");
                check_shown(&input.faults());
            }
            Err(faults) => check_shown(&faults),
        }
    }
}

/// A state file is a state in which every order is there once, or a list of faults that can be shown.
pub fn simulator_state(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match StartingState::parse(text, "state.yaml") {
        Ok(state) => {
            let invoices: BTreeSet<_> = state.orders.iter().map(|order| &order.invoice_number).collect();
            assert_eq!(invoices.len(), state.orders.len(), "an order is there twice");
            for order in &state.orders {
                let _ = state.customers.decision(&order.invoice_number);
            }
            assert!(state.faults.iter().all(|rule| rule.nth > 0 && rule.times > 0), "a rule that never strikes");
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a fault");
            check_shown(&faults);
        }
    }
}

/// What is read back from a results.csv is what a naive reader finds in it.
pub fn results_csv(bytes: &[u8]) {
    let mut done: HashMap<String, usize> = HashMap::new();
    if let Err(faults) = read_results(bytes, &mut done) {
        assert!(!faults.is_empty(), "refused without a fault");
        return check_shown(&faults);
    }
    let (header, rows) = naive::table(bytes, ',').expect("what is read is a table");
    let column = |name: &str| header.iter().position(|found| found == name).expect("the column is there");
    let invoice = column("invoice_number");
    for (number, all) in &done {
        let found = rows.iter().filter(|(_, fields)| fields[invoice] == *number).count();
        assert_eq!(found, *all, "rows of {number}");
    }
}

/// How many rows of each invoice a results.csv has.
fn read_results(bytes: &[u8], done: &mut HashMap<String, usize>) -> Result<(), Vec<Fault>> {
    let format = Format { delimiter: Delimiter::Is(b','), encoding: Encoding::Utf8 };
    let table = csv::parse("results.csv", bytes.to_vec(), &format, &["rekon_state"])?;
    let reader = ResultsReader::new(&table, "invoice_number")?;
    let mut rows = Rows::of(&table);
    let mut faults = Vec::new();
    while let Some(row) = rows.next_row() {
        match reader.read(&row) {
            Ok(said) => said.into_iter().for_each(|said| *done.entry(said.invoice.to_owned()).or_default() += 1),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
