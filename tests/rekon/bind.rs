//! Plans that bind: a saved plan is executed exactly, once, with the approvals that it needs, or nothing is sent.

use std::fmt::Write as _;

use rekon::model::time::wire;
use rekon::plan::binding::Binding;
use rekon::simulator::CLIENT_ID;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::process::{Folder, Provider, QUICK, column, exits, now, within_one_day};

/// So slow that a test can step in, also on a machine that stands still for a second or two.
const SLOW: &str = "\
limits: {rate: 4/s, concurrency: 2, timeout: 60s}
retries: {attempts: 6, backoff: 10ms..50ms, inquire_after: 50ms, settle_for: 5s}
";

/// A folder with a refund job over so many orders, number times 1.000 rupiah each, and the provider that has them.
fn refunds(count: u32, further: &str) -> (Folder, Provider) {
    refunds_with(count, further, "")
}

/// The same at a provider with these faults.
fn refunds_with(count: u32, further: &str, faults: &str) -> (Folder, Provider) {
    let mut state = "orders:\n".to_owned();
    for number in 1..=count {
        let order_id = 1000 + number;
        writeln!(
            state,
            "  - {{invoice_number: INV-{number}, amount: {number}000, status: paid, order_id: {order_id}}}"
        )
        .expect("a string");
    }
    // A plan is good for its day.
    within_one_day();
    let provider = Provider::start(&format!("{state}{faults}"));
    let folder = Folder::new();
    folder.write("orders.csv", &orders(count));
    folder.write("job.yaml", &job(&provider, further));
    (folder, provider)
}

fn orders(count: u32) -> String {
    let mut orders = "invoice_number,amount,order_id,akulaku_reference\n".to_owned();
    for number in 1..=count {
        writeln!(orders, "INV-{number},{number}000,{},{CLIENT_ID}INV-{number}", 1000 + number).expect("a string");
    }
    orders
}

fn job(provider: &Provider, further: &str) -> String {
    format!(
        "job: refund-test\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
         orders: {{file: orders.csv}}\nguards: {{max_orders: 100, max_total: 100000000}}\n{further}",
        provider.url()
    )
}

/// The run is refused for this reason, and the provider has heard nothing of it.
fn refused(folder: &Folder, provider: &Provider, arguments: &[&str], why: &str) {
    let before = provider.requests();
    let ended = folder.rekon(arguments);
    exits(&ended, 2);
    assert!(ended.stderr.contains(why), "{why}\n{}", ended.stderr);
    assert!(ended.stderr.ends_with("nothing was sent\n"), "{}", ended.stderr);
    assert_eq!(provider.requests(), before, "{why}");
}

const PLAN: [&str; 4] = ["plan", "job.yaml", "--out", "plan.json"];
const RUN: [&str; 4] = ["run", "job.yaml", "--plan", "plan.json"];

/// Saves a plan and reads it.
fn save(folder: &Folder) -> Binding {
    exits(&folder.rekon(&PLAN), 0);
    Binding::read(folder.read("plan.json").as_bytes()).expect("a plan")
}

/// Writes a plan that somebody has changed and given a digest of its own.
fn forge(folder: &Folder, plan: &Binding, change: impl FnOnce(&mut Binding)) {
    let mut forged = plan.clone();
    change(&mut forged);
    folder.write("plan.json", &String::from_utf8(forged.sealed().1).expect("a plan is text"));
}

#[test]
fn a_saved_plan_is_executed_exactly_and_once() {
    let (folder, provider) = refunds(3, QUICK);
    let plan = save(&folder);
    assert_eq!((plan.total.count, plan.total.rupiah, plan.approval.need), (3, 6000, 0));
    assert_eq!(provider.requests(), 0, "planning sends nothing");
    exits(&folder.rekon(&RUN), 0);
    assert_eq!((provider.requests(), provider.effects().len()), (3, 3));
    let sent: Vec<String> = provider.ledger().iter().map(|effect| effect.request_id.to_string()).collect();
    for item in &plan.items {
        assert!(sent.contains(&item.request_id), "{item:?} {sent:?}");
    }
    let summary = folder.summary("refund-test");
    assert_eq!(summary["plan"]["digest"], plan.digest.as_str());
    let run = folder.runs("refund-test").remove(0);
    refused(&folder, &provider, &RUN, &format!("the plan is used: run {run} executed it to its end"));
    let shown = folder.rekon(&["show", &run]);
    assert!(shown.stdout.contains(&format!("plan {}, made by", &plan.digest[..12])), "{}", shown.stdout);
    exits(&folder.rekon(&["journal", "check"]), 0);
}

