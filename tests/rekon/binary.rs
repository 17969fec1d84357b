//! The program through its binary alone, against a provider whose ledger can be counted: what a second run, a signal, a
//! power cut or a lost journal may do, and what they may not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use rekon::model::secret::Secret;
use rekon::model::time::{BusinessDate, Timestamp, Zone};
use rekon::simulator::{CLIENT_ID, Config, SECRET_KEY};

use crate::process::{
    Ended, Folder, HASTY, Nobody, Parrot, Provider, QUICK, Seal, Simulate, Told, client_id, column, exits,
    notification_body, now, rows, unless_the_machine_stood_still, until,
};

/// A pace at which a test can step in, also on a machine that stands still for a second or two.
const SLOW: &str = "\
limits: {rate: 5/s, concurrency: 4, timeout: 60s}
retries: {attempts: 6, backoff: 10ms..50ms, inquire_after: 50ms, settle_for: 5s}
";

/// A job over `orders.csv` at a provider of the test's own.
fn job(operation: &str, url: &str, further: &str) -> String {
    format!(
        "job: {operation}-test\noperation: {operation}\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
         orders: {{file: orders.csv}}\nguards: {{max_orders: 100, max_total: 100000000}}\n\
         breaker: {{consecutive: 100, failures: 100%, of_last: 100}}\n{further}"
    )
}

/// `count` orders with everything that a refund needs.
fn orders(count: u32) -> String {
    let mut text = "invoice_number,amount,order_id,akulaku_reference\n".to_owned();
    for number in 1..=count {
        writeln!(text, "INV-{number},{number}000,{},{CLIENT_ID}INV-{number}", 1000 + number).expect("a string");
    }
    text
}

/// The same orders at the provider.
fn state(count: u32, status: &str) -> String {
    let mut text = "orders:\n".to_owned();
    for number in 1..=count {
        let order_id = 1000 + number;
        writeln!(
            text,
            "  - {{invoice_number: INV-{number}, amount: {number}000, status: {status}, order_id: {order_id}}}"
        )
        .expect("a string");
    }
    text
}

/// `count` orders to create.
fn sales(count: u32) -> String {
    let mut text = "invoice_number,amount,payment_reference,callback_url,line_items.name,line_items.price,\
                    line_items.quantity,line_items.sku,line_items.category,customer.id,customer.name,customer.phone\n"
        .to_owned();
    for number in 1..=count {
        writeln!(
            text,
            "INV-{number},{number}000,MUR-{number},https://shop.example/return,Kaos,{number}000,1,S-1,Baju,C-{number},Siti,\
             6281122334455"
        )
        .expect("a string");
    }
    text
}

/// A folder with `count` refunds, and the provider that has their orders.
fn refunds(count: u32, further: &str) -> (Folder, Provider) {
    let provider = Provider::start(&state(count, "paid"));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(count));
    folder.write("job.yaml", &job("refund", &provider.url(), further));
    (folder, provider)
}

fn once_each(count: u32) -> BTreeMap<String, u32> {
    (1..=count).map(|number| (format!("INV-{number}"), 1)).collect()
}

fn states(folder: &Folder, job: &str) -> Vec<String> {
    column(&folder.results(job), "rekon_state")
}

// Running again.

#[test]
fn running_any_job_again_sends_nothing() {
    for (operation, status) in [("refund", "paid"), ("cancel", "pending"), ("create", "")] {
        let starting = if status.is_empty() { String::new() } else { state(3, status) };
        let provider = Provider::start(&starting);
        let folder = Folder::new();
        folder.write("orders.csv", &if operation == "create" { sales(3) } else { orders(3) });
        folder.write("job.yaml", &job(operation, &provider.url(), QUICK));
        let name = format!("{operation}-test");
        exits(&folder.rekon(&["run", "job.yaml"]), 0);
        assert_eq!((provider.requests(), provider.effects()), (3, once_each(3)), "{operation}");
        let first = folder.runs(&name).remove(0);

        exits(&folder.rekon(&["run", "job.yaml"]), 0);
        assert_eq!((provider.requests(), provider.effects()), (3, once_each(3)), "{operation}");
        assert_eq!(states(&folder, &name), ["succeeded"; 3], "{operation}");
        let reason = format!("settled earlier in run {first}");
        assert_eq!(column(&folder.results(&name), "rekon_reason"), vec![reason; 3], "{operation}");
    }
}

#[test]
fn another_job_over_the_same_invoices_skips_them_and_names_the_run() {
    let (folder, provider) = refunds(2, QUICK);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    let run = folder.runs("refund-test").remove(0);
    folder.write("other.yaml", &job("refund", &provider.url(), QUICK).replace("refund-test", "other"));
    exits(&folder.rekon(&["run", "other.yaml"]), 0);
    assert_eq!(provider.requests(), 2);
    assert_eq!(states(&folder, "other"), ["skipped"; 2]);
    let reason = format!("succeeded by job refund-test in run {run}");
    assert_eq!(column(&folder.results("other"), "rekon_reason"), vec![reason; 2]);
}

#[test]
fn an_order_whose_amount_has_changed_since_is_held() {
    let (folder, provider) = refunds(1, QUICK);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    folder.write("orders.csv", &orders(1).replace(",1000,", ",1001,"));
    exits(&folder.rekon(&["run", "job.yaml"]), 1);
    assert_eq!(provider.requests(), 1);
    assert_eq!(states(&folder, "refund-test"), ["held"]);
    assert_eq!(column(&folder.results("refund-test"), "rekon_reason"), ["other_amount"]);
}

#[test]
fn new_rows_of_a_job_are_sent_and_the_old_ones_are_not() {
    let (folder, provider) = refunds(5, QUICK);
    folder.write("orders.csv", &orders(3));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    folder.write("orders.csv", &orders(5));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!((provider.requests(), provider.effects()), (5, once_each(5)));
}

#[test]
fn what_a_night_was_stopped_before_is_not_forgotten_the_next_night() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-2, times: 1, fault: unauthorized}\n";
    let provider = Provider::start(&format!("{}{faults}", state(5, "paid")));
    let folder = Folder::new();
    let one_by_one = HASTY.replace("concurrency: 4", "concurrency: 1");
    let job = job("refund", &provider.url(), &one_by_one).replace("file: orders.csv", "file: \"orders-{date}.csv\"");
    folder.write("job.yaml", &job);
    let today = BusinessDate::of(now());
    let next_day = BusinessDate::from_day(today.day().unwrap() + 1).unwrap();
    let [tonight, tomorrow] = [today, next_day].map(|date| date.to_string());
    let (four, all) = (orders(4), orders(5));
    let fifth = format!("{}\n{}\n", all.lines().next().unwrap(), all.lines().last().unwrap());
    folder.write(&format!("orders-{tonight}.csv"), &four);
    folder.write(&format!("orders-{tomorrow}.csv"), &fifth);
    // By name: the day may end meanwhile.
    exits(&folder.rekon(&["run", "job.yaml", "--date", &tonight]), 4);
    let next = || folder.rekon(&["run", "job.yaml", "--date", &tomorrow]);
    for _ in 0..2 {
        let ended = next();
        exits(&ended, 0);
        assert!(
            ended.stderr.contains("of this job was stopped before 2 orders, Rp 7.000, and nobody has sent them since"),
            "{}",
            ended.stderr
        );
        let hint =
            format!("of the day it began unless it was given another --date: rekon run job.yaml --date {tonight}\n");
        assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
    }
    exits(&folder.rekon(&["run", "job.yaml", "--date", &tonight]), 1);
    let ended = next();
    exits(&ended, 0);
    assert!(!ended.stderr.contains("not sent"), "{}", ended.stderr);
}

