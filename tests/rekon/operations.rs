//! A run that nobody watches: its heartbeat, its log, its metrics, its health check, and what cron and systemd are given.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rekon::model::secret::Secret;
use rekon::simulator::Config;

use crate::process::{Background, Ended, Folder, Nobody, Provider, bare, client_id, ended, exits};
use crate::support::repository;

const KEY: &str = "SK-canary0operations5d2e";
const CUSTOMER: &str = "Canarysari Wijaya";
const PHONE: &str = "6281987654321";

/// A creation with a customer whom nobody could mistake, at a provider with the key of this test.
fn sale(further: &str) -> (Folder, Provider) {
    let faults = "faults:\n  - {operation: create, fault: throttle, times: 1, retry_after: 1s}\n";
    let with_key = |config| Config { client_id: client_id("MCH-OPS"), secret_key: Secret::new(KEY), ..config };
    let provider = Provider::with(faults, with_key);
    let folder = Folder::new();
    folder.write(
        "orders.csv",
        &format!(
            "invoice_number,amount,payment_reference,callback_url,line_items.name,line_items.price,line_items.quantity,\
             line_items.sku,line_items.category,customer.id,customer.name,customer.phone\n\
             INV-1,90000,MUR-1,https://shop.example/return,Kaos,90000,1,S-1,Baju,C-1,{CUSTOMER},{PHONE}\n"
        ),
    );
    folder.write(
        "job.yaml",
        &format!(
            "job: sale\noperation: create\n\
             merchant: {{environment: simulator, base_url: \"{}\", client_id: file:id, secret_key: file:key}}\n\
             orders: {{file: orders.csv}}\nguards: {{max_orders: 9, max_total: 9000000}}\n\
             limits: {{rate: 50/s}}\nretries: {{backoff: 10ms..20ms, inquire_after: 1s, settle_for: 3s}}\n{further}",
            provider.url()
        ),
    );
    folder.write("id", "MCH-OPS");
    folder.write("key", KEY);
    (folder, provider)
}

/// The lines of a log, each of which is an object with the keys of every line.
fn log_lines(stderr: &str) -> Vec<serde_json::Value> {
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["ts", "level", "event", "job", "run", "fields"] {
            assert!(value.get(key).is_some(), "{key} is missing in {line}");
        }
        value
    };
    stderr.lines().map(line).collect()
}

fn no_secret_in(texts: &[&str]) {
    for text in texts {
        for secret in [KEY, "HMACSHA256", CUSTOMER, "Canarysari", PHONE] {
            assert!(!text.contains(secret), "{secret} was told:\n{text}");
        }
    }
}

// The log.

#[test]
fn the_loudest_log_tells_every_step_and_no_secret() {
    for format in ["text", "json"] {
        let (folder, _provider) = sale("output: {metrics: sale.prom}\n");
        let ended = folder.rekon(&["run", "job.yaml", "--log-format", format, "--log-level", "debug"]);
        exits(&ended, 0);
        no_secret_in(&[&ended.stdout, &ended.stderr, &folder.read("sale.prom")]);
        for event in ["run_begins", "plan", "throttled", "attempt", "files_written", "run_ends"] {
            assert!(ended.stderr.contains(event), "{event} is missing:\n{}", ended.stderr);
        }
        if format == "json" {
            let lines = log_lines(&ended.stderr);
            let of = |name: &str| lines.iter().filter(|line| line["event"] == name).collect::<Vec<_>>();
            assert_eq!(of("attempt").len(), 2, "{}", ended.stderr);
            let last = of("attempt")[1];
            assert_eq!((&last["fields"]["outcome"], &last["level"]), (&"applied".into(), &"debug".into()));
            assert_eq!((&last["job"], &last["fields"]["invoice_number"]), (&"sale".into(), &"INV-1".into()));
            assert!(last["run"].is_string());
            let end = lines.last().expect("a line");
            assert_eq!((&end["event"], &end["fields"]["exit_code"]), (&"run_ends".into(), &0.into()));
            assert_eq!(of("progress").len(), 2, "one when it begins and one when it ends");
        }
    }
}

