//! `rekon doctor`: every fault made by hand is named with its remedy, and looking changes nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use rekon::edge::environment::zone;
use rekon::model::time::{after, wire};
use rekon::simulator::{CLIENT_ID, SECRET_KEY};

use crate::process::{Ended, Folder, Nobody, Provider, Told, bare, ended, exits, notification_body, now};

const SECRET: &str = "SK-doctor-must-not-be-seen";

fn job(operation: &str, more: &str) -> String {
    format!(
        "job: night\noperation: {operation}\norders: {{rows: [{{invoice_number: INV-1, amount: 90000}}]}}\n\
         guards: {{max_orders: 1, max_total: 90000}}\n{more}\n"
    )
}

/// A job of the simulator at a URL.
fn at(url: &str) -> String {
    job("refund", &format!("merchant: {{environment: simulator, base_url: \"{url}\"}}"))
}

/// Examines a job; every check by its name, with its level, what was found, and the remedy.
fn examined(folder: &Folder, job: &str, more: &[&str], code: i32) -> BTreeMap<String, (String, String)> {
    folder.write("job.yaml", job);
    let mut command = folder.command(&[&["doctor", "job.yaml", "--json"], more].concat());
    command.env("DOCTOR_SECRET", SECRET).env("DOCTOR_ID", CLIENT_ID);
    checks_of(&ended(command), code)
}

/// The checks of one that has looked.
fn checks_of(ran: &Ended, code: i32) -> BTreeMap<String, (String, String)> {
    assert_eq!(ran.code, Some(code), "{}\n{}", ran.stdout, ran.stderr);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    assert_eq!(document["exit_code"], code);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().expect("a list").iter().map(|check| {
        let is_fine = check["level"] == "ok";
        assert_eq!(check["remedy"].is_null(), is_fine, "a remedy for what is not fine: {check}");
        (text(&check["check"]), (text(&check["level"]), text(&check["found"])))
    });
    checks.collect()
}

/// The same command where a process may have 500 files open.
fn short_of_files(command: &Command) -> Command {
    let mut short = bare("sh");
    short.args(["-c", "ulimit -n 500 && exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    short.current_dir(command.get_current_dir().expect("a folder"));
    short
}

/// The checks of a level, without the one that is the machine's own: where `/etc/localtime` is no link, its zone is not known.
fn levels(checks: &BTreeMap<String, (String, String)>, level: &str) -> Vec<String> {
    let of_level = checks.iter().filter(|(name, (is, _))| is == level && *name != "time zones");
    of_level.map(|(name, _)| name.clone()).collect()
}

/// A host that answers everything with these header lines, as they are then.
fn host(headers: impl Fn() -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    // It ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
            let read = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            // Who only connects and hangs up gets nothing.
            if read > 0 {
                let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n";
                let _ = write!(stream, "{head}{}\r\n", headers());
            }
        }
    });
    url
}