// Doubt.

/// Two orders of three stay unknown: one was refunded and one was not.
fn in_doubt() -> (Folder, Provider) {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-2, fault: error_after}\n  \
                  - {operation: refund, invoice_number: INV-3, fault: error_before}\n";
    let provider = Provider::start(&format!("{}{faults}", state(3, "paid")));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3));
    folder.write("job.yaml", &job("refund", &provider.url(), HASTY));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    assert_eq!(states(&folder, "refund-test"), ["succeeded", "unknown", "unknown"]);
    assert_eq!(folder.summary("refund-test")["in_doubt"], serde_json::json!({"count": 2, "rupiah": 5000}));
    assert_eq!(provider.effects(), BTreeMap::from([("INV-1".into(), 1), ("INV-2".into(), 1)]));
    (folder, provider)
}

#[test]
fn what_a_run_left_unknown_is_settled_by_the_next_one_with_one_effect() {
    let (folder, provider) = in_doubt();
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(3));
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 3]);
    assert_eq!(column(&folder.results("refund-test"), "rekon_attempts"), ["1", "2", "2"]);
    assert_eq!(column(&folder.results("refund-test"), "rekon_replayed"), ["false", "true", "false"]);
}

#[test]
fn resolve_settles_and_sends_nothing_new() {
    let (folder, provider) = in_doubt();
    folder.write("orders.csv", &orders(4));
    let ended = folder.rekon(&["resolve", "job.yaml"]);
    exits(&ended, 0);
    assert!(ended.stdout.contains("  settled as succeeded: 2, Rp 5.000\n"), "{}", ended.stdout);
    assert_eq!(provider.effects(), once_each(3), "INV-4 is new and is not sent");
}

#[test]
fn resolve_ends_well_if_nothing_is_left_in_doubt_though_the_breaker_opened() {
    let faults = "faults:\n  - {operation: refund, fault: error_after, times: 4}\n";
    let provider = Provider::start(&format!("{}{faults}", state(3, "paid")));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3));
    let ill = |further: &str| {
        job("refund", &provider.url(), further)
            .replace("breaker: {consecutive: 100, failures: 100%, of_last: 100}", "breaker: {consecutive: 2}")
    };
    let one_by_one = HASTY.replace("concurrency: 4", "concurrency: 1");
    folder.write("job.yaml", &ill(&one_by_one));
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 3);
    assert!(
        ended.stdout.contains(
            "  or send nothing new; if DOKU is still ill, the status of each is asked for: rekon resolve job.yaml\n"
        ),
        "{}",
        ended.stdout
    );
    folder.write("job.yaml", &ill(&one_by_one.replace("60s, settle_for: 100ms", "10ms, settle_for: 5s")));
    let ended = folder.rekon(&["resolve", "job.yaml"]);
    exits(&ended, 0);
    assert!(ended.stdout.contains("  settled as already_done: 2, ") && !ended.stderr.contains("part-way"), "{ended:?}");
    assert!(folder.rekon(&["show", "--job", "job.yaml"]).stdout.contains("  0\n"));
}

#[test]
fn an_order_in_review_that_is_held_with_another_amount_is_for_a_person_and_not_for_another_run() {
    let (folder, provider) = in_doubt();
    folder.write("orders.csv", &folder.read("orders.csv").replace("INV-3,3000", "INV-3,3001"));
    let late = QUICK.replace("attempts: 6", "attempts: 6, horizon: 1ms");
    folder.write("job.yaml", &job("refund", &provider.url(), &late));
    for _ in 0..2 {
        let ended = folder.rekon(&["run", "job.yaml"]);
        exits(&ended, 3);
        assert_eq!(states(&folder, "refund-test"), ["succeeded", "already_done", "held"]);
        let (_, told) = ended.stdout.split_once("MONEY IN DOUBT").expect("it says so");
        let expected = ": 1 row, Rp 3.000 (exit code 3)\n  \
            1 order of an earlier run, which no row here carries on (not in this input, or held): INV-3\n  \
            which ones, and what is known about them: rekon show --journal .rekon/journal.db\n  \
            review, conflict: a person decides --as done (or not-done): rekon rule INV-3 --operation refund --as done \
            --reason TEXT --evidence TEXT --journal .rekon/journal.db\n";
        assert_eq!(told, expected);
    }
    // Nor does a run that cannot start send anybody to another run.
    std::fs::remove_file(folder.path("orders.csv")).expect("a file");
    let refused = folder.rekon(&["run", "job.yaml"]);
    exits(&refused, 2);
    assert!(refused.stderr.contains("1 order, Rp 3.000\n"), "{}", refused.stderr);
    assert!(refused.stderr.contains("rekon rule INV-3 --operation refund "), "{}", refused.stderr);
}

#[test]
fn doubt_about_an_order_that_left_the_file_is_not_forgotten() {
    let (folder, provider) = in_doubt();
    folder.write("orders.csv", &orders(1));
    let nobody = Nobody::new();
    folder.write("job.yaml", &job("refund", &nobody.url, HASTY));
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 3);
    assert!(ended.stdout.contains("2 calls, 2 about what an earlier run left open, "), "{}", ended.stdout);
    let named =
        "\n  2 orders of an earlier run, which no row here carries on (not in this input, or held): INV-2, INV-3\n";
    assert!(ended.stdout.contains(named), "{}", ended.stdout);
    let summary = folder.summary("refund-test");
    assert_eq!(summary["in_doubt"], serde_json::json!({"count": 2, "rupiah": 5000}));
    assert_eq!(summary["identity"]["holds"], true);
    assert_eq!(provider.requests(), 3);
    folder.write("job.yaml", &job("refund", &provider.url(), QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(3));
}

#[test]
fn beyond_the_horizon_nothing_is_sent_again_and_a_person_decides() {
    let (folder, provider) = in_doubt();
    let late = QUICK.replace("attempts: 6", "attempts: 6, horizon: 1ms");
    folder.write("job.yaml", &job("refund", &provider.url(), &late));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    // INV-2 shows as refunded, under a reference that an inquiry does not tell; INV-3 shows as paid, which proves nothing.
    assert_eq!(states(&folder, "refund-test"), ["succeeded", "already_done", "review"]);
    assert_eq!(provider.requests(), 3 + 2, "two inquiries");
    assert_eq!(provider.effects(), BTreeMap::from([("INV-1".into(), 1), ("INV-2".into(), 1)]));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    assert_eq!(provider.requests(), 3 + 2, "what a person decides is left alone");
}

