//! Reads a job and its orders, decides about every row, and prints dispositions and guards; a plan cannot send.
//!
//! `cargo run --example plan_without_sending [JOB]`; without an argument it plans `jobs/refund-nightly.yaml`.

#![expect(clippy::print_stdout, reason = "an example shows what it has found out")]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use rekon::doku::sign::Signer;
use rekon::edge::{clock::SystemClock, credentials, csv, files, notification_log, read};
use rekon::job::settings::{Column, Field, Source};
use rekon::job::{self, Job};
use rekon::model::fault::Fault;
use rekon::model::ids::InvoiceNumber;
use rekon::model::{operation::Task, status::PaymentStatus, time::BusinessDate};
use rekon::plan::decide::{Heard, Known, decide};
use rekon::plan::input;
use rekon::runner::clock::Clock as _;
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).map_or_else(|| PathBuf::from("jobs/refund-nightly.yaml"), PathBuf::from);
    let job = job::parse(&file.display().to_string(), &std::fs::read_to_string(&file)?).map_err(listed)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let now = SystemClock.now();

    // Bytes, then a table that has passed the strict reading, then orders.
    let Source::File(template) = &job.orders.source else { return Err("the orders are in the job itself".into()) };
    let path = folder.join(BusinessDate::of(now).fill(template)?);
    let mapped = job.orders.columns.values().filter_map(|column| match column {
        Column::Header(name) => Some(name.as_str()),
        Column::Value(_) => None,
    });
    let headers: Vec<&str> = mapped.chain(Field::WORDS.map(|(word, _)| word)).collect();
    let table = csv::parse(&path.display().to_string(), read::bytes(&path)?, &job.orders.format, &headers);
    let input = input::read(&job, table.map_err(listed)?, now).map_err(listed)?;

    // What is known beforehand. This example has no journal, so it takes every order for a new one.
    let known = Known { heard: heard(&job, folder)?, ..Known::default() };
    let (Task::Change(operation), Some(guards)) = (job.task, &job.guards) else {
        return Err("this is an audit".into());
    };
    let plan = decide(&job, operation, guards, input, &known)?;

    let rows = plan.dispositions();
    for (name, tally) in [("send", rows.send), ("skip", rows.skip), ("held", rows.held), ("invalid", rows.invalid)] {
        println!("{name:<8} {:>5} rows  {:>18}", tally.count, tally.rupiah);
    }
    for guard in &plan.guards {
        println!("{:<16} limit {:<18} found {:<18} {}", guard.guard, guard.limit, guard.found, guard.headroom);
    }
    println!("{}", if plan.may_run() { "may run" } else { "refused" });
    Ok(())
}

/// What verified notifications say: which orders are paid, and identifiers that the file may lack.
fn heard(job: &Job, folder: &Path) -> Result<HashMap<InvoiceNumber, Heard>, Box<dyn Error>> {
    let keys = credentials::read(&job.merchant, folder, (CLIENT_ID, SECRET_KEY))?;
    let signer = Signer::new(&keys.secret_key);
    let verifier = notification_log::Verifier {
        signers: &[signer],
        client_id: &keys.client_id,
        path: &job.notifications.path,
        fields: None,
    };
    let mut heard: HashMap<InvoiceNumber, Heard> = HashMap::new();
    for file in files::matching(folder, &job.notifications.files)? {
        for line in notification_log::read(&file, &file.display().to_string(), &verifier)?.heard {
            let said = line.notification;
            let known = heard.entry(said.invoice).or_default();
            known.paid |= said.status == PaymentStatus::Success;
            known.order_id = said.order_id.or(known.order_id.take());
            known.akulaku_reference = said.akulaku_reference.or(known.akulaku_reference.take());
        }
    }
    Ok(heard)
}

/// All faults, one below the other, as one error.
fn listed(faults: Vec<Fault>) -> String {
    faults.into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
}
