//! A month with planted breaks, made by `examples/make_month`, audited by the program: it finds what was planted, all of it
//! and nothing else, in whatever order and form the files come.

#[path = "../../examples/make_month/month/mod.rs"]
pub(crate) mod generator;

use std::fs::File;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use generator::Month;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{column, rows};
use crate::support::{entries, rekon};

/// What the program says about a month.
struct Audited {
    code: i32,
    summary: Value,
    reconciliation: String,
    unmatched: String,
}

fn made(month: Month) -> (TempDir, Value) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let planted = month.write(folder.path()).expect("a month");
    (folder, planted.json())
}

fn audited(folder: &Path) -> Audited {
    let ran = rekon(folder, &["reconcile", "job.yaml", "--as-of", "2026-11-30T17:00:00Z", "--quiet", "--json"], &[]);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).expect("a document on stdout");
    let read = |name: &str| {
        let path = summary["files"][name].as_str().unwrap_or_else(|| panic!("{name} is written"));
        std::fs::read_to_string(folder.join(path)).expect(name)
    };
    let (reconciliation, unmatched) = (read("reconciliation.csv"), read("unmatched.csv"));
    Audited { code: ran.code, summary, reconciliation, unmatched }
}

/// The lines of a text in the order of the alphabet.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Everything in a summary that says how much of what there is.
const TOTALS: [&str; 6] = ["rows", "states", "verdicts", "unmatched", "in_doubt", "identity"];

fn totals(audited: &Audited) -> Vec<&Value> {
    TOTALS.iter().map(|name| &audited.summary[name]).collect()
}

/// What is said about the lines that prove nothing, without the place where they stand.
fn without_places(unmatched: &str) -> Vec<String> {
    let rows = rows(unmatched).into_iter().map(|mut row| {
        row.remove("file");
        // Where a torn line begins is a place too.
        row.remove("line").and(row.get_mut("status")).filter(|status| status.starts_with("torn")).map(String::clear);
        format!("{row:?}")
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort_unstable();
    rows
}

/// Audits a month, and holds everything that is found against what was planted.
fn finds_what_was_planted(month: Month) {
    let (folder, planted) = made(month);
    let audited = audited(folder.path());
    for name in ["rows", "states", "verdicts"] {
        assert_eq!(audited.summary[name], planted[name], "{name} of {month:?}");
    }
    for (reason, tally) in audited.summary["unmatched"].as_object().expect("tallies by reason") {
        assert_eq!(*tally, planted["unmatched"][reason], "{reason} of {month:?}");
    }
    assert_eq!(audited.summary["identity"]["holds"], true);
    assert_eq!(audited.summary["identity"]["repeated"], planted["repeated"]);
    assert_eq!(i64::from(audited.code), planted["exit_code"]);
    let duplicates = column(&rows(&audited.reconciliation), "duplicates");
    let duplicates: u64 = duplicates.iter().map(|count| count.parse::<u64>().expect("a count")).sum();
    assert_eq!(planted["duplicates"], duplicates);
}

#[test]
fn an_audit_finds_exactly_what_was_planted() {
    for seed in [7, 8] {
        finds_what_was_planted(Month { seed, ..Month::default() });
    }
}

#[test]
fn notifications_find_their_order_by_weaker_ties_too_unless_several_could_be_meant() {
    finds_what_was_planted(Month { weak_ties: true, ..Month::default() });
}

#[test]
fn what_was_signed_with_the_key_before_is_proof_if_the_job_names_it() {
    finds_what_was_planted(Month { rotated: true, ..Month::default() });
}

#[test]
fn every_kind_of_break_is_planted() {
    let (_folder, planted) = made(Month::default());
    for part in ["verdicts", "verdicts_if_signatures_are_believed", "unmatched"] {
        let tallies = planted[part].as_object().expect("tallies by name");
        let absent: Vec<&String> =
            tallies.iter().filter(|(_, tally)| tally["count"] == 0).map(|(name, _)| name).collect();
        let expected: &[&str] = if part == "unmatched" { &["ambiguous", "outside_period"] } else { &[] };
        assert_eq!(absent, expected, "{part}");
    }
    assert_ne!(planted["verdicts"], planted["verdicts_if_signatures_are_believed"]);
}

#[test]
fn the_order_of_rows_and_lines_changes_nothing() {
    let (straight, planted) = made(Month::default());
    let (shuffled, same) = made(Month { shuffle: Some(3), ..Month::default() });
    assert_eq!(planted, same);
    for name in ["orders.csv", "results.csv", "notifications.jsonl"] {
        let [left, right] =
            [&straight, &shuffled].map(|folder| std::fs::read_to_string(folder.path().join(name)).expect(name));
        assert_ne!(left, right, "{name} is shuffled");
        // The log ends with a torn line, which has no line end to go by.
        let whole = |text: &str| text.rsplit_once('\n').map(|(lines, _)| lines.to_owned()).unwrap_or_default();
        assert_eq!(sorted(&whole(&left)), sorted(&whole(&right)), "{name} has the same lines");
    }
    let [left, right] = [&straight, &shuffled].map(|folder| audited(folder.path()));
    assert_eq!(sorted(&left.reconciliation), sorted(&right.reconciliation));
    assert_eq!(without_places(&left.unmatched), without_places(&right.unmatched));
    assert_eq!(totals(&left), totals(&right));
    assert_eq!(left.code, right.code);
}

#[test]
fn a_log_that_is_given_twice_changes_nothing() {
    let (folder, _) = made(Month::default());
    let once = audited(folder.path());
    // The glob of the job takes it too, as it would take a rotated copy.
    let copy = folder.path().join("notifications.jsonl.1");
    std::fs::copy(folder.path().join("notifications.jsonl"), copy).expect("a copy");
    let twice = audited(folder.path());
    assert_eq!(once.reconciliation, twice.reconciliation);
    assert_eq!(without_places(&once.unmatched), without_places(&twice.unmatched));
    assert_eq!((totals(&once), once.code), (totals(&twice), twice.code));
}

#[test]
fn compressed_files_say_the_same() {
    let (folder, _) = made(Month::default());
    let plain = audited(folder.path());
    let job = std::fs::read_to_string(folder.path().join("job.yaml")).expect("the job");
    for extension in ["gz", "zst"] {
        let compressed = tempfile::tempdir().expect("a temporary folder");
        for path in entries(folder.path()).into_iter().filter(|path| path.is_file()) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "csv" || extension == "jsonl") {
                compress(&path, &compressed.path().join(format!("{name}.{extension}")));
            }
        }
        let job = job.replace("file: orders.csv", &format!("file: orders.csv.{extension}"));
        std::fs::write(compressed.path().join("job.yaml"), job).expect("a job");
        let same = audited(compressed.path());
        assert_eq!(plain.reconciliation, same.reconciliation, "{extension}");
        let name = format!("notifications.jsonl.{extension}");
        assert_eq!(plain.unmatched, same.unmatched.replace(&name, "notifications.jsonl"), "{extension}");
        assert_eq!((totals(&plain), plain.code), (totals(&same), same.code), "{extension}");
    }
}

fn compress(from: &Path, to: &Path) {
    let bytes = std::fs::read(from).expect("a file");
    if to.extension().is_some_and(|extension| extension == "zst") {
        std::fs::write(to, compress_to_vec(bytes.as_slice(), CompressionLevel::Fastest)).expect("a file");
    } else {
        let mut encoder = GzEncoder::new(File::create(to).expect("a file"), Compression::fast());
        std::io::Write::write_all(&mut encoder, &bytes).expect("a compressed file");
        encoder.finish().expect("a compressed file");
    }
}
