//! A small job that is run through an ordeal, and what must hold whatever happened to it: no order twice (*doubles*), no effect
//! without its result (*lost*), no result without its effect (*phantoms*), and no exit code that says more than is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

use rekon::simulator::CLIENT_ID;
use rusqlite::{Connection, OpenFlags};

use crate::process::{Ended, Folder, Provider, ended, rows, until};
use crate::shim::{Control, Event, Shim, Sync, trace};

/// Short spans, so that an ordeal takes less than a second; a call that is not answered is given up early.
pub(crate) const QUICK: &str = "\
limits: {rate: unlimited, concurrency: 4, timeout: 300ms}
retries: {attempts: 6, backoff: 10ms..50ms, horizon: 24h, inquire_after: 50ms, settle_for: 3s}
breaker: {consecutive: 100, failures: 100%, of_last: 100}
";

/// What holds for every provider of a trial, whatever its faults: an inquiry does not see an effect at once.
pub(crate) const ANY_PROVIDER: &str = "status_lag: 200ms\n";

/// What a provider may do that keeps its promise about keys and does not lie under its own signature. What asks for a wait
/// comes once.
const FAULTS: [&str; 27] = [
    "reset_before",
    "reset_after",
    "timeout_before",
    "timeout_after",
    "applied_late",
    "half_status_line",
    "half_body",
    "closed_while_kept_alive",
    "error_before",
    "error_after",
    "bad_gateway",
    "gateway_timeout_after",
    "bad_request_unsigned_after",
    "not_found_unsigned_after",
    "not_a_replay_409",
    "garbage_409_after",
    "html",
    "html_after",
    "maintenance",
    "duplicated_request",
    "unsigned",
    "wrong_signature",
    "other_request_id",
    "empty",
    "not_json",
    "other_invoice",
    "throttle",
];

/// The operations that change money.
pub(crate) const OPERATIONS: [&str; 3] = ["create", "cancel", "refund"];

/// After so many runs without a kill, a job whose provider has become well must be at its end.
const MOST_RUNS: u32 = 8;

/// A source of numbers that gives the same ones again for the same seed (`SplitMix64`).
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// One of these.
    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len() as u64);
        &choices[usize::try_from(index).expect("an index")]
    }
}

/// A request that changes money, as it left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Posted {
    pub(crate) request_id: String,
    pub(crate) invoice: String,
}

impl Posted {
    /// The request that an event sent, if it is one.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let request_id = event.posted()?.to_owned();
        let text = String::from_utf8_lossy(&event.data);
        let (_, after) = text.split_once(r#""invoice_number":""#)?;
        Some(Self { request_id, invoice: after.split_once('"')?.0.to_owned() })
    }
}

