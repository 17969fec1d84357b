//! Guards through the binary: a file guard that is broken is exit code 2 and no request, a row guard holds its row and no
//! other, and what is loosened is on the record.

use std::fmt::Write as _;

use rekon::simulator::CLIENT_ID;

use crate::process::{Ended, Folder, Provider, column, exits, within_one_day};
use crate::support::repository;

/// Orders INV-`from` to INV-`to`, each over its number in thousands.
fn orders(from: u32, to: u32) -> String {
    let mut text = "invoice_number,amount,order_id,akulaku_reference\n".to_owned();
    for number in from..=to {
        writeln!(text, "INV-{number},{number}000,{},{CLIENT_ID}INV-{number}", 1000 + number).expect("a string");
    }
    text
}

fn provider(count: u32, faults: &str) -> Provider {
    let mut text = "orders:\n".to_owned();
    for number in 1..=count {
        let order_id = 1000 + number;
        writeln!(text, "  - {{invoice_number: INV-{number}, amount: {number}000, status: paid, order_id: {order_id}}}")
            .expect("a string");
    }
    Provider::start(&format!("{text}{faults}"))
}

/// A job at a provider; what a guard is told comes after the two that must be there.
fn job(name: &str, provider: &Provider, rate: u32, guards: &str) -> String {
    format!(
        "job: {name}\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
         orders: {{file: orders.csv}}\nlimits: {{rate: {rate}/s, burst: 5, concurrency: 1, timeout: 60s}}\n\
         retries: {{attempts: 1, backoff: 10ms..50ms, inquire_after: 60s, settle_for: 100ms}}\n\
         breaker: {{consecutive: 100, failures: 100%, of_last: 100}}\n\
         guards:\n  max_orders: 100\n  max_total: 100000000\n{guards}",
        provider.url()
    )
}

/// Runs the job over the orders from one number to another.
fn run(folder: &Folder, from: u32, to: u32, further: &[&str]) -> Ended {
    folder.write("orders.csv", &orders(from, to));
    folder.rekon(&[&["run", "job.yaml"], further].concat())
}

#[test]
fn each_file_guard_that_is_broken_is_exit_code_2_and_no_request() {
    let cases = [
        ("  max_orders: 3\n", "guard max_orders: 4 orders planned, 3 orders allowed: 1 order too many"),
        ("  max_total: 9999\n", "guard max_total: Rp 10.000 planned, Rp 9.999 allowed: Rp 1 too many"),
        ("  max_orders_per_day: 3\n", "guard max_orders_per_day: 4 orders (0 before) planned, 3 orders on "),
        ("  max_total_per_day: 9999\n", "guard max_total_per_day: Rp 10.000 (Rp 0 before) planned, Rp 9.999 on "),
        ("orders: {file: orders.csv, control: {rows: 5}}\n", "guard control.rows: 4 rows found, 5 rows expected"),
        ("orders: {file: orders.csv, control: {amount: 1}}\n", "guard control.amount: Rp 10.000 found, Rp 1 expected"),
    ];
    let provider = provider(50, "");
    for (guard, expected) in cases {
        let folder = Folder::new();
        let text = job("refund-test", &provider, 500, "");
        // A key that is given again replaces the one before.
        let key = guard.trim_start().split(':').next().expect("a key");
        let kept: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with(&format!("{key}:"))).collect();
        let kept = kept.join("\n");
        let text = if guard.starts_with(' ') { format!("{kept}\n{guard}") } else { format!("{guard}{kept}\n") };
        folder.write("job.yaml", &text);
        for command in ["plan", "run"] {
            folder.write("orders.csv", &orders(1, 4));
            let ended = folder.rekon(&[command, "job.yaml"]);
            exits(&ended, 2);
            assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
        }
    }
    let folder = Folder::new();
    folder.write("job.yaml", &job("refund-test", &provider, 500, "  max_share: 10%\n"));
    folder.write(
        "job.yaml",
        &folder.read("job.yaml").replace("orders.csv}", "orders.csv, where: [{amount: {at_most: 5000}}]}"),
    );
    let ended = run(&folder, 1, 41, &[]);
    exits(&ended, 2);
    assert!(ended.stderr.contains("guard max_share: 5 orders planned, 10% of 41 rows allowed"), "{}", ended.stderr);
    assert_eq!(provider.requests(), 0);
}

#[test]
fn a_row_guard_holds_its_row_and_the_others_are_sent() {
    let provider = provider(3, "");
    let folder = Folder::new();
    folder.write("job.yaml", &job("refund-test", &provider, 500, "  max_order: 2000\n"));
    exits(&run(&folder, 1, 3, &[]), 1);
    assert_eq!(column(&folder.results("refund-test"), "rekon_state"), ["succeeded", "succeeded", "held"]);
    assert_eq!((provider.requests(), provider.effects().contains_key("INV-3")), (2, false));
    folder.write("job.yaml", &job("refund-strict", &provider, 500, "  require_paid: true\n"));
    exits(&run(&folder, 3, 3, &[]), 1);
    assert_eq!(column(&folder.results("refund-strict"), "rekon_reason"), ["require_paid"]);
    assert_eq!(provider.requests(), 2);
}

