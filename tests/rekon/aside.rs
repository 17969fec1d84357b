//! What an audit reads about our own operations and judges in no row: doubt decides its exit code all the same.

use serde_json::{Value, json};

use crate::process::{Ended, Folder, column, exits, rows};

const RESULTS: &str = "invoice_number,amount,rekon_operation,rekon_state,rekon_reason,rekon_request_id,rekon_payment_status,rekon_settled_at\n";

const ONE: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";

fn audit(folder: &Folder, orders: &str, reconcile: &str) {
    folder.write(
        "audit.yaml",
        &format!(
            "job: audit\noperation: audit\nmerchant: {{environment: simulator}}\n\
             orders: {{file: orders.csv{orders}}}\nreconcile: {{results: [\"res*.csv\"]{reconcile}}}\n"
        ),
    );
}

/// Two orders of November, of which the book asks nothing that an audit would have to find.
const ORDERS: &str =
    "invoice_number,amount,book_status,created_at\nI-1,1000,cancelled,2026-11-01\nI-2,2000,pending,2026-11-01\n";

fn reconcile(folder: &Folder, flags: &[&str]) -> Ended {
    folder.rekon(&[&["reconcile", "audit.yaml", "--as-of", "2026-11-30T17:00:00Z"], flags].concat())
}

fn out(folder: &Folder, ended: &Ended, name: &str) -> String {
    let files = ended.stdout.lines().find_map(|line| line.strip_prefix("files: ")).expect("it says where");
    folder.read(&format!("{files}/{name}"))
}

fn summary(folder: &Folder, ended: &Ended) -> Value {
    serde_json::from_str(&out(folder, ended, "summary.json")).expect("summary.json is JSON")
}

fn tally(count: u64, rupiah: u64) -> Value {
    json!({"count": count, "rupiah": rupiah})
}

/// A refund of `invoice` that ended so, over nobody says how much.
fn refund(invoice: &str, state: &str, request: &str, settled_at: &str) -> String {
    format!("{invoice},,refund,{state},,{request},,{settled_at}\n")
}

#[test]
fn what_is_in_doubt_and_not_judged_ends_an_audit_with_3() {
    // What `orders` and `reconcile` of the job say besides, the orders, and who is in doubt over how much.
    let other = ORDERS.replace("I-1", "I-3");
    let cases = [
        ("", "", other.as_str(), 0),
        ("", ", period: 2026-10", ORDERS, 1000),
        (", where: [{book_status: [pending]}]", "", ORDERS, 1000),
        (", on_invalid: skip", "", &ORDERS.replace("1000", "x"), 0),
        (", on_invalid: skip", "", &format!("{ORDERS}I-1,3000,cancelled,2026-11-01\n"), 1000),
    ];
    for (more, reconciled, orders, rupiah) in cases {
        let folder = Folder::new();
        audit(&folder, more, reconciled);
        folder.write("orders.csv", orders);
        folder.write("res.csv", &format!("{RESULTS}{}", refund("I-1", "unknown", ONE, "")));
        let flags = [&[][..], &["--threads", "1"], &["--parts", "3"], &["--memory", "64MiB"]];
        let told = flags.map(|flags| {
            let ended = reconcile(&folder, flags);
            exits(&ended, 3);
            let summary = summary(&folder, &ended);
            assert_eq!(summary["in_doubt"], tally(1, rupiah), "{more}{reconciled}");
            assert_eq!(summary["in_doubt_earlier"], tally(1, rupiah), "{more}{reconciled}");
            assert_eq!(summary["identity"]["holds"], true);
            let named = "1 order that this audit does not judge (it is not in the input, outside of the period, left out by \
                         where, or an invalid row): I-1\n";
            assert!(ended.stdout.contains(named), "{}", ended.stdout);
            (ended.stdout, summary)
        });
        told.iter().for_each(|one| assert_eq!(one, &told[0]));
    }
}

#[test]
fn what_a_later_result_settles_is_not_in_doubt_and_nothing_counts_twice() {
    let folder = Folder::new();
    audit(&folder, "", "");
    folder.write("orders.csv", ORDERS);
    let settled = "2026-11-02T00:00:00Z";
    let first = [
        refund("Z-1", "unknown", ONE, ""),
        refund("Z-2", "unknown", ONE, ""),
        refund("Z-3", "review", ONE, ""),
        refund("Z-4", "refused", OTHER, settled),
        refund("Z-5", "held", "", ""),
        refund("I-1", "unknown", ONE, ""),
    ];
    let second = [
        refund("Z-1", "succeeded", ONE, settled),
        refund("Z-2", "unknown", ONE, ""),
        refund("Z-3", "succeeded", OTHER, settled),
        refund("Z-4", "unknown", ONE, ""),
        refund("I-1", "unknown", ONE, ""),
    ];
    folder.write("res-1.csv", &format!("{RESULTS}{}", first.concat()));
    folder.write("res-2.csv", &format!("{RESULTS}{}", second.concat()));
    for flags in [&[][..], &["--parts", "4", "--threads", "2"]] {
        let ended = reconcile(&folder, flags);
        exits(&ended, 3);
        let summary = summary(&folder, &ended);
        assert_eq!(summary["in_doubt_earlier"], tally(3, 0));
        // With the order that is judged.
        assert_eq!(summary["in_doubt"], tally(4, 1000));
        assert_eq!(summary["verdicts"]["in_doubt"], tally(1, 1000));
        assert!(ended.stdout.contains("invalid rows): Z-2, Z-3, Z-4\n"), "{}", ended.stdout);
        assert_eq!(summary["done_elsewhere"], json!({"succeeded": tally(1, 0)}));
    }
    let many: String = (1..=7).map(|number| refund(&format!("Y-{number}"), "conflict", ONE, "")).collect();
    folder.write("res-3.csv", &format!("{RESULTS}{many}"));
    let ended = reconcile(&folder, &[]);
    assert!(ended.stdout.contains("Y-1, Y-2, Y-3, Y-4, Y-5 and 5 more\n"), "{}", ended.stdout);
}

