//! `rekon listen`: what was answered with 200 is in the log, whatever becomes of the program, the disk and the sender.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use rekon::doku::sign::Signer;
use rekon::edge::append::Names;
use rekon::listener::{Config, Limits, start};
use rekon::model::secret::Secret;
use rekon::model::time::parse_instant;
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

use crate::process::{Background, Folder, Told, client_id, exits, notification_body, until};
use crate::shim::{Control, Shim};

const JOB: &str = "\
job: listen
operation: audit
merchant: {environment: simulator}
orders: {file: orders.csv}
notifications: {files: [\"log/notifications-*.jsonl\"]}
";

/// `rekon listen` beside the test, on a free port.
pub(crate) struct Listener {
    pub(crate) process: Background,
    pub(crate) address: String,
}

impl Listener {
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        if !folder.path("job.yaml").exists() {
            folder.write("job.yaml", JOB);
        }
        let bind: &[&str] = if arguments.contains(&"--bind") { &[] } else { &["--bind", "127.0.0.1:0"] };
        Self::of(folder.start(&[&["listen", "job.yaml"], bind, arguments].concat()))
    }

    fn behind(folder: &Folder, shim: &Shim<'_>) -> Self {
        folder.write("job.yaml", JOB);
        let mut command = folder.command(&["listen", "job.yaml", "--bind", "127.0.0.1:0"]);
        shim.before(&mut command, &folder.path(""));
        Self::of(Background::start(command))
    }

    fn of(mut process: Background) -> Self {
        let mut line = String::new();
        BufReader::new(process.take_stdout()).read_line(&mut line).expect("a line");
        let url = line.trim_end().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}"));
        let address = url.strip_suffix("/payments/notifications").expect("the path").to_owned();
        Self { process, address }
    }

    fn post(&self, message: &Message) -> u16 {
        exchange(&self.address, &message.request()).0
    }

    fn get(&self, path: &str) -> (u16, String) {
        exchange(
            &self.address,
            format!("GET {path} HTTP/1.1\r\nHost: merchant\r\nConnection: close\r\n\r\n").as_bytes(),
        )
    }

    /// A figure of the page of metrics.
    fn figure(&self, name: &str) -> u64 {
        let (status, page) = self.get("/metrics");
        assert_eq!(status, 200);
        let value = page.lines().find_map(|line| line.strip_prefix(&format!("rekon_listen_{name} ")));
        value.unwrap_or_else(|| panic!("{name} in\n{page}")).parse().expect("a number")
    }
}

/// Sends some bytes and reads what comes back: status and body; 0 if there comes nothing.
pub(crate) fn exchange(address: &str, request: &[u8]) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(address) else { return (0, String::new()) };
    // A server that has heard enough may have gone before the end.
    stream.write_all(request).ok();
    read_answer(&mut stream)
}

fn read_answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}

/// A notification on its way, good unless a test has changed it.
#[derive(Clone)]
struct Message {
    target: String,
    headers: BTreeMap<&'static str, String>,
    body: Vec<u8>,
}

impl Message {
    fn new(number: u32) -> Self {
        Self::saying(
            &format!("N-{number}"),
            &notification_body(&format!("INV-{number}"), "90000", "SUCCESS", "2026-11-21T18:02:10Z"),
        )
    }

    fn saying(request_id: &str, body: &str) -> Self {
        let told =
            Told { received_at: "2026-11-21T18:02:11Z", request_id, client_id: CLIENT_ID, key: SECRET_KEY, body };
        let line = told.line();
        let names = ["Client-Id", "Request-Id", "Request-Timestamp", "Signature"];
        let header = |name: &'static str| (name, line["headers"][name].as_str().expect("a header").to_owned());
        Self { target: "/payments/notifications".into(), headers: names.map(header).into(), body: body.into() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.to_owned());
        self
    }

    fn head(&self) -> String {
        let headers: Vec<String> = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let length = self.body.len();
        format!(
            "POST {} HTTP/1.1\r\nHost: merchant\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n",
            self.target
        )
    }

