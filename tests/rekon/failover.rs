//! A failover that loses commits: the server is gone at once, a standby that lacked its last commits takes its place under the
//! same address, and the hosts that are at work reach it. DOKU's ledger tells what became of every order.
//!
//! `REKON_FAILOVERS=20` plays so many of them; a complaint names the seed that shows it again.

use std::collections::BTreeMap;

use rekon::edge::clock::SystemClock;
use rekon::journal::Account;
use rekon::journal::identity::Identity;
use rekon::model::environment::Environment;
use rekon::model::ids::{ClientId, InvoiceNumber};
use rekon::model::operation::Operation;
use rekon::runner::clock::Clock as _;
use rekon::simulator::CLIENT_ID;

use crate::hosts::{Fleet, Host, STEADY};
use crate::postgres::Server;
use crate::process::{Background, Ended, until};
use crate::trial::{Seeded, asked_for, orders};

/// Enough for everybody to be at work all the time: twenty seconds.
const ORDERS: u32 = 240;

/// The ended calls of each runner.
const ENDED: &str = "SELECT runner, count(*) FROM attempt WHERE ended_at IS NOT NULL GROUP BY runner";

fn counts(text: &str) -> BTreeMap<String, u32> {
    let pair = |line: &str| {
        let (runner, count) = line.split_once('|').expect("two columns");
        (runner.to_owned(), count.parse().expect("a number"))
    };
    text.lines().map(pair).collect()
}

/// The number of the log's last entry.
fn head(fleet: &Fleet<'_>) -> u32 {
    fleet.sql("SELECT seq FROM head").parse().expect("a number")
}