#[test]
fn what_was_done_to_orders_that_the_input_does_not_have_is_told_and_changes_no_exit_code() {
    let folder = Folder::new();
    audit(&folder, "", "");
    folder.write("orders.csv", ORDERS);
    let settled = "2026-11-02T00:00:00Z";
    let done = [
        refund("Z-1", "succeeded", ONE, settled),
        refund("Z-2", "already_done", ONE, settled),
        refund("Z-3", "succeeded", ONE, settled),
        refund("Z-4", "refused", ONE, settled),
        refund("Z-5", "skipped", "", ""),
    ];
    folder.write("res-1.csv", &format!("{RESULTS}{}", done.concat()));
    folder.write("res-2.csv", &format!("{RESULTS}{}", done[0]));
    let nothing = Folder::new();
    audit(&nothing, "", "");
    nothing.write("orders.csv", ORDERS);
    nothing.write("res.csv", RESULTS);
    let without = reconcile(&nothing, &[]);
    exits(&without, 0);
    assert_eq!(summary(&nothing, &without)["done_elsewhere"], Value::Null);
    for flags in [&[][..], &["--parts", "4"]] {
        let ended = reconcile(&folder, flags);
        exits(&ended, 0);
        let done = summary(&folder, &ended)["done_elsewhere"].clone();
        assert_eq!(done, json!({"succeeded": tally(2, 0), "already_done": tally(1, 0)}));
        let told = "done by runs of ours to orders that are not in this input: 2 succeeded, 1 already_done\n";
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
        // What was found is something else, and has another name.
        let files = |text: &str| text.lines().find(|line| line.starts_with("files: ")).map(str::to_owned);
        assert_ne!(files(&ended.stdout), files(&without.stdout));
    }
}

/// A run that refunds three orders, of which one stays unknown.
fn night(folder: &Folder) {
    let order = |number: u8, status: &str| {
        format!("  - {{invoice_number: INV-{number}, amount: {number}000, status: {status}, order_id: 100{number}}}\n")
    };
    let orders: String = (1..=3).map(|number| order(number, "paid")).collect();
    folder.write(
        "state.yaml",
        &format!(
            "orders:\n{orders}faults:\n  - {{operation: refund, invoice_number: INV-2, fault: error_after, times: 100}}\n"
        ),
    );
    let row = |number: u8| {
        format!(
            "INV-{number},{number}000,100{number},{}INV-{number},refunded,2026-11-01\n",
            rekon::simulator::CLIENT_ID
        )
    };
    let rows: String = (1..=3).map(row).collect();
    folder.write(
        "refunds.csv",
        &format!("invoice_number,amount,order_id,akulaku_reference,book_status,created_at\n{rows}"),
    );
    folder.write(
        "refund.yaml",
        "job: night\noperation: refund\nmerchant: {environment: simulator, state: state.yaml}\norders: {file: refunds.csv}\n\
         guards: {max_orders: 10, max_total: 10000000}\nlimits: {rate: 500/s}\n\
         retries: {attempts: 1, backoff: 10ms..50ms, inquire_after: 60s, settle_for: 1s}\n",
    );
    exits(&folder.rekon(&["run", "refund.yaml"]), 3);
}

