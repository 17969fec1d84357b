//! The documents say what the program says: all of its words, and no others.

use std::collections::{BTreeMap, BTreeSet};

use rekon::job::parse;
use rekon::model::language::Language;
use rekon::model::verdict::Verdict;
use rekon::reconcile::evidence::{DoneState, UnmatchedReason};
use rekon::reconcile::reason::{Ageing, Key, Reason};
use rekon::report::action::Action;
use rekon::report::rows::RECONCILIATION;
use rekon::report::words::Words;

use crate::support::{entries, repository};

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

/// The fenced blocks of a document: what stands behind the fence, and what is inside.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

#[test]
fn the_words_of_the_page_stand_beside_their_codes() {
    let page = std::fs::read_to_string(repository("docs/report.md")).expect("docs/report.md is there");
    let (english, indonesian) = (Words::of(Language::English), Words::of(Language::Indonesian));
    let states = DoneState::ALL.map(|one| (one.word(), (english.state_name)(one), (indonesian.state_name)(one)));
    let verdicts = Verdict::ALL.map(|one| (one.word(), (english.verdict_name)(one), (indonesian.verdict_name)(one)));
    let actions = Action::ALL.map(|one| (one.word(), (english.action_name)(one), (indonesian.action_name)(one)));
    let lines = UnmatchedReason::ALL.map(|one| (one.word(), (english.line_name)(one), (indonesian.line_name)(one)));
    let expected = [&states[..], &verdicts, &actions, &lines].concat();
    let expected: Vec<String> = expected
        .into_iter()
        .map(|(code, english, indonesian)| format!("| `{code}` | {english} | {indonesian} |"))
        .collect();
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_job_reference_is_the_template() {
    let read = |name: &str| std::fs::read_to_string(repository(name)).expect("it is there");
    let (page, template) = (read("docs/job.md"), read("jobs/template.yaml"));
    let (_, keys) = template.split_once("\n\n").expect("it begins with what it is");
    let shown: Vec<&str> = blocks(&page)
        .into_iter()
        .filter(|(info, _)| *info == "yaml from=jobs/template.yaml")
        .map(|(_, text)| text)
        .collect();
    let expected: Vec<String> = keys.split("\n\n").map(|section| section.trim_end().to_owned() + "\n").collect();
    if std::env::var_os("REKON_BLESS").is_some() && shown.len() == expected.len() {
        let right = shown.iter().zip(&expected).fold(page.clone(), |page, (old, new)| page.replacen(old, new, 1));
        std::fs::write(repository("docs/job.md"), right).expect("it is written");
    }
    assert_eq!(shown, expected, "every section of the template, in its order");
}

#[test]
fn every_link_leads_somewhere() {
    for path in entries(&repository("docs")) {
        let text = std::fs::read_to_string(&path).expect("a document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { repository("docs").join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            let headings = |line: &str| line.starts_with('#').then(|| anchor(line.trim_start_matches('#').trim()));
            let found = || {
                std::fs::read_to_string(&target)
                    .expect("a document")
                    .lines()
                    .filter_map(headings)
                    .any(|one| one == heading)
            };
            assert!(heading.is_empty() || found(), "{}: {link}", path.display());
        }
    }
}

/// What a heading is called in links.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    kept.chars()
        .filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'))
        .map(|one| if one == ' ' { '-' } else { one })
        .collect()
}

#[test]
fn what_can_be_typed_is_in_a_block_that_is_played() {
    let pages = entries(&repository("docs")).into_iter().chain([repository("README.md")]);
    for path in pages {
        let text = std::fs::read_to_string(&path).expect("a document");
        for (info, inside) in blocks(&text) {
            let typed = inside.lines().find(|line| line.trim_start().starts_with("rekon "));
            assert!(matches!(info, "console" | "sh") || typed.is_none(), "{}: {typed:?}", path.display());
        }
    }
}