#[test]
fn a_second_job_leaves_an_invoice_in_doubt_alone() {
    let (folder, provider) = in_doubt();
    folder.write("other.yaml", &job("refund", &provider.url(), QUICK).replace("refund-test", "other"));
    exits(&folder.rekon(&["run", "other.yaml"]), 3);
    assert_eq!(provider.requests(), 3);
    assert_eq!(states(&folder, "other"), ["skipped"; 3]);
}

// Signals, kills and lost journals.

/// The journal says of the latest run what its summary says of it: why it was stopped.
fn shows_why(folder: &Folder, why: &str) {
    let summary = folder.summary("refund-test");
    assert_eq!(summary["stopped"], why);
    let run = summary["run"].as_str().expect("a name");
    let shown = folder.rekon(&["show", run, "--job", "job.yaml"]);
    exits(&shown, 0);
    assert!(shown.stdout.contains(&format!("\nstopped part-way: {why}\n")), "{}", shown.stdout);
}

#[test]
fn the_terminal_speaks_the_language_of_its_reader() {
    let (folder, provider) = in_doubt();
    folder.write("job.yaml", &job("refund", &provider.url(), QUICK));
    let run = folder.summary("refund-test")["run"].as_str().expect("a name").to_owned();
    let told: [(&[&str], i32, &[&str]); 8] = [
        (&["plan", "job.yaml"], 0, &["rencana", "batas"]),
        (&["plan", "job.yaml", "--format", "md"], 0, &["Rencana ini boleh dijalankan", "| batas "]),
        (&["show", "--job", "job.yaml"], 0, &["UANG BELUM PASTI: 2 item", "Belum pasti (unknown)"]),
        (&["show", &run, "--job", "job.yaml"], 0, &["status sekarang", "kode keluar 3"]),
        (&["show", &run, "--job", "job.yaml", "--format", "md"], 0, &["**UANG BELUM PASTI: 2 item**"]),
        (&["show", "INV-2", "--job", "job.yaml"], 0, &["uang pesanan ini belum pasti", "Belum pasti (in_doubt)"]),
        (
            &["run", "job.yaml"],
            0,
            &["Berhasil (succeeded)", "Cocok (matched)", "selesai; tidak ada uang yang belum pasti"],
        ),
        (&["resolve", "job.yaml"], 0, &["belum pasti sekarang: 0 item, Rp 0", "tidak ada pengiriman baru"]),
    ];
    for (arguments, code, words) in told {
        let ended = folder.rekon(&[arguments, &["--lang", "id"]].concat());
        exits(&ended, code);
        for word in words {
            assert!(ended.stdout.contains(word), "{arguments:?}: {word} is not in\n{}", ended.stdout);
        }
        let english = [
            "MONEY",
            "money",
            "identity",
            "headroom",
            "started",
            "finished",
            "exit code",
            "run the",
            "state",
            " rows",
            " orders",
        ];
        for word in english {
            assert!(!ended.stdout.contains(word), "{arguments:?}: {word} is in\n{}", ended.stdout);
        }
    }
}

#[test]
fn a_signal_ends_the_sending_and_the_next_run_continues() {
    for signal in ["INT", "TERM"] {
        let (folder, provider) = refunds(60, SLOW);
        let run = folder.start(&["run", "job.yaml"]);
        provider.wait_for(3);
        run.signal(signal);
        let ended = run.end();
        exits(&ended, 4);
        assert!(ended.stdout.contains("stopped part-way: interrupted"), "{}", ended.stdout);
        let states = states(&folder, "refund-test");
        let done = states.iter().filter(|state| *state == "succeeded").count();
        assert_eq!(done, provider.effects().len(), "calls under way are finished, SIG{signal}");
        assert_eq!(states.iter().filter(|state| *state == "not_attempted").count(), 60 - done);
        assert_eq!(folder.summary("refund-test")["exit_code"], 4);
        shows_why(&folder, "interrupted (Ctrl-C, or a signal)");

        folder.write("job.yaml", &job("refund", &provider.url(), QUICK));
        exits(&folder.rekon(&["run", "job.yaml"]), 0);
        assert_eq!((provider.requests(), provider.effects()), (60, once_each(60)), "SIG{signal}");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_does_everything_once() {
    let (folder, provider) = refunds(100, &SLOW.replace("5/s", "20/s"));
    let mut killed = 0;
    for further_requests in [0, 1, 6, 2, 9, 4, 7] {
        let target = provider.requests() + further_requests;
        let mut run = folder.start(&["run", "job.yaml"]);
        until("the moment of the kill", || provider.requests() >= target || run.has_ended());
        if !run.has_ended() {
            run.signal("KILL");
        }
        killed += u32::from(run.end().code.is_none());
    }
    assert!(killed >= 3, "the kills came too late to tell anything");
    let runs = folder.rekon(&["show", "--job", "job.yaml", "--json"]).stdout;
    let runs: serde_json::Value = serde_json::from_str(&runs).expect("JSON");
    let first = runs["runs"].as_array().and_then(|runs| runs.last()).expect("the first run")["run"].clone();
    let shown = folder.rekon(&["show", first.as_str().expect("a name"), "--job", "job.yaml"]).stdout;
    assert!(shown.contains("\nfinished no: cut off; its last request left at 20"), "{shown}");
    folder.write("job.yaml", &job("refund", &provider.url(), QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(100));
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 100]);
    let effects: BTreeMap<String, String> = provider
        .ledger()
        .iter()
        .map(|effect| (effect.request_id.to_string(), effect.invoice_number.to_string()))
        .collect();
    for row in folder.results("refund-test") {
        assert_eq!(effects.get(&row["rekon_request_id"]), Some(&row["invoice_number"]));
    }
}

#[test]
fn a_rehearsal_that_is_killed_goes_on_where_it_stopped() {
    let folder = Folder::new();
    folder.write("orders.csv", &orders(30));
    let embedded = |pace: &str| job("refund", "", pace).replace(", base_url: \"\"", "");
    folder.write("job.yaml", &embedded(SLOW));
    let ledger = ".rekon/simulator/refund-test-ledger.jsonl";
    let run = folder.start(&["run", "job.yaml"]);
    until("five effects", || std::fs::read_to_string(folder.path(ledger)).is_ok_and(|text| text.lines().count() >= 5));
    run.signal("KILL");
    run.end();
    folder.write("job.yaml", &embedded(QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 30]);
    assert_eq!(folder.read(ledger).matches(r#""entry":"effect""#).count(), 30);
}

#[test]
fn a_second_signal_ends_the_program_at_once_and_nothing_is_lost() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-1, fault: timeout_after}\n";
    let provider = Provider::start(&format!("{}{faults}", state(2, "paid")));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(2));
    let one_by_one = QUICK.replace("concurrency: 4", "concurrency: 1");
    folder.write("job.yaml", &job("refund", &provider.url(), &one_by_one));
    let mut run = folder.start(&["run", "job.yaml"]);
    provider.wait_for(1);
    run.signal("INT");
    run.wait_for_message("stopping");
    run.signal("INT");
    let ended = run.end();
    assert_eq!(ended.code, Some(3), "the call under way is in doubt");
    for told in [
        "MONEY IN DOUBT: the requests that were under way (exit code 3)",
        "never sends twice: rekon run job.yaml\n",
        "what is known about them: rekon show --journal ",
    ] {
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    assert_eq!(folder.runs("refund-test").len(), 0, "there was no time for files");
    let shown = folder.rekon(&["show"]).stdout;
    let run = shown.split_whitespace().find(|word| word.starts_with("20") && word.len() > 15).expect("a run");
    let shown = folder.rekon(&["show", run]).stdout;
    assert!(shown.contains("stopped part-way: stopped at once by a second signal"), "{shown}");
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(2));
    assert_eq!(column(&folder.results("refund-test"), "rekon_replayed"), ["true", "false"]);
}

