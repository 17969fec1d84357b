//! What an audit says of its own inputs: which files it has read, by which settings it has judged, and what of them looks like
//! a slip.

use rekon::journal::log::sha256;
use rekon::simulator::{CLIENT_ID, SECRET_KEY};
use serde_json::{Value, json};

use crate::process::{Ended, Folder, Told, exits, notification_body};

const ORDERS: &str = "invoice_number,amount,book_status,created_at\n\
                      I-1,1000,paid,2026-10-30T03:00:00Z\nI-2,2000,paid,2026-11-01T03:00:00Z\n";

fn audit(orders: &str, more: &str) -> Folder {
    let folder = Folder::new();
    folder.write(
        "jobs/audit.yaml",
        &format!(
            "job: audit\noperation: audit\nmerchant: {{environment: simulator}}\norders: {{file: orders.csv}}\n\
             notifications: {{files: [\"log*.jsonl\"]}}\noutput: {{directory: out, formats: [csv, json, html, xlsx]}}\n{more}"
        ),
    );
    folder.write("jobs/orders.csv", orders);
    folder
}

/// A line of a log about an order that was paid.
fn told(invoice: &str, amount: &str, received_at: &str) -> String {
    let body = &notification_body(invoice, amount, "SUCCESS", received_at);
    let request_id = &format!("N-{invoice}");
    format!("{}\n", Told { received_at, request_id, client_id: CLIENT_ID, key: SECRET_KEY, body }.line())
}

fn reconcile(folder: &Folder, flags: &[&str]) -> Ended {
    folder.rekon(&[&["reconcile", "jobs/audit.yaml", "--as-of", "2026-11-30T17:00:00Z"], flags].concat())
}

fn out(folder: &Folder, ended: &Ended, name: &str) -> String {
    let files = ended.stdout.lines().find_map(|line| line.strip_prefix("files: ")).expect("it says where");
    folder.read(&format!("{files}/{name}"))
}

fn inputs(folder: &Folder, ended: &Ended) -> Value {
    let mut summary: Value = serde_json::from_str(&out(folder, ended, "summary.json")).expect("summary.json is JSON");
    summary["inputs"].take()
}

