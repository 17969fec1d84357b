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
