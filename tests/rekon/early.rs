//! A command that is stopped before it has begun: it says that nothing was sent, and exits with 4.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{ChildStdin, Stdio};

use tokio::runtime::Runtime;

use crate::hosts::{Fleet, STEADY, pause};
use crate::postgres::Server;
use crate::process::{Background, Ended, Folder, bare, exits, until};

const SAID: &str = "interrupted (Ctrl-C, or a signal)\nnothing was sent; run the same command again\n";

const JOB: &str = "\
job: refund-test
operation: refund
merchant: {environment: simulator}
orders: {file: orders.csv}
guards: {max_orders: 100, max_total: 100000000}
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

/// An audit of what another program writes, which writes nothing: it does not wait where it could be stopped.
fn reading() -> (Folder, Background, ChildStdin) {
    let folder = folder("");
    let audit = "job: refund-test\noperation: audit\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n\
                 notifications: {files: [\"-\"]}\n";
    folder.write("job.yaml", audit);
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
    // Another one has the turn, and makes its plan for ever.
    fleet.sql(
        "INSERT INTO runner (host, pid, lease_until, version) \
             SELECT 'other', 1, clock_timestamp() + interval '1 hour', max(version) FROM runner; \
         UPDATE at_work SET runner = (SELECT max(id) FROM runner), alone = false, run = NULL",
    );
    let mut waiting = fleet.start(0);
    let (mut told, mut line) = (BufReader::new(waiting.take_stdout()), String::new());
    told.read_line(&mut line).expect("a line");
    assert_eq!(line, "other is at work on trial: waiting for its run\n");
    waiting.signal("INT");
    is_interrupted(&fleet.end(0, waiting));
    assert_eq!(fleet.sql("SELECT count(*) FROM runner WHERE left_at IS NULL"), "1", "it has taken its leave");
    assert_eq!(fleet.provider.requests(), 0);
    fleet.sql("UPDATE runner SET left_at = clock_timestamp() WHERE host = 'other'");
    fleet.settle();
    assert_eq!(fleet.complaints(), [""; 0]);
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