#[test]
fn an_audit_counts_the_doubt_of_the_journal_that_none_of_its_rows_shows() {
    let folder = Folder::new();
    night(&folder);
    folder.write("orders.csv", ORDERS);
    audit(&folder, "", "");
    // The results of the same run, from another folder, say nothing that the journal does not.
    for with_results in [false, true] {
        if with_results {
            folder.write("res.csv", &folder.out("night", "results.csv"));
        }
        for flags in [&[][..], &["--parts", "3"]] {
            let ended = reconcile(&folder, flags);
            exits(&ended, 3);
            let summary = summary(&folder, &ended);
            assert_eq!(summary["in_doubt"], tally(1, 2000));
            assert_eq!(summary["in_doubt_earlier"], tally(1, 2000));
            assert_eq!(summary["done_elsewhere"], json!({"succeeded": tally(2, 4000)}));
            assert!(ended.stdout.contains("rekon show --journal"), "{}", ended.stdout);
            let told =
                "done by runs of ours to orders that are not in this input: 2 succeeded; Rp 4.000 as far as is known\n";
            assert!(ended.stdout.contains(told), "{}", ended.stdout);
        }
    }
    let told = reconcile(&folder, &["--lang", "id"]).stdout;
    for said in [
        "sudah dikerjakan proses kita atas pesanan yang tidak ada di data masukan ini: 2 berhasil (succeeded); Rp 4.000 sejauh",
        "1 pesanan yang tidak dinilai audit ini (tidak ada di data masukan, di luar periode, tidak dipilih oleh where, atau \
         barisnya tidak sah): INV-2\n",
    ] {
        assert!(told.contains(said), "{told}");
    }
    // The same orders in the input, of which none is asked about; and each of them judged.
    folder.write("orders.csv", &folder.read("refunds.csv"));
    let ended = reconcile(&folder, &["--period", "2026-10"]);
    exits(&ended, 3);
    assert_eq!(summary(&folder, &ended)["in_doubt_earlier"], tally(1, 2000));
    let ended = reconcile(&folder, &[]);
    exits(&ended, 3);
    let judged = summary(&folder, &ended);
    assert_eq!((&judged["in_doubt"], &judged["in_doubt_earlier"]), (&tally(1, 2000), &tally(0, 0)));
    assert_eq!(judged["done_elsewhere"], Value::Null);
    let reconciled = rows(&out(&folder, &ended, "reconciliation.csv"));
    assert_eq!(column(&reconciled, "verdict"), ["matched", "in_doubt", "matched"]);
}

#[test]
fn doubt_of_results_alone_leads_to_no_journal_that_does_not_know_it() {
    let folder = Folder::new();
    audit(&folder, "", "");
    folder.write("orders.csv", ORDERS);
    folder.write("res.csv", &format!("{RESULTS}{}", refund("I-1", "unknown", ONE, "")));
    let told = |ended: &Ended| ended.stdout.split_once("MONEY IN DOUBT").expect("it says so").1.to_owned();
    let ended = reconcile(&folder, &[]);
    exits(&ended, 3);
    let expected = ": 1 row, Rp 1.000 (exit code 3)\n  \
        run the job that sent them again; it settles them with the same key and never sends twice\n  \
        those that only a results.csv tells of: verdict in_doubt in reconciliation.csv; the journal of the run that wrote it settles \
        them\n";
    assert_eq!(told(&ended), expected);
    folder.write("res.csv", &format!("{RESULTS}{}", refund("I-1", "review", ONE, "")));
    let expected = ": 1 row, Rp 1.000 (exit code 3)\n  \
        those that only a results.csv tells of: verdict in_doubt in reconciliation.csv; the journal of the run that wrote it settles \
        them\n  \
        review, conflict: a person decides --as done (or not-done): rekon rule INVOICE --operation OPERATION --as done \
        --reason TEXT --evidence TEXT --journal JOURNAL\n";
    assert_eq!(told(&reconcile(&folder, &[])), expected);
    // What its journal knows as well is looked at there, and the rest is not.
    night(&folder);
    let told = told(&reconcile(&folder, &[]));
    assert!(told.contains("rekon show --journal .rekon/journal.db\n  those that only"), "{told}");
}

#[test]
fn what_runs_did_to_orders_that_are_not_judged_is_in_the_totals_and_in_the_rows_alike() {
    // What the job says besides, and the orders that it is asked about.
    for (more, reconciled) in [("", ", period: 2026-10"), (", where: [{book_status: [paid]}]", "")] {
        let folder = Folder::new();
        audit(&folder, more, reconciled);
        folder.write("orders.csv", ORDERS);
        let cancelled = format!("I-1,,cancel,succeeded,,{ONE},CANCELLED,2026-11-02T00:00:00Z\n");
        folder.write("res.csv", &format!("{RESULTS}{cancelled}{}", refund("I-2", "held", "", "")));
        for flags in [&[][..], &["--parts", "3"]] {
            let ended = reconcile(&folder, flags);
            // What was held is held, and nobody was asked about it.
            exits(&ended, 0);
            let summary = summary(&folder, &ended);
            assert_eq!(summary["states"]["succeeded"], tally(1, 1000), "{more}{reconciled}");
            assert_eq!(summary["states"]["held"], tally(1, 2000), "{more}{reconciled}");
            assert_eq!(summary["states"]["skipped"], tally(0, 0), "{more}{reconciled}");
            assert_eq!(summary["identity"]["holds"], true);
            let found = rows(&out(&folder, &ended, "reconciliation.csv"));
            assert_eq!(column(&found, "result_state"), ["succeeded", "held"], "{more}{reconciled}");
            assert_eq!(column(&found, "doku_status"), ["CANCELLED", ""], "{more}{reconciled}");
        }
    }
}
