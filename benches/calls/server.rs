//! A provider that is as fast as this machine allows: it answers every refund with a correctly signed success, keeps
//! connections open, knows no orders and forgets everything at once. It is no simulator: what it answers is always the same.
//!
//! It runs in a process of its own, so that its CPU time is not its clients'. Asked through its standard input, it tells how
//! many requests it has read since it was last asked, and when the first and the last of them were there.

use std::io::{self, BufRead as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem;
use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::model::secret::Secret;
use rekon::model::time::{self, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The merchant's account, and its key.
pub(crate) const CLIENT_ID: &str = "MCH-BENCH-0001";
pub(crate) const SECRET_KEY: &str = "SK-bench-0123456789abcdefghij";

/// The path of a refund.
pub(crate) const TARGET: &str = "/akulaku-peer-to-peer/v2/refund";

/// What every order of the benchmark is about: a refund carries no amount, and the answer must echo it.
pub(crate) const AMOUNT: u64 = 90_000;

/// What was read since somebody asked last; times in nanoseconds since 1970.
#[derive(Debug, Default)]
struct Seen {
    requests: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
}

static SEEN: Seen = Seen { requests: AtomicU64::new(0), first: AtomicU64::new(0), last: AtomicU64::new(0) };

/// Serves until its standard input ends. The first line of its standard output is its address; after that, one line
/// `requests first last` for every line of its standard input.
pub(crate) fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    runtime.spawn(async move {
        let signer = Signer::new(&Secret::new(SECRET_KEY));
        while let Ok((stream, _)) = listener.accept().await {
            let signer = signer.clone();
            // A connection that breaks is the client's matter.
            tokio::spawn(async move { answer_all(stream, &signer).await.map_or_else(drop, drop) });
        }
    });
    for line in io::stdin().lock().lines() {
        line?;
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        writeln!(out, "{} {} {}", take(&SEEN.requests), take(&SEEN.first), take(&SEEN.last))?;
        out.flush()?;
    }
    Ok(())
}

/// Nanoseconds since 1970.
pub(crate) fn nanoseconds() -> u64 {
    now().timestamp_nanos_opt().map_or(0, i64::cast_unsigned)
}

#[expect(clippy::disallowed_methods, reason = "this is what measures")]
fn now() -> Timestamp {
    chrono::Utc::now()
}

async fn answer_all(mut stream: TcpStream, signer: &Signer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut read, mut answer) = (Vec::with_capacity(4096), Vec::with_capacity(1024));
    loop {
        let request = loop {
            if let Some(length) = whole(&read) {
                break length;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        note();
        answer.clear();
        write_answer(&read[..request], signer, &mut answer);
        stream.write_all(&answer).await?;
        read.drain(..request);
    }
}

fn note() {
    let now = nanoseconds();
    if SEEN.requests.fetch_add(1, Ordering::Relaxed) == 0 {
        SEEN.first.store(now, Ordering::Relaxed);
    }
    SEEN.last.fetch_max(now, Ordering::Relaxed);
}

/// How long the first request is, head and body; `None` while it is not all there.
fn whole(read: &[u8]) -> Option<usize> {
    let head = memmem::find(read, b"\r\n\r\n")? + 4;
    let body: usize = header(&read[..head], "content-length").parse().unwrap_or_default();
    (read.len() >= head + body).then_some(head + body)
}

/// The value of a header; empty if it is not there.
fn header<'a>(request: &'a [u8], name: &str) -> &'a str {
    let lines = request.split(|byte| *byte == b'\n').skip(1);
    let value = lines.take_while(|line| line.len() > 1).find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name.as_bytes()).then_some(value)?.strip_prefix(b":")
    });
    value.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default().trim()
}

/// The text between `before`, found from `at` on, and the next quote.
fn text<'a>(request: &'a [u8], at: Option<usize>, before: &str) -> &'a str {
    let rest = at.map_or(&[][..], |at| &request[at + before.len()..]);
    let end = memchr::memchr(b'"', rest).unwrap_or_default();
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

fn write_answer(request: &[u8], signer: &Signer, answer: &mut Vec<u8>) {
    let (invoice, reference) = ("\"invoice_number\":\"", "\"merchant_unique_reference\":\"");
    let invoice = text(request, memmem::find(request, invoice.as_bytes()), invoice);
    let payment = text(request, memmem::find(request, reference.as_bytes()), reference);
    let refund = text(request, memmem::rfind(request, reference.as_bytes()), reference);
    let timestamp = time::wire(now());
    let body = format!(
        "{{\"order\":{{\"invoice_number\":\"{invoice}\",\"amount\":{AMOUNT}}},\"payment\":{{\"merchant_unique_reference\":\
         \"{payment}\",\"status\":\"REFUNDED\"}},\"refund\":{{\"merchant_unique_reference\":\"{refund}\",\
         \"status\":\"SUCCESS\",\"date\":\"{timestamp}\",\"message\":\"the refund was accepted by the acquirer\"}}}}"
    );
    let (client_id, request_id) = (header(request, "client-id"), header(request, "request-id"));
    let signature = signer.sign(&Components {
        client_id,
        request_id,
        timestamp_name: TimestampName::Response,
        timestamp: &timestamp,
        target: TARGET,
        body: Some(body.as_bytes()),
    });
    let written = write!(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nClient-Id: {client_id}\r\nRequest-Id: {request_id}\r\n\
         Response-Timestamp: {timestamp}\r\nSignature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    written.expect("memory takes what is written");
}
