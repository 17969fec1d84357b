//! The pace of several runs together, counted where it matters: at the provider.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rekon::model::time::{Timestamp, elapsed};

use crate::process::{Folder, Provider, now, unless_the_machine_stood_still, until};
use crate::wire::{carry, read_body, read_head};

/// Stands before the provider and notes when requests arrive. The first `turned_away` of them do not reach it.
pub(crate) struct Door {
    pub(crate) url: String,
    arrived: Arc<Mutex<Vec<Timestamp>>>,
    latch: Arc<Latch>,
}

/// Keeps requests waiting that hold some text; `None`: it keeps nobody.
#[derive(Default)]
struct Latch {
    held: Mutex<Option<&'static str>>,
    changed: Condvar,
}

impl Latch {
    fn set(&self, held: Option<&'static str>) {
        *self.held.lock().expect("nobody panics with it") = held;
        self.changed.notify_all();
    }

    fn pass(&self, request: &[u8]) {
        let request = String::from_utf8_lossy(request);
        let is_held = |held: &mut Option<&str>| held.is_some_and(|text| request.contains(text));
        let held = self.held.lock().expect("nobody panics with it");
        drop(self.changed.wait_while(held, is_held).expect("nobody panics with it"));
    }
}

impl Door {
    pub(crate) fn before(provider: &Provider, turned_away: usize, with: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let provider = provider.url().strip_prefix("http://").expect("an address").to_owned();
        let arrived: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
        let (noted, latch) = (Arc::clone(&arrived), Arc::new(Latch::default()));
        let passed = Arc::clone(&latch);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (provider, noted, latch) = (provider.clone(), Arc::clone(&noted), Arc::clone(&passed));
                std::thread::spawn(move || serve(stream, &provider, (&noted, &latch), turned_away, with));
            }
        });
        Self { url, arrived, latch }
    }

    /// From now on all requests wait here until it is opened, or they are given up.
    pub(crate) fn hold(&self) {
        self.hold_only("");
    }

    /// The same for those that hold this text; the others pass.
    pub(crate) fn hold_only(&self, text: &'static str) {
        self.latch.set(Some(text));
    }

    /// Lets all pass.
    pub(crate) fn open(&self) {
        self.latch.set(None);
    }

    pub(crate) fn arrived(&self) -> Vec<Timestamp> {
        self.arrived.lock().expect("nobody panics with it").clone()
    }

    /// Says so if more requests arrived in any one second than are allowed.
    pub(crate) fn within(&self, allowed: usize, why: &str) -> Result<(), String> {
        let mut arrived = self.arrived();
        arrived.sort_unstable();
        let second = Duration::from_secs(1);
        let in_one = |first: &Timestamp| {
            arrived.iter().filter(|time| *time >= first && elapsed(*first, **time) < second).count()
        };
        let most = arrived.iter().map(in_one).max().unwrap_or_default();
        if most <= allowed { Ok(()) } else { Err(format!("{most} in a second, {why}: {arrived:?}")) }
    }
}

fn serve(
    mut stream: TcpStream,
    provider: &str,
    (noted, latch): (&Mutex<Vec<Timestamp>>, &Latch),
    turned_away: usize,
    with: &str,
) -> Option<()> {
    use std::io::Write as _;
    loop {
        let mut message = read_head(&mut stream)?;
        let number = {
            let mut noted = noted.lock().expect("nobody panics with it");
            noted.push(now());
            noted.len()
        };
        read_body(&mut stream, &mut message)?;
        latch.pass(&message);
        if number <= turned_away {
            stream.write_all(with.as_bytes()).ok()?;
        } else {
            stream.write_all(&carry(provider, &message)?).ok()?;
        }
    }
}

/// Ten paid orders, and two jobs that share a journal: one refunds the first half, the other cancels the second.
fn two_jobs(folder: &Folder, door: &Door, limits: &str) {
    for (job, operation, numbers) in [("first", "refund", 1..=5), ("second", "cancel", 6..=10)] {
        let rows = numbers.map(|number| format!("INV-{number},10000,100{number},MCH-{number}\n"));
        let orders = format!("invoice_number,amount,order_id,akulaku_reference\n{}", rows.collect::<String>());
        folder.write(&format!("{job}.csv"), &orders);
        folder.write(
            &format!("{job}.yaml"),
            &format!(
                "job: {job}\noperation: {operation}\n\
                 merchant: {{environment: simulator, base_url: \"{}\"}}\norders: {{file: {job}.csv}}\n\
                 limits: {limits}\nguards: {{max_orders: 10, max_total: 10000000}}\n",
                door.url
            ),
        );
    }
}

fn provider() -> Provider {
    let order = |number: u32| {
        let status = if number <= 5 { "paid" } else { "pending" };
        format!(
            "  - {{invoice_number: INV-{number}, amount: 10000, status: {status}, order_id: 100{number}, \
             akulaku_reference: MCH-{number}}}\n"
        )
    };
    Provider::start(&format!("orders:\n{}", (1..=10).map(order).collect::<String>()))
}

