//! What a run proves first, when it stops for the provider's sake, and how the next one goes on.

use std::collections::HashSet;

use super::*;
use crate::journal::joint::{Health, Heard, Work};
use crate::journal::past::Past;
use crate::journal::record::ItemId;
use crate::runner::pace::Pacer;
use crate::runner::probe::Died;
use crate::runner::progress::Event;

impl World {
    /// A world without a rate and with the breaker of the defaults.
    pub(super) fn at_ease() -> Self {
        let mut world = Self::new();
        world.rules.limits.rate.clear();
        world.rules.breaker = Breaker::default();
        world
    }

    pub(super) async fn past(&self) -> Past {
        let none = RunId::new("20261122-000000-9999").unwrap();
        let reach = Pacer::<VirtualClock>::memory(&self.rules.limits);
        self.journal.past(&Self::account(), &none, reach, self.clock.now()).await.unwrap()
    }

    /// One run that goes on from what the journal knows of the ones before.
    pub(super) async fn next_run(&self, orders: impl IntoIterator<Item = usize>, script: &[Reply]) -> Option<Stop> {
        let past = self.past().await;
        self.dispatch(orders, script).await.after(past).run(self.interrupt.subscribe()).await
    }

    pub(super) fn invoices_sent(&self) -> Vec<String> {
        let sends = self.sends().into_iter();
        sends.map(|sent| text_at(sent.body.as_ref().unwrap(), "/order/invoice_number")).collect()
    }
}

#[tokio::test]
async fn canaries_are_proved_before_anything_else_is_sent() {
    let mut world = World::at_ease();
    world.rules.canaries = 2;
    world.rules.limits.concurrency = NonZeroU32::new(4).unwrap();
    assert!(world.run(1..=6, &[Reply::TimeOut, Reply::Refunded(200), Reply::Refunded(409)]).await.is_none());
    assert_eq!(world.invoices_sent()[..3], ["INV-1", "INV-2", "INV-1"]);
    assert_eq!(world.sends().len(), 7);
    assert!(world.sends()[3].at >= Duration::from_secs(5));
}

#[tokio::test]
async fn a_canary_that_is_refused_or_not_proved_stops_the_run() {
    let silence = [Reply::TimeOut; 20];
    let throttled = [Reply::Status(429); 20];
    let inquired = [[Reply::TimeOut; 6].as_slice(), &[Reply::StatusSays("SUCCESS")]].concat();
    let cases = [
        ([Reply::Refunded(200), Reply::Status(404)].as_slice(), Died::Refused, State::Refused, 2),
        (&[[Reply::Refunded(200)].as_slice(), &silence].concat(), Died::Unproved, State::Unknown, 7),
        (&[[Reply::Refunded(200)].as_slice(), &throttled].concat(), Died::Unproved, State::Planned, 7),
        (&[[Reply::Refunded(200)].as_slice(), &inquired].concat(), Died::Unproved, State::Unknown, 7),
    ];
    for (script, died, state, sends) in cases {
        let mut world = World::at_ease();
        world.rules.canaries = 2;
        let stop = world.run(1..=6, script).await;
        // A breaker is about a provider, and its tries are those of one order.
        assert!(matches!(stop, Some(Stop::Canary(found, Some(_))) if found == died), "{stop:?}, not {died:?}");
        assert_eq!((world.state(2).await, world.state(3).await), (Some(state), None));
        assert_eq!(world.sends().len(), sends, "{died:?}");
    }
}

#[tokio::test]
async fn after_a_canary_without_proof_the_next_run_asks_about_the_same_one_and_spends_no_other() {
    let mut world = World::at_ease();
    world.rules.canaries = 1;
    let stop = world.next_run(1..=6, &[Reply::TimeOut; 20]).await;
    assert!(matches!(stop, Some(Stop::Canary(Died::Unproved, _))), "{stop:?}");
    assert_eq!(world.past().await.stopped.as_deref(), Some("canary"), "the journal knows");
    world.clock.sleep(Duration::from_secs(60)).await;
    let sends = world.sends().len();
    let stop = world.next_run(2..=6, &[Reply::TimeOut; 20]).await;
    assert!(matches!(stop, Some(Stop::StillIll(_))), "{stop:?}");
    assert_eq!(world.invoices_sent()[sends..], ["INV-1"]);
}

