//! Two runners on one run: what each may claim, what it hears of the other, and which of them closes it.

use crate::journal::Journal as _;
use crate::journal::JournalError;
use crate::journal::conformance::{Ground, answered, at, first, new_run};
use crate::journal::joint::{Ask, Claimed, Closed, Health, Heard, Joined, Leaving, Shared, Standing, Turn, Work};
use crate::journal::postgres::tests::waiting_for_a_lock;
use crate::journal::record::Finished;
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::model::ids::RunId;
use crate::model::outcome::{Doubt, Outcome, Refusal, SignatureCheck, Unsent};

/// Two runners on a run of seven orders; `None`: PostgreSQL is not installed.
async fn two_runners() -> Option<(Ground, Store, Store, RunId)> {
    let ground = Ground::in_postgres()?;
    let (one, two) = (ground.open().await, ground.open().await);
    let run = one.begin_run(new_run("job", &[1, 2, 3, 4, 5, 6, 7])).await.unwrap();
    let text = String::new;
    let shared = Shared { job_sha256: text(), input_sha256: text(), rows_sha256: text(), decided: Vec::new() };
    one.share(&run, &shared).await.unwrap();
    assert_eq!(two.join(&run).await.unwrap(), Joined::Yes);
    Some((ground, one, two, run))
}

fn ask(run: &RunId, number: u64, most: u32) -> Ask {
    let (run, is_idle) = (run.clone(), most > 99);
    Ask { run, most, canaries: 0, is_half_open: false, is_idle, heard: 0, number, at: at(1) }
}

fn work(claimed: Result<Claimed, JournalError>) -> Work {
    let Ok(Claimed::Work(work)) = claimed else { panic!("{claimed:?}") };
    Work { elsewhere: Vec::new(), heard: 0, ..work }
}

#[tokio::test]
async fn whoever_has_heard_of_more_than_the_log_holds_is_behind() {
    let Some((_ground, one, _two, run)) = two_runners().await else { return };
    let Ok(Claimed::Work(Work { heard, .. })) = one.claim(ask(&run, 1, 3)).await else { panic!("there is work") };
    let told = one.claim(Ask { heard: heard + 1, ..ask(&run, 2, 3) }).await;
    assert!(matches!(told, Err(JournalError::Behind)), "{told:?}");
}

#[tokio::test]
async fn a_row_is_claimed_once_and_the_same_question_has_the_same_answer() {
    let Some((_ground, one, two, run)) = two_runners().await else { return };
    assert_eq!(work(one.claim(ask(&run, 1, 3)).await).rows, [1, 2, 3]);
    assert_eq!(work(two.claim(ask(&run, 1, 3)).await).rows, [4, 5, 6]);
    assert_eq!(work(one.claim(ask(&run, 1, 3)).await).rows, [1, 2, 3], "its answer was not heard");
    assert_eq!(work(one.claim(ask(&run, 2, 3)).await).rows, [7]);
}

#[tokio::test]
async fn each_runner_hears_once_how_the_calls_of_the_others_ended() {
    let Some((_ground, one, two, run)) = two_runners().await else { return };
    let outcomes = [
        Outcome::Applied,
        Outcome::Ambiguous(Doubt::Timeout),
        Outcome::Throttled(SignatureCheck::Valid),
        Outcome::NotSent(Unsent::Connect),
        Outcome::Refused(Refusal::PaymentPending),
    ];
    let mut items = Vec::new();
    for (number, outcome) in (1..).zip(outcomes) {
        let intent = one.record_intent(first(&run, number, "body")).await.unwrap();
        items.push(intent.item().id);
        one.record_outcome(answered(intent.attempt(), outcome)).await.unwrap();
    }
    let all = [
        Heard::Send(items[0], Health::Good),
        Heard::Send(items[1], Health::Bad),
        Heard::Send(items[3], Health::Bad),
        Heard::Send(items[4], Health::Good),
    ];
    let hears = async |journal: &Store, heard: i64, number: u64| match journal
        .claim(Ask { heard, ..ask(&run, number, 0) })
        .await
    {
        Ok(Claimed::Work(work)) => (work.elsewhere, work.heard),
        other => panic!("{other:?}"),
    };
    let (elsewhere, heard) = hears(&two, 0, 1).await;
    assert_eq!(elsewhere, all);
    assert_eq!(hears(&two, 0, 1).await.0, all, "its answer was not heard");
    assert_eq!(hears(&two, heard, 2).await, (Vec::new(), heard), "once");
    assert_eq!(hears(&one, 0, 1).await.0, [], "it knows of its own");
    let intent = two.record_intent(first(&run, 6, "body")).await.unwrap();
    two.record_outcome(answered(intent.attempt(), Outcome::Applied)).await.unwrap();
    assert_eq!(hears(&one, heard, 2).await.0, [Heard::Send(intent.item().id, Health::Good)]);
}

#[tokio::test]
async fn what_a_lost_runner_had_not_begun_is_free_and_what_it_had_is_settled_by_another() {
    let Some((ground, one, two, run)) = two_runners().await else { return };
    assert_eq!(work(one.claim(ask(&run, 1, 3)).await).rows, [1, 2, 3]);
    one.record_intent(first(&run, 2, "body")).await.unwrap();
    let Ground::Database(database) = &ground else { panic!("it is one") };
    database.sql(
        "UPDATE runner SET lease_until = clock_timestamp() - interval '1 s' WHERE id = (SELECT min(id) FROM runner)",
    );
    let taken_over = work(two.claim(ask(&run, 1, 9)).await);
    assert_eq!(taken_over.rows, [1, 3, 4, 5, 6, 7]);
    let items: Vec<_> = taken_over.items.iter().map(|item| (item.identity.invoice.as_str(), item.state)).collect();
    assert_eq!(items, [("INV-2", State::Unknown)]);
    assert_eq!(work(two.claim(ask(&run, 2, 9)).await), Work::default(), "it has all of it");
    assert!(matches!(one.record_intent(first(&run, 3, "body")).await, Err(JournalError::Fenced)));
    assert!(matches!(one.claim(ask(&run, 2, 9)).await, Err(JournalError::Fenced)), "it has nothing to claim");
    assert!(matches!(one.leave(&run, &Leaving::Alone).await, Err(JournalError::Fenced)));
    let lost: Vec<bool> = two.hosts(&run).await.unwrap().iter().map(|host| host.is_lost).collect();
    assert_eq!(lost, [true, false]);
}