#[test]
fn a_plan_out_of_proportion_with_the_last_runs_is_refused() {
    let provider = provider(40, "");
    let folder = Folder::new();
    folder.write("job.yaml", &job("refund-test", &provider, 500, "  max_growth: {runs: 7, factor: 2.5}\n"));
    for (from, to) in [(1, 2), (3, 3)] {
        let ended = run(&folder, from, to, &[]);
        exits(&ended, 0);
        assert!(ended.stdout.contains("too few runs to compare"), "{}", ended.stdout);
    }
    exits(&run(&folder, 4, 5, &[]), 0);
    let refused = run(&folder, 6, 11, &[]);
    exits(&refused, 2);
    let expected = "guard max_growth.orders: 6 orders planned, 2.5 x 2 orders allowed: 1 order too many";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert_eq!(provider.requests(), 5);
    exits(&run(&folder, 6, 7, &[]), 0);
    exits(&run(&folder, 8, 13, &["--override", "max_growth=10", "--reason", "the sale of 11.11"]), 0);
    assert_eq!(provider.requests(), 13);
}

#[test]
fn an_input_that_is_done_is_refused_and_one_that_is_not_is_continued() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-2, times: 1, fault: reset_after}\n";
    let provider = provider(3, faults);
    let folder = Folder::new();
    folder.write("job.yaml", &job("refund-test", &provider, 500, "  duplicate_input: refuse\n"));
    exits(&run(&folder, 1, 2, &[]), 3);
    let continued = run(&folder, 1, 2, &[]);
    exits(&continued, 0);
    assert!(continued.stdout.contains("a new input"), "{}", continued.stdout);
    let requests = provider.requests();
    let refused = run(&folder, 1, 2, &[]);
    exits(&refused, 2);
    assert!(refused.stderr.contains("guard duplicate_input: this is the input of run "), "{}", refused.stderr);
    let hint = "or for this run only add --override duplicate_input=allow --reason TEXT";
    assert!(refused.stderr.contains(hint), "{}", refused.stderr);
    exits(&run(&folder, 1, 2, &["--override", "duplicate_input=allow", "--reason", "to write the files again"]), 0);
    folder.write("job.yaml", &job("refund-test", &provider, 500, "  duplicate_input: warn\n"));
    let warned = run(&folder, 1, 2, &[]);
    exits(&warned, 0);
    assert!(warned.stderr.contains("is done with the same input; is this the right file?"), "{}", warned.stderr);
    assert_eq!(provider.requests(), requests);
    exits(&run(&folder, 1, 3, &[]), 0);
    assert_eq!(provider.requests(), requests + 1);
}

#[test]
fn a_plan_that_is_refused_says_what_is_in_doubt_meanwhile() {
    let provider = provider(3, "faults:\n  - {operation: refund, invoice_number: INV-1, fault: reset_after}\n");
    let folder = Folder::new();
    folder.write("job.yaml", &job("refund-test", &provider, 500, ""));
    exits(&run(&folder, 1, 1, &[]), 3);
    folder.write("job.yaml", &folder.read("job.yaml").replace("max_orders: 100", "max_orders: 1"));
    let refused = run(&folder, 1, 3, &[]);
    exits(&refused, 2);
    let expected = "MONEY IN DOUBT meanwhile, left by earlier runs of this job: 1 order, Rp 1.000; settled, with nothing new sent, by: \
         rekon resolve job.yaml\n  which ones, and what is known about them: rekon show --journal .rekon/journal.db\n";
    assert_eq!(refused.stderr.matches(expected).count(), 1, "{}", refused.stderr);
    std::fs::remove_file(folder.path("orders.csv")).expect("a file");
    let without = folder.rekon(&["run", "job.yaml"]);
    exits(&without, 2);
    assert!(without.stderr.contains("nothing was sent\n") && without.stderr.ends_with(expected), "{}", without.stderr);
    let spoken = folder.rekon(&["run", "job.yaml", "--lang", "id"]);
    assert!(spoken.stderr.contains("UANG BELUM PASTI sementara itu"), "{}", spoken.stderr);
    let planless = folder.rekon(&["run", "job.yaml", "--plan", "none.json"]);
    exits(&planless, 2);
    assert!(planless.stderr.ends_with(expected), "{}", planless.stderr);
    // Where nothing is in doubt, nothing is said of it.
    std::fs::remove_dir_all(folder.path(".rekon")).expect("a folder");
    let without = folder.rekon(&["run", "job.yaml"]);
    exits(&without, 2);
    assert!(!without.stderr.contains("IN DOUBT"), "{}", without.stderr);
    assert!(!folder.path(".rekon").exists(), "a look makes no journal");
    assert_eq!(provider.requests(), 1);
}