#[tokio::test]
async fn a_job_of_canaries_alone_ends_like_any_other() {
    let mut world = World::at_ease();
    world.rules.canaries = 9;
    assert!(world.run(1..=3, &[]).await.is_none());
    assert_eq!(world.sends().len(), 3);
    let stop = world.run([4], &[Reply::TimeOut; 60]).await;
    assert!(matches!(stop, Some(Stop::Canary(Died::Unproved, _))), "{stop:?}");
}

#[tokio::test]
async fn what_earlier_runs_left_waits_for_the_canaries_too() {
    let mut world = World::at_ease();
    world.rules.retries.settle_for = Duration::ZERO;
    world.run([1], &[Reply::TimeOut]).await;
    world.rules.retries.settle_for = Duration::from_secs(300);
    world.clock.sleep(Duration::from_secs(60)).await;
    world.rules.canaries = 1;
    assert!(matches!(world.run(2..=3, &[Reply::Status(404)]).await, Some(Stop::Canary(..))));
    assert_eq!(world.invoices_sent(), ["INV-1", "INV-2"]);
    assert!(world.run(3..=4, &[]).await.is_none());
    assert_eq!(world.invoices_sent()[2..], ["INV-3", "INV-1", "INV-4"]);
    assert_eq!(world.state(1).await, Some(State::Succeeded));
}

#[tokio::test]
async fn after_a_breaker_the_next_run_begins_with_a_single_call() {
    let world = World::at_ease();
    assert!(matches!(world.next_run(1..=9, &[Reply::NotSent; 20]).await, Some(Stop::Breaker(_))));
    assert_eq!((world.sends().len(), world.past().await.stopped.as_deref()), (5, Some("breaker")));
    for (first, sends) in [(1, 6), (2, 7)] {
        let stop = world.next_run(first..=9, &[Reply::Unsigned(502); 20]).await;
        assert!(matches!(&stop, Some(Stop::StillIll(why)) if why == "breaker"), "{stop:?}");
        assert_eq!(world.sends().len(), sends);
    }
    // The first one is in doubt by now; the plan would leave it to the settling.
    assert!(world.next_run(2..=9, &[Reply::Refunded(200)]).await.is_none());
    assert_eq!(world.past().await.stopped, None, "the provider has proved to be well");
    for number in 1..=9 {
        assert_eq!(world.state(number).await, Some(State::Succeeded), "{number}");
    }
}

#[tokio::test]
async fn a_single_call_that_is_refused_shows_that_the_provider_is_well() {
    let mut world = World::at_ease();
    world.next_run(1..=9, &[Reply::NotSent; 20]).await;
    world.rules.limits.concurrency = NonZeroU32::new(4).unwrap();
    let before = world.sends().len();
    assert!(world.next_run(1..=9, &[Reply::Wait(7), Reply::Status(404)]).await.is_none());
    let sends = &world.sends()[before..];
    assert!(sends[1].at - sends[0].at >= Duration::from_secs(7), "throttled is neither well nor ill");
    assert_eq!(world.state(9).await, Some(State::Succeeded));
}

#[tokio::test]
async fn refused_credentials_are_tried_by_a_single_call_again() {
    let world = World::at_ease();
    world.next_run(1..=9, &[Reply::Unsigned(401)]).await;
    assert_eq!(world.past().await.stopped.as_deref(), Some("gateway"));
    let stop = world.next_run(2..=9, &[Reply::Unsigned(401); 9]).await;
    assert!(matches!(stop, Some(Stop::Halted(Halt::Gateway))), "{stop:?}");
    assert_eq!(world.sends().len(), 2);
}

