//! Audits that were asked about a part of the book only: what was not judged is counted, and nothing is said to reconcile of it.

use serde_json::Value;

use crate::process::{Ended, Folder, exits};

const AS_OF: [&str; 2] = ["--as-of", "2026-11-30T17:00:00Z"];

/// Orders that no notification can be missing of: one of October, two of November.
const ORDERS: &str = "invoice_number,amount,book_status,created_at\n\
                      I-1,1000,expired,2026-10-30\nI-2,2000,expired,2026-11-01\nI-3,5000,cancelled,2026-11-02\n";

fn audit(orders: &str, more: &str) -> Folder {
    let folder = Folder::new();
    folder.write(
        "audit.yaml",
        &format!(
            "job: audit\noperation: audit\nmerchant: {{environment: simulator}}\n\
             orders: {{file: orders.csv{orders}}}\n{more}"
        ),
    );
    folder.write("orders.csv", ORDERS);
    folder
}

fn reconcile(folder: &Folder, flags: &[&str]) -> Ended {
    folder.rekon(&[&["reconcile", "audit.yaml"], &AS_OF[..], flags].concat())
}

fn out(folder: &Folder, ended: &Ended, name: &str) -> String {
    let files = ended
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix(["files: ", "berkas: "].into_iter().find(|start| line.starts_with(start))?));
    folder.read(&format!("{}/{name}", files.expect("it says where")))
}

fn summary(folder: &Folder, ended: &Ended) -> Value {
    serde_json::from_str(&out(folder, ended, "summary.json")).expect("summary.json is JSON")
}

#[test]
fn nothing_reconciles_of_what_was_not_judged() {
    // The flags of the audit, how much of the job's book it leaves out, and what the page has above all.
    let cases = [
        (&["--period", "2026-10"][..], "2 of 3 orders were outside the period", "Done, and what was judged reconciles"),
        (&["--period", "2026-09"], "3 of 3 orders were outside the period; nothing was judged", "Nothing was judged"),
        (&["--period", "all"], "", "Done, and everything reconciles"),
    ];
    for (flags, said, heading) in cases {
        let folder = audit("", "");
        let ended = reconcile(&folder, flags);
        exits(&ended, 0);
        let page = out(&folder, &ended, "report.html");
        assert!(ended.stdout.contains(&format!("{said}\ndone; no money is in doubt")), "{}", ended.stdout);
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
        assert!(page.contains(&format!("<dd>0: {}{}</dd>", heading[..1].to_lowercase(), &heading[1..])), "{heading}");
        let first = said.split("; ").next().expect("one part");
        assert_eq!(page.contains(&format!("No money is in doubt. {first}.")), !said.is_empty(), "{said}");
    }
}

#[test]
fn what_where_leaves_out_is_not_judged_either() {
    let folder = audit(", where: [{book_status: [expired]}]", "");
    let ended = reconcile(&folder, &["--period", "2026-11", "--lang", "id", "--format", "md"]);
    exits(&ended, 0);
    for text in [
        "**1 dari 3 pesanan di luar periode; 1 dari 3 pesanan tidak dipilih oleh where**",
        "Tidak dinilai (not\\_sent)",
    ] {
        assert!(
            ended.stdout.contains(text) || ended.stdout.contains(&text.replace('\\', "")),
            "{text}: {}",
            ended.stdout
        );
    }
}

#[test]
fn shares_and_days_are_of_what_was_judged() {
    let folder = audit("", "");
    let ended = reconcile(&folder, &["--period", "2026-11"]);
    let page = out(&folder, &ended, "report.html");
    let table = &page[page.find("Orders by verdict").expect("the table")..];
    let table = &table[..table.find("</section>").expect("its end")];
    for text in [
        "Shares are of what was judged: 2 orders.",
        "Not judged: outside the period",
        "<td class=\"n\">Rp\u{a0}1.000</td><td class=\"n wide\"></td>",
        "<td class=\"n\">Rp\u{a0}7.000</td><td class=\"n wide\">100.0%</td>",
    ] {
        assert!(table.contains(text), "{text}: {table}");
    }
    let days = &page[page.find("Orders per business day").expect("the chart")..];
    let days = &days[..days.find("</section>").expect("its end")];
    assert!(days.contains("1 Nov 2026") && !days.contains("30 Oct 2026"), "{days}");
    assert!(days.contains("Drawn are the days of the period.") && days.contains("Pending or not judged"), "{days}");
    let whole = reconcile(&folder, &["--period", "all"]);
    assert!(out(&folder, &whole, "report.html").contains("30 Oct 2026"));
}

#[test]
fn show_judges_by_the_period_that_it_is_given() {
    let folder = audit("", "reconcile: {period: 2026-11}\n");
    let show = |more: &[&str]| folder.rekon(&[&["show", "I-1", "--job", "audit.yaml"], &AS_OF[..], more].concat());
    let without = show(&[]);
    assert!(without.stdout.contains("not_sent: outside the period"), "{}", without.stdout);
    let with = show(&["--period", "2026-10"]);
    exits(&with, 0);
    assert!(with.stdout.contains("matched: DOKU has nothing to notify"), "{}", with.stdout);
    assert!(with.stdout.contains("data row 1 of orders.csv"), "{}", with.stdout);
}

#[test]
fn show_says_where_the_files_of_an_audit_are() {
    let folder = audit("", "");
    let ended = reconcile(&folder, &[]);
    let run = summary(&folder, &ended)["run"].as_str().expect("a name").to_owned();
    for (asked, place) in [(&["show", &run][..], format!("out/audit/{run}")), (&["show"], "out/audit".to_owned())] {
        for more in [&[][..], &["--format", "md"]] {
            let told = folder.rekon(&[asked, &["--job", "audit.yaml"], more].concat());
            exits(&told, 2);
            let expected = format!("audit.yaml: an audit keeps no runs; its files are in {place}; ");
            assert!(told.stderr.contains(&expected), "{}", told.stderr);
        }
    }
    let unknown = folder.rekon(&["show", "I-9", "--job", "audit.yaml"]);
    assert!(unknown.stderr.contains("\"I-9\" is not among the orders"), "{}", unknown.stderr);
}
