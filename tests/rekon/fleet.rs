//! Several hosts on one journal: they are killed, frozen past their lease and cut off, and no order is done twice, no result is
//! lost, and there is one report.
//!
//! `REKON_FLEETS=300` plays so many rounds; a complaint names the seed that shows it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Runtime;

use crate::hosts::{FROZEN, Fleet, RESTARTING, SHORT, SOON, STEADY, pause};
use crate::pace::Door;
use crate::postgres::Server;
use crate::process::{Background, Ended, Provider, exits, rows, unless_the_machine_stood_still, until};
use crate::trial::{ANY_PROVIDER, QUICK, Seeded, asked_for, faults, orders, starting_orders};

#[test]
fn several_hosts_do_one_run_together_and_one_of_them_reports() {
    let Some(server) = Server::shared("a run on several hosts") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 3, 30, ("", STEADY));
    let running = fleet.start_all();
    door.open();
    let ended: Vec<Ended> = running.into_iter().enumerate().map(|(host, running)| fleet.end(host, running)).collect();
    for ended in &ended {
        exits(ended, 1);
    }
    assert_eq!(fleet.complaints(), [""; 0]);
    assert_eq!(fleet.provider.requests(), 30, "each order once");
    assert_eq!(fleet.database.sql("SELECT count(*) FROM run"), "1");
    let reports = fleet.reports();
    let [(run, hosts)] = reports.iter().collect::<Vec<_>>()[..] else { panic!("{reports:?}") };
    let [host] = hosts[..] else { panic!("one report: {reports:?}") };
    let results = rows(&fleet.hosts[host].folder.read(&format!("out/trial/{run}/results.csv")));
    assert_eq!(results.len(), 30);
    assert!(results.iter().all(|row| matches!(row["rekon_state"].as_str(), "succeeded" | "refused")));
    for (number, ended) in ended.iter().enumerate().filter(|(number, _)| *number != host) {
        let told = format!("run {run} is over (exit code 1)\nits report: ");
        assert!(ended.stdout.contains(&told), "{number}: {}", ended.stdout);
    }
    let summary: serde_json::Value =
        serde_json::from_str(&fleet.hosts[host].folder.read(&format!("out/trial/{run}/summary.json"))).expect("JSON");
    assert_eq!(summary["hosts"].as_array().map(Vec::len), Some(3), "{summary}");
}

#[test]
fn the_report_of_several_hosts_is_that_of_one() {
    let Some(server) = Server::shared("the report of several hosts") else { return };
    let faults = "  - {operation: refund, invoice_number: INV-3, nth: 1, times: 1, fault: reset_after}\n  \
                  - {operation: refund, invoice_number: INV-5, nth: 1, times: 1, fault: error_before}\n  \
                  - {operation: refund, invoice_number: INV-7, nth: 1, times: 1, fault: html_after}\n";
    let mut fleet = Fleet::new(server, 3, "refund", 24, (faults, STEADY));
    let alone = Fleet::new(server, 1, "refund", 24, (faults, STEADY));
    let running: Vec<Background> = (0..3).map(|host| fleet.start(host)).collect();
    for (host, running) in running.into_iter().enumerate() {
        exits(&fleet.end(host, running), 1);
    }
    let on_one = &alone.hosts[0].folder;
    exits(&on_one.rekon(&["run", "job.yaml"]), 1);
    let reports = fleet.reports();
    let (run, hosts) = reports.iter().next().expect("a report");
    let together = |name: &str| fleet.hosts[hosts[0]].folder.read(&format!("out/trial/{run}/{name}"));
    for (name, times) in [
        ("results.csv", &["rekon_sent_at", "rekon_settled_at"][..]),
        ("reconciliation.csv", &["sent_at", "settled_at", "rekon_settled_at"][..]),
    ] {
        let without = |text: &str| {
            let mut rows = rows(text);
            rows.iter_mut().for_each(|row| times.iter().for_each(|column| drop(row.remove(*column))));
            rows
        };
        let (one, three) = (on_one.out("trial", name), together(name));
        assert_eq!(without(&one), without(&three), "{name}");
        let header = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        assert_eq!(header(&one), header(&three), "{name}");
    }
    let document = |text: &str| {
        let mut summary: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let own = ["run", "started_at", "finished_at", "limits", "journal", "files", "hosts"];
        let fields = summary.as_object_mut().expect("an object");
        own.iter().for_each(|field| drop(fields.remove(*field)));
        summary
    };
    assert_eq!(document(&on_one.out("trial", "summary.json")), document(&together("summary.json")));
}

