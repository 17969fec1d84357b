//! The bugs in tests/bugs fit the sources as they are now, so that `tests/bugs/run.sh` can try the tests on each of them.

use std::path::Path;

use crate::support::{entries, repository};

/// What keeps a patch from being of use: it does not say what it is about, or it does not fit.
fn complaints(patch: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let Some((head, changes)) = patch.split_once("\n\n") else { return vec!["it has no text of its own".to_owned()] };
    let mut wrong = Vec::new();
    let head: Vec<&str> = head.lines().collect();
    let is_sentence = |line: &&str| line.starts_with(|first: char| !first.is_lowercase()) && line.ends_with('.');
    match head.as_slice() {
        [bug, failure] if is_sentence(bug) && is_sentence(failure) => {}
        [bug, failure, first] if is_sentence(bug) && is_sentence(failure) && first.starts_with("Look first: ") => {}
        _ => wrong.push("it does not say in a sentence what the bug is, and in another what comes of it".to_owned()),
    }
    let (mut path, mut text) = ("", None);
    let mut hunks = 0;
    for part in changes.split_inclusive('\n').collect::<Vec<_>>().chunk_by(|_, next| !starts_a_part(next)) {
        match part[0].trim_end() {
            name if name.starts_with("--- a/") => {
                path = name.trim_start_matches("--- a/");
                text = read(path);
            }
            place if place.starts_with("@@ ") => {
                hunks += 1;
                if [part.get(1), part.last()].iter().any(|line| !line.is_some_and(|line| line.starts_with(' '))) {
                    wrong.push(format!("{path}: a change without a line before and behind it is not found: {place}"));
                }
                let old = part[1..].iter().filter(|line| !line.starts_with('+')).map(|line| &line[1..]);
                let old: String = old.collect();
                let found = text.as_ref().map_or(0, |text| text.matches(&old).count());
                if found != 1 {
                    wrong.push(format!("{path}: what it changes is there {found} times: {old}"));
                }
            }
            name if name.starts_with("+++ b/") && name.trim_start_matches("+++ b/") == path => {}
            other => wrong.push(format!("it says {other:?} where it should not")),
        }
    }
    if hunks == 0 {
        wrong.push("it changes nothing".to_owned());
    }
    wrong
}

fn starts_a_part(line: &str) -> bool {
    ["--- a/", "+++ b/", "@@ "].into_iter().any(|start| line.starts_with(start))
}

#[test]
fn every_seeded_bug_says_what_it_is_and_fits_the_sources() {
    let read = |path: &str| std::fs::read_to_string(repository(path)).ok();
    let is_patch = |path: &Path| path.extension().is_some_and(|extension| extension == "patch");
    let mut wrong = Vec::new();
    let patches = entries(&repository("tests/bugs")).into_iter().filter(|path| is_patch(path));
    for (path, number) in patches.zip(1..) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.starts_with(&format!("{number:02}-")) {
            wrong.push(format!("{name}: it is number {number}"));
        }
        let patch = std::fs::read_to_string(&path).expect("a patch");
        wrong.extend(complaints(&patch, &read).into_iter().map(|why| format!("{name}: {why}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_patch_that_does_not_fit_any_more_is_complained_about() {
    let text = "one\ntwo\nthree\nfour\n";
    let read = |path: &str| (path == "src/a.rs").then(|| text.to_owned());
    let patch =
        |head: &str, path: &str, hunk: &str| format!("{head}\n\n--- a/{path}\n+++ b/{path}\n@@ -1,3 +1,3 @@\n{hunk}");
    let (head, hunk) = ("Two is 2.\nThree comes late.", " one\n-two\n+2\n three\n");
    assert_eq!(complaints(&patch(head, "src/a.rs", hunk), &read), [""; 0]);
    assert_eq!(complaints(&patch(&format!("{head}\nLook first: a::b"), "src/a.rs", hunk), &read), [""; 0]);
    for bad in [
        patch(head, "src/b.rs", hunk),
        patch(head, "src/a.rs", " one\n-2\n+two\n three\n"),
        patch(head, "src/a.rs", "-two\n+2\n three\n"),
        patch(head, "src/a.rs", " one\n-two\n+2\n"),
        patch(head, "src/a.rs", " one\n-two\n+2\n four\n"),
        patch("two is 2", "src/a.rs", hunk),
        format!("{head}\n\n--- a/src/a.rs\n+++ b/src/a.rs\n"),
        head.to_owned(),
    ] {
        assert_eq!(complaints(&bad, &read).len(), 1, "{bad}");
    }
}
