//! What a person decides: rulings, reopened orders, conflicts, and the journal that a person looks after.

use rekon::simulator::CLIENT_ID;

use crate::process::{Ended, Folder, Provider, Told, column, notification_body, now, rows};
use crate::support::{copy_into, repository};
use rekon::model::time::wire;
use rekon::simulator::SECRET_KEY;

/// A refund of two orders; INV-2 is never answered at first.
struct World {
    folder: Folder,
    provider: Provider,
}

const STATE: &str = "orders:
  - {invoice_number: INV-1, amount: 10000, status: paid, order_id: 1001}
  - {invoice_number: INV-2, amount: 20000, status: paid, order_id: 1002}
";

fn job(url: &str) -> String {
    format!(
        "job: by-hand\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
         orders: {{file: orders.csv}}\nguards: {{max_orders: 10, max_total: 1000000}}\n\
         notifications: {{files: [log.jsonl]}}\n\
         limits: {{rate: 500/s, burst: 10, timeout: 60s}}\n\
         retries: {{attempts: 1, backoff: 10ms..20ms, horizon: 24h, inquire_after: 20ms, settle_for: 300ms}}\n"
    )
}

impl World {
    fn new(faults: &str) -> Self {
        let provider = Provider::start(&format!("{STATE}faults:\n{faults}"));
        let folder = Folder::new();
        folder.write(
            "orders.csv",
            &format!(
                "invoice_number,amount,order_id,akulaku_reference\nINV-1,10000,1001,{CLIENT_ID}INV-1\n\
                 INV-2,20000,1002,{CLIENT_ID}INV-2\n"
            ),
        );
        folder.write("log.jsonl", "");
        folder.write("job.yaml", &job(&provider.url()));
        Self { folder, provider }
    }

    fn rekon(&self, arguments: &[&str], code: i32) -> Ended {
        let ended = self.folder.rekon(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}\nstdout:\n{}\nstderr:\n{}", ended.stdout, ended.stderr);
        ended
    }

    fn states(&self) -> Vec<String> {
        column(&self.folder.results("by-hand"), "rekon_state")
    }

    /// Makes the horizon so short that it has passed.
    fn pass_the_horizon(&self) {
        let job = self.folder.read("job.yaml");
        self.folder.write("job.yaml", &job.replace("horizon: 24h", "horizon: 1ms"));
    }

    /// Makes it as long as it was: within a millisecond nothing new can be sent.
    fn widen_the_horizon(&self) {
        let job = self.folder.read("job.yaml");
        self.folder.write("job.yaml", &job.replace("horizon: 1ms", "horizon: 24h"));
    }

    /// What DOKU says of an order, as a line of the log.
    fn told(&self, invoice: &str, amount: &str, status: &str) {
        let at = wire(now());
        let body = notification_body(invoice, amount, status, &at);
        let line =
            Told { received_at: &at, request_id: "N-1", client_id: CLIENT_ID, key: SECRET_KEY, body: &body }.line();
        self.folder.write("log.jsonl", &format!("{line}\n"));
    }
}

/// Status answers never show the refund, and requests are lost before anything is done.
const LOST: &str = "  - {operation: refund, invoice_number: INV-2, times: 1, fault: error_before}\n";

/// A fault that strikes nothing.
const NO_FAULTS: &str = "  - {operation: create, fault: html}\n";

const RULE: [&str; 9] =
    ["rule", "INV-2", "--operation", "refund", "--reason", "told by phone", "--evidence", "ticket 7", "--as"];