#[test]
fn a_signal_while_doubt_is_being_settled_leaves_it_to_the_next_run() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-2, fault: error_after}\n";
    let provider = Provider::start(&format!("{}{faults}", state(2, "paid")));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(2));
    let slow = QUICK.replace("10ms..50ms", "60s..120s").replace("settle_for: 5s", "settle_for: 10m");
    folder.write("job.yaml", &job("refund", &provider.url(), &slow));
    let run = folder.start(&["run", "job.yaml"]);
    provider.wait_for(2);
    run.signal("TERM");
    exits(&run.end(), 3);
    assert_eq!(states(&folder, "refund-test"), ["succeeded", "unknown"]);
    folder.write("job.yaml", &job("refund", &provider.url(), QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(2));
}

#[test]
fn a_lost_journal_causes_no_second_effect() {
    let (folder, provider) = refunds(20, SLOW);
    let run = folder.start(&["run", "job.yaml"]);
    provider.wait_for(8);
    run.signal("KILL");
    run.end();
    std::fs::remove_dir_all(folder.path(".rekon")).expect("the journal's folder");
    folder.write("job.yaml", &job("refund", &provider.url(), QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(20));
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 20]);
    let replayed = column(&folder.results("refund-test"), "rekon_replayed");
    assert!(replayed.iter().filter(|replayed| *replayed == "true").count() >= 7, "{replayed:?}");
}

#[test]
fn a_second_runner_is_sent_away() {
    let (folder, provider) = refunds(100, SLOW);
    let first = folder.start(&["run", "job.yaml"]);
    provider.wait_for(1);
    let second = folder.rekon(&["run", "job.yaml"]);
    exits(&second, 5);
    assert!(second.stderr.contains("another runner holds the journal"), "{}", second.stderr);
    assert!(
        second.stderr.contains("\n  hint: see how far it is: rekon show --journal .rekon/journal.db\n"),
        "{}",
        second.stderr
    );
    let shown = folder.rekon(&["show", "--job", "job.yaml"]);
    exits(&shown, 0);
    assert!(shown.stdout.contains("\na runner is at work; under way: "), "{}", shown.stdout);
    assert!(shown.stdout.contains("\nno money is in doubt\n"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("run the job again"), "{}", shown.stdout);
    first.signal("INT");
    exits(&first.end(), 4);
    assert_eq!(folder.runs("refund-test").len(), 1);
}

#[test]
fn what_a_runner_has_under_way_is_in_doubt_once_nobody_is_at_work_on_it() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-1, fault: timeout_after}\n  \
        - {operation: refund, invoice_number: INV-2, fault: error_before}\n";
    let provider = Provider::start(&format!("{}{faults}", state(2, "paid")));
    let folder = Folder::new();
    let pace = QUICK.replace("attempts: 6", "attempts: 1").replace("timeout: 5s", "timeout: 60s");
    let pace = pace.replace("10ms..50ms", "60s..120s").replace("inquire_after: 50ms", "inquire_after: 60s");
    folder.write("job.yaml", &job("refund", &provider.url(), &pace.replace("settle_for: 5s", "settle_for: 0s")));
    let orders = orders(2);
    let lines: Vec<&str> = orders.lines().collect();
    folder.write("orders.csv", &format!("{}\n{}\n", lines[0], lines[2]));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    folder.write("orders.csv", &orders);
    let running = folder.start(&["run", "job.yaml"]);
    provider.wait_for(2);
    let shown = |arguments: &[&str]| folder.rekon(&[arguments, &["--job", "job.yaml"]].concat()).stdout;
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&shown(&[arguments, &["--json"]].concat())).expect("JSON")
    };
    let runs = json(&["show"])["runs"].clone();
    let names: Vec<&str> = runs.as_array().expect("a list").iter().filter_map(|run| run["run"].as_str()).collect();
    // Of the two orders of the second run one is under way, and the other one was unknown before.
    assert_eq!((&runs[0]["in_doubt"], &runs[1]["in_doubt"]), (&0.into(), &1.into()));
    let of_run = shown(&["show", names[0]]);
    assert!(of_run.contains("\n  under way     1  Rp 1.000\n"), "{of_run}");
    assert!(of_run.contains("\na runner is at work; under way: 1 item, Rp 1.000, since 20"), "{of_run}");
    assert!(of_run.contains("\nMONEY IN DOUBT: 1 item"), "{of_run}");
    let document = json(&["show", names[0]]);
    assert_eq!((&document["states"]["unknown"]["count"], &document["under_way"]["count"]), (&1.into(), &1.into()));
    let of_first = shown(&["show", "INV-1"]);
    assert!(of_first.contains("\nunder way since 20"), "{of_first}");
    assert!(!of_first.contains("the money of this order is in doubt"), "{of_first}");
    assert_eq!(json(&["show", "INV-1"])["items"][0]["under_way"], true);
    assert!(shown(&["show", "INV-2"]).contains("\nthe money of this order is in doubt"));
    let doctor = folder.rekon(&["doctor", "job.yaml", "--offline"]).stdout;
    assert!(doctor.contains(" 1 item in doubt") && doctor.contains(" 1 item under way"), "{doctor}");
    running.signal("KILL");
    running.end();
    let of_run = shown(&["show", names[0]]);
    assert!(of_run.contains("\nMONEY IN DOUBT: 2 items") && !of_run.contains("under way"), "{of_run}");
    assert!(shown(&["show", "INV-1"]).contains("\nthe money of this order is in doubt"));
    let doctor = folder.rekon(&["doctor", "job.yaml", "--offline"]).stdout;
    assert!(doctor.contains(" 2 items in doubt") && !doctor.contains("under way"), "{doctor}");
}

#[test]
fn a_journal_that_is_none_stops_the_job_before_anything_is_sent() {
    let (folder, provider) = refunds(1, QUICK);
    folder.write(".rekon/journal.db", "this is not a database, and it is somebody's only copy of it");
    let before = folder.read(".rekon/journal.db");
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 2);
    assert!(ended.stderr.contains(".rekon/journal.db"), "{}", ended.stderr);
    assert_eq!(provider.requests(), 0);
    assert_eq!(folder.read(".rekon/journal.db"), before);
}

