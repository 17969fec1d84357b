//! What the README and the jobs promise, done as it is typed, in a copy of what a fresh clone has.

use std::path::Path;

use crate::support::{Ran, copy_into, rekon, repository};

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).expect("README.md is there")
}

/// Job files and sample data, without what earlier runs left beside them.
pub(crate) fn fresh_clone() -> tempfile::TempDir {
    let clone = tempfile::tempdir().expect("a temporary folder");
    copy_into(&repository("examples/data"), &clone.path().join("examples/data"));
    std::fs::create_dir(clone.path().join("jobs")).expect("a folder");
    for entry in std::fs::read_dir(repository("jobs")).expect("jobs/ is there") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            std::fs::copy(&path, clone.path().join("jobs").join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    clone
}

fn run(clone: &Path, arguments: &[&str]) -> Ran {
    rekon(clone, arguments, &[])
}

/// Lines of the summary that begin like this, with their figures.
fn figures<'a>(ran: &'a Ran, names: &[&str]) -> Vec<&'a str> {
    let summary = ran.stdout.split(" · run ").nth(1).unwrap_or_default();
    let wanted = |line: &&str| names.iter().any(|name| line.trim_start().starts_with(&format!("{name} ")));
    summary.lines().filter(wanted).map(str::trim).collect()
}

#[test]
fn the_quick_start_sends_a_batch_and_the_second_time_sends_nothing() {
    let readme = readme();
    let typed = readme.lines().find_map(|line| line.strip_prefix("cargo run --locked -- ")).expect("the quick start");
    let arguments: Vec<&str> = typed.split(' ').collect();
    let clone = fresh_clone();
    let first = run(clone.path(), &arguments);
    assert_eq!(first.code, 0, "{}\n{}", first.stdout, first.stderr);
    assert_eq!(
        figures(&first, &["succeeded", "matched"]),
        ["succeeded   300  Rp 486.384.600", "matched      300  Rp 486.384.600"]
    );
    assert!(first.stdout.contains("identity holds: rows in = rows out = 320 and Rp 531.485.800"), "{}", first.stdout);
    let second = run(clone.path(), &arguments);
    assert_eq!(second.code, 0);
    assert!(!second.stdout.contains("\n  send "), "nothing is left to send:\n{}", second.stdout);
    assert_eq!(figures(&second, &["succeeded"]), ["succeeded   300  Rp 486.384.600"]);
}

/// What is typed, the exit code, and the lines of the summary with these names.
type Case = (&'static [&'static str], i32, &'static [&'static str], &'static [&'static str]);

#[test]
fn every_job_runs_and_ends_as_it_says() {
    let clone = fresh_clone();
    let cases: [Case; 4] = [
        (
            &["run", "jobs/cancel-expired.yaml"],
            1,
            &["succeeded", "held"],
            &["succeeded   234  Rp 295.473.900", "held          2    Rp 2.709.000"],
        ),
        (
            &["run", "jobs/create-invoices.yaml"],
            0,
            &["succeeded", "matched"],
            &["succeeded   200  Rp 279.178.100", "matched      120  Rp 279.178.100"],
        ),
        (&["run", "jobs/template.yaml"], 0, &["succeeded"], &["succeeded    12  Rp 30.025.800"]),
        (
            &["run", "jobs/audit-monthly.yaml", "--as-of", "2026-11-30T17:00:00Z"],
            1,
            &["missing", "paid_after_cancel", "refunded_unpaid"],
            &[
                "missing                 8   Rp 11.263.500",
                "paid_after_cancel       4    Rp 7.086.000",
                "refunded_unpaid         2    Rp 1.067.000",
            ],
        ),
    ];
    for (arguments, code, names, expected) in cases {
        let ran = run(clone.path(), arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(figures(&ran, names), expected, "{arguments:?}\n{}", ran.stdout);
    }
}

#[test]
fn the_audit_finds_every_break_that_was_planted_and_no_other() {
    let clone = fresh_clone();
    let planted: serde_json::Value =
        serde_json::from_slice(&std::fs::read(clone.path().join("examples/data/audit-expected.json")).expect("a file"))
            .expect("JSON");
    let ran = run(clone.path(), &["run", "jobs/audit-monthly.yaml", "--as-of", "2026-11-30T17:00:00Z", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    for part in ["verdicts", "unmatched"] {
        for (name, tally) in summary[part].as_object().expect("a map") {
            let expected = planted[part].get(name).cloned().unwrap_or(serde_json::json!({ "count": 0, "rupiah": 0 }));
            assert_eq!(*tally, expected, "{part}.{name}");
        }
    }
    assert_eq!(summary["identity"]["holds"], true);
}

#[test]
fn every_command_of_the_readme_exists() {
    let readme = readme();
    let clone = fresh_clone();
    let mut commands: Vec<&str> = readme
        .split('`')
        .filter_map(|code| code.strip_prefix("rekon "))
        .filter_map(|rest| rest.split(' ').next())
        .filter(|word| word.chars().all(|character| character.is_ascii_lowercase()))
        .collect();
    commands.sort_unstable();
    commands.dedup();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        assert_eq!(run(clone.path(), &[command, "--help"]).code, 0, "rekon {command}");
    }
}

#[test]
fn the_links_of_the_readme_lead_somewhere_and_ci_runs_its_test_command() {
    let readme = readme();
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(repository(link).exists(), "{link}");
    }
    let tests = "cargo test --locked";
    let ci = std::fs::read_to_string(repository(".ci/run")).expect(".ci/run is there");
    assert!(readme.lines().any(|line| line == tests) && ci.lines().any(|line| line == tests));
}