/// A job in a folder of its own, and the provider that lives on over whatever happens to the program.
pub(crate) struct Trial {
    pub(crate) folder: Folder,
    pub(crate) provider: Provider,
    pub(crate) control: Control,
    pub(crate) sync: Sync,
    /// Calls of the program, and those of them that a signal ended.
    pub(crate) runs: u32,
    pub(crate) kills: u32,
    /// The journal has forgotten what it knew: what proves an effect may be another thing then.
    pub(crate) was_restored: bool,
    /// What some results.csv has said about an order for good.
    shown: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Trial {
    /// A job over `count` orders at a provider with these lines of faults.
    pub(crate) fn new(operation: &str, count: u32, faults: &str) -> Self {
        let folder = Folder::new();
        let mut state = ANY_PROVIDER.to_owned();
        state.push_str(&starting_orders(operation, count));
        if !faults.is_empty() {
            write!(state, "faults:\n{faults}").expect("a string");
        }
        let log = folder.path("notifications.jsonl");
        std::fs::write(&log, "").expect("a file");
        let provider = Provider::with(&state, |mut config| {
            config.notification_log = Some(log);
            config
        });
        let job = format!(
            "job: trial\noperation: {operation}\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
             orders: {{file: orders.csv}}\nguards: {{max_orders: 1000, max_total: 100000000}}\n\
             notifications: {{files: [notifications.jsonl]}}\n{QUICK}",
            provider.url()
        );
        folder.write("job.yaml", &job);
        folder.write("orders.csv", &orders(operation, count));
        let control = Control::new(folder.path("control"));
        let sync = Sync::AtOnce;
        Self {
            folder,
            provider,
            control,
            sync,
            runs: 0,
            kills: 0,
            was_restored: false,
            shown: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Waits for answers as long as a busy machine may need; no fault of the provider's may be silent then.
    pub(crate) fn be_patient(&self) {
        let job = self.folder.read("job.yaml");
        self.folder.write("job.yaml", &job.replace("timeout: 300ms", "timeout: 20s"));
    }

    /// Runs the job with a plan of the shim.
    pub(crate) fn run(&mut self, plan: &str) -> Ended {
        let ended = ended(self.command(plan));
        self.take_note(&ended);
        ended
    }

    /// Runs the job behind a shim.
    pub(crate) fn run_behind(&mut self, shim: &Shim<'_>) -> Ended {
        let ended = ended(self.behind(shim));
        self.take_note(&ended);
        ended
    }

    /// The same, without a look at how it ends: its world is broken.
    pub(crate) fn run_behind_quietly(&self, shim: &Shim<'_>) -> Ended {
        ended(self.behind(shim))
    }

    /// Runs the job, which stands still at a place while something else happens.
    pub(crate) fn run_with_a_pause(&mut self, place: &str, meanwhile: impl FnOnce()) -> Ended {
        let mut command = self.command(&format!("stop {place}"));
        let mut stopped = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let status = format!("/proc/{}/status", stopped.id());
        until("it stands still", || std::fs::read_to_string(&status).is_ok_and(|text| text.contains("State:\tT")));
        meanwhile();
        // Every shell has a kill of its own.
        let resumed = Command::new("sh").args(["-c", &format!("kill -CONT {}", stopped.id())]).status();
        assert!(resumed.expect("a shell").success());
        let code = stopped.wait().expect("it ends").code();
        let ended = Ended { code, stdout: String::new(), stderr: String::new() };
        self.take_note(&ended);
        ended
    }

    /// The program with the job and a plan, not yet started; what it sends is appended to the trace.
    pub(crate) fn command(&self, plan: &str) -> Command {
        let trace = self.folder.path("trace");
        self.behind(&Shim { trace: Some(&trace), kinds: Some("P"), sync: self.sync, ..Shim::plan(plan) })
    }

    /// The program with the job behind a shim, not yet started.
    pub(crate) fn behind(&self, shim: &Shim<'_>) -> Command {
        let mut command = self.folder.command(&["run", "job.yaml"]);
        Shim { control: Some(&self.control), ..shim.clone() }.before(&mut command, &self.folder.path(""));
        command
    }

    /// Counts a run that has ended, and checks what it said.
    pub(crate) fn take_note(&mut self, ended: &Ended) {
        self.runs += 1;
        match ended.code {
            None => {
                self.kills += 1;
                self.check_what_a_kill_has_left();
            }
            Some(code @ (0 | 1 | 3)) => {
                let in_doubt = self.in_doubt();
                if (code == 3) != (in_doubt > 0) {
                    self.wrong.push(format!("exit code {code} with {in_doubt} items in doubt:\n{}", ended.stdout));
                }
            }
            Some(4 | 5) => {}
            Some(code) => self.wrong.push(format!("exit code {code}: {}", ended.stderr)),
        }
        for (invoice, state) in self.results() {
            match self.shown.get(&invoice) {
                Some(before) if self.was_restored && is_done(before) && is_done(&state) => {}
                Some(before) if *before != state => {
                    self.wrong.push(format!("{invoice} was shown as {before}, and then as {state}"));
                }
                Some(_) => {}
                None if is_for_good(&state) => {
                    self.shown.insert(invoice, state);
                }
                None => {}
            }
        }
    }

    /// Runs another command with a plan.
    pub(crate) fn other(&self, arguments: &[&str], plan: &str) -> Ended {
        let mut command = self.folder.command(arguments);
        Shim { control: Some(&self.control), ..Shim::plan(plan) }.before(&mut command, &self.folder.path(""));
        ended(command)
    }

    /// Accepts a journal that was put back, or that is ahead of the clock, if the program refuses it; nothing was sent then.
    pub(crate) fn run_and_accept(&mut self) {
        let before = self.wrong.len();
        if self.run("").code == Some(2) {
            self.wrong.truncate(before);
            let accepted = self.other(&["journal", "accept", "--reason", "a test", "--job", "job.yaml"], "");
            if accepted.code != Some(0) {
                self.wrong.push(format!("it is not accepted: {}", accepted.stderr));
            }
        }
    }

    /// Every request that has left must have an attempt of its own in the journal as a kill has left it, and every result
    /// that stands in a file must be in it; a file is there as a whole or not at all. A copy is looked at: the next run is to find what the kill has left.
    fn check_what_a_kill_has_left(&mut self) {
        let posted = self.posted();
        let mut known: BTreeMap<String, u32> = BTreeMap::new();
        let mut states: BTreeMap<String, String> = BTreeMap::new();
        if self.folder.path(".rekon/journal.db").exists() {
            for name in ["journal.db", "journal.db-wal"] {
                let copy = self.folder.path(&format!("copy/{name}"));
                std::fs::create_dir_all(self.folder.path("copy")).expect("a folder");
                // There is no log if the kill came before or after its life.
                if std::fs::copy(self.folder.path(&format!(".rekon/{name}")), &copy).is_err() {
                    std::fs::remove_file(copy).ok();
                }
            }
            let journal = Connection::open(self.folder.path("copy/journal.db")).expect("a journal");
            let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'attempt'";
            if journal.query_row(tables, [], |row| row.get(0)) == Ok(1) {
                known = sends(&journal);
                states = self::states(&journal);
            }
        }
        let mut left: BTreeMap<&str, u32> = BTreeMap::new();
        for posted in &posted {
            *left.entry(&posted.request_id).or_default() += 1;
        }
        for (request_id, count) in left {
            let attempts = known.get(request_id).copied().unwrap_or_default();
            if count > attempts {
                self.wrong.push(format!("{request_id} was sent {count} times, the journal knows of {attempts}"));
            }
        }
        let lines = self.folder.read("orders.csv").lines().count();
        for run in self.folder.runs("trial") {
            let results = std::fs::read_to_string(self.folder.path(&format!("out/trial/{run}/results.csv")));
            if results.is_ok_and(|text| text.lines().count() != lines) {
                self.wrong.push(format!("a part of the results of {run} is there"));
            }
        }
        for (invoice, shown) in self.results().iter().filter(|(_, shown)| is_for_good(shown)) {
            if states.get(invoice) != Some(shown) {
                self.wrong
                    .push(format!("{invoice} was shown as {shown}, and is {:?} to the journal", states.get(invoice)));
            }
        }
    }

    /// Runs the job until it is done; says what is wrong after that.
    pub(crate) fn settle(&mut self) {
        for _ in 0..MOST_RUNS {
            if matches!(self.run("").code, Some(0 | 1)) {
                return;
            }
        }
        let last = self.run("");
        if !matches!(last.code, Some(0 | 1)) {
            self.wrong.push(format!("it does not come to its end: {}\n{}", last.stdout, last.stderr));
        }
    }

    /// Everything that is wrong once the job is done; empty if nothing is.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.wrong);
        wrong.extend(self.doubles());
        let journal = self.journal();
        let check: String = journal.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        if check != "ok" {
            wrong.push(format!("the journal is damaged: {check}"));
        }
        let known = sends(&journal);
        for posted in self.posted().iter().filter(|posted| !known.contains_key(&posted.request_id)) {
            wrong.push(format!("unknown to the journal: {posted:?}"));
        }
        let effects = self.provider.effects();
        let results = self.results();
        for invoice in effects.keys() {
            let state = results.get(invoice).map_or("no row", String::as_str);
            if !is_done(state) {
                wrong.push(format!("lost: {invoice} has its effect, and {state} is its result"));
            }
        }
        for (invoice, state) in &results {
            if is_done(state) && !effects.contains_key(invoice) {
                wrong.push(format!("a phantom: {invoice} is {state} without an effect"));
            }
        }
        wrong
    }

    /// Orders with two effects, or whose requests carried two keys: the next provider might not see that they are one.
    pub(crate) fn doubles(&self) -> Vec<String> {
        let twice = self.provider.effects().into_iter().filter(|(_, count)| *count > 1);
        let mut wrong: Vec<String> = twice.map(|(invoice, count)| format!("{count} effects: {invoice}")).collect();
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for posted in self.posted() {
            keys.entry(posted.invoice).or_default().insert(posted.request_id);
        }
        let several = keys.into_iter().filter(|(_, ids)| ids.len() > 1);
        wrong.extend(several.map(|(invoice, ids)| format!("several keys: {invoice}: {ids:?}")));
        wrong
    }

    /// Every request that changes money and left the program, in order.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        trace(&self.folder.path("trace")).iter().filter_map(Posted::of).collect()
    }

    /// The states of the orders in the latest results.csv; none if the latest run has not written one.
    pub(crate) fn results(&self) -> BTreeMap<String, String> {
        let Some(run) = self.folder.runs("trial").pop() else { return BTreeMap::new() };
        let path = self.folder.path(&format!("out/trial/{run}/results.csv"));
        let Ok(text) = std::fs::read_to_string(path) else { return BTreeMap::new() };
        rows(&text).iter().map(|row| (row["invoice_number"].clone(), row["rekon_state"].clone())).collect()
    }

    /// Bytes beside the journal that are neither it nor its log.
    pub(crate) fn kept_free(&self) -> i64 {
        let entries = std::fs::read_dir(self.folder.path(".rekon")).expect("a folder").flatten();
        let others = entries.filter(|entry| {
            !["journal.db", "journal.db-wal", "journal.db-shm"].iter().any(|name| entry.file_name() == *name)
        });
        others.map(|entry| entry.metadata().expect("a file").len().cast_signed()).sum()
    }

    /// Items that nobody knows enough about.
    pub(crate) fn in_doubt(&self) -> i64 {
        let count = "SELECT count(*) FROM item WHERE state IN ('intent', 'unknown', 'review', 'conflict')";
        self.journal().query_row(count, [], |row| row.get(0)).expect("a count")
    }

    /// The journal, to look at. Opened for writing, so that it leaves one whole file behind, as the program does.
    pub(crate) fn journal(&self) -> Connection {
        let path = self.folder.path(".rekon/journal.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("a journal")
    }
}

/// Whether a result will never be another.
pub(crate) fn is_for_good(state: &str) -> bool {
    is_done(state) || state == "refused"
}

/// A number that the environment may raise.
pub(crate) fn asked_for(name: &str, usual: u64) -> u64 {
    let asked = std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(usual)
}

/// Prints the figures of a long test, for who asks with `--nocapture`.
#[expect(clippy::print_stdout, reason = "nothing else tells them")]
pub(crate) fn show(figures: &str) {
    println!("{figures}");
}

pub(crate) fn is_done(state: &str) -> bool {
    matches!(state, "succeeded" | "already_done")
}

/// How many attempts to send the journal knows, by their Request-Id.
pub(crate) fn sends(journal: &Connection) -> BTreeMap<String, u32> {
    // What was withheld when its run stopped has never been a request.
    let query =
        "SELECT request_id, count(*) FROM attempt WHERE kind = 'send' AND reason <> 'withheld' GROUP BY request_id";
    let mut statement = journal.prepare(query).expect("a query");
    let counts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    counts.collect::<Result<_, _>>().expect("counts")
}

/// What the journal says of each order.
fn states(journal: &Connection) -> BTreeMap<String, String> {
    let mut statement = journal.prepare("SELECT invoice, state FROM item ORDER BY generation").expect("items");
    let items = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("items");
    items.collect::<rusqlite::Result<_>>().expect("items")
}

/// INV-1 is in a state in which its operation is refused, unless the operation makes the orders.
pub(crate) fn starting_orders(operation: &str, count: u32) -> String {
    let (usual, refused) = match operation {
        "refund" => ("paid", "pending"),
        "cancel" => ("pending", "paid"),
        _ => return "orders: []\n".to_owned(),
    };
    let mut text = "orders:\n".to_owned();
    for number in 1..=count {
        let (status, order_id) = (if number == 1 { refused } else { usual }, 1000 + number);
        writeln!(
            text,
            "  - {{invoice_number: INV-{number}, amount: {number}000, status: {status}, order_id: {order_id}}}"
        )
        .expect("a string");
    }
    text
}

pub(crate) fn orders(operation: &str, count: u32) -> String {
    let mut text = match operation {
        "create" => {
            "invoice_number,amount,payment_reference,callback_url,line_items.name,line_items.price,line_items.quantity,\
             line_items.sku,line_items.category,customer.id,customer.name,customer.phone\n"
        }
        _ => "invoice_number,amount,order_id,akulaku_reference\n",
    }
    .to_owned();
    for number in 1..=count {
        let row = match operation {
            "create" => format!(
                "INV-{number},{number}000,MUR-{number},https://shop.example/return,Kaos,{number}000,1,S-1,Baju,\
                 C-{number},Siti,6281122334455"
            ),
            _ => format!("INV-{number},{number}000,{},{CLIENT_ID}INV-{number}", 1000 + number),
        };
        writeln!(text, "{row}").expect("a string");
    }
    text
}

/// Up to four faults that strike once or twice, at orders from the `from`th on, and sometimes one that may strike any request.
pub(crate) fn faults(seeded: &mut Seeded, operation: &str, from: u64, count: u64) -> String {
    let mut text = String::new();
    if seeded.below(3) == 0 {
        let mode = seeded.one_of(&FAULTS[..26]);
        writeln!(text, "  - {{operation: {operation}, probability: 10%, fault: {mode}}}").expect("a string");
    }
    for _ in 0..seeded.below(5) {
        let mode = *seeded.one_of(&FAULTS);
        // What asks for a second's wait is left to one seed in many.
        let mode = if mode == "throttle" && seeded.below(5) > 0 { "reset_after" } else { mode };
        let call = if seeded.below(4) == 0 { "inquiry" } else { operation };
        let (invoice, nth, times) = (from + seeded.below(count - from + 1), 1 + seeded.below(2), 1 + seeded.below(2));
        writeln!(
            text,
            "  - {{operation: {call}, invoice_number: INV-{invoice}, nth: {nth}, times: {times}, fault: {mode}}}"
        )
        .expect("a string");
    }
    text
}
