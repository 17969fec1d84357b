//! What guards rely on: caps of a day are held at the intent, sums are those of the items, and earlier runs are remembered.

use super::*;
use crate::journal::JournalError;
use crate::journal::history::{Asked, DayCaps, History, Overridden, SameInput};
use crate::journal::log::Reopened;
use crate::model::money::Tally;

in_each_store!(
    a_cap_holds_over_runs_and_jobs_and_the_intent_leaves_no_trace,
    a_cap_in_rupiah_is_reached_but_not_passed,
    of_many_intents_at_once_no_more_pass_than_the_cap_allows,
    what_was_not_done_does_not_count_and_what_is_open_goes_on_whatever_the_cap,
    the_last_runs_that_sent_something_and_came_to_their_end_are_remembered,
    an_input_is_done_once_every_row_of_it_is,
    an_override_is_an_entry_of_the_log,
);

const DAY: i64 = 24 * 3600;

fn within(orders: Option<u64>, rupiah: Option<u64>) -> Terms {
    Terms { caps: DayCaps { orders, rupiah }, ..Terms::default() }
}

async fn begin(journal: &Store, job: &str, terms: Terms) -> RunId {
    journal.begin_run(NewRun { terms, ..new_run(job, &[1, 2, 3]) }).await.unwrap()
}

/// Sends one order of 90.000 at a time; what it is refused for, if it is.
async fn send(journal: &Store, run: &RunId, number: u32, time: i64, outcome: Outcome) -> Result<(), JournalError> {
    let Intent::First(intent) = first(run, number, "body") else { unreachable!("first makes a first intent") };
    let intent = journal.record_intent(Intent::First(Box::new(First { at: at(time), ..*intent }))).await?;
    journal.record_outcome(ended(intent.attempt(), outcome)).await.map(drop)
}

async fn history(journal: &Store, time: i64, input: Option<&str>) -> History {
    let asked = Asked { job: "job".into(), runs: 3, input_sha256: input.map(str::to_owned), now: at(time) };
    journal.history(&account(), asked).await.unwrap()
}

fn tally(count: u64) -> Tally {
    Tally { count, rupiah: Rupiah::new(90_000 * count) }
}

async fn a_cap_holds_over_runs_and_jobs_and_the_intent_leaves_no_trace(ground: Ground) {
    let journal = ground.open().await;
    let earlier = begin(&journal, "other", Terms::default()).await;
    send(&journal, &earlier, 1, 1, Outcome::Applied).await.unwrap();
    let run = begin(&journal, "job", within(Some(2), None)).await;
    send(&journal, &run, 2, 2, Outcome::Refused(Refusal::PaymentPending)).await.unwrap();
    let refused = send(&journal, &run, 3, 3, Outcome::Applied).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the journal refuses the next order by guards.max_orders_per_day: 2 orders are allowed on 2026-11-22, and 2 were sent"
    );
    assert!(journal.known(&account(), vec![invoice(3)]).await.unwrap().is_empty(), "as if it had never been meant");
    send(&journal, &run, 3, DAY, Outcome::Applied).await.unwrap();
    assert_eq!(history(&journal, DAY, None).await.today, tally(1), "the next day is another");
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0]);
}

async fn a_cap_in_rupiah_is_reached_but_not_passed(ground: Ground) {
    let journal = ground.open().await;
    let run = begin(&journal, "job", within(None, Some(180_000))).await;
    send(&journal, &run, 1, 1, Outcome::Applied).await.unwrap();
    send(&journal, &run, 2, 1, Outcome::Applied).await.unwrap();
    let refused = send(&journal, &run, 3, 1, Outcome::Applied).await.unwrap_err().to_string();
    let expected = "max_total_per_day: Rp 180.000 are allowed on 2026-11-22, Rp 180.000 were sent, and the next order is Rp 90.000";
    assert!(refused.ends_with(expected), "{refused}");
}

async fn of_many_intents_at_once_no_more_pass_than_the_cap_allows(ground: Ground) {
    let journal = Arc::new(ground.open().await);
    let run = begin(&journal, "job", within(Some(7), None)).await;
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (journal, run) = (Arc::clone(&journal), run.clone());
        sending.spawn(async move { journal.record_intent(first(&run, number, "body")).await.is_ok() });
    }
    assert_eq!(sending.join_all().await.into_iter().filter(|sent| *sent).count(), 7);
}