#[test]
fn what_other_jobs_sent_counts_against_the_cap_of_the_day() {
    let provider = provider(6, "");
    let folder = Folder::new();
    within_one_day();
    folder.write("job.yaml", &job("refund-a", &provider, 500, ""));
    exits(&run(&folder, 1, 3, &[]), 0);
    folder.write("job.yaml", &job("refund-b", &provider, 500, "  max_orders_per_day: 5\n"));
    let refused = run(&folder, 4, 6, &[]);
    exits(&refused, 2);
    assert!(refused.stderr.contains("6 orders (3 before) planned, 5 orders on "), "{}", refused.stderr);
    exits(&run(&folder, 4, 5, &[]), 0);
    assert_eq!(provider.requests(), 5);
}

#[test]
fn the_journal_holds_a_run_to_the_cap_that_its_plan_did_not_see_coming() {
    let provider = provider(30, "");
    let folder = Folder::new();
    within_one_day();
    // From the sixth request to the eleventh it takes five seconds.
    folder.write("job.yaml", &job("refund-test", &provider, 1, "  max_orders_per_day: 30\n"));
    folder.write("orders.csv", &orders(1, 30));
    let running = folder.start(&["run", "job.yaml"]);
    provider.wait_for(6);
    // As another runner would have done.
    let journal = rusqlite::Connection::open(folder.path(".rekon/journal.db")).expect("a journal");
    journal.busy_timeout(std::time::Duration::from_secs(10)).expect("a time");
    journal.execute_batch("UPDATE day SET orders = orders + 20").expect("a sum");
    drop(journal);
    let ended = running.end();
    exits(&ended, 4);
    let expected =
        "stopped part-way: the journal refuses the next order by guards.max_orders_per_day: 30 orders are allowed";
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    assert_eq!(provider.requests(), 10);
    let states = column(&folder.results("refund-test"), "rekon_state");
    assert_eq!(
        (&states[..10], &states[10..]),
        (&[(); 10].map(|()| "succeeded".to_owned())[..], &[(); 20].map(|()| "not_attempted".to_owned())[..])
    );
}

#[test]
fn an_override_is_on_the_record() {
    let provider = provider(3, "");
    let folder = Folder::new();
    folder
        .write("job.yaml", &job("refund-test", &provider, 500, "").replace("max_total: 100000000", "max_total: 5000"));
    exits(&run(&folder, 1, 3, &[]), 2);
    exits(&run(&folder, 1, 3, &["--override", "max_total=5999", "--reason", "second batch"]), 2);
    exits(&run(&folder, 1, 1, &["--override", "max_total=6000", "--reason", "second batch"]), 2);
    assert_eq!(provider.requests(), 0);
    let ended = run(&folder, 1, 3, &["--override", "max_total=6000", "--reason", "second batch"]);
    exits(&ended, 0);
    let line = "overridden: max_total Rp 5.000 -> Rp 6.000, by ";
    assert_eq!(ended.stdout.matches(line).count(), 2, "in the plan and in the summary: {}", ended.stdout);
    let recorded = &folder.summary("refund-test")["overrides"][0];
    let told = ["guard", "from", "to", "reason"].map(|key| recorded[key].as_str().unwrap_or_default());
    assert_eq!(told, ["max_total", "5000", "6000", "second batch"]);
    let name = folder.runs("refund-test").pop().expect("a run");
    let shown = folder.rekon(&["show", &name, "--job", "job.yaml"]);
    assert!(shown.stdout.contains(line), "{}", shown.stdout);
    exits(&folder.rekon(&["journal", "check", "--job", "job.yaml"]), 0);
    // Nothing is left to send, so nothing need be loosened.
    exits(&run(&folder, 1, 3, &["--override", "max_total=6000", "--reason", "second batch"]), 2);
    exits(&run(&folder, 1, 3, &[]), 0);
}

#[test]
fn the_plan_says_how_many_calls_and_how_long_they_take() {
    let provider = provider(1, "");
    let folder = Folder::new();
    folder.write("job.yaml", &job("refund-test", &provider, 5, ""));
    folder.write("orders.csv", &orders(1, 40));
    let ended = folder.rekon(&["plan", "job.yaml"]);
    assert!(ended.stdout.contains("\n40 calls, 7 s at 5/s\n"), "{}", ended.stdout);
    let document = folder.rekon(&["plan", "job.yaml", "--json"]).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!((&document["eta"]["calls"], &document["eta"]["seconds"]), (&40.into(), &7.into()));
    assert_eq!(provider.requests(), 0);
}

#[test]
fn every_guard_is_explained() {
    let text =
        "job: a\noperation: refund\nmerchant: {environment: simulator}\norders: {file: o.csv}\nguards: {qqqqqqqq: 1}\n";
    let faults = rekon::job::parse("job.yaml", text).expect_err("there is no such guard");
    let keys =
        faults.iter().filter_map(|fault| fault.hint.as_deref()).find_map(|hint| hint.strip_prefix("known keys: "));
    let keys: Vec<&str> = keys.expect("the reader tells its keys").split(", ").collect();
    assert_eq!(keys.len(), 10);
    let document = std::fs::read_to_string(repository("docs/guards.md")).expect("docs/guards.md is there");
    let missing: Vec<&str> = keys.into_iter().filter(|key| !document.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/guards.md does not explain {missing:?}");
}