/// What a host keeps in files, for it could not write it.
fn lines_aside(host: &Host) -> Vec<serde_json::Value> {
    let Ok(entries) = std::fs::read_dir(host.folder.path(".rekon")) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    let text: String = names
        .filter(|name| name.starts_with("emergency-"))
        .map(|name| host.folder.read(&format!(".rekon/{name}")))
        .collect();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn order(line: &serde_json::Value) -> String {
    line["order"]["invoice"].as_str().expect("an invoice").to_owned()
}

/// The orders of which a host keeps something aside.
fn kept_aside(host: &Host) -> Vec<String> {
    lines_aside(host).iter().map(order).collect()
}

/// Whether a host that reaches a journal which lacks its commits says so, and what to do.
fn says_what_happened(ended: &Ended) -> bool {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    said.contains("failed over to a copy that lacked it") && said.contains("rekon run job.yaml --journal ")
}

/// One failover. What was wrong in the end.
fn fail_over(primary: &Server, standby: &Server, seed: u64) -> Vec<String> {
    let mut seeded = Seeded::new(7000 + seed);
    let hosts = if seeded.below(2) == 0 { 2 } else { 3 };
    let keys = STEADY.replace("20/s", "12/s");
    let (mut fleet, door) = Fleet::behind_a_door(primary, hosts, ORDERS, ("", &keys));
    let mut running: Vec<Option<Background>> = fleet.start_all().into_iter().map(Some).collect();
    door.open();
    let known = |server: &Server| counts(&server.sql(&fleet.database.name, ENDED));
    until("the standby knows of a call of each", || {
        standby.sql("postgres", "SELECT datname FROM pg_database").contains(&fleet.database.name)
            && standby.sql(&fleet.database.name, "SELECT to_regclass('attempt') IS NOT NULL") == "t"
            && known(standby).len() == hosts
    });
    standby.cut_off();
    until("the standby is cut off", || standby.is_cut_off());
    let kept = known(standby);
    // So many are under way at most: what is under way behind these was begun behind the standby's back.
    let more = 4 + u32::try_from(seeded.below(3)).expect("a small number");
    until("each has done more, of which the standby does not hear", || {
        let done = known(primary);
        kept.iter().all(|(runner, count)| done[runner] >= count + more)
    });
    let is_under_way = seed.is_multiple_of(2);
    if is_under_way {
        // Their answers find no journal.
        door.hold();
        let before = door.arrived().len();
        // One host makes four at once.
        until("calls of two hosts are under way", || door.arrived().len() > before + 4);
    }
    if seed % 3 == 2
        && let Some(mut killed) = running[0].take()
    {
        assert!(!killed.has_ended(), "there is enough to do");
        killed.signal("KILL");
        killed.end();
    }
    let before = head(&fleet);
    primary.stop_at_once();
    standby.promote();
    fleet.fail_over(standby);
    let after = head(&fleet);
    assert!(after < before, "entries {after} to {before} are lost");
    door.open();
    let mut wrong = Vec::new();
    for (host, running) in running.into_iter().enumerate() {
        let Some(running) = running else { continue };
        let ended = fleet.end(host, running);
        if !matches!(ended.code, Some(3 | 4)) || !says_what_happened(&ended) {
            wrong.push(format!("host {host}: {ended:?}"));
        }
    }
    // One that was killed is at work until its lease ends.
    let at_work =
        "SELECT count(*) FROM runner WHERE left_at IS NULL AND lost_at IS NULL AND lease_until > clock_timestamp()";
    until("nobody is at work any more", || fleet.sql(at_work) == "0");
    // What is left need not take as long.
    for host in &fleet.hosts {
        host.folder.write("job.yaml", &host.folder.read("job.yaml").replace("12/s", "200/s"));
    }
    let lacks = |host: &usize| !lost(&fleet, *host).is_empty();
    let keeps = (0..hosts).find(lacks);
    assert!(keeps.is_some() || !is_under_way, "what came back is kept");
    if let Some(keeps) = keeps {
        wrong.extend(run_without_the_lost(&mut fleet, keeps));
    }
    for host in 0..hosts {
        let ended = fleet.run(host);
        if ended.code != Some(1) {
            wrong.push(format!("host {host} afterwards: {ended:?}"));
        }
    }
    let left: Vec<String> = fleet.hosts.iter().flat_map(kept_aside).collect();
    wrong.extend((!left.is_empty()).then(|| format!("not taken in: {left:?}")));
    wrong.extend(fleet.complaints());
    wrong
}

/// Those that the journal does not know, and of which something may have been done. What did not leave is as if it had never been
/// begun.
fn lost(fleet: &Fleet<'_>, host: usize) -> Vec<String> {
    let known = fleet.states();
    let left = |line: &&serde_json::Value| line["event"] != "nothing_done" && line["event"] != "turned_away";
    let lines = lines_aside(&fleet.hosts[host]);
    lines.iter().filter(left).map(order).filter(|order| !known.contains_key(order)).collect()
}

/// An input that lacks the orders which the journal has lost: they are in doubt, and said to be.
fn run_without_the_lost(fleet: &mut Fleet<'_>, host: usize) -> Option<String> {
    let (kept, lost) = (kept_aside(&fleet.hosts[host]), lost(fleet, host));
    fleet.hosts[host].folder.write("orders.csv", &orders("refund", 1));
    let ended = fleet.run(host);
    let still_kept = kept_aside(&fleet.hosts[host]);
    fleet.hosts[host].folder.write("orders.csv", &orders("refund", ORDERS));
    let is_said = ended.code == Some(3)
        && ended.stderr.contains("MONEY IN DOUBT: answers to orders of which this journal does not know what was sent")
        && lost.iter().all(|order| ended.stderr.contains(order));
    (!is_said || kept != still_kept).then(|| format!("of {lost:?}, {still_kept:?} is kept: {ended:?}"))
}

#[test]
fn a_failover_that_loses_commits_does_no_order_twice_and_makes_no_doubt_smaller() {
    let Some(mut primary) = Server::own("a failover that loses commits") else { return };
    let first = asked_for("REKON_FAILOVER_SEED", 0);
    for seed in first..first + asked_for("REKON_FAILOVERS", 1) {
        let standby = primary.standby();
        let wrong = fail_over(&primary, &standby, seed);
        assert_eq!(wrong, [""; 0], "seed {seed}");
        primary = standby;
    }
}

/// A file of one answer, to a request for INV-2 of which the journal knows nothing.
fn keep_aside(host: &Host, first_sent_at: &str, end: &str) {
    let account = Account {
        environment: Environment::Simulator,
        client_id: ClientId::new(CLIENT_ID).expect("an id"),
        operation: Operation::Refund,
    };
    let invoice = InvoiceNumber::new("INV-2").expect("an invoice");
    let request_id = Identity { account, invoice, generation: 0 }.request_id();
    let line = serde_json::json!({
        "run": "20261101-000000-0009", "attempt": 7, "sent_at": first_sent_at, "first_sent_at": first_sent_at,
        "order": {"job": "trial", "invoice": "INV-2", "rupiah": 2000}, "request_id": request_id.to_string(),
        "at": first_sent_at, "outcome": "applied", "event": "applied", "wire": "left", "reason": "",
        "facts": {"http_status": 200, "replayed": false, "signature": "valid"},
        "answer_headers": null, "answer_body": null,
    });
    host.folder.write(".rekon/emergency-20261101-000000-0009-1.jsonl", &format!("{line}{end}"));
}

#[test]
fn a_request_that_only_a_file_knows_is_sent_again_within_the_horizon_and_never_behind_it() {
    let Some(server) = Server::own("a request that only a file knows") else { return };
    let mut fleet = Fleet::new(&server, 1, "refund", 4, ("", STEADY));
    keep_aside(&fleet.hosts[0], "2026-11-01T00:00:00Z", "\n");
    let ended = fleet.run(0);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("requests for INV-2 that this journal does not know"), "{}", ended.stderr);
    assert!(ended.stderr.contains("sent again they could have their effect twice"), "{}", ended.stderr);
    assert_eq!(fleet.sql("SELECT count(*) FROM attempt"), "0");
    // Without the order the others are done, and the doubt about it stays.
    let all = fleet.hosts[0].folder.read("orders.csv");
    let others: String = all.split_inclusive('\n').filter(|row| !row.starts_with("INV-2,")).collect();
    fleet.hosts[0].folder.write("orders.csv", &others);
    let ended = fleet.run(0);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("MONEY IN DOUBT") && ended.stderr.contains("INV-2"), "{}", ended.stderr);
    fleet.hosts[0].folder.write("orders.csv", &all);
    // Young enough, DOKU knows the key. That somebody has lost the line's end in copying it makes it no other line.
    keep_aside(&fleet.hosts[0], &rekon::model::time::wire(SystemClock.now()), "");
    let ended = fleet.run(0);
    assert_eq!(ended.code, Some(1), "INV-1 is refused: {ended:?}");
    assert!(ended.stderr.contains("1 answer that an earlier run could not write: taken in"), "{}", ended.stderr);
    assert_eq!(kept_aside(&fleet.hosts[0]), [""; 0]);
    assert_eq!(fleet.complaints(), [""; 0]);
}