#[test]
fn several_hosts_together_are_never_faster_than_one_may_be() {
    let Some(server) = Server::shared("the pace of several hosts") else { return };
    unless_the_machine_stood_still(|| {
        let provider = Provider::start(&format!("{ANY_PROVIDER}{}", starting_orders("refund", 40)));
        let door = Door::before(&provider, 0, "");
        let keys = STEADY.replace("20/s", "10/s");
        let mut fleet = Fleet::before(server, 3, ("refund", 40), (provider, &door.url), &keys);
        let running: Vec<Background> = (0..3).map(|host| fleet.start(host)).collect();
        for (host, running) in running.into_iter().enumerate() {
            exits(&fleet.end(host, running), 1);
        }
        assert_eq!(door.arrived().len(), 40);
        assert_eq!(fleet.complaints(), [""; 0]);
        door.within(12, "10 and a burst of 2 are allowed")
    });
}

#[test]
fn a_wait_that_one_host_is_asked_for_is_kept_by_all() {
    let Some(server) = Server::shared("a Retry-After for several hosts") else { return };
    let provider = Provider::start(&format!("{ANY_PROVIDER}{}", starting_orders("refund", 12)));
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n";
    let door = Door::before(&provider, 1, busy);
    let keys = STEADY.replace("20/s", "10/s").replace("burst: 2", "burst: 1");
    let mut fleet = Fleet::before(server, 2, ("refund", 12), (provider, &door.url), &keys);
    let running: Vec<Background> = (0..2).map(|host| fleet.start(host)).collect();
    for (host, running) in running.into_iter().enumerate() {
        fleet.end(host, running);
    }
    fleet.settle();
    let mut arrived = door.arrived();
    arrived.sort_unstable();
    let gap = arrived.windows(2).map(|pair| pair[1] - pair[0]).max().expect("requests");
    assert!(gap.num_milliseconds() > 1300, "nobody sends for two seconds: {arrived:?}");
    assert_eq!(fleet.complaints(), [""; 0]);
}

/// Lets all hosts begin at once; how many requests have left when each has ended, in doubt or stopped.
fn sent_until_the_breaker_opens(fleet: &mut Fleet<'_>, door: &Door) -> u32 {
    let running = fleet.start_all();
    door.open();
    for (host, running) in running.into_iter().enumerate() {
        let ended = fleet.end(host, running);
        assert!(matches!(ended.code, Some(3..=5)), "{ended:?}");
    }
    fleet.sql("SELECT count(*) FROM attempt WHERE kind = 'send'").parse().expect("a number")
}

#[test]
fn the_failures_of_several_hosts_together_open_the_breaker_of_all() {
    let Some(server) = Server::shared("a breaker for several hosts") else { return };
    let fault = |number: u32| {
        format!("  - {{operation: refund, invoice_number: INV-{number}, times: 9, fault: reset_before}}\n")
    };
    let faults: String = (1..=40).map(fault).collect();
    let steady = STEADY.replace("20/s, burst: 2, concurrency: 4", "3/s, burst: 1, concurrency: 1");
    let steady = steady.replace("settle_for: 20s", "settle_for: 3s");
    let keys = format!("breaker: {{consecutive: 8, failures: 100%, of_last: 100}}\n{steady}");
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 40, (&faults, &keys));
    let sent = sent_until_the_breaker_opens(&mut fleet, &door);
    // Each of them for itself would have needed eight: fifteen in all, while they take turns.
    assert!((8..=12).contains(&sent), "{sent} requests until the breaker opened");
    assert!(fleet.sql("SELECT count(*) FROM event WHERE data LIKE '%\"run_stopped\"%\"breaker\"%'") != "0");
}

