//! The whole life of an order on one machine, as docs/listen.md tells it: made, paid on its page, notified, refunded, matched.

use std::collections::BTreeMap;
use std::process::Command;

use crate::browser::{browser, run};
use crate::listen::{Listener, exchange};
use crate::process::{Folder, Nobody, Simulate, column, ended, until};
use crate::support::repository;

/// The files that the walkthrough names, and the lines that it has typed.
struct Walkthrough {
    files: BTreeMap<String, String>,
    typed: Vec<String>,
}

fn walkthrough() -> Walkthrough {
    let text = std::fs::read_to_string(repository("docs/listen.md")).expect("docs/listen.md is there");
    let section = text.split("\n## ").find(|section| section.starts_with("The whole life")).expect("the walkthrough");
    let (mut files, mut typed) = (BTreeMap::new(), Vec::new());
    let mut parts = section.split("```");
    while let (Some(before), Some(code)) = (parts.next(), parts.next()) {
        let (language, code) = code.split_once('\n').expect("a language");
        let name = before.trim_end().rsplit('\n').next().and_then(|line| line.strip_prefix('`')?.strip_suffix("`:"));
        match name {
            Some(name) => drop(files.insert(name.to_owned(), code.to_owned())),
            None if language == "sh" => typed.extend(code.lines().map(str::to_owned)),
            None => {}
        }
    }
    Walkthrough { files, typed }
}

/// A shop: its listener, and DOKU, which tells it about payments.
struct Shop {
    folder: Folder,
    doku: Simulate,
    listener: Listener,
    /// Where the listener is: nobody else takes the place while it is away.
    place: Nobody,
}

impl Shop {
    /// Opens in a folder that has the files of the walkthrough, on ports of its own.
    fn open() -> Self {
        let folder = Folder::new();
        let files = walkthrough().files;
        assert_eq!(files.keys().collect::<Vec<_>>(), ["create.yaml", "invoices.csv", "refund.yaml"]);
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder.write("job.yaml", &files["create.yaml"]);
        let place = Nobody::new();
        let listener = Listener::start(&folder, &["--bind", &place.address.to_string()]);
        let url = format!("http://{}/payments/notifications", listener.address);
        // A notification that finds nobody comes again after one and a half seconds, and for the last time after half a minute.
        let doku = Simulate::start(&folder, &["--notify", &url, "--notify-hurry", "1200"]);
        for job in ["create.yaml", "refund.yaml"] {
            assert!(files[job].contains("http://127.0.0.1:9090"), "{job}");
            folder.write(job, &files[job].replace("http://127.0.0.1:9090", &doku.url));
        }
        Self { folder, doku, listener, place }
    }

