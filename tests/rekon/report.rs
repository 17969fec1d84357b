//! Who sees customers' data in report.html: nobody, unless somebody asks for it, and then it is on record.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Ran, entries, rekon};

/// A cancel of two orders, of which a guard holds one; the names are hostile.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let orders = "invoice_number,amount,payment_reference,Nama,Telepon\n\
         INV-1,90000,MUR-1,Budi Santoso,6281234567890\nINV-2,900000,MUR-2,Siti <img src=x onerror=alert(1)>,6289876543210\n";
    let job = "job: cancel-test\noperation: cancel\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n\
         guards: {max_orders: 5, max_total: 5000000, max_order: 100000}\n";
    std::fs::write(folder.path().join("orders.csv"), orders).expect("orders");
    std::fs::write(folder.path().join("job.yaml"), job).expect("a job");
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Ran {
    rekon(folder.path(), &[&["run", "job.yaml"], arguments].concat(), &[("USER", "ani")])
}

/// A file of the only run.
fn out(folder: &Path, name: &str) -> String {
    let runs = entries(&folder.join("out/cancel-test"));
    let run = runs.iter().find(|path| path.is_dir()).expect("a run's folder");
    std::fs::read_to_string(run.join(name)).expect("a file of the run")
}

#[test]
fn customers_data_are_masked_until_somebody_asks_for_them() {
    let folder = folder();
    let ran = run(&folder, &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let (page, summary) = (out(folder.path(), "report.html"), out(folder.path(), "summary.json"));
    assert!(
        page.contains("MUR-2") && page.contains("S***") && page.contains("Customers&#39; data are masked."),
        "{page}"
    );
    assert!(page.contains("1 request; half of them within") && page.contains("Requests over time"), "{page}");
    for personal in ["Siti", "6289876543210", "Budi"] {
        assert!(!page.contains(personal), "{personal}");
    }
    assert!(!summary.contains("revealed"));
}

#[test]
fn what_is_revealed_is_recorded_and_stays_text() {
    let folder = folder();
    let ran = run(&folder, &["--reveal"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let (page, summary) = (out(folder.path(), "report.html"), out(folder.path(), "summary.json"));
    assert!(page.contains("Siti &#60;img src=x onerror=alert(1)&#62;") && page.contains("6289876543210"), "{page}");
    assert!(!page.contains("<img"));
    assert!(page.contains("ani asked for it with --reveal on "));
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["revealed"]["by"], "ani");
    assert_eq!(summary["revealed"]["at"], summary["finished_at"]);
}

#[test]
fn an_audit_takes_no_reveal_and_nobody_takes_a_language_that_there_is_not() {
    let folder = folder();
    let audit = "job: audit\noperation: audit\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n";
    std::fs::write(folder.path().join("job.yaml"), audit).expect("a job");
    let ran = run(&folder, &["--reveal"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("takes no --reveal"), "{}", ran.stderr);
    let ran = run(&folder, &["--lang", "jv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("it is en or id"), "{}", ran.stderr);
}

#[test]
fn the_jobs_language_counts_until_the_command_line_says_another() {
    for (arguments, expected) in [(&[][..], "<html lang=\"id\">"), (&["--lang", "en"][..], "<html lang=\"en\">")] {
        let folder = folder();
        let job = folder.path().join("job.yaml");
        let text = std::fs::read_to_string(&job).expect("a job");
        std::fs::write(&job, text + "output: {language: id}\n").expect("a job");
        run(&folder, arguments);
        assert!(out(folder.path(), "report.html").contains(expected), "{expected}");
    }
}
