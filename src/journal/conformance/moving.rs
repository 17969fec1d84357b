//! A journal moves from one store into the other and back, and is the same.

use super::*;
use crate::journal::JournalError;
use crate::journal::moving::copy;
use crate::journal::state::State;

#[tokio::test]
async fn a_journal_moves_into_the_other_store_and_back_to_the_last_hash() {
    let Some(database) = Ground::in_postgres() else { return };
    let (file, other_file) = (Ground::in_sqlite(), Ground::in_sqlite());
    let journal = eventful(&file).await;
    let before = journal.check().await.unwrap();
    assert_eq!(copy(&journal, &database.location()).await.unwrap(), before);
    let shared = database.open().await;
    assert_eq!(item(&shared, 1).await.state, State::Succeeded);
    // What was left open is unknown there too, and the work goes on behind the last numbers.
    assert_eq!(shared.recover(at(20)).await.unwrap(), 1);
    let run = shared.begin_run(new_run("job", &[8])).await.unwrap();
    assert!(run.as_str().ends_with("-0002"), "{run}");
    let sent = shared.record_intent(first(&run, 8, "body")).await.unwrap();
    shared.record_outcome(ended(sent.attempt(), Outcome::Applied)).await.unwrap();
    assert_eq!(copy(&shared, &other_file.location()).await.unwrap(), shared.check().await.unwrap());
    let back = other_file.open().await;
    assert_eq!(item(&back, 8).await.state, State::Succeeded);
    back.begin_run(new_run("job", &[9])).await.unwrap();
    assert_eq!(back.check().await.unwrap().flaws, [""; 0]);
    assert_eq!(journal.check().await.unwrap(), before, "the old one stays as it is");
}

#[tokio::test]
async fn a_journal_is_copied_into_an_empty_place_only_and_while_nobody_is_at_work() {
    let Some(database) = Ground::in_postgres() else { return };
    let (file, filled) = (Ground::in_sqlite(), Ground::in_sqlite());
    let journal = eventful(&file).await;
    drop(eventful(&filled).await);
    let refused = copy(&journal, &filled.location()).await.unwrap_err().to_string();
    assert!(refused.contains("it holds something already"), "{refused}");
    let shared = eventful(&database).await;
    let refused = copy(&journal, &database.location()).await.unwrap_err().to_string();
    assert!(refused.contains("it holds something already"), "{refused}");
    let looking = Store::open_to_read(&database.location()).await.unwrap().unwrap();
    let held = copy(&looking, &Ground::in_sqlite().location()).await;
    assert!(matches!(held, Err(JournalError::Held { .. })), "{held:?}");
    drop(shared);
}
