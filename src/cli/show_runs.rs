//! `rekon show` of nothing in particular: the runs, newest first, and the money that is in doubt.

use std::collections::BTreeMap;

use super::at_work::{AtWork, UnderWay};
use super::chain;
use super::screen::{Screen, Tone};
use crate::journal::record::{Item, RunRecord};
use crate::model::fault::printable;
use crate::model::money::Tally;
use crate::reconcile::evidence::DoneState;
use crate::report::table;
use crate::report::words::Words;
use crate::report::words::speech::Speech;

/// Older runs than these are counted only, unless they left something in doubt: what is below them must stay in sight.
const MOST_RUNS: usize = 20;

/// More items in doubt than these are counted only; results.csv has them all.
const MOST_DOUBTS: usize = 50;

/// The runs, the newest first, what is under way and what is in doubt now; `flag` names the journal in what is to be typed.
pub(super) fn list(
    (runs, at_work): (&[RunRecord], &AtWork),
    (under_way, doubts): (&[Item], &[Item]),
    flag: &str,
    (words, screen): (&Speech, Screen),
) {
    screen.say(&list_runs(runs, at_work, words));
    if !at_work.is_empty() {
        screen.say(&format!("\n{}", screen.told(&UnderWay::of(under_way).told(&at_work.who(None)))));
    }
    list_doubts(doubts, flag, (words, screen));
    let document: Vec<serde_json::Value> = runs
        .iter()
        .map(|run| {
            serde_json::json!({
                "run": run.run, "job": run.job, "operation": run.operation, "environment": run.environment,
                "rows": run.rows, "in_doubt": run.in_doubt, "exit_code": run.exit_code,
                "stopped": run.stopped.as_ref().map(Words::cause_in_english),
            })
        })
        .collect();
    let [under_way, doubts] =
        [under_way, doubts].map(|items| items.iter().map(chain::item_document).collect::<Vec<serde_json::Value>>());
    let document = serde_json::json!({ "version": 1, "runs": document, "in_doubt": doubts, "under_way": under_way });
    screen.document(document.to_string().as_bytes());
}

/// Fits 80 columns with ordinary names: what a run did, its own page and its job say.
fn list_runs(runs: &[RunRecord], at_work: &AtWork, words: &Speech) -> String {
    if runs.is_empty() {
        return format!("  {}", words.no_runs);
    }
    let (shown, older): (Vec<_>, Vec<_>) =
        runs.iter().enumerate().partition(|(index, run)| *index < MOST_RUNS || run.in_doubt > 0);
    let row = |(_, run): &(usize, &RunRecord)| {
        vec![
            run.run.to_string(),
            run.job.clone(),
            run.environment.clone(),
            ended_with(run, at_work, words),
            (words.count)(run.rows),
            (words.count)(run.in_doubt),
        ]
    };
    let table = table::plain(&words.runs, shown.iter().map(row).collect(), 4..6);
    match older.len() as u64 {
        0 => table,
        count => format!("{table}\n  {}", (words.older_runs)(count)),
    }
}

/// How much a run has left in doubt: what it has sent or asked about, or rows that it has not even come to.
pub(super) fn in_doubt(touched: u64, states: &BTreeMap<DoneState, Tally>) -> u64 {
    let doubts = [DoneState::Unknown, DoneState::Review, DoneState::Conflict];
    let rows = doubts.iter().filter_map(|state| states.get(state)).map(|tally| tally.count).sum();
    touched.max(rows)
}

/// An exit code with its word, or with why the run stopped. One without an end was cut off, unless somebody is at work on it.
pub(super) fn ended_with(run: &RunRecord, at_work: &AtWork, words: &Speech) -> String {
    let Some(code) = run.exit_code else {
        return if at_work.is_on(&run.run) { words.running } else { words.cut_off }.to_owned();
    };
    let word = run.stopped.as_ref().map_or((words.ended_with)(code), words.cause);
    format!("{code} {}", printable(word)).trim_end().to_owned()
}

/// The items that nobody knows about, of all runs, and what to type.
fn list_doubts(doubts: &[Item], flag: &str, (words, screen): (&Speech, Screen)) {
    let mut tally = Tally::default();
    doubts.iter().for_each(|item| tally.add(item.amount));
    if doubts.is_empty() {
        screen.say(&format!("\n{}", screen.tone(Tone::Good, words.no_doubt)));
        return;
    }
    screen.say(&format!("\n{}\n", screen.tone(Tone::Bad, &(words.items_in_doubt)(tally))));
    screen.say(&table_of(doubts, words));
    if doubts.len() > MOST_DOUBTS {
        screen.say(&(words.and_more)((doubts.len() - MOST_DOUBTS) as u64));
    }
    screen.say(&format!("\n{}", (words.doubt_hints)(flag)));
}

