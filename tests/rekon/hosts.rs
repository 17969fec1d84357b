//! Several hosts on one journal, for tests: processes with folders of their own, each with a line to a PostgreSQL server that can
//! be cut or led elsewhere, and a provider whose ledger tells every effect.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::pace::Door;
use crate::postgres::{Database, Server};
use crate::process::{Background, Ended, Folder, Provider, until, within_one_day};
use crate::trial::{ANY_PROVIDER, is_done, orders, starting_orders};

/// Long enough for a host that gets no processor for a while, on a machine that has much to do.
const CALM: &str = "60s";

/// The same for some seconds, where a test waits until a host counts as lost.
pub(crate) const SOON: &str = "8s";

/// As short as a lease may be: who is lost is soon buried. Rounds bear it that a host loses its lease for no reason.
pub(crate) const SHORT: &str = "2s";

/// Longer than the short lease.
pub(crate) const FROZEN: Duration = Duration::from_millis(2600);

/// Held by whoever restarts the server; whoever asks it something for a test waits until it is back.
pub(crate) static RESTARTING: RwLock<()> = RwLock::new(());

/// Hosts, the provider and the journal of one job.
pub(crate) struct Fleet<'a> {
    pub(crate) hosts: Vec<Host>,
    pub(crate) provider: Provider,
    pub(crate) database: Database<'a>,
    wrong: Vec<String>,
}

/// A host: a folder, and its way to the journal.
pub(crate) struct Host {
    pub(crate) folder: Folder,
    pub(crate) line: Line,
    name: String,
    lease: &'static str,
}

impl Host {
    pub(crate) fn url(&self, database: &Database<'_>) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}?lease={}", self.line.port, database.name, self.lease)
    }
}

/// The network between a host and the server, which can be cut.
pub(crate) struct Line {
    port: u16,
    server: Arc<AtomicU16>,
    open: Arc<Mutex<Connections>>,
}

/// Both ends of each connection of a line, by its number, as long as it is open: a process has few files to spare.
#[derive(Default)]
struct Connections {
    is_over: bool,
    count: u64,
    ends: BTreeMap<u64, [TcpStream; 2]>,
}

