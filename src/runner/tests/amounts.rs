//! Orders of which DOKU's signed answers name other amounts than ours: what keeps whom waiting.

use super::*;

/// What a breaker has left behind that five orders with the wrong amount have opened.
async fn stopped_by_wrong_amounts() -> World {
    let world = World::at_ease();
    assert!(matches!(world.next_run(1..=9, &[Reply::OtherAmount(200); 20]).await, Some(Stop::Breaker(_))));
    assert_eq!(world.item(1).await.unwrap().other_amount(), Some(Rupiah::new(101_000)));
    world.clock.sleep(Duration::from_secs(60)).await;
    world
}

#[tokio::test]
async fn the_single_call_is_about_the_order_that_was_left_alone_for_longest() {
    let world = World::at_ease();
    world.next_run(1..=9, &[Reply::TimeOut; 20]).await;
    for _ in 0..6 {
        world.clock.sleep(Duration::from_secs(60)).await;
        let stop = world.next_run(6..=9, &[Reply::TimeOut]).await;
        assert!(matches!(stop, Some(Stop::StillIll(_))), "{stop:?}");
    }
    assert_eq!(world.invoices_sent()[5..], ["INV-1", "INV-2", "INV-3", "INV-4", "INV-5", "INV-1"]);
}

#[tokio::test]
async fn orders_with_a_wrong_amount_keep_no_other_waiting_once_the_input_is_corrected() {
    let mut world = stopped_by_wrong_amounts().await;
    world.amounts = Amounts::Changed;
    assert!(world.next_run(6..=9, &[]).await.is_none());
    assert_eq!(world.invoices_sent()[5..], ["INV-6", "INV-7", "INV-8", "INV-9"], "what is answered is not sent again");
    for number in 1..=9 {
        let expected = if number > 5 { State::Succeeded } else { State::Unknown };
        assert_eq!(world.state(number).await, Some(expected), "{number}");
    }
    let asked = world.inquiries();
    assert!(asked.len() >= 5 && asked[0].at >= world.sends()[8].at, "they are asked about, after all others");
    assert_eq!(world.past().await.stopped, None, "the provider has proved to be well");
}

#[tokio::test]
async fn a_new_order_after_a_correction_is_a_single_call_too() {
    let mut world = stopped_by_wrong_amounts().await;
    world.amounts = Amounts::Changed;
    for sends in [6, 7] {
        let stop = world.next_run(6..=9, &[Reply::TimeOut; 20]).await;
        assert!(matches!(stop, Some(Stop::StillIll(_))), "{stop:?}");
        assert_eq!((world.sends().len(), world.state(7).await), (sends, None));
        world.clock.sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(world.invoices_sent()[5..], ["INV-6", "INV-6"], "while it is unknown no other one is spent");
}

#[tokio::test]
async fn an_input_that_was_not_corrected_spends_no_new_order() {
    let mut world = stopped_by_wrong_amounts().await;
    for turn in 1..=7 {
        let stop = world.next_run(6..=9, &[Reply::OtherAmount(409)]).await;
        assert!(matches!(stop, Some(Stop::StillIll(_))), "{stop:?}");
        assert_eq!((world.sends().len(), world.state(6).await), (5 + turn, None));
        world.clock.sleep(Duration::from_secs(60)).await;
    }
    world.rules.retries.horizon = Duration::from_secs(1);
    let stop = world.next_run(6..=9, &[Reply::StatusSays("SUCCESS")]).await;
    assert!(matches!(stop, Some(Stop::StillIll(_))), "an answered inquiry says nothing of the others: {stop:?}");
    assert_eq!((world.sends().len(), world.inquiries().len(), world.state(6).await), (12, 1, None));
}

#[tokio::test]
async fn what_was_not_answered_comes_before_what_was() {
    let mut world = World::at_ease();
    let script = [Reply::OtherAmount(200), Reply::TimeOut, Reply::OtherAmount(200), Reply::TimeOut, Reply::TimeOut];
    world.next_run(1..=9, &script).await;
    world.clock.sleep(Duration::from_secs(60)).await;
    world.amounts = Amounts::Changed;
    world.rules.canaries = 1;
    assert!(world.next_run(6..=9, &[]).await.is_none());
    assert_eq!(world.invoices_sent()[5..7], ["INV-2", "INV-6"], "the single call, then the canary");
    assert_eq!(world.state(5).await, Some(State::Succeeded));
}

#[tokio::test]
async fn what_a_status_proves_settles_an_order_that_was_answered_with_another_amount() {
    let mut world = World::at_ease();
    let stop = world.next_run([1], &[Reply::OtherAmount(200), Reply::OtherAmount(409), Reply::Refunded(409)]).await;
    assert!(stop.is_none(), "{stop:?}");
    assert_eq!(world.state(1).await, Some(State::Succeeded), "the provider may be wrong for once");
    world.rules.retries.settle_for = Duration::ZERO;
    world.next_run([2], &[Reply::OtherAmount(200)]).await;
    world.rules.retries.settle_for = Duration::from_secs(300);
    world.amounts = Amounts::Changed;
    world.clock.sleep(Duration::from_secs(60)).await;
    world.next_run([3], &[Reply::Refunded(200), Reply::StatusSays("REFUNDED")]).await;
    assert_eq!(world.state(2).await, Some(State::AlreadyDone));
    assert_eq!(world.invoices_sent()[3..], ["INV-2", "INV-3"]);
}

#[tokio::test]
async fn a_status_that_names_another_amount_spends_no_new_order() {
    let mut world = World::at_ease();
    assert!(matches!(world.next_run(1..=9, &[Reply::TimeOut; 20]).await, Some(Stop::Breaker(_))));
    world.clock.sleep(Duration::from_secs(60)).await;
    world.rules.retries.horizon = Duration::from_secs(1);
    let stop = world.next_run(6..=9, &[Reply::StatusOver("REFUNDED", 101_000); 20]).await;
    assert!(matches!(stop, Some(Stop::StillIll(_))), "{stop:?}");
    assert_eq!((world.sends().len(), world.state(6).await), (5, None));
}
