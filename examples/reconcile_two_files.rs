//! Holds a CSV of orders against a notification log, and prints how many orders got which verdict.
//!
//! `cargo run --example reconcile_two_files [ORDERS.csv LOG.jsonl]`. No journal and no results: what a refund run did is
//! not known here, so refunded orders lack the proof of their refund.

#![expect(clippy::print_stdout, reason = "an example shows what it has found out")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use rekon::doku::sign::Signer;
use rekon::edge::notification_log::{Line, Lines, Scratch, Verifier, read_block};
use rekon::edge::{csv, read};
use rekon::job;
use rekon::model::fault::Fault;
use rekon::model::ids::ClientId;
use rekon::model::moment::Moment;
use rekon::model::money::Tally;
use rekon::model::secret::Secret;
use rekon::model::time::{Cutoff, parse_instant};
use rekon::plan::input;
use rekon::reconcile::evidence::Expectation;
use rekon::reconcile::judge::{Bench, Rules};
use rekon::reconcile::ledger::Ledger;
use rekon::reconcile::record::{HeardRecord, LinePlace, OrderRecord, Record, Standing};
use rekon::reconcile::sieve::Sieve;
use rekon::reconcile::strays::united;
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
    let input = input::read(&job, table, now).map_err(listed)?;

    let mut records = Vec::new();
    // What could tie a notification to another order than the one that it names: here nothing does.
    let sieve = Sieve::for_keys(0);
    for entry in input.orders() {
        let entry = entry?;
        let order = &entry.order;
        let record = OrderRecord {
            row: entry.row,
            invoice: Some(order.invoice_number.as_str()),
            amount: order.amount,
            book: order.book,
            created_at: order.created_at.map(Moment::from),
            expectation: Expectation::Book(order.book),
            reference: None,
            agreement: entry.row,
            identifiers: [""; 3],
            standing: Standing::Judged,
        };
        Record::Order(record).write(&mut records);
    }

    // Only what verifies is proof; everything else is a stray line.
    let (signers, client_id) = ([Signer::new(&Secret::new(SECRET_KEY))], ClientId::new(CLIENT_ID)?);
    let verifier = Verifier { signers: &signers, client_id: &client_id, path: &job.notifications.path, fields: None };
    let mut unproved = 0;
    let bytes = read::bytes(&log)?;
    let lines = Lines { bytes: &bytes, offset: 0, first_line: 1 };
    read_block(lines, &verifier, &mut Scratch::default(), &mut |line, said| match said {
        Line::Heard(said) => {
            let place = LinePlace { file: 0, line, hash: said.hash };
            Record::Heard(HeardRecord::of(&said.receipt(place), Cutoff::MIDNIGHT)).write(&mut records);
        }
        Line::Unmatched(_) => unproved += 1,
    });
    let mut ledger = Ledger::for_orders(usize::try_from(input.count())?, None);
    ledger.fill(&records, &sieve)?;
    ledger.seal();

    let mut bench = Bench::new(&ledger, Rules { grace: job.reconcile.grace, now });
    let mut verdicts: BTreeMap<&str, Tally> = BTreeMap::new();
    for order in ledger.in_order() {
        let judged = bench.judge(order);
        verdicts.entry(judged.verdict().word()).or_default().add(judged.entry.amount);
    }
    for (verdict, tally) in &verdicts {
        println!("{verdict:<18} {:>5} orders {:>18}", tally.count, tally.rupiah);
    }
    println!("{} lines of the log belong to none of them, {unproved} prove nothing", united(ledger.strays()).len());
    Ok(())
}

/// All faults, one below the other, as one error.
fn listed(faults: Vec<Fault>) -> String {
    faults.into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
}