#[test]
fn hosts_without_a_pace_that_all_fail_at_once_hear_of_each_other_before_the_next_call() {
    let Some(server) = Server::shared("a breaker for several hosts") else { return };
    let faults = "  - {operation: refund, times: 9999, fault: reset_before}\n";
    let steady = STEADY.replace("20/s, burst: 2, concurrency: 4", "unlimited, concurrency: 1");
    // Without a rate a host claims 256 orders at once.
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 440, (faults, &steady));
    let sent = sent_until_the_breaker_opens(&mut fleet, &door);
    // Four that were heard of, and one more of each.
    assert!((5..=6).contains(&sent), "{sent} requests until the breaker opened");
}

#[test]
fn the_canary_of_one_host_is_everybodys() {
    let Some(server) = Server::shared("a canary for several hosts") else { return };
    // The first order is refused, once the others have come.
    let (mut fleet, door) = Fleet::behind_a_door(server, 3, 20, ("", &format!("canary: 1\n{STEADY}")));
    let running: Vec<Background> = (0..3).map(|host| fleet.start(host)).collect();
    until("all have joined", || fleet.has_tables() && fleet.sql("SELECT count(*) FROM member") == "3");
    door.open();
    for (host, running) in running.into_iter().enumerate() {
        let ended = fleet.end(host, running);
        assert!(matches!(ended.code, Some(4 | 5)), "{ended:?}");
    }
    assert_eq!(fleet.states(), BTreeMap::from([("INV-1".to_owned(), "refused".to_owned())]), "by nobody");
    assert_eq!(fleet.complaints(), [""; 0]);
}

#[test]
fn whoever_has_another_input_is_turned_away() {
    let Some(server) = Server::shared("a host with another input") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 8, ("", STEADY));
    let first = fleet.start(0);
    until("the run has begun", || !door.arrived().is_empty());
    fleet.hosts[1].folder.write("orders.csv", &orders("refund", 7));
    let turned_away = fleet.run(1);
    exits(&turned_away, 5);
    assert!(turned_away.stderr.contains("is at work on another input"), "{}", turned_away.stderr);
    fleet.hosts[1].folder.write("orders.csv", &orders("refund", 8));
    fleet.hosts[1].folder.write("job.yaml", &fleet.hosts[0].folder.read("job.yaml").replace("20/s", "30/s"));
    let turned_away = fleet.run(1);
    exits(&turned_away, 5);
    assert!(turned_away.stderr.contains("a job that is not this one"), "{}", turned_away.stderr);
    fleet.hosts[1].folder.write("job.yaml", &fleet.hosts[0].folder.read("job.yaml"));
    let url = fleet.hosts[1].url(&fleet.database);
    let another_day = ["run", "job.yaml", "--journal", &url, "--date", "2026-01-01"];
    let turned_away = fleet.hosts[1].folder.rekon(&another_day);
    exits(&turned_away, 5);
    assert!(turned_away.stderr.contains("the same --date"), "{}", turned_away.stderr);
    door.open();
    exits(&fleet.end(0, first), 1);
    assert_eq!(fleet.complaints(), [""; 0]);
    let run = &fleet.hosts[0].folder.runs("trial")[0];
    let summary = fleet.hosts[0].folder.read(&format!("out/trial/{run}/summary.json"));
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["hosts"].as_array().map(Vec::len), Some(1), "whoever was turned away: {summary}");
}