#[test]
fn a_fault_in_the_log_for_machines_does_not_repeat_the_row() {
    let (folder, provider) = sale("");
    let orders = folder.read("orders.csv").replace(PHONE, "081987654321");
    folder.write("orders.csv", &orders);
    let told = folder.rekon(&["run", "job.yaml"]);
    exits(&told, 2);
    assert!(told.stderr.contains("081987654321"), "whoever corrects it at the terminal has to see it");
    let ended = folder.rekon(&["run", "job.yaml", "--log-format=json", "--log-level=debug"]);
    exits(&ended, 2);
    let lines = log_lines(&ended.stderr);
    let fault = lines.iter().find(|line| line["event"] == "fault").expect("the fault");
    assert_eq!(fault["fields"]["message"], "customer.phone \"***\" is not an international phone number");
    assert_eq!(fault["fields"]["line"], 2);
    assert!(!ended.stderr.contains("81987654321") && !ended.stderr.contains("Canarysari"), "{}", ended.stderr);
    assert_eq!(provider.requests(), 0);
}

#[test]
fn whatever_goes_wrong_the_log_for_machines_holds_nothing_else() {
    let folder = Folder::new();
    for arguments in [
        &["run", "--log-format", "json"][..],
        &["run", "nowhere.yaml", "--log-format=json"],
        &["show", "--log-format=json", "--journal", "nowhere.db"],
        &["dance", "--log-format=json"],
    ] {
        let ended = folder.rekon(arguments);
        exits(&ended, 2);
        assert!(!log_lines(&ended.stderr).is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_level_can_be_named_by_the_environment_and_the_flag_goes_before_it() {
    let (folder, _provider) = sale("");
    let run = |level: &str, arguments: &[&str]| {
        let mut command = folder.command(&[&["run", "job.yaml", "--log-format", "json"], arguments].concat());
        command.env("REKON_LOG", level);
        ended(command)
    };
    assert!(run("debug", &[]).stderr.contains("\"attempt\""));
    assert_eq!(run("error", &[]).stderr, "");
    assert!(run("error", &["--log-level", "info"]).stderr.contains("\"run_ends\""));
    assert!(run("loud", &[]).stderr.contains("REKON_LOG is none of"));
}

#[test]
fn a_run_without_a_terminal_says_when_it_begins_and_when_it_has_sent_the_last() {
    let (folder, _provider) = sale("");
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 0);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let [first, last] = lines[..] else { panic!("two lines, not {lines:#?}") };
    assert!(first.starts_with("progress begins: job=sale run="), "{first}");
    assert!(first.contains(" orders=0/1 rupiah=0/90000 ") && first.contains(" limit=50/s "), "{first}");
    assert!(last.starts_with("progress ends: job=sale run="), "{last}");
    assert!(last.contains(" orders=1/1 rupiah=90000/90000 ") && last.contains(" requests=2 throttles=1 "), "{last}");
    let again = folder.rekon(&["run", "job.yaml"]);
    assert_eq!(again.stderr, "", "nothing is to be sent");
    let (folder, _provider) = sale("");
    assert_eq!(folder.rekon(&["run", "job.yaml", "--quiet"]).stderr, "");
}

// Metrics.

fn metric(text: &str, name: &str) -> Option<String> {
    let labels = "{job=\"sale\",operation=\"create\",environment=\"simulator\"} ";
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(labels)?.to_owned()))
}