    fn request(&self) -> Vec<u8> {
        [self.head().as_bytes(), &self.body].concat()
    }
}

/// The files of the log with their lines, in their order.
fn log(folder: &Folder) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<(String, Vec<String>)> = std::fs::read_dir(folder.path("log"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name.starts_with("notifications-"))
        .map(|name| (name.clone(), folder.read(&format!("log/{name}")).lines().map(str::to_owned).collect()))
        .collect();
    files.sort();
    files
}

/// The Request-Ids of the whole log, in its order; the line itself where it is torn.
fn kept(folder: &Folder) -> Vec<String> {
    let id = |line: &String| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        line["headers"]["Request-Id"].as_str().unwrap_or("torn").to_owned()
    };
    log(folder).iter().flat_map(|(_, lines)| lines).map(id).collect()
}

#[test]
fn a_notification_is_kept_as_it_came_and_a_copy_is_answered_and_not_written_again() {
    let folder = Folder::new();
    let listener = Listener::start(&folder, &[]);
    let first = Message::new(1);
    let failed = Message::saying("N-1", &notification_body("INV-1", "90000", "FAILED", "2026-11-21T18:02:10Z"));
    let again = Message::saying("N-2", &notification_body("INV-1", "90000", "SUCCESS", "2026-11-21T18:02:10Z"));
    let query = Message { target: "/payments/notifications?task=notify".into(), ..Message::new(3) };
    for message in [&first, &first, &failed, &again, &query, &first] {
        assert_eq!(listener.post(message), 200);
    }
    assert_eq!(kept(&folder), ["N-1", "N-1", "N-2", "N-3"]);
    let (_, lines) = &log(&folder)[0];
    let line: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(line["path"], "/payments/notifications");
    assert_eq!(line["body"].as_str().map(str::as_bytes), Some(first.body.as_slice()));
    assert_eq!(line["headers"], serde_json::to_value(&first.headers).expect("JSON"));
    let names: Vec<&str> = ["received_at", "path", "headers", "body"].into();
    assert_eq!(line.as_object().expect("an object").keys().collect::<Vec<_>>().len(), names.len());
    assert!(names.iter().all(|name| line.get(name).is_some()));
    let fourth: serde_json::Value = serde_json::from_str(&lines[3]).expect("JSON");
    assert_eq!(fourth["path"], "/payments/notifications?task=notify");
    assert_eq!(
        ["received_total", "verified_total", "written_total", "duplicates_total"].map(|name| listener.figure(name)),
        [6, 6, 4, 2]
    );
    assert_eq!(listener.get("/healthz"), (200, "OK\n".to_owned()));
    listener.process.signal("TERM");
    let ended = listener.process.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // The next life knows them again, and the reconciliation reads what was written.
    let listener = Listener::start(&folder, &[]);
    assert_eq!((listener.post(&first), listener.post(&again)), (200, 200));
    assert_eq!(kept(&folder).len(), 4);
    folder.write("orders.csv", "invoice_number,amount,book_status\nINV-1,90000,paid\nINV-3,90000,paid\n");
    let audit = folder.rekon(&["reconcile", "job.yaml", "--as-of", "2026-11-22T00:00:00Z"]);
    assert_eq!(audit.code, Some(0), "{}{}", audit.stdout, audit.stderr);
}

