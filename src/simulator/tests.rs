//! The simulator over a real socket on loopback: what a client sees, and what is left when it is started again.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::pause::pause;
use super::{CLIENT_ID, Call, Config, Running, SECRET_KEY, Simulator, StartError, StartingState, samples};
use crate::doku::sign::{Components, Signer, TimestampName};
use crate::model::operation::Operation;
use crate::model::secret::Secret;
use crate::model::time::parse_instant;

const NOW: &str = "2026-11-21T18:00:00Z";
pub(super) const REFUND: Call = Call::Change(Operation::Refund);
pub(super) const CREATE: Call = Call::Change(Operation::Create);

/// An order that is paid; its `ORDER_ID` is 1.
pub(super) const PAID: &str = "orders: [{invoice_number: INV-1, amount: 90000, status: paid, order_id: 1}]\n";

pub(super) fn config(state: &str) -> Config {
    let now = parse_instant(NOW).expect("a time");
    let state = StartingState::parse(state, "state.yaml").expect("a good state file");
    Config { state, ..Config::new(Arc::new(move || now)) }
}

pub(super) async fn start(config: Config) -> Running {
    Simulator::start(config).await.expect("it starts")
}

/// Paid order INV-1, and one fault at the first refund.
pub(super) async fn with_fault(fault: &str) -> Running {
    start(config(&format!("{PAID}faults: [{{operation: refund, fault: {fault}}}]"))).await
}

/// Looks again and again until it holds; gives up after two minutes or more.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..24_000 {
        if holds() {
            return;
        }
        pause(Duration::from_millis(5)).await;
    }
    panic!("in vain: {what}");
}

/// What a client sees of an answer.
pub(super) struct Seen {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) body: String,
    pub(super) signature_holds: bool,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

pub(super) fn signer() -> Signer {
    Signer::new(&Secret::new(SECRET_KEY))
}

/// How long is waited for an answer that comes: as long as a busy machine may need.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is waited for one that does not come.
const IN_VAIN: Duration = Duration::from_millis(1500);

pub(super) async fn send(
    running: &Running,
    path: &str,
    request_id: &str,
    body: Option<&str>,
) -> Result<Seen, reqwest::Error> {
    send_within(PATIENCE, running, path, request_id, body).await
}

async fn send_within(
    patience: Duration,
    running: &Running,
    path: &str,
    request_id: &str,
    body: Option<&str>,
) -> Result<Seen, reqwest::Error> {
    let components = Components {
        client_id: CLIENT_ID,
        request_id,
        timestamp_name: TimestampName::Request,
        timestamp: NOW,
        target: path,
        body: body.map(str::as_bytes),
    };
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(patience).build()?;
    let url = format!("http://{}{path}", running.address());
    let request = match body {
        Some(body) => client.post(url).body(body.to_owned()),
        None => client.get(url),
    };
    let signed = request
        .header("Client-Id", CLIENT_ID)
        .header("Request-Id", request_id)
        .header("Request-Timestamp", NOW)
        .header("Signature", signer().sign(&components));
    let answer = signed.send().await?;
    let (status, headers, body) = (answer.status().as_u16(), answer.headers().clone(), answer.text().await?);
    let line = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let components = Components {
        client_id: line("Client-Id"),
        request_id,
        timestamp_name: TimestampName::Response,
        timestamp: line("Response-Timestamp"),
        target: path,
        body: Some(body.as_bytes()),
    };
    let signature_holds = signer().verify(&components, line("Signature")).is_ok();
    Ok(Seen { status, headers, body, signature_holds })
}

pub(super) async fn change(
    running: &Running,
    call: Call,
    request_id: &str,
    body: &Value,
) -> Result<Seen, reqwest::Error> {
    send(running, call.path(), request_id, Some(&body.to_string())).await
}

/// A change that is not answered, or not in time; how it ends.
pub(super) async fn unanswered(running: &Running, call: Call, request_id: &str, body: &Value) -> reqwest::Error {
    let seen = send_within(IN_VAIN, running, call.path(), request_id, Some(&body.to_string())).await;
    seen.err().expect("no answer in time")
}

fn of_inv_1() -> Value {
    samples::refund("INV-1", "1", "XYZ-1")
}