async fn what_was_not_done_does_not_count_and_what_is_open_goes_on_whatever_the_cap(ground: Ground) {
    let journal = ground.open().await;
    let run = begin(&journal, "job", within(Some(1), None)).await;
    send(&journal, &run, 1, 1, Outcome::NotSent(Unsent::Connect)).await.unwrap();
    send(&journal, &run, 2, 1, Outcome::Throttled(SignatureCheck::Valid)).await.unwrap();
    assert_eq!(history(&journal, 2, None).await.today, tally(0));
    send(&journal, &run, 3, 1, Outcome::Ambiguous(Doubt::Timeout)).await.unwrap();
    let again = |item| Intent::Again { run: run.clone(), item, at: at(5) };
    journal.record_intent(again(item(&journal, 3).await.id)).await.unwrap();
    let planned = journal.record_intent(again(item(&journal, 2).await.id)).await;
    assert!(matches!(planned, Err(JournalError::Capped(_))), "its first request counts as none: {planned:?}");
    assert_eq!(journal.check().await.unwrap().flaws, [""; 0]);
}

async fn the_last_runs_that_sent_something_and_came_to_their_end_are_remembered(ground: Ground) {
    let journal = ground.open().await;
    let mut number = 0;
    for (job, sent, code) in
        [("job", 1, 0), ("job", 2, 1), ("job", 0, 0), ("other", 3, 0), ("job", 4, 4), ("job", 5, 3)]
    {
        let run = begin(&journal, job, Terms::default()).await;
        for _ in 0..sent {
            number += 1;
            send(&journal, &run, number, 1, Outcome::Applied).await.unwrap();
        }
        journal.finish_run(Finished { run, at: at(9), exit_code: code, stopped: None }).await.unwrap();
    }
    let cut_off = begin(&journal, "job", Terms::default()).await;
    send(&journal, &cut_off, 99, 1, Outcome::Applied).await.unwrap();
    assert_eq!(history(&journal, 10, None).await.runs, [tally(5), tally(2), tally(1)]);
    assert_eq!(history(&journal, 10, None).await.today, tally(16));
}

async fn an_input_is_done_once_every_row_of_it_is(ground: Ground) {
    let journal = ground.open().await;
    let terms = || Terms { input_sha256: Some("aa".into()), ..Terms::default() };
    let same = |open, run: &RunId| Some(SameInput { run: run.clone(), finished_at: at(9), open });
    let stopped = begin(&journal, "job", terms()).await;
    assert_eq!(history(&journal, 10, Some("aa")).await.same_input, None, "it has not finished");
    let finished = |run: &RunId, exit_code| Finished { run: run.clone(), at: at(9), exit_code, stopped: None };
    journal.finish_run(finished(&stopped, 4)).await.unwrap();
    assert_eq!(history(&journal, 10, Some("aa")).await.same_input, None, "it stopped part-way");
    let run = begin(&journal, "job", terms()).await;
    for number in 1..=3 {
        send(&journal, &run, number, 1, Outcome::Refused(Refusal::PaymentPending)).await.unwrap();
    }
    journal.finish_run(finished(&run, 1)).await.unwrap();
    assert_eq!(history(&journal, 10, Some("bb")).await.same_input, None);
    assert_eq!(history(&journal, 10, Some("aa")).await.same_input, same(0, &run));
    let why = Reopened { reason: "DOKU lost it".into(), by: "budi".into() };
    journal.reopen(vec![item(&journal, 2).await.id], why, at(11)).await.unwrap();
    assert_eq!(history(&journal, 12, Some("aa")).await.same_input, same(1, &run), "what is reopened is open");
    let held = NewRow { fate: RowFate::Held, ..new_row(1, 9) };
    let held = NewRun { rows: Arc::new(vec![held]), terms: terms(), ..new_run("job", &[]) };
    let later = journal.begin_run(held).await.unwrap();
    journal.finish_run(finished(&later, 1)).await.unwrap();
    assert_eq!(history(&journal, 12, Some("aa")).await.same_input, same(1, &later), "what is held is open");
}

async fn an_override_is_an_entry_of_the_log(ground: Ground) {
    let journal = ground.open().await;
    let overrides = ["max_total", "max_orders"].map(|guard| Overridden {
        guard: guard.into(),
        from: "5".into(),
        to: "9".into(),
        reason: "a second batch".into(),
        by: "ani".into(),
    });
    let run = begin(&journal, "job", Terms { overrides: overrides.to_vec(), ..Terms::default() }).await;
    let other = begin(&journal, "job", Terms::default()).await;
    assert_eq!(journal.overrides(&run).await.unwrap(), overrides);
    assert_eq!(journal.overrides(&other).await.unwrap(), []);
    let checked = journal.check().await.unwrap();
    assert_eq!((checked.entries(), checked.flaws.len()), (4, 0));
}
