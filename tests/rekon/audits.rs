//! Audits in several steps: what one leads to, what earlier runs prove to it, and that neither threads nor the order of the
//! lines decide anything. Audits of one step are case folders.

use std::collections::BTreeMap;
use std::path::Path;

use rekon::simulator::{CLIENT_ID, SECRET_KEY};
use serde_json::Value;

use crate::month::generator::Month;
use crate::process::{Ended, Folder, Told, column, exits, notification_body, rows};
use crate::support::rekon;

const AS_OF: [&str; 2] = ["--as-of", "2024-01-31T17:00:00Z"];

/// The end of the month that [`Month`] makes.
const AS_OF_THE_MONTH: [&str; 2] = ["--as-of", "2026-11-30T17:00:00Z"];

const RESULTS: &str = "invoice_number,amount,rekon_operation,rekon_state,rekon_reason,rekon_request_id,rekon_payment_status,rekon_settled_at\n";

const LIMITS: &str = "\
limits: {rate: 500/s, burst: 10, concurrency: 4, timeout: 5s}
retries: {attempts: 6, backoff: 10ms..50ms, inquire_after: 50ms, settle_for: 5s}
guards: {max_orders: 10, max_total: 10000000}
";

fn audit(folder: &Folder, more: &str) {
    folder.write(
        "audit.yaml",
        &format!(
            "job: audit\noperation: audit\nmerchant: {{environment: simulator}}\n\
             orders: {{file: orders.csv, columns: {{book_status: Status}}}}\n{more}"
        ),
    );
}

/// A file of the audit that has just ended.
fn out(folder: &Folder, ended: &Ended, name: &str) -> String {
    let files = ended.stdout.lines().find_map(|line| line.strip_prefix("files: ")).expect("it says where");
    folder.read(&format!("{files}/{name}"))
}

/// A line of a log, with what a refund needs.
fn told(invoice: &str, amount: &str, received_at: &str) -> String {
    let identifiers = format!(
        r#","peer_to_peer_info":{{"identifier":[{{"name":"ORDER_ID","value":"1000035148"}},{{"name":"AKULAKU_UNIQUE_REFERENCE","value":"{CLIENT_ID}{invoice}"}}]}}}}"#
    );
    let body = notification_body(invoice, amount, "SUCCESS", received_at);
    let body = body.strip_suffix('}').expect("an object").to_owned() + &identifiers;
    let request_id = &format!("N-{invoice}-{received_at}");
    format!("{}\n", Told { received_at, request_id, client_id: CLIENT_ID, key: SECRET_KEY, body: &body }.line())
}

#[test]
fn audits_that_find_the_same_at_the_same_time_all_end_well_in_one_place() {
    let folder = Folder::new();
    audit(&folder, "output: {formats: [csv, json, html, xlsx]}\n");
    folder.write("orders.csv", "invoice_number,amount,Status\nINV-1,90000,pending\nINV-2,5000,pending\n");
    let command = [&["reconcile", "audit.yaml"][..], &AS_OF].concat();
    exits(&folder.rekon(&command), 0);
    let first = folder.snapshot();
    for _ in 0..6 {
        let running: Vec<_> = (0..8).map(|_| folder.start(&command)).collect();
        running.into_iter().for_each(|one| exits(&one.end(), 0));
        assert_eq!(folder.snapshot(), first);
    }
}

