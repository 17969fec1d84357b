//! The program as its users have it: the real binary, in a folder of its own, against a provider on loopback whose ledger
//! the test can read.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::edge::clock::SystemClock;
use rekon::model::ids::ClientId;
use rekon::model::secret::Secret;
use rekon::model::time::{BusinessDate, Timestamp, wire};
use rekon::runner::clock::Clock as _;
use rekon::simulator::{CLIENT_ID, Config, Effect, Running, SECRET_KEY, Simulator, StartingState};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

/// A folder of its own for one test.
pub(crate) struct Folder(TempDir);

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program with these arguments, in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(env!("CARGO_BIN_EXE_rekon"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn rekon(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments))
    }

    /// Starts the program and comes back at once.
    pub(crate) fn start(&self, arguments: &[&str]) -> Background {
        Background::start(self.command(arguments))
    }

    /// The folders of a job's runs, in their order.
    pub(crate) fn runs(&self, job: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(&format!("out/{job}"))) else { return Vec::new() };
        let mut runs: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a run's name is text"))
            .collect();
        // The journal's count is the last part; two runs may begin within one second.
        runs.sort_by_key(|run| run.rsplit('-').next().map(str::to_owned));
        runs
    }

    /// A file of a job's latest run.
    pub(crate) fn out(&self, job: &str, name: &str) -> String {
        let runs = self.runs(job);
        let run = runs.last().unwrap_or_else(|| panic!("{job} has no run"));
        self.read(&format!("out/{job}/{run}/{name}"))
    }

    /// The rows of the latest results.csv.
    pub(crate) fn results(&self, job: &str) -> Vec<BTreeMap<String, String>> {
        rows(&self.out(job, "results.csv"))
    }

    /// The latest summary.json.
    pub(crate) fn summary(&self, job: &str) -> serde_json::Value {
        serde_json::from_str(&self.out(job, "summary.json")).expect("summary.json is JSON")
    }

    /// Every file below the folder with its content.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.0.path(), &mut files);
        files
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.insert(path.clone(), Vec::new());
            collect(&path, files);
        } else {
            files.insert(path.clone(), std::fs::read(&path).expect("a file"));
        }
    }
}

/// The rows of a CSV text by their headers.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("rows of one length")
}

/// A column of a CSV text.
pub(crate) fn column(rows: &[BTreeMap<String, String>], name: &str) -> Vec<String> {
    rows.iter().map(|row| row.get(name).unwrap_or_else(|| panic!("no column {name}")).clone()).collect()
}

/// A command that is told nothing of what is set where the tests run: neither keys and passwords nor a level of the log or the
/// width of a terminal.
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    let kept = ["PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.envs(kept);
    command
}

/// Runs a command to its end.
pub(crate) fn ended(mut command: Command) -> Ended {
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A process that runs beside the test; it does not outlive the test.
pub(crate) struct Background(Child);

impl Background {
    /// Starts a command and comes back at once.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("the program starts"))
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success(), "{kill}");
    }

    /// Its number to the system.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has come to its end by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("its own child").is_some()
    }

    /// Takes its stdout away; dropping it closes the pipe.
    pub(crate) fn take_stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("stdout is piped")
    }

    /// Takes its stdin away, which the command has piped.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.0.stdin.take().expect("stdin is piped")
    }

    /// Waits for a line on stderr that holds this text.
    pub(crate) fn wait_for_message(&mut self, text: &str) {
        let mut stderr = BufReader::new(self.0.stderr.take().expect("stderr is piped"));
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(stderr.read_line(&mut line).expect("UTF-8"), 0, "it ended without saying {text:?}");
        }
        // What comes later is read at the end.
        self.0.stderr = Some(stderr.into_inner());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let mut stderr = String::new();
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_string(&mut stdout).expect("UTF-8");
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            pipe.read_to_string(&mut stderr).expect("UTF-8");
        }
        let code = self.0.wait().expect("it ends").code();
        Ended { code, stdout, stderr }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The simulator inside the test.
pub(crate) struct Provider {
    // The order matters: what runs ends before the runtime does.
    running: Running,
    _runtime: Runtime,
}

impl Provider {
    /// Starts a simulator with the state file's text.
    pub(crate) fn start(state: &str) -> Self {
        Self::with(state, |config| config)
    }

    /// The same, with changes to its configuration.
    pub(crate) fn with(state: &str, change: impl FnOnce(Config) -> Config) -> Self {
        let state = StartingState::parse(state, "state.yaml").expect("a state");
        let config = change(Config { state, ..Config::new(Arc::new(now)) });
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(Simulator::start(config)).expect("the simulator starts");
        Self { running, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.address())
    }

    /// Requests so far, whatever became of them.
    pub(crate) fn requests(&self) -> u64 {
        self.running.request_count()
    }

    pub(crate) fn ledger(&self) -> Vec<Effect> {
        self.running.ledger()
    }

    /// Effects per order.
    pub(crate) fn effects(&self) -> BTreeMap<String, u32> {
        let mut effects = BTreeMap::new();
        for effect in self.ledger() {
            *effects.entry(effect.invoice_number.to_string()).or_default() += 1;
        }
        effects
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn wait_for(&self, requests: u64) {
        until(&format!("{requests} requests have arrived"), || self.requests() >= requests);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.running.violations(), [], "one Request-Id never has two bodies");
        }
    }
}

/// `rekon simulate` beside the test, on a free port.
pub(crate) struct Simulate {
    _process: Background,
    pub(crate) url: String,
}

impl Simulate {
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut process = folder.start(&[&["simulate", "--port", "0"], arguments].concat());
        let mut line = String::new();
        BufReader::new(process.take_stdout()).read_line(&mut line).expect("a line");
        let url = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { _process: process, url }
    }
}

