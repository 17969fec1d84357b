//! Notification logs as people have them: from a pipe, after a change of keys, and written by a web server.

use std::fs::File;

use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::model::secret::Secret;

use crate::process::{Ended, Folder, ended};

const AT: &str = "2026-11-21T18:02:11Z";

const JOB: &str = "job: books\noperation: audit\nmerchant: {environment: sandbox, client_id: file:id, secret_key: [file:new, file:old]}\n\
     orders: {file: orders.csv}\n";

/// The books of three orders, and the keys of before and after.
fn books() -> Folder {
    let folder = Folder::new();
    folder.write(
        "orders.csv",
        "invoice_number,amount,book_status\nINV-1,90000,paid\nINV-2,90000,paid\nINV-3,90000,paid\n",
    );
    [("id", "MCH-1"), ("new", "SK-new"), ("old", "SK-old")]
        .into_iter()
        .for_each(|(name, text)| folder.write(name, text));
    folder
}

/// The body of a notification that an order was paid, and its signature with a key.
fn paid(invoice: &str, key: &str) -> (String, String) {
    let body = format!(
        r#"{{"order":{{"invoice_number":"{invoice}","amount":90000}},"transaction":{{"status":"SUCCESS","date":"{AT}"}}}}"#
    );
    let signature = Signer::new(&Secret::new(key)).sign(&Components {
        client_id: "MCH-1",
        request_id: invoice,
        timestamp_name: TimestampName::Request,
        timestamp: AT,
        target: "/payments/notifications",
        body: Some(body.as_bytes()),
    });
    (body, signature)
}

/// Three lines: with the new key, with the old one, and with one of nobody's.
fn log(line: fn(&str, &str, &str) -> serde_json::Value) -> String {
    let keys = [("INV-1", "SK-new"), ("INV-2", "SK-old"), ("INV-3", "SK-nobody")];
    let line = |(invoice, key)| {
        let (body, signature) = paid(invoice, key);
        format!("{}\n", line(invoice, &body, &signature))
    };
    keys.map(line).concat()
}

fn our_form(invoice: &str, body: &str, signature: &str) -> serde_json::Value {
    serde_json::json!({
        "received_at": AT, "path": "/payments/notifications", "body": body,
        "headers": {"Client-Id": "MCH-1", "Request-Id": invoice, "Request-Timestamp": AT, "Signature": signature},
    })
}

fn of_a_server(invoice: &str, body: &str, signature: &str) -> serde_json::Value {
    serde_json::json!({
        "time": "22/Nov/2026:01:02:11 +0700", "request_uri": "/payments/notifications", "request_body": body,
        "http": {"request_id": invoice, "request_timestamp": AT, "signature": signature},
    })
}

fn reconcile(folder: &Folder, stdin: Option<&str>) -> Ended {
    let mut command = folder.command(&["reconcile", "job.yaml", "--as-of", "2026-11-30T17:00:00Z"]);
    if let Some(name) = stdin {
        command.stdin(File::open(folder.path(name)).expect("the log"));
    }
    ended(command)
}

/// The two files of the only run: the verdicts, and what proves nothing.
fn found(folder: &Folder, ended: &Ended) -> (String, String) {
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let runs = folder.runs("books");
    let [run] = runs.as_slice() else { panic!("one run, not {runs:?}") };
    let read = |name: &str| folder.read(&format!("out/books/{run}/{name}"));
    (read("reconciliation.csv"), read("unmatched.csv"))
}

fn verdicts(reconciliation: &str) -> Vec<(&str, bool)> {
    reconciliation.lines().skip(1).map(|line| (&line[..5], line.contains(",matched,"))).collect()
}

#[test]
fn every_way_of_keeping_the_log_leads_to_the_same_verdicts() {
    let fields = "notifications:\n  files: [log.jsonl]\n  fields:\n    received_at: time\n    path: request_uri\n    \
         headers: {Request-Id: http.request_id, Request-Timestamp: http.request_timestamp, Signature: http.signature}\n    \
         body: request_body\n";
    let cases = [
        ("notifications: {files: [log.jsonl]}\n", log(our_form), None, "log.jsonl"),
        ("notifications: {files: [\"-\"]}\n", log(our_form), Some("log.jsonl"), "stdin"),
        (fields, log(of_a_server), None, "log.jsonl"),
    ];
    let mut first: Option<String> = None;
    for (notifications, log, stdin, name) in cases {
        let folder = books();
        folder.write("job.yaml", &format!("{JOB}{notifications}"));
        folder.write("log.jsonl", &log);
        let (reconciliation, unmatched) = found(&folder, &reconcile(&folder, stdin));
        assert_eq!(verdicts(&reconciliation), [("INV-1", true), ("INV-2", true), ("INV-3", false)], "{notifications}");
        let expected = format!("{name},3,invalid_signature,INV-3,90000,SUCCESS");
        assert!(unmatched.lines().skip(1).all(|line| line.starts_with(&expected)), "{unmatched}");
        assert_eq!(unmatched.lines().count(), 2, "{unmatched}");
        assert_eq!(first.get_or_insert_with(|| reconciliation.clone()), &reconciliation);
    }
}

#[test]
fn what_a_web_server_did_not_keep_makes_a_line_unverifiable_and_no_forgery() {
    let folder = books();
    let fields = "notifications:\n  files: [log.jsonl]\n  fields:\n    received_at: time\n    path: request_uri\n    \
         headers: {Client-Id: client, Request-Id: id, Request-Timestamp: timestamp, Signature: signature}\n    \
         body: request_body\n";
    folder.write("job.yaml", &format!("{JOB}{fields}"));
    let line = |invoice: &str, change: &[(&str, &str)]| {
        let (body, signature) = paid(invoice, "SK-new");
        let mut line = serde_json::json!({
            "time": "22/Nov/2026:01:02:11 +0700", "request_uri": "/payments/notifications", "request_body": body,
            "client": "MCH-1", "id": invoice, "timestamp": AT, "signature": signature,
        });
        for (key, value) in change {
            line[*key] = (*value).into();
        }
        format!("{line}\n")
    };
    let none = [("client", "-"), ("id", "-"), ("timestamp", "-"), ("signature", "-")];
    let log = [
        // nginx writes a hyphen for what there is not.
        line("INV-1", &none),
        line("INV-1", &[("signature", "-")]),
        line("INV-1", &[("request_body", "-")]),
        line("INV-1", &[("request_body", "")]),
        // Without the Client-Id it is known all the same whose it is.
        line("INV-2", &[("client", "-"), ("request_uri", "-")]),
        line("INV-3", &[("signature", "HMACSHA256=AAAA")]),
    ];
    folder.write("log.jsonl", &log.concat());
    let (reconciliation, unmatched) = found(&folder, &reconcile(&folder, None));
    assert_eq!(verdicts(&reconciliation), [("INV-1", false), ("INV-2", true), ("INV-3", false)]);
    let reasons: Vec<&str> = unmatched.lines().skip(1).filter_map(|line| line.split(',').nth(2)).collect();
    assert_eq!(reasons, [&["unverifiable"; 4][..], &["invalid_signature"]].concat());
}