/// A refund that is not answered, or not in time; how it ends.
pub(super) async fn refund_in_vain(running: &Running, request_id: &str) -> reqwest::Error {
    unanswered(running, REFUND, request_id, &of_inv_1()).await
}

pub(super) async fn refunded(running: &Running, request_id: &str) -> Seen {
    change(running, REFUND, request_id, &of_inv_1()).await.expect("an answer")
}

#[tokio::test]
async fn a_request_with_a_bad_signature_is_refused_signed_and_without_effect() {
    let running = start(config(PAID)).await;
    let url = format!("http://{}{}", running.address(), REFUND.path());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.post(url).header("Client-Id", CLIENT_ID).body("{}").send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 401);
    assert!(answer.headers().contains_key("Signature"));
    let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!(body["error"]["code"], json!("invalid_signature"));
    assert!(running.ledger().is_empty());
}

#[tokio::test]
async fn every_answer_is_signed_whatever_it_says() {
    let running = start(config(PAID)).await;
    let cases = [
        ("/akulaku-peer-to-peer/v2/refund", Some("{}"), 400),
        ("/akulaku-peer-to-peer/v2/refund", None, 405),
        ("/nowhere", Some("{}"), 404),
        ("/orders/v1/status/INV-9", None, 404),
        ("/orders/v1/status/INV%2D1", None, 200),
    ];
    for (path, body, status) in cases {
        let seen = send(&running, path, "x-1", body).await.expect("an answer");
        assert_eq!((seen.status, seen.signature_holds), (status, true), "{path}");
    }
    assert_eq!(running.request_count(), 5);
}

