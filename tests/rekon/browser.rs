//! report.html in a real browser, without a window: it loads without a complaint, its links filter, its headings sort, its policy
//! keeps foreign scripts out, and it prints. On a machine without chromium these tests say that they were skipped;
//! `REKON_REQUIRE_BROWSER` makes that a failure.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{entries, rekon};

/// What the browser made of a page.
struct Seen {
    dom: String,
    /// What the page said on the browser's console: errors, and what its policy refused.
    console: Vec<String>,
}

/// The browser; `None`: there is none, and that is allowed.
pub(crate) fn browser(untried: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        assert!(std::env::var_os("REKON_REQUIRE_BROWSER").is_none(), "chromium is required here, and is not installed");
        // Past the capture of libtest, which shows the output of failed tests only.
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: chromium is not installed, so {untried} was not tried in a browser");
    }
    found
}

/// Runs the browser with a profile of its own; after ten minutes it is ended.
pub(crate) fn run(browser: &Path, arguments: &[&str]) -> (String, String) {
    // Not where TMPDIR leads: the browser has sockets, whose paths have at most 107 bytes.
    let profile = tempfile::tempdir_in("/tmp").expect("a temporary folder");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "600"])
        .arg(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--window-size=1280,1600"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .env("HOME", profile.path())
        .env("TMPDIR", "/tmp")
        .output()
        .expect("timeout of coreutils starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "the browser ended with {}: {}", output.status, text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// Opens a page at an address behind the `#`, and lets its script work.
fn open(browser: &Path, page: &Path, address: &str) -> Seen {
    let url = format!("file://{}{address}", page.display());
    let (dom, stderr) = run(browser, &["--dump-dom", &url]);
    let console = stderr.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    Seen { dom, console }
}

impl Seen {
    /// The invoices of the rows that are shown, in their order.
    fn shown(&self) -> Vec<&str> {
        let rows = self.dom.split("<tr").filter(|row| row.contains("data-rank="));
        let shown = rows.filter(|row| !row.split('>').next().unwrap_or_default().contains(" hidden"));
        shown.filter_map(|row| row.split("<bdi>").nth(1)?.split("</bdi>").next()).collect()
    }
}

/// The page of an audit of a book that nothing proves: five orders are missing, one row cannot be read, one is young.
fn audit(folder: &TempDir, language: &str, more: u64) -> PathBuf {
    let mut orders = "invoice_number,amount,book_status,created_at\n\
         INV-1,90000,LUNAS,2026-11-01\nINV-2,1250000,LUNAS,2026-11-02\nINV-3,500,LUNAS,2026-11-02\n\
         INV-4,47500,LUNAS,2026-11-03\nINV-10,90000,LUNAS,2026-11-03\nINV-5,9e4,LUNAS,2026-11-03\n\
         INV-6,90000,LUNAS,2026-11-21 10:00\n"
        .to_owned();
    for number in 0..more {
        let _ = writeln!(orders, "MORE-{number},{},LUNAS,2026-11-04", 10 + number);
    }
    let job = "job: audit\noperation: audit\nmerchant: {environment: simulator}\n\
         orders: {file: orders.csv, statuses: {LUNAS: paid}, on_invalid: skip}\n";
    std::fs::write(folder.path().join("orders.csv"), orders).expect("orders");
    std::fs::write(folder.path().join("job.yaml"), job).expect("a job");
    let ran =
        rekon(folder.path(), &["reconcile", "job.yaml", "--as-of", "2026-11-21T05:00:00Z", "--lang", language], &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    report(folder.path())
}

/// The only report.html below a folder.
fn report(folder: &Path) -> PathBuf {
    let jobs = entries(&folder.join("out"));
    let runs = entries(jobs.first().expect("a job's folder"));
    runs.iter().map(|run| run.join("report.html")).find(|page| page.is_file()).expect("a report")
}

#[test]
fn the_page_loads_without_a_complaint_and_its_links_filter_and_sort() {
    let Some(browser) = browser("report.html") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = audit(&folder, "en", 0);
    let seen = open(&browser, &page, "");
    assert_eq!(seen.console, Vec::<String>::new());
    assert_eq!(seen.shown(), ["INV-2", "INV-1", "INV-10", "INV-4", "INV-3", "INV-5"], "the largest missing one first");
    assert!(seen.dom.contains("6 shown"), "the script has counted them");
    let views: [(&str, &[&str]); 6] = [
        ("#verdict=not_sent", &["INV-5"]),
        ("#verdict=missing&sort=amount", &["INV-3", "INV-4", "INV-1", "INV-10", "INV-2"]),
        ("#verdict=missing&sort=amount&dir=descending", &["INV-2", "INV-1", "INV-10", "INV-4", "INV-3"]),
        ("#sort=invoice&dir=descending", &["INV-10", "INV-5", "INV-4", "INV-3", "INV-2", "INV-1"]),
        ("#q=inv-1", &["INV-1", "INV-10"]),
        ("#verdict=%E0%A4%A&sort=nothing&state=invalid", &["INV-5"]),
    ];
    for (address, expected) in views {
        let seen = open(&browser, &page, address);
        assert_eq!(seen.shown(), expected, "{address}");
        assert_eq!(seen.console, Vec::<String>::new(), "{address}");
    }
}

#[test]
fn a_person_can_sort_and_filter_by_hand_in_bahasa_indonesia() {
    let Some(browser) = browser("report.html") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = audit(&folder, "id", 0);
    let text = std::fs::read_to_string(&page).expect("a page");
    // Stands in for a hand: the page's own policy would refuse it, so this copy has none.
    let hand = "<script>document.querySelector('[data-sort=amount] button').click();\
         document.querySelector('[data-sort=amount] button').click();\
         var choice = document.getElementById('filter-verdict'); choice.value = 'missing';\
         choice.dispatchEvent(new Event('input'));</script></body>";
    let from = text.find("<meta http-equiv").expect("a policy");
    let to = from + text[from..].find('>').expect("its end");
    let copy = page.with_file_name("by-hand.html");
    std::fs::write(&copy, format!("{}{}", &text[..from], &text[to + 1..]).replace("</body>", hand)).expect("a copy");
    let seen = open(&browser, &copy, "");
    assert_eq!(seen.console, Vec::<String>::new());
    assert_eq!(seen.shown(), ["INV-3", "INV-4", "INV-1", "INV-10", "INV-2"], "down at first, then up");
    assert!(seen.dom.contains("5 ditampilkan") && seen.dom.contains("aria-sort=\"ascending\""));
}

#[test]
fn the_policy_keeps_foreign_scripts_out_and_the_console_says_so() {
    let Some(browser) = browser("report.html") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = audit(&folder, "en", 0);
    let text = std::fs::read_to_string(&page).expect("a page");
    let foreign =
        "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\"></body>";
    std::fs::write(&page, text.replace("</body>", foreign)).expect("a changed page");
    let seen = open(&browser, &page, "#verdict=not_sent");
    assert!(!seen.dom.contains("<title>taken over"), "the policy did not hold");
    assert!(seen.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", seen.console);
    assert_eq!(seen.shown(), ["INV-5"], "its own script works all the same");
}

#[test]
fn of_very_many_orders_the_page_shows_the_largest_and_says_where_the_others_are() {
    let Some(browser) = browser("report.html") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = audit(&folder, "id", 3_000);
    let seen = open(&browser, &page, "#sort=amount&dir=descending");
    assert_eq!(seen.console, Vec::<String>::new());
    let shown = seen.shown();
    assert_eq!((shown.len(), shown[0], shown[4]), (2_000, "INV-2", "MORE-2999"));
    assert!(seen.dom.contains("Ditampilkan 2.000 dari 3.006"), "3,005 missing ones and a bad row");
    assert!(seen.dom.contains("2.000 ditampilkan"));
}

#[test]
fn the_page_can_be_printed() {
    let Some(browser) = browser("report.html") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = audit(&folder, "en", 0);
    let pdf = folder.path().join("report.pdf");
    run(&browser, &[&format!("--print-to-pdf={}", pdf.display()), &format!("file://{}", page.display())]);
    assert!(std::fs::read(pdf).expect("a PDF").starts_with(b"%PDF-"));
}