fn rule(ruling: &'static str) -> Vec<&'static str> {
    [&RULE[..], &[ruling, "--job", "job.yaml"]].concat()
}

#[test]
fn nobody_rules_about_what_may_still_settle_by_itself() {
    let world = World::new(LOST);
    world.rekon(&["run", "job.yaml"], 3);
    let refused = world.rekon(&rule("done"), 2);
    assert!(refused.stderr.contains("INV-2: it is unknown and may still settle by itself until"), "{}", refused.stderr);
    assert!(refused.stderr.contains("rekon resolve JOB"), "{}", refused.stderr);
    world.rekon(&["run", "job.yaml"], 0);
    let refused = world.rekon(&rule("not-done"), 2);
    assert!(refused.stderr.contains("INV-2: it is succeeded: there is nothing to rule"), "{}", refused.stderr);
}

#[test]
fn what_was_ruled_not_done_is_sent_anew_only_when_a_person_reopens_it() {
    let world = World::new(LOST);
    world.rekon(&["run", "job.yaml"], 3);
    let key = column(&world.folder.results("by-hand"), "rekon_request_id")[1].clone();
    world.pass_the_horizon();
    world.rekon(&["run", "job.yaml"], 3);
    assert_eq!(world.states(), ["succeeded", "review"]);
    let sent = world.provider.effects();
    assert_eq!(sent.get("INV-2"), None, "beyond the horizon nothing is sent");
    assert!(world.rekon(&["show", "--job", "job.yaml"], 0).stdout.contains("MONEY IN DOUBT: 1 item, Rp 20.000"));
    world.rekon(&rule("not-done"), 0);
    world.rekon(&["run", "job.yaml"], 1);
    assert_eq!(world.states(), ["succeeded", "refused"]);
    assert_eq!(world.provider.effects().get("INV-2"), None, "a ruling sends nothing");
    let reopen = ["reopen", "INV-2", "--operation", "refund", "--reason", "DOKU lost it", "--job", "job.yaml"];
    world.rekon(&reopen, 0);
    let again = world.rekon(&reopen, 2);
    assert!(again.stderr.contains("INV-2: it is planned: only what was refused"), "{}", again.stderr);
    world.widen_the_horizon();
    world.rekon(&["run", "job.yaml"], 0);
    assert_eq!(world.states(), ["succeeded", "succeeded"]);
    let new_key = column(&world.folder.results("by-hand"), "rekon_request_id")[1].clone();
    assert_ne!(new_key, key, "a new generation has a key of its own");
    assert_eq!(world.provider.effects().get("INV-2"), Some(&1));
    let story = world.rekon(&["show", "INV-2", "--job", "job.yaml"], 0).stdout;
    for part in ["generation 1", "told by phone", "ticket 7", "DOKU lost it", "verdict matched", "horizon has passed"] {
        assert!(story.contains(part), "{part} is missing:\n{story}");
    }
}

#[test]
fn what_was_ruled_done_is_never_sent_again() {
    let world = World::new(LOST);
    world.rekon(&["run", "job.yaml"], 3);
    world.pass_the_horizon();
    world.rekon(&["resolve", "job.yaml"], 3);
    assert!(world.rekon(&["show", "--job", "job.yaml"], 0).stdout.contains("review"));
    world.rekon(&rule("done"), 0);
    world.rekon(&["run", "job.yaml"], 0);
    assert_eq!(world.states(), ["succeeded", "already_done"]);
    assert_eq!(world.provider.effects().get("INV-2"), None);
    let reopen = ["reopen", "INV-2", "--operation", "refund", "--reason", "again", "--job", "job.yaml"];
    assert!(world.rekon(&reopen, 2).stderr.contains("INV-2: it is ruled_done"));
}

#[test]
fn a_refusal_that_a_notification_contradicts_is_a_conflict_until_a_person_rules() {
    let world = World::new("  - {operation: refund, invoice_number: INV-2, times: 1, fault: not_found}\n");
    world.rekon(&["run", "job.yaml"], 1);
    assert_eq!(world.states(), ["succeeded", "refused"]);
    world.told("INV-2", "20000", "REFUNDED");
    world.rekon(&["run", "job.yaml"], 3);
    assert_eq!(world.states(), ["succeeded", "conflict"]);
    world.rekon(&rule("done"), 0);
    world.rekon(&["run", "job.yaml"], 0);
    assert_eq!(world.states(), ["succeeded", "already_done"]);
}

#[test]
fn a_ruling_needs_an_order_a_reason_and_the_journal_for_itself() {
    let world = World::new(LOST);
    let absent = world.rekon(&rule("done"), 2);
    assert!(absent.stderr.contains("there is no journal here"), "{}", absent.stderr);
    assert!(!world.folder.path(".rekon").exists(), "a ruling makes no journal");
    world.rekon(&["run", "job.yaml"], 3);
    let cases: [(&[&str], &str); 3] = [
        (
            &["rule", "INV-9", "--operation", "refund", "--as", "done", "--reason", "x", "--evidence", "y"],
            "INV-9: the journal knows no refund of it",
        ),
        (
            &["rule", "INV-2", "--operation", "cancel", "--as", "done", "--reason", "x", "--evidence", "y"],
            "INV-2: the journal knows no cancel of it",
        ),
        (
            &["rule", "INV-2", "--operation", "refund", "--as", "done", "--reason", " ", "--evidence", "y"],
            "--reason must be one line of 1 to 500 characters",
        ),
    ];
    for (arguments, expected) in cases {
        let ended = world.rekon(&[arguments, &["--job", "job.yaml"]].concat(), 2);
        assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
    }
}

#[test]
fn a_journal_is_checked_copied_and_its_loss_is_told() {
    let world = World::new(LOST);
    world.rekon(&["run", "job.yaml"], 3);
    let journal = world.folder.path(".rekon/journal.db");
    world.rekon(&["journal", "backup", "copy.db", "--job", "job.yaml"], 0);
    let taken = world.rekon(&["journal", "backup", "copy.db", "--job", "job.yaml"], 2);
    assert!(taken.stderr.contains("copy.db: is there already; name a new file"), "{}", taken.stderr);
    world.rekon(&["run", "job.yaml"], 0);
    let head = world.folder.summary("by-hand")["journal"]["head"].as_str().expect("a head").to_owned();
    let check = ["journal", "check", "--job", "job.yaml", "--head", &head];
    let whole = world.rekon(&check, 0).stdout;
    assert!(whole.contains("whole") && whole.contains("2 signed answers verified again"), "{whole}");
    // Another key proves none of them.
    let other = job(&world.provider.url())
        .replace("simulator, base_url", "simulator, secret_key: file:key, client_id: file:id, base_url");
    world.folder.write("other.yaml", &other);
    world.folder.write("key", "SK-another");
    world.folder.write("id", CLIENT_ID);
    let unproved = world.rekon(&["journal", "check", "--job", "other.yaml"], 1).stdout;
    assert!(unproved.contains("2 answers, the first about INV-1, cannot be verified"), "{unproved}");
    // The copy of before the second run takes the journal's place.
    std::fs::copy(world.folder.path("copy.db"), &journal).expect("a copy");
    assert!(world.rekon(&check, 1).stdout.contains("entries are missing"));
    let again = world.rekon(&["run", "job.yaml"], 0);
    assert!(again.stderr.contains("was restored from an old copy"), "{}", again.stderr);
    assert_eq!(world.provider.effects().values().max(), Some(&1), "nothing twice");
    assert!(!world.rekon(&["run", "job.yaml"], 0).stderr.contains("restored"), "it is told once");
}

#[test]
fn a_loss_that_may_be_older_than_the_horizon_is_refused_until_a_person_accepts_it() {
    let world = World::new(LOST);
    world.rekon(&["run", "job.yaml"], 3);
    std::fs::remove_file(world.folder.path(".rekon/journal.db")).expect("the journal");
    world.pass_the_horizon();
    let requests = world.provider.requests();
    let refused = world.rekon(&["run", "job.yaml"], 2);
    assert!(refused.stderr.contains("longer ago than DOKU is known to remember"), "{}", refused.stderr);
    assert_eq!(world.provider.requests(), requests, "nothing was sent");
    world.rekon(&["journal", "accept", "--reason", "compared with the Back Office", "--job", "job.yaml"], 0);
    world.widen_the_horizon();
    world.rekon(&["run", "job.yaml"], 0);
    let nothing = world.rekon(&["journal", "accept", "--reason", "once more", "--job", "job.yaml"], 2);
    assert!(nothing.stderr.contains("there is nothing to accept"), "{}", nothing.stderr);
}

#[test]
fn a_refused_loss_stays_refused_whatever_is_tried() {
    let world = World::new(NO_FAULTS);
    let two = world.folder.read("orders.csv");
    let one: String = two.split_inclusive('\n').take(2).collect();
    world.folder.write("orders.csv", &one);
    world.rekon(&["run", "job.yaml"], 0);
    world.rekon(&["journal", "backup", "old.db", "--job", "job.yaml"], 0);
    world.folder.write("orders.csv", &two);
    world.rekon(&["run", "job.yaml"], 0);
    world.pass_the_horizon();
    std::fs::copy(world.folder.path("old.db"), world.folder.path(".rekon/journal.db")).expect("a copy");
    let requests = world.provider.requests();
    let reopen = ["reopen", "INV-1", "--operation", "refund", "--reason", "x", "--job", "job.yaml"];
    let rule = rule("done");
    for arguments in [&["run", "job.yaml"][..], &["run", "job.yaml"], &rule, &reopen, &["resolve", "job.yaml"]] {
        let ended = world.rekon(arguments, 2);
        assert!(ended.stderr.contains("longer ago than DOKU is known to remember"), "{arguments:?}: {}", ended.stderr);
    }
    for arguments in [&["show", "--job", "job.yaml"][..], &["plan", "job.yaml"]] {
        let ended = world.rekon(arguments, 0);
        assert!(
            ended.stderr.contains("was restored from an old copy, or made anew"),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    assert!(world.rekon(&["journal", "check", "--job", "job.yaml"], 1).stdout.contains("entries from"));
    assert_eq!(world.provider.requests(), requests, "nothing was sent");
    world.rekon(&["journal", "accept", "--reason", "compared", "--job", "job.yaml"], 0);
    world.widen_the_horizon();
    world.rekon(&["run", "job.yaml"], 0);
}

#[test]
fn a_loss_that_was_young_is_refused_once_it_is_older_than_the_horizon() {
    let world = World::new(NO_FAULTS);
    world.rekon(&["run", "job.yaml"], 0);
    std::fs::remove_file(world.folder.path(".rekon/journal.db")).expect("the journal");
    world.folder.write("orders.csv", "invoice_number,amount,order_id,akulaku_reference\nINV-9,1000,9,x\n");
    // DOKU does not know INV-9; but an earlier request may have been lost with the journal, and so nothing is proved.
    let young = world.rekon(&["run", "job.yaml"], 3);
    assert!(young.stderr.contains("made anew"), "{}", young.stderr);
    world.pass_the_horizon();
    let old = world.rekon(&["run", "job.yaml"], 2);
    assert!(old.stderr.contains("longer ago than DOKU is known to remember"), "{}", old.stderr);
}

#[test]
fn an_order_that_was_turned_away_keeps_the_amount_that_was_sent() {
    let world = World::new("  - {operation: refund, invoice_number: INV-2, times: 1, fault: throttle}\n");
    world.rekon(&["run", "job.yaml"], 4);
    let file = world.folder.read("orders.csv").replace("INV-2,20000", "INV-2,1000");
    world.folder.write("orders.csv", &file);
    world.rekon(&["run", "job.yaml"], 1);
    assert_eq!(world.states(), ["succeeded", "held"]);
    assert_eq!(column(&world.folder.results("by-hand"), "rekon_reason")[1], "other_amount");
    assert_eq!(world.provider.effects().get("INV-2"), None);
}

#[test]
fn what_is_to_be_typed_names_the_day_and_the_journal_that_were_meant() {
    let folder = Folder::new();
    copy_into(&repository("tests/cases/refund-unknown"), &folder.path(""));
    folder.write("orders-20261121.csv", &folder.read("orders.csv"));
    folder
        .write("job.yaml", &folder.read("job.yaml").replace("file: orders.csv", "file: \"orders-{date:%Y%m%d}.csv\""));
    let ended = folder.rekon(&["run", "job.yaml", "--date", "2026-11-21", "--journal", "other.db"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let typed = "  run the same job again; it settles them with the same key and never sends twice: rekon run job.yaml --date \
                 2026-11-21 --journal other.db\n";
    assert!(ended.stdout.contains(typed), "{}", ended.stdout);
}

/// An audit of INV-2 with what more its job says.
fn audit_of(world: &World, name: &str, more: &str) {
    world.folder.write("book.csv", "invoice_number,amount,book_status\nINV-2,20000,refunded\n");
    world.folder.write(
        &format!("{name}.yaml"),
        &format!(
            "job: {name}\noperation: audit\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
             orders: {{file: book.csv}}\nnotifications: {{files: [log.jsonl]}}\n{more}",
            world.provider.url()
        ),
    );
}

/// Status of DOKU, amount, verdict, reason and state of INV-2, which is the last order.
fn concluded(world: &World, job: &str) -> [String; 5] {
    let orders = rows(&world.folder.out(job, "reconciliation.csv"));
    ["doku_status", "doku_amount", "verdict", "reason", "result_state"]
        .map(|name| column(&orders, name).last().cloned().unwrap_or_default())
}

#[test]
fn what_a_person_ruled_is_never_told_as_dokus_word() {
    let cases = [
        ("done", 0, "matched", "a person ruled that it was done", "already_done"),
        ("not-done", 1, "failed", "a person ruled that it was not done", "refused"),
    ];
    for (heard, amount) in [("SUCCESS", "20000"), ("", "")] {
        for (ruling, code, verdict, reason, state) in cases {
            let world = World::new(LOST);
            if !heard.is_empty() {
                world.told("INV-2", amount, heard);
            }
            world.rekon(&["run", "job.yaml"], 3);
            world.pass_the_horizon();
            world.rekon(&["run", "job.yaml"], 3);
            world.rekon(&rule(ruling), 0);
            // Of the second of these runs the row was settled before.
            for _ in 0..2 {
                world.rekon(&["run", "job.yaml"], code);
                assert_eq!(concluded(&world, "by-hand"), [heard, amount, verdict, reason, state]);
            }
            assert!(world.folder.out("by-hand", "report.html").contains(reason));
            let story = world.rekon(&["show", "INV-2", "--job", "job.yaml"], 0).stdout;
            assert!(story.contains(&format!("verdict {verdict} ({reason})")), "{story}");

            // On the host that has the journal, and on one that has the results only.
            audit_of(&world, "audit", "");
            audit_of(&world, "elsewhere", "journal: none.db\nreconcile: {results: [\"out/by-hand/*/results.csv\"]}\n");
            for job in ["audit", "elsewhere"] {
                let file = format!("{job}.yaml");
                world.rekon(&["reconcile", &file], code);
                assert_eq!(concluded(&world, job), [heard, amount, verdict, reason, state], "{job}");
                let story = world.rekon(&["show", "INV-2", "--job", &file], 0).stdout;
                assert!(!story.contains("DOKU says REFUNDED"), "{story}");
                assert!(story.contains("a person ruled"), "{story}");
            }
            let story = world.rekon(&["show", "INV-2", "--job", "audit.yaml"], 0).stdout;
            assert!(story.contains("told by phone; evidence: ticket 7"), "{story}");
        }
    }
}

#[test]
fn what_doku_says_itself_needs_no_ruling() {
    let world = World::new(LOST);
    world.rekon(&["run", "job.yaml"], 3);
    world.pass_the_horizon();
    world.rekon(&["run", "job.yaml"], 3);
    world.rekon(&rule("done"), 0);
    world.told("INV-2", "20000", "REFUNDED");
    audit_of(&world, "audit", "");
    world.rekon(&["reconcile", "audit.yaml"], 0);
    let expected = ["REFUNDED", "20000", "matched", "book and DOKU agree", "already_done"];
    assert_eq!(concluded(&world, "audit"), expected);
}
