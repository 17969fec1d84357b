//! Items and their attempts, rows, rulings, and the log of which everything is the sum.

use super::*;
use crate::journal::JournalError;
use crate::journal::log::Reopened;
use crate::journal::record::{Acceptance, Contradiction, NewRows};
use crate::journal::state::State;
use crate::model::listing::Unread;

in_each_store!(
    an_intent_without_an_outcome_is_unknown_after_a_crash,
    all_attempts_of_an_item_carry_one_key_and_one_body,
    what_never_left_may_be_corrected_and_what_left_may_not,
    what_another_run_has_begun_is_never_sent_as_new,
    outcomes_move_the_item_and_nothing_moves_it_back,
    the_rows_of_a_run_come_back_in_order_with_their_items,
    a_reopened_order_gets_a_key_of_its_own_and_only_once,
    two_proofs_that_disagree_are_a_conflict_and_are_told_once,
    what_a_person_accepts_is_settled_and_doubt_comes_before_the_person,
    every_item_is_the_sum_of_its_entries,
    a_write_that_fails_leaves_no_trace,
    a_run_ends_once,
    a_run_whose_rows_cannot_be_read_is_not_begun_and_the_journal_is_well,
);

async fn an_intent_without_an_outcome_is_unknown_after_a_crash(ground: Ground) {
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    journal.record_intent(first(&run, 1, "body")).await.unwrap();
    drop(journal);
    let journal = ground.open().await;
    assert_eq!(item(&journal, 1).await.state, State::Intent);
    assert_eq!(journal.recover(at(9)).await.unwrap(), 1);
    let item = item(&journal, 1).await;
    assert_eq!((item.state, item.reason.as_str()), (State::Unknown, "crash"));
    assert_eq!(journal.recover(at(10)).await.unwrap(), 0, "recovering twice changes nothing");
}

async fn all_attempts_of_an_item_carry_one_key_and_one_body(ground: Ground) {
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    let sent = journal.record_intent(first(&run, 1, "the first body")).await.unwrap();
    let key = sent.item().request_id.clone();
    journal.record_outcome(ended(sent.attempt(), Outcome::Ambiguous(Doubt::Timeout))).await.unwrap();
    let again = Intent::Again { run: run.clone(), item: sent.item().id, at: at(3) };
    let again = journal.record_intent(again).await.unwrap();
    journal.record_outcome(ended(again.attempt(), Outcome::NotSent(Unsent::Connect))).await.unwrap();
    let other_body = journal.record_intent(first(&run, 1, "another body")).await.unwrap();
    for intent in [&again, &other_body] {
        assert_eq!(intent.item().request_id, key);
        assert_eq!(intent.body(), b"the first body");
    }
    assert_eq!(other_body.item().attempts, 2, "what was not sent is no attempt");
}

async fn what_never_left_may_be_corrected_and_what_left_may_not(ground: Ground) {
    for (outcome, expected) in
        [(Outcome::NotSent(Unsent::Connect), "corrected"), (Outcome::Throttled(SignatureCheck::Valid), "wrong")]
    {
        let ground = ground.another();
        let journal = ground.open().await;
        let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
        let intent = journal.record_intent(first(&run, 1, "wrong")).await.unwrap();
        journal.record_outcome(ended(intent.attempt(), outcome)).await.unwrap();
        let later = journal.begin_run(new_run("other", &[1])).await.unwrap();
        let again = journal.record_intent(first(&later, 1, "corrected")).await.unwrap();
        assert_eq!(again.body(), expected.as_bytes());
        assert_eq!((&*again.item().job, &again.item().run), ("other", &later));
    }
}

async fn what_another_run_has_begun_is_never_sent_as_new(ground: Ground) {
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1, 2])).await.unwrap();
    let other = journal.begin_run(new_run("other", &[1, 2])).await.unwrap();
    journal.record_intent(first(&run, 1, "body")).await.unwrap();
    let unknown = journal.record_intent(first(&run, 2, "body")).await.unwrap();
    journal.record_outcome(ended(unknown.attempt(), Outcome::Ambiguous(Doubt::Timeout))).await.unwrap();
    for number in 1..=2 {
        let refused = journal.record_intent(first(&other, number, "body")).await;
        assert!(matches!(refused, Err(JournalError::Taken)), "INV-{number}: {refused:?}");
    }
}

