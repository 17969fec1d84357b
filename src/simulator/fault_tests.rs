//! Faults over a real socket that take more than one request to see: late effects, lost keys, shut doors, and notifications.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::pause::pause;
use super::tests::{
    CREATE, PAID, change, config, refund_in_vain, refunded, send, signer, start, unanswered, until, with_fault,
};
use super::{Clock, Config, Running, samples};
use crate::doku::sign::{Components, TimestampName};
use crate::model::time::parse_instant;

/// A clock that goes on by ten milliseconds whenever it is looked at.
fn clock() -> Clock {
    let looks = AtomicU32::new(0);
    let start = parse_instant("2026-11-21T18:00:00Z").expect("a time");
    Arc::new(move || start + Duration::from_millis(10) * looks.fetch_add(1, Ordering::Relaxed))
}

async fn with_fault_in_time(fault: &str) -> Running {
    let state = format!("{PAID}faults: [{{operation: refund, fault: {fault}}}]");
    start(Config { clock: clock(), ..config(&state) }).await
}

#[tokio::test]
async fn an_effect_that_comes_late_comes_after_the_client_has_gone() {
    let running = with_fault("applied_late, delay: 2s").await;
    refund_in_vain(&running, "r-1").await;
    assert!(running.ledger().is_empty());
    until("the effect", || running.ledger().len() == 1).await;
    assert_eq!(refunded(&running, "r-1").await.status, 409, "its key is known by then");
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn an_early_twin_makes_a_late_effect_a_repeat() {
    let running = with_fault("applied_late, delay: 2s").await;
    refund_in_vain(&running, "r-1").await;
    assert_eq!(refunded(&running, "r-1").await.status, 200);
    pause(Duration::from_millis(2500)).await;
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_carried_out_again_and_the_ledger_says_so() {
    // Fault, and the status of the request that comes next and of the one after that.
    let cases = [
        ("key_lost", [200, 409], vec![None, Some(1)]),
        ("key_forgotten, delay: 1ms", [200, 409], vec![None, Some(1)]),
        ("key_forgotten, delay: 1h", [409, 409], vec![None]),
        ("key_late, delay: 3s", [200, 409], vec![None, Some(1)]),
    ];
    for (fault, statuses, repeats) in cases {
        let running = with_fault_in_time(fault).await;
        refund_in_vain(&running, "r-1").await;
        let seen = [refunded(&running, "r-1").await, refunded(&running, "r-1").await];
        assert_eq!(seen.map(|seen| seen.status), statuses, "{fault}");
        let effects: Vec<_> = running.ledger().into_iter().map(|effect| effect.repeats).collect();
        assert_eq!(effects, repeats, "{fault}");
        assert!(running.violations().is_empty());
    }
}

#[tokio::test]
async fn every_operation_is_carried_out_again_without_its_key() {
    let running = start(config(
        "orders: [{invoice_number: INV-2, amount: 90000, status: pending}]\n\
         faults: [{operation: create, fault: key_lost}, {operation: cancel, fault: key_lost}]",
    ))
    .await;
    let cancel = super::Call::Change(crate::model::operation::Operation::Cancel);
    for (call, body) in [(CREATE, samples::creation("INV-1", 90_000)), (cancel, samples::cancellation("INV-2"))] {
        unanswered(&running, call, call.word(), &body).await;
        assert_eq!(change(&running, call, call.word(), &body).await.expect("an answer").status, 200);
    }
    let repeats: Vec<_> = running.ledger().into_iter().map(|effect| effect.repeats).collect();
    assert_eq!(repeats, [None, Some(1), None, Some(3)]);
}

/// What comes back over one connection.
async fn said(stream: &mut TcpStream, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

const INQUIRY: &str = "GET /orders/v1/status/INV-1 HTTP/1.1\r\nHost: simulator\r\n\r\n";

#[tokio::test]
async fn a_kept_connection_is_reset_when_it_is_used_again() {
    let running = start(config("faults: [{fault: closed_while_kept_alive}]")).await;
    let mut stream = TcpStream::connect(running.address()).await.expect("a connection");
    assert!(said(&mut stream, INQUIRY).await.expect("an answer").starts_with("HTTP/1.1 401"));
    let error = said(&mut stream, INQUIRY).await.expect_err("no answer");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(running.request_count(), 1);
}

#[tokio::test]
async fn half_a_status_line_is_all_that_comes() {
    let running = start(config("faults: [{fault: half_status_line}]")).await;
    let mut stream = TcpStream::connect(running.address()).await.expect("a connection");
    let mut all = said(&mut stream, INQUIRY).await.expect("half an answer");
    stream.read_to_string(&mut all).await.expect("a polite end");
    assert_eq!(all, "HTTP/1.1 40");
}

#[tokio::test]
async fn a_shut_door_refuses_for_a_while_and_then_opens() {
    let running = start(config("faults: [{fault: refuse, delay: 2s}]")).await;
    assert!(send(&running, "/orders/v1/status/INV-1", "i-1", None).await.is_err());
    let address = running.address();
    let mut refused = false;
    for _ in 0..1000 {
        match TcpStream::connect(address).await {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => refused = true,
            Ok(_) if refused => break,
            _ => {}
        }
        pause(Duration::from_millis(5)).await;
    }
    assert!(refused, "nobody was refused");
    let seen = send(&running, "/orders/v1/status/INV-1", "i-1", None).await.expect("an answer");
    assert_eq!(seen.status, 404);
}

#[tokio::test]
async fn an_answer_to_something_else_is_the_one_before() {
    let state = format!("{PAID}faults: [{{operation: inquiry, nth: 2, fault: another_answer}}]");
    let running = start(config(&state)).await;
    let asked = async |path: &str| send(&running, path, "i-1", None).await.expect("an answer");
    let first = asked("/orders/v1/status/INV-1").await;
    let second = asked("/orders/v1/status/INV-2").await;
    assert_eq!((second.body, second.signature_holds), (first.body, false), "it was signed for another path");
}

/// A line of the log: of which order, with which status, and whether its signature holds. A line that does not read is all
/// there is to say about it.
fn told(line: &str) -> String {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return "torn".to_owned() };
    let header = |name: &str| line["headers"][name].as_str().expect("a header");
    let body = line["body"].as_str().expect("text");
    let components = Components {
        client_id: header("Client-Id"),
        request_id: header("Request-Id"),
        timestamp_name: TimestampName::Request,
        timestamp: header("Request-Timestamp"),
        target: line["path"].as_str().expect("a path"),
        body: Some(body.as_bytes()),
    };
    let seal = if signer().verify(&components, header("Signature")).is_ok() { "" } else { " forged" };
    let body: Value = serde_json::from_str(body).expect("a body");
    let status = if body["transaction"]["status"] == json!("SUCCESS") { "paid" } else { "failed" };
    let amount = if body["order"]["amount"] == json!(90_000) { "" } else { " other amount" };
    format!("{} {status}{amount}{seal}", body["order"]["invoice_number"].as_str().expect("a number"))
}

fn log(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(told).collect()
}

#[tokio::test]
async fn notifications_go_astray_as_the_script_has_it() {
    // Fault at the second of three, what the log holds at last, and the log that was put aside.
    let cases: [(&str, &[&str], &[&str]); 10] = [
        ("notification_twice", &["INV-1 paid", "INV-2 paid", "INV-2 paid", "INV-3 paid"], &[]),
        ("notification_late, delay: 1h", &["INV-1 paid", "INV-3 paid", "INV-2 paid"], &[]),
        ("notification_out_of_order", &["INV-1 paid", "INV-3 paid", "INV-2 paid"], &[]),
        ("notification_forged", &["INV-1 paid", "INV-2 failed forged", "INV-2 paid", "INV-3 paid"], &[]),
        ("notification_replayed, delay: 1h", &["INV-1 paid", "INV-2 paid", "INV-3 paid", "INV-2 paid"], &[]),
        ("notification_other_body", &["INV-1 paid", "INV-2 paid", "INV-2 paid other amount", "INV-3 paid"], &[]),
        ("notification_torn", &["INV-1 paid", "torn", "INV-3 paid"], &[]),
        ("notification_log_rotated", &["INV-2 paid", "INV-3 paid"], &["INV-1 paid"]),
        ("notification_log_emptied", &["INV-3 paid"], &["INV-1 paid", "INV-2 paid"]),
        ("notification_missing", &["INV-1 paid", "INV-3 paid"], &[]),
    ];
    for (fault, expected, aside) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        let state = format!("customers: {{pay: 100}}\nfaults: [{{invoice_number: INV-2, fault: {fault}}}]");
        let config = Config { notification_log: Some(path.clone()), ..config(&state) };
        let running = start(config).await;
        for number in 1..=3 {
            let body = samples::creation(&format!("INV-{number}"), 90_000);
            change(&running, CREATE, &format!("n-{number}"), &body).await.expect("an answer");
        }
        // What is late is not waited for when the simulator stops.
        running.stop().await;
        until(fault, || log(&path).len() >= expected.len()).await;
        assert_eq!(log(&path), expected, "{fault}");
        assert_eq!(log(&folder.path().join("log.1.jsonl")), aside, "{fault}");
    }
}