#[test]
fn the_loss_of_a_host_is_a_line_in_the_summary_and_no_gap() {
    let Some(server) = Server::shared("the loss of a host") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 30, ("", STEADY));
    fleet.lease(SOON);
    let mut running = fleet.start_all();
    // No call has ended yet: it has orders in hand.
    let first = running.remove(0);
    first.signal("KILL");
    first.end();
    door.open();
    let ended = fleet.end(1, running.remove(0));
    exits(&ended, 1);
    assert!(ended.stdout.contains("; lost: "), "{}", ended.stdout);
    assert_eq!(fleet.complaints(), [""; 0]);
    assert_eq!(fleet.hosts[1].folder.results("trial").len(), 30);
    let states: BTreeSet<String> = fleet.states().into_values().collect();
    assert_eq!(states, BTreeSet::from(["refused".to_owned(), "succeeded".to_owned()]));
}

#[test]
fn a_host_that_is_interrupted_leaves_and_the_others_go_on() {
    let Some(server) = Server::shared("an interrupted host") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 30, ("", STEADY));
    let mut running = fleet.start_all();
    let first = running.remove(0);
    first.signal("INT");
    // The last order comes after all that it has in hand.
    door.hold_only("INV-30");
    let left = fleet.end(0, first);
    door.open();
    exits(&left, 4);
    assert!(left.stderr.contains("other hosts are still at work on it"), "{}", left.stderr);
    exits(&fleet.end(1, running.remove(0)), 1);
    assert_eq!(fleet.complaints(), [""; 0]);
    assert_eq!(fleet.states().len(), 30);
    assert_eq!(fleet.reports().into_values().collect::<Vec<_>>(), [[1]]);
}

#[test]
fn a_host_that_is_interrupted_while_it_waits_for_the_others_leaves_at_once() {
    let Some(server) = Server::shared("an interrupted host that waits") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 30, ("", STEADY));
    let mut running = fleet.start_all();
    door.hold_only("INV-30");
    let waits = "SELECT r.pid FROM member m JOIN runner r ON r.id = m.runner WHERE m.idle";
    until("one of them has nothing left", || !fleet.sql(waits).is_empty());
    let pid = fleet.sql(waits);
    let waiting = running.iter().position(|host| host.id().to_string() == pid).expect("it is one of them");
    let other = running.remove(1 - waiting);
    let idle = running.remove(0);
    idle.signal("INT");
    // The last order is still under way.
    let left = fleet.end(waiting, idle);
    door.open();
    exits(&left, 4);
    assert!(left.stderr.contains("other hosts are still at work on it"), "{}", left.stderr);
    exits(&fleet.end(1 - waiting, other), 1);
    assert_eq!(fleet.complaints(), [""; 0]);
    assert_eq!(fleet.reports().into_values().collect::<Vec<_>>(), [[1 - waiting]]);
}

#[test]
fn what_a_host_has_under_way_is_told_with_its_name_and_is_no_doubt() {
    let Some(server) = Server::shared("a look at what a host has under way") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 1, 2, ("", STEADY));
    let running = fleet.start(0);
    until("all calls are under way", || door.arrived().len() == 2);
    let url = fleet.hosts[0].url(&fleet.database);
    let host = fleet.sql("SELECT host FROM runner WHERE left_at IS NULL");
    let shown = |what: &[&str]| fleet.hosts[0].folder.rekon(&[what, &["--journal", &url]].concat()).stdout;
    let all = shown(&["show"]);
    assert!(all.contains(&format!("\nat work: {host}; under way: 2 items, ")), "{all}");
    assert!(all.contains("\nno money is in doubt"), "{all}");
    let one = shown(&["show", "INV-2"]);
    assert!(
        one.contains("\nunder way since 20") && one.contains(&format!(" (at work: {host}): not in doubt")),
        "{one}"
    );
    door.open();
    exits(&fleet.end(0, running), 1);
    assert_eq!(fleet.complaints(), [""; 0]);
}