#[test]
fn metrics_tell_the_latest_run_and_remember_the_last_success() {
    let (folder, _provider) = sale("output: {metrics: var/sale.prom}\n");
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    let good = folder.read("var/sale.prom");
    let success = metric(&good, "rekon_last_success_timestamp_seconds").expect("a success");
    assert_eq!(metric(&good, "rekon_last_run_timestamp_seconds").as_ref(), Some(&success));
    for (name, value) in [
        ("rekon_exit_code", "0"),
        ("rekon_run_requests", "2"),
        ("rekon_run_throttles", "1"),
        ("rekon_in_doubt_orders", "0"),
    ] {
        assert_eq!(metric(&good, name).as_deref(), Some(value), "{name}\n{good}");
    }
    let state =
        "rekon_rows_rupiah{job=\"sale\",operation=\"create\",environment=\"simulator\",state=\"succeeded\"} 90000\n";
    assert!(good.contains(state), "{good}");

    folder.write("orders.csv", "invoice_number\n");
    exits(&folder.rekon(&["run", "job.yaml"]), 2);
    let bad = folder.read("var/sale.prom");
    assert_eq!(metric(&bad, "rekon_exit_code").as_deref(), Some("2"));
    assert_eq!(metric(&bad, "rekon_last_success_timestamp_seconds"), Some(success));
    assert_eq!(metric(&bad, "rekon_in_doubt_orders").as_deref(), Some("0"));
    let left: Vec<_> = std::fs::read_dir(folder.path("var")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing but the file is left");
}

#[test]
fn metrics_that_cannot_be_written_change_no_exit_code() {
    let (folder, _provider) = sale("output: {metrics: taken.prom}\n");
    std::fs::create_dir(folder.path("taken.prom")).expect("a folder in its place");
    let ended = folder.rekon(&["run", "job.yaml", "--quiet"]);
    exits(&ended, 0);
    assert!(ended.stderr.contains("the metrics are not written"), "{}", ended.stderr);
}

#[test]
fn two_jobs_with_one_file_are_told() {
    let (folder, _provider) = sale("output: {metrics: sale.prom}\n");
    folder.write("sale.prom", "rekon_exit_code{job=\"other\",operation=\"create\",environment=\"simulator\"} 0\n");
    let ended = folder.rekon(&["run", "job.yaml", "--quiet"]);
    exits(&ended, 0);
    assert!(ended.stderr.contains("sale.prom: held the metrics of another job"), "{}", ended.stderr);
}

// Health check.

/// A service on loopback that notes which paths are asked for; one that hangs never answers.
struct Service {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Answers,
    Hangs,
}

impl Service {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}/canary-of-the-check", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut line = String::new();
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                reader.read_line(&mut line).expect("a request");
                notes.lock().expect("nobody panics with it").push(line.trim_end().to_owned());
                if manner == Manner::Hangs {
                    kept.push(stream);
                } else {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
                }
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics with it").clone()
    }
}

fn run_checked(folder: &Folder, url: &str, arguments: &[&str]) -> Ended {
    let mut command = folder.command(arguments);
    command.env("HC_URL", url);
    let ended = ended(command);
    let (stdout, stderr) = (&ended.stdout, &ended.stderr);
    assert!(!format!("{stdout}{stderr}").contains("canary-of-the-check"), "the URL was told:\n{stdout}{stderr}");
    ended
}

const CHECKED: &str = "healthcheck: {url: env:HC_URL}\n";

#[test]
fn a_health_check_hears_of_the_beginning_and_of_the_end() {
    let (folder, _provider) = sale(CHECKED);
    let service = Service::start(Manner::Answers);
    let get = |path: &str| format!("GET /canary-of-the-check{path} HTTP/1.1");
    for quiet in ["plan", "check"] {
        exits(&run_checked(&folder, &service.url, &[quiet, "job.yaml"]), 0);
    }
    assert_eq!(service.heard(), Vec::<String>::new());
    let ended = run_checked(&folder, &service.url, &["run", "job.yaml", "--quiet"]);
    exits(&ended, 0);
    assert_eq!((service.heard(), ended.stderr.as_str()), (vec![get("/start"), get("")], ""));
    folder.write("orders.csv", "invoice_number\n");
    exits(&run_checked(&folder, &service.url, &["run", "job.yaml"]), 2);
    assert_eq!(service.heard()[2..], [get("/start"), get("/2")]);
}

