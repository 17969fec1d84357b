//! Lines of the logs that prove nothing, and what is said of the orders that they may be about.

use rekon::simulator::{CLIENT_ID, SECRET_KEY};

use crate::process::{Ended, Folder, Told, column, exits, rows};

const AS_OF: [&str; 2] = ["--as-of", "2024-01-31T17:00:00Z"];

/// Orders with their payment references: one of its own, two with the same.
const ORDERS: &str =
    "invoice_number,amount,Status,Ref\nINV-1,1000,paid,R-1\nINV-2,2000,paid,R-2\nINV-3,2000,paid,R-2\n";

fn books() -> Folder {
    let folder = Folder::new();
    folder.write("orders.csv", ORDERS);
    folder.write(
        "audit.yaml",
        "job: audit\noperation: audit\nmerchant: {environment: simulator}\n\
         orders: {file: orders.csv, columns: {book_status: Status, payment_reference: Ref}}\n\
         notifications: {files: [\"log*.jsonl\"]}\n",
    );
    folder
}

/// What a notification says, with a reference of the payment if there is one.
fn body(invoice: &str, amount: &str, status: &str, reference: &str) -> String {
    let payment = if reference.is_empty() {
        String::new()
    } else {
        format!(r#","payment":{{"merchant_unique_reference":"{reference}"}}"#)
    };
    format!(
        r#"{{"order":{{"invoice_number":"{invoice}","amount":{amount}}},"transaction":{{"status":"{status}","date":"2024-01-20T02:00:00Z"}}{payment}}}"#
    )
}

/// A line of a log that DOKU signed when it happened, and that came when it came.
fn line(received_at: &str, request_id: &str, body: &str) -> String {
    let signed_at = "2024-01-20T02:00:00Z";
    let mut line = Told { received_at: signed_at, request_id, client_id: CLIENT_ID, key: SECRET_KEY, body }.line();
    line["received_at"] = received_at.into();
    format!("{line}\n")
}

fn audited(folder: &Folder, flags: &[&str]) -> Ended {
    let ended = folder.rekon(&[&["reconcile", "audit.yaml"][..], &AS_OF, flags].concat());
    exits(&ended, 1);
    ended
}

/// The rows of a file of the audit that has just ended, without the places of lines, in the order of the alphabet.
fn found(folder: &Folder, ended: &Ended, name: &str) -> Vec<String> {
    let files = ended.stdout.lines().find_map(|line| line.strip_prefix("files: ")).expect("it says where");
    let text = folder.read(&format!("{files}/{name}"));
    let columns = if name == "unmatched.csv" { 2 } else { 0 };
    let row = |line: &str| line.splitn(columns + 1, ',').last().unwrap_or_default().to_owned();
    let mut rows: Vec<String> = text.lines().skip(1).map(row).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn copies_of_what_is_of_no_order_are_copies_and_no_money_of_their_own() {
    let orphan = body("LOST-1", "5000", "SUCCESS", "");
    let tied = body("LOST-2", "7000", "SUCCESS", "R-9");
    let several = body("LOST-3", "2000", "SUCCESS", "R-2");
    let lines = [
        line("2024-01-20T03:00:00Z", "N-1", &orphan),
        line("2024-01-20T04:00:00Z", "N-1", &orphan),
        line("2024-01-20T09:00:00Z", "N-2", &orphan),
        line("2024-01-22T03:00:00Z", "N-1", &orphan),
        line("2024-01-20T03:00:00Z", "N-3", &tied),
        line("2024-01-20T04:00:00Z", "N-3", &tied),
        line("2024-01-20T03:00:00Z", "N-4", &several),
        line("2024-01-20T04:00:00Z", "N-4", &several),
        // The same Request-Id, and yet another thing: it must not disappear among the copies.
        line("2024-01-20T05:00:00Z", "N-1", &body("LOST-1", "5000", "FAILED", "")),
        line("2024-01-20T06:00:00Z", "N-1", &body("LOST-1", "5500", "SUCCESS", "")),
    ];
    let expected = [
        "ambiguous,LOST-3,2000,SUCCESS; candidates INV-2 INV-3,2024-01-20T03:00:00Z",
        "duplicate,LOST-1,5000,SUCCESS,2024-01-20T04:00:00Z",
        "duplicate,LOST-1,5000,SUCCESS,2024-01-20T09:00:00Z",
        "duplicate,LOST-2,7000,SUCCESS,2024-01-20T04:00:00Z",
        "duplicate,LOST-3,2000,SUCCESS; candidates INV-2 INV-3,2024-01-20T04:00:00Z",
        "orphan,LOST-1,5000,FAILED,2024-01-20T05:00:00Z",
        "orphan,LOST-1,5000,SUCCESS,2024-01-20T03:00:00Z",
        "orphan,LOST-1,5500,SUCCESS,2024-01-20T06:00:00Z",
        "orphan,LOST-2,7000,SUCCESS,2024-01-20T03:00:00Z",
        "replayed,LOST-1,5000,SUCCESS,2024-01-22T03:00:00Z",
    ];
    let mut reversed = lines.to_vec();
    reversed.reverse();
    let (first, last) = lines.split_at(3);
    let logs: [Vec<String>; 4] = [
        vec![lines.concat()],
        vec![reversed.concat()],
        vec![last.concat(), first.concat()],
        // A rotation by copying.
        vec![lines.concat(), first.concat()],
    ];
    for (at, logs) in logs.iter().enumerate() {
        let folder = books();
        logs.iter().enumerate().for_each(|(number, log)| folder.write(&format!("log-{number}.jsonl"), log));
        for flags in [&[][..], &["--threads", "1"], &["--parts", "2"], &["--parts", "7"]] {
            let ended = audited(&folder, flags);
            assert_eq!(found(&folder, &ended, "unmatched.csv"), expected, "{at} {flags:?}");
        }
    }
}

#[test]
fn what_would_be_sent_again_in_vain_is_not_asked_for_again() {
    let folder = books();
    folder.write("log.jsonl", &line("2024-01-20T03:00:00Z", "N-1", &body("LOST-1", "2000", "SUCCESS", "R-2")));
    for flags in [&[][..], &["--parts", "7"]] {
        let ended = audited(&folder, flags);
        let expected = [
            "resend_notification,INV-1,1000,,,,missing,no proof and the grace is over; age unknown",
            "review,INV-2,2000,,,,missing,no proof and the grace is over; age unknown",
            "review,INV-3,2000,,,,missing,no proof and the grace is over; age unknown",
        ];
        assert_eq!(found(&folder, &ended, "actions.csv"), expected, "{flags:?}");
    }
    let shown = folder.rekon(&[&["show", "INV-2", "--job", "audit.yaml"][..], &AS_OF].concat());
    exits(&shown, 0);
    assert!(shown.stdout.contains("SUCCESS; candidates INV-2 INV-3 log.jsonl:1"), "{}", shown.stdout);
    let next = "next: find the payment in DOKU's Back Office by the reference that the line names; sent again, the \
         notification could again be of several orders";
    assert!(shown.stdout.contains(next), "{}", shown.stdout);
}

#[test]
fn of_a_signed_line_that_cannot_be_read_is_kept_what_can_be_read() {
    let folder = books();
    let log = [
        line("2024-01-20T03:00:00Z", "N-1", &body("INV-1", "1000.5", "SUCCESS", "R-1")),
        line("2024-01-20T03:00:01Z", "N-2", &body("INV-2", "2000", "PARTLY_REFUNDED", "R-2")),
        line("2024-01-20T03:00:02Z", "N-3", &body("a b", "3000", "SUCCESS", "")),
        // Which of two amounts is meant, nobody can say.
        line("2024-01-20T03:00:03Z", "N-4", &body("INV-4", "1,\"amount\":4000", "SUCCESS", "")),
    ];
    folder.write("log.jsonl", &log.concat());
    for flags in [&[][..], &["--parts", "7"]] {
        let ended = audited(&folder, flags);
        let expected = [
            "unreadable,,3000,SUCCESS,2024-01-20T03:00:02Z",
            "unreadable,INV-1,,SUCCESS,2024-01-20T03:00:00Z",
            "unreadable,INV-2,2000,PARTLY_REFUNDED,2024-01-20T03:00:01Z",
            "unreadable,INV-4,,SUCCESS,2024-01-20T03:00:03Z",
        ];
        assert_eq!(found(&folder, &ended, "unmatched.csv"), expected, "{flags:?}");
        let files = ended.stdout.lines().find_map(|line| line.strip_prefix("files: ")).expect("it says where");
        let actions = rows(&folder.read(&format!("{files}/actions.csv")));
        assert_eq!(column(&actions, "action"), ["review", "review", "resend_notification"], "{flags:?}");
        assert!(ended.stdout.contains("log: 4 lines, 4 signed by DOKU"), "{}", ended.stdout);
    }
    let cases = [
        ("en", "DOKU says something that this program cannot read", "sent again, it would be no easier to read"),
        ("id", "menurut DOKU: ada, tetapi tidak terbaca oleh program ini", "dikirim ulang pun tetap tidak terbaca"),
    ];
    for (language, said, next) in cases {
        let show = ["show", "INV-1", "--job", "audit.yaml", "--lang", language];
        let shown = folder.rekon(&[&show[..], &AS_OF].concat());
        exits(&shown, 0);
        for text in [said, next, "log.jsonl:1"] {
            assert!(shown.stdout.contains(text), "{text}: {}", shown.stdout);
        }
    }
    // No order has this invoice.
    let shown = folder.rekon(&[&["show", "INV-4", "--job", "audit.yaml"][..], &AS_OF].concat());
    exits(&shown, 0);
    assert!(shown.stdout.contains("log.jsonl:4"), "{}", shown.stdout);
}
