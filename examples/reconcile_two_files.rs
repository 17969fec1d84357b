//! Holds a CSV of orders against a notification log, and prints how many orders got which verdict.
//!
//! `cargo run --example reconcile_two_files [ORDERS.csv LOG.jsonl]`. No journal and no results: what a refund run did is
//! not known here, so refunded orders lack the proof of their refund.

#![expect(clippy::print_stdout, reason = "an example shows what it has found out")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use rekon::doku::sign::Signer;
use rekon::edge::{csv, notification_log, read};
use rekon::job;
use rekon::model::fault::Fault;
use rekon::model::ids::ClientId;
use rekon::model::money::Tally;
use rekon::model::secret::Secret;
use rekon::model::time::parse_instant;
use rekon::plan::input;
use rekon::reconcile::judge::{Subject, reconcile};
use rekon::reconcile::verdict::Expectation;
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

/// How the orders are written. A job says that best, also where no job is run.
const JOB: &str = r"
job: two-files
operation: audit
merchant: {environment: simulator}
orders:
  file: given on the command line
  format: {amounts: us}
  columns: {invoice_number: Order Number, amount: Grand Total, book_status: Payment Status, created_at: Order Date}
  statuses:
    {Awaiting Payment: pending, Paid: paid, Failed: failed, Expired: expired, Cancelled: cancelled, Refunded: refunded}
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut path = |sample: &str| PathBuf::from(arguments.next().unwrap_or_else(|| sample.to_owned()));
    let orders = path("examples/data/books-202611.csv");
    let log = path("examples/data/notifications-audit-202611.jsonl");

    let job = job::parse("the job in this example", JOB).map_err(listed)?;
    let now = parse_instant("2026-11-30T17:00:00Z").ok_or("not a time")?;
    let name = orders.display().to_string();
    let table = csv::parse(&name, read::bytes(&orders)?, &job.orders.format, &["Order Number"]).map_err(listed)?;
    let input = input::read(&job, &table, now).map_err(listed)?;

    // Only what verifies is proof; everything else comes back as unmatched.
    let (signer, client_id) = (Signer::new(&Secret::new(SECRET_KEY)), ClientId::new(CLIENT_ID)?);
    let verifier = notification_log::Verifier {
        signers: &[signer],
        client_id: &client_id,
        path: &job.notifications.path,
        fields: None,
    };
    let log = notification_log::read(&log, &log.display().to_string(), &verifier)?;

    let subjects = input.orders.into_iter().map(|entry| Subject {
        invoice: entry.order.invoice_number.to_string(),
        amount: entry.order.amount,
        book: entry.order.book,
        created_at: entry.order.created_at,
        expectation: Expectation::Book(entry.order.book),
        done: None,
    });
    let outcome = reconcile(subjects.collect(), &log, job.reconcile.grace, now);
    let mut verdicts: BTreeMap<&str, Tally> = BTreeMap::new();
    for judged in &outcome.orders {
        verdicts.entry(judged.verdict.word()).or_default().add(judged.subject.amount);
    }
    for (verdict, tally) in &verdicts {
        println!("{verdict:<18} {:>5} orders {:>18}", tally.count, tally.rupiah);
    }
    println!("{} lines of the log prove nothing about them", outcome.unmatched.len());
    Ok(())
}

/// All faults, one below the other, as one error.
fn listed(faults: Vec<Fault>) -> String {
    faults.into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
}