#[tokio::test]
async fn a_refund_is_done_once_and_repeated_under_409() {
    let running = start(config(PAID)).await;
    let first = refunded(&running, "r-1").await;
    assert_eq!((first.status, first.signature_holds), (200, true));
    let second = refunded(&running, "r-1").await;
    assert_eq!((second.status, second.signature_holds), (409, true));
    assert_eq!(second.body, first.body);
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn a_request_id_with_two_bodies_is_a_violation() {
    let running = start(config(PAID)).await;
    refunded(&running, "r-1").await;
    let seen = change(&running, REFUND, "r-1", &samples::refund("INV-1", "1", "XYZ-2")).await.expect("an answer");
    assert_eq!((seen.status, seen.signature_holds), (409, true));
    assert_eq!(running.violations().len(), 1);
    assert_eq!(running.ledger().len(), 1);
}

#[tokio::test]
async fn a_fault_before_the_work_leaves_no_effect_and_one_after_it_leaves_one() {
    // Fault, HTTP status (none: no answer at all), whether the signature holds, effects.
    let cases = [
        ("timeout_before", None, false, 0),
        ("timeout_after", None, false, 1),
        ("reset_before", None, false, 0),
        ("reset_after", None, false, 1),
        ("error_before", Some(500), true, 0),
        ("error_after", Some(500), true, 1),
        ("throttle", Some(429), true, 0),
        ("not_a_replay_409", Some(409), true, 0),
        ("html", Some(200), false, 0),
        ("html_after", Some(200), false, 1),
        ("wrong_signature", Some(200), false, 1),
        ("unsigned", Some(200), false, 1),
        ("old_signature", Some(200), false, 1),
        ("other_request_id", Some(200), false, 1),
        ("clock_ahead", Some(200), true, 1),
        ("clock_behind", Some(200), true, 1),
        ("close_at_accept", None, false, 0),
        ("reset_at_accept", None, false, 0),
        ("reset_at_head", None, false, 0),
        ("half_status_line", None, false, 1),
        ("half_body", None, false, 1),
        ("huge_header", None, false, 1),
        ("drip", None, false, 1),
        ("gzip_bomb", Some(200), false, 1),
        ("bad_gateway", Some(502), false, 0),
        ("unavailable", Some(503), false, 0),
        ("maintenance", Some(503), false, 0),
        ("gateway_timeout_after", Some(504), false, 1),
        ("throttle_date", Some(429), true, 0),
        ("throttle_absurd", Some(429), true, 0),
        ("bad_request", Some(400), true, 0),
        ("bad_request_unsigned_after", Some(400), false, 1),
        ("unauthorized", Some(401), true, 0),
        ("forbidden_unsigned_after", Some(403), false, 1),
        ("not_found", Some(404), true, 0),
        ("redirect_307", Some(307), false, 0),
        ("garbage_409_after", Some(409), true, 1),
        ("duplicated_request", Some(409), true, 1),
        ("empty", Some(200), true, 1),
        ("json_array", Some(200), true, 1),
        ("other_amount", Some(200), true, 1),
        ("another_answer", Some(200), true, 1),
        ("notification_before_answer, delay: 1ms", Some(200), true, 1),
    ];
    for (fault, status, signature_holds, effects) in cases {
        let running = with_fault(fault).await;
        if status.is_none() {
            refund_in_vain(&running, "r-1").await;
        } else {
            let seen = refunded(&running, "r-1").await;
            assert_eq!((Some(seen.status), seen.signature_holds), (status, signature_holds), "{fault}");
        }
        assert_eq!(running.ledger().len(), effects, "{fault}");
        let again = refunded(&running, "r-1").await;
        assert_eq!(again.status, if effects == 0 { 200 } else { 409 }, "{fault}: the second request is served");
        assert_eq!(again.json()["refund"]["status"], json!("SUCCESS"), "{fault}");
        assert_eq!(running.ledger().len(), 1, "{fault}");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_scripted_reset_is_a_reset_on_the_wire() {
    let running = with_fault("reset_after").await;
    let error = refund_in_vain(&running, "r-1").await;
    let mut causes = vec![format!("{error:?}")];
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes.push(format!("{error:?}"));
        cause = error.source();
    }
    assert!(causes.iter().any(|text| text.contains("ConnectionReset")), "{causes:?}");
}

#[tokio::test]
async fn a_scripted_silence_is_a_time_out_and_does_not_hold_up_the_end() {
    let running = with_fault("timeout_before").await;
    let error = refund_in_vain(&running, "r-1").await;
    assert!(error.is_timeout(), "{error:?}");
    let ended = tokio::time::timeout(Duration::from_secs(60), running.stop()).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn a_throttled_client_is_told_when_to_come_back() {
    let running = with_fault("throttle, retry_after: 1500ms").await;
    let seen = refunded(&running, "r-1").await;
    assert_eq!(seen.headers.get("Retry-After").and_then(|value| value.to_str().ok()), Some("2"));
}

/// A restart: the first life does something, the second one looks back.
async fn kept(folder: &Path) -> Running {
    let state = format!("{PAID}customers: {{pay: 100}}\n");
    let config = Config {
        ledger: Some(folder.join("ledger.jsonl")),
        notification_log: Some(folder.join("log/notifications.jsonl")),
        ..config(&state)
    };
    start(config).await
}

#[tokio::test]
async fn effects_answers_and_violations_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = kept(folder.path()).await;
    let refund_before = refunded(&first, "r-1").await;
    let create_before = change(&first, CREATE, "n-1", &samples::creation("INV-2", 90_000)).await.expect("an answer");
    let cancel = Call::Change(Operation::Cancel);
    change(&first, cancel, "r-1", &samples::cancellation("INV-1")).await.expect("an answer");
    let not_cancelled = change(&first, cancel, "c-1", &samples::cancellation("INV-1")).await.expect("an answer");
    let effects = first.ledger();
    assert_eq!(effects.iter().map(|effect| effect.effect_number).collect::<Vec<_>>(), [1, 2]);
    first.stop().await;

    let second = kept(folder.path()).await;
    assert_eq!(second.ledger(), effects);
    assert_eq!(second.violations().len(), 1);
    assert_eq!(refunded(&second, "r-1").await.body, refund_before.body);
    let create_again = change(&second, CREATE, "n-1", &samples::creation("INV-2", 90_000)).await.expect("an answer");
    assert_eq!((create_again.status, &create_again.body), (409, &create_before.body));
    let cancel_again = change(&second, cancel, "c-1", &samples::cancellation("INV-1")).await.expect("an answer");
    assert_eq!((cancel_again.status, &cancel_again.body), (409, &not_cancelled.body));
    let paid = send(&second, "/orders/v1/status/n-1", "s-1", None).await.expect("an answer");
    assert_eq!(paid.json()["transaction"]["status"], json!("SUCCESS"));
    let order_id = |seen: &Seen| seen.json()["payment"]["identifier"][0]["value"].clone();
    let third = change(&second, CREATE, "n-2", &samples::creation("INV-3", 90_000)).await.expect("an answer");
    assert_ne!(order_id(&third), order_id(&create_before));
    assert_eq!(second.ledger().last().map(|effect| effect.effect_number), Some(3));
}

#[tokio::test]
async fn every_payment_is_notified_once_across_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    for life in 0..2 {
        let running = kept(folder.path()).await;
        let request_id = format!("n-{life}");
        let body = samples::creation(&format!("INV-2{life}"), 90_000);
        change(&running, CREATE, &request_id, &body).await.expect("an answer");
        refunded(&running, "r-1").await;
        running.stop().await;
    }
    let log = std::fs::read_to_string(folder.path().join("log/notifications.jsonl")).expect("the log");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let bodies = lines.iter().map(|line| serde_json::from_str(line["body"].as_str().expect("text")).expect("a body"));
    let said: Vec<(Value, Value)> = bodies
        .map(|body: Value| (body["order"]["invoice_number"].clone(), body["transaction"]["status"].clone()))
        .collect();
    let expected = ["INV-1", "INV-20", "INV-21"].map(|invoice| (json!(invoice), json!("SUCCESS")));
    assert_eq!(said, expected);
    for line in &lines {
        let header = |name: &str| line["headers"][name].as_str().expect("a header");
        let components = Components {
            client_id: header("Client-Id"),
            request_id: header("Request-Id"),
            timestamp_name: TimestampName::Request,
            timestamp: header("Request-Timestamp"),
            target: line["path"].as_str().expect("a path"),
            body: line["body"].as_str().map(str::as_bytes),
        };
        assert_eq!(signer().verify(&components, header("Signature")), Ok(()));
    }
}

#[tokio::test]
async fn a_notification_is_posted_until_the_merchant_takes_it() {
    let arrived: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
    let inbox = Arc::clone(&arrived);
    // The merchant stumbles over the first delivery.
    let merchant = axum::Router::new().route(
        "/doku/notify",
        axum::routing::post(async move |headers: HeaderMap, body: Bytes| {
            let mut inbox = inbox.lock().expect("the inbox");
            inbox.push((headers, body));
            if inbox.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let merchant = tokio::spawn(async move { axum::serve(listener, merchant).await });
    let url = format!("http://{address}/doku/notify");
    let running = start(Config { notification_url: Some(url), ..config(PAID) }).await;
    until("both deliveries", || arrived.lock().expect("the inbox").len() >= 2).await;
    running.stop().await;
    merchant.abort();
    let arrived = arrived.lock().expect("the inbox");
    assert_eq!(arrived.len(), 2, "one refused, one taken");
    assert_eq!(arrived[0], arrived[1], "a repeat is the same notification");
    let (headers, body) = &arrived[0];
    let line = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).expect("a header");
    let components = Components {
        client_id: line("Client-Id"),
        request_id: line("Request-Id"),
        timestamp_name: TimestampName::Request,
        timestamp: line("Request-Timestamp"),
        target: "/doku/notify",
        body: Some(body),
    };
    assert_eq!(signer().verify(&components, line("Signature")), Ok(()));
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let refusal =
        async |config: Config| Simulator::start(config).await.err().map(|error: StartError| error.to_string());
    let everywhere = Config { listen: ([0, 0, 0, 0], 0).into(), ..config("") };
    let expected = "0.0.0.0:0 is not on loopback: the simulator serves this machine only";
    assert_eq!(refusal(everywhere).await.as_deref(), Some(expected));
    let url = Config { notification_url: Some("merchant".into()), ..config("") };
    assert_eq!(refusal(url).await.as_deref(), Some("notification url \"merchant\" is not a web address"));
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Config { ledger: Some(folder.path().to_owned()), ..config("") };
    let message = refusal(ledger).await.expect("a folder is no file");
    assert!(message.starts_with(&format!("ledger: {}: ", folder.path().display())), "{message}");
}
