//! Whole jobs as folders: what goes in stands in `tests/cases/<name>/`, what must come out in its `expected/`.
//!
//! A case runs the real binary in a copy of its folder and compares whole texts, after run ids, the present time and the
//! test's own folder have been replaced by words. Besides the files of `DESIGN` 6 there are `summary.txt` (stdout),
//! `messages.txt` (stderr, if any), `exit` and `effects.txt`: what happened at the simulator, by its own ledger.
//! `REKON_BLESS=1` writes the expectations; read every figure of them before you keep them.
//!
//! Files of a case: `job.yaml`; `orders.csv`; `scenario.yaml`, the simulator's state; `args`, if it is not `run job.yaml`;
//! `notifications.csv`, of which a signed notification log is made, so that nobody has to sign by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rekon::model::time::{Timestamp, parse_instant, wire};
use rekon::simulator::{CLIENT_ID, Entry, SECRET_KEY};

use crate::process::{Folder, Told, notification_body, now, rows};

macro_rules! cases {
    ($($name:ident: $folder:literal,)*) => {
        $(#[test]
        fn $name() {
            check($folder);
        })*

        /// The folders that a test names.
        const NAMED: &[&str] = &[$($folder),*];
    };
}

cases! {
    paid_orders_are_refunded: "refund-happy",
    every_scripted_fault_ends_in_exactly_one_refund: "refund-faults",
    what_was_never_paid_is_not_refunded: "refund-refused",
    a_refund_that_exists_already_is_not_ours: "refund-already-done",
    what_was_not_seen_paid_is_held: "refund-require-paid",
    duplicates_that_agree_are_one_order: "refund-duplicates",
    rows_that_are_not_meant_are_skipped_with_the_reason: "refund-where",
    bad_rows_may_be_left_out: "refund-skip-invalid",
    amounts_may_be_written_the_indonesian_way: "refund-amounts-id",
    times_may_be_written_the_indonesian_way: "cancel-times-id",
    a_handful_of_orders_may_stand_in_the_job: "refund-inline-rows",
    guards_show_their_headroom_and_hold_what_is_too_dear: "refund-guards",
    what_is_left_unknown_is_money_in_doubt: "refund-unknown",
    an_ill_provider_opens_the_breaker: "refund-breaker",
    what_is_throttled_to_the_end_was_not_attempted: "refund-throttled",
    pending_orders_are_cancelled: "cancel-happy",
    a_paid_order_is_not_cancelled: "cancel-refused",
    what_was_seen_paid_is_held_back_from_cancelling: "cancel-refuse-paid",
    an_order_paid_after_its_cancel_needs_a_person: "cancel-paid-after",
    orders_with_several_line_items_are_created: "create-happy",
    a_creation_may_be_refused: "create-refused",
    an_audit_gives_every_verdict_and_names_every_stray_line: "audit-everything",
    an_audit_of_a_day_leaves_out_what_is_of_other_days: "audit-period",
    what_is_waited_for_has_its_age: "audit-ageing",
    a_verdict_may_be_less_than_an_error: "audit-severity-lowered",
    a_verdict_may_be_worse_than_usual: "audit-severity-raised",
    weaker_ties_are_labelled_and_several_candidates_are_none: "audit-ties",
    results_that_contradict_the_book_or_each_other_are_named: "audit-own-results",
}

#[test]
fn every_case_folder_has_a_test() {
    let folders = std::fs::read_dir(cases()).expect("tests/cases");
    let found: BTreeSet<String> =
        folders.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    assert_eq!(found, NAMED.iter().map(|name| (*name).to_owned()).collect());
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn check(name: &str) {
    let case = cases().join(name);
    let folder = Folder::new();
    prepare(&case, &folder);
    let since = now() - chrono::Duration::seconds(2);
    let arguments = std::fs::read_to_string(case.join("args")).unwrap_or_else(|_| "run job.yaml".into());
    let ended = folder.rekon(&arguments.split_whitespace().collect::<Vec<_>>());
    let mut found = BTreeMap::from([
        ("summary.txt", ended.stdout),
        ("messages.txt", without_heartbeat(&ended.stderr)),
        ("exit", format!("{}\n", ended.code.expect("no signal ended it"))),
        ("effects.txt", effects(&folder)),
    ]);
    let job = job_name(&folder);
    let is_audit = folder.read("job.yaml").contains("operation: audit");
    for file in ["results.csv", "reconciliation.csv", "unmatched.csv", "actions.csv", "days.csv"] {
        let run = folder.runs(&job).pop().expect("a run");
        if folder.path(&format!("out/{job}/{run}/{file}")).exists() {
            found.insert(file, folder.out(&job, file));
        }
    }
    // The day of a run is today; and mostly nothing is left to do.
    found.retain(|file, _| *file != "days.csv" || is_audit);
    found.retain(|file, text| *file != "actions.csv" || text.lines().count() > 1);
    assert_eq!(folder.summary(&job)["identity"]["holds"], true, "the closing identity holds");
    found.retain(|_, text| !text.is_empty());
    let found: BTreeMap<&str, String> = found.iter().map(|(file, text)| (*file, normal(text, since))).collect();
    compare(&case.join("expected"), &found);
}

/// What was told, without how fast it went.
fn without_heartbeat(stderr: &str) -> String {
    stderr.split_inclusive('\n').filter(|line| !line.starts_with("progress ")).collect()
}

/// Copies what goes in, and makes the notification log.
fn prepare(case: &Path, folder: &Folder) {
    for entry in std::fs::read_dir(case).expect("the case's folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            std::fs::copy(&path, folder.path(path.file_name().and_then(|name| name.to_str()).expect("a name")))
                .expect("a copy");
        }
    }
    if let Ok(told) = std::fs::read_to_string(case.join("notifications.csv")) {
        folder.write("notifications.jsonl", &notification_log(&told));
    }
}