#[test]
fn what_was_paid_after_its_cancel_is_refunded_from_the_list_of_actions() {
    let folder = Folder::new();
    audit(&folder, "notifications: {files: [log.jsonl]}\n");
    folder
        .write("orders.csv", "invoice_number,amount,Status\nINV-1,90000,cancelled\nINV-2,5000,paid\nINV-3,7000,paid\n");
    let log = [told("INV-1", "90000", "2024-01-20T02:00:00Z"), told("INV-2", "5000", "2024-01-20T02:00:00Z")];
    folder.write("log.jsonl", &log.concat());
    let audited = folder.rekon(&[&["reconcile", "audit.yaml"][..], &AS_OF].concat());
    exits(&audited, 1);
    let actions = out(&folder, &audited, "actions.csv");
    assert_eq!(
        actions,
        "action,invoice_number,amount,payment_reference,order_id,akulaku_reference,verdict,reason\n\
         refund,INV-1,90000,INV-1,1000035148,MCH-0001-SIMULATORINV-1,paid_after_cancel,book cancelled but DOKU says paid\n\
         resend_notification,INV-3,7000,,,,missing,no proof and the grace is over; age unknown\n"
    );

    // As `docs/verdicts.md` has it.
    folder.write("actions.csv", &actions);
    folder.write(
        "state.yaml",
        "orders:\n  - {invoice_number: INV-1, amount: 90000, status: paid, payment_reference: INV-1, order_id: 1000035148}\n",
    );
    folder.write(
        "refund.yaml",
        &format!(
            "job: refund-actions\noperation: refund\nmerchant: {{environment: simulator, state: state.yaml}}\n\
             orders:\n  file: actions.csv\n  columns: {{book_status: action}}\n  where:\n    - book_status: [refund]\n{LIMITS}"
        ),
    );
    exits(&folder.rekon(&["run", "refund.yaml"]), 0);
    let refunded = folder.results("refund-actions");
    assert_eq!(column(&refunded, "rekon_state"), ["succeeded", "skipped"]);
}

#[test]
fn an_audit_believes_the_journal_of_an_earlier_run() {
    let folder = Folder::new();
    folder.write(
        "state.yaml",
        "orders:\n  - {invoice_number: INV-1, amount: 90000, status: paid, order_id: 1000035148}\n\
         \x20 - {invoice_number: INV-2, amount: 5000, status: paid, order_id: 1000035149}\n",
    );
    folder.write(
        "refunds.csv",
        &format!("invoice_number,amount,order_id,akulaku_reference\nINV-1,90000,1000035148,{CLIENT_ID}INV-1\n"),
    );
    folder.write(
        "refund.yaml",
        &format!(
            "job: refund-test\noperation: refund\nmerchant: {{environment: simulator, state: state.yaml}}\n\
             orders: {{file: refunds.csv}}\n{LIMITS}"
        ),
    );
    exits(&folder.rekon(&["run", "refund.yaml"]), 0);
    audit(&folder, "");
    folder.write("orders.csv", "invoice_number,amount,Status\nINV-1,90000,refunded\nINV-2,5000,refunded\n");
    let audited = folder.rekon(&["reconcile", "audit.yaml"]);
    exits(&audited, 1);
    let reconciled = rows(&out(&folder, &audited, "reconciliation.csv"));
    assert_eq!(column(&reconciled, "verdict"), ["matched", "missing"]);
    let expected = ["book and signed answer agree", "no proof and the grace is over; age unknown"];
    assert_eq!(column(&reconciled, "reason"), expected);
    assert_eq!(column(&reconciled, "result_state"), ["succeeded", ""]);
}

