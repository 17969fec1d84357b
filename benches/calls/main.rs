//! Calls to a provider that answers at once: `rekon run` with its journal, `wrk` and Python's aiohttp, in turn, in one run.
//!
//! `cargo bench --bench calls -- --orders 50000 [--rounds 5] [--connections 64]`
//!
//! All of them call the same server on loopback ([`server`]), which counts their requests: the figure is requests over the
//! time from the first to the last. wrk repeats one signed request and reads nothing of the answers: it is the ceiling.
//! aiohttp signs each request and reads each answer, and writes nothing down. rekon makes each intent durable before its
//! request and each outcome durable behind it, and what it says in the end must be that every order succeeded. Beside it
//! stand the two halves that it is made of, each alone ([`floor`]).
//!
//! wrk takes part if it is installed; aiohttp if the Python that `REKON_BENCH_PYTHON` names, else `python3`, has it. How a
//! process is measured stands in `child`.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it has measured")]

#[path = "../reconcile/child.rs"]
mod child;
mod floor;
mod server;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use clap::Parser;
use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::model::secret::Secret;
use serde_json::Value;

use child::{Measured, measure, seconds};
use server::{AMOUNT, CLIENT_ID, SECRET_KEY, TARGET, nanoseconds};

#[derive(Parser)]
struct Arguments {
    /// Orders of each run of rekon.
    #[arg(long, default_value_t = 50_000)]
    orders: u64,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// How long wrk runs in each round.
    #[arg(long, default_value_t = 3)]
    wrk_seconds: u32,
    /// Calls of aiohttp in each round.
    #[arg(long, default_value_t = 10_000)]
    python_calls: u64,
    /// Only rekon, nobody else.
    #[arg(long)]
    alone: bool,
    /// The server itself: this program starts itself again with it.
    #[arg(long, hide = true)]
    serve: bool,
    /// The HTTP client alone, calling this server.
    #[arg(long, hide = true)]
    client: Option<String>,
    /// SQLite alone, in this folder.
    #[arg(long, hide = true)]
    sqlite: Option<PathBuf>,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Who takes part.
struct Contestant {
    name: String,
    command: Box<dyn Fn() -> io::Result<Command>>,
    /// How many calls must have succeeded; `None`: it does not say.
    calls: Option<u64>,
    /// How many it says did.
    succeeded: fn(&Value) -> u64,
    rounds: Vec<Figures>,
}

/// What one process did.
#[derive(Clone, Copy)]
struct Figures {
    measured: Measured,
    requests: u64,
    /// From the start of the process to its first request.
    start: Duration,
    /// Of the journal, in bytes.
    journal: u64,
}

/// The server's process, and the way to ask it.
struct Provider {
    process: Child,
    asks: Option<ChildStdin>,
    tells: BufReader<ChildStdout>,
    url: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if arguments.serve {
        return Ok(server::serve()?);
    }
    if let Some(url) = &arguments.client {
        return Ok(floor::client(url, arguments.orders, arguments.connections.into())?);
    }
    if let Some(folder) = &arguments.sqlite {
        return floor::sqlite(folder, arguments.orders);
    }
    let mut provider = Provider::start()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calls");
    prepare(&folder, &arguments, &provider.url)?;
    let mut contestants = vec![rekon(&folder, &arguments)];
    if !arguments.alone {
        contestants.extend(wrk(&folder, &arguments, &provider.url));
        contestants.extend(aiohttp(&folder, &arguments, &provider.url));
        contestants.extend(halves(&folder, &arguments, &provider.url));
    }
    for round in 1..=arguments.rounds {
        for contestant in &mut contestants {
            let figures = contestant.run(&mut provider, &folder)?;
            println!("round {round}: {:<16} {figures}", contestant.name);
            contestant.rounds.push(figures);
        }
    }
    println!("{}", table(&arguments, &contestants));
    Ok(())
}

/// The orders, the job, and the request that wrk repeats.
fn prepare(folder: &Path, arguments: &Arguments, url: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut orders = io::BufWriter::new(std::fs::File::create(folder.join("orders.csv"))?);
    writeln!(orders, "invoice_number,amount,payment_reference,order_id,akulaku_reference")?;
    for number in 0..arguments.orders {
        writeln!(
            orders,
            "INV-20261122-{number:07},{AMOUNT},MUR-20261122-{number:07},10000{number:07},\
             MCH-0001-10791114622547MUR-20261122-{number:07}"
        )?;
    }
    orders.flush()?;
    let (most, total) = (arguments.orders, arguments.orders * AMOUNT);
    let job = format!(
        "job: calls\noperation: refund\n\
         merchant:\n  environment: simulator\n  base_url: {url}\n  client_id: file:client-id\n  secret_key: file:key\n\
         orders: {{file: orders.csv}}\n\
         limits: {{rate: unlimited, concurrency: {}, timeout: 30s}}\n\
         guards: {{max_orders: {most}, max_total: {total}}}\n\
         output: {{directory: out, formats: [csv, json]}}\n",
        arguments.connections
    );
    std::fs::write(folder.join("job.yaml"), job)?;
    private(&folder.join("client-id"), CLIENT_ID)?;
    private(&folder.join("key"), SECRET_KEY)?;
    std::fs::write(folder.join("calls.lua"), lua())
}

/// A file that only its owner may read.
fn private(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// One signed request in the words of wrk.
fn lua() -> String {
    let body = "{\"order\":{\"invoice_number\":\"INV-20261122-0000000\"},\"payment\":{\"merchant_unique_reference\":\
                \"MUR-20261122-0000000\",\"identifier\":[{\"name\":\"ORDER_ID\",\"value\":\"100000000000\"},\
                {\"name\":\"AKULAKU_UNIQUE_REFERENCE\",\"value\":\"MCH-0001-10791114622547MUR-20261122-0000000\"}]},\
                \"refund\":{\"merchant_unique_reference\":\"4f0c62a1-7c55-5d42-9c1f-1f0d3b5a7e21\"}}";
    let (request_id, timestamp) = ("9a3c62a1-7c55-5d42-9c1f-1f0d3b5a7e22", "2026-11-22T08:00:00Z");
    let signature = Signer::new(&Secret::new(SECRET_KEY)).sign(&Components {
        client_id: CLIENT_ID,
        request_id,
        timestamp_name: TimestampName::Request,
        timestamp,
        target: TARGET,
        body: Some(body.as_bytes()),
    });
    let headers = [
        ("Content-Type", "application/json"),
        ("Client-Id", CLIENT_ID),
        ("Request-Id", request_id),
        ("Request-Timestamp", timestamp),
        ("Signature", &signature),
    ];
    let mut script = format!("wrk.method = \"POST\"\nwrk.path = \"{TARGET}\"\nwrk.body = [[{body}]]\n");
    for (name, value) in headers {
        writeln!(script, "wrk.headers[\"{name}\"] = \"{value}\"").expect("memory takes what is written");
    }
    script
}

fn rekon(folder: &Path, arguments: &Arguments) -> Contestant {
    let folder = folder.to_owned();
    let command = move || {
        for left in [".rekon", "out"] {
            match std::fs::remove_dir_all(folder.join(left)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekon"));
        command.current_dir(&folder).args(["run", "job.yaml", "--quiet", "--json"]);
        Ok(command)
    };
    Contestant {
        name: "rekon run".to_owned(),
        command: Box::new(command),
        calls: Some(arguments.orders),
        succeeded: |summary| summary["states"]["succeeded"]["count"].as_u64().unwrap_or_default(),
        rounds: Vec::new(),
    }
}

/// One or two threads, whichever is faster on this machine: both are measured.
fn wrk(folder: &Path, arguments: &Arguments, url: &str) -> Vec<Contestant> {
    if let Err(error) = Command::new("wrk").arg("-v").output() {
        println!("wrk does not take part: {error}");
        return Vec::new();
    }
    let of_threads = |threads: u32| {
        let (folder, url) = (folder.to_owned(), url.to_owned());
        let (connections, time) = (arguments.connections.to_string(), format!("{}s", arguments.wrk_seconds));
        let command = move || {
            let mut command = Command::new("wrk");
            command.current_dir(&folder).args(["-s", "calls.lua", "-c", &connections, "-d", &time]);
            command.args(["-t", &threads.to_string(), &url]);
            Ok(command)
        };
        Contestant {
            name: format!("wrk, {threads} thread{}", if threads == 1 { "" } else { "s" }),
            command: Box::new(command),
            calls: None,
            succeeded: |_| 0,
            rounds: Vec::new(),
        }
    };
    [1, 2].into_iter().filter(|threads| *threads <= arguments.connections).map(of_threads).collect()
}

/// What rekon is made of, each half by itself.
fn halves(folder: &Path, arguments: &Arguments, url: &str) -> [Contestant; 2] {
    let (orders, connections) = (arguments.orders.to_string(), arguments.connections.to_string());
    let half = |name: &str, flag: &'static str, value: PathBuf| {
        let (orders, connections) = (orders.clone(), connections.clone());
        let command = move || {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(flag).arg(&value).args(["--orders", &orders, "--connections", &connections]);
            Ok(command)
        };
        Contestant {
            name: name.to_owned(),
            command: Box::new(command),
            calls: Some(arguments.orders),
            succeeded: |said| said["succeeded"].as_u64().unwrap_or_default(),
            rounds: Vec::new(),
        }
    };
    [half("its HTTP client", "--client", url.into()), half("its SQLite", "--sqlite", folder.to_owned())]
}

fn aiohttp(folder: &Path, arguments: &Arguments, url: &str) -> Option<Contestant> {
    let python = std::env::var_os("REKON_BENCH_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    match Command::new(&python).args(["-c", "import aiohttp; print(aiohttp.__version__)"]).output() {
        Ok(output) if output.status.success() => {
            println!("aiohttp {}", String::from_utf8_lossy(&output.stdout).trim());
        }
        Ok(_) => {
            println!("aiohttp does not take part: {} has no such module", python.display());
            return None;
        }
        Err(error) => {
            println!("aiohttp does not take part: {}: {error}", python.display());
            return None;
        }
    }
    let calls = arguments.python_calls.min(arguments.orders);
    let (folder, url, connections) = (folder.to_owned(), url.to_owned(), arguments.connections.to_string());
    let command = move || {
        let mut command = Command::new(&python);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/calls/aiohttp_calls.py"));
        command.current_dir(&folder);
        command.args([&url, "orders.csv", &calls.to_string(), &connections, CLIENT_ID, SECRET_KEY]);
        Ok(command)
    };
    Some(Contestant {
        name: "Python aiohttp".to_owned(),
        command: Box::new(command),
        calls: Some(calls),
        succeeded: |said| said["succeeded"].as_u64().unwrap_or_default(),
        rounds: Vec::new(),
    })
}

impl Provider {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut tells = BufReader::new(process.stdout.take().ok_or("the server has no output")?);
        let mut address = String::new();
        tells.read_line(&mut address)?;
        let asks = process.stdin.take();
        Ok(Self { process, asks, tells, url: format!("http://{}", address.trim()) })
    }

    /// Requests since the last time, and when the first and the last were there, in nanoseconds since 1970.
    fn seen(&mut self) -> Result<[u64; 3], Box<dyn Error>> {
        self.asks.as_ref().ok_or("the server has ended")?.write_all(b"\n")?;
        let mut line = String::new();
        self.tells.read_line(&mut line)?;
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        Ok(numbers.as_slice().try_into()?)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.asks = None;
        // It ends with its input.
        let _ = self.process.wait();
    }
}

impl Contestant {
    /// Runs it once, and checks what it says.
    fn run(&self, provider: &mut Provider, folder: &Path) -> Result<Figures, Box<dyn Error>> {
        provider.seen()?;
        let command = (self.command)()?;
        // What those before have left to be written is no work of this one.
        Command::new("sync").status()?;
        let began = nanoseconds();
        let (measured, output) = measure(command)?;
        let [mut requests, first, last] = provider.seen()?;
        let mut calling = Duration::from_nanos(last.saturating_sub(first));
        let Output { status, stdout, stderr } = output;
        if !status.success() {
            return Err(format!("{}: {status}\n{}", self.name, String::from_utf8_lossy(&stderr)).into());
        }
        if let Some(calls) = self.calls {
            let said = serde_json::from_slice(&stdout)?;
            let succeeded = (self.succeeded)(&said);
            if let Some(nanoseconds) = said["nanoseconds"].as_u64() {
                // Who calls nobody tells himself how long it took.
                (requests, calling) = (succeeded, Duration::from_nanos(nanoseconds));
            }
            if (succeeded, requests) != (calls, calls) {
                return Err(format!("{}: {calls} calls, {requests} arrived, {succeeded} succeeded", self.name).into());
            }
        }
        let journal = folder.join(".rekon/journal.db").metadata().map_or(0, |file| file.len());
        Ok(Figures {
            measured: Measured { inside: Some(calling), ..measured },
            requests,
            start: Duration::from_nanos(first.saturating_sub(began)),
            journal,
        })
    }

    fn median(&self, of: impl Fn(&Figures) -> u64) -> u64 {
        let mut all: Vec<u64> = self.rounds.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    }
}

impl Figures {
    /// From its first request to its last.
    fn calling(&self) -> Duration {
        self.measured.inside.unwrap_or_default()
    }

    fn calls_per_second(&self) -> u64 {
        self.requests * 1_000_000 / micros(self.calling()).max(1)
    }

    /// Microseconds of both processors.
    fn cpu_per_call(&self) -> u64 {
        micros(self.measured.cpu) / self.requests.max(1)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl std::fmt::Display for Figures {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (calls, cpu) = (self.calls_per_second(), self.cpu_per_call());
        let (start, calling) = (seconds(self.start), seconds(self.calling()));
        write!(out, "{calls:>7} calls/s, CPU {cpu} us a call; first call after {start} s, last {calling} s later; ")?;
        write!(out, "{}", self.measured)
    }
}

fn table(arguments: &Arguments, contestants: &[Contestant]) -> String {
    let mut table = format!(
        "\n{} connections, {} orders, medians of {} rounds\n{:<16} {:>9} {:>12} {:>9} {:>9} {:>9} {:>7} {:>14} {:>18}",
        arguments.connections,
        arguments.orders,
        arguments.rounds,
        "",
        "calls/s",
        "min-max",
        "CPU us",
        "start ms",
        "wall ms",
        "MiB",
        "journal B/call",
        "rekon's calls/s /"
    );
    let ours = contestants.first().map_or(0, |rekon| rekon.median(Figures::calls_per_second));
    for contestant in contestants {
        let calls = contestant.median(Figures::calls_per_second);
        let all = contestant.rounds.iter().map(Figures::calls_per_second);
        let range = format!("{}-{}", all.clone().min().unwrap_or_default(), all.max().unwrap_or_default());
        let percent = ours * 100 / calls.max(1);
        let row = format!(
            "\n{:<16} {calls:>9} {range:>12} {:>9} {:>9} {:>9} {:>7} {:>14} {:>18}",
            contestant.name,
            contestant.median(Figures::cpu_per_call),
            contestant.median(|figures| micros(figures.start) / 1_000),
            contestant.median(|figures| micros(figures.measured.wall) / 1_000),
            contestant.median(|figures| figures.measured.peak_kibibytes / 1_024),
            contestant.median(|figures| if contestant.name == "rekon run" {
                figures.journal / figures.requests.max(1)
            } else {
                0
            }),
            format!("{}.{:02}", percent / 100, percent % 100),
        );
        table.push_str(&row);
    }
    table
}