impl Connections {
    fn cut(&mut self) {
        for end in std::mem::take(&mut self.ends).into_values().flatten() {
            end.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Line {
    fn to(server: u16) -> Self {
        let server = Arc::new(AtomicU16::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let open: Arc<Mutex<Connections>> = Arc::default();
        let (ours, led_to) = (Arc::clone(&open), Arc::clone(&server));
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if ours.lock().expect("nobody panics with it").is_over {
                    return;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", led_to.load(Ordering::Relaxed))) else { continue };
                let again = || [&near, &far].map(|end| end.try_clone().expect("a second handle"));
                let (ends, [near_too, far_too]) = (again(), again());
                let number = {
                    let mut open = ours.lock().expect("nobody panics with it");
                    open.count += 1;
                    let number = open.count;
                    open.ends.insert(number, ends);
                    number
                };
                for (from, to) in [(near, far), (far_too, near_too)] {
                    let ours = Arc::clone(&ours);
                    std::thread::spawn(move || {
                        carry(from, to);
                        ours.lock().expect("nobody panics with it").ends.remove(&number);
                    });
                }
            }
        });
        Self { port, server, open }
    }

    /// From now on its connections are those of another server.
    fn lead_to(&self, server: u16) {
        self.server.store(server, Ordering::Relaxed);
        self.cut();
    }

    /// Breaks every connection, wherever it is in what it says.
    pub(crate) fn cut(&self) {
        self.open.lock().expect("nobody panics with it").cut();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.is_over = true;
        open.cut();
        drop(open);
        // Whoever listens is woken, and hears of it.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}

impl<'a> Fleet<'a> {
    /// So many hosts with a job over `count` orders, of which INV-1 is refused.
    pub(crate) fn new(
        server: &'a Server,
        hosts: usize,
        operation: &str,
        count: u32,
        (faults, keys): (&str, &str),
    ) -> Self {
        let faults = if faults.is_empty() { String::new() } else { format!("faults:\n{faults}") };
        let provider = Provider::start(&format!("{ANY_PROVIDER}{}{faults}", starting_orders(operation, count)));
        let url = provider.url();
        Self::before(server, hosts, (operation, count), (provider, &url), keys)
    }

    /// The same behind a door that is shut: nothing is over before all have come.
    pub(crate) fn behind_a_door(
        server: &'a Server,
        hosts: usize,
        count: u32,
        (faults, keys): (&str, &str),
    ) -> (Self, Door) {
        let faults = if faults.is_empty() { String::new() } else { format!("faults:\n{faults}") };
        let provider = Provider::start(&format!("{ANY_PROVIDER}{}{faults}", starting_orders("refund", count)));
        let door = Door::before(&provider, 0, "");
        door.hold();
        (Self::before(server, hosts, ("refund", count), (provider, &door.url), keys), door)
    }

    pub(crate) fn before(
        server: &'a Server,
        hosts: usize,
        (operation, count): (&str, u32),
        (provider, url): (Provider, &str),
        keys: &str,
    ) -> Self {
        // Nobody joins a run of another day.
        within_one_day();
        let host = |number: usize| {
            let folder = Folder::new();
            folder.write("job.yaml", &job(operation, url, keys));
            folder.write("orders.csv", &orders(operation, count));
            Host { folder, line: Line::to(server.port), name: format!("host {number}"), lease: CALM }
        };
        let calm = RESTARTING.read().unwrap_or_else(PoisonError::into_inner);
        let database = server.database();
        drop(calm);
        Self { hosts: (0..hosts).map(host).collect(), provider, database, wrong: Vec::new() }
    }

    /// Whoever is lost is so after this time.
    pub(crate) fn lease(&mut self, lease: &'static str) {
        self.hosts.iter_mut().for_each(|host| host.lease = lease);
    }

    /// The journal is on another server from now on, under the same address.
    pub(crate) fn fail_over(&mut self, server: &'a Server) {
        self.database = Database { server, name: self.database.name.clone() };
        self.hosts.iter().for_each(|host| host.line.lead_to(server.port));
    }

    pub(crate) fn start(&self, host: usize) -> Background {
        let host = &self.hosts[host];
        host.folder.start(&["run", "job.yaml", "--journal", &host.url(&self.database)])
    }

    /// Starts all hosts, and waits until each of them has begun an order.
    pub(crate) fn start_all(&self) -> Vec<Background> {
        let running: Vec<Background> = (0..self.hosts.len()).map(|host| self.start(host)).collect();
        until("all are at work", || self.workers() as usize == running.len());
        running
    }

    /// Runs the job on one host to its end.
    pub(crate) fn run(&mut self, host: usize) -> Ended {
        let running = self.start(host);
        self.end(host, running)
    }

    /// Waits for a host that has started.
    pub(crate) fn end(&mut self, host: usize, mut running: Background) -> Ended {
        let pid = running.id();
        until(&format!("host {host} comes to its end"), || running.has_ended());
        let ended = running.end();
        let is_known = matches!(ended.code, None | Some(0 | 1 | 3 | 4 | 5));
        // Whoever says that nothing was sent has to be right.
        if ended.stderr.contains("panicked") || !is_known && (ended.code != Some(2) || self.has_sent(pid)) {
            let name = &self.hosts[host].name;
            self.wrong.push(format!("{name} ended with {:?}:\n{}{}", ended.code, ended.stdout, ended.stderr));
        }
        ended
    }

    /// The same while the server is away.
    pub(crate) fn end_without_a_server(&self, mut running: Background) -> Ended {
        until("it gives up", || running.has_ended());
        running.end()
    }

    pub(crate) fn sql(&self, statement: &str) -> String {
        let _calm = RESTARTING.read().unwrap_or_else(PoisonError::into_inner);
        self.database.sql(statement)
    }

    pub(crate) fn has_tables(&self) -> bool {
        self.sql("SELECT to_regclass('attempt') IS NOT NULL AND to_regclass('limiter') IS NOT NULL") == "t"
    }

    pub(crate) fn has_sent(&self, pid: u32) -> bool {
        let sent = format!("SELECT count(*) FROM attempt a JOIN runner r ON r.id = a.runner WHERE r.pid = {pid}");
        self.has_tables() && self.sql(&sent) != "0"
    }

    pub(crate) fn workers(&self) -> u32 {
        if !self.has_tables() {
            return 0;
        }
        self.sql("SELECT count(DISTINCT runner) FROM attempt").parse().expect("a number")
    }

    /// Runs the job until it is done.
    pub(crate) fn settle(&mut self) {
        let mut last = None;
        for _ in 0..8 {
            let ended = self.run(0);
            if matches!(ended.code, Some(0 | 1)) {
                return;
            }
            last = Some(ended);
        }
        self.wrong.push(format!("it does not come to its end: {last:?}"));
    }

    /// The state of each order's latest item.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let text = self.sql("SELECT invoice, state FROM item ORDER BY generation");
        let pair = |line: &str| line.split_once('|').map(|(invoice, state)| (invoice.to_owned(), state.to_owned()));
        text.lines().filter_map(pair).collect()
    }

    /// Everything that is wrong once the job is done.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.wrong);
        let (effects, states) = (self.provider.effects(), self.states());
        for (invoice, count) in &effects {
            let state = states.get(invoice).map_or("no item", String::as_str);
            if *count > 1 {
                wrong.push(format!("{count} effects: {invoice}"));
            }
            if !is_done(state) {
                wrong.push(format!("lost: {invoice} has its effect, and is {state}"));
            }
        }
        let keys: BTreeSet<String> = self.sql("SELECT request_id FROM item").lines().map(str::to_owned).collect();
        let strange = self.provider.ledger().into_iter().filter(|effect| !keys.contains(effect.request_id.as_str()));
        wrong.extend(
            strange.map(|effect| format!("{} has its effect by a key that is not its own", effect.invoice_number)),
        );
        let phantoms = states.iter().filter(|(invoice, state)| is_done(state) && !effects.contains_key(*invoice));
        wrong.extend(phantoms.map(|(invoice, state)| format!("a phantom: {invoice} is {state} without an effect")));
        let calm = RESTARTING.read().unwrap_or_else(PoisonError::into_inner);
        let checked = self.hosts[0].folder.rekon(&["journal", "check", "--journal", &self.database.url()]);
        drop(calm);
        if checked.code != Some(0) {
            wrong.push(format!("the journal is not whole: {}{}", checked.stdout, checked.stderr));
        }
        let open = self.sql("SELECT count(*) FROM attempt WHERE ended_at IS NULL");
        if open != "0" {
            wrong.push(format!("{open} attempts are open"));
        }
        wrong
    }

    /// The runs of the job, and the hosts that have a report of each.
    pub(crate) fn reports(&self) -> BTreeMap<String, Vec<usize>> {
        let mut reports: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, host) in self.hosts.iter().enumerate() {
            for run in host.folder.runs("trial") {
                reports.entry(run).or_default().push(number);
            }
        }
        reports
    }
}

fn job(operation: &str, url: &str, keys: &str) -> String {
    format!(
        "job: trial\noperation: {operation}\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
         orders: {{file: orders.csv}}\nguards: {{max_orders: 1000, max_total: 100000000}}\n{keys}"
    )
}

#[expect(clippy::disallowed_methods, reason = "other processes go on meanwhile; their clocks are the real one")]
pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// What a job without faults has for keys: slow enough for all hosts to get something to do.
pub(crate) const STEADY: &str = "\
limits: {rate: 20/s, burst: 2, concurrency: 4, timeout: 60s}
retries: {attempts: 6, backoff: 10ms..50ms, inquire_after: 50ms, settle_for: 20s}
";