#[cfg(unix)]
#[test]
fn the_journal_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _provider) = refunds(1, QUICK);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    for name in [".rekon/journal.db", ".rekon/journal.db.lock"] {
        let mode = std::fs::metadata(folder.path(name)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

// What keeps a run from going on.

#[test]
fn a_broken_guard_refuses_the_whole_file() {
    for (guards, told) in [
        (
            "max_orders: 2, max_total: 100000000",
            "guard max_orders: 3 orders planned, 2 orders allowed: 1 order too many",
        ),
        ("max_orders: 100, max_total: 5999", "guard max_total: Rp 6.000 planned, Rp 5.999 allowed: Rp 1 too many"),
    ] {
        let (folder, provider) = refunds(3, QUICK);
        let job = job("refund", &provider.url(), QUICK).replace("max_orders: 100, max_total: 100000000", guards);
        folder.write("job.yaml", &job);
        let ended = folder.rekon(&["run", "job.yaml", "--json"]);
        exits(&ended, 2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document");
        assert_eq!(document["exit_code"], 2);
        assert_eq!(provider.requests(), 0);
        assert_eq!(folder.runs("refund-test").len(), 0);
    }
}

#[test]
fn a_signed_401_refuses_the_row_and_stops() {
    let parrot = Parrot::start(401, "", Seal::Signed);
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3));
    folder.write("job.yaml", &job("refund", &parrot.url, &QUICK.replace("concurrency: 4", "concurrency: 1")));
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 4);
    assert!(ended.stdout.contains("the provider refused our credentials (401/403)"), "{}", ended.stdout);
    assert_eq!(states(&folder, "refund-test"), ["refused", "not_attempted", "not_attempted"]);
    assert_eq!(column(&folder.results("refund-test"), "rekon_reason")[0], "http_401");
    assert_eq!(parrot.bodies().len(), 1);
}

#[test]
fn an_unsigned_401_leaves_the_row_unknown_and_stops() {
    let parrot = Parrot::start(401, "", Seal::Unsigned);
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3));
    folder.write("job.yaml", &job("refund", &parrot.url, &QUICK.replace("concurrency: 4", "concurrency: 1")));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    assert_eq!(states(&folder, "refund-test"), ["unknown", "not_attempted", "not_attempted"]);
    assert_eq!(column(&folder.results("refund-test"), "rekon_reason")[0], "unsigned_401");
    assert_eq!(parrot.bodies().len(), 1);
}

#[test]
fn a_redirect_is_not_followed_and_stops() {
    let elsewhere = Parrot::start(200, "", Seal::Signed);
    for status in [302, 307] {
        let parrot = Parrot::start(status, &format!("Location: {}/\r\n", elsewhere.url), Seal::Signed);
        let folder = Folder::new();
        folder.write("orders.csv", &orders(2));
        folder.write("job.yaml", &job("refund", &parrot.url, &QUICK.replace("concurrency: 4", "concurrency: 1")));
        exits(&folder.rekon(&["run", "job.yaml"]), 3);
        assert_eq!(states(&folder, "refund-test"), ["unknown", "not_attempted"]);
        assert_eq!(column(&folder.results("refund-test"), "rekon_reason")[0], format!("redirect_{status}"));
        assert_eq!(parrot.bodies().len(), 1);
    }
    assert_eq!(elsewhere.bodies().len(), 0);
}

#[test]
fn where_nobody_listens_the_breaker_opens_and_no_money_is_in_doubt() {
    let folder = Folder::new();
    folder.write("orders.csv", &orders(20));
    let further = QUICK.replace("10ms..50ms", "30s..60s");
    let nobody = Nobody::new();
    let job = job("refund", &nobody.url, &further).replace("consecutive: 100", "consecutive: 5");
    folder.write("job.yaml", &job);
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 4);
    assert!(
        ended.stdout.contains("stopped part-way: the breaker opened after 5 failures in a row"),
        "{}",
        ended.stdout
    );
    shows_why(&folder, "the breaker opened after 5 failures in a row");
    assert_eq!(states(&folder, "refund-test"), ["not_attempted"; 20]);
    assert_eq!(folder.summary("refund-test")["in_doubt"]["count"], 0);

    let provider = Provider::start(&state(20, "paid"));
    folder.write("job.yaml", &self::job("refund", &provider.url(), QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!((provider.requests(), provider.effects()), (20, once_each(20)));
    assert_eq!(
        column(&folder.results("refund-test"), "rekon_attempts"),
        ["1"; 20],
        "what did not leave was no attempt"
    );
}

#[test]
fn outside_its_window_a_job_sends_nothing() {
    let noon = Zone::WIB.local(now() + chrono::Duration::hours(12));
    let (from, until) = (noon.format("%H:%M"), (noon + chrono::Duration::minutes(1)).format("%H:%M"));
    let window = format!("{QUICK}window: {{from: \"{from}\", until: \"{until}\", zone: Asia/Jakarta}}\n");
    let (folder, provider) = refunds(2, &window);
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 4);
    let why = format!("the window is closed; it opens at {from} WIB");
    assert!(ended.stdout.contains(&format!("stopped part-way: {why}")), "{}", ended.stdout);
    shows_why(&folder, &why);
    assert_eq!(provider.requests(), 0);
    assert_eq!(states(&folder, "refund-test"), ["not_attempted"; 2]);
}

#[test]
fn production_needs_live_and_nothing_else_takes_it() {
    let (folder, provider) = refunds(1, QUICK);
    exits(&folder.rekon(&["run", "job.yaml", "--live"]), 2);
    let production = job("refund", &provider.url(), QUICK)
        .replace(
            "environment: simulator",
            "environment: production, client_id: env:DOKU_CLIENT_ID, secret_key: env:DOKU_SECRET_KEY",
        )
        .replace("inquire_after: 50ms", "inquire_after: 60s");
    folder.write("job.yaml", &production);
    let mut command = folder.command(&["run", "job.yaml"]);
    command.env("DOKU_CLIENT_ID", CLIENT_ID).env("DOKU_SECRET_KEY", SECRET_KEY);
    let ended = crate::process::ended(command);
    exits(&ended, 2);
    assert!(ended.stderr.contains("add --live"), "{}", ended.stderr);
    let mut command = folder.command(&["plan", "job.yaml", "--out", "plan.json", "--maker", "siti"]);
    command.env("DOKU_CLIENT_ID", CLIENT_ID).env("DOKU_SECRET_KEY", SECRET_KEY);
    let saved = crate::process::ended(command);
    let said = format!("{}{}", saved.stdout, saved.stderr);
    assert!(said.contains("rekon run job.yaml --live --plan plan.json"), "what is to be copied works: {said}");
    assert_eq!(provider.requests(), 0);
    assert!(!folder.path(".rekon").exists());
}

#[test]
fn a_folder_that_cannot_be_written_loses_nothing() {
    let (folder, provider) = refunds(3, QUICK);
    folder.write("out", "a file where the folder should be");
    let ended = folder.rekon(&["run", "job.yaml"]);
    exits(&ended, 4);
    assert!(ended.stderr.contains("cannot be written"), "{}", ended.stderr);
    assert!(ended.stdout.contains("(exit code 4)"), "{}", ended.stdout);
    assert_eq!(provider.effects(), once_each(3));
    let ended = folder.rekon(&["run", "job.yaml", "--json"]);
    exits(&ended, 4);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document");
    assert_eq!(summary["exit_code"], 4);

    std::fs::remove_file(folder.path("out")).expect("the file");
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.requests(), 3);
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 3]);
    assert_eq!(column(&folder.results("refund-test"), "rekon_http_status"), ["200"; 3]);
}