#[test]
fn a_refund_in_the_journal_over_another_amount_than_the_books_is_no_match() {
    let folder = Folder::new();
    folder.write(
        "state.yaml",
        "orders:\n  - {invoice_number: INV-1, amount: 900000, status: paid, order_id: 1000035148}\n",
    );
    folder.write(
        "refunds.csv",
        &format!("invoice_number,amount,order_id,akulaku_reference\nINV-1,900000,1000035148,{CLIENT_ID}INV-1\n"),
    );
    folder.write(
        "refund.yaml",
        &format!(
            "job: refund-test\noperation: refund\nmerchant: {{environment: simulator, state: state.yaml}}\n\
             orders: {{file: refunds.csv}}\n{LIMITS}"
        ),
    );
    exits(&folder.rekon(&["run", "refund.yaml"]), 0);
    audit(&folder, "");
    folder.write("orders.csv", "invoice_number,amount,Status\nINV-1,90000,refunded\n");
    for parts in [&[][..], &["--parts", "3"]] {
        let audited = folder.rekon(&[&["reconcile", "audit.yaml"], parts].concat());
        exits(&audited, 1);
        let reconciled = rows(&out(&folder, &audited, "reconciliation.csv"));
        assert_eq!(column(&reconciled, "verdict"), ["amount_mismatch"]);
        assert_eq!(column(&reconciled, "reason"), ["our run had another amount"]);
    }
    let shown = folder.rekon(&["show", "INV-1", "--job", "audit.yaml"]);
    exits(&shown, 0);
    assert!(shown.stdout.contains("amount_mismatch: our run had another amount\n"), "{}", shown.stdout);
    assert!(shown.stdout.contains("; over another amount than the book's"), "{}", shown.stdout);
}

#[test]
fn what_is_wrong_with_our_own_results_is_told_in_words_in_both_languages() {
    let folder = Folder::new();
    audit(&folder, "reconcile: {results: [ours.csv]}\n");
    folder.write("orders.csv", "invoice_number,amount,Status\nTWICE,1000,refunded\nDISPUTED,1000,refunded\n");
    let [first, second] = ["11111111-1111-8111-8111-111111111111", "22222222-2222-8222-8222-222222222222"];
    let refund = |invoice, state, id| format!("{invoice},1000,refund,{state},,{id},,2024-01-21T09:00:00Z\n");
    let results = [
        refund("TWICE", "succeeded", first),
        refund("TWICE", "succeeded", second),
        refund("DISPUTED", "succeeded", first),
        refund("DISPUTED", "refused", first),
    ];
    folder.write("ours.csv", &format!("{RESULTS}{}", results.concat()));
    let cases = [
        ("TWICE", "en", "amount_mismatch: refunded twice by us\n", "; one of several refunds"),
        ("TWICE", "id", ": dana kita kembalikan dua kali\n", "; salah satu dari beberapa pengembalian dana"),
        ("DISPUTED", "en", "in_doubt: proofs disagree\n", "; another result of this request contradicts it"),
        (
            "DISPUTED",
            "id",
            ": bukti-bukti saling bertentangan\n",
            "; hasil lain dari permintaan ini bertentangan dengannya",
        ),
    ];
    for (invoice, language, verdict, weight) in cases {
        let shown = folder.rekon(&["show", invoice, "--job", "audit.yaml", "--lang", language]);
        exits(&shown, 0);
        assert!(shown.stdout.contains(verdict), "{}", shown.stdout);
        assert_eq!(shown.stdout.matches(weight).count(), 2, "{}", shown.stdout);
    }
    // The doubt of our own results is told first, and has the exit code of doubt.
    for parts in [&[][..], &["--parts", "3"]] {
        let audited = folder.rekon(&[&["reconcile", "audit.yaml"], &AS_OF[..], parts].concat());
        exits(&audited, 3);
        let reconciled = rows(&out(&folder, &audited, "reconciliation.csv"));
        assert_eq!(column(&reconciled, "verdict"), ["in_doubt", "amount_mismatch"]);
        assert_eq!(column(&reconciled, "result_state"), ["conflict", "succeeded"]);
        assert_eq!(column(&rows(&out(&folder, &audited, "actions.csv")), "action"), ["rule", "review"]);
    }
}