async fn outcomes_move_the_item_and_nothing_moves_it_back(ground: Ground) {
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1, 2, 3, 4, 5, 6])).await.unwrap();
    let cases = [
        (1, Outcome::Applied, State::Succeeded),
        (2, Outcome::Already, State::AlreadyDone),
        (3, Outcome::Refused(Refusal::PaymentPending), State::Refused),
        (4, Outcome::Throttled(SignatureCheck::Valid), State::Planned),
        (6, Outcome::Throttled(SignatureCheck::Missing), State::Unknown),
        (5, Outcome::Ambiguous(Doubt::BadSignature), State::Unknown),
    ];
    for (number, outcome, state) in cases {
        let intent = journal.record_intent(first(&run, number, "body")).await.unwrap();
        assert_eq!(journal.record_outcome(ended(intent.attempt(), outcome)).await.unwrap(), state);
        assert_eq!(item(&journal, number).await.settled_at.is_some(), state.is_terminal());
    }
    for number in 1..=3 {
        let refused = journal.record_intent(first(&run, number, "body")).await;
        assert!(matches!(refused, Err(JournalError::Impossible(_))), "INV-{number} was sent again");
    }
}

async fn the_rows_of_a_run_come_back_in_order_with_their_items(ground: Ground) {
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[7, 3])).await.unwrap();
    let intent = journal.record_intent(first(&run, 3, "body")).await.unwrap();
    journal.record_outcome(ended(intent.attempt(), Outcome::Applied)).await.unwrap();
    let rows = journal.rows(&run).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (&*row.row.raw, row.item.as_ref().map(|item| item.state))).collect();
    assert_eq!(seen, [("INV-7,90000", None), ("INV-3,90000", Some(State::Succeeded))]);
}

async fn a_reopened_order_gets_a_key_of_its_own_and_only_once(ground: Ground) {
    let journal = eventful(&ground).await;
    let refused = item(&journal, 3).await;
    let why = || Reopened { reason: "the key was wrong".into(), by: "budi".into() };
    let next = journal.reopen(vec![refused.id], why(), at(10)).await.unwrap().remove(0);
    assert_eq!((next.identity.generation, next.state), (1, State::Planned));
    assert_ne!(next.request_id, refused.request_id);
    let refusals = journal.refusals(&account()).await.unwrap();
    assert!(!refusals.iter().any(|item| item.id == refused.id), "what DOKU says now is about the next generation");
    assert!(journal.reopen(vec![refused.id], why(), at(11)).await.is_err(), "it has a next generation already");
    for number in [1, 2, 5] {
        let id = item(&journal, number).await.id;
        assert!(journal.reopen(vec![id], why(), at(11)).await.is_err(), "INV-{number} may have had an effect");
    }
    let run = journal.begin_run(new_run("job", &[3])).await.unwrap();
    let Intent::First(intent) = first(&run, 3, "the second body") else { unreachable!() };
    let identity = Identity { generation: 1, ..intent.identity.clone() };
    let sent = journal.record_intent(Intent::First(Box::new(First { identity, ..*intent }))).await.unwrap();
    assert_eq!((sent.body(), &sent.item().request_id), (&b"the second body"[..], &next.request_id));
}

async fn two_proofs_that_disagree_are_a_conflict_and_are_told_once(ground: Ground) {
    let journal = eventful(&ground).await;
    let refused = item(&journal, 3).await;
    let contradiction = |at| Contradiction {
        item: refused.id,
        notification: "N-1".into(),
        status: "REFUNDED".into(),
        event: Event::Already,
        at,
    };
    assert_eq!(journal.contradict(contradiction(at(10))).await.unwrap(), State::Conflict);
    assert_eq!(journal.rule(refused.id, ruled(Event::RuledNotDone), at(11)).await.unwrap(), State::RuledNotDone);
    let again = journal.contradict(contradiction(at(12))).await.unwrap();
    assert_eq!(again, State::RuledNotDone, "the person has seen it");
}

async fn what_a_person_accepts_is_settled_and_doubt_comes_before_the_person(ground: Ground) {
    let journal = eventful(&ground).await;
    let accept = |reason: &str| Acceptance {
        found: "entries are missing".into(),
        lost_since: Some(at(5)),
        reason: reason.into(),
    };
    journal.accept(accept(""), at(10)).await.unwrap();
    assert_eq!(item(&journal, 5).await.state, State::Unknown);
    journal.accept(accept("compared with the Back Office"), at(11)).await.unwrap();
    assert_eq!(journal.lost_since().await.unwrap(), None);
    assert_eq!(item(&journal, 5).await.state, State::Review, "nobody knows how long ago it was sent");
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0]);
}

