//! A wait that the provider asks for, told to everybody who makes calls for the same merchant, before anything else leaves.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rekon::doku::exchange::{Answer, Exchange, Request};
use rekon::edge::clock::SystemClock;
use rekon::job::settings::{Limits, Quota};
use rekon::journal::lane::{Lane, Reserved, Wanted};
use rekon::journal::postgres::address::Address;
use rekon::journal::store::{Location, Store};
use rekon::journal::{Account, Journal as _};
use rekon::model::environment::Environment;
use rekon::model::ids::ClientId;
use rekon::model::operation::Operation;
use rekon::runner::clock::RunClock;
use rekon::runner::gateway::Gateway;
use rekon::runner::pace::gate::LaneGate;
use rekon::runner::pace::share::{Open, Place, Purpose, Share};
use tempfile::TempDir;

use crate::postgres::{Database, Server};

const SECOND: Duration = Duration::from_secs(1);

/// A provider that is busy for ten minutes.
#[derive(Clone)]
struct Busy;

impl Gateway for Busy {
    async fn exchange(&self, _: Request) -> Exchange {
        let headers = vec![("retry-after".to_owned(), "600".to_owned())];
        Exchange::Answered(Answer { status: 503, headers, body: Vec::new() })
    }
}

fn account() -> Account {
    let client_id = ClientId::new("MCH-1").expect("an id");
    Account { environment: Environment::Simulator, client_id, operation: Operation::Refund }
}

async fn open(database: &Database<'_>, folder: &TempDir) -> Arc<Store> {
    let url = format!("{}?lease=8s", database.url());
    let address = Address::parse(&url, Path::new("/"), &|_| None).expect("a URL");
    let beside = folder.path().to_owned();
    Arc::new(Store::open(&Location::Server { address: Box::new(address), beside }).await.expect("a journal"))
}

/// A share that takes some twenty places at once, of which each may be used for half a minute.
fn share(journal: &Arc<Store>) -> Arc<Share<Store, SystemClock>> {
    let [rate, burst] = [100, 4000].map(|calls| NonZeroU32::new(calls).expect("some"));
    let limits = Limits { rate: vec![Quota { calls: rate, per: SECOND }], burst, ..Limits::default() };
    Arc::new(Share::new(Arc::clone(journal), &account(), &limits, SystemClock).expect("the limits have a rate"))
}

fn request() -> Request {
    Request { target: String::new(), headers: Default::default(), body: None, safe_until: None }
}

#[tokio::test]
async fn a_wait_is_told_to_all_before_the_answer_that_asked_for_it_is_handed_on() {
    let Some(server) = Server::shared("a wait for all hosts") else { return };
    let (database, folder) = (server.database(), tempfile::tempdir().expect("a folder"));
    let (ours, theirs) = (open(&database, &folder).await, open(&database, &folder).await);
    let share = share(&ours);
    let clock = RunClock::begin(SystemClock);
    let gate = LaneGate::before(
        Busy,
        Arc::clone(&ours),
        Some(Arc::clone(&share)),
        clock,
        Duration::from_secs(5),
        Arc::default(),
        None,
    );
    assert!(matches!(gate.exchange(request()).await, Exchange::Answered(_)));
    let Account { environment, client_id, .. } = account();
    let lane = Lane { environment, client_id, spacing: SECOND, ahead: SECOND };
    let Reserved::Later(wait) =
        theirs.reserve(&lane, Wanted { places: 1, well: 0 }).await.expect("the server is there")
    else {
        panic!("the other host has a place");
    };
    assert!(wait > Duration::from_secs(500), "{wait:?}");
    // Of the places that it had, it uses none either: within a second the times of all of them come.
    tokio::time::pause();
    assert!(
        tokio::time::timeout(SECOND, share.take(Purpose::Request)).await.is_err(),
        "it waits for as long as the others"
    );
}

#[tokio::test]
async fn whoever_cannot_tell_the_others_to_wait_sends_nothing_more() {
    let Some(server) = Server::own("a wait that cannot be told") else { return };
    let (database, folder) = (server.database(), tempfile::tempdir().expect("a folder"));
    let journal = open(&database, &folder).await;
    let share = share(&journal);
    share.take(Purpose::Request).await.expect("the first place is free");
    server.stop_at_once();
    share.hold(Duration::from_millis(1)).await;
    assert!(!journal.may_send(), "it was tried for as long as something might have left");
    server.start_again();
    assert!(share.take(Purpose::Request).await.is_err(), "though the journal is back, and the wait is over");
}

#[tokio::test]
async fn whoever_waits_for_a_place_waits_no_longer_once_nothing_may_leave() {
    let folder = TempDir::new().expect("a folder");
    let journal = Store::open(&Location::File(folder.path().join("journal.db"))).await.expect("a journal");
    let share = share(&Arc::new(journal));
    share.hold(Duration::from_secs(600)).await;
    let waits = async |call| {
        tokio::select! {
            biased;
            place = share.take(call) => panic!("{place:?}"),
            () = tokio::task::yield_now() => {}
        }
    };
    waits(Purpose::Request).await;
    share.keep(Open::ForInquiries);
    assert_eq!(share.take(Purpose::Request).await.expect("nothing fails"), Place::Closed);
    waits(Purpose::Inquiry).await;
    let (place, ()) = tokio::join!(share.take(Purpose::Inquiry), async { share.keep(Open::ForNone) });
    assert_eq!(place.expect("nothing fails"), Place::Closed, "even while it waits");
}