#[test]
fn a_plan_says_nothing_secret_and_nothing_personal() {
    let (folder, _provider) = refunds(2, QUICK);
    save(&folder);
    let text = folder.read("plan.json");
    for word in [CLIENT_ID, rekon::simulator::SECRET_KEY, "1001", "akulaku"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn the_same_plan_is_written_in_the_same_bytes_but_for_its_times() {
    let (folder, _provider) = refunds(2, QUICK);
    let (first, second) = (save(&folder), save(&folder));
    let timeless = |plan: Binding| Binding { made_at: String::new(), expires_at: String::new(), ..plan }.sealed().1;
    assert_eq!(timeless(first), timeless(second));
}

#[test]
fn a_plan_with_any_byte_edited_is_refused() {
    let (folder, provider) = refunds(2, QUICK);
    save(&folder);
    let good = folder.read("plan.json");
    for index in (0..good.len()).step_by(41).chain([good.len() - 2, good.len() - 1]) {
        let mut edited = good.clone().into_bytes();
        edited[index] ^= 1;
        folder.write("plan.json", &String::from_utf8(edited).expect("still text"));
        refused(&folder, &provider, &RUN, "plan.json: the plan was edited");
    }
    for edited in [format!("{good}\n"), good.trim_end().to_owned(), good.replacen(',', ", ", 1)] {
        folder.write("plan.json", &edited);
        refused(&folder, &provider, &RUN, "plan.json: the plan was edited");
    }
    folder.write("plan.json", "");
    refused(&folder, &provider, &RUN, "plan.json: the file is empty, and no plan\n  hint: name the file that");
    folder.write("plan.json", &good[..good.len() / 2]);
    refused(&folder, &provider, &RUN, &format!("plan.json: the plan is cut: it ends behind {} bytes", good.len() / 2));
    folder.write("plan.json", &good);
    exits(&folder.rekon(&RUN), 0);
}

/// What somebody does to a saved plan.
type Change = fn(&mut Binding);

#[test]
fn a_plan_whose_ground_has_changed_is_stale() {
    let (folder, provider) = refunds(2, QUICK);
    let plan = save(&folder);
    folder.write("orders.csv", &format!("{}\n", orders(2)));
    refused(&folder, &provider, &RUN, "the plan is stale: the input is not what it was");
    folder.write("orders.csv", &orders(2));
    folder.write("job.yaml", &job(&provider, &format!("{QUICK}# a remark\n")));
    refused(&folder, &provider, &RUN, "the plan is stale: the job file is not what it was");
    folder.write("job.yaml", &job(&provider, QUICK));
    let dated = [&RUN[..], &["--date", "2020-01-01"]].concat();
    refused(&folder, &provider, &dated, "the plan is stale: the business date is 2020-01-01");
    let cases: [(Change, &str); 11] = [
        (|plan| plan.expires_at = "2020-01-01T00:00:00Z".into(), "it expired at"),
        (|plan| plan.expires_at = "2099-01-01T00:00:00Z".into(), "good for longer than approval.expires allows, 1d"),
        (|plan| plan.made_at = "2099-01-01T00:00:00Z".into(), "which is still to come: set the clock"),
        (|plan| plan.rekon = "0.0.9".into(), "the version of rekon is"),
        (|plan| plan.environment = "sandbox".into(), "the environment is simulator"),
        (|plan| plan.operation = "cancel".into(), "the operation is refund"),
        (|plan| plan.client_sha256 = "00".into(), "the client id is not what it was"),
        (|plan| plan.items[0].body_sha256 = "00".into(), "INV-1 would be sent with another body than planned"),
        (
            |plan| {
                plan.items[0].amount += 1;
                plan.total.rupiah += 1;
            },
            "INV-1 would be sent over another amount than planned",
        ),
        (
            |plan| {
                let item = plan.items.remove(1);
                plan.total.count -= 1;
                plan.total.rupiah -= item.amount;
            },
            "INV-2 over Rp 2.000 would be sent, and the plan does not have it",
        ),
        (
            |plan| {
                plan.items.push(rekon::plan::binding::BoundItem { request_id: "x".into(), ..plan.items[1].clone() });
                plan.total.count += 1;
                plan.total.rupiah += plan.items[1].amount;
            },
            "1 order of the plan would not be sent any more",
        ),
    ];
    for (change, why) in cases {
        forge(&folder, &plan, change);
        refused(&folder, &provider, &RUN, why);
    }
    forge(&folder, &plan, |plan| plan.expires_at = "2020-01-01T00:00:00Z".into());
    let shown = folder.rekon(&["show", "plan.json"]);
    exits(&shown, 0);
    assert!(shown.stdout.contains("may not be run: it expired at"), "{}", shown.stdout);
    forge(&folder, &plan, |_| ());
    exits(&folder.rekon(&RUN), 0);
}

#[test]
fn a_plan_is_stale_once_another_run_has_done_a_part_of_it() {
    let (folder, provider) = refunds(3, QUICK);
    save(&folder);
    folder.write("orders.csv", &orders(1));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    folder.write("orders.csv", &orders(3));
    refused(&folder, &provider, &RUN, "1 order of the plan would not be sent any more, the first of them INV-1");
}

#[test]
fn a_plan_is_stale_with_another_journal_than_its_own() {
    let (folder, provider) = refunds(3, QUICK);
    folder.write("orders.csv", &orders(1));
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    folder.write("orders.csv", &orders(3));
    save(&folder);
    let elsewhere = [&RUN[..], &["--journal", "other.db"]].concat();
    refused(&folder, &provider, &elsewhere, "the journal is other.db, and the plan was made for .rekon/journal.db");
    std::fs::rename(folder.path(".rekon"), folder.path("kept")).expect("it is there");
    refused(&folder, &provider, &RUN, "the journal is not the one that it was made with, or lacks entries");
    std::fs::remove_dir_all(folder.path(".rekon")).expect("the refused run made one");
    std::fs::rename(folder.path("kept"), folder.path(".rekon")).expect("it is there");
    exits(&folder.rekon(&RUN), 0);
    assert_eq!(provider.effects().values().sum::<u32>(), 3);
}

#[test]
fn a_plan_whose_run_was_interrupted_is_continued_and_then_used() {
    let (folder, provider) = refunds(20, SLOW);
    let plan = save(&folder);
    let run = folder.start(&RUN);
    provider.wait_for(3);
    run.signal("INT");
    let ended = run.end();
    exits(&ended, 4);
    let first = folder.runs("refund-test").remove(0);
    let done = provider.effects().len();
    assert!((3..20).contains(&done), "{done}");
    let shown = folder.rekon(&["show", "plan.json", "--job", "job.yaml"]);
    assert!(shown.stdout.contains(&format!("run {first} stopped part-way")), "{}", shown.stdout);
    exits(&folder.rekon(&RUN), 0);
    assert_eq!(provider.effects().len(), 20);
    assert!(provider.effects().values().all(|effects| *effects == 1));
    assert_eq!(folder.summary("refund-test")["plan"]["continues"][0], first.as_str());
    assert_eq!(column(&folder.results("refund-test"), "rekon_state"), ["succeeded"; 20]);
    refused(&folder, &provider, &RUN, "the plan is used");
    assert_eq!(plan.items.len(), 20);
}

#[test]
fn an_override_is_a_part_of_the_plan_and_holds_until_the_plan_is_done() {
    let slow = SLOW.replace("4/s", "2/s");
    let (folder, provider) = refunds(20, &slow);
    let tight = job(&provider, &slow).replace("max_orders: 100", "max_orders: 10");
    folder.write("job.yaml", &tight);
    refused(&folder, &provider, &PLAN, "guard max_orders");
    let loosened = [&PLAN[..], &["--override", "max_orders=20", "--reason", "the sale of 11.11"]].concat();
    exits(&folder.rekon(&loosened), 0);
    let plan = Binding::read(folder.read("plan.json").as_bytes()).expect("a plan");
    let told: Vec<(&str, &str, &str)> =
        plan.overrides.iter().map(|one| (one.guard.as_str(), one.limit.as_str(), one.reason.as_str())).collect();
    assert_eq!(told, [("max_orders", "20", "the sale of 11.11")]);
    let twice = [&RUN[..], &["--override", "max_orders=30", "--reason", "more"]].concat();
    refused(&folder, &provider, &twice, "a saved plan has its own");
    forge(&folder, &plan, |plan| plan.overrides.clear());
    refused(&folder, &provider, &RUN, "guard max_orders");
    forge(&folder, &plan, |_| ());
    let run = folder.start(&RUN);
    provider.wait_for(12);
    run.signal("INT");
    exits(&run.end(), 4);
    // What is left is within the job's own guard, and the plan is the same.
    exits(&folder.rekon(&RUN), 0);
    assert_eq!(provider.effects().values().sum::<u32>(), 20);
    assert_eq!(folder.summary("refund-test")["overrides"][0]["reason"], "the sale of 11.11");
}

/// One attempt, and no time to settle.
const HASTY: &str = "\
limits: {rate: 500/s, burst: 10, concurrency: 4, timeout: 60s}
retries: {attempts: 1, backoff: 10ms..50ms, inquire_after: 60s, settle_for: 100ms}
breaker: {consecutive: 100, failures: 100%, of_last: 100}
";

const ONE_UNKNOWN: &str = "faults:\n  - {operation: refund, invoice_number: INV-2, fault: error_after}\n";

#[test]
fn a_plan_that_left_money_in_doubt_settles_it_when_it_is_run_again() {
    let (folder, provider) = refunds_with(3, HASTY, ONE_UNKNOWN);
    save(&folder);
    let ended = folder.rekon(&RUN);
    exits(&ended, 3);
    assert!(ended.stdout.contains("run the same plan again"), "{}", ended.stdout);
    exits(&folder.rekon(&RUN), 0);
    assert_eq!(provider.effects().values().sum::<u32>(), 3);
    refused(&folder, &provider, &RUN, "the plan is used");
}

#[test]
fn a_plan_asks_about_what_it_names_and_leaves_the_rest_in_doubt() {
    let (folder, provider) = refunds_with(3, HASTY, ONE_UNKNOWN);
    folder.write("orders.csv", &orders(2));
    exits(&folder.rekon(&["run", "job.yaml"]), 3);
    folder.write("orders.csv", &orders(3));
    let plan = save(&folder);
    let names = |items: &[rekon::plan::binding::BoundItem]| {
        items.iter().map(|item| item.invoice_number.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((names(&plan.items), names(&plan.open)), ("INV-3".to_owned(), "INV-2".to_owned()));
    forge(&folder, &plan, |plan| plan.open.clear());
    let before = provider.requests();
    let ended = folder.rekon(&RUN);
    exits(&ended, 3);
    assert!(ended.stderr.contains("1 item, Rp 2.000, of the job are in doubt and not in the plan"), "{}", ended.stderr);
    assert_eq!(provider.requests(), before + 1, "INV-3 alone");
    exits(&folder.rekon(&["resolve", "job.yaml"]), 0);
}

#[test]
fn a_plan_whose_run_was_killed_is_continued() {
    let (folder, provider) = refunds(20, SLOW);
    save(&folder);
    let run = folder.start(&RUN);
    provider.wait_for(3);
    run.signal("KILL");
    assert_eq!(run.end().code, None);
    exits(&folder.rekon(&RUN), 0);
    assert_eq!((provider.effects().len(), provider.effects().values().sum::<u32>()), (20, 20));
    refused(&folder, &provider, &RUN, "the plan is used");
}

#[test]
fn conditions_about_ages_are_decided_as_of_the_time_when_the_plan_was_made() {
    let (folder, provider) = refunds(2, QUICK);
    let ago = |minutes| wire(now() - chrono::Duration::minutes(minutes));
    folder.write("orders.csv", &aged(&[&ago(120), "2099-01-01T00:00:00Z"]));
    folder.write("job.yaml", &job(&provider, QUICK).replace("file: orders.csv", AGED));
    let made = save(&folder);
    assert_eq!(made.items.len(), 1, "the second has not expired");
    // As if it had been made before either had: nothing would have been sent then, so the plan is not what it says.
    forge(&folder, &made, |plan| {
        plan.made_at = wire(now() - chrono::Duration::minutes(90));
        plan.expires_at = wire(now() + chrono::Duration::minutes(90));
    });
    refused(&folder, &provider, &RUN, "1 order of the plan would not be sent any more");
    forge(&folder, &made, |_| ());
    exits(&folder.rekon(&RUN), 0);
    assert_eq!(provider.requests(), 1);
}

const AGED: &str = "file: orders.csv, where: [{expires_at: {older_than: 1h}}]";

fn aged(times: &[&str]) -> String {
    let mut text = "invoice_number,amount,order_id,akulaku_reference,expires_at\n".to_owned();
    for (number, time) in (1..).zip(times) {
        writeln!(text, "INV-{number},{number}000,{},{CLIENT_ID}INV-{number},{time}", 1000 + number).expect("a string");
    }
    text
}

// Two people.

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn public(seed: u8) -> String {
    key(seed).public_key().to_openssh().expect("a public key")
}

fn approval(bands: &str) -> String {
    format!(
        "{QUICK}approval:\n  approvers:\n    siti: \"{}\"\n    budi: file:keys/budi.pub\n    rina: \"{}\"\n  bands: {bands}\n",
        public(1),
        public(3)
    )
}

/// A folder whose plans over more than 1.000 rupiah need one approval, and those over 5.000 two; the plan is made by siti.
fn two_people(count: u32) -> (Folder, Provider) {
    let (folder, provider) =
        refunds(count, &approval("[{over: 0, need: 0}, {over: 1000, need: 1}, {over: 5000, need: 2}]"));
    folder.write("keys/budi.pub", &format!("{} budi\n", public(2)));
    if count > 1 {
        exits(&folder.rekon(&[&PLAN[..], &["--maker", "siti"]].concat()), 0);
    }
    (folder, provider)
}

/// Signs a text as `ssh-keygen -Y sign` does.
fn sign(folder: &Folder, seed: u8, namespace: &str, text: &str, file: &str) {
    let signature = key(seed).sign(namespace, HashAlg::Sha512, text.as_bytes()).expect("a signature");
    folder.write(file, &signature.to_pem(LineEnding::LF).expect("a signature file"));
}

#[test]
fn a_run_that_needs_approvals_is_refused_without_a_plan() {
    let (folder, provider) = two_people(2);
    refused(
        &folder,
        &provider,
        &["run", "job.yaml"],
        "the plan is over Rp 3.000, and over Rp 1.000 one needs 1 approval (approval.bands)",
    );
    refused(&folder, &provider, &PLAN, "add --maker NAME");
    let (folder, provider) = two_people(1);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.requests(), 1, "below the band nobody is asked");
}

#[test]
fn only_the_right_approvals_release_a_plan() {
    let (folder, provider) = two_people(2);
    let plan = folder.read("plan.json");
    refused(&folder, &provider, &RUN, "the plan over Rp 3.000 needs 1 approval, and has 0");
    let cases = [
        (1, "rekon", plan.clone(), "the signature by siti does not count, for siti made the plan"),
        (9, "rekon", plan.clone(), "which is no approver's"),
        (2, "file", plan.clone(), "the signature by budi is for the namespace \"file\", not for \"rekon\""),
        (2, "rekon", plan.replace("3000", "3001"), "the signature by budi is not over this plan as it is"),
        (2, "rekon", plan.trim_end().to_owned(), "the signature by budi is not over this plan as it is"),
    ];
    for (seed, namespace, text, why) in cases {
        sign(&folder, seed, namespace, &text, "plan.json.sig");
        refused(&folder, &provider, &RUN, why);
    }
    folder.write("plan.json.sig", "approved, budi");
    refused(&folder, &provider, &RUN, "plan.json.sig: the signature is no signature");
    sign(&folder, 2, "rekon", &plan, "plan.json.budi.sig");
    let shown = folder.rekon(&["show", "plan.json", "--job", "job.yaml"]);
    assert!(shown.stdout.contains("approvals: 1 of 1\n  budi (SHA256:"), "{}", shown.stdout);
    assert!(shown.stdout.contains("may be run, and is unused"), "{}", shown.stdout);
    let shown = folder.rekon(&["show", "plan.json"]);
    assert!(shown.stdout.contains("nothing speaks against it here\nnot compared with the job"), "{}", shown.stdout);
    let ended = folder.rekon(&RUN);
    exits(&ended, 0);
    assert!(ended.stdout.contains("made by siti, approved by budi (SHA256:"), "{}", ended.stdout);
    assert_eq!(provider.requests(), 2);
    assert_eq!(folder.summary("refund-test")["plan"]["approved_by"][0]["name"], "budi");
    let run = folder.runs("refund-test").remove(0);
    let shown = folder.rekon(&["show", &run]);
    assert!(shown.stdout.contains("approved by budi (SHA256:"), "{}", shown.stdout);
    refused(&folder, &provider, &RUN, "the plan is used");
}

#[test]
fn a_plan_of_the_night_has_the_date_in_its_name() {
    let (folder, provider) = two_people(2);
    folder.write("plans/README", "plans lie here");
    let night = ["run", "job.yaml", "--date", "2026-11-24", "--plan", "plans/{date}.json"];
    refused(&folder, &provider, &night, "plans/2026-11-24.json: there is no plan for 2026-11-24\n  hint: ");
    refused(
        &folder,
        &provider,
        &night,
        "rekon plan job.yaml --date 2026-11-24 --out plans/2026-11-24.json --maker YOUR-NAME",
    );
    refused(&folder, &provider, &["run", "job.yaml", "--plan", "plans/{date:%H}.json"], "is not a date in a path");
    let by_day = ["plan", "job.yaml", "--date", "2026-11-24", "--out", "plans/{date}.json", "--maker", "siti"];
    exits(&folder.rekon(&by_day), 0);
    refused(&folder, &provider, &night, "plans/2026-11-24.json: the plan over Rp 3.000 needs 1 approval, and has 0");
    let tomorrow = ["run", "job.yaml", "--date", "2026-11-25", "--plan", "plans/{date}.json"];
    refused(&folder, &provider, &tomorrow, "there is no plan for 2026-11-25");
    let plan = folder.read("plans/2026-11-24.json");
    sign(&folder, 2, "rekon", &plan, "plans/2026-11-24.json.budi.sig");
    exits(&folder.rekon(&night), 0);
    assert_eq!(provider.requests(), 2);
    refused(&folder, &provider, &night, "plans/2026-11-24.json: the plan is used");
}

#[test]
fn a_night_without_its_plan_is_told_to_the_metrics() {
    let (folder, provider) = refunds(1, "output: {metrics: metrics.prom}\n");
    refused(&folder, &provider, &["run", "job.yaml", "--plan", "{date}.json"], "there is no plan for ");
    let metrics = folder.read("metrics.prom");
    let code = metrics.lines().find(|line| line.starts_with("rekon_exit_code{")).expect("the exit code");
    assert!(code.ends_with(" 2"), "{code}");
}

#[test]
fn an_approver_without_keys_is_told_that_none_are_needed() {
    let (folder, provider) = two_people(2);
    let job = folder
        .read("job.yaml")
        .replace("environment: simulator,", "environment: simulator, client_id: env:REKON_NOT_SET,");
    folder.write("job.yaml", &job);
    let why = "needs neither keys nor orders: rekon show plan.json\n";
    refused(&folder, &provider, &["show", "plan.json", "--job", "job.yaml"], why);
    std::fs::remove_file(folder.path("orders.csv")).expect("the orders are elsewhere");
    exits(&folder.rekon(&["show", "plan.json"]), 0);
}

#[test]
fn a_used_plan_is_told_to_be_used_before_a_guard_speaks() {
    let (folder, provider) = refunds(2, "");
    folder.write("job.yaml", &job(&provider, "").replace("guards: {", "guards: {duplicate_input: refuse, "));
    save(&folder);
    exits(&folder.rekon(&RUN), 0);
    let ended = folder.rekon(&RUN);
    exits(&ended, 2);
    assert!(ended.stderr.contains("plan.json: the plan is used"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("--override"), "{}", ended.stderr);
}

#[test]
fn what_is_no_plan_is_not_written_over() {
    let (folder, provider) = refunds(2, QUICK);
    save(&folder);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    let requests = provider.requests();
    for file in ["orders.csv", "job.yaml", ".rekon/journal.db", ".rekon/journal.db.lock"] {
        let before = std::fs::read(folder.path(file)).expect(file);
        let ended = folder.rekon(&["plan", "job.yaml", "--out", file]);
        exits(&ended, 2);
        assert!(ended.stderr.contains("is no saved plan: it is not written over"), "{}", ended.stderr);
        assert_eq!(std::fs::read(folder.path(file)).expect(file), before, "{file}");
    }
    assert_eq!(provider.requests(), requests);
    exits(&folder.rekon(&PLAN), 0);
}

#[test]
fn a_plan_is_not_written_beside_signatures_or_into_a_folder_that_is_not_there() {
    let (folder, provider) = two_people(2);
    let plan = folder.read("plan.json");
    for file in ["plan.json.sig", "plan.json.budi.sig"] {
        sign(&folder, 2, "rekon", &plan, file);
        let again = [PLAN.as_slice(), &["--maker", "siti"]].concat();
        refused(&folder, &provider, &again, &format!("there are signatures beside it, of another plan: {file}"));
        assert_eq!(folder.read("plan.json"), plan);
        std::fs::remove_file(folder.path(file)).expect("the signature");
    }
    let into = ["plan", "job.yaml", "--out", "new/plan.json", "--maker", "siti"];
    refused(&folder, &provider, &into, "new/plan.json: cannot be written: new is no folder");
    assert!(!folder.path("new").exists());
}

#[test]
fn two_approvals_are_of_two_people() {
    let (folder, provider) = two_people(3);
    let plan = folder.read("plan.json");
    sign(&folder, 2, "rekon", &plan, "plan.json.a.sig");
    sign(&folder, 2, "rekon", &plan, "plan.json.b.sig");
    refused(&folder, &provider, &RUN, "plan.json.b.sig: the signature by budi is a second one of the same person");
    sign(&folder, 3, "rekon", &plan, "plan.json.c.sig");
    exits(&folder.rekon(&RUN), 0);
}

#[test]
fn a_key_that_is_replaced_makes_the_plan_stale() {
    let (folder, provider) = two_people(2);
    let plan = folder.read("plan.json");
    sign(&folder, 9, "rekon", &plan, "plan.json.sig");
    folder.write("keys/budi.pub", &public(9));
    refused(&folder, &provider, &RUN, "the approvers or their keys are not what they were");
    folder.write("keys/budi.pub", &public(3));
    refused(&folder, &provider, &RUN, "approval.approvers.rina has the key of budi");
    refused(&folder, &provider, &["check", "job.yaml"], "approval.approvers.rina has the key of budi");
    std::fs::remove_file(folder.path("keys/budi.pub")).expect("it is there");
    refused(&folder, &provider, &RUN, "names the file keys/budi.pub, which cannot be read");
}

#[test]
fn a_plan_cannot_lower_what_the_job_asks_for() {
    let (folder, provider) = two_people(2);
    let plan = Binding::read(folder.read("plan.json").as_bytes()).expect("a plan");
    forge(&folder, &plan, |plan| {
        plan.approval.bands.clear();
        plan.approval.need = 0;
    });
    refused(&folder, &provider, &RUN, "approval.bands are not what they were");
    forge(&folder, &plan, |plan| plan.approval.approvers.clear());
    refused(&folder, &provider, &RUN, "the approvers or their keys are not what they were");
}

#[test]
fn a_plan_that_nobody_could_release_is_not_made() {
    let (folder, provider) = refunds(2, &approval("[{over: 1000, need: 3}]"));
    folder.write("keys/budi.pub", &public(2));
    let made_by_siti = [&PLAN[..], &["--maker", "siti"]].concat();
    refused(&folder, &provider, &made_by_siti, "needs 3 approvals, and only budi, rina may give one");
    assert!(!folder.path("plan.json").exists());
    exits(&folder.rekon(&[&PLAN[..], &["--maker", "joko"]].concat()), 0);
}

#[test]
fn an_audit_takes_no_plan() {
    let (folder, provider) = refunds(1, QUICK);
    save(&folder);
    folder.write(
        "audit.yaml",
        "job: a\noperation: audit\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n",
    );
    refused(&folder, &provider, &["run", "audit.yaml", "--plan", "plan.json"], "takes no --plan");
}