#[test]
fn nobody_resolves_what_is_being_worked_on() {
    let Some(server) = Server::shared("resolve beside a run") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 10, ("", STEADY));
    let first = fleet.start(0);
    until("the run has begun", || !door.arrived().is_empty());
    let url = fleet.hosts[1].url(&fleet.database);
    let turned_away = fleet.hosts[1].folder.rekon(&["resolve", "job.yaml", "--journal", &url]);
    exits(&turned_away, 5);
    assert!(turned_away.stderr.contains("this command cannot join it"), "{}", turned_away.stderr);
    door.open();
    exits(&fleet.end(0, first), 1);
    exits(&fleet.hosts[1].folder.rekon(&["resolve", "job.yaml", "--journal", &url]), 0);
    assert_eq!(fleet.complaints(), [""; 0]);
}

#[test]
fn a_host_that_is_frozen_while_it_closes_a_run_leaves_no_second_report() {
    let Some(server) = Server::shared("a closing host that is frozen") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 30, ("", STEADY));
    fleet.lease(SOON);
    let mut running = fleet.start_all();
    until("both are at work", || fleet.has_tables() && fleet.sql("SELECT count(*) FROM runner") == "2");
    // Its files are written by the time it says where they are: there it waits for a lock that the test holds.
    fleet.sql(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS \
             'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END'; \
         CREATE TRIGGER wait BEFORE UPDATE OF report ON joint_run FOR EACH ROW EXECUTE FUNCTION wait()",
    );
    let runtime = Runtime::new().expect("a runtime");
    let holder = runtime.block_on(async {
        let url = fleet.database.url();
        let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("the server is there");
        tokio::spawn(connection);
        client.batch_execute("SELECT pg_advisory_lock(7)").await.expect("nobody else has it");
        client
    });
    door.open();
    let closer = "SELECT r.pid FROM joint_run j JOIN runner r ON r.id = j.closer";
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    until("one of them has written its files", || fleet.sql(waits) != "0");
    let pid = fleet.sql(closer);
    let closer = running.iter().position(|host| host.id().to_string() == pid).expect("it is one of them");
    running[closer].signal("STOP");
    runtime.block_on(holder.batch_execute("SELECT pg_advisory_unlock(7)")).expect("the server is there");
    let other = running.remove(1 - closer);
    let frozen = running.remove(0);
    exits(&fleet.end(1 - closer, other), 1);
    frozen.signal("CONT");
    let woken = fleet.end(closer, frozen);
    exits(&woken, 4);
    assert!(woken.stderr.contains("another host has closed it, with exit code 1"), "{}", woken.stderr);
    assert!(!woken.stdout.contains("files: "), "{}", woken.stdout);
    assert_eq!(fleet.reports().into_values().collect::<Vec<_>>(), [[1 - closer]]);
    fleet.sql("DROP TRIGGER wait ON joint_run");
    assert_eq!(fleet.complaints(), [""; 0]);
}

#[test]
fn a_report_that_had_not_found_its_place_finds_it_with_the_next_run() {
    let Some(server) = Server::shared("a report without a place") else { return };
    let mut fleet = Fleet::new(server, 1, "refund", 3, ("", STEADY));
    exits(&fleet.run(0), 1);
    let [run] = &fleet.hosts[0].folder.runs("trial")[..] else { panic!("one run") };
    let reports = fleet.hosts[0].folder.path("out/trial");
    let runner = fleet.sql("SELECT closer FROM joint_run");
    let waiting = |runner: &str| reports.join(format!(".{runner}.{run}.closing"));
    // As if it had been killed between the end of the run and the last rename; and as if another one had been frozen there.
    std::fs::rename(reports.join(run), waiting(&runner)).expect("it is there");
    std::fs::create_dir(waiting("999")).expect("a folder");
    let next = fleet.run(0);
    assert!(next.stderr.contains(&format!("the report of run {run} had not found its place yet")), "{}", next.stderr);
    let found = fleet.hosts[0].folder.runs("trial");
    assert!(found.len() == 2 && found.contains(run), "{found:?}");
    assert!(reports.join(run).join("summary.json").exists());
}