async fn every_item_is_the_sum_of_its_entries(ground: Ground) {
    let journal = eventful(&ground).await;
    journal.recover(at(10)).await.unwrap();
    let id = item(&journal, 5).await.id;
    journal.give_up(id, at(11)).await.unwrap();
    journal.rule(id, ruled(Event::RuledNotDone), at(12)).await.unwrap();
    let why = Reopened { reason: "DOKU lost it".into(), by: "budi".into() };
    let refused = item(&journal, 3).await.id;
    assert_eq!(journal.reopen(vec![id, refused], why, at(13)).await.unwrap().len(), 2);
    let checked = journal.check().await.unwrap();
    assert_eq!(checked.flaws, [""; 0]);
    assert_eq!((checked.items, checked.runs), (9, 1));
    assert!(journal.holds(&checked.head()).await.unwrap());
    assert!(!journal.holds("00").await.unwrap());
}

/// What the writer keeps in mind must not outlive what was undone.
async fn a_write_that_fails_leaves_no_trace(ground: Ground) {
    let journal = ground.open().await;
    let run = journal.begin_run(new_run("job", &[1, 2, 3, 4])).await.unwrap();
    let done = journal.record_intent(first(&run, 1, "body")).await.unwrap();
    journal.record_outcome(ended(done.attempt(), Outcome::Applied)).await.unwrap();
    // All of them in one group: those that fail are between those that do not.
    let (two, done_already, three, nobody, four) = tokio::join!(
        journal.record_intent(first(&run, 2, "body")),
        journal.record_intent(first(&run, 1, "body")),
        journal.record_intent(first(&run, 3, "body")),
        journal.record_outcome(ended(AttemptId(99), Outcome::Applied)),
        journal.record_intent(first(&run, 4, "body")),
    );
    assert!(matches!(done_already, Err(JournalError::Impossible(_))) && nobody.is_err());
    for intent in [two.unwrap(), three.unwrap(), four.unwrap()] {
        journal.record_outcome(ended(intent.attempt(), Outcome::Applied)).await.unwrap();
    }
    let checked = journal.check().await.unwrap();
    assert_eq!((checked.flaws, checked.items), (Vec::<String>::new(), 4));
}

async fn a_run_ends_once(ground: Ground) {
    let journal = eventful(&ground).await;
    let run = journal.runs().await.unwrap().remove(0).run;
    let before = journal.check().await.unwrap();
    let again = |run: &RunId| Finished { run: run.clone(), at: at(20), exit_code: 0, stopped: None };
    let refused = journal.finish_run(again(&run)).await.unwrap_err().to_string();
    assert!(refused.ends_with(&format!("run {run} is not open: it ends once")), "{refused}");
    assert!(journal.finish_run(again(&RunId::new("another").unwrap())).await.is_err(), "nobody has begun it");
    assert_eq!(journal.check().await.unwrap(), before);
    let ended = journal.runs().await.unwrap().remove(0);
    assert_eq!((ended.finished_at, ended.exit_code), (Some(at(9)), Some(3)));
}

/// Rows that end before the last one.
#[derive(Debug)]
struct Cut;

impl NewRows for Cut {
    fn count(&self) -> u64 {
        2
    }

    fn each(&self, take: &mut dyn FnMut(&NewRow) -> Result<(), JournalError>) -> Result<(), JournalError> {
        take(&new_row(1, 1))?;
        Err(JournalError::Unread(Unread { file: "orders.csv".into(), why: "the disk is gone".into() }))
    }
}

async fn a_run_whose_rows_cannot_be_read_is_not_begun_and_the_journal_is_well(ground: Ground) {
    let journal = ground.open().await;
    let refused = journal.begin_run(NewRun { rows: Arc::new(Cut), ..new_run("job", &[]) }).await.unwrap_err();
    assert_eq!(refused.to_string(), "orders.csv: its private copy cannot be read any more: the disk is gone");
    assert!(journal.runs().await.unwrap().is_empty());
    let run = journal.begin_run(new_run("job", &[1])).await.unwrap();
    journal.record_intent(first(&run, 1, "body")).await.unwrap();
}
