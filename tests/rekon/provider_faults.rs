//! Every fault that the simulator can play, against the real binary: nothing twice, and no state that the provider's own
//! ledger does not bear out.
//!
//! Each order of a job has a fault of its own. What a run makes of it is in one table, [`FAULTS`]; the rest of this file
//! plays the table through.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rekon::simulator::{CLIENT_ID, Config, FaultMode};

use crate::process::{Ended, Folder, Provider, column, rows, until};
use crate::support::repository;

/// Times are short, and one stuck order after the other is no reason to stop.
const SHORT: &str = "\
limits: {rate: unlimited, concurrency: 4, timeout: 1s}
retries: {attempts: 4, backoff: 10ms..40ms, horizon: 24h, inquire_after: 300ms, settle_for: 6s}
breaker: {consecutive: 100000, failures: 100%, of_last: 100000}
";

/// What the first run makes of an order whose fault strikes once, and what it makes of one whose fault does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Our request had its effect, and that is proved.
    Succeeded,
    /// The effect is there, and only an inquiry shows it: it names the creation's request, and no refund's; and there is no
    /// word for a cancelled order.
    SeenByInquiry,
    /// The same, before the request is sent again; what an inquiry does not show, the repeat does.
    AskedFirst,
    /// The effect is there under another reference, says the answer.
    AlreadyDone,
    /// Nothing happened, and that is proved.
    Refused,
    /// Nothing is proved.
    InDoubt,
    /// The provider never looked at it.
    NotAttempted,
}

use Made::{AlreadyDone, AskedFirst, InDoubt, NotAttempted, Refused, SeenByInquiry, Succeeded};

/// To which operations a fault applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    All,
    /// A creation's answer has no status of its own, and its payment waits.
    NotCreate,
    Refund,
}

/// How often the provider does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effects {
    AtMostOne,
    /// The provider does it again for a key that it should know: nothing that a client sends can keep it from that.
    AsManyAsItForgets,
}

struct Row {
    word: &'static str,
    to: To,
    /// What the fault makes of an order that it strikes once.
    once: Made,
    /// What it makes of one that it always strikes.
    always: Made,
    effects: Effects,
}

const fn row(word: &'static str, once: Made, always: Made) -> Row {
    Row { word, to: To::All, once, always, effects: Effects::AtMostOne }
}

const fn not_create(word: &'static str, once: Made, always: Made) -> Row {
    Row { to: To::NotCreate, ..row(word, once, always) }
}

const fn refund(word: &'static str, once: Made, always: Made) -> Row {
    Row { to: To::Refund, ..row(word, once, always) }
}

const fn doubling(word: &'static str, once: Made, always: Made) -> Row {
    Row { effects: Effects::AsManyAsItForgets, ..row(word, once, always) }
}