#[test]
fn a_report_whose_place_is_taken_ends_with_4_and_waits_beside_it() {
    let Some(server) = Server::shared("a report whose place is taken") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 1, 3, ("", STEADY));
    let running = fleet.start(0);
    until("the run has begun", || !door.arrived().is_empty());
    let run = fleet.sql("SELECT name FROM run");
    let in_the_way = format!("out/trial/{run}/somebody's.txt");
    fleet.hosts[0].folder.write(&in_the_way, "");
    door.open();
    let ended = fleet.end(0, running);
    exits(&ended, 4);
    assert!(ended.stderr.contains("Directory not empty"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("the files wait in out/trial/.1.{run}.closing: ")), "{}", ended.stderr);
    assert!(!ended.stdout.contains("files: "), "{}", ended.stdout);
    assert_eq!(fleet.complaints(), [""; 0]);
    std::fs::remove_file(fleet.hosts[0].folder.path(&in_the_way)).expect("it is there");
    let next = fleet.run(0);
    exits(&next, 1);
    assert!(next.stderr.contains(&format!("the report of run {run} had not found its place yet")), "{}", next.stderr);
    assert_eq!(fleet.hosts[0].folder.results("trial").len(), 3);
}

#[test]
fn whoever_cannot_write_the_report_tells_the_others_so() {
    let Some(server) = Server::shared("a report that cannot be written") else { return };
    let (mut fleet, door) = Fleet::behind_a_door(server, 2, 30, ("", STEADY));
    fleet.hosts.iter().for_each(|host| host.folder.write("out", "a file in the way"));
    let running = fleet.start_all();
    door.open();
    let ended: Vec<Ended> = running.into_iter().enumerate().map(|(host, running)| fleet.end(host, running)).collect();
    ended.iter().for_each(|ended| exits(ended, 4));
    let told = ended.iter().filter(|ended| {
        ended.stdout.contains("could not write the files\n  run the job again (rekon run job.yaml --journal ")
    });
    assert_eq!(told.count(), 1, "{ended:?}");
    assert_eq!(fleet.complaints(), [""; 0]);
}

#[test]
fn a_host_that_loses_its_journal_with_an_order_in_doubt_says_so_and_the_run_shows_why_it_was_left() {
    let Some(server) = Server::own("a journal that is lost for good") else { return };
    let faults = "  - {operation: refund, invoice_number: INV-3, times: 9, fault: reset_after}\n";
    let keys =
        STEADY.replace("20/s", "5/s").replace("10ms..50ms", "60s..120s").replace("settle_for: 20s", "settle_for: 5m");
    let mut fleet = Fleet::new(&server, 1, "refund", 200, (faults, &keys));
    fleet.lease(SOON);
    let running = fleet.start(0);
    let has_doubt = "SELECT count(*) FROM item WHERE state = 'unknown'";
    until("an order is in doubt", || fleet.has_tables() && fleet.sql(has_doubt) != "0");
    // The program has heard of its commit by the time the next order is begun.
    let begun = "SELECT count(*) FROM attempt";
    let before = fleet.sql(begun);
    until("others are begun behind it", || fleet.sql(begun) != before);
    let run = fleet.sql("SELECT name FROM run");
    server.stop_at_once();
    let left = fleet.end_without_a_server(running);
    exits(&left, 3);
    assert!(left.stderr.contains("MONEY IN DOUBT: "), "{}", left.stderr);
    assert!(left.stderr.contains("it settles them with the same key and never sends twice"), "{}", left.stderr);
    assert!(left.stderr.contains("never sends twice: rekon run job.yaml --journal "), "{}", left.stderr);
    server.start_again();
    let url = fleet.hosts[0].url(&fleet.database);
    let shown = fleet.hosts[0].folder.rekon(&["show", &run, "--job", "job.yaml", "--journal", &url]);
    assert!(shown.stdout.contains("stopped part-way: the shared journal is out of reach: "), "{shown:?}");
}