#[test]
fn a_log_that_vanishes_during_the_run_does_not_pretend_that_nothing_was_sent() {
    let slow = SLOW.replace("5/s", "2/s");
    let (folder, provider) = refunds(12, &format!("{slow}notifications: {{files: [log.jsonl]}}\n"));
    folder.write("log.jsonl", "");
    let run = folder.start(&["run", "job.yaml"]);
    provider.wait_for(1);
    std::fs::remove_file(folder.path("log.jsonl")).expect("the log");
    let ended = run.end();
    exits(&ended, 0);
    assert!(ended.stderr.contains("log.jsonl: cannot be read"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("nothing was sent"), "{}", ended.stderr);
    assert_eq!(provider.effects(), once_each(12));
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 12]);
}

// The wire.

#[test]
fn no_second_holds_more_requests_than_rate_and_burst() {
    let further = QUICK.replace("rate: 500/s, burst: 10", "rate: 3/s, burst: 1");
    unless_the_machine_stood_still(|| {
        let (folder, provider) = refunds(8, &further);
        exits(&folder.rekon(&["run", "job.yaml"]), 0);
        let times: Vec<_> = provider.ledger().iter().map(|effect| effect.at).collect();
        assert_eq!(times.len(), 8);
        let within = |first: &Timestamp| {
            let second = *first..*first + chrono::Duration::seconds(1);
            times.iter().filter(|time| second.contains(time)).count()
        };
        let most = times.iter().map(within).max().unwrap_or_default();
        if most <= 3 + 1 { Ok(()) } else { Err(format!("{most} requests in a second: {times:?}")) }
    });
}

#[test]
fn nobody_is_called_before_a_retry_after_is_over() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-1, fault: throttle, retry_after: 1s}\n";
    let provider = Provider::start(&format!("{}{faults}", state(5, "paid")));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(5));
    folder.write("job.yaml", &job("refund", &provider.url(), &QUICK.replace("concurrency: 4", "concurrency: 1")));
    let start = now();
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    for effect in provider.ledger() {
        assert!(effect.at >= start + chrono::Duration::seconds(1), "{} at {}", effect.invoice_number, effect.at);
    }
    assert_eq!((provider.requests(), provider.effects()), (6, once_each(5)));
}

#[test]
fn a_refund_finds_its_identifiers_in_the_journal_or_in_the_log() {
    let provider = Provider::start(&format!("customers: {{pay: 100}}\n{}", state(1, "paid").replace("INV-1", "INV-9")));
    let folder = Folder::new();
    folder.write("orders.csv", &sales(2));
    folder.write("create.yaml", &job("create", &provider.url(), QUICK));
    exits(&folder.rekon(&["run", "create.yaml"]), 0);

    let identifiers = format!(
        r#""payment":{{"merchant_unique_reference":"INV-9","identifier":[{{"name":"ORDER_ID","value":"1001"}},{{"name":"AKULAKU_UNIQUE_REFERENCE","value":"{CLIENT_ID}INV-9"}}]}}"#
    );
    let body = notification_body("INV-9", "1000", "SUCCESS", "2024-01-20T02:00:00Z")
        .replace(r#""payment":{"merchant_unique_reference":"INV-9"}"#, &identifiers);
    let told = Told {
        received_at: "2024-01-20T02:00:01Z",
        request_id: "N-1",
        client_id: CLIENT_ID,
        key: SECRET_KEY,
        body: &body,
    };
    folder.write("log.jsonl", &format!("{}\n", told.line()));
    folder.write("orders.csv", "invoice_number,amount\nINV-1,1000\nINV-2,2000\nINV-9,1000\n");
    let log = format!("{QUICK}notifications: {{files: [log.jsonl]}}\n");
    folder.write("refund.yaml", &job("refund", &provider.url(), &log));
    exits(&folder.rekon(&["run", "refund.yaml"]), 0);
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 3]);
}

#[test]
fn a_creation_carries_its_lines_its_empty_keys_and_the_settlement() {
    let parrot = Parrot::start(422, "", Seal::Signed);
    let folder = Folder::new();
    let header = sales(0).trim_end().to_owned();
    folder.write(
        "orders.csv",
        &format!(
            "{header}\nINV-1,90000,MUR-1,https://shop.example/r,\"Kaos \"\"M\"\"\",30000,2,S-1,Baju,C-1,Siti,6281122334455\n\
             INV-1,90000,MUR-1,https://shop.example/r,Topi,30000,1,S-2,Baju,C-1,Siti,6281122334455\n"
        ),
    );
    let settlement = "settlement: [{bank_account_settlement_id: SBS-1, value: 90, type: PERCENTAGE}]\n";
    folder.write("job.yaml", &job("create", &parrot.url, &format!("{QUICK}{settlement}")));
    exits(&folder.rekon(&["run", "job.yaml"]), 1);
    let bodies = parrot.bodies();
    assert_eq!(bodies.len(), 1);
    let sent: serde_json::Value = serde_json::from_str(&bodies[0]).expect("JSON");
    assert_eq!(
        sent["order"]["line_items"],
        serde_json::json!([
            {"name": "Kaos \"M\"", "price": 30000, "quantity": 2, "sku": "S-1", "category": "Baju"},
            {"name": "Topi", "price": 30000, "quantity": 1, "sku": "S-2", "category": "Baju"}
        ])
    );
    assert_eq!(sent["order"]["amount"], 90000);
    for key in ["city", "state", "postcode"] {
        assert_eq!(sent["customer"][key], "", "{key} is sent although it is empty");
    }
    assert_eq!(sent["additional_info"]["settlement"][0]["bank_account_settlement_id"], "SBS-1");
    assert_eq!(states(&folder, "create-test"), ["refused"; 2], "a signed 422 is a refusal");
}

