//! What guards rely on: caps of a day are held at the intent, sums are those of the items, and earlier runs are remembered.

use rusqlite::Connection;

use super::*;
use crate::journal::history::{Asked, DayCaps, History, Terms};
use crate::model::ids::RunId;
use crate::model::money::Tally;

fn within(orders: Option<u64>, rupiah: Option<u64>) -> Terms {
    Terms { caps: DayCaps { orders, rupiah }, ..Terms::default() }
}

async fn begin(journal: &SqliteJournal, job: &str, terms: Terms) -> RunId {
    journal.begin_run(NewRun { terms, ..new_run(job, &[1, 2, 3]) }).await.unwrap()
}

/// Sends one order of 90.000 at a time; what it is refused for, if it is.
async fn send(
    journal: &SqliteJournal,
    run: &RunId,
    number: u32,
    time: i64,
    outcome: Outcome,
) -> Result<(), JournalError> {
    let Intent::First(intent) = first(run, number, "body") else { unreachable!("first makes a first intent") };
    let intent = journal.record_intent(Intent::First(Box::new(First { at: at(time), ..*intent }))).await?;
    journal.record_outcome(ended(intent.attempt(), outcome)).await.map(drop)
}

async fn history(journal: &SqliteJournal, time: i64, input: Option<&str>) -> History {
    let asked = Asked { job: "job".into(), runs: 3, input_sha256: input.map(str::to_owned), now: at(time) };
    journal.history(&account(), asked).await.unwrap()
}

fn tally(count: u64) -> Tally {
    Tally { count, rupiah: Rupiah::new(90_000 * count) }
}

#[tokio::test]
async fn caps_and_sums_that_were_changed_by_hand_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = open(&path);
    let run = begin(&journal, "job", within(Some(2), None)).await;
    send(&journal, &run, 1, 1, Outcome::Applied).await.unwrap();
    drop(journal);
    let connection = Connection::open(&path).unwrap();
    assert!(connection.execute_batch("UPDATE run SET most_orders_per_day = 9").is_err());
    connection.execute_batch("UPDATE day SET orders = 0").unwrap();
    drop(connection);
    let refused = SqliteJournal::open(&path).err().expect("it is damaged").to_string();
    assert!(refused.contains("refund on 2026-11-22: the sum of the day is not that of its items"), "{refused}");
}

/// What this version added, taken away again: version 2 wrote the same entries.
const BACK_TO_VERSION_2: &str = "DROP TRIGGER run_keeps_its_terms; DROP TABLE day; ALTER TABLE run DROP COLUMN input_sha256; \
     ALTER TABLE run DROP COLUMN most_orders_per_day; ALTER TABLE run DROP COLUMN most_rupiah_per_day; PRAGMA user_version = 2";

#[tokio::test]
async fn a_journal_of_version_2_is_carried_over_with_the_sums_of_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = open(&path);
    let run = begin(&journal, "job", Terms::default()).await;
    send(&journal, &run, 1, 1, Outcome::Applied).await.unwrap();
    send(&journal, &run, 2, 1, Outcome::NotSent(Unsent::Connect)).await.unwrap();
    // Half past eleven in the evening, in UTC, is the next day in WIB.
    send(&journal, &run, 3, 15 * 3600 + 1800, Outcome::Refused(Refusal::PaymentPending)).await.unwrap();
    drop(journal);
    Connection::open(&path).unwrap().execute_batch(BACK_TO_VERSION_2).unwrap();
    assert!(SqliteJournal::open_to_read(&path).is_err(), "a reader changes nothing");
    let journal = open(&path);
    assert_eq!(journal.check().unwrap().flaws, [""; 0]);
    assert_eq!(history(&journal, 2, None).await.today, tally(1));
    assert_eq!(history(&journal, 16 * 3600, None).await.today, tally(1));
    assert!(folder.path().join("journal.db.version-2").exists(), "the old one was copied first");
}
