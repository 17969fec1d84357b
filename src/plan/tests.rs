//! Plans from small files: each row's fate in the words of the journal.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::decide::{Heard, Known, decide};
use super::input::{self, Input};
use super::made::Plan;
use super::sending::Sending;
use crate::edge::csv;
use crate::job::{self, Job};
use crate::journal::JournalError;
use crate::journal::record::{Item, NewRows as _, RowFate, testing};
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::InvoiceNumber;
use crate::model::listing::{Elsewhere, Listing, Survey};
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::{Operation, Task};
use crate::model::rows::Rows;
use crate::model::time::parse_instant;

const HEADER: &str = "invoice_number,amount,order_id,akulaku_reference,book_status";

/// A job of the simulator; `more` replaces the sections that it names.
fn job(operation: &str, more: &str) -> Job {
    let mut text = format!("job: test\noperation: {operation}\nmerchant: {{environment: simulator}}\n{more}\n");
    for section in ["orders: {file: orders.csv}", "guards: {max_orders: 100, max_total: 100000000}"] {
        let key = section.split(' ').next().unwrap();
        if !more.lines().any(|line| line.trim_start().starts_with(key)) {
            text = format!("{text}{section}\n");
        }
    }
    job::parse("job.yaml", &text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn read(job: &Job, orders: &str) -> Input {
    let known: Vec<&str> = HEADER.split(',').collect();
    let table = csv::parse("orders.csv", orders.as_bytes().to_vec(), &job.orders.format, &known).unwrap();
    input::read(job, table, parse_instant("2026-11-22T08:00:00Z").unwrap()).unwrap()
}

fn plan(job: &Job, orders: &str, known: &Known) -> Plan {
    let Task::Change(operation) = job.task else { panic!("an audit has no plan") };
    decide(job, operation, job.guards.as_ref().unwrap(), read(job, orders), known).unwrap()
}

fn fates(plan: &Plan) -> Vec<(RowFate, String)> {
    plan.rows().map(|row| plan.fate(&row.unwrap())).collect()
}

fn rows(lines: &[&str]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

fn known_item(invoice: &str, state: State, job: &str, amount: u64) -> Known {
    let mut item = Item { state, job: job.into(), amount: Rupiah::new(amount), ..testing::item() };
    item.identity.invoice = InvoiceNumber::new(invoice).unwrap();
    Known { items: HashMap::from([(item.identity.invoice.clone(), item)]), ..Known::default() }
}

fn paid(invoice: &str) -> Known {
    let heard = Heard { paid: true, ..Heard::default() };
    Known { heard: HashMap::from([(InvoiceNumber::new(invoice).unwrap(), heard)]), ..Known::default() }
}

#[test]
fn what_the_journal_knows_decides_before_the_file() {
    let cases = [
        (State::Succeeded, "test", 5, RowFate::Settled, "settled earlier in run 20261122-150000-0001"),
        (State::Refused, "test", 5, RowFate::Settled, "settled earlier in run 20261122-150000-0001"),
        (State::Unknown, "test", 5, RowFate::Continue, "left open by run 20261122-150000-0001"),
        (State::Review, "test", 5, RowFate::Continue, "left open by run 20261122-150000-0001"),
        (State::Planned, "test", 5, RowFate::Send, ""),
        (State::Succeeded, "other", 5, RowFate::Skip, "succeeded by job other in run 20261122-150000-0001"),
        (State::Unknown, "other", 5, RowFate::Skip, "unknown by job other in run 20261122-150000-0001"),
        (State::Planned, "other", 5, RowFate::Send, ""),
        (State::Planned, "test", 6, RowFate::Held, "other_amount"),
        (State::Succeeded, "test", 6, RowFate::Held, "other_amount"),
    ];
    for (state, by, amount, fate, reason) in cases {
        let known = known_item("A", state, by, amount);
        let plan = plan(&job("refund", ""), &rows(&["A,5,1,2,paid"]), &known);
        assert_eq!(fates(&plan), [(fate, reason.to_owned())], "{state} by {by}");
    }
}

#[test]
fn what_never_left_may_be_corrected() {
    let mut known = known_item("A", State::Planned, "test", 6);
    known.items.values_mut().for_each(|item| item.attempts = 0);
    let plan = plan(&job("refund", ""), &rows(&["A,5,1,2,paid"]), &known);
    assert_eq!(fates(&plan), [(RowFate::Send, String::new())]);
}

#[test]
fn row_guards_hold_rows_and_the_rest_goes_on() {
    let guards = "guards: {max_orders: 9, max_total: 1000, max_order: 50, require_paid: true}";
    let plan = plan(&job("refund", guards), &rows(&["A,5,1,2,x", "B,51,1,2,x", "C,5,1,2,x"]), &paid("A"));
    assert_eq!(
        fates(&plan),
        [
            (RowFate::Send, String::new()),
            (RowFate::Held, "max_order".to_owned()),
            (RowFate::Held, "require_paid".to_owned())
        ]
    );
    assert!(plan.may_run());
}

#[test]
fn a_refund_of_another_sum_than_was_paid_is_held() {
    let heard = Heard { amounts: [Rupiah::new(900_000)].into(), ..Heard::default() };
    let known = Known { heard: HashMap::from([(InvoiceNumber::new("A").unwrap(), heard)]), ..Known::default() };
    let plan = plan(&job("refund", ""), &rows(&["A,9000,1,2,x"]), &known);
    assert_eq!(fates(&plan), [(RowFate::Held, "other_amount".to_owned())]);
}

#[test]
fn what_another_job_left_in_doubt_is_still_in_doubt() {
    let doubt = |state| {
        plan(&job("refund", ""), &rows(&["A,5,1,2,x"]), &known_item("A", state, "other", 5)).in_doubt_elsewhere().0
    };
    assert_eq!(doubt(State::Unknown), Tally { count: 1, rupiah: Rupiah::new(5) });
    assert_eq!(doubt(State::Succeeded), Tally::default());
}

#[test]
fn a_cancel_of_what_was_paid_is_held() {
    let cancel = job("cancel", "");
    assert_eq!(fates(&plan(&cancel, &rows(&["A,5,,,x"]), &paid("A")))[0].0, RowFate::Held);
    assert_eq!(fates(&plan(&cancel, &rows(&["A,5,,,x"]), &paid("B")))[0].0, RowFate::Send);
}

#[test]
fn file_guards_refuse_the_plan() {
    let three = rows(&["A,40,1,2,x", "B,40,1,2,x", "C,40,1,2,x"]);
    let cases = [
        ("guards: {max_orders: 2, max_total: 1000}", "max_orders"),
        ("guards: {max_orders: 9, max_total: 119}", "max_total"),
        ("orders: {file: o.csv, control: {rows: 4}}", "control.rows"),
        ("orders: {file: o.csv, control: {rows: 3, amount: 121}}", "control.amount"),
    ];
    for (more, guard) in cases {
        let plan = plan(&job("refund", more), &three, &Known::default());
        let broken: Vec<_> =
            plan.guards.iter().filter(|reading| !reading.holds()).map(|reading| reading.guard).collect();
        assert_eq!((broken.as_slice(), plan.may_run()), ([guard].as_slice(), false));
    }
    assert!(plan(&job("refund", "guards: {max_orders: 3, max_total: 120}"), &three, &Known::default()).may_run());
}

#[test]
fn a_share_counts_from_forty_rows_on() {
    let guards = "orders: {file: o.csv, where: [{book_status: [x]}]}\nguards: {max_orders: 99, max_total: 100000, max_share: 10%}";
    let file = |rows_in_all: usize, meant: usize| {
        let lines: Vec<String> =
            (0..rows_in_all).map(|row| format!("I{row},5,1,2,{}", if row < meant { "x" } else { "y" })).collect();
        rows(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let job = job("refund", guards);
    for (rows_in_all, meant, runs) in [(39, 39, true), (40, 4, true), (40, 5, false), (100, 10, true), (100, 11, false)]
    {
        assert_eq!(
            plan(&job, &file(rows_in_all, meant), &Known::default()).may_run(),
            runs,
            "{meant} of {rows_in_all}"
        );
    }
}

#[test]
fn rows_that_repeat_an_order_are_sent_once_and_rows_that_disagree_not_at_all() {
    let refund = job("refund", "");
    let plan_of = |lines: &[&str]| plan(&refund, &rows(lines), &Known::default());
    let agree = plan_of(&["A,5,1,2,x", "B,5,1,2,x", "A,5,1,2,x"]);
    assert_eq!(fates(&agree)[2], (RowFate::Skip, "duplicate of row 1".to_owned()));
    assert_eq!(agree.to_send().count(), 2);
    for other in ["A,6,1,2,x", "A,5,9,2,x", "A,5,1,2,y"] {
        let disagree = plan_of(&["A,5,1,2,x", other]);
        assert_eq!(disagree.to_send().count(), 0, "{other}");
        assert_eq!(disagree.faults.len(), 1);
        assert!(!disagree.may_run());
    }
}

#[test]
fn a_refund_looks_for_identifiers_in_the_journal_then_in_the_log() {
    let refund = job("refund", "");
    let file = rows(&["A,5,,,x"]);
    assert_eq!(fates(&plan(&refund, &file, &Known::default()))[0].0, RowFate::Invalid);
    let heard = Heard { order_id: Some("1".into()), akulaku_reference: Some("2".into()), ..Heard::default() };
    let from_log = Known { heard: HashMap::from([(InvoiceNumber::new("A").unwrap(), heard)]), ..Known::default() };
    assert_eq!(fates(&plan(&refund, &file, &from_log))[0].0, RowFate::Send);
    let mut created = known_item("A", State::Succeeded, "create", 5).items;
    for item in created.values_mut() {
        let facts = Arc::make_mut(&mut item.facts);
        facts.order_id = Some("3".into());
        facts.akulaku_reference = Some("4".into());
    }
    let from_journal = Known { created, ..from_log };
    let plan = plan(&refund, &file, &from_journal);
    let call = plan.to_send().next().unwrap().unwrap().call;
    assert!(format!("{call:?}").contains("Identifier(\"3\")"), "{call:?}");
}

#[test]
fn what_was_not_created_cannot_be_refunded() {
    let file = "invoice_number,amount,rekon_operation,rekon_state,rekon_order_id,rekon_akulaku_reference\n\
                A,5,create,succeeded,1,2\nB,5,create,refused,,\nC,5,create,unknown,,\n";
    let plan = plan(&job("refund", ""), file, &Known::default());
    let words: Vec<_> = fates(&plan).into_iter().map(|(fate, reason)| format!("{} {reason}", fate.word())).collect();
    assert_eq!(words, ["send ", "skip it was not created: refused", "skip it was not created: unknown"]);
    assert!(plan.may_run());
}

#[test]
fn line_items_of_one_invoice_are_one_order_and_must_add_up() {
    let header = "invoice_number,amount,callback_url,line_items.name,line_items.price,line_items.quantity,line_items.sku,\
                  line_items.category,customer.id,customer.name,customer.phone";
    let line = |invoice: &str, price: u64, quantity: u64| {
        format!("{invoice},90000,https://s.example/r,Shirt,{price},{quantity},1,Shirt,C-1,Siti,6281122334455")
    };
    let create = job("create", "");
    let good = format!("{header}\n{}\n{}\n", line("A", 30_000, 2), line("A", 30_000, 1));
    let plan = plan(&create, &good, &Known::default());
    assert_eq!((plan.to_send().count(), plan.input_tally()), (1, Tally { count: 2, rupiah: Rupiah::new(90_000) }));
    let short = format!("{header}\n{}\n", line("A", 30_000, 2));
    let faults = super::tests::plan(&create, &short, &Known::default()).faults;
    assert_eq!(faults[0].message, "the line items of A add up to Rp 60.000, its amount is Rp 90.000");
}

#[test]
fn a_number_at_an_unterminated_end_is_a_fault_unless_the_totals_agree() {
    let cut = "order_id,akulaku_reference,invoice_number,amount\n1,2,A,100000\n1,2,B,1000";
    let plain = job("refund", "");
    assert_eq!(plan(&plain, cut, &Known::default()).faults.len(), 1);
    assert_eq!(plan(&plain, &format!("{cut}\n"), &Known::default()).faults.len(), 0);
    let controlled = job("refund", "orders: {file: o.csv, control: {rows: 2, amount: 101000}}");
    assert!(plan(&controlled, cut, &Known::default()).may_run());
    let text_at_the_end = "order_id,akulaku_reference,amount,invoice_number,book_status\n1,2,5,A,paid";
    assert_eq!(plan(&plain, text_at_the_end, &Known::default()).faults.len(), 0);
}

proptest! {
    #[test]
    fn every_row_gets_one_disposition_and_they_add_up_to_the_file(
        lines in prop::collection::vec((0..6_u8, prop_oneof![Just("5"), Just("70"), Just("x"), Just("")], 0..3_u8), 0..30),
    ) {
        let guards = "orders: {file: o.csv, on_invalid: skip, where: [{book_status: [s0, s1]}]}\n\
                      guards: {max_orders: 100, max_total: 100000, max_order: 50}";
        let lines: Vec<String> =
            lines.iter().map(|(invoice, amount, status)| format!("I{invoice},{amount},1,2,s{status}")).collect();
        let plan = plan(&job("refund", guards), &rows(&lines.iter().map(String::as_str).collect::<Vec<_>>()), &Known::default());
        let totals = plan.dispositions();
        let mut sum = totals.send;
        [totals.skip, totals.held, totals.invalid].into_iter().for_each(|tally| sum.merge(tally));
        prop_assert_eq!(sum, plan.input_tally());
        prop_assert_eq!(sum.count, lines.len() as u64);
        let mut sent: Vec<_> = plan.to_send().map(|ready| ready.unwrap().order.invoice_number).collect();
        let all = sent.len();
        sent.sort();
        sent.dedup();
        prop_assert_eq!(sent.len(), all, "an invoice is sent twice");
        prop_assert_eq!(plan.operation, Operation::Refund);
    }
}

#[test]
fn whoever_joins_a_run_decides_as_the_one_who_began_it() {
    let lines = [
        "A,5,1,2,paid",
        "B,6,1,2,paid",
        "C,7,,,paid",
        "D,8,,,paid",
        "E,x,1,2,paid",
        "F,9,1,2,paid",
        "G,10,1,2,paid",
        "A,5,1,2,paid",
        "H,11,1,2,paid",
    ];
    let more = "orders: {file: orders.csv, on_invalid: skip}\n\
                guards: {max_orders: 100, max_total: 100000000, max_order: 10}";
    let job = job("refund", more);
    let mut known = known_item("A", State::Succeeded, "test", 5);
    known.items.extend(known_item("B", State::Unknown, "other", 6).items);
    known.items.extend(known_item("F", State::Planned, "test", 9).items);
    known.items.values_mut().for_each(|item| item.identity.generation = 1);
    let heard = Heard { order_id: Some("O-1".into()), akulaku_reference: Some("R-1".into()), ..Heard::default() };
    known.heard.insert(InvoiceNumber::new("C").unwrap(), heard);
    known.history.runs = vec![Tally { count: 3, rupiah: Rupiah::new(4) }];
    known.history.date = "2026-11-22".into();
    let input = rows(&lines);
    let began = plan(&job, &input, &known);
    let guards = job.guards.as_ref().unwrap();
    let joined = Plan::adopted(&job, Operation::Refund, guards, read(&job, &input), &began.decided()).unwrap();
    assert_eq!(fates(&joined), fates(&began));
    let kinds: std::collections::BTreeSet<&str> = fates(&began).iter().map(|(fate, _)| fate.word()).collect();
    assert_eq!(kinds.len(), 5, "all but continue: {kinds:?}");
    assert!(joined.to_send().eq(began.to_send()) && joined.to_send().count() == 3);
    assert_eq!(joined.guards, began.guards);
    assert_eq!((joined.total(), joined.dispositions()), (began.total(), began.dispositions()));
    assert_eq!((joined.in_doubt_elsewhere(), &joined.faults), (began.in_doubt_elsewhere(), &began.faults));
    assert_eq!(joined.decided(), began.decided());
    let by_row: Vec<_> = (1..=9).filter_map(|row| joined.sendable(row)).collect();
    assert!(by_row.into_iter().map(Ok).eq(began.to_send()), "each at its first row");
    let other = rows(&lines[..3]);
    assert!(Plan::adopted(&job, Operation::Refund, guards, read(&job, &other), &began.decided()).is_err());
}

/// The rows of a file, which can be read so many times more.
#[derive(Debug)]
struct Failing {
    text: String,
    left: AtomicU32,
}

impl Elsewhere for Failing {
    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(io::Error::other("the disk is gone"));
        }
        let at = usize::try_from(at).unwrap();
        bytes.copy_from_slice(&self.text.as_bytes()[at..at + bytes.len()]);
        Ok(())
    }
}

/// Orders in four blocks that stand elsewhere.
fn failing(job: &Job, left: u32) -> (Result<Input, Vec<Fault>>, Arc<Failing>) {
    let lines: Vec<String> = (0..5000).map(|number| format!("INV-{number},5,1,2,paid")).collect();
    let text = rows(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let known: Vec<&str> = HEADER.split(',').collect();
    let table = csv::parse("orders.csv", text.clone().into_bytes(), &job.orders.format, &known).unwrap();
    let (head, behind) = (table.without_rows(), HEADER.len() + 1);
    let mut survey = Survey { length: behind, ..Survey::default() };
    survey.add(Survey::of(&mut Rows::of_part(&head, &text[behind..], 2)));
    assert_eq!(survey.blocks.len(), 4);
    let failing = Arc::new(Failing { text, left: AtomicU32::new(left) });
    let listing = Listing::elsewhere(head, survey, Arc::<Failing>::clone(&failing));
    (input::read(job, listing, parse_instant("2026-11-22T08:00:00Z").unwrap()), failing)
}

#[test]
fn orders_that_cannot_be_read_again_are_told_and_never_left_out_in_silence() {
    let job = job("refund", "orders: {file: orders.csv}\nguards: {max_orders: 5000, max_total: 100000}");
    let (guards, known) = (job.guards.as_ref().unwrap(), Known::default());
    let why = "orders.csv: its private copy cannot be read any more: the disk is gone";
    let (faults, _) = failing(&job, 3);
    let faults = faults.unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].to_string(), format!("{why}\n  hint: look at the disk, and run it again"));
    let (input, _) = failing(&job, 4 + 3);
    let undecided = decide(&job, Operation::Refund, guards, input.unwrap(), &known);
    assert_eq!(undecided.unwrap_err().to_string(), why);

    let (input, disk) = failing(&job, u32::MAX);
    let plan = Arc::new(decide(&job, Operation::Refund, guards, input.unwrap(), &known).unwrap());
    disk.left.store(2, Ordering::Relaxed);
    let read: Vec<_> = plan.rows().collect();
    assert!(read.len() > 2000 && read.iter().filter(|row| row.is_err()).count() == 1 && read.last().unwrap().is_err());
    let not_begun = plan.each(&mut |_| Ok(()));
    assert!(matches!(&not_begun, Err(JournalError::Unread(error)) if error.to_string() == why), "{not_begun:?}");
    assert!(plan.rows_sha256().is_err());
    assert_eq!(plan.unread(), None);
    disk.left.store(2, Ordering::Relaxed);
    let sent: Vec<_> = Sending::of(Arc::clone(&plan)).collect();
    assert!((2000..5000).contains(&sent.len()), "{}", sent.len());
    assert_eq!(plan.unread().unwrap().to_string(), why);
}