/// The faults that strike one request and let the run go on.
const FAULTS: [Row; 45] = [
    row("reset_before", Succeeded, InDoubt),
    row("reset_after", Succeeded, SeenByInquiry),
    row("timeout_before", Succeeded, InDoubt),
    row("timeout_after", Succeeded, SeenByInquiry),
    row("applied_late", Succeeded, SeenByInquiry),
    row("half_status_line", Succeeded, SeenByInquiry),
    row("half_body", Succeeded, SeenByInquiry),
    row("drip", Succeeded, SeenByInquiry),
    row("endless_body", Succeeded, SeenByInquiry),
    row("huge_header", Succeeded, SeenByInquiry),
    row("gzip_bomb", Succeeded, SeenByInquiry),
    row("closed_while_kept_alive", Succeeded, Succeeded),
    row("error_before", Succeeded, InDoubt),
    row("error_after", Succeeded, SeenByInquiry),
    row("bad_gateway", Succeeded, InDoubt),
    row("unavailable", Succeeded, InDoubt),
    row("gateway_timeout_after", Succeeded, SeenByInquiry),
    row("throttle", Succeeded, NotAttempted),
    row("throttle_date", Succeeded, NotAttempted),
    row("bad_request", Refused, Refused),
    row("bad_request_unsigned_after", Succeeded, SeenByInquiry),
    row("not_a_replay_409", Succeeded, InDoubt),
    row("garbage_409_after", AskedFirst, SeenByInquiry),
    row("not_found", Refused, Refused),
    row("not_found_unsigned_after", Succeeded, SeenByInquiry),
    row("html", Succeeded, InDoubt),
    row("html_after", Succeeded, SeenByInquiry),
    row("maintenance", Succeeded, InDoubt),
    row("duplicated_request", Succeeded, Succeeded),
    doubling("key_forgotten", Succeeded, SeenByInquiry),
    doubling("key_lost", Succeeded, SeenByInquiry),
    doubling("key_late", Succeeded, SeenByInquiry),
    row("clock_ahead", Succeeded, Succeeded),
    row("clock_behind", Succeeded, Succeeded),
    row("unsigned", Succeeded, SeenByInquiry),
    row("empty", Succeeded, SeenByInquiry),
    // Three wrong signatures in a row would stop a run: signed answers are between them.
    row("wrong_signature", Succeeded, SeenByInquiry),
    row("not_json", Succeeded, SeenByInquiry),
    row("json_array", Succeeded, SeenByInquiry),
    row("old_signature", Succeeded, SeenByInquiry),
    row("duplicate_keys", Succeeded, SeenByInquiry),
    row("other_invoice", Succeeded, SeenByInquiry),
    row("other_request_id", Succeeded, SeenByInquiry),
    row("other_amount", Succeeded, SeenByInquiry),
    row("another_answer", Succeeded, SeenByInquiry),
];

/// These too, of which a refund's, a cancel's and a creation's answers make something different.
const STATUSES: [Row; 5] = [
    refund("other_reference", AlreadyDone, AlreadyDone),
    not_create("success_and_error", Succeeded, SeenByInquiry),
    not_create("success_and_pending", Succeeded, SeenByInquiry),
    not_create("failed_and_done", Succeeded, SeenByInquiry),
    row("new_status", Succeeded, SeenByInquiry),
];

/// The faults that stop the run, with its exit code and the state of the order that met one.
const HALTS: [(&str, i32, &str); 8] = [
    ("unauthorized", 4, "refused"),
    ("forbidden", 4, "refused"),
    ("unauthorized_unsigned_after", 3, "unknown"),
    ("forbidden_unsigned_after", 3, "unknown"),
    ("redirect_301", 3, "unknown"),
    ("redirect_302", 3, "unknown"),
    ("redirect_307", 3, "unknown"),
    ("redirect_308", 3, "unknown"),
];

/// The faults that strike before it is known which order a request is about, or that hold everything up.
const WHOLESALE: [&str; 5] = ["refuse", "close_at_accept", "reset_at_accept", "reset_at_head", "throttle_absurd"];

const OPERATIONS: [&str; 3] = ["create", "cancel", "refund"];

fn rows_for(operation: &str) -> Vec<&'static Row> {
    let applies = |row: &&Row| match row.to {
        To::All => true,
        To::NotCreate => operation != "create",
        To::Refund => operation == "refund",
    };
    FAULTS.iter().chain(&STATUSES).filter(applies).collect()
}

/// A job over `orders.csv`, which has so many orders, and the provider's orders for it.
struct Case {
    folder: Folder,
    operation: &'static str,
    orders: usize,
    /// How long a run goes on asking.
    settle_for: &'static str,
    /// How long it waits for an answer.
    timeout: &'static str,
}

impl Case {
    fn new(operation: &'static str, orders: usize) -> Self {
        let folder = Folder::new();
        folder.write("orders.csv", &if operation == "create" { sales(orders) } else { paid(orders) });
        Self { folder, operation, orders, settle_for: "6s", timeout: "1s" }
    }