#[test]
fn two_runs_one_after_the_other_stay_within_the_rate_together() {
    unless_the_machine_stood_still(|| {
        let (folder, provider) = (Folder::new(), provider());
        let door = Door::before(&provider, 0, "");
        two_jobs(&folder, &door, "{rate: 2/s, burst: 5, concurrency: 5}");
        for job in ["first.yaml", "second.yaml"] {
            let ended = folder.rekon(&["run", job]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        assert_eq!(door.arrived().len(), 10);
        door.within(7, "2 and a burst of 5 are allowed")
    });
}

#[test]
fn a_run_that_is_killed_again_and_again_stays_within_the_rate() {
    unless_the_machine_stood_still(|| {
        let (folder, provider) = (Folder::new(), provider());
        let door = Door::before(&provider, 0, "");
        two_jobs(&folder, &door, "{rate: 2/s, burst: 3, concurrency: 1}");
        let mut kills = 0;
        while door.arrived().len() < 5 {
            let (arrived, mut run) = (door.arrived().len(), folder.start(&["run", "first.yaml"]));
            until("another request has arrived", || door.arrived().len() > arrived || run.has_ended());
            drop(run);
            kills += 1;
        }
        assert_eq!(folder.rekon(&["run", "first.yaml"]).code, Some(0));
        if kills < 2 {
            return Err(format!("{kills} kills"));
        }
        door.within(5, "2 and a burst of 3 are allowed")
    });
}

#[test]
fn a_wait_that_was_asked_for_outlives_the_program() {
    let (folder, provider) = (Folder::new(), provider());
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
    let door = Door::before(&provider, 1, busy);
    two_jobs(&folder, &door, "{rate: 50/s, burst: 1, concurrency: 1}");
    let journal = folder.path(".rekon/journal.db");
    let run = folder.start(&["run", "first.yaml"]);
    // Its answer is recorded.
    until("the wait is in the journal", || {
        let Ok(journal) = rusqlite::Connection::open(&journal) else { return false };
        let ended = "SELECT count(*) FROM attempt WHERE ended_at IS NOT NULL";
        journal.query_row(ended, [], |row| row.get::<_, i64>(0)).is_ok_and(|ended| ended == 1)
    });
    drop(run);
    let ended = folder.rekon(&["run", "second.yaml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let arrived = door.arrived();
    let wait = elapsed(arrived[0], arrived[1]);
    assert!(wait >= Duration::from_secs(3) && wait < Duration::from_secs(100), "{wait:?}");
    assert_eq!(folder.summary("second")["limits"]["lowest"], "25/s", "and so does the lower rate");
}

#[test]
fn what_was_seen_of_the_limits_is_in_the_summary() {
    let (folder, provider) = (Folder::new(), provider());
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let door = Door::before(&provider, 1, busy);
    two_jobs(&folder, &door, "{rate: [50/s, 900/m], burst: 1, concurrency: 1}");
    let ended = folder.rekon(&["run", "first.yaml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = "pace: 6 requests, 503 1 x, longest Retry-After 1 s, lowest rate 450/m";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    let mut limits = folder.summary("first")["limits"].clone();
    assert!(limits["achieved"].take().as_str().is_some_and(|rate| rate.ends_with("/s")), "{limits}");
    let expected = serde_json::json!({
        "allowed": ["50/s", "900/m"], "requests": 6, "achieved": null, "too_many_requests": 0, "unavailable": 1,
        "longest_retry_after_seconds": 1, "lowest": "450/m",
    });
    assert_eq!(limits, expected);
}

#[test]
fn after_a_breaker_the_next_run_makes_a_single_call_and_stops_again() {
    let (folder, provider) = (Folder::new(), provider());
    let broken = "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n";
    let door = Door::before(&provider, 4, broken);
    two_jobs(&folder, &door, "{rate: 50/s, burst: 1, concurrency: 1}");
    for job in ["first", "second"] {
        let text = folder.read(&format!("{job}.yaml"));
        folder.write(&format!("{job}.yaml"), &format!("{text}breaker: {{consecutive: 3}}\n"));
    }
    for requests in [3, 4] {
        let ended = folder.rekon(&["run", if requests == 3 { "first.yaml" } else { "second.yaml" }]);
        assert_eq!((ended.code, door.arrived().len()), (Some(3), requests), "{ended:?}");
    }
    let stopped = folder.summary("second")["stopped"].to_string();
    assert!(stopped.contains("the first call of this one brought no proof either"), "{stopped}");
    let ended = folder.rekon(&["run", "second.yaml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_canary_that_is_refused_keeps_all_others_from_being_sent() {
    let (folder, provider) = (Folder::new(), provider());
    let door = Door::before(&provider, 0, "");
    two_jobs(&folder, &door, "{rate: 50/s, burst: 1, concurrency: 4}");
    // The provider knows no order of this number.
    folder.write("first.csv", &folder.read("first.csv").replace("INV-2,", "INV-2222,"));
    let text = folder.read("first.yaml");
    folder.write("first.yaml", &format!("{text}canary: 2\n"));
    let ended = folder.rekon(&["run", "first.yaml"]);
    assert_eq!((ended.code, door.arrived().len()), (Some(4), 2), "{ended:?}");
    let states = crate::process::column(&folder.results("first"), "rekon_state");
    assert_eq!(states, ["succeeded", "refused", "not_attempted", "not_attempted", "not_attempted"]);
    assert!(ended.stdout.contains("a canary (INV-2222) was refused"), "{}", ended.stdout);
}
