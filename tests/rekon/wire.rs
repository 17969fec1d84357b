//! What really goes over the wire: one attempt in the journal is one request, however the connection behaves. An HTTP library
//! that repeats a request by itself would show here, for both ends are counted below it: the bytes that the program sends,
//! and the request heads that arrive.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::trial::{Trial, sends};

/// What a connection does to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mischief {
    /// It is closed as soon as the head has arrived.
    ClosedAfterTheHead,
    /// It is closed after the whole request, which the provider never sees.
    ClosedUnanswered,
    /// It is closed after the effect.
    ClosedAfterTheEffect,
    /// It is closed in the middle of the answer.
    ClosedInTheAnswer,
    /// The answer is whole and promises to go on; the connection is dead when it is used again.
    ClosedAfterTheAnswer,
    /// The answer is whole; bytes that belong to nothing follow it.
    Babbles,
    /// The provider never sees it; this is said instead, with the address of the same place.
    Says(u16),
}

const MISCHIEF: [Mischief; 15] = [
    Mischief::ClosedAfterTheHead,
    Mischief::ClosedUnanswered,
    Mischief::ClosedAfterTheEffect,
    Mischief::ClosedInTheAnswer,
    Mischief::ClosedAfterTheAnswer,
    Mischief::Babbles,
    Mischief::Says(301),
    Mischief::Says(302),
    Mischief::Says(307),
    Mischief::Says(308),
    Mischief::Says(408),
    Mischief::Says(421),
    Mischief::Says(425),
    Mischief::Says(429),
    Mischief::Says(503),
];

/// Stands between the program and the provider, on sockets alone, and counts heads.
struct Wire {
    url: String,
    heads: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Wire {
    /// Does its mischief to the 2nd, 5th, 8th and 11th request, and lets the others through.
    fn start(provider: &str, mischief: Mischief) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let provider = provider.strip_prefix("http://").expect("an address").to_owned();
        let heads: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
        let (counted, arrived) = (Arc::clone(&heads), Arc::new(Mutex::new(0_u32)));
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (provider, counted, arrived) = (provider.clone(), Arc::clone(&counted), Arc::clone(&arrived));
                std::thread::spawn(move || serve(stream, &provider, mischief, &counted, &arrived));
            }
        });
        Self { url, heads }
    }
}

/// Serves one connection until it is closed by either side.
fn serve(
    mut stream: TcpStream,
    provider: &str,
    mischief: Mischief,
    heads: &Mutex<BTreeMap<String, u32>>,
    arrived: &Mutex<u32>,
) -> Option<()> {
    loop {
        let mut message = read_head(&mut stream)?;
        let head = String::from_utf8_lossy(&message).into_owned();
        if head.starts_with("POST ") {
            let request_id = header(&head, "request-id").unwrap_or_default().to_owned();
            *heads.lock().expect("nobody panics with it").entry(request_id).or_default() += 1;
        }
        let number = {
            let mut arrived = arrived.lock().expect("nobody panics with it");
            *arrived += 1;
            *arrived
        };
        let mischief = (number % 3 == 2 && number < 12).then_some(mischief);
        if mischief == Some(Mischief::ClosedAfterTheHead) {
            return None;
        }
        read_body(&mut stream, &mut message)?;
        if mischief == Some(Mischief::ClosedUnanswered) {
            return None;
        }
        if let Some(Mischief::Says(status)) = mischief {
            let place = head.split(' ').nth(1).unwrap_or("/");
            write!(stream, "HTTP/1.1 {status} Said\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n").ok()?;
            continue;
        }
        let answer = carry(provider, &message)?;
        match mischief {
            Some(Mischief::ClosedAfterTheEffect) => return None,
            Some(Mischief::ClosedInTheAnswer) => {
                stream.write_all(&answer[..answer.len() / 2]).ok()?;
                return None;
            }
            Some(Mischief::ClosedAfterTheAnswer) => return stream.write_all(&answer).ok().and(None),
            Some(Mischief::Babbles) => stream.write_all(&[&answer, b"HTTP/1.1 200 OK\r\n".as_slice()].concat()).ok()?,
            _ => stream.write_all(&answer).ok()?,
        }
    }
}

/// Hands a request to the provider over a connection of its own; its answer.
pub(crate) fn carry(provider: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(provider).ok()?;
    stream.write_all(request).ok()?;
    let mut answer = read_head(&mut stream)?;
    read_body(&mut stream, &mut answer)?;
    Some(answer)
}

/// Reads up to the empty line.
pub(crate) fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(head)
}

/// Reads the body that a head promises, behind the head.
pub(crate) fn read_body(stream: &mut TcpStream, message: &mut Vec<u8>) -> Option<()> {
    let head = String::from_utf8_lossy(message).into_owned();
    let length = header(&head, "content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    message.extend(body);
    Some(())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Runs a job through a wire until it is done; says what does not agree.
fn disagreements(operation: &str, mischief: Mischief, concurrency: u32) -> Vec<String> {
    let mut trial = Trial::new(operation, 10, "");
    let wire = Wire::start(&trial.provider.url(), mischief);
    // Nothing here is silent: a call that is given up before its first byte would be an attempt without a request.
    trial.be_patient();
    let job = trial.folder.read("job.yaml").replace(&trial.provider.url(), &wire.url);
    trial.folder.write("job.yaml", &job.replace("concurrency: 4", &format!("concurrency: {concurrency}")));
    trial.settle();
    let mut wrong = trial.complaints();
    let attempts = sends(&trial.journal());
    let mut left: BTreeMap<String, u32> = BTreeMap::new();
    for posted in trial.posted() {
        *left.entry(posted.request_id).or_default() += 1;
    }
    if left != attempts {
        wrong.push(format!("requests that left {left:?}, attempts in the journal {attempts:?}"));
    }
    for (request_id, heads) in wire.heads.lock().expect("nobody panics with it").iter() {
        let attempts = attempts.get(request_id).copied().unwrap_or_default();
        // A request into a connection that is being closed leaves without arriving.
        let may_not_arrive = mischief == Mischief::ClosedAfterTheAnswer || mischief == Mischief::Babbles;
        if *heads > attempts || (*heads < attempts && !may_not_arrive) {
            wrong.push(format!("{request_id} arrived {heads} times, the journal has {attempts} attempts"));
        }
    }
    wrong
}

#[test]
fn one_attempt_is_one_request_on_the_wire_whatever_the_connection_does() {
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (concurrency, operation) in [(1, "refund"), (4, "create")] {
            let complaints = &complaints;
            scope.spawn(move || {
                for mischief in MISCHIEF {
                    for wrong in disagreements(operation, mischief, concurrency) {
                        let told = format!("{operation}, {concurrency} at once, {mischief:?}: {wrong}");
                        complaints.lock().expect("nobody panics with it").push(told);
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("nobody panics with it");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