#[test]
fn a_first_job_is_well_and_nothing_is_left_behind() {
    let folder = Folder::new();
    folder.rekon(&["init", "refund"]);
    let before = folder.snapshot();
    let ran = folder.rekon(&["doctor", "refund.yaml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    let end = if zone().is_some() { "all is well\n" } else { "1 warning: a run would start\n" };
    assert!(ran.stdout.ends_with(end), "{}", ran.stdout);
    assert_eq!(folder.snapshot(), before);
}

#[test]
fn a_provider_is_asked_for_its_head_only_and_not_at_all_offline() {
    let (folder, provider) = (Folder::new(), Provider::start("{}"));
    let keys = "merchant: {environment: simulator, client_id: env:DOCTOR_ID, secret_key: env:DOCTOR_SECRET, base_url: ";
    let job = job("refund", &format!("{keys}\"{}\"}}", provider.url()));
    examined(&folder, &job, &["--offline"], 0);
    assert_eq!(provider.requests(), 0);
    let checks = examined(&folder, &job, &[], 0);
    assert_eq!(checks["provider"].0, "ok");
    assert_eq!(checks["clock"].0, "ok");
    assert_eq!(provider.ledger(), []);
    assert!(!format!("{checks:?}").contains(SECRET) && checks["credentials"].1.contains("1 secret key"));
}

#[test]
fn what_keeps_a_run_from_starting_is_named_all_at_once() {
    let (folder, nobody) = (Folder::new(), Nobody::new());
    folder.write("out", "a file where the folder should be");
    folder.write("broken/journal.db", "no database at all, but as long as the first page of one would have to be");
    let job = job(
        "refund",
        &format!(
            "merchant: {{environment: simulator, client_id: env:DOCTOR_NOT_SET, secret_key: file:no.key, base_url: \"{}\"}}\n\
             limits: {{concurrency: 1024}}\njournal: broken/journal.db\nnotifications: {{files: [no.jsonl]}}",
            nobody.url
        ),
    );
    folder.write("job.yaml", &job);
    let checks = checks_of(&ended(short_of_files(&folder.command(&["doctor", "job.yaml", "--json"]))), 2);
    let expected = ["credentials", "journal", "notifications", "open files", "output folder", "provider"];
    assert_eq!(levels(&checks, "fault"), expected);
    assert!(checks["provider"].1.contains("TCP: no connection to 127.0.0.1:"), "{checks:?}");
    let ran = ended(short_of_files(&folder.command(&["doctor", "job.yaml", "--offline"])));
    for text in ["DOCTOR_NOT_SET is not set", "the file no.key cannot be read", "out is in the way", "6 faults"] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
}

#[test]
fn a_job_that_cannot_be_read_is_a_fault_and_the_others_are_looked_at() {
    let folder = Folder::new();
    folder.rekon(&["init", "refund"]);
    folder.write("bad.yaml", "job: x\noperaton: refund\n");
    let ran = folder.rekon(&["doctor", "bad.yaml", "refund.yaml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    for text in [
        "FAULT  job    bad.yaml:1:1: key \"operation\" is missing (and 3 more)",
        "rekon check bad.yaml",
        "none yet; the first run makes it",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
}

#[test]
fn a_clock_that_is_off_is_measured_against_the_providers() {
    let folder = Folder::new();
    let date = |seconds: i64| {
        let span = Duration::from_secs(seconds.unsigned_abs());
        let at = if seconds < 0 { now() - span } else { after(now(), span) };
        format!("Date: {}\r\n", at.format("%a, %d %b %Y %H:%M:%S GMT"))
    };
    for (seconds, code, level, words) in [
        (0, 0, "ok", "agrees"),
        (-30, 0, "warning", "ahead of"),
        (30, 0, "warning", "behind"),
        (-600, 2, "fault", "ahead of"),
        (600, 2, "fault", "more than 1m is too much"),
    ] {
        let checks = examined(&folder, &at(&host(move || date(seconds))), &[], code);
        assert_eq!(checks["clock"].0, level, "{seconds}: {checks:?}");
        assert!(checks["clock"].1.contains(words), "{seconds}: {checks:?}");
    }
    assert_eq!(examined(&folder, &at(&host(String::new)), &[], 0)["clock"].0, "warning");
}

#[test]
fn a_host_that_speaks_no_tls_is_told_from_one_that_is_not_there() {
    let folder = Folder::new();
    let url = host(String::new).replace("http://", "https://");
    let checks = examined(&folder, &at(&url), &[], 2);
    assert!(checks["provider"].1.contains(": TLS: "), "{checks:?}");
}

#[test]
fn a_runner_at_work_is_told_and_keeps_nothing_from_being_looked_at() {
    let folder = Folder::new();
    folder.rekon(&["init", "refund"]);
    assert_eq!(folder.rekon(&["run", "refund.yaml"]).code, Some(0));
    let job = folder.read("refund.yaml");
    let lock = File::open(folder.path(".rekon/journal.db.lock")).expect("the lock beside the journal");
    lock.lock().expect("nobody holds it");
    let checks = examined(&folder, &job, &[], 0);
    assert_eq!((levels(&checks, "warning"), checks["journal"].0.as_str()), (vec!["lock".to_owned()], "ok"));
}

/// A log whose lines are signed for the usual path.
fn log(folder: &Folder, path: Option<&str>, key: &str, hours: u64) {
    let received_at = wire(now() - Duration::from_secs(hours * 3600));
    let body = notification_body("INV-1", "90000", "SUCCESS", &received_at);
    let told = Told { received_at: &received_at, request_id: "n-1", client_id: CLIENT_ID, key, body: &body };
    let mut line = told.line();
    match path {
        Some(path) => line["path"] = path.into(),
        None => drop(line.as_object_mut().expect("a map").remove("path")),
    }
    folder.write("told.jsonl", &format!("{line}\n"));
}

#[test]
fn the_newest_lines_of_a_log_say_whether_key_and_path_are_right() {
    let folder = Folder::new();
    let usual = Some("/payments/notifications");
    let with = |operation: &str, path: &str| {
        job(
            operation,
            &format!("merchant: {{environment: simulator}}\nnotifications: {{files: [\"*.jsonl\"], path: {path}}}"),
        )
    };
    let look = |job: &str, code: i32| {
        let checks = examined(&folder, job, &[], code);
        (checks["notifications"].0.clone(), checks["notification path"].clone())
    };
    let (right, wrong) = ("/payments/notifications", "/hook");
    log(&folder, usual, SECRET_KEY, 1);
    let (age, path) = look(&with("cancel", right), 0);
    assert_eq!((age.as_str(), path.0.as_str()), ("ok", "ok"), "{path:?}");
    let (_, path) = look(&with("cancel", wrong), 0);
    assert!(
        path.0 == "warning" && path.1.contains("DOKU signs for /payments/notifications, and the job says /hook"),
        "{path:?}"
    );
    log(&folder, None, SECRET_KEY, 30);
    let (age, path) = look(&with("cancel", right), 0);
    assert_eq!((age.as_str(), path.0.as_str()), ("warning", "ok"), "{path:?}");
    // Without its own path a line needs the job's; a cancel that looks for payments must not run blind.
    for (operation, code, level) in [("cancel", 2, "fault"), ("refund", 0, "warning")] {
        let (_, path) = look(&with(operation, wrong), code);
        assert!(path.0 == level && path.1.contains("/hook is not what DOKU signs"), "{path:?}");
    }
    log(&folder, usual, "SK-another", 1);
    assert!(look(&with("refund", right), 0).1.1.contains("the key is another one"));
}

#[test]
fn a_journal_of_an_earlier_version_is_no_fault() {
    let folder = Folder::new();
    exits(&folder.rekon(&["init", "refund"]), 0);
    exits(&folder.rekon(&["run", "refund.yaml"]), 0);
    let (path, version) = (folder.path(".rekon/journal.db"), 60..64);
    let mut bytes = std::fs::read(&path).expect("the journal");
    // The file format has the version of the tables there.
    bytes[version].copy_from_slice(&3_i32.to_be_bytes());
    std::fs::write(&path, bytes).expect("it is written");
    let looked = folder.rekon(&["doctor", "refund.yaml"]);
    exits(&looked, 0);
    assert!(
        looked.stdout.contains("its tables have version 3; the next run, or rekon resolve JOB, carries it over to 4"),
        "{}",
        looked.stdout
    );
}

#[test]
fn orders_that_are_not_there_yet_are_warned_of() {
    let folder = Folder::new();
    exits(&folder.rekon(&["init", "refund"]), 0);
    std::fs::remove_file(folder.path("refunds.csv")).expect("it was there");
    let looked = folder.rekon(&["doctor", "refund.yaml"]);
    exits(&looked, 0);
    assert!(looked.stdout.contains("refunds.csv is no file"), "{}", looked.stdout);
}