#[test]
fn what_may_have_been_given_back_already_is_not_to_be_refunded() {
    let folder = Folder::new();
    audit(&folder, "notifications: {files: [log.jsonl]}\nreconcile: {results: [cancels.csv]}\n");
    folder.write(
        "orders.csv",
        "invoice_number,amount,Status\nINV-1,1000,refunded\nINV-2,1000,cancelled\nINV-3,1000,cancelled\nINV-4,1000,cancelled\n",
    );
    let cancelled = |number: u8| format!("INV-{number},1000,cancel,succeeded,,,,\n");
    let cancels: String = (1..=3).map(cancelled).collect();
    folder.write("cancels.csv", &format!("{RESULTS}{cancels}"));
    let paid: String =
        ["INV-1", "INV-2", "INV-3", "INV-4"].map(|invoice| told(invoice, "1000", "2024-01-20T02:00:00Z")).concat();
    // Another sum than the book's, and a refund that DOKU tells of by itself.
    let more = told("INV-4", "1500", "2024-01-20T03:00:00Z");
    let body = notification_body("INV-3", "1000", "REFUNDED", "2024-01-21T02:00:00Z");
    let (received_at, request_id) = ("2024-01-21T02:00:00Z", "N-3R");
    let back = Told { received_at, request_id, client_id: CLIENT_ID, key: SECRET_KEY, body: &body }.line();
    folder.write("log.jsonl", &format!("{paid}{more}{back}\n"));
    let audited = folder.rekon(&[&["reconcile", "audit.yaml"][..], &AS_OF].concat());
    exits(&audited, 1);
    let actions = rows(&out(&folder, &audited, "actions.csv"));
    assert_eq!(column(&actions, "action"), ["review", "refund", "review", "review"]);
    let verdicts = ["paid_after_cancel", "paid_after_cancel", "status_mismatch", "paid_after_cancel"];
    assert_eq!(column(&actions, "verdict"), verdicts);
}

#[test]
fn a_log_under_two_names_is_read_once_and_where_leaves_orders_out() {
    let folder = Folder::new();
    let orders =
        "orders:\n  file: orders.csv\n  columns: {book_status: Status}\n  where: [{amount: {at_least: 5000}}]\n";
    folder.write(
        "audit.yaml",
        &format!(
            "job: audit\noperation: audit\nmerchant: {{environment: simulator}}\n{orders}\
             notifications: {{files: [\"log*.jsonl\"]}}\n"
        ),
    );
    folder.write("orders.csv", "invoice_number,amount,Status\nINV-1,90000,paid\nINV-2,4000,paid\n");
    let line = told("INV-1", "90000", "2024-01-20T02:00:00Z");
    folder.write("log.jsonl", &(line.clone() + &line + "nonsense\n"));
    let audited = || {
        let audited = folder.rekon(&[&["reconcile", "audit.yaml"][..], &AS_OF].concat());
        exits(&audited, 0);
        ["reconciliation.csv", "unmatched.csv", "days.csv"].map(|name| out(&folder, &audited, name))
    };
    let once = audited();
    let reconciled = rows(&once[0]);
    assert_eq!(column(&reconciled, "verdict"), ["matched", "not_sent"]);
    assert_eq!(column(&reconciled, "reason"), ["book and DOKU agree", "left out by where"]);
    assert_eq!(column(&reconciled, "duplicates"), ["1", "0"]);
    assert_eq!(column(&rows(&once[1]), "reason"), ["duplicate", "malformed"]);
    folder.write("log-again.jsonl", &folder.read("log.jsonl"));
    let twice = audited();
    assert_eq!((&once[0], &once[2]), (&twice[0], &twice[2]));
    // The same lines, whichever of the two files is named.
    assert_eq!(once[1], twice[1].replace("log-again.jsonl", "log.jsonl"));
}