    /// Makes the order, and says where its customer pays.
    fn sell(&self) -> String {
        let ran = self.folder.rekon(&["run", "create.yaml"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        let urls = column(&self.folder.results("shop-create"), "rekon_payment_url");
        assert!(urls[0].starts_with(&format!("{}/v2/openPay.html?", self.doku.url)), "{urls:?}");
        urls[0].clone()
    }

    fn page(&self, url: &str, form: Option<&str>) -> (u16, String) {
        let address = self.doku.url.strip_prefix("http://").expect("an address");
        let target = url.strip_prefix(&self.doku.url).expect("a page of the simulator");
        let (method, form) = form.map_or(("GET", ""), |form| ("POST", form));
        let length = form.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: doku\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        exchange(address, format!("{head}{form}").as_bytes())
    }

    /// The lines of the shop's log.
    fn log(&self) -> String {
        let Ok(entries) = std::fs::read_dir(self.folder.path("log")) else { return String::new() };
        let files = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
        files.filter_map(|path| std::fs::read_to_string(path).ok()).collect::<Vec<_>>().concat()
    }

    fn refund(&self) -> (Option<i32>, String) {
        self.folder.write("refunds.csv", &self.folder.out("shop-create", "results.csv"));
        let ran = self.folder.rekon(&["run", "refund.yaml"]);
        (ran.code, format!("{}{}", ran.stdout, ran.stderr))
    }
}

#[test]
fn an_order_is_made_paid_notified_refunded_and_matched() {
    let shop = Shop::open();
    let url = shop.sell();
    let (status, page) = shop.page(&url, None);
    assert!(status == 200 && page.contains("Rp 90.000") && page.contains("<dd>INV-1</dd>"), "{page}");
    assert_eq!(shop.page(&url, Some("decision=pay")).0, 303);
    until("the payment is notified", || shop.log().contains("SUCCESS"));
    let (code, told) = shop.refund();
    assert_eq!(code, Some(0), "{told}");
    let audit = shop.folder.rekon(&["reconcile", "refund.yaml"]);
    assert_eq!(audit.code, Some(0), "{}{}", audit.stdout, audit.stderr);
    assert_eq!(shop.folder.summary("shop-refund")["verdicts"]["matched"]["count"], 1);
    let story = shop.folder.rekon(&["show", "INV-1", "--job", "refund.yaml"]);
    assert_eq!(story.code, Some(0), "{}{}", story.stdout, story.stderr);
    assert!(shop.page(&url, None).1.contains("Refunded"));
    // Every command of the walkthrough is one of those above.
    let commands = [
        "rekon listen create.yaml --bind 127.0.0.1:8080",
        "rekon simulate --port 9090 --notify http://127.0.0.1:8080/payments/notifications",
        "rekon run create.yaml",
        "grep -o 'http://[^,]*openPay[^,]*' out/shop-create/*/results.csv",
        "cp out/shop-create/*/results.csv refunds.csv",
        "rekon run refund.yaml",
        "rekon reconcile refund.yaml",
        "rekon show INV-1 --job refund.yaml",
    ];
    assert_eq!(walkthrough().typed, commands);
    let mut grep = Command::new("sh");
    grep.args(["-c", commands[3]]).current_dir(shop.folder.path(""));
    assert_eq!(ended(grep).stdout.trim_end(), url);
}

#[test]
fn a_page_is_pressed_once_and_a_rejected_order_is_not_refunded() {
    let shop = Shop::open();
    let url = shop.sell();
    assert_eq!(shop.page(&url.replace("sign=", "sign=x"), None).0, 404);
    assert_eq!(shop.page(&url, Some("decision=maybe")).0, 400);
    assert!(shop.page(&url, None).1.contains("<button"));
    assert_eq!(shop.page(&url, Some("decision=reject")).0, 303);
    assert_eq!(shop.page(&url, Some("decision=pay")).0, 303, "it was open for long");
    let (_, page) = shop.page(&url, None);
    assert!(page.contains("Rejected") && !page.contains("<button"), "{page}");
    until("the failure is notified", || shop.log().contains("FAILED"));
    let (code, told) = shop.refund();
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(column(&shop.folder.results("shop-refund"), "rekon_state"), ["held"]);
}

#[test]
fn a_notification_that_finds_nobody_comes_again() {
    let mut shop = Shop::open();
    let url = shop.sell();
    shop.listener.process.signal("TERM");
    until("the listener is gone", || shop.listener.process.has_ended());
    assert_eq!(shop.page(&url, Some("decision=pay")).0, 303);
    shop.listener = Listener::start(&shop.folder, &["--bind", &shop.place.address.to_string()]);
    until("it is notified all the same", || shop.log().contains("SUCCESS"));
}

#[test]
fn the_page_can_be_pressed_in_a_browser() {
    let Some(chromium) = browser("the payment page") else { return };
    let shop = Shop::open();
    let url = shop.sell();
    let visit = |address: &str| run(&chromium, &["--no-proxy-server", "--dump-dom", address]).0;
    let seen = visit(&url);
    assert!(seen.contains("Rp 90.000") && seen.contains("value=\"pay\">Pay</button>"), "{seen}");
    // The browser cannot be told to press a button, so the page gets a script that does; the rest of it is as it was.
    let form = format!("<form method=\"post\" action=\"{}\">", url.replace('&', "&amp;"));
    let press = "<script>document.querySelector('button[value=pay]').click()</script></body>";
    let page = shop.page(&url, None).1;
    shop.folder.write("press.html", &page.replace("<form method=\"post\">", &form).replace("</body>", press));
    let file = format!("file://{}", shop.folder.path("press.html").display());
    let seen = visit(&file);
    assert!(seen.contains("<p class=\"state good\">Paid</p>"), "{seen}");
    until("the payment is notified", || shop.log().contains("SUCCESS"));
}