    /// A provider that goes on where the last one stopped, with these faults.
    fn provider(&self, faults: &str) -> Provider {
        let status = if self.operation == "refund" { "paid" } else { "pending" };
        let mut state = "orders:\n".to_owned();
        for number in 1..=if self.operation == "create" { 0 } else { self.orders } {
            let order_id = 1000 + number;
            let order =
                format!("invoice_number: INV-{number}, amount: {number}000, status: {status}, order_id: {order_id}");
            writeln!(state, "  - {{{order}}}").expect("a string");
        }
        let state = if self.operation == "create" { faults.to_owned() } else { format!("{state}{faults}") };
        let ledger = self.folder.path("provider/ledger.jsonl");
        Provider::with(&state, |config| Config { ledger: Some(ledger), ..config })
    }

    fn run(&self, provider: &Provider) -> Ended {
        let (operation, url) = (self.operation, provider.url());
        let short = SHORT.replace("settle_for: 6s", &format!("settle_for: {}", self.settle_for));
        let short = short.replace("timeout: 1s", &format!("timeout: {}", self.timeout));
        let job = format!(
            "job: faulty\noperation: {operation}\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
             orders: {{file: orders.csv}}\nguards: {{max_orders: 100, max_total: 100000000}}\n{short}"
        );
        self.folder.write("job.yaml", &job);
        self.folder.rekon(&["run", "job.yaml"])
    }

    /// Runs that the journal knows.
    fn runs_begun(&self) -> i64 {
        let journal = rusqlite::Connection::open(self.folder.path(".rekon/journal.db")).expect("a journal");
        journal.query_row("SELECT count(*) FROM run", [], |row| row.get(0)).expect("a count")
    }

    /// The state of each order in the latest results.
    fn states(&self) -> BTreeMap<String, String> {
        let row = |row: BTreeMap<String, String>| (row["invoice_number"].clone(), row["rekon_state"].clone());
        self.folder.results("faulty").into_iter().map(row).collect()
    }
}

fn paid(count: usize) -> String {
    let mut text = "invoice_number,amount,order_id,akulaku_reference\n".to_owned();
    for number in 1..=count {
        writeln!(text, "INV-{number},{number}000,{},{CLIENT_ID}INV-{number}", 1000 + number).expect("a string");
    }
    text
}

fn sales(count: usize) -> String {
    let mut text = "invoice_number,amount,payment_reference,callback_url,line_items.name,line_items.price,\
                    line_items.quantity,line_items.sku,line_items.category,customer.id,customer.name,customer.phone\n"
        .to_owned();
    for number in 1..=count {
        let order = format!("INV-{number},{number}000,MUR-{number},https://shop.example/return");
        writeln!(text, "{order},Kaos,{number}000,1,S-1,Baju,C-{number},Siti,6281122334455").expect("a string");
    }
    text
}

/// A rule for each row: the order of that number has that fault.
fn script(operation: &str, rows: &[&Row], times: u32) -> String {
    let mut text = "faults:\n".to_owned();
    for (index, row) in rows.iter().enumerate() {
        let delay = match row.word {
            "drip" => "300ms",
            // Longer than the client's patience, and its first resend comes within it.
            "key_late" => "1500ms",
            "key_forgotten" => "1ms",
            _ => "60ms",
        };
        let narrowed = format!("operation: {operation}, invoice_number: INV-{}", index + 1);
        let patience = "retry_after: 0s";
        writeln!(text, "  - {{{narrowed}, times: {times}, fault: {}, delay: {delay}, {patience}}}", row.word)
            .expect("a string");
    }
    text
}

/// The states in which an order may be.
fn states(made: Made, operation: &str) -> &'static [&'static str] {
    match (made, operation) {
        (Succeeded, _) | (SeenByInquiry, "create") => &["succeeded"],
        (AlreadyDone, _) | (SeenByInquiry | AskedFirst, "refund") => &["already_done"],
        (AskedFirst, _) => &["succeeded"],
        (Refused, _) => &["refused"],
        (SeenByInquiry | InDoubt, _) => &["unknown"],
        (NotAttempted, _) => &["not_attempted"],
    }
}