#[tokio::test]
async fn a_run_that_only_settles_needs_no_single_call() {
    let world = World::at_ease();
    world.next_run(1..=9, &[Reply::TimeOut; 20]).await;
    let sent = world.sends().len();
    assert!(world.next_run([], &[Reply::TimeOut; 4]).await.is_none());
    assert!(world.sends().len() > sent + 4);
}

#[tokio::test]
async fn three_wrong_signatures_in_a_row_stop_the_run() {
    let world = World::at_ease();
    let stop = world.next_run(1..=9, &[Reply::Refunded(200), Reply::Forged, Reply::Forged, Reply::Forged]).await;
    assert!(matches!(stop, Some(Stop::WrongSignatures)), "{stop:?}");
    assert_eq!((world.sends().len(), world.state(4).await), (4, Some(State::Unknown)));
    let stop = world.next_run(5..=9, &[Reply::Forged; 9]).await;
    assert!(matches!(&stop, Some(Stop::StillIll(why)) if why == "signatures"), "{stop:?}");
    assert_eq!(world.sends().len(), 5);
}

#[tokio::test]
async fn a_window_closes_during_a_wait_that_was_asked_for() {
    let mut world = World::at_ease();
    world.rules.window = Some(Window { from: 0, until: 8 * 60 + 1, zone: Zone::UTC });
    let stop = world.run(1..=3, &[Reply::Wait(900)]).await;
    assert!(matches!(stop, Some(Stop::WindowClosed)), "{stop:?}");
    assert_eq!(world.sends().len(), 1);
    assert!(world.clock.monotonic() <= Duration::from_secs(62), "{:?}", world.clock.monotonic());
}

#[tokio::test]
async fn a_window_closes_while_only_an_inquiry_is_waited_for() {
    let mut world = World::at_ease();
    world.rules.retries.attempts = NonZeroU32::new(1).unwrap();
    world.rules.retries.inquire_after = Duration::from_secs(200);
    world.rules.window = Some(Window { from: 0, until: 8 * 60 + 1, zone: Zone::UTC });
    let stop = world.run([1], &[Reply::TimeOut]).await;
    assert!(matches!(stop, Some(Stop::WindowClosed)), "{stop:?}");
    assert_eq!((world.inquiries().len(), world.state(1).await), (0, Some(State::Unknown)));
    assert!(world.clock.monotonic() <= Duration::from_secs(62), "{:?}", world.clock.monotonic());
}

#[tokio::test]
async fn a_wait_beyond_the_time_for_settling_is_left_to_the_next_run_which_keeps_it() {
    let world = World::at_ease();
    assert!(world.run([1], &[Reply::Wait(900)]).await.is_none());
    assert_eq!(world.state(1).await, Some(State::Planned));
    assert!(world.clock.monotonic() <= Duration::from_secs(300), "{:?}", world.clock.monotonic());
    assert!(world.next_run(1..=2, &[]).await.is_none());
    let sends = world.sends();
    assert!(sends.len() == 3 && sends[1].at - sends[0].at >= Duration::from_secs(900), "{sends:?}");
}

#[tokio::test]
async fn while_an_order_is_unknown_the_single_call_is_about_it_and_puts_no_new_money_in_doubt() {
    let world = World::at_ease();
    assert!(matches!(world.next_run(1..=9, &[Reply::TimeOut; 20]).await, Some(Stop::Breaker(_))));
    for sends in 6..=8 {
        let began = world.clock.now();
        let stop = world.next_run(6..=9, &[Reply::TimeOut; 20]).await;
        assert!(matches!(&stop, Some(Stop::StillIll(_))), "{stop:?}");
        assert_eq!((world.sends().len(), world.state(6).await), (sends, None), "a new order was spent");
        assert!(time::elapsed(began, world.clock.now()) <= Duration::from_secs(10), "the backoff is waited for");
    }
    assert!(world.next_run(6..=9, &[]).await.is_none());
    assert_ne!(world.invoices_sent()[8], "INV-6");
    for number in 1..=9 {
        assert_eq!(world.state(number).await, Some(State::Succeeded), "{number}");
    }
}