#[test]
fn the_results_of_a_creation_are_the_orders_of_a_refund() {
    let folder = Folder::new();
    let taken = "orders:\n  - {invoice_number: INV-OLD, amount: 1, status: paid, payment_reference: MUR-4}\n";
    folder.write("state.yaml", &format!("customers: {{pay: 100}}\n{taken}"));
    let arguments = ["--state", "state.yaml", "--ledger", "ledger.jsonl", "--log", "log.jsonl"];
    let simulate = Simulate::start(&folder, &arguments);
    folder.write("orders.csv", &sales(4));
    folder.write("job.yaml", &job("create", &simulate.url, QUICK));
    exits(&folder.rekon(&["run", "job.yaml"]), 1);
    assert_eq!(states(&folder, "create-test"), ["succeeded", "succeeded", "succeeded", "refused"]);

    // Another desk, which has nothing but the results and the log.
    let other = Folder::new();
    other.write("results.csv", &folder.out("create-test", "results.csv"));
    let log = format!("{QUICK}notifications: {{files: [\"{}\"]}}\n", folder.path("log.jsonl").display());
    let job = job("refund", &simulate.url, &log)
        .replace("orders.csv", "results.csv")
        .replace("{max_orders", "{require_paid: true, max_orders");
    other.write("job.yaml", &job);
    exits(&other.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(states(&other, "refund-test"), ["succeeded", "succeeded", "succeeded", "skipped"]);
    assert_eq!(column(&other.results("refund-test"), "rekon_reason")[3], "it was not created: refused");
    assert_eq!(column(&other.results("refund-test"), "rekon_operation"), ["refund"; 4]);
    let header = other.out("refund-test", "results.csv");
    let header = header.lines().next().expect("a header");
    assert_eq!(header.matches("rekon_state").count(), 1, "our columns are never doubled: {header}");
    let refunds = folder.read("ledger.jsonl").matches(r#""operation":"refund""#).count();
    assert_eq!(refunds, 3);
}

// What is printed and written.

#[test]
fn json_is_the_summary_and_nothing_else() {
    let (folder, _provider) = refunds(2, QUICK);
    let ended = folder.rekon(&["run", "job.yaml", "--json"]);
    exits(&ended, 0);
    assert_eq!(ended.stdout, folder.out("refund-test", "summary.json"));
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document");
    assert_eq!(summary["version"], 1);
    assert_eq!(summary["rows"], serde_json::json!({"count": 2, "rupiah": 3000}));
    assert_eq!(summary["states"]["succeeded"], serde_json::json!({"count": 2, "rupiah": 3000}));
}

#[test]
fn json_of_every_other_command_is_one_document() {
    let (folder, _provider) = refunds(2, QUICK);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    let run = folder.runs("refund-test").remove(0);
    for arguments in [
        &["plan", "job.yaml"][..],
        &["check", "job.yaml"],
        &["reconcile", "job.yaml"],
        &["resolve", "job.yaml"],
        &["show", "--job", "job.yaml"],
        &["show", "--job", "job.yaml", &run],
        &["show", "--job", "job.yaml", "INV-1"],
    ] {
        let ended = folder.rekon(&[arguments, &["--json"]].concat());
        exits(&ended, 0);
        serde_json::from_str::<serde_json::Value>(&ended.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", ended.stdout));
    }
}

#[test]
fn quiet_leaves_stderr_empty_and_stdout_as_it_is() {
    let (folder, _provider) = refunds(2, QUICK);
    let ended = folder.rekon(&["run", "job.yaml", "--quiet"]);
    exits(&ended, 0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.contains("identity holds"), "{}", ended.stdout);
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let (folder, provider) = refunds(2, QUICK);
    for arguments in [&["run", "job.yaml"][..], &["show", "--job", "job.yaml"], &["plan", "job.yaml"]] {
        let mut process = folder.start(arguments);
        drop(process.take_stdout());
        let ended = process.end();
        exits(&ended, 0);
        let is_heartbeat = |line: &str| line.starts_with("progress ");
        assert!(ended.stderr.lines().all(is_heartbeat), "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(provider.effects(), once_each(2));
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 2]);
}

#[test]
fn places_are_relative_to_the_job_and_not_to_the_current_folder() {
    let (folder, provider) = refunds(2, QUICK);
    let elsewhere = Folder::new();
    let job = folder.path("job.yaml");
    exits(&elsewhere.rekon(&["run", job.to_str().expect("text")]), 0);
    assert_eq!(provider.effects(), once_each(2));
    assert!(folder.path(".rekon/journal.db").exists());
    assert_eq!(states(&folder, "refund-test"), ["succeeded"; 2]);
    assert!(elsewhere.snapshot().is_empty());
}

/// Every file but what SQLite's readers leave beside the journal: their marks in the index, and a log without content.
fn without_readers_marks(folder: &Folder) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = folder.snapshot();
    files.retain(|path, content| {
        let marks = path.ends_with(".rekon/journal.db-shm");
        let empty_log = path.ends_with(".rekon/journal.db-wal") && content.is_empty();
        !marks && !empty_log
    });
    files
}

#[test]
fn commands_that_look_change_nothing() {
    let (folder, provider) = refunds(3, QUICK);
    for arguments in [&["plan", "job.yaml"][..], &["check", "job.yaml"]] {
        let before = folder.snapshot();
        exits(&folder.rekon(arguments), 0);
        assert!(folder.snapshot() == before, "{arguments:?} before the first run");
    }
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    let run = folder.runs("refund-test").remove(0);
    let before = without_readers_marks(&folder);
    for arguments in [
        &["plan", "job.yaml"][..],
        &["check", "job.yaml"],
        &["show", "--job", "job.yaml"],
        &["show", "--job", "job.yaml", &run],
        &["show", "--job", "job.yaml", "INV-1"],
    ] {
        exits(&folder.rekon(arguments), 0);
        let after = without_readers_marks(&folder);
        assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{arguments:?}");
        let changed: Vec<_> =
            after.iter().filter(|(path, content)| before.get(*path) != Some(*content)).map(|(path, _)| path).collect();
        assert!(changed.is_empty(), "{arguments:?} changed {changed:?}");
    }
    exits(&folder.rekon(&["reconcile", "job.yaml"]), 0);
    let mut after = without_readers_marks(&folder);
    let own = folder.runs("refund-test").into_iter().filter(|name| *name != run).collect::<Vec<_>>();
    assert_eq!(own.len(), 1);
    after.retain(|path, _| !path.starts_with(folder.path(&format!("out/refund-test/{}", own[0]))));
    assert!(after == before, "reconcile writes into its own folder only");
    assert_eq!(provider.requests(), 3);
}

#[test]
fn show_tells_the_whole_story_of_an_invoice() {
    let (folder, _provider) = in_doubt();
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    let ended = folder.rekon(&["show", "--job", "job.yaml", "INV-2"]);
    exits(&ended, 0);
    for part in ["INV-2", "refund", "succeeded", "http_500", "409", "valid"] {
        assert!(ended.stdout.contains(part), "{part} is missing:\n{}", ended.stdout);
    }
    exits(&folder.rekon(&["show", "--job", "job.yaml", "INV-9"]), 2);
}

// Keys.

/// What must never come out, in three spellings.
const CANARY: &str = "SK-canary-Zx81-never-print-me";

fn assert_no_canary(what: &str, bytes: &[u8]) {
    let base64 = base64::engine::general_purpose::STANDARD.encode(CANARY);
    let hex = CANARY.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    for spelling in [CANARY, base64.trim_end_matches('='), &hex] {
        assert!(!bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes()), "{what} holds the key");
    }
}

/// Runs the program with keys in its environment, and looks at all that it says.
fn with_keys(folder: &Folder, arguments: &[&str], secret: &str) -> Ended {
    let mut command = folder.command(arguments);
    command.env("DOKU_CLIENT_ID", "MCH-0007-CANARY").env("DOKU_SECRET_KEY", secret);
    let ended = crate::process::ended(command);
    assert_no_canary("stdout", ended.stdout.as_bytes());
    assert_no_canary("stderr", ended.stderr.as_bytes());
    ended
}

/// A simulator with keys of its own.
fn keyed(config: Config) -> Config {
    Config { client_id: client_id("MCH-0007-CANARY"), secret_key: Secret::new(CANARY), ..config }
}

#[test]
fn no_key_comes_out_anywhere() {
    let faults = "faults:\n  - {operation: refund, invoice_number: INV-1, fault: wrong_signature}\n";
    let provider = Provider::with(&format!("{}{faults}", state(3, "paid")), keyed);
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3).replace(CLIENT_ID, "MCH-0007-CANARY"));
    let job = job("refund", &provider.url(), QUICK).replace(
        "environment: simulator",
        "environment: simulator, client_id: env:DOKU_CLIENT_ID, secret_key: env:DOKU_SECRET_KEY",
    );
    folder.write("job.yaml", &job);
    exits(&with_keys(&folder, &["plan", "job.yaml"], CANARY), 0);
    exits(&with_keys(&folder, &["run", "job.yaml"], CANARY), 0);
    exits(&with_keys(&folder, &["run", "job.yaml", "--json"], CANARY), 0);
    exits(&with_keys(&folder, &["show", "--job", "job.yaml", "INV-1"], CANARY), 0);
    exits(&with_keys(&folder, &["resolve", "job.yaml"], CANARY), 0);
    exits(&with_keys(&folder, &["reconcile", "job.yaml"], CANARY), 0);
    assert_eq!(provider.effects(), once_each(3));
    for (path, content) in folder.snapshot() {
        assert_no_canary(&path.display().to_string(), &content);
    }
    // A key in the job file is refused, and the line is shown without it.
    folder.write("job.yaml", &job.replace("env:DOKU_SECRET_KEY", CANARY));
    let ended = with_keys(&folder, &["run", "job.yaml"], CANARY);
    exits(&ended, 2);
    assert!(ended.stderr.contains("secret_key is neither env:NAME nor file:PATH"), "{}", ended.stderr);
}

