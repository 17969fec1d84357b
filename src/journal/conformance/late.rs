//! Outcomes that come late to a journal that was put back: their attempts are lost, and their keys find the orders.

use super::*;
use crate::journal::state::State;
use crate::journal::{Late, TakenIn};

in_each_store!(
    a_proof_whose_attempt_is_lost_finds_its_order_by_its_key,
    a_proof_says_that_something_has_left_where_nothing_was_known_to_have,
    what_proves_nothing_waits_where_nothing_is_known_to_have_left,
    an_order_that_is_lost_is_told_from_one_of_another_journal,
    an_attempt_that_has_the_number_of_a_lost_one_is_not_ended_by_its_outcome,
);

/// What the first request for INV-1 has come to, in a journal that was lost since.
async fn of_a_lost_journal(ground: &Ground, record: fn(AttemptId, Outcome) -> OutcomeRecord, outcome: Outcome) -> Late {
    let ground = ground.another();
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    let sent = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    Late::of(&record(sent.attempt(), outcome), &run, sent.item())
}

async fn is_whole(journal: &Store) {
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0]);
}

async fn a_proof_whose_attempt_is_lost_finds_its_order_by_its_key(ground: Ground) {
    let late = of_a_lost_journal(&ground, answered, Outcome::Applied).await;
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1, 2])).await.unwrap();
    let other = journal.record_intent(first(&run, 2, "body")).await.unwrap();
    let again = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    journal.record_outcome(ended(again.attempt(), Outcome::Ambiguous(Doubt::Timeout))).await.unwrap();
    assert_eq!(late.attempt(), other.attempt(), "its number is another's");
    assert_eq!(journal.take_in(late.clone()).await.unwrap(), TakenIn::Became(State::Succeeded));
    assert_eq!(journal.take_in(late).await.unwrap(), TakenIn::Known(State::Succeeded), "once");
    assert_eq!(item(&journal, 2).await.state, State::Intent);
    journal.record_outcome(ended(other.attempt(), Outcome::Applied)).await.unwrap();
    is_whole(&journal).await;
}

async fn a_proof_says_that_something_has_left_where_nothing_was_known_to_have(ground: Ground) {
    for (outcome, state) in
        [(Outcome::Applied, State::Succeeded), (Outcome::Refused(Refusal::PaymentPending), State::Refused)]
    {
        let ground = ground.another();
        let late = of_a_lost_journal(&ground, answered, outcome).await;
        let journal = ground.open().await;
        let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
        let withheld = journal.record_intent(first(&run, 1, "body")).await.unwrap();
        journal.record_outcome(ended(withheld.attempt(), Outcome::NotSent(Unsent::Withheld))).await.unwrap();
        assert_eq!(item(&journal, 1).await.state, State::Planned);
        assert_eq!(journal.take_in(late).await.unwrap(), TakenIn::Became(state));
        let item = item(&journal, 1).await;
        assert_eq!((item.attempts, item.last_sent_at), (1, at(1)));
        is_whole(&journal).await;
    }
}

async fn what_proves_nothing_waits_where_nothing_is_known_to_have_left(ground: Ground) {
    let doubtful = of_a_lost_journal(&ground, ended, Outcome::Ambiguous(Doubt::Timeout)).await;
    let turned_away = of_a_lost_journal(&ground, ended, Outcome::Throttled(SignatureCheck::Valid)).await;
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    let withheld = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    journal.record_outcome(ended(withheld.attempt(), Outcome::NotSent(Unsent::Withheld))).await.unwrap();
    assert!(doubtful.may_have_moved_money() && !turned_away.may_have_moved_money());
    assert_eq!(journal.take_in(doubtful.clone()).await.unwrap(), TakenIn::Missing);
    assert_eq!(journal.take_in(turned_away).await.unwrap(), TakenIn::Known(State::Planned));
    // Asked for again, by whoever has the order now: with the same key.
    journal.record_intent(first(&run, 1, "body")).await.unwrap();
    assert_eq!(journal.take_in(doubtful).await.unwrap(), TakenIn::Known(State::Intent));
}

async fn an_order_that_is_lost_is_told_from_one_of_another_journal(ground: Ground) {
    let late = of_a_lost_journal(&ground, answered, Outcome::Applied).await;
    assert_eq!((late.order(), late.amount().whole(), late.may_be_of("job")), ("INV-1", 90_000, true));
    assert!(!late.may_be_of("other"));
    let journal = ground.open().await;
    assert_eq!(journal.take_in(late.clone()).await.unwrap(), TakenIn::Strange);
    // The same run, by its name.
    journal.begin_run(new_run("job", &[1])).await.unwrap();
    let head = journal.head().await.unwrap();
    assert_eq!(journal.take_in(late).await.unwrap(), TakenIn::Missing);
    assert_eq!(journal.head().await.unwrap(), head, "nothing is written");
}

async fn an_attempt_that_has_the_number_of_a_lost_one_is_not_ended_by_its_outcome(ground: Ground) {
    let late = of_a_lost_journal(&ground, answered, Outcome::Applied).await;
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    let Intent::First(intent) = first(&run, 1, "body") else { unreachable!("it is the first one") };
    let later = journal.record_intent(Intent::First(Box::new(First { at: at(5), ..*intent }))).await.unwrap();
    assert_eq!(later.attempt(), late.attempt());
    assert_eq!(journal.take_in(late).await.unwrap(), TakenIn::Became(State::Succeeded));
    // It is still under way.
    assert_eq!(journal.record_outcome(answered(later.attempt(), Outcome::Already)).await.unwrap(), State::Succeeded);
    is_whole(&journal).await;
}
