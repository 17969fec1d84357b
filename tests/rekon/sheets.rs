//! What comes out for people who work with spreadsheets: audit.xlsx, copies of the CSV files that a spreadsheet cannot take
//! for formulas, and summaries to paste into a message.

use std::io::{Cursor, Read as _};

use crate::process::Folder;

/// An audit over references that a spreadsheet would bend: a formula, leading zeros, twelve digits of rupiah.
fn audit(formats: &str) -> Folder {
    let folder = Folder::new();
    folder.write(
        "job.yaml",
        &format!(
            "job: books\noperation: audit\nmerchant: {{environment: simulator}}\norders: {{file: orders.csv}}\n\
             output: {{directory: out, formats: {formats}}}\n"
        ),
    );
    folder.write(
        "orders.csv",
        "invoice_number,amount,book_status,created_at,order_id,payment_reference\n\
         000123456789012345,999999999999,paid,2026-11-01,0001000035148,=1+1\n\
         1E5,90000,paid,2026-11-01,0001000035149,@SUM\n\
         INV-3,1,pending,2026-11-01,,\n",
    );
    folder
}

const AS_OF: [&str; 4] = ["reconcile", "job.yaml", "--as-of", "2026-11-30T17:00:00Z"];

fn bytes(folder: &Folder, name: &str) -> Vec<u8> {
    let run = folder.runs("books").pop().expect("an audit");
    std::fs::read(folder.path(&format!("out/books/{run}/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A part of a workbook, as XML.
fn part(workbook: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).expect("a zip archive");
    let mut text = String::new();
    archive.by_name(name).expect("a part of that name").read_to_string(&mut text).expect("XML");
    text
}

#[test]
fn the_workbook_has_the_breaks_with_ids_as_text_and_amounts_as_exact_numbers() {
    let folder = audit("[xlsx]");
    assert_eq!(folder.rekon(&AS_OF).code, Some(1));
    let workbook = bytes(&folder, "audit.xlsx");
    let names = part(&workbook, "xl/workbook.xml");
    for name in ["Summary", "Verdicts", "Breaks", "Days", "Runs"] {
        assert!(names.contains(&format!("name=\"{name}\"")), "{name}: {names}");
    }
    let breaks = part(&workbook, "xl/worksheets/sheet3.xml");
    for text in ["000123456789012345", "1E5", "missing", "resend_notification"] {
        assert!(breaks.contains(&format!("<is><t>{text}</t></is>")), "{text}: {breaks}");
    }
    assert!(breaks.contains("<v>999999999999</v>"), "{breaks}");
    assert!(!breaks.contains("<f>") && !breaks.contains("INV-3"), "{breaks}");
    let summary = folder.summary("books");
    assert_eq!(summary["files"]["audit.xlsx"].as_str().map(|path| path.ends_with("/audit.xlsx")), Some(true));
    assert!(summary["files"]["reconciliation.csv"].is_string(), "the files that it is made of come with it");
}

#[test]
fn the_same_inputs_give_the_same_workbook() {
    let workbook = || {
        let folder = audit("[csv, xlsx]");
        assert_eq!(folder.rekon(&AS_OF).code, Some(1));
        bytes(&folder, "audit.xlsx")
    };
    assert!(workbook() == workbook());
}

#[test]
fn who_does_not_want_a_workbook_gets_none() {
    let folder = audit("[csv, json]");
    assert_eq!(folder.rekon(&AS_OF).code, Some(1));
    assert!(folder.summary("books")["files"]["audit.xlsx"].is_null());
}

#[test]
fn safe_copies_stand_beside_the_exact_files_and_hold_no_formula() {
    let folder = audit("[csv]");
    let plain = {
        assert_eq!(folder.rekon(&AS_OF).code, Some(1));
        bytes(&folder, "reconciliation.csv")
    };
    let safe = [&AS_OF[..], &["--spreadsheet-safe"]].concat();
    assert_eq!(folder.rekon(&safe).code, Some(1));
    assert!(plain == bytes(&folder, "reconciliation.csv"), "the exact file stays exact");
    let copy = folder.out("books", "reconciliation.safe.csv");
    assert!(copy.starts_with("rekon_spreadsheet_safe,invoice_number,amount,"), "{copy}");
    assert!(copy.contains("\n0,000123456789012345,999999999999,paid,"), "{copy}");
    let summary = folder.summary("books");
    for name in ["reconciliation.safe.csv", "unmatched.safe.csv", "actions.safe.csv"] {
        assert!(summary["files"][name].is_string(), "{name}: {summary}");
    }
}

/// A refund of which a column that rekon does not read holds formulas.
fn refunds() -> Folder {
    let folder = Folder::new();
    folder.write(
        "orders.csv",
        "invoice_number,amount,order_id,akulaku_reference,note\n\
         INV-1,90000,1000035148,MCH-0001-MUR-1,\"=HYPERLINK(\"\"http://x\"\")\"\n\
         INV-2,90000,1000035149,MCH-0001-MUR-2,a;=1+1\n",
    );
    folder
}

const BY_FLAGS: [&str; 4] = ["refund", "orders.csv", "--environment", "simulator"];

#[test]
fn a_safe_copy_of_the_results_is_refused_as_orders_at_its_mark() {
    let folder = refunds();
    let safe = [&BY_FLAGS[..], &["--spreadsheet-safe"]].concat();
    let ended = folder.rekon(&safe);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let exact = folder.out("refund-orders", "results.csv");
    assert!(exact.contains(",\"=HYPERLINK(\"\"http://x\"\")\",") && exact.contains(",a;=1+1,"), "{exact}");
    let copy = folder.out("refund-orders", "results.safe.csv");
    assert!(copy.contains("\n1,INV-1,90000,1000035148,MCH-0001-MUR-1,\"'=HYPERLINK(\"\"http://x\"\")\","), "{copy}");
    assert!(copy.contains(",a;'=1+1,"), "{copy}");
    folder.write("again.csv", &copy);
    let refused = folder.rekon(&["refund", "again.csv", "--environment", "simulator"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.starts_with("again.csv:1:1: this is a copy for spreadsheets"), "{}", refused.stderr);
}

#[test]
fn a_run_and_its_plan_can_be_pasted_into_a_message() {
    let folder = refunds();
    folder.write(
        "job.yaml",
        "job: by-hand\noperation: refund\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n\
         guards: {max_orders: 5, max_total: 200000}\n",
    );
    let plan = folder.rekon(&["plan", "job.yaml", "--format", "md"]).stdout;
    let expected = "\
**by-hand · refund · simulator · plan**

It may be run; nothing was sent.

| disposition | rows |     rupiah |
| ----------- | ---: | ---------: |
| send        |    2 | Rp 180.000 |
| total       |    2 | Rp 180.000 |

| guard      |      limit |       plan |       headroom |     |
| ---------- | ---------: | ---------: | -------------: | --- |
| max_orders |   5 orders |   2 orders |  3 orders left | ok  |
| max_total  | Rp 200.000 | Rp 180.000 | Rp 20.000 left | ok  |

- ";
    assert!(plan.starts_with(expected), "{plan}");
    let ran = folder.rekon(&["run", "job.yaml", "--format", "md"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run = folder.runs("by-hand").pop().expect("a run");
    let expected = format!(
        "\
**by-hand · refund · simulator · run {run}**

**done; no money is in doubt (exit code 0)**

| state     | rows |     rupiah |
| --------- | ---: | ---------: |
| succeeded |    2 | Rp 180.000 |
| total     |    2 | Rp 180.000 |

| verdict | orders |     rupiah |
| ------- | -----: | ---------: |
| matched |      2 | Rp 180.000 |
| total   |      2 | Rp 180.000 |

Identity holds: rows in = rows out = 2 and Rp 180.000.

Files in out/by-hand/{run} (from the folder of the job): actions.csv, days.csv, reconciliation.csv, report.html, results.csv, summary.json, unmatched.csv.
"
    );
    assert_eq!(ran.stdout, expected);
    let shown = folder.rekon(&["show", &run, "--format", "md"]).stdout;
    assert!(
        shown.starts_with(&format!(
            "**by-hand · refund · simulator · run {run}**\n\nNo money is in doubt.\n\n- started "
        )),
        "{shown}"
    );
    assert!(shown.contains("| succeeded |    2 | Rp 180.000 |\n"), "{shown}");
}

#[test]
fn a_broken_guard_is_told_in_the_message_too() {
    let folder = refunds();
    folder.write(
        "job.yaml",
        "job: by-hand\noperation: refund\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n\
         guards: {max_orders: 1, max_total: 200000}\n",
    );
    for command in ["plan", "run"] {
        let ended = folder.rekon(&[command, "job.yaml", "--format", "md"]);
        assert_eq!(ended.code, Some(2));
        assert!(
            ended.stdout.contains("\n**MAY NOT BE RUN: max_orders broken; nothing was sent**\n"),
            "{}",
            ended.stdout
        );
        assert!(ended.stderr.contains("guard max_orders"), "{}", ended.stderr);
    }
}

#[test]
fn json_and_markdown_together_are_refused_and_markdown_is_of_a_run() {
    let folder = audit("[csv]");
    let both = [&AS_OF[..], &["--json", "--format", "md"]].concat();
    for arguments in
        [both.as_slice(), &["--json", "reconcile", "job.yaml", "--format", "md"], &["show", "--format", "md"]]
    {
        let ended = folder.rekon(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(
            ended.stderr.starts_with("--json and --format md both")
                || ended.stderr.starts_with("--format md is for one run")
        );
    }
}

#[test]
fn the_message_of_an_audit_names_what_a_person_must_look_at() {
    let folder = audit("[csv]");
    let ended = folder.rekon(&[&AS_OF[..], &["--format", "md"]].concat());
    assert_eq!(ended.code, Some(1));
    let text = &ended.stdout;
    assert!(
        text.contains(
            "**done; no money is in doubt, but a person must look (exit code 1)**\n\n```text\nbecause of 2 missing\n"
        ),
        "{text}"
    );
    assert!(text.contains("| 000123456789012345 | Rp 999.999.999.999 | missing | "), "{text}");
}
