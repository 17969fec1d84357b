//! Several hosts that keep one pace, against one host that keeps the same: by what a provider lets pass.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::*;
use crate::journal::lane::{FULL, LOWEST, Lane, Lanes, ONE_FALL, Reserved, STEP, Wanted, per_step};
use crate::journal::{Account, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::ClientId;
use crate::model::operation::Operation;
use crate::runner::pace::share::{Place, Purpose, Share};
use crate::runner::pace::turn;

/// Calls under way of a host, at most.
const CONCURRENCY: usize = 64;
const WAY_AND_BACK: Duration = Duration::from_millis(80);
/// The way to the server of the lane and back.
const ANSWERED_IN: Duration = Duration::from_millis(2);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The lane as a server keeps it: what `journal::postgres::limiter` says in SQL.
#[derive(Default)]
struct Server(Mutex<Row>);

struct Row {
    full_until: Duration,
    share: u32,
    well: u32,
    falls_from: Duration,
}

impl Default for Row {
    fn default() -> Self {
        Self { full_until: Duration::ZERO, share: FULL, well: 0, falls_from: Duration::ZERO }
    }
}

impl Row {
    fn reserve(&mut self, lane: &Lane, wanted: Wanted) -> Reserved {
        let now = SystemClock.monotonic();
        if self.full_until > now + lane.ahead {
            return Reserved::Later(self.full_until.saturating_sub(now + lane.ahead));
        }
        let a_step = per_step(u32::try_from(SECOND.as_micros() / lane.spacing.as_micros()).unwrap());
        let well = self.well + wanted.well;
        (self.share, self.well) = ((self.share + STEP * (well / a_step)).min(FULL), well % a_step);
        let spacing = lane.spacing * FULL / self.share;
        let first = self.full_until.max(now);
        self.full_until = first + spacing * wanted.places;
        Reserved::Places { first_in: first.saturating_sub(now), spacing }
    }
}

impl Lanes for Server {
    async fn reserve(&self, lane: &Lane, wanted: Wanted) -> Result<Reserved, JournalError> {
        let reserved = self.0.lock().unwrap().reserve(lane, wanted);
        SystemClock.sleep(ANSWERED_IN).await;
        Ok(reserved)
    }

    async fn hold(&self, _: &Lane, wait: Duration) -> Result<(), JournalError> {
        let (now, mut row) = (SystemClock.monotonic(), self.0.lock().unwrap());
        row.full_until = row.full_until.max(now + wait);
        if row.falls_from <= now {
            (row.share, row.well) = ((row.share / 2).max(LOWEST), 0);
        }
        row.falls_from = row.falls_from.max(now + wait.max(ONE_FALL));
        Ok(())
    }
}

/// The journal of a host that is alone.
struct Alone;

impl Lanes for Alone {
    async fn reserve(&self, _: &Lane, _: Wanted) -> Result<Reserved, JournalError> {
        Ok(Reserved::Alone)
    }

    async fn hold(&self, _: &Lane, _: Duration) -> Result<(), JournalError> {
        Ok(())
    }
}

/// How many calls pass in any second, at this time.
type Passes = fn(Duration) -> usize;

/// A provider that lets no more calls pass.
struct Provider {
    passes: Passes,
    began: Duration,
    arrived: Vec<Duration>,
    last: VecDeque<Duration>,
    good: usize,
}

impl Provider {
    /// Whether a call passes.
    fn answer(&mut self) -> bool {
        let now = SystemClock.monotonic().saturating_sub(self.began);
        self.arrived.push(now);
        while self.last.front().is_some_and(|passed| *passed + SECOND <= now) {
            self.last.pop_front();
        }
        let passes = self.last.len() < (self.passes)(now);
        if passes {
            self.last.push_back(now);
            self.good += 1;
        }
        passes
    }
}

/// One host with as much to send as may leave, for so long.
async fn host<L: Lanes>(lanes: Arc<L>, limits: Limits, provider: Arc<Mutex<Provider>>, time: Duration) {
    let account = Account {
        environment: Environment::Simulator,
        client_id: ClientId::new("MCH-1").unwrap(),
        operation: Operation::Refund,
    };
    let share = Arc::new(Share::new(lanes, &account, &limits, SystemClock).unwrap());
    let mut pacer = Pacer::new(&limits, SystemClock);
    let mut under_way = JoinSet::new();
    let until = SystemClock.monotonic() + time;
    while SystemClock.monotonic() < until {
        tokio::select! {
            biased;
            Some(passed) = under_way.join_next(), if !under_way.is_empty() => {
                if passed.unwrap() {
                    pacer.climb();
                    share.climb();
                } else {
                    pacer.hold(RETRY_AFTER);
                }
            }
            granted = turn(Some(&*share), &mut pacer, &SystemClock, SECOND), if under_way.len() < CONCURRENCY => {
                if granted.unwrap() == Granted::Now {
                    let (share, provider) = (Arc::clone(&share), Arc::clone(&provider));
                    under_way.spawn(async move {
                        assert_eq!(share.take(Purpose::Request).await.unwrap(), Place::Taken);
                        let passed = provider.lock().unwrap().answer();
                        SystemClock.sleep(WAY_AND_BACK).await;
                        if !passed {
                            share.hold(RETRY_AFTER).await;
                        }
                        passed
                    });
                }
            }
        }
    }
}

/// What the provider has seen of so many hosts at this rate.
async fn seen<L: Lanes>(lanes: L, hosts: usize, rate: u32, passes: Passes, time: Duration) -> Provider {
    let began = SystemClock.monotonic();
    let provider = Provider { passes, began, arrived: Vec::new(), last: VecDeque::new(), good: 0 };
    let (lanes, provider) = (Arc::new(lanes), Arc::new(Mutex::new(provider)));
    let mut running = JoinSet::new();
    for _ in 0..hosts {
        running.spawn(host(Arc::clone(&lanes), limits(&[(rate, 1)], 1), Arc::clone(&provider), time));
    }
    running.join_all().await;
    Arc::into_inner(provider).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_lowered_falls_and_climbs_for_three_hosts_as_for_one() {
    let busy_at_first = |now: Duration| if now < Duration::from_secs(30) { 2 } else { usize::MAX };
    let cases: [(&str, u32, Passes); 4] = [
        ("a provider with half of the rate", 20, |_| 10),
        ("a provider with a tenth of the rate", 20, |_| 2),
        ("a provider that is busy at first", 20, busy_at_first),
        ("the same, and fast", 100, busy_at_first),
    ];
    let time = Duration::from_secs(150);
    for (case, rate, passes) in cases {
        let one = seen(Alone, 1, rate, passes, time).await;
        for hosts in [1, 3] {
            let together = seen(Server::default(), hosts, rate, passes, time).await;
            let of_one = together.good * 100 / one.good;
            assert!((93..=108).contains(&of_one), "{case}: {hosts} in a lane get {of_one} % of what one gets");
            let most = most_within(&together.arrived, SECOND);
            assert!(most <= rate as usize + 1, "{case}: {most} calls of {hosts} in a second");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_lane_the_lowered_rate_is_that_of_all() {
    let mut pacer = Pacer::new(&limits(&[(10, 1)], 1), SystemClock);
    pacer.hold(Duration::ZERO);
    assert_eq!(pacer.seen().lowest_share, Some(500));
    pacer.follow(FULL);
    pacer.hold(SECOND);
    assert_eq!(pacer.seen().lowest_share, None, "what was known before the lane was is no more in force");
    let times = paced(&mut pacer, 21, |_| Duration::ZERO).await;
    assert!(times[0] >= SECOND && times[20] <= Duration::from_millis(3050), "{times:?}");
    [250, 500, FULL].into_iter().for_each(|in_force| pacer.follow(in_force));
    assert_eq!(pacer.seen().lowest_share, Some(250));
}

#[tokio::test(start_paused = true)]
async fn no_places_are_lost_to_calls_that_come_back_while_more_are_asked_for() {
    for (rate, hosts) in [(100, 1), (100, 3), (400, 1), (400, 3)] {
        let time = Duration::from_secs(20);
        let one = seen(Alone, 1, rate, |_| usize::MAX, time).await;
        let together = seen(Server::default(), hosts, rate, |_| usize::MAX, time).await;
        assert!(together.good * 100 >= one.good * 99, "{rate}/s: {} of {} by {hosts}", together.good, one.good);
        let most = most_within(&together.arrived, SECOND);
        assert!(most <= rate as usize + 1, "{rate}/s: {most} calls of {hosts} in a second");
    }
}