#[test]
fn what_cannot_be_verified_is_refused_and_kept_apart() {
    let folder = Folder::new();
    let listener = Listener::start(&folder, &["--max-body", "2KiB"]);
    let good = || Message::new(1);
    let mut without = good();
    without.headers.remove("Request-Timestamp");
    let cases: [(u16, &str, Message); 9] = [
        (401, "invalid_signature", Message { body: b"{}".into(), ..good() }),
        (401, "invalid_signature", good().with("Signature", "HMACSHA256=nonsense")),
        (401, "invalid_signature", good().with("Request-Id", "N-2")),
        (403, "other_client", good().with("Client-Id", "MCH-0002")),
        (400, "headers", without),
        (400, "headers", good().with("Request-Id", &"x".repeat(129))),
        (400, "not_text", Message { body: b"{\"a\":\"\xff\"}".into(), ..good() }),
        (413, "body_too_long", Message { body: vec![b' '; 2049], ..good() }),
        (404, "path", Message { target: "/elsewhere".into(), ..good() }),
    ];
    for (status, reason, message) in &cases {
        assert_eq!(listener.post(message), *status, "{reason}");
    }
    assert_eq!(listener.get("/payments/notifications").0, 405);
    let huge = good().with("Signature", &"x".repeat(64 * 1024));
    assert!([431, 0].contains(&listener.post(&huge)), "a head of 64 KiB");
    assert_eq!(log(&folder), []);
    assert_eq!(listener.figure("refused_total{reason=\"invalid_signature\"}"), 3);
    assert_eq!(listener.figure("refused_total{reason=\"head_too_long\"}"), 1);
    listener.process.signal("INT");
    assert_eq!(listener.process.end().code, Some(0));
    let refused = folder.read("log/refused/requests.jsonl");
    let reasons: Vec<String> = refused
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["refused"].as_str().expect("a word").into()
        })
        .collect();
    let expected: Vec<&str> = cases.iter().map(|(_, reason, _)| *reason).chain(["method", "head_too_long"]).collect();
    assert_eq!(reasons, expected);
    assert!(!refused.contains(SECRET_KEY));
}

#[test]
fn a_slow_client_is_given_up_and_holds_up_nobody() {
    let folder = Folder::new();
    let listener = Listener::start(&folder, &["--patience", "3s"]);
    let message = Message::new(1);
    let mut half = TcpStream::connect(&listener.address).expect("a connection");
    half.write_all(message.head().as_bytes()).expect("the head");
    let mut silent = TcpStream::connect(&listener.address).expect("a connection");
    silent.write_all(b"POST /payments").expect("a beginning");
    assert_eq!(listener.post(&Message::new(2)), 200);
    assert_eq!(read_answer(&mut half).0, 408);
    assert_eq!(read_answer(&mut silent).1, "");
    assert_eq!(kept(&folder), ["N-2"]);
    // More connections than there are places: the next one waits until somebody is given up.
    let listener = Listener::start(&folder, &["--patience", "3s", "--max-connections", "2", "--directory", "other"]);
    let _idle = [(); 2].map(|()| TcpStream::connect(&listener.address).expect("a connection"));
    assert_eq!(listener.post(&Message::new(3)), 200);
}

#[test]
fn whatever_kills_it_every_200_has_its_line_and_no_copy() {
    let folder = Folder::new();
    let answered: Arc<Mutex<Vec<u32>>> = Arc::default();
    let mut sent = 0;
    for life in 0..3 {
        let listener = Listener::start(&folder, &[]);
        let address = listener.address.clone();
        let senders: Vec<_> = (0..8)
            .map(|sender| {
                let (address, answered) = (address.clone(), Arc::clone(&answered));
                std::thread::spawn(move || {
                    let mut number = life * 100_000 + sender * 10_000;
                    while exchange(&address, &Message::new(number).request()).0 == 200 {
                        answered.lock().expect("nobody panics with it").push(number);
                        number += 1;
                    }
                })
            })
            .collect();
        until("many are answered", || answered.lock().expect("nobody panics with it").len() > sent + 300);
        listener.process.signal("KILL");
        drop(listener);
        senders.into_iter().for_each(|sender| sender.join().expect("it ends"));
        sent = answered.lock().expect("nobody panics with it").len();
    }
    // DOKU sends again what it has no answer to; here, everything.
    let listener = Listener::start(&folder, &[]);
    let answered = answered.lock().expect("nobody panics with it").clone();
    let lines = |folder: &Folder| {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        kept(folder).into_iter().for_each(|id| *times.entry(id).or_default() += 1);
        times.remove("torn");
        times
    };
    let before = lines(&folder);
    for number in &answered {
        assert_eq!(before.get(&format!("N-{number}")), Some(&1), "N-{number} was answered");
    }
    for number in answered.iter().step_by(29) {
        assert_eq!(listener.post(&Message::new(*number)), 200);
    }
    assert_eq!(lines(&folder), before);
}

