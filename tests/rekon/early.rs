//! A command that is stopped before it has begun: it says that nothing was sent, and exits with 4.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{ChildStdin, Stdio};

use rekon::edge::clock::SystemClock;
use rekon::model::time::Zone;
use rekon::runner::clock::Clock as _;
use tokio::runtime::Runtime;

use crate::hosts::{Fleet, STEADY, pause};
use crate::postgres::Server;
use crate::process::{Background, Ended, Folder, Provider, bare, exits, until};
use crate::shim::Shim;

const SAID: &str = "interrupted (Ctrl-C, or a signal)\nnothing was sent; run the same command again\n";

const JOB: &str = "\
job: refund-test
operation: refund
merchant: {environment: simulator}
orders: {file: orders.csv}
guards: {max_orders: 100, max_total: 100000000}
";

const AUDIT: &str = "\
job: refund-test
operation: audit
merchant: {environment: simulator}
orders: {file: orders.csv}
notifications: {files: [\"-\"]}
";

fn folder(further: &str) -> Folder {
    let folder = Folder::new();
    folder.write("job.yaml", &format!("{JOB}{further}"));
    folder.write("orders.csv", "invoice_number,amount,payment_reference\nINV-1,90000,MUR-1\n");
    folder
}

fn is_interrupted(ended: &Ended) {
    exits(ended, 4);
    assert!(ended.stderr.ends_with(SAID), "{}", ended.stderr);
}

/// Starts a command and comes back while it waits for its journal.
fn waiting(folder: &Folder, arguments: &[&str]) -> (Background, TcpStream) {
    waiting_behind(folder, &[], arguments)
}

/// The same of a command behind others.
fn waiting_behind(folder: &Folder, behind: &[&str], arguments: &[&str]) -> (Background, TcpStream) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgres://postgres@{}/journal", silent.local_addr().expect("an address"));
    let command = folder.command(&[arguments, &["--journal", &url]].concat());
    let mut started = bare(behind.first().map_or(command.get_program(), OsStr::new));
    if let [_, further @ ..] = behind {
        started.args(further).arg(command.get_program());
    }
    started.args(command.get_args()).current_dir(command.get_current_dir().expect("a folder of its own"));
    let running = Background::start(started);
    let (asks, _) = silent.accept().expect("it asks for its journal");
    (running, asks)
}

#[test]
fn whoever_stops_a_command_that_still_waits_for_its_journal_is_told_that_nothing_was_sent() {
    for signal in ["INT", "TERM"] {
        for command in ["run", "resolve", "reconcile"] {
            let folder = folder("");
            let (running, _silent) = waiting(&folder, &[command, "job.yaml"]);
            running.signal(signal);
            let ended = running.end();
            is_interrupted(&ended);
            assert_eq!(folder.runs("refund-test"), [""; 0], "{command}, SIG{signal}");
        }
    }
}

#[test]
fn a_terminal_that_closes_stops_a_command_unless_it_is_to_outlive_it() {
    let (running, _silent) = waiting_behind(&folder(""), &["env", "--default-signal=HUP"], &["run", "job.yaml"]);
    running.signal("HUP");
    is_interrupted(&running.end());
    let (mut running, _silent) = waiting_behind(&folder(""), &["nohup"], &["reconcile", "job.yaml"]);
    running.signal("HUP");
    pause(300);
    assert!(!running.has_ended());
    running.signal("TERM");
    is_interrupted(&running.end());
}

#[test]
fn a_command_that_is_stopped_early_says_so_in_its_document_and_in_the_language_of_its_reader() {
    let (running, _silent) = waiting(&folder(""), &["run", "job.yaml", "--json", "--lang", "id"]);
    running.signal("TERM");
    let ended = running.end();
    exits(&ended, 4);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document");
    assert_eq!((&document["exit_code"], &document["error"]), (&4.into(), &"interrupted (Ctrl-C, or a signal)".into()));
    let said = "dihentikan (Ctrl-C atau sinyal)\ntidak ada yang dikirim; jalankan lagi perintah yang sama\n";
    assert!(ended.stderr.ends_with(said), "{}", ended.stderr);
}

#[test]
fn an_audit_hears_a_signal_while_it_computes_and_leaves_nothing_behind() {
    let folder = folder("");
    folder.write("job.yaml", AUDIT);
    let mut command = folder.command(&["reconcile", "job.yaml", "--parts", "3"]);
    command.stdin(Stdio::piped());
    let mut running = Background::start(command);
    let mut stdin = running.take_stdin();
    let (started, has_started) = std::sync::mpsc::channel();
    // What it reads has no end.
    let writing = std::thread::spawn(move || {
        let some = b"{}\n".repeat(100_000);
        while stdin.write_all(&some).is_ok() {
            started.send(()).expect("somebody listens");
        }
    });
    has_started.recv().expect("it reads");
    assert_eq!(folder.runs("refund-test").len(), 1, "its parts");
    running.signal("INT");
    is_interrupted(&running.end());
    writing.join().expect("it ends as the audit does");
    assert_eq!(folder.runs("refund-test"), [""; 0], "it was not ended where it was");
}

#[test]
fn what_only_reads_does_not_go_on_reading_once_it_is_stopped() {
    let folder = folder("");
    let rows: Vec<String> = (0..60_000).map(|number| format!("INV-{number},90000,MUR-{number}\n")).collect();
    folder.write("orders.csv", &format!("invoice_number,amount,payment_reference\n{}", rows.concat()));
    let mut command = folder.command(&["reconcile", "job.yaml"]);
    Shim::plan("int before open 1 orders.csv").before(&mut command, &folder.path(""));
    let ended = Background::start(command).end();
    exits(&ended, 4);
    assert_eq!(ended.stderr, SAID, "nobody had to wait");
    assert!(!folder.path("out").exists());
}

/// An audit of what another program writes, which writes nothing: it does not wait where it could be stopped.
fn reading() -> (Folder, Background, ChildStdin) {
    let folder = folder("");
    folder.write("job.yaml", AUDIT);
    let mut command = folder.command(&["run", "job.yaml", "--log-format", "json"]);
    command.stdin(Stdio::piped());
    let mut running = Background::start(command);
    // More than a pipe holds: it has begun to read once all of it is written.
    let mut stdin = running.take_stdin();
    stdin.write_all(&b"{}\n".repeat(100_000)).expect("it reads");
    (folder, running, stdin)
}

fn has_ended_early(folder: &Folder, running: Background) {
    let ended = running.end();
    exits(&ended, 4);
    assert!(ended.stderr.contains("nothing was sent; run the same command again"), "{}", ended.stderr);
    assert_eq!(folder.runs("refund-test"), [""; 0]);
}

#[test]
fn a_second_signal_ends_a_command_at_once_that_has_begun_nothing() {
    let (folder, mut running, _stdin) = reading();
    running.signal("INT");
    running.wait_for_message("stopping before anything is sent; once more to stop at once");
    running.signal("INT");
    has_ended_early(&folder, running);
}

#[test]
fn a_command_that_does_not_come_back_from_what_it_reads_is_ended_all_the_same() {
    let (folder, running, _stdin) = reading();
    running.signal("TERM");
    has_ended_early(&folder, running);
}

#[test]
fn a_host_that_is_stopped_while_it_waits_for_its_turn_says_that_nothing_was_sent() {
    let Some(server) = Server::shared("a host that waits for its turn") else { return };
    let mut fleet = Fleet::new(server, 1, "refund", 2, ("", STEADY));
    let url = fleet.hosts[0].url(&fleet.database);
    exits(&fleet.hosts[0].folder.rekon(&["resolve", "job.yaml", "--journal", &url]), 0);
    let waiting = waits_for_its_turn(&fleet);
    waiting.signal("INT");
    is_interrupted(&fleet.end(0, waiting));
    assert_eq!(fleet.sql("SELECT count(*) FROM runner WHERE left_at IS NULL"), "1", "it has taken its leave");
    assert_eq!(fleet.provider.requests(), 0);
    fleet.sql("UPDATE runner SET left_at = clock_timestamp() WHERE host = 'other'");
    fleet.settle();
    assert_eq!(fleet.complaints(), [""; 0]);
}

/// Starts a host while another one has the turn, and makes its plan for ever.
fn waits_for_its_turn(fleet: &Fleet<'_>) -> Background {
    fleet.sql(
        "INSERT INTO runner (host, pid, lease_until, version) \
             SELECT 'other', 1, clock_timestamp() + interval '1 hour', max(version) FROM runner; \
         UPDATE at_work SET runner = (SELECT max(id) FROM runner), alone = false, run = NULL",
    );
    let mut waiting = fleet.start(0);
    let (mut told, mut line) = (BufReader::new(waiting.take_stdout()), String::new());
    told.read_line(&mut line).expect("a line");
    assert_eq!(line, "other is at work on trial: waiting for its run\n");
    waiting
}

#[test]
fn a_host_that_is_stopped_while_it_waits_for_its_turn_forgets_no_older_doubt() {
    let Some(server) = Server::shared("a host that waits for its turn, and older doubt") else { return };
    let fault = "  - {operation: refund, invoice_number: INV-2, fault: error_before}\n";
    let keys = STEADY.replace("attempts: 6", "attempts: 1").replace("settle_for: 3s", "settle_for: 1s");
    let mut fleet = Fleet::new(server, 1, "refund", 2, (fault, &keys));
    exits(&fleet.run(0), 3);
    let requests = fleet.provider.requests();
    let waiting = waits_for_its_turn(&fleet);
    waiting.signal("INT");
    let ended = fleet.end(0, waiting);
    exits(&ended, 3);
    assert!(
        ended.stderr.contains("nothing was sent now; run the same command again (exit code 3)\n"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("left by earlier runs of this job: 1 order, Rp "), "{}", ended.stderr);
    assert_eq!(fleet.provider.requests(), requests);
}

#[test]
fn a_run_that_is_stopped_while_it_begins_is_in_the_journal_and_sends_nothing() {
    let Some(server) = Server::shared("a run that is stopped while it begins") else { return };
    let mut fleet = Fleet::new(server, 1, "refund", 2, ("", STEADY));
    let url = fleet.hosts[0].url(&fleet.database);
    exits(&fleet.hosts[0].folder.rekon(&["resolve", "job.yaml", "--journal", &url]), 0);
    let runtime = Runtime::new().expect("a runtime");
    let holder = runtime.block_on(async {
        let connected = tokio_postgres::connect(&fleet.database.url(), tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("the server is there");
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE run_row IN SHARE MODE").await.expect("nobody else has it");
        client
    });
    let mut running = fleet.start(0);
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'run_row'::regclass";
    until("its rows are to be written", || fleet.sql(waits) != "0");
    running.signal("TERM");
    running.wait_for_message("stopping: nothing is sent");
    runtime.block_on(holder.batch_execute("COMMIT")).expect("the server is there");
    let ended = fleet.end(0, running);
    exits(&ended, 4);
    assert!(ended.stdout.contains("stopped part-way: interrupted"), "{}", ended.stdout);
    assert_eq!(fleet.provider.requests(), 0);
    assert_eq!(fleet.reports().into_values().collect::<Vec<_>>(), [[0]]);
    fleet.settle();
    assert_eq!(fleet.complaints(), [""; 0]);
}

// What is older than the command that is stopped.

const PACE: &str = "\
limits: {rate: 50/s, burst: 2, timeout: 5s}
retries: {attempts: 1, backoff: 10ms..50ms, inquire_after: 60s, settle_for: 1s}
";

fn folder_for(provider: &Provider, further: &str) -> Folder {
    let folder = Folder::new();
    let merchant = format!("{{environment: simulator, base_url: \"{}\"}}", provider.url());
    folder.write("job.yaml", &format!("{}{further}", JOB.replace("{environment: simulator}", &merchant)));
    folder
}

/// A job whose first run has left an order unknown.
fn in_doubt() -> (Folder, Provider) {
    let state = "orders:\n  - {invoice_number: INV-1, amount: 90000, status: paid, order_id: \"1000\", akulaku_reference: MUR-1}\n\
        faults:\n  - {operation: refund, invoice_number: INV-1, fault: error_before}\n";
    let provider = Provider::start(state);
    let folder = folder_for(&provider, PACE);
    folder.write("orders.csv", "invoice_number,amount,order_id,akulaku_reference\nINV-1,90000,1000,MUR-1\n");
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    (folder, provider)
}

const IN_DOUBT: &str = "\
interrupted (Ctrl-C, or a signal)
nothing was sent now; run the same command again (exit code 3)
MONEY IN DOUBT meanwhile, left by earlier runs of this job: 1 order, Rp 90.000; settled, with nothing new sent, by: \
rekon resolve job.yaml
  which ones, and what is known about them: rekon show --journal .rekon/journal.db
";

/// What is printed of it.
fn says_what_is_in_doubt(ended: &Ended) {
    exits(ended, 3);
    assert!(ended.stderr.ends_with(IN_DOUBT), "{}", ended.stderr);
}

/// Starts a command that gets a signal once it has locked its journal, and whose disk takes so many milliseconds for a sync: only
/// then it hears anything.
fn opening_its_journal(folder: &Folder, arguments: &[&str], sync: u64) -> Background {
    let mut command = folder.command(arguments);
    Shim::plan("int before sync 1 .rekon").before(&mut command, &folder.path(""));
    command.env("SHIM_SYNC", (sync * 1000).to_string());
    let mut running = Background::start(command);
    running.wait_for_message(if arguments.contains(&"id") { "sekali lagi" } else { "once more to stop at once" });
    running
}

#[test]
fn money_that_is_in_doubt_is_so_still_when_a_command_is_stopped_before_it_begins() {
    let (folder, provider) = in_doubt();
    let requests = provider.requests();
    for command in ["run", "resolve"] {
        says_what_is_in_doubt(&opening_its_journal(&folder, &[command, "job.yaml"], 700).end());
    }
    let ended = opening_its_journal(&folder, &["run", "job.yaml", "--json", "--lang", "id"], 700).end();
    exits(&ended, 3);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document");
    assert_eq!(document["exit_code"], 3);
    assert!(document["error"].as_str().is_some_and(|error| error.contains("MONEY IN DOUBT meanwhile")), "{document}");
    assert!(ended.stderr.contains("\nsekarang tidak ada yang dikirim"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nUANG BELUM PASTI sementara itu"), "{}", ended.stderr);
    assert_eq!((provider.requests(), folder.runs("refund-test").len()), (requests, 1));
}

#[test]
fn a_command_that_is_ended_at_once_looks_for_older_doubt_too() {
    let (folder, provider) = in_doubt();
    let requests = provider.requests();
    let running = opening_its_journal(&folder, &["run", "job.yaml"], 4000);
    running.signal("INT");
    says_what_is_in_doubt(&running.end());
    // One that hears nothing is ended as well.
    says_what_is_in_doubt(&opening_its_journal(&folder, &["run", "job.yaml"], 4000).end());
    assert_eq!((provider.requests(), folder.runs("refund-test").len()), (requests, 1));
}

#[test]
fn what_a_killed_run_had_under_way_is_in_doubt_while_the_next_one_opens_its_journal() {
    let (folder, provider) = in_doubt();
    std::fs::remove_dir_all(folder.path(".rekon")).expect("a folder");
    let mut command = folder.command(&["run", "job.yaml"]);
    Shim::plan("kill before send 1 POST").before(&mut command, &folder.path(""));
    assert_eq!(Background::start(command).end().code, None);
    // The lock is taken by then, and what was left open is not closed yet.
    let running = opening_its_journal(&folder, &["run", "job.yaml"], 4000);
    running.signal("INT");
    says_what_is_in_doubt(&running.end());
    drop(provider);
}

/// A run that gets two signals in one moment, as soon as it has begun.
fn stopped_twice_at_once(folder: &Folder) -> Ended {
    let mut running = folder.start(&["run", "job.yaml"]);
    running.wait_for_message("progress begins: ");
    running.signal("STOP");
    running.signal("INT");
    running.signal("TERM");
    running.signal("CONT");
    running.end()
}

#[test]
fn two_signals_before_a_run_has_sent_anything_leave_nothing_in_doubt() {
    let order = |number: u32| {
        format!(
            "  - {{invoice_number: INV-{number}, amount: 90000, status: paid, order_id: \"1000\", akulaku_reference: MUR-1}}\n"
        )
    };
    let provider = Provider::start(&format!("orders:\n{}{}", order(1), order(2)));
    let folder = folder_for(&provider, &PACE.replace("50/s", "1/m").replace("burst: 2", "burst: 1"));
    let orders = "invoice_number,amount,order_id,akulaku_reference\nINV-1,90000,1000,MUR-1\n";
    folder.write("orders.csv", orders);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    folder.write("orders.csv", &format!("{orders}INV-2,90000,1000,MUR-1\n"));
    // It waits for the pace that the first one has left.
    let ended = stopped_twice_at_once(&folder);
    exits(&ended, 4);
    assert!(!ended.stderr.contains("IN DOUBT"), "{}", ended.stderr);
    assert_eq!(provider.requests(), 1);
}

#[test]
fn two_signals_before_a_run_has_sent_anything_leave_older_doubt_as_it_is() {
    let (folder, provider) = in_doubt();
    let quick = folder.read("job.yaml");
    // A person is to decide: no run settles it any more.
    let late = PACE.replace("inquire_after: 60s", "inquire_after: 10ms, horizon: 1ms");
    folder.write("job.yaml", &quick.replace(PACE, &late));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    assert!(folder.rekon(&["show", "INV-1"]).stdout.contains("\nstate review"), "it is not");
    let requests = provider.requests();
    folder.write("job.yaml", &quick.replace("50/s", "1/m").replace("burst: 2", "burst: 1"));
    folder.write("orders.csv", &format!("{}INV-2,90000,1000,MUR-1\n", folder.read("orders.csv")));
    let ended = stopped_twice_at_once(&folder);
    exits(&ended, 3);
    assert!(!ended.stderr.contains("requests that were under way"), "{}", ended.stderr);
    // Where the signals come at the very beginning of the run, it is told as money of earlier runs.
    let told = format!("{}{}", ended.stdout, ended.stderr);
    let sentences = ["MONEY IN DOUBT: 1 ", "MONEY IN DOUBT meanwhile, left by earlier runs of this job: 1 order"];
    assert!(sentences.iter().any(|sentence| told.contains(sentence)), "{ended:?}");
    assert_eq!(provider.requests(), requests);
}

#[test]
fn a_closed_window_makes_older_doubt_no_smaller() {
    let (folder, provider) = in_doubt();
    let requests = provider.requests();
    let noon = Zone::WIB.local(SystemClock.now() + chrono::Duration::hours(12));
    let (from, until) = (noon.format("%H:%M"), (noon + chrono::Duration::minutes(1)).format("%H:%M"));
    let window = format!("window: {{from: \"{from}\", until: \"{until}\", zone: Asia/Jakarta}}\n");
    folder.write("job.yaml", &format!("{}{window}", folder.read("job.yaml")));
    for command in ["run", "resolve"] {
        let ended = folder.rekon(&[command, "job.yaml"]);
        exits(&ended, 3);
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains("the window is closed"), "{ended:?}");
    }
    assert_eq!(provider.requests(), requests);
}
