//! `docs/verdicts.md` says what the program says: all of its words, and no others.

use std::collections::{BTreeMap, BTreeSet};

use rekon::job::parse;
use rekon::model::verdict::Verdict;
use rekon::reconcile::evidence::UnmatchedReason;
use rekon::reconcile::reason::{Ageing, Key, Reason};
use rekon::report::action::Action;
use rekon::report::rows::RECONCILIATION;

use crate::support::repository;

fn document() -> String {
    std::fs::read_to_string(repository("docs/verdicts.md")).expect("docs/verdicts.md is there")
}

/// The lines from a heading to the next one that is not below it.
fn section(text: &str, heading: &str) -> String {
    let depth = |line: &str| line.split(' ').next().filter(|word| word.starts_with('#')).map(str::len);
    let mut lines = text.lines().skip_while(|line| !line.starts_with(heading));
    let own = lines.next().and_then(depth).unwrap_or_else(|| panic!("{heading} is there"));
    lines.take_while(|line| depth(line).is_none_or(|depth| depth > own)).collect::<Vec<_>>().join("\n")
}

/// The words in the first column of the tables.
fn first_column(section: &str) -> BTreeSet<String> {
    let cell = |line: &str| line.strip_prefix("| `")?.split_once("` |").map(|(word, _)| word.to_owned());
    section.lines().filter_map(cell).collect()
}

#[test]
fn every_verdict_and_every_reason_is_explained_and_no_other() {
    let text = document();
    let mut expected: BTreeMap<Verdict, BTreeSet<String>> = BTreeMap::new();
    for reason in Reason::all() {
        let words = match reason {
            Reason::Disagree(book, doku) => {
                assert!(text.contains(&format!("`{book}`")) && text.contains(&format!("`{doku}`")), "{reason}");
                "book BOOK but DOKU STATUS".to_owned()
            }
            plain => plain.to_string(),
        };
        expected.entry(reason.verdict()).or_default().insert(words);
    }
    assert_eq!(expected.len(), Verdict::ALL.len());
    for (verdict, reasons) in expected {
        let heading = format!("### `{verdict}`");
        assert_eq!(first_column(&section(&text, &heading)), reasons, "{verdict}");
        let title = text.lines().find(|line| line.starts_with(&heading)).unwrap_or_default();
        let told = title.contains("(error)") || title.contains("(exit code 3)");
        assert_eq!(told, verdict.needs_a_person(), "{title}");
    }
}

#[test]
fn what_stands_behind_a_reason_and_in_the_other_files_is_explained_too() {
    let text = document();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<String>>();
    let behind = section(&text, "## What stands behind a reason");
    for ageing in Ageing::ALL {
        assert!(behind.contains(&format!("`{}`", ageing.word())), "{ageing:?}");
    }
    let keys = [Key::Own, Key::RequestId, Key::Invoice, Key::Reference];
    let labels: Vec<&str> = keys.into_iter().filter_map(Key::label).collect();
    assert_eq!(first_column(&behind), words(&labels));
    let unmatched = first_column(&section(&text, "## Lines of the logs that prove nothing"));
    assert_eq!(unmatched, words(&UnmatchedReason::ALL.map(UnmatchedReason::word)));
    let actions = Action::ALL;
    assert_eq!(first_column(&section(&text, "## What to do next")), words(&actions.map(Action::word)));
}

#[test]
fn every_column_of_the_reconciliation_is_explained() {
    let text = document();
    let columns = section(&text, "## The columns of `reconciliation.csv`");
    let told =
        first_column(&columns).iter().flat_map(|cell| cell.split("`, `")).map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(told, RECONCILIATION.map(str::to_owned).into());
}

#[test]
fn the_jobs_in_it_are_good() {
    let text = document();
    let examples: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let audit = "job: a\noperation: audit\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n";
    assert_eq!(examples.len(), 2);
    for example in examples {
        let job = if example.starts_with("job:") { example.to_owned() } else { format!("{audit}{example}") };
        assert!(parse("docs/verdicts.md", &job).is_ok(), "{example}");
    }
}
