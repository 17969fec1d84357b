//! `rekon init`: what it writes is good as it is written, and what was there before stays.

use std::collections::BTreeMap;

use crate::process::{Ended, Folder, bare};

const CHANGES: [&str; 3] = ["refund", "cancel", "create"];
const KINDS: [&str; 4] = ["refund", "cancel", "create", "audit"];

/// Runs the program, which must end with this code.
fn ends(folder: &Folder, arguments: &[&str], code: i32) -> Ended {
    let ended = folder.rekon(arguments);
    assert_eq!(ended.code, Some(code), "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
    ended
}

fn tally(summary: &serde_json::Value, part: &str) -> BTreeMap<String, u64> {
    let parts = summary[part].as_object().expect("a map");
    let counts = parts.iter().map(|(name, tally)| (name.clone(), tally["count"].as_u64().expect("a count")));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn the_first_job_passes_the_check_the_plan_and_the_run_as_it_is_written() {
    let cases = [
        ("refund", counts(&[("succeeded", 4), ("skipped", 1)])),
        ("cancel", counts(&[("succeeded", 3), ("skipped", 1)])),
        ("create", counts(&[("succeeded", 3)])),
    ];
    for (kind, expected) in cases {
        let folder = Folder::new();
        ends(&folder, &["init", kind], 0);
        let job = format!("{kind}.yaml");
        ends(&folder, &["check", &job], 0);
        ends(&folder, &["plan", &job], 0);
        ends(&folder, &["run", &job], 0);
        assert_eq!(tally(&folder.summary(kind), "states"), expected, "{kind}");
        assert!(folder.read(&job).contains("ends with exit code 0"), "{kind} does not say how it ends");
    }
}

#[test]
fn the_first_audit_finds_the_one_order_that_it_says_in_a_log_that_verifies() {
    let folder = Folder::new();
    ends(&folder, &["init", "audit"], 0);
    ends(&folder, &["check", "audit.yaml"], 0);
    for command in ["reconcile", "run"] {
        ends(&folder, &[command, "audit.yaml"], 1);
        let summary = folder.summary("audit");
        assert_eq!(tally(&summary, "verdicts"), counts(&[("matched", 3), ("missing", 1)]));
        assert_eq!(tally(&summary, "unmatched"), counts(&[]));
    }
    let job = folder.read("audit.yaml");
    assert!(job.contains("ends with exit code 1") && job.contains("INV-AUDIT-003 is paid"), "{job}");
    let shown = ends(&folder, &["show", "INV-AUDIT-003", "--job", "audit.yaml"], 0);
    assert!(shown.stdout.contains("missing"), "{}", shown.stdout);
}

#[test]
fn what_it_says_to_type_next_can_be_typed() {
    for kind in KINDS {
        let folder = Folder::new();
        let told = ends(&folder, &["init", kind, "o'hara & co/first"], 0);
        let lines: Vec<&str> = told.stdout.lines().filter_map(|line| line.strip_prefix("  rekon ")).collect();
        assert!(lines.len() >= 2, "{}", told.stdout);
        for line in lines {
            let (line, _) = line.split_once("   ").expect("a reason behind it");
            let mut shell = bare("sh");
            shell.args(["-c", &format!("\"$REKON\" {line}")]).current_dir(folder.path(""));
            shell.env("REKON", env!("CARGO_BIN_EXE_rekon"));
            let ended = crate::process::ended(shell);
            let code = i32::from(line.starts_with("reconcile"));
            assert_eq!(ended.code, Some(code), "{line}\n{}\n{}", ended.stdout, ended.stderr);
        }
    }
}

#[test]
fn the_four_share_a_folder_and_a_journal() {
    let folder = Folder::new();
    for kind in KINDS {
        ends(&folder, &["init", kind, "."], 0);
    }
    for kind in CHANGES {
        ends(&folder, &["run", &format!("{kind}.yaml")], 0);
    }
    ends(&folder, &["run", "audit.yaml"], 1);
    ends(&folder, &["journal", "check"], 0);
}

#[test]
fn with_the_lines_for_the_keys_taken_in_the_job_is_good_for_the_sandbox() {
    for kind in KINDS {
        let folder = Folder::new();
        ends(&folder, &["init", kind], 0);
        let name = format!("{kind}.yaml");
        let written = folder.read(&name);
        let job = written
            .replace("environment: simulator ", "environment: sandbox ")
            .replace("# client_id:", "client_id:")
            .replace("# secret_key:", "secret_key:");
        let changed = job.lines().zip(written.lines()).filter(|(after, before)| after != before).count();
        assert_eq!(changed, 3, "{kind}");
        folder.write(&name, &job);
        ends(&folder, &["check", &name], 0);
        let command = if kind == "audit" { "reconcile" } else { "plan" };
        let without_keys = ends(&folder, &[command, &name], 2);
        assert!(without_keys.stderr.contains("DOKU_CLIENT_ID") && without_keys.stderr.contains("DOKU_SECRET_KEY"));
    }
}

#[test]
fn what_is_there_stays_and_all_of_it_is_named() {
    let folder = Folder::new();
    for kind in KINDS {
        ends(&folder, &["init", kind], 0);
    }
    folder.write("refund.yaml", "mine");
    let before = folder.snapshot();
    for (kind, names) in [
        ("refund", &["refunds.csv", "refund.yaml"][..]),
        ("cancel", &["cancellations.csv", "cancel.yaml"]),
        ("create", &["invoices.csv", "create.yaml"]),
        ("audit", &["notifications-sample.jsonl", "books.csv", "audit.yaml"]),
    ] {
        let refused = ends(&folder, &["init", kind], 2);
        assert_eq!(refused.stdout, "");
        for name in names {
            assert!(refused.stderr.contains(name), "{name} is not named: {}", refused.stderr);
        }
    }
    assert_eq!(folder.snapshot(), before);
}

#[test]
fn one_file_in_the_way_keeps_the_others_from_being_written() {
    let folder = Folder::new();
    folder.write("refund.yaml", "mine");
    let before = folder.snapshot();
    let refused = ends(&folder, &["init", "refund"], 2);
    assert!(refused.stderr.starts_with("refund.yaml is there already, so nothing was written"), "{}", refused.stderr);
    assert_eq!(folder.snapshot(), before);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_in_the_way_too() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("elsewhere.csv", folder.path("refunds.csv")).expect("a link");
    ends(&folder, &["init", "refund"], 2);
    let names = std::fs::read_dir(folder.path("")).expect("a folder").count();
    assert_eq!(names, 1, "nothing but the link");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_told() {
    let folder = Folder::new();
    folder.write("shop", "a file");
    let refused = ends(&folder, &["init", "refund", "shop"], 2);
    assert!(refused.stderr.starts_with("shop is not a folder; nothing was written"), "{}", refused.stderr);
    let below = ends(&folder, &["init", "refund", "shop/first"], 2);
    assert!(below.stderr.contains("shop/first/rekon.schema.json: cannot be written"), "{}", below.stderr);
    assert!(below.stderr.contains("nothing was written"), "{}", below.stderr);
    assert_eq!(folder.read("shop"), "a file");
}

#[test]
fn machines_are_told_in_one_document() {
    let folder = Folder::new();
    let told = ends(&folder, &["init", "refund", "shop", "--json"], 0);
    let expected = serde_json::json!({
        "version": 1,
        "written": ["shop/rekon.schema.json", "shop/refunds.csv", "shop/refund.yaml"],
        "next": ["rekon check shop/refund.yaml", "rekon plan shop/refund.yaml", "rekon run shop/refund.yaml"],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&told.stdout).expect("one document"), expected);
    assert!(!folder.read("shop/refund.yaml").contains('\r'));
}