#[test]
fn flags_of_an_audit_are_checked() {
    let folder = Folder::new();
    audit(&folder, "");
    let period = "it is all, day, month, 2026-11-21, 2026-11 or 2026-11-01..2026-11-15";
    let memory = "it is a size such as 512MiB or 2GiB, at least 64MiB";
    let cases = [
        ("--period", "2026-13", period),
        ("--period", "2026-11-02..2026-11-01", period),
        ("--memory", "512", memory),
        ("--memory", "512MB", memory),
        ("--memory", "63MiB", memory),
        ("--memory", "99999999999GiB", memory),
        ("--threads", "0", "it is a number from 1 to 256"),
        ("--threads", "257", "it is a number from 1 to 256"),
    ];
    for (flag, value, expected) in cases {
        let ended = folder.rekon(&["reconcile", "audit.yaml", flag, value]);
        exits(&ended, 2);
        assert!(ended.stderr.contains(expected), "{flag} {value}: {}", ended.stderr);
    }
    assert!(!folder.path("out").exists());
}

/// The files of an audit by name, and its summary without its times.
fn audited(folder: &Path, flags: &[&str]) -> (BTreeMap<String, String>, Value) {
    let arguments = [&["reconcile", "job.yaml", "--quiet", "--json"], &AS_OF_THE_MONTH[..], flags].concat();
    let ran = rekon(folder, &arguments, &[]);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).expect("a document on stdout");
    let read = |name: &str| {
        let path = summary["files"][name].as_str().unwrap_or_else(|| panic!("{name} is written"));
        (name.to_owned(), std::fs::read_to_string(folder.join(path)).expect(name))
    };
    let files = ["reconciliation.csv", "unmatched.csv", "actions.csv", "days.csv"].map(read);
    (files.into(), summary)
}

#[test]
fn neither_threads_nor_the_order_of_lines_change_a_byte() {
    let month = Month { weak_ties: true, ..Month::default() };
    let straight = tempfile::tempdir().expect("a folder");
    month.write(straight.path()).expect("a month");
    let (files, summary) = audited(straight.path(), &["--threads", "1"]);
    assert!(files.values().all(|text| text.lines().count() > 10), "a month has something of everything");
    for threads in ["2", "3", "16"] {
        let (others, other_summary) = audited(straight.path(), &["--threads", threads]);
        assert!(files == others, "{threads} threads");
        assert_eq!(summary, other_summary, "{threads} threads");
    }
    for (parts, threads) in [("2", "2"), ("7", "1"), ("40", "3")] {
        let (others, other_summary) = audited(straight.path(), &["--parts", parts, "--threads", threads]);
        assert!(files == others, "{parts} parts");
        assert_eq!(summary, other_summary, "{parts} parts");
    }
    let shuffled = tempfile::tempdir().expect("a folder");
    Month { shuffle: Some(5), ..month }.write(shuffled.path()).expect("a month");
    let (divided, _) = audited(shuffled.path(), &["--parts", "9"]);
    let (mut others, other_summary) = audited(shuffled.path(), &["--threads", "3"]);
    assert!(divided == others, "the shuffled month in parts");
    let mut files = files;
    for files in [&mut files, &mut others] {
        let unmatched = files.remove("unmatched.csv").expect("it is there");
        files.insert("unmatched.csv, sorted".into(), without_places(&unmatched));
    }
    for (name, text) in &files {
        assert!(*text == others[name], "{name} of the shuffled month");
    }
    // What was read is another file, of which each log has other lines.
    let found = |mut summary: Value| {
        let inputs = summary.as_object_mut().and_then(|summary| summary.remove("inputs"));
        (inputs.expect("it says what was read"), summary)
    };
    let ((inputs, summary), (other_inputs, other_summary)) = (found(summary), found(other_summary));
    assert_ne!(inputs["orders"]["sha256"], other_inputs["orders"]["sha256"]);
    assert_eq!(summary, other_summary);
}