/// A provider that says the same to everybody, and remembers what it was told.
pub(crate) struct Parrot {
    pub(crate) url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

/// Whether a parrot signs with the simulator's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seal {
    Signed,
    Unsigned,
}

impl Parrot {
    /// Answers every request with this status, these further header lines and an error body.
    pub(crate) fn start(status: u16, headers: &str, seal: Seal) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (heard, headers) = (Arc::clone(&bodies), headers.to_owned());
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let body = answer(stream, status, &headers, seal);
                heard.lock().expect("nobody panics with it").push(body);
            }
        });
        Self { url, bodies }
    }

    /// The bodies of all requests, each as it was complete.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().expect("nobody panics with it").clone()
    }
}

/// Reads one request, answers it, and returns its body.
fn answer(mut stream: TcpStream, status: u16, headers: &str, seal: Seal) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let (mut target, mut request_id, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        match line.split_once(": ") {
            None => line.split(' ').nth(1).unwrap_or_default().clone_into(&mut target),
            Some((name, value)) if name.eq_ignore_ascii_case("request-id") => value.clone_into(&mut request_id),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().expect("a length");
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let said = r#"{"error":{"message":"no"}}"#;
    let timestamp = wire(now());
    let signature = Signer::new(&Secret::new(SECRET_KEY)).sign(&Components {
        client_id: CLIENT_ID,
        request_id: &request_id,
        timestamp_name: TimestampName::Response,
        timestamp: &timestamp,
        target: &target,
        body: Some(said.as_bytes()),
    });
    let seal = match seal {
        Seal::Signed => format!("Response-Timestamp: {timestamp}\r\nSignature: {signature}\r\n"),
        Seal::Unsigned => String::new(),
    };
    let length = said.len();
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}{seal}");
    write!(stream, "{head}\r\n{said}").expect("an answer");
    String::from_utf8(body).expect("JSON is UTF-8")
}

/// An address on loopback where nobody listens, kept from everybody who does not ask for this very one.
pub(crate) struct Nobody {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Whoever asks for it may listen there all the same.
        socket.set_reuseaddr(true).expect("an option of every socket");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let address = socket.local_addr().expect("an address");
        Self { url: format!("http://{address}"), address, _socket: socket }
    }
}

/// Keys of a job with short spans, so that nothing is waited for that need not be; and with as much time as a busy machine needs
/// for what comes.
pub(crate) const QUICK: &str = "\
limits: {rate: 500/s, burst: 10, concurrency: 4, timeout: 60s}
retries: {attempts: 6, backoff: 10ms..50ms, inquire_after: 50ms, settle_for: 60s}
";

/// Keys of a job with one attempt, and no time to settle.
pub(crate) const HASTY: &str = "\
limits: {rate: 500/s, burst: 10, concurrency: 4, timeout: 60s}
retries: {attempts: 1, backoff: 10ms..50ms, inquire_after: 60s, settle_for: 100ms}
";

/// Checks the exit code, and shows everything if it is another one.
#[track_caller]
pub(crate) fn exits(ended: &Ended, code: i32) {
    assert_eq!(ended.code, Some(code), "stdout:\n{}\nstderr:\n{}", ended.stdout, ended.stderr);
}

/// The present.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// Looks again and again until the condition holds; gives up after two minutes, however long a look takes.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = SystemClock;
    let deadline = clock.monotonic() + Duration::from_secs(120);
    while !holds() {
        assert!(clock.monotonic() < deadline, "in vain: {what}");
        #[expect(clippy::disallowed_methods, reason = "another process is waited for; its clock is the real one")]
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Tries what is about times of arrival, up to five times: what left apart arrives together on a machine that stands still for a
/// moment, and what is wrong is wrong every time.
#[track_caller]
pub(crate) fn unless_the_machine_stood_still(mut tried: impl FnMut() -> Result<(), String>) {
    let complaints: Vec<String> = (0..5).map_while(|_| tried().err()).collect();
    assert!(complaints.len() < 5, "{complaints:#?}");
}

/// Waits for the next day in WIB if this one is nearly over: what follows is to be of one day.
pub(crate) fn within_one_day() {
    let today_in = |seconds| BusinessDate::of(now() + chrono::Duration::seconds(seconds));
    until("the day has ended", || today_in(0) == today_in(60));
}

/// A line of a notification log as DOKU's notification would have left it.
pub(crate) struct Told<'a> {
    pub(crate) received_at: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) key: &'a str,
    pub(crate) body: &'a str,
}

impl Told<'_> {
    /// The line, signed.
    pub(crate) fn line(&self) -> serde_json::Value {
        let path = "/payments/notifications";
        let signature = Signer::new(&Secret::new(self.key)).sign(&Components {
            client_id: self.client_id,
            request_id: self.request_id,
            timestamp_name: TimestampName::Request,
            timestamp: self.received_at,
            target: path,
            body: Some(self.body.as_bytes()),
        });
        serde_json::json!({
            "received_at": self.received_at,
            "path": path,
            "headers": {
                "Client-Id": self.client_id, "Request-Id": self.request_id,
                "Request-Timestamp": self.received_at, "Signature": signature,
            },
            "body": self.body,
        })
    }
}

/// The body of a notification.
pub(crate) fn notification_body(invoice: &str, amount: &str, status: &str, date: &str) -> String {
    format!(
        r#"{{"order":{{"invoice_number":"{invoice}","amount":{amount}}},"transaction":{{"status":"{status}","date":"{date}","original_request_id":"creation-{invoice}"}},"payment":{{"merchant_unique_reference":"{invoice}"}}}}"#
    )
}

/// A client id, for a simulator with keys of its own.
pub(crate) fn client_id(text: &str) -> ClientId {
    ClientId::new(text).expect("a client id")
}