/// What does not fit in what runs left behind.
#[derive(Default)]
struct Complaints {
    /// Orders in other states than the table's: so it is, too, if the machine stood still for so long that a call was given up.
    unexpected: Vec<String>,
    /// What must not be on any machine.
    wrong: Vec<String>,
}

/// Adds what does not fit in what a run left behind.
fn complain(
    about: &mut Complaints,
    (case, provider, ended): (&Case, &Provider, &Ended),
    rows: &[&Row],
    made: fn(&Row) -> Made,
) {
    let (found, effects) = (case.states(), provider.effects());
    let Complaints { unexpected, wrong } = about;
    for (index, row) in rows.iter().enumerate() {
        let invoice = format!("INV-{}", index + 1);
        let (state, effects) = (found[&invoice].as_str(), effects.get(&invoice).copied().unwrap_or_default());
        let place = format!("{} {} ({invoice}): {state}, {effects} effects", case.operation, row.word);
        let expected = states(made(row), case.operation);
        if !expected.contains(&state) {
            unexpected.push(format!("{place}: expected {expected:?}"));
        }
        if !is_borne_out(state, effects) {
            wrong.push(format!("{place}: not what the ledger says"));
        }
        if effects > 1 && row.effects == Effects::AtMostOne {
            wrong.push(format!("{place}: more than once"));
        }
    }
    wrong.extend(misdeeds(provider));
    if ended.code != Some(code(found.values())) {
        wrong.push(format!("{}: exit code {:?}\n{}{}", case.operation, ended.code, ended.stdout, ended.stderr));
    }
}

/// Plays a case up to three times until there is nothing to complain about.
fn played(play: impl Fn() -> Complaints) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..3 {
        let Complaints { unexpected, wrong } = play();
        told = unexpected;
        if !wrong.is_empty() {
            told.extend(wrong);
            break;
        }
        if told.is_empty() {
            break;
        }
    }
    told
}

/// Whether a state says no more than the provider's ledger.
fn is_borne_out(state: &str, effects: u32) -> bool {
    match state {
        "succeeded" | "already_done" => effects > 0,
        "refused" | "not_attempted" => effects == 0,
        state => state == "unknown",
    }
}

/// What no client may do, whatever the provider does: an order's effects that are under more than one key, and a second
/// effect that the provider does not take upon itself.
fn misdeeds(provider: &Provider) -> Vec<String> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for effect in provider.ledger() {
        let keys = keys.entry(effect.invoice_number.to_string()).or_default();
        if !keys.is_empty() && effect.repeats.is_none() {
            wrong.push(format!("{}: a second effect that is no repeat", effect.invoice_number));
        }
        keys.insert(effect.request_id.to_string());
        if keys.len() > 1 {
            wrong.push(format!("{}: more than one key: {keys:?}", effect.invoice_number));
        }
    }
    wrong
}

/// The exit code that goes with the states.
fn code<'a>(states: impl Iterator<Item = &'a String>) -> i32 {
    let states: BTreeSet<&str> = states.map(String::as_str).collect();
    if ["unknown", "review", "conflict"].iter().any(|state| states.contains(state)) {
        3
    } else if states.contains("not_attempted") {
        4
    } else {
        i32::from(states.contains("refused"))
    }
}