#[test]
fn a_torn_line_is_closed_off_and_the_next_one_is_whole() {
    let folder = Folder::new();
    let mut listener = Listener::behind(&folder, &Shim::plan("kill half write 2 .jsonl"));
    assert_eq!(listener.post(&Message::new(1)), 200);
    assert_eq!(listener.post(&Message::new(2)), 0);
    until("it is dead", || listener.process.has_ended());
    let listener = Listener::start(&folder, &[]);
    for number in [2, 1] {
        assert_eq!(listener.post(&Message::new(number)), 200);
    }
    assert_eq!(kept(&folder), ["N-1", "torn", "N-2"]);
}

#[test]
fn a_full_disk_is_503_until_there_is_room_and_nothing_of_it_stays() {
    let folder = Folder::new();
    let outside = Folder::new();
    let control = Control::new(outside.path("control"));
    let listener = Listener::behind(&folder, &Shim { control: Some(&control), ..Shim::plan("") });
    assert_eq!(listener.post(&Message::new(1)), 200);
    control.leave_room(100);
    assert_eq!(listener.post(&Message::new(2)), 503);
    assert_eq!(listener.post(&Message::new(1)), 200, "it is in the log already");
    assert_eq!(listener.get("/healthz").0, 503);
    assert_eq!(listener.figure("writable"), 0);
    control.leave_room(-1);
    assert_eq!(listener.post(&Message::new(2)), 200);
    until("it is well again", || listener.get("/healthz").0 == 200);
    assert_eq!(kept(&folder), ["N-1", "N-2"]);
    assert_eq!(log(&folder).len(), 1);
    listener.process.signal("TERM");
    let ended = listener.process.end();
    assert!(ended.stderr.contains("the log cannot be written: No space left on device"), "{}", ended.stderr);
    assert!(ended.stderr.contains("the log can be written again"), "{}", ended.stderr);
}

#[test]
fn after_a_failed_sync_the_file_is_not_used_again() {
    let folder = Folder::new();
    let listener = Listener::behind(&folder, &Shim::plan("eio before sync 2 .jsonl"));
    for (number, status) in [(1, 200), (2, 503), (3, 200), (2, 200)] {
        assert_eq!(listener.post(&Message::new(number)), status, "{number}");
    }
    let files: Vec<usize> = log(&folder).iter().map(|(_, lines)| lines.len()).collect();
    assert_eq!(files, [1, 2]);
    assert_eq!(kept(&folder), ["N-1", "N-3", "N-2"]);
}

#[test]
fn what_has_come_in_is_answered_before_the_end() {
    let folder = Folder::new();
    let mut listener = Listener::start(&folder, &[]);
    let message = Message::new(1);
    let mut open = TcpStream::connect(&listener.address).expect("a connection");
    open.write_all(message.head().as_bytes()).expect("the head");
    // The head has been read once it is counted.
    until("it has arrived", || listener.figure("received_total") == 1);
    listener.process.signal("TERM");
    listener.process.wait_for_message("stopping: what has come in is written and answered");
    until("nobody else is let in", || TcpStream::connect(&listener.address).is_err());
    open.write_all(&message.body).expect("the body");
    assert_eq!(read_answer(&mut open).0, 200);
    assert_eq!(listener.process.end().code, Some(0));
    assert_eq!(kept(&folder), ["N-1"]);
}

