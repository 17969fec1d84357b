//! Does the program keep to the rate, and does it use it? Counted where it matters, at the server.
//!
//! `cargo bench --bench pace` lets the program send to a server on loopback at several rates, and prints for each how much of
//! what was allowed was achieved, and the most requests in any one second. The server refuses every order, signed, after a
//! few milliseconds, so that each is one request. `REKON_PACE_SECONDS=30` measures longer than 10 s.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::model::secret::Secret;
use rekon::model::time::wire;
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

/// Rate, burst and how many calls at once.
const LIMITS: [(usize, usize, usize); 7] =
    [(5, 1, 4), (50, 1, 4), (50, 1, 64), (50, 10, 16), (500, 1, 16), (500, 1, 64), (500, 50, 64)];

fn main() {
    let seconds = std::env::var("REKON_PACE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    println!("rate  burst  at once  requests  achieved / allowed  most in any 1 s  rate + burst");
    for (rate, burst, concurrency) in LIMITS {
        let orders = rate * seconds + burst;
        let arrivals = measure(rate, burst, concurrency, orders);
        assert_eq!(arrivals.len(), orders, "every order is one request");
        let span = arrivals[orders - 1].duration_since(arrivals[0]).as_micros();
        // What a burst lets through at once is no rate.
        let in_time = (orders - burst) as u128;
        let allowed = rate as u128 * span;
        let achieved = in_time * 1_000_000_000 / allowed;
        let most = most_in_a_second(&arrivals);
        println!(
            "{rate:>4}  {burst:>5}  {concurrency:>7}  {orders:>8}  {:>18}  {most:>15}  {:>12}",
            format!("{}.{:03}", achieved / 1000, achieved % 1000),
            rate + burst
        );
    }
}

/// The most arrivals in any half-open second.
fn most_in_a_second(arrivals: &[Instant]) -> usize {
    let second = Duration::from_secs(1);
    let from = |first: usize| arrivals[first..].partition_point(|time| time.duration_since(arrivals[first]) < second);
    (0..arrivals.len()).map(from).max().unwrap_or_default()
}

/// Lets the program send so many orders; when they arrived.
fn measure(rate: usize, burst: usize, concurrency: usize, orders: usize) -> Vec<Instant> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&arrivals);
    // It ends with this process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let noted = Arc::clone(&noted);
            thread::spawn(move || serve(&stream, &noted));
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut csv = "invoice_number,amount,order_id,akulaku_reference\n".to_owned();
    for number in 0..orders {
        writeln!(csv, "INV-{number},10000,{},MCH-1-{number}", 1000 + number).expect("a string takes everything");
    }
    let job = format!(
        "job: pace\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
         orders: {{file: orders.csv}}\nlimits: {{rate: {rate}/s, burst: {burst}, concurrency: {concurrency}}}\n\
         guards: {{max_orders: 1000000, max_total: 900000000000}}\n"
    );
    std::fs::write(folder.path().join("orders.csv"), csv).expect("a file");
    std::fs::write(folder.path().join("job.yaml"), job).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekon"));
    let output = command.args(["run", "job.yaml"]).current_dir(folder.path()).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let mut arrivals = arrivals.lock().expect("nobody panics with it").clone();
    arrivals.sort_unstable();
    arrivals
}

/// Answers one connection until it is closed.
fn serve(stream: &TcpStream, arrivals: &Mutex<Vec<Instant>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let signer = Signer::new(&Secret::new(SECRET_KEY));
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone().ok()?), stream);
    let said = r#"{"error":{"message":"no"}}"#;
    loop {
        let (mut target, mut request_id, mut length) = (String::new(), String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if target.is_empty() {
                arrivals.lock().ok()?.push(Instant::now());
                line.split(' ').nth(1)?.clone_into(&mut target);
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("request-id") => value.clone_into(&mut request_id),
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        thread::sleep(Duration::from_millis(5));
        let timestamp = wire(chrono::Utc::now());
        let signature = signer.sign(&Components {
            client_id: CLIENT_ID,
            request_id: &request_id,
            timestamp_name: TimestampName::Response,
            timestamp: &timestamp,
            target: &target,
            body: Some(said.as_bytes()),
        });
        let head = format!(
            "HTTP/1.1 404 Said\r\nContent-Length: {}\r\nResponse-Timestamp: {timestamp}\r\nSignature: {signature}\r\n\r\n",
            said.len()
        );
        writer.write_all(format!("{head}{said}").as_bytes()).ok()?;
    }
}