#[test]
fn a_fault_that_strikes_once_is_settled_by_the_same_run() {
    let mut wrong = Vec::new();
    for operation in OPERATIONS {
        let rows = rows_for(operation);
        wrong.extend(played(|| {
            let case = Case::new(operation, rows.len());
            let provider = case.provider(&script(operation, &rows, 1));
            let ended = case.run(&provider);
            let mut about = Complaints::default();
            complain(&mut about, (&case, &provider, &ended), &rows, |row| row.once);
            about
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_fault_that_does_not_end_leaves_what_is_not_proved_in_doubt_until_it_is_healed() {
    let mut wrong = Vec::new();
    // Wrong signatures of three orders in a row would stop the run.
    let is_apart = |row: &&Row| ["old_signature", "other_request_id"].contains(&row.word);
    let shares = OPERATIONS.into_iter().flat_map(|operation| {
        let (apart, together): (Vec<_>, Vec<_>) = rows_for(operation).into_iter().partition(is_apart);
        [(operation, together), (operation, apart)]
    });
    for (operation, rows) in shares {
        wrong.extend(played(|| {
            let (case, mut about) = (Case::new(operation, rows.len()), Complaints::default());
            let provider = case.provider(&script(operation, &rows, 1000));
            let ended = case.run(&provider);
            complain(&mut about, (&case, &provider, &ended), &rows, |row| row.always);
            drop(provider);
            let healed = case.provider("");
            let ended = case.run(&healed);
            complain(&mut about, (&case, &healed, &ended), &rows, |row| match row.always {
                // What is settled stays so; the same key again settles the rest.
                SeenByInquiry => AskedFirst,
                InDoubt | NotAttempted => Succeeded,
                Succeeded | AskedFirst | AlreadyDone | Refused => row.always,
            });
            about
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One order after the other, and the first one meets the fault.
fn one_by_one(case: &Case, word: &str, ended: &Ended, code: i32, state: &str) -> Vec<String> {
    let states = case.states();
    let mut wrong = Vec::new();
    if (ended.code, states["INV-1"].as_str()) != (Some(code), state) {
        wrong.push(format!("{} {word}: {:?} {states:?}\n{}", case.operation, ended.code, ended.stderr));
    }
    wrong
}

#[test]
fn a_fault_that_says_that_nothing_will_get_better_stops_the_run() {
    let mut wrong = Vec::new();
    for operation in OPERATIONS {
        for (word, code, state) in HALTS {
            // None of these is silent: a call that was given up would be sent again, and met by no fault.
            let case = Case { timeout: "60s", ..Case::new(operation, 3) };
            let rule = format!("operation: {operation}, invoice_number: INV-1, fault: {word}");
            let provider = case.provider(&format!("faults: [{{{rule}}}]"));
            let ended = case.run(&provider);
            wrong.extend(one_by_one(&case, word, &ended, code, state));
            if !case.states().iter().all(|(number, state)| is_borne_out(state, effects_of(&provider, number))) {
                wrong.push(format!("{operation} {word}: {:?} {:?}", case.states(), provider.effects()));
            }
            let requests = provider.requests();
            drop(provider);
            // The refused order stays refused; the others are done, and so is the one in doubt.
            let healed = case.provider("");
            let ended = case.run(&healed);
            let (code, state) = if state == "refused" { (1, "refused") } else { (0, "succeeded") };
            wrong.extend(one_by_one(&case, word, &ended, code, state));
            let effects = if state == "refused" { 2 } else { 3 };
            if healed.ledger().len() != effects || requests > 4 {
                wrong.push(format!("{operation} {word}: {requests} requests, then {:?}", healed.effects()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn effects_of(provider: &Provider, invoice: &str) -> u32 {
    provider.effects().get(invoice).copied().unwrap_or_default()
}

#[test]
fn a_door_that_is_shut_is_no_answer_and_no_refusal() {
    let mut wrong = Vec::new();
    for operation in OPERATIONS {
        for (word, times) in [("refuse", 1), ("close_at_accept", 3), ("reset_at_accept", 3), ("reset_at_head", 3)] {
            let mut case = Case { settle_for: "300ms", ..Case::new(operation, 5) };
            let rule =
                |times| format!("faults: [{{operation: {operation}, fault: {word}, delay: 20ms, times: {times}}}]");
            let provider = case.provider(&rule(1000));
            let ended = case.run(&provider);
            // A request that was on its way when the door was shut is in doubt; one that found nobody was not sent.
            let states = case.states();
            let known = |state: &String| state == "unknown" || (word == "refuse" && state == "not_attempted");
            if ended.code != Some(3) || !states.values().all(known) || !provider.ledger().is_empty() {
                wrong.push(format!("{operation} {word}: {:?} {states:?} {:?}", ended.code, provider.effects()));
            }
            drop(provider);
            let healing = case.provider(&rule(times));
            case.settle_for = "60s";
            let ended = case.run(&healing);
            let done = case.states().values().all(|state| state == "succeeded") && healing.ledger().len() == 5;
            if ended.code != Some(0) || !done {
                wrong.push(format!("{operation} {word}, healed: {:?} {:?}", ended.code, case.states()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wait_that_nobody_waits_leaves_the_order_to_a_later_run() {
    for operation in OPERATIONS {
        let case = Case { timeout: "60s", ..Case::new(operation, 1) };
        let provider = case.provider(&format!("faults: [{{operation: {operation}, fault: throttle_absurd}}]"));
        let ended = case.run(&provider);
        assert_eq!((ended.code, provider.ledger()), (Some(4), Vec::new()), "{}", ended.stderr);
        assert_eq!(case.states()["INV-1"], "not_attempted");
        // It keeps the wait, which is 15 minutes long, until somebody interrupts it.
        let run = case.folder.start(&["run", "job.yaml"]);
        let mut looks = 0;
        until("the next run has begun, and had time to send", || {
            looks += u32::from(case.runs_begun() == 2);
            looks > 40
        });
        run.signal("INT");
        let code = run.end().code;
        // On a machine that is very busy it was not listening yet.
        assert!(code == Some(4) || code.is_none(), "{code:?}");
        assert_eq!((provider.requests(), provider.ledger()), (1, Vec::new()));
    }
}

#[test]
fn every_mode_is_in_a_table_here() {
    let tables = FAULTS.iter().chain(&STATUSES).map(|row| row.word).chain(HALTS.map(|(word, ..)| word));
    let notifications = NOTIFICATIONS.map(|(word, _)| word).into_iter().filter(|word| !word.is_empty());
    let told: BTreeSet<&str> = tables.chain(WHOLESALE).chain(notifications).collect();
    assert_eq!(told, FaultMode::ALL.map(FaultMode::word).into_iter().collect());
}

#[test]
fn in_a_storm_of_faults_everything_is_done_once_in_the_end() {
    for operation in OPERATIONS {
        let case = Case::new(operation, 25);
        let storm = std::fs::read_to_string(repository("examples/faults-storm.yaml")).expect("the example is there");
        // The waits of the example are a demonstration's.
        let storm = storm.replace("delay: 3s", "delay: 50ms").replace("status_lag: 2s", "status_lag: 50ms");
        let provider = case.provider(&storm.replace("retry_after: 1s", "retry_after: 0s"));
        let mut codes = Vec::new();
        while codes.len() < 10 && codes.last() != Some(&Some(0)) {
            let ended = case.run(&provider);
            codes.push(ended.code);
            for (number, state) in case.states() {
                let effects = effects_of(&provider, &number);
                assert!(
                    is_borne_out(&state, effects) && effects <= 1,
                    "{operation} {number}: {state}, {effects} effects"
                );
            }
            assert_eq!(ended.code, Some(code(case.states().values())), "{}", ended.stderr);
        }
        assert_eq!(codes.last(), Some(&Some(0)), "{operation}: {codes:?}");
        assert_eq!((provider.ledger().len(), misdeeds(&provider)), (25, Vec::new()), "{operation}");
        assert!(provider.requests() > 30, "{operation}: a storm, and only {} requests", provider.requests());
    }
}

/// A fault of notifications; what the reconciliation says about the order that meets it: DOKU's status, the verdict, the
/// duplicates. What is not told is not taken for told, and a creation waits for its customer anyway.
const NOTIFICATIONS: [(&str, &str); 12] = [
    ("notification_before_answer", "SUCCESS matched 0"),
    ("notification_twice", "SUCCESS matched 1"),
    ("notification_late", "PENDING matched 0"),
    ("notification_out_of_order", "SUCCESS matched 0"),
    ("notification_forged", "SUCCESS matched 0"),
    ("notification_replayed", "SUCCESS matched 1"),
    // The same id twice, and two amounts: a person looks.
    ("notification_other_body", "SUCCESS amount_mismatch 1"),
    ("notification_torn", "PENDING matched 0"),
    ("notification_log_rotated", "SUCCESS matched 0"),
    ("notification_log_emptied", "SUCCESS matched 0"),
    ("notification_missing", "PENDING matched 0"),
    // And one that nothing happens to, after which the one goes out that waits for the next.
    ("", "SUCCESS matched 0"),
];

#[test]
fn notifications_that_go_astray_decide_nothing_that_they_do_not_prove() {
    let case = Case { timeout: "60s", ..Case::new("create", NOTIFICATIONS.len()) };
    let mut faults = "customers: {pay: 100}\nfaults:\n".to_owned();
    for (index, (fault, _)) in NOTIFICATIONS.iter().enumerate().filter(|(_, (fault, _))| !fault.is_empty()) {
        let delay = if *fault == "notification_late" { "1h" } else { "1ms" };
        writeln!(faults, "  - {{invoice_number: INV-{}, delay: {delay}, fault: {fault}}}", index + 1)
            .expect("a string");
    }
    let log = case.folder.path("log/notifications.jsonl");
    let start = |state: &str| {
        let (ledger, log) = (case.folder.path("provider/ledger.jsonl"), log.clone());
        Provider::with(state, |config| Config { ledger: Some(ledger), notification_log: Some(log), ..config })
    };
    let reconciled = || {
        let ended = case.folder.rekon(&["reconcile", "job.yaml"]);
        let row = |row: &BTreeMap<String, String>| {
            (row["invoice_number"].clone(), format!("{} {} {}", row["doku_status"], row["verdict"], row["duplicates"]))
        };
        let files =
            ended.stdout.lines().find_map(|line| line.strip_prefix("files: ")).expect("it says where").to_owned();
        let read = |name: &str| rows(&case.folder.read(&format!("{files}/{name}")));
        let found: BTreeMap<_, _> = read("reconciliation.csv").iter().map(row).collect();
        let mut unmatched = column(&read("unmatched.csv"), "reason");
        unmatched.sort();
        (ended.code, found, unmatched)
    };

    let provider = start(&faults);
    assert_eq!(case.run(&provider).code, Some(0));
    let job = case.folder.read("job.yaml");
    case.folder.write("job.yaml", &format!("{job}notifications: {{files: [\"log/*.jsonl\"]}}\n"));
    let written = || log_lines(&case.folder) >= NOTIFICATIONS.len() + 2;
    until("the one that is replayed has come again", written);
    let (code, found, unmatched) = reconciled();
    for (index, (fault, expected)) in NOTIFICATIONS.iter().enumerate() {
        let found = &found[&format!("INV-{}", index + 1)];
        // If the log is rotated before it comes again, the same line of the same second stands in two files: one receipt.
        let once = *fault == "notification_replayed" && found == "SUCCESS matched 0";
        assert!(once || found == expected, "{fault}: {found}");
    }
    assert_eq!(code, Some(1), "a forgery and two amounts");
    // One for each copy that is counted.
    let copies = found.values().filter(|found| found.ends_with(" 1")).count();
    let expected = [vec!["duplicate"; copies], vec!["invalid_signature", "malformed"]].concat();
    assert_eq!(unmatched, expected);
    drop(provider);

    // Whatever has not been told yet is told when the provider starts again.
    drop(start("customers: {pay: 100}"));
    let (_, found, _) = reconciled();
    assert!(found.values().all(|said| said.starts_with("SUCCESS ")), "{found:?}");
    let mismatches = found.values().filter(|said| said.contains("amount_mismatch")).count();
    assert_eq!((mismatches, found.values().filter(|said| said.contains(" matched")).count()), (1, 11), "{found:?}");
}

/// The lines of all logs, torn ones included.
fn log_lines(folder: &Folder) -> usize {
    let files = folder.snapshot();
    let logs = files.iter().filter(|(path, _)| path.parent().is_some_and(|parent| parent.ends_with("log")));
    logs.map(|(_, content)| String::from_utf8_lossy(content).lines().count()).sum()
}
