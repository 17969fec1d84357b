//! Wrong input: each folder of `tests/faults` has an input and the exact text that the program says about it.
//!
//! A folder holds the files, `command` (left out: `check job.yaml`) and `expected.txt`, the whole of stderr; `before` may name
//! a command that makes a journal first. The exit code is always 2. With `REKON_BLESS=1` the texts are written instead of compared; read what you bless.
//!
//! The word `canary` stands for a secret: it is the key in the environment, and in some folders it is where no secret
//! should be. No output and no new file may hold it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{copy_of, entries, files, rekon, repository};

const KEYS: [(&str, &str); 2] =
    [("DOKU_CLIENT_ID", "BRN-0201-1718000000001"), ("DOKU_SECRET_KEY", "SK-canary0environment9f3c")];

const FEWEST_FOLDERS: usize = 160;

/// What is wrong with the folder's outcome; empty if nothing is.
fn complaints(folder: &Path, bless: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let copy = copy_of(folder);
    // Neither is input, and a command must not find them.
    for name in ["expected.txt", "command", "before"] {
        let _ = std::fs::remove_file(copy.path().join(name));
    }
    if let Ok(earlier) = std::fs::read_to_string(folder.join("before")) {
        let ran = rekon(copy.path(), &earlier.split_whitespace().collect::<Vec<_>>(), &KEYS);
        assert_eq!(ran.code, 0, "{}: {}", folder.display(), ran.stderr);
    }
    let before = files(copy.path());
    let command = std::fs::read_to_string(folder.join("command")).unwrap_or_else(|_| "check job.yaml".to_owned());
    let arguments: Vec<&str> = command.split_whitespace().collect();
    let ran = rekon(copy.path(), &arguments, &KEYS);
    if ran.code != 2 {
        wrong.push(format!("exit code {}, expected 2; it printed:\n{}", ran.code, ran.stdout));
    }
    let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap_or_default();
    if bless {
        std::fs::write(folder.join("expected.txt"), &ran.stderr).expect("the text is written");
    } else if ran.stderr != expected {
        wrong.push(format!("expected\n{expected}observed\n{}", ran.stderr));
    }
    if without_the_key(&format!("{}{}", ran.stdout, ran.stderr).to_lowercase()).contains("canary") {
        wrong.push(format!("a secret was shown:\n{}{}", ran.stdout, ran.stderr));
    }
    if ran.stderr.lines().count() < 2 || !ran.stderr.ends_with("nothing was sent\n") || ran.stderr.contains("panicked")
    {
        wrong.push(format!("no finding, followed by what became of the money:\n{}", ran.stderr));
    }
    wrong.extend(traces(copy.path(), &before, arguments[0]));
    wrong
}

/// A job has a key of that name, which is no secret.
fn without_the_key(text: &str) -> String {
    text.replace(" canary, window", "").replace("| canary: ", "").replace(": canary \"", "")
}

/// What the command has left behind that it should not have: anything but a journal without items, beside which the embedded
/// simulator keeps its own files; and only if the command was one that opens the journal to write.
fn traces(folder: &Path, before: &BTreeMap<String, Vec<u8>>, command: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut after = files(folder);
    for (name, content) in before {
        if after.remove(name).as_ref() != Some(content) {
            wrong.push(format!("{name} was changed"));
        }
    }
    let may_open_journal = matches!(command, "run" | "refund" | "cancel" | "create" | "resolve");
    for (name, content) in &after {
        let beside_journal =
            name.starts_with(".rekon/") || Path::new(name).extension().is_some_and(|extension| extension == "lock");
        // SQLite's own, which a reader makes and cannot take away.
        let of_reader = [".rekon/journal.db-shm", ".rekon/journal.db-wal"].contains(&name.as_str());
        let of_reader = of_reader && before.contains_key(".rekon/journal.db");
        if !(may_open_journal && beside_journal || of_reader) {
            wrong.push(format!("{name} was written"));
        }
        if String::from_utf8_lossy(content).contains("canary") {
            wrong.push(format!("{name} holds a secret"));
        }
    }
    if after.contains_key(".rekon/journal.db") {
        let journal = rusqlite::Connection::open(folder.join(".rekon/journal.db")).expect("a journal");
        for table in ["item", "attempt", "run", "run_row"] {
            let count = journal.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
            if count != Ok(0) {
                wrong.push(format!("the journal's table {table} has rows: {count:?}"));
            }
        }
    }
    wrong
}

#[test]
fn every_fault_is_told_exactly_and_leaves_no_trace() {
    let bless = std::env::var_os("REKON_BLESS").is_some_and(|value| value == "1");
    let folders = entries(&repository("tests/faults"));
    let report: Vec<String> = folders
        .iter()
        .flat_map(|folder| {
            complaints(folder, bless).into_iter().map(move |wrong| format!("{}: {wrong}", folder.display()))
        })
        .collect();
    assert!(report.is_empty(), "{}", report.join("\n"));
    assert!(folders.len() >= FEWEST_FOLDERS, "{} folders: were some lost?", folders.len());
}

/// Not about anything inside a file: what was typed, or a file that is not there.
const WITHOUT_A_PLACE: [&str; 6] = [
    "job_audit_sends_nothing",
    "job_is_a_folder",
    "job_live_outside_production",
    "job_not_there",
    "job_production_without_live",
    "job_state_not_there",
];

/// Whether a line begins with file, line and column.
fn is_placed(line: &str) -> bool {
    let mut parts = line.splitn(4, ':');
    let (_file, line, column) = (parts.next(), parts.next(), parts.next());
    let is_number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).is_some_and(|part| part > 0);
    is_number(line) && is_number(column) && parts.next().is_some_and(|message| message.starts_with(' '))
}

#[test]
fn every_fault_of_a_job_or_of_its_orders_has_file_line_and_column() {
    let mut unplaced = Vec::new();
    for folder in entries(&repository("tests/faults")) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        if !["job_", "csv_", "guard_", "key_"].iter().any(|about| name.starts_with(about)) {
            continue;
        }
        let told = std::fs::read_to_string(folder.join("expected.txt")).expect("a text");
        let faults = told.lines().filter(|line| !line.starts_with(' ') && !line.ends_with("nothing was sent"));
        if faults.into_iter().any(|line| !is_placed(line)) {
            unplaced.push(name);
        }
    }
    assert_eq!(unplaced, WITHOUT_A_PLACE);
}

#[test]
fn a_wrong_text_a_trace_and_a_secret_are_complained_about() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("job.yaml"), "job: SK-canary\n").unwrap();
    std::fs::write(folder.path().join("expected.txt"), "something else\n").unwrap();
    assert_eq!(complaints(folder.path(), false).len(), 1);

    let before = files(folder.path());
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(folder.path().join("out/results.csv"), "canary").unwrap();
    std::fs::write(folder.path().join("job.yaml"), "job: other\n").unwrap();
    let expected = ["job.yaml was changed", "out/results.csv was written", "out/results.csv holds a secret"];
    assert_eq!(traces(folder.path(), &before, "run"), expected);
}