#[test]
fn an_audit_names_its_files_and_its_settings() {
    let folder = audit(ORDERS, "reconcile: {cutoff: \"23:00\", grace: 36h, results: [\"res.csv\"]}\n");
    let first = [told("I-1", "1000", "2026-10-30T04:00:00Z"), "garbage\n".to_owned()].concat();
    folder.write("jobs/log-1.jsonl", &first);
    folder.write("jobs/log-2.jsonl", &told("I-2", "2000", "2026-11-01T04:00:00Z"));
    folder.write("jobs/res.csv", "invoice_number,amount,rekon_operation,rekon_state,rekon_reason,rekon_request_id,rekon_payment_status,rekon_settled_at\n");
    let digest = sha256(ORDERS.as_bytes());
    let log = |file: &str, lines: u64, at: &str| json!({"file": file, "lines": lines, "verified": 1, "received_at": {"first": at, "last": at}});
    let expected = json!({
        "orders": {
            "file": "orders.csv", "sha256": digest, "rows": 2,
            "created_at": {"first": "2026-10-30T03:00:00Z", "last": "2026-11-01T03:00:00Z"},
        },
        "logs": [log("log-1.jsonl", 2, "2026-10-30T04:00:00Z"), log("log-2.jsonl", 1, "2026-11-01T04:00:00Z")],
        "results": ["res.csv"],
        "settings": {
            "as_of": "2026-11-30T17:00:00Z", "period": null, "cutoff": "23:00", "grace": "36h", "zone": "WIB",
            "logs": ["log*.jsonl"],
        },
        "dated": {"after_notification": {"count": 0, "rupiah": 0}, "in_future": {"count": 0, "rupiah": 0}},
        "warnings": [],
    });
    for flags in [&[][..], &["--parts", "3"], &["--threads", "1"]] {
        let ended = reconcile(&folder, flags);
        exits(&ended, 0);
        assert_eq!(inputs(&folder, &ended), expected, "{flags:?}");
        let page = out(&folder, &ended, "report.html");
        for text in [
            "<th scope=\"row\"><bdi>log-1.jsonl</bdi></th><td class=\"n\">2</td><td class=\"n\">1</td>",
            "<td class=\"n\">30 Oct 2026 11:00:00 WIB</td>",
            &format!("<dd>{digest}</dd>"),
            "<dt>A business day ends (WIB)</dt><dd>23:00</dd>",
            "<dt>Grace</dt><dd>36h</dd>",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
    let from_within = reconcile(&folder, &["--period", "2026-11"]);
    let read = inputs(&folder, &from_within);
    assert_eq!(read["settings"]["period"], json!(["2026-11-01", "2026-11-30"]));
    assert_eq!(read["orders"]["created_at"]["first"], "2026-11-01T03:00:00Z", "the other one is not judged");
}

#[test]
fn a_log_that_says_nothing_or_ends_before_the_book_begins_is_told_on_the_page_too() {
    // The log, the days, the warning in summary.json, and the words.
    let october = told("I-1", "1000", "2026-10-30T04:00:00Z");
    let cases = [
        ("", "all", "log_empty", "he notification logs are empty"),
        (
            &october,
            "2026-11",
            "log_ends_before_orders",
            "he notification logs end at 30 Oct 2026 11:00:00 WIB, before the first judged order was made, at 1 Nov 2026 \
             10:00:00 WIB: is it the right log?",
        ),
    ];
    for (log, period, warning, text) in cases {
        let folder = audit(ORDERS, "");
        folder.write("jobs/log.jsonl", log);
        let ended = reconcile(&folder, &["--period", period]);
        assert_eq!(inputs(&folder, &ended)["warnings"], json!([warning]));
        assert!(ended.stderr.contains(&format!("warning: jobs/audit.yaml: t{text}")), "{}", ended.stderr);
        let page = out(&folder, &ended, "report.html");
        assert!(page.contains(&format!("<p class=\"banner bad\">T{text}")), "{page}");
    }
    let folder = audit(ORDERS, "");
    folder.write("jobs/log.jsonl", &october);
    assert_eq!(inputs(&folder, &reconcile(&folder, &["--period", "all"]))["warnings"], json!([]));
}

#[test]
fn orders_whose_dates_may_be_slips_are_counted_whether_or_not_they_are_judged() {
    // A month read as the day: the eleventh of May for the fifth of November, and the fifth of December for the twelfth of May.
    let orders = "invoice_number,amount,book_status,created_at\nI-1,1000,paid,2026-11-20T03:00:00Z\n\
                  I-2,2000,paid,2026-12-05T03:00:00Z\nI-3,4000,paid,2026-11-05T04:05:00Z\nI-4,8000,paid,2026-11-20T03:00:00Z\n";
    let folder = audit(orders, "");
    let log = [
        told("I-1", "1000", "2026-11-05T04:00:00Z"),
        told("I-3", "4000", "2026-11-05T04:00:00Z"),
        told("I-4", "8000", "2026-11-20T04:00:00Z"),
    ];
    folder.write("jobs/log.jsonl", &log.concat());
    for flags in [&[][..], &["--period", "2026-10"], &["--parts", "2"]] {
        let ended = reconcile(&folder, flags);
        let read = inputs(&folder, &ended);
        let one = |rupiah: u64| json!({"count": 1, "rupiah": rupiah});
        // Five minutes are no slip: clocks differ.
        assert_eq!(read["dated"], json!({"after_notification": one(1000), "in_future": one(2000)}), "{flags:?}");
        assert_eq!(read["warnings"], json!(["dated_after_notification", "dated_in_future"]), "{flags:?}");
        let page = out(&folder, &ended, "report.html");
        for text in ["1 order is dated after DOKU", "1 order is dated after the time of this audit"] {
            assert!(ended.stderr.contains(text) && page.contains(text), "{text}: {}", ended.stderr);
        }
    }
}