#[test]
fn a_run_that_is_stopped_before_it_has_begun_is_told_as_one_that_has_ended() {
    let (folder, _provider) = sale(&format!("{CHECKED}output: {{metrics: sale.prom}}\n"));
    let (service, silent) = (Service::start(Manner::Answers), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let journal = format!("postgres://postgres@{}/journal", silent.local_addr().expect("an address"));
    let mut command = folder.command(&["run", "job.yaml", "--log-format", "json", "--journal", &journal]);
    command.env("HC_URL", &service.url);
    let running = Background::start(command);
    let _asks = silent.accept().expect("it asks for its journal");
    running.signal("TERM");
    let ended = running.end();
    exits(&ended, 4);
    let last = log_lines(&ended.stderr).pop().expect("a line");
    assert_eq!((&last["event"], &last["fields"]["exit_code"]), (&"run_ends".into(), &4.into()));
    assert_eq!(metric(&folder.read("sale.prom"), "rekon_exit_code").as_deref(), Some("4"));
    let get = |path: &str| format!("GET /canary-of-the-check{path} HTTP/1.1");
    assert_eq!(service.heard(), [get("/start"), get("/4")]);
}

#[test]
fn a_health_check_that_is_ill_is_a_warning_and_nothing_more() {
    let nobody = Nobody::new();
    let hanging = Service::start(Manner::Hangs);
    let cases = [
        (format!("{}/canary-of-the-check", nobody.url), "the health check was not told of the end of the run"),
        (hanging.url.clone(), "the health check was not told of the end of the run: no answer within 5 s"),
        ("http://hc.example/canary-of-the-check".to_owned(), "healthcheck.url: what it names is not an https URL"),
        (String::new(), "the environment variable HC_URL is not set; the run goes on without its health check"),
    ];
    for (url, expected) in cases {
        let (folder, provider) = sale(CHECKED);
        let ended = run_checked(&folder, &url, &["run", "job.yaml", "--quiet"]);
        exits(&ended, 0);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        assert_eq!(provider.requests(), 2);
    }
}

// Schedules.

/// The job of the examples in a folder that no file system keeps for passing things.
fn deployed() -> (tempfile::TempDir, String) {
    deployed_in(Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// The same in a folder of this one.
fn deployed_in(folder: &Path) -> (tempfile::TempDir, String) {
    let root = tempfile::tempdir_in(folder).expect("a folder");
    let jobs = root.path().join("srv/rekon/jobs");
    std::fs::create_dir_all(&jobs).expect("a folder");
    std::fs::copy(repository("examples/deploy/refund-nightly.yaml"), jobs.join("refund-nightly.yaml")).expect("a copy");
    let path = root.path().to_string_lossy().into_owned();
    (root, path)
}

fn schedule(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let job = folder.join("srv/rekon/jobs/refund-nightly.yaml");
    let mut all = vec!["schedule", job.to_str().expect("text"), "--json"];
    all.extend(arguments);
    let mut command = bare(env!("CARGO_BIN_EXE_rekon"));
    command.args(all).current_dir("/");
    let ended = ended(command);
    exits(&ended, 0);
    serde_json::from_str(&ended.stdout).expect("one document")
}

#[test]
fn the_examples_are_what_the_command_prints() {
    // Where no path needs quotes, whatever the path of this clone has in it.
    let (root, path) = deployed_in(Path::new("/tmp"));
    let program = ["--program", "/usr/local/bin/rekon"];
    let systemd = schedule(root.path(), &[&["--format", "systemd"][..], &program].concat());
    let cron = schedule(root.path(), &[&["--format", "cron", "--machine-zone", "UTC"][..], &program].concat());
    let left_out = "# PrivateTmp= is left out: the job works in a temporary folder.\n";
    for (printed, example) in [
        (&systemd["files"]["rekon-refund-nightly.service"], "rekon.service"),
        (&systemd["files"]["rekon-refund-nightly.timer"], "rekon.timer"),
        (&systemd["files"]["rekon-alert@.service"], "rekon-alert@.service"),
        (&cron["files"]["crontab"], "crontab"),
        (&systemd["environment"], "refund-nightly.env.example"),
    ] {
        let printed = printed.as_str().expect("a text").replace(&path, "").replace(left_out, "PrivateTmp=yes\n");
        let example = repository("examples/deploy").join(example);
        if std::env::var_os("REKON_BLESS").is_some() {
            std::fs::write(&example, &printed).expect("it is written");
        }
        assert_eq!(printed, std::fs::read_to_string(&example).expect("the example"), "{}", example.display());
    }
}

#[test]
fn systemd_takes_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let (root, _) = deployed();
    let units = schedule(root.path(), &["--format", "systemd"]);
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no"]);
    for (name, text) in units["files"].as_object().expect("a map") {
        let path = root.path().join(name);
        std::fs::write(&path, text.as_str().expect("a text")).expect("a file");
        // Whatever the umask is here: a unit that all may write to is complained about.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its owner's");
        if name != "rekon-alert@.service" {
            command.arg(path);
        }
    }
    let said = ended(command);
    let ours: Vec<&str> = said.stderr.lines().filter(|line| line.contains("rekon-")).collect();
    assert!(said.code == Some(0) && ours.is_empty(), "{}", said.stderr);
}

#[test]
fn the_line_of_cron_runs_again_after_the_codes_that_ask_for_it_and_tells_of_the_others() {
    let (root, path) = deployed();
    let program = root.path().join("rekon's own");
    let codes = root.path().join("codes");
    let script = format!(
        "#!/bin/sh\necho ran \"$@\"\nread code rest <'{0}'\necho \"$rest\" >'{0}'\nexit $code\n",
        codes.display()
    );
    std::fs::write(&program, script).expect("a script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
    let printed = schedule(
        root.path(),
        &["--format", "cron", "--machine-zone", "UTC", "--program", program.to_str().expect("text")],
    );
    let text = printed["files"]["crontab"].as_str().expect("a text");
    let line = text.lines().last().expect("a line");
    let command = line.strip_prefix("45 17 * * * ").expect("00:45 WIB is 17:45 UTC").replace("\\%", "%");
    let command = command.replace("sleep 600", "sleep 0").replace("/etc/rekon/refund-nightly.env", "/dev/null");
    for (given, runs, told) in [
        ("0", 1, ""),
        ("3 4 0", 3, ""),
        ("5 1", 2, "exit code 5, then 1\n"),
        ("3 2", 2, "exit code 3, then 2\n"),
        ("2", 1, "exit code 2\n"),
        ("3 3 3 3 3", 4, "exit code 3, then 3, then 3, then 3\n"),
    ] {
        let log = format!("{path}/srv/rekon/var/refund-nightly.log");
        let _ = std::fs::remove_file(&log);
        std::fs::write(&codes, format!("{given}\n")).expect("a file");
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir("/");
        let said = ended(shell);
        let log = std::fs::read_to_string(&log).expect("a log");
        assert_eq!(log.lines().count(), runs, "{given}: {log}{}", said.stderr);
        assert!(log.lines().all(|line| line.ends_with("/refund-nightly.yaml --live")), "{log}");
        assert!(if told.is_empty() { said.stdout.is_empty() } else { said.stdout.ends_with(told) }, "{}", said.stdout);
    }
}

#[test]
fn a_schedule_names_the_plan_of_the_day_from_the_root() {
    let (root, _) = deployed();
    for (format, file, percent) in [("cron", "crontab", "\\%"), ("systemd", "rekon-refund-nightly.service", "%%")] {
        let arguments = [
            "--format",
            format,
            "--machine-zone",
            "UTC",
            "--plan",
            "plans/{date:%Y%m%d}.json",
            "--program",
            "/bin/rekon",
        ];
        let printed = schedule(root.path(), &arguments);
        let text = printed["files"][file].as_str().expect("a text");
        let named = format!("/plans/{{date:{percent}Y{percent}m{percent}d}}.json");
        assert!(text.contains(" --live --plan ") && text.contains(&named), "{text}");
    }
}

#[test]
fn a_schedule_that_nobody_could_keep_is_refused() {
    let (root, _) = deployed();
    let job = root.path().join("srv/rekon/jobs/refund-nightly.yaml");
    for arguments in [
        &["--format", "at"][..],
        &["--format", "cron", "--at", "25:00"],
        &["--format", "cron", "--machine-zone", "Mars"],
        &["--format", "systemd", "--zone", "UTC"],
        &["--format", "systemd", "--user", "a b"],
        &["--format", "systemd", "--plan", "plans/{date:%H}.json"],
        &["--format", "systemd", "--at", "04:30"],
        &["--format", "systemd", "--at", "18:30", "--zone", "WIT"],
    ] {
        let mut command = bare(env!("CARGO_BIN_EXE_rekon"));
        command.arg("schedule").arg(&job).args(arguments);
        exits(&ended(command), 2);
    }
}