/// One round: hosts that start at about the same time, and things that happen to them and to the server, which other rounds use
/// too. What was wrong in the end.
fn round(server: &Server, seed: u64) -> Vec<String> {
    let mut seeded = Seeded::new(seed);
    let operation = *seeded.one_of(&crate::trial::OPERATIONS);
    let hosts = if seeded.below(2) == 0 { 2 } else { 3 };
    let faults = faults(&mut seeded, operation, 2, 12);
    let keys = QUICK.replace("rate: unlimited", "rate: 40/s, burst: 4");
    let mut fleet = Fleet::new(server, hosts, operation, 12, (&faults, &keys));
    fleet.lease(SHORT);
    let mut running: Vec<Option<Background>> = (0..hosts).map(|host| Some(fleet.start(host))).collect();
    for _ in 0..=seeded.below(3) {
        pause(100 + seeded.below(500));
        let host = usize::try_from(seeded.below(hosts as u64)).expect("a small number");
        match seeded.below(5) {
            0 => {
                if let Some(mut killed) = running[host].take() {
                    if killed.has_ended() {
                        fleet.end(host, killed);
                    } else {
                        killed.signal("KILL");
                        killed.end();
                    }
                }
            }
            1 => {
                if let Some(frozen) = running[host].as_mut()
                    && !frozen.has_ended()
                {
                    frozen.signal("STOP");
                    pause(u64::try_from(FROZEN.as_millis()).expect("a small number"));
                    frozen.signal("CONT");
                }
            }
            2 => fleet.hosts[host].line.cut(),
            3 => {
                let _calm = RESTARTING.write().unwrap_or_else(PoisonError::into_inner);
                server.restart_at_once();
            }
            _ => {
                if running[host].is_none() {
                    running[host] = Some(fleet.start(host));
                }
            }
        }
    }
    for (host, running) in running.into_iter().enumerate() {
        if let Some(running) = running {
            fleet.end(host, running);
        }
    }
    fleet.settle();
    let complaints = fleet.complaints();
    // The server looks at every file when it starts after a crash.
    let _calm = RESTARTING.read().unwrap_or_else(PoisonError::into_inner);
    server.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", fleet.database.name));
    complaints
}

/// Plays rounds, several at a time: they wait more than they work.
fn rounds(count: u64, play: impl Fn(u64) -> Vec<String> + Sync) -> String {
    let (next, told) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                break;
            }
            for wrong in play(seed) {
                told.lock().expect("nobody panics with it").push(format!("seed {seed}: {wrong}"));
            }
        }
    };
    std::thread::scope(|scope| (0..5).for_each(|_| drop(scope.spawn(work))));
    told.into_inner().expect("nobody panics with it").join("\n")
}

#[test]
fn hosts_that_are_killed_frozen_and_cut_off_do_nothing_twice_and_lose_nothing() {
    let Some(server) = Server::own("hosts that are killed, frozen and cut off") else { return };
    let first = asked_for("REKON_FLEET_SEED", 0);
    let told = rounds(asked_for("REKON_FLEETS", 45), |seed| round(&server, first + seed));
    assert!(told.is_empty(), "{told}");
}

#[test]
fn a_server_that_is_restarted_in_the_middle_stops_nobody_for_good() {
    let Some(server) = Server::own("a server that is restarted") else { return };
    for seed in 0..asked_for("REKON_FLEETS", 45).div_ceil(9) {
        let mut seeded = Seeded::new(1000 + seed);
        let faults = faults(&mut seeded, "refund", 2, 16);
        let keys = QUICK.replace("rate: unlimited", "rate: 20/s, burst: 2");
        let mut fleet = Fleet::new(&server, 3, "refund", 16, (&faults, &keys));
        let running: Vec<Background> = (0..3).map(|host| fleet.start(host)).collect();
        until("somebody is at work", || fleet.provider.requests() > 0);
        pause(seeded.below(300));
        server.restart_at_once();
        for (host, running) in running.into_iter().enumerate() {
            fleet.end(host, running);
        }
        fleet.settle();
        assert_eq!(fleet.complaints(), [""; 0], "seed {seed}");
    }
}