/// A night's doubts are mostly of one job: what they share is said once, so that the table fits 80 columns.
fn table_of(doubts: &[Item], words: &Speech) -> String {
    let whose = |item: &Item| format!("{} ({})", item.job, (words.operation)(item.identity.account.operation.word()));
    let shared = doubts.first().map(whose).filter(|first| doubts.iter().all(|item| whose(item) == *first));
    let in_wib = |item: &Item| (words.time)(item.first_intent_at).trim_end_matches(" WIB").to_owned();
    let rows = doubts.iter().take(MOST_DOUBTS).map(|item| {
        let mut row = vec![
            item.identity.invoice.to_string(),
            item.amount.to_string(),
            (words.item_state)(item.state),
            item.reason.clone(),
            in_wib(item),
        ];
        row.extend(shared.is_none().then(|| whose(item)));
        row
    });
    let columns = if shared.is_none() { words.doubts.len() } else { words.doubts.len() - 1 };
    let table = table::plain(&words.doubts[..columns], rows.collect(), 1..2);
    shared.map_or_else(|| table.clone(), |shared| format!("  {}\n\n{table}", (words.all_of_job)(&printable(&shared))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::cause::Cause;
    use crate::journal::identity::Identity;
    use crate::journal::record::testing;
    use crate::journal::state::State;
    use crate::model::ids::{InvoiceNumber, RunId};
    use crate::model::language::Language;
    use crate::model::time::parse_instant;

    fn english() -> &'static Speech {
        Speech::of(Language::English)
    }

    fn run(number: usize, exit_code: Option<u8>, in_doubt: u64) -> RunRecord {
        let at = parse_instant("2026-11-21T18:02:11Z").unwrap();
        RunRecord {
            run: RunId::new(&format!("20261122-010211-{number:04}")).unwrap(),
            job: "refund-nightly".to_owned(),
            operation: "refund".to_owned(),
            environment: "production".to_owned(),
            started_at: at,
            finished_at: exit_code.map(|_| at),
            exit_code,
            stopped: None,
            rows: 1200,
            in_doubt,
        }
    }

    #[test]
    fn a_run_says_how_it_ended_and_what_it_left_in_doubt() {
        let stopped =
            |number, code, in_doubt, why| RunRecord { stopped: Some(why), ..run(number, Some(code), in_doubt) };
        let runs = [
            run(9, None, 0),
            run(8, None, 1),
            run(7, None, 1),
            run(6, Some(0), 0),
            run(5, Some(1), 0),
            run(4, Some(3), 12),
            run(3, Some(4), 0),
            stopped(2, 4, 0, Cause::Interrupted),
            stopped(1, 3, 5, Cause::Breaker { failed: 5, of: None }),
        ];
        let expected = "  run                   job             environment  ended with  rows  in doubt
  20261122-010211-0009  refund-nightly  production   cut off     1200         0
  20261122-010211-0008  refund-nightly  production   running     1200         1
  20261122-010211-0007  refund-nightly  production   running     1200         1
  20261122-010211-0006  refund-nightly  production   0 done      1200         0
  20261122-010211-0005  refund-nightly  production   1 look      1200         0
  20261122-010211-0004  refund-nightly  production   3 in doubt  1200        12
  20261122-010211-0003  refund-nightly  production   4 stopped   1200         0
  20261122-010211-0002  refund-nightly  production   4 signal    1200         0
  20261122-010211-0001  refund-nightly  production   3 breaker   1200         5";
        let at_work = AtWork::of([7, 8].map(|number| run(number, None, 0).run));
        assert_eq!(list_runs(&runs, &at_work, english()), expected);
        assert!(expected.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn rows_that_a_run_had_not_come_to_when_it_was_cut_off_are_in_doubt_all_the_same() {
        let tally = |count| Tally { count, ..Tally::default() };
        let rows = |unknown, review| {
            BTreeMap::from([
                (DoneState::Unknown, tally(unknown)),
                (DoneState::Review, tally(review)),
                (DoneState::NotAttempted, tally(9)),
            ])
        };
        assert_eq!(in_doubt(0, &rows(2, 1)), 3);
        // One that only settles has no rows.
        assert_eq!(in_doubt(4, &rows(0, 0)), 4);
    }

    #[test]
    fn older_runs_are_counted_unless_they_left_something_in_doubt() {
        let runs: Vec<RunRecord> = (0..30).map(|age| run(30 - age, Some(0), u64::from(age == 27))).collect();
        let text = list_runs(&runs, &AtWork::default(), english());
        assert_eq!(text.lines().count(), 1 + MOST_RUNS + 1 + 1, "{text}");
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        assert_eq!(last[0], "  and 9 older runs, with nothing in doubt; --json lists all");
        assert!(last[1].starts_with("  20261122-010211-0003 "), "{text}");
    }

    #[test]
    fn doubts_of_one_job_fit_the_screen_and_those_of_several_say_whose_they_are() {
        let lost = |invoice: &str| Item {
            state: State::Unknown,
            reason: "bad_signature".to_owned(),
            identity: Identity { invoice: InvoiceNumber::new(invoice).unwrap(), ..testing::item().identity },
            ..testing::item()
        };
        let (first, second) = (lost("INV/2026/11/00001"), lost("INV/2026/11/00002"));
        let expected = "  all of job refund-nightly (refund)

  invoice               rupiah  state    reason         first sent in WIB
  INV/2026/11/00001  Rp 90.000  unknown  bad_signature  2026-11-22 15:00:00
  INV/2026/11/00002  Rp 90.000  unknown  bad_signature  2026-11-22 15:00:00";
        assert_eq!(table_of(&[first.clone(), second.clone()], english()), expected);
        assert!(expected.lines().all(|line| line.chars().count() <= 80));
        let text = table_of(&[first, Item { job: "by-hand".into(), ..second }], english());
        let ends = |line: usize, end: &str| text.lines().nth(line).is_some_and(|line| line.ends_with(end));
        assert!(ends(0, " job") && ends(1, "refund-nightly (refund)"), "{text}");
        assert!(ends(2, "by-hand (refund)"), "{text}");
    }

    #[test]
    fn a_journal_without_runs_says_so() {
        assert_eq!(list_runs(&[], &AtWork::default(), english()), "  no runs yet");
    }
}