#[tokio::test]
async fn the_single_call_is_waited_for_no_longer_than_for_any_settling() {
    let mut world = World::at_ease();
    world.next_run(1..=9, &[Reply::TimeOut; 20]).await;
    world.rules.retries.settle_for = Duration::from_secs(1);
    let stop = world.next_run(6..=9, &[]).await;
    assert!(matches!(&stop, Some(Stop::NotYetDue(why)) if why == "breaker"), "{stop:?}");
    assert_eq!((world.sends().len(), world.past().await.stopped.as_deref()), (5, Some("breaker")));
    world.clock.sleep(Duration::from_secs(10)).await;
    assert!(world.next_run(6..=9, &[]).await.is_none());
    assert_eq!(world.state(9).await, Some(State::Succeeded));
}

#[tokio::test]
async fn an_inquiry_can_be_the_single_call_and_is_made_again_if_it_is_throttled() {
    let mut world = World::at_ease();
    world.next_run(1..=9, &[Reply::TimeOut; 5]).await;
    let (sent, asked) = (world.sends().len(), world.inquiries().len());
    // What is older than the horizon is asked about, and not sent again.
    world.rules.retries.horizon = Duration::from_secs(1);
    let stop = world.next_run([7], &[Reply::Wait(9), Reply::TimeOut]).await;
    assert!(matches!(&stop, Some(Stop::StillIll(_))), "{stop:?}");
    assert_eq!((world.sends().len() - sent, world.inquiries().len() - asked), (0, 2));
}

#[tokio::test]
async fn what_is_unknown_comes_before_the_canaries_where_a_single_call_comes_first() {
    let mut world = World::at_ease();
    world.next_run(1..=9, &[Reply::TimeOut; 20]).await;
    world.rules.canaries = 1;
    assert!(world.next_run(6..=9, &[]).await.is_none());
    let sent = world.invoices_sent();
    assert!(sent[5] != "INV-6" && sent[6] == "INV-6", "{sent:?}");
    assert_eq!(world.state(9).await, Some(State::Succeeded));
}

#[tokio::test]
async fn an_ill_provider_never_sees_more_canaries_than_there_are() {
    let mut world = World::at_ease();
    world.rules.canaries = 2;
    for _ in 0..4 {
        world.next_run(1..=9, &[Reply::TimeOut; 40]).await;
    }
    let sent: HashSet<String> = world.invoices_sent().into_iter().collect();
    assert_eq!(sent, ["INV-1", "INV-2"].map(str::to_owned).into());
    assert!(world.next_run(3..=9, &[]).await.is_none());
    assert_eq!(world.state(9).await, Some(State::Succeeded));
}

/// What another host has seen: so many calls that ended badly, up to this entry of the log.
fn ill(calls: usize, heard: i64) -> Work {
    let both = |number| [Heard::Send, Heard::Inquiry].map(|heard| heard(ItemId::numbered(number), Health::Bad));
    Work { elsewhere: (1..=calls).flat_map(both).collect(), heard, ..Work::default() }
}