#[tokio::test]
async fn a_runner_that_is_buried_before_it_shares_a_run_is_told_what_has_become_of_it() {
    let Some((ground, one, _two, run)) = two_runners().await else { return };
    let Ground::Database(database) = &ground else { panic!("it is one") };
    database.sql("UPDATE runner SET lost_at = clock_timestamp() WHERE id = (SELECT min(id) FROM runner)");
    let text = String::new;
    let shared = Shared { job_sha256: text(), input_sha256: text(), rows_sha256: text(), decided: Vec::new() };
    let told = one.share(&run, &shared).await;
    assert!(matches!(told, Err(JournalError::Fenced)), "{told:?}");
}

#[tokio::test]
async fn it_is_over_when_nobody_has_anything_left_and_one_of_them_closes_it() {
    let Some((_ground, one, two, run)) = two_runners().await else { return };
    assert_eq!(work(one.claim(ask(&run, 1, 9)).await).rows.len(), 7);
    assert_eq!(work(two.claim(ask(&run, 1, 100)).await), Work::default(), "the other one has something left");
    assert_eq!(one.claim(ask(&run, 2, 100)).await.unwrap(), Claimed::Over);
    assert_eq!(two.claim(ask(&run, 2, 100)).await.unwrap(), Claimed::Over);
    assert_eq!(one.close(&run).await.unwrap(), Standing::Closes);
    assert_eq!(two.close(&run).await.unwrap(), Standing::Waits);
    assert_eq!(two.join(&run).await.unwrap(), Joined::TooLate);
    one.reported(&run, "out/job").await.unwrap();
    one.finish_run(Finished { run: run.clone(), at: at(9), exit_code: 1, stopped: None }).await.unwrap();
    let Standing::Closed(Closed { exit_code, report }) = two.close(&run).await.unwrap() else { panic!("it is") };
    assert!(exit_code == 1 && report.ends_with(":out/job"), "{report}");
}

#[tokio::test]
async fn whoever_stops_a_run_for_all_stops_it_for_all() {
    let Some((_ground, one, two, run)) = two_runners().await else { return };
    one.stop_run(run.clone(), "breaker".into(), at(2)).await.unwrap();
    assert_eq!(two.claim(ask(&run, 1, 9)).await.unwrap(), Claimed::Stopped("breaker".into()));
    assert_eq!(one.leave(&run, &Leaving::ForAll("breaker".into())).await.unwrap(), Standing::Waits);
    assert_eq!(two.leave(&run, &Leaving::Alone).await.unwrap(), Standing::Closes, "the last one");
}

#[tokio::test]
async fn a_turn_that_another_takes_at_this_moment_is_his() {
    let Some((ground, one, two, _run)) = two_runners().await else { return };
    let account = crate::journal::conformance::account();
    assert_eq!(one.turn("job", &account, false).await.unwrap(), Turn::Ours);
    drop(one);
    let Ground::Database(database) = &ground else { panic!("it is one") };
    let address =
        crate::journal::postgres::address::Address::parse(&database.url(), std::path::Path::new("/"), &|_| None);
    let pool = crate::journal::postgres::connect::connect(&address.unwrap()).await.unwrap();
    // A third runner registers and is about to take the turn, and none of it is committed yet.
    let third = pool.get().await.unwrap();
    third
        .batch_execute(
            "BEGIN; INSERT INTO runner (id, host, pid, lease_until, version) \
                 SELECT 99, 'third', 3, clock_timestamp() + interval '1 min', version FROM journal; \
             SELECT 1 FROM at_work FOR UPDATE",
        )
        .await
        .unwrap();
    let committing = async {
        waiting_for_a_lock(&pool.get().await.unwrap()).await;
        third.batch_execute("UPDATE at_work SET runner = 99, run = NULL; COMMIT").await.unwrap();
    };
    let (turn, ()) = tokio::join!(two.turn("job", &account, false), committing);
    let Turn::Theirs(at_work) = turn.unwrap() else { panic!("two have the turn") };
    assert_eq!(at_work.host, "third");
}

#[tokio::test]
async fn one_runner_at_a_time_has_the_turn_of_a_job() {
    let Some((_ground, one, two, run)) = two_runners().await else { return };
    let account = crate::journal::conformance::account();
    assert_eq!(one.turn("job", &account, false).await.unwrap(), Turn::Ours);
    let Turn::Theirs(at_work) = two.turn("job", &account, false).await.unwrap() else { panic!("it is taken") };
    assert_eq!((at_work.is_alone, at_work.run), (false, None), "its run was shared before it took the turn");
    assert_eq!(two.turn("other", &account, true).await.unwrap(), Turn::Ours, "another job");
    drop(one);
    assert_eq!(two.turn("job", &account, true).await.unwrap(), Turn::Ours, "whoever had it has gone");
    assert_eq!(two.hosts(&run).await.unwrap().len(), 2);
}