/// A log of which `notifications.csv` has a row per line. `received_at` may be `now`; `form` says what is special. Columns
/// `original_request_id` and `payment_reference` may say what the line has instead of the usual.
fn notification_log(told: &str) -> String {
    let mut log = String::new();
    for row in rows(told) {
        let invoice = &row["invoice_number"];
        let mut body = notification_body(invoice, &row["amount"], &row["status"], &row["date"]);
        for (column, key, usual) in [
            ("original_request_id", "original_request_id", format!("creation-{invoice}")),
            ("payment_reference", "merchant_unique_reference", invoice.clone()),
        ] {
            let Some(text) = row.get(column) else { continue };
            body = body.replace(&format!("\"{key}\":\"{usual}\""), &format!("\"{key}\":\"{text}\""));
        }
        let (client_id, key) = match row["form"].as_str() {
            "other_client" => ("MCH-0002-SOMEBODY", "SK-of-somebody"),
            "wrong_key" => (CLIENT_ID, "SK-of-a-forger"),
            _ => (CLIENT_ID, SECRET_KEY),
        };
        let received_at = if row["received_at"] == "now" { wire(now()) } else { row["received_at"].clone() };
        let (received_at, request_id) = (received_at.as_str(), &row["request_id"]);
        let mut line = Told { received_at, request_id, client_id, key, body: &body }.line();
        match row["form"].as_str() {
            "signed" | "other_client" | "wrong_key" => {}
            "no_headers" => line["headers"] = serde_json::Value::Null,
            "body_as_object" => line["body"] = serde_json::from_str(&body).expect("JSON"),
            "not_json" => line = "Connection from 10.0.0.7".into(),
            "torn" => {
                let text = line.to_string();
                log.push_str(&text[..text.len() / 2]);
                continue;
            }
            other => panic!("form {other}"),
        }
        writeln!(log, "{line}").expect("a string takes everything");
    }
    log
}

fn job_name(folder: &Folder) -> String {
    let job = folder.read("job.yaml");
    let name = job.lines().find_map(|line| line.strip_prefix("job: ")).expect("the job has a name");
    name.to_owned()
}

/// What happened at the simulator, and that nothing happened twice.
fn effects(folder: &Folder) -> String {
    let ledger = format!(".rekon/simulator/{}-ledger.jsonl", job_name(folder));
    let Ok(ledger) = std::fs::read_to_string(folder.path(&ledger)) else { return String::new() };
    let mut effects = Vec::new();
    for line in ledger.lines() {
        match serde_json::from_str(line).expect("a line of a ledger") {
            Entry::Effect(effect) => {
                effects.push(format!("{} {} {}\n", effect.operation, effect.invoice_number, effect.amount));
            }
            Entry::Answer(_) | Entry::Payment(_) => {}
            Entry::Violation(violation) => panic!("{violation:?}"),
        }
    }
    effects.sort();
    let distinct: BTreeSet<&String> = effects.iter().collect();
    assert_eq!(distinct.len(), effects.len(), "nothing happens twice: {effects:?}");
    effects.concat()
}

/// The text with words in place of run ids and of times that are not older than the test.
fn normal(text: &str, since: Timestamp) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, word) = if let Some(length) = length_of_time(rest, since) {
            (length, "<now>")
        } else if let Some(length) = length_of_run(rest, since) {
            (length, "<run>")
        } else {
            (first.len_utf8(), &rest[..first.len_utf8()])
        };
        out.push_str(word);
        rest = &rest[length..];
    }
    out
}

/// `2026-11-22T08:35:12Z`, if it is not before `since`.
fn length_of_time(text: &str, since: Timestamp) -> Option<usize> {
    let form = text.get(.."2026-11-22T08:35:12Z".len())?;
    parse_instant(form).filter(|time| form.ends_with('Z') && *time >= since).map(|_| form.len())
}

/// `20261122-153512-0001`, or with eight letters and digits at its end, if it is not before `since`.
fn length_of_run(text: &str, since: Timestamp) -> Option<usize> {
    let (day, rest) = text.split_once('-').filter(|(day, _)| day.len() == 8)?;
    let (time, rest) = rest.split_once('-').filter(|(time, _)| time.len() == 6)?;
    parse_instant(&format!("{day}{time}")).filter(|time| *time >= since)?;
    let end = rest.find(|end: char| !end.is_ascii_alphanumeric()).unwrap_or(rest.len());
    Some(day.len() + time.len() + end + 2)
}

/// Compares whole texts, or writes them.
fn compare(expected: &Path, found: &BTreeMap<&str, String>) {
    #[expect(clippy::disallowed_methods, reason = "the switch is for whoever runs the tests, not for the program")]
    let bless = std::env::var("REKON_BLESS").is_ok();
    if bless {
        std::fs::remove_dir_all(expected).ok();
        std::fs::create_dir_all(expected).expect("a folder");
        found.iter().for_each(|(file, text)| std::fs::write(expected.join(file), text).expect("a file"));
        return;
    }
    let files = std::fs::read_dir(expected).unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
    for entry in files {
        let path = entry.expect("an entry").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let text = std::fs::read_to_string(&path).expect("an expectation");
        let found = found.get(file).map(String::as_str).unwrap_or_default();
        assert!(found == text, "{}\n--- expected\n{text}\n--- found\n{found}", path.display());
    }
    for file in found.keys() {
        assert!(expected.join(file).exists(), "{file} came out, but is not expected:\n{}", found[file]);
    }
}