#[tokio::test]
async fn failures_of_others_that_are_heard_at_once_open_the_breaker_once() {
    let world = World::at_ease();
    let told = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&told);
    world.progress.listen(move |event| {
        counted.fetch_add(u64::from(matches!(event, Event::Breaker(_))), Ordering::SeqCst);
    });
    let mut dispatch = world.dispatch([1], &[]).await;
    dispatch.take_on(ill(0, 1));
    dispatch.take_on(ill(100, 201));
    let stop = dispatch.run(world.interrupt.subscribe()).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert_eq!((world.sends().len(), told.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn calls_that_wait_for_their_places_leave_only_while_the_provider_is_well_enough_for_them() {
    use Place::{Closed, Taken};
    type Kind = fn(ItemId, Health) -> Heard;
    let cases: [(&[Kind], Place, Place); 4] = [
        (&[], Taken, Taken),
        (&[Heard::Inquiry], Taken, Closed),
        (&[Heard::Send], Closed, Taken),
        (&[Heard::Send, Heard::Inquiry], Closed, Closed),
    ];
    for (failing, request, inquiry) in cases {
        let world = World::new();
        let (journal, clock) = (Arc::clone(&world.journal), world.clock.clone());
        let share = Share::new(journal, &World::account(), &world.rules.limits, clock).map(Arc::new);
        let mut dispatch = world.dispatch([], &[]).await.in_lane(share.clone());
        dispatch.take_on(ill(0, 1));
        let fails = |number| failing.iter().map(move |kind| kind(ItemId::numbered(number), Health::Bad));
        dispatch.take_on(Work { elsewhere: (1..=50).flat_map(fails).collect(), heard: 200, ..Work::default() });
        dispatch.run(world.interrupt.subscribe()).await;
        let share = share.expect("the limits have a rate");
        assert_eq!(share.take(Purpose::Request).await.unwrap(), request, "{} kinds of calls fail", failing.len());
        assert_eq!(share.take(Purpose::Inquiry).await.unwrap(), inquiry, "{} kinds of calls fail", failing.len());
    }
}

#[tokio::test]
async fn failures_before_a_host_came_are_not_its_own_to_judge() {
    let mut world = World::at_ease();
    world.rules.retries.attempts = NonZeroU32::MIN;
    let mut dispatch = world.dispatch([1, 2], &[Reply::TimeOut]).await;
    dispatch.take_on(ill(9, 18));
    assert!(dispatch.run(world.interrupt.subscribe()).await.is_none());
    assert_eq!((world.sends().len(), world.state(2).await), (2, Some(State::Succeeded)));
    let arrived = world.arrived.lock().unwrap();
    assert!(arrived.iter().any(|arrived| arrived.body.is_none()), "it asks about the first");
}

#[tokio::test]
async fn the_answer_that_opens_the_breaker_is_the_last_one_even_if_it_is_a_good_one() {
    let mut world = World::new();
    world.rules.limits.rate.clear();
    // The twentieth of which seven are bad: with it there are enough to judge by.
    let script: Vec<Reply> =
        (0..20).map(|number| if number % 3 == 0 { Reply::Unsigned(500) } else { Reply::Refunded(200) }).collect();
    let stop = world.run(1..=40, &script).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert_eq!(world.sends().len(), 20);
}

#[tokio::test]
async fn failures_of_others_are_remembered_when_an_answer_is_written_down() {
    let mut world = World::at_ease();
    world.rules.limits.concurrency = NonZeroU32::MIN;
    let mut dispatch = world.dispatch(101..=140, &[]).await;
    dispatch.take_on(ill(0, 1));
    // Seven of nineteen are bad: our own first answer makes enough to judge by.
    let seen = |number| Heard::Send(ItemId::numbered(number), [Health::Bad, Health::Good, Health::Good][number % 3]);
    dispatch.take_on(Work { elsewhere: (0..19).map(seen).collect(), heard: 20, ..Work::default() });
    let stop = dispatch.run(world.interrupt.subscribe()).await;
    assert!(matches!(stop, Some(Stop::Breaker(_))), "{stop:?}");
    assert_eq!(world.sends().len(), 1);
}

#[tokio::test]
async fn what_the_machine_held_up_until_the_window_had_closed_stays() {
    let mut world = World::at_ease();
    world.rules.window = Some(Window { from: 0, until: 8 * 60 + 1, zone: Zone::UTC });
    // Nobody has closed the places: whoever would have was held up as well.
    world.naps.lock().unwrap().push_back(Duration::from_secs(61));
    let stop = world.run([1], &[]).await;
    assert!(matches!(stop, Some(Stop::WindowClosed)), "{stop:?}");
    assert_eq!((world.sends().len(), world.state(1).await), (0, Some(State::Planned)));
}
