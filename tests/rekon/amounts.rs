//! A job that reads the amounts from the wrong column: DOKU refunds what was paid, and its signed answers say so.

use std::fmt::Write as _;

use crate::process::{Ended, Folder, Provider, column, exits};

/// Orders of the export.
const COUNT: u32 = 12;

/// The two columns, one of which is the fee.
fn export() -> String {
    let row = |mut text: String, number: u32| {
        let amount = 100_000 + number;
        writeln!(
            text,
            "INV-{number},{amount},{},{},MCH-0001-SIMULATORMUR-{number}",
            2000 + number,
            1_000_035_100 + number
        )
        .expect("text grows");
        text
    };
    (1..=COUNT).fold("invoice_number,amount,fee,order_id,akulaku_reference\n".to_owned(), row)
}

fn provider() -> Provider {
    let orders = (1..=COUNT).map(|number| {
        format!(
            "  - {{invoice_number: INV-{number}, amount: {}, status: paid, order_id: \"{}\", akulaku_reference: MCH-0001-SIMULATORMUR-{number}}}\n",
            100_000 + number,
            1_000_035_100 + number
        )
    });
    Provider::start(&format!("orders:\n{}", orders.collect::<String>()))
}

struct Night {
    folder: Folder,
    provider: Provider,
}

impl Night {
    fn new() -> Self {
        let (folder, provider) = (Folder::new(), provider());
        folder.write("orders.csv", &export());
        let night = Self { folder, provider };
        night.column("fee", "1h", "200ms");
        night
    }

    /// The job reads the amounts from this column.
    fn column(&self, column: &str, horizon: &str, settle_for: &str) {
        let job = format!(
            "job: refunds\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
             orders: {{file: orders.csv, columns: {{amount: {column}}}}}\nguards: {{max_orders: 20, max_total: 9000000}}\n\
             limits: {{rate: unlimited, concurrency: 1}}\n\
             retries: {{attempts: 1, backoff: 1ms..2ms, inquire_after: 20ms, settle_for: {settle_for}, horizon: {horizon}}}\n",
            self.provider.url()
        );
        self.folder.write("job.yaml", &job);
    }

    fn runs(&self) -> Ended {
        self.folder.rekon(&["run", "job.yaml"])
    }

    fn states(&self) -> Vec<String> {
        column(&self.folder.results("refunds"), "rekon_state")
    }
}

#[test]
fn a_wrong_column_stops_the_run_says_so_and_keeps_nothing_waiting_once_it_is_corrected() {
    let night = Night::new();
    let ended = night.runs();
    exits(&ended, 3);
    let told = "for 5 orders DOKU's signed answers name other amounts than ours: INV-1 Rp 100.001 (ours: Rp 2.001), INV-2 \
                Rp 100.002 (ours: Rp 2.002), INV-3 Rp 100.003 (ours: Rp 2.003)";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(ended.stdout.contains("job.yaml:4:46: \"fee\". If it is not, correct it"), "{}", ended.stdout);
    assert!(ended.stdout.contains("rules on it: rekon resolve job.yaml"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("settles them with the same key"), "a repeat settles nothing: {}", ended.stdout);
    assert_eq!(night.provider.ledger().len(), 5);
    // As long as it is wrong, no new order is spent.
    for _ in 0..2 {
        exits(&night.runs(), 3);
        assert_eq!(night.provider.ledger().len(), 5);
    }
    night.column("amount", "1h", "200ms");
    let ended = night.runs();
    exits(&ended, 3);
    assert!(!ended.stdout.contains("correct it"), "{}", ended.stdout);
    assert!(ended.stdout.contains("rules on it: rekon resolve job.yaml"), "{}", ended.stdout);
    assert_eq!(night.states()[5..], vec!["succeeded"; 7], "{}", ended.stdout);
    let effects = night.provider.effects();
    assert!(effects.len() == 12 && effects.values().all(|count| *count == 1), "{effects:?}");
    // And those that were answered come before a person.
    night.column("amount", "1ms", "1h");
    let ended = night.folder.rekon(&["resolve", "job.yaml"]);
    exits(&ended, 3);
    assert!(ended.stdout.contains("for 5 orders DOKU's signed answers name other amounts"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("hands it to a person"), "it has: {}", ended.stdout);
    for number in 1..=5 {
        let invoice = format!("INV-{number}");
        let ruling = ["--operation", "refund", "--as", "done", "--reason", "r", "--evidence", "e", "--job", "job.yaml"];
        exits(&night.folder.rekon(&[&["rule", &invoice], ruling.as_slice()].concat()), 0);
    }
    exits(&night.runs(), 1);
    assert_eq!(night.provider.ledger().len(), 12);
}

#[test]
fn the_next_export_of_a_corrected_job_is_not_kept_waiting_by_the_one_before() {
    let night = Night::new();
    exits(&night.runs(), 3);
    let text = export();
    let lines: Vec<&str> = text.lines().collect();
    night.folder.write("orders.csv", &format!("{}\n{}\n", lines[0], lines[6..].join("\n")));
    night.column("amount", "1h", "200ms");
    let ended = night.runs();
    exits(&ended, 3);
    assert_eq!(night.states(), vec!["succeeded"; 7], "{}", ended.stdout);
}