#[test]
fn a_folder_has_one_listener() {
    let folder = Folder::new();
    let _first = Listener::start(&folder, &[]);
    let second = folder.rekon(&["listen", "job.yaml", "--bind", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(5), "{}", second.stderr);
    assert!(second.stderr.contains("another listener writes here"), "{}", second.stderr);
}

#[test]
fn a_job_that_cannot_be_listened_for_is_refused_with_a_remedy() {
    let folder = Folder::new();
    let cases = [
        ("{files: [\"log/notifications.jsonl\"]}", "names no files that listen could write"),
        ("{files: [\"**/*.jsonl\", \"log/notifications-*.jsonl\"]}", "which holds what was refused"),
        ("{files: [\"log/n-*.jsonl\"], fields: {body: request_body}}", "not the form that listen writes"),
    ];
    for (notifications, message) in cases {
        folder.write("job.yaml", &JOB.replace("{files: [\"log/notifications-*.jsonl\"]}", notifications));
        let ended = folder.rekon(&["listen", "job.yaml", "--bind", "127.0.0.1:0"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(message) && ended.stderr.contains("hint: "), "{}", ended.stderr);
    }
}

#[test]
fn a_new_day_in_wib_has_a_new_file_and_so_has_a_full_one() {
    let folder = Folder::new();
    let midnight = parse_instant("2026-11-21T17:00:00Z").expect("a time");
    let seconds = Arc::new(AtomicI64::new(-1));
    let clock = Arc::clone(&seconds);
    let config = Config {
        bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        client_id: client_id(CLIENT_ID),
        signers: ["SK-new", SECRET_KEY].map(|key| Signer::new(&Secret::new(key))).into(),
        path: "/payments/notifications".into(),
        names: Names::new(folder.path("log"), "notifications-*.jsonl").expect("a pattern"),
        limits: Limits { file_bytes: 1200, ..Limits::default() },
        clock: Arc::new(move || midnight + chrono::Duration::seconds(clock.load(Ordering::Relaxed))),
        tell: Arc::new(|text| panic!("{text}")),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listening = runtime.block_on(start(config)).expect("it starts");
    let address = listening.address().to_string();
    let post = |number| assert_eq!(exchange(&address, &Message::new(number).request()).0, 200);
    post(1);
    seconds.store(0, Ordering::Relaxed);
    (2..5).for_each(post);
    seconds.store(-1, Ordering::Relaxed);
    post(5);
    runtime.block_on(listening.stop());
    let files: Vec<(String, usize)> = log(&folder).into_iter().map(|(name, lines)| (name, lines.len())).collect();
    let expected = [("2026-11-21-0001", 1), ("2026-11-22-0001", 2), ("2026-11-22-0002", 2)];
    assert_eq!(files, expected.map(|(name, lines)| (format!("notifications-{name}.jsonl"), lines)));
    let first: serde_json::Value = serde_json::from_str(&log(&folder)[0].1[0]).expect("JSON");
    assert_eq!(first["received_at"], "2026-11-21T16:59:59Z");
}

#[test]
fn a_rehearsal_tells_the_listener_what_doku_would() {
    let folder = Folder::new();
    let listener = Listener::start(&folder, &[]);
    let row = |number: u32| {
        let order_id = 1_000_035_147 + number;
        format!(
            "{{invoice_number: INV-{number}, amount: 90000, order_id: {order_id}, akulaku_reference: MCH-0001-{number}}}"
        )
    };
    folder.write(
        "refund.yaml",
        &format!(
            "job: rehearsal\noperation: refund\nmerchant: {{environment: simulator, notify: \"http://{}\"}}\n\
             orders: {{rows: [{}, {}]}}\nguards: {{max_orders: 5, max_total: 500000}}\n",
            listener.address,
            row(1),
            row(2)
        ),
    );
    let ran = folder.rekon(&["run", "refund.yaml"]);
    exits(&ran, 0);
    assert_eq!(listener.figure("written_total"), 2, "the run waits until they are delivered");
    let lines: Vec<String> = log(&folder).into_iter().flat_map(|(_, lines)| lines).collect();
    for invoice in ["INV-1", "INV-2"] {
        let of_invoice = lines.iter().filter(|line| line.contains(invoice) && line.contains("SUCCESS")).count();
        assert_eq!(of_invoice, 1, "{invoice}: {lines:?}");
    }
}