#[test]
fn a_wrong_key_leaves_the_first_row_unknown_and_stops() {
    let provider = Provider::start(&state(3, "paid"));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3));
    let job = job("refund", &provider.url(), &QUICK.replace("concurrency: 4", "concurrency: 1"))
        .replace("environment: simulator", "environment: simulator, secret_key: file:key");
    folder.write("job.yaml", &job);
    folder.write("key", "SK-of-last-year\n");
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    assert_eq!(states(&folder, "refund-test"), ["unknown", "not_attempted", "not_attempted"]);
    folder.write("key", &format!("{SECRET_KEY}\n"));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects(), once_each(3), "a rotated key changes no Request-Id");
}

// Flags instead of a job.

#[test]
fn a_file_can_be_refunded_by_flags_alone() {
    let folder = Folder::new();
    folder.write("Retur Nov.csv", &orders(3).replace("amount", "Nominal"));
    let arguments =
        ["refund", "Retur Nov.csv", "--environment", "simulator", "--column", "amount=Nominal", "--rate", "unlimited"];
    exits(&folder.rekon(&arguments), 0);
    assert_eq!(states(&folder, "refund-retur-nov"), ["succeeded"; 3]);
    let ended = folder.rekon(&arguments);
    exits(&ended, 0);
    assert!(column(&folder.results("refund-retur-nov"), "rekon_reason")[0].starts_with("settled earlier in run "));
}

#[test]
fn flags_take_the_keys_from_the_environment() {
    let provider = Provider::with(&state(3, "paid"), keyed);
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3).replace(CLIENT_ID, "MCH-0007-CANARY"));
    let url = provider.url();
    let arguments = ["refund", "orders.csv", "--environment", "simulator", "--base-url", &url, "--rate", "unlimited"];
    exits(&with_keys(&folder, &arguments, CANARY), 0);
    assert_eq!(provider.effects(), once_each(3));
}

#[test]
fn outside_the_simulator_flags_need_keys_and_limits() {
    let folder = Folder::new();
    folder.write("orders.csv", &orders(3));
    let arguments = ["refund", "orders.csv", "--environment", "sandbox"];
    let ended = with_keys(&folder, &arguments, CANARY);
    exits(&ended, 2);
    assert!(ended.stderr.contains("--max-orders 3 --max-total 6000"), "{}", ended.stderr);
    let ended = folder.rekon(&[&arguments[..], &["--max-orders", "3", "--max-total", "6000"]].concat());
    exits(&ended, 2);
    assert!(ended.stderr.contains("DOKU_CLIENT_ID is not set"), "{}", ended.stderr);
    assert!(!folder.path(".rekon").exists());
}

// Audits.

#[test]
fn the_same_inputs_give_the_same_bytes_in_whatever_order_the_log_is() {
    let folder = Folder::new();
    folder.write(
        "job.yaml",
        "job: audit-test\noperation: audit\nmerchant: {environment: simulator}\n\
         orders: {file: orders.csv, columns: {book_status: Status}}\nnotifications: {files: [log.jsonl]}\n",
    );
    folder
        .write("orders.csv", "invoice_number,amount,Status\nA,1000,paid\nB,2000,paid\nC,3000,refunded\nD,4000,paid\n");
    let told = [
        ("A", "1000", "SUCCESS", "2024-01-20T02:00:00Z", "N-1"),
        ("A", "1000", "FAILED", "2024-01-20T03:00:00Z", "N-2"),
        ("A", "1000", "SUCCESS", "2024-01-20T02:00:00Z", "N-1"),
        ("B", "2001", "SUCCESS", "2024-01-20T02:00:00Z", "N-3"),
        ("B", "2000", "SUCCESS", "2024-01-20T02:00:00Z", "N-4"),
        ("C", "3000", "SUCCESS", "2024-01-20T02:00:00Z", "N-5"),
        ("D", "4000", "FAILED", "2024-01-20T02:00:00Z", "N-6"),
    ];
    let mut lines: Vec<String> = told
        .iter()
        .map(|(invoice, amount, status, received_at, request_id)| {
            let body = notification_body(invoice, amount, status, received_at);
            let told = Told { received_at, request_id, client_id: CLIENT_ID, key: SECRET_KEY, body: &body };
            format!("{}\n", told.line())
        })
        .collect();
    let mut first = None;
    for turn in 0..lines.len() {
        lines.rotate_left(turn);
        lines.swap(0, 3);
        folder.write("log.jsonl", &lines.concat());
        exits(&folder.rekon(&["reconcile", "job.yaml", "--as-of", "2024-01-31T17:00:00Z"]), 1);
        let mut files = folder.snapshot();
        files.retain(|path, _| path.starts_with(folder.path("out")));
        assert!(files.len() >= 7, "{:?}", files.keys());
        without_lines(&mut files);
        assert!(*first.get_or_insert_with(|| files.clone()) == files, "turn {turn}");
    }
    // `run` of an audit is the same.
    exits(&folder.rekon(&["run", "job.yaml", "--as-of", "2024-01-31T17:00:00Z"]), 1);
    let mut files = folder.snapshot();
    files.retain(|path, _| path.starts_with(folder.path("out")));
    without_lines(&mut files);
    assert!(first.expect("files") == files);
}

/// Where a line stands in a log is all that may differ when its lines are in another order.
fn without_lines(files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for (path, content) in files.iter_mut().filter(|(path, _)| path.ends_with("unmatched.csv")) {
        let text = std::str::from_utf8(content).unwrap_or_else(|_| panic!("{} is text", path.display()));
        let mut rows = rows(text);
        rows.iter_mut().for_each(|row| drop(row.remove("line")));
        rows.sort();
        *content = format!("{rows:?}").into_bytes();
    }
}