#[test]
fn who_wants_no_rows_gets_the_same_sums_under_the_same_name() {
    let folder = tempfile::tempdir().expect("a folder");
    Month::default().write(folder.path()).expect("a month");
    let (_, mut with_rows) = audited(folder.path(), &[]);
    let job = std::fs::read_to_string(folder.path().join("job.yaml")).expect("the job");
    let sums_only = job.replace("formats: [csv, json]", "formats: [json]");
    assert_ne!(job, sums_only);
    std::fs::write(folder.path().join("sums.yaml"), sums_only).expect("a file");
    let files = with_rows.as_object_mut().and_then(|summary| summary.remove("files"));
    assert!(files.is_some_and(|files| files.as_object().is_some_and(|files| files.len() > 1)));
    for flags in [&[][..], &["--parts", "5"]] {
        let arguments = [&["reconcile", "sums.yaml", "--quiet", "--json"], &AS_OF_THE_MONTH[..], flags].concat();
        let ran = rekon(folder.path(), &arguments, &[]);
        let mut sums: Value = serde_json::from_str(&ran.stdout).expect("a document on stdout");
        let files = sums.as_object_mut().and_then(|summary| summary.remove("files"));
        let names = files.and_then(|files| Some(files.as_object()?.keys().cloned().collect::<Vec<String>>()));
        assert_eq!(names.as_deref(), Some(&["summary.json".to_owned()][..]));
        assert_eq!(sums, with_rows, "{flags:?}");
    }
}

/// The rows of unmatched.csv without what depends on where a line stands.
fn without_places(unmatched: &str) -> String {
    let rows = rows(unmatched).into_iter().map(|mut row| {
        row.remove("line");
        row.get_mut("status").filter(|status| status.starts_with("torn")).map(String::clear);
        format!("{row:?}")
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort_unstable();
    rows.join("\n")
}

#[test]
fn rows_of_one_invoice_that_contradict_each_other_are_all_invalid_in_whatever_order() {
    let folder = Folder::new();
    folder.write(
        "audit.yaml",
        "job: audit\noperation: audit\nmerchant: {environment: simulator}\n\
         orders: {file: orders.csv, columns: {book_status: Status}, on_invalid: skip}\n",
    );
    let orders = ["INV-1,1000,paid\n", "INV-1,1000,paid\n", "INV-1,2000,paid\n"];
    let found = [[0, 1, 2], [0, 2, 1], [2, 0, 1]].map(|order| {
        folder.write("orders.csv", &format!("invoice_number,amount,Status\n{}", order.map(|row| orders[row]).concat()));
        let audited = folder.rekon(&[&["reconcile", "audit.yaml"][..], &AS_OF].concat());
        exits(&audited, 1);
        let summary: Value = serde_json::from_str(&out(&folder, &audited, "summary.json")).expect("JSON");
        (summary["states"].clone(), summary["verdicts"].clone(), summary["identity"].clone())
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[test]
fn an_audit_of_the_wrong_file_year_or_glob_does_not_pass_in_silence() {
    let folder = Folder::new();
    folder.write(
        "audit.yaml",
        "job: audit\noperation: audit\nmerchant: {environment: simulator}\n\
         orders: {file: orders.csv, columns: {book_status: Status}, control: {rows: 2}}\n\
         notifications: {files: [\"nope*.jsonl\"]}\n",
    );
    folder.write("orders.csv", "invoice_number,amount,Status\nINV-1,1000,pending\nINV-2,1000,pending\n");
    let audit = |more: &[&str]| folder.rekon(&[&["reconcile", "audit.yaml"][..], &AS_OF, more].concat());
    let told = |ended: &Ended| ended.stderr.clone();
    let audited = audit(&[]);
    exits(&audited, 0);
    assert!(told(&audited).contains("\"nope*.jsonl\" matches no file"), "{}", told(&audited));
    let audited = audit(&["--period", "9999-12"]);
    exits(&audited, 2);
    assert!(told(&audited).contains("is the year right?"), "{}", told(&audited));
    folder.write("orders.csv", "invoice_number,amount,Status\nINV-1,1000,pending\n");
    let audited = audit(&[]);
    exits(&audited, 2);
    assert!(told(&audited).contains("control.rows is 2 rows"), "{}", told(&audited));
}
